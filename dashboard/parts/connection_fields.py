"""The fields of a connection on the page, as its service declares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from pydantic import SecretStr

from clients.service import Service
from dashboard.base.language import t
from dashboard.base.plain import plain_with_code


def beside_fields(service: Service, values: Mapping[str, str], key: str) -> dict[str, str]:
    """Show the fields of the settings that belong to a key, and return their values."""
    return {
        one.name: str(
            st.text_input(t(one.label), values.get(one.name, ""), key=f"{key}-{one.name}", placeholder=t(one.hint))
        )
        for one in service.beside_key
    }


def settings_of(service: Service, key: str, beside: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of a connection as they were typed; what is empty is left out."""
    given: dict[str, Any] = {one: text.strip() for one, text in beside.items() if text.strip()}
    return {**given, service.key.setting: SecretStr(key.strip())} if service.key and key.strip() else given


def key_facts(service: Service) -> None:
    """Say what the key of a service has to allow, and where it is kept."""
    if service.key is not None and service.key.rights:
        st.caption(t("It needs: {rights}", rights=plain_with_code(t(service.key.rights))))
    st.caption(t("It is stored encrypted in the state folder of this workspace."))


def key_label(service: Service) -> str:
    """Return the label for the key of a service."""
    return t(service.key.label) if service.key else t("Key")


def key_hint(service: Service) -> str:
    """Return what the empty field for the key shows."""
    return t(service.key.hint) if service.key else ""
