"""Assessment, answer and explanation on the terminal: what is known first, on whose word, numbered sources last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ivigil.assessment.ask import Answer
from ivigil.assessment.mechanism import Explained, Explanation
from ivigil.assessment.report import AskedOrComputed, Assessment, Graded, Line, Met
from ivigil.documents.citations import Citations
from ivigil.documents.prescribed import kind
from ivigil.documents.terminal import render_findings
from ivigil.documents.wording import visible
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
PARTS = {
    "licensed": "licence",
    "evidence": "evidence",
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
            f"patient {visible(made.patient_ref)} · {made.region} · {STATUS_GROUPS.get(made.status_group, made.status_group)}{mark}"
        )
    )
    sections: tuple[tuple[str, Iterable[RenderableType]], ...] = (
        (
            f"Labelled in {made.region}",
            (_line(f"{one.brand}: {one.line.text}", one.line, cited) for one in made.labelled_here),
        ),
        (
            "Where it stands",
            (
                _line(
                    f"{one.region.upper() if len(one.region) == 2 else one.region.capitalize()}: {one.status}. {one.line.text}",
                    one.line,
                    cited,
                )
                for one in made.standing
            ),
        ),
        ("What guidelines say", (_graded(one, cited) for one in made.positions)),
        ("Evidence", (_graded(one, cited) for one in (*made.evidence, *filter(None, (made.benefit,))))),
        ("Studies", (_line(one.text, one, cited) for one in made.studies)),
        (
            "Dose regimens",
            (
                _line(f"{one.phase}, {one.authority or 'source'}: {one.line.text}", one.line, cited)
                for one in made.regimens
            ),
        ),
        ("Criteria", (*(_criterion(one, cited) for one in made.criteria), *_note(made.criteria_note))),
        ("Record at the start", (_line(one.text, one, cited) for one in made.baseline)),
        ("Review", (_line(one.text, one, cited) for one in made.review)),
        ("Response", (_line(one.text, one, cited) for one in made.response)),
        ("Stopping and weaning", (_line(one.text, one, cited) for one in made.stopping)),
        ("Cautions", (_line(one.text, one, cited) for one in made.cautions)),
        ("Alternatives", _alternatives(made, cited)),
    )
    for title, body in sections:
        _section(title, body, console)
    if made.findings:
        console.print()
        console.print(Text("This patient", style="bold"))
        render_findings(made.findings, console, cited=cited)
    _sources(cited, console)
    console.print()
    console.print(Text(made.notice, style="dim"))


def render_answer(answer: Answer, console: Console) -> None:
    """Matches with their reason, then the two parts: what guidelines say, what studies found."""
    cited = Citations.over(
        answer.sources, (name for said in (*answer.guidelines, *answer.studies) for name in said.sources)
    )
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
    for title, said in (("What guidelines say", answer.guidelines), ("What studies found", answer.studies)):
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


def _graded(one: Graded, cited: Citations) -> Table:
    grade = f" [{one.scheme}: {one.grade}]" if one.scheme and one.grade else f" [{one.grade}]" if one.grade else ""
    return _line(f"{one.who}{f' {one.edition}' if one.edition else ''}{grade}: {one.line.text}", one.line, cited)


def _criterion(one: AskedOrComputed, cited: Citations) -> Table:
    word = CRITERION[one.status] if one.computed else "? asked"
    return _line(f"{word}: {one.line.text}", one.line, cited)


def _note(text: str) -> Iterator[Text]:
    if text:
        yield Text(text)


def _alternatives(made: Assessment, cited: Citations) -> Iterator[RenderableType]:
    for option in made.alternatives:
        yield Text(option.name[:1].upper() + option.name[1:], style="bold")
        for part, lines in option.lines.items():
            for line in lines:
                yield Padding(_line(f"{PARTS[part]}: {line.text}", line, cited), (0, 0, 0, 2))
    for line in made.alternatives_notes:
        yield _line(line.text, line, cited)


def _mechanism_lines(one: Explained) -> tuple[Line, ...]:
    return (one.summary, *one.findings, *one.against, *one.unknown)


def _cited_in(made: Assessment) -> Iterator[str]:
    for group in (made.labelled_here, made.standing, made.positions, made.evidence, made.regimens, made.criteria):
        for one in group:
            yield from one.line.sources
    if made.benefit is not None:
        yield from made.benefit.line.sources
    for lines in (made.studies, made.baseline, made.review, made.response, made.stopping, made.cautions):
        for line in lines:
            yield from line.sources
    for option in made.alternatives:
        for found in option.lines.values():
            for line in found:
                yield from line.sources
    for line in made.alternatives_notes:
        yield from line.sources
    for finding in made.findings:
        yield from finding.sources


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
