"""``ivigil knowledge``: what is known, and on whose word."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

from ivigil.cli import EXIT_BAD_INPUT, EXIT_DONE

if TYPE_CHECKING:
    from rich.console import Console

    from ivigil.knowledge.loading import Knowledge

knowledge_app = typer.Typer(help="What is known, and on whose word.", no_args_is_help=True)

Row = dict[str, Any]

REGION_OPTION = typer.Option(None, envvar="IVIGIL_REGION", help="Whose labels; without it all that there are.")
JSON_OPTION = typer.Option(False, "--json", help="One JSON document on standard output.")


class Listed(StrEnum):
    """What can be listed."""

    PRODUCTS = "products"
    INDICATIONS = "indications"
    SOURCES = "sources"


class Shape(StrEnum):
    """What has a schema."""

    PRODUCT = "product"
    INDICATION = "indication"
    RULE = "rule"
    POLICY = "policy"
    PLAN = "plan"
    PATIENT = "patient"
    ALL = "all"


@knowledge_app.command("list")
def list_command(
    what: Listed = typer.Argument(..., help="What to list."),
    region: str | None = REGION_OPTION,
    json_: bool = JSON_OPTION,
) -> int:
    """List products with what can be planned and what is missing, conditions, or sources."""
    from ivigil.cli.opening import open_knowledge
    from ivigil.documents import knowledge_tables as tables

    knowledge = open_knowledge()
    whose = region.strip().upper() if region and region.strip() else None
    if what is Listed.PRODUCTS:
        rows = _products(knowledge, whose)
        head: Row = {"products": rows, "total": _counted(rows)}
        _show(head, json_, map(_product_line, rows), lambda console: tables.render_products(rows, console))
        if not json_ and not sys.stdout.isatty():
            typer.echo(tables.total(rows), err=True)
    elif what is Listed.INDICATIONS:
        rows = _indications(knowledge, whose)
        lines = ([row["id"], row["name"], row["status_group"], row["products"], row["icd10cm"]] for row in rows)
        _show({"indications": rows}, json_, lines, lambda console: tables.render_indications(rows, console))
    else:
        rows = [
            knowledge.source(name).model_dump(mode="json")
            for name in knowledge.source_ids
            if whose is None or knowledge.source(name).region in {whose, "any"}
        ]
        keys = ("id", "kind", "region", "revision", "date", "title", "publisher", "address")
        lines = ([row[key] for key in keys] for row in rows)
        _show({"sources": rows}, json_, lines, lambda console: tables.render_sources(rows, console))
    return EXIT_DONE


@knowledge_app.command("show")
def show_command(
    record: str = typer.Argument(
        ...,
        metavar="KIND/ID",
        help="products/ID, indications/ID, sources/ID, screening/CODE, policy/ID, vocabulary/ID.",
    ),
    hashes: bool = typer.Option(False, "--hashes", help="With the hash that an overlay writes as base of each fact."),
    json_: bool = JSON_OPTION,
) -> int:
    """Show every value of a record with its unit, source, reading, place and note."""
    from ivigil.cli.known import shown_record
    from ivigil.cli.opening import open_knowledge
    from ivigil.documents.knowledge_tables import render_record

    shown = shown_record(open_knowledge(), record, hashes=hashes)
    lines = (_fact_line(row, hashes) for row in shown["rows"])
    _show(shown, json_, lines, lambda console: render_record(shown, console, hashes=hashes))
    return EXIT_DONE


@knowledge_app.command("search")
def search_command(
    text: str = typer.Argument(..., help="A name, brand, synonym, code or word; typing errors are borne."),
    json_: bool = JSON_OPTION,
) -> int:
    """Find products, conditions, words, rules and sources by any of their names, best first, with the word that matched."""
    raise NotImplementedError


@knowledge_app.command("check")
def check_command(json_: bool = JSON_OPTION) -> int:
    """Check that the facts keep their own rules. Exit code 0 without errors, 4 with."""
    from dataclasses import asdict

    from ivigil.cli.opening import open_knowledge
    from ivigil.documents.knowledge_tables import render_checks
    from ivigil.knowledge.checks import Weight, check

    found = check(open_knowledge())
    rows = [{**asdict(row), "severity": row.severity.value} for row in found]
    counts = {weight.value: sum(row.severity is weight for row in found) for weight in Weight}
    summary = f"{counts['error']} errors, {counts['warning']} warnings, {counts['info']} remarks."
    lines = ([row["severity"], row["where"], row["message"], row["remedy"]] for row in rows)
    _show({"rows": rows, "count": counts}, json_, lines, lambda console: render_checks(rows, summary, console))
    return EXIT_BAD_INPUT if counts["error"] else EXIT_DONE
