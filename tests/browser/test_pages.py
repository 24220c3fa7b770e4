"""Every page with real content, light and dark, on a wide screen and on a phone.

`make screenshots` keeps pictures of all four in `build/screenshots/`; without it, two of them are looked at.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dashboard.pages import all_views
from tests.browser.conftest import Served, settled
from tests.engine.sandbox.documents import pdf, written
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import APIRequestContext, Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

SCREENS = {"wide": (1280, 900), "phone": (390, 844)}
TALLEST_PICTURE = 3000
PICTURES = os.environ.get("SCREENSHOTS")
LOOKS = ["light-wide", "dark-wide", "light-phone", "dark-phone"] if PICTURES else ["light-wide", "dark-phone"]
BROKEN = {
    "schema_version": 1,
    "title": "Weekly figures",
    "steps": [
        {"id": "numbers", "uses": "flow.set", "with": {"values": {"week": 47, "mails": 212}}},
        {"id": "enough", "uses": "flow.fail", "with": {"message": "The figures of week 47 are not complete yet."}},
    ],
}
SEVERE = ("serious", "critical")
TOO_WIDE = """Math.max(...[document.scrollingElement, document.querySelector('[data-testid=stMain]')]
  .map(one => one.scrollWidth - one.clientWidth))"""
NOT_OURS = {"exclude": [["[data-testid=stSidebarNavItems]"]]}
"""Streamlit draws the sections of its menu as lists in lists."""


@pytest.fixture(scope="module")
def addresses(served: Served, browser: Browser, signed_in: dict[str, Any]) -> Mapping[str, list[str]]:
    """Return the addresses to look at, by the path of their page, after filling the workspace."""
    context = browser.new_context(storage_state=signed_in)  # type: ignore[arg-type]
    asked = Requests(context.request, served.url)
    runs = [
        asked.post("/workflows/execute", workflow="inbox-triage", inputs={"limit": limit}, wait_seconds=60)["run_id"]
        for limit in (8, 6)
    ]
    (served.root / "workflows" / "weekly-figures.json").write_text(json.dumps(BROKEN))
    failed = asked.post("/workflows/execute", workflow="weekly-figures", inputs={}, wait_seconds=60)["run_id"]
    asked.post("/workflows/execute", workflow="answer-mail", inputs={}, wait_seconds=5)
    plan = asked.post("/workflows/execute", workflow="inbox-triage", inputs={}, plan=True, wait_seconds=60)["plan_id"]
    columns = [{"version": "production"}, {"draft": True}]
    asked.post("/api/prompts/classify-mail/compare", columns=columns, sample="A bug", wait_seconds=60)
    asked.post("/api/prompts/classify-mail/tests", columns=["production", "draft"], wait_seconds=60)
    asked.post("/api/users/owner/tokens", name="laptop", mcp_only=True, role="operator")
    asked.put("/api/fragments/tone", text="Write in a friendly, short way.", etag=None)
    asked.post("/api/tools", name="iban-check", sample="iban-check")
    asked.post("/api/tools/iban-check/test")
    (served.root / "files").mkdir(exist_ok=True)
    (served.root / "files" / "offer.pdf").write_bytes(pdf(written("An offer"), written(*["Its conditions"] * 60)))
    (served.root / "files" / "orders.csv").write_text("id,name\n1,Ann\n2,Bo\n")
    asked.post("/api/environments/init")
    for name in ("dev", "prod"):
        asked.put(f"/api/environments/{name}/variables", variables={"DATABASE": "Tasks", "LIMIT": 5})
    asked.put("/api/environments/dev/connections", connections={"notion": "demo"})
    asked.post("/api/environments/prod/promote", workflow="inbox-triage", source="dev")
    asked.post("/api/workflows", name="research", sample="research-agent")
    asked.post("/workflows/execute", workflow="research", inputs={"mails": "crashes"}, wait_seconds=30)
    talk = asked.get("/api/runs?workflow=agent:research-agent")["runs"][0]
    context.close()
    by_page = {
        "workflow": [
            "workflow?name=inbox-triage",
            *(
                f"workflow?name=inbox-triage&tab={tab}"
                for tab in ("triggers", "canvas", "edit", "history", "environments")
            ),
        ],
        "run": [
            f"run?id={runs[0]}",
            f"run?id={runs[0]}&open=each_mail[0]",
            f"run?id={runs[0]}&tab=timeline",
            f"run?id={runs[0]}&tab=map",
            f"run?id={failed}",
            f"run?id={talk['run_id']}",
            f"run?id={talk['parent_run_id']}&tab=conversation",
        ],
        "agent": [f"agent?name=research-agent&tab={tab}" for tab in ("edit", "try", "versions", "used-by", "runs")],
        "compare": [f"compare?first={runs[0]}&second={runs[1]}"],
        "plan": [f"plan?id={plan}"],
        "prompt": [f"prompt?name=classify-mail&tab={tab}" for tab in ("edit", "try", "compare", "cases", "versions")],
        "prompts": ["prompts", "prompts?tab=fragments"],
        "fragment": ["fragment?name=tone"],
        "tools": ["tools?tool=iban-check", "tools?tool=iban-check&tab=versions"],
        "files": ["files?file=files/offer.pdf", "files?file=files/orders.csv"],
        "demo": ["demo", "demo?tab=notion", "demo?tab=github"],
        "triggers": ["triggers"],
        "approvals": ["approvals"],
    }
    assert by_page.keys() <= {view.page.path for view in all_views()}
    return {view.page.path: by_page.get(view.page.path, [view.page.path]) for view in all_views()}


class Requests:
    """The REST API, asked by the signed-in browser."""

    def __init__(self, context: APIRequestContext, url: str) -> None:
        self._context, self._url = context, url

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return self._answer(self._context.post(self._url + path, data=body, headers={"Origin": self._url}))

    def get(self, path: str) -> dict[str, Any]:
        return self._answer(self._context.get(self._url + path))

    def put(self, path: str, **body: Any) -> dict[str, Any]:
        return self._answer(self._context.put(self._url + path, data=body, headers={"Origin": self._url}))

    def _answer(self, answer: Any) -> dict[str, Any]:
        assert answer.ok, f"{answer.url}: {answer.status} {answer.text()}"
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def page(served: Served, browser: Browser, signed_in: dict[str, Any]) -> Iterator[Page]:
    """Return a page with the first of the looks."""
    context = browser.new_context(storage_state=signed_in, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    opened = context.new_page()
    _looks(opened, LOOKS[0])
    yield opened
    context.close()


def _looks(page: Page, look: str) -> None:
    """Give a page a theme and a size."""
    theme, screen = look.split("-")
    width, height = SCREENS[screen]
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": height})


def test_the_search_and_what_is_told_cover_nothing(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/demo")
    settled(page)
    page.get_by_role("button", name="New mail arrives").click()
    toast, main = page.get_by_test_id("stToast").first.bounding_box(), page.locator(".st-key-page").bounding_box()
    assert toast is not None
    assert main is not None
    assert toast["x"] + toast["width"] <= main["x"], "beside what the page shows"
    page.goto(f"{served.url}/gallery")
    settled(page)
    search = page.get_by_role("button", name="Search", exact=True)
    before = search.bounding_box()
    page.get_by_test_id("stMain").evaluate("one => one.scrollBy(0, 300)")
    after = search.bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] == before["y"] - 300, "over nothing that is scrolled"


@pytest.mark.parametrize("every_look", [False, pytest.param(True, marks=pytest.mark.chaos)])
def test_every_page_fits_the_screen_and_can_be_read_by_everybody(
    served: Served, addresses: Mapping[str, list[str]], page: Page, every_look: bool
) -> None:
    """In one of its looks, each in turn, or in every one."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', one => console.error('policy: ' + one.violatedDirective))"
    )
    page.on("console", lambda line: wrong.append(f"{page.url}: {line.text}") if "policy: " in line.text else None)
    for number, address in enumerate(one for found in addresses.values() for one in found):
        page.goto(f"{served.url}/{address}")
        settled(page)
        wrong += _wrong_in(LOOKS if every_look else [LOOKS[number % len(LOOKS)]], page, address)
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("combobox", name="Search").fill("mail")
    page.get_by_role("option", name="Answer mail").first.wait_for()
    wrong += _wrong_in(LOOKS, page, "search")
    assert wrong == [], "\n".join(wrong)


