"""A session told by hand: a real plan, and events by the minute. All synthetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from ivigil.infusion.bedside import Bedside, bedside
from ivigil.infusion.live import Live, replay
from ivigil.infusion.record import Record, gather
from ivigil.knowledge.protocol import Protocol
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Plan
from tests.planning import history, opened, plan, record

SESSION = "s-1"
WELL = {
    "systolic_mmhg": 120,
    "diastolic_mmhg": 75,
    "pulse_per_min": 72,
    "temperature_c": 36.8,
    "spo2_percent": 98,
}


@cache
def protocol() -> Protocol:
    return opened().protocol("ivigil")


@cache
def planned(
    indication: str = "primary-immunodeficiency", phase: str | None = None, product: str = "privigen", **changes: Any
) -> Plan:
    made = plan(record(**changes), indication, product=product, phase=None if phase is None else Phase(phase))
    assert made.status == "planned", [one.code for one in made.findings if one.severity.value == "blocks"]
    return made


@cache
def experienced() -> Plan:
    return plan(
        record(immunoglobulin_history=[history("privigen", infusions=12, uneventful_supervised_infusions=12)]),
        "primary-immunodeficiency",
        product="privigen",
    )


def at_chair(made: Plan | None = None, quarantined: frozenset[str] = frozenset(), number: int = 1) -> Bedside:
    return bedside(
        made or planned(),
        number,
        protocol(),
        opened().policies.monitoring,
        opened().policies.acceptance.sign_roles.items,
        quarantined,
    )


@dataclass
class Chair:
    """Events of one session, minutes counted from 09:00 of the plan's day."""

    bedside: Bedside = field(default_factory=at_chair)
    raws: list[dict[str, Any]] = field(default_factory=list)
    setting: str = "hospital"

    def tell(self, minute: float, kind: str, key: str | None = None, **data: Any) -> Chair:
        at = self.bedside.infusion.starts_at + timedelta(minutes=minute)
        number = len(self.raws) + 1
        self.raws.append(
            {
                "schema": "ivigil-session-event/1",
                "session": SESSION,
                "seq": number,
                "key": key or f"k{number}",
                "type": kind,
                "actor": {"by": "Nurse One", "role": "nurse"},
                "device_at": at.isoformat(),
                "received_at": (at + timedelta(seconds=1)).isoformat(),
                "data": data,
            }
        )
        return self

    def opened(self, minute: float = -30, **more: Any) -> Chair:
        told: dict[str, Any] = {
            "plan_id": self.bedside.plan.plan_id,
            "infusion": self.bedside.infusion.number,
            "signed_by": "Dr. Ada Test",
            "signed_role": "prescriber",
            "signed_at": (self.bedside.infusion.starts_at - timedelta(hours=2)).isoformat(),
            "setting": self.setting,
            "supervised": True,
            "protocol": "ivigil",
        }
        return self.tell(minute, "opened", **(told | more))

    def checked(self, minute: float = -20, **changes: Any) -> Chair:
        first = float(self.bedside.steps[0].pump_ml_per_h)
        rows: dict[str, dict[str, Any]] = {
            "identifiers": {"ok": True},
            "weight": {"ok": True, "weight_kg": float(self.bedside.ordered.weight_kg)},
            "appearance": {"ok": True},
            "access": {"ok": True},
            "premedication": {"ok": True},
            "consent": {"ok": True},
            "pump_read_back": {"ok": True, "pump_ml_per_h": first},
            "well_today": {"ok": True},
        }
        if self.setting == "home":
            rows["kit"] = {"ok": True}
        for check, told in {**rows, **changes}.items():
            if told is not None:
                self.tell(minute, "check_confirmed", check=check, **told)
        return self

    def hung(self, minute: float = -10, **more: Any) -> Chair:
        size = float(self.bedside.opened_g)
        told: dict[str, Any] = {
            "product": self.bedside.ordered.product,
            "lot": "P100",
            "expires_on": "2028-01-31",
            "size_g": size,
            "volume_ml": size * 10,
        }
        return self.tell(minute, "container_changed", **(told | more))

    def vitals(self, minute: float, **changes: Any) -> Chair:
        return self.tell(minute, "vitals", **(WELL | changes))

    def ready(self) -> Chair:
        return self.opened().checked().hung().vitals(-5)

    def started(self, minute: float = 0, **more: Any) -> Chair:
        told = {"pump_ml_per_h": float(self.bedside.steps[0].pump_ml_per_h)}
        return self.tell(minute, "started", **(told | more))

    def felt(self, minute: float, symptom: str, grade: str | None = None, **more: Any) -> Chair:
        told: dict[str, Any] = {"symptom": symptom, "present": True} | ({"grade": grade} if grade else {})
        return self.tell(minute, "symptom", **(told | more))

    def gone(self, minute: float, symptom: str, **more: Any) -> Chair:
        return self.tell(minute, "symptom", symptom=symptom, present=False, **more)

    @property
    def record(self) -> Record:
        return gather(self.raws, SESSION, self.bedside.protocol)

    @property
    def live(self) -> Live:
        made = self.record
        assert not made.rejected, made.rejected
        return replay(made, self.bedside)

    def minute(self, value: float) -> Any:
        return self.bedside.infusion.starts_at + timedelta(minutes=value)
