"""What was found at the chair by people in a hurry, by strangers, and by whoever reads the record afterwards."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ivigil.cli import infuse
from ivigil.cli.app import run
from ivigil.documents import chair as words_of
from ivigil.documents.infusion_sheets import pack_pdf, record_pdf
from ivigil.infusion import lookup
from ivigil.infusion.doses import adrenaline_dose
from ivigil.infusion.due import DueKind, due
from ivigil.infusion.live import replay
from ivigil.infusion.pack import as_json, make_pack
from ivigil.infusion.permission import Wish, may
from ivigil.infusion.record import Torn, gather
from ivigil.infusion.report import SessionReport, report
from ivigil.infusion.response import advice, as_anaphylaxis
from ivigil.infusion.workflow import Action, Lock, Phase
from ivigil.knowledge.protocol import Grade
from ivigil.prescription.plan import Signature
from ivigil.prescription.plan import as_json as plan_json
from ivigil.sources import cite
from tests.documents.test_infusion_sheets import pages, squeezed
from tests.infusion.chair import SESSION, Chair, at_chair, experienced, planned, protocol
from tests.planning import codes, history, opened, plan, record
from tests.starting import start

D = Decimal


def told(chair: Chair) -> SessionReport:
    return report(gather(chair.raws, SESSION, chair.bedside.protocol), chair.bedside)


def bars(chair: Chair, action: Action, minute: float, **more: Any) -> set[str]:
    return {one.code for one in may(Wish(action, **more), chair.live.moment(chair.minute(minute)))}


def later(chair: Chair, hours: float) -> Chair:
    """The last report, told by a device whose clock is so many hours behind."""
    at = datetime.fromisoformat(chair.raws[-1]["device_at"]) - timedelta(hours=hours)
    chair.raws[-1]["device_at"] = at.isoformat()
    return chair


# ---- anaphylaxis


@pytest.mark.parametrize("name", ["adrenaline", "epinephrine", "Epinephrine pen", "ADRENALINE 1:1000"])
def test_the_next_dose_is_due_by_whatever_name_it_was_given_and_without_a_symptom(name):
    chair = Chair().ready().started().tell(20, "treated_as_anaphylaxis")
    chair.tell(21, "medicine_given", medicine=name, route="im", dose_mg=0.5)
    again = [one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.ADRENALINE_AGAIN]
    # conflicts, epinephrine repeat interval: "5 min as alarm".
    assert again == [chair.minute(26)]


@pytest.mark.parametrize("name", ["noradrenaline", "norepinephrine", "adrenal cream"])
def test_another_medicine_is_not_taken_for_adrenaline(name):
    assert not protocol().is_adrenaline(name)


def test_whoever_gives_adrenaline_treats_anaphylaxis():
    chair = Chair().ready().started().felt(20, "rash_urticaria_itch", "mild").tell(21, "paused")
    chair.tell(22, "medicine_given", medicine="epinephrine", route="im", dose_mg=0.3)
    assert chair.live.session.lock is Lock.ANAPHYLAXIS
    assert "no-restart-anaphylaxis" in bars(chair, Action.RESUME, 23)


def test_the_alarm_for_the_next_dose_ends_when_every_symptom_has_gone():
    chair = Chair().ready().started().felt(20, "collapse").tell(20, "treated_as_anaphylaxis")
    chair.tell(21, "medicine_given", medicine="adrenaline", route="im", dose_mg=0.5).gone(24, "collapse")
    assert DueKind.ADRENALINE_AGAIN not in {one.kind for one in due(chair.live.session, chair.bedside)}


def test_anaphylaxis_made_of_moderate_signs_is_severe_at_least():
    chair = Chair().ready().started().felt(20, "rash_urticaria_itch", "mild").felt(21, "blue_hands_or_lips", "moderate")
    made = told(chair)
    # ctcae_anaphylaxis: "any anaphylaxis is at least grade 3".
    assert (made.worst_grade, made.worst_ctcae) == (Grade.SEVERE, 3)
    assert words_of.worst(made).startswith("Worst: anaphylaxis, CTCAE 3 or 4")
    assert made.learned is not None
    remembered = [one for one in made.learned.reactions or () if one.kind == "anaphylaxis"]
    assert [(one.grade, one.at) for one in remembered] == [(3, chair.minute(21))]


def test_anaphylaxis_that_was_treated_without_a_symptom_has_a_grade():
    made = told(Chair().ready().started().tell(20, "treated_as_anaphylaxis"))
    assert (made.worst_grade, made.worst_ctcae) == (Grade.SEVERE, 3)
    assert words_of.worst(made).startswith("Worst: anaphylaxis, CTCAE 3 or 4")


def test_a_life_threatening_one_is_said_so():
    made = told(Chair().ready().started().felt(20, "collapse").tell(20, "treated_as_anaphylaxis"))
    assert words_of.worst(made).startswith("Worst: anaphylaxis, life threatening, CTCAE 4;")


def test_after_anaphylaxis_a_prescriber_lets_the_patient_go():
    chair = Chair(bedside=at_chair(experienced())).ready().started()
    chair.felt(20, "breathless_or_wheeze").tell(20, "treated_as_anaphylaxis").gone(30, "breathless_or_wheeze")
    chair.vitals(31).vitals(42)
    # eu_label_others: 20 minutes after the end, which would do without the reaction.
    assert bars(chair, Action.END_OBSERVATION, 43) == {"not-let-go"}
    chair.tell(44, "prescriber_notified", who="Dr. Ada Test", said="may go", lets_go=True)
    assert not bars(chair, Action.END_OBSERVATION, 45)


def test_a_word_from_before_the_reaction_lets_nobody_go():
    chair = Chair().ready().started().tell(10, "prescriber_notified", who="Dr. Ada Test", said="may go", lets_go=True)
    chair.felt(20, "frothy_sputum").tell(21, "stopped_early").gone(30, "frothy_sputum").vitals(22).vitals(85)
    assert bars(chair, Action.END_OBSERVATION, 90) == {"not-let-go"}


def test_what_the_protocol_never_restarts_after_is_locked_whatever_its_grade():
    ours = protocol()
    mild = ours.symptoms["dark_urine_or_back_pain_with_fever"].model_copy(
        update={"least": Grade.MILD, "grade": Grade.MILD}
    )
    theirs = ours.model_copy(update={"symptoms": {**ours.symptoms, "dark_urine_or_back_pain_with_fever": mild}})
    chair = Chair(bedside=replace(at_chair(), protocol=theirs)).ready().started()
    chair.felt(20, "dark_urine_or_back_pain_with_fever")
    assert chair.live.session.lock is Lock.SEVERE


# ---- going on after a reaction


def test_a_reaction_that_was_only_slowed_waits_and_asks_before_it_rises_again():
    bed = at_chair()
    first, second, third = (float(one) for one in bed.rates_ml_per_h[:3])
    chair = Chair(bedside=bed).ready().started().vitals(14).vitals(29)
    chair.tell(30, "rate_changed", pump_ml_per_h=second).vitals(44).vitals(59)
    chair.tell(60, "rate_changed", pump_ml_per_h=third).felt(64, "headache", "moderate")
    chair.tell(65, "rate_changed", pump_ml_per_h=first).gone(70, "headache").vitals(80).vitals(94)
    # by_grade moderate: "only if all symptoms have gone after about 30 min and team agrees".
    assert bars(chair, Action.RAISE, 96) == {"wait-after-symptoms", "team-has-not-agreed"}
    chair.tell(96, "prescriber_notified", who="Dr. Ada Test", said="go on", agrees_to_restart=True).vitals(100)
    assert bars(chair, Action.RAISE, 99.9) == {"wait-after-symptoms"}
    assert not bars(chair, Action.RAISE, 100)
    # by_grade moderate: if_returns_or_worsens "stop for good".
    chair.tell(101, "rate_changed", pump_ml_per_h=second).felt(103, "headache", "mild")
    assert chair.live.session.lock is Lock.RETURNED


def test_a_pump_that_runs_on_in_a_severe_reaction_is_due_to_stop_and_the_record_says_since_when():
    chair = Chair().ready().started().felt(20, "frothy_sputum").vitals(25)
    assert [one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.STOP] == [chair.minute(20)]
    late = [one for one in told(chair.tell(40, "stopped_early")).missed if one.what == "stop"]
    assert [(one.due_at, one.taken_at) for one in late] == [(chair.minute(20), chair.minute(40))]
    text = squeezed("".join(pages(record_pdf(told(chair), chair.bedside.plan, "a4"))))
    assert squeezed("pump to be stopped 09:20, stopped 09:40") in text


def test_a_pump_that_was_never_stopped_is_said():
    chair = Chair().ready().started().felt(20, "frothy_sputum").vitals(40)
    assert [one.taken_at for one in told(chair).missed if one.what == "stop"] == [None]


def test_a_pump_stopped_in_time_is_nothing_to_write_down():
    chair = Chair().ready().started().felt(20, "frothy_sputum").tell(21, "stopped_early").vitals(30)
    assert not [one for one in told(chair).missed if one.what == "stop"]


# ---- the line


def test_a_line_that_was_lost_is_not_run_through_again():
    chair = Chair().ready().started().vitals(14).felt(20, "site_swelling_or_pain").tell(20.5, "paused")
    chair.gone(25, "site_swelling_or_pain").vitals(40).vitals(54)
    chair.tell(55, "prescriber_notified", who="Dr. Ada Test", said="go on", agrees_to_restart=True, lifts_cap=True)
    assert bars(chair, Action.RESUME, 56) == {"checks-missing"}
    chair.tell(57, "check_confirmed", check="access", ok=True)
    assert not bars(chair, Action.RESUME, 58)


def test_extravasation_has_steps_of_its_own_and_they_stand_first():
    chair = Chair().ready().started().felt(20, "site_swelling_or_pain")
    said = advice(chair.live.session, chair.bedside)
    assert said is not None
    assert "Nothing more through this line, not a flush either." in said.steps[0].text
    # No page was read: all of it is policy, and the protocol lists it.
    own = protocol().symptoms["site_swelling_or_pain"].steps
    assert all(one.policy for one in said.steps[: len(own)])
    assert "extravasation" in protocol().not_found


def leaf(made: Any = None) -> Any:
    bed = at_chair(made)
    at = bed.infusion.starts_at - timedelta(hours=2)
    signature = Signature(plan_id=bed.plan.plan_id, by="Dr. Ada Test", role="prescriber", at=at)
    return make_pack(bed, signature, at, lambda name: cite(opened().source(name)))


def test_what_may_flush_the_line_stands_on_the_leaf():
    # Privigen's own page: flush with 5% dextrose or 0.9% sodium chloride.
    made = planned()
    text = squeezed(pages(pack_pdf(leaf(made), made, "a4"))[1])
    assert squeezed("Flush: Only 5% dextrose or 0.9% sodium chloride.") in text
    assert squeezed("Nothing more through this line, not a flush either.") in text


# ---- doses


def test_a_slip_of_the_weight_does_not_shrink_the_dose_of_adrenaline():
    chair = Chair().opened().checked(weight={"ok": True, "weight_kg": 7}).hung().vitals(-5)
    given = as_anaphylaxis(chair.live.session, chair.bedside).adrenaline
    # The plan's 70 kg: 0.01 mg/kg, at most 0.5 mg.
    assert given is not None
    assert given.mg == D("0.5")


def test_todays_weight_within_the_tolerance_is_the_one_that_doses():
    bed = at_chair(planned(product="gammagard_liquid", age_years=8, weight_kg=25, height_cm=127))
    chair = Chair(bedside=bed).opened().checked(weight={"ok": True, "weight_kg": 24}).hung().vitals(-5)
    given = as_anaphylaxis(chair.live.session, bed).adrenaline
    assert given is not None
    assert given.mg == D("0.24")


@pytest.mark.parametrize(("age", "note"), [("12", True), ("17.9", True), ("11.9", False), ("18", False)])
def test_the_lower_dose_of_a_small_child_over_twelve_stands_beside_the_uk_band(age, note):
    # age_bands_uk_mg: small_or_prepubertal_over_12y 0.3.
    found = adrenaline_dose(protocol().adrenaline, D(age), D(25), "UK")
    assert found.note == ("0.3 mg if small or before puberty" if note else "")


def test_a_childs_limit_of_pressure_is_worked_out_on_the_leaf():
    made = planned(product="gammagard_liquid", age_years=8, weight_kg=25, height_cm=127)
    # hypotension_child 1 to 10 years: 70 + 2 x 8 = 86 mmHg.
    assert squeezed("Here: below 86.") in squeezed(pages(pack_pdf(leaf(made), made, "a4"))[1])


# ---- before the start


@pytest.mark.parametrize(("share", "wrong"), [(1, False), (0.5, False), (1.01, True), (10, True)])
def test_a_pump_read_back_above_the_first_step_starts_nothing(share, wrong):
    first = float(at_chair().rates_ml_per_h[0])
    chair = Chair().opened().checked(pump_read_back={"ok": True, "pump_ml_per_h": first * share}).hung().vitals(-5)
    assert bars(chair, Action.START, 0) == ({"check-failed"} if wrong else set())


def test_a_later_read_back_of_a_higher_step_is_no_failed_check():
    chair = Chair().ready().started().vitals(29)
    chair.tell(30, "check_confirmed", check="pump_read_back", ok=True, pump_ml_per_h=42)
    assert "check-failed" not in bars(chair, Action.RAISE, 30)


def test_a_signature_from_after_the_opening_opens_nothing():
    chair = Chair().opened(signed_at="2026-11-24T00:00:00-05:00").checked().hung().vitals(-5)
    assert bars(chair, Action.START, 0) == {"plan-not-opened"}


def test_fever_or_infection_today_takes_the_first_ladder_when_a_prescriber_sets_the_warning_aside():
    borne = [history("privigen", infusions=12, uneventful_supervised_infusions=12, rate_borne_ml_per_kg_h=4.8)]
    well = plan(record(immunoglobulin_history=borne), "primary-immunodeficiency", product="privigen")
    assert [one.pattern for one in well.infusions] == ["experienced"]
    for condition, code in (("fever_today", "fever-today"), ("untreated_infection", "untreated-infection")):
        raw = record(immunoglobulin_history=borne, conditions=[condition])
        asked = plan(raw, "primary-immunodeficiency", product="privigen")
        assert asked.status == "blocked"
        finding = next(one for one in asked.findings if one.code == code)
        assert "wait if" in (finding.remedy or "") or "some days later" in (finding.remedy or "")
        made = plan(raw, "primary-immunodeficiency", product="privigen", accept=(code,))
        # Half an hour on each step, as for the first infusion.
        assert [one.pattern for one in made.infusions] == ["first"]
        assert {step.duration_min for step in made.infusions[0].steps[:-1]} == {30}
        assert "first-ladder-today" in codes(made)


def test_the_session_asks_to_defer():
    chair = Chair().opened().checked(well_today={"ok": False}).hung().vitals(-5)
    found = may(Wish(Action.START), chair.live.moment(chair.minute(0)))
    assert [(one.code, one.remedy.startswith("Defer?")) for one in found] == [("unwell-ask-to-defer", True)]


# ---- what was told


def test_a_container_without_a_lot_is_recorded_counted_and_a_deviation():
    chair = Chair().ready().started()
    chair.tell(60, "container_changed", product="privigen", size_g=10, volume_ml=100).vitals(120)
    made = told(chair)
    assert not made.for_review
    # 21 mL/h for one hour from the first, one hour from the second: 2.1 g of each at 10 %.
    assert [(one.lot, one.given_g) for one in made.containers] == [("P100", D("2.1")), (None, D("2.1"))]
    assert "What hangs is not recorded: product, lot, expiry, grams." in made.deviations[-1].reasons
    text = squeezed("".join(pages(record_pdf(made, chair.bedside.plan, "a4"))))
    assert "UNRECORDED" in text
    assert "lot-unrecorded" in bars(chair, Action.RAISE, 121)


def test_a_stop_under_a_key_that_another_device_used_is_never_lost():
    chair = Chair().ready().started().vitals(10)
    key = chair.raws[-1]["key"]
    chair.tell(11, "treated_as_anaphylaxis", key=key)
    session = chair.record
    assert [one.reason for one in session.rejected] == [f"key: {key!r} was used before for another event."]
    stands = replay(session, chair.bedside).session
    assert (stands.phase, stands.lock) == (Phase.STOPPED, Lock.ANAPHYLAXIS)


def test_a_severe_symptom_under_a_used_key_locks_although_it_waits_for_review():
    chair = Chair().ready().started().vitals(10)
    chair.felt(11, "collapse", key=chair.raws[-1]["key"])
    made = told(chair)
    assert made.locked_by == "severe"
    assert len(made.for_review) == 1


def test_copies_of_what_waits_for_review_make_one_record_in_any_order():
    chair = Chair().ready().started().vitals(10)
    key = chair.raws[-1]["key"]
    chair.tell(11, "paused", key=key)
    copy = dict(chair.raws[-1], received_at=chair.minute(30).isoformat(), seq=99)
    rows = [*chair.raws, copy]
    first = gather(rows, SESSION, protocol())
    assert first == gather(rows[::-1], SESSION, protocol())
    assert len(first.rejected) == 1
    assert sum(one.first.type.value == "paused" for one in first.told) == 1


def test_two_tablets_that_count_alike_lose_nothing():
    chair = Chair().ready().started().vitals(10).felt(10, "headache", "mild")
    for place, raw in enumerate(chair.raws):
        raw["seq"] = 7
        raw["actor"] = {"by": f"Nurse {place % 2}", "role": "nurse"}
    made = told(chair)
    assert len(made.timeline) == len(chair.raws)
    assert told(Chair(chair.bedside, chair.raws[::-1])) == made


@pytest.mark.parametrize("back", [{"symptom": "headache", "present": True, "grade": "mild"}, None])
def test_a_reaction_that_was_written_down_and_taken_back_still_locks(back):
    chair = Chair().ready().started().felt(20, "headache", "mild", key="felt")
    chair.tell(
        22, "correction", key="worse", corrects="felt", because="fell", instead={"symptom": "collapse", "present": True}
    )
    if back is None:
        chair.tell(24, "correction", corrects="worse", because="mistaken")
    else:
        chair.tell(24, "correction", corrects="felt", because="mistaken", instead=back)
    assert chair.live.session.lock is Lock.SEVERE
    assert chair.live.session.reaction is Grade.MILD


def test_a_lost_report_of_the_start_does_not_switch_the_alarms_off():
    chair = Chair().ready().tell(10, "resumed", pump_ml_per_h=21).felt(20, "breathless_or_wheeze")
    assert chair.live.session.started_at == chair.minute(10)
    assert chair.live.session.lock is Lock.ANAPHYLAXIS


def test_a_phone_without_a_date_counts_from_receipt_and_is_told():
    chair = Chair().ready().started()
    chair.raws[-1]["device_at"] = "1970-01-01T00:00:00Z"
    made = told(chair.vitals(30))
    assert [one.clock_behind for one in made.timeline if one.type == "started"] == [True]
    # 21 mL/h from one second after 09:00 until 09:30.
    assert made.given.given_ml == D("10.5")
    text = squeezed("".join(pages(record_pdf(made, chair.bedside.plan, "a4"))))
    assert squeezed("clock ran behind: time of receipt") in text


def test_a_phone_three_hours_behind_is_seen_in_the_record():
    chair = later(Chair().ready().started().tell(40, "stopped_early", because="unwell"), 3)
    made = told(chair.vitals(60))
    assert [one.told_late_min for one in made.timeline if one.type == "stopped_early"] == [180]
    text = squeezed("".join(pages(record_pdf(made, chair.bedside.plan, "a4"))))
    assert squeezed("reached the record 3 h later") in text


def test_a_report_that_is_sent_within_a_quarter_of_an_hour_is_not_marked():
    chair = later(Chair().ready().started().vitals(40), 0.25)
    chair.raws[-1]["received_at"] = chair.minute(40).isoformat()
    assert all(one.told_late_min is None for one in told(chair).timeline)


# ---- the record


def test_a_limit_that_was_met_without_a_symptom_is_no_reaction_that_nobody_reported():
    made = told(Chair().ready().started().vitals(20, spo2_percent=80))
    assert [(one.code, one.grade) for one in made.alarms][:1] == [("oxygen_low", Grade.SEVERE)]
    text = squeezed("".join(pages(record_pdf(made, at_chair().plan, "a4"))))
    assert squeezed("Oxygen saturation 92 % or less. It was 80.") in text
    assert squeezed("Reactions None reported.") not in text


def test_which_criteria_were_met_and_when_stands_in_the_record():
    chair = Chair().ready().started().felt(20, "rash_urticaria_itch").felt(21, "blue_hands_or_lips")
    found = [one for one in told(chair).alarms if one.code.startswith(("wao", "niaid"))]
    assert {(one.code, one.at) for one in found} == {
        ("wao_2020_1", chair.minute(21)),
        ("niaid_faan_2006_1", chair.minute(21)),
        ("niaid_faan_2006_2", chair.minute(21)),
    }


def test_a_residual_that_does_not_fit_the_reported_rates_is_said():
    chair = Chair().ready().started().vitals(14).tell(20, "stopped_early", residual_ml=0)
    given = told(chair).given
    # 21 mL/h for 20 minutes are 7 of 300 mL.
    assert (given.expected_residual_ml, given.residual_agrees) == (D(293), False)
    text = squeezed("".join(pages(record_pdf(told(chair), chair.bedside.plan, "a4"))))
    assert squeezed("Left over: 0 mL measured, 293 mL by the reported rates.") in text
    near = Chair().ready().started().vitals(14).tell(20, "stopped_early", residual_ml=290)
    assert told(near).given.residual_agrees is True


def test_more_than_the_planned_dose_is_said():
    chair = Chair().opened().checked().hung(size_g=60, volume_ml=600).vitals(-5).started()
    chair.tell(30, "rate_changed", pump_ml_per_h=336).tell(90, "completed")
    # 10.5 + 336 mL of 10 % are 34.65 g of 30 g.
    assert told(chair).given.beyond_plan_g == D("4.65")
    text = squeezed("".join(pages(record_pdf(told(chair), chair.bedside.plan, "a4"))))
    assert squeezed("4.65 g more than the planned dose") in text


def test_who_went_beyond_what_was_permitted_and_why_stands_in_the_record():
    chair = Chair().ready().started().tell(5, "rate_changed", pump_ml_per_h=84, because="the ward closes at noon")
    one = told(chair).deviations[-1]
    assert (one.by, one.role, one.because) == ("Nurse One", "nurse", "the ward closes at noon")
    text = squeezed("".join(pages(record_pdf(told(chair), chair.bedside.plan, "a4"))))
    assert squeezed("the ward closes at noon") in text


# ---- strangers


def test_one_torn_byte_spoils_its_own_line_alone(tmp_path: Path):
    chair = Chair().ready().started()
    lines = [json.dumps(raw).encode() for raw in chair.raws]
    (tmp_path / "e.ndjson").write_bytes(b"\n".join([*lines, b'{"note": "caf\xc3']))
    read = tuple(infuse._events(str(tmp_path / "e.ndjson")))
    assert len(read) == len(lines) + 1
    assert read[-1] == Torn('{"note": "caf\\xc3', "byte 14: This is not UTF-8. Save the file as UTF-8.")


def test_a_line_ends_where_the_file_says_so(tmp_path: Path):
    raw = Chair().tell(0, "note", text="one").raws[0]
    raw["actor"]["by"] = "Nurse\u0085Two"
    (tmp_path / "e.ndjson").write_text(json.dumps(raw, ensure_ascii=False), "utf-8")
    assert len(tuple(infuse._events(str(tmp_path / "e.ndjson")))) == 1


def test_the_session_is_the_one_that_was_opened_with_the_plan():
    ours = Chair().ready().raws
    strangers = [
        dict(raw, session="s-9", key=f"x{number}") for number in range(9) for raw in ours if raw["type"] != "opened"
    ]
    assert infuse._session([*strangers, *ours], ours[0]["data"]["plan_id"]) == SESSION


def test_many_sessions_are_counted_once():
    raws = [{"session": f"s{number}"} for number in range(100_000)]
    assert infuse._session([*raws, {"session": "s7"}], "none") == "s7"


def test_a_pack_that_was_altered_is_not_intact():
    pack = json.loads(as_json(leaf()))
    assert lookup.intact(pack)
    pack["adrenaline"]["mg"] = 5
    assert not lookup.intact(pack)
    assert not lookup.intact({})


def test_after_its_end_a_pack_allows_nothing_that_a_table_could_bar():
    pack = json.loads(as_json(leaf()))
    ends = datetime.fromisoformat(pack["valid_until"])
    fine = {field: values[0] for field, values in pack["fields"].items()}
    for bar in pack["permissions"]["hang"]:
        fine[bar["field"]] = next(
            value
            for value in pack["fields"][bar["field"]]
            if all(value not in one["values"] for one in pack["permissions"]["hang"] if one["field"] == bar["field"])
        )
    assert lookup.may(pack, "hang", fine, ends).answer == "allowed"
    assert lookup.may(pack, "hang", fine, ends + timedelta(minutes=1)).answer == "call"
    assert lookup.may(pack, "stop", {}, ends + timedelta(days=1)).answer == "allowed"


def test_a_lot_alone_that_nobody_recorded_is_enough_to_bar():
    chair = Chair().opened().checked().hung(lot=None).vitals(-5)
    assert bars(chair, Action.START, 0) == {"lot-unrecorded"}
    undated = Chair().opened().checked().hung(expires_on=None).vitals(-5)
    assert bars(undated, Action.START, 0) == {"lot-unrecorded"}


def test_a_plan_for_under_the_skin_runs_at_no_chair(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "plan.json").write_text(plan_json(start(product="hizentra")), "utf-8")
    (tmp_path / "e.ndjson").write_text("\n".join(json.dumps(raw) for raw in Chair().ready().raws), "utf-8")
    assert run(["infuse", "replay", str(tmp_path / "e.ndjson"), "--plan", str(tmp_path / "plan.json")]) == 4
    assert "A start under the skin has no session at a chair." in capsys.readouterr().err


def test_the_card_says_into_the_muscle_and_never_under_the_skin():
    made = planned()
    front = squeezed(pages(pack_pdf(leaf(made), made, "a4"))[0])
    assert squeezed("Into the muscle of the outer thigh. Never under the skin") in front


def test_a_time_that_was_corrected_to_later_counts():
    chair = Chair().ready().started().vitals(14).tell(20, "stopped_early", key="stop")
    later_at = chair.minute(40).isoformat()
    chair.tell(50, "correction", corrects="stop", because="it was 09:40", instead={}, happened_at=later_at)
    # 21 mL/h for 40 minutes.
    assert told(chair).given.given_ml == 14


def test_nothing_is_corrected_to_a_time_that_had_not_come():
    chair = Chair().ready().started().tell(20, "stopped_early", key="stop")
    ahead = chair.minute(60).isoformat()
    chair.tell(50, "correction", corrects="stop", because="slip", instead={}, happened_at=ahead)
    made = told(chair)
    assert made.given.given_ml == 7
    assert [one.reason for one in made.for_review] == [
        "happened_at: nothing is corrected to a time that had not come when it was corrected."
    ]


def test_after_a_reaction_the_next_step_is_due_when_the_wait_is_over():
    chair = Chair().ready().started().vitals(14).vitals(29).tell(30, "rate_changed", pump_ml_per_h=42)
    chair.vitals(44).vitals(59).tell(60, "rate_changed", pump_ml_per_h=84).felt(64, "flushing", "mild")
    chair.tell(65, "rate_changed", pump_ml_per_h=21).gone(80, "flushing")
    # Held for 30 minutes from 65, and 30 minutes without a symptom from 80.
    steps = [one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.RATE_STEP]
    assert steps == [chair.minute(110)]


def test_a_strangers_opening_does_not_choose_the_infusion():
    ours = Chair().opened().raws
    strange = dict(ours[0], session="s-9", data=dict(ours[0]["data"], infusion=99))
    assert infuse._opened_with([strange, *ours], SESSION) == 1


@pytest.mark.parametrize("signed", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_signature_at_the_end_of_time_breaks_no_record(signed):
    made = told(Chair().opened(signed_at=signed).checked().hung().vitals(-5).started().vitals(30))
    assert made.given.given_ml == D("10.5")


def test_an_infusion_number_that_no_machine_counts_to_is_no_number():
    raw = Chair().opened().raws[0]
    strange = dict(raw, data=dict(raw["data"], infusion=D("1e999999999")))
    assert infuse._opened_with([strange], SESSION) is None


@pytest.mark.parametrize(
    ("find", "replace_", "where"),
    [
        ("mg_per_kg = 0.01", "mg_per_kg = 0.1", "adrenaline.schemes.weight"),
        ("cap_mg = 0.5\n", "cap_mg = 5\n", "adrenaline.schemes.weight"),
        (
            "from_years = 6, below_years = 12, mg = 0.3 }",
            "from_years = 6, below_years = 12, mg = 3 }",
            "adrenaline.schemes.age_bands",
        ),
        ("weight = { value = 0.3,", "weight = { value = 3,", "adrenaline.child_caps_mg.weight"),
        ("adult = { mg = 0.3, from_kg = 30,", "adult = { mg = 3, from_kg = 30,", "adrenaline.pens.adult"),
        ("mg_per_ml = 1,", "mg_per_ml = 0.1,", "adrenaline.concentration"),
        ("adult = { mg = 25, mg_max = 50,", "adult = { mg = 25, mg_max = 500,", "medicines.diphenhydramine.adult"),
        (
            "child = { mg_per_kg = 1, cap_mg = 50,",
            "child = { mg_per_kg = 10, cap_mg = 50,",
            "medicines.diphenhydramine.child",
        ),
    ],
    ids=["per-kg", "cap", "band", "child-cap", "pen", "concentration", "adult", "child"],
)
def test_a_sites_protocol_gives_no_more_than_was_read(tmp_path, capsys, find, replace_, where):
    shipped = (files("ivigil.knowledge") / "data" / "protocol" / "ivigil.toml").read_text("utf-8")
    assert find in shipped
    (tmp_path / "ours.toml").write_text(shipped.replace(find, replace_, 1), "utf-8")
    assert run(["infuse", "protocol", "check", str(tmp_path / "ours.toml")]) == 4
    said = capsys.readouterr().out
    assert where in said
    assert "a site chooses among what is published" in said


def test_a_site_may_choose_the_other_published_cap_of_a_child(tmp_path, capsys):
    shipped = (files("ivigil.knowledge") / "data" / "protocol" / "ivigil.toml").read_text("utf-8")
    # conflicts, child maximum: 0.3 or 0.5 mg, "use local formulary".
    ours = shipped.replace("weight = { value = 0.3,", "weight = { value = 0.5,").replace(
        'id = "ivigil"', 'by = ["A. Pharmacist", "B. Prescriber"]\non = 2026-11-20\nid = "ward-3"', 1
    )
    (tmp_path / "ours.toml").write_text(ours.replace('name = "ivigil\'s protocol"', 'name = "Ward 3"'), "utf-8")
    assert run(["infuse", "protocol", "check", str(tmp_path / "ours.toml")]) == 0


@pytest.mark.parametrize("check", ["identifiers", "appearance"])
def test_a_check_that_fails_while_it_runs_is_due_to_stop_it(check):
    chair = (
        Chair().ready().started().vitals(14).tell(20, "check_confirmed", check=check, ok=False, text="other bracelet")
    )
    assert [one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.STOP] == [chair.minute(20)]
    chair.tell(22, "check_confirmed", check=check, ok=True)
    assert DueKind.STOP not in {one.kind for one in due(chair.live.session, chair.bedside)}


def test_a_reaction_that_came_back_is_due_to_stop_although_it_is_mild():
    chair = Chair().ready().started().vitals(14).vitals(29).tell(30, "rate_changed", pump_ml_per_h=42)
    chair.felt(40, "headache", "mild").tell(41, "paused").gone(45, "headache").vitals(60).vitals(75)
    chair.tell(76, "resumed", pump_ml_per_h=21).felt(90, "flushing", "mild")
    # by_grade mild: if_returns_or_worsens "stop, do not restart".
    assert [one.at for one in due(chair.live.session, chair.bedside) if one.kind is DueKind.STOP] == [chair.minute(90)]
