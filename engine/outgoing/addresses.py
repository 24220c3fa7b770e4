"""Addresses in texts: where a browser would go with them, read strictly, so that an unclear one leads to no place.

A place is a host as a person reads it, `docs.example.org`, with its port unless that is the scheme's usual one.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator

IsNamed = Callable[[str], bool]
"""Whether a workflow names a place."""

WORD_ATTRIBUTES = frozenset({"alt", "title", "aria-label"})
"""Attributes of tags that only hold words."""
DRAWN_LANGUAGES = frozenset({"mermaid", "math", "geojson", "topojson", "stl"})
"""Languages of code blocks that GitHub draws, with links (docs.github.com, Creating diagrams)."""

_STRICT = re.compile(r"(https?)://([^\s/\\?#@:\[\]]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(?:[/?#]\S*)?\Z", re.IGNORECASE)
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*\.?\Z|\[[0-9a-f:.]+\]\Z", re.IGNORECASE)
_MAIL = re.compile(r"mailto:[\w.+-]+@([\w.-]+)\Z", re.IGNORECASE)
"""One recipient and nothing else: `?bcc=`, `%40` and commas name more of them."""
_LOOSE = re.compile(r"\A(?:[a-z][a-z0-9+.-]*:)?(?:[/\\]|%5c)*([^/\\?#]*)", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_IGNORED = re.compile(r"[\x00-\x20\x7f-\x9f\xad\u034f\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""Characters that a browser drops from an address, or that nobody sees in it."""
_USUAL_PORTS = {"http": "80", "https": "443"}
_BEGIN = r"(?:(?:https?|ftp):\\?/\\?/|(?<![^\W_])www\.|(?<![a-z0-9])(?:mailto|xmpp):(?=[\w.+-]+@))"
_BARE = re.compile(rf"{_BEGIN}[^\s<>\"'`]+", re.IGNORECASE)
"""What services turn into links by themselves (github.github.com/gfm, Autolinks (extension); our Notion client)."""
_INNER = re.compile(rf"(?:[^\w=/?&%.-]|_)(?={_BEGIN})|[/=?&%.-](?=(?:mailto|xmpp):[\w.+-]+@)", re.IGNORECASE)
"""The sign before an address in another, at which some services begin a link of its own."""
_AFTER = ".,;:!?*_~()[]{}|\\"
"""Signs at the end of a bare address that belong to the sentence."""
_AT = re.compile(r"(?<![a-z0-9])(?:@|&(?:#0*64|#x0*40|commat);)(?=[a-z0-9&])[\w/-]*(?<!/)", re.IGNORECASE | re.ASCII)
"""What notifies a person or a team."""
_CLOSING = re.compile(
    r"(?<![^\W_])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?![^\W_])(?:(?:[^\w#]|_){1,20}|[\s:]++)"
    r"((?:[\w.-]{1,140}+/[\w.-]{1,140}+)?(?:#|&(?:#0*35|#x0*23|num);)\d+|GH-\d+"
    r"|https?://[^\s<>`]{1,400}/(?:issues|pull)/\d+)",
    re.IGNORECASE | re.ASCII,
)
"""A keyword that closes the issue that is named next to it (docs.github.com, Linking a pull request to an issue).

GitHub has no longer names; without a limit, the search after each keyword could go through the rest of the text.
"""
_REFERENCE = re.compile(
    r"(?<![\w/.@-])[\w.-]{1,140}/[\w.-]{1,140}(?:#|&(?:#0*35|#x0*23|num);)\d+|(?<![^\W_])GH-\d+",
    re.IGNORECASE | re.ASCII,
)
"""What leaves a mark at another issue (docs.github.com, Autolinked references and URLs).

`#12` stays: its issue is in the repository that the text goes to, and people write so in most texts. So do the hashes
of commits (`ann@a5c3785`), which only become links to GitHub.
"""
_ISSUE = re.compile(r"(?:https?://[^/]++)?/?[\w.-]++/[\w.-]++/(?:issues|pull|discussions)/\d+(?!\d)", re.IGNORECASE)
"""An address that does so, too, in a link."""
_LINE = r"(?:\A|(?<=[\n\r\v\f\x85\u2028\u2029]))"
_BLANKS = r"(?>(?:[^\S\n\r\v\f\x85\u2028\u2029]++|\ufeff)*)"
"""What programs take from the beginning of a line: `trim` of JavaScript also takes a byte order mark."""
_ORDER = re.compile(
    rf"{_LINE}{_BLANKS}(?>(?:(?:>|[-*+]|\d{{1,9}}[.)]|\[[ x]?\]|<[^<>]{{1,400}}>){_BLANKS})*)"
    r"(/[a-z][\w-]*(?![\w/.-])|bors(?=[ \t:]+[a-z]))",
    re.IGNORECASE,
)
"""A line that bots take as an order: `/close` (docs.prow.k8s.io/docs/components/plugins), `bors r+`.

They read the text as it is written, some of them without its tags and comments: code and quotes make no difference to
many of them, and `&#47;close` is not an order. A bot that looks for its word anywhere in a text is not held up:
`/close` within a line may be a path.
"""
_OF_COMMIT = re.compile(
    rf"{_LINE}[ \t]*(co-authored-by|signed-off-by|skip-checks)(?=[ \t]*:)"
    r"|(\[(?:skip[ _-][\w -]{1,40}|[\w-]{1,40}[ _-]skip|no[ _-]ci)\])",
    re.IGNORECASE,
)
"""What the message of a commit says to GitHub and others: who wrote it, and that no checks run.

docs.github.com: Creating a commit with multiple authors, Skipping workflow runs. The text of a pull request becomes
such a message when it is squashed.
"""
_LONGEST_PLACE = 100  # characters of a place in a sentence


