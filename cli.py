"""`orchestra`: the command line. Every command ends with an exit code of docs/operations.md, and a sentence."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from commands.commands import Commands
from commands.failures import DONE, Failure, Stop, failure_of, stops_raised
from commands.options import Place
from commands.screen import document, note, say
from engine.garbage import look_rarely

# httpx would bring a command line of its own along, and rich with it: half of the time that its import takes.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

look_rarely()

app = typer.Typer(
    name="orchestra",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich would take longer to import than most commands to run
    pretty_exceptions_enable=False,
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        say(f"orchestra {version('ai-orchestra')}")
        raise typer.Exit


@app.callback()
def everywhere(
    context: typer.Context,
    given: Annotated[
        Path | None,
        typer.Option("--workspace", metavar="DIR", help="The workspace to work in; may also follow the command."),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version, then end.")
    ] = False,
) -> None:
    """Mail becomes Notion tasks, GitHub issues and drafted answers, once each."""
    if given is not None:
        place: Place = context.obj
        place.workspace = given


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (default: that of the process's arguments) and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    place = Place()
    try:
        with stops_raised():
            return int(app(given, standalone_mode=False, obj=place, prog_name="orchestra") or DONE)
    except (Exception, Stop) as error:  # noqa: BLE001 - the last line before the shell: it becomes a sentence
        return _tell(failure_of(error, place.workspace), as_json="--json" in given)


def _tell(failure: Failure, *, as_json: bool) -> int:
    if as_json:
        document(failure.as_json())
    else:
        for line in failure.lines():
            note(line)
    return failure.exit_code


if __name__ == "__main__":
    sys.exit(main())
