"""What is known, on the terminal: lists, one record with the word it rests on, search results, the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ivigil.documents.wording import number, strength
from ivigil.knowledge import facts, policies, products, subcutaneous
from ivigil.knowledge.checks.rows import spelled
from ivigil.knowledge.indications import Regulatory
from ivigil.knowledge.regimens import Regimen
from ivigil.knowledge.rules import Rule
from ivigil.sources import Source

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


def render_products(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """Under each product its labelled conditions, each with whether it can be planned; last, what is of another route."""
    planned = [row for row in rows if row["route"] == "iv"]
    width = max((len(row["indication"]) for row in planned), default=0) + 2 + GAP
    for (name, region), uses in groupby(planned, key=lambda row: (row["product"], row["region"])):
        here = list(uses)
        able = any(row["deliverable"] for row in here)
        console.print(Text.assemble((name, "bold" if able else ""), (f"  {region}", "dim")))
        table = Table(box=None, show_header=False, padding=0, pad_edge=False, expand=True)
        table.add_column(width=width)
        table.add_column(width=7)
        table.add_column(ratio=1, overflow="fold")
        for row in here:
            table.add_row(Text(f"  {row['indication'] or '–'}"), *standing(row))
        console.print(table)
    under_skin = [row["product"] for row in rows if row["route"] != "iv"]
    if under_skin:
        console.print(Padding(Text(f"Given under the skin: {', '.join(dict.fromkeys(under_skin))}."), (1, 0, 0, 0)))
    console.print(Padding(Text(total(rows), "bold"), (1, 0, 0, 0)))
    console.print(
        Text(
            "▲ copy: read on a copy of the label only; worked out: not printed as such; the plan warns of both. "
            "✗ not read: nobody read it on a label; the plan is refused.",
            "dim",
        )
    )


def standing(row: dict[str, Any]) -> tuple[Text, Text]:
    """Yes, yes with what warns, or no with what is missing."""
    if not row["deliverable"]:
        return Text("✗ no", "red"), Text(_lacking(row))
    parts = []
    for code, words in WARNED.items():
        if needs := [said["need"] for said in row["warnings"] if said["code"] == code]:
            parts.append(f"{words}: {_listed(needs)}")
    sign = Text("▲ yes", "yellow") if parts else Text("✓ yes", "green")
    if any(said["code"] == "age-not-read" for said in row["warnings"]):
        parts.append("adults only, no age was read")
    elif row["adults_only"]:
        parts.append("adults")
    return sign, Text("; ".join(parts))


def _lacking(row: dict[str, Any]) -> str:
    unread = [said["need"] for said in row["missing"] if said["need"]]
    others = [WHOLE.get(said["code"], said["text"]) for said in row["missing"] if not said["need"]]
    return "; ".join([*dict.fromkeys(others), *([f"not read: {_listed(unread)}"] if unread else [])])


#: Needs that were met with a warning, by its code.
WARNED = {"read-on-copy": "copy", "derived-fact": "worked out"}
#: What is missing of the product as a whole, by its code.
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
    for row in rows:
        count = row["products"]
        able = f"  {count} product{'' if count == 1 else 's'}" if count else ""
        standing = row["status_group"].replace("_", " ").replace("supported off label", "supported, off label")
        standing = standing.replace("fda", "FDA")
        console.print(Text.assemble((row["id"], "bold" if count else ""), (f"  {standing}", "dim"), (able, "green")))
        console.print(Text(f"  {row['name']}", "dim"), no_wrap=True, overflow="ellipsis")
    console.print(Padding(Text(f"{len(rows)} conditions.", "bold"), (1, 0, 0, 0)))


def render_sources(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """Sources by file, with what kind of page each is."""
    for row in rows:
        dated = row["revision"] or row["date"]
        said = ", ".join(part for part in (row["kind"].replace("_", " "), row["region"], dated) if part)
        console.print(Text.assemble((row["id"], "bold"), f"  {said}"), no_wrap=True, overflow="ellipsis")
        console.print(Text(f"  {row['title']}", "dim"), no_wrap=True, overflow="ellipsis")
    console.print(Padding(Text(f"{len(rows)} sources.", "bold"), (1, 0, 0, 0)))


def render_record(record: dict[str, Any], console: Console, *, hashes: bool) -> None:
    """One record: each value, and below it on whose word."""
    console.print(Text.assemble((record["name"], "bold"), (f"  {record['kind']}/{record['id']}", "dim")))
    sections: dict[str, list[dict[str, Any]]] = {"": []}
    for row in record["rows"]:
        sections.setdefault(row["section"], []).append(row)
    for section, rows in sections.items():
        if section:
            console.print(Padding(Text(section, "bold cyan"), (1, 0, 0, 0)))
        for row in rows:
            table = Table(box=None, show_header=False, padding=(0, GAP, 0, 0), pad_edge=False, expand=True)
            table.add_column(width=min(24, console.width // 4), overflow="fold")
            table.add_column(ratio=1, overflow="fold")
            table.add_row(Text(row["key"]), _value(row))
            console.print(table)
            if hashes and row["base"]:
                console.print(Text(f"  base {row['base']}", "dim"), soft_wrap=True)


def _value(row: dict[str, Any]) -> Text:
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
    return text


def render_search(rows: Sequence[dict[str, Any]], asked: str, console: Console) -> None:
    """What was found, best first, with the word that matched."""
    if not rows:
        console.print(f"Nothing is called anything like {asked!r}.")
        return
    for row in rows:
        head = Text.assemble((f"{row['kind']}/{row['id']}", "bold"), f"  {row['name']}")
        console.print(head, no_wrap=True, overflow="ellipsis")
        console.print(Text(f"    {row['why']}", "dim"), no_wrap=True, overflow="ellipsis")


def render_checks(rows: Sequence[dict[str, Any]], summary: str, console: Console) -> None:
    """Errors and warnings in full; what only informs is counted and listed plainly."""
    for row in rows:
        colour = FINDING_COLOURS[row["severity"]]
        console.print(Text.assemble((f"{row['severity']:<8}", colour), row["where"]), soft_wrap=False)
        remedy = "" if row["severity"] == "info" else f"\n→ {row['remedy']}"
        console.print(Padding(Text.assemble(row["message"], (remedy, "dim")), (0, 0, 0, 8)))
    console.print(Padding(Text(summary, "bold"), (1 if rows else 0, 0, 0, 0)))


# ---- one record, value by value

#: Where a record has a fact but no words.
NOT_STATED = "not stated"

#: What stands beside a value in every fact, and is shown below it.
BESIDE = frozenset(facts.Fact.model_fields)

#: Units by the words of a key, first match first.
UNITS: tuple[tuple[str, str], ...] = (
    ("mcg_per_ml", "mcg/mL"),
    ("mosm_per_kg", "mOsm/kg"),
    ("ml_per_h", "mL/h"),
    ("g_per_kg", "g/kg"),
    ("days", "days"),
    ("years", "years"),
    ("min", "min"),
    ("bmi", "kg/m²"),
    ("infusions", "infusions"),
    ("supervised", "infusions"),
    ("g", "g"),
)


def record_rows(
    value: object, keys: tuple[str, ...], source_of: Callable[[str], Source], base_of: Callable[[str], str]
) -> Iterator[dict[str, Any]]:
    """Every value of a record, in its order: with unit, sources and reading where it is a fact."""
    if isinstance(value, Rule):
        yield _row(keys, f"{value.severity.value}: {value.text}", value, source_of, base_of)
        yield from _plain_rows(value, keys, ("remedy", "when", "raises", "regions", "may_be", "unknown"))
    elif isinstance(value, facts.Fact):
        yield _row(keys, shown(value, keys), value, source_of, base_of)
        if isinstance(value, products.Steps):
            for place, step in enumerate(value.rates):
                yield _row((*keys, f"[{place}]"), shown(step, keys), step, source_of, lambda _: "")
    elif isinstance(value, BaseModel) and _is_plain(value):
        if said := compact(value):
            yield _row(keys, said, None, source_of, base_of)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from record_rows(getattr(value, name), (*keys, name), source_of, base_of)
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from record_rows(part, (*keys, str(name)), source_of, base_of)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for place, part in enumerate(value):
            yield from record_rows(part, (*keys, f"[{place}]"), source_of, base_of)
    elif value not in (None, "", ()):
        yield _row(keys, compact(value), None, source_of, base_of)


def _plain_rows(value: BaseModel, keys: tuple[str, ...], names: Iterable[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        if said := compact(getattr(value, name)):
            yield _row((*keys, name), said, None, _no_source, lambda _: "")


def _no_source(name: str) -> Source:
    raise KeyError(name)


def _row(
    keys: tuple[str, ...],
    text: str,
    fact: facts.Fact | None,
    source_of: Callable[[str], Source],
    base_of: Callable[[str], str],
) -> dict[str, Any]:
    path = spelled(key for key in keys if not key.startswith("["))
    nested = keys[-1].startswith("[")
    key = f"{keys[-2]}{keys[-1]}" if nested and len(keys) > 1 else keys[-1]
    return {
        "path": path + (keys[-1] if nested else ""),
        "section": spelled(keys[: -2 if nested else -1]),
        "key": key,
        "shown": text,
        "values": _values(fact) if fact is not None else {},
        "origin": fact.origin.value if fact is not None else "",
        "read": fact.read.value if fact is not None else "",
        "place": fact.place if fact is not None else "",
        "note": fact.note if fact is not None else "",
        "by": list(fact.by) if fact is not None else [],
        "sources": [source_of(name).model_dump(mode="json") for name in fact.src] if fact is not None else [],
        "base": base_of(path) if fact is not None and not nested else "",
    }


def _values(fact: facts.Fact) -> dict[str, Any]:
    return fact.model_dump(mode="json", exclude=set(BESIDE), exclude_none=True, exclude_defaults=True)


def _is_plain(value: BaseModel) -> bool:
    """No fact stands anywhere in it."""
    return not any(
        isinstance(part, BaseModel | Mapping) or (isinstance(part, tuple) and part and isinstance(part[0], BaseModel))
        for part in (getattr(value, name) for name in type(value).model_fields)
        if not (isinstance(part, Mapping) and not any(isinstance(one, BaseModel) for one in part.values()))
    )


def compact(value: object) -> str:
    """Any plain value in one line."""
    if value is None or (isinstance(value, str | tuple | Mapping) and not value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        kind = getattr(value, "kind", "")
        parts = [(name, getattr(value, name)) for name in fields if name != "kind"]
        said = "; ".join(f"{name} {compact(part)}" for name, part in parts if compact(part) and part is not False)
        return f"{kind}({said})" if "kind" in fields and not isinstance(value, Source) else said
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {compact(part)}" for name, part in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(compact(part) for part in value)
    return str(value)


def shown(fact: facts.Fact, keys: tuple[str, ...] = ()) -> str:
    """A fact's value with its unit, as a reader says it."""
    for kind, say in SAID:
        if isinstance(fact, kind):
            return say(fact, keys)
    return "; ".join(f"{name} {compact(part)}" for name, part in _values(fact).items())


