"""Compile a workflow for an environment: its version there, with the connections and variables of the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from clients.wording import did_you_mean
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.json_text import JsonObject
from engine.base.names import is_branch, require_no_branch
from engine.base.services import has_stand_in, is_for
from engine.base.statuses import AccountMode
from engine.base.step_tree import AGENT_PREFIX
from engine.compiler.definition.environment import CURRENT, CompilerContext, Environment
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import JsonFile, parse
from engine.environments.environment_file import EnvironmentFile
from engine.environments.environment_files import EnvironmentFiles, of_triggers
from engine.files.fingerprint import Stamp
from engine.workflows.compiled_files import CompiledFiles, document_of
from engine.workspace.file_store import FileStore
from engine.workspace.references import NamingFiles
from engine.workspace.versioned_files import VersionedFiles
from engine.workspace.workspace import Workspace


class EnvironmentTexts(Struct, frozen=True):
    """The texts of the workflows in an environment."""

    name: str
    content: EnvironmentFile
    shelf: FileStore
    versions: VersionedFiles[JsonFile]
    instead: Mapping[str, str]
    """Texts that are looked at before they get there, by workflow."""

    def text(self, name: str) -> str:
        """Return the text of a workflow. Raises UnknownName, InvalidFile, and InvalidInput if it is not there."""
        if name in self.instead:
            return self.instead[name]
        as_it_is = self.shelf.text(name)
        entry = self.content.workflows.get(name)
        if entry is None and self.content.others == "none":
            raise InvalidInput(
                f"The workflow {name!r} is not in the environment {self.name!r}.",
                remedy=f"`orchestra env promote {name} --to {self.name}` puts it there.",
            )
        if entry is None or entry.version == CURRENT:
            return as_it_is
        return self.versions.version_text(name, int(entry.version), entry.hash)

    def file(self, name: str) -> str:
        """Return the name of the file with that text, for problems."""
        entry = self.content.workflows.get(name)
        if name in self.instead or entry is None or entry.version == CURRENT:
            return self.shelf.file(name)
        return self.versions.version_file(name, int(entry.version))

    def stamp(self, name: str) -> Stamp | None:
        """Return a fingerprint of the file's metadata."""
        return self.shelf.stamp(name)

    def document(self, name: str) -> JsonObject:
        """Return the JSON object of a workflow. Raises as `text`, and InvalidFile."""
        return document_of(parse(self.text(name), self.file(name)))


