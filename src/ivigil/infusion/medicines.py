"""Medicines as they were given, against the protocol: too much or too little, by another route, or again too soon.

Each is shown and asked about, and counts as given: who stood there may have had a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.events import MedicineGiven
from ivigil.infusion.response import adrenaline_today, most_at_once
from ivigil.infusion.session import Session
from ivigil.knowledge.facts import Fact

MINUTE = timedelta(minutes=1)
MINUTES_PER_HOUR = 60


@dataclass(frozen=True)
class Amiss:
    """What is asked about a medicine that was given, with its sources."""

    code: str
    text: str
    policy: bool
    sources: tuple[str, ...]


def amiss(at: datetime, given: MedicineGiven, before: Session, bedside: Bedside) -> Iterable[Amiss]:
    """What does not fit the protocol about a medicine.

    Args:
        at: when it was given.
        given: as it was reported.
        before: the session just before it, with what had been given by then.
        bedside: protocol and patient.
    """
    yield from _too_much(given, before, bedside)
    yield from _too_little(given, before, bedside)
    yield from _another_route(given, bedside)
    yield from _too_soon(at, given, before, bedside)


def _too_much(given: MedicineGiven, session: Session, bedside: Bedside) -> Iterable[Amiss]:
    """A dose above the most that the protocol gives this patient at once: a slip of the point, or of the syringe."""
    found = most_at_once(given.medicine, session, bedside)
    if found is None or given.dose_mg is None or given.dose_mg <= found[0]:
        return
    most, sources = found
    text = f"{_name(given)} {given.dose_mg.normalize():f} mg; by the protocol at most {most.normalize():f} mg at once."
    yield Amiss("dose_above_protocol", text, policy=False, sources=sources)


def _too_little(given: MedicineGiven, session: Session, bedside: Bedside) -> Iterable[Amiss]:
    """Adrenaline below what is worked out for this patient and below the pen as well: it counts as given, and is no first aid."""
    if given.dose_mg is None or not bedside.protocol.is_adrenaline(given.medicine):
        return
    card = adrenaline_today(session, bedside)
    least = min(card.mg, card.pen_mg)
    if given.dose_mg < least:
        text = f"{_name(given)} {given.dose_mg.normalize():f} mg; by the protocol at least {least.normalize():f} mg."
        yield Amiss("dose_below_protocol", text, policy=False, sources=card.sources)


def _another_route(given: MedicineGiven, bedside: Bedside) -> Iterable[Amiss]:
    """Adrenaline by another route than the protocol's. A word that it does not know is asked about."""
    protocol = bedside.protocol
    route = protocol.adrenaline.route
    if not protocol.is_adrenaline(given.medicine) or not route.words:
        return
    said = _letters(given.route)
    if said & _letters(*route.others):
        yield _asked("other_route", f"{_name(given)} by the route {given.route!r}. {route.text}", route)
    elif not said & _letters(*route.words):
        text = f"{_name(given)} by the route {given.route!r}, which the protocol has no word for: which was it? {route.text}"
        yield _asked("route_unknown", text, route)


def _too_soon(at: datetime, given: MedicineGiven, before: Session, bedside: Bedside) -> Iterable[Amiss]:
    """The same medicine again before the protocol gives it again."""
    protocol = bedside.protocol
    name = protocol.medicine_called(given.medicine)
    rule = None if name is None else _every(name, bedside)
    earlier = [when for when, one in before.medicines if protocol.medicine_called(one.medicine) == name]
    if rule is None or not earlier or at - earlier[-1] >= rule[0]:
        return
    every, fact = rule
    text = (
        f"{_name(given)} again after {(at - earlier[-1]) // MINUTE} min; by the protocol after {every // MINUTE} min."
    )
    yield _asked("again_too_soon", text, fact)


def _every(name: str, bedside: Bedside) -> tuple[timedelta, Fact] | None:
    protocol = bedside.protocol
    if name == protocol.adrenaline_id:
        return bedside.minutes(protocol.adrenaline.repeat.min), protocol.adrenaline.repeat
    one = protocol.medicines[name]
    return None if one.every_h is None else (bedside.minutes(one.every_h * MINUTES_PER_HOUR), one)


def _asked(code: str, text: str, fact: Fact) -> Amiss:
    return Amiss(code, text, policy=fact.origin.value == "policy", sources=fact.src)


def _letters(*texts: str) -> frozenset[str]:
    """The words of some texts; i.m. and IM are one."""
    return frozenset(word for text in texts for word in re.findall(r"[^\W\d_]+", text.casefold().replace(".", "")))


def _name(given: MedicineGiven) -> str:
    return given.medicine.replace("_", " ")
