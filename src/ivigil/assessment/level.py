"""A level of IgG that does not fit the aim: replacement where there is plenty already."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from ivigil.findings import Finding, Severity
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.policies import DosePolicy
from ivigil.patient import Patient


def high_level(indication: Indication, patient: Patient, at: datetime, policy: DosePolicy) -> Iterable[Finding]:
    """Ask when the latest IgG lies far above the range and the aim is to replace it; shown as policy."""
    lab, limit = patient.latest("igg"), policy.replacement_igg_asked_above_g_per_l
    if not indication.replacement or lab is None or not isinstance(lab.value, Decimal) or lab.value <= limit.value:
        return
    days = (at.date() - lab.taken_at.date()).days
    yield Finding(
        code="igg-high-for-replacement",
        severity=Severity.WARNS,
        text=f"The latest IgG is {lab.value.normalize():f} g/L ({days} day(s) before the start), and the aim is to replace IgG;"
        f" policy asks above {limit.value.normalize():f} g/L. More thickens the blood.",
        remedy="Check the sample (after an infusion, a paraprotein, another unit), the indication and the dose; look at viscosity before more is given.",
        sources=limit.src,
    )
