"""``ivigil forecast --batch``: a cohort line by line, on all cores, answers in the order of the lines."""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from ivigil import written
from ivigil.cli import EXIT_DONE
from ivigil.cli.asked import plausible
from ivigil.cli.cohort import opened, read_line, refused, told
from ivigil.cli.forecast import Asked, read_record
from ivigil.cli.opening import limits_of, open_knowledge, open_model
from ivigil.errors import BadInput, IvigilError
from ivigil.kinetics.cohort import Case, forecasts
from ivigil.knowledge.kinetic_models import KineticModel
from ivigil.knowledge.loading import Knowledge
from ivigil.patient import Limits
from ivigil.prescription.regimen_search import Advice

#: Lines a process is handed at once. Fewer lines than two such parts are not worth another process.
LINES_AT_ONCE = 64
#: Parts waiting for each process, so that a long file is not read ahead of the work.
PARTS_AHEAD = 3

Part = list[tuple[int, bytes]]


@dataclass(frozen=True)
class _Desk:
    """What every line is answered from, opened once a process."""

    knowledge: Knowledge
    models: tuple[KineticModel, ...]
    named: KineticModel | None
    limits: Limits
    asked: Asked
    seed: int
    now: datetime

    @classmethod
    def opened(cls, asked: Asked, seed: int, now: datetime) -> _Desk:
        knowledge = open_knowledge()
        models = tuple(knowledge.kinetic_model(name) for name in knowledge.kinetic_model_ids)
        named = None if asked.model is None else open_model(knowledge, asked.model)
        return cls(knowledge, models, named, limits_of(knowledge), asked, seed, now)

    def answers(self, part: Part) -> list[tuple[int, str]]:
        """For each line its exit code, as if it had been forecast alone, and the line of JSON."""
        return [self._answer(number, line) for number, line in part]

    def _answer(self, number: int, line: bytes) -> tuple[int, str]:
        try:
            raw, asked = read_line(line), self.asked
            if isinstance(raw, dict) and "record" in raw:
                asked = _own(raw, asked)
                raw = raw["record"]
            if asked.indication is not None:
                self.knowledge.indication(asked.indication)
            one = self._model(asked.model)
            _, subject, treatment = read_record(raw, self.knowledge, self.limits, self.now)
            limits = plausible(self.knowledge)
            limits.baseline(asked.baseline_igg_g_per_l)
            limits.treatment(treatment)
            limits.subject(subject, "RECORD")
            case = Case(
                subject, treatment, asked.indication, asked.baseline_igg_g_per_l, None if one is None else one.id
            )
            models = self.models if one is None else (one,)
            (made,) = forecasts(models, [case], self.knowledge.policies.kinetics, seed=self.seed)
            if isinstance(made, IvigilError):
                raise made
            return EXIT_DONE, Advice.of(made).model_dump_json()
        except Exception as problem:
            return refused(problem, number, "forecast")

    def _model(self, name: str | None) -> KineticModel | None:
        """The model of a line: the one of the command, or a shipped one. A line opens no file."""
        return self.named if name is None or name == self.asked.model else self.knowledge.kinetic_model(name)


LINE_KEYS = ("indication", "model", "baseline_igg_g_per_l")


def _own(raw: dict[str, Any], asked: Asked) -> Asked:
    """What a line says for itself."""
    unknown = sorted(set(raw) - {"record", *LINE_KEYS})
    if unknown:
        raise BadInput(
            unknown[0], str(raw[unknown[0]]), "No such key in a cohort line.", f"Use {', '.join(LINE_KEYS)}."
        )
    own: dict[str, Any] = {key: raw[key] for key in LINE_KEYS if raw.get(key) is not None}
    for key in ("indication", "model"):
        if not isinstance(own.get(key, ""), str):
            raise BadInput(key, str(own[key]), "It is the id of one.", "Write it as text.")
    if "baseline_igg_g_per_l" in own:
        try:
            own["baseline_igg_g_per_l"] = float(written.number(own["baseline_igg_g_per_l"]))
        except written.NotReadable as problem:
            raise BadInput(
                "baseline_igg_g_per_l", str(own["baseline_igg_g_per_l"]), problem.rule, problem.remedy
            ) from problem
    return replace(asked, **own)


def forecast_cohort(path: Path, asked: Asked, seed: int) -> int:
    """Forecast each line; results stream to standard output, progress to standard error; a failed line stops nothing."""
    knowledge = open_knowledge()
    # A name that nobody knows is refused before anything is worked out.
    if asked.model is not None:
        open_model(knowledge, asked.model)
    if asked.indication is not None:
        knowledge.indication(asked.indication)
    console = Console(stderr=True)
    codes: Counter[int] = Counter()
    with opened(path, "Forecasting", console) as lines:
        for code, answer in _answers(_parts(lines), asked, seed, datetime.now().astimezone()):
            codes[code] += 1
            typer.echo(answer, color=True)  # else all of it is searched for colours to take out, and JSON has none
    console.print(f"{codes[EXIT_DONE]} forecast, {codes.total() - codes[EXIT_DONE]} could not be")
    return told(codes)


def _parts(lines: Iterator[bytes] | Any) -> Iterator[Part]:  # noqa: ANN401 - rich's reader of a file
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    while part := list(islice(numbered, LINES_AT_ONCE)):
        yield part


def _answers(parts: Iterator[Part], asked: Asked, seed: int, now: datetime) -> Iterator[tuple[int, str]]:
    """Answers in the order of the lines, from as many processes as there are cores and work."""
    first = list(islice(parts, 2))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(first) < 2 or cores < 2:
        desk = _Desk.opened(asked, seed, now)
        for part in chain(first, parts):
            yield from desk.answers(part)
        return
    # Spawned, not forked: compiled code may have threads of its own by now, and those do not survive a fork.
    pool = ProcessPoolExecutor(cores, get_context("spawn"), _begin, (asked, seed, now))
    waiting: deque[Future[list[tuple[int, str]]]] = deque()
    try:
        for part in chain(first, parts):
            waiting.append(pool.submit(_work, part))
            if len(waiting) > PARTS_AHEAD * cores:
                yield from _oldest(waiting)
        while waiting:
            yield from _oldest(waiting)
    finally:
        pool.shutdown(cancel_futures=True)


def _oldest(waiting: deque[Future[list[tuple[int, str]]]]) -> list[tuple[int, str]]:
    """The answers of the part that was handed out first, waited for if need be."""
    return waiting.popleft().result()


_desk: list[_Desk] = []
"""Of a worker process, which has no other way to keep what it opened."""


def _begin(asked: Asked, seed: int, now: datetime) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to tell
    _desk.append(_Desk.opened(asked, seed, now))


def _work(part: Part) -> list[tuple[int, str]]:
    return _desk[0].answers(part)
