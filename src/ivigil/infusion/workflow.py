"""The two tables of a session: what may be done (advice), and where a report leads (record). Both are complete.

*May I?* is answered by :data:`BARS`: an action is permitted when none of its bars holds. *It happened* is
:data:`HAPPENED`: every report is accepted in every phase, and leads somewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ivigil.infusion.events import EventType


class Phase(StrEnum):
    """Where a session stands."""

    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    COMPLETED = "completed"
    ENDED = "ended"


class Action(StrEnum):
    """What somebody at the chair may want to do."""

    START = "start"
    RAISE = "raise"
    SLOW = "slow"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    HANG = "hang"
    COMPLETE = "complete"
    END_OBSERVATION = "end_observation"
    RECORD = "record"
    GIVE_MEDICINE = "give_medicine"
    NOTIFY = "notify"
    CALL_EMERGENCY = "call_emergency"
    TREAT_AS_ANAPHYLAXIS = "treat_as_anaphylaxis"


# ---- what a situation is made of: each question, and every answer it can have


class Checks(StrEnum):
    """The checks before the start."""

    COMPLETE = "complete"
    MISSING = "missing"
    FAILED = "failed"


class PlanState(StrEnum):
    """The plan that the session was opened with."""

    VALID = "valid"
    NOT_OPENED = "not_opened"
    OTHER = "other"
    NOT_SIGNED = "not_signed"
    OTHER_SETTING = "other_setting"
    EXPIRED = "expired"
    TOO_EARLY = "too_early"


class Weight(StrEnum):
    """Today's weight against the plan's."""

    WITHIN = "within"
    NOT_MEASURED = "not_measured"
    BEYOND = "beyond"


class Hanging(StrEnum):
    """What hangs, or is to be hung."""

    FIT = "fit"
    UNRECORDED = "unrecorded"
    OTHER_PRODUCT = "other_product"
    OTHER_CONCENTRATION = "other_concentration"
    EXPIRED = "expired"
    QUARANTINED = "quarantined"
    BEYOND_DOSE = "beyond_dose"


class Today(StrEnum):
    """Fever or infection today, and what was decided."""

    WELL = "well"
    UNDECIDED = "unwell_undecided"
    GO_ON = "unwell_go_on"
    GO_ON_FAST_LADDER = "unwell_fast_ladder"


class Watched(StrEnum):
    """Vital signs against what is due."""

    IN_TIME = "in_time"
    NO_BASELINE = "no_baseline"
    OVERDUE = "overdue"


class AtThisRate(StrEnum):
    """Whether a whole set of vital signs was taken at the present rate."""

    TAKEN = "taken"
    NOT_TAKEN = "not_taken"


class ReactionState(StrEnum):
    """The worst of what is present now."""

    NONE = "none"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    LIFE_THREATENING = "life_threatening"


class Lock(StrEnum):
    """What ended this infusion for good, the gravest last."""

    FREE = "free"
    RETURNED = "returned"
    SEVERE = "severe"
    ANAPHYLAXIS = "anaphylaxis"


class Hold(StrEnum):
    """Time at the present rate against the plan's step."""

    ELAPSED = "elapsed"
    RUNNING = "running"


class Asked(StrEnum):
    """The rate that is asked for."""

    WITHIN = "within"
    BEYOND_STEP = "beyond_step"
    BEYOND_FIRST = "beyond_first"
    BEYOND_CAP = "beyond_cap"
    BEYOND_MAXIMUM = "beyond_maximum"


class Wait(StrEnum):
    """Time since the last symptom has gone, against the protocol's wait."""

    OVER = "over"
    RUNNING = "running"


class Agreement(StrEnum):
    """Whether the team agreed to go on after this reaction."""

    GIVEN = "given"
    NOT_NEEDED = "not_needed"
    MISSING = "missing"


class Release(StrEnum):
    """Whether a prescriber lets the patient go after a severe reaction."""

    NOT_NEEDED = "not_needed"
    GIVEN = "given"
    MISSING = "missing"


class Left(StrEnum):
    """What of the dose is still to be given: some, no more than the line holds, or nothing at all."""

    ALL_GIVEN = "all_given"
    NONE = "none"
    SOME = "some"


class Observed(StrEnum):
    """The time after the end."""

    OVER = "over"
    RUNNING = "running"


