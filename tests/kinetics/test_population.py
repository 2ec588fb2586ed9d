"""Populations: the generator against its authors' known answers, the kernels against the closed form, chunking."""

from __future__ import annotations

import numpy as np
import pytest

from ivigil.errors import BadInput, ImpossibleValue
from ivigil.kinetics import kernels
from ivigil.kinetics.individual import Parameters
from ivigil.kinetics.linear import concentrations, disposition
from ivigil.kinetics.population import Bounds, Drawn, draw, levels, middles, omega, percentiles, schedule
from ivigil.kinetics.randomness import normals, philox
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.loading import Knowledge

KNOWLEDGE = Knowledge()
ZHANG = KNOWLEDGE.kinetic_model("zhang2020")
ADULT = Subject(weight_kg=70, age_years=40)


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_its_authors_known_answers(counter, key, answer):
    """The table kat_vectors of Random123 for philox4x32 with 10 rounds."""
    assert tuple(int(word) for word in philox(*map(np.uint32, (*counter, *key)))) == answer


def test_normals_are_standard_normal_and_not_correlated():
    drawn = np.empty((20_000, 8))
    for subject in range(len(drawn)):
        normals(np.uint64(5), np.uint64(subject), 0, drawn[subject])
    error = 5 / np.sqrt(len(drawn))
    assert np.abs(drawn.mean(axis=0)).max() < error
    assert np.abs(np.cov(drawn.T) - np.eye(8)).max() < 2 * error
    assert np.mean(np.abs(drawn) < 1.959964) == pytest.approx(0.95, abs=0.003)


@pytest.mark.parametrize(
    "text",
    [
        "iv 0.4 g/kg every 21 d",
        "iv 0.4 g/kg every 21 d over 5 h",
        "sc 0.1 g/kg every 7 d over 36 h from day 1.3",
        "iv 2 g/kg in 5 daily doses from day 0, then iv 1 g/kg every 21 d over 60 h from day 20.5",
    ],
)
def test_the_kernels_are_the_closed_form(text):
    regimen = read_regimen(text)
    plan = schedule(regimen, 100)
    ((chunk, _),) = draw(ZHANG, ADULT, True, 40, 3)
    made = levels(chunk, plan)
    doses = regimen.doses(70.0, 100)
    just_before = np.nextafter(plan.days, -1)
    for row, own in enumerate(chunk.parameters):
        p = Parameters(*own)
        expected = concentrations(disposition(p), doses, just_before) + p.baseline_g_per_l
        assert made[row] == pytest.approx(expected, rel=3e-6)


def test_one_compartment_runs_too():
    model = KNOWLEDGE.kinetic_model("lee2021")
    plan = schedule(read_regimen("iv 0.4 g/kg every 28 d"), 60)
    ((chunk, _),) = draw(model, Subject(weight_kg=27), True, 5, 3, baseline_g_per_l=0.7)
    own = Parameters(*chunk.parameters[2])
    doses = read_regimen("iv 0.4 g/kg every 28 d").doses(27.0, 60)
    expected = concentrations(disposition(own), doses, np.nextafter(plan.days, -1)) + 0.7
    assert levels(chunk, plan)[2] == pytest.approx(expected, rel=3e-6)


def test_a_subject_is_the_same_in_any_chunk():
    whole = np.vstack([chunk.parameters for chunk, _ in draw(ZHANG, ADULT, True, 1000, 11)])
    parts = np.vstack([chunk.parameters for chunk, _ in draw(ZHANG, ADULT, True, 1000, 11, chunk=37)])
    assert (whole == parts).all()
    assert not (whole == np.vstack([c.parameters for c, _ in draw(ZHANG, ADULT, True, 1000, 12)])).all()


def test_percentiles_do_not_depend_on_chunks():
    plan = schedule(read_regimen("iv 0.4 g/kg every 21 d"), 84)
    one = percentiles(draw(ZHANG, ADULT, True, 5000, 11), plan)
    other = percentiles(draw(ZHANG, ADULT, True, 5000, 11, chunk=777), plan)
    for percent in one.levels:
        assert (one.levels[percent] == other.levels[percent]).all()
    assert one.mean == pytest.approx(other.mean, rel=1e-12)


