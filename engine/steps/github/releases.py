"""Steps that list and create releases on GitHub, start its workflows, and call the rest of its API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from clients.github.service import RELEASE_BODY, RELEASE_TITLE
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Part,
    Prompts,
    Receipt,
    Repeat,
    Written,
    address,
    changes_respected,
    content,
    destination,
    option,
    outside,
)
from engine.steps.github.repository import FindableWriting, Limited, Listing, Repository, Writing

_READS = frozenset({"GET", "HEAD"})


class ReleaseText(Part):
    """A release as it is read."""

    id: int
    tag: str = outside("Tag")
    url: str = address("Address")
    title: str = outside("Title")
    body: str = outside("Body")
    draft: bool
    prerelease: bool
    author: str = outside("Author")
    created_at: str
    published_at: str | None


class ListReleases(Listing):
    """List the releases of a repository, newest first."""

    name = "github.list_releases"
    title = "List releases"
    listed, of = "releases", ReleaseText
    fields = Limited

    def lister(self, client: Any) -> Any:
        """Return the method that lists releases."""
        return client.releases.listed


class CreateReleaseFields(Repository):
    """The text of the release, and its commit."""

    tag: str = destination("Tag", min_length=1, max_length=200)
    title: str = content("Title (empty: the tag)", "", limit=RELEASE_TITLE)
    body: str = content("Notes", "", widget="text", markup="markdown", limit=RELEASE_BODY)
    target: str = destination("Branch or commit of a new tag (empty: the default branch)", "")
    draft: bool = option("As a draft", default=True)
    prerelease: bool = option("As a pre-release", default=False)


class CreateReleaseOutput(Output):
    """The release that was created."""

    id: int
    tag: str
    url: str = address("Address")
    draft: bool


class CreateRelease(FindableWriting):
    """Create a release, by default as a draft; it is found again by a hidden comment in its notes."""

    name = "github.create_release"
    makes = ("a release",)
    approval = "always"
    title = "Create a release"
    fields = CreateReleaseFields
    output = CreateReleaseOutput

    def call(self, call: Call) -> JsonValue:
        """Create the release."""
        asked = call.fields.model_dump(exclude={"repository"})
        return call.client.releases.create(call.fields.repository, asked, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the marker among the releases."""
        return call.client.releases.find(call.fields.repository, call.marker)

    undoes = "deletes the release"
    stays = "the tag, if it created one"

    def undo(self, call: Call, written: Written) -> None:
        """Delete the release, unless its title or notes were changed."""
        it = call.fields
        with changes_respected():
            call.client.releases.remove(it.repository, written.output["id"], it.title or it.tag, it.body)


class DispatchFields(Repository):
    """The GitHub Actions workflow, and its inputs."""

    workflow: str = destination("File of the workflow, such as nightly.yml", min_length=1)
    ref: str = destination("Branch or tag", "main", min_length=1)
    inputs: dict[str, JsonValue] = content("Inputs", {})


class DispatchOutput(Output):
    """The run that was started; empty if GitHub does not return it."""

    id: str
    url: str = address("Address")


class DispatchWorkflow(Writing):
    """Start a GitHub Actions workflow. It is sent only once, since a started run cannot be recognized later."""

    name = "github.dispatch_workflow"
    approval = "always"
    title = "Start a workflow of GitHub Actions"
    repeat = Repeat.UNFINDABLE
    lasts = "Only GitHub knows what the workflow did."
    fields = DispatchFields
    output = DispatchOutput

    def call(self, call: Call) -> JsonValue:
        """Start the workflow."""
        it = call.fields
        return call.client.releases.dispatch(it.repository, it.workflow, it.ref, it.inputs)


class RequestFields(Fields):
    """Any path of GitHub's REST API (https://docs.github.com/rest)."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = destination("Method", "GET")
    path: str = destination("Path, such as /repos/acme/app/topics", min_length=2)
    query: dict[str, JsonValue] = content("Query", {})
    json_body: Any = content("JSON body", None, alias="json", markup="markdown")


class RequestOutput(Output):
    """The response from GitHub; `has_more`: a list goes on, on another page."""

    status: int
    json_body: Any = outside("JSON", alias="json")
    has_more: bool


_MORE = "The list goes on, on another page: ask for it with `page` in `query`, and for up to 100 with `per_page`."


class Request(Writing):
    """Call any path of GitHub's REST API, only on this connection's server: GET reads, other methods write."""

    name = "github.request"
    makes = ("an issue", "a release")
    approval = "always"
    title = "Call GitHub's REST API"
    is_tool = True
    repeat = Repeat.UNFINDABLE
    lasts = "There is no general way to undo a custom API call."
    fields = RequestFields
    output = RequestOutput

    def effect_of(self, arguments: Mapping[str, JsonValue]) -> tuple[Effect, Repeat | None]:
        """Return a read only if the method is a constant GET."""
        if str(arguments.get("method", "GET")).upper() in _READS:
            return Effect.READS, None
        return Effect.WRITES, Repeat.UNFINDABLE

    def call(self, call: Call) -> JsonValue:
        """Return {status, json, has_more}."""
        it = call.fields
        found = call.client.request(it.method, it.path, it.query, it.json_body)
        call.notes += [_MORE] if found["has_more"] else []
        return dict(found)

    def target(self, fields: Any) -> str:
        """Return the repository in the path."""
        parts = [part.lower() for part in str(fields.path).split("/")]
        return "/".join(parts[2:4]) if parts[1:2] == ["repos"] else ""

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the address of the created object, if GitHub returns one."""
        made = output["json"] if isinstance(output["json"], dict) else {}
        return Receipt(id=str(made.get("id") or output["status"]), url=str(made.get("html_url") or ""))

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Reject a body with a method that sends none."""
        is_read = str(arguments.get("method", "GET")).upper() in _READS
        return (
            [("json", "GET sends no body: use query, or another method.")] if is_read and arguments.get("json") else []
        )
