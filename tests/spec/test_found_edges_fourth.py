"""The edges of the chair, attacked again: lines that are no events, several sessions, late devices, a site's own figures."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ivigil.cli import infuse
from ivigil.cli.chair_protocol import _unsigned, site_protocol
from ivigil.cli.checking import aside
from ivigil.cli.opening import parse_json
from ivigil.cli.writing import check_page
from ivigil.errors import BadInput, BadKnowledge, UnknownName, UsageError
from ivigil.infusion import live as living
from ivigil.infusion import lookup
from ivigil.infusion.bedside import Bedside, bedside
from ivigil.infusion.events import Event
from ivigil.infusion.live import replay
from ivigil.infusion.protocols import check_protocol, faults
from ivigil.infusion.record import Rejected, Torn, gather, read_event
from ivigil.infusion.session import step
from ivigil.infusion.site_protocol import _most_at, looser
from ivigil.infusion.workflow import Lock
from ivigil.knowledge.loading import Knowledge
from ivigil.knowledge.protocol import DoseRule, Protocol
from ivigil.prescription.plan import Plan
from tests.infusion.chair import SESSION, WELL, Chair, at_chair, planned, protocol
from tests.planning import opened

D = Decimal
Change = Callable[[dict[str, Any]], object]
Told = tuple[str, str | None, str, str]


# ---- a line that is no event says what is wrong, and stays as it came


def lines(folder: Path, content: bytes) -> tuple[object, ...]:
    (folder / "e.ndjson").write_bytes(content)
    return tuple(infuse._events(str(folder / "e.ndjson")))


@pytest.mark.parametrize(
    ("line", "kept", "why"),
    [
        (b'{"seq": 1', '{"seq": 1', "column 10: This is not JSON. Mend it: Expecting ',' delimiter."),
        (b'{"a": 1, "a": 2}', '{"a": 1, "a": 2}', "a twice: A key stands once in a record. Remove the one that is wrong."),
        (b'{"a": "\xe4"}', '{"a": "\\xe4"}', "byte 8: This is not UTF-8. Save the file as UTF-8."),
        (
            b'{"a": 1e9999999999999999999}', '{"a": 1e9999999999999999999}',
            "number 1e9999999999999999999: No number is that large or that small. Correct it; leave the key out if it is not recorded.",
        ),
        (b"[" * 100_000, "[" * 100_000, "nested too deeply: A record is flat. Remove the nesting."),
        (
            b'\xef\xbb\xbf{"a": 1}', '\ufeff{"a": 1}',
            "a byte order mark: JSON begins with its first brace or bracket, after no hidden sign. "
            "Save it as UTF-8 without a byte order mark (BOM).",
        ),
    ],
)  # fmt: skip
def test_a_line_that_is_no_json_is_kept_with_what_is_wrong_with_it(tmp_path, line, kept, why):
    assert lines(tmp_path, b'{"b": 2}\r\n' + line + b"\n\n") == ({"b": D(2)}, Torn(kept, why))
    assert read_event(Torn(kept, why), SESSION, protocol()) == Rejected(kept, why)


def test_a_mark_before_the_first_line_takes_no_opening_away(tmp_path):
    assert lines(tmp_path, b'\xef\xbb\xbf{"a": 1}\n') == ({"a": D(1)},)


def test_a_list_of_events_is_refused_and_not_read_as_its_last_line(tmp_path):
    for content in (b'[\n{"a": 1},\n{"a": 2}\n]\n', b"[]", b" [1] "):
        with pytest.raises(BadInput) as refused:
            lines(tmp_path, content)
        assert refused.value.where == "EVENTS"
        assert refused.value.value == str(tmp_path / "e.ndjson")
        assert refused.value.rule == "Events stand one a line; this file is one JSON list."
        assert refused.value.remedy == "Write each on a line of its own."
    # A torn line at either end is no list.
    assert len(lines(tmp_path, b'[\n{"a": 1\n]')) == 3
    assert len(lines(tmp_path, b'[1]\n{"a": 1}')) == 2
    assert len(lines(tmp_path, b'["\xe4"]')) == 1


def test_what_no_line_says_names_the_first_that_is_torn():
    with pytest.raises(BadInput) as refused:
        infuse._session([5, Torn("x", "byte 8: This is not UTF-8."), Torn("y", "later")], "plan")
    assert refused.value.rule == "No line is an event of a session. The first: byte 8: This is not UTF-8."
    assert refused.value.remedy == "Give the events of one session, one a line, as UTF-8."
    with pytest.raises(BadInput) as refused:
        infuse._session([5], "plan")
    assert refused.value.rule == "No line is an event of a session."


def event(**more: Any) -> dict[str, Any]:
    return Chair().tell(10, "started", "k", pump_ml_per_h=30).raws[0] | more


def refused_as(text: str) -> Rejected:
    read = read_event(parse_json(text, "x"), SESSION, protocol())
    assert isinstance(read, Rejected)
    return read


@pytest.mark.parametrize(
    ("rate", "reason"),
    [
        ("-3", "Input should be greater than 0. It said -3."),
        ('"30"', 'Must be a number, written without quotes or unit. It said "30". Write it with a decimal point.'),
        ("NaN", "A number must be finite. It said NaN. Leave the key out if the value is not recorded."),
        ("null", "Must be a number, written without quotes or unit. Write it with a decimal point."),
        ("[1]", "Must be a number, written without quotes or unit. It said [1]. Write it with a decimal point."),
        ("{}", "Must be a number, written without quotes or unit. Write it with a decimal point."),
    ],
)
def test_a_reason_names_the_place_the_rule_the_value_and_the_remedy(rate, reason):
    text = json.dumps(event(data={"pump_ml_per_h": 0}), sort_keys=True).replace('"pump_ml_per_h": 0', f'"pump_ml_per_h": {rate}')  # fmt: skip
    assert refused_as(text) == Rejected(text, f"data.started.pump_ml_per_h: {reason}")


def test_a_long_value_is_cut_in_the_reason_and_whole_in_what_is_kept():
    read = refused_as(json.dumps(event(key="x" * 200)))
    assert read.reason == f'key: must be 1 to 120 visible characters. It said "{"x" * 39}….'
    assert "x" * 200 in read.raw
    # Forty signs with both quotes: shown whole.
    read = refused_as(json.dumps(event(device_at="y" * 38)))
    assert f'It said "{"y" * 38}". Write it as' in read.reason


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("5", "5"), ("5.0", "5"), ("-0.5", "-0.5"), ("0.1", "0.1"), ("NaN", "NaN"), ("-Infinity", '"-Infinity"'),
        ("999999999999999", "999999999999999"), ("1000000000000000", "1000000000000000.0"),
        ("1000000000000000000000000000001", '"1000000000000000000000000000001"'),
        ("0.1234567890123456789", '"0.1234567890123456789"'), ("1e400", '"1E+400"'),
    ],
)  # fmt: skip
def test_a_number_is_kept_as_a_number_or_in_its_own_digits(number, kept):
    wanted = kept if number != "-Infinity" else "-Infinity"
    assert refused_as(f'{{"a": {number}}}').raw == f'{{"a": {wanted}}}'


def test_half_a_character_is_spelled_out_so_that_the_record_can_be_written():
    kept = refused_as('{"a": "\\ud800"}').raw
    assert kept == '{"a": "\\ud800"}'
    assert kept.encode()


# ---- several sessions in one file


def opening(session: str, infusion: int = 1, plan: str = "p") -> dict[str, Any]:
    return {"type": "opened", "session": session, "data": {"plan_id": plan, "infusion": D(infusion)}}


def notes(session: str, count: int) -> list[dict[str, Any]]:
    return [{"type": "note", "session": session}] * count


def test_one_stray_opening_does_not_take_the_record_over():
    ours = [opening("s"), *notes("s", 3)]
    assert infuse._session([opening("aaa"), *ours], "p") == "s"
    assert infuse._session([opening("aaa"), opening("aaa"), *ours], "p") == "s"
    # As many lines of each: the first by name, whatever the order.
    assert infuse._session([*ours, opening("b"), *notes("b", 3)], "p") == "b"


def test_the_infusion_that_is_asked_for_chooses_its_session():
    heap = [opening("day-1", 1), *notes("day-1", 9), opening("day-2", 2), *notes("x", 20), opening("x", 2, "other")]
    assert infuse._session(heap, "p") == "day-1"
    assert infuse._session(heap, "p", 2) == "day-2"
    assert infuse._session(heap, "p", 3) == "day-1"
    assert infuse._session(heap, "q", 2) == "x"


def test_a_session_is_named_or_the_ones_there_are_told():
    heap: list[object] = [*(opening(f"s{number}") for number in range(7)), 5, {"session": 5}]
    assert infuse._named(heap, "s6") == "s6"
    with pytest.raises(BadInput) as refused:
        infuse._named(heap, "s9")
    assert (refused.value.where, refused.value.value) == ("--session", "s9")
    assert refused.value.rule == "No event is of this session; the file holds s0, s1, s2, s3, s4."
    assert refused.value.remedy == "Give one of them."
    with pytest.raises(BadInput, match="the file holds none"):
        infuse._named([5], "s9")


def test_an_infusion_that_was_opened_twice_is_told(capsys):
    bed = at_chair()
    plan = bed.plan.plan_id
    heap = [opening("one", 1, plan), opening("two", 1, plan), opening("three", 2, plan), opening("four", 1, "other")]
    infuse._recorded_once(heap, "one", bed, as_json=False)
    assert capsys.readouterr().err == (
        "▲ Infusion 1 of this plan was opened in the session two as well; this record is of one alone. "
        "Read the other with --session, and add up what both gave.\n"
    )
    infuse._recorded_once([heap[0], heap[2], heap[3]], "one", bed, as_json=False)
    assert capsys.readouterr().err == ""


def test_the_opening_of_another_session_says_that_its_grams_are_not_counted():
    chair = Chair().ready()
    other = chair.raws[0] | {"session": "s-2"}
    (one,) = gather([*chair.raws, other], SESSION, protocol()).rejected
    assert one.reason == (
        "session: it belongs to 's-2', and 's-1' is open. "
        "It was opened for infusion 1 of a plan: what was given in it is not counted here."
    )


# ---- what is told beside the result


def test_beside_json_a_warning_is_json(capsys):
    aside("made_with", "A rule.", "A remedy.", "sha256:ü", as_json=True)
    said = json.loads(capsys.readouterr().err)
    assert said == {"warning": {"where": "made_with", "value": "sha256:ü", "rule": "A rule.", "remedy": "A remedy."}}
    aside("made_with", "A rule.", "A remedy.", "sha256:ü")
    assert capsys.readouterr().err == "▲ A rule. A remedy.\n"


def test_a_paper_has_a_page_to_be_printed_on():
    assert check_page(None, None) == check_page(Path("x.pdf"), None) == "a4"
    assert check_page(Path("x.pdf"), "us-letter") == "us-letter"
    with pytest.raises(UsageError) as refused:
        check_page(None, "a4")
    assert (refused.value.where, refused.value.value) == ("--paper", "a4")
    assert refused.value.rule == "It is the paper of a page, and none is made."
    assert refused.value.remedy == "Give --pdf too, or leave it out."
    with pytest.raises(BadInput, match="The sheet is made for two papers"):
        check_page(Path("x.pdf"), "a3")


# ---- what comes in late


def later(chair: Chair, minutes: float) -> None:
    told = chair.raws[-1]
    told["received_at"] = (datetime.fromisoformat(told["received_at"]) + timedelta(minutes=minutes)).isoformat()


def two_devices(count: int) -> Chair:
    """A set of vital signs every minute, every other one sent ten minutes after it was taken."""
    chair = Chair().ready().started()
    for minute in range(1, count):
        chair.vitals(minute)
        if minute % 2:
            later(chair, 10)
    return chair


def test_a_device_that_sends_late_does_not_have_everything_told_anew(monkeypatch):
    steps = 0

    def counted(*arguments: Any) -> Any:
        nonlocal steps
        steps += 1
        return step(*arguments)

    chair = two_devices(200)
    record = chair.record
    monkeypatch.setattr(living, "step", counted)
    replay(record, chair.bedside)
    # Told once, and again as heard: a late set is stepped, and the one after it, where the two are the same.
    assert steps <= 4 * len(record.told)


def test_what_locked_between_two_late_reports_locks_from_its_own_time():
    chair = Chair().ready().started()
    chair.vitals(10).vitals(20, spo2_percent=80).vitals(30)
    # It came in last and takes back what was acted on: nothing more than another set, ten minutes before.
    chair.vitals(19)
    later(chair, 60)
    chair.tell(50, "note", text="x")
    found = chair.live
    assert (found.session.lock, found.session.locked_at) == (Lock.SEVERE, None)
    bad = next(raw for raw in chair.raws if raw["data"].get("spo2_percent") == 80)
    chair.tell(40, "correction", corrects=bad["key"], because="the cuff was loose", instead=WELL)
    session = chair.live.session
    assert (session.lock, session.locked_at) == (Lock.SEVERE, chair.minute(20))


def test_a_key_that_is_used_a_thousand_times_is_not_searched_through(monkeypatch):
    compared = 0
    content: Any = vars(Event)["content"]

    def counted(self: Any) -> Any:
        nonlocal compared
        compared += 1
        return content.fget(self)

    chair = Chair()
    for number in range(300):
        chair.tell(10, "note", "same", text=f"note {number}")
    monkeypatch.setattr(Event, "content", property(counted))
    made = gather([*chair.raws, *chair.raws], SESSION, protocol())
    assert (len(made.told), len(made.rejected)) == (1, 299)
    assert compared <= 4 * len(chair.raws)


def test_two_corrections_under_one_key_are_one_only_where_all_of_them_is_the_same():
    chair = Chair().tell(10, "note", "n", text="one")
    chair.tell(11, "correction", "c", corrects="n", because="x", instead={"text": "two"})
    chair.raws.append(chair.raws[-1] | {"seq": 9})
    assert gather(chair.raws, SESSION, protocol()).rejected == ()
    chair.raws.append(chair.raws[1] | {"data": {"corrects": "n", "because": "x", "instead": {"text": "three"}}})
    (one,) = gather(chair.raws, SESSION, protocol()).rejected
    assert one.reason == "key: 'c' was used before for another event."


# ---- soon after midnight


def moved(clock: str, early: int | None = None) -> Bedside:
    """The first infusion at another time of its day."""
    made = planned()
    hour, minute = map(int, clock.split(":"))
    first = made.infusions[0]
    first = first.model_copy(update={"starts_at": first.starts_at.replace(hour=hour, minute=minute)})
    plan: Plan = made.model_copy(update={"infusions": (first, *made.infusions[1:])})
    ruling = protocol()
    if early is not None:
        ruling = ruling.model_copy(update={"early_most": ruling.early_most.model_copy(update={"min": early})})
    return bedside(plan, 1, ruling, opened().policies.monitoring, ("prescriber",))


@pytest.mark.parametrize(
    ("clock", "early", "before"),
    [
        ("00:10", None, timedelta(minutes=50)),  # from 23:10 on the evening before
        ("00:59", None, timedelta(minutes=1)),
        ("01:00", None, timedelta(0)),
        ("09:00", None, timedelta(0)),
        ("00:10", 5, timedelta(0)),
        ("00:10", 15, timedelta(minutes=5)),
    ],
)
def test_what_is_planned_soon_after_midnight_may_begin_on_the_evening_before(clock, early, before):
    bed = moved(clock, early)
    midnight = bed.infusion.starts_at.replace(hour=0, minute=0)
    assert bed.first_day == midnight - before


# ---- a clock that was set back, on a client without a network


@pytest.mark.parametrize(("paused_min", "rate"), [(-0.1, "call"), (float("nan"), "call"), (0, 30.0), (60, 10.0)])
def test_a_pause_of_less_than_nothing_is_a_call(paused_min, rate):
    row = {"episode": None, "ran_ml_per_h": 60, "borne_ml_per_h": 0, "restart_ml_per_h": 30.0, "after_long_pause_ml_per_h": 10.0}  # fmt: skip
    pack = {"restarts": [row], "long_pause": {"min": 60}, "responses": {}}
    assert lookup.restart_rate(pack, None, 60, 0, paused_min) == rate


# ---- a site's own figures


def raw_protocol() -> dict[str, Any]:
    text = (files("ivigil.knowledge") / "data" / "protocol" / "ivigil.toml").read_text("utf-8")
    return tomllib.loads(text, parse_float=Decimal)


def at(path: str, **values: Any) -> Change:
    def change(raw: dict[str, Any]) -> None:
        for key in filter(None, path.split(".")):
            raw = raw[key]
        raw.update(values)

    return change


def made_with(*changes: Change) -> Protocol:
    raw = raw_protocol()
    for change in changes:
        change(raw)
    return Protocol.model_validate(raw)


def told(*changes: Change) -> list[Told]:
    found = looser(made_with(*changes), opened().protocol("ivigil"))
    return [(one.where, one.value, one.rule, one.remedy) for one in found]


def faulty(*changes: Change) -> list[tuple[str, str]]:
    return list(faults(made_with(*changes), opened().vocabulary.reactions))


NARROW = "Narrower limits refuse the values of whoever is sickest, and no alarm sees them."


@pytest.mark.parametrize(
    ("limits", "value"), [([90, 300], "90 to 300"), ([30, 180], "30 to 180"), ([31, 300], "31 to 300")]
)
def test_a_pressure_that_is_real_is_never_called_impossible(limits, value):
    # A narrower range would refuse 70/40, and no criterion of anaphylaxis would see it.
    assert told(at("possible", systolic_mmhg=limits)) == [("possible.systolic_mmhg", value, NARROW, "Write [30, 300].")]


@pytest.mark.parametrize(
    ("place", "value", "most"),
    [
        ("weight_tolerance_adult", "0.11", "0.1"),
        ("weight_tolerance_child", "0.06", "0.05"),
        ("adult_from_years", "19", "18"),
    ],
)
def test_who_is_weighed_and_who_is_grown_up_is_held_as_the_shipped_one_holds_it(place, value, most):
    assert told(at(place, value=D(value))) == [
        (place, value, f"The shipped protocol says {most}; more is looser.", f"At most {most}.")
    ]


def test_a_site_may_let_begin_less_early_and_not_earlier():
    assert told(at("early_most", min=59)) == []
    assert told(at("early_most", min=61)) == [
        ("early_most", "61", "The shipped protocol says 60; more is looser.", "At most 60.")
    ]


def child(name: str, rule: dict[str, Any]) -> Change:
    """A child's rule in place of the shipped one, read where that was."""
    said = {"src": "safety/ebmedicine", "origin": "reported", "read": "secondary"}
    return lambda raw: raw["medicines"][name].update(child=rule | said)


