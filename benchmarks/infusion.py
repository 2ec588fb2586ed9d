"""Events of a session through the rules, one core: told one by one, and against the length of the session.

The peer is reading the same events (pydantic's validation) in the same run: what the rules add to that. Writes
``benchmarks/figures/infusion.svg``.
"""

from __future__ import annotations

import json
import random
import time
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

from benchmarks.machine import described
from ivigil.cli.opening import formulary_of, limits_of
from ivigil.infusion.bedside import Bedside, bedside
from ivigil.infusion.live import Live
from ivigil.infusion.record import gather, read_event
from ivigil.infusion.simulation import SESSION, Tally, _Simulated
from ivigil.knowledge.loading import Knowledge
from ivigil.patient import read_patient
from ivigil.prescription.making import make_plan
from ivigil.prescription.request import Request

SESSIONS, TARGET = 150, 5000
LENGTHS = (50, 100, 200, 400, 800, 1600)
EVENTS_A_LENGTH = 8000
FIGURE = Path(__file__).parent / "figures" / "infusion.svg"


def chair() -> Bedside:
    known = Knowledge()
    raw = json.loads((files("ivigil.cli") / "synthetic" / "first.json").read_text("utf-8"), parse_float=Decimal)
    request = Request(
        patient=read_patient(raw["patient"], limits_of(known)),
        region=raw["region"],
        start=datetime.fromisoformat(raw["start"]),
        product=raw["product"],
    )
    made = make_plan(request, formulary_of(known, raw["indication"]))
    policies = known.policies
    return bedside(made, 1, known.protocol("ivigil"), policies.monitoring, policies.acceptance.sign_roles.items)


def rules_seconds(records: list, bed: Bedside) -> float:
    begin = time.perf_counter()
    for record in records:
        live = Live(bed)
        for at, event in record.standing:
            live.tell(at, event)
    return time.perf_counter() - begin


def main() -> None:
    bed, known = chair(), Knowledge()
    chance = random.Random(1).random
    sessions = []
    for _ in range(SESSIONS):
        one = _Simulated(bed, known.reaction_rates, chance, Tally(), premedicated=False)
        one.run()
        sessions.append(one.raws)
    events = sum(map(len, sessions))
    begin = time.perf_counter()
    for raws in sessions:
        for raw in raws:
            read_event(raw, SESSION, bed.protocol)
    reading = time.perf_counter() - begin
    records = [gather(raws, SESSION, bed.protocol) for raws in sessions]
    rules = min(rules_seconds(records, bed) for _ in range(3))
    print(described())
    print(
        f"{events} events of {SESSIONS} simulated sessions, one core: {events / rules:.0f} events/s through the rules; target {TARGET}"
    )
    print(f"reading the same events: {events / reading:.0f}/s; rules take {rules / reading:.1f} times that")
    print("length   events/s")
    found: list[dict[str, float | str]] = []
    for length in LENGTHS:
        raws = long_session(sessions[0], length)
        record = gather(raws, SESSION, bed.protocol)
        # Short sessions as often as takes as long as a long one: a few of them would measure one bad moment of the machine.
        took = min(rules_seconds([record], bed) for _ in range(max(5, EVENTS_A_LENGTH // length)))
        rate = length / took
        found += [
            {"events": length, "a second": rate, "of": "measured"},
            {"events": length, "a second": TARGET, "of": "target"},
        ]
        print(f"{length:6}   {rate:8.0f} {'▇' * round(rate / 500)}")
    draw(found)


def draw(found: list[dict[str, float | str]]) -> None:
    """Events a second against the length of a session, with the target beside it."""
    import altair

    chart = (
        altair.Chart(altair.Data(values=found), width=420, height=240)
        .mark_line(point=True)
        .encode(
            altair.X("events:Q", title="events in the session", scale=altair.Scale(type="log", base=2)),
            altair.Y("a second:Q", title="events a second through the rules, one core", scale=altair.Scale(zero=True)),
            altair.Color("of:N", title=None),
        )
        .properties(title=f"A session through the rules: {described()}")
    )
    FIGURE.parent.mkdir(exist_ok=True)
    chart.save(FIGURE)
    print(f"drawn: {FIGURE.relative_to(FIGURE.parent.parent.parent)}")


def long_session(raws: list, length: int) -> list:
    """A session with vital signs every minute until it holds so many events."""
    vitals = next(raw for raw in raws if raw["type"] == "vitals")
    made = list(raws[: min(len(raws), length)])
    begin = datetime.fromisoformat(made[-1]["device_at"])
    for number in range(len(made), length):
        at = (begin + timedelta(minutes=number)).isoformat()
        made.append({**vitals, "key": f"x{number}", "seq": number + 1, "device_at": at, "received_at": at})
    return made


if __name__ == "__main__":
    main()
