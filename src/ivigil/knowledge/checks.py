"""Whether the facts keep their own rules: every check a pure function over records, every row with its remedy.

``where`` is the file below ``data/`` (or below the overlay folder) with the path of the fact in it:
``products/ID.toml: labels.US.uses.PI.rates.10.max``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import TypeVar, get_args

from pydantic import BaseModel

from ivigil.errors import BadInput
from ivigil.knowledge import rules
from ivigil.knowledge.check_rows import CheckRow, Weight, in_order, spelled
from ivigil.knowledge.check_rows import error as _error
from ivigil.knowledge.facts import Fact, Rate
from ivigil.knowledge.leaflet import leaflet_facts
from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.policies import Policies
from ivigil.knowledge.products import Product, RateTable
from ivigil.knowledge.regimens import Regimen, WeightBasis
from ivigil.knowledge.rules import Rule
from ivigil.knowledge.subcutaneous_checks import starts_add_up, starts_stand
from ivigil.knowledge.vocabulary import Vocabulary
from ivigil.sources import CARRIES, RANK, Read, Source, SourceKind

R = TypeVar("R")

#: The word by which a note records that a source contradicts itself or another.
RECORDED = "conflict"

#: Which word list the terms of a predicate come from.
WORD_LISTS: dict[type[BaseModel], str] = {
    rules.HasCondition: "conditions",
    rules.HasAllergy: "allergies",
    rules.Takes: "medicines",
    rules.PriorReaction: "reactions",
    rules.LabMissing: "labs",
}


#: The words that rules know for each choice of a policy.
CHOICES: dict[str, tuple[str, ...]] = {
    "dose.rounding": ("nearest", "down"),
    "dose.ordinary_days": ("fewest", "most"),
    "dose.at_risk_days": ("fewest", "most"),
    "dose.ordinary_interval": ("longest", "shortest"),
    "weight.rate_weight": ("lower",),
    "weight.obese_basis": tuple(basis.value for basis in WeightBasis),
    "setting.first_setting": ("hospital", "clinic"),
    "premedication.routine": ("routine", "no"),
    "subcutaneous.at_risk_limits": ("first_throughout", "label"),
    "subcutaneous.growth": ("slowest", "fastest"),
    "subcutaneous.within_range": ("lowest", "highest"),
    "subcutaneous.sites": ("fewest",),
    "subcutaneous.schedule": ("weekly",),
    "subcutaneous.sites_run_out": ("more_often", "refuse"),
}
#: Above the first and at most the second: where a policy's number means something.
NUMBERS: dict[str, tuple[Decimal, Decimal]] = {
    "dose.tolerance_fraction": (Decimal(0), Decimal("0.5")),
    "weight.adjusted_fraction": (Decimal(0), Decimal(1)),
    "rate.step_factor": (Decimal(1), Decimal(10)),
    "rate.at_risk_fraction": (Decimal(0), Decimal(1)),
    "rate.below_margin_fraction": (Decimal(0), Decimal(1)),
    "rate.printed_units_agree_within": (Decimal(0), Decimal("0.05")),
    "subcutaneous.weeks_per_month": (Decimal(3), Decimal(5)),
    "subcutaneous.days_after_iv_unread": (Decimal(0), Decimal(28)),
}


Located = tuple[str, BaseModel]


# ---- walking


def records_in(value: object, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], BaseModel]]:
    """Every record in a value with its keys, itself first. A place in a list is a key of its own: ``[0]``."""
    if isinstance(value, BaseModel):
        yield keys, value
        for name in type(value).model_fields:
            yield from records_in(getattr(value, name), (*keys, name))
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from records_in(part, (*keys, str(name)))
    elif isinstance(value, tuple):
        for number, part in enumerate(value):
            yield from records_in(part, (*keys, f"[{number}]"))


def located(file: str, value: object) -> list[Located]:
    """Every record of one file, named as a reader finds it."""
    return [(f"{file}: {_dotted(keys)}", record) for keys, record in records_in(value) if keys]


def _dotted(keys: tuple[str, ...]) -> str:
    return ".".join(keys).replace(".[", "[")


# ---- sources


def _cited(record: BaseModel) -> tuple[str, ...]:
    return tuple(getattr(record, "src", ()))


def sources_exist(records: Iterable[Located], known: Collection[str]) -> Iterator[CheckRow]:
    """Every source that is cited has a record."""
    for where, record in records:
        for name in _cited(record):
            if name not in known:
                yield _error(where, f"The source {name} has no record.", "Add it under sources/ or correct the id.")


def sources_used(records: Iterable[Located], known: Collection[str]) -> Iterator[CheckRow]:
    """Sources that nothing cites."""
    used = {name for _, record in records for name in _cited(record)}
    for name in sorted(set(known) - used):
        shard, _, key = name.partition("/")
        yield CheckRow(
            f"sources/{shard}.toml: {key}", Weight.INFO, "No fact cites this source.", "Cite it or take it out."
        )


def reading_is_carried(records: Iterable[Located], sources: Mapping[str, Source]) -> Iterator[CheckRow]:
    """How a fact says it was read is borne out by the kind of at least one of its sources: this good, or better.

    A paper is better read than a copy of a label, and is none: a product's fact read on a copy needs a label or a copy.
    """
    for where, fact in records:
        if not isinstance(fact, Fact) or fact.read not in CARRIES or not fact.src:
            continue
        kinds = {sources[name].kind for name in fact.src if name in sources}
        of_a_product = where.startswith("products/")
        carrying = {
            kind
            for level, carried in CARRIES.items()
            if RANK[level] <= RANK[fact.read] and not (of_a_product and level is Read.PRIMARY is not fact.read)
            for kind in carried
        }
        if kinds and not kinds & carrying:
            shown = ", ".join(sorted(kind.value for kind in kinds))
            yield _error(
                where,
                f"It says read = {fact.read.value}, but its sources are of the kind {shown}.",
                f"Cite the page it was read on, or write how it was read ({_fitting(kinds)}).",
            )


def _fitting(kinds: Collection[SourceKind]) -> str:
    levels = [level.value for level, carried in CARRIES.items() if carried & set(kinds)]
    return " or ".join(levels or [Read.SECONDARY.value, Read.NOT_READ.value])


def sources_are_whole(sources: Mapping[str, Source]) -> Iterator[CheckRow]:
    """A source says what it is, who published it and for which region."""
    for name, source in sources.items():
        shard, _, key = name.partition("/")
        for field in ("title", "publisher", "region"):
            if not getattr(source, field).strip():
                yield _error(
                    f"sources/{shard}.toml: {key}.{field}", "It is empty.", f"Write the {field} as the page gives it."
                )


def shipped_facts_are_unsigned(records: Iterable[Located]) -> Iterator[CheckRow]:
    """A signature opens what nobody read on a label; only a site's overlay carries one."""
    for where, fact in records:
        if isinstance(fact, Fact) and fact.by:
            yield _error(where, "A shipped fact carries a signature.", "Take `by` out; a site signs in its overlay.")


