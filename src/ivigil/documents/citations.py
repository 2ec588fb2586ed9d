"""Numbers for the sources of a plan, in the order in which a reader meets them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ivigil.prescription.plan import Instruction, Plan
from ivigil.sources import CitedSource

#: How a source's kind reads beside its title: at what sort of page the number was read.
KINDS: dict[str, str] = {
    "label": "read on the label",
    "label_copy": "read on a copy of the label",
    "manufacturer": "read at the manufacturer",
    "regulator": "read at the regulator",
    "guideline": "guideline",
    "trial": "trial",
    "review": "review",
    "secondary": "read second-hand",
    "project": "the project's own policy",
}


class Citations:
    """Every source that a shown statement rests on, numbered once."""

    def __init__(self, plan: Plan) -> None:
        self._number(plan.sources, _in_reading_order(plan))

    @classmethod
    def over(cls, sources: Mapping[str, CitedSource], names: Iterable[str]) -> Citations:
        """Citations of any other result: its sources, and their ids in reading order."""
        made = cls.__new__(cls)
        made._number(sources, names)
        return made

    def _number(self, sources: Mapping[str, CitedSource], names: Iterable[str]) -> None:
        self._sources = sources
        self._numbers = {name: place for place, name in enumerate(dict.fromkeys(names), start=1)}

    def mark(self, names: Iterable[str]) -> str:
        """[1,4], or nothing; no space, so that it never breaks over a line."""
        numbers = sorted({self._numbers[name] for name in names})
        return f"[{','.join(map(str, numbers))}]" if numbers else ""

    def rows(self) -> list[tuple[int, str, CitedSource | None]]:
        """Number, id and record of each source cited; no record where a plan names a source it does not hold."""
        return [(place, name, self._sources.get(name)) for name, place in self._numbers.items()]


def _in_reading_order(plan: Plan) -> Iterable[str]:
    if plan.prescription is not None:
        yield from plan.prescription.sources
    for infusion in plan.infusions:
        for step in infusion.steps:
            yield from step.sources
    if plan.prescription is not None:
        for row in plan.prescription.premedication:
            yield from row.sources
    if plan.administration is not None:
        for instruction in all_instructions(plan):
            yield from instruction.sources
    for finding in plan.findings:
        yield from finding.sources


def all_instructions(plan: Plan) -> tuple[Instruction, ...]:
    """Every instruction of a plan, in reading order."""
    said = plan.administration
    if said is None:
        return ()
    return (*said.preparation, *said.hydration, *said.monitoring, *said.first_lines_on_a_reaction)


def merged(instructions: Iterable[Instruction]) -> tuple[Instruction, ...]:
    """Instructions that say the same on the same grounds as one, their topics joined."""
    topics: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    kept: dict[tuple[str, str, tuple[str, ...]], Instruction] = {}
    for one in instructions:
        same = (one.text, one.basis, one.sources)
        topics.setdefault(same, []).append(one.topic)
        kept[same] = one
    return tuple(one.model_copy(update={"topic": ", ".join(_as_list(topics[same]))}) for same, one in kept.items())


def _as_list(topics: list[str]) -> list[str]:
    return [topics[0], *(topic[:1].lower() + topic[1:] for topic in topics[1:])]
