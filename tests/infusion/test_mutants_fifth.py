"""What broken rules had passed unnoticed in the room as it stands: a site's single lines, medicines, and what is learned."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ivigil.infusion.due import due
from ivigil.infusion.events import ContainerChanged
from ivigil.infusion.hanging import fitness
from ivigil.infusion.medicines import Amiss, amiss
from ivigil.infusion.report import report
from ivigil.infusion.session import Session
from ivigil.infusion.site_protocol import LONGEST_TEXT, looser
from ivigil.infusion.tolerance import lesson
from ivigil.infusion.workflow import Hanging
from ivigil.knowledge.protocol import DoseRule, Grade, Protocol, VitalSign
from ivigil.sources import Origin
from tests.infusion.chair import Chair, at_chair, protocol
from tests.infusion.test_mutants_site_protocol import Told, little, missing, most, weaker, word

D = Decimal


# ---- a site's single lines


def changed(one: Any, **values: Any) -> Any:
    """A part of the protocol with other values; a dotted name reaches into it."""
    for name, value in values.items():
        head, _, rest = name.partition("__")
        one = one.model_copy(update={head: changed(getattr(one, head), **{rest: value}) if rest else value})
    return one


def told(site: Protocol) -> list[Told]:
    return [(one.where, one.value, one.rule, one.remedy) for one in looser(site, protocol())]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("long_pause__min", 61, most("long_pause", "61", "60")),
        ("observing__clock_behind_most__value", D(1441), most("observing.clock_behind_most", "1441", "1440")),
        ("adrenaline_id", "adrenalin", word("adrenaline_id", "adrenalin", "adrenaline")),
    ],
)
def test_a_single_line_is_told_at_its_place(name, value, expected):
    assert expected in told(changed(protocol(), **{name: value}))


def test_adrenaline_as_for_an_adult_from_18_years_is_as_late_as_it_may_be():
    assert told(changed(protocol(), adrenaline__adult_from_years__value=D(18))) == []


@pytest.mark.parametrize(("least", "most_"), [(100, 100), (100, 90)])
def test_two_limits_of_what_is_possible_that_leave_nothing(least, most_):
    limits = {**protocol().possible, VitalSign.SYSTOLIC: (D(least), D(most_))}
    assert told(changed(protocol(), possible=limits)) == [
        (
            "possible.systolic_mmhg",
            f"{least} to {most_}",
            "Beyond the shipped limits a value is a slip of the pen.",
            "Two numbers, the lower first, from 30 to 300.",
        )
    ]


def test_every_limit_with_a_grade_keeps_one():
    graded = {name: one for name, one in protocol().triggers.items() if one.grade is not None}
    assert {one.grade for one in graded.values()} >= {Grade.MILD, Grade.MODERATE}
    for name, one in graded.items():
        site = changed(protocol(), triggers={**protocol().triggers, name: changed(one, grade=None)})
        assert one.grade is not None
        assert told(site) == [weaker(f"triggers.{name}.grade", "ask", one.grade.value)]


def test_a_grade_without_medicines_is_none_too_few():
    severe = changed(protocol().responses[Grade.SEVERE], medicines=None)
    assert told(changed(protocol(), responses={**protocol().responses, Grade.SEVERE: severe})) == []


def test_the_bars_after_one_that_is_missing_are_looked_at():
    first, *_, last = protocol().bars
    bars = {code: one for code, one in protocol().bars.items() if code != first}
    bars[last] = changed(bars[last], text="Whatever.")
    assert told(changed(protocol(), bars=bars)) == [word(f"bars.{last}.text", "Whatever.", protocol().bars[last].text)]


def test_a_region_of_a_sites_own_is_shown_a_number():
    call = changed(protocol().call["hospital"], by_region={**protocol().call["hospital"].by_region, "FR": "somebody"})
    assert told(changed(protocol(), call={**protocol().call, "hospital": call})) == [
        (
            "call.hospital.by_region.FR",
            "somebody",
            "Whom to call is a number, where the shipped protocol has one.",
            "Write the number, as FR = '2222'.",
        )
    ]


def test_the_cap_of_a_child_is_as_low_as_was_read_and_no_lower():
    def capped(mg: str) -> list[Told]:
        caps = protocol().adrenaline.child_caps_mg
        return told(
            changed(protocol(), adrenaline__child_caps_mg={**caps, "weight": changed(caps["weight"], value=D(mg))})
        )

    assert capped("0.3") == []
    assert capped("0.29") == [little("adrenaline.child_caps_mg.weight", "0.29", "0.3")]


def scheme(rule: DoseRule) -> list[Told]:
    return told(changed(protocol(), adrenaline__schemes={**protocol().adrenaline.schemes, "weight": rule}))


def test_the_cap_of_a_scheme_is_as_low_as_a_childs_and_no_lower():
    ours = protocol().adrenaline.schemes["weight"]
    assert scheme(changed(ours, cap_mg=D("0.3"))) == []
    assert scheme(changed(ours, cap_mg=D("0.29"))) == [little("adrenaline.schemes.weight.cap_mg", "0.29", "0.3")]


def test_one_dose_for_every_age_is_no_scheme():
    ours = protocol().adrenaline.schemes["weight"]
    fixed = changed(ours, mg=D("0.5"), mg_per_kg=None, cap_mg=None)
    assert (
        "adrenaline.schemes.weight",
        "0.5",
        "One dose for every age fits no child.",
        "Dose it by weight, or by age.",
    ) in scheme(fixed)


@pytest.mark.parametrize(
    ("mg_max", "expected"),
    [
        ("0.15", []),
        (
            "0.14",
            [("adrenaline.schemes.age_bands.bands", "0.15 to 0.14 mg", "A range rises.", "Write the lower first.")],
        ),
    ],
)
def test_a_range_of_a_band_does_not_fall(mg_max, expected):
    schemes = protocol().adrenaline.schemes
    first, second, *rest = schemes["age_bands"].bands
    bands = (first, changed(second, mg_max=D(mg_max)), *rest)
    site = {**schemes, "age_bands": changed(schemes["age_bands"], bands=bands)}
    assert told(changed(protocol(), adrenaline__schemes=site)) == expected


def test_a_step_about_a_symptom_is_not_left_out():
    name = "site_swelling_or_pain"
    ours = protocol().symptoms[name]
    first, *_ = ours.steps
    site = changed(ours, steps={key: step for key, step in ours.steps.items() if key != first})
    assert told(changed(protocol(), symptoms={**protocol().symptoms, name: site})) == [
        missing(f"symptoms.{name}.steps", first)
    ]


def test_words_beside_which_alone_a_limit_speaks_are_shown_with_commas():
    name, ours = next((name, one) for name, one in protocol().triggers.items() if not one.only_with)
    site = changed(protocol(), triggers={**protocol().triggers, name: changed(ours, only_with=("skin", "gut"))})
    assert [(where, value) for where, value, *_ in told(site)] == [(f"triggers.{name}.only_with", "skin, gut")]


HIDDEN = "It holds a sign that nobody sees, or that turns the direction of writing."


@pytest.mark.parametrize(
    ("name", "value", "where", "shown"),
    [
        ("adrenaline__also", (*protocol().adrenaline.also, "pen\u200b"), "adrenaline.also", "pen\\u200b"),
        (
            "medicines",
            {**protocol().medicines, "zinc\u200b": protocol().medicines["cetirizine"]},
            "medicines",
            "zinc\\u200b",
        ),
        (
            "symptoms",
            {**protocol().symptoms, "headache": changed(protocol().symptoms["headache"], ask="Bad\u200b?")},
            "symptoms.headache.ask",
            "Bad\\u200b?",
        ),
    ],
)
def test_a_sign_that_nobody_sees_is_found_at_its_place(name, value, where, shown):
    found = told(changed(protocol(), **{name: value}))
    assert (where, shown, HIDDEN, "Write it anew.") in found


def test_a_line_is_as_long_as_it_may_be_and_no_longer():
    ours = protocol().symptoms["headache"]

    def long(length: int) -> list[Told]:
        return told(changed(protocol(), symptoms={**protocol().symptoms, "headache": changed(ours, ask="x" * length)}))

    assert long(LONGEST_TEXT) == []
    assert [one[0] for one in long(LONGEST_TEXT + 1)] == ["symptoms.headache.ask"]


def given_to_children(mg: str, **rule: Any) -> list[Told]:
    """Paracetamol, whose adult dose alone was read, with one dose for children of every age and none for adults."""
    medicines = protocol().medicines
    read = medicines["cetirizine"].child
    assert read is not None
    bands = (changed(read.bands[-1], from_years=D(0), mg=D(mg), mg_max=None),)
    site = changed(medicines["paracetamol"], child=changed(read, bands=bands, **rule))
    return told(changed(protocol(), medicines={**medicines, "paracetamol": site}))


def test_a_child_is_given_as_much_as_an_adult_and_no_more():
    assert given_to_children("1000") == []
    assert given_to_children("1001") == [
        ("medicines.paracetamol.child", "1001", "A child is given no more than the adult's 1000 mg.", "Correct it.")
    ]


def test_a_childs_dose_is_looked_at_where_no_adults_is_written():
    medicines = protocol().medicines
    child = changed(medicines["cetirizine"].child, origin=Origin.POLICY)
    site = changed(medicines["cetirizine"], adult=None, child=child)
    assert told(changed(protocol(), medicines={**medicines, "cetirizine": site})) == [
        (
            "medicines.cetirizine.child",
            None,
            "A dose is read on a page; policy is none.",
            "Cite the page, with origin and read.",
        )
    ]


# ---- medicines


def asked(route: str = "muscle", mg: float | None = None, bedside: Any = None, **given: Any) -> list[Amiss]:
    chair = Chair(bedside=bedside or at_chair()).ready().started()
    told_: dict[str, Any] = {"medicine": "adrenaline", "dose_mg": mg or 0.5, "route": route} | given
    chair.tell(40, "medicine_given", **told_)
    (data,) = (one.first.data for one in chair.record.told if one.first.type.value == "medicine_given")
    return list(amiss(chair.minute(40), data, Session(), chair.bedside))  # type: ignore[arg-type]


@pytest.mark.parametrize("mg", [0.01, 50])
def test_a_dose_is_held_to_what_was_read_and_not_to_a_policy(mg):
    assert [one.policy for one in asked(mg=mg)] == [False]


def test_a_route_that_a_site_settles_is_told_as_policy():
    made = at_chair()
    site = changed(made.protocol, adrenaline__route__origin=Origin.POLICY)
    assert [one.policy for one in asked("sc")] == [False]
    assert [one.policy for one in asked("sc", bedside=replace(made, protocol=site))] == [True]


@pytest.mark.parametrize("route", ["i.m.", "IM", "im.", "I.M. thigh"])
def test_a_route_with_its_points_is_the_same(route):
    assert asked(route) == []


def test_a_medicine_is_named_in_words():
    (one,) = asked(mg=50, medicine="adrenaline_auto_injector")
    assert one.text.startswith("adrenaline auto injector 50 mg; by the protocol at most 0.5 mg")


# ---- what came late


def test_a_pump_that_runs_at_less_than_a_millilitre_an_hour_runs():
    # 300 mL at 0.9 mL/h take 20,000 minutes.
    chair = Chair().ready().started(pump_ml_per_h=0.9).vitals(20006)
    found = [one for one in report(chair.record, chair.bedside).missed if one.what == "complete"]
    assert [(one.due_at, one.taken_at) for one in found] == [(chair.minute(20000), None)]


def test_at_the_plans_highest_rate_a_reaction_is_what_makes_it_too_fast():
    chair = Chair().ready().started()
    for minute, rate in ((30, 42), (60, 84), (90, 168), (120, 336)):
        chair.vitals(minute - 15).vitals(minute).tell(minute, "rate_changed", pump_ml_per_h=rate)
    chair.felt(130, "headache", "mild")
    (slow,) = [one for one in due(chair.live.session, chair.bedside) if one.kind.value == "slow"]
    assert (slow.at, slow.ml_per_h) == (chair.minute(130), Fraction(168))


@pytest.mark.parametrize(("held", "whole"), [((10, 20, 30, 200), 30), ((10, 30, 20, 200), 30), ((200,), 200)])
def test_the_top_is_held_as_long_as_the_longest_step_below_it(held, whole):
    made = at_chair()
    steps = tuple(
        step.model_copy(update={"duration_min": minutes}) for step, minutes in zip(made.steps, held, strict=False)
    )
    short = replace(made, infusion=made.infusion.model_copy(update={"steps": steps}))
    assert short.whole_hold(Fraction(steps[-1].pump_ml_per_h)) == timedelta(minutes=whole)


# ---- what is learned


def taught(grams: str, *labels: ContainerChanged) -> Any:
    chair = Chair().ready().started().vitals(10).tell(200, "completed")
    return lesson(chair.live.session, chair.bedside, Fraction(grams), (), labels)


def label(product: str = "privigen", **changes: Any) -> ContainerChanged:
    raw = {"type": "container_changed", "product": product, "lot": "L1", "expires_on": "2028-01-31"}
    return ContainerChanged.model_validate(raw | {"size_g": 30, "volume_ml": 300} | changes)


@pytest.mark.parametrize(("grams", "complete"), [("28.5", True), ("28.49", False)])
def test_95_percent_of_the_dose_are_complete(grams, complete):
    assert taught(grams, label()).complete is complete


def test_of_two_products_the_plans_is_learned_and_no_rate_of_it():
    assert taught("30", label("octagam_10")).product == "octagam_10"
    for order in ((label(), label("octagam_10")), (label("octagam_10"), label())):
        found = taught("30", *order)
        assert (found.product, found.rate_borne_ml_per_kg_h) == ("privigen", None)
    assert taught("30").product == "privigen"
    # 21 mL/h of 70 kg.
    assert taught("30", label()).rate_borne_ml_per_kg_h == D("0.3")


# ---- what came in together, and who graded


@pytest.mark.parametrize(("together", "locked"), [(True, "free"), (False, "anaphylaxis")])
def test_reports_that_came_in_together_were_heard_together(together, locked):
    # Skin and gut at once are anaphylaxis. The rash had come and gone before the nausea; its two reports came in late.
    chair = Chair().ready().started().felt(50, "nausea_vomiting_abdominal_pain", "mild")
    chair.felt(40, "rash_urticaria_itch", "mild").gone(45, "rash_urticaria_itch").vitals(90)
    for raw, minute in zip(chair.raws[-3:-1], (60, 60 if together else 61), strict=True):
        raw["received_at"] = chair.minute(minute).isoformat()
    assert chair.live.session.lock.value == locked


def test_who_confirms_the_protocols_grade_has_not_graded():
    chair = (
        Chair().ready().started().felt(40, "headache").felt(45, "headache", protocol().symptoms["headache"].grade.value)
    )
    assert [one.graded_by_nurse for one in report(chair.record, chair.bedside).reactions] == [False]
    assert [
        one.graded_by_nurse for one in report(chair.felt(46, "headache", "severe").record, chair.bedside).reactions
    ] == [True]


# ---- what another report leaves as it was


@pytest.mark.parametrize("ok", [True, False])
def test_an_agreement_outlasts_a_check_of_something_else(ok):
    chair = Chair().opened().checked(well_today={"ok": False}).hung().vitals(-5)
    chair.tell(-4, "prescriber_notified", who="Dr. Ada Test", said="go on", agrees_to_restart=True)
    chair.tell(-3, "check_confirmed", check="access", ok=ok)
    assert chair.live.session.agreed_at == chair.minute(-4)
    assert chair.tell(-2, "check_confirmed", check="well_today", ok=False).live.session.agreed_at is None


def test_a_containers_last_day_ends_at_midnight_where_the_plan_is_run():
    # Five hours behind Greenwich, where it is the next day already.
    evening = at_chair().infusion.starts_at.replace(hour=23, minute=59)
    last = label(expires_on=evening.date().isoformat())
    assert fitness(last, at_chair(), evening) is Hanging.FIT
    assert fitness(last, at_chair(), evening + timedelta(minutes=1)) is Hanging.EXPIRED


def test_a_step_in_a_hurry_is_one_also_at_less_than_a_millilitre_an_hour():
    chair = Chair().ready().started(pump_ml_per_h=0.9).vitals(1).tell(2, "rate_changed", pump_ml_per_h=1)
    assert chair.live.session.hurried


def test_a_time_before_there_was_a_session_is_none_in_a_correction_either():
    chair = Chair().ready().started().tell(50, "note", "n", text="a")
    early = chair.minute(-60 * 24 * 3)
    chair.tell(60, "correction", corrects="n", because="slip", instead={"text": "b"}, happened_at=early.isoformat())
    (told_,) = [one for one in chair.record.told if one.first.key == "n"]
    ((_, at, made),) = told_.stood
    assert made is not None
    assert made.device_at == early
    # The time of receipt counts.
    assert at == made.received_at == told_.at
