from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.base import session
from tests.patience import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    monkeypatch.setattr("dashboard.base.session.st.session_state", kept)
    return kept


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("dashboard.base.session.time", SimpleNamespace(monotonic=clock))
    return clock


def test_a_second_press_right_after_the_first_gets_its_result(clock: Clock) -> None:
    keys: list[str] = []

    def act(request_key: str) -> str:
        keys.append(request_key)
        return f"run {len(keys)}"

    assert session.once("run", act) == "run 1"
    clock.now += 1.0
    assert session.once("run", act) == "run 1"
    assert len(keys) == 1


def test_a_later_press_is_another_request(clock: Clock) -> None:
    keys: list[str] = []
    session.once("run", keys.append)
    clock.now += 3.0
    session.once("run", keys.append)
    assert len(set(keys)) == 2


@pytest.mark.usefixtures("clock")
def test_other_values_are_another_request() -> None:
    keys: list[str] = []
    session.once("run a", keys.append)
    session.once("run b", keys.append)
    assert len(set(keys)) == 2


@pytest.mark.usefixtures("clock")
def test_trying_again_after_an_error_is_the_same_request() -> None:
    keys: list[str] = []

    def act(request_key: str) -> str:
        keys.append(request_key)
        if len(keys) == 1:
            raise ValueError("not today")
        return "done"

    with pytest.raises(ValueError, match="not today"):
        session.once("run", act)
    assert session.once("run", act) == "done"
    assert keys[0] == keys[1]


def test_two_presses_in_two_threads_act_once() -> None:
    began, go_on = threading.Event(), threading.Event()
    calls: list[str] = []
    results: list[str] = []

    def act(request_key: str) -> str:
        calls.append(request_key)
        began.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return request_key

    def press() -> None:
        results.append(session.once("run", act))

    threads = [threading.Thread(target=press) for _ in range(2)]
    threads[0].start()
    assert began.wait(PATIENCE_SECONDS)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert len(calls) == 1
    assert results == calls * 2


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The parameters of the address that a run comes with."""
    params = {"name": "triage"}
    monkeypatch.setattr("dashboard.base.session.st.query_params", params)
    return params


def moved(address: dict[str, str], **params: str) -> None:
    address.clear()
    address.update(params)


def test_the_second_click_of_a_double_click_follows_the_first(clock: Clock, address: dict[str, str]) -> None:
    session.leave("workflow", "run", {"id": "7"})
    moved(address, id="7")
    clock.now += 0.4
    assert session.stray("workflow") == ("run", {"id": "7"})
    assert session.stray("run") is None


@pytest.mark.parametrize(
    ("seconds", "params"),
    [
        pytest.param(5.0, {"id": "7"}, id="much later"),
        pytest.param(0.4, {"name": "digest"}, id="another address"),
        pytest.param(0.4, {"name": "triage"}, id="the old address"),
    ],
)
def test_a_page_opened_anew_stays(
    clock: Clock, address: dict[str, str], seconds: float, params: dict[str, str]
) -> None:
    session.leave("workflow", "run", {"id": "7"})
    moved(address, **params)
    clock.now += seconds
    assert session.stray("workflow") is None


@pytest.mark.usefixtures("clock")
def test_pages_without_parameters_may_be_left_and_opened_at_once(address: dict[str, str]) -> None:
    moved(address)
    session.leave("", "workflows", {})
    assert session.stray("") is None


def test_what_is_to_be_said_is_said_once() -> None:
    session.tell("Saved.")
    shown = session.messages()
    assert shown == session.messages() == [("Saved.", ":material/check_circle:", "")]
    session.tell("Sent.")  # by the page that shows the first one
    session.drop_messages(shown)
    assert [text for text, *_ in session.messages()] == ["Sent."]


def test_a_widget_that_the_page_decides_is_a_new_one_and_one_that_the_person_chose_stays(state: dict[str, Any]) -> None:
    first = session.mirror("tries", "a")
    assert state[first] == "a"
    state[first] = "b"
    assert session.mirror("tries", "b") == first
    second = session.mirror("tries", "c")
    assert second != first
    state[first] = "b"  # a page that looks again by itself sends what it showed
    assert session.mirror("tries", "c") == second
    assert session.mirrored("tries", "") == "c"
