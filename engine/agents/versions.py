"""The `agent_versions` area: kept texts of agents, compared and restored, their numbers and labels."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from engine.agents.store import CHECK_AGAIN, AgentStore
from engine.base.clock import Clock, timestamp
from engine.base.errors import InvalidFile, InvalidInput, StaleEdit, UnknownName
from engine.compiler.definition.environment import CURRENT
from engine.documents.json_file import parse
from engine.environments.kept_versions import SavedVersion
from engine.environments.version_labels import VersionLabel
from engine.environments.versions import hash_of
from engine.files.atomic import etag as etag_of
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.prompts.prompt import LABEL
from engine.workspace.references import require_unused

if TYPE_CHECKING:
    from engine.agents.agents import Agents, AgentSummary
    from engine.runs.prompt_tries.prompt_differences import PromptDifference


class AgentVersions:
    """Kept versions of agents, and their labels; every change writes an audit line.

    A `version` is the number of a version, a label, the id of a saved text, or `current`: the file as it is.
    """

    def __init__(self, store: AgentStore, agents: Agents, audit: Audit, clock: Clock) -> None:
        self._kept, self._shelf, self._users = store.kept, store.shelf, store.users
        self._agents, self._audit, self._clock = agents, audit, clock

    @operation("agents.versions", "view", "see agents", "List the versions of an agent")
    def list(self, p: Principal, name: str) -> builtins.list[SavedVersion]:
        """Return the last 20 saved texts, newest first, then the older ones that have a number.

        Raises UnknownName, InvalidInput, InvalidFile (the file of labels).
        """
        self._shelf.text(name)
        return self._kept.list(name)

    @operation("agents.save_version", "edit", "keep versions of agents", "Keep a version of an agent")
    def save(self, p: Principal, name: str, label: str = "", etag: str | None = None) -> SavedVersion:
        """Keep the file as it is as a numbered version, which never changes, and label it; return it.

        A text that is a version already keeps its number. `etag`: of the text that is meant. Raises InvalidFile with
        every problem, StaleEdit, UnknownName, InvalidInput, StorageError.
        """
        _require_label(label)
        with self._shelf.editing():
            text = self._shelf.text(name)
            if etag is not None and etag != etag_of(text):
                raise StaleEdit(f"Somebody changed {self._shelf.file(name)} since you opened it.")
            problems = self._agents.check(p, name, text)
            if problems:
                raise InvalidFile.of(self._shelf.file(name), problems, remedy=CHECK_AGAIN)
            number = self._kept.numbered.make(name, text)
            self._put(p, name, label, number)
        self._audit.record(p, "agents.save_version", name, {"version": number, "label": label})
        return self._kept.row(name, number)

    @operation("agents.label", "edit", "label versions of agents", "Label a version of an agent")
    def label(self, p: Principal, name: str, label: str, version: str = CURRENT) -> SavedVersion:
        """Point a label to a version, used by runs from now on; the text becomes a numbered one.

        Raises as `save`.
        """
        _require_label(label or "?")
        with self._shelf.editing():
            text = self._kept.find(name, version).text
            problems = self._agents.check(p, name, text)
            if problems:
                raise InvalidFile.of(f"Version {version} of {name}", problems, remedy=CHECK_AGAIN)
            number = self._kept.numbered.make(name, text)
            self._put(p, name, label, number)
        self._audit.record(p, "agents.label", name, {"version": number, "label": label})
        return self._kept.row(name, number)

    @operation("agents.remove_label", "edit", "label versions of agents", "Remove a label of an agent")
    def remove_label(self, p: Principal, name: str, label: str) -> SavedVersion:
        """Take a label from its version, which stays. Raises UnknownName, InUse (it is used), StorageError."""
        with self._shelf.editing():
            self._shelf.text(name)
            labels = self._kept.labels.all(name)
            if label not in labels:
                raise UnknownName(f"label of the agent {name}", label, list(labels))
            require_unused(self._users, "agent", name, (label,))
            self._kept.labels.put(name, {one: named for one, named in labels.items() if one != label})
        self._audit.record(p, "agents.remove_label", name, {"label": label})
        return self._kept.row(name, labels[label].version)

    @operation("agents.differences", "view", "see agents", "Compare versions of an agent")
    def differences(
        self, p: Principal, name: str, before: str, after: str = CURRENT
    ) -> builtins.list[PromptDifference]:
        """Return the parts in which two versions differ, by word. Raises UnknownName, InvalidFile."""
        from engine.agents.differences import agent_differences

        old, new = (self._kept.find(name, one).text for one in (before, after))
        file = self._shelf.file(name)
        return agent_differences(parse(old, file).value, parse(new, file).value)

    @operation("agents.restore", "edit", "change agents", "Restore a version of an agent")
    def restore(self, p: Principal, name: str, version: str, etag: str | None) -> AgentSummary:
        """Save an earlier text again; the current one is kept, too. Raises as `Agents.save`, UnknownName."""
        return self._agents.save(p, name, self._kept.find(name, version).text, etag)

    def _put(self, p: Principal, name: str, label: str, number: int) -> None:
        if label:
            now = timestamp(self._clock())
            text = self._kept.numbered.text(name, number)
            one = VersionLabel(version=number, hash=hash_of(text), made_at=now, labelled_at=now, labelled_by=p.id)
            self._kept.labels.put(name, {**self._kept.labels.all(name), label: one})


def _require_label(label: str) -> None:
    if label and (not LABEL.match(label) or label == CURRENT):
        raise InvalidInput(
            f"{label!r} cannot be a label.", remedy="Use lower-case letters, digits, '-' and '_', a letter first."
        )
