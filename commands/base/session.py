"""The engine opened for one command, with the person who typed it as the acting principal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from commands.base.screen import note

if TYPE_CHECKING:
    from engine.orchestra import Orchestra
    from engine.people.access import Principal

_LARGEST_LOG_BYTES = 5 * 1024 * 1024


class CommandSession(Struct, frozen=True):
    """An opened workspace and the person who acts in it."""

    orchestra: Orchestra
    principal: Principal
    began_at: str
    """When the command began; another command has reported what ended before."""


@contextmanager
def opened(
    workspace: Path | None,
    *,
    demo: bool = False,
    tells_held: bool = True,
    slots: int | None = None,
    as_served: bool = False,
    is_read_only: bool = False,
) -> Iterator[CommandSession]:
    """Open a workspace for a command; report first if writes are held, unless the command is about that.

    `slots`: how many runs that others have accepted this process works on, where the state is shared. `as_served`: see
    each service's account as the server does. `is_read_only`: nothing can be written.

    Raises UnknownName, InvalidFile, StorageError.
    """
    from engine.base.clock import timestamp, utc_now
    from engine.garbage import look_from_now_on
    from engine.orchestra import Orchestra
    from engine.people.access import local_user

    began_at, root = timestamp(utc_now()), workspace or Path.cwd()
    orchestra = Orchestra.open(root, demo=demo, slots=slots, as_served=as_served, is_read_only=is_read_only)
    look_from_now_on()
    held = orchestra.proof.held(local_user()) if tells_held else None
    if held is not None:
        note(f"{held.message} {held.remedy}")
    try:
        with _logged(orchestra.workspace.state_dir / "commands.log"):
            yield CommandSession(orchestra, local_user(), began_at)
    finally:
        orchestra.close()


@contextmanager
def looked_at(
    workspace: Path | None, *, demo: bool = False, tells_held: bool = True, as_served: bool = False
) -> Iterator[CommandSession]:
    """Open a workspace for a command that only reads, even if nothing can be written; the options are as in `opened`.

    Raises UnknownName, InvalidFile, StorageError.
    """
    from engine.store.sqlite.read_only import is_read_only
    from engine.workspace import config
    from engine.workspace.workspace import Workspace

    root = workspace or Path.cwd()
    state = Workspace(root, config.load(root).config.state_dir).state_dir
    with opened(
        root, demo=demo, tells_held=tells_held, as_served=as_served, is_read_only=is_read_only(state)
    ) as session:
        yield session


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Keep the log of libraries and the engine off the screen: a command itself reports what matters."""
    from commands.base.private_log import PrivateLog
    from engine.files.private_lines import PrivateLines

    handler = PrivateLog(path, maxBytes=_LARGEST_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(PrivateLines())
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # the command itself reports a full disk
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        with suppress(OSError):  # closing flushes what is still to be written
            handler.close()
