"""The start under the skin: worked by hand, refused by message, and what holds for every patient."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ivigil.cli.subcutaneous import make_subcutaneous, plan_subcutaneous
from ivigil.errors import BadInput, BadKnowledge, ImpossibleValue, UnknownName, UsageError
from ivigil.knowledge.overlay import read_replacements
from ivigil.prescription.plan import as_json, check_unchanged
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan
from ivigil.prescription.subcutaneous.schedule import Cycle
from ivigil.prescription.subcutaneous.sites import share_out
from tests.planning import START, history, opened, record
from tests.starting import BORNE, CIDP, LAST, PI, as_if_read, codes, reasons, start, text_of

# ---- worked by hand


def test_hizentra_pi_by_hand() -> None:
    """30 g / 4 weeks x 1.37 = 10.275 g: one 10 g vial, 50 mL. 15 mL a site: 4 sites of 12.5; 12.5/15 h = 50 min."""
    plan = start(product="hizentra", iv_interval_days=28)

    assert plan.status == "planned"
    assert plan.order is not None
    assert (plan.order.weekly_dose_g, plan.order.dose_g, plan.order.factor) == (Decimal("10.275"), 10, Decimal("1.37"))
    seen = [
        (one.starts_at.date().isoformat(), one.sites, one.site_volumes_ml[0], one.ml_per_h_per_site, one.duration_min)
        for one in plan.infusions
    ]
    assert seen == [
        ("2026-11-23", 4, Decimal("12.5"), 15, 50),
        ("2026-11-30", 4, Decimal("12.5"), 25, 30),
        ("2026-12-07", 4, Decimal("12.5"), 25, 30),
        ("2026-12-14", 4, Decimal("12.5"), 25, 30),
        ("2026-12-21", 3, Decimal("16.7"), 25, 41),
        ("2026-12-28", 2, Decimal("25"), 25, 60),
    ]
    assert [vial.model_dump() for vial in plan.infusions[0].vials] == [{"size_g": 10, "count": 1, "lots": ()}]


def test_hizentra_cidp_by_hand() -> None:
    """0.2 g/kg x 70 kg = 14 g = 70 mL a week: 20 mL a site, so 4 x 17.5; 53 min. Then 50 mL a site: 2 x 35; 42 min."""
    plan = start(CIDP, product="hizentra")

    assert plan.order is not None
    assert plan.order.from_iv is None
    assert (plan.order.factor, plan.order.dose_g_per_kg_week, plan.order.dose_g) == (None, Decimal("0.2"), 14)
    assert [(one.sites, one.total_ml, one.duration_min) for one in plan.infusions] == [(4, 70, 53), (2, 70, 42)]


def test_a_labelled_dose_per_kg_is_never_exceeded_and_is_divided_when_sites_run_out() -> None:
    """96 kg: 19.2 g is 96 mL and needs 5 sites of 20 mL; two sessions of 9.6 g, 9 g in vials, on consecutive days."""
    plan = start(
        CIDP, record(weight_kg=96, height_cm=200, sex="male", immunoglobulin_history=[BORNE]), product="hizentra"
    )

    assert plan.order is not None
    assert "divided-to-fit-sites" in codes(plan)
    assert (plan.order.infusions_per_cycle, plan.order.consecutive_days, plan.order.dose_g) == (2, True, 9)
    assert [one.starts_at.date().isoformat() for one in plan.infusions][:2] == ["2026-11-23", "2026-11-24"]
    assert plan.infusions[0].total_ml == 45


def test_gammagard_liquid_by_hand() -> None:
    """10.275 g from vials of 1 and 2.5 g: 10.5 g is 0.225 away, 10 g is 0.275. 105 mL, 30 mL a site: 4 sites."""
    plan = start(product="gammagard_liquid_sc", iv_interval_days=28)

    assert plan.order is not None
    assert plan.order.dose_g == Decimal("10.5")
    first = plan.infusions[0]
    assert first.site_volumes_ml == (Decimal("26.3"), Decimal("26.3"), Decimal("26.2"), Decimal("26.2"))
    assert (first.ml_per_h_per_site, first.ml_per_h_all_sites, first.duration_min) == (20, 80, 79)
    assert plan.infusions[1].max_ml_per_h_per_site == 30
    assert "start-not-checked" in codes(plan)


def test_every_two_weeks_is_twice_the_weekly_dose_and_may_start_after_two_weeks() -> None:
    """13 g / 3 weeks x 1.37 = 5.937 g a week, 11.873 g every two: 12 g, 60 mL, 4 sites of 15 mL."""
    borne = history("privigen", 12, last="2026-11-09T09:00:00-05:00", last_dose_g=13)
    raw = record(weight_kg=55, height_cm=165, immunoglobulin_history=[borne])

    plan = start(raw=raw, product="hizentra", iv_interval_days=21, interval_days=14)

    assert plan.order is not None
    assert (plan.order.weekly_dose_g, plan.order.prescribed_dose_g) == (Decimal("5.937"), Decimal("11.873"))
    assert (plan.order.dose_g, plan.infusions[0].sites, plan.infusions[0].site_volumes_ml[0]) == (12, 4, 15)
    assert "start-late" not in codes(plan)
    assert "start-late" in codes(start(raw=raw, product="hizentra", iv_interval_days=21))


def test_twice_a_week_by_hand() -> None:
    """10.275 g in two: 5.1375 g, 5 g in vials; days 0, 3, 7, 10."""
    plan = start(product="hizentra", iv_interval_days=28, times_per_week=2)

    assert plan.order is not None
    assert (plan.order.prescribed_dose_g, plan.order.dose_g) == (Decimal("5.138"), 5)
    assert [(one.starts_at.date() - START.date()).days for one in plan.infusions] == [0, 3, 7, 10, 14, 17]


def test_cutaquig_grows_as_the_maker_prints_once_its_vials_are_read() -> None:
    """30 g / 4 x 1.3 = 9.75 g: 10 g at 6 mL/g = 60 mL. 25 mL a site for 4 weeks, then 35, then 40; rate 20, 20, 30, 40, 50, 52."""
    plan = start(product="cutaquig", iv_interval_days=28, facts=as_if_read(PI))

    assert plan.order is not None
    assert (plan.order.dose_g, plan.infusions[0].total_ml) == (10, 60)
    assert [one.max_ml_per_site for one in plan.infusions] == [25, 25, 25, 25, 35, 35, 35, 35, 40]
    assert [one.ml_per_h_per_site for one in plan.infusions] == [20, 20, 30, 40, 50, 52, 52, 52, 52]
    assert [one.sites for one in plan.infusions] == [3, 3, 3, 3, 2, 2, 2, 2, 2]


def test_hyqvia_ramps_up_over_seven_weeks_once_its_label_is_read() -> None:
    """The label's own example, 30 g every 4 weeks: 7.5, 15, 22.5 and 30 g in weeks 1, 2, 4 and 7."""
    plan = start(product="hyqvia", iv_interval_days=28, interval_days=28, facts=as_if_read(PI))

    assert plan.status == "planned"
    assert [one.dose_g for one in plan.infusions] == [Decimal("7.5"), 15, Decimal("22.5"), 30]
    assert [(one.starts_at.date() - START.date()).days for one in plan.infusions] == [0, 7, 21, 42]
    # 75 mL: 10 min each at 10, 30, 60 and 120 mL/h are 36.66.. mL; the other 38.33.. mL at 240 take 9.58 min.
    assert [(step.ml_per_h_per_site, step.duration_min) for step in plan.infusions[0].steps] == [
        (10, 10), (30, 10), (60, 10), (120, 10), (240, 10),
    ]  # fmt: skip
    assert plan.infusions[-1].max_ml_per_h_per_site == 300


