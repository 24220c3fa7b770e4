"""Where notices go: to the workflow or the webhook that `notifications` in config.yaml names.

A notice is stored with the mark that says people know: as a run, or as a message that waits for the webhook.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.base.clock import Clock, timestamp
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal
from engine.runs.starting.run_request import RunRequest, quoting_inputs
from engine.store.acceptances import Notice
from engine.workspace.config import LoadedConfig, NotificationSettings

if TYPE_CHECKING:
    from engine.runs.starting.acceptor import Acceptor

TELLER = Principal("notifications", "operator")
"""Starts the workflow."""
WAITING = "notice."
"""Before the names of messages that wait."""
_INPUTS = ("kind", "workflow", "trigger", "run", "step", "message", "remedy", "link")


class NoticeChannel(Struct, frozen=True):
    """Makes notices; any thread."""

    acceptor: Acceptor
    plan: Callable[[str], Plan]
    loaded: Callable[[], LoadedConfig]
    clock: Clock

    @property
    def settings(self) -> NotificationSettings:
        """The settings in force."""
        return self.loaded().config.notifications

    def notice(self, kind: str, said: Mapping[str, str], origin: str) -> Notice:
        """Return what tells people, to be stored; it is empty if the settings name no one.

        `said`: by input of the workflow. `origin`: what its text comes from, such as "an alarm". Raises what
        `Acceptor.prepare` raises for a workflow that cannot run.
        """
        settings, told = self.settings, {name: said.get(name, "") for name in _INPUTS} | {"kind": said["kind"]}
        if settings.webhook is not None:
            message = {"said": told, "at": timestamp(self.clock()), "unknown": 0}
            return Notice(messages={f"{WAITING}{kind}.{uuid.uuid4().hex}": json.dumps(message)})
        if settings.workflow is None:
            return Notice()
        plan = self.plan(settings.workflow)
        known = plan.inputs_schema.get("properties", {})
        inputs = {name: text for name, text in told.items() if name in known}
        wanted = RunRequest(inputs, outside_inputs=quoting_inputs(inputs, origin))
        return Notice([self.acceptor.prepare(TELLER, plan, wanted, "runs.start")])
