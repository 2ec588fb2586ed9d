"""Plans made by hand, with every kind of content that a document has to hold. All synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal

from ivigil.findings import Finding, MayBe, Severity
from ivigil.knowledge.regimens import Phase, WeightBasis
from ivigil.prescription.plan import (
    NOTICE,
    Accepted,
    AdministrationPlan,
    Candidate,
    Cost,
    Infusion,
    Instruction,
    LotCount,
    Plan,
    Premedication,
    Prescription,
    Step,
    VialCount,
    identified,
)
from ivigil.sources import CitedSource, MadeWith

START = datetime(2026, 11, 23, 9, tzinfo=timezone(-timedelta(hours=5)))
HOSTILE = 'Ada #let x = [*_$] \\ "q" `raw` <lab> @ref // [red]bold[/] 🙂 مريم 王 end'
WEIGHT_KG = Decimal("82")
D = Decimal


def finding(code: str, severity: Severity = Severity.INFORMS, may_be: MayBe = MayBe.NEITHER, **more) -> Finding:
    said: dict[str, Any] = {
        "text": f"What was found about {code}, in one sentence.",
        "remedy": f"What to do about {code}.",
    } | more
    return Finding(code=code, severity=severity, may_be=may_be, sources=("label/a", "paper/b"), **said)


FINDINGS = (
    finding("first-infusion", Severity.WARNS),
    finding("not-verified-limit", Severity.WARNS, verified=False),
    finding("policy-steps"),
    finding("premedication", remedy=None),
)
BLOCKING = (
    finding("weight-unlikely", Severity.BLOCKS, MayBe.CONFIRMED),
    finding("age-below-label", Severity.BLOCKS, MayBe.OVERRIDDEN),
    finding("anti-iga", Severity.BLOCKS, MayBe.NEITHER),
)


def steps(rates_ml_per_kg_h: Sequence[str], hold_min: int, last_min: int) -> tuple[Step, ...]:
    rows, given = [], D(0)
    for place, rate in enumerate(map(Decimal, rates_ml_per_kg_h)):
        last = place == len(rates_ml_per_kg_h) - 1
        minutes = last_min if last else hold_min
        pump = (rate * WEIGHT_KG).quantize(D("0.1"))
        volume = (pump * minutes / 60).quantize(D("0.1"))
        given += volume
        rows.append(
            Step(
                start_min=place * hold_min,
                duration_min=minutes,
                rate_ml_per_kg_h=rate,
                rate_mg_per_kg_min=rate * 100 / 60,
                pump_ml_per_h=pump,
                volume_ml=volume,
                cumulative_ml=given,
                basis="label" if place in {0, len(rates_ml_per_kg_h) - 1} else "policy",
                hold_basis="policy",
                sources=("label/a",),
            )
        )
    return tuple(rows)


SHORT = steps(("0.3", "0.6", "1.2", "2.4"), 30, 95)
LADDER_OF_EIGHT = steps(("0.3", "0.6", "1.2", "1.881", "2.4", "3.6", "4.2", "4.8"), 15, 610)


def infusion(number: int = 1, ladder: tuple[Step, ...] = SHORT, starts_at: datetime = START, **more) -> Infusion:
    minutes = ladder[-1].start_min + ladder[-1].duration_min
    default: dict[str, Any] = {
        "dose_g": D("60"),
        "vials": (VialCount(size_g=D("40"), count=1), VialCount(size_g=D("20"), count=1)),
        "waste_g": D("0"),
        "concentration_g_per_ml": D("0.1"),
        "total_ml": ladder[-1].cumulative_ml,
        "pattern": "first",
        "max_rate_ml_per_kg_h": D("4.8"),
        "ceiling_ml_per_h": None,
        "vitals_due_min": (*range(0, 60, 15), *range(60, minutes, 30), minutes, minutes + 60),
    }
    return Infusion(
        number=number,
        starts_at=starts_at + timedelta(days=number - 1),
        duration_min=minutes,
        steps=ladder,
        **(default | more),
    )


def instructions(count: int, basis: Literal["label", "policy", "source"] = "label") -> tuple[Instruction, ...]:
    return tuple(
        Instruction(
            topic=f"Topic {place}",
            text="A line of what to do, long enough that it runs over the end of a narrow column on paper.",
            basis=basis,
            sources=(f"label/{place % 3}",),
        )
        for place in range(count)
    )


ADMINISTRATION = AdministrationPlan(
    preparation=(
        *(
            Instruction(topic=t, text="Not read: see the label.", basis="not_read", sources=())
            for t in ("Filter", "Flush")
        ),
        *instructions(6),
    ),
    hydration=instructions(2, "policy"),
    monitoring=instructions(4, "source"),
    first_lines_on_a_reaction=instructions(8, "source"),
)

PRESCRIPTION = Prescription(
    product="example_ig",
    brand="Example-Ig",
    region="US",
    label_revision="2026-01",
    phase=Phase.LOADING,
    regimen="loading",
    authority="label",
    off_label=None,
    age_years=D("54.25"),
    weight_kg=D("95"),
    weight_basis=WeightBasis.ADJUSTED,
    dosing_weight_kg=WEIGHT_KG,
    rate_weight_kg=WEIGHT_KG,
    dose_g_per_kg=D("2"),
    prescribed_course_dose_g=D("164"),
    course_dose_g=D("160"),
    interval_days=21,
    next_course_on=date(2026, 12, 14),
    premedication=(),
    setting="hospital",
    cost=Cost(price_per_g=D("60"), currency="USD", course=D("9600")),
    sources=("label/a",),
)

PREMEDICATION = (
    Premedication(
        what="an example antipyretic",
        dose="as the source prints it",
        route="by mouth",
        min_before=(30, 60),
        reason="Earlier reaction: headache.",
        caution="count all of the day",
        sources=("paper/b",),
    ),
    Premedication(what="another", dose="", route="by vein", min_before=None, reason="r", caution="", sources=()),
)


def source(title: str, kind: str = "label") -> CitedSource:
    return CitedSource(
        title=title,
        publisher="Publisher",
        kind=kind,
        region="US",
        revision="2026",
        address="https://example.org/a/rather/long/address/that/has/to/break/somewhere/in/a/narrow/column.html",
    )


SOURCES = {
    "label/a": source("A label"),
    "paper/b": source("A paper", "secondary"),
    **{f"label/{place}": source(f"Label part {place}", "label_copy") for place in range(3)},
}

CANDIDATES = (
    Candidate(product="example_ig", fits=True, reasons=()),
    *(
        Candidate(
            product=f"other_{place}",
            fits=False,
            reasons=(finding("warned", Severity.WARNS), finding("wrong-route", Severity.BLOCKS)),
        )
        for place in range(9)
    ),
)


def plan(**more) -> Plan:
    default: dict[str, Any] = {
        "schema_": "ivigil-plan/1",
        "plan_id": "",
        "made_with": MadeWith(ivigil="0.1.0", knowledge="sha256:" + "ab" * 32, overlay=None),
        "status": "planned",
        "valid_until": START + timedelta(days=7),
        "patient_ref": "synthetic-1",
        "synthetic": True,
        "indication": "example",
        "indication_name": "Example indication",
        "findings": FINDINGS,
        "accepted": (),
        "candidates": CANDIDATES,
        "prescription": PRESCRIPTION,
        "administration": ADMINISTRATION,
        "infusions": (infusion(),),
        "sources": SOURCES,
        "notice": NOTICE,
    }
    return identified(Plan(**(default | more)))


def one_day() -> Plan:
    return plan()


def five_days() -> Plan:
    """Four days alike, and a last one with a part vial and lots of two batches."""
    lots = (
        LotCount(lot="P100345", count=1, expires_on=date(2027, 3, 31)),
        LotCount(lot="P100346", count=1, expires_on=date(2027, 4, 30)),
    )
    last = infusion(
        5,
        dose_g=D("17.5"),
        vials=(VialCount(size_g=D("10"), count=2, lots=lots),),
        waste_g=D("2.5"),
        ceiling_ml_per_h=D("180"),
    )
    return plan(
        infusions=(*(infusion(number) for number in range(1, 5)), last),
        prescription=PRESCRIPTION.model_copy(update={"premedication": PREMEDICATION}),
    )


def eight_steps() -> Plan:
    """A long night: eight steps, past midnight, more vials than can be drawn one by one."""
    return plan(
        infusions=(
            infusion(
                1,
                LADDER_OF_EIGHT,
                START + timedelta(hours=7),
                vials=(VialCount(size_g=D("10"), count=12), VialCount(size_g=D("2.5"), count=3)),
                pattern="at_risk",
            ),
        )
    )


def off_label_and_accepted() -> Plan:
    return plan(
        findings=(*BLOCKING[:2], *FINDINGS),
        accepted=tuple(
            Accepted(code=one.code, by="Dr Example", role="prescriber", because="Seen and weighed today.")
            for one in BLOCKING[:2]
        ),
        prescription=PRESCRIPTION.model_copy(update={"off_label": "No labelled product is in stock."}),
    )


def many_findings() -> Plan:
    return plan(findings=tuple(finding(f"finding-{place}", list(Severity)[1 + place % 2]) for place in range(40)))


def blocked() -> Plan:
    return plan(
        status="blocked",
        findings=(*BLOCKING, *FINDINGS),
        prescription=None,
        administration=None,
        infusions=(),
        candidates=CANDIDATES[1:],
    )


def hostile() -> Plan:
    return plan(
        patient_ref=HOSTILE,
        indication_name=HOSTILE,
        findings=(finding("hostile", Severity.WARNS, text=HOSTILE, remedy=HOSTILE),),
        accepted=(Accepted(code="hostile", by=HOSTILE, role=HOSTILE, because=HOSTILE),),
        prescription=PRESCRIPTION.model_copy(update={"off_label": HOSTILE}),
    )


def real_patient() -> Plan:
    return plan(synthetic=False, patient_ref="MRN-1")


ALL = (one_day, five_days, eight_steps, off_label_and_accepted, many_findings, blocked, hostile, real_patient)