def _rate(rate: Any, _: tuple[str, ...]) -> str:  # noqa: ANN401
    units = (
        ("mg_per_kg_min", "mg/kg/min"),
        ("ml_per_kg_min", "mL/kg/min"),
        ("ml_per_kg_h", "mL/kg/h"),
        ("mg_per_kg_h", "mg/kg/h"),
    )
    printed = [f"{number(value)} {unit}" for name, unit in units if (value := getattr(rate, name)) is not None]
    text = ("below " if rate.below else "") + " = ".join(printed)
    if getattr(rate, "hold_min", None) is not None:
        text += f", for {rate.hold_min} min"
    if hasattr(rate, "after_infusions"):
        text += f", after {rate.after_infusions} earlier infusions"
    return text


def _span(low: object, high: object, unit: str) -> str:
    ends = [compact(end) for end in (low, high) if end is not None]
    return f"{' to '.join(dict.fromkeys(ends))} {unit}".rstrip()


def unit_of(keys: tuple[str, ...]) -> str:
    """The unit that the keys of a value name, innermost first."""
    for key in reversed(keys[-2:]):
        for words, unit in UNITS:
            if f"_{words}_" in f"_{key}_":
                return unit
    return ""


def _amount(amount: Any, keys: tuple[str, ...]) -> str:  # noqa: ANN401
    unit = unit_of(keys)
    if amount.typical is not None:
        text = _span(amount.typical, None, unit)
        if amount.min is not None or amount.max is not None:
            text += f" ({_span(amount.min, amount.max, unit)})"
    else:
        text = _span(amount.min, amount.max, unit)
    return f"{text} ({amount.qualifier})" if amount.qualifier else text


