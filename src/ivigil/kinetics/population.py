"""Populations: subjects drawn from a model, simulated in chunks of constant memory, reduced to percentiles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.findings import Finding, in_order
from ivigil.kinetics import antagonist, kernels, ode, ode_population
from ivigil.kinetics.catalogue import provenance
from ivigil.kinetics.dose_range import of_regimen
from ivigil.kinetics.individual import doubts, individual, outside
from ivigil.kinetics.regimens import IMMUNOGLOBULIN, Regimen, Route, dose_days
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.window import only_its_drug, only_its_routes
from ivigil.knowledge.kinetic_models import Capability, KineticModel
from ivigil.knowledge.policies import KineticsPolicy
from ivigil.quantities import ML_PER_L

if TYPE_CHECKING:
    from ivigil.kinetics.covariate_populations import People

Floats = NDArray[np.float64]

#: Subjects simulated at once.
CHUNK = 65_536
ROUTES = {Route.IV: kernels.IV, Route.SC: kernels.SC, Route.FACILITATED_SC: kernels.FACILITATED}
#: The parameter facts in the order of the kernels' slots; the baseline is apart.
NAMES = ("cl_l_per_d", "vc_l", "q_l_per_d", "vp_l", "ka_per_d", "f_sc", "f_facilitated_sc")
#: A bioavailability cannot exceed the whole dose.
WHOLE = 1.0
#: How often an impossible subject is drawn again before the simulation gives up.
ATTEMPTS = 100
LARGEST_SEED = 2**64 - 1


@dataclass(frozen=True)
class Schedule:
    """Doses as the kernels read them, in the order in which they end, and the even grid of outputs (days)."""

    dose_d: Floats
    dose_g: Floats
    dose_over_d: Floats
    dose_route: NDArray[np.int64]
    start_d: float
    step_d: float
    outputs: int

    @property
    def longest_d(self) -> float:
        """The longest infusion (days)."""
        return float(self.dose_over_d.max(initial=0.0))

    @property
    def days(self) -> Floats:
        """The days of the outputs."""
        return np.asarray(self.start_d + self.step_d * np.arange(self.outputs))


@dataclass(frozen=True)
class Bounds:
    """What a drawn parameter must lie between; draws outside are counted, and drawn again only if asked."""

    low: Floats
    high: Floats
    draw_again: bool = False


@dataclass(frozen=True)
class Drawn:
    """A chunk: subjects ``first`` and following, their parameters (subjects, slots), grams per unit of the schedule.

    ``people`` are their covariates where each has its own. ``integrated``: no closed form, slots of :mod:`.ode`. ``names`` are
    what may lie outside of bounds, by slot.
    """

    first: int
    parameters: Floats
    scale: Floats
    people: People | None = None
    integrated: bool = False
    names: tuple[str, ...] = (*NAMES, "baseline")


@dataclass
class Percentiles:
    """Percentiles of total IgG (g/L) per output, with the most that a bin can be off (relative)."""

    days: Floats
    levels: dict[float, Floats]
    mean: Floats
    subjects: int
    outside: dict[str, int]
    bin_error: float
    findings: tuple[Finding, ...] = field(default=())


def schedule(regimen: Regimen, days: float, step_d: float = 1.0, model: KineticModel | None = None) -> Schedule:
    """Doses of one kilogram (per-kg parts) or of anybody (grams), and outputs every ``step_d`` from day 0 to ``days``.

    Raises:
        BadInput: parts in g and in g/kg together; a drug or route that ``model`` lacks; without one, a drug that is not
            immunoglobulin.
        ImpossibleValue: days or a step that are no number above zero.
    """
    for name, value in (("days", days), ("step_d", step_d)):
        if not math.isfinite(value) or value <= 0:
            raise ImpossibleValue(name, value, "It must be a number above zero.", "Correct it.")
    if len({part.per_kg for part in regimen.parts}) > 1:
        raise BadInput("--regimen", "g and g/kg", "A population is dosed in one of them.", "Write all parts alike.")
    if model is not None:
        only_its_drug(regimen, model)
        only_its_routes(regimen, model)
    for drug in sorted(regimen.drugs - {IMMUNOGLOBULIN}) if model is None else ():
        raise BadInput("--regimen", drug, "Populations are simulated for immunoglobulin.", "Leave it out.")
    doses = sorted(regimen.doses(1.0, days), key=lambda dose: dose.day + dose_days(dose.over_h))
    return Schedule(
        np.array([dose.day for dose in doses]),
        np.array([dose.amount_g for dose in doses]),
        np.array([dose_days(dose.over_h) for dose in doses]),
        np.array([ROUTES[dose.route] for dose in doses], dtype=np.int64),
        0.0,
        step_d,
        math.floor(days / step_d) + 1,
    )


def omega(model: KineticModel) -> Floats:
    """Standard deviations on the log scale per slot, ω² = ln(1 + CV²); 0 where a parameter does not vary."""
    if model.antagonist is not None:
        return np.array([_omega(fact.cv_percent) for fact in antagonist.facts(model)])
    facts = [getattr(model.parameters, name) for name in NAMES] + [model.baseline]
    return np.array([_omega(None if fact is None else fact.cv_percent) for fact in facts])


def _omega(cv_percent: float | None) -> float:
    return 0.0 if cv_percent is None else math.sqrt(math.log1p((cv_percent / 100) ** 2))


def fractions(regimen: Regimen) -> tuple[int, ...]:
    """The slots that say which fraction of a dose of this regimen arrives."""
    slots = {Route.SC: kernels.F_SC, Route.FACILITATED_SC: kernels.F_FACILITATED}
    return tuple(slots[route] for route in sorted(regimen.routes & slots.keys()))


def impossible(subject: Subject, regimen: Regimen, policy: KineticsPolicy, *, draw_again: bool) -> Bounds:
    """Bioavailability above the whole dose (of the routes used), and central volumes that no body of this weight has."""
    low, high = np.zeros(kernels.SLOTS), np.full(kernels.SLOTS, np.inf)
    high[list(fractions(regimen))] = WHOLE
    if subject.weight_kg is not None:
        volume = policy.central_volume_ml_per_kg
        low[kernels.VC] = float(volume.low) * subject.weight_kg / ML_PER_L
        high[kernels.VC] = float(volume.high) * subject.weight_kg / ML_PER_L
    return Bounds(low, high, draw_again)


def draw(
    model: KineticModel,
    subject: Subject,
    per_kg: bool,
    subjects: int,
    seed: int,
    bounds: Bounds | None = None,
    baseline_g_per_l: float | None = None,
    chunk: int = CHUNK,
) -> Iterator[tuple[Drawn, NDArray[np.int64]]]:
    """Chunks of subjects with these covariates, each with its own parameters, and the counts of draws outside bounds.

    A subject's numbers depend on the seed and its place alone: any chunking draws the same people.

    Raises:
        BadInput: the model's variability is not known, or a covariate is missing.
        ImpossibleValue: fewer than one subject, a seed that is no 64-bit number, bounds that nobody meets.
    """
    ready(model, subjects, seed)
    limits = bounds or Bounds(np.zeros(kernels.SLOTS), np.full(kernels.SLOTS, np.inf))
    if model.antagonist is None:
        p = individual(model, subject, baseline_g_per_l).parameters
        typical = np.array([p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, p.baseline_g_per_l])
    else:
        typical, limits = antagonist.typical(model, baseline_g_per_l), _of_antagonist(limits)
    weight = (subject.dosing_weight_kg or subject.weight_kg) if per_kg else 1.0
    if weight is None:
        raise BadInput("subject.weight_kg", None, "The regimen counts grams per kg.", "Give weight_kg.")
    for first in range(0, subjects, chunk):
        size = min(chunk, subjects - first)
        each = Bounds(np.tile(limits.low, (size, 1)), np.tile(limits.high, (size, 1)), limits.draw_again)
        scale = np.full(size, float(weight))
        yield draw_chunk(model, np.tile(typical, (size, 1)), first, seed, each, baseline_g_per_l, scale)


def ready(model: KineticModel, subjects: int, seed: int) -> None:
    """Refuse what no population can be drawn from.

    Raises:
        BadInput: the model's variability is not known.
        ImpossibleValue: fewer than one subject, or a seed that is no 64-bit number.
    """
    if Capability.POPULATION not in model.capabilities:
        raise BadInput(
            "--model",
            model.id,
            "Its variability between subjects is not known, or a doubt forbids to use it.",
            "`ivigil kinetics models` shows which model can simulate a population.",
        )
    if subjects < 1:
        raise ImpossibleValue("--subjects", subjects, "A population has at least one subject.", "Give a larger number.")
    check_seed(seed)


def check_seed(seed: int) -> None:
    """Refuse a seed that the counter of the random numbers cannot hold.

    Raises:
        ImpossibleValue: below 0 or above 2^64 - 1.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise ImpossibleValue("--seed", seed, "A seed is a whole number from 0 to 2^64 - 1.", "Give another one.")


