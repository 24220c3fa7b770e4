"""What triggers ask of the workspace around them: plans, accounts in use, and what people have agreed to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from engine.clock import Clock
from engine.compiler.plan import Plan
from engine.connections.accounts import Mode
from engine.connections.connections import Connections
from engine.connections.troubles import Trouble, Troubles
from engine.errors import InvalidInput, OrchestraError
from engine.names import moment_of
from engine.settings import Settings
from engine.triggering.not_watched import AccountRefuses
from engine.workspace.config import LoadedConfig

_ASK_AGAIN = timedelta(minutes=15)
_OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Workplace:
    """A workspace as triggers see it; any thread."""

    root: Path
    loaded: Callable[[], LoadedConfig]
    plan: Callable[[str], Plan]
    """The plan of a workflow. Raises UnknownName, InvalidFile."""
    mode: Callable[[str], Mode]
    """Whose account a service means now."""
    connections: Connections
    troubles: Troubles
    settings: Settings
    clock: Clock
    asked_at: dict[str, datetime] = field(default_factory=dict)
    """When accounts that refuse were last asked whether they let us in again."""

    @property
    def time_zone(self) -> str:
        """The zone that config.yaml names."""
        return self.loaded().config.time_zone

    @property
    def notified(self) -> str | None:
        """The workflow that tells of alarms."""
        return self.loaded().config.notifications.workflow

    def mode_of(self, connection: str) -> Mode:
        """Return whose account a connection means now."""
        return self.mode(self.loaded().config.connections[connection].service)

    def require_ready(self, workflow: str, modes: Mapping[str, Mode]) -> None:
        """Raise AccountRefuses where an account that a workflow needs does, InvalidInput where one lacks a key.

        `modes`: of its connections, by name.
        """
        trouble = self.troubles.blocks(modes, workflow)
        if trouble is not None and not self._is_asked_again(trouble):
            raise AccountRefuses(trouble.sentence, remedy=trouble.remedy)
        try:
            self.connections.require_ready(modes)
        except InvalidInput as error:
            if self.troubles.blocks(modes) is None:
                raise
            raise AccountRefuses(error.message, remedy=error.remedy) from error
        trouble = self.troubles.blocks(modes, workflow)
        if trouble is not None:
            raise AccountRefuses(trouble.sentence, remedy=trouble.remedy)

    def _is_asked_again(self, trouble: Trouble) -> bool:
        """Tell whether a refusal is so old that the account is asked; one that a person made good is none any more."""
        now = self.clock()
        if now - self.asked_at.get(trouble.connection, moment_of(trouble.since)) < _ASK_AGAIN:
            return False
        self.asked_at[trouble.connection] = now
        return True

    def is_agreed(self, plan: Plan) -> bool:
        """Tell whether somebody has agreed to every real account that a workflow now touches (Orchestra.confirm)."""
        real = {name for name in plan.connections if self.mode_of(name) == "mine"}
        return not real or real <= set(self.settings.get(f"confirmed.{plan.name}").split())

    def model_of(self, connection: str) -> tuple[str, str]:
        """Return (model, address of the server) of a model connection, empty where it has no settings yet."""
        try:
            settings = self.loaded().settings_of(connection)
        except OrchestraError:
            return "", ""
        return str(settings.get("model", "")), str(settings.get("base_url") or _OPENAI)
