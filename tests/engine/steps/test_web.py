"""The step that reads a web page."""

from __future__ import annotations

import httpx

from clients.http.client import HttpClient
from clients.http.service import HttpSettings
from engine.plugins.step import Call
from engine.steps.web import Read


def test_a_page_without_text_says_so() -> None:
    page = "<html><body><div id='app'></div><script src='app.js'></script></body></html>"
    transport = httpx.MockTransport(lambda _: httpx.Response(200, html=page))
    client = HttpClient(HttpSettings(), httpx.Client(transport=transport))
    call = Call(fields=Read().fields.model_validate({"url": "https://x.example/"}), client=client, marker="m" * 32)
    assert Read().call(call)["text"] == ""
    assert call.notes == ["The page has no text that people see; it may be written by scripts."]
