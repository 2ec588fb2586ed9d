"""Published models of IgG: one file each, every number with where it was read, and what is missing left missing.

Exogenous IgG lives in the states; the baseline (endogenous IgG) is the model's, constant, and added afterwards. Rates are
per day, volumes litres, concentrations g/L. A parameter's ``cv_percent`` is the coefficient of variation between subjects
of a log-normal parameter, so its variance on the log scale is ln(1 + CV²).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PrivateAttr, model_validator

from ivigil.knowledge.facts import Fact, Record, Statement, Terms


class Structure(StrEnum):
    """The equations a model is written in."""

    ONE_COMPARTMENT = "one_compartment"
    TWO_COMPARTMENTS = "two_compartments"
    FCRN_TURNOVER = "fcrn_turnover"
    """Endogenous turnover with saturable recycling; a plasma pool only."""
    FCRN_TISSUE = "fcrn_tissue"
    """The same turnover with a second pool outside the vessels: may be dosed."""
    FCRN_ANTAGONIST = "fcrn_antagonist"
    """IgG turnover driven by a drug that blocks FcRn."""


LINEAR = frozenset({Structure.ONE_COMPARTMENT, Structure.TWO_COMPARTMENTS})
#: Structures whose populations can be simulated where variability is known.
SIMULATED = LINEAR | {Structure.FCRN_ANTAGONIST}


class Capability(StrEnum):
    """What a model's known parts allow."""

    TYPICAL = "typical"
    POPULATION = "population"
    FORECAST = "forecast"


class Parameter(Fact):
    """One parameter of the typical subject, with its variability where known. ``fixed``: not estimated by the paper."""

    typical: float
    cv_percent: PositiveFloat | None = None
    rse_percent: PositiveFloat | None = None
    fixed: bool = False


class Positive(Parameter):
    """A parameter that is above zero."""

    typical: PositiveFloat


class Disposition(Record):
    """What the equations of a structure need; which of them is checked by the model."""

    cl_l_per_d: Positive | None = None
    kel_per_d: Positive | None = None
    vc_l: Positive | None = None
    q_l_per_d: Positive | None = None
    vp_l: Positive | None = None
    ka_per_d: Positive | None = None
    f_sc: Positive | None = None
    f_facilitated_sc: Positive | None = None


#: What each linear structure needs, in either of the two ways papers write elimination.
NEEDED: dict[Structure, frozenset[str]] = {
    Structure.ONE_COMPARTMENT: frozenset({"vc_l"}),
    Structure.TWO_COMPARTMENTS: frozenset({"vc_l", "q_l_per_d", "vp_l"}),
}
ELIMINATION = ("cl_l_per_d", "kel_per_d")
ABSORPTION = ("ka_per_d", "f_sc")

#: Parameters that a covariate may act on.
Target = Literal["cl_l_per_d", "vc_l", "q_l_per_d", "vp_l", "baseline"]
Covariate = Literal["weight_kg", "lean_mass_kg", "igm_g_per_l"]
Flag = Literal["secondary_deficiency"]


class PowerEffect(Fact):
    """``P × (covariate / reference) ** exponent``."""

    kind: Literal["power"]
    on: Terms
    covariate: Covariate
    reference: PositiveFloat
    exponent: float
    fixed: bool = False


class FactorEffect(Fact):
    """``P × factor`` where the flag is true."""

    kind: Literal["factor"]
    on: Terms
    when: Flag
    factor: PositiveFloat


class CategoryEffect(Fact):
    """Another typical value where the flag is true."""

    kind: Literal["category"]
    on: Terms
    when: Flag
    typical: PositiveFloat


Effect = Annotated[PowerEffect | FactorEffect | CategoryEffect, Field(discriminator="kind")]


class BaselineKind(StrEnum):
    """What the model knows of endogenous IgG."""

    FIXED = "fixed"
    ESTIMATED = "estimated"
    OWN = "own"
    """The patient's own level before any immunoglobulin."""
    UNKNOWN = "unknown"


class Baseline(Fact):
    """Endogenous IgG of a model (g/L) and how the model came by it; no number where it is the patient's own or unknown."""

    kind: BaselineKind
    g_per_l: float | None = Field(default=None, ge=0)
    cv_percent: PositiveFloat | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        if (self.kind in {BaselineKind.FIXED, BaselineKind.ESTIMATED}) != (self.g_per_l is not None):
            raise ValueError("a fixed or estimated baseline has g_per_l; an own or unknown one has none")
        return self


class Residual(Fact):
    """The error of one measured level: variance = additive² + (proportional × prediction)²."""

    additive_sd_g_per_l: float = Field(default=0.0, ge=0)
    proportional_sd: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.additive_sd_g_per_l and not self.proportional_sd:
            raise ValueError("a residual error is above zero")
        return self


class GripResponse(Record):
    """Grip strength of the worse hand: IgG above baseline slows its loss (indirect response)."""

    strength_kg: Positive
    loss_per_d: Positive
    c50_g_per_l: Positive
    imax: Positive

    @model_validator(mode="after")
    def _fraction(self) -> Self:
        if self.imax.typical >= 1:
            raise ValueError("imax is a fraction below 1")
        return self


class Turnover(Record):
    """Saturable recycling of IgG by FcRn in one plasma pool."""

    jmax_mg_per_d_per_kg: Positive
    km_g_per_l: Positive
    kint_per_d: Positive
    v_ml_per_kg: Positive
    css_g_per_l: Positive


