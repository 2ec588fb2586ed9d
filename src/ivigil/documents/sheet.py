"""The plan as the words and fractions that its paper template lays out: plain JSON, nothing left to work out there."""

from __future__ import annotations

from typing import Any

from ivigil.documents.candidates import CandidateGroup, candidate_groups
from ivigil.documents.citations import Citations, merged
from ivigil.documents.days import AlikeDays, alike_days
from ivigil.documents.prescribed import (
    BEFORE,
    REGIONS,
    authority,
    cost,
    counted_days,
    interval,
    joined,
    kind,
    lots,
    minutes_before,
    options,
    premedication_dose,
    shared_reason,
    strengths_beside,
)
from ivigil.documents.wording import (
    MAY_BE,
    NOT_VERIFIED,
    PATTERNS,
    accepted_by,
    accepted_for,
    day,
    duration,
    moment,
    number,
    offset,
    per_kg,
    short_id,
    vials,
)
from ivigil.findings import Finding, Severity
from ivigil.prescription.plan import Infusion, Instruction, Plan, Prescription, Signature

Json = dict[str, Any]

DRAWN_SINGLY = 12
"""Up to so many vials are drawn one by one; more are drawn once per size, with their count."""
TICKED_TOGETHER = 5
"""Up to so many alike days share one table of steps, each with its own column of check boxes."""
VITALS_A_ROW = 14
"""So many check boxes for vital signs stand beside each other."""
PATIENT_IN_HEADER = 44
"""Signs of the patient's reference that fit in the header; the first page holds all of it."""

SETTINGS = {"hospital": "in hospital", "clinic": "in the clinic", "home": "at home"}


def sheet(plan: Plan, signature: Signature | None) -> Json:
    """Everything the template shows. A blocked plan brings no prescription, whatever else it holds."""
    blocked = plan.status == "blocked"
    cited = Citations(plan)
    ordered = None if blocked else plan.prescription
    return {
        "status": "blocked" if blocked else ("draft" if signature is None else "signed"),
        "synthetic": plan.synthetic,
        "patient": plan.patient_ref,
        "patient_short": shortened(plan.patient_ref),
        "indication": plan.indication_name,
        "plan_id": plan.plan_id,
        "plan_short": short_id(plan.plan_id),
        "valid_until": moment(plan.valid_until),
        "made_with": _made_with(plan),
        "notice": plan.notice,
        "signature": None
        if signature is None
        else {"by": signature.by, "role": signature.role, "at": moment(signature.at)},
        "prescription": None if ordered is None else _prescription(ordered, plan, cited),
        "days": [] if blocked else [_alike(days, cited) for days in alike_days(plan.infusions, TICKED_TOGETHER)],
        "administration": None if blocked else _administration(plan, cited),
        "findings": [_finding(one, plan, cited) for one in plan.findings],
        "accepted": [
            one.model_dump(exclude={"at"}) | {"at": "" if one.at is None else moment(one.at)} for one in plan.accepted
        ],
        "set_aside": list(dict.fromkeys(one.code for one in plan.findings if accepted_for(plan, one) is not None)),
        "candidates": [_candidates(one) for one in candidate_groups(plan.candidates)],
        "references": [
            {
                "number": place,
                "id": name,
                "title": source.title if source else name,
                "rest": joined(source.publisher, REGIONS.get(source.region, source.region), source.revision)
                if source
                else "",
                "kind": kind(source) if source else "",
                "address": source.address if source else "",
            }
            for place, name, source in cited.rows()
        ],
    }


def shortened(text: str) -> str:
    """A reference as it fits in the header."""
    return text if len(text) <= PATIENT_IN_HEADER else f"{text[: PATIENT_IN_HEADER - 1]}…"


def _made_with(plan: Plan) -> str:
    made = plan.made_with
    overlay = "no site overlay" if made.overlay is None else f"site overlay {short_id(made.overlay)}"
    return f"ivigil {made.ivigil}, knowledge {short_id(made.knowledge)}, {overlay}"


# ---- the prescription


def _prescription(ordered: Prescription, plan: Plan, cited: Citations) -> Json:
    reason = shared_reason(ordered.premedication)
    return {
        "brand": ordered.brand,
        "strength": strengths_beside(ordered.brand, plan.infusions),
        "label": joined(f"{ordered.region} label", ordered.label_revision),
        "regimen": f"{ordered.phase.value.capitalize()}, by {authority(ordered)} {cited.mark(ordered.sources)}".rstrip(),
        "off_label": ordered.off_label,
        "figures": _figures(ordered, len(plan.infusions)),
        "premedication_heading": BEFORE,
        "premedication_reason": reason,
        "premedication": [
            {
                "what": name,
                "dose": premedication_dose(row),
                "route": row.route,
                "before": minutes_before(row),
                "caution": row.caution if reason else f"{row.reason} {row.caution}".strip(),
                "cited": cited.mark(row.sources),
            }
            for name, row in options(ordered.premedication)
        ],
    }


def _figures(ordered: Prescription, days: int) -> list[Json]:
    rows = [
        {
            "label": "Course dose",
            "value": number(ordered.course_dose_g),
            "unit": "g",
            "note": f"{counted_days(days)}; prescribed {number(ordered.prescribed_course_dose_g)}\u00a0g",
        },
        {"label": "Dose", "value": per_kg(ordered.dose_g_per_kg), "unit": "g/kg", "note": "of dosing weight"},
        {
            "label": "Dosing weight",
            "value": number(ordered.dosing_weight_kg),
            "unit": "kg",
            "note": f"{ordered.weight_basis.value}; weighed {number(ordered.weight_kg)}\u00a0kg",
        },
        {
            "label": "Rate weight",
            "value": number(ordered.rate_weight_kg),
            "unit": "kg",
            "note": "for mL/kg/h",
        },
        {
            "label": "Next course",
            "value": day(ordered.next_course_on) if ordered.next_course_on else "not planned",
            "unit": "",
            "note": interval(ordered),
        },
        {"label": "Where", "value": SETTINGS[ordered.setting], "unit": "", "note": ""},
    ]
    if ordered.cost is not None:
        rows[-1]["note"] = cost(ordered.cost)
    return rows


