"""``ivigil forecast``: IgG in this patient from doses and levels, and labelled regimens that reach a trough."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ivigil.cli import EXIT_DONE
from ivigil.cli.asked import number, plausible
from ivigil.cli.asked import seed as read_seed
from ivigil.cli.opening import REGION, formulary_of, limits_of, open_knowledge, open_model, read_json
from ivigil.cli.picture import PNG, check_picture, save_picture
from ivigil.cli.writing import OVERWRITE
from ivigil.errors import BadInput, UsageError
from ivigil.knowledge.loading import Knowledge
from ivigil.patient import Limits, Patient, read_patient

if TYPE_CHECKING:
    from ivigil.kinetics.subjects import Subject
    from ivigil.kinetics.treatment import Treatment
    from ivigil.prescription.regimen_search import Case, Search

#: The keys of a forecast record that a patient record does not have.
OWN_KEYS = ("doses", "levels", "weights", "secondary_deficiency", "igm_g_per_l")
#: Those of them that say something of the subject.
OF_THE_SUBJECT = ("secondary_deficiency", "igm_g_per_l")


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
    model: str | None = typer.Option(None, help="One model instead of all that fit: its id, or the file of your own."),
    baseline_igg_g_per_l: str | None = typer.Option(
        None, metavar="NUMBER", help="IgG before any immunoglobulin (g/L), if known."
    ),
    target_trough: float | None = typer.Option(None, help="Propose labelled regimens that reach this trough (g/L)."),
    target: str | None = typer.Option(None, help="The same by a source's target; `ivigil kinetics targets`."),
    probability: float | None = typer.Option(None, help="How likely the true trough must reach it; else by policy."),
    product: list[str] = typer.Option([], help="Product id to search with; else the one of the last dose."),
    price: list[str] = typer.Option([], help="Price of one gram, as PRODUCT=PRICE, for the least cost."),
    region: str | None = typer.Option(None, help=f"Whose label, for proposals; or set {REGION}."),
    seed: str = typer.Option(
        "1", metavar="INTEGER", help="Seed of the posterior's samples; the same seed, the same forecast."
    ),
    json_: bool = typer.Option(False, "--json", help="The forecast as JSON on standard output."),
    batch: Path | None = typer.Option(None, help="A cohort (NDJSON): a record, or {record, indication, ...}, a line."),
    png: Path | None = PNG,
    overwrite: bool = OVERWRITE,
) -> int:
    """What the levels say of this patient's kinetics, where IgG is going, and which labelled regimens reach a trough."""
    if (record is None) == (batch is None):
        raise UsageError(
            "RECORD", record, "Give one record, or --batch with a cohort.", "`ivigil forecast --help` shows how."
        )
    baseline, drawn_by = number("--baseline-igg-g-per-l", baseline_igg_g_per_l), read_seed(seed)
    if batch is not None:
        from ivigil.cli.forecast_batch import forecast_cohort

        _refuse_in_a_cohort(
            {
                "--target-trough": target_trough,
                "--target": target,
                "--probability": probability,
                "--product": ", ".join(product) or None,
                "--price": ", ".join(price) or None,
                "--region": region,
                "--png": png,
            }
        )
        return forecast_cohort(batch, Asked(indication, model, baseline), drawn_by)
    from ivigil.kinetics.forecast import believe
    from ivigil.prescription.regimen_search import Advice, propose

    assert record is not None  # or it was refused above
    check_picture(png, (record,), overwrite=overwrite)
    raw = read_json(record, "RECORD")
    knowledge = open_knowledge()
    named = None if model is None else open_model(knowledge, model)  # an unknown one is named before anything else
    if indication is not None:
        knowledge.indication(indication)
    search = _search(knowledge, target_trough, target, indication, probability, product, price)
    patient, subject, treatment = read_record(raw, knowledge, limits_of(knowledge), datetime.now().astimezone())
    limits = plausible(knowledge)
    limits.baseline(baseline)
    limits.treatment(treatment)
    limits.subject(subject, "RECORD")
    models = tuple(knowledge.kinetic_model(name) for name in knowledge.kinetic_model_ids) if named is None else (named,)
    made, belief = believe(
        models,
        subject,
        treatment,
        knowledge.policies.kinetics,
        indication=indication,
        baseline_g_per_l=baseline,
        seed=drawn_by,
        asked_for=None if named is None else named.id,
    )
    if search is None:
        advice = Advice.of(made)
    else:
        advice = propose(made, belief, _case(knowledge, patient, treatment, region, indication, search), search)
    if png is not None:
        from ivigil.documents.igg_chart import forecast_chart

        aimed = None if search is None else float(search.aim.g_per_l)

        save_picture(png, lambda: forecast_chart(made, treatment, aimed), (record,), overwrite=overwrite)
    if json_:
        typer.echo(advice.model_dump_json())
        return EXIT_DONE
    from rich.console import Console

    from ivigil.documents.kinetics_terminal import render_forecast
    from ivigil.documents.proposals_terminal import render_proposals

    console = Console()
    render_forecast(advice, console)
    render_proposals(advice, console)
    return EXIT_DONE


