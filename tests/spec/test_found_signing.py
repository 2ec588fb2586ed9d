"""What an attack on `ivigil plan|sign|print` found: each defect once, so that none comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from ivigil.cli.app import run
from ivigil.cli.opening import parse_json
from ivigil.errors import BadInput, Blocked
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Accepted, Plan, Signature, as_json, check_signature, identified, sign
from ivigil.prescription.request import Request, check_accepted
from ivigil.prescription.verify import check_plan, verify
from tests import planning
from tests.planning import START, codes, history, opened, patient, record

PI, CIDP = "primary-immunodeficiency", "cidp"
ASKED = ["--indication", PI, "--region", "US", "--product", "privigen"]
ROLES = opened().policies.acceptance
ACCEPTED = Accepted(
    code="weight-looks-like-pounds", by="Synthetic P.", role="prescriber", because="Weighed twice.", at=START
)
Json = dict[str, Any]
Edit = Callable[[Json], object]


def made(**asked: Any) -> Plan:
    return planning.plan(record(), PI, product="privigen", **asked)


def confirmed() -> Plan:
    """A plan for 170 kg at 170 cm, which looks like pounds, confirmed by a prescriber."""
    from ivigil.prescription.making import make_plan

    heavy = patient(record(weight_kg=170))
    request = Request(patient=heavy, region="US", start=START, product="privigen", accepted=(ACCEPTED,))
    return make_plan(request, planning.formulary(PI))


def forged(plan: Plan, edit: Edit) -> Plan:
    """The plan edited in its file, and given the id of its new content."""
    raw: Json = parse_json(as_json(plan), "plan")  # type: ignore[assignment]
    edit(raw)
    return identified(Plan.model_validate(raw))


def first(raw: Json) -> Json:
    return raw["infusions"][0]


# ---- a plan that comes back


@pytest.mark.parametrize(
    ("indication", "changes", "asked"),
    [
        (PI, {}, {"product": "privigen"}),
        (PI, {"weight_kg": Decimal("63.7"), "age_years": 78, "conditions": ...}, {"product": "gammagard_liquid"}),
        (PI, {"immunoglobulin_history": [history("octagam_5")]}, {"product": "octagam_5"}),
        (CIDP, {}, {"product": "privigen", "phase": Phase.LOADING, "ceiling_ml_per_h": Decimal("75.5")}),
        (CIDP, {"height_cm": 160, "weight_kg": 99}, {"product": "gammagard_liquid", "phase": Phase.MAINTENANCE}),
        (
            PI,
            {
                "immunoglobulin_history": [
                    history(
                        "privigen",
                        reactions=[{"kind": "headache"}],
                        uneventful_supervised_infusions=5,
                        rate_borne_ml_per_kg_h=Decimal("1.37"),
                    )
                ]
            },
            {"product": "privigen"},
        ),
        ("guillain-barre-syndrome", {}, {"product": "privigen", "off_label": "No labelled product."}),
    ],
)
def test_a_plan_that_was_made_holds_when_it_comes_back(indication: str, changes: Json, asked: Json) -> None:
    plan = planning.plan(record(**changes), indication, **asked)
    read = Plan.model_validate(parse_json(as_json(plan), "plan"))

    assert plan.status == "planned"
    assert verify(read, planning.formulary(indication)) == ()


def test_a_plan_with_a_stock_list_and_a_price_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "w.json").write_text(json.dumps(record()), "utf-8")
    rows = [{"product": "privigen", "size_g": 10, "lot": "L1", "expires_on": "2030-01-31", "count": 9}]
    (tmp_path / "stock.json").write_text(json.dumps(rows), "utf-8")

    run(
        [
            "plan",
            str(tmp_path / "w.json"),
            *ASKED,
            "--stock",
            str(tmp_path / "stock.json"),
            "--price-per-g",
            "81.5",
            "--currency",
            "USD",
            "--json",
        ]
    )
    read = Plan.model_validate(parse_json(capsys.readouterr().out, "plan"))

    assert verify(read, planning.formulary(PI)) == ()
    fewer = forged(read, lambda raw: first(raw)["vials"][0]["lots"][0].update(count=1))
    assert "lots do not add up" in verify(fewer)[0].text


#: Privigen 10 %, 70 kg, 0.4 g/kg: 28 g, so 30 g in 300 mL; the label's maximum is 8 mg/kg/min, that is 4.8 mL/kg/h.
SUMS: list[tuple[str, Edit, str]] = [
    ("dose", lambda raw: first(raw).update(dose_g=300), "Its vials hold 30.0 g, not 300 g"),
    ("course", lambda raw: raw["prescription"].update(course_dose_g=300), "add up to 30.0 g, not to 300 g"),
    ("prescribed", lambda raw: raw["prescription"].update(prescribed_course_dose_g=56), "at 70.0 kg is 28 g, not 56 g"),
    ("vials", lambda raw: first(raw)["vials"][0].update(count=9), "Its vials hold"),
    ("no vials", lambda raw: first(raw).update(vials=[]), "Its vials hold 0 g, not 30.0 g"),
    ("waste", lambda raw: first(raw).update(waste_g=5), "5 g left over"),
    ("volume", lambda raw: first(raw).update(total_ml=600), "is not 600 mL"),
    ("strength", lambda raw: first(raw).update(concentration_g_per_ml=Decimal("0.05")), "at 0.05 g/mL is not 300.0 mL"),
    ("pump", lambda raw: first(raw)["steps"][-1].update(pump_ml_per_h=999), "999 mL/h for"),
    ("rate", lambda raw: first(raw)["steps"][0].update(rate_ml_per_kg_h=4), "4 mL/kg/h at 70.0 kg is not"),
    ("mass rate", lambda raw: first(raw)["steps"][0].update(rate_mg_per_kg_min=9), "is not 9 mg/kg/min"),
    ("step volume", lambda raw: first(raw)["steps"][0].update(volume_ml=1), "does not give 1 mL"),
    ("sum so far", lambda raw: first(raw)["steps"][1].update(cumulative_ml=1), "do not follow one another"),
    ("start of a step", lambda raw: first(raw)["steps"][1].update(start_min=1), "do not follow one another"),
    ("duration", lambda raw: first(raw).update(duration_min=10), "not 10 min"),
    ("no steps", lambda raw: first(raw).update(steps=[]), "no step that delivers it"),
    ("own ceiling", lambda raw: first(raw).update(ceiling_ml_per_h=50), "above its own ceiling of 50 mL/h"),
    ("own maximum", lambda raw: first(raw).update(max_rate_ml_per_kg_h=1), "above its own maximum of 1 mL/kg/h"),
    ("weight", lambda raw: raw["prescription"].update(weight_kg=50), "does not follow from the patient's weight"),
    ("rate weight", lambda raw: raw["prescription"].update(rate_weight_kg=90), "lower of the two weights"),
    ("next course", lambda raw: raw["prescription"].update(next_course_on="2026-11-24"), "one interval after"),
    ("number", lambda raw: first(raw).update(number=2), "not numbered and dated"),
    ("validity", lambda raw: raw.update(valid_until="2026-11-01T09:00:00Z"), "ends to be valid before it begins"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "told"), [row[1:] for row in SUMS], ids=[row[0] for row in SUMS])
def test_a_plan_whose_own_sums_do_not_hold_is_refused(edit: Edit, told: str) -> None:
    plan = forged(made(), edit)

    with pytest.raises(BadInput) as refused:
        check_plan(plan, None)
    assert told in refused.value.rule
    assert refused.value.exit_code == 4


def doubled(raw: Json) -> None:
    """Every figure of a plan for 0.8 g/kg instead of 0.4 g/kg is consistent; only the source says how much is too much."""
    other = parse_json(as_json(planning.plan(record(), PI, product="privigen", dose_g_per_kg="0.8")), "plan")
    assert isinstance(other, dict)
    raw.update(infusions=other["infusions"])
    raw["prescription"].update(
        course_dose_g=other["prescription"]["course_dose_g"], prescribed_course_dose_g=112, dose_g_per_kg=Decimal("1.6")
    )


def faster(raw: Json) -> None:
    """The last rate and the maximum tripled, 300 mL all the same: sums and own limits hold."""
    last = first(raw)["steps"][-1]
    for key in ("rate_ml_per_kg_h", "rate_mg_per_kg_min", "pump_ml_per_h"):
        last[key] *= 3
    first(raw)["max_rate_ml_per_kg_h"] = last["rate_ml_per_kg_h"]
    last["duration_min"] = ceil(last["volume_ml"] * 60 / last["pump_ml_per_h"])
    first(raw)["duration_min"] = last["start_min"] + last["duration_min"]


def steeper(raw: Json) -> None:
    """One step at the label's maximum from the first minute on: 4.8 mL/kg/h x 70 kg = 336 mL/h; 300 mL in 53.6 min."""
    one = first(raw)["steps"][-1]
    one |= {"start_min": 0, "duration_min": 54, "volume_ml": 300, "cumulative_ml": 300}
    first(raw).update(steps=[one], duration_min=54)