# ---- doses


def doses_add_up(records: Iterable[Located]) -> Iterator[CheckRow]:
    """What a source prints about a dose can be given as printed; what one record can see by itself it refuses."""
    for where, one in records:
        if isinstance(one, Regimen):
            for wrong in _wrong_in(one):
                yield _error(where, wrong, "Compare with the source.")


def _wrong_in(regimen: Regimen) -> Iterator[str]:
    for name in ("g_per_kg_day", "max_g_per_kg_day", "max_g_day", "max_g_course", "min_duration_h"):
        value = getattr(regimen, name)
        if value is not None and value <= 0:
            yield f"{name} is not above zero."
    low, high = regimen.interval_days_min, regimen.interval_days_max
    if low is not None and high is not None and not 0 < low <= high:
        yield f"The interval runs from {low} to {high} days."
    if low is not None and regimen.days_max > low:
        yield f"A course of up to {regimen.days_max} days does not fit into an interval of {low} days."
    daily, whole = regimen.max_g_per_kg_day, regimen.g_per_kg_max
    if daily is not None and whole is not None and daily * regimen.days_max < whole:
        yield f"At most {daily} g/kg a day over {regimen.days_max} days never reaches {whole} g/kg."


# ---- rates


def ladders(product: Product, file: str, within: Decimal) -> Iterator[CheckRow]:
    """What a label prints about rates adds up: start, steps, tiers and maximum, at the concentration they are for.

    ``within`` is the relative distance that the rounding of printed units explains.
    """
    for where, concentration, table in _rate_tables(product, file):
        if concentration not in product.concentrations:
            yield _error(
                where,
                f"The product has no concentration {concentration}.",
                f"Use a key of concentrations: {', '.join(product.concentrations) or 'there is none'}.",
            )
            continue
        yield from _adds_up(table, product.concentrations[concentration].g_per_ml, within, where)


