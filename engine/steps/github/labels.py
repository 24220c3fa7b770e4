"""Steps that add labels to issues on GitHub, and remove them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from clients.github.service import LABEL
from engine.plugins.step import Call, JsonValue, Output, Preview, Repeat, Written, address, option, outside
from engine.steps.github.issues import OneIssue, issue_name
from engine.steps.github.repository import Writing


class LabelFields(OneIssue):
    """The labels."""

    labels: list[str] = option("Labels", min_length=1, limit=LABEL, drops_empty=True)


class LabelOutput(Output):
    """The issue's labels; `touched` are those that were added or removed, null if unknown."""

    id: int
    number: int
    url: str = address("Address")
    labels: list[str] = outside("Labels")
    touched: list[str] | None = outside("Labels that changed")


def _listed(labels: list[str]) -> str:
    return "\n".join(labels) or "(no labels)"


class ChangeLabels(Writing):
    """Base of the steps that add or remove labels; repeating it has no further effect."""

    repeat = Repeat.SAFE
    fields = LabelFields
    output = LabelOutput

    @abstractmethod
    def adds(self) -> bool:
        """Return whether it adds labels."""

    def call(self, call: Call) -> JsonValue:
        """Read the current labels, then change them."""
        seen = self._seen(call)
        labels = self._set(call, call.fields.labels, adds=self.adds())
        return {**seen, "labels": seen["labels"] if labels is None else labels}

    def preview(self, call: Call) -> Preview:
        """Return the labels of the issue as they will be, and as they are."""
        it = call.fields
        issue = call.client.issues.fields(it.repository, it.issue)
        named = {each.casefold() for each in it.labels}
        rest = [each for each in issue["labels"] if each.casefold() not in named]
        thing = issue_name(it.repository, it.issue)
        before, after = sorted(issue["labels"]), sorted([*rest, *it.labels] if self.adds() else rest)
        return Preview(f"{thing}: {issue['title']}", _listed(after), _listed(before), thing)

    def _seen(self, call: Call) -> Mapping[str, Any]:
        """Return the issue as of the first attempt, with `touched`: the labels to change, None if unknown.

        It is stored for later attempts: once a write may have arrived, the old labels can no longer be read.
        """
        if "before" not in call.request:
            it = call.fields
            issue = call.client.issues.fields(it.repository, it.issue)
            present = {each.casefold() for each in issue["labels"]}
            touched = [each for each in it.labels if (each.casefold() in present) is not self.adds()]
            is_known = len(touched) == len(it.labels) or not call.is_again
            seen = {name: issue[name] for name in ("id", "number", "url", "labels")}
            call.request["before"] = {**seen, "touched": touched if is_known else None}
        known: Mapping[str, Any] = call.request["before"]
        return known

    def _set(self, call: Call, labels: list[str], *, adds: bool) -> list[str] | None:
        change = call.client.issues.add_labels if adds else call.client.issues.remove_labels
        left: list[str] | None = change(call.fields.repository, call.fields.issue, labels)
        return left

    def why_kept(self, written: Written) -> str:
        """Return a reason if the old labels are not known."""
        return "" if written.output.get("touched") is not None else "Its earlier labels are not known."

    def undo(self, call: Call, written: Written) -> None:
        """Reverse its own changes, and leave other labels alone."""
        if written.output["touched"]:
            self._set(call, written.output["touched"], adds=not self.adds())

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Change the new labels with the same call."""
        return self.call(call)


class AddLabels(ChangeLabels):
    """Add labels to an issue; labels that do not exist are created."""

    name = "github.add_labels"
    title = "Label an issue"
    done = "labelled"
    undoes = "removes the labels that it added"
    stays = "the labels themselves, which the repository keeps"

    def adds(self) -> bool:
        """Return True."""
        return True


class RemoveLabels(ChangeLabels):
    """Remove labels from an issue; a label that it does not have is ignored."""

    name = "github.remove_labels"
    title = "Remove labels from an issue"
    done = "unlabelled"
    undoes = "adds back the labels that it removed"

    def adds(self) -> bool:
        """Return False."""
        return False