def _refuse_in_a_cohort(options: Mapping[str, object]) -> None:
    """A cohort is forecast; what belongs to one patient's regimen or picture is refused, not passed over."""
    for name, value in options.items():
        if value is not None:
            raise UsageError(
                name,
                str(value),
                "A cohort is forecast without proposals and pictures.",
                "Leave it out, or forecast one record.",
            )


def read_record(raw: object, knowledge: Knowledge, limits: Limits, now: datetime) -> tuple[Patient, Subject, Treatment]:
    """Whom a record is about (at ``now`` if it has no clock times), and the doses and levels in it."""
    from ivigil.kinetics.subjects import read_subject
    from ivigil.kinetics.treatment import ahead, read_treatment

    if not isinstance(raw, Mapping):
        raise BadInput("RECORD", type(raw).__name__, "A record is one JSON object.", "See docs/reference/kinetics.md.")
    patient = read_patient({key: value for key, value in raw.items() if key not in OWN_KEYS}, limits)
    treatment = read_treatment(raw, knowledge.vocabulary.labs["igg"])
    treatment = replace(treatment, findings=(*treatment.findings, *ahead(treatment, now)))
    about = _covariates(patient, treatment.zero or now)
    about |= {key: raw[key] for key in OF_THE_SUBJECT if key in raw}
    return patient, read_subject(about), treatment


def _search(
    knowledge: Knowledge,
    target_trough: float | None,
    target: str | None,
    indication: str | None,
    probability: float | None,
    products: list[str],
    prices: list[str],
) -> Search | None:
    """What is searched, if a target was named; options that mean nothing without one are refused."""
    from ivigil.prescription.regimen_search import Aim, Search

    if target_trough is not None and target is not None:
        raise UsageError("--target", target, "One level is aimed at.", "Give --target or --target-trough.")
    if target is not None:
        aim = Aim.named(target, knowledge.trough_target(target), indication)
    elif target_trough is not None:
        aim = Aim.number(target_trough, knowledge.vocabulary.labs["igg"])
    else:
        for name, value in (("--probability", probability), ("--product", products), ("--price", prices)):
            if value not in (None, []):
                shown = ", ".join(value) if isinstance(value, list) else value
                raise UsageError(
                    name,
                    shown,
                    "It belongs to a search for a regimen, and no target is named.",
                    "Give --target-trough or --target, or leave it out.",
                )
        return None
    for name in products:
        knowledge.product(name)
    return Search.of(aim, probability, knowledge.policies.proposals, tuple(dict.fromkeys(products)), _prices(prices))


def _prices(rows: list[str]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows:
        product, _, figure = row.partition("=")
        try:
            price = Decimal(figure)
        except InvalidOperation as problem:
            raise BadInput(
                "--price",
                row,
                "A price is written PRODUCT=PRICE.",
                "Write the product's id, =, and the price of one gram.",
            ) from problem
        if product in found:
            raise BadInput("--price", row, "A product has one price.", "Give it once.")
        found[product] = price
    return found


def _case(
    knowledge: Knowledge,
    patient: Patient,
    treatment: Treatment,
    region: str | None,
    indication: str | None,
    search: Search,
) -> Case:
    from ivigil.prescription.regimen_search import Case

    where = region or os.environ.get(REGION) or ""
    if not search.products and treatment.product is not None:
        knowledge.product(treatment.product)  # a product that nobody knows is named
    last = max([dose.day for dose in treatment.doses] + [level.day for level in treatment.levels])
    moment, now = treatment.moment(last), datetime.now().astimezone()
    return Case(
        patient=patient,
        treatment=treatment,
        region=where.strip().upper() or None,
        at=max(moment, now) if isinstance(moment, datetime) else now,
        policies=knowledge.policies,
        formulary=None if indication is None else formulary_of(knowledge, indication),
    )


def _covariates(patient: Patient, at: datetime) -> dict[str, object]:
    """What the models ask about a patient, as far as the record holds it."""
    known = {
        "weight_kg": patient.weight_kg,
        "height_cm": patient.height_cm,
        "age_years": patient.age_at(at),
        "sex": patient.sex,
    }
    return {key: value for key, value in known.items() if value is not None}
