"""Named policies: what no label settles. Each is data, replaceable by a site, and always shown as policy."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from ivigil.knowledge.facts import Fact, Items, Record, Statement, Terms


class Number(Fact):
    """A policy number; its unit is in the field's name."""

    value: Decimal


class Choice(Fact):
    """A policy choice among named options."""

    value: str


class DosePolicy(Record):
    """How a dose inside a label's range is proposed, divided and rounded to vials.

    ``rounding`` is ``nearest`` or ``down``; ``tolerance_fraction`` is the largest relative distance between the
    prescribed and the delivered dose of an infusion; a part vial is allowed only for prescribed doses below
    ``part_vial_below_g``. ``proposed_g_per_kg`` maps an indication id to the dose proposed when the label prints a
    range; without an entry the lower end is proposed. ``at_risk_days`` and ``ordinary_days`` are ``fewest`` or
    ``most`` of the days the source allows. Where a source prints no division, no day holds more than
    ``undivided_g_per_kg_day``, over at most ``undivided_days_most`` days. Nothing is divided over more than
    ``longest_course_days``, nor repeated sooner than ``interval_least_fraction`` of a source's shortest interval; a course
    without an interval starts ``course_gap_days`` or more after the last infusion unless a prescriber says otherwise.
    """

    rounding: Choice
    tolerance_fraction: Number
    part_vial_below_g: Number
    proposed_g_per_kg: dict[str, Number] = {}
    ordinary_days: Choice
    at_risk_days: Choice
    ordinary_interval: Choice
    undivided_g_per_kg_day: Number
    undivided_days_most: Number
    longest_course_days: Number
    interval_least_fraction: Number
    course_gap_days: Number
    plan_valid_days: Number
    weight_valid_days_adult: Number
    weight_valid_days_child: Number
    weight_confirm_after_days_adult: Number
    weight_confirm_after_days_child: Number


class WeightPolicy(Record):
    """Which weight doses and which weight sets the rate.

    Adults (``adult_from_years``) at or above ``obese_from_bmi`` are dosed on ``obese_basis``; others on actual weight.
    Adjusted weight is ideal + ``adjusted_fraction`` x (actual - ideal).
    """

    name: str
    adult_from_years: Number
    obese_from_bmi: Number
    obese_basis: Choice
    adjusted_fraction: Number
    rate_weight: Choice


class RatePolicy(Record):
    """Steps and limits that labels leave open.

    Between a label's start and maximum each step multiplies the rate by ``step_factor``; a step is held
    ``first_hold_min`` (first infusion, switch, long gap, at risk) or ``experienced_hold_min``, never shorter than a
    label's own interval. ``at_risk_fraction`` of the ordinary maximum is the policy cap for patients at risk;
    ``below_margin_fraction`` of a limit that must not be reached is the most that is planned.
    ``long_gap_days`` returns a patient to the first-infusion ladder; ``experienced_after_infusions`` opens the
    experienced pattern. ``ceilings_ml_per_h`` by setting. An infusion beyond ``long_session_min`` is warned of, one beyond
    ``longest_infusion_min`` is not planned.
    """

    step_factor: Number
    first_hold_min: Number
    experienced_hold_min: Number
    at_risk_fraction: Number
    below_margin_fraction: Number
    long_gap_days: Number
    experienced_after_infusions: Number
    ceilings_ml_per_h: dict[str, Number] = {}
    long_session_min: Number
    longest_infusion_min: Number
    printed_units_agree_within: Number


class WeightRange(Record):
    """From an age on: body weights outside which a value must be confirmed (kg)."""

    from_years: Decimal
    likely_kg: tuple[Decimal, Decimal]


class PlausibilityPolicy(Record):
    """What is impossible (refused) and what is unlikely (must be confirmed) in a patient record.

    ``possible_request`` are the limits of what may be asked of the planner, by the name of the option (its unit included).
    """

    possible_weight_kg: tuple[Decimal, Decimal]
    possible_height_cm: tuple[Decimal, Decimal]
    possible_age_years: tuple[Decimal, Decimal]
    possible_request: dict[str, tuple[Decimal, Decimal]]
    likely_adult_bmi: tuple[Decimal, Decimal]
    likely_weight_by_age: tuple[WeightRange, ...]
    basis: Statement


class ProductChoicePolicy(Record):
    """The order in which fitting products are proposed after the one the patient tolerates.

    ``order`` are named keys: ``spread_for_volume`` (most days where volume is a risk), ``fewest_findings``,
    ``label_read_best``, ``lowest_iga``, ``fewest_vials``, ``name``.
    It is a convention for a stable list, never a judgement of which product is better.
    """

    order: Items
    basis: Statement


