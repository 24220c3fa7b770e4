from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.base.bundles_route import Bundle, bundle_address, bundle_routes

ROOT = Path(__file__).resolve().parents[3]
ASSETS = ROOT / "dashboard" / "assets"
BUNDLES = pytest.mark.parametrize(("name", "most_bytes"), [("editor", 200 * 1024), ("studio", 280_000)])


@BUNDLES
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_browsers_keep_a_bundle_and_get_no_other_version_of_it(name: Bundle, most_bytes: int, encoding: str) -> None:
    with TestClient(Starlette(routes=bundle_routes())) as client:
        found = client.get(bundle_address(name), headers={"Accept-Encoding": encoding})
        assert found.headers["content-type"].startswith("text/javascript")
        assert "immutable" in found.headers["cache-control"]
        assert found.headers.get("content-encoding", "identity") == encoding
        assert found.content == (ASSETS / name / f"{name}.js").read_bytes()
        assert client.get(f"/assets/{name}-0000000000000000.js").status_code == 404


@BUNDLES
def test_it_is_small_and_carries_the_licences_of_its_packages(name: Bundle, most_bytes: int) -> None:
    assert len(gzip.compress((ASSETS / name / f"{name}.js").read_bytes())) <= most_bytes
    licences = (ASSETS / name / "LICENSES.txt").read_text()
    packages = json.loads((ROOT / "frontend" / name / "package.json").read_text())["dependencies"]
    assert [one for one, version in packages.items() if f"{one} {version} (MIT)" not in licences] == []
    assert all(version[0].isdigit() for version in packages.values()), "versions are pinned"