@dataclass(frozen=True)
class Situation:
    """Everything that a permission depends on, each a word of its own enum."""

    phase: Phase
    plan: PlanState
    checks: Checks
    weight: Weight
    hanging: Hanging
    today: Today
    watched: Watched
    at_this_rate: AtThisRate
    reaction: ReactionState
    lock: Lock
    hold: Hold
    asked: Asked
    wait: Wait
    agreement: Agreement
    left: Left
    observed: Observed
    release: Release = Release.NOT_NEEDED


@dataclass(frozen=True)
class Barred:
    """An action is barred while ``field`` of the situation is one of ``values``; ``code`` is a bar of the protocol."""

    field: str
    values: frozenset[StrEnum]
    code: str


def _not(kind: type[StrEnum], *permitted: StrEnum) -> frozenset[StrEnum]:
    return frozenset(kind) - set(permitted)


_PLAN = (
    Barred("plan", frozenset({PlanState.NOT_OPENED, PlanState.OTHER}), "plan-not-opened"),
    Barred("plan", frozenset({PlanState.NOT_SIGNED}), "plan-not-signed"),
    Barred("plan", frozenset({PlanState.OTHER_SETTING}), "plan-other-setting"),
    Barred("plan", frozenset({PlanState.EXPIRED}), "plan-expired"),
)
#: What is hung may be prepared the evening before; nothing runs.
_DAY = (Barred("plan", frozenset({PlanState.TOO_EARLY}), "plan-day-too-early"),)
_WEIGHT = (
    Barred("weight", frozenset({Weight.NOT_MEASURED}), "weight-not-measured"),
    Barred("weight", frozenset({Weight.BEYOND}), "weight-beyond"),
)
_HANGING = (
    Barred("hanging", frozenset({Hanging.UNRECORDED}), "lot-unrecorded"),
    Barred("hanging", frozenset({Hanging.OTHER_PRODUCT}), "other-product"),
    Barred("hanging", frozenset({Hanging.OTHER_CONCENTRATION}), "other-concentration"),
    Barred("hanging", frozenset({Hanging.EXPIRED}), "lot-expired"),
    Barred("hanging", frozenset({Hanging.QUARANTINED}), "lot-quarantined"),
)
_TODAY = (
    Barred("today", frozenset({Today.UNDECIDED}), "unwell-ask-to-defer"),
    Barred("today", frozenset({Today.GO_ON_FAST_LADDER}), "unwell-needs-first-ladder"),
)
_RATE = (
    Barred("asked", frozenset({Asked.BEYOND_MAXIMUM}), "above-maximum"),
    Barred("asked", frozenset({Asked.BEYOND_CAP}), "above-cap"),
    Barred("asked", frozenset({Asked.BEYOND_FIRST}), "above-first-after-pause"),
    Barred("asked", frozenset({Asked.BEYOND_STEP}), "above-step"),
)
#: What a pump that was set too fast was told.
TOO_FAST = frozenset(bar.code for bar in _RATE)
_LOCK = (
    Barred("lock", frozenset({Lock.ANAPHYLAXIS}), "no-restart-anaphylaxis"),
    Barred("lock", frozenset({Lock.SEVERE}), "no-restart-severe"),
    Barred("lock", frozenset({Lock.RETURNED}), "no-restart-returned"),
)
_REACTION = (Barred("reaction", _not(ReactionState, ReactionState.NONE), "reaction-unresolved"),)
_WATCHED = (
    Barred("watched", frozenset({Watched.NO_BASELINE}), "no-baseline"),
    Barred("watched", frozenset({Watched.OVERDUE}), "vitals-overdue"),
)
_DOSE = (Barred("left", frozenset({Left.ALL_GIVEN}), "dose-given"),)
#: After a reaction: before a restart, and before a raise where it was only slowed.
_GO_ON = (
    Barred("wait", frozenset({Wait.RUNNING}), "wait-after-symptoms"),
    Barred("agreement", frozenset({Agreement.MISSING}), "team-has-not-agreed"),
)
_CHECKS = (
    Barred("checks", frozenset({Checks.MISSING}), "checks-missing"),
    Barred("checks", frozenset({Checks.FAILED}), "check-failed"),
)

