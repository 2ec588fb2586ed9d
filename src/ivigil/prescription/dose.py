"""How much, over how many days, how often: a regimen of the label or guideline, applied to a weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from ivigil.errors import BadInput
from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.policies import DosePolicy
from ivigil.knowledge.regimens import Phase, Regimen
from ivigil.prescription.request import Request
from ivigil.sources import RANK


@dataclass(frozen=True)
class Dose:
    """A prescribed course: g/kg of dosing weight, grams, days, interval, and the most one infusion may weigh (g).

    ``largest_infusion_g`` is the source's largest dose; ``ceiling_infusion_g`` a limit in grams that it prints besides.
    """

    g_per_kg: Decimal
    course_g: Decimal
    days: int
    interval_days: int | None
    largest_infusion_g: Decimal
    ceiling_infusion_g: Decimal | None
    findings: tuple[Finding, ...]


def phases_of(regimens: Mapping[str, Regimen]) -> tuple[Phase, ...]:
    """The phases for which a dose is printed, in the order of treatment."""
    found = {regimen.phase for regimen in regimens.values() if regimen.g_per_kg_max is not None}
    return tuple(phase for phase in Phase if phase in found)


def choose_regimen(
    regimens: Mapping[str, Regimen], phase: Phase | None, at_risk: bool, request: Request, policy: DosePolicy
) -> tuple[str, Regimen] | None:
    """The regimen for a phase; None if there is none.

    One asked for by id stands, if it is of the phase asked for. Else those that hold the dose and days asked for go first (if none does, the refusal names
    the range), then the policy on days decides, then the better reading. A regimen for a special population is taken only
    when asked for by id.
    """
    if request.regimen is not None:
        named = regimens.get(request.regimen)
        return None if named is None or request.phase not in {None, named.phase} else (request.regimen, named)
    fitting = [
        (name, regimen)
        for name, regimen in regimens.items()
        if regimen.g_per_kg_max is not None and regimen.phase is phase and not regimen.population
    ]
    fitting = [item for item in fitting if _holds(item[1], request, policy)] or fitting
    usual = min(fitting, key=lambda item: (item[1].days_min, RANK[item[1].read]), default=None)
    if usual is None or not _wantsmost_days(at_risk, policy):
        return usual
    # More days, never another dose: only regimens of the same size stand in for the usual one.
    size = (usual[1].g_per_kg_min, usual[1].g_per_kg_max)
    alike = [item for item in fitting if (item[1].g_per_kg_min, item[1].g_per_kg_max) == size]
    return min(alike, key=lambda item: (-item[1].days_max, RANK[item[1].read]))


def _holds(regimen: Regimen, request: Request, policy: DosePolicy) -> bool:
    dose, low, high = request.dose_g_per_kg, regimen.g_per_kg_min, regimen.g_per_kg_max
    dose_fits = dose is None or (high is not None and (low or 0) <= dose <= high)
    return dose_fits and (request.days is None or regimen.days_min <= request.days <= most_days(regimen, policy))


def most_days(regimen: Regimen, policy: DosePolicy) -> int:
    """The most days a course is divided over: the source's, or policy's where the source leaves the division open."""
    return int(policy.undivided_days_most.value) if regimen.days_open else regimen.days_max


def _daily_g_per_kg(regimen: Regimen, policy: DosePolicy) -> Decimal | None:
    """The most g/kg of one day: the source's, or policy's where the source leaves the division open."""
    if regimen.max_g_per_kg_day is None and regimen.days_open:
        return policy.undivided_g_per_kg_day.value
    return regimen.max_g_per_kg_day


def _wantsmost_days(at_risk: bool, policy: DosePolicy) -> bool:
    return (policy.at_risk_days if at_risk else policy.ordinary_days).value == "most"


def choose_doses(
    regimen: Regimen, dosing_kg: Decimal, indication: str, request: Request, at_risk: bool, policy: DosePolicy
) -> tuple[Dose, ...] | Finding:
    """The course divided over each number of days that may be, the preferred one first; or why there is no dose.

    The number asked for stands alone; else the policy says whether fewest or most days are preferred, and the planner
    takes the first that whole vials can meet.
    """
    highest = regimen.g_per_kg_max
    if highest is None:
        return _blocks(
            "dose-not-read",
            "The source prints no dose in figures.",
            "Read it on the source and enter it in the overlay.",
            regimen,
        )
    findings: list[Finding] = []
    g_per_kg = _g_per_kg(regimen, highest, indication, request, policy, findings)
    if isinstance(g_per_kg, Finding):
        return g_per_kg
    interval = _interval(regimen, request, policy, findings)
    return tuple(
        _divided(regimen, highest, g_per_kg, dosing_kg, days, interval, (*findings, *said), policy)
        for days, said in _days(regimen, g_per_kg, request, at_risk, policy)
    )


def largest_infusion_g(
    regimen: Regimen, highest_g_per_kg: Decimal, dosing_kg: Decimal, days: int, policy: DosePolicy
) -> tuple[Decimal, Decimal | None]:
    """The most one of so many infusions may weigh (g), and the limit in grams that the source prints besides."""
    daily = _daily_g_per_kg(regimen, policy)
    limits = (
        None if daily is None else daily * dosing_kg,
        regimen.max_g_day,
        None if regimen.max_g_course is None else regimen.max_g_course / days,
    )
    ceiling = min((limit for limit in limits if limit is not None), default=None)
    largest = highest_g_per_kg * dosing_kg / days
    return (largest if ceiling is None else min(largest, ceiling)), ceiling


def _divided(
    regimen: Regimen,
    highest: Decimal,
    g_per_kg: Decimal,
    dosing_kg: Decimal,
    days: int,
    interval: int | None,
    findings: tuple[Finding, ...],
    policy: DosePolicy,
) -> Dose:
    """The course over so many days, cut to what the source allows in them."""
    largest, ceiling = largest_infusion_g(regimen, highest, dosing_kg, days, policy)
    course = g_per_kg * dosing_kg
    if course > largest * days:
        findings = (
            *findings,
            _informs(
                "dose-capped",
                f"{course.normalize():f} g is more than the source allows in {days} day(s); the course is cut to {(largest * days).normalize():f} g.",
                regimen,
            ),
        )
        course = largest * days
        g_per_kg = course / dosing_kg
    return Dose(g_per_kg, course, days, interval, largest, ceiling, findings)


def _g_per_kg(
    regimen: Regimen, highest: Decimal, indication: str, request: Request, policy: DosePolicy, findings: list[Finding]
) -> Decimal | Finding:
    lowest, asked = regimen.g_per_kg_min, request.dose_g_per_kg
    span = f"{lowest} to {highest} g/kg" if lowest is not None and lowest != highest else f"{highest} g/kg"
    if asked is not None:
        if asked > highest:
            return _blocks(
                "dose-above-source",
                f"{asked} g/kg is above what the source prints ({span} a course).",
                "Prescribe no more than it prints.",
                regimen,
            )
        if lowest is not None and asked < lowest:
            findings.append(
                _blocks(
                    "dose-below-source",
                    f"{asked} g/kg is below what the source prints ({span} a course).",
                    "Confirm that less is meant, with the reason.",
                    regimen,
                    MayBe.OVERRIDDEN,
                )
            )
        return asked
    if lowest is None:
        return _blocks(
            "dose-needed",
            f"The source prints only an upper end ({highest} g/kg a course).",
            "State the dose with --dose-g-per-kg.",
            regimen,
        )
    if lowest == highest:
        return highest
    proposed = policy.proposed_g_per_kg.get(indication)
    if proposed is not None and lowest <= proposed.value <= highest:
        findings.append(
            _informs(
                "dose-proposed-from-range",
                f"The source prints {span}; {proposed.value} g/kg is proposed by policy: {proposed.note}",
                regimen,
                proposed.src,
            )
        )
        return proposed.value
    findings.append(
        _informs(
            "dose-proposed-from-range",
            f"The source prints {span}; its lower end is proposed by policy. Set --dose-g-per-kg by response.",
            regimen,
        )
    )
    return lowest


def _days(
    regimen: Regimen, g_per_kg: Decimal, request: Request, at_risk: bool, policy: DosePolicy
) -> tuple[tuple[int, tuple[Finding, ...]], ...]:
    """Numbers of days in the order of preference, each with what is to be said about it."""
    fewest, most, daily = regimen.days_min, most_days(regimen, policy), _daily_g_per_kg(regimen, policy)
    if daily is not None:
        needed = int((g_per_kg / daily).to_integral_value(rounding=ROUND_CEILING))
        fewest = min(max(fewest, needed), most)
    asked, longest = request.days, max(most, int(policy.longest_course_days.value))
    if asked is not None and asked > longest:
        text = f"{asked} days is more than the {longest} over which policy divides a course at all."
        return (
            (asked, (_blocks("days-too-many", text, f"Correct --days; the source divides over {most}.", regimen),)),
        )
    if regimen.days_open:
        return _open_days(regimen, fewest, most, asked, at_risk, policy)
    if asked is not None and asked < fewest:
        text = f"{asked} day(s) is fewer than the source's {fewest}: each infusion would be too large."
        return ((asked, (_blocks("days-too-few", text, "Divide over more days.", regimen),)),)
    if asked is not None and asked > most:
        text = f"{asked} days is more than the source's {most}."
        return ((asked, (_blocks("days-beyond-source", text, "Confirm with the reason.", regimen, MayBe.OVERRIDDEN),)),)
    if asked is not None or fewest == most:
        return ((asked or fewest, ()),)
    wants_most = _wantsmost_days(at_risk, policy)
    why = "most" if wants_most else "fewest"
    order = range(most, fewest - 1, -1) if wants_most else range(fewest, most + 1)
    text = f"The source divides the course over {fewest} to {most} days; by policy the {why} that whole vials meet"
    risk = ", because of the patient's risk" if at_risk and wants_most else ""
    return tuple((days, (_informs("days-proposed", f"{text}{risk}: {days}.", regimen),)) for days in order)


def _open_days(
    regimen: Regimen, fewest: int, most: int, asked: int | None, at_risk: bool, policy: DosePolicy
) -> tuple[tuple[int, tuple[Finding, ...]], ...]:
    """Days where the source prints the whole dose and no division: the prescriber's, else the fewest within policy."""
    cap = policy.undivided_g_per_kg_day
    limit = f"by policy no day holds more than {cap.value.normalize():f} g/kg"
    if asked is None:
        text = f"The source prints no division into days; {limit}, and the fewest days that whole vials meet"
        more = (
            f" The patient is at risk: consider more with --days (up to {most})." if at_risk and fewest < most else ""
        )
        found = (
            (days, _informs("days-by-policy", f"{text}: {days}.{more}", regimen, cap.src))
            for days in range(fewest, most + 1)
        )
        return tuple((days, (finding,)) for days, finding in found)
    if asked < fewest:
        text = f"The source prints no division into days; {limit}, and {asked} day(s) would hold more."
        finding = _blocks("days-too-few", text, f"Divide over {fewest} days or more.", regimen)
    elif asked > most:
        text = (
            f"The source prints no division into days; policy divides over at most {most}, and {asked} are asked for."
        )
        finding = _blocks("days-beyond-source", text, "Confirm with the reason.", regimen, MayBe.OVERRIDDEN)
    else:
        text = f"The source prints no division into days; {asked} day(s) are the prescriber's choice ({limit})."
        finding = _informs("days-by-prescriber", text, regimen, cap.src)
    return ((asked, (finding,)),)


