"""The chair on paper: the pack's one page for a nurse without a screen, and the record of an infusion."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ivigil.documents import chair
from ivigil.documents.chair import MINUTE, Wall, words
from ivigil.documents.leaflet import pages_of
from ivigil.documents.pdf import check_paper, inert, laid_out
from ivigil.documents.prescribed import minutes_before, premedication_dose
from ivigil.documents.sheet import SETTINGS, shortened
from ivigil.documents.wording import day, duration, moment, number, per_kg, short_id, strength
from ivigil.infusion.events import EventType
from ivigil.infusion.pack import Pack, PackDose, PackStep
from ivigil.infusion.report import Entry, SessionReport
from ivigil.knowledge.protocol import Grade
from ivigil.prescription.plan import Infusion, Plan

Json = dict[str, Any]

PACK_SIZES_PT = (9, 8.7, 8.4, 8.1, 7.8, 7.5)
"""Sizes of type at which the pack is tried on one leaf; below the last nobody reads it at arm's length."""
BOTH_SIDES = 2
VITALS_A_ROW = 16
VITALS_ROWS = (1, 0)
"""So few rows of times for vital signs are printed where no size holds them all: what is done on a reaction never leaves the front."""
VIALS_LISTED = 8
"""So many vials have a line of their own; how many more there are is said beside them."""
TICKS_MOST = 9


# ---- the pack


def pack_pdf(pack: Pack, plan: Plan, paper: str) -> bytes:
    """One leaf: what is done stands on the front, the words that grade a symptom on the back.

    Args:
        pack: of an infusion of this plan.
        plan: for its vials, premedication and planned times.
        paper: a4 or us-letter.

    Raises:
        BadInput: the paper is unknown.
    """
    check_paper(paper)
    shown = _pack(pack, plan)
    made = b""
    for rows in dict.fromkeys((len(shown["vitals"]), *VITALS_ROWS)):
        kept = shown["vitals"][:rows]
        fewer = inert({**shown, "vitals": kept, "more_vitals": len(kept) < len(shown["vitals"])})
        for size in PACK_SIZES_PT:
            made = laid_out("pack.typ", paper, fewer, size=f"{size}")
            if pages_of(made) == BOTH_SIDES:
                return made
    return made


def _pack(pack: Pack, plan: Plan) -> Json:
    infusion = _infusion(plan, pack.infusion)
    return {
        **_identity(plan, pack.infusion, pack.brand, pack.concentration_g_per_ml),
        "pack_id": pack.pack_id,
        "pack_short": short_id(pack.pack_id),
        "planned": moment(infusion.starts_at),
        "signed": f"{pack.signed_by}, {pack.signed_role}, {moment(pack.signed_at)}",
        "valid_until": moment(pack.valid_until),
        "protocol": pack.protocol,
        "figures": _pack_figures(pack),
        "checks": [chair.CHECKS.get(name, words(name)) for name in chair.CHECKS if name in pack.checks],
        "premedication": _premedication(plan),
        "line": [one.text for one in pack.line],
        "own_steps": [
            {
                "name": one.name.capitalize(),
                "steps": [f"{step.text}{' (policy)' if step.policy else ''}" for step in one.steps],
            }
            for one in pack.symptoms.values()
            if one.steps
        ],
        "vials": _vials(infusion)[:VIALS_LISTED],
        "more_vials": max(0, len(_vials(infusion)) - VIALS_LISTED),
        "ladder": [_step(pack, place, infusion) for place in range(len(pack.ladder))],
        "signs": list(chair.columns(pack.watching.set_of)),
        "long_pause": chair.long_pause(pack),
        "watching": chair.watching(pack),
        "vitals": _between(pack, infusion),
        "adrenaline": {
            "name": pack.adrenaline.name,
            "syringe": chair.syringe(pack.adrenaline),
            "pen": chair.pen(pack.adrenaline),
            "route": pack.adrenaline.route,
            "position": pack.adrenaline.position,
            "repeat": f"{pack.adrenaline.repeat_min} min",
            "refractory": str(pack.adrenaline.refractory_after),
        },
        "call": pack.call,
        "call_has_number": any(map(str.isdigit, pack.call)),
        "grades": [_grade(pack, grade) for grade in Grade],
        "medicines": [
            {"name": one.name, "route": one.route, "amount": chair.amount(one), "caution": f"{one.use}. {one.caution}"}
            for one in {dose.medicine: dose for row in pack.responses.values() for dose in row.medicines}.values()
        ],
        "rules": [one.text for one in pack.anaphylaxis_rules.values()],
        "never": [pack.reasons[bar.code].text for bar in pack.permissions["resume"] if bar.field == "lock"],
        "symptoms": [
            {
                "name": one.name,
                "grade": words(one.grade.value),
                "least": words(one.least.value),
                "ask": " ".join(one.ask),
            }
            for one in sorted(pack.symptoms.values(), key=lambda one: one.grade.rank)
        ],
        "limits": [
            {
                "sign": ", ".join(chair.columns([one.sign])).removesuffix(" %"),
                "text": one.text if one.below is None else f"{one.text} Here: below {number(one.below)}.",
                "grade": "ask" if one.grade is None else words(one.grade.value),
            }
            for one in sorted(pack.triggers.values(), key=lambda one: list(chair.SIGNS).index(one.sign))
        ],
        "after_end": str(pack.watching.after_end_min),
        "notice": pack.notice,
    }


