"""The word lists are clear, and rules and policies use words that stand in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import get_args

from pydantic import BaseModel

from ivigil.knowledge import rules
from ivigil.knowledge.checks.labels import condition_exists
from ivigil.knowledge.checks.rows import CheckRow, Weight, error, records_in, spelled
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.policies import Policies
from ivigil.knowledge.products import Product
from ivigil.knowledge.rules import Rule
from ivigil.knowledge.vocabulary import Vocabulary

#: Which word list the terms of a predicate come from.
WORD_LISTS: dict[type[BaseModel], str] = {
    rules.HasCondition: "conditions",
    rules.HasAllergy: "allergies",
    rules.Takes: "medicines",
    rules.PriorReaction: "reactions",
    rules.LabMissing: "labs",
}


def words_are_clear(vocabulary: Vocabulary) -> Iterator[CheckRow]:
    """A name leads to one word of a list; a test's likely values are possible ones."""
    for list_name in type(vocabulary).model_fields:
        first: dict[str, str] = {}
        for key, term in getattr(vocabulary, list_name).items():
            where = f"vocabulary/{list_name}.toml: {spelled((key,))}"
            for said in {name.casefold().replace("_", " ") for name in (key, term.name, *getattr(term, "also", ()))}:
                if first.setdefault(said, key) != key:
                    yield error(where, f"{said!r} means {first[said]} too.", "Let it stand under one of them.")
    for key, test in vocabulary.labs.items():
        where = f"vocabulary/labs.toml: {spelled((key,))}"
        if test.possible is not None and test.likely is not None:
            (least, most), (low, high) = test.possible, test.likely
            if not least <= low < high <= most:
                yield error(f"{where}.likely", "Likely values lie outside the possible ones.", "Correct the limits.")


def policies_name_what_exists(
    policies: Policies, vocabulary: Vocabulary, indication_ids: Collection[str]
) -> Iterator[CheckRow]:
    """Ids that policies name: conditions dosed by policy, conditions that exclude home, what rules out a medicine."""
    for name in policies.dose.proposed_g_per_kg:
        yield from condition_exists("policy/dose.toml: proposed_g_per_kg", name, indication_ids)
    for name in policies.setting.home_never_for.items:
        yield from condition_exists("policy/setting.toml: home_never_for", name, indication_ids)
    for name in policies.setting.home_excluding_conditions.items:
        if name not in vocabulary.conditions:
            yield _no_word("policy/setting.toml: home_excluding_conditions", name, "conditions")
    for name in policies.subcutaneous.bleeding_with.items:
        if name not in vocabulary.medicines:
            yield _no_word("policy/subcutaneous.toml: bleeding_with", name, "medicines")
    proposals = policies.proposals
    said = [("stops", *one) for one in proposals.stops.items()] + [
        ("cautions", *one) for one in proposals.cautions.items()
    ]
    for table, key, stop in said:
        where = f"policy/proposals.toml: {table}.{spelled((key,))}"
        yield from _says(where, stop.text, stop.remedy)
        for name in stop.any:
            if name not in getattr(vocabulary, stop.list):
                yield _no_word(where, name, stop.list)
        for name in stop.indications:
            yield from condition_exists(where, name, indication_ids)
    against = {
        *_risks(),
        *vocabulary.conditions,
        *vocabulary.medicines,
        *vocabulary.allergies,
    }
    for key, medicine in policies.premedication.medicines.items():
        for name in medicine.not_with:
            if name not in against:
                yield _no_word(
                    f"policy/premedication.toml: medicines.{spelled((key,))}.not_with",
                    name,
                    "conditions, medicines, allergies or risks",
                )


def implied_words_exist(indication: Indication, file: str, vocabulary: Vocabulary) -> Iterator[CheckRow]:
    """What a condition implies are words of the vocabulary."""
    for name in () if indication.implies is None else indication.implies.items:
        if name not in vocabulary.conditions:
            yield _no_word(f"{file}: implies", name, "conditions")


def _risks() -> tuple[str, ...]:
    return get_args(rules.Risk)


def _no_word(where: str, word: str, lists: str) -> CheckRow:
    return error(where, f"{word} is no word of {lists}.", "Add the word to vocabulary/ or correct it.")


