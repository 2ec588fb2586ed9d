"""``ivigil assess``, ``ivigil ask`` and ``ivigil explain``: the questions before a dose."""

from __future__ import annotations

import typer

from ivigil import written
from ivigil.cli import EXIT_DONE
from ivigil.cli.opening import (
    ground_of,
    library_of,
    limits_of,
    open_knowledge,
    read_json,
    region_or_refuse,
    start_or_now,
)
from ivigil.errors import UsageError
from ivigil.patient import read_patient

explain_app = typer.Typer(help="What is known about how immunoglobulin works.", no_args_is_help=True)


def assess_command(
    patient: str = typer.Argument(help="Patient record (JSON file), or - for standard input."),
    indication: str = typer.Option(help="Condition id; `ivigil knowledge list indications`."),
    region: str | None = typer.Option(None, help="Whose labels: US, ... (or IVIGIL_REGION)."),
    at: str | None = typer.Option(None, help="The moment of the assessment, ISO 8601 with offset. Default: now."),
    start: str | None = typer.Option(None, help="Planned first infusion, from which the first review is counted."),
    json_: bool = typer.Option(False, "--json", help="The assessment as JSON on standard output."),
) -> int:
    """Is it indicated, on what evidence, with what risks, and what else is there."""
    from ivigil.assessment.report import assess

    knowledge = open_knowledge()
    moment, _ = start_or_now(at, "--at")
    record = read_patient(read_json(patient, "PATIENT"), limits_of(knowledge))
    planned = None if start is None else start_or_now(start)[0]
    made = assess(record, region_or_refuse(region), moment, library_of(knowledge, indication), planned)
    if json_:
        typer.echo(made.model_dump_json(by_alias=True))
    else:
        from rich.console import Console

        from ivigil.documents.assessment_terminal import render_assessment

        render_assessment(made, Console())
    return EXIT_DONE


def ask_command(
    question: str = typer.Argument(help="Free words, an ICD-10 code or a lay name."),
    json_: bool = typer.Option(False, "--json", help="The answer as JSON on standard output."),
) -> int:
    """Conditions in a question, and what the knowledge base holds on them, cited."""
    from ivigil.assessment.ask import ask

    if not question.strip():
        raise UsageError("QUESTION", question, "A question has words.", "Write what you want to know.")
    if len(question) > written.MAX_TEXT:
        raise UsageError(
            "QUESTION",
            question,
            f"A question has at most {written.MAX_TEXT} characters, as a text of a record.",
            "Ask about one thing at a time.",
        )
    answer = ask(question, ground_of(open_knowledge()))
    if json_:
        typer.echo(answer.model_dump_json())
    else:
        from rich.console import Console

        from ivigil.documents.assessment_terminal import render_answer

        render_answer(answer, Console())
    return EXIT_DONE


@explain_app.callback()
def _explain() -> None:
    """What is known about how immunoglobulin works."""


@explain_app.command("mechanism")
def mechanism_command(
    indication: str | None = typer.Option(None, help="Show what concerns this condition first."),
    json_: bool = typer.Option(False, "--json", help="The explanation as JSON on standard output."),
) -> int:
    """How it may work: what was measured, what speaks against it, what is not known."""
    from ivigil.assessment.mechanism import explain_mechanism

    knowledge = open_knowledge()
    if indication is not None:
        knowledge.indication(indication)  # refuses a name that is none
    made = explain_mechanism(knowledge.mechanisms, indication, knowledge.source)
    if json_:
        typer.echo(made.model_dump_json())
    else:
        from rich.console import Console

        from ivigil.documents.assessment_terminal import render_explanation

        render_explanation(made, Console())
    return EXIT_DONE
