"""A picture shown to a model, and vectors, through the real client and the stand-in."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from clients.errors import InvalidRequest
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings
from engine.base.run_file import RunFile
from engine.plugins.step import Call
from engine.steps.llm.models import Embed, ListModels
from engine.steps.llm.vision import Vision, VisionOutput
from tests.engine.steps.llm.test_extract import SCHEMA, Server, call_of

if TYPE_CHECKING:
    from tests.conftest import StandIns


def png(size: tuple[int, int] = (30, 20)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "PNG")
    return out.getvalue()


def vision(call: Call, content: bytes, **arguments: Any) -> Any:
    file = {"$file": "x", "name": "scan.png", "bytes": len(content), "media_type": "image/png"}
    call.fields = Vision.fields.model_validate({"file": file, **arguments})

    def read(asked: RunFile) -> bytes:
        assert asked.name == "scan.png"
        return content

    call.read = read
    return Vision().call(call)


@pytest.fixture
def demo(standins: StandIns, http: httpx.Client) -> OpenAIClient:
    endpoint = standins["openai"]
    settings = OpenAISettings(api_key=SecretStr(endpoint.token), base_url=endpoint.base_url, model="demo-extractive")
    return OpenAIClient(settings, http)


def test_the_stand_in_says_that_it_cannot_see_and_what_it_knows(demo: OpenAIClient) -> None:
    output = vision(Call(fields=None, client=demo), png((640, 480)))
    assert VisionOutput.model_validate(output)
    assert "cannot see" in output["text"]
    assert "PNG, 640 x 480 pixels" in output["text"]
    assert (output["width"], output["height"], output["pages"], output["data"]) == (640, 480, 0, None)


def test_the_picture_goes_inside_the_message_and_is_not_kept_with_it() -> None:
    server = Server("A red square.")
    call = call_of(server, None)
    output = vision(call, png(), question="Which colour?")
    (message,) = server.asked[0]["messages"]
    head, _, encoded = message["content"][1]["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (30, 20)
    assert output["text"] == "A red square."
    assert call.request == {
        "messages": [{"role": "user", "content": "Which colour?\n[the picture]"}],
        "model": "served-model",
    }


def test_with_a_schema_the_answer_is_data() -> None:
    server = Server(json.dumps({"kind": "bug"}))
    output = vision(call_of(server, None), png(), schema=SCHEMA)
    assert (output["data"], output["text"]) == ({"kind": "bug"}, "")
    kind = Vision().output_schema({"schema": SCHEMA}, {})["properties"]["data"]["properties"]
    assert kind["title"]["outside"] is True
    assert "outside" not in kind["kind"]


def test_a_file_that_is_no_picture_is_not_sent() -> None:
    server = Server()
    with pytest.raises(InvalidRequest, match="readable picture"):
        vision(call_of(server, None), b"Hello")
    assert server.asked == []


def test_a_schema_that_is_none_is_found_when_the_file_is_checked() -> None:
    assert Vision().problems({"schema": {"type": "text"}}, {})
    assert Vision().problems({"schema": SCHEMA}, {}) == []


def test_texts_become_vectors_and_are_counted(demo: OpenAIClient) -> None:
    call = Call(fields=Embed.fields.model_validate({"texts": ["one", "two"], "dimensions": 8}), client=demo)
    output = Embed().call(call)
    assert [len(vector) for vector in output["vectors"]] == [8, 8]
    assert (output["dimensions"], output["model"]) == (8, "demo-extractive")
    assert call.usage.input_tokens > 0
    assert call.request == {"model": "demo-extractive"}


def test_models_are_listed(demo: OpenAIClient) -> None:
    assert ListModels().call(Call(fields=ListModels.fields(), client=demo)) == {"models": ["demo-extractive"]}
