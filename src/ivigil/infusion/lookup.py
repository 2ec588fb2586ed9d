"""What a client without a network does with a pack: look up, and nothing else. What is not there reads "call".

This is the reference of such a client, on the pack's plain JSON. It holds no rule: only equality, order and tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Answer = Literal["allowed", "barred", "call"]
PackJson = Mapping[str, Any]


@dataclass(frozen=True)
class Looked:
    """What the tables say. ``codes`` are the bars that surely hold; ``unknown`` are the questions nobody answered."""

    answer: Answer
    codes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def intact(pack: PackJson) -> bool:
    """Whether a pack is as it was made: its id is the sha256 of its own content. One that is not answers nothing."""
    bare = json.dumps({**pack, "pack_id": ""}, ensure_ascii=False, separators=(",", ":"))
    return bool(pack.get("pack_id") == "sha256:" + hashlib.sha256(bare.encode()).hexdigest())


def may(pack: PackJson, action: str, situation: Mapping[str, str], now: datetime | None = None) -> Looked:
    """Whether an action may be done in a situation; an answer missing or unknown to the pack never allows.

    Args:
        pack: the pack's JSON.
        action: a key of ``permissions``.
        situation: the answers that are known, by field.
        now: the device's clock; after the pack's end nothing that a table could bar is allowed, and before its day a valid
            plan is too early. None: the caller has looked.
    """
    if action not in pack["permissions"]:
        return Looked("call")
    if now is not None and now > datetime.fromisoformat(pack["valid_until"]) and pack["permissions"][action]:
        return Looked("call", (), ("valid_until",))
    if now is not None and now < datetime.fromisoformat(pack["not_before"]) and situation.get("plan") == "valid":
        situation = {**situation, "plan": "too_early"}
    codes, unknown = [], []
    for bar in pack["permissions"][action]:
        value = situation.get(bar["field"])
        if value in bar["values"]:
            codes.append(bar["code"])
        elif value not in pack["fields"][bar["field"]]:
            unknown.append(bar["field"])
    if codes:
        return Looked("barred", tuple(dict.fromkeys(codes)), tuple(dict.fromkeys(unknown)))
    return Looked("call", (), tuple(dict.fromkeys(unknown))) if unknown else Looked("allowed")


def next_rate(pack: PackJson, pump_ml_per_h: float) -> float | Literal["call"] | None:
    """The step after a rate of the ladder; None at the top; "call" for a rate that is not of the ladder."""
    for step in pack["ladder"]:
        if step["pump_ml_per_h"] == pump_ml_per_h:
            found: float | None = step["next_pump_ml_per_h"]
            return found
    return "call"


def restart_rate(
    pack: PackJson, episode: str | None, ran: float, borne: float, paused_min: float
) -> float | Literal["call"] | None:
    """Where it may go on after a pause; None: it may not; "call" for rates that are not of the ladder.

    Args:
        pack: the pack's JSON.
        episode: the worst of the reaction, None after a pause without one.
        ran: the rate before the pause (mL/h).
        borne: the last rate borne without symptoms (mL/h); 0 for none, and after a pause without a reaction.
        paused_min: for how long it has stood still (min).
    """
    if not paused_min >= 0:  # a clock that was set back, or no number at all
        return "call"
    for row in pack["restarts"]:
        if (row["episode"], row["ran_ml_per_h"], row["borne_ml_per_h"]) == (episode, ran, borne):
            key = "restart_ml_per_h" if paused_min < pack["long_pause"]["min"] else "after_long_pause_ml_per_h"
            found: float | None = row[key]
            return found
    never = episode in pack["responses"] and pack["responses"][episode]["restart"] == "never"
    return None if never else "call"


def anaphylaxis(pack: PackJson, present: Iterable[str]) -> tuple[str, ...] | Literal["call"]:
    """The criteria that a set of signs meets; "call" for a sign that the pack does not know."""
    seen = set(present)
    if not seen <= set(pack["anaphylaxis_signs"]):
        return "call"
    key = "".join("1" if name in seen else "0" for name in pack["anaphylaxis_signs"])
    return tuple(pack["anaphylaxis"][key])


def response(pack: PackJson, grade: str) -> Mapping[str, Any] | Literal["call"]:
    """What is done at a grade; "call" for a word that is no grade."""
    found: Mapping[str, Any] | None = pack["responses"].get(grade)
    return "call" if found is None else found
