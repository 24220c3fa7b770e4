"""Steps for the text of a page of Notion, as Markdown of any length: read, added to, replaced."""

from __future__ import annotations

from engine.step import (
    Call,
    JsonValue,
    Repeat,
    Written,
    changes_respected,
    content,
    outside,
)
from engine.steps.notion import TEXT_SECONDS, PageOutput, Reading
from engine.steps.notion_pages import ChangePageFields, ChangesPage, Markdown, ReadPageFields


class MarkdownOutput(Markdown, PageOutput):
    """What the page says; `truncated` where Notion does not give all of it.

    `broken_lines`: so many line ends are only there because a block of Notion was full.
    """


class GetMarkdown(Reading):
    """Reads what a page says, as Markdown."""

    name = "notion.get_markdown"
    title = "Read the text of a page"
    fields = ReadPageFields
    output = MarkdownOutput

    def call(self, call: Call) -> JsonValue:
        """Read it."""
        return call.client.pages.text(call.fields.page)


class AppendMarkdownFields(ChangePageFields):
    """Which page (id or address), and what to add at its end."""

    markdown: str = content("Text (Markdown)", min_length=1, widget="text")


class AppendMarkdown(ChangesPage):
    """Adds text at the end of a page."""

    name = "notion.append_markdown"
    title = "Add to a page"
    repeat = Repeat.FINDABLE
    timeout_seconds = TEXT_SECONDS
    fields = AppendMarkdownFields
    output = PageOutput

    def call(self, call: Call) -> JsonValue:
        """Add it, or the rest of it where an earlier attempt began."""
        begun_at = call.intended_at if call.is_again else None
        return call.client.pages.append(call.fields.page, call.fields.markdown, begun_at)

    def find(self, call: Call) -> JsonValue | None:
        """See whether the page was changed since and ends with the text."""
        return call.client.pages.find_append(call.fields.page, call.fields.markdown, call.intended_at)

    undoes = "takes the text out of the page again"

    def undo(self, call: Call, written: Written) -> None:
        """Take it out, unless somebody wrote after it."""
        with changes_respected():
            call.client.pages.take_out(written.output["id"], call.fields.markdown, written.done_at)


class ReplaceMarkdownFields(ChangePageFields):
    """Which page (id or address), and what it shall say from now on; empty: nothing."""

    markdown: str = content("Text (Markdown)", widget="text")


class ReplaceMarkdownOutput(PageOutput):
    """The page; `before` is what it said, null where it said the same already."""

    before: str | None = outside("Before")


class ReplaceMarkdown(ChangesPage):
    """Replaces what a page says; pages and databases in it are never thrown away with it."""

    name = "notion.replace_markdown"
    title = "Replace the text of a page"
    timeout_seconds = TEXT_SECONDS
    fields = ReplaceMarkdownFields
    output = ReplaceMarkdownOutput
    undoes = "lets the page say again what it said before"
    stays = "comments on the old text are gone, and so are files that were in it"

    def call(self, call: Call) -> JsonValue:
        """Replace it, or go on where an earlier attempt began."""
        return call.client.pages.replace(call.fields.page, call.fields.markdown)

    def why_kept(self, written: Written) -> str:
        """Where nothing was changed there is nothing to put back."""
        if written.output.get("before") is not None:
            return super().why_kept(written)
        return "The page said this already; what it may have said before is not known."

    def undo(self, call: Call, written: Written) -> None:
        """Put the old text back, unless the page says something else by now."""
        with changes_respected():
            call.client.pages.put_back(written.output["id"], call.fields.markdown, written.output["before"])
