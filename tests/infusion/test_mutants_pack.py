"""What stands in a pack, item by item, and the edges of looking up in it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ivigil.errors import BadInput, Blocked
from ivigil.infusion import lookup
from ivigil.infusion.bedside import Bedside, bedside
from ivigil.infusion.events import Check
from ivigil.infusion.lookup import Looked
from ivigil.infusion.pack import Pack, as_json, content_id, make_pack, sign_key
from ivigil.knowledge.protocol import Grade
from ivigil.prescription.plan import Signature
from ivigil.sources import cite
from tests.infusion.chair import at_chair, experienced, planned, protocol
from tests.planning import opened

D = Decimal


def pack_of(bed: Bedside, hours_before: float = 2) -> Pack:
    at = bed.infusion.starts_at - timedelta(hours=hours_before)
    signature = Signature(plan_id=bed.plan.plan_id, by="Dr. Ada Test", role="physician", at=at - timedelta(hours=1))
    return make_pack(bed, signature, at, lambda name: cite(opened().source(name)))


def held(bed: Bedside | None = None) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(as_json(pack_of(bed or at_chair())))
    return made


def child() -> Bedside:
    return at_chair(planned(product="gammagard_liquid", age_years=8, weight_kg=25, height_cm=127))


# ---- whose it is


def test_a_pack_says_whose_it_is_who_signed_and_until_when():
    bed = at_chair()
    found = pack_of(bed)
    start = bed.infusion.starts_at
    assert (found.schema_, found.plan_id, found.infusion) == ("ivigil-pack/1", bed.plan.plan_id, 1)
    assert (found.patient_ref, found.synthetic) == ("synthetic-well", True)
    assert (found.signed_by, found.signed_role, found.signed_at) == (
        "Dr. Ada Test",
        "physician",
        start - timedelta(hours=3),
    )
    assert (found.made_at, found.valid_until) == (start - timedelta(hours=2), start + timedelta(hours=24))
    assert (found.product, found.brand, found.protocol) == ("privigen", "Privigen", "ivigil")
    assert found.ctcae_version.startswith("Grades are stored with the version they were made by: CTCAE v5.0")
    assert found.notice == (
        "For this patient and this infusion only. It informs; a clinician decides. What is not in it: call, and do not go on."
    )


def test_a_pack_made_after_the_start_serves_a_day_from_then_and_never_longer_than_the_plan():
    bed = at_chair()
    late = pack_of(bed, hours_before=-10)
    assert late.valid_until == bed.infusion.starts_at + timedelta(hours=34)
    # The plan ends a week after the start.
    last = pack_of(bed, hours_before=-167)
    assert last.valid_until == bed.plan.valid_until == bed.infusion.starts_at + timedelta(days=7)
    assert pack_of(bed, hours_before=-168).made_at == bed.plan.valid_until


def test_a_plan_that_is_over_says_what_to_do():
    bed = at_chair()
    with pytest.raises(BadInput) as refused:
        pack_of(bed, hours_before=-169)
    error = refused.value
    assert (error.where, error.value) == ("valid_until", bed.plan.valid_until.isoformat())
    assert (error.rule, error.remedy) == ("This plan is no longer valid.", "Have a new plan made and signed.")


def test_the_id_is_that_of_the_content():
    found = pack_of(at_chair())
    assert found.pack_id.startswith("sha256:")
    assert len(found.pack_id) == len("sha256:") + 64
    assert content_id(found) == found.pack_id == content_id(found.model_copy(update={"pack_id": "sha256:0"}))
    assert content_id(found.model_copy(update={"infusion": 2})) != found.pack_id
    assert "\n" not in as_json(found)
    assert json.loads(as_json(found))["schema"] == "ivigil-pack/1"


# ---- the plan in it


def test_an_adults_numbers():
    found = held()
    # 30 g of 10 % for 70 kg; a tenth of the weight is borne.
    assert (found["dose_g"], found["total_ml"], found["concentration_g_per_ml"]) == (30, 300, 0.1)
    assert (found["weight_kg"], found["weight_from_kg"], found["weight_to_kg"], found["age_years"]) == (70, 63, 77, 40)
    assert (found["setting"], found["call"]) == ("hospital", "the hospital's resuscitation team")
    assert found["checks"] == [
        "access", "appearance", "consent", "identifiers", "premedication", "pump_read_back", "weight", "well_today",
    ]  # fmt: skip


def test_the_ladder_with_the_earliest_minute_of_each_step():
    found = held()
    # 0.3, 0.6, 1.2, 2.4 and 4.8 mL/kg/h for 70 kg, half an hour each, and the rest at the top.
    rows = [
        (one["pump_ml_per_h"], one["rate_ml_per_kg_h"], one["hold_min"], one["earliest_min"], one["next_pump_ml_per_h"])
        for one in found["ladder"]
    ]
    assert rows == [
        (21, 0.3, 30, 0, 42), (42, 0.6, 30, 30, 84), (84, 1.2, 30, 60, 168), (168, 2.4, 30, 90, 336),
        (336, 4.8, 26, 120, None),
    ]  # fmt: skip
    # The label prints the first and the highest rate; the steps between are policy.
    assert [one["basis"] for one in found["ladder"]] == ["label", "policy", "policy", "policy", "label"]
    assert found["top_ml_per_h"] == 336


def test_when_to_look_for_a_first_and_for_an_experienced_patient():
    first, later = held()["watching"], held(at_chair(experienced()))["watching"]
    assert first["set_of"] == ["systolic_mmhg", "diastolic_mmhg", "pulse_per_min", "temperature_c", "spo2_percent"]
    wanted = {"baseline_within_min": 60, "until_top_every_min": 15, "reacting_every_min": 15, "grace_min": 5}
    assert {name: first[name] for name in wanted} == {name: later[name] for name in wanted} == wanted
    assert (first["at_top_every_min"], first["after_end_min"]) == (30, 60)
    assert (later["at_top_every_min"], later["after_end_min"]) == (60, 20)
    assert first["planned_due_min"][:3] == [0, 15, 30]


def test_a_pack_for_home_has_the_kit_among_its_checks_and_the_number_of_the_country():
    bed = at_chair()
    home = replace(bed, ordered=bed.ordered.model_copy(update={"setting": "home"}))
    found = held(home)
    assert "kit" in found["checks"]
    assert (found["setting"], found["call"]) == ("home", "911")
    assert {one["call"] for one in found["responses"].values()} == {"911"}


# ---- the protocol in it


def test_reasons_symptoms_and_rules_stand_as_in_the_protocol():
    found = held()
    assert found["reasons"]["reaction-unresolved"] == {
        "text": "A reaction is present.",
        "remedy": "Treat it; nothing is raised or restarted until all of it has gone.",
        "policy": False,
        "sources": ["safety/nhsborders"],
    }
    assert found["reasons"]["too-early"]["policy"] is True
    assert found["symptoms"]["breathless_or_wheeze"] == {
        "name": "breathless or wheezing", "least": "moderate", "grade": "severe", "signs": ["breathing", "bronchospasm"],
        "ask": ["anaphylaxis, lung injury, overload, embolism?"], "policy": True, "sources": ["safety/nhsborders"],
        "ends_access": False, "steps": [],
    }  # fmt: skip
    assert found["symptoms"]["confusion_or_incontinence"]["policy"] is False
    assert set(found["anaphylaxis_rules"]) == {"wao_2020", "niaid_faan_2006"}
    assert found["anaphylaxis_rules"]["wao_2020"]["text"].startswith("World Allergy Organization 2020: skin with")
    assert found["anaphylaxis_rules"]["wao_2020"]["sources"] == ["safety/wao_empendium", "safety/pmc8953896"]


def test_the_limits_of_an_adult():
    found = held()["triggers"]
    # A man of 40: neither the infant's nor the child's limit.
    assert {"systolic_low_infant", "systolic_low_child"}.isdisjoint(found)
    assert len(found) == 16
    blank = dict.fromkeys(
        ("at_least", "above", "at_most", "below", "rise_at_least", "fall_at_least", "fall_share_above"), None
    )
    low = {"sign": "systolic_mmhg", "text": "Systolic pressure below 90 mmHg.", "grade": "severe", "low_pressure": True}
    basis = {"only_with": [], "policy": False, "sources": ["safety/wao_empendium", "reactions/niaid_graphy"]}
    assert found["systolic_low_adult"] == {**blank, **low, **basis, "below": 90}
    assert found["fever_mild"]["at_least"] == 38
    assert found["fever_mild"]["rise_at_least"] == 1
    assert found["oxygen_low"]["at_most"] == 92
    assert found["systolic_fall_third"]["fall_share_above"] == 0.3
    allergy = found["systolic_fall_with_allergy"]
    assert (allergy["fall_at_least"], allergy["only_with"], allergy["low_pressure"]) == (
        30, ["skin", "breathing", "bronchospasm", "larynx"], False,
    )  # fmt: skip
    assert (found["pulse_change_up"]["grade"], found["pulse_change_up"]["policy"]) == (None, True)
    assert [name for name, one in found.items() if one["above"] is not None] == []


@pytest.mark.parametrize(
    ("age", "low"),
    # Completed years: 70 + 2 x 1 = 72 at 1, 90 at 10.9; 70 below one year; 90 from 11.
    [("0.9", {70}), ("1", {72}), ("10.9", {90}), ("11", {90}), (None, {70, 90, 92})],
)
def test_the_limit_of_low_pressure_is_worked_out_for_the_age(age, low):
    bed = at_chair()
    aged = replace(bed, ordered=bed.ordered.model_copy(update={"age_years": None if age is None else D(age)}))
    rows = [one for one in held(aged)["triggers"].values() if one["low_pressure"] and one["below"] is not None]
    assert {one["below"] for one in rows} == low
    assert len(rows) == len(low)


def test_what_is_done_at_each_grade():
    found = held()["responses"]
    assert {grade: (one["ctcae"], one["flow"], one["tell"], one["restart"], one["wait_min"]) for grade, one in found.items()} == {
        "mild": (1, "slow_or_pause", "team", "lower_of_both", 30),
        "moderate": (2, "stop", "prescriber", "lower_of_both", 30),
        "severe": (3, "stop", "emergency", "never", None),
        "life_threatening": (4, "stop", "emergency", "never", None),
    }  # fmt: skip
    mild = {one["medicine"]: (one["mg"], one["mg_max"]) for one in found["mild"]["medicines"]}
    assert mild == {"paracetamol": (650, 1000), "cetirizine": (10, None), "loratadine": (10, None)}
    assert found["mild"]["medicines"][1] == {
        "medicine": "cetirizine", "name": "cetirizine", "use": "itch, hives, rash", "route": "by mouth", "mg": 10,
        "mg_max": None, "caution": "Never the first medicine in anaphylaxis.", "ask": "",
        "sources": ["safety/ebmedicine", "safety/ukons_rcuk"],
    }  # fmt: skip
    assert len(found["severe"]["steps"]) == 6
    assert found["moderate"]["steps"][2] == {
        "text": "Treat as for mild; fluid by vein for low pressure, on the prescriber's word.", "policy": True,
        "sources": ["safety/nhsborders"],
    }  # fmt: skip


def test_a_childs_medicines_go_by_the_childs_age_and_weight():
    mild = {one["medicine"]: (one["mg"], one["mg_max"]) for one in held(child())["responses"]["moderate"]["medicines"]}
    # Cetirizine 6 to 12 years 5 to 10 mg; diphenhydramine 1 mg/kg: 25 kg.
    assert (mild["cetirizine"], mild["diphenhydramine"]) == ((5, 10), (25, None))


def test_a_grade_for_which_a_site_lists_no_medicine_has_none():
    bed = at_chair()
    mild = bed.protocol.responses[Grade.MILD].model_copy(update={"medicines": None})
    theirs = replace(
        bed,
        protocol=bed.protocol.model_copy(update={"responses": {**bed.protocol.responses, Grade.MILD: mild}}),
    )
    assert held(theirs)["responses"]["mild"]["medicines"] == []


def test_the_reaction_card_and_adrenaline_are_those_of_anaphylaxis():
    found = held(child())
    assert found["reaction_card"][0]["text"] == "Stop, and do not restart. Keep the vein open. Call for help."
    assert len(found["reaction_card"]) == 6
    dose = found["adrenaline"]
    assert (dose["mg"], dose["mg_max"], dose["ml"], dose["scheme"], dose["pen"], dose["repeat_min"]) == (
        0.25, None, 0.25, "weight", "child", 5,
    )  # fmt: skip
    assert (dose["name"], dose["refractory_after"], dose["capped"]) == ("adrenaline (epinephrine)", 2, False)
    assert dose["position"].startswith("Flat with the legs raised")


def test_every_source_that_is_named_anywhere_is_cited_once_and_in_order():
    found = held()
    assert list(found["sources"]) == sorted(found["sources"])
    # One of the bars, of the symptoms, of the limits, of the rules, of the steps, of the medicines and of adrenaline.
    for name in ("safety/bcsh2012", "reactions/stiehm2013", "reactions/trip", "safety/pmc8953896", "safety/ascia2023",
                 "safety/pentaglobin", "safety/immunisation_handbook"):  # fmt: skip
        assert found["sources"][name]["title"]
    assert "policy/ivigil" in found["sources"]


# ---- restarts


def test_the_table_of_restarts_is_whole_and_has_no_row_for_what_never_restarts():
    rows = held()["restarts"]
    # 5 without a reaction; 5 rates ran x 6 borne (none among them) for mild and for moderate.
    assert len(rows) == 5 + 2 * 5 * 6
    assert {one["episode"] for one in rows} == {None, "mild", "moderate"}
    by = {(one["episode"], one["ran_ml_per_h"], one["borne_ml_per_h"]): one["restart_ml_per_h"] for one in rows}
    # The lower of the last rate borne and half of the rate before.
    assert by["mild", 84, 21] == 21
    assert by["mild", 84, 84] == 42
    assert by["moderate", 21, 21] == 10.5
    assert by["moderate", 21, 0] is None
    assert by[None, 336, 0] == 336


# ---- looking up


@pytest.mark.parametrize(
    ("present", "key"),
    [(frozenset(), "00000000"), ({"skin"}, "10000000"), ({"low_pressure", "gut"}, "00000101")],
)
def test_the_key_of_a_set_of_signs(present, key):
    assert sign_key(frozenset(present)) == key


def test_looking_up_says_what_bars_and_what_nobody_answered():
    pack = held()
    assert lookup.may(pack, "dance", {}) == Looked("call")
    # Completing asks for the phase and for what is left.
    assert lookup.may(pack, "complete", {}) == Looked("call", (), ("phase", "left"))
    assert lookup.may(pack, "complete", {"phase": "running"}) == Looked("call", (), ("left",))
    assert lookup.may(pack, "complete", {"phase": "stopped"}) == Looked("barred", ("not-running",), ("left",))
    assert lookup.may(pack, "complete", {"phase": "running", "left": "none"}) == Looked("allowed")
    assert lookup.may(pack, "complete", {"phase": "running", "left": "some"}) == Looked("barred", ("dose-not-given",))
    # A question that two rows ask is named once.
    assert lookup.may(pack, "hang", {"phase": "running", "plan": "valid", "hanging": "fit"}) == Looked("call", (), ("lock",))  # fmt: skip
    assert lookup.may(pack, "slow", {}) == Looked("allowed")


def test_looking_up_a_restart():
    pack = held()
    assert lookup.restart_rate(pack, "severe", 84, 21, 0) is None
    assert lookup.restart_rate(pack, "mild", 84, 21, 0) == 21
    assert lookup.restart_rate(pack, "mild", 84, 20, 0) == "call"
    assert lookup.restart_rate(pack, "terrible", 84, 21, 0) == "call"
    assert lookup.restart_rate(pack, None, 85, 0, 0) == "call"
    assert lookup.next_rate(pack, 336) is None
    assert lookup.next_rate(pack, 84) == 168


def test_looking_up_a_grade_and_the_criteria():
    pack = held()
    assert lookup.response(pack, "mild")["flow"] == "slow_or_pause"  # type: ignore[index]
    assert lookup.anaphylaxis(pack, ["low_pressure"]) == ("wao_2020 2", "niaid_faan_2006 3")
    assert lookup.anaphylaxis(pack, []) == ()


# ---- the bedside


def test_a_blocked_plan_has_no_bedside():
    for changed in ({"prescription": None}, {"status": "blocked"}):
        blocked = planned().model_copy(update=changed)
        with pytest.raises(Blocked) as refused:
            at_chair(blocked)
        error = refused.value
        assert (error.where, error.value) == ("status", blocked.status)
        assert (error.rule, error.remedy) == (
            "A blocked plan is not infused.",
            "Resolve what blocks it and plan again.",
        )


def test_a_day_that_the_plan_does_not_have_is_said_with_those_it_has():
    made = planned("cidp", "loading")
    days = ", ".join(str(number) for number in range(1, len(made.infusions) + 1))
    with pytest.raises(BadInput) as refused:
        at_chair(made, number=9)
    error = refused.value
    assert (error.where, error.value, error.remedy) == ("--infusion", 9, "Give one of them.")
    assert error.rule == f"The plan has the infusions {days}."
    found = bedside(made, 2, protocol(), opened().policies.monitoring, ("prescriber",), frozenset({"Q1"}))
    assert (found.infusion.number, found.ordered, found.plan) == (2, made.prescription, made)
    assert found.quarantined == {"Q1"}


def test_what_is_confirmed_in_each_setting():
    bed = at_chair()
    everywhere = set(Check) - {Check.KIT}
    assert bed.checks("hospital") == bed.checks("clinic") == everywhere
    assert bed.checks("home") == set(Check)


@pytest.mark.parametrize(("age", "share"), [(17, "0.05"), (18, "0.1"), (None, "0.05")])
def test_the_adults_tolerance_of_weight_begins_at_eighteen_and_needs_an_age(age, share):
    bed = at_chair()
    aged = replace(bed, ordered=bed.ordered.model_copy(update={"age_years": None if age is None else D(age)}))
    assert aged.weight_tolerance == D(share)


def test_every_vial_of_a_size_is_opened():
    # Two vials of 10 g and one of 5 g are 25 g.
    bed = at_chair()
    ten = bed.infusion.vials[1].model_copy(update={"count": 2})
    five = ten.model_copy(update={"size_g": D(5), "count": 1})
    assert replace(bed, infusion=bed.infusion.model_copy(update={"vials": (ten, five)})).opened_g == 25


def test_how_often_one_looks():
    bed, later = at_chair(), at_chair(experienced())
    rows = [(top, reacting) for top in (False, True) for reacting in (False, True)]
    found = [
        [one.watch_every(at_top=top, reacting=reacting) // timedelta(minutes=1) for top, reacting in rows]
        for one in (bed, later)
    ]
    assert found == [[15, 15, 30, 15], [15, 15, 60, 15]]
    assert bed.minutes(D("7.9")) == timedelta(minutes=7)


def with_response(bed: Bedside, grade: Grade, restart: str) -> Bedside:
    row = bed.protocol.responses[grade]
    theirs = row.model_copy(update={"restart": row.restart.model_copy(update={"value": restart})})
    return replace(
        bed, protocol=bed.protocol.model_copy(update={"responses": {**bed.protocol.responses, grade: theirs}})
    )


def test_a_grade_that_never_restarts_leaves_the_rows_of_the_others():
    rows = held(with_response(at_chair(), Grade.MILD, "never"))["restarts"]
    assert {one["episode"] for one in rows} == {None, "moderate"}


def test_a_sites_upper_limit_and_a_rising_one_without_an_age_stand_in_the_pack():
    bed = at_chair()
    low = bed.protocol.triggers["systolic_low_adult"]
    theirs = {
        "high": low.model_copy(update={"below": None, "above": D(200)}),
        "rising": low.model_copy(update={"below": D(70), "below_plus_per_year": D(2), "from_years": None}),
    }
    ageless = replace(
        bed,
        protocol=bed.protocol.model_copy(update={"triggers": theirs}),
        ordered=bed.ordered.model_copy(update={"age_years": None}),
    )
    found = held(ageless)["triggers"]
    assert (found["high"]["above"], found["high"]["below"], found["rising"]["below"]) == (200, None, 70)


def test_below_the_first_step_the_first_steps_time_holds():
    bed = at_chair()
    first = bed.infusion.steps[0].model_copy(update={"duration_min": 45})
    slower = replace(bed, infusion=bed.infusion.model_copy(update={"steps": (first, *bed.infusion.steps[1:])}))
    assert [slower.hold(Fraction(rate)) for rate in (5, 21, 42)] == [timedelta(minutes=one) for one in (45, 45, 30)]


def test_what_must_not_come_before_adrenaline_stands_in_no_pack_at_life_threatening_also_if_a_site_lists_it():
    bed = at_chair()
    row = bed.protocol.responses[Grade.LIFE_THREATENING]
    assert row.medicines is not None
    listed = row.model_copy(update={"medicines": row.medicines.model_copy(update={"items": ("oxygen", "cetirizine")})})
    own = bed.protocol.model_copy(update={"responses": {**bed.protocol.responses, Grade.LIFE_THREATENING: listed}})
    found = held(replace(bed, protocol=own))["responses"]["life_threatening"]["medicines"]
    assert [one["medicine"] for one in found] == ["oxygen"]


def test_a_pack_says_with_what_the_line_is_flushed_in_the_plans_own_words():
    bed = at_chair()
    assert [(one.text, one.policy, one.sources) for one in pack_of(bed).line] == [
        ("Line: Own line; mix with no other medicine.", False, ("privigen/M2", "privigen/M1")),
        ("Dilution: May be diluted with 5 % dextrose.", False, ("privigen/M2", "privigen/M1")),
        ("Flush: Only 5% dextrose or 0.9% sodium chloride.", False, ("privigen/M1",)),
        ("What stays in the line: Not read: see the label.", False, ()),
    ]


def test_a_line_of_the_sites_own_policy_says_so_and_a_plan_without_preparation_has_none():
    bed = at_chair()
    given = bed.plan.administration
    assert given is not None
    rows = tuple(
        row.model_copy(update={"basis": "policy", "sources": ("policy/ivigil",)})
        for row in given.preparation
        if row.topic == "Flush"
    )
    own = bed.plan.model_copy(update={"administration": given.model_copy(update={"preparation": rows})})
    assert [(one.policy, one.sources) for one in pack_of(replace(bed, plan=own)).line] == [(True, ("policy/ivigil",))]
    assert pack_of(replace(bed, plan=bed.plan.model_copy(update={"administration": None}))).line == ()