def _identity(plan: Plan, infusion: int, brand: str, concentration: Decimal) -> Json:
    return {
        "synthetic": plan.synthetic,
        "patient": plan.patient_ref,
        "patient_short": shortened(plan.patient_ref),
        "plan_id": plan.plan_id,
        "plan_short": short_id(plan.plan_id),
        "indication": plan.indication_name,
        "brand": brand,
        "strength": strength(concentration),
        "infusion": str(infusion),
        "infusions": str(len(plan.infusions)),
    }


def _infusion(plan: Plan, wanted: int) -> Infusion:
    return next(one for one in plan.infusions if one.number == wanted)


def _figure(label: str, value: str, unit: str, note: str = "") -> Json:
    return {"label": label, "value": value, "unit": unit, "note": note}


def _pack_figures(pack: Pack) -> list[Json]:
    age = "age not recorded" if pack.age_years is None else f"age {number(pack.age_years)}"
    return [
        _figure("Dose", number(pack.dose_g), "g", f"{number(pack.total_ml)} mL"),
        _figure("Concentration", strength(pack.concentration_g_per_ml), "", "no other strength"),
        _figure("Highest rate", number(pack.top_ml_per_h), "mL/h", "never above"),
        _figure(
            "Weight today",
            f"{number(pack.weight_from_kg)} – {number(pack.weight_to_kg)}",
            "kg",
            f"planned {number(pack.weight_kg)} kg, {age}; else call",
        ),
        _figure("Where", SETTINGS[pack.setting], ""),
    ]


def _premedication(plan: Plan) -> list[str]:
    rows = () if plan.prescription is None else plan.prescription.premedication
    return [
        " ".join(part for part in (one.what, premedication_dose(one), one.route, minutes_before(one)) if part)
        for one in rows
    ]


def _vials(infusion: Infusion) -> list[Json]:
    """A line for each vial that is hung, with its lot where the plan took it from stock."""
    rows = []
    for vial in infusion.vials:
        lots = [one.lot for one in vial.lots for _ in range(one.count)]
        rows += [
            {"grams": number(vial.size_g), "lot": lots[place] if place < len(lots) else ""}
            for place in range(vial.count)
        ]
    return rows


