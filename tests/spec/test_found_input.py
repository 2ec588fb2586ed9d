"""Found by an attack on `ivigil plan`: texts that hid a word, ages nobody compared, and values no record can hold."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ivigil.cli.app import run
from ivigil.cli.opening import formulary_of, library_of, parse_json, start_or_now
from ivigil.cli.plan import _typed
from ivigil.errors import BadInput, ImpossibleValue
from ivigil.findings import Finding
from ivigil.knowledge.recognition import words_of
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Plan
from ivigil.prescription.stock import StockRow, read_stock, shelf_of
from ivigil.written import LAST_YEAR, NotReadable, line, moment, number
from tests.planning import START, codes, history, opened, patient, plan, reasons, record

CIDP: dict[str, Any] = {"phase": Phase.LOADING}
ROW = {"product": "gammagard_liquid", "size_g": 10, "lot": "X1", "expires_on": "2027-12-31", "count": 50}


def found(made: Plan, code: str) -> Finding:
    one = [finding for finding in made.findings if finding.code == code]
    assert len(one) == 1, f"{code} is not found once among {sorted(codes(made))}"
    return one[0]


def written(text: str, **values: str) -> object:
    """JSON in which ``"@key"`` stands for a literal that json.dumps would never write."""
    for key, literal in values.items():
        text = text.replace(f'"@{key}"', literal)
    return parse_json(text, "patient")


# ---- 1. a word inside a free text


@pytest.mark.parametrize(
    ("text", "word", "rule", "product"),
    [
        ("hereditary fructose intolerance (HFI)", "hereditary-fructose-intolerance", "fructose-intolerance-sorbitol", "flebogamma_dif_5"),
        ("H.F.I., on a diet", "hereditary-fructose-intolerance", "fructose-intolerance-sorbitol", "flebogamma_dif_5"),
        ("Hyperprolinemia, type I", "hyperprolinaemia", "hyperprolinaemia-proline", "privigen"),
        ("known HYPERPROLINÆMIA", "hyperprolinaemia", "hyperprolinaemia-proline", "privigen"),
    ],
)  # fmt: skip
def test_a_word_inside_a_free_text_restricts_and_is_asked_about(text: str, word: str, rule: str, product: str) -> None:
    made = plan(record(conditions=[{"text": text}]), "primary-immunodeficiency", product=product)

    finding = found(made, f"condition-in-text-{word}")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")
    assert f'"{text}"' in finding.text
    assert "every restriction of that word applies" in finding.text
    assert rule in reasons(made, product)


def test_a_word_that_somebody_says_is_not_meant_counts_no_longer() -> None:
    raw = record(conditions=[{"text": "aunt with hyperprolinemia"}])
    accept = "condition-in-text-hyperprolinaemia"
    made = plan(raw, "primary-immunodeficiency", product="privigen", accept=(accept,))

    assert made.status == "planned"
    assert "accepted as not meant: it does not count" in found(made, accept).text
    assert "hyperprolinaemia-proline" not in reasons(made, "privigen")


def test_a_text_beside_the_word_itself_only_informs() -> None:
    words = ["hyperprolinaemia", {"text": "hyperprolinaemia since birth"}]
    made = plan(record(conditions=words), "primary-immunodeficiency", product="gammagard_liquid")
    assert (made.status, found(made, "condition-in-text-hyperprolinaemia").severity) == ("planned", "informs")


def test_a_denial_beside_the_word_itself_is_asked() -> None:
    words = ["hyperprolinaemia", {"text": "no hyperprolinaemia"}]
    made = plan(record(conditions=words), "primary-immunodeficiency", product="gammagard_liquid")
    assert found(made, "condition-in-text-hyperprolinaemia").severity == "blocks"


def test_an_allergy_among_the_conditions_is_found() -> None:
    made = plan(
        record(conditions=[{"text": "allergic to sorbitol"}]), "primary-immunodeficiency", product="flebogamma_dif_5"
    )

    assert "allergy-in-text-sorbitol" in codes(made)
    assert "excipient-allergy" in reasons(made, "flebogamma_dif_5")


def test_an_allergy_to_a_medicine_is_not_taken_for_taking_it() -> None:
    made = plan(record(allergies=[{"text": "allergic to ibuprofen"}]), "cidp", **CIDP)

    assert "allergy-in-text-nsaid" in codes(made)
    assert "medicine-in-text-nsaid" not in codes(made)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("no history of thrombosis", '"no"'),
        ("family history of DVT", '"family history"'),
        ("?DVT", '"?"'),
        ("suspected pulmonary embolism", '"suspected"'),
        ("DVT ruled out", '"ruled out"'),
    ],
)
def test_a_denial_or_a_doubt_is_shown_and_asked(text: str, doubt: str) -> None:
    made = plan(record(conditions=[{"text": text}]), "cidp", **CIDP)

    finding = found(made, "condition-in-text-previous-thrombosis")
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")
    assert doubt in finding.text
    assert "whether it holds is not certain" in finding.text
    assert "thrombosis-risk" in codes(made)


def test_a_free_text_speaks_for_no_treatment() -> None:
    # The criterion: pregnant, and platelets below 10. In words of the vocabulary it is met; in a free text it is open.
    from ivigil.assessment.report import assess

    low = {"test": "platelets", "value": 5, "unit": "10*9/L", "taken_at": "2026-11-20T08:00:00-05:00"}
    library = library_of(opened(), "itp-pregnancy")
    said = [
        [row.status.value for row in assess(patient(record(conditions=[word], labs=[low])), "US", START, library).criteria if row.computed]
        for word in ("pregnancy", {"text": "pregnant, 12 weeks"})
    ]  # fmt: skip
    assert "met" in said[0]
    assert [before for before, after in zip(*said, strict=True) if before != after] == ["met"]
    assert "not_recorded" in said[1]


def test_an_assessment_shows_what_was_read_in_a_text() -> None:
    from ivigil.assessment.report import assess

    made = assess(patient(record(allergies=[{"text": "IVIG, hives"}])), "US", START, library_of(opened(), "cidp"))
    assert "allergy-in-text-human-immunoglobulin" in {finding.code for finding in made.findings}


@pytest.mark.parametrize(
    ("key", "code"), [("conditions", "condition-not-understood"), ("allergies", "allergy-not-understood")]
)
def test_what_nobody_understands_is_accepted_or_stops(key: str, code: str) -> None:
    raw = record(**{key: [{"text": "kryptonite"}]})
    made = plan(raw, "cidp", product="gammagard_liquid", **CIDP)

    finding = found(made, code)
    assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")
    assert "kryptonite. No rule was applied to it." in finding.text
    assert plan(raw, "cidp", product="gammagard_liquid", accept=(code,), **CIDP).status == "planned"


def test_a_near_miss_is_named() -> None:
    made = plan(record(conditions=[{"text": "herditary fructos intolerance"}]), "cidp", **CIDP)
    assert "Did you mean hereditary_fructose_intolerance?" in (found(made, "condition-not-understood").remedy or "")


def test_a_medicine_that_nobody_understands_is_pointed_out() -> None:
    made = plan(record(medicines=[{"text": "levothyroxine"}]), "cidp", product="gammagard_liquid", **CIDP)
    assert (made.status, found(made, "medicine-not-understood").severity) == ("planned", "warns")


def test_a_severe_kind_in_the_text_of_a_reaction_counts() -> None:
    raw = record(
        immunoglobulin_history=[
            history("gammagard_liquid", reactions=[{"kind": "other", "text": "Anaphylactic shock"}])
        ]
    )
    made = plan(raw, "cidp", product="gammagard_liquid", **CIDP)
    assert {"reaction-in-text-anaphylaxis", "prior-severe-reaction"} <= codes(made)

    answered = plan(raw, "cidp", product="gammagard_liquid", accept=("reaction-in-text-anaphylaxis",), **CIDP)
    assert answered.status == "planned"
    assert "prior-severe-reaction" not in codes(answered)


def test_what_was_read_is_never_input() -> None:
    with pytest.raises(BadInput, match="No such key") as refused:
        patient(record(conditions=[{"text": "like HFI", "found": []}]))
    assert refused.value.where == "conditions[0].found"


def test_words_are_compared_in_one_form() -> None:
    assert words_of("Hæmolyses; Tumours, d'Œdème") == words_of("hemolysis tumor d edeme")
    assert words_of("immobilised") == words_of("immobilized")
    assert words_of("zero\u200bwidth") == words_of("zerowidth")


# ---- 2. an allergy to immunoglobulin


@pytest.mark.parametrize("word", ["IVIG", "immune globulin", "Privigen", "human_immunoglobulin", "gamma globulin"])
def test_an_allergy_to_immunoglobulin_blocks_like_an_earlier_reaction(word: str) -> None:
    finding = found(plan(record(allergies=[word]), "cidp", **CIDP), "immunoglobulin-allergy")
    assert (finding.severity, finding.may_be) == ("blocks", "neither")


@pytest.mark.parametrize("past", [..., [], [history("privigen")], [history("privigen", reactions=...)]])
def test_only_a_recorded_plan_of_a_specialist_opens_the_way(past: Any) -> None:
    made = plan(record(allergies=["IVIG"], immunoglobulin_history=past), "cidp", **CIDP)
    assert "immunoglobulin-allergy" in codes(made)


def test_a_specialists_plan_opens_the_way_after_an_allergy() -> None:
    settled = {"by": "Dr S", "role": "immunologist", "at": "2026-11-10T09:00:00-05:00", "text": "Slow, in hospital."}
    past = [history("gammagard_liquid", reactions=[{"kind": "rash_or_urticaria", "specialist_plan": settled}])]
    made = plan(record(allergies=["IVIG"], immunoglobulin_history=past), "cidp", product="gammagard_liquid", **CIDP)
    assert "immunoglobulin-allergy" not in codes(made)
    assert found(made, "immunoglobulin-allergy-planned").severity == "warns"
    assert made.status == "planned"


def test_every_brand_is_known_as_an_allergy() -> None:
    for product in opened().products:
        brand = product.brand.partition("(")[0]
        made = patient(record(allergies=[{"text": f"reacted to {brand}"}]))
        assert "human_immunoglobulin" in made.in_texts("allergies"), brand


# ---- 3. the condition and the age


@pytest.mark.parametrize(
    ("indication", "age", "asked"),
    [
        ("itp-child", 45, True), ("itp-child", 10, False), ("itp-child", 18, True),
        ("kawasaki-disease", 45, True), ("kawasaki-disease", 3, False),
        ("mis-c", 21, True), ("mis-c", 20, False),
        ("itp-adult", 10, True), ("itp-adult", 15, False),
        ("mmn", 12, True), ("mmn", 45, False),
        ("fnait", 0.1, False), ("fnait", 5, True), ("fnait", 30, False),
        ("cidp", 10, False), ("cidp", 45, False),
    ],
)  # fmt: skip
def test_a_condition_of_another_age_is_asked_about(indication: str, age: float, asked: bool) -> None:
    weight = {0.1: 4, 3: 15, 5: 18, 10: 32, 12: 40, 15: 55}.get(age, 70)
    made = plan(
        record(age_years=age, weight_kg=weight, height_cm=...), indication, phase=Phase.LOADING, off_label="reason"
    )
    assert ("age-unusual-for-condition" in codes(made)) is asked
    if asked:
        finding = found(made, "age-unusual-for-condition")
        assert (made.status, finding.severity, finding.may_be) == ("blocked", "blocks", "overridden")


# ---- 4. values as they are written


@pytest.mark.parametrize("birth", ["0", '"0"', "true", '"1986-02-30"', '"20260101"', '"2026-01-01T00:00:00"', '"\uff11986-01-01"', '"0001-01-01"'])  # fmt: skip
def test_a_birth_date_is_a_date_and_nothing_else(birth: str) -> None:
    raw = record(age_years=...) | {"birth_date": "@birth"}
    with pytest.raises(BadInput, match="A date is written YYYY-MM-DD") as refused:
        read_raw(json.dumps(raw), birth=birth)
    assert refused.value.where == "birth_date"


def read_raw(text: str, **values: str) -> object:
    from ivigil.cli.opening import limits_of
    from ivigil.patient import read_patient

    return read_patient(written(text, **values), limits_of(opened()))


@pytest.mark.parametrize("taken", ["0", '"0"', "1763600000", '"2026-11-20"', '"2026-11-20 08:00:00-05:00"'])
def test_a_time_is_a_time_and_nothing_else(taken: str) -> None:
    raw = record(labs=[{"test": "iga", "value": 1.6, "unit": "g/L", "taken_at": "@taken"}])
    with pytest.raises(BadInput, match="A datetime is ISO 8601") as refused:
        read_raw(json.dumps(raw), taken=taken)
    assert refused.value.where == "labs[0].taken_at"


@pytest.mark.parametrize(
    ("start", "match"),
    [
        ("9999-12-31T23:00:00-05:00", f"lies between 1850 and {LAST_YEAR}"),
        ("2026-11-23T09:00:00-05:17", "ISO 8601"),
        ("2026-11-23T09:00:00+15:00", "more than 14 hours from UTC"),
        ("\uff12026-11-23T09:00:00-05:00", "ISO 8601"),
        ("2026-W48-1T09:00:00-05:00", "ISO 8601"),
        ("2026-11-23T24:00:00-05:00", "exists"),
    ],
)
def test_an_odd_start_is_refused(start: str, match: str) -> None:
    with pytest.raises(BadInput, match=match):
        start_or_now(start)


@pytest.mark.parametrize("key", ["weight_kg", "height_cm", "age_years"])
@pytest.mark.parametrize("literal", ["1e999999999", "1e-999999999", "0e999999999", "1e9", "7" * 40])
def test_a_number_of_no_size_is_refused(key: str, literal: str) -> None:
    with pytest.raises(BadInput, match=r"No number of a record has more than 30 digits, or a size beyond"):
        read_raw(json.dumps(record(**{key: "@size"})), size=literal)


def test_a_count_of_no_size_is_refused_at_once() -> None:
    raw = record(immunoglobulin_history=[history("privigen") | {"infusions": "@many"}])
    with pytest.raises(BadInput, match="a size beyond") as refused:
        read_raw(json.dumps(raw), many="1e9999999")
    assert refused.value.where == "immunoglobulin_history[0].infusions"


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--days", "1_0"), ("--days", "\uff11"), ("--days", "2.0"), ("--interval-days", "2_1"), ("--interval-days", "1e3"),
        ("--dose-g-per-kg", "2_0"), ("--dose-g-per-kg", "\u0662"), ("--dose-g-per-kg", "1e999999999"),
        ("--ceiling-ml-per-h", "1e999999999"), ("--price-per-g", "1e30"),
        ("--interval-days", "99999999"), ("--ceiling-ml-per-h", "99999999"), ("--price-per-g", "99999999"),
        ("--days", "99999999"), ("--dose-g-per-kg", "99999"),
    ],
)  # fmt: skip
def test_an_option_is_written_in_plain_digits_within_its_limits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, text: str
) -> None:
    path = tmp_path / "patient.json"
    path.write_text(json.dumps(record()), "utf-8")
    start = "2026-11-23T09:00:00-05:00"
    arguments = ["plan", str(path), "--indication", "cidp", "--region", "US", "--phase", "loading", "--start", start]

    also = ["--currency", "USD"] if option == "--price-per-g" else []
    assert run([*arguments, "--json", option, text, *also]) == 4
    error = json.loads(capsys.readouterr().err)["error"]
    assert (error["where"], error["value"]) == (option, text)
    assert error["rule"]
    assert error["remedy"]


def test_an_impossible_interval_is_refused_before_anything_is_counted_with_it() -> None:
    with pytest.raises(ImpossibleValue, match="It lies between 1 and 366"):
        plan(record(), "cidp", interval_days=99999999, **CIDP)


def test_a_line_of_a_cohort_is_read_as_strictly() -> None:
    with pytest.raises(BadInput, match="a size beyond"):
        _typed("days", Decimal("1e9999999"))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"size_g": "10"}, "size_g"), ({"size_g": True}, "size_g"), ({"count": True}, "count"), ({"count": "5"}, "count"),
        ({"size_g": Decimal("NaN")}, "size_g"), ({"count": Decimal("1e9999999")}, "count"),
        ({"expires_on": 0}, "expires_on"), ({"expires_on": "0"}, "expires_on"),
        ({"expires_on": "2027-01-01T00:00:00"}, "expires_on"), ({"lot": "  "}, "lot"), ({"lot": "\x1b[2J"}, "lot"),
        ({"lot": "x" * 41}, "lot"),
    ],
)  # fmt: skip
def test_a_row_of_stock_is_not_repaired(change: dict[str, Any], where: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_stock([ROW | change], ("gammagard_liquid",))
    assert refused.value.where == f"stock[0].{where}"


# ---- 5. one lot, spelled in two ways


@pytest.mark.parametrize("other", ["x1", "X1 ", " x 1"])
def test_lots_that_differ_only_in_case_or_blanks_are_one(other: str) -> None:
    rows = [ROW, ROW | {"lot": other, "size_g": 20, "status": "recalled"}]
    with pytest.raises(BadInput, match="Lots that differ only in case or blanks are one lot"):
        read_stock(rows, ("gammagard_liquid",))


def test_a_recall_finds_its_lot_whatever_the_spelling() -> None:
    rows = [
        StockRow.model_validate(ROW),
        StockRow.model_validate(ROW | {"lot": "x1 ", "size_g": 20, "status": "recalled"}),
    ]
    assert shelf_of(rows, "gammagard_liquid", START.date()) == {}


# ---- 6. an unknown history is a first infusion


def test_an_unknown_history_is_treated_and_told_as_a_first_infusion() -> None:
    made = plan(
        record(immunoglobulin_history=...), "cidp", product="gammagard_liquid", accept=("history-missing",), **CIDP
    )
    assert made.status == "planned"
    finding = found(made, "first-infusion-unknown")
    assert finding.severity == "warns"
    assert "this counts as the first" in finding.text
    assert {infusion.pattern for infusion in made.infusions} == {"first"}
    assert made.prescription is not None
    assert made.prescription.setting == "hospital"


# ---- 7. a hostile visitor


@pytest.mark.parametrize("text", ["\x1b[2Jplanned", "a\u202eb", "a\n✓ planned", "a\u200bb", "a\x00", "a\ud800"])
@pytest.mark.parametrize("where", ["conditions[0].text", "conditions[0]"])
def test_a_text_holds_nothing_that_a_screen_would_obey(where: str, text: str) -> None:
    entry = {"text": text} if where.endswith("text") else text
    with pytest.raises(BadInput, match="only characters that can be seen") as refused:
        read_raw(json.dumps(record(conditions=[entry])))
    assert refused.value.where == where
    assert str(refused.value).isprintable()
    json.dumps(refused.value.as_json(), ensure_ascii=False).encode()


def test_a_key_is_shown_without_its_escape_sequences() -> None:
    with pytest.raises(BadInput) as refused:
        read_raw(json.dumps(record() | {"\x1b[2J": 1}))
    assert refused.value.where == "\\u001b[2J"


def test_a_huge_text_is_refused_and_shown_short() -> None:
    with pytest.raises(BadInput, match="at most 2000 characters") as refused:
        read_raw(json.dumps(record(conditions=[{"text": "x " * 1_000_000}])))
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("option", ["off_label", "region"])
def test_an_option_is_shown_as_it_is(option: str) -> None:
    with pytest.raises(BadInput, match="only characters that can be seen"):
        plan(record(), "cidp", **(CIDP | {option: "\x1b[2J"}))


@pytest.mark.parametrize("born", [{"birth_date": "2020-01-01", "age_years": ...}, {"age_years": 5}])
def test_nobody_is_infused_before_birth(born: dict[str, Any]) -> None:
    past = [history("gammagard_liquid", last="2010-01-01T00:00:00+00:00")]
    with pytest.raises(BadInput, match="Nobody is infused before birth"):
        plan(record(weight_kg=18, height_cm=110, immunoglobulin_history=past, **born), "cidp", **CIDP)


@pytest.mark.parametrize("value", [True, "70", None, [], {}])
def test_only_a_number_is_a_number(value: object) -> None:
    with pytest.raises(NotReadable):
        number(value)


def test_what_is_written_well_is_read() -> None:
    assert number(Decimal("0.05")) == Decimal("0.05")
    assert moment("2026-11-23T09:00:00-05:00") == START
    assert moment("2026-11-23T14:00Z") == START
    assert line("Müller–Kühne, 7 µg") == "Müller–Kühne, 7 µg"
    assert formulary_of(opened(), "itp-child").indication.ages["children"].holds(Decimal(17))
