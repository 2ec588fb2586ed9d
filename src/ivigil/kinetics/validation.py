"""All that is held against the kinetics, as numbers: what ``ivigil kinetics validate`` writes down.

Every part is keyed by fixed seeds. Fewer patients (:class:`Sizes`) are the first of more, so a test can make the
beginning again and compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ivigil.kinetics.agreement import Agreement, agreement
from ivigil.kinetics.calibration import TARGETS, Calibration, WholeForecast, calibration, shares_below, whole_forecast
from ivigil.kinetics.identities import Identity, identities
from ivigil.kinetics.individual import Parameters, individual
from ivigil.kinetics.npde import NpdeTests, judge_npde, npde
from ivigil.kinetics.published import Compared, compare
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.synthetic import Arm, DataSet, data_set, simulated
from ivigil.kinetics.vpc import Vpc, by_time, predictive_check
from ivigil.knowledge.kinetic_models import LINEAR, KineticModel
from ivigil.knowledge.policies import KineticsPolicy
from ivigil.knowledge.published import PublishedKinetics

Floats = NDArray[np.float64]

#: A subject whom every linear model can be asked about: near the medians of the adult cohorts.
SUBJECT = Subject(
    weight_kg=66.0,
    height_cm=165.0,
    age_years=32.0,
    sex="female",
    igm_g_per_l=0.21,
    secondary_deficiency=False,
)
#: The exogenous part is what is checked; any baseline will do.
BASELINE_G_PER_L = 4.0

#: Design of the calibration: four months of doses, four levels, the trough after the next dose is forecast.
FORECAST_DAYS = (28, 84, 98, 112, 140)
INTRAVENOUS, SUBCUTANEOUS = "iv 0.4 g/kg every 28 d", "sc 0.2 g/kg every 14 d"
CALIBRATED = (("zhang2020", INTRAVENOUS), ("navarromora2022", INTRAVENOUS), ("zhang2020", SUBCUTANEOUS))
#: Whose patients meet the whole forecast.
DRAWN_FROM = ("zhang2020", "navarromora2022")
CALIBRATION_SEED, CONTROL_SEED, WHOLE_SEED = 20_261_121, 20_261_122, 20_261_123
#: The control believes in half the error of measuring and must be found out.
CONTROL_ERROR = 0.5
INDICATION = "primary-immunodeficiency"

#: Design of the data sets: doses and sizes differ, so that the correction of predictions has something to correct.
JUDGE, STRANGER = "zhang2020", "navarromora2022"
DATA_DAYS = (1, 7, 28, 84, 85, 91, 112)
DATA_ARMS = ((66.0, "iv 0.4 g/kg every 28 d"), (40.0, "iv 0.6 g/kg every 28 d"), (66.0, "sc 0.15 g/kg every 7 d"))
DATA_SEED, COPIES_SEED, REPEATED_SEED = 20_261_124, 20_261_125, 30_000_000
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Sizes:
    """How much is simulated: patients of the calibration, of its control and of the whole forecast; subjects an arm,
    copies of the data set, and data sets by which the tests' own error is measured.
    """

    patients: int = 1200
    control: int = 200
    whole: int = 100
    arm: int = 40
    copies: int = 1000
    repeated: int = 60


class DataCheck(BaseModel):
    """One data set under one model: npde with their tests, and the prediction-corrected check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drawn_from: str
    judged_by: str
    npde: tuple[float, ...]
    predicted: tuple[float, ...]
    tests: NpdeTests
    vpc: Vpc


class Repeated(BaseModel):
    """How often the tests reject data sets of the very model, at 5 %, and how many percentiles leave their interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sets: int
    rejected: int
    outside: int
    percentiles: int


class Validation(BaseModel):
    """Everything, in the order of the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agreements: tuple[Agreement, ...]
    identities: tuple[Identity, ...]
    published: tuple[Compared, ...]
    calibrations: tuple[Calibration, ...]
    control: tuple[Calibration, ...]
    whole: tuple[WholeForecast, ...]
    data_checks: tuple[DataCheck, ...]
    repeated: Repeated


