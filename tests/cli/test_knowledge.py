"""``ivigil knowledge``: what it lists, shows, finds and checks, at a terminal, in a pipe and as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ivigil.cli.app import run
from ivigil.cli.opening import formulary_of
from ivigil.documents import knowledge_tables as tables
from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.overlay import fact_hash, value_at
from ivigil.prescription.dose import phases_of
from tests.planning import plan, reasons, record

Ask = Callable[..., Any]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """The JSON that a command prints, its exit code checked."""

    def call(*arguments: str, code: int = 0) -> Any:
        assert run(["knowledge", *arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Ask:
    """The records that a command prints into a pipe."""

    def call(*arguments: str, code: int = 0) -> list[list[str]]:
        assert run(["knowledge", *arguments]) == code
        return [line.split("\t") for line in capsys.readouterr().out.splitlines()]

    return call


# ---- list


def test_the_list_of_products_and_the_planner_agree(ask: Ask, knowledge: Knowledge):
    """A use that is listed as deliverable is planned for an adult about whom nothing speaks against it, and no other."""
    rows = [
        row
        for row in ask("list", "products", "--region", "US")["products"]
        if row["indication"] and row["route"] == "iv"  # a start under the skin is a plan of its own
    ]
    assert {row["deliverable"] for row in rows} == {True, False}
    for row in rows:
        facts = formulary_of(knowledge, row["indication"])
        use = knowledge.product(row["product"]).labels["US"].uses[row["use"]]
        phase = next(iter(phases_of(use.regimens)), None)

        made = plan(
            record(age_years=20),
            row["indication"],
            facts=facts,
            product=row["product"],
            phase=phase or next(iter(phases_of(facts.indication.regimens)), None),
        )

        unread = {code for code in reasons(made, row["product"]) if code.endswith("-not-read")}
        unread |= {finding.code for finding in made.findings if finding.code.endswith("-not-read")}
        assert bool(unread) is not row["deliverable"], (row, unread)


def test_a_use_for_adults_only_is_refused_to_a_child_and_the_others_are_not(ask: Ask, knowledge: Knowledge):
    rows = [row for row in ask("list", "products", "--region", "US")["products"] if row["deliverable"]]
    for row in rows:
        if row["route"] == "sc":
            continue  # started by a plan of its own; tests/knowledge/test_deliverable_agrees_with_plans.py
        use = knowledge.product(row["product"]).labels["US"].uses[row["use"]]
        made = plan(
            record(age_years=17, weight_kg=60),
            row["indication"],
            facts=formulary_of(knowledge, row["indication"]),
            product=row["product"],
            phase=next(iter(phases_of(use.regimens))),
        )

        ages = {"age-not-read", "age-below-label"}
        refused = bool(ages & (reasons(made, row["product"]) | {finding.code for finding in made.findings}))
        assert refused is row["adults_only"], row


def test_the_total_counts_the_rows(ask: Ask):
    listed = ask("list", "products", "--region", "US")
    labelled = [row for row in listed["products"] if row["indication"]]

    assert listed["total"]["labelled_uses"] == len(labelled)
    assert listed["total"]["deliverable"] == sum(row["deliverable"] for row in labelled) > 20
    assert listed["total"]["products"] == 25


def test_what_is_missing_is_named(ask: Ask):
    rows = ask("list", "products", "--region", "US")["products"]
    gaps = {row["product"]: {said["code"] for said in row["missing"]} for row in rows}

    assert {"start-rate-not-read", "max-rate-not-read"} <= gaps["gammagard_sd"]
    assert gaps["hizentra"] == set()
    assert gaps["gamunex_c_sc"] == {"factor-not-read", "interval-not-read", "site-volume-not-read"}


def test_another_region_has_no_label_yet(ask: Ask):
    listed = ask("list", "products", "--region", "eu")

    assert listed["total"]["deliverable"] == 0
    assert {said["code"] for row in listed["products"] for said in row["missing"]} == {"no-label-for-region"}


def test_conditions_say_which_products_can_be_planned(ask: Ask):
    rows = {row["id"]: row for row in ask("list", "indications", "--region", "US")["indications"]}

    assert "privigen" in rows["cidp"]["product_ids"]
    assert rows["cidp"]["products"] == len(rows["cidp"]["product_ids"])
    assert rows["asthma"]["products"] == 0


def test_sources_are_listed_whole(ask: Ask, knowledge: Knowledge):
    assert [row["id"] for row in ask("list", "sources")["sources"]] == list(knowledge.source_ids)


@pytest.mark.parametrize("what", ["products", "indications", "sources"])
def test_in_a_pipe_a_record_is_a_line(lines: Ask, what: str):
    rows = lines("list", what)

    assert len({len(row) for row in rows}) == 1
    assert len(rows) > 20


def test_a_policy_that_waits_leaves_nothing_deliverable(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "rate.toml").write_text(
        '[[replace]]\npath = "step_factor"\nbase = "absent"\nby = ["A", "B"]\non = 2026-11-20\nlabel_revision = "1"\n'
        'fact = { value = 1.5, origin = "policy", read = "not_read", note = "Our ward." }\n',
        "utf-8",
    )
    monkeypatch.setenv("IVIGIL_KNOWLEDGE", str(tmp_path))

    assert ask("list", "products", "--region", "US")["total"]["deliverable"] == 0


# ---- show


def test_each_number_stands_with_unit_source_reading_place_and_note(ask: Ask):
    rows = {row["path"]: row for row in ask("show", "products/privigen")["rows"]}
    most, strength = rows["labels.US.uses.PI.rates.10.max"], rows["concentrations.10"]

    assert most["shown"] == "8 mg/kg/min = 0.08 mL/kg/min"
    assert (most["read"], most["sources"][0]["title"]) == ("manufacturer", "Privigen dosing and infusion rates")
    assert (strength["shown"], strength["place"]) == ("0.1 g/mL (10 %)", "title")
    assert "base" not in most


def test_hashes_are_those_an_overlay_writes(ask: Ask, knowledge: Knowledge):
    rows = {row["path"]: row for row in ask("show", "products/privigen", "--hashes")["rows"]}
    raw = knowledge.raw("products", "privigen")

    facts = {path: row["base"] for path, row in rows.items() if row["base"]}
    assert facts == {path: fact_hash(value_at(raw, path)) for path in facts}
    assert len(facts) > 30


def test_a_hash_is_of_the_shipped_fact_also_under_an_overlay(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = "labels.US.uses.CIDP.rates.10.max"
    base = fact_hash(value_at(Knowledge().raw("products", "privigen"), path))
    (tmp_path / "products").mkdir()
    (tmp_path / "products" / "privigen.toml").write_text(
        f'[[replace]]\npath = "{path}"\nbase = "{base}"\nby = ["A", "B"]\non = 2026-11-20\nlabel_revision = "1"\n'
        'fact = { mg_per_kg_min = 6, src = "privigen/L1", origin = "reported", read = "label" }\n',
        "utf-8",
    )
    monkeypatch.setenv("IVIGIL_KNOWLEDGE", str(tmp_path))

    row = {row["path"]: row for row in ask("show", "products/privigen", "--hashes")["rows"]}[path]

    assert (row["shown"], row["base"], row["by"]) == ("6 mg/kg/min", base, ["A", "B", "2026-11-20"])


@pytest.mark.parametrize(
    "name",
    [
        "products/octagam_10",
        "products/hizentra",
        "indications/cidp",
        "sources/privigen",
        "sources/privigen/L1",
        "screening/kidney",
        "screening/renal-impairment",
        "policy/rate",
        "policy/plausibility",
        "policy/premedication",
        "vocabulary/conditions",
        "vocabulary/labs",
        "vocabulary/labs/iga",
    ],
)
def test_every_kind_of_record_is_shown(ask: Ask, lines: Ask, name: str):
    rows = ask("show", name)["rows"]

    assert rows
    assert all(row["shown"] for row in rows)
    assert len(lines("show", name)) == len(rows)


def test_every_shipped_record_is_shown(knowledge: Knowledge, ask: Ask):
    for kind in ("products", "indications", "screening", "policy", "vocabulary", "sources"):
        for name in knowledge.file_names(kind):
            assert ask("show", f"{kind}/{name}")["rows"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("policy/rate", {"first_hold_min": "30 min", "step_factor": "2", "long_gap_days": "56 days"}),
        ("policy/dose", {"part_vial_below_g": "5 g", "proposed_g_per_kg.primary-immunodeficiency": "0.4 g/kg"}),
        ("policy/monitoring", {"after_max_every_min_first": "30 min"}),
        ("policy/weight", {"adult_from_years": "18 years", "obese_from_bmi": "30 kg/m²"}),
        ("products/privigen", {"iga_mcg_per_ml": "25 mcg/mL (at most)", "osmolality_mosm_per_kg": "320 mOsm/kg"}),
        ("products/privigen", {"ph": "4.8", "vials": "5, 10, 20, 40 g", "labels.US.uses.CIDP.min_age": "18 years"}),
    ],
)
def test_units_stand_beside_numbers(ask: Ask, name: str, shown: dict[str, str]):
    rows = {row["path"]: row["shown"] for row in ask("show", name)["rows"]}

    assert {path: rows[path] for path in shown} == shown


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("products/privigenn", "privigen"),
        ("indications/cipd", "cidp"),
        ("policy/rates", "rate"),
        ("screening/renal", "renal-impairment"),
        ("sources/privigen/L99", "Add it under data/sources"),
        ("drugs/privigen", "Kinds: products"),
    ],
)
def test_an_unknown_name_is_refused_with_the_way_out(capsys: pytest.CaptureFixture[str], name: str, remedy: str):
    assert run(["knowledge", "show", name, "--json"]) == 4
    assert remedy in json.loads(capsys.readouterr().err)["error"]["remedy"]


# ---- search


@pytest.mark.parametrize(
    ("text", "first", "why"),
    [
        ("privigen", "products/privigen", "id"),
        ("PRIVIGN", "products/privigen", "nearly"),
        ("gamagard", "products/gammagard_liquid", "nearly"),
        ("CIDP", "indications/cidp", "id"),
        ("G61.81", "indications/cidp", "code G61.81"),
        ("kawasaki", "indications/kawasaki-disease", "begins"),
        ("guillain barré syndrome", "indications/guillain-barre-syndrome", ""),
        ("guillan bare", "indications/guillain-barre-syndrome", "nearly"),
        ("imune thrombocitopenia", "indications/itp-adult", "nearly"),
        ("hemolytic anemia", "vocabulary/reactions/haemolysis", "synonym"),
        ("gentamicin", "vocabulary/medicines/aminoglycoside", "synonym"),
        ("creatinine-raised", "screening/creatinine-raised", "code"),
    ],
)
def test_search_puts_the_record_first_and_says_why(ask: Ask, text: str, first: str, why: str):
    found = ask("search", text)["found"]

    assert f"{found[0]['kind']}/{found[0]['id']}" == first
    assert why in found[0]["why"]


def test_a_code_is_met_exactly_because_the_next_is_another_disease(ask: Ask):
    assert [row["id"] for row in ask("search", "G61.81")["found"]] == ["cidp"]


def test_nothing_like_it_is_an_empty_answer(ask: Ask, lines: Ask):
    assert ask("search", "zzqqxx")["found"] == []
    assert lines("search", "zzqqxx") == []


def test_a_search_for_nothing_is_refused(capsys: pytest.CaptureFixture[str]):
    assert run(["knowledge", "search", " "]) == 2


# ---- check and schema


def test_the_check_of_the_shipped_facts_succeeds(ask: Ask, lines: Ask):
    found = ask("check")

    assert found["count"]["error"] == 0
    assert sum(found["count"].values()) == len(found["rows"]) == len(lines("check"))


def test_the_check_of_an_overlay_that_cites_nothing_known_fails(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "products").mkdir()
    (tmp_path / "products" / "privigen.toml").write_text(
        '[[replace]]\npath = "administration.venting"\nbase = "absent"\nby = ["A", "B"]\non = 2026-11-20\n'
        'label_revision = "1"\nfact = { text = "x.", src = "site/no", origin = "reported", read = "label" }\n',
        "utf-8",
    )
    monkeypatch.setenv("IVIGIL_KNOWLEDGE", str(tmp_path))

    assert ask("check", code=4)["count"]["error"] == 1


@pytest.mark.parametrize("of", ["product", "indication", "rule", "policy", "plan", "patient"])
def test_a_schema_is_json_and_part_of_all(capsys: pytest.CaptureFixture[str], of: str):
    assert run(["knowledge", "schema", of]) == 0
    one = json.loads(capsys.readouterr().out)
    assert run(["knowledge", "schema", "all"]) == 0

    assert one["type"] == "object"
    assert json.loads(capsys.readouterr().out)[of] == one


# ---- at a terminal


def drawn(width: int, render: Callable[[Console], None]) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False, legacy_windows=False)
    render(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_tables_keep_to_the_width(ask: Ask, width: int):
    products = ask("list", "products", "--region", "US")["products"]
    shown = ask("show", "products/octagam_10", "--hashes")
    found = ask("search", "kidney")["found"]
    pictures = [
        drawn(width, lambda console: tables.render_products(products, console)),
        drawn(width, lambda console: tables.render_indications(ask("list", "indications")["indications"], console)),
        drawn(width, lambda console: tables.render_sources(ask("list", "sources")["sources"], console)),
        drawn(width, lambda console: tables.render_record(shown, console, hashes=True)),
        drawn(width, lambda console: tables.render_search(found, "kidney", console)),
        drawn(width, lambda console: tables.render_checks(ask("check")["rows"], "0 errors.", console)),
    ]

    assert max(len(line) for picture in pictures for line in picture) <= width


def test_the_table_of_products_says_yes_no_and_why(ask: Ask):
    rows = ask("list", "products", "--region", "US")["products"]
    text = "\n".join(line.rstrip() for line in drawn(100, lambda console: tables.render_products(rows, console)))

    assert "✓ yes" in text
    assert "▲ yes  copy: " in text
    assert "✗ no   not read: vials, start rate, max rate" in text
    assert "labelled uses can be planned" in text
    assert "Given under the skin: " in text
