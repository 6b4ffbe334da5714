"""The command `dlgrade`: the only place that prints, exits or asks for the time of day."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from dlgrade import __version__
from dlgrade.errors import DlgradeError, UsageError
from dlgrade.text import visible

# The commands in the order of --help, each with its module, so that only the one that runs is imported.
_COMMANDS = {
    "start": "Make a folder with every exercise's stub.",
    "check": "Check your solutions, and say what is wrong with them.",
    "doctor": "Say how isolated and how quiet this machine is, and how to improve it.",
    "new": "Write the skeleton of a new exercise.",
    "selftest": "Prove that the exercises' own checks hold.",
    "release": "Derive assignments/ from solutions/.",
    "collect": "Gather a class's submissions.",
    "grade": "Grade a class's submissions.",
    "course": "Say what course.toml means, or every mistake in it.",
    "grades": "Compute grades from a gradebook.",
    "adjust": "Give a student points by hand, or take them, and say why.",
    "stats": "Say how a class did, by exercise and by check.",
    "similar": "Show submissions that are the same, or more alike than chance explains.",
    "export": "Write grades and reports for other programs: Canvas, Gradescope, nbgrader, LTI and more.",
    "feedback": "Write each student a page on what holds, what fails and how the points come about.",
}


class _Commands(click.Group):
    """A group whose commands are imported when they are run, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"dlgrade.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(args[0], _COMMANDS, n=1)
            mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(_COMMANDS)}."
            raise UsageError(f"There is no command {args[0]!r}.", mend=mend)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dlgrade")
@click.option(
    "--course", metavar="DIR", help="The course folder, if not the one around you or the one that came along."
)
@click.pass_context
def group(context: click.Context, course: str | None) -> None:
    """Graded exercises for deep learning: write the code, run `dlgrade check`, read what is wrong."""
    context.obj = course


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; every error leaves as a sentence and an exit code, never as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its escape; nothing is lost to an encoding error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = group.main(arguments, standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except DlgradeError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        _complain("Stopped.")
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        _complain(f"dlgrade itself failed: {type(error).__name__}: {error}\n{_kept()}")
        sys.exit(3)


def _complain(text: str) -> None:
    # A message may name a stranger's file, and a file's name may hold anything.
    said = visible(text, limit=20_000, lines=True)
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {said}", err=True)


def _kept() -> str:
    """Keep the traceback in a file, for whoever mends it; the sentence that says where."""
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile("w", prefix="dlgrade-", suffix=".log", delete=False, encoding="utf-8") as file:
            traceback.print_exc(file=file)
        return f"Nothing of yours is to blame. The details are in {file.name}; please report them."
    except OSError:
        return "Nothing of yours is to blame; please report it."
