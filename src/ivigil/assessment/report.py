"""Is immunoglobulin indicated for this patient, on what evidence, with what risks: looked up, computed and cited.

Nothing here is generated. A grade stays in its own scheme; a criterion is computed only where its source states it in
terms of what the record holds, else it is asked; a condition without criteria says so and is never called eligible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict

from ivigil.assessment.belongs import belongs_to
from ivigil.assessment.dates import check_dates
from ivigil.assessment.implied import implied_conditions, implied_words
from ivigil.assessment.lines import Line, Met, Part, line_of, lines_of
from ivigil.assessment.marks import MarkHere, marks_for
from ivigil.assessment.resting import Datum, resting_on
from ivigil.assessment.reviewing import first_review_on
from ivigil.assessment.screening import (
    Circumstances,
    Rules,
    Words,
    free_texts,
    kidney_function,
    screen_ahead,
    screen_patient,
    thrombosis_factors,
    unlikely_values,
)
from ivigil.assessment.screening.decide import decide
from ivigil.assessment.where import SettingHere, setting_here, setting_lines
from ivigil.errors import BadInput
from ivigil.findings import Finding, in_order
from ivigil.knowledge.evidence import Alternatives, Option, Study, Therapy
from ivigil.knowledge.facts import Statement
from ivigil.knowledge.indications import Criterion, Indication, Review, StatusGroup
from ivigil.knowledge.policies import CriteriaPolicy, Policies
from ivigil.knowledge.products import Product, Use
from ivigil.knowledge.regimens import Regimen
from ivigil.knowledge.vocabulary import Vocabulary
from ivigil.patient import Patient
from ivigil.sources import CitedSource, MadeWith, Read, Source, cite

NOTICE = "It informs a clinician's decision and never decides alone. Check what matters at its source."
NO_CRITERIA = "No criteria in the knowledge base."
NO_EVIDENCE = "No graded evidence in the knowledge base."
NO_REGIMENS = "No dose regimen in the knowledge base."
NO_ALTERNATIVES = "No alternatives in the knowledge base: nothing here says that there are none."
SUBCUTANEOUS = "scig"


class RegionStanding(Part):
    """How the condition stands with one region's regulator or payer."""

    region: str
    status: str
    line: Line


class Graded(Part):
    """A position or grade, in its own scheme."""

    who: str
    region: str
    edition: str
    scheme: str
    grade: str
    line: Line


class AskedOrComputed(Part):
    """A criterion: computed where the source states it in data, else a question.

    ``rests_on`` are the recorded values it was computed from, with their dates; ``too_old`` says by whose policy a value
    is too old to decide it.
    """

    computed: bool
    status: Met
    body: str
    region: str
    line: Line
    rests_on: tuple[Datum, ...] = ()
    too_old: tuple[Line, ...] = ()


class RegimenLine(Part):
    """A dose regimen as its source prints it (g/kg for the whole course)."""

    phase: str
    authority: str
    region: str
    g_per_kg_min: float | None
    g_per_kg_max: float | None
    days_min: int
    days_max: int
    interval_days_min: int | None
    interval_days_max: int | None
    population: str
    line: Line


class ReviewDue(Part):
    """When the first review is due at the latest, and from which day that was counted."""

    on: date
    counted_from: date
    start_planned: bool
    treated_before: bool | None
    line: Line


class OptionLine(Part):
    """One alternative for this family of conditions.

    ``for_this_patient``: what the record says of it, what speaks against it first.
    """

    therapy: str
    name: str
    for_this_patient: tuple[MarkHere, ...]
    lines: dict[str, tuple[Line, ...]]


class Labelled(Part):
    """A product whose label in this region names the condition, with the doses that it prints.

    ``at_this_age``: whether the label was read to hold at the patient's age; None where the age is not recorded.
    """

    product: str
    brand: str
    revision: str
    line: Line
    at_this_age: bool | None
    regimens: tuple[RegimenLine, ...]


