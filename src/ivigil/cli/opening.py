"""What only an edge may touch: the environment, the clock and files. Rules get values."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from ivigil import __version__, written
from ivigil.assessment.report import Library
from ivigil.assessment.screening import Rules
from ivigil.errors import BadInput, BadKnowledge, UsageError
from ivigil.knowledge.loading import LARGEST_FILE, Knowledge
from ivigil.patient import Limits
from ivigil.prescription.request import Formulary
from ivigil.sources import MadeWith

if TYPE_CHECKING:
    from ivigil.assessment.ask import Ground
    from ivigil.knowledge.kinetic_models import KineticModel

T = TypeVar("T", bound=BaseModel)

OVERLAY, REGION = "IVIGIL_KNOWLEDGE", "IVIGIL_REGION"
QUARTER_MIN = 15
LARGEST_INPUT = 50_000_000
#: What some editors put before the text of a UTF-8 file.
BYTE_ORDER_MARK = "\ufeff"


def open_knowledge() -> Knowledge:
    """The shipped facts, with the overlay folder of ``IVIGIL_KNOWLEDGE`` if that is set and holds no error.

    The shipped facts are checked by the tests, so that without an overlay nothing is checked here.

    Raises:
        BadKnowledge: the first error of ``ivigil knowledge check``; an overlay with any makes no plan.
    """
    knowledge = open_to_look()
    if knowledge.overlay_fingerprint is not None:
        from ivigil.cli.chair_protocol import every_check
        from ivigil.knowledge.checks import Weight

        wrong = [row for row in every_check(knowledge, today()) if row.severity is Weight.ERROR]
        if wrong:
            more = f" Errors in all: {len(wrong)}." if len(wrong) > 1 else ""
            raise BadKnowledge(
                wrong[0].where,
                None,
                f"{wrong[0].message} Facts with an error make no plan.{more}",
                f"{wrong[0].remedy} `ivigil knowledge check` lists every error.",
            )
    return knowledge


def open_to_look() -> Knowledge:
    """The same facts without the check: to show them and to say what is wrong, never to plan with."""
    folder = os.environ.get(OVERLAY)
    return Knowledge(Path(folder) if folder else None)


def today() -> date:
    """The day at the place that is furthest ahead: a signature of today is of today everywhere."""
    return (datetime.now(UTC) + timedelta(hours=14)).date()


def region_or_refuse(asked: str | None) -> str:
    """The region asked for, else of ``IVIGIL_REGION``; never a silent default."""
    region = asked or os.environ.get(REGION)
    if not region or not region.strip():
        raise UsageError("--region", asked, "A label belongs to a region.", f"Give --region US, or set {REGION}.")
    return region.strip().upper()


def limits_of(knowledge: Knowledge) -> Limits:
    """What a patient record is read against."""
    policies = knowledge.policies
    return Limits(
        knowledge.vocabulary,
        policies.plausibility,
        knowledge.product_ids,
        policies.free_text,
        policies.acceptance.specialist_plan_roles.items,
    )


def formulary_of(knowledge: Knowledge, indication: str) -> Formulary:
    """The facts a plan for one condition is made from."""
    products, condition, policies = knowledge.products, knowledge.indication(indication), knowledge.policies
    return Formulary(
        products=products,
        indication=condition,
        rules=Rules.of(knowledge.rules),
        policies=policies,
        vocabulary=knowledge.vocabulary,
        source_of=knowledge.source,
        waiting=knowledge.all_waiting(),
        made_with=made_with(knowledge),
    )


def library_of(knowledge: Knowledge, indication: str) -> Library:
    """The facts an assessment of one condition is made from."""
    return Library(
        indication=knowledge.indication(indication),
        products=knowledge.products,
        rules=Rules.of(knowledge.rules),
        policies=knowledge.policies,
        vocabulary=knowledge.vocabulary,
        alternatives=knowledge.alternatives,
        therapies=knowledge.therapies,
        studies=knowledge.studies,
        source_of=knowledge.source,
        made_with=made_with(knowledge),
    )


def ground_of(knowledge: Knowledge) -> Ground:
    """What questions in free words are put to."""
    from ivigil.assessment.ask import Ground
    from ivigil.assessment.signs import Reactions
    from ivigil.knowledge.leaflet import leaflet_facts

    policies = knowledge.policies
    staff = {**policies.monitoring.statements, **policies.first_lines.statements}
    return Ground(
        indications=knowledge.indications,
        studies=knowledge.studies,
        medicines=knowledge.vocabulary.medicines,
        words=knowledge.ask_words,
        source_of=knowledge.source,
        reactions=Reactions(knowledge.ask_signs, leaflet_facts(knowledge), staff),
        free_text=policies.free_text,
        alternatives=knowledge.alternatives,
        therapies=knowledge.therapies,
    )


def made_with(knowledge: Knowledge) -> MadeWith:
    """Version and fingerprints, for every result."""
    return MadeWith(ivigil=__version__, knowledge=knowledge.fingerprint, overlay=knowledge.overlay_fingerprint)


def open_model(knowledge: Knowledge, name_or_path: str) -> KineticModel:
    """A kinetic model by its id, or the user's own by its file: what ends in ``.toml`` or names a folder is a file.

    A model of the user's own has ``model.own`` (file name and sha256); ``ivigil.kinetics.catalogue.provenance`` says so.

    Raises:
        UnknownName: no shipped model has this id.
        BadKnowledge: the file cannot be read or breaks a rule that models keep.
    """
    from ivigil.knowledge.own_model import SUFFIX, read_own_model

    file = Path(name_or_path)
    if file.suffix != SUFFIX and file.name == name_or_path:
        return knowledge.kinetic_model(name_or_path)
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise BadKnowledge(name_or_path, None, "No model is this large.", "Name the TOML file of one model.")
        content = file.read_bytes()
    except OSError as problem:
        raise BadKnowledge(
            name_or_path, None, "A model of your own is a file that can be read.", f"Check the path: {problem}."
        ) from problem
    return read_own_model(name_or_path, content, knowledge)


def start_or_now(asked: str | None, name: str = "--start") -> tuple[datetime, bool]:
    """The moment asked for, or the next quarter of an hour from now; the flag says that it was the clock's."""
    if asked is None:
        now = datetime.now().astimezone()
        step = timedelta(minutes=QUARTER_MIN - now.minute % QUARTER_MIN)
        return (now + step).replace(second=0, microsecond=0), True
    try:
        return written.moment(asked), False
    except written.NotReadable as problem:
        raise BadInput(name, asked, problem.rule, problem.remedy) from problem


