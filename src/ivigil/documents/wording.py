"""How a number, a day, a duration and a severity are written, the same on the terminal and on paper."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from ivigil.findings import Finding, MayBe, Severity
from ivigil.prescription.plan import Accepted, AnyPlan, VialCount

# Spelled out here, because strftime follows the locale of the machine.
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

PER_KG_DECIMALS = Decimal("0.001")
PER_KG_FIGURES = 3
SHORT_ID = 12

SIGNS: dict[Severity, str] = {Severity.BLOCKS: "◼", Severity.WARNS: "▲", Severity.INFORMS: "●"}

MAY_BE: dict[MayBe, str] = {
    MayBe.CONFIRMED: "may be confirmed by someone who checked that it is so",
    MayBe.OVERRIDDEN: "may be overridden with a reason",
    MayBe.NEITHER: "nobody may accept this",
}

PATTERNS = {
    "first": "first-infusion rates",
    "experienced": "rates for repeated infusions",
    "at_risk": "rates for a patient at risk",
}

NOT_VERIFIED = "not verified: see the label"

#: Characters that reorder what is read; a name must not be able to turn a dose around.
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FIGURE_AND_UNIT = re.compile(r"(?<=\d) (?=(?:[mk]?g|m?L|mcg|µg|IU|h|min|minutes|days|years)\b|[%°])")
_LONG_RUN = re.compile(r"(?<!\S)(?!sha256:|\w+://)\S{30,}")
_PIECE = re.compile(r".{12}", re.DOTALL)
_KEPT_CONTROLS = frozenset("\n\t")
#: What editors put before a text: no tagged PDF may hold it.
_BYTE_ORDER_MARK = "\ufeff"


def number(value: Decimal) -> str:
    """A figure as it is, without trailing zeros and never in powers of ten."""
    return f"{value.normalize():f}"


def per_kg(rate: Decimal) -> str:
    """A rate per kg to three decimals, a small one to three figures; ``≈`` where more were cut off.

    The pump's own rate is never shortened.
    """
    fine = min(PER_KG_DECIMALS, Decimal(1).scaleb(rate.adjusted() - PER_KG_FIGURES + 1)) if rate else PER_KG_DECIMALS
    short = rate.quantize(fine, rounding=ROUND_DOWN)
    return number(short) if short == rate else f"≈ {number(short)}"


def strength(concentration_g_per_ml: Decimal) -> str:
    """A concentration as the label names it: 10 %."""
    return f"{number(Decimal(f'{concentration_g_per_ml:%}'.rstrip('%')))} %"


def day(moment: date) -> str:
    """Mon 23 Nov 2026."""
    return f"{WEEKDAYS[moment.weekday()]} {moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def clock(start: datetime, after_min: int, named: bool = True) -> str:
    """Clock time so many minutes after the start; on another date 00:30 Tue +1 day (see :func:`other_date`)."""
    moment = start + timedelta(minutes=after_min)
    return f"{moment.hour:02}:{moment.minute:02} {other_date(start, after_min, named)}".rstrip()


def other_date(start: datetime, after_min: int, named: bool = True) -> str:
    """Tue +1 day, where a time falls on another date than the start; empty on the same one.

    Not ``named`` where the time stands for several days of a course: the weekday of the first would be wrong for the rest.
    """
    moment = start + timedelta(minutes=after_min)
    later = (moment.date() - start.date()).days
    if later == 0:
        return ""
    counted = f"{'+' if later > 0 else '−'}{abs(later)} {'day' if abs(later) == 1 else 'days'}"
    return f"{WEEKDAYS[moment.weekday()]} {counted}" if named else counted


def offset(moment: datetime) -> str:
    """UTC−05:00, with a true minus."""
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    return f"UTC{'−' if seconds < 0 else '+'}{hours:02}:{rest // 60:02}"


def moment(at: datetime) -> str:
    """Mon 23 Nov 2026 09:00 (UTC−05:00)."""
    return f"{day(at.date())} {at.hour:02}:{at.minute:02} ({offset(at)})"


def duration(minutes: int) -> str:
    """2 h 43 min."""
    hours, rest = divmod(minutes, 60)
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "") if part
    )


def vials(counts: Iterable[VialCount]) -> str:
    """1 × 40 g + 1 × 20 g."""
    return " + ".join(f"{vial.count} × {number(vial.size_g)} g" for vial in counts)


def short_id(plan_id: str) -> str:
    """The first twelve signs of a plan's id: enough to tell two sheets apart."""
    return plan_id.rpartition(":")[2][:SHORT_ID]


def accepted_for(plan: AnyPlan, finding: Finding) -> Accepted | None:
    """Who accepted a finding that blocks, if anybody did and it is one that may be accepted."""
    if finding.severity is not Severity.BLOCKS or finding.may_be is MayBe.NEITHER:
        return None
    return next((row for row in plan.accepted if row.code == finding.code), None)


def accepted_by(row: Accepted) -> str:
    """Who accepted a finding, in which role, when (where that is recorded) and why."""
    when = "" if row.at is None else f" on {moment(row.at)}"
    return f"{row.by} ({row.role}){when}: {row.because}"


def together(text: str) -> str:
    """Text in which no line can end between a figure and its unit."""
    return _FIGURE_AND_UNIT.sub("\u00a0", text)


def breakable(text: str) -> str:
    """Text in which a run without any space may still go on in the next line instead of over the edge."""
    return _LONG_RUN.sub(lambda run: _PIECE.sub("\\g<0>\u200b", run[0]), text)


def visible(text: str) -> str:
    """Text whose control and reordering characters are spelled out, so that nothing is hidden or turned around."""
    return "".join(named(sign) if _is_hidden(sign) else sign for sign in text)


def named(sign: str) -> str:
    """A character by its number: [U+202E]."""
    return f"[U+{ord(sign):04X}]"


def _is_hidden(sign: str) -> bool:
    control = unicodedata.category(sign) in {"Cc", "Cs", "Co", "Cn"} and sign not in _KEPT_CONTROLS
    return control or sign in _REORDERING or sign == _BYTE_ORDER_MARK
