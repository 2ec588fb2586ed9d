"""What is done at the chair: checks, watching, grades, triggers, first aid. A site may replace any line of it, or all.

One file is one whole protocol (``data/protocol/``). The rules of a session are code (:mod:`ivigil.infusion`); every
number, medicine and sentence they use stands here, with its source or marked as policy.
"""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ivigil.knowledge.facts import Count, Fact, FromZero, Items, Minutes, Positive, Record, Statement, Terms, Words
from ivigil.knowledge.policies import Above, MinutesLong, Number, Share, SmallShare


class Grade(StrEnum):
    """How bad a reaction is, least first. The crosswalk to CTCAE is stored with the protocol."""

    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    LIFE_THREATENING = "life_threatening"

    @property
    def rank(self) -> int:
        """Place in the order, mild is 0."""
        return list(Grade).index(self)


class Sign(StrEnum):
    """What a symptom says of the body, in the words of the anaphylaxis criteria."""

    SKIN = "skin"
    BREATHING = "breathing"
    BRONCHOSPASM = "bronchospasm"
    LARYNX = "larynx"
    END_ORGAN = "end_organ"
    GUT = "gut"
    GUT_SEVERE = "gut_severe"


class VitalSign(StrEnum):
    """One vital sign; the unit is in its name."""

    SYSTOLIC = "systolic_mmhg"
    DIASTOLIC = "diastolic_mmhg"
    PULSE = "pulse_per_min"
    RESPIRATIONS = "respirations_per_min"
    TEMPERATURE = "temperature_c"
    SPO2 = "spo2_percent"


class Symptom(Fact):
    """Something the patient feels or shows. ``grade`` is what is taken until the nurse grades it, and never below ``least``.

    ``kind`` is the word of the vocabulary of reactions under which it is remembered. ``ends_access``: the line is lost with
    it, and another must be confirmed before anything runs again. ``steps`` are what is done about this very symptom, before
    what its grade asks for.
    """

    name: Words
    least: Grade
    grade: Grade
    kind: Words
    signs: tuple[Sign, ...] = ()
    ask: Terms = ()
    ends_access: bool = False
    steps: dict[str, Statement] = {}

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.grade.rank < self.least.rank:
            raise ValueError(f"grade {self.grade.value} is below least {self.least.value}")
        return self


class VitalTrigger(Fact):
    """A limit of a vital sign: every part that is given must hold. ``grade`` None: it is shown, and the nurse is asked.

    ``below_plus_per_year``: the limit ``below`` rises by so much for each completed year of age. ``role`` hypotension:
    the anaphylaxis criteria count it as low blood pressure. ``only_with`` are signs of which one must be present.
    """

    sign: VitalSign
    text: Words
    at_least: Positive | None = None
    above: Positive | None = None
    at_most: Positive | None = None
    below: Positive | None = None
    below_plus_per_year: Positive | None = None
    rise_at_least: Positive | None = None
    fall_at_least: Positive | None = None
    fall_share_above: Annotated[Positive, Field(lt=1)] | None = None
    from_years: FromZero | None = None
    below_years: Positive | None = None
    only_with: tuple[Sign, ...] = ()
    grade: Grade | None = None
    role: Literal["hypotension"] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        limits = (self.at_least, self.above, self.at_most, self.below, self.rise_at_least, self.fall_at_least)
        if all(limit is None for limit in (*limits, self.fall_share_above)):
            raise ValueError("a trigger has at least one limit")
        if self.below_plus_per_year is not None and self.below is None:
            raise ValueError("below_plus_per_year belongs to below")
        return self


class Flow(Fact):
    """What is done with the infusion, first."""

    value: Literal["slow_or_pause", "pause", "stop"]


class Restart(Fact):
    """Whether and how fast it may run again after all symptoms have gone."""

    value: Literal["last_borne", "half_of_last_borne", "lower_of_both", "never"]


class Telling(Fact):
    """Who is told at once."""

    value: Literal["team", "prescriber", "emergency"]


