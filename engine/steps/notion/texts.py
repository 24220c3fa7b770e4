"""Steps that read, append to and replace the text of a Notion page, as Markdown of any length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.plugins.step import (
    Call,
    JsonValue,
    Repeat,
    Written,
    changes_respected,
    content,
    outside,
)
from engine.steps.notion.pages import ChangePageFields, ChangesPage, Markdown, ReadPageFields, noted
from engine.steps.notion.upserting import TEXT_SECONDS, PageOutput, Reading


class MarkdownOutput(Markdown, PageOutput):
    """The text of the page; `truncated`: Notion does not return all of it.

    `broken_lines`: the number of line breaks caused only by Notion's limit on the size of a block.
    """


class GetMarkdown(Reading):
    """Read the text of a page as Markdown."""

    name = "notion.get_markdown"
    title = "Read the text of a page"
    fields = ReadPageFields
    output = MarkdownOutput

    def call(self, call: Call) -> JsonValue:
        """Read the text."""
        return noted(call, call.client.pages.text(call.fields.page))


class AppendMarkdownFields(ChangePageFields):
    """The page (id or address), and the text to append."""

    markdown: str = content("Text (Markdown)", min_length=1, widget="text", markup="markdown")


class AppendMarkdown(ChangesPage):
    """Append text to a page."""

    name = "notion.append_markdown"
    title = "Add to a page"
    repeat = Repeat.FINDABLE
    timeout_seconds = TEXT_SECONDS
    fields = AppendMarkdownFields
    output = PageOutput

    def call(self, call: Call) -> JsonValue:
        """Append the text, or the rest of it if an earlier attempt was interrupted."""
        begun_at = call.intended_at if call.is_again else None
        return call.client.pages.append(call.fields.page, call.fields.markdown, begun_at)

    def shown(self, fields: Any, page: Mapping[str, Any]) -> tuple[str, str]:
        """Return the text of the page, without and with what is added."""
        return page["markdown"], f"{page['markdown'].rstrip()}\n\n{fields.markdown}".lstrip()

    def find(self, call: Call) -> JsonValue | None:
        """Check whether the page has changed since and ends with the text."""
        return call.client.pages.find_append(call.fields.page, call.fields.markdown, call.intended_at)

    undoes = "removes the text from the page"

    def undo(self, call: Call, written: Written) -> None:
        """Remove the text, unless somebody has written below it."""
        with changes_respected():
            call.client.pages.take_out(written.output["id"], call.fields.markdown, written.done_at)


class ReplaceMarkdownFields(ChangePageFields):
    """The page (id or address), and its new text; empty clears the page."""

    markdown: str = content("Text (Markdown)", widget="text", markup="markdown")


class ReplaceMarkdownOutput(PageOutput):
    """The page; `before` is its old text, null if the text was already the same."""

    before: str | None = outside("Before")


class ReplaceMarkdown(ChangesPage):
    """Replace the text of a page; pages and databases inside it are never deleted with it."""

    name = "notion.replace_markdown"
    title = "Replace the text of a page"
    timeout_seconds = TEXT_SECONDS
    fields = ReplaceMarkdownFields
    output = ReplaceMarkdownOutput
    undoes = "restores the earlier text of the page"
    stays = "the loss of comments on the old text and of files that were in it"

    def call(self, call: Call) -> JsonValue:
        """Replace the text, or continue if an earlier attempt was interrupted."""
        return call.client.pages.replace(call.fields.page, call.fields.markdown)

    def shown(self, fields: Any, page: Mapping[str, Any]) -> tuple[str, str]:
        """Return the old and the new text."""
        return page["markdown"], fields.markdown

    def why_kept(self, written: Written) -> str:
        """Return a reason if nothing was changed."""
        if written.output.get("before") is not None:
            return super().why_kept(written)
        return "The page already had this text; its earlier text is not known."

    def undo(self, call: Call, written: Written) -> None:
        """Restore the old text, unless the page has been changed since."""
        with changes_respected():
            call.client.pages.put_back(written.output["id"], call.fields.markdown, written.output["before"])
