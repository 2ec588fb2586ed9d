"""Screening rules as data: a closed, typed vocabulary of predicates, and the rule row that uses them.

There are no expression strings and no eval. What does not fit is a new predicate here with its evaluation beside the
others in ``ivigil.assessment.screening``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from ivigil.findings import MayBe, Severity
from ivigil.knowledge.facts import Fact, Record, Terms


class HasCondition(Record):
    """The record lists any of these conditions (vocabulary ``conditions``). Unknown if conditions are not recorded."""

    kind: Literal["has_condition"]
    any: Terms


class HasAllergy(Record):
    """The record lists any of these allergies (vocabulary ``allergies``)."""

    kind: Literal["has_allergy"]
    any: Terms


class Takes(Record):
    """The record lists a medicine of any of these classes (vocabulary ``medicines``)."""

    kind: Literal["takes"]
    any: Terms


class LabBelow(Record):
    """The latest value of a test, in its vocabulary unit, is below a value."""

    kind: Literal["lab_below"]
    test: str
    value: Decimal


class LabAbove(Record):
    """The latest value of a test, in its vocabulary unit, is above a value."""

    kind: Literal["lab_above"]
    test: str
    value: Decimal


class LabPositive(Record):
    """The latest result of a qualitative test is positive."""

    kind: Literal["lab_positive"]
    test: str


class Pregnant(Record):
    """The record lists pregnancy (vocabulary ``conditions``), or a pregnancy test was positive."""

    kind: Literal["pregnant"]


class LabMissing(Record):
    """No value of any of these tests is recorded, or the latest is older than ``within_days`` at the start."""

    kind: Literal["lab_missing"]
    any: Terms
    within_days: int | None = None


class EgfrBelow(Record):
    """eGFR (mL/min/1.73 m2), recorded or worked out from the latest creatinine, is below a value."""

    kind: Literal["egfr_below"]
    value: Decimal


class EgfrMissing(Record):
    """eGFR is neither recorded nor can it be worked out."""

    kind: Literal["egfr_missing"]


class AgeBetween(Record):
    """Age in completed years at the start: at least ``from_years`` and below ``below_years``."""

    kind: Literal["age_between"]
    from_years: Decimal | None = None
    below_years: Decimal | None = None


class SexIs(Record):
    """Recorded sex."""

    kind: Literal["sex_is"]
    sex: Literal["female", "male"]


class BloodGroupIn(Record):
    """ABO group, Rhesus sign ignored (``A``, ``B``, ``AB``, ``O``)."""

    kind: Literal["blood_group_in"]
    any: Terms


class GlucoseMeterIn(Record):
    """The glucose meter's chemistry is one of these."""

    kind: Literal["glucose_meter_in"]
    any: Terms


class AccessIn(Record):
    """Venous access is one of these."""

    kind: Literal["access_in"]
    any: Terms


class ProductContains(Record):
    """The product under consideration holds this excipient (a key of its ``excipients``)."""

    kind: Literal["product_contains"]
    any: Terms


class ProductRoute(Record):
    """The product's route is this."""

    kind: Literal["product_route"]
    route: Literal["iv", "sc"]


class CourseDoseAtLeast(Record):
    """The prescribed course reaches so many g/kg of dosing weight."""

    kind: Literal["course_dose_at_least"]
    g_per_kg: Decimal


class PriorReaction(Record):
    """An earlier immunoglobulin reaction of any of these kinds (vocabulary ``reactions``).

    With ``without_specialist_plan`` only reactions for which no specialist's plan is recorded count, with
    ``with_specialist_plan`` only those for which one is (a plan that nobody recorded is none). With
    ``or_grade_from`` a reaction of any kind counts from that grade on.
    """

    kind: Literal["prior_reaction"]
    any: Terms
    without_specialist_plan: bool = False
    with_specialist_plan: bool = False
    or_grade_from: int | None = None


class NotRecorded(Record):
    """A key of the patient record is absent."""

    kind: Literal["not_recorded"]
    key: Literal[
        "weight_kg",
        "height_cm",
        "conditions",
        "allergies",
        "medicines",
        "blood_group",
        "glucose_meter",
        "immunoglobulin_history",
        "immunoglobulin_reactions",
        "access",
        "sex",
        "age",
    ]


class NewToProduct(Record):
    """First immunoglobulin ever, a product never borne before, or a long gap (policy), as named."""

    kind: Literal["new_to_product"]
    any: tuple[Literal["naive", "switch", "gap"], ...]


class InfusedWithinDays(Record):
    """Any immunoglobulin was given within so many days before the start."""

    kind: Literal["infused_within_days"]
    days: int


class SettingWish(Record):
    """The patient wishes this setting."""

    kind: Literal["setting_wish"]
    any: tuple[Literal["hospital", "clinic", "home"], ...]


class AllOf(Record):
    """Every part holds."""

    kind: Literal["all_of"]
    of: tuple[Predicate, ...]


class AnyOf(Record):
    """At least one part holds."""

    kind: Literal["any_of"]
    of: tuple[Predicate, ...]


class NoneOf(Record):
    """No part holds."""

    kind: Literal["none_of"]
    of: tuple[Predicate, ...]


Predicate = Annotated[
    HasCondition
    | HasAllergy
    | Takes
    | LabBelow
    | LabAbove
    | LabPositive
    | Pregnant
    | LabMissing
    | EgfrBelow
    | EgfrMissing
    | AgeBetween
    | SexIs
    | BloodGroupIn
    | GlucoseMeterIn
    | AccessIn
    | ProductContains
    | ProductRoute
    | CourseDoseAtLeast
    | PriorReaction
    | NotRecorded
    | NewToProduct
    | InfusedWithinDays
    | SettingWish
    | AllOf
    | AnyOf
    | NoneOf,
    Field(discriminator="kind"),
]

#: What a rule may say about the patient beyond its finding; the plan slows down or watches for these.
Risk = Literal["renal", "thrombotic", "haemolysis", "volume", "aseptic_meningitis", "bleeding"]


class Unknown(Record):
    """What to say when a rule cannot be decided because something is not recorded."""

    severity: Severity
    may_be: MayBe = MayBe.OVERRIDDEN
    text: str
    remedy: str


class Rule(Fact):
    """One screening rule: when, how heavy, what to say, what to do, and on whose word.

    ``regions`` limits where the rule has its own severity; elsewhere it is shown with ``severity_elsewhere``. A rule
    that names an excipient is asked once per product; the others once per patient. ``raises`` names risks that the
    schedule must heed. ``unknown`` says what happens when a predicate is undecided; without it an undecided rule is
    silent (another rule asks for the datum).
    """

    when: Predicate
    severity: Severity
    may_be: MayBe = MayBe.NEITHER
    text: str
    remedy: str
    regions: Terms = ()
    severity_elsewhere: Severity = Severity.WARNS
    raises: tuple[Risk, ...] = ()
    unknown: Unknown | None = None
    order: int = 100


AllOf.model_rebuild()
AnyOf.model_rebuild()
NoneOf.model_rebuild()
Rule.model_rebuild()


class RuleBook(Record):
    """The screening rules of ``data/screening``, by code."""

    rules: dict[str, Rule]