def bands(*rows: tuple[str, str | None, str, str | None]) -> dict[str, Any]:
    keys = ("from_years", "below_years", "mg", "mg_max")
    return {
        "bands": [{key: D(value) for key, value in zip(keys, row, strict=True) if value is not None} for row in rows]
    }


NOT_READ = ("No source read gives a dose at that age.", "Begin where it was read to begin; before, the prescriber is asked.")  # fmt: skip
CHOOSE = "Correct it; a site chooses among what is published."


@pytest.mark.parametrize(
    ("name", "rule", "rows"),
    [
        # Loratadine was read from 2 years (5 mg) and from 6 years (10 mg).
        ("loratadine", bands(("2", "6", "5", None), ("6", None, "10", None)), []),
        ("loratadine", bands(("6", None, "10", None)), []),
        ("loratadine", bands(("2", "6", "2.5", "5"), ("6", None, "5", "10")), []),
        ("loratadine", bands(("0.5", "6", "5", None), ("6", None, "10", None)), [("5 mg from 0.5 years", *NOT_READ)]),
        (
            "loratadine", bands(("2", "6", "5", "6"), ("6", None, "10", None)),
            [("6 mg from 2 years", "No source read gives more than 5 mg at that age.", CHOOSE)],
        ),
        ("loratadine", bands(("2", None, "10", None)), [
            ("10 mg from 2 years", "No source read gives more than 5 mg at that age.", CHOOSE),
        ]),
        ("loratadine", {"mg": D(10)}, [
            ("10 mg from 0 years", *NOT_READ),
            ("10 mg from 2 years", "No source read gives more than 5 mg at that age.", CHOOSE),
        ]),
        ("loratadine", {"mg_per_kg": D("0.2"), "cap_mg": D(5)}, [("5 mg from 0 years", *NOT_READ)]),
        # Diphenhydramine was read as 1 mg/kg, at most 50 mg.
        ("diphenhydramine", {"mg_per_kg": D("0.5"), "cap_mg": D(25)}, []),
        ("diphenhydramine", {"mg": D(25)}, [
            (None, "The dose that was read goes by weight: any other is too much for a small child.", "Write mg_per_kg with its cap_mg."),
        ]),
    ],
)  # fmt: skip
def test_a_child_is_given_no_more_than_was_read_for_its_age(name, rule, rows):
    assert told(child(name, rule)) == [(f"medicines.{name}.child", *row) for row in rows]


