"""What a leaflet says, sentence by sentence, with numbered sources: the medicine, help, the course, later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ivigil.documents.prescribed import joined, kind
from ivigil.documents.texts import Texts
from ivigil.documents.wording import short_id, strength
from ivigil.errors import BadInput
from ivigil.knowledge.facts import Fact, Statement
from ivigil.knowledge.leaflet import LeafletFacts
from ivigil.knowledge.products import Product
from ivigil.prescription.plan import AnyPlan, Plan, Prescription
from ivigil.sources import CitedSource, Source, cite

Json = dict[str, Any]

POLICY = "policy/ivigil"
DAYS_A_WEEK = 7
LONGEST_NAME = 70


@dataclass(frozen=True)
class Facts:
    """What a leaflet needs beside the plan: its statements, the plan's product if it is known, and the sources."""

    statements: LeafletFacts
    product: Product | None
    source_of: Callable[[str], Source]


@dataclass
class Cited:
    """Sources numbered in reading order."""

    source_of: Callable[[str], Source]
    numbers: dict[str, int] = field(default_factory=dict)

    def mark(self, *facts: Fact) -> str:
        """Numbers of the sources; a statement that is the project's own advice carries none."""
        names = dict.fromkeys(name for fact in facts for name in fact.src if name != POLICY)
        numbers = sorted(self.numbers.setdefault(name, len(self.numbers) + 1) for name in names)
        return ",".join(map(str, numbers))

    def rows(self) -> Iterable[tuple[int, str, CitedSource]]:
        """Number, id and record of each source that was cited."""
        return ((number, name, cite(self.source_of(name))) for name, number in self.numbers.items())


def shortened(text: str, longest: int) -> str:
    """The text, or as much of it as fits, with a sign that more followed."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def nothing_to_tell(status: str) -> BadInput:
    """Why there is no sheet for a plan without a treatment in it."""
    return BadInput(
        "status",
        status,
        "A blocked plan has nothing to tell a patient: there is no treatment in it.",
        "Resolve what blocks it and plan again.",
    )


def frame(plan: AnyPlan, texts: Texts, phone: str) -> Json:
    """What stands on every sheet, whatever the route: whose it is, what it is not, whom to call."""
    say, lang = texts.say, texts.lang
    return {
        "lang": lang,
        "patient": shortened(plan.patient_ref, LONGEST_NAME),
        "for": say("For"),
        "child": say("If this is for your child, read “you” as your child."),
        "synthetic": say("SYNTHETIC PATIENT") if plan.synthetic else "",
        "draft_language": ""
        if lang == "en"
        else say("This translation has not yet been reviewed by a native clinician."),
        "draft_language_en": "" if lang == "en" else "Translation not yet reviewed by a native clinician.",
        "call": {
            "title": say("Questions? Call your team"),
            "phone": phone,
            "blank": say("Phone number: ask your team to write it here"),
        },
        "notice": say("This sheet explains your treatment. It does not replace the advice of your team."),
        "sources_title": say("Where the facts come from"),
        "sources_note": say("What has no number is the advice of this project, or comes from your plan."),
        "plan": say("Plan"),
        "plan_short": short_id(plan.plan_id),
        "page": say("Page {page} of {pages}", page="{page}", pages="{pages}"),
    }


class Sentences:
    """What is said of a product in one language, whatever the plan."""

    def __init__(self, facts: Facts, texts: Texts, cited: Cited) -> None:
        self._product = facts.product
        self._facts = facts.statements
        self._texts = texts
        self._cited = cited

    def row(self, fact: Statement, *also: Fact, **values: str) -> Json:
        """A statement in this language, with the numbers of its sources."""
        return {"text": self._texts.say(fact.text, **values), "cited": self._cited.mark(*also, fact)}

    def own(self, text: str) -> Json:
        """A sentence that only says what the plan holds."""
        return {"text": text, "cited": ""}

    def rows(self, facts: Iterable[Statement]) -> list[Json]:
        """One row for each statement."""
        return [self.row(fact) for fact in facts]

    def explained(self) -> list[Json]:
        """What immunoglobulin is, from how many donors, how it is made safe."""
        said, product = self._facts.explained, self._product
        rows = [self.row(said.what), self.row(said.why)]
        if product is not None and product.min_donors is not None:
            count = self._texts.count(product.min_donors.count)
            rows.append(self.row(said.donors_product, product.min_donors, donors=count))
        else:
            rows.append(self.row(said.donors_general))
        known = [] if product is None or product.viral_reduction is None else [product.viral_reduction]
        rows += [self.row(said.tested), self.row(said.cleaned, *known), self.row(said.not_free_of_risk)]
        held = () if product is None else product.excipients or ()
        return rows + [self.row(fact) for name, fact in self._facts.by_excipient.items() if name in held]

    def emergency(self, region: str) -> Json:
        """The number to call in a region, or that it is the emergency number."""
        number = next((one for one in self._facts.emergency.values() if one.region == region), None)
        if number is None:
            return self.own(self._texts.say("Call the emergency number"))
        return {"text": self._texts.say("Call {number}", number=number.text), "cited": self._cited.mark(number)}

    def later(self) -> list[Json]:
        """What to know in the weeks after."""
        return self.rows(self._facts.later.values())

    def sources(self) -> list[Json]:
        """Where the facts come from; titles stand in the language of the source."""
        steps = self._product.viral_reduction if self._product is not None else None
        rows = []
        for place, name, source in self._cited.rows():
            rest = joined(source.publisher, source.revision, self._texts.say(kind(source)))
            named = "" if steps is None or name not in steps.src else "; ".join(steps.items)
            rows.append(
                {
                    "number": str(place),
                    "title": source.title,
                    "rest": f"{rest}. {self._texts.say('Steps named: {steps}', steps=named)}" if named else rest,
                    "address": source.address,
                }
            )
        return rows


class Writer(Sentences):
    """One plan, one language."""

    def __init__(self, plan: Plan, ordered: Prescription, facts: Facts, texts: Texts, cited: Cited) -> None:
        super().__init__(facts, texts, cited)
        self._plan = plan
        self._ordered = ordered

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
                "value": shortened(texts.condition(self._plan.indication_name), LONGEST_NAME),
            },
            {"label": say("Amount"), "value": amount},
        ]

    def _doses(self) -> list[Any]:
        return [one.dose_g for one in self._plan.infusions]

    # ---- help, and after

    def help(self, phone: str) -> Json:
        """The box: signs, whom to tell during the infusion, whom to call when no nurse is there, and on what number."""
        said, say = self._facts.signs, self._texts.say
        at_home = self._ordered.setting == "home"
        team = say("Your team’s number is at the end of this sheet.") if at_home else ""
        call = self.emergency(self._ordered.region)
        return {
            "title": say("Get help at once if you have"),
            "rows": self.rows(said.help_at_once.values()),
            "during": self.row(said.during),
            "alone_label": say("Any time your nurse is not with you") if at_home else say("After you leave"),
            "call": call,
            "same_day_label": say("Call your team the same day if you have:"),
            "same_day": self.rows(said.same_day.values()),
            "team": say("Your team’s number: {phone}.", phone=phone) if phone else team,
            "no_answer": say("If you can’t reach them, go to an emergency room."),
            "afterwards": self.row(said.afterwards),
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
        return [self.own(row) for row in rows]
