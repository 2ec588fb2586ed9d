"""What the models predict for published groups, beside what was printed. Nothing is fitted to them here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict

from ivigil.kinetics.individual import individual
from ivigil.kinetics.linear import concentrations, disposition
from ivigil.kinetics.profile import Metrics, Profile, profile
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject, read_subject
from ivigil.knowledge.kinetic_models import KineticModel
from ivigil.knowledge.published import Agreeing, Observation, Printed, PublishedKinetics

#: A half-life is read off total IgG between these parts of an interval, as the trials' non-compartmental analysis does:
#: distribution is over by then.
FALLING_FROM, FALLING_TO = 0.25, 1.0


class Compared(BaseModel):
    """One number of one model beside the printed one.

    ``fitted`` says that the model was built on these patients. ``alike`` is None where only an interval was printed and
    then ``inside`` speaks; ``inside`` is None where no spread was printed (one standard deviation is taken).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    observation: str
    quantity: str
    model: str
    fitted: bool
    predicted: float
    printed: float | None
    low: float | None
    high: float | None
    ratio: float | None
    alike: bool | None
    inside: bool | None

    @property
    def agrees(self) -> bool:
        """Alike where a number was printed, else inside the printed interval."""
        return bool(self.inside) if self.alike is None else self.alike


def compare(published: PublishedKinetics, models: Mapping[str, KineticModel]) -> tuple[Compared, ...]:
    """Every printed number with every model asked about it."""
    rows = []
    for key, seen in published.observations.items():
        for name in seen.models:
            predicted = _predictions(seen, models[name])
            rows += [
                _row(key, quantity, name, name in seen.fitted, predicted[quantity], printed, published.alike)
                for quantity, printed in seen.printed.items()
            ]
    return tuple(rows)


def _row(
    key: str, quantity: str, model: str, fitted: bool, predicted: float, printed: Printed, alike: Agreeing
) -> Compared:
    low, high = printed.low, printed.high
    if printed.value is not None and printed.sd is not None:
        low, high = printed.value - printed.sd, printed.value + printed.sd
    ratio = None if printed.value is None else predicted / printed.value
    known = low is not None or high is not None
    return Compared(
        observation=key,
        quantity=quantity,
        model=model,
        fitted=fitted,
        predicted=predicted,
        printed=printed.value,
        low=low,
        high=high,
        ratio=ratio,
        alike=None if ratio is None else alike.low <= ratio <= alike.high,
        inside=(low is None or predicted >= low) and (high is None or predicted <= high) if known else None,
    )


def _predictions(seen: Observation, model: KineticModel) -> dict[str, float]:
    if "rise" in seen.printed:
        return {"rise": _rise(seen, model)}
    subject = _subject(seen.subject)
    made = _steady(seen, model, seen.regimen, subject)
    total = made.metrics.total
    found = {"ctrough": total.ctrough, "cmax": total.cmax, "cavg": total.cavg, "half_life_d": _half_life(made)}
    found["bioavailability"] = made.parameters.get("f_sc", 0.0)
    if seen.against_regimen or seen.against_subject:
        other = _subject(seen.against_subject) if seen.against_subject else subject
        against = _steady(seen, model, seen.against_regimen or seen.regimen, other).metrics.total
        for name, of in READ.items():
            found[f"{name}_ratio"] = of(total) / of(against)
        found["ctrough_difference"] = total.ctrough - against.ctrough
    return found


READ: dict[str, Callable[[Metrics], float]] = {
    "ctrough": lambda one: one.ctrough,
    "cmax": lambda one: one.cmax,
    "cavg": lambda one: one.cavg,
}


def _subject(raw: Mapping[str, float | str | bool]) -> Subject:
    return read_subject(dict(raw))


def _steady(seen: Observation, model: KineticModel, regimen: str, subject: Subject) -> Profile:
    asked = read_regimen(regimen)
    return profile(model, asked, subject, steady_state=True, baseline_g_per_l=seen.baseline_g_per_l)


def _half_life(made: Profile) -> float:
    """Half-life (days) of a line through the logarithm of total IgG over the falling part of the interval."""
    days, levels = np.array(made.times_d), np.array(made.igg_g_per_l)
    length = made.metrics.to_day
    # The last point is the moment of the next dose.
    falling = (days >= FALLING_FROM * length) & (days < FALLING_TO * length)
    rate = -np.polyfit(days[falling], np.log(levels[falling]), 1)[0]
    return float(np.log(2.0) / rate)


def _rise(seen: Observation, model: KineticModel) -> float:
    day = seen.printed["rise"].at_day
    assert day is not None  # checked at load
    subject = _subject(seen.subject)
    p = individual(model, subject, seen.baseline_g_per_l).parameters
    doses = read_regimen(seen.regimen).doses(subject.weight_kg, day)
    return float(concentrations(disposition(p), doses, day))


def average_fold_error(rows: Iterable[Compared]) -> tuple[float, float] | None:
    """Geometric mean of predicted over printed (bias), and of its distance from 1 either way (imprecision).

    None where no row has a printed value.
    """
    logs = np.log([one.ratio for one in rows if one.ratio is not None])
    if not logs.size:
        return None
    return float(np.exp(logs.mean())), float(np.exp(np.abs(logs).mean()))
