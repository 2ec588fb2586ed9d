"""The recorded risk factors of thrombosis, counted and named: labels speak of many at once, a rule only of its own."""

from __future__ import annotations

from collections.abc import Iterable

from ivigil.assessment.screening.circumstances import Circumstances
from ivigil.assessment.screening.decide import decide, parts
from ivigil.assessment.screening.screen import Rules, Stage
from ivigil.findings import Finding, Severity
from ivigil.knowledge import rules
from ivigil.knowledge.vocabulary import Vocabulary

THROMBOTIC = "thrombotic"


def thrombosis_factors(book: Rules, about: Circumstances, words: Vocabulary) -> tuple[Finding, ...]:
    """Finding ``thrombosis-factors``: how many factors the rules that raise this risk found, each once, and what was not looked at."""
    held = [(rule, tuple(_factors(rule.when, about, words))) for _, rule in book.rows[Stage.PATIENT] if _raises(rule)]
    named = tuple(dict.fromkeys(name for _, names in held for name in names))
    unread = [name for name in ("conditions", "medicines", "access") if getattr(about.patient, name) is None]
    if about.patient.age_at(about.at) is None:
        unread.append("age")
    missing = f" Not recorded, so not counted: {', '.join(unread)}." if unread else ""
    counted = f"Risk factors of thrombosis in the record: {len(named)}"
    shown = f" ({'; '.join(named)})" if named else ""
    return (
        Finding(
            code="thrombosis-factors",
            severity=Severity.INFORMS,
            text=f"{counted}{shown}. A clot can come without any.{missing}",
            remedy="The more there are, the more the need, the dose and the rate are weighed; how many count is for the clinician to say.",
            sources=tuple(dict.fromkeys(name for rule, names in held if names or not named for name in rule.src)),
        ),
    )


def _raises(rule: rules.Rule) -> bool:
    return THROMBOTIC in rule.raises


def _factors(when: rules.Predicate, about: Circumstances, words: Vocabulary) -> Iterable[str]:
    """What of the record makes each part of a rule hold, in the words of the vocabulary."""
    for part in parts(when):
        if isinstance(part, rules.AllOf | rules.AnyOf | rules.NoneOf) or decide(part, about) is not True:
            continue
        if isinstance(part, rules.HasCondition):
            present = about.words.present("conditions")
            yield from (words.conditions[word].name for word in part.any if word in present)
        elif isinstance(part, rules.Takes):
            present = about.words.present("medicines")
            yield from (words.medicines[word].name for word in part.any if word in present)
        elif isinstance(part, rules.AgeBetween):
            yield f"age from {part.from_years} years"
        elif isinstance(part, rules.AccessIn):
            yield str(about.patient.access).replace("_", " ")
        elif isinstance(part, rules.LabAbove):
            yield f"{words.labs[part.test].name} above {part.value} {words.labs[part.test].unit}"
        elif isinstance(part, rules.PriorReaction):
            kinds = {kind for one in about.patient.known_reactions for kind in one.kinds}
            yield from (f"{kind.replace('_', ' ')} after immunoglobulin" for kind in part.any if kind in kinds)
