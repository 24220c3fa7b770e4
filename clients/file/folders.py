"""Which folder a `file` connection may have: one that neither holds nor would replace the program's own files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from clients.client import Opening
from clients.errors import InvalidRequest
from clients.file.paths import is_hidden_in, parts_of
from clients.file.service import FileSettings
from clients.in_workspace.machine import is_within, why_closed, why_not_written

OWN = ("workflows", "prompts", "environments", "agents", "tools", "mcp", "logs")
"""Folders of a workspace whose files say what runs, or ran."""


class Folder(Struct, frozen=True):
    """A folder, resolved once: a link that is changed later does not lead elsewhere."""

    place: Path
    """Resolved."""
    named: Path
    """As the settings name it, absolute; a step may name files by this path, too."""
    private: frozenset[Path]
    """Paths that no step may read or write, as written and as resolved."""
    is_workspace: bool = False
    """Whether it is the workspace itself."""
    problem: str = ""
    """Why no step may use this folder, as a sentence with the remedy; empty if they may."""

    @classmethod
    def of(cls, settings: FileSettings, opening: Opening) -> Folder:
        """Return the folder of a connection: the workspace, unless the settings name another."""
        root = opening.workspace or Path(os.devnull)
        given = root / Path(settings.folder).expanduser() if settings.folder else root
        named = Path(os.path.abspath(given))  # noqa: PTH100 - links stay as they are
        place, root, private = resolved(given), resolved(root), private_in(root, opening.private)
        problem = _of_folder(place, root, private) or _of_output(place, root, private, settings.output)
        return cls(place, named, private, place == root, problem)

    def parts(self, path: str) -> tuple[str, ...]:
        """Return the names on the way to a path that a step gives. Raises InvalidRequest."""
        is_named = f"{path}/".startswith(f"{self.named.as_posix()}/")
        return parts_of(self.named if is_named else self.place, path)


def private_in(root: Path, private: Iterable[Path]) -> frozenset[Path]:
    """Return the private paths of a workspace, as written and as resolved."""
    both = {place for one in private for place in (one, resolved(one))}
    return frozenset(one for one in both if not is_within(resolved(root), one))  # a state folder may be around all


def resolved(path: Path) -> Path:
    """Return a path without links."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links in a circle: opening it says so
        return Path(os.path.abspath(path))  # noqa: PTH100


def why_not(place: Path, root: Path, private: Iterable[Path]) -> str:
    """Return why a resolved folder is for no step, as the end of "The folder … "; empty if it is for them."""
    if is_hidden_in(root, place) or any(is_within(place, one) for one in private):
        return "belongs to AI-Orchestra itself, or is hidden"
    return why_closed(place, root)


def _of_folder(place: Path, root: Path, private: Iterable[Path]) -> str:
    why = why_not(place, root, private)
    return f"The folder {place} {why}. Correct `folder`: name another one." if why else ""


def _of_output(place: Path, root: Path, private: Iterable[Path], output: str) -> str:
    """Return the problem of a folder to write in that is in, or around, what decides about runs."""
    try:
        written = place.joinpath(*parts_of(place, output))
    except InvalidRequest as error:
        return f"{error.message} Correct `output`: name a folder inside `folder`, such as `files`."
    own = (*(root / name for name in OWN), *private)
    if any(is_within(written, one) or is_within(one, written) for one in own):
        return (
            f"Steps may not write in {output!r}: files that say what runs, or logs, are there. "
            "Correct `output`: name a folder of its own, such as `files`."
        )
    why = why_not_written(written, root)
    return f"Steps may not write in {written}, which {why}. Correct `output`: name a folder of its own." if why else ""
