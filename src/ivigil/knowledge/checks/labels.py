"""Labels name their region and the conditions they serve, and hold what is their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ivigil.knowledge.checks.rows import CheckRow, Weight, error, spelled
from ivigil.knowledge.products import Product


def labels_stand(product: Product, file: str, indication_ids: Collection[str]) -> Iterator[CheckRow]:
    """Each label names its region and revision, and conditions that exist, each once."""
    for region, label in product.labels.items():
        where = f"{file}: {spelled(('labels', region))}"
        if label.region != region:
            yield error(where, f"It stands under {region} but names {label.region}.", "Make the two the same.")
        served: dict[str, str] = {}
        for name, use in label.uses.items():
            there = f"{where}.uses.{spelled((name,))}"
            if not use.indications:
                yield error(there, "The use serves no condition.", "Name at least one condition id.")
            for indication in use.indications:
                yield from condition_exists(f"{there}.indications", indication, indication_ids)
                if indication in served:
                    yield CheckRow(
                        there,
                        Weight.WARNING,
                        f"{indication} is served by {served[indication]} already; a plan takes the first.",
                        "Name each condition in one use of a label.",
                    )
                served.setdefault(indication, name)
        for indication in label.not_labelled_for.items if label.not_labelled_for else ():
            yield from condition_exists(f"{where}.not_labelled_for", indication, indication_ids)


def condition_exists(where: str, name: str, known: Collection[str]) -> Iterator[CheckRow]:
    """A condition that is named has a file."""
    if name not in known:
        yield error(where, f"No condition is called {name}.", "`ivigil knowledge list indications` lists them.")


def regimens_are_the_labels_own(product: Product, file: str) -> Iterator[CheckRow]:
    """A regimen under a label is of that label's region, ages do not cross, and an ordinary first maximum stands first."""
    for region, label in product.labels.items():
        for name, use in label.uses.items():
            where = f"{file}: {spelled(('labels', region, 'uses', name))}"
            for key, regimen in use.regimens.items():
                if regimen.region not in {"", region}:
                    yield error(
                        f"{where}.regimens.{spelled((key,))}",
                        f"The regimen is of {regimen.region} and stands under the {region} label.",
                        "Move it to its own label.",
                    )
            if use.min_age is not None and use.max_age is not None and use.min_age.years > use.max_age.years:
                yield error(where, "min_age is above max_age.", "Compare both with the label.")
            for key, table in use.rates.items():
                if table.tiers and table.tiers[0].after_infusions > 0:
                    yield error(
                        f"{where}.rates.{spelled((key,))}.tiers",
                        "No maximum stands for a first infusion.",
                        "Begin with the maximum after 0 infusions.",
                    )
