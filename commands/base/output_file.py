"""The file that a command writes with `-o`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there, not on the screen.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")]


def write_output(path: Path, content: str | bytes, *, is_forced: bool) -> None:
    """Write a text, or bytes, to a file. Raises InUse if there is one and it is not to be replaced."""
    from engine.base.errors import InUse

    try:
        with path.open("wb" if is_forced else "xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    except FileExistsError as error:
        raise InUse(
            f"There is a file {path} already.", remedy="Choose another name, or replace it with `--force`."
        ) from error
