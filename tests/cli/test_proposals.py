"""Proposals as somebody asks for them: the JSON, the terminal, and every reason for which there is none."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ivigil.cli.app import run
from ivigil.prescription.regimen_search import Advice
from tests.planning import opened

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "examples" / "kinetics" / "pid-adult.json"
PI = ["--indication", "primary-immunodeficiency"]
ASKED = [*PI, "--target-trough", "7", "--region", "US"]


@pytest.fixture
def forecast(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("IVIGIL_REGION", raising=False)

    def made(options: list[str], **changes: Any) -> dict[str, Any]:
        raw = json.loads(EXAMPLE.read_text("utf-8")) | {"conditions": [], "allergies": [], "medicines": []}
        raw = {key: value for key, value in (raw | changes).items() if value is not ...}
        file = tmp_path / "record.json"
        file.write_text(json.dumps(raw), "utf-8")
        code = run(["forecast", str(file), *options, "--json"])
        told = capsys.readouterr()
        return dict(json.loads(told.out if code == 0 else told.err)) | {"code": code}

    return made


def said(made: dict[str, Any], code: str) -> str:
    return " ".join(f"{one['text']} {one['remedy']}" for one in made["findings"] if one["code"] == code)


def codes(made: dict[str, Any]) -> set[str]:
    return {one["code"] for one in made["findings"]}


def test_a_proposal_is_a_labelled_regimen_in_whole_vials_with_its_probability(forecast):
    made = forecast(ASKED)
    assert made["asked"]["target_g_per_l"] == 7
    assert made["asked"]["products"] == ["privigen"]  # the one of the last dose
    assert made["proposals"]
    for one in made["proposals"]:
        assert one["product"] == "privigen"
        assert sum(vial["size_g"] * vial["count"] for vial in one["vials"]) == one["dose_g"]
        assert 0.2 * 70 <= one["dose_g"] <= 0.8 * 70
        assert one["g_per_kg"] == pytest.approx(one["dose_g"] / 70)
        assert one["grams_per_period"] == pytest.approx(one["dose_g"] * 28 / one["cycle_days"])
        trough = one["outcome"]["steady_trough"]
        assert trough["reaches"] >= made["asked"]["probability"] == 0.8
        assert trough["p5"] < trough["median"] < trough["p95"]
        assert "not checked against the primary papers. A clinician decides." in one["caution"]
        assert not re.search(r"\bbest\b|optimal", json.dumps(one), re.IGNORECASE)
    assert "`ivigil plan`" in made["proposals_notice"]
    assert "by policy" in said(made, "probability-by-policy")


def test_the_json_is_what_the_schema_says(forecast):
    made = forecast(ASKED)
    del made["code"]
    assert Advice.model_validate(made).proposals
    assert json.loads(Advice.model_validate(made).model_dump_json()) == made


def test_without_a_target_nothing_is_proposed_and_nothing_refused(forecast):
    made = forecast(PI)
    assert (made["proposals"], made["asked"], made["current"]) == ([], None, None)
    assert not any(code.startswith("no-proposal") for code in codes(made))


def test_a_target_by_name_is_that_number(forecast):
    named, number = forecast([*PI, "--target", "ontario-ideal", "--region", "US"]), forecast(ASKED)
    assert named["asked"]["target_name"] == "ontario-ideal"
    assert "Ontario" in named["asked"]["target_text"]
    assert named["proposals"] == number["proposals"]


STOPS = [
    ("conditions", "plasma_exchange_planned", "plasma-exchange", "takes IgG out of the blood between doses"),
    ("medicines", "fcrn_blocker", "fcrn-blocker", "clear all IgG faster"),
    ("medicines", "efgartigimod", "fcrn-blocker", "clear all IgG faster"),
    ("conditions", "paraproteinaemia", "paraprotein", "holds the paraprotein"),
    ("conditions", "nephrotic_syndrome", "protein-loss", "by a way that no model here counts"),
    ("conditions", "protein_losing_enteropathy", "protein-loss", "by a way that no model here counts"),
    ("conditions", "burns", "protein-loss", "by a way that no model here counts"),
    ("conditions", "chylothorax", "protein-loss", "by a way that no model here counts"),
]


@pytest.mark.parametrize(("list_", "word", "code", "why"), STOPS, ids=[word for _, word, _, _ in STOPS])
def test_what_no_model_counts_stops_every_proposal(forecast, list_, word, code, why):
    made = forecast(ASKED, **{list_: [word]})
    assert made["proposals"] == []
    told = said(made, f"no-proposal-{code}")
    assert told.startswith("No dose is proposed. Recorded: ")
    assert why in told
    assert made["curve"]["median"]  # the forecast itself stands


def test_a_word_in_a_free_text_stops_as_well(forecast):
    made = forecast(ASKED, conditions=[{"text": "PLEX twice last month"}])
    assert made["proposals"] == []
    assert "no-proposal-plasma-exchange" in codes(made)


def test_what_is_not_recorded_is_named_each_and_proposes_still(forecast):
    made = forecast(ASKED, conditions=..., medicines=...)
    named = {"plasma-exchange", "fcrn-blocker", "paraprotein", "protein-loss"}
    assert {code for code in codes(made) if code.startswith("not-recorded-")} == {
        f"not-recorded-{one}" for one in named
    }
    assert "Whether there is plasma exchange or immunoadsorption is not recorded" in said(
        made, "not-recorded-plasma-exchange"
    )
    assert made["proposals"]
    only = forecast(ASKED, medicines=...)
    assert {code for code in codes(only) if code.startswith("not-recorded-")} == {"not-recorded-fcrn-blocker"}


def changed_levels(*values: float) -> list[dict[str, Any]]:
    levels = copy.deepcopy(json.loads(EXAMPLE.read_text("utf-8"))["levels"])
    for level, value in zip(levels, values, strict=True):
        level["igg_g_per_l"] = value
    return levels


def test_levels_that_cannot_carry_a_dose_propose_none(forecast):
    made = forecast(ASKED, levels=[])
    assert made["proposals"] == []
    assert "what anybody of this size would have" in said(made, "no-proposal-no-levels")
    made = forecast(ASKED, levels=changed_levels(6.9, 19.5, 7.2))
    assert made["proposals"] == []
    assert "no model explains" in said(made, "no-proposal-unexplained")
    doses = json.loads(EXAMPLE.read_text("utf-8"))["doses"][:1]
    made = forecast(ASKED, doses=doses, levels=changed_levels(6.9, 7.4, 7.2)[:1])
    assert made["proposals"] == []
    assert "earlier treatment cannot be told" in said(made, "no-proposal-one-dose")


def test_a_level_in_the_region_of_mg_per_dl_is_asked_about(forecast):
    made = forecast(ASKED, levels=changed_levels(6.9, 7.4, 72.0))
    assert "Is it 72 mg/dL, that is 0.72 g/L?" in said(made, "level-unlikely")
    assert made["proposals"] == []
    refused = forecast(ASKED, levels=changed_levels(6.9, 7.4, 720))
    assert refused["code"] == 4
    assert "this looks like mg/dL" in refused["error"]["rule"]


FUNCTION = ["cidp", "mmn", "itp-adult", "dermatomyositis-adult", "kawasaki-disease"]


@pytest.mark.parametrize("condition", FUNCTION)
def test_outside_of_replacement_no_dose_follows_from_a_level(forecast, condition):
    own = ["--baseline-igg-g-per-l", "4"]
    made = forecast(["--indication", condition, "--target-trough", "7", "--region", "US", "--model", "zhang2020", *own])
    assert made["proposals"] == []
    assert made["to_subcutaneous"] is None
    assert "is treated to its effect (function, counts, signs), not to an IgG level" in said(
        made, "no-proposal-not-replacement"
    )
    assert not opened().indication(condition).replacement


def test_without_a_condition_a_region_or_a_product_none_is_proposed(forecast):
    assert "Give --indication." in said(forecast(["--target-trough", "7", "--region", "US"]), "no-proposal-indication")
    assert "Give --region US." in said(forecast([*PI, "--target-trough", "7"]), "no-proposal-region")
    doses = json.loads(EXAMPLE.read_text("utf-8"))["doses"]
    del doses[-1]["product"]
    assert "names no product" in said(forecast(ASKED, doses=doses), "no-proposal-product")


def test_myeloma_is_never_dosed_by_a_level(forecast):
    options = ["--indication", "secondary-immunodeficiency-myeloma", "--target-trough", "7", "--region", "US"]
    made = forecast([*options, "--model", "zhang2020"])
    assert made["proposals"] == []
    assert "holds the paraprotein" in said(made, "no-proposal-paraprotein")


def test_a_contraindication_that_is_recorded_stops_the_product(forecast):
    made = forecast(ASKED, conditions=["hyperprolinaemia"])
    assert made["proposals"] == []
    assert any("rolin" in one["text"] for one in made["findings"] if one["severity"] == "blocks")
    other = forecast([*ASKED, "--product", "gamunex_c"], conditions=["hyperprolinaemia"])
    assert other["proposals"]


def test_under_the_skin_is_searched_when_asked_for(forecast):
    made = forecast([*ASKED, "--product", "hizentra", "--price", "hizentra=100"])
    one = next(one for one in made["proposals"] if any("least cost" in reason for reason in one["reasons"]))
    assert one["route"] == "sc"
    assert one["cost_per_period"] == pytest.approx(one["grams_per_period"] * 100)
    assert one["outcome"]["first_dose"].startswith("2026-11-09")  # a week after the last infusion, by the label
    assert "Cuvitru prints 0.3 to 1.0 g/kg a month" in said(made, "range-by-policy")


@pytest.mark.parametrize(
    ("options", "where", "rule"),
    [
        ([*PI, "--target-trough", "700"], "--target-trough", "this looks like mg/dL"),
        ([*PI, "--target-trough", "0"], "--target-trough", "above zero"),
        ([*PI, "--target", "nothing"], "target", "No trough target has this name"),
        ([*PI, "--target", "eu", "--target-trough", "7"], "--target", "One level is aimed at"),
        ([*PI, "--probability", "0.9"], "--probability", "no target is named"),
        ([*PI, "--product", "privigen"], "--product", "no target is named"),
        ([*ASKED, "--probability", "80"], "--probability", "above 0 and below 1"),
        ([*ASKED, "--product", "nothing"], "product", "No product has this id"),
        ([*ASKED, "--price", "privigen"], "--price", "PRODUCT=PRICE"),
        ([*ASKED, "--price", "privigen=-3"], "--price", "above zero"),
        ([*ASKED, "--price", "hizentra=90"], "--price", "not searched"),
    ],
)
def test_what_cannot_be_asked_is_refused(forecast, options, where, rule):
    refused = forecast(options)
    assert refused["code"] in {2, 4}
    assert refused["error"]["where"] == where
    assert rule in refused["error"]["rule"]


def test_a_pharmacist_reads_it_at_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["forecast", str(EXAMPLE), *ASKED]) == 0
    told = capsys.readouterr().out
    lines = told.splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(told.split())
    assert "True trough of 7 g/L or more (given as a number), probability 80%" in text
    assert "now 30 g iv every 28 d" in text
    assert "label factor 1.37, Hizentra" in text
    assert "side by side, none chosen" in text
    assert "Proposals are no plans and no orders: a clinician decides" in text


def test_targets_are_listed_by_name(capsys):
    assert run(["kinetics", "targets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if line.startswith("ontario-ideal")).split("\t")[1:4] == [
        "7",
        "secondary",
        "primary-immunodeficiency",
    ]
    assert run(["kinetics", "targets", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["eu"]["at_least_g_per_l"] == 6
    assert rows["eu"]["read"] == "label_copy"


def test_the_users_own_model_forecasts_from_its_file(tmp_path, capsys):
    own = (ROOT / "src/ivigil/knowledge/data/models/zhang2020.toml").read_text("utf-8")
    file = tmp_path / "mine2026.toml"
    file.write_text(own.replace('id = "zhang2020"', 'id = "mine2026"'), "utf-8")
    assert run(["forecast", str(EXAMPLE), *ASKED, "--model", str(file), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in made["models"] if one["weight"]] == ["mine2026"]
    assert "mine2026 is not shipped with ivigil" in said(made, "own-model")
