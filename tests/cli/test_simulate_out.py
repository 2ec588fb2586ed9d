"""Populations into a file, and frames: whole or not at all, and the same numbers as on the screen."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from ivigil.cli.app import run
from ivigil.errors import BadInput
from ivigil.kinetics import frames
from ivigil.kinetics.population import draw, levels, percentiles, schedule
from ivigil.kinetics.profile import profile
from ivigil.kinetics.regimens import read_regimen
from ivigil.kinetics.subjects import Subject
from ivigil.knowledge.loading import Knowledge

ZHANG = Knowledge().kinetic_model("zhang2020")
REGIMEN = "iv 0.4 g/kg every 21 d"
ASKED = [
    "simulate",
    "--model",
    "zhang2020",
    "--regimen",
    REGIMEN,
    "--subjects",
    "300",
    "--weeks",
    "6",
    "--seed",
    "7",
    "--json",
]
ONE_SIZE = ["--subject", '{"weight_kg": 70}']


def test_the_file_holds_every_subject_at_every_day(tmp_path, capsys):
    target = tmp_path / "levels.parquet"
    assert run([*ASKED, *ONE_SIZE, "--out", str(target)]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = pl.read_parquet(target)
    plan = schedule(read_regimen(REGIMEN), 42.0)
    ((chunk, _),) = draw(ZHANG, Subject(weight_kg=70), True, 300, 7)
    assert found.columns == ["subject", "day", "igg_g_per_l"]
    assert found["igg_g_per_l"].to_numpy().reshape(300, 43) == pytest.approx(levels(chunk, plan))
    assert found["subject"].to_list()[42:44] == [0, 1]
    # The percentiles are those of the same call without a file, and of the file.
    assert run([*ASKED, *ONE_SIZE]) == 0
    assert json.loads(capsys.readouterr().out) == printed
    median = found.group_by("day", maintain_order=True).agg(pl.col("igg_g_per_l").quantile(0.5, "lower"))
    assert median["igg_g_per_l"].to_numpy() == pytest.approx(np.array(printed["p50"]), rel=2 * printed["bin_error"])
    assert pl.read_parquet_metadata(target)["seed"] == "7"


def test_several_chunks_make_one_file(tmp_path, monkeypatch, capsys):
    whole, parts = tmp_path / "whole.parquet", tmp_path / "parts.parquet"
    assert run([*ASKED, *ONE_SIZE, "--out", str(whole)]) == 0
    monkeypatch.setattr(frames, "ROWS", 43 * 70)
    assert frames.chunk_of(schedule(read_regimen(REGIMEN), 42.0)) == 70
    assert run([*ASKED, *ONE_SIZE, "--out", str(parts)]) == 0
    assert pl.read_parquet(whole).equals(pl.read_parquet(parts))
    one, other = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert one["p50"] == other["p50"]


def test_a_population_brings_its_people_into_the_file(tmp_path, capsys):
    target = tmp_path / "levels.parquet"
    assert run([*ASKED, "--population", "us-adults", "--out", str(target)]) == 0
    found = pl.read_parquet(target)
    assert found.columns[3:] == ["sex", "age_years", "weight_kg", "height_cm"]
    assert set(found["sex"]) == {"female", "male"}
    assert found.group_by("subject").agg(pl.col("weight_kg").n_unique())["weight_kg"].max() == 1
    assert found["age_years"].is_between(20, 80).all()
    assert json.loads(capsys.readouterr().out)["population"] == "us-adults"


def test_a_file_that_is_there_is_kept_unless_told_otherwise(tmp_path, capsys):
    target = tmp_path / "levels.parquet"
    target.write_text("mine")
    assert run([*ASKED, *ONE_SIZE, "--out", str(target)]) == 4
    assert "There is such a file already" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert run([*ASKED, *ONE_SIZE, "--out", str(target), "--overwrite"]) == 0
    assert pl.read_parquet(target).height == 300 * 43


def test_nothing_is_left_of_a_simulation_that_fails(tmp_path, monkeypatch, capsys):
    target, calls = tmp_path / "levels.parquet", []

    def fails(chunk, plan):
        calls.append(chunk.first)
        if chunk.first:
            raise BadInput("--truncate", 3, "So many subjects met no bound.", "Widen the bounds.")
        return levels(chunk, plan)

    monkeypatch.setattr(frames, "levels", fails)
    monkeypatch.setattr(frames, "ROWS", 43 * 100)
    target.write_text("mine")
    assert run([*ASKED, *ONE_SIZE, "--out", str(target), "--overwrite"]) == 4
    assert json.loads(capsys.readouterr().err)["error"]["where"] == "--truncate"
    assert calls == [0, 100]
    assert [path.name for path in tmp_path.iterdir()] == ["levels.parquet"]
    assert target.read_text() == "mine"


def test_a_folder_that_does_not_exist_is_said_before_anything_is_simulated(tmp_path, capsys):
    assert run([*ASKED, *ONE_SIZE, "--out", str(tmp_path / "none" / "levels.parquet")]) == 4
    assert "its folder does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "It is not said who is simulated"),
        (["--population", "us-adult"], 4, "Did you mean us-adults"),
        (
            ["--population", "us-adults", "--subject", '{"weight_kg": 70}'],
            4,
            "Each subject of a population has its own",
        ),
    ],
)
def test_who_is_simulated_is_said_once(capsys, arguments, code, said):
    assert run([*ASKED, *arguments]) == code
    assert said in capsys.readouterr().err


def test_the_files_memory_does_not_grow_with_the_subjects():
    """A frame never has more than its rows, however long the simulation."""
    for weeks in (1, 52, 520):
        plan = schedule(read_regimen(REGIMEN), weeks * 7.0)
        assert frames.chunk_of(plan) * plan.outputs <= frames.ROWS


def test_a_profile_and_percentiles_become_frames():
    made = profile(ZHANG, read_regimen(REGIMEN), Subject(weight_kg=70), days=42.0)
    frame = made.to_frame()
    assert frame.columns == ["day", "igg_g_per_l"]
    assert frame["igg_g_per_l"].to_list() == list(made.igg_g_per_l)
    plan = schedule(read_regimen(REGIMEN), 42.0)
    found = frames.percentile_frame(percentiles(draw(ZHANG, Subject(weight_kg=70), True, 50, 1), plan))
    assert found.columns == ["day", "mean", "p5", "p25", "p50", "p75", "p95"]
    assert found.height == 43


def test_the_response_is_in_the_frame_where_the_model_has_one():
    grip = Knowledge().kinetic_model("li2024b_mmn_pd")
    subject = Subject(weight_kg=80, height_cm=180, age_years=50, sex="male")
    made = profile(grip, read_regimen("iv 1 g/kg every 28 d"), subject, days=28.0, baseline_g_per_l=10.0)
    assert made.to_frame().columns == ["day", "igg_g_per_l", "response"]


def test_the_help_names_every_population(capsys):
    run(["simulate", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(name in shown for name in Knowledge().population_ids)
