"""The environments of a workspace: reading and changing their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.base.errors import InUse, InvalidFile, InvalidInput, OrchestraError, UnknownName
from engine.compiler.definition.environment import CURRENT
from engine.documents.json_file import JsonFile, parse
from engine.environments.environment_file import EnvironmentFile, WorkflowEntry, changed, read_environment
from engine.files.fingerprint import Stamp, stamp
from engine.workspace.file_store import FileStore
from engine.workspace.references import NamingFiles, references
from engine.workspace.versioned_files import VersionedFiles
from engine.workspace.workspace import Workspace

FIRST = "dev"
"""The default environment, unless config.yaml names another."""
_INIT = "`orchestra env init` makes dev and prod."


class EnvironmentFiles:
    """Every change holds the lock of all files of the workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.shelf: FileStore = workspace.environments
        self._read: dict[str, tuple[str, EnvironmentFile]] = {}
        self._listed: tuple[Stamp | None, list[str]] = None, []
        """The stamp of the folder, which changes with its names, and the names: every start of a run asks for them."""

    def names(self) -> list[str]:
        """Return the names of the environments, sorted."""
        as_now = stamp(self.shelf.folder)
        known_stamp, names = self._listed
        if not as_now or as_now != known_stamp:
            names = self.shelf.names()
            self._listed = as_now, names
        return [*names]

    def get(self, name: str) -> EnvironmentFile:
        """Return the content of a file. Raises UnknownName, InvalidInput, InvalidFile."""
        if name not in self.names():
            known = self.names()
            raise UnknownName("environment", name, known, remedy="" if known else _INIT)
        text = self.shelf.text(name)
        known_text, found = self._read.get(name, ("", None))
        if found is None or known_text != text:
            found = read_environment(text, self.shelf.file(name))
            self._read[name] = text, found
        return found

    def all(self) -> dict[str, EnvironmentFile]:
        """Return every environment by name. Raises InvalidFile."""
        return {name: self.get(name) for name in self.names()}

    def times(self, workflow: str, number: int) -> list[str]:
        """Return the times at which a workflow was a version, as promotions say; [] if a file is damaged."""
        try:
            entries = [one.workflows[workflow] for one in self.all().values() if workflow in one.workflows]
        except OrchestraError:
            return []
        return [one.made_at for entry in entries for one in (entry, *entry.earlier) if one.version == number]

    def default(self, configured: str) -> str:
        """Return the name of the default environment, "" if there are no environments.

        `configured`: the one that config.yaml names. Raises UnknownName.
        """
        names = self.names()
        if configured and configured not in names:
            remedy = "Change `default_environment` in config.yaml." if names else _INIT
            raise UnknownName("environment", configured, names, remedy=remedy)
        return configured or (FIRST if FIRST in names else next(iter(names), ""))

    def make(self, name: str, content: EnvironmentFile, by: str) -> None:
        """Create an environment. Raises InUse, InvalidInput, StorageError."""
        self.shelf.save(name, self._readable(name, content), None, by)

    def change(self, name: str, change: Callable[[EnvironmentFile], EnvironmentFile], by: str) -> EnvironmentFile:
        """Replace the content of a file by what `change` returns. Raises as `get` and `change`, StorageError."""
        with self.shelf.editing():
            return self.put(name, change(self.get(name)), by)

    def put(self, name: str, content: EnvironmentFile, by: str) -> EnvironmentFile:
        """Write the content of an existing file, for a caller that holds `editing()`. Raises InvalidInput."""
        self.shelf.put(name, self._readable(name, content), by)
        return content

    def _readable(self, name: str, content: EnvironmentFile) -> str:
        """Return the text of a file, so that nothing is written that could not be read. Raises InvalidInput."""
        text, file = content.text(), self.shelf.file(name)
        try:
            read_environment(text, file)
        except InvalidFile as error:
            first = error.problems[0]
            message = f"{file} would no longer be valid: {first.message}"
            raise InvalidInput(message, remedy=first.remedy, field=first.field or "") from error
        return text

    def delete(self, name: str) -> Path:
        """Move the file to the trash; return its folder there."""
        return self.shelf.delete(name)


def of_triggers(found: Mapping[str, EnvironmentFile], workflow: str, default: str) -> str:
    """Return the environment in which the triggers of a workflow start runs. Raises InvalidInput if several do."""
    names = [name for name, one in found.items() if workflow in one.workflows and one.workflows[workflow].triggers]
    if len(names) > 1:
        raise InvalidInput(
            f"The triggers of {workflow!r} are in several environments: {', '.join(names)}.",
            remedy=f"`orchestra env triggers {workflow} ENVIRONMENT` chooses one.",
        )
    return names[0] if names else default


def follow_rename(workspace: Workspace, name: str, new: str, by: str) -> None:
    """Rename a workflow in every environment, or take it out if `new` is "".

    For a caller that holds `editing()`. Raises InvalidFile, StorageError.
    """
    files = EnvironmentFiles(workspace)
    for environment, content in files.all().items():
        if name in content.workflows:
            entries: dict[str, WorkflowEntry] = dict(content.workflows)
            entry = entries.pop(name)
            if new:
                entries[new] = entry
            files.put(environment, changed(content, workflows=entries), by)


def require_unused_in_environments(workspace: Workspace, name: str, default: str) -> None:
    """Raise InUse if an environment names a workflow, or runs a version that calls it. Raises InvalidFile.

    `default`: the environment that needs no promotion.
    """
    versions = VersionedFiles(workspace.workflows, parse, NamingFiles([workspace.workflows], "workflow"))
    for environment, content in EnvironmentFiles(workspace).all().items():
        own = content.workflows.get(name)
        if own is not None and own.triggers:
            message = f"The triggers of {name!r} start runs in {environment!r}."
            raise InUse(
                message, remedy=f"First move them to the default one: `orchestra env triggers {name} ENVIRONMENT`."
            )
        for caller, entry in content.workflows.items():
            if caller != name and entry.version != CURRENT and name in _called(versions, caller, int(entry.version)):
                raise InUse(
                    f"Version {entry.version} of {caller!r}, which runs in {environment!r}, calls {name!r}.",
                    remedy=f"Promote {caller} without this call first.",
                )
        if own is not None and environment != default and (own.version != CURRENT or content.others == "none"):
            what = "The file" if own.version == CURRENT else f"Version {own.version}"
            message = f"{what} of {name!r} runs in {environment!r}."
            raise InUse(message, remedy=f"First take it out there: `orchestra env remove {name} --from {environment}`.")


def _called(versions: VersionedFiles[JsonFile], workflow: str, number: int) -> set[str]:
    """Return the workflows that a version calls; an empty set if it cannot be read, because then it does not run."""
    try:
        found = references(versions.version(workflow, number).value)
    except (InvalidFile, UnknownName):
        return set()
    return {one.name for one in found if one.kind == "workflow"}