#: *May I?* What speaks against each action. No entry is empty by accident: what always may be done says so.
BARS: dict[Action, tuple[Barred, ...]] = {
    Action.START: (
        Barred("phase", _not(Phase, Phase.PREPARING), "not-preparing"),
        *_LOCK, *_PLAN, *_DAY, *_CHECKS, *_WEIGHT, *_HANGING, *_TODAY, *_WATCHED, *_REACTION, *_RATE,
    ),
    Action.RAISE: (
        Barred("phase", _not(Phase, Phase.RUNNING), "not-running"),
        *_LOCK, *_PLAN, *_DAY, *_CHECKS, *_WEIGHT, *_HANGING, *_TODAY, *_REACTION, *_WATCHED,
        Barred("at_this_rate", frozenset({AtThisRate.NOT_TAKEN}), "vitals-not-at-this-rate"),
        Barred("hold", frozenset({Hold.RUNNING}), "too-early"),
        *_GO_ON, *_DOSE, *_RATE,
    ),
    Action.RESUME: (
        Barred("phase", _not(Phase, Phase.PAUSED), "not-paused"),
        *_LOCK, *_PLAN, *_DAY, *_CHECKS, *_WEIGHT, *_HANGING, *_TODAY, *_REACTION, *_WATCHED, *_GO_ON,
        *_DOSE, *_RATE,
    ),
    Action.HANG: (
        Barred("phase", frozenset({Phase.STOPPED, Phase.COMPLETED, Phase.ENDED}), "infusion-over"),
        *_LOCK, *_PLAN, *_HANGING,
        Barred("hanging", frozenset({Hanging.BEYOND_DOSE}), "beyond-dose"),
    ),
    Action.COMPLETE: (
        Barred("phase", _not(Phase, Phase.RUNNING, Phase.PAUSED), "not-running"),
        Barred("left", frozenset({Left.SOME}), "dose-not-given"),
    ),
    Action.END_OBSERVATION: (
        Barred("phase", _not(Phase, Phase.STOPPED, Phase.COMPLETED), "infusion-not-over"),
        *_REACTION,
        Barred("observed", frozenset({Observed.RUNNING}), "observation-running"),
        Barred("release", frozenset({Release.MISSING}), "not-let-go"),
        Barred("watched", frozenset({Watched.NO_BASELINE, Watched.OVERDUE}), "vitals-overdue"),
    ),
    Action.SLOW: (),
    Action.PAUSE: (),
    Action.STOP: (),
    Action.RECORD: (),
    Action.GIVE_MEDICINE: (),
    Action.NOTIFY: (),
    Action.CALL_EMERGENCY: (),
    Action.TREAT_AS_ANAPHYLAXIS: (),
}  # fmt: skip

#: Slowing is permitted always; what is asked for as slowing and is not slower gets this reason.
NOT_SLOWER = "not-slower"


def barred(action: Action, situation: Situation) -> tuple[str, ...]:
    """The codes of what speaks against an action, in the order of the table; empty: it may be done."""
    return tuple(dict.fromkeys(one.code for one in BARS[action] if getattr(situation, one.field) in one.values))


# ---- where a report leads

_IN_HAND = frozenset({Phase.PREPARING, Phase.RUNNING, Phase.PAUSED})
#: Reports that change the phase: from which phases, and to which. From any other phase, and by any other report, it stays.
_LEADS: dict[EventType, tuple[frozenset[Phase], Phase]] = {
    EventType.STARTED: (frozenset(Phase), Phase.RUNNING),
    EventType.RESUMED: (frozenset(Phase), Phase.RUNNING),
    EventType.PAUSED: (frozenset({Phase.RUNNING}), Phase.PAUSED),
    EventType.STOPPED_EARLY: (_IN_HAND, Phase.STOPPED),
    EventType.TREATED_AS_ANAPHYLAXIS: (_IN_HAND, Phase.STOPPED),
    EventType.COMPLETED: (_IN_HAND, Phase.COMPLETED),
    EventType.OBSERVATION_ENDED: (frozenset(Phase), Phase.ENDED),
}

#: *It happened.* Every phase with every report.
HAPPENED: dict[tuple[Phase, EventType], Phase] = {
    (phase, kind): _LEADS[kind][1] if kind in _LEADS and phase in _LEADS[kind][0] else phase
    for phase in Phase
    for kind in EventType
}
