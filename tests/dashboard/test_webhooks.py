"""The card of a webhook: its address and key, what was delivered, sending it again, and inputs made from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from engine.hooks.signatures import Received
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.hook_signing import KEY, sent

LOCAL = Principal("local:ann", "owner")


def _write(root: Path) -> None:
    trigger = {"id": "hook", "uses": "webhook.received", "with": {"verify": "github"}}
    step = {"id": "note", "uses": "flow.set", "with": {"values": {"done": True}}}
    document = {"schema_version": 1, "title": "Orders", "inputs": {"type": "object", "properties": {}}}
    text = json.dumps({**document, "triggers": [trigger], "steps": [step]})
    (root / "workflows" / "orders.json").write_text(text)


def _deliver(orchestra: Orchestra) -> None:
    name, token = orchestra.hooks.get(LOCAL, "orders", "hook").url.split("/")[-2:]
    what = sent("github", 0, "first", customer={"name": "Ann"}).having()
    door = orchestra.hook_door
    door.receive(door.open(name, token), Received(dict(what.headers), {}, what.body))


def _pressed(page: AppTest, label: str) -> AppTest:
    """Press a button, without running the page: what is in a dialog is there only with the button that opens it."""
    next(one for one in page.button if one.label == label).click()
    return page


def test_a_person_gives_the_key_and_works_with_what_was_delivered(
    orchestra: Orchestra, workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    _write(workspace)
    page = open_page("triggers")
    assert "Its key is missing: no delivery is accepted." in [one.value for one in page.warning]
    _pressed(page, "Key …").run()
    next(one for one in page.text_input if one.label == "Key").set_value(KEY)
    _pressed(page, "Key …").run()
    _pressed(page, "Keep it")
    _pressed(page, "Key …").run()
    assert orchestra.hooks.key(LOCAL, "orders", "hook") == KEY
    orchestra.triggers.turn_on(LOCAL, "orders", "hook")
    _deliver(orchestra)
    [delivery] = orchestra.hooks.deliveries(LOCAL, "orders", "hook")
    page = open_page("triggers")
    assert any("/hooks/orders/" in one.value for one in page.code)
    key = f"delivery-orders-hook-{delivery.id}"

    def opened() -> AppTest:
        return _pressed(page, "Deliveries …").run()

    opened()
    page.toggle(key=f"{key}-open").set_value(True)
    opened()
    assert any('"customer": {"name": "Ann"}' in one.value for one in page.code)
    page.toggle(key=f"{key}-inputs").set_value(True)
    opened()
    assert not page.exception
    page.button(key=f"{key}-write").click()
    opened()
    assert "customer_name" in (workspace / "workflows" / "orders.json").read_text()
    opened()
    if not page.toggle(key=f"{key}-open").value:
        page.toggle(key=f"{key}-open").set_value(True)
        opened()
    page.button(key=f"{key}-again").click()
    opened()
    verdicts = [one.verdict for one in orchestra.hooks.deliveries(LOCAL, "orders", "hook")]
    assert verdicts == ["again", "accepted"]
