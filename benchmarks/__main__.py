"""Run every benchmark: ``python -m benchmarks [NAME]``."""

from __future__ import annotations

import sys

from benchmarks import ask_recall, infusion, kinetics, kinetics_ode, peers, plan_batch, plan_cold_start, scaling

ALL = {
    "cold-start": plan_cold_start.main,
    "batch": plan_batch.main,
    "ask": ask_recall.main,
    "infusion": infusion.main,
    "kinetics": kinetics.main,
    "kinetics-ode": kinetics_ode.main,
    "peers": peers.main,
    "scaling": scaling.main,
}


def main(names: list[str]) -> None:
    for name, measure in ALL.items():
        if not names or name in names:
            print(f"== {name}")
            measure()
            print()


main(sys.argv[1:])
