"""Parameters of a subject in each model: numbers typed from the researched facts, and the traps they name."""

from __future__ import annotations

import pytest

from ivigil.errors import BadInput, ImpossibleValue, UnknownName
from ivigil.kinetics.individual import individual
from ivigil.kinetics.subjects import Subject, read_subject
from ivigil.knowledge.kinetic_models import Capability
from ivigil.knowledge.loading import Knowledge

KNOWLEDGE = Knowledge()
MAN = Subject(weight_kg=70, height_cm=170, age_years=40, sex="male", secondary_deficiency=False, igm_g_per_l=0.21)

#: Typical CL, Vc, Q, Vp, Ka, F at the model's own reference size, and its baseline.
AT_REFERENCE = {
    "landersdorfer2013": (Subject(), (0.142, 3.94, 0.252, 4.18, 0.439, 0.660), 4.0),
    "dumas2019": (Subject(weight_kg=70), (0.09216, 4.01, 0, 0, 0.096, 0.739), None),
    "tortorici2019": (Subject(weight_kg=72, secondary_deficiency=False), (0.152, 3.08, 0.825, 1.8, 0, 0), 4.0),
    "luo2020": (Subject(weight_kg=58.7), (0.139, 4.01, 0.300, 3.51, 0.506, 0.668), 4.0),
    "zhang2020": (Subject(weight_kg=66), (0.138, 3.95, 0.260, 4.44, 0.444, 0.676), 4.0),
    "lee2021": (Subject(weight_kg=27), (0.0624, 2.77, 0, 0, 0, 0), None),
    "navarromora2022": (Subject(weight_kg=65.7), (0.150, 3.06, 0.474, 1.93, 0.246, 0.705), 4.0),
    "cheng2025": (
        Subject(weight_kg=70, secondary_deficiency=False, igm_g_per_l=0.21),
        (0.308, 3.59, 1.08, 7.37, 0, 0),
        5.67,
    ),
    "tegenge2020": (Subject(), (0.0027, 0.008, 0.045, 0.055, 0, 0), 5.0),
    "tortorici2021": (Subject(weight_kg=82), (0.435, 4.69, 0.50, 1.87, 0.439, 0.824), None),
}


@pytest.mark.parametrize("name", AT_REFERENCE)
def test_at_its_reference_size_a_model_gives_the_printed_values(name):
    subject, (cl, vc, q, vp, ka, f), baseline = AT_REFERENCE[name]
    p = individual(KNOWLEDGE.kinetic_model(name), subject, None if baseline is not None else 7.0).parameters
    assert (p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc) == pytest.approx((cl, vc, q, vp, ka, f), rel=1e-12)
    assert p.baseline_g_per_l == (7.0 if baseline is None else baseline)


def test_every_linear_model_stands_in_a_table_of_these_tests():
    by_hand = {*AT_REFERENCE, "li2022", "li2024a_mmn", "li2024b_mmn_pd", "kim2007", "lledogarcia2022", "ivigil_fcrn"}
    assert by_hand == set(KNOWLEDGE.kinetic_model_ids)


# ---- the traps


def test_the_li_models_count_lean_mass():
    # Boer: 0.407 × 70 + 0.267 × 170 − 19.2 = 54.68 kg, the review's own figure for this man.
    p = individual(KNOWLEDGE.kinetic_model("li2022"), MAN).parameters
    assert MAN.lean_mass_kg == pytest.approx(54.68)
    assert p.cl == pytest.approx(0.183 * (54.68 / 47) ** 0.75)
    assert p.q == pytest.approx(0.353 * (54.68 / 47) ** 0.75)
    assert (p.vc, p.vp) == pytest.approx((3.01 * 54.68 / 47, 1.40 * 54.68 / 47))
    assert p.f_facilitated_sc == 0.794
    assert p.baseline_g_per_l == 6.15


def test_a_model_written_in_an_elimination_rate_keeps_that_rate():
    # The review: Kel × V at a lean mass of 54.68 kg is about 0.35 L/day.
    p = individual(KNOWLEDGE.kinetic_model("li2024a_mmn"), MAN, 10.0).parameters
    assert p.cl / p.vc == pytest.approx(0.05784)
    assert p.cl == pytest.approx(0.35, abs=0.005)


def test_secondary_deficiency_has_542_thousandths_of_the_clearance_not_that_much_less():
    model = KNOWLEDGE.kinetic_model("cheng2025")
    primary = individual(model, Subject(weight_kg=20, secondary_deficiency=False, igm_g_per_l=0.21)).parameters
    secondary = individual(model, Subject(weight_kg=20, secondary_deficiency=True, igm_g_per_l=0.21)).parameters
    assert secondary.cl / primary.cl == pytest.approx(0.542)
    assert secondary.baseline_g_per_l == pytest.approx(5.67 * 0.541)
    assert secondary.q == primary.q


