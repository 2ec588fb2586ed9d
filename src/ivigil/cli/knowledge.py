"""``ivigil knowledge``: what is known, and on whose word."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

from ivigil.cli import EXIT_BAD_INPUT, EXIT_DONE
from ivigil.errors import UnknownName, UsageError

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
    MODEL = "model"
    ALL = "all"


@knowledge_app.command("list")
def list_command(
    what: Listed = typer.Argument(..., help="What to list."),
    region: str | None = REGION_OPTION,
    json_: bool = JSON_OPTION,
) -> int:
    """List products with what can be planned and what is missing, conditions, or sources."""
    from ivigil.cli.opening import open_to_look
    from ivigil.documents import knowledge_tables as tables

    knowledge = open_to_look()
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
    from ivigil.cli.opening import open_to_look
    from ivigil.documents.knowledge_tables import render_record

    shown = _record(open_to_look(), record)
    lines = (_fact_line(row, hashes) for row in shown["rows"])
    if not hashes:
        for row in shown["rows"]:
            del row["base"]
    _show(shown, json_, lines, lambda console: render_record(shown, console, hashes=hashes))
    return EXIT_DONE


@knowledge_app.command("search")
def search_command(
    text: str = typer.Argument(..., help="A name, brand, synonym, code or word; typing errors are borne."),
    json_: bool = JSON_OPTION,
) -> int:
    """Find products, conditions, words, rules and sources by any of their names, best first, with the word that matched."""
    from ivigil.cli.opening import open_to_look
    from ivigil.documents.knowledge_tables import render_search

    if not text.strip():
        raise UsageError("TEXT", text, "A search needs a word.", "Give a name, code or word.")
    rows = _found(text, open_to_look())
    lines = ([f"{row['kind']}/{row['id']}", row["name"], row["why"]] for row in rows)
    _show({"asked": text, "found": rows}, json_, lines, lambda console: render_search(rows, text, console))
    return EXIT_DONE


@knowledge_app.command("check")
def check_command(json_: bool = JSON_OPTION) -> int:
    """Check that the facts keep their own rules. Exit code 0 without errors, 4 with."""
    from dataclasses import asdict

    from ivigil.cli.chair_protocol import every_check
    from ivigil.cli.opening import open_to_look, today
    from ivigil.documents.knowledge_tables import render_checks
    from ivigil.knowledge.checks.rows import Weight

    found = every_check(open_to_look(), today())
    rows = [{**asdict(row), "severity": row.severity.value} for row in found]
    counts = {weight.value: sum(row.severity is weight for row in found) for weight in Weight}
    summary = f"{counts['error']} errors, {counts['warning']} warnings, {counts['info']} remarks."
    lines = ([row["severity"], row["where"], row["message"], row["remedy"]] for row in rows)
    _show({"rows": rows, "count": counts}, json_, lines, lambda console: render_checks(rows, summary, console))
    return EXIT_BAD_INPUT if counts["error"] else EXIT_DONE


@knowledge_app.command("schema")
def schema_command(of: Shape = typer.Argument(Shape.ALL, help="Which record.")) -> int:
    """Print what a record may hold, as JSON Schema: always JSON."""
    from pydantic import BaseModel

    from ivigil.knowledge.indications import Indication
    from ivigil.knowledge.kinetic_models import KineticModel
    from ivigil.knowledge.policies import Policies
    from ivigil.knowledge.products import Product
    from ivigil.knowledge.rules import RuleBook
    from ivigil.patient import Patient
    from ivigil.prescription.plan import Plan

    models: dict[Shape, type[BaseModel]] = {
        Shape.PRODUCT: Product,
        Shape.INDICATION: Indication,
        Shape.RULE: RuleBook,
        Shape.POLICY: Policies,
        Shape.PLAN: Plan,
        Shape.PATIENT: Patient,
        Shape.MODEL: KineticModel,
    }
    if of is Shape.ALL:
        _print_json({shape.value: model.model_json_schema() for shape, model in models.items()})
    else:
        _print_json(models[of].model_json_schema())
    return EXIT_DONE


# ---- how it is told: one document, a table, or a record a line


def _show(document: Row, as_json: bool, lines: Iterable[Sequence[object]], render: Callable[[Console], None]) -> None:
    """One JSON document; at a terminal a table; into a pipe a record a line with tabs between its fields."""
    if as_json:
        _print_json(document)
    elif sys.stdout.isatty():
        from rich.console import Console

        render(Console(highlight=False))
    else:
        for line in lines:
            typer.echo("\t".join(" ".join(str(field).split()) for field in line))


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


# ---- lists


def _products(knowledge: Knowledge, region: str | None) -> list[Row]:
    from dataclasses import asdict

    from ivigil.prescription.deliverable import deliverability

    adult_from = knowledge.policies.weight.adult_from_years.value
    waiting = knowledge.all_waiting()
    # What waits outside a product stops every plan.
    everywhere = [
        f"{place}: {path}" for place, paths in waiting.items() if not place.startswith("products/") for path in paths
    ]
    rows = []
    for product in knowledge.products:
        for whose in (region,) if region else tuple(product.labels) or ("any",):
            for row in deliverability(
                product, whose, knowledge.source, adult_from, (*waiting.get(f"products/{product.id}", ()), *everywhere)
            ):
                rows.append({"brand": product.brand, "route": product.route.value, **asdict(row)})
    return rows


def _product_line(row: Row) -> list[object]:
    return [
        row["product"],
        row["use"],
        row["indication"],
        row["region"],
        "yes" if row["deliverable"] else "no",
        "adults" if row["adults_only"] else "",
        ",".join(f"{said['code']}:{said['need']}".rstrip(":") for said in row["warnings"]),
        ",".join(said["code"] for said in row["missing"]),
    ]


def _counted(rows: list[Row]) -> Row:
    labelled = [row for row in rows if row["indication"]]
    return {
        "labelled_uses": len(labelled),
        "deliverable": sum(row["deliverable"] for row in labelled),
        "deliverable_on_a_copy": sum(
            row["deliverable"] and any(said["code"] == "read-on-copy" for said in row["warnings"]) for row in labelled
        ),
        "products": len({row["product"] for row in rows}),
        "products_deliverable": len({row["product"] for row in labelled if row["deliverable"]}),
    }


def _indications(knowledge: Knowledge, region: str | None) -> list[Row]:
    able: dict[str, set[str]] = {}
    for row in _products(knowledge, region):
        if row["deliverable"]:
            able.setdefault(row["indication"], set()).add(row["product"])
    return [
        {
            "id": one.id,
            "name": one.name,
            "status_group": one.status_group.value,
            "icd10cm": " ".join(code.code for code in one.icd10cm),
            "products": len(able.get(one.id, ())),
            "product_ids": sorted(able.get(one.id, ())),
        }
        for one in knowledge.indications
    ]


# ---- one record


def _record(knowledge: Knowledge, asked: str) -> Row:
    """A record's values, its overlay bases taken from the shipped facts."""
    from ivigil.documents.knowledge_tables import record_rows
    from ivigil.knowledge.loading import Knowledge as Opened
    from ivigil.knowledge.overlay import fact_hash, value_at

    kind, _, name = asked.strip().strip("/").partition("/")
    name, value, keys, file, title = _looked_up(knowledge, kind, name, asked)
    raw = Opened().raw(kind, file) if kind != "sources" else {}

    def base_of(path: str) -> str:
        return fact_hash(value_at(raw, path))

    rows = list(record_rows(value, keys, knowledge.source, base_of))
    return {"kind": kind, "id": name, "name": title, "file": f"{kind}/{file}.toml", "rows": rows}


