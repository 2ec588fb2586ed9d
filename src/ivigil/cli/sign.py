"""``ivigil sign`` and ``ivigil print``: a signature under a plan, and the plan on paper."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypeVar

import typer
from pydantic import BaseModel, ValidationError

from ivigil.cli.opening import open_knowledge, read_json
from ivigil.errors import BadInput
from ivigil.prescription.plan import Plan, Signature, check_unchanged, sign
from ivigil.prescription.subcutaneous.plan import SCHEMA, SubcutaneousPlan

T = TypeVar("T", bound=BaseModel)


def sign_command(
    plan: str = typer.Argument(help="Plan (JSON), or - for standard input."),
    by: str = typer.Option(help="Who signs."),
    role: str = typer.Option(help="In which role."),
    _json: bool = typer.Option(False, "--json", help="Tell errors as JSON; the signature always is."),
) -> None:
    """Sign a plan: a separate record {plan_id, by, role, at} on standard output."""
    roles = open_knowledge().policies.acceptance.sign_roles.items
    typer.echo(sign(_plan(plan), by, role, datetime.now().astimezone(), roles).model_dump_json())


def print_command(
    plan: str = typer.Argument(help="Plan (JSON), or - for standard input."),
    pdf: Path = typer.Option(help="The PDF to write."),
    signature: str | None = typer.Option(None, help="Signature (JSON) of this very plan; without it: DRAFT."),
    paper: str = typer.Option("a4", help="a4 or us-letter."),
    _json: bool = typer.Option(False, "--json", help="Tell errors as JSON."),
) -> None:
    """Write a plan as PDF, signed if a signature is given."""
    from ivigil.cli.plan import save
    from ivigil.documents.pdf import plan_pdf

    read = _plan(plan)
    if not isinstance(read, Plan):
        raise BadInput(
            "PLAN",
            read.schema_,
            "A start under the skin has no sheet on paper yet.",
            "Keep its JSON with the signature.",
        )
    check_unchanged(read)
    signed = None if signature is None else _read(Signature, signature, "--signature")
    content = plan_pdf(read, signed, paper=paper)
    save(pdf, lambda: pdf.write_bytes(content))


def _plan(path: str) -> Plan | SubcutaneousPlan:
    """A plan of either route, told apart by its schema."""
    raw = read_json(path, "PLAN")
    under_skin = isinstance(raw, dict) and raw.get("schema") == SCHEMA
    return _validated(SubcutaneousPlan, raw, "PLAN") if under_skin else _validated(Plan, raw, "PLAN")


def _read(model: type[T], path: str, what: str) -> T:
    return _validated(model, read_json(path, what), what)


def _validated(model: type[T], raw: object, what: str) -> T:
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = f"{what}: {'.'.join(map(str, first['loc']))}"
        raise BadInput(
            where, str(first["input"])[:80], f"{first['msg']}.", "Use a file that ivigil wrote."
        ) from problem
