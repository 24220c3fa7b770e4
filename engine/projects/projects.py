"""The folder `projects/`: repositories by name, changed by people and by steps."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from engine.base.clock import Clock, timestamp, utc_now
from engine.base.errors import InUse, InvalidInput, OrchestraError, StaleEdit, UnknownName
from engine.base.names import checked_name
from engine.files.atomic import PRIVATE_FOLDER, make_folder, storage_errors
from engine.projects.records import CommitInfo, FileInfo, ProjectInfo
from engine.projects.repository import Changes, ProjectRepository
from engine.workspace.workspace import Workspace

_ENGINE = "ai-orchestra"
Infos: TypeAlias = list[ProjectInfo]
"""Inside the class below, `list` is the method."""
Files: TypeAlias = list[FileInfo]
Commits: TypeAlias = list[CommitInfo]


class Projects:
    """Methods with a name raise InvalidInput, UnknownName and StorageError."""

    def __init__(self, workspace: Workspace, clock: Clock) -> None:
        self._folder, self._trash, self._clock = workspace.root / "projects", workspace.state_dir / "trash", clock

    @classmethod
    def in_folder(cls, folder: Path) -> Projects:
        """Return the projects in `projects/` of a workspace, for steps, which delete no project."""
        return cls(Workspace(folder.parent), utc_now)

    def list(self) -> Infos:
        """Return all projects by name, also those that cannot be used, with their problem."""
        found = sorted(one.name.removesuffix(".git") for one in self._folder.glob("[!.]*.git") if one.is_dir())
        return [self._listed(name) for name in found]

    def _listed(self, name: str) -> ProjectInfo:
        try:
            return self.info(name)
        except OrchestraError as error:
            return ProjectInfo(name, name, "", "", 0, 0, f"{error.message} {error.remedy}".strip())

    def info(self, name: str) -> ProjectInfo:
        """Return a project."""
        with self.opened(name) as repository:
            last = repository.commit(repository.head)
            files = repository.files(last.id)
            size = sum(one.size_bytes for one in files)
            return ProjectInfo(name, repository.title, last.id, last.at, len(files), size)

    def create(self, name: str, title: str, author: str = _ENGINE) -> None:
        """Make a project with an empty commit. Raises InUse if there is one."""
        path = self._path(name)
        if path.exists():
            raise InUse(f"There is a project {name!r} already.", remedy="Take another name, or work on that one.")
        make_folder(self._folder, PRIVATE_FOLDER)
        draft = path.with_name(f".{path.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        with storage_errors(path):
            ProjectRepository.made(name, draft, title, self._clock(), author).close()
            draft.rename(path)

    def delete(self, name: str) -> Path:
        """Move a project to the trash of the workspace's state; return where it is."""
        path = self._existing(name)
        stamp = timestamp(self._clock()).replace(":", "").replace("-", "")
        make_folder(self._trash, PRIVATE_FOLDER)
        target = self._trash / f"{stamp}-project-{name}.git"
        with storage_errors(path):
            shutil.move(path, target)
        return target

    def files(self, name: str, commit: str) -> Files:
        """Return the files of a commit, by path."""
        with self.opened(name) as repository:
            return repository.files(commit)

    def content(self, name: str, commit: str, path: str) -> bytes:
        """Return a file of a commit."""
        with self.opened(name) as repository:
            return repository.content(commit, path)

    def read(self, name: str, commit: str, path: str) -> str:
        """Return a text of a commit. Raises InvalidInput for a file that is not text."""
        try:
            return self.content(name, commit, path).decode()
        except UnicodeDecodeError:
            raise InvalidInput(f"{path} of the project {name} is not text in UTF-8.") from None

    def commit(self, name: str, parent: str, changes: Changes, message: str, author: str, *, run_id: str = "") -> str:
        """Commit changes to `main`, and return the id. Raises StaleEdit if `parent` is not its last commit."""
        with self.opened(name) as repository:
            made = repository.write(parent, changes, message, author, self._clock(), run_id)
            if not repository.advance(parent, made):
                raise StaleEdit(f"Somebody has changed the project {name} meanwhile.")
            return made

    def written(self, name: str, parent: str, changes: Changes, message: str, *, run_id: str, at: datetime) -> str:
        """Make a commit for a run, without moving `main`: the same arguments give the same id."""
        with self.opened(name) as repository:
            return repository.write(parent, changes, message, _ENGINE, at, run_id)

    def advance(self, name: str, before: str, after: str) -> None:
        """Move `main` to another commit. Raises StaleEdit if it is at neither of the two."""
        with self.opened(name) as repository:
            repository.commit(after)
            if not repository.advance(before, after) and repository.head != after:
                raise StaleEdit(f"Somebody has changed the project {name} meanwhile.")

    def mark(self, name: str, commit: str, *, is_green: bool) -> None:
        """Note whether the tests of a commit passed."""
        with self.opened(name) as repository:
            repository.mark(commit, is_green=is_green)

    def protected(self, name: str, commit: str) -> frozenset[str]:
        """Return the paths of a commit that only a person or a plan changes."""
        with self.opened(name) as repository:
            return repository.protected(commit)

    def log(self, name: str, limit: int) -> Commits:
        """Return the last commits, newest first."""
        with self.opened(name) as repository:
            return repository.log(limit)

    def diff(self, name: str, before: str, after: str) -> dict[str, str]:
        """Return the unified diff of each file that differs between two commits; an empty `before`: all files."""
        with self.opened(name) as repository:
            return repository.differences(before, after)

    def archive_zip(self, name: str, commit: str) -> bytes:
        """Return the files of a commit as a ZIP archive."""
        with self.opened(name) as repository:
            return repository.archive(commit)

    def bundle(self, name: str) -> bytes:
        """Return the whole history as a bundle, which `git clone` takes."""
        with self.opened(name) as repository:
            return repository.bundle()

    @staticmethod
    def exists(folder: Path, name: str) -> bool:
        """Return whether there is a project in a folder."""
        return (folder / f"{checked_name('project', name)}.git").is_dir()

    @staticmethod
    def repository(folder: Path, name: str) -> ProjectRepository:
        """Open the repository of a project in a folder; the caller closes it."""
        return ProjectRepository(name, _existing(folder, name))

    @contextmanager
    def opened(self, name: str) -> Iterator[ProjectRepository]:
        """Open the repository of a project."""
        repository = self.repository(self._folder, name)
        try:
            yield repository
        finally:
            repository.close()

    def _path(self, name: str) -> Path:
        return self._folder / f"{checked_name('project', name)}.git"

    def _existing(self, name: str) -> Path:
        return _existing(self._folder, name)


def _existing(folder: Path, name: str) -> Path:
    path = folder / f"{checked_name('project', name)}.git"
    if not path.is_dir():
        known = sorted(one.name.removesuffix(".git") for one in folder.glob("*.git"))
        raise UnknownName("project", name, known)
    return path
