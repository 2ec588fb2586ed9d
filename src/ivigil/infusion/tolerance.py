"""What an infusion teaches for the next: the entry of the patient's history that it becomes.

The next plan reads it as data. What was borne can only shorten holds and open tiers there; every infusion starts at the
label's starting rate all the same, and a reaction caps the next maximum at the last rate borne without symptoms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.events import ContainerChanged
from ivigil.infusion.hanging import fitness
from ivigil.infusion.session import Session
from ivigil.infusion.workflow import Hanging, Lock
from ivigil.patient import ProductHistory, Reaction

OTHERS = frozenset({Hanging.OTHER_PRODUCT, Hanging.OTHER_CONCENTRATION})
HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True)
class Lesson:
    """What to add to the patient's record. ``uneventful`` counts toward home only if it was supervised and complete."""

    product: str
    given_at: datetime
    dose_g: Decimal
    rate_borne_ml_per_kg_h: Decimal | None
    uneventful: bool
    complete: bool
    supervised: bool
    reactions: tuple[Reaction, ...]


def lesson(
    session: Session,
    bedside: Bedside,
    given_g: Fraction,
    ever: tuple[tuple[datetime, str], ...],
    given: Iterable[ContainerChanged] = (),
) -> Lesson | None:
    """What a session taught; None if nothing was infused.

    Args:
        session: at its end.
        bedside: the plan, for the product and the weight that sets the rate.
        given_g: grams that were given.
        ever: every symptom that was present after the start, with when it began.
        given: the labels of what was given. A rate of another product or concentration is not borne of the plan's.
    """
    if session.started_at is None:
        return None
    known = bedside.protocol.symptoms
    worst = session.worst_ever
    ctcae = None if worst is None else bedside.protocol.responses[worst].ctcae
    kinds: dict[str, datetime] = {}
    for at, name in ever:
        kinds.setdefault(known[name].kind if name in known else "other", at)
    if session.lock is Lock.ANAPHYLAXIS:
        seen = [at for at in (session.criteria_at, session.anaphylaxis_at) if at is not None]
        kinds.setdefault("anaphylaxis", min(seen, default=session.started_at))
    elif worst is not None and not kinds:
        kinds["other"] = session.started_at
    reactions = tuple(Reaction(kind=kind, at=at, grade=ctcae) for kind, at in kinds.items())
    capped = (
        session.borne_ml_per_h if session.cap_ml_per_h is None else min(session.borne_ml_per_h, session.cap_ml_per_h)
    )
    per_kg = Fraction(bedside.ordered.rate_weight_kg)
    borne = Decimal(int(capped / per_kg * 100)) / 100
    labels = tuple(given)
    products = {one.product for one in labels} or {bedside.ordered.product}
    if any(fitness(one, bedside, session.started_at) in OTHERS for one in labels):
        borne = Decimal(0)
    return Lesson(
        product=products.pop() if len(products) == 1 else bedside.ordered.product,
        given_at=session.started_at,
        dose_g=(Decimal(given_g.numerator) / Decimal(given_g.denominator)).quantize(HUNDREDTH, rounding=ROUND_DOWN),
        rate_borne_ml_per_kg_h=borne or None,
        uneventful=worst is None
        and session.lock is Lock.FREE
        and session.ended_at is not None
        # Nobody looked: that nothing was seen says nothing.
        and session.borne_ml_per_h > 0
        and not session.deviations,
        complete=given_g >= Fraction(bedside.infusion.dose_g) * (1 - Fraction(bedside.protocol.complete_within.value)),
        supervised=session.opened is not None and session.opened.supervised,
        reactions=reactions,
    )


def remembered(learned: Lesson, before: ProductHistory | None) -> ProductHistory:
    """The product's entry in the patient's history after this infusion.

    A rate borne is the highest ever borne, unless this infusion brought a reaction: then the lower of the two.
    """
    known = () if before is None else before.reactions
    earlier = None if before is None else before.rate_borne_ml_per_kg_h
    borne = learned.rate_borne_ml_per_kg_h
    if borne is not None and earlier is not None:
        borne = min(borne, earlier) if learned.reactions else max(borne, earlier)
    counts = learned.uneventful and learned.complete and learned.supervised
    return ProductHistory(
        product=learned.product,
        last_given_at=learned.given_at,
        infusions=1 + (0 if before is None else before.infusions),
        uneventful_supervised_infusions=int(counts) + (0 if before is None else before.uneventful_supervised_infusions),
        rate_borne_ml_per_kg_h=borne if borne is not None or learned.reactions else earlier,
        last_dose_g=learned.dose_g or None,
        # Whether there were earlier ones stays unknown only while there is none to tell: a reaction is never left out.
        reactions=None if known is None and not learned.reactions else (*(known or ()), *learned.reactions),
    )
