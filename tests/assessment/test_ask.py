"""Recognising conditions in free words: terms show why, typing errors are borne, and what is out of scope stays out."""

from __future__ import annotations

import json

import pytest

from ivigil.assessment.ask import NOT_IN_BASE, Answer, Ground, ask
from ivigil.cli.app import run
from ivigil.cli.opening import ground_of
from tests.planning import opened


def _ground() -> Ground:
    return ground_of(opened())


def _ids(question: str) -> list[str]:
    return [match.indication for match in ask(question, _ground()).matches]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("IVIG for CIDP?", "cidp"),
        ("guillan bare syndrome after flu", "guillain-barre-syndrome"),
        ("kawasaki diseese in a toddler", "kawasaki-disease"),
        ("what about G61.0", "guillain-barre-syndrome"),
        ("my platelets are low", "itp-adult"),
        ("my son has ITP", "itp-child"),
        ("pregnant with low platelets", "itp-pregnancy"),
        ("HIT after surgery", "hit"),
        ("stiff person", "stiff-person-syndrome"),
    ],
)
def test_the_condition_meant_comes_first(question: str, first: str) -> None:
    assert _ids(question)[0] == first


def test_several_conditions_and_the_medicines_are_all_found() -> None:
    answer = ask("scleroderma with lung fibrosis, overlap myositis, Raynaud's; on CellCept and prednisone", _ground())

    found = {match.indication for match in answer.matches}
    assert {"systemic-sclerosis", "polymyositis", "raynaud"} <= found
    assert set(answer.medicines) == {"antimetabolite_immunosuppressant", "corticosteroid"}


@pytest.mark.parametrize(
    "question",
    [
        "weather tomorrow",
        "I had a hit on the head",
        "lots of pots in my kitchen",
        "plain dermatitis on my elbow",
        "muscle ache after gym",
        "ten days of cough",
    ],
)
def test_what_is_out_of_scope_gets_no_match(question: str) -> None:
    answer = ask(question, _ground())

    assert (answer.matches, answer.guidelines, answer.studies) == ((), (), ())
    assert answer.note == NOT_IN_BASE


def test_every_statement_has_a_source_or_says_that_it_was_not_verified() -> None:
    for one in opened().indications:
        answer: Answer = ask(one.name, _ground())
        for said in (*answer.guidelines, *answer.studies):
            assert said.sources or not said.verified
            assert set(said.sources) <= set(answer.sources)


def test_every_condition_is_found_by_its_own_name() -> None:
    missed = [one.id for one in opened().indications if one.id not in _ids(one.name)[:3]]

    assert not missed


def test_experimental_and_unsupported_uses_are_called_so() -> None:
    assert {match.status for match in ask("autism", _ground()).matches} == {"not_supported"}
    assert "investigational" in {match.status for match in ask("systemic sclerosis", _ground()).matches}


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "CIDP", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["matches"][0] == {
        "indication": "cidp",
        "name": "Chronic inflammatory demyelinating polyneuropathy",
        "score": 100.0,
        "why": "“CIDP”",
        "status": "fda_approved",
    }
    assert "does not advise a person" in answer["disclaimer"]
    assert run(["ask", "   ", "--json"]) == 2


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("multifocal motor neuropathy", "steroid"),
        ("adult ITP", "subcutaneous"),
    ],
)
def test_what_to_mind_names_what_is_wrong_beside_immunoglobulin(question: str, said: str) -> None:
    answer = ask(question, _ground())
    assert any(said in one.text.casefold() for one in answer.cautions)
    assert all(one.sources or not one.verified for one in answer.cautions)
    assert {name for one in answer.cautions for name in one.sources} <= set(answer.sources)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("stiff person syndromes", "stiff-person-syndrome"),
        ("small fiber neuropathy", "small-fibre-neuropathy"),
        ("autoimmune hemolytic anemia", "autoimmune-haemolytic-anaemia"),
    ],
)
def test_one_spelling_is_as_good_as_the_other(question: str, found: str) -> None:
    assert found in [match.indication for match in ask(question, _ground()).matches]