def test_a_range_by_age_rises():
    wrong = child("loratadine", bands(("2", "6", "5", "2.5"), ("6", None, "10", None)))
    assert told(wrong) == [("medicines.loratadine.child", "5 to 2.5 mg", "A range rises.", "Lower first.")]
    level = child("loratadine", bands(("2", "6", "5", "5"), ("6", None, "10", None)))
    assert told(level) == []


@pytest.mark.parametrize(("hours", "value"), [("0.5", "0.5"), ("5.9", "5.9"), (None, None)])
def test_a_medicine_is_given_no_more_often_than_was_read(hours, value):
    def change(raw: dict[str, Any]) -> None:
        raw["medicines"]["diphenhydramine"].pop("every_h")
        if hours is not None:
            raw["medicines"]["diphenhydramine"]["every_h"] = D(hours)

    assert told(change) == [
        ("medicines.diphenhydramine.every_h", value, "It was read as given every 6 h.", "At least 6.")
    ]
    assert told(at("medicines.diphenhydramine", every_h=8)) == []


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("oxygen_low", {"at_most": 94}, "94"),
        ("systolic_low_adult", {"below": D("95.0")}, "95"),
        ("fever_moderate_rise", {"rise_at_least": D("1.2")}, "1.2"),
        ("systolic_fall_third", {"fall_share_above": D("0.25")}, "25"),
        ("systolic_fall_20", {"fall_at_least": 15}, "15"),
    ],
)
def test_the_words_of_a_limit_say_its_own_figure(name, values, said):
    text = raw_protocol()["triggers"][name]["text"]
    assert told(at(f"triggers.{name}", **values)) == [
        (
            f"triggers.{name}.text",
            text,
            f"It does not say {said}, from which it is told.",
            f"Write {said} into the text.",
        )
    ]
    assert told(at(f"triggers.{name}", **values, text=f"From {said} on.")) == []


