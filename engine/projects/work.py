"""The work of a run on a project: a branch of its own, whose every commit names the write that made it.

So a write that was made before a crash is found again, and `main` has what was tested only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from engine.base.errors import InvalidInput, StaleEdit
from engine.base.names import RUN_ID, checked_name
from engine.projects.blocks import applied, blocks
from engine.projects.paths import PROTECTED, checked_path
from engine.projects.projects import Projects
from engine.projects.repository import Changes, ProjectRepository

_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")
_SHORT_LINES = 150
_KEPT_SHARE = 0.7
_FEW_LINES, _FEW_CHARACTERS = 5, 400
"""A file this small may be replaced: so short a text was rewritten, not shortened by mistake."""


class MadeCommit(Struct, frozen=True):
    """A commit that a write has made."""

    commit: str
    paths: tuple[str, ...]
    """What it changed, sorted."""


class RunBranch(Struct, frozen=True):
    """The branch of a run."""

    repository: ProjectRepository
    branch: str
    run_id: str
    at: datetime

    @property
    def head(self) -> str:
        """The last commit of the branch; at first the last one of `main`."""
        return self.repository.branch(self.branch) or self.repository.head

    def texts(self) -> dict[str, str]:
        """Return the texts of the last commit, by path; files that are not text are left out."""
        found = {}
        for one in self.repository.files(self.head):
            content = self.repository.content(self.head, one.path)
            try:
                found[one.path] = content.decode()
            except UnicodeDecodeError:
                continue
        return found

    def made_by(self, marker: str) -> MadeCommit | None:
        """Return the commit that a write has made on this branch, if it did."""
        commit = self.repository.made_by(self.head, marker)
        return None if commit is None else MadeCommit(commit, self._changed(commit))

    def write(self, path: str, text: str, marker: str, *, replaces: bool) -> MadeCommit:
        """Commit a whole file. Raises InvalidInput if it is protected, or would lose much of what it has."""
        texts = self.texts()
        before = texts.get(checked_path(path))
        if not replaces:
            self._require_texts([path], texts)
        if before is not None and before != text:
            _require_kept(path, before, text, replaces=replaces)
        return self.commit({path: text}, f"Write {path}", marker)

    def edit(self, text: str, marker: str) -> MadeCommit:
        """Commit the edits in a text, all or none. Raises InvalidInput, which says what does not fit."""
        texts = self.texts()
        changes = applied(texts, blocks(text))
        self._require_texts(changes, texts)
        return self.commit(changes, f"Edit {', '.join(sorted(changes))}", marker)

    def remove(self, path: str, marker: str) -> MadeCommit:
        """Commit that a file is gone. Raises InvalidInput if it is protected, or not there."""
        return self.commit({path: None}, f"Delete {path}", marker)

    def last_green(self) -> str | None:
        """Return the last commit whose tests passed, of those with the protected files that the branch has now.

        What passed other tests, such as an earlier plan's, says nothing about these.
        """
        return self.repository.last_green(self.head, self.repository.fixed(self.head))

    def protect(self, files: Mapping[str, str], marker: str) -> MadeCommit:
        """Commit files that no later write of an agent changes, such as acceptance tests."""
        kept = self.repository.protected(self.head) - {PROTECTED}
        listed = "".join(f"{path}\n" for path in sorted({*kept, *map(checked_path, files)}))
        return self._commit({**files, PROTECTED: listed}, "Acceptance tests", marker)

    def commit(self, changes: Changes, message: str, marker: str) -> MadeCommit:
        """Commit changes of files that are not protected."""
        protected = {*self.repository.protected(self.head), PROTECTED}
        refused = sorted(path for path in changes if path in protected or path.casefold().startswith(".orchestra/"))
        if refused:
            raise InvalidInput(
                f"{', '.join(refused)} cannot be changed here: the plan, or a person, has fixed it.",
                remedy="Change other files, so that the tests pass as they are.",
            )
        return self._commit(changes, message, marker)

    def is_ours(self, commit: str) -> bool:
        """Return whether a commit is the last one of the branch, or one that this run has made."""
        return commit == self.head or self.repository.commit(commit).run_id == self.run_id

    def go_back(self, marker: str) -> MadeCommit | None:
        """Go back to the last commit whose tests passed, by a commit that says so.

        Return None if no commit passed, or the last one of the branch did.
        """
        green = self.last_green()
        if green is None or green == self.head:
            return None
        now, then = ({one.path for one in self.repository.files(commit)} for commit in (self.head, green))
        changes: dict[str, str | None] = {path: None for path in now if path not in then}
        changes |= {path: self.repository.content(green, path).decode("utf-8", "surrogateescape") for path in then}
        return self._commit(changes, f"Go back to {green[:8]}: the tests failed", marker)

    def _commit(self, changes: Changes, message: str, marker: str) -> MadeCommit:
        before = self.head
        commit = self.repository.write(
            before, changes, f"{message}\n\nWrite: {marker}", "ai-orchestra", self.at, self.run_id
        )
        if not self.repository.advance(self.repository.branch(self.branch), commit, self.branch):
            raise StaleEdit(f"Another step has changed the branch {self.branch} at the same time.")
        return MadeCommit(commit, self._changed(commit))

    def _require_texts(self, paths: Iterable[str], texts: Mapping[str, str]) -> None:
        """Raise InvalidInput for a file that is there, but is not text."""
        others = {one.path for one in self.repository.files(self.head)} - {*texts}
        if found := sorted(others.intersection(paths)):
            raise InvalidInput(f"{', '.join(found)} is not text, and cannot be edited.", remedy="Take another path.")

    def _changed(self, commit: str) -> tuple[str, ...]:
        return tuple(self.repository.changed(self.repository.commit(commit).parent or "", commit))


@contextmanager
def work_on(folder: Path, project: str, branch: str, run_id: str, at: datetime) -> Iterator[RunBranch]:
    """Open the branch of a run. Raises UnknownName (no such project), InvalidInput, StorageError."""
    checked_name("project", project)
    if not _BRANCH.match(branch) or ".." in branch or branch.endswith((".", ".lock")) or branch == "main":
        raise InvalidInput(f"{branch[:80]!r} cannot be a branch.", remedy="Leave it out, or use letters, digits and -.")
    repository = Projects.repository(folder, project)
    try:
        yield RunBranch(repository, branch, run_id or (branch if RUN_ID.match(branch) else ""), at)
    finally:
        repository.close()


def _require_kept(path: str, before: str, after: str, *, replaces: bool) -> None:
    if replaces:
        return
    old, new = (Counter(line.strip() for line in text.splitlines() if line.strip()) for text in (before, after))
    had, kept = old.total(), (old & new).total()
    is_small = had <= _FEW_LINES and len(before) <= _FEW_CHARACTERS
    if not is_small and kept < _KEPT_SHARE * had:
        raise InvalidInput(
            f"{path} would lose {had - kept} of its {had} lines.",
            remedy="Edit the lines that change, or say that the text replaces the file.",
        )
    lines = len(before.splitlines())
    if lines >= _SHORT_LINES:
        raise InvalidInput(
            f"{path} has {lines} lines: whole files are written up to {_SHORT_LINES} lines.",
            remedy="Edit the lines that change, or say that the text replaces the file.",
        )