def _rate_tables(product: Product, file: str) -> Iterator[tuple[str, str, RateTable]]:
    for region, label in product.labels.items():
        for name, use in label.uses.items():
            for concentration, table in use.rates.items():
                where = f"{file}: " + spelled(("labels", region, "uses", name, "rates", concentration))
                yield where, concentration, table


def _adds_up(table: RateTable, g_per_ml: Decimal, within: Decimal, where: str) -> Iterator[CheckRow]:
    start, most = table.start.ml_per_kg_h_at(g_per_ml), table.max.ml_per_kg_h_at(g_per_ml)
    if start > most * (1 + within):
        yield _error(
            f"{where}.start", f"The start ({_ml(start)}) is above the maximum ({_ml(most)}).", "Compare with the label."
        )
    if table.steps is not None:
        steps = [step.ml_per_kg_h_at(g_per_ml) for step in table.steps.rates]
        there = f"{where}.steps"
        if not steps:
            yield _error(there, "The ladder has no step.", "Enter the steps or leave the ladder out.")
            return
        if not _rises(steps):
            yield _error(there, f"The ladder does not rise: {_chain(steps)}.", "Compare with the label.")
        if max(steps[0], start) > min(steps[0], start) * (1 + within):
            yield _error(
                there,
                f"The first printed step ({_ml(steps[0])}) is not the start ({_ml(start)}).",
                "Compare both with the label.",
            )
        if steps[-1] > most * (1 + within):
            yield _error(
                there,
                f"The last printed step ({_ml(steps[-1])}) is above the maximum ({_ml(most)}).",
                "Compare both with the label.",
            )
    yield from _tiers_rise(table, g_per_ml, within, f"{where}.tiers")


def _tiers_rise(table: RateTable, g_per_ml: Decimal, within: Decimal, where: str) -> Iterator[CheckRow]:
    after = [Decimal(tier.after_infusions) for tier in table.tiers]
    rates = [tier.ml_per_kg_h_at(g_per_ml) for tier in table.tiers]
    if not _rises(after) or not _rises(rates):
        yield _error(
            where,
            "The maxima do not rise with the number of earlier infusions.",
            "Sort them, or compare with the label.",
        )
    most = table.max.ml_per_kg_h_at(g_per_ml)
    if rates and max(rates) > most * (1 + within):
        yield _error(
            where,
            f"The highest of these maxima ({_ml(max(rates))}) is above the maximum ({_ml(most)}).",
            "Compare with the label.",
        )


def _rises(values: list[Decimal]) -> bool:
    return all(earlier < later for earlier, later in pairwise(values))


def printed_units_agree(product: Product, file: str, within: Decimal) -> Iterator[CheckRow]:
    """Printed units of one rate agree, or the disagreement stands in the note."""
    strengths = {name: one.g_per_ml for name, one in product.concentrations.items()}
    for keys, rate in records_in(product):
        if not isinstance(rate, Rate) or not strengths:
            continue
        own = [strengths[key] for key in keys if key in strengths and "rates" in keys]
        # A cap stands beside the uses and names no concentration: it is held against each of the product's.
        apart = [pair for g_per_ml in own or strengths.values() if (pair := _apart(rate, g_per_ml, within))]
        if len(apart) < len(own or strengths):
            continue
        low, high = apart[0]
        text = f"The printed units disagree: {_ml(low)} and {_ml(high)}"
        where = f"{file}: {_dotted(keys)}"
        if RECORDED in rate.note.casefold():
            yield CheckRow(where, Weight.INFO, f"{text}, as the note records. The lower governs.", "Nothing to do.")
        else:
            yield _error(
                where, f"{text}, and the note does not say so.", "Write CONFLICT and what is printed into the note."
            )


def _apart(rate: Rate, g_per_ml: Decimal, within: Decimal) -> tuple[Decimal, Decimal] | None:
    printed = rate.each_ml_per_kg_h(g_per_ml).values()
    low, high = min(printed), max(printed)
    return (low, high) if high > low * (1 + within) else None


def _ml(rate: Decimal) -> str:
    return f"{rate.normalize():f} mL/kg/h"


def _chain(rates: list[Decimal]) -> str:
    return " → ".join(f"{rate.normalize():f}" for rate in rates) + " mL/kg/h"


# ---- labels and names


