"""What the mail servers of single providers do unlike others, for `tests.mail.proxy`."""

from __future__ import annotations

import re

from tests.mail.proxy import Goodbye, Quirk, Tell, Visit, refuse, start_tls, tells_alike, verb

_SELECTING = frozenset({b"SELECT", b"EXAMINE"})
UNSAFE = "NO SELECT Unsafe Login. Please contact kefu@188.com for help"
BAD_CHARSET = "NO [BADCHARSET (US-ASCII)] The specified charset is not supported."


def _without(*words: str, adding: str = "") -> Quirk:
    """Do not offer, and refuse, these abilities."""

    def ask(visit: Visit, command: bytes) -> bytes | None:
        used = {b"UID MOVE": "MOVE", b"UID EXPUNGE": "UIDPLUS", b"ENABLE": "ENABLE", b"ID": "ID"}.get(verb(command))
        if used in words or (b"RETURN (SPECIAL-USE)" in command and "LIST-EXTENDED" in words):
            refuse(visit, command, "BAD Command not understood")
            return None
        return command

    def tell(_visit: Visit, answer: bytes) -> bytes:
        for word in words:
            answer = re.sub(rb"(CAPABILITY[^\]\r]*?) " + word.encode() + rb"(?=[ \]\r])", rb"\1", answer)
        if "UIDPLUS" in words:
            answer = re.sub(rb"\[(COPYUID|APPENDUID) [^\]]*\] ", b"", answer)
        if "SPECIAL-USE" in words and answer.startswith(b"* LIST"):
            answer = re.sub(rb" ?\\(Drafts|Sent|Trash|Archive|Junk|All)(?=[ )])", b"", answer)
        if adding:
            answer = re.sub(rb"(CAPABILITY[^\]\r]*)", rb"\1 " + adding.encode(), answer)
        return answer

    return Quirk(ask, tell)


def refusing(command_name: str, words: str) -> Quirk:
    """Refuse a command."""

    def ask(visit: Visit, command: bytes) -> bytes | None:
        return refuse(visit, command, words) if verb(command) == command_name.encode() else command

    return Quirk(ask)


def _without_charset(words: str, tell: Tell = tells_alike) -> Quirk:
    """Refuse to search with a charset."""

    def ask(visit: Visit, command: bytes) -> bytes | None:
        is_refused = verb(command) == b"UID SEARCH" and b"CHARSET" in command.upper()
        return refuse(visit, command, words) if is_refused else command

    return Quirk(ask, tell)


def _needs_id(visit: Visit, command: bytes) -> bytes | None:
    if verb(command) == b"ID":
        visit.notes.add("ID")
    if verb(command) in _SELECTING and "ID" not in visit.notes:
        return refuse(visit, command, UNSAFE)
    return command


def _seven_bits(visit: Visit, command: bytes) -> bytes | None:
    """Take letters beyond ASCII in literals only, as RFC 3501 says."""
    if verb(command) == b"UID SEARCH" and not command.partition(b"\r\n")[0].isascii():
        return refuse(visit, command, "BAD Invalid characters in atom or quoted string")
    return command


def dated(written: str) -> Quirk:
    """Give every mail this time of arrival."""

    def tell(_visit: Visit, answer: bytes) -> bytes:
        return re.sub(rb'INTERNALDATE "[^"]*"', written.encode(), answer).replace(b"( ", b"(").replace(b"  ", b" ")

    return Quirk(tell=lambda visit, answer: tell(visit, answer) if b" FETCH (" in answer[:40] else answer)


def _estimated(_visit: Visit, answer: bytes) -> bytes:
    """Estimate a mail's size, as Exchange does."""
    if b" FETCH (" not in answer[:40]:
        return answer
    return re.sub(rb"RFC822\.SIZE (\d+)", lambda found: b"RFC822.SIZE %d" % (int(found[1]) * 2 + 77), answer)


def _unquoted(_visit: Visit, answer: bytes) -> bytes:
    if answer.startswith(b"* LIST"):
        return re.sub(rb'"([A-Za-z0-9/.]+)"', rb"\1", answer)
    return re.sub(rb'INTERNALDATE "([^"]*)"', rb"INTERNALDATE \1", answer) if b" FETCH (" in answer[:40] else answer


def _interrupting(visit: Visit, answer: bytes) -> bytes:
    """Say what RFC 3501 7 allows at any time, between the answers."""
    news = b"* OK Still here\r\n* 77 FETCH (FLAGS (\\Seen))\r\n* FLAGS (\\Seen \\Answered)\r\n"
    uid = re.search(rb"\bUID (\d+)", answer) if answer.startswith(b"*") and b" FETCH (" in answer[:40] else None
    if uid is not None:
        flags = re.search(rb"FLAGS \([^)]*\)", answer)
        again = b"* %s FETCH (UID %s %s)\r\n" % (answer.split()[1], uid[1], flags[0] if flags else b"FLAGS ()")
        return news + again + answer + again
    is_safe = b" SEARCH" in visit.command or b" FETCH" in visit.command or visit.command in {b"LIST", b"NOOP"}
    return news + answer if answer.startswith(b"*") and is_safe else answer


