"""A folder with config.yaml, workflows, prompts and logs, and how a new one is made."""

from __future__ import annotations

from pathlib import Path

from engine.clock import Clock, utc_now
from engine.config import FILE
from engine.errors import InUse
from engine.files import storage_errors, write_whole
from engine.shelf import Shelf

CHECKOUT = Path(__file__).resolve().parent.parent
"""Where this package lies; its folder is the workspace that ships."""
_IGNORED = ("logs/", ".orchestra/", ".env")
_CONFIG_TEMPLATE = Path(__file__).with_name("config.template.yaml")


class Workspace:
    """Where everything of a workspace lies; `state_dir` may be relative to it."""

    def __init__(self, root: Path, state_dir: str | Path = ".orchestra", clock: Clock = utc_now) -> None:
        self.root = root.resolve()
        self.state_dir = self.root / state_dir
        self.logs = self.root / "logs"
        self.clock = clock
        self.workflows = Shelf(self.root, self.state_dir, "workflow", clock)
        self.prompts = Shelf(self.root, self.state_dir, "prompt", clock)


def init(root: Path) -> Workspace:
    """Make a workspace at `root` with commented settings, folders, .gitignore and the shipped samples.

    Raises InUse where there is one already, StorageError. A file that is there is never replaced.
    """
    from engine.samples import copy_all

    if (root / FILE).exists():
        raise InUse(f"{root} is a workspace already.", remedy="Choose another folder; nothing was changed.")
    workspace = Workspace(root)
    for folder in (workspace.root, workspace.workflows.folder, workspace.prompts.folder, workspace.logs):
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    _ignore(workspace.root / ".gitignore")
    copy_all(workspace)
    # Last: a folder is a workspace from here on, and a start cut short can be made again.
    write_whole(workspace.root / FILE, _CONFIG_TEMPLATE.read_text(encoding="utf-8"))
    return workspace


def _ignore(path: Path) -> None:
    with storage_errors(path):
        before = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [line for line in _IGNORED if line not in before.splitlines()]
    if missing:
        separator = "" if not before or before.endswith("\n") else "\n"
        write_whole(path, before + separator + "".join(f"{line}\n" for line in missing))
