"""Finds what a workspace has, from workflows to files, by words in names, titles and descriptions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, get_args

from msgspec import Struct

from engine.base.errors import OrchestraError
from engine.base.services import declaration
from engine.people.access import NOTIFIER, Principal, may
from engine.people.operation import operation
from engine.runs.run_list import RunPage
from engine.search.ranking import BESIDE, rank
from engine.workspace.blanks import title_of
from engine.workspace.file_store import FileStore
from engine.workspace.outline import text_in
from engine.workspace.version_labels import VersionLabels
from engine.workspace.workspace import Workspace

Kind = Literal["workflow", "prompt", "fragment", "agent", "tool", "connection", "run", "file"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""All kinds; of two hits with the same score, the earlier kind comes first."""
MOST_HITS = 50
LONGEST_QUERY = 200
_MOST_RUNS = 8
_MOST_FILES = 20


@dataclass(frozen=True)
class Hit:
    """A search result; a lower `fit` is better, 0 is best.

    `name` identifies it within its kind: the id of a run, the path of a file.
    """

    kind: Kind
    name: str
    title: str
    detail: str
    fit: float


class ListsRuns(Protocol):
    """The part of `runs` that the search uses."""

    def list(self, p: Principal, *, text: str, limit: int) -> RunPage:
        """Return the newest runs that match a text."""


FindFiles: TypeAlias = Callable[[Principal, str], Sequence[str]]
"""Returns the paths of files that contain a text."""


class _Heading(Struct, frozen=True):
    """The title and the description of a file, with the text that they were read from."""

    text: str
    title: str
    description: str


class WorkspaceSearch:
    """Searches names, titles and descriptions, without compiling anything or calling a service."""

    def __init__(
        self,
        workspace: Workspace,
        connections: Callable[[], Mapping[str, str]],
        tools: Callable[[], Sequence[str]],
        runs: ListsRuns,
        files: FindFiles,
    ) -> None:
        """`connections` returns the service of each connection, by name; `tools` the names of the own step types."""
        self._shelves: dict[Kind, FileStore] = {
            "workflow": workspace.workflows,
            "prompt": workspace.prompts,
            "agent": workspace.agents,
        }
        self._tools, self._find_files = tools, files
        self._fragments, self._labels = workspace.fragments, VersionLabels(workspace.workflows)
        self._connections, self._runs = connections, runs
        self._headings: dict[tuple[Kind, str], _Heading] = {}

    @operation("search.find", "view", "search", "Search the workspace")
    def find(self, p: Principal, query: str, limit: int = 20) -> list[Hit]:
        """Return at most `limit` hits that have every word of the query, best first; [] for an empty query."""
        query = query.strip()[:LONGEST_QUERY]
        if not query:
            return []
        files = [hit for kind in self._shelves for hit in self._files(p, kind, query)]
        found = [*files, *self._named(query), *self._found_runs(p, query), *self._found_files(p, query)]
        return sorted(found, key=lambda hit: (hit.fit, KINDS.index(hit.kind)))[:limit]

    @operation("search.workflows", "view", "search", "Search the workflows")
    def workflows(self, p: Principal, query: str, limit: int = 20) -> list[Hit]:
        """Return at most `limit` workflows, as `find` does."""
        query = query.strip()[:LONGEST_QUERY]
        return sorted(self._files(p, "workflow", query), key=lambda hit: hit.fit)[:limit] if query else []

    def _files(self, p: Principal, kind: Kind, query: str) -> Iterator[Hit]:
        shelf = self._shelves[kind]
        for name in shelf.names():
            if kind == "workflow" and not p.sees(name):
                continue
            heading = self._heading(kind, shelf, name)
            labels = self._labels_of(name) if kind == "workflow" else ""
            fit = rank(query, heading.title, name, f"{heading.description} {labels}")
            if fit is not None:
                yield Hit(kind, name, heading.title, heading.description, fit)

    def _labels_of(self, workflow: str) -> str:
        """Return the labels of the versions of a workflow; "" if their file cannot be read."""
        try:
            return " ".join(self._labels.all(workflow))
        except OrchestraError:
            return ""

    def _named(self, query: str) -> Iterator[Hit]:
        for name in self._fragments.names():
            if (fit := rank(query, name)) is not None:
                yield Hit("fragment", name, name, "", fit)
        for name in self._tools():
            if (fit := rank(query, name)) is not None:
                yield Hit("tool", name, name, "", fit)
        for name, service in self._connections().items():
            title = declaration(service).title
            if (fit := rank(query, name, beside=f"{service} {title}")) is not None:
                yield Hit("connection", name, name, title, fit)

    def _found_runs(self, p: Principal, query: str) -> Iterator[Hit]:
        for row in self._runs.list(p, text=query, limit=_MOST_RUNS).rows:
            if row.started_by == NOTIFIER.id and not may(p, "run"):  # links in it let anybody answer
                continue
            fit = rank(query, row.run_id, beside=f"{row.title} {row.workflow}")
            yield Hit("run", row.run_id, row.title, row.sentence, BESIDE if fit is None else fit)

    def _found_files(self, p: Principal, query: str) -> Iterator[Hit]:
        """Find files by the longest word of the query first: a folder may have many."""
        try:
            paths = self._find_files(p, max(query.split(), key=len))
        except OrchestraError:  # the page Files says why
            return
        found = [(fit, path) for path in paths if (fit := rank(query, path.rpartition("/")[2], path)) is not None]
        for fit, path in sorted(found)[:_MOST_FILES]:
            folder, _, name = path.rpartition("/")
            yield Hit("file", path, name, folder, fit)

    def _heading(self, kind: Kind, shelf: FileStore, name: str) -> _Heading:
        """Return the heading of a file; for a file that cannot be read, the title is made from its name."""
        try:
            text = shelf.text(name)
        except OrchestraError:
            return _Heading("", title_of(name), "")
        known = self._headings.get((kind, name))
        if known is None or known.text != text:
            known = self._headings[kind, name] = _read(text, name)
        return known


def _read(text: str, name: str) -> _Heading:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return _Heading(text, title_of(name), "")
    return _Heading(text, text_in(document, "title") or title_of(name), text_in(document, "description"))