def read_json(path: str, what: str) -> object:
    """JSON from a file or, for ``-``, from standard input; numbers stay exact."""
    if not path.strip():
        raise BadInput(what, path, "The name of a file is missing.", "Name the file, or give - for standard input.")
    try:
        text = sys.stdin.read(LARGEST_INPUT + 1) if path == "-" else _text_of(path)
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(
            what, path, "The file must exist and hold UTF-8 text.", f"Check the path: {problem}."
        ) from problem
    if len(text) > LARGEST_INPUT:
        raise BadInput(what, path, f"No record fills {LARGEST_INPUT} characters.", "Name the file of one record.")
    return parse_json(text, what)


def _text_of(path: str) -> str:
    """As much of a file as any record fills: a device gives zeros without an end."""
    with Path(path).open(encoding="utf-8") as stream:
        return stream.read(LARGEST_INPUT + 1)


def read_model(model: type[T], path: str, what: str) -> T:
    """A record that ivigil itself wrote, from a file or, for ``-``, from standard input."""
    return as_model(model, read_json(path, what), what)


def as_model(model: type[T], raw: object, what: str) -> T:
    """A record that ivigil itself wrote, from its JSON."""
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = f"{what}: {'.'.join(map(str, first['loc']))}"
        raise BadInput(
            where, str(first["input"])[:80], f"{first['msg']}.", "Use a file that ivigil wrote."
        ) from problem


def parse_json(text: str, what: str) -> object:
    """JSON with exact numbers; a key given twice is refused, NaN and Infinity are left for the record's own check to name."""
    try:
        return json.loads(
            text, parse_float=_exact, parse_int=_exact, parse_constant=Decimal, object_pairs_hook=_each_once
        )
    except json.JSONDecodeError as problem:
        if text.startswith(BYTE_ORDER_MARK):
            raise BadInput(
                what,
                "a byte order mark",
                "JSON begins with its first brace or bracket, after no hidden sign.",
                "Save it as UTF-8 without a byte order mark (BOM).",
            ) from problem
        raise BadInput(
            what, f"line {problem.lineno}, column {problem.colno}", "This is not JSON.", f"Mend it: {problem.msg}."
        ) from problem
    except RecursionError as problem:
        raise BadInput(what, "nested too deeply", "A record is flat.", "Remove the nesting.") from problem


def _exact(text: str) -> Decimal:
    """A number of a file, exactly; one that no decimal can hold is refused here, before anybody counts with it."""
    try:
        return Decimal(text)
    except InvalidOperation as problem:
        raise BadInput(
            "number",
            text[:40],
            "No number is that large or that small.",
            "Correct it; leave the key out if it is not recorded.",
        ) from problem


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise BadInput(key, "twice", "A key stands once in a record.", "Remove the one that is wrong.")
        found[key] = value
    return found
