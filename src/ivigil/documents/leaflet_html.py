"""The leaflet as one HTML file: nothing loaded from elsewhere, no script, readable by a screen reader, printable."""

from __future__ import annotations

from html import escape
from typing import Any

from ivigil.documents.leaflet import Facts, told
from ivigil.documents.wording import visible
from ivigil.prescription.plan import Plan
from ivigil.prescription.subcutaneous.plan import SubcutaneousPlan

Json = dict[str, Any]

WIDE, HIGH, BELOW = 1000, 110, 66
ROOM = 46
"""Room for the disc of one station: on a telephone a thousandth of the picture is a third of a pixel."""
DISC = 21

STYLE = """
:root { color-scheme: light dark; --ink: #18212b; --soft: #4a5561; --ground: #fff; --tint: #eef1f5; --line: #c4cad2;
  --stair: #cfd9e4; --loud: #a3161a; --on-loud: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf1; --soft: #b4bec9; --ground: #14191f; --tint: #202831; --line: #414c58; --stair: #3b4a5a;
    --loud: #ff8f8a; --on-loud: #14191f; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 3rem; max-width: 46rem; background: var(--ground); color: var(--ink);
  font: 1.125rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 2rem; line-height: 1.15; margin: .5rem 0 1rem; }
h2 { font-size: 1.35rem; line-height: 1.2; margin: 2rem 0 .5rem; }
p { margin: 0 0 .6rem; }
ul { margin: 0; padding-left: 1.3rem; }
li { margin: .25rem 0; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; font-weight: 700; }
sup { font-size: .65em; line-height: 0; white-space: nowrap; }
sup a { color: var(--soft); text-decoration: none; }
sup a:hover, sup a:focus { text-decoration: underline; }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px; }
.top { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .5rem; align-items: center; }
.badge { border: 2px dashed; padding: .1rem .6rem; font-weight: 700; letter-spacing: .06em; }
.banner { background: var(--tint); padding: .6rem .9rem; border-left: 4px solid var(--ink); }
.day { list-style: none; padding: 0; counter-reset: station; margin: 1rem 0 0; }
.day > li { display: grid; grid-template-columns: 2.2rem 11rem 1fr; gap: 0 .6rem; margin: .55rem 0; counter-increment: station; }
.day > li::before { content: counter(station); background: var(--ink); color: var(--ground); border-radius: 50%;
  width: 1.7rem; height: 1.7rem; display: grid; place-content: center; font-weight: 700; font-size: .95rem; }
.day time, .day .clock { font-weight: 700; }
.help { border: 4px solid var(--loud); border-radius: 8px; padding: 1rem 1.2rem; margin: 2rem 0; }
.help h2 { color: var(--loud); margin-top: 0; font-size: 1.6rem; }
.help ul { list-style: none; padding: 0; }
.help li { font-weight: 700; padding-left: 1.6rem; position: relative; }
.help li::before { content: "▲"; content: "▲" / ""; color: var(--loud); position: absolute; left: 0; }
.help .call { background: var(--loud); color: var(--on-loud); border-radius: 6px; padding: .6rem .9rem; margin: .8rem 0; }
.help .call strong { font-size: 1.4rem; }
.phone { background: var(--tint); border-radius: 8px; padding: .2rem 1.2rem 1rem; margin-top: 2rem; }
.phone h2 { margin-top: 1rem; }
.phone .number { font-size: 1.5rem; font-weight: 700; }
.phone .blank { border-bottom: 2px solid; height: 2.4rem; }
svg { width: 100%; height: auto; display: block; margin-top: 1rem; }
details, .sources, footer { font-size: .9rem; color: var(--soft); }
details { margin-top: 2rem; }
summary { cursor: pointer; font-weight: 700; padding: .4rem 0; }
footer { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: .8rem; }
footer strong { color: var(--ink); }
@media (max-width: 36rem) { .day > li { grid-template-columns: 2.2rem 1fr; } .day > li > :last-child { grid-column: 2; } }
@media print {
  :root { --ink: #000; --soft: #333; --ground: #fff; --tint: #fff; --loud: #a3161a; --on-loud: #fff; --stair: #d8dde3; }
  body { font-size: 12pt; line-height: 1.25; max-width: none; padding: 0; }
  h1 { font-size: 18pt; margin: 0 0 .4rem; }
  h2, .help h2 { font-size: 13.5pt; margin: .7rem 0 .2rem; break-after: avoid; }
  li, .day > li { margin: .1rem 0; }
  .help, .phone { margin: .8rem 0 0; padding: .4rem 1rem; }
  .help ul { columns: 2; }
  .help li { break-inside: avoid; }
  details.sources { font-size: 7pt; line-height: 1.2; margin-top: .6rem; }
  details a { color: inherit; text-decoration: none; }
  summary { padding: 0; }
  .help, .phone, .day > li, svg { break-inside: avoid; }
  .help .call { background: none; color: var(--loud); border: 2px solid; }
  details:not([open]) > *:not(summary) { display: block; }
  details::details-content { content-visibility: visible; height: auto; }
  @page { margin: 14mm; }
}
"""