FACTS: list[tuple[str, Edit, str]] = [
    ("dose above the source", doubled, "above the source's 0.8 g/kg"),
    ("rate above the label", faster, "not those that label and policy give"),
    ("no slow start", steeper, "not those that label and policy give"),
    ("vial size", lambda raw: first(raw).update(vials=[{"size_g": 30, "count": 1, "lots": []}]), "vials of 30 g"),
    ("pattern", lambda raw: first(raw).update(pattern="experienced"), "not those that label and policy give"),
    ("vital signs", lambda raw: first(raw).update(vitals_due_min=[0]), "not due when the policy says"),
    ("interval", lambda raw: raw["prescription"].update(interval_days=7, next_course_on="2026-11-30"), "7 days lie outside"),
    ("first aid", lambda raw: raw["administration"].update(first_lines_on_a_reaction=[]), "administration is not what"),
    ("brand", lambda raw: raw["prescription"].update(brand="Octagam"), "prescription.brand is not what the facts say"),
    ("validity", lambda raw: raw.update(valid_until="2027-11-30T09:00:00-05:00"), "valid_until is not what"),
    ("weight of a rule", lambda raw: raw["findings"][0].update(severity="informs"), "does not say what the rule says"),
    ("off label", lambda raw: raw["prescription"].update(off_label="Because."), "off_label is not what"),
    ("regimen", lambda raw: raw["prescription"].update(regimen="mine"), "no such regimen"),
    ("product", lambda raw: raw["prescription"].update(product="hizentra"), "No such product is labelled for a vein"),
    ("product nobody read", lambda raw: raw["prescription"].update(product="alyglo"), "No plan may rest on the maximum rate"),
    (
        "premedication",
        lambda raw: raw["prescription"].update(premedication=[{"what": "Morphine", "dose": "1 g", "route": "iv", "min_before": None, "reason": "", "caution": "", "sources": []}]),
        "Morphine does not stand so",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "told"), [row[1:] for row in FACTS], ids=[row[0] for row in FACTS])
