"""Controls of a start under the skin: the dose, the sites, the day, and what must never be infused there."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ivigil.cli.app import run
from ivigil.errors import BadInput
from ivigil.prescription.making import before_products
from ivigil.prescription.request import Request
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan
from tests.planning import START, formulary, history, patient, record
from tests.planning import plan as plan_into_a_vein
from tests.starting import BORNE, CIDP, LAST, PI, as_if_read, codes, start, text_of, with_policy

GIVEN = ("--region", "US", "--start", "2026-11-23T09:00:00-05:00")
UNDER_SKIN = ("--route", "sc", "--indication", PI, "--iv-interval-days", "28", *GIVEN)


def blocking(plan: SubcutaneousPlan, code: str) -> str:
    """How a blocking finding may be accepted; an error if it does not block."""
    found = [one.may_be.value for one in plan.findings if one.code == code and one.severity.value == "blocks"]
    assert found, f"{code} does not block: {sorted(codes(plan))}"
    return found[0]


@pytest.fixture
def patient_file(tmp_path: Path) -> str:
    path = tmp_path / "patient.json"
    path.write_text(json.dumps(record(immunoglobulin_history=[BORNE])), "utf-8")
    return str(path)


# ---- the dose


def test_the_dose_is_the_weekly_share_times_the_factor_in_force() -> None:
    """36 g every 3 weeks are 12 g a week; x 1.37 = 16.44 g (1.53: 18.36 g; without the weeks: 49.32 g).

    80 mL would need 6 sites of 15 mL; twice a week 8.22 g, 8 g in vials, 40 mL, are 3.
    """
    last = history("privigen", 12, last=LAST, last_dose_g=36)

    plan = start(raw=record(immunoglobulin_history=[last]), product="hizentra", iv_interval_days=21)

    assert plan.order.weekly_dose_g == Decimal("16.44")
    assert (plan.order.schedule, plan.order.dose_g, plan.infusions[0].sites) == ("2 times a week", 8, 3)


def test_the_weight_a_dose_was_counted_on_is_shown() -> None:
    """96 kg at 175 cm: BMI 31.3; ideal 50 + 2.3 x 8.898 = 70.5 kg; 70.46 + 0.4 x 25.54 = 80.7 kg; x 0.2 = 16.14 g."""
    plan = start(
        CIDP, record(weight_kg=96, height_cm=175, sex="male", immunoglobulin_history=[BORNE]), product="hizentra"
    )

    order = plan.order
    assert (order.dosing_weight_kg, order.weight_basis, order.weekly_dose_g) == (
        Decimal("80.7"),
        "adjusted",
        Decimal("16.14"),
    )


def test_a_printed_dose_per_kg_is_not_exceeded_by_vials() -> None:
    """0.2 g/kg x 68 kg = 13.6 g; 14 g is nearer, 13 g is given."""
    plan = start(CIDP, record(weight_kg=68, immunoglobulin_history=[BORNE]), product="hizentra")

    assert (plan.order.prescribed_dose_g, plan.order.dose_g) == (Decimal("13.6"), 13)


def test_a_part_vial_holds_the_volume_that_the_label_counts() -> None:
    """A child: 5 g / 4 weeks x 1.3 = 1.625 g; at 6 mL for a gram 9.75 mL, drawn as 9.7 mL; 0.1 mL are 0.0167 g."""
    raw = record(
        age_years=3,
        weight_kg=14,
        height_cm=95,
        labs=[],
        immunoglobulin_history=[history("privigen", 12, last=LAST, last_dose_g=5)],
    )

    one = start(raw=raw, product="cutaquig", iv_interval_days=28, times_per_week=1).infusions[0]

    assert one.total_ml == Decimal("9.7")
    assert one.dose_g == Decimal("1.617")
    assert one.dose_g + one.waste_g == 2


# ---- sites and rates


def test_a_volume_that_needs_more_sites_than_allowed_is_refused() -> None:
    """49 g / 3 weeks x 1.37 x 2 weeks = 44.753 g: 45 g, 225 mL at 15 mL a site are 15 sites."""
    raw = record(immunoglobulin_history=[history("privigen", 12, last="2026-11-09T09:00:00-05:00", last_dose_g=49)])

    plan = start(raw=raw, product="hizentra", iv_interval_days=21, interval_days=14)

    assert plan.order is None
    assert "225 mL of Hizentra at infusion 1 needs 15 sites of at most 15 mL; 4 at a time" in text_of(
        plan, "too-many-sites"
    )


def test_all_sites_together_stay_below_the_labels_rate() -> None:
    """35 kg: 8 sites of 20 mL at 15 mL/h are 120 mL/h; later 20 mL/h, 160 mL/h over all and never more."""
    raw = record(
        age_years=12,
        weight_kg=35,
        height_cm=140,
        immunoglobulin_history=[history("privigen", 12, last=LAST, last_dose_g=21)],
    )

    plan = start(raw=raw, product="gammagard_liquid_sc", iv_interval_days=21)

    assert [(one.sites, one.max_ml_per_h_per_site) for one in plan.infusions] == [(5, 15), (5, 20)]
    assert all(one.sites * one.max_ml_per_h_per_site <= 160 for one in plan.infusions)


def test_at_risk_of_a_clot_nothing_rises_unless_the_site_chose_the_label() -> None:
    raw = record(conditions=["previous_thrombosis"], immunoglobulin_history=[BORNE])
    facts = with_policy(as_if_read(PI), at_risk_limits="label")

    shipped = start(raw=raw, product="hizentra", iv_interval_days=28)
    chosen = start(raw=raw, product="hizentra", iv_interval_days=28, facts=facts)

    assert {one.max_ml_per_h_per_site for one in shipped.infusions} == {15}
    assert {one.max_ml_per_h_per_site for one in chosen.infusions} == {15, 25}
    assert any(one.topic == "At risk" and one.basis == "policy" for one in shipped.order.notes)


def test_the_lower_end_of_a_printed_range_is_planned_unless_the_site_chose_the_higher() -> None:
    """Printed as 10 to 20 mL/h for the first two infusions: 50 mL last 5 h, or 2 h 30 min."""
    facts = with_policy(as_if_read(PI), within_range="highest")

    low = start(product="cuvitru", iv_interval_days=28).infusions[0]
    high = start(product="cuvitru", iv_interval_days=28, facts=facts).infusions[0]

    assert (low.ml_per_h_per_site, low.max_ml_per_h_per_site, low.duration_min) == (10, 20, 300)
    assert (high.ml_per_h_per_site, high.duration_min) == (20, 150)


def test_the_slow_end_of_a_printed_growth_is_planned_unless_the_site_chose_the_fast() -> None:
    """10 mL a site every 2 to 4 weeks from 25 mL: the fifth weekly infusion may take 35 mL, or 40 mL (25 + 20, at most 40)."""
    facts = with_policy(as_if_read(PI), growth="fastest")

    slow = start(product="cutaquig", iv_interval_days=28)
    fast = start(product="cutaquig", iv_interval_days=28, facts=facts)

    assert [one.max_ml_per_site for one in slow.infusions][4] == 35
    assert [one.max_ml_per_site for one in fast.infusions][4] == 40
    assert "10 mL a site every 4 weeks, 10 mL/h" in next(one.text for one in slow.order.notes if one.topic == "Growth")


def test_a_site_may_refuse_to_divide_a_dose_when_sites_run_out() -> None:
    """60 g / 3 weeks x 1.37 = 27.4 g: 135 mL at 15 mL a site are 9 sites; four at a time: three times a week."""
    raw = record(
        weight_kg=100, height_cm=190, immunoglobulin_history=[history("privigen", 12, last=LAST, last_dose_g=60)]
    )
    facts = with_policy(as_if_read(PI), sites_run_out="refuse")

    divided = start(raw=raw, product="hizentra", iv_interval_days=21)
    refused = start(raw=raw, product="hizentra", iv_interval_days=21, facts=facts)

    assert divided.order.schedule == "3 times a week"
    assert "(policy)" in text_of(divided, "divided-to-fit-sites")
    assert "too-many-sites" in codes(refused)


# ---- when


def test_a_day_after_the_last_intravenous_infusion_is_too_early() -> None:
    raw = record(immunoglobulin_history=[history("privigen", 12, last="2026-11-22T09:00:00-05:00", last_dose_g=30)])

    plan = start(raw=raw, product="hizentra", iv_interval_days=28)

    assert plan.order is None
    assert blocking(plan, "start-too-early") == "overridden"
    assert "starts 7 days after the last intravenous infusion, on 2026-11-29" in text_of(plan, "start-too-early")


def test_where_no_label_day_was_read_policy_waits_a_week() -> None:
    raw = record(immunoglobulin_history=[history("privigen", 12, last="2026-11-20T09:00:00-05:00", last_dose_g=30)])

    plan = start(raw=raw, product="gammagard_liquid_sc", iv_interval_days=28)

    assert plan.order is None
    assert "Policy starts 7 days after the last intravenous infusion, on 2026-11-27" in text_of(plan, "start-too-early")
    assert "was not read; policy waits 7 days." in text_of(plan, "start-not-checked")


def test_a_plan_is_valid_for_a_week_from_its_first_infusion() -> None:
    """Planned on the 16th, right after the last infusion, for the 23rd: valid until the 30th."""
    plan = start(
        raw=record(weight_measured_on="2026-11-16", labs=[], immunoglobulin_history=[BORNE]),
        product="hizentra",
        iv_interval_days=28,
        start=datetime.fromisoformat("2026-11-16T14:00:00-05:00"),
        start_given=False,
    )

    assert plan.order.first_on.isoformat() == "2026-11-23"
    assert plan.valid_until.isoformat() == "2026-11-30T14:00:00-05:00"
    assert "2026-11-23, is planned" in text_of(plan, "start-assumed")


def test_a_schedule_that_the_label_does_not_print_is_refused() -> None:
    """Weekly is no interval of a product whose label ramps up to 3 or 4 weeks; every 25 days is none either."""
    weekly = start(product="hyqvia", iv_interval_days=28, times_per_week=1, facts=as_if_read(PI))
    odd = start(product="hyqvia", iv_interval_days=25, facts=as_if_read(PI))

    assert {"interval-not-labelled"} <= codes(weekly) & codes(odd)
    assert weekly.infusions == odd.infusions == ()


def test_two_sessions_of_a_printed_weekly_dose_may_be_asked_for() -> None:
    """14 g in two: 7 g on consecutive days."""
    plan = start(CIDP, product="hizentra", times_per_week=2)

    assert (plan.order.infusions_per_cycle, plan.order.consecutive_days, plan.order.dose_g) == (2, True, 7)


def test_a_ramp_up_that_the_label_wants_is_never_skipped() -> None:
    """The label's own example; and without the ramp of an interval nothing is planned at all."""
    ramped = start(product="hyqvia", iv_interval_days=28, facts=as_if_read(PI))
    without = start(CIDP, product="hyqvia", iv_interval_days=28, facts=as_if_read(CIDP))

    assert [one.dose_weeks for one in ramped.infusions] == [1, 2, 3, 4]
    assert ramped.infusions[0].dose_g == Decimal("7.5")
    assert "ramp-up-not-read" in codes(without)
    assert without.infusions == ()


