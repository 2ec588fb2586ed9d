"""Signs that need help at once, told in a question: said before anything that was looked up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from ivigil.knowledge.leaflet import Emergency, Signs


class Alarm(BaseModel):
    """What to do now, and the signs that were told; each with its sources. ``numbers`` by region."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    signs: tuple[str, ...]
    numbers: dict[str, str]
    sources: tuple[str, ...]


def alarm(
    question: str, phrases: Mapping[str, tuple[str, ...]], signs: Signs, numbers: Mapping[str, Emergency]
) -> Alarm | None:
    """The alarm that a question raises; None where it tells of no such sign.

    A sign that is denied or long past raises it too: to ask again costs little.

    Args:
        question: free words.
        phrases: how people tell of each sign, by its key.
        signs: the leaflet's signs.
        numbers: whom to call, by region.
    """
    said = f" {' '.join(_words(question))} "
    found = [key for key, ways in phrases.items() if any(f" {' '.join(_words(way))} " in said for way in ways)]
    told = [signs.help_at_once[key] for key in found if key in signs.help_at_once]
    if not told:
        return None
    return Alarm(
        text=signs.now.text,
        signs=tuple(one.text for one in told),
        numbers={one.region: one.text for one in numbers.values()},
        sources=tuple(dict.fromkeys(name for one in (signs.now, *told) for name in one.src)),
    )


def _words(text: str) -> list[str]:
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return re.findall(r"[a-z0-9]+", plain.casefold().replace("'", "").replace("\u2019", ""))
