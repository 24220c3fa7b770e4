"""Texts as vectors: in order, whole, as plain numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import BadAnswer, InvalidRequest
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted
    from tests.conftest import StandIns


def client_of(url: str, http: httpx.Client, key: str = "k", **more: str) -> OpenAIClient:
    settings = {"api_key": SecretStr(key), "base_url": url, "model": "chat-model", **more}
    return OpenAIClient(OpenAISettings.model_validate(settings), http)


def entry(index: int, *numbers: Any) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": list(numbers)}


def test_the_stand_in_gives_like_vectors_to_like_texts(standins: StandIns, http: httpx.Client) -> None:
    endpoint = standins["openai"]
    demo = client_of(endpoint.base_url, http, endpoint.token)
    texts = ["The app crashes on save", "Saving crashes the app", "Lunch on Friday?"]
    crash, again, lunch = demo.embed(texts)["vectors"]

    def likeness(one: list[float], other: list[float]) -> float:
        return math.fsum(a * b for a, b in zip(one, other, strict=True))

    assert likeness(crash, again) > 2 * likeness(crash, lunch)
    assert demo.embed(texts)["vectors"][0] == crash
    assert len(demo.embed(texts, dimensions=16)["vectors"][0]) == 16


def test_many_texts_go_in_parts_and_come_back_in_order(standins: StandIns, http: httpx.Client) -> None:
    endpoint = standins["openai"]
    demo = client_of(endpoint.base_url, http, endpoint.token)
    before = standins.requests("openai").get("POST /v1/embeddings", 0)
    texts = [f"text number {number}" for number in range(130)]
    answer = demo.embed(texts, dimensions=32)
    assert standins.requests("openai")["POST /v1/embeddings"] == before + 3
    assert len(answer["vectors"]) == 130
    assert answer["vectors"][100] == demo.embed([texts[100]], dimensions=32)["vectors"][0]
    assert answer["usage"]["input_tokens"] > 130


def test_vectors_are_sorted_by_the_place_of_their_text(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, {"model": "v-2", "data": [entry(1, 2), entry(0, 1)], "usage": {"prompt_tokens": 4}})
    answer = client_of(scripted.url, http, embedding_model="v").embed(["a", "b"])
    assert answer == {"vectors": [[1.0], [2.0]], "model": "v-2", "usage": {"input_tokens": 4, "output_tokens": 0}}
    asked = scripted.seen[0].json
    assert (asked["model"], asked["encoding_format"]) == ("v", "float"), "the SDK's own wish is base64"


def test_without_a_model_for_vectors_the_model_of_the_connection_is_asked(
    scripted: Scripted, http: httpx.Client
) -> None:
    scripted.then(200, {"data": [entry(0, 1)]})
    assert client_of(scripted.url, http).embed(["a"])["model"] == "chat-model"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param([entry(0, 1)], id="one is missing"),
        pytest.param([], id="none"),
        pytest.param([entry(0, 1), entry(0, 2)], id="two for one text"),
        pytest.param([entry(0, 1), entry(2, 2)], id="one for a text that was not given"),
        pytest.param([entry(0, 1), entry(1, 1, 2)], id="of two lengths"),
        pytest.param([entry(0), entry(1)], id="empty ones"),
        pytest.param([entry(0, "1"), entry(1, "2")], id="words"),
        pytest.param([{**entry(0), "embedding": "AACAPw=="}, {**entry(1), "embedding": "AACAPw=="}], id="base64"),
    ],
)
def test_what_is_no_vector_for_each_text_is_a_bad_answer(scripted: Scripted, http: httpx.Client, data: Any) -> None:
    scripted.then(200, {"data": data})
    with pytest.raises(BadAnswer):
        client_of(scripted.url, http).embed(["a", "b"])


def test_an_empty_text_is_named_before_anything_is_sent(scripted: Scripted, http: httpx.Client) -> None:
    with pytest.raises(InvalidRequest, match="Text 2 of 2 is empty"):
        client_of(scripted.url, http).embed(["a", "  "])
    assert scripted.seen == []
