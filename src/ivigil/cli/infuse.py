"""``ivigil infuse``: the pack for one infusion, the record of a session, simulated sessions, and a protocol's check."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ivigil.cli import EXIT_BAD_INPUT, EXIT_DONE
from ivigil.cli.checking import aside, checked_vein_plan
from ivigil.cli.opening import BYTE_ORDER_MARK, formulary_of, limits_of, open_knowledge, parse_json, read_model
from ivigil.cli.writing import OVERWRITE, check_page, check_target, save
from ivigil.errors import BadInput, UsageError, visible
from ivigil.knowledge.loading import Knowledge
from ivigil.prescription.plan import Plan, Signature, check_signature

if TYPE_CHECKING:
    from ivigil.infusion.bedside import Bedside
    from ivigil.infusion.record import Record
    from ivigil.knowledge.protocol import Protocol

NO_SC = ("A start under the skin has no session at a chair.", "Give a plan for a vein.")
PROTOCOL = typer.Option(None, help="A site's whole protocol (TOML) instead of the shipped one.")
LARGEST_EVENTS = 100_000_000
#: So many sessions of a file are named in a message.
SESSIONS_NAMED = 5
#: What a message calls a line of the events.
LINE = "this line"
MOST_INFUSIONS = 1000

infuse_app = typer.Typer(
    help="At the chair: the pack, the record of a session, and simulated sessions.", no_args_is_help=True
)
protocol_app = typer.Typer(help="Protocols of the chair.", no_args_is_help=True)
infuse_app.add_typer(protocol_app, name="protocol")


@infuse_app.command("pack")
def pack_command(
    plan: str = typer.Argument(help="Plan (JSON), or - for standard input."),
    signature: str = typer.Option(help="Signature (JSON) of this very plan."),
    infusion: int = typer.Option(1, min=1, help="Which infusion of the plan."),
    protocol: Path | None = PROTOCOL,
    json_: bool = typer.Option(False, "--json", help="The pack as JSON on standard output."),
    pdf: Path | None = typer.Option(None, help="Write the page that serves a nurse without a screen."),
    paper: str | None = typer.Option(None, help="a4 (which it is without this) or us-letter."),
    overwrite: bool = OVERWRITE,
) -> int:
    """Everything for one infusion without a network: rates, times, symptoms, and the reaction card with its doses.

    Exit code 3 where something blocks the plan, 4 where it does not hold or the signature may not stand under it.
    """
    from ivigil.infusion.pack import as_json, make_pack
    from ivigil.sources import cite

    size = check_page(pdf, paper)
    if pdf is not None:
        check_target(pdf, "--pdf", (plan, signature, protocol), overwrite=overwrite)
    knowledge = open_knowledge()
    read = checked_vein_plan(plan, knowledge, *NO_SC, permits=True)
    signed = read_model(Signature, signature, "--signature")
    now = datetime.now().astimezone()
    check_signature(read, signed, knowledge.policies.acceptance, now)
    bed = _bedside(read, infusion, knowledge, protocol)
    made = make_pack(bed, signed, now, lambda name: cite(knowledge.source(name)))
    if pdf is not None:
        from ivigil.documents.infusion_sheets import pack_pdf

        save(pdf, pack_pdf(made, read, size), "--pdf", (plan, signature, protocol), overwrite=overwrite)
    if json_:
        typer.echo(as_json(made))
    elif pdf is None:
        from rich.console import Console

        from ivigil.documents.infusion_terminal import render_pack

        render_pack(made, Console())
    return EXIT_DONE


@infuse_app.command("replay")
def replay_command(
    events: str = typer.Argument(help="Events (NDJSON, one a line), or - for standard input."),
    plan: str = typer.Option(help="The plan (JSON) that the session ran."),
    infusion: int | None = typer.Option(None, min=1, help="Which infusion; else the one the session was opened with."),
    session: str | None = typer.Option(None, help="Which session, where the file holds several."),
    protocol: Path | None = PROTOCOL,
    json_: bool = typer.Option(False, "--json", help="The record as JSON on standard output."),
    pdf: Path | None = typer.Option(None, help="Write the infusion record."),
    paper: str | None = typer.Option(None, help="a4 (which it is without this) or us-letter."),
    overwrite: bool = OVERWRITE,
) -> int:
    """What happened in a session: timeline, what was due and missed, deviations, and where every gram went.

    Nothing is lost: what is no event of the session is listed for review.
    """
    from ivigil.infusion.record import gather
    from ivigil.infusion.report import report

    size = check_page(pdf, paper)
    if pdf is not None:
        check_target(pdf, "--pdf", (plan, events, protocol), overwrite=overwrite)
    knowledge = open_knowledge()
    read = checked_vein_plan(plan, knowledge, *NO_SC, as_json=json_)
    raws = tuple(_events(events))
    name = _session(raws, read.plan_id, infusion) if session is None else _named(raws, session)
    bed = _bedside(read, infusion or _opened_with(raws, name) or 1, knowledge, protocol)
    record = gather(raws, name, bed.protocol)
    _same_protocol(record, bed.protocol, as_json=json_)
    _recorded_once(raws, name, bed, as_json=json_)
    made = report(record, bed)
    if pdf is not None:
        from ivigil.documents.infusion_sheets import record_pdf

        save(pdf, record_pdf(made, read, size), "--pdf", (plan, events, protocol), overwrite=overwrite)
    if json_:
        typer.echo(made.model_dump_json(by_alias=True))
    elif pdf is None:
        from rich.console import Console

        from ivigil.documents.infusion_terminal import render_report

        render_report(made, bed, Console())
    return EXIT_DONE


@infuse_app.command("simulate")
def simulate_command(
    sessions: int = typer.Option(min=1, max=1_000_000, help="How many sessions."),
    seed: int = typer.Option(min=0, help="The same seed gives the same sessions."),
    plan: str | None = typer.Option(None, help="The plan (JSON) they run; else a shipped synthetic patient's."),
    experienced: bool = typer.Option(False, "--experienced", help="The shipped patient with many earlier infusions."),
    premedicated: bool = typer.Option(False, "--premedicated", help="With premedication."),
    protocol: Path | None = PROTOCOL,
    json_: bool = typer.Option(False, "--json", help="The counts as JSON on standard output."),
) -> int:
    """Synthetic sessions by published rates of reactions: what happens how often, and that nothing forbidden is permitted."""
    from random import Random

    from ivigil.infusion.simulation import simulate

    if plan is not None and experienced:
        raise UsageError("--experienced", None, "A plan that is given has its own patient.", "Give one of them.")
    knowledge = open_knowledge()
    made = (
        _shipped_plan(knowledge, experienced=experienced)
        if plan is None
        else checked_vein_plan(plan, knowledge, *NO_SC, as_json=json_)
    )
    bed = _bedside(made, 1, knowledge, protocol)
    tally = simulate(bed, knowledge.reaction_rates, Random(seed).random, sessions, premedicated=premedicated)
    told = {
        "sessions": tally.sessions,
        "seed": seed,
        "pattern": bed.infusion.pattern,
        "completed": tally.completed,
        "stopped_early": tally.stopped,
        "sessions_with_reaction": tally.sessions_with_reaction,
        "by_worst_grade": dict(sorted(tally.by_grade.items())),
        "anaphylaxis": tally.anaphylaxis,
        "events": tally.events,
        "permissions_asked": tally.asked,
        "forbidden_asked": tally.forbidden_asked,
        "forbidden_permitted": tally.forbidden_permitted,
        "deviations": tally.deviations,
        "replays_that_differ": tally.replays_that_differ,
        "grams_hung": float(tally.grams_hung),
        "grams_given": float(tally.grams_given),
        "grams_left": float(tally.grams_left),
        "grams_balance": tally.balances,
        "synthetic": True,
    }
    if json_:
        typer.echo(json.dumps(told))
    else:
        for name, value in told.items():
            shown = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
            typer.echo(f"{name.replace('_', ' '):26}{shown}")
    return EXIT_DONE


@protocol_app.command("check")
def check_command(
    file: Path = typer.Argument(help="A protocol (TOML) in the form of the shipped one."),
    json_: bool = typer.Option(False, "--json", help="The rows as JSON on standard output."),
) -> int:
    """Check a site's protocol as the shipped one is checked: its form, its words, its sources, and what no protocol may say.

    Exit code 4 where it does not hold.
    """
    from ivigil.cli.chair_protocol import site_protocol

    found: list[BadInput] = []
    try:
        found += site_protocol(file, open_knowledge())[1]
    except BadInput as problem:
        found.append(problem)
    wrong = [one.as_json()["error"] for one in found]
    if json_:
        typer.echo(json.dumps({"file": str(file), "errors": wrong}, ensure_ascii=False))
    elif wrong:
        for row in wrong:
            said = "" if row["value"] is None else f": {row['value']}"
            typer.echo(f"✗ {row['where']}{said}\n  {row['rule']}\n  → {row['remedy']}")
    else:
        typer.echo(f"✓ {file}: holds")
    return EXIT_BAD_INPUT if wrong else EXIT_DONE


# ---- opening


def _bedside(plan: Plan, number: int, knowledge: Knowledge, protocol: Path | None) -> Bedside:
    from ivigil.cli.chair_protocol import chair_protocol
    from ivigil.infusion.bedside import bedside

    policies = knowledge.policies
    ruling = chair_protocol(protocol, knowledge)
    return bedside(plan, number, ruling, policies.monitoring, policies.acceptance.sign_roles.items)


def _same_protocol(record: Record, ruling: Protocol, *, as_json: bool) -> None:
    """Say it where a session was opened with a protocol other than the one that the record is now read by."""
    from ivigil.infusion.events import Opened

    told = {one.data.protocol for _, one in record.standing if isinstance(one.data, Opened)}
    for name in sorted(told - {ruling.id, ruling.name}):
        aside(
            "--protocol",
            f"The session was opened with the protocol {visible(name)}; this record is read by {ruling.id}.",
            "Give the one that ruled with --protocol.",
            as_json=as_json,
        )


def _recorded_once(raws: Iterable[object], session: str, bed: Bedside, *, as_json: bool) -> None:
    """Say it where the file holds another session of the same infusion: neither counts what the other gave."""
    others = _sessions(raws, bed.plan.plan_id, bed.infusion.number) - {session}
    for name in sorted(others):
        aside(
            "EVENTS",
            f"Infusion {bed.infusion.number} of this plan was opened in the session {visible(name)} as well; "
            f"this record is of {visible(session)} alone.",
            "Read the other with --session, and add up what both gave.",
            as_json=as_json,
        )


def _events(path: str) -> Iterable[object]:
    """Each line's JSON; a line that is none is kept as its text, with what is wrong, for review."""
    try:
        text = _of_standard_input() if path == "-" else _of_file(path)
    except OSError as problem:
        raise BadInput(
            "EVENTS", path, "The file must be readable.", f"Check the path: {problem.strerror}."
        ) from problem
    if len(text) > LARGEST_EVENTS:
        raise BadInput(
            "EVENTS",
            path,
            f"The events of one session fill less than {LARGEST_EVENTS} bytes.",
            "Give one session's events.",
        )
    _no_list(text, path)
    # What some editors put before the first line says how the file is written; it is no part of that line.
    # Lines end as the bytes say, so that one torn byte spoils its own line alone.
    for raw in text.removeprefix(BYTE_ORDER_MARK.encode()).split(b"\n"):
        if raw.strip():
            yield _line(raw)


