"""New files in a folder of a drive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clients.drives.drive import DriveFile
from clients.webdav.service import WEBDAV
from engine.base.clock import moment_of
from engine.plugins.step import Fields, destination
from engine.plugins.trigger import Found, Item, Look, OwnWrite, TriggerType
from engine.steps.drive import FOLDER, FileFacts, facts


class FolderFields(Fields):
    """The folder."""

    folder: str = destination("Folder (its path or id); empty: the root", "", format=FOLDER)


class NewFile(TriggerType):
    """Starts a run for each new file in a folder on a drive, without its subfolders.

    A file that is changed later starts no run. If the drive identifies files by their paths, neither does another file
    with the same path. `drive.download` takes `item.id`.
    """

    name = "drive.new_file"
    title = "A new file on a drive"
    happens = "a new file is on a drive"
    watches = "a file on a drive"
    service = WEBDAV.name
    fields = FolderFields
    item = FileFacts
    start_from = ("now",)
    made_by = ("drive.upload",)

    def source(self, fields: FolderFields) -> str:
        """Return the folder: another folder has other files."""
        return fields.folder.strip("/")

    def look(self, look: Look) -> Found:
        """List what has come since the cursor, {drive}: the drive's own."""
        cursor = look.cursor or {"drive": None}
        found = look.client.changes(look.fields.folder, cursor["drive"])
        unseen = set(look.unseen(one.id for one in found.files))
        fresh = [one for one in found.files if one.id in unseen]
        if len(fresh) > look.limit:  # the cursor stays; what was listed is seen by then
            return Found([_item(one) for one in fresh[: look.limit]], cursor, has_more=True)
        return Found([_item(one) for one in fresh], {"drive": found.cursor})

    def is_made(self, look: Look, item: Item, made: Sequence[OwnWrite]) -> bool:
        """Compare the ids, and the versions: a drive that identifies files by paths may have another one there."""
        known = {(one.output["id"], one.output["version"]) for one in made if isinstance(one.output, Mapping)}
        return item.value is not None and (item.id, item.value["version"]) in known


def _item(found: DriveFile) -> Item:
    at = moment_of(found.modified_at) if found.modified_at else None
    return Item(found.id, facts(found), " ".join(found.path.split()) or found.id, at)
