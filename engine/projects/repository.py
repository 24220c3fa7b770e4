"""One project as a bare Git repository: commits are made and read without a work tree and without the program git."""

from __future__ import annotations

import io
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

from dulwich.bundle import create_bundle_from_repo, write_bundle
from dulwich.errors import NotGitRepository
from dulwich.file import FileLocked
from dulwich.index import commit_tree
from dulwich.object_store import iter_tree_contents
from dulwich.objects import Blob, Commit, ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo

from engine.base.clock import timestamp
from engine.base.errors import InvalidInput, StorageError, UnknownName
from engine.documents import line_differences
from engine.files.atomic import PRIVATE_FOLDER, exclusive, make_folder, make_private, storage_errors
from engine.projects.paths import PROTECTED, check_tree, checked_path
from engine.projects.records import CommitInfo, FileInfo

MAIN = "main"
_GREEN, _RED = b"refs/orchestra/green/", b"refs/orchestra/red/"
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_RUN = re.compile(r"^Run: (\S+)$", re.MULTILINE)
_WRITE = re.compile(r"^Write: (\S+)$", re.MULTILINE)
_OLD_SECONDS = 5.0
"""Git holds the lock of a reference for milliseconds, so an older lock was left by a killed process."""
_LOOKS, _LOOK_SECONDS = 40, 0.2  # eight seconds, so that a lock is seen to become old
_FARTHEST = 1_000
"""How many commits are searched for one that a write has made, or whose tests passed."""
_FILE = 0o100644
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest in ZIP: the time of a file must not change the bytes

Result = TypeVar("Result")
Changes = Mapping[str, str | None]
"""The new texts of files by path; None: the file goes."""


