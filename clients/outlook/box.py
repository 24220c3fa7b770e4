"""One mailbox in Microsoft Graph: its address there, its folders, and the records of its messages.

https://learn.microsoft.com/graph/api/resources/message
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from urllib.parse import quote, urlencode

from clients.error_mapping import reading
from clients.errors import BadAnswer, InvalidRequest, NotFound
from clients.listing import Json
from clients.mail.labelled import LabelledMails
from clients.microsoft.graph import Graph
from clients.outlook.service import OUTLOOK
from clients.wording import did_you_mean

SERVICE = OUTLOOK.name
IMMUTABLE = 'IdType="ImmutableId"'
"""With this preference, an id stays when a message is moved or sent (https://learn.microsoft.com/graph/outlook-immutable-id)."""
FIELDS = (
    "id,conversationId,parentFolderId,categories,isRead,isDraft,flag,receivedDateTime,webLink,subject,internetMessageId"
)
PAGE = 100
KNOWN_FOLDERS = ("inbox", "drafts", "sentitems", "deleteditems", "archive", "junkemail")
"""Folders that have a name in every language (https://learn.microsoft.com/graph/api/resources/mailfolder)."""
_DEEPEST = 10
_REMEDY = "Check the id: it may belong to another mailbox, or the mail was permanently deleted."


class OutlookBox:
    """One mailbox. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, graph: Graph, mailbox: str, account: Callable[[], str]) -> None:
        self.graph, self.account = graph, account
        self.url = f"{graph.url}/users/{quote(mailbox, safe='')}" if mailbox else f"{graph.url}/me"
        self._known: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        self._links: dict[str, str] = {}
        self._lock = threading.Lock()

    # Messages.

    def at(self, message: str, more: str = "") -> str:
        """Return the address of a message, or of something below it. Raises InvalidRequest."""
        if not message.strip():
            raise InvalidRequest("The id of the mail is empty.", service=SERVICE)
        return f"{self.url}/messages/{quote(message, safe='')}{more}"

    @contextlib.contextmanager
    def there(self, kind: str, wanted: str) -> Iterator[None]:
        """Name the missing mail, draft, thread or folder in NotFound: Outlook's own message does not."""
        try:
            with reading(OUTLOOK):
                yield
        except NotFound as error:
            raise missing(kind, wanted, error.http_status) from error

    def record(self, message: str, fields: str = FIELDS) -> Json:
        """Return what Outlook tells of a message, without its text."""
        with self.there("mail", message):
            return self.noted(self.graph.get(f"{self.at(message)}?{urlencode({'$select': fields})}"))

    def raw(self, message: str) -> bytes:
        """Return a message as it came, in MIME."""
        with self.there("mail", message):
            found = self.graph.content(self.at(message, "/$value"))
        if not found:
            raise BadAnswer("Outlook returned a mail without its text.", service=SERVICE)
        return found

    def listed(self, below: str = "", most: int | None = None, **query: str) -> Iterator[Json]:
        """Yield records of a list, page by page; `query` are OData's options, such as `filter`."""
        asked = {"$select": FIELDS, "$top": str(min(PAGE, most or PAGE)), **{f"${k}": v for k, v in query.items()}}
        found = self.graph.pages(f"{self.url}{below}/messages?{urlencode(asked)}")
        return (self.noted(one) for one in (found if most is None else islice(found, most)))

    def records_of(self, target: LabelledMails) -> list[Json]:
        """Return the record of a mail, or those of all mails in a thread, oldest first. Raises NotFound."""
        if target.kind == "messages":
            return [self.record(target.id)]
        if not target.id.strip():
            raise InvalidRequest("The id of the thread is empty.", service=SERVICE)
        # Sorted here: with this filter, Outlook sorts by nothing else ("InefficientFilter"). The newest come first.
        newest_first = self.listed(filter=f"conversationId eq {quoted(target.id)}")
        found = sorted(newest_first, key=received_at, reverse=True)[::-1]
        if not found:
            raise missing("thread", target.id)
        return found

    def with_message_id(self, name: str) -> list[Json]:
        """Return the records of all messages with a Message-ID, in any folder."""
        return list(self.listed(filter=f"internetMessageId eq {quoted(name)}"))

    def noted(self, found: Json) -> Json:
        """Return a record, after remembering its web address."""
        if not isinstance(found.get("id"), str):
            raise BadAnswer("Outlook sent a message that cannot be understood: it has no id.", service=SERVICE)
        for name in ("id", "conversationId"):
            self._links[str(found.get(name))] = str(found.get("webLink") or "")
        return found

    def link(self, wanted: str) -> str:
        """Return the web address of a mail, or of the newest mail of a thread that was read before."""
        return self._links[wanted] if wanted in self._links else str(self.record(wanted).get("webLink") or "")

    # Folders.

    def known(self, role: str) -> str:
        """Return the id of a folder by its name in every language. Raises NotFound: some have no archive."""
        with self._lock, self.there("folder", role):
            if role not in self._known:
                self._known[role] = str(self.graph.get(f"{self.url}/mailFolders/{role}?$select=id")["id"])
            return self._known[role]

    @reading(OUTLOOK)
    def paths(self) -> dict[str, str]:
        """Return the paths of all folders by their ids, such as `Inbox/Invoices`, asked again."""
        found: dict[str, str] = {}
        waiting = [("", f"{self.url}/mailFolders")]
        for _ in range(_DEEPEST):
            below = []
            for above, url in waiting:
                for one in self.graph.pages(f"{url}?$select=id,displayName,childFolderCount&$top={PAGE}"):
                    path = found[str(one["id"])] = f"{above}{one['displayName']}"
                    if one.get("childFolderCount"):
                        below.append((f"{path}/", f"{self.url}/mailFolders/{quote(one['id'], safe='')}/childFolders"))
            waiting = below
        with self._lock:
            self._paths = found
        return dict(found)

    def path(self, folder: str) -> str:
        """Return the path of a folder by its id; the id if it is hidden."""
        with self._lock:
            if folder in self._paths:
                return self._paths[folder]
        return self.paths().get(folder, folder)

    def folder(self, named: str) -> str:
        """Return the id of a folder by its name in every language, its path, or its id. Raises NotFound."""
        name = named.strip().strip("/")
        if name.lower() in KNOWN_FOLDERS:
            return self.known(name.lower())
        paths = self.paths()
        alike = [one for one, path in paths.items() if path.casefold() == name.casefold()]
        if alike or name in paths:
            return alike[0] if alike else name
        raise NotFound(
            f"There is no folder {named!r} in this mailbox.",
            service=SERVICE,
            remedy=did_you_mean(name, list(paths.values())),
        )


def missing(kind: str, wanted: str, status: int | None = None) -> NotFound:
    """Return the error for a mail, draft or thread that does not exist."""
    answered = f" (Outlook answered {status})" if status else ""
    return NotFound(
        f"There is no {kind} {wanted!r} in this mailbox{answered}.", service=SERVICE, http_status=status, remedy=_REMEDY
    )


def quoted(text: str) -> str:
    """Return a text for a filter: OData doubles its quotation marks."""
    return "'" + text.replace("'", "''") + "'"


def received_at(record: Json) -> str:
    """Return when a message arrived (RFC 3339, UTC); a draft, when it was made."""
    return str(record.get("receivedDateTime") or "")
