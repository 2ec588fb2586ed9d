"""When no dose is proposed from a level, and what is not recorded and would forbid it."""

from __future__ import annotations

from collections.abc import Iterable

from ivigil.findings import Finding, Severity
from ivigil.kinetics.forecast import Forecast
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.policies import ProposalPolicy, Stop
from ivigil.patient import Patient

#: Findings of a forecast after which nothing is proposed, and why.
SHAKEN = {
    "level-unexplained": ("unexplained", "A level that no model explains may be the true one."),
    "forecast-unsure": ("unsure", "The estimate is numerically weak."),
    "no-levels": ("no-levels", "Without a level this is what anybody of this size would have, not this patient."),
    "one-dose": (
        "one-dose",
        "After one recorded dose, IgG from earlier treatment cannot be told from the patient's own.",
    ),
    "outside-condition": (
        "condition",
        "The model that was asked for was built on another disease, and IgG is cleared otherwise there.",
    ),
    "dose-twice": ("dose-twice", "A dose may be written twice, and counting it twice changes every dose after it."),
    "level-unlikely": ("unit", "A level may be in another unit."),
}


def no_proposal(code: str, text: str, remedy: str, sources: tuple[str, ...] = (), *, verified: bool = True) -> Finding:
    """Why there is none. Nobody can accept it: the record, the question or the way of dosing has to change."""
    return Finding(
        code=f"no-proposal-{code}",
        severity=Severity.BLOCKS,
        text=f"No dose is proposed. {text}",
        remedy=remedy,
        sources=sources,
        verified=verified,
    )


def about_condition(indication: Indication | None) -> Iterable[Finding]:
    """Only replacement is dosed to a level."""
    if indication is None:
        yield no_proposal(
            "indication",
            "No condition is given, and only replacement is dosed to a level.",
            "Give --indication.",
        )
    elif not indication.replacement:
        yield no_proposal(
            "not-replacement",
            f"{indication.name} is treated to its effect (function, counts, signs), not to an IgG level: no trough and no rise of IgG is established as a target.",
            "Judge the dose by the response and by the least that keeps it (`ivigil assess`).",
            verified=False,
        )


def about_patient(patient: Patient, indication: Indication, policy: ProposalPolicy) -> Iterable[Finding]:
    """What is recorded and forbids a proposal, and what is not recorded and would."""
    for key, stop in policy.stops.items():
        listed = patient.listed(stop.list)
        found = ((listed or frozenset()) | patient.in_texts(stop.list)) & set(stop.any)
        if found:
            yield _stopped(key, stop, f"Recorded: {stop.name}.")
        elif indication.id in stop.indications:
            yield _stopped(key, stop, f"{indication.name} may come with {stop.name}.")
        elif listed is None:
            yield Finding(
                code=f"not-recorded-{key}",
                severity=Severity.WARNS,
                text=f"Whether there is {stop.name} is not recorded. With it no dose would be proposed. {stop.text}",
                remedy=f"Record `{stop.list}` (an empty list means none).",
                sources=stop.src,
            )
    for key, caution in policy.cautions.items():
        if ((patient.listed(caution.list) or frozenset()) | patient.in_texts(caution.list)) & set(caution.any):
            yield Finding(
                code=f"proposal-caution-{key}",
                severity=Severity.WARNS,
                text=f"Recorded: {caution.name}. {caution.text}",
                remedy=caution.remedy,
                sources=caution.src,
            )


def _stopped(key: str, stop: Stop, said: str) -> Finding:
    return no_proposal(key, f"{said} {stop.text}", stop.remedy, stop.src)


def about_forecast(made: Forecast) -> Iterable[Finding]:
    """A forecast that is shaken itself carries no dose; one outside every model's patients says so."""
    for code, (name, why) in SHAKEN.items():
        if any(one.code == code for one in made.findings):
            yield no_proposal(name, why, "See the finding on it; settle it and forecast again.")
    speaking = [one for one in made.models if one.weight > 0]
    if not any(one.in_population for one in speaking):
        yield Finding(
            code="outside-every-model",
            severity=Severity.WARNS,
            text=f"The patient's age, weight or condition lies outside the patients of every model that speaks ({', '.join(one.id for one in speaking)}).",
            remedy="Read every proposal as an extrapolation, and measure sooner.",
        )
