"""Populations: subjects drawn from a model, simulated in chunks of constant memory, reduced to percentiles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.findings import Finding, in_order
from ivigil.kinetics import antagonist, kernels, ode, ode_population
from ivigil.kinetics.catalogue import provenance
from ivigil.kinetics.individual import doubts, individual, outside
from ivigil.kinetics.regimens import IMMUNOGLOBULIN, Regimen, Route, dose_days
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.window import only_its_drug, only_its_routes
from ivigil.knowledge.kinetic_models import Capability, KineticModel
from ivigil.knowledge.policies import KineticsPolicy
from ivigil.quantities import ML_PER_L

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

    ``integrated``: no closed form, slots of :mod:`.ode`. ``names`` are what may lie outside of bounds, by slot.
    """

    first: int
    parameters: Floats
    scale: Floats
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
    """
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


def impossible(subject: Subject, regimen: Regimen, policy: KineticsPolicy, *, draw_again: bool) -> Bounds:
    """Bioavailability above the whole dose (of the routes used), and central volumes that no body of this weight has."""
    low, high = np.zeros(kernels.SLOTS), np.full(kernels.SLOTS, np.inf)
    for route, slot in ((Route.SC, kernels.F_SC), (Route.FACILITATED_SC, kernels.F_FACILITATED)):
        if route in regimen.routes:
            high[slot] = WHOLE
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
    if Capability.POPULATION not in model.capabilities:
        raise BadInput(
            "--model",
            model.id,
            "Its variability between subjects is not known, or a doubt forbids to use it.",
            "`ivigil kinetics models` shows which model can simulate a population.",
        )
    if subjects < 1:
        raise ImpossibleValue("--subjects", subjects, "A population has at least one subject.", "Give a larger number.")
    if not 0 <= seed <= LARGEST_SEED:
        raise ImpossibleValue("--seed", seed, "A seed is a whole number from 0 to 2^64 - 1.", "Give another one.")
    spread = omega(model)
    limits = bounds or Bounds(np.zeros(kernels.SLOTS), np.full(kernels.SLOTS, np.inf))
    names: tuple[str, ...] = (*NAMES, "baseline")
    if model.antagonist is None:
        typical, baseline = _typical(model, subject, baseline_g_per_l), kernels.BASELINE
    else:
        typical, baseline = antagonist.typical(model, baseline_g_per_l), ode.BASE
        names, limits = antagonist.NAMES, _of_antagonist(limits)
    if baseline_g_per_l is not None:
        spread[baseline] = 0.0
    weight = (subject.dosing_weight_kg or subject.weight_kg) if per_kg else 1.0
    if weight is None:
        raise BadInput("subject.weight_kg", None, "The regimen counts grams per kg.", "Give weight_kg.")
    for first in range(0, subjects, chunk):
        size = min(chunk, subjects - first)
        parameters = np.empty((size, typical.size))
        outside = np.zeros(typical.size, dtype=np.int64)
        left = kernels.draw(
            np.tile(typical, (size, 1)),
            spread,
            np.uint64(seed),
            np.uint64(first),
            np.tile(limits.low, (size, 1)),
            np.tile(limits.high, (size, 1)),
            ATTEMPTS if limits.draw_again else 1,
            parameters,
            outside,
        )
        if limits.draw_again and left:
            raise ImpossibleValue(
                "--truncate", left, f"So many subjects met no bound in {ATTEMPTS} draws.", "Widen the bounds."
            )
        if model.parameters.kel_per_d is not None:
            parameters[:, kernels.CL] = model.parameters.kel_per_d.typical * parameters[:, kernels.VC]
        yield Drawn(first, parameters, np.full(size, float(weight)), model.antagonist is not None, names), outside


def _typical(model: KineticModel, subject: Subject, baseline_g_per_l: float | None) -> Floats:
    """Typical parameters of a linear model by slot."""
    p = individual(model, subject, baseline_g_per_l).parameters
    typical = np.array([p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, p.baseline_g_per_l])
    if model.parameters.kel_per_d is not None:
        typical[kernels.CL] = 0.0  # follows the subject's own volume
    return typical


def _of_antagonist(limits: Bounds) -> Bounds:
    """The bounds of a central volume, for the slots of an antagonist."""
    low, high = np.zeros(ode.SLOTS), np.full(ode.SLOTS, np.inf)
    low[ode.V], high[ode.V] = limits.low[kernels.VC], limits.high[kernels.VC]
    return Bounds(low, high, limits.draw_again)


def said(model: KineticModel, regimen: Regimen, subject: Subject) -> tuple[Finding, ...]:
    """What every result of a population says: where the model comes from, its doubts, and where it is carried outside."""
    doses = () if model.antagonist is None else antagonist.dosing(model, regimen, subject)
    return in_order((*doses, *outside(model, subject), *doubts(model), *provenance(model)))


def percentiles(
    chunks: Iterator[tuple[Drawn, NDArray[np.int64]]],
    plan: Schedule,
    asked: tuple[float, ...] = (5.0, 25.0, 50.0, 75.0, 95.0),
) -> Percentiles:
    """Percentiles and mean of total IgG per output over all chunks, in memory that does not grow with the subjects."""
    from numba import get_num_threads

    workers = get_num_threads()
    counts = np.zeros((workers, plan.outputs, kernels.BINS), dtype=np.uint32)
    sums = np.zeros((workers, plan.outputs))
    beyond_bounds: Counter[str] = Counter()
    subjects = 0
    for chunk, beyond in chunks:
        beyond_bounds.update({name: int(count) for name, count in zip(chunk.names, beyond, strict=True) if count})
        subjects += len(chunk.parameters)
        if chunk.integrated:
            ode_population.histogram(chunk.parameters, chunk.scale, plan, counts[0], sums[0])
            continue
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
            workers,
            counts,
            sums,
        )
    total = counts.sum(axis=0, dtype=np.int64)
    return Percentiles(
        days=plan.days,
        levels={one: _percentile(total, one, subjects) for one in asked},
        mean=sums.sum(axis=0) / subjects,
        subjects=subjects,
        outside=dict(beyond_bounds),
        bin_error=2.0 ** -(kernels.MANTISSA_BITS + 1),
    )


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
