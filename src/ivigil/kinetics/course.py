"""The typical course of IgG in a model without closed form: curve, area, extremes, and its steady state by repetition."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ivigil.errors import BadInput
from ivigil.findings import Finding, Severity
from ivigil.kinetics.individual import SAME_BASELINE_G_PER_L
from ivigil.kinetics.ode import AREA, IGG, Events, System, events_of, states_of
from ivigil.kinetics.window import Window
from ivigil.knowledge.kinetic_models import KineticModel, Positive

Floats = NDArray[np.float64]

#: A steady state has been reached when what repetition would still change is below this part of every state.
STEADY_WITHIN = 1e-9
MOST_CYCLES = 20_000
#: Below a hundredth of it a change is the error of integration itself, which shrinks no further.
INTEGRATION_SHARE = 100
#: How finely an interval is looked through for extremes, and how often the neighbours of one are looked through again: a
#: place is known to a 40,000th of the first distance.
POINTS_PER_STRETCH = 400
CLOSER = 2


def not_linear(why: str) -> Finding:
    """Why two of the metrics are None."""
    return Finding(
        code="not-linear",
        severity=Severity.INFORMS,
        text=f"Exogenous IgG and a terminal half-life are not given: {why}.",
    )


@dataclass(frozen=True)
class Response:
    """A second curve that the model has, from its states."""

    name: str
    unit: str
    of: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Course:
    """One subject over a window: the state at its start, what is shown of it, and the subject's keys that were used."""

    system: System
    window: Window
    start: Floats
    shown: dict[str, float]
    response: Response
    used: frozenset[str]
    findings: tuple[Finding, ...]

    @property
    def _events(self) -> Events:
        return events_of(self.window.doses, self.window.end)

    def states(self, days: Floats) -> Floats:
        """States at rising days, a dose of that very moment included; shape (days, states)."""
        return states_of(self.system, self.start, self._events, days)[0]

    def igg_of(self, states: Floats) -> Floats:
        """Total IgG (g/L) of states."""
        return np.asarray(states[..., IGG[self.system.kind]])

    def igg(self, days: Floats) -> Floats:
        """Total IgG (g/L) at rising days."""
        return self.igg_of(self.states(days))

    @property
    def last(self) -> Floats:
        """The state at the end of the window, no dose of that moment given."""
        return states_of(self.system, self.start, self._events, np.empty(0))[1]

    @property
    def area(self) -> float:
        """Area under total IgG over the window (g·day/L)."""
        return float(self.last[AREA])

    @property
    def trough(self) -> float:
        """Total IgG (g/L) at the end of the window, just before a dose of that moment."""
        return float(self.igg_of(self.last))

    def extreme(self, sign: int) -> tuple[float, float]:
        """The highest (+1) or lowest (-1) total IgG and its day: looked for between bends, then closed in on."""
        rows = []
        for left, right in itertools.pairwise(self.window.bends):
            row = np.linspace(left, right, POINTS_PER_STRETCH + 1)
            row[-1] = np.nextafter(right, left)  # the moment before the next dose
            rows.append(row)
        days = np.concatenate(rows)
        values = self.igg(days)
        at = int(np.argmax(sign * values))
        first, place = divmod(at, POINTS_PER_STRETCH + 1)
        for _ in range(CLOSER):
            low, high = rows[first][max(place - 1, 0)], rows[first][min(place + 1, POINTS_PER_STRETCH)]
            rows, first = [np.linspace(low, high, POINTS_PER_STRETCH + 1)], 0
            values = self.igg(rows[0])
            place = int(np.argmax(sign * values))
        return float(values[place]), float(rows[0][place])


def steady_start(system: System, window: Window, model: KineticModel) -> Floats:
    """The state that one interval of the window leads back to, found by repeating it.

    Each repetition shrinks what is left by a nearly constant factor, so what all later ones would still change is told
    from the last two, and is brought below :data:`STEADY_WITHIN` of every state, twice in a row.

    Raises:
        BadInput: no steady state is reached.
    """
    given = events_of(window.doses, window.end)
    state, moved, settled = system.rest, np.inf, 0
    for _ in range(MOST_CYCLES):
        begun = state.copy()
        begun[AREA] = 0.0
        state = states_of(system, begun, given, np.empty(0))[1]
        change = float(np.max(np.abs(state - begun)[:AREA] / np.maximum(np.abs(state[:AREA]), STEADY_WITHIN)))
        left = change * change / (moved - change) if change < moved else np.inf
        settled = settled + 1 if min(left, change * INTEGRATION_SHARE) < STEADY_WITHIN else 0
        if settled > 1:
            state[AREA] = 0.0
            return state
        moved = change
    raise BadInput(
        "--steady-state", model.id, f"No steady state was reached in {MOST_CYCLES} intervals.", "Give --days instead."
    )


def baseline_differs(
    model: KineticModel, given_g_per_l: float, own: Positive, meaning: str = ""
) -> tuple[Finding, ...]:
    """What is said where the level given is not the model's; ``meaning`` where it is more than a baseline."""
    if abs(given_g_per_l - own.typical) <= SAME_BASELINE_G_PER_L:
        return ()
    text = f"The baseline given is {given_g_per_l:g} g/L; {model.id} was built with {own.typical:g} g/L.{meaning}"
    found = Finding(
        code="baseline-differs",
        severity=Severity.WARNS,
        text=text,
        remedy="Keep the model's level unless the patient's own, before any treatment, was measured.",
        sources=own.src,
    )
    return (found,)