class Response(Record):
    """What is done at one grade, in order. ``wait`` is how long all symptoms must have gone before a restart."""

    ctcae: Annotated[int, Field(ge=1, le=4)]
    flow: Flow
    tell: Telling
    wait: Minutes | None = None
    restart: Restart
    steps: dict[str, Statement]
    medicines: Items | None = None

    @model_validator(mode="after")
    def _waits_before_a_restart(self) -> Self:
        if (self.restart.value == "never") != (self.wait is None):
            raise ValueError("a restart has a wait, and what never restarts has none")
        return self


class DoseBand(Record):
    """A dose (mg) from an age on, below another; ``note`` is printed beside it."""

    from_years: FromZero
    below_years: Positive | None = None
    mg: Positive
    mg_max: Positive | None = None
    note: str = ""


class DoseRule(Fact):
    """How a dose is found: fixed (``mg``), by weight (``mg_per_kg``) with a cap, or by age (``bands``).

    ``mg_max`` and ``mg_per_kg_max`` are the upper end of a printed range.
    """

    mg: Positive | None = None
    mg_max: Positive | None = None
    mg_per_kg: Positive | None = None
    mg_per_kg_max: Positive | None = None
    cap_mg: Positive | None = None
    bands: tuple[DoseBand, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.mg is not None, self.mg_per_kg is not None, bool(self.bands))
        if sum(ways) != 1:
            raise ValueError("a dose is fixed, by weight, or by age: one of mg, mg_per_kg, bands")
        if self.mg_per_kg is not None and self.cap_mg is None:
            raise ValueError("a dose by weight has a cap_mg")
        ages = [(band.from_years, band.below_years) for band in self.bands]
        if any(below != following for (_, below), (following, _) in pairwise(ages)):
            raise ValueError("bands follow one another without a gap")
        return self


class ProtocolMedicine(Fact):
    """A medicine of the protocol; a missing dose rule means that no source gave one: ask the prescriber."""

    name: Words
    also: Terms = ()
    use: Words
    route: Words
    adult: DoseRule | None = None
    child: DoseRule | None = None
    every_h: Positive | None = None
    caution: str = ""
    never_first_in_anaphylaxis: bool = False


class Pen(Fact):
    """An autoinjector: its fixed dose (mg), from a body weight on (kg), below another."""

    mg: Positive
    from_kg: FromZero
    below_kg: Positive | None = None


class Concentration(Fact):
    """Of a solution (mg/mL)."""

    mg_per_ml: Positive


class Route(Statement):
    """By which way a medicine is given. ``words`` are how it is written down, ``others`` those of another way."""

    words: Terms = ()
    others: Terms = ()


class Adrenaline(Record):
    """Adrenaline into the muscle. ``schemes`` are whole published ways to dose it; one is chosen and never mixed."""

    name: Words
    also: Terms
    route: Route
    concentration: Concentration
    schemes: dict[str, DoseRule]
    child_caps_mg: dict[str, Number] = {}
    adult_from_years: Number
    scheme_of_region: dict[str, str]
    otherwise: str
    repeat: Minutes
    refractory_after_doses: Count
    pens: dict[str, Pen]
    position: Statement

    @model_validator(mode="after")
    def _chooses_what_it_has(self) -> Self:
        chosen = {*self.scheme_of_region.values(), self.otherwise}
        if unknown := chosen - set(self.schemes):
            raise ValueError(f"no scheme is called {sorted(unknown)[0]!r}")
        return self


class Call(Fact):
    """Whom to call, by region; ``otherwise`` for every other region."""

    by_region: dict[str, Words] = {}
    otherwise: Words


class Bar(Fact):
    """Why something may not be done now, and what to do about it."""

    text: Words
    remedy: Words


class Observing(Record):
    """Vital signs and times. A set is whole with every sign of ``set_of``.

    A device may say that something happened ``clock_ahead_most`` after the record got it, or ``clock_behind_most`` before the
    plan was signed; beyond these its clock is wrong. What reached the record ``told_late_after`` it happened is marked.
    """

    set_of: tuple[VitalSign, ...]
    set_basis: Statement
    grace: Minutes
    clock_ahead_most: MinutesLong
    clock_behind_most: MinutesLong
    told_late_after: MinutesLong


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d_]+", text.casefold()))