def _split_searches(_visit: Visit, answer: bytes) -> bytes:
    """Give each number of a search a line of its own; nothing found is not a line."""
    if not answer.startswith(b"* SEARCH"):
        return answer
    return b"".join(b"* SEARCH %s\r\n" % one for one in answer.split()[2:])


def _literal_names(_visit: Visit, answer: bytes) -> bytes:
    """Give folders' names as literals, without a delimiter."""
    if answer.startswith(b"* LIST"):
        head, _, name = answer.strip().partition(b' "/" ')
        name = name.strip(b'"')
        return head + b" NIL {%d}\r\n%s\r\n" % (len(name), name)
    return answer


def _with_odd_names(visit: Visit, answer: bytes) -> bytes:
    """Add names that are not encoded, or not well."""
    if visit.command == b"LIST" and answer.split()[1:2] == [b"OK"]:
        odd = b'* LIST () "/" R&D\r\n* LIST () "/" "Caf\xc3\xa9"\r\n* LIST () "/" "&AOk"\r\n* LIST () NIL Flat\r\n'
        return odd + answer
    return answer


def _namespace() -> Quirk:
    """Keep every folder below INBOX, with dots, as Courier and Cyrus do."""

    def ask(visit: Visit, command: bytes) -> bytes | None:
        if verb(command) not in {b"SELECT", b"EXAMINE", b"UID COPY", b"UID MOVE", b"APPEND"}:
            return command
        if b"INBOX" not in command:
            return refuse(visit, command, "NO Client tried to access nonexistent namespace.")
        return command.replace(b"INBOX.", b"")

    def tell(_visit: Visit, answer: bytes) -> bytes:
        if not answer.startswith(b"* LIST") or answer.rstrip().endswith(b"INBOX"):
            return answer.replace(b'"/"', b'"."') if answer.startswith(b"* LIST") else answer
        head, _, name = answer.strip().partition(b' "/" ')
        return head + b' "." "INBOX.' + name.strip(b'"') + b'"\r\n'

    return Quirk(ask, tell)


def goodbye_at(command_name: str, words: str, times: int = 1_000) -> Quirk:
    """Break off at a command, the first times that it comes."""
    seen: list[bytes] = []

    def ask(_visit: Visit, command: bytes) -> bytes:
        if verb(command) == command_name.encode() and len(seen) < times:
            seen.append(command)
            raise Goodbye(words)
        return command

    return Quirk(ask)


def goodbye_in_answer(command_name: str, words: str) -> Quirk:
    """Break off instead of the last line of an answer."""

    def tell(visit: Visit, answer: bytes) -> bytes:
        if visit.command == command_name.encode() and not answer.startswith(b"*"):
            raise Goodbye(words)
        return answer

    return Quirk(tell=tell)


def _bridge(visit: Visit, command: bytes) -> bytes | None:
    return start_tls(visit, command) if verb(command) == b"STARTTLS" else command


def _only_oauth(visit: Visit, command: bytes) -> bytes | None:
    if verb(command) in {b"LOGIN", b"AUTHENTICATE"}:
        return refuse(visit, command, "NO LOGIN failed.")
    return command


def _offers_only_oauth(_visit: Visit, answer: bytes) -> bytes:
    if b"CAPABILITY" not in answer:
        return answer
    return re.sub(rb" AUTH=(PLAIN|LOGIN)", b"", answer).replace(
        b"CAPABILITY", b"CAPABILITY AUTH=XOAUTH2 LOGINDISABLED", 1
    )


ONLY_OAUTH = Quirk(_only_oauth, _offers_only_oauth)


NETEASE = Quirk(_needs_id)
EXCHANGE = _without_charset(BAD_CHARSET, _estimated)
BRIDGE = Quirk(_bridge)
ODD_NAMES = Quirk(tell=_with_odd_names)
BELOW_INBOX = _namespace()

HARMLESS: dict[str, Quirk] = {
    "NetEase wants to know who we are": NETEASE,
    "a server that does not know ID though it says so": refusing("ID", "BAD Error in IMAP command"),
    "Exchange searches ASCII only, and estimates sizes": EXCHANGE,
    "a server that does not know CHARSET": _without_charset("BAD Parse command error"),
    "letters beyond ASCII in literals only": Quirk(_seven_bits),
    "arrival in year 1": dated('INTERNALDATE " 1-Jan-0001 00:00:00 +0000"'),
    "arrival NIL": dated("INTERNALDATE NIL"),
    "arrival missing": dated(""),
    "arrival that is none": dated('INTERNALDATE "yesterday"'),
    "iCloud writes without quotes": Quirk(tell=_unquoted),
    "iCloud has no MOVE": _without("MOVE"),
    "no UIDPLUS": _without("MOVE", "UIDPLUS"),
    "GMX has no special uses": _without("SPECIAL-USE", "LIST-EXTENDED", "CONDSTORE", "QRESYNC", "ENABLE", "IDLE"),
    "news between answers": Quirk(tell=_interrupting),
    "a search of many lines": Quirk(tell=_split_searches),
    "names as literals, no delimiter": Quirk(tell=_literal_names),
    "every folder below INBOX": BELOW_INBOX,
}
"""With these, everything works."""
