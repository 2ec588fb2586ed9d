"""A site's protocol, whole or laid over: what it may not loosen, who signs it, and under which name it rules."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ivigil.cli.app import run
from ivigil.infusion.protocols import check_protocol
from ivigil.infusion.site_protocol import looser
from ivigil.knowledge.overlay import fact_hash
from ivigil.knowledge.protocol import Protocol
from tests.planning import opened

Change = Callable[[dict[str, Any]], object]
TEXT = (files("ivigil.knowledge") / "data" / "protocol" / "ivigil.toml").read_text("utf-8")
POLICY = {"src": "policy/ivigil", "origin": "policy", "read": "not_read", "note": "The site."}
SIGNED = 'by = ["A. Pharmacist", "B. Prescriber"]\non = 2026-11-20\nid = "ward-3"'


def read(*changes: Change) -> Protocol:
    raw = tomllib.loads(TEXT, parse_float=Decimal)
    for change in changes:
        change(raw)
    return check_protocol(raw, "ours.toml", opened().vocabulary.reactions, opened().source)


def at(path: str, **values: Any) -> Change:
    """Values at a place of the file."""

    def change(raw: dict[str, Any]) -> None:
        for key in path.split("."):
            raw = raw[key]
        raw.update(values)

    return change


def without(path: str, name: str) -> Change:
    def change(raw: Any) -> None:
        for key in path.split("."):
            raw = raw[key]
        if isinstance(raw, list):
            raw.remove(name)
        else:
            del raw[name]

    return change


def bands(*rows: dict[str, Any]) -> Change:
    return at("adrenaline.schemes.age_bands", bands=list(rows))


def found(*changes: Change) -> list[str]:
    return [one.where for one in looser(read(*changes), opened().protocol("ivigil"))]


def test_the_shipped_protocol_gives_way_nowhere():
    assert found() == []


LOOSENED: dict[str, tuple[Change, str]] = {
    "route by vein": (at("adrenaline.route", text="By vein, slowly."), "adrenaline.route"),
    "route under the skin": (at("adrenaline.route", text="Under the skin of the arm."), "adrenaline.route"),
    "standing": (at("adrenaline.position", text="Standing."), "adrenaline.position"),
    "another name": (at("adrenaline", name="water"), "adrenaline.name"),
    "its other names": (at("adrenaline", also=[]), "adrenaline.also"),
    "again after an hour": (at("adrenaline.repeat", min=60), "adrenaline.repeat"),
    "ten doses": (at("adrenaline.refractory_after_doses", count=10), "adrenaline.refractory_after_doses"),
    "a tenth": (at("adrenaline.schemes.weight", mg_per_kg=Decimal("0.001")), "adrenaline.schemes.weight"),
    "a low cap": (at("adrenaline.schemes.weight", cap_mg=Decimal("0.2")), "adrenaline.schemes.weight.cap_mg"),
    "a dose by policy": (at("adrenaline.schemes.weight", **POLICY), "adrenaline.schemes.weight"),
    "adult from 1": (at("adrenaline.adult_from_years", value=1), "adrenaline.adult_from_years"),
    "adult from 99": (at("adrenaline.adult_from_years", value=99), "adrenaline.adult_from_years"),
    # 0.15 mg is the most that was read for the first half year.
    "0.5 mg at birth": (bands({"from_years": 0, "mg": Decimal("0.5")}), "adrenaline.schemes.age_bands.bands"),
    "0.15 mg for all": (bands({"from_years": 0, "mg": Decimal("0.15")}), "adrenaline.schemes.age_bands.bands"),
    "no cap of a child": (without("adrenaline.child_caps_mg", "weight"), "adrenaline.child_caps_mg.weight"),
    "a cap of no scheme": (
        lambda raw: raw["adrenaline"]["child_caps_mg"].update(wieght=raw["adrenaline"]["child_caps_mg"]["weight"]),
        "adrenaline.child_caps_mg.wieght",
    ),
    "an adult's pen for a baby": (at("adrenaline.pens.child", mg=Decimal("0.3")), "adrenaline.pens.child"),
    "a child's pen for an adult": (at("adrenaline.pens.adult", mg=Decimal("0.15")), "adrenaline.pens.adult"),
    "a region in small letters": (
        at("adrenaline", scheme_of_region={"us": "weight", "UK": "age_bands"}),
        "adrenaline.scheme_of_region",
    ),
    "nobody at home": (without("call", "home"), "call"),
    "no number at home": (without("call.home.by_region", "US"), "call.home.by_region.US"),
    "no number elsewhere": (at("call.home", otherwise="nobody"), "call.home.otherwise"),
    "no criteria": (without("anaphylaxis", "wao_2020"), "anaphylaxis"),
    "moderate only slowed": (at("responses.moderate.flow", value="slow_or_pause"), "responses.moderate.flow"),
    "moderate after a minute": (at("responses.moderate.wait", min=1), "responses.moderate.wait"),
    "faster by policy": (at("responses.moderate.restart", value="last_borne"), "responses.moderate.restart"),
    "severe, the team": (at("responses.severe.tell", value="team"), "responses.severe.tell"),
    "severe as grade 1": (at("responses.severe", ctcae=1), "responses.severe.ctcae"),
    "resumed after a severe reaction": (
        at("responses.severe.steps.stop", text="Pause 30 minutes, then resume at half."),
        "responses.severe.steps.stop",
    ),
    "a new step that resumes": (
        lambda raw: raw["responses"]["severe"]["steps"].update(then=POLICY | {"text": "When well, continue slowly."}),
        "responses.severe.steps.then",
    ),
    "no adrenaline when dying": (
        without("responses.life_threatening.steps", "adrenaline"),
        "responses.life_threatening.steps",
    ),
    "an antihistamine when severe": (
        lambda raw: raw["responses"]["severe"]["medicines"]["items"].append("cetirizine"),
        "responses.severe.medicines",
    ),
    "an antihistamine may come first": (
        without("medicines.cetirizine", "never_first_in_anaphylaxis"),
        "medicines.cetirizine.never_first_in_anaphylaxis",
    ),
    "adrenaline as any medicine": (
        lambda raw: raw["medicines"].update(suprarenin=raw["medicines"]["oxygen"] | {"name": "adrenaline by vein"}),
        "medicines.suprarenin",
    ),
    "adrenaline by vein in a step": (
        at("responses.mild.steps.look", text="Vital signs. Give epinephrine IV if pale."),
        "responses.mild.steps.look.text",
    ),
    "another route": (at("medicines.cetirizine", route="by vein"), "medicines.cetirizine.route"),
    "no caution": (at("medicines.furosemide", caution=""), "medicines.furosemide.caution"),
    "an adult's dose for a child": (
        at("medicines.paracetamol", child=POLICY | {"mg": 1500, "origin": "reported", "read": "secondary"}),
        "medicines.paracetamol.child",
    ),
    "collapse as mild": (at("symptoms.collapse", least="mild", grade="mild"), "symptoms.collapse.least"),
    "no collapse": (without("symptoms", "collapse"), "symptoms"),
    "a wheeze that says nothing": (at("symptoms.breathless_or_wheeze", signs=[]), "symptoms.breathless_or_wheeze.signs"),
    "a lost line that goes on": (at("symptoms.site_swelling_or_pain", ends_access=False), "symptoms.site_swelling_or_pain.ends_access"),
    "pressure below 20": (at("triggers.systolic_low_adult", below=20), "triggers.systolic_low_adult.below"),
    "for nobody": (at("triggers.oxygen_low", from_years=90), "triggers.oxygen_low.from_years"),
    "only with hives": (at("triggers.oxygen_low", only_with=["skin"]), "triggers.oxygen_low.only_with"),
    "asked only": (without("triggers.oxygen_low", "grade"), "triggers.oxygen_low.grade"),
    "no limit of oxygen": (without("triggers", "oxygen_low"), "triggers"),
    "no weight": (without("checks.all.items", "weight"), "checks.all"),
    "no kit": (without("checks", "home"), "checks.home"),
    "nobody writes": (at("roles", items=[]), "roles"),
    "a carer writes what a prescriber said": (at("relays", items=["nurse", "carer"]), "relays"),
    "nobody writes what a prescriber said": (at("relays", items=[]), "relays"),
    "5 and 10 % alike": (at("concentration_tolerance", value=Decimal("0.49")), "concentration_tolerance"),
    "a child's weight": (at("weight_tolerance_child", value=Decimal("0.4")), "weight_tolerance_child"),
    "a pack for a year": (at("pack_valid_h", value=9999), "pack_valid_h"),
    "late by hours": (at("observing.grace", min=999), "observing.grace"),
    "pressure alone": (at("observing", set_of=["systolic_mmhg"]), "observing.set_of"),
    "1000 % oxygen": (at("possible", spo2_percent=[0, 1000]), "possible.spo2_percent"),
    "turned about": (at("possible", spo2_percent=[100, 20]), "possible.spo2_percent"),
    "haemolysis goes on": (without("never_restart_after.items", "haemolysis"), "never_restart_after"),
    "words that allow": (at("bars.no-restart-anaphylaxis", text="You may restart."), "bars.no-restart-anaphylaxis.text"),
    "a remedy for never": (at("bars.above-maximum", remedy="Ask."), "bars.above-maximum.remedy"),
    "turned writing": (at("medicines.oxygen", name="oxy\u202egen"), "medicines.oxygen.name"),
    "a page of words": (at("responses.mild.steps.look", text="x " * 300), "responses.mild.steps.look.text"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOSENED)
def test_what_a_site_may_not_loosen_is_named_by_its_place(name):
    change, where = LOOSENED[name]
    assert where in found(change)


@pytest.mark.parametrize(
    "change",
    [
        at("adrenaline.child_caps_mg.weight", value=Decimal("0.5")),
        at("adrenaline", scheme_of_region={"US": "age_bands", "UK": "weight"}),
        at("adrenaline.repeat", min=3),
        at("call.hospital", otherwise="the crash team by the red button"),
        at("call.home", otherwise="112", by_region={"US": "911", "UK": "999", "EU": "112", "CA": "911"}),
        at("responses.mild.wait", min=60),
        at("responses.mild.flow", value="stop"),
        at("responses.moderate.steps.check", text="Check who, what, how fast; keep the bag."),
        at("triggers.oxygen_low", at_most=94, text="Oxygen saturation 94 % or less."),
        at("symptoms.headache", least="moderate"),
        at("weight_tolerance_adult", value=Decimal("0.05")),
        at("pack_valid_h", value=12),
        at("medicines.diphenhydramine", route="by mouth"),
        at("bars.checks-missing", remedy="Confirm what is missing; the list hangs beside the door."),
        lambda raw: raw["medicines"].pop("furosemide") and raw["responses"]["severe"]["medicines"]["items"].pop(),
        # 0.01 mg/kg reaches 0.5 mg at 50 kg: from there the pen of 0.5 mg holds no more than the dose.
        lambda raw: raw["adrenaline"]["pens"].update(
            adult=raw["adrenaline"]["pens"]["adult"] | {"below_kg": 50},
            large=raw["adrenaline"]["pens"]["adult"] | {"from_kg": 50, "mg": Decimal("0.5")},
        ),
    ],
)
def test_what_a_site_chooses_or_tightens_holds(change):
    assert found(change) == []


def test_a_stronger_pen_from_too_low_a_weight_says_what_was_read_for_it():
    def change(raw: dict[str, Any]) -> None:
        pens = raw["adrenaline"]["pens"]
        pens["large"] = pens["adult"] | {"from_kg": 40, "mg": Decimal("0.5")}
        pens["adult"]["below_kg"] = 40

    (one,) = looser(read(change), opened().protocol("ivigil"))
    assert (one.where, one.value) == ("adrenaline.pens.large", "0.5 mg at 40 kg")
    assert one.rule == "What was read for 40 kg is 0.3 mg, and at most 0.40 mg."


@pytest.mark.parametrize(("mg", "wrong"), [("0.15", False), ("0.16", True)])
def test_a_band_gives_no_more_than_was_read_for_its_age(mg, wrong):
    # age_bands_uk_mg, under_6_months: 0.1-0.15.
    def change(raw: dict[str, Any]) -> None:
        raw["adrenaline"]["schemes"]["age_bands"]["bands"][0]["mg_max"] = Decimal(mg)

    told = ["No source read gives more than 0.15 mg at that age."] if wrong else []
    assert [one.rule for one in looser(read(change), opened().protocol("ivigil"))] == told


# ---- the command


def checked(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    (folder / "ours.toml").write_text(text, "utf-8")
    code = run(["infuse", "protocol", "check", str(folder / "ours.toml"), "--json"])
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["errors"]
    return code, rows


def of_our_own(text: str = TEXT) -> str:
    return text.replace('id = "ivigil"', SIGNED, 1).replace('name = "ivigil\'s protocol"', 'name = "Ward 3"')


def test_every_fault_is_told_at_once_with_its_value_and_remedy(tmp_path, capsys):
    text = (
        of_our_own()
        .replace("repeat = { min = 5,", "repeat = { min = 50,")
        .replace("mg_per_kg = 0.01", "mg_per_kg = 0.1")
    )
    code, rows = checked(tmp_path, text, capsys)
    assert code == 4
    assert [(row["where"], row["value"]) for row in rows] == [
        ("ours.toml: adrenaline.schemes.weight", "mg_per_kg 0.1, cap_mg 0.5"),
        ("ours.toml: adrenaline.repeat", "50"),
    ]
    assert [row["remedy"] for row in rows] == ["Correct it; a site chooses among what is published.", "At most 5."]
    assert run(["infuse", "protocol", "check", str(tmp_path / "ours.toml")]) == 4
    assert (
        "adrenaline.repeat: 50\n  The shipped protocol says 5; more is looser.\n  → At most 5."
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("find", "replace", "where"),
    [
        ('"A. Pharmacist", "B. Prescriber"', '"A. Pharmacist"', "by"),
        ('"A. Pharmacist", "B. Prescriber"', '"A. Pharmacist", "a pharmacist"', "by"),
        ('"A. Pharmacist", "B. Prescriber"', '"A. Pharmacist", "A. Ph\u0430rmacist"', "by"),
        ('["A. Pharmacist", "B. Prescriber"]', '"A. Pharmacist and B. Prescriber"', "by"),
        ("on = 2026-11-20", 'on = "2026-11-20"', "on"),
        ("on = 2026-11-20", "on = 2999-11-20", "on"),
        ("on = 2026-11-20\n", "", "on"),
        ('id = "ward-3"', 'id = "Ivigil "', "id"),
        ('name = "Ward 3"', 'name = "Ivigil\'s Protocol"', "name"),
    ],
)
def test_a_whole_protocol_is_signed_by_two_people_under_a_name_of_its_own(tmp_path, capsys, find, replace, where):
    text = of_our_own(TEXT.replace("wait = { min = 30,", "wait = { min = 45,"))
    assert checked(tmp_path, text, capsys) == (0, [])
    code, rows = checked(tmp_path, text.replace(find, replace, 1), capsys)
    assert (code, [row["where"] for row in rows]) == (4, [f"ours.toml: {where}"])
    assert all(row["rule"] and row["remedy"] for row in rows)


def test_a_file_without_an_end_is_not_read_to_its_end(capsys):
    assert run(["infuse", "protocol", "check", "/dev/zero", "--json"]) == 4
    (row,) = json.loads(capsys.readouterr().out)["errors"]
    assert row["rule"] == "No protocol is this large."


def overlaid(folder: Path, path: str, fact: str) -> None:
    """An overlay in which two people replace one line of the protocol."""
    shipped: Any = tomllib.loads(TEXT, parse_float=Decimal)
    for key in path.split("."):
        shipped = shipped[key]
    (folder / "protocol").mkdir(parents=True)
    (folder / "protocol" / "ivigil.toml").write_text(
        f'[[replace]]\npath = "{path}"\nbase = "{fact_hash(shipped)}"\nby = ["A. Pharmacist", "B. Prescriber"]\n'
        f'on = 2026-11-20\nlabel_revision = "10/2026"\nfact = {fact}\n',
        "utf-8",
    )


SLIP = '{ mg_per_kg = 0.1, cap_mg = 5, src = ["safety/ebmedicine"], origin = "reported", read = "secondary" }'
SOONER = '{ count = 1, src = ["safety/ukons_rcuk"], origin = "reported", read = "secondary" }'


def test_a_slip_in_an_overlay_is_refused_as_in_a_file(tmp_path, capsys, monkeypatch):
    overlaid(tmp_path / "facts", "adrenaline.schemes.weight", SLIP)
    monkeypatch.setitem(os.environ, "IVIGIL_KNOWLEDGE", str(tmp_path / "facts"))
    assert run(["knowledge", "check", "--json"]) == 4
    rows = [row for row in json.loads(capsys.readouterr().out)["rows"] if row["severity"] == "error"]
    assert [(row["where"], row["message"]) for row in rows] == [
        (
            "protocol/ivigil.toml: adrenaline.schemes.weight",
            "No source read gives more than 0.5 mg, or 0.01 mg/kg. It is mg_per_kg 0.1, cap_mg 5.",
        )
    ]
    assert run(["infuse", "simulate", "--sessions", "1", "--seed", "1"]) == 4
    assert "0.5 mg" in capsys.readouterr().err
    # A site's file is measured by what was read, not by what an overlay says was.
    (tmp_path / "ours.toml").write_text(of_our_own(TEXT.replace("mg_per_kg = 0.01", "mg_per_kg = 0.1")), "utf-8")
    assert run(["infuse", "protocol", "check", str(tmp_path / "ours.toml")]) == 4


PEN_TOO_LATE = (
    '{ mg = 0.15, from_kg = 2, below_kg = 30, src = "safety/ebmedicine", origin = "reported", read = "secondary" }'
)


def test_an_overlay_without_the_protocols_form_is_told_and_breaks_nothing(tmp_path, capsys, monkeypatch):
    overlaid(tmp_path / "facts", "adrenaline.pens.child", PEN_TOO_LATE)
    monkeypatch.setitem(os.environ, "IVIGIL_KNOWLEDGE", str(tmp_path / "facts"))
    assert run(["knowledge", "check", "--json"]) == 4
    rows = [row for row in json.loads(capsys.readouterr().out)["rows"] if row["severity"] == "error"]
    assert [row["where"] for row in rows] == ["protocol/ivigil.toml: adrenaline.pens"]


def test_an_overlay_that_tightens_the_protocol_rules(tmp_path, capsys, monkeypatch):
    overlaid(tmp_path / "facts", "adrenaline.refractory_after_doses", SOONER)
    monkeypatch.setitem(os.environ, "IVIGIL_KNOWLEDGE", str(tmp_path / "facts"))
    assert run(["knowledge", "check"]) == 0
    assert run(["infuse", "simulate", "--sessions", "1", "--seed", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["forbidden_permitted"] == 0
