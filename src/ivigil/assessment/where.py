"""Where infusions may be given: the policy in its numbers, and what it means for this patient. The plan decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from ivigil.assessment.home import Reason, against_home, emergency, supervised
from ivigil.assessment.lines import Line, Met, Part, line_of
from ivigil.assessment.screening import Circumstances
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.policies import SettingPolicy
from ivigil.knowledge.products import Product
from ivigil.knowledge.vocabulary import Vocabulary
from ivigil.patient import Setting


class SettingPoint(Part):
    """One part of the policy on home, put to this patient.

    The record never holds ``supervisor`` and ``kit``: they stay ``not_recorded`` and are settled before each infusion.
    ``infusions`` stands once for each product given; one product with enough will do.
    """

    of: Literal["indication", "conditions", "reactions", "infusions", "supervisor", "kit"]
    status: Met
    line: Line


class SettingHere(Part):
    """The policy for this patient: the wish if one is recorded, and whether the record fulfils what home asks of it.

    ``home`` leaves out supervisor and kit, and what only a plan knows: product, dose and part of treatment.
    """

    wish: Setting | None
    home: Met
    line: Line
    points: tuple[SettingPoint, ...]


def setting_lines(policy: SettingPolicy) -> tuple[Line, ...]:
    """The policy in its own numbers."""
    needed, grade, below = (
        policy.home_after_uneventful_supervised,
        policy.home_excluding_from_grade,
        policy.home_off_label_below_g_per_kg,
    )
    against = ", ".join(policy.home_excluding_conditions.items).replace("_", " ")
    return (
        line_of(
            f"The first infusions of each product are given in {policy.first_setting.value}.", policy.first_setting
        ),
        line_of(
            f"Home only after {needed.value} uneventful supervised infusions of the same product, with a named supervisor.",
            needed,
        ),
        line_of(f"Home only for {' or '.join(policy.home_phases.items)}.", policy.home_phases),
        line_of(f"Off label at home only below {below.value.normalize():f} g/kg a course.", below),
        line_of(f"Home only with a complete kit: {', '.join(policy.home_kit.items)}.", policy.home_kit),
        line_of(f"Not at home with: {against}.", policy.home_excluding_conditions),
        line_of(
            f"Not at home after a severe reaction to immunoglobulin, or any of grade {grade.value} or more.", grade
        ),
    )


def setting_here(
    about: Circumstances,
    policy: SettingPolicy,
    words: Vocabulary,
    indication: Indication,
    products: Iterable[Product],
) -> SettingHere:
    """The policy put to this patient: each part met, not met or not recorded."""
    reasons = against_home(about, policy, words)
    parts = (
        _indication(indication, policy),
        _point(
            "conditions",
            reasons,
            line_of("None of the conditions that exclude home is recorded.", policy.home_excluding_conditions),
        ),
        _point(
            "reactions",
            reasons,
            line_of("No reaction that excludes home is recorded.", policy.home_excluding_from_grade),
        ),
    )
    counted = tuple(_infusions(about, policy, products))
    home = _together((*(one.status for one in parts), _any(one.status for one in counted)))
    return SettingHere(
        wish=about.patient.setting_wish,
        home=home,
        line=_whole(about.patient.setting_wish, home, policy),
        points=(*parts, *counted, *_to_settle(policy)),
    )


def _indication(indication: Indication, policy: SettingPolicy) -> SettingPoint:
    reason, fact = emergency(indication, policy), policy.home_never_for
    if reason is not None:
        return SettingPoint(of="indication", status=Met.NOT_MET, line=line_of(f"{reason.why}.", fact))
    said = f"{indication.name} is none of the emergencies that policy keeps in hospital."
    return SettingPoint(of="indication", status=Met.MET, line=line_of(said, fact))


def _point(of: Literal["conditions", "reactions"], reasons: Iterable[Reason], fulfilled: Line) -> SettingPoint:
    mine = tuple(one for one in reasons if one.of == of)
    if not mine:
        return SettingPoint(of=of, status=Met.MET, line=fulfilled)
    said = "; ".join(one.why for one in mine)
    status = Met.NOT_MET if any(one.known for one in mine) else Met.NOT_RECORDED
    return SettingPoint(of=of, status=status, line=line_of(f"{said[:1].upper()}{said[1:]}.", mine[0].fact))


def _infusions(about: Circumstances, policy: SettingPolicy, products: Iterable[Product]) -> Iterable[SettingPoint]:
    """Uneventful supervised infusions, product by product."""
    fact, history = policy.home_after_uneventful_supervised, about.patient.immunoglobulin_history
    if history is None:
        said = "Earlier immunoglobulin is not recorded, so supervised infusions cannot be counted."
        yield SettingPoint(of="infusions", status=Met.NOT_RECORDED, line=line_of(said, fact))
        return
    if not history:
        said = f"No immunoglobulin was given yet: 0 of {fact.value} uneventful supervised infusions."
        yield SettingPoint(of="infusions", status=Met.NOT_MET, line=line_of(said, fact))
        return
    held = {one.id: one for one in products}
    for entry in sorted(history, key=lambda one: one.last_given_at, reverse=True):
        here = replace(about, product=held[entry.product])
        borne = supervised(here, policy)
        recorded = entry.uneventful_supervised_infusions
        asked = f"{borne.given}, {borne.needed} are asked for" if borne.enough else f"{borne.given} of {borne.needed}"
        said = f"Uneventful supervised infusions of {held[entry.product].brand}: {asked}"
        if recorded > borne.given:
            why = "another product was given after it" if "switch" in (here.newness or ()) else "a long gap followed"
            said += f"; the {recorded} recorded do not count, because {why}"
        yield SettingPoint(
            of="infusions", status=Met.MET if borne.enough else Met.NOT_MET, line=line_of(f"{said}.", fact)
        )


def _to_settle(policy: SettingPolicy) -> Iterable[SettingPoint]:
    yield SettingPoint(
        of="supervisor",
        status=Met.NOT_RECORDED,
        line=line_of(
            "Who supervises at home: name one person before the infusion.", policy.home_after_uneventful_supervised
        ),
    )
    yield SettingPoint(
        of="kit",
        status=Met.NOT_RECORDED,
        line=line_of(
            "The kit: find and check it, complete and in date, before the container is opened.", policy.home_kit
        ),
    )


def _whole(wish: Setting | None, home: Met, policy: SettingPolicy) -> Line:
    wished = "No wish is recorded." if wish is None else f"Wish recorded: {wish}."
    if wish == "clinic":
        wished += " The clinic follows the first uneventful supervised infusion of a product."
    said = {
        Met.MET: "nothing in the record speaks against it; the plan decides for product, dose and part of treatment",
        Met.NOT_MET: "no, for what is not met below",
        Met.NOT_RECORDED: "no, until what is not recorded below is known",
    }[home]
    return line_of(f"{wished} Home: {said}.", policy.home_after_uneventful_supervised)


def _together(statuses: Iterable[Met]) -> Met:
    """All must hold: one not met decides, else one not recorded."""
    found = set(statuses)
    return next((one for one in (Met.NOT_MET, Met.NOT_RECORDED) if one in found), Met.MET)


def _any(statuses: Iterable[Met]) -> Met:
    """One will do."""
    found = set(statuses)
    return next((one for one in (Met.MET, Met.NOT_RECORDED) if one in found), Met.NOT_MET)
