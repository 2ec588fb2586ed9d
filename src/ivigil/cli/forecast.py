"""``ivigil forecast``: IgG in this patient from the doses given and the levels measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import typer

from ivigil.cli import EXIT_DONE
from ivigil.cli.asked import number, plausible
from ivigil.cli.asked import seed as read_seed
from ivigil.cli.opening import limits_of, open_knowledge, read_json
from ivigil.errors import BadInput
from ivigil.patient import Patient, read_patient

#: The keys of a forecast record that a patient record does not have.
OWN_KEYS = ("doses", "levels", "weights", "secondary_deficiency", "igm_g_per_l")


def forecast_command(
    record: str = typer.Argument(help="Patient record with doses and levels (JSON file), or - for standard input."),
    indication: str | None = typer.Option(None, help="Condition id, so that only its models are weighed."),
    model: str | None = typer.Option(None, help="One model instead of all that fit; `ivigil kinetics models`."),
    baseline_igg_g_per_l: str | None = typer.Option(
        None, metavar="NUMBER", help="IgG before any immunoglobulin (g/L), if known."
    ),
    seed: str = typer.Option(
        "1", metavar="INTEGER", help="Seed of the posterior's samples; the same seed, the same forecast."
    ),
    json_: bool = typer.Option(False, "--json", help="The forecast as JSON on standard output."),
) -> int:
    """What the levels say of this patient's kinetics, and where IgG is going."""
    from ivigil.kinetics.forecast import forecast
    from ivigil.kinetics.subjects import read_subject
    from ivigil.kinetics.treatment import read_treatment

    baseline, drawn_by = number("--baseline-igg-g-per-l", baseline_igg_g_per_l), read_seed(seed)
    raw = read_json(record, "RECORD")
    if not isinstance(raw, Mapping):
        raise BadInput("RECORD", type(raw).__name__, "A record is one JSON object.", "See docs/reference/kinetics.md.")
    knowledge = open_knowledge()
    if model is not None:
        knowledge.kinetic_model(model)  # an unknown one is named before anything else
    if indication is not None:
        knowledge.indication(indication)
    patient = read_patient({key: value for key, value in raw.items() if key not in OWN_KEYS}, limits_of(knowledge))
    treatment = read_treatment(raw, knowledge.vocabulary.labs["igg"])
    limits = plausible(knowledge)
    limits.baseline(baseline)
    limits.treatment(treatment)
    about = _covariates(patient, treatment.zero or datetime.now().astimezone())
    about |= {key: raw[key] for key in OWN_KEYS[3:] if key in raw}
    who = read_subject(about)
    limits.subject(who, "RECORD")
    made = forecast(
        tuple(knowledge.kinetic_model(name) for name in knowledge.kinetic_model_ids),
        who,
        treatment,
        knowledge.policies.kinetics,
        indication=indication,
        baseline_g_per_l=baseline,
        seed=drawn_by,
        asked_for=model,
    )
    if json_:
        typer.echo(made.model_dump_json())
        return EXIT_DONE
    from rich.console import Console

    from ivigil.documents.kinetics_terminal import render_forecast

    render_forecast(made, Console())
    return EXIT_DONE


def _covariates(patient: Patient, at: datetime) -> dict[str, object]:
    """What the models ask about a patient, as far as the record holds it."""
    known = {
        "weight_kg": patient.weight_kg,
        "height_cm": patient.height_cm,
        "age_years": patient.age_at(at),
        "sex": patient.sex,
    }
    return {key: value for key, value in known.items() if value is not None}
