"""What triggers need from the workspace: plans, accounts in use, and what people have agreed to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine.base.clock import Clock, moment_of
from engine.base.errors import InvalidInput
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Plan, Trigger
from engine.connections.account_notices import AccountNotice, AccountNotices
from engine.connections.model_prices import ModelPrices, model_prices
from engine.people.access import Principal
from engine.runs.starting.consent import Consents, Touch
from engine.runs.starting.touches import fixed, known_inputs
from engine.triggering.polling.not_watched import AccountRefuses
from engine.workspace.config import LoadedConfig
from engine.workspace.workflow_ids import WorkflowIds

if TYPE_CHECKING:
    from engine.connections.connections import Connections

_ASK_AGAIN = timedelta(minutes=15)


class TriggerContext(Struct, frozen=True):
    """The workspace as triggers see it; any thread."""

    root: Path
    loaded: Callable[[], LoadedConfig]
    plan: Callable[[str], Plan]
    """Returns the plan of a workflow. Raises UnknownName, InvalidFile."""
    ids: WorkflowIds
    mode: Callable[[str], AccountMode]
    """Returns the account mode of a service now."""
    connections: Connections
    account_notices: AccountNotices
    consents: Consents
    clock: Clock
    state_dir: Path = Path()
    """The folder of the workspace's state."""
    asked_at: dict[str, datetime] = field(default_factory=dict)
    """When each refusing account was last asked whether it accepts calls again."""

    @property
    def time_zone(self) -> str:
        """The time zone from config.yaml."""
        return self.loaded().config.time_zone

    def mode_of(self, connection: str) -> AccountMode:
        """Return the account mode of a connection now."""
        return self.mode(self.loaded().config.connections[connection].service)

    def require_ready(self, workflow_id: str, modes: Mapping[str, AccountMode]) -> None:
        """Raise AccountRefuses if an account that a workflow needs refuses calls, InvalidInput if one lacks a key.

        `modes`: the mode of each connection, by name.
        """
        trouble = self.account_notices.blocks(modes, workflow_id)
        if trouble is not None and not self._is_asked_again(trouble):
            raise AccountRefuses(trouble.sentence, remedy=trouble.remedy)
        try:
            self.connections.require_ready(modes)
        except InvalidInput as error:
            if self.account_notices.blocks(modes) is None:
                raise
            raise AccountRefuses(error.message, remedy=error.remedy) from error
        trouble = self.account_notices.blocks(modes, workflow_id)
        if trouble is not None:
            raise AccountRefuses(trouble.sentence, remedy=trouble.remedy)

    def _is_asked_again(self, trouble: AccountNotice) -> bool:
        """Tell whether a refusal is old enough to try the account again."""
        now = self.clock()
        if now - self.asked_at.get(trouble.connection, moment_of(trouble.since)) < _ASK_AGAIN:
            return False
        self.asked_at[trouble.connection] = now
        return True

    def is_agreed(self, plan: Plan, connection: str | None = None) -> bool:
        """Tell, without calling a service, whether somebody has agreed to the real accounts that a workflow touches.

        `connection`: what its trigger watches.
        """
        return self.consents.is_known(plan, {}, self._modes(plan, connection), self.mode(""))

    def not_agreed(self, plan: Plan, trigger: Trigger) -> list[Touch]:
        """Return what runs of a trigger would touch without anybody's consent. Raises ServiceError."""
        modes = self._modes(plan, trigger.connection)
        return self.consents.missing(plan, inputs_known(plan, trigger), modes, self.mode(""))

    def agree(self, p: Principal, plan: Plan, trigger: Trigger) -> None:
        """Record the consent of `p`. Raises ConfirmationNeeded if more consent is needed, ServiceError."""
        modes = self._modes(plan, trigger.connection)
        self.consents.require(p, plan, inputs_known(plan, trigger), modes, self.mode(""))

    def _modes(self, plan: Plan, connection: str | None) -> dict[str, AccountMode]:
        names = dict.fromkeys((*plan.connections, *filter(None, [connection])))
        return {name: plan.mode(name, self.mode_of(name)) for name in names}

    def model_of(self, connection: str) -> ModelPrices:
        """Return the models of a connection, and the prices there."""
        return model_prices(self.loaded(), connection, self.mode_of(connection))


def inputs_known(plan: Plan, trigger: Trigger) -> dict[str, Any]:
    """Return the inputs that are the same in every run of a trigger, whatever the item."""
    return known_inputs(plan, fixed(trigger.inputs))
