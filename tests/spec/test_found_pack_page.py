"""The pack of the smallest and the longest infusions: every figure, and all that is done, on the front of one leaf."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from ivigil.cli import infuse, opening
from ivigil.cli.app import run
from ivigil.documents.infusion_sheets import pack_pdf
from ivigil.documents.leaflet import pages_of
from ivigil.documents.wording import number
from ivigil.infusion.bedside import bedside
from ivigil.infusion.doses import adrenaline_dose
from ivigil.infusion.pack import Pack, make_pack
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.making import make_plan
from ivigil.prescription.plan import Accepted, Plan, Signature, identified
from ivigil.prescription.request import Request
from ivigil.sources import MadeWith, cite
from tests.infusion.chair import Chair, planned
from tests.planning import START, TAKEN, formulary, opened, patient, plan, record

D = Decimal
LABS = [
    {"test": "creatinine", "value": 0.3, "unit": "mg/dL", "taken_at": TAKEN},
    {"test": "iga", "value": 1.6, "unit": "g/L", "taken_at": TAKEN},
    {"test": "haemoglobin", "value": 125, "unit": "g/L", "taken_at": TAKEN},
]


@cache
def newborn() -> Plan:
    """2.9 kg: the fourth step of the ladder has the third's rate in whole tenths of the pump."""
    raw = record(age_years=0.1, weight_kg=2.9, height_cm=49, labs=LABS)
    accepted = Accepted(code="age-below-label", by="Synthetic P.", role="prescriber", because="test", at=START)
    return make_plan(
        Request(
            patient=patient(raw),
            region="US",
            start=START,
            product="gammagard_liquid",
            off_label="Synthetic.",
            dose_g_per_kg=D(2),
            days=1,
            accepted=(accepted,),
        ),
        formulary("kawasaki-disease"),
    )


@cache
def slow() -> Plan:
    raw = record(weight_kg=100, height_cm=180)
    return plan(raw, "cidp", product="privigen", phase=Phase("loading"), ceiling_ml_per_h=D(60), days=2)


def packed(made: Plan) -> Pack:
    at = START - timedelta(hours=1)
    signed = Signature(plan_id=made.plan_id, by="Dr. Ada Test", role="prescriber", at=at)
    knowledge = opened()
    chair = bedside(made, 1, knowledge.protocol("ivigil"), knowledge.policies.monitoring, ("prescriber",))
    return make_pack(chair, signed, at, lambda name: cite(knowledge.source(name)))


def front_of(made: Plan, paper: str = "a4", **changes: str) -> str:
    sheet = pack_pdf(packed(made).model_copy(update=changes), made, paper)
    assert pages_of(sheet) == 2
    return " ".join(PdfReader(BytesIO(sheet)).pages[0].extract_text().split())


def test_two_steps_that_are_one_rate_of_the_pump_are_one_step_of_the_pack():
    # 0.93 and 1.90 mL/kg/h make 2.7 and 5.5 mL/h; the maximum is 5.5 mL/h as well.
    assert [step.pump_ml_per_h for step in newborn().infusions[0].steps] == [D("1.3"), D("2.7"), D("5.5"), D("5.5")]
    ladder = packed(newborn()).ladder
    assert [step.pump_ml_per_h for step in ladder] == [D("1.3"), D("2.7"), D("5.5")]
    assert [step.earliest_min for step in ladder] == [0, 33, 65]
    assert sum(step.hold_min for step in ladder) == newborn().infusions[0].duration_min


@pytest.mark.parametrize("paper", ["a4", "us-letter"])
@pytest.mark.parametrize("made", [newborn, slow], ids=["newborn", "slow"])
def test_all_that_is_done_stands_on_the_front_of_one_leaf(made, paper):
    front = front_of(made(), paper)
    for told in ("What is not on this page: call", "Never restarted:", "Life threatening (CTCAE 4)", "their number"):
        assert told in front
    for step in packed(made()).ladder:
        assert number(step.pump_ml_per_h) in front


def test_a_page_that_does_not_hold_every_time_says_where_the_later_ones_are_written():
    later = "Later sets as said above: write time and values on the back."
    assert later in front_of(newborn())
    assert later not in front_of(slow())


def test_a_team_without_a_number_leaves_a_line_to_write_it_on():
    assert "their number" not in front_of(slow(), call="911")


