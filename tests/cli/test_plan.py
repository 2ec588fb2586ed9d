"""The command line as other programs and tired people use it: exit codes, streams, cohorts, acceptance, signing."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest

from ivigil.cli.app import run
from ivigil.prescription.plan import Plan, content_id
from tests.planning import history, record

START = "2026-11-23T09:00:00-05:00"
PI = ["--indication", "primary-immunodeficiency", "--region", "US", "--start", START]


@pytest.fixture(name="well")
def _well(tmp_path: Path) -> str:
    path = tmp_path / "well.json"
    path.write_text(json.dumps(record()), "utf-8")
    return str(path)


def _planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    code = run(["plan", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    code = run([*arguments, "--json"])
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, json.loads(captured.err)["error"]


def test_results_go_to_standard_output_and_the_id_is_of_the_content(
    well: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, made = _planned(capsys, well, *PI)

    assert (code, made["status"], made["schema"]) == (0, "planned", "ivigil-plan/1")
    assert made["plan_id"] == content_id(Plan.model_validate(made))
    assert set(made["made_with"]) == {"ivigil", "knowledge", "overlay"}


def test_anyone_can_check_a_plans_id_without_our_code(well: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["plan", well, *PI, "--json"])

    line = capsys.readouterr().out.rstrip("\n")
    plan_id = json.loads(line)["plan_id"]
    unnamed = line.replace(f'"plan_id":"{plan_id}"', '"plan_id":""', 1)
    assert plan_id == "sha256:" + hashlib.sha256(unnamed.encode()).hexdigest()


def test_a_record_from_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(record())))

    code, made = _planned(capsys, "-", *PI)

    assert (code, made["patient_ref"]) == (0, "synthetic-well")


def test_every_cited_source_is_in_the_plan(well: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, made = _planned(capsys, well, *PI)

    cited = {name for finding in made["findings"] for name in finding["sources"]}
    cited |= {name for infusion in made["infusions"] for step in infusion["steps"] for name in step["sources"]}
    assert cited
    assert cited <= set(made["sources"])
    assert all(source["title"] and source["publisher"] for source in made["sources"].values())


def test_a_region_is_never_assumed(
    well: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IVIGIL_REGION", raising=False)
    without = [word for word in PI if word not in {"--region", "US"}]

    code, error = _refused(capsys, "plan", well, *without)

    assert (code, error["where"]) == (2, "--region")
    assert "IVIGIL_REGION" in error["remedy"]
    monkeypatch.setenv("IVIGIL_REGION", "us")
    assert _planned(capsys, well, *without)[0] == 0


def test_a_start_that_nobody_gave_is_said(well: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, made = _planned(capsys, well, "--indication", "primary-immunodeficiency", "--region", "US")

    assert "start-assumed" in {finding["code"] for finding in made["findings"]}


REFUSED = [
    # arguments after the record, exit, where, a word of rule or remedy
    (["--indication", "cidp", "--region", "US", "--start", START], 2, "--phase", "loading|maintenance"),
    (["--indication", "cidpp", "--region", "US", "--start", START], 4, "indication", "Did you mean cidp"),
    ([*PI, "--product", "privigenn"], 4, "--product", "knowledge list"),
    ([*PI[:-1], "2026-11-23T09:00:00"], 4, "--start", "offset"),
    ([*PI[:-1], "tomorrow"], 4, "--start", "ISO 8601"),
    ([*PI, "--dose-g-per-kg", "0,4"], 4, "--dose-g-per-kg", "not a number"),
    ([*PI, "--dose-g-per-kg", "-1"], 4, "--dose-g-per-kg", "positive"),
    ([*PI, "--days", "0"], 4, "--days", "positive"),
    ([*PI, "--accept", "weight-unlikely"], 2, "--by", "its own"),
    ([*PI, "--accept", "no-such", "--by", "A", "--role", "prescriber", "--because", "x"], 4, "--accept", "Only a finding that blocks"),
    ([*PI, "--no-such-option"], 2, "command line", "--no-such-option"),
    ([*PI[:-2], "--start", "2026-11-01T09:00:00Z"], 4, "weight_measured_on", "after the planned start"),
    ([*PI, "--stock", "nowhere.json"], 4, "--stock", "must exist"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "exit_code", "where", "word"), REFUSED, ids=[" ".join(row[0][-2:]) for row in REFUSED]
)
def test_refusals_name_where_and_the_way_out(
    arguments: list[str], exit_code: int, where: str, word: str, well: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = _refused(capsys, "plan", well, *arguments)

    assert (code, error["where"]) == (exit_code, where)
    assert word in f"{error['rule']} {error['remedy']}"


def test_a_refusal_in_words(well: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["plan", well, *PI, "--product", "privigenn"])

    captured = capsys.readouterr()
    assert (code, captured.out) == (4, "")
    assert captured.err.startswith("✗ --product: privigenn\n")
    assert "→" in captured.err


def test_nobody_may_accept_a_contraindication_and_not_every_role_an_override(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "patient.json"
    path.write_text(json.dumps(record(conditions=["hyperprolinaemia"])), "utf-8")
    accept = ["--accept", "hyperprolinaemia-proline", "--by", "A", "--role", "prescriber", "--because", "x"]

    code, error = _refused(capsys, "plan", str(path), *PI, "--product", "privigen", *accept)

    assert (code, error["rule"]) == (4, "Nobody may accept this finding.")
    path.write_text(json.dumps(record(immunoglobulin_history=...)), "utf-8")
    code, error = _refused(
        capsys, "plan", str(path), *PI, "--accept", "history-missing", "--by", "A", "--role", "nurse", "--because", "x"
    )
    assert (code, error["where"]) == (4, "--role")
    assert "prescriber" in error["rule"]


def test_a_cohort_goes_on_after_a_bad_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = tmp_path / "cohort.ndjson"
    lines = [
        record(ref="one"),
        record(ref="two", weight_kg=-1),
        {"patient": record(ref="three"), "indication": "cidp", "phase": "loading", "product": "privigen"},
        {"patient": record(ref="four"), "indication": "cidp", "phase": "whenever"},
        record(ref="five", weight_kg=..., weight_measured_on=...),
        {"patient": record(ref="six"), "doze": 3},
    ]
    cohort.write_bytes(b"\n".join(json.dumps(line).encode() for line in lines) + b"\n\nnot json\n\xff\n")

    code = run(["plan", "--batch", str(cohort), *PI])

    captured = capsys.readouterr()
    rows = [json.loads(line) for line in captured.out.splitlines()]
    told = [row.get("patient_ref") or row["error"]["where"] for row in rows]
    assert told == [
        "one",
        "line 2: weight_kg",
        "three",
        "line 4: phase",
        "five",
        "line 6: doze",
        "line 8: line",
        "line 9: line",
    ]
    assert [row.get("status") for row in rows if "status" in row] == ["planned", "planned", "blocked"]
    assert code == 4
    assert "2 planned, 1 blocked, 5 could not be planned" in captured.err


def test_a_stock_list_gives_the_lots(well: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stock = tmp_path / "stock.json"
    rows = [
        {"product": "privigen", "size_g": 10, "lot": "P1", "expires_on": "2027-01-31", "count": 2},
        {"product": "privigen", "size_g": 20, "lot": "P2", "expires_on": "2026-11-30", "count": 4},
        {"product": "privigen", "size_g": 20, "lot": "P0", "expires_on": "2026-11-22", "count": 4},
    ]
    stock.write_text(json.dumps(rows), "utf-8")

    code, made = _planned(capsys, well, *PI, "--product", "privigen", "--stock", str(stock))

    # 0.4 g/kg at 70 kg is 28 g: 30 g is nearest, as 20 + 10; lot P0 expired the day before.
    assert code == 0
    assert [(v["size_g"], v["count"], [one["lot"] for one in v["lots"]]) for v in made["infusions"][0]["vials"]] == [
        (20, 1, ["P2"]),
        (10, 1, ["P1"]),
    ]


def test_the_price_counts_what_is_opened(well: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, made = _planned(capsys, well, *PI, "--product", "privigen", "--price-per-g", "81.5", "--currency", "USD")

    assert made["prescription"]["cost"] == {
        "price_per_g": 81.5,
        "currency": "USD",
        "course": 81.5 * made["prescription"]["course_dose_g"],
    }


def test_home_waits_for_three_uneventful_supervised_infusions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = []
    for infusions in (2, 3):
        path = tmp_path / f"{infusions}.json"
        path.write_text(
            json.dumps(record(setting_wish="home", immunoglobulin_history=[history("privigen", infusions)])), "utf-8"
        )
        settings.append(_planned(capsys, str(path), *PI)[1]["prescription"]["setting"])

    assert settings == ["hospital", "home"]


def test_signing_is_a_record_of_its_own_and_refuses_what_was_altered(
    well: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.json"
    _, made = _planned(capsys, well, "--indication", "primary-immunodeficiency", "--region", "US")
    path.write_text(json.dumps(made), "utf-8")

    assert run(["sign", str(path), "--by", "Synthetic P.", "--role", "prescriber"]) == 0
    signature = json.loads(capsys.readouterr().out)
    assert signature["plan_id"] == made["plan_id"]
    assert set(signature) == {"plan_id", "by", "role", "at"}
    made["infusions"][0]["dose_g"] += 5
    path.write_text(json.dumps(made), "utf-8")
    code, error = _refused(capsys, "sign", str(path), "--by", "Synthetic P.", "--role", "prescriber")
    assert (code, error["where"]) == (4, "plan_id")


def test_a_blocked_plan_is_not_signed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record_path, path = tmp_path / "patient.json", tmp_path / "plan.json"
    record_path.write_text(json.dumps(record(weight_kg=..., weight_measured_on=...)), "utf-8")
    code, made = _planned(capsys, str(record_path), *PI)
    path.write_text(json.dumps(made), "utf-8")

    assert code == 3
    assert _refused(capsys, "sign", str(path), "--by", "A", "--role", "prescriber")[1]["where"] == "status"


def test_hostile_input_is_refused_not_crashed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hostile.json"
    for content in (
        b"",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"ref": "a", "ref": "b"}',
        b"\xff\xfe",
        b'{"ref": 1}',
        b'{"weight_kg": 1e999999}',
    ):
        path.write_bytes(content)
        code, error = _refused(capsys, "plan", str(path), *PI)
        assert code == 4, content
        assert error["rule"], content
        assert error["remedy"], content


def test_a_line_that_breaks_us_does_not_break_the_cohort(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = tmp_path / "cohort.ndjson"
    huge = json.dumps(record(ref="two")).replace('"weight_kg": 70', '"weight_kg": 1e99999999999999999999')
    cohort.write_text("\n".join([json.dumps(record(ref="one")), huge, json.dumps(record(ref="three"))]), "utf-8")

    code = run(["plan", "--batch", str(cohort), *PI])

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("patient_ref") for row in rows] == ["one", None, "three"]
    assert rows[1]["error"]["where"].startswith("line 2: ")
    assert code == 4


@pytest.mark.parametrize(
    ("given", "lacking"), [(("--price-per-g", "81.5"), "--currency"), (("--currency", "EUR"), "--price-per-g")]
)
def test_a_price_has_an_amount_and_a_currency(capsys, well, given, lacking):
    assert run(["plan", str(well), *PI, *given, "--json"]) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert (error["where"], error["rule"]) == (lacking, f"{given[0]} is given without it.")
