"""The tools of an MCP server on every face: listed with their differences, accepted by an owner only, withdrawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from clients.mcp.service import OfferedTool
from tests.faces.conftest import Faces, Open

TOOLS = "/api/connections/crm/tools"


def test_every_face_shows_what_is_new_and_accepts_it(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    root = faces.orchestra.workspace.root
    config = root / "config.yaml"
    config.write_text(config.read_text().replace("connections:\n", "connections:\n  crm: {service: mcp}\n", 1))
    listed = faces.request("GET", TOOLS).value["tools"]
    assert listed == faces.command(["connections", "tools", "crm", "--demo"]).value["tools"]
    assert [(one["name"], one["state"]) for one in listed] == [("find_customer", "new"), ("add_note", "new")]
    assert faces.request("GET", TOOLS, user_id="editor").error == "NotAllowed"
    given = {"tool": "find_customer", "hash": listed[0]["hash"], "effect": "reads", "roles": {"email": "option"}}
    assert faces.request("POST", TOOLS, given, user_id="editor").error == "NotAllowed"
    assert faces.request("POST", TOOLS, {**given, "hash": "sha256:0"}).error == "StaleEdit"
    assert faces.request("POST", TOOLS, given).value["roles"] == {"email": "option"}
    _change(root / "mcp" / "crm.json", "Finds nobody.")
    assert faces.request("GET", TOOLS).value["tools"][0]["state"] == "changed"

    def press(go: Open) -> AppTest:
        page = go("connections").button(key="tools-crm").click().run()
        assert {"Finds nobody.", listed[0]["description"]} <= {one.value for one in page.code}
        page.radio(key=f"effect-mcp.crm.add_note-{listed[1]['hash']}").set_value(False)
        page.selectbox(key=f"role-mcp.crm.add_note-{listed[1]['hash']}-text").set_value("content")
        page.button(key="accept-mcp.crm.add_note").click().run()
        return page.button(key="accept-mcp.crm.find_customer").click().run()

    assert not faces.page(press).value.exception
    known = faces.request("GET", TOOLS).value["tools"]
    assert [(one["state"], one["effect"], one["roles"]) for one in known] == [
        ("accepted", "reads", {"email": "option"}),
        ("accepted", "writes", {"text": "content"}),
    ]
    assert "mcp.crm.add_note" in [one["name"] for one in faces.request("GET", "/api/step-types").value["step_types"]]
    assert faces.request("DELETE", f"{TOOLS}/add_note").value == {"withdrawn": "add_note"}
    assert faces.request("DELETE", f"{TOOLS}/add_note").error == "UnknownName"
    trail = [action for action, _ in faces.trail()]
    assert trail.count("mcp.accept") == 3
    assert trail.count("mcp.withdraw") == 1


def _change(path: Any, description: str) -> None:
    """Write a record as if the server had said something else when a person looked."""
    document = json.loads(path.read_text())
    record = document["tools"]["find_customer"]
    record["tool"]["description"] = description
    record["hash"] = OfferedTool(record["server"], record["tool"]).hash
    path.write_text(json.dumps(document))
