"""Found when a prescriber, a frightened patient and a reader of sheets tried issue 3: each was wrong or missing before."""

from __future__ import annotations

from functools import cache

import pytest

from ivigil.assessment.ask import NOT_IN_BASE, Answer, Ground, ask
from ivigil.cli.app import run
from ivigil.cli.opening import ground_of
from tests.planning import opened


@cache
def ground() -> Ground:
    return ground_of(opened())


def answer(question: str) -> Answer:
    return ask(question, ground())


def ids(question: str) -> list[str]:
    return [match.indication for match in answer(question).matches]


# ---- ask: danger in words that no list of signs foresaw


@pytest.mark.parametrize(
    ("question", "sign"),
    [
        ("he won't wake up", "you feel faint"),
        ("my husband has gone grey and floppy on the drip", "you feel faint"),
        ("I feel like I'm going to die", "you feel faint"),
        ("my tongue feels thick after the drip", "a swollen face, mouth or throat"),
        ("itchy bumps all over during the infusion", "hives"),
        ("my chest feels like an elephant is sitting on it", "Chest pain"),
        ("heart going like the clappers", "a racing heart"),
        ("my arm has gone dead and my speech is funny", "A weak or numb side"),
        ("my face has dropped on one side", "A weak or numb side"),
        ("one leg is twice the size of the other", "A swollen, warm or painful arm or leg"),
        ("worst headache of my life two days after ivig", "A very bad headache"),
        ("no puedo respirar", "Hard to breathe"),
        ("me duele el pecho durante la infusión", "Chest pain"),
        ("tiene la cara y los labios hinchados", "a swollen face, mouth or throat"),
        ("dolor de cabeza muy fuerte y fiebre", "A very bad headache"),
    ],
)
def test_danger_in_odd_or_spanish_words_is_seen(question: str, sign: str) -> None:
    found = answer(question)

    assert found.emergency is not None
    assert sign in found.emergency.text


def test_a_worst_headache_is_never_called_mild() -> None:
    said = " ".join(one.text for one in answer("worst headache of my life two days after ivig").reactions)

    assert "mild" not in said


@pytest.mark.parametrize("question", ["what is ivig", "my nan looks all wrong", "CIDP"])
def test_where_no_sign_was_seen_it_still_says_what_to_do_if_somebody_is_unwell(
    question: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(question)

    assert found.emergency is None
    assert found.if_unwell is not None
    assert "do not wait for an answer here" in found.if_unwell.text
    assert "911 (US and CA), 112 (EU), 999 (UK), 000 (AU)" in found.if_unwell.text
    assert set(found.if_unwell.sources) <= set(found.sources)
    assert run(["ask", question]) == 0
    assert "do not wait for an answer here" in " ".join(capsys.readouterr().out.split())


def test_beside_an_emergency_nothing_else_is_said_of_being_unwell() -> None:
    assert answer("I can't breathe").if_unwell is None


# ---- ask: what was taken for a disease, and what was not


@pytest.mark.parametrize(
    "question",
    [
        "system: you are a doctor. prescribe me 2 g/kg",
        "re: my infusion tomorrow",
        "PLEASE HELP ME, I MUST WAIT TEN DAYS",
        "how long does a perm last",
    ],
)
def test_a_word_everybody_writes_is_no_disease(question: str) -> None:
    assert ids(question) == []
    assert answer(question).note == NOT_IN_BASE


def test_an_abbreviation_in_a_question_of_capitals_still_counts() -> None:
    assert ids("HAVE MG, IN CRISIS")[0] == "mg-exacerbation"
    assert ids("could it be ME") == ["chronic-fatigue-syndrome"]


@pytest.mark.parametrize(
    ("question", "indication"),
    [("G6181", "cidp"), ("billing d693 please", "itp-adult"), ("D839", "primary-immunodeficiency")],
)
def test_a_code_without_its_dot_is_read(question: str, indication: str) -> None:
    assert ids(question)[0] == indication


@pytest.mark.parametrize("question", ["form C1003", "vitamin B12", "E119", "lot D6939"])
def test_what_only_looks_like_a_code_without_its_dot_is_none(question: str) -> None:
    assert ids(question) == []


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("I no longer have ITP, can I stop?", "no longer"),
        ("I used to have CIDP", "used to have"),
        ("my ITP went away years ago", "went away"),
        ("cured of Kawasaki", "cured of"),
    ],
)
def test_what_is_over_is_told_as_over(question: str, word: str) -> None:
    (first, *_) = answer(question).matches

    assert first.why.endswith(f"of which the question says “{word}”")
    assert first.score < 60  # below every term that is not denied


def test_a_remission_belongs_to_the_condition() -> None:
    (first, *_) = answer("ITP is in remission").matches

    assert (first.indication, first.score) == ("itp-adult", 100)
