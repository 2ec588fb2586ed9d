"""The patient as the rules see one: frozen, validated, and with "not recorded" kept apart from "none".

An absent key means *not recorded*; an empty list means *none*. Nothing is repaired: a value that cannot be is refused
with what to write instead, a value that is unlikely is left for the screening rules to ask about. All keys, units and
words are listed in ``docs/reference/patient.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from ivigil import written
from ivigil.errors import BadInput, ImpossibleValue, UnknownName
from ivigil.knowledge.policies import FreeTextPolicy, PlausibilityPolicy
from ivigil.knowledge.recognition import Found, Recogniser, WordList
from ivigil.knowledge.vocabulary import LabTest, Vocabulary

Sex = Literal["female", "male"]
BloodGroup = Literal["A", "A+", "A-", "B", "B+", "B-", "AB", "AB+", "AB-", "O", "O+", "O-"]
GlucoseMeter = Literal[
    "gdh_pqq", "glucose_dye_oxidoreductase", "gdh_nad", "gdh_fad", "glucose_oxidase", "laboratory", "none"
]
Access = Literal["peripheral", "central_line", "picc", "port", "umbilical"]
Setting = Literal["hospital", "clinic", "home"]

MAX_REFERENCE_LENGTH = 64
GRADE_OF_DEATH = 5
"""CTCAE: grades run from 1 to 5, and 5 is a death."""
POSITIVE, NEGATIVE = "positive", "negative"


def _opaque(reference: str) -> str:
    if not reference.strip() or len(reference) > MAX_REFERENCE_LENGTH or not reference.isprintable():
        raise ValueError(
            f"must be 1 to {MAX_REFERENCE_LENGTH} printable characters, an opaque reference and not a name"
        )
    return reference


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("must say something")
    return text


def _lab_value(value: object) -> object:
    return value if value in (POSITIVE, NEGATIVE) else written.number(value)


def _a_grade(value: object) -> object:
    if value == GRADE_OF_DEATH:
        raise ValueError(f"grade {GRADE_OF_DEATH} is a reaction that was fatal, and this patient lives")
    return value


Line = Annotated[str, AfterValidator(written.line)]
Said = Annotated[Line, AfterValidator(_said)]
#: JSON numbers only: "82" and true are refused, not converted.
Number = Annotated[Decimal, BeforeValidator(written.number)]
WholeNumber = Annotated[int, BeforeValidator(written.whole)]
#: Only as written in docs/reference/patient.md: no numbers, no other spelling.
Day = Annotated[date, BeforeValidator(written.day)]
Moment = Annotated[AwareDatetime, BeforeValidator(written.moment)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FreeText(_Part):
    """Something the vocabulary has no word for. It is kept, shown, and searched for words that the vocabulary has."""

    text: Said


class ReadText(FreeText):
    """A free text as it was read: the words found in it, and what in it denies or doubts them.

    A word in ``found`` restricts like one of the lists; one in ``set_aside`` was found, and somebody said that it is not
    meant. Never input: :func:`read_patient` makes it.
    """

    found: tuple[Found, ...]
    set_aside: tuple[Found, ...] = ()
    doubts: tuple[str, ...] = ()


class Lab(_Part):
    """One laboratory result; ``value`` is a number with ``unit``, or ``positive``/``negative`` without one."""

    test: Line
    value: Annotated[Literal["positive", "negative"] | Decimal, BeforeValidator(_lab_value)]
    unit: Line | None = None
    taken_at: Moment

    @property
    def shown(self) -> str:
        """The value with its unit, as it was entered."""
        return f"{self.value.normalize():f} {self.unit}" if isinstance(self.value, Decimal) else self.value


class ReadLab(Lab):
    """A result entered in another unit: ``value`` is in the vocabulary's. Never input: :func:`read_patient` makes it."""

    entered: str

    @property
    def shown(self) -> str:
        """What was entered, and in brackets to three figures what the rules go by."""
        return f"{self.entered} ({Decimal(f'{self.value:.3g}').normalize():f} {self.unit})"


class SpecialistPlan(_Part):
    """Who decided how a patient with an earlier severe reaction may be infused again, and how."""

    by: Said
    role: Said
    at: Moment
    text: Said


class Reaction(_Part):
    """An earlier reaction to immunoglobulin (vocabulary ``reactions``)."""

    kind: Line
    at: Moment | None = None
    grade: Annotated[WholeNumber, BeforeValidator(_a_grade)] | None = Field(default=None, ge=1, lt=GRADE_OF_DEATH)
    text: Said | None = None
    specialist_plan: SpecialistPlan | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """The recorded kind, and any severe one that its text names."""
        return frozenset({self.kind})


