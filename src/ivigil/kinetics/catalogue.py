"""What each model can do, and why it cannot do more."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from ivigil.findings import Finding, Severity
from ivigil.knowledge.kinetic_models import LINEAR, BaselineKind, Capability, KineticModel, Parameter, Structure
from ivigil.sources import Origin

#: How the hands between the paper and the file are spoken of.
NO_FORECAST = {
    Structure.FCRN_TURNOVER: "describes turnover, not a dosed patient",
    Structure.FCRN_TISSUE: "its levels are not linear in the dose, and a forecast is",
    Structure.FCRN_ANTAGONIST: "describes IgG under an FcRn blocker, not under immunoglobulin",
}
VERIFICATION = {0: "read in the paper", 1: "copied once", 2: "copied twice"}


class ModelSummary(BaseModel):
    """One model as ``ivigil kinetics models`` lists it. ``needs`` are subject keys, ``why_not`` what keeps it from more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    structure: str
    disease: str
    subjects: int | None
    routes: tuple[str, ...]
    can: tuple[str, ...]
    why_not: tuple[str, ...]
    needs: tuple[str, ...]
    baseline: str
    verification: str
    doubts: tuple[str, ...]
    source: str


def summaries(models: tuple[KineticModel, ...]) -> tuple[ModelSummary, ...]:
    """One line for each model."""
    return tuple(_summary(model) for model in models)


def _summary(model: KineticModel) -> ModelSummary:
    return ModelSummary(
        id=model.id,
        name=model.name,
        structure=model.structure.value,
        disease=model.population.disease,
        subjects=model.population.subjects,
        routes=model.population.routes,
        can=tuple(one.value for one in Capability if one in model.capabilities),
        why_not=why_not_forecast(model),
        needs=needs(model),
        baseline=_baseline(model),
        verification=VERIFICATION.get(model.copying_steps, f"copied {model.copying_steps} times"),
        doubts=tuple(doubt.text for doubt in model.doubts.values()),
        source=model.citation,
    )


def needs(model: KineticModel) -> tuple[str, ...]:
    """The subject's keys without which the model computes nothing."""
    from ivigil.kinetics.subjects import DERIVED

    keys: set[str] = set()
    if model.tissue is not None:
        keys.add("weight_kg")
    for effect in model.effects.values():
        if effect.kind == "power":
            keys.update(DERIVED.get(effect.covariate, (effect.covariate,)))
        else:
            keys.add(effect.when)
    return tuple(sorted(keys))


def why_not_forecast(model: KineticModel) -> tuple[str, ...]:
    """What is missing for a forecast; empty when nothing is."""
    if model.project:
        return ("ivigil's own structure, partly assumed",)
    if model.structure not in LINEAR:
        return (NO_FORECAST[model.structure],)
    found = []
    if model.typical_only:
        found.append("a recorded doubt allows the typical subject only")
    if Capability.POPULATION not in model.capabilities and not model.typical_only:
        found.append("variability between subjects not known")
    if model.residual is None:
        found.append("residual error not known")
    if model.baseline is not None and model.baseline.kind is BaselineKind.UNKNOWN:
        found.append("baseline not known")
    return tuple(found)


def provenance(model: KineticModel) -> tuple[Finding, ...]:
    """What every result of a model says about where the model comes from."""
    found = []
    if model.project:
        assumed = ", ".join(_assumed(model))
        found.append(
            Finding(
                code="model-assumed",
                severity=Severity.WARNS,
                text=f"{model.id} is ivigil's own structure, published by nobody; {assumed} are assumed.",
                remedy="Read it as an illustration; it forecasts nothing, and no dose may rest on it.",
                sources=(model.citation,),
                verified=False,
            )
        )
    if model.own is not None:
        found.append(
            Finding(
                code="own-model",
                severity=Severity.WARNS,
                text=f"{model.id} is not shipped with ivigil: it is your own model, read from {model.own.name} ({model.own.sha256}).",
                remedy="Nobody but its author checked it; name the file's hash wherever the result is used.",
                sources=(model.citation,),
                verified=False,
            )
        )
    if model.copying_steps:
        steps = f"{model.copying_steps} copying step{'s' if model.copying_steps > 1 else ''}"
        found.append(
            Finding(
                code="model-not-verified",
                severity=Severity.INFORMS,
                text=f"The parameters of {model.id} were not checked against its paper: they passed through {steps}.",
                remedy="A site that has read the paper can confirm the model in its overlay.",
                sources=(model.citation,),
                verified=False,
            )
        )
    return tuple(found)


def _assumed(model: KineticModel) -> tuple[str, ...]:
    """Names of the parameters that nobody printed."""
    return tuple(
        name
        for table in (model.parameters, model.turnover, model.tissue, model.antagonist)
        if table is not None
        for name in type(table).model_fields
        if isinstance(fact := getattr(table, name), Parameter) and fact.origin is Origin.ASSUMED
    )


def _baseline(model: KineticModel) -> str:
    if model.baseline is None:
        return "part of the model"
    if model.baseline.g_per_l is None:
        return {BaselineKind.OWN: "the patient's own", BaselineKind.UNKNOWN: "not published"}[model.baseline.kind]
    return f"{model.baseline.g_per_l:g} g/L ({model.baseline.kind.value})"