def _looked_up(knowledge: Knowledge, kind: str, name: str, asked: str) -> tuple[str, object, tuple[str, ...], str, str]:
    """Id, record, the keys that lead to it in its file, the file's name, and what it is called."""
    if kind == "products":
        product = knowledge.product(name)
        return name, product, (), name, product.brand
    if kind == "indications":
        indication = knowledge.indication(name)
        return name, indication, (), name, indication.name
    if kind == "sources":
        shard, _, key = name.partition("/")
        if key:
            source = knowledge.source(name)
            return name, {name: source}, (), shard, source.title
        _known(shard, knowledge.file_names(kind), kind)
        all_of_it = {one: knowledge.source(one) for one in knowledge.source_ids if one.startswith(f"{shard}/")}
        return name, all_of_it, (), shard, f"Sources of {shard}"
    if kind == "screening":
        places = {code: file for file in knowledge.file_names(kind) for code in knowledge.raw(kind, file)["rules"]}
        if name in knowledge.file_names(kind):
            book = {code: knowledge.rules[code] for code, file in places.items() if file == name}
            return name, book, ("rules",), name, f"Screening rules: {name}"
        _known(name, (*places, *knowledge.file_names(kind)), kind)
        return name, {name: knowledge.rules[name]}, ("rules",), places[name], name
    if kind in {"policy", "vocabulary"}:
        file, _, word = name.partition("/")
        _known(file, knowledge.file_names(kind), kind)
        whole = getattr(knowledge.policies if kind == "policy" else knowledge.vocabulary, file)
        if not word:
            return name, whole, (), file, f"{kind}: {file}".replace("_", " ")
        words = whole if isinstance(whole, dict) else {key: getattr(whole, key) for key in type(whole).model_fields}
        _known(word, tuple(words), kind)
        return name, {word: words[word]}, (), file, f"{kind}: {word}".replace("_", " ")
    raise UnknownName(
        "KIND/ID",
        asked,
        "A record is named by its kind and id.",
        "Kinds: products, indications, sources, screening, policy, vocabulary; for example indications/cidp.",
    )


