"""New workspaces for tests, each a copy of one that is made once for each process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from engine.workflows.new_workspace import init as make
from engine.workspace.workspace import Workspace


def init(root: Path, *, all_cases: bool = True) -> Workspace:
    """Do what `orchestra init` does in a new folder, without the 230 syncs of its files.

    Where not `all_cases`, only `classify-mail` has cases: 60 files fewer of 101, which take half of a test's setup.
    """
    return Workspace(copied(_made(all_cases=all_cases), root))


def copied(folder: Path, target: Path) -> Path:
    """Copy a folder with the modes of its files, but not their times, which take four times as long; return it."""
    return Path(shutil.copytree(folder, target, copy_function=shutil.copy, dirs_exist_ok=True))


@cache
def _made(*, all_cases: bool) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="orchestra-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root = make(folder / "workspace").root
    for cases in root.glob("prompts/*.cases"):
        if not all_cases and cases.stem != "classify-mail":
            shutil.rmtree(cases)
    return root
