"""Controls on the facts: what nobody read never permits, and a site's own facts are signed, and bound to what they replace."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ivigil.cli.opening import formulary_of
from ivigil.errors import BadKnowledge
from ivigil.findings import Finding, Severity
from ivigil.knowledge.facts import Concentration
from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.overlay import fact_hash, read_replacements, value_at
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.permission import Need, permitted
from ivigil.prescription.plan import Plan
from ivigil.sources import Origin, Read, Source, SourceKind
from tests.planning import codes, opened, plan, record

SOURCES = {
    "us": Source(id="us", title="US label", publisher="p", kind=SourceKind.LABEL, region="US", revision="4/2026"),
    "eu": Source(id="eu", title="EU label", publisher="p", kind=SourceKind.LABEL, region="EU", revision="4/2026"),
    "copy": Source(id="copy", title="Copy", publisher="p", kind=SourceKind.LABEL_COPY, region="US", revision="2017"),
}


def strength(src: str, read: Read, origin: Origin = Origin.REPORTED) -> Concentration:
    return Concentration(g_per_ml=Decimal("0.1"), src=(src,), read=read, origin=origin, note="A note.")


def asked(fact: Concentration | None) -> Finding | None:
    return permitted(Need("concentration", "concentration", fact), "US", SOURCES.__getitem__)


def found(made: Plan, code: str) -> Finding:
    all_of_it = [finding for finding in made.findings if finding.code == code]
    assert len(all_of_it) == 1, f"{code} is not found once among {sorted(codes(made))}"
    return all_of_it[0]


# ---- the rule of direction


def test_a_fact_read_on_the_label_permits() -> None:
    assert asked(strength("us", Read.LABEL)) is None


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (None, "knowledge base"),
        (strength("us", Read.NOT_READ), "label"),
        (strength("us", Read.SECONDARY), "second-hand"),
    ],
    ids=["absent", "not-read", "second-hand"],
)
def test_a_fact_nobody_read_never_permits(fact: Concentration | None, why: str) -> None:
    finding = asked(fact)

    assert finding is not None
    assert (finding.code, finding.severity, finding.may_be) == ("concentration-not-read", "blocks", "neither")
    assert why in finding.text
    assert finding.remedy is not None
    assert "signed by two people" in finding.remedy


def test_an_assumed_fact_never_permits() -> None:
    finding = asked(strength("us", Read.LABEL, Origin.ASSUMED))

    assert finding is not None
    assert (finding.code, finding.may_be) == ("concentration-not-read", "neither")


def test_a_foreign_label_never_permits() -> None:
    finding = asked(strength("eu", Read.LABEL))

    assert finding is not None
    assert (finding.severity, finding.may_be) == ("blocks", "neither")
    assert "no US label was read for it" in finding.text


def test_a_copy_of_a_label_is_told_with_its_date() -> None:
    finding = asked(strength("copy", Read.LABEL))

    assert finding is not None
    assert (finding.code, finding.severity) == ("read-on-copy", "warns")
    assert "Copy (2017)" in finding.text


def test_a_fact_is_never_better_than_it_claims() -> None:
    # It cites a label, and says that it was read on a copy of it.
    finding = asked(strength("us", Read.LABEL_COPY))

    assert finding is not None
    assert finding.code == "read-on-copy"


@pytest.mark.parametrize("what", ["vials", "start-rate", "max-rate", "dose"])
def test_a_sister_products_facts_never_dose(what: str) -> None:
    # Gammaked's doses and rates were read for Gamunex-C only.
    made = plan(record(), "cidp", product="gammaked", phase=Phase.LOADING)

    finding = found(made, f"{what}-not-read")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "neither")


def test_a_restriction_nobody_verified_applies_and_says_so() -> None:
    made = plan(record(allergies=["sorbitol"]), "primary-immunodeficiency", product="flebogamma_dif_10")

    finding = found(made, "excipient-allergy")
    assert (finding.severity, finding.verified) == ("blocks", False)
    assert "not verified on a label; it applies all the same" in finding.text


# ---- a site's overlay

#: The hash of no fact there is now.
OLDER = "sha256:" + 64 * "0"
PATH = 'labels.US.uses.CIDP.rates."10".max'
SLOWER: dict[str, Any] = {"mg_per_kg_min": 6, "src": "privigen/L2", "origin": "reported", "read": "label"}


def row(fact: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    signed = {
        "path": PATH,
        "base": fact_hash(value_at(opened().raw("products", "privigen"), PATH)),
        "by": ["A. Pharmacist", "B. Prescriber"],
        "on": "2026-11-01",
        "label_revision": "10/2026",
        "fact": SLOWER if fact is None else fact,
    }
    return signed | changes


def laid(folder: Path, one: dict[str, Any]) -> Plan:
    """The CIDP loading plan with one replacement laid over Privigen."""
    (folder / "products").mkdir()
    facts = ", ".join(f"{key} = {json.dumps(value)}" for key, value in one["fact"].items())
    lines = [f"{key} = {json.dumps(one[key])}" for key in ("path", "base", "by", "label_revision")]
    text = "\n".join(["[[replace]]", *lines, f"on = {one['on']}", f"fact = {{ {facts} }}", ""])
    (folder / "products" / "privigen.toml").write_text(text, "utf-8")
    return plan(
        record(), "cidp", facts=formulary_of(Knowledge(folder), "cidp"), product="privigen", phase=Phase.LOADING
    )


def test_a_fact_signed_by_two_is_used(tmp_path: Path) -> None:
    made = laid(tmp_path, row())

    assert made.status == "planned", codes(made)
    assert made.infusions[0].max_rate_ml_per_kg_h == Decimal("3.6")  # 6 x 60 / 100


def test_a_stale_fact_is_not_used_and_stops_the_plan(tmp_path: Path) -> None:
    made = laid(tmp_path, row(base=OLDER))

    finding = found(made, "overlay-waiting")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "neither")
    assert PATH in finding.text
    assert "waits to be confirmed again" in finding.text


def test_a_replacement_is_bound_to_the_fact_it_replaces() -> None:
    from ivigil.knowledge.overlay import lay_over

    raw = opened().raw("products", "privigen")
    stale = read_replacements({"replace": [row(base=OLDER)]}, "products/privigen.toml")
    result, waiting = lay_over(raw, stale, "products/privigen.toml")

    assert [one.path for one in waiting] == [PATH]
    assert result == raw


@pytest.mark.parametrize("by", [["A. Pharmacist"], ["A. Pharmacist", "a. pharmacist "], ["A. Pharmacist", " "]])
def test_one_person_cannot_change_a_rate(by: list[str]) -> None:
    with pytest.raises(BadKnowledge, match="This fact needs 2 different people"):
        read_replacements({"replace": [row(by=by)]}, "products/privigen.toml")


def test_one_person_cannot_change_a_rate_inside_a_larger_table() -> None:
    label = {"region": "US", "revision": "10/2026", "uses": {}}
    with pytest.raises(BadKnowledge, match="This fact needs 2 different people"):
        read_replacements({"replace": [row(label, path="labels.US", by=["A. Pharmacist"])]}, "products/privigen.toml")


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("policy/rate.toml", "at_risk_fraction"),
        ("screening/contraindications.toml", "rules.hyperprolinaemia-proline"),
        ("vocabulary/labs.toml", "creatinine"),
    ],
)
def test_one_person_cannot_change_a_threshold_or_a_unit(file: str, path: str) -> None:
    with pytest.raises(BadKnowledge, match="This fact needs 2 different people"):
        read_replacements({"replace": [row({"value": 1}, path=path, by=["A. Pharmacist"])]}, file)


def test_every_shipped_rule_that_blocks_says_what_to_do(knowledge: Knowledge) -> None:
    blocking = {code: rule for code, rule in knowledge.rules.items() if rule.severity is Severity.BLOCKS}

    assert len(blocking) > 15
    assert [code for code, rule in blocking.items() if not rule.remedy.strip()] == []