def test_hyqvia_every_three_weeks_by_hand() -> None:
    """24 g every 3 weeks: 8, 16 and 24 g in weeks 1, 2 and 4; 7.5, 15 and 25 g in whole vials (22.5 is as far, lower)."""
    raw = record(immunoglobulin_history=[history("privigen", 12, last=LAST, last_dose_g=24)])

    plan = start(raw=raw, product="hyqvia", iv_interval_days=21, facts=as_if_read(PI))

    assert plan.order is not None
    assert plan.order.cycle_days == 21
    assert [one.prescribed_g for one in plan.infusions[:3]] == [8, 16, 24]
    assert [(one.starts_at.date() - START.date()).days for one in plan.infusions[:3]] == [0, 7, 21]


def test_at_risk_the_first_limits_hold_throughout() -> None:
    raw = record(conditions=["previous_thrombosis"], immunoglobulin_history=[BORNE])

    plan = start(raw=raw, product="hizentra", iv_interval_days=28)

    assert {(one.max_ml_per_site, one.max_ml_per_h_per_site) for one in plan.infusions} == {(15, 15)}
    assert "at-risk-rate" in codes(plan)


def test_without_a_start_the_labels_day_is_taken() -> None:
    """The last infusion was on Monday 16 November; a week after it is Monday 23 November."""
    planned_on = datetime.fromisoformat("2026-11-18T14:00:00-05:00")
    raw = record(
        weight_measured_on="2026-11-16",
        labs=[],
        immunoglobulin_history=[BORNE],
    )

    plan = start(raw=raw, product="hizentra", iv_interval_days=28, start=planned_on, start_given=False)

    assert plan.order is not None
    assert plan.order.first_on.isoformat() == "2026-11-23"
    assert plan.infusions[0].starts_at.isoformat() == "2026-11-23T14:00:00-05:00"


