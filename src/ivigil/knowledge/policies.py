"""Named policies: what no label settles. Each is data, replaceable by a site, and always shown as policy."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ivigil.knowledge.facts import (
    Fact,
    FromZero,
    Items,
    Positive,
    Record,
    Statement,
    Terms,
    WholeMinutes,
    Words,
)
from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.quantities import DAYS_IN_A_LEAP_YEAR, MIN_PER_DAY


class Number(Fact):
    """A policy number; its unit is in the field's name."""

    value: Decimal


class Above(Number):
    """A number above zero."""

    value: Positive


class Share(Number):
    """A fraction that reduces: above zero and below one."""

    value: Annotated[Decimal, Field(gt=0, lt=1)]


class SmallShare(Number):
    """A distance that is borne: at most half of the whole."""

    value: Annotated[Decimal, Field(gt=0, le=Decimal("0.5"))]


class Rounding(Number):
    """What the rounding of printed figures can explain: at most one part in twenty."""

    value: Annotated[Decimal, Field(gt=0, le=Decimal("0.05"))]


class Multiple(Number):
    """A factor that raises a rate at each step; less than a tenth more is no step, tenfold is no ladder."""

    value: Annotated[Decimal, Field(ge=Decimal("1.1"), le=10)]


class MinutesLong(Number):
    """Whole minutes within a day, at least one."""

    value: Annotated[Decimal, Field(ge=1, le=MIN_PER_DAY, multiple_of=1)]


class DaysLong(Number):
    """Whole days within a year, at least one."""

    value: Annotated[Decimal, Field(ge=1, le=DAYS_IN_A_LEAP_YEAR, multiple_of=1)]


class Times(Number):
    """How often something went well before: a whole number, at least one."""

    value: Annotated[Decimal, Field(ge=1, multiple_of=1)]


class Choice(Fact):
    """A policy choice among named options.

    Each choice names its words: a rule asks for one and takes every other for its opposite, so a slip must not choose.
    """

    value: str


class RoundingChoice(Choice):
    """How a dose is rounded to vials."""

    value: Literal["nearest", "down"]


class DaysChoice(Choice):
    """How many of the days that a source allows."""

    value: Literal["fewest", "most"]


class IntervalChoice(Choice):
    """Which end of a printed range of intervals."""

    value: Literal["longest", "shortest"]


class BasisChoice(Choice):
    """Which weight doses obese adults."""

    value: WeightBasis


class RateWeightChoice(Choice):
    """Which weight sets the rate."""

    value: Literal["lower"]


class SettingChoice(Choice):
    """Where a first infusion is given."""

    value: Literal["hospital", "clinic"]


class RoutineChoice(Choice):
    """Whether premedication is routine."""

    value: Literal["routine", "no"]


class YesOrNo(Choice):
    """A plain answer."""

    value: Literal["yes", "no"]


class LimitsChoice(Choice):
    """Which limits under the skin hold for a patient at risk."""

    value: Literal["first_throughout", "label"]


class GrowthChoice(Choice):
    """Which end of a printed growth."""

    value: Literal["slowest", "fastest"]


class RangeChoice(Choice):
    """Which end of a printed range."""

    value: Literal["lowest", "highest"]


class SitesChoice(Choice):
    """How many sites."""

    value: Literal["fewest"]


class ScheduleChoice(Choice):
    """What is proposed when no schedule is asked for."""

    value: Literal["weekly"]


class SitesRunOutChoice(Choice):
    """What happens when the sites do not hold the volume."""

    value: Literal["more_often", "refuse"]


class WeeksPerMonth(Number):
    """How many weeks a month counts: three to five."""

    value: Annotated[Decimal, Field(gt=3, le=5)]


