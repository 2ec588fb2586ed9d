"""Recall at three and confident wrong answers of ``ivigil ask``, for the half it was tuned on and the half it was not."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from ivigil.assessment.ask import ask
from ivigil.cli.opening import ground_of
from ivigil.knowledge.loading import Knowledge

QUESTIONS = Path(__file__).parent.parent / "tests" / "ask"
FIRST = 3


@dataclass
class Figures:
    """Counts over one file of questions."""

    questions: int = 0
    meant: int = 0
    recalled: int = 0
    out_of_scope: int = 0
    confident_wrong: int = 0
    missed: list[str] = field(default_factory=list)


def figures(name: str) -> Figures:
    ground = ground_of(Knowledge())
    found = Figures()
    for row in tomllib.loads((QUESTIONS / f"{name}.toml").read_text("utf-8"))["question"]:
        meant = set(row["expect"])
        matches = [match.indication for match in ask(row["text"], ground).matches]
        first = set(matches[: max(FIRST, len(meant))])
        found.questions += 1
        found.meant += len(meant)
        found.recalled += len(meant & first)
        found.out_of_scope += not meant
        wrong = bool(matches) and not meant & set(matches[:FIRST])
        found.confident_wrong += wrong
        if wrong or meant - first:
            found.missed.append(f"{row['text']}: meant {sorted(meant) or 'nothing'}, found {matches[:FIRST]}")
    return found


def main() -> None:
    for name in ("questions_tuning", "questions_held_out"):
        found = figures(name)
        print(
            f"{name}: recall@{FIRST} {found.recalled}/{found.meant} = {found.recalled / found.meant:.2f}; "
            f"confident wrong {found.confident_wrong}/{found.questions} ({found.out_of_scope} out of scope)"
        )
        if name == "questions_tuning":  # what the other half missed is not looked at, so that it stays untouched
            for line in found.missed:
                print(f"  {line}")
