"""Pure steps that are heavy are called in a worker thread, within their time limit."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from engine.plugins import registry
from engine.plugins.step import Call
from tests.engine.conftest import Run, set_step


def test_only_a_heavy_step_leaves_the_loop(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, threads = type(registry.step_type("flow.set")), list[str]()

    def call(_self: Any, call: Call) -> Any:
        threads.append(threading.current_thread().name)
        return call.fields.values

    monkeypatch.setattr(kind, "call", call)
    assert run([set_step("a")])["status"] == "succeeded"
    monkeypatch.setattr(kind, "heavy", True)
    assert run([set_step("a", {"x": [1]})])["steps"][0]["output"] == {"x": [1]}
    assert [one.startswith("heavy") for one in threads] == [False, True]


def test_a_heavy_step_that_takes_too_long_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(registry.step_type("flow.set"))
    monkeypatch.setattr(kind, "heavy", True)
    monkeypatch.setattr(kind, "call", lambda _self, _call: time.sleep(1.0))
    document = run([set_step("a", timeout_seconds=0.1)])
    assert document["error"]["type"] == "Timeout"
