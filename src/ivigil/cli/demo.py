"""``make run``: three synthetic patients planned on the terminal, and one plan as PDF."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from ivigil.cli import EXIT_BLOCKED, EXIT_DONE
from ivigil.cli.app import run

REPOSITORY = Path(__file__).parents[3]
EXAMPLES = REPOSITORY / "examples"
SHOWN = ("01-pi-child-of-2", "08-elderly-thrombosis-renal-cidp", "10-hfi-sorbitol-product")
PRINTED = "03-cidp-bmi-38-loading"


def main() -> int:
    """Plan the shipped examples as a user would; 0 if each ends as its expectation says."""
    if not EXAMPLES.is_dir():
        sys.stderr.write("The demonstration reads examples/ of a checkout; there is none here.\n")
        return EXIT_BLOCKED
    codes = []
    for name in SHOWN:
        expected = _expected(name)
        sys.stdout.write(f"\n{'═' * 78}\n{name}: {expected['what']}\n$ {_spoken(name, expected)}\n{'═' * 78}\n\n")
        sys.stdout.flush()
        codes.append(run(["plan", str(EXAMPLES / name / "patient.json"), *expected["command"]]) == expected["exit"])
    out = REPOSITORY / "out"
    out.mkdir(exist_ok=True)
    pdf = out / f"{PRINTED}.pdf"
    arguments = ["plan", str(EXAMPLES / PRINTED / "patient.json"), *_expected(PRINTED)["command"], "--pdf", str(pdf)]
    arguments.append("--overwrite")
    codes.append(run(arguments) == EXIT_DONE)
    sys.stdout.write(f"\nPDF of the last plan: {pdf.relative_to(REPOSITORY)}\nAll patients are synthetic.\n")
    return EXIT_DONE if all(codes) else EXIT_BLOCKED


def _expected(name: str) -> dict:
    return tomllib.loads((EXAMPLES / name / "expected.toml").read_text("utf-8"))


def _spoken(name: str, expected: dict) -> str:
    words = [f'"{word}"' if " " in word else word for word in expected["command"]]
    return f"ivigil plan examples/{name}/patient.json {' '.join(words)}"


if __name__ == "__main__":
    sys.exit(main())
