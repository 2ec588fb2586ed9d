"""Whether a container may hang: the product and concentration of the plan, recorded, in date and not quarantined."""

from __future__ import annotations

from datetime import datetime

from ivigil.infusion.bedside import Bedside
from ivigil.infusion.events import ContainerChanged
from ivigil.infusion.workflow import Hanging


def fitness(label: ContainerChanged, bedside: Bedside, now: datetime) -> Hanging:
    """What speaks against a container at a moment. Its last day ends at midnight where the plan is run."""
    if label.lot is None or label.expires_on is None:
        return Hanging.UNRECORDED
    planned = bedside.infusion.concentration_g_per_ml
    if label.product != bedside.ordered.product:
        return Hanging.OTHER_PRODUCT
    if abs(label.size_g / label.volume_ml - planned) > bedside.protocol.concentration_tolerance.value * planned:
        return Hanging.OTHER_CONCENTRATION
    if _lot(label.lot) in map(_lot, bedside.quarantined):
        return Hanging.QUARANTINED
    if label.expires_on < now.astimezone(bedside.infusion.starts_at.tzinfo).date():
        return Hanging.EXPIRED
    return Hanging.FIT


def _lot(name: str) -> str:
    """A lot as it is compared: small letters and blanks are how somebody wrote it down, not another lot."""
    return "".join(name.split()).casefold()
