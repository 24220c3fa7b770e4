"""A real server of a real small model: what it reads at once, one slot for several callers, cancelled work."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from clients.client import Opening
from clients.deadline import CancellationToken, deadline, ended_by
from clients.errors import InvalidRequest, ServiceError
from clients.local_model.client import LocalModelClient
from clients.local_model.service import LocalModelSettings
from engine.base.definitions import PromptDefinition
from engine.plugins.step import Call
from engine.steps.llm.extract import Chat
from tests.patience import until

CONTEXT = 1_024
STEP_SECONDS = 300.0
"""As a step of a model has them: reading a long question takes this model a minute on a busy machine."""
PROMPT: PromptDefinition = {"version": 1, "parameters": {"max_tokens": 4, "temperature": 0}}
TEXT = " ".join(f"Order {number} of Ann arrived late, and she wants her money back." for number in range(150))
"""About 2,500 tokens."""
ENTRIES = [f"Mail {number}: where is my parcel? I have waited since Monday." for number in range(150)]


def render(_prompt: Mapping[str, Any], variables: Mapping[str, Any]) -> list[dict[str, str]]:
    text = variables["text"]
    said = text if isinstance(text, str) else "\n".join(text)
    return [
        {"role": "system", "content": "Say in one word what the mails are about."},
        {"role": "user", "content": f"{said}\nAnswer now."},
    ]


@pytest.fixture
def small(packages: Path) -> Iterator[LocalModelClient]:
    """A client of the model with a context that is soon full."""
    opened = LocalModelClient.open(LocalModelSettings(context=CONTEXT), Opening())
    yield opened
    opened.close()


@pytest.mark.parametrize("text", [TEXT, ENTRIES], ids=["a text", "a list"])
@pytest.mark.parametrize("rule", ["newest", "start_and_end"])
def test_what_a_rule_leaves_fits_by_the_servers_own_count(small: LocalModelClient, rule: str, text: Any) -> None:
    fields = {"prompt": "p", "variables": {"text": text}, "too_long": rule}
    call = Call(Chat.fields.model_validate(fields), small, prompts={"p": PROMPT}, render=render)
    with deadline(STEP_SECONDS):
        answer: Any = Chat().call(call)
    assert answer["text"]
    assert CONTEXT // 2 < call.usage.input_tokens <= CONTEXT - 4  # as the server has counted them
    sent = call.request["messages"]
    assert isinstance(sent, list)
    assert "Say in one word" in str(sent[0])
    assert str(sent[1]).count("Answer now.") == 1
    assert ("Order 0 " in str(sent) or "Mail 0:" in str(sent)) == (rule == "start_and_end")
    assert sum("of 'text' was left out" in note for note in call.notes) == 1


def test_without_a_rule_nothing_is_sent(small: LocalModelClient) -> None:
    fields = {"prompt": "p", "variables": {"text": TEXT}}
    call = Call(Chat.fields.model_validate(fields), small, prompts={"p": PROMPT}, render=render)
    with pytest.raises(InvalidRequest, match=rf"tokens, and .* reads {CONTEXT:,} at once. Nothing was sent"):
        Chat().call(call)
    assert _count(small, "prompt_tokens_total") == 0


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("said", ["Count from one to a thousand, in words.", TEXT], ids=["it writes", "it reads"])
def test_a_cancelled_call_leaves_the_server_idle(client: LocalModelClient, is_streamed: bool, said: str) -> None:
    client.chat([{"role": "user", "content": "Hello"}], parameters={"max_tokens": 1})
    token, failed = CancellationToken(), list[ServiceError]()

    def ask() -> None:
        with ended_by(token):
            try:
                client.chat(
                    [{"role": "user", "content": said}],
                    parameters={"max_tokens": 1_000, "temperature": 0},
                    on_text=(lambda _: None) if is_streamed else None,
                )
            except ServiceError as error:
                failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: _is_busy(client), "the begin of the work")
    token.now()
    thread.join()
    until(lambda: not _is_busy(client), "the end of the work")
    assert failed
    made = _count(client, "tokens_predicted_total")
    time.sleep(1.0)
    assert _count(client, "tokens_predicted_total") == made < 1_000


def test_three_callers_of_one_slot_all_get_their_answer(client: LocalModelClient) -> None:
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        said = [{"role": "user", "content": f"Write the number {number} in words."}]
        with deadline(STEP_SECONDS):
            answers[number] = client.chat(said, parameters={"max_tokens": 12, "temperature": 0})["text"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in (1, 2, 3)]
    client.models()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [1, 2, 3]
    assert all(answers.values())


def _is_busy(client: LocalModelClient) -> bool:
    """Return whether the only slot of the server works."""
    server = client.server.running()
    asked = Request(f"http://127.0.0.1:{server.port}/slots", headers={"Authorization": f"Bearer {server.key}"})
    with urlopen(asked) as answer:
        slots = json.load(answer)
    return any(slot["is_processing"] for slot in slots)


def _count(client: LocalModelClient, name: str) -> float:
    """Return a count of the server's own metrics."""
    server = client.server.running()
    asked = Request(f"http://127.0.0.1:{server.port}/metrics", headers={"Authorization": f"Bearer {server.key}"})
    with urlopen(asked) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(json.loads(line.split()[1]) for line in lines if line.startswith(f"llamacpp:{name} ")))