def _known(name: str, known: tuple[str, ...], kind: str) -> None:
    if name not in known:
        from rapidfuzz import process

        close = [match for match, _, _ in process.extract(name, known, limit=3, score_cutoff=60)]
        hint = f"Did you mean {', '.join(close)}?" if close else f"There are: {', '.join(sorted(known))}."
        raise UnknownName(kind, name, f"Nothing in {kind} has this id.", hint)


def _fact_line(row: Row, hashes: bool) -> list[object]:
    sources = "; ".join(
        f"{one['id']}: {one['title']}"
        + (f" ({one['revision'] or one['date']})" if one["revision"] or one["date"] else "")
        for one in row["sources"]
    )
    line = [row["path"], row["shown"], row["origin"], row["read"], sources, row["place"], row["note"]]
    return [*line, row["base"]] if hashes else line


# ---- search

#: How much a match is worth: the same, the beginning, a whole word, nearly.
EXACT, BEGINS, HOLDS, NEARLY = 100.0, 92.0, 86.0, 85.0
BEHIND = 12.0
#: Below this two names are not alike.
LIKE_ENOUGH = 68.0
SHOWN = 12


def _found(text: str, knowledge: Knowledge) -> list[Row]:
    """The records any of whose names is like the text, best first; each once, with the name that matched best."""
    asked = _folded(text)
    best: dict[tuple[str, str], Row] = {}
    for kind, name, title, what, word in _names(knowledge):
        score, how = _likeness(asked, _folded(word), exactly=what == "code" and kind != "screening")
        score -= BEHIND if kind == "sources" else 0
        place = (kind, name)
        if score >= LIKE_ENOUGH and (place not in best or score > best[place]["score"]):
            why = what if word == title else f"{what} {word}"
            why += f", {how}" if how else ""
            best[place] = {"kind": kind, "id": name, "name": title, "why": why, "score": round(score, 1)}
    order = ("products", "indications", "vocabulary", "screening", "sources")
    rows = sorted(best.values(), key=lambda row: (-row["score"], order.index(row["kind"]), row["id"]))
    return rows[:SHOWN]


def _likeness(asked: str, word: str, *, exactly: bool) -> tuple[float, str]:
    """How like two names are (0 to 100), and how to say so. The next code is another disease, so a code is met exactly."""
    from rapidfuzz import fuzz

    if asked == word:
        return EXACT, ""
    shorter = len(asked) / max(len(word), 1)
    if len(asked) > 1 and word.startswith(asked):
        return BEGINS + shorter, "begins so"
    if len(asked) > 2 and all(part in word.split() for part in asked.split()):
        return HOLDS + shorter, "among its words"
    if exactly or min(len(asked), len(word)) < 4:
        return 0.0, ""
    like = max(fuzz.ratio(asked, word), fuzz.token_sort_ratio(asked, word))
    # A slip in one word of a longer name.
    like = max([like, *(fuzz.ratio(asked, part) - 5 for part in word.split() if len(part) > 4)])
    # A slip in each of several words.
    words = asked.split()
    if len(words) > 1:
        nearest = [max(fuzz.ratio(one, part) for part in word.split()) for one in words]
        # Of names that hold them all, the one that holds little else comes first.
        like = max(like, min(nearest) - 5 + fuzz.token_sort_ratio(asked, word) / 25)
    return like * NEARLY / 100, "spelled nearly so"


def _folded(text: str) -> str:
    """Letters without case, accents, dots in codes, and the strokes that join words of an id."""
    import unicodedata

    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    return " ".join(plain.replace(".", "").replace("-", " ").replace("_", " ").replace("/", " ").split())


def _names(knowledge: Knowledge) -> Iterable[tuple[str, str, str, str, str]]:
    """Kind, id, title, what sort of name, and the name itself: of everything that has one."""
    for product in knowledge.products:
        for what, word in (("id", product.id), ("brand", product.brand)):
            yield "products", product.id, product.brand, what, word
    for one in knowledge.indications:
        words = [("id", one.id), ("name", one.name), *(("synonym", word) for word in one.synonyms)]
        for entry in one.icd10cm:
            words += [("code", entry.code), ("code's title", entry.label)]
        for what, word in words:
            yield "indications", one.id, one.name, what, word
    for name in knowledge.file_names("vocabulary"):
        for key, term in getattr(knowledge.vocabulary, name).items():
            words = [("id", key), ("name", term.name)]
            words += [("synonym", word) for word in getattr(term, "also", ())]
            words += [("code", word) for word in getattr(term, "icd10", ())]
            for what, word in words:
                yield "vocabulary", f"{name}/{key}", term.name, what, word
    for code, rule in knowledge.rules.items():
        yield "screening", code, rule.text, "code", code
    for name in knowledge.source_ids:
        source = knowledge.source(name)
        for what, word in (("id", name), ("title", source.title), ("publisher", source.publisher)):
            yield "sources", name, source.title, what, word
