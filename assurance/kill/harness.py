"""Kills the engine in the middle of the main job, starts it again, and compares the world with an undisturbed one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from assurance.kill.state import State
from tests.patience import PATIENCE_SECONDS, until
from tests.workspaces import init

REPOSITORY = Path(__file__).resolve().parents[2]
LATENCY = "10:40"
WRITES = ("POST /repos/acme/app/issues", "POST /v1/pages", "/modify")
"""What a fault switch matches: the writes of the sample workflow."""
_SERVICES = {"/repos/": "github", "/v1/pages": "notion", "/modify": "gmail"}
_LOOK_SECONDS = 0.05
"""Between two looks at what is there: to look is dear, and a write that is held back waits for it."""


def service_of(match: str) -> str:
    """Return the service whose requests a fault switch matches."""
    [found] = [service for part, service in _SERVICES.items() if part in match]
    return found


@dataclass
class World:
    """What a person would count in the three services after the job."""

    issues: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)

    def doubles(self) -> list[str]:
        """What is there more than once."""
        return [f"{count} x {name}" for kind in (self.issues, self.pages) for name, count in kind.items() if count > 1]


class Setting:
    """A fresh workspace with stand-ins that live on while the engine is killed."""

    def __init__(self, root: Path, latency: str = LATENCY) -> None:
        self.root = root
        self.state = root / ".orchestra"
        self.rows = State(self.state)
        init(root)
        if self.rows.settings:
            settings = (root / "config.yaml").read_text()
            (root / "config.yaml").write_text(re.sub(r"(?m)^state: .*\n", self.rows.settings, settings))
        command = [sys.executable, "-m", "demo", "--dir", str(self.state / "demo"), "--latency", latency]
        self._processes: list[subprocess.Popen[str]] = []
        stand_ins = self._started(command)
        assert stand_ins.stdout is not None
        line = stand_ins.stdout.readline()
        if not line:
            self.close()
        self.endpoints: dict[str, Any] = json.loads(line)

    def close(self) -> None:
        """End the stand-ins, and what else was started and has not ended, as where a test has failed."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self.rows.close()

    def start(self, command: str, *flags: str, module: str = "assurance.kill.child") -> subprocess.Popen[str]:
        """Start the engine in a process of its own."""
        return self._started([sys.executable, "-m", module, str(self.root), command, *flags])

    def finish(self, command: str, *flags: str, module: str = "assurance.kill.child") -> str:
        """Run the engine to its end; return the last line it printed."""
        output, _ = self.start(command, *flags, module=module).communicate(timeout=2 * PATIENCE_SECONDS)
        lines = output.splitlines()
        return lines[-1] if lines else ""

    def _started(self, command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        self._processes.append(process)
        return process

    def delay_answers(self, match: str, seconds: float) -> None:
        """Let the next such write happen at once and be answered late."""
        fault = {"match": match, "when": "after_effect", "delay_seconds": seconds, "times": 1}
        base = self.endpoints[service_of(match)]["base_url"]
        httpx.post(f"{base}/_demo/faults", json=fault, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()

    def requests(self, service: str) -> dict[str, int]:
        """How often each "METHOD /path" of a service was asked."""
        return dict(self._asked(service, "requests")["requests"])

    def held(self, service: str) -> dict[str, Any]:
        """What one service holds now."""
        return self._asked(service, "show")

    def _asked(self, service: str, what: str) -> dict[str, Any]:
        address = f"{self.endpoints[service]['base_url']}/_demo/{what}"
        answer: dict[str, Any] = httpx.get(address, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status().json()
        return answer

    def events(self) -> int:
        """How many events of open runs are on disk."""
        return self.rows.count("events")

    def open_intents(self) -> int:
        """How many writes were sent, or are about to be, and have no receipt."""
        return self.rows.count("effects WHERE state = 'intent'")

    def shown(self) -> dict[str, Any]:
        """All that the services hold."""
        return {service: self.held(service) for service in ("gmail", "github", "notion")}

    def world(self) -> World:
        """What is in the services now."""
        return World(self.issues(), self.pages(), self.labels())

    def issues(self) -> Counter[str]:
        """The titles of the issues that a run has made."""
        return Counter(one["title"] for one in self.held("github")["issues"] if "orchestra:" in (one["body"] or ""))

    def pages(self) -> Counter[str]:
        """The keys of the pages that a run has made."""
        texts = [page["properties"].get("Orchestra key", {}) for page in self.held("notion")["pages"]]
        return Counter(key[0]["plain_text"] for text in texts if (key := text.get("rich_text")))

    def labels(self) -> Counter[str]:
        """How often the label of the sample is on a mail."""
        held = self.held("gmail")
        names = {label["id"]: label["name"] for label in held["labels"]}
        found = [names[label] for message in held["messages"] for label in message.get("labelIds", [])]
        return Counter(one for one in found if one == "triaged")


@contextmanager
def setting(root: Path) -> Iterator[Setting]:
    """Make a setting and clear it away."""
    made = Setting(root)
    try:
        yield made
    finally:
        made.close()


def kill_after_events(place: Setting, wanted: int, *flags: str, command: str = "run") -> int:
    """Run, and kill -9 once `wanted` events are on disk; return how many there were."""
    process = place.start(command, *flags)
    until(lambda: place.events() >= wanted or process.poll() is not None)
    process.kill()
    process.communicate()
    return place.events()


def kill_in_write(place: Setting, match: str, *flags: str, command: str = "run") -> int:
    """Run, and kill -9 while a write has had its effect and its answer is still out; return the open intents."""
    place.delay_answers(match, PATIENCE_SECONDS)
    there = {"github": place.issues, "notion": place.pages, "gmail": place.labels}[service_of(match)]
    before = there().total()
    process = place.start(command, *flags)
    while process.poll() is None and there().total() == before:
        time.sleep(_LOOK_SECONDS)
    process.kill()
    process.communicate()
    return place.open_intents()
