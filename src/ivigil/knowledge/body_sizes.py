"""Sex, age, weight and height of reference populations: published tables, from which virtual subjects are drawn."""

from __future__ import annotations

import itertools
from typing import Self

from pydantic import Field, PositiveFloat, model_validator

from ivigil.knowledge.facts import Fact, Record

#: What shares must add up to, as closely as they are printed.
WHOLE, ROUNDING = 1.0, 1e-3


def _rise(values: tuple[float, ...], what: str) -> None:
    if not values or any(after <= before for before, after in itertools.pairwise(values)):
        raise ValueError(f"{what} must rise")


class Share(Fact):
    """A part of a whole."""

    value: float = Field(gt=0, lt=1)


class FurthestZ(Fact):
    """How many standard deviations from the median a draw may lie."""

    value: PositiveFloat


class Ages(Fact):
    """Bands of age (years) from each of ``from_years`` to the next, the last to ``until_years``, and their shares."""

    from_years: tuple[float, ...]
    until_years: PositiveFloat
    shares: tuple[float, ...]

    @model_validator(mode="after")
    def _bands(self) -> Self:
        _rise((*self.from_years, self.until_years), "ages")
        if len(self.shares) != len(self.from_years) or abs(sum(self.shares) - WHOLE) > ROUNDING:
            raise ValueError("each band of age has a share, and the shares add up to 1")
        return self


class SizeByAge(Fact):
    """Rows of (age_months, L, M, S): a size at z is M (1 + L S z)^(1/L), or M exp(S z) where L is 0 (Cole 1990)."""

    rows: tuple[tuple[float, float, PositiveFloat, PositiveFloat], ...]

    @model_validator(mode="after")
    def _ages(self) -> Self:
        _rise(tuple(row[0] for row in self.rows), "age_months")
        return self


class Correlation(Fact):
    """Rows of (from_months, r): correlation of the z-scores of weight and height from that age on."""

    rows: tuple[tuple[float, float], ...]

    @model_validator(mode="after")
    def _ages(self) -> Self:
        _rise(tuple(row[0] for row in self.rows), "from_months")
        if any(abs(r) >= WHOLE for _, r in self.rows):
            raise ValueError("a correlation lies between -1 and 1")
        return self


class Sizes(Record):
    """One sex of a reference population."""

    share: Share
    ages: Ages
    weight_kg: SizeByAge
    height_cm: SizeByAge
    correlation: Correlation


class ReferencePopulation(Record):
    """Whom virtual subjects are drawn from. ``citation`` is the source that gives it its name."""

    id: str
    name: str
    citation: str
    furthest_z: FurthestZ
    female: Sizes
    male: Sizes

    @model_validator(mode="after")
    def _two(self) -> Self:
        if abs(self.female.share.value + self.male.share.value - WHOLE) > ROUNDING:
            raise ValueError("the shares of both sexes add up to 1")
        return self