# ---- never there


@pytest.mark.parametrize("indication", ["itp-adult", "itp-child", "itp-pregnancy"])
def test_immune_thrombocytopenia_is_never_treated_under_the_skin(indication: str) -> None:
    plan = start(indication, iv_interval_days=28)
    assert blocking(plan, "never-under-skin") == "neither"
    assert any(one.text.startswith(f"{plan.indication_name}: immunoglobulin is not given") for one in plan.findings)


def test_nor_is_anything_else_in_a_patient_who_has_it() -> None:
    raw = record(conditions=["itp"], immunoglobulin_history=[BORNE])

    plan = start(raw=raw, product="hizentra", iv_interval_days=28)

    assert blocking(plan, "never-under-skin") == "neither"
    assert text_of(plan, "never-under-skin").startswith(
        "Immune thrombocytopenia as a further condition: immunoglobulin"
    )
    assert plan.order is None


def test_a_product_for_a_vein_is_never_planned_under_the_skin() -> None:
    plan = start(product="privigen", iv_interval_days=28)

    assert blocking(plan, "wrong-route") == "neither"
    assert plan.infusions == ()


@pytest.mark.parametrize(
    ("product", "changes", "code"),
    [
        ("hizentra", {"conditions": ["hyperprolinaemia"]}, "hyperprolinaemia-proline"),
        ("hizentra", {"allergies": ["polysorbate_80"]}, "excipient-allergy"),
        ("cutaquig", {"allergies": ["corn"]}, "corn-maltose"),
        ("cutaquig", {"glucose_meter": "gdh_pqq"}, "glucose-meter-maltose"),
        ("cutaquig", {"allergies": ["polysorbate_80"]}, "excipient-allergy"),
        ("hyqvia", {"allergies": ["hyaluronidase"]}, "excipient-allergy"),
        ("hyqvia", {"allergies": ["human_albumin"]}, "excipient-allergy"),
        ("hizentra", {"conditions": ["volume_depletion"]}, "volume-depletion"),
    ],
    ids=lambda one: "-".join(word for part in one.values() for word in part) if isinstance(one, dict) else one,
)
def test_what_a_product_contains_restricts_under_the_skin_too(product: str, changes: dict[str, Any], code: str) -> None:
    raw = record(immunoglobulin_history=[BORNE], **changes)

    plan = start(raw=raw, product=product, iv_interval_days=28, facts=as_if_read(PI))

    assert blocking(plan, code) in {"neither", "overridden"}
    assert plan.order is None