def test_a_plan_beyond_the_limits_of_its_own_facts_is_refused(edit: Edit, told: str) -> None:
    plan = forged(made(), edit)

    with pytest.raises(BadInput) as refused:
        check_plan(plan, planning.formulary(PI))
    assert told in refused.value.rule


def test_the_dose_that_is_too_high_adds_up_and_only_the_facts_tell() -> None:
    assert verify(forged(made(), faster)) == ()


OPEN: list[tuple[str, Plan, Edit, str]] = [
    ("status edited", planning.plan(record(weight_kg=170), PI, product="privigen"), lambda raw: raw.update(status="planned"), "weight-looks-like-pounds blocks it, and nobody accepted that"),
    ("acceptance removed", confirmed(), lambda raw: raw.update(accepted=[]), "nobody accepted that"),
    ("made unacceptable", confirmed(), lambda raw: raw["findings"][0].update(may_be="neither"), "nobody may accept that"),
    ("nothing in it", made(), lambda raw: raw.update(infusions=[]), "prescribes nothing"),
    ("by a role that may not", confirmed(), lambda raw: raw["accepted"][0].update(role="visitor"), "may be confirmed by: prescriber"),
]  # fmt: skip


@pytest.mark.parametrize(("plan", "edit", "told"), [row[1:] for row in OPEN], ids=[row[0] for row in OPEN])
def test_a_plan_in_which_something_blocks_is_refused_whatever_its_status_says(
    plan: Plan, edit: Edit, told: str
) -> None:
    with pytest.raises(Blocked) as refused:
        check_plan(forged(plan, edit), planning.formulary(PI))
    assert told in refused.value.rule
    assert refused.value.exit_code == 3


