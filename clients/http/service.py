"""The declaration of any server by HTTP; its settings are in `credentials.py`."""

from __future__ import annotations

from clients.http.credentials import HttpSettings
from clients.reads import ANYWHERE, Read
from clients.service import Service

HTTP = Service(
    name="http",
    title="HTTP",
    icon="public",
    settings=HttpSettings,
    error_name="The server",
    needs_key=False,
    reads=(Read("GET", "/**", ANYWHERE), Read("HEAD", "/**", ANYWHERE)),
    has_accounts=False,
)
