"""Found when a prescriber, a frightened patient and a reader of sheets tried issue 3: each was wrong or missing before."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from ivigil.assessment.ask import NOT_IN_BASE, Answer, Ground, ask
from ivigil.assessment.report import Assessment, assess
from ivigil.cli.app import run
from ivigil.cli.opening import ground_of, library_of
from ivigil.findings import Finding
from tests.planning import START, TAKEN, WELL, history, opened, patient, record


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
        ("I think I am having an allergic reaction", "hives"),
        ("she is not making any sense since the drip", "confusion"),
        ("his eyes rolled back and he is jerking", "confusion"),
        ("cannot feel my left arm", "A weak or numb side"),
        ("my calf hurts and is warm", "A swollen, warm or painful arm or leg"),
        ("throwing up and my neck is stiff", "A very bad headache"),
        ("mi niño está azul", "blue lips"),
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


@pytest.mark.parametrize(
    ("question", "indication"),
    [
        ("tengo inmunodeficiencia primaria, ¿qué es la inmunoglobulina?", "primary-immunodeficiency"),
        ("mi hermana tiene púrpura trombocitopénica inmune", "itp-adult"),
        ("neuropatía motora multifocal", "mmn"),
        ("polineuropatía desmielinizante inflamatoria crónica", "cidp"),
        ("miastenia desde hace años", "mg-maintenance"),
        ("dermatomiositis", "dermatomyositis-adult"),
        ("síndrome de Guillain-Barré", "guillain-barre-syndrome"),
    ],
)
def test_the_commonest_conditions_are_known_by_their_spanish_names(question: str, indication: str) -> None:
    assert ids(question)[0] == indication


# ---- assess: what waits for the product or the dose, and what is certain without them


def assessed(indication: str = "cidp", region: str = "US", **changes: Any) -> Assessment:
    return assess(patient(record(**changes)), region, START, library_of(opened(), indication))


def found(code: str, made: Assessment) -> Finding | None:
    return next((one for one in made.findings if one.code == code), None)


def lab(test: str, value: float, unit: str, taken_at: str = TAKEN) -> dict[str, Any]:
    return {"test": test, "value": value, "unit": unit, "taken_at": taken_at}


def test_a_patient_never_treated_is_told_of_the_first_infusion_and_its_samples_before_a_product_is_chosen() -> None:
    first, samples = found("first-infusion", assessed()), found("baseline-tests", assessed())

    assert first is not None
    assert first.severity == "warns"
    assert samples is not None
    assert samples.remedy is not None
    assert "BEFORE the first dose take blood count, ABO group" in samples.remedy


def test_a_patient_treated_before_is_not_told_of_a_first_infusion() -> None:
    made = assessed(immunoglobulin_history=[history("privigen")])

    assert found("first-infusion", made) is None
    assert found("baseline-tests", made) is None


@pytest.mark.parametrize(
    ("changes", "code", "severity", "says"),
    [
        (
            {"blood_group": "A+"},
            "blood-group-high-dose",
            "informs",
            "after 36 to 96 hours and again after 5 to 10 days",
        ),
        (
            {"conditions": ["diabetes_mellitus"], "glucose_meter": "gdh_pqq"},
            "glucose-meter-maltose",
            "warns",
            "Change the meter to a glucose-specific method",
        ),
        (
            {"conditions": ["diabetes_mellitus"], "glucose_meter": ...},
            "diabetes-maltose-meter-unknown",
            "warns",
            "Record the meter's chemistry",
        ),
        (
            {"conditions": ["hereditary_fructose_intolerance"]},
            "fructose-intolerance-sorbitol",
            "warns",
            "Choose a product without sorbitol.",
        ),
    ],
)
def test_what_waits_for_the_product_or_the_dose_is_told_as_possible(
    changes: dict[str, Any], code: str, severity: str, says: str
) -> None:
    one = found(f"{code}-possible", assessed(**changes))

    assert one is not None
    assert one.severity == severity
    assert one.text.startswith("Possible with this patient, once product and dose are chosen: ")
    assert says in (one.remedy or "")
    assert one.sources


@pytest.mark.parametrize(
    "code", ["blood-group-high-dose", "glucose-meter-maltose", "fructose-intolerance-sorbitol", "maltose-product"]
)
def test_what_the_patient_excludes_or_nobody_has_a_part_in_is_not_told(code: str) -> None:
    assert found(f"{code}-possible", assessed()) is None


# ---- assess: risk factors of thrombosis, counted


def test_risk_factors_of_thrombosis_are_counted_and_named_each_once() -> None:
    one = found(
        "thrombosis-factors",
        assessed(
            age_years=70,
            conditions=["hypertension", "smoking", "diabetes_mellitus"],
            medicines=["oestrogen"],
            access="port",
        ),
    )

    assert one is not None
    assert one.text == (
        "Risk factors of thrombosis in the record: 6 (age from 65 years; diabetes mellitus; hypertension; smoking; oestrogen; port)."
        " A clot can come without any."
    )
    assert "safety/gammagard_boxed" in one.sources


def test_no_factor_is_counted_as_none_and_what_was_not_looked_at_is_named() -> None:
    none, unread = (
        found("thrombosis-factors", assessed()),
        found("thrombosis-factors", assessed(medicines=..., access=...)),
    )

    assert none is not None
    assert none.text == "Risk factors of thrombosis in the record: 0. A clot can come without any."
    assert unread is not None
    assert unread.text.endswith("Not recorded, so not counted: medicines, access.")


# ---- assess: two values of one sample that disagree


@pytest.mark.parametrize("hours", ["08:00", "07:00", "09:00"])
def test_of_two_values_of_one_day_the_lower_egfr_counts(hours: str) -> None:
    # Woman of 40, 3 mg/dL: 142 x (3/0.7)^-1.2 x 0.9938^40 x 1.012 = 142 x 0.1744 x 0.7798 x 1.012 = 19.5.
    made = assessed(
        labs=[
            lab("egfr", 80, "mL/min/1.73m2"),
            lab("creatinine", 3, "mg/dL", f"2026-11-20T{hours}:00-05:00"),
            *(one for one in WELL["labs"] if one["test"] != "creatinine"),
        ]
    )
    one = found("egfr", made)

    assert one is not None
    assert one.text.startswith("eGFR 20 mL/min/1.73 m² (CKD-EPI 2021: creatinine 3 mg/dL")
    assert ("recorded 80 of the same day; the lower counts" in one.text) == (hours != "09:00")
    assert found("renal-impairment", made) is not None


# ---- assess: no label read is not "not licensed"


def test_a_region_without_labels_says_so() -> None:
    assert assessed(region="EU").labelled_note == (
        "No label of EU is in the knowledge base: that nothing stands here says nothing of what is licensed there."
    )
    assert assessed("guillain-barre-syndrome").labelled_note.startswith("None of the ")
    assert assessed().labelled_note == ""


# ---- assess: alternatives


def option(made: Assessment, therapy: str) -> dict[str, tuple[str, ...]]:
    one = next(one for one in made.alternatives if one.therapy == therapy)
    return {part: tuple(line.text for line in lines) for part, lines in one.lines.items()}


def test_subcutaneous_immunoglobulin_comes_with_the_factor_of_each_label_that_names_the_condition() -> None:
    said = option(assessed("primary-immunodeficiency"), "scig")["conversion"]

    assert "US label of Hizentra: 1.37 times the weekly intravenous dose to start with." in said
    assert "US label of Cuvitru: 1.3 times the weekly intravenous dose to start with." in said
    assert "US label of HyQvia: 1 times the weekly intravenous dose to start with." in said


def test_where_a_label_prints_grams_per_kg_they_stand_instead() -> None:
    said = option(assessed("cidp"), "scig")["conversion"]

    assert any(one.startswith("US label of Hizentra: 0.2 g/kg (1 mL/kg) a week") for one in said)
    assert not any("Hizentra: 1.37" in one for one in said)


@pytest.mark.parametrize(("indication", "region"), [("itp-adult", "US"), ("primary-immunodeficiency", "EU")])
def test_no_factor_is_borrowed_from_another_condition_or_region(indication: str, region: str) -> None:
    assert "conversion" not in option(assessed(indication, region), "scig")


def test_no_alternatives_held_is_not_called_none() -> None:
    made = assessed("nmosd")

    assert made.alternatives == ()
    assert made.alternatives_note.startswith("No alternatives in the knowledge base")
    assert assessed("cidp").alternatives_note == ""
