"""IgG models, virtual subjects and forecasts.

The front door takes words and plain mappings as well as objects. Models are facts, so they come from
:class:`ivigil.knowledge.loading.Knowledge`; nothing here reads a file, and nothing is imported before it is used::

    >>> from ivigil import kinetics
    >>> from ivigil.knowledge.loading import Knowledge
    >>> model = Knowledge().kinetic_model("zhang2020")
    >>> kinetics.typical_profile(model, "iv 0.4 g/kg every 28 d", {"weight_kg": 66}, steady_state=True).metrics.tau_d
    28.0
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from ivigil.kinetics.event_tables import EventSubject, Layout
    from ivigil.kinetics.forecast import Forecast
    from ivigil.kinetics.population import Percentiles
    from ivigil.kinetics.profile import Profile
    from ivigil.kinetics.regimens import Regimen
    from ivigil.kinetics.subjects import Subject
    from ivigil.knowledge.kinetic_models import KineticModel
    from ivigil.knowledge.policies import KineticsPolicy
    from ivigil.knowledge.vocabulary import LabTest

__all__ = [
    "patient_forecast",
    "population_frames",
    "population_percentiles",
    "read_event_table",
    "typical_profile",
    "write_event_table",
]


def typical_profile(
    model: KineticModel,
    regimen: str | Regimen,
    subject: Mapping[str, object] | Subject,
    *,
    days: float | None = None,
    steady_state: bool = False,
    baseline_g_per_l: float | None = None,
) -> Profile:
    """The typical profile of one subject; see :func:`ivigil.kinetics.profile.profile`.

    The area of exogenous IgG at steady state is dose over clearance: 0.4 g/kg × 66 kg / 0.138 L/d.

    >>> from ivigil import kinetics
    >>> from ivigil.knowledge.loading import Knowledge
    >>> model = Knowledge().kinetic_model("zhang2020")
    >>> made = kinetics.typical_profile(model, "iv 0.4 g/kg every 28 d", {"weight_kg": 66}, steady_state=True)
    >>> round(made.metrics.exogenous.auc, 2), round(0.4 * 66 / 0.138, 2)
    (191.3, 191.3)
    >>> made.to_frame().columns
    ['day', 'igg_g_per_l']

    A child who grows is dosed and cleared by the weight of each day:

    >>> child = {"weights": [{"day": 0, "weight_kg": 20}, {"day": 50, "weight_kg": 25}]}
    >>> kinetics.typical_profile(model, "iv 0.4 g/kg every 21 d", child, days=84).findings[-1].code
    'weight-changes'
    """
    from ivigil.kinetics.profile import profile

    return profile(
        _model(model),
        _regimen(regimen),
        _subject(subject),
        days=days,
        steady_state=steady_state,
        baseline_g_per_l=baseline_g_per_l,
    )


def population_percentiles(
    model: KineticModel,
    regimen: str | Regimen,
    subject: Mapping[str, object] | Subject,
    *,
    subjects: int,
    days: float,
    seed: int,
    baseline_g_per_l: float | None = None,
) -> Percentiles:
    """Percentiles of IgG (g/L) of subjects of one size, just before the dose of each day.

    >>> from ivigil import kinetics
    >>> from ivigil.knowledge.loading import Knowledge
    >>> model = Knowledge().kinetic_model("zhang2020")
    >>> found = kinetics.population_percentiles(
    ...     model, "iv 0.4 g/kg every 21 d", {"weight_kg": 70}, subjects=500, days=42, seed=1
    ... )
    >>> found.subjects, len(found.days), bool((found.levels[5.0] <= found.levels[95.0]).all())
    (500, 43, True)
    """
    from ivigil.kinetics.population import draw, percentiles, schedule

    model, asked = _model(model), _regimen(regimen)
    chunks = draw(model, _subject(subject), asked.parts[0].per_kg, subjects, seed, None, baseline_g_per_l)
    return percentiles(chunks, schedule(asked, days, model=model))


def population_frames(
    model: KineticModel,
    regimen: str | Regimen,
    subject: Mapping[str, object] | Subject,
    *,
    subjects: int,
    days: float,
    seed: int,
    baseline_g_per_l: float | None = None,
) -> Iterator[pl.DataFrame]:
    """Polars frames of ``subject``, ``day`` and ``igg_g_per_l``, each of at most two million rows.

    >>> from ivigil import kinetics
    >>> from ivigil.knowledge.loading import Knowledge
    >>> model = Knowledge().kinetic_model("zhang2020")
    >>> (frame,) = kinetics.population_frames(
    ...     model, "sc 8 g every 7 d", {"weight_kg": 70}, subjects=10, days=28, seed=1
    ... )
    >>> frame.shape
    (290, 3)
    """
    from ivigil.kinetics.frames import chunk_of, level_frames
    from ivigil.kinetics.population import draw, schedule

    model, asked = _model(model), _regimen(regimen)
    plan = schedule(asked, days, model=model)
    per_kg = asked.parts[0].per_kg
    chunks = draw(model, _subject(subject), per_kg, subjects, seed, None, baseline_g_per_l, chunk_of(plan))
    return level_frames(chunks, plan)


def patient_forecast(
    models: Iterable[KineticModel],
    record: Mapping[str, object],
    subject: Mapping[str, object] | Subject,
    *,
    igg: LabTest,
    policy: KineticsPolicy,
    **asked: Any,  # noqa: ANN401 - what forecast() takes
) -> Forecast:
    """The forecast of a patient from ``doses``, ``levels`` and ``weights``; see :func:`ivigil.kinetics.forecast.forecast`.

    >>> from ivigil import kinetics
    >>> from ivigil.knowledge.loading import Knowledge
    >>> knowledge = Knowledge()
    >>> record = {
    ...     "doses": [{"day": 28 * number, "route": "iv", "dose_g": 30, "duration_h": 4} for number in range(6)],
    ...     "levels": [{"day": 112, "igg_g_per_l": 8.1}, {"day": 140, "igg_g_per_l": 8.4}],
    ... }
    >>> made = kinetics.patient_forecast(
    ...     [knowledge.kinetic_model("zhang2020")],
    ...     record,
    ...     {"weight_kg": 70, "age_years": 40},
    ...     igg=knowledge.vocabulary.labs["igg"],
    ...     policy=knowledge.policies.kinetics,
    ...     indication="primary-immunodeficiency",
    ... )
    >>> [level.unexplained for level in made.levels], made.diagnostics.converged
    ([False, False], True)
    """
    from ivigil.kinetics.forecast import forecast
    from ivigil.kinetics.treatment import read_treatment

    return forecast([_model(one) for one in models], _subject(subject), read_treatment(record, igg), policy, **asked)


def read_event_table(text: str, layout: Layout) -> tuple[EventSubject, ...]:
    r"""The subjects of a table in NONMEM layout; see :mod:`ivigil.kinetics.event_tables` for what each row means.

    >>> from ivigil import kinetics
    >>> from ivigil.kinetics.event_tables import AmountUnit, Layout, LevelUnit, TimeUnit, treatment_of
    >>> from ivigil.kinetics.regimens import Route
    >>> layout = Layout(TimeUnit.DAYS, AmountUnit.G, LevelUnit.G_PER_L, {1: Route.SC, 2: Route.IV})
    >>> table = "ID,TIME,AMT,RATE,II,ADDL,EVID,CMT,DV,MDV\n1,0,30,180,21,2,1,2,.,1\n1,63,.,.,.,.,0,2,8.1,0\n"
    >>> (one,) = kinetics.read_event_table(table, layout)
    >>> [(dose.day, dose.amount_g, dose.over_h) for dose in treatment_of(one).doses]
    [(0.0, 30.0, 4.0), (21.0, 30.0, 4.0), (42.0, 30.0, 4.0)]
    >>> kinetics.write_event_table([one], layout).splitlines()[1]
    '1,0,30,180,21,2,0,1,2,.,1'
    """
    from ivigil.kinetics.event_tables import read_events

    return read_events(text, layout)


def write_event_table(subjects: Iterable[EventSubject], layout: Layout) -> str:
    """Subjects as a table in NONMEM layout; see :mod:`ivigil.kinetics.event_writing`."""
    from ivigil.kinetics.event_writing import write_events

    return write_events(subjects, layout)


def _model(given: object) -> KineticModel:
    from ivigil.errors import BadInput
    from ivigil.knowledge.kinetic_models import KineticModel

    if not isinstance(given, KineticModel):
        shown = given if isinstance(given, str) else type(given).__name__
        raise BadInput("model", shown, "A model is a fact, not its name.", "Give Knowledge().kinetic_model(name).")
    return given


def _regimen(given: object) -> Regimen:
    from ivigil.errors import BadInput
    from ivigil.kinetics.regimens import Regimen, read_regimen

    if isinstance(given, Regimen):
        return given
    if not isinstance(given, str):
        raise BadInput("regimen", type(given).__name__, "It is words or a Regimen.", "Write `iv 0.4 g/kg every 28 d`.")
    return read_regimen(given)


def _subject(given: Mapping[str, object] | Subject) -> Subject:
    from ivigil.kinetics.subjects import Subject, read_subject

    return given if isinstance(given, Subject) else read_subject(given)
