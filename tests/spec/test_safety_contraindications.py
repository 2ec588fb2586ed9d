"""Controls on who must not have which product: contraindications hold, and what is not recorded is never a no."""

from __future__ import annotations

from typing import Any

import pytest

from ivigil.findings import Finding
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Plan
from tests.planning import TAKEN, codes, history, plan, reasons, record

PI, CIDP, ITP = "primary-immunodeficiency", "cidp", "itp-adult"
ANTI_IGA = {"test": "anti_iga", "value": "positive", "taken_at": TAKEN}
INFANT = {"age_years": 1, "weight_kg": 10, "height_cm": 75}


def found(made: Plan, code: str) -> Finding:
    all_of_it = [finding for finding in made.findings if finding.code == code]
    assert len(all_of_it) == 1, f"{code} is not found once among {sorted(codes(made))}"
    return all_of_it[0]


def reacted(*kinds: str, product: str = "privigen", **more: Any) -> list[dict[str, Any]]:
    reactions = [{"kind": kind} for kind in kinds]
    return [history(product, 1, uneventful_supervised_infusions=0, reactions=reactions, **more)]


# ---- what is in the bottle

EXCIPIENTS: list[tuple[str, dict[str, Any], str, str, str, str, str]] = [
    ("sorbitol in fructose intolerance", {"conditions": ["hereditary_fructose_intolerance"]}, PI, "flebogamma_dif_10", "fructose-intolerance-sorbitol", "neither", "Sorbitol in a vein can kill"),
    ("sorbitol under 2 years", INFANT, PI, "flebogamma_dif_10", "under-2-sorbitol", "neither", "may not have shown itself yet"),
    ("proline in hyperprolinaemia", {"conditions": ["hyperprolinaemia"]}, CIDP, "privigen", "hyperprolinaemia-proline", "neither", "stabilised with proline"),
    ("maltose and its meter", {"glucose_meter": "gdh_pqq"}, ITP, "octagam_10", "glucose-meter-maltose", "neither", "reads maltose as glucose"),
    ("maltose, diabetes, meter not recorded", {"glucose_meter": ..., "conditions": ["diabetes_mellitus"]}, ITP, "octagam_10", "diabetes-maltose-meter-unknown", "overridden", "the chemistry of the glucose meter is not recorded"),
    ("maltose in a corn allergy", {"allergies": ["corn"]}, ITP, "octagam_10", "corn-maltose", "overridden", "made from corn"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "indication", "product", "code", "may_be", "words"),
    [row[1:] for row in EXCIPIENTS],
    ids=[row[0].replace(" ", "-").replace(",", "") for row in EXCIPIENTS],
)
def test_what_is_in_the_bottle_stops_the_plan(
    change: dict[str, Any], indication: str, product: str, code: str, may_be: str, words: str
) -> None:
    phase = {CIDP: Phase.LOADING, PI: Phase.MAINTENANCE, ITP: Phase.COURSE}[indication]
    made = plan(record(**change), indication, product=product, phase=phase)

    finding = found(made, code)
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", may_be)
    assert words in finding.text
    assert made.infusions == ()


# ---- earlier reactions


@pytest.mark.parametrize("kind", ["anaphylaxis", "severe_systemic_hypersensitivity"])
def test_an_earlier_anaphylaxis_stops_every_product(kind: str) -> None:
    made = plan(record(immunoglobulin_history=reacted(kind)), CIDP, product="gammagard_liquid", phase=Phase.LOADING)

    finding = found(made, "prior-severe-reaction")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "neither")
    assert "Labels contraindicate immunoglobulin here" in finding.text
    assert finding.remedy is not None
    assert "have a specialist decide" in finding.remedy


def test_a_reaction_on_record_counts_though_others_are_not_recorded() -> None:
    before = [*reacted("anaphylaxis"), history("octagam_5", 3, last="2026-01-05T09:00:00-05:00", reactions=...)]
    made = plan(record(immunoglobulin_history=before), CIDP, product="gammagard_liquid", phase=Phase.LOADING)

    assert found(made, "prior-severe-reaction").may_be == "neither"


