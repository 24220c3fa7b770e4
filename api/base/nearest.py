"""The existing address that was probably meant by a request for an unknown one."""

from __future__ import annotations

from collections.abc import Collection

from clients import wording


def nearest(path: str, addresses: Collection[str]) -> str:
    """Return the nearest of `addresses` (beginnings, such as `/api/runs`), "" if none is near."""
    path = path.rstrip("/")
    # People leave out `/api`, and what follows the first two parts is mostly an id, which resembles no address.
    meant = {one.removeprefix("/api"): one for one in addresses} | {one: one for one in addresses}
    beginning = path
    while beginning.strip("/"):
        if beginning in meant:
            return meant[beginning]
        beginning = beginning.rpartition("/")[0]
    if same_end := sorted(one for one in addresses if path.strip("/") and one.endswith(path)):
        return same_end[0]
    return meant.get(wording.nearest(path, meant) or wording.nearest("/".join(path.split("/")[:3]), meant) or "", "")
