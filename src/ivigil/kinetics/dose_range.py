"""Doses beyond those that a model was built on: a linear model is carried to no other dose without a word.

IgG is lost faster the higher it is (FcRn saturates), so a linear model holds around the doses of its own trials: one of
replacement shows too much under 2 g/kg, one of neuropathies too little under 0.4 g/kg.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ivigil.findings import Finding, Severity
from ivigil.kinetics.regimens import Dose, Regimen, Route
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.kinetic_models import KineticModel, Span
from ivigil.quantities import MG_PER_G

#: A dose at the very end of a range is within it, whatever the last digit of its grams per kg.
ROUNDING = 1e-9
SHOWN = {Route.IV: "IV", Route.SC: "SC", Route.FACILITATED_SC: "facilitated SC"}


def beyond(model: KineticModel, span: Span, mg_per_kg: float, what: str) -> Finding | None:
    """What is said of a dose (mg per kg of body weight) outside of the range ``what`` was given in; None inside."""
    if span.max is None or (span.min or 0.0) * (1 - ROUNDING) <= mg_per_kg <= span.max * (1 + ROUNDING):
        return None
    held = (
        f"was built on {what} of {span.min:g} to {span.max:g} mg/kg"
        if span.min is not None
        else f"is taken to hold for {what} up to {span.max:g} mg/kg (its trials' doses were not read)"
    )
    return Finding(
        code="outside-dose",
        severity=Severity.WARNS,
        text=f"{model.id} {held}; this one is {mg_per_kg:.4g} mg/kg.",
        remedy="Check the unit. Choose a model built on such doses, or read the result as an extrapolation: IgG is lost faster the higher it is.",
        sources=(model.citation,),
    )


def of_regimen(model: KineticModel, regimen: Regimen, subject: Subject) -> tuple[Finding, ...]:
    """Courses of a regimen outside of the model's range, by the weights that the subject has."""
    bodies: list[float | None] = [one.weight_kg for one in subject.weights] or [subject.weight_kg]
    given = []
    for part in regimen.parts:
        dosing = subject.dosing_weight_kg
        if part.per_kg and dosing is None:
            given.append((part.route, part.amount))
        else:
            grams = part.amount * (dosing if part.per_kg and dosing is not None else 1.0)
            given += [(part.route, grams / body) for body in bodies if body]
    return _said(model, given)


def of_doses(
    model: KineticModel, doses: Iterable[Dose], weight_kg: Callable[[float], float | None]
) -> tuple[Finding, ...]:
    """Courses that were given, outside of the model's range; each counts on the weight of its first day."""
    given = []
    for route, day, grams in _courses(doses):
        body = weight_kg(day)
        if body:
            given.append((route, grams / body))
    return _said(model, given)


def _courses(doses: Iterable[Dose]) -> Iterator[tuple[Route, float, float]]:
    """Route, first day and grams: doses into a vein on consecutive days are one course, as in the words of a regimen."""
    found: list[tuple[Route, float, float]] = []
    last = -float("inf")
    for dose in doses:
        if found and dose.route is Route.IV and found[-1][0] is Route.IV and round(dose.day - last) <= 1:
            found[-1] = (Route.IV, found[-1][1], found[-1][2] + dose.amount_g)
        else:
            found.append((dose.route, dose.day, dose.amount_g))
        last = dose.day
    return iter(found)


def _said(model: KineticModel, given: Iterable[tuple[Route, float]]) -> tuple[Finding, ...]:
    """One finding a route and side: the smallest and the largest tell of all between."""
    by_route: dict[Route, list[float]] = {}
    for route, g_per_kg in given:
        by_route.setdefault(route, []).append(g_per_kg * MG_PER_G)
    found = []
    for route, all_mg_per_kg in by_route.items():
        span = getattr(model.population.course_mg_per_kg, route.value)
        for mg_per_kg in (min(all_mg_per_kg), max(all_mg_per_kg)):
            found.append(beyond(model, span, mg_per_kg, f"{SHOWN[route]} doses or courses"))
    return tuple(dict.fromkeys(one for one in found if one is not None))