class DaysAfterIv(Number):
    """Days from the last intravenous infusion, at most four weeks."""

    value: Annotated[Decimal, Field(gt=0, le=28, multiple_of=1)]


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
    Where the aim is replacement, a latest IgG above ``replacement_igg_asked_above_g_per_l`` is asked about.
    """

    rounding: RoundingChoice
    tolerance_fraction: SmallShare
    part_vial_below_g: Above
    proposed_g_per_kg: dict[str, Above] = {}
    ordinary_days: DaysChoice
    at_risk_days: DaysChoice
    ordinary_interval: IntervalChoice
    undivided_g_per_kg_day: Above
    undivided_days_most: DaysLong
    longest_course_days: DaysLong
    interval_least_fraction: Share
    course_gap_days: DaysLong
    plan_valid_days: DaysLong
    replacement_igg_asked_above_g_per_l: Above
    weight_valid_days_adult: DaysLong
    weight_valid_days_child: DaysLong
    weight_confirm_after_days_adult: DaysLong
    weight_confirm_after_days_child: DaysLong


class WeightPolicy(Record):
    """Which weight doses and which weight sets the rate.

    Adults (``adult_from_years``) at or above ``obese_from_bmi`` are dosed on ``obese_basis``; others on actual weight.
    Adjusted weight is ideal + ``adjusted_fraction`` x (actual - ideal).
    """

    name: str
    adult_from_years: Above
    obese_from_bmi: Above
    obese_basis: BasisChoice
    adjusted_fraction: Share
    rate_weight: RateWeightChoice


class RatePolicy(Record):
    """Steps and limits that labels leave open.

    Between a label's start and maximum each step multiplies the rate by ``step_factor``; a step is held
    ``first_hold_min`` (first infusion, switch, long gap, at risk) or ``experienced_hold_min``, never shorter than a
    label's own interval. ``at_risk_fraction`` of the ordinary maximum is the policy cap for patients at risk;
    ``below_margin_fraction`` of a limit that must not be reached is the most that is planned.
    ``long_gap_days`` returns a patient to the first-infusion ladder; ``experienced_after_infusions`` opens the
    experienced pattern; with one of ``first_ladder_conditions`` on the day no earlier infusion counts.
    ``ceilings_ml_per_h`` by setting. An infusion beyond ``long_session_min`` is warned of, one beyond
    ``longest_infusion_min`` is not planned.
    """

    step_factor: Multiple
    first_hold_min: MinutesLong
    experienced_hold_min: MinutesLong
    at_risk_fraction: Share
    below_margin_fraction: Share
    long_gap_days: DaysLong
    experienced_after_infusions: Times
    first_ladder_conditions: Items | None = None
    ceilings_ml_per_h: dict[str, Above] = {}
    long_session_min: MinutesLong
    longest_infusion_min: MinutesLong
    printed_units_agree_within: Rounding


#: The least and the most.
Limits = tuple[FromZero, FromZero]


class KineticLimits(Record):
    """What no kinetics is asked for, and how much is worked out at once.

    ``dose_g`` is one dose of immunoglobulin, ``infusion_h`` how long it runs; ``interval_days`` lies between the starts of two
    courses. ``profile_doses``, ``subjects``, ``population_days`` and ``record_days`` bound the work, as does
    ``subject_days``: subjects times the days and doses of each.
    """

    dose_g: Limits
    infusion_h: Limits
    interval_days: Limits
    profile_doses: Limits
    subjects: Limits
    population_days: Limits
    subject_days: Limits
    record_days: Limits
    record_levels: Limits


class WeightRange(Record):
    """From an age on: body weights outside which a value must be confirmed (kg)."""

    from_years: FromZero
    likely_kg: Limits


class PlausibilityPolicy(Record):
    """What is impossible (refused) and what is unlikely (must be confirmed) in a patient record.

    ``possible_request`` are the limits of what may be asked of the planner, by the name of the option (its unit included).
    ``fact_*`` are the outer limits of what a fact can say; beyond them it is a slip of the pen or another unit, and is
    refused. They are plain numbers on purpose: an overlay replaces facts, so it cannot raise the limits it is held to.
    """

    possible_weight_kg: Limits
    possible_height_cm: Limits
    possible_age_years: Limits
    possible_infusions: Limits
    possible_request: dict[str, Limits]
    possible_kinetics: KineticLimits
    likely_adult_bmi: Limits
    likely_weight_by_age: tuple[WeightRange, ...]
    fact_rate_ml_per_kg_h: Limits
    fact_start_ml_per_kg_h: Limits
    fact_hold_min: Limits
    fact_at_risk_fraction: Limits
    fact_step_factor: Limits
    fact_adult_from_years: Limits
    fact_course_g_per_kg: Limits
    fact_protein_g_per_ml: Limits
    fact_vial_g: Limits
    fact_sc_dose_factor: Limits
    basis: Statement

    @model_validator(mode="after")
    def _rises(self) -> Self:
        pairs = [
            (name, getattr(self, name)) for name in type(self).model_fields if name.startswith(("poss", "like", "fact"))
        ]
        apart = {"likely_weight_by_age", "possible_request", "possible_kinetics"}
        spans = [(name, span) for name, span in pairs if name not in apart]
        spans += [(f"possible_kinetics.{name}", span) for name, span in self.possible_kinetics]
        spans += [(f"possible_request.{name}", span) for name, span in self.possible_request.items()]
        spans += [("likely_weight_by_age", one.likely_kg) for one in self.likely_weight_by_age]
        for name, (least, most) in spans:
            if least >= most:
                raise ValueError(f"{name} runs from {least} to {most}")
        ages = [one.from_years for one in self.likely_weight_by_age]
        if any(earlier >= later for earlier, later in pairwise(ages)):
            raise ValueError("likely_weight_by_age does not rise in age")
        return self


class ProductChoicePolicy(Record):
    """The order in which fitting products are proposed after the one the patient tolerates.

    ``order`` are named keys: ``spread_for_volume`` (most days where volume is a risk), ``fewest_label_limits``
    (of those that concern the patient), ``fewest_findings``,
    ``label_read_best``, ``lowest_iga``, ``fewest_vials``, ``name``.
    It is a convention for a stable list, never a judgement of which product is better.
    """

    order: Items
    basis: Statement


class Phases(Fact):
    """Parts of a treatment."""

    items: tuple[Phase, ...]


class SettingPolicy(Record):
    """Where an infusion may be given: home only after so many uneventful supervised infusions of this product.

    An earlier reaction of a severe kind, or of any kind from ``home_excluding_from_grade`` on, excludes it. Only the parts
    of treatment in ``home_phases`` are given at home, never for the conditions in ``home_never_for``, and off label only
    courses below ``home_off_label_below_g_per_kg``.
    """

    home_after_uneventful_supervised: Times
    first_setting: SettingChoice
    home_excluding_conditions: Items
    home_excluding_from_grade: Times
    home_phases: Phases
    home_never_for: Items
    home_off_label_below_g_per_kg: Above
    home_kit: Items
    home_statements: dict[str, Statement] = {}


class MonitoringPolicy(Record):
    """Which observations, when. Minutes are from the start of the infusion unless said otherwise."""

    measured: Items
    baseline_within_min: MinutesLong
    until_max_every_min: MinutesLong
    after_max_every_min_first: MinutesLong
    after_max_every_min_experienced: MinutesLong
    at_each_rate_change: YesOrNo
    after_end_min_first: MinutesLong
    after_end_min_experienced: MinutesLong
    statements: dict[str, Statement] = {}


class Medicine(Fact):
    """One medicine of a premedication or first-aid table as a source prints it; empty where the source gives no dose.

    ``dose`` is for adults and never shown for a child, ``child_dose`` for children. Of the medicines that name the same
    ``one_of`` one is given at most.
    """

    drug: Words
    dose: str = ""
    child_dose: str = ""
    one_of: str = ""
    route: str = ""
    min_before: tuple[WholeMinutes, WholeMinutes] | None = None
    when: Literal["after_earlier_reaction", "headache_earlier", "never_routine", "routine"]
    caution: str = ""
    not_with: Terms = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_before is not None and self.min_before[0] > self.min_before[1]:
            raise ValueError(f"min_before runs from {self.min_before[0]} to {self.min_before[1]}")
        return self


class PremedicationPolicy(Record):
    """Premedication and hydration: when they are proposed, with what, on whose word."""

    routine: RoutineChoice
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
    ``fewest_vials``, ``name``. ``bleeding_with`` are medicines with which a needle is warned of as with a risk of bleeding.
    """

    at_risk_limits: LimitsChoice
    bleeding_with: Items
    growth: GrowthChoice
    within_range: RangeChoice
    weeks_per_month: WeeksPerMonth
    sites: SitesChoice
    schedule: ScheduleChoice
    sites_run_out: SitesRunOutChoice
    days_after_iv_unread: DaysAfterIv
    order: Items