class Protocol(Record):
    """One whole protocol, by the file's id.

    ``weight_tolerance_*`` is how far today's weight may lie from the plan's before a new plan is needed; a container
    belongs to the plan's concentration within ``concentration_tolerance``, and the dose is given when all but
    ``complete_within`` of it has run. ``roles`` are who
    may write in a session; ``checks`` are what must be confirmed before the start, by setting (``all`` for every setting); ``possible`` are the limits beyond
    which a vital sign is a slip of the pen. ``bars`` are the reasons that a session gives, by code.
    """

    id: str
    name: Words
    ctcae_version: Statement
    weight_tolerance_adult: SmallShare
    weight_tolerance_child: SmallShare
    concentration_tolerance: SmallShare
    complete_within: SmallShare
    adult_from_years: Number
    roles: Items
    relays: Items
    """Who may write down that a prescriber agrees, lifts a limit, or lets the patient go."""
    checks: dict[str, Items]
    observing: Observing
    possible: dict[VitalSign, tuple[FromZero, Positive]]
    symptoms: dict[str, Symptom]
    triggers: dict[str, VitalTrigger]
    responses: dict[Grade, Response]
    never_restart_after: Items
    medicines: dict[str, ProtocolMedicine]
    adrenaline_id: Words
    adrenaline: Adrenaline
    anaphylaxis: dict[str, Statement]
    call: dict[Literal["hospital", "clinic", "home"], Call]
    pack_valid_h: Number
    long_pause: Minutes
    """From how long a pause on it goes on at the plan's first rate. Pauses without a whole hold of running between are one."""
    early_most: Minutes
    """By how much an infusion that is planned soon after midnight may begin on the evening before."""
    bars: dict[str, Bar]
    not_found: dict[str, Statement] = {}

    def is_adrenaline(self, medicine: str) -> bool:
        """Whether a medicine that was given is adrenaline, by any of its names."""
        names = {name.casefold() for name in (self.adrenaline_id, *self.adrenaline.also)}
        return not names.isdisjoint(_words(medicine))

    def medicine_called(self, name: str) -> str | None:
        """The protocol's word for a medicine that was given, by all the words of any of its names; None: it has none."""
        if self.is_adrenaline(name):
            return self.adrenaline_id
        said = _words(name)
        for key, one in self.medicines.items():
            if any(_words(known) <= said for known in (key, *re.split(r"[()]", one.name), *one.also) if _words(known)):
                return key
        return None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if missing := [grade.value for grade in Grade if grade not in self.responses]:
            raise ValueError(f"responses lacks {missing[0]}")
        if missing := [sign.value for sign in VitalSign if sign not in self.possible]:
            raise ValueError(f"possible lacks {missing[0]}")
        for grade, response in self.responses.items():
            for name in response.medicines.items if response.medicines else ():
                if name not in self.medicines:
                    raise ValueError(f"responses.{grade.value} names {name!r}, which medicines does not hold")
        for grade in (Grade.SEVERE, Grade.LIFE_THREATENING):
            if self.responses[grade].restart.value != "never":
                raise ValueError(f"after a {grade.value} reaction nothing restarts; no protocol may say otherwise")
            if self.responses[grade].flow.value != "stop":
                raise ValueError(f"at a {grade.value} reaction the infusion is stopped; no protocol may say otherwise")
        return self


class ReactionRates(Record):
    """How often reactions come in simulated sessions: chances per infusion, and what changes them.

    ``fast_from_ml_per_kg_h``: above this rate the chance in a minute is ``fast_ratio`` times as large.
    """

    first_infusion: Share
    experienced_infusion: Share
    premedicated_ratio: Share
    fast_from_ml_per_kg_h: Above
    fast_ratio: Above
    anaphylaxis_first: Share
    anaphylaxis_experienced: Share
    mild_of_reactions: Above
    moderate_of_reactions: Above
    severe_of_reactions: Above
    onset_by_min: Above
    settles_in_min: Above