def test_a_superseded_factor_is_named_and_never_doses() -> None:
    """1.53 would be 11.475 g, a 1.12 times larger dose."""
    plan = start(product="hizentra", iv_interval_days=28)

    assert "1.53 of Hizentra still circulates; it was superseded by 1.37" in text_of(plan, "superseded-factor")
    assert plan.order is not None
    assert plan.order.weekly_dose_g == Decimal("10.275")


# ---- what blocks, and what it says


@pytest.mark.parametrize(
    ("product", "code"),
    [
        ("xembify", "factor-not-read"),
        ("gamunex_c_sc", "factor-not-read"),
        ("gamunex_c_sc", "site-volume-not-read"),
        ("hyqvia", "vials-not-read"),
        ("hyqvia", "site-rate-not-read"),
    ],
)
def test_what_nobody_read_for_the_us_does_not_dose(product: str, code: str) -> None:
    plan = start(product=product, iv_interval_days=28)

    assert plan.status == "blocked"
    assert plan.order is None
    assert plan.infusions == ()
    finding = next(one for one in plan.findings if one.code == code)
    assert finding.text.startswith("No plan may rest on the ")
    assert finding.may_be == "neither"


def test_only_the_products_whose_facts_were_read_fit() -> None:
    in_pi = {row.product for row in start(PI, iv_interval_days=28).candidates if row.fits}
    in_cidp = {row.product for row in start(CIDP).candidates if row.fits}

    assert in_pi == {"cutaquig", "cuvitru", "gammagard_liquid_sc", "hizentra"}
    assert in_cidp == {"hizentra"}


@pytest.mark.parametrize("indication", ["itp-adult", "itp-child", "itp-pregnancy"])
def test_never_under_the_skin_in_immune_thrombocytopenia(indication: str) -> None:
    plan = start(indication, iv_interval_days=28, facts=as_if_read(indication))

    assert plan.status == "blocked"
    said = text_of(plan, "never-under-skin")
    assert ": immunoglobulin is not given under the skin; the label of Gamunex-C (subcutaneous use) forbids it." in said
    assert "haematoma at the site is believed to be the reason" in said
    assert next(one.may_be for one in plan.findings if one.code == "never-under-skin") == "neither"


def test_a_use_that_the_label_does_not_name_under_the_skin() -> None:
    plan = start("mmn", product="gammagard_liquid_sc", iv_interval_days=28)

    assert text_of(plan, "not-labelled-under-skin").startswith(
        "The US label of Gammagard Liquid (subcutaneous use) does not name"
    )


def test_a_product_for_a_vein_is_refused_by_name() -> None:
    assert "wrong-route" in codes(start(product="privigen", iv_interval_days=28))


def test_no_other_region_is_planned() -> None:
    plan = start(region="EU", iv_interval_days=28)

    assert {code for row in plan.candidates for code in reasons(plan, row.product)} == {"no-label-for-region"}


def test_the_regimen_to_convert_must_be_given() -> None:
    raw = record(immunoglobulin_history=[history("privigen", 12, last=LAST)])

    plan = start(raw=raw, product="hizentra")

    assert "its dose (g) and interval (days) is not given" in text_of(plan, "iv-regimen-missing")


