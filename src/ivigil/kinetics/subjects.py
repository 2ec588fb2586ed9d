"""The subject of a simulation: one vocabulary of keys for all models."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, get_args

from ivigil.errors import BadInput, ImpossibleValue, UnknownName
from ivigil.kinetics.body_size import Sex, lean_mass_kg

#: What each key needs to be worked out from, where it is not given itself.
DERIVED = {"lean_mass_kg": ("weight_kg", "height_cm", "sex", "age_years")}


@dataclass(frozen=True)
class Weighing:
    """A weight (kg) and the day on which it was taken."""

    day: float
    weight_kg: float

    def __post_init__(self) -> None:
        for name in ("day", "weight_kg"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise BadInput(f"weights.{name}", value, "It must be a number.", "Write it as a plain number.")
        if self.weight_kg <= 0:
            raise ImpossibleValue("weights.weight_kg", self.weight_kg, "A weight is above zero.", "Correct it.")


def check_weighings(weights: tuple[Weighing, ...]) -> None:
    """Refuse weighings that do not rise in time.

    Raises:
        BadInput: two of one day, or one that lies before the one above it.
    """
    for number, (before, after) in enumerate(itertools.pairwise(weights)):
        if after.day <= before.day:
            raise BadInput(
                f"weights[{number + 1}]",
                after.day,
                f"It lies before or on the day of the one above it ({before.day:g}).",
                "Write the weighings in order of time, one a day.",
            )


@dataclass(frozen=True)
class Subject:
    """Whom a model is asked about. None is "not given", never "no".

    ``weight_kg`` is the actual weight, ``dosing_weight_kg`` the one that g/kg are counted in where it differs.
    ``igm_g_per_l`` is IgM in serum; ``secondary_deficiency`` whether the antibody deficiency is secondary.
    ``weights`` stands instead of ``weight_kg`` where the weight changes: each weighing holds until the next one, and the
    first also before its day (last observation carried forward: policy ``kinetics.changing_weight``).
    """

    weight_kg: float | None = None
    dosing_weight_kg: float | None = None
    height_cm: float | None = None
    age_years: float | None = None
    sex: Sex | None = None
    igm_g_per_l: float | None = None
    secondary_deficiency: bool | None = None
    weights: tuple[Weighing, ...] = ()

    def __post_init__(self) -> None:
        for name in NUMBERS:
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise BadInput(name, value, "It must be a number.", f"Write {name} as a plain number.")
            if not math.isfinite(value) or value <= 0:
                raise ImpossibleValue(name, value, "It must be a number above zero.", "Correct it or leave it out.")
        if self.sex is not None and self.sex not in get_args(Sex):
            raise UnknownName("sex", self.sex, "Sex is one of female and male.", "Write one of them or leave it out.")
        if self.secondary_deficiency is not None and not isinstance(self.secondary_deficiency, bool):
            raise BadInput("secondary_deficiency", self.secondary_deficiency, "It is true or false.", "Write one.")
        check_weighings(self.weights)
        if self.weights and self.weight_kg is not None:
            raise BadInput(
                "subject.weights",
                None,
                "A weight is one number or changes, not both.",
                "Leave out weight_kg or weights.",
            )

    @cached_property
    def given(self) -> frozenset[str]:
        """The keys that hold a value."""
        return frozenset(one.name for one in fields(self) if getattr(self, one.name) not in {None, ()})

    def at(self, day: float) -> Subject:
        """The subject of one day, with the weight that holds on it."""
        if not self.weights:
            return self
        holding = max((one for one in self.weights if one.day <= day), key=lambda one: one.day, default=self.weights[0])
        return replace(self, weight_kg=holding.weight_kg, weights=())

    @cached_property
    def lean_mass_kg(self) -> float:
        """Lean body mass (kg), see :func:`ivigil.kinetics.body_size.lean_mass_kg`.

        Raises:
            BadInput: weight, height or age is missing.
        """
        for name in ("weight_kg", "height_cm", "age_years"):
            if getattr(self, name) is None:
                raise BadInput(name, None, "The model uses lean body mass, which needs it.", f"Give {name}.")
        assert self.weight_kg is not None
        assert self.height_cm is not None
        assert self.age_years is not None
        return lean_mass_kg(self.weight_kg, self.height_cm, self.sex, self.age_years)


NUMBERS = ("weight_kg", "dosing_weight_kg", "height_cm", "age_years", "igm_g_per_l")
KEYS = tuple(one.name for one in fields(Subject))


def read_subject(raw: object) -> Subject:
    """A subject from a JSON object.

    Raises:
        UnknownName: a key that no model knows.
        BadInput: not an object, or a value of the wrong type.
        ImpossibleValue: a number that is not above zero.
    """
    if not isinstance(raw, Mapping):
        raise BadInput("subject", type(raw).__name__, "A subject is one JSON object.", 'Write {"weight_kg": 70}.')
    for key in raw:
        if key not in KEYS:
            raise UnknownName("subject", key, "No model knows this key.", f"The keys are {', '.join(KEYS)}.")
    found = {key: _plain(value) for key, value in raw.items()}
    if "weights" in found:
        found["weights"] = _weighings(found["weights"])
    return Subject(**found)


def _weighings(raw: object) -> tuple[Weighing, ...]:
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise BadInput("weights", None, "It is a list of weighings.", 'Write [{"day": 0, "weight_kg": 20}].')
    for number, row in enumerate(raw):
        if not isinstance(row, Mapping) or set(row) != {"day", "weight_kg"}:
            raise BadInput(
                f"weights[{number}]",
                None,
                "A weighing has a day and a weight_kg.",
                'Write {"day": 0, "weight_kg": 20}.',
            )
    return tuple(Weighing(_plain(row["day"]), _plain(row["weight_kg"])) for row in raw)


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds; the subject checks it
    """A JSON number as a float: exact decimals come from the reader of files."""
    return float(value) if isinstance(value, Decimal) else value
