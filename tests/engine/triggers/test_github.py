"""What the triggers of GitHub see, beyond what every trigger promises: quiet looks, labels, marks, bursts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.errors import AuthError
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Start
from tests.conftest import StandIns
from tests.engine.triggers.github_world import REPOSITORY, client_of, other
from tests.engine.triggers.looking import Looker
from tests.engine.triggers.worlds import Scene

MARK = "<!-- orchestra:0123456789abcdef0123456789abcdef -->"


@pytest.fixture
def scene(tmp_path: Path, standins: StandIns, http: httpx.Client) -> Scene:
    return Scene(tmp_path, standins, http)


@pytest.fixture
def looker(scene: Scene) -> Callable[..., Looker]:
    def looker(name: str, **fields: Any) -> Looker:
        made = Looker(trigger_type(name), fields, client_of(scene))
        made.look_until_done()
        return made

    return looker


def opened(scene: Scene, title: str, body: str = "", repository: str = REPOSITORY) -> None:
    other(scene, "open", repository=repository, title=title, body=body)


def answers(scene: Scene, work: Callable[[], Any]) -> list[int]:
    """The statuses of what was answered to some work."""
    seen: list[int] = []
    hooks = scene.http.event_hooks["response"]
    hooks.append(lambda response: seen.append(response.status_code))
    try:
        work()
    finally:
        hooks.pop()
    return seen


def aged(scene: Scene, seconds: int) -> None:
    """Let everything on GitHub have happened so much earlier."""
    connection: sqlite3.Connection = scene.standins.stores["github"]._connection
    assert connection
    store = scene.standins.stores["github"]
    for table in ("github/issues", "github/comments", "github/events"):
        for each in store.all(table):
            key = f"{each['repository']}#{each['number']}" if table == "github/issues" else str(each["id"])
            times = {name: _earlier(each[name], seconds) for name in ("created_at", "updated_at") if each.get(name)}
            store.put(table, key, {**each, **times})


def _earlier(at: str, seconds: int) -> str:
    from datetime import datetime, timedelta

    return (datetime.fromisoformat(at) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def titles(found: Any) -> list[str]:
    return [item.title for item in found]


# --- issues


def test_a_look_at_which_nothing_has_changed_is_answered_304(scene: Scene, looker: Callable[..., Looker]) -> None:
    issues = looker("github.new_issue", repository=REPOSITORY)
    opened(scene, "One")
    assert titles(issues.look_until_done()) == ["One"]
    issues.look_until_done()
    assert answers(scene, issues.look_until_done) == [304]
    opened(scene, "Two")
    assert titles(issues.look_until_done()) == ["Two"]


def test_an_old_issue_that_changes_is_not_new_and_a_pull_request_is_no_issue(
    scene: Scene, looker: Callable[..., Looker]
) -> None:
    issues = looker("github.new_issue", repository="acme/website")
    other(scene, "say", repository="acme/website", number=1, body="Still so")
    other(scene, "say", repository="acme/website", number=2, body="Still so")
    assert issues.look_until_done() == []
    opened(scene, "New", repository="acme/website")
    assert titles(issues.look_until_done()) == ["New"]


def test_an_issue_counts_when_it_gets_the_label_later(scene: Scene, looker: Callable[..., Looker]) -> None:
    issues = looker("github.new_issue", repository=REPOSITORY, labels=["bug"])
    opened(scene, "One")
    assert issues.look_until_done() == []
    number = client_of(scene).list_issues(REPOSITORY, limit=1)[0]["number"]
    client_of(scene).issues.add_labels(REPOSITORY, number, ["Bug"])
    assert titles(issues.look_until_done()) == ["One"]


@pytest.mark.parametrize(("include_own", "expected"), [(False, ["Theirs"]), (True, ["Ours", "Theirs"])])
def test_what_a_workflow_wrote_starts_none(
    scene: Scene, looker: Callable[..., Looker], include_own: bool, expected: list[str]
) -> None:
    issues = looker("github.new_issue", repository=REPOSITORY, include_own=include_own)
    client_of(scene).create_issue(REPOSITORY, "Ours", "Text", marker="0123456789abcdef")
    opened(scene, "Theirs", "A word")
    found = issues.look_until_done()
    assert titles(found) == expected
    assert "orchestra:" not in str([item.value for item in found])


def test_a_burst_of_one_second_comes_whole(scene: Scene, looker: Callable[..., Looker]) -> None:
    issues = looker("github.new_issue", repository=REPOSITORY)
    for number in range(230):
        opened(scene, f"Issue {number}")
    found = issues.look_until_done()
    assert titles(found) == [f"Issue {number}" for number in range(230)]
    assert issues.look_until_done() == []


def test_a_long_list_of_changes_is_gone_through_some_pages_at_a_time(
    scene: Scene, looker: Callable[..., Looker], monkeypatch: pytest.MonkeyPatch
) -> None:
    issues = looker("github.new_issue", repository=REPOSITORY)
    for number in range(50):
        opened(scene, f"Issue {number}")
        aged(scene, 60)
    issues.cursor.update(since=_earlier(issues.cursor["since"], 7200), above=10_000)
    monkeypatch.setattr("engine.triggers.github._PAGE", 5)
    monkeypatch.setattr("engine.triggers.github._AT_ONCE", 15)
    looks = [len(answers(scene, issues.look))]
    while issues.has_more:
        looks.append(len(answers(scene, issues.look)))
    assert max(looks) < 10 < sum(looks), "changes of old issues start no run, but a look has only two minutes for them"


def test_since_a_time_and_the_last_ones_are_told_by_github_s_own_times(scene: Scene) -> None:
    for number in range(3):
        opened(scene, f"Issue {number}")
    aged(scene, 3600)
    opened(scene, "Newest")
    newest = client_of(scene).list_issues(REPOSITORY, state="all", limit=1)[0]
    kind = trigger_type("github.new_issue")
    for start, expected in (
        (Start(since=_moment(newest["created_at"])), ["Newest"]),
        (Start(last=2), ["Issue 2", "Newest"]),
    ):
        looker = Looker(kind, {"repository": REPOSITORY}, client_of(scene), start)
        assert titles(looker.look_until_done()) == expected


def _moment(at: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(at)


def test_a_change_in_the_middle_of_a_long_list_loses_nothing(
    scene: Scene, looker: Callable[..., Looker], monkeypatch: pytest.MonkeyPatch
) -> None:
    issues = looker("github.new_issue", repository=REPOSITORY)
    issues.limit = 1000
    for number in range(150):
        opened(scene, f"Issue {number}")
        if number in (49, 109):
            aged(scene, 1500)  # longer ago than what is listed again
    issues.cursor["since"] = _earlier(issues.cursor["since"], 7200)
    feeds = issues.client.feeds
    asked = feeds.issues

    def asked_while_it_moves(*arguments: Any) -> Any:
        page = asked(*arguments)
        first = client_of(scene).list_issues(REPOSITORY, state="all", limit=1000)[-1]["number"] + 20
        other(scene, "say", repository=REPOSITORY, number=first, body="Meanwhile")  # moves to the end
        return page

    monkeypatch.setattr(feeds, "issues", asked_while_it_moves)
    found = issues.look_until_done()
    monkeypatch.undo()
    found += issues.look_until_done()
    assert sorted(titles(found)) == sorted(f"Issue {number}" for number in range(150))


# --- releases


def _released(scene: Scene, tag: str, **more: Any) -> int:
    fields = {"tag": tag, "title": tag, "body": "", "target": "", "draft": False, "prerelease": False, **more}
    made: int = client_of(scene).releases.create(REPOSITORY, fields, "")["id"]
    return made


def test_drafts_and_pre_releases_do_not_count_and_quiet_is_304(scene: Scene, looker: Callable[..., Looker]) -> None:
    _released(scene, "v0")
    releases = looker("github.release", repository=REPOSITORY)
    _released(scene, "v1", draft=True)
    _released(scene, "v2", prerelease=True)
    assert releases.look_until_done() == []
    assert answers(scene, releases.look_until_done) == [304]
    _released(scene, "v3")
    assert titles(releases.look_until_done()) == ["v3"]


def test_more_releases_than_one_page_holds_all_start_runs(scene: Scene, looker: Callable[..., Looker]) -> None:
    releases = looker("github.release", repository=REPOSITORY)
    for number in range(130):
        _released(scene, f"v{number}")
    assert titles(releases.look_until_done()) == [f"v{number}" for number in range(130)]
    assert releases.look_until_done() == []


@pytest.mark.parametrize("start", [Start(), Start(last=2)], ids=["from now", "the last two"])
def test_an_old_release_that_moves_up_as_newer_ones_are_deleted_is_not_new(scene: Scene, start: Start) -> None:
    store = scene.standins.stores["github"]
    for number in range(104):
        made = _released(scene, f"v{number}")
        record = store.get("github/releases", str(made))
        assert record
        store.put(
            "github/releases",
            str(made),
            {**record, "published_at": f"2024-05-01T10:{number // 60:02}:{number % 60:02}Z"},
        )
    releases = Looker(trigger_type("github.release"), {"repository": REPOSITORY}, client_of(scene), start)
    assert titles(releases.look_until_done()) == ([] if start.is_now else ["v102", "v103"])
    store.delete("github/releases", str(made))
    assert releases.look_until_done() == []


# --- mentions and requests


def test_each_text_that_names_the_account_counts_once_and_its_own_never(
    scene: Scene, looker: Callable[..., Looker]
) -> None:
    mentions = looker("github.mention")
    me = client_of(scene).account()
    other(scene, "say", repository=REPOSITORY, number=2, body=f"What does @{me} say?")
    other(scene, "say", repository=REPOSITORY, number=2, body=f"@{me}x and mail@{me}.example are others")
    other(scene, "say", repository=REPOSITORY, number=2, body=f"@{me} wrote by a workflow\n\n{MARK}")
    client_of(scene).comment(REPOSITORY, 2, f"@{me} talks to itself")
    opened(scene, "Another", f"Please, @{me.upper()}")
    found = mentions.look_until_done()
    assert [item.value["text"] for item in found if item.value] == [f"What does @{me} say?", f"Please, @{me.upper()}"]
    other(scene, "say", repository=REPOSITORY, number=2, body=f"@{me}, again?")
    assert [item.value["kind"] for item in mentions.look_until_done() if item.value] == ["comment"]


def test_the_threads_of_weeks_are_looked_up_some_at_a_time(scene: Scene, looker: Callable[..., Looker]) -> None:
    mentions = looker("github.mention")
    mentions.cursor["from"] = mentions.cursor["since"] = _earlier(mentions.cursor["from"], 7200)
    me = client_of(scene).account()
    for number in range(80):
        opened(scene, f"Issue {number}", f"@{me}, look")
        if number % 20 == 19:
            aged(scene, 60)
    found: list[Any] = []
    looks = [len(answers(scene, lambda: found.extend(mentions.look())))]
    while mentions.has_more:
        looks.append(len(answers(scene, lambda: found.extend(mentions.look()))))
    assert titles(found) == [f"Issue {number}" for number in range(80)]
    assert max(looks) < 100, "each thread takes two requests: all at once would never end where there are hundreds"
    other(scene, "say", repository=REPOSITORY, number=2, body=f"@{me}, at last")
    assert len(mentions.look_until_done()) == 1


def test_a_token_that_is_told_no_notifications_is_answered_with_what_to_do(
    scene: Scene, looker: Callable[..., Looker]
) -> None:
    mentions = looker("github.mention")
    scene.standins.faults("github", match="/notifications", status=403)
    with pytest.raises(AuthError) as refused:
        mentions.look()
    assert "classic token" in refused.value.remedy


def test_only_one_repository_counts_where_that_is_asked_for(scene: Scene, looker: Callable[..., Looker]) -> None:
    requests = looker("github.review_request", repository="Acme/App")
    other(scene, "ask_review", repository="acme/website", number=2)
    assert requests.look_until_done() == []


def test_being_asked_again_counts_again_until_it_is_closed(scene: Scene, looker: Callable[..., Looker]) -> None:
    requests = looker("github.review_request")
    for _ in range(2):
        other(scene, "ask_review", repository="acme/website", number=2)
    first, second = requests.look_until_done()
    assert first.id != second.id
    assert first.value is not None
    assert (first.value["by"], first.value["number"]) == ("mira-kovac", 2)
    other(scene, "ask_review", repository="acme/website", number=2)
    client_of(scene).pulls.merge("acme/website", 2, "merge", "", "", "")
    assert requests.look_until_done() == []


def test_notifications_that_have_not_changed_for_a_while_are_answered_304(
    scene: Scene, looker: Callable[..., Looker]
) -> None:
    mentions = looker("github.mention")
    me = client_of(scene).account()
    mentions.cursor["from"] = _earlier(mentions.cursor["from"], 7200)
    mentions.cursor["since"] = mentions.cursor["from"]
    other(scene, "say", repository=REPOSITORY, number=2, body=f"@{me}!")
    aged(scene, 10)
    assert len(mentions.look_until_done()) == 1
    mentions.look_until_done()
    assert answers(scene, mentions.look_until_done) == [304]
