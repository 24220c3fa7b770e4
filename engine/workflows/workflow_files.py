"""The `workflows` area: everything a person or program may do with the workflow files of a workspace."""

from __future__ import annotations

import builtins
import copy
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from engine.base.errors import InUse, InvalidFile, InvalidInput, NotAllowed, OrchestraError, StorageError, UnknownName
from engine.base.json_text import JsonObject
from engine.base.names import branch_address, checked_name, checked_workflow, is_branch
from engine.base.problem import Problem
from engine.base.step_tree import step_nodes
from engine.compiler.definition.plan import Plan, Reach
from engine.compiler.names import ScopeName
from engine.compiler.renaming import rename_splices
from engine.documents.json_file import parse
from engine.documents.json_splice import spliced
from engine.environments.environment_files import follow_rename, require_unused_in_environments
from engine.files import atomic as files
from engine.people.access import Principal, may
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.people.workflow_access import KEY
from engine.workflows import samples
from engine.workflows.compiled_files import CheckedText, CompiledFiles, RecordedCompilerContext
from engine.workflows.samples import Sample
from engine.workspace.blanks import blank_workflow, checked_title, title_of, titled_as_copy
from engine.workspace.canonical import as_written, canonical
from engine.workspace.drafts import Draft
from engine.workspace.layout import (
    Drawing,
    Looks,
    Positions,
    carried,
    changed_looks,
    checked_positions,
    kept_layout,
    step_paths,
)
from engine.workspace.outline import services_in, text_in
from engine.workspace.references import NamingFiles, require_may_call
from engine.workspace.step_renames import RENAMES, StepRenames, in_order, keep_renames
from engine.workspace.workspace import Workspace

# Inside the class below, `list` is the method.
Problems: TypeAlias = list[Problem]
ScopeNames: TypeAlias = list[ScopeName]
Samples: TypeAlias = list[Sample]
Names: TypeAlias = list[str]
Pairs: TypeAlias = list[tuple[str, str]]

_BY = "rename"
"""The author recorded for changes to workflows that call a renamed one."""


class Moves(Protocol):
    """Moves or ends what is kept of a workflow along with a change to its file."""

    def steps(self, workflow: str, renames: StepRenames, etag: str, save: Callable[[], None]) -> None:
        """Move the receipts of renamed steps and save their workflow, whose text then has `etag`, both or neither.

        Raises InUse.
        """

    def delete(self, name: str, delete: Callable[[], Path]) -> Path:
        """Turn its triggers off and `delete` its files: a later file of that name is another workflow. Raises InUse."""