class ReadReaction(Reaction):
    """A reaction whose text names a severe kind. Never input: :func:`read_patient` makes it."""

    read: ReadText

    @property
    def kinds(self) -> frozenset[str]:
        """The recorded kind, and the severe ones that the text names."""
        return frozenset({self.kind, *(code for _, code in self.read.found)})


class ProductHistory(_Part):
    """What this patient bore of one product.

    ``infusions`` counts all infusions of it; ``uneventful_supervised_infusions`` those without any reaction under
    supervision; ``rate_borne_ml_per_kg_h`` the highest rate borne without symptoms. ``reactions`` absent means nobody
    recorded whether there were any.
    """

    product: Line
    last_given_at: Moment
    infusions: WholeNumber = Field(ge=1)
    uneventful_supervised_infusions: WholeNumber = Field(default=0, ge=0)
    rate_borne_ml_per_kg_h: Number | None = Field(default=None, gt=0)
    last_dose_g: Number | None = Field(default=None, gt=0)
    reactions: tuple[Reaction, ...] | None = None

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        if self.uneventful_supervised_infusions > self.infusions:
            raise ValueError("uneventful_supervised_infusions cannot exceed infusions")
        return self


class Patient(_Part):
    """One patient. Read one from raw JSON with :func:`read_patient`, which checks words, units and limits too."""

    ref: Annotated[str, AfterValidator(_opaque)]
    synthetic: StrictBool = False
    sex: Sex | None = None
    birth_date: Day | None = None
    age_years: Number | None = None
    weight_kg: Number | None = None
    weight_measured_on: Day | None = None
    height_cm: Number | None = None
    blood_group: BloodGroup | None = None
    glucose_meter: GlucoseMeter | None = None
    access: Access | None = None
    setting_wish: Setting | None = None
    conditions: tuple[Line | FreeText, ...] | None = None
    allergies: tuple[Line | FreeText, ...] | None = None
    medicines: tuple[Line | FreeText, ...] | None = None
    labs: tuple[Lab, ...] | None = None
    immunoglobulin_history: tuple[ProductHistory, ...] | None = None

    @model_validator(mode="after")
    def _one_age_and_a_dated_weight(self) -> Self:
        if self.birth_date is not None and self.age_years is not None:
            raise ValueError("give birth_date or age_years, never both")
        if (self.weight_kg is None) != (self.weight_measured_on is None):
            raise ValueError("weight_kg and weight_measured_on come together: a dose needs to know how old a weight is")
        products = [entry.product for entry in self.immunoglobulin_history or ()]
        if len(products) != len(set(products)):
            raise ValueError("immunoglobulin_history holds each product once; add up its infusions")
        return self

    def age_at(self, moment: datetime) -> Decimal | None:
        """Age in years at a moment: completed years and the fraction of the running one; None if not recorded."""
        if self.age_years is not None:
            return self.age_years
        if self.birth_date is None:
            return None
        day = moment.date()
        years = day.year - self.birth_date.year - ((day.month, day.day) < (self.birth_date.month, self.birth_date.day))
        return Decimal(years) + Decimal((day - _birthday(self.birth_date, self.birth_date.year + years)).days) / 366

    @property
    def reactions(self) -> tuple[Reaction, ...] | None:
        """Every recorded reaction to immunoglobulin; None if any part of that history is not recorded."""
        history = self.immunoglobulin_history
        if history is None or any(entry.reactions is None for entry in history):
            return None
        return self.known_reactions

    @property
    def known_reactions(self) -> tuple[Reaction, ...]:
        """Every reaction that is recorded, whether or not the history is complete."""
        return tuple(reaction for entry in self.immunoglobulin_history or () for reaction in entry.reactions or ())

    def listed(self, name: WordList) -> frozenset[str] | None:
        """The words that a list holds, as codes; None if it is not recorded."""
        entries = getattr(self, name)
        return None if entries is None else frozenset(word for word in entries if isinstance(word, str))

    @property
    def texts(self) -> tuple[ReadText, ...]:
        """Every free text that was read, in the order of the record."""
        entries = (*(self.conditions or ()), *(self.allergies or ()), *(self.medicines or ()))
        reactions = (one.read for one in self.known_reactions if isinstance(one, ReadReaction))
        return (*(one for one in entries if isinstance(one, ReadText)), *reactions)

    def in_texts(self, name: WordList) -> frozenset[str]:
        """The words of a list that free texts anywhere in the record hold, and that nobody set aside."""
        return frozenset(code for text in self.texts for found, code in text.found if found == name)

    def setting_aside(self, not_meant: Iterable[Found]) -> Patient:
        """The same patient, with words found in free texts that somebody said are not meant."""
        out = frozenset(not_meant)

        def entries(words: tuple[str | FreeText, ...] | None) -> tuple[str | FreeText, ...] | None:
            return words and tuple(_without(one, out) if isinstance(one, ReadText) else one for one in words)

        def reaction(one: Reaction) -> Reaction:
            return one.model_copy(update={"read": _without(one.read, out)}) if isinstance(one, ReadReaction) else one

        history = self.immunoglobulin_history and tuple(
            entry.model_copy(update={"reactions": entry.reactions and tuple(map(reaction, entry.reactions))})
            for entry in self.immunoglobulin_history
        )
        return self.model_copy(
            update={
                "conditions": entries(self.conditions),
                "allergies": entries(self.allergies),
                "medicines": entries(self.medicines),
                "immunoglobulin_history": history,
            }
        )

    def latest(self, test: str) -> Lab | None:
        """The most recent result of a test, in the vocabulary's unit."""
        return max((lab for lab in self.labs or () if lab.test == test), key=lambda lab: lab.taken_at, default=None)


