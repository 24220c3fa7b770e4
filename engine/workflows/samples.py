"""The shipped workflows from which a new one can be made, with the prompts they use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.base.checkout import CHECKOUT
from engine.base.errors import OrchestraError, UnknownName
from engine.files.atomic import make_folder, storage_errors
from engine.workspace.copies import copy
from engine.workspace.file_store import Shelf
from engine.workspace.references import references
from engine.workspace.workspace import Workspace

NAMES = ("inbox-triage", "reply-drafts", "answer-mail", "issue-to-notion", "commit-digest")
"""The shipped workflows, the best one to start with first; the checkout may contain its owner's workflows as well."""


@dataclass(frozen=True)
class Sample:
    """A shipped workflow, as offered to users."""

    name: str
    title: str
    description: str


def _shipped() -> Workspace:
    return Workspace(CHECKOUT)


def samples() -> list[Sample]:
    """Return the shipped workflows that still exist and can be read."""
    return list(_readable(_shipped().workflows))


def _readable(shelf: Shelf) -> Iterator[Sample]:
    for name in NAMES:
        try:
            document = shelf.read(name).value
        except OrchestraError:
            continue
        if isinstance(document, dict):
            yield Sample(name, str(document.get("title") or name), str(document.get("description") or ""))


def copy_sample(workspace: Workspace, sample: str, name: str, by: str) -> None:
    """Create workflow `name` from a sample, with its layout and those of its prompts that do not exist yet.

    Raises UnknownName, InUse, InvalidInput, StorageError.
    """
    if sample not in NAMES:
        raise UnknownName("sample", sample, NAMES)
    workspace.workflows.require_free(name)
    shipped = _shipped()
    file = shipped.workflows.read(sample)
    for prompt in sorted(prompt_names(file.value)):
        _copy_prompt(shipped, workspace, prompt)
    id_ = workspace.workflow_ids.free(name)
    text = file.text if id_ == sample else file.with_text("id", id_, after="schema_version")
    workspace.workflows.save(name, text, None, by)
    layout = shipped.workflows.layout_path(sample)
    if layout.is_file():
        with storage_errors(workspace.workflows.layout_path(name)):
            copy(layout, workspace.workflows.layout_path(name))


def copy_all(workspace: Workspace) -> None:
    """Copy every sample that the workspace does not have yet. Raises StorageError."""
    for sample in samples():
        if not workspace.workflows.path(sample.name).exists():
            copy_sample(workspace, sample.name, sample.name, by="init")


def prompt_names(document: Any) -> set[str]:
    """Return the names of the prompts that a workflow uses."""
    return {one.name for one in references(document) if one.kind == "prompt"}


def _copy_prompt(shipped: Workspace, workspace: Workspace, name: str) -> None:
    source, target = shipped.prompts.path(name), workspace.prompts.path(name)
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