def test_a_blocked_plan_that_holds_a_dose_is_refused() -> None:
    with pytest.raises(BadInput, match="still holds something that could be given"):
        check_plan(forged(made(), lambda raw: raw.update(status="blocked")), None)


def test_an_acceptance_without_its_time_is_not_signed() -> None:
    assert verify(confirmed(), planning.formulary(PI)) == ()
    timeless = forged(confirmed(), lambda raw: raw["accepted"][0].update(at=None))

    assert [fault.text for fault in verify(timeless)] == ["When weight-looks-like-pounds was accepted is not recorded."]


# ---- sign and print


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> Path:
    later = planning.plan(record(), PI, product="privigen", start=datetime.now().astimezone() + timedelta(days=1))
    (tmp_path / "plan.json").write_text(as_json(later), "utf-8")
    (tmp_path / "forged.json").write_text(as_json(forged(later, lambda raw: first(raw).update(dose_g=300))), "utf-8")
    heavy = planning.plan(record(weight_kg=170), PI, product="privigen")
    opened_up = forged(heavy, lambda raw: raw.update(status="planned"))
    (tmp_path / "opened.json").write_text(as_json(opened_up), "utf-8")
    (tmp_path / "blocked.json").write_text(as_json(heavy), "utf-8")
    (tmp_path / "well.json").write_text(json.dumps(record()), "utf-8")
    return tmp_path


def _ask(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, Json]:
    code = run([*map(str, arguments), "--json"])
    told = capsys.readouterr().err.strip()
    nothing: Json = {"where": "", "rule": "", "remedy": ""}
    return code, json.loads(told)["error"] if told.startswith("{") else nothing


@pytest.mark.parametrize(("name", "code", "told"), [("forged", 4, "add up to"), ("opened", 3, "nobody accepted that")])
def test_neither_sign_nor_print_takes_a_plan_that_does_not_hold(
    files: Path, capsys: pytest.CaptureFixture[str], name: str, code: int, told: str
) -> None:
    plan, pdf = files / f"{name}.json", files / "out.pdf"

    for arguments in (("sign", plan, "--by", "A", "--role", "prescriber"), ("print", plan, "--pdf", pdf)):
        got, error = _ask(capsys, *arguments)
        assert (got, told in error["rule"]) == (code, True), error
    assert not pdf.exists()


