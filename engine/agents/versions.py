"""The `agent_versions` area: kept texts of agents, compared and restored, their numbers and labels."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from engine.agents.store import CHECK_AGAIN, AgentStore
from engine.base.errors import InvalidFile
from engine.compiler.definition.environment import CURRENT
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.workspace.versioned_files import FoundVersion, SavedVersion

if TYPE_CHECKING:
    from engine.agents.agents import Agents, AgentSummary
    from engine.runs.prompt_tries.prompt_differences import PromptDifference


class AgentVersions:
    """Kept versions of agents, and their labels; every change writes an audit line.

    A `version` is the number of a version, a label, the id of a saved text, or `current`: the file as it is.
    """

    def __init__(self, store: AgentStore, agents: Agents, audit: Audit) -> None:
        self._versions, self._agents, self._audit = store.versions, agents, audit

    @operation("agents.versions", "view", "see agents", "List the versions of an agent")
    def list(self, p: Principal, name: str) -> builtins.list[SavedVersion]:
        """Return the last 20 saved texts, newest first, then the older ones that have a number.

        Raises UnknownName, InvalidInput, InvalidFile (the file of labels).
        """
        return self._versions.list(name)

    @operation("agents.save_version", "edit", "keep versions of agents", "Keep a version of an agent")
    def save(self, p: Principal, name: str, label: str = "", etag: str | None = None) -> SavedVersion:
        """Keep the file as it is as a numbered version, which never changes, and label it; return it.

        A text that is a version already keeps its number. `etag`: of the text that is meant. Raises InvalidFile with
        every problem, StaleEdit, UnknownName, InvalidInput, StorageError.
        """
        found = self._versions.keep(name, CURRENT, label, p.id, etag, lambda one: self._require_usable(p, name, one))
        self._audit.record(p, "agents.save_version", name, {"version": found.number, "label": label})
        return found

    @operation("agents.label", "edit", "label versions of agents", "Label a version of an agent")
    def label(self, p: Principal, name: str, label: str, version: str = CURRENT) -> SavedVersion:
        """Point a label to a version, used by runs from now on; the text becomes a numbered one.

        Raises as `save`.
        """
        label = self._versions.labels.checked(label)
        found = self._versions.keep(name, version, label, p.id, check=lambda one: self._require_usable(p, name, one))
        self._audit.record(p, "agents.label", name, {"version": found.number, "label": label})
        return found

    @operation("agents.remove_label", "edit", "label versions of agents", "Remove a label of an agent")
    def remove_label(self, p: Principal, name: str, label: str) -> SavedVersion:
        """Take a label from its version, which stays. Raises UnknownName, InUse (it is used), StorageError."""
        found = self._versions.remove_label(name, label, p.id)
        self._audit.record(p, "agents.remove_label", name, {"label": label})
        return found

    @operation("agents.differences", "view", "see agents", "Compare versions of an agent")
    def differences(
        self, p: Principal, name: str, before: str, after: str = CURRENT
    ) -> builtins.list[PromptDifference]:
        """Return the parts in which two versions differ, by word. Raises UnknownName, InvalidFile."""
        from engine.agents.differences import agent_differences

        return agent_differences(*(self._versions.document(name, one).value for one in (before, after)))

    @operation("agents.restore", "edit", "change agents", "Restore a version of an agent")
    def restore(self, p: Principal, name: str, version: str, etag: str | None) -> AgentSummary:
        """Save an earlier text again; the current one is kept, too. Raises as `Agents.save`, UnknownName."""
        return self._agents.save(p, name, self._versions.find(name, version).text, etag)

    def _require_usable(self, p: Principal, name: str, found: FoundVersion) -> None:
        problems = self._agents.check(p, name, found.text)
        if problems:
            raise InvalidFile.of(found.file, problems, remedy=CHECK_AGAIN)
