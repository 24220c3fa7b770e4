"""Steps that read, open, review and merge pull requests on GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from clients.github.service import BODY, COMMIT_MESSAGE, COMMIT_TITLE, NEW_TITLE, TITLE
from clients.wording import counted
from engine.plugins.step import (
    Call,
    JsonValue,
    Output,
    Preview,
    Prompts,
    Receipt,
    Written,
    address,
    changes_respected,
    content,
    destination,
    option,
    outside,
)
from engine.steps.github.issues import ChangeIssue
from engine.steps.github.repository import (
    Changes,
    FindableWriting,
    Limited,
    Listing,
    Reading,
    Repository,
    ThreadText,
    WithChanges,
    noted,
)


class PullText(ThreadText):
    """A pull request as it is read."""

    head: str = outside("From branch")
    base: str
    head_sha: str
    draft: bool
    reviewers: list[str] = outside("Reviewers")
    merged_at: str | None


class ListPullsFields(Limited):
    """The repository, and filters."""

    state: Literal["open", "closed", "all"] = option("State", "open")
    base: str = option("Into this branch", "")
    head: str = option("From this branch", "")


class ListPulls(Listing):
    """List the pull requests of a repository, newest first."""

    name = "github.list_pulls"
    title = "List pull requests"
    listed, of, called = "pulls", PullText, "pull requests"
    fields = ListPullsFields

    def lister(self, client: Any) -> Any:
        """Return the method that lists pull requests."""
        return client.pulls.listed


class GetPullFields(WithChanges):
    """The pull request, and how much of its changes to read."""

    pull: int = option("Pull request number", ge=1)


class GetPullOutput(PullText, Changes):
    """The pull request and its changes; `mergeable` is null while GitHub computes it."""

    merged: bool
    mergeable: bool | None
    commit_count: int
    comment_count: int
    additions: int
    deletions: int


class GetPull(Reading):
    """Read one pull request and its changes; long changes are shortened and marked as such."""

    name = "github.get_pull"
    title = "Read a pull request"
    fields = GetPullFields
    output = GetPullOutput

    def call(self, call: Call) -> JsonValue:
        """Read the pull request."""
        it = call.fields
        return noted(call, call.client.pulls.get(it.repository, it.pull, it.max_files, it.max_characters))


class CreatePullFields(Repository):
    """The text of the pull request, and its two branches."""

    title: str = content("Title", min_length=1, markup="commit", limit=TITLE)
    body: str = content("Body", "", widget="text", markup="markdown", limit=BODY)
    head: str = destination("From branch", min_length=1)
    base: str = destination("Into branch", "main", min_length=1)
    draft: bool = option("As a draft", default=False)


class CreatePullOutput(Output):
    """The pull request that was created."""

    id: int
    number: int
    url: str = address("Address")
    title: str = outside("Title")
    state: str
    head: str
    base: str
    draft: bool


class CreatePull(FindableWriting):
    """Open a pull request. A hidden comment at the end of its body is the marker by which it is found again."""

    name = "github.create_pull"
    title = "Open a pull request"
    agreed = "If you agree, this pull request is opened in {to}."
    fields = CreatePullFields
    output = CreatePullOutput

    def call(self, call: Call) -> JsonValue:
        """Open the pull request."""
        asked = call.fields.model_dump(exclude={"repository"})
        return call.client.pulls.create(call.fields.repository, asked, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the marker among the repository's issues, which include pull requests."""
        return call.client.pulls.find(call.fields.repository, call.marker, call.intended_at)

    undoes = "closes the pull request, with a note"
    stays = "the closed pull request, with the note"

    def undo(self, call: Call, written: Written) -> None:
        """Close the pull request, unless it was closed or merged, or its title or text was changed."""
        it, number = call.fields, written.output["number"]
        with changes_respected():
            call.client.undo_issue(it.repository, number, it.title, it.body, written.marker, call.marker)


class OnePull(Repository):
    """The pull request."""

    pull: int = destination("Pull request number", ge=1)


class UpdatePullFields(OnePull):
    """The new values; fields that are not given stay unchanged."""

    title: str | None = content("Title", None, min_length=1, markup="commit", limit=NEW_TITLE)
    body: str | None = content("Body", None, widget="text", markup="markdown", limit=BODY)
    base: str | None = destination("Into branch", None, min_length=1)
    state: Literal["open", "closed"] | None = option("State", None)


