"""What a hostile or careless overlay tried, and how it is refused: every row here once made a plan, a crash or a hang."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ivigil.cli.app import run
from ivigil.cli.opening import formulary_of, open_knowledge
from ivigil.errors import BadKnowledge
from ivigil.knowledge.checks import Weight, check
from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.overlay import fact_hash, person, read_replacements, value_at
from ivigil.knowledge.products import Fluids
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.request import Request
from ivigil.prescription.subcutaneous import Start, plan_start
from ivigil.sources import Origin, Read
from tests.planning import START, WELL, formulary, opened, patient, plan, record

SOURCE = '[our]\ntitle = "Our label"\npublisher = "Site"\nkind = "label"\nregion = "US"\nrevision = "10/2026"\n'
READ = 'src = "site/our", origin = "reported", read = "label"'
OURS = 'origin = "policy", read = "not_read", note = "Our ward."'
TWO = '["A. Pharmacist", "B. Prescriber"]'
CIDP = "labels.US.uses.CIDP.rates.10"
LOADING = "labels.US.uses.CIDP.regimens.loading"


@dataclass(frozen=True)
class Site:
    """An overlay folder that the command line uses, and what the command line then says."""

    folder: Path
    say: Callable[[], tuple[str, str]]

    def lay(self, file: str, path: str, fact: str, *, by: str = TWO, on: str = "2024-11-01") -> None:
        kind, _, name = file.partition("/")
        base = fact_hash(value_at(opened().raw(kind, name), path))
        self.write(
            f"{file}.toml",
            f'[[replace]]\npath = {path!r}\nbase = "{base}"\nby = {by}\non = {on}\n'
            f'label_revision = "10/2026"\nfact = {fact}\n',
        )

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, "utf-8")

    def plan(self) -> tuple[int, dict[str, Any]]:
        """Exit code of ``ivigil plan`` and the error, or the plan."""
        patient = self.folder.parent / "patient.json"
        patient.write_text(json.dumps(WELL), "utf-8")
        words = ["plan", str(patient), "--indication", "cidp", "--region", "US", "--phase", "loading", "--json"]
        code = run([*words, "--product", "privigen", "--start", "2026-11-23T09:00:00-05:00"])
        out, err = self.say()
        return code, json.loads(err if code == 4 else out)

    def refused(self) -> dict[str, str]:
        """The error with which ``ivigil plan`` leaves."""
        code, said = self.plan()
        assert code == 4, said
        error: dict[str, str] = said["error"]
        assert error["remedy"].endswith("`ivigil knowledge check` lists every error.")
        return error


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    folder = tmp_path / "overlay"
    folder.mkdir()
    monkeypatch.setenv("IVIGIL_KNOWLEDGE", str(folder))

    def say() -> tuple[str, str]:
        told = capsys.readouterr()
        return told.out, told.err

    made = Site(folder, say)
    made.write("sources/site.toml", SOURCE)
    return made


# ---- numbers

NUMBERS: list[tuple[str, str, str, str, str]] = [
    ("policy/rate", "at_risk_fraction", f"{{ value = 1.5, {OURS} }}", "at_risk_fraction.value", "less than 1"),
    ("policy/rate", "at_risk_fraction", f"{{ value = 1, {OURS} }}", "at_risk_fraction.value", "less than 1"),
    ("policy/rate", "at_risk_fraction", f"{{ value = 0, {OURS} }}", "at_risk_fraction.value", "greater than 0"),
    ("policy/rate", "below_margin_fraction", f"{{ value = 1, {OURS} }}", "below_margin_fraction", "less than 1"),
    ("policy/rate", "first_hold_min", f"{{ value = -5, {OURS} }}", "first_hold_min.value", "or equal to 1"),
    ("policy/rate", "first_hold_min", f"{{ value = 0, {OURS} }}", "first_hold_min.value", "or equal to 1"),
    ("policy/rate", "first_hold_min", f"{{ value = 30.5, {OURS} }}", "first_hold_min.value", "multiple of 1"),
    ("policy/rate", "first_hold_min", f"{{ value = true, {OURS} }}", "first_hold_min", "value = True is no number"),
    ("policy/rate", "first_hold_min", f'{{ value = "30", {OURS} }}', "first_hold_min", "value = '30' is no number"),
    ("policy/rate", "first_hold_min", f"{{ value = nan, {OURS} }}", "first_hold_min.value", "finite"),
    (
        "policy/rate",
        "first_hold_min",
        f"{{ value = 10, {OURS} }}",
        "experienced_hold_min",
        "15 is above first_hold_min (10)",
    ),
    ("policy/rate", "step_factor", f"{{ value = 1, {OURS} }}", "step_factor.value", "equal to 1.1"),
    ("policy/rate", "step_factor", f"{{ value = 1.0000001, {OURS} }}", "step_factor.value", "equal to 1.1"),
    ("policy/rate", "step_factor", f"{{ value = inf, {OURS} }}", "step_factor.value", "finite"),
    ("policy/rate", "long_gap_days", f"{{ value = 1e999999, {OURS} }}", "value", "number of this size"),
    ("policy/rate", "long_gap_days", f"{{ value = 1{'0' * 4000}, {OURS} }}", "value", "number of this size"),
    (
        "policy/rate",
        "experienced_after_infusions",
        f"{{ value = 0, {OURS} }}",
        "experienced_after_infusions",
        "equal to 1",
    ),
    ("policy/dose", "plan_valid_days", f"{{ value = 1e8, {OURS} }}", "plan_valid_days.value", "equal to 366"),
    ("policy/dose", "tolerance_fraction", f"{{ value = 0.9, {OURS} }}", "tolerance_fraction.value", "equal to 0.5"),
    ("policy/dose", "rounding", f'{{ value = "up", {OURS} }}', "rounding.value", "'nearest' or 'down'"),
    ("policy/dose", "proposed_g_per_kg.cidp", f"{{ value = 20, {OURS} }}", "proposed_g_per_kg", "0.05 to 3 g/kg"),
    ("policy/weight", "obese_basis", f'{{ value = "foo", {OURS} }}', "obese_basis.value", "'actual', 'ideal'"),
    ("policy/monitoring", "after_max_every_min_first", f"{{ value = 0, {OURS} }}", "first.value", "or equal to 1"),
    ("products/privigen", f"{CIDP}.start_hold", f"{{ min = -30, {READ} }}", "start_hold.min", "or equal to 1"),
    ("products/privigen", f"{CIDP}.start_hold", f"{{ min = true, {READ} }}", "start_hold", "min = True is no number"),
    ("products/privigen", f"{CIDP}.max", f"{{ mg_per_kg_min = 800, {READ} }}", "10.max", "480 mL/kg/h lies outside"),
    ("products/privigen", f"{CIDP}.max", f"{{ mg_per_kg_min = 1e999999, {READ} }}", "mg_per_kg_min", "of this size"),
    (
        "products/privigen",
        f"{CIDP}.max",
        f"{{ mg_per_kg_min = 0.{'1' * 40}, {READ} }}",
        "mg_per_kg_min",
        "so many digits",
    ),
    ("products/privigen", f"{CIDP}.start", f"{{ mg_per_kg_min = 9, {READ} }}", "10.start", "5.4 mL/kg/h lies outside"),
    (
        "products/privigen",
        f"{CIDP}.max",
        f"{{ mg_per_kg_min = 0.4, {READ} }}",
        "10.start",
        "(0.3 mL/kg/h) is above the maximum",
    ),
    (
        "products/privigen",
        f"{CIDP}.increment",
        f"{{ add_mg_per_kg_min = 0.000001, every_min = 15, {READ} }}",
        "10.increment",
        "do not lead from the start to the maximum",
    ),
    (
        "products/privigen",
        LOADING,
        f'{{ phase = "loading", text = "50 g/kg.", g_per_kg_min = 50, g_per_kg_max = 50, days_max = 5, {READ} }}',
        f"{LOADING}.g_per_kg_max",
        "50 g/kg lies outside 0.05 to 3 g/kg",
    ),
    (
        "products/privigen",
        LOADING,
        f'{{ phase = "loading", text = "x", g_per_kg_min = 2, g_per_kg_max = 1, {READ} }}',
        LOADING,
        "g_per_kg_min 2 is above g_per_kg_max 1",
    ),
    ("products/privigen", "concentrations.10", f"{{ g_per_ml = 0.2, {READ} }}", "concentrations.10", "which is 20.0 %"),
    ("products/privigen", "concentrations.50", f"{{ g_per_ml = 0.5, {READ} }}", "concentrations.50", "0.03 to 0.25"),
    ("products/privigen", "vials", f"{{ sizes_g = [5, 4000], {READ} }}", "vials", "4000 g lies outside"),
    ("products/privigen", "labels.US.uses.PI.min_age", f"{{ years = -3, {READ} }}", "min_age.years", "or equal to 0"),
    ("products/privigen", "labels.US.uses.PI.min_age", f"{{ years = 300, {READ} }}", "min_age", "0 to 125 years"),
    ("policy/rate", "step_factor", f"{{ value = 6, {OURS} }}", "step_factor", "6 lies outside 1.1 to 3"),
    ("policy/rate", "at_risk_fraction", f"{{ value = 0.9999, {OURS} }}", "at_risk_fraction", "outside 0.1 to 0.9"),
    ("policy/rate", "experienced_hold_min", f"{{ value = 1, {OURS} }}", "experienced_hold_min", "outside 5 to 240"),
    ("policy/weight", "obese_from_bmi", f"{{ value = 3, {OURS} }}", "obese_from_bmi", "3 lies outside 12 to 50"),
    ("policy/weight", "adult_from_years", f"{{ value = 1, {OURS} }}", "adult_from_years", "1 lies outside 12 to 21"),
    ("policy/monitoring", "after_max_every_min_experienced", f"{{ value = 600, {OURS} }}", "experienced", "600 lies"),
    ("products/privigen", f"{CIDP}.start_hold", f"{{ min = 1, {READ} }}", "start_hold", "1 minutes lies outside 5"),
    ("products/privigen", f"{CIDP}.start", f"{{ mg_per_kg_min = 5, {READ} }}", "10.start", "3 mL/kg/h lies outside"),
    (
        "products/hizentra",
        "labels.US.subcutaneous.uses.PI.conversion.factor",
        f"{{ factor = 13.7, {READ} }}",
        "conversion.factor",
        "13.7 times the dose lies outside",
    ),
]


@pytest.mark.parametrize(("file", "path", "fact", "where", "rule"), NUMBERS)
def test_a_number_that_cannot_be_makes_no_plan(site: Site, file: str, path: str, fact: str, where: str, rule: str):
    site.lay(file, path, fact)

    said = site.refused()

    assert said["where"].startswith(f"{file}.toml: ")
    assert where in said["where"]
    assert rule in said["rule"]


def test_the_policys_fraction_never_reaches_the_ordinary_maximum():
    with pytest.raises(ValueError, match="less than 1"):
        type(opened().policies.rate.at_risk_fraction)(
            value=Decimal(1), origin=Origin.POLICY, read=Read.NOT_READ, note="x"
        )


def test_a_sound_overlay_still_makes_a_plan(site: Site):
    site.lay("products/privigen", f"{CIDP}.max", f"{{ mg_per_kg_min = 6, {READ} }}")

    code, made = site.plan()

    assert (code, made["status"]) == (0, "planned")
    assert max(Decimal(str(step["rate_ml_per_kg_h"])) for step in made["infusions"][0]["steps"]) == Decimal("3.6")


def test_any_error_of_the_check_stops_the_edge_and_not_only_those_of_the_types(site: Site):
    # The record is well formed; only the check knows that nobody has such a source.
    site.lay("products/privigen", f"{CIDP}.max", f"{{ mg_per_kg_min = 6, {READ.replace('site/our', 'site/oar')} }}")

    assert "The source site/oar has no record." in site.refused()["rule"]
    assert run(["knowledge", "check", "--json"]) == 4
    assert "The source site/oar has no record." in site.say()[0]
    with pytest.raises(BadKnowledge, match="Facts with an error make no plan"):
        open_knowledge()


def test_every_command_that_decides_opens_checked_facts_and_those_that_show_do_not(site: Site):
    site.lay("products/privigen", f"{CIDP}.start", f"{{ mg_per_kg_min = 9, {READ} }}")
    patient = site.folder.parent / "p.json"
    patient.write_text(json.dumps(WELL), "utf-8")

    assert run(["assess", str(patient), "--indication", "cidp", "--region", "US"]) == 4
    assert run(["ask", "cidp"]) == 4
    assert run(["knowledge", "show", "products/privigen"]) == 0


def test_without_an_overlay_nothing_is_checked_at_the_edge(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("IVIGIL_KNOWLEDGE", raising=False)
    monkeypatch.setattr("ivigil.knowledge.checks.check", lambda *_: pytest.fail("the shipped facts were checked"))

    assert open_knowledge().overlay_fingerprint is None


# ---- units


def test_a_rate_does_not_change_its_unit_unseen(site: Site):
    # 8 mg/kg/min of a 10 % product are 4.8 mL/kg/h; 8 mL/kg/h are possible, and wrong.
    site.lay("products/privigen", f"{CIDP}.max", f"{{ ml_per_kg_h = 8, {READ} }}")

    said = site.refused()

    assert "given in mg_per_kg_min and ml_per_kg_min" in said["rule"]
    assert "in that unit too" in said["remedy"]


def test_both_units_are_held_together(site: Site):
    site.lay("products/privigen", f"{CIDP}.max", f"{{ mg_per_kg_min = 8, ml_per_kg_h = 8, {READ} }}")

    assert "The printed units disagree: 4.8 mL/kg/h and 8 mL/kg/h" in site.refused()["rule"]


@pytest.mark.parametrize(
    ("path", "fact"),
    [("creatinine.units", '{ "umol/L" = 1 }'), ("creatinine", '{ name = "creatinine", unit = "umol/L" }')],
)
def test_a_laboratory_unit_keeps_its_meaning(site: Site, path: str, fact: str):
    site.lay("vocabulary/labs", path, fact)

    assert "rules and records count on it" in site.refused()["rule"]


# ---- what is taken away


@pytest.mark.parametrize(
    ("file", "path", "fact", "key"),
    [
        ("products/privigen", "contraindications", "{}", "severe-reaction"),
        ("products/privigen", "excipients", "{}", "proline"),
        ("screening/kidney", "rules", "{}", ""),
        ("policy/first_lines", "statements", "{}", "stop_and_tell"),
        ("vocabulary/reactions", "anaphylaxis", '{ name = "anaphylaxis" }', "severe"),
    ],
)
def test_a_restriction_is_not_lifted_by_silence(site: Site, file: str, path: str, fact: str, key: str):
    site.lay(file, path, fact)

    said = site.refused()

    assert "leaves out what the shipped fact restricts by" in said["rule"]
    assert key in said["rule"]


def test_a_table_without_its_maximum_is_refused(site: Site):
    start = f"{{ mg_per_kg_min = 0.5, {READ} }}"
    site.lay("products/privigen", CIDP, f"{{ start = {start} }}")

    assert site.refused()["where"] == f"products/privigen.toml: {CIDP}.max"


def test_an_emptied_first_aid_line_is_refused(site: Site):
    site.lay("policy/first_lines", "statements.adrenaline_first", f'{{ text = " ", {OURS} }}')

    assert "it is empty" in site.refused()["rule"]


# ---- who signed

SAME = [
    ("A. Pharmacist", "a pharmacist"),
    ("A. Pharmacist", "A.Pharmacist"),
    ("Ann-Marie Lee", "Ann Marie Lee"),
    ("A. Pharmacist", "\uff21. \uff30harmacist"),
    ("José Díaz", "Jose Diaz"),
    ("Straße", "STRASSE"),
    ("A. Pharmacist", "..."),
]
UNSEEN = ["A.\u200b Pharmacist", "A. Pharmacist\u202e", "A.\tPharmacist", "A. Pharmacist\u3164", "\ufeffA. Pharmacist"]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_person_in_two_spellings_is_one_person(one: str, other: str):
    with pytest.raises(BadKnowledge, match="needs 2 different people"):
        read_replacements(signed([one, other]), "products/privigen.toml")


@pytest.mark.parametrize("name", UNSEEN)
def test_a_name_with_what_nobody_sees_is_refused_and_shown(name: str):
    with pytest.raises(BadKnowledge, match=r"U\+[0-9A-F]{4}, which is not seen") as refused:
        read_replacements(signed(["A. Pharmacist", name]), "products/privigen.toml")

    assert str(refused.value.value).isascii()


def test_a_name_in_two_alphabets_is_refused():
    with pytest.raises(BadKnowledge, match="one alphabet"):
        read_replacements(signed(["A. Pharmacist", "А. Pharmacist"]), "products/privigen.toml")  # noqa: RUF001


@pytest.mark.parametrize("name", ["Ørsted", "Nguyễn Văn A", "Οδυσσέας", "山田 太郎", "O'Brien", "Łukasz"])
def test_names_of_every_language_are_people(name: str):
    assert person(name)


def signed(by: list[str], path: str = f"{CIDP}.max", fact: dict[str, Any] | None = None) -> dict[str, Any]:
    rate = {"mg_per_kg_min": 6, "src": "site/our", "origin": "reported", "read": "label"}
    row = {"path": path, "base": "absent", "by": by, "on": date(2024, 11, 1), "label_revision": "1"}
    return {"replace": [{**row, "fact": rate if fact is None else fact}]}


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("vocabulary/conditions.toml", "renal_insufficiency"),
        ("vocabulary/allergies.toml", "corn"),
        ("vocabulary/medicines.toml", "nsaid"),
        ("vocabulary/reactions.toml", "anaphylaxis"),
        ("products/privigen.toml", "administration.filter"),
        ("leaflet/leaflet.toml", "emergency.US"),
    ],
)
def test_words_and_instructions_need_two_people(file: str, path: str):
    fact = {"text": "x", "src": "site/our", "origin": "reported", "read": "label"}
    with pytest.raises(BadKnowledge, match="needs 2 different people"):
        read_replacements(signed(["A. Pharmacist"], path, fact), file)


def test_nobody_signs_on_a_day_to_come(site: Site):
    later = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
    site.lay("products/privigen", f"{CIDP}.max", f"{{ mg_per_kg_min = 6, {READ} }}", on=later)

    assert f"It was signed on {later}" in site.refused()["rule"]


# ---- instructions that permit


@pytest.mark.parametrize("path", ["administration.dilution", "administration.flush"])
def test_an_instruction_nobody_read_permits_no_fluid(site: Site, path: str):
    site.lay(
        "products/privigen",
        path,
        '{ permitted = true, allowed = ["0.9% sodium chloride"], origin = "assumed", read = "not_read", note = "x" }',
    )

    assert "A fact that permits was printed" in site.refused()["rule"]


def test_what_forbids_holds_though_nobody_read_it(site: Site):
    site.lay(
        "products/privigen",
        "administration.dilution",
        '{ permitted = false, forbidden = ["0.9% sodium chloride"], origin = "assumed", read = "not_read", note = "House rule." }',
    )

    code, made = site.plan()

    said = {row["topic"]: row["text"] for row in made["administration"]["preparation"]}
    assert code == 0
    assert said["Dilution"].startswith("Do not. Never 0.9% sodium chloride. (Not verified")


def test_a_fluid_fact_that_nobody_read_cannot_permit():
    with pytest.raises(ValueError, match="permits no fluid"):
        Fluids(permitted=True, origin=Origin.ASSUMED, read=Read.NOT_READ, note="x")
    with pytest.raises(ValueError, match="contradict each other"):
        Fluids(permitted=False, allowed=("5% dextrose",), origin=Origin.REPORTED, read=Read.LABEL, src=("site/our",))


def test_no_shipped_product_permits_a_fluid_that_nobody_read(knowledge: Knowledge):
    fluids = [
        (product.id, one)
        for product in knowledge.products
        for one in (product.administration.dilution, product.administration.flush)
        if one is not None and one.permits
    ]

    assert len(fluids) > 5
    assert [name for name, one in fluids if one.read.value == "not_read"] == []


# ---- files


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("products/privigen.json", "Only TOML files are read."),
        ("products/privigen.toml.bak", "Only TOML files are read."),
        ("products/privigen", "Only TOML files are read."),
        ("README.md", "mirrors the folders"),
        ("product/privigen.toml", "mirrors the folders"),
        ("products/old/privigen.toml", "mirrors the folders"),
    ],
)
def test_a_file_that_nobody_would_read_is_refused_by_its_name(site: Site, name: str, rule: str):
    site.write(name, "{}")

    with pytest.raises(BadKnowledge) as refused:
        Knowledge(site.folder)

    assert refused.value.where == name
    assert rule in refused.value.rule
    assert site.plan()[0] == 4


def test_an_empty_folder_of_no_kind_is_refused(site: Site):
    (site.folder / "product").mkdir()

    with pytest.raises(BadKnowledge, match="product: None"):
        Knowledge(site.folder)


def test_folders_without_end_are_bad_input(site: Site):
    # Walked to the end, a thousand of them were a fault of ours; the third is not looked into.
    (site.folder / "products" / "a" / "b" / "c" / "d").mkdir(parents=True)

    with pytest.raises(BadKnowledge, match="products/a/b: None"):
        Knowledge(site.folder)


def test_the_folders_own_version_control_is_no_fact(site: Site):
    site.write(".git/config", "[core]")

    assert Knowledge(site.folder).all_waiting() == {}


@pytest.mark.parametrize("whole_folder", [True, False])
def test_a_link_is_refused(site: Site, whole_folder: bool):
    elsewhere = site.folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "privigen.toml").write_text("", "utf-8")
    if whole_folder:
        (site.folder / "products").symlink_to(elsewhere)
    else:
        (site.folder / "products").mkdir()
        (site.folder / "products" / "privigen.toml").symlink_to(elsewhere / "privigen.toml")

    with pytest.raises(BadKnowledge, match="files, no links"):
        Knowledge(site.folder)


def test_a_pipe_does_not_hold_the_planner(site: Site):
    (site.folder / "products").mkdir()
    os.mkfifo(site.folder / "products" / "privigen.toml")

    with pytest.raises(BadKnowledge, match="Only TOML files"):
        Knowledge(site.folder)


def test_a_file_of_200_mb_is_refused_unread(site: Site):
    site.write("products/privigen.toml", "")
    with (site.folder / "products" / "privigen.toml").open("wb") as file:
        file.truncate(200_000_000)

    with pytest.raises(BadKnowledge, match="200000000 bytes"):
        Knowledge(site.folder)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        "a = 1" + "0" * 5000,
        "[[replace]]\npath = '" + ".".join("a" * 3000) + "'\n",
        "[[replace]]\n" + ".".join(["fact"] * 900) + " = 1\n",
        "replace = [{}]\nreplace = [{}]\n",
        "[[replace]]\npath = 'vials'\npath = 'vials'\n",
    ],
    ids=["arrays", "digits", "path", "tables", "twice", "key twice"],
)
def test_a_malicious_text_is_bad_input_and_no_fault_of_ours(site: Site, text: str):
    site.write("products/privigen.toml", text)

    assert site.plan()[0] == 4


# ---- a rule or a word put where nobody looks


def test_a_rule_under_a_misspelt_key_is_not_passed_over(site: Site):
    rule = (
        f'{{ when = {{ kind = "takes", any = "nsaid" }}, severity = "blocks", text = "No.", remedy = "No.", {OURS} }}'
    )
    site.lay("screening/kidney", "rule.nsaid", rule)

    assert site.refused()["where"] == "screening/kidney.toml: rule"


def test_a_rule_of_another_file_is_not_replaced_by_its_code(site: Site):
    code = next(iter(opened().raw("screening", "kidney")["rules"]))
    rule = (
        f'{{ when = {{ kind = "takes", any = "nsaid" }}, severity = "informs", text = "No.", remedy = "No.", {OURS} }}'
    )
    site.lay("screening/other", f"rules.{code}", rule)

    assert "stands in screening/kidney.toml too" in site.refused()["rule"]


# ---- HyQvia


def test_an_allergy_to_hyaluronidase_finds_the_product_that_holds_it(knowledge: Knowledge):
    held = [product.id for product in knowledge.products if "hyaluronidase" in (product.excipients or {})]

    assert held == ["hyqvia"]
    raw = record(allergies=["hyaluronidase"])
    asked = Start(Request(patient=patient(raw), region="US", start=START, product="hyqvia"), start_given=True)
    rows = {one.product: one.reasons for one in plan_start(asked, formulary("primary-immunodeficiency")).candidates}
    said = next(one for one in rows["hyqvia"] if one.code == "excipient-allergy")
    assert said.severity == "blocks"


def test_the_shipped_facts_keep_all_these_rules(knowledge: Knowledge):
    assert [row for row in check(knowledge, date(2026, 11, 21)) if row.severity is Weight.ERROR] == []
    assert plan(record(), "cidp", facts=formulary_of(knowledge, "cidp"), phase=Phase.LOADING).status == "planned"
