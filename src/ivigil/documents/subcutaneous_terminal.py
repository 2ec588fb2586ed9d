"""The start plan under the skin on the terminal: short, with a word and a shape beside every colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table

from ivigil.documents.candidates import candidate_groups
from ivigil.documents.citations import Citations
from ivigil.documents.terminal import INDENT, WIDEST, _instruction, _line, _pairs, _section, _sources, render_findings
from ivigil.documents.wording import SIGNS, day, duration, moment, number, short_id, vials
from ivigil.findings import MayBe, Severity
from ivigil.prescription.subcutaneous_plan import SubcutaneousInfusion, SubcutaneousOrder, SubcutaneousPlan


def render_start(plan: SubcutaneousPlan, console: Console) -> None:
    """Print a start plan. A blocked one says first what blocks and how it may be accepted, and shows no dose."""
    wide = min(console.width, WIDEST)
    cited = Citations.over(plan.sources, _in_reading_order(plan))

    def show(parts: Iterable[RenderableType]) -> None:
        for part in parts:
            console.print(part, width=wide, highlight=False)

    show([_header(plan)])
    show(_section(_tally(plan), [_line("")]))
    render_findings(plan.findings, console, plan.accepted, cited)
    if plan.order is not None:
        show(_section("Start under the skin", [_ordered(plan.order, cited)]))
        show(_section("First infusions", [_infusions(plan.infusions), *_then(plan.order, plan.infusions)]))
        show(_section("What to know", [_instruction(one, cited) for one in plan.order.notes]))
        show(
            _section("On a reaction: first lines", [_instruction(one, cited) for one in plan.first_lines_on_a_reaction])
        )
    else:
        show(_section("What may be accepted", _acceptable(plan)))
    show(_section("Products considered", [_candidates(plan)]))
    show(_section("Sources", [_sources(cited)] if cited.rows() else []))
    show([_line(""), _line((plan.notice, "bold"))])


def _in_reading_order(plan: SubcutaneousPlan) -> Iterator[str]:
    if plan.order is not None:
        yield from plan.order.sources
        for note in plan.order.notes:
            yield from note.sources
    for infusion in plan.infusions:
        yield from infusion.sources
    for row in plan.first_lines_on_a_reaction:
        yield from row.sources
    for finding in plan.findings:
        yield from finding.sources


def _header(plan: SubcutaneousPlan) -> RenderableType:
    blocked = plan.status == "blocked"
    mark = (" BLOCKED ", "bold white on red") if blocked else (" DRAFT ", "bold reverse")
    rest = " no dose: nothing may be given" if blocked else " not signed"
    synthetic = [("   [SYNTHETIC PATIENT]", "bold")] if plan.synthetic else []
    what = (
        plan.indication_name if plan.order is None else f"{plan.order.brand} under the skin for {plan.indication_name}"
    )
    return Group(
        _line(mark, rest, *synthetic),
        _line((what, "bold")),
        _line("patient ", (plan.patient_ref, "bold"), f" · {plan.status} · plan ", (short_id(plan.plan_id), "bold")),
        _line((f"valid until {moment(plan.valid_until)}", "dim")),
    )


def _tally(plan: SubcutaneousPlan) -> str:
    counts = {one: sum(finding.severity is one for finding in plan.findings) for one in Severity}
    return "Findings: " + ", ".join(f"{SIGNS[one]} {count} {one.value}" for one, count in counts.items() if count)


def _ordered(order: SubcutaneousOrder, cited: Citations) -> RenderableType:
    iv, dose = order.from_iv, ""
    if iv is not None and order.factor is not None:
        dose = (
            f"{number(iv.dose_g)} g every {iv.interval_days} days = {number(iv.weekly_g)} g a week × "
            f"{number(order.factor)} = {number(order.weekly_dose_g)} g a week"
        )
    elif order.dose_g_per_kg_week is not None:
        dose = f"{number(order.dose_g_per_kg_week)} g/kg a week = {number(order.weekly_dose_g)} g a week"
    given = f"{number(order.dose_g)} g {order.schedule}"
    if order.dose_g != order.prescribed_dose_g:
        given += f" (in whole vials, of {number(order.prescribed_dose_g)} g)"
    sites = "not read" if order.max_sites is None else f"at most {order.max_sites} at a time"
    if order.spacing_cm is not None:
        sites += f", at least {number(order.spacing_cm)} cm apart"
    return _pairs(
        [
            ("dose", f"{dose} {cited.mark(order.sources)}"),
            ("given", given),
            ("first", day(order.first_on)),
            ("sites", sites),
            ("label", f"{order.region} {order.label_revision}".rstrip()),
            ("setting", order.setting),
        ]
    )


def _infusions(infusions: tuple[SubcutaneousInfusion, ...]) -> Table:
    rows = []
    for _, group in groupby(infusions, key=_alike):
        same = list(group)
        one = same[0]
        on = day(one.starts_at.date())
        if len(same) > 1:
            on += f"\n{len(same)} times, to {day(same[-1].starts_at.date())}"
        text = (
            f"{number(one.dose_g)} g ({vials(one.vials)}) = {number(one.total_ml)} mL"
            f"; {one.sites} {'site' if one.sites == 1 else 'sites'}: {_shares(one.site_volumes_ml)} mL"
            f"; each {_rates(one)} mL/h; {duration(one.duration_min)}"
        )
        rows.append((on, text))
    return _pairs(rows)


def _alike(one: SubcutaneousInfusion) -> object:
    return one.dose_g, one.vials, one.site_volumes_ml, one.steps, one.max_ml_per_h_per_site


def _shares(volumes: tuple[Decimal, ...]) -> str:
    return " + ".join(f"{len(list(same))} × {number(volume)}" for volume, same in groupby(volumes))


def _rates(one: SubcutaneousInfusion) -> str:
    planned = " → ".join(number(step.ml_per_h_per_site) for step in one.steps)
    highest = one.max_ml_per_h_per_site
    return planned if one.steps[-1].ml_per_h_per_site == highest else f"{planned} (to {number(highest)})"


def _then(order: SubcutaneousOrder, infusions: tuple[SubcutaneousInfusion, ...]) -> Iterator[RenderableType]:
    brackets = any(one.steps[-1].ml_per_h_per_site != one.max_ml_per_h_per_site for one in infusions)
    raised = "; the rate in brackets only if the lower one was borne" if brackets else ""
    yield _line(f"Then {number(order.dose_g)} g {order.schedule}{raised}.")


def _acceptable(plan: SubcutaneousPlan) -> list[RenderableType]:
    taken = {row.code for row in plan.accepted}
    standing = [one for one in plan.findings if one.severity is Severity.BLOCKS and one.code not in taken]
    never = dict.fromkeys(one.code for one in standing if one.may_be is MayBe.NEITHER)
    may = dict.fromkeys(one.code for one in standing if one.may_be is not MayBe.NEITHER)
    lines: list[RenderableType] = []
    if never:
        lines.append(_line("Nobody may accept: ", (", ".join(never), "bold"), ". Change the input, product or plan."))
    lines.extend(
        Padding(_line((f"--accept {code} --by NAME --role ROLE --because TEXT", "bold")), (0, 0, 0, INDENT))
        for code in may
    )
    return lines


def _candidates(plan: SubcutaneousPlan) -> RenderableType:
    lines: list[RenderableType] = []
    for group in candidate_groups(plan.candidates):
        products = ", ".join(group.products)
        if group.fits:
            lines.append(_line(("fits  ", "bold"), products))
        else:
            lines.append(_line(("does not fit  ", "dim"), products))
            lines.append(Padding(_line((group.code, "bold"), "  ", group.text), (0, 0, 0, INDENT)))
    return Group(*lines) if lines else _line("none")