@pytest.mark.parametrize("kind", ["anaphylaxis", "rash_or_urticaria"])
def test_antibodies_to_iga_with_an_earlier_reaction_stop_the_plan(kind: str) -> None:
    raw = record(labs=[ANTI_IGA], immunoglobulin_history=reacted(kind))
    made = plan(raw, CIDP, product="gammagard_liquid", phase=Phase.LOADING)

    finding = found(made, "anti-iga-with-prior-reaction")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "neither")
    assert "Antibodies to IgA and an earlier hypersensitivity" in finding.text


# ---- not recorded is never no

NOT_RECORDED: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("conditions and proline", {"conditions": ...}, "privigen", "hyperprolinaemia-proline-unknown", "hyperprolinaemia is not excluded"),
    ("history", {"immunoglobulin_history": ...}, "gammagard_liquid", "history-missing", "An earlier severe reaction is not excluded"),
    ("reactions", {"immunoglobulin_history": [history("gammagard_liquid", reactions=...)]}, "gammagard_liquid", "history-reactions-missing", "whether there were reactions is not recorded"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "product", "code", "words"),
    [row[1:] for row in NOT_RECORDED],
    ids=[row[0].replace(" ", "-") for row in NOT_RECORDED],
)
def test_what_is_not_recorded_stops_the_plan(change: dict[str, Any], product: str, code: str, words: str) -> None:
    made = plan(record(**change), CIDP, product=product, phase=Phase.LOADING)

    finding = found(made, code)
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")
    assert words in finding.text


# ---- route, use, age


def test_a_product_for_under_the_skin_is_never_planned_into_a_vein() -> None:
    made = plan(record(), CIDP, product="hizentra", phase=Phase.LOADING)

    finding = found(made, "wrong-route")
    assert (made.status, finding.may_be) == ("blocked", "neither")
    assert "given under the skin, never into a vein" in finding.text


def test_an_off_label_use_needs_a_reason() -> None:
    made = plan(record(), "guillain-barre-syndrome", product="gammagard_liquid")

    finding = found(made, "off-label-reason-missing")
    assert (made.status, finding.may_be) == ("blocked", "neither")
    assert "The US label of Gammagard Liquid does not name" in finding.text


def test_an_off_label_plan_says_so_and_why() -> None:
    made = plan(record(), "guillain-barre-syndrome", product="gammagard_liquid", off_label="Synthetic reason")

    finding = found(made, "off-label")
    assert (made.status, finding.severity) == ("planned", "warns")
    assert finding.text.startswith("Off-label: the US label of Gammagard Liquid does not name")
    assert finding.text.endswith("Reason given: Synthetic reason")
    assert made.prescription is not None
    assert made.prescription.off_label == "Synthetic reason"


def test_an_age_below_the_label_stops_the_plan() -> None:
    # Privigen in immune thrombocytopenia: from 15 years.
    raw = record(age_years=14, weight_kg=50, height_cm=160)
    made = plan(raw, ITP, product="privigen", phase=Phase.COURSE)

    finding = found(made, "age-below-label")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")
    assert "starts at 15 years; the patient is 14 years" in finding.text


def test_a_use_whose_age_nobody_read_is_for_adults() -> None:
    raw = record(age_years=9, weight_kg=28, height_cm=133)
    made = plan(raw, PI, product="privigen", phase=Phase.MAINTENANCE)

    finding = found(made, "age-not-read")
    assert (made.status, finding.may_be) == ("blocked", "neither")
    assert "planned for adults only" in finding.text


def test_a_condition_in_which_it_is_not_supported_stops_the_plan() -> None:
    made = plan(record(), "autism", off_label="Synthetic reason")

    finding = found(made, "indication-not-supported")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")
    assert "as a condition in which immunoglobulin is not supported" in finding.text


def test_the_unlabelled_region_stops_every_product() -> None:
    made = plan(record(), CIDP, region="AU", phase=Phase.LOADING, product="privigen")

    assert made.status == "blocked"
    assert "no-label-for-region" in reasons(made, "privigen")
