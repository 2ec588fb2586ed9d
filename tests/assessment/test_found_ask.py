"""What a prescriber and a patient found in ``ivigil ask``: emergencies, denials, hours and units, causes, codes, names."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path

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


def why(question: str, indication: str) -> str:
    return next(match.why for match in answer(question).matches if match.indication == indication)


# ---- an emergency comes first


@pytest.mark.parametrize(
    ("question", "sign"),
    [
        ("I can't breathe during my infusion", "Hard to breathe"),
        ("I cant breath, drip is running", "Hard to breathe"),
        ("short of breath after Privigen", "Hard to breathe"),
        ("I have ITP and I can’t breathe during my infusion", "Hard to breathe"),
        ("my throat is swelling after the drip", "a swollen face, mouth or throat"),
        ("my husband fainted on his IVIG", "you feel faint"),
        ("chest pain during ivig", "Chest pain"),
        ("my heart is racing since the drip started", "a racing heart"),
        ("left side went numb after IVIG", "A weak or numb side"),
        ("calf is swollen two days after IVIG", "A swollen, warm or painful arm or leg"),
        ("headache stiff neck after IVIG", "A very bad headache with a stiff neck"),
        ("I am struggling for air", "Hard to breathe"),
        ("my baby turned blue during infusion", "blue lips"),
        ("seizure after IVIG", "confusion"),
        ("sweling of the toungue, my lips are swolen", "a swollen face, mouth or throat"),
    ],
)
def test_a_sign_that_needs_help_at_once_is_answered_with_what_to_do(question: str, sign: str) -> None:
    found = answer(question)

    assert found.emergency is not None
    assert found.emergency.text.startswith(
        "This may be an emergency. Stop the infusion and tell your nurse at once, however small it seems. "
        "If no nurse is with you, or the infusion is over, call the emergency number: 911 ("
    )
    assert sign in found.emergency.text
    assert "999 (" in found.emergency.text
    assert {"safety/nhsborders", "safety/bcsh2012"} <= set(found.emergency.sources) <= set(found.sources)
    assert found.note == ""


def test_the_advice_stands_before_any_evidence_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "I have ITP and I can't breathe during my infusion"]) == 0
    shown = " ".join(capsys.readouterr().out.split())

    assert shown.startswith("This may be an emergency. Stop the infusion")
    assert shown.index("tell your nurse at once") < shown.index("Immune thrombocytopenia in adults")
    assert "What guidelines say" in shown


def test_the_json_holds_the_emergency_or_null(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "chest pain during ivig", "--json"]) == 0
    held = json.loads(capsys.readouterr().out)["emergency"]
    assert set(held) == {"text", "sources"}
    assert run(["ask", "CIDP", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["emergency"] is None


def test_a_denied_sign_is_still_answered() -> None:
    assert answer("no chest pain so far, what dose in CIDP").emergency is not None


@pytest.mark.parametrize("name", ["questions_tuning"])
def test_questions_about_a_disease_raise_no_alarm(name: str) -> None:
    rows = tomllib.loads((Path(__file__).parent.parent / "ask" / f"{name}.toml").read_text("utf-8"))["question"]
    assert [row["text"] for row in rows if answer(row["text"]).emergency is not None] == []


def test_every_sign_of_the_leaflet_is_understood_in_its_own_words() -> None:
    signs = ground().reactions.leaflet.signs
    words = ground().reactions.words
    assert set(words.help_at_once) == set(signs.help_at_once)
    assert set(words.same_day) == set(signs.same_day)
    assert set(words.often) <= set(signs.often)
    for one in signs.help_at_once.values():
        found = answer(one.text).emergency
        assert found is not None
        assert one.text in found.text
    for one in signs.same_day.values():
        assert any(one.text in said.text for said in answer(one.text).reactions)
    every = [*words.help_at_once.values(), words.during, *words.same_day.values(), *words.often.values()]
    staff = [name for one in every for name in one.staff]
    assert set(staff) <= set(ground().reactions.staff)


def test_the_first_aid_of_staff_stands_beside_the_advice() -> None:
    said = [one.text for one in answer("hives and wheezing on IVIG").reactions]
    assert any(text.startswith("For staff: Anaphylaxis, or doubt: adrenaline") for text in said)


def test_a_late_sign_is_answered_with_what_the_facts_hold() -> None:
    found = answer("dark urine after IVIG")
    said = [one.text for one in found.reactions]
    assert said[0].startswith("Call your team the same day: Dark or very little urine")
    assert any("for 10 days" in text for text in said)
    assert any("haemoglobin is checked before, 36 to 96 hours after" in text for text in said)
    assert (found.emergency, found.note) == (None, "")


@pytest.mark.parametrize("question", ["I feel dizzy and itchy during the infusion", "my lips are tingling on the drip"])
def test_whatever_is_felt_while_it_runs_is_told_to_the_nurse_at_once(question: str) -> None:
    said = [one.text for one in answer(question).reactions]
    assert said[0].startswith("During the infusion, tell your nurse at once if you feel unwell in any way.")
    assert any(text.startswith("For staff: Any reaction: stop or pause the infusion") for text in said)


def test_nothing_is_called_mild_beside_an_emergency() -> None:
    assert any("mild" in one.text for one in answer("headache after my infusion").reactions)
    assert not any("mild and goes away" in one.text for one in answer("headache and stiff neck after IVIG").reactions)


# ---- denied, doubted, somebody else's


@pytest.mark.parametrize(
    ("question", "order", "word"),
    [
        ("patient without myasthenia gravis, has CIDP", ["cidp", "mg-exacerbation", "mg-maintenance"], "without"),
        ("CIDP was ruled out, it's MMN", ["mmn", "cidp"], "ruled out"),
        ("not CIDP but MMN", ["mmn", "cidp"], "not"),
        ("stiff person syndrome; no CIDP, GBS or MMN", ["stiff-person-syndrome", "cidp", "guillain-barre-syndrome", "mmn"], "no"),
        ("CIDP and GBS were excluded, MMN likely", ["mmn", "cidp", "guillain-barre-syndrome"], "excluded"),
        ("CIDP, mother has MMN", ["cidp", "mmn"], "mother"),
    ],
)  # fmt: skip
def test_a_denied_term_comes_last_and_says_so(question: str, order: list[str], word: str) -> None:
    assert ids(question) == order
    assert why(question, order[0]).endswith("”")
    assert "of which" not in why(question, order[0])
    assert why(question, order[-1]).endswith(f"of which the question says “{word}”")


@pytest.mark.parametrize(
    ("question", "indication", "word"),
    [
        ("no myasthenia, but ptosis", "mg-maintenance", "no"),
        ("myasthenia gravis excluded", "mg-maintenance", "excluded"),
        ("rule out Kawasaki disease", "kawasaki-disease", "rule out"),
        ("rule out incomplete Kawasaki disease", "kawasaki-disease", "rule out"),
        ("family history of ITP", "itp-adult", "family history"),
        ("ITP in my father", "itp-adult", "father"),
        ("I don't have CIDP", "cidp", "not"),
        ("suspected GBS", "guillain-barre-syndrome", "suspected"),
    ],
)
def test_a_term_that_is_only_denied_never_counts_in_full(question: str, indication: str, word: str) -> None:
    match = next(one for one in answer(question).matches if one.indication == indication)
    assert match.score < 60
    assert match.why.endswith(f"of which the question says “{word}”")


@pytest.mark.parametrize(
    ("question", "indication"),
    [
        ("does CIDP not respond to IVIG", "cidp"),
        ("no response to steroids in CIDP", "cidp"),
        ("AChR negative myasthenia gravis", "mg-maintenance"),
        ("HIV-negative ITP", "itp-adult"),
        ("my son has ITP", "itp-child"),
        ("I was born without antibodies", "primary-immunodeficiency"),
        ("CIDP and suspected GBS", "cidp"),
    ],
)
def test_a_denial_of_something_else_leaves_the_term_alone(question: str, indication: str) -> None:
    assert "of which" not in why(question, indication)


def test_a_term_denied_once_and_said_once_counts() -> None:
    assert "of which" not in why("not CIDP in 2019, now CIDP", "cidp")


# ---- capitals, hours and units


@pytest.mark.parametrize(
    "question", ["panda bears", "my infusion is at 2 PM", "appointment 3 PM tomorrow", "3:30 PM", "give 20 MG", "5 MS"]
)
def test_an_hour_a_unit_or_an_animal_is_no_disease(question: str) -> None:
    found = answer(question)
    assert (found.matches, found.note) == ((), NOT_IN_BASE)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("PM with lung disease", "polymyositis"),
        ("MG", "mg-exacerbation"),
        ("MG on pyridostigmine stable, maintenance IVIG", "mg-maintenance"),
        ("MG, now intubated", "mg-exacerbation"),
        ("MS relapse in pregnancy", "ms-rrms-short-term"),
        ("I take 20 mg prednisone for MS", "ms-rrms-short-term"),
    ],
)
def test_an_abbreviation_in_capitals_is_one(question: str, first: str) -> None:
    assert ids(question)[0] == first


def test_milligrams_are_no_myasthenia() -> None:
    assert ids("prednisone 20 mg") == []


# ---- what a sign comes from


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("rituximab low immunoglobulins", "secondary-immunodeficiency-b-cell-depletion"),
        ("my IgG is low since rituximab", "secondary-immunodeficiency-b-cell-depletion"),
        ("myeloma low IgG", "secondary-immunodeficiency-myeloma"),
        ("CLL with recurrent pneumonia low IgG", "secondary-immunodeficiency-cll"),
        ("low platelets after heparin", "hit"),
        ("newborn with low platelets", "fnait"),
        ("my body makes low antibodies", "primary-immunodeficiency"),
        ("my platelets are low", "itp-adult"),
    ],
)
def test_the_cause_that_is_named_comes_before_the_general_sign(question: str, first: str) -> None:
    assert ids(question)[0] == first


def test_a_blood_cancer_means_both_secondary_deficiencies_before_the_primary_one() -> None:
    assert ids("blood cancer low antibodies") == [
        "secondary-immunodeficiency-cll",
        "secondary-immunodeficiency-myeloma",
        "primary-immunodeficiency",
    ]


@pytest.mark.parametrize("question", ["IgM paraprotein neuropathy", "anti-MAG neuropathy", "MAG antibodies and tremor"])
def test_igm_neuropathy_is_shown_as_not_supported_with_the_guideline_against(question: str) -> None:
    found = answer(question)
    assert [(one.indication, one.status) for one in found.matches] == [("igm-paraprotein-neuropathy", "not_supported")]
    against = next(one for one in found.guidelines if "Advises against IVIG" in one.text)
    assert (against.sources, against.verified) == (("conditions/aanem",), True)


# ---- codes and names


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("G70", ["mg-exacerbation", "mg-maintenance", "lems"]),
        ("G70.0", ["mg-exacerbation", "mg-maintenance"]),
        ("C90.0", ["secondary-immunodeficiency-myeloma"]),
        ("M33.1", ["dermatomyositis-adult"]),
        ("D59.1", ["autoimmune-haemolytic-anaemia"]),
        ("D75.82", ["hit"]),
        ("T86.1", ["solid-organ-transplant-amr-desensitisation"]),
        ("Z94.0", ["solid-organ-transplant-amr-desensitisation"]),
        ("O36.82", ["fnait"]),
        ("D69.31", ["itp-adult", "itp-child", "itp-pregnancy"]),
        ("B12", []),
    ],
)
def test_a_code_stands_for_those_under_it_or_the_nearest_above(code: str, found: list[str]) -> None:
    assert ids(code) == found


def test_a_code_says_as_what_it_was_read() -> None:
    assert why("G70.0", "mg-maintenance") == "ICD-10 G70.0, as G70.00"
    assert why("G61.0", "guillain-barre-syndrome") == "ICD-10 G61.0"


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("Churg-Strauss", "anca-vasculitis"),
        ("Wiskott-Aldrich", "primary-immunodeficiency"),
        ("hyper IgM", "primary-immunodeficiency"),
        ("chronic lymphoid leukaemia", "secondary-immunodeficiency-cll"),
        ("bubble boy", "primary-immunodeficiency"),
        ("tics after strep throat", "pandas-pans"),
    ],
)
def test_other_names_of_a_condition(question: str, first: str) -> None:
    assert ids(question)[0] == first


# ---- another treatment


def test_a_treatment_that_is_named_is_answered_with_what_is_held_on_it() -> None:
    found = answer("efgartigimod")
    said = [one.text for one in found.treatments]
    assert "FcRn blockers: No live vaccines while IgG is lowered." in said
    assert any("Vyvgart Hytrulo" in text for text in said)
    assert found.note == ""
    assert {name for one in found.treatments for name in one.sources} <= set(found.sources)


def test_beside_a_condition_only_its_own_experience_with_the_treatment_is_told() -> None:
    said = [one.text for one in answer("efgartigimod in CIDP").treatments]
    assert any("ADHERE" in text for text in said)
    assert not any("myasthenia" in text.casefold() for text in said)
