"""The validation page in Markdown: numbers from :mod:`ivigil.kinetics.validation`, words around them, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from ivigil.documents.validation_charts import QUANTITIES
from ivigil.kinetics.agreement import SCENARIOS, Agreement
from ivigil.kinetics.calibration import BANDS, BINS, Calibration
from ivigil.kinetics.npde import NpdeTests
from ivigil.kinetics.published import Compared, average_fold_error
from ivigil.kinetics.validation import SIGNIFICANT, Validation
from ivigil.kinetics.vpc import Vpc
from ivigil.knowledge.kinetic_models import LINEAR, KineticModel
from ivigil.knowledge.published import Observation, PublishedKinetics
from ivigil.sources import Source

FOLDER = "kinetics"
Cite = Callable[[str], Source]


def validation_page(
    made: Validation, published: PublishedKinetics, models: Mapping[str, KineticModel], cite: Cite
) -> str:
    """The whole page."""
    lines = [
        "# Validation of the kinetics",
        "",
        "<!-- written by `ivigil kinetics validate`; the numbers are in kinetics/numbers.json -->",
        "",
        "What the kinetics were held against, with fixed seeds; `ivigil kinetics validate --out FOLDER` makes it again in two or",
        "three minutes. Nothing here was tuned: what disagrees is listed under [known limits](#known-limits).",
        "",
        *_summary(made),
        "",
        *_agreement(made.agreements),
        "",
        *_identities(made),
        "",
        *_published(made, published, models, cite),
        "",
        *_calibration(made),
        "",
        *_data(made),
        "",
        *_limits(made, published, models),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], right: int = 0) -> list[str]:
    """A Markdown table whose last ``right`` columns hold numbers."""
    marks = ["---"] * (len(head) - right) + ["---:"] * right
    return ["| " + " | ".join(row) + " |" for row in (head, marks, *rows)]


def _summary(made: Validation) -> list[str]:
    kept = sum(one.holds for one in made.identities)
    own, judged = made.data_checks[0], made.data_checks[1]
    external = [row for row in made.published if not row.fitted]
    fits = sum(row.agrees for row in made.published)
    tests = len(made.calibrations)
    least = min(one.p for one in made.calibrations)
    rows = [
        (
            "closed form = equations, stepped by independent integrators",
            f"greatest relative difference {max(_worst(made.agreements).values()):.0e}",
        ),
        ("exact identities", f"{kept} of {len(made.identities)} hold"),
        (
            "published results",
            f"{fits} of {len(made.published)} numbers agree; of {len(external)} from patients that the model did not see, "
            f"{sum(row.agrees for row in external)}",
        ),
        (
            "forecast's bands, same model",
            f"smallest p of {tests} rank tests {_p(least)}, times {tests} {_p(min(tests * least, 1.0))}; the wrong control is "
            + ("found out" if min(one.p for one in made.control) < SIGNIFICANT else "NOT found out"),
        ),
        (
            "forecast's bands, as used",
            "; ".join(f"{one.coverage[0.9]:.0%} of true troughs in the 90 % band" for one in made.whole),
        ),
        ("npde, model's own data", f"global p {own.tests.global_p:.2f} (passes above {SIGNIFICANT})"),
        ("npde, another model's data", f"global p {judged.tests.global_p:.0e} (must fail)"),
    ]
    return _table(("asked", "found"), rows)


def _worst(rows: Iterable[Agreement]) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in rows:
        for solver, value in row.differences.items():
            if value is not None:
                found[solver] = max(value, found.get(solver, 0.0))
    return found


def _agreement(rows: Sequence[Agreement]) -> list[str]:
    solvers = list(rows[0].differences)
    lines = [
        "## Closed form against integrators",
        "",
        "Greatest relative difference of exogenous IgG between the closed form and the differential equations, stepped from",
        "one dose to the next. LSODA (ODEPACK) and DOP853 at a relative tolerance of 1e-11, Radau at 1e-8, all of scipy. Two",
        "boluses, two infusions of 5 h, twelve weekly doses SC, and the steady state of an infusion (with SC where the",
        "model has it) every 28 d, which the integrators reach by solving for states that one cycle brings back. DOP853",
        "is explicit and interpolates: where a volume of 8 mL empties in hours it is the integrator that is off.",
        "",
    ]
    cells = []
    for model, group in groupby(rows, key=lambda row: row.model):
        by = {row.scenario: row for row in group}
        for solver in solvers:
            values = [by[scenario].differences[solver] for scenario in SCENARIOS]
            cells.append((model if solver == solvers[0] else "", solver, *(_small(value) for value in values)))
    return lines + _table(("model", "integrator", *SCENARIOS), cells, right=len(SCENARIOS))


def _small(value: float | None) -> str:
    return "no such route" if value is None else f"{value:.0e}"


def _identities(made: Validation) -> list[str]:
    rows = [
        (
            one.name,
            one.says,
            f"{one.departure:.0e}",
            one.model,
            f"{one.tolerated:.0e}",
            "yes" if one.holds else "**no**",
        )
        for one in made.identities
    ]
    head = ("identity", "says", "departs by", "most in", "tolerated", "holds")
    return ["## Exact identities", "", "Over all linear models, relative.", "", *_table(head, rows)]


# ---- published results


def _published(
    made: Validation, published: PublishedKinetics, models: Mapping[str, KineticModel], cite: Cite
) -> list[str]:
    alike = published.alike
    lines = [
        "## Published results",
        "",
        f"The typical subject of each model against groups that somebody measured. A number agrees from {alike.low:g} to",
        f"{alike.high:g} of what was printed, or inside a printed interval where only that is given. {alike.note}",
        "**Own** rows are models built on those very patients: agreement there shows that the model was copied",
        "right. *Other* rows are prediction. No raw data of patients are public; these are all the results that were found.",
        "",
        *_folds(made.published),
        "",
        "Printed are means of groups; a typical subject lies near the median, which for levels spread as these models say is",
        "some hundredths lower, so that a fold error a little below 1 is expected.",
        "",
        f"![Predicted against printed levels]({FOLDER}/published.svg)",
        "",
    ]
    rows = []
    for key, group in groupby(made.published, key=lambda row: row.observation):
        seen = published.observations[key]
        for number, row in enumerate(group):
            rows.append(
                (
                    f"{seen.title} [{_number(published, key)}]" if not number else "",
                    QUANTITIES[row.quantity],
                    row.model,
                    "**own**" if row.fitted else "other",
                    _printed(row),
                    f"{row.predicted:.3g}",
                    "" if row.ratio is None else f"{100 * (row.ratio - 1):+.0f} %",
                    "yes" if row.agrees else "**no**",
                )
            )
    head = ("group", "quantity", "model", "patients", "printed", "predicted", "difference", "agrees")
    lines += _table(head, rows)
    lines += ["", "What was given and where it was read:", ""]
    lines += [
        f"{_number(published, key)}. `{seen.regimen}`"
        + (f" against `{seen.against_regimen}`" if seen.against_regimen else "")
        + f", {_who(seen)}. {_cited(seen, cite)}{' ' + seen.note if seen.note else ''}"
        for key, seen in published.observations.items()
    ]
    asked = {row.model for row in made.published}
    silent = sorted(name for name, one in models.items() if one.structure in LINEAR and name not in asked)
    other = sorted(name for name, one in models.items() if one.structure not in LINEAR)
    lines += ["", f"No published result was found for {', '.join(silent)} beyond the parameters themselves."]
    if other:
        lines += [f"Not linear, and not part of this page: {', '.join(other)}."]
    return lines


def _number(published: PublishedKinetics, key: str) -> int:
    return list(published.observations).index(key) + 1


def _folds(rows: Sequence[Compared]) -> list[str]:
    cells = []
    for quantity in ("ctrough", "cavg", "cmax", "half_life_d"):
        for fitted, whose in ((True, "own"), (False, "other")):
            found = [row for row in rows if row.quantity == quantity and row.fitted is fitted and row.printed]
            fold = average_fold_error(found)
            if fold is not None:
                cells.append((QUANTITIES[quantity], whose, str(len(found)), f"{fold[0]:.2f}", f"{fold[1]:.2f}"))
    head = ("quantity", "patients", "numbers", "average fold error", "absolute average fold error")
    return _table(head, cells, right=3)


def _printed(row: Compared) -> str:
    span = ""
    if row.low is not None and row.high is not None:
        span = f"{row.low:.3g} to {row.high:.3g}"
    elif row.low is not None:
        span = f"above {row.low:g}"
    elif row.high is not None:
        span = f"below {row.high:g}"
    if row.printed is None:
        return span
    return f"{row.printed:.3g}" + (f" ({span})" if span else "")


def _who(seen: Observation) -> str:
    told = ", ".join(
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in seen.subject.items()
        if not isinstance(value, bool)
    )
    people = f"{seen.patients} patients" if seen.patients else "patients not counted"
    return f"{people}; asked for {told}"


def _cited(seen: Observation, cite: Cite) -> str:
    sources = [cite(one) for one in seen.src]
    return " ".join(
        f"{one.publisher}: {one.title}{', ' + seen.place if seen.place else ''} ({one.address})." for one in sources
    )


# ---- forecast and data sets


def _calibration(made: Validation) -> list[str]:
    first = made.calibrations[0]
    return [
        "## Calibration of the forecast",
        "",
        f"{first.patients} patients for each row were drawn from its model, given IgG, measured with its own error and forecast",
        "with it. If the posterior is right, the truth lies anywhere among its samples with equal chance, and a band of",
        f"50 % holds half of the truths (Talts 2018; Cook 2006). χ² over {BINS} bins.",
        "",
        *_coverage(made.calibrations),
        "",
        "The control forecasts with half the error of measuring; a test that could not find that out would say nothing:",
        "",
        *_coverage(made.control),
        "",
        f"![Ranks of the truth]({FOLDER}/calibration.svg)",
        "",
        "As `ivigil forecast` works, with all models of primary immunodeficiency weighed and unexplained levels set aside,",
        "a patient comes from none of the models for certain. Patients of one model before the mixture:",
        "",
        *_table(
            (
                "patients of",
                "patients",
                "in the 50 % band",
                "in the 90 % band",
                "weight of their model",
                "levels set aside",
            ),
            [
                (
                    one.drawn_from,
                    str(one.patients),
                    *(f"{one.coverage[band]:.0%} (± {one.chance(band):.0%})" for band in BANDS),
                    f"{one.weight:.0%}",
                    f"{one.set_aside:.1%}",
                )
                for one in made.whole
            ],
            right=5,
        ),
    ]


def _coverage(rows: Sequence[Calibration]) -> list[str]:
    head = ("model", "regimen", "forecast", "patients", *(f"in the {band:.0%} band" for band in BANDS), "χ²", "p")
    cells = [
        (
            one.model,
            f"`{one.regimen}`",
            one.target,
            str(one.patients),
            *(f"{one.coverage[f'{band:g}']:.1%} (± {one.chance(band):.1%})" for band in BANDS),
            f"{one.chi2:.1f}",
            _p(one.p),
        )
        for one in rows
    ]
    return _table(head, cells, right=5)


def _p(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else f"{value:.0e}"


def _data(made: Validation) -> list[str]:
    lines = [
        "## Prediction of whole data sets",
        "",
        "No patient's data are open, so the data are invented: three arms (IV, IV in smaller subjects, SC), seven levels each.",
        "One set comes from the model that judges it and must pass; one from another model of the same disease and must fail.",
        "npde after Brendel 2006 and Comets 2008 (Wilcoxon, Fisher, Shapiro and Wilk; global p by Bonferroni),",
        "prediction-corrected check after Bergstrand 2011.",
        "",
        *_table(
            (
                "data from",
                "judged by",
                "levels",
                "mean",
                "variance",
                "p mean",
                "p variance",
                "p normal",
                "global p",
                "outside",
            ),
            [(one.drawn_from, one.judged_by, *_tests(one.tests), _outside(one.vpc)) for one in made.data_checks],
            right=8,
        ),
        "",
        "“Outside” counts observed percentiles that leave the model's 95 % interval.",
        "",
        f"![npde]({FOLDER}/npde.svg)",
        "",
        f"![Predictive check]({FOLDER}/vpc.svg)",
        "",
    ]
    again = made.repeated
    lines += [
        f"The tests' own error: of {again.sets} data sets of the very model, {again.rejected} were rejected at 5 % "
        f"({again.rejected / again.sets:.0%}), and {again.outside / again.percentiles:.1%} of {again.percentiles} percentiles "
        "lay outside (5 % are expected).",
    ]
    return lines


def _tests(found: NpdeTests) -> tuple[str, ...]:
    return (
        str(found.levels),
        f"{found.mean:.2f}",
        f"{found.variance:.2f}",
        _p(found.mean_p),
        _p(found.variance_p),
        _p(found.normality_p),
        _p(found.global_p),
    )


def _outside(found: Vpc) -> str:
    return f"{found.outside} of {found.percentiles}"


# ---- limits


def _limits(made: Validation, published: PublishedKinetics, models: Mapping[str, KineticModel]) -> list[str]:
    lines = [
        "## Known limits",
        "",
        "Where models and measurements part. They are shown, not tuned away.",
        "",
    ]
    words: dict[str, list[str]] = {}
    for key, group in groupby(made.published, key=lambda row: row.observation):
        missed = [row for row in group if not row.agrees]
        if missed:
            seen = published.observations[key]
            told = "; ".join(_missed(quantity, rows) for quantity, rows in _by_quantity(missed))
            words.setdefault(seen.limit, []).append(f"{seen.title} [{_number(published, key)}]: {told}.")
    for why, cases in words.items():
        lines += [f"- {why or 'Not explained.'}", *(f"  - {case}" for case in cases)]
    steps = sorted({one.copying_steps for one in models.values()})
    lines += [
        f"- None of the papers was read itself: parameters passed through {steps[0]} to {steps[-1]} copying steps.",
        "- No correlation between a model's parameters was published, so they are drawn apart; bands may be too wide or too",
        "  narrow for that. Calibration above shows the arithmetic right, not the models.",
        "- A baseline is constant. A patient whose own production changes is not described.",
    ]
    return lines


def _by_quantity(rows: Sequence[Compared]) -> list[tuple[str, list[Compared]]]:
    names = dict.fromkeys(row.quantity for row in rows)
    return [(name, [row for row in rows if row.quantity == name]) for name in names]


def _missed(quantity: str, rows: Sequence[Compared]) -> str:
    found = ", ".join(f"{row.model} {row.predicted:.3g}" for row in rows)
    return f"{QUANTITIES[quantity]}: printed {_printed(rows[0])}, predicted {found}"
