"""Thousands of streams of reports, told in any order, against a second reading of the rules that shares nothing with the first.

The reading below knows the events alone: it walks them minute by minute with its own sums and its own words for what is
forbidden. It never says that something may be done; it names what must not be, and the rules have to agree.
"""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from ivigil.infusion.events import Event
from ivigil.infusion.live import Live, replay
from ivigil.infusion.permission import Wish, can
from ivigil.infusion.record import gather, read_event
from ivigil.infusion.report import report
from ivigil.infusion.workflow import Action, Lock
from tests.infusion.chair import SESSION, Chair, at_chair

Raw = dict[str, Any]
MODERATE, SEVERE = "moderate", "severe"
#: Words of the protocol with the grade that they have at least, whatever a nurse says.
SYMPTOMS = {"flushing": "mild", "fatigue": "mild", "headache": "mild", "dizziness": "mild", "frothy_sputum": SEVERE}
#: What a whole set holds, and figures far beyond any limit.
BAD = ({"systolic_mmhg": 70, "diastolic_mmhg": 40}, {"spo2_percent": 80})
HALF_HOUR, QUARTER, GRACE = timedelta(minutes=30), timedelta(minutes=15), timedelta(minutes=5)


@cache
def ladder() -> tuple[tuple[Fraction, timedelta], ...]:
    steps = at_chair().infusion.steps
    return tuple((Fraction(str(one.pump_ml_per_h)), timedelta(minutes=one.duration_min)) for one in steps)


