"""Each predicate of the rule vocabulary, decided: True, False, or None where the record does not say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from ivigil.assessment.kidney import egfr_of, older_recorded_egfr
from ivigil.assessment.screening.circumstances import Circumstances
from ivigil.knowledge import rules
from ivigil.knowledge.recognition import WordList
from ivigil.patient import POSITIVE

Verdict = bool | None

#: The words of the vocabulary by which a record says that a patient is pregnant.
PREGNANCY, PREGNANCY_TEST = "pregnancy", "pregnancy_test"


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Kleene's "and": one no decides, else one unknown leaves it open."""
    result: Verdict = True
    for verdict in verdicts:
        if verdict is False:
            return False
        if verdict is None:
            result = None
    return result


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Kleene's "or": one yes decides, else one unknown leaves it open."""
    result: Verdict = False
    for verdict in verdicts:
        if verdict is True:
            return True
        if verdict is None:
            result = None
    return result


def negated(verdict: Verdict) -> Verdict:
    """Kleene's "not": unknown stays unknown."""
    return None if verdict is None else not verdict


def decide(predicate: rules.Predicate, about: Circumstances) -> Verdict:
    """Whether a predicate holds; None where the record does not say."""
    return _DECIDE[type(predicate)](predicate, about)


def parts(predicate: rules.Predicate) -> Iterable[rules.Predicate]:
    """The predicate and everything inside it."""
    yield predicate
    if isinstance(predicate, rules.AllOf | rules.AnyOf | rules.NoneOf):
        for part in predicate.of:
            yield from parts(part)


def _lists(name: WordList, wanted: tuple[str, ...], about: Circumstances) -> Verdict:
    words = about.words.listed[name]
    if words is not None and not words.isdisjoint(wanted):
        return True
    if not about.words.in_texts[name].isdisjoint(wanted):
        return None if about.permits else True  # what restricts always applies, what permits must be certain
    return None if words is None else False


def _lab_number(about: Circumstances, test: str) -> Decimal | None:
    lab = about.patient.latest(test)
    return lab.value if lab is not None and isinstance(lab.value, Decimal) and about.counts(lab) else None


def _lab_below(predicate: rules.LabBelow, about: Circumstances) -> Verdict:
    value = _lab_number(about, predicate.test)
    return None if value is None else value < predicate.value


def _lab_above(predicate: rules.LabAbove, about: Circumstances) -> Verdict:
    value = _lab_number(about, predicate.test)
    return None if value is None else value > predicate.value


def _lab_positive(predicate: rules.LabPositive, about: Circumstances) -> Verdict:
    return _positive(predicate.test, about)


def _positive(test: str, about: Circumstances) -> Verdict:
    # One positive result counts for good: a later negative one does not take it back.
    found = [lab.value == POSITIVE for lab in about.patient.labs or () if lab.test == test and about.counts(lab)]
    return any(found) if found else None


def _pregnant(_: rules.Pregnant, about: Circumstances) -> Verdict:
    listed = _lists("conditions", (PREGNANCY,), about)
    if listed or _positive(PREGNANCY_TEST, about):
        return True
    # A positive test too old to speak for treatment still says that a list without pregnancy may not be complete.
    too_old = _positive(PREGNANCY_TEST, replace(about, criteria=None))
    return None if too_old else listed


def _lab_missing(predicate: rules.LabMissing, about: Circumstances) -> Verdict:
    def is_fresh(test: str) -> bool:
        lab = about.patient.latest(test)
        if lab is None:
            return False
        return predicate.within_days is None or (about.at - lab.taken_at).days <= predicate.within_days

    return not any(is_fresh(test) for test in predicate.any)


def _egfr_below(predicate: rules.EgfrBelow, about: Circumstances) -> Verdict:
    egfr = egfr_of(about.patient, about.at)
    if egfr is not None:
        return egfr.ml_per_min_per_1_73_m2 < predicate.value
    # An old value no longer says that the kidneys are well, but it may still say that they were not.
    older = older_recorded_egfr(about.patient)
    return True if older is not None and older.ml_per_min_per_1_73_m2 < predicate.value else None


def _age_between(predicate: rules.AgeBetween, about: Circumstances) -> Verdict:
    age = about.patient.age_at(about.at)
    if age is None:
        return None
    old_enough = predicate.from_years is None or age >= predicate.from_years
    return old_enough and (predicate.below_years is None or age < predicate.below_years)


def _sex_is(predicate: rules.SexIs, about: Circumstances) -> Verdict:
    return None if about.patient.sex is None else about.patient.sex == predicate.sex


