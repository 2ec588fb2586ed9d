"""What is known, on the terminal: lists, one record with the word it rests on, search results, the checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ivigil.documents.citations import KINDS

GAP = 2
FINDING_COLOURS = {"error": "bold red", "warning": "yellow", "info": "dim"}

#: How a reading is said beside a value.
READINGS: dict[str, str] = {
    "label": "read on the label",
    "manufacturer": "read at the manufacturer",
    "primary": "read in the paper, guideline or notice itself",
    "label_copy": "read on a copy of the label",
    "secondary": "read second-hand",
    "not_read": "not read",
}
ORIGINS: dict[str, str] = {
    "derived": "worked out",
    "read_from_figure": "read from a figure",
    "assumed": "believed",
    "policy": "policy",
}


def _columns(*headings: str, folding: str) -> Table:
    """A table without lines; one column takes the rest of the width and folds."""
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim", expand=False)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading != folding, ratio=1 if heading == folding else None)
    return table


def render_products(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """Each labelled use with its state; a product's name stands once."""
    table = _columns("product", "condition", "can be planned?", folding="can be planned?")
    before = None
    regions = {row["region"] for row in rows}
    for row in rows:
        first = (row["product"], row["region"]) != before
        before = (row["product"], row["region"])
        name = row["product"] if len(regions) == 1 else f"{row['product']} ({row['region']})"
        table.add_row(
            Text(name if first else "", "bold" if row["deliverable"] else ""),
            Text(row["indication"] or "–"),
            standing(row),
        )
    console.print(table)
    console.print(Padding(Text(total(rows), "bold"), (1, 0, 0, 0)))
    console.print(
        Text(
            "yes: every fact that permits was read. copy: read on a copy of the label only, the plan warns. "
            "no: nobody read what is named, so the product is refused.",
            "dim",
        )
    )


def standing(row: dict[str, Any]) -> Text:
    """Yes, yes with what warns, or no with what is missing."""
    if not row["deliverable"]:
        return Text.assemble(("✗ no", "red"), f"  {_lacking(row)}")
    copies = [said["need"] for said in row["warnings"] if said["code"] == "read-on-copy"]
    ages = [said for said in row["warnings"] if said["code"] == "age-not-read"]
    shown = Text.assemble(("▲ yes" if copies else "✓ yes", "yellow" if copies else "green"))
    parts = []
    if copies:
        parts.append(f"copy: {_listed(copies)}")
    if ages:
        parts.append("adults only, age not read")
    elif row["adults_only"]:
        parts.append("adults")
    return shown.append(f"  {'; '.join(parts)}" if parts else "")


def _lacking(row: dict[str, Any]) -> str:
    unread = [said["need"] for said in row["missing"] if said["need"]]
    others = [WHOLE.get(said["code"], said["text"]) for said in row["missing"] if not said["need"]]
    return "; ".join([*dict.fromkeys(others), *([f"not read: {_listed(unread)}"] if unread else [])])


WHOLE = {
    "wrong-route": "given under the skin",
    "no-label-for-region": "no label of this region",
    "overlay-waiting": "a fact of the overlay waits",
}


def _listed(needs: Iterable[str]) -> str:
    return ", ".join(need.replace("-", " ") for need in dict.fromkeys(needs))


def total(rows: Sequence[dict[str, Any]]) -> str:
    """How many of the labelled uses can be planned."""
    labelled = [row for row in rows if row["indication"]]
    ready = [row for row in labelled if row["deliverable"]]
    warned = sum(any(said["code"] == "read-on-copy" for said in row["warnings"]) for row in ready)
    products = len({row["product"] for row in ready})
    return (
        f"{len(ready)} of {len(labelled)} labelled uses can be planned ({warned} of them on a copy of the label), "
        f"with {products} of {len({row['product'] for row in rows})} products."
    )


