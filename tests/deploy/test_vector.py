"""Vector's settings: wired, with every member of our lines, and run where Vector or its language is installed."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.observing import context
from engine.observing.log_lines import json_lines

FILE = Path(__file__).resolve().parents[2] / "deploy" / "vector" / "vector.yaml"
VECTOR: dict[str, Any] = yaml.safe_load(FILE.read_text())
PROGRAM: str = VECTOR["transforms"]["lines"]["source"]


def line() -> str:
    """An error of a step, as the server logs it."""
    try:
        raise ValueError("no such mail")
    except ValueError as error:
        failure = (type(error), error, error.__traceback__)
    record = logging.LogRecord("engine.runner", logging.ERROR, __file__, 1, "step %s broke", ("one",), failure)
    with context.within({"owner": "serve-1", "run_id": "r1", "step": "one", "request_id": "q1"}):
        return json_lines().format(record)


def test_each_part_takes_from_one_that_exists_and_data_streams_are_only_added_to() -> None:
    transform, sink = VECTOR["transforms"]["lines"], VECTOR["sinks"]["elasticsearch"]
    assert (transform["inputs"], sink["inputs"]) == (["server"], ["lines"])
    assert VECTOR["sources"].keys() == {"server"}
    assert (sink["mode"], sink["bulk"]["action"]) == ("data_stream", "create")
    assert all(re.fullmatch(r"\$\{[A-Z_]+\}", one) for one in (*sink["endpoints"], sink["auth"]["password"]))


def test_it_reads_every_member_of_a_line_and_no_other() -> None:
    assert set(re.findall(r"\bline\.(\w+)", PROGRAM)) == json.loads(line()).keys()


def test_lines_get_the_names_of_elastic_and_others_stay() -> None:
    pyvrl = pytest.importorskip("pyvrl", reason="`pip install pyvrl` runs Vector's language")
    transform, read = pyvrl.Transform(PROGRAM), {"host": "h", "file": "/log", "timestamp": "2026"}
    found = transform.remap({"message": line(), **read})
    assert (found["message"], found["log"]["level"], found["host"]) == ("step one broke", "error", {"name": "h"})
    assert "no such mail" in found["error"]["stack_trace"]
    assert found["orchestra"] == {"owner": "serve-1", "run_id": "r1", "step": "one", "request_id": "q1"}
    for other in ("Thread 0x1 (most recent call first):", "[1]", '{"event": 1', "{}"):
        assert transform.remap({"message": other, **read})["message"] == other


def test_vector_reads_it() -> None:
    if shutil.which("vector") is None:
        pytest.skip("Vector is not installed")
    names = ("ELASTICSEARCH_URL", "ELASTICSEARCH_USER", "ELASTICSEARCH_PASSWORD")
    settings = dict.fromkeys(names, "http://127.0.0.1:9200")
    asked = ["vector", "validate", "--no-environment", str(FILE)]
    told = subprocess.run(asked, env=settings, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
