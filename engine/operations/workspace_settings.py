"""The settings of config.yaml that an owner changes while a server runs: time zone, retention and notifications."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.base.errors import InvalidInput, UnknownName
from engine.base.json_text import JsonObject
from engine.documents.repair import repaired
from engine.people.access import Principal, require_person
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.workspace.config import Config, NotificationSettings, RetentionSettings, TimeZone, is_address
from engine.workspace.config_section import write_sections

_REFERENCES = ("env:", "secret:")


class QuestionSettings(BaseModel):
    """How people are notified of questions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notify: str | None = Field(None, min_length=1)
    """A workflow, the https:// address of a webhook, or `env:NAME` or `secret:NAME` for one of these."""


class GeneralSettings(BaseModel):
    """These settings, in the form of config.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: TimeZone = "UTC"
    retention: RetentionSettings = RetentionSettings()
    notifications: NotificationSettings = NotificationSettings()
    approvals: QuestionSettings = QuestionSettings()


class WorkspaceSettings:
    """The `general` area."""

    def __init__(
        self, root: Path, config: Callable[[], Config], workflows: Callable[[], Sequence[str]], audit: Audit
    ) -> None:
        self._write = partial(write_sections, root)
        self._config, self._workflows, self._audit = config, workflows, audit

    @operation("settings.get", "admin", "see the settings", "See the settings")
    def get(self, p: Principal) -> JsonObject:
        """Return the settings in force, those with a default only if they differ from it.

        For owners: the address of a webhook may be a secret. Raises InvalidFile.
        """
        config = self._config()
        found = GeneralSettings(
            time_zone=config.time_zone,
            retention=config.retention,
            notifications=config.notifications,
            approvals=QuestionSettings(notify=config.approvals.notify),
        )
        return _as_written(found)

    @operation("settings.set", "admin", "change the settings", "Change the settings")
    def set(self, p: Principal, wanted: JsonObject) -> JsonObject:
        """Set exactly these, and return the settings in force; comments and the rest of config.yaml stay.

        A variable such as ORCHESTRA_TIME_ZONE wins over the file. Raises InvalidInput that names each wrong setting,
        UnknownName for a workflow that does not exist, InvalidFile, StorageError.
        """
        found, repair = repaired(GeneralSettings, dict(wanted), is_strict=True)
        if found is None or repair.faults:
            said = [f"`{'.'.join(map(str, one.path))}`: {one.message}" for one in repair.faults]
            raise InvalidInput(" ".join(said), remedy=" ".join(one.remedy for one in repair.faults if one.remedy))
        self._require_workflows(found)
        before = self.get(p)
        if found.approvals.notify != before.get("approvals", {}).get("notify"):
            require_person(p, "change `approvals.notify`: who gets the link to a question can answer it")
        if found.notifications.webhook != before.get("notifications", {}).get("webhook"):
            require_person(p, "change `notifications.webhook`: it gets the errors of all runs")
        if found.notifications.sign_ins != before.get("notifications", {}).get("sign_ins", False):
            require_person(p, "change `notifications.sign_ins`: its own use is among what is reported")
        self._write(lambda written: _sections(found, written))
        after = self.get(p)
        self._audit.record(p, "settings.set", "", {"before": _public(before), "after": _public(after)})
        return after

    def _require_workflows(self, wanted: GeneralSettings) -> None:
        asked = wanted.approvals.notify
        named = None if asked is not None and (is_address(asked) or asked.startswith(_REFERENCES)) else asked
        known = self._workflows()
        for name in (named, wanted.notifications.workflow):
            if name is not None and name not in known:
                raise UnknownName("workflow", name, list(known))


def _as_written(settings: GeneralSettings) -> JsonObject:
    return settings.model_dump(exclude_none=True, exclude_defaults=True)


def _sections(settings: GeneralSettings, written: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the sections of config.yaml that change; the rules of `approvals` stay beside `notify`."""
    rules = {name: rule for name, rule in (written.get("approvals") or {}).items() if name != "notify"}
    wanted: dict[str, Any] = {
        "time_zone": settings.time_zone,
        "retention": settings.retention.model_dump(exclude_none=True),
        "notifications": settings.notifications.model_dump(exclude_none=True),
        "approvals": {**rules, **settings.approvals.model_dump(exclude_none=True)},
    }
    before = {"time_zone": GeneralSettings().time_zone, **written}
    return {name: value for name, value in wanted.items() if value != (before.get(name) or {})}


def _public(settings: JsonObject) -> JsonObject:
    """Return settings for the audit trail, which has no address of a webhook."""
    public = dict(settings)
    for section, name in (("approvals", "notify"), ("notifications", "webhook")):
        if is_address(settings.get(section, {}).get(name, "")):
            public[section] = {**settings[section], name: "a webhook"}
    return public