def render_indications(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """Conditions with their standing and how many products can be planned for them."""
    table = _columns("condition", "name", "standing", "products", folding="name")
    for row in rows:
        count = row["products"]
        table.add_row(
            Text(row["id"], "bold" if count else ""),
            row["name"],
            row["status_group"].replace("_", " ").replace("guideline supported off label", "guideline, off label"),
            Text(str(count) if count else "–", justify="right"),
        )
    console.print(table)
    console.print(Padding(Text(f"{len(rows)} conditions.", "bold"), (1, 0, 0, 0)))


def render_sources(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """Sources by file, with what kind of page each is."""
    table = _columns("source", "kind", "region", "title, revision", folding="title, revision")
    for row in rows:
        dated = row["revision"] or row["date"]
        table.add_row(
            Text(row["id"], "bold"),
            row["kind"].replace("_", " "),
            row["region"],
            Text.assemble(row["title"], (f"  {dated}" if dated else "", "dim")),
        )
    console.print(table)
    console.print(Padding(Text(f"{len(rows)} sources.", "bold"), (1, 0, 0, 0)))


def render_record(shown: dict[str, Any], console: Console, *, hashes: bool) -> None:
    """One record: each value, and below it on whose word."""
    console.print(Text.assemble((shown["name"], "bold"), (f"   {shown['kind']}/{shown['id']}", "dim")))
    for section, rows in groupby(shown["rows"], key=lambda row: row["section"]):
        if section:
            console.print(Padding(Text(section, "bold cyan"), (1, 0, 0, 0)))
        table = Table(box=None, show_header=False, padding=(0, GAP, 0, 0), pad_edge=False, expand=True)
        table.add_column(width=min(24, console.width // 4), overflow="fold")
        table.add_column(ratio=1, overflow="fold")
        for row in rows:
            table.add_row(Text(row["key"]), _value(row, hashes=hashes))
        console.print(table)


def _value(row: dict[str, Any], *, hashes: bool) -> Text:
    text = Text(row["shown"])
    if row["read"]:
        said = [READINGS[row["read"]]]
        if row["origin"] in ORIGINS:
            said.insert(0, ORIGINS[row["origin"]])
        grounds = ", ".join(said)
        if row["place"]:
            grounds += f"; place: {row['place']}"
        bad = row["read"] in {"not_read", "secondary"} and row["origin"] != "policy"
        text.append(f"\n{grounds}", "yellow" if bad else "dim")
        for source in row["sources"]:
            dated = source["revision"] or source["date"]
            text.append(f"\n{source['id']}: {source['title']}{f' ({dated})' if dated else ''}", "dim")
        if row["note"]:
            text.append(f"\nnote: {row['note']}", "dim")
        if row["by"]:
            text.append(f"\nsigned: {', '.join(row['by'])}", "dim")
    if hashes and row["base"]:
        text.append(f"\nbase {row['base']}", "dim")
    return text


def render_search(rows: Sequence[dict[str, Any]], asked: str, console: Console) -> None:
    """What was found, best first, with the word that matched."""
    if not rows:
        console.print(f"Nothing is called anything like {asked!r}.")
        return
    table = _columns("found", "name", "why", folding="name")
    table.columns[2].no_wrap = False
    for row in rows:
        table.add_row(Text(f"{row['kind']}/{row['id']}", "bold"), row["name"], Text(row["why"], "dim"))
    console.print(table)


def render_checks(rows: Sequence[dict[str, Any]], summary: str, console: Console) -> None:
    """Errors and warnings in full; what only informs is counted and listed plainly."""
    for row in rows:
        colour = FINDING_COLOURS[row["severity"]]
        console.print(Text.assemble((f"{row['severity']:<8}", colour), row["where"]), soft_wrap=False)
        remedy = "" if row["severity"] == "info" else f"\n→ {row['remedy']}"
        console.print(Padding(Text.assemble(row["message"], (remedy, "dim")), (0, 0, 0, 8)))
    console.print(Padding(Text(summary, "bold"), (1 if rows else 0, 0, 0, 0)))


def source_line(kind: str) -> str:
    """How a source's kind reads."""
    return KINDS.get(kind, kind)
