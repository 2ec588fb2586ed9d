"""What to do about a reaction: the protocol's steps for its grade, with this patient's doses and numbers.

Advice states its basis. One action needs no grade and no vital sign: :func:`as_anaphylaxis`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.doses import AdrenalineDose, MedicineDose, adrenaline_dose, medicine_dose
from ivigil.infusion.events import Check
from ivigil.infusion.session import Session
from ivigil.infusion.signs import Criterion
from ivigil.infusion.workflow import Lock
from ivigil.knowledge.facts import Fact
from ivigil.knowledge.protocol import Grade, Response


@dataclass(frozen=True)
class Line:
    """One line of advice. ``policy``: no source settles it."""

    text: str
    policy: bool
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Advice:
    """What to do now. ``adrenaline`` stands first whenever it stands at all, and nothing is to be done before it."""

    grade: Grade
    ctcae: int
    ctcae_version: str
    flow: str
    tell: str
    call: str
    criteria: tuple[Criterion, ...]
    adrenaline: AdrenalineDose | None
    steps: tuple[Line, ...]
    medicines: tuple[MedicineDose, ...]
    restart: str
    wait_min: int | None
    asked: tuple[Line, ...]
    protocol: str


def advice(session: Session, bedside: Bedside) -> Advice | None:
    """What the protocol says about what is present now; None when nothing is.

    Adrenaline comes with either set of criteria, with a life-threatening reaction, and once somebody treats it as
    anaphylaxis.
    """
    asked = tuple(
        Line(one.trigger.text, policy=one.trigger.origin.value == "policy", sources=one.trigger.src)
        for one in session.met
        if one.trigger.grade is None
    )
    grade = session.reaction
    if session.anaphylaxis_at is not None or session.criteria:
        return _advice(_at_least_severe(grade), session.criteria, asked, session, bedside, adrenaline=True)
    if grade is None:
        return None
    if session.lock is Lock.SEVERE:
        # Graded down since, it is still the severe reaction that ended the infusion.
        grade = _at_least_severe(grade)
    return _advice(grade, (), asked, session, bedside, adrenaline=adrenaline_first(grade))


def adrenaline_first(grade: Grade) -> bool:
    """Whether a grade alone, without any criterion met, calls for adrenaline."""
    return grade is Grade.LIFE_THREATENING


def as_anaphylaxis(session: Session, bedside: Bedside) -> Advice:
    """What to do when somebody decides to treat it as anaphylaxis: at any moment, without a grade or a vital sign."""
    return _advice(_at_least_severe(session.reaction), session.criteria, (), session, bedside, adrenaline=True)


def _at_least_severe(grade: Grade | None) -> Grade:
    return grade if grade is Grade.LIFE_THREATENING else Grade.SEVERE


def _advice(
    grade: Grade,
    criteria: tuple[Criterion, ...],
    asked: tuple[Line, ...],
    session: Session,
    bedside: Bedside,
    *,
    adrenaline: bool,
) -> Advice:
    protocol, ordered = bedside.protocol, bedside.ordered
    response: Response = protocol.responses[grade]
    setting = session.opened.setting if session.opened else ordered.setting
    call = protocol.call[setting]
    return Advice(
        grade=grade,
        ctcae=response.ctcae,
        ctcae_version=protocol.ctcae_version.text,
        flow=response.flow.value,
        tell=response.tell.value,
        call=call.by_region.get(ordered.region, call.otherwise),
        criteria=criteria,
        adrenaline=adrenaline_today(session, bedside) if adrenaline else None,
        steps=(*_own_steps(session, bedside), *(line(step.text, step) for step in response.steps.values())),
        medicines=medicines_of(response, weight_today(session, bedside), bedside, adrenaline=adrenaline),
        restart=response.restart.value if session.lock is Lock.FREE else "never",
        wait_min=response.wait.min if response.wait is not None and session.lock is Lock.FREE else None,
        asked=asked,
        protocol=protocol.name,
    )


def medicines_of(
    response: Response, weight_kg: Decimal, bedside: Bedside, *, adrenaline: bool
) -> tuple[MedicineDose, ...]:
    """A grade's medicines for this patient; where adrenaline comes first, none that must not come before it."""
    protocol = bedside.protocol
    return tuple(
        medicine_dose(
            name, protocol.medicines[name], bedside.ordered.age_years, weight_kg, protocol.adult_from_years.value
        )
        for name in (response.medicines.items if response.medicines else ())
        if not (adrenaline and protocol.medicines[name].never_first_in_anaphylaxis)
    )


def most_at_once(medicine: str, session: Session, bedside: Bedside) -> tuple[Decimal, tuple[str, ...]] | None:
    """The most (mg) that the protocol gives this patient of a medicine at once, with its sources; None: it does not say.

    A pen holds what it holds: the one for this weight is no overdose.
    """
    protocol, ordered = bedside.protocol, bedside.ordered
    if protocol.is_adrenaline(medicine):
        card = adrenaline_today(session, bedside)
        return max(card.mg_max or card.mg, card.pen_mg), card.sources
    name = protocol.medicine_called(medicine)
    if name is None:
        return None
    one = protocol.medicines[name]
    weight, adult_from = weight_today(session, bedside), protocol.adult_from_years.value
    dose = medicine_dose(name, one, ordered.age_years, weight, adult_from)
    return None if dose.mg is None else (max(dose.mg, dose.mg_max or dose.mg), dose.sources)


def _own_steps(session: Session, bedside: Bedside) -> tuple[Line, ...]:
    """What is done about a present symptom itself, before what its grade asks for."""
    known = bedside.protocol.symptoms
    return tuple(
        line(step.text, step) for name in session.symptoms if name in known for step in known[name].steps.values()
    )


def line(text: str, fact: Fact) -> Line:
    """A line of advice with the basis of its fact."""
    return Line(text, policy=fact.origin.value == "policy", sources=fact.src)


def adrenaline_today(session: Session, bedside: Bedside) -> AdrenalineDose:
    """Adrenaline for this patient, by the scheme of the patient's region."""
    ordered = bedside.ordered
    return adrenaline_dose(
        bedside.protocol.adrenaline, ordered.age_years, weight_today(session, bedside), ordered.region
    )


def weight_today(session: Session, bedside: Bedside) -> Decimal:
    """The weight (kg) that doses of first aid go by: today's while it lies within the tolerance, else the plan's.

    A weight beyond it starts no infusion and may be a slip (7 kg for 70); the plan's is the one that was checked and signed,
    and the one that the pack's card goes by.
    """
    taken = session.checks.get(Check.WEIGHT)
    if taken is None or taken.weight_kg is None or not bedside.within_tolerance(taken.weight_kg):
        return bedside.ordered.weight_kg
    return taken.weight_kg
