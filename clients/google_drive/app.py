"""Google Drive as a service of Google that people sign in to, and its SDK."""

from __future__ import annotations

from typing import Any

import httpx

from clients.error_mapping import reading
from clients.google.app import GoogleApp
from clients.google.transport import answered, built
from clients.google_drive.service import GOOGLE_DRIVE
from clients.oauth.app import TokenSource


def sdk(http: httpx.Client, tokens: TokenSource, base_url: str) -> Any:
    """Return the SDK of the API."""
    return built("drive", "v3", http, tokens, f"{base_url}/drive/v3/")


def user_of(drive: Any) -> dict[str, str]:
    """Ask whose drive it is: {emailAddress, permissionId}; the latter is a permanent id."""
    answer = answered(drive.about().get(fields="user(emailAddress,permissionId)"), "user")
    with reading(DRIVE_APP.service):
        return {name: str(answer["user"][name]) for name in ("emailAddress", "permissionId")}


def _account_of(http: httpx.Client, tokens: TokenSource, base_url: str) -> str:
    return user_of(sdk(http, tokens, base_url))["emailAddress"]


DRIVE_APP = GoogleApp(
    service=GOOGLE_DRIVE,
    # `drive.file` sees only what this program has made; with `drive.readonly` beside it, nothing can be put into a
    # folder that a person has made (https://developers.google.com/workspace/drive/api/guides/api-specific-auth).
    scopes=("https://www.googleapis.com/auth/drive",),
    account_of=_account_of,
    api="Google Drive API",
    library="drive.googleapis.com",
    reads="files",
)
