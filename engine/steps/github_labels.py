"""Steps that put labels on issues of GitHub, and take them off."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from engine.step import Call, JsonValue, Output, Repeat, Written, option, outside
from engine.steps.github_issues import OneIssue
from engine.steps.github_repository import Writing


class LabelFields(OneIssue):
    """Which labels."""

    labels: list[str] = option("Labels", min_length=1)


class LabelOutput(Output):
    """The issue's labels; `touched` are those that were put on or taken off, null where that is not known."""

    id: int
    number: int
    url: str
    labels: list[str] = outside("Labels")
    touched: list[str] | None = outside("Labels that changed")


class ChangeLabels(Writing):
    """A step that puts labels on an issue, or takes them off; doing it twice is the same as once."""

    repeat = Repeat.SAFE
    fields = LabelFields
    output = LabelOutput

    @abstractmethod
    def adds(self) -> bool:
        """Tell whether it puts labels on."""

    def call(self, call: Call) -> JsonValue:
        """Read what is there, then change it."""
        seen = self._seen(call)
        labels = self._set(call, call.fields.labels, adds=self.adds())
        return {**seen, "labels": seen["labels"] if labels is None else labels}

    def _seen(self, call: Call) -> Mapping[str, Any]:
        """Give the issue, and which labels are to change, as it was before the first attempt; None where unknown.

        It is kept for the attempts to come: once the write may have arrived nobody knows what was there.
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
        """What was not seen before it was changed cannot be given back."""
        return "" if written.output.get("touched") is not None else "Which labels it had before is not known."

    def undo(self, call: Call, written: Written) -> None:
        """Change back what it changed, whatever other labels the issue got since."""
        if written.output["touched"]:
            self._set(call, written.output["touched"], adds=not self.adds())

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Do it with the new ones: the same call again."""
        return self.call(call)


class AddLabels(ChangeLabels):
    """Puts labels on an issue; labels that do not exist are made."""

    name = "github.add_labels"
    title = "Label an issue"
    done = "labelled"
    undoes = "takes the labels off that it put on"
    stays = "the labels themselves, which the repository keeps"

    def adds(self) -> bool:
        """It does."""
        return True


class RemoveLabels(ChangeLabels):
    """Takes labels off an issue; one that is not on it is no error."""

    name = "github.remove_labels"
    title = "Take labels off an issue"
    done = "unlabelled"
    undoes = "puts the labels on again that it took off"

    def adds(self) -> bool:
        """It does not."""
        return False