@dataclass
class Reading:
    """What the events say, walked once in order of time."""

    rate: Fraction = Fraction(0)
    before_pause: Fraction = Fraction(0)
    phase: str = "before"
    began: bool = False
    since: datetime | None = None
    clock: datetime | None = None
    vials: list[list[Fraction]] = field(default_factory=list)
    hanging: list[int] = field(default_factory=list)
    unfit: set[int] = field(default_factory=set)
    air: Fraction = Fraction(0)
    ml: Fraction = Fraction(0)
    present: dict[str, str] = field(default_factory=dict)
    bad: bool = False
    severe: bool = False
    moderate: bool = False
    reacted: bool = False
    went_on: bool = False
    returned: bool = False
    quiet: datetime | None = None
    agreed: bool = False
    checks: dict[str, bool] = field(default_factory=dict)
    heavy: bool = False
    unwell: bool = False
    whole: datetime | None = None
    onset_rates: list[Fraction] = field(default_factory=list)

    @property
    def reacting(self) -> bool:
        return bool(self.present) or self.bad

    def tell(self, at: datetime, kind: str, data: Raw) -> None:
        self.run(at)
        before, was, reacted = self.rate, self.reacting, self.reacted
        if kind in {"started", "resumed"}:
            self.set(at, Fraction(str(data["pump_ml_per_h"])))
            if not self.began:
                self.began = True
                self.grade_what_is_there()
            self.phase = "running"
        elif kind == "rate_changed" and self.rate:
            self.set(at, Fraction(str(data["pump_ml_per_h"])))
        elif kind == "paused" and self.phase == "running":
            self.set(at, Fraction(0))
            self.phase = "paused"
        elif kind in {"stopped_early", "completed", "treated_as_anaphylaxis"}:
            self.set(at, Fraction(0))
            self.phase = "over" if self.phase in {"before", "running", "paused"} else self.phase
        if self.rate > before and reacted:
            self.went_on = True
        if kind == "treated_as_anaphylaxis" or (kind == "medicine_given" and data["medicine"] == "adrenaline"):
            self.severe = True
        elif kind == "container_changed":
            place = len(self.vials)
            self.vials.append([Fraction(str(data["volume_ml"])), Fraction(0), Fraction(str(data["size_g"]))])
            self.hanging = [*(self.hanging if data.get("beside") else []), place]
            if data["product"] != "privigen" or data.get("lot") is None or data["expires_on"] < "2026-11-23":
                self.unfit.add(place)
        elif kind == "check_confirmed":
            if data["check"] == "weight":
                self.heavy = abs(data["weight_kg"] - 70) > 7
            if data["check"] == "well_today":
                self.unwell = not data["ok"]
                self.agreed = self.agreed and data["ok"]
            else:
                self.checks[data["check"]] = data["ok"]
        elif kind == "prescriber_notified":
            self.agreed = self.agreed or bool(data.get("agrees_to_restart"))
            if data.get("lifts_cap"):
                self.onset_rates = []
        elif kind in {"symptom", "vitals"}:
            self.find(at, kind, data, was=was)

    def find(self, at: datetime, kind: str, data: Raw, *, was: bool) -> None:
        fresh = False
        if kind == "vitals":
            self.whole = at
            fresh = not self.bad
            self.bad = data["systolic_mmhg"] < 90 or data["spo2_percent"] < 88
            fresh = fresh and self.bad
            self.severe = self.severe or (self.bad and self.began)
        elif data["present"]:
            fresh = data["symptom"] not in self.present or self.present[data["symptom"]] != data["grade"]
            self.present[data["symptom"]] = data["grade"]
        else:
            self.present.pop(data["symptom"], None)
        if was and not self.reacting:
            self.quiet = at
        if not self.began:
            self.agreed = self.agreed and not fresh
            return
        self.grade_what_is_there()
        if fresh and not was:
            self.agreed = False
            self.onset_rates.append(self.rate or self.before_pause)
            self.returned = self.returned or self.went_on
        if self.reacting:
            self.reacted = True

    def grade_what_is_there(self) -> None:
        self.severe = self.severe or self.bad or "frothy_sputum" in self.present or SEVERE in self.present.values()
        self.moderate = self.moderate or MODERATE in self.present.values()
        self.reacted = self.reacted or self.reacting

    def set(self, at: datetime, rate: Fraction) -> None:
        if rate != self.rate:
            self.before_pause, self.since, self.rate = self.rate or self.before_pause, at, rate

    def run(self, to: datetime) -> None:
        if self.clock is not None and self.rate and to > self.clock:
            ml = self.rate * Fraction(int((to - self.clock) / timedelta(microseconds=1)), 3_600_000_000)
            self.ml += ml
            for place in self.hanging:
                drawn = min(ml, self.vials[place][0] - self.vials[place][1])
                self.vials[place][1] += drawn
                ml -= drawn
            self.air += ml
        self.clock = to

    @property
    def grams(self) -> Fraction:
        return sum((given * size / volume for volume, given, size in self.vials), Fraction(0))

    def must_not(self, action: Action, rate: Fraction, now: datetime) -> list[str]:
        """Why it must not be done, in this reading's own words."""
        self.run(now)
        steps = [one for one, _ in ladder()]
        why = []
        if self.severe or self.returned:
            why.append("ended for good")
        if action is Action.HANG:
            return why
        # Of what was measured before the start a prescriber may say that it goes on.
        if self.present or (self.bad and (self.began or not self.agreed)):
            why.append("a reaction is there")
        if any(not ok for ok in self.checks.values()) or len(self.checks) < 7 or self.heavy:
            why.append("checks")
        if self.unwell and not self.agreed:
            why.append("unwell")
        if not self.hanging or self.unfit & set(self.hanging):
            why.append("what hangs")
        if rate > steps[-1]:
            why.append("maximum")
        if self.onset_rates and rate >= min(self.onset_rates):
            why.append("the rate at which it came")
        if self.whole is None:
            why.append("never measured")
        if action is Action.START:
            return [*why, *(["not before the start"] if self.phase != "before" else []), *(["first step"] if rate > steps[0] else [])]  # fmt: skip
        if self.moderate and not self.agreed:
            why.append("nobody agreed")
        if self.reacted and (self.quiet is None or now < self.quiet + HALF_HOUR):
            why.append("too soon after it")
        if self.ml >= 300:
            why.append("all given")
        if self.whole is not None and self.rate < steps[-1] and now > self.whole + QUARTER + GRACE:
            why.append("not watched")
        if action is Action.RESUME:
            if self.phase != "paused" or rate > self.before_pause:
                why.append("no such pause or rate")
            return why
        if self.phase != "running" or self.since is None:
            return [*why, "not running"]
        reached = max((place for place, one in enumerate(steps) if one <= self.rate), default=0)
        if now < self.since + ladder()[reached][1] or self.whole is None or self.whole < self.since:
            why.append("not held or not measured here")
        if rate > min((one for one in steps if one > self.rate), default=Fraction(0)):
            why.append("more than a step")
        return why


def walked(raws: list[Raw]) -> Reading:
    reading = Reading()
    for raw in sorted(raws, key=lambda one: (datetime.fromisoformat(one["device_at"]), one["seq"], one["key"])):
        reading.tell(datetime.fromisoformat(raw["device_at"]), raw["type"], raw["data"])
    return reading


WANTED = {
    "started": Action.START,
    "resumed": Action.RESUME,
    "rate_changed": Action.RAISE,
    "container_changed": Action.HANG,
}


def ready(chance: random.Random) -> Chair:
    chair = Chair().opened()
    spoilt = chance.random() < 0.2
    changes: dict[str, Any] = {}
    if spoilt:
        changes = chance.choice(
            [
                {"weight": {"ok": True, "weight_kg": 80}},
                {"identifiers": {"ok": False}},
                {"consent": None},
                {"well_today": {"ok": False}},
            ]
        )
    chair.checked(**changes)
    if chance.random() < 0.1:
        chair.hung(-12, expires_on="2026-11-22").hung(-10, beside=chance.random() < 0.5)
    else:
        chair.hung()
    return chair.vitals(-5)


