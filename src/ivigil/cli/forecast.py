"""``ivigil forecast``: IgG in this patient from the doses given and the levels measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ivigil.cli import EXIT_DONE
from ivigil.cli.opening import limits_of, open_knowledge, read_json
from ivigil.errors import BadInput, UsageError
from ivigil.knowledge.loading import Knowledge
from ivigil.patient import Limits, Patient, read_patient

if TYPE_CHECKING:
    from ivigil.kinetics.subjects import Subject
    from ivigil.kinetics.treatment import Treatment

#: The keys of a forecast record that a patient record does not have.
OWN_KEYS = ("doses", "levels", "secondary_deficiency", "igm_g_per_l")


@dataclass(frozen=True)
class Asked:
    """What may be asked beside a record: condition, one model instead of all that fit, and IgG before any (g/L)."""

    indication: str | None
    model: str | None
    baseline_igg_g_per_l: float | None


def forecast_command(
    record: str | None = typer.Argument(
        None, help="Patient record with doses and levels (JSON), or - for standard input."
    ),
    indication: str | None = typer.Option(None, help="Condition id, so that only its models are weighed."),
    model: str | None = typer.Option(None, help="One model instead of all that fit; `ivigil kinetics models`."),
    baseline_igg_g_per_l: float | None = typer.Option(None, help="IgG before any immunoglobulin (g/L), if known."),
    seed: int = typer.Option(1, min=0, help="Seed of the posterior's samples; the same seed, the same forecast."),
    json_: bool = typer.Option(False, "--json", help="The forecast as JSON on standard output."),
    batch: Path | None = typer.Option(None, help="A cohort (NDJSON): a record, or {record, indication, ...}, a line."),
) -> int:
    """What the levels say of this patient's kinetics, and where IgG is going."""
    if (record is None) == (batch is None):
        raise UsageError(
            "RECORD", record, "Give one record, or --batch with a cohort.", "`ivigil forecast --help` shows how."
        )
    if batch is not None:
        from ivigil.cli.forecast_batch import forecast_cohort

        return forecast_cohort(batch, Asked(indication, model, baseline_igg_g_per_l), seed)
    from ivigil.kinetics.forecast import forecast

    raw = read_json(record or "-", "RECORD")
    knowledge = open_knowledge()
    if model is not None:
        knowledge.kinetic_model(model)  # an unknown one is named before anything else
    if indication is not None:
        knowledge.indication(indication)
    subject, treatment = read_record(raw, knowledge, limits_of(knowledge), datetime.now().astimezone())
    made = forecast(
        tuple(knowledge.kinetic_model(name) for name in knowledge.kinetic_model_ids),
        subject,
        treatment,
        knowledge.policies.kinetics,
        indication=indication,
        baseline_g_per_l=baseline_igg_g_per_l,
        seed=seed,
        asked_for=model,
    )
    if json_:
        typer.echo(made.model_dump_json())
        return EXIT_DONE
    from rich.console import Console

    from ivigil.documents.kinetics_terminal import render_forecast

    render_forecast(made, Console())
    return EXIT_DONE


def read_record(raw: object, knowledge: Knowledge, limits: Limits, now: datetime) -> tuple[Subject, Treatment]:
    """Whom a record is about (at ``now`` if it has no clock times), and the doses and levels in it."""
    from ivigil.kinetics.subjects import read_subject
    from ivigil.kinetics.treatment import read_treatment

    if not isinstance(raw, Mapping):
        raise BadInput("RECORD", type(raw).__name__, "A record is one JSON object.", "See docs/reference/kinetics.md.")
    patient = read_patient({key: value for key, value in raw.items() if key not in OWN_KEYS}, limits)
    treatment = read_treatment(raw, knowledge.vocabulary.labs["igg"])
    about = _covariates(patient, treatment.zero or now)
    about |= {key: raw[key] for key in OWN_KEYS[2:] if key in raw}
    return read_subject(about), treatment


def _covariates(patient: Patient, at: datetime) -> dict[str, object]:
    """What the models ask about a patient, as far as the record holds it."""
    known = {
        "weight_kg": patient.weight_kg,
        "height_cm": patient.height_cm,
        "age_years": patient.age_at(at),
        "sex": patient.sex,
    }
    return {key: value for key, value in known.items() if value is not None}
