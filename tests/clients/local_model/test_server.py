"""The server of a small model, with the real llama.cpp: one for all processes, started when needed, ended when idle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from clients.client import Opening
from clients.deadline import CancellationToken, deadline, ended_by
from clients.errors import InvalidRequest, NotFound, ServiceError, Timeout, Unavailable
from clients.local_model.client import LocalModelClient
from clients.local_model.folders import is_locked
from clients.local_model.server import ModelServer, RunningServer, read_state
from clients.local_model.service import LocalModelSettings
from clients.local_model.weights import file_of
from clients.reads_only import reads_only
from clients.secrets import known
from engine.budgets.prices import Prices
from engine.budgets.settings import Price
from tests.clients.local_model.conftest import ROOT, SMALL, end
from tests.patience import until

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

pytestmark = pytest.mark.slow
HELLO: Sequence[dict[str, Any]] = [{"role": "user", "content": "Say hello."}]
SHORT = {"max_tokens": 8, "temperature": 0}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["bug", "task"]}},
    "required": ["kind"],
    "additionalProperties": False,
}


def test_it_costs_what_models_on_this_machine_cost() -> None:
    """Otherwise `prices.local` would not count, and strict budgets would refuse it."""
    opened = LocalModelClient.open(LocalModelSettings(), Opening())
    table = {"local": Price(input=0, output=0)}
    assert Prices(table, "small", opened.base_url).cost((opened.model,), 10, 10) == 0


def test_the_first_call_starts_a_server_that_only_this_user_can_ask(client: LocalModelClient) -> None:
    state = client.server.state
    assert not is_locked(state.with_suffix(".lock"))
    answer = client.chat(HELLO, parameters=SHORT)
    assert answer["text"]
    assert (answer["model"], answer["finish_reason"]) == (SMALL.name, "length")
    assert answer["usage"]["output_tokens"] == 8
    assert "notes" not in answer
    running = client.server.running()
    assert client.server.running() == running == read_state(state)
    assert (state.stat().st_mode & 0o777, state.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert 200_000_000 < running.memory_bytes < SMALL.memory_bytes, "what people are told before"
    for path in ("/v1/models", "/props", "/slots", "/metrics"):
        for headers in ({}, {"Authorization": "Bearer guessed"}):
            assert httpx.get(f"http://127.0.0.1:{running.port}{path}", headers=headers).status_code == 401, path


def test_its_key_is_nowhere_but_in_the_state_file(client: LocalModelClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-owner")
    running = client.server.running()
    process = Path("/proc") / str(running.pid)
    started = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert running.key.encode() not in started
    assert b"sk-of-the-owner" not in started
    assert running.key not in repr(running)
    assert running.key not in known.in_text(f"Bearer {running.key} was refused.")


def test_it_answers_json_of_a_schema_streams_and_calls_in_plans(client: LocalModelClient) -> None:
    with reads_only():  # it changes nothing
        answer = client.chat_json(HELLO, SCHEMA, parameters={"max_tokens": 60, "temperature": 0})
    assert json.loads(answer["text"])["kind"] in {"bug", "task"}
    pieces: list[str] = []
    whole = client.chat(HELLO, parameters=SHORT, on_text=pieces.append)
    assert len(pieces) > 2
    assert "".join(pieces) == whole["text"]


def test_two_processes_that_begin_at_once_share_one_server(client: LocalModelClient, packages: Path) -> None:
    script = (
        "import sys; from clients.client import Opening; from clients.local_model.client import LocalModelClient as C;"
        "from clients.local_model.service import LocalModelSettings as S; c = C.open(S(), Opening());"
        f"print(c.server.running().pid, len(c.chat({HELLO!r}, parameters={SHORT!r})['text']))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(packages)])}
    begun = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
        for _ in range(2)
    ]
    said = [process.communicate()[0].split() for process in begun]
    assert said[0][0] == said[1][0] == str(client.server.running().pid)
    assert all(int(length) > 0 for _, length in said)


def test_it_ends_by_itself_though_its_starter_was_killed(client: LocalModelClient, packages: Path) -> None:
    script = (
        "import os, signal; from dataclasses import replace; from clients.client import Opening;"
        "from clients.local_model.client import LocalModelClient as C;"
        "from clients.local_model.service import LocalModelSettings as S;"
        "print(replace(C.open(S(), Opening()).server, idle_seconds=2).running().pid, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(packages)])}
    ran = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment, cwd=ROOT, check=False)
    assert ran.returncode == -signal.SIGKILL
    state = client.server.state
    assert is_locked(state.with_suffix(".lock"))
    until(lambda: not is_locked(state.with_suffix(".lock")), "the end of the server")
    assert not state.exists()


def test_it_does_not_end_in_the_middle_of_a_long_answer(client: LocalModelClient) -> None:
    first = replace(client.server, idle_seconds=1).running()
    began_at = time.monotonic()
    answer = client.chat(HELLO, parameters={"max_tokens": 300, "temperature": 0, "ignore_eos": True})
    assert time.monotonic() - began_at > 2, "longer than it may be idle"
    assert answer["usage"]["output_tokens"] == 300
    with pytest.raises(ProcessLookupError):  # and then it does
        until(lambda: os.kill(first.pid, 0))


def test_each_request_counts_as_use(client: LocalModelClient) -> None:
    server = replace(client.server, idle_seconds=2)
    first, began_at = server.running().pid, time.monotonic()
    while time.monotonic() - began_at < 5:
        assert client.chat(HELLO, parameters={"max_tokens": 1})["usage"]["output_tokens"] == 1
        assert server.running().pid == first
        time.sleep(0.5)


def test_a_server_that_is_killed_in_an_answer_is_an_error_and_the_next_call_works(client: LocalModelClient) -> None:
    killed = client.server.running().pid
    with pytest.raises(Unavailable) as caught:
        client.chat(HELLO, parameters=SHORT, on_text=lambda _: os.kill(killed, signal.SIGKILL))
    assert (caught.value.retryable, caught.value.service) == (True, "local_model")
    assert client.chat(HELLO, parameters=SHORT)["text"]
    assert client.server.running().pid != killed


class EndsBeforeIt(ModelServer):
    """A server that ends between the look at it and the request, once."""

    has_ended = False

    def running(self) -> RunningServer:
        """Return the server, and end it the first time."""
        found = super().running()
        if not self.has_ended:
            self.has_ended = True
            end(self.state, signal.SIGTERM)
        return found


def test_a_server_that_ends_just_before_a_request_is_started_again(client: LocalModelClient) -> None:
    old = client.server
    client.server = EndsBeforeIt(old.name, old.title, old.file, old.context, old.require_whole, old.memory_bytes)
    assert client.chat(HELLO, parameters=SHORT)["text"]


@pytest.mark.parametrize("written", [b"", b"{", b'{"pid": 1, "port": 0, "key": ""}', b"\xff\xfe", b"[]"], ids=repr)
def test_a_damaged_state_file_leads_to_a_new_server(client: LocalModelClient, written: bytes) -> None:
    before = client.server.running()
    client.server.state.write_bytes(written)
    assert client.chat(HELLO, parameters=SHORT)["text"]
    assert client.server.running().pid != before.pid
    with pytest.raises(ProcessLookupError):
        until(lambda: os.kill(before.pid, 0))


def test_what_a_dead_server_has_left_leads_to_no_other_program(client: LocalModelClient, scripted: Scripted) -> None:
    scripted.then(200, {})
    state = client.server.state
    port = int(scripted.url.rpartition(":")[2])
    left = {"pid": os.getpid(), "port": port, "key": "k" * 40, "memory_bytes": 1}
    state.write_text(json.dumps(left))
    assert client.chat(HELLO, parameters=SHORT)["text"]
    assert scripted.seen == []


def test_a_cancelled_call_stops_the_work_of_the_server(client: LocalModelClient) -> None:
    running = client.server.running()
    cancellation, spoke = CancellationToken(), threading.Event()
    raised: list[ServiceError] = []

    def ask() -> None:
        with ended_by(cancellation):
            try:
                endless = {"max_tokens": 2_000, "temperature": 0, "ignore_eos": True}
                client.chat(HELLO, parameters=endless, on_text=lambda _: spoke.set())
            except ServiceError as error:
                raised.append(error)

    def is_working() -> bool:
        headers = {"Authorization": f"Bearer {running.key}"}
        slots = httpx.get(f"http://127.0.0.1:{running.port}/slots", headers=headers, timeout=60).json()
        return bool(slots[0]["is_processing"])

    asking = threading.Thread(target=ask)
    asking.start()
    assert spoke.wait(60)
    assert is_working()
    cancellation.now()
    asking.join(10)
    assert raised
    ends_at = time.monotonic() + 5
    while is_working():
        assert time.monotonic() < ends_at, "it writes on for nobody"
        time.sleep(0.1)
    assert client.server.running() == running


def test_what_no_model_may_read_is_sent_to_none(packages: Path) -> None:
    def counted(content: bytes) -> int:
        opening = Opening(for_models=lambda body: body.replace(b"word word word", b" " * 14))
        client = LocalModelClient.open(LocalModelSettings(), opening)
        said = [{"role": "user", "content": content.decode()}]
        tokens: int = client.chat(said, parameters=SHORT)["usage"]["input_tokens"]
        client.close()
        return tokens

    assert counted(b"word word word") < counted(b"word word sword")


def test_the_check_says_what_it_reads_how_fast_it_is_and_what_it_takes(client: LocalModelClient) -> None:
    lines = [*client.check(), *client.look_closer(NOW)]
    assert [line.what for line in lines] == ["server", "context", "speed", "memory"]
    assert all(line.ok for line in lines)
    said = " ".join(line.text for line in lines)
    assert "SmolLM2 135M Instruct answers on this machine." in said
    assert "reads 8192 tokens at once" in said
    assert "tokens a second" in said
    assert "MB" in said


def test_a_context_of_the_settings_is_kept(packages: Path) -> None:
    client = LocalModelClient.open(LocalModelSettings(context=1_024), Opening())
    assert client.context_tokens() == 1_024
    with pytest.raises(InvalidRequest, match="context"):
        client.chat([{"role": "user", "content": "word " * 2_000}], parameters=SHORT)
    client.close()


def _flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.unlink()
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "said", "remedy"),
    [
        pytest.param(Path.unlink, "not on this machine yet", "connections add local_model", id="not fetched"),
        pytest.param(_flipped, "is damaged", "Fetch it again", id="a bit is wrong"),
    ],
)
def test_a_file_that_is_missing_or_damaged_is_told(
    client: LocalModelClient, harm: Callable[[Path], object], said: str, remedy: str
) -> None:
    harm(file_of(SMALL))
    with pytest.raises(InvalidRequest, match=said) as caught:
        client.chat(HELLO)
    assert remedy in caught.value.remedy
    assert not is_locked(client.server.state.with_suffix(".lock"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "cannot be read", id="none"),
        pytest.param(b"PK\x03\x04", "not a model in the form GGUF", id="another form"),
        pytest.param(b"GGUF" + b"\x01" * 5_000, "cannot load model.gguf", id="damaged"),
    ],
)
def test_a_file_of_ones_own_that_is_no_model_is_told(
    packages: Path, tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "model.gguf").write_bytes(content)
    client = LocalModelClient.open(LocalModelSettings(file="model.gguf"), Opening(workspace=tmp_path))
    with pytest.raises(InvalidRequest, match=said) as caught:
        client.chat(HELLO)
    assert caught.value.remedy


def test_a_model_of_ones_own_answers_by_the_path_of_its_file(packages: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").symlink_to(file_of(SMALL).resolve())
    client = LocalModelClient.open(LocalModelSettings(file="mine.gguf"), Opening(workspace=tmp_path))
    assert client.chat(HELLO, parameters=SHORT)["model"] == "mine"
    client.close()


def test_too_little_memory_is_told_before_anything_is_started(client: LocalModelClient) -> None:
    client.server = replace(client.server, memory_bytes=10**15)
    with pytest.raises(InvalidRequest, match="1000000000 MB of memory") as caught:
        client.chat(HELLO)
    assert "smaller model" in caught.value.remedy
    assert not client.server.state.with_suffix(".lock").exists()


def test_a_model_that_is_still_loading_is_told_and_found_by_the_next_call(client: LocalModelClient) -> None:
    with deadline(0.2), pytest.raises(Timeout, match="still loading"):
        client.chat(HELLO)
    assert client.chat(HELLO, parameters=SHORT)["text"]


def test_without_the_server_the_remedy_installs_it(cache: Path) -> None:
    client = LocalModelClient.open(LocalModelSettings(), Opening())
    [line] = client.check()
    assert not line.ok
    assert "needs the package xllamacpp" in line.text
    assert "ai-orchestra[local]" in line.text


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        pytest.param(lambda one: one.chat(HELLO, model="gpt-4.1-mini"), NotFound, "no 'gpt-4.1-mini'", id="another"),
        pytest.param(lambda one: one.embed(["a"]), InvalidRequest, "vectors", id="vectors"),
    ],
)
def test_what_it_cannot_do_is_refused_and_starts_nothing(
    cache: Path, ask: Callable[[LocalModelClient], object], error: type[ServiceError], said: str
) -> None:
    client = LocalModelClient.open(LocalModelSettings(), Opening())
    with pytest.raises(error, match=said):
        ask(client)
    assert not (cache / "ai-orchestra").exists()


def test_a_model_outside_of_the_catalogue_is_named(cache: Path) -> None:
    client = LocalModelClient.open(LocalModelSettings(model="smollm2-135"), Opening())
    [line] = client.check()
    assert (line.ok, line.field) == (False, "model")
    assert "smollm2-135m" in line.text
