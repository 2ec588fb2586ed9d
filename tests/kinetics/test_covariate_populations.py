"""Virtual people: drawn from published tables, each by the seed and a number, and given the parameters of their body."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ivigil.errors import BadInput, UnknownName
from ivigil.kinetics.covariate_populations import Crowd, people, size_at
from ivigil.kinetics.individual import individual
from ivigil.kinetics.population import Reduction, schedule
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.body_sizes import Ages, Correlation, SizeByAge
from ivigil.knowledge.loading import Knowledge

KNOWLEDGE = Knowledge()
ADULTS, CHILDREN = KNOWLEDGE.population("us-adults"), KNOWLEDGE.population("children-cdc")
POLICY = KNOWLEDGE.policies.kinetics
OTHERS = Subject(secondary_deficiency=False, igm_g_per_l=0.3)


def crowd(model: str, population=ADULTS, others: Subject = Subject(), subjects: int = 400, **asked) -> Crowd:  # noqa: B008
    options = {"per_kg": True, "seed": 5} | asked
    return Crowd(
        KNOWLEDGE.kinetic_model(model),
        population,
        others,
        options.pop("per_kg"),
        subjects,
        options.pop("seed"),
        POLICY,
        **options,
    )


# ---- the tables


@pytest.mark.parametrize(
    ("sizes", "months", "percentiles"),
    [
        # The percentiles that the CDC prints beside L, M and S: the 3rd, 5th, 95th and 97th.
        (CHILDREN.male.weight_kg, 24.0, (10.38209025, 10.64009004, 15.18777349, 15.59648294)),
        (CHILDREN.male.height_cm, 24.0, (79.91084447, 80.72977321, 92.19687928, 93.02265441)),
        (CHILDREN.male.height_cm, 24.5, (80.26037074, 81.08868489, 92.63176749, 93.45923029)),
    ],
)
def test_the_tables_give_back_the_percentiles_printed_beside_them(sizes, months, percentiles):
    z = np.array([-1.880793608, -1.644853627, 1.644853627, 1.880793608])
    assert size_at(sizes, np.full(4, months), z) == pytest.approx(percentiles, rel=1e-7)


def test_between_two_rows_a_straight_line():
    found = size_at(CHILDREN.male.weight_kg, np.array([24.25]), np.array([0.0]))
    assert found == pytest.approx([(12.6707633 + 12.74154396) / 2])


def test_a_power_of_zero_is_the_exponential():
    table = SizeByAge.model_validate(
        {"rows": [[0, 0, 10, 0.2]], "src": "x/y", "origin": "reported", "read": "secondary"}
    )
    assert size_at(table, np.array([5.0]), np.array([1.0])) == pytest.approx([10 * np.exp(0.2)])


def test_every_fact_of_a_population_has_its_source():
    for name in KNOWLEDGE.population_ids:
        one = KNOWLEDGE.population(name)
        facts = [
            one.furthest_z,
            *(getattr(sex, key) for sex in (one.female, one.male) for key in type(sex).model_fields),
        ]
        for source in {one.citation, *(src for fact in facts for src in fact.src)}:
            KNOWLEDGE.source(source)


def test_the_children_have_every_row_of_the_charts():
    for sex in (CHILDREN.female, CHILDREN.male):
        for table in (sex.weight_kg, sex.height_cm):
            assert [row[0] for row in table.rows] == [24.0, *(24.5 + month for month in range(216)), 240.0]


HOW = {"src": "x/y", "origin": "reported", "read": "secondary"}


@pytest.mark.parametrize(
    ("kind", "raw", "said"),
    [
        (Ages, {"from_years": [20, 30], "until_years": 25, "shares": [0.5, 0.5]}, "ages must rise"),
        (Ages, {"from_years": [20, 30], "until_years": 80, "shares": [0.5, 0.4]}, "the shares add up to 1"),
        (SizeByAge, {"rows": [[24, 1, 12, 0.1], [24, 1, 12, 0.1]]}, "age_months must rise"),
        (Correlation, {"rows": [[0, 1.0]]}, "between -1 and 1"),
    ],
)
def test_tables_that_cannot_be_are_refused(kind, raw, said):
    with pytest.raises(ValidationError, match=said):
        kind.model_validate(raw | HOW)


# ---- the people


def test_adults_are_as_the_survey_found_them():
    """Weighted means of NHANES 2017 to March 2020 itself: women 78.42 kg and 161.43 cm, men 91.27 kg and 175.19 cm."""
    found, _ = people(ADULTS, 1, 0, 200_000)
    for here, weight, height, share in ((found.female, 78.42, 161.43, 0.5106), (~found.female, 91.27, 175.19, 0.4894)):
        assert found.weight_kg[here].mean() == pytest.approx(weight, rel=0.006)
        assert found.height_cm[here].mean() == pytest.approx(height, rel=0.001)
        assert here.mean() == pytest.approx(share, abs=0.004)
    assert found.age_years.min() >= 20
    assert found.age_years.max() < 80
    # Survey, men: 5th, 50th and 95th percentile of weight 62.3, 87.6 and 130.7 kg.
    assert np.percentile(found.weight_kg[~found.female], [5, 50, 95]) == pytest.approx([62.3, 87.6, 130.7], rel=0.015)


def test_weight_goes_with_height_as_measured():
    found, _ = people(ADULTS, 1, 0, 200_000)
    middle = ~found.female & (found.age_years > 44) & (found.age_years < 46)
    # r = 0.515 of men of 40 to 49 years, on the scale of z; on that of kg a little less.
    assert np.corrcoef(found.weight_kg[middle], found.height_cm[middle])[0, 1] == pytest.approx(0.51, abs=0.03)


def test_children_grow():
    found, _ = people(CHILDREN, 1, 0, 100_000)
    for years, weight, height in ((5.0, 18.4, 109.0), (10.0, 32.0, 138.6)):
        boys = ~found.female & (np.abs(found.age_years - years) < 0.1)
        assert np.median(found.weight_kg[boys]) == pytest.approx(weight, rel=0.02)  # the chart's medians
        assert np.median(found.height_cm[boys]) == pytest.approx(height, rel=0.01)


def test_nobody_is_further_out_than_the_population_allows():
    found, redrawn = people(CHILDREN, 3, 0, 20_000)
    assert redrawn > 0
    for here, sizes in ((found.female, CHILDREN.female), (~found.female, CHILDREN.male)):
        months = found.age_years[here] * 12
        for values, table in ((found.weight_kg[here], sizes.weight_kg), (found.height_cm[here], sizes.height_cm)):
            assert (values <= size_at(table, months, np.full(months.size, 2.5)) + 1e-9).all()
            assert (values >= size_at(table, months, np.full(months.size, -2.5)) - 1e-9).all()


def test_a_person_depends_on_the_seed_and_the_number_alone():
    all_, _ = people(CHILDREN, 9, 0, 1000)
    some, _ = people(CHILDREN, 9, 700, 100)
    assert (all_.weight_kg[700:800] == some.weight_kg).all()
    assert (all_.female[700:800] == some.female).all()
    other, _ = people(CHILDREN, 10, 700, 100)
    assert not (other.weight_kg == some.weight_kg).any()


def test_any_chunking_simulates_the_same_subjects():
    whole = np.concatenate([one.parameters for one, _ in crowd("zhang2020", chunk=400)])
    parts = np.concatenate([one.parameters for one, _ in crowd("zhang2020", chunk=77)])
    assert (whole == parts).all()


# ---- the subjects of a model


@pytest.mark.parametrize(
    "name", ["zhang2020", "li2022", "navarromora2022", "tortorici2019", "cheng2025", "luo2020", "tortorici2021"]
)
@pytest.mark.parametrize("population", [ADULTS, CHILDREN], ids=lambda one: one.id)
def test_each_person_has_the_parameters_of_one_subject_of_that_body(name, population):
    model = KNOWLEDGE.kinetic_model(name)
    made = crowd(name, population, OTHERS, subjects=40, baseline_g_per_l=4.0)
    persons, _ = people(population, 5, 0, 40, with_lean_mass=made._lean)
    found = made.typical(persons)
    for row in range(40):
        p = individual(model, persons.subject(row, OTHERS), 4.0).parameters
        own = [p.cl, p.vc, p.q, p.vp, p.ka, p.f_sc, p.f_facilitated_sc, p.baseline_g_per_l]
        assert found[row] == pytest.approx(own, rel=1e-12)


def test_grams_per_kg_count_each_persons_weight():
    ((drawn, _),) = crowd("zhang2020")
    persons, _ = people(ADULTS, 5, 0, 400)
    assert drawn.people is not None
    assert (drawn.scale == persons.weight_kg).all()
    ((fixed, _),) = crowd("zhang2020", per_kg=False)
    assert (fixed.scale == 1.0).all()


def test_who_lies_outside_the_models_own_population_is_counted():
    made = crowd("zhang2020", subjects=5000)
    reduction = Reduction(schedule(read_regimen("iv 0.4 g/kg every 21 d"), 21.0))
    for drawn, outside in made:
        reduction.add(drawn, outside)
    persons, _ = people(ADULTS, 5, 0, 5000)
    heavy = (persons.weight_kg > 135).mean()
    said = {one.code: one for one in made.findings()}
    assert "population-outside-weight" in said
    assert f"{heavy:.1%} of the subjects lie outside the 13 to 135 kg" in said["population-outside-weight"].text
    assert "not patients" in said["population"].text


def test_a_body_without_a_lean_mass_is_drawn_again_where_the_model_needs_one():
    found, _ = people(ADULTS, 1, 0, 50_000)
    assert np.isnan(found.lean_mass_kg()).any()
    with_lean, _ = people(ADULTS, 1, 0, 50_000, with_lean_mass=True)
    assert not np.isnan(with_lean.lean_mass_kg()).any()


@pytest.mark.parametrize("key", ["weight_kg", "height_cm", "age_years", "sex", "dosing_weight_kg"])
def test_nobody_gives_by_hand_what_each_has(key):
    given: dict[str, Any] = {key: "male" if key == "sex" else 50.0}
    with pytest.raises(BadInput, match=rf"subject.{key}.*Each subject of a population has its own"):
        crowd("zhang2020", others=Subject(**given))


def test_a_covariate_that_no_population_has_is_asked_for():
    with pytest.raises(BadInput, match="secondary_deficiency"):
        list(crowd("tortorici2019"))


def test_a_model_without_variability_has_no_population():
    with pytest.raises(BadInput, match="Its variability between subjects is not known"):
        crowd("landersdorfer2013")


def test_an_unknown_population_is_named():
    with pytest.raises(UnknownName, match="Did you mean children-cdc"):
        KNOWLEDGE.population("children")