def draw_chunk(
    model: KineticModel,
    typical: Floats,
    first: int,
    seed: int,
    bounds: Bounds,
    baseline_g_per_l: float | None,
    scale: Floats,
) -> tuple[Drawn, NDArray[np.int64]]:
    """Subjects ``first`` and following around their own ``typical`` parameters (subjects, slots), within their bounds."""
    spread, integrated = omega(model), model.antagonist is not None
    if baseline_g_per_l is not None:
        spread[ode.BASE if integrated else kernels.BASELINE] = 0.0
    if model.parameters.kel_per_d is not None:
        typical[:, kernels.CL] = 0.0  # follows the subject's own volume, below
    parameters = np.empty(typical.shape)
    outside = np.zeros(typical.shape[1], dtype=np.int64)
    left = kernels.draw(
        typical,
        spread,
        np.uint64(seed),
        np.uint64(first),
        bounds.low,
        bounds.high,
        ATTEMPTS if bounds.draw_again else 1,
        parameters,
        outside,
    )
    if bounds.draw_again and left:
        raise ImpossibleValue(
            "--truncate", left, f"So many subjects met no bound in {ATTEMPTS} draws.", "Widen the bounds."
        )
    if model.parameters.kel_per_d is not None:
        parameters[:, kernels.CL] = model.parameters.kel_per_d.typical * parameters[:, kernels.VC]
    names = antagonist.NAMES if integrated else (*NAMES, "baseline")
    return Drawn(first, parameters, scale, None, integrated, names), outside


