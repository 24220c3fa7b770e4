"""`runs debug`, `step`, `continue`, `breakpoints`: go through a run on the stand-ins step by step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.base.agreeing import at_terminal
from commands.base.failures import DONE, FAILED, WAITS
from commands.base.inputs import schemas, values
from commands.base.options import Demo, Json, Workspace, workflow_name
from commands.base.run_progress import finish
from commands.base.screen import document, note, say
from commands.base.session import CommandSession, opened
from commands.runs.options import File, Inputs, RunId
from engine.base.statuses import RunStatus

if TYPE_CHECKING:
    from engine.runs.trials.debug_view import DebugView, PausedStep
    from engine.runs.trials.debugging import Past

_LONGEST = 4000
_ASKED = "s(tep), c(ontinue), l(oop: continue past it), d(elete its breakpoint, continue), p(rint), q(uit)"
_CODES = {RunStatus.SUCCEEDED: DONE, RunStatus.WAITING: WAITS}
_ENDS: dict[str, Past] = {"c": "", "l": "loop", "d": "breakpoint"}

Breaks = Annotated[
    list[str] | None,
    typer.Option(
        "--break",
        metavar="STEP",
        help="Pause before this step, such as classify or each_mail[3].classify; may be repeated. "
        "Default: pause before the first step.",
    ),
]
Step = Annotated[
    str,
    typer.Argument(metavar="[STEP]", help="Which paused step, such as each_mail[3].classify, if there are several."),
]


def debug(
    name: Annotated[str, typer.Argument(help="The workflow, or its file in workflows/.", callback=workflow_name)],
    breakpoints: Breaks = None,
    pairs: Inputs = None,
    file: File = None,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Run your draft of a workflow on the demo and pause before steps; real accounts are never used."""
    with opened(workspace, demo=demo) as session:
        inputs = values(pairs or [], file, lambda: schemas(session, name))
        run_id = session.orchestra.debugging.start(session.principal, name, inputs, breakpoints=breakpoints or ())
        is_asked = at_terminal(as_json=as_json) and file != "-"  # `-` has read standard input to its end
        return _followed(session, run_id, as_json=as_json, is_asked=is_asked)


def step(
    run_id: RunId, which: Step = "", demo: Demo = False, workspace: Workspace = None, as_json: Json = False
) -> int:
    """Make the call of a paused step of a debug run, and pause before the next one."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.debugging.step(session.principal, run_id, which)
        return _followed(session, run_id, as_json=as_json)


def continue_(
    run_id: RunId,
    which: Step = "",
    past_loop: Annotated[
        bool, typer.Option("--past-loop", help="Do not pause again in the loop around the paused step.")
    ] = False,
    without: Annotated[
        bool, typer.Option("--delete-breakpoint", help="Delete the breakpoint of the paused step.")
    ] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Continue a debug run to the next breakpoint."""
    if past_loop and without:
        raise typer.BadParameter("Give --past-loop or --delete-breakpoint, not both.")
    if which and not (past_loop or without):
        raise typer.BadParameter("All paused steps continue: name one with `orchestra runs step`, or leave it out.")
    with opened(workspace, demo=demo) as session:
        past: Past = "loop" if past_loop else "breakpoint" if without else ""
        session.orchestra.debugging.go_on(session.principal, run_id, past, which)
        return _followed(session, run_id, as_json=as_json)


def breakpoints(
    run_id: RunId,
    breaks: Breaks = None,
    clear: Annotated[bool, typer.Option("--clear", help="Delete all breakpoints.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show the breakpoints of a debug run and where it is paused; --break and --clear replace its breakpoints."""
    with opened(workspace, demo=demo) as session:
        debugging, p = session.orchestra.debugging, session.principal
        view = debugging.set_breakpoints(p, run_id, breaks or ()) if breaks or clear else debugging.view(p, run_id)
        if as_json:
            document(view)
            return DONE
        say(f"Breakpoints: {', '.join(view.breakpoints) or 'none'}")
        _say(view)
    return DONE


def _followed(session: CommandSession, run_id: str, *, as_json: bool, is_asked: bool = False) -> int:
    """Wait until a run pauses or ends, and show it; at a terminal, ask how to go on."""
    debugging, p = session.orchestra.debugging, session.principal
    view = debugging.wait(p, run_id)
    while is_asked and view.paused:
        _say(view)
        if not _asked(session, view):
            break
        view = debugging.wait(p, run_id)
    if as_json:
        document(view)
        return _CODES.get(view.status, FAILED)
    if not view.paused:
        return finish(session, run_id, as_json=False)
    if not is_asked:
        _say(view)
    note(_how(view))
    return WAITS


def _how(view: DebugView) -> str:
    named = "" if len(view.paused) == 1 else f" {view.paused[0].path}"
    return (
        f"`orchestra runs step {view.run_id}{named}` goes on to the next step, `orchestra runs continue {view.run_id}` "
        f"to the next breakpoint, `orchestra runs cancel {view.run_id}` stops it."
    )


def _asked(session: CommandSession, view: DebugView) -> bool:
    """Ask until the run goes on; return False if it stays paused."""
    from engine.base.errors import InvalidInput

    debugging, p = session.orchestra.debugging, session.principal
    while True:
        try:
            answer, _, rest = str(typer.prompt(_ASKED, default="s", show_default=False)).strip().partition(" ")
        except typer.Abort:
            return False
        if answer.startswith("q"):
            return False
        try:
            if answer.startswith("p"):
                _print(session, view, rest.strip())
                continue
            chosen = _numbered(view, rest.strip()).path
            if answer.startswith("s"):
                debugging.step(p, view.run_id, chosen)
                return True
            if answer[:1] in _ENDS:
                past = _ENDS[answer[:1]]
                debugging.go_on(p, view.run_id, past, chosen if past else "")
                return True
        except InvalidInput as error:
            note(f"{error.message} {error.remedy or ''}".strip())


def _numbered(view: DebugView, number: str) -> PausedStep:
    """Return the paused step with a number or path, by default the first one. Raises InvalidInput."""
    from engine.base.errors import InvalidInput

    if not number:
        return view.paused[0]
    for position, one in enumerate(view.paused, 1):
        if number in (str(position), one.path):
            return one
    raise InvalidInput(f"No paused step has the number {number}.", remedy=f"They are 1 to {len(view.paused)}.")


def _print(session: CommandSession, view: DebugView, what: str) -> None:
    """Print the result of a step by its path, the inputs of the run, or all that is shown at a pause again."""
    if not what:
        _say(view)
        return
    run = session.orchestra.runs.get(session.principal, view.run_id)
    if what == "inputs":
        say(_json(run["inputs"]))
        return
    found = [one for one in run["steps"] if what in (one["path"], one["id"])]
    if not found:
        note(f"No step {what} has begun. `p PATH` prints the output of a step, `p inputs` the inputs.")
    for one in found:
        say(f"{one['path']}: {one['status']}")
        say(_json(one["output"]))


def _say(view: DebugView) -> None:
    for line in _lines(view):
        say(line)


def _lines(view: DebugView) -> Iterator[str]:
    if view.last is not None:
        yield f"Last step: {view.last.path} ({view.last.title}): {view.last.status}"
        yield view.last.error or _json(view.last.output)
    for number, one in enumerate(view.paused, 1):
        item = f' for "{one.item}"' if one.item else ""
        yield f"{number}. Paused before {one.path} ({one.title}){item}: {one.why}. {one.uses} will get:"
        yield _json(one.arguments)
    if not view.paused:
        yield view.sentence


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n… {len(text) - _LONGEST:,} more characters"