def _without(text: ReadText, out: frozenset[Found]) -> ReadText:
    return text.model_copy(
        update={
            "found": tuple(one for one in text.found if one not in out),
            "set_aside": (*text.set_aside, *(one for one in text.found if one in out)),
        }
    )


def _birthday(birth: date, year: int) -> date:
    try:
        return birth.replace(year=year)
    except ValueError:  # 29 February
        return date(year, 3, 1)


@dataclass(frozen=True)
class Limits:
    """What a record is read against: the words it may use and the limits of the possible."""

    vocabulary: Vocabulary
    plausibility: PlausibilityPolicy
    products: tuple[str, ...]
    free_text: FreeTextPolicy
    specialist_plan_roles: tuple[str, ...]
    """Whose plan for a further infusion counts after a severe reaction, by policy."""

    @cached_property
    def names(self) -> Mapping[str, Mapping[str, str]]:
        """Every way to write a word of a list, in lower case, to its code."""
        lists = {name: getattr(self.vocabulary, name) for name in ("conditions", "allergies", "medicines")}
        return {
            name: {
                written.casefold(): code
                for code, term in terms.items()
                for written in (code, term.name, *term.also, *term.brands)
            }
            for name, terms in lists.items()
        }

    @cached_property
    def recogniser(self) -> Recogniser:
        """Finds words of the vocabulary in free texts."""
        return Recogniser(self.vocabulary, self.free_text)


def read_patient(raw: object, limits: Limits) -> Patient:
    """A patient from raw JSON values (numbers as :class:`~decimal.Decimal`, see ``json.loads(parse_float=Decimal)``).

    Raises:
        BadInput: an unknown key, a wrong type, a datetime without an offset, two ages, a weight without its date.
        UnknownName: a word that the vocabulary or the product list does not hold.
        ImpossibleValue: a value outside what can be, with what it looks like.
    """
    if not isinstance(raw, Mapping):
        raise BadInput(
            "patient", type(raw).__name__, "A patient record is one JSON object.", "See docs/reference/patient.md."
        )
    try:
        patient = Patient.model_validate(dict(raw))
    except ValidationError as problem:
        raise _first_error(problem) from problem
    _check_numbers(patient, limits.plausibility)
    _check_specialist_plans(patient, limits.specialist_plan_roles)
    words = limits.vocabulary
    return patient.model_copy(
        update={
            "conditions": _known(patient.conditions, "conditions", limits),
            "allergies": _known(patient.allergies, "allergies", limits),
            "medicines": _known(patient.medicines, "medicines", limits),
            "labs": None
            if patient.labs is None
            else tuple(
                _in_vocabulary_unit(lab, words.labs, f"labs[{number}]") for number, lab in enumerate(patient.labs)
            ),
            "immunoglobulin_history": _known_history(patient, limits),
        }
    )


# ---- messages

_RULES: dict[str, tuple[str, str]] = {
    "extra_forbidden": ("No such key.", "Correct or remove it; docs/reference/patient.md lists every key."),
    "missing": ("This key is required.", "Add it; docs/reference/patient.md says what it holds."),
}


