"""What else could be done, when it is wrong, and how immunoglobulin may work: typed by hand from the facts."""

from __future__ import annotations

import json

import pytest

from ivigil.assessment.mechanism import explain_mechanism
from ivigil.assessment.report import Assessment, assess
from ivigil.cli.app import run
from ivigil.cli.opening import library_of
from tests.planning import START, opened, patient, record


def _assessed(indication: str) -> Assessment:
    return assess(patient(record()), "US", START, library_of(opened(), indication))


def _said(made: Assessment, therapy: str, part: str) -> str:
    return " ".join(
        line.text for one in made.alternatives if one.therapy == therapy for line in one.lines.get(part, ())
    )


@pytest.mark.parametrize(
    ("indication", "therapy", "part", "words"),
    [
        (
            "mmn",
            "corticosteroids",
            "wrong_when",
            "",
        ),  # steroids make MMN worse (alternatives.yaml, mmn; modalities.corticosteroids)
        ("itp-adult", "scig", "wrong_when", "subcutaneous"),  # Gamunex-C label: not under the skin in ITP
        ("cidp", "tpe", "evidence", ""),
        ("primary-immunodeficiency", "scig", "evidence", ""),
    ],
)
def test_an_alternative_and_when_it_is_wrong(indication: str, therapy: str, part: str, words: str) -> None:
    said = _said(_assessed(indication), therapy, part)

    assert said
    assert words in said


def test_plasma_exchange_and_fcrn_blockers_are_pointless_in_replacement() -> None:
    said = " ".join(line.text for line in _assessed("primary-immunodeficiency").alternatives_notes)

    assert "IgG" in said
    assert "exchange" in said.casefold()


def test_a_condition_without_researched_alternatives_shows_none() -> None:
    assert _assessed("autism").alternatives == ()


def test_every_mechanism_has_findings_what_speaks_against_it_or_what_is_unknown_with_sources() -> None:
    made = explain_mechanism(opened().mechanisms, None, opened().source)

    assert len(made.mechanisms) == 8  # efficacy.yaml lists eight
    for one in made.mechanisms:
        assert one.findings
        assert one.against or one.unknown
        assert all(line.sources or line.basis != "source" for line in (*one.findings, *one.against))


def test_what_concerns_the_condition_comes_first() -> None:
    made = explain_mechanism(opened().mechanisms, "itp-adult", opened().source)

    concerns = ["itp-adult" in one.concerns for one in made.mechanisms]
    assert any(concerns)
    assert concerns == sorted(concerns, reverse=True)


def test_the_command_refuses_a_condition_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "mechanism", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["mechanisms"]) == 8
    assert run(["explain", "mechanism", "--indication", "nothing", "--json"]) == 4
