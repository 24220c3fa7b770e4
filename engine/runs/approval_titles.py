"""What a question is about in one line: the same for the dashboard and the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clients.mail.domains import ascii_domain
from engine.plugins.step import Role
from engine.record.types.approval import AskedCall
from engine.runs.call_texts import field_schemas

if TYPE_CHECKING:
    from engine.runs.approvals import Approval

_SUBJECTS = ("subject", "title", "name")
_OTHER_DOMAIN = re.compile(r"""@(?=[^\s@<>,;"]*[^\x00-\x7f])([^\s@<>,;"]+)>?""")


def title_of(question: Approval) -> str:
    """Return a question in one line, what it is about first: "ann@example.org · Re: Hours (Send the answer)"."""
    found = about(question)
    return f"{found} ({question.message})" if found else question.message


def about(question: Approval) -> str:
    """Return the recipient or target of a call, and its subject; empty if the question is not about a call."""
    call = question.call
    if call is None:
        return ""
    arguments = call.arguments if question.edited is None else question.edited
    return " · ".join(one for one in (target(call, arguments), subject(call, arguments)) if one)


def target(call: AskedCall, arguments: Mapping[str, Any]) -> str:
    """Return the recipient or target of a call with these arguments; empty if neither they nor its preview name one."""
    preview, is_edited = call.preview, arguments.get("to") != call.arguments.get("to")
    if preview is not None and preview.to and not is_edited:
        return with_ascii_domains(preview.to)
    return "" if preview is not None and not is_edited else destination(call, arguments)  # its title names the object


def destination(call: AskedCall, arguments: Mapping[str, Any]) -> str:
    """Return the first of these arguments that says where a call goes; empty if none does."""
    for name, schema in field_schemas(call).items():
        is_destination = schema.get("role") == Role.DESTINATION and "enum" not in schema  # a method is not an address
        text = with_ascii_domains(_words(arguments.get(name))) if is_destination else ""
        if text:
            return text
    return ""


def with_ascii_domains(text: str) -> str:
    """Return addresses with the ASCII form of each domain that has other letters, which may look like ASCII ones.

    `ann@exаmple.com` with a Cyrillic "а" becomes `ann@exаmple.com (xn--exmple-4nf.com)`.
    """
    return _OTHER_DOMAIN.sub(lambda found: f"{found[0]} ({_ascii(found[1])})", text)


def _ascii(domain: str) -> str:
    try:
        return ascii_domain(domain)
    except UnicodeError:  # no domain that exists
        return domain.encode("ascii", "backslashreplace").decode("ascii")


def subject(call: AskedCall, arguments: Mapping[str, Any]) -> str:
    """Return the subject or title of what a call with these arguments says; empty if it has none."""
    for name in _SUBJECTS:
        text = _words(arguments.get(name))
        if text and (call.preview is None or arguments[name] != call.arguments.get(name)):
            return text
    return "" if call.preview is None else call.preview.title


def _words(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return " ".join(value.split()) if isinstance(value, str) else ""
