"""The file that a command writes with `-o`, or beside what it shows."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to this file instead of the screen.")
]
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]


def write_output(path: Path, content: str | bytes, *, is_forced: bool) -> None:
    """Write a text, or bytes, to a file.

    Raises InUse if there is one and it is not to be replaced, InvalidInput if no file can be there, StorageError.
    """
    from engine.base.errors import InUse, InvalidInput, StorageError

    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with path.open("wb" if is_forced else "xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    except FileExistsError as error:
        raise InUse(
            f"There is a file {path} already.", remedy="Choose another name, or replace it with `--force`."
        ) from error
    except OSError as error:
        said = f"{path} cannot be written: {error.strerror or error}."
        if error.errno in _FULL:
            raise StorageError(said, remedy="Make room there, or name a file on another disk.") from error
        raise InvalidInput(said, remedy="Name a file in a folder that is there and that you may write to.") from error
