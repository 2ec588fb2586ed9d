"""How the chair's words read, the same on the terminal and on paper: medicines, checks, vital signs and times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, tzinfo

from ivigil.documents.wording import clock, number
from ivigil.infusion.due import DueKind
from ivigil.infusion.pack import Pack, PackAdrenaline, PackDose
from ivigil.infusion.report import Missed, ReactionSeen, SessionReport
from ivigil.knowledge.protocol import Grade
from ivigil.prescription.plan import Plan

MINUTE = timedelta(minutes=1)
#: A column for each vital sign; the two pressures share one.
SIGNS = {
    "systolic_mmhg": "BP",
    "diastolic_mmhg": "BP",
    "pulse_per_min": "pulse",
    "respirations_per_min": "resp.",
    "temperature_c": "°C",
    "spo2_percent": "SpO2 %",
}
NOT_RECORDED = "UNRECORDED"
#: What was due, and how its being done reads.
MISSED = {
    DueKind.VITALS.value: ("vital signs due", "taken"),
    DueKind.STOP.value: ("pump to be stopped", "stopped"),
    DueKind.SLOW.value: ("pump to be slowed", "slowed"),
    DueKind.ADRENALINE.value: ("adrenaline due", "given"),
    DueKind.TELL_PRESCRIBER.value: ("prescriber to be told", "told"),
    DueKind.HANG.value: ("container empty", "replaced"),
    DueKind.COMPLETE.value: ("dose through", "ended"),
}
#: What is still due, as it reads before its time. What runs out does so at the rate of now.
DUE = {
    DueKind.VITALS.value: "vital signs",
    DueKind.RATE_STEP.value: "next rate step",
    DueKind.RESTART.value: "restart",
    DueKind.ADRENALINE.value: "adrenaline",
    DueKind.ADRENALINE_AGAIN.value: "adrenaline again",
    DueKind.OBSERVATION_END.value: "end of watching",
    DueKind.TELL_PRESCRIBER.value: "prescriber to be told",
    DueKind.STOP.value: "pump to be stopped",
    DueKind.SLOW.value: "pump to be slowed",
    DueKind.HANG.value: "container empty at this rate",
    DueKind.COMPLETE.value: "dose through at this rate",
}
RAW_SHOWN = 80
"""So much of a report that counts for nothing is shown; the JSON holds all of it."""
CHECKS = {
    "identifiers": "two identifiers match",
    "weight": "weight today",
    "appearance": "product, lot, expiry; clear, no particles",
    "access": "line in the vein, flushes",
    "premedication": "premedication and fluid given",
    "consent": "patient agrees",
    "pump_read_back": "pump rate read back",
    "well_today": "no fever, no infection today",
    "kit": "reaction kit within reach",
}


def words(name: str) -> str:
    """A word of the protocol as it is read."""
    return name.replace("_", " ")


def cut(raw: str) -> str:
    """The beginning of a report that counts for nothing."""
    return raw if len(raw) <= RAW_SHOWN else f"{raw[:RAW_SHOWN]}…"


def range_mg(mg: object, most: object) -> str:
    """10 mg, or 650 to 1000 mg."""
    return f"{mg}{f' to {most}' if most else ''} mg"


def adrenaline_text(dose: PackAdrenaline) -> str:
    """Adrenaline in one line: mg, mL with the concentration, where, and the pen."""
    return f"{dose.name} {syringe(dose)}. {dose.route} Or the pen of {pen(dose)}."


def syringe(dose: PackAdrenaline) -> str:
    """0.5 mg = 0.5 mL of 1 mg/mL."""
    most = None if dose.mg_max is None else number(dose.mg_max)
    note = f" ({dose.note})" if dose.note else ""
    return f"{range_mg(number(dose.mg), most)} = {number(dose.ml)} mL of {number(dose.mg_per_ml)} mg/mL{note}"


def pen(dose: PackAdrenaline) -> str:
    """The pen, and whether it holds another dose than the one worked out."""
    highest = dose.mg if dose.mg_max is None else dose.mg_max
    if dose.pen_mg > highest:
        return f"{number(dose.pen_mg)} mg (more than this dose)"
    return f"{number(dose.pen_mg)} mg" + (" (less than this dose)" if dose.pen_mg < dose.mg else "")


def dose_text(one: PackDose) -> str:
    """A medicine in one line."""
    return f"{one.name} ({one.use}), {one.route}: {amount(one)} {one.caution}"


def amount(one: PackDose) -> str:
    """650 to 1000 mg, or what to ask."""
    if one.mg is None:
        return one.ask
    return f"{range_mg(number(one.mg), None if one.mg_max is None else number(one.mg_max))}."


def watching(made: Pack) -> str:
    """When vital signs are due, in one sentence."""
    policy = made.watching
    return (
        f"Within {policy.baseline_within_min} min before the start, every {policy.until_top_every_min} min and before each "
        f"step until the top, then every {policy.at_top_every_min} min; every {policy.reacting_every_min} min in a "
        f"reaction; at the end and {policy.after_end_min} min after. Overdue after {policy.grace_min} min."
    )


def long_pause(made: Pack) -> str:
    """Where it goes on after a long pause, in one sentence."""
    told = made.long_pause
    return (
        f"After {told.min} min at rest, runs shorter than a hold included, go on no faster than "
        f"{number(made.ladder[0].pump_ml_per_h)} mL/h and climb from there{' (policy)' if told.policy else ''}."
    )


def graded_by(one: ReactionSeen) -> str:
    """Whose grade it is."""
    return "graded at the chair" if one.graded_by_nurse else "grade by the protocol"


def worst(made: SessionReport) -> str:
    """Worst: severe, CTCAE 3; not restarted any more (severe). Empty without a reaction."""
    if made.worst_grade is None:
        return ""
    lock = "" if made.locked_by == "free" else f"; not restarted any more ({words(made.locked_by)})"
    grade = words(made.worst_grade.value)
    if is_anaphylaxis(made):
        grade = "anaphylaxis" if made.worst_grade is Grade.SEVERE else f"anaphylaxis, {grade}"
    return f"Worst: {grade}, {ctcae(made)}{lock}"


def is_anaphylaxis(made: SessionReport) -> bool:
    """Whether the criteria were met, or somebody treated it so."""
    return made.locked_by == "anaphylaxis"


def ctcae(made: SessionReport) -> str:
    """CTCAE 3; of anaphylaxis 3 or 4: the term begins at 3, and whether it was life-threatening a clinician decides."""
    open_ = is_anaphylaxis(made) and made.worst_grade is Grade.SEVERE
    return f"CTCAE {made.worst_ctcae}{' or 4' if open_ else ''}"


def missed(one: Missed, clock: Callable[[datetime], str]) -> tuple[str, str]:
    """What was due when, and what became of it: vital signs due 09:10, taken 09:40."""
    due, done = MISSED[one.what]
    return f"{due} {clock(one.due_at)}", f"never {done}" if one.taken_at is None else f"{done} {clock(one.taken_at)}"


def learned(made: SessionReport) -> str:
    """What this infusion adds to the patient's history; empty where it teaches nothing."""
    told = made.learned
    if told is None:
        return ""
    borne = told.rate_borne_ml_per_kg_h
    rate = "no rate borne without symptoms" if borne is None else f"highest rate borne {number(borne)} mL/kg/h"
    alone = (
        "" if made.history_given else " This counts this infusion alone: no history was given; add it to the record's."
    )
    return (
        f"infusions {told.infusions}, uneventful and supervised {told.uneventful_supervised_infusions}, {rate}.{alone}"
    )


def columns(signs: Iterable[str]) -> tuple[str, ...]:
    """The columns of a table of vital signs."""
    return tuple(dict.fromkeys(SIGNS.get(one, words(one)) for one in signs))


class Wall:
    """The clock on the wall beside the chair: every time in the plan's own offset, later dates named."""

    def __init__(self, plan: Plan, number: int, first: datetime | None) -> None:
        planned = next(one.starts_at for one in plan.infusions if one.number == number)
        self.zone: tzinfo | None = planned.tzinfo
        self.zero = (first or planned).astimezone(self.zone).replace(second=0, microsecond=0)

    def clock(self, at: datetime) -> str:
        """09:42, or 00:30 Tue +1 day."""
        return clock(self.zero, (at - self.zero) // MINUTE)
