"""Assessment, answer and explanation on the terminal: what is known first, on whose word, numbered sources last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ivigil.assessment.ask import Answer, Cited
from ivigil.assessment.lines import Line, Met
from ivigil.assessment.marks import MarkHere
from ivigil.assessment.mechanism import Explained, Explanation
from ivigil.assessment.report import AskedOrComputed, Assessment, Graded, RegimenLine, RegionStanding
from ivigil.assessment.resting import Datum
from ivigil.assessment.signs import Told
from ivigil.assessment.where import SettingHere
from ivigil.documents.citations import Citations
from ivigil.documents.prescribed import kind
from ivigil.documents.terminal import render_findings
from ivigil.documents.wording import visible
from ivigil.knowledge.vocabulary import region_name
from ivigil.sources import CitedSource

BASIS = {
    "source": "",
    "own_reading": " (the project's own reading)",
    "policy": " (policy)",
    "not_verified": " (not verified)",
}
STATUS_GROUPS = {
    "fda_approved": "approved in the US",
    "guideline_supported_off_label": "off label, supported by guidelines",
    "investigational": "experimental",
    "not_supported": "not supported",
}
CRITERION = {Met.MET: "✓ met", Met.NOT_MET: "◼ not met", Met.NOT_RECORDED: "? not recorded"}
SAYS = {"against": ", against", "to_know": "", "not_recorded": ", not recorded"}
PARTS = {
    "licensed": "licence",
    "evidence": "evidence",
    "conversion": "dose",
    "setting": "where",
    "frequency": "how often",
    "preferred_when": "preferred when",
    "wrong_when": "wrong when",
    "main_risks": "risks",
    "cost": "cost",
    "notes": "note",
}


def render_assessment(made: Assessment, console: Console) -> None:
    """One assessment, in the order in which a clinician asks."""
    cited = Citations.over(made.sources, _cited_in(made))
    mark = "  [SYNTHETIC PATIENT]" if made.synthetic else ""
    console.print(Text(made.indication_name, style="bold"))
    console.print(
        Text(
            f"patient {visible(made.patient_ref)} · {made.region} · {STATUS_GROUPS.get(made.status_group, made.status_group)}{BASIS['own_reading']}{mark}"
        )
    )
    if made.status_note:
        console.print(Text(made.status_note))
    if made.findings:
        console.print()
        console.print(Text("This patient", style="bold"))
        render_findings(made.findings, console, cited=cited)
    sections: tuple[tuple[str, Iterable[RenderableType]], ...] = (
        (
            f"Labelled in {made.region}",
            (
                *(_line(f"{one.brand}: {one.line.text}", one.line, cited) for one in made.labelled_here),
                *_note(made.labelled_note),
            ),
        ),
        (
            "Where it stands",
            (_standing(one, cited) for one in made.standing),
        ),
        ("What guidelines say", (_graded(one, cited) for one in made.positions)),
        (
            "Evidence",
            (
                *(_graded(one, cited) for one in made.evidence),
                *(_benefit(one, cited) for one in filter(None, (made.benefit,))),
                *_note(made.evidence_note),
            ),
        ),
        ("Studies", (_line(one.text, one, cited) for one in made.studies)),
        (
            "Dose regimens",
            (
                *_label_doses(made, cited),
                *(
                    _line(f"{one.phase}, {one.authority or 'source'}: {_dose(one)}{one.line.text}", one.line, cited)
                    for one in made.regimens
                ),
                *_note(made.regimens_note),
            ),
        ),
        ("Where sources disagree", (_line(one.text, one, cited) for one in made.conflicts)),
        ("Criteria", (*(_criterion(one, cited) for one in made.criteria), *_note(made.criteria_note))),
        ("Record at the start", (_line(one.text, one, cited) for one in made.baseline)),
        ("Review", (_review_due(made, cited), *(_line(one.text, one, cited) for one in made.review))),
        ("Response", (_line(one.text, one, cited) for one in made.response)),
        ("Stopping and weaning", (_line(one.text, one, cited) for one in made.stopping)),
        ("Cautions", (_line(one.text, one, cited) for one in made.cautions)),
        (
            "Where it may be given",
            (*(_line(one.text, one, cited) for one in made.setting), *_here(made.setting_here, cited)),
        ),
        ("Beside other treatments", (_line(one.text, one, cited) for one in made.beside_other_treatments)),
        ("Alternatives", _alternatives(made, cited)),
    )
    for title, body in sections:
        _section(title, body, console)
    _sources(cited, console)
    console.print()
    console.print(Text(made.notice, style="dim"))


def render_answer(answer: Answer, console: Console) -> None:
    """Matches with their reason, then the three parts: what guidelines say, what to mind, what studies found."""
    parts: tuple[tuple[str, Sequence[Cited | Told]], ...] = (
        ("What is known about these signs", answer.reactions),
        ("What guidelines say", answer.guidelines),
        ("What to mind", answer.cautions),
        ("What studies found", answer.studies),
        ("Other treatments named", answer.treatments),
    )
    first = answer.emergency or answer.if_unwell
    at_once = () if first is None else first.sources
    later = (name for _, part in parts for said in part for name in said.sources)
    cited = Citations.over(answer.sources, (*at_once, *later))
    if answer.emergency is not None:
        console.print(Text(f"{answer.emergency.text} {cited.mark(answer.emergency.sources)}", style="bold red"))
        console.print()
    if answer.if_unwell is not None:
        console.print(Text(f"{answer.if_unwell.text} {cited.mark(answer.if_unwell.sources)}"))
        console.print()
    if answer.note:
        console.print(Text(answer.note, style="bold"))
    for match in answer.matches:
        console.print(Text.assemble((match.name, "bold"), f"  {STATUS_GROUPS.get(match.status, match.status)}"))
        console.print(
            Padding(
                Text(f"found by {match.why} · {match.indication} · score {match.score:g}", style="dim"), (0, 0, 0, 2)
            )
        )
    if answer.medicines:
        console.print(Text(f"medicines named: {', '.join(answer.medicines).replace('_', ' ')}"))
    for title, said in parts:
        _section(
            title,
            (
                _bulleted(f"{one.text}{'' if one.verified else ' (not verified)'} {cited.mark(one.sources)}".rstrip())
                for one in said
            ),
            console,
        )
    _sources(cited, console)
    console.print()
    console.print(Text(answer.disclaimer, style="dim"))


def render_explanation(made: Explanation, console: Console) -> None:
    """Each mechanism: in a sentence, what was measured, what speaks against it, what is not known."""
    cited = Citations.over(
        made.sources, (name for one in made.mechanisms for line in _mechanism_lines(one) for name in line.sources)
    )
    for one in made.mechanisms:
        here = "  · concerns what you asked about" if made.indication in one.concerns else ""
        console.print()
        console.print(Text.assemble((one.name, "bold"), (here, "dim")))
        console.print(Text(_said(one.summary.text, one.summary, cited)))
        for title, lines in (("measured", one.findings), ("against it", one.against), ("not known", one.unknown)):
            if lines:
                console.print(Text(f"  {title}", style="dim"))
                for line in lines:
                    console.print(Padding(_line(line.text, line, cited), (0, 0, 0, 2)))
    _sources(cited, console)
    console.print()
    console.print(Text(made.notice, style="dim"))


# ---- parts


def _section(title: str, body: Iterable[RenderableType], console: Console) -> None:
    rows = list(body)
    if rows:
        console.print()
        console.print(Text(title, style="bold"))
        console.print(Group(*rows))


def _bulleted(text: str) -> Table:
    """A statement under its bullet: the next lines stand under its first word."""
    table = Table.grid()
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_row("· ", Text(visible(text)))
    return table


def _said(text: str, line: Line, cited: Citations) -> str:
    return f"{text}{BASIS[line.basis]} {cited.mark(line.sources)}".rstrip()


def _line(text: str, line: Line, cited: Citations) -> Table:
    return _bulleted(_said(text, line, cited))


def _standing(one: RegionStanding, cited: Citations) -> Table:
    repeats = one.line.text.casefold().startswith(one.status.casefold())
    said = one.line.text if repeats else f"{one.status}. {one.line.text}"
    return _line(f"{region_name(one.region)}: {said}", one.line, cited)


def _graded(one: Graded, cited: Citations) -> Table:
    """Who says it, the edition if the name does not hold it, the scheme if it is another name, and each once."""
    scheme = "" if one.scheme in one.who else f"{one.scheme}: "
    grade = f" [{scheme}{one.grade}]" if one.grade else ""
    edition = f" {one.edition}" if one.edition and one.edition not in one.who else ""
    said = "" if one.line.text == f"{one.scheme}: {one.grade}" else f": {one.line.text}"
    return _line(f"{one.who}{edition}{grade}{said}", one.line, cited)


def _benefit(one: Graded, cited: Citations) -> Table:
    whose = "" if one.line.basis == "own_reading" else f", judged by {one.who}"
    said = "" if one.line.text == one.grade else f". {one.line.text}"
    return _line(f"Benefit {one.grade}{whose}{said}", one.line, cited)


def _label_doses(made: Assessment, cited: Citations) -> Iterator[Table]:
    """What labels here print: one line for each dose, with every brand that prints it in the same words."""
    same: dict[tuple[str, str], list[tuple[str, Line]]] = {}
    for label in made.labelled_here:
        for one in label.regimens:
            said = f"{_dose(one)}{one.line.text}{BASIS[one.line.basis]}"
            same.setdefault((one.phase, said), []).append((label.brand, one.line))
    for (phase, said), found in same.items():
        brands = ", ".join(dict.fromkeys(brand for brand, _ in found))
        sources = tuple(dict.fromkeys(name for _, line in found for name in line.sources))
        yield _bulleted(f"{phase}, {made.region} label of {brands}: {said} {cited.mark(sources)}".rstrip())


def _criterion(one: AskedOrComputed, cited: Citations) -> Table:
    word = CRITERION[one.status] if one.computed else "? asked"
    whose = " ".join(filter(None, (one.body, f"({one.region})" if one.region not in {"", "any"} else "")))
    counted = "; ".join(_datum(datum) for datum in one.rests_on if not datum.too_old)
    from_what = f" ({counted})" if counted else ""
    said = _said(f"{word}{from_what}: {f'{whose}: ' if whose else ''}{one.line.text}", one.line, cited)
    return _bulleted(" ".join((said, *(_said(line.text, line, cited) for line in one.too_old))))


def _datum(one: Datum) -> str:
    return f"{one.what} {one.shown}" if one.on is None else f"{one.what} {one.shown} of {one.on.isoformat()}"


def _dose(one: RegimenLine) -> str:
    """The numbers of a regimen, where its own sentence does not say them."""
    if one.g_per_kg_max is None or "g/kg" in one.line.text:
        return ""
    grams = _span(one.g_per_kg_min, one.g_per_kg_max)
    days = f" over {_span(one.days_min, one.days_max)} days" if one.days_max > 1 else " in one day"
    every = (
        "" if one.interval_days_max is None else f", every {_span(one.interval_days_min, one.interval_days_max)} days"
    )
    whom = f" ({one.population})" if one.population else ""
    return f"{grams} g/kg{days}{every}{whom}. "


def _span(low: float | None, high: float) -> str:
    if low is None:
        return f"up to {high:g}"
    return f"{high:g}" if low == high else f"{low:g} to {high:g}"


def _review_due(made: Assessment, cited: Citations) -> Text:
    due = made.first_review
    day = f"{due.counted_from.isoformat()}, {'the planned start' if due.start_planned else 'this assessment; no start was given'}"
    sooner = "" if not due.treated_before else " Treated before: if it is the same treatment, count from its own start."
    why = " By policy: no source of this condition gives a day." if due.line.basis == "policy" else ""
    return Text(
        f"· First review by {due.on.isoformat()} (counted from {day}).{sooner}{why} {cited.mark(due.line.sources)}"
    )


def _here(one: SettingHere, cited: Citations) -> Iterator[RenderableType]:
    yield Text("For this patient", style="bold")
    yield _line(one.line.text, one.line, cited)
    for point in one.points:
        yield _line(f"{CRITERION[point.status]}: {point.line.text}", point.line, cited)


def _note(text: str) -> Iterator[Text]:
    if text:
        yield Text(text)


def _alternatives(made: Assessment, cited: Citations) -> Iterator[RenderableType]:
    yield from _note(made.alternatives_note)
    for option in made.alternatives:
        yield Text(option.name[:1].upper() + option.name[1:], style="bold")
        for mark in option.for_this_patient:
            yield Padding(_mark(mark, cited), (0, 0, 0, 2))
        for part, lines in option.lines.items():
            for line in lines:
                yield Padding(_line(f"{PARTS[part]}: {line.text}", line, cited), (0, 0, 0, 2))
    for line in made.alternatives_notes:
        yield _line(line.text, line, cited)


def _mark(one: MarkHere, cited: Citations) -> Table:
    said = f"for this patient{SAYS[one.says]}: {one.line.text}{BASIS[one.line.basis]} {one.remedy}"
    return _bulleted(f"{said} {cited.mark(one.line.sources)}".rstrip())


def _mechanism_lines(one: Explained) -> tuple[Line, ...]:
    return (one.summary, *one.findings, *one.against, *one.unknown)


def _cited_in(made: Assessment) -> Iterator[str]:
    for finding in made.findings:
        yield from finding.sources
    for label in made.labelled_here:
        for regimen in label.regimens:
            yield from regimen.line.sources
    for group in (made.labelled_here, made.standing, made.positions, made.evidence, made.regimens, made.criteria):
        for one in group:
            yield from one.line.sources
    if made.benefit is not None:
        yield from made.benefit.line.sources
    yield from made.first_review.line.sources
    for old in (line for criterion in made.criteria for line in criterion.too_old):
        yield from old.sources
    for lines in (
        made.studies,
        made.conflicts,
        made.baseline,
        made.review,
        made.response,
        made.stopping,
        made.cautions,
    ):
        for line in lines:
            yield from line.sources
    here = (made.setting_here.line, *(one.line for one in made.setting_here.points))
    for line in (*made.setting, *here, *made.beside_other_treatments):
        yield from line.sources
    for option in made.alternatives:
        for mark in option.for_this_patient:
            yield from mark.line.sources
        for found in option.lines.values():
            for line in found:
                yield from line.sources
    for line in made.alternatives_notes:
        yield from line.sources


def _sources(cited: Citations, console: Console) -> None:
    rows = cited.rows()
    if not rows:
        return
    console.print()
    console.print(Text("Sources", style="bold"))
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for place, name, source in rows:
        said = Text(name) if source is None else Text(f"{source.title}.{_read(source)} {source.address}", style="dim")
        table.add_row(Text(f"[{place}]"), said)
    console.print(table)


def _read(source: CitedSource) -> str:
    when = f" {source.revision}," if source.revision else ""
    return f"{when} {kind(source)}"
