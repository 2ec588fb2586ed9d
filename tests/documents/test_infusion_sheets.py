"""The chair on paper: the pack's leaf and the infusion record. Every figure comes from the plan or is worked out by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, timedelta
from functools import cache
from io import BytesIO, StringIO

import pytest
from pypdf import PdfReader
from rich.console import Console

from ivigil.documents.infusion_sheets import pack_pdf, record_pdf
from ivigil.documents.infusion_terminal import render_pack, render_report
from ivigil.errors import BadInput
from ivigil.infusion.pack import Pack, make_pack
from ivigil.infusion.report import SessionReport, report
from ivigil.patient import ProductHistory
from ivigil.prescription.plan import Plan, Signature, identified
from ivigil.sources import cite
from tests.documents.plans import HOSTILE
from tests.infusion.chair import SESSION, Chair, at_chair, experienced, planned
from tests.planning import history, opened, plan, record


def leaf_of(made: Plan, by: str = "Dr. Ada Test") -> Pack:
    bed = at_chair(made)
    at = bed.infusion.starts_at - timedelta(hours=2)
    signature = Signature(plan_id=made.plan_id, by=by, role="physician", at=at)
    return make_pack(bed, signature, at, lambda name: cite(opened().source(name)))


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def squeezed(text: str) -> str:
    return re.sub(r"\s|\u200b", "", text)


@cache
def child() -> Plan:
    return planned(product="gammagard_liquid", age_years=8, weight_kg=25, height_cm=127)


@cache
def at_home() -> Plan:
    made = plan(
        record(
            setting_wish="home",
            immunoglobulin_history=[history("privigen", infusions=12, uneventful_supervised_infusions=12)],
        ),
        "primary-immunodeficiency",
        product="privigen",
    )
    assert made.prescription is not None
    assert made.prescription.setting == "home"
    return made


def hostile() -> Plan:
    return identified(planned().model_copy(update={"patient_ref": HOSTILE, "plan_id": ""}))


PLANS: dict[str, Callable[[], Plan]] = {
    "adult": planned,
    "child": child,
    "home": at_home,
    "experienced": experienced,
    "hostile": hostile,
    "heavy": lambda: planned("cidp", "loading", weight_kg=130, height_cm=190),
}


# ---- the pack


@pytest.mark.parametrize("paper", ["a4", "us-letter"])
@pytest.mark.parametrize("name", PLANS)
def test_a_pack_is_one_leaf_and_both_sides_say_whose_and_which(name, paper):
    made = PLANS[name]()
    pack = leaf_of(made)
    shown = pages(pack_pdf(pack, made, paper))
    assert len(shown) == 2
    for text in shown:
        assert pack.pack_id.removeprefix("sha256:")[:12] in text
        assert made.plan_id.removeprefix("sha256:")[:12] in text
        assert "SYNTHETIC PATIENT" in text
    assert pack.pack_id in squeezed(shown[0])
    assert made.plan_id in squeezed(shown[0])


@pytest.mark.parametrize("name", PLANS)
def test_the_front_holds_every_step_what_is_due_and_what_to_do(name):
    made = PLANS[name]()
    pack = leaf_of(made)
    front = squeezed(pages(pack_pdf(pack, made, "a4"))[0])
    for step in made.infusions[0].steps:
        assert f"{step.pump_ml_per_h.normalize():f}mL/h" in front
        assert (f"+{step.start_min}min" if step.start_min else "start") in front
    for row in pack.responses.values():
        for line in row.steps:
            assert squeezed(line.text) in front
    for bar in pack.permissions["resume"]:
        if bar.field == "lock":
            assert squeezed(pack.reasons[bar.code].text) in front
    for minute in made.infusions[0].vitals_due_min:
        assert f"+{minute}" in front or minute == 0
    assert squeezed(pack.notice) in front
    assert "call,anddonotgoon" in front


def test_vials_beyond_those_that_have_a_line_are_counted():
    made = planned()
    first = made.infusions[0]
    many = tuple(
        one.model_copy(update={"count": 5}) for one in first.vials
    )  # 5 × 20 g and 5 × 10 g: 8 lines and 2 more
    more = made.model_copy(update={"infusions": (first.model_copy(update={"vials": many}),)})
    front = pages(pack_pdf(leaf_of(made), more, "a4"))[0]
    assert front.count("hung at") == 8
    assert "And 2 more:" in front


def test_the_back_holds_every_symptom_every_limit_and_every_dose():
    made = planned()
    pack = leaf_of(made)
    back = squeezed(pages(pack_pdf(pack, made, "a4"))[1])
    for symptom in pack.symptoms.values():
        assert squeezed(symptom.name) in back
    for trigger in pack.triggers.values():
        assert squeezed(trigger.text) in back
    assert "650to1000mg." in back


@pytest.mark.parametrize(
    ("name", "said", "pen"),
    [
        # 70 kg × 0.01 mg/kg = 0.7 mg, capped at 0.5 mg = 0.5 mL of 1 mg/mL; the pen from 30 kg holds 0.3 mg.
        ("adult", "0.5 mg = 0.5 mL of 1 mg/mL", "0.3 mg (less than this dose)"),
        # 25 kg × 0.01 mg/kg = 0.25 mg; the pen below 30 kg holds 0.15 mg.
        ("child", "0.25 mg = 0.25 mL of 1 mg/mL", "0.15 mg (less than this dose)"),
    ],
)
def test_the_card_says_mg_ml_concentration_and_how_the_pen_differs(name, said, pen):
    made = PLANS[name]()
    pack = leaf_of(made)
    front = squeezed(pages(pack_pdf(pack, made, "a4"))[0])
    assert squeezed(said) in front
    assert squeezed(pen) in front
    assert squeezed("Into the muscle of the outer thigh") in front
    out = StringIO()
    render_pack(pack, Console(file=out, width=100))
    assert squeezed(said) in squeezed(out.getvalue())
    assert squeezed(pen) in squeezed(out.getvalue())


def test_a_pen_that_holds_more_than_a_small_childs_dose_says_so():
    made = planned()
    pack = leaf_of(made)
    small = pack.adrenaline.model_copy(update={"mg": pack.adrenaline.mg / 10, "ml": pack.adrenaline.ml / 10})
    front = pages(pack_pdf(pack.model_copy(update={"adrenaline": small}), made, "a4"))[0]
    assert squeezed("0.05 mg = 0.05 mL") in squeezed(front)
    assert squeezed("0.3 mg (more than this dose)") in squeezed(front)


def test_at_home_the_number_to_call_and_the_kit_stand_on_the_front():
    made = at_home()
    front = squeezed(pages(pack_pdf(leaf_of(made), made, "a4"))[0])
    assert "Call911" in front
    assert "reactionkitwithinreach" in front


def test_after_a_reaction_the_lower_of_the_last_rate_borne_and_half_stands_beside_each_step():
    # 42, 84, 168, 336 mL/h: half is the step before each time; at the first step nothing was borne before.
    made = planned()
    front = pages(pack_pdf(leaf_of(made), made, "a4"))[0]
    rows = squeezed(front.partition("SpO2")[2])
    assert "startdonot" in rows.replace("30min", "")
    for hold, most in (("30min", "21"), ("30min", "42"), ("30min", "84"), ("totheend", "168")):
        assert f"{hold}{most}mL/h" in rows


def test_a_hostile_name_is_shown_and_never_evaluated():
    made = hostile()
    pack = leaf_of(made, by=HOSTILE)
    front = squeezed(pages(pack_pdf(pack, made, "a4"))[0])
    assert front.count(squeezed('Ada #let x = [*_$] \\ "q" `raw` <lab> @ref // [red]bold[/]')) >= 2


def test_an_unknown_paper_is_refused():
    made = planned()
    with pytest.raises(BadInput, match="Use a4 or us-letter"):
        pack_pdf(leaf_of(made), made, "a5")
    with pytest.raises(BadInput, match="Use a4 or us-letter"):
        record_pdf(told(Chair()), made, "a5")


# ---- the record


def told(chair: Chair) -> SessionReport:
    return report(chair.record, chair.bedside)


def shown(chair: Chair, paper: str = "a4") -> list[str]:
    return pages(record_pdf(told(chair), chair.bedside.plan, paper))


def screen(chair: Chair, width: int = 80) -> str:
    out = StringIO()
    render_report(told(chair), chair.bedside, Console(file=out, width=width))
    return out.getvalue()


def corrected() -> Chair:
    chair = Chair().ready().started().vitals(14)
    chair.tell(30, "rate_changed", key="slip", pump_ml_per_h=400)
    chair.tell(31, "correction", corrects="slip", because="a digit too many", instead={"pump_ml_per_h": 40})
    chair.tell(32, "note", key="other", text="wrong chair")
    chair.tell(33, "correction", corrects="other", because="another patient")
    return chair


@pytest.mark.parametrize("paper", ["a4", "us-letter"])
def test_every_page_says_which_plan_and_which_session(paper):
    chair = corrected()
    for place, text in enumerate(found := shown(chair, paper), start=1):
        assert chair.bedside.plan.plan_id.removeprefix("sha256:")[:12] in text
        assert f"session {SESSION}" in text
        assert "SYNTHETIC PATIENT" in text
        assert f"page {place} of {len(found)}" in text


def test_the_record_says_who_signed_which_protocol_ruled_and_by_which_ctcae():
    text = squeezed("".join(shown(corrected())))
    assert squeezed("plan signed by Dr. Ada Test, prescriber, Mon 23 Nov 2026 07:00") in text
    assert squeezed("ruled by ivigil's protocol") in text
    assert squeezed("CTCAE v5.0") in text
    assert "Checkedandsigned" in text


def test_a_correction_stays_visible_with_who_when_and_why():
    text = squeezed("".join(shown(corrected())))
    assert squeezed("Rate 40 mL/h first reported: Rate 400 mL/h") in text
    assert squeezed("corrected by Nurse One, nurse, 09:31: a digit too many") in text
    assert squeezed("wrong chair never happened") in text
    assert squeezed("corrected by Nurse One, nurse, 09:33: another patient") in text
    said = squeezed(screen(corrected(), 200))
    assert "(firstreported:Rate400mL/h)" in said
    assert "(corrected09:31by" in said
    assert "wrongchair(neverhappened,byacorrection)" in said


def test_grams_by_lot_are_those_worked_out_by_hand():
    # 21 mL/h for 30 min = 10.5 mL of 10 %: 1.05 g of 30 g; 28.95 g left.
    chair = Chair().ready().started().vitals(14).tell(30, "stopped_early", because="moved")
    text = squeezed("".join(shown(chair)))
    assert squeezed("given 1.05 g 10.5 mL") in text
    assert squeezed("left over 28.95 g") in text
    assert squeezed("P100 2028-01-31 30 g 1.05 g 28.95 g") in text
    assert squeezed("Given and left make up what was hung") in text


def test_what_ran_without_a_container_and_what_was_not_permitted_are_said_aloud():
    chair = Chair().started().tell(60, "stopped_early")
    text = squeezed("".join(shown(chair)))
    assert squeezed("21 mL ran although no reported container held it") in text
    assert squeezed("No lot was reported") in text
    assert squeezed("nobody: the session was never opened") in text
    assert squeezed("The session was not opened with this plan and its signature.") in text


def test_vital_signs_stand_in_a_table_as_they_stand_after_corrections():
    chair = Chair().ready().started().tell(10, "vitals", key="v", systolic_mmhg=210, diastolic_mmhg=75)
    chair.tell(12, "correction", corrects="v", because="misread", instead={"systolic_mmhg": 121, "diastolic_mmhg": 75})
    chair.tell(20, "vitals", diastolic_mmhg=70).tell(21, "vitals", pulse_per_min=80.5)
    text = squeezed("".join(shown(chair)))
    table = text[text.index("Vitalsigns") : text.index("Everythinginorder")]
    assert "09:10121/75" in table
    assert "210" not in table
    assert "09:20–/70" in table
    assert "80.5" in table


def test_reactions_medicines_and_late_vital_signs_have_their_place():
    chair = Chair().ready().started().felt(10, "headache", "moderate").tell(11, "paused")
    chair.tell(12, "medicine_given", medicine="paracetamol", route="by mouth", dose_mg=650).vitals(40)
    text = squeezed("".join(shown(chair)))
    assert squeezed("09:10 headache moderate (graded at the chair) still there") in text
    assert squeezed("Worst: moderate, CTCAE 2.") in text
    assert squeezed("Given: paracetamol 650 mg by mouth") in text
    assert squeezed("due 09:15, taken 09:40") in text


def test_what_counts_for_nothing_is_shown_cut_and_kept_whole():
    garbage = "g" * 100
    chair = Chair().ready()
    chair.raws.append(garbage)  # type: ignore[arg-type]
    assert [(one.reason, one.raw) for one in told(chair).for_review] == [
        ("An event is one JSON object.", json.dumps(garbage))
    ]
    for text in ("".join(shown(chair)), screen(chair)):
        assert "Aneventisone" in squeezed(text)
        assert squeezed('"' + "g" * 79 + "…") in squeezed(text)
        assert "g" * 80 not in squeezed(text)


def test_the_history_says_whether_it_counts_this_infusion_alone():
    chair = Chair().ready().started().vitals(14).tell(20, "stopped_early")
    assert "This counts this infusion alone" in " ".join(screen(chair).split())
    before = history("privigen", infusions=3)
    known = report(chair.record, chair.bedside, ProductHistory.model_validate(before))
    assert known.history_given
    assert "alone" not in "".join(pages(record_pdf(known, chair.bedside.plan, "a4")))


def test_times_of_a_device_in_another_offset_are_the_walls():
    chair = Chair().ready().started().vitals(14)
    for raw in chair.raws:
        at = chair.minute(14) if raw["type"] == "vitals" else chair.minute(0)
        raw["device_at"] = at.astimezone(UTC).isoformat()
    text = "".join(shown(chair))
    assert "09:14" in text
    assert "14:14" not in text
    assert "09:14" in screen(chair)


def test_an_empty_session_is_a_page_that_says_so():
    found = shown(Chair())
    assert len(found) == 1
    assert "not started" in found[0]
    assert "None reported" in found[0]


def test_hostile_texts_are_shown_on_the_record_and_nothing_is_lost():
    chair = Chair(bedside=at_chair(hostile())).opened(signed_by="x").checked().hung(lot="L" * 110).vitals(-5).started()
    for minute in range(1, 60):
        chair.tell(minute, "note", text=f"{minute} {HOSTILE}")
    text = squeezed("".join(shown(chair)))
    for minute in range(1, 60):
        assert squeezed(f"{minute} Ada #let x = [*_$]") in text
    assert "L" * 110 in text


def test_no_figure_ends_in_a_zero_after_the_point():
    chair = Chair().ready().started(pump_ml_per_h=21.0).tell(5, "medicine_given", medicine="x", route="im", dose_mg=1.0)
    texts = [one.text for one in told(chair).timeline]
    assert "Started at 21 mL/h" in texts
    assert "Given: x 1 mg im" in texts
    assert "weight: as it should be, 70 kg" in texts
