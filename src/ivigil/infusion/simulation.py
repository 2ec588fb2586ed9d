"""Simulated sessions: synthetic patients who react by published rates, and nurses who are busy and impatient.

What it shows: that nothing forbidden is ever permitted, that grams balance, and how often what happens. The nurse asks now
and then for something that must not be; a second, plainer reading of the session, which knows nothing of the tables, says
whether it must not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.events import SCHEMA, Event
from ivigil.infusion.live import Live, replay
from ivigil.infusion.permission import Wish, can
from ivigil.infusion.rates import proposed_ml_per_h
from ivigil.infusion.record import Rejected, gather, read_event
from ivigil.infusion.workflow import Action, Phase
from ivigil.knowledge.protocol import Grade, ReactionRates, VitalSign

#: A chance: the next number from 0 up to, and without, 1. Whoever simulates brings the source and its seed.
Draw = Callable[[], float]

SESSION = "simulated"
NURSE = {"by": "Simulated Nurse", "role": "nurse"}
WELL = {
    VitalSign.SYSTOLIC.value: 120,
    VitalSign.DIASTOLIC.value: 75,
    VitalSign.PULSE.value: 72,
    VitalSign.TEMPERATURE.value: 36.8,
    VitalSign.SPO2.value: 98,
}
#: How busy and how impatient a simulated nurse is. Numbers of the simulation, not of the therapy.
LATE, ASKS_FOR_TOO_MUCH, DOES_IT = 0.1, 0.05, 0.1
#: A session that has not ended by then has gone wrong.
LONGEST_MIN = 24 * 60
#: The symptoms by which a simulated reaction shows itself, by grade.
SHOWS: dict[Grade, tuple[str, ...]] = {
    Grade.MILD: ("headache", "flushing", "fatigue"),
    Grade.MODERATE: ("fever_chills", "rash_urticaria_itch", "nausea_vomiting_abdominal_pain"),
    Grade.SEVERE: ("frothy_sputum", "sudden_weakness_or_speech"),
}
ANAPHYLAXIS = ("rash_urticaria_itch", "breathless_or_wheeze")


@dataclass
class Tally:
    """What happened in a number of simulated sessions."""

    sessions: int = 0
    completed: int = 0
    stopped: int = 0
    sessions_with_reaction: int = 0
    anaphylaxis: int = 0
    asked: int = 0
    forbidden_asked: int = 0
    forbidden_permitted: int = 0
    deviations: int = 0
    replays_that_differ: int = 0
    events: int = 0
    grams_hung: Fraction = Fraction(0)
    grams_given: Fraction = Fraction(0)
    grams_left: Fraction = Fraction(0)
    by_grade: Counter[str] = field(default_factory=Counter)

    @property
    def balances(self) -> bool:
        """Whether what was given and what was left make up what was hung, to the last fraction."""
        return self.grams_hung == self.grams_given + self.grams_left


@dataclass
class _Truth:
    """The plain reading: kept by the simulation itself, from what it did."""

    present: set[str] = field(default_factory=set)
    ended_for_good: bool = False
    running: bool = False

    def forbids(self, wish: Wish, bedside: Bedside) -> bool:
        """What must never be permitted, whatever the tables say."""
        if wish.action not in {Action.START, Action.RAISE, Action.RESUME}:
            return False
        too_fast = wish.ml_per_h is not None and wish.ml_per_h > bedside.top_ml_per_h
        return too_fast or bool(self.present) or self.ended_for_good


def simulate(bedside: Bedside, facts: ReactionRates, draw: Draw, sessions: int, *, premedicated: bool = False) -> Tally:
    """A number of sessions on one plan.

    Args:
        bedside: the infusion they run.
        facts: how often patients react.
        draw: the chance.
        sessions: how many.
        premedicated: whether premedication was given.
    """
    tally = Tally()
    for _ in range(sessions):
        _Simulated(bedside, facts, draw, tally, premedicated=premedicated).run()
    return tally


class _Simulated:
    """One session, minute by minute."""

    def __init__(self, bedside: Bedside, facts: ReactionRates, draw: Draw, tally: Tally, *, premedicated: bool) -> None:
        self.bedside, self.facts, self.draw, self.tally = bedside, facts, draw, tally
        self.premedicated = premedicated
        self.live = Live(bedside)
        self.raws: list[dict[str, Any]] = []
        self.truth = _Truth()
        self.minute = -30
        self.settles_at = 0
        self.worst: Grade | None = None

    # ---- telling

    def tell(self, kind: str, **data: Any) -> None:  # noqa: ANN401 - any event's data
        at = self.bedside.infusion.starts_at + timedelta(minutes=self.minute)
        number = len(self.raws) + 1
        raw = {
            "schema": SCHEMA,
            "session": SESSION,
            "seq": number,
            "key": f"e{number}",
            "type": kind,
            "actor": NURSE,
            "device_at": at.isoformat(),
            "received_at": at.isoformat(),
            "data": data,
        }
        event = read_event(raw, SESSION, self.bedside.protocol)
        assert isinstance(event, Event), event  # the simulation writes events that can be read
        self.raws.append(raw)
        self.live.tell(at, event)

    def may(self, action: Action, ml_per_h: Fraction | None = None) -> bool:
        """Ask, and check the answer against the plain reading."""
        now = self.bedside.infusion.starts_at + timedelta(minutes=self.minute)
        wish = Wish(action, ml_per_h)
        permitted = can(wish, self.live.moment(now))
        self.tally.asked += 1
        if self.truth.forbids(wish, self.bedside):
            self.tally.forbidden_asked += 1
            self.tally.forbidden_permitted += permitted
        return permitted

    # ---- the session

    def run(self) -> None:
        self._prepare()
        while self.live.session.phase not in {Phase.STOPPED, Phase.COMPLETED} and self.minute < LONGEST_MIN:
            self.minute += 1
            self._react()
            self._settle()
            self._impatient()
            self._care()
        self._afterwards()
        self._count()

    def _prepare(self) -> None:
        infusion, ordered = self.bedside.infusion, self.bedside.ordered
        self.tell(
            "opened",
            plan_id=self.bedside.plan.plan_id,
            infusion=infusion.number,
            signed_by="Simulated Prescriber",
            signed_role=self.bedside.sign_roles[0],
            signed_at=(infusion.starts_at - timedelta(hours=1)).isoformat(),
            setting=ordered.setting,
            supervised=True,
            protocol=self.bedside.protocol.id,
        )
        for check in sorted(self.bedside.checks(ordered.setting)):
            more: dict[str, Any] = {}
            if check.value == "weight":
                more = {"weight_kg": float(ordered.weight_kg)}
            if check.value == "pump_read_back":
                more = {"pump_ml_per_h": float(infusion.steps[0].pump_ml_per_h)}
            self.tell("check_confirmed", check=check.value, ok=True, **more)
        concentration = infusion.concentration_g_per_ml
        for place, size in enumerate(size for vial in infusion.vials for size in [vial.size_g] * vial.count):
            self.tell(
                "container_changed",
                product=ordered.product,
                lot=f"SIM{place}",
                expires_on=(infusion.starts_at + timedelta(days=400)).date().isoformat(),
                size_g=float(size),
                volume_ml=float((size / concentration).quantize(Decimal("0.1"))),
                beside=place > 0,
            )
        self.tell("vitals", **WELL)
        self.minute = 0
        if self.may(Action.START):
            self._flow("started", Fraction(infusion.steps[0].pump_ml_per_h))

    def _flow(self, kind: str, ml_per_h: Fraction) -> None:
        self.tell(kind, pump_ml_per_h=float(ml_per_h))
        self.truth.running = True

    def _react(self) -> None:
        """Whether the patient reacts in this minute: the chance of an infusion, spread over the time it usually comes in."""
        if not self.truth.running or self.truth.present:
            return
        naive = self.bedside.first_pattern
        facts = self.facts
        chance = float((facts.first_infusion if naive else facts.experienced_infusion).value)
        chance *= float(facts.premedicated_ratio.value) if self.premedicated else 1
        chance *= self._faster()
        shock = float((facts.anaphylaxis_first if naive else facts.anaphylaxis_experienced).value)
        minutes = float(facts.onset_by_min.value)
        if self.minute <= minutes:
            if self.draw() < shock / minutes:
                self._anaphylaxis()
            elif self.draw() < chance / minutes:
                self._shows(self._grade())
        elif self.draw() < chance / minutes / minutes:
            self._shows(self._grade())

    def _faster(self) -> float:
        per_kg = self.live.session.ml_per_h / Fraction(self.bedside.ordered.rate_weight_kg)
        return float(self.facts.fast_ratio.value) if per_kg > Fraction(self.facts.fast_from_ml_per_kg_h.value) else 1.0

    def _grade(self) -> Grade:
        counts = (
            (Grade.MILD, self.facts.mild_of_reactions.value),
            (Grade.MODERATE, self.facts.moderate_of_reactions.value),
            (Grade.SEVERE, self.facts.severe_of_reactions.value),
        )
        left = self.draw() * float(sum(count for _, count in counts))
        for grade, count in counts:
            left -= float(count)
            if left < 0:
                return grade
        return Grade.SEVERE

    def _shows(self, grade: Grade) -> None:
        names = SHOWS[grade]
        self._feel(names[int(self.draw() * len(names))], grade)
        self.settles_at = self.minute + int(float(self.facts.settles_in_min.value) * (0.5 + self.draw()))

    def _feel(self, name: str, grade: Grade) -> None:
        self.tell("symptom", symptom=name, present=True, grade=grade.value)
        self.truth.present.add(name)
        self.truth.ended_for_good |= grade.rank >= Grade.SEVERE.rank
        self.worst = max(filter(None, (self.worst, grade)), key=lambda one: one.rank)
        if grade.rank >= Grade.MODERATE.rank:
            self._stop_or_pause()

    def _anaphylaxis(self) -> None:
        for name in ANAPHYLAXIS:
            self._feel(name, Grade.SEVERE)
        self.truth.ended_for_good = True
        self.tally.anaphylaxis += 1
        self.tell("treated_as_anaphylaxis")
        self.tell("medicine_given", medicine=self.bedside.protocol.adrenaline_id, route="im")
        self.tell("emergency_called")
        self.truth.running = False

    def _stop_or_pause(self) -> None:
        if self.truth.running:
            self.tell("paused")
            self.truth.running = False
        self.tell("prescriber_notified", who="Simulated Prescriber", said="watch", agrees_to_restart=False)

    def _settle(self) -> None:
        if self.truth.present and not self.truth.ended_for_good and self.minute >= self.settles_at:
            for name in sorted(self.truth.present):
                self.tell("symptom", symptom=name, present=False)
            self.truth.present.clear()
            self.tell("prescriber_notified", who="Simulated Prescriber", said="go on", agrees_to_restart=True)

    def _impatient(self) -> None:
        """Something too much is asked for; and now and then, permitted or not, it is done."""
        if self.draw() >= ASKS_FOR_TOO_MUCH:
            return
        running = self.live.session.ml_per_h
        action = Action.RAISE if running else Action.RESUME
        wanted = (running or self.bedside.top_ml_per_h) * 2
        permitted = self.may(action, wanted)
        if not permitted and self.draw() < DOES_IT and not self.truth.ended_for_good:
            self._flow("rate_changed" if running else "resumed", min(wanted, self.bedside.top_ml_per_h * 2))

    def _care(self) -> None:
        """What a nurse does when it is due, if not too busy this minute."""
        session = self.live.session
        if self.truth.ended_for_good:
            self.tell("stopped_early", because="severe reaction")
            return
        if self.draw() < LATE:
            return
        if self.live.moment(self._now()).given_ml >= Fraction(self.bedside.infusion.total_ml):
            self.tell("vitals", **WELL)
            self.tell("completed")
            self.truth.running = False
            return
        if self.minute % int(self.bedside.monitoring.until_max_every_min.value) == 0:
            self.tell("vitals", **WELL)
        if session.phase is Phase.RUNNING and self.may(Action.RAISE):
            following = proposed_ml_per_h(Action.RAISE, self.live.session, self.bedside, self._now())
            assert following is not None  # a raise is permitted only to a step
            self._flow("rate_changed", following)
        elif session.phase is Phase.PAUSED and self.may(Action.RESUME):
            rate = proposed_ml_per_h(Action.RESUME, self.live.session, self.bedside, self._now())
            assert rate is not None  # it is permitted only where there is one
            self._flow("resumed", rate)
        elif (
            session.phase is Phase.PAUSED
            and not self.truth.present
            and self.minute > self.settles_at + 2 * LONGEST_PAUSE
        ):
            self.tell("stopped_early", because="not resumed")

    def _now(self) -> Any:  # noqa: ANN401 - a moment
        return self.bedside.infusion.starts_at + timedelta(minutes=self.minute)

    def _afterwards(self) -> None:
        self.minute += int(self.bedside.watch_after / timedelta(minutes=1)) + 1
        for name in sorted(self.truth.present):
            self.tell("symptom", symptom=name, present=False)
        self.truth.present.clear()
        self.tell("vitals", **WELL)
        self.tell("observation_ended")

    def _count(self) -> None:
        tally, session = self.tally, self.live.session
        given = self.live.given(self._now())
        tally.sessions += 1
        tally.events += len(self.raws)
        tally.completed += any(raw["type"] == "completed" for raw in self.raws)
        tally.stopped += not any(raw["type"] == "completed" for raw in self.raws)
        tally.sessions_with_reaction += self.worst is not None
        if self.worst is not None:
            tally.by_grade[self.worst.value] += 1
        tally.deviations += len(session.deviations)
        tally.grams_hung += given.hung_g
        tally.grams_given += given.grams
        tally.grams_left += sum((one.left_ml * one.grams_per_ml for one in given.containers), Fraction(0))
        record = gather(reversed(self.raws), SESSION, self.bedside.protocol)
        assert not any(isinstance(one, Rejected) for one in record.told)  # what was told was read
        tally.replays_that_differ += replay(record, self.bedside).session != session


#: How long a simulated nurse waits for a restart that is not permitted before the infusion is stopped (min).
LONGEST_PAUSE = 60