class Assessment(Part):
    """The assessment of one patient for one condition."""

    schema_: Literal["ivigil-assessment/1"]
    made_with: MadeWith
    patient_ref: str
    synthetic: bool
    region: str
    at: datetime
    indication: str
    indication_name: str
    status_group: str
    status_note: str
    labelled_here: tuple[Labelled, ...]
    labelled_note: str
    standing: tuple[RegionStanding, ...]
    positions: tuple[Graded, ...]
    evidence: tuple[Graded, ...]
    benefit: Graded | None
    evidence_note: str
    studies: tuple[Line, ...]
    regimens: tuple[RegimenLine, ...]
    regimens_note: str
    conflicts: tuple[Line, ...]
    criteria: tuple[AskedOrComputed, ...]
    criteria_note: str
    baseline: tuple[Line, ...]
    first_review: ReviewDue
    review: tuple[Line, ...]
    response: tuple[Line, ...]
    stopping: tuple[Line, ...]
    cautions: tuple[Line, ...]
    findings: tuple[Finding, ...]
    risks: tuple[str, ...]
    setting: tuple[Line, ...]
    setting_here: SettingHere
    beside_other_treatments: tuple[Line, ...]
    alternatives: tuple[OptionLine, ...]
    alternatives_note: str
    alternatives_notes: tuple[Line, ...]
    sources: dict[str, CitedSource]
    notice: str

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: name.rstrip("_"), populate_by_name=True
    )


@dataclass(frozen=True)
class Library:
    """The facts an assessment is made from, as the knowledge handed them out."""

    indication: Indication
    products: tuple[Product, ...]
    rules: Rules
    policies: Policies
    vocabulary: Vocabulary
    alternatives: tuple[Alternatives, ...]
    therapies: tuple[Therapy, ...]
    studies: tuple[Study, ...]
    source_of: Callable[[str], Source]
    made_with: MadeWith


def assess(patient: Patient, region: str, at: datetime, library: Library, start: datetime | None = None) -> Assessment:
    """The assessment of a patient for the library's condition, in a region, at a moment.

    ``start`` is the planned first infusion, from which the first review is counted; without it the moment counts.

    Raises:
        BadInput: the planned start lies before the moment of the assessment, or carries no offset.
    """
    check_dates(patient, at, "--at")
    check_start(start, at)
    indication, policies = library.indication, library.policies
    words = Words.of(patient).implying(implied_words(indication))
    about = Circumstances(patient, at, region, policies.rate.long_gap_days.value, known_words=words)
    # What speaks for treatment must stand in the record itself: what the indication means does not count there.
    recorded = replace(about, permits=True, known_words=Words.of(patient), criteria=policies.criteria)
    screened = screen_patient(library.rules, about) + screen_ahead(library.rules, about)
    findings = (
        *belongs_to(indication, patient, at),
        *free_texts(patient, library.vocabulary, policies.free_text),
        *unlikely_values(
            patient, at, policies.plausibility, library.vocabulary, policies.weight.adult_from_years.value
        ),
        *kidney_function(patient, at),
        *implied_conditions(indication, library.vocabulary),
        *screened.findings,
        *thrombosis_factors(library.rules, about, library.vocabulary),
    )
    labelled = tuple(_labelled(library, region, patient.age_at(at)))
    family = next((one for one in library.alternatives if indication.id in one.indications), None)
    made = Assessment(
        schema_="ivigil-assessment/1",
        made_with=library.made_with,
        patient_ref=patient.ref,
        synthetic=patient.synthetic,
        region=region,
        at=at,
        indication=indication.id,
        indication_name=indication.name,
        status_group=indication.status_group.value,
        status_note=_status_note(indication, labelled, region),
        labelled_here=labelled,
        labelled_note="" if labelled else _not_labelled(library, region),
        standing=tuple(
            RegionStanding(region=name, status=one.status, line=line_of(one.text or one.status, one))
            for name, one in indication.regulatory.items()
        ),
        positions=tuple(
            Graded(
                who=one.body,
                region=one.region,
                edition=one.edition,
                scheme=one.scheme,
                grade=one.grade,
                line=line_of(one.text, one),
            )
            for one in indication.positions.values()
        ),
        evidence=tuple(
            Graded(
                who=one.scheme,
                region="",
                edition="",
                scheme=one.scheme,
                grade=" ".join(filter(None, (one.category, one.strength))),
                line=line_of(one.text or f"{one.scheme}: {one.category}", one),
            )
            for one in indication.evidence.values()
        ),
        benefit=_benefit(indication),
        evidence_note="" if indication.evidence or indication.benefit else NO_EVIDENCE,
        studies=tuple(_studies(library.studies, indication.id)),
        regimens=tuple(map(_regimen, indication.regimens.values())),
        regimens_note="" if indication.regimens or any(one.regimens for one in labelled) else NO_REGIMENS,
        conflicts=lines_of(indication.conflicts),
        criteria=tuple(_criterion(one, recorded, library) for one in indication.eligibility.values()),
        criteria_note="" if indication.eligibility else NO_CRITERIA,
        baseline=lines_of(indication.baseline),
        first_review=_first_review(patient, at, start, library),
        review=lines_of(indication.review),
        response=lines_of(indication.response),
        stopping=lines_of(indication.stopping),
        cautions=lines_of(indication.cautions),
        findings=in_order(findings),
        risks=tuple(sorted(screened.risks)),
        setting=setting_lines(policies.setting),
        setting_here=setting_here(about, policies.setting, library.vocabulary, indication, library.products),
        beside_other_treatments=tuple(
            line_of(f"{therapy.name}: {one.text}", one)
            for therapy in library.therapies
            for one in therapy.beside.values()
        ),
        alternatives=()
        if family is None
        else tuple(
            _option(one, library, region, marks_for(family, one, library.therapies, about))
            for one in family.options.values()
        ),
        alternatives_note=NO_ALTERNATIVES if family is None else "",
        alternatives_notes=()
        if family is None
        else lines_of({**family.guideline, **family.sequence, **family.pointless, **family.notes}),
        sources={},
        notice=NOTICE,
    )
    return made.model_copy(update={"sources": _cited(made, library.source_of)})


