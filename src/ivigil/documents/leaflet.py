"""A plan in the patient's own words: their day as a timeline, what to expect, when to call for help.

It decides nothing. Times and amounts are the plan's; statements of fact are data with their sources; the words are those
of one language, and a sheet with an untranslated sentence is never made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from itertools import groupby
from typing import Any

from ivigil.documents.citations import KINDS
from ivigil.documents.days import AlikeDays
from ivigil.documents.pdf import PAPERS, compile_pdf, drawable, each_text
from ivigil.documents.texts import Texts
from ivigil.documents.wording import breakable, short_id, strength, together, visible
from ivigil.errors import BadInput
from ivigil.knowledge.facts import Fact, Statement
from ivigil.knowledge.leaflet import LeafletFacts
from ivigil.knowledge.products import Product, Route
from ivigil.prescription.plan import Infusion, Plan, Prescription, check_unchanged
from ivigil.sources import CitedSource, Source, cite

Json = dict[str, Any]

POLICY = "policy/ivigil"
DAYS_A_WEEK = 7
LONGEST_NOTE = 90
"""So many signs of a telephone number or a place fit on their lines."""
LONGEST_NAME = 70
MOST_PAGES = 2
SIZES_PT = (13, 12.5, 12, 11.5, 11, 10.5, 10)
"""Type sizes, largest first: the first that fits on two pages is taken."""
TOGETHER = 2
"""More days than this without a gap are told as from and to."""
DRAWN_AFTER_MIN = 60
"""What the picture shows after the end where the plan says no longer."""
_PAGES = re.compile(rb"/Count (\d+)")


@dataclass(frozen=True)
class Facts:
    """What a leaflet needs beside the plan: its statements, the plan's product if it is known, and the sources."""

    statements: LeafletFacts
    product: Product | None
    source_of: Callable[[str], Source]


@dataclass
class _Cited:
    """Sources numbered in reading order."""

    source_of: Callable[[str], Source]
    numbers: dict[str, int] = field(default_factory=dict)

    def mark(self, *facts: Fact) -> str:
        """Numbers of the sources; a statement that is the project's own advice carries none."""
        names = dict.fromkeys(name for fact in facts for name in fact.src if name != POLICY)
        numbers = sorted(self.numbers.setdefault(name, len(self.numbers) + 1) for name in names)
        return ",".join(map(str, numbers))

    def rows(self) -> Iterable[tuple[int, str, CitedSource]]:
        return ((number, name, cite(self.source_of(name))) for name, number in self.numbers.items())


def leaflet_pdf(
    plan: Plan, facts: Facts, lang: str = "en", paper: str = "a4", phone: str | None = None, where: str | None = None
) -> bytes:
    """The leaflet on two pages at most.

    Raises:
        BadInput: a blocked or altered plan, an unknown language or paper, a telephone or place that is too long.
    """
    if paper not in PAPERS:
        raise BadInput("--paper", paper, "The sheet is made for two papers.", f"Use {' or '.join(PAPERS)}.")
    template = (files("ivigil.documents") / "templates" / "leaflet.typ").read_bytes()
    said = each_text(leaflet(plan, facts, lang, phone, where), lambda text: together(visible(text)))
    shown = json.dumps(each_text(drawable(said), breakable), ensure_ascii=False)
    made = b""
    for size in SIZES_PT:
        made = compile_pdf(template, {"paper": paper, "leaflet": shown, "size": f"{size}"})
        if pages_of(made) <= MOST_PAGES:
            break
    return made


def pages_of(pdf: bytes) -> int:
    """How many pages a PDF made here has."""
    found = _PAGES.search(pdf)
    assert found is not None
    return int(found[1])


