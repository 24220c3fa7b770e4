"""Going on with a run whose account is another one by now: the page asks, and goes on once somebody agrees."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER
from tests.engine.conftest import Service, get_step, post_step, service, write_workflow

__all__ = ["service"]


def test_a_run_whose_account_has_changed_goes_on_once_somebody_agrees(
    orchestra: Orchestra, open_page: Callable[..., AppTest], service: Service
) -> None:
    config = orchestra.workspace.root / "config.yaml"
    lines = [
        "connections:",
        "  web:",
        "    service: http",
        f"    allow_hosts: ['127.0.0.1:{service.port}'{{more}}]",
        "approvals:",
        "  default: never",
        "",
    ]
    config.write_text("\n".join(lines).replace("{more}", ""))
    steps = [get_step("look", service.url("/look")), post_step("post", service.url("/write"))]
    write_workflow(orchestra.workspace.root, "work", steps)
    service.answers["/look"] = [404]
    run_id = orchestra.runs.start(OWNER.agreeing(True), "work", {})
    assert orchestra.runs.wait(OWNER, run_id, 60)["status"] == "failed"
    config.write_text("\n".join(lines).replace("{more}", ", 'tickets.example'"))

    at = open_page("run", id=run_id)
    at.button(key="resume").click().run()
    assert not at.exception
    assert any("tickets" in one.value for one in at.warning), "it says which account that is"
    assert service.seen["/write"] == 0
    at.button(key="agree").click().run()
    assert not at.exception
    assert orchestra.runs.wait(OWNER, run_id, 60)["status"] == "succeeded"
    assert service.seen["/write"] == 1


def test_what_is_wrong_names_pages_and_no_commands(orchestra: Orchestra, open_page: Callable[..., AppTest]) -> None:
    at = open_page("run", id="20260101-000000-000000")
    said = " ".join(one.value for one in (*at.error, *at.warning, *at.markdown, *at.info))
    assert "page Runs" in said
    assert "orchestra" not in said.lower().replace("ai-orchestra", "")
