"""Questions as people ask them: emergencies first, denials last, and words that only look like an abbreviation."""

from __future__ import annotations

from functools import cache

import pytest

from ivigil.assessment.ask import Answer, Ground, ask
from ivigil.knowledge.leaflet import leaflet_facts
from tests.planning import opened


@cache
def ground() -> Ground:
    known = opened()
    return Ground(
        known.indications,
        known.studies,
        known.vocabulary.medicines,
        known.ask_words,
        known.source,
        known.alternatives,
        known.therapies,
        leaflet_facts(known),
    )


def asked(question: str) -> Answer:
    return ask(question, ground())


@pytest.mark.parametrize(
    ("question", "sign"),
    [
        ("I can't breathe during my infusion", "Hard to breathe"),
        ("I can\u2019t breathe", "Hard to breathe"),
        ("my throat is swelling after the drip", "Hard to breathe"),
        ("chest pain during ivig", "Chest pain"),
        ("I have ITP and I can't breathe during my infusion", "Hard to breathe"),
        ("my husband's speech is slurred, slurred speech since this morning", "A weak or numb side"),
        ("terrible headache and a stiff neck after IVIG", "A very bad headache"),
    ],
)
def test_a_sign_that_needs_help_at_once_is_answered_first(question: str, sign: str) -> None:
    found = asked(question).emergency
    assert found is not None
    assert "tell your nurse at once" in found.text
    assert any(one.startswith(sign) for one in found.signs)
    assert found.numbers["US"] == "911"
    assert set(found.sources) <= set(asked(question).sources)


@pytest.mark.parametrize(
    "question", ["What is the dose in CIDP?", "Is ITP licensed?", "football", "breathing exercises"]
)
def test_an_ordinary_question_raises_no_alarm(question: str) -> None:
    assert asked(question).emergency is None


@pytest.mark.parametrize(
    ("question", "first", "denied"),
    [
        ("patient without myasthenia gravis, has CIDP", "cidp", "mg-maintenance"),
        ("CIDP was ruled out, it's MMN", "mmn", "cidp"),
        ("no CIDP but MMN", "mmn", "cidp"),
        ("family history of ITP, now has CIDP", "cidp", "itp-adult"),
    ],
)
def test_what_a_question_denies_is_named_last_and_why(question: str, first: str, denied: str) -> None:
    rows = asked(question).matches
    assert rows[0].indication == first
    assert "denies" not in rows[0].why
    row = next(one for one in rows if one.indication == denied)
    assert "which the question denies" in row.why
    assert rows.index(row) > 0


@pytest.mark.parametrize("question", ["IVIG not approved for CIDP", "no response in CIDP", "not sure if it is CIDP"])
def test_a_small_word_further_off_denies_nothing(question: str) -> None:
    assert asked(question).matches[0].indication == "cidp"
    assert "denies" not in asked(question).matches[0].why


@pytest.mark.parametrize("question", ["panda bears", "my infusion is at 2 PM", "appointment 3 PM tomorrow"])
def test_an_animal_and_an_hour_are_no_abbreviation(question: str) -> None:
    assert asked(question).matches == ()
