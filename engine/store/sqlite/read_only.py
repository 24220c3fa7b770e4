"""Where a state.db that cannot be written, or that does not exist yet, is read."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from urllib.parse import quote


def is_read_only(folder: Path) -> bool:
    """Return whether the state in `folder`, which need not exist yet, can only be read."""
    nearest = next(place for place in (folder, *folder.parents) if os.access(place, os.F_OK))
    state = folder / "state.db"
    return not all(os.access(path, os.W_OK) for path in (nearest, state) if os.access(path, os.F_OK))


def uri_to_read(path: Path) -> str:
    """Return the URI of a state for SQLite; without a file, the URI of an empty one in memory for all connections.

    Raises OSError if it may not be read (https://www.sqlite.org/wal.html#read_only_databases).
    """
    try:
        path.stat()
    except FileNotFoundError:
        return f"file:{uuid.uuid4().hex}?mode=memory&cache=shared"
    # Other errors are raised: a folder that may not be entered need not be empty.
    address = f"file:{quote(str(path))}?mode=ro"
    # SQLite reads a log beside the file only together with its index, which it cannot create here; if everything
    # was closed properly, neither exists.
    has_log = any(os.access(path.with_name(f"{path.name}-{end}"), os.F_OK) for end in ("wal", "shm"))
    return address if has_log else f"{address}&immutable=1"
