"""Steps that change issues on GitHub: fields, state, labels, assignees, milestone; and the search."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Literal

from clients.github.service import BODY, LABEL, NEW_TITLE
from engine.plugins.step import (
    Call,
    JsonValue,
    Output,
    Preview,
    Prompts,
    Repeat,
    Written,
    address,
    changes_respected,
    content,
    destination,
    lines_of,
    option,
    outside,
)
from engine.steps.github.repository import Repository, Writing

_NOT_KNOWN = "Its earlier content is not known."


class OneIssue(Repository):
    """The issue or pull request."""

    issue: int = destination("Issue number", ge=1)


def issue_name(repository: str, number: int) -> str:
    """Return the name of an issue or pull request: `acme/app#7`."""
    return f"{repository.strip().lower()}#{number}"


class ChangedIssue(Output):
    """The issue or pull request; `before` holds the old values of the changed fields, null if unknown."""

    id: int
    number: int
    url: str = address("Address")
    title: str = outside("Title")
    state: str
    changed: bool | None
    before: dict[str, JsonValue] | None = outside("Before")


class ChangeIssue(Writing):
    """Base of the steps that set fields of an issue; setting them twice has no further effect."""

    repeat = Repeat.SAFE
    output = ChangedIssue
    undoes = "restores the earlier content of the issue"

    @abstractmethod
    def changes(self, call: Call) -> Mapping[str, Any]:
        """Return the fields to set, under GitHub's names."""

    def thing(self, call: Call) -> tuple[Any, int]:
        """Return the part of the client that reads and changes it, and its number."""
        return call.client.issues, call.fields.issue

    def call(self, call: Call) -> JsonValue:
        """Read the issue, then set the fields that differ."""
        changes, (things, number) = self.changes(call), self.thing(call)
        before = _before(call, changes, lambda: things.fields(call.fields.repository, number))
        issue = things.change(call.fields.repository, number, changes)
        return {**issue, "before": before, "changed": None if before is None else bool(before)}

    def preview(self, call: Call) -> Preview:
        """Return the fields to set, and their present values."""
        it, changes, (things, number) = call.fields, self.changes(call), self.thing(call)
        issue = things.fields(it.repository, number)
        before = lines_of({name: issue[name] for name in changes})
        thing = issue_name(it.repository, number)
        return Preview(f"{thing}: {issue['title']}", lines_of(changes), before, thing)

    def why_kept(self, written: Written) -> str:
        """Return a reason if the old values are not known."""
        return _NOT_KNOWN if written.output.get("before") is None else super().why_kept(written)

    def undo(self, call: Call, written: Written) -> None:
        """Restore the old values, unless somebody has changed one since."""
        before, (things, number) = written.output["before"], self.thing(call)
        left = {name: value for name, value in self.changes(call).items() if name in before}
        with changes_respected():
            things.undo_change(call.fields.repository, number, left, before)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new values with the same call."""
        return self.call(call)


def _before(call: Call, changes: Mapping[str, Any], read: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the old values of the fields to change, as of the first attempt; None if unknown.

    They are stored for later attempts: once a write may have arrived, the old values can no longer be read.
    """
    if "before" not in call.request:
        found = read()
        differs = {name: found[name] for name, value in changes.items() if found[name] != value}
        call.request["before"] = differs if differs or not call.is_again else None
    known: Mapping[str, Any] | None = call.request["before"]
    return known


class UpdateIssueFields(OneIssue):
    """The new values; fields that are not given stay unchanged."""

    title: str | None = content("Title", None, min_length=1, markup="commit", limit=NEW_TITLE)
    body: str | None = content("Body", None, widget="text", markup="markdown", limit=BODY)
    labels: list[str] | None = option("Labels (the complete list)", None, limit=LABEL, drops_empty=True)
    assignees: list[str] | None = destination("Assignees (the complete list)", None, drops_empty=True)
    state: Literal["open", "closed"] | None = option("State", None)


class UpdateIssue(ChangeIssue):
    """Change fields of an issue; fields that are not given stay unchanged."""

    name = "github.update_issue"
    title = "Change an issue"
    done = "changed"
    fields = UpdateIssueFields

    def changes(self, call: Call) -> Mapping[str, Any]:
        """Return the fields that are given."""
        given = call.fields.model_dump(exclude={"repository", "issue"})
        return {name: value for name, value in given.items() if value is not None}

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require at least one field to change."""
        is_empty = not set(arguments) - {"repository", "issue"}
        return [("title", "Say what to change: title, body, labels, assignees or state.")] if is_empty else []


class CloseIssueFields(OneIssue):
    """The issue, and the reason."""

    reason: Literal["completed", "not_planned"] = option("Reason", "completed")


class CloseIssue(ChangeIssue):
    """Close an issue."""

    name = "github.close_issue"
    title = "Close an issue"
    done = "closed"
    undoes = "reopens the issue"
    fields = CloseIssueFields

    def changes(self, call: Call) -> Mapping[str, Any]:
        """Return the closed state and the reason."""
        return {"state": "closed", "state_reason": call.fields.reason}


class ReopenIssue(ChangeIssue):
    """Reopen a closed issue."""

    name = "github.reopen_issue"
    title = "Reopen an issue"
    done = "opened again"
    undoes = "closes the issue again"
    fields = OneIssue

    def changes(self, call: Call) -> Mapping[str, Any]:
        """Return the open state."""
        return {"state": "open"}


class SetAssigneesFields(OneIssue):
    """The people to assign."""

    # GitHub takes at most 10 (https://docs.github.com/rest/issues/assignees).
    assignees: list[str] = destination("Assignees (the complete list)", max_length=10, drops_empty=True)


class SetAssignees(ChangeIssue):
    """Replace the assignees of an issue; an empty list removes all of them."""

    name = "github.set_assignees"
    title = "Assign an issue"
    done = "assigned"
    fields = SetAssigneesFields

    def changes(self, call: Call) -> Mapping[str, Any]:
        """Return the assignees."""
        return {"assignees": call.fields.assignees}


class SetMilestoneFields(OneIssue):
    """The milestone."""

    milestone: str = option("Milestone (its title or number; empty: none)", "")


class SetMilestone(ChangeIssue):
    """Set the milestone of an issue, or clear it."""

    name = "github.set_milestone"
    title = "Set an issue's milestone"
    done = "planned"
    fields = SetMilestoneFields

    def changes(self, call: Call) -> Mapping[str, Any]:
        """Return the milestone's number."""
        it = call.fields
        return {"milestone": call.client.issues.milestone(it.repository, it.milestone) if it.milestone else None}