def _concentration(one: Any, _: tuple[str, ...]) -> str:  # noqa: ANN401
    text = f"{number(one.g_per_ml)} g/mL ({strength(one.g_per_ml)})"
    return f"{text}, {_span(one.range_g_per_ml[0], one.range_g_per_ml[1], 'g/mL')}" if one.range_g_per_ml else text


def _fluids(one: Any, _: tuple[str, ...]) -> str:  # noqa: ANN401
    said = [
        {True: "permitted", False: "forbidden", None: ""}[one.permitted],
        f"with {', '.join(one.allowed)}" if one.allowed else "",
        f"never with {', '.join(one.forbidden)}" if one.forbidden else "",
        one.text,
    ]
    return "; ".join(part for part in said if part) or NOT_STATED


def _regimen(one: Any, _: tuple[str, ...]) -> str:  # noqa: ANN401
    said = [f"{one.phase.value}: {one.text}".strip()]
    if one.g_per_kg_max is not None:
        up_to = "up to " if one.g_per_kg_min is None else ""
        said.append(f"{up_to}{_span(one.g_per_kg_min, one.g_per_kg_max, 'g/kg a course')}")
        if one.days_max > 1:
            said.append(f"over {_span(Decimal(one.days_min), Decimal(one.days_max), 'days')}")
        if one.interval_days_max is not None:
            said.append(f"every {_span(one.interval_days_min, one.interval_days_max, 'days')}")
    for name, unit in (("max_g_per_kg_day", "g/kg a day"), ("max_g_day", "g a day"), ("max_g_course", "g a course")):
        if getattr(one, name) is not None:
            said.append(f"at most {number(getattr(one, name))} {unit}")
    if one.min_duration_h is not None:
        said.append(f"at least {number(one.min_duration_h)} h an infusion")
    said += [part for part in (one.population, one.authority) if part]
    return "; ".join(said)


