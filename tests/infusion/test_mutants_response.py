"""Advice and doses at their edges: each grade keeps its own, and a number is never the wrong way round."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ivigil.infusion.doses import adrenaline_dose, by_rule, medicine_dose
from ivigil.infusion.response import Advice, advice, as_anaphylaxis, weight_today
from ivigil.infusion.session import Session
from ivigil.knowledge.protocol import Adrenaline, DoseRule, Grade
from tests.infusion.chair import Chair, at_chair, planned, protocol

D = Decimal


def said(chair: Chair) -> Advice:
    found = advice(chair.live.session, chair.bedside)
    assert found is not None
    return found


# ---- which grade, which criteria


def test_a_life_threatening_reaction_that_meets_the_criteria_keeps_its_own_steps():
    # Skin and a collapse: both sets of criteria, and CTCAE 4; the severe steps would leave out the refractory line.
    told = said(Chair().ready().started().felt(20, "rash_urticaria_itch").felt(21, "collapse"))
    assert (told.grade, told.ctcae) == (Grade.LIFE_THREATENING, 4)
    assert {(one.rule, one.number) for one in told.criteria} >= {("wao_2020", 1), ("niaid_faan_2006", 1)}
    assert any("refractory" in one.text for one in told.steps)
    assert told.adrenaline is not None


def test_treating_a_collapse_as_anaphylaxis_keeps_its_grade_and_says_which_criteria_are_met():
    chair = Chair().ready().started().felt(20, "rash_urticaria_itch").felt(21, "collapse")
    told = as_anaphylaxis(chair.live.session, chair.bedside)
    assert (told.grade, told.asked) == (Grade.LIFE_THREATENING, ())
    assert told.criteria == chair.live.session.criteria != ()


def test_criteria_met_by_mild_signs_are_answered_as_severe_with_adrenaline():
    # Skin and wheeze, graded mild and moderate by the nurse.
    told = said(Chair().ready().started().felt(20, "flushing", "mild").felt(21, "breathless_or_wheeze", "moderate"))
    assert (told.grade, told.ctcae) == (Grade.SEVERE, 3)
    assert told.adrenaline is not None


def test_a_severe_reaction_without_criteria_gets_no_adrenaline_and_a_life_threatening_one_does():
    # Haemolysis has no sign of the criteria.
    severe = said(Chair().ready().started().felt(20, "dark_urine_or_back_pain_with_fever"))
    assert (severe.grade, severe.adrenaline, severe.criteria) == (Grade.SEVERE, None, ())
    worst = said(Chair().ready().started().felt(20, "headache", "life_threatening"))
    assert (worst.grade, worst.criteria) == (Grade.LIFE_THREATENING, ())
    assert worst.adrenaline is not None


def test_without_anything_present_there_is_no_advice():
    chair = Chair().ready().started()
    assert advice(chair.live.session, chair.bedside) is None


# ---- what is asked, and its basis


@pytest.mark.parametrize("symptom", ["headache", "collapse"])
def test_a_change_without_a_limit_is_asked_about_beside_the_advice_with_its_basis(symptom):
    # 72 before; 95 is 20 or more above. No source prints a limit, so it is policy. A fall of 20 mmHg is printed by TRIP.
    chair = Chair().ready().started().felt(20, symptom).vitals(21, pulse_per_min=95, systolic_mmhg=100)
    asked = {one.text: (one.policy, one.sources) for one in said(chair).asked}
    assert asked == {
        "Pulse 20 a minute or more above the baseline.": (True, ("policy/ivigil",)),
        "Systolic pressure 20 mmHg or more below the baseline.": (False, ("reactions/trip",)),
    }


def test_a_limit_with_a_grade_is_answered_and_not_asked_about():
    chair = Chair().ready().started().vitals(21, temperature_c=39)
    told = said(chair)
    assert (told.grade, told.asked) == (Grade.MODERATE, ())


def test_what_is_asked_stands_also_beside_criteria_that_are_met():
    chair = Chair().ready().started().felt(20, "swollen_face_tongue_or_stridor").vitals(21, pulse_per_min=95)
    assert [one.text for one in said(chair).asked] == ["Pulse 20 a minute or more above the baseline."]


def test_every_step_says_whether_it_is_policy():
    told = said(Chair().ready().started().felt(20, "headache", "moderate"))
    policy = {one.text.partition(",")[0]: one.policy for one in told.steps}
    assert policy["Stop the pump"] is False
    # "Drug choices beyond the mild column were not read."
    assert policy["Treat as for mild; fluid by vein for low pressure"] is True


# ---- who is called, who is told, by which protocol


@pytest.mark.parametrize(
    ("setting", "number"),
    [("hospital", "the hospital's resuscitation team"), ("clinic", "911"), ("home", "911")],
)
def test_the_number_to_call_is_that_of_the_setting_of_the_session(setting, number):
    # The plan says hospital, in the US; the session was opened where it was opened.
    chair = Chair(setting=setting).opened().checked().hung().vitals(-5).started().felt(20, "collapse")
    assert said(chair).call == number
    # Without an opening the plan's setting holds.
    assert as_anaphylaxis(Session(), chair.bedside).call == "the hospital's resuscitation team"


def test_a_region_without_a_number_of_its_own_gets_the_general_words():
    bed = at_chair()
    elsewhere = replace(bed, ordered=bed.ordered.model_copy(update={"region": "AU", "setting": "home"}))
    assert as_anaphylaxis(Session(), elsewhere).call == "the emergency number"


def test_advice_names_its_protocol_the_version_of_its_grades_and_whom_to_tell():
    told = said(Chair().ready().started().felt(20, "headache", "moderate"))
    assert told.protocol == "ivigil's protocol"
    assert "CTCAE v5.0" in told.ctcae_version
    # by_grade moderate: tell the prescriber.
    assert told.tell == "prescriber"


# ---- by which weight


def test_first_aid_goes_by_todays_weight_and_else_by_the_plans():
    # A child of 8 years, 25 kg in the plan, 24 kg today: 0.01 mg/kg.
    bed = at_chair(planned(product="gammagard_liquid", age_years=8, weight_kg=25, height_cm=127))
    weighed = Chair(bedside=bed).opened().checked(weight={"ok": True, "weight_kg": 24})
    assert weight_today(weighed.live.session, bed) == 24
    first = as_anaphylaxis(weighed.live.session, bed).adrenaline
    assert first is not None
    assert first.mg == D("0.24")
    assert weight_today(Session(), bed) == 25


# ---- a dose by weight with a range


RANGE = DoseRule.model_validate(
    {"mg_per_kg": 10, "mg_per_kg_max": 15, "cap_mg": 1000, "src": "safety/x", "origin": "reported", "read": "primary"}
)


@pytest.mark.parametrize(
    ("weight", "low", "high"),
    [
        # 10 to 15 mg/kg, at most 1000 mg: 20 kg make 200 to 300, 80 kg 800 to 1000, 120 kg 1000 either way.
        ("20", "200", "300"),
        ("80", "800", "1000"),
        ("120", "1000", "1000"),
        # Never rounded up: 20.0009 kg make 200.009 and 300.0135.
        ("20.0009", "200.00", "300.01"),
    ],
)
def test_a_range_by_weight_has_both_ends_under_the_cap(weight, low, high):
    assert by_rule(RANGE, D(8), D(weight)) == (D(low), D(high))


def test_without_an_age_no_dose_is_printed_and_the_prescriber_is_asked():
    found = medicine_dose("cetirizine", protocol().medicines["cetirizine"], None, D(70), D(18))
    assert (found.mg, found.mg_max) == (None, None)
    assert found.ask == "The age is not recorded: ask the prescriber for the dose."


@pytest.mark.parametrize(("age", "mg"), [("18", 650), ("17.99", None)])
def test_the_adult_dose_begins_at_eighteen(age, mg):
    found = medicine_dose("paracetamol", protocol().medicines["paracetamol"], D(age), D(60), D(18))
    assert found.mg == mg
    assert found.ask == ("" if mg else "No source read gives a dose for this patient: ask the prescriber.")


def test_a_medicine_says_what_it_is_for_its_route_and_its_caution():
    found = medicine_dose("cetirizine", protocol().medicines["cetirizine"], D(40), D(70), D(18))
    assert (found.medicine, found.name, found.use, found.route) == ("cetirizine", "cetirizine", "itch, hives, rash", "by mouth")  # fmt: skip
    assert found.caution == "Never the first medicine in anaphylaxis."
    assert found.sources == ("safety/ebmedicine", "safety/ukons_rcuk")
    fluid = medicine_dose("iv_fluid", protocol().medicines["iv_fluid"], D(40), D(70), D(18))
    assert (fluid.mg, fluid.mg_max, fluid.ask) == (None, None, "As ordered.")


# ---- adrenaline


def changed(**more: object) -> Adrenaline:
    return protocol().adrenaline.model_copy(update=more)


def test_a_region_without_a_scheme_takes_the_one_named_for_all_others():
    found = adrenaline_dose(protocol().adrenaline, D(40), D(45), "AU")
    assert (found.scheme, found.mg) == ("weight", D("0.45"))
    assert adrenaline_dose(changed(otherwise="age_bands"), D(40), D(45), "AU").scheme == "age_bands"


def test_a_sites_choice_goes_before_the_regions():
    found = adrenaline_dose(protocol().adrenaline, D(8), D(40), "US", scheme="age_bands")
    assert (found.scheme, found.mg, found.capped) == ("age_bands", D("0.3"), False)


@pytest.mark.parametrize(
    ("weight", "mg", "capped"), [("50", "0.5", False), ("50.9", "0.5", False), ("51", "0.5", True)]
)
def test_a_dose_that_only_reaches_the_cap_was_not_decided_by_it(weight, mg, capped):
    # 0.01 mg/kg, rounded down to hundredths: 50.9 kg make 0.50; 51 kg would make 0.51.
    found = adrenaline_dose(protocol().adrenaline, D(40), D(weight), "US")
    assert (found.mg, found.capped) == (D(mg), capped)


@pytest.mark.parametrize(("mg_per_ml", "ml"), [("1", "0.25"), ("0.1", "2.5"), ("0.5", "0.5"), ("2", "0.12")])
def test_the_volume_is_the_dose_divided_by_the_concentration_and_never_rounded_up(mg_per_ml, ml):
    # A child of 25 kg: 0.25 mg. At 1 mg/mL 0.25 mL, at 0.1 mg/mL 2.5 mL; at 2 mg/mL 0.125 mL, drawn up as 0.12.
    ours = protocol().adrenaline
    theirs = changed(concentration=ours.concentration.model_copy(update={"mg_per_ml": D(mg_per_ml)}))
    found = adrenaline_dose(theirs, D(8), D(25), "US")
    assert (found.mg, found.ml, found.mg_per_ml) == (D("0.25"), D(ml), D(mg_per_ml))


def test_the_childs_cap_holds_only_for_the_scheme_it_is_printed_for():
    assert adrenaline_dose(changed(child_caps_mg={}), D(8), D(40), "US").mg == D("0.4")


def test_where_age_decides_the_weight_changes_nothing():
    small, large = (adrenaline_dose(protocol().adrenaline, D(8), D(weight), "UK").mg for weight in (15, 60))
    assert small == large == D("0.3")


def test_adrenaline_says_its_name_position_route_and_every_source_once():
    found = adrenaline_dose(protocol().adrenaline, D(40), D(70), "US")
    assert found.name == "adrenaline (epinephrine)"
    assert found.position.startswith("Flat with the legs raised")
    assert found.pen == "adult"
    # By weight: ebmedicine, immunisation_handbook; the repeat: ukons_rcuk, ebmedicine; the route: also gpnotebook.
    assert found.sources == (
        "safety/ebmedicine", "safety/immunisation_handbook", "safety/ukons_rcuk", "safety/gpnotebook",
    )  # fmt: skip


def test_pens_that_leave_a_weight_out_are_said_and_no_pen_is_guessed():
    pens = {"adult": protocol().adrenaline.pens["adult"]}
    with pytest.raises(ValueError, match=r"^the pens of a protocol leave a weight out$"):
        adrenaline_dose(changed(pens=pens), D(8), D(25), "US")


def test_advice_doses_adrenaline_by_the_scheme_of_the_patients_region_and_the_patients_age():
    # A British child of 8 years: the band of 6 to 12 years is 0.3 mg, whatever 25 kg make of it.
    bed = at_chair(planned(product="gammagard_liquid", age_years=8, weight_kg=25, height_cm=127))
    british = replace(bed, ordered=bed.ordered.model_copy(update={"region": "UK"}))
    doses = [as_anaphylaxis(Session(), one).adrenaline for one in (bed, british)]
    assert [(one.scheme, one.mg) for one in doses if one] == [("weight", D("0.25")), ("age_bands", D("0.3"))]


def test_a_grade_for_which_a_site_lists_no_medicine_has_advice_without_one():
    bed = at_chair()
    mild = bed.protocol.responses[Grade.MILD].model_copy(update={"medicines": None})
    responses = {**bed.protocol.responses, Grade.MILD: mild}
    theirs = replace(bed, protocol=bed.protocol.model_copy(update={"responses": responses}))
    told = said(Chair(bedside=theirs).ready().started().felt(20, "headache", "mild"))
    assert (told.grade, told.medicines) == (Grade.MILD, ())


# ---- the symptom's own steps, the weight of first aid, and the words of a band


def test_a_symptoms_own_steps_come_before_those_of_its_grade():
    chair = Chair().ready().started().felt(20, "other", "mild", text="cold feet").felt(21, "site_swelling_or_pain")
    found = advice(chair.live.session, chair.bedside)
    assert found is not None
    first = found.steps[0]
    assert first.text.startswith("Out of the vein, or in doubt: stop the pump.")
    assert (first.policy, first.sources) == (True, ("policy/ivigil",))
    # Four of the symptom; then those of a moderate reaction.
    assert [one.text.split()[0] for one in found.steps[:4]] == ["Out", "Draw", "Blisters,", "Goes"]
    moderate = chair.bedside.protocol.responses[Grade.MODERATE].steps
    assert [one.text for one in found.steps[4:]] == [one.text for one in moderate.values()]


def test_a_weight_far_from_the_plans_doses_no_first_aid():
    # 7 kg for 70: 0.01 mg/kg would be 0.07 mg of adrenaline; by the plan's 70 kg it is the cap of 0.5 mg.
    chair = Chair().opened().checked(weight={"ok": True, "weight_kg": 7}).hung().vitals(-5).started()
    found = advice(chair.tell(20, "treated_as_anaphylaxis").live.session, chair.bedside)
    assert found is not None
    assert found.adrenaline is not None
    assert found.adrenaline.mg == D("0.5")


def test_a_band_is_told_with_its_note_and_a_scheme_by_weight_has_none():
    facts = protocol().adrenaline
    assert adrenaline_dose(facts, D(13), D(45), "UK").note == "0.3 mg if small or before puberty"
    assert adrenaline_dose(facts, D(13), D(45), "US").note == ""