def test_weeks_typed_for_days_are_stopped_until_confirmed() -> None:
    """4 for 28 would be seven times the dose."""
    plan = start(product="hizentra", iv_interval_days=4)

    assert plan.status == "blocked"
    assert text_of(plan, "iv-interval-unlikely").startswith(
        "4 days between intravenous infusions is outside the 21 to 28 days"
    )


def test_grams_that_no_label_prints_for_the_weight_are_stopped_until_confirmed() -> None:
    assert "iv-dose-unlikely" in codes(start(product="hizentra", iv_dose_g=300, iv_interval_days=28))


def test_a_dose_that_is_not_the_recorded_one_is_stopped_until_confirmed() -> None:
    blocked = start(product="hizentra", iv_dose_g=25, iv_interval_days=28)
    confirmed = start(product="hizentra", iv_dose_g=25, iv_interval_days=28, accept=("iv-dose-differs",))

    assert "25 g, the record's last dose is 30 g" in text_of(blocked, "iv-dose-differs")
    assert blocked.status == "blocked"
    assert confirmed.status == "planned"


def test_too_early_names_the_labels_day() -> None:
    raw = record(immunoglobulin_history=[history("privigen", 12, last="2026-11-20T09:00:00-05:00", last_dose_g=30)])

    plan = start(raw=raw, product="hizentra", iv_interval_days=28)

    assert "on 2026-11-27 at the earliest" in text_of(plan, "start-too-early")
    assert plan.status == "blocked"


def test_too_late_warns() -> None:
    raw = record(immunoglobulin_history=[history("privigen", 12, last="2026-11-02T09:00:00-05:00", last_dose_g=30)])

    assert "by 2026-11-09; 2026-11-23 is later" in text_of(
        start(raw=raw, product="hizentra", iv_interval_days=28), "start-late"
    )


def test_an_interval_outside_the_label_is_refused() -> None:
    plan = start(product="gammagard_liquid_sc", iv_interval_days=28, interval_days=14)

    assert "prints infusions every 7 days for this use" in text_of(plan, "interval-not-labelled")


def test_never_treated_is_refused_with_what_the_label_says() -> None:
    plan = start(raw=record(), product="hizentra", iv_dose_g=30, iv_interval_days=28)

    assert "The patient never had immunoglobulin." in text_of(plan, "naive-not-labelled")
    xembify = start(raw=record(), product="xembify", iv_dose_g=30, iv_interval_days=28)
    assert "naive-not-read" in codes(xembify)


def test_too_short_an_earlier_treatment_may_be_overridden() -> None:
    raw = record(immunoglobulin_history=[history("privigen", 2, last=LAST, last_dose_g=30)])

    plan = start(raw=raw, product="hizentra", iv_interval_days=28)
    overridden = start(raw=raw, product="hizentra", iv_interval_days=28, accept=("previous-treatment-short",))

    assert "asks for at least 3 months" in text_of(plan, "previous-treatment-short")
    assert (plan.status, overridden.status) == ("blocked", "planned")


def test_from_another_product_under_the_skin_is_not_converted() -> None:
    raw = record(immunoglobulin_history=[BORNE, history("cuvitru", 4, last="2026-11-20T09:00:00-05:00")])

    assert "not-from-iv" in codes(start(raw=raw, product="hizentra", iv_interval_days=28))


def test_a_child_below_the_labels_age_is_refused() -> None:
    raw = record(
        age_years=1,
        weight_kg=10,
        height_cm=75,
        immunoglobulin_history=[history("privigen", 12, last=LAST, last_dose_g=5)],
    )

    assert "age-below-label" in codes(start(raw=raw, product="hizentra", iv_interval_days=28))


def test_screening_holds_under_the_skin() -> None:
    """Proline against hyperprolinaemia, an earlier anaphylaxis: nobody may accept either."""
    proline = start(
        raw=record(conditions=["hyperprolinaemia"], immunoglobulin_history=[BORNE]),
        product="hizentra",
        iv_interval_days=28,
    )
    severe = history("privigen", 12, last=LAST, last_dose_g=30, reactions=[{"kind": "anaphylaxis", "at": LAST}])
    anaphylaxis = start(raw=record(immunoglobulin_history=[severe]), product="hizentra", iv_interval_days=28)

    assert "hyperprolinaemia-proline" in codes(proline)
    assert "prior-severe-reaction" in codes(anaphylaxis)
    assert {proline.status, anaphylaxis.status} == {"blocked"}