@dataclass(frozen=True)
class WorkflowSummary:
    """One line of the list of workflows; `problems` counts errors, `services` are in order of first use.

    Workflows with `warnings` can still run.
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
    """A workflow file for editing; `document` is None if the text is not a JSON object."""

    name: str
    text: str
    etag: str
    document: dict[str, Any] | None
    problems: list[Problem]
    reach: list[Reach] = field(default_factory=list)
    """Who sees what: which text from outside its steps send to which service."""
    breaches: list[tuple[str, ...]] = field(default_factory=list)
    """The ids of the steps on the way of each text from outside that arrives where it must not."""


@dataclass(frozen=True)
class CreatedWorkflow(WorkflowFile):
    """A new workflow, and the connections that were added for it, which use the demo."""

    added_connections: list[str] = field(default_factory=list)


class Follow(Protocol):
    """Has what is kept beside a workflow follow it."""

    def __call__(self, name: str, new: str, trash: Path | None = None, /) -> None:
        """Rename it; if `new` is "", delete it, and keep a copy of unsaved texts in the folder `trash`."""


class WorkflowFiles:
    """The workflows of a workspace, as files; every change writes an audit line."""

    def __init__(
        self,
        workspace: Workspace,
        compiled: CompiledFiles,
        audit: Audit,
        moves: Moves,
        follow: Follow = lambda _name, _new, _trash=None: None,
        drafted: Callable[[Principal, str], Draft | None] = lambda _p, _name: None,
        default_environment: Callable[[], str] = str,
        connect: Callable[[Principal, Sequence[str], Mapping[str, str]], Names] = lambda _p, _services, _named: [],
    ) -> None:
        """`follow(name, new)` renames unsaved texts after a rename, or deletes them if `new` is "".

        With a folder in the trash, it moves them there. `drafted(p, name)` returns the person's draft;
        `default_environment` returns a name, "" without environments. `connect(p, services)` adds the connections that
        are missing, and returns their names.
        """
        self._connect = connect
        self._default_environment = default_environment
        self._follow, self._drafted = follow, drafted
        self._workspace = workspace
        self._file_store, self._ids = workspace.workflows, workspace.workflow_ids
        self._audit, self._naming = audit, NamingFiles([workspace.workflows], "workflow")
        self._moves = moves
        self._compiled = compiled
        self._summaries: dict[str, tuple[CheckedText, WorkflowSummary]] = {}

    @operation("workflows.names", "view", "see workflows", "List the names of workflows")
    def names(self, p: Principal) -> Names:
        """Return the names of all workflows, sorted, without reading a file."""
        return p.shown(self._file_store.names())

    @operation("workflows.list", "view", "see workflows", "List the workflows")
    def list(self, p: Principal) -> builtins.list[WorkflowSummary]:
        """Return every workflow by name; a damaged one is listed with its problems."""
        names, asked = self._file_store.names(), self._compiled.asked()
        self._compiled.forget_all_but(names)
        for gone in set(self._summaries) - set(names):
            self._summaries.pop(gone, None)
        return [self._summary_of(name, self._or_damaged(name, asked)) for name in names if p.sees(name)]

    @operation("workflows.get", "view", "see workflows", "Read a workflow")
    def get(self, p: Principal, name: str) -> WorkflowFile:
        """Return a workflow file with all its problems. Raises UnknownName, InvalidInput."""
        return self._file(name)

    @operation("workflows.as_file", "view", "see workflows", "Read a text as a workflow")
    def as_file(self, p: Principal, name: str, text: str) -> WorkflowFile:
        """Return a text as if it was the file of workflow `name`. Raises InvalidInput."""
        return self._with_text(checked_workflow(name), text)

    @operation("workflows.check", "view", "check workflows", "Check the text of a workflow")
    def check(self, p: Principal, name: str, text: str) -> Problems:
        """Return the problems that the text would have as the file of workflow `name`, once it is saved."""
        document, problems = self._checked(checked_workflow(name), text)
        gets_another_id = self._ids.of(name) != name or name not in self._file_store.names()
        if document is not None and "id" not in document and gets_another_id:
            return [one for one in problems if one.code != "same_id"]  # saving gives it an id of its own
        return problems

    @operation("workflows.names_at", "view", "check workflows", "List the names that an expression may use")
    def names_at(self, p: Principal, name: str, text: str, line: int, column: int) -> ScopeNames:
        """Return the names, with types, that expressions at a place (from 1) of a text may use.

        [] if the text cannot be read, or has no expressions there. Raises InvalidInput.
        """
        return self._compiled.names_at(checked_workflow(name), text, line, column)

    @operation("workflows.save", "edit", "change workflows", "Save a workflow")
    def save(
        self,
        p: Principal,
        name: str,
        text: str,
        etag: str | None,
        renames: StepRenames | None = None,
        merged_from: str = "",
        said_as: str = "workflows.save",
    ) -> WorkflowFile:
        """Save the text as written, with a final line break; `etag` None: the file must not exist yet.

        A JSON object is saved whatever else is wrong with it, so that no work is lost; it can run once it compiles.
        Without an `id` it gets the one that the workflow has, or a new one; a new file never takes another file's.
        `renames`: the steps that have another id in the text, (old, new), None for the renames of the person's
        draft: what is kept of them, such as receipts, follows. Positions in the drawing follow all steps.
        `merged_from`: the branch whose changes the text brings. `said_as`: the action of the audit line.
        Raises InvalidFile, InvalidInput (the text has another id than the file), NotAllowed (it has another `access`,
        which only owners may change, or newly names a workflow that `p` may not run), StaleEdit, InUse, UnknownName,
        StorageError.
        """
        document, problems = self._checked(checked_workflow(name), text)
        if document is None:
            raise InvalidFile.of(self._file_store.file(name), problems)
        self._require_allowed(p, name, document, is_new=etag is None)
        if not is_branch(name):
            text = self._with_own_id(name, text, document, is_new=etag is None)
        renamed = (
            []
            if etag is None
            else self._renamed(name, document, self._drafted_renames(p, name) if renames is None else renames)
        )
        self._save_renamed(p, name, as_written(text), etag, renamed, merged_from)
        self._audit.record(p, said_as, name)
        return self._file(name)

    def _with_own_id(self, name: str, text: str, document: JsonObject, *, is_new: bool) -> str:
        """Return the text of a workflow with the id that it has, or with a new one. Raises InvalidInput."""
        is_taken = is_new and "id" in document and not self._ids.is_free(document["id"])
        if is_taken or "id" not in document:
            return self._with_id(name, text, self._ids.free(name) if is_new else self._ids.of(name))
        if not is_new:
            self._require_same_id(name, document["id"])
        return text

    @operation("workflows.samples", "view", "see samples", "List the sample workflows")
    def samples(self, p: Principal) -> Samples:
        """Return the shipped workflows from which a new one can be made."""
        return samples.samples()

    @operation("workflows.create_from_sample", "edit", "make workflows", "Create a workflow from a sample")
    def create_from_sample(self, p: Principal, sample: str, name: str) -> CreatedWorkflow:
        """Create a workflow from a sample, with the prompts it uses and, on the demo, the connections it lacks.

        Raises UnknownName, InUse, InvalidFile (config.yaml cannot be changed), StorageError.
        """
        needed = samples.needed_by(sample)
        self._file_store.require_free(name)
        added = self._connect(p, needed, samples.named_connections(sample))
        samples.copy_sample(self._workspace, sample, name, p.id)
        self._follow(name, "")
        self._audit.record(p, "workflows.create", name, {"sample": sample})
        return CreatedWorkflow(**vars(self._file(name)), added_connections=added)

    @operation("workflows.create", "edit", "make workflows", "Create a workflow")
    def create(self, p: Principal, name: str, title: str = "") -> WorkflowFile:
        """Create a workflow with one step, ready to run and edit. Raises InUse, InvalidInput, StorageError."""
        text = blank_workflow(checked_title(title) or title_of(checked_name("workflow", name)))
        text = self._with_id(name, text, self._ids.free(name))
        self._file_store.save(name, text, None, p.id)
        self._follow(name, "")
        self._audit.record(p, "workflows.create", name)
        return self._file(name)

    @operation("workflows.create_from", "edit", "make workflows", "Create a workflow with a given content")
    def create_from(
        self, p: Principal, name: str, document: JsonObject, services: Sequence[str] = ()
    ) -> CreatedWorkflow:
        """Create a workflow with this content, in canonical form, and on the demo the connections to `services`.

        Raises InvalidFile, InUse, InvalidInput, StorageError.
        """
        self._file_store.require_free(name)
        added = self._connect(p, services, {}) if services else []
        text = canonical(document, "workflow")
        made = self.save(p, name, text, None)
        self._follow(name, "")
        return CreatedWorkflow(**vars(made), added_connections=added)

    @operation("workflows.duplicate", "edit", "make workflows", "Copy a workflow")
    def duplicate(self, p: Principal, name: str, new: str) -> WorkflowFile:
        """Create a copy of a workflow, titled "Copy of …". Raises UnknownName, InUse, StorageError."""
        self._file_store.duplicate(name, new, self._as_copy(name, new), p.id)
        self._follow(new, "")
        self._audit.record(p, "workflows.duplicate", new, {"from": name})
        return self._file(new)

    @operation("workflows.rename", "edit", "rename workflows", "Rename a workflow")
    def rename(self, p: Principal, name: str, new: str) -> WorkflowFile:
        """Rename a workflow together with its layout and saved versions, also in the workflows that call it.

        Its id stays, and so do receipts and triggers. If the process dies meanwhile, repeating this completes it.
        Raises UnknownName, InUse (the name is taken, or another file has the id), InvalidFile (the file, or one that
        seems to call it, cannot be read), StorageError.
        """
        self._naming.require_readable(checked_name("workflow", name))
        text = self._file_store.text(name)
        self._file_store.require_free(new)
        id_ = self._ids.of(name)
        others = [repr(other) for other in self._ids.by_id().get(id_, []) if other != name]
        if others:
            raise InUse(
                f"Workflow {name!r} has the same id as {' and '.join(others)}: {id_!r}.",
                remedy=f'Give the copy an id of its own first, such as "id": "{self._ids.free(id_)}".',
            )
        # A file without an `id` has its name as its id, which must not change with the name.
        self._file_store.save(name, self._with_id(name, text, id_), files.etag(text), p.id)
        branches = self._file_store.branches(name)
        self._file_store.rename(name, new, lambda: self._follow_rename(name, new))
        self._follow(name, new)
        for one in branches:
            self._follow(branch_address(name, one), branch_address(new, one))
        self._audit.record(p, "workflows.rename", new, {"from": name})
        return self._file(new)

    def _follow_rename(self, name: str, new: str) -> None:
        self._naming.rename(name, new, _BY)
        follow_rename(self._workspace, name, new, _BY)

    @operation("workflows.rename_step", "edit", "rename steps", "Rename a step")
    def rename_step(self, p: Principal, name: str, old: str, new: str, etag: str | None = None) -> WorkflowFile:
        """Rename a step in every expression, in the drawing and in its receipts; all else stays as written.

        `etag`: of the text to change, None for the current one. Raises UnknownName, InvalidInput, InUse (the id is
        taken, or a run of the workflow is open), InvalidFile (the workflow has errors), StaleEdit, StorageError.
        """
        file = self._file_store.read(name)
        splices = rename_splices(file, name, self._compiled.compiler_context(), [(old, new)])
        text = as_written(self._keeping_id(name, spliced(file.text, splices)))
        self._save_renamed(p, name, text, files.etag(file.text) if etag is None else etag, [(old, new)])
        return self._file(name)

    def _keeping_id(self, name: str, text: str) -> str:
        return text if is_branch(name) else self._with_id(name, text, self._ids.of(name))

    def _save_renamed(
        self, p: Principal, name: str, text: str, etag: str | None, renames: StepRenames, merged_from: str = ""
    ) -> None:
        """Save a text; the receipts of renamed steps, and the positions of all, follow."""
        new_ids, has_layout = dict(renames), self._file_store.layout_path(name).is_file()
        paths = step_paths(self._document(name)) if has_layout else {}
        before = {new_ids.get(step, step): path for step, path in paths.items()}

        def save() -> None:
            self._file_store.save(name, text, etag, p.id, merged_from)
            with suppress(StorageError):  # then a merge warns that receipts do not follow
                self._keep_renames(name, renames, text)
            if before:
                after = step_paths(parse(text, name).value)
                self._save_layout(name, carried(self._layout(name), before, after))

        if renames:
            self._moves.steps(name, renames, files.etag(text), save)
        else:
            save()
        for old, new in renames:
            self._audit.record(p, "workflows.rename_step", name, {"from": old, "to": new})

    def _keep_renames(self, name: str, renames: StepRenames, text: str) -> None:
        """Remember the renames in a saved text for the merges of its branches."""
        branches = [name] if is_branch(name) else [branch_address(name, one) for one in self._file_store.branches(name)]
        ids = {node.step.id for node in step_nodes(parse(text, name).value)} if branches else set()
        for one in branches:
            keep_renames(self._file_store.beside(one, RENAMES), "branch" if one == name else "main", renames, ids)

    @operation("workflows.delete", "edit", "delete workflows", "Delete a workflow")
    def delete(self, p: Principal, name: str) -> Path:
        """Move a workflow to the trash of the workspace's state and turn its triggers off; return the folder.

        Its branches and all unsaved changes go there, too.

        Raises UnknownName, InUse (a run of it is open, others call it, or it runs in an environment that is not the
        default one), StorageError.
        """

        def unused() -> None:
            self._naming.require_none(name)
            require_unused_in_environments(self._workspace, name, self._default_environment())
            follow_rename(self._workspace, name, "", p.id)

        branches = self._file_store.branches(name)
        trash = self._moves.delete(name, lambda: self._file_store.delete(checked_name("workflow", name), unused))
        for one in (name, *(branch_address(name, one) for one in branches)):
            self._follow(one, "", trash)
        self._audit.record(p, "workflows.delete", name, {"moved_to": str(trash)})
        return trash

    @operation("workflows.plan", "view", "see workflows", "Compile a workflow")
    def plan(self, p: Principal, name: str) -> Plan:
        """Return the compiled workflow. Raises UnknownName, and InvalidFile with every problem."""
        return self._compiled.plan(name)

    @operation("workflows.positions", "view", "see workflows", "See where steps are in the drawing")
    def positions(self, p: Principal, name: str) -> Positions:
        """Return how far steps were moved in the drawing: {path: [x, y]}, {} if no step was moved."""
        return self._layout(name).positions

    @operation("workflows.move_steps", "edit", "change workflows", "Move steps in the drawing")
    def move_steps(self, p: Principal, name: str, positions: Mapping[str, Sequence[float] | None]) -> Positions:
        """Store how far steps are from their automatic places: [x, y] by path, None to reset one; return all.

        Steps of the person's draft can be moved, too. The workflow file and the steps not named are left unchanged.
        Raises UnknownName, InvalidInput, InvalidFile, StorageError.
        """
        with self._file_store.editing():
            paths = self._paths(p, name)
            layout = self._layout(name)
            kept = {path: xy for path, xy in layout.positions.items() if path in paths}
            moved = checked_positions(positions, paths)
            now = {path: xy for path, xy in {**kept, **moved}.items() if xy is not None}
            self._save_layout(name, replace(layout, positions=now))
        self._audit.record(p, "workflows.move_steps", name, {"steps": list(positions)})
        return now

    @operation("workflows.looks", "view", "see workflows", "See how steps look in the drawing")
    def looks(self, p: Principal, name: str) -> Looks:
        """Return the sizes, icons and colors that steps were given in the drawing, by path."""
        return self._layout(name).looks

    @operation("workflows.change_looks", "edit", "change workflows", "Change how steps look in the drawing")
    def change_looks(self, p: Principal, name: str, looks: Mapping[str, Mapping[str, Any]]) -> Looks:
        """Change `size`, `icon` and `color` of steps in the drawing, None for automatic; return the looks of all.

        As `move_steps`, it leaves all else unchanged. Raises UnknownName, InvalidInput, InvalidFile, StorageError.
        """
        with self._file_store.editing():
            paths, layout = self._paths(p, name), self._layout(name)
            kept = {path: look for path, look in layout.looks.items() if path in paths}
            now = changed_looks(kept, looks, paths)
            self._save_layout(name, replace(layout, looks=now))
        self._audit.record(p, "workflows.change_looks", name, {"steps": list(looks)})
        return now

    def _layout(self, name: str) -> Drawing:
        return kept_layout(self._file_store.layout_path(name))

    def _paths(self, p: Principal, name: str) -> Names:
        """Return the paths of the steps of a file and of the person's draft of it."""
        paths = [node.path for node in step_nodes(self._file_store.document(name))]
        draft = self._drafted(p, name)
        if draft is not None:
            with suppress(InvalidFile):
                paths += [node.path for node in step_nodes(parse(draft.text, name).value)]
        return paths

    def _drafted_renames(self, p: Principal, name: str) -> StepRenames:
        draft = self._drafted(p, name)
        return draft.renames if draft is not None else ()

    def _document(self, name: str) -> JsonObject:
        """Return the document of a file; {} if it is missing or damaged."""
        try:
            return self._file_store.document(name)
        except (InvalidFile, UnknownName):
            return {}

    def _renamed(self, name: str, document: Mapping[str, Any], renames: StepRenames) -> Pairs:
        """Return the renames that lead from the file to a document, each when its new id is free.

        Raises InUse if there is no such order.
        """
        wanted = {node.step.id for node in step_nodes(document)}
        there = {node.step.id for node in step_nodes(self._document(name))}
        given = {new for _, new in renames}
        found = in_order(
            [
                (old, new)
                for old, new in renames
                if old in there and new in wanted and (old not in wanted or old in given)
            ]
        )
        for old, new in found:
            if new in there:
                raise InUse(
                    f"Step {old!r} is now called {new!r}, but in the saved file {new!r} is another step.",
                    remedy=f"Save without the other step first, or give {old!r} a name that is new.",
                )
            there = there - {old} | {new}
        return found

    def _save_layout(self, name: str, layout: Drawing) -> None:
        path = self._file_store.layout_path(name)
        if document := layout.document():
            files.write_whole(path, canonical(document, "layout"))
        else:
            files.remove(path)

    def _checked(self, name: str, text: str) -> tuple[dict[str, Any] | None, Problems]:
        """Return the content of a text, for the caller to change, and its problems."""
        return _opened(self._compiled.check(name, text, self._compiled.asked()))

    def _file(self, name: str) -> WorkflowFile:
        try:
            text = self._file_store.text(name)
        except InvalidFile as error:  # not a text: a folder, or not UTF-8
            return WorkflowFile(name, "", "", None, error.problems)
        return self._with_text(name, text)

    def _with_text(self, name: str, text: str) -> WorkflowFile:
        checked = self._compiled.check(name, text, self._compiled.asked())
        return WorkflowFile(name, text, files.etag(text), *_opened(checked), [*checked.reach], [*checked.breaches])

    def _or_damaged(self, name: str, asked: RecordedCompilerContext) -> CheckedText:
        """Return the problems of a file, or why it cannot be read, as a problem: nothing breaks the list."""
        try:
            return self._compiled.current(name, asked)
        except InvalidFile as error:  # not a text: a folder, or not UTF-8
            return CheckedText(None, tuple(error.problems))
        except OrchestraError as error:
            problem = Problem(error.message, "unusable", file=self._file_store.file(name), remedy=error.remedy)
            return CheckedText(None, (problem,))

    def _summary_of(self, name: str, file: CheckedText) -> WorkflowSummary:
        """Return the summary of a file, computed again if the file or what it refers to has changed."""
        changed_at, known = self._file_store.changed_at(name), self._summaries.get(name)
        if known is None or known[0] is not file or known[1].changed_at != changed_at:
            known = self._summaries[name] = (file, self._summary(name, file))
        return known[1]

    def _summary(self, name: str, file: CheckedText) -> WorkflowSummary:
        document = file.document or {}
        return WorkflowSummary(
            name=name,
            title=text_in(document, "title") or name,
            description=text_in(document, "description"),
            problems=sum(one.severity == "error" for one in file.problems),
            warnings=sum(one.severity == "warning" for one in file.problems),
            steps=sum(1 for _ in step_nodes(document)),
            services=services_in(document),
            changed_at=self._file_store.changed_at(name),
        )

    def _require_allowed(self, p: Principal, name: str, document: JsonObject, *, is_new: bool) -> None:
        """Raise NotAllowed if a text calls what `p` may not run, or changes who may do what, and `p` is no owner."""
        before = {} if is_new else self._document(name)
        require_may_call(p, document, before)
        if may(p, "admin") or document.get(KEY, ...) == before.get(KEY, ...):
            return
        raise NotAllowed(
            f"{p.id} has the role {p.role} and may not change the 'access' of the workflow {name!r}.",
            remedy="An owner can. Leave 'access' as it is in the file"
            + (f": {json.dumps(before[KEY])}." if KEY in before else ", which has none."),
        )

    def _require_same_id(self, name: str, id_: Any) -> None:
        """Raise InvalidInput if a text has another id than the file, unless the file shares its id with another."""
        known = self._ids.of(name)
        if id_ != known and self._ids.by_id().get(known) == [name]:
            raise InvalidInput(
                f"The id of workflow {name!r} is {known!r}, but the text says {id_!r}.",
                remedy="Receipts, triggers and consent are stored under the id. Leave it, or copy the workflow.",
            )

    def _as_copy(self, name: str, new: str) -> str:
        """Return the text with the title of a copy and an id of its own."""
        text = self._file_store.text(name)
        try:
            titled = titled_as_copy(parse(text, self._file_store.file(name)), name, "workflow")
            return self._with_id(name, titled, self._ids.free(new))
        except InvalidFile:
            return text

    def _with_id(self, name: str, text: str, id_: str) -> str:
        """Return the text of a workflow with this id. Raises InvalidFile if it is not a JSON object."""
        file = parse(text, self._file_store.file(name))
        if not isinstance(file.value, dict):
            raise InvalidFile(f"{self._file_store.file(name)} does not contain a JSON object.")
        return file.with_text("id", id_, after="schema_version")


def _opened(checked: CheckedText) -> tuple[dict[str, Any] | None, Problems]:
    """Return the content of a text, for the caller to change, and its problems."""
    return None if checked.document is None else copy.deepcopy(dict(checked.document)), [*checked.problems]
