"""The hazard log: ``docs/safety/hazards.toml`` is the record, ``docs/safety/hazards.md`` is written from it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

ROOT = Path(__file__).resolve().parent.parent.parent
TOML = ROOT / "docs" / "safety" / "hazards.toml"
PAGE = ROOT / "docs" / "safety" / "hazards.md"

Severity = Literal["minor", "significant", "considerable", "major", "catastrophic"]
Likelihood = Literal["very low", "low", "medium", "high", "very high"]
SEVERITIES: tuple[Severity, ...] = ("minor", "significant", "considerable", "major", "catastrophic")
LIKELIHOODS: tuple[Likelihood, ...] = ("very low", "low", "medium", "high", "very high")

#: Risk 1 to 5 by likelihood (rows, very low first) and severity (columns, minor first), as in DCB0129.
RISK: tuple[tuple[int, ...], ...] = (
    (1, 1, 2, 2, 3),
    (1, 2, 2, 3, 4),
    (2, 2, 3, 3, 4),
    (2, 3, 3, 4, 5),
    (3, 4, 4, 5, 5),
)
#: From this risk on a hazard must not remain open.
UNACCEPTABLE = 4


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mutation(_Row):
    """One line that removes the control: ``find`` stands exactly once in ``file``."""

    file: str
    find: str
    replace: str

    @model_validator(mode="after")
    def _changes_one_line(self) -> Self:
        if "\n" in self.find or self.find == self.replace:
            raise ValueError("find is one line, and replace another")
        return self


class Control(_Row):
    """What keeps a hazard from harming, where it stands, the test that shows it, and the change that removes it."""

    id: str
    what: str
    where: str
    test: str
    mutation: Mutation


class Hazard(_Row):
    """One way in which planning could harm a patient."""

    id: str
    hazard: str
    cause: str
    effect: str
    severity: Severity
    likelihood_before: Likelihood
    likelihood_after: Likelihood
    residual: str = ""
    controls: tuple[Control, ...]

    @property
    def risk_before(self) -> int:
        """Risk without the controls."""
        return risk(self.severity, self.likelihood_before)

    @property
    def risk_after(self) -> int:
        """Risk with the controls."""
        return risk(self.severity, self.likelihood_after)


class HazardLog(_Row):
    """All hazards, in the order of the plan's making."""

    hazards: tuple[Hazard, ...]

    @property
    def controls(self) -> tuple[Control, ...]:
        """Every control of every hazard."""
        return tuple(control for hazard in self.hazards for control in hazard.controls)


def risk(severity: Severity, likelihood: Likelihood) -> int:
    """Risk 1 (negligible) to 5 (never acceptable)."""
    return RISK[LIKELIHOODS.index(likelihood)][SEVERITIES.index(severity)]


def read() -> HazardLog:
    """The checked hazard log."""
    return HazardLog.model_validate(tomllib.loads(TOML.read_text("utf-8")))


# ---- the page

HEAD = """# Hazard log of the planner

What `ivigil plan` could do wrong, what harm that would do, and what keeps it from happening: the hazard log asked for by
DCB0129 and ISO 14971. This page is written from [`hazards.toml`](hazards.toml); correct that file and run
`.venv/bin/python tests/safety/prove_controls.py --write`.

Every control is tied to a test and to a one-line change that removes it. `make mutants` makes each change in a copy of the
source and demands that the test fails; a control whose removal no test notices is reported as not proved.

ivigil informs a clinician's decision and never decides alone. The likelihoods are the founders' judgement before any use in
care; a deploying organisation makes its own assessment (DCB0160) and has a clinical safety officer of its own.
"""


def page(log: HazardLog) -> str:
    """The Markdown page."""
    parts = [HEAD, _scales(), _overview(log)]
    parts += [_hazard(hazard) for hazard in log.hazards]
    return "\n".join(parts)


def _scales() -> str:
    rows = [
        "## Scales",
        "",
        "Severity: *catastrophic*, death or lasting severe harm of several patients; *major*, of one patient; *considerable*,",
        "severe harm from which recovery is expected; *significant*, harm that needs treatment or watching; *minor*, discomfort",
        "or delay.",
        "",
        "Likelihood: of the harm, for each plan of a patient to whom the hazard can apply.",
        "",
        f"Risk, 1 (negligible) to 5: {UNACCEPTABLE} and 5 must not remain after the controls; 3 may remain only as long as",
        "nothing more can reasonably be done, and what remains is said with the hazard.",
        "",
        "| likelihood | " + " | ".join(SEVERITIES) + " |",
        "|---|" + "---|" * len(SEVERITIES),
    ]
    rows += [
        f"| {likelihood} | " + " | ".join(map(str, RISK[place])) + " |"
        for place, likelihood in reversed(tuple(enumerate(LIKELIHOODS)))
    ]
    return "\n".join((*rows, ""))


def _overview(log: HazardLog) -> str:
    rows = [
        "## Overview",
        "",
        f"{len(log.hazards)} hazards, {len(log.controls)} controls.",
        "",
        "| | hazard | severity | risk before | risk after | controls |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {one.id} | {one.hazard} | {one.severity} | {one.risk_before} | {one.risk_after} | {len(one.controls)} |"
        for one in log.hazards
    ]
    return "\n".join((*rows, ""))


def _hazard(hazard: Hazard) -> str:
    rows = [
        f"## {hazard.id} {hazard.hazard}",
        "",
        f"- Cause: {hazard.cause}",
        f"- Harm: {hazard.effect}",
        f"- Severity: {hazard.severity}. Likelihood before control: {hazard.likelihood_before} (risk {hazard.risk_before});"
        f" after: {hazard.likelihood_after} (risk {hazard.risk_after}).",
    ]
    if hazard.residual:
        rows.append(f"- What remains: {hazard.residual}")
    rows.append("")
    for control in hazard.controls:
        rows += [
            f"**{control.id}** {control.what}",
            "",
            f"- where: `{control.where}`",
            f"- test: `{control.test}`",
            f"- removed by: in `{control.mutation.file}`, `{control.mutation.find.strip()}` becomes"
            f" `{control.mutation.replace.strip() or '(nothing)'}`",
            "",
        ]
    return "\n".join(rows)
