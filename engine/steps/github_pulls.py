"""Steps that read, open, review and merge pull requests on GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from engine.step import (
    Call,
    JsonValue,
    Output,
    Receipt,
    Written,
    changes_respected,
    content,
    destination,
    option,
    outside,
)
from engine.steps.github_repository import (
    Changes,
    FindableWriting,
    Limited,
    Listing,
    Reading,
    Repository,
    ThreadText,
    WithChanges,
)


class PullText(ThreadText):
    """A pull request as it is read."""

    head: str = outside("From branch")
    base: str
    head_sha: str
    draft: bool
    reviewers: list[str]
    merged_at: str | None


class ListPullsFields(Limited):
    """Which pull requests."""

    state: Literal["open", "closed", "all"] = option("State", "open")
    base: str = option("Into this branch", "")
    head: str = option("From this branch", "")


class ListPulls(Listing):
    """Lists pull requests of a repository, newest first."""

    name = "github.list_pulls"
    title = "List pull requests"
    listed, of = "pulls", PullText
    fields = ListPullsFields

    def lister(self, client: Any) -> Any:
        """The pull requests."""
        return client.pulls.listed


class GetPullFields(WithChanges):
    """Which pull request, and how much of its changes."""

    pull: int = option("Pull request number", ge=1)


class GetPullOutput(PullText, Changes):
    """The pull request with what it changes; `mergeable` is null while GitHub is finding out."""

    merged: bool
    mergeable: bool | None
    commit_count: int
    comment_count: int
    additions: int
    deletions: int


class GetPull(Reading):
    """Reads one pull request with what it changes; long changes are cut, and that is said."""

    name = "github.get_pull"
    title = "Read a pull request"
    fields = GetPullFields
    output = GetPullOutput

    def call(self, call: Call) -> JsonValue:
        """Read it."""
        it = call.fields
        return call.client.pulls.get(it.repository, it.pull, it.max_files, it.max_characters)


class CreatePullFields(Repository):
    """What the pull request says, from which branch into which."""

    title: str = content("Title", min_length=1)
    body: str = content("Body", "", widget="text")
    head: str = destination("From branch", min_length=1)
    base: str = destination("Into branch", "main", min_length=1)
    draft: bool = option("As a draft", default=False)


class CreatePullOutput(Output):
    """The pull request that was made."""

    id: int
    number: int
    url: str
    title: str = outside("Title")
    state: str
    head: str
    base: str
    draft: bool


class CreatePull(FindableWriting):
    """Opens a pull request; the marker by which it is found again is a hidden comment at the end of its body."""

    name = "github.create_pull"
    title = "Open a pull request"
    fields = CreatePullFields
    output = CreatePullOutput

    def call(self, call: Call) -> JsonValue:
        """Open it."""
        asked = call.fields.model_dump(exclude={"repository"})
        return call.client.pulls.create(call.fields.repository, asked, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for it among the repository's issues, which pull requests are."""
        return call.client.pulls.find(call.fields.repository, call.marker, call.intended_at)

    undoes = "closes the pull request, with a note"
    stays = "the closed pull request, with the note"

    def undo(self, call: Call, written: Written) -> None:
        """Close it, unless it was closed or merged, or its title or text was changed."""
        it, number = call.fields, written.output["number"]
        with changes_respected():
            call.client.undo_issue(it.repository, number, it.title, it.body, written.marker, call.marker)


class OnePull(Repository):
    """Which pull request."""

    pull: int = destination("Pull request number", ge=1)


class ReviewPullFields(OnePull):
    """What the review says."""

    event: Literal["COMMENT", "APPROVE", "REQUEST_CHANGES"] = option("Word", "COMMENT")
    body: str = content("Text", "", widget="text")


class ReviewPullOutput(Output):
    """The review that was made."""

    id: int
    url: str
    state: str


class ReviewPull(FindableWriting):
    """Reviews a pull request: comments, approves, or asks for changes."""

    name = "github.review_pull"
    title = "Review a pull request"
    fields = ReviewPullFields
    output = ReviewPullOutput

    def call(self, call: Call) -> JsonValue:
        """Write it."""
        it = call.fields
        return call.client.pulls.review(it.repository, it.pull, it.event, it.body, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for it among the reviews of the pull request."""
        return call.client.pulls.find_review(call.fields.repository, call.fields.pull, call.marker)

    undoes = "dismisses the review, with a note"
    stays = "the dismissed review, with the note"

    def why_kept(self, written: Written) -> str:
        """GitHub takes back the word of a review only, not what it says."""
        is_comment = written.output.get("state") == "COMMENTED"
        return "GitHub keeps a review that only comments." if is_comment else super().why_kept(written)

    def undo(self, call: Call, written: Written) -> None:
        """Dismiss it."""
        it, note = call.fields, "A workflow gave this review, and that was undone."
        with changes_respected():
            call.client.pulls.dismiss_review(it.repository, it.pull, written.output["id"], note)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Only an approval needs no words."""
        if arguments.get("event", "COMMENT") in {"COMMENT", "REQUEST_CHANGES"} and not arguments.get("body"):
            return [("body", "Say something: only APPROVE goes without a text.")]
        return []


class MergePullFields(OnePull):
    """How it is merged."""

    method: Literal["merge", "squash", "rebase"] = option("How", "merge")
    sha: str = option("Only where this is its newest commit", "")
    commit_title: str = content("Title of the commit", "")
    commit_message: str = content("Message of the commit", "", widget="text")


class MergePullOutput(Output):
    """The pull request; `sha` is the commit of the merge, `changed` false where it was merged already."""

    number: int
    url: str
    merged: bool
    sha: str
    changed: bool


class MergePull(FindableWriting):
    """Merges a pull request; one that is merged already stays as it is."""

    name = "github.merge_pull"
    title = "Merge a pull request"
    done = "merged"
    lasts = "A merge stays in the history; a new pull request can revert it."
    fields = MergePullFields
    output = MergePullOutput

    def call(self, call: Call) -> JsonValue:
        """Merge it."""
        it = call.fields
        words = (it.commit_title, it.commit_message)
        return call.client.pulls.merge(it.repository, it.pull, it.method, it.sha, *words)

    def find(self, call: Call) -> JsonValue | None:
        """Look whether it is merged."""
        return call.client.pulls.find_merge(call.fields.repository, call.fields.pull)

    def receipt(self, output: JsonValue) -> Receipt:
        """The commit of the merge."""
        return Receipt(id=output["sha"], url=output["url"])