def guided(live: Live, chair: Chair, minute: float) -> tuple[Action, Fraction] | None:
    """What the rules would let a nurse do now."""
    now = live.moment(chair.minute(minute))
    for action in (Action.START, Action.RESUME, Action.RAISE):
        for rate, _ in reversed(ladder()):
            if can(Wish(action, rate), now):
                return action, rate
        if can(Wish(action, Fraction(21, 2)), now):
            return action, Fraction(21, 2)
    return None


def stream(seed: int) -> Chair:
    """One session by a hurried nurse who mostly does what is permitted, and often enough not."""
    chance = random.Random(seed)
    chair, minute = ready(chance), 0.0
    live, heard = Live(chair.bedside), 0
    rates = [*(float(one) for one, _ in ladder()), 10.5, 30, 400]
    kinds = {
        Action.START: "started",
        Action.RESUME: "resumed",
        Action.RAISE: "rate_changed",
    }
    for _ in range(chance.randrange(10, 40)):
        minute += chance.choice([0, 0.5, 1, 5, 9, 14, 14, 30, 31])
        roll = chance.random()
        if roll < 0.4:
            chair.vitals(minute)
            for raw in chair.raws[heard:]:
                event = read_event(raw, SESSION, chair.bedside.protocol)
                assert isinstance(event, Event)
                live.tell(event.device_at, event)
            heard = len(chair.raws)
            told = guided(live, chair, minute)
            if told is not None:
                chair.tell(minute, kinds[told[0]], pump_ml_per_h=float(told[1]))
        elif roll < 0.55:
            chair.vitals(minute, **(chance.choice(BAD) if chance.random() < 0.08 else {}))
        elif roll < 0.67:
            name = chance.choices(list(SYMPTOMS), [4, 4, 4, 4, 0.4])[0]
            grade = chance.choices(["mild", MODERATE, SEVERE], [6, 3, 0.3])[0]
            chair.felt(minute, name, SEVERE if SYMPTOMS[name] == SEVERE else grade)
        elif roll < 0.8:
            for name in SYMPTOMS:
                if chance.random() < 0.8:
                    chair.gone(minute, name)
        elif roll < 0.84:
            chair.tell(minute, "paused")
        elif roll < 0.9:
            chair.tell(
                minute,
                "prescriber_notified",
                who="Dr. Ada Test",
                said="told",
                agrees_to_restart=chance.random() < 0.7,
                lifts_cap=chance.random() < 0.5,
            )
        elif roll < 0.94:
            chair.tell(
                minute, chance.choice(["rate_changed", "resumed", "started"]), pump_ml_per_h=chance.choice(rates)
            )
        elif roll < 0.96:
            more: Raw = chance.choice(
                [{}, {"product": "gammagard_liquid"}, {"lot": None}, {"expires_on": "2026-01-31"}]
            )
            chair.hung(minute, beside=chance.random() < 0.5, size_g=10, volume_ml=100, **more)
        elif roll < 0.97:
            chair.tell(minute, "check_confirmed", check="weight", ok=True, weight_kg=chance.choice([70, 71, 80]))
        elif roll < 0.98:
            chair.tell(minute, "check_confirmed", check="identifiers", ok=chance.random() < 0.5)
        elif roll < 0.99:
            chair.tell(minute, chance.choice(["stopped_early", "completed", "treated_as_anaphylaxis"]))
        else:
            chair.tell(minute, "medicine_given", medicine=chance.choice(["adrenaline", "paracetamol"]), route="x")
    return chair


def check_stream(seed: int) -> int:
    """Every prefix of one stream against the reading; how many permissions were given."""
    chair = stream(seed)
    bedside, given = chair.bedside, 0
    record = gather(chair.raws, SESSION, bedside.protocol)
    assert not record.rejected
    live, reading = Live(bedside), Reading()
    by_key = {raw["key"]: raw for raw in chair.raws}
    for at, event in record.standing:
        raw = by_key[event.key]
        action, told = WANTED.get(raw["type"]), raw["data"]
        if action is not None:
            rate = Fraction(str(told.get("pump_ml_per_h", 0)))
            if action is not Action.RAISE or (reading.phase == "running" and rate > reading.rate):
                why = reading.must_not(action, rate, at)
                before = len(live.session.deviations)
                live.tell(at, event)
                reading.tell(at, raw["type"], told)
                assert not why or len(live.session.deviations) > before, (seed, event.key, why)
                continue
        live.tell(at, event)
        reading.tell(at, raw["type"], told)
        for minutes in (0, 16, 31):
            moment = live.moment(at + timedelta(minutes=minutes))
            for wish in (Action.START, Action.RESUME, Action.RAISE):
                for rate in (*(one for one, _ in ladder()), Fraction(21, 2), Fraction(400)):
                    if can(Wish(wish, rate), moment):
                        given += 1
                        why = deepcopy(reading).must_not(wish, rate, moment.now)
                        assert not why, (seed, event.key, minutes, wish, rate, why)
    end = live.last
    assert end is not None
    whole = live.given(end)
    assert (whole.grams, whole.unhung_ml, whole.ml) == (reading.grams, reading.air, reading.ml)
    assert whole.grams + sum((one.left_ml * one.grams_per_ml for one in whole.containers), Fraction(0)) == whole.hung_g
    assert replay(record, bedside).session == live.session
    if reading.severe or reading.returned:
        assert live.session.lock is not Lock.FREE, (seed, reading.severe, reading.returned)
    return given


