"""Writes the generated parts of the reference; ``--check`` only says whether they are up to date.

Run by ``make docs``; a test runs the check, so what is committed is what the code says.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ivigil.assessment.ask import Answer
from ivigil.assessment.report import Assessment, counts
from ivigil.knowledge.loading import Knowledge
from ivigil.patient import CHOICES, Patient, ProductHistory, Reaction, SpecialistPlan
from ivigil.prescription.plan import Plan, Signature
from ivigil.prescription.regimen_search import Advice
from ivigil.prescription.stock import StockRow
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan

REFERENCE = Path(__file__).parent / "reference"

MEANING: dict[str, str] = {
    "ref": "Opaque reference, 1 to 64 printable characters. Required. Never a name, never a number that identifies.",
    "synthetic": "true for an invented patient; shown on every sheet.",
    "sex": "Recorded sex, for ideal body weight.",
    "birth_date": "YYYY-MM-DD. Give this or `age_years`, never both.",
    "age_years": "Age in years; a fraction for infants (0.5).",
    "weight_kg": "Body weight in kilograms. Comes with `weight_measured_on`.",
    "weight_measured_on": "YYYY-MM-DD; an old weight is pointed out.",
    "height_cm": "Height in centimetres.",
    "blood_group": "ABO group, with or without the Rhesus sign.",
    "glucose_meter": "Chemistry of the meter; `none` if the patient uses none.",
    "access": "Venous access.",
    "setting_wish": "Where the patient wishes to be infused.",
    "conditions": 'List of words from the vocabulary below, or `{"text": "..."}` (see there).',
    "allergies": "Likewise.",
    "medicines": "Likewise; classes or names.",
    "labs": "List of `{test, value, unit, taken_at}`; qualitative tests take `positive` or `negative` and no unit.",
    "immunoglobulin_history": "One entry for each product ever given; an empty list means never.",
}


def patient_page(knowledge: Knowledge) -> str:
    words = knowledge.vocabulary
    lines = [
        "# The patient record",
        "",
        "<!-- written by docs/build.py -->",
        "",
        "One JSON object. **An absent key means not recorded; an empty list means none.** Nothing is repaired: an unknown",
        "key, a number in quotes, a time without an offset or an impossible value is refused with what to write instead.",
        "A value that is possible but unlikely must be confirmed by somebody who checked. Dates are written `2026-11-20`,",
        "times `2026-11-20T08:00:00-05:00`; texts stand on one line and hold no hidden characters.",
        "",
        "| key | holds |",
        "|---|---|",
    ]
    for name in Patient.model_fields:
        choices = f" One of: {', '.join(f'`{one}`' for one in CHOICES[name])}." if name in CHOICES else ""
        lines.append(f"| `{name}` | {MEANING[name]}{choices} |")
    lines += ["", "## An entry of `immunoglobulin_history`", "", "| key | |", "|---|---|"]
    for model, title in (
        (ProductHistory, ""),
        (Reaction, "reactions[]."),
        (SpecialistPlan, "reactions[].specialist_plan."),
    ):
        for name, field in model.model_fields.items():
            lines.append(f"| `{title}{name}` | {'required' if field.is_required() else 'optional'} |")
    lines += [
        "",
        "`reactions` absent means that nobody recorded whether there were any, and stops the plan; `[]` means none.",
        "`rate_borne_ml_per_kg_h` is the highest rate borne without symptoms, and caps a plan only after a reaction; times carry an offset.",
        "",
        "## Tests",
        "",
        "| test | name | units | possible | likely (else confirmed) |",
        "|---|---|---|---|---|",
    ]
    for code, test in words.labs.items():
        if test.qualitative:
            lines.append(f"| `{code}` | {test.name} | positive, negative | | |")
            continue
        units = ", ".join(f"`{unit}`" for unit in (test.unit, *test.units))
        possible, likely = (
            f"{pair[0]} to {pair[1]} {test.unit}" if pair else "" for pair in (test.possible, test.likely)
        )
        lines.append(f"| `{code}` | {test.name} | {units} | {possible} | {likely} |")
    lines += [
        "",
        "## Free text",
        "",
        "A text is searched for the words below, whatever its case, accents, punctuation, plural or spelling (British or",
        "American). A word found in it restricts like the word itself and stops the plan until the record says the word",
        "(`condition-in-text-…`, `allergy-in-text-…`, `medicine-in-text-…`, `reaction-in-text-…`) or somebody accepts that it",
        'is not meant. A denial, a doubt or a relative in the text ("no", "?", "family history") is shown with it and decides',
        "nothing. A condition or allergy in which no word is found stops the plan until somebody accepts it",
        "(`condition-not-understood`, `allergy-not-understood`); such a medicine is pointed out.",
    ]
    for title, terms in (
        ("Conditions", words.conditions),
        ("Allergies", words.allergies),
        ("Medicines", words.medicines),
        ("Reactions", words.reactions),
    ):
        lines += ["", f"## {title}", "", "| word | name | also written |", "|---|---|---|"]
        lines += [
            f"| `{code}` | {term.name} | {', '.join((*term.also, *term.brands))} |" for code, term in terms.items()
        ]
    return "\n".join(lines) + "\n"


def conditions_page(knowledge: Knowledge) -> str:
    tally = counts(knowledge.indications)
    lines = [
        "# The conditions",
        "",
        "<!-- written by docs/build.py -->",
        "",
        f"{len(knowledge.indications)} conditions. Criteria: {tally['computed']} with at least one that is computed from the record,",
        f"{tally['asked']} with criteria that are only asked, {tally['none']} with none in the knowledge base.",
        "",
        "| id | name | stands | guidelines | regimens in figures | criteria |",
        "|---|---|---|---|---|---|",
    ]
    for one in knowledge.indications:
        rows = one.eligibility.values()
        computed = sum(row.when is not None for row in rows)
        criteria = f"{computed} computed, {len(rows) - computed} asked" if rows else "none"
        figures = sum(regimen.g_per_kg_max is not None for regimen in one.regimens.values())
        lines.append(
            f"| `{one.id}` | {one.name} | {one.status_group.value.replace('_', ' ')} | {len(one.positions)} | {figures} | {criteria} |"
        )
    return "\n".join(lines) + "\n"


def _schema(model: type) -> str:
    schema = model.model_json_schema(mode="serialization", by_alias=True)  # type: ignore[attr-defined]
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def pages() -> dict[Path, str]:
    knowledge = Knowledge()
    return {
        REFERENCE / "patient.md": patient_page(knowledge),
        REFERENCE / "patient.schema.json": _schema(Patient),
        REFERENCE / "plan.schema.json": _schema(Plan),
        REFERENCE / "start-plan.schema.json": _schema(SubcutaneousPlan),
        REFERENCE / "assessment.schema.json": _schema(Assessment),
        REFERENCE / "answer.schema.json": _schema(Answer),
        REFERENCE / "forecast.schema.json": _schema(Advice),
        REFERENCE / "conditions.md": conditions_page(knowledge),
        REFERENCE / "signature.schema.json": _schema(Signature),
        REFERENCE / "stock.schema.json": _schema(StockRow),
    }


def main(arguments: list[str]) -> int:
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path}: not up to date; run `make docs`")
        return 1 if stale else 0
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    print(f"{len(stale)} page(s) written anew, {len(pages()) - len(stale)} unchanged")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
