"""Steps for issues and comments on GitHub."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime

from clients.github.service import BODY, LABEL, TITLE
from engine.plugins.step import (
    Call,
    JsonValue,
    Output,
    Part,
    Written,
    address,
    changes_respected,
    content,
    destination,
    gone_explained,
    option,
    outside,
)
from engine.steps.github.repository import FindableWriting, Limited, Listing, Reading, Repository, ThreadText


class IssueText(ThreadText):
    """An issue as it is read."""

    comment_count: int


class CreateIssueFields(Repository):
    """The text of the issue."""

    title: str = content("Title", min_length=1, limit=TITLE)
    body: str = content("Body", "", widget="text", markup="markdown", limit=BODY)
    labels: list[str] = option("Labels", [], limit=LABEL, drops_empty=True)
    assignees: list[str] = destination("Assignees", [], drops_empty=True)


class CreateIssueOutput(Output):
    """The issue that was created."""

    id: int
    number: int
    url: str = address("Address")
    title: str = outside("Title")
    state: str


class CreateIssue(FindableWriting):
    """Create an issue. A hidden comment at the end of its body is the marker by which it is found again."""

    name = "github.create_issue"
    makes = ("an issue",)
    title = "Create an issue"
    agreed = "If you agree, this issue is opened in {to}."

    fields = CreateIssueFields
    output = CreateIssueOutput

    def call(self, call: Call) -> JsonValue:
        """Create the issue."""
        it = call.fields
        return call.client.create_issue(it.repository, it.title, it.body, it.labels, it.assignees, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the marker among the repository's issues."""
        return call.client.find_issue(call.fields.repository, call.marker, call.intended_at)

    undoes = "closes the issue as not planned, with a note"
    stays = "the closed issue, with the note"

    def undo(self, call: Call, written: Written) -> None:
        """Close the issue, unless it was closed or its title or text was changed."""
        it, number = call.fields, written.output["number"]
        with changes_respected():
            call.client.undo_issue(it.repository, number, it.title, it.body, written.marker, call.marker)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new title, text, labels and assignees."""
        it, number = call.fields, written.output["number"]
        with gone_explained():
            return call.client.update_issue(
                it.repository, number, it.title, it.body, it.labels, it.assignees, written.marker
            )


class CommentFields(Repository):
    """Where to comment, and the text."""

    issue: int = destination("Issue number", ge=1)
    body: str = content("Text", min_length=1, widget="text", markup="markdown", limit=BODY)


class CommentOutput(Output):
    """The comment that was written."""

    id: int
    url: str = address("Address")


class Comment(FindableWriting):
    """Comment on an issue or pull request."""

    name = "github.comment"
    title = "Comment on an issue or pull request"
    agreed = "If you agree, this comment is written in {to}."

    fields = CommentFields
    output = CommentOutput

    def call(self, call: Call) -> JsonValue:
        """Write the comment."""
        it = call.fields
        return call.client.comment(it.repository, it.issue, it.body, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the marker among the issue's comments."""
        it = call.fields
        return call.client.find_comment(it.repository, it.issue, call.marker, call.intended_at)

    undoes = "deletes the comment"

    def undo(self, call: Call, written: Written) -> None:
        """Delete the comment, unless it was changed."""
        it = call.fields
        with changes_respected():
            call.client.undo_comment(it.repository, written.output["id"], it.body, written.marker)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new text."""
        it = call.fields
        with gone_explained():
            return call.client.update_comment(it.repository, written.output["id"], it.body, written.marker)


class GetIssueFields(Repository):
    """The issue to read."""

    issue: int = option("Issue number", ge=1)


class GetIssueOutput(IssueText, Output):
    """The issue."""

    is_pull: bool


class GetIssue(Reading):
    """Read one issue. Pull requests are issues as well; `is_pull` tells them apart."""

    name = "github.get_issue"
    title = "Read an issue"

    fields = GetIssueFields
    output = GetIssueOutput

    def call(self, call: Call) -> JsonValue:
        """Read the issue."""
        return call.client.get_issue(call.fields.repository, call.fields.issue)


class ListIssuesFields(Limited):
    """The repository, and filters."""

    state: Literal["open", "closed", "all"] = option("State", "open")
    labels: list[str] = option("With all of these labels", [], drops_empty=True)
    since: AwareDatetime | None = option("Changed since", None)


class ListIssues(Listing):
    """List the issues of a repository, newest first, without pull requests."""

    name = "github.list_issues"
    title = "List issues"

    listed, of = "issues", IssueText
    fields = ListIssuesFields

    def lister(self, client: Any) -> Any:
        """Return the method that lists issues."""
        return client.list_issues


class CommentText(Part):
    """A comment as it is read."""

    id: int
    url: str = address("Address")
    body: str = outside("Text")
    author: str = outside("Author")
    created_at: str
    updated_at: str


class ListCommentsFields(Limited):
    """The issue or pull request, and a filter."""

    issue: int = option("Issue number", ge=1)
    since: AwareDatetime | None = option("Changed since", None)


class ListComments(Listing):
    """List the comments on an issue or pull request, oldest first."""

    name = "github.list_comments"
    title = "List comments"
    listed, of = "comments", CommentText
    fields = ListCommentsFields

    def lister(self, client: Any) -> Any:
        """Return the method that lists comments."""
        return client.issues.comments
