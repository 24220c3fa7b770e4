"""*Tune for a model* on the Cases tab of a prompt: the cost before, and what it proposes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.dashboard.test_prompt import words
from tests.patience import until
from tests.scripted_model.scripted import MODEL, Answer, scripted

OWNER = Principal("owner", "owner")
NAME = "classify-mail"


def script(body: dict[str, Any], _number: int) -> Answer:
    """Say `task` of every mail, and be never sure of it."""
    if "Answer with one letter only" in body["messages"][-1]["content"]:
        return Answer(json.dumps({"letter": "A"}))
    return Answer(json.dumps({"kind": "task", "title": "t", "summary": "s"}))


@pytest.fixture
def model(workspace: Path, orchestra: Orchestra) -> Iterator[Any]:
    with scripted(script) as model:
        config = yaml.safe_load((workspace / "config.yaml").read_text())
        config["connections"]["llm"] = {"service": "openai", "base_url": model.base_url, "model": MODEL}
        (workspace / "config.yaml").write_text(yaml.safe_dump(config))
        orchestra.connections.set_mode(OWNER, "openai", AccountMode.MINE)
        for case in orchestra.cases.list(OWNER, NAME)[2:]:
            orchestra.cases.delete(OWNER, NAME, case.case)
        yield model


def test_a_model_is_tuned_for_and_the_proposal_is_shown_with_its_figures(
    orchestra: Orchestra, model: Any, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("prompt", name=NAME)
    page.query_params["tab"] = "cases"
    page.run()
    assert "At most " in words(page), "what it may cost is said before"
    page.checkbox(key=f"tune-agree-{NAME}").check().run()
    page.button(key=f"tune-{NAME}").click().run()
    assert not page.exception
    work = orchestra.copilot.prompting.tuning.work(OWNER, NAME)
    assert work is not None
    until(lambda: work.is_over, "the end of tuning")
    assert work.report is not None, work.error
    page.run()
    assert not page.exception
    assert work.report.best == "unsure below 60%", work.report
    assert "none wrong" in words(page)
    assert [one.key for one in page.button if one.key == f"accept-{work.report.proposal}"], "a person publishes"
