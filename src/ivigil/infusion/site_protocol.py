"""What a site's protocol may not say beside the shipped one: it tightens what restricts, and chooses among what was read.

A whole file and single lines of an overlay are held to the same rules (:func:`looser`); the form is checked before
(:mod:`ivigil.infusion.protocols`). Numbers stand in the shipped protocol, none here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel

from ivigil.errors import is_hidden
from ivigil.infusion.protocols import CHOOSES
from ivigil.knowledge.protocol import DoseBand, DoseRule, Grade, Protocol, ProtocolMedicine, VitalTrigger
from ivigil.sources import Origin

#: A sentence that nobody reads at a chair, and that no page holds.
LONGEST_TEXT = 400
#: What an order of words says, weakest first.
FLOWS = ("slow_or_pause", "pause", "stop")
TELLINGS = ("team", "prescriber", "emergency")
#: Grades after which nothing goes on: their steps are first aid, word for word.
LOCKED = (Grade.SEVERE, Grade.LIFE_THREATENING)
#: A trigger speaks earlier the smaller, or the larger, these are.
EARLIER_IF_LESS = ("at_least", "above", "rise_at_least", "fall_at_least", "fall_share_above")
EARLIER_IF_MORE = ("at_most", "below")
#: Fields of a fact that no page prints.
NOT_SHOWN = frozenset({"src", "place", "note", "by", "origin", "read"})
_GOES_ON = re.compile(r"\b(resum\w*|re-?start\w*|goes? on|carry on|continu\w*)\b", re.IGNORECASE)
_OTHER_ROUTE = re.compile(r"\b(vein|iv|i\.v|intravenous\w*|skin|subcutaneous\w*|mouth|oral\w*)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[.;:\n]\s+")


@dataclass(frozen=True)
class Looser:
    """A line of a site's protocol that gives way: its place and value, the rule, and what to write."""

    where: str
    value: str | None
    rule: str
    remedy: str