def leaflet_html(
    plan: Plan | SubcutaneousPlan,
    facts: Facts,
    lang: str = "en",
    phone: str | None = None,
    where: str | None = None,
) -> str:
    """The leaflet as a whole HTML document.

    Raises:
        BadInput: as :func:`ivigil.documents.leaflet.leaflet`.
    """
    said = told(plan, facts, lang, phone, where)
    title = _text(f"{said['title']} · {said['plan_short']}")
    return (
        f'<!doctype html>\n<html lang="{said["lang"]}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{_body(said)}\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    return escape(visible(text))


def _sentence(row: Json) -> str:
    marks = [
        f'<a href="#source-{number}" aria-label="[{number}]">{number}</a>'
        for number in row["cited"].split(",")
        if number
    ]
    return _text(row["text"]) + (f"<sup>{', '.join(marks)}</sup>" if marks else "")


def _plain(part: Json) -> str:
    return f"<h2>{_text(part['title'])}</h2>\n<p>{' '.join(map(_sentence, part['rows']))}</p>"


def _listed(part: Json) -> str:
    return f"<h2>{_text(part['title'])}</h2>\n{_list(part['rows'])}"


def _list(rows: list[Json]) -> str:
    return f"<ul>{''.join(f'<li>{_sentence(row)}</li>' for row in rows)}</ul>"


def _body(said: Json) -> str:
    badge = f'<span class="badge">{_text(said["synthetic"])}</span>' if said["synthetic"] else ""
    banner = (
        f'<p class="banner"><strong>{_text(said["draft_language"])}</strong><br>'
        f'<span lang="en">{_text(said["draft_language_en"])}</span></p>'
        if said["draft_language"]
        else ""
    )
    medicine = "".join(f"<dt>{_text(row['label'])}</dt><dd>{_text(row['value'])}</dd>" for row in said["medicine"])
    parts = [
        f'<header><p class="top"><span>{_text(said["for"])} <strong>{_text(said["patient"])}</strong></span>{badge}</p>'
        f"{banner}<h1>{_text(said['title'])}</h1></header>",
        "<main>",
        f"<dl>{medicine}</dl>\n<p><small>{_text(said['child'])}</small></p>",
        _plain(said["explained"]),
        _day(said["day"]),
        _listed(said["before"]),
        _listed(said["bring"]),
        _plain(said["often"]),
        _help(said["help"]),
        _plain(said["then"]),
        _plain(said["course"]),
        _plain(said["later"]),
        _phone(said["call"]),
        "</main>",
        _sources(said),
        f"<footer><p><strong>{_text(said['notice'])}</strong><br>"
        f"{_text(said['plan'])} <code>{_text(said['plan_short'])}</code></p></footer>",
    ]
    return "\n".join(parts)


def _day(day: Json) -> str:
    where = f"<p><strong>{_text(day['where'])}</strong></p>" if day["where"] else ""
    rows = "".join(
        f'<li><span class="clock">{_text(row["clock"])}</span>'
        f"<span><strong>{_text(row['what'])}.</strong> {' '.join(map(_sentence, row['rows']))}</span></li>"
        for row in day["stations"]
    )
    others = "".join(f"<p><strong>{_text(row['dates'])}.</strong> {_text(row['text'])}</p>" for row in day["others"])
    if others:
        others = f"<h2>{_text(day['others_title'])}</h2>{others}"
    return (
        f"<h2>{_text(day['title'])}</h2>\n<p><strong>{_text(day['dates'])}.</strong> {_text(day['long'])}</p>{where}"
        f'\n{_picture(day["picture"]) if day["picture"] else ""}\n<ol class="day">{rows}</ol>\n{others}'
    )


def _picture(one: Json) -> str:
    """The day to scale; the list beneath says the same in words."""

    def x(fraction: float) -> str:
        return f"{fraction * WIDE:.1f}"

    points = [f"{x(one['start'])},{HIGH}"]
    for step in one["steps"]:
        top = f"{HIGH - step['high'] * (HIGH - 6):.1f}"
        points += [f"{x(step['from'])},{top}", f"{x(step['to'])},{top}"]
    points.append(f"{x(one['end'])},{HIGH}")
    marks, last = [], float(-ROOM)
    for place, at in enumerate(one["stations"]):
        left = max(last + ROOM, min(at * WIDE - ROOM / 2, WIDE - ROOM * (len(one["stations"]) - place)))
        last = left
        middle = left + ROOM / 2
        marks.append(
            f'<path d="M{x(at)} {HIGH}L{middle:.1f} {HIGH + 18}" stroke="var(--ink)" stroke-width="2"/>'
            f'<circle cx="{middle:.1f}" cy="{HIGH + 18 + DISC}" r="{DISC}" fill="var(--ink)"/>'
            f'<text x="{middle:.1f}" y="{HIGH + 27.5 + DISC}" text-anchor="middle" font-size="27" font-weight="700"'
            f' fill="var(--ground)">{place + 1}</text>'
        )
    return (
        f'<svg viewBox="-2 0 {WIDE + 4} {HIGH + BELOW}" role="img" aria-label="{_text(one["alt"])}">'
        f'<polygon points="{" ".join(points)}" fill="var(--stair)" stroke="var(--ink)" stroke-width="2"/>'
        f'<path d="M0 {HIGH}H{WIDE}" stroke="var(--ink)" stroke-width="4"/>{"".join(marks)}</svg>'
    )


def _help(box: Json) -> str:
    same_day = "; ".join(map(_sentence, box["same_day"]))
    team = f"<strong>{_text(box['team'])}</strong> " if box["team"] else ""
    return (
        f'<section class="help" aria-labelledby="help"><h2 id="help">{_text(box["title"])}</h2>{_list(box["rows"])}'
        f'<p class="call">{_text(box["alone_label"])}: <strong>{_sentence(box["call"])}</strong></p>'
        f"<p>{_sentence(box['during'])}</p>"
        f"<p>{_text(box['same_day_label'])} <strong>{same_day}</strong>. "
        f"{team}{_text(box['no_answer'])}</p>"
        f"<p>{_sentence(box['afterwards'])}</p></section>"
    )


def _phone(call: Json) -> str:
    number = (
        f'<p class="number">{_text(call["phone"])}</p>'
        if call["phone"]
        else f'<div class="blank"></div><p>{_text(call["blank"])}</p>'
    )
    return f'<section class="phone"><h2>{_text(call["title"])}</h2>{number}</section>'


def _sources(said: Json) -> str:
    rows = "".join(
        f'<li id="source-{row["number"]}"><span lang="en">{_text(row["title"])}</span>'
        f"{', ' if row['rest'] else ''}{_text(row['rest'])}. {_address(row['address'])}</li>"
        for row in said["sources"]
    )
    return (
        f'<details class="sources"><summary>{_text(said["sources_title"])}</summary>'
        f"<p>{_text(said['sources_note'])}</p><ol>{rows}</ol></details>"
    )


def _address(address: str) -> str:
    """A link only where it leads to a page of the web."""
    if not address.startswith(("https://", "http://")):
        return _text(address)
    return f'<a href="{escape(address)}" rel="noreferrer">{_text(address)}</a>'