def place_of(address: str) -> str:
    """Return the place that an address leads to, in lower case; empty if it is not plain.

    `https://Docs.Example.org/a` leads to `docs.example.org`, and so does `mailto:ann@docs.example.org`.
    """
    found = _STRICT.match(address)
    mail = None if found else _MAIL.match(address)
    host = found[2] if found else mail[1] if mail else ""
    # a browser goes to the normal form (NFKC), which may be another host than people read
    if not _HOST.match(host) or unicodedata.normalize("NFKC", host) != host:
        return ""
    host = host.lower().rstrip(".")
    is_usual = found is None or found[3] in (None, _USUAL_PORTS[found[1].lower()])
    return host if is_usual or found is None else f"{host}:{found[3]}"


def leads_away(address: str, is_named: IsNamed) -> bool:
    """Return whether an address may lead to a place that is not named; a relative one stays at the service."""
    place = place_of(address)
    issue = _ISSUE.match(address)
    if issue is not None and not is_named(issue[0].lower()):
        return True
    if place:
        return not is_named(place)
    plain = _IGNORED.sub("", address)
    is_odd = any(sign in plain for sign in ("//", "\\", "`", "%60"))
    return is_odd or _SCHEME.match(plain) is not None


def shown_place(address: str) -> str:
    """Return the host of any address for people, also of one that is not plain."""
    plain = _IGNORED.sub("", address)
    loose = _LOOSE.match(plain)
    place = place_of(plain) or ("" if loose is None else loose[1].rpartition("@")[2])
    place = re.sub(r"[`|<>\s]", "", place)
    return place if len(place) <= _LONGEST_PLACE else f"{place[:_LONGEST_PLACE]}…"


def bare_addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (begin, end, address) of each address that services make a link of by themselves."""
    for found in _BARE.finditer(text):
        begins = [found.start(), *(inner.end() for inner in _INNER.finditer(text, found.start(), found.end()))]
        for begin, end in itertools.pairwise([*begins, found.end()]):
            written = text[begin:end].rstrip(_AFTER)
            address = written.replace("\\", "")
            if address.lower().startswith("www."):
                address = f"http://{address}"
            if address.partition("://")[2] or "@" in address:
                yield begin, begin + len(written), address


def places_in(text: str) -> set[str]:
    """Return the places of all web addresses in a text."""
    return {place for _, _, address in bare_addresses(text) if (place := place_of(address))}


def mentions(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (begin, end, words) of each mention of a person, a team or another issue, and of issues that are closed."""
    addresses = [(begin, end) for begin, end, _ in bare_addresses(text)] if "@" in text else []
    last = 0
    for found in _AT.finditer(text):
        while last < len(addresses) and addresses[last][1] <= found.start():
            last += 1
        if last == len(addresses) or addresses[last][0] > found.start():
            yield found.start(), found.end(), found[0].lower()
    for found in _CLOSING.finditer(text):
        yield found.start(1), found.end(1), found[1].lower()
    for found in _REFERENCE.finditer(text):
        yield found.start(), found.end(), found[0].lower()


def silent(text: str, begin: int, end: int) -> int:
    """Return where a blank makes a mention, or the name of an issue, harmless in text that is not Markdown."""
    words = text[begin:end]
    if words.startswith(("@", "&")):
        return begin + (1 if words.startswith("@") else words.index(";") + 1)
    return begin + max(words.rfind(sign) for sign in "#;-/") + 1


def without_mentions(text: str, is_named: IsNamed) -> tuple[str, int]:
    """Return the message of a commit in which nobody is mentioned and no issue closed, and how many were.

    GitHub acts on them there, too, but reads no Markdown: they get a blank. `is_named`: the author writes the same.
    """
    found = {silent(text, begin, end) for begin, end, words in mentions(text) if not is_named(words)}
    for begin, _, address in bare_addresses(text):
        issue = issue_at(address)
        if issue and not is_named(issue):
            found.add(begin + issue.rindex("/") + 1)
    for at in sorted(found, reverse=True):  # from the end, so that earlier places stay where they are
        text = f"{text[:at]} {text[at:]}"
    return text, len(found)


def mentioned_in(text: str) -> set[str]:
    """Return the mentions, issues and orders to programs in a text of the author."""
    orders = {found[found.lastindex or 0].lower() for order in (_ORDER, _OF_COMMIT) for found in order.finditer(text)}
    issues = {issue_at(address) for _, _, address in bare_addresses(text)} - {""}
    return {words for _, _, words in mentions(text)} | orders | issues


def issue_at(address: str) -> str:
    """Return the part of an address that names an issue, in lower case; empty without an issue."""
    found = _ISSUE.match(address)
    return found[0].lower() if found else ""


def without_orders(text: str, is_named: IsNamed) -> tuple[str, int]:
    """Return a text without lines that are orders to bots, and without orders in commits, and how many there were.

    `/close` gets a blank, `bors` a full stop; neither sign means anything in Markdown.
    """
    text, count = _without(_ORDER, text, is_named)
    text, more = without_orders_of_commit(text, is_named)
    return text, count + more


def without_orders_of_commit(text: str, is_named: IsNamed) -> tuple[str, int]:
    """Return the message of a commit that credits nobody and skips no checks, and how often it did."""
    return _without(_OF_COMMIT, text, is_named)


def _without(orders: re.Pattern[str], text: str, is_named: IsNamed) -> tuple[str, int]:
    count = 0

    def harmless(found: re.Match[str]) -> str:
        nonlocal count
        order = found[found.lastindex or 0]
        if is_named(order.lower()):
            return found[0]
        count += 1
        parted = re.sub(r"[/\[-]", r"\g<0> ", order, count=1)
        return found[0][: -len(order)] + (f"{order}." if parted == order else parted)

    return orders.sub(harmless, text), count