def test_words_of_a_sites_own_say_the_figure_that_stays():
    text = "Oxygen saturation 80 % or less."
    rows = told(at("triggers.oxygen_low", text=text))
    assert rows == [
        ("triggers.oxygen_low.text", text, "It does not say 92, from which it is told.", "Write 92 into the text.")
    ]
    assert told(at("triggers.oxygen_low", text="SpO2 92 % or lower.")) == []
    for written in ("A temperature of 39.0 °C", "39,0 °C or more"):
        assert told(at("triggers.fever_moderate", text=written)) == []
    # Both figures of two are asked for.
    (one,) = told(at("triggers.fever_mild", text="38 °C or more."))
    assert one[2] == "It does not say 1, from which it is told."


def test_a_limit_that_speaks_later_is_told_as_that_alone():
    ((where, _, _, _),) = told(at("triggers.oxygen_low", at_most=90))
    assert where == "triggers.oxygen_low.at_most"


@pytest.mark.parametrize(
    ("change", "where", "text"),
    [
        (at("", id=" "), "id", "A session names its protocol by it: 1 to 120 visible characters."),
        (at("", id="x" * 121), "id", "A session names its protocol by it: 1 to 120 visible characters."),
        (at("", id="ward\u202e3"), "id", "A session names its protocol by it: 1 to 120 visible characters."),
        (at("pack_valid_h", value=0), "pack_valid_h", "A pack is valid for more than 0 hours, not for 0."),
        (at("pack_valid_h", value=-24), "pack_valid_h", "A pack is valid for more than 0 hours, not for -24."),
        (
            at("roles", items=["Nurse", "physician", "prescriber", "pharmacist", "specialist"]), "relays",
            "'nurse' writes in no session; roles: Nurse, physician, prescriber, pharmacist, specialist.",
        ),
        (
            at("triggers.fever_moderate", at_least=25), "triggers.fever_moderate.at_least",
            "Every value meets 25: temperature_c lies from 25 to 45.",
        ),
        (
            at("triggers.oxygen_low", at_most=100), "triggers.oxygen_low.at_most",
            "Every value meets 100: spo2_percent lies from 20 to 100.",
        ),
        (
            at("triggers.systolic_low_adult", below=301), "triggers.systolic_low_adult.below",
            "Every value meets 301: systolic_mmhg lies from 30 to 300.",
        ),
        (
            at("triggers.systolic_low_child", below_plus_per_year=301), "triggers.systolic_low_child.below_plus_per_year",
            "Every value meets 301: systolic_mmhg lies from 30 to 300.",
        ),
        (
            at("triggers.oxygen_low", above=D("19.9")), "triggers.oxygen_low.above",
            "Every value meets 19.9: spo2_percent lies from 20 to 100.",
        ),
        (
            child("loratadine", bands(("6", "6", "5", None), ("6", None, "10", None))), "medicines.loratadine.child",
            "A band ends after it begins: it begins at 6 and ends at 6.",
        ),
        (
            at("adrenaline.schemes.age_bands", **bands(("0", "5", "0.1", None), ("5", "5", "0.1", None), ("5", None, "0.1", None))),
            "adrenaline.schemes.age_bands", "A band ends after it begins: it begins at 5 and ends at 5.",
        ),
    ],
)  # fmt: skip
def test_a_form_that_says_nothing_is_told(change, where, text):
    assert (where, text) in faulty(change)


