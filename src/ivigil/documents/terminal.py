"""The plan on the terminal: calm and dense, with a word and a shape beside every colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ivigil.documents.candidates import candidate_groups
from ivigil.documents.citations import Citations, merged
from ivigil.documents.days import AlikeDays, alike_days
from ivigil.documents.prescribed import (
    BEFORE,
    authority,
    cost,
    counted_days,
    dose_per_kg,
    interval,
    joined,
    kind,
    lots,
    minutes_before,
    options,
    premedication_dose,
    shared_reason,
    strengths_beside,
)
from ivigil.documents.staircase import staircase
from ivigil.documents.wording import (
    MAY_BE,
    NOT_VERIFIED,
    PATTERNS,
    SIGNS,
    accepted_by,
    accepted_for,
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
from ivigil.prescription.plan import Accepted, AnyPlan, Instruction, Plan, Prescription

WIDEST = 120
STYLES: dict[Severity, str] = {Severity.BLOCKS: "bold red", Severity.WARNS: "yellow", Severity.INFORMS: "dim blue"}
TO_DO: dict[Severity, str] = {Severity.BLOCKS: "to resolve", Severity.WARNS: "to heed", Severity.INFORMS: "to know"}
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
    blocks, warns, informs = (_of(plan, one) for one in Severity)
    if plan.status == "blocked":
        yield from section("What blocks", findings_shown(plan, blocks, cited))
        yield from section("What may be accepted", [acceptable(plan)])
        yield from section("What warns", findings_shown(plan, warns, cited))
    else:
        yield from section("What blocked, and who accepted it", findings_shown(plan, blocks, cited))
        if plan.prescription is not None:
            yield from section("Prescription", [_prescription(plan.prescription, plan, cited)])
            yield from section(BEFORE, _premedication(plan.prescription, cited))
        for days in alike_days(plan.infusions):
            yield from section(_day_title(days), [_days(days, wide)])
        yield from section("What warns", findings_shown(plan, warns, cited))
    yield from section("What informs", _shortly(informs, cited))
    if plan.status != "blocked":
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
    return header(
        plan, f"{plan.prescription.brand} {strengths_beside(plan.prescription.brand, plan.infusions)}".rstrip()
    )


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
    lines.extend(tally(plan))
    return Group(*lines)


def tally(plan: AnyPlan) -> Iterator[Text]:
    """What was found, by weight: what blocks or warns is named at once, and told in full further down."""
    for one in Severity:
        found = _of(plan, one)
        if found:
            codes = ", ".join(dict.fromkeys(finding.code for finding in found))
            said = ", below" if one is Severity.INFORMS else f": {codes}"
            accepted = one is Severity.BLOCKS and all(accepted_for(plan, finding) for finding in found)
            word = "accepted although it blocks" if accepted else TO_DO[one]
            yield _line((f"{SIGNS[one]} {len(found)} {word}", STYLES[one]), said)


# ---- findings


def _of(plan: AnyPlan, severity: Severity) -> list[Finding]:
    return [one for one in plan.findings if one.severity is severity]


def findings_shown(plan: AnyPlan, findings: Iterable[Finding], cited: Citations) -> list[RenderableType]:
    """These findings, with who accepted them."""
    return [_finding(one, accepted_for(plan, one), cited) for one in findings]


def _shortly(findings: Iterable[Finding], cited: Citations) -> list[RenderableType]:
    """What only informs: one paragraph for each code, under its sign."""
    by_code: dict[str, list[Finding]] = {}
    for one in findings:
        by_code.setdefault(one.code, []).append(one)
    if not by_code:
        return []
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, style=STYLES[Severity.INFORMS])
    table.add_column()
    for code, same in by_code.items():
        said = _line((f"{same[0].severity.value} ", STYLES[Severity.INFORMS]), (code, "bold"), " ")
        for one in same:
            mark = cited.mark(one.sources)
            said.append_text(
                _line(
                    f" {one.text}",
                    (f" ({NOT_VERIFIED})" if not one.verified else "", "italic"),
                    f" → {one.remedy}" if one.remedy else "",
                    (f" {mark}" if mark else "", "dim"),
                )
            )
        table.add_row(SIGNS[Severity.INFORMS], said)
    return [table]


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
    dose = number(ordered.course_dose_g)
    if ordered.course_dose_g != ordered.prescribed_course_dose_g:
        dose += f" g in whole vials, of {number(ordered.prescribed_course_dose_g)}"
    by = f"{ordered.phase.value}, by {authority(ordered)} {cited.mark(ordered.sources)}".rstrip()
    weight = f"{ordered.weight_basis.value}; weighed {number(ordered.weight_kg)} kg"
    following = day(ordered.next_course_on) if ordered.next_course_on is not None else ""
    return pairs(
        [
            ("off label", ordered.off_label or ""),
            ("dose", f"{dose_per_kg(ordered, plan.findings)}, {by}"),
            (
                "dosing weight",
                f"{number(ordered.dosing_weight_kg)} kg ({weight}; rates on {number(ordered.rate_weight_kg)} kg)",
            ),
            ("course", f"{dose} g over {counted_days(len(plan.infusions))}"),
            ("next course", joined(following, interval(ordered))),
            ("label", joined(ordered.region, ordered.label_revision)),
            ("setting", ordered.setting),
            ("cost", "" if ordered.cost is None else cost(ordered.cost)),
            ("premedication", "" if ordered.premedication else "none proposed"),
        ]
    )


def _premedication(ordered: Prescription, cited: Citations) -> Iterator[RenderableType]:
    """Medicines and measures before the infusion; a reason that all share is said once."""
    reason = shared_reason(ordered.premedication)
    if reason:
        yield _line((reason, "dim"))
    for name, row in options(ordered.premedication):
        said = joined(premedication_dose(row), row.route, minutes_before(row))
        about = row.caution if reason else f"{row.reason} {row.caution}".strip()
        mark = cited.mark(row.sources)
        yield _line((name, "bold"), f": {said}", f" ({about})" if about else "", (f" {mark}" if mark else "", "dim"))


def _day_title(days: AlikeDays) -> str:
    return f"{days.title}: {number(days.first.dose_g)} g"


def _days(days: AlikeDays, wide: int) -> RenderableType:
    shown = days.first
    waste = f"; {number(shown.waste_g)} g of the opened vials left over" if shown.waste_g else ""
    ceiling = f"; ceiling {number(shown.ceiling_ml_per_h)} mL/h" if shown.ceiling_ml_per_h is not None else ""
    time = f"{days.clock(0)} to {days.clock(shown.duration_min)}, {duration(shown.duration_min)}"
    facts = pairs(
        [
            ("on", ", ".join(day(one.starts_at.date()) for one in days.infusions)),
            ("time", f"{time} ({offset(shown.starts_at)})"),
            ("vials", f"{vials(shown.vials)}{waste}"),
            ("lots", "; ".join(lots(shown.vials))),
            ("volume", f"{number(shown.total_ml)} mL of {strength(shown.concentration_g_per_ml)}"),
            (
                "rates",
                f"{PATTERNS[shown.pattern]}, at most {per_kg(shown.max_rate_ml_per_kg_h)} mL/kg/h{ceiling}",
            ),
        ]
    )
    stairs = Text("\n".join(staircase(days, wide - INDENT)), style="cyan", no_wrap=True)
    return Group(facts, Text(), _steps(days), Padding(stairs, (1, 0, 1, INDENT)), _vitals(days))


def _vitals(days: AlikeDays) -> Table:
    """Times at which vital signs are due, a row for each date and for those after the end."""
    end = days.first.duration_min
    rows: dict[tuple[bool, str], list[str]] = {}
    for at_min in days.first.vitals_due_min:
        other = days.other_date(at_min)
        rows.setdefault((at_min > end, other), []).append(days.clock(at_min).removesuffix(other).rstrip())
    named = "vital signs"
    shown = []
    for (after, other), times in rows.items():
        shown.append(
            (named, f"{joined('after the end' if after else '', other)}: {' '.join(times)}".removeprefix(": "))
        )
        named = ""
    return pairs(shown)


def _steps(days: AlikeDays) -> Table:
    """One row for each step; a time on another date than the start has that date beneath it."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("at", no_wrap=True)
    for name in ("min", "mL/h", "mL/kg/h", "mg/kg/min", "mL", "so far mL"):
        table.add_column(name, justify="right", no_wrap=True, style="bold" if name == "mL/h" else "")
    table.add_column("rate · hold", no_wrap=True)
    for step in days.first.steps:
        by = step.basis if step.basis == step.hold_basis else f"{step.basis} · {step.hold_basis}"
        other = days.other_date(step.start_min)
        table.add_row(
            days.clock(step.start_min).replace(f" {other}", f"\n{other}"),
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
        about = joined(source.revision, kind(source))
        table.add_row(Text(f"[{place}]"), _line(source.title, (f". {about}", "dim"), (f" {source.address}", "dim")))
    return table