# ---- the days


def _alike(days: AlikeDays, cited: Citations) -> Json:
    shown = days.first
    return {
        "title": days.title,
        "dates": [{"number": one.number, "date": day(one.starts_at.date())} for one in days.infusions],
        "start": days.clock(0),
        "offset": offset(shown.starts_at),
        "end": days.clock(shown.duration_min),
        "dose": number(shown.dose_g),
        "volume": number(shown.total_ml),
        "duration": duration(shown.duration_min),
        "pattern": PATTERNS[shown.pattern],
        "ceiling": "" if shown.ceiling_ml_per_h is None else number(shown.ceiling_ml_per_h),
        "maximum": per_kg(shown.max_rate_ml_per_kg_h),
        "vials": _drawn(shown),
        "vials_text": vials(shown.vials),
        "waste": number(shown.waste_g) if shown.waste_g else "",
        "lots": lots(shown.vials),
        "stairs": _stairs(days),
        "steps": _steps(days, cited),
        "vitals": _vitals(days),
    }


def _drawn(infusion: Infusion) -> list[Json]:
    """Vials as they are drawn, largest first; the last of the smallest stands part full where some is left over."""
    counts = sorted(infusion.vials, key=lambda vial: vial.size_g, reverse=True)
    largest = max((vial.size_g for vial in counts), default=1)
    singly = sum(vial.count for vial in counts) <= DRAWN_SINGLY
    rows = [
        {
            "grams": number(vial.size_g),
            "tall": float(vial.size_g / largest),
            "full": 1.0,
            "times": "" if singly else f"× {vial.count}",
        }
        for vial in counts
        for _ in range(vial.count if singly else 1)
    ]
    if rows and singly and 0 < infusion.waste_g < counts[-1].size_g:
        rows[-1]["full"] = float(1 - infusion.waste_g / counts[-1].size_g)
    return rows


def _stairs(days: AlikeDays) -> list[Json]:
    """Steps as fractions of the whole width and of the highest rate."""
    infusion = days.first
    highest = max((step.pump_ml_per_h for step in infusion.steps), default=1)
    minutes = max(infusion.duration_min, 1)
    return [
        {
            "from": step.start_min / minutes,
            "to": (step.start_min + step.duration_min) / minutes,
            "high": float(step.pump_ml_per_h / highest),
            "rate": number(step.pump_ml_per_h),
            **_time(days, step.start_min),
        }
        for step in infusion.steps
    ]


def _time(days: AlikeDays, at_min: int) -> Json:
    """A clock time, and apart from it the date that it falls on if that is a later one."""
    other = days.other_date(at_min)
    return {"clock": days.clock(at_min).removesuffix(other).rstrip(), "other_date": other}


def _steps(days: AlikeDays, cited: Citations) -> list[Json]:
    return [
        {
            **_time(days, step.start_min),
            "minutes": str(step.duration_min),
            "pump": number(step.pump_ml_per_h),
            "ml_per_kg_h": per_kg(step.rate_ml_per_kg_h),
            "mg_per_kg_min": per_kg(step.rate_mg_per_kg_min),
            "volume": number(step.volume_ml),
            "cumulative": number(step.cumulative_ml),
            "rate_by": step.basis,
            "hold_by": step.hold_basis,
            "cited": cited.mark(step.sources),
        }
        for step in days.first.steps
    ]


def _vitals(days: AlikeDays) -> list[list[Json]]:
    """Rows of times at which vital signs are due; those on a later date and after the end are marked."""
    infusion = days.first
    times = [
        {
            **_time(days, at_min),
            "when": "end" if at_min == infusion.duration_min else ("after" if at_min > infusion.duration_min else ""),
        }
        for at_min in infusion.vitals_due_min
    ]
    return [times[first : first + VITALS_A_ROW] for first in range(0, len(times), VITALS_A_ROW)]


# ---- at the chair


def _administration(plan: Plan, cited: Citations) -> Json | None:
    said = plan.administration
    if said is None:
        return None

    def rows(instructions: tuple[Instruction, ...]) -> list[Json]:
        return [
            {"topic": one.topic, "text": one.text, "basis": one.basis, "cited": cited.mark(one.sources)}
            for one in merged(instructions)
        ]

    return {
        "preparation": rows(said.preparation),
        "hydration": rows(said.hydration),
        "monitoring": rows(said.monitoring),
        "reaction": rows(said.first_lines_on_a_reaction),
    }


# ---- the reasons


def _finding(finding: Finding, plan: Plan, cited: Citations) -> Json:
    accepted = accepted_for(plan, finding)
    stops = finding.severity is Severity.BLOCKS and accepted is None
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "text": finding.text,
        "remedy": finding.remedy or "",
        "may_be": MAY_BE[finding.may_be] if stops else "",
        "accepted": "" if accepted is None else f"accepted by {accepted_by(accepted)}",
        "unverified": "" if finding.verified else NOT_VERIFIED,
        "cited": cited.mark(finding.sources),
    }


def _candidates(group: CandidateGroup) -> Json:
    return {"products": list(group.products), "fits": group.fits, "code": group.code, "text": group.text}
