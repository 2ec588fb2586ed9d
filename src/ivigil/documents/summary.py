"""One page for the clinician: what was found, what is planned, on which sources. Not an order: the plan is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from ivigil.documents.leaflet import pages_of
from ivigil.documents.pdf import PAPERS, compile_pdf, drawable, each_text
from ivigil.documents.prescribed import (
    authority,
    cost,
    counted_days,
    dose_per_kg,
    interval,
    joined,
    kind,
    minutes_before,
    options,
    premedication_dose,
    strengths_beside,
)
from ivigil.documents.wording import (
    NOT_VERIFIED,
    PATTERNS,
    accepted_by,
    accepted_for,
    breakable,
    clock,
    day,
    duration,
    moment,
    number,
    per_kg,
    short_id,
    together,
    vials,
    visible,
)
from ivigil.errors import BadInput
from ivigil.findings import Finding, Severity
from ivigil.prescription.administration import OPTIONS
from ivigil.prescription.plan import Infusion, Plan, Prescription, check_unchanged

Json = dict[str, Any]

SIZES_PT = (9.5, 9, 8.5, 8, 7.5)
LONGEST_NAME = 80


def summary_pdf(plan: Plan, paper: str = "a4") -> bytes:
    """The summary on one page.

    What only informs is named by its code where the page would not hold all of it; what blocks or warns is always told in
    full, and runs on to another page before any of it is left out.

    Raises:
        BadInput: an altered plan or an unknown paper.
    """
    check_unchanged(plan)
    if paper not in PAPERS:
        raise BadInput("--paper", paper, "The sheet is made for two papers.", f"Use {' or '.join(PAPERS)}.")
    template = (files("ivigil.documents") / "templates" / "summary.typ").read_bytes()
    made = b""
    for told_in_full in (True, False):
        said = drawable(each_text(summary(plan, told_in_full), lambda text: together(visible(text))))
        shown = json.dumps(each_text(said, breakable), ensure_ascii=False)
        for size in SIZES_PT:
            made = compile_pdf(template, {"paper": paper, "summary": shown, "size": f"{size}"})
            if pages_of(made) == 1:
                return made
    return made


class _Numbers:
    """Sources numbered in the order in which they are cited here."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def mark(self, names: Iterable[str]) -> str:
        found = sorted({self.names.setdefault(name, len(self.names) + 1) for name in names})
        return f"[{','.join(map(str, found))}]" if found else ""


def summary(plan: Plan, told_in_full: bool = True) -> Json:
    """Everything the page shows, as plain JSON."""
    cited = _Numbers()
    ordered = plan.prescription if plan.status == "planned" else None
    told = [one for one in plan.findings if told_in_full or one.severity is not Severity.INFORMS]
    rest = [one.code for one in plan.findings if one not in told]
    return {
        "status": plan.status,
        "synthetic": plan.synthetic,
        "patient": plan.patient_ref if len(plan.patient_ref) <= LONGEST_NAME else f"{plan.patient_ref[:LONGEST_NAME]}…",
        "indication": plan.indication_name,
        "plan_short": short_id(plan.plan_id),
        "valid_until": moment(plan.valid_until),
        "made_with": f"ivigil {plan.made_with.ivigil}, knowledge {short_id(plan.made_with.knowledge)}"
        + ("" if plan.made_with.overlay is None else f", site overlay {short_id(plan.made_with.overlay)}"),
        "notice": plan.notice,
        "plan": None if ordered is None else _planned(plan, ordered, cited),
        "findings": [_finding(plan, one, cited) for one in told],
        "rest": ", ".join(rest),
        "accepted": [{"code": one.code, "said": accepted_by(one)} for one in plan.accepted],
        "candidates": _candidates(plan),
        "references": _references(plan, cited),
    }


def _planned(plan: Plan, ordered: Prescription, cited: _Numbers) -> Json:
    following = f"next {day(ordered.next_course_on)}" if ordered.next_course_on else "none planned"
    rows = [
        (
            "Product",
            f"{joined(ordered.brand, strengths_beside(ordered.brand, plan.infusions))} ({ordered.region} label {ordered.label_revision})",
            "",
        ),
        ("Regimen", f"{ordered.phase.value}, by {authority(ordered)}", cited.mark(ordered.sources)),
        (
            "Dose",
            f"{number(ordered.course_dose_g)} g in {counted_days(len(plan.infusions))}; {dose_per_kg(ordered, plan.findings)} of "
            f"{ordered.weight_basis.value} weight {number(ordered.dosing_weight_kg)} kg "
            f"(weighed {number(ordered.weight_kg)} kg, rate weight {number(ordered.rate_weight_kg)} kg)",
            "",
        ),
        ("Courses", f"{interval(ordered)}; {following}", ""),
        ("Where", {"hospital": "hospital", "clinic": "clinic", "home": "home"}[ordered.setting], ""),
        (
            "Before",
            f"{OPTIONS}: {'; '.join(_before(ordered))}" if ordered.premedication else "no premedication",
            _marks(ordered, cited),
        ),
    ]
    if ordered.off_label is not None:
        rows.insert(2, ("Off label", ordered.off_label, ""))
    if ordered.cost is not None:
        rows.append(("Cost", cost(ordered.cost), ""))
    return {
        "rows": [{"label": label, "value": value, "cited": mark} for label, value, mark in rows],
        "days": [_day(one, cited) for one in plan.infusions],
    }


def _before(ordered: Prescription) -> list[str]:
    return [
        joined(f"{name} ({premedication_dose(row)})", row.route, minutes_before(row))
        for name, row in options(ordered.premedication)
    ]


def _marks(ordered: Prescription, cited: _Numbers) -> str:
    return cited.mark(name for row in ordered.premedication for name in row.sources)


def _day(one: Infusion, cited: _Numbers) -> Json:
    rates = [number(step.pump_ml_per_h) for step in one.steps]
    return {
        "number": str(one.number),
        "date": day(one.starts_at.date()),
        "time": f"{clock(one.starts_at, 0)}–{clock(one.starts_at, one.duration_min)}",
        "duration": duration(one.duration_min),
        "dose": f"{number(one.dose_g)} g",
        "vials": vials(one.vials).replace(" × ", "\u00a0×\u00a0")
        + (f", {number(one.waste_g)} g left over" if one.waste_g else ""),
        "rates": " → ".join(rates),
        "max": f"{per_kg(one.max_rate_ml_per_kg_h)} mL/kg/h, {PATTERNS[one.pattern]}",
        "cited": cited.mark(name for step in one.steps for name in step.sources),
    }


def _finding(plan: Plan, one: Finding, cited: _Numbers) -> Json:
    accepted = accepted_for(plan, one)
    return {
        "severity": one.severity.value,
        "code": one.code,
        "text": one.text,
        "remedy": one.remedy or "",
        "accepted": "" if accepted is None else f"Accepted by {accepted_by(accepted)}",
        "unverified": "" if one.verified else NOT_VERIFIED,
        "cited": cited.mark(one.sources),
    }


def _candidates(plan: Plan) -> str:
    fits = [one.product for one in plan.candidates if one.fits]
    return f"{len(plan.candidates)} considered; fit: {', '.join(fits) or 'none'}." if plan.candidates else ""


def _references(plan: Plan, cited: _Numbers) -> list[Json]:
    rows = []
    for name, place in cited.names.items():
        source = plan.sources.get(name)
        said = "" if source is None else joined(source.publisher, source.revision, kind(source))
        title = name if source is None else source.title
        rows.append({"number": str(place), "title": title, "rest": said})
    return rows