def _no_list(text: bytes, path: str) -> None:
    """Refuse one JSON list of events: every line but the last would be torn, and the record of that one alone."""
    bare = text.strip()
    if not (bare.startswith(b"[") and bare.endswith(b"]")):
        return
    try:
        parse_json(bare.decode("utf-8"), "EVENTS")
    except (BadInput, UnicodeDecodeError):
        return
    raise BadInput(
        "EVENTS", path, "Events stand one a line; this file is one JSON list.", "Write each on a line of its own."
    )


def _line(raw: bytes) -> object:
    from ivigil.infusion.record import Torn

    kept = raw.decode("utf-8", "backslashreplace").strip()
    try:
        return parse_json(raw.decode("utf-8"), LINE)
    except UnicodeDecodeError as problem:
        return Torn(kept, f"byte {problem.start + 1}: This is not UTF-8. Save the file as UTF-8.")
    except BadInput as problem:
        # A line is the first of its own text; which of the file it is, its place among the others must not tell.
        where = f"{problem.where} {problem.value}".removeprefix(f"{LINE} ").removeprefix("line 1, ")
        return Torn(kept, f"{where}: {problem.rule} {problem.remedy}")


def _of_file(path: str) -> bytes:
    """No more than is refused: a device gives zeros without an end."""
    with Path(path).open("rb") as stream:
        return stream.read(LARGEST_EVENTS + 1)


