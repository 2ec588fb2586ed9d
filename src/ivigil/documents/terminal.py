"""The plan on the terminal: calm and dense, with a word and a shape beside every colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ivigil.documents.candidates import candidate_groups
from ivigil.documents.citations import KINDS, Citations, merged
from ivigil.documents.days import AlikeDays, alike_days
from ivigil.documents.staircase import staircase
from ivigil.documents.wording import (
    MAY_BE,
    NOT_VERIFIED,
    PATTERNS,
    SIGNS,
    accepted_by,
    accepted_for,
    clock,
    day,
    duration,
    moment,
    number,
    offset,
    per_kg,
    short_id,
    strength,
    vials,
    visible,
)
from ivigil.findings import Finding, MayBe, Severity
from ivigil.prescription.plan import Accepted, AnyPlan, Infusion, Instruction, Plan, Prescription

WIDEST = 120
STYLES: dict[Severity, str] = {Severity.BLOCKS: "bold red", Severity.WARNS: "yellow", Severity.INFORMS: "dim blue"}
INDENT = 2


def render_plan(plan: Plan, console: Console) -> None:
    """Print a plan. A blocked one says first what blocks and how it may be accepted, and shows no dose."""
    wide = min(console.width, WIDEST)
    for part in _parts(plan, wide):
        console.print(part, width=wide, highlight=False)


def render_findings(
    findings: Iterable[Finding],
    console: Console,
    accepted: Iterable[Accepted] = (),
    cited: Citations | None = None,
) -> None:
    """Print findings: sign, word and code; what was found; what to do; and who may accept one that blocks."""
    wide = min(console.width, WIDEST)
    by_code = {row.code: row for row in accepted}
    for finding in findings:
        taken = None if finding.may_be is MayBe.NEITHER else by_code.get(finding.code)
        console.print(_finding(finding, taken, cited), width=wide, highlight=False)


def _parts(plan: Plan, wide: int) -> Iterator[RenderableType]:
    cited = Citations(plan)
    yield _header(plan)
    if plan.status == "blocked":
        yield from section("What blocks, and what else was found", findings_shown(plan, cited))
        yield from section("What may be accepted", [acceptable(plan)])
        yield from section("Products considered", [candidates_table(plan)])
    else:
        yield from section(tally(plan), findings_shown(plan, cited))
        if plan.prescription is not None:
            yield from section("Prescription", [_prescription(plan.prescription, plan, cited)])
        for days in alike_days(plan.infusions):
            yield from section(_day_title(days), [_days(days, wide)])
        yield from _administration(plan, cited)
        yield from section("Products considered", [candidates_table(plan)])
    yield from section("Sources", [sources_table(cited)] if cited.rows() else [])
    yield Text()
    yield _said(plan.notice, "bold")


def section(title: str, body: Iterable[RenderableType]) -> Iterator[RenderableType]:
    """A title with what stands under it, or nothing if that is nothing."""
    shown = list(body)
    if shown:
        yield Text()
        yield Text(title, style="bold underline")
        yield Group(*shown)


def _said(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)


def _line(*parts: tuple[str, str] | str) -> Text:
    return Text.assemble(
        *((visible(part), "") if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts)
    )


# ---- head


def _header(plan: Plan) -> RenderableType:
    if plan.prescription is None or plan.status == "blocked":
        return header(plan, "")
    strengths = " and ".join(dict.fromkeys(strength(one.concentration_g_per_ml) for one in plan.infusions))
    return header(plan, f"{plan.prescription.brand} {strengths}".rstrip())


def header(plan: AnyPlan, what: str) -> RenderableType:
    """Status, what is given (empty for a blocked plan) for which condition, patient, plan and validity."""
    blocked = plan.status == "blocked"
    marks = [(" BLOCKED ", "bold white on red") if blocked else (" DRAFT ", "bold reverse")]
    rest = " no dose: nothing may be given" if blocked else " not signed"
    synthetic: list[tuple[str, str] | str] = ["   ", ("[SYNTHETIC PATIENT]", "bold")] if plan.synthetic else []
    lines = [_line(*marks, rest, *synthetic)]
    lines.append(
        _line((what, "bold"), " for ", plan.indication_name) if what else _line((plan.indication_name, "bold"))
    )
    lines.append(
        _line("patient ", (plan.patient_ref, "bold"), f" · {plan.status} · plan ", (short_id(plan.plan_id), "bold"))
    )
    lines.append(_line((f"valid until {moment(plan.valid_until)}", "dim")))
    return Group(*lines)


def tally(plan: AnyPlan) -> str:
    """How many findings of each weight."""
    counts = {one: sum(finding.severity is one for finding in plan.findings) for one in Severity}
    return "Findings: " + ", ".join(f"{SIGNS[one]} {count} {one.value}" for one, count in counts.items() if count)


# ---- findings


def findings_shown(plan: AnyPlan, cited: Citations) -> list[RenderableType]:
    """Every finding, with who accepted it."""
    return [_finding(one, accepted_for(plan, one), cited) for one in plan.findings]


def _finding(finding: Finding, accepted: Accepted | None, cited: Citations | None) -> RenderableType:
    style = STYLES[finding.severity]
    mark = cited.mark(finding.sources) if cited else ""
    head = _line((f"{SIGNS[finding.severity]} {finding.severity.value:<8}", style), (finding.code, "bold"))
    if not finding.verified:
        head.append(f"  ({NOT_VERIFIED})", style="italic")
    body = [_line(finding.text, (f" {mark}" if mark else "", "dim"))]
    if finding.remedy:
        body.append(_line("→ ", finding.remedy))
    if accepted is not None:
        body.append(_line(("accepted", "bold"), f" by {accepted_by(accepted)}"))
    elif finding.severity is Severity.BLOCKS:
        body.append(_line((MAY_BE[finding.may_be], "bold")))
    return Group(head, Padding(Group(*body), (0, 0, 0, INDENT)))


def acceptable(plan: AnyPlan) -> RenderableType:
    """What stands in the way, and how a clinician accepts what may be accepted."""
    standing = [one for one in plan.findings if one.severity is Severity.BLOCKS and accepted_for(plan, one) is None]
    never = [one.code for one in standing if one.may_be is MayBe.NEITHER]
    may = dict.fromkeys(one.code for one in standing if one.may_be is not MayBe.NEITHER)
    lines: list[RenderableType] = []
    if never:
        lines.append(
            _line(
                "Nobody may accept: ", (", ".join(dict.fromkeys(never)), "bold"), ". Change the input, product or plan."
            )
        )
    if may:
        lines.append(_line("Plan again with, for each that a clinician accepts:"))
        lines.extend(
            Padding(_line((f"--accept {code} --by NAME --role ROLE --because TEXT", "bold")), (0, 0, 0, INDENT))
            for code in may
        )
    if not lines:
        lines.append(_line("Nothing: no finding stands open, and there is still no plan."))
    return Group(*lines)


# ---- prescription and days


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Names and values in two columns; a row without a value is left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        if value:
            table.add_row(name, _said(value))
    return table


def _prescription(ordered: Prescription, plan: Plan, cited: Citations) -> RenderableType:
    count = len(plan.infusions)
    dose = number(ordered.course_dose_g)
    if ordered.course_dose_g != ordered.prescribed_course_dose_g:
        dose += f" g in whole vials, of {number(ordered.prescribed_course_dose_g)}"
    following = "no interval in the source"
    if ordered.interval_days is not None and ordered.next_course_on is not None:
        following = f"{day(ordered.next_course_on)}, every {ordered.interval_days} days"
    rows = [
        (
            "dose",
            f"{number(ordered.dose_g_per_kg)} g/kg, {ordered.phase.value}, by {ordered.authority} {cited.mark(ordered.sources)}",
        ),
        (
            "dosing weight",
            f"{number(ordered.dosing_weight_kg)} kg ({ordered.weight_basis.value}; weighed {number(ordered.weight_kg)} kg;"
            f" rates on {number(ordered.rate_weight_kg)} kg)",
        ),
        ("course", f"{dose} g over {count} {'day' if count == 1 else 'days'}"),
        ("next course", following),
        ("label", f"{ordered.region} {ordered.label_revision}".rstrip()),
        ("off label", ordered.off_label or ""),
        ("setting", ordered.setting),
    ]
    if ordered.cost is not None:
        cost = ordered.cost
        rows.append(("cost", f"{number(cost.course)} {cost.currency} at {number(cost.price_per_g)} {cost.currency}/g"))
    for row in ordered.premedication:
        before = f", {row.min_before[0]}–{row.min_before[1]} min before" if row.min_before else ""
        text = f"{row.what}: {row.dose or 'dose by the prescriber'}, {row.route}{before}. {row.reason} {row.caution}"
        rows.append(("premedication", f"{text} {cited.mark(row.sources)}"))
    if not ordered.premedication:
        rows.append(("premedication", "none proposed"))
    return pairs(rows)


def _day_title(days: AlikeDays) -> str:
    return f"{days.title}: {number(days.first.dose_g)} g"


def _days(days: AlikeDays, wide: int) -> RenderableType:
    shown = days.first
    start, end = clock(shown.starts_at, 0), clock(shown.starts_at, shown.duration_min)
    waste = f"; {number(shown.waste_g)} g of the opened vials left over" if shown.waste_g else ""
    lots = [
        f"{lot.count} × {number(vial.size_g)} g lot {lot.lot}, expires {day(lot.expires_on)}"
        for vial in shown.vials
        for lot in vial.lots
    ]
    ceiling = f"; ceiling {number(shown.ceiling_ml_per_h)} mL/h" if shown.ceiling_ml_per_h is not None else ""
    facts = pairs(
        [
            ("on", ", ".join(day(one.starts_at.date()) for one in days.infusions)),
            ("time", f"{start} to {end}, {duration(shown.duration_min)} ({offset(shown.starts_at)})"),
            ("vials", f"{vials(shown.vials)}{waste}"),
            ("lots", "; ".join(lots)),
            ("volume", f"{number(shown.total_ml)} mL of {strength(shown.concentration_g_per_ml)}"),
            (
                "rates",
                f"{PATTERNS[shown.pattern]}, at most {per_kg(shown.max_rate_ml_per_kg_h)} mL/kg/h{ceiling}",
            ),
        ]
    )
    stairs = Text("\n".join(staircase(shown, wide - INDENT)), style="cyan", no_wrap=True)
    vitals = pairs([("vital signs", _vitals(shown))])
    return Group(facts, Text(), _steps(shown), Padding(stairs, (1, 0, 1, INDENT)), vitals)


def _vitals(infusion: Infusion) -> str:
    during = [clock(infusion.starts_at, at) for at in infusion.vitals_due_min if at <= infusion.duration_min]
    after = [clock(infusion.starts_at, at) for at in infusion.vitals_due_min if at > infusion.duration_min]
    return " ".join(during) + (f"; after the end {' '.join(after)}" if after else "")


def _steps(infusion: Infusion) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("at", no_wrap=True)
    for name in ("min", "mL/h", "mL/kg/h", "mg/kg/min", "mL", "so far mL"):
        table.add_column(name, justify="right", no_wrap=True, style="bold" if name == "mL/h" else "")
    table.add_column("rate · hold", no_wrap=True)
    for step in infusion.steps:
        by = step.basis if step.basis == step.hold_basis else f"{step.basis} · {step.hold_basis}"
        table.add_row(
            clock(infusion.starts_at, step.start_min),
            str(step.duration_min),
            number(step.pump_ml_per_h),
            per_kg(step.rate_ml_per_kg_h),
            per_kg(step.rate_mg_per_kg_min),
            number(step.volume_ml),
            number(step.cumulative_ml),
            by,
        )
    return table


# ---- administration, candidates, sources


def _administration(plan: Plan, cited: Citations) -> Iterator[RenderableType]:
    said = plan.administration
    if said is None:
        return
    parts = {
        "On a reaction: first lines": said.first_lines_on_a_reaction,
        "Preparing and hanging": said.preparation,
        "Fluid": said.hydration,
        "What to watch": said.monitoring,
    }
    for title, instructions in parts.items():
        yield from section(title, [instruction_line(one, cited) for one in merged(instructions)])


def instruction_line(one: Instruction, cited: Citations) -> Text:
    """One instruction, with its basis and sources."""
    policy = " (policy)" if one.basis == "policy" else ""
    return _line((f"{one.topic}. ", "bold"), one.text, (f"{policy} {cited.mark(one.sources)}".rstrip(), "dim"))


def candidates_table(plan: AnyPlan) -> RenderableType:
    """Products considered, those with the same first reason together."""
    lines: list[RenderableType] = []
    for group in candidate_groups(plan.candidates):
        products = ", ".join(group.products)
        if group.fits:
            lines.append(_line(("fits  ", "bold"), products))
        else:
            lines.append(_line(("does not fit  ", "dim"), products))
            lines.append(Padding(_line((group.code, "bold"), "  ", group.text), (0, 0, 0, INDENT)))
    return Group(*lines) if lines else _line("none")


def sources_table(cited: Citations) -> Table:
    """Every source with its number."""
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for place, name, source in cited.rows():
        if source is None:
            table.add_row(f"[{place}]", _said(name))
            continue
        about = ", ".join(part for part in (source.revision, KINDS.get(source.kind, source.kind)) if part)
        table.add_row(Text(f"[{place}]"), _line(source.title, (f". {about}", "dim"), (f" {source.address}", "dim")))
    return table