class Tissue(Record):
    """IgG outside the vessels, in exchange with plasma: the share inside at rest, and what of it escapes a day."""

    intravascular_fraction: Positive
    escape_per_d: Positive

    @model_validator(mode="after")
    def _fraction(self) -> Self:
        if self.intravascular_fraction.typical >= 1:
            raise ValueError("intravascular_fraction is a fraction below 1")
        return self


class Antagonist(Record):
    """A drug that binds FcRn (target-mediated disposition), and the loss of IgG it speeds up."""

    drug: str
    molar_mass_kda: Positive
    v_l: Positive
    q_l_per_d: Positive
    v2_l: Positive
    cla_l_per_d: Positive
    kd_nm: Positive
    fcrn_nm: Positive
    kdeg_per_d: Positive
    igg_base_g_per_l: Positive
    kout_per_d: Positive
    emax: Positive
    ec50_mg_per_l: Positive


class Span(Record):
    """From the least to the greatest of a group; None where not printed."""

    min: float | None = None
    max: float | None = None
    median: float | None = None


class Courses(Record):
    """The least and the greatest course by route, mg per kg of body weight, all its daily doses together.

    A greatest without a least is ivigil's own limit, where the paper's doses were not read; a doubt then says so.
    """

    iv: Span = Span()
    sc: Span = Span()
    facilitated_sc: Span = Span()


class Population(Record):
    """Whom the model was built on: outside of it a result is an extrapolation."""

    subjects: int | None = Field(default=None, gt=0)
    disease: str
    indications: Terms = ()
    age_years: Span = Span()
    weight_kg: Span = Span()
    lean_mass_kg: Span = Span()
    course_mg_per_kg: Courses = Courses()
    routes: Terms
    products: Terms = ()
    doses: str = ""
    trials: Terms = ()


@dataclass(frozen=True)
class OwnFile:
    """The file of a user's own model, and its sha256."""

    name: str
    sha256: str


class KineticModel(Record):
    """One published model.

    ``copying_steps`` counts the hands between the paper's own table and this file: 0 when the paper was read. ``doubts``
    are what a reader must know before trusting a number; ``typical_only`` is set where a doubt forbids more.
    ``shared_trials`` names a family of models built on the same trials: together they speak once. ``project`` marks what
    ivigil made itself and nobody published: it shows the typical subject and is used for nothing else.
    """

    id: str
    name: str
    structure: Structure
    citation: str
    copying_steps: int = Field(ge=0)
    shared_trials: str = ""
    typical_only: bool = False
    project: bool = False
    population: Population
    parameters: Disposition = Disposition()
    effects: dict[str, Effect] = {}
    baseline: Baseline | None = None
    residual: Residual | None = None
    grip: GripResponse | None = None
    turnover: Turnover | None = None
    tissue: Tissue | None = None
    antagonist: Antagonist | None = None
    doubts: dict[str, Statement] = {}
    _own: OwnFile | None = PrivateAttr(default=None)

    def mark_own(self, file: OwnFile) -> None:
        """Mark this model as the user's own: its reader does so, and no file can say it of itself."""
        self._own = file

    @property
    def own(self) -> OwnFile | None:
        """The file of a user's own model; None for a shipped one."""
        return self._own

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = {name for name in Disposition.model_fields if getattr(self.parameters, name) is not None}
        if self.structure in LINEAR:
            missing = NEEDED[self.structure] - given
            if missing:
                raise ValueError(f"{self.structure.value} also needs {', '.join(sorted(missing))}")
            if len(given & set(ELIMINATION)) != 1:
                raise ValueError(f"elimination is written in one of {' or '.join(ELIMINATION)}")
            if len(given & set(ABSORPTION)) == 1:
                raise ValueError("a depot needs ka_per_d and f_sc together")
            if self.structure is Structure.ONE_COMPARTMENT and given & {"q_l_per_d", "vp_l"}:
                raise ValueError("one compartment has no q_l_per_d and no vp_l")
            if self.baseline is None:
                raise ValueError("a linear model says what it knows of the baseline")
            if ("sc" in self.population.routes) != ("ka_per_d" in given):
                raise ValueError("routes name sc exactly where a depot is")
        elif given:
            raise ValueError(f"{self.structure.value} has its own parameters")
        if (self.structure in {Structure.FCRN_TURNOVER, Structure.FCRN_TISSUE}) != (self.turnover is not None):
            raise ValueError("fcrn_turnover or fcrn_tissue and [turnover] come together")
        if (self.structure is Structure.FCRN_TISSUE) != (self.tissue is not None):
            raise ValueError("fcrn_tissue and [tissue] come together")
        if (self.structure is Structure.FCRN_ANTAGONIST) != (self.antagonist is not None):
            raise ValueError("fcrn_antagonist and [antagonist] come together")
        for name, effect in self.effects.items():
            unknown = set(effect.on) - given - {"baseline"}
            if unknown:
                raise ValueError(f"effect {name} acts on {', '.join(sorted(unknown))}, which the model does not have")
        return self

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the known parts allow; nothing is borrowed to allow more."""
        found = {Capability.TYPICAL}
        varied: Record = self.antagonist or self.parameters
        varies = any(
            one.cv_percent is not None
            for one in (getattr(varied, name) for name in type(varied).model_fields)
            if isinstance(one, Parameter)
        )
        if self.structure in SIMULATED and varies and not self.typical_only and not self.project:
            found.add(Capability.POPULATION)
        if self.structure in LINEAR and Capability.POPULATION in found:
            known = self.baseline is not None and self.baseline.kind is not BaselineKind.UNKNOWN
            if self.residual is not None and known:
                found.add(Capability.FORECAST)
        return frozenset(found)
