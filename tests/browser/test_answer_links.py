"""Links that answer a question: nothing that a viewer's browser receives has one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Role
from tests.browser.conftest import Served, sign_in
from tests.browser.test_debugging import LOCAL
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, WebSocket

SIGNATURE = "Ab-_--9z" * 5 + "xyz"
LINK = f"https://orchestra.example/approve?token=abcdefg2.1790000000.{SIGNATURE}"


@pytest.mark.parametrize(("role", "shown"), [("viewer", "left-out-left-out-"), ("operator", SIGNATURE)])
def test_the_dashboard_sends_viewers_no_link(served: Served, browser: Browser, role: Role, shown: str) -> None:
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        orchestra.users.add(LOCAL, role, role.title(), role)
        orchestra.tables.save(LOCAL, "seen", "k", {"text": LINK, "more": "x" * 20_000}, demo=True)
        link = f"{served.url}/login?token={orchestra.users.login_link(LOCAL, role)}"
    finally:
        orchestra.close()
    state = sign_in(replace(served, login_url=link), browser)
    context = browser.new_context(storage_state=state)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page, frames = context.new_page(), list[bytes]()

    def received(frame: str | bytes) -> None:
        frames.append(frame.encode() if isinstance(frame, str) else frame)

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", received)

    page.on("websocket", opened)
    page.goto(f"{served.url}/tables?table=seen&row=k")
    page.get_by_text(f"token=abcdefg2.1790000000.{shown}").filter(visible=True).first.wait_for()
    assert (SIGNATURE.encode() in b"".join(frames)) is (role == "operator")
    context.close()
