"""Steps that ask for reviews of a pull request on GitHub, and read and write comments on its lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AwareDatetime

from clients.github.service import BODY
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
    gone_explained,
    option,
    outside,
)
from engine.steps.github.issues import issue_name
from engine.steps.github.issues_and_comments import CommentText
from engine.steps.github.pulls import OnePull
from engine.steps.github.repository import FindableWriting, Limited, Listing, Writing


class RequestReviewersFields(OnePull):
    """Who should review."""

    reviewers: list[str] = destination("Reviewers", [], max_length=15, drops_empty=True)
    teams: list[str] = destination("Teams (their short names)", [], max_length=15, drops_empty=True)


class RequestReviewersOutput(Output):
    """The requested reviewers; `added` are those that this step asked, null if unknown."""

    id: int
    number: int
    url: str = address("Address")
    title: str = outside("Title")
    reviewers: list[str] = outside("Reviewers")
    teams: list[str] = outside("Teams")
    added: dict[str, list[str]] | None = outside("Added")


class RequestReviewers(Writing):
    """Request reviews of a pull request; people who have already been asked are not asked again."""

    name = "github.request_reviewers"
    title = "Request a review"
    done = "sent for review"
    repeat = Repeat.SAFE
    undoes = "withdraws the requests that it made"
    stays = "the notifications that GitHub has sent"
    fields = RequestReviewersFields
    output = RequestReviewersOutput

    def call(self, call: Call) -> JsonValue:
        """Request the reviews that are missing."""
        it, seen = call.fields, call.client.reviews.reviewers(call.fields.repository, call.fields.pull)
        missing = _missing(it, seen)
        if "added" not in call.request:  # later attempts can no longer read who was asked before
            is_whole = all(len(missing[kind]) == len(getattr(it, kind)) for kind in missing)
            call.request["added"] = missing if is_whole or not call.is_again else None
        if any(missing.values()):
            seen = call.client.reviews.request(it.repository, it.pull, missing["reviewers"], missing["teams"])
        return {**seen, "added": call.request["added"]}

    def preview(self, call: Call) -> Preview:
        """Return whose review will be requested, and whose is."""
        it, seen = call.fields, call.client.reviews.reviewers(call.fields.repository, call.fields.pull)
        missing, thing = _missing(it, seen), issue_name(it.repository, it.pull)
        after = {kind: [*seen[kind], *names] for kind, names in missing.items()}
        return Preview(f"{thing}: {seen['title']}", _listed(after), _listed(seen), thing)

    def why_kept(self, written: Written) -> str:
        """Return a reason if it is not known who was asked before."""
        if written.output.get("added") is None:
            return "It is not known whose review was requested before."
        return super().why_kept(written)

    def undo(self, call: Call, written: Written) -> None:
        """Withdraw its own requests; of those who have reviewed meanwhile, nothing is left to withdraw."""
        it, added = call.fields, written.output["added"]
        seen = call.client.reviews.reviewers(it.repository, it.pull)
        left = {kind: [one for one in added[kind] if one.casefold() in _folded(seen[kind])] for kind in added}
        if any(left.values()):
            call.client.reviews.withdraw(it.repository, it.pull, left["reviewers"], left["teams"])

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Request the new reviews with the same call."""
        return self.call(call)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require somebody to ask."""
        nobody = not arguments.get("reviewers") and not arguments.get("teams")
        return [("reviewers", "Say who should review: reviewers, teams or both.")] if nobody else []


def _folded(names: list[str]) -> set[str]:
    return {each.casefold() for each in names}


def _missing(fields: RequestReviewersFields, seen: Mapping[str, Any]) -> dict[str, list[str]]:
    asked = {"reviewers": fields.reviewers, "teams": fields.teams}
    return {kind: [one for one in names if one.casefold() not in _folded(seen[kind])] for kind, names in asked.items()}


def _listed(people: Mapping[str, Any]) -> str:
    names = [*people["reviewers"], *(f"team {one}" for one in people["teams"])]
    return "\n".join(names) or "(nobody)"


class ReviewCommentText(CommentText):
    """A comment on a line; `line` is null where the change no longer has it, `in_reply_to` where it begins a thread."""

    path: str = outside("Path")
    line: int | None
    side: str
    commit: str
    patch: str = outside("Changes")
    in_reply_to: int | None


class ListReviewCommentsFields(Limited):
    """The pull request, and a filter."""

    pull: int = option("Pull request number", ge=1)
    since: AwareDatetime | None = option("Changed since", None)


class ListReviewComments(Listing):
    """List the comments on lines of a pull request, oldest first."""

    name = "github.list_review_comments"
    title = "List comments on lines"
    listed, of = "comments", ReviewCommentText
    fields = ListReviewCommentsFields

    def lister(self, client: Any) -> Any:
        """Return the method that lists review comments."""
        return client.reviews.comments


class AddReviewCommentFields(OnePull):
    """The line of the change, and the text."""

    path: str = destination("File", min_length=1)
    line: int = option("Line", ge=1)
    body: str = content("Text", min_length=1, widget="text", markup="markdown", limit=BODY)
    side: Literal["RIGHT", "LEFT"] = option("Side of the change (LEFT: before it)", "RIGHT")
    commit: str = option("Commit (empty: the newest one)", "")


class AddReviewCommentOutput(Output):
    """The comment that was written."""

    id: int
    url: str = address("Address")
    path: str
    line: int | None
    commit: str


class AddReviewComment(FindableWriting):
    """Comment on a line that a pull request changes. A hidden comment at its end is the marker."""

    name = "github.add_review_comment"
    title = "Comment on a line"
    fields = AddReviewCommentFields
    output = AddReviewCommentOutput

    def call(self, call: Call) -> JsonValue:
        """Write the comment."""
        it = call.fields
        return call.client.reviews.comment(it.repository, it.pull, it.model_dump(), call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the marker among the comments on lines of the pull request."""
        it = call.fields
        return call.client.reviews.find_comment(it.repository, it.pull, call.marker, call.intended_at)

    undoes = "deletes the comment"

    def undo(self, call: Call, written: Written) -> None:
        """Delete the comment, unless it was changed."""
        it = call.fields
        with changes_respected():
            call.client.reviews.undo_comment(it.repository, written.output["id"], it.body, written.marker)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new text; the place of a comment cannot be changed."""
        it = call.fields
        with gone_explained():
            return call.client.reviews.update_comment(it.repository, written.output["id"], it.body, written.marker)
