"""The demo GitHub as people see it: issues, one of them with its comments, and the latest commits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.base.language import t, tn
from dashboard.base.plain import outside_link, outside_text, plain
from dashboard.parts.pick_table import pick_table
from dashboard.parts.times import full_time

Issue = Mapping[str, Any]
_COMMITS = 20
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def github_tab(shown: Mapping[str, Any]) -> None:
    """Show the issues and commits of `shown`, the part of the demo called github."""
    issues = newest_first(shown["issues"])
    names = list(
        dict.fromkeys([_repository(one) for one in issues] + [one["full_name"] for one in shown["repositories"]])
    )
    chosen = st.segmented_control(
        t("Repository"), names, default=names[0], key="repository", label_visibility="collapsed", required=True
    )
    inside = [one for one in issues if _repository(one) == chosen]
    if inside:
        _issues(inside, shown["comments"], str(chosen))
    else:
        st.caption(t("No issues here."))
    _commits(shown["commits"], str(chosen))


def newest_first(issues: Sequence[Issue]) -> list[Issue]:
    """Return issues, most recently created first."""
    return sorted(issues, key=lambda one: (str(one["created_at"]), int(one["number"])), reverse=True)


def _repository(issue: Issue) -> str:
    return "/".join(str(issue["repository_url"]).split("/")[-2:])


def _issues(issues: Sequence[Issue], comments: Sequence[Mapping[str, Any]], repository: str) -> None:
    ids = [str(one["id"]) for one in issues]
    rows = [
        {
            t("Number"): f"#{one['number']}",
            t("Title"): str(one["title"]),
            t("State"): t("● open") if one["state"] == "open" else t("✓ closed"),
            t("Labels"): [str(label["name"]) for label in one["labels"]],
            t("By"): str(one["user"]["login"]),
        }
        for one in issues
    ]
    columns = {
        t("Number"): st.column_config.TextColumn(t("No."), width=56),
        t("Title"): st.column_config.TextColumn(width="large"),
        t("Labels"): st.column_config.ListColumn(),
    }
    opened = pick_table("issue", ids, rows, columns, alt=t("The issues of this repository."), place=repository)
    if opened:
        issue = issues[ids.index(opened)]
        _reading_pane(issue, [one for one in comments if one["issue_url"] == issue["url"]])
    else:
        st.caption(t("Click an issue to read it."))


def _reading_pane(issue: Issue, comments: Sequence[Mapping[str, Any]]) -> None:
    with st.container(border=True, key="reading-issue"):
        st.subheader(plain(f"{issue['title']} #{issue['number']}"), anchor=False)
        st.caption(plain(f"{issue['user']['login']} · {full_time(issue['created_at'])} · {issue['state']}"))
        outside_text(visible(str(issue["body"] or "")), empty=t("(no text)"))
        for comment in comments:
            st.divider()
            st.caption(plain(f"{comment['user']['login']} · {full_time(comment['created_at'])}"))
            outside_text(visible(str(comment["body"] or "")))
        outside_link(t("Open in the demo GitHub"), str(issue["html_url"]))


def visible(body: str) -> str:
    """Return a text without HTML comments, as GitHub shows it."""
    return _COMMENT.sub("", body).strip()


def _commits(commits: Sequence[Mapping[str, Any]], repository: str) -> None:
    inside = [one for one in commits if f"/{repository}/" in str(one["url"])][:_COMMITS]
    with st.expander(
        t("Last {commits}", commits=tn("{count} commit", "{count} commits", len(inside))), icon=":material/commit:"
    ):
        st.dataframe(
            [
                {
                    t("Commit"): str(one["sha"])[:7],
                    t("Message"): str(one["commit"]["message"]).partition("\n")[0],
                    t("By"): str(one["commit"]["author"]["name"]),
                    t("When"): full_time(one["commit"]["author"]["date"]),
                }
                for one in inside
            ],
            hide_index=True,
            column_config={t("Message"): st.column_config.TextColumn(width="large")},
            alt=t("The last commits of this repository."),
        )
