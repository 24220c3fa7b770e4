"""`runs rerun` and `runs diff`: run again, and compare two runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.base.agreeing import Confirm, Yes, agreed, at_terminal
from commands.base.failures import DONE
from commands.base.inputs import schemas, values
from commands.base.options import Demo, Json, Workspace
from commands.base.run_progress import finish
from commands.base.screen import document, say
from commands.base.session import looked_at, opened
from commands.runs.options import File, Inputs, RunId
from engine.base.errors import UnknownName

if TYPE_CHECKING:
    from commands.base.session import CommandSession
    from engine.record.differences import Difference
    from engine.runs.compare.diff import RunDiff, StepDiff

_MOST_STEPS = 20
_MOST_LINES = 5


def rerun(
    run_id: RunId,
    pairs: Inputs = None,
    file: File = None,
    update: Annotated[
        bool, typer.Option("--update", help="Update what was written before to what this run produces.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write everything again, in addition to what was written before.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Reuse what that run read, and what models answered.")
    ] = False,
    yes: Yes = False,
    confirm: Confirm = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Run it again, with the same inputs; what it wrote is kept."""
    if update and force:
        raise typer.BadParameter("What was written before is either updated or written again, not both.")
    with opened(workspace, demo=demo) as session:
        runs, p = session.orchestra.runs, session.principal
        inputs = values(pairs or [], file, lambda: _schemas(session, run_id))
        receipts = "update" if update else "force" if force else "reuse"
        again = agreed(
            lambda p: runs.rerun(p, run_id, receipts=receipts, replay=replay, inputs=inputs),
            p,
            yes=yes,
            names=confirm,
            is_asked=at_terminal(as_json=as_json) and file != "-",
        )
        return finish(session, again, as_json=as_json)


def diff(
    good: Annotated[str, typer.Argument(metavar="GOOD", help="The id of the run that went well.")],
    bad: Annotated[str, typer.Argument(metavar="BAD", help="The id of the run that did not.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Compare two runs. The first step that differs comes first, then the rest."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.runs.diff(session.principal, good, bad)
    if as_json:
        document(found.as_json())
        return DONE
    for line in _lines(found):
        say(line)
    return DONE


def _lines(found: RunDiff) -> Iterator[str]:
    yield found.sentence
    yield from _part("Workflow and prompts:", found.definition)
    yield from _part("The runs:", found.run)
    if found.first is not None:
        yield from _step("First:", found.first)
    for step in found.rest[:_MOST_STEPS]:
        yield from _step("Then:", step)
    if len(found.rest) > _MOST_STEPS:
        yield f"… and {len(found.rest) - _MOST_STEPS} more steps; `--json` shows all."


def _step(word: str, step: StepDiff) -> Iterator[str]:
    yield from _part(f"{word} {step.path}  {step.title}  ({', '.join(step.kinds)})", step.differences)


def _part(title: str, found: tuple[Difference, ...]) -> Iterator[str]:
    from engine.runs.compare.diff import line

    if not found:
        return
    yield ""
    yield title
    yield from (f"  {line(one)}" for one in found[:_MOST_LINES])
    if len(found) > _MOST_LINES:
        yield f"  … and {len(found) - _MOST_LINES} more"


def _schemas(session: CommandSession, run_id: str) -> Mapping[str, Any]:
    """Return the schemas of the inputs of a run; those it was started with, if its workflow has another name now."""
    run = session.orchestra.runs.get(session.principal, run_id)
    try:
        return schemas(session, run["workflow"])
    except UnknownName:
        inputs = run["definition"]["workflow"].get("inputs") or {}
        found: Mapping[str, Any] = inputs.get("properties") or {}
        return found
