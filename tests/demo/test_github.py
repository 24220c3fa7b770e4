"""The GitHub stand-in through PyGithub, over plain HTTP, and against GitHub's published description."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import github
import httpx
import pytest
from githubkit_schemas.v2022_11_28 import models

import demo.github.stand_in
from demo.github.commits import changed_file
from demo.service import StandIn
from tests.counted_steps import at_most
from tests.demo.conftest import Running
from tests.patience import PATIENCE_SECONDS

STAND_IN = cast("StandIn", demo.github.stand_in)


@pytest.fixture
def here(running: Callable[[StandIn], Running]) -> Running:
    return running(STAND_IN)


@pytest.fixture
def http(here: Running) -> Iterator[httpx.Client]:
    with here.http() as client:
        yield client


@pytest.fixture
def sdk(here: Running) -> Iterator[github.Github]:
    client = github.Github(
        auth=github.Auth.Token(demo.github.stand_in.TOKEN),
        base_url=here.base_url,
        retry=None,
        timeout=15,
        seconds_between_requests=None,
        seconds_between_writes=None,
        api_version="2022-11-28",
    )
    yield client
    client.close()


def test_the_sdk_follows_pages_of_issues(sdk: github.Github, http: httpx.Client) -> None:
    started = datetime.now(UTC) - timedelta(seconds=2)
    for n in range(35):
        http.post("/repos/acme/app/issues", json={"title": f"Issue {n}"}).raise_for_status()
    found = list(sdk.get_repo("acme/app").get_issues(state="all", since=started))
    assert [each.title for each in found] == [f"Issue {n}" for n in reversed(range(35))]
    first = http.get("/repos/acme/app/issues?per_page=10&page=2")
    relations = {link["rel"] for link in first.links.values()}
    assert relations == {"prev", "next", "last", "first"}
    assert first.links["next"]["url"].startswith(str(http.base_url).rstrip("/"))


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        pytest.param("state=all&labels=sync", ["Nightly sync retries forever after a 403"], id="label"),
        pytest.param("labels=bug,sync", ["Nightly sync retries forever after a 403"], id="both labels"),
        pytest.param("labels=bug,documentation", [], id="no issue has both"),
        pytest.param(
            "state=closed&sort=created&direction=asc",
            ["Stock count goes negative when two people pick at once", "Date in the delivery note is in UTC"],
            id="closed, oldest first",
        ),
        pytest.param("assignee=ayo-bello", ["Keep the last filter of the order list"], id="assignee"),
        pytest.param("creator=mira-kovac", ["Label printer: choose the tray"], id="creator"),
        pytest.param("per_page=1&page=2&direction=asc", ["Keep the last filter of the order list"], id="page"),
        pytest.param("page=99", [], id="behind the last page"),
        pytest.param("since=2999-01-01T00:00:00Z", [], id="since the future"),
    ],
)
def test_issues_are_filtered(http: httpx.Client, query: str, titles: list[str]) -> None:
    assert [each["title"] for each in http.get(f"/repos/acme/app/issues?{query}").json()] == titles


def test_a_change_brings_an_issue_back_into_since(http: httpx.Client) -> None:
    moment = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    assert http.get("/repos/acme/app/issues", params={"since": moment}).json() == []
    http.post("/repos/acme/app/issues/2/comments", json={"body": "Hello"}).raise_for_status()
    assert [each["number"] for each in http.get("/repos/acme/app/issues", params={"since": moment}).json()] == [2]
    comments = http.get("/repos/acme/app/issues/2/comments", params={"since": moment}).json()
    assert [each["body"] for each in comments] == ["Hello"]


def test_the_search_learns_of_a_write_only_seconds_later(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    query = {"q": 'repo:acme/app is:issue state:open label:sync "retries forever"'}
    assert http.get("/search/issues", params={"q": "repo:acme/app zebra"}).json()["total_count"] == 0
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 10)
    assert http.get("/search/issues", params=query).json()["total_count"] == 1
    made = http.post("/repos/acme/app/issues", json={"title": "A zebra"}).json()
    monkeypatch.setattr(time, "time", lambda: now + 14)
    assert http.get("/search/issues", params={"q": "zebra"}).json()["items"] == []
    monkeypatch.setattr(time, "time", lambda: now + 15.1)
    found = http.get("/search/issues", params={"q": "zebra repo:acme/app"}).json()["items"]
    assert [each["number"] for each in found] == [made["number"]]
    http.patch(made["url"], json={"title": "A horse"}).raise_for_status()
    assert http.get("/search/issues", params={"q": "zebra"}).json()["total_count"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message", "error"),
    [
        pytest.param("POST", "issues", {}, 422, '"title" wasn\'t supplied', None, id="no title"),
        pytest.param("POST", "issues", {"title": " "}, 422, "Validation Failed", "missing_field", id="empty title"),
        pytest.param("POST", "issues", {"title": 7}, 422, "is not a string", None, id="number as title"),
        pytest.param("POST", "issues", {"title": "x" * 257}, 422, "Validation Failed", "custom", id="long title"),
        pytest.param(
            "POST", "issues", {"title": "x", "body": "y" * 65_537}, 422, "Validation Failed", "custom", id="long body"
        ),
        pytest.param(
            "POST",
            "issues",
            {"title": "x", "assignees": ["nobody"]},
            422,
            "Validation Failed",
            "invalid",
            id="assignee",
        ),
        pytest.param("POST", "issues", {"title": "x", "labels": "bug"}, 422, "array of strings", None, id="labels"),
        pytest.param("PATCH", "issues/2", {"state": "gone"}, 422, "not a member", None, id="state"),
        pytest.param("GET", "issues?state=gone", None, 422, "Validation Failed", "invalid", id="state of list"),
        pytest.param("GET", "issues?since=yesterday", None, 422, "date-time", None, id="since"),
        pytest.param("GET", "issues/999", None, 404, "Not Found", None, id="no such issue"),
        pytest.param("GET", "issues/comments/1", None, 404, "Not Found", None, id="no such comment"),
        pytest.param("POST", "issues/2/comments", {}, 422, '"body" wasn\'t supplied', None, id="no comment"),
        pytest.param("POST", "labels", {"name": "BUG"}, 422, "Validation Failed", "already_exists", id="label twice"),
        pytest.param("POST", "labels", {"name": "x", "color": "red"}, 422, "Validation Failed", "invalid", id="colour"),
        pytest.param("GET", "commits/0000000", None, 422, "No commit found", None, id="no such commit"),
        pytest.param("GET", "contents/none.md", None, 404, "Not Found", None, id="no such file"),
        pytest.param(
            "PUT", "contents/a.md", {"message": "m", "content": "%"}, 422, "not valid Base64", None, id="no base64"
        ),
        pytest.param(
            "PUT",
            "contents/a.md",
            {"message": "m", "content": "YQ==", "branch": "other"},
            404,
            "Branch other not found",
            None,
            id="other branch",
        ),
    ],
)
def test_what_is_wrong_is_said_as_github_says_it(
    http: httpx.Client, method: str, path: str, body: Any, status: int, message: str, error: str | None
) -> None:
    answer = http.request(method, f"/repos/acme/app/{path}", json=body)
    document = answer.json()
    assert answer.status_code == status
    assert message in document["message"]
    assert document["documentation_url"]
    assert document["status"] == str(status)
    if error:
        assert document["errors"][0]["code"] == error


@pytest.mark.parametrize("path", ["/repos/acme/nothing", "/nothing/at/all", "/users/nobody", "/search/nothing/x"])
def test_what_is_not_there_is_404(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


@pytest.mark.parametrize("path", ["/user/repos", "/repos/acme/app", "/search/issues", "/users/demo-1", "/user"])
def test_the_api_needs_a_token_even_where_a_page_has_the_same_form(here: Running, path: str) -> None:
    answer = httpx.get(f"{here.base_url}{path}", trust_env=False, timeout=PATIENCE_SECONDS)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_long_files_that_repeat_lines_are_compared_in_few_steps(here: Running) -> None:
    before = "".join(f"p{at % 50}\n" for at in range(2_100))
    after = "".join(f"p{at % 50}\nx{at}\n" for at in range(2_100))
    for sha, text in (("old", before), ("new", after)):
        here.store.put("github/blobs", sha, {"content": base64.b64encode(text.encode()).decode()})
    record = {"repository": "acme/app", "sha": "c", "tree": {"a.txt": "new"}}
    with at_most(100_000):
        changed = changed_file(here.base_url, here.store, record, "a.txt", {"a.txt": "old"})
    assert changed["patch"].startswith("@@ -1,2100 +1,4200 @@\n-p0\n")
    assert (changed["additions"], changed["deletions"]) == (4_200, 2_100)


def test_a_folder_lists_files_and_folders(sdk: github.Github) -> None:
    entries = cast("list[Any]", sdk.get_repo("acme/app").get_contents(""))
    assert {each.path: each.type for each in entries} == {
        "README.md": "file",
        "app": "dir",
        "docs": "dir",
        "settings.toml": "file",
    }


def test_the_rate_limit_is_told_and_counts(http: httpx.Client, sdk: github.Github) -> None:
    first, second = (http.get("/user").headers for _ in range(2))
    assert int(first["x-ratelimit-remaining"]) == int(second["x-ratelimit-remaining"]) + 1
    assert int(first["x-ratelimit-reset"]) > time.time()
    assert sdk.get_rate_limit().resources.core.limit == 5000


def test_a_name_is_found_in_any_letter_case(http: httpx.Client) -> None:
    assert http.get("/repos/Acme/App").json()["full_name"] == "acme/app"


def test_a_reset_makes_it_another_account(http: httpx.Client) -> None:
    http.post("/repos/acme/app/issues", json={"title": "x"})
    http.post("/_demo/reset")
    assert http.get("/user").json()["login"] == "demo-2"
    assert len(http.get("/repos/acme/app/issues?state=all").json()) == 6


WEBSITE = "/repos/acme/website"


def _branch(http: httpx.Client, name: str, text: str = "new\n", path: str = "app/new.py") -> str:
    """A branch with one commit of its own; its sha before that."""
    head = str(http.get("/repos/acme/app/commits/main").json()["sha"])
    http.post("/repos/acme/app/git/refs", json={"ref": f"refs/heads/{name}", "sha": head}).raise_for_status()
    body = {"message": f"Work on {name}", "content": base64.b64encode(text.encode()).decode(), "branch": name}
    present = http.get(f"/repos/acme/app/contents/{path}")
    body |= {"sha": present.json()["sha"]} if present.is_success else {}
    http.put(f"/repos/acme/app/contents/{path}", json=body).raise_for_status()
    return head


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_pull_request_goes_from_a_branch_into_the_main_one(
    sdk: github.Github, http: httpx.Client, method: str
) -> None:
    _branch(http, "work")
    repository = sdk.get_repo("acme/app")
    count = repository.get_commits().totalCount
    made = repository.create_pull(base="main", head="work", title="Some work", body="Please")
    assert (made.mergeable, made.commits, made.changed_files) == (True, 1, 1)
    assert [each.filename for each in made.get_files()] == ["app/new.py"]
    assert [each.number for each in repository.get_pulls()] == [made.number]
    assert made.merge(merge_method=method, sha=made.head.sha).merged
    assert made.is_merged()
    assert cast("Any", repository.get_contents("app/new.py")).decoded_content == b"new\n"
    parents = repository.get_commits()[0].parents
    assert len(parents) == (2 if method == "merge" else 1)
    assert repository.get_commits().totalCount == count + (2 if method == "merge" else 1)
    with pytest.raises(github.GithubException) as again:
        made.merge()
    assert again.value.status == 405
    assert repository.get_pull(made.number).state == "closed"
    assert made.number in [each.number for each in repository.get_issues(state="closed")]


def test_a_pull_request_that_collides_cannot_be_merged(sdk: github.Github, http: httpx.Client) -> None:
    _branch(http, "one", "mine\n", "README.md")
    repository = sdk.get_repo("acme/app")
    made = repository.create_pull(base="main", head="one", title="One")
    file = cast("Any", repository.get_contents("README.md"))
    repository.update_file("README.md", "Meanwhile", "other\n", file.sha)
    assert repository.get_pull(made.number).mergeable is False
    with pytest.raises(github.GithubException) as refused:
        made.merge()
    assert refused.value.status == 405


def test_a_review_of_one_s_own_pull_request_can_only_comment(http: httpx.Client) -> None:
    _branch(http, "work")
    own = http.post("/repos/acme/app/pulls", json={"title": "x", "head": "work", "base": "main"}).json()
    reviews = f"/repos/acme/app/pulls/{own['number']}/reviews"
    assert http.post(reviews, json={"event": "APPROVE"}).status_code == 422
    assert http.post(reviews, json={"event": "COMMENT", "body": "Hm"}).json()["state"] == "COMMENTED"
    (other,) = http.get(f"{WEBSITE}/pulls").json()
    approved = http.post(f"{WEBSITE}/pulls/{other['number']}/reviews", json={"event": "APPROVE"}).json()
    dismissed = f"{WEBSITE}/pulls/{other['number']}/reviews/{approved['id']}/dismissals"
    assert http.put(dismissed, json={"message": "No"}).json()["state"] == "DISMISSED"


def test_who_knows_an_answer_already_gets_304_and_that_costs_nothing(http: httpx.Client) -> None:
    first = http.get("/repos/acme/app/issues")
    again = http.get("/repos/acme/app/issues", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    http.post("/repos/acme/app/issues", json={"title": "New"}).raise_for_status()
    changed = http.get("/repos/acme/app/issues", headers={"if-none-match": first.headers["etag"]})
    assert (changed.status_code, changed.json()[0]["title"]) == (200, "New")


def test_the_account_is_told_where_others_name_it_or_ask_for_its_review(http: httpx.Client) -> None:
    def told() -> list[tuple[str, str]]:
        return [(each["reason"], each["subject"]["type"]) for each in http.get("/notifications").json()]

    assert told() == [("review_requested", "PullRequest")]
    http.post("/repos/acme/app/issues/2/comments", json={"body": "@demo-1 talks to itself"}).raise_for_status()
    assert len(told()) == 1
    said = {
        "repository": "acme/app",
        "number": 2,
        "user": "mira-kovac",
        "body": "What does @demo-1 say? @demo-12 knows.",
    }
    http.post("/_demo/say", json=said).raise_for_status()
    assert told() == [("mention", "Issue"), ("review_requested", "PullRequest")]
    answer = http.get("/notifications")
    assert answer.headers["x-poll-interval"] == "60"
    known = {"if-modified-since": answer.headers["last-modified"]}
    assert http.get("/notifications", headers=known).status_code == 304
    http.patch(answer.json()[0]["url"]).raise_for_status()
    assert len(told()) == 1
    assert len(http.get("/notifications?all=true").json()) == 2


def test_a_release_makes_its_tag_and_is_found_by_it(http: httpx.Client) -> None:
    body = {"tag_name": "v1", "name": "One", "body": "First"}
    made = http.post("/repos/acme/app/releases", json=body).json()
    tagged, newest = (http.get(f"/repos/acme/app/commits/{each}").json()["sha"] for each in ("v1", "main"))
    assert tagged == newest
    assert http.post("/repos/acme/app/releases", json=body).status_code == 422
    assert http.get(made["url"]).json()["name"] == "One"
    assert http.delete(made["url"]).status_code == 204


def test_a_workflow_is_dispatched_where_its_file_is(http: httpx.Client) -> None:
    path = "/repos/acme/app/actions/workflows/nightly.yml/dispatches"
    assert http.post(path, json={"ref": "main"}).status_code == 404
    content = base64.b64encode(b"on: workflow_dispatch").decode()
    file = "/repos/acme/app/contents/.github/workflows/nightly.yml"
    http.put(file, json={"message": "m", "content": content}).raise_for_status()
    assert http.post(path, json={"ref": "main"}).status_code == 204
    told = http.post(path, json={"ref": "main", "return_run_details": True}).json()
    assert models.WorkflowDispatchResponse.model_validate(told)
    assert http.post(path, json={"ref": "gone"}).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body", "model"),
    [
        pytest.param("GET", "/user", None, models.PrivateUser, id="own user"),
        pytest.param("GET", "/repos/acme/app", None, models.FullRepository, id="repository"),
        pytest.param("GET", "/user/repos", None, list[models.Repository], id="repositories"),
        pytest.param("GET", "/repos/acme/app/issues?state=all", None, list[models.Issue], id="issues"),
        pytest.param("GET", "/repos/acme/app/issues/1", None, models.Issue, id="closed issue"),
        pytest.param("POST", "/repos/acme/app/issues", {"title": "x"}, models.Issue, id="new issue"),
        pytest.param("PATCH", "/repos/acme/app/issues/2", {"state": "closed"}, models.Issue, id="changed issue"),
        pytest.param("GET", "/repos/acme/app/issues/4/comments", None, list[models.IssueComment], id="comments"),
        pytest.param("POST", "/repos/acme/app/issues/4/comments", {"body": "x"}, models.IssueComment, id="comment"),
        pytest.param("GET", "/repos/acme/app/labels", None, list[models.Label], id="labels"),
        pytest.param("POST", "/repos/acme/app/labels", {"name": "x"}, models.Label, id="new label"),
        pytest.param("POST", "/repos/acme/app/issues/4/labels", {"labels": ["x"]}, list[models.Label], id="label it"),
        pytest.param("GET", "/repos/acme/app/commits", None, list[models.Commit], id="commits"),
        pytest.param("GET", "/repos/acme/app/commits/main", None, models.Commit, id="commit with files"),
        pytest.param("GET", "/repos/acme/app/contents/README.md", None, models.ContentFile, id="file"),
        pytest.param("GET", "/repos/acme/app/contents", None, list[models.ContentDirectoryItems], id="folder"),
        pytest.param(
            "PUT",
            "/repos/acme/app/contents/a/b.md",
            {"message": "m", "content": base64.b64encode(b"x").decode()},
            models.FileCommit,
            id="file commit",
        ),
        pytest.param("GET", f"{WEBSITE}/pulls", None, list[models.PullRequestSimple], id="pull requests"),
        pytest.param("GET", f"{WEBSITE}/pulls/2", None, models.PullRequest, id="pull request"),
        pytest.param("GET", f"{WEBSITE}/issues/2", None, models.Issue, id="pull request as an issue"),
        pytest.param("GET", f"{WEBSITE}/pulls/2/files", None, list[models.DiffEntry], id="files of a pull request"),
        pytest.param("PATCH", f"{WEBSITE}/pulls/2", {"title": "x"}, models.PullRequest, id="changed pull request"),
        pytest.param("PUT", f"{WEBSITE}/pulls/2/merge", {}, models.PullRequestMergeResult, id="merge"),
        pytest.param(
            "POST", f"{WEBSITE}/pulls/2/reviews", {"event": "APPROVE"}, models.PullRequestReview, id="new review"
        ),
        pytest.param(
            "POST",
            f"{WEBSITE}/pulls/2/requested_reviewers",
            {"reviewers": ["hanna-weiss"]},
            models.PullRequestSimple,
            id="requested review",
        ),
        pytest.param("GET", "/repos/acme/app/branches", None, list[models.ShortBranch], id="branches"),
        pytest.param("GET", "/repos/acme/app/branches/main", None, models.BranchWithProtection, id="branch"),
        pytest.param("GET", "/repos/acme/app/git/ref/heads/main", None, models.GitRef, id="ref"),
        pytest.param(
            "GET", f"{WEBSITE}/compare/main...school-discount", None, models.CommitComparison, id="comparison"
        ),
        pytest.param("POST", "/repos/acme/app/milestones", {"title": "x"}, models.Milestone, id="milestone"),
        pytest.param("POST", "/repos/acme/app/releases", {"tag_name": "v1"}, models.Release, id="release"),
        pytest.param("GET", "/notifications", None, list[models.Thread], id="notifications"),
        pytest.param("GET", f"{WEBSITE}/issues/2/events", None, list[models.ReviewRequestedIssueEvent], id="events"),
        pytest.param("GET", "/rate_limit", None, models.RateLimitOverview, id="rate limit"),
        pytest.param(
            "GET", "/search/issues?q=stock", None, models.SearchIssuesGetResponse200, id="search, published form"
        ),
        pytest.param("GET", "/repos/acme/app/issues/999", None, models.BasicError, id="error"),
        pytest.param("POST", "/repos/acme/app/issues", {"title": ""}, models.ValidationError, id="validation error"),
    ],
)
def test_answers_have_the_published_form(http: httpx.Client, method: str, path: str, body: Any, model: Any) -> None:
    from pydantic import TypeAdapter

    parsed = TypeAdapter(model).validate_python(http.request(method, path, json=body).json())
    assert parsed


def test_a_comment_is_on_a_line_that_the_pull_request_changes(http: httpx.Client) -> None:
    place = f"{WEBSITE}/pulls/2/comments"
    head = http.get(f"{WEBSITE}/pulls/2").json()["head"]["sha"]
    said = {"body": "Why?", "path": "prices.md", "line": 1, "commit_id": head}
    made = http.post(place, json=said)
    assert models.PullRequestReviewComment.model_validate(made.json()).line == 1
    assert [each["id"] for each in http.get(place).json()] == [made.json()["id"]]
    for wrong in ({"path": "other.md"}, {"commit_id": "0" * 40}, {"line": 0}):
        assert http.post(place, json={**said, **wrong}).status_code == 422


def test_a_locked_conversation_says_why(http: httpx.Client) -> None:
    place = "/repos/acme/app/issues/2"
    assert http.put(f"{place}/lock", json={"lock_reason": "dull"}).status_code == 422
    assert http.put(f"{place}/lock", json={"lock_reason": "too heated"}).status_code == 204
    found = models.Issue.model_validate(http.get(place).json())
    assert (found.locked, found.active_lock_reason) == (True, "too heated")
    assert http.delete(f"{place}/lock").status_code == 204
    assert http.get(place).json()["active_lock_reason"] is None


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("/", ["acme/app", "Private", "acme/website", "Public"], id="repositories"),
        pytest.param("/acme/app", ["app/orders.py", "Start: orders", "mira-kovac"], id="repository"),
        pytest.param("/acme/app/issues", ["#4", "Nightly sync retries", "closed"], id="issues"),
        pytest.param("/acme/app/issues/1", ["<h3>Expected</h3>", "Closing."], id="issue"),
        pytest.param("/acme/app/blob/main/settings.toml", ["largest_mb = 25"], id="file"),
        pytest.param("/acme/app/commit/main", ["a shelf that is not there"], id="commit"),
    ],
)
def test_pages_show_a_person_what_is_there(here: Running, path: str, words: list[str]) -> None:
    answer = httpx.get(f"{here.base_url}{path}", trust_env=False, timeout=PATIENCE_SECONDS)
    assert answer.headers["content-type"].startswith("text/html")
    for word in words:
        assert word in answer.text


def test_a_page_escapes_what_came_from_outside(here: Running, http: httpx.Client) -> None:
    body = "<script>alert(1)</script>\n[x](javascript:alert(1)) [ok](https://example.com/?a=1&b=2)\n<!-- marker -->"
    made = http.post("/repos/acme/app/issues", json={"title": "<b>bold</b>", "body": body}).json()
    text = httpx.get(made["html_url"], trust_env=False, timeout=PATIENCE_SECONDS).text
    assert "<script>" not in text
    assert "<b>bold" not in text
    assert "&lt;script&gt;" in text
    assert "marker" not in text
    assert 'href="javascript' not in text
    assert 'href="https://example.com/?a=1&amp;b=2"' in text
    assert made["body"] == body


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("is:pull-request", {True}),
        ("is:pr", {True}),
        ("type:pr is:open", {True}),
        ("is:pr is:unmerged", {True}),
        ("is:issue", {False}),
        ("type:issue", {False}),
        ("", {True, False}),
    ],
)
def test_the_search_tells_issues_from_pull_requests(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch, query: str, kinds: set[bool]
) -> None:
    monkeypatch.setattr("demo.github.search.SEARCH_LAG_SECONDS", -1)
    answer = http.get("/search/issues", params={"q": f"repo:acme/website {query}", "per_page": 100}).json()
    assert {"pull_request" in each for each in answer["items"]} == kinds


def test_every_repository_in_an_answer_has_what_the_description_requires(http: httpx.Client) -> None:
    pull = http.get(f"{WEBSITE}/pulls/2").json()
    repositories = [*http.get("/user/repos").json(), http.get("/repos/acme/app").json(), pull["head"]["repo"]]
    assert all(each["has_downloads"] is True for each in repositories)
