from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
NASTY = (
    "<img src=x onerror=alert(1)> ![x](http://evil/x.png) :red[x] www.evil.com http://evil.com me@x.org :smile: "
    ":material/check: $x$ $$y$$ [a](b) | --- ~~s~~ `c` &amp; &lt; <!-- q --> \\* -> <- -- # h 1. l > q ^^ ftp://a.b"
)


def run_ids(root: Path, workflow: str) -> list[str]:
    orchestra = Orchestra.open(root)
    try:
        return [row.run_id for row in orchestra.runs.list(OWNER, workflow=workflow).rows]
    finally:
        orchestra.close()


@pytest.mark.parametrize("gap_milliseconds", [0, pytest.param(300, marks=pytest.mark.chaos)])
def test_a_double_click_on_run_makes_one_run_and_ends_on_its_page(
    served: Served, page: Page, gap_milliseconds: int
) -> None:
    page.goto(f"{served.url}/workflow?name=commit-digest")
    settled(page)
    before = run_ids(served.root, "commit-digest")
    box = page.locator(".st-key-run-commit-digest button").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    page.wait_for_timeout(gap_milliseconds)
    page.mouse.click(x, y)
    page.wait_for_url("**/run?id=*")
    page.wait_for_timeout(1500)  # what the second click does comes late
    settled(page)
    new = [run_id for run_id in run_ids(served.root, "commit-digest") if run_id not in before]
    assert len(new) == 1
    assert page.url == f"{served.url}/run?id={new[0]}"
    page.get_by_role("heading", name="Commit digest").wait_for()


@pytest.fixture(scope="module")
def nasty(served: Served) -> str:
    """A workflow whose every text tries to become something else, and a failed run of it."""
    document = {
        "schema_version": 1,
        "title": NASTY,
        "description": NASTY,
        "inputs": {
            "type": "object",
            "properties": {"a": {"type": "string", "title": NASTY, "description": NASTY, "default": ""}},
        },
        "steps": [{"id": "a", "title": NASTY, "uses": "flow.assert", "with": {"condition": False, "message": NASTY}}],
    }
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.save(OWNER, "nasty", json.dumps(document), None)
    run_id = orchestra.runs.start(OWNER, "nasty", {})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "failed"
    orchestra.close()
    return run_id


@pytest.mark.parametrize(
    "path",
    [
        *(pytest.param(path, marks=pytest.mark.chaos) for path in ("/", "/workflows", "/runs")),
        "/workflow?name=nasty",
        "/run?id={run_id}",
    ],
)
def test_text_is_shown_letter_by_letter(served: Served, page: Page, nasty: str, path: str) -> None:
    """But for the description, which is Markdown: an address written out in it is a link, and says where it leads."""
    page.goto(served.url + path.format(run_id=nasty))
    settled(page)
    main = page.get_by_test_id("stMain")
    page.wait_for_function("() => document.querySelector('[data-testid=stMain]').innerText.includes('onerror')")
    assert NASTY in main.inner_text()
    links = main.locator("a").evaluate_all("all => all.map(one => [one.href, one.innerText, !!one.closest('.prose')])")
    elsewhere = [
        (text, in_description) for address, text, in_description in links if not address.startswith(served.url)
    ]
    assert set(elsewhere) <= {("http://evil.com", True)}
    assert main.locator("img, .katex").count() == 0


@pytest.mark.parametrize(
    "typed", ["1e5", *(pytest.param(one, marks=pytest.mark.chaos) for one in ("99999", "99999999999999999999"))]
)
def test_a_number_that_cannot_be_used_is_refused_and_never_replaced(served: Served, page: Page, typed: str) -> None:
    page.goto(f"{served.url}/workflow?name=inbox-triage")
    settled(page)
    before = run_ids(served.root, "inbox-triage")
    field = page.get_by_label("At most")
    field.click()
    page.keyboard.press("Control+a")
    page.keyboard.type(typed)
    page.get_by_role("button", name="Run", exact=True).click(no_wait_after=True)
    page.wait_for_timeout(1500)
    settled(page)
    assert page.url == f"{served.url}/workflow?name=inbox-triage"
    said = page.get_by_test_id("stMain").inner_text() + str(field.evaluate("one => one.validationMessage"))
    assert f"{typed} is not between" in said or f"{typed} cannot be used" in said
    assert run_ids(served.root, "inbox-triage") == before
