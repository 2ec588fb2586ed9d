"""Looking up in a pack: whether it is as it was made, and what it answers after its end."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from ivigil.infusion.lookup import Looked, intact, may

END = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
PACK: dict[str, Any] = {
    "valid_until": END.isoformat(),
    "not_before": (END - timedelta(days=1)).isoformat(),
    "fields": {"phase": ["running", "paused"]},
    "permissions": {"raise": [{"field": "phase", "values": ["paused"], "code": "not-running"}], "stop": []},
}


def named(content: str) -> str:
    """The id of a content that is written out by hand, with an empty id in its place."""
    return "sha256:" + hashlib.sha256(content.encode("utf-8")).hexdigest()


def test_a_pack_is_intact_while_its_id_is_that_of_its_content():
    # Compact, in its own order, and in UTF-8: what a client in another language would hash.
    pack = {"pack_id": named('{"pack_id":"","ladder":[21,42],"text":"Über"}'), "ladder": [21, 42], "text": "Über"}
    assert intact(pack) is True


@pytest.mark.parametrize("change", [{"ladder": [21, 43]}, {"pack_id": ""}, {"pack_id": named("{}")}, {"more": 1}])
def test_a_pack_that_was_changed_is_not(change):
    pack = {"pack_id": named('{"pack_id":"","ladder":[21,42]}'), "ladder": [21, 42]}
    assert intact(pack) is True
    assert intact(pack | change) is False


def test_a_pack_without_an_id_is_not():
    assert intact({"ladder": [21]}) is False


@pytest.mark.parametrize(("after", "answer"), [(-1, Looked("allowed")), (0, Looked("allowed")), (1, Looked("call", (), ("valid_until",)))])  # fmt: skip
def test_after_its_end_nothing_that_a_table_could_bar_is_allowed(after, answer):
    assert may(PACK, "raise", {"phase": "running"}, END + timedelta(seconds=after)) == answer


def test_what_nothing_ever_bars_stays_allowed_after_the_end():
    assert may(PACK, "stop", {}, END + timedelta(days=1)) == Looked("allowed")
