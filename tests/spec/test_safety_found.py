"""Ways round a rule that were found by attack, each closed and kept closed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ivigil.cli.plan import _typed
from ivigil.errors import BadInput, BadKnowledge, ImpossibleValue
from ivigil.knowledge.overlay import read_replacements
from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.prescription.plan import sign
from ivigil.prescription.stock import StockRow
from tests.planning import START, TAKEN, codes, history, opened, patient, plan, record

LOADING: dict[str, Any] = {"product": "gammagard_liquid", "phase": Phase.LOADING}
PLANNED = {
    "by": "Dr S",
    "role": "allergist",
    "at": "2026-11-01T09:00:00-05:00",
    "text": "Skin test negative; give in hospital.",
}


def _after_anaphylaxis(specialist_plan: dict[str, str]) -> dict[str, Any]:
    reaction = {"kind": "anaphylaxis", "at": "2026-10-01T09:00:00-05:00", "specialist_plan": specialist_plan}
    return history("gammagard_liquid", reactions=[reaction], uneventful_supervised_infusions=5)


@pytest.mark.parametrize("hollow", [{"by": ""}, {"role": " "}, {"text": ""}, {"at": "2030-01-01T00:00:00Z"}], ids=str)
def test_an_empty_or_future_specialists_plan_lifts_nothing(hollow: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=r"must say something|after the planned start|Must say"):
        plan(record(immunoglobulin_history=[_after_anaphylaxis(PLANNED | hollow)]), "cidp", **LOADING)


@pytest.mark.parametrize("basis", [WeightBasis.IDEAL, WeightBasis.ADJUSTED])
def test_a_lean_patient_is_never_dosed_on_more_weight_than_there_is(basis: WeightBasis) -> None:
    """185 cm: ideal 79.5 kg; at 45 kg the label's 2 g/kg is 90 g."""
    made = plan(record(sex="male", weight_kg=45, height_cm=185), "cidp", weight_basis=basis, **LOADING)

    assert made.prescription is not None
    assert (made.prescription.dosing_weight_kg, made.prescription.rate_weight_kg) == (Decimal(45), Decimal(45))
    assert made.prescription.course_dose_g <= 90


def test_a_known_word_is_not_hidden_in_free_text() -> None:
    with pytest.raises(BadInput, match='Write "hyperprolinaemia"'):
        patient(record(conditions=[{"text": "Hyperprolinaemia"}]))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("days", Decimal("2.9")),
        ("days", True),
        ("days", "2"),
        ("days", Decimal("Infinity")),
        ("interval_days", Decimal("21.7")),
        ("dose_g_per_kg", True),
        ("dose_g_per_kg", Decimal("NaN")),
        ("phase", Decimal(1)),
        ("product", Decimal(1)),
    ],
)
def test_options_of_a_cohort_line_are_not_repaired(key: str, value: object) -> None:
    with pytest.raises(
        BadInput, match=r"Not a value this option takes|Must be a number|Must be a whole number|must be finite"
    ):
        _typed(key, value)


def test_a_request_refuses_what_is_no_number() -> None:
    with pytest.raises(ImpossibleValue, match="must be positive"):
        plan(record(), "cidp", dose_g_per_kg="NaN", **LOADING)


def test_not_at_home_after_anaphylaxis_even_with_a_specialists_plan() -> None:
    made = plan(
        record(immunoglobulin_history=[_after_anaphylaxis(PLANNED)], setting_wish="home"),
        "cidp",
        product="gammagard_liquid",
        phase=Phase.MAINTENANCE,
    )

    assert made.prescription is not None
    assert made.prescription.setting == "hospital"
    assert "setting-not-home" in codes(made)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"birth_date": "1880-01-01"}, "Age lies between"),
        ({"birth_date": "2027-01-01"}, "after the planned start"),
        ({"birth_date": "1980-01-01", "weight_measured_on": "1979-01-01"}, "weighed before birth"),
        ({"birth_date": "2026-11-21"}, "No sample is taken before birth"),
    ],
)
def test_impossible_dates_are_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        plan(record(age_years=..., **({"weight_measured_on": "2026-11-22"} | changes)), "cidp", **LOADING)


@pytest.mark.parametrize("path", ["excipients", "contraindications.severe-reaction", "excipients.proline"])
def test_one_person_cannot_take_a_restriction_from_a_product(path: str) -> None:
    row = {
        "path": path,
        "base": "sha256:" + 64 * "0",
        "by": ["One"],
        "on": "2026-11-01",
        "label_revision": "x",
        "fact": {},
    }
    with pytest.raises(BadKnowledge, match="2 different people"):
        read_replacements({"replace": [row]}, "products/privigen.toml")


def test_medicines_that_nobody_recorded_count_as_a_risk() -> None:
    assert plan(record(medicines=...), "cidp", **LOADING).infusions[0].pattern == "at_risk"


def test_a_refusal_of_days_names_the_days() -> None:
    assert "days-too-few" in codes(plan(record(), "cidp", product="privigen", phase=Phase.LOADING, days=1))


