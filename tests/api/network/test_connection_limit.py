"""A served workspace under connections that say nothing, half a request or nothing but rubbish: others get in."""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from api.network.connection_limit import (
    BODY_SECONDS,
    HEAD_SECONDS,
    REST_SECONDS,
    UNREAD_SECONDS,
    ConnectionLimit,
    capacity,
)
from api.network.server_log import MOST_ALIKE, ServerLogThrottle, write_as_one
from engine.files.log_files import LARGEST_BYTES
from engine.observing.log_lines import set_log_levels
from tests.patience import PATIENCE_SECONDS, until
from tests.workspaces import init

OPEN_FILES = 256


@contextmanager
def _served(root: Path) -> Iterator[str]:
    """A workspace served by a process that may have few files open; gives its address."""
    init(root)
    command = f'ulimit -n {OPEN_FILES}; exec "$@"'
    arguments = [sys.executable, "-m", "cli", "serve", "--json", "--workspace", str(root)]
    with subprocess.Popen(["sh", "-c", command, "sh", *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGTERM)


def _health(url: str) -> float:
    """Ask over a new connection; return how long it took."""
    began = time.monotonic()
    answer = httpx.get(f"{url}/health", timeout=PATIENCE_SECONDS, trust_env=False)
    assert answer.json()["status"] == "ok"
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.chaos
def test_a_server_of_few_files_answers_beside_hundreds_of_connections_that_say_nothing(tmp_path: Path) -> None:
    """Idle, half a head, half a body, an answer nobody reads, rubbish: none keeps others out, the log stays small."""
    began = [
        b"",
        b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n{",
        b"\x16\x03\x01rubbish\r\n\r\n",
        b"GET /api/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ]
    with _served(tmp_path / "workspace") as url, ExitStack() as open_ones:
        place = ("127.0.0.1", int(url.rpartition(":")[2]))
        for number in range(OPEN_FILES * 2):
            one = open_ones.enter_context(socket.create_connection(place, timeout=PATIENCE_SECONDS))
            one.sendall(began[number % len(began)])
        assert _health(url) < PATIENCE_SECONDS
        until(lambda: _health(url) < 1, "an answer at once")
        silent = open_ones.enter_context(socket.create_connection(place, timeout=PATIENCE_SECONDS))
        assert silent.recv(1) == b"", "the server hangs up by itself"
        log = tmp_path / "workspace" / ".orchestra" / "serve.log"
        assert log.stat().st_size < 100_000, log.read_text()[-2_000:]


@dataclass(eq=False)
class _Transport:
    is_over: bool = False
    unread_bytes: int = 0

    def is_closing(self) -> bool:
        return self.is_over

    def abort(self) -> None:
        self.is_over = True

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes


@dataclass(eq=False)
class _Cycle:
    more_body: bool = False
    response_complete: bool = False


@dataclass(eq=False)
class _Protocol:
    """What a limit of connections sees of uvicorn's protocols."""

    transport: _Transport = field(default_factory=_Transport)
    cycle: _Cycle | None = None


class _Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _idle(one: _Protocol) -> None:
    one.cycle = None


def _answered(one: _Protocol) -> None:
    one.cycle = _Cycle(response_complete=True)


def _sending(one: _Protocol) -> None:
    one.cycle = _Cycle(more_body=True)


def _unread(one: _Protocol) -> None:
    one.cycle, one.transport.unread_bytes = _Cycle(), 65_536


def _at_work(one: _Protocol) -> None:
    one.cycle = _Cycle()


@pytest.mark.parametrize(
    ("begin", "seconds"),
    [
        pytest.param(_idle, HEAD_SECONDS, id="no request"),
        pytest.param(_answered, HEAD_SECONDS, id="no further request"),
        pytest.param(_sending, BODY_SECONDS, id="half a body"),
        pytest.param(_unread, UNREAD_SECONDS, id="an answer nobody reads"),
        pytest.param(_at_work, None, id="work of the server"),
    ],
)
def test_each_turn_of_a_client_has_its_time(begin: Callable[[_Protocol], None], seconds: float | None) -> None:
    clock = _Seconds()
    keeper, one = ConnectionLimit(100, clock), _Protocol()
    keeper.came(one, "192.0.2.1")
    begin(one)
    last = 0
    while not one.transport.is_over and clock.now < 3_600:
        last = int(clock.now)
        clock.now += 1
        keeper.look()
    assert one.transport.is_over == (seconds is not None)
    if seconds is not None:
        assert seconds <= last <= seconds + 2


def test_who_goes_on_asking_stays() -> None:
    clock = _Seconds()
    keeper, one = ConnectionLimit(100, clock), _Protocol()
    keeper.came(one, "192.0.2.1")
    for _ in range(600):
        clock.now += 1
        _answered(one)  # another request, begun and answered since the last look
        keeper.look()
    assert not one.transport.is_over


def test_a_body_that_comes_fast_enough_may_be_long() -> None:
    clock = _Seconds()
    keeper, one = ConnectionLimit(100, clock), _Protocol()
    held = keeper.came(one, "192.0.2.1")
    _sending(one)
    for _ in range(600):
        clock.now += 1
        held.received_bytes += 2_000
        keeper.look()
    assert not one.transport.is_over


def test_the_rest_of_a_refused_body_has_time_but_not_for_ever() -> None:
    clock = _Seconds()
    keeper, one = ConnectionLimit(100, clock), _Protocol()
    held = keeper.came(one, "192.0.2.1")
    one.cycle = _Cycle(response_complete=True, more_body=True)
    last = 0
    while not one.transport.is_over and clock.now < 3_600:
        last = int(clock.now)
        clock.now += 1
        held.received_bytes += 2_000
        keeper.look()
    assert REST_SECONDS <= last <= HEAD_SECONDS + REST_SECONDS + 2


def test_the_address_with_the_most_connections_makes_room() -> None:
    clock = _Seconds()
    keeper = ConnectionLimit(20, clock)
    others = [_Protocol() for _ in range(5)]
    for one in others:
        keeper.came(one, "192.0.2.1")
    many = [_Protocol() for _ in range(1_000)]
    for number, one in enumerate(many):
        clock.now = number / 1_000
        keeper.came(one, "203.0.113.66")
    assert not any(one.transport.is_over for one in others)
    assert [not one.transport.is_over for one in many] == [False] * 985 + [True] * 15


def test_where_everybody_is_served_the_newest_has_to_come_again() -> None:
    keeper = ConnectionLimit(20, _Seconds())
    served = [_Protocol(cycle=_Cycle()) for _ in range(20)]
    for number, one in enumerate(served):
        keeper.came(one, f"192.0.2.{number}")
    new = _Protocol()
    keeper.came(new, "198.51.100.1")
    assert new.transport.is_over
    assert not any(one.transport.is_over for one in served)


@pytest.mark.parametrize(("files", "most"), [(64, 8), (128, 16), (1024, 464), (1_048_576, 4096)])
def test_connections_leave_files_for_the_server_itself(files: int, most: int) -> None:
    assert capacity(files) == most


def test_a_line_said_again_and_again_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    clock, log = _Seconds(), logging.getLogger("tests.repeats")
    log.setLevel(logging.DEBUG)
    caplog.handler.addFilter(repeats := ServerLogThrottle(clock))
    try:
        for number in range(1_000):
            log.warning("accept failed: %d", number)
            log.debug("a call: %d", number)
        log.warning("something else")
        clock.now = 61
        log.warning("accept failed: %d", 1_000)
    finally:
        caplog.handler.removeFilter(repeats)
    log.setLevel(logging.NOTSET)
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(caplog.records) - len(said) == 1_000, "what somebody has asked for is all there"
    assert len(said) == MOST_ALIKE + 2
    assert said[-2:] == ["something else", "accept failed: 1000 (980 more like this were left out)"]


def test_streamlit_decides_neither_form_nor_level_of_lines() -> None:
    from streamlit import logger as of_streamlit

    names = ("streamlit", "streamlit.early", "streamlit.late", "uvicorn.error")
    before = {name: logging.getLogger(name).level for name in names}
    formatter, known = of_streamlit.setup_formatter, dict(of_streamlit._loggers)
    try:
        of_streamlit.get_logger("streamlit.early")
        set_log_levels("info, streamlit=error, streamlit.late=debug, uvicorn.error=info")
        write_as_one()
        for name in ("root", "streamlit.late", "uvicorn.error"):
            of_streamlit.get_logger(name)
        found = {name: logging.getLevelName(logging.getLogger(name).getEffectiveLevel()) for name in names}
        handlers = [handler for name in names for handler in logging.getLogger(name).handlers]
    finally:
        of_streamlit.setup_formatter = formatter
        of_streamlit._loggers.clear()
        of_streamlit._loggers.update(known)
        set_log_levels("warning")
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
    assert list(found.values()) == ["ERROR", "ERROR", "DEBUG", "INFO"]
    assert handlers == []


@pytest.mark.slow
def test_a_log_that_grows_while_the_server_runs_is_cut(tmp_path: Path) -> None:
    with _served(tmp_path / "workspace"):
        log = tmp_path / "workspace" / ".orchestra" / "serve.log"
        with log.open("ab") as flood:
            flood.write(b"x" * 3 * LARGEST_BYTES)
        until(lambda: log.stat().st_size < LARGEST_BYTES, "a shorter log")
        assert log.with_name("serve.log.1").stat().st_size == LARGEST_BYTES