class ProjectRepository:
    """An opened repository; methods raise StorageError if it is damaged, and UnknownName for a commit or file."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self._path = name, path
        with self._errors():
            self._repo: Any = Repo(str(path))
            self._repo.object_store.fsync_object_files = True  # Git warns of the setting core.fsyncObjectFiles

    @classmethod
    def made(cls, name: str, path: Path, title: str, at: datetime, author: str) -> ProjectRepository:
        """Make a repository with one empty commit."""
        with storage_errors(path):
            make_folder(path, PRIVATE_FOLDER)
            repo = Repo.init_bare(str(path), default_branch=b"main")
            config = repo.get_config()
            config.set((b"gc",), b"pruneExpire", b"never")  # a run may come back to a commit that no branch has
            config.write_to_path()
            repo.set_description(title.encode("utf-8", "replace"))
            repo.close()
        found = cls(name, path)
        found.advance(None, found.write(None, {}, "Begin", author, at))
        make_private(path)
        return found

    def close(self) -> None:
        """Close its files."""
        self._repo.close()

    @property
    def title(self) -> str:
        """The title for people."""
        return (self._repo.get_description() or b"").decode("utf-8", "replace").strip() or self.name

    @property
    def head(self) -> str:
        """The id of the last commit of `main`."""
        with self._errors():
            return str(self._repo.refs[_ref(MAIN)].decode())

    def branch(self, name: str) -> str | None:
        """Return the last commit of a branch; None if there is no such branch."""
        with self._errors():
            ref = _ref(name)
            return str(self._repo.refs[ref].decode()) if ref in self._repo.refs else None

    def advance(self, before: str | None, after: str, branch: str = MAIN) -> bool:
        """Move a branch to another commit; return False if it was not at `before` (None: there was no such branch)."""
        refs, ref, new = self._repo.refs, _ref(branch), after.encode()
        if before is None:
            return bool(self._changed(lambda: refs.add_if_new(ref, new)))
        return bool(self._changed(lambda: refs.set_if_equals(ref, before.encode(), new)))

    def made_by(self, head: str, marker: str) -> str | None:
        """Return the commit that a write has made, among the last ones before `head`."""
        line = f"Write: {marker}"
        found = (one for one in self._before(head) if line in self._message(one).splitlines())
        return next(found, None)

    def last_green(self, head: str, fixed: Mapping[str, str]) -> str | None:
        """Return the last commit up to `head` whose tests passed, before one that has other protected files."""
        same = takewhile(lambda one: self.fixed(one) == fixed, self._before(head))
        return next((one for one in same if self._is_green(one)), None)

    def fixed(self, commit: str) -> dict[str, str]:
        """Return the ids of the contents of the protected files of a commit, by path."""
        files = self._blobs(commit)
        return {path: files[path].decode() for path in self.protected(commit) if path in files}

    def is_before(self, commit: str, head: str) -> bool:
        """Return whether a commit is one of the last ones up to `head`."""
        return any(one == commit for one in self._before(head))

    def _before(self, head: str) -> Iterator[str]:
        """Yield a commit and those before it."""
        at: str | None = head
        for _ in range(_FARTHEST):
            if at is None:
                return
            yield at
            parents = self._commit(at).parents
            at = parents[0].decode() if parents else None

    def _message(self, commit: str) -> str:
        return str(self._commit(commit).message.decode("utf-8", "replace"))

    def mark(self, commit: str, *, is_green: bool) -> None:
        """Note whether the tests of a commit passed."""
        self._commit(commit)
        kept, gone = (_GREEN, _RED) if is_green else (_RED, _GREEN)
        refs, id_ = self._repo.refs, commit.encode()
        self._changed(lambda: refs.set_if_equals(kept + id_, None, id_))
        if gone + id_ in refs:
            self._changed(lambda: refs.remove_if_equals(gone + id_, None))

    def write(
        self, parent: str | None, changes: Changes, message: str, author: str, at: datetime, run_id: str = ""
    ) -> str:
        """Make a commit, without moving `main`, and return its id: the same for the same arguments.

        Raises InvalidInput for a path, a size, or a file to delete that is not there.
        """
        return self._changed(lambda: self._written(parent, changes, message, author, at, run_id))

    def _written(
        self, parent: str | None, changes: Changes, message: str, author: str, at: datetime, run_id: str
    ) -> str:
        files = {} if parent is None else self._blobs(parent)
        with self._errors():
            for path, text in changes.items():
                self._change(files, path if text is None else checked_path(path), text)
            check_tree((path, self._repo.object_store[sha].raw_length()) for path, sha in files.items())
            commit = Commit()
            listed = [(path.encode(), sha, _FILE) for path, sha in files.items()]
            commit.tree = commit_tree(self._repo.object_store, listed)
            commit.parents = [] if parent is None else [ObjectID(parent.encode())]
            who = re.sub(r"[<>\n\0]", "", author) or "somebody"
            commit.author = commit.committer = f"{who} <{who.replace(' ', '.')}@orchestra.invalid>".encode()
            commit.author_time = commit.commit_time = int(at.timestamp())
            commit.author_timezone = commit.commit_timezone = 0
            commit.encoding = b"UTF-8"
            commit.message = (message.strip() + (f"\n\nRun: {run_id}" if run_id else "") + "\n").encode(
                "utf-8", "replace"
            )
            self._repo.object_store.add_object(commit)
            return str(commit.id.decode())

    def files(self, commit: str) -> list[FileInfo]:
        """Return the files of a commit, by path."""
        protected = self.protected(commit)
        with self._errors():
            return [
                FileInfo(path, self._repo.object_store[sha].raw_length(), path in protected, sha.decode())
                for path, sha in sorted(self._blobs(commit).items())
            ]

    def protected(self, commit: str) -> frozenset[str]:
        """Return the paths that only a person or a plan changes, including the list of them itself."""
        sha = self._blobs(commit).get(PROTECTED)
        listed = "" if sha is None else self._text(sha)
        return frozenset({PROTECTED, *filter(None, listed.splitlines())}) if sha else frozenset()

    def content(self, commit: str, path: str) -> bytes:
        """Return a file of a commit."""
        files = self._blobs(commit)
        if path not in files:
            raise UnknownName(f"file of the project {self.name}", path, sorted(files))
        with self._errors():
            return bytes(self._repo.object_store[files[path]].data)

    def log(self, limit: int) -> list[CommitInfo]:
        """Return the last commits of `main`, newest first."""
        found: list[CommitInfo] = []
        next_one: str | None = self.head
        while next_one is not None and len(found) < limit:
            found.append(self.commit(next_one))
            next_one = found[-1].parent
        return found

    def commit(self, commit: str) -> CommitInfo:
        """Return a commit."""
        it = self._commit(commit)
        message = it.message.decode("utf-8", "replace").strip()
        run = _RUN.search(message)
        author = it.author.decode("utf-8", "replace").partition(" <")[0]
        at = timestamp(datetime.fromtimestamp(it.commit_time, UTC))
        said = _WRITE.sub("", _RUN.sub("", message)).strip()
        parent = it.parents[0].decode() if it.parents else None
        return CommitInfo(commit, parent, at, author, said, self._is_green(commit), run[1] if run else "")

    def changed(self, before: str, after: str) -> list[str]:
        """Return the paths of the files that differ between two commits, sorted; an empty `before`: all."""
        old, new = self._blobs(before) if before else {}, self._blobs(after)
        return [path for path in sorted({*old, *new}) if old.get(path) != new.get(path)]

    def differences(self, before: str, after: str) -> dict[str, str]:
        """Return the unified diff of each file that differs between two commits, by path; an empty `before`: all."""
        old, new = self._blobs(before) if before else {}, self._blobs(after)
        return {path: self._difference(path, old.get(path), new.get(path)) for path in self.changed(before, after)}

    def archive(self, commit: str) -> bytes:
        """Return the files of a commit as a ZIP archive, the same bytes each time."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, sha in sorted(self._blobs(commit).items()):
                with self._errors():
                    data = self._repo.object_store[sha].data
                archive.writestr(zipfile.ZipInfo(path, _ZIP_TIME), data, zipfile.ZIP_DEFLATED)
        return packed.getvalue()

    def bundle(self) -> bytes:
        """Return the history of `main` as a bundle (https://git-scm.com/docs/git-bundle)."""
        packed = io.BytesIO()
        with self._errors():
            made = create_bundle_from_repo(self._repo, refs=[Ref(b"HEAD"), _ref(MAIN)])
            try:
                write_bundle(packed, made)
            finally:
                made.close()
        return packed.getvalue()

    def _changed(self, change: Callable[[], Result]) -> Result:
        """Change something that may be repeated. A process that was killed has left its lock, which nobody removes."""
        with self._errors(), exclusive(self._path / "orchestra"):
            for _ in range(_LOOKS):
                try:
                    return change()
                except FileLocked as locked:
                    _remove_old(Path(os.fsdecode(locked.lockfilename)))
                    time.sleep(_LOOK_SECONDS)
        raise StorageError(
            f"Another program has locked the repository of the project {self.name}.",
            remedy="Try again once it has ended.",
        )

    def _change(self, files: dict[str, ObjectID], path: str, text: str | None) -> None:
        if text is None:
            if files.pop(path, None) is None:
                raise InvalidInput(f"There is no file {path} to delete in the project {self.name}.")
            return
        try:
            # `go_back` puts back files that are not text: their bytes come as lone surrogates.
            blob = Blob.from_string(text.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError as error:
            said = f"The text of {path} has half a character at place {error.start + 1}: {text[error.start]!r}."
            raise InvalidInput(said, remedy="Write that character whole, in UTF-8.") from None
        self._repo.object_store.add_object(blob)
        files[path] = blob.id

    def _blobs(self, commit: str) -> dict[str, ObjectID]:
        """Return the ids of the files of a commit by their paths; links and what is not a file are left out."""
        tree = self._commit(commit).tree
        with self._errors():
            found = iter_tree_contents(self._repo.object_store, tree)
            return {
                str(one.path, "utf-8", "replace"): ObjectID(one.sha) for one in found if one.mode & 0o170000 == 0o100000
            }

    def _commit(self, commit: str) -> Any:
        with self._errors():
            found = self._repo.object_store[commit.encode()] if self._has(commit) else None
        if not isinstance(found, Commit):
            raise UnknownName(f"commit of the project {self.name}", commit[:60], [])
        return found

    def _has(self, commit: str) -> bool:
        return bool(_COMMIT.match(commit)) and commit.encode() in self._repo.object_store

    def _is_green(self, commit: str) -> bool | None:
        marks = {True: _GREEN, False: _RED}
        with self._errors():
            return next((said for said, at in marks.items() if at + commit.encode() in self._repo.refs), None)

    def _text(self, sha: ObjectID) -> str:
        with self._errors():
            return str(self._repo.object_store[sha].data.decode("utf-8", "replace"))

    def _difference(self, path: str, old: ObjectID | None, new: ObjectID | None) -> str:
        with self._errors():
            before, after = (b"" if one is None else self._repo.object_store[one].data for one in (old, new))
        return _unified(path, before, after)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what a damaged repository or the disk says into StorageError."""
        try:
            yield
        except FileLocked:  # `_changed` waits for it
            raise
        except (OSError, KeyError, NotGitRepository, AssertionError, ValueError) as error:
            said = str(error) or type(error).__name__
            raise StorageError(
                f"The repository of the project {self.name} cannot be used: {said}.",
                remedy=f"See what `git --git-dir {self._path.name} fsck` says, or restore it from a backup.",
            ) from error


def etag_of(text: str) -> str:
    """Return the etag of a file with this text."""
    return str(Blob.from_string(text.encode("utf-8", "surrogateescape")).id.decode())


def _remove_old(lock: Path) -> None:
    """Remove a lock that is too old for a program that works; we are the only process of ours that changes anything."""
    with suppress(FileNotFoundError):
        if time.time() - lock.stat().st_mtime > _OLD_SECONDS:
            lock.unlink()


def _ref(branch: str) -> Ref:
    return Ref(b"refs/heads/" + branch.encode())


def _unified(path: str, before: bytes, after: bytes) -> str:
    """Return a unified diff; for a file that is not text, it says only that it differs."""
    if b"\0" in before + after:
        return f"Binary files a/{path} and b/{path} differ"
    try:
        old, new = before.decode(), after.decode()
    except UnicodeDecodeError:
        return f"Binary files a/{path} and b/{path} differ"
    return "\n".join(line_differences.unified(_lines(old), _lines(new), f"a/{path}", f"b/{path}"))


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]