def _of_standard_input() -> bytes:
    import sys

    buffer = getattr(sys.stdin, "buffer", None)
    most = LARGEST_EVENTS + 1
    return sys.stdin.read(most).encode() if buffer is None else bytes(buffer.read(most))


def _session(raws: Iterable[object], plan_id: str, infusion: int | None = None) -> str:
    """Of the sessions that were opened with this plan and infusion, else with this plan, else of all, the one that most lines name."""
    raws = tuple(raws)
    names = Counter(one for raw in raws if (one := _session_of(raw)) is not None)
    if not names:
        from ivigil.infusion.record import Torn

        torn = next((raw.why for raw in raws if isinstance(raw, Torn)), None)
        raise BadInput(
            "EVENTS",
            None,
            "No line is an event of a session." + (f" The first: {torn}" if torn else ""),
            "Give the events of one session, one a line, as UTF-8.",
        )
    ours = _sessions(raws, plan_id, infusion) or _sessions(raws, plan_id) or set(names)
    return max(sorted(ours), key=names.__getitem__)


def _named(raws: Iterable[object], session: str) -> str:
    """The session that was asked for, if a line is of it."""
    names = {one for raw in raws if (one := _session_of(raw)) is not None}
    if session not in names:
        told = ", ".join(sorted(names)[:SESSIONS_NAMED]) or "none"
        raise BadInput(
            "--session", session, f"No event is of this session; the file holds {told}.", "Give one of them."
        )
    return session