@pytest.mark.parametrize(("kg", "mg"), [("2.9", "0.029"), ("9.99", "0.099"), ("10", "0.1"), ("14.9", "0.14")])
def test_the_smallest_doses_of_adrenaline_are_not_cut_to_a_third_less(kg, mg):
    # 0.01 mg/kg of 1 mg/mL.
    found = adrenaline_dose(opened().protocol("ivigil").adrenaline, D("0.1"), D(kg), "US")
    assert (found.mg, found.ml) == (D(mg), D(mg))


# ---- the command


def test_a_plan_whose_limits_cannot_be_checked_is_not_packed(tmp_path: Path, capsys, monkeypatch):
    class At(datetime):
        @classmethod
        def now(cls, tz=None):
            return START

    monkeypatch.setattr(infuse, "datetime", At)
    made = slow()
    other = MadeWith(ivigil=made.made_with.ivigil, knowledge="sha256:" + "0" * 64, overlay=None)
    assert made.prescription is not None
    young = made.prescription.model_copy(update={"age_years": D(2)})
    forged = identified(made.model_copy(update={"made_with": other, "prescription": young, "plan_id": ""}))
    (tmp_path / "plan.json").write_text(forged.model_dump_json(by_alias=True), "utf-8")
    signed = {"plan_id": forged.plan_id, "by": "Dr. Ada Test", "role": "prescriber", "at": START.isoformat()}
    (tmp_path / "signature.json").write_text(json.dumps(signed), "utf-8")
    command = ["infuse", "pack", str(tmp_path / "plan.json"), "--signature", str(tmp_path / "signature.json"), "--json"]
    assert run(command) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert json.loads(told.err)["error"]["where"] == "made_with"


@pytest.mark.parametrize("command", ["pack", "replay"])
def test_the_sites_protocol_is_never_written_over(tmp_path: Path, capsys, command):
    (tmp_path / "ours.toml").write_text("mine", "utf-8")
    ours = str(tmp_path / "ours.toml")
    first = ["pack", "plan.json", "--signature", "s.json"] if command == "pack" else ["replay", "e", "--plan", "p"]
    assert run(["infuse", *first, "--protocol", ours, "--pdf", ours, "--overwrite", "--json"]) == 4
    assert "never written over" in json.loads(capsys.readouterr().err)["error"]["rule"]
    assert (tmp_path / "ours.toml").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    "command",
    [
        ["pack", "/dev/zero", "--signature", "s.json"],
        ["replay", "/dev/zero", "--plan", "plan.json"],
        ["replay", "e.ndjson", "--plan", "/dev/zero"],
    ],
    ids=["plan", "events", "plan-of-events"],
)
def test_a_file_without_an_end_is_refused_and_not_read_to_its_end(tmp_path: Path, capsys, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opening, "LARGEST_INPUT", 1000)
    monkeypatch.setattr(infuse, "LARGEST_EVENTS", 1000)
    (tmp_path / "plan.json").write_text(slow().model_dump_json(by_alias=True)[:999], "utf-8")
    if "plan.json" in command:
        monkeypatch.setattr(infuse, "checked_vein_plan", lambda *_, **__: slow())
    assert run(["infuse", *command, "--json"]) == 4
    assert "1000" in json.loads(capsys.readouterr().err)["error"]["rule"]


def test_a_record_read_by_another_protocol_than_the_sessions_says_so(tmp_path: Path, capsys):
    (tmp_path / "plan.json").write_text(planned().model_dump_json(by_alias=True), "utf-8")
    command = ["infuse", "replay", str(tmp_path / "e.ndjson"), "--plan", str(tmp_path / "plan.json"), "--json"]
    for protocol, said in (
        ("ivigil", ""),
        ("ward-3", "opened with the protocol ward-3; this record is read by ivigil"),
    ):
        raws = Chair().opened(protocol=protocol).raws
        (tmp_path / "e.ndjson").write_text("\n".join(map(json.dumps, raws)), "utf-8")
        assert run(command) == 0
        told = capsys.readouterr()
        assert said in told.err
        assert bool(told.err) == bool(said)
        assert f"hospital, protocol {protocol}" in json.loads(told.out)["timeline"][0]["text"]
