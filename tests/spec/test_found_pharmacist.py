"""What a pharmacist's attack on the planner found: each defect once, so that none comes back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from ivigil.cli.opening import library_of, parse_json
from ivigil.documents.prescribed import BEFORE, dose_per_kg, options, strengths_beside
from ivigil.documents.sheet import sheet
from ivigil.errors import BadInput
from ivigil.findings import Finding
from ivigil.knowledge.checks import check
from ivigil.knowledge.indications import MaxRate
from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.prescription.plan import Plan, as_json, identified
from ivigil.prescription.request import Formulary
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan
from ivigil.prescription.verify import check_nothing_open, verify
from tests import planning
from tests.planning import START, TAKEN, codes, formulary, history, opened, plan, record
from tests.starting import LAST, start

Json = dict[str, Any]
PI, CIDP, DM, ITP = "primary-immunodeficiency", "cidp", "dermatomyositis-adult", "itp-adult"
WHY = "guideline supports this use"
LONG_BORNE = history("gamunex_c", 20)


def found(made: Plan | SubcutaneousPlan, code: str) -> Finding:
    said = [one for one in made.findings if one.code == code]
    assert said, f"{code} is not among {sorted(one.code for one in made.findings)}"
    return said[0]


def reaction(product: str, kind: str, grade: int = 2, **more: Any) -> Json:
    return history(product, 20, reactions=[{"kind": kind, "grade": grade, "at": "2026-11-02T10:00:00-05:00"}], **more)


def highest(made: Plan) -> Decimal:
    """The highest rate of the plan in mg/kg/min."""
    return max(step.rate_mg_per_kg_min for one in made.infusions for step in one.steps)


def lab(test: str, value: float, unit: str) -> Json:
    return {"test": test, "value": value, "unit": unit, "taken_at": TAKEN}


# ---- 1: a maximum printed for a condition holds for every product


@pytest.mark.parametrize("product", ["gamunex_c", "privigen", "panzyga", "gammagard_liquid"])
def test_in_dermatomyositis_no_product_runs_faster_than_its_label_prints_for_it(product: str) -> None:
    # Octagam 10 %, dermatomyositis: 4 mg/kg/min, not to be exceeded. At 10 %, 4 x 60 / 100 = 2.4 mL/kg/h.
    made = plan(record(), DM, product=product, phase=Phase.MAINTENANCE, off_label=WHY)
    assert made.status == "planned"
    assert highest(made) == 4
    assert {one.max_rate_ml_per_kg_h for one in made.infusions} == {Decimal("2.4")}
    said = found(made, "rate-ceiling-of-condition")
    assert said.severity == "warns"
    assert "2.4 mL/kg/h (4 mg/kg/min)" in said.text


def test_a_patient_at_risk_stays_below_the_maximum_of_the_condition() -> None:
    # Half of the ordinary maximum by policy, and the ordinary maximum is the condition's: 2.4 / 2.
    made = plan(record(conditions=["previous_thrombosis"]), DM, product="gamunex_c", phase=Phase.MAINTENANCE, off_label=WHY)  # fmt: skip
    assert made.infusions[0].max_rate_ml_per_kg_h == Decimal("1.2")


def test_on_label_the_maximum_is_the_labels_own_and_said() -> None:
    made = plan(record(), DM, product="octagam_10", phase=Phase.MAINTENANCE)
    assert made.infusions[0].max_rate_ml_per_kg_h == Decimal("2.4")
    assert found(made, "rate-ceiling-of-condition").severity == "informs"


def test_a_maximum_of_a_condition_beyond_every_label_is_an_error_of_the_facts() -> None:
    from ivigil.knowledge.checks.limits import condition_rate_is_possible

    limit = formulary(DM).indication.max_rate
    assert limit is not None
    wrong = limit.model_copy(update={"mg_per_kg_min": Decimal(400)})
    limits = opened().policies.plausibility
    assert list(condition_rate_is_possible(wrong, [Decimal("0.1")], "x", limits))
    assert not list(condition_rate_is_possible(limit, [Decimal("0.05"), Decimal("0.1")], "x", limits))
    with pytest.raises(ValidationError, match="at least one printed unit"):
        MaxRate.model_validate({"text": "none", "origin": "reported", "read": "label", "src": "octagam_10/M1"})


# ---- 2: home


@pytest.mark.parametrize(
    ("condition", "phase"),
    [
        ("toxic-epidermal-necrolysis", None),
        ("guillain-barre-syndrome", None),
        ("mg-exacerbation", None),
        ("toxic-shock-syndrome-streptococcal", None),
    ],
)
def test_an_emergency_is_never_given_at_home(condition: str, phase: Phase | None) -> None:
    raw = record(setting_wish="home", immunoglobulin_history=[LONG_BORNE])
    made = plan(raw, condition, product="gamunex_c", off_label=WHY, phase=phase)
    assert made.prescription is not None
    assert made.prescription.setting == "hospital"
    assert "emergency" in found(made, "setting-not-home").text


def test_only_maintenance_is_given_at_home() -> None:
    raw = record(setting_wish="home", immunoglobulin_history=[LONG_BORNE])
    for phase, setting in ((Phase.LOADING, "hospital"), (Phase.MAINTENANCE, "home")):
        made = plan(raw, CIDP, product="gamunex_c", phase=phase)
        assert made.prescription is not None
        assert made.prescription.setting == setting
    itp = plan(raw, ITP, product="gamunex_c", phase=Phase.COURSE)
    assert itp.prescription is not None
    assert itp.prescription.setting == "hospital"
    assert "only maintenance is given at home" in found(itp, "setting-not-home").text


def test_an_off_label_course_of_a_high_dose_is_not_given_at_home() -> None:
    # Dermatomyositis: 2 g/kg every 4 weeks, off label with Gamunex-C; policy gives less than 1 g/kg at home.
    raw = record(
        setting_wish="home", immunoglobulin_history=[history("gamunex_c", 20, last="2026-10-25T09:00:00-05:00")]
    )
    made = plan(raw, DM, product="gamunex_c", phase=Phase.MAINTENANCE, off_label=WHY)
    assert made.prescription is not None
    assert made.prescription.setting == "hospital"
    assert "less than 1 g/kg a course at home" in found(made, "setting-not-home").text


# ---- 3: what the indication itself means


@pytest.mark.parametrize(
    ("condition", "rule", "name"),
    [
        ("secondary-immunodeficiency-myeloma", "paraproteinaemia", "paraproteinaemia"),
        ("acquired-von-willebrand-syndrome", "paraproteinaemia", "paraproteinaemia"),
        ("toxic-shock-syndrome-streptococcal", "sepsis", "sepsis"),
        ("toxic-shock-syndrome-staphylococcal", "sepsis", "sepsis"),
    ],
)
def test_a_risk_that_lies_in_the_indication_counts_as_recorded(condition: str, rule: str, name: str) -> None:
    phase = Phase.MAINTENANCE if condition.startswith("acquired") else None
    implied, written = (
        plan(raw, condition, product="gamunex_c", off_label=WHY, phase=phase)
        for raw in (record(), record(conditions=[name]))
    )
    assert rule in codes(implied)
    assert "By the indication" in found(implied, "condition-by-indication").text
    assert name in found(implied, "condition-by-indication").text
    assert implied.infusions == written.infusions
    assert implied.infusions[0].pattern == "at_risk"
    assert implied.infusions[0].max_rate_ml_per_kg_h == Decimal("2.4")  # half of Gamunex-C's 4.8


def test_where_no_conditions_are_recorded_the_implied_one_counts_and_the_others_stay_unknown() -> None:
    made = plan(record(conditions=...), "secondary-immunodeficiency-myeloma", product="gamunex_c", off_label=WHY)
    assert {"paraproteinaemia", "conditions-missing"} <= codes(made)


def test_the_assessment_counts_it_too_and_never_as_a_reason_to_treat() -> None:
    from ivigil.assessment.report import assess

    facts = library_of(opened(), "secondary-immunodeficiency-myeloma")
    said = {one.code for one in assess(planning.patient(record()), "US", START, facts).findings}
    assert {"paraproteinaemia", "condition-by-indication"} <= said


def test_an_implied_word_that_does_not_exist_is_an_error_of_the_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    from ivigil.knowledge.checks.words import implied_words_exist

    indication = formulary("hit").indication
    assert indication.implies is not None
    wrong = indication.model_copy(update={"implies": indication.implies.model_copy(update={"items": ("clotty",)})})
    assert [row.message for row in implied_words_exist(wrong, "x", opened().vocabulary)] == [
        "clotty is no word of conditions."
    ]
    assert not list(implied_words_exist(indication, "x", opened().vocabulary))


# ---- 4, 5, 8, 18, 19: words and figures


def test_a_child_is_not_asked_for_what_is_recorded() -> None:
    with pytest.raises(BadInput) as refused:
        plan(record(age_years=9, weight_kg=30, height_cm=135, labs=[]), "mis-c", product="gamunex_c", off_label=WHY)
    assert "defined for adults" in refused.value.rule
    assert refused.value.remedy == "Dose on actual weight (--weight-basis actual)."


@pytest.mark.parametrize(("condition", "phase"), [("pemphigus", Phase.COURSE), ("hit", Phase.COURSE)])
def test_a_missing_regimen_is_said_without_contradiction(condition: str, phase: Phase) -> None:
    made = plan(record(), condition, product="gamunex_c", phase=phase, off_label=WHY)
    text = next((one.text for one in made.findings if one.code == "no-regimen-for-phase"), "")
    assert "No guideline in the knowledge base prints no" not in text
    assert not ("no course dose" in text and "course)" in text)


def test_a_dose_for_particular_patients_names_its_regimens() -> None:
    made = plan(record(), "pemphigus", product="gamunex_c", phase=Phase.COURSE, off_label=WHY)
    said = found(made, "no-regimen-for-phase")
    special = [name for name, one in formulary("pemphigus").indication.regimens.items() if one.population and one.phase is Phase.COURSE]  # fmt: skip
    assert special
    assert all(name in said.text for name in special)
    assert "--regimen" in (said.remedy or "")


def test_larger_vials_that_were_not_read_are_named() -> None:
    # 80 g of Flebogamma DIF 10 % in 5 g vials: 10 and 20 g exist by pages that do not permit them.
    made = plan(record(), PI, product="flebogamma_dif_10")
    assert "vials of 10, 20 g too" in found(made, "larger-vials-unread").text


def test_a_cut_dose_is_shown_short_and_stays_exact() -> None:
    # 2 g/kg at 110 kg is 220 g; the trial's 80 g a day over 2 days is 160 g, 160 / 110 = 1.4545... g/kg.
    made = plan(record(weight_kg=110, height_cm=190, sex="male"), "mg-maintenance", product="gamunex_c", phase=Phase.LOADING, off_label=WHY, weight_basis=WeightBasis.ACTUAL)  # fmt: skip
    ordered = made.prescription
    assert ordered is not None
    assert abs(ordered.dose_g_per_kg * 110 - 160) < Decimal("1e-20")
    assert dose_per_kg(ordered, made.findings) == "≈ 1.454 g/kg (cut to the source's largest dose)"


def test_a_strength_in_the_brand_is_not_said_twice() -> None:
    made = plan(record(), DM, product="octagam_10", phase=Phase.MAINTENANCE)
    assert strengths_beside("Octagam 10%", made.infusions) == ""
    assert strengths_beside("Gamunex-C", made.infusions) == "10 %"


# ---- 6: the rate borne of another product


def test_on_a_switch_the_rate_that_was_borne_is_said() -> None:
    borne = reaction("privigen", "headache", rate_borne_ml_per_kg_h=1)
    made = plan(record(immunoglobulin_history=[borne]), CIDP, product="gamunex_c", phase=Phase.MAINTENANCE)
    said = found(made, "rate-borne-of-other-product")
    assert said.severity == "warns"
    assert "1 mL/kg/h was the highest rate borne" in said.text
    assert "rises to 4.8 mL/kg/h" in said.text


def test_a_rate_borne_without_symptoms_of_another_product_is_not_warned_of() -> None:
    borne = history("privigen", 20, rate_borne_ml_per_kg_h=1)
    made = plan(record(immunoglobulin_history=[borne]), CIDP, product="gamunex_c", phase=Phase.MAINTENANCE)
    assert "rate-borne-of-other-product" not in codes(made)


# ---- 7, 15: a start under the skin


def begun(raw: Json, **asked: Any) -> SubcutaneousPlan:
    made: SubcutaneousPlan = start(PI, raw, iv_interval_days=28, **asked)
    return made


def test_treatment_that_stopped_long_ago_is_no_regular_treatment() -> None:
    # 56 days are the policy's long gap: a start 56 days after the last infusion passes, on the 57th it does not.
    def of(last: str) -> SubcutaneousPlan:
        return begun(record(immunoglobulin_history=[history("gamunex_c", 20, last=last, last_dose_g=32)]), product="hizentra")  # fmt: skip

    assert "previous-treatment-short" not in codes_of(of("2026-09-28T09:00:00-05:00"))
    assert "previous-treatment-short" in codes_of(of("2026-09-27T09:00:00-05:00"))
    stopped = of("2026-01-27T09:00:00-05:00")
    assert "300 days back" in found(stopped, "previous-treatment-short").text
    assert stopped.status == "blocked"


def codes_of(made: SubcutaneousPlan) -> set[str]:
    return {one.code for one in made.findings}


@pytest.mark.parametrize(
    "changes",
    [
        {"medicines": ["anticoagulant"]},
        {"conditions": ["thrombocytopenia"]},
        {"labs": [lab("platelets", 20, "10*9/L"), lab("creatinine", 0.8, "mg/dL")]},
    ],
)
def test_a_start_under_the_skin_warns_of_bleeding(changes: Json) -> None:
    borne = history("gamunex_c", 20, last=LAST, last_dose_g=32)
    said = found(begun(record(immunoglobulin_history=[borne], **changes), product="cuvitru"), "bleeding-under-skin")
    assert (said.severity, "haematoma" in said.text) == ("warns", True)
    assert "bleeding-under-skin" not in codes_of(begun(record(immunoglobulin_history=[borne]), product="cuvitru"))


# ---- 9 to 12: premedication


def premedicated(raw: Json, condition: str = CIDP, phase: Phase | None = Phase.MAINTENANCE) -> Plan:
    return plan(raw, condition, product="gamunex_c", phase=phase)


def offered(made: Plan) -> str:
    assert made.prescription is not None
    return "; ".join(row.what for row in made.prescription.premedication)


HEADACHE = reaction("gamunex_c", "headache")


def test_premedication_is_offered_as_options_and_antihistamines_as_alternatives() -> None:
    made = premedicated(record(immunoglobulin_history=[HEADACHE]))
    assert made.prescription is not None
    assert BEFORE == "Before the infusion: options; choose, none is required by a label"
    named = [name for name, _ in options(made.prescription.premedication)]
    place = next(number for number, name in enumerate(named) if "cetirizine" in name)
    assert named[place + 1] == "or instead diphenhydramine"
    assert sheet(made, None)["prescription"]["premedication_heading"] == BEFORE
    assert "Options; choose, none is required by a label" in found(made, "premedication").text
    assert all(row.reason.startswith("Option after an earlier reaction") for row in made.prescription.premedication)
    from tests.documents.test_found_sheets import on_screen

    assert BEFORE in on_screen(made)


@pytest.mark.parametrize("change", [
    {"conditions": ["ischaemic_heart_disease"]}, {"conditions": ["previous_arterial_event"]}, {"conditions": ["thrombocytopenia"]},
    {"conditions": ["recent_stroke"]}, {"conditions": ["peripheral_arterial_disease"]}, {"conditions": ["bleeding_tendency"]},
    {"conditions": ["pregnancy"]}, {"medicines": ["anticoagulant"]}, {"labs": [lab("platelets", 8, "10*9/L"), lab("creatinine", 0.8, "mg/dL")]},
])  # fmt: skip
def test_no_nsaid_where_it_bleeds_or_clots(change: Json) -> None:
    raw = record(immunoglobulin_history=[HEADACHE])
    assert "NSAID" in offered(premedicated(raw))
    assert "NSAID" not in offered(premedicated(raw | change))


def test_no_nsaid_in_immune_thrombocytopenia_whatever_the_count() -> None:
    made = premedicated(record(immunoglobulin_history=[HEADACHE | {"last_given_at": "2026-10-20T09:00:00-05:00", "reactions": [{"kind": "headache", "grade": 2, "at": "2026-10-20T10:00:00-05:00"}]}]), ITP, Phase.COURSE)  # fmt: skip
    assert "paracetamol" in offered(made)
    assert "NSAID" not in offered(made)


def test_a_child_is_never_shown_the_dose_of_an_adult() -> None:
    young = record(age_years=4, weight_kg=16, height_cm=102, labs=[], immunoglobulin_history=[HEADACHE])
    made = premedicated(young, PI, None)
    assert made.prescription is not None
    assert made.prescription.premedication
    assert {row.dose for row in made.prescription.premedication} == {"no child dose read: ask the prescriber"}
    assert "adult" not in json.dumps([row.dose for row in made.prescription.premedication])
    assert verify(made, formulary(PI)) == ()


def test_rows_left_out_are_not_said_to_lack_a_reaction() -> None:
    taken = record(
        immunoglobulin_history=[HEADACHE], medicines=["antihistamine", "paracetamol", "nsaid", "corticosteroid"]
    )
    made = premedicated(taken)
    assert offered(made) == ""
    text = found(made, "premedication").text
    assert "no earlier reaction is recorded" not in text
    assert "An earlier reaction is recorded (headache), and no premedication is proposed" in text


# ---- 13: signing


def forged(made: Plan, edit: Callable[[Json], object]) -> Plan:
    raw: Json = parse_json(as_json(made), "plan")  # type: ignore[assignment]
    edit(raw)
    return identified(Plan.model_validate(raw))


def off_label() -> Plan:
    return plan(record(), "secondary-immunodeficiency-myeloma", product="gamunex_c", off_label=WHY)


def without(*gone: str) -> Callable[[Json], object]:
    return lambda raw: raw.update(findings=[one for one in raw["findings"] if one["code"] not in gone])


def faults(made: Plan, condition: str) -> str:
    return " ".join(one.text for one in verify(made, formulary(condition)))


@pytest.mark.parametrize(
    "code", ["off-label", "read-on-copy", "no-label-rate", "paraproteinaemia", "condition-by-indication"]
)
def test_a_finding_that_the_facts_alone_say_cannot_be_missing(code: str) -> None:
    made, condition = off_label(), "secondary-immunodeficiency-myeloma"
    assert verify(made, formulary(condition)) == ()
    assert f"{code} is missing" in faults(forged(made, without(code)), condition)


def test_the_ceiling_of_the_condition_is_checked_and_its_finding_asked_for() -> None:
    made = plan(record(), DM, product="gamunex_c", phase=Phase.MAINTENANCE, off_label=WHY)
    assert verify(made, formulary(DM)) == ()
    assert "rate-ceiling-of-condition is missing" in faults(forged(made, without("rate-ceiling-of-condition")), DM)
    # A plan made without the ceiling, whose steps add up, is refused.
    faster = formulary(DM)
    open_ended = dataclasses.replace(faster, indication=faster.indication.model_copy(update={"max_rate": None}))
    quick = planning.plan(record(), DM, facts=open_ended, product="gamunex_c", phase=Phase.MAINTENANCE, off_label=WHY)
    assert highest(quick) == 8
    assert "Its rates are not those" in faults(quick, DM)


def test_standing_of_the_condition_cannot_be_left_out() -> None:
    made = plan(record(), "acquired-haemophilia", product="gamunex_c", off_label=WHY, phase=Phase.COURSE)
    if made.status == "planned":
        assert "indication-investigational is missing" in faults(forged(made, without("indication-investigational")), "acquired-haemophilia")  # fmt: skip


def test_another_notice_is_refused_on_a_plan_of_either_route() -> None:
    made = plan(record(), PI, product="privigen")
    other = forged(made, lambda raw: raw.update(notice="Approved by pharmacy; no check needed."))
    assert "notice" in {one.where for one in verify(other)}
    borne = history("gamunex_c", 20, last=LAST, last_dose_g=32)
    sc = begun(record(immunoglobulin_history=[borne]), product="hizentra")
    check_nothing_open(sc)
    with pytest.raises(BadInput, match="notice"):
        check_nothing_open(identified(sc.model_copy(update={"notice": "Approved."})))


def test_a_plan_whose_own_list_says_that_its_product_does_not_fit_is_refused() -> None:
    blocked = plan(record(conditions=["hyperprolinaemia"]), PI, product="privigen")
    good = plan(record(), PI, product="privigen")
    assert blocked.status == "blocked"

    def taken_over(raw: Json) -> None:
        raw["candidates"] = json.loads(as_json(blocked))["candidates"]

    assert "privigen does not fit" in faults(forged(good, taken_over), PI)
    assert "not the products of the facts" in faults(forged(good, lambda raw: raw["candidates"].pop()), PI)


def test_a_weight_basis_agrees_with_what_the_findings_explain() -> None:
    heavy = plan(record(weight_kg=120), PI, product="privigen")
    assert heavy.prescription is not None
    assert heavy.prescription.weight_basis == "adjusted"
    assert [one for one in verify(heavy, formulary(PI)) if one.where != "accepted"] == []
    ideal = forged(heavy, lambda raw: raw["prescription"].update(weight_basis="ideal"))
    assert "Its weight basis is ideal" in faults(ideal, PI)


def test_premedication_is_the_policys_word_for_word_and_cannot_vanish() -> None:
    made = premedicated(record(immunoglobulin_history=[HEADACHE]))
    assert verify(made, formulary(CIDP)) == ()

    def rows(raw: Json) -> list[Json]:
        kept: list[Json] = raw["prescription"]["premedication"]
        return kept

    edits: list[Callable[[Json], object]] = [
        lambda raw: rows(raw)[0].update(dose="adult: 6500 mg"),
        lambda raw: rows(raw)[0].update(reason="Required by the label."),
        lambda raw: rows(raw)[1].update(one_of=""),
        lambda raw: rows(raw)[0].update(sources=[]),
        lambda raw: rows(raw).clear(),
        without("premedication"),
    ]
    for edit in edits:
        assert "premedication" in {one.where.rpartition(".")[2] for one in verify(forged(made, edit), formulary(CIDP))}


def test_a_plan_moved_to_the_home_against_policy_is_refused() -> None:
    made = plan(record(), "toxic-shock-syndrome-streptococcal", product="gamunex_c", off_label=WHY)
    moved = forged(made, lambda raw: raw["prescription"].update(setting="home"))
    assert "It is given at home" in faults(moved, "toxic-shock-syndrome-streptococcal")


@pytest.mark.parametrize("condition", [PI, CIDP, ITP, "mmn", "secondary-immunodeficiency-myeloma", "hit", DM])
@pytest.mark.parametrize("years", [40, 70, 8])
def test_every_plan_that_is_made_holds(condition: str, years: int) -> None:
    facts: Formulary = formulary(condition)
    size = {"weight_kg": 27, "height_cm": 130} if years < 18 else {}
    for product in facts.products:
        if product.route != "iv":
            continue
        for phase in Phase:
            made = planning.plan(
                record(age_years=years, **size), condition, product=product.id, phase=phase, off_label=WHY
            )
            assert verify(made, facts) == (), (product.id, phase)


# ---- 14: antibodies to IgA


@pytest.mark.parametrize("kind", ["hypotension", "chest_symptoms", "flushing", "rash_or_urticaria"])
def test_with_antibodies_to_iga_every_reaction_that_may_be_an_allergy_contraindicates(kind: str) -> None:
    anti = {"test": "anti_iga", "value": "positive", "taken_at": TAKEN}
    raw = record(immunoglobulin_history=[reaction("gamunex_c", kind)], conditions=["iga_deficiency"])
    made = plan(raw | {"labs": [*raw["labs"], anti]}, CIDP, product="gamunex_c", phase=Phase.MAINTENANCE)
    assert made.status == "blocked"
    assert found(made, "anti-iga-with-prior-reaction").may_be == "neither"


# ---- 16: replacement where there is plenty


def test_igg_far_above_range_is_asked_about_in_replacement_only() -> None:
    high = [lab("igg", 25, "g/L"), lab("creatinine", 0.8, "mg/dL"), lab("haemoglobin", 135, "g/L")]
    said = found(plan(record(labs=high), PI, product="gamunex_c"), "igg-high-for-replacement")
    assert said.severity == "warns"
    assert "25 g/L" in said.text
    assert "policy asks above 20 g/L" in said.text
    usual = [lab("igg", 20, "g/L"), *high[1:]]
    assert "igg-high-for-replacement" not in codes(plan(record(labs=usual), PI, product="gamunex_c"))
    assert "igg-high-for-replacement" not in codes(plan(record(labs=high), CIDP, product="gamunex_c", phase=Phase.MAINTENANCE))  # fmt: skip


def test_the_shipped_facts_pass_their_checks() -> None:
    assert [row for row in check(Knowledge()) if row.severity == "error"] == []
