"""The patient's day: when to come, when it runs faster, when it ends, as a picture and in words."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from ivigil.documents.days import AlikeDays
from ivigil.documents.leaflet_writing import Writer
from ivigil.documents.texts import Texts
from ivigil.knowledge.leaflet import LeafletFacts
from ivigil.prescription.plan import Infusion, Plan, Prescription

Json = dict[str, Any]

TOGETHER = 2
"""More days than this without a gap are told as from and to."""
DRAWN_AFTER_MIN = 60
"""What the picture shows after the end where the plan says no longer."""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class Day:
    """The days of one plan in one language.

    Args:
        plan: the plan.
        ordered: its prescription.
        facts: what is said at each station of the day.
        texts: the language.
        writer: sentences with their sources.
    """

    def __init__(self, plan: Plan, ordered: Prescription, facts: LeafletFacts, texts: Texts, writer: Writer) -> None:
        self._plan = plan
        self._ordered = ordered
        self._facts = facts
        self._texts = texts
        self._writer = writer
        self._at_home = ordered.setting == "home"

    def told(self, where: str) -> Json:
        """The first day drawn, and in rows what differs on the others."""
        groups = [AlikeDays(tuple(days)) for _, days in groupby(self._plan.infusions, key=self._hours)]
        say = self._texts.say
        first = groups[0].first
        return {
            "title": say("Your day") if len(self._plan.infusions) == 1 else say("Your days"),
            "dates": self._dates(groups[0]),
            "where": say("Where: {place}", place=where) if where else "",
            "long": say("The infusion takes about {time}.", time=self._texts.duration(first.duration_min)),
            "picture": self._picture(groups[0]),
            "stations": self._stations(groups[0]),
            "others_title": say("On the other days") if len(groups) > 1 else "",
            "others": [self._other(group) for group in groups[1:]],
        }

    def _dates(self, group: AlikeDays) -> str:
        texts, dates = self._texts, [one.starts_at.date() for one in group.infusions]
        first, last = dates[0], texts.day(dates[-1])
        if len(dates) == 1:
            return _capital(last)
        if len(dates) > TOGETHER and (dates[-1] - first).days == len(dates) - 1:
            said = texts.say("{first} to {last}", first=texts.day(first, year=False), last=last)
        else:
            said = texts.each_of([*(texts.day(one, year=False) for one in dates[:-1]), last])
        return texts.say("{dates}: the same times each day", dates=_capital(said))

    def _hours(self, one: Infusion) -> tuple[str, int, tuple[int, ...], int | None, int]:
        """What a patient sees of a day's times; days that differ only in vials or lots are alike."""
        clock = one.starts_at.timetz().isoformat()
        return clock, one.duration_min, tuple(self._raised(one)), self._watch_until(one), self._checks(one)

    def _checks(self, one: Infusion) -> int:
        return sum(0 <= minute <= one.duration_min for minute in one.vitals_due_min)

    def _raised(self, infusion: Infusion) -> list[int]:
        pairs = zip(infusion.steps, infusion.steps[1:], strict=False)
        return [after.start_min for before, after in pairs if after.pump_ml_per_h > before.pump_ml_per_h]

    def _watch_until(self, infusion: Infusion) -> int | None:
        last = max(infusion.vitals_due_min, default=0)
        return last if last > infusion.duration_min else None

    def _clock(self, days: AlikeDays, after_min: int) -> str:
        """A clock time; where it falls on another date, the weekday only if it holds for each of the days."""
        return self._texts.clock(days.first.starts_at, after_min, named=len(days.infusions) == 1)

    def _at(self, days: AlikeDays, after_min: int) -> str:
        named = len(days.infusions) == 1
        return self._texts.clock(days.first.starts_at, after_min, in_sentence=True, named=named)

    def _stations(self, days: AlikeDays) -> list[Json]:
        say, infusion, said = self._texts.say, days.first, self._facts.day
        before = int(said.arrive_before_min.value)
        until = self._watch_until(infusion)
        checks = self._checks(infusion)
        arrive = said.arrive_home if self._at_home else said.arrive
        line_in = [self._writer.row(said.line_in)]
        if self._ordered.premedication:
            line_in.append(self._writer.row(said.premedication))
        slowly = [self._writer.row(said.slow_start)]
        if checks:
            slowly.append(self._writer.own(say("You are checked {n} times while it runs.", n=str(checks))))
        rows = [
            {
                "clock": say("about {time}", time=self._at(days, -before)),
                "what": say("Nurse arrives") if self._at_home else say("Arrive"),
                "rows": [self._writer.row(arrive, said.arrive_before_min)],
            },
            {"clock": say("then"), "what": say("Line in"), "rows": line_in},
            {"clock": self._clock(days, 0), "what": say("Slow start"), "rows": slowly},
        ]
        raised = self._raised(infusion)
        if raised:
            times = self._texts.all_of([self._at(days, minute) for minute in raised[1:]])
            faster = [self._writer.row(said.faster)]
            if times:
                faster.append(self._writer.own(say("Then again at {times}.", times=times)))
            rows.append({"clock": self._clock(days, raised[0]), "what": say("Faster"), "rows": faster})
        rows.append(
            {
                "clock": say("about {time}", time=self._at(days, infusion.duration_min)),
                "what": say("End"),
                "rows": [self._writer.row(said.end)],
            }
        )
        over = self._at(days, until) if until is not None else ""
        rows.append(
            {
                "clock": say("until {time}", time=over) if over else say("then"),
                "what": say("Watch"),
                "rows": [self._writer.row(said.watch)],
            }
        )
        rows.append(
            {
                "clock": say("after {time}", time=over) if over else say("then"),
                "what": say("Nurse leaves") if self._at_home else say("Home"),
                "rows": [self._writer.row(said.leave_home if self._at_home else said.leave)],
            }
        )
        return rows

    def _picture(self, days: AlikeDays) -> Json:
        """The day to scale: fractions of its whole length, and of the highest rate. A rate is drawn, not written."""
        infusion = days.first
        before = int(self._facts.day.arrive_before_min.value)
        after = (self._watch_until(infusion) or infusion.duration_min + DRAWN_AFTER_MIN) - infusion.duration_min
        whole = before + infusion.duration_min + after
        highest = max(step.pump_ml_per_h for step in infusion.steps)

        def place(minute: int) -> float:
            return (before + minute) / whole

        raised = self._raised(infusion)
        end = infusion.duration_min
        stations = [0.0, place(-before // 2), place(0), *[place(at) for at in raised[:1]], place(end)]
        return {
            "start": place(0),
            "end": place(end),
            "steps": [
                {
                    "from": place(step.start_min),
                    "to": place(step.start_min + step.duration_min),
                    "high": float(step.pump_ml_per_h / highest),
                }
                for step in infusion.steps
            ],
            "stations": [*stations, place(end + after // 2), 1.0],
            "alt": self._texts.say(
                "A picture of the day: it starts slowly at {start}, runs faster in steps and ends at about {end}.",
                start=self._at(days, 0),
                end=self._at(days, end),
            ),
        }

    def _other(self, group: AlikeDays) -> Json:
        say, one = self._texts.say, group.first
        before = int(self._facts.day.arrive_before_min.value)
        until = self._watch_until(one)
        said = [say("Arrive at about {time}.", time=self._at(group, -before))]
        if self._at_home:
            said = [say("Your nurse comes at about {time}.", time=self._at(group, -before))]
        said.append(say("Slow start at {time}.", time=self._at(group, 0)))
        raised = self._raised(one)
        if raised:
            said.append(
                say("Faster at {times}.", times=self._texts.all_of([self._at(group, minute) for minute in raised]))
            )
        said.append(say("End at about {time}.", time=self._at(group, one.duration_min)))
        if until is not None:
            said.append(say("Watch until {time}.", time=self._at(group, until)))
        return {"dates": self._dates(group), "text": " ".join(said)}