def leaflet(plan: Plan, facts: Facts, lang: str, phone: str | None = None, where: str | None = None) -> Json:
    """Everything the leaflet shows, as plain JSON: the paper and the page lay out the same words."""
    check_unchanged(plan)
    ordered = plan.prescription
    if plan.status != "planned" or ordered is None or not plan.infusions:
        raise BadInput(
            "status",
            plan.status,
            "A blocked plan has nothing to tell a patient: there is no treatment in it.",
            "Resolve what blocks it and plan again.",
        )
    if facts.product is not None and facts.product.route is not Route.IV:
        raise BadInput(
            "product",
            facts.product.brand,
            "This leaflet explains an infusion into a vein; this product is given under the skin.",
            "Explain it in person: there is no leaflet for it yet.",
        )
    texts = Texts(lang)
    cited = _Cited(facts.source_of)
    writer = _Writer(plan, ordered, facts, texts, cited)
    say = texts.say
    return {
        "lang": lang,
        "title": say("Your immunoglobulin infusion"),
        "patient": _short(plan.patient_ref, LONGEST_NAME),
        "for": say("For"),
        "child": say("If this is for your child, read “you” as your child."),
        "synthetic": say("SYNTHETIC PATIENT") if plan.synthetic else "",
        "draft_language": ""
        if lang == "en"
        else say("This translation has not yet been reviewed by a native clinician."),
        "draft_language_en": "" if lang == "en" else "Translation not yet reviewed by a native clinician.",
        "medicine": writer.medicine(),
        "explained": {"title": say("What is it?"), "rows": writer.explained()},
        "day": writer.day(_note(where, "--where")),
        "before": {"title": say("Before you come"), "rows": writer.rows(facts.statements.before.values())},
        "bring": {"title": say("What to bring"), "rows": writer.rows(facts.statements.bring.values())},
        "often": {"title": say("What you may feel"), "rows": writer.rows(facts.statements.signs.often.values())},
        "help": writer.help(),
        "then": {"title": say("What happens then"), "rows": writer.rows(facts.statements.signs.then.values())},
        "course": {"title": say("How often, and when next"), "rows": writer.course()},
        "later": {"title": say("Later"), "rows": writer.later()},
        "call": {
            "title": say("Questions? Call your team"),
            "phone": _note(phone, "--phone"),
            "blank": say("Phone number: ask your team to write it here"),
        },
        "notice": say("This sheet explains your treatment. It does not replace the advice of your team."),
        "sources_title": say("Where the facts come from"),
        "sources_note": say("What has no number is the advice of this project, or comes from your plan."),
        "sources": writer.sources(),
        "plan": say("Plan"),
        "plan_short": short_id(plan.plan_id),
        "page": say("Page {page} of {pages}", page="{page}", pages="{pages}"),
    }


def _note(text: str | None, option: str) -> str:
    given = (text or "").strip()
    if len(given) > LONGEST_NOTE or "\n" in given:
        raise BadInput(option, given[:LONGEST_NOTE], f"It stands on one line of {LONGEST_NOTE} signs.", "Shorten it.")
    return given


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


