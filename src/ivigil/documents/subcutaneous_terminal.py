"""The start plan under the skin on the terminal: short, with a word and a shape beside every colour."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ivigil.documents.citations import Citations
from ivigil.documents.terminal import (
    WIDEST,
    acceptable,
    candidates_table,
    findings_shown,
    header,
    instruction_line,
    pairs,
    section,
    sources_table,
)
from ivigil.documents.wording import day, duration, moment, number, vials
from ivigil.prescription.subcutaneous.plan import SubcutaneousInfusion, SubcutaneousOrder, SubcutaneousPlan


def render_start(plan: SubcutaneousPlan, console: Console) -> None:
    """Print a start plan. A blocked one says first what blocks and how it may be accepted, and shows no dose."""
    wide = min(console.width, WIDEST)
    for part in _parts(plan):
        console.print(part, width=wide, highlight=False)


def _parts(plan: SubcutaneousPlan) -> Iterator[RenderableType]:
    cited = Citations.over(plan.sources, _in_reading_order(plan))
    order = plan.order
    yield header(plan, "" if order is None else f"{order.brand}, under the skin,")
    if order is None:
        yield from section("What blocks, and what else was found", findings_shown(plan, plan.findings, cited))
        yield from section("What may be accepted", [acceptable(plan)])
    else:
        yield from section("Start under the skin", [_ordered(order, cited)])
        yield from section("First infusions", [_infusions(plan.infusions), _then(order, plan.infusions)])
        yield from section("What was found", findings_shown(plan, plan.findings, cited))
        yield from section("What to know", [instruction_line(one, cited) for one in order.notes])
        first_lines = [instruction_line(one, cited) for one in plan.first_lines_on_a_reaction]
        yield from section("On a reaction: first lines", first_lines)
    yield from section("Products considered", [candidates_table(plan)])
    yield from section("Sources", [sources_table(cited)] if cited.rows() else [])
    yield Text()
    yield Text(plan.notice, style="bold")


def _in_reading_order(plan: SubcutaneousPlan) -> Iterator[str]:
    notes = plan.order.notes if plan.order is not None else ()
    yield from plan.order.sources if plan.order is not None else ()
    for infusion in plan.infusions:
        yield from infusion.sources
    for finding in plan.findings:
        yield from finding.sources
    for row in (*notes, *plan.first_lines_on_a_reaction):
        yield from row.sources


def _ordered(order: SubcutaneousOrder, cited: Citations) -> Table:
    given = f"{number(order.dose_g)} g {order.schedule}"
    if order.dose_g != order.prescribed_dose_g:
        given += f" (in whole vials, of {number(order.prescribed_dose_g)} g)"
    sites = "not read: one at a time" if order.max_sites is None else f"at most {order.max_sites} at a time"
    if order.spacing_cm is not None:
        sites += f", at least {number(order.spacing_cm)} cm apart"
    return pairs(
        [
            ("dose", f"{_dose(order)} {cited.mark(order.sources)}"),
            ("given", given),
            ("first", day(order.first_on)),
            ("sites", sites),
            ("label", f"{order.region} {order.label_revision}".rstrip()),
            ("setting", order.setting),
        ]
    )


def _dose(order: SubcutaneousOrder) -> str:
    """How the dose was worked out, so that it can be checked by hand."""
    weekly = f"{number(order.weekly_dose_g)} g a week"
    iv = order.from_iv
    if iv is not None and order.factor is not None:
        share = f"{number(iv.dose_g)} g every {iv.interval_days} days = {number(iv.weekly_g)} g a week"
        return f"{share} × {number(order.factor)} = {weekly}"
    if order.dose_g_per_kg_week is not None and order.dosing_weight_kg is not None and order.weight_basis is not None:
        weight = f"{number(order.dosing_weight_kg)} kg ({order.weight_basis.value} weight)"
        return f"{number(order.dose_g_per_kg_week)} g/kg a week × {weight} = {weekly}"
    return weekly


def _infusions(infusions: tuple[SubcutaneousInfusion, ...]) -> Table:
    """Infusions that are alike as one row."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("from", no_wrap=True)
    table.add_column("times", justify="right", no_wrap=True)
    table.add_column("vials")
    table.add_column("mL", justify="right", no_wrap=True)
    table.add_column("sites × mL")
    table.add_column("mL/h a site", style="bold")
    table.add_column("lasts", no_wrap=True)
    for _, group in groupby(infusions, key=_alike):
        same = list(group)
        one = same[0]
        table.add_row(
            day(one.starts_at.date()),
            str(len(same)),
            f"{vials(one.vials)} = {number(one.dose_g)} g",
            number(one.total_ml),
            _shares(one.site_volumes_ml),
            _rates(one),
            duration(one.duration_min),
        )
    return table


def _alike(one: SubcutaneousInfusion) -> object:
    return one.dose_g, one.vials, one.site_volumes_ml, one.steps, one.max_ml_per_h_per_site


def _shares(volumes: tuple[Decimal, ...]) -> str:
    return " + ".join(f"{len(list(same))} × {number(volume)}" for volume, same in groupby(volumes))


def _rates(one: SubcutaneousInfusion) -> str:
    planned = " → ".join(f"{number(step.ml_per_h_per_site)}" for step in one.steps)
    highest = one.max_ml_per_h_per_site
    return planned if one.steps[-1].ml_per_h_per_site == highest else f"{planned} (to {number(highest)})"


def _then(order: SubcutaneousOrder, infusions: tuple[SubcutaneousInfusion, ...]) -> Text:
    brackets = any(one.steps[-1].ml_per_h_per_site != one.max_ml_per_h_per_site for one in infusions)
    raised = "; the rate in brackets only if the lower one was borne" if brackets else ""
    at = moment(infusions[0].starts_at).rpartition(" (")[0].rpartition(" ")[2] if infusions else ""
    return Text(f"\nThen {number(order.dose_g)} g {order.schedule}, each time from {at}{raised}.")
