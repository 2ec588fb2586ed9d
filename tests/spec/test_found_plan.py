"""Found by attacking plans from record to signature: what two results, an odd clock or a re-made plan could hide."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ivigil.cli import forecast_batch
from ivigil.cli import plan as plan_line
from ivigil.cli.app import run
from ivigil.cli.opening import parse_json
from ivigil.errors import BadInput, BadKnowledge, Blocked
from ivigil.knowledge.checks.overlays import signed_by_now
from ivigil.knowledge.overlay import Replacement, fact_hash, lay_over, read_replacements, value_at
from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.prescription.plan import Plan, Signature, as_json, check_signature, identified, sign
from ivigil.prescription.verify import check_plan, verify
from tests.planning import START, TAKEN, codes, formulary, opened, plan, record

Json = dict[str, Any]
PI, CIDP = "primary-immunodeficiency", "cidp"
ACCEPTANCE = opened().policies.acceptance
AT = ("--start", START.isoformat())
DAYS = int(ACCEPTANCE.signed_within_days.value)


def creatinine(value: float, unit: str = "mg/dL", taken_at: str = TAKEN) -> Json:
    return {"test": "creatinine", "value": value, "unit": unit, "taken_at": taken_at}


def remade(made: Plan, edit: Callable[[Json], object]) -> Plan:
    """The plan as a forger hands it in: edited, with an id that fits."""
    raw = json.loads(as_json(made))
    edit(raw)
    return identified(Plan.model_validate(parse_json(json.dumps(raw), "plan")))


# ---- two results of one test at one time


@pytest.mark.parametrize("values", [(0.8, 5), (5, 0.8)])
def test_two_results_of_one_test_at_one_time_are_refused_whatever_their_order(values: tuple[float, float]) -> None:
    rows = [creatinine(value) for value in values]
    with pytest.raises(BadInput) as refused:
        plan(record(labs=rows), PI)

    error = refused.value
    assert (error.where, error.value) == ("labs[1].value", f"{values[1]} mg/dL, beside {values[0]} mg/dL")
    assert "A test has one result at one time: labs[0]" in error.rule
    assert error.remedy == "Leave out the one that is wrong, or correct its time."


def test_the_same_moment_written_in_another_offset_is_one_moment() -> None:
    rows = [creatinine(0.8), creatinine(5, taken_at="2026-11-20T13:00:00Z")]
    with pytest.raises(BadInput, match="one result at one time"):
        plan(record(labs=rows), PI)


def test_one_result_written_twice_and_two_of_different_times_are_read() -> None:
    rows = [creatinine(0.8), creatinine(0.8), creatinine(5, taken_at="2026-11-21T08:00:00-05:00")]
    assert {"renal-impairment", "at-risk-rate"} <= codes(plan(record(labs=rows), PI))


# ---- a plan that comes back re-made


def obese(height_cm: int, **asked: Any) -> Plan:
    made = plan(record(weight_kg=110, sex="male", height_cm=height_cm), CIDP, phase=Phase.LOADING, **asked)
    assert made.status == "planned"
    return made


def refused_as(made: Plan, indication: str) -> str:
    with pytest.raises((BadInput, Blocked)) as refused:
        check_plan(made, formulary(indication))
    return refused.value.rule


@pytest.mark.parametrize(
    ("basis", "kg"),
    # Devine, man of 170 cm: 50 + 2.3 x (170 / 2.54 - 60) = 65.9 kg; adjusted: 65.937 + 0.4 x (110 - 65.937) = 83.6 kg.
    [(None, 83.6), (WeightBasis.IDEAL, 65.9)],
)
def test_a_dosing_weight_is_worked_out_again_from_what_the_plan_carries(basis: WeightBasis | None, kg: float) -> None:
    made = obese(170, weight_basis=basis)
    assert made.prescription is not None
    assert float(made.prescription.dosing_weight_kg) == kg
    assert made.prescription.height_cm == 170
    assert made.prescription.sex == "male"
    assert verify(Plan.model_validate(parse_json(as_json(made), "plan")), formulary(CIDP)) == ()


def test_a_dosing_weight_of_another_height_is_refused() -> None:
    # 190 cm: ideal 84.05 kg, adjusted 94.4 kg: 21 g more in the course than at 170 cm.
    taller = remade(obese(190), lambda raw: raw["prescription"].update(height_cm=170))

    assert "the adjusted weight is 83.6 kg, not 94.4 kg" in refused_as(taller, CIDP)


def test_a_dosing_weight_that_nobody_can_work_out_again_is_refused() -> None:
    bare = remade(obese(170), lambda raw: raw["prescription"].update(height_cm=None))

    assert "Its dosing weight cannot be worked out" in refused_as(bare, CIDP)


def test_a_plan_on_actual_weight_carries_neither_height_nor_sex() -> None:
    made = plan(record(), PI, product="privigen")
    assert made.prescription is not None
    assert (made.prescription.height_cm, made.prescription.sex) == (None, None)


@pytest.mark.parametrize(
    ("age", "told"), [(12, "The label of Privigen starts at 18 years; the patient is 12 years."), (None, "no age")]
)
def test_the_age_in_a_plan_is_one_that_the_label_allows(age: int | None, told: str) -> None:
    made = plan(record(), CIDP, product="privigen", phase=Phase.LOADING)
    forged = remade(made, lambda raw: raw["prescription"].update(age_years=age))

    with pytest.raises(Blocked, match="This plan does not hold") as refused:
        check_plan(forged, formulary(CIDP))
    assert told in refused.value.rule


@pytest.mark.parametrize(
    ("age", "indication", "product", "phase"),
    # Gammagard Liquid is for adults in MMN; Privigen's ITP starts at 15 years, which was read on a copy of the label.
    [(15, "mmn", "gammagard_liquid", Phase.MAINTENANCE), (5, "itp-child", "privigen", Phase.COURSE)],
)
def test_an_age_below_the_label_that_somebody_overrode_still_holds(
    age: int, indication: str, product: str, phase: Phase
) -> None:
    raw = record(age_years=age, weight_kg=20 if age < 10 else 55, height_cm=110 if age < 10 else 165)
    made = plan(raw, indication, product=product, phase=phase)
    blocking = tuple(one.code for one in made.findings if one.severity == "blocks")
    assert "age-below-label" in blocking
    lifted = plan(raw, indication, product=product, phase=phase, accept=blocking)

    assert lifted.status == "planned"
    assert not [fault for fault in verify(lifted, formulary(indication)) if fault.where != "accepted"]


def test_a_plan_keeps_its_sources() -> None:
    made = plan(record(), PI, product="privigen")
    bare = remade(made, lambda raw: raw.update(sources={}))
    other = remade(made, lambda raw: next(iter(raw["sources"].values())).update(title="Another label"))

    assert "Its sources are not those that it cites." in refused_as(bare, PI)
    assert "Its sources are not those that it cites." in refused_as(other, PI)


# ---- signatures


@pytest.mark.parametrize("year", [1, 1900, 1970, 2025])
def test_a_signature_of_before_the_plan_could_be_made_is_refused(year: int) -> None:
    made = plan(record(), PI, product="privigen")
    old = Signature(plan_id=made.plan_id, by="Dr A", role="prescriber", at=datetime(year, 1, 1, tzinfo=UTC))

    with pytest.raises(BadInput) as refused:
        check_signature(made, old, ACCEPTANCE, START)
    assert refused.value.where == "at"
    assert f"nothing is signed or accepted more than {DAYS} days before the plan ends" in refused.value.rule


def test_a_signature_may_be_so_many_days_old_and_no_minute_more() -> None:
    made = plan(record(), PI, product="privigen")
    first = made.valid_until - timedelta(days=DAYS)

    assert sign(made, "Dr A", "prescriber", first, ACCEPTANCE).at == first
    with pytest.raises(BadInput, match="days before the plan ends"):
        sign(made, "Dr A", "prescriber", first - timedelta(minutes=1), ACCEPTANCE)


def test_an_acceptance_of_before_the_plan_could_be_made_is_not_signed() -> None:
    made = plan(record(weight_kg=154), PI, product="privigen", accept=("weight-looks-like-pounds",))
    old = remade(made, lambda raw: raw["accepted"][0].update(at="1970-01-01T00:00:00Z"))

    with pytest.raises(BadInput) as refused:
        sign(old, "Dr A", "prescriber", START, ACCEPTANCE)
    assert refused.value.where == "accepted"


def test_a_name_has_the_length_of_a_name() -> None:
    made = plan(record(), PI, product="privigen")

    assert sign(made, "D" * 120, "prescriber", START, ACCEPTANCE).by == "D" * 120
    with pytest.raises(BadInput, match="at most 120 characters"):
        sign(made, "D" * 121, "prescriber", START, ACCEPTANCE)


# ---- a cohort in which a line breaks ivigil itself


def broken(ref: str, instead: Callable[..., Any], of: Callable[[Any], str]) -> Callable[..., Any]:
    def breaks(*given: Any, **named: Any) -> Any:
        if of(given) == ref:
            raise ZeroDivisionError
        return instead(*given, **named)

    return breaks


def test_a_fault_of_ours_in_one_line_ends_a_cohort_of_plans_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        plan_line, "draft_plan", broken("two", plan_line.draft_plan, lambda given: given[0].patient.ref)
    )
    lines = [json.dumps(record(ref=ref)) for ref in ("one", "two", "three")]
    (tmp_path / "cohort.ndjson").write_text("\n".join([*lines, "{"]), "utf-8")

    code = run(["plan", "--batch", str(tmp_path / "cohort.ndjson"), "--indication", PI, "--region", "US", *AT])

    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert code == 1
    assert [row.get("patient_ref") for row in rows] == ["one", None, "three", None]
    assert rows[1]["error"]["where"] == "line 2: ivigil"
    assert "a fault of ivigil" in rows[1]["error"]["rule"]
    assert "2 planned, 0 blocked, 2 could not be planned" in said.err


def test_a_fault_of_ours_in_one_line_ends_a_cohort_of_forecasts_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = json.loads(Path("examples/kinetics/pid-adult.json").read_text("utf-8"))
    named = broken("two", forecast_batch.read_record, lambda given: given[0]["ref"])
    monkeypatch.setattr(forecast_batch, "read_record", named)
    lines = [json.dumps(whole | {"ref": ref}) for ref in ("one", "two", "three")]
    (tmp_path / "cohort.ndjson").write_text("\n".join(lines), "utf-8")

    code = run(["forecast", "--batch", str(tmp_path / "cohort.ndjson"), "--indication", PI])

    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert code == 1
    assert ["error" in row for row in rows] == [False, True, False]
    assert rows[1]["error"]["where"] == "line 2: ivigil"
    assert "2 forecast, 1 could not be" in said.err


def test_a_condition_that_nobody_knows_is_refused_before_the_cohort(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cohort.ndjson").write_text(json.dumps(record()), "utf-8")

    code = run(["plan", "--batch", str(tmp_path / "cohort.ndjson"), "--indication", "nope", "--region", "US"])

    assert (code, capsys.readouterr().out) == (4, "")


# ---- an overlay at the chair


def replacement(file: str, path: str, fact: Json, by: tuple[str, ...]) -> tuple[Replacement, ...]:
    said = {"src": "site/our", "origin": "reported", "read": "label"}
    kind, _, name = file.partition("/")
    base = fact_hash(value_at(opened().raw(kind, name), path))
    row = {"path": path, "base": base, "by": list(by), "on": date(2026, 11, 1), "label_revision": "1"}
    return read_replacements({"replace": [{**row, "fact": {**fact, **said}}]}, f"{file}.toml")


@pytest.mark.parametrize(
    ("file", "path", "fact"),
    [
        ("protocol/ivigil", "adrenaline.concentration", {"mg_per_ml": 10}),
        ("protocol/ivigil", "medicines.paracetamol.adult", {"mg": 6500}),
        ("protocol/ivigil", "never_restart_after", {"items": ["anaphylaxis"]}),
        ("models/tortorici2019", "parameters", {"value": 1}),
        ("populations/us-adults", "weight_kg", {"value": 1}),
        ("ask/signs", "signs", {"text": "x"}),
    ],
)
def test_first_aid_and_what_a_forecast_doses_by_need_two_people(file: str, path: str, fact: Json) -> None:
    with pytest.raises(BadKnowledge, match="needs 2 different people"):
        replacement(file, path, fact, ("A. Pharmacist", "A Pharmacist"))
    assert replacement(file, path, fact, ("A. Pharmacist", "B. Prescriber"))


@pytest.mark.parametrize(
    ("file", "path", "kept", "lost"),
    [
        ("protocol/ivigil", "never_restart_after", {"items": ["anaphylaxis"]}, "trali"),
        ("indications/itp-adult", "implies", {"items": []}, "itp"),
    ],
)
def test_a_list_that_restricts_is_not_made_shorter(file: str, path: str, kept: Json, lost: str) -> None:
    kind, _, name = file.partition("/")
    with pytest.raises(BadKnowledge, match="leaves out what the shipped fact restricts by") as refused:
        lay_over(opened().raw(kind, name), replacement(file, path, kept, ("A. One", "B. Two")), f"{file}.toml")
    assert lost in str(refused.value.value)


def test_a_list_that_restricts_may_grow() -> None:
    shipped = opened().raw("protocol", "ivigil")
    longer = {"items": [*shipped["never_restart_after"]["items"], "aseptic_meningitis"]}
    rows = replacement("protocol/ivigil", "never_restart_after", longer, ("A. One", "B. Two"))

    assert lay_over(shipped, rows, "protocol/ivigil.toml")[0]["never_restart_after"]["items"] == longer["items"]


def test_a_rule_that_raises_a_risk_keeps_raising_it() -> None:
    shipped = opened().raw("screening", "kidney")
    code = next(code for code, rule in shipped["rules"].items() if set(rule.get("raises", ())) == {"renal"})
    rows = replacement(
        "screening/kidney", f"rules.{code}", shipped["rules"][code] | {"raises": []}, ("A. One", "B. Two")
    )

    with pytest.raises(BadKnowledge, match="leaves out what the shipped fact restricts by"):
        lay_over(shipped, rows, "screening/kidney.toml")


# ---- words


def test_a_day_to_come_is_told_without_a_date_that_its_reader_does_not_have() -> None:
    (row,) = signed_by_now({"products/privigen": [("vials", date(2026, 11, 23))]}, date(2026, 11, 22))

    assert row.message == "It was signed on 2026-11-23, a day that has not begun anywhere yet."


def test_a_byte_order_mark_is_named() -> None:
    with pytest.raises(BadInput) as refused:
        parse_json("\ufeff{}", "PATIENT")
    assert (refused.value.where, refused.value.value) == ("PATIENT", "a byte order mark")
    assert refused.value.remedy == "Save it as UTF-8 without a byte order mark (BOM)."
