"""What is on the shelf: vials by product, size, lot and expiry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ivigil import written
from ivigil.errors import BadInput
from ivigil.patient import Day, Number, Said, WholeNumber

MAX_LOT_LENGTH = 40


def _lot(text: str) -> str:
    if len(text) > MAX_LOT_LENGTH:
        raise ValueError(f"a lot has at most {MAX_LOT_LENGTH} characters")
    return text


class StockRow(BaseModel):
    """One row of a stock list. ``status`` other than ``available`` is never used.

    ``size_g`` is grams in a vial, ``count`` the vials on the shelf. Lots are compared without regard to case and blanks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    product: Said
    size_g: Number = Field(gt=0)
    lot: Annotated[Said, AfterValidator(_lot)]
    expires_on: Day
    count: WholeNumber = Field(ge=0)
    status: Literal["available", "quarantined", "recalled"] = "available"

    @property
    def batch(self) -> str:
        """The lot as it is compared: case and blanks do not tell one batch from another."""
        return "".join(self.lot.split()).casefold()


def read_stock(raw: object, products: tuple[str, ...]) -> tuple[StockRow, ...]:
    """A stock list from raw JSON values: a list of rows.

    Raises:
        BadInput: not a list, a malformed row, an unknown product, one lot of a size listed twice, or one lot spelled
            in two ways.
    """
    if not isinstance(raw, list):
        raise BadInput(
            "stock", type(raw).__name__, "A stock list is a JSON list of rows.", "See docs/reference/stock.md."
        )
    rows = []
    for number, one in enumerate(raw):
        try:
            row = StockRow.model_validate(one)
        except ValidationError as problem:
            error = problem.errors()[0]
            where = ".".join((f"stock[{number}]", *map(str, error["loc"])))
            reason = error.get("ctx", {}).get("error")
            rule, remedy = (
                (reason.rule, reason.remedy)
                if isinstance(reason, written.NotReadable)
                else (f"{error['msg'].removeprefix('Value error, ')}.", "See docs/reference/stock.md.")
            )
            raise BadInput(where, str(error["input"]), rule[0].upper() + rule[1:], remedy) from problem
        if row.product not in products:
            raise BadInput(
                f"stock[{number}].product",
                row.product,
                "No product has this id.",
                "`ivigil knowledge list products` lists them.",
            )
        rows.append(row)
    _check_each_lot_once(rows)
    return tuple(rows)


def _check_each_lot_once(rows: list[StockRow]) -> None:
    spelled: dict[tuple[str, str], StockRow] = {}
    seen: set[tuple[str, str, Decimal]] = set()
    for row in rows:
        other = spelled.setdefault((row.product, row.batch), row)
        if other.lot != row.lot:
            raise BadInput(
                "stock",
                f"{row.product} lot {row.lot!r} and lot {other.lot!r}",
                "Lots that differ only in case or blanks are one lot, and its rows must agree.",
                "Spell the lot as on the carton in every row.",
            )
        key = (row.product, row.batch, row.size_g)
        if key in seen:
            raise BadInput(
                "stock",
                f"{row.product} {row.size_g} g lot {row.lot}",
                "A lot of one size stands once.",
                "Add up its rows.",
            )
        seen.add(key)


Shelf = Mapping[Decimal, tuple[StockRow, ...]]
"""Usable rows of one product by vial size, earliest expiry first."""


def shelf_of(rows: Iterable[StockRow], product: str, last_day: date) -> Shelf:
    """Rows of a product that may be used up to a day, by size, earliest expiry first."""
    own = [row for row in rows if row.product == product]
    # A lot is one batch whatever the vial: held or recalled in one size, it is out in all.
    out = {row.batch for row in own if row.status != "available"}
    usable = sorted(
        (row for row in own if row.batch not in out and row.count > 0 and row.expires_on >= last_day),
        key=lambda row: (row.expires_on, row.lot),
    )
    return {size: tuple(row for row in usable if row.size_g == size) for size in {row.size_g for row in usable}}
