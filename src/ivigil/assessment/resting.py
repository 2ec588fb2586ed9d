"""What of the record a computed criterion rests on: values with their dates, and those too old to decide it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pydantic import BaseModel, ConfigDict

from ivigil.assessment.screening import Circumstances
from ivigil.assessment.screening.decide import PREGNANCY, PREGNANCY_TEST, parts
from ivigil.knowledge import rules
from ivigil.knowledge.vocabulary import Vocabulary
from ivigil.patient import Lab


class Datum(BaseModel):
    """One recorded value. ``test`` is a code of the vocabulary, empty for what is no test; ``too_old`` by policy to decide the criterion; ``on`` is empty where the record has no date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    test: str
    shown: str
    on: date | None
    days_old: int | None
    too_old: bool


def resting_on(when: rules.Predicate, about: Circumstances, words: Vocabulary) -> tuple[Datum, ...]:
    """The values that a criterion asks for and the record holds, each once, in the order of the criterion."""
    return tuple(dict.fromkeys(one for part in parts(when) for one in _asked_of(part, about, words)))


def _asked_of(part: rules.Predicate, about: Circumstances, words: Vocabulary) -> Iterable[Datum]:
    if isinstance(part, rules.LabBelow | rules.LabAbove):
        latest = about.patient.latest(part.test)
        yield from () if latest is None else (_of_lab(latest, about, words),)
    elif isinstance(part, rules.LabPositive):
        yield from _of_test(part.test, about, words)
    elif isinstance(part, rules.Pregnant):
        if PREGNANCY in about.words.present("conditions"):
            name = words.conditions[PREGNANCY].name
            yield Datum(what=name, test="", shown="recorded", on=None, days_old=None, too_old=False)
        yield from _of_test(PREGNANCY_TEST, about, words)
    elif isinstance(part, rules.AgeBetween):
        age = about.patient.age_at(about.at)
        if age is not None:
            yield Datum(what="age", test="", shown=f"{int(age)} years", on=about.at.date(), days_old=0, too_old=False)


def _of_test(test: str, about: Circumstances, words: Vocabulary) -> Iterable[Datum]:
    return (_of_lab(lab, about, words) for lab in about.patient.labs or () if lab.test == test)


def _of_lab(lab: Lab, about: Circumstances, words: Vocabulary) -> Datum:
    return Datum(
        what=words.labs[lab.test].name,
        test=lab.test,
        shown=lab.shown,
        on=lab.taken_at.date(),
        days_old=about.days_old(lab),
        too_old=not about.counts(lab),
    )