def _blood_group_in(predicate: rules.BloodGroupIn, about: Circumstances) -> Verdict:
    group = about.patient.blood_group
    return None if group is None else group.rstrip("+-") in predicate.any


def _one_of(value: str | None, wanted: tuple[str, ...]) -> Verdict:
    return None if value is None else value in wanted


def _product_contains(predicate: rules.ProductContains, about: Circumstances) -> Verdict:
    if about.product is None or about.product.excipients is None:
        return None
    return any(name in about.product.excipients for name in predicate.any)


def _product_route(predicate: rules.ProductRoute, about: Circumstances) -> Verdict:
    return about.product is not None and about.product.route.value == predicate.route


def _course_dose_at_least(predicate: rules.CourseDoseAtLeast, about: Circumstances) -> Verdict:
    return None if about.course_dose_g_per_kg is None else about.course_dose_g_per_kg >= predicate.g_per_kg


def _prior_reaction(predicate: rules.PriorReaction, about: Circumstances) -> Verdict:
    # A reaction that is on record counts even when the rest of the history is not.
    for reaction in about.patient.known_reactions:
        graded = predicate.or_grade_from is not None and (reaction.grade or 0) >= predicate.or_grade_from
        if (reaction.kinds & set(predicate.any) or graded) and not (
            (predicate.without_specialist_plan and reaction.specialist_plan)
            or (predicate.with_specialist_plan and not reaction.specialist_plan)
        ):
            return True
    if predicate.with_specialist_plan:
        return False  # a plan that nobody recorded is none
    return None if about.patient.reactions is None else False


def _not_recorded(predicate: rules.NotRecorded, about: Circumstances) -> Verdict:
    if predicate.key == "immunoglobulin_reactions":
        return about.patient.immunoglobulin_history is not None and about.patient.reactions is None
    if predicate.key == "age":
        return about.patient.age_at(about.at) is None
    return getattr(about.patient, predicate.key) is None


def _new_to_product(predicate: rules.NewToProduct, about: Circumstances) -> Verdict:
    if about.patient.immunoglobulin_history and set(predicate.any) == {"naive"}:
        return False  # whatever the product
    newness = about.newness
    return None if newness is None else bool(newness & set(predicate.any))


def _infused_within_days(predicate: rules.InfusedWithinDays, about: Circumstances) -> Verdict:
    history = about.patient.immunoglobulin_history
    if history is None:
        return None
    return any((about.at - entry.last_given_at).days <= predicate.days for entry in history)


#: One row per predicate; a test proves that no predicate of the vocabulary is missing.
_DECIDE: Final[dict[type, Callable[[Any, Circumstances], Verdict]]] = {
    rules.HasCondition: lambda predicate, about: _lists("conditions", predicate.any, about),
    rules.HasAllergy: lambda predicate, about: _lists("allergies", predicate.any, about),
    rules.Takes: lambda predicate, about: _lists("medicines", predicate.any, about),
    rules.LabBelow: _lab_below,
    rules.LabAbove: _lab_above,
    rules.LabPositive: _lab_positive,
    rules.Pregnant: _pregnant,
    rules.LabMissing: _lab_missing,
    rules.EgfrBelow: _egfr_below,
    rules.EgfrMissing: lambda _, about: egfr_of(about.patient, about.at) is None,
    rules.AgeBetween: _age_between,
    rules.SexIs: _sex_is,
    rules.BloodGroupIn: _blood_group_in,
    rules.GlucoseMeterIn: lambda predicate, about: _one_of(about.patient.glucose_meter, predicate.any),
    rules.AccessIn: lambda predicate, about: _one_of(about.patient.access, predicate.any),
    rules.ProductContains: _product_contains,
    rules.ProductRoute: _product_route,
    rules.CourseDoseAtLeast: _course_dose_at_least,
    rules.PriorReaction: _prior_reaction,
    rules.NotRecorded: _not_recorded,
    rules.NewToProduct: _new_to_product,
    rules.InfusedWithinDays: _infused_within_days,
    rules.SettingWish: lambda predicate, about: _one_of(about.patient.setting_wish, predicate.any),
    rules.AllOf: lambda predicate, about: all_of(decide(part, about) for part in predicate.of),
    rules.AnyOf: lambda predicate, about: any_of(decide(part, about) for part in predicate.of),
    rules.NoneOf: lambda predicate, about: negated(any_of(decide(part, about) for part in predicate.of)),
}
