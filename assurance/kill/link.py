"""A network namespace and a link to it that can be cut without a word: what is sent is lost, as with a pulled cable.

It needs root and `ip` (iproute2). The addresses are of this machine alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

_NOBODY = "02:00:00:00:00:99"


@dataclass(frozen=True)
class Link:
    """One of the links between this machine and a namespace."""

    space: str
    number: int

    @property
    def near(self) -> str:
        """The address of this end."""
        return f"10.213.{self.number}.1"

    @property
    def far(self) -> str:
        """The address of the other end, in the namespace."""
        return f"10.213.{self.number}.2"

    def lay(self) -> None:
        """Make it."""
        _ip("link", "add", self._near_device, "type", "veth", "peer", "name", self._far_device)
        _ip("link", "set", self._far_device, "netns", self.space)
        _ip("addr", "add", f"{self.near}/30", "dev", self._near_device)
        _ip("link", "set", self._near_device, "up")
        _ip("-n", self.space, "addr", "add", f"{self.far}/30", "dev", self._far_device)
        _ip("-n", self.space, "link", "set", self._far_device, "up")

    def cut(self) -> None:
        """Lose whatever is sent from now on, in both directions: it goes to a card that does not exist."""
        self._send_to(_NOBODY, _NOBODY)

    def mend(self) -> None:
        """Let everything through again."""
        self._send_to(_card("-n", self.space, device=self._far_device), _card(device=self._near_device))

    def _send_to(self, far: str, near: str) -> None:
        _ip("neigh", "replace", self.far, "dev", self._near_device, "lladdr", far, "nud", "permanent")
        to = ("neigh", "replace", self.near, "dev", self._far_device, "lladdr", near, "nud", "permanent")
        _ip("-n", self.space, *to)

    @property
    def _near_device(self) -> str:
        return f"near{self.number}"

    @property
    def _far_device(self) -> str:
        return f"far{self.number}"


@contextmanager
def links(count: int) -> Iterator[list[Link]]:
    """Make a namespace with so many links to it, and remove it afterwards; skip the test where that is impossible."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("Network namespaces need root and `ip` (iproute2).")
    space = f"orchestra-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", space], check=False, capture_output=True).returncode:
        pytest.skip("This machine makes no network namespaces.")
    try:
        _ip("-n", space, "link", "set", "lo", "up")
        made = [Link(space, number) for number in range(1, count + 1)]
        for link in made:
            link.lay()
        yield made
    finally:
        _ip("netns", "delete", space)


def within(space: str) -> list[str]:
    """How a command begins that runs in a namespace."""
    return ["ip", "netns", "exec", space]


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


def _card(*where: str, device: str) -> str:
    found: list[dict[str, str]] = json.loads(_ip(*where, "-j", "link", "show", device))
    return found[0]["address"]
