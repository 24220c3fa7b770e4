"""Moves mails between the folders of an Outlook mailbox."""

from __future__ import annotations

from clients.errors import Conflict
from clients.listing import Json
from clients.mail.labelled import LabelledMails
from clients.outlook.box import SERVICE, OutlookBox


class OutlookFiling:
    """The folders that mails are in. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, box: OutlookBox) -> None:
        self._box = box

    def on(self, target: LabelledMails) -> dict[str, str]:
        """Return the id of the folder that the mail is in, or of each mail of the thread."""
        return {str(one["id"]): str(one.get("parentFolderId") or "") for one in self._box.records_of(target)}

    def move(self, message: str, folder: str) -> None:
        """Move a mail to a folder by its id, where it keeps its own id. One that is there stays. Raises NotFound."""
        if self._box.record(message).get("parentFolderId") == folder:
            return
        with self._box.there("mail", message):
            self._box.graph.asked("POST", self._box.at(message, "/move"), json={"destinationId": folder})

    def move_back(self, change: Json) -> None:
        """Move a mail back: {message, before, after}. Raises Conflict if it was moved again, NotFound."""
        present = self._box.record(change["message"]).get("parentFolderId")
        if present not in {change["before"], change["after"]}:
            raise Conflict("The mail has been moved since.", service=SERVICE)
        self.move(change["message"], change["before"])
