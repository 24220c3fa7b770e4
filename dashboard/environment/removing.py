"""The popovers that delete an environment or take a workflow out of one, and first say what that changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.popover import close, finish, popover
from engine.compiler.definition.environment import CURRENT

if TYPE_CHECKING:
    from engine.runs.environments.reader import EnvironmentStatus
    from engine.runs.environments.removal import Removal


def deletion_popover(visit: Visit, one: EnvironmentStatus, runs_here: Sequence[str]) -> None:
    """Offer to delete an environment; `runs_here`: its workflows and their versions, in words."""
    place = f"delete-environment-{one.name}"
    with popover(t("Delete"), place, ":material/delete:"), errors_shown():
        st.markdown(plain(t("{name} moves to the trash, with its connections and variables.", name=one.name)))
        if runs_here:
            st.warning(plain(t("These run here now; their versions are kept:")), icon=":material/account_tree:")
            st.markdown("\n".join(f"- {plain(line)}" for line in runs_here))
        if one.others == CURRENT:
            st.markdown(t("Other workflows run here, too: their file as it is."))
        action_button(
            t("Delete {name}", name=one.name),
            f"env-delete-{one.name}",
            lambda _: visit.orchestra.environments.delete(visit.who, one.name),
            lambda _: finish(t("{name} is in the trash.", name=one.name), place),
            type="primary",
            icon=":material/delete:",
        )


def removal_popover(visit: Visit, workflow: str, environment: str) -> None:
    """Offer to take a workflow out of an environment."""
    place = f"remove-{environment}-{workflow}"
    with popover(t("Take it out"), place, ":material/logout:"), errors_shown():
        removal = visit.orchestra.environments.check_removal(visit.who, workflow, environment)
        st.markdown(plain(f"{removal.then} {t('Its version is kept.')}"))
        if removal.triggers:
            st.warning(plain(f"{t('Its triggers start runs here.')} {removal.triggers}"), icon=":material/sensors:")
        action_button(
            t("Take {workflow} out of {environment}", workflow=workflow, environment=environment),
            f"env-{place}",
            lambda _: visit.orchestra.environments.remove(visit.who, workflow, environment, removal.triggers_to),
            lambda done: _removed(done, place),
            scope=f"{removal.version} {removal.triggers_to}",
            type="primary",
        )


def _removed(done: Removal, place: str) -> None:
    close(place)
    session.tell(t("{workflow} is taken out of {environment}.", workflow=done.workflow, environment=done.environment))
    st.rerun()