class _Writer:
    """One plan, one language."""

    def __init__(self, plan: Plan, ordered: Prescription, facts: Facts, texts: Texts, cited: _Cited) -> None:
        self._plan = plan
        self._ordered = ordered
        self._product = facts.product
        self._facts = facts.statements
        self._texts = texts
        self._cited = cited
        self._at_home = ordered.setting == "home"

    def _row(self, fact: Statement, *also: Fact, **values: str) -> Json:
        return {"text": self._texts.say(fact.text, **values), "cited": self._cited.mark(*also, fact)}

    def _own(self, text: str) -> Json:
        """A sentence that only says what the plan holds."""
        return {"text": text, "cited": ""}

    def rows(self, facts: Iterable[Statement]) -> list[Json]:
        """One row for each statement."""
        return [self._row(fact) for fact in facts]

    # ---- what it is

    def medicine(self) -> list[Json]:
        """Which medicine, what for, how much."""
        say, texts, infusions = self._texts.say, self._texts, self._plan.infusions
        strengths = dict.fromkeys(strength(one.concentration_g_per_ml) for one in infusions)
        brand = self._ordered.brand
        named = brand if any(one.replace(" ", "") in brand.replace(" ", "") for one in strengths) else None
        doses = dict.fromkeys(texts.figure(one.dose_g) for one in infusions)
        whole = texts.figure(self._ordered.course_dose_g)
        amount = say("{grams} g", grams=whole)
        if len(infusions) > 1:
            each = next(iter(doses)) if len(doses) == 1 else ""
            amount = (
                say("{grams} g each day, {whole} g in all", grams=each, whole=whole)
                if each
                else say("{whole} g in all: {list} g", whole=whole, list=" + ".join(map(texts.figure, self._doses())))
            )
        return [
            {"label": say("Your medicine"), "value": named or f"{brand} {texts.all_of([*strengths])}"},
            {
                "label": say("What it is for"),
                "value": _short(texts.condition(self._plan.indication_name), LONGEST_NAME),
            },
            {"label": say("Amount"), "value": amount},
        ]

    def _doses(self) -> list[Any]:
        return [one.dose_g for one in self._plan.infusions]

    def explained(self) -> list[Json]:
        """What immunoglobulin is, from how many donors, how it is made safe."""
        said, product = self._facts.explained, self._product
        rows = [self._row(said.what), self._row(said.why)]
        if product is not None and product.min_donors is not None:
            count = self._thousands(product.min_donors.count)
            rows.append(self._row(said.donors_product, product.min_donors, donors=count))
        else:
            rows.append(self._row(said.donors_general))
        known = [] if product is None or product.viral_reduction is None else [product.viral_reduction]
        rows += [self._row(said.tested), self._row(said.cleaned, *known), self._row(said.not_free_of_risk)]
        held = () if product is None else product.excipients or ()
        return rows + [self._row(fact) for name, fact in self._facts.by_excipient.items() if name in held]

    def _thousands(self, count: int) -> str:
        return f"{count:,}".replace(",", "." if self._texts.lang == "es" else ",")

    # ---- the day

    def day(self, where: str) -> Json:
        """The first day drawn, and in rows what differs on the others."""
        groups = [AlikeDays(tuple(days)) for _, days in groupby(self._plan.infusions, key=self._hours)]
        say = self._texts.say
        first = groups[0].first
        return {
            "title": say("Your day") if len(self._plan.infusions) == 1 else say("Your days"),
            "dates": self._dates(groups[0]),
            "where": say("Where: {place}", place=where) if where else "",
            "long": say("The infusion takes about {time}.", time=self._texts.duration(first.duration_min)),
            "picture": self._picture(first),
            "stations": self._stations(first),
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

    def _at(self, start: datetime, after_min: int) -> str:
        return self._texts.clock(start, after_min, in_sentence=True)

    def _stations(self, infusion: Infusion) -> list[Json]:
        say, clock, at = self._texts.say, self._texts.clock, self._at
        start, said = infusion.starts_at, self._facts.day
        before = int(said.arrive_before_min.value)
        until = self._watch_until(infusion)
        checks = self._checks(infusion)
        arrive = said.arrive_home if self._at_home else said.arrive
        line_in = [self._row(said.line_in)]
        if self._ordered.premedication:
            line_in.append(self._row(said.premedication))
        slowly = [self._row(said.slow_start)]
        if checks:
            slowly.append(self._own(say("You are checked {n} times while it runs.", n=str(checks))))
        rows = [
            {
                "clock": say("about {time}", time=at(start, -before)),
                "what": say("Nurse arrives") if self._at_home else say("Arrive"),
                "rows": [self._row(arrive, said.arrive_before_min)],
            },
            {"clock": say("then"), "what": say("Line in"), "rows": line_in},
            {"clock": clock(start, 0), "what": say("Slow start"), "rows": slowly},
        ]
        raised = self._raised(infusion)
        if raised:
            times = self._texts.all_of([at(start, minute) for minute in raised[1:]])
            faster = [self._row(said.faster)]
            if times:
                faster.append(self._own(say("Then again at {times}.", times=times)))
            rows.append({"clock": clock(start, raised[0]), "what": say("Faster"), "rows": faster})
        rows.append(
            {
                "clock": say("about {time}", time=at(start, infusion.duration_min)),
                "what": say("End"),
                "rows": [self._row(said.end)],
            }
        )
        over = at(start, until) if until is not None else ""
        rows.append(
            {
                "clock": say("until {time}", time=over) if over else say("then"),
                "what": say("Watch"),
                "rows": [self._row(said.watch)],
            }
        )
        rows.append(
            {
                "clock": say("after {time}", time=over) if over else say("then"),
                "what": say("Nurse leaves") if self._at_home else say("Home"),
                "rows": [self._row(said.leave_home if self._at_home else said.leave)],
            }
        )
        return rows

    def _picture(self, infusion: Infusion) -> Json:
        """The day to scale: fractions of its whole length, and of the highest rate. A rate is drawn, not written."""
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
                start=self._at(infusion.starts_at, 0),
                end=self._at(infusion.starts_at, end),
            ),
        }

    def _other(self, group: AlikeDays) -> Json:
        say, one = self._texts.say, group.first
        start, at = one.starts_at, self._at
        before = int(self._facts.day.arrive_before_min.value)
        until = self._watch_until(one)
        said = [say("Arrive at about {time}.", time=at(start, -before))]
        if self._at_home:
            said = [say("Your nurse comes at about {time}.", time=at(start, -before))]
        said.append(say("Slow start at {time}.", time=at(start, 0)))
        raised = self._raised(one)
        if raised:
            said.append(say("Faster at {times}.", times=self._texts.all_of([at(start, minute) for minute in raised])))
        said.append(say("End at about {time}.", time=at(start, one.duration_min)))
        if until is not None:
            said.append(say("Watch until {time}.", time=at(start, until)))
        return {"dates": self._dates(group), "text": " ".join(said)}

    # ---- help, and after

    def help(self) -> Json:
        """The box: signs, whom to tell during the infusion, whom to call afterwards."""
        said, say = self._facts.signs, self._texts.say
        number = next((one for one in self._facts.emergency.values() if one.region == self._ordered.region), None)
        call = (
            {"text": say("Call the emergency number"), "cited": ""}
            if number is None
            else {"text": say("Call {number}", number=number.text), "cited": self._cited.mark(number)}
        )
        return {
            "title": say("Get help at once if you have"),
            "rows": self.rows(said.help_at_once.values()),
            "during": self._row(said.during),
            "at_home_label": say("After you leave"),
            "call": call,
            "same_day_label": say("Call your team the same day if you have:"),
            "same_day": self.rows(said.same_day.values()),
            "no_answer": say("If you can’t reach them, go to an emergency room."),
            "afterwards": self._row(said.afterwards),
        }

    def course(self) -> list[Json]:
        """How often, and when next: the plan's own, or that it holds none."""
        say, texts, ordered = self._texts.say, self._texts, self._ordered
        days = len(self._plan.infusions)
        rows = [say("This course takes 1 day.") if days == 1 else say("This course takes {n} days.", n=str(days))]
        if ordered.interval_days is not None:
            weeks, rest = divmod(ordered.interval_days, DAYS_A_WEEK)
            if rest == 0 and weeks == 1:
                rows.append(say("You get it every week."))
            elif rest == 0:
                rows.append(say("You get it every {n} weeks.", n=str(weeks)))
            else:
                rows.append(say("You get it every {n} days.", n=str(ordered.interval_days)))
        if ordered.next_course_on is not None:
            rows.append(say("Next time: {date}.", date=texts.day(ordered.next_course_on)))
        else:
            rows.append(say("No next time is planned yet. Your team will tell you if you need it again."))
        return [self._own(row) for row in rows]

    def later(self) -> list[Json]:
        """What to know in the weeks after."""
        return self.rows(self._facts.later.values())

    def sources(self) -> list[Json]:
        """Where the facts come from; titles stand in the language of the source."""
        steps = self._product.viral_reduction if self._product is not None else None
        rows = []
        for place, name, source in self._cited.rows():
            kind = KINDS.get(source.kind, source.kind)
            rest = ", ".join(part for part in (source.publisher, source.revision, kind) if part)
            named = "" if steps is None or name not in steps.src else "; ".join(steps.items)
            rows.append(
                {
                    "number": str(place),
                    "title": source.title,
                    "rest": f"{rest}. Steps named: {named}" if named else rest,
                    "address": source.address,
                }
            )
        return rows
