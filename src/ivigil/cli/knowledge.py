"""``ivigil knowledge``: what is known, and on whose word."""

from __future__ import annotations

import typer

knowledge_app = typer.Typer(help="What is known, and on whose word.", no_args_is_help=True)
