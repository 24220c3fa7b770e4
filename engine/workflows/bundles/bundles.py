"""The `bundles` facet: export a workflow with its prompts and fragments, and import it elsewhere."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.base.errors import InUse, InvalidFile, InvalidInput, OrchestraError, UnknownName
from engine.base.json_text import is_same
from engine.base.names import branch_parts, checked_name, checked_workflow
from engine.base.step_tree import step_nodes
from engine.documents.json_file import JsonFile, JsonPath, parse, read
from engine.files.new_files import NewFile
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.plugins.step import EMBEDDING
from engine.prompts.fragment_files import require_storable
from engine.prompts.fragments import references as fragments_in
from engine.prompts.fragments import renamed, texts_of
from engine.workflows.bundles.bundle import LONGEST_NAME, Bundle, BundledPrompt, Lines, bundle, lines_of, text_of
from engine.workflows.workflow_files import WorkflowFile, WorkflowFiles
from engine.workspace.file_store import Shelf
from engine.workspace.references import references
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
    created: list[str] = field(default_factory=list)
    """The prompts and fragments that are new here; all others already existed with the same content."""
    missing_connections: dict[str, str] = field(default_factory=dict)
    """The service of each connection that the workflow names, and that is not there."""
    missing_workflows: list[str] = field(default_factory=list)


class Bundles:
    """Every method checks the right of `p`; an import writes an audit line."""

    def __init__(
        self,
        workspace: Workspace,
        workflows: WorkflowFiles,
        services: Callable[[], Mapping[str, str]],
        audit: Audit,
    ) -> None:
        """`services()` returns the service of each connection, by name."""
        self._workspace, self._workflows, self._services, self._audit = workspace, workflows, services, audit

    def export(self, p: Principal, name: str) -> Bundle:
        """Return a workflow as a bundle. Raises UnknownName, InvalidFile (it, or a prompt, is not a JSON object)."""
        require(p, "view", "export workflows")
        file = self._workspace.workflows.read(checked_workflow(name))
        if not isinstance(file.value, dict):
            raise InvalidFile(f"{file.file} does not contain a JSON object.")
        found = references(file.value)
        prompts = {
            one.name: self._prompt(one.name)
            for one in found
            if one.kind == "prompt" and one.name in self._workspace.prompts.names()
        }
        services = self._services()
        named = {str(one) for one in _connections(file.value).values()}
        return Bundle(
            bundle_version=1,
            name=branch_parts(name)[0],
            workflow=lines_of(file.text),
            prompts=prompts,
            fragments=self._fragments(prompts),
            connections={one: services.get(one, "") for one in sorted(named) if 0 < len(one) <= LONGEST_NAME},
            calls=sorted({one.name for one in found if one.kind == "workflow"} - {name}),
        )

    def imported(
        self,
        p: Principal,
        sent: object,
        name: str = "",
        file: str = "the bundle",
        connections: Mapping[str, str] | None = None,
    ) -> Imported:
        """Create a workflow from a bundle, with its prompts and fragments; nothing that exists is changed.

        A prompt or fragment that exists with the same content is used; one with other content gets a new name here, and
        the references follow. `name`: of the workflow, default: that in the bundle. `connections`: the name here of a
        connection of the bundle. Raises InvalidInput, InvalidFile (no bundle), InUse (the name is taken), UnknownName
        (a connection), StorageError.
        """
        require(p, "edit", "import workflows")
        found = bundle(sent, file)
        for lines in found.fragments.values():
            require_storable(text_of(lines))
        target = checked_name("workflow", name or found.name)
        shelf = self._workspace.workflows
        if target in shelf.names():
            raise InUse(f"There is already a workflow named {target!r}.", remedy="Give it another name: `--name NAME`.")
        wanted = self._known(found, connections or {})
        fragments, new_fragments = self._placed_fragments(found)
        prompts, new_prompts = self._placed_prompts(found, fragments)
        text = _pointed(parse(text_of(found.workflow), f"{file}: workflow"), prompts, wanted)
        self._create(new_fragments, new_prompts, p.id)
        made = self._workflows.save(p, target, text, None)
        self._audit.record(p, "workflows.import", target, {"prompts": sorted(new_prompts)})
        services = self._services()
        named = {str(one) for one in _connections(made.document or {}).values()}
        missing = {wanted.get(one, one): service for one, service in found.connections.items()}
        return Imported(
            workflow=made,
            prompts=prompts,
            fragments=fragments,
            created=[*new_prompts, *new_fragments],
            missing_connections={one: missing.get(one, "") for one in sorted(named - set(services))},
            missing_workflows=[one for one in found.calls if one not in shelf.names()],
        )

    def _prompt(self, name: str) -> BundledPrompt:
        shelf = self._workspace.prompts
        versions = {
            str(number): lines_of(read(path, path.name).text) for number, path in _version_files(shelf, name).items()
        }
        return BundledPrompt(text=lines_of(shelf.read(name).text), versions=versions)

    def _fragments(self, prompts: Mapping[str, BundledPrompt]) -> dict[str, list[str]]:
        shelf, found = self._workspace.fragments, dict[str, list[str]]()
        ahead = [one for prompt in prompts.values() for one in _fragments_of(text_of(prompt.text))]
        known = set(shelf.names())
        while ahead:
            name = ahead.pop()
            if name in known and name not in found:
                text = shelf.text(name)
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
        shelf = self._workspace.fragments
        here, names = set(shelf.names()), {one: one for one in found.fragments}
        while True:  # another name for one changes the texts of those that name it
            changed = {one: name for one, name in names.items() if one != name}
            texts = {one: _fragment_named(text_of(lines), changed) for one, lines in found.fragments.items()}
            wrong = {one for one in names if names[one] in here and not _has_text(shelf, names[one], texts[one])}
            if not wrong:
                break
            given = set(names.values())
            for one in [
                one for one in names if one in wrong and not _names_one_of(found.fragments[one], wrong)
            ] or wrong:
                free = (name for name in _numbered(one, names[one]) if name not in given)
                given.remove(names[one])
                names[one] = next(name for name in free if name not in here or _has_text(shelf, name, texts[one]))
                given.add(names[one])
        return names, {names[one]: text for one, text in texts.items() if names[one] not in here}

    def _placed_prompts(
        self, found: Bundle, fragments: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, BundledPrompt]]:
        shelf = self._workspace.prompts
        here = set(shelf.names())
        changed = {one: name for one, name in fragments.items() if one != name}
        taken, given = {*here, *_names_with_versions(shelf)}, set(found.prompts)
        names, new = dict[str, str](), dict[str, BundledPrompt]()
        for one, prompt in found.prompts.items():
            moved = BundledPrompt(text=lines_of(_with_fragments(prompt, changed)), versions=prompt.versions)
            if one not in taken:
                names[one], new[one] = one, moved
            elif one in here and self._has_same(one, moved):
                names[one] = one
            else:
                others = (name for name in _numbered(one, one) if name not in given)
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
        shelf = self._workspace.prompts
        versions = [
            NewFile(shelf.folder / f"{name}.versions" / f"{number}.json", text_of(lines))
            for name, prompt in prompts.items()
            for number, lines in prompt.versions.items()
        ]
        self._workspace.fragments.create(fragments, by)
        shelf.create({name: text_of(prompt.text) for name, prompt in prompts.items()}, by, versions)


def _names_with_versions(shelf: Shelf) -> Iterator[str]:
    """Return the prompts that have versions, though the prompt itself may be missing."""
    return (folder.name.removesuffix(".versions") for folder in shelf.folder.glob("*.versions"))


def _version_files(shelf: Shelf, name: str) -> dict[int, Path]:
    found = (shelf.folder / f"{name}.versions").glob("*.json")
    return {int(path.stem): path for path in sorted(found) if path.stem.isdecimal()}


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
    """Return the working text of a prompt with the names that its fragments have here."""
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


def _has_text(shelf: Shelf, name: str, text: str) -> bool:
    try:
        return shelf.text(name).rstrip("\n") == text.rstrip("\n")
    except OrchestraError:
        return False


def _numbered(name: str, now: str) -> Iterator[str]:
    """Return `name-2`, `name-3` and so on, behind the name that it has now."""
    numbered = (f"{name[:58]}-{number}" for number in itertools.count(2))
    if now != name:
        next(one for one in numbered if one == now)
    return numbered


def _connections(document: object) -> dict[JsonPath, str]:
    """Return the connections that steps and triggers name, by place."""
    found: dict[JsonPath, str] = {}
    for node in step_nodes(document):
        if isinstance(node.step.json.get("connection"), str):
            found[*node.place, "connection"] = node.step.json["connection"]
        fields = node.step.json.get("with")
        if isinstance(fields, dict) and isinstance(fields.get(EMBEDDING), str) and fields[EMBEDDING]:
            found[*node.place, "with", EMBEDDING] = fields[EMBEDDING]
        for index, other in enumerate(_fallback(node.step.json)):
            if isinstance(other, dict) and isinstance(other.get("connection"), str):
                found[*node.place, "with", "fallback", index, "connection"] = other["connection"]
    triggers = document.get("triggers") if isinstance(document, dict) else None
    for index, trigger in enumerate(triggers if isinstance(triggers, list) else ()):
        if isinstance(trigger, dict) and isinstance(trigger.get("connection"), str):
            found["triggers", index, "connection"] = trigger["connection"]
    return found


def _fallback(step: Mapping[str, Any]) -> list[Any]:
    """Return the models that a step asks in turn, as they are written."""
    fields = step.get("with")
    found = fields.get("fallback") if isinstance(fields, dict) else None
    return found if isinstance(found, list) else []


def _pointed(file: JsonFile, prompts: Mapping[str, str], connections: Mapping[str, str]) -> str:
    """Return the text of a workflow with the names that its prompts and connections have here."""
    changed: dict[JsonPath, str] = {}
    for one in references(file.value):
        new = prompts.get(one.name, one.name) if one.kind == "prompt" else one.name
        if new != one.name:
            changed[one.path] = f"{new}@{one.suffix}" if one.suffix else new
    for path, connection in _connections(file.value).items():
        if connections.get(connection, connection) != connection:
            changed[path] = connections[connection]
    return file.replaced(changed)


def as_text(found: Bundle) -> str:
    """Return the text of the file of a bundle."""
    return f"{json.dumps(found.model_dump(), ensure_ascii=False, indent=2)}\n"