def labels_stand(product: Product, file: str, indication_ids: Collection[str]) -> Iterator[CheckRow]:
    """Each label names its region and revision, and conditions that exist, each once."""
    for region, label in product.labels.items():
        where = f"{file}: {spelled(('labels', region))}"
        if label.region != region:
            yield _error(where, f"It stands under {region} but names {label.region}.", "Make the two the same.")
        if not label.revision.strip():
            yield _error(f"{where}.revision", "The label's revision is empty.", "Write the revision as printed.")
        served: dict[str, str] = {}
        for name, use in label.uses.items():
            there = f"{where}.uses.{spelled((name,))}"
            if not use.indications:
                yield _error(there, "The use serves no condition.", "Name at least one condition id.")
            for indication in use.indications:
                yield from _condition_exists(f"{there}.indications", indication, indication_ids)
                if indication in served:
                    yield CheckRow(
                        there,
                        Weight.WARNING,
                        f"{indication} is served by {served[indication]} already; a plan takes the first.",
                        "Name each condition in one use of a label.",
                    )
                served.setdefault(indication, name)
        for indication in label.not_labelled_for.items if label.not_labelled_for else ():
            yield from _condition_exists(f"{where}.not_labelled_for", indication, indication_ids)


def _condition_exists(where: str, name: str, known: Collection[str]) -> Iterator[CheckRow]:
    if name not in known:
        yield _error(where, f"No condition is called {name}.", "`ivigil knowledge list indications` lists them.")


def regimens_are_the_labels_own(product: Product, file: str) -> Iterator[CheckRow]:
    """A regimen under a label is of that label's region, ages do not cross, and an ordinary first maximum stands first."""
    for region, label in product.labels.items():
        for name, use in label.uses.items():
            where = f"{file}: {spelled(('labels', region, 'uses', name))}"
            for key, regimen in use.regimens.items():
                if regimen.region not in {"", region}:
                    yield _error(
                        f"{where}.regimens.{spelled((key,))}",
                        f"The regimen is of {regimen.region} and stands under the {region} label.",
                        "Move it to its own label.",
                    )
            if use.min_age is not None and use.max_age is not None and use.min_age.years > use.max_age.years:
                yield _error(where, "min_age is above max_age.", "Compare both with the label.")
            for key, table in use.rates.items():
                if table.tiers and table.tiers[0].after_infusions > 0:
                    yield _error(
                        f"{where}.rates.{spelled((key,))}.tiers",
                        "No maximum stands for a first infusion.",
                        "Begin with the maximum after 0 infusions.",
                    )


def policies_choose_what_exists(policies: Policies) -> Iterator[CheckRow]:
    """Choices are among those that a rule knows, and numbers lie where they mean something.

    A rule asks for one word and takes every other for its opposite; a slip of the pen must not choose.
    """
    for place, known in CHOICES.items():
        file, _, name = place.partition(".")
        value = getattr(getattr(policies, file), name).value
        if value not in known:
            yield _error(f"policy/{file}.toml: {name}", f"No choice is called {value}.", f"Write {' or '.join(known)}.")
    for place, (least, most) in NUMBERS.items():
        file, _, name = place.partition(".")
        number = getattr(getattr(policies, file), name).value
        if not least < number <= most:
            yield _error(
                f"policy/{file}.toml: {name}",
                f"{number} is not above {least} and at most {most}.",
                "Correct the number.",
            )


def words_are_clear(vocabulary: Vocabulary) -> Iterator[CheckRow]:
    """A name leads to one word of a list; a test's likely values are possible ones and its factors are positive."""
    for list_name in type(vocabulary).model_fields:
        first: dict[str, str] = {}
        for key, term in getattr(vocabulary, list_name).items():
            where = f"vocabulary/{list_name}.toml: {spelled((key,))}"
            for said in {name.casefold().replace("_", " ") for name in (key, term.name, *getattr(term, "also", ()))}:
                if first.setdefault(said, key) != key:
                    yield _error(where, f"{said!r} means {first[said]} too.", "Let it stand under one of them.")
    for key, test in vocabulary.labs.items():
        where = f"vocabulary/labs.toml: {spelled((key,))}"
        if any(factor <= 0 for factor in test.units.values()):
            yield _error(f"{where}.units", "A factor is not above zero.", "Correct the factor.")
        if test.possible is not None and test.likely is not None:
            (least, most), (low, high) = test.possible, test.likely
            if not least <= low < high <= most:
                yield _error(f"{where}.likely", "Likely values lie outside the possible ones.", "Correct the limits.")


