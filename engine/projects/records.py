"""What is shown of projects, their files and their commits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProjectInfo:
    """A project, as its last commit is."""

    name: str
    title: str
    head: str
    """The id of its newest commit."""
    updated_at: str
    """RFC 3339, UTC."""
    files: int
    size_bytes: int
    problem: str = ""
    """Why its repository cannot be used; then nothing else is known but its name."""


@dataclass(frozen=True)
class FileInfo:
    """A file of a commit."""

    path: str
    size_bytes: int
    is_protected: bool
    """Whether an agent cannot change it, such as an acceptance test."""
    etag: str
    """Changes with the content; needed to delete the file."""


@dataclass(frozen=True)
class CommitInfo:
    """A commit; `parent` is None for the first one."""

    id: str
    parent: str | None
    at: str
    """RFC 3339 text in UTC."""
    author: str
    message: str
    is_green: bool | None
    """Whether the tests passed; None: they were not run."""
    run_id: str
    """The run that made it; empty for people."""
