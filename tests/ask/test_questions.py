"""How well conditions are recognised: 90 questions, half of them never used for tuning.

``python -m benchmarks ask`` prints the same figures with what was missed in the tuning half. A confident wrong answer is one
whose first three matches hold none of the conditions meant, or any match at all to a question that is out of scope.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmarks.ask_recall import Figures, figures

HERE = Path(__file__).parent

#: Floors, not targets: what was measured on 21 November 2026 less two questions. Falling below one is a regression.
FLOORS = {"questions_tuning": (36, 2), "questions_held_out": (28, 5)}


@pytest.mark.parametrize("name", FLOORS)
def test_recall_and_confident_wrong_answers(name: str) -> None:
    found: Figures = figures(name)

    recalled_at_least, wrong_at_most = FLOORS[name]
    assert found.recalled >= recalled_at_least
    assert found.confident_wrong <= wrong_at_most


def test_there_are_enough_questions_and_a_quarter_is_out_of_scope() -> None:
    rows = [row for name in FLOORS for row in tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))["question"]]

    assert len(rows) >= 80
    assert sum(not row["expect"] for row in rows) * 4 >= len(rows)
    assert len({row["text"].casefold() for row in rows}) == len(rows)
