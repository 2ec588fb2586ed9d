"""A start under the skin in the patient's own words: the first infusions, how it is done, when to call for help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from ivigil.documents.leaflet_writing import (
    DAYS_A_WEEK,
    LONGEST_NAME,
    Cited,
    Facts,
    Sentences,
    frame,
    nothing_to_tell,
    shortened,
)
from ivigil.documents.texts import Texts
from ivigil.prescription.plan import check_unchanged
from ivigil.prescription.subcutaneous.plan import SubcutaneousInfusion, SubcutaneousOrder, SubcutaneousPlan

Json = dict[str, Any]


def start_leaflet(plan: SubcutaneousPlan, facts: Facts, lang: str, phone: str, where: str) -> Json:
    """Everything the sheet of a start under the skin shows, in the shape of the leaflet for a vein.

    Raises:
        BadInput: a blocked or altered plan, or an unknown language.
    """
    check_unchanged(plan)
    ordered = plan.order
    if plan.status != "planned" or ordered is None or not plan.infusions:
        raise nothing_to_tell(plan.status)
    texts = Texts(lang, ordered.region)
    said, skin = facts.statements, facts.statements.under_skin
    write = Sentences(facts, texts, Cited(facts.source_of))
    start = _Start(plan, ordered, texts, write)
    say = texts.say
    return {
        **frame(plan, texts, phone),
        "title": say("Immunoglobulin under your skin"),
        "medicine": start.medicine(),
        "explained": {"title": say("What is it?"), "rows": write.explained()},
        "day": start.first_infusions(where),
        "before": {"title": say("How you do it"), "rows": write.rows(skin.how.values())},
        "bring": {"title": say("What to have ready"), "rows": write.rows(skin.ready.values())},
        "often": {"title": say("What you may feel"), "rows": write.rows(skin.often.values())},
        "help": {
            "title": say("Get help at once if you have"),
            "rows": write.rows(said.signs.help_at_once.values()),
            "during": write.row(skin.during),
            "alone_label": say("At any time"),
            "call": write.emergency(ordered.region),
            "same_day_label": say("Call your team the same day if you have:"),
            "same_day": write.rows([*said.signs.same_day.values(), *skin.same_day.values()]),
            "team": say("Your team’s number: {phone}.", phone=phone)
            if phone
            else say("Your team’s number is at the end of this sheet."),
            "no_answer": say("If you can’t reach them, go to an emergency room."),
            "afterwards": write.row(said.signs.afterwards),
        },
        "then": {"title": say("What happens then"), "rows": write.rows(skin.then.values())},
        "course": {"title": say("How often, and when next"), "rows": start.course()},
        "later": {"title": say("Later"), "rows": write.later()},
        "sources": write.sources(),
    }


@dataclass(frozen=True)
class _Start:
    plan: SubcutaneousPlan
    ordered: SubcutaneousOrder
    texts: Texts
    write: Sentences

    def medicine(self) -> list[Json]:
        say, texts = self.texts.say, self.texts
        doses = list(dict.fromkeys(texts.figure(one.dose_g) for one in self.plan.infusions))
        grows = say("{first} g at first, then up to {last} g each time", first=doses[0], last=doses[-1])
        return [
            {"label": say("Your medicine"), "value": self.ordered.brand},
            {
                "label": say("What it is for"),
                "value": shortened(texts.condition(self.plan.indication_name), LONGEST_NAME),
            },
            {
                "label": say("Amount"),
                "value": grows if len(doses) > 1 else say("{grams} g each time", grams=doses[0]),
            },
        ]

    def first_infusions(self, where: str) -> Json:
        """A row for each run of infusions that are alike: dates, grams, how much through how many needles, how long."""
        say, texts = self.texts.say, self.texts
        groups = _alike(self.plan.infusions)
        start = texts.day(self.ordered.first_on)
        return {
            "title": say("Your first infusions"),
            "dates": say("Start: {date}", date=start),
            "where": say("Where: {place}", place=where) if where else "",
            "long": say("A nurse is with you the first times."),
            "picture": None,
            "stations": [self._row(group) for group in groups],
            "others_title": "",
            "others": [],
        }

    def _row(self, group: list[SubcutaneousInfusion]) -> Json:
        say, texts, one = self.texts.say, self.texts, group[0]
        date = texts.day(one.starts_at.date(), year=False)
        clock = date if len(group) == 1 else say("{n} times from {date}", n=str(len(group)), date=date)
        at_each = texts.figure(max(one.site_volumes_ml))
        through = (
            say("{ml} mL through 1 needle.", ml=texts.figure(one.total_ml))
            if one.sites == 1
            else say(
                "{ml} mL through {n} needles, up to {each} mL at each.",
                ml=texts.figure(one.total_ml),
                n=str(one.sites),
                each=at_each,
            )
        )
        long = say("It takes about {time}.", time=texts.duration(one.duration_min))
        return {
            "clock": clock[:1].upper() + clock[1:],
            "what": say("{grams} g", grams=texts.figure(one.dose_g)),
            "rows": [self.write.own(through), self.write.own(long)],
        }

    def course(self) -> list[Json]:
        say, texts, ordered = self.texts.say, self.texts, self.ordered
        last = _alike(self.plan.infusions)[-1][0]
        rows = [
            self._how_often(),
            say(
                "From {date} on it stays the same: {grams} g each time.",
                date=texts.day(last.starts_at.date()),
                grams=texts.figure(ordered.dose_g),
            ),
            say("Your team measures your blood and may change the dose."),
        ]
        return [self.write.own(row) for row in rows]

    def _how_often(self) -> str:
        say, ordered = self.texts.say, self.ordered
        weeks, rest = divmod(ordered.cycle_days, DAYS_A_WEEK)
        if ordered.infusions_per_cycle > 1:
            times = str(ordered.infusions_per_cycle)
            if ordered.cycle_days == DAYS_A_WEEK:
                return say("You get it {n} times a week.", n=times)
            return say("You get it {n} times in {days} days.", n=times, days=str(ordered.cycle_days))
        if rest:
            return say("You get it every {n} days.", n=str(ordered.cycle_days))
        return say("You get it every week.") if weeks == 1 else say("You get it every {n} weeks.", n=str(weeks))


def _alike(infusions: Iterable[SubcutaneousInfusion]) -> list[list[SubcutaneousInfusion]]:
    """Runs of infusions that differ in nothing but their date."""
    return [list(group) for _, group in groupby(infusions, key=_shown)]


def _shown(one: SubcutaneousInfusion) -> tuple[Decimal, Decimal, int, Decimal, int]:
    return one.dose_g, one.total_ml, one.sites, max(one.site_volumes_ml), one.duration_min