def _step(pack: Pack, place: int, infusion: Infusion) -> Json:
    step = pack.ladder[place]
    last = step.next_pump_ml_per_h is None
    return {
        "pump": number(step.pump_ml_per_h),
        "per_kg": per_kg(step.rate_ml_per_kg_h),
        "earliest": "start" if place == 0 else f"+{step.earliest_min} min",
        "hold": "to the end" if last else f"{step.hold_min} min",
        "restart": _restart(pack, step, pack.ladder[place - 1].pump_ml_per_h if place else Decimal(0)),
    }


def _restart(pack: Pack, step: PackStep, borne: Decimal) -> str:
    """The most at which it may go on after a reaction at this step, if the step before it was borne."""
    rates = {
        row.episode: row.restart_ml_per_h
        for row in pack.restarts
        if row.episode is not None and (row.ran_ml_per_h, row.borne_ml_per_h) == (step.pump_ml_per_h, borne)
    }
    told = {grade: "do not" if rate is None else number(rate) for grade, rate in rates.items()}
    if len(set(told.values())) == 1:
        return next(iter(told.values()))
    return ", ".join(f"{words(grade.value)} {rate}" for grade, rate in told.items()) or "do not"


def _between(pack: Pack, infusion: Infusion) -> list[list[Json]]:
    """The times at which vital signs are due beside those of the steps, as they are planned."""
    at_steps = {step.earliest_min for step in pack.ladder}
    times = [
        {
            "at": f"+{at_min}",
            "when": "end" if at_min == infusion.duration_min else ("after" if at_min > infusion.duration_min else ""),
        }
        for at_min in pack.watching.planned_due_min
        if at_min not in at_steps
    ]
    return [times[first : first + VITALS_A_ROW] for first in range(0, len(times), VITALS_A_ROW)]


def _grade(pack: Pack, grade: Grade) -> Json:
    row = pack.responses[grade]
    return {
        "title": words(grade.value).capitalize(),
        "ctcae": str(row.ctcae),
        "steps": [f"{one.text}{' (policy)' if one.policy else ''}" for one in row.steps],
        "medicines": "; ".join(_medicines(row.medicines)),
        "last": grade is Grade.LIFE_THREATENING,
    }


def _medicines(doses: Iterable[PackDose]) -> Iterable[str]:
    """Each dose; those without one, and for the same reason, together."""
    unknown: dict[str, list[str]] = {}
    for one in doses:
        if one.mg is None:
            unknown.setdefault(one.ask.rstrip("."), []).append(one.name)
        else:
            yield f"{one.name} {chair.amount(one)}".rstrip(".")
    yield from (f"{', '.join(names)}: {ask}" for ask, names in unknown.items())


# ---- the record


def record_pdf(report: SessionReport, plan: Plan, paper: str) -> bytes:
    """The infusion record, for the file: what was planned, what happened, and lines to sign.

    Raises:
        BadInput: the paper is unknown.
    """
    check_paper(paper)
    return laid_out("record.typ", paper, inert(_record(report, plan)))


