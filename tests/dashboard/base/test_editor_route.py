from __future__ import annotations

import gzip
import json
from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.base.editor_route import editor_address, editor_routes

ROOT = Path(__file__).resolve().parents[3]
BUILT = ROOT / "dashboard" / "assets" / "editor"
MOST_KIB = 200


def test_browsers_keep_the_editor_and_get_no_other_version_of_it() -> None:
    with TestClient(Starlette(routes=editor_routes())) as client:
        found = client.get(editor_address())
        assert found.headers["content-type"].startswith("text/javascript")
        assert "immutable" in found.headers["cache-control"]
        assert found.content == (BUILT / "editor.js").read_bytes()
        assert client.get("/assets/editor-0000000000000000.js").status_code == 404


def test_it_is_small_and_carries_the_licences_of_its_packages() -> None:
    assert len(gzip.compress((BUILT / "editor.js").read_bytes())) < MOST_KIB * 1024
    licences = (BUILT / "LICENSES.txt").read_text()
    packages = json.loads((ROOT / "frontend" / "editor" / "package.json").read_text())["dependencies"]
    assert [name for name, version in packages.items() if f"{name} {version} (MIT)" not in licences] == []
    assert all(version[0].isdigit() for version in packages.values()), "versions are pinned"