def check_start(start: datetime | None, at: datetime) -> None:
    """Refuse a planned start that lies before the assessment or carries no offset."""
    if start is not None and start.tzinfo is None:
        raise BadInput(
            "--start", start.isoformat(), "A datetime carries its offset.", "Write it as 2026-11-20T09:00:00-05:00."
        )
    if start is not None and start < at:
        raise BadInput(
            "--start",
            start.isoformat(),
            f"The planned start lies before the assessment ({at.isoformat()}).",
            "Correct --start or --at.",
        )


def counts(indications: Iterable[Indication]) -> dict[str, int]:
    """How many conditions have computed criteria, only asked ones, and none."""
    tally = {"computed": 0, "asked": 0, "none": 0}
    for one in indications:
        rows = one.eligibility.values()
        tally["none" if not rows else "computed" if any(row.when for row in rows) else "asked"] += 1
    return tally


# ---- parts


def _labelled(library: Library, region: str, age: Decimal | None) -> Iterable[Labelled]:
    adult_from = library.policies.weight.adult_from_years.value
    for product in library.products:
        label = product.labels.get(region)
        for use in label.uses.values() if label else ():
            if label is not None and library.indication.id in use.indications:
                yield Labelled(
                    product=product.id,
                    brand=product.brand,
                    revision=label.revision,
                    line=line_of(use.indication.text, use.indication),
                    at_this_age=None if age is None else _names_age(use, age, adult_from),
                    regimens=tuple(map(_regimen, use.regimens.values())),
                )


def _not_labelled(library: Library, region: str) -> str:
    """Why no label of the region stands here: none names the condition, or none was read at all."""
    held = sum(region in product.labels for product in library.products)
    if not held:
        return f"No label of {region} is in the knowledge base: that nothing stands here says nothing of what is licensed there."
    return f"None of the {held} {region} labels in the knowledge base names this condition."


def _names_age(use: Use, age: Decimal, adult_from: Decimal) -> bool:
    """Whether the ages that were read on the label hold this one; a label without an age is one for adults."""
    young, old = use.min_age, use.max_age
    known = young is None or young.read is not Read.NOT_READ
    return (known and age >= (adult_from if young is None else young.years)) and (old is None or age <= old.years)


def _status_note(indication: Indication, labelled: Iterable[Labelled], region: str) -> str:
    """That labels here name the condition at this age, where the condition as a whole does not count as approved."""
    brands = ", ".join(dict.fromkeys(one.brand for one in labelled if one.at_this_age))
    if not brands or indication.status_group is StatusGroup.FDA_APPROVED:
        return ""
    return (
        f"Labels in {region} name this condition at this age: {brands}. The status speaks of the condition as a whole."
    )


def _first_review(patient: Patient, at: datetime, start: datetime | None, library: Library) -> ReviewDue:
    counted_from = (start or at).date()
    due, fact = first_review_on(counted_from, library.indication, library.policies.review)
    history = patient.immunoglobulin_history
    return ReviewDue(
        on=due,
        counted_from=counted_from,
        start_planned=start is not None,
        treated_before=None if history is None else bool(history),
        line=line_of(fact.text if isinstance(fact, Review) else fact.note, fact),
    )


def _benefit(indication: Indication) -> Graded | None:
    one = indication.benefit
    if one is None:
        return None
    return Graded(
        who=one.whose,
        region="",
        edition="",
        scheme="",
        grade=one.judgement,
        line=line_of(one.text or one.judgement, one),
    )


def _studies(studies: Iterable[Study], indication: str) -> Iterable[Line]:
    for study in studies:
        if indication in study.indications:
            for result in study.results.values():
                yield line_of(f"{study.name}: {result.text}", result)