def _record(report: SessionReport, plan: Plan) -> Json:
    infusion = _infusion(plan, report.infusion)
    first = report.started_at or (report.timeline[0].at if report.timeline else None)
    wall = Wall(plan, report.infusion, first)
    given = report.given
    return {
        **_identity(plan, report.infusion, report.product, infusion.concentration_g_per_ml),
        "session": report.session,
        "session_short": shortened(report.session),
        "phase": words(report.phase.value),
        "signed": _signed(report),
        "opened_by": report.opened_by or "nobody",
        "protocol": report.protocol,
        "ctcae": report.ctcae_version,
        "date": day(wall.zero.date()),
        "figures": _record_figures(report, wall),
        "given": [
            ["planned", f"{number(given.planned_g)} g", f"{number(given.planned_ml)} mL"],
            ["hung", f"{number(given.hung_g)} g", ""],
            ["given", f"{number(given.given_g)} g", f"{number(given.given_ml)} mL"],
            ["left over", f"{number(given.left_g)} g", _residual(given.measured_residual_ml)],
        ],
        "balances": given.balances,
        "unaccounted": f"{number(given.unaccounted_ml)} mL" if given.unaccounted_ml else "",
        "residual_off": ""
        if given.measured_residual_ml is None or given.residual_agrees is not False
        else f"{number(given.measured_residual_ml)} mL measured, {number(given.expected_residual_ml)} mL by the reported rates",
        "beyond": f"{number(given.beyond_plan_g)} g" if given.beyond_plan_g else "",
        "lots": [
            {
                "product": one.product,
                "lot": one.lot or chair.NOT_RECORDED,
                "expires": one.expires_on or chair.NOT_RECORDED,
                "size": number(one.size_g),
                "given": number(one.given_g),
                "left": number(one.left_g),
            }
            for one in report.containers
        ],
        "chart": _chart(report, infusion, wall),
        **_vitals(report, wall),
        "reactions": [
            [
                wall.clock(one.since),
                words(one.symptom),
                f"{words(one.grade.value)} ({chair.graded_by(one)})",
                "still there" if one.until is None else f"gone {wall.clock(one.until)}",
            ]
            for one in report.reactions
        ],
        "alarms": [
            [wall.clock(one.at), one.text, "ask" if one.grade is None else words(one.grade.value)]
            for one in report.alarms
        ],
        "worst": chair.worst(report),
        "medicines": [[wall.clock(one.at), one.text, _who(one)] for one in _of(report, EventType.MEDICINE_GIVEN)],
        "deviations": [
            [
                wall.clock(one.at),
                words(one.action),
                " ".join(one.reasons),
                one.because or "no reason was given",
                f"{one.by}, {one.role}",
            ]
            for one in report.deviations
        ],
        "missed": [chair.missed(one, wall.clock) for one in report.missed],
        "review": [[one.reason, chair.cut(one.raw)] for one in report.for_review],
        "timeline": [_line(one, wall) for one in report.timeline],
        "due": [[wall.clock(at), chair.DUE[kind]] for kind, at in report.due],
        "learned": chair.learned(report),
        "notice": report.notice,
    }


def _signed(report: SessionReport) -> str:
    if report.signed_by is None:
        return "nobody: the session was never opened"
    return report.signed_by if report.signed_at is None else f"{report.signed_by}, {moment(report.signed_at)}"


def _residual(measured: Decimal | None) -> str:
    return "" if measured is None else f"measured {number(measured)} mL"


def _record_figures(report: SessionReport, wall: Wall) -> list[Json]:
    given = report.given
    began = "not started" if report.started_at is None else wall.clock(report.started_at)
    ended = "not ended" if report.ended_at is None else wall.clock(report.ended_at)
    lasted = "" if report.duration_min is None else duration(report.duration_min)
    grade = "none reported" if report.worst_grade is None else words(report.worst_grade.value)
    ctcae = "" if report.worst_ctcae is None else chair.ctcae(report)
    if chair.is_anaphylaxis(report):
        grade = "anaphylaxis"
    return [
        _figure("Given", number(given.given_g), "g", f"of {number(given.planned_g)} g planned"),
        _figure("Began", began, "", day(wall.zero.date())),
        _figure("Ended", ended, "", words(report.phase.value)),
        _figure("Lasted", lasted or "–", "", f"planned {duration(report.planned_duration_min)}"),
        _figure("Worst reaction", grade, "", ctcae),
        _figure("Not permitted", str(len(report.deviations)), "", "deviations"),
    ]


def _of(report: SessionReport, kind: EventType) -> Iterable[Entry]:
    return (one for one in report.timeline if one.type == kind.value and not one.struck)


def _who(one: Entry) -> str:
    return f"{one.by}, {one.role}"


def _line(one: Entry, wall: Wall) -> Json:
    return {
        "at": wall.clock(one.at),
        "minute": "" if one.minute is None else f"{'−' if one.minute < 0 else '+'}{abs(one.minute)} min",
        "text": one.text,
        "struck": one.struck,
        "first": one.first or "",
        "by": _who(one),
        "clock": "ahead" if one.clock_ahead else "behind" if one.clock_behind else "",
        "late": "" if one.told_late_min is None else duration(one.told_late_min),
        "corrected": [
            {"who": f"{change.by}, {change.role}, {wall.clock(change.at)}", "because": change.because}
            for change in one.corrected
        ],
    }


