"""What a label says a use is limited by is shown and applied; reviews have a date; home and sex ask what they must."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ivigil.assessment.report import Assessment, assess
from ivigil.cli.opening import library_of
from ivigil.documents.assessment_terminal import render_assessment
from ivigil.errors import BadInput
from ivigil.findings import Finding
from ivigil.knowledge.checks.words import limitations_hold
from ivigil.knowledge.products import Product
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Plan
from ivigil.prescription.request import Request
from ivigil.prescription.setting import choose_setting
from tests.planning import START, codes, formulary, history, opened, patient, plan, record

PRODUCTS = Path("src/ivigil/knowledge/data/products")
HEART = {"conditions": ["heart_failure"]}
HIGH = "label-limit-volume"


def assessed(raw: dict[str, Any], indication: str, at: str = "2026-11-22", start: str | None = None) -> Assessment:
    moment, first = (None if day is None else datetime.fromisoformat(f"{day}T09:00:00-05:00") for day in (at, start))
    assert moment is not None
    return assess(patient(raw), "US", moment, library_of(opened(), indication), first)


def shown(made: Assessment) -> str:
    console = Console(record=True, width=2000, file=StringIO())
    render_assessment(made, console)
    return console.export_text()


def found(made: Plan, code: str) -> Finding:
    assert code in codes(made)
    return next(finding for finding in made.findings if finding.code == code)


# ---- limitations


def test_every_limitation_in_the_files_is_typed_and_loaded() -> None:
    written = {
        (path.stem, region, use, key)
        for path in PRODUCTS.glob("*.toml")
        for region, label in tomllib.loads(path.read_text())["labels"].items()
        for use, row in label.get("uses", {}).items()
        for key in row.get("limitations", {})
    }
    loaded = {
        (product.id, region, name, key)
        for product in opened().products
        for region, label in product.labels.items()
        for name, use in label.uses.items()
        for key in use.limitations
    }
    assert written == loaded
    # The two lists headed "limitations" in the facts, the MMN trial's first dose, and Kawasaki's window of 7 days.
    assert {
        ("gammagard_liquid", "US", "CIDP", "naive"),
        ("gammagard_liquid", "US", "CIDP", "duration"),
        ("privigen", "US", "CIDP", "duration"),
        ("gammagard_liquid", "US", "MMN", "naive"),
        ("gammagard_sd", "US", "Kawasaki", "onset"),
    } <= loaded


def test_volume_concern_stops_the_high_daily_dose_and_the_five_days_are_proposed() -> None:
    well = plan(record(), "itp-adult", product="gamunex_c")
    assert well.prescription is not None
    assert well.prescription.regimen == "two-days"
    assert HIGH not in codes(well)
    made = plan(record(**HEART), "itp-adult", product="gamunex_c")
    assert made.prescription is not None
    assert (made.status, made.prescription.regimen, len(made.infusions)) == ("planned", "five-days", 5)
    assert HIGH not in codes(made)


@pytest.mark.parametrize("asked", [{"regimen": "two-days"}, {"days": 2}])
def test_the_high_daily_dose_asked_for_by_name_or_days_stops_and_may_be_overridden(asked: dict[str, Any]) -> None:
    made = plan(record(**HEART), "itp-adult", product="gamunex_c", **asked)
    finding = found(made, HIGH)
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")
    assert finding.text == "Not the high daily dose where fluid volume is expanded or a concern."
    assert finding.sources == ("gamunex_c/M1", "gamunex_c/C4")
    assert "0.4 g/kg on 5 days" in (finding.remedy or "")
    again = plan(record(**HEART), "itp-adult", product="gamunex_c", accept=(HIGH,), **asked)
    assert again.status == "planned"
    assert again.prescription is not None
    assert again.prescription.regimen == "two-days"


def test_the_barred_regimen_is_not_proposed_even_where_a_site_divides_over_the_fewest_days() -> None:
    facts = formulary("itp-adult")
    dose = facts.policies.dose
    fewest = dose.model_copy(update={"at_risk_days": dose.at_risk_days.model_copy(update={"value": "fewest"})})
    site = replace(facts, policies=facts.policies.model_copy(update={"dose": fewest}))
    made = plan(record(**HEART), "itp-adult", product="gamunex_c", facts=site)
    assert made.status == "planned"
    assert made.prescription is not None
    assert made.prescription.regimen == "five-days"


def test_an_earlier_overload_is_a_volume_concern_as_well() -> None:
    overloaded = history("gamunex_c", reactions=[{"kind": "taco", "grade": 2}])
    made = plan(record(immunoglobulin_history=[overloaded]), "itp-adult", product="gamunex_c", regimen="two-days")
    assert HIGH in codes(made)


def test_conditions_that_nobody_recorded_leave_the_limitation_open_and_say_so() -> None:
    made = plan(record(conditions=...), "itp-adult", product="gamunex_c", regimen="two-days")
    finding = found(made, f"{HIGH}-unknown")
    assert finding.severity == "warns"
    assert "not recorded" in finding.text
    assert HIGH not in codes(made)


def test_a_limitation_nobody_read_applies_and_says_that_it_was_not_verified() -> None:
    made = plan(record(**HEART), "itp-adult", product="gammaked", regimen="two-days")
    finding = found(made, HIGH)
    assert finding.severity == "blocks"
    assert not finding.verified
    assert finding.text.endswith("This restriction was not verified on a label; it applies all the same.")


def test_where_volume_is_a_risk_the_product_spread_over_most_days_is_proposed_first() -> None:
    made = plan(record(**HEART), "itp-adult")
    assert made.prescription is not None
    assert (made.prescription.product, len(made.infusions)) == ("gamunex_c", 5)


def test_the_second_gram_may_be_left_out_is_said_only_for_the_regimen_that_has_one() -> None:
    assert "label-limit-second-dose" in codes(plan(record(), "itp-adult", product="gamunex_c"))
    five = plan(record(), "itp-adult", product="gamunex_c", regimen="five-days")
    assert "label-limit-second-dose" not in codes(five)
    assert "label-limit-route" in codes(five)


def test_a_first_treatment_of_cidp_is_warned_where_the_product_was_not_studied_in_one() -> None:
    loading: dict[str, Any] = {"product": "gammagard_liquid", "phase": Phase.LOADING}
    naive = plan(record(), "cidp", **loading)
    assert found(naive, "label-limit-naive").severity == "warns"
    assert "none is recorded for this patient" in found(naive, "label-limit-naive").text
    treated = plan(record(immunoglobulin_history=[history("privigen")]), "cidp", **loading)
    assert "label-limit-naive" not in codes(treated)
    unknown = plan(record(immunoglobulin_history=...), "cidp", **loading)
    assert "not recorded whether" in found(unknown, "label-limit-naive-unknown").text


@pytest.mark.parametrize("product", ["gammagard_liquid", "privigen"])
def test_how_long_maintenance_was_studied_is_said_of_maintenance_only(product: str) -> None:
    treated = record(immunoglobulin_history=[history(product)])
    made = plan(treated, "cidp", product=product, phase=Phase.MAINTENANCE)
    assert found(made, "label-limit-duration").text == "Maintenance beyond 6 months was not studied."
    assert "label-limit-duration" not in codes(plan(treated, "cidp", product=product, phase=Phase.LOADING))


# ---- the first review


@pytest.mark.parametrize(
    ("indication", "start", "on"),
    [
        ("cidp", "2026-11-23", "2027-05-23"),  # Ontario: no later than 6 months
        ("stiff-person-syndrome", "2027-08-31", "2028-02-29"),  # 6 months from a day that February does not have
        ("itp-adult", "2026-11-23", "2026-11-30"),  # day 7
        ("dermatomyositis-adult", "2026-11-23", "2027-03-15"),  # week 16: 7 days of November, 31, 31, 28, 15
        ("secondary-immunodeficiency-car-t", "2026-12-31", "2027-01-31"),  # monthly
    ],
)
def test_the_first_review_is_a_date_counted_from_the_start(indication: str, start: str, on: str) -> None:
    made = assessed(record(), indication, start=start)
    due = made.first_review
    assert (due.on.isoformat(), due.counted_from.isoformat(), due.start_planned) == (on, start, True)
    assert due.line.basis == "source"
    assert set(due.line.sources) <= set(made.sources)
    assert f"First review by {on} (counted from {start}, the planned start)." in shown(made)


@pytest.mark.parametrize(
    ("indication", "on"),
    [("guillain-barre-syndrome", "2026-12-20"), ("secondary-immunodeficiency-cll", "2027-05-22")],
)
def test_without_a_source_policy_gives_the_date_and_says_so(indication: str, on: str) -> None:
    made = assessed(record(), indication)  # 28 days for a single course, 6 months at an interval
    assert (made.first_review.on.isoformat(), made.first_review.line.basis) == (on, "policy")
    screen = shown(made)
    assert f"First review by {on} (counted from 2026-11-22, this assessment; no start was given)." in screen
    assert "By policy: no source of this condition gives a day." in screen


def test_a_patient_treated_before_is_told_to_count_from_the_treatments_own_start() -> None:
    treated = assessed(record(immunoglobulin_history=[history("privigen")]), "cidp")
    assert "Treated before: if it is the same treatment, count from its own start." in shown(treated)
    assert "Treated before" not in shown(assessed(record(), "cidp"))


def test_a_start_before_the_assessment_is_refused() -> None:
    with pytest.raises(BadInput, match="The planned start lies before the assessment"):
        assessed(record(), "cidp", at="2026-11-23", start="2026-11-22")


# ---- home, and the sex of a condition


@pytest.mark.parametrize(("grade", "setting"), [(2, "home"), (3, "hospital"), (4, "hospital")])
def test_a_grave_reaction_of_a_mild_kind_excludes_home(grade: int, setting: str) -> None:
    planned = {"by": "Synthetic S.", "role": "specialist", "at": "2026-10-01T09:00:00-05:00", "text": "same product"}
    before = history("octagam_10", last="2026-08-01T09:00:00-05:00", reactions=[{"kind": "headache", "grade": grade, "specialist_plan": planned}])  # fmt: skip
    raw = record(immunoglobulin_history=[before, history("privigen")], setting_wish="home")
    policy, formed = opened().policies.setting, formulary("primary-immunodeficiency")
    asked = Request(patient=patient(raw), region="US", start=START)
    privigen = next(one for one in opened().products if one.id == "privigen")
    chosen, said = choose_setting(asked, formed, privigen)
    assert policy.home_excluding_from_grade.value == 3
    assert chosen == setting
    assert (f"grade {grade} to immunoglobulin is recorded" in said[0].text) is (setting != "home")


@pytest.mark.parametrize(
    ("indication", "sex", "age", "asked"),
    [
        ("itp-pregnancy", "male", 30, True),
        ("itp-pregnancy", "female", 30, False),
        ("itp-pregnancy", ..., 30, False),
        ("recurrent-miscarriage", "male", 30, True),
        ("fnait", "male", 30, True),
        ("fnait", "male", 0.1, False),  # a newborn boy has it
        ("neonatal-haemochromatosis", "male", 0.1, False),
        ("cidp", "male", 30, False),
    ],
)
def test_a_condition_of_one_sex_asks_when_the_other_is_recorded(
    indication: str, sex: Any, age: float, asked: bool
) -> None:
    raw = record(sex=sex, age_years=age, weight_kg=4 if age < 1 else 70, height_cm=...)
    made = plan(raw, indication, phase=Phase.COURSE, off_label="reason")
    assert ("sex-unusual-for-condition" in codes(made)) is asked
    assert ("sex-unusual-for-condition" in {one.code for one in assessed(raw, indication).findings}) is asked
    if asked:
        finding = found(made, "sex-unusual-for-condition")
        assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")
        assert "the sex recorded is male" in finding.text


# ---- the assessment as it is read


def test_what_concerns_this_patient_stands_first() -> None:
    screen = shown(assessed(record(conditions=["heart_failure"]), "mmn"))
    assert "This patient" in screen
    assert 0 < screen.index("This patient") < screen.index("heart-failure") < screen.index("Where it stands")


def test_where_it_may_be_given_names_number_supervisor_and_kit() -> None:
    screen = shown(assessed(record(), "cidp"))
    assert "Home only after 3 uneventful supervised infusions of the same product, with a named supervisor." in screen
    assert "Home only with a complete kit: adrenaline" in screen
    assert "any of grade 3 or more" in screen


@pytest.mark.parametrize("indication", ["mmn", "vitt", "cidp"])
def test_what_to_heed_beside_plasma_exchange_and_fcrn_blockers_is_said(indication: str) -> None:
    screen = shown(assessed(record(), indication))
    assert "immunoglobulin given shortly before it is largely wasted" in screen
    assert "FcRn blockers: Immunoglobulin and therapeutic IgG antibodies bind FcRn" in screen


def test_a_grade_and_an_edition_are_said_once() -> None:
    screen = shown(assessed(record(), "secondary-immunodeficiency-cll"))
    assert "AAAAI work group 2022: " in screen
    assert "2022 2022" not in screen
    gbs = shown(assessed(record(), "guillain-barre-syndrome"))
    assert "· Australia Criteria level of evidence [1] [" in gbs


def test_a_regimen_in_figures_is_shown_in_figures() -> None:
    assert "2 g/kg over 2 to 5 days. Divided doses." in shown(assessed(record(), "mmn"))


def test_vitt_is_treated_before_the_tests_come_back() -> None:
    assert "PF4 antibody is positive; treatment does not wait for the test." in shown(assessed(record(), "vitt"))


@pytest.mark.parametrize("indication", ["itp-adult", "itp-child", "itp-pregnancy"])
def test_the_route_under_the_skin_is_named_as_wrong_in_itp(indication: str) -> None:
    screen = shown(assessed(record(), indication))
    assert (
        "wrong when: Always in immune thrombocytopenia: the Gamunex-C label forbids the subcutaneous route." in screen
    )


def test_steroids_are_named_as_wrong_in_mmn() -> None:
    assert "wrong when: Always in MMN: never an alternative to immunoglobulin" in shown(assessed(record(), "mmn"))


def test_a_limitation_with_a_word_nobody_knows_is_reported() -> None:
    gamunex = next(one for one in opened().products if one.id == "gamunex_c")
    raw = gamunex.model_dump()
    odd = {"kind": "has_condition", "any": ("broken_heart",)}
    raw["labels"]["US"]["uses"]["ITP"]["limitations"]["volume"]["when"] = odd
    rows = list(limitations_hold(Product.model_validate(raw), "products/gamunex_c.toml", opened().vocabulary))
    assert any("broken_heart" in row.message and "limitations.volume" in row.where for row in rows)
    assert list(limitations_hold(gamunex, "products/gamunex_c.toml", opened().vocabulary)) == []


def test_a_limitation_of_a_regimen_the_use_does_not_have_is_refused() -> None:
    gamunex = next(one for one in opened().products if one.id == "gamunex_c")
    raw = gamunex.model_dump()
    raw["labels"]["US"]["uses"]["ITP"]["limitations"]["volume"]["regimens"] = ("three-days",)
    with pytest.raises(ValueError, match="three-days"):
        Product.model_validate(raw)


def test_a_product_not_studied_in_such_a_patient_is_not_proposed_before_one_that_was() -> None:
    """A naive patient with CIDP was offered the one product whose label says that it was not studied in such."""
    made = plan(record(), "cidp", phase=Phase.LOADING)

    assert made.prescription is not None
    assert made.prescription.product != "gammagard_liquid"
    assert "label-limit-naive" not in codes(made)


@pytest.mark.parametrize(
    "change",
    [
        {"conditions": ["previous_thrombosis"]},
        {"labs": [{"test": "creatinine", "value": 2.4, "unit": "mg/dL", "taken_at": "2026-11-20T08:00:00-05:00"}]},
        {"conditions": ["heart_failure"]},
    ],
)
def test_privigens_two_days_in_thrombocytopenia_ask_to_weigh_the_risks(change: dict[str, Any]) -> None:
    made = plan(record(**change), "itp-adult", product="privigen")
    said = next(one for one in made.findings if one.code == "label-limit-high-dose")
    assert (said.severity.value, said.sources) == ("warns", ("privigen/C4",))


def test_privigens_risks_that_nobody_recorded_are_weighed_as_if_they_were_there() -> None:
    raw = record()
    del raw["conditions"]
    assert "label-limit-high-dose" in codes(plan(raw, "itp-adult", product="privigen"))
