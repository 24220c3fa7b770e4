"""Everything a person or program may do with the workflow files of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from engine.compiler.compiler import Compiled, Surroundings, compile_workflow
from engine.compiler.plan import Plan
from engine.compiler.renaming import renamed_paths, renamed_step
from engine.errors import InvalidFile, OrchestraError, Problem
from engine.names import checked_name
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.registry import step_type
from engine.workspace import files, samples
from engine.workspace.canonical import canonical
from engine.workspace.history import Version
from engine.workspace.jsonfile import JsonFile, parse, read
from engine.workspace.samples import Sample
from engine.workspace.workflow_checks import Asked, Checked, WorkflowChecks
from engine.workspace.workspace import Workspace

# Inside the class below, `list` is the method.
Problems: TypeAlias = list[Problem]
Samples: TypeAlias = list[Sample]
Versions: TypeAlias = list[Version]
Names: TypeAlias = list[str]


class Moves(Protocol):
    """Lets what is kept of a workflow follow its file: receipts and triggers."""

    def workflow(self, name: str, new: str, move: Callable[[], None]) -> None:
        """Move those of a workflow and `move` its files, both or neither. Raises InUse."""

    def step(self, workflow: str, old: str, new: str, etag: str, save: Callable[[], None]) -> None:
        """Move those of a step and save its workflow, whose text has then this etag, both or neither. Raises InUse."""

    def gone(self, name: str) -> None:
        """Turn the triggers of a workflow off that was deleted: another file of that name is another workflow."""


@dataclass(frozen=True)
class WorkflowSummary:
    """One line of the list of workflows; `problems` counts errors, `services` are named in order of first use.

    `warnings` do not stop it from running.
    """

    name: str
    title: str
    description: str
    problems: int
    warnings: int
    steps: int
    services: list[str]
    changed_at: datetime


@dataclass(frozen=True)
class WorkflowFile:
    """A workflow file as it is edited; `document` is None where the text is no JSON object."""

    name: str
    text: str
    etag: str
    document: dict[str, Any] | None
    problems: list[Problem]


class WorkflowFiles:
    """The `workflows` facet: every method checks the right of `p`; every change writes an audit line."""

    def __init__(
        self,
        workspace: Workspace,
        surroundings: Callable[[], Surroundings],
        audit: Audit,
        moves: Moves,
    ) -> None:
        self._workspace = workspace
        self._shelf = workspace.workflows
        self._surroundings = surroundings
        self._audit = audit
        self._moves = moves
        self._checks = WorkflowChecks()

    def names(self, p: Principal) -> Names:
        """Return what workflows are called, in order, without reading a file."""
        require(p, "view", "see workflows")
        return self._shelf.names()

    def list(self, p: Principal) -> list[WorkflowSummary]:
        """Return every workflow by name; one that is damaged is listed with its problems."""
        require(p, "view", "see workflows")
        names, asked = self._shelf.names(), Asked(self._surroundings())
        self._checks.forget_all_but(names)
        return [self._summary(name, self._or_damaged(name, asked)) for name in names]

    def get(self, p: Principal, name: str) -> WorkflowFile:
        """Return a workflow file with all its problems. Raises UnknownName, InvalidInput."""
        require(p, "view", "see workflows")
        return self._file(name)

    def check(self, p: Principal, name: str, text: str) -> Problems:
        """Return the problems that the text would have as the file of workflow `name`."""
        require(p, "view", "check workflows")
        return self._checked(checked_name("workflow", name), text)[1]

    def save(self, p: Principal, name: str, text: str, etag: str | None) -> WorkflowFile:
        """Save the text in canonical form; `etag` None means that there must be none yet.

        A JSON object is saved whatever else is wrong with it, so that no work is lost; it runs once it compiles.
        Raises InvalidFile, StaleEdit, InUse, UnknownName, StorageError.
        """
        require(p, "edit", "change workflows")
        document, problems = self._checked(checked_name("workflow", name), text)
        if document is None:
            raise InvalidFile.of(self._shelf.file(name), problems)
        self._shelf.save(name, canonical(document, "workflow"), etag, p.id)
        self._audit.record(p, "workflows.save", name)
        return self._file(name)

    def samples(self, p: Principal) -> Samples:
        """Return the shipped workflows that a new one can start from."""
        require(p, "view", "see samples")
        return samples.samples()

    def create_from_sample(self, p: Principal, sample: str, name: str) -> WorkflowFile:
        """Make a workflow from a sample, with the prompts it names. Raises UnknownName, InUse, StorageError."""
        require(p, "edit", "make workflows")
        samples.copy_sample(self._workspace, sample, name, p.id)
        self._audit.record(p, "workflows.create", name, {"sample": sample})
        return self._file(name)

    def duplicate(self, p: Principal, name: str, new: str) -> WorkflowFile:
        """Make a second workflow like the first. Raises UnknownName, InUse, InvalidFile, StorageError."""
        require(p, "edit", "make workflows")
        self._shelf.duplicate(name, new, self._as_copy(name), p.id)
        self._audit.record(p, "workflows.duplicate", new, {"from": name})
        return self._file(new)

    def rename(self, p: Principal, name: str, new: str) -> WorkflowFile:
        """Give a workflow another name; layout, saved versions and receipts go along.

        Raises UnknownName, InUse (the name is taken, or a run of the workflow is open), StorageError.
        """
        require(p, "edit", "rename workflows")
        self._moves.workflow(name, new, lambda: self._shelf.rename(name, new))
        self._audit.record(p, "workflows.rename", new, {"from": name})
        return self._file(new)

    def rename_step(self, p: Principal, name: str, old: str, new: str, etag: str | None = None) -> WorkflowFile:
        """Give a step another id, in every expression, in the drawing and in its receipts; save in canonical form.

        `etag`: of the text that is meant, None for the one that is there. Raises UnknownName, InvalidInput, InUse (the
        id is taken, or a run of the workflow is open), InvalidFile (the workflow has errors), StaleEdit, StorageError.
        """
        require(p, "edit", "rename steps")
        file = self._shelf.read(name)
        text = canonical(renamed_step(file, name, self._surroundings(), old, new), "workflow")
        known = files.etag(file.text) if etag is None else etag

        def save() -> None:
            self._shelf.save(name, text, known, p.id)
            positions = self.positions(p, name)
            if positions:
                self._save_layout(name, renamed_paths(positions, old, new))

        self._moves.step(name, old, new, files.etag(text), save)
        self._audit.record(p, "workflows.rename_step", name, {"from": old, "to": new})
        return self._file(name)

    def delete(self, p: Principal, name: str) -> None:
        """Move a workflow to the trash folder of the workspace's state; its triggers are off then.

        Raises UnknownName, StorageError.
        """
        require(p, "edit", "delete workflows")
        trash = self._shelf.delete(name)
        self._moves.gone(name)
        self._audit.record(p, "workflows.delete", name, {"moved_to": str(trash)})

    def versions(self, p: Principal, name: str) -> Versions:
        """Return the last 20 saved texts, newest first."""
        require(p, "view", "see workflows")
        return self._shelf.history.versions(checked_name("workflow", name))

    def version_text(self, p: Principal, name: str, version_id: str) -> str:
        """Return one saved text. Raises UnknownName, InvalidFile."""
        require(p, "view", "see workflows")
        return self._shelf.history.text(checked_name("workflow", name), version_id)

    def restore(self, p: Principal, name: str, version_id: str, etag: str | None) -> WorkflowFile:
        """Save an earlier text again; what stood there is kept as a version. Raises as `save`."""
        return self.save(p, name, self.version_text(p, name, version_id), etag)

    def plan(self, p: Principal, name: str) -> Plan:
        """Return the compiled workflow. Raises UnknownName, InvalidFile with every problem."""
        require(p, "view", "see workflows")
        compiled = self._compiled(self._shelf.read(name), name)
        if compiled.plan is None:
            raise InvalidFile.of(self._shelf.file(name), compiled.problems)
        return compiled.plan

    def positions(self, p: Principal, name: str) -> dict[str, Any]:
        """Return where the steps stand in the drawing: {path: [x, y]}; {} where nothing usable is stored."""
        require(p, "view", "see workflows")
        try:
            positions = read(self._shelf.layout_path(name)).value["positions"]
        except (InvalidFile, KeyError, TypeError):
            return {}
        return positions if isinstance(positions, dict) else {}

    def move_steps(self, p: Principal, name: str, positions: dict[str, Any]) -> None:
        """Store where the steps stand in the drawing; the workflow file itself stays as it is."""
        require(p, "edit", "change workflows")
        self._save_layout(name, positions)
        self._audit.record(p, "workflows.move_steps", name)

    def _save_layout(self, name: str, positions: dict[str, Any]) -> None:
        layout = {"schema_version": 1, "positions": positions}
        files.write_whole(self._shelf.layout_path(name), canonical(layout, "layout"))

    def _compiled(self, file: JsonFile, name: str) -> Compiled:
        return compile_workflow(file, name, self._surroundings())

    def _checked(self, name: str, text: str) -> tuple[dict[str, Any] | None, Problems]:
        try:
            file = parse(text, self._shelf.file(name))
        except InvalidFile as error:
            return None, error.problems
        document = file.value if isinstance(file.value, dict) else None
        return document, self._compiled(file, name).problems

    def _file(self, name: str) -> WorkflowFile:
        try:
            text = self._shelf.text(name)
        except InvalidFile as error:  # no text at all: a folder, not UTF-8
            return WorkflowFile(name, "", "", None, error.problems)
        document, problems = self._checked(name, text)
        return WorkflowFile(name, text, files.etag(text), document, problems)

    def _or_damaged(self, name: str, asked: Asked) -> Checked:
        """Return what is wrong with a file, or what stands in its way as a problem: nothing breaks the list."""
        try:
            return self._checks.check(name, self._shelf.text(name), self._shelf.file(name), asked)
        except InvalidFile as error:  # no text at all: a folder, not UTF-8
            return Checked(None, tuple(error.problems))
        except OrchestraError as error:
            problem = Problem(error.message, "unusable", file=self._shelf.file(name), remedy=error.remedy)
            return Checked(None, (problem,))

    def _summary(self, name: str, file: Checked) -> WorkflowSummary:
        document = file.document or {}
        used = list(_uses(document))
        return WorkflowSummary(
            name=name,
            title=_text(document, "title") or name,
            description=_text(document, "description"),
            problems=sum(one.severity == "error" for one in file.problems),
            warnings=sum(one.severity == "warning" for one in file.problems),
            steps=sum(1 for _ in _steps(document)),
            services=list(dict.fromkeys(filter(None, map(_service, used)))),
            changed_at=self._shelf.changed_at(name),
        )

    def _as_copy(self, name: str) -> str:
        """Return the text with a title that tells the copy from the first."""
        text = self._shelf.text(name)
        document, _ = self._checked(name, text)
        if document is None or not _text(document, "title"):
            return text
        return canonical({**document, "title": f"{document['title']} (copy)"}, "workflow")


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _steps(document: Any) -> Iterator[dict[str, Any]]:
    """Give every step of a document, or of a list of steps, as far as it has the form of one."""
    steps = document.get("steps") if isinstance(document, dict) else document
    for step in steps if isinstance(steps, list) else []:
        if isinstance(step, dict):
            yield step
            yield from _steps(step.get("steps"))
            yield from _steps(step.get("on_error"))
    if isinstance(document, dict):
        yield from _steps(document.get("on_failure"))


def _uses(document: Mapping[str, Any]) -> Iterator[str]:
    for step in _steps(document):
        if isinstance(step.get("uses"), str):
            yield step["uses"]


def _service(uses: str) -> str | None:
    try:
        return step_type(uses).service
    except OrchestraError:
        return None