def test_percentiles_are_right_within_the_bin_error_that_they_report():
    plan = schedule(read_regimen("iv 0.4 g/kg every 21 d"), 84)
    ((chunk, _),) = draw(ZHANG, ADULT, True, 20_000, 11)
    exact = np.percentile(levels(chunk, plan), (5, 50, 95), axis=0, method="inverted_cdf")
    made = percentiles(iter([(chunk, np.zeros(kernels.SLOTS, np.int64))]), plan, (5, 50, 95))
    for percent, row in zip((5, 50, 95), exact, strict=True):
        assert np.abs(made.levels[percent] / row - 1).max() <= made.bin_error * (1 + 1e-6)


def test_the_middle_of_a_bin_lies_in_it():
    bins = middles()
    assert bins[0] == pytest.approx(2.0**-7 * (1 + 0.5 / 256))
    assert (np.diff(bins) > 0).all()
    assert bins[-1] < 2.0**9


def test_variability_is_log_normal_with_the_printed_cv():
    # van der Zeeuw's numbers back-transform to ω² 2.000, 0.122, 0.321 and 0.619.
    assert omega(ZHANG)[[kernels.VP, kernels.CL, kernels.Q, kernels.VC]] ** 2 == pytest.approx(
        [2.000, 0.122, 0.321, 0.619], abs=0.0005
    )
    drawn = np.vstack([chunk.parameters for chunk, _ in draw(ZHANG, ADULT, True, 50_000, 4)])
    clearance = drawn[:, kernels.CL]
    assert np.median(clearance) == pytest.approx(0.138 * (70 / 66) ** 0.768, rel=0.01)
    assert clearance.std() / clearance.mean() == pytest.approx(0.3602, rel=0.02)


def test_an_elimination_rate_stays_the_same_for_everybody():
    model = KNOWLEDGE.kinetic_model("li2024b_mmn_pd")
    man = Subject(weight_kg=80, height_cm=180, age_years=50, sex="male")
    ((chunk, _),) = draw(model, man, True, 100, 4, baseline_g_per_l=10.0)
    assert chunk.parameters[:, kernels.CL] / chunk.parameters[:, kernels.VC] == pytest.approx(0.05832)
    assert chunk.parameters[:, kernels.VC].std() > 0


def test_what_is_impossible_is_counted_and_cut_only_if_asked():
    low, high = np.zeros(kernels.SLOTS), np.full(kernels.SLOTS, np.inf)
    high[kernels.F_SC] = 1.0
    ((free, outside),) = draw(ZHANG, ADULT, True, 5000, 4, Bounds(low, high))
    above = int((free.parameters[:, kernels.F_SC] > 1).sum())
    assert above > 0
    assert outside[kernels.F_SC] == above
    ((cut, counted),) = draw(ZHANG, ADULT, True, 5000, 4, Bounds(low, high, draw_again=True))
    assert counted[kernels.F_SC] == above
    assert (cut.parameters[:, kernels.F_SC] <= 1).all()
    same = free.parameters[:, kernels.F_SC] <= 1
    assert (cut.parameters[same] == free.parameters[same]).all()


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"model": "landersdorfer2013"}, BadInput, "variability between subjects is not known"),
        ({"subjects": 0}, ImpossibleValue, "at least one subject"),
        ({"seed": -1}, ImpossibleValue, "A seed is a whole number"),
        ({"subject": Subject(age_years=4)}, BadInput, "subject.weight_kg: None. The model zhang2020 needs it"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, kind, said):
    asked = {"model": "zhang2020", "subject": ADULT, "per_kg": True, "subjects": 5, "seed": 1} | change
    asked["model"] = KNOWLEDGE.kinetic_model(asked["model"])
    with pytest.raises(kind) as refused:
        next(draw(**asked))
    assert said in str(refused.value)


def test_grams_and_grams_per_kg_do_not_mix_in_a_population():
    with pytest.raises(BadInput, match="A population is dosed in one of them"):
        schedule(read_regimen("iv 30 g once, then iv 0.4 g/kg every 28 d from day 28"), 60)


def test_an_array_of_the_wrong_shape_is_refused():
    plan = schedule(read_regimen("iv 0.4 g/kg every 21 d"), 30)
    ((chunk, _),) = draw(ZHANG, ADULT, True, 3, 4)
    with pytest.raises(BadInput, match=r"must be float32 of shape \(3, 31\)"):
        levels(Drawn(0, chunk.parameters, chunk.scale), plan, np.empty((3, 30), np.float32))
