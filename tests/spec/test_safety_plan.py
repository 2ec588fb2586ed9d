"""Controls on the plan itself: vials, shelf, acceptance, signature, identity, and that nothing found is hidden."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ivigil.errors import BadInput
from ivigil.findings import Finding, Severity, in_order
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Accepted, Plan, as_json, check_unchanged, content_id, sign
from ivigil.prescription.request import Request
from ivigil.prescription.stock import StockRow
from tests.planning import START, codes, history, opened, patient, plan, record

PI, CIDP, ITP = "primary-immunodeficiency", "cidp", "itp-adult"
ANAPHYLAXIS = [history("privigen", 1, uneventful_supervised_infusions=0, reactions=[{"kind": "anaphylaxis"}])]

ROLES = opened().policies.acceptance


def found(made: Plan, code: str) -> Finding:
    all_of_it = [finding for finding in made.findings if finding.code == code]
    assert len(all_of_it) == 1, f"{code} is not found once among {sorted(codes(made))}"
    return all_of_it[0]


def shelf(size_g: int, count: int, **changes: Any) -> tuple[StockRow, ...]:
    row: dict[str, Any] = {
        "product": "privigen",
        "size_g": size_g,
        "lot": "L1",
        "expires_on": date(2027, 6, 30),
        "count": count,
    }
    return (StockRow(**(row | changes)),)


def two_days(stock: tuple[StockRow, ...]) -> Plan:
    """Privigen in immune thrombocytopenia at 70 kg: 1 g/kg on each of two days, that is 2 x 70 g."""
    return plan(record(), ITP, product="privigen", phase=Phase.COURSE, stock=stock)


# ---- vials


def test_vials_beyond_the_tolerance_stop_the_plan() -> None:
    # 0.2 g/kg x 37 kg = 7.4 g; whole vials of 5 g give 5 or 10 g, more than 10 % away (6.66 to 8.14 g).
    asked: dict[str, Any] = {"product": "privigen", "dose_g_per_kg": "0.2"}
    made = plan(record(weight_kg=37, height_cm=150), PI, **asked)

    finding = found(made, "vials-outside-tolerance")
    assert (made.status, finding.may_be) == ("blocked", "neither")
    assert "within 10 % of 7.40 g" in finding.text


def test_a_vial_is_planned_for_one_day_only() -> None:
    # Seven vials of 10 g are 70 g, one day's dose; of thirteen six are left, too few for the second day.
    made = two_days(shelf(10, 13))

    finding = found(made, "stock-short")
    assert (made.status, finding.may_be) == ("blocked", "neither")
    assert "does not hold enough usable vials of Privigen for 2 x 70.0 g" in finding.text
    assert two_days(shelf(10, 14)).status == "planned"


@pytest.mark.parametrize("status", ["quarantined", "recalled"])
def test_a_quarantined_or_recalled_lot_is_never_planned(status: str) -> None:
    assert found(two_days(shelf(10, 14, status=status)), "stock-short").severity == "blocks"


def test_a_vial_that_expires_within_the_course_is_never_planned() -> None:
    # The course ends on 24 November.
    assert found(two_days(shelf(10, 14, expires_on=date(2026, 11, 23))), "stock-short").severity == "blocks"
    assert two_days(shelf(10, 14, expires_on=date(2026, 11, 24))).status == "planned"


# ---- acceptance


def accepted(code: str, role: str = "prescriber", by: str = "Synthetic P.", because: str = "test") -> Request:
    rows = (Accepted(code=code, by=by, role=role, because=because),)
    raw = record(age_years=14, weight_kg=50, height_cm=160)
    return Request(patient=patient(raw), region="US", start=START, product="privigen", accepted=rows)


def _check(request: Request, *, may_be: str) -> None:
    from ivigil.findings import MayBe
    from ivigil.prescription.request import check_accepted
    from tests.planning import opened

    blocking = Finding(code="c", severity=Severity.BLOCKS, may_be=MayBe(may_be), text="T.", remedy="Do otherwise.")
    check_accepted(request.accepted, (blocking,), opened().policies.acceptance)


@pytest.mark.parametrize(("role", "may_be"), [("nurse", "overridden"), ("visitor", "confirmed"), ("", "overridden")])
def test_a_role_that_may_not_accept_is_refused(role: str, may_be: str) -> None:
    with pytest.raises(BadInput, match=f"may be {may_be} by: prescriber") as refused:
        _check(accepted("c", role=role), may_be=may_be)
    assert refused.value.where == "--role"


def test_what_nobody_may_accept_is_refused() -> None:
    with pytest.raises(BadInput, match=r"Nobody may accept this finding\. Do otherwise\."):
        _check(accepted("c"), may_be="neither")


def test_what_was_not_found_cannot_be_accepted_beforehand() -> None:
    with pytest.raises(BadInput, match="Only a finding that blocks this plan can be accepted"):
        _check(accepted("another"), may_be="overridden")


@pytest.mark.parametrize("empty", ["by", "because"])
def test_who_accepts_and_why_is_recorded(empty: str) -> None:
    with pytest.raises(BadInput, match="Who accepts a finding, and why, is recorded"):
        _check(accepted("c", **{empty: " "}), may_be="overridden")


def test_an_acceptance_never_lifts_what_nobody_may_accept() -> None:
    made = plan(record(immunoglobulin_history=ANAPHYLAXIS), CIDP, product="gammagard_liquid", phase=Phase.LOADING)

    assert accepted("prior-severe-reaction").stops(found(made, "prior-severe-reaction"))


def test_a_finding_that_blocks_blocks() -> None:
    # Everything can be worked out, and yet the weight has to be confirmed first.
    made = plan(record(weight_kg=160, height_cm=170), CIDP, product="gammagard_liquid", phase=Phase.LOADING)

    assert {finding.code for finding in made.findings if finding.severity == "blocks"} == {"weight-looks-like-pounds"}
    assert made.status == "blocked"


def test_a_blocked_plan_holds_nothing_that_could_be_given() -> None:
    made = plan(record(weight_kg=160, height_cm=170), CIDP, product="gammagard_liquid", phase=Phase.LOADING)

    assert (made.prescription, made.administration, made.infusions) == (None, None, ())


# ---- signature and identity


def good() -> Plan:
    return plan(record(), CIDP, product="gammagard_liquid", phase=Phase.LOADING)


def faster(made: Plan) -> Plan:
    infusions = tuple(one.model_copy(update={"max_rate_ml_per_kg_h": Decimal(50)}) for one in made.infusions)
    return made.model_copy(update={"infusions": infusions})


def test_an_altered_plan_is_never_signed() -> None:
    with pytest.raises(BadInput, match="content does not match its id"):
        sign(faster(good()), "Synthetic P.", "prescriber", START, ROLES)


def test_an_altered_plan_has_another_id() -> None:
    made = good()
    check_unchanged(made)

    assert content_id(faster(made)) != content_id(made)
    assert content_id(made.model_copy(update={"findings": made.findings[1:]})) != content_id(made)


def test_a_blocked_plan_is_never_signed() -> None:
    made = plan(record(weight_kg=160, height_cm=170), CIDP, product="gammagard_liquid", phase=Phase.LOADING)

    with pytest.raises(BadInput, match="Only a plan that is not blocked can be signed"):
        sign(made, "Synthetic P.", "prescriber", START, ROLES)


def test_a_plan_past_its_validity_is_never_signed() -> None:
    # Valid for seven days from the planned start.
    made = good()
    sign(made, "Synthetic P.", "prescriber", START + timedelta(days=7), ROLES)

    with pytest.raises(BadInput, match="This plan was valid until 2026-11-30"):
        sign(made, "Synthetic P.", "prescriber", START + timedelta(days=7, minutes=1), ROLES)


@pytest.mark.parametrize(("by", "role"), [(" ", "prescriber"), ("Synthetic P.", "")])
def test_a_signature_names_a_person_and_a_role(by: str, role: str) -> None:
    with pytest.raises(BadInput, match="A signature names a person and a role"):
        sign(good(), by, role, START, ROLES)


# ---- nothing found is hidden


def test_two_findings_of_one_code_are_both_shown() -> None:
    def lab(text: str) -> Finding:
        return Finding(code="lab-unlikely", severity=Severity.BLOCKS, text=text)

    shown = in_order((lab("Creatinine."), lab("Haemoglobin."), lab("Creatinine.")))

    assert [finding.text for finding in shown] == ["Creatinine.", "Haemoglobin."]


def test_what_blocks_is_shown_first() -> None:
    said = [Finding(code=word, severity=Severity(word), text="T.") for word in ("informs", "warns", "blocks")]

    assert [finding.code for finding in in_order(said)] == ["blocks", "warns", "informs"]


@pytest.mark.parametrize(
    ("age", "printed"),
    [
        ({"age_years": 40}, 40),
        # 23 Nov 2026 is 61 days after the 26th birthday: 61/366 = 0.1667 of a year.
        ({"birth_date": "2000-09-23"}, 26.16),
    ],
)
def test_a_plan_carries_the_age_that_first_aid_goes_by(age: dict[str, Any], printed: float) -> None:
    raw = record()
    del raw["age_years"]
    made = plan(raw | age, "primary-immunodeficiency", product="privigen")
    assert made.prescription is not None
    assert json.loads(as_json(made))["prescription"]["age_years"] == printed
