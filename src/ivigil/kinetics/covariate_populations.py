"""Virtual subjects with a sex, an age, a weight and a height of their own, drawn from a reference population.

Height and weight are drawn as z-scores with the population's correlation and read off its tables of L, M and S
(Cole TJ. Eur J Clin Nutr 1990;44:45-60). A person depends on the seed and the number alone. Draws further out than the
population's ``furthest_z``, and bodies for which an equation of lean mass has no answer, are drawn again and counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.findings import Finding, Severity
from ivigil.kinetics import kernels
from ivigil.kinetics.body_size import Sex, lean_mass_kg
from ivigil.kinetics.compiling import compiled
from ivigil.kinetics.individual import individual
from ivigil.kinetics.population import CHUNK, Bounds, Drawn, draw_chunk, ready
from ivigil.kinetics.randomness import normals
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.body_sizes import ReferencePopulation, SizeByAge
from ivigil.knowledge.kinetic_models import KineticModel, PowerEffect
from ivigil.knowledge.policies import KineticsPolicy
from ivigil.quantities import ML_PER_L

Floats = NDArray[np.float64]

#: What a person draws, apart from the parameters: another stretch of the same keyed numbers.
STREAM = 1 << 20
HEIGHT, WEIGHT, SEX, AGE = range(4)
MONTHS_PER_YEAR = 12
ATTEMPTS = 100
#: Covariates that the population gives, so that nobody gives them by hand.
DRAWN = ("weight_kg", "weights", "dosing_weight_kg", "height_cm", "age_years", "sex")
SLOTS = {
    "cl_l_per_d": kernels.CL,
    "vc_l": kernels.VC,
    "q_l_per_d": kernels.Q,
    "vp_l": kernels.VP,
    "baseline": kernels.BASELINE,
}


@dataclass(frozen=True)
class People:
    """Covariates of some subjects, one row each."""

    female: NDArray[np.bool_]
    age_years: Floats
    weight_kg: Floats
    height_cm: Floats

    def subject(self, row: int, others: Subject) -> Subject:
        """One of them, with the covariates that all share."""
        return replace(
            others,
            sex=self.sex(row),
            age_years=float(self.age_years[row]),
            weight_kg=float(self.weight_kg[row]),
            height_cm=float(self.height_cm[row]),
        )

    def sex(self, row: int) -> Sex:
        """The sex of one of them."""
        return "female" if self.female[row] else "male"

    def lean_mass_kg(self) -> Floats:
        """Lean body mass (kg), not a number where the equation has no answer."""
        return np.array(
            [_lean(*one) for one in zip(self.weight_kg, self.height_cm, self.female, self.age_years, strict=True)]
        )


def _lean(weight_kg: float, height_cm: float, female: bool, age_years: float) -> float:
    try:
        return lean_mass_kg(weight_kg, height_cm, "female" if female else "male", age_years)
    except ImpossibleValue:
        return math.nan


@compiled()
def _numbers(seed, subjects, attempt, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled
    for row in range(subjects.size):
        normals(seed, subjects[row], attempt, out[row])


def people(
    population: ReferencePopulation, seed: int, first: int, size: int, *, with_lean_mass: bool = False
) -> tuple[People, int]:
    """Persons ``first`` and following, and how many draws of a body were drawn again."""
    subjects = np.arange(first, first + size, dtype=np.uint64)
    drawn = np.empty((size, 4))
    _numbers(np.uint64(seed), subjects, STREAM, drawn)
    female = _uniform(drawn[:, SEX]) < population.female.share.value
    age = np.where(female, _ages(population, "female", drawn[:, AGE]), _ages(population, "male", drawn[:, AGE]))
    found = _bodies(population, female, age, drawn)
    again = _beyond(population, found, drawn, with_lean_mass=with_lean_mass)
    redrawn = 0
    for attempt in range(1, ATTEMPTS):
        if not again.size:
            return found, redrawn
        redrawn += again.size
        fresh = np.empty((again.size, 4))
        _numbers(np.uint64(seed), subjects[again], STREAM + attempt, fresh)
        some = _bodies(population, female[again], age[again], fresh)
        found.weight_kg[again], found.height_cm[again] = some.weight_kg, some.height_cm
        again = again[_beyond(population, some, fresh, with_lean_mass=with_lean_mass)]
    raise ImpossibleValue(
        "--population", population.id, f"{again.size} subjects met no body in {ATTEMPTS} draws.", "Check its tables."
    )


def _uniform(normal: Floats) -> Floats:
    """Standard normals as numbers between 0 and 1."""
    from scipy.special import ndtr

    return np.asarray(ndtr(normal))


def _ages(population: ReferencePopulation, sex: Sex, normal: Floats) -> Floats:
    """Ages in years: a band by its share, and within it every age as likely."""
    ages = getattr(population, sex).ages
    edges = np.array([*ages.from_years, ages.until_years])
    reached = np.concatenate([[0.0], np.cumsum(ages.shares)])
    return np.asarray(np.interp(_uniform(normal) * reached[-1], reached, edges))


def _bodies(population: ReferencePopulation, female: NDArray[np.bool_], age_years: Floats, drawn: Floats) -> People:
    weight, height = np.empty(age_years.size), np.empty(age_years.size)
    months = age_years * MONTHS_PER_YEAR
    for sizes, here in ((population.female, female), (population.male, ~female)):
        starts = np.array([row[0] for row in sizes.correlation.rows])
        values = np.array([row[1] for row in sizes.correlation.rows])
        r = values[np.maximum(np.searchsorted(starts, months[here], side="right") - 1, 0)]
        height[here] = size_at(sizes.height_cm, months[here], drawn[here, HEIGHT])
        weight[here] = size_at(sizes.weight_kg, months[here], _weight_z(r, drawn[here]))
    return People(female, age_years, weight, height)


def _weight_z(r: Floats, drawn: Floats) -> Floats:
    return np.asarray(r * drawn[:, HEIGHT] + np.sqrt(1.0 - r * r) * drawn[:, WEIGHT])


def size_at(table: SizeByAge, age_months: Floats, z: Floats) -> Floats:
    """A size at an age and a z-score; L, M and S by straight lines between the rows, not a number where there is none."""
    rows = np.array(table.rows)
    power, median, spread = (np.interp(age_months, rows[:, 0], rows[:, column]) for column in (1, 2, 3))
    inside = 1.0 + power * spread * z
    flat = np.abs(power) < 1e-9  # noqa: PLR2004 - where the power's limit is taken
    with np.errstate(invalid="ignore", divide="ignore"):
        curved = np.where(inside > 0, inside, np.nan) ** (1.0 / np.where(flat, 1.0, power))
    return np.asarray(median * np.where(flat, np.exp(spread * z), curved))


def _beyond(
    population: ReferencePopulation, found: People, drawn: Floats, *, with_lean_mass: bool
) -> NDArray[np.int64]:
    """Rows whose body must be drawn again."""
    furthest = population.furthest_z.value
    months = found.age_years * MONTHS_PER_YEAR
    low_high = []
    for sizes in (population.female, population.male):
        low_high.append([size_at(sizes.weight_kg, months, np.full(months.size, z)) for z in (-furthest, furthest)])
    low = np.where(found.female, low_high[0][0], low_high[1][0])
    high = np.where(found.female, low_high[0][1], low_high[1][1])
    bad = (np.abs(drawn[:, HEIGHT]) > furthest) | ~((found.weight_kg >= low) & (found.weight_kg <= high))
    if with_lean_mass:
        bad |= np.isnan(found.lean_mass_kg())
    return np.flatnonzero(bad)


# ---- subjects of a model


class Crowd:
    """Chunks of subjects of a model, drawn from a reference population, for :mod:`.population` to reduce.

    Args:
        model: a model whose variability is known.
        population: whom to draw.
        others: covariates that all share, for example ``secondary_deficiency``.
        per_kg: whether the regimen counts grams per kg.
        subjects: how many.
        seed: the same seed, the same people.
        policy: which central volumes are physiological.
        bioavailability_slots: parameters that are fractions of a dose which the regimen gives.
        draw_again: whether impossible parameters are drawn again.
        baseline_g_per_l: endogenous IgG instead of the model's.
        chunk: subjects at once.

    Raises:
        BadInput: a covariate given by hand that the population gives, or one that the model needs and nobody gives.
    """

    def __init__(
        self,
        model: KineticModel,
        population: ReferencePopulation,
        others: Subject,
        per_kg: bool,
        subjects: int,
        seed: int,
        policy: KineticsPolicy,
        *,
        bioavailability_slots: tuple[int, ...] = (),
        draw_again: bool = False,
        baseline_g_per_l: float | None = None,
        chunk: int = CHUNK,
    ) -> None:
        for key in DRAWN:
            if key in others.given:
                raise BadInput(f"subject.{key}", None, "Each subject of a population has its own.", "Leave it out.")
        ready(model, subjects, seed)
        self._model, self._population, self._others = model, population, others
        self._per_kg, self._subjects, self._seed, self._chunk = per_kg, subjects, seed, chunk
        self._policy, self._slots, self._draw_again = policy, bioavailability_slots, draw_again
        self._baseline = baseline_g_per_l
        self._powers = [
            (SLOTS[target], effect)
            for effect in model.effects.values()
            if isinstance(effect, PowerEffect) and effect.covariate in {"weight_kg", "lean_mass_kg"}
            for target in effect.on
            if target != "baseline" or baseline_g_per_l is None
        ]
        self._lean = any(effect.covariate == "lean_mass_kg" for _, effect in self._powers)
        self.drawn = 0
        self.redrawn = 0
        self.outside = {"age_years": 0, "weight_kg": 0}

    def __iter__(self) -> Iterator[tuple[Drawn, NDArray[np.int64]]]:
        for first in range(0, self._subjects, self._chunk):
            size = min(self._chunk, self._subjects - first)
            crowd, redrawn = people(self._population, self._seed, first, size, with_lean_mass=self._lean)
            self._count(crowd, redrawn)
            drawn, outside = draw_chunk(
                self._model,
                self.typical(crowd),
                first,
                self._seed,
                self._bounds(crowd),
                self._baseline,
                crowd.weight_kg if self._per_kg else np.ones(size),
            )
            yield replace(drawn, people=crowd), outside

    def typical(self, crowd: People) -> Floats:
        """Typical parameters (subjects, slots) of each person."""
        # Every effect of size is a power, so each person differs from the first of all by a ratio: the same in any chunk.
        first, _ = people(self._population, self._seed, 0, 1, with_lean_mass=self._lean)
        p = individual(self._model, first.subject(0, self._others), self._baseline).parameters
        found = np.tile(
            [p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, p.baseline_g_per_l], (crowd.age_years.size, 1)
        )
        ratios = {"weight_kg": crowd.weight_kg / first.weight_kg}
        if self._lean:
            ratios["lean_mass_kg"] = self._lean_mass(crowd) / first.lean_mass_kg()
        for slot, effect in self._powers:
            found[:, slot] *= ratios[effect.covariate] ** effect.exponent
        return found

    def _lean_mass(self, crowd: People) -> Floats:
        """Lean masses (kg); refused outside the span that a model names, like that of a single subject."""
        values, span = crowd.lean_mass_kg(), self._model.population.lean_mass_kg
        if span.min is not None and span.max is not None:
            beyond = int(((values < span.min) | (values > span.max)).sum())
            if beyond:
                raise BadInput(
                    "--population",
                    self._population.id,
                    f"{self._model.id} holds for a lean body mass of {span.min:g} to {span.max:g} kg and is never carried further; {beyond} of {values.size} subjects lie outside.",
                    "Choose another model.",
                )
        return values

    def _bounds(self, crowd: People) -> Bounds:
        low, high = (
            np.zeros((crowd.age_years.size, kernels.SLOTS)),
            np.full((crowd.age_years.size, kernels.SLOTS), np.inf),
        )
        high[:, list(self._slots)] = 1.0
        volume = self._policy.central_volume_ml_per_kg
        low[:, kernels.VC] = float(volume.low) * crowd.weight_kg / ML_PER_L
        high[:, kernels.VC] = float(volume.high) * crowd.weight_kg / ML_PER_L
        return Bounds(low, high, self._draw_again)

    def _count(self, crowd: People, redrawn: int) -> None:
        self.drawn += crowd.age_years.size
        self.redrawn += redrawn
        for key in self.outside:
            span, values = getattr(self._model.population, key), getattr(crowd, key)
            if span.min is not None and span.max is not None:
                self.outside[key] += int(((values < span.min) | (values > span.max)).sum())

    def findings(self) -> tuple[Finding, ...]:
        """What is to be said of the people drawn so far."""
        found = []
        for key, unit in (("age_years", "years"), ("weight_kg", "kg")):
            if self.outside[key]:
                span = getattr(self._model.population, key)
                found.append(
                    Finding(
                        code=f"population-outside-{key.split('_')[0]}",
                        severity=Severity.WARNS,
                        text=f"{self.outside[key] / self.drawn:.1%} of the subjects lie outside the {span.min:g} to {span.max:g} {unit} on which {self._model.id} was built.",
                        remedy="Read their part as an extrapolation, or choose another model.",
                        sources=(self._model.citation,),
                    )
                )
        found.append(
            Finding(
                code="population",
                severity=Severity.INFORMS,
                text=f"{self._population.name}: healthy and sick alike, not patients of immunoglobulin. Weight and height are correlated as measured; {self.redrawn} bodies were drawn again.",
                sources=(self._population.citation,),
            )
        )
        return tuple(found)
