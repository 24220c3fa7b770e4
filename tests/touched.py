"""Print the folders of `assurance/` that prove what some parts of `engine/` promise: `python -m tests.touched runner`.

Without a name, all of them; with `--changed`, those that belong to the files of a change.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROOFS: Mapping[str, Sequence[str]] = {
    "agents": ("injection", "kill"),
    "assembly": ("processes",),
    "budgets": ("processes",),
    "compiler": ("injection", "packages", "semantics"),
    "connections": ("kill",),
    "copilot": ("models",),
    "documents": ("bombs",),
    "expressions": ("bombs", "packages", "semantics"),
    "files": ("processes",),
    "ingress": ("kill",),
    "outgoing": ("injection", "kill"),
    "packages": ("packages",),
    "people": ("processes",),
    "plugins": ("packages",),
    "prompts": ("faults", "models"),
    "record": ("faults", "kill"),
    "runner": ("bombs", "faults", "injection", "kill", "processes", "semantics"),
    "runs": ("faults", "kill"),
    "sandbox": ("bombs",),
    "secrets": ("faults", "kill", "processes"),
    "store": ("faults", "kill", "processes"),
    "triggering": ("faults", "kill", "processes"),
    "triggers": ("kill",),
    "workflows": ("faults",),
    "workspace": ("faults",),
}
"""The folders of `assurance/` by the folder of `engine/` whose promises they prove."""
OUTSIDE: Mapping[str, Sequence[str]] = {
    "api": ("processes",),
    "cli.py": ("processes",),
    "commands": ("processes",),
    "deploy": ("processes",),
    "docs/extending.md": ("packages",),
    "gallery": ("packages",),
    "pyproject.toml": ("packages",),
}
"""The same for what lies outside `engine/`: a folder at the top, or a file."""
_EVERYWHERE = ("requirements.txt", "assurance/conftest.py", "tests/touched.py")
"""Files that may change any result."""


def proofs() -> set[str]:
    """Return all folders of `assurance/`."""
    return {path.parent.name for path in ROOT.glob("assurance/*/test_*.py")}


def proofs_of(parts: Iterable[str]) -> set[str]:
    """Return the folders that belong to parts of `engine/`. Raises KeyError for a part that none belongs to."""
    return {folder for part in parts for folder in PROOFS[part]}


def touched_by(files: Iterable[str]) -> set[str]:
    """Return the folders that belong to changed files; their paths are relative to the project."""
    return {folder for file in files for folder in _touched_by(file)}


def _touched_by(file: str) -> Collection[str]:
    top, _, below = file.partition("/")
    folder = below.partition("/")[0]
    if file in _EVERYWHERE:
        return proofs()
    if top == "assurance":
        return {folder} & proofs()
    return PROOFS.get(folder, ()) if top == "engine" else OUTSIDE.get(file, OUTSIDE.get(top, ()))


def changed(root: Path = ROOT) -> list[str] | None:
    """Return the files that differ from the last commit that was checked; None where that is unknown, and in a release.

    `SINCE` names that commit; otherwise it is `origin/main`, or the commit before if `origin/main` is the newest.
    """
    git = partial(_git, root)
    if git("tag", "--points-at", "HEAD"):
        return None
    newest = git("rev-parse", "HEAD")
    given = os.environ.get("SINCE", "")
    bases = [given] if given else [one for one in ("origin/main", "HEAD~1") if git("rev-parse", one) != newest]
    found = (git("diff", "--name-only", base, "--") for base in bases)
    return next((files for files in found if files is not None), None)


def _git(root: Path, *arguments: str) -> list[str] | None:
    ran = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return ran.stdout.splitlines() if ran.returncode == 0 else None


def chosen(words: Sequence[str]) -> set[str]:
    """Return the folders that the words of the command ask for."""
    if words == ["--changed"]:
        files = changed()
        return proofs() if files is None else touched_by(files)
    return proofs_of(words) if words else proofs()


if __name__ == "__main__":
    sys.stdout.write(" ".join(f"assurance/{folder}" for folder in sorted(chosen(sys.argv[1:]))) + "\n")
