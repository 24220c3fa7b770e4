"""The fields of triggers that receive webhooks, as a workflow file declares them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from msgspec.structs import replace

from engine.hooks.signatures import SCHEMES, Algorithm, Encoding, Received, SignatureScheme
from engine.plugins.step import Fields, option

Verify = Literal[
    "none",
    "token",
    "github",
    "stripe",
    "slack",
    "shopify",
    "gitlab",
    "notion",
    "linear",
    "meta",
    "standard_webhooks",
    "own",
]
_HEADER = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}$"
_MAYBE_HEADER = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{0,80}$"
_BEARER = "authorization"
UNCHECKED = "Nothing proves who sent a delivery: whoever knows the address can start runs."
CHECK_IT = "Set `verify` to the service, or to `token`, and give the key."


class HookFields(Fields):
    """What every trigger has that receives webhooks."""

    key: str = option(
        "Where the key is: env:NAME or secret:NAME (empty: it is given on the trigger's card)",
        "",
        pattern=r"^((env:[A-Za-z_][A-Za-z0-9_]*)|(secret:[A-Za-z0-9][A-Za-z0-9_.-]*))?$",
    )
    per_minute: int = option("Deliveries per minute", 600, ge=1, le=20_000)
    largest_mb: int = option("Largest delivery, in MB", 5, ge=1, le=25)

    @property
    def scheme(self) -> SignatureScheme:
        """How a delivery proves who sent it."""
        raise NotImplementedError

    @property
    def preset(self) -> str:
        """The name of the scheme."""
        raise NotImplementedError

    @property
    def waits_for_run(self) -> bool:
        """Whether the sender gets what the run returns."""
        return False

    @property
    def same_body_seconds(self) -> int:
        """How long a delivery with the same body is the same; 0: it never is."""
        return 0

    @property
    def kept_headers(self) -> list[str]:
        """The headers that a run gets."""
        return []

    @property
    def most_bytes(self) -> int:
        """How large the body of a delivery may be."""
        return self.largest_mb * 1024 * 1024

    def left_out(self, received: Received) -> str:
        """Return why a delivery that is genuine starts no run; empty if it does."""
        return ""


class WebhookFields(HookFields):
    """How a delivery is checked, what of it a run gets, and what its sender is answered."""

    verify: Verify = option("How a delivery proves who sent it", "none")
    headers: list[str] = option("Headers that a run gets", [], max_length=40)
    respond: Literal["at_once", "when_done"] = option("Answer at once, or with the outputs of the run", "at_once")
    id_header: str = option("Header that tells one delivery from another", "", pattern=_MAYBE_HEADER)
    id_field: str = option("Field of the body that does, such as event.id", "", max_length=200)
    same_body_within: int = option("Seconds in which an equal body is the same delivery (0: never)", 0, ge=0, le=86_400)
    window_seconds: int | None = option(
        "Seconds that a signed time may differ (empty: as the service says)", None, ge=1, le=86_400
    )
    token_header: str = option("token: the header with it", "Authorization", pattern=_HEADER)
    signature_header: str = option("own: the header with the signature", "", pattern=_MAYBE_HEADER)
    algorithm: Algorithm = option("own: algorithm", "sha256")
    encoding: Encoding = option("own: encoding", "hex")
    prefix: str = option("own: what stands before the signature", "", max_length=40)
    timestamp_header: str = option("own: the header with the time", "", pattern=_MAYBE_HEADER)
    signed_text: str = option("own: what is signed, of {body}, {timestamp} and {id}", "{body}", max_length=200)

    @property
    def scheme(self) -> SignatureScheme:
        """How a delivery proves who sent it."""
        found = self._own() if self.verify == "own" else self._token() if self.verify == "token" else None
        found = found or SCHEMES[self.verify]
        if self.window_seconds is not None:
            found = replace(found, window_seconds=self.window_seconds)
        if self.id_header or self.id_field:
            # What is signed keeps the header of the scheme; a field of the body may name the delivery instead.
            kept = found.id_header if "{id}" in found.signed else ""
            found = replace(found, id_header=kept or self.id_header, id_field=self.id_field)
        return found

    def _token(self) -> SignatureScheme:
        is_bearer = self.token_header.lower() == _BEARER
        return SignatureScheme(header=self.token_header, is_token=True, prefix="Bearer " if is_bearer else "")

    def _own(self) -> SignatureScheme:
        return SignatureScheme(
            header=self.signature_header,
            algorithm=self.algorithm,
            encoding=self.encoding,
            prefix=self.prefix,
            timestamp_header=self.timestamp_header,
            signed=self.signed_text,
            id_header=self.id_header,
        )

    @property
    def preset(self) -> str:
        """The value of `verify`."""
        return self.verify

    @property
    def waits_for_run(self) -> bool:
        """Whether the sender gets what the run returns."""
        return self.respond == "when_done"

    @property
    def same_body_seconds(self) -> int:
        """How long a delivery with the same body is the same; 0: it never is."""
        return self.same_body_within

    @property
    def kept_headers(self) -> list[str]:
        """The headers that a run gets."""
        return self.headers


def problems_of(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the schema of the fields cannot express: [(field, message)]."""
    verify, found = arguments.get("verify", "none"), []
    if verify == "own" and not arguments.get("signature_header"):
        found.append(("signature_header", "Name the header with the signature."))
    signed = arguments.get("signed_text", "{body}")
    if verify == "own" and "{body}" not in str(signed):
        found.append(("signed_text", "What is signed must contain {body}: else anybody could change the body."))
    has_time = "{timestamp}" in str(signed)
    if verify == "own" and has_time != bool(arguments.get("timestamp_header")):
        message = "A time proves something only if it is signed: name its header, and {timestamp} in `signed_text`."
        found.append(("timestamp_header", message))
    if verify == "own" and "{id}" in str(signed) and not arguments.get("id_header"):
        found.append(("id_header", "Name the header whose value stands for {id} in `signed_text`."))
    if verify == "none" and arguments.get("key"):
        found.append(("key", f"Nothing is checked, so the key is not used. {CHECK_IT}"))
    names = [str(one) for one in arguments.get("headers") or []]
    wrong = [one for one in names if not _is_header(one)]
    if wrong:
        found.append(("headers", f"{wrong[0]!r} is not the name of a header."))
    secret = {"authorization", "cookie", str(arguments.get("token_header", "")).lower(), "x-gitlab-token"} - {""}
    told = [one for one in names if one.lower() in secret]
    if told:
        found.append(("headers", f"{told[0]} holds a secret, which no run gets."))
    return found


def _is_header(name: str) -> bool:
    return re.fullmatch(_HEADER, name) is not None


def header_member(name: str) -> str:
    """Return what a header is called in expressions: `x_github_event` for X-GitHub-Event."""
    return "".join(one if one.isascii() and one.isalnum() else "_" for one in name.lower())
