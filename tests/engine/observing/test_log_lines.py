"""Log lines: JSON or text, with the run and the step that they belong to, and without secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from clients.secrets import known
from engine.files.log_levels import OURS
from engine.observing import context
from engine.observing.log_lines import TextLines, json_lines, set_log_levels
from engine.orchestra import Orchestra
from tests.engine.conftest import Run, Service, get_step, set_step

SECRET = "s3cr3t\"with 'quotes' and \\ ü-0123456789"


class Lines:
    """A log that is written by a formatter."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self._text = StringIO()
        self.handler = logging.StreamHandler(self._text)
        self.handler.setFormatter(formatter)

    def text(self) -> str:
        return self._text.getvalue()

    def found(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture(params=[json_lines, TextLines], ids=["json", "text"])
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    yield from _written_by(request.param())


@pytest.fixture
def as_json() -> Iterator[Lines]:
    yield from _written_by(json_lines())


@pytest.fixture
def as_text() -> Iterator[Lines]:
    yield from _written_by(TextLines())


def _written_by(formatter: logging.Formatter) -> Iterator[Lines]:
    lines, root, httpx = Lines(formatter), logging.getLogger(), logging.getLogger("httpx")
    root.addHandler(lines.handler)
    httpx.setLevel(logging.INFO)  # a line for each request, from the thread that sends it
    yield lines
    httpx.setLevel(logging.NOTSET)
    root.removeHandler(lines.handler)


def test_a_line_from_the_thread_of_a_call_names_run_step_and_process(
    orchestra: Orchestra, run: Run, service: Service, as_json: Lines
) -> None:
    read = get_step("read", service.url("{{ path }}"))
    each = {"id": "each", "foreach": "{{ ['/a', '/b'] }}", "as": "path", "key": "{{ path }}", "parallel": 2}
    document = run([set_step("one"), {**each, "steps": [read]}])
    assert document["status"] == "succeeded"
    found = {line["event"].split()[3]: line for line in as_json.found() if line["logger"] == "httpx"}
    assert found[service.url("/a")]["step"] == "each[0].read"
    assert found[service.url("/b")]["step"] == "each[1].read"
    for line in found.values():
        assert (line["run_id"], line["owner"]) == (document["run_id"], orchestra._families.work.worker.owner.id)
        assert line["level"] == "info"
        assert line["timestamp"].endswith("Z")
    assert context.current() == {}


def test_text_has_the_names_at_the_end_of_the_line(as_text: Lines) -> None:
    with context.more(run_id="r1"), context.more(step="a.b"):
        try:
            raise ValueError("bad")
        except ValueError:
            logging.getLogger("x").exception("said")
    logging.getLogger("x").error("outside")
    first, *_, error, outside = as_text.text().splitlines()
    assert first.endswith("ERROR x: said [run_id=r1 step=a.b]")
    assert error == "ValueError: bad"
    assert outside.endswith("ERROR x: outside")


def test_no_format_tells_a_secret(lines: Lines) -> None:
    known.keep("a test", SECRET)
    try:
        log = logging.getLogger("x")
        log.error("refused: %s", SECRET)
        try:
            raise ValueError(SECRET)
        except ValueError:
            log.exception("broke down")
    finally:
        known.keep("a test")
    assert lines.text().count("***") >= 2
    assert "0123456789" not in lines.text()


def test_each_record_is_one_line_of_json_and_a_traceback_has_no_values(as_json: Lines) -> None:
    own_secret = "only in a variable"
    try:
        raise ValueError(len(own_secret))
    except ValueError:
        logging.getLogger("x").exception("two\nlines", extra={"odd": object()})
    logging.getLogger("x").warning("%d of %s", 1, b"\xff")
    first, second = as_json.found()
    assert first["event"].startswith("two\nlines")
    assert "ValueError: 18" in first["exception"]
    assert "only in a variable" not in json.dumps(first).replace("own_secret = ", "").replace(
        '"only in a variable"', ""
    )
    assert (second["event"], second["level"], second["logger"]) == ("1 of b'\\xff'", "warning", "x")
    assert isinstance(second["process"], int)


@pytest.mark.parametrize(
    ("written", "ours", "runner", "library"),
    [
        pytest.param("warning", "WARNING", "WARNING", "WARNING", id="default"),
        pytest.param("debug", "DEBUG", "DEBUG", "WARNING", id="libraries-may-log-what-they-send"),
        pytest.param("error", "ERROR", "ERROR", "ERROR", id="less"),
        pytest.param("engine.runner=debug", "WARNING", "DEBUG", "WARNING", id="one-logger"),
        pytest.param("httpx=debug, info,engine.runner = error", "INFO", "ERROR", "DEBUG", id="in-any-order"),
    ],
)
def test_a_level_is_for_our_loggers_and_for_those_that_are_named(
    written: str, ours: str, runner: str, library: str, levels: None
) -> None:
    set_log_levels(written)
    loggers = ("engine.triggering.polling", "engine.runner.worker.execution", "httpx")
    found = [logging.getLevelName(logging.getLogger(one).getEffectiveLevel()) for one in loggers]
    assert found == [ours, runner, library]


def test_info_tells_of_runs_and_debug_of_calls(run: Run, lines: Lines, levels: None) -> None:
    set_log_levels("debug")
    document = run([set_step("one")])
    assert f"run {document['run_id']} of work begins" in lines.text()
    assert "flow.set succeeded in" in lines.text()
    assert f"run {document['run_id']} succeeded" in lines.text()


@pytest.fixture
def levels() -> Iterator[None]:
    """The levels of all loggers are afterwards what they were."""
    names = ["", *logging.root.manager.loggerDict, *OURS, "engine.runner", "httpx"]
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
