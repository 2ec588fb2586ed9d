"""Writes the generated parts of the reference; ``--check`` only says whether they are up to date.

Run by ``make docs``; a test runs the check, so what is committed is what the code says.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import get_args

from ivigil.assessment.ask import Answer
from ivigil.assessment.report import Assessment, counts
from ivigil.infusion.events import Data, Event, EventType
from ivigil.infusion.pack import Pack
from ivigil.infusion.report import SessionReport
from ivigil.infusion.workflow import BARS, HAPPENED, Phase
from ivigil.knowledge.loading import Knowledge
from ivigil.patient import CHOICES, Patient, ProductHistory, Reaction, SpecialistPlan
from ivigil.prescription.plan import Plan, Signature
from ivigil.prescription.regimen_search import Advice
from ivigil.prescription.stock import StockRow
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan

REFERENCE = Path(__file__).parent / "reference"
SESSIONS = REFERENCE.parent.parent / "examples" / "infusion"

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


def infusion_page(knowledge: Knowledge) -> str:
    """The two tables of a session and its events; the examples are those of the example sessions."""
    rows = knowledge.protocol("ivigil").bars
    lines = [
        "# The tables of a session",
        "",
        "<!-- written by docs/build.py -->",
        "",
        "## May I?",
        "",
        "An action is permitted while none of its rows holds. One without rows is permitted always.",
        "",
        "| action | not while | is | because | then |",
        "|---|---|---|---|---|",
    ]
    for action, bars in BARS.items():
        if not bars:
            lines.append(f"| `{action.value}` | | | always permitted | |")
        for bar in bars:
            values = ", ".join(f"`{value}`" for value in sorted(one.value for one in bar.values))
            why = rows[bar.code]
            lines.append(f"| `{action.value}` | `{bar.field}` | {values} | {why.text} | {why.remedy} |")
    lines += [
        "",
        "## It happened",
        "",
        "Every report is accepted in every phase. Where it leads to another phase, that stands here; `·` means that it stays.",
        "",
        f"| report | {' | '.join(f'in `{phase.value}`' for phase in Phase)} |",
        f"|---|{'---|' * len(Phase)}",
    ]
    for kind in EventType:
        leads = [HAPPENED[phase, kind] for phase in Phase]
        told = ["·" if to is phase else f"`{to.value}`" for to, phase in zip(leads, Phase, strict=True)]
        lines.append(f"| `{kind.value}` | {' | '.join(told)} |")
    lines += ["", "## The events", "", "Each example is a line's `type` and `data` from `examples/infusion`."]
    examples = _example_events()
    for model in get_args(get_args(Data)[0]):
        kind = get_args(model.model_fields["type"].annotation)[0]
        keys = [
            f"`{name}`{'' if field.is_required() else ' (may be left out)'}"
            for name, field in model.model_fields.items()
            if name != "type"
        ]
        said = " ".join((model.__doc__ or "").split())
        lines += ["", f"### {kind.value}", "", said, "", f"`data` holds: {', '.join(keys) or 'nothing'}.", ""]
        lines.append(f"    {json.dumps(examples[kind.value], ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _example_events() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for path in sorted(SESSIONS.glob("*.ndjson")):
        for line in path.read_text("utf-8").splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # the torn line of the example
                continue
            found.setdefault(event["type"], {"type": event["type"], "data": event["data"]})
    return found


def event_schema() -> str:
    """An event as it is sent: ``data`` holds no type of its own, the event's type says which data it holds."""
    schema = Event.model_json_schema(mode="serialization", by_alias=True)
    rows = []
    for name, part in schema["$defs"].items():
        said = part.get("properties", {}).get("type", {})
        if "const" in said:
            del part["properties"]["type"]
            part["required"].remove("type")
            of_type = {"properties": {"type": {"const": said["const"]}}}
            rows.append({"if": of_type, "then": {"properties": {"data": {"$ref": f"#/$defs/{name}"}}}})
    schema["properties"]["data"] = {"type": "object"}
    return _written(schema | {"allOf": rows})


def _schema(model: type) -> str:
    return _written(model.model_json_schema(mode="serialization", by_alias=True))  # type: ignore[attr-defined]


def _written(schema: dict[str, object]) -> str:
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
        REFERENCE / "infusion-tables.md": infusion_page(knowledge),
        REFERENCE / "event.schema.json": event_schema(),
        REFERENCE / "pack.schema.json": _schema(Pack),
        REFERENCE / "session-report.schema.json": _schema(SessionReport),
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
