"""Numbers, dates, times and texts exactly as people write them: read strictly, or refused with what to write instead.

Every record, list and option goes through here, so that no field takes ``"0"`` for a date, ``1_0`` for ten, ``true`` for
one, or a number so long that working with it would never end.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from ivigil.errors import is_hidden

#: Orders of magnitude that a number of a record may have: from 0.000000001 to 999999999.
LEAST_POWER: Final = -9
LARGEST_POWER: Final = 8
MAX_DIGITS: Final = 30
MAX_TEXT: Final = 2000
#: Years that a record may name; a date outside is a slip, and far outside no calendar can count with it.
FIRST_YEAR, LAST_YEAR = 1850, 2200
MAX_OFFSET_H: Final = 14

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_WHOLE = re.compile(r"-?[0-9]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(?P<offset>Z|[+-](?P<hours>[0-9]{2}):(?P<minutes>00|15|30|45))?"
)


class NotReadable(ValueError):
    """A text or value that cannot be read; ``rule`` says what is required, ``remedy`` what to write."""

    def __init__(self, rule: str, remedy: str) -> None:
        self.rule = rule
        self.remedy = remedy
        super().__init__(rule)


# ---- numbers


def number(value: object) -> Decimal:
    """A JSON number; text and truth values are never converted.

    Raises:
        NotReadable: not a number, not finite, or of a size that no record holds.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise NotReadable("Must be a number, written without quotes or unit.", "Write it with a decimal point.")
    found = value if isinstance(value, Decimal) else Decimal(str(value))
    if not found.is_finite():
        raise NotReadable("A number must be finite.", "Leave the key out if the value is not recorded.")
    if len(found.as_tuple().digits) > MAX_DIGITS or not LEAST_POWER <= found.adjusted() <= LARGEST_POWER:
        raise NotReadable(
            f"No number of a record has more than {MAX_DIGITS} digits, or a size beyond 0.000000001 to 999999999.",
            "Correct it; leave it out if it is not recorded.",
        )
    return found


def number_in_text(text: str) -> Decimal:
    """A number of the command line: ASCII digits and one decimal point.

    Raises:
        NotReadable: anything else, an exponent, a sign of grouping or another script's digits among it.
    """
    if text.strip().lstrip("+-").casefold() in {"infinity", "inf", "nan"}:
        raise NotReadable("A number must be finite.", "Correct it.")
    if not _NUMBER.fullmatch(text) or len(text) > MAX_DIGITS:
        raise NotReadable("This is not a number.", "Write the digits 0 to 9 with a decimal point and no unit.")
    return number(Decimal(text))


def whole(value: object) -> int:
    """A whole JSON number.

    Raises:
        NotReadable: not a number, or one with a fraction.
    """
    found = number(value)
    if found != found.to_integral_value():
        raise NotReadable("Must be a whole number.", "Write it without a fraction.")
    return int(found)


def whole_in_text(text: str) -> int:
    """A whole number of the command line: ASCII digits only.

    Raises:
        NotReadable: anything else.
    """
    if not _WHOLE.fullmatch(text) or len(text) > MAX_DIGITS:
        raise NotReadable("This is not a whole number.", "Write the digits 0 to 9 and nothing else.")
    return whole(Decimal(text))


# ---- dates and times


def day(value: object) -> date:
    """A calendar day, written YYYY-MM-DD.

    Raises:
        NotReadable: a number, a time, another spelling, or a day that the calendar does not have.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    how = NotReadable(
        f"A date is written YYYY-MM-DD, exists in the calendar and lies between {FIRST_YEAR} and {LAST_YEAR}.",
        'Write it as "2026-11-20", in quotes and without a time.',
    )
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise how
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise how from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise how
    return found


def moment(value: object) -> datetime:
    """A moment, written YYYY-MM-DDThh:mm with seconds if wanted and with its offset.

    Raises:
        NotReadable: a number, a bare date, a time without offset or with one that no place on earth keeps, another
            spelling, or a moment that the calendar does not have.
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    how = NotReadable(
        f"A datetime is ISO 8601, YYYY-MM-DDThh:mm:ss with its offset, exists and lies between {FIRST_YEAR} and {LAST_YEAR}.",
        "Write it as 2026-11-20T08:00:00-05:00.",
    )
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise how
    if match["offset"] is None:
        raise NotReadable("A datetime carries its offset.", "Write it as 2026-11-20T08:00:00-05:00.")
    if (int(match["hours"] or 0), int(match["minutes"] or 0)) > (MAX_OFFSET_H, 0):
        raise NotReadable(f"No place is more than {MAX_OFFSET_H} hours from UTC.", "Correct the offset.")
    try:
        found = datetime.fromisoformat(match[0])
    except ValueError:
        raise how from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise how
    return found


# ---- texts


def line(text: str) -> str:
    """A text on one line that shows as it is: no control or direction characters, no half characters, no novel.

    Raises:
        NotReadable: a character that a screen or a sheet would obey instead of showing, or too long a text.
    """
    if len(text) > MAX_TEXT:
        raise NotReadable(f"A text has at most {MAX_TEXT} characters.", "Shorten it.")
    hidden = next((one for one in text if is_hidden(one)), None)
    if hidden is not None:
        raise NotReadable(
            f"A text holds only characters that can be seen, on one line; this one holds U+{ord(hidden):04X}.",
            "Type it anew; a copied text may carry hidden characters.",
        )
    return text
