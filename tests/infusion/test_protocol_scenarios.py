"""Every row of the reaction protocol as a scenario at the chair, mild to anaphylaxis, adult and child.

Each expected value names its line in the researched facts (``safety.yaml``). What has no sourced line there is not invented:
see :data:`NOT_SOURCED`, which must stand in the protocol as not found or as policy.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ivigil.infusion.doses import adrenaline_dose, medicine_dose
from ivigil.infusion.due import DueKind, due
from ivigil.infusion.permission import Wish, may
from ivigil.infusion.response import Advice, advice, as_anaphylaxis
from ivigil.infusion.session import Session
from ivigil.infusion.signs import anaphylaxis, triggers_met
from ivigil.infusion.tolerance import lesson, remembered
from ivigil.infusion.workflow import Action, Lock
from ivigil.knowledge.protocol import Grade, Sign, VitalSign
from tests.infusion.chair import Chair, at_chair, planned, protocol
from tests.planning import history, opened

D = Decimal


def child() -> Any:
    return at_chair(planned(product="gammagard_liquid", age_years=8, weight_kg=25, height_cm=127))


def said(chair: Chair) -> Advice:
    found = advice(chair.live.session, chair.bedside)
    assert found is not None
    return found


def texts(one: Advice) -> str:
    return " ".join(step.text for step in one.steps)


def doses(one: Advice) -> dict[str, Any]:
    return {row.medicine: (row.mg, row.mg_max) for row in one.medicines}


# ---- management_protocol.by_grade


def test_mild_in_an_adult():
    chair = Chair().ready().started().felt(31, "headache", "mild")
    told = said(chair)
    # by_grade mild: rate "slow to the last tolerated rate ..., or pause"; drugs paracetamol and/or oral H1 antihistamine;
    # pause "restarts if symptoms have gone after 30 min"; restart "finish at the last tolerated rate".
    assert (told.grade, told.flow, told.wait_min, told.ctcae) == (Grade.MILD, "slow_or_pause", 30, 1)
    # management_protocol.drugs paracetamol adult "650 mg ... up to 1 g"; cetirizine and loratadine adult 10 mg.
    assert doses(told) == {"paracetamol": (650, 1000), "cetirizine": (10, None), "loratadine": (10, None)}
    # conflicts "restart rate": "make configurable, default to the lower of the two".
    assert told.restart == "lower_of_both"
    # by_grade mild: if_returns_or_worsens "stop, do not restart".
    assert "stop for good" in texts(told)
    assert told.adrenaline is None


def test_mild_in_a_child():
    chair = Chair(bedside=child()).ready().started().felt(31, "headache", "mild")
    told = said(chair)
    # drugs: paracetamol child is an unverified claim, so no dose; cetirizine 6-12 y 5-10 mg; loratadine >= 6 y 10 mg.
    assert doses(told) == {"paracetamol": (None, None), "cetirizine": (5, 10), "loratadine": (10, None)}


def test_moderate_in_an_adult_and_in_a_child():
    for bed, diphenhydramine in ((at_chair(), (25, 50)), (child(), (25, None))):
        chair = Chair(bedside=bed).ready().started().felt(31, "fever_chills", "moderate")
        told = said(chair)
        # by_grade moderate: rate stop; restart only if all symptoms have gone after about 30 min and the team agrees.
        assert (told.grade, told.flow, told.wait_min, told.ctcae) == (Grade.MODERATE, "stop", 30, 2)
        assert "the team agrees" in texts(told)
        # drugs diphenhydramine: adult 25-50 mg; child 1 mg/kg, max 50 mg: 25 kg make 25 mg.
        assert doses(told)["diphenhydramine"] == diphenhydramine
        # drugs iv_fluid: the volumes are unverified claims, so none is printed.
        assert doses(told)["iv_fluid"] == (None, None)


def test_severe_stops_and_never_restarts():
    chair = Chair().ready().started().felt(31, "frothy_sputum")
    told = said(chair)
    # by_grade severe: rate "stop and do not restart"; trali oxygen and no routine diuretic; taco oxygen, sit up, furosemide.
    assert (told.grade, told.flow, told.restart, told.wait_min, told.ctcae) == (Grade.SEVERE, "stop", "never", None, 3)
    assert "furosemide" in texts(told)
    assert "no diuretic by routine" in texts(told)
    assert set(doses(told)) == {"oxygen", "iv_fluid", "furosemide"}
    assert chair.live.session.lock is Lock.SEVERE


def test_life_threatening_calls_and_repeats_adrenaline():
    chair = Chair().ready().started().felt(31, "collapse")
    told = said(chair)
    # by_grade life_threatening: stop, never restart; resuscitation team or number; IM epinephrine repeated; after two IM
    # doses without improvement refractory.
    assert (told.grade, told.flow, told.restart, told.ctcae) == (Grade.LIFE_THREATENING, "stop", "never", 4)
    assert told.adrenaline is not None
    assert (told.adrenaline.repeat_min, told.adrenaline.refractory_after) == (5, 2)
    assert told.tell == "emergency"


# ---- management_protocol.drugs, epinephrine_im


@pytest.mark.parametrize(
    ("region", "age", "weight", "mg", "capped"),
    [
        # dose 0.01 mg/kg; max_adult_mg 0.5; max_child_mg 0.3 or 0.5 (conflicts: local formulary; the lower until chosen).
        ("US", "40", "70", "0.5", True),
        ("US", "40", "45", "0.45", False),
        ("US", "8", "25", "0.25", False),
        ("US", "8", "40", "0.3", True),
        ("US", "0.5", "7.3", "0.073", False),
        ("US", "12", "60", "0.5", True),
        # age_bands_uk_mg: over_12y 0.5, 6_to_12y 0.3, 6_months_to_6y 0.15, under_6_months 0.1-0.15. Weight says nothing.
        ("UK", "40", "45", "0.5", False),
        ("UK", "12", "60", "0.5", False),
        ("UK", "11.99", "60", "0.3", False),
        ("UK", "6", "20", "0.3", False),
        ("UK", "5.99", "20", "0.15", False),
        ("UK", "0.5", "7", "0.15", False),
        ("UK", "0.49", "6", "0.1", False),
    ],
)
def test_adrenaline_by_the_regions_own_scheme_and_never_mixed(region, age, weight, mg, capped):
    found = adrenaline_dose(protocol().adrenaline, D(age), D(weight), region)
    assert (found.mg, found.capped) == (D(mg), capped)
    # concentration 1 mg/mL: as many mL as mg, and the volume never stands without the concentration.
    assert (found.ml, found.mg_per_ml) == (D(mg), D(1))
    assert found.scheme == {"US": "weight", "UK": "age_bands"}[region]
    # route "intramuscular, mid outer thigh".
    assert "outer thigh" in found.route
    assert found.sources


def test_the_range_of_the_youngest_is_kept_as_printed():
    # age_bands_uk_mg: under_6_months "0.1-0.15".
    found = adrenaline_dose(protocol().adrenaline, D("0.2"), D(5), "UK")
    assert (found.mg, found.mg_max) == (D("0.1"), D("0.15"))


@pytest.mark.parametrize(("weight", "pen"), [("29.9", "0.15"), ("30", "0.3"), ("80", "0.3")])
def test_the_pen_by_weight(weight, pen):
    # autoinjector_mg: adult 0.3, child_under_30kg 0.15.
    assert adrenaline_dose(protocol().adrenaline, D(30), D(weight), "US").pen_mg == D(pen)


def test_first_aid_is_not_withheld_for_want_of_an_age():
    found = adrenaline_dose(protocol().adrenaline, None, D(70), "US")
    assert found.mg == D("0.3")
    assert adrenaline_dose(protocol().adrenaline, None, D(70), "UK").mg == D("0.5")


def test_adrenaline_is_repeated_by_the_alarm_after_five_minutes():
    chair = Chair().ready().started().felt(20, "collapse").tell(21, "treated_as_anaphylaxis")
    chair.tell(22, "medicine_given", medicine="adrenaline", route="im", dose_mg=0.5)
    # conflicts, epinephrine repeat interval: "5 min as alarm; clinician decides".
    assert [one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.ADRENALINE_AGAIN] == [
        chair.minute(27)
    ]


def test_treating_as_anaphylaxis_needs_nothing_and_puts_adrenaline_before_everything():
    # do_not_get_wrong: intramuscular epinephrine first, at once; antihistamine and steroid never first, never instead.
    bare = as_anaphylaxis(Session(), at_chair())
    assert bare.adrenaline is not None
    assert (bare.flow, bare.restart) == ("stop", "never")
    assert not {"cetirizine", "loratadine", "diphenhydramine"} & set(doses(bare))
    assert not any("steroid" in name or "hydrocortisone" in name for name in protocol().medicines)


def test_what_never_comes_first_is_not_shown_beside_adrenaline_whatever_a_site_lists():
    ours = protocol()
    severe = ours.responses[Grade.SEVERE]
    assert severe.medicines is not None
    listed = severe.medicines.model_copy(update={"items": ("diphenhydramine", "oxygen")})
    theirs = ours.model_copy(
        update={"responses": {**ours.responses, Grade.SEVERE: severe.model_copy(update={"medicines": listed})}}
    )
    told = as_anaphylaxis(Session(), replace(at_chair(), protocol=theirs))
    assert [one.medicine for one in told.medicines] == ["oxygen"]


@pytest.mark.parametrize(
    ("medicine", "age", "expected"),
    [
        # cetirizine child: 6 to <12 months 2.5 mg; 1 to <6 y 2.5-5 mg; 6-12 y 5-10 mg; >=12 y 10 mg.
        ("cetirizine", "0.6", (D("2.5"), None)),
        ("cetirizine", "3", (D("2.5"), D(5))),
        ("cetirizine", "6", (5, 10)),
        ("cetirizine", "12", (10, None)),
        ("cetirizine", "0.4", (None, None)),
        # loratadine child: 2-6 y 5 mg; >=6 y 10 mg.
        ("loratadine", "1.9", (None, None)),
        ("loratadine", "2", (5, None)),
        ("loratadine", "6", (10, None)),
    ],
)
def test_a_childs_antihistamine_by_age(medicine, age, expected):
    found = medicine_dose(medicine, protocol().medicines[medicine], D(age), D(20), D(18))
    assert (found.mg, found.mg_max) == expected
    assert found.ask if expected == (None, None) else not found.ask


# ---- management_protocol.anaphylaxis_criteria


@pytest.mark.parametrize(
    ("signs", "low", "wao", "niaid"),
    [
        # wao_2020 criterion_1: skin AND at least one of breathing, low pressure or end organs, severe gut symptoms.
        ({"skin", "breathing"}, False, True, True),
        ({"skin", "end_organ"}, False, True, True),
        ({"skin", "gut_severe"}, False, True, True),
        ({"skin"}, True, True, True),
        ({"skin", "gut"}, False, False, True),
        ({"skin"}, False, False, False),
        # wao_2020 criterion_2: hypotension, bronchospasm or larynx, even with no skin signs.
        (set(), True, True, True),
        ({"bronchospasm"}, False, True, False),
        ({"larynx"}, False, True, False),
        ({"breathing"}, False, False, False),
        # niaid_faan criterion_2: two or more of skin, breathing, low pressure, persistent gut symptoms.
        ({"breathing", "gut"}, False, False, True),
        ({"end_organ", "gut"}, False, False, True),
        ({"gut", "gut_severe"}, False, False, False),
        (set(), False, False, False),
    ],
)
def test_either_set_of_criteria(signs, low, wao, niaid):
    rules = {one.rule for one in anaphylaxis(frozenset(Sign(name) for name in signs), low=low)}
    assert rules == ({"wao_2020"} if wao else set()) | ({"niaid_faan_2006"} if niaid else set())


@pytest.mark.parametrize(
    ("age", "before", "now", "low"),
    [
        # hypotension_adult: systolic <90 mmHg or >30% below own baseline.
        ("40", 120, 90, False),
        ("40", 120, 89, True),
        ("40", 150, 105, False),
        ("40", 150, 104, True),
        # hypotension_child: 1 month to 1 year <70; 1 to 10 years <70 + 2 x age; 11 to 17 years <90; or_fall >30%.
        ("0.5", 80, 70, False),
        ("0.5", 80, 69, True),
        ("1", 90, 72, False),
        ("1", 90, 71, True),
        ("8.9", 100, 86, False),
        ("8.9", 100, 85, True),
        ("10.9", 100, 89, True),
        ("11", 110, 90, False),
        ("11", 110, 89, True),
        ("5", 120, 84, False),
        ("5", 120, 83, True),
    ],
)
def test_low_pressure_by_age(age, before, now, low):
    values, baseline = {VitalSign.SYSTOLIC: D(now)}, {VitalSign.SYSTOLIC: D(before)}
    met = triggers_met(values, baseline, D(age), frozenset(), protocol())
    assert any(one.trigger.role == "hypotension" for one in met) is low


# ---- vitals_monitoring.thresholds


@pytest.mark.parametrize(
    ("sign", "before", "now", "grade"),
    [
        # temperature: mild ">=38 C with rise 1-2 C"; ">=39 C" moderate; "rise >=1.5" moderate by Lifeblood; NBA ">=38 or change >=1".
        ("temperature_c", "36.8", "37.7", None),
        ("temperature_c", "36.8", "37.8", Grade.MILD),
        ("temperature_c", "36.8", "38.0", Grade.MILD),
        ("temperature_c", "36.8", "38.3", Grade.MODERATE),
        ("temperature_c", "38.2", "39.0", Grade.MODERATE),
        # software_rule: "a febrile baseline makes a rise of 1 C the only usable trigger".
        ("temperature_c", "38.2", "38.2", None),
        ("temperature_c", "38.2", "39.2", Grade.MODERATE),
        # SpO2 stop "<=92%" (Brown severe).
        ("spo2_percent", "98", "92", Grade.SEVERE),
        ("spo2_percent", "98", "93", None),
    ],
)
def test_limits_of_vital_signs(sign, before, now, grade):
    met = triggers_met({VitalSign(sign): D(now)}, {VitalSign(sign): D(before)}, D(40), frozenset(), protocol())
    graded = [one.trigger.grade for one in met if one.trigger.grade is not None]
    assert max(graded, key=lambda one: one.rank, default=None) == grade


def test_a_fall_of_thirty_counts_with_signs_of_allergy():
    # systolic stop "fall >=30 mmHg with allergic signs" (NBA Australia).
    values, baseline = {VitalSign.SYSTOLIC: D(115)}, {VitalSign.SYSTOLIC: D(145)}
    codes = [
        {one.code for one in triggers_met(values, baseline, D(40), signs, protocol())}
        for signs in (frozenset(), frozenset({Sign.SKIN}))
    ]
    assert "systolic_fall_with_allergy" not in codes[0]
    assert "systolic_fall_with_allergy" in codes[1]


@pytest.mark.parametrize(
    ("sign", "before", "now"),
    [
        # thresholds heart_rate and respiratory_rate: "none found"; systolic_or_diastolic warn "fall >=20 mmHg".
        ("pulse_per_min", 70, 95),
        ("pulse_per_min", 70, 45),
        ("respirations_per_min", 14, 21),
        ("systolic_mmhg", 130, 110),
        ("diastolic_mmhg", 80, 60),
        ("systolic_mmhg", 120, 155),
    ],
)
def test_a_change_without_a_limit_is_shown_and_asked_about(sign, before, now):
    chair = Chair().opened().checked().hung().vitals(-5, **{sign: before}).started().vitals(10, **{sign: now})
    session = chair.live.session
    assert session.reaction is None
    assert [one.trigger.sign.value for one in session.met] == [sign]
    assert session.met[0].trigger.grade is None


# ---- vitals_monitoring.schedules


def test_how_often_and_how_long():
    chair = Chair().ready().started()
    # us_transplant_protocol: every 15 min until the maximum rate; then hourly (half-hourly at a first infusion is policy).
    assert due(chair.live.session, chair.bedside)[0].at == chair.minute(15)  # the set at -5 is the baseline
    chair.tell(1, "rate_changed", pump_ml_per_h=float(chair.bedside.top_ml_per_h)).vitals(2)
    assert next(one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.VITALS) == chair.minute(
        32
    )
    # eu_label_first: after_end_min 60 for naive, switched or long gap.
    chair.tell(40, "completed")
    ends = [one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.OBSERVATION_END]
    assert ends == [chair.minute(100)]


# ---- what is learned


def learned(chair: Chair) -> Any:
    live = chair.live
    ever = tuple((chair.minute(0), raw["data"]["symptom"]) for raw in chair.raws if raw["type"] == "symptom")
    assert live.last is not None
    return lesson(live.session, chair.bedside, live.given(live.last).grams, ever)


def test_an_uneventful_supervised_infusion_counts_toward_home():
    chair = Chair().ready().started()
    hold = chair.bedside.steps[0].duration_min
    chair.vitals(hold).tell(hold, "rate_changed", pump_ml_per_h=float(chair.bedside.steps[1].pump_ml_per_h))
    chair.vitals(hold + 15).tell(hold + 430, "completed").vitals(hold + 431)
    told = learned(chair)
    assert (told.uneventful, told.supervised, told.reactions) == (True, True, ())
    # 42 mL/h for 70 kg was watched without a symptom: 0.6 mL/kg/h.
    assert told.rate_borne_ml_per_kg_h == D("0.6")
    before = remembered(told, None)
    assert (before.infusions, before.uneventful_supervised_infusions) == (1, 1)


def test_a_reaction_caps_what_is_remembered_and_does_not_count_toward_home():
    chair = Chair().ready().started()
    hold = chair.bedside.steps[0].duration_min
    chair.vitals(hold).tell(hold, "rate_changed", pump_ml_per_h=float(chair.bedside.steps[1].pump_ml_per_h))
    chair.felt(hold + 20, "headache", "mild").tell(hold + 21, "stopped_early", because="enough")
    told = learned(chair)
    assert (told.uneventful, [one.kind for one in told.reactions], told.reactions[0].grade) == (False, ["headache"], 1)
    # The headache came at 42 mL/h; 21 mL/h was borne: 0.3 mL/kg/h.
    assert told.rate_borne_ml_per_kg_h == D("0.3")
    earlier = opened_history(rate=D("2.4"))
    after = remembered(told, earlier)
    assert after.rate_borne_ml_per_kg_h == D("0.3")
    assert after.uneventful_supervised_infusions == earlier.uneventful_supervised_infusions
    assert after.infusions == earlier.infusions + 1


def opened_history(rate: Decimal) -> Any:
    from ivigil.patient import ProductHistory

    raw = history("privigen", rate_borne_ml_per_kg_h=rate)
    return ProductHistory.model_validate(raw)


def test_anaphylaxis_is_remembered_as_such():
    chair = Chair().ready().started().felt(20, "rash_urticaria_itch").tell(21, "treated_as_anaphylaxis")
    assert {one.kind for one in learned(chair).reactions} == {"rash_or_urticaria", "anaphylaxis"}
    assert all(one.grade is not None and one.grade >= 2 for one in learned(chair).reactions)


# ---- what could not be sourced


#: Lines of the facts that are unverified or say "none found": listed in the protocol, never invented.
NOT_SOURCED = {
    "pulse",
    "respiration",
    "child_doses",
    "observation_after_reaction",
    "steroids",
    "extravasation",
    "famotidine",
    "nsaid",
    "triptan_and_other_headache",
    "oxygen_flow",
    "tests_after_a_reaction",
    "hypotensive_reaction",
    "urine_output",
    "beta_blocker",
}
#: management_protocol.drugs, every row of it; the two steroids stand as one.
DRUGS = {
    "epinephrine_im": "adrenaline",
    "iv_fluid": "iv_fluid",
    "oxygen": "oxygen",
    "paracetamol": "paracetamol",
    "diphenhydramine": "diphenhydramine",
    "cetirizine": "cetirizine",
    "loratadine": "loratadine",
    "famotidine": "famotidine",
    "hydrocortisone": "steroids",
    "methylprednisolone": "steroids",
    "nsaid": "nsaid",
    "triptan_and_other_headache": "triptan_and_other_headache",
    "furosemide": "furosemide",
}


def test_every_drug_of_the_facts_is_in_the_protocol_or_listed_as_left_out():
    known = {*protocol().medicines, protocol().adrenaline_id, *protocol().not_found}
    assert set(DRUGS.values()) <= known


def test_what_could_not_be_sourced_is_listed():
    assert set(protocol().not_found) == NOT_SOURCED
    assert protocol().medicines["paracetamol"].child is None
    assert protocol().medicines["iv_fluid"].adult is None


def test_every_line_of_the_protocol_has_a_source_that_exists():
    from ivigil.infusion.protocols import facts_in

    rows = list(facts_in(protocol()))
    assert len(rows) > 100
    for where, fact in rows:
        for name in fact.src:
            opened().source(name)
        assert fact.src or fact.note, where


def test_after_the_last_symptom_a_restart_is_due_half_an_hour_later():
    chair = Chair().ready().started()
    hold = chair.bedside.steps[0].duration_min
    chair.vitals(hold).tell(hold, "rate_changed", pump_ml_per_h=float(chair.bedside.steps[1].pump_ml_per_h))
    chair.felt(hold + 1, "headache", "mild").tell(hold + 2, "paused").gone(hold + 10, "headache")
    restart = [one for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.RESTART]
    assert [one.at for one in restart] == [chair.minute(hold + 40)]
    chair.vitals(hold + 38)
    assert may(Wish(Action.RESUME), chair.live.moment(chair.minute(hold + 39)))
    assert not may(Wish(Action.RESUME), chair.live.moment(chair.minute(hold + 40)))


def test_a_reaction_at_the_first_step_leaves_no_rate_borne_and_a_prescriber_decides():
    chair = Chair().ready().started().felt(20, "headache", "mild").tell(21, "paused").gone(30, "headache").vitals(62)
    assert "above-cap" in {one.code for one in may(Wish(Action.RESUME), chair.live.moment(chair.minute(62)))}
    chair.tell(63, "prescriber_notified", who="Dr. Ada Test", said="slower", agrees_to_restart=True, lifts_cap=True)
    assert not may(Wish(Action.RESUME), chair.live.moment(chair.minute(64)))
