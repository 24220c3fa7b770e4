"""The projects of a workspace for people: rights, audit lines, and edits that never overwrite somebody else's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from engine.base.errors import InvalidInput, StaleEdit, UnknownName
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.projects.projects import Projects
from engine.projects.records import CommitInfo, FileInfo, ProjectInfo
from engine.projects.repository import etag_of
from engine.record.types.run import Run

_SEE, _CHANGE = "see the projects", "change projects"
_TRIES = 3
_WHOLE = re.compile(r"[0-9a-f]{40}\Z")
_BEGINNING = re.compile(r"[0-9a-f]{6,39}\Z")
_MARKS = re.compile(r"^(Run: |Write: )", re.MULTILINE)
"""Lines of a message by which commits of runs are known: nobody else writes them."""
_MOST_COMMITS, _LAST_COMMITS = 10_000, 50
BUILDS, OPENS_PULL_REQUEST = "build-software", "project-to-pull-request"
"""The workflows of the gallery that work on a project that a person has chosen."""
List: TypeAlias = list[ProjectInfo]
"""Inside the class below, `list` is the method."""
Files: TypeAlias = list[FileInfo]
Commits: TypeAlias = list[CommitInfo]
Commands: TypeAlias = list[str]
Recorded = Callable[[str], Commands]
FileDifferences: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class ProjectText:
    """The text of a file in a commit; `etag` changes with it."""

    path: str
    commit: str
    text: str
    etag: str


class ProjectStore:
    """The `projects` area; every change writes an audit line.

    A `commit` that is empty is the head. Methods with a name raise UnknownName, and InvalidInput for one that cannot be
    the name of a project.
    """

    def __init__(self, projects: Projects, audit: Audit, recorded: Recorded) -> None:
        """`recorded` returns the commands with which a run has tested a project."""
        self._projects, self._audit, self._recorded = projects, audit, recorded

    @operation("projects.list", "view", _SEE, "List the projects")
    def list(self, p: Principal) -> List:
        """Return all projects by name."""
        return self._projects.list()

    @operation("projects.get", "view", _SEE, "Read a project")
    def get(self, p: Principal, name: str) -> ProjectInfo:
        """Return a project."""
        return self._projects.info(name)

    @operation("projects.create", "edit", "make a project", "Create a project")
    def create(self, p: Principal, name: str, title: str = "") -> ProjectInfo:
        """Make an empty project. Raises InUse (the name is taken), InvalidInput, StorageError."""
        self._projects.create(name, " ".join(title.split()) or name, p.id)
        self._audit.record(p, "projects.create", name, {"title": title})
        return self._projects.info(name)

    @operation("projects.delete", "edit", "delete a project", "Delete a project")
    def delete(self, p: Principal, name: str) -> Path:
        """Move a project with its history to the trash; return where it is. Raises StorageError."""
        trash = self._projects.delete(name)
        self._audit.record(p, "projects.delete", name, {"trash": trash.name})
        return trash

    @operation("projects.files", "view", _SEE, "List the files of a project")
    def files(self, p: Principal, name: str, commit: str = "") -> Files:
        """Return the files of a commit, by path."""
        return self._projects.files(name, self.commit_of(name, commit))

    @operation("projects.read", "view", _SEE, "Read a text file of a project")
    def read(self, p: Principal, name: str, path: str, commit: str = "") -> ProjectText:
        """Return the text of a file. Raises InvalidInput for one that is not text."""
        return self._text(name, self.commit_of(name, commit), path)

    @operation("projects.file", "view", _SEE, "Download a file of a project")
    def whole(self, p: Principal, name: str, path: str, commit: str = "") -> bytes:
        """Return a file, which may be no text."""
        return self._projects.content(name, self.commit_of(name, commit), path)

    @operation("projects.etag", "view", _SEE, "See the etag of a file of a project")
    def etag(self, p: Principal, name: str, path: str) -> str | None:
        """Return the etag that a file has now; None if there is no such file."""
        files = self._projects.files(name, self._projects.info(name).head)
        return next((one.etag for one in files if one.path == path), None)

    @operation("projects.save_file", "edit", _CHANGE, "Save a file of a project")
    def save(self, p: Principal, name: str, path: str, text: str, known: str | None, message: str = "") -> ProjectText:
        """Commit a new text of a file; `known` is the etag of the text that it replaces, None: it must not exist yet.

        Commits of other files that were made meanwhile stay. Raises StaleEdit, InvalidInput, StorageError.
        """
        said = _MARKS.sub(r" \1", message.strip()) or (f"Change {path}" if known else f"Add {path}")
        commit = self._committed(p, name, path, text, known, said)
        return ProjectText(path, commit, text, etag_of(text))

    @operation("projects.delete_file", "edit", _CHANGE, "Delete a file of a project")
    def remove(self, p: Principal, name: str, path: str, known: str | None) -> None:
        """Commit that a file with this etag is gone. Raises StaleEdit, UnknownName for None: there is no such file."""
        if known is None:
            raise UnknownName(f"file of the project {name}", path, [one.path for one in self.files(p, name)])
        self._committed(p, name, path, None, known, f"Delete {path}")

    @operation("projects.commits", "view", _SEE, "List the commits of a project")
    def log(self, p: Principal, name: str, limit: int = 50) -> Commits:
        """Return the last commits, newest first."""
        return self._projects.log(name, limit)

    @operation("projects.diff", "view", _SEE, "Compare commits of a project")
    def diff(self, p: Principal, name: str, before: str, after: str = "") -> FileDifferences:
        """Return a unified diff for each file that differs between two commits, by path; an empty `before`: all."""
        first = self.commit_of(name, before) if before else ""
        return self._projects.diff(name, first, self.commit_of(name, after))

    @operation("projects.archive", "view", _SEE, "Download a project as a ZIP archive")
    def archive(self, p: Principal, name: str, commit: str = "") -> bytes:
        """Return the files of a commit as a ZIP archive."""
        return self.archive_zip(name, self.commit_of(name, commit))

    @operation("projects.bundle", "view", _SEE, "Download the history of a project")
    def bundle(self, p: Principal, name: str) -> bytes:
        """Return the whole history as a bundle, which `git clone` takes."""
        self._projects.info(name)
        return self._projects.bundle(name)

    @operation("projects.commands", "view", _SEE, "List commands that fit a project")
    def commands(self, p: Principal, name: str) -> Commands:
        """Return commands to run: how the last run tested the project, then what its files suggest."""
        run_id = next((one.run_id for one in self._projects.log(name, _LAST_COMMITS) if one.run_id), "")
        planned = self._recorded(run_id) if run_id else []
        files = self._projects.files(name, self._projects.info(name).head)
        return list(dict.fromkeys([*planned, *suggested([one.path for one in files])]))

    # --- for the other parts of this folder, which check the rights themselves

    def commit_of(self, name: str, commit: str) -> str:
        """Return the id of a commit, which may be given by its beginning; empty: the head. Raises UnknownName."""
        if not commit:
            return self._projects.info(name).head
        if _WHOLE.match(commit):
            self._projects.files(name, commit)
            return commit
        known = self._projects.log(name, _MOST_COMMITS)
        found = [one.id for one in known if one.id.startswith(commit)] if _BEGINNING.match(commit) else []
        if len(found) != 1:
            more = "" if _BEGINNING.match(commit) else "Write six digits or more; "
            remedy = f"{more}`orchestra projects log {name}` lists the commits."
            raise UnknownName(f"commit of the project {name}", commit[:60], remedy=remedy)
        return found[0]

    def archive_zip(self, name: str, commit: str) -> bytes:
        """Return the files of a commit."""
        return self._projects.archive_zip(name, commit)

    def content(self, name: str, commit: str, path: str) -> bytes:
        """Return a file of a commit. Raises UnknownName."""
        return self._projects.content(name, commit, path)

    def _text(self, name: str, commit: str, path: str) -> ProjectText:
        text = self._projects.read(name, commit, path)
        return ProjectText(path, commit, text, etag_of(text))

    def _committed(self, p: Principal, name: str, path: str, text: str | None, known: str | None, said: str) -> str:
        for _ in range(_TRIES):
            head = self._projects.info(name).head
            self._require_unchanged(name, head, path, known)
            try:
                commit = self._projects.commit(name, head, {path: text}, said, p.id)
            except StaleEdit:  # somebody else has committed in between: look again
                continue
            self._audit.record(p, "projects.commit", name, {"file": path, "commit": commit})
            return commit
        raise StaleEdit(f"The project {name} is being changed all the time.")

    def _require_unchanged(self, name: str, head: str, path: str, known: str | None) -> None:
        found = next((one for one in self._projects.files(name, head) if one.path == path), None)
        if known is None and found is not None:
            raise InvalidInput(f"The project {name} has a file {path} already.", remedy="Take another, or edit that.")
        if known is not None and (found is None or found.etag != known):
            raise StaleEdit(f"Somebody changed {path} in the project {name} since you opened it.")


def suggested(paths: Commands) -> Commands:
    """Return commands that the files of a project suggest, tests first."""
    found = []
    if any(one.rpartition("/")[2].startswith("test") and one.endswith(".py") for one in paths):
        found.append("python3 -m unittest discover -s tests" if "tests/" in "".join(paths) else "python3 -m unittest")
    if any(one.endswith((".test.js", ".test.mjs", ".test.cjs")) for one in paths):
        found.append("node --test")
    mains = ("main.py", "app.py", "main.js", "index.js", "main.sh", "run.sh")
    programs = {"py": "python3", "js": "node", "sh": "sh"}
    found += [f"{programs[one.rpartition('.')[2]]} {one}" for one in mains if one in paths]
    return found or ["ls -la"]


def tested_with(run: Run) -> Commands:
    """Return the commands with which a run has tested a project, the last one first."""
    asked = [one["arguments"] for one in run["steps"] if one["uses"] == "project.test"]
    found = [one.get("command") for one in asked if isinstance(one, dict)]
    return list(dict.fromkeys(one for one in reversed(found) if isinstance(one, str)))