def _regimen(one: Regimen) -> RegimenLine:
    return RegimenLine(
        phase=one.phase.value,
        authority=one.authority,
        region=one.region,
        g_per_kg_min=_float(one.g_per_kg_min),
        g_per_kg_max=_float(one.g_per_kg_max),
        days_min=one.days_min,
        days_max=one.days_max,
        interval_days_min=one.interval_days_min,
        interval_days_max=one.interval_days_max,
        population=one.population,
        line=line_of(one.text, one),
    )


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


MET: dict[bool | None, Met] = {True: Met.MET, False: Met.NOT_MET, None: Met.NOT_RECORDED}


def _criterion(criterion: Criterion, about: Circumstances, library: Library) -> AskedOrComputed:
    when = criterion.when
    rests_on = () if when is None else resting_on(when, about, library.vocabulary)
    return AskedOrComputed(
        computed=when is not None,
        status=Met.NOT_RECORDED if when is None else MET[decide(when, about)],
        body=criterion.body,
        region=criterion.region,
        line=line_of(criterion.text, criterion),
        rests_on=rests_on,
        too_old=tuple(_too_old(rests_on, library.policies.criteria)),
    )


def _too_old(rests_on: tuple[Datum, ...], policy: CriteriaPolicy) -> Iterable[Line]:
    """Which results are too old, by whose policy; silent where a younger one of the same test decides."""
    decided = {one.test for one in rests_on if not one.too_old}
    for one in rests_on:
        if one.too_old and one.test not in decided:
            within = policy.of_test(one.test)
            yield line_of(
                f"Too old: {one.what} {one.shown} of {one.on}, {one.days_old} days before. A criterion counts a result of"
                f" at most {within.value} days: measure it again.",
                within,
            )


#: Parts of an option in the order in which they are shown.
OPTION_PARTS = (
    "licensed",
    "conversion",
    "evidence",
    "setting",
    "frequency",
    "preferred_when",
    "wrong_when",
    "main_risks",
    "cost",
    "notes",
)


def _option(option: Option, library: Library, region: str, marks: tuple[MarkHere, ...]) -> OptionLine:
    names = {therapy.id: therapy.name for therapy in library.therapies}
    lines: dict[str, tuple[Line, ...]] = {}
    for part in OPTION_PARTS:
        found = getattr(option, part, None)
        if part == "conversion" and option.therapy == SUBCUTANEOUS:
            lines |= {part: said} if (said := tuple(_conversions(library, region))) else {}
        elif isinstance(found, Statement):
            lines[part] = (line_of(found.text, found),)
        elif found:
            lines[part] = lines_of(found)
    name = names.get(option.therapy, option.therapy.replace("_", " ").replace("-", " ").replace("ivig", "IVIG"))
    return OptionLine(therapy=option.therapy, name=name, for_this_patient=marks, lines=lines)


def _conversions(library: Library, region: str) -> Iterable[Line]:
    """How each label of the region that names the condition gets from the intravenous dose to the one under the skin."""
    for product in library.products:
        label = product.labels.get(region)
        if label is None or label.subcutaneous is None:
            continue
        for name, use in label.subcutaneous.uses.items():
            if library.indication.id not in label.uses[name].indications:
                continue
            how = use.conversion
            whose = f"{region} label of {product.brand}"
            if how.factor is not None:
                text = f"{whose}: {how.factor.factor.normalize():f} times the weekly intravenous dose to start with."
                yield line_of(text, how.factor)
            for dose in how.regimens.values():
                yield line_of(f"{whose}: {dose.text}", dose)


def _cited(made: Assessment, source_of: Callable[[str], Source]) -> dict[str, CitedSource]:
    ids: set[str] = {name for finding in made.findings for name in finding.sources}
    for line in _all_lines(made):
        ids.update(line.sources)
    return {name: cite(source_of(name)) for name in sorted(ids)}


def _all_lines(made: Assessment) -> Iterable[Line]:
    for label in made.labelled_here:
        yield from (label.line, *(one.line for one in label.regimens))
    yield from made.conflicts
    yield from (one.line for one in made.standing)
    yield from (one.line for one in (*made.positions, *made.evidence, *filter(None, (made.benefit,))))
    yield from (one.line for one in made.regimens)
    for criterion in made.criteria:
        yield from (criterion.line, *criterion.too_old)
    yield made.first_review.line
    yield from made.studies
    yield from (*made.baseline, *made.review, *made.response, *made.stopping, *made.cautions, *made.alternatives_notes)
    yield from (*made.setting, made.setting_here.line, *(one.line for one in made.setting_here.points))
    yield from made.beside_other_treatments
    for option in made.alternatives:
        yield from (one.line for one in option.for_this_patient)
        for found in option.lines.values():
            yield from found
