"""A site's own facts: applied when signed and bound, waiting when the fact under them changed, refused when malformed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from ivigil.cli.opening import formulary_of
from ivigil.errors import BadKnowledge
from ivigil.knowledge.checks import check
from ivigil.knowledge.checks.rows import Weight
from ivigil.knowledge.loading import SHIPPED, Knowledge
from ivigil.knowledge.overlay import fact_hash, split_path, value_at
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.deliverable import deliverability
from tests.planning import plan, reasons, record

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "overlay.md"
TWO = ("A. Pharmacist", "B. Prescriber")
MAX = "labels.US.uses.CIDP.rates.10.max"
SOURCE = '[label]\ntitle = "Our label"\npublisher = "P"\nkind = "label"\nregion = "US"\nrevision = "10/2026"\n'
READ = 'src = "site/label", place = "2.3", origin = "reported", read = "label"'
SLOWER = f"{{ mg_per_kg_min = 6, ml_per_kg_min = 0.06, {READ} }}"
BOUND = "bound"
CHANGED = "sha256:" + 64 * "0"

Lay = Callable[..., Knowledge]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """An overlay of files, opened; the sources file is always there."""

    def opened(files: dict[str, str] | None = None, shipped: Path = SHIPPED) -> Knowledge:
        folder = tmp_path / "overlay"
        for name, text in {"sources/site.toml": SOURCE, **(files or {})}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        return Knowledge(folder, shipped)

    return opened


def base(file: str, path: str) -> str:
    kind, _, name = file.removesuffix(".toml").partition("/")
    return fact_hash(value_at(Knowledge().raw(kind, name), path))


def row(
    path: str = MAX,
    fact: str = SLOWER,
    by: tuple[str, ...] = TWO,
    base_: str = BOUND,
    file: str = "products/privigen.toml",
    more: str = "",
) -> str:
    bound = base(file, path) if base_ == BOUND else base_
    people = ", ".join(f'"{name}"' for name in by)
    return (
        f"[[replace]]\npath = '{path}'\nbase = \"{bound}\"\nby = [{people}]\non = 2026-11-20\n"
        f'label_revision = "10/2026"\nfact = {fact}\n{more}\n'
    )


def privigen(*rows: str) -> dict[str, str]:
    return {"products/privigen.toml": "\n".join(rows)}


# ---- applied


def test_a_signed_fact_is_applied(lay: Lay):
    most = lay(privigen(row())).product("privigen").labels["US"].uses["CIDP"].rates["10"].max

    assert (most.mg_per_kg_min, most.by) == (Decimal(6), (*TWO, "2026-11-20"))


def test_a_signed_fact_permits_without_a_warning_and_sets_the_plan(lay: Lay):
    slow = lay(privigen(row()))

    made = plan(record(), "cidp", facts=formulary_of(slow, "cidp"), product="privigen", phase=Phase.LOADING)

    assert max(step.rate_ml_per_kg_h for step in made.infusions[0].steps) <= Decimal("3.6")
    assert made.made_with.overlay == slow.overlay_fingerprint


def test_the_shipped_file_stays_as_it_was(lay: Lay):
    lay(privigen(row())).product("privigen")

    assert Knowledge().product("privigen").labels["US"].uses["CIDP"].rates["10"].max.mg_per_kg_min == 8


def test_an_added_source_is_cited(lay: Lay):
    knowledge = lay(privigen(row()))

    assert knowledge.source("site/label").revision == "10/2026"
    assert not [one for one in check(knowledge) if one.severity is Weight.ERROR]


def test_an_absent_fact_is_added(lay: Lay):
    age = row("labels.US.uses.PI.min_age", f"{{ years = 3, {READ} }}")

    added = lay(privigen(age)).product("privigen").labels["US"].uses["PI"].min_age

    assert added is not None
    assert added.years == 3


def test_a_policy_is_replaced(lay: Lay):
    fact = '{ value = 1.5, origin = "policy", read = "not_read", note = "Our ward." }'
    text = row("step_factor", fact, file="policy/rate.toml")

    assert lay({"policy/rate.toml": text}).policies.rate.step_factor.value == Decimal("1.5")


def test_every_change_of_the_overlay_changes_its_fingerprint(lay: Lay):
    prints = [
        Knowledge().overlay_fingerprint,
        lay().overlay_fingerprint,
        lay(privigen(row())).overlay_fingerprint,
        lay(privigen(row(by=("A. Pharmacist", "C. Other")))).overlay_fingerprint,
    ]

    assert prints[0] is None
    assert len(set(prints)) == 4
    assert lay(privigen(row())).fingerprint == Knowledge().fingerprint


# ---- another region


def _eu_label() -> str:
    read = 'src = "eu/label", origin = "reported", read = "label"'
    rates = f"start = {{ ml_per_kg_h = 0.3, {read} }}, max = {{ ml_per_kg_h = 4.8, {read} }}"
    dose = f'{{ phase = "loading", text = "2 g/kg.", g_per_kg_min = 2, g_per_kg_max = 2, days_min = 2, days_max = 5, {read} }}'
    use = (
        f'{{ indications = ["cidp"], indication = {{ text = "CIDP.", {read} }}, '
        f"regimens = {{ loading = {dose} }}, rates = {{ 10 = {{ {rates} }} }} }}"
    )
    return f'{{ region = "EU", revision = "2025", uses = {{ CIDP = {use} }} }}'


def _eu_files(*rows: str) -> dict[str, str]:
    source = '[label]\ntitle = "EU"\npublisher = "P"\nkind = "label"\nregion = "EU"\nrevision = "2025"\n'
    return {"sources/eu.toml": source, **privigen(*rows)}


def _eu_rows() -> tuple[str, str, str]:
    read = 'src = "eu/label", origin = "reported", read = "label"'
    return (
        row("labels.EU", _eu_label()),
        row("concentrations.10", f"{{ g_per_ml = 0.1, {read} }}"),
        row("vials", f"{{ sizes_g = [2.5, 5, 10, 20, 40], {read} }}"),
    )


def _eu(knowledge: Knowledge) -> list[tuple[str, bool, tuple[str, ...]]]:
    rows = deliverability(knowledge.product("privigen"), "EU", knowledge.source, Decimal(18))
    return [(one.indication, one.deliverable, tuple(said.code for said in one.missing)) for one in rows]


def test_a_label_of_another_region_makes_it_deliverable_there(lay: Lay):
    assert _eu(Knowledge()) == [("", False, ("no-label-for-region",))]

    knowledge = lay(_eu_files(*_eu_rows()))

    assert _eu(knowledge) == [("cidp", True, ())]
    made = plan(
        record(), "cidp", facts=formulary_of(knowledge, "cidp"), product="privigen", region="EU", phase=Phase.LOADING
    )
    assert made.status == "planned"


def test_what_was_read_on_the_us_label_does_not_permit_elsewhere(lay: Lay):
    assert _eu(lay(_eu_files(_eu_rows()[0]))) == [("cidp", False, ("concentration-not-read", "vials-not-read"))]


# ---- waiting


@pytest.mark.parametrize("other", [CHANGED, "absent"])
def test_a_fact_whose_base_changed_waits_and_is_not_applied(lay: Lay, other: str):
    knowledge = lay(privigen(row(base_=other)))

    assert knowledge.product("privigen").labels["US"].uses["CIDP"].rates["10"].max.mg_per_kg_min == 8
    assert knowledge.all_waiting() == {"products/privigen": (MAX,)}


def test_no_plan_is_made_with_a_product_of_which_a_fact_waits(lay: Lay):
    facts = formulary_of(lay(privigen(row(base_=CHANGED))), "cidp")

    made = plan(record(), "cidp", facts=facts, product="privigen", phase=Phase.LOADING)

    assert made.status == "blocked"
    assert "overlay-waiting" in reasons(made, "privigen")
    assert plan(record(), "cidp", facts=facts, product="gamunex_c", phase=Phase.LOADING).status == "planned"


def test_a_policy_that_waits_stops_every_plan(lay: Lay):
    fact = '{ value = 1.5, origin = "policy", read = "not_read", note = "Our ward." }'
    text = row("step_factor", fact, base_=CHANGED)

    made = plan(record(), "cidp", facts=formulary_of(lay({"policy/rate.toml": text}), "cidp"), phase=Phase.LOADING)

    assert made.status == "blocked"
    assert "overlay-waiting" in {finding.code for finding in made.findings}


def test_a_shipped_update_under_a_fact_makes_it_wait(lay: Lay, tmp_path: Path):
    data = tmp_path / "data"
    shutil.copytree(SHIPPED, data)
    file = data / "products" / "privigen.toml"
    file.write_text(file.read_text("utf-8").replace("mg_per_kg_min = 8, ml_per_kg_min = 0.08", "mg_per_kg_min = 7"))

    assert lay(privigen(row()), shipped=data).all_waiting() == {"products/privigen": (MAX,)}


def test_what_waits_is_listed_by_the_checks_and_not_deliverable(lay: Lay):
    knowledge = lay(privigen(row(base_=CHANGED)))

    waits = [one for one in check(knowledge) if "waits" in one.message]
    rows = deliverability(
        knowledge.product("privigen"), "US", knowledge.source, Decimal(18), knowledge.all_waiting()["products/privigen"]
    )

    assert [(one.where, one.severity) for one in waits] == [(f"products/privigen.toml: {MAX}", Weight.WARNING)]
    assert not any(one.deliverable for one in rows)


# ---- signatures

ONE_IS_TOO_FEW = [
    ("products/privigen.toml", MAX, SLOWER),
    ("products/privigen.toml", "labels.US.uses.CIDP.regimens.loading", f"{{ g_per_kg_max = 2, {READ} }}"),
    ("products/privigen.toml", "labels.US.uses.PI.min_age", f"{{ years = 3, {READ} }}"),
    ("products/privigen.toml", "labels.US.at_risk.cap", SLOWER),
    ("products/privigen.toml", "concentrations.10", f"{{ g_per_ml = 0.1, {READ} }}"),
    ("products/privigen.toml", "vials", f"{{ sizes_g = [5], {READ} }}"),
    ("products/privigen.toml", "labels.EU", _eu_label()),
    ("products/privigen.toml", "labels", f"{{ EU = {_eu_label()} }}"),
    ("products/hizentra.toml", "labels.US.subcutaneous.uses.PI.conversion.factor", f"{{ factor = 1.5, {READ} }}"),
    ("indications/cidp.toml", "regimens.eu_loading", f"{{ g_per_kg_max = 2, {READ} }}"),
    ("policy/setting.toml", "first_setting", f'{{ value = "home", {READ} }}'),
]


@pytest.mark.parametrize(("file", "path", "fact"), ONE_IS_TOO_FEW, ids=lambda value: value[:40])
@pytest.mark.parametrize(
    "by", [("A. Pharmacist",), ("A. Pharmacist", "a.  pharmacist "), ("A. Pharmacist", " "), ()], ids=str
)
def test_what_doses_needs_two_different_people(lay: Lay, file: str, path: str, fact: str, by: tuple[str, ...]):
    knowledge = lay({file: row(path, fact, by=by, file=file)})

    with pytest.raises(BadKnowledge, match="2 different people"):
        knowledge.all_waiting()


def test_what_neither_doses_nor_screens_may_be_signed_by_one(lay: Lay):
    storage = row("storage", f'{{ text = "Up to 25 degrees.", {READ} }}', by=("A. Nurse",))

    stated = lay(privigen(storage)).product("privigen").storage

    assert stated is not None
    assert stated.text == "Up to 25 degrees."


def test_nobody_is_too_few(lay: Lay):
    with pytest.raises(BadKnowledge, match="name of who read it"):
        lay(privigen(row("storage", f'{{ text = "x.", {READ} }}', by=()))).product("privigen")


# ---- refused, with file and field


@pytest.mark.parametrize(
    ("text", "where", "rule"),
    [
        (row(more='note = "x"'), "replace[0].note", "Extra inputs"),
        (row().replace("on = 2026-11-20\n", ""), "replace[0].on", "Field required"),
        (row().replace("2026-11-20", '"soon"'), "replace[0].on", "date"),
        ("other = 1\n" + row(), "products/privigen.toml", "only [[replace]] rows"),
        ("replace = 3\n", "replace", "Replacements are rows"),
        (row("labels..max", base_="absent"), "replace[0].path", "dotted key"),
        (row("", base_="absent"), "replace[0].path", "dotted key"),
        (row("vials = 1 #", base_="absent"), "replace[0].path", "dotted key"),
        (row("labels US", base_="absent"), "replace[0].path", "dotted key"),
        (row() + row(), "replace[1].path", "overlaps"),
        (row() + row("labels.US.uses.CIDP.rates.10", "{ }", base_="absent"), "replace[1].path", "overlaps"),
        (row(base_=""), "replace[0].base", "match pattern"),
        (row(fact="3"), "replace[0].fact", "dictionary"),
        (row("labels.US.uses.CIDP.rates.10.maxx"), "labels.US.uses.CIDP.rates.10.maxx", "Extra inputs"),
        (row(fact=f"{{ mg_per_kg_min = -6, {READ} }}"), "labels.US.uses.CIDP.rates.10.max", "must be positive"),
        (row(fact=f"{{ mg_per_kg_min = inf, {READ} }}"), "rates.10.max.mg_per_kg_min", "finite"),
        (row(fact=f"{{ mg_per_kg_sec = 6, {READ} }}"), "labels.US.uses.CIDP.rates.10.max", "Extra inputs"),
        (row(fact="{ mg_per_kg_min = 6 }"), "labels.US.uses.CIDP.rates.10.max.origin", "Field required"),
        (row("brand.name", SLOWER, base_="absent"), "brand", "valid string"),
    ],
)
def test_a_malformed_overlay_is_refused_with_file_and_field(lay: Lay, text: str, where: str, rule: str):
    with pytest.raises(BadKnowledge) as refused:
        lay(privigen(text)).product("privigen")

    assert "products/privigen.toml" in refused.value.where
    assert where in refused.value.where
    assert rule in refused.value.rule
    assert refused.value.remedy


def test_a_table_that_is_cut_short_is_refused(lay: Lay):
    with pytest.raises(BadKnowledge, match="A fact file is TOML"):
        lay(privigen("[[replace]\npath = ")).product("privigen")


@pytest.mark.parametrize(
    ("file", "rule", "remedy"),
    [
        ("products/privigenn.toml", "a file that is shipped", "privigen"),
        ("product/privigen.toml", "mirrors the folders", "products"),
        ("privigen.toml", "mirrors the folders", "products"),
        ("products/old/privigen.toml", "mirrors the folders", "products"),
    ],
)
def test_a_file_that_nobody_would_read_is_refused(lay: Lay, file: str, rule: str, remedy: str):
    with pytest.raises(BadKnowledge) as refused:
        lay({file: ""})

    assert refused.value.where == file
    assert rule in refused.value.rule
    assert remedy in refused.value.remedy


def test_a_source_is_added_and_never_replaced(lay: Lay):
    knowledge = lay({"sources/privigen.toml": SOURCE.replace("[label]", "[L1]")})

    with pytest.raises(BadKnowledge, match="never replaces a shipped one"):
        knowledge.source("privigen/L1")


def test_a_source_that_is_no_table_is_refused(lay: Lay):
    with pytest.raises(BadKnowledge, match="A source is a table"):
        lay({"sources/site.toml": 'label = "Our label"\n'}).source("site/label")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(BadKnowledge, match="must be a folder"):
        Knowledge(tmp_path / "nowhere")


def test_a_fact_that_cites_no_known_source_is_an_error_of_the_checks(lay: Lay):
    rows = check(lay(privigen(row(fact=SLOWER.replace("site/label", "site/lable")))))

    assert [one.message for one in rows if one.severity is Weight.ERROR] == ["The source site/lable has no record."]


def test_paths_are_split_as_toml_splits_keys():
    assert split_path('labels."E U".rates."16.5".max') == ["labels", "E U", "rates", "16.5", "max"]


# ---- the guide


def test_the_worked_example_of_the_guide_holds(lay: Lay):
    text = GUIDE.read_text("utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    files = {}
    for block in blocks:
        block = re.sub(r"^   ", "", block, flags=re.MULTILINE)
        name = block.split()[1]
        files[name] = re.sub(r"<hash of (.*?)>", lambda found: base("products/privigen.toml", found.group(1)), block)

    knowledge = lay(files)

    assert set(files) == {"sources/site.toml", "products/privigen.toml"}
    assert not [one for one in check(knowledge) if one.severity is Weight.ERROR]
    rows = {
        one.indication: one
        for one in deliverability(knowledge.product("privigen"), "US", knowledge.source, Decimal(18))
    }
    assert (rows["primary-immunodeficiency"].deliverable, rows["primary-immunodeficiency"].adults_only) == (True, False)
    assert knowledge.product("privigen").labels["US"].uses["CIDP"].rates["10"].max.src == ("site/our-label",)
    assert knowledge.all_waiting() == {}