@pytest.mark.parametrize(
    "change",
    [
        at("", id="x" * 120),
        at("pack_valid_h", value=D("0.5")),
        at("roles", items=["nurse", "physician", "prescriber", "pharmacist", "specialist"]),
        at("triggers.fever_moderate", at_least=D("25.1")),
        at("triggers.oxygen_low", at_most=D("99.9")),
        at("triggers.oxygen_low", above=20),
        at("triggers.systolic_low_adult", below=300),
        at("triggers.systolic_low_child", below_plus_per_year=300),
        lambda raw: None,
    ],
)
def test_a_form_that_says_something_holds(change):
    assert faulty(change) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda raw: raw.pop("name"), "This line is missing."),
        (at("long_pause", hours=1), "No line of a protocol has this name here."),
        (lambda raw: raw.update(bars=5), "Here stands a table of lines, in braces or under a heading."),
        (lambda raw: raw["bars"].update(x=1), "Here stands a table of lines, in braces or under a heading."),
        (at("observing", set_of="x"), "Here stands a list, in brackets."),
        (lambda raw: raw.update(id=5), "Here stands a text, in quotes."),
        (at("weight_tolerance_adult", value=[1]), "Here stands a number, without quotes."),
        (at("long_pause", min=[60]), "Here stands a number, without quotes."),
        (at("long_pause", min=D("0.5")), "Here stands a whole number."),
        (at("symptoms.headache", ends_access="x"), "Here stands true or false, without quotes."),
        (at("symptoms.headache", ends_access=[]), "Here stands true or false, without quotes."),
        (at("symptoms.headache", least="bad"), "Input should be 'mild', 'moderate', 'severe' or 'life_threatening'."),
    ],
)
def test_a_line_of_the_wrong_form_is_told_in_the_words_of_who_writes_toml(change, rule):
    raw = raw_protocol()
    change(raw)
    with pytest.raises(BadKnowledge) as refused:
        check_protocol(raw, "ours.toml", opened().vocabulary.reactions, opened().source)
    assert refused.value.rule == rule


