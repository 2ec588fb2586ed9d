"""How the parts of a prescription read, the same on the terminal, on paper and in the summary."""

from __future__ import annotations

from collections.abc import Iterable

from ivigil.documents.citations import KINDS
from ivigil.documents.wording import day, number, strength
from ivigil.prescription.plan import Cost, Infusion, Premedication, Prescription, VialCount
from ivigil.sources import CitedSource

#: A source that speaks for no one market names none.
REGIONS = {"any": ""}


def joined(*parts: str) -> str:
    """The parts that say anything, with commas."""
    return ", ".join(part for part in parts if part)


def strengths(infusions: Iterable[Infusion]) -> str:
    """10 %, or 5 % and 10 %."""
    return " and ".join(dict.fromkeys(strength(one.concentration_g_per_ml) for one in infusions))


def authority(ordered: Prescription) -> str:
    """On whose word the regimen stands."""
    return "the label" if ordered.authority == "label" else ordered.authority


def interval(ordered: Prescription) -> str:
    """Every 21 days, or that the source prints none."""
    return f"every {ordered.interval_days} days" if ordered.interval_days else "no interval in the source"


def cost(of: Cost) -> str:
    """9600 USD at 60 USD/g."""
    return f"{number(of.course)} {of.currency} at {number(of.price_per_g)} {of.currency}/g"


def counted_days(count: int) -> str:
    """1 day, 2 days."""
    return "1 day" if count == 1 else f"{count} days"


def lots(vials: Iterable[VialCount]) -> list[str]:
    """One line for each lot that the vials are taken from."""
    return [
        f"{lot.count} × {number(vial.size_g)} g lot {lot.lot}, expires {day(lot.expires_on)}"
        for vial in vials
        for lot in vial.lots
    ]


def premedication_dose(row: Premedication) -> str:
    """The dose as its source prints it; where it prints none, whose it is to set."""
    return row.dose or "dose: the prescriber"


def minutes_before(row: Premedication) -> str:
    """30–60 min before, or nothing."""
    return f"{row.min_before[0]}–{row.min_before[1]} min before" if row.min_before else ""


def shared_reason(rows: Iterable[Premedication]) -> str:
    """The reason of every row, said once; empty where they differ."""
    reasons = {row.reason for row in rows}
    return reasons.pop() if len(reasons) == 1 else ""


def kind(source: CitedSource) -> str:
    """At what sort of page a source was read."""
    return KINDS.get(source.kind, source.kind)
