"""Typed text in the long form (`make chaos`): each field is left by a reload and by a quick press on a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.test_typed_text import EDITORS, Editor, question, stays_typed

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Served

__all__ = ["question"]


@pytest.mark.usefixtures("question")
@pytest.mark.parametrize("editor", EDITORS)
def test_what_is_typed_is_there_after_a_reload_and_after_a_quick_press_on_a_link(
    served: Served, page: Page, editor: Editor
) -> None:
    stays_typed(served, page, editor)