@pytest.mark.parametrize("name", ["x" * 3000, "../products/privigen", "no/such", "", "\0/x"])
def test_a_source_of_any_name_is_not_known_and_no_fault_of_ours(name):
    with pytest.raises(UnknownName, match="No source record has this id"):
        Knowledge().source(name)


def test_a_dose_that_is_fixed_or_by_weight_has_its_most_at_every_age():
    read = {"src": "safety/ebmedicine", "origin": "reported", "read": "secondary"}
    one = DoseRule.model_validate(read | {"mg": 5, "mg_max": 7})
    assert _most_at(one, D(3)) == 7
    assert _most_at(DoseRule.model_validate(read | {"mg_per_kg": 1, "cap_mg": 50}), D(3)) == 50


def test_a_mark_before_a_protocol_is_named(tmp_path):
    (tmp_path / "ours.toml").write_bytes(b'\xef\xbb\xbfid = "x"\n')
    with pytest.raises(BadKnowledge) as refused:
        site_protocol(tmp_path / "ours.toml", opened())
    assert (refused.value.where, refused.value.value) == (str(tmp_path / "ours.toml"), "a byte order mark")
    assert refused.value.rule == "A protocol begins with its first line, after no hidden sign."
    assert refused.value.remedy == "Save it as UTF-8 without a byte order mark (BOM)."


@pytest.mark.parametrize(("on", "value"), [("2026-11-20", '"2026-11-20"'), (None, None), (5, "5")])
def test_a_day_in_quotes_is_shown_in_quotes(on, value):
    (one,) = _unsigned(["A. Pharmacist", "B. Prescriber"], on, "ours.toml")
    assert (one.where, one.value) == ("ours.toml: on", value)
    assert one.remedy == "Write it so, first in the file, without quotes and without a time: on = 2026-11-20."
