"""The rule vocabulary: complete, three-valued, and each predicate true, false and undecided where it can be."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from ivigil.assessment.screening.circumstances import Circumstances
from ivigil.assessment.screening.decide import _DECIDE, all_of, any_of, decide, negated
from ivigil.knowledge.rules import Predicate
from tests.planning import START, TAKEN, history, opened, patient, record

PREDICATE: TypeAdapter[Any] = TypeAdapter(Predicate)
LATER = "2026-11-22T08:00:00-05:00"


def _about(raw: dict[str, Any], product: str | None = None, dose: str | None = None) -> Circumstances:
    return Circumstances(
        patient=patient(raw),
        at=START,
        region="US",
        long_gap_days=Decimal(56),
        product=opened().product(product) if product else None,
        course_dose_g_per_kg=Decimal(dose) if dose else None,
    )


def test_every_predicate_of_the_vocabulary_is_decided() -> None:
    union = get_args(Predicate)[0]
    assert set(get_args(union)) == set(_DECIDE)


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        (True, True, True, True),
        (True, False, False, True),
        (True, None, None, True),
        (False, False, False, False),
        (False, None, False, None),
        (None, None, None, None),
    ],
)
def test_kleene_logic(left: bool | None, right: bool | None, both: bool | None, either: bool | None) -> None:
    assert (all_of([left, right]), all_of([right, left])) == (both, both)
    assert (any_of([left, right]), any_of([right, left])) == (either, either)
    assert [negated(one) for one in (True, False, None)] == [False, True, None]


REACTED = history("privigen", reactions=[{"kind": "anaphylaxis"}])
PLAN = {"by": "S.", "role": "specialist", "at": TAKEN, "text": "x"}

ROWS: list[tuple[dict[str, Any], Circumstances, bool | None]] = [
    ({"kind": "pregnant"}, _about(record(conditions=["pregnancy"])), True),
    ({"kind": "pregnant"}, _about(record()), False),
    ({"kind": "pregnant"}, _about(record(conditions=...)), None),
    ({"kind": "pregnant"}, _about(record(labs=[{"test": "pregnancy_test", "value": "positive", "taken_at": TAKEN}])), True),
    ({"kind": "pregnant"}, _about(record(labs=[{"test": "pregnancy_test", "value": "negative", "taken_at": TAKEN}])), False),
    ({"kind": "not_recorded", "key": "age"}, _about(record()), False),
    ({"kind": "not_recorded", "key": "age"}, _about(record(age_years=...)), True),
    ({"kind": "not_recorded", "key": "age"}, _about(record(age_years=..., birth_date="1986-01-01")), False),
    ({"kind": "has_condition", "any": ["migraine"]}, _about(record(conditions=["migraine"])), True),
    ({"kind": "has_condition", "any": ["migraine"]}, _about(record()), False),
    ({"kind": "has_condition", "any": ["migraine"]}, _about(record(conditions=...)), None),
    ({"kind": "has_condition", "any": ["migraine"]}, _about(record(conditions=[{"text": "migraine?"}])), True),
    ({"kind": "has_allergy", "any": ["corn"]}, _about(record(allergies=["corn"])), True),
    ({"kind": "has_allergy", "any": ["corn"]}, _about(record(allergies=...)), None),
    ({"kind": "takes", "any": ["oestrogen"]}, _about(record(medicines=["oestrogen"])), True),
    ({"kind": "takes", "any": ["oestrogen"]}, _about(record(medicines=...)), None),
    ({"kind": "lab_below", "test": "iga", "value": 2}, _about(record()), True),
    ({"kind": "lab_below", "test": "iga", "value": Decimal("1.6")}, _about(record()), False),
    ({"kind": "lab_below", "test": "iga", "value": 2}, _about(record(labs=...)), None),
    ({"kind": "lab_above", "test": "creatinine", "value": Decimal("0.7")}, _about(record()), True),
    ({"kind": "lab_above", "test": "creatinine", "value": Decimal("0.8")}, _about(record()), False),
    (
        {"kind": "lab_above", "test": "creatinine", "value": 1},  # the latest counts, whatever the order; 150 umol/L is 1.7 mg/dL
        _about(
            record(
                labs=[
                    {"test": "creatinine", "value": 150, "unit": "umol/L", "taken_at": LATER},
                    {"test": "creatinine", "value": 0.8, "unit": "mg/dL", "taken_at": TAKEN},
                ]
            )
        ),
        True,
    ),
    ({"kind": "lab_positive", "test": "anti_iga"}, _about(record(labs=[{"test": "anti_iga", "value": "positive", "taken_at": TAKEN}])), True),
    ({"kind": "lab_positive", "test": "anti_iga"}, _about(record(labs=[{"test": "anti_iga", "value": "negative", "taken_at": TAKEN}])), False),
    ({"kind": "lab_positive", "test": "anti_iga"}, _about(record()), None),
    ({"kind": "lab_missing", "any": ["egfr", "creatinine"], "within_days": 3}, _about(record()), False),
    ({"kind": "lab_missing", "any": ["egfr", "creatinine"], "within_days": 2}, _about(record()), True),
    ({"kind": "lab_missing", "any": ["egfr"]}, _about(record(labs=...)), True),
    # CKD-EPI 2021, woman of 40 with 0.8 mg/dL: 142 x (0.8/0.7)^-1.2 x 0.9938^40 x 1.012 = 95.5
    ({"kind": "egfr_below", "value": 96}, _about(record()), True),
    ({"kind": "egfr_below", "value": 95}, _about(record()), False),
    ({"kind": "egfr_below", "value": 96}, _about(record(sex=...)), None),
    ({"kind": "egfr_missing"}, _about(record(sex=...)), True),
    ({"kind": "egfr_missing"}, _about(record()), False),
    ({"kind": "age_between", "from_years": 40, "below_years": 41}, _about(record()), True),
    ({"kind": "age_between", "below_years": 40}, _about(record()), False),
    ({"kind": "age_between", "from_years": 65}, _about(record(age_years=...)), None),
    ({"kind": "age_between", "from_years": 2}, _about(record(age_years=..., birth_date="2024-11-23")), True),
    ({"kind": "age_between", "from_years": 2}, _about(record(age_years=..., birth_date="2024-11-24")), False),
    ({"kind": "sex_is", "sex": "female"}, _about(record()), True),
    ({"kind": "sex_is", "sex": "female"}, _about(record(sex=...)), None),
    ({"kind": "blood_group_in", "any": ["A"]}, _about(record(blood_group="A-")), True),
    ({"kind": "blood_group_in", "any": ["A"]}, _about(record(blood_group="AB+")), False),
    ({"kind": "blood_group_in", "any": ["A"]}, _about(record(blood_group=...)), None),
    ({"kind": "glucose_meter_in", "any": ["gdh_pqq"]}, _about(record(glucose_meter="gdh_pqq")), True),
    ({"kind": "glucose_meter_in", "any": ["gdh_pqq"]}, _about(record(glucose_meter=...)), None),
    ({"kind": "access_in", "any": ["port"]}, _about(record(access="port")), True),
    ({"kind": "access_in", "any": ["port"]}, _about(record(access=...)), None),
    ({"kind": "product_contains", "any": ["maltose"]}, _about(record(), "octagam_10"), True),
    ({"kind": "product_contains", "any": ["maltose"]}, _about(record(), "privigen"), False),
    ({"kind": "product_contains", "any": ["maltose"]}, _about(record(), "qivigy"), None),  # its excipients were not read
    ({"kind": "product_route", "route": "sc"}, _about(record(), "hizentra"), True),
    ({"kind": "product_route", "route": "sc"}, _about(record(), "privigen"), False),
    ({"kind": "course_dose_at_least", "g_per_kg": 2}, _about(record(), dose="2"), True),
    ({"kind": "course_dose_at_least", "g_per_kg": 2}, _about(record(), dose="1.99"), False),
    ({"kind": "course_dose_at_least", "g_per_kg": 2}, _about(record()), None),
    ({"kind": "prior_reaction", "any": ["anaphylaxis"]}, _about(record(immunoglobulin_history=[REACTED])), True),
    ({"kind": "prior_reaction", "any": ["anaphylaxis"]}, _about(record()), False),
    ({"kind": "prior_reaction", "any": ["anaphylaxis"]}, _about(record(immunoglobulin_history=...)), None),
    ({"kind": "prior_reaction", "any": ["anaphylaxis"]}, _about(record(immunoglobulin_history=[REACTED, history("panzyga", reactions=...)])), True),
    ({"kind": "prior_reaction", "any": ["headache"]}, _about(record(immunoglobulin_history=[REACTED, history("panzyga", reactions=...)])), None),
    (
        {"kind": "prior_reaction", "any": ["anaphylaxis"], "without_specialist_plan": True},
        _about(record(immunoglobulin_history=[history("privigen", reactions=[{"kind": "anaphylaxis", "specialist_plan": PLAN}])])),
        False,
    ),
    ({"kind": "not_recorded", "key": "height_cm"}, _about(record(height_cm=...)), True),
    ({"kind": "not_recorded", "key": "immunoglobulin_reactions"}, _about(record(immunoglobulin_history=[history("privigen", reactions=...)])), True),
    ({"kind": "not_recorded", "key": "immunoglobulin_reactions"}, _about(record()), False),
    ({"kind": "new_to_product", "any": ["naive"]}, _about(record(), "privigen"), True),
    ({"kind": "new_to_product", "any": ["switch"]}, _about(record(immunoglobulin_history=[history("panzyga")]), "privigen"), True),
    ({"kind": "new_to_product", "any": ["naive", "switch", "gap"]}, _about(record(immunoglobulin_history=[history("privigen")]), "privigen"), False),
    ({"kind": "new_to_product", "any": ["gap"]}, _about(record(immunoglobulin_history=[history("privigen", last="2026-09-28T14:00:00Z")]), "privigen"), False),
    ({"kind": "new_to_product", "any": ["gap"]}, _about(record(immunoglobulin_history=[history("privigen", last="2026-09-27T14:00:00Z")]), "privigen"), True),
    ({"kind": "new_to_product", "any": ["naive"]}, _about(record(immunoglobulin_history=...), "privigen"), None),
    ({"kind": "infused_within_days", "days": 21}, _about(record(immunoglobulin_history=[history("privigen")])), True),
    ({"kind": "infused_within_days", "days": 20}, _about(record(immunoglobulin_history=[history("privigen")])), False),
    ({"kind": "infused_within_days", "days": 21}, _about(record(immunoglobulin_history=...)), None),
    ({"kind": "setting_wish", "any": ["home"]}, _about(record(setting_wish="home")), True),
    ({"kind": "setting_wish", "any": ["home"]}, _about(record()), None),
    ({"kind": "none_of", "of": [{"kind": "sex_is", "sex": "male"}]}, _about(record()), True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("predicate", "about", "expected"), ROWS, ids=[f"{row[0]['kind']}-{row[2]}-{n}" for n, row in enumerate(ROWS)]
)
def test_predicate(predicate: dict[str, Any], about: Circumstances, expected: bool | None) -> None:
    assert decide(PREDICATE.validate_python(predicate), about) is expected


def test_every_predicate_has_a_row() -> None:
    union = get_args(Predicate)[0]
    kinds = {get_args(one.model_fields["kind"].annotation)[0] for one in get_args(union)}
    assert kinds - {row[0]["kind"] for row in ROWS} == {"all_of", "any_of"}  # tested as Kleene logic
