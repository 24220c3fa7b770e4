"""`runs undo`: undo what a run has written, unless somebody has changed it since."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, note, say
from commands.base.session import opened
from commands.runs.options import RunId, require_demo

if TYPE_CHECKING:
    from engine.runs.undo.undo_report import NotUndone, Undone, UndoReport


def undo(
    run_id: RunId,
    item: Annotated[
        str | None, typer.Option(metavar="KEY", help="Only what was written for the item with this key.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Undo the writes of a run. Issues are closed, drafts deleted, labels removed, files restored."""
    with opened(workspace, demo=demo) as session:
        runs, p = session.orchestra.runs, session.principal
        if demo:
            require_demo(runs.get(p, run_id))
        is_asked = not yes and not as_json and sys.stdin.isatty()
        if is_asked and not _is_agreed(runs.undoable(p, run_id, item=item)):
            note("Nothing was undone.")
            return FAILED
        report = runs.undo(p, run_id, item=item)
    if as_json:
        document(report)
    else:
        _print_report(report)
    return FAILED if report.refused else DONE


def _is_agreed(preview: UndoReport) -> bool:
    """Show what would be undone and what stays; ask, if there is something to undo."""
    for line in preview.undone:
        say(f"  {_name(line)}: {line.note}")
    _note_kept("cannot be undone", preview.cannot)
    return not preview.undone or typer.confirm(f"Undo {_writes(len(preview.undone))}?")


def _print_report(report: UndoReport) -> None:
    for line in report.undone:
        say(f"  undone   {_name(line)}")
    _note_kept("refused", report.refused)
    _note_kept("cannot be undone", report.cannot)
    _note_kept("left", report.left)
    stays = dict.fromkeys(line.stays for line in report.undone if line.stays)
    if stays:
        say(f"What stays: {'; '.join(stays)}.")
    say(f"{_writes(len(report.undone))} undone, {len(report.refused)} refused.")


def _note_kept(what: str, lines: Sequence[NotUndone]) -> None:
    for line in lines:
        note(f"  {what}: {_name(line)}: {line.reason}")


def _name(line: Undone | NotUndone) -> str:
    return "  ".join(filter(None, [f"{line.path} ({line.uses})", line.url]))


def _writes(count: int) -> str:
    return f"{count} write{'' if count == 1 else 's'}"