#: What a bare factor multiplies, by its key.
FACTORS = {"factor": "x the weekly intravenous dose", "ml_per_g": "mL for a gram"}


def _intervals(one: Any) -> str:  # noqa: ANN401
    often = f", or up to {one.per_week_max} times a week" if one.per_week_max > 1 else ""
    return f"every {' or '.join(map(str, one.days))} days{often}"


def _infusions(one: Any) -> str:  # noqa: ANN401
    last = getattr(one, "to_infusion", None)
    return f"from infusion {one.from_infusion}" + ("" if last is None else f" to {last}")


def _site_rate(one: Any) -> str:  # noqa: ANN401
    low, steps = one.start_ml_per_h_per_site, one.steps_ml_per_h_per_site
    text = f"{_span(low, one.ml_per_h_per_site, 'mL/h a site')}, {_infusions(one)}"
    return f"{text}; {compact(steps)} mL/h, {one.step_min} min each" if steps else text


START_SAID: tuple[tuple[type[facts.Fact], Callable[[Any, tuple[str, ...]], str]], ...] = (
    (subcutaneous.SupersededFactor, lambda one, _: f"{number(one.factor)}, superseded {one.until}".rstrip()),
    (subcutaneous.Factor, lambda one, keys: f"{number(one.factor)} {FACTORS.get(keys[-1], '')}".rstrip()),
    (subcutaneous.WeeklyDose, lambda one, _: f"{number(one.g_per_kg_week)} g/kg a week; {one.text}"),
    (subcutaneous.Intervals, lambda one, _: _intervals(one)),
    (subcutaneous.StartAfter, lambda one, _: f"{_span(one.min_days, one.max_days, 'days')} after the last infusion"),
    (subcutaneous.RampUp, lambda one, _: "; ".join(f"week {s.week}: {s.dose_weeks} weeks' dose" for s in one.steps)),
    (subcutaneous.SiteVolume, lambda one, _: f"{number(one.ml_per_site)} mL a site, {_infusions(one)}"),
    (subcutaneous.SiteRate, lambda one, _: _site_rate(one)),
    (subcutaneous.AllSites, lambda one, _: f"{number(one.ml_per_h)} mL/h over all sites"),
    (subcutaneous.DayVolume, lambda one, _: f"{number(one.ml)} mL a day"),
    (subcutaneous.Previous, lambda one, _: f"{one.months} months of earlier treatment"),
    (subcutaneous.Naive, lambda one, _: one.text),
    (subcutaneous.Spacing, lambda one, _: f"{number(one.cm)} cm apart"),
    (
        subcutaneous.Growth,
        lambda one, _: (
            f"{_span(one.add_ml_per_site[0], one.add_ml_per_site[1], 'mL a site')} every {_span(one.every_weeks[0], one.every_weeks[1], 'weeks')}, "
            f"{_span(one.add_ml_per_h_per_site[0], one.add_ml_per_h_per_site[1], 'mL/h a site')} at each infusion"
        ),
    ),
)

SAID: tuple[tuple[type[facts.Fact], Callable[[Any, tuple[str, ...]], str]], ...] = (
    (facts.Rate, _rate),
    (facts.RateStep, lambda one, _: f"add {number(one.add_mg_per_kg_min)} mg/kg/min every {one.every_min} min"),
    (facts.Concentration, _concentration),
    (facts.VialSizes, lambda one, _: f"{compact(one.sizes_g)} g"),
    (facts.Age, lambda one, _: f"{number(one.years)} years"),
    (facts.Count, lambda one, _: str(one.count)),
    (facts.Minutes, lambda one, _: f"{one.min} min"),
    (facts.Interval, lambda one, _: _span(one.min_min, one.max_min, "min")),
    (facts.Amount, _amount),
    (facts.Statement, lambda one, _: one.text),
    (facts.Items, lambda one, _: ", ".join(one.items)),
    (products.Steps, lambda one, _: f"{len(one.rates)} printed steps"),
    (products.Fluids, _fluids),
    *START_SAID,
    (Regimen, _regimen),
    (Regulatory, lambda one, _: f"{one.status}: {one.text}" if one.text else one.status),
    (policies.Number, lambda one, keys: f"{number(one.value)} {unit_of(keys)}".rstrip()),
    (policies.Choice, lambda one, _: one.value),
)
