"""Models without a closed form, and a user's own model, as somebody calls them."""

from __future__ import annotations

import hashlib
import json

import pytest

from ivigil.cli.app import run
from ivigil.cli.opening import open_model
from ivigil.errors import BadKnowledge, UnknownName
from ivigil.knowledge.checks import check
from ivigil.knowledge.loading import Knowledge

PROFILE = ["kinetics", "profile", "--model"]
BLOCKER = ["lledogarcia2022", "--regimen", "rozanolixizumab iv 7 mg/kg once", "--subject", '{"weight_kg": 75}']
MINE = """
id = "mine"
name = "One compartment of my own"
structure = "one_compartment"
citation = "own/thesis"
copying_steps = 0

[population]
disease = "primary immunodeficiency"
routes = ["iv"]

[parameters]
cl_l_per_d = { typical = 0.1, cv_percent = 30, src = "own/thesis", origin = "reported", read = "primary" }
vc_l = { typical = 4, src = "kinetics/zhang2020", origin = "reported", read = "secondary" }

[baseline]
kind = "fixed"
g_per_l = 4
src = "own/thesis"
origin = "reported"
read = "primary"

[sources.thesis]
title = "A thesis"
publisher = "A university"
kind = "trial"
region = "any"
"""


@pytest.fixture
def mine(tmp_path):
    def write(change: tuple[str, str] = ("", ""), name: str = "mine.toml") -> str:
        assert change[0] in MINE
        file = tmp_path / name
        file.write_text(MINE.replace(*change, 1) if change[0] else MINE, "utf-8")
        return str(file)

    return write


# ---- models without a closed form


