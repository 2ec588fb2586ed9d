"""Dates of a record against the moment it is used for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from ivigil.errors import BadInput
from ivigil.patient import Lab, Patient
from ivigil.quantities import DAYS_IN_A_LEAP_YEAR


def check_dates(patient: Patient, moment: datetime, option: str) -> None:
    """Refuse a record that holds something from after a moment, from before the patient's birth, or two ways at one time.

    Args:
        patient: the record.
        moment: the planned start, or the moment of an assessment.
        option: how the caller was told the moment.

    Raises:
        BadInput: the first such date or result, by its place.
    """
    later = (
        "No record may lie after the planned start." if option == "--start" else f"No record may lie after {option}."
    )
    born = _born_from(patient, moment)

    def check(where: str, when: datetime | date | None, before_birth: str, own: str) -> None:
        if when is None:
            return
        day, late = (when.date(), when > moment) if isinstance(when, datetime) else (when, when > moment.date())
        if late:
            raise BadInput(where, when.isoformat(), later, f"Correct the {own} or {option}.")
        if born is not None and day < born:
            raise BadInput(where, when.isoformat(), before_birth, f"Correct the {own}, birth_date or age_years.")

    check("birth_date", patient.birth_date, "", "date")
    check("weight_measured_on", patient.weight_measured_on, "Nobody is weighed before birth.", "date")
    for number, lab in enumerate(patient.labs or ()):
        check(f"labs[{number}].taken_at", lab.taken_at, "No sample is taken before birth.", "time")
    _check_one_result_at_a_time(patient)
    for number, entry in enumerate(patient.immunoglobulin_history or ()):
        where = f"immunoglobulin_history[{number}]"
        check(f"{where}.last_given_at", entry.last_given_at, "Nobody is infused before birth.", "time")
        for count, reaction in enumerate(entry.reactions or ()):
            there, planned = f"{where}.reactions[{count}]", reaction.specialist_plan
            check(f"{there}.at", reaction.at, "Nobody is infused before birth.", "time")
            check(
                f"{there}.specialist_plan.at",
                None if planned is None else planned.at,
                "Nobody is planned for before birth.",
                "time",
            )


def _born_from(patient: Patient, start: datetime) -> date | None:
    """The earliest day on which the patient can have been born; an age in years leaves the running year open."""
    if patient.birth_date is not None:
        return patient.birth_date
    if patient.age_years is None:
        return None
    return start.date() - timedelta(days=int((patient.age_years + 1) * DAYS_IN_A_LEAP_YEAR))


def _check_one_result_at_a_time(patient: Patient) -> None:
    """Refuse two results of one test at one moment that differ: which of them counted would hang on their order."""
    seen: dict[tuple[str, datetime], tuple[int, Lab]] = {}
    for number, lab in enumerate(patient.labs or ()):
        first, other = seen.setdefault((lab.test, lab.taken_at), (number, lab))
        if other.value != lab.value:
            raise BadInput(
                f"labs[{number}].value",
                f"{lab.shown}, beside {other.shown}",
                f"A test has one result at one time: labs[{first}] is of the same test and time and says another.",
                "Leave out the one that is wrong, or correct its time.",
            )