class SettingPolicy(Record):
    """Where an infusion may be given: home only after so many uneventful supervised infusions of this product.

    An earlier reaction of a severe kind, or of any kind from ``home_excluding_from_grade`` on, excludes it.
    """

    home_after_uneventful_supervised: Number
    first_setting: Choice
    home_excluding_conditions: Items
    home_excluding_from_grade: Number
    home_kit: Items
    home_statements: dict[str, Statement] = {}


class MonitoringPolicy(Record):
    """Which observations, when. Minutes are from the start of the infusion unless said otherwise."""

    measured: Items
    baseline_within_min: Number
    until_max_every_min: Number
    after_max_every_min_first: Number
    after_max_every_min_experienced: Number
    at_each_rate_change: Choice
    after_end_min_first: Number
    after_end_min_experienced: Number
    statements: dict[str, Statement] = {}


class Medicine(Fact):
    """One medicine of a premedication or first-aid table as a source prints it; None where the source gives no dose."""

    drug: str
    dose: str = ""
    route: str = ""
    min_before: tuple[int, int] | None = None
    when: Literal["after_earlier_reaction", "headache_earlier", "never_routine", "routine"]
    caution: str = ""
    not_with: Terms = ()


class PremedicationPolicy(Record):
    """Premedication and hydration: when they are proposed, with what, on whose word."""

    routine: Choice
    statements: dict[str, Statement] = {}
    medicines: dict[str, Medicine] = {}
    hydration: dict[str, Statement] = {}


class GeneralAdministration(Record):
    """Administration facts that hold for every product unless its own label says otherwise."""

    statements: dict[str, Statement] = {}


class FirstLines(Record):
    """The first lines on a reaction, printed on every plan; the full protocol belongs to the infusion room."""

    statements: dict[str, Statement]


class FreeTextPolicy(Record):
    """How a record's free texts are searched for words of the vocabulary.

    ``deny``, ``doubt`` and ``of_others`` are said in the question about a word that was found; ``allergy`` are words by
    which an entry of the conditions speaks of an allergy; ``must_be_accepted`` are the lists whose texts somebody has to
    accept when nothing in them was understood.
    """

    deny: Items
    doubt: Items
    of_others: Items
    allergy: Items
    must_be_accepted: Items


class SubcutaneousPolicy(Record):
    """What the labels of products under the skin leave open when a patient starts.

    ``at_risk_limits``: ``first_throughout`` keeps the first infusion's volume and rate for a patient at risk, ``label``
    lets both rise. ``growth`` and ``within_range`` take the ``slowest`` or the ``fastest`` end, the ``lowest`` or the
    ``highest`` end of what is printed. ``weeks_per_month`` counts months of earlier treatment. ``sites`` are the
    ``fewest`` that hold the volume. ``schedule`` is what is proposed when none is asked for; when the sites run out it
    is divided over ``more_often`` infusions, or refused (``refuse``). ``days_after_iv_unread`` hold where no label day was read.
    ``order`` are the keys by which fitting products are proposed: ``fewest_findings``, ``fewest_sites``,
    ``fewest_vials``, ``name``.
    """

    at_risk_limits: Choice
    growth: Choice
    within_range: Choice
    weeks_per_month: Number
    sites: Choice
    schedule: Choice
    sites_run_out: Choice
    days_after_iv_unread: Number
    order: Items


class AcceptancePolicy(Record):
    """Roles: who may confirm an unlikely value, override a rule, sign a plan, and plan for after a severe reaction."""

    confirm_roles: Items
    override_roles: Items
    sign_roles: Items
    specialist_plan_roles: Items


class ReviewPolicy(Record):
    """When a first review is due where no source of the condition says so.

    ``ongoing_within_months`` for treatment repeated at an interval, ``course_within_days`` for a single course; both
    count from the first infusion.
    """

    ongoing_within_months: Number
    course_within_days: Number


class Policies(Record):
    """Every policy, each from one file of ``data/policy``."""

    dose: DosePolicy
    weight: WeightPolicy
    rate: RatePolicy
    plausibility: PlausibilityPolicy
    product_choice: ProductChoicePolicy
    setting: SettingPolicy
    monitoring: MonitoringPolicy
    premedication: PremedicationPolicy
    administration: GeneralAdministration
    first_lines: FirstLines
    acceptance: AcceptancePolicy
    free_text: FreeTextPolicy
    subcutaneous: SubcutaneousPolicy
    review: ReviewPolicy
