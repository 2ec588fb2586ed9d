"""Every check over everything that is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date
from functools import partial
from typing import TypeVar

from ivigil.errors import BadInput
from ivigil.knowledge.checks.doses import doses_add_up
from ivigil.knowledge.checks.labels import labels_stand, regimens_are_the_labels_own
from ivigil.knowledge.checks.ladders import ladders, printed_units_agree
from ivigil.knowledge.checks.limits import (
    condition_rate_is_possible,
    numbers_are_possible,
    rates_are_possible,
    strengths_are_their_names,
    under_the_skin_is_possible,
)
from ivigil.knowledge.checks.overlays import overlay_waits, signed_by_now
from ivigil.knowledge.checks.policies import policies_agree_with_themselves, policies_are_possible
from ivigil.knowledge.checks.rows import CheckRow, Located, error, in_order, located
from ivigil.knowledge.checks.sources import (
    reading_is_carried,
    shipped_facts_are_unsigned,
    sources_are_whole,
    sources_exist,
    sources_used,
)
from ivigil.knowledge.checks.subcutaneous import starts_add_up, starts_stand
from ivigil.knowledge.checks.targets import targets_are_replacement
from ivigil.knowledge.checks.words import (
    implied_words_exist,
    limitations_hold,
    marks_hold,
    policies_name_what_exists,
    rules_hold,
    rules_stand_once,
    words_are_clear,
)
from ivigil.knowledge.leaflet import leaflet_facts
from ivigil.knowledge.loading import Knowledge

R = TypeVar("R")


def check(knowledge: Knowledge, today: date | None = None) -> tuple[CheckRow, ...]:
    """Everything there is to check. A file that cannot be read is one row, and the others are checked without it.

    ``today`` is the day at the edge; without it the days of signatures are not asked about.
    """
    rows: list[CheckRow] = []
    sources = _each(_one(lambda: knowledge.source_ids, rows) or (), knowledge.source, rows)
    products = _each(knowledge.product_ids, knowledge.product, rows)
    indications = _each(knowledge.indication_ids, knowledge.indication, rows)
    models = _each(knowledge.kinetic_model_ids, knowledge.kinetic_model, rows)
    policies = _one(lambda: knowledge.policies, rows)
    vocabulary = _one(lambda: knowledge.vocabulary, rows)
    book = _one(lambda: knowledge.rules, rows)
    place = _rule_places(knowledge, rows)

    records: list[Located] = []
    for kind, found in (("products", products), ("indications", indications), ("models", models)):
        for name, record in found.items():
            records += located(f"{kind}/{name}.toml", record)
    for kind, whole in (("policy", policies), ("vocabulary", vocabulary)):
        for name in type(whole).model_fields if whole is not None else ():
            records += located(f"{kind}/{name}.toml", getattr(whole, name))
    targets = _one(lambda: knowledge.trough_targets, rows) or {}
    records += located("targets/trough.toml", targets)
    published = _one(lambda: knowledge.published_kinetics, rows)
    records += () if published is None else located("validation/kinetics.toml", published)
    rates = _one(lambda: knowledge.reaction_rates, rows)
    records += () if rates is None else located("simulation/reactions.toml", rates)
    for name, chair in _each(knowledge.protocol_ids, knowledge.protocol, rows).items():
        records += located(f"protocol/{name}.toml", chair)
    for code, rule in (book or {}).items():
        records += located(place.get(code, "screening"), {"rules": {code: rule}})
    _one(lambda: knowledge.ask_words, rows)
    _one(lambda: knowledge.ask_signs, rows)
    told = _one(lambda: leaflet_facts(knowledge), rows)
    records += () if told is None else located("leaflet/leaflet.toml", told)
    for kind, names, one in (
        ("models", knowledge.kinetic_model_ids, knowledge.kinetic_model),
        ("populations", knowledge.population_ids, knowledge.population),
    ):
        for name, described in _each(names, one, rows).items():
            records += [(f"{kind}/{name}.toml", described), *located(f"{kind}/{name}.toml", described)]
    for kind in ("studies", "alternatives", "therapies", "mechanisms"):
        for record in _one(partial(getattr, knowledge, kind), rows) or ():
            records += located(f"{kind}/{record.id}.toml", record)

    if sources:
        rows += sources_exist(records, sources)
        rows += sources_used(records, sources)
        rows += sources_are_whole(sources)
    rows += reading_is_carried(records, sources)
    rows += doses_add_up(records)
    if knowledge.overlay_fingerprint is None:
        rows += shipped_facts_are_unsigned(records)
    for name, product in products.items():
        file = f"products/{name}.toml"
        rows += labels_stand(product, file, knowledge.indication_ids)
        rows += regimens_are_the_labels_own(product, file)
        rows += strengths_are_their_names(product, file)
        rows += starts_stand(product, file, knowledge.indication_ids, vocabulary.conditions if vocabulary else None)
        rows += starts_add_up(product, file)
        if vocabulary is not None:
            rows += limitations_hold(product, file, vocabulary)
        if policies is not None:
            within = policies.rate.printed_units_agree_within.value
            rows += ladders(product, file, within)
            rows += printed_units_agree(product, file, within)
            rows += rates_are_possible(product, file, policies.plausibility)
            rows += under_the_skin_is_possible(product, file, policies.plausibility, within)
    for name, indication in indications.items():
        file = f"indications/{name}.toml"
        if vocabulary is not None:
            rows += implied_words_exist(indication, file, vocabulary)
        if policies is not None and indication.max_rate is not None:
            strengths = {one.g_per_ml for product in products.values() for one in product.concentrations.values()}
            rows += condition_rate_is_possible(indication.max_rate, strengths, file, policies.plausibility)
    if policies is not None:
        rows += policies_agree_with_themselves(policies)
        rows += policies_are_possible(policies)
        rows += numbers_are_possible(records, policies.plausibility)
    if vocabulary is not None:
        rows += words_are_clear(vocabulary)
    if policies is not None and vocabulary is not None:
        rows += policies_name_what_exists(policies, vocabulary, knowledge.indication_ids)
    rows += targets_are_replacement(targets, indications)
    if book is not None and vocabulary is not None:
        held = {key for product in products.values() for key in product.excipients or ()}
        rows += rules_hold(book, vocabulary, held, lambda code: place.get(code, "screening"))
    marks = _one(lambda: knowledge.marks, rows)
    if marks is not None and vocabulary is not None:
        rows += marks_hold(marks, vocabulary)
    waiting = _one(knowledge.all_waiting, rows)
    rows += overlay_waits(waiting or {})
    if waiting is not None and today is not None:
        rows += signed_by_now(knowledge.signed_on(), today)
    return in_order(rows)


def _rule_places(knowledge: Knowledge, rows: list[CheckRow]) -> dict[str, str]:
    """The file of each rule; a code that stands twice is a row."""
    files: dict[str, Collection[str]] = {}
    for name in knowledge.file_names("screening"):
        raw = _one(partial(knowledge.raw, "screening", name), rows)
        files[f"screening/{name}.toml"] = tuple((raw or {}).get("rules", {}))
    rows += rules_stand_once(files)
    return {code: file for file, codes in files.items() for code in codes}


def _each(names: Iterable[str], read: Callable[[str], R], rows: list[CheckRow]) -> dict[str, R]:
    found: dict[str, R] = {}
    for name in names:
        record = _one(partial(read, name), rows)
        if record is not None:
            found[name] = record
    return found


def _one(read: Callable[[], R], rows: list[CheckRow]) -> R | None:
    try:
        return read()
    except BadInput as problem:
        shown = repr(problem.value) if isinstance(problem.value, str) else problem.value
        got = "" if problem.value is None else f" It holds {shown}."
        rows.append(error(problem.where, f"{problem.rule}{got}", problem.remedy))
        return None
