"""``ivigil infuse`` as somebody calls it, on a plan made and signed here, and the example sessions replayed."""

from __future__ import annotations

import io
import json
import shutil
import sys
import tomllib
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import jsonschema
import pytest

from ivigil.cli import infuse
from ivigil.cli.app import run

ROOT = Path(__file__).resolve().parent.parent.parent
SESSIONS = ROOT / "examples" / "infusion"
REFERENCE = ROOT / "docs" / "reference"
PATIENT = ROOT / "examples" / "02-cvid-maintenance-experienced"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan of example 02, its signature, and the example sessions told of it."""
    made = tmp_path_factory.mktemp("infuse")
    command = tomllib.loads((PATIENT / "expected.toml").read_text("utf-8"))["command"]
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        assert run(["plan", str(PATIENT / "patient.json"), *command, "--json"]) == 0
        (made / "plan.json").write_text(sys.stdout.getvalue(), "utf-8")
    finally:
        sys.stdout = out
    plan = json.loads((made / "plan.json").read_text("utf-8"))
    signature = {"plan_id": plan["plan_id"], "by": "Dr. Ada Test", "role": "prescriber"}
    signature["at"] = "2026-11-20T07:00:00-05:00"
    (made / "signature.json").write_text(json.dumps(signature), "utf-8")
    for path in SESSIONS.glob("*.ndjson"):
        (made / path.name).write_text(path.read_text("utf-8").replace("PLAN_ID", plan["plan_id"]), "utf-8")
    return made


@pytest.fixture
def ready(folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may write in."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return tmp_path


def replayed(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run(["infuse", "replay", str(folder / name), "--plan", str(folder / "plan.json"), "--json"]) == 0
    made: dict[str, Any] = json.loads(capsys.readouterr().out)
    return made


# ---- the example sessions


def test_the_uneventful_example_runs_the_whole_ladder_and_every_gram_is_found(folder, capsys):
    made = replayed(folder, "uneventful.ndjson", capsys)
    # Half an hour each at 32.6, 65.2, 130.5, 261.1 and 4.5 min at 326.4 mL/h: 244.7 + 24.48 = 269.18 mL of 10 %.
    assert (made["given"]["given_ml"], made["given"]["given_g"]) == (269.2, 26.92)
    assert made["given"]["balances"]
    assert [one["given_g"] for one in made["containers"]] == [20, 5, 1, 0.92]
    assert (made["phase"], made["deviations"], made["reactions"], made["for_review"]) == ("ended", [], [], [])


def test_the_example_with_reactions_is_locked_corrected_and_kept_whole(folder, capsys):
    made = replayed(folder, "reaction.ndjson", capsys)
    assert (made["locked_by"], made["worst_grade"], made["phase"]) == ("anaphylaxis", "severe", "ended")
    assert [one["symptom"] for one in made["reactions"]] == [
        "headache",
        "rash_urticaria_itch",
        "breathless_or_wheeze",
    ]
    # 30 min at 32.6, 30 at 65.2, 21 at 130.5, then 22.5 at 65.2 mL/h until it was treated as anaphylaxis at 151.5 min.
    assert made["given"]["given_ml"] == round(32.6 / 2 + 65.2 / 2 + 130.5 * 21 / 60 + 65.2 * 22.5 / 60, 1)
    changed = [one for one in made["timeline"] if one["corrected"]]
    assert [(one["text"], one["first"]) for one in changed] == [
        ("Given: paracetamol 1000 mg by mouth", "Given: paracetamol 100 mg by mouth")
    ]
    assert [one["reason"] for one in made["for_review"]] == [
        "column 81: This is not JSON. Mend it: Expecting ',' delimiter."
    ]
    lines = (folder / "reaction.ndjson").read_text("utf-8").splitlines()
    assert len(made["timeline"]) == len(lines) - 2  # one told twice, one torn


def test_the_example_events_hold_to_their_schema_and_show_every_type():
    schema = json.loads((REFERENCE / "event.schema.json").read_text("utf-8"))
    seen = set()
    for path in SESSIONS.glob("*.ndjson"):
        for line in path.read_text("utf-8").splitlines():
            if line.endswith("}"):
                jsonschema.validate(json.loads(line), schema)
                seen.add(json.loads(line)["type"])
    assert seen == set(schema["$defs"]["EventType"]["enum"])
    wrong = json.loads((SESSIONS / "uneventful.ndjson").read_text("utf-8").splitlines()[0])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong | {"type": "started"}, schema)


@pytest.mark.parametrize("name", ["uneventful.ndjson", "reaction.ndjson"])
def test_a_record_holds_to_its_schema(folder, capsys, name):
    schema = json.loads((REFERENCE / "session-report.schema.json").read_text("utf-8"))
    jsonschema.validate(replayed(folder, name, capsys), schema)


# ---- pack


def test_a_pack_as_json_holds_to_its_schema(folder, capsys, at_nine):
    plan, signature = str(folder / "plan.json"), str(folder / "signature.json")
    assert run(["infuse", "pack", plan, "--signature", signature, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    jsonschema.validate(made, json.loads((REFERENCE / "pack.schema.json").read_text("utf-8")))
    assert [step["pump_ml_per_h"] for step in made["ladder"]] == [32.6, 65.2, 130.5, 261.1, 326.4]


def test_a_pack_is_shown_or_written_as_a_leaf(ready, capsys, at_nine):
    command = ["infuse", "pack", str(ready / "plan.json"), "--signature", str(ready / "signature.json")]
    assert run(command) == 0
    assert "If it is anaphylaxis, or in doubt" in capsys.readouterr().out
    assert run([*command, "--pdf", str(ready / "pack.pdf"), "--paper", "us-letter"]) == 0
    assert (ready / "pack.pdf").read_bytes().startswith(b"%PDF")
    assert capsys.readouterr().out == ""


@pytest.fixture
def at_nine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's clock stands at the planned start."""
    start = datetime.fromisoformat("2026-11-23T09:00:00-05:00")
    monkeypatch.setattr(infuse, "datetime", Mock(wraps=datetime, now=Mock(return_value=start)))


def refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """The exit code and the error of a command that is given --json."""
    code = run([*command, "--json"])
    captured = capsys.readouterr()
    assert captured.out == ""
    error: dict[str, str] = json.loads(captured.err)["error"]
    return code, error


def test_a_signature_of_another_plan_makes_no_pack(ready, capsys, at_nine):
    raw = json.loads((ready / "signature.json").read_text("utf-8"))
    (ready / "signature.json").write_text(json.dumps(raw | {"plan_id": "sha256:" + "0" * 64}), "utf-8")
    command = ["infuse", "pack", str(ready / "plan.json"), "--signature", str(ready / "signature.json")]
    code, error = refused(command, capsys)
    assert code == 4
    assert error["where"] == "--signature"
    assert "another plan" in error["rule"] + error["remedy"]


def test_a_role_that_does_not_sign_makes_no_pack(ready, capsys, at_nine):
    raw = json.loads((ready / "signature.json").read_text("utf-8"))
    (ready / "signature.json").write_text(json.dumps(raw | {"role": "visitor"}), "utf-8")
    command = ["infuse", "pack", str(ready / "plan.json"), "--signature", str(ready / "signature.json")]
    assert refused(command, capsys)[0] == 4


def test_a_plan_that_was_altered_is_not_packed(ready, capsys, at_nine):
    text = (ready / "plan.json").read_text("utf-8")
    (ready / "plan.json").write_text(text.replace('"pump_ml_per_h":32.6', '"pump_ml_per_h":33.6'), "utf-8")
    command = ["infuse", "pack", str(ready / "plan.json"), "--signature", str(ready / "signature.json")]
    code, error = refused(command, capsys)
    assert code == 4
    assert "id" in error["rule"]


