"""What GitHub refuses is told in its own words, with a remedy that can help."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from clients.errors import AuthError, Conflict, InvalidRequest, NotFound, RateLimited, ServiceError
from clients.github.client import GitHubClient
from clients.github.service import GitHubSettings
from clients.transport import http_client

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

ISSUE = {
    "id": 1,
    "number": 7,
    "title": "Title",
    "state": "open",
    "comments": 0,
    "body": "Body",
    "labels": [],
    "html_url": "https://github.com/new/name/issues/7",
    "user": {"login": "ann"},
    "assignees": [],
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
    "closed_at": None,
}
NAMED = {"full_name": "new/name", "private": True, "html_url": "https://github.com/new/name"}


@pytest.fixture
def github(scripted: Scripted) -> Iterator[GitHubClient]:
    with http_client() as http:
        yield GitHubClient(GitHubSettings(token=SecretStr("ghp_secret"), base_url=scripted.url, paced=False), http)


def test_a_read_follows_a_repository_to_its_new_name(scripted: Scripted, github: GitHubClient) -> None:
    scripted.then(301, {"message": "Moved Permanently"}, location="/repositories/42/issues/7").then(200, ISSUE)
    assert github.get_issue("old/name", 7)["title"] == "Title"
    assert [(one.method, one.path) for one in scripted.seen] == [
        ("GET", "/repos/old/name/issues/7"),
        ("GET", "/repositories/42/issues/7"),
    ]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    "location",
    ["/repositories/42", "/repositories/42/issues", "{url}/repositories/42/issues", "/repos/new/name/issues"],
)
def test_a_write_names_the_old_and_the_new_name(
    scripted: Scripted, github: GitHubClient, status: int, location: str
) -> None:
    scripted.then(status, {}, location=location.format(url=scripted.url)).then(200, NAMED)
    with pytest.raises(InvalidRequest, match="the repository old/name is called new/name now") as caught:
        github.create_issue("old/name", "Title", "Body")
    assert (caught.value.outcome, caught.value.retryable) == ("not_done", False)
    assert "Write new/name" in caught.value.remedy
    assert [one.method for one in scripted.seen] == ["POST", "GET"]
    scripted.answers[:] = []
    scripted.then(201, ISSUE)
    assert github.create_issue("other/name", "Title", "Body")["number"] == 7, "other repositories are written to"


@pytest.mark.parametrize("answer", [(404, {"message": "Not Found"}), (200, []), (200, b"no JSON")])
def test_a_new_name_that_is_not_told_leaves_the_question(
    scripted: Scripted, github: GitHubClient, answer: tuple[int, Any]
) -> None:
    scripted.then(307, {}, location="/repositories/42/issues").then(*answer)
    with pytest.raises(InvalidRequest, match="Was the repository renamed") as caught:
        github.create_issue("old/name", "Title", "Body")
    assert "current name" in caught.value.remedy


def test_the_token_is_sent_to_no_other_server(
    scripted: Scripted, github: GitHubClient, start_scripted: Callable[[], Scripted]
) -> None:
    other = start_scripted().then(200, NAMED)
    scripted.then(301, {}, location=f"{other.url}/repositories/42")
    with pytest.raises(InvalidRequest):
        github.get_issue("old/name", 7)
    with pytest.raises(InvalidRequest):
        github.create_issue("old/name", "Title", "Body")
    assert other.seen == []


def test_a_circle_of_redirects_ends(scripted: Scripted, github: GitHubClient) -> None:
    for place in ("/repositories/1", "/repositories/2", "/repositories/1", "/repositories/2", "/repositories/1"):
        scripted.then(301, {}, location=place)
    with pytest.raises(InvalidRequest):
        github.get_issue("old/name", 7)
    assert len(scripted.seen) <= 5


NOT_ACCESSIBLE = "Resource not accessible by personal access token"
REFUSALS = [
    pytest.param(
        403,
        NOT_ACCESSIBLE,
        {"x_accepted_github_permissions": "issues=write; pull_requests=write"},
        AuthError,
        ["Issues: read and write (or Pull requests: read and write)"],
        id="a permission of a fine-grained token",
    ),
    pytest.param(
        403,
        NOT_ACCESSIBLE,
        {"x_accepted_github_permissions": "contents=read,metadata=read"},
        AuthError,
        ["Contents: read and Metadata: read"],
        id="two permissions",
    ),
    pytest.param(
        404,
        "Not Found",
        {"x_accepted_github_permissions": "contents=write"},
        NotFound,
        ["Check the name", "Contents: read and write"],
        id="not seen by a fine-grained token",
    ),
    pytest.param(
        404,
        "Not Found",
        {"x_oauth_scopes": "gist", "x_accepted_oauth_scopes": "repo, public_repo"},
        NotFound,
        ["scope repo or public_repo", "it has gist", "github.com/settings/tokens"],
        id="a scope of a classic token",
    ),
    pytest.param(
        403,
        "Must have admin rights to Repository.",
        {"x_oauth_scopes": "repo", "x_accepted_oauth_scopes": "repo"},
        AuthError,
        ["grant the missing permission"],
        id="the scope is there",
    ),
    pytest.param(
        403,
        "Resource protected by organization SAML enforcement. You must grant your token access.",
        {"x_github_sso": "required; url=https://github.com/orgs/acme/sso?authorization_request=AZSCKL"},
        AuthError,
        ["https://github.com/orgs/acme/sso?authorization_request=AZSCKL"],
        id="single sign-on",
    ),
    pytest.param(
        403,
        "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow "
        "list enabled, and your IP address is not permitted to access this resource.",
        {},
        AuthError,
        ["IP allow list"],
        id="IP allow list",
    ),
    pytest.param(403, "Repository was archived so is read-only.", {}, Conflict, ["unarchive"], id="archived"),
    pytest.param(403, "Repository access blocked", {}, AuthError, ["blocked"], id="blocked"),
    pytest.param(410, "Issues are disabled for this repo", {}, NotFound, ["Turn issues on"], id="no issues"),
    pytest.param(410, "This issue was deleted", {}, NotFound, ["cannot be brought back"], id="deleted"),
    pytest.param(451, "Repository access blocked", {}, InvalidRequest, ["blocked"], id="legal reasons"),
    pytest.param(
        403, "You have exceeded a secondary rate limit.", {}, RateLimited, ["Wait"], id="a secondary rate limit"
    ),
    pytest.param(
        403, "You have triggered an abuse detection mechanism.", {}, RateLimited, ["Wait"], id="its earlier words"
    ),
]


@pytest.mark.parametrize(("status", "said", "headers", "kind", "remedy"), REFUSALS)
def test_a_refusal_has_its_words_and_a_remedy(
    scripted: Scripted,
    github: GitHubClient,
    status: int,
    said: str,
    headers: dict[str, str],
    kind: type[ServiceError],
    remedy: list[str],
) -> None:
    scripted.then(status, {"message": said}, **headers)
    with pytest.raises(ServiceError) as caught:
        github.create_issue("acme/app", "Title", "Body")
    assert type(caught.value) is kind
    assert said.rstrip(".") in caught.value.message
    assert [part for part in remedy if part not in caught.value.remedy] == []
    assert kind is not RateLimited or caught.value.retry_after_seconds == 60


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"resource": "Label", "field": "name", "code": "missing_field"}, "name is missing"),
        ({"resource": "Issue", "field": "labels", "code": "invalid", "value": ""}, "labels is not valid ('')"),
        ({"resource": "Issue", "field": "assignees", "code": "missing", "value": "bob"}, "assignees does not exist"),
        ({"resource": "Release", "field": "tag_name", "code": "already_exists"}, "tag_name exists already"),
        ({"resource": "Issue", "code": "custom", "message": "Body is too long"}, "Body is too long"),
        ("A text", "A text"),
    ],
)
def test_each_field_that_is_wrong_is_named(
    scripted: Scripted, github: GitHubClient, error: dict[str, str] | str, words: str
) -> None:
    for errors in ([error], error) if isinstance(error, str) else ([error],):
        scripted.answers[:] = []
        scripted.then(422, {"message": "Validation Failed", "errors": errors})
        with pytest.raises(InvalidRequest) as caught:
            github.create_issue("acme/app", "Title", "Body")
        assert f"Validation Failed; {words}" in caught.value.message


@pytest.mark.parametrize("kind", ["FORBIDDEN", "INSUFFICIENT_SCOPES"])
def test_a_missing_right_in_graphql_does_not_speak_against_the_key(
    scripted: Scripted, github: GitHubClient, kind: str
) -> None:
    scripted.then(200, {"data": None, "errors": [{"type": kind, "message": "Not allowed", "path": ["viewer"]}]})
    with pytest.raises(AuthError) as caught:
        github.graphql("query { viewer { login } }", {}, "")
    assert caught.value.http_status == 403
