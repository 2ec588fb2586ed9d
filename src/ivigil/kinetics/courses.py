"""Which equations each structure without a closed form is integrated with."""

from __future__ import annotations

from typing import Protocol

from ivigil.kinetics.antagonist import antagonist_course
from ivigil.kinetics.course import Course
from ivigil.kinetics.regimens import Regimen
from ivigil.kinetics.subjects import Subject
from ivigil.kinetics.turnover import tissue_course, turnover_course
from ivigil.kinetics.window import Window
from ivigil.knowledge.kinetic_models import KineticModel, Structure


class MakesCourse(Protocol):
    """One subject over a window, with the level given instead of the model's."""

    def __call__(
        self,
        model: KineticModel,
        regimen: Regimen | None,
        subject: Subject,
        window: Window,
        baseline_g_per_l: float | None,
    ) -> Course:
        """The course."""
        ...


COURSES: dict[Structure, MakesCourse] = {
    Structure.FCRN_TURNOVER: turnover_course,
    Structure.FCRN_TISSUE: tissue_course,
    Structure.FCRN_ANTAGONIST: antagonist_course,
}
