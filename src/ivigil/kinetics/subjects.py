"""The subject of a simulation: one vocabulary of keys for all models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property
from typing import Any, get_args

from ivigil.errors import BadInput, ImpossibleValue, UnknownName
from ivigil.kinetics.body_size import Sex, lean_mass_kg

#: What each key needs to be worked out from, where it is not given itself.
DERIVED = {"lean_mass_kg": ("weight_kg", "height_cm", "sex", "age_years")}


@dataclass(frozen=True)
class Subject:
    """Whom a model is asked about. None is "not given", never "no".

    ``weight_kg`` is the actual weight, ``dosing_weight_kg`` the one that g/kg are counted in where it differs.
    ``igm_g_per_l`` is IgM in serum; ``secondary_deficiency`` whether the antibody deficiency is secondary.
    """

    weight_kg: float | None = None
    dosing_weight_kg: float | None = None
    height_cm: float | None = None
    age_years: float | None = None
    sex: Sex | None = None
    igm_g_per_l: float | None = None
    secondary_deficiency: bool | None = None

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

    @cached_property
    def given(self) -> frozenset[str]:
        """The keys that hold a value."""
        return frozenset(one.name for one in fields(self) if getattr(self, one.name) is not None)

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
    return Subject(**{key: _plain(value) for key, value in raw.items()})


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds; the subject checks it
    """A JSON number as a float: exact decimals come from the reader of files."""
    return float(value) if isinstance(value, Decimal) else value