def test_igm_moves_the_baseline_of_cheng_only_a_little():
    model = KNOWLEDGE.kinetic_model("cheng2025")
    high = individual(model, Subject(weight_kg=20, secondary_deficiency=False, igm_g_per_l=2.1)).parameters
    assert high.baseline_g_per_l == pytest.approx(5.67 * 10**0.11)


def test_the_central_volume_of_secondary_deficiency_in_tortorici():
    model = KNOWLEDGE.kinetic_model("tortorici2019")
    p = individual(model, Subject(weight_kg=72, secondary_deficiency=True)).parameters
    assert p.vc == 8.75


@pytest.mark.parametrize("name", ["dumas2019", "lee2021", "tortorici2021", "li2024a_mmn", "li2024b_mmn_pd"])
def test_no_baseline_is_borrowed(name):
    with pytest.raises(BadInput, match=r"starts from the patient's own IgG|published without its baseline"):
        individual(KNOWLEDGE.kinetic_model(name), MAN)


def test_a_baseline_that_contradicts_the_record_is_taken_and_said():
    made = individual(KNOWLEDGE.kinetic_model("zhang2020"), MAN, 6.0)
    assert made.parameters.baseline_g_per_l == 6.0
    said = next(one for one in made.findings if one.code == "baseline-differs")
    assert "6 g/L" in said.text
    assert "4 g/L (fixed)" in said.text


def test_a_missing_covariate_is_named_with_the_model():
    with pytest.raises(BadInput, match=r"subject\.weight_kg: None\. The model zhang2020 needs it"):
        individual(KNOWLEDGE.kinetic_model("zhang2020"), Subject())


def test_lean_mass_asks_for_what_it_is_made_from():
    with pytest.raises(BadInput, match=r"height_cm: None\. The model uses lean body mass"):
        individual(KNOWLEDGE.kinetic_model("li2022"), Subject(weight_kg=70, age_years=40, sex="male"))
    with pytest.raises(BadInput, match=r"Lean body mass of an adult is worked out by sex"):
        individual(KNOWLEDGE.kinetic_model("li2022"), Subject(weight_kg=70, age_years=40, height_cm=170))


def test_a_model_without_physiology_is_not_carried_outside_its_lean_mass():
    heavy = Subject(weight_kg=160, height_cm=200, age_years=40, sex="male")
    with pytest.raises(BadInput, match="holds for a lean body mass of 40 to 70 kg and is never carried further"):
        individual(KNOWLEDGE.kinetic_model("li2024a_mmn"), heavy, 10.0)


def test_outside_the_cohort_is_said():
    made = individual(KNOWLEDGE.kinetic_model("zhang2020"), Subject(weight_kg=10, age_years=1))
    assert {"outside-age", "outside-weight"} <= {one.code for one in made.findings}
    assert any("13 to 135 kg; this one has 10 kg" in one.text for one in made.findings)


#: What each model may be used for, from what the facts say is known.
CAN = {
    "cheng2025": "tpf", "dumas2019": "tp", "kim2007": "t", "landersdorfer2013": "t", "lee2021": "tpf", "li2022": "tp",
    "ivigil_fcrn": "t", "li2024a_mmn": "t", "li2024b_mmn_pd": "tp", "lledogarcia2022": "tp", "luo2020": "tp", "navarromora2022": "tpf",
    "tegenge2020": "t", "tortorici2019": "tpf", "tortorici2021": "tpf", "zhang2020": "tpf",
}  # fmt: skip


@pytest.mark.parametrize(("name", "can"), CAN.items())
def test_a_model_can_do_what_its_known_parts_allow(name, can):
    letters = {Capability.TYPICAL: "t", Capability.POPULATION: "p", Capability.FORECAST: "f"}
    assert {letters[one] for one in KNOWLEDGE.kinetic_model(name).capabilities} == set(can)


# ---- subjects


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        ({"wieght_kg": 70}, UnknownName, "subject: 'wieght_kg'. No model knows this key"),
        ({"weight_kg": -1}, ImpossibleValue, "weight_kg: -1. It must be a number above zero"),
        ({"weight_kg": "70"}, BadInput, "weight_kg: '70'. It must be a number"),
        ({"weight_kg": True}, BadInput, "weight_kg: True. It must be a number"),
        ({"weight_kg": float("nan")}, ImpossibleValue, "weight_kg: nan. It must be a number above zero"),
        ({"sex": "f"}, UnknownName, "sex: 'f'. Sex is one of female and male"),
        ({"secondary_deficiency": "yes"}, BadInput, "secondary_deficiency: 'yes'. It is true or false"),
        ([], BadInput, "A subject is one JSON object"),
    ],
)
def test_a_subject_that_cannot_be_is_refused_by_name(raw, kind, said):
    with pytest.raises(kind) as refused:
        read_subject(raw)
    assert said in str(refused.value)
