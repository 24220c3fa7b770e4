"""How a new workspace is made: settings with comments, folders, .gitignore, and the shipped samples."""

from __future__ import annotations

from pathlib import Path

from engine.errors import InUse
from engine.workspace.config import FILE
from engine.workspace.files import make_folder, storage_errors, write_whole
from engine.workspace.samples import copy_all
from engine.workspace.workspace import Workspace

_IGNORED = ("logs/", ".orchestra/", ".env")
_CONFIG_TEMPLATE = Path(__file__).with_name("config.template.yaml")


def init(root: Path) -> Workspace:
    """Make a workspace at `root` with commented settings, folders, .gitignore and the shipped samples.

    Raises InUse where there is one already, StorageError. A file that is there is never replaced.
    """
    if (root / FILE).exists():
        raise InUse(f"{root} is a workspace already.", remedy="Choose another folder; nothing was changed.")
    workspace = Workspace(root)
    for folder in (workspace.root, workspace.workflows.folder, workspace.prompts.folder, workspace.logs):
        make_folder(folder)
    _ignore(workspace.root / ".gitignore")
    copy_all(workspace)
    # Last: a folder is a workspace from here on, and a start cut short can be made again.
    write_whole(workspace.root / FILE, _CONFIG_TEMPLATE.read_text(encoding="utf-8"))
    return workspace


def _ignore(path: Path) -> None:
    """Keep what is live or secret out of git, whatever else the file says."""
    with storage_errors(path):
        before = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [line for line in _IGNORED if line not in before.splitlines()]
    if missing:
        separator = "" if not before or before.endswith("\n") else "\n"
        write_whole(path, before + separator + "".join(f"{line}\n" for line in missing))