def test_antibodies_to_iga_stop_every_product_under_the_skin() -> None:
    labs = [
        {"test": "anti_iga", "value": "positive", "taken_at": "2026-11-20T08:00:00-05:00"},
        {"test": "iga", "value": 0.01, "unit": "g/L", "taken_at": "2026-11-20T08:00:00-05:00"},
    ]
    borne = history("privigen", 12, last=LAST, last_dose_g=30, reactions=[{"kind": "rash_or_urticaria", "at": LAST}])
    raw = record(labs=labs, conditions=["iga_deficiency"], immunoglobulin_history=[borne])

    plan = start(raw=raw, iv_interval_days=28, facts=as_if_read(PI))

    assert blocking(plan, "anti-iga-with-prior-reaction") == "neither"
    assert plan.order is None


@pytest.mark.parametrize(
    "changes",
    [
        {"conditions": ["iga_deficiency", "previous_thrombosis", "renal_insufficiency"]},
        {"conditions": ["heart_failure"], "medicines": ["anticoagulant"]},
        {"conditions": ..., "allergies": ...},
        {"labs": []},
        {"age_years": ...},
    ],
)
def test_whatever_is_said_of_the_patient_for_a_vein_is_said_under_the_skin(changes: dict[str, Any]) -> None:
    """Of the patient alone; what a product or a dose brings is asked for that product and dose."""
    raw = record(immunoglobulin_history=[BORNE], **changes)
    request = Request(patient=patient(raw), region="US", start=START)
    said, _ = before_products(request, formulary(PI))

    under_skin = start(raw=raw, iv_interval_days=28)
    into_a_vein = plan_into_a_vein(raw, PI)

    assert set(said) <= set(under_skin.findings) & set(into_a_vein.findings)


