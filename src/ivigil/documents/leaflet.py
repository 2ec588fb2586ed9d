"""A plan in the patient's own words: their day as a timeline, what to expect, when to call for help.

It decides nothing. Times and amounts are the plan's; statements of fact are data with their sources; the words are those
of one language, and a sheet with an untranslated sentence is never made.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

from ivigil.documents.leaflet_day import Day
from ivigil.documents.leaflet_fitting import fitted
from ivigil.documents.leaflet_start import start_leaflet
from ivigil.documents.leaflet_writing import Cited, Facts, Writer, frame, nothing_to_tell
from ivigil.documents.pdf import PAPERS, compile_pdf, drawable, each_text
from ivigil.documents.texts import Texts
from ivigil.documents.wording import breakable, together, visible
from ivigil.errors import BadInput
from ivigil.knowledge.products import Route
from ivigil.prescription.plan import Plan, check_unchanged
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan

__all__ = ["Facts", "leaflet", "leaflet_pdf", "pages_of"]

Json = dict[str, Any]

LONGEST_NOTE = 90
"""So many signs of a telephone number or a place fit on their lines."""
MOST_PAGES = 2
SIZES_PT = (13, 12.5, 12, 11.5, 11, 10.5, 10)
"""Type sizes, largest first: the first that fits on two pages is taken."""
_PAGES = re.compile(rb"/Count (\d+)")


def leaflet_pdf(
    plan: Plan | SubcutaneousPlan,
    facts: Facts,
    lang: str = "en",
    paper: str = "a4",
    phone: str | None = None,
    where: str | None = None,
) -> bytes:
    """The leaflet on two pages at most.

    Raises:
        BadInput: a blocked or altered plan, an unknown language or paper, a telephone or place that is too long.
    """
    if paper not in PAPERS:
        raise BadInput("--paper", paper, "The sheet is made for two papers.", f"Use {' or '.join(PAPERS)}.")
    template = (files("ivigil.documents") / "templates" / "leaflet.typ").read_bytes()
    said = each_text(told(plan, facts, lang, phone, where), lambda text: together(visible(text)))
    shown = json.dumps(each_text(drawable(said), breakable), ensure_ascii=False)
    made = b""
    for size in SIZES_PT:
        made = compile_pdf(template, {"paper": paper, "leaflet": shown, "size": f"{size}"})
        if pages_of(made) <= MOST_PAGES:
            break
    return made


def told(
    plan: Plan | SubcutaneousPlan, facts: Facts, lang: str, phone: str | None = None, where: str | None = None
) -> Json:
    """Everything the leaflet shows, of a plan of either route."""
    if isinstance(plan, Plan):
        return leaflet(plan, facts, lang, phone, where)
    return start_leaflet(plan, facts, lang, note(phone, "--phone"), note(where, "--where"))


def pages_of(pdf: bytes) -> int:
    """How many pages a PDF made here has."""
    found = _PAGES.search(pdf)
    assert found is not None
    return int(found[1])


def leaflet(plan: Plan, facts: Facts, lang: str, phone: str | None = None, where: str | None = None) -> Json:
    """Everything the leaflet shows, as plain JSON: the paper and the page lay out the same words."""
    check_unchanged(plan)
    ordered = plan.prescription
    if plan.status != "planned" or ordered is None or not plan.infusions:
        raise nothing_to_tell(plan.status)
    if facts.product is not None and facts.product.route is not Route.IV:
        raise BadInput(
            "product",
            facts.product.brand,
            "This leaflet explains an infusion into a vein; this product is given under the skin.",
            "Plan its start with --route sc, and explain that plan.",
        )
    facts = replace(facts, statements=fitted(facts.statements, plan, ordered))
    at_home = ordered.setting == "home"
    texts = Texts(lang, ordered.region)
    called = note(phone, "--phone")
    cited = Cited(facts.source_of)
    writer = Writer(plan, ordered, facts, texts, cited)
    say = texts.say
    return {
        **frame(plan, texts, called),
        "title": say("Your immunoglobulin infusion"),
        "medicine": writer.medicine(),
        "explained": {"title": say("What is it?"), "rows": writer.explained()},
        "day": Day(plan, ordered, facts.statements, texts, writer).told(note(where, "--where")),
        "before": {
            "title": say("Before your nurse comes") if at_home else say("Before you come"),
            "rows": writer.rows(facts.statements.before.values()),
        },
        "bring": {
            "title": say("What to have ready") if at_home else say("What to bring"),
            "rows": writer.rows(facts.statements.bring.values()),
        },
        "often": {"title": say("What you may feel"), "rows": writer.rows(facts.statements.signs.often.values())},
        "help": writer.help(called),
        "then": {"title": say("What happens then"), "rows": writer.rows(facts.statements.signs.then.values())},
        "course": {"title": say("How often, and when next"), "rows": writer.course()},
        "later": {"title": say("Later"), "rows": writer.later()},
        "sources": writer.sources(),
    }


def note(text: str | None, option: str) -> str:
    """What stands on one line of the sheet, empty where nothing was given."""
    given = (text or "").strip()
    if len(given) > LONGEST_NOTE or "\n" in given:
        raise BadInput(option, given[:LONGEST_NOTE], f"It stands on one line of {LONGEST_NOTE} signs.", "Shorten it.")
    return given