def policies_name_what_exists(
    policies: Policies, vocabulary: Vocabulary, indication_ids: Collection[str]
) -> Iterator[CheckRow]:
    """Ids that policies name: conditions dosed by policy, conditions that exclude home, what rules out a medicine."""
    for name in policies.dose.proposed_g_per_kg:
        yield from _condition_exists("policy/dose.toml: proposed_g_per_kg", name, indication_ids)
    for name in policies.setting.home_excluding_conditions.items:
        if name not in vocabulary.conditions:
            yield _no_word("policy/setting.toml: home_excluding_conditions", name, "conditions")
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


def _risks() -> tuple[str, ...]:
    return get_args(rules.Risk)


def _no_word(where: str, word: str, lists: str) -> CheckRow:
    return _error(where, f"{word} is no word of {lists}.", "Add the word to vocabulary/ or correct it.")


# ---- rules


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
        yield _error(f"{where}.text", "The text does not end with a full stop.", "Write whole sentences.")
    if not remedy.strip():
        yield _error(f"{where}.remedy", "The rule names no remedy.", "Say what to do.")
    elif not remedy.strip().endswith("."):
        yield _error(f"{where}.remedy", "The remedy does not end with a full stop.", "Write whole sentences.")


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
            yield _error(
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
                yield _error(
                    f"{file}: {spelled(('rules', code))}",
                    f"The rule stands in {first[code]} too; only one of them counts.",
                    "Give one of them another code.",
                )
            first.setdefault(code, file)


# ---- the overlay


def overlay_waits(waiting: Mapping[str, Collection[str]]) -> Iterator[CheckRow]:
    """Overlay facts that are not applied until somebody confirms them again."""
    for place, paths in waiting.items():
        for path in paths:
            yield CheckRow(
                f"{place}.toml: {path}",
                Weight.WARNING,
                "This fact of the overlay waits: the shipped fact under it changed, so no plan is made with it.",
                "Confirm it against the label, write the new base and sign it anew (docs/how-to/overlay.md).",
            )


# ---- all of them


def check(knowledge: Knowledge) -> tuple[CheckRow, ...]:
    """Everything there is to check. A file that cannot be read is one row, and the others are checked without it."""
    rows: list[CheckRow] = []
    sources = _each(_one(lambda: knowledge.source_ids, rows) or (), knowledge.source, rows)
    products = _each(knowledge.product_ids, knowledge.product, rows)
    indications = _each(knowledge.indication_ids, knowledge.indication, rows)
    policies = _one(lambda: knowledge.policies, rows)
    vocabulary = _one(lambda: knowledge.vocabulary, rows)
    book = _one(lambda: knowledge.rules, rows)
    place = _rule_places(knowledge, rows)

    records: list[Located] = []
    for kind, found in (("products", products), ("indications", indications)):
        for name, record in found.items():
            records += located(f"{kind}/{name}.toml", record)
    for kind, whole in (("policy", policies), ("vocabulary", vocabulary)):
        for name in type(whole).model_fields if whole is not None else ():
            records += located(f"{kind}/{name}.toml", getattr(whole, name))
    for code, rule in (book or {}).items():
        records += located(place.get(code, "screening"), {"rules": {code: rule}})
    told = _one(lambda: leaflet_facts(knowledge), rows)
    records += () if told is None else located("leaflet/leaflet.toml", told)
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
        rows += starts_stand(product, file, knowledge.indication_ids, vocabulary.conditions if vocabulary else None)
        rows += starts_add_up(product, file)
        if vocabulary is not None:
            rows += limitations_hold(product, file, vocabulary)
        if policies is not None:
            within = policies.rate.printed_units_agree_within.value
            rows += ladders(product, file, within)
            rows += printed_units_agree(product, file, within)
    if policies is not None:
        rows += policies_choose_what_exists(policies)
    if vocabulary is not None:
        rows += words_are_clear(vocabulary)
    if policies is not None and vocabulary is not None:
        rows += policies_name_what_exists(policies, vocabulary, knowledge.indication_ids)
    if book is not None and vocabulary is not None:
        held = {key for product in products.values() for key in product.excipients or ()}
        rows += rules_hold(book, vocabulary, held, lambda code: place.get(code, "screening"))
    waiting = _one(knowledge.all_waiting, rows)
    rows += overlay_waits(waiting or {})
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
        got = "" if problem.value is None else f" It holds {problem.value!r}."
        rows.append(_error(problem.where, f"{problem.rule}{got}", problem.remedy))
        return None
