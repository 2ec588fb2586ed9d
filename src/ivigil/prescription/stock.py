"""What is on the shelf: vials by product, size, lot and expiry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ivigil.errors import BadInput


class StockRow(BaseModel):
    """One row of a stock list. ``status`` other than ``available`` is never used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    product: str
    size_g: Decimal = Field(gt=0)
    lot: str = Field(min_length=1)
    expires_on: date
    count: int = Field(ge=0)
    status: Literal["available", "quarantined", "recalled"] = "available"


def read_stock(raw: object, products: tuple[str, ...]) -> tuple[StockRow, ...]:
    """A stock list from raw JSON values: a list of rows.

    Raises:
        BadInput: not a list, a malformed row, an unknown product, or one lot of a size listed twice.
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
            raise BadInput(where, str(error["input"]), f"{error['msg']}.", "See docs/reference/stock.md.") from problem
        if row.product not in products:
            raise BadInput(
                f"stock[{number}].product",
                row.product,
                "No product has this id.",
                "`ivigil knowledge list products` lists them.",
            )
        rows.append(row)
    keys = [(row.product, row.size_g, row.lot) for row in rows]
    for key in keys:
        if keys.count(key) > 1:
            raise BadInput(
                "stock", f"{key[0]} {key[1]} g lot {key[2]}", "A lot of one size stands once.", "Add up its rows."
            )
    return tuple(rows)


Shelf = Mapping[Decimal, tuple[StockRow, ...]]
"""Usable rows of one product by vial size, earliest expiry first."""


def shelf_of(rows: Iterable[StockRow], product: str, last_day: date) -> Shelf:
    """Rows of a product that may be used up to a day, by size, earliest expiry first."""
    own = [row for row in rows if row.product == product]
    # A lot is one batch whatever the vial: held or recalled in one size, it is out in all.
    out = {row.lot for row in own if row.status != "available"}
    usable = sorted(
        (row for row in own if row.lot not in out and row.count > 0 and row.expires_on >= last_day),
        key=lambda row: (row.expires_on, row.lot),
    )
    return {size: tuple(row for row in usable if row.size_g == size) for size in {row.size_g for row in usable}}