def test_an_antagonist_as_json_keeps_the_shape_of_a_profile(capsys):
    assert run([*PROFILE, *BLOCKER, "--days", "70", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert list(made) == [
        "model", "parameters", "metrics", "times_d", "igg_g_per_l", "response", "findings", "unused",
    ]  # fmt: skip
    assert made["metrics"]["exogenous"] is None
    assert made["metrics"]["terminal_half_life_d"] is None
    assert made["response"]["unit"] == "mg/L"
    assert len(made["response"]["values"]) == len(made["times_d"]) == len(made["igg_g_per_l"])


def test_an_antagonist_on_the_terminal_shows_both_curves_and_the_nadir(capsys):
    assert run([*PROFILE, *BLOCKER, "--days", "70"]) == 0
    shown = capsys.readouterr().out
    assert "free rozanolixizumab" in shown
    assert "IgG falls to 5.08 g/L, 48.6% below 9.88 g/L, on day 6.1." in shown
    assert "FcRn 147 nmol/L" in " ".join(shown.split())


def test_turnover_is_asked_for_without_a_regimen(capsys):
    assert run([*PROFILE, "kim2007", "--subject", "{}", "--days", "90", "--baseline-igg-g-per-l", "25"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "plasma IgG lost for good a day" in shown
    assert "It is taken as the start of the curve" in shown


def test_ivigils_own_model_warns_on_the_screen(capsys):
    asked = ["ivigil_fcrn", "--regimen", "iv 0.4 g/kg every 28 d", "--subject", '{"weight_kg": 70}', "--steady-state"]
    assert run([*PROFILE, *asked]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "▲ warns model-assumed" in shown
    assert "no dose may rest on it" in shown


@pytest.mark.parametrize(
    ("arguments", "where", "rule"),
    [
        (["kim2007", "--regimen", "iv 30 g once", "--subject", "{}", "--days", "9"], "--regimen", "one plasma pool"),
        (["zhang2020", "--subject", "{}", "--days", "9"], "--regimen", "describes doses"),
        (["kim2007", "--subject", "{}", "--steady-state"], "--steady-state", "Without a dose"),
    ],
)
def test_what_a_structure_cannot_do_is_refused(capsys, arguments, where, rule):
    assert run([*PROFILE, *arguments, "--json"]) == 4
    told = json.loads(capsys.readouterr().err)["error"]
    assert told["where"] == where
    assert rule in told["rule"]


def test_a_population_under_an_antagonist(capsys):
    asked = ["simulate", "--model", *BLOCKER, "--subjects", "400", "--weeks", "4", "--seed", "7"]
    assert run([*asked, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["p50"][0] == pytest.approx(9.88, rel=0.05)
    assert made["p50"][7] / made["p50"][0] == pytest.approx(0.52, abs=0.03)
    assert made["findings"][-1]["code"] == "model-not-verified"
    assert run(asked) == 0
    assert "were not checked against its paper" in " ".join(capsys.readouterr().out.split())


def test_a_route_that_a_model_does_not_know_is_no_dose_of_nothing(capsys):
    asked = ["simulate", "--model", "lee2021", "--regimen", "sc 0.1 g/kg every 7 d", "--subject", '{"weight_kg": 25}']
    assert run([*asked, "--subjects", "5", "--weeks", "4", "--seed", "7", "--baseline-igg-g-per-l", "1"]) == 4
    assert "knows only: iv" in capsys.readouterr().err


# ---- a user's own model


def test_an_own_model_runs_and_is_named_with_its_hash(capsys, mine):
    file = mine()
    digest = hashlib.sha256(MINE.encode()).hexdigest()
    asked = ["--regimen", "iv 28 g every 28 d", "--subject", "{}"]
    assert run([*PROFILE, file, *asked, "--steady-state", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    # 28 g over 0.1 L/day.
    assert made["metrics"]["exogenous"]["auc"] == pytest.approx(280)
    assert made["model"] == "mine"
    found = [one for one in made["findings"] if one["code"] == "own-model"]
    assert [one["severity"] for one in found] == ["warns"]
    assert found[0]["text"] == (
        f"mine is not shipped with ivigil: it is your own model, read from mine.toml (sha256:{digest})."
    )
    assert run(["simulate", "--model", file, *asked, "--subjects", "9", "--weeks", "1", "--seed", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "own-model"


def test_a_shipped_model_is_nobodys_own():
    assert open_model(Knowledge(), "zhang2020").own is None


@pytest.mark.parametrize(
    ("change", "line", "rule", "remedy"),
    [
        (("typical = 0.1", "typical = -0.1"), 13, "greater than 0", "knowledge schema model"),
        (("typical = 0.1", "typical = inf"), 13, "finite number", "knowledge schema model"),
        (("typical = 0.1", 'typical = "0.1x"'), 13, "valid number", "knowledge schema model"),
        (("vc_l = {", "vd_l = {"), 14, "Extra inputs are not permitted", "knowledge schema model"),
        (("vc_l = {", "ka_per_d = {"), 4, "one_compartment also needs vc_l", "knowledge schema model"),
        (("kinetics/zhang2020", "own/other"), 14, "The source own/other has no record", "[sources.KEY]"),
        (('citation = "own/thesis"', 'citation = "own/x"'), 5, "The source own/x has no record", "[sources.KEY]"),
        (('read = "primary"\n\n[sources', 'read = "label"\n\n[sources'), 16, "It says read = label", "how it was read"),
        (('kind = "trial"', 'kind = "rumour"'), 26, "Input should be 'label'", "knowledge schema model"),
        (('title = "A thesis"', 'title = " "'), 24, "It is empty", "Write the title"),
        (('id = "mine"', 'id = "li2022"'), 2, "belongs to a model that ivigil ships", "another id"),
        (
            ("copying_steps = 0", "project = true\ncopying_steps = 0"),
            6,
            "one that ivigil made itself",
            "Take the line out",
        ),
        (('id = "mine"', 'id = "yours"'), 2, "The id is the file's name", "'mine'"),
    ],
)
def test_what_is_wrong_in_an_own_model_is_named_with_its_line(mine, change, line, rule, remedy):
    file = mine(change)
    with pytest.raises(BadKnowledge) as refused:
        open_model(Knowledge(), file)
    assert refused.value.where.startswith(f"{file}, line {line}: ")
    assert rule in refused.value.rule
    assert remedy in refused.value.remedy


def test_a_file_that_is_no_toml_or_is_not_there_is_refused(tmp_path, mine):
    with pytest.raises(BadKnowledge, match=r"A model is a TOML file in UTF-8.*line 2, column"):
        open_model(Knowledge(), mine(('id = "mine"', "id = ")))
    for name in (str(tmp_path / "none.toml"), str(tmp_path), "./zhang2020"):
        with pytest.raises(BadKnowledge, match="A model of your own is a file that can be read"):
            open_model(Knowledge(), name)
    (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(BadKnowledge, match="No model is this large"):
        open_model(Knowledge(), str(tmp_path / "large.toml"))
    with pytest.raises(UnknownName, match="No model has this id"):
        open_model(Knowledge(), "zhang")


def test_an_own_model_cannot_say_of_itself_that_it_is_shipped(mine):
    with pytest.raises(BadKnowledge, match="Extra inputs are not permitted"):
        open_model(Knowledge(), mine(('id = "mine"', 'id = "mine"\n_own = "no"')))


def test_the_schema_of_a_model_is_printed(capsys):
    assert run(["knowledge", "schema", "model"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"structure", "parameters", "antagonist", "turnover", "tissue"} <= set(schema["properties"])


def test_the_check_of_all_facts_looks_at_the_models_too():
    found = check(Knowledge())
    assert not [row for row in found if row.where.startswith(("models/", "sources/kinetics"))]
