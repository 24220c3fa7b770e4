"""The agents and tools of a bundle: collected for an export, and placed beside those that are here."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

from msgspec import Struct, field

from engine.base.clock import timestamp
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.json_text import is_same
from engine.base.names import child
from engine.documents.json_file import parse, read
from engine.files.atomic import etag
from engine.files.new_files import FileToCreate
from engine.plugins.registry import TOOL as PREFIX
from engine.tools.store import ToolStore
from engine.workflows.bundles.bundle import BundledAgent, BundledMcpTool, BundledTool, Lines, lines_of, text_of
from engine.workflows.bundles.pointing import Names, names_with_versions, numbered, pointed, server_of, version_files
from engine.workspace.references import references
from engine.workspace.version_labels import VersionLabel, VersionLabels
from engine.workspace.version_labels import text_of as text_of_labels
from engine.workspace.workspace import Workspace

_Part = TypeVar("_Part")


class UsedParts(Struct):
    """What a workflow uses, and what that uses in turn."""

    documents: list[Any]
    """The workflow, and every kept text of its agents."""
    agents: dict[str, BundledAgent] = field(default_factory=dict)
    tools: dict[str, BundledTool] = field(default_factory=dict)
    mcp_tools: dict[str, BundledMcpTool] = field(default_factory=dict)


class AgentsAndTools:
    """The agents and tools of a workspace, for bundles."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._shelf = workspace, workspace.agents
        self._labels, self._tools = VersionLabels(workspace.agents), ToolStore(workspace.root)

    def used(self, workflow: Any) -> UsedParts:
        """Return what a workflow uses, as far as it is here. Raises InvalidFile."""
        found, agents, tools = UsedParts([workflow]), set(self._shelf.names()), set(self._tools.names())
        for document in found.documents:  # grows with each agent
            for one in references(document):
                name = one.name.removeprefix(PREFIX)
                if one.kind == "agent" and name in agents and name not in found.agents:
                    found.agents[name] = self._agent(name)
                    found.documents += documents_of(found.agents[name])
                elif one.kind == "tool" and name in tools and one.name != name:
                    found.tools[name] = _bundled(self._tools.files(name))
                elif one.kind == "tool" and server_of(one.name):
                    found.mcp_tools |= self._accepted(one.name)
        return found

    def unusable(self, documents: Iterable[Any]) -> tuple[list[str], list[str]]:
        """Return (tools that have to be tested, tools of MCP servers that an owner has to accept), as `uses`."""
        from engine.tools.opened import OpenedTools

        tools, found = OpenedTools(self._workspace.root), dict[str, bool]()
        for one in (one for document in documents for one in references(document) if one.kind == "tool"):
            try:
                tools.usable(one.name)
            except OrchestraError:
                found[one.name] = bool(server_of(one.name))
        return [name for name, is_mcp in found.items() if not is_mcp], [
            name for name, is_mcp in found.items() if is_mcp
        ]

    def placed_tools(self, tools: Mapping[str, BundledTool]) -> tuple[dict[str, str], dict[str, BundledTool]]:
        """Return ({name in the bundle: name here}, those to create by their names here)."""
        known = set(self._tools.names())

        def is_same_here(name: str, tool: BundledTool) -> bool:
            return name in known and self._tools.files(name) == tool.content

        names, new = dict[str, str](), dict[str, BundledTool]()
        for one, tool in tools.items():
            # A folder without a tool may have the record of a test: it is taken, too.
            names[one] = _place(one, tool, {*tools, *names.values()}, self._has_folder, is_same_here)
            if not self._has_folder(names[one]):
                new[names[one]] = tool
        return names, new

    def placed_agents(
        self, agents: Mapping[str, BundledAgent], names: Names, connections: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, BundledAgent]]:
        """Return as `placed_tools`; `names` has what they use. Raises InvalidInput if they run each other endlessly."""
        taken = {*self._shelf.names(), *names_with_versions(self._shelf)}
        placed, new = dict[str, str](), dict[str, BundledAgent]()
        for one in _inner_first(agents):
            moved = _moved(agents[one], {**names, "agent": placed}, connections)
            placed[one] = _place(one, moved, {*agents, *placed.values()}, taken.__contains__, self._has_same)
            if placed[one] not in taken:
                new[placed[one]] = moved
        return placed, new

    def create(self, tools: Mapping[str, BundledTool], agents: Mapping[str, BundledAgent], by: str) -> None:
        """Create tools, untested, then agents with their versions and labels. Raises InUse, StorageError."""
        for name, tool in tools.items():
            self._tools.create(name, tool.content)
        folder, now = self._shelf.folder, timestamp(self._workspace.clock())
        ahead = []
        for name, agent in agents.items():
            kept, texts = folder / f"{name}.versions", {one: text_of(lines) for one, lines in agent.versions.items()}
            ahead += [FileToCreate(kept / f"{number}.json", text) for number, text in texts.items()]
            labels = {
                label: VersionLabel(
                    version=number, hash=etag(texts[str(number)]), made_at=now, labelled_at=now, labelled_by=by
                )
                for label, number in agent.labels.items()
            }
            ahead += [FileToCreate(kept / "labels.json", text_of_labels(labels))] if labels else []
        if agents:
            self._shelf.create({name: text_of(agent.text) for name, agent in agents.items()}, by, ahead)

    def _agent(self, name: str) -> BundledAgent:
        versions = {number: read(path, path.name).text for number, path in version_files(self._shelf, name).items()}
        labels = {label: one.version for label, one in self._labels.all(name).items()}
        return BundledAgent(
            text=lines_of(self._shelf.read(name).text),
            versions={str(number): lines_of(text) for number, text in versions.items()},
            labels={label: number for label, number in labels.items() if number in versions},
        )

    def _accepted(self, uses: str) -> dict[str, BundledMcpTool]:
        """Return what a person has said of a tool, without the server's address, which may have a secret in it."""
        from engine.tools.accepted import AcceptedTools  # many workflows need none

        server = server_of(uses)
        one = AcceptedTools(self._workspace.root).of(server).get(uses.partition(f".{server}.")[2])
        if one is None:
            return {}
        return {uses: BundledMcpTool(effect=one.effect, roles=dict(one.roles), tool=one.tool)}

    def _has_folder(self, name: str) -> bool:
        return child(self._tools.folder, name).exists()

    def _has_same(self, name: str, agent: BundledAgent) -> bool:
        """Return whether an agent here has this text, these labels, and these versions."""
        if name not in self._shelf.names():
            return False
        try:
            mine = self._agent(name)
        except OrchestraError:
            return False
        pairs = [(mine.text, agent.text), *((mine.versions.get(one), text) for one, text in agent.versions.items())]
        return mine.labels == agent.labels and all(one is not None and _is_same(one, two) for one, two in pairs)