class AcceptancePolicy(Record):
    """Roles: who may confirm an unlikely value, override a rule, sign a plan, and plan for after a severe reaction."""

    confirm_roles: Items
    override_roles: Items
    sign_roles: Items
    signed_within_days: DaysLong
    specialist_plan_roles: Items


class Range(Fact):
    """A policy range; its unit is in the field's name."""

    low: Positive
    high: Positive


class KineticsPolicy(Record):
    """How a forecast is made and doubted: samples of the posterior, the least effective number of them, from how many
    standard deviations a level counts as unexplained (``check_samples`` look at each), how far ahead the curve runs, which central volumes are physiological, which weight holds between two weighings.
    """

    samples: Times
    least_effective_samples: Times
    unexplained_from: Above
    check_samples: Times
    curve_days_after_last: DaysLong
    central_volume_ml_per_kg: Range
    changing_weight: Statement


class Stop(Fact):
    """What forbids a dose proposed from a level: words of one of the patient's lists, or the condition treated itself.

    ``name`` says what was recorded or was not, ``text`` why, ``remedy`` what to do.
    """

    list: Literal["conditions", "medicines"]
    any: Terms
    indications: Terms = ()
    name: Words
    text: Words
    remedy: Words


class ProposalPolicy(Record):
    """How regimens that reach a trough are searched, and when none is proposed.

    ``probability`` is how likely the true trough must reach the target; ``interval_step_days`` the step inside a label's
    range of intervals; grams, cost and infusions are counted per ``period_days``; ``late_days`` is how late a late dose is
    shown; doses into a vein closer than ``same_course_days`` are one course. ``subcutaneous_g_per_kg_period`` bounds the
    search under the skin where a label prints no range. ``stops`` are what forbids a proposal, ``cautions`` what is only
    said beside it.
    """

    probability: Share
    interval_step_days: DaysLong
    period_days: DaysLong
    late_days: DaysLong
    same_course_days: DaysLong
    subcutaneous_g_per_kg_period: Range
    stops: dict[str, Stop]
    cautions: dict[str, Stop]


class ReviewPolicy(Record):
    """When a first review is due where no source of the condition says so.

    ``ongoing_within_months`` for treatment repeated at an interval, ``course_within_days`` for a single course;
    ``within_days_for`` a condition (by id) for which the months are too long. All count from the first infusion.
    """

    ongoing_within_months: Times
    course_within_days: DaysLong
    within_days_for: dict[str, DaysLong] = {}


class CriteriaPolicy(Record):
    """How old (days) a result may be and still decide a criterion: by test, and for a test without a row of its own."""

    lab_within_days: dict[str, DaysLong]
    other_lab_within_days: DaysLong

    def of_test(self, test: str) -> DaysLong:
        """The row that holds for a test."""
        return self.lab_within_days.get(test, self.other_lab_within_days)


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
    kinetics: KineticsPolicy
    proposals: ProposalPolicy
    review: ReviewPolicy
    criteria: CriteriaPolicy
