"""How the parts of a prescription read, the same on the terminal, on paper and in the summary."""

from __future__ import annotations

from collections.abc import Iterable

from ivigil.documents.citations import KINDS
from ivigil.documents.wording import day, number, per_kg, strength
from ivigil.findings import Finding
from ivigil.prescription.administration import OPTIONS
from ivigil.prescription.plan import Cost, Infusion, Premedication, Prescription, VialCount
from ivigil.sources import CitedSource

#: What stands over the premedication: it is a choice, not an order.
BEFORE = f"Before the infusion: {OPTIONS[:1].lower()}{OPTIONS[1:]}"
#: A source that speaks for no one market names none.
REGIONS = {"any": ""}


def joined(*parts: str) -> str:
    """The parts that say anything, with commas."""
    return ", ".join(part for part in parts if part)


def strengths(infusions: Iterable[Infusion]) -> str:
    """10 %, or 5 % and 10 %."""
    return " and ".join(dict.fromkeys(strength(one.concentration_g_per_ml) for one in infusions))


def strengths_beside(brand: str, infusions: Iterable[Infusion]) -> str:
    """The strengths, or nothing where the brand's own name holds them."""
    shown = strengths(infusions)
    return "" if shown.replace(" ", "") in brand.replace(" ", "") else shown


def dose_per_kg(ordered: Prescription, findings: Iterable[Finding]) -> str:
    """Grams per kg to three decimals, and that it was cut where it was; sums are never made with what is shown."""
    cut = any(one.code == "dose-capped" for one in findings)
    return f"{per_kg(ordered.dose_g_per_kg)} g/kg" + (" (cut to the source's largest dose)" if cut else "")


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


def options(rows: Iterable[Premedication]) -> list[tuple[str, Premedication]]:
    """Each option with its name, alternatives one after the other: the second of them begins with "or instead"."""
    given = list(rows)
    groups = list(dict.fromkeys(row.one_of or row.what for row in given))
    ordered = sorted(given, key=lambda row: groups.index(row.one_of or row.what))
    named: list[tuple[str, Premedication]] = []
    for row in ordered:
        again = row.one_of and any(row.one_of == earlier.one_of for _, earlier in named)
        named.append((f"or instead {row.what}" if again else row.what, row))
    return named


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