@pytest.mark.parametrize("reactions", [..., [{"kind": "hypotension"}]], ids=["not recorded", "a reaction"])
def test_a_tier_opens_only_on_infusions_known_to_be_borne(reactions: Any) -> None:
    """Panzyga: 8 mg/kg/min (4.8 mL/kg/h) for a patient who is new to it."""
    before = history("panzyga", 14, reactions=reactions)

    made = plan(
        record(immunoglobulin_history=[before]),
        "primary-immunodeficiency",
        product="panzyga",
        accept=("history-reactions-missing",) if reactions is ... else (),
    )

    assert made.infusions[0].max_rate_ml_per_kg_h == Decimal("4.8")


def test_after_a_reaction_the_rate_borne_is_the_limit() -> None:
    before = history("panzyga", 14, reactions=[{"kind": "hypotension"}], rate_borne_ml_per_kg_h=2)

    made = plan(record(immunoglobulin_history=[before]), "primary-immunodeficiency", product="panzyga")

    assert made.infusions[0].max_rate_ml_per_kg_h == 2
    assert "rate-capped-by-reaction" in codes(made)


def test_a_recalled_lot_is_out_in_every_size() -> None:
    def row(size_g: int, count: int, status: Any) -> StockRow:
        return StockRow(
            product="privigen",
            size_g=Decimal(size_g),
            lot="L1",
            expires_on=date(2027, 1, 1),
            count=count,
            status=status,
        )

    made = plan(record(), "itp-adult", product="privigen", stock=(row(20, 5, "recalled"), row(10, 14, "available")))

    assert made.status == "blocked"
    assert "stock-short" in codes(made)


def test_a_policy_is_not_called_unverified() -> None:
    made = plan(record(weight_kg=..., weight_measured_on=...), "cidp", **LOADING)

    (finding,) = [one for one in made.findings if one.code == "weight-missing"]
    assert "not verified" not in finding.text


def test_only_named_roles_sign() -> None:
    with pytest.raises(BadInput, match="A plan is signed by"):
        sign(plan(record(), "cidp", **LOADING), "X", "visitor", START, opened().policies.acceptance)


def test_one_acceptance_does_not_cover_two_unlikely_values() -> None:
    labs = [
        {"test": "creatinine", "value": 12, "unit": "mg/dL", "taken_at": TAKEN},
        {"test": "haemoglobin", "value": 40, "unit": "g/L", "taken_at": TAKEN},
    ]

    made = plan(record(labs=labs), "cidp", accept=("creatinine-unlikely",), **LOADING)

    assert made.status == "blocked"
    assert {"creatinine-unlikely", "haemoglobin-unlikely"} <= codes(made)


@pytest.mark.parametrize(("measured", "code"), [("2026-10-25", "weight-old"), ("2026-08-24", "weight-too-old")])
def test_a_weight_of_a_season_ago_is_confirmed_or_taken_again(measured: str, code: str) -> None:
    """29 days are told; 91 days block."""
    made = plan(record(weight_measured_on=measured), "cidp", **LOADING)

    assert code in codes(made)
    assert made.status == ("blocked" if code == "weight-too-old" else "planned")


@pytest.mark.parametrize("kind", ["other", "hypotension", "rash_or_urticaria"])
@pytest.mark.parametrize(("grade", "status"), [(2, "planned"), (3, "blocked"), (4, "blocked")])
def test_a_reaction_of_grade_three_or_more_blocks_whatever_its_kind(kind: str, grade: int, status: str) -> None:
    before = history("gammagard_liquid", reactions=[{"kind": kind, "grade": grade, "text": "x"}])

    made = plan(record(immunoglobulin_history=[before]), "cidp", **LOADING)

    assert made.status == status
    assert ("prior-severe-reaction" in codes(made)) == (status == "blocked")


def test_a_positive_anti_iga_is_not_taken_back_by_a_later_negative() -> None:
    labs = [
        {"test": "anti_iga", "value": "positive", "taken_at": "2026-11-18T08:00:00-05:00"},
        {"test": "anti_iga", "value": "negative", "taken_at": TAKEN},
    ]
    before = history("gammagard_liquid", reactions=[{"kind": "anaphylaxis"}])

    made = plan(record(labs=labs, conditions=["iga_deficiency"], immunoglobulin_history=[before]), "cidp", **LOADING)

    assert "anti-iga-with-prior-reaction" in codes(made)


def test_a_risk_never_changes_the_size_of_the_dose() -> None:
    raw = record(age_years=4, weight_kg=16, height_cm=100)
    asked: dict[str, Any] = {
        "product": "gammagard_liquid",
        "off_label": "Kawasaki disease, day 6",
        "phase": Phase.COURSE,
    }

    well = plan(raw, "kawasaki-disease", **asked)
    at_risk = plan({**raw, "conditions": ["sepsis"]}, "kawasaki-disease", **asked)

    assert well.prescription is not None
    assert at_risk.prescription is not None
    assert at_risk.prescription.dose_g_per_kg == well.prescription.dose_g_per_kg == 2
