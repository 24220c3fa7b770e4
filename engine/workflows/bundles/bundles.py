"""The `bundles` area: export a workflow with what it uses, and import it elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct, structs

from engine.base.errors import InUse, InvalidFile, InvalidInput, OrchestraError, UnknownName
from engine.base.json_text import is_same
from engine.base.names import branch_parts, checked_name, checked_workflow, usable_name
from engine.base.step_tree import agent_workflow
from engine.documents.json_file import JsonFile, JsonPath, parse, read
from engine.files.new_files import FileToCreate
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.plugins.registry import TOOL
from engine.prompts.fragment_files import require_storable
from engine.prompts.fragments import references as fragments_in
from engine.prompts.fragments import renamed, texts_of
from engine.workflows.bundles.agents_and_tools import AgentsAndTools
from engine.workflows.bundles.bundle import LONGEST_NAME, Bundle, BundledPrompt, Lines, bundle, lines_of, text_of
from engine.workflows.bundles.pointing import (
    connections_in,
    names_with_versions,
    numbered,
    pointed,
    servers_in,
    version_files,
)
from engine.workflows.n8n.export import is_export
from engine.workflows.n8n.translate import translate
from engine.workflows.workflow_files import WorkflowFile, WorkflowFiles
from engine.workspace.file_store import FileStore
from engine.workspace.references import Kind, references
from engine.workspace.workspace import Workspace

_LABELS = ("labels", "protected", "moves")
"""The members of a prompt that are about versions, and may differ."""


@dataclass(frozen=True)
class Imported:
    """What an import has made."""

    workflow: WorkflowFile
    prompts: dict[str, str] = field(default_factory=dict)
    """The name that each prompt of the bundle has here."""
    fragments: dict[str, str] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    """The prompts and fragments that are new here, agents as `agent:NAME` and tools as `tool.NAME`; all others already
    existed with the same content."""
    missing_connections: dict[str, str] = field(default_factory=dict)
    """The service of each connection that the workflow names, and that is not there."""
    missing_workflows: list[str] = field(default_factory=list)
    untested_tools: list[str] = field(default_factory=list)
    """Tools as `tool.NAME` that a person has to test here before anything that uses them can run."""
    unaccepted_tools: list[str] = field(default_factory=list)
    """Tools of MCP servers as `mcp.SERVER.TOOL` that an owner has to accept here."""
    to_finish: list[str] = field(default_factory=list)
    """Of a workflow of n8n: what could not be translated, a sentence each."""


class _Placed(Struct, frozen=True):
    """The names here of what a bundle brings, by its name there, and what was made."""

    prompts: dict[str, str]
    fragments: dict[str, str]
    agents: dict[str, str]
    tools: dict[str, str]
    created: list[str]


class Bundles:
    """A workflow with all that it uses, as one file; an import writes an audit line."""

    def __init__(
        self,
        workspace: Workspace,
        workflows: WorkflowFiles,
        services: Callable[[], Mapping[str, str]],
        audit: Audit,
    ) -> None:
        """`services()` returns the service of each connection, by name."""
        self._workspace, self._workflows, self._services, self._audit = workspace, workflows, services, audit
        self._parts = AgentsAndTools(workspace)

    @operation("workflows.export", "view", "export workflows", "Export a workflow")
    def export(self, p: Principal, name: str) -> Bundle:
        """Return a workflow as a bundle. Raises UnknownName, InvalidFile (it, or what it uses, cannot be read)."""
        file = self._workspace.workflows.read(checked_workflow(name))
        if not isinstance(file.value, dict):
            raise InvalidFile(f"{file.file} does not contain a JSON object.")
        used = self._parts.used(file.value)
        found = [one for document in used.documents for one in references(document)]
        known = set(self._workspace.prompts.names())
        prompts = {one.name: self._prompt(one.name) for one in found if one.kind == "prompt" and one.name in known}
        services = self._services()
        return Bundle(
            bundle_version=1,
            name=branch_parts(name)[0],
            workflow=lines_of(file.text),
            prompts=prompts,
            fragments=self._fragments(prompts),
            agents=used.agents,
            tools=used.tools,
            mcp_tools=used.mcp_tools,
            connections={one: services.get(one, "") for one in _named(used.documents) if 0 < len(one) <= LONGEST_NAME},
            calls=sorted({one.name for one in found if one.kind == "workflow"} - {name}),
        )

    @operation("workflows.import", "edit", "import workflows", "Import a workflow")
    def imported(
        self,
        p: Principal,
        sent: object,
        name: str = "",
        file: str = "the bundle",
        connections: Mapping[str, str] | None = None,
    ) -> Imported:
        """Create a workflow from a bundle, with what it uses; nothing that exists is changed.

        A prompt, fragment, agent or tool that exists with the same content is used; one with other content gets a new
        name here, and the references follow. New tools are untested, and no tool of an MCP server is accepted by it:
        what a bundle says of either counts for nothing. `name`: of the workflow, by default as in the bundle.
        `connections`: the name here of a connection of the bundle. Raises InvalidInput, InvalidFile (no bundle), InUse
        (the name is taken), UnknownName (a connection), StorageError.
        """
        if is_export(sent):
            return self._of_n8n(p, sent, name, file)
        found = bundle(sent, file)
        for lines in found.fragments.values():  # before anything is created
            require_storable(text_of(lines))
        target = self._free_name(name or found.name)
        wanted = self._known(found, connections or {})
        fragments, new_fragments = self._placed_fragments(found)
        prompts, new_prompts = self._placed_prompts(found, fragments)
        tools, new_tools = self._parts.placed_tools(found.tools)
        names: dict[Kind, dict[str, str]] = {"prompt": prompts}
        names["tool"] = {f"{TOOL}{old}": f"{TOOL}{new}" for old, new in tools.items()}
        agents, new_agents = self._parts.placed_agents(found.agents, names, wanted)
        text = pointed(parse(text_of(found.workflow), f"{file}: workflow"), {**names, "agent": agents}, wanted)
        # The workflow comes last: after a crash, nothing names what is not there.
        self._create(new_fragments, new_prompts, p.id)
        self._parts.create(new_tools, new_agents, p.id)
        made = self._workflows.save(p, target, text, None)
        shown = [*map(agent_workflow, new_agents), *(f"{TOOL}{one}" for one in new_tools)]
        created = [*new_prompts, *new_fragments, *shown]
        self._audit.record(p, "workflows.import", target, {"prompts": sorted(new_prompts), "created": created})
        return self._told(found, made, wanted, _Placed(prompts, fragments, agents, tools, created))

    def _of_n8n(self, p: Principal, sent: object, name: str, file: str) -> Imported:
        """Create a workflow from one of n8n: it uses the only connection of each service."""
        found = translate(sent, file)
        target = self._free_name(name or (usable_name(found.title) or "n8n"))
        text = f"{json.dumps(found.document, ensure_ascii=False, indent=2)}\n"
        made = self._workflows.save(p, target, text, None)
        self._audit.record(p, "workflows.import", target, {"from": "n8n"})
        return Imported(workflow=made, to_finish=list(found.left))

    def _free_name(self, name: str) -> str:
        """Return the name of the workflow that an import makes. Raises InvalidInput, InUse."""
        found = checked_name("workflow", name)
        if found in self._workspace.workflows.names():
            raise InUse(f"There is already a workflow named {found!r}.", remedy="Give it another name: `--name NAME`.")
        return found

    def _told(self, found: Bundle, made: WorkflowFile, wanted: Mapping[str, str], placed: _Placed) -> Imported:
        """Return what an import has made, and what is missing for it to run."""
        documents = self._parts.used(made.document or {}).documents
        untested, unaccepted = self._parts.unusable(documents)
        here, workflows = self._services(), self._workspace.workflows.names()
        services = {wanted.get(one, one): service for one, service in found.connections.items()}
        return Imported(
            workflow=made,
            **structs.asdict(placed),
            missing_connections={one: services.get(one, "") for one in _named(documents) if one not in here},
            missing_workflows=[one for one in found.calls if one not in workflows],
            untested_tools=untested,
            unaccepted_tools=unaccepted,
        )

    def _prompt(self, name: str) -> BundledPrompt:
        file_store = self._workspace.prompts
        versions = {
            str(number): lines_of(read(path, path.name).text)
            for number, path in version_files(file_store, name).items()
        }
        return BundledPrompt(text=lines_of(file_store.read(name).text), versions=versions)

    def _fragments(self, prompts: Mapping[str, BundledPrompt]) -> dict[str, list[str]]:
        file_store, found = self._workspace.fragments, dict[str, list[str]]()
        ahead = [one for prompt in prompts.values() for one in _fragments_of(text_of(prompt.text))]
        known = set(file_store.names())
        while ahead:
            name = ahead.pop()
            if name in known and name not in found:
                text = file_store.text(name)
                found[name] = lines_of(text)
                ahead += [one.name for one in fragments_in(text)]
        return dict(sorted(found.items()))

    def _known(self, found: Bundle, connections: Mapping[str, str]) -> dict[str, str]:
        services = self._services()
        for old, new in connections.items():
            if old not in found.connections:
                listed = ", ".join(found.connections) or "none"
                raise InvalidInput(f"The bundle names no connection {old!r}.", remedy=f"It names: {listed}.")
            if new not in services:
                raise UnknownName("connection", new, list(services))
            if found.connections[old] not in ("", services[new]):
                said = f"The connection {new!r} is to {services[new]}, but {old!r} is to {found.connections[old]}."
                raise InvalidInput(said, remedy="Name a connection of the same service.")
        return dict(connections)

    def _placed_fragments(self, found: Bundle) -> tuple[dict[str, str], dict[str, str]]:
        """Return ({name in the bundle: name here}, {name here: text} of those to create)."""
        file_store = self._workspace.fragments
        here, names = set(file_store.names()), {one: one for one in found.fragments}
        while True:  # another name for one changes the texts of those that name it
            changed = {one: name for one, name in names.items() if one != name}
            texts = {one: _fragment_named(text_of(lines), changed) for one, lines in found.fragments.items()}
            wrong = {one for one in names if names[one] in here and not _has_text(file_store, names[one], texts[one])}
            if not wrong:
                break
            given = set(names.values())
            for one in [
                one for one in names if one in wrong and not _names_one_of(found.fragments[one], wrong)
            ] or wrong:
                free = (name for name in numbered(one, names[one]) if name not in given)
                given.remove(names[one])
                names[one] = next(name for name in free if name not in here or _has_text(file_store, name, texts[one]))
                given.add(names[one])
        return names, {names[one]: text for one, text in texts.items() if names[one] not in here}

    def _placed_prompts(
        self, found: Bundle, fragments: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, BundledPrompt]]:
        file_store = self._workspace.prompts
        here = set(file_store.names())
        changed = {one: name for one, name in fragments.items() if one != name}
        taken, given = {*here, *names_with_versions(file_store)}, set(found.prompts)
        names, new = dict[str, str](), dict[str, BundledPrompt]()
        for one, prompt in found.prompts.items():
            moved = BundledPrompt(text=lines_of(_with_fragments(prompt, changed)), versions=prompt.versions)
            if one not in taken:
                names[one], new[one] = one, moved
            elif one in here and self._has_same(one, moved):
                names[one] = one
            else:
                others = (name for name in numbered(one, one) if name not in given)
                fits = (name for name in others if name not in taken or (name in here and self._has_same(name, moved)))
                names[one] = next(fits)
                given.add(names[one])
                if names[one] not in taken:
                    new[names[one]] = moved
        return names, new

    def _has_same(self, name: str, prompt: BundledPrompt) -> bool:
        """Return whether a prompt has this text and these versions, and its labels name the same versions."""
        mine = self._prompt(name)
        one, other = (parse(text_of(each.text), name).value for each in (mine, prompt))
        if not isinstance(one, dict) or one.get("labels") != other.get("labels"):
            return False
        here, there = ({key: value for key, value in each.items() if key not in _LABELS} for each in (one, other))
        return is_same(here, there) and all(
            number in mine.versions
            and is_same(parse(text_of(mine.versions[number]), name).value, parse(text_of(lines), name).value)
            for number, lines in prompt.versions.items()
        )

    def _create(self, fragments: Mapping[str, str], prompts: Mapping[str, BundledPrompt], by: str) -> None:
        """Create fragments, then the prompts that name them; versions first, as labels name them."""
        file_store = self._workspace.prompts
        versions = [
            FileToCreate(file_store.folder / f"{name}.versions" / f"{number}.json", text_of(lines))
            for name, prompt in prompts.items()
            for number, lines in prompt.versions.items()
        ]
        self._workspace.fragments.create(fragments, by)
        file_store.create({name: text_of(prompt.text) for name, prompt in prompts.items()}, by, versions)


def _named(documents: Sequence[object]) -> list[str]:
    """Return the connections that workflows and agents name, also within the names of MCP tools."""
    found = {name for one in documents for name in (*connections_in(one).values(), *servers_in(one))}
    return sorted(found)


def _fragments_of(text: str) -> Iterator[str]:
    for _, message in texts_of(parse(text, "prompt").value):
        yield from (one.name for one in fragments_in(message))


def _names_one_of(fragment: Lines, others: Collection[str]) -> bool:
    """Return whether the text of a fragment names one of these: then theirs are settled first."""
    return any(one.name in others for one in fragments_in(text_of(fragment)))


def _fragment_named(text: str, names: Mapping[str, str]) -> str:
    """Return a text with other names for fragments; `names` has only those that differ."""
    for old, new in names.items():
        text = renamed(text, old, new)
    return text


def _with_fragments(prompt: BundledPrompt, names: Mapping[str, str]) -> str:
    """Return the draft of a prompt with the names that its fragments have here."""
    file = parse(text_of(prompt.text), "prompt")
    changed: dict[JsonPath, str] = {}
    for path, text in _message_texts(file):
        new = _fragment_named(text, names)
        if new != text:
            changed[path] = new
    return file.replaced(changed)


def _message_texts(file: JsonFile) -> Iterator[tuple[JsonPath, str]]:
    messages = file.value.get("messages")
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            yield ("messages", number, "content"), content
        for line, text in enumerate(content if isinstance(content, list) else ()):
            if isinstance(text, str):
                yield ("messages", number, "content", line), text


def _has_text(file_store: FileStore, name: str, text: str) -> bool:
    try:
        return file_store.text(name).rstrip("\n") == text.rstrip("\n")
    except OrchestraError:
        return False


def as_text(found: Bundle) -> str:
    """Return the text of the file of a bundle."""
    return f"{json.dumps(found.model_dump(), ensure_ascii=False, indent=2)}\n"
