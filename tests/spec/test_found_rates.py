"""Found by attacking the planner: rates off label, days that no label prints, hours, and pump steps of infants.

Expected figures are worked out by hand beside each case.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.findings import Finding
from ivigil.knowledge.products import Product, Route
from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.prescription.off_label import labelled_tables, slowest
from ivigil.prescription.plan import Infusion, Plan, Step
from ivigil.prescription.schedule import Ladder, Pattern, Rung, build_ladder, run_pump
from ivigil.prescription.vials import DoseWindow, choose_vials
from tests.planning import codes, history, opened, plan, record

PI, GBS, CIDP, ITP, MMN = "primary-immunodeficiency", "guillain-barre-syndrome", "cidp", "itp-adult", "mmn"
PRIVIGEN: dict[str, Any] = {"product": "privigen"}
LOADING = PRIVIGEN | {"phase": Phase.LOADING}
MMN_GAMMAGARD: dict[str, Any] = {"product": "gammagard_liquid", "phase": Phase.MAINTENANCE}


def found(made: Plan, code: str) -> Finding:
    assert code in codes(made)
    return next(one for one in made.findings if one.code == code)


def liftable(raw: dict[str, Any], indication: str, **asked: Any) -> Plan:
    """The plan with everything accepted that may be."""
    made = plan(raw, indication, **asked)
    may = tuple(one.code for one in made.findings if one.severity == "blocks" and one.may_be != "neither")
    return plan(raw, indication, accept=may, **asked) if may else made


# ---- off label


def running(rungs: Sequence[Rung], minute: int) -> Decimal:
    """The rate (mL/kg/h) of a ladder at a minute from the start."""
    left = minute
    for rung in rungs:
        if rung.hold_min is None or left < rung.hold_min:
            return rung.rate_ml_per_kg_h
        left -= rung.hold_min
    return rungs[-1].rate_ml_per_kg_h


IV = [one for one in opened().products if one.route is Route.IV and "US" in one.labels and one.labels["US"].uses]


@pytest.mark.parametrize("product", IV, ids=lambda one: one.id)
@pytest.mark.parametrize("at_risk", [False, True])
def test_off_label_no_minute_is_faster_than_any_labelled_ladder(product: Product, at_risk: bool) -> None:
    label, policy = product.labels["US"], opened().policies.rate
    patterns: tuple[Pattern, ...] = ("at_risk",) if at_risk else ("first", "experienced")
    for concentration, strength in product.concentrations.items():
        tables = labelled_tables(label, concentration)
        if not tables:
            continue
        ladder = slowest(
            [build_ladder(one, strength.g_per_ml, patterns[0], 0, policy, label.at_risk) for one in tables]
        )
        for table in tables:
            for pattern in patterns:
                own = build_ladder(table, strength.g_per_ml, pattern, 0, policy, label.at_risk)
                for minute in range(600):
                    assert running(ladder.rungs, minute) <= running(own.rungs, minute), (minute, pattern)


@pytest.mark.parametrize("product", IV, ids=lambda one: one.id)
@pytest.mark.parametrize("infusions", [0, 8])
def test_an_off_label_plan_keeps_below_every_labelled_ladder(product: Product, infusions: int) -> None:
    """The same through the planner, for whoever bore the product eight times as well."""
    past = [history(product.id, infusions)] if infusions else []
    made = plan(record(immunoglobulin_history=past), GBS, product=product.id, off_label="Synthetic reason")
    deliverable = {"bivigam", "octagam_5", "octagam_10", "gammagard_liquid", "privigen", "panzyga", "gammaplex_5"}
    assert made.infusions or product.id not in deliverable
    for infusion in made.infusions:
        for use in product.labels["US"].uses.values():
            strength = infusion.concentration_g_per_ml
            name = next(name for name, one in product.concentrations.items() if one.g_per_ml == strength)
            own = build_ladder(use.rates[name], strength, "first", 0, opened().policies.rate, None)
            for step in infusion.steps:
                assert step.rate_ml_per_kg_h <= running(own.rungs, step.start_min)


LADDERS = st.lists(st.tuples(st.integers(1, 90), st.integers(5, 60)), min_size=1, max_size=6).map(
    lambda rows: Ladder(
        "first",
        tuple(
            Rung(Decimal(rate) / 10, hold if number < len(rows) - 1 else None, "label", "label", ())
            for number, (rate, hold) in enumerate(sorted({rate: (rate, hold) for rate, hold in rows}.values()))
        )
        if len({rate for rate, _ in rows}) == len(rows)
        else (Rung(Decimal(rows[0][0]) / 10, None, "label", "label", ()),),
    )
)


@given(st.lists(LADDERS, min_size=1, max_size=4))
def test_the_slowest_of_any_ladders(ladders: list[Ladder]) -> None:
    made = slowest(ladders)

    for minute in range(0, 420, 1):
        assert running(made.rungs, minute) <= min(running(one.rungs, minute) for one in ladders)
    assert made.max_rate_ml_per_kg_h == min(one.max_rate_ml_per_kg_h for one in ladders)
    rates = [rung.rate_ml_per_kg_h for rung in made.rungs]
    assert rates == sorted(set(rates))


def test_bivigam_off_label_climbs_by_its_printed_increment() -> None:
    """0.5 mg/kg/min for 10 min, then 0.8 more every 20 min: 0.3, 0.78, 1.26 mL/kg/h at 10 %; times 70 kg on the pump."""
    made = plan(record(), GBS, product="bivigam", off_label="Synthetic reason")

    steps = made.infusions[0].steps[:3]
    assert [(step.duration_min, float(step.pump_ml_per_h)) for step in steps] == [(10, 21.0), (20, 54.6), (20, 88.2)]


def test_octagam_5_off_label_keeps_its_printed_steps_once_experienced() -> None:
    """30, 60 and 120 mg/kg/h for 30 min each, 0.6, 1.2 and 2.4 mL/kg/h at 5 %."""
    raw = record(immunoglobulin_history=[history("octagam_5", 9)])
    made = plan(raw, GBS, product="octagam_5", off_label="Synthetic reason")

    steps = made.infusions[0].steps[:3]
    assert [(step.duration_min, float(step.rate_ml_per_kg_h)) for step in steps] == [(30, 0.6), (30, 1.2), (30, 2.4)]
    assert {step.basis for step in steps} == {step.hold_basis for step in steps} == {"label"}


def test_off_label_the_longest_hold_of_any_use_is_kept() -> None:
    """One use holds 1 for 30 and 2 for 30 min, the other 1.5 for 40: 2 waits until 30 + 40 = 70, 3 until 70 + 30."""

    def ladder(*rungs: tuple[str, int | None]) -> Ladder:
        return Ladder("first", tuple(Rung(Decimal(rate), hold, "label", "label", ()) for rate, hold in rungs))

    made = slowest([ladder(("1", 30), ("2", 30), ("4", None)), ladder(("1.5", 40), ("3", None))])

    # At every minute the lower of the two: 1 to 30, 1.5 to 40, 2 to 60, 3. First holds 30 and 40, so 40; later holds 30.
    assert [(float(rung.rate_ml_per_kg_h), rung.hold_min) for rung in made.rungs] == [
        (1, 40),
        (1.5, 30),
        (2, 30),
        (3, None),
    ]


# ---- days that no source prints


def test_a_months_dose_is_not_planned_in_one_day() -> None:
    """2.4 g/kg with at most 1 g/kg a day needs 3 days; 168 g at 70 kg is 56 g a day."""
    made = plan(record(), MMN, dose_g_per_kg="2.4", **MMN_GAMMAGARD)

    assert made.status == "planned"
    assert made.prescription is not None
    assert made.prescription.prescribed_course_dose_g == 168
    assert len(made.infusions) == 3
    assert all(abs(one.dose_g - 56) <= Decimal("5.6") and one.dose_g <= 70 for one in made.infusions)
    assert "1 g/kg" in found(made, "days-by-policy").text
    assert found(made, "days-by-policy").text.endswith("meet: 3.")


@pytest.mark.parametrize("days", [3, 4, 5])
def test_the_days_of_a_months_dose_are_the_prescribers(days: int) -> None:
    made = plan(record(), MMN, dose_g_per_kg="2.4", days=days, **MMN_GAMMAGARD)

    assert made.status == "planned"
    assert len(made.infusions) == days
    assert "prescriber's choice" in found(made, "days-by-prescriber").text


@pytest.mark.parametrize(
    ("days", "code", "may_be"), [(2, "days-too-few", "neither"), (6, "days-beyond-source", "overridden")]
)
def test_days_of_a_months_dose_have_bounds(days: int, code: str, may_be: str) -> None:
    made = plan(record(), MMN, dose_g_per_kg="2.4", days=days, **MMN_GAMMAGARD)

    assert made.status == "blocked"
    assert found(made, code).may_be == may_be


def test_a_small_monthly_dose_stays_one_infusion() -> None:
    """0.5 g/kg is within 1 g/kg a day."""
    assert len(plan(record(), MMN, **MMN_GAMMAGARD).infusions) == 1


@pytest.mark.parametrize(("dose", "days"), [("1", 1), ("1.5", 2), ("2", 2)])
def test_a_daily_limit_that_does_not_divide_evenly_needs_a_day_more(dose: str, days: int) -> None:
    """Ontario: never above 1 g/kg a day, over 1 to 5 days. 1.5 g/kg needs 2 days; nothing is cut."""
    asked: dict[str, Any] = {
        "regimen": "ontario_loading",
        "off_label": "Synthetic reason",
        "weight_basis": WeightBasis.ACTUAL,
    }
    made = plan(record(), "ms-rrms-short-term", dose_g_per_kg=dose, **PRIVIGEN, **asked)

    assert "dose-capped" not in codes(made)
    assert made.prescription is None or made.prescription.prescribed_course_dose_g == 70 * Decimal(dose)
    assert len(liftable(record(), "ms-rrms-short-term", dose_g_per_kg=dose, **PRIVIGEN, **asked).infusions) == days


# ---- hours


def test_an_infusion_that_runs_into_the_next_is_refused() -> None:
    """70 g are 700 mL: at 30 mL/h more than 23 h, and the hour of observation after it ends past 24 h."""
    made = plan(record(), CIDP, ceiling_ml_per_h=Decimal("29.9"), **LOADING)

    assert made.status == "blocked"
    # 0.3 x 70 = 21 mL/h for 30 min is 10.5 mL; 689.5 / 29.9 h = 1383.6 min: over after 1414 + 60 min, a day is 1440.
    assert {"infusions-overlap", "infusion-long"} <= codes(made)
    assert "infusion-too-long" not in codes(made)
    assert "2026-11-24 09:00" in found(made, "infusions-overlap").text


def test_an_infusion_of_weeks_is_refused() -> None:
    made = plan(record(), PI, ceiling_ml_per_h=Decimal("0.1"), **PRIVIGEN)

    assert made.status == "blocked"
    assert found(made, "infusion-too-long").may_be == "neither"
    assert "24 h" in found(made, "infusion-too-long").text


def test_a_long_session_is_said() -> None:
    """30 g are 300 mL at 30 mL/h: about ten hours."""
    made = plan(record(), PI, ceiling_ml_per_h=Decimal(30), **PRIVIGEN)

    assert made.status == "planned"
    assert "longer than the 8 h" in found(made, "infusion-long").text


def test_a_printed_time_in_use_stops_the_plan() -> None:
    """Octagam 10 %: within 8 hours after pooling; 70 g are 700 mL, at 60 mL/h about 12 h."""
    asked: dict[str, Any] = {"product": "octagam_10", "ceiling_ml_per_h": Decimal(60)}
    made = plan(record(), ITP, **asked)

    assert made.status == "blocked"
    finding = found(made, "in-use-time-exceeded")
    assert finding.may_be == "overridden"
    assert "8 h" in finding.text
    assert "octagam_10/M1" in finding.sources


def test_ordinary_infusions_are_not_called_long() -> None:
    for indication, asked in ((PI, PRIVIGEN), (CIDP, LOADING), (ITP, PRIVIGEN)):
        assert not codes(plan(record(), indication, **asked)) & {"infusion-long", "infusions-overlap"}


@pytest.mark.parametrize("last", ["2026-11-23T08:00:00-05:00", "2026-11-17T09:00:00-05:00"])
def test_a_whole_course_soon_after_an_infusion_needs_a_prescriber(last: str) -> None:
    raw = record(immunoglobulin_history=[history("privigen", last=last)])

    blocked = plan(raw, CIDP, **LOADING)
    assert blocked.status == "blocked"
    assert found(blocked, "course-too-soon").may_be == "overridden"
    assert plan(raw, CIDP, accept=("course-too-soon",), **LOADING).status == "planned"


@pytest.mark.parametrize(
    ("last", "code"),
    [
        ("2026-11-13T09:00:00-05:00", "course-too-soon"),  # 10 days; half of 21 is 10.5
        ("2026-11-12T09:00:00-05:00", "course-early"),  # 11 days
        ("2026-11-02T21:00:00-05:00", None),  # 21 calendar days, whatever the hour
    ],
)
def test_maintenance_waits_for_its_interval(last: str, code: str | None) -> None:
    made = plan(record(immunoglobulin_history=[history("privigen", last=last)]), PI, **PRIVIGEN)

    assert codes(made) & {"course-too-soon", "course-early"} == ({code} if code else set())


def test_what_was_given_under_the_skin_does_not_delay_a_course() -> None:
    raw = record(immunoglobulin_history=[history("hizentra", last="2026-11-20T09:00:00-05:00")])

    assert "course-too-soon" not in codes(plan(raw, CIDP, **LOADING))


# ---- days and intervals that cannot be meant


def test_absurd_days_are_refused() -> None:
    with pytest.raises(ImpossibleValue, match="It lies between 1 and 31"):
        plan(record(), PI, days=9999, **PRIVIGEN)
    made = plan(record(), PI, days=31, **PRIVIGEN)

    assert found(made, "days-too-many").may_be == "neither"
    with pytest.raises(BadInput):
        plan(record(), PI, days=31, accept=("days-too-many",), **PRIVIGEN)


@pytest.mark.parametrize(
    ("days", "code", "may_be"),
    [
        (1, "interval-too-short", "neither"),
        (10, "interval-too-short", "neither"),
        (11, "interval-outside-source", "overridden"),
    ],
)
def test_an_interval_below_half_of_the_shortest_is_refused(days: int, code: str, may_be: str) -> None:
    """Every 3 to 4 weeks: half of 21 days is 10.5."""
    made = plan(record(), PI, interval_days=days, **PRIVIGEN)

    assert made.status == "blocked"
    assert found(made, code).may_be == may_be


def test_a_part_vial_keeps_the_tolerance() -> None:
    """0.018 g are 0.18 mL at 10 %; the tenth below holds 0.01 g, 44 % too little."""
    window = DoseWindow.around(Decimal("0.018"), Decimal("0.018"), opened().policies.dose)

    assert choose_vials([Decimal(5)], window, 1, Decimal(5), Decimal("0.1"), None) is None


@given(st.integers(1, 5000), st.sampled_from(["0.05", "0.1", "0.2"]))
def test_no_choice_of_vials_leaves_the_window(milligrams: int, strength: str) -> None:
    dose = Decimal(milligrams) / 1000
    window = DoseWindow.around(dose, dose, opened().policies.dose)

    for day in choose_vials([Decimal("2.5"), Decimal(5)], window, 2, Decimal(5), Decimal(strength), None) or ():
        assert window.least_g <= day.given_g <= window.most_g


# ---- pump steps that are what they say


def consistent(steps: Sequence[Step], weight_kg: Decimal, total_ml: Decimal, holds: Sequence[int | None]) -> None:
    for step, hold in zip(steps, holds, strict=False):
        runs_min = step.volume_ml * 60 / step.pump_ml_per_h
        assert step.rate_ml_per_kg_h == (step.pump_ml_per_h / weight_kg).quantize(Decimal("0.000001"), ROUND_FLOOR)
        assert step.duration_min - 1 < runs_min <= step.duration_min
        if step is not steps[-1] and hold is not None:  # the last one ends in whole minutes, rounded up
            assert abs(step.volume_ml - step.pump_ml_per_h * step.duration_min / 60) < Decimal("0.1")
            assert step.duration_min >= hold
    assert all(later.start_min == one.start_min + one.duration_min for one, later in pairwise(steps))
    assert sum(step.volume_ml for step in steps) == total_ml == steps[-1].cumulative_ml


@given(
    st.integers(4, 200).map(lambda tenths: Decimal(tenths) / 10),
    st.integers(1, 900).map(lambda tenths: Decimal(tenths) / 10),
    st.sampled_from([10, 15, 30]),
)
def test_every_step_of_a_small_patient_is_what_it_says(weight_kg: Decimal, total_ml: Decimal, hold: int) -> None:
    rates = ("0.48", "0.96", "1.92", "3.84", "4.8")
    holds = [hold] * 4 + [None]
    rungs = tuple(Rung(Decimal(rate), held, "label", "label", ()) for rate, held in zip(rates, holds, strict=True))

    run = run_pump(Ladder("first", rungs), weight_kg, total_ml, Decimal("0.1"), None)

    if run is not None:
        consistent(run.steps, weight_kg, total_ml, holds)
        for step, rung in zip(run.steps, rungs, strict=False):
            assert step.pump_ml_per_h <= rung.rate_ml_per_kg_h * weight_kg


def first_steps_of_an_infant() -> Infusion:
    raw = record(weight_kg=1.1, age_years=0.1, height_cm=40, blood_group="O+")
    return liftable(raw, PI, product="gammagard_liquid").infusions[0]


def test_an_infants_first_step_lasts_its_thirty_minutes() -> None:
    """0.48 x 1.1 = 0.528: 0.5 mL/h. 30 min of it are 0.25 mL; 0.2 mL are over in 24 min, so 0.3 mL in 36."""
    first = first_steps_of_an_infant().steps[0]

    assert (first.duration_min, float(first.pump_ml_per_h), float(first.volume_ml)) == (36, 0.5, 0.3)
    assert first.rate_ml_per_kg_h == Decimal("0.454545")  # 0.5 / 1.1


# ---- what is said about a cap


def test_a_cap_that_nobody_read_cites_no_page_for_its_number() -> None:
    cap = opened().product("gammagard_liquid").labels["US"].at_risk
    assert cap is not None
    assert cap.cap is not None
    assert cap.cap.src == ()

    made = plan(record(conditions=["renal_insufficiency"]), PI, product="gammagard_liquid")
    assert "gammagard_liquid/M2" not in found(made, "at-risk-rate").sources
    assert found(made, "at-risk-rate").verified is False


def test_risk_and_reaction_each_tell_their_own_cap() -> None:
    """95 % of "below 1.98" is 1.881; 1 mL/kg/h was borne. The lower governs, and each is said for what it is."""
    past = history("gammagard_liquid", rate_borne_ml_per_kg_h=1.0, reactions=[{"kind": "headache"}])
    raw = record(conditions=["renal_insufficiency"], immunoglobulin_history=[past])
    made = plan(raw, PI, product="gammagard_liquid")

    assert made.infusions[0].max_rate_ml_per_kg_h == 1
    assert "1.881 mL/kg/h (policy: 95 % of 1.98" in found(made, "at-risk-rate").text
    assert "at or below 1 mL/kg/h" in found(made, "rate-capped-by-reaction").text


def test_where_half_the_maximum_caps_that_is_said() -> None:
    """Privigen in CIDP: half of 4.8."""
    made = plan(record(conditions=["renal_insufficiency"]), CIDP, **LOADING)

    assert "2.4 mL/kg/h (policy: 50 % of the ordinary maximum)" in found(made, "at-risk-rate").text
    assert found(made, "at-risk-rate").verified


def test_the_step_at_a_ceiling_is_nobodys_label() -> None:
    last = plan(record(), PI, ceiling_ml_per_h=Decimal(100), **PRIVIGEN).infusions[0].steps[-1]

    assert (last.basis, last.hold_basis, last.sources) == ("policy", "policy", ())


def test_a_ceiling_below_the_pump_is_named_as_such() -> None:
    with pytest.raises(ImpossibleValue, match=r"--ceiling-ml-per-h: '0.05'. It lies between 0.1 and 2000"):
        plan(record(), PI, ceiling_ml_per_h=Decimal("0.05"), **PRIVIGEN)


def test_a_rate_borne_without_a_reaction_changes_and_says_nothing() -> None:
    without = plan(record(immunoglobulin_history=[history("privigen")]), PI, **PRIVIGEN)
    borne = plan(record(immunoglobulin_history=[history("privigen", rate_borne_ml_per_kg_h=1.0)]), PI, **PRIVIGEN)

    assert borne.infusions == without.infusions
    assert borne.findings == without.findings


def test_the_next_course_after_the_last_infusion_of_this_one() -> None:
    """Ordinary plans leave room: the starts of a course are a day apart."""
    made = plan(record(), CIDP, **LOADING)

    assert [later.starts_at - one.starts_at for one, later in pairwise(made.infusions)] == [timedelta(days=1)]


def test_who_cannot_bear_volume_is_not_told_to_hydrate_first() -> None:
    failing = plan(record(conditions=["heart_failure"]), PI, **PRIVIGEN)
    clotting = plan(record(conditions=["previous_thrombosis"]), PI, **PRIVIGEN)

    assert "Hydrate first" not in str(found(failing, "at-risk-rate").remedy)
    assert "Hydrate first" in str(found(clotting, "at-risk-rate").remedy)
