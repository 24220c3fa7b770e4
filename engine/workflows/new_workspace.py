"""Create a workspace: commented settings, folders, .gitignore, and the shipped samples."""

from __future__ import annotations

from pathlib import Path

from engine.base.errors import InUse
from engine.files.atomic import PRIVATE_FOLDER, make_folder, storage_errors, write_whole
from engine.workflows.samples import copy_all
from engine.workspace.config import FILE
from engine.workspace.workspace import Workspace

_IGNORED = ("logs/", ".orchestra/", ".env")
_CONFIG_TEMPLATE = Path(__file__).with_name("config.template.yaml")


def init(root: Path) -> Workspace:
    """Create a workspace at `root` with commented settings, folders, .gitignore and the shipped samples.

    Raises InUse if one exists already, StorageError. Existing files are never replaced.
    """
    if (root / FILE).exists():
        raise InUse(f"{root} is a workspace already.", remedy="Choose another folder; nothing was changed.")
    workspace = Workspace(root)
    for folder in (workspace.root, workspace.workflows.folder, workspace.prompts.folder):
        make_folder(folder)
    make_folder(workspace.logs, PRIVATE_FOLDER)
    _ignore(workspace.root / ".gitignore")
    copy_all(workspace)
    # Last: from here on the folder is a workspace; an interrupted start can be repeated.
    write_whole(workspace.root / FILE, _CONFIG_TEMPLATE.read_text(encoding="utf-8"))
    return workspace


def _ignore(path: Path) -> None:
    """Exclude state and secrets from git, whatever else the file contains."""
    with storage_errors(path):
        before = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [line for line in _IGNORED if line not in before.splitlines()]
    if missing:
        separator = "" if not before or before.endswith("\n") else "\n"
        write_whole(path, before + separator + "".join(f"{line}\n" for line in missing))
