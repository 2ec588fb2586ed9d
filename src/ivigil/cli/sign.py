"""``ivigil sign`` and ``ivigil print``: a signature under a plan, and the plan on paper."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import typer

from ivigil.cli.opening import as_model, formulary_of, made_with, open_knowledge, read_json, read_model
from ivigil.cli.writing import OVERWRITE, check_target, save
from ivigil.errors import BadInput
from ivigil.knowledge.loading import Knowledge
from ivigil.prescription.plan import Plan, Signature, check_signature, sign
from ivigil.prescription.subcutaneous.plan import SCHEMA, SubcutaneousPlan
from ivigil.prescription.verify import check_nothing_open, check_plan


def sign_command(
    plan: str = typer.Argument(help="Plan (JSON), or - for standard input."),
    by: str = typer.Option(help="Who signs."),
    role: str = typer.Option(help="In which role."),
    _json: bool = typer.Option(False, "--json", help="Tell errors as JSON; the signature always is."),
) -> None:
    """Check a plan again and sign it: a separate record {plan_id, by, role, at} on standard output.

    Exit code 3 where something blocks the plan, 4 where it does not hold.
    """
    knowledge = open_knowledge()
    read, of_these_facts = _checked(plan, knowledge)
    now = datetime.now().astimezone()
    signed = sign(read, by, role, now, knowledge.policies.acceptance.sign_roles.items)
    if not of_these_facts:
        raise BadInput(
            "made_with",
            read.made_with.knowledge,
            NOT_THESE_FACTS,
            "Make the plan anew with today's facts and sign that.",
        )
    typer.echo(signed.model_dump_json())


def print_command(
    plan: str = typer.Argument(help="Plan (JSON), or - for standard input."),
    pdf: Path = typer.Option(help="The PDF to write."),
    signature: str | None = typer.Option(None, help="Signature (JSON) of this very plan; without it: DRAFT."),
    paper: str = typer.Option("a4", help="a4 or us-letter."),
    overwrite: bool = OVERWRITE,
    _json: bool = typer.Option(False, "--json", help="Tell errors as JSON."),
) -> None:
    """Check a plan again and write it as PDF, signed if a signature is given.

    Exit code 3 where something blocks the plan, 4 where it does not hold.
    """
    from ivigil.documents.pdf import plan_pdf

    check_target(pdf, "--pdf", (plan, signature), overwrite=overwrite)
    knowledge = open_knowledge()
    read, of_these_facts = _checked(plan, knowledge)
    if not isinstance(read, Plan):
        raise BadInput(
            "PLAN",
            read.schema_,
            "A start under the skin has no sheet on paper yet.",
            "Keep its JSON with the signature.",
        )
    signed = None if signature is None else read_model(Signature, signature, "--signature")
    if signed is not None:
        check_signature(read, signed, knowledge.policies.acceptance.sign_roles.items, datetime.now().astimezone())
    save(pdf, plan_pdf(read, signed, paper=paper), "--pdf", (plan, signature), overwrite=overwrite)
    note = "" if of_these_facts else f"▲ {NOT_THESE_FACTS}"
    if note:
        typer.echo(note, err=True)


NOT_THESE_FACTS = "This plan was made with other facts than those loaded; its limits could not be checked against them."


def _checked(path: str, knowledge: Knowledge) -> tuple[Plan | SubcutaneousPlan, bool]:
    """A plan of either route that holds, and whether it was made with the facts that are loaded.

    A start under the skin is checked for its id and for what stands open; its doses and volumes are not remade.
    """
    raw = read_json(path, "PLAN")
    if isinstance(raw, dict) and raw.get("schema") == SCHEMA:
        start = as_model(SubcutaneousPlan, raw, "PLAN")
        check_nothing_open(start)
        return start, start.made_with == made_with(knowledge)
    plan = as_model(Plan, raw, "PLAN")
    same = plan.made_with == made_with(knowledge)
    check_plan(plan, formulary_of(knowledge, plan.indication) if same else None)
    return plan, same
