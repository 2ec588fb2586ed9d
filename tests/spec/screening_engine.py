"""Holds a rule book to the table: used on the shipped rules, and on copies with one thing changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from ivigil.assessment.screening import Circumstances, Rules, screen_dose, screen_patient, screen_product
from ivigil.assessment.screening.screen import Screened
from ivigil.knowledge.facts import Statement
from ivigil.knowledge.products import Product
from ivigil.knowledge.rules import Rule
from ivigil.sources import Origin, Read
from tests.planning import START, opened, patient, record
from tests.spec.mark_table import ROWS as MARKS
from tests.spec.screening_rows import Case, Row
from tests.spec.screening_table import ROWS as FIRST_ROWS
from tests.spec.screening_table_more import ROWS as MORE_ROWS

ROWS: dict[str, Row] = FIRST_ROWS | MORE_ROWS
#: The screening rules, which plans ask, and the marks of other therapies, which the assessment asks: one engine.
EVERY_ROW: dict[str, Row] = ROWS | MARKS


def variant(product: Product, holds: tuple[str, ...] | None) -> Product:
    """The product with other excipients; None: its list was not read."""
    made_up = Statement(text="Made up for a test.", origin=Origin.ASSUMED, read=Read.NOT_READ, note="test")
    return product.model_copy(update={"excipients": None if holds is None else dict.fromkeys(holds, made_up)})


@dataclass(frozen=True)
class Asked:
    """The circumstances of every case of a row, read once: a hundred changed books are held to them."""

    hits: tuple[Circumstances, ...]
    near: tuple[Circumstances, ...]
    unrecorded: tuple[Circumstances, ...]
    elsewhere: tuple[Circumstances, ...]


@cache
def asked(code: str) -> Asked:
    """The circumstances of a row's cases."""
    row = EVERY_ROW[code]
    return Asked(
        tuple(map(_circumstances, row.hits)),
        tuple(map(_circumstances, row.near)),
        tuple(_circumstances(one.case) for one in row.unrecorded),
        tuple(_circumstances(case) for case, _ in row.elsewhere),
    )


def _circumstances(case: Case) -> Circumstances:
    product = opened().product(case.product)
    return Circumstances(
        patient=patient(record(**case.change)),
        at=START,
        region=case.region,
        long_gap_days=opened().policies.rate.long_gap_days.value,
        product=product if case.holds == () else variant(product, case.holds),
        course_dose_g_per_kg=None if case.g_per_kg is None else Decimal(case.g_per_kg),
    )


def _screened(book: Rules, about: Circumstances) -> Screened:
    return screen_patient(book, about) + screen_product(book, about) + screen_dose(book, about)


def mistakes(rules: Mapping[str, Rule], code: str) -> Iterator[str]:
    """What a rule book says of a row's cases and should not, or does not say and should; nothing where all agree."""
    row, about = EVERY_ROW[code], asked(code)
    book = Rules.of({code: rules[code]} if code in rules else {})
    for case, where in zip(row.hits, about.hits, strict=True):
        yield from _wrong(row, row.severity, code, _screened(book, where), str(case))
    for (case, severity), where in zip(row.elsewhere, about.elsewhere, strict=True):
        yield from _wrong(row, severity, code, _screened(book, where), str(case))
    for case, where in zip(row.near, about.near, strict=True):
        said = _screened(book, where)
        if said.findings or said.risks:
            yield f"speaks of {case}"
    for doubt, where in zip(row.unrecorded, about.unrecorded, strict=True):
        found = {one.code: one for one in _screened(book, where).findings}
        own = found.pop(f"{code}-unknown", None)
        if found:
            yield f"decides {doubt}"
        if (own is not None) != (doubt.asks == f"{code}-unknown"):
            yield f"own doubt at {doubt}"
        elif own is not None:
            if own.severity != doubt.severity or (own.severity == "blocks" and own.may_be != doubt.may_be):
                yield f"{own.severity} {own.may_be} at {doubt}"
            for words in doubt.says:
                if words not in f"{own.text} {own.remedy}":
                    yield f"does not say “{words}” at {doubt}"


def _wrong(row: Row, severity: str, code: str, said: Screened, case: str) -> Iterator[str]:
    if [one.code for one in said.findings] != [code]:
        yield f"says {[one.code for one in said.findings]} of {case}"
        return
    (finding,) = said.findings
    if finding.severity != severity:
        yield f"{finding.severity} instead of {severity} at {case}"
    if severity == "blocks" and finding.may_be != row.may_be:
        yield f"{finding.may_be} instead of {row.may_be} at {case}"
    if finding.verified is not row.verified:
        yield f"verified is {finding.verified}"
    if ("shown here as a caution" in finding.text) is not (severity != row.severity):
        yield f"the wrong region speaks at {case}"
    if said.risks != row.raises:
        yield f"raises {sorted(said.risks)} instead of {sorted(row.raises)}"
    if {one.removeprefix("safety/") for one in finding.sources} != set(row.sources.split()):
        yield f"cites {finding.sources}"
    whole = f"{finding.text} {finding.remedy}"
    for words in row.says:
        if words not in whole:
            yield f"does not say “{words}”"
