"""Every line in which a site's protocol gives way is told whole: place, value, rule and remedy.

The words are written out here a second time on purpose: who mends a protocol reads them, and nothing else asks for them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ivigil.infusion.site_protocol import looser
from tests.planning import opened
from tests.spec.test_found_site_protocol import LOOSENED, POLICY, Change, at, read, without

Told = tuple[str, str | None, str, str]


def missing(where: str, name: str) -> Told:
    return (
        where,
        None,
        f"'{name}' is missing: what the shipped protocol holds there is never left out.",
        f"Put '{name}' back; it may be made stricter.",
    )


def most(where: str, value: str, ours: str) -> Told:
    return where, value, f"The shipped protocol says {ours}; more is looser.", f"At most {ours}."


def least(where: str, value: str, ours: str) -> Told:
    return where, value, f"The shipped protocol says {ours}; less is looser.", f"At least {ours}."


def weaker(where: str, value: str, ours: str) -> Told:
    return where, value, f"It is weaker than the shipped protocol's '{ours}'.", f"Write '{ours}', or stricter."


def other(where: str, value: str, ours: str) -> Told:
    return where, value, f"The shipped protocol says '{ours}', by which it is found.", f"Write '{ours}'."


def word(where: str, value: str, ours: str) -> Told:
    return where, value, "This line of first aid stands word for word.", f"Write: {ours}"


def little(where: str, value: str, ours: str) -> Told:
    return where, value, f"No source read gives less than {ours}: first aid is never withheld.", f"At least {ours}."


def later(where: str, value: str, ours: str) -> Told:
    return (
        where,
        value,
        f"It speaks later, or for fewer, than the shipped limit{ours}",
        "A site's limit speaks as early, or earlier.",
    )


def all_of(*changes: Change) -> Change:
    def change(raw: dict[str, Any]) -> None:
        for one in changes:
            one(raw)

    return change


def told(change: Change) -> list[Told]:
    return [(one.where, one.value, one.rule, one.remedy) for one in looser(read(change), opened().protocol("ivigil"))]


EXPECTED: dict[str, list[Told]] = {
    "route by vein": [
        word(
            "adrenaline.route",
            "By vein, slowly.",
            "Into the muscle of the outer thigh. Never under the skin; by vein only in expert hands.",
        ),
    ],
    "route under the skin": [
        word(
            "adrenaline.route",
            "Under the skin of the arm.",
            "Into the muscle of the outer thigh. Never under the skin; by vein only in expert hands.",
        ),
    ],
    "standing": [
        word("adrenaline.position", "Standing.", "Flat with the legs raised; sitting if breathless; nobody stands up."),
    ],
    "another name": [
        word("adrenaline.name", "water", "adrenaline (epinephrine)"),
    ],
    "its other names": [
        missing("adrenaline.also", "epinephrine"),
        missing("adrenaline.also", "adrenalin"),
        missing("adrenaline.also", "epipen"),
        missing("adrenaline.also", "jext"),
        missing("adrenaline.also", "emerade"),
        missing("adrenaline.also", "anapen"),
    ],
    "again after an hour": [
        most("adrenaline.repeat", "60", "5"),
    ],
    "ten doses": [
        most("adrenaline.refractory_after_doses", "10", "2"),
    ],
    "a tenth": [
        little("adrenaline.schemes.weight", "0.001", "0.01"),
    ],
    "a low cap": [
        little("adrenaline.schemes.weight.cap_mg", "0.2", "0.3"),
    ],
    "a dose by policy": [
        (
            "adrenaline.schemes.weight",
            None,
            "A dose is read on a page; policy is none.",
            "Cite the page, with origin and read.",
        ),
    ],
    "adult from 1": [
        least("adrenaline.adult_from_years", "1", "12"),
    ],
    "adult from 99": [
        ("adrenaline.adult_from_years", "99", "An adult is given an adult's dose.", "At most 18."),
    ],
    "0.5 mg at birth": [
        (
            "adrenaline.schemes.age_bands.bands",
            "0.5 mg from 0 years",
            "No source read gives more than 0.15 mg at that age.",
            "Correct it; a site chooses among what is published.",
        ),
        (
            "adrenaline.schemes.age_bands.bands",
            "0.5 mg from 0.5 years",
            "No source read gives more than 0.15 mg at that age.",
            "Correct it; a site chooses among what is published.",
        ),
        (
            "adrenaline.schemes.age_bands.bands",
            "0.5 mg from 6 years",
            "No source read gives more than 0.3 mg at that age.",
            "Correct it; a site chooses among what is published.",
        ),
        (
            "adrenaline.schemes.age_bands.bands",
            "from 12 years",
            "The note is missing: 0.3 mg if small or before puberty.",
            "Add it.",
        ),
    ],
    "0.15 mg for all": [
        little("adrenaline.schemes.age_bands.bands", "0.15 mg from 6 years", "0.3"),
        little("adrenaline.schemes.age_bands.bands", "0.15 mg from 12 years", "0.5"),
        (
            "adrenaline.schemes.age_bands.bands",
            "from 12 years",
            "The note is missing: 0.3 mg if small or before puberty.",
            "Add it.",
        ),
        little("adrenaline.schemes.age_bands.bands", "0.15 mg from 18 years", "0.5"),
    ],
    "no cap of a child": [
        (
            "adrenaline.child_caps_mg.weight",
            None,
            "Each scheme by weight has its child's cap, and no other has one.",
            "Name it as the scheme is named.",
        ),
    ],
    "a cap of no scheme": [
        (
            "adrenaline.child_caps_mg.wieght",
            None,
            "Each scheme by weight has its child's cap, and no other has one.",
            "Name it as the scheme is named.",
        ),
    ],
    "an adult's pen for a baby": [
        (
            "adrenaline.pens.child",
            "0.3 mg at 0 kg",
            "What was read for 0 kg is 0.15 mg.",
            "Correct the dose, or the weight from which it is given.",
        ),
    ],
    "a child's pen for an adult": [
        (
            "adrenaline.pens.adult",
            "0.15 mg at 30 kg",
            "What was read for 30 kg is 0.3 mg.",
            "Correct the dose, or the weight from which it is given.",
        ),
    ],
    "a region in small letters": [
        ("adrenaline.scheme_of_region", "us", "A region is written in capitals; no other is found.", "Write it as US."),
    ],
    "nobody at home": [
        missing("call", "home"),
    ],
    "no number at home": [
        (
            "call.home.by_region.US",
            "the emergency number",
            "Whom to call is a number, where the shipped protocol has one.",
            "Write the number, as US = '911'.",
        ),
    ],
    "no number elsewhere": [
        (
            "call.home.otherwise",
            "nobody",
            "Whom to call in every other region is a number, or the shipped words.",
            "Write the number, or 'the emergency number'.",
        ),
    ],
    "no criteria": [
        missing("anaphylaxis", "wao_2020"),
    ],
    "moderate only slowed": [
        weaker("responses.moderate.flow", "slow_or_pause", "stop"),
    ],
    "moderate after a minute": [
        least("responses.moderate.wait", "1", "30"),
    ],
    "faster by policy": [
        (
            "responses.moderate.restart",
            "last_borne",
            "Another way to go on is one that was read, not a policy.",
            "Write lower_of_both, or cite the page with its origin.",
        ),
    ],
    "severe, the team": [
        weaker("responses.severe.tell", "team", "emergency"),
    ],
    "severe as grade 1": [
        other("responses.severe.ctcae", "1", "3"),
    ],
    "resumed after a severe reaction": [
        word(
            "responses.severe.steps.stop",
            "Pause 30 minutes, then resume at half.",
            "Stop, and do not restart. Keep the vein open. Call for help.",
        ),
    ],
    "a new step that resumes": [
        (
            "responses.severe.steps.then",
            "When well, continue slowly.",
            "After a severe reaction no step speaks of going on.",
            "Take it out: nothing is resumed.",
        ),
    ],
    "no adrenaline when dying": [
        missing("responses.life_threatening.steps", "adrenaline"),
    ],
    "an antihistamine when severe": [
        (
            "responses.severe.medicines",
            "cetirizine",
            "Anaphylaxis is in doubt here: nothing that never comes first in it stands here.",
            "Take 'cetirizine' out.",
        ),
    ],
    "an antihistamine may come first": [
        weaker("medicines.cetirizine.never_first_in_anaphylaxis", "false", "true"),
    ],
    "adrenaline as any medicine": [
        (
            "medicines.suprarenin",
            "adrenaline by vein",
            "Adrenaline stands in [adrenaline], into the muscle, and nowhere else.",
            "Take it out.",
        ),
        (
            "medicines.suprarenin.name",
            "adrenaline by vein",
            "Adrenaline goes into the muscle; no site gives it another way.",
            "Take it out.",
        ),
    ],
    "adrenaline by vein in a step": [
        (
            "responses.mild.steps.look.text",
            "Give epinephrine IV if pale.",
            "Adrenaline goes into the muscle; no site gives it another way.",
            "Take it out.",
        ),
    ],
    "another route": [
        ("medicines.cetirizine.route", "by vein", "The route that was read: by mouth.", "Write it, or a part."),
    ],
    "no caution": [
        (
            "medicines.furosemide.caution",
            None,
            "Its caution is missing.",
            "Put it back: European labels advise against loop diuretics around immunoglobulin; treating overload is the exception.",
        ),
    ],
    "an adult's dose for a child": [
        ("medicines.paracetamol.child", "1500", "A child is given no more than the adult's 1000 mg.", "Correct it."),
    ],
    "collapse as mild": [
        weaker("symptoms.collapse.least", "mild", "life_threatening"),
        weaker("symptoms.collapse.grade", "mild", "life_threatening"),
    ],
    "no collapse": [
        missing("symptoms", "collapse"),
    ],
    "a wheeze that says nothing": [
        (
            "symptoms.breathless_or_wheeze.signs",
            None,
            "Without 'breathing' anaphylaxis is not seen by its criteria.",
            "Put 'breathing' back.",
        ),
    ],
    "a lost line that goes on": [
        weaker("symptoms.site_swelling_or_pain.ends_access", "false", "true"),
    ],
    "pressure below 20": [
        later("triggers.systolic_low_adult.below", "20", " of 90."),
    ],
    "for nobody": [
        later("triggers.oxygen_low.from_years", "90", ", which has none."),
    ],
    "only with hives": [
        later("triggers.oxygen_low.only_with", "skin", ", which has none."),
    ],
    "asked only": [
        weaker("triggers.oxygen_low.grade", "ask", "severe"),
    ],
    "no limit of oxygen": [
        missing("triggers", "oxygen_low"),
    ],
    "no weight": [
        missing("checks.all", "weight"),
    ],
    "no kit": [
        missing("checks.home", "kit"),
    ],
    "nobody writes": [
        ("roles", None, "Somebody writes in a session.", "Name the roles that do."),
    ],
    "a carer writes what a prescriber said": [
        (
            "relays",
            "carer",
            "Going on, a lifted limit and leaving after a severe reaction are written by a professional.",
            "Leave 'carer' out.",
        ),
    ],
    "nobody writes what a prescriber said": [
        ("relays", None, "Somebody writes what a prescriber said.", "Name the roles that do."),
    ],
    "5 and 10 % alike": [
        most("concentration_tolerance", "0.49", "0.1"),
    ],
    "a child's weight": [
        most("weight_tolerance_child", "0.4", "0.05"),
        (
            "weight_tolerance_child",
            "0.4",
            "A child's weight is held to no wider a tolerance than an adult's.",
            "At most 0.1.",
        ),
    ],
    "a pack for a year": [
        most("pack_valid_h", "9999", "24"),
    ],
    "late by hours": [
        most("observing.grace", "999", "5"),
    ],
    "pressure alone": [
        missing("observing.set_of", "diastolic_mmhg"),
        missing("observing.set_of", "pulse_per_min"),
        missing("observing.set_of", "temperature_c"),
        missing("observing.set_of", "spo2_percent"),
    ],
    "1000 % oxygen": [
        (
            "possible.spo2_percent",
            "0 to 1000",
            "Beyond the shipped limits a value is a slip of the pen.",
            "Two numbers, the lower first, from 20 to 100.",
        ),
    ],
    "turned about": [
        (
            "possible.spo2_percent",
            "100 to 20",
            "Beyond the shipped limits a value is a slip of the pen.",
            "Two numbers, the lower first, from 20 to 100.",
        ),
    ],
    "haemolysis goes on": [
        missing("never_restart_after", "haemolysis"),
    ],
    "words that allow": [
        word(
            "bars.no-restart-anaphylaxis.text", "You may restart.", "After anaphylaxis this infusion is not restarted."
        ),
    ],
    "a remedy for never": [
        word("bars.above-maximum.remedy", "Ask.", "Never. Keep the present rate."),
    ],
    "turned writing": [
        (
            "medicines.oxygen.name",
            "oxy\\u202egen",
            "It holds a sign that nobody sees, or that turns the direction of writing.",
            "Write it anew.",
        ),
    ],
    "a page of words": [
        (
            "responses.mild.steps.look.text",
            "x x x x x x x x x x x x x x x x x x x x …",
            "A line at the chair has at most 400 characters.",
            "Shorten it.",
        ),
    ],
}


def test_every_loosening_has_its_words():
    assert set(EXPECTED) == set(LOOSENED)


@pytest.mark.parametrize("name", LOOSENED)
def test_a_loosening_is_told_with_its_value_rule_and_remedy(name):
    assert told(LOOSENED[name][0]) == EXPECTED[name]


#: Single slips that no case above holds, with what is told of them.
SLIPS: dict[str, tuple[Change, list[Told]]] = {
    "complete by half": (at("complete_within", value=Decimal("0.2")), [most("complete_within", "0.2", "0.05")]),
    "a clock ahead": (
        at("observing.clock_ahead_most", value=3),
        [most("observing.clock_ahead_most", "3", "2")],
    ),
    "told late": (at("observing.told_late_after", value=16), [most("observing.told_late_after", "16", "15")]),
    "adults from 17": (at("adult_from_years", value=17), [
        least("adult_from_years", "17", "18"),
    ]),
    "another kind": (at("symptoms.headache", kind="fatigue"), [other("symptoms.headache.kind", "fatigue", "headache")]),
    "one sign of two": (
        at("symptoms.severe_cramps_repeated_vomiting", signs=["gut"]),
        [(
            "symptoms.severe_cramps_repeated_vomiting.signs", "gut",
            "Without 'gut_severe' anaphylaxis is not seen by its criteria.", "Put 'gut_severe' back.",
        )],
    ),
    "two other signs": (
        at("symptoms.severe_cramps_repeated_vomiting", signs=["skin", "breathing"]),
        [(
            "symptoms.severe_cramps_repeated_vomiting.signs", "skin, breathing",
            "Without 'gut' anaphylaxis is not seen by its criteria.", "Put 'gut' back.",
        )],
    ),
    "the first symptom gone, a later one milder": (
        all_of(without("symptoms", "headache"), at("symptoms.collapse", grade="severe", least="severe")),
        [
            missing("symptoms", "headache"),
            weaker("symptoms.collapse.least", "severe", "life_threatening"),
            weaker("symptoms.collapse.grade", "severe", "life_threatening"),
        ],
    ),
    "a limit of another sign": (
        at("triggers.oxygen_low", sign="pulse_per_min"),
        [other("triggers.oxygen_low", "pulse_per_min, None", "spo2_percent, None")],
    ),
    "no longer low pressure": (
        without("triggers.systolic_low_adult", "role"),
        [other("triggers.systolic_low_adult", "systolic_mmhg, None", "systolic_mmhg, hypotension")],
    ),
    "a milder grade": (at("triggers.oxygen_low", grade="mild"), [weaker("triggers.oxygen_low.grade", "mild", "severe")]),
    "the first limit gone, a later one milder": (
        all_of(without("triggers", "fever_mild"), at("triggers.oxygen_low", grade="mild")),
        [missing("triggers", "fever_mild"), weaker("triggers.oxygen_low.grade", "mild", "severe")],
    ),
    "a fever of 40": (at("triggers.fever_moderate", at_least=40), [later("triggers.fever_moderate.at_least", "40", " of 39.")]),
    "a child's pressure by less": (
        at("triggers.systolic_low_child", below_plus_per_year=1),
        [later("triggers.systolic_low_child.below_plus_per_year", "1", " of 2.")],
    ),
    "a child's pressure by nothing": (
        without("triggers.systolic_low_child", "below_plus_per_year"),
        [later("triggers.systolic_low_child.below_plus_per_year", "None", " of 2.")],
    ),
    "adults' pressure from 12": (
        at("triggers.systolic_low_adult", from_years=12),
        [later("triggers.systolic_low_adult.from_years", "12", " of 11.")],
    ),
    "from one year": (
        at("triggers.oxygen_low", from_years=1),
        [later("triggers.oxygen_low.from_years", "1", ", which has none.")],
    ),
    "up to ten years": (
        at("triggers.systolic_low_child", below_years=10),
        [later("triggers.systolic_low_child.below_years", "10", " of 11.")],
    ),
    "for children alone": (
        at("triggers.oxygen_low", below_years=18),
        [later("triggers.oxygen_low.below_years", "18", ", which has none.")],
    ),
    "one bar gone, a later one kinder": (
        at("bars.no-restart-anaphylaxis", text="You may restart."),
        [word("bars.no-restart-anaphylaxis.text", "You may restart.", "After anaphylaxis this infusion is not restarted.")],
    ),
    "life threatening, and going on": (
        at("responses.life_threatening.steps", then={"text": "Continue when well."} | POLICY),
        [(
            "responses.life_threatening.steps.then", "Continue when well.",
            "After a life-threatening reaction no step speaks of going on.", "Take it out: nothing is resumed.",
        )],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_a_single_slip_is_told_with_its_value_rule_and_remedy(name):
    change, expected = SLIPS[name]
    assert told(change) == expected


def test_never_is_stricter_than_any_way_to_go_on():
    never = all_of(
        at("responses.moderate.restart", value="never", origin="policy"), without("responses.moderate", "wait")
    )
    assert told(never) == []


def test_the_widest_and_the_narrowest_of_what_is_possible():
    assert told(at("possible", spo2_percent=[20, 100])) == []
    ((where, value, _, _),) = told(at("possible", spo2_percent=[50, 50]))
    assert (where, value) == ("possible.spo2_percent", "50 to 50")
