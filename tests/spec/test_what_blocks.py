"""What must stop a plan, and what clears it: each row a record, a request, and the finding that answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ivigil.knowledge.regimens import Phase
from tests.planning import TAKEN, codes, history, plan, reasons, record

PI, CIDP, ITP = "primary-immunodeficiency", "cidp", "itp-adult"
POSITIVE_ANTI_IGA = {"test": "anti_iga", "value": "positive", "taken_at": TAKEN}
ANAPHYLAXIS = {"kind": "anaphylaxis", "at": "2020-01-01T10:00:00Z"}
PLANNED_ANAPHYLAXIS = ANAPHYLAXIS | {
    "specialist_plan": {
        "by": "Synthetic S.",
        "role": "specialist",
        "at": "2020-02-01T10:00:00Z",
        "text": "Low-IgA product, in hospital.",
    }
}


def _sorbitol() -> str:
    return "flebogamma_dif_10"


BLOCKS: list[tuple[str, dict[str, Any], str, dict[str, Any], str, str]] = [
    # what, record, indication, request, code, may_be
    ("sorbitol in fructose intolerance", record(conditions=["hereditary_fructose_intolerance"]), PI, {"product": _sorbitol()}, "fructose-intolerance-sorbitol", "neither"),
    ("sorbitol under 2 years", record(age_years=1.5, weight_kg=11, height_cm=82), PI, {"product": "gammaplex_5"}, "under-2-sorbitol", "neither"),
    ("proline in hyperprolinaemia", record(conditions=["hyperprolinaemia"]), PI, {"product": "privigen"}, "hyperprolinaemia-proline", "neither"),
    ("maltose with a GDH-PQQ meter", record(glucose_meter="gdh_pqq", conditions=["diabetes_mellitus"]), ITP, {"product": "octagam_10"}, "glucose-meter-maltose", "neither"),
    ("maltose with a glucose-dye meter", record(glucose_meter="glucose_dye_oxidoreductase"), PI, {"product": "octagam_5"}, "glucose-meter-maltose", "neither"),
    ("anti-IgA with an earlier reaction", record(labs=[POSITIVE_ANTI_IGA], conditions=["iga_deficiency"], immunoglobulin_history=[history("privigen", reactions=[ANAPHYLAXIS])]), PI, {"product": "gammagard_liquid"}, "anti-iga-with-prior-reaction", "neither"),
    ("earlier anaphylaxis without a specialist's plan", record(immunoglobulin_history=[history("privigen", reactions=[ANAPHYLAXIS])]), PI, {"product": "gammagard_liquid"}, "prior-severe-reaction", "neither"),
    ("a product for under the skin", record(), PI, {"product": "hizentra"}, "wrong-route", "neither"),
    ("an age below the label", record(age_years=14, weight_kg=50, height_cm=160), ITP, {"product": "privigen"}, "age-below-label", "overridden"),
    ("an age nobody read on the label", record(age_years=9, weight_kg=28, height_cm=133), PI, {"product": "privigen"}, "age-not-read", "neither"),
    ("an off-label use without a reason", record(), "guillain-barre-syndrome", {"product": "privigen"}, "off-label-reason-missing", "neither"),
    ("a region without a label", record(), CIDP, {"product": "privigen", "region": "EU", "phase": Phase.LOADING}, "no-label-for-region", "neither"),
    ("rates nobody read", record(), PI, {"product": "alyglo"}, "max-rate-not-read", "neither"),
    ("a label whose dose nobody read", record(), PI, {"product": "qivigy"}, "dose-not-read", "neither"),
    ("a sister product's dose", record(), CIDP, {"product": "gammaked", "phase": Phase.LOADING}, "dose-not-read", "neither"),
    ("a weight that looks like pounds", record(weight_kg=170, height_cm=170), PI, {}, "weight-looks-like-pounds", "confirmed"),
    ("a child's weight that looks like pounds", record(age_years=3, weight_kg=33, height_cm=95), PI, {}, "weight-looks-like-pounds", "confirmed"),
    ("a weight that is unlikely", record(weight_kg=29, height_cm=170), PI, {}, "weight-unlikely", "confirmed"),
    ("no weight", record(weight_kg=..., weight_measured_on=...), PI, {}, "weight-missing", "neither"),
    ("no age", record(age_years=...), PI, {}, "age-missing", "neither"),
    ("no history of immunoglobulin", record(immunoglobulin_history=...), PI, {}, "history-missing", "overridden"),
    ("a history without reactions", record(immunoglobulin_history=[history("privigen", reactions=...)]), PI, {}, "history-reactions-missing", "overridden"),
    ("a condition in which it is not supported", record(), "autism", {"off_label": "asked for"}, "indication-not-supported", "overridden"),
    ("a dose above the label", record(), PI, {"product": "privigen", "dose_g_per_kg": "0.81"}, "dose-above-source", "neither"),
    ("a dose below the label", record(), PI, {"product": "privigen", "dose_g_per_kg": "0.19"}, "dose-below-source", "overridden"),
    ("fewer days than the label", record(), CIDP, {"product": "privigen", "phase": Phase.LOADING, "days": 1}, "days-too-few", "neither"),
    ("an interval outside the label", record(), PI, {"product": "privigen", "interval_days": 35}, "interval-outside-source", "overridden"),
    ("an empty shelf", record(), PI, {"product": "privigen", "stock": ()}, "stock-short", "neither"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "indication", "asked", "code", "may_be"), [row[1:] for row in BLOCKS], ids=[row[0] for row in BLOCKS]
)
def test_blocks(raw: dict[str, Any], indication: str, asked: dict[str, Any], code: str, may_be: str) -> None:
    made = plan(raw, indication, **asked)

    assert made.status == "blocked"
    assert (made.prescription, made.infusions) == (None, ())
    everything = [*made.findings, *(finding for one in made.candidates for finding in one.reasons)]
    (finding, *_) = [one for one in everything if one.code == code]
    assert (finding.severity, finding.may_be) == ("blocks", may_be)
    assert finding.text.endswith((".", ")", "asked for"))
    assert finding.remedy


CLEARS: list[tuple[str, dict[str, Any], str, dict[str, Any], str]] = [
    ("the meter is changed", record(glucose_meter="glucose_oxidase", conditions=["diabetes_mellitus"]), ITP, {"product": "octagam_10"}, "glucose-meter-maltose"),
    ("a product without sorbitol", record(conditions=["hereditary_fructose_intolerance"]), PI, {"product": "gammagard_liquid"}, "fructose-intolerance-sorbitol"),
    ("a product without proline", record(conditions=["hyperprolinaemia"]), PI, {"product": "gammagard_liquid"}, "hyperprolinaemia-proline"),
    ("a reason for off-label use", record(), "guillain-barre-syndrome", {"product": "privigen", "off_label": "GBS, day 4"}, "off-label-reason-missing"),
    ("a specialist's plan", record(immunoglobulin_history=[history("privigen", reactions=[PLANNED_ANAPHYLAXIS])]), PI, {"product": "gammagard_liquid"}, "prior-severe-reaction"),
    ("two years of age", record(age_years=2, weight_kg=12.4, height_cm=87), PI, {"product": "gammaplex_5"}, "under-2-sorbitol"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "indication", "asked", "code"), [row[1:] for row in CLEARS], ids=[row[0] for row in CLEARS]
)
def test_clears(raw: dict[str, Any], indication: str, asked: dict[str, Any], code: str) -> None:
    made = plan(raw, indication, **asked)

    assert made.status == "planned", [finding for finding in made.findings if finding.severity == "blocks"]
    assert code not in codes(made)


def test_missing_samples_warn_and_name_themselves_so_that_urgent_treatment_is_not_stopped() -> None:
    made = plan(record(labs=..., blood_group=...), CIDP, product="privigen", phase=Phase.LOADING)

    assert made.status == "planned"
    found = {finding.code: finding for finding in made.findings}
    for code, sample in (
        ("creatinine-missing", "creatinine"),
        ("iga-missing", "IgA"),
        ("blood-group-missing", "group"),
    ):
        assert found[code].severity == "warns"
        assert sample in f"{found[code].text} {found[code].remedy}"


def test_not_recorded_is_never_no() -> None:
    """With conditions not recorded, a sorbitol product cannot be cleared of fructose intolerance."""
    made = plan(record(conditions=...), PI, product=_sorbitol())

    assert made.status == "blocked"
    assert "fructose-intolerance-sorbitol-unknown" in codes(made)


def test_a_restriction_known_elsewhere_is_shown() -> None:
    """EU labels contraindicate anti-IgA antibodies as such; a US plan shows that as a warning."""
    made = plan(record(labs=[POSITIVE_ANTI_IGA], conditions=["iga_deficiency"]), PI, product="gammagard_liquid")

    (finding,) = [one for one in made.findings if one.code == "anti-iga"]
    assert finding.severity == "warns"
    assert "EU" in finding.text


def test_an_accepted_finding_stays_visible_with_who_and_why() -> None:
    made = plan(record(weight_kg=170, height_cm=170), PI, product="privigen", accept=("weight-looks-like-pounds",))

    assert made.status == "planned"
    assert "weight-looks-like-pounds" in codes(made)
    assert [(row.code, row.by, row.role) for row in made.accepted] == [
        ("weight-looks-like-pounds", "Synthetic P.", "prescriber")
    ]


def test_the_product_borne_now_comes_first_and_any_other_is_a_switch() -> None:
    raw = record(immunoglobulin_history=[history("panzyga")])

    first = plan(raw, PI)
    other = plan(raw, PI, product="privigen")

    assert first.prescription is not None
    assert first.prescription.product == "panzyga"
    assert "product-switch" in codes(other)
    assert other.infusions[0].pattern == "first"
    assert "product-switch" not in reasons(first, "panzyga")


def test_a_long_gap_returns_to_the_first_ladder() -> None:
    back = plan(record(immunoglobulin_history=[history("panzyga", last="2026-09-01T09:00:00Z")]), PI, product="panzyga")
    regular = plan(record(immunoglobulin_history=[history("panzyga")]), PI, product="panzyga")

    assert "long-gap" in codes(back)
    assert back.infusions[0].pattern == "first"
    assert regular.infusions[0].pattern == "experienced"
    # Six earlier infusions open the label's 14 mg/kg/min; after a gap only 8 for the first (0.6 mL/kg/h per mg/kg/min).
    assert float(regular.infusions[0].max_rate_ml_per_kg_h) == 8.4
    assert float(back.infusions[0].max_rate_ml_per_kg_h) == 4.8


def test_a_reaction_to_the_product_keeps_the_first_ladder() -> None:
    raw = record(
        immunoglobulin_history=[history("panzyga", uneventful_supervised_infusions=5, reactions=[{"kind": "headache"}])]
    )

    made = plan(raw, PI, product="panzyga")

    assert made.infusions[0].pattern == "first"


def test_five_and_ten_percent_are_kept_apart() -> None:
    """0.5 mg/kg/min is 0.6 mL/kg/h at 5 % and 0.3 mL/kg/h at 10 %."""
    five = plan(record(), PI, product="gammaplex_5")
    ten = plan(record(), PI, product="gammaplex_10")

    assert float(five.infusions[0].steps[0].rate_ml_per_kg_h) == 0.6
    assert float(ten.infusions[0].steps[0].rate_ml_per_kg_h) == 0.3
    for made, grams_per_ml in ((five, "0.05"), (ten, "0.1")):
        assert made.infusions[0].total_ml * Decimal(grams_per_ml) == made.infusions[0].dose_g


def test_whole_vials_round_a_guidelines_dose_up_only_when_nothing_fits_below_and_say_so() -> None:
    """0.4 g/kg at 70 kg is 28 g a day: 25 g is 11 % below, so with 5 g vials 30 g (7 % above) is planned off label."""
    made = plan(record(), "guillain-barre-syndrome", product="privigen", off_label="GBS, day 4")

    assert made.status == "planned"
    assert [float(infusion.dose_g) for infusion in made.infusions] == [30.0] * 5
    assert "rounded-above-guideline" in codes(made)


def test_kawasaki_dose_is_given_over_the_hours_its_source_asks_for() -> None:
    labs = [{"test": "creatinine", "value": 0.3, "unit": "mg/dL", "taken_at": "2026-11-20T08:00:00-05:00"}]
    raw = record(age_years=3, weight_kg=15, height_cm=96, labs=labs)

    made = plan(
        raw, "kawasaki-disease", product="gammagard_liquid", off_label="Kawasaki disease, day 6", phase=Phase.COURSE
    )

    assert made.status == "planned"
    assert "ceiling-binds" in codes(made)
    assert made.infusions[0].duration_min >= 10 * 60