# ---- the command


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--pdf", "x.pdf"), "A sheet on paper is not there yet for a start under the skin."),
        (("--stock", "x.json"), "Choosing vials from a stock list is not there yet"),
        (("--off-label", "why"), "A start plan under the skin does not take this option."),
        (("--price-per-g", "80", "--currency", "USD"), "--price-per-g: 80"),
        (("--ceiling-ml-per-h", "80"), "A start plan under the skin does not take this option."),
        (("--phase", "loading"), "Under the skin only a maintenance is started."),
    ],
)
def test_what_a_start_would_not_heed_is_refused(
    patient_file: str, more: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", patient_file, *UNDER_SKIN, *more]) == 2

    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""


def test_a_cohort_is_refused(patient_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--batch", patient_file, *UNDER_SKIN]) == 2
    assert "A cohort is not there yet for a start under the skin." in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--iv-dose-g", "--iv-interval-days", "--times-per-week"])
def test_its_options_are_refused_in_a_plan_into_a_vein(
    patient_file: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", patient_file, "--indication", PI, *GIVEN, option, "7"]) == 2
    assert "This option belongs to a start under the skin." in capsys.readouterr().err


def test_the_command_plans_signs_and_does_not_print(
    patient_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", patient_file, *UNDER_SKIN, "--product", "hizentra", "--json"]) == 0
    plan = capsys.readouterr().out
    (tmp_path / "plan.json").write_text(plan, "utf-8")

    assert run(["sign", str(tmp_path / "plan.json"), "--by", "Synthetic P.", "--role", "prescriber"]) in {0, 4}
    said = capsys.readouterr()
    assert run(["print", str(tmp_path / "plan.json"), "--pdf", str(tmp_path / "x.pdf")]) == 4
    assert "A start under the skin has no sheet on paper yet." in capsys.readouterr().err
    assert not (tmp_path / "x.pdf").exists()
    # The clock decides whether a plan of 2026 may still be signed; the signature is of this plan either way.
    assert json.loads(plan)["plan_id"] in said.out or "This plan was valid until" in said.err


def test_an_altered_start_is_not_signed(patient_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["plan", patient_file, *UNDER_SKIN, "--product", "hizentra", "--json"])
    altered = json.loads(capsys.readouterr().out)
    altered["order"]["dose_g"] = 40
    (tmp_path / "plan.json").write_text(json.dumps(altered), "utf-8")

    assert run(["sign", str(tmp_path / "plan.json"), "--by", "Synthetic P.", "--role", "prescriber"]) == 4
    assert "The plan's content does not match its id." in capsys.readouterr().err


def test_one_schedule_at_a_time() -> None:
    with pytest.raises(BadInput, match="Give one of --times-per-week and --days"):
        start(CIDP, product="hizentra", times_per_week=2, days=2)


def test_what_a_start_does_not_have_yet_is_said_in_words(
    patient_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", patient_file, *UNDER_SKIN, "--product", "hizentra", "--json"]) == 0
    made = tmp_path / "start.json"
    made.write_text(capsys.readouterr().out, "utf-8")

    assert run(["summary", str(made), "--pdf", str(tmp_path / "out.pdf")]) == 4
    assert "A start under the skin has no summary yet." in capsys.readouterr().err
    assert not (tmp_path / "out.pdf").exists()