def test_an_infusion_that_the_plan_does_not_have_is_named(ready, capsys, at_nine):
    command = ["infuse", "pack", str(ready / "plan.json"), "--signature", str(ready / "signature.json")]
    code, error = refused([*command, "--infusion", "7"], capsys)
    assert (code, error["where"], error["rule"]) == (4, "--infusion", "The plan has the infusions 1.")


def test_nothing_that_is_there_is_written_over_unasked(ready, capsys, at_nine):
    target = ready / "pack.pdf"
    target.write_text("mine", "utf-8")
    pack = [
        "infuse",
        "pack",
        str(ready / "plan.json"),
        "--signature",
        str(ready / "signature.json"),
        "--pdf",
        str(target),
    ]
    code, error = refused(pack, capsys)
    assert (code, error["where"]) == (4, "--pdf")
    assert "--overwrite" in error["remedy"]
    assert target.read_text("utf-8") == "mine"
    assert run([*pack, "--overwrite"]) == 0
    assert target.read_bytes().startswith(b"%PDF")
    events = ready / "uneventful.ndjson"
    replay = ["infuse", "replay", str(events), "--plan", str(ready / "plan.json"), "--pdf", str(events), "--overwrite"]
    assert refused(replay, capsys)[0] == 4
    assert events.read_text("utf-8").startswith("{")


# ---- replay


