"""How `http.request` is run in the fault matrix: against the stand-in of GitHub, as any other server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.errors import InvalidRequest
from tests.operations.faults import CAP_BYTES
from tests.operations.world import Operation, World


def _posted(world: World) -> Mapping[str, Any]:
    url = f"{world.endpoint.origin}/repos/acme/app/issues"
    return {"method": "POST", "url": url, "json": {"title": "Made by a request"}, "max_bytes": CAP_BYTES}


# To a server of which nothing is known an answer without a body is an answer; how much is read the workflow says.
# What is not a feed is told as that; a page may be empty, and is read whole.
_NO_FEED = {"not JSON": InvalidRequest, "empty": InvalidRequest, "oversize": InvalidRequest}

OPERATIONS = {
    "http.request": Operation(_posted, differs={"not JSON": None, "empty": None, "oversize": InvalidRequest}),
    "rss.read": Operation(lambda world: {"url": f"{world.endpoint.origin}/feed.xml"}, differs=_NO_FEED, plays="site"),
    "web.read": Operation(
        lambda world: {"url": f"{world.endpoint.origin}/pages/pricing"},
        differs={"not JSON": None, "empty": None, "oversize": None},
        plays="site",
    ),
}