@pytest.mark.parametrize("block", range(4))
def test_no_stream_is_ever_permitted_what_must_not_be(block):
    assert sum(check_stream(seed) for seed in range(block * 10, block * 10 + 10)) > 50


def check_heap(seed: int) -> None:
    """The same stream with corrections, repeats and late arrivals: one session in any order, and nothing unlocked."""
    chance = random.Random(seed * 7 + 1)
    chair = stream(seed)
    bedside = chair.bedside
    told = list(chair.raws)
    last = max(datetime.fromisoformat(raw["device_at"]) for raw in told)
    ever = walked(told)
    for number in range(chance.randrange(1, 5)):
        target = chance.choice(told[9:])
        at = (last + timedelta(minutes=number + 1)).isoformat()
        instead = None if chance.random() < 0.6 else target["data"]
        moved = datetime.fromisoformat(target["device_at"]) + timedelta(minutes=chance.choice([-20, 3, 40]))
        more = {} if instead is None else {"happened_at": min(moved, last).isoformat()}
        data = {"corrects": target["key"], "because": "a slip", "instead": instead} | more
        chair.raws.append(
            {**target, "type": "correction", "key": f"c{number}", "seq": 900 + number, "device_at": at}
            | {"received_at": at, "data": data}
        )
    for raw in chance.sample(told, 3):
        later = datetime.fromisoformat(raw["received_at"]) + timedelta(minutes=chance.randrange(1, 60))
        chair.raws.append({**raw, "received_at": later.isoformat(), "seq": raw["seq"] + 50})
    record = gather(chair.raws, SESSION, bedside.protocol)
    made = replay(record, bedside)
    end = made.last
    assert end is not None
    for _ in range(2):
        shuffled = chance.sample(chair.raws, len(chair.raws))
        again = replay(gather(shuffled, SESSION, bedside.protocol), bedside)
        assert again.session == made.session
        assert again.given(end) == made.given(end)
    assert {one.first.key for one in record.told} == {raw["key"] for raw in chair.raws}
    if ever.severe:
        for wish in (Action.START, Action.RESUME, Action.RAISE, Action.HANG):
            for rate, _ in ladder():
                assert not can(Wish(wish, rate), made.moment(end + timedelta(minutes=31))), (seed, wish)
    whole = made.given(end)
    assert whole.grams + sum((one.left_ml * one.grams_per_ml for one in whole.containers), Fraction(0)) == whole.hung_g
    said = report(record, bedside)
    assert len(said.timeline) == len(record.told)
    assert said.given.balances
    assert [one.action for one in said.deviations] == [one.action.value for one in made.session.deviations]
    assert said.locked_by == made.session.lock.value


def check_late(seed: int) -> None:
    """Reports that come in late: the lock of no moment is ever taken back, and what came in before is still there."""
    chance = random.Random(seed * 11 + 5)
    chair = stream(seed)
    for raw in chance.sample(chair.raws, len(chair.raws) // 3):
        later = datetime.fromisoformat(raw["received_at"]) + timedelta(minutes=chance.randrange(1, 120))
        raw["received_at"] = later.isoformat()
    heard = sorted(chair.raws, key=lambda raw: raw["received_at"])
    gravest = 0
    for count in [*range(12, len(heard), 4), len(heard)]:
        made = replay(gather(heard[:count], SESSION, chair.bedside.protocol), chair.bedside)
        lock = list(Lock).index(made.session.lock)
        assert lock >= gravest, (seed, count, made.session.lock)
        gravest = lock


@pytest.mark.parametrize("block", range(4))
def test_any_heap_makes_one_session_and_unlocks_nothing(block):
    for seed in range(1000 + block * 6, 1006 + block * 6):
        check_heap(seed)
        check_late(seed)
