"""What no kinetics is asked for: refused before anything is worked out with it.

The limits are policy (``policy/plausibility``) and the vocabulary's, handed in by the edge. What a number must be whatever
the policy says (finite, not negative) is checked where it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ivigil.errors import ImpossibleValue
from ivigil.kinetics.event_tables import EventSubject
from ivigil.kinetics.regimens import IMMUNOGLOBULIN, Regimen
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.treatment import Treatment
from ivigil.knowledge.policies import PlausibilityPolicy
from ivigil.knowledge.vocabulary import LabTest

CORRECT = "Correct it, or look at its unit."
LESS = "Ask for less at once."


@dataclass(frozen=True)
class Plausible:
    """The limits of the policy and of the laboratory's vocabulary, as questions.

    Every method raises :class:`~ivigil.errors.ImpossibleValue`, which names the value and the limits.
    """

    policy: PlausibilityPolicy
    labs: Mapping[str, LabTest]

    def baseline(self, g_per_l: float | None, where: str = "--baseline-igg-g-per-l") -> None:
        """IgG (g/L) before any immunoglobulin."""
        if g_per_l is not None:
            self._lab("igg", where, g_per_l)

    def subject(self, about: Subject, where: str = "subject") -> None:
        """Weights (kg), height (cm), age (years) and IgM (g/L)."""
        for name, limits in (
            ("weight_kg", self.policy.possible_weight_kg),
            ("dosing_weight_kg", self.policy.possible_weight_kg),
            ("height_cm", self.policy.possible_height_cm),
            ("age_years", self.policy.possible_age_years),
        ):
            _within(f"{where}.{name}", getattr(about, name), limits)
        if about.igm_g_per_l is not None:
            self._lab("igm", f"{where}.igm_g_per_l", about.igm_g_per_l)
        for number, one in enumerate(about.weights):
            _within(f"{where}.weights[{number}].weight_kg", one.weight_kg, self.policy.possible_weight_kg)

    def regimen(self, asked: Regimen) -> None:
        """Amounts of immunoglobulin, days of a course, intervals and infusions of a regimen."""
        own, request = self.policy.possible_kinetics, self.policy.possible_request
        for part in asked.parts:
            _within("regimen: daily doses", part.doses, request["days"])
            _within("regimen: every (days)", part.every_d, own.interval_days)
            _within("regimen: over (hours)", part.over_h, own.infusion_h)
            if part.drug == IMMUNOGLOBULIN and part.per_kg:
                _within("regimen: g/kg", part.amount, request["dose_g_per_kg"])
            elif part.drug == IMMUNOGLOBULIN:
                _within("regimen: g of a dose", part.grams(None), own.dose_g)

    def profile(self, asked: Regimen, days: float | None) -> None:
        """Doses of one profile."""
        if days is not None:
            count = len(asked.doses(1.0, days))
            _within("regimen: doses", count, self.policy.possible_kinetics.profile_doses, LESS)

    def table(self, days: float) -> None:
        """Days of a table that is written; a longer one is not read either."""
        _within("--days", days, self.policy.possible_kinetics.record_days, LESS)

    def population(self, subjects: int, days: float, doses: int) -> None:
        """Subjects, days and their product."""
        own = self.policy.possible_kinetics
        _within("--subjects", subjects, own.subjects, LESS)
        _within("--weeks (in days)", days, own.population_days, LESS)
        _within("--subjects × (days + doses)", subjects * (days + doses), own.subject_days, LESS)

    def treatment(self, given: Treatment) -> None:
        """Doses, weighings and the length of a forecast record."""
        own = self.policy.possible_kinetics
        for number, dose in enumerate(given.doses):
            _within(f"doses[{number}].dose_g", dose.amount_g, own.dose_g)
            _within(f"doses[{number}].duration_h", dose.over_h, own.infusion_h)
        for number, one in enumerate(given.weights):
            _within(f"weights[{number}].weight_kg", one.weight_kg, self.policy.possible_weight_kg)
        last = max([one.day for one in given.doses] + [one.day for one in given.levels], default=0.0)
        _within("RECORD: days from its first dose", last, own.record_days, "Leave out what was given years ago.")
        _within("RECORD: levels", len(given.levels), own.record_levels, "Leave out the oldest levels.")

    def events(self, read: Iterable[EventSubject]) -> None:
        """Subjects, doses, intervals and levels of an event table."""
        own = self.policy.possible_kinetics
        for one in read:
            self.subject(one.subject, f"ID {one.id}")
            for row in one.rows:
                where = f"line {row.line}"
                _within(f"{where}: TIME (days)", row.day, own.record_days)
                if row.dose is not None:
                    _within(f"{where}, column AMT (g)", row.dose.amount_g, own.dose_g)
                    _within(f"{where}, AMT by RATE (hours)", row.dose.over_h, own.infusion_h)
                if row.ii_d:
                    _within(f"{where}, column II (days)", row.ii_d, own.interval_days)
                if row.level is not None:
                    self._lab("igg", f"{where}, column DV (g/L)", row.level.igg_g_per_l)

    def _lab(self, test: str, where: str, value: float) -> None:
        lab = self.labs[test]
        if lab.possible is not None:
            high = lab.looks_like and value > float(lab.possible[1])
            unit = f"Give it in {lab.unit}; it looks like {lab.looks_like}." if high else CORRECT
            _within(where, value, lab.possible, unit)


def _within(where: str, value: float | None, limits: tuple[Decimal, Decimal], remedy: str = CORRECT) -> None:
    if value is not None and not float(limits[0]) <= value <= float(limits[1]):
        less = value < float(limits[0])
        raise ImpossibleValue(
            where, value, f"It lies between {limits[0]:,f} and {limits[1]:,f}.", CORRECT if less else remedy
        )
