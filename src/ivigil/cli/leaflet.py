"""``ivigil leaflet`` and ``ivigil summary``: a plan for the patient, and on one page for the clinician."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ivigil.cli.checking import checked_plan, checked_vein_plan, tell_other_facts
from ivigil.cli.opening import open_knowledge
from ivigil.cli.writing import OVERWRITE, check_page, check_target, save
from ivigil.errors import UsageError
from ivigil.knowledge.loading import Knowledge
from ivigil.prescription.plan import Plan
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan

if TYPE_CHECKING:
    from ivigil.documents.leaflet import Facts


NO_SUMMARY = ("A start under the skin has no summary yet.", "Read it on the plan's own screen.")


def leaflet_command(
    plan: str = typer.Argument(help="Plan (JSON), or - for standard input."),
    lang: str = typer.Option("en", help="en, or es (not yet reviewed by a native clinician)."),
    paper: str | None = typer.Option(None, help="a4 (which it is without this) or us-letter."),
    phone: str | None = typer.Option(None, help="Whom to call; without it a blank line."),
    where: str | None = typer.Option(None, help="Where to come."),
    pdf: Path | None = typer.Option(None, help="The PDF to write."),
    html: Path | None = typer.Option(None, help="The HTML file to write."),
    overwrite: bool = OVERWRITE,
    json_: bool = typer.Option(False, "--json", help="Tell errors as JSON."),
) -> None:
    """Explain a plan to the patient: two large-type pages. It does not replace the team's advice."""
    _one_of(plan, pdf, html, "leaflet", overwrite=overwrite)
    size = check_page(pdf, paper)
    knowledge = open_knowledge()
    read, of_these_facts = checked_plan(plan, knowledge)
    if not of_these_facts:
        tell_other_facts(read.made_with.knowledge, as_json=json_)
    facts = _facts(read, knowledge)
    if pdf is not None:
        from ivigil.documents.leaflet import leaflet_pdf

        save(pdf, leaflet_pdf(read, facts, lang, size, phone, where), "--pdf", (plan,), overwrite=overwrite)
    else:
        assert html is not None
        from ivigil.documents.leaflet_html import leaflet_html

        save(html, leaflet_html(read, facts, lang, phone, where).encode(), "--html", (plan,), overwrite=overwrite)


def summary_command(
    plan: str = typer.Argument(help="Plan (JSON), or - for standard input."),
    pdf: Path | None = typer.Option(None, help="The PDF to write."),
    html: Path | None = typer.Option(None, help="The HTML file to write."),
    paper: str | None = typer.Option(None, help="a4 (which it is without this) or us-letter."),
    overwrite: bool = OVERWRITE,
    json_: bool = typer.Option(False, "--json", help="Tell errors as JSON."),
) -> None:
    """One page for the clinician: what was found, what is planned, on which sources."""
    _one_of(plan, pdf, html, "summary", overwrite=overwrite)
    size = check_page(pdf, paper)
    read = checked_vein_plan(plan, open_knowledge(), *NO_SUMMARY, as_json=json_)
    if pdf is not None:
        from ivigil.documents.summary import summary_pdf

        save(pdf, summary_pdf(read, size), "--pdf", (plan,), overwrite=overwrite)
    else:
        from ivigil.documents.summary_html import summary_html

        assert html is not None
        save(html, summary_html(read).encode(), "--html", (plan,), overwrite=overwrite)


def _one_of(plan: str, pdf: Path | None, html: Path | None, command: str, *, overwrite: bool) -> None:
    """Refuse both and neither, and a file that may not be written."""
    if (pdf is None) == (html is None):
        raise UsageError("--pdf", None, "Give --pdf or --html, one of them.", f"`ivigil {command} --help` shows how.")
    for option, path in (("--pdf", pdf), ("--html", html)):
        if path is not None:
            check_target(path, option, (plan,), overwrite=overwrite)


def _facts(plan: Plan | SubcutaneousPlan, knowledge: Knowledge) -> Facts:
    from ivigil.documents.leaflet import Facts
    from ivigil.knowledge.leaflet import leaflet_facts

    ordered = plan.prescription if isinstance(plan, Plan) else plan.order
    named = "" if ordered is None else ordered.product
    product = knowledge.product(named) if named in knowledge.product_ids else None
    return Facts(leaflet_facts(knowledge), product, knowledge.source)