def _of_antagonist(limits: Bounds) -> Bounds:
    """The bounds of a central volume, for the slots of an antagonist."""
    low, high = np.zeros(ode.SLOTS), np.full(ode.SLOTS, np.inf)
    low[ode.V], high[ode.V] = limits.low[kernels.VC], limits.high[kernels.VC]
    return Bounds(low, high, limits.draw_again)


def said(model: KineticModel, regimen: Regimen, subject: Subject) -> tuple[Finding, ...]:
    """What every result of a population says: where the model comes from, its doubts, and where it is carried outside."""
    doses = (of_regimen if model.antagonist is None else antagonist.dosing)(model, regimen, subject)
    return in_order((*doses, *outside(model, subject), *doubts(model), *provenance(model)))


class Reduction:
    """Percentiles of total IgG per output, gathered chunk by chunk in memory that does not grow with the subjects."""

    def __init__(self, plan: Schedule) -> None:
        from numba import get_num_threads

        self._plan, self._workers = plan, get_num_threads()
        self._counts = np.zeros((self._workers, plan.outputs, kernels.BINS), dtype=np.uint32)
        self._sums = np.zeros((self._workers, plan.outputs))
        self._outside: Counter[str] = Counter()
        self._subjects = 0

    def add(self, chunk: Drawn, beyond: NDArray[np.int64]) -> None:
        """Count one chunk of :func:`draw`."""
        plan = self._plan
        self._outside.update({name: int(count) for name, count in zip(chunk.names, beyond, strict=True) if count})
        self._subjects += len(chunk.parameters)
        if chunk.integrated:
            ode_population.histogram(chunk.parameters, chunk.scale, plan, self._counts[0], self._sums[0])
            return
        kernels.histogram(
            chunk.parameters,
            chunk.scale,
            plan.start_d,
            plan.step_d,
            plan.outputs,
            plan.dose_d,
            plan.dose_g,
            plan.dose_over_d,
            plan.dose_route,
            plan.longest_d,
            self._workers,
            self._counts,
            self._sums,
        )

    def percentiles(self, asked: tuple[float, ...] = (5.0, 25.0, 50.0, 75.0, 95.0)) -> Percentiles:
        """Percentiles and mean of what was added."""
        total = self._counts.sum(axis=0, dtype=np.int64)
        return Percentiles(
            days=self._plan.days,
            levels={one: _percentile(total, one, self._subjects) for one in asked},
            mean=self._sums.sum(axis=0) / self._subjects,
            subjects=self._subjects,
            outside=dict(self._outside),
            bin_error=2.0 ** -(kernels.MANTISSA_BITS + 1),
        )


def percentiles(
    chunks: Iterator[tuple[Drawn, NDArray[np.int64]]],
    plan: Schedule,
    asked: tuple[float, ...] = (5.0, 25.0, 50.0, 75.0, 95.0),
) -> Percentiles:
    """Percentiles and mean of total IgG per output over all chunks."""
    found = Reduction(plan)
    for chunk, beyond in chunks:
        found.add(chunk, beyond)
    return found.percentiles(asked)


def _percentile(counts: NDArray[np.int64], percent: float, subjects: int) -> Floats:
    """The middle of the bin in which the percentile's subject lies."""
    rank = min(max(math.ceil(percent / 100 * subjects), 1), subjects)
    return np.asarray(middles()[(np.cumsum(counts, axis=1) >= rank).argmax(axis=1)])


def middles() -> Floats:
    """The level (g/L) in the middle of each bin."""
    slices = 1 << kernels.MANTISSA_BITS
    doubling, part = np.divmod(np.arange(kernels.BINS), slices)
    return np.asarray(np.exp2(doubling + kernels.LOWEST_EXPONENT) * (1.0 + (part + 0.5) / slices))


def levels(chunk: Drawn, plan: Schedule, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Total IgG (g/L) of a chunk's subjects, shape (subjects, outputs), into ``out`` if it is given.

    Raises:
        BadInput: ``out`` has another shape or type.
    """
    shape = (len(chunk.parameters), plan.outputs)
    if out is None:
        out = np.empty(shape, dtype=np.float32)
    if out.shape != shape or out.dtype != np.float32:
        raise BadInput("out", f"{out.dtype} {out.shape}", f"It must be float32 of shape {shape}.", "Make it anew.")
    if chunk.integrated:
        for first, rows in ode_population.igg(chunk.parameters, chunk.scale, plan):
            out[first : first + len(rows)] = rows
        return out
    kernels.dense(
        chunk.parameters,
        chunk.scale,
        plan.start_d,
        plan.step_d,
        plan.dose_d,
        plan.dose_g,
        plan.dose_over_d,
        plan.dose_route,
        out,
    )
    return out
