"""`prompts export, import`: a prompt as one text file, to read, edit, send or keep."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.base.failures import DONE
from commands.base.inputs import text_in
from commands.base.options import Demo, Json, Workspace
from commands.base.output_file import Force, Output, write_output
from commands.base.screen import document, raw, say
from commands.base.session import looked_at, opened
from commands.prompts.changes import report
from commands.prompts.options import Name


def export(
    name: Name,
    version: Annotated[str, typer.Option(metavar="LABEL_OR_NUMBER", help="A saved version; default: the draft.")] = "",
    output: Output = None,
    is_forced: Force = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Write a prompt as text: front matter in YAML, then its messages."""
    with looked_at(workspace, demo=demo) as session:
        text = session.orchestra.prompts.exported(session.principal, name, version)
    if output is not None:
        write_output(output, text, is_forced=is_forced)
    if as_json:
        document({"prompt": name, "version": version or None, "file": str(output) if output else None, "text": text})
    elif output is None:
        raw(text)
    else:
        say(f"{output} has the prompt {name!r}. `orchestra prompts import` reads it.")
    return DONE


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The text; `-` reads standard input.")],
    name: Annotated[str, typer.Option(help="The name of the prompt; default: the one in the text.")] = "",
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Create a prompt from a text that `export` wrote, or one like it. No prompt is replaced."""
    from engine.prompts.prompt_text import LARGEST_BYTES

    text = text_in(file, LARGEST_BYTES)
    with opened(workspace, demo=demo) as session:
        made = session.orchestra.prompts.imported(
            session.principal, text, name, "standard input" if file == "-" else file
        )
    said = f"The prompt {made.name!r} is created. `orchestra prompts save-version {made.name}` saves its first version."
    report(made, said, as_json=as_json)
    return DONE
