"""A plan that a command is given: whole, unaltered, and checked again before it is signed, printed or explained."""

from __future__ import annotations

import json

import typer

from ivigil.cli.opening import as_model, formulary_of, made_with, read_json
from ivigil.errors import BadInput
from ivigil.knowledge.loading import Knowledge
from ivigil.prescription.plan import Plan
from ivigil.prescription.subcutaneous.plan import SCHEMA, SubcutaneousPlan
from ivigil.prescription.verify import check_nothing_open, check_plan

NOT_THESE_FACTS = "This plan was made with other facts than those loaded; its limits could not be checked against them."


def checked_plan(path: str, knowledge: Knowledge) -> tuple[Plan | SubcutaneousPlan, bool]:
    """A plan of either route that holds, and whether it was made with the facts that are loaded.

    A start under the skin is checked for its id and for what stands open; its doses and volumes are not remade.

    Raises:
        BadInput: it is no plan, was altered, or does not add up.
        Blocked: something blocks it, whatever its status says.
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


def aside(where: str, rule: str, remedy: str, value: str | None = None, *, as_json: bool = False) -> None:
    """Something that the reader has to know beside the result: on standard error, as JSON where the result is."""
    said = {"where": where, "value": value, "rule": rule, "remedy": remedy}
    typer.echo(json.dumps({"warning": said}, ensure_ascii=False) if as_json else f"▲ {rule} {remedy}", err=True)


def checked_vein_plan(
    path: str, knowledge: Knowledge, without: str, remedy: str, *, permits: bool = False, as_json: bool = False
) -> Plan:
    """A plan for a vein that holds; told on standard error where its limits could not be checked.

    Args:
        path: the file, or - for standard input.
        knowledge: the facts that are loaded.
        without: what a start under the skin does not have yet.
        remedy: what to do for such a start.
        permits: somebody infuses by what is made of it, so that limits which cannot be checked are refused.
        as_json: the result is JSON, and so is what is told beside it.

    Raises:
        BadInput: as :func:`checked_plan`, it is a start under the skin, or ``permits`` and of other facts.
        Blocked: as :func:`checked_plan`.
    """
    read, of_these_facts = checked_plan(path, knowledge)
    if not isinstance(read, Plan):
        raise BadInput("PLAN", read.schema_, without, remedy)
    if permits and not of_these_facts:
        raise BadInput(
            "made_with", read.made_with.knowledge, NOT_THESE_FACTS, "Make the plan anew with today's facts; sign that."
        )
    if not of_these_facts:
        tell_other_facts(read.made_with.knowledge, as_json=as_json)
    return read


def tell_other_facts(knowledge: str, *, as_json: bool) -> None:
    """Say that a plan's limits could not be checked: it was made with other facts."""
    aside("made_with", NOT_THESE_FACTS, "Make it anew where it is still to be used.", knowledge, as_json=as_json)
