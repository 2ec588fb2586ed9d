"""The plan as a PDF: made from the plan alone, the same bytes on every machine, readable by a screen reader."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any, Literal

from ivigil.documents.sheet import sheet
from ivigil.documents.wording import breakable, named, together, visible
from ivigil.errors import BadInput
from ivigil.prescription.plan import Plan, Signature, check_belongs, check_unchanged

Paper = Literal["a4", "us-letter"]
PAPERS: tuple[str, ...] = ("a4", "us-letter")

#: PDF/UA: tagged for screen readers. It also refuses text that no font can draw, which :func:`drawable` relies on.
STANDARD: Literal["ua-1"] = "ua-1"
_UNDRAWABLE = re.compile(r"the text `(\".*\")` could not be displayed", re.DOTALL)
_TYPST_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")
_PROBE = b'#set document(title: "probe", date: none)\n#sys.inputs.text'
_PLAIN = frozenset(map(chr, range(0x20, 0x7F)))


def plan_pdf(plan: Plan, signature: Signature | None, paper: str = "a4") -> bytes:
    """A4 (or US Letter) sheets: DRAFT until signed; a blocked plan holds its reasons and no dose.

    Raises:
        BadInput: the plan was altered, the signature is for another plan or for a blocked one, or the paper is unknown.
    """
    check_unchanged(plan)
    check_paper(paper)
    if signature is not None:
        check_belongs(plan, signature)
    return laid_out("plan.typ", paper, inert(sheet(plan, signature)))


def check_paper(paper: str) -> None:
    """Refuse a paper that no sheet is made for.

    Raises:
        BadInput: the paper is unknown.
    """
    if paper not in PAPERS:
        raise BadInput("--paper", paper, "The sheet is made for two papers.", f"Use {' or '.join(PAPERS)}.")


def laid_out(template: str, paper: str, shown: str, **inputs: str) -> bytes:
    """A sheet of what :func:`inert` made, in the look that the sheets share."""
    look = _template("look.typ") + _template(template)
    return compile_pdf(look, {"paper": paper, "said": shown} | inputs)


def inert(said: dict[str, Any]) -> str:
    """Words that came from anywhere as JSON: hidden signs are spelled out, nothing vanishes, nothing runs over the edge."""
    shown = drawable(each_text(said, lambda text: together(visible(text))))
    return json.dumps(each_text(shown, breakable), ensure_ascii=False)


def compile_pdf(template: bytes, inputs: dict[str, str]) -> bytes:
    """A typst template with its inputs as a tagged PDF."""
    import typst

    made = typst.compile(template, sys_inputs=inputs, ignore_system_fonts=True, pdf_standards=STANDARD)
    assert isinstance(made, bytes)
    return made


def _template(name: str) -> bytes:
    return (files("ivigil.documents") / "templates" / name).read_bytes()


def each_text(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401
    """The same JSON with every text changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [each_text(one, change) for one in value]
    if isinstance(value, dict):
        return {key: each_text(one, change) for key, one in value.items()}
    return value


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def drawable(shown: dict[str, Any]) -> dict[str, Any]:
    """Every character that the embedded fonts lack is named by its number: nothing vanishes from a name."""
    unusual: set[str] = set()
    for text in _texts(shown):
        unusual.update(set(text) - _PLAIN)
    missing: set[str] = set()
    while unusual:
        absent = _first_undrawable(" ".join(sorted(unusual)))
        if absent is None:
            break
        missing |= absent & unusual
        if not absent & unusual:
            raise RuntimeError(f"typst cannot draw {absent!r}, which is not in the text")
        unusual -= absent
    table = {ord(sign): named(sign) for sign in missing}
    return shown if not table else each_text(shown, lambda text: text.translate(table))


def _first_undrawable(text: str) -> set[str] | None:
    import typst

    try:
        compile_pdf(_PROBE, {"text": text})
    except typst.TypstError as problem:
        found = _UNDRAWABLE.search(str(problem))
        if found is None:
            raise
        told = _TYPST_ESCAPE.sub(lambda code: chr(int(code[1], 16)), found[1][1:-1])
        return set(told) - {" "}
    return None