def looser(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    """Every line in which a site's protocol gives way where the shipped one holds.

    Args:
        site: a protocol of the right form.
        shipped: the one without any overlay.
    """
    for rule in RULES:
        yield from rule(site, shipped)


# ---- what stands there restricts


def _left_out(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    for (where, theirs), (_, ours) in zip(_listed(site, shipped), _listed(shipped, shipped), strict=True):
        for name in ours:
            if name not in theirs:
                yield Looser(
                    where,
                    None,
                    f"{name!r} is missing: what the shipped protocol holds there is never left out.",
                    f"Put {name!r} back; it may be made stricter.",
                )
    if not site.roles.items:
        yield Looser("roles", None, "Somebody writes in a session.", "Name the roles that do.")


def _relays(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    """A site names its own professions; who is treated, or cares at home, writes no prescriber's word."""
    for name in site.relays.items:
        if name in shipped.roles.items and name not in shipped.relays.items:
            yield Looser(
                "relays",
                name,
                "Going on, a lifted limit and leaving after a severe reaction are written by a professional.",
                f"Leave {name!r} out.",
            )
    if not site.relays.items:
        yield Looser("relays", None, "Somebody writes what a prescriber said.", "Name the roles that do.")


def _listed(one: Protocol, shipped: Protocol) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Places that restrict by what is in them."""
    yield "symptoms", tuple(one.symptoms)
    yield "triggers", tuple(one.triggers)
    yield "call", tuple(one.call)
    yield "anaphylaxis", tuple(one.anaphylaxis)
    yield "never_restart_after", one.never_restart_after.items
    yield "observing.set_of", tuple(sign.value for sign in one.observing.set_of)
    yield "adrenaline.also", tuple(name.casefold() for name in one.adrenaline.also)
    for setting in shipped.checks:
        yield f"checks.{setting}", one.checks[setting].items if setting in one.checks else ()
    for grade in Grade:
        yield f"responses.{grade.value}.steps", tuple(one.responses[grade].steps)
    for name in shipped.symptoms:
        yield f"symptoms.{name}.steps", tuple(one.symptoms[name].steps) if name in one.symptoms else ()


def _numbers(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    for where, theirs, ours in _paired(site, shipped, _at_most):
        if theirs > ours:
            yield Looser(where, str(theirs), f"The shipped protocol says {ours}; more is looser.", f"At most {ours}.")
    for where, theirs, ours in _paired(site, shipped, _at_least):
        if theirs < ours:
            yield Looser(where, str(theirs), f"The shipped protocol says {ours}; less is looser.", f"At least {ours}.")
    if site.weight_tolerance_child.value > site.weight_tolerance_adult.value:
        yield Looser(
            "weight_tolerance_child",
            str(site.weight_tolerance_child.value),
            "A child's weight is held to no wider a tolerance than an adult's.",
            f"At most {site.weight_tolerance_adult.value}.",
        )
    for sign, (least, most) in site.possible.items():
        ours_least, ours_most = shipped.possible[sign]
        where, value = f"possible.{sign.value}", f"{least} to {most}"
        if not ours_least <= least < most <= ours_most:
            yield Looser(
                where,
                value,
                "Beyond the shipped limits a value is a slip of the pen.",
                f"Two numbers, the lower first, from {ours_least} to {ours_most}.",
            )
        elif (least, most) != (ours_least, ours_most):
            yield Looser(
                where,
                value,
                "Narrower limits refuse the values of whoever is sickest, and no alarm sees them.",
                f"Write [{ours_least}, {ours_most}].",
            )


def _paired(
    site: Protocol, shipped: Protocol, read: Callable[[Protocol], Iterable[tuple[str, Decimal | int]]]
) -> Iterable[tuple[str, Decimal | int, Decimal | int]]:
    ours = dict(read(shipped))
    return ((where, value, ours[where]) for where, value in read(site) if where in ours)


def _at_most(one: Protocol) -> Iterable[tuple[str, Decimal | int]]:
    yield "weight_tolerance_adult", one.weight_tolerance_adult.value
    yield "weight_tolerance_child", one.weight_tolerance_child.value
    yield "adult_from_years", one.adult_from_years.value
    yield "concentration_tolerance", one.concentration_tolerance.value
    yield "complete_within", one.complete_within.value
    yield "pack_valid_h", one.pack_valid_h.value
    yield "long_pause", one.long_pause.min
    yield "early_most", one.early_most.min
    yield "observing.grace", one.observing.grace.min
    yield "observing.clock_ahead_most", one.observing.clock_ahead_most.value
    yield "observing.clock_behind_most", one.observing.clock_behind_most.value
    yield "observing.told_late_after", one.observing.told_late_after.value
    yield "adrenaline.repeat", one.adrenaline.repeat.min
    yield "adrenaline.refractory_after_doses", one.adrenaline.refractory_after_doses.count


def _at_least(one: Protocol) -> Iterable[tuple[str, Decimal | int]]:
    yield "adult_from_years", one.adult_from_years.value
    yield "adrenaline.adult_from_years", one.adrenaline.adult_from_years.value
    for grade, row in one.responses.items():
        if row.wait is not None:
            yield f"responses.{grade.value}.wait", row.wait.min


# ---- grades, limits, words


def _symptoms(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    for name, ours in shipped.symptoms.items():
        one = site.symptoms.get(name)
        if one is None:
            continue
        for key in ("least", "grade"):
            theirs, limit = getattr(one, key), getattr(ours, key)
            if theirs.rank < limit.rank:
                yield _weaker(f"symptoms.{name}.{key}", theirs.value, limit.value)
        if one.kind != ours.kind:
            yield _other(f"symptoms.{name}.kind", one.kind, ours.kind)
        if missing := [sign.value for sign in ours.signs if sign not in one.signs]:
            yield Looser(
                f"symptoms.{name}.signs",
                ", ".join(one.signs) or None,
                f"Without {missing[0]!r} anaphylaxis is not seen by its criteria.",
                f"Put {missing[0]!r} back.",
            )
        if ours.ends_access and not one.ends_access:
            yield _weaker(f"symptoms.{name}.ends_access", "false", "true")


def _triggers(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    for name, ours in shipped.triggers.items():
        one = site.triggers.get(name)
        if one is None:
            continue
        if (one.sign, one.role) != (ours.sign, ours.role):
            yield _other(f"triggers.{name}", f"{one.sign.value}, {one.role}", f"{ours.sign.value}, {ours.role}")
        theirs, wanted = (row.grade.rank if row.grade else -1 for row in (one, ours))
        if theirs < wanted and ours.grade is not None:
            yield _weaker(f"triggers.{name}.grade", one.grade.value if one.grade else "ask", ours.grade.value)
        later = tuple(_later(one, ours))
        yield from _unsaid(f"triggers.{name}.text", one, later)
        for key in later:
            yield Looser(
                f"triggers.{name}.{key}",
                _shown(getattr(one, key)),
                "It speaks later, or for fewer, than the shipped limit"
                + (f" of {_shown(limit)}." if (limit := getattr(ours, key)) not in (None, ()) else ", which has none."),
                "A site's limit speaks as early, or earlier.",
            )


def _unsaid(where: str, one: VitalTrigger, wrong: tuple[str, ...]) -> Iterable[Looser]:
    """A limit or words of a site's own that do not say the same figure: the page and the alarm would not agree."""
    figures = {Decimal(told.replace(",", ".")) for told in re.findall(r"\d+(?:[.,]\d+)?", one.text)}
    for key in (*EARLIER_IF_LESS, *EARLIER_IF_MORE):
        limit = getattr(one, key)
        if limit is None or key in wrong:
            continue
        figure = limit * 100 if key == "fall_share_above" else limit
        if figure not in figures:
            said = f"{figure.normalize():f}"
            yield Looser(
                where, one.text, f"It does not say {said}, from which it is told.", f"Write {said} into the text."
            )


def _later(one: VitalTrigger, ours: VitalTrigger) -> Iterable[str]:
    """The parts of a limit by which it speaks later, or for fewer patients, than ours."""
    for key in (*EARLIER_IF_LESS, *EARLIER_IF_MORE):
        given, limit = getattr(one, key), getattr(ours, key)
        if given is None:
            continue
        if limit is None or (given > limit if key in EARLIER_IF_LESS else given < limit):
            yield key
    if (one.below_plus_per_year or 0) < (ours.below_plus_per_year or 0):
        yield "below_plus_per_year"
    if one.from_years is not None and one.from_years > (ours.from_years or 0):
        yield "from_years"
    if one.below_years is not None and (ours.below_years is None or one.below_years < ours.below_years):
        yield "below_years"
    if one.only_with and (not ours.only_with or not set(ours.only_with) <= set(one.only_with)):
        yield "only_with"


def _responses(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    for grade, ours in shipped.responses.items():
        one, where = site.responses[grade], f"responses.{grade.value}"
        if one.ctcae != ours.ctcae:
            yield _other(f"{where}.ctcae", str(one.ctcae), str(ours.ctcae))
        if FLOWS.index(one.flow.value) < FLOWS.index(ours.flow.value):
            yield _weaker(f"{where}.flow", one.flow.value, ours.flow.value)
        if TELLINGS.index(one.tell.value) < TELLINGS.index(ours.tell.value):
            yield _weaker(f"{where}.tell", one.tell.value, ours.tell.value)
        if one.restart.value not in (ours.restart.value, "never") and one.restart.origin is Origin.POLICY:
            yield Looser(
                f"{where}.restart",
                one.restart.value,
                "Another way to go on is one that was read, not a policy.",
                f"Write {ours.restart.value}, or cite the page with its origin.",
            )
        if grade not in LOCKED:
            continue
        for key, step in one.steps.items():
            if key in ours.steps and step.text != ours.steps[key].text:
                yield _word_for_word(f"{where}.steps.{key}", step.text, ours.steps[key].text)
            elif key not in ours.steps and _GOES_ON.search(step.text):
                yield Looser(
                    f"{where}.steps.{key}",
                    step.text,
                    f"After a {grade.value.replace('_', '-')} reaction no step speaks of going on.",
                    "Take it out: nothing is resumed.",
                )
        for name in one.medicines.items if one.medicines else ():
            if site.medicines[name].never_first_in_anaphylaxis:
                yield Looser(
                    f"{where}.medicines",
                    name,
                    "Anaphylaxis is in doubt here: nothing that never comes first in it stands here.",
                    f"Take {name!r} out.",
                )


def _bars(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    for code, ours in shipped.bars.items():
        if (one := site.bars.get(code)) is None:
            continue
        if one.text != ours.text:
            yield _word_for_word(f"bars.{code}.text", one.text, ours.text)
        if ours.remedy.startswith("Never") and one.remedy != ours.remedy:
            yield _word_for_word(f"bars.{code}.remedy", one.remedy, ours.remedy)


def _calls(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    for setting, one in site.call.items():
        ours = shipped.call[setting]
        for region in sorted({*ours.by_region, *one.by_region}):
            told = one.by_region.get(region, one.otherwise)
            if not any(map(str.isdigit, told)):
                yield Looser(
                    f"call.{setting}.by_region.{region}",
                    told,
                    "Whom to call is a number, where the shipped protocol has one.",
                    f"Write the number, as {region} = {ours.by_region.get(region, '2222')!r}.",
                )
    for setting, one in site.call.items():
        told, wanted = one.otherwise, shipped.call[setting].otherwise
        if setting != "hospital" and told != wanted and not any(map(str.isdigit, told)):
            yield Looser(
                f"call.{setting}.otherwise",
                told,
                "Whom to call in every other region is a number, or the shipped words.",
                f"Write the number, or {wanted!r}.",
            )
    for where, regions in (
        *((f"call.{setting}.by_region", one.by_region) for setting, one in site.call.items()),
        ("adrenaline.scheme_of_region", site.adrenaline.scheme_of_region),
    ):
        for region in regions:
            if not re.fullmatch(r"[A-Z]{2,3}", region):
                yield Looser(where, region, "A region is written in capitals; no other is found.", "Write it as US.")


# ---- doses


def _adrenaline(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    theirs, ours = site.adrenaline, shipped.adrenaline
    for where, said, told in (
        ("adrenaline_id", site.adrenaline_id, shipped.adrenaline_id),
        ("adrenaline.name", theirs.name, ours.name),
        ("adrenaline.route", theirs.route.text, ours.route.text),
        ("adrenaline.position", theirs.position.text, ours.position.text),
    ):
        if said != told:
            yield _word_for_word(where, said, told)
    if theirs.adult_from_years.value > shipped.adult_from_years.value:
        yield Looser(
            "adrenaline.adult_from_years",
            str(theirs.adult_from_years.value),
            "An adult is given an adult's dose.",
            f"At most {shipped.adult_from_years.value}.",
        )
    by_weight = {name for name, rule in theirs.schemes.items() if rule.mg_per_kg is not None}
    for name in sorted(by_weight ^ set(theirs.child_caps_mg)):
        yield Looser(
            f"adrenaline.child_caps_mg.{name}",
            None,
            "Each scheme by weight has its child's cap, and no other has one.",
            "Name it as the scheme is named.",
        )
    lowest = min(cap.value for cap in ours.child_caps_mg.values())
    for name, cap in theirs.child_caps_mg.items():
        if cap.value < lowest:
            yield _too_little(f"adrenaline.child_caps_mg.{name}", cap.value, lowest)
    for name, rule in theirs.schemes.items():
        yield from _scheme(f"adrenaline.schemes.{name}", rule, tuple(ours.schemes.values()), lowest)
    yield from _pens(site, shipped)


def _scheme(where: str, rule: DoseRule, read: tuple[DoseRule, ...], lowest_cap: Decimal) -> Iterable[Looser]:
    """A whole way to dose adrenaline, against those of its kind that were read: neither more nor less."""
    if rule.origin is Origin.POLICY:
        yield _no_policy(where)
    if rule.mg_per_kg is not None:
        per_kg = [one.mg_per_kg for one in read if one.mg_per_kg is not None]
        if rule.mg_per_kg < min(per_kg):
            yield _too_little(where, rule.mg_per_kg, min(per_kg))
        if rule.cap_mg is not None and rule.cap_mg < lowest_cap:
            yield _too_little(f"{where}.cap_mg", rule.cap_mg, lowest_cap)
    elif not rule.bands:
        yield Looser(where, str(rule.mg), "One dose for every age fits no child.", "Dose it by weight, or by age.")
    theirs = [one.bands for one in read if one.bands]
    for years in sorted({band.from_years for bands in (rule.bands, *theirs) for band in bands}):
        band = _band(rule.bands, years)
        if band is None:
            continue
        ours = [found for bands in theirs if (found := _band(bands, years)) is not None]
        most, least = max(one.mg_max or one.mg for one in ours), min(one.mg for one in ours)
        if max(band.mg, band.mg_max or band.mg) > most:
            yield Looser(
                f"{where}.bands",
                f"{band.mg_max or band.mg} mg from {years} years",
                f"No source read gives more than {most} mg at that age.",
                CHOOSES,
            )
        if band.mg < least:
            yield _too_little(f"{where}.bands", f"{band.mg} mg from {years} years", least)
        if band.mg_max is not None and band.mg_max < band.mg:
            yield Looser(f"{where}.bands", f"{band.mg} to {band.mg_max} mg", "A range rises.", "Write the lower first.")
        if any(one.note for one in ours) and not band.note:
            yield Looser(f"{where}.bands", f"from {years} years", f"The note is missing: {ours[0].note}.", "Add it.")


def _band(bands: tuple[DoseBand, ...], years: Decimal) -> DoseBand | None:
    return next(
        (one for one in bands if one.from_years <= years and (one.below_years is None or years < one.below_years)), None
    )


def _pens(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    """At each weight the pen that was read for it, or a stronger one that is still within the dose by weight."""
    rules = [rule for rule in shipped.adrenaline.schemes.values() if rule.mg_per_kg is not None]
    for kg in sorted({pen.from_kg for one in (site, shipped) for pen in one.adrenaline.pens.values()}):
        (name, mg), (_, ours) = _pen(site, kg), _pen(shipped, kg)
        most = max(ours, *(min((rule.mg_per_kg or 0) * kg, rule.cap_mg or 0) for rule in rules))
        if not ours <= mg <= most:
            yield Looser(
                f"adrenaline.pens.{name}",
                f"{mg} mg at {kg} kg",
                f"What was read for {kg} kg is {ours} mg" + (f", and at most {most} mg." if most > ours else "."),
                "Correct the dose, or the weight from which it is given.",
            )


def _pen(one: Protocol, kg: Decimal) -> tuple[str, Decimal]:
    return next(
        (name, pen.mg)
        for name, pen in one.adrenaline.pens.items()
        if pen.from_kg <= kg and (pen.below_kg is None or kg < pen.below_kg)
    )


def _medicines(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    for name, one in site.medicines.items():
        where, ours = f"medicines.{name}", shipped.medicines.get(name)
        if any(map(shipped.is_adrenaline, (name, one.name, *one.also))):
            yield Looser(
                where, one.name, "Adrenaline stands in [adrenaline], into the muscle, and nowhere else.", "Take it out."
            )
        for who in ("adult", "child"):
            rule: DoseRule | None = getattr(one, who)
            if rule is None:
                continue
            if rule.origin is Origin.POLICY:
                yield _no_policy(f"{where}.{who}")
            ranges = ((rule.mg, rule.mg_max), *((band.mg, band.mg_max) for band in rule.bands))
            for mg, most in ranges:
                if mg is not None and most is not None and most < mg:
                    yield Looser(f"{where}.{who}", f"{mg} to {most} mg", "A range rises.", "Lower first.")
        if ours is not None:
            yield from _known_medicine(where, one, ours)


def _known_medicine(where: str, one: ProtocolMedicine, ours: ProtocolMedicine) -> Iterable[Looser]:
    if ours.never_first_in_anaphylaxis and not one.never_first_in_anaphylaxis:
        yield _weaker(f"{where}.never_first_in_anaphylaxis", "false", "true")
    if not set(re.findall(r"\w+", one.route.casefold())) <= set(re.findall(r"\w+", ours.route.casefold())):
        yield Looser(f"{where}.route", one.route, f"The route that was read: {ours.route}.", "Write it, or a part.")
    if ours.caution and not one.caution.strip():
        yield Looser(f"{where}.caution", None, "Its caution is missing.", f"Put it back: {ours.caution}")
    if ours.every_h is not None and (one.every_h is None or one.every_h < ours.every_h):
        told = None if one.every_h is None else str(one.every_h)
        yield Looser(
            f"{where}.every_h", told, f"It was read as given every {ours.every_h} h.", f"At least {ours.every_h}."
        )
    if ours.child is not None and one.child is not None:
        yield from _child(f"{where}.child", one.child, ours.child)
    most = [dose for dose in (ours.adult.mg, ours.adult.mg_max) if dose is not None] if ours.adult else []
    if ours.child is None and one.child is not None and most:
        given = [one.child.mg, one.child.mg_max, one.child.cap_mg, *(b.mg_max or b.mg for b in one.child.bands)]
        if max(dose for dose in given if dose is not None) > max(most):
            yield Looser(
                f"{where}.child",
                str(max(dose for dose in given if dose is not None)),
                f"A child is given no more than the adult's {max(most)} mg.",
                "Correct it.",
            )


def _child(where: str, given: DoseRule, read: DoseRule) -> Iterable[Looser]:
    """At each age no more than was read for it, and nothing where nothing was."""
    if read.mg_per_kg is not None and given.mg_per_kg is None:
        yield Looser(
            where,
            None,
            "The dose that was read goes by weight: any other is too much for a small child.",
            "Write mg_per_kg with its cap_mg.",
        )
    if not read.bands:
        return
    for years in sorted({Decimal(0), *(band.from_years for band in (*given.bands, *read.bands))}):
        dose, ours = _most_at(given, years), _most_at(read, years)
        if dose is None or (ours is not None and dose <= ours):
            continue
        told = f"{dose} mg from {years} years"
        if ours is None:
            yield Looser(
                where,
                told,
                "No source read gives a dose at that age.",
                "Begin where it was read to begin; before, the prescriber is asked.",
            )
        else:
            yield Looser(where, told, f"No source read gives more than {ours} mg at that age.", CHOOSES)


def _most_at(rule: DoseRule, years: Decimal) -> Decimal | None:
    """The most (mg) that a rule gives at an age, whatever the weight; None where it gives nothing."""
    band = _band(rule.bands, years) if rule.bands else None
    found = (band.mg, band.mg_max) if band is not None else (rule.mg, rule.mg_max, rule.cap_mg)
    return max((mg for mg in found if mg is not None), default=None)


# ---- texts


def _texts(site: Protocol, shipped: Protocol) -> Iterable[Looser]:
    known = {text for _, text in _said(shipped)}
    for where, text in _said(site):
        if any(map(is_hidden, text)):
            yield Looser(
                where,
                text.encode("ascii", "backslashreplace").decode()[:LONGEST_TEXT],
                "It holds a sign that nobody sees, or that turns the direction of writing.",
                "Write it anew.",
            )
        if len(text) > LONGEST_TEXT:
            yield Looser(
                where, f"{text[:40]}…", f"A line at the chair has at most {LONGEST_TEXT} characters.", "Shorten it."
            )
        if text in known:
            continue
        for sentence in _SENTENCE.split(text):
            if shipped.is_adrenaline(sentence) and _OTHER_ROUTE.search(sentence):
                yield Looser(
                    where, sentence, "Adrenaline goes into the muscle; no site gives it another way.", "Take it out."
                )


def _said(part: object, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a protocol that somebody reads, with its place."""
    if isinstance(part, str):
        yield where, part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            if name not in NOT_SHOWN:
                yield from _said(getattr(part, name), f"{where}.{name}".lstrip("."))
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from _said(str(getattr(key, "value", key)), where)
            yield from _said(value, f"{where}.{getattr(key, 'value', key)}".lstrip("."))
    elif isinstance(part, tuple):
        for one in part:
            yield from _said(one, where)


# ---- how it is said


def _shown(value: object) -> str:
    """A figure as it is written, words with commas."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _weaker(where: str, value: str, limit: str) -> Looser:
    return Looser(
        where, value, f"It is weaker than the shipped protocol's {limit!r}.", f"Write {limit!r}, or stricter."
    )


def _other(where: str, value: str, wanted: str) -> Looser:
    return Looser(where, value, f"The shipped protocol says {wanted!r}, by which it is found.", f"Write {wanted!r}.")


def _word_for_word(where: str, value: str, wanted: str) -> Looser:
    return Looser(where, value, "This line of first aid stands word for word.", f"Write: {wanted}")


def _too_little(where: str, value: object, least: Decimal) -> Looser:
    return Looser(
        where, str(value), f"No source read gives less than {least}: first aid is never withheld.", f"At least {least}."
    )


def _no_policy(where: str) -> Looser:
    return Looser(where, None, "A dose is read on a page; policy is none.", "Cite the page, with origin and read.")


RULES: tuple[Callable[[Protocol, Protocol], Iterable[Looser]], ...] = (
    _left_out,
    _relays,
    _numbers,
    _symptoms,
    _triggers,
    _responses,
    _bars,
    _calls,
    _adrenaline,
    _medicines,
    _texts,
)
