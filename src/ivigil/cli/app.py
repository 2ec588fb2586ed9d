"""The command tree, and how every failure is told."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperOption

from ivigil import __version__
from ivigil.cli import EXIT_OUR_FAULT, EXIT_USAGE
from ivigil.cli.assess import ask_command, assess_command, explain_app
from ivigil.cli.forecast import forecast_command
from ivigil.cli.kinetics import kinetics_app
from ivigil.cli.knowledge import knowledge_app
from ivigil.cli.leaflet import leaflet_command, summary_command
from ivigil.cli.plan import plan_command
from ivigil.cli.sign import print_command, sign_command
from ivigil.cli.simulate import simulate_command
from ivigil.errors import BadInput, IvigilError, UsageError

#: Typer carries its own copy of click; what it exports leads to the base of all usage errors.
UsageProblem = cast(
    "type[typer.BadParameter]", next(base for base in typer.BadParameter.__mro__ if base.__name__ == "UsageError")
)

ENDED_BY_CTRL_C, ENDED_BY_PIPE = 130, 141
"""As a shell tells a program that SIGINT (2) or SIGPIPE (13) ended: 128 and the signal's number."""


class Once(TyperCommand):
    """A command whose options are each given once: of two values one would be dropped unseen."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own copy of click
        """Refuse an option that is given twice."""
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        options = [one for one in given if isinstance(one, TyperOption) and not one.multiple and not one.is_flag]
        for place, option in enumerate(options):
            if option in options[:place]:
                raise UsageError(option.opts[0], None, "This option is given twice.", "Give it once.")
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="ivigil",
    help="Immunoglobulin (IVIG) therapy, end to end. Informs a clinician's decision; never decides alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("plan")(plan_command)
app.command("assess")(assess_command)
app.command("ask")(ask_command)
app.command("sign")(sign_command)
app.command("print")(print_command)
app.command("leaflet")(leaflet_command)
app.command("summary")(summary_command)
app.command("forecast")(forecast_command)
app.command("simulate")(simulate_command)
app.add_typer(explain_app, name="explain")
app.add_typer(kinetics_app, name="kinetics")
app.add_typer(knowledge_app, name="knowledge")
for _group in (app, explain_app, kinetics_app, knowledge_app):
    for _command in _group.registered_commands:
        _command.cls = Once


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ivigil {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Immunoglobulin (IVIG) therapy, end to end. Informs a clinician's decision; never decides alone."""


def run(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    as_json = "--json" in arguments
    if sys.stdout is None:
        return _tell(_unwritten("it is closed"), as_json)
    try:
        code = app(arguments, prog_name="ivigil", standalone_mode=False)
        sys.stdout.flush()
    except IvigilError as problem:
        return _tell(problem, as_json)
    except UsageProblem as problem:
        if not arguments or _is_help(problem):
            typer.echo(problem.format_message())
            return EXIT_USAGE
        return _tell(_usage(problem), as_json)
    except (typer.Abort, KeyboardInterrupt):
        return ENDED_BY_CTRL_C
    except (BrokenPipeError, SystemExit):
        # The reader (``head``, ``less``) has seen enough; rich leaves by SystemExit then.
        _forget_output()
        return ENDED_BY_PIPE
    except OSError as problem:
        if problem.filename is not None:
            return _our_fault(problem, as_json)
        # Files are opened by name and refused where they are opened: only a stream that is open already has none.
        _forget_output()
        return _tell(_unwritten(problem.strerror or type(problem).__name__), as_json)
    except Exception as problem:
        return _our_fault(problem, as_json)
    return code if isinstance(code, int) else 0


def _forget_output() -> None:
    """What is still to be written goes nowhere: a second try at the end would only fail again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unwritten(why: str) -> BadInput:
    return BadInput(
        "standard output", None, f"The result could not be written: {why}.", "Write it elsewhere; it is not complete."
    )


def _is_help(problem: typer.BadParameter) -> bool:
    """A group called without a command shows its help."""
    return type(problem).__name__ == "NoArgsIsHelpError"


def _usage(problem: typer.BadParameter) -> UsageError:
    path = problem.ctx.command_path if problem.ctx else "ivigil"
    return UsageError("command line", None, problem.format_message(), f"`{path} --help` shows how to call it.")


def _tell(problem: IvigilError, as_json: bool) -> int:
    if as_json:
        typer.echo(json.dumps(problem.as_json(), ensure_ascii=False), err=True)
    else:
        shown = "" if problem.value is None else f": {problem.value}"
        typer.echo(f"✗ {problem.where}{shown}\n  {problem.rule}\n  → {problem.remedy}", err=True)
    return problem.exit_code


def _our_fault(problem: Exception, as_json: bool) -> int:
    """A fault of ivigil itself: said as such, without patient data; the trace only when asked for."""
    if os.environ.get("IVIGIL_DEBUG"):
        traceback.print_exc()
    said = {
        "where": "ivigil",
        "value": type(problem).__name__,
        "rule": "This is a fault of ivigil, not of your input.",
        "remedy": "Run again with IVIGIL_DEBUG=1 and report the trace without patient data.",
    }
    if as_json:
        typer.echo(json.dumps({"error": said}), err=True)
    else:
        typer.echo(f"✗ {said['rule']} ({said['value']})\n  → {said['remedy']}", err=True)
    return EXIT_OUR_FAULT