def _first_error(problem: ValidationError) -> BadInput:
    """The first thing wrong, said so that the one who typed it can mend it."""
    errors = problem.errors()
    # Of an entry that is a word or a free text, what is wrong with the one that was meant.
    as_text = (one for one in errors if "FreeText" in one["loc"] and isinstance(errors[0]["input"], dict))
    error = next(as_text, errors[0])
    where = _dotted(error["loc"])
    if error["type"] == "extra_forbidden":
        rule, remedy = _RULES["extra_forbidden"]
        return UnknownName(
            where, _shown(error["input"]), rule, _near(str(error["loc"][-1]), tuple(Patient.model_fields)) + remedy
        )
    reason = error.get("ctx", {}).get("error")
    if error["type"] in _RULES:
        rule, remedy = _RULES[error["type"]]
    elif isinstance(reason, written.NotReadable):
        rule, remedy = reason.rule, reason.remedy
    else:
        rule, remedy = f"{error['msg'].removeprefix('Value error, ')}.", "See docs/reference/patient.md."
        rule = rule[0].upper() + rule[1:]
    value = None if error["type"] in {"missing", "value_error"} and isinstance(error["input"], dict) else error["input"]
    return BadInput(where or "patient", _shown(value), rule, remedy)


def _dotted(path: tuple[int | str, ...]) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != "FreeText" and not part.startswith("function-"):  # pydantic's names of the branches of a choice
            text += f".{part}" if text else part
    return text


