"""The clinician's summary as one HTML file: the words of the page on paper, nothing loaded from elsewhere, no script."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from ivigil.documents.summary import summary
from ivigil.documents.wording import visible
from ivigil.prescription.plan import Plan, check_unchanged

Json = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; --ink: #18212b; --soft: #4a5561; --ground: #fff; --line: #c4cad2;
  --blocks: #a3161a; --warns: #8a5200; --informs: #1b5fa8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf1; --soft: #b4bec9; --ground: #14191f; --line: #414c58; --blocks: #ff8f8a; --warns: #f0b45c; --informs: #8cc0ff; }
}
body { margin: 0 auto; padding: 1.5rem 1.25rem 3rem; max-width: 60rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 1.6rem 0 .5rem; border-bottom: 2px solid; }
p { margin: .3rem 0; }
small, .soft, code, footer { color: var(--soft); font-size: .85rem; }
.badge { border: 2px dashed; padding: .1rem .6rem; font-weight: 700; }
.none { border: 3px solid var(--blocks); padding: .5rem .8rem; font-weight: 700; }
.findings { list-style: none; padding: 0; }
.findings li { display: grid; grid-template-columns: 6.5rem 1fr; gap: .6rem; margin: .5rem 0; }
.blocks { color: var(--blocks); } .warns { color: var(--warns); } .informs { color: var(--informs); }
dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; margin: 0 0 .8rem; }
dt { color: var(--soft); } dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
footer { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: .6rem; }
@media print { body { font-size: 10pt; max-width: none; padding: 0; } @page { margin: 14mm; } li, tr { break-inside: avoid; } }
"""
SIGNS = {"blocks": "■", "warns": "▲", "informs": "●"}


def summary_html(plan: Plan) -> str:
    """The summary as a whole HTML document; on a screen nothing has to be left out.

    Raises:
        BadInput: an altered plan.
    """
    check_unchanged(plan)
    said = summary(plan)
    synthetic = ' <span class="badge">SYNTHETIC PATIENT</span>' if said["synthetic"] else ""
    blocked = ' <span class="badge blocks">BLOCKED</span>' if said["status"] == "blocked" else ""
    parts = [
        f"<header><h1>Summary: {_text(said['indication'])}</h1>",
        f"<p>Patient <strong>{_text(said['patient'])}</strong> · plan <code>{_text(said['plan_short'])}</code>{blocked}{synthetic}</p>",
        '<p class="soft">For reading. Not an order: give only from the signed plan.</p></header>\n<main>',
        f'<h2>Findings</h2>\n<ul class="findings">{"".join(map(_finding, said["findings"]))}</ul>'
        if said["findings"]
        else "<h2>Findings</h2>\n<p>None.</p>",
        "<h2>Plan</h2>",
        '<p class="none">None: blocked. Nothing may be given on this page.</p>'
        if said["plan"] is None
        else _plan(said["plan"]),
        f"<p><small>Products: {_text(said['candidates'])}</small></p>" if said["candidates"] else "",
        _section(
            "Accepted", (f"<code>{_text(one['code'])}</code> by {_text(one['said'])}" for one in said["accepted"])
        ),
        _section("References", map(_reference, said["references"])),
        "</main>",
        f"<footer><p>{_text(said['notice'])} {_text(said['made_with'])}. Valid until {_text(said['valid_until'])}.</p></footer>",
    ]
    title = _text(f"Summary · {said['plan_short']}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{chr(10).join(filter(None, parts))}\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    return escape(visible(text))


def _section(title: str, rows: Iterable[str]) -> str:
    items = "".join(f"<li>{row}</li>" for row in rows)
    return f"<h2>{title}</h2>\n<ol>{items}</ol>" if items else ""


def _finding(row: Json) -> str:
    severity = row["severity"]
    rest = [
        f"<em>({_text(row['unverified'])})</em>" if row["unverified"] else "",
        f"→ {_text(row['remedy'])}" if row["remedy"] else "",
        f"<strong>{_text(row['accepted'])}</strong>" if row["accepted"] else "",
        f"<code>{_text(row['code'])}</code>",
    ]
    return (
        f'<li><strong class="{severity}">{SIGNS[severity]} {severity}</strong>'
        f"<span>{_text(row['text'])} {row['cited']} {' '.join(filter(None, rest))}</span></li>"
    )


def _plan(plan: Json) -> str:
    rows = "".join(
        f"<dt>{row['label']}</dt><dd>{_text(row['value'])} {_text(row['cited'])}</dd>" for row in plan["rows"]
    )
    days = "".join(
        f"<tr><td>{_text(day['number'])}</td><td>{_text(day['date'])}</td>"
        f"<td>{_text(day['time'])}<br><small>{_text(day['duration'])}</small></td>"
        f"<td><strong>{_text(day['dose'])}</strong></td><td>{_text(day['vials'])}</td>"
        f"<td>{_text(day['rates'])} {_text(day['cited'])}<br><small>{_text(day['max'])}</small></td></tr>"
        for day in plan["days"]
    )
    heads = "".join(
        f'<th scope="col">{one}</th>' for one in ("day", "date", "time", "dose", "vials", "pump, mL/h (maximum)")
    )
    return (
        f'<dl>{rows}</dl>\n<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{days}</tbody></table></div>'
    )


def _reference(row: Json) -> str:
    rest = f'. <span class="soft">{_text(row["rest"])}</span>' if row["rest"] else ""
    return f"{_text(row['title'])}{rest}"
