"""Steps that change issues on GitHub: fields, state, labels, assignees, milestone; and the search."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Literal

from engine.step import (
    Call,
    JsonValue,
    Output,
    Repeat,
    Written,
    changes_respected,
    content,
    destination,
    option,
    outside,
)
from engine.steps.github_repository import Repository, Writing

_NOT_KNOWN = "What it said before is not known."


class OneIssue(Repository):
    """Which issue or pull request."""

    issue: int = destination("Issue number", ge=1)


class ChangedIssue(Output):
    """The issue; `before` has what its changed fields said, null where that is not known."""

    id: int
    number: int
    url: str
    title: str = outside("Title")
    state: str
    changed: bool | None
    before: dict[str, Any] | None = outside("Before")


class ChangeIssue(Writing):
    """A step that sets fields of an issue; setting them twice is the same as once."""

    repeat = Repeat.SAFE
    output = ChangedIssue
    undoes = "gives the issue back what it said before"

    @abstractmethod
    def changes(self, call: Call) -> Mapping[str, Any]:
        """Give the fields to set, as GitHub names them."""

    def call(self, call: Call) -> JsonValue:
        """Read what is there, then set what differs."""
        it, changes = call.fields, self.changes(call)
        before = _before(call, changes, lambda: call.client.issues.fields(it.repository, it.issue))
        issue = call.client.issues.change(it.repository, it.issue, changes)
        return {**issue, "before": before, "changed": None if before is None else bool(before)}

    def why_kept(self, written: Written) -> str:
        """What was not seen before it was changed cannot be given back."""
        return _NOT_KNOWN if written.output.get("before") is None else super().why_kept(written)

    def undo(self, call: Call, written: Written) -> None:
        """Set the fields back, unless somebody changed one since."""
        it, before = call.fields, written.output["before"]
        left = {name: value for name, value in self.changes(call).items() if name in before}
        with changes_respected():
            call.client.issues.undo_change(it.repository, it.issue, left, before)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new ones: the same call again."""
        return self.call(call)


def _before(call: Call, changes: Mapping[str, Any], read: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Give the fields that differ from what is asked, as they were before the first attempt; None where unknown.

    It is kept for the attempts to come: once the write may have arrived nobody knows what was there.
    """
    if "before" not in call.request:
        found = read()
        differs = {name: found[name] for name, value in changes.items() if found[name] != value}
        call.request["before"] = differs if differs or not call.is_again else None
    known: Mapping[str, Any] | None = call.request["before"]
    return known


class UpdateIssueFields(OneIssue):
    """What the issue says from now on; what is not given stays as it is."""

    title: str | None = content("Title", None, min_length=1)
    body: str | None = content("Body", None, widget="text")
    labels: list[str] | None = option("Labels, all of them", None)
    assignees: list[str] | None = destination("Assignees, all of them", None)
    state: Literal["open", "closed"] | None = option("State", None)


class UpdateIssue(ChangeIssue):
    """Changes what an issue says; what is not given stays as it is."""

    name = "github.update_issue"
    title = "Change an issue"
    done = "changed"
    fields = UpdateIssueFields

    def changes(self, call: Call) -> Mapping[str, Any]:
        """The fields that are given."""
        given = call.fields.model_dump(exclude={"repository", "issue"})
        return {name: value for name, value in given.items() if value is not None}

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Nothing to change is a mistake."""
        is_empty = not set(arguments) - {"repository", "issue"}
        return [("title", "Say what to change: title, body, labels, assignees or state.")] if is_empty else []


class CloseIssueFields(OneIssue):
    """Which issue, and why."""

    reason: Literal["completed", "not_planned"] = option("Reason", "completed")


class CloseIssue(ChangeIssue):
    """Closes an issue."""

    name = "github.close_issue"
    title = "Close an issue"
    done = "closed"
    undoes = "opens the issue again"
    fields = CloseIssueFields

    def changes(self, call: Call) -> Mapping[str, Any]:
        """Closed, and why."""
        return {"state": "closed", "state_reason": call.fields.reason}


class ReopenIssue(ChangeIssue):
    """Opens a closed issue again."""

    name = "github.reopen_issue"
    title = "Reopen an issue"
    done = "opened again"
    undoes = "closes the issue again"
    fields = OneIssue

    def changes(self, call: Call) -> Mapping[str, Any]:
        """Open."""
        return {"state": "open"}


class SetAssigneesFields(OneIssue):
    """Who works on it."""

    assignees: list[str] = destination("Assignees, all of them", max_length=10)


class SetAssignees(ChangeIssue):
    """Says who works on an issue, instead of those who did; an empty list takes everybody off."""

    name = "github.set_assignees"
    title = "Assign an issue"
    done = "assigned"
    fields = SetAssigneesFields

    def changes(self, call: Call) -> Mapping[str, Any]:
        """The people."""
        return {"assignees": call.fields.assignees}


class SetMilestoneFields(OneIssue):
    """For when it is planned."""

    milestone: str = option("Milestone (its title or number; empty: none)", "")


class SetMilestone(ChangeIssue):
    """Puts an issue into a milestone, or takes it out."""

    name = "github.set_milestone"
    title = "Set an issue's milestone"
    done = "planned"
    fields = SetMilestoneFields

    def changes(self, call: Call) -> Mapping[str, Any]:
        """The milestone's number."""
        it = call.fields
        return {"milestone": call.client.issues.milestone(it.repository, it.milestone) if it.milestone else None}