def test_a_blocked_plan_is_printed_with_its_reasons_and_never_signed(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ask(capsys, "print", files / "blocked.json", "--pdf", files / "out.pdf")[0] == 0
    code, error = _ask(capsys, "sign", files / "blocked.json", "--by", "A", "--role", "prescriber")
    assert (code, error["where"]) == (3, "status")


def test_a_plan_made_with_other_facts_is_not_signed(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = forged(Plan.model_validate_json((files / "plan.json").read_text()), lambda raw: raw["made_with"].update(ivigil="0.0.0"))  # fmt: skip
    (files / "older.json").write_text(as_json(older), "utf-8")

    code, error = _ask(capsys, "sign", files / "older.json", "--by", "A", "--role", "prescriber")
    assert (code, error["where"]) == (4, "made_with")
    assert run(["print", str(files / "older.json"), "--pdf", str(files / "o.pdf")]) == 0
    assert "could not be checked against them" in capsys.readouterr().err


SIGNATURES: list[tuple[dict[str, Any], str, str]] = [
    ({"role": "janitor"}, "role", "A plan is signed by: prescriber"),
    ({"by": " "}, "by", "names a person"),
    ({"by": "\u200b\u3164"}, "by", "holds no sign that cannot be seen"),
    ({"at": "2040-01-01T00:00:00Z"}, "at", "This plan was valid until"),
    ({"plan_id": "sha256:0"}, "--signature", "for another plan"),
]


@pytest.mark.parametrize(("change", "where", "told"), SIGNATURES, ids=[str(row[0]) for row in SIGNATURES])
def test_print_checks_a_signature_as_sign_does(
    files: Path, capsys: pytest.CaptureFixture[str], change: Json, where: str, told: str
) -> None:
    assert run(["sign", str(files / "plan.json"), "--by", "Dr A", "--role", "prescriber"]) == 0
    signature = json.loads(capsys.readouterr().out)
    (files / "s.json").write_text(json.dumps(signature | change), "utf-8")

    code, error = _ask(capsys, "print", files / "plan.json", "--signature", files / "s.json", "--pdf", files / "s.pdf")

    assert (code, error["where"]) == (4, where)
    assert told in error["rule"]


def test_a_signature_lies_neither_in_the_future_nor_before_what_was_accepted() -> None:
    plan = confirmed()
    signed = sign(plan, "Dr A", "prescriber", START + timedelta(minutes=1), ROLES)

    check_signature(plan, signed, ROLES, START + timedelta(minutes=1))
    with pytest.raises(BadInput, match="No signature lies in the future"):
        check_signature(plan, signed, ROLES, START)
    with pytest.raises(BadInput, match=r"was accepted at .* after this signature"):
        sign(plan, "Dr A", "prescriber", START - timedelta(minutes=1), ROLES)


def test_a_signature_of_a_blocked_plan_is_refused_when_it_is_read() -> None:
    plan = planning.plan(record(weight_kg=170), PI, product="privigen")
    with pytest.raises(Blocked, match="A blocked plan cannot be signed"):
        check_signature(plan, Signature(plan_id=plan.plan_id, by="A", role="prescriber", at=START), ROLES, START)


# ---- a specialist's plan for after a severe reaction

SPECIALIST = {"by": "Dr S", "role": "allergist", "at": "2026-11-10T09:00:00-05:00", "text": "In hospital, low IgA."}


def after(reaction: Json, **planned: str) -> Json:
    reaction = {"kind": "anaphylaxis", "specialist_plan": SPECIALIST | planned} | reaction
    entry = history("gammagard_liquid", reactions=[reaction], uneventful_supervised_infusions=5)
    return record(immunoglobulin_history=[entry])


@pytest.mark.parametrize("role", ["janitor", "nurse", "Allergist", "patient"])
def test_a_specialists_plan_is_made_by_a_specialist(role: str) -> None:
    patient(after({"at": "2026-11-01T09:00:00-05:00"}))
    with pytest.raises(BadInput, match="made by: specialist, allergist") as refused:
        patient(after({"at": "2026-11-01T09:00:00-05:00"}, role=role))
    assert refused.value.where == "immunoglobulin_history[0].reactions[0].specialist_plan.role"


def test_a_specialists_plan_is_younger_than_the_reaction_it_answers() -> None:
    # Planned 10 November; a reaction of that very moment or of the 12th was not yet known.
    for moment in ("2026-11-10T09:00:00-05:00", "2026-11-12T09:00:00-05:00"):
        with pytest.raises(BadInput, match="later than it"):
            patient(after({"at": moment}))
    # Without a date the reaction may be of the last infusion, 2 November: a plan of 10 November is later for sure.
    patient(after({}))
    with pytest.raises(BadInput, match="the reaction has no date"):
        patient(after({}, at="2026-11-01T09:00:00-05:00"))


def test_nobody_lives_who_died_of_a_reaction() -> None:
    with pytest.raises(BadInput, match="this patient lives") as refused:
        patient(record(immunoglobulin_history=[history("privigen", reactions=[{"kind": "other", "grade": 5}])]))
    assert refused.value.where == "immunoglobulin_history[0].reactions[0].grade"


# ---- who accepts, and why

HOLLOW = [
    "\u200b",
    "\u2060\u200d",
    "\u3164",
    "\u2800",
    "\u00ad",
    "a\u202eb",
    "two\nlines",
    "tab\there",
    " ",
    "\u00a0",
    "...",
]


@pytest.mark.parametrize("text", HOLLOW, ids=ascii)
@pytest.mark.parametrize("field", ["by", "because"])
def test_who_accepts_and_why_is_readable(field: str, text: str) -> None:
    row = ACCEPTED.model_copy(update={field: text})
    with pytest.raises(BadInput, match="recorded") as refused:
        check_accepted((row,), confirmed().findings, opened().policies.acceptance)
    assert refused.value.where == f"--{field}"


@pytest.mark.parametrize("text", ["x", "xx", "X x", "1", "—", *HOLLOW], ids=ascii)
def test_a_reason_says_something(text: str) -> None:
    with pytest.raises(BadInput):
        check_accepted(
            (ACCEPTED.model_copy(update={"because": text}),), confirmed().findings, opened().policies.acceptance
        )
    with pytest.raises(BadInput) as refused:
        made(off_label=text)
    assert refused.value.where == "--off-label"


@pytest.mark.parametrize("name", ["José Núñez-O'Hara", "مريم", "王", "Dr. A. B."])
def test_names_of_the_world_sign(name: str) -> None:
    assert sign(made(), name, "prescriber", START, ROLES).by == name


def test_a_finding_is_accepted_once() -> None:
    with pytest.raises(BadInput, match="accepted once"):
        check_accepted(
            (ACCEPTED, ACCEPTED.model_copy(update={"by": "Somebody else"})),
            confirmed().findings,
            opened().policies.acceptance,
        )


def test_who_accepted_when_stands_in_the_plan_and_on_paper(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ivigil.documents.sheet import sheet
    from ivigil.documents.summary import summary

    (files / "heavy.json").write_text(json.dumps(record(weight_kg=170)), "utf-8")
    accept = ["--accept", ACCEPTED.code, "--by", "Dr A", "--role", "prescriber", "--because", "Weighed twice."]
    before = datetime.now().astimezone()
    assert run(["plan", str(files / "heavy.json"), *ASKED, *accept, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)["accepted"][0]
    assert (row["code"], row["by"], row["role"], row["because"]) == (
        ACCEPTED.code,
        "Dr A",
        "prescriber",
        "Weighed twice.",
    )
    assert before <= datetime.fromisoformat(row["at"]) <= datetime.now().astimezone()

    said = "Synthetic P. (prescriber) on Mon 23 Nov 2026 09:00 (UTC−05:00): Weighed twice."
    assert f"accepted by {said}" in [one["accepted"] for one in sheet(confirmed(), None)["findings"]]
    assert sheet(confirmed(), None)["accepted"][0]["at"] == "Mon 23 Nov 2026 09:00 (UTC−05:00)"
    assert summary(confirmed(), told_in_full=True)["accepted"] == [{"code": ACCEPTED.code, "said": said}]


# ---- what contradicts itself


@pytest.mark.parametrize(
    "twice",
    [
        ("plan", "well.json", *ASKED, "--dose-g-per-kg", "0.4", "--dose-g-per-kg", "0.8"),
        ("sign", "plan.json", "--by", "A", "--by", "B", "--role", "prescriber"),
        ("knowledge", "list", "products", "--region", "US", "--region", "EU"),
        ("explain", "mechanism", "--indication", "cidp", "--indication", "itp-adult"),
    ],
    ids=lambda row: " ".join(row[:2]),
)
def test_an_option_given_twice_is_refused(
    files: Path, capsys: pytest.CaptureFixture[str], twice: tuple[str, ...]
) -> None:
    code, error = _ask(capsys, *(files / word if word.endswith(".json") else word for word in twice))
    assert (code, error["rule"]) == (2, "This option is given twice.")


def test_a_regimen_of_another_phase_is_not_taken() -> None:
    blocked = planning.plan(record(), CIDP, product="privigen", phase=Phase.LOADING, regimen="maintenance")
    assert blocked.status == "blocked"
    told = [one.text for one in blocked.findings if one.code == "no-regimen-for-phase"]
    assert told == ["The label of Privigen has no loading regimen called maintenance."]
    alike = planning.plan(record(), CIDP, product="privigen", phase=Phase.MAINTENANCE, regimen="maintenance")
    assert alike.status == "planned"


def test_an_off_label_reason_for_a_labelled_use_is_told() -> None:
    plan = made(off_label="Nothing else helped.")
    assert "off-label-not-needed" in codes(plan)
    assert plan.prescription is not None
    assert plan.prescription.off_label is None
    assert "off-label-not-needed" not in codes(made())


@pytest.mark.parametrize(("key", "value"), [("days", 3), ("interval_days", 21)])
def test_days_and_interval_are_heeded(key: str, value: int) -> None:
    phase = Phase.LOADING if key == "days" else Phase.MAINTENANCE
    asked: Json = {key: value}
    plan = planning.plan(record(), CIDP, product="privigen", phase=phase, **asked)
    assert plan.prescription is not None
    assert (len(plan.infusions) if key == "days" else plan.prescription.interval_days) == value


# ---- files


def test_a_file_is_replaced_only_when_asked(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = files / "out.pdf"
    target.write_bytes(b"kept")
    plan = [str(files / "well.json"), *ASKED, "--pdf", str(target)]

    code, error = _ask(capsys, "plan", *plan)
    assert (code, error["where"], target.read_bytes()) == (4, "--pdf", b"kept")
    assert "--overwrite" in error["remedy"]
    assert run(["plan", *plan, "--overwrite"]) == 0
    assert target.read_bytes().startswith(b"%PDF")
    assert not [one for one in files.iterdir() if one.name.endswith(".part")]


@pytest.mark.parametrize("command", ["plan", "print", "leaflet", "summary"])
def test_the_file_that_is_read_is_never_written_over(
    files: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    source = files / ("well.json" if command == "plan" else "plan.json")
    link, hard = files / "link.pdf", files / "hard.pdf"
    link.symlink_to(source)
    hard.hardlink_to(source)
    before = source.read_bytes()
    more = ASKED if command == "plan" else []

    for target in (source, link, hard, files):
        code, error = _ask(capsys, command, source, *more, "--pdf", target, "--overwrite")
        assert (code, error["where"]) == (4, "--pdf"), target
    assert source.read_bytes() == before


def test_a_place_that_cannot_be_written_is_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, error = _ask(capsys, "print", files / "plan.json", "--pdf", files / "no" / "out.pdf")
    assert (code, "folder does not exist" in error["rule"]) == (4, True)
    code, error = _ask(capsys, "print", files / "plan.json", "--pdf", files / f"{'n' * 250}.pdf")
    assert (code, "File name too long" in error["rule"]) == (4, True)
    if os.geteuid():  # root may write anywhere
        shut = files / "shut"
        shut.mkdir(mode=0o500)
        code, error = _ask(capsys, "print", files / "plan.json", "--pdf", shut / "out.pdf")
        assert (code, "Permission denied" in error["rule"]) == (4, True)


# ---- standard output, as other tools treat it

COMMANDS = [
    ["plan", "--batch", "cohort.ndjson", *ASKED],
    ["plan", "well.json", *ASKED],
    ["assess", "well.json", "--indication", "cidp", "--region", "US"],
    ["ask", "cidp"],
    ["knowledge", "list", "products"],
]


def _started(arguments: list[str], files: Path, **more: Any) -> subprocess.Popen[bytes]:
    row = json.dumps(record())
    (files / "cohort.ndjson").write_text(f"{row}\n" * 2000, "utf-8")
    words = [str(files / word) if word.endswith((".json", ".ndjson")) else word for word in arguments]
    return subprocess.Popen([sys.executable, "-m", "ivigil.cli", *words], stderr=subprocess.PIPE, **more)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is imitated by /dev/full")
@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_a_result_that_cannot_be_written_is_told(files: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = _started(arguments, files, stdout=full)
        told = ended.communicate(timeout=60)[1].decode()

    assert ended.returncode == 4
    assert "The result could not be written: No space left on device." in told
    assert "Traceback" not in told
    assert "fault of ivigil" not in told


def test_a_reader_that_has_seen_enough_ends_a_cohort_quietly(files: Path) -> None:
    with _started(COMMANDS[0], files, stdout=subprocess.PIPE) as ended:
        assert ended.stdout is not None
        assert ended.stderr is not None
        assert ended.stdout.readline().startswith(b"{")
        ended.stdout.close()
        told = ended.stderr.read().decode()

    # A shell tells a program that SIGPIPE ended as 128 + 13; success it is not.
    assert (ended.returncode, told) == (141, "")


def test_ctrl_c_ends_quietly(files: Path) -> None:
    ended = _started(COMMANDS[0], files, stdout=subprocess.PIPE)
    assert ended.stdout is not None
    ended.stdout.readline()
    ended.send_signal(signal.SIGINT)
    told = ended.communicate(timeout=60)[1].decode()
    assert ended.returncode == 130
    assert told.strip() in {"", "Stopped."}


def test_ctrl_c_while_it_starts_leaves_no_trace(files: Path) -> None:
    ended = _started(["ask", "cidp"], files, stdout=subprocess.PIPE)
    time.sleep(0.12)
    ended.send_signal(signal.SIGINT)
    told = ended.communicate(timeout=60)[1].decode()
    assert ended.returncode in {130, 0, -signal.SIGINT}  # 0: it was done; -2: python itself had not begun
    assert "Error" not in told or ended.returncode == -signal.SIGINT


def test_no_figure_of_a_plan_is_too_large_to_read(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (files / "plan.json").read_text().replace('"weight_kg":70.0,', '"weight_kg":1e999999,')
    (files / "huge.json").write_text(text, "utf-8")

    code, error = _ask(capsys, "print", files / "huge.json", "--pdf", files / "h.pdf")
    assert (code, "no figure of a plan is that large" in error["rule"]) == (4, True)


@pytest.mark.parametrize("option", ["--price-per-g", "--ceiling-ml-per-h", "--dose-g-per-kg"])
def test_no_option_is_too_large_for_a_plan(files: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    also = ("--currency", "USD") if option == "--price-per-g" else ()
    code, error = _ask(capsys, "plan", files / "well.json", *ASKED, option, "100000001", *also)
    assert (code, error["where"]) == (4, option)
    assert error["rule"].startswith("It lies between ")