def _shown(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value


def _near(word: str, known: tuple[str, ...]) -> str:
    from rapidfuzz import process

    close = [match for match, _, _ in process.extract(word, known, limit=3, score_cutoff=65)]
    return f"Did you mean {' or '.join(close)}? " if close else ""


# ---- words


def _known(
    words: tuple[str | FreeText, ...] | None, key: Literal["conditions", "allergies", "medicines"], limits: Limits
) -> tuple[str | FreeText, ...] | None:
    if words is None:
        return None
    by_name = limits.names[key]
    found: list[str | FreeText] = []
    for number, word in enumerate(words):
        if isinstance(word, FreeText):
            known = by_name.get(word.text.strip().casefold())
            if known is not None:
                raise BadInput(
                    f"{key}[{number}].text",
                    word.text,
                    "The vocabulary has this word, and rules read it.",
                    f'Write "{known}" instead of free text.',
                )
            found.append(_read(word.text, limits.recogniser.lists_for(word.text, key), limits.recogniser))
            continue
        code = by_name.get(word.strip().casefold())
        if code is None:
            raise UnknownName(
                f"{key}[{number}]",
                word,
                f"Not a word of the vocabulary of {key}.",
                _near(word, tuple(by_name))
                + 'If it has no word there, write {"text": "..."}: it is then shown, searched for known words and asked about.',
            )
        found.append(code)
    return tuple(dict.fromkeys(found))


def _read(text: str, lists: Iterable[WordList], recogniser: Recogniser) -> ReadText:
    return ReadText(text=text, found=recogniser.find(text, lists), doubts=recogniser.doubts(text))


def _read_reaction(reaction: Reaction, limits: Limits) -> Reaction:
    """The reaction, read for severe kinds that stand in its text while its kind is a milder one."""
    known = limits.vocabulary.reactions
    if reaction.text is None or known[reaction.kind].severe:
        return reaction
    read = _read(reaction.text, ("reactions",), limits.recogniser)
    severe = tuple((name, code) for name, code in read.found if known[code].severe)
    if not severe:
        return reaction
    return ReadReaction(**dict(reaction), read=read.model_copy(update={"found": severe}))


def _known_history(patient: Patient, limits: Limits) -> tuple[ProductHistory, ...] | None:
    if patient.immunoglobulin_history is None:
        return None
    for number, entry in enumerate(patient.immunoglobulin_history):
        where = f"immunoglobulin_history[{number}]"
        if entry.product not in limits.products:
            raise UnknownName(
                f"{where}.product",
                entry.product,
                "No product has this id.",
                _near(entry.product, limits.products) + "`ivigil knowledge list products` lists them.",
            )
        for count, reaction in enumerate(entry.reactions or ()):
            if reaction.kind not in limits.vocabulary.reactions:
                raise UnknownName(
                    f"{where}.reactions[{count}].kind",
                    reaction.kind,
                    "Not a word of the vocabulary of reactions.",
                    _near(reaction.kind, tuple(limits.vocabulary.reactions)) + "Use `other` with a text if none fits.",
                )
    return tuple(
        entry.model_copy(
            update={"reactions": entry.reactions and tuple(_read_reaction(one, limits) for one in entry.reactions)}
        )
        for entry in patient.immunoglobulin_history
    )


def _check_specialist_plans(patient: Patient, roles: tuple[str, ...]) -> None:
    """A specialist's plan lifts what nobody else may: it is by one of the roles and certainly younger than the reaction."""
    for number, entry in enumerate(patient.immunoglobulin_history or ()):
        for count, reaction in enumerate(entry.reactions or ()):
            planned = reaction.specialist_plan
            if planned is None:
                continue
            where = f"immunoglobulin_history[{number}].reactions[{count}].specialist_plan"
            if planned.role not in roles:
                raise BadInput(
                    f"{where}.role",
                    planned.role,
                    f"By policy a plan for after a severe reaction is made by: {', '.join(roles)}.",
                    "Have one of them decide, or leave the plan out.",
                )
            # A reaction without a date can be as late as the last infusion of its product.
            latest = reaction.at or entry.last_given_at
            if planned.at <= latest:
                dated = "" if reaction.at else " (the last infusion of this product: the reaction has no date)"
                raise BadInput(
                    f"{where}.at",
                    planned.at.isoformat(),
                    f"A plan that answers a reaction is later than it; it was at {latest.isoformat()}{dated}.",
                    "Correct the dates, or record when the reaction was.",
                )


# ---- numbers and units


def _check_numbers(patient: Patient, limits: PlausibilityPolicy) -> None:
    rows: list[tuple[str, Decimal | int | None, tuple[Decimal, Decimal], str]] = [
        ("weight_kg", patient.weight_kg, limits.possible_weight_kg, " kg"),
        ("height_cm", patient.height_cm, limits.possible_height_cm, " cm"),
        ("age_years", patient.age_years, limits.possible_age_years, " years"),
    ]
    for number, entry in enumerate(patient.immunoglobulin_history or ()):
        where = f"immunoglobulin_history[{number}].infusions"
        rows.append((where, entry.infusions, limits.possible_infusions, ""))
    for key, value, (low, high), unit in rows:
        if value is not None and not low <= value <= high:
            looks = " It looks like metres: write centimetres." if key == "height_cm" and 0 < value < low else ""
            raise ImpossibleValue(
                key,
                str(value),
                f"{key} lies between {low} and {high}{unit}.{looks}",
                "Correct it, or leave it out if it is not known.",
            )


def _in_vocabulary_unit(lab: Lab, tests: dict[str, LabTest], where: str) -> Lab:
    if lab.test not in tests:
        raise UnknownName(
            f"{where}.test",
            lab.test,
            "Not a test of the vocabulary.",
            _near(lab.test, tuple(tests)) + "See docs/reference/patient.md.",
        )
    test = tests[lab.test]
    if test.qualitative:
        if lab.value not in (POSITIVE, NEGATIVE) or lab.unit is not None:
            raise BadInput(
                f"{where}.value",
                str(lab.value),
                f"{test.name} is positive or negative, without a unit.",
                "Write it so.",
            )
        return lab
    if not isinstance(lab.value, Decimal):
        raise BadInput(
            f"{where}.value",
            lab.value,
            f"{test.name} is a number.",
            f"Write the number and its unit, for example {test.unit}.",
        )
    factor = Decimal(1) if lab.unit == test.unit else test.units.get(lab.unit or "")
    if factor is None:
        units = ", ".join((test.unit, *test.units))
        raise BadInput(
            f"{where}.unit", lab.unit, f"{test.name} is read in {units}.", "Name the unit the laboratory printed."
        )
    value = lab.value * factor
    if test.possible is not None and not test.possible[0] <= value <= test.possible[1]:
        looks = f" It looks like {test.looks_like}." if test.looks_like and value > test.possible[1] else ""
        raise ImpossibleValue(
            f"{where}.value",
            f"{lab.value} {lab.unit}",
            f"{test.name} lies between {test.possible[0]} and {test.possible[1]} {test.unit}.{looks}",
            "Check the value and its unit on the report.",
        )
    entered = dict(lab) | {"entered": lab.shown, "value": value, "unit": test.unit}
    return lab if lab.unit == test.unit else ReadLab.model_construct(**entered)


#: Every choice a record offers, for the reference page and for forms.
CHOICES: dict[str, tuple[Any, ...]] = {
    "sex": get_args(Sex),
    "blood_group": get_args(BloodGroup),
    "glucose_meter": get_args(GlucoseMeter),
    "access": get_args(Access),
    "setting_wish": get_args(Setting),
}
