"""`runs export` and `runs import`: a run as one file, and its replay without any account."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.base.failures import DONE, FAILED
from commands.base.options import Demo, Json, Workspace
from commands.base.output_file import Force, write_output
from commands.base.run_progress import follow
from commands.base.screen import document, note, say
from commands.base.session import opened
from commands.runs.options import RunId


def export(
    run_id: RunId,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")],
    without_texts: Annotated[
        bool,
        typer.Option("--without-texts", help="Also redact the texts of mails, documents and answers of models."),
    ] = False,
    is_forced: Force = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Write a run as one file for somebody who looks for a fault, without secrets, names of people and attachments."""
    with opened(workspace, demo=demo) as session:
        content = session.orchestra.run_bundles.export(session.principal, run_id, without_texts=without_texts)
    write_output(output, content, is_forced=is_forced)
    if as_json:
        document({"run_id": run_id, "file": str(output), "size_bytes": len(content)})
        return DONE
    say(f"{output} has run {run_id}. `orchestra runs import {output}` replays it in any workspace.")
    if not without_texts:
        note("It has the texts that the run read and wrote; `--without-texts` leaves them out.")
    return DONE


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `runs export` wrote.")],
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Replay the run in a file: without any account, nothing is sent; exit code 1 if it does not end as it did then."""
    content = _content(file)
    with opened(workspace, demo=demo) as session:
        bundles, p = session.orchestra.run_bundles, session.principal
        run_id = bundles.imported(p, content)
        follow(session, run_id, quiet=True)
        found = bundles.replayed(p, run_id)
    if as_json:
        document(found)
    else:
        say(f"Run {run_id} replays run {found.of}.")
        say(f"  in the file: {found.expected}")
        say(f"  here:        {found.found}")
        say("It ended in the same way." if found.is_same else "It did not end in the same way.")
    return DONE if found.is_same else FAILED


def _content(file: Path) -> bytes:
    from engine.base.errors import InvalidInput
    from engine.runs.exporting.run_bundle import LARGEST_BYTES

    try:
        with file.open("rb") as opened_file:
            return opened_file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read: {error.strerror}.", remedy="Name a file that `orchestra runs export` has written."
        ) from error
