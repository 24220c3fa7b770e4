"""`runs rerun` and `runs diff`: doing again what ran before, and how two runs differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from commands.failures import DONE
from commands.following import finish
from commands.inputs import schemas, values
from commands.opened import looked_at, opened
from commands.options import Demo, Json, Workspace
from commands.run import File, Inputs
from commands.runs import RunId
from commands.screen import document, say

if TYPE_CHECKING:
    from engine.runs.diff import RunDiff, StepDiff
    from engine.runs.differences import Difference

_MOST_STEPS = 20
_MOST_LINES = 5


def rerun(
    run_id: RunId,
    pairs: Inputs = None,
    file: File = None,
    update: Annotated[
        bool, typer.Option("--update", help="Bring what was written before to what is wanted now.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write everything anew, beside what was written before.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Take what was read, and what models answered, from that run.")
    ] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Run it again, with the same inputs; what it wrote is kept."""
    if update and force:
        raise typer.BadParameter("What was written before is either updated or written anew, not both.")
    with opened(workspace, demo=demo) as session:
        runs, p = session.orchestra.runs, session.principal
        inputs = values(pairs or [], file, lambda: schemas(session, runs.get(p, run_id)["workflow"]))
        receipts = "update" if update else "force" if force else "reuse"
        again = runs.rerun(p, run_id, receipts=receipts, replay=replay, inputs=inputs)
        return finish(session, again, as_json=as_json)


def diff(
    good: Annotated[str, typer.Argument(metavar="GOOD", help="The id of the run that went as it should.")],
    bad: Annotated[str, typer.Argument(metavar="BAD", help="The id of the one that did not.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Tell how two runs differ. The first step that went another way comes first, then the rest."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.runs.diff(session.principal, good, bad)
    if as_json:
        document(found.as_json())
        return DONE
    for line in _told(found):
        say(line)
    return DONE


def _told(found: RunDiff) -> Iterator[str]:
    yield found.sentence
    yield from _part("Workflow and prompts:", found.definition)
    yield from _part("The runs:", found.run)
    if found.first is not None:
        yield from _step("First:", found.first)
    for step in found.rest[:_MOST_STEPS]:
        yield from _step("Then:", step)
    if len(found.rest) > _MOST_STEPS:
        yield f"… and {len(found.rest) - _MOST_STEPS} more steps; `--json` tells all."


def _step(word: str, step: StepDiff) -> Iterator[str]:
    yield from _part(f"{word} {step.path}  {step.title}  ({', '.join(step.kinds)})", step.differences)


def _part(title: str, found: tuple[Difference, ...]) -> Iterator[str]:
    from engine.runs.diff import line

    if not found:
        return
    yield ""
    yield title
    yield from (f"  {line(one)}" for one in found[:_MOST_LINES])
    if len(found) > _MOST_LINES:
        yield f"  … and {len(found) - _MOST_LINES} more"