def test_more_sites_than_allowed_say_how_many_are_needed() -> None:
    raw = record(
        weight_kg=150, height_cm=190, immunoglobulin_history=[history("privigen", 12, last=LAST, last_dose_g=60)]
    )

    plan = start(raw=raw, product="hizentra", iv_interval_days=28, interval_days=14)

    assert "4 at a time are allowed" in text_of(plan, "too-many-sites")


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"product": "nosuch"}, UnknownName, "No product has this id"),
        ({"iv_dose_g": "-3"}, ImpossibleValue, "must be positive"),
        ({"iv_interval_days": 0}, ImpossibleValue, "must be positive"),
        ({"interval_days": 7, "times_per_week": 2}, BadInput, "an interval or a number of infusions"),
        ({"accept": ("vials-not-read",)}, BadInput, "Only a finding that blocks"),
    ],
)
def test_impossible_requests_are_refused(asked: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        start(**{"product": "hizentra", "iv_interval_days": 28, **asked})


# ---- what a site may enter


def _replacement(path: str, by: list[str], read: str) -> dict[str, Any]:
    fact = {"factor": Decimal("1.37"), "src": ["sc/xem_pp"], "origin": "reported", "read": read}
    row = {"path": path, "base": "absent", "by": by, "on": date(2026, 11, 1), "label_revision": "2024", "fact": fact}
    return {"replace": [row]}


@pytest.mark.parametrize(
    "below",
    [
        "conversion.factor",
        "conversion.intervals",
        "conversion.start.weekly",
        "conversion.ramp_up.every_3_weeks",
        "conversion.regimens.start",
        "rates.adults.volume.first",
        "rates.adults.rate.first",
        "rates.adults.max_sites",
    ],
)
def test_an_overlay_opens_a_start_only_by_two_people_who_read_it(below: str) -> None:
    path, file = f"labels.US.subcutaneous.uses.PI.{below}", "products/xembify.toml"

    with pytest.raises(BadKnowledge, match="2 different people"):
        read_replacements(_replacement(path, ["A. Pharmacist"], "label"), file)
    with pytest.raises(BadKnowledge, match="A fact that permits was printed, and was read where it is printed"):
        read_replacements(_replacement(path, ["A. Pharmacist", "B. Nurse"], "secondary"), file)
    assert read_replacements(_replacement(path, ["A. Pharmacist", "B. Nurse"], "label"), file)


# ---- the command's function


def test_options_that_a_start_plan_would_not_heed_are_refused() -> None:
    raw = json.loads(json.dumps(record(immunoglobulin_history=[BORNE])), parse_float=Decimal, parse_int=Decimal)

    with pytest.raises(UsageError, match="does not take this option"):
        make_subcutaneous(raw, {"indication": PI, "region": "US", "off_label": "because"}, opened())


def test_the_command_prints_json_and_leaves_with_the_plans_code(capsys: pytest.CaptureFixture[str]) -> None:
    raw = json.loads(json.dumps(record(immunoglobulin_history=[BORNE])), parse_float=Decimal, parse_int=Decimal)
    options = {"indication": PI, "region": "US", "product": "hizentra", "start": START.isoformat()}

    blocked = plan_subcutaneous(raw, options, opened(), json_=True)
    planned = plan_subcutaneous(raw, {**options, "iv_interval_days": 28}, opened(), json_=True)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert (blocked, planned) == (3, 0)
    assert [one["status"] for one in printed] == ["blocked", "planned"]
    assert printed[1]["schema"] == "ivigil-sc-plan/1"
    assert printed[1]["order"]["weekly_dose_g"] == 10.275


def test_the_terminal_shows_dose_sites_and_dates_in_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    raw = json.loads(json.dumps(record(immunoglobulin_history=[BORNE])), parse_float=Decimal, parse_int=Decimal)
    options = {
        "indication": PI,
        "region": "US",
        "product": "hizentra",
        "start": START.isoformat(),
        "iv_interval_days": 28,
    }

    plan_subcutaneous(raw, options, opened())
    shown = " ".join(capsys.readouterr().out.split())

    assert "30 g every 28 days = 7.5 g a week × 1.37 = 10.275 g a week" in shown
    assert "Mon 23 Nov 2026 1 1 × 10 g = 10 g 50 4 × 12.5 15 50 min" in shown
    assert "Then 10 g weekly, each time from 09:00." in shown
    assert "DRAFT" in shown


# ---- what holds for every patient


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    product, indication = draw(
        st.sampled_from(
            [(one, PI) for one in ("hizentra", "cuvitru", "xembify", "cutaquig", "gammagard_liquid_sc", "hyqvia")]
            + [("hizentra", CIDP)]
        )
    )
    adult = indication == CIDP or draw(st.booleans())
    weight = draw(st.integers(400, 1300)) / 10 if adult else draw(st.integers(120, 500)) / 10
    grams = draw(st.integers(3, 8)) * weight / 10 if indication == PI else weight
    raw = record(
        weight_kg=weight,
        age_years=draw(st.integers(18, 60)) if adult else draw(st.integers(2, 17)),
        height_cm=...,
        conditions=draw(st.sampled_from([[], [], ["previous_thrombosis"]])),
        immunoglobulin_history=[history("privigen", 12, last=LAST, last_dose_g=round(grams, 1))],
    )
    asked: dict[str, Any] = {"product": product}
    if indication == PI:
        asked["iv_interval_days"] = draw(st.sampled_from([21, 28]))
    if product not in {"hyqvia", "gammagard_liquid_sc"} and indication == PI and draw(st.booleans()):
        asked["times_per_week"] = draw(st.integers(1, 7))
    return indication, raw, asked


def _made(given_: tuple[str, dict[str, Any], dict[str, Any]]) -> SubcutaneousPlan:
    indication, raw, asked = given_
    facts = as_if_read(indication)
    found = start(indication, raw, facts=facts, **asked)
    liftable = tuple({one.code for one in found.findings if one.severity == "blocks" and one.may_be != "neither"})
    found = start(indication, raw, facts=facts, accept=liftable, **asked) if liftable else found
    assume(found.status == "planned")
    return found


def _table(plan: SubcutaneousPlan, raw: dict[str, Any]):
    assert plan.order is not None
    product = next(one for one in as_if_read(plan.indication).products if one.id == plan.order.product)
    under_skin = product.labels["US"].subcutaneous
    assert under_skin is not None
    use = under_skin.uses[{PI: "PI", CIDP: "CIDP"}[plan.indication]]
    tables = [
        t for t in use.rates.values() if t.holds_for(Decimal(str(raw["age_years"])), Decimal(str(raw["weight_kg"])))
    ]
    return use, tables[0]


@given(requests())
def test_never_above_a_limit_of_a_site_of_all_sites_or_of_a_day(
    asked: tuple[str, dict[str, Any], dict[str, Any]],
) -> None:
    plan = _made(asked)
    _, table = _table(plan, asked[1])
    for one in plan.infusions:
        volume = max((r for r in table.volume.values() if r.from_infusion <= one.number), key=lambda r: r.from_infusion)
        rate = max((r for r in table.rate.values() if r.from_infusion <= one.number), key=lambda r: r.from_infusion)
        assert max(one.site_volumes_ml) <= one.max_ml_per_site <= volume.ml_per_site
        assert one.ml_per_h_per_site <= one.max_ml_per_h_per_site <= rate.ml_per_h_per_site
        assert all(step.ml_per_h_per_site <= one.max_ml_per_h_per_site for step in one.steps)
        assert one.sites <= table.max_sites.count
        if table.all_sites is not None:
            assert one.sites * one.max_ml_per_h_per_site <= table.all_sites.ml_per_h
        if table.day is not None:
            assert one.total_ml <= table.day.ml


@given(requests())
def test_volumes_add_up_over_sites_and_grams_over_vials(asked: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    for one in _made(asked).infusions:
        assert len(one.site_volumes_ml) == one.sites
        assert sum(one.site_volumes_ml) == one.total_ml
        assert all(volume * 10 == int(volume * 10) for volume in one.site_volumes_ml)
        assert max(one.site_volumes_ml) - min(one.site_volumes_ml) <= Decimal("0.1")
        assert sum(vial.size_g * vial.count for vial in one.vials) == one.dose_g + one.waste_g
        assert sum(step.duration_min for step in one.steps) == one.duration_min


@given(requests())
def test_the_dose_is_the_labels_within_the_tolerance_of_vials(
    asked: tuple[str, dict[str, Any], dict[str, Any]],
) -> None:
    plan = _made(asked)
    use, _ = _table(plan, asked[1])
    assert plan.order is not None
    if plan.order.from_iv is not None:
        iv = plan.order.from_iv
        exact = Fraction(iv.dose_g) * 7 / iv.interval_days * Fraction(use.conversion.factor.factor)
    else:
        assert plan.order.dose_g_per_kg_week is not None
        assert plan.order.dosing_weight_kg is not None
        exact = Fraction(plan.order.dose_g_per_kg_week) * Fraction(plan.order.dosing_weight_kg)
        assert Fraction(plan.order.dose_g) * plan.order.infusions_per_cycle <= exact + Fraction(1, 500)
    assert abs(Fraction(plan.order.weekly_dose_g) - exact) <= Fraction(1, 2000)
    per_week = Fraction(plan.order.dose_g) * plan.order.infusions_per_cycle * 7 / plan.order.cycle_days
    assert abs(per_week - exact) <= exact / 10 + Fraction(1, 100)


@given(requests())
def test_the_same_request_makes_the_same_plan_and_its_id_is_its_content(
    asked: tuple[str, dict[str, Any], dict[str, Any]],
) -> None:
    plan = _made(asked)
    assert as_json(plan) == as_json(_made(asked))
    check_unchanged(plan)
    with pytest.raises(BadInput, match="does not match its id"):
        check_unchanged(plan.model_copy(update={"patient_ref": "somebody-else"}))


@given(requests())
def test_dates_rise_and_each_week_holds_what_is_ordered(asked: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    moments = [one.starts_at for one in _made(asked).infusions]
    assert moments == sorted(set(moments))


@given(requests())
def test_limits_never_fall_and_a_ramp_up_never_falls_below_the_dose_before(
    asked: tuple[str, dict[str, Any], dict[str, Any]],
) -> None:
    made = _made(asked).infusions
    for before, after in pairwise(made):
        assert after.prescribed_g >= before.prescribed_g
        assert after.dose_g >= before.dose_g
        assert after.max_ml_per_site >= before.max_ml_per_site
        assert after.sites > before.sites or after.max_ml_per_h_per_site >= before.max_ml_per_h_per_site


@given(requests())
def test_nobody_begins_above_the_first_limits_and_nobody_at_risk_leaves_them(
    asked: tuple[str, dict[str, Any], dict[str, Any]],
) -> None:
    plan = _made(asked)
    _, table = _table(plan, asked[1])
    first_ml = min(one.ml_per_site for one in table.volume.values() if one.from_infusion == 1)
    first_rate = min(one.ml_per_h_per_site for one in table.rate.values() if one.from_infusion == 1)
    for one in plan.infusions if asked[1]["conditions"] else plan.infusions[:1]:
        assert max(one.site_volumes_ml) <= first_ml
        assert one.max_ml_per_h_per_site <= first_rate


@given(st.integers(1, 20000), st.integers(1, 8))
def test_shares_are_whole_tenths_that_add_up(total: int, sites: int) -> None:
    shares = share_out(total, sites)
    assert sum(shares) * 10 == total
    assert max(shares) - min(shares) <= Decimal("0.1")


@pytest.mark.parametrize(
    ("cycle", "days"),
    [
        (Cycle(7), [0, 7, 14]),
        (Cycle(14), [0, 14, 28]),
        (Cycle(7, 2), [0, 3, 7, 10]),
        (Cycle(7, 3), [0, 2, 4, 7]),
        (Cycle(7, 7), [0, 1, 2, 3, 4, 5, 6, 7]),
        (Cycle(7, 2, consecutive=True), [0, 1, 7, 8]),
    ],
)
def test_a_cycle_falls_on_whole_days(cycle: Cycle, days: list[int]) -> None:
    assert [cycle.day_of(number) for number in range(1, len(days) + 1)] == days


def test_the_plan_has_a_schema_with_the_names_it_prints() -> None:
    plan = start(product="hizentra", iv_interval_days=28)

    schema = SubcutaneousPlan.model_json_schema(mode="serialization", by_alias=True)

    assert set(json.loads(as_json(plan))) == set(schema["properties"])
    assert set(plan.sources) >= {name for one in plan.findings for name in one.sources}
