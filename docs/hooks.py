"""What MkDocs does besides its configuration: reference pages that are made from the program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from markdown import Markdown
from markdown.extensions import Extension
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent


class ListsAsOnGitHub(Extension):
    """Lists inside lists are indented by two spaces."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - a name of Markdown's
        """Set the width of an indentation."""
        md.tab_length = 2


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Read the pages as GitHub does."""
    extensions = cast("list[Any]", config.markdown_extensions)  # names of extensions, as a rule
    extensions.append(ListsAsOnGitHub())
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the commands and of the REST API, and the icon."""
    for name, text in _made().items():
        files.append(File.generated(config, name, content=text()))
    files.append(File.generated(config, "images/icon.svg", abs_src_path=str(ROOT / "dashboard/assets/icon.svg")))
    return files


def _made() -> Mapping[str, Callable[[], str]]:
    sys.path.insert(0, str(ROOT))
    from api.route_docs import api_page
    from commands.base.command_docs import commands_page

    return {"commands.md": commands_page, "api.md": api_page}
