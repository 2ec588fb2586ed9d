"""From a model and a subject to that subject's parameters: covariate effects, each applied once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.findings import Finding, Severity
from ivigil.kinetics.subjects import DERIVED, Subject
from ivigil.knowledge.kinetic_models import (
    LINEAR,
    Baseline,
    BaselineKind,
    CategoryEffect,
    FactorEffect,
    KineticModel,
    PowerEffect,
)

#: A baseline given by hand is spoken of when it differs by more than this from the model's own (g/L).
SAME_BASELINE_G_PER_L = 0.005


@dataclass(frozen=True)
class Parameters:
    """Parameters of one subject in a linear model: clearances L/day, volumes L, rates per day, baseline g/L.

    ``q`` and ``vp`` are 0 in one compartment; ``ka`` and ``f`` are 0 where the model knows no depot.
    """

    cl: float
    vc: float
    q: float
    vp: float
    ka: float
    f_sc: float
    f_facilitated_sc: float
    baseline_g_per_l: float


@dataclass(frozen=True)
class Individual:
    """Parameters of the typical subject with these covariates, the keys that were used, and what is to be said."""

    parameters: Parameters
    used: frozenset[str]
    findings: tuple[Finding, ...]


def individual(model: KineticModel, subject: Subject, baseline_g_per_l: float | None = None) -> Individual:
    """The typical parameters of a subject.

    Args:
        model: a linear model.
        subject: covariates; a key that the model needs and lacks is refused.
        baseline_g_per_l: endogenous IgG (g/L) instead of the model's.

    Raises:
        BadInput: the model is not linear, a covariate is missing, or the baseline is the patient's own or unknown and
            was not given.
    """
    if model.structure not in LINEAR:
        raise BadInput("model", model.id, "It is not a linear model.", "Choose a model of one or two compartments.")
    _within_lean_mass(model, subject)
    used: set[str] = set()
    # A paper that writes elimination as a rate keeps the rate: its clearance follows the subject's volume.
    values = {
        "cl_l_per_d": _typical(model, "cl_l_per_d"),
        "vc_l": _typical(model, "vc_l"),
        "q_l_per_d": _typical(model, "q_l_per_d"),
        "vp_l": _typical(model, "vp_l"),
    }
    # A category replaces the typical value, so it comes before what multiplies it.
    for effect in sorted(model.effects.values(), key=lambda one: not isinstance(one, CategoryEffect)):
        for target in effect.on:
            if target != "baseline":
                values[target] = _applied(effect, values[target], subject, model, used)
    base, said = _baseline(model, subject, baseline_g_per_l, used)
    return Individual(
        Parameters(
            cl=values["cl_l_per_d"] or _typical(model, "kel_per_d") * values["vc_l"],
            vc=values["vc_l"],
            q=values["q_l_per_d"],
            vp=values["vp_l"],
            ka=_typical(model, "ka_per_d"),
            f_sc=_typical(model, "f_sc"),
            f_facilitated_sc=_typical(model, "f_facilitated_sc"),
            baseline_g_per_l=base,
        ),
        frozenset(used),
        (*said, *outside(model, subject), *doubts(model)),
    )


def _typical(model: KineticModel, name: str) -> float:
    fact = getattr(model.parameters, name)
    return 0.0 if fact is None else float(fact.typical)


def _applied(
    effect: PowerEffect | FactorEffect | CategoryEffect,
    value: float,
    subject: Subject,
    model: KineticModel,
    used: set[str],
) -> float:
    if isinstance(effect, PowerEffect):
        used.update(DERIVED.get(effect.covariate, (effect.covariate,)))
        covariate = getattr(subject, effect.covariate)
        if covariate is None:
            raise _missing(effect.covariate, model)
        return float(value * (covariate / effect.reference) ** effect.exponent)
    used.add(effect.when)
    flag = getattr(subject, effect.when)
    if flag is None:
        raise _missing(effect.when, model)
    if not flag:
        return value
    return value * effect.factor if isinstance(effect, FactorEffect) else effect.typical


def _missing(key: str, model: KineticModel) -> BadInput:
    return BadInput(f"subject.{key}", None, f"The model {model.id} needs it.", f"Give {key}, or choose another model.")


def _baseline(
    model: KineticModel, subject: Subject, given_g_per_l: float | None, used: set[str]
) -> tuple[float, tuple[Finding, ...]]:
    record = model.baseline
    assert record is not None  # a linear model has one (checked at load)
    if given_g_per_l is not None:
        check_baseline(given_g_per_l)
        return given_g_per_l, _contradicted(model, record, given_g_per_l)
    if record.g_per_l is None:
        why = {
            BaselineKind.OWN: "starts from the patient's own IgG before any immunoglobulin",
            BaselineKind.UNKNOWN: "was published without its baseline",
        }[record.kind]
        raise BadInput(
            "--baseline-igg-g-per-l",
            None,
            f"The model {model.id} {why}.",
            "Give that level in g/L, or choose a model with a baseline of its own.",
        )
    value = record.g_per_l
    for effect in model.effects.values():
        if "baseline" in effect.on:
            value = _applied(effect, value, subject, model, used)
    return value, ()


def check_baseline(g_per_l: float) -> None:
    """Refuse a baseline that is no level, whatever calls.

    Raises:
        ImpossibleValue: not a number, infinite or negative.
    """
    if not math.isfinite(g_per_l) or g_per_l < 0:
        raise ImpossibleValue(
            "--baseline-igg-g-per-l", g_per_l, "A level is a number that is not negative.", "Correct it, in g/L."
        )


def _contradicted(model: KineticModel, record: Baseline, given_g_per_l: float) -> tuple[Finding, ...]:
    if record.g_per_l is None or abs(record.g_per_l - given_g_per_l) <= SAME_BASELINE_G_PER_L:
        return ()
    return (
        Finding(
            code="baseline-differs",
            severity=Severity.WARNS,
            text=f"The baseline given is {given_g_per_l:g} g/L; {model.id} was built with {record.g_per_l:g} g/L ({record.kind.value}).",
            remedy="Keep the model's baseline unless the patient's level before any immunoglobulin was measured.",
            sources=record.src,
        ),
    )


def _within_lean_mass(model: KineticModel, subject: Subject) -> None:
    """Refuse a lean mass outside the span that a model names: its effect is no physiology and holds nowhere else."""
    span = model.population.lean_mass_kg
    if span.min is None or span.max is None:
        return
    if not span.min <= subject.lean_mass_kg <= span.max:
        raise BadInput(
            "subject.lean_mass_kg",
            round(subject.lean_mass_kg, 1),
            f"{model.id} holds for a lean body mass of {span.min:g} to {span.max:g} kg and is never carried further.",
            "Choose another model.",
        )


def outside(model: KineticModel, subject: Subject) -> tuple[Finding, ...]:
    """Extrapolations: what lies outside the population on which the model was built."""
    found = []
    for key, unit in (("age_years", "years"), ("weight_kg", "kg")):
        span = getattr(model.population, key)
        if span.min is None or span.max is None:
            continue
        value = getattr(subject, key)
        if value is not None and not span.min <= value <= span.max:
            name = key.rsplit("_", 1)[0].replace("_", " ")
            found.append(
                Finding(
                    code=f"outside-{name.replace(' ', '-')}",
                    severity=Severity.WARNS,
                    text=f"{model.id} was built on subjects of {span.min:g} to {span.max:g} {unit}; this one has {value:.4g} {unit}.",
                    remedy="Read the result as an extrapolation, or choose another model.",
                    sources=(model.citation,),
                )
            )
    return tuple(found)


def doubts(model: KineticModel) -> tuple[Finding, ...]:
    """What a reader must know before trusting a number of this model."""
    return tuple(
        Finding(code=f"doubt-{key.replace('_', '-')}", severity=Severity.INFORMS, text=doubt.text, sources=doubt.src)
        for key, doubt in model.doubts.items()
    )