def documents_of(agent: BundledAgent) -> list[Any]:
    """Return the draft and the versions of an agent, parsed. Raises InvalidFile."""
    return [parse(text_of(one), "agent").value for one in (agent.text, *agent.versions.values())]


def _bundled(files: Mapping[str, bytes]) -> BundledTool:
    texts, binary = dict[str, Lines](), dict[str, str]()
    for path, content in files.items():
        try:
            texts[path] = lines_of(content.decode("utf-8"))
        except UnicodeDecodeError:
            binary[path] = base64.b64encode(content).decode("ascii")
    return BundledTool(files=texts, binary=binary)


def _place(
    name: str,
    part: _Part,
    given: set[str],
    is_taken: Callable[[str], bool],
    is_same_here: Callable[[str, _Part], bool],
) -> str:
    """Return the first of `name`, `name-2` and so on that is free here, or has the same content."""
    others = (one for one in numbered(name, name) if one not in given)
    return next(one for one in itertools.chain([name], others) if not is_taken(one) or is_same_here(one, part))


def _inner_first(agents: Mapping[str, BundledAgent]) -> Iterator[str]:
    uses = {
        name: [
            one.name
            for document in documents_of(agent)
            for one in references(document)
            if one.kind == "agent" and one.name in agents
        ]
        for name, agent in agents.items()
    }
    try:
        return iter([*TopologicalSorter(uses).static_order()])
    except CycleError as error:
        circle = " -> ".join(map(str, error.args[1]))
        raise InvalidInput(
            f"The agents of the bundle use each other in a circle: {circle}.", remedy="Take one out, and export again."
        ) from error


def _moved(agent: BundledAgent, names: Names, connections: Mapping[str, str]) -> BundledAgent:
    def here(lines: Lines) -> Lines:
        return lines_of(pointed(parse(text_of(lines), "agent"), names, connections))

    versions = {number: here(lines) for number, lines in agent.versions.items()}
    return BundledAgent(text=here(agent.text), versions=versions, labels=agent.labels)


def _is_same(one: Lines, other: Lines) -> bool:
    return is_same(parse(text_of(one), "agent").value, parse(text_of(other), "agent").value)
