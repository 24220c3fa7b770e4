"""The evaluation through the conversation: some requests in every way, and a model that obeys the mail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from evals.copilot.obeying import obeying
from evals.copilot.requests import requests
from evals.copilot.ways import WAYS, in_every_way
from tests.scripted_model.scripted import MODEL, Answer, scripted

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "id_", [*(pytest.param(one, marks=pytest.mark.chaos) for one in ("change-01", "create-02")), "ask-01", "fix-12"]
)
def test_a_request_comes_out_as_it_must_in_every_way(id_: str) -> None:
    seen = list(in_every_way([one for one in requests() if one.id == id_], list(WAYS)))
    assert [one for one in seen if one.faults] == []
    assert {"good", "too busy", "cut stream", "cut JSON"} <= {one.way for one in seen}


def test_a_model_that_obeys_the_mail_gains_nothing_without_a_tick() -> None:
    seen = list(obeying([one for one in requests() if one.id in ("injection-01", "injection-09")]))
    assert [one for one in seen if one.faults] == []
    assert len(seen) == 5


def _evaluated(*given: str, key: str = "sk-own") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evals.copilot", "--only", "ask-01", "--model", MODEL, *given]
    environment = {**os.environ, "OWN_KEY": key}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


@pytest.mark.chaos
def test_a_model_of_ones_own_is_asked_by_its_address_and_goes_on_later(tmp_path: Path) -> None:
    given = ("--key", "OWN_KEY", "--kept", str(tmp_path / "kept.json"))
    with scripted([Answer("", [("ask", {"question": "What should happen, and where?", "choices": []})])]) as model:
        for runs in (1, 2):
            done = _evaluated("--url", model.base_url, *given, "--runs", str(runs))
            assert done.returncode == 0, done.stderr
            assert len(model.requests) == runs
    assert re.search(r"pass@k 1 of 1 .*pass\^k 1 of 1", done.stdout)


def test_without_a_key_it_says_which_variable_has_it() -> None:
    done = _evaluated("--key", "OWN_KEY", key="")
    assert done.returncode == 1
    assert "OWN_KEY is not set" in done.stderr
