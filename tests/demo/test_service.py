"""Every fault kind, the token check and the controls, over real sockets."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from demo.faults import FaultSwitch, InjectedFault
from demo.service import PublicRoute, Refused, StandIn, json_object
from demo.store import Store
from demo.wire import PIECE_SHARE, Latency, Wire
from tests.demo.conftest import Running
from tests.patience import PATIENCE_SECONDS, until


def _routes(store: Store) -> list[Route]:
    async def create(request: Request) -> Response:
        thing = await json_object(request)
        if "name" not in thing:
            raise Refused(422, "name is missing", field="name")
        store.put("things", str(store.next_number("things")), thing)
        return JSONResponse(thing, 201)

    async def page(_: Request) -> Response:
        return PlainTextResponse("for people")

    async def crash(_: Request) -> Response:
        raise RuntimeError("a bug")

    return [
        Route("/things", create, methods=["POST"]),
        Route("/crash", crash),
        PublicRoute("/page", page),
    ]


STAND_IN = cast(
    "StandIn",
    SimpleNamespace(
        TOKEN="right",
        routes=_routes,
        seed=lambda store: store.put("things", "0", {"name": "seed"}),
        show=lambda store: {"things": store.all("things")},
        ERROR=lambda status, message: {"oops": message, "status": status},
    ),
)


@pytest.fixture
def here(running: Callable[[StandIn], Running]) -> Running:
    return running(STAND_IN)


def _names(here: Running) -> list[str]:
    shown = httpx.get(f"{here.base_url}/_demo/show", trust_env=False, timeout=PATIENCE_SECONDS).json()
    return [each["name"] for each in shown["things"]]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        pytest.param({"status": 503}, 503, id="status"),
        pytest.param({"retry_after": 7}, 429, id="retry after means 429"),
        pytest.param({"status": 403, "headers": {"X-RateLimit-Remaining": "0"}}, 403, id="headers"),
        pytest.param({"body": "<html>Bad gateway", "status": 502}, 502, id="raw text"),
        pytest.param({"body": ""}, 200, id="empty 200"),
    ],
)
@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
def test_a_fault_replaces_the_answer_before_or_after_the_effect(
    here: Running, fault: dict[str, Any], status: int, when: str
) -> None:
    here.break_(match="POST /things", when=when, **fault)
    with here.http() as http:
        answer = http.post("/things", json={"name": "one"})
        assert answer.status_code == status
        if "body" in fault:
            assert answer.text == fault["body"]
        else:
            assert answer.json()["status"] == status
        for name, text in fault.get("headers", {}).items():
            assert answer.headers[name] == text
        if "retry_after" in fault:
            assert answer.headers["retry-after"] == "7"
        assert _names(here) == (["seed", "one"] if when == "after_effect" else ["seed"])
        assert http.post("/things", json={"name": "two"}).status_code == 201


@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
def test_a_cut_closes_the_connection_without_an_answer(here: Running, when: str) -> None:
    here.break_(cut=True, when=when)
    with here.http() as http, pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        http.post("/things", json={"name": "one"})
    assert _names(here) == (["seed", "one"] if when == "after_effect" else ["seed"])


def test_a_delay_holds_the_answer_and_then_gives_it(here: Running) -> None:
    here.break_(delay_seconds=0.3)
    started = time.monotonic()
    with here.http() as http:
        assert http.post("/things", json={"name": "one"}).json() == {"name": "one"}
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
def test_who_gives_up_during_a_delay_has_caused_the_effect_only_after_effect(here: Running, when: str) -> None:
    here.break_(delay_seconds=1.2, when=when)
    with here.http() as http, pytest.raises(httpx.ReadTimeout):
        http.post("/things", json={"name": "one"}, timeout=0.4)
    if when == "after_effect":
        until(lambda: "one" in _names(here))
    time.sleep(1.4)
    assert _names(here) == (["seed", "one"] if when == "after_effect" else ["seed"])


def test_a_dripping_answer_comes_byte_by_byte(here: Running) -> None:
    here.break_(drip=0.02)
    with here.http() as http, http.stream("POST", "/things", json={"name": "one"}) as answer:
        pieces = list(answer.iter_raw())
    assert b"".join(pieces) == b'{"name":"one"}'
    assert len(pieces) > 1


def test_a_fault_strikes_as_often_as_it_says_and_is_taken_back(here: Running) -> None:
    here.break_(status=500, times=2)
    here.break_(status=503, times=100, match="/things")
    with here.http() as http:
        assert [http.post("/things", json={"name": "x"}).status_code for _ in range(3)] == [500, 500, 503]
        http.delete("/_demo/faults")
        assert http.post("/things", json={"name": "x"}).status_code == 201


@pytest.mark.parametrize(
    ("match", "method", "target", "fits"),
    [
        pytest.param("", "GET", "/v1/pages", True, id="everything"),
        pytest.param("POST", "GET", "/v1/pages", False, id="method alone"),
        pytest.param("post", "POST", "/v1/pages", True, id="method in small letters"),
        pytest.param("/v1/pages", "PATCH", "/v1/pages/1?x=2", True, id="part of the path"),
        pytest.param("POST /v1/pages", "PATCH", "/v1/pages/1", False, id="both, other method"),
        pytest.param("PATCH x=2", "PATCH", "/v1/pages/1?x=2", True, id="query"),
    ],
)
def test_match_is_method_and_part_of_path(match: str, method: str, target: str, fits: bool) -> None:
    assert InjectedFault(match=match).fits(method, target) is fits


def test_until_seconds_lasts_that_long() -> None:
    now = [0.0]
    switch = FaultSwitch(clock=lambda: now[0])
    switch.set(InjectedFault(status=503, until_seconds=30))
    assert [bool(switch.take("GET", "/")) for _ in range(5)] == [True] * 5
    now[0] = 31
    assert switch.take("GET", "/") is None


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"stauts": 503}, id="unknown field"),
        pytest.param({"status": "503"}, id="text for a number"),
        pytest.param({"status": 99}, id="no such status"),
        pytest.param({"times": 0}, id="never"),
        pytest.param({"when": "later"}, id="unknown moment"),
        pytest.param({"delay_seconds": -1}, id="negative"),
        pytest.param({"cut": "yes"}, id="text for yes"),
        pytest.param([], id="no object"),
    ],
)
def test_a_bad_fault_is_refused_with_the_reason(here: Running, document: object) -> None:
    answer = httpx.post(f"{here.base_url}/_demo/faults", json=document, trust_env=False, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 422
    assert "not a fault" in answer.json()["message"]


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        pytest.param("Bearer right", 201, id="bearer"),
        pytest.param("token right", 201, id="token, as PyGithub says"),
        pytest.param("Bearer wrong", 401, id="wrong"),
        pytest.param("", 401, id="none"),
    ],
)
def test_the_token_is_checked(here: Running, authorization: str, status: int) -> None:
    headers = {"authorization": authorization}
    answer = httpx.post(
        f"{here.base_url}/things", json={"name": "a"}, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
    )
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["status"] == 401


def test_pages_for_people_need_no_token(here: Running) -> None:
    assert httpx.get(f"{here.base_url}/page", trust_env=False, timeout=PATIENCE_SECONDS).text == "for people"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        pytest.param("POST", "/things", "{}", 422, "name is missing", id="refused by the handler"),
        pytest.param("POST", "/things", "{", 400, "Problems parsing JSON", id="broken JSON"),
        pytest.param("POST", "/things", "[]", 400, "Body should be a JSON object", id="no object"),
        pytest.param("GET", "/nothing", "", 404, "Not Found", id="unknown path"),
        pytest.param("DELETE", "/things", "", 405, "Method Not Allowed", id="unknown method"),
        pytest.param("GET", "/crash", "", 500, "Internal error of the stand-in", id="a bug"),
    ],
)
def test_errors_have_the_form_of_the_service(
    here: Running, method: str, path: str, body: str, status: int, message: str
) -> None:
    with here.http() as http:
        answer = http.request(method, path, content=body)
    assert (answer.status_code, answer.json()["oops"]) == (status, message)


def test_requests_are_counted_and_controls_are_not(here: Running) -> None:
    with here.http() as http:
        http.post("/things", json={"name": "a"})
        http.post("/things?x=1", json={"name": "b"})
        http.get("/page")
        counted = http.get("/_demo/requests").json()
    assert counted == {"total": 3, "requests": {"POST /things": 2, "GET /page": 1}}


def test_reset_lays_out_the_sample_data_anew(here: Running) -> None:
    with here.http() as http:
        http.post("/things", json={"name": "a"})
        assert http.post("/_demo/reset").json() == {"generation": 2}
    assert _names(here) == ["seed"]


@pytest.mark.parametrize(
    ("text", "latency"),
    [pytest.param("0", Latency(), id="none"), pytest.param("50:400", Latency(50, 400), id="range")],
)
def test_latency_is_read(text: str, latency: Latency) -> None:
    assert Latency.parse(text) == latency
    assert latency.lowest_ms <= latency.seconds() * 1000 <= latency.highest_ms


@pytest.mark.parametrize("text", ["-1", "400:50", "soon", "1:x"])
def test_a_bad_latency_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Latency.parse(text)


def test_a_stream_takes_its_time_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    ours, real = threading.get_ident(), asyncio.sleep

    async def sleep(seconds: float) -> None:
        if threading.get_ident() == ours:
            slept.append(seconds)
        else:  # a stand-in of other tests
            await real(seconds)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        """Take it."""

    monkeypatch.setattr("demo.wire.asyncio.sleep", sleep)
    wire = Wire(app, switch=FaultSwitch(), latency=Latency(100, 100), failure=lambda *_: b"", counts=Counter())
    asyncio.run(wire({"type": "http", "method": "GET", "path": "/", "query_string": b""}, receive, send))
    assert slept == [0.1, 0.1 * PIECE_SHARE, 0.1 * PIECE_SHARE]
