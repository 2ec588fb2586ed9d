"""Trough targets: whose they are, for which conditions, how they were read, and none a default."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ivigil.errors import BadInput, UnknownName
from ivigil.knowledge.checks.targets import targets_are_replacement
from ivigil.knowledge.loading import Knowledge
from ivigil.prescription.regimen_search import Aim
from ivigil.sources import Read
from tests.planning import opened


def test_each_target_is_what_its_source_prints():
    found = {name: one.at_least_g_per_l for name, one in opened().trough_targets.items()}
    # pharmacokinetics.yaml `trough_targets`, and indications.yaml for transplants (Octagam MY) and myeloma (Nova Scotia).
    assert found == {
        "eu": 6,
        "eu-older-5": 5,
        "eu-older-6": 6,
        "eu-sc-5": 5,
        "eu-sc-6": 6,
        "hsct-older-eu": 5,
        "ontario-floor": 5,
        "ontario-ideal": 7,
        "uk-review": 7,
        "nova-scotia-myeloma": 7,
        "trial-floor": 5,
        "expert-bronchiectasis-xla": 8,
    }


def test_every_target_is_for_replacement_and_says_how_it_was_read():
    for name, one in opened().trough_targets.items():
        assert one.body
        assert one.src or one.read is Read.NOT_READ, name
        assert all(opened().indication(condition).replacement for condition in one.indications), name


def test_a_target_for_a_condition_dosed_to_function_is_an_error():
    target = opened().trough_target("eu").model_copy(update={"indications": ("cidp",)})
    rows = list(targets_are_replacement({"eu": target}, {"cidp": opened().indication("cidp")}))
    assert [row.message for row in rows] == ["cidp is dosed to function, not to a level."]
    unknown = target.model_copy(update={"indications": ("nothing",)})
    assert list(targets_are_replacement({"eu": unknown}, {}))


def test_a_name_that_nobody_knows_is_answered_with_those_near_it():
    with pytest.raises(UnknownName, match="Did you mean ontario-ideal") as refused:
        opened().trough_target("ontario-idea")
    assert "`ivigil kinetics targets` lists them all" in str(refused.value)


def test_a_target_that_nobody_read_proposes_nothing():
    with pytest.raises(BadInput, match="No page was read for it") as refused:
        Aim.named("expert-bronchiectasis-xla", opened().trough_target("expert-bronchiectasis-xla"), None)
    assert "--target-trough 8" in str(refused.value)


def test_a_target_holds_for_the_conditions_of_its_source_only():
    with pytest.raises(BadInput, match="prints it for hsct-related, not for primary-immunodeficiency"):
        Aim.named("hsct-older-eu", opened().trough_target("hsct-older-eu"), "primary-immunodeficiency")
    named = Aim.named("eu", opened().trough_target("eu"), "primary-immunodeficiency")
    assert (named.g_per_l, named.name) == (6.0, "eu")
    assert "At least 6 g/L" in named.text


def test_a_site_that_adds_its_own_target_signs_with_two(tmp_path):
    (tmp_path / "targets").mkdir()
    row = (
        '[[replace]]\npath = "ours"\nbase = "absent"\nby = [{by}]\non = 2026-06-01\nlabel_revision = "none"\n'
        'fact = {{ body = "Our clinic", region = "US", at_least_g_per_l = 8, text = "8 g/L.", indications = '
        '["primary-immunodeficiency"], origin = "policy", read = "not_read", note = "Settled in June." }}\n'
    )
    file = tmp_path / "targets" / "trough.toml"
    file.write_text(row.format(by='"A. Pharmacist", "B. Prescriber"'), "utf-8")
    ours = Knowledge(tmp_path).trough_target("ours")
    assert ours.at_least_g_per_l == Decimal(8)
    assert Aim.named("ours", ours, "primary-immunodeficiency").g_per_l == 8.0  # a site's own choice needs no page
    file.write_text(row.format(by='"A. Pharmacist"'), "utf-8")
    with pytest.raises(BadInput, match="This fact needs 2 different people"):
        assert Knowledge(tmp_path).trough_targets
