"""What is simulated of a regimen: from day 0 to a day, or one interval of it repeated for ever."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ivigil.errors import BadInput
from ivigil.kinetics.regimens import IMMUNOGLOBULIN, Dose, Regimen, dose_days
from ivigil.knowledge.kinetic_models import KineticModel, Structure

#: Why a plasma pool alone is not dosed, and what is done instead.
NO_DOSE = (
    "has one plasma pool and no tissue: it describes the turnover of the body's own IgG and no dose.",
    "Leave --regimen out, or choose ivigil_fcrn, which is ivigil's own and assumed.",
)
#: Why a structure does not take infused immunoglobulin, and what does.
NO_IMMUNOGLOBULIN = {
    Structure.FCRN_ANTAGONIST: (
        "was built in healthy people without infused immunoglobulin; how fast an FcRn blocker clears infused IgG was not published with it.",
        "Leave the immunoglobulin out, or choose another model and leave the blocker out.",
    ),
}


@dataclass(frozen=True)
class Window:
    """Doses, and the days from 0 to ``end``; ``tau_d`` where that interval is repeated for ever."""

    doses: tuple[Dose, ...]
    end: float
    tau_d: float | None

    @property
    def bends(self) -> NDArray[np.float64]:
        """Starts and ends of doses inside the interval, and the interval's own ends."""
        inside = {0.0, self.end}
        for dose in self.doses:
            inside.update((dose.day, dose.day + dose_days(dose.over_h)))
        return np.array(sorted(day for day in inside if 0.0 <= day <= self.end))


def only_its_drug(regimen: Regimen, model: KineticModel) -> None:
    """Refuse drugs that a model does not describe.

    Raises:
        BadInput: with what the model describes, and why it holds no immunoglobulin.
    """
    own = IMMUNOGLOBULIN if model.antagonist is None else model.antagonist.drug
    for drug in sorted(regimen.drugs):
        if model.structure is Structure.FCRN_TURNOVER:
            raise BadInput("--regimen", drug, f"The model {model.id} {NO_DOSE[0]}", NO_DOSE[1])
        if drug == IMMUNOGLOBULIN and model.structure in NO_IMMUNOGLOBULIN:
            why, remedy = NO_IMMUNOGLOBULIN[model.structure]
            raise BadInput("--regimen", drug, f"The model {model.id} {why}", remedy)
        if drug != own:
            raise BadInput("--regimen", drug, f"The model {model.id} describes {own} only.", "Choose another model.")


def only_its_routes(regimen: Regimen, model: KineticModel) -> None:
    """Refuse routes that a model does not describe.

    Raises:
        BadInput: with the routes that it knows.
    """
    for route in sorted(regimen.routes):
        if route.value not in model.population.routes:
            known = ", ".join(model.population.routes)
            raise BadInput("regimen", route.value, f"The model knows only: {known}.", "Choose another model or route.")


def steady(regimen: Regimen, weight_kg: float | None) -> Window:
    """One interval of the regimen's last part.

    Raises:
        BadInput: the part does not repeat, ends, or has exceptions.
    """
    part = regimen.parts[-1]
    if part.every_d is None:
        raise BadInput("--steady-state", "once", "Only what is repeated has a steady state.", "Give --days instead.")
    if part.until_day is not None:
        raise BadInput(
            "--steady-state",
            f"until day {part.until_day:g}",
            "What ends is not repeated for ever.",
            "Leave `until` out, or give --days instead.",
        )
    if part.missed or part.late_d:
        raise BadInput("--steady-state", "missed or late", "A steady state has no exceptions.", "Give --days instead.")
    grams = part.grams(weight_kg)
    cycle = tuple(Dose(float(day), grams, part.route, part.over_h, part.drug) for day in range(part.doses))
    return Window(cycle, part.every_d, part.every_d)


def from_zero(regimen: Regimen | None, weight_kg: float | None, days: float) -> Window:
    """From day 0 with no earlier dose."""
    return Window(() if regimen is None else regimen.doses(weight_kg, days), days, None)