def _wrong_in(looks: Sequence[str], page: Page, address: str) -> list[str]:
    """Return what is wrong on a page, which is drawn once and then changes its looks."""
    wrong = []
    for look in looks:
        _looks(page, look)
        settled(page)
        page.wait_for_timeout(300)
        wrong += [f"{look}: {address}: {one}" for one in _findings(page)]
        if PICTURES:
            _keep(page, Path(PICTURES) / look / f"{re.sub(r'[^a-z0-9-]+', '-', _plain(address)) or 'home'}.png")
    _looks(page, LOOKS[0])
    return wrong


def _findings(page: Page) -> list[str]:
    """Return what is wrong on a page, and still is after a while: what is being drawn anew is pale for a moment."""
    found = _seen(page)
    for _ in range(3):
        if found:
            page.wait_for_timeout(1500)
            settled(page)
            found = _seen(page)
    return found


def _seen(page: Page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = ["an exception"] * page.locator("[data-testid=stException]").count()
    if (width := page.evaluate(TOO_WIDE)) > 0:
        found.append(f"{width} px wider than the screen")
    for one in Axe().run(page, context=NOT_OURS).response["violations"]:
        if one["impact"] in SEVERE:
            found += [f"{one['id']}: {node['html'][:300]}" for node in one["nodes"][:3]]
    return found


def _plain(address: str) -> str:
    return re.sub(r"(id|first|second)=[^&]*", r"\1", address)


def _keep(page: Page, path: Path) -> None:
    """Keep a picture of the whole page, which Streamlit scrolls inside the window."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert page.viewport_size is not None
    size = page.viewport_size
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(max(height, size["height"]), TALLEST_PICTURE)})
    page.wait_for_timeout(300)
    page.screenshot(path=path)
    page.set_viewport_size(size)
