"""Check whether a service is reachable from this machine: name, port, certificate, proxy, and clock."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from clients.check_line import CheckLine
from clients.no_connection import causes
from clients.transport import origin
from engine.base.clock import Clock

CLOCK_SKEW = timedelta(seconds=60)  # more than an answer takes on its way
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")


def reach(
    http: httpx.Client, url: str, clock: Clock, environment: Mapping[str, str] = os.environ
) -> Iterator[CheckLine]:
    """Request the address once, without credentials; yield nothing more if it cannot be reached."""
    began = clock()
    try:
        answer = http.get(url)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        said = f"{_unreachable(error, url)} {_proxy(environment)}".strip()
        yield CheckLine("reachable", ok=False, text=said, field="base_url")
        return
    yield CheckLine("reachable", ok=True, text=f"{origin(url)} answers.")
    yield from _clock(answer, began + (clock() - began) / 2, url)


def _unreachable(error: Exception, url: str) -> str:
    """Say which part of the connection fails, and what to do next."""
    host, found = httpx.URL(url).host, list(causes(error))
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate(host, cause)
    if any(isinstance(cause, socket.gaierror) for cause in found):
        return f"The name {host} is not known. Check its spelling, and that this machine is online."
    if any(isinstance(cause, ConnectionRefusedError) for cause in found):
        return f"Nothing answers at {origin(url)}. Start the server there, or correct the address."
    if any(isinstance(cause, ssl.SSLError) for cause in found):
        return f"{origin(url)} does not speak TLS. If that is intended, begin the address with http://."
    if isinstance(error, httpx.TimeoutException):
        return f"No answer from {origin(url)} in time. Check whether a firewall blocks it."
    return f"{origin(url)} cannot be used: {type(error).__name__}. Correct the address, or try again later."


def _certificate(host: str, error: ssl.SSLCertVerificationError) -> str:
    said = (error.verify_message or "it is not trusted").rstrip(".")
    if "expired" in said or "not yet valid" in said:
        remedy = "Check this machine's date first; otherwise its owner must renew it."
    elif "mismatch" in said.lower() or "doesn't match" in said.lower():
        remedy = "Another server answers there: correct the address, or ask who runs this network."
    else:
        remedy = "If this network or server uses its own certificate, name it in SSL_CERT_FILE before the start."
    return f"The certificate of {host} is not valid: {said}. {remedy}"


def _proxy(environment: Mapping[str, str]) -> str:
    named = next((name for name in _PROXIES if environment.get(name)), "")
    if not named:
        return ""
    return f"The environment names a proxy ({named}), but this program uses none: it needs a direct connection."


def _clock(answer: httpx.Response, here: datetime, url: str) -> Iterator[CheckLine]:
    """Compare this machine's clock with the `Date` of the answer (RFC 9110, 6.6.1)."""
    try:
        there = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, OverflowError):
        return
    skew = here - (there if there.tzinfo else there.replace(tzinfo=UTC))  # "-0000" is UTC as well (RFC 5322, 3.3)
    if abs(skew) <= CLOCK_SKEW:
        yield CheckLine("clock", ok=True, text="This machine's clock is right.")
        return
    way = "ahead of" if skew > timedelta(0) else "behind"
    said = f"This machine's clock is {_length(abs(skew))} {way} the clock of {httpx.URL(url).host}."
    yield CheckLine(
        "clock", ok=False, text=f"{said} Correct it: sign-ins and schedules depend on it (`timedatectl set-ntp true`)."
    )


def _length(skew: timedelta) -> str:
    minutes = round(skew / timedelta(minutes=1))
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
