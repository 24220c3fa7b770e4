"""Steps that lock and unlock the conversation of an issue or pull request on GitHub."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

from engine.plugins.step import Call, CannotUndo, JsonValue, Output, Preview, Repeat, Written, address, option, outside
from engine.steps.github.issues import OneIssue, issue_name
from engine.steps.github.repository import Writing

_UNLOCKED = (False, "")


class LockOutput(Output):
    """The issue; `before` says whether it was locked, and why; null if unknown."""

    id: int
    number: int
    url: str = address("Address")
    title: str = outside("Title")
    locked: bool
    reason: str
    changed: bool | None
    before: dict[str, JsonValue] | None


def _state(issue: Mapping[str, Any]) -> tuple[bool, str]:
    return issue["locked"], issue["lock_reason"] if issue["locked"] else ""


def _said(state: tuple[bool, str]) -> str:
    locked, reason = state
    return f"locked{f' ({reason})' if reason else ''}" if locked else "not locked"


class ChangeLock(Writing):
    """Base of the steps that lock or unlock; doing it twice has no further effect."""

    repeat = Repeat.SAFE
    output = LockOutput

    @abstractmethod
    def wanted(self, fields: Any) -> tuple[bool, str]:
        """Return whether it is locked afterwards, and the reason."""

    def call(self, call: Call) -> JsonValue:
        """Read the issue, then lock or unlock it if that differs."""
        it, wanted = call.fields, self.wanted(call.fields)
        issue = call.client.issues.fields(it.repository, it.issue)
        if "before" not in call.request:  # later attempts can no longer read it
            is_known = _state(issue) != wanted or not call.is_again
            call.request["before"] = list(_state(issue)) if is_known else None
        if _state(issue) != wanted:
            _set(call, wanted)
        before = call.request["before"]
        return {
            **{name: issue[name] for name in ("id", "number", "url", "title")},
            "locked": wanted[0],
            "reason": wanted[1],
            "changed": None if before is None else tuple(before) != wanted,
            "before": None if before is None else {"locked": before[0], "reason": before[1]},
        }

    def preview(self, call: Call) -> Preview:
        """Return whether the issue will be locked, and whether it is."""
        it = call.fields
        issue = call.client.issues.fields(it.repository, it.issue)
        thing = issue_name(it.repository, it.issue)
        return Preview(f"{thing}: {issue['title']}", _said(self.wanted(it)), _said(_state(issue)), thing)

    def why_kept(self, written: Written) -> str:
        """Return a reason if it is not known whether it was locked."""
        if written.output.get("before") is None:
            return "It is not known whether it was locked before."
        return super().why_kept(written)

    def undo(self, call: Call, written: Written) -> None:
        """Bring the lock back to what it was, unless somebody has changed it since."""
        it, before = call.fields, written.output["before"]
        present = _state(call.client.issues.fields(it.repository, it.issue))
        wanted = (before["locked"], before["reason"])
        if present == wanted:
            return
        if present != self.wanted(it):
            raise CannotUndo(f"#{it.issue} is {_said(present)} now: somebody has changed that since.")
        _set(call, wanted)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new state with the same call."""
        return self.call(call)


def _set(call: Call, wanted: tuple[bool, str]) -> None:
    it, (locked, reason) = call.fields, wanted
    if locked:
        call.client.issues.lock(it.repository, it.issue, reason)
    else:
        call.client.issues.unlock(it.repository, it.issue)


class LockIssueFields(OneIssue):
    """The issue or pull request, and the reason that GitHub shows."""

    reason: Literal["", "off-topic", "too heated", "resolved", "spam"] = option("Reason (empty: none)", "")


class LockIssue(ChangeLock):
    """Lock the conversation of an issue or pull request: only people who can write to the repository may comment."""

    name = "github.lock_issue"
    title = "Lock a conversation"
    done = "locked"
    undoes = "unlocks it again, or restores the earlier reason"
    fields = LockIssueFields

    def wanted(self, fields: Any) -> tuple[bool, str]:
        """Return the lock with its reason."""
        return True, fields.reason


class UnlockIssue(ChangeLock):
    """Unlock the conversation of an issue or pull request; everybody may comment again."""

    name = "github.unlock_issue"
    title = "Unlock a conversation"
    done = "unlocked"
    undoes = "locks it again, for the earlier reason"
    fields = OneIssue

    def wanted(self, fields: Any) -> tuple[bool, str]:
        """Return that there is no lock."""
        return _UNLOCKED
