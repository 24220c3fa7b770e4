"""GitHub's client against its stand-in: every operation, and every way in which each can fail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from clients.errors import AuthError, BadAnswer, Conflict, InvalidRequest, NotFound, ServiceError
from clients.github import values as github_values
from clients.github.client import GitHubClient
from clients.github.service import GitHubSettings
from clients.transport import Forbidden, deadline, http_client

if TYPE_CHECKING:
    from tests.conftest import StandIns

REPOSITORY = "acme/app"
NOW = datetime.now(UTC)


@pytest.fixture
def github(standins: StandIns, http: httpx.Client) -> GitHubClient:
    return client(standins, http)


def client(standins: StandIns, http: httpx.Client, token: str | None = None) -> GitHubClient:
    endpoint = standins["github"]
    settings = GitHubSettings(token=SecretStr(token or endpoint.token), base_url=endpoint.base_url)
    return GitHubClient(settings, http)


OPERATIONS: dict[str, Callable[[GitHubClient], Any]] = {
    "account": lambda github: github.account(),
    "repository": lambda github: github.repository(REPOSITORY),
    "repositories": lambda github: github.repositories(),
    "create_issue": lambda github: github.create_issue(REPOSITORY, "Title", "Body", marker="m1"),
    "find_issue": lambda github: github.find_issue(REPOSITORY, "m1", NOW),
    "comment": lambda github: github.comment(REPOSITORY, 1, "Body", marker="m1"),
    "find_comment": lambda github: github.find_comment(REPOSITORY, 1, "m1", NOW),
    "get_issue": lambda github: github.get_issue(REPOSITORY, 1),
    "list_issues": lambda github: github.list_issues(REPOSITORY),
    "list_commits": lambda github: github.list_commits(REPOSITORY),
    "get_file": lambda github: github.get_file(REPOSITORY, "README.md"),
    "put_file": lambda github: github.put_file(REPOSITORY, "new.md", "text", "Add", sha="", marker="m1"),
    "find_file": lambda github: github.find_file(REPOSITORY, "new.md", "", "m1", NOW),
}
operations = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


@operations
def test_every_operation_answers_with_plain_json(
    github: GitHubClient, operation: Callable[[GitHubClient], Any]
) -> None:
    answer = operation(github)
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize("name", ["../../../acme/website/compare/main", "/../../../website"])
def test_a_branch_by_any_name_is_looked_for_in_its_repository(
    standins: StandIns, github: GitHubClient, name: str
) -> None:
    before = standins.requests("github")
    for base, head in ((name, "main"), ("main", f"x/{name}")):
        with pytest.raises(ServiceError):
            github.branches.compare(REPOSITORY, base, head, 1, 1, 1)
    assert [one for one in (Counter(standins.requests("github")) - Counter(before)) if "website" in one] == []


def test_an_answer_that_is_too_large_is_not_read(standins: StandIns, github: GitHubClient) -> None:
    standins.faults("github", status=200, body="[" + " " * 11_000_000 + "]")
    with pytest.raises(BadAnswer, match="too large"):
        github.list_issues(REPOSITORY)


def test_an_answer_without_what_the_api_promises_is_a_bad_answer(standins: StandIns, github: GitHubClient) -> None:
    standins.faults("github", status=201, body="{}")
    with pytest.raises(BadAnswer) as caught:
        github.create_issue(REPOSITORY, "Title", "Body")
    assert caught.value.outcome == "unknown"


def test_the_reset_time_of_a_rate_limit_is_what_to_wait_for(standins: StandIns, github: GitHubClient) -> None:
    reset = int(datetime.now(UTC).timestamp()) + 600
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    standins.faults("github", status=403, headers=headers)
    with pytest.raises(ServiceError) as caught:
        github.get_issue(REPOSITORY, 1)
    assert caught.value.retry_after_seconds == pytest.approx(600, abs=60)


def test_a_wrong_token_is_said_and_never_shown(standins: StandIns, http: httpx.Client) -> None:
    wrong = client(standins, http, "ghp_wrong")
    with pytest.raises(AuthError) as caught:
        wrong.account()
    assert "ghp_wrong" not in repr(caught.value)
    [line] = wrong.check()
    assert (line.what, line.ok) == ("sign-in", False)
    assert "ghp_wrong" not in line.text


def test_what_the_service_says_is_passed_on(standins: StandIns, github: GitHubClient) -> None:
    said = {"message": "Validation Failed", "errors": [{"field": "title", "code": "missing_field"}, "Body is too long"]}
    standins.faults("github", status=422, body=json.dumps(said))
    with pytest.raises(InvalidRequest, match="Validation Failed; title is missing; Body is too long"):
        github.create_issue(REPOSITORY, "Title", "Body")


def test_the_check_names_account_and_repositories(github: GitHubClient) -> None:
    lines = github.check()
    assert [line.ok for line in lines] == [True, True]
    assert github.account() in lines[0].text


def test_a_public_repository_is_known_as_one(github: GitHubClient) -> None:
    found = {each["full_name"]: each["private"] for each in github.repositories()}
    assert found[REPOSITORY] is True
    assert {name: github.repository(name)["private"] for name in found} == found
    assert False in found.values()


def test_what_is_read_as_an_issue_says_whether_it_is_a_pull_request(github: GitHubClient) -> None:
    pulls = {each["number"] for each in github.pulls.listed("acme/website", "all", "", "", 100)}
    issues = {each["number"] for each in github.list_issues("acme/website", state="all")}
    assert pulls
    assert {number for number in pulls | issues if github.get_issue("acme/website", number)["is_pull"]} == pulls


def test_an_issue_is_made_and_read_without_its_marker(standins: StandIns, github: GitHubClient) -> None:
    made = github.create_issue(REPOSITORY, "Título ✓", "One\n\nTwo", ["bug"], marker="a1")
    read = github.get_issue(REPOSITORY, made["number"])
    assert {name: read[name] for name in made} == made
    assert (read["title"], read["body"], read["labels"]) == ("Título ✓", "One\n\nTwo", ["bug"])
    stored = [each for each in standins.show("github")["issues"] if each["id"] == made["id"]]
    assert stored[0]["body"] == "One\n\nTwo\n\n<!-- orchestra:a1 -->"


def test_an_issue_is_found_by_its_marker_whatever_its_state_and_page(github: GitHubClient) -> None:
    made = github.create_issue(REPOSITORY, "Wanted", "Body", marker="wanted1")
    for number in range(105):
        github.create_issue(REPOSITORY, f"Later {number}", "Body", marker=f"later{number}")
    assert github.find_issue(REPOSITORY, "wanted1", datetime.now(UTC)) == made
    assert github.find_issue(REPOSITORY, "wanted", datetime.now(UTC)) is None


def test_an_issue_is_found_at_once_though_search_lags(standins: StandIns, github: GitHubClient) -> None:
    def searched() -> int:
        return sum(count for path, count in standins.requests("github").items() if "search" in path)

    before = searched()
    standins.faults("github", match="POST", cut=True, when="after_effect")
    with pytest.raises(ServiceError):
        github.create_issue(REPOSITORY, "Title", "Body", marker="lost1")
    found = github.find_issue(REPOSITORY, "lost1", datetime.now(UTC))
    assert found is not None
    assert found["title"] == "Title"
    assert searched() == before


def test_a_comment_is_found_by_its_marker(github: GitHubClient) -> None:
    made = github.comment(REPOSITORY, 1, "Hello", marker="c1")
    assert github.find_comment(REPOSITORY, 1, "c1", datetime.now(UTC)) == made
    assert github.find_comment(REPOSITORY, 1, "c2", datetime.now(UTC)) is None


def test_issues_are_listed_without_pull_requests_and_up_to_the_limit(github: GitHubClient) -> None:
    everything = github.list_issues(REPOSITORY, state="all", limit=1000)
    assert len({each["number"] for each in everything}) == len(everything) > 2
    assert github.list_issues(REPOSITORY, state="all", limit=2) == everything[:2]
    assert all(each["state"] == "closed" for each in github.list_issues(REPOSITORY, state="closed"))
    assert all("bug" in each["labels"] for each in github.list_issues(REPOSITORY, state="all", labels=["bug"]))


def test_listing_asks_once_a_page_and_not_once_an_item(standins: StandIns, github: GitHubClient) -> None:
    before = sum(standins.requests("github").values())
    github.list_issues(REPOSITORY, state="all", limit=100)
    github.list_commits(REPOSITORY, limit=100)
    assert sum(standins.requests("github").values()) == before + 2


def test_commits_are_listed_between_two_times_of_any_zone(github: GitHubClient) -> None:
    commits = github.list_commits(REPOSITORY)
    dates = [datetime.fromisoformat(each["date"]) for each in commits]
    assert dates == sorted(dates, reverse=True)
    since = dates[1].astimezone(timezone(timedelta(hours=9)))
    assert github.list_commits(REPOSITORY, since=since) == commits[:2]
    assert github.list_commits(REPOSITORY, until=since, limit=1) == commits[1:2]


def test_a_file_is_committed_read_and_found_again(github: GitHubClient) -> None:
    made = github.put_file(REPOSITORY, "docs/a b ü.md", "Grüße\n", "Add a page", marker="f1")
    read = github.get_file(REPOSITORY, "docs/a b ü.md")
    assert (read["text"], read["sha"], made["changed"]) == ("Grüße\n", made["sha"], True)
    assert github.find_file(REPOSITORY, "docs/a b ü.md", "", "f1", datetime.now(UTC)) == made
    assert github.list_commits(REPOSITORY, limit=1)[0]["message"].startswith("Add a page")


def test_a_file_that_holds_the_text_already_gets_no_commit(github: GitHubClient) -> None:
    github.put_file(REPOSITORY, "a.md", "text", "Add")
    commits = len(github.list_commits(REPOSITORY))
    again = github.put_file(REPOSITORY, "a.md", "text", "Add")
    assert (again["changed"], again["commit"]) == (False, "")
    assert len(github.list_commits(REPOSITORY)) == commits


@pytest.mark.parametrize("sha", ["", "0" * 40], ids=["must be new", "changed since"])
def test_a_file_that_changed_meanwhile_is_a_conflict_and_stays(github: GitHubClient, sha: str) -> None:
    github.put_file(REPOSITORY, "a.md", "theirs", "Add")
    with pytest.raises(Conflict) as caught:
        github.put_file(REPOSITORY, "a.md", "ours", "Change", sha=sha)
    assert caught.value.outcome == "not_done"
    assert github.get_file(REPOSITORY, "a.md")["text"] == "theirs"


@pytest.mark.parametrize("path", ["", "/", "..", "a/../b", "a//b", "./a"])
def test_a_path_that_leads_elsewhere_is_refused_before_it_is_sent(
    standins: StandIns, github: GitHubClient, path: str
) -> None:
    before = sum(standins.requests("github").values())
    for operation in (github.get_file, lambda repository, path: github.put_file(repository, path, "text", "Add")):
        with pytest.raises(InvalidRequest, match="not a path"):
            operation(REPOSITORY, path)
    assert sum(standins.requests("github").values()) == before


def test_a_folder_is_not_a_file(github: GitHubClient) -> None:
    github.put_file(REPOSITORY, "folder/a.md", "text", "Add")
    with pytest.raises(InvalidRequest, match="folder"):
        github.get_file(REPOSITORY, "folder")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("acme/app", "acme/app"),
        (" acme/app ", "acme/app"),
        ("https://github.com/acme/app", "acme/app"),
        ("https://github.com/acme/app.git", "acme/app"),
        ("https://github.com/acme/app/", "acme/app"),
    ],
)
def test_a_repository_is_named_by_name_or_address(text: str, name: str) -> None:
    assert github_values.repository_name(text) == name


@pytest.mark.parametrize("text", ["", "app", "acme/", "acme/app/issues", "../app", "acme/..", "a b/c", "acme/app?x=1"])
def test_what_is_no_repository_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="not a repository"):
        github_values.repository_name(text)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("Repository was archived so is read-only.", id="archived"),
        pytest.param("Unable to create comment because issue is locked.", id="locked"),
    ],
)
def test_what_takes_no_more_writes_does_not_speak_against_the_key(
    standins: StandIns, github: GitHubClient, said: str
) -> None:
    body = json.dumps({"message": said})
    standins.faults("github", match="POST", times=1, status=403, body=body)
    with pytest.raises(Conflict, match=said) as caught:
        github.create_issue(REPOSITORY, "Title", "Body")
    assert caught.value.outcome == "not_done"
    assert "key" not in caught.value.remedy


def test_what_is_not_found_is_named_with_its_repository(github: GitHubClient) -> None:
    with pytest.raises(NotFound, match=r"acme/app: issues/99999\)"):
        github.get_issue("acme/app", 99999)
    with pytest.raises(NotFound, match=r"acme/app: commits, no-such\)"):
        github.list_commits("acme/app", branch="no-such")


def test_a_missing_repository_is_not_found(github: GitHubClient) -> None:
    with pytest.raises(NotFound, match="acme/nothing"):
        github.create_issue("acme/nothing", "Title", "Body")


def test_threads_share_one_client(github: GitHubClient) -> None:
    def read(number: int) -> bool:
        with deadline(120):
            return bool(github.get_issue(REPOSITORY, number % 4 + 1)["number"] == number % 4 + 1)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(read, range(160)))


def test_two_accounts_do_not_mix(standins: StandIns, http: httpx.Client) -> None:
    right, wrong = client(standins, http), client(standins, http, "ghp_wrong")
    assert right.account()
    with pytest.raises(AuthError):
        wrong.account()
    assert right.get_issue(REPOSITORY, 1)["number"] == 1


def test_another_host_is_not_reached_where_only_the_stand_ins_may_be(standins: StandIns) -> None:
    with http_client(allowed_origins=frozenset({standins["github"].origin})) as http:
        real = GitHubClient(GitHubSettings(token=SecretStr("ghp_real")), http)
        with pytest.raises(Forbidden):
            real.account()


def test_without_a_token_the_check_says_where_to_get_one(http: httpx.Client) -> None:
    [line] = GitHubClient(GitHubSettings(), http).check()
    assert (line.what, line.ok) == ("sign-in", False)
    assert "no token yet" in line.text


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(ValidationError):
        GitHubSettings.model_validate({"tokn": "x"})
