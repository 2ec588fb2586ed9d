"""The rate ladder drawn with characters."""

from __future__ import annotations

from ivigil.documents.days import AlikeDays
from ivigil.documents.wording import number
from ivigil.prescription.plan import Infusion

EIGHTHS = " ▁▂▃▄▅▆▇█"
HIGH_LINES = 4


def staircase(days: AlikeDays, wide: int) -> list[str]:
    """Lines of a staircase: height is the pump's rate, width is time, clock times beneath."""
    infusion = days.first
    if not infusion.steps:
        return []
    highest = max(step.pump_ml_per_h for step in infusion.steps)
    axis = f"{number(highest)} mL/h "
    columns = max(wide - len(axis), 1)
    minutes = max(infusion.duration_min, 1)
    levels = []
    for column in range(columns):
        at_min = (column + 0.5) * minutes / columns
        rate = next((step.pump_ml_per_h for step in reversed(infusion.steps) if step.start_min <= at_min), highest)
        levels.append(max(1, round(rate / highest * HIGH_LINES * 8)))
    rows = []
    for line in reversed(range(HIGH_LINES)):
        cells = "".join(EIGHTHS[min(max(level - line * 8, 0), 8)] for level in levels)
        rows.append((axis if line == HIGH_LINES - 1 else " " * len(axis)) + cells)
    return [*rows, " " * len(axis) + _times(days, infusion, columns, minutes)]


def _times(days: AlikeDays, infusion: Infusion, columns: int, minutes: int) -> str:
    """Clock times under the starts of the steps, as many as fit; the end always stands at the right."""
    end = days.clock(infusion.duration_min)
    text = ""
    for step in infusion.steps:
        at = step.start_min * columns // minutes
        shown = days.clock(step.start_min)
        if (not text or at > len(text)) and at + len(shown) + 1 <= columns - len(end):
            text = text.ljust(at) + shown
    return text.ljust(columns - len(end)) + end
