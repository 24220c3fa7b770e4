"""A person with one hand on a served workspace, and what they have made there."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import REPOSITORY, Served
from tests.browser.stories.hands import Hand, Keyboard, Mouse
from tests.patience import until

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass(frozen=True)
class Story:
    """A story told with one hand; with the other it goes on in the same workspace, where each name is its own."""

    served: Served
    page: Page
    hand: Hand

    @property
    def main(self) -> Any:
        return self.page.get_by_test_id("stMain")

    @property
    def form(self) -> Any:
        """The panel of the canvas."""
        return self.page.locator(".studio-panel")

    def name(self, word: str) -> str:
        return f"{word}-{self.hand.name}"

    def title(self, word: str) -> str:
        return f"{word.capitalize()} by {self.hand.name}"

    def home(self) -> None:
        """Begin where everybody begins."""
        self.page.goto(self.served.url)
        self.page.get_by_role("heading", name="Home", exact=True).wait_for()

    def button(self, label: str) -> Any:
        return self.page.get_by_role("button", name=label, exact=True)

    def save(self) -> None:
        """Save what is on the canvas."""
        self.hand.save()
        self.page.locator(".studio-state", has_text="Saved").wait_for()

    def has(self, word: str, *steps: dict[str, Any], **more: Any) -> str:
        """Put a workflow into the workspace; return its name."""
        document = {"schema_version": 1, "title": self.title(word), **more, "steps": list(steps)}
        self.file(word).write_text(json.dumps(document, indent=2))
        return self.name(word)

    def file(self, word: str) -> Any:
        return self.served.root / "workflows" / f"{self.name(word)}.json"

    def steps(self, word: str) -> Any:
        """Return the steps of a workflow as its file has them."""
        return json.loads(self.file(word).read_text())["steps"]

    # ---- what a program sees

    def asked(self, path: str) -> Any:
        answer = self.page.request.get(self.served.url + path)
        assert answer.ok, answer.text()
        return answer.json()

    def sent(self, path: str, **body: Any) -> Any:
        answer = self.page.request.post(self.served.url + path, data=body, headers={"Origin": self.served.url})
        assert answer.ok, answer.text()
        return answer.json()

    def ran(self, word: str, wait_seconds: int = 60, **more: Any) -> Any:
        """Run a workflow and return the document of its run."""
        return self.sent("/workflows/execute", workflow=self.name(word), wait_seconds=wait_seconds, **more)

    def runs(self, word: str) -> Any:
        """Return the rows of the runs of a workflow, newest first."""
        return self.asked(f"/api/runs?workflow={self.name(word)}")["runs"]

    def ended(self, run_id: str) -> Any:
        """Wait until a run has succeeded; return its document."""
        return until(
            lambda: run if (run := self.asked(f"/api/runs/{run_id}"))["status"] == "succeeded" else None, run_id
        )

    def opened_run(self) -> str:
        """Wait for the page of a run, and return its id."""
        self.page.wait_for_url("**/run?id=*")
        return str(self.page.url.rsplit("id=", 1)[1].split("&")[0])

    def issues(self, title: str) -> list[Any]:
        """Return the issues with a title, as the stand-in for GitHub has them."""
        return [one for one in self.outside()["github"]["issues"] if one["title"] == title]

    def outside(self) -> Any:
        """Return what the stand-ins have, by service."""
        command = [sys.executable, "-m", "demo", "show", "--dir", str(self.served.root / ".orchestra" / "demo")]
        shown = subprocess.run(command, capture_output=True, check=True, cwd=REPOSITORY)
        return json.loads(shown.stdout)


@pytest.fixture(
    params=[pytest.param(Mouse, id="mouse", marks=pytest.mark.chaos), pytest.param(Keyboard, id="keyboard")]
)
def story(request: pytest.FixtureRequest, served: Served, page: Page) -> Story:
    """The beginning of a story, told by keyboard; `make assurance` tells it by mouse, too."""
    page.set_viewport_size({"width": 1600, "height": 1200})
    return Story(served, page, request.param(page))
