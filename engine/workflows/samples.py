"""The shipped workflows from which a new one can be made, with the prompts they use: the samples and the gallery.

A file in `gallery/workflows/` is all that a further one needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.base.checkout import CHECKOUT
from engine.base.errors import OrchestraError, UnknownName
from engine.base.json_text import JsonObject
from engine.base.step_tree import step_nodes
from engine.files.atomic import make_folder, storage_errors
from engine.plugins.registry import MCP, TOOL, step_type
from engine.tools.store import ToolStore, sample_files
from engine.tools.store import samples as shipped_tools
from engine.workspace.copies import copy
from engine.workspace.file_store import FileStore
from engine.workspace.outline import needed_services
from engine.workspace.references import references
from engine.workspace.workspace import Workspace

NAMES = ("inbox-triage", "reply-drafts", "answer-mail", "issue-to-notion", "commit-digest")
"""The samples that a new workspace gets, the best one to start with first; the checkout may contain its owner's
workflows as well."""


@dataclass(frozen=True)
class Sample:
    """A shipped workflow, as offered to users."""

    name: str
    title: str
    description: str
    services: tuple[str, ...]
    """The services to which it needs a connection, such as `gmail`."""
    steps: tuple[str, ...]
    """The titles of its steps and of their types."""


def _shipped() -> Workspace:
    return Workspace(CHECKOUT)


def _gallery() -> FileStore:
    return Workspace(CHECKOUT / "gallery").workflows


def _file_store(sample: str) -> FileStore:
    return _shipped().workflows if sample in NAMES else _gallery()


def sample_names() -> tuple[str, ...]:
    """Return the names of all shipped workflows."""
    return (*NAMES, *(name for name in _gallery().names() if name not in NAMES))


def samples() -> list[Sample]:
    """Return the shipped workflows that still exist and can be read, the samples of a new workspace first."""
    return [
        Sample(
            name,
            str(found.get("title") or name),
            str(found.get("description") or ""),
            tuple(_needed_services(found)),
            tuple(dict.fromkeys(_step_titles(found))),
        )
        for name, found in _readable(sample_names())
    ]


def _readable(names: Iterable[str]) -> Iterator[tuple[str, JsonObject]]:
    for name in names:
        with suppress(OrchestraError):
            yield name, _file_store(name).document(name)


def _step_titles(document: JsonObject) -> Iterator[str]:
    for node in step_nodes(document):
        yield node.step.title or ""
        with suppress(OrchestraError):  # a tool of a server or of the workspace
            yield step_type(node.step.uses or "").title


def needed_by(sample: str) -> list[str]:
    """Return the services to which a sample needs a connection. Raises UnknownName."""
    _require(sample)
    return _needed_services(_file_store(sample).document(sample))


def _needed_services(document: JsonObject) -> list[str]:
    """Return the services to which a workflow and the agents that it runs need a connection, a model among them."""
    found = needed_services(document)
    for agent in _agents_in(document):
        tools = [one["uses"] for one in _gallery_agents().document(agent)["tools"]]
        found += needed_services({"steps": [{"uses": "agent.turn"}, *({"uses": one} for one in tools)]})
    return list(dict.fromkeys(found))


def _gallery_agents() -> FileStore:
    return Workspace(CHECKOUT / "gallery").agents


def _agents_in(document: JsonObject) -> list[str]:
    """Return the shipped agents that a workflow runs, and those that these have as tools, sorted."""
    file_store, found = _gallery_agents(), set[str]()
    ahead = [one.name for one in references(document) if one.kind == "agent"]
    while ahead:
        name = ahead.pop()
        if name not in found and name in file_store.names():
            found.add(name)
            ahead += [one.name for one in references(file_store.document(name)) if one.kind == "agent"]
    return sorted(found)


def _with_agents(document: JsonObject) -> list[JsonObject]:
    """Return the documents of a workflow and of the shipped agents that it runs."""
    return [document, *(_gallery_agents().document(one) for one in _agents_in(document))]


def _tools_in(documents: Iterable[JsonObject]) -> set[str]:
    return {one.name for document in documents for one in references(document) if one.kind == "tool"}


def named_connections(sample: str) -> dict[str, str]:
    """Return the service of each connection that step types of a sample name: connections to servers of tools.

    Raises UnknownName.
    """
    _require(sample)
    named = sorted(_tools_in(_with_agents(_file_store(sample).document(sample))))
    return {name.split(".")[1]: name.split(".")[0] for name in named if name.startswith(MCP)}


def _require(sample: str) -> None:
    if sample not in (known := sample_names()):
        raise UnknownName("sample", sample, known)


def copy_sample(workspace: Workspace, sample: str, name: str, by: str) -> None:
    """Create workflow `name` from a sample, with its layout and its prompts, agents and tools that do not exist yet.

    Raises UnknownName, InUse, InvalidInput, StorageError.
    """
    _require(sample)
    workspace.workflows.require_free(name)
    file_store = _file_store(sample)
    file = file_store.read(sample)
    agents = _agents_in(file.value)
    documents = _with_agents(file.value)
    for prompt in sorted({name for one in documents for name in prompt_names(one)}):
        copy_prompt(workspace, prompt)
    for server in named_connections(sample):
        _copy_accepted(workspace, server)
    for tool in sorted(name.removeprefix(TOOL) for name in _tools_in(documents)):
        _copy_tool(workspace, tool)
    for agent in agents:
        _copy_agent(workspace, agent)
    id_ = workspace.workflow_ids.free(name)
    text = file.text if id_ == sample else file.with_text("id", id_, after="schema_version")
    workspace.workflows.save(name, text, None, by)
    layout = file_store.layout_path(sample)
    if layout.is_file():
        with storage_errors(workspace.workflows.layout_path(name)):
            copy(layout, workspace.workflows.layout_path(name))


def copy_all(workspace: Workspace) -> None:
    """Copy the samples of a new workspace, except those that it has already. Raises StorageError."""
    for name, _ in _readable(NAMES):
        if not workspace.workflows.path(name).exists():
            copy_sample(workspace, name, name, by="init")


def prompt_names(document: Any) -> set[str]:
    """Return the names of the prompts that a workflow uses."""
    return {one.name for one in references(document) if one.kind == "prompt"}


def _copy_agent(workspace: Workspace, name: str) -> None:
    """Copy a shipped agent, unless there is one of that name. Raises StorageError."""
    source, target = _gallery_agents().path(name), workspace.agents.path(name)
    if source.exists() and not target.exists():
        make_folder(target.parent)
        with storage_errors(target):
            copy(source, target)


def _copy_accepted(workspace: Workspace, server: str) -> None:
    """Copy what is accepted of a stand-in's tools, unless there is something of that server. Raises StorageError."""
    source, target = CHECKOUT / "gallery" / "mcp" / f"{server}.json", workspace.root / "mcp" / f"{server}.json"
    if source.exists() and not target.exists():
        make_folder(target.parent)
        with storage_errors(target):
            copy(source, target)


def _copy_tool(workspace: Workspace, name: str) -> None:
    """Copy a shipped tool, which has passed its tests, unless there is one of that name. Raises StorageError."""
    tool_store = ToolStore(workspace.root)
    if name in shipped_tools().names() and name not in tool_store.names():
        tool_store.create(name, sample_files(name))


def copy_prompt(workspace: Workspace, name: str) -> None:
    """Copy a shipped prompt with its versions and cases, unless there is one of that name. Raises StorageError."""
    source, target = _shipped().prompts.path(name), workspace.prompts.path(name)
    if target.exists() or not source.exists():
        return
    make_folder(target.parent)
    with storage_errors(target):
        versions = f"{name}.versions"
        if (source.parent / versions).is_dir():
            copy(source.parent / versions, target.parent / versions)
        cases = target.parent / f"{name}.cases"
        for case in sorted((source.parent / cases.name).glob("*.json")):  # not the answers of the checkout's owner
            make_folder(cases)
            copy(case, cases / case.name)
        copy(source, target)