def _interval(regimen: Regimen, request: Request, policy: DosePolicy, findings: list[Finding]) -> int | None:
    low, high = regimen.interval_days_min, regimen.interval_days_max
    asked = request.interval_days
    if low is None or high is None:
        if asked is not None:
            raise BadInput("--interval-days", asked, "This regimen is not repeated at an interval.", "Leave it out.")
        return None
    if asked is not None:
        if asked < low * policy.interval_least_fraction.value:
            text = (
                f"Every {asked} day(s) is less than half of the source's shortest interval ({low} days): the dose over time"
                " would be more than doubled."
            )
            findings.append(_blocks("interval-too-short", text, "Correct --interval-days.", regimen))
        elif not low <= asked <= high:
            findings.append(
                _blocks(
                    "interval-outside-source",
                    f"Every {asked} days lies outside the source's {low} to {high} days.",
                    "Confirm with the reason.",
                    regimen,
                    MayBe.OVERRIDDEN,
                )
            )
        return asked
    interval = high if policy.ordinary_interval.value == "longest" else low
    if low != high:
        findings.append(
            _informs(
                "interval-proposed",
                f"The source prints every {low} to {high} days; {interval} is proposed by policy.",
                regimen,
            )
        )
    return interval


def _informs(code: str, text: str, regimen: Regimen, sources: tuple[str, ...] = ()) -> Finding:
    return Finding(code=code, severity=Severity.INFORMS, text=text, sources=regimen.src + sources)


def _blocks(code: str, text: str, remedy: str, regimen: Regimen, may_be: MayBe = MayBe.NEITHER) -> Finding:
    return Finding(code=code, severity=Severity.BLOCKS, may_be=may_be, text=text, remedy=remedy, sources=regimen.src)
