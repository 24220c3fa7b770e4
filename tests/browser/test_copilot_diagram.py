"""The diagram in an explanation: of the selected step and of the workflow, in both themes, on a phone, by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Served
from tests.browser.test_copilot import copied, found_by_axe, opened

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def explain(page: Page, words: str) -> None:
    """Ask, and wait for a diagram."""
    page.locator(".studio-copilot textarea").fill(words)
    page.keyboard.press("Enter")
    page.locator(".copilot-turn[data-last]", has_text=words).locator(".copilot-diagram").wait_for()


def test_a_drawing_explains_the_selected_step_and_the_workflow_and_leads_to_its_steps(
    served: Served, page: Page
) -> None:
    copied(served, "drawn")
    opened(page, served, "drawn")
    step = page.locator('.studio [data-step="issue"]')
    step.click()
    page.locator(".copilot-about", has_text="Open an issue").wait_for()
    explain(page, "explain")
    diagram = page.locator(".copilot-turn[data-last] .copilot-diagram")
    diagram.get_by_role("img", name="Steps in order: Each mail, What is it?, Open an issue").wait_for()
    page.get_by_role("button", name="Ask about the whole workflow").click()
    explain(page, "Explain")
    inner = "What is it?, Write a task, Open an issue, Mark for a person, Label the mail"
    diagram.get_by_role("img", name=f"Steps in order: Read mail, Each mail ({inner})").wait_for()
    diagram.get_by_role("button", name="Show Read mail on the canvas").press("Enter")
    page.locator(".copilot-about", has_text="Read mail").wait_for()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 844})
            diagram.wait_for()
            assert found_by_axe(page) == [], (scheme, width)
    diagram.get_by_role("button", name="Show Open an issue on the canvas").click()
    page.locator(".copilot-sheet").wait_for(state="detached")
