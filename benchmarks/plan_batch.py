"""Throughput of planning on one core: a cohort of synthetic patients through the same code as ``--batch``.

Target: above 300 plans a second. The peer in the same run is the JSON alone: reading the record and writing a plan of
the same size, which no planner that speaks JSON can avoid.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import random
import time
from decimal import Decimal
from functools import cache

from benchmarks.machine import described
from ivigil.prescription.plan import identified_json
from tests.planning import draft, formulary, history, patient, record

COUNT = 1500
SEED = 20261123


def _cohort() -> list[tuple[dict, str, str | None]]:
    draw = random.Random(SEED)
    uses = [("primary-immunodeficiency", None), ("cidp", "maintenance"), ("itp-adult", None), ("mmn", None)]
    rows = []
    for number in range(COUNT):
        indication, phase = draw.choice(uses)
        known = draw.random() < 0.5
        raw = record(
            ref=f"synthetic-{number}",
            weight_kg=round(draw.uniform(45, 120), 1),
            age_years=draw.randint(18, 85),
            height_cm=draw.randint(150, 195),
            conditions=draw.sample(["diabetes_mellitus", "hypertension", "migraine"], draw.randint(0, 2)),
            immunoglobulin_history=[history(_labelled(indication))] if known else [],
        )
        rows.append((raw, indication, phase))
    return rows


@cache
def _labelled(indication: str) -> str:
    """Some product labelled for a condition."""
    return next(
        product.id
        for product in formulary(indication).products
        for use in (product.labels["US"].uses.values() if "US" in product.labels else ())
        if indication in use.indications
    )


def _plans(cohort: list) -> tuple[float, list[str], dict[str, int]]:
    from ivigil.knowledge.regimens import Phase

    texts, states = [], {"planned": 0, "blocked": 0}
    begin = time.perf_counter()
    for raw, indication, phase in cohort:
        made = draft(raw, indication, phase=Phase(phase) if phase else None)
        states[made.status] += 1
        texts.append(identified_json(made))
    return time.perf_counter() - begin, texts, states


def main() -> None:
    cohort = _cohort()
    for indication in {row[1] for row in cohort}:
        formulary(indication)
    patient(cohort[0][0])
    _plans(cohort[:50])
    seconds, texts, states = _plans(cohort)
    begin = time.perf_counter()
    for (raw, _, _), text in zip(cohort, texts, strict=True):
        json.loads(json.dumps(raw), parse_float=Decimal)
        json.dumps(json.loads(text))
    floor = time.perf_counter() - begin
    print(described())
    print(f"{COUNT} synthetic patients, one core: {COUNT / seconds:.0f} plans/s ({states}); target 300")
    print(
        f"mean plan {sum(map(len, texts)) / COUNT / 1000:.0f} kB; JSON alone {COUNT / floor:.0f}/s; ratio {seconds / floor:.1f}"
    )
    profile = cProfile.Profile()
    profile.runcall(_plans, cohort[:300])
    print("Where the time goes (cumulative, profiled):")
    stats = pstats.Stats(profile)
    rows = sorted(stats.stats.items(), key=lambda item: -item[1][3])  # type: ignore[attr-defined]
    for (file, _, name), row in [one for one in rows if "ivigil" in one[0][0]][:10]:
        print(f"  {row[3] / stats.total_tt:5.0%}  {file.split('ivigil/')[-1]}: {name}")  # type: ignore[attr-defined]
