"""Cost of a population against subjects, doses and output times: it must be a straight line, and is drawn as one.

Prints the cost of each and how far the largest lies from a line through the two smaller ones; writes
``benchmarks/figures/scaling.svg``.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.machine import described
from ivigil.kinetics.population import draw, percentiles, schedule
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.loading import Knowledge

FIGURE = Path(__file__).parent / "figures" / "scaling.svg"
SUBJECTS, DAYS = 20_000, 364
SUBJECT = Subject(weight_kg=70, age_years=40)


def _seconds(subjects: int, every: str, days: float, step_d: float) -> float:
    model, plan = Knowledge().kinetic_model("zhang2020"), schedule(read_regimen(f"iv 0.1 g/kg {every}"), days, step_d)
    best = float("inf")
    for _ in range(4):
        begin = time.perf_counter()
        percentiles(draw(model, SUBJECT, True, subjects, 1), plan)
        best = min(best, time.perf_counter() - begin)
    return best


def rows() -> list[dict[str, float | str]]:
    _seconds(1000, "every 21 d", 28, 1.0)
    found: list[dict[str, float | str]] = []
    for subjects in (10_000, 20_000, 40_000, 80_000, 160_000):
        found.append({"against": "subjects", "number": subjects, "s": _seconds(subjects, "every 21 d", DAYS, 1.0)})
    for every in (56, 28, 14, 7, 3.5, 1.75):
        number = DAYS / every
        found.append({"against": "doses", "number": number, "s": _seconds(SUBJECTS, f"every {every:g} d", DAYS, 1.0)})
    for step in (4.0, 2.0, 1.0, 0.5, 0.25):
        taken = _seconds(SUBJECTS, "every 21 d", DAYS, step)
        found.append({"against": "output times", "number": DAYS / step + 1, "s": taken})
    return found


def main() -> None:
    import altair

    found = rows()
    print(described())
    for what in dict.fromkeys(row["against"] for row in found):
        number, seconds = np.array([(row["number"], row["s"]) for row in found if row["against"] == what], float).T
        slope, rest = np.polyfit(number, seconds, 1)
        line = slope * number + rest
        off = float(np.max(np.abs(seconds - line)) / seconds.max())
        print(f"against {what}: {slope * 1e9:,.0f} ns each; at most {off:.0%} of the largest away from a straight line")
    chart = (
        altair.Chart(altair.Data(values=found), width=260, height=220)
        .mark_line(point=True)
        .encode(altair.X("number:Q", title=None), altair.Y("s:Q", title="seconds"))
        .facet(altair.Facet("against:N", title=None, sort=["subjects", "doses", "output times"]))
        .resolve_scale(x="independent", y="independent")
        .properties(title=f"Population to percentiles: {described()}")
    )
    FIGURE.parent.mkdir(exist_ok=True)
    chart.save(FIGURE)
    print(f"drawn: {FIGURE.relative_to(FIGURE.parent.parent.parent)}")
