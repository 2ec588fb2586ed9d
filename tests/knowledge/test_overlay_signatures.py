"""A signature is no reading: what an overlay may not do even when it is signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ivigil.errors import BadKnowledge
from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.overlay import fact_hash, value_at

SOURCE = '[our]\ntitle = "Our label"\npublisher = "Site"\nkind = "label"\nregion = "US"\nrevision = "10/2026"\n'
MAXIMUM = "labels.US.uses.PI.rates.10.max"
TWO, ONE = '["A. Pharmacist", "B. Prescriber"]', '["A. Pharmacist"]'

Laid = Callable[..., Knowledge]


@pytest.fixture
def laid(tmp_path: Path, knowledge: Knowledge) -> Laid:
    """Knowledge with one replacement laid over a shipped file, on the right base unless another is given."""

    def lay(
        file: str, path: str, fact: str, *, by: str = TWO, base: str | None = None, revision: str = "10/2026"
    ) -> Knowledge:
        kind, _, name = file.partition("/")
        if base is None:
            base = fact_hash(value_at(knowledge.raw(kind, name), path))
        row = f'[[replace]]\npath = {path!r}\nbase = "{base}"\nby = {by}\non = 2026-11-01\n'
        for folder, text in (
            (f"{file}.toml", f'{row}label_revision = "{revision}"\nfact = {fact}\n'),
            ("sources/site.toml", SOURCE),
        ):
            (tmp_path / folder).parent.mkdir(exist_ok=True)
            (tmp_path / folder).write_text(text, "utf-8")
        return Knowledge(tmp_path)

    return lay


def rate(origin: str = "reported", read: str = "label", note: str = "") -> str:
    return f'{{ mg_per_kg_min = 6, src = "site/our", origin = "{origin}", read = "{read}", note = "{note}" }}'


def test_a_rate_read_on_the_label_and_signed_twice_is_applied(laid: Laid):
    table = laid("products/privigen", MAXIMUM, rate()).product("privigen").labels["US"].uses["PI"].rates["10"]

    assert table.max.mg_per_kg_min == 6
    assert table.max.by == ("A. Pharmacist", "B. Prescriber", "2026-11-01")


@pytest.mark.parametrize(
    ("origin", "read"),
    [
        ("reported", "not_read"),
        ("reported", "secondary"),
        ("reported", "label_copy"),
        ("reported", "primary"),
        ("assumed", "label"),
        ("policy", "label"),
    ],
)
def test_two_signatures_do_not_make_a_permitting_fact_read(laid: Laid, origin: str, read: str):
    with pytest.raises(BadKnowledge) as refused:
        laid("products/privigen", MAXIMUM, rate(origin, read, "Because.")).product("privigen")

    assert refused.value.where == "products/privigen.toml: replace[0].fact"
    assert "read = label or manufacturer" in refused.value.remedy


def test_an_unread_rate_inside_a_whole_table_is_refused_by_its_place(laid: Laid):
    table = f"{{ start = {rate()}, max = {rate(read='secondary')} }}"

    with pytest.raises(BadKnowledge) as refused:
        laid("products/privigen", "labels.US.uses.PI.rates.10", table).product("privigen")

    assert refused.value.where == "products/privigen.toml: replace[0].fact.max"


def test_an_unread_step_inside_a_ladder_is_refused_by_its_place(laid: Laid):
    ladder = f'{{ rates = [{rate()}, {rate(read="not_read")}], src = "site/our", origin = "reported", read = "label" }}'

    with pytest.raises(BadKnowledge) as refused:
        laid("products/privigen", "labels.US.uses.PI.rates.10.steps", ladder).product("privigen")

    assert refused.value.where == "products/privigen.toml: replace[0].fact.rates.[1]"


def test_a_cap_restricts_and_may_rest_on_anything_that_two_people_sign(laid: Laid):
    product = laid("products/privigen", "labels.US.at_risk.cap", rate("assumed", "not_read", "House rule.")).product(
        "privigen"
    )

    at_risk = product.labels["US"].at_risk
    assert at_risk is not None
    assert at_risk.cap is not None
    assert at_risk.cap.mg_per_kg_min == 6


def test_a_forged_signature_inside_the_fact_is_written_over(laid: Laid):
    forged = '{ mg_per_kg_min = 6, src = "site/our", origin = "reported", read = "label", by = ["C. Nobody"] }'

    table = laid("products/privigen", MAXIMUM, forged).product("privigen").labels["US"].uses["PI"].rates["10"]

    assert "C. Nobody" not in table.max.by


@pytest.mark.parametrize(
    ("file", "path", "fact"),
    [
        (
            "screening/kidney",
            "rules.age-over-65",
            '{ severity = "informs", when = { kind = "age_between", from_years = 130 }, text = "No.", remedy = "No.",'
            ' origin = "policy", read = "not_read", note = "No." }',
        ),
        ("vocabulary/labs", "igg.units", '{ "mg/dL" = 1 }'),
        ("products/hizentra", "routes", '{ items = ["IV"], src = "site/our", origin = "reported", read = "label" }'),
        ("policy/rate", "step_factor", '{ value = 4, origin = "policy", read = "not_read", note = "Fast." }'),
        (
            "indications/cidp",
            "regimens.eu_loading",
            '{ phase = "loading", text = "x", g_per_kg_min = 3, g_per_kg_max = 3, src = "site/our",'
            ' origin = "reported", read = "label" }',
        ),
    ],
)
def test_one_person_alone_changes_nothing_that_screens_converts_or_doses(laid: Laid, file: str, path: str, fact: str):
    opened = laid(file, path, fact, by=ONE)

    with pytest.raises(BadKnowledge, match="needs 2 different people"):
        opened.raw(*file.split("/"))


@pytest.mark.parametrize("by", ['["A. One"]', '["A. One", "a.  ONE "]', '["A. One", ""]', "[]"])
def test_a_rate_needs_two_people_who_are_not_the_same(laid: Laid, by: str):
    with pytest.raises(BadKnowledge, match="needs 2 different people"):
        laid("products/privigen", MAXIMUM, rate(), by=by).product("privigen")


def test_a_base_that_is_no_hash_is_refused_and_does_not_wait_for_ever(laid: Laid):
    with pytest.raises(BadKnowledge, match=r"replace\[0\].base"):
        laid("products/privigen", MAXIMUM, rate(), base="sha256:abc").product("privigen")


def test_a_replacement_names_the_label_revision(laid: Laid):
    with pytest.raises(BadKnowledge, match=r"replace\[0\].label_revision"):
        laid("products/privigen", MAXIMUM, rate(), revision=" ").product("privigen")
