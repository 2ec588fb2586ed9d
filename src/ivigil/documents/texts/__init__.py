"""What patients read, by language: English in the code and the facts, the others in gettext catalogues beside this file.

A catalogue is a plain ``.po`` file, read as it is: nothing to compile, nothing to forget to compile.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files

from ivigil.documents.wording import number
from ivigil.errors import BadInput

#: English is the language of the code; each other one has its catalogue.
LANGUAGES: tuple[str, ...] = ("en", "es")

CONTEXT_END = "\x04"  # gettext's own sign between a context and a text
CONDITION = "condition"

_KEYWORDS = ("msgctxt", "msgid", "msgstr")
_NOON_H = 12
#: Where Spanish writes 18,5 and 13:05; the Spanish of the other regions writes 18.5 and 1:05 pm.
COMMA_AND_24_H = frozenset({"EU"})
LONGEST_UNDIVIDED = 10_000
NO_BREAK = "\u00a0"


class Texts:
    """The words of one language.

    Args:
        lang: ``en`` or ``es``.
        region: where it is read; figures and times are written as there.
    """

    def __init__(self, lang: str, region: str = "US") -> None:
        if lang not in LANGUAGES:
            raise BadInput("--lang", lang, "The leaflet is written in two languages.", f"Use {' or '.join(LANGUAGES)}.")
        self.lang = lang
        self._comma_and_24_h = lang == "es" and region in COMMA_AND_24_H
        self._catalogue = {} if lang == "en" else catalogue(lang)

    def say(self, text: str, **values: str) -> str:
        """The text in this language, its places filled.

        Raises:
            LookupError: the text has no translation. A patient's sheet is never half in another language.
        """
        if self.lang != "en":
            said = self._catalogue.get(text)
            if not said:
                raise LookupError(f"No {self.lang} translation of {text!r}: add it to documents/texts/{self.lang}.po.")
            text = said
        return text.format(**values) if values else text

    def condition(self, name: str) -> str:
        """A condition's name; a name that nobody translated stands as it is."""
        return self._catalogue.get(f"{CONDITION}{CONTEXT_END}{name}") or name

    # ---- figures, days and times as this language writes them

    def figure(self, value: Decimal) -> str:
        """A figure with this language's decimal sign."""
        return number(value).replace(".", "," if self._comma_and_24_h else ".")

    def count(self, value: int) -> str:
        """A whole number; where the decimal sign is a comma a gap parts the thousands, which no reader takes for one."""
        if self._comma_and_24_h:
            return f"{value:,}".replace(",", NO_BREAK) if value >= LONGEST_UNDIVIDED else str(value)
        return f"{value:,}"

    def day(self, when: date, year: bool = True) -> str:
        """Monday, November 23, 2026, or: lunes, 23 de noviembre de 2026."""
        names = {"weekday": self.weekday(when), "day": str(when.day), "month": self._month(when)}
        if not year:
            return self.say("{weekday}, {month} {day}", **names)
        return self.say("{weekday}, {month} {day}, {year}", **names, year=str(when.year))

    def weekday(self, when: date) -> str:
        """The day of the week."""
        say = self.say
        return (
            say("Monday"),
            say("Tuesday"),
            say("Wednesday"),
            say("Thursday"),
            say("Friday"),
            say("Saturday"),
            say("Sunday"),
        )[when.weekday()]

    def _month(self, when: date) -> str:
        say = self.say
        return (
            say("January"),
            say("February"),
            say("March"),
            say("April"),
            say("May"),
            say("June"),
            say("July"),
            say("August"),
            say("September"),
            say("October"),
            say("November"),
            say("December"),
        )[when.month - 1]

    def clock(self, start: datetime, after_min: int, in_sentence: bool = False, named: bool = True) -> str:
        """Clock time so many minutes after the start; on another date which day that is beside it.

        Not ``named`` where the time stands for several days of a course: the weekday of the first would be wrong for the
        rest, so the next day is told. In a sentence Spanish puts an article before the time.
        """
        at = start + timedelta(minutes=after_min)
        shown = self._time(at)
        if in_sentence and self.lang == "es":
            shown = f"{'la' if shown.startswith('1:') else 'las'}\u00a0{shown}"
        later = (at.date() - start.date()).days
        if later == 0:
            return shown
        other = self.weekday(at) if named else self._days_later(later)
        return f"{shown} ({other.replace(' ', NO_BREAK)})"

    def _days_later(self, later: int) -> str:
        if later == 1:
            return self.say("the next day")
        return self.say("the day before") if later == -1 else self.say("{n} days later", n=str(later))

    def _time(self, at: datetime) -> str:
        if self._comma_and_24_h:
            return f"{at.hour}:{at.minute:02}"
        if at.minute == 0 and at.hour % _NOON_H == 0:
            return self.say("12 noon") if at.hour else self.say("12 midnight")
        return f"{at.hour % _NOON_H or _NOON_H}:{at.minute:02}\u00a0{'am' if at.hour < _NOON_H else 'pm'}"

    def duration(self, minutes: int) -> str:
        """3 hours 11 minutes."""
        hours, rest = divmod(minutes, 60)
        said = []
        if hours:
            said.append(self.say("1 hour") if hours == 1 else self.say("{n} hours", n=str(hours)))
        if rest or not hours:
            said.append(self.say("1 minute") if rest == 1 else self.say("{n} minutes", n=str(rest)))
        return self.all_of(said)

    def all_of(self, parts: list[str]) -> str:
        """One, two and three."""
        if len(parts) < 2:
            return "".join(parts)
        return self.say("{first} and {last}", first=", ".join(parts[:-1]), last=parts[-1])

    def each_of(self, parts: list[str]) -> str:
        """As :meth:`all_of`, for parts that hold commas themselves."""
        return self.say("{first}; and {last}", first="; ".join(parts[:-1]), last=parts[-1])


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Every translation of a language's ``.po`` file by its English text; a context stands before it, as gettext does."""
    lines = (files("ivigil.documents.texts") / f"{lang}.po").read_text("utf-8").splitlines()
    found: dict[str, str] = {}
    for entry in _entries(lines):
        key = entry.get("msgid", "")
        if not key:
            continue  # the header
        if "msgctxt" in entry:
            key = f"{entry['msgctxt']}{CONTEXT_END}{key}"
        if key in found:
            raise ValueError(f"{lang}.po: {key!r} stands twice.")
        found[key] = entry.get("msgstr", "")
    return found


def _entries(lines: list[str]) -> Iterator[dict[str, str]]:
    """The entries of a ``.po`` file without plural forms: a blank line ends one."""
    entry: dict[str, str] = {}
    keyword = ""
    for place, line in enumerate([*lines, ""], start=1):
        line = line.strip()
        if not line:
            if entry:
                yield entry
            entry, keyword = {}, ""
            continue
        if line.startswith("#"):
            continue
        if not line.startswith('"'):
            keyword, _, line = line.partition(" ")
            if keyword not in _KEYWORDS or keyword in entry:
                raise ValueError(f"Line {place}: {keyword!r} is not expected here.")
        entry[keyword] = entry.get(keyword, "") + ast.literal_eval(line)
