"""Every fact has a source, was read as well as it says, and carries no signature that is not the site's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from pydantic import BaseModel

from ivigil.knowledge.checks.rows import CheckRow, Located, Weight, error
from ivigil.knowledge.facts import Fact
from ivigil.sources import CARRIES, RANK, Read, Source, SourceKind

#: Where the sources of the equations stand; no fact holds an equation.
OF_EQUATIONS = "equations/"


def _cited(record: BaseModel) -> tuple[str, ...]:
    named = getattr(record, "citation", "")
    return (*getattr(record, "src", ()), *((named,) if named else ()))


def sources_exist(records: Iterable[Located], known: Collection[str]) -> Iterator[CheckRow]:
    """Every source that is cited has a record."""
    for where, record in records:
        for name in _cited(record):
            if name not in known:
                yield error(where, f"The source {name} has no record.", "Add it under sources/ or correct the id.")


def sources_used(records: Iterable[Located], known: Collection[str]) -> Iterator[CheckRow]:
    """Sources that nothing cites. Those of equations are cited by the code that works them out."""
    used = {name for _, record in records for name in _cited(record)}
    used |= {name for name in known if name.startswith(OF_EQUATIONS)}
    for name in sorted(set(known) - used):
        shard, _, key = name.partition("/")
        yield CheckRow(
            f"sources/{shard}.toml: {key}", Weight.INFO, "No fact cites this source.", "Cite it or take it out."
        )


def reading_is_carried(records: Iterable[Located], sources: Mapping[str, Source]) -> Iterator[CheckRow]:
    """How a fact says it was read is borne out by the kind of at least one of its sources: this good, or better.

    A paper is better read than a copy of a label, and is none: a product's fact read on a copy needs a label or a copy.
    """
    for where, fact in records:
        if not isinstance(fact, Fact) or fact.read not in CARRIES or not fact.src:
            continue
        kinds = {sources[name].kind for name in fact.src if name in sources}
        of_a_product = where.startswith("products/")
        carrying = {
            kind
            for level, carried in CARRIES.items()
            if RANK[level] <= RANK[fact.read] and not (of_a_product and level is Read.PRIMARY is not fact.read)
            for kind in carried
        }
        if kinds and not kinds & carrying:
            shown = ", ".join(sorted(kind.value for kind in kinds))
            yield error(
                where,
                f"It says read = {fact.read.value}, but its sources are of the kind {shown}.",
                f"Cite the page it was read on, or write how it was read ({_fitting(kinds)}).",
            )


def _fitting(kinds: Collection[SourceKind]) -> str:
    levels = [level.value for level, carried in CARRIES.items() if carried & set(kinds)]
    return " or ".join(levels or [Read.SECONDARY.value, Read.NOT_READ.value])


def sources_are_whole(sources: Mapping[str, Source]) -> Iterator[CheckRow]:
    """A source says what it is, who published it and for which region."""
    for name, source in sources.items():
        shard, _, key = name.partition("/")
        for field in ("title", "publisher", "region"):
            if not getattr(source, field).strip():
                yield error(
                    f"sources/{shard}.toml: {key}.{field}", "It is empty.", f"Write the {field} as the page gives it."
                )


def shipped_facts_are_unsigned(records: Iterable[Located]) -> Iterator[CheckRow]:
    """A signature opens what nobody read on a label; only a site's overlay carries one."""
    for where, fact in records:
        if isinstance(fact, Fact) and fact.by:
            yield error(where, "A shipped fact carries a signature.", "Take `by` out; a site signs in its overlay.")