class UpdatePull(ChangeIssue):
    """Change fields of a pull request; fields that are not given stay unchanged."""

    name = "github.update_pull"
    title = "Change a pull request"
    done = "changed"
    undoes = "restores the earlier content of the pull request"
    fields = UpdatePullFields

    def changes(self, call: Call) -> Mapping[str, Any]:
        """Return the fields that are given."""
        given = call.fields.model_dump(exclude={"repository", "pull"})
        return {name: value for name, value in given.items() if value is not None}

    def thing(self, call: Call) -> tuple[Any, int]:
        """Return the part of the client for pull requests, and the number."""
        return call.client.pulls, call.fields.pull

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require at least one field to change."""
        is_empty = not set(arguments) - {"repository", "pull"}
        return [("title", "Say what to change: title, body, base or state.")] if is_empty else []


class ReviewPullFields(OnePull):
    """The verdict and text of the review."""

    event: Literal["COMMENT", "APPROVE", "REQUEST_CHANGES"] = option("Word", "COMMENT")
    body: str = content("Text", "", widget="text", markup="markdown", limit=BODY)


class ReviewPullOutput(Output):
    """The review that was written."""

    id: int
    url: str = address("Address")
    state: str


class ReviewPull(FindableWriting):
    """Review a pull request: comment, approve or request changes."""

    name = "github.review_pull"
    title = "Review a pull request"
    fields = ReviewPullFields
    output = ReviewPullOutput

    def call(self, call: Call) -> JsonValue:
        """Write the review."""
        it = call.fields
        return call.client.pulls.review(it.repository, it.pull, it.event, it.body, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the marker among the reviews of the pull request."""
        return call.client.pulls.find_review(call.fields.repository, call.fields.pull, call.marker)

    undoes = "dismisses the review, with a note"
    stays = "the dismissed review, with the note"

    def why_kept(self, written: Written) -> str:
        """Return a reason for a review that only comments: GitHub can dismiss a verdict, not the text."""
        is_comment = written.output.get("state") == "COMMENTED"
        return "GitHub keeps a review that only comments." if is_comment else super().why_kept(written)

    def undo(self, call: Call, written: Written) -> None:
        """Dismiss the review."""
        it, note = call.fields, "This review was submitted by a workflow run that was undone."
        with changes_respected():
            call.client.pulls.dismiss_review(it.repository, it.pull, written.output["id"], note)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a text, except for an approval."""
        if arguments.get("event", "COMMENT") in {"COMMENT", "REQUEST_CHANGES"} and not arguments.get("body"):
            return [("body", "Give a text: only APPROVE can go without one.")]
        return []


_SHOWN_FILES, _SHOWN_CHARACTERS = 100, 50_000


def _pull_text(pull: Mapping[str, Any]) -> str:
    """Return a pull request as somebody who merges it reads it: from where to where, and each change."""
    counts = f"{counted(pull['file_count'], 'file')}, +{pull['additions']} -{pull['deletions']}"
    head = {
        "From": f"{pull['head']} ({pull['head_sha']})",
        "Into": pull["base"],
        "State": "merged" if pull["merged"] else pull["state"],
        "Changes": f"{counts}; not all of it is shown" if pull["is_cut"] else counts,
    }
    files = [f"{one['status']}: {one['path']}\n{one['patch']}".rstrip() for one in pull["files"]]
    return "\n\n".join(["\n".join(f"{name}: {value}" for name, value in head.items()), *files])


class MergePullFields(OnePull):
    """The merge method and message."""

    method: Literal["merge", "squash", "rebase"] = option("How", "merge")
    sha: str = option("Only if this is its newest commit", "")
    commit_title: str = content("Title of the commit", "", markup="commit", limit=COMMIT_TITLE)
    commit_message: str = content("Message of the commit", "", widget="text", markup="commit", limit=COMMIT_MESSAGE)


class MergePullOutput(Output):
    """The pull request; `sha` is the merge commit, `changed` is false if it was already merged."""

    number: int
    url: str = address("Address")
    merged: bool
    sha: str
    changed: bool


class MergePull(FindableWriting):
    """Merge a pull request; one that is already merged stays unchanged."""

    name = "github.merge_pull"
    approval = "always"
    title = "Merge a pull request"
    agreed = "If you agree, {what} is merged."
    done = "merged"
    lasts = "A merge stays in the history; a new pull request can revert it."
    fields = MergePullFields
    output = MergePullOutput

    def call(self, call: Call) -> JsonValue:
        """Merge the pull request."""
        it = call.fields
        words = (it.commit_title, it.commit_message)
        return call.client.pulls.merge(it.repository, it.pull, it.method, it.sha, *words)

    def preview(self, call: Call) -> Preview:
        """Return the pull request with its changes, which are merged as they are."""
        it = call.fields
        pull = call.client.pulls.get(it.repository, it.pull, _SHOWN_FILES, _SHOWN_CHARACTERS)
        text = _pull_text(pull)
        where = f"{it.repository.strip().lower()}#{it.pull}"
        return Preview(f"{where}: {pull['title']}", text, text, where, pull["head_sha"])

    def find(self, call: Call) -> JsonValue | None:
        """Check whether it is merged."""
        return call.client.pulls.find_merge(call.fields.repository, call.fields.pull)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the merge commit."""
        return Receipt(id=output["sha"], url=output["url"])
