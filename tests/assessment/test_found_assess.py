"""What a prescriber found in assessments: old results, pregnancy by test, IgA of a small child, labels left out."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ivigil.assessment.lines import Met
from ivigil.assessment.report import Assessment, assess
from ivigil.assessment.screening.decide import PREGNANCY, PREGNANCY_TEST, parts
from ivigil.cli.app import run
from ivigil.cli.opening import library_of
from ivigil.findings import Finding, Severity
from ivigil.knowledge import rules
from tests.planning import START, codes, opened, patient, plan, record


def lab(test: str, value: float | str, unit: str | None = None, days: float = 3) -> dict[str, Any]:
    """A result taken so many days before the start."""
    found = {"test": test, "value": value, "taken_at": (START - timedelta(days=days)).isoformat()}
    return found if unit is None else found | {"unit": unit}


def assessed(condition: str, at: datetime = START, region: str = "US", **changes: Any) -> Assessment:
    return assess(patient(record(**changes)), region, at, library_of(opened(), condition))


def finding(made: Assessment, code: str) -> Finding:
    found = [one for one in made.findings if one.code == code]
    assert len(found) == 1, code
    return found[0]


def shown(capsys: pytest.CaptureFixture[str], tmp_path: Any, condition: str, **changes: Any) -> str:
    import json

    path = tmp_path / "patient.json"
    path.write_text(json.dumps(record(**changes)), "utf-8")
    assert run(["assess", str(path), "--indication", condition, "--region", "US", "--at", START.isoformat()]) == 0
    return " ".join(capsys.readouterr().out.split())


# ---- a result too old to decide


@pytest.mark.parametrize(
    ("condition", "test", "value", "unit", "days", "status"),
    [
        # By policy a platelet count counts 7 days, an IgG 90, a direct antiglobulin test 7.
        ("itp-adult", "platelets", 12, "10*9/L", 7, Met.MET),
        ("itp-adult", "platelets", 12, "10*9/L", 8, Met.NOT_RECORDED),
        ("itp-adult", "platelets", 120, "10*9/L", 8, Met.NOT_RECORDED),
        ("secondary-immunodeficiency-cll", "igg", 3.9, "g/L", 90, Met.MET),
        ("secondary-immunodeficiency-cll", "igg", 3.9, "g/L", 91, Met.NOT_RECORDED),
        ("secondary-immunodeficiency-cll", "igg", 8, "g/L", 91, Met.NOT_RECORDED),
        ("secondary-immunodeficiency-car-t", "igg", 3.9, "g/L", 91, Met.NOT_RECORDED),
        ("haemolytic-disease-of-newborn", "direct_antiglobulin_test", "positive", None, 7, Met.MET),
        ("haemolytic-disease-of-newborn", "direct_antiglobulin_test", "positive", None, 8, Met.NOT_RECORDED),
    ],
)
def test_a_result_older_than_policy_neither_meets_nor_fails_a_criterion(
    condition: str, test: str, value: float | str, unit: str | None, days: float, status: Met
):
    made = assessed(condition, labs=[lab(test, value, unit, days)])
    found = {one.status for one in made.criteria if one.computed}
    assert status in found
    assert status is Met.MET or found == {status}


def test_an_old_value_and_the_policy_are_named():
    made = assessed("itp-adult", labs=[lab("platelets", 12, "10*9/L", 1098)])
    criterion = next(one for one in made.criteria if one.computed)
    assert [line.text for line in criterion.too_old] == [
        "Too old: platelets 12 10*9/L of 2023-11-21, 1098 days before. A criterion counts a result of at most 7 days: measure it again."
    ]
    assert [line.basis for line in criterion.too_old] == ["policy"]
    assert [(one.shown, one.on, one.too_old) for one in criterion.rests_on] == [("12 10*9/L", date(2023, 11, 21), True)]


def test_a_criterion_shows_the_value_and_the_date_it_was_computed_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Any
):
    made = assessed("itp-adult", labs=[lab("platelets", 12000, "/uL")])
    criterion = next(one for one in made.criteria if one.computed)
    assert [(one.what, one.test, one.shown, one.on, one.days_old, one.too_old) for one in criterion.rests_on] == [
        ("platelets", "platelets", "12000 /uL (12 10*9/L)", date(2026, 11, 20), 3, False)
    ]
    screen = shown(capsys, tmp_path, "itp-adult", labs=[lab("platelets", 12000, "/uL")])
    assert "✓ met (platelets 12000 /uL (12 10*9/L) of 2026-11-20): American Society of Hematology 2011 (US)" in screen
    screen = shown(capsys, tmp_path, "itp-adult", labs=[lab("platelets", 12, "10*9/L", 30)])
    assert "? not recorded: American Society of Hematology 2011 (US)" in screen
    assert "Too old: platelets 12 10*9/L of 2026-10-24, 30 days before." in screen
    assert "(policy)" in screen.split("Too old: ")[1][:160]


def test_every_test_a_criterion_asks_for_has_an_age_of_its_own():
    asked = {
        getattr(part, "test", PREGNANCY_TEST)
        for condition in opened().indications
        for criterion in condition.eligibility.values()
        if criterion.when is not None
        for part in parts(criterion.when)
        if isinstance(part, rules.LabBelow | rules.LabAbove | rules.LabPositive | rules.Pregnant)
    }
    assert asked == set(opened().policies.criteria.lab_within_days)
    # An eGFR has no age here: a criterion that asks for one needs a row of its own first.
    unbounded = (rules.EgfrBelow, rules.LabMissing)
    assert not any(
        isinstance(part, unbounded)
        for condition in opened().indications
        for criterion in condition.eligibility.values()
        if criterion.when is not None
        for part in parts(criterion.when)
    )


def test_a_younger_result_decides_and_the_older_one_is_not_spoken_of():
    labs = [
        lab("pregnancy_test", "positive", days=300),
        lab("pregnancy_test", "positive"),
        lab("platelets", 9, "10*9/L"),
    ]
    criterion = next(one for one in assessed("itp-pregnancy", labs=labs).criteria if one.computed)
    assert (criterion.status, criterion.too_old) == (Met.MET, ())


def test_what_restricts_counts_at_any_age():
    # A low platelet count of years ago is no criterion; an IgA of years ago still warns.
    assert "iga-deficiency" in {one.code for one in assessed("cidp", labs=[lab("iga", 0.01, "g/L", 2000)]).findings}


# ---- pregnancy by a positive test


@pytest.mark.parametrize(
    ("changes", "days", "result", "status"),
    [
        ({"conditions": []}, 3, "positive", Met.MET),
        ({"conditions": ...}, 3, "positive", Met.MET),
        ({"conditions": ["pregnancy"]}, 3, "negative", Met.MET),
        ({"conditions": []}, 3, "negative", Met.NOT_MET),
        ({"conditions": ...}, 3, "negative", Met.NOT_RECORDED),
        # 36 weeks after a positive test nobody knows.
        ({"conditions": []}, 252, "positive", Met.MET),
        ({"conditions": []}, 253, "positive", Met.NOT_RECORDED),
    ],
)
def test_a_positive_pregnancy_test_counts_for_the_criterion_as_for_screening(
    changes: dict[str, Any], days: float, result: str, status: Met
):
    labs = [lab("platelets", 9, "10*9/L"), lab("pregnancy_test", result, days=days)]
    made = assessed("itp-pregnancy", labs=labs, **changes)
    assert next(one for one in made.criteria if one.computed).status is status
    if result == "positive":
        assert "pregnancy" in {one.code for one in assessed("cidp", labs=labs, **changes).findings}


def test_pregnancy_is_named_by_words_of_the_vocabulary():
    assert PREGNANCY in opened().vocabulary.conditions
    assert opened().vocabulary.labs[PREGNANCY_TEST].qualitative


# ---- IgA of a small child


def test_a_low_iga_below_four_years_informs_and_is_no_deficiency():
    small: dict[str, Any] = {"age_years": 0.7, "weight_kg": 8, "height_cm": 70, "labs": [lab("iga", 0.06, "g/L")]}
    made = assessed("primary-immunodeficiency", **small)
    assert {"iga-deficiency", "anti-iga-missing"}.isdisjoint({one.code for one in made.findings})
    low = finding(made, "iga-low-young-child")
    assert (low.severity, low.text) == (
        Severity.INFORMS,
        "IgA is below 0.07 g/L. That is low for an adult and may be normal at this age: IgA deficiency is defined over 4 years of age.",
    )


def test_antibodies_to_iga_with_a_reaction_block_at_every_age():
    from tests.planning import history

    reacted = history("gammagard_liquid", uneventful_supervised_infusions=0, reactions=[{"kind": "hypotension"}])
    small: dict[str, Any] = {"age_years": 2, "weight_kg": 12, "height_cm": 86, "immunoglobulin_history": [reacted]}
    low = lab("iga", 0.06, "g/L")
    made = assessed("primary-immunodeficiency", labs=[low, lab("anti_iga", "positive")], **small)
    assert finding(made, "anti-iga-with-prior-reaction").severity is Severity.BLOCKS
    untested = assessed("primary-immunodeficiency", labs=[low], **small)
    assert finding(untested, "anti-iga-missing-after-reaction").severity is Severity.BLOCKS


# ---- kidneys: what was entered, what is missing


def test_creatinine_is_shown_as_it_was_entered():
    # 97 umol/L x 0.011312 = 1.097 mg/dL, to three figures 1.1.
    made = assessed("cidp", labs=[lab("creatinine", 97, "umol/L")])
    text = finding(made, "egfr").text
    assert "creatinine 97 umol/L (1.1 mg/dL) of 2026-11-20" in text
    assert "1.097" not in text
    assert "creatinine 0.8 mg/dL of 2026-11-20" in finding(assessed("cidp"), "egfr").text


def test_an_unlikely_value_is_named_as_entered_beside_the_limits_with_their_unit():
    made = assessed("cidp", labs=[lab("creatinine", 1000, "umol/L")])
    # 1000 umol/L x 0.011312 = 11.3 mg/dL; expected up to 10.
    said = finding(made, "creatinine-unlikely").text
    assert "1000 umol/L (11.3 mg/dL) is unlikely (expected 0.15 to 10 mg/dL)" in said


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"sex": ...}, "missing is the sex."),
        ({"age_years": 13, "weight_kg": 45, "height_cm": ...}, "missing is the height."),
        ({"age_years": ...}, "missing is the age, and sex (adults) or height (children)."),
        ({"age_years": 0.7, "weight_kg": 8, "height_cm": 70}, "no equation here holds below 1 year of age."),
    ],
)
def test_an_egfr_that_cannot_be_worked_out_says_what_is_missing(changes: dict[str, Any], missing: str):
    # 0.4 mg/dL lies below every fixed limit (0.5 below 2 years): no other rule speaks.
    labs = [lab("creatinine", 0.4, "mg/dL")]
    made = assessed("primary-immunodeficiency", labs=labs, **changes)
    assert "creatinine-raised" not in {one.code for one in made.findings}
    said = finding(made, "egfr-not-worked-out")
    assert missing in said.text
    assert "creatinine 0.4 mg/dL of 2026-11-20" in said.text
    # Below a year nobody can record what is missing, so it only informs.
    assert said.severity is (Severity.INFORMS if "no equation" in missing else Severity.WARNS)
    assert "egfr-not-worked-out" in codes(plan(record(labs=labs, **changes), "primary-immunodeficiency"))


def test_nothing_is_missing_without_a_creatinine_or_with_an_egfr():
    for labs in ([], [lab("egfr", 90, "mL/min/1.73 m2")]):
        made = assessed("cidp", sex=..., labs=labs)
        assert "egfr-not-worked-out" not in {one.code for one in made.findings}


# ---- labels and conflicts


@pytest.mark.parametrize(
    ("condition", "changes", "says"),
    [
        ("mmn", {}, "maintenance, US label of Gammagard Liquid: 0.5 to 2.4 g/kg per month, by response."),
        ("kawasaki-disease", {}, "label of Gammagard S/D"),
        ("itp-adult", {}, "1 g/kg daily on 2 consecutive days."),
    ],
)
def test_the_labels_own_doses_are_shown(
    condition: str, changes: dict[str, Any], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Any
):
    assert says in shown(capsys, tmp_path, condition, **changes)
    labels = assessed(condition, **changes).labelled_here
    assert labels
    assert all(one.regimens for one in labels)


def test_every_dose_of_every_label_here_is_in_the_assessment():
    for condition in ("primary-immunodeficiency", "itp-adult", "cidp"):
        printed = {
            (product.id, regimen.text)
            for product in opened().products
            if (label := product.labels.get("US")) is not None
            for use in label.uses.values()
            if condition in use.indications
            for regimen in use.regimens.values()
        }
        made = assessed(condition)
        assert {(one.product, line.line.text) for one in made.labelled_here for line in one.regimens} == printed


def test_a_recorded_conflict_is_shown(capsys: pytest.CaptureFixture[str], tmp_path: Any):
    made = assessed("kawasaki-disease")
    assert [line.text for line in made.conflicts] == [
        "US label 1 g/kg once or 400 mg/kg x4 days within 7 days; guidelines and European wording 2 g/kg once within 10 days."
    ]
    screen = shown(capsys, tmp_path, "kawasaki-disease")
    assert "Where sources disagree · US label 1 g/kg once or 400 mg/kg x4 days within 7 days" in screen


@pytest.mark.parametrize(
    ("age", "brands"),
    # Labels as the knowledge base read them: Flebogamma 10% DIF from 2 years, Privigen from 15.
    [(6, {"Flebogamma 10% DIF"}), (16, {"Flebogamma 10% DIF", "Privigen"})],
)
def test_a_label_that_names_the_condition_at_this_age_is_said_under_the_headline(
    age: float, brands: set[str], capsys: pytest.CaptureFixture[str], tmp_path: Any
):
    child: dict[str, Any] = {
        "age_years": age,
        "weight_kg": 22 if age == 6 else 60,
        "height_cm": 116 if age == 6 else 165,
    }
    made = assessed("itp-child", **child)
    assert made.status_group == "guideline_supported_off_label"
    assert made.status_note.startswith("Labels in US name this condition at this age: ")
    assert all(brand in made.status_note for brand in brands)
    assert ("Privigen" in made.status_note) == ("Privigen" in brands)
    assert made.status_note in shown(capsys, tmp_path, "itp-child", **child)


def test_no_note_where_no_label_holds_or_the_headline_says_it():
    assert assessed("itp-child", age_years=...).status_note == ""
    assert assessed("mmn").status_note == ""
    assert assessed("autism").status_note == ""


# ---- first reviews


def test_the_first_review_of_kawasaki_disease_is_when_a_second_dose_would_be_given():
    # 10 to 12 hours of infusion and 36 hours after its end: 46 to 48 hours after the start.
    due = assessed("kawasaki-disease").first_review
    assert (due.on, due.line.sources) == (date(2026, 11, 25), ("conditions/etg_kd",))
    assert "36 hours after the end" in due.line.text


def test_the_first_review_of_treatment_before_birth_lies_before_birth():
    due = assessed("fnait").first_review
    assert (due.on, due.line.basis) == (date(2026, 12, 21), "policy")


def test_every_condition_with_a_review_of_its_own_exists():
    assert set(opened().policies.review.within_days_for) <= set(opened().indication_ids)


# ---- brand names


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("Vyvgart", "fcrn_blocker"),
        ("Vyvgart Hytrulo", "fcrn_blocker"),
        ("Rystiggo", "fcrn_blocker"),
        ("Imaavy", "fcrn_blocker"),
        ("Yasmin", "oestrogen"),
        ("the pill", "oestrogen"),
        ("NuvaRing", "oestrogen"),
        ("Advil", "nsaid"),
        ("Aleve", "nsaid"),
        ("Nurofen", "nsaid"),
    ],
)
def test_brand_names_are_understood(written: str, word: str):
    assert patient(record(medicines=[written])).listed("medicines") == frozenset({word})
    inside = patient(record(medicines=[{"text": f"takes {written} since May"}]))
    assert word in inside.in_texts("medicines")
    assert "not read on a page" in opened().vocabulary.medicines[word].note