def _session_of(raw: object) -> str | None:
    name = raw.get("session") if isinstance(raw, dict) else None
    return name if isinstance(name, str) else None


def _sessions(raws: Iterable[object], plan_id: str, infusion: int | None = None) -> set[str]:
    """Sessions that were opened with a plan, and with one infusion of it where that is asked."""
    return {name for raw in raws if (name := _session_of(raw)) is not None and _opens(raw, plan_id, infusion)}


def _opens(raw: object, plan_id: str, infusion: int | None) -> bool:
    data = raw.get("data") if isinstance(raw, dict) and raw.get("type") == "opened" else None
    return isinstance(data, dict) and data.get("plan_id") == plan_id and infusion in (None, data.get("infusion"))


def _opened_with(raws: Iterable[object], session: str) -> int | None:
    for raw in raws:
        if not isinstance(raw, dict) or raw.get("session") != session:
            continue
        if raw.get("type") == "opened" and isinstance(raw.get("data"), dict):
            number = raw["data"].get("infusion")
            if isinstance(number, int | Decimal) and 0 < number <= MOST_INFUSIONS and number == int(number):
                return int(number)
    return None


def _shipped_plan(knowledge: Knowledge, *, experienced: bool) -> Plan:
    """The plan of a synthetic patient that is shipped for simulation."""
    from ivigil.patient import read_patient
    from ivigil.prescription.making import make_plan
    from ivigil.prescription.request import Request

    name = "experienced" if experienced else "first"
    raw = json.loads((files("ivigil.cli") / "synthetic" / f"{name}.json").read_text("utf-8"), parse_float=Decimal)
    request = Request(
        patient=read_patient(raw["patient"], limits_of(knowledge)),
        region=raw["region"],
        start=datetime.fromisoformat(raw["start"]),
        product=raw["product"],
    )
    return make_plan(request, formulary_of(knowledge, raw["indication"]))
