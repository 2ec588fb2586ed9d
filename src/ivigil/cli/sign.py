"""``ivigil sign`` and ``ivigil print``: a signature under a plan, and the plan on paper."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import typer

from ivigil.cli.checking import NOT_THESE_FACTS, checked_plan, checked_vein_plan
from ivigil.cli.opening import open_knowledge, read_model
from ivigil.cli.writing import OVERWRITE, check_target, save
from ivigil.errors import BadInput
from ivigil.prescription.plan import Signature, check_signature, sign


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
    read, of_these_facts = checked_plan(plan, knowledge)
    now = datetime.now().astimezone()
    signed = sign(read, by, role, now, knowledge.policies.acceptance)
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
    json_: bool = typer.Option(False, "--json", help="Tell errors as JSON."),
) -> None:
    """Check a plan again and write it as PDF, signed if a signature is given.

    Exit code 3 where something blocks the plan, 4 where it does not hold.
    """
    from ivigil.documents.pdf import plan_pdf

    check_target(pdf, "--pdf", (plan, signature), overwrite=overwrite)
    knowledge = open_knowledge()
    read = checked_vein_plan(
        plan,
        knowledge,
        "A start under the skin has no sheet on paper yet.",
        "Keep its JSON with the signature.",
        as_json=json_,
    )
    signed = None if signature is None else read_model(Signature, signature, "--signature")
    if signed is not None:
        check_signature(read, signed, knowledge.policies.acceptance, datetime.now().astimezone())
    save(pdf, plan_pdf(read, signed, paper=paper), "--pdf", (plan, signature), overwrite=overwrite)