def test_events_from_standard_input_give_the_same_record(folder, capsys, monkeypatch):
    from_file = replayed(folder, "reaction.ndjson", capsys)
    monkeypatch.setattr(sys, "stdin", io.StringIO((folder / "reaction.ndjson").read_text("utf-8")))
    assert run(["infuse", "replay", "-", "--plan", str(folder / "plan.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == from_file


def test_the_order_of_lines_changes_nothing(ready, capsys):
    lines = (ready / "reaction.ndjson").read_text("utf-8").splitlines()
    (ready / "turned.ndjson").write_text("\n".join(reversed(lines)), "utf-8")
    assert replayed(ready, "turned.ndjson", capsys) == replayed(ready, "reaction.ndjson", capsys)


def test_a_record_on_the_screen_and_on_paper(ready, capsys):
    command = ["infuse", "replay", str(ready / "reaction.ndjson"), "--plan", str(ready / "plan.json")]
    assert run(command) == 0
    out = capsys.readouterr().out
    assert "not restarted any more (anaphylaxis)" in out
    assert "as it came:" in out
    assert run([*command, "--pdf", str(ready / "record.pdf")]) == 0
    assert (ready / "record.pdf").read_bytes().startswith(b"%PDF")


def test_an_event_file_without_an_event_says_what_to_give(ready, capsys):
    (ready / "none.ndjson").write_text("[]\nnothing\n", "utf-8")
    command = ["infuse", "replay", str(ready / "none.ndjson"), "--plan", str(ready / "plan.json")]
    code, error = refused(command, capsys)
    assert (code, error["where"]) == (4, "EVENTS")
    assert "one a line" in error["remedy"]
    code, error = refused(["infuse", "replay", str(ready / "no"), "--plan", str(ready / "plan.json")], capsys)
    assert (code, error["where"]) == (4, "EVENTS")


def test_a_session_told_of_another_plan_is_read_and_every_act_is_a_deviation(folder, capsys):
    assert (
        run(["infuse", "replay", str(SESSIONS / "uneventful.ndjson"), "--plan", str(folder / "plan.json"), "--json"])
        == 0
    )
    made = json.loads(capsys.readouterr().out)
    assert made["given"]["given_g"] == 26.92
    reasons = {reason for one in made["deviations"] for reason in one["reasons"]}
    assert "The session was not opened with this plan and its signature." in reasons


# ---- simulate


def test_the_same_seed_gives_the_same_sessions_and_another_seed_others(capsys):
    def of(seed: str) -> dict[str, Any]:
        assert run(["infuse", "simulate", "--sessions", "40", "--seed", seed, "--json"]) == 0
        made: dict[str, Any] = json.loads(capsys.readouterr().out)
        return made

    first = of("1")
    assert first == of("1")
    assert first != of("2")
    assert (first["sessions"], first["forbidden_permitted"], first["replays_that_differ"]) == (40, 0, 0)
    assert first["grams_balance"]
    assert first["completed"] + first["stopped_early"] == 40


def test_a_given_plan_and_a_shipped_patient_are_not_both(folder, capsys):
    command = ["infuse", "simulate", "--sessions", "1", "--seed", "1", "--plan", str(folder / "plan.json")]
    code, error = refused([*command, "--experienced"], capsys)
    assert (code, error["where"]) == (2, "--experienced")
    assert run(["infuse", "simulate", "--sessions", "0", "--seed", "1"]) == 2


# ---- protocol check


@pytest.fixture
def shipped() -> str:
    return (files("ivigil.knowledge") / "data" / "protocol" / "ivigil.toml").read_text("utf-8")


def test_the_shipped_protocol_holds(tmp_path, shipped, capsys):
    ours = tmp_path / "ours.toml"
    ours.write_text(shipped, "utf-8")
    assert run(["infuse", "protocol", "check", str(ours)]) == 0
    assert capsys.readouterr().out == f"✓ {ours}: holds\n"


@pytest.mark.parametrize(
    ("find", "replace", "where", "rule"),
    [
        ('restart = { value = "never", src = "safety/nhsborders", origin', 'restart = { value = "lower_of_both", src = "safety/nhsborders", origin', "responses.severe", "a restart has a wait"),
        ('kind = "headache"', 'kind = "headpain"', "symptoms.headache.kind", "no word 'headpain'"),
        ('src = ["reactions/stiehm2013", "safety/iduk"]', 'src = ["nowhere/nothing"]', "symptoms.headache", "No source record has this id"),
        ("below_kg = 30,", "below_kg = 29,", "adrenaline.pens", "without a gap"),
        ('"not-preparing" = {', '"never-heard-of" = {', "bars.not-preparing", "has its words"),
        ("[symptoms.headache]", "[symptoms.headache", "ours.toml", "TOML"),
    ],
)  # fmt: skip
def test_what_a_protocol_may_not_say_is_named(tmp_path, shipped, capsys, find, replace, where, rule):
    assert find in shipped
    ours = tmp_path / "ours.toml"
    ours.write_text(shipped.replace(find, replace, 1), "utf-8")
    assert run(["infuse", "protocol", "check", str(ours), "--json"]) == 4
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert where in error["where"]
    assert rule in error["rule"]
    assert error["remedy"]
    assert run(["infuse", "protocol", "check", str(ours)]) == 4
    assert "✗" in capsys.readouterr().out


def test_a_protocol_that_is_not_there_is_said(tmp_path, capsys):
    assert run(["infuse", "protocol", "check", str(tmp_path / "no.toml")]) == 4
    assert "must be readable" in capsys.readouterr().out


def test_a_sites_protocol_rules_the_record(ready, shipped, capsys):
    ours = ready / "ours.toml"
    signed = 'by = ["A. Pharmacist", "B. Prescriber"]\non = 2026-11-20\nid = "ward-3"'
    text = shipped.replace('id = "ivigil"', signed, 1).replace('name = "ivigil\'s protocol"', 'name = "Ward 3"')
    ours.write_text(text, "utf-8")
    command = ["infuse", "replay", str(ready / "uneventful.ndjson"), "--plan", str(ready / "plan.json"), "--json"]
    assert run([*command, "--protocol", str(ours)]) == 0
    assert json.loads(capsys.readouterr().out)["protocol"] == "Ward 3"