def rules_hold(
    book: Mapping[str, Rule], vocabulary: Vocabulary, excipients: Collection[str], place_of: Callable[[str], str]
) -> Iterator[CheckRow]:
    """Rules use words that exist, ask for excipients that some product holds, and speak in whole sentences."""
    for code, rule in book.items():
        where = f"{place_of(code)}: {spelled(('rules', code))}"
        yield from _says(where, rule.text, rule.remedy)
        if rule.unknown is not None:
            yield from _says(f"{where}.unknown", rule.unknown.text, rule.unknown.remedy)
        for _, part in records_in(rule.when):
            yield from _words_exist(f"{where}.when", part, vocabulary, excipients)


def marks_hold(marks: Mapping[str, Rule], vocabulary: Vocabulary) -> Iterator[CheckRow]:
    """Marks of other therapies hold as rules do, and ask only what the patient's record can answer."""
    yield from rules_hold(marks, vocabulary, (), lambda _: "therapies, alternatives: marks")
    for code, mark in marks.items():
        for _, part in records_in({"when": mark.when}):
            naive = isinstance(part, rules.NewToProduct) and part.any == ("naive",)
            if isinstance(part, ASKED_OF_A_PLAN) and not naive:
                yield error(
                    f"therapies, alternatives: marks: {code}",
                    f"{part.kind} asks of a product or a dose, and no product is given yet.",
                    "Ask what the record holds, such as new_to_product with naive alone.",
                )


ASKED_OF_A_PLAN = (rules.ProductContains, rules.ProductRoute, rules.CourseDoseAtLeast, rules.NewToProduct)


def limitations_hold(product: Product, file: str, vocabulary: Vocabulary) -> Iterator[CheckRow]:
    """Limitations of a label use words that exist and speak in whole sentences."""
    for region, label in product.labels.items():
        for name, use in label.uses.items():
            for key, one in use.limitations.items():
                where = f"{file}: {spelled(('labels', region, 'uses', name, 'limitations', key))}"
                yield from _says(where, one.text, one.remedy or "None.")
                if one.unknown is not None:
                    yield from _says(f"{where}.unknown", one.unknown.text, one.unknown.remedy)
                for _, part in records_in(one.when):
                    yield from _words_exist(f"{where}.when", part, vocabulary, product.excipients or ())


def _says(where: str, text: str, remedy: str) -> Iterator[CheckRow]:
    if not text.strip().endswith("."):
        yield error(f"{where}.text", "The text does not end with a full stop.", "Write whole sentences.")
    if not remedy.strip():
        yield error(f"{where}.remedy", "The rule names no remedy.", "Say what to do.")
    elif not remedy.strip().endswith("."):
        yield error(f"{where}.remedy", "The remedy does not end with a full stop.", "Write whole sentences.")


def _words_exist(
    where: str, part: BaseModel, vocabulary: Vocabulary, excipients: Collection[str]
) -> Iterator[CheckRow]:
    if type(part) in WORD_LISTS:
        list_name = WORD_LISTS[type(part)]
        for word in getattr(part, "any", ()):
            if word not in getattr(vocabulary, list_name):
                yield _no_word(where, word, list_name)
    elif isinstance(part, rules.LabBelow | rules.LabAbove | rules.LabPositive):
        test = vocabulary.labs.get(part.test)
        if test is None:
            yield _no_word(where, part.test, "labs")
        elif test.qualitative is not isinstance(part, rules.LabPositive):
            yield error(
                where,
                f"{part.test} is {'positive or negative' if test.qualitative else 'a number'}; {part.kind} cannot ask it.",
                "Use lab_positive for a qualitative test, lab_below or lab_above for a number.",
            )
    elif isinstance(part, rules.ProductContains):
        held = set(part.any) & set(excipients)
        for name in part.any:
            if not held:
                yield CheckRow(
                    where,
                    Weight.WARNING,
                    f"No product holds {name}: nothing makes this rule speak.",
                    "Correct the word, or keep the rule for a product to come.",
                )
            elif name not in held:
                yield CheckRow(where, Weight.INFO, f"No product lists {name}.", "Nothing to do: another word is held.")


def rules_stand_once(files: Mapping[str, Collection[str]]) -> Iterator[CheckRow]:
    """A code that stands in two files: only the last would count."""
    first: dict[str, str] = {}
    for file, codes in sorted(files.items()):
        for code in codes:
            if code in first:
                yield error(
                    f"{file}: {spelled(('rules', code))}",
                    f"The rule stands in {first[code]} too; only one of them counts.",
                    "Give one of them another code.",
                )
            first.setdefault(code, file)