def validate(
    models: Mapping[str, KineticModel],
    published: PublishedKinetics,
    policy: KineticsPolicy,
    sizes: Sizes = Sizes(),
    tell: Callable[[str], None] = lambda _: None,
) -> Validation:
    """All parts; ``tell`` hears what is being done."""
    tell("closed form against integrators")
    subjects = linear_subjects(models)
    agreements = tuple(row for name, p in subjects.items() for row in agreement(name, p))
    tell("exact identities")
    kept = identities(subjects)
    tell("published results")
    compared = compare(published, models)
    tell(f"calibration, {len(CALIBRATED)} × {sizes.patients} patients")
    calibrations = tuple(
        one for name, regimen in CALIBRATED for one in calibrate(models[name], regimen, sizes.patients, policy)
    )
    tell("calibration with a wrong error of measuring")
    name, regimen = CALIBRATED[0]
    control = calibrate(models[name], regimen, sizes.control, policy, CONTROL_SEED, CONTROL_ERROR)
    tell(f"whole forecast, {len(DRAWN_FROM)} × {sizes.whole} patients")
    arm = forecast_arm(INTRAVENOUS, sizes.whole)
    whole = tuple(
        whole_forecast(tuple(models.values()), models[name], arm, WHOLE_SEED, policy, INDICATION) for name in DRAWN_FROM
    )
    tell("npde and predictive checks")
    arms = data_arms(sizes.arm)
    copies = simulated(models[JUDGE], arms, COPIES_SEED, sizes.copies)
    checks = tuple(data_check(models[name], models[JUDGE], arms, copies) for name in (JUDGE, STRANGER))
    return Validation(
        agreements=agreements,
        identities=kept,
        published=compared,
        calibrations=calibrations,
        control=control,
        whole=whole,
        data_checks=checks,
        repeated=repeat(models[JUDGE], arms, copies, sizes.repeated),
    )


def linear_subjects(models: Mapping[str, KineticModel]) -> dict[str, Parameters]:
    """Parameters of the one subject in every linear model."""
    return {
        name: individual(model, SUBJECT, BASELINE_G_PER_L).parameters
        for name, model in models.items()
        if model.structure in LINEAR
    }


def forecast_arm(regimen: str, patients: int) -> Arm:
    """The calibration's design under a regimen."""
    return Arm(SUBJECT, read_regimen(regimen), patients, FORECAST_DAYS)


def calibrate(
    model: KineticModel,
    regimen: str,
    patients: int,
    policy: KineticsPolicy,
    seed: int = CALIBRATION_SEED,
    error_believed: float = 1.0,
) -> tuple[Calibration, ...]:
    """Coverage and ranks of every target for patients of one model under one regimen."""
    arm = forecast_arm(regimen, patients)
    found = shares_below(model, arm, seed, int(policy.samples.value), error_believed=error_believed)
    return tuple(calibration(model.id, regimen, target, np.round(found[target], 6)) for target in TARGETS)


def data_arms(subjects: int) -> tuple[Arm, ...]:
    """The data sets' design."""
    return tuple(
        Arm(replace(SUBJECT, weight_kg=weight), read_regimen(regimen), subjects, DATA_DAYS)
        for weight, regimen in DATA_ARMS
    )


def data_check(drawn_from: KineticModel, judge: KineticModel, arms: tuple[Arm, ...], copies: Floats) -> DataCheck:
    """One data set before one model, whose simulated ``copies`` are given."""
    data = data_set(drawn_from, arms, DATA_SEED, judge)
    found = npde(data.levels, copies, data.subject)
    return DataCheck(
        drawn_from=drawn_from.id,
        judged_by=judge.id,
        npde=tuple(np.round(found, 4).tolist()),
        predicted=tuple(np.round(data.predicted, 3).tolist()),
        tests=judge_npde(found),
        vpc=_checked(data, copies),
    )


def _checked(data: DataSet, copies: Floats) -> Vpc:
    return predictive_check(data.days, data.levels, data.predicted, copies, by_time(data.days, np.unique(data.days)))


def repeat(model: KineticModel, arms: tuple[Arm, ...], copies: Floats, sets: int) -> Repeated:
    """The tests' own error: data sets of the model itself, each tested like the one shown."""
    rejected = outside = percentiles = 0
    for number in range(sets):
        seed = REPEATED_SEED + number * 10_000_019
        data = data_set(model, arms, seed, model)
        rejected += judge_npde(npde(data.levels, copies, data.subject)).global_p < SIGNIFICANT
        seen = _checked(data, copies)
        outside, percentiles = outside + seen.outside, percentiles + seen.percentiles
    return Repeated(sets=sets, rejected=rejected, outside=outside, percentiles=percentiles)