class EnvironmentPlans:
    """Finds what a workflow is in an environment; any thread.

    A workspace without environments behaves as if there were one with every file as it is.
    """

    def __init__(
        self,
        workspace: Workspace,
        around: Callable[[], CompilerContext],
        configured: Callable[[], str],
        last_rename: Callable[[], str] = str,
    ) -> None:
        """`around`: what all environments have. `configured`: the default environment, according to config.yaml."""
        self.files, naming = EnvironmentFiles(workspace), NamingFiles([workspace.workflows], "workflow")
        self.versions = VersionedFiles(
            workspace.workflows, parse, naming, times=self.files.times, clock=workspace.clock
        )
        self._workspace, self._around = workspace, around
        self.configured, self._last_rename = configured, last_rename
        self.as_they_are = CompiledFiles(workspace.workflows, self.around_files, last_rename)
        """The files, with the names of the default environment, as editors show them."""
        self._known: dict[str, tuple[Environment, EnvironmentFile, CompiledFiles]] = {}

    def default(self) -> str:
        """Return the name of the default environment, "" without environments. Raises UnknownName."""
        return self.files.default(self.configured())

    def plan(self, workflow: str, environment: str = "") -> Plan:
        """Return the plan of a workflow in an environment, by default the default one.

        Raises UnknownName, InvalidFile with every problem, and InvalidInput if it is not in the environment.
        """
        name = environment or self.default()
        if is_branch(workflow):
            if environment not in ("", self.default()):
                require_no_branch(workflow, "runs in no environment but the default one")
            if name:
                self.environment(name, self.files.get(name))  # without it, a name could lead to another account
            return self.as_they_are.plan(workflow)
        return (self.compiled(name) if name else self.as_they_are).plan(workflow)

    def of_triggers(self, workflow: str) -> str:
        """Return the environment in which the triggers of a workflow start runs, "" without environments."""
        default = self.default()
        return of_triggers(self.files.all(), workflow, default) if default else ""

    def trigger_plan(self, workflow: str) -> Plan:
        """Return the plan that the triggers of a workflow run. Raises as `plan`."""
        require_no_branch(workflow, "has no triggers that start runs")
        return self.plan(workflow, self.of_triggers(workflow))

    def compiled(self, name: str) -> CompiledFiles:
        """Return the workflows of an environment. Raises UnknownName, InvalidFile, InvalidInput."""
        content = self.files.get(name)
        environment = self.environment(name, content)
        known = self._known.get(name)
        # `environment` also changes with the connections that other environments name.
        if known is None or known[:2] != (environment, content):
            known = environment, content, self.candidate(name, content)
            self._known[name] = known
        return known[2]

    def text(self, workflow: str, environment: str) -> str:
        """Return the text of a workflow in an environment. Raises as `plan`."""
        return self._texts(environment, self.files.get(environment), {}).text(workflow)

    def candidate(
        self,
        name: str,
        content: EnvironmentFile,
        instead: Mapping[str, str] | None = None,
        changed: Mapping[str, EnvironmentFile] | None = None,
    ) -> CompiledFiles:
        """Return the workflows as they would be with another content. Raises InvalidInput.

        `instead`: the texts of versions that are not made yet; `changed`: the content of other environments.
        """
        environment = self.environment(name, content, changed)
        texts = self._texts(name, content, instead or {})

        def around() -> CompilerContext:
            around = self._around()

            def document(name: str) -> JsonObject:
                is_agent = name.startswith(AGENT_PREFIX)
                return around.workflows(name) if is_agent else texts.document(name)

            return replace(around, workflows=document, environment=environment)

        return CompiledFiles(texts, around, self._last_rename)

    def _texts(self, name: str, content: EnvironmentFile, instead: Mapping[str, str]) -> EnvironmentTexts:
        return EnvironmentTexts(name, content, self._workspace.workflows, self.versions, instead)

    def require_usable(self, name: str) -> None:
        """Check the file of an environment alone. Raises UnknownName, InvalidInput, InvalidFile."""
        self._require_stand_ins(name, self.files.get(name))

    def _require_stand_ins(self, name: str, content: EnvironmentFile) -> None:
        services = self._around().connections
        for written, target in content.connections.items():
            require_stand_in(name, written, target, services)

    def around_files(self) -> CompilerContext:
        """Return what files as they are may refer to, as editors show them: with the names of the default environment.

        If that cannot be used, runs say so.
        """
        around = self._around()
        try:
            name = self.default()
            found = self.environment(name, self.files.get(name)) if name else None
        except OrchestraError:
            found = None
        return around if found is None else replace(around, environment=replace(found, versions={}, since={}))

    def environment(
        self, name: str, content: EnvironmentFile, changed: Mapping[str, EnvironmentFile] | None = None
    ) -> Environment:
        """Return an environment as the compiler sees it. Raises InvalidInput if a connection cannot stand in."""
        self._require_stand_ins(name, content)
        others = {**self.files.all(), **(changed or {}), name: content}
        targets = {target for one in others.values() for target in one.connections.values()} - {AccountMode.DEMO.value}
        numbered = {workflow: entry for workflow, entry in content.workflows.items() if entry.version != CURRENT}
        return Environment(
            name,
            content.connections,
            content.variables,
            frozenset(targets),
            {workflow: entry.version for workflow, entry in numbered.items()},
            {self._workspace.workflow_ids.of(one): entry.made_at for one, entry in numbered.items() if entry.made_at},
        )


def require_stand_in(environment: str, name: str, target: str, services: Mapping[str, str]) -> None:
    """Raise InvalidInput if a connection cannot stand for a name in an environment."""
    where = f"environments/{environment}.json: connections.{name}"
    if target == AccountMode.DEMO:
        if AccountMode.DEMO in services:
            raise InvalidInput(
                f"{where}: 'demo' is the stand-in of a service, and there is a connection with this name, too.",
                remedy="Give that connection another name.",
            )
        if name not in services:
            raise InvalidInput(f"{where}: there is no connection {name!r}.", remedy=did_you_mean(name, list(services)))
        if not has_stand_in(services[name]):
            raise InvalidInput(f"{where}: {services[name]} has no stand-in.", remedy="Name a connection instead.")
        return
    if target not in services:
        raise InvalidInput(
            f"{where}: there is no connection {target!r}.",
            remedy=f"{did_you_mean(target, list(services))} `orchestra connections add` adds one.".strip(),
        )
    here, there = services.get(name), services[target]
    if here is not None and not is_for(there, here):
        raise InvalidInput(
            f"{where}: {name!r} is for {here}, and {target!r} is for {there}.",
            remedy="Name a connection to the same service.",
        )
