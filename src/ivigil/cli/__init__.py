"""The command line: parses, calls the rules, shows what they said. It decides nothing clinical."""

from __future__ import annotations

import sys

EXIT_DONE, EXIT_OUR_FAULT, EXIT_USAGE, EXIT_BLOCKED, EXIT_BAD_INPUT = 0, 1, 2, 3, 4


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 done, 1 our fault, 2 usage, 3 blocked, 4 bad input.
    """
    try:
        from ivigil.cli.app import run

        code = run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # while modules are still being read
        code = 130
    sys.exit(code)
