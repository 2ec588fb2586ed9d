"""What holds for every patient: random synthetic records, a fixed seed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.prescription.plan import Plan, as_json
from tests.planning import history, plan, record

#: Product, indication, phase: each a pair that is deliverable in the US.
PAIRS = st.sampled_from(
    [
        ("privigen", "primary-immunodeficiency", Phase.MAINTENANCE),
        ("privigen", "itp-adult", Phase.COURSE),
        ("privigen", "cidp", Phase.LOADING),
        ("privigen", "cidp", Phase.MAINTENANCE),
        ("gammagard_liquid", "primary-immunodeficiency", Phase.MAINTENANCE),
        ("gammagard_liquid", "mmn", Phase.MAINTENANCE),
        ("gamunex_c", "cidp", Phase.LOADING),
        ("octagam_10", "itp-adult", Phase.COURSE),
        ("octagam_10", "dermatomyositis-adult", Phase.MAINTENANCE),
        ("octagam_5", "primary-immunodeficiency", Phase.MAINTENANCE),
        ("panzyga", "primary-immunodeficiency", Phase.MAINTENANCE),
        ("bivigam", "primary-immunodeficiency", Phase.MAINTENANCE),
        ("gammaplex_5", "itp-adult", Phase.COURSE),
    ]
)
WEIGHTS = st.integers(400, 1300).map(lambda tenths: Decimal(tenths) / 10)
RISKS = st.lists(
    st.sampled_from(["diabetes_mellitus", "renal_insufficiency", "previous_thrombosis", "hypertension", "migraine"]),
    unique=True,
    max_size=3,
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[dict[str, Any], str, dict[str, Any]]:
    product, indication, phase = draw(PAIRS)
    infusions = draw(st.integers(0, 12))
    raw = record(
        weight_kg=draw(WEIGHTS),
        age_years=draw(st.integers(18, 90)),
        height_cm=draw(st.integers(150, 200)),
        sex=draw(st.sampled_from(["female", "male"])),
        conditions=draw(RISKS),
        blood_group=draw(st.sampled_from(["A+", "O-", "AB+"])),
        immunoglobulin_history=[history(product, infusions)] if infusions else [],
    )
    return raw, indication, {"product": product, "phase": phase}


def _made(asked: tuple[dict[str, Any], str, dict[str, Any]], **more: Any) -> Plan:
    raw, indication, options = asked
    found = plan(raw, indication, **options)
    liftable = tuple(
        finding.code for finding in found.findings if finding.severity == "blocks" and finding.may_be != "neither"
    )
    found = plan(raw, indication, accept=liftable, **options) if liftable else found
    assume(found.status == "planned")
    return found


@given(requests())
def test_never_above_any_maximum(asked: tuple[dict[str, Any], str, dict[str, Any]]) -> None:
    made = _made(asked)
    assert made.prescription is not None
    for infusion in made.infusions:
        rates = [step.rate_ml_per_kg_h for step in infusion.steps]
        assert rates == sorted(rates)
        assert rates[-1] <= infusion.max_rate_ml_per_kg_h
        for step in infusion.steps:
            weight = made.prescription.rate_weight_kg
            assert step.pump_ml_per_h <= infusion.max_rate_ml_per_kg_h * weight
            assert 0 <= step.pump_ml_per_h - step.rate_ml_per_kg_h * weight < Decimal("0.001")  # the rate that runs
            assert step.pump_ml_per_h * 10 == int(step.pump_ml_per_h * 10)
        assert made.prescription.rate_weight_kg <= made.prescription.weight_kg


@given(requests())
def test_grams_and_volumes_sum_exactly_and_each_day_is_whole_vials(
    asked: tuple[dict[str, Any], str, dict[str, Any]],
) -> None:
    made = _made(asked)
    assert made.prescription is not None
    assert sum(infusion.dose_g for infusion in made.infusions) == made.prescription.course_dose_g
    for infusion in made.infusions:
        assert sum(vial.size_g * vial.count for vial in infusion.vials) == infusion.dose_g + infusion.waste_g
        assert infusion.total_ml * infusion.concentration_g_per_ml == infusion.dose_g
        assert sum(step.volume_ml for step in infusion.steps) == infusion.total_ml
        assert infusion.steps[-1].cumulative_ml == infusion.total_ml
        assert sum(step.duration_min for step in infusion.steps) == infusion.duration_min
        for step in infusion.steps:
            assert step.volume_ml <= step.pump_ml_per_h * step.duration_min / 60


@given(requests())
def test_dose_within_tolerance_of_what_is_prescribed(asked: tuple[dict[str, Any], str, dict[str, Any]]) -> None:
    made = _made(asked)
    assert made.prescription is not None
    per_day = made.prescription.prescribed_course_dose_g / len(made.infusions)
    for infusion in made.infusions:
        assert abs(infusion.dose_g - per_day) <= per_day / 10


@given(requests())
def test_the_same_request_makes_the_same_plan(asked: tuple[dict[str, Any], str, dict[str, Any]]) -> None:
    assert as_json(_made(asked)) == as_json(_made(asked))


@given(requests(), st.integers(1, 400))
def test_more_weight_is_never_less_dose(asked: tuple[dict[str, Any], str, dict[str, Any]], more_tenths: int) -> None:
    """At a fixed weight basis."""
    raw, indication, options = asked
    options = options | {"weight_basis": WeightBasis.ACTUAL}
    heavier = raw | {"weight_kg": raw["weight_kg"] + Decimal(more_tenths) / 10}
    lighter_plan, heavier_plan = _made((raw, indication, options)), _made((heavier, indication, options))
    assert lighter_plan.prescription is not None
    assert heavier_plan.prescription is not None
    assert heavier_plan.prescription.course_dose_g >= lighter_plan.prescription.course_dose_g


@given(requests())
def test_a_patient_at_risk_has_a_strictly_lower_ladder(asked: tuple[dict[str, Any], str, dict[str, Any]]) -> None:
    raw, indication, options = asked
    well = _made((raw | {"conditions": [], "age_years": 40}, indication, options))
    at_risk = _made((raw | {"conditions": ["renal_insufficiency"], "age_years": 40}, indication, options))
    assert at_risk.infusions[0].pattern == "at_risk"
    assert at_risk.infusions[0].max_rate_ml_per_kg_h < well.infusions[0].max_rate_ml_per_kg_h
    assert max(step.rate_ml_per_kg_h for step in at_risk.infusions[0].steps) < well.infusions[0].max_rate_ml_per_kg_h
