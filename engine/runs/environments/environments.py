"""The `environments` area: everything a person or program may do with the environments of a workspace."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidInput, OrchestraError, StaleEdit, UnknownName
from engine.base.json_text import JsonObject
from engine.base.names import require_no_branch
from engine.base.problem import Problem
from engine.compiler.definition.environment import CURRENT
from engine.environments.environment_file import EnvironmentFile, Promoted, WorkflowEntry, changed, variable_fault
from engine.files.atomic import etag
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.runs.environments.promotion import (
    Candidate,
    Promotion,
    PromotionChecks,
    arriving,
    promotion,
    refusal,
    require_own_id,
    returning,
)
from engine.runs.environments.reader import EnvironmentReader, EnvironmentStatus
from engine.runs.environments.removal import Removal, removal, require_told
from engine.workflows.compiled_files import CompiledFiles
from engine.workflows.environment_plans import require_stand_in
from engine.workspace.config_section import write_section
from engine.workspace.versioned_files import FoundVersion
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.workflows.environment_plans import EnvironmentPlans

_FIRST = {"dev": EnvironmentFile(title="Development"), "prod": EnvironmentFile(title="Production", others="none")}
"""What `init` makes: files as they are, and what was promoted."""


class Environments(EnvironmentReader):
    """The environments of a workspace; every change writes an audit line."""

    def __init__(
        self, workspace: Workspace, plans: EnvironmentPlans, checks: PromotionChecks, audit: Audit, clock: Clock
    ) -> None:
        super().__init__(plans)
        self._workspace, self._plans, self._checks = workspace, plans, checks
        self._audit, self._clock = audit, clock
        self._files, self._versions = plans.files, plans.versions

    @operation("environments.init", "edit", "make environments", "Create the environments dev and prod")
    def init(self, p: Principal) -> builtins.list[EnvironmentStatus]:
        """Create `dev`, which runs the files as they are, and `prod`, which runs what was promoted.

        Nothing else changes: `dev` is the default. Raises InUse if there are environments already.
        """
        known = self._files.names()
        if set(known) - set(_FIRST) or known == sorted(_FIRST):
            raise InUse(f"There are environments already: {', '.join(known)}.", remedy="`orchestra env new` adds one.")
        for name, content in _FIRST.items():
            if name not in known:
                self._files.make(name, content, p.id)
                self._audit.record(p, "environments.create", name)
        return self.list(p)

    @operation("environments.create", "edit", "make environments", "Create an environment")
    def create(self, p: Principal, name: str, title: str = "", others: str = CURRENT) -> EnvironmentStatus:
        """Create an environment. `others`: what runs of workflows that are not promoted, `current` or `none`.

        Raises InUse, InvalidInput, StorageError.
        """
        if others not in (CURRENT, "none"):
            raise InvalidInput(f"'others' is current or none, not {others!r}.", remedy="Write one of the two.")
        content = EnvironmentFile.model_validate({"title": title[:200], "others": others})
        self._files.make(name, content, p.id)
        self._audit.record(p, "environments.create", name)
        return self._status(p, name)

    @operation("environments.delete", "edit", "delete environments", "Delete an environment")
    def delete(self, p: Principal, name: str) -> Path:
        """Move an environment to the trash; return its folder there. Raises UnknownName, InUse."""
        content = self._files.get(name)
        triggered = [workflow for workflow, entry in content.workflows.items() if entry.triggers]
        if triggered:
            raise InUse(
                f"The triggers of {', '.join(triggered)} start runs in {name!r}.",
                remedy=f"First move them: `orchestra env triggers {triggered[0]} ENVIRONMENT`.",
            )
        if name == self._default() and len(self._files.names()) > 1:
            raise InUse(
                f"{name!r} is the default environment.",
                remedy="First choose another one: `orchestra env default NAME`.",
            )
        if name == self._plans.configured():
            remedy = "Take default_environment out of config.yaml first, or no run could start."
            raise InUse(f"config.yaml names {name!r} as the default environment.", remedy=remedy)
        trash = self._files.delete(name)
        self._audit.record(p, "environments.delete", name, {"moved_to": str(trash)})
        return trash

    @operation("environments.set", "edit", "change environments", "Set the variables of an environment")
    def set_variables(self, p: Principal, name: str, values: JsonObject) -> EnvironmentStatus:
        """Set variables; None removes one. Refused if a workflow that runs there would no longer compile.

        Raises UnknownName, InvalidInput, StorageError.
        """
        for variable, value in values.items():
            fault = None if value is None else variable_fault(variable, value)
            if fault is not None:
                raise InvalidInput(fault[0], remedy=fault[1])
        known = self._files.get(name).variables
        for variable in values:
            if values[variable] is None and variable not in known:
                raise UnknownName(f"variable of {name}", variable, list(known))

        def change(content: EnvironmentFile) -> EnvironmentFile:
            merged = {**content.variables, **values}
            return changed(content, variables={key: one for key, one in merged.items() if one is not None})

        self._change(p, name, change)
        self._audit.record(p, "environments.set", name, {"variables": sorted(values)})
        return self._status(p, name)

    @operation("environments.connect", "edit", "change environments", "Choose the connections of an environment")
    def connect(self, p: Principal, name: str, connections: Mapping[str, str | None]) -> EnvironmentStatus:
        """Set the connection to use for a name in the workflows, `demo` for the stand-in; None: the one of that name.

        Raises UnknownName, InvalidInput, StorageError.
        """
        services = self._checks.services()
        for written, target in connections.items():
            if target is not None:
                require_stand_in(name, written, target, services)

        def change(content: EnvironmentFile) -> EnvironmentFile:
            merged = {**content.connections, **connections}
            merged = {key: one for key, one in merged.items() if one is not None and one != key}
            chained = [key for key, one in merged.items() if one in merged]
            if chained:
                one = chained[0]
                message = f"{one!r} leads to {merged[one]!r}, which itself leads to another connection."
                raise InvalidInput(message, remedy="Name the last connection instead.")
            return changed(content, connections=merged)

        self._change(p, name, change)
        self._audit.record(p, "environments.connect", name, dict(connections))
        return self._status(p, name)

    @operation("environments.set_default", "admin", "choose the default environment", "Choose the default environment")
    def set_default(self, p: Principal, name: str) -> None:
        """Make an environment the default for runs that name none. Raises UnknownName, InvalidFile, StorageError."""
        self._files.get(name)
        write_section(self._workspace.root, "default_environment", name)
        self._audit.record(p, "environments.set_default", name)

    @operation("environments.move_triggers", "edit", "move triggers to another environment", "Move triggers")
    def move_triggers(self, p: Principal, workflow: str, name: str) -> None:
        """Let the triggers of a workflow start runs in an environment. Raises as `Orchestra.plan`."""
        require_no_branch(workflow, "has no triggers that start runs")
        self._plans.plan(workflow, name)
        default = self._plans.default()

        def keeping(content: EnvironmentFile, *, triggers: bool) -> EnvironmentFile:
            entry = content.workflows.get(workflow)
            if (entry is not None and entry.triggers) == triggers:
                return content
            kept = (entry or WorkflowEntry(version=CURRENT)).model_copy(update={"triggers": triggers})
            return changed(content, workflows={**content.workflows, workflow: kept})

        # The new one first: where a crash leaves two, they start nothing until this is repeated.
        for one in sorted(self._files.names(), key=lambda other: other != name):
            if one == name or workflow in self._files.get(one).workflows:
                self._files.change(one, partial(keeping, triggers=one == name and one != default), p.id)
        self._audit.record(p, "environments.move_triggers", workflow, {"to": name})

    @operation("environments.problems", "view", "see environments", "List the problems of an environment")
    def problems(self, p: Principal, name: str) -> builtins.list[Problem]:
        """Return the errors of the workflows that run in an environment. Raises UnknownName, InvalidInput."""
        compiled, content = self._plans.compiled(name), self._files.get(name)
        found: builtins.list[Problem] = []
        for workflow in filter(p.sees, self._running_in(content)):
            try:
                checked = compiled.current(workflow, compiled.asked())
                found += [one for one in checked.problems if one.severity == "error"]
            except OrchestraError as error:
                file = f"environments/{name}.json"
                found.append(Problem(error.message, type(error).__name__, file=file, remedy=error.remedy))
        return found

    @operation("environments.check_promotion", "view", "see environments", "Check what a promotion would change")
    def check_promotion(self, p: Principal, workflow: str, source: str, target: str, *, version: str = "") -> Promotion:
        """Return what promoting a workflow would change, and what forbids it.

        `source`: the environment whose version it is, or "" with `version`: the id of a saved text, a number or a
        label. Raises UnknownName, InvalidInput, InvalidFile.
        """
        candidate, source = self._arriving(p, workflow, source, target, version)
        return promotion(self._plans, self._checks, workflow, source, candidate)

    @operation("environments.promote", "edit", "promote workflows", "Promote a workflow to an environment")
    def promote(
        self, p: Principal, workflow: str, source: str, target: str, seen: str = "", *, version: str = ""
    ) -> Promotion:
        """Let an environment run the version of a workflow that another one runs, or the named `version`.

        What has no number gets one first. `seen`: the hash of the text that was checked, "" for any. Raises InvalidFile
        with the `problems`, StaleEdit if the text is another one now, UnknownName, InvalidInput, StorageError. If the
        process dies meanwhile, the environment runs the version before or the new one.
        """
        with self._workspace.workflows.editing():
            candidate, source = self._arriving(p, workflow, source, target, version)
            found = promotion(self._plans, self._checks, workflow, source, candidate)
            if seen and seen != found.hash:
                raise StaleEdit(f"{workflow} in {source} has changed since you looked.")
            if found.problems:
                raise refusal(found)
            made = self._versions.make(workflow, candidate.text)
            assert made == candidate.entry.version, "numbers are given under the lock"
            self._files.put(target, candidate.content, p.id)
        self._record(p, "environments.promote", found, {"from": source})
        return replace(found, is_done=True)

    @operation("environments.roll_back", "edit", "promote workflows", "Roll a workflow of an environment back")
    def roll_back(self, p: Principal, workflow: str, target: str) -> Promotion:
        """Let an environment run the version of a workflow that it ran before. Raises as `promote`."""
        with self._workspace.workflows.editing():
            candidate = returning(target, self._files.get(target), workflow, partial(self._text_of, workflow))
            found = promotion(self._plans, self._checks, workflow, "", candidate)
            if found.problems:
                raise refusal(found)
            self._files.put(target, candidate.content, p.id)
        self._record(p, "environments.roll_back", found, {})
        return replace(found, is_done=True)

    @operation("environments.check_removal", "view", "see environments", "Check what a removal would change")
    def check_removal(self, p: Principal, workflow: str, name: str) -> Removal:
        """Return what taking a workflow out of an environment changes. Raises UnknownName."""
        return removal(self._plans, self._files.get(name), workflow, name)

    @operation(
        "environments.remove", "edit", "take workflows out of environments", "Remove a workflow from an environment"
    )
    def remove(self, p: Principal, workflow: str, name: str, triggers_to: str = "") -> Removal:
        """Take the version of a workflow out of an environment; the version itself is kept.

        `triggers_to`: the environment in which its triggers start runs afterwards, to which the person has agreed; ""
        if it has no triggers here. Raises UnknownName, InUse (its triggers), InvalidInput (another workflow could no
        longer run there), StorageError.
        """
        with self._workspace.workflows.editing():
            content = self._files.get(name)
            found = removal(self._plans, content, workflow, name)
            require_told(found, triggers_to)
            rest = {one: entry for one, entry in content.workflows.items() if one != workflow}
            new = changed(content, workflows=rest)
            others = [one for one in self._running_in(new) if one != workflow]
            self._require_running(name, self._plans.candidate(name, new), others)
            self._files.put(name, new, p.id)
        detail = {"environment": name, "version": found.version, "triggers_to": found.triggers_to}
        self._audit.record(p, "environments.remove", workflow, detail)
        return found

    def _record(self, p: Principal, action: str, found: Promotion, more: Mapping[str, str]) -> None:
        detail = {**more, "environment": found.target, "version": found.version, "before": found.before}
        self._audit.record(p, action, found.workflow, {**detail, "differences": found.differences[:20]})

    def _text_of(self, workflow: str, kept: Promoted) -> str:
        if kept.version == CURRENT:
            return self._workspace.workflows.text(workflow)
        return self._versions.version_text(workflow, int(kept.version), kept.hash)

    def _arriving(self, p: Principal, workflow: str, source: str, target: str, version: str) -> tuple[Candidate, str]:
        """Return what the target would have, and where it comes from."""
        require_no_branch(workflow, "is never promoted")
        found, source = self._named(workflow, source, target, version)
        number = self._versions.number_of(workflow, found.text) or self._versions.next_number(workflow)
        now = timestamp(self._clock())
        kept = Promoted(
            version=number,
            hash=etag(found.text),
            made_at=found.made_at or now,
            promoted_at=now,
            promoted_by=p.id,
            promoted_from=source,
        )
        return arriving(target, self._files.get(target), workflow, kept, found.text), source

    def _named(self, workflow: str, source: str, target: str, version: str) -> tuple[FoundVersion, str]:
        """Return the text to promote, and where it comes from."""
        if bool(source) == bool(version):
            raise InvalidInput(
                f"{workflow} cannot be promoted: name the environment whose version it is, or a version.",
                remedy="Give one of the two.",
            )
        if version:
            found = self._versions.find(workflow, version)
            require_own_id(workflow, found, self._workspace.workflow_ids.of(workflow))
            return found, found.words
        if source == target:
            raise InvalidInput(f"{workflow!r} is in {target!r} already.", remedy="Name two environments.")
        entry = self._files.get(source).workflows.get(workflow)
        is_file = entry is None or entry.version == CURRENT
        text = self._plans.text(workflow, source)
        return FoundVersion(text, "" if is_file or entry is None else entry.made_at, source), source

    def _change(self, p: Principal, name: str, change: Callable[[EnvironmentFile], EnvironmentFile]) -> None:
        """Change an environment unless that breaks a workflow that runs there, or in another one."""

        def checked(content: EnvironmentFile) -> EnvironmentFile:
            new = change(content)
            every = {**self._files.all(), name: new}
            is_alone = set(new.connections.values()) == set(content.connections.values())
            for one in [name] if is_alone else every:
                after = self._plans.candidate(one, every[one], changed={name: new})
                self._require_running(one, after, self._running_in(every[one]))
            return new

        self._files.change(name, checked, p.id)

    def _running_in(self, content: EnvironmentFile) -> builtins.list[str]:
        """Return the workflows that run in an environment."""
        return [*content.workflows] if content.others == "none" else self._workspace.workflows.names()

    def _require_running(self, name: str, after: CompiledFiles, workflows: Iterable[str]) -> None:
        """Raise InvalidInput if one of these workflows would no longer compile in an environment."""
        before = self._usable(name)
        for workflow in workflows if before is not None else ():
            errors = after.errors(workflow)
            if errors and before is not None and not before.errors(workflow):
                raise InvalidInput(
                    f"{workflow} would no longer run in {name!r}: {errors[0]}",
                    remedy="Change the workflow first, or leave this as it is.",
                )

    def _usable(self, name: str) -> CompiledFiles | None:
        """Return the workflows of an environment, None if nothing runs there now."""
        try:
            return self._plans.compiled(name)
        except OrchestraError:
            return None