def _vitals(report: SessionReport, wall: Wall) -> Json:
    """Vital signs as they stand after corrections, a row for each time."""
    taken = [(one, one.signs) for one in _of(report, EventType.VITALS) if one.signs]
    present = {name for _, signs in taken for name in signs}
    columns = chair.columns(name for name in chair.SIGNS if name in present)
    rows = []
    for one, signs in taken:
        values: dict[str, str] = {}
        for name in chair.SIGNS:
            if name in signs:
                column = chair.SIGNS[name]
                values[column] = f"{values[column]}/{number(signs[name])}" if column in values else _sign(name, signs)
        rows.append([wall.clock(one.at), *(values.get(column, "") for column in columns), one.by])
    return {"vitals_columns": list(columns), "vitals": rows}


def _sign(name: str, signs: dict[str, Decimal]) -> str:
    alone = name == "diastolic_mmhg" and "systolic_mmhg" not in signs
    return f"–/{number(signs[name])}" if alone else number(signs[name])


# ---- the chart: fractions of its width and height, so that the template only draws


def _chart(report: SessionReport, infusion: Infusion, wall: Wall) -> Json | None:
    """Planned ladder from the real start, what ran, and where reactions began; None where nothing ran."""
    if report.started_at is None or not report.rates:
        return None
    begin = min(report.started_at, report.rates[0].begins)
    planned_end = report.started_at + infusion.duration_min * MINUTE
    end = max(report.rates[-1].ends, planned_end, report.ended_at or begin)
    whole = max(end - begin, MINUTE)
    top = max(*(step.pump_ml_per_h for step in infusion.steps), *(one.pump_ml_per_h for one in report.rates))

    def across(at: datetime) -> float:
        return (at - begin) / whole

    def run(begins: datetime, ends: datetime, rate: Decimal) -> Json:
        return {"from": across(begins), "to": across(ends), "high": float(rate / top), "rate": number(rate)}

    zero = report.started_at
    return {
        "planned": [
            run(
                zero + step.start_min * MINUTE, zero + (step.start_min + step.duration_min) * MINUTE, step.pump_ml_per_h
            )
            for step in infusion.steps
        ],
        "given": [run(one.begins, one.ends, one.pump_ml_per_h) for one in report.rates],
        "reactions": [
            {"at": across(one.since), "word": words(one.symptom)}
            for one in report.reactions
            if begin <= one.since <= end
        ],
        "ticks": [{"at": across(at), "clock": wall.clock(at).partition(" ")[0]} for at in _ticks(begin, end, wall)],
        "alt": _told(report, wall),
    }


def _ticks(begin: datetime, end: datetime, wall: Wall) -> Iterable[datetime]:
    """Quarters of an hour, hours, or as many days of the wall's clock apart as leave at most nine."""
    hour = timedelta(hours=1)
    start = begin.astimezone(wall.zone)
    at = start.replace(minute=0, second=0, microsecond=0)
    at = at if at == start else at + hour
    whole_days = timedelta(days=(end - begin) // timedelta(days=TICKS_MOST) + 1)
    apart = next(
        step
        for step in (hour / 4, hour / 2, hour, 2 * hour, 4 * hour, 6 * hour, 12 * hour, whole_days)
        if (end - begin) / step <= TICKS_MOST
    )
    while at - apart >= start:
        at -= apart
    while at <= end:
        yield at
        at += apart


def _told(report: SessionReport, wall: Wall) -> str:
    runs = "; ".join(
        f"{wall.clock(one.begins)} to {wall.clock(one.ends)} {number(one.pump_ml_per_h)} mL/h" for one in report.rates
    )
    return f"Rates that ran: {runs}."
