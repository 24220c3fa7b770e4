"""The little CSS that Streamlit's theme cannot express: positions by key, and sufficient contrast."""

from __future__ import annotations

import streamlit as st

_CSS = """
<style>
.st-key-page { max-width: 68rem; margin-inline: auto; padding-bottom: 3rem; }
@media (min-width: 640px) { .st-key-page { margin-top: -3rem; } }
@media (max-width: 640px) { .st-key-page { margin-top: -1.75rem; } }
/* Columns that stand below each other on a phone are lines of one form, not parts far from each other. */
@media (max-width: 640px) { .st-key-page [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"]) {
  gap: 1rem; } }
@media (max-width: 640px) { .st-key-page [class*="st-key-differences-"] [data-testid="stHorizontalBlock"] { gap: 0; } }
@media (max-width: 640px) { [class*="st-key-differences-"] [data-testid="stColumn"] + [data-testid="stColumn"] {
  padding-inline-start: 1rem; } }
/* The fields of a filter would fill the screen of a phone. */
@media (min-width: 641px) { .st-key-filter-shown { display: none; } }
@media (max-width: 640px) { .st-key-filter:not(:has(.st-key-filter-shown input:checked))
  :has(> .st-key-filter-fields) { display: none; } }
.st-key-page:has(.st-key-wide) { max-width: 100rem; }
@media (min-width: 640px) { .stMainBlockContainer:has(.st-key-wide) { padding-inline: 2rem; } }
@media (max-width: 640px) { .st-key-page [data-testid="stElementToolbar"] { display: none; } }
@media (max-width: 640px) { [class*="st-key-answer-"] > :has(.stTextInput) { min-width: 100%; } }
/* A page that needs its room has its head in one line; what it loads finds its place kept. */
.st-key-head-line h1 { font-size: 1.5rem; padding-block: 0; }
.st-key-canvas-place { min-height: clamp(30rem, calc(100vh - 12rem), 90rem); }
@media (max-width: 640px) { .st-key-canvas-place { min-height: 24rem; } }
/* Home: a sentence in large type, then rows of one line, or two. */
.st-key-home-title { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.st-key-answer p { font-size: 1.7rem; line-height: 1.3; font-weight: 600; text-wrap: balance; }
[class*="st-key-heading-"] { margin-bottom: -.6rem; }
[class*="st-key-heading-"] h2 { font-size: .9rem; font-weight: 600; opacity: .78; padding: 0; }
[class*="st-key-line-"] { min-height: 2.4rem; border-bottom: 1px solid rgba(128, 134, 150, .18); }
[class*="st-key-line-"] p { font-size: .92rem; line-height: 1.4; }
.stMainBlockContainer:has(.st-key-answer), .st-key-page:has(.st-key-answer) { padding-bottom: 1rem; }
[class*="st-key-line-"] button { min-height: 1.8rem; padding: 0 .7rem; }
[class*="st-key-line-"] [data-testid="stPageLink-NavLink"] { padding-inline: 0; background: none; }
[class*="st-key-line-"] [data-testid="stPageLink-NavLink"] [data-testid="stIconMaterial"] { display: none; }
@media (min-width: 641px) {
  [class*="st-key-line-"] { flex-wrap: nowrap; padding-block: .15rem; }
  [class*="st-key-line-"] .stMarkdown p { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
    overflow: hidden; overflow-wrap: anywhere; }
  [class*="st-key-line-"] > :has(> .stMarkdown) { min-width: 0; flex-shrink: 1; }
  [class*="st-key-line-"] > :has([data-testid="stCaptionContainer"]) { flex-shrink: 0; }
  [class*="st-key-line-"]:not([class*="st-key-line-waiting-"]) > :has(> .stPageLink) { flex: 0 0 19rem; min-width: 0; }
  [class*="st-key-line-"] [data-testid="stPageLink-NavLink"] * { white-space: normal; }
}
@media (max-width: 640px) {
  .st-key-waiting-keys, [class*="st-key-line-"] > :has(> .stSpace) { display: none; }
  [class*="st-key-line-"] { row-gap: .1rem; padding-block: .4rem; }
  [class*="st-key-line-"] [data-testid="stPageLink-NavLink"] * { white-space: normal; }
  [class*="st-key-line-waiting-"] > :first-child { flex: 1 0 100%; }
  [class*="st-key-line-waiting-"] > :last-child { margin-inline-start: auto; }
}
.st-key-places { row-gap: 0; padding-bottom: .4rem; border-bottom: 1px solid rgba(128, 134, 150, .22); }
[class*="st-key-row-"] { padding: .3rem 0 .4rem; border-bottom: 1px solid rgba(128, 134, 150, .22); }
[class*="st-key-titled-"] [data-testid="stPageLink-NavLink"] { padding-inline: 0; background: none; }
[class*="st-key-editor-"] textarea { font-family: ui-monospace, "Source Code Pro", monospace; font-size: .82rem; }
/* A letter, as its reader sees it; what others have written in it has a soft background. */
[class*="st-key-question-"] h2 { font-size: 1.15rem; font-weight: 500; padding: 0 0 .4rem; overflow-wrap: anywhere; }
.letter { white-space: pre-wrap; unicode-bidi: plaintext; overflow-wrap: anywhere; line-height: 1.55;
  padding: .8rem 1rem; border-radius: .5rem; background: light-dark(#f8f9fb, #1a1c24); }
.letter-outside { background: light-dark(#fff7ed, #2a2118);
  border-inline-start: 3px solid light-dark(#fdba74, #9a5b1f); }
.letter i { font-style: normal; color: light-dark(#5b6272, #a5acba); }
.letter mark { background: light-dark(#fde68a, #854d0e); color: inherit; font-weight: 600; border-radius: .2rem; }
.stHtml dl.letter-lines { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .9rem;
  margin: 0; padding: 0; overflow-wrap: anywhere; }
.stHtml .letter-lines dt { color: light-dark(#5b6272, #a5acba); margin: 0; padding: 0; }
.stHtml .letter-lines dd { margin: 0; padding: 0; white-space: pre-wrap; }
[class*="st-key-original-"] .letter { max-height: 32rem; overflow: auto; }
[class*="st-key-original-shown-"] { display: none; }
@media (max-width: 640px) {
  [class*="st-key-original-shown-"] { display: block; }
  [class*="st-key-question-"] [data-testid="stHorizontalBlock"]:has(> * [class*="st-key-original-"]) {
    flex-direction: column-reverse; }
  [class*="st-key-original-"]:not(:has(input:checked)) .letter { display: none; } }
/* The answer stays in reach while a long letter is read. */
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-answer-"]) { position: sticky; bottom: 0; z-index: 80; }
[class*="st-key-answer-"] { background: light-dark(#fff, #13151b); padding-block: .6rem; }
.marked { white-space: pre-wrap; overflow-wrap: anywhere; font-family: ui-monospace, "Source Code Pro", monospace;
  font-size: .82rem; line-height: 1.5; padding: .8rem 1rem; border-radius: .5rem; max-height: 30rem; overflow: auto;
  background: light-dark(#f8f9fb, #1a1c24); }
.marked ins { background: light-dark(#dcfce7, #14532d); color: inherit; text-decoration: underline; }
.marked del { background: light-dark(#fee2e2, #7f1d1d); color: inherit; text-decoration: line-through; }
.marked mark { background: light-dark(#e0e7ff, #312e81); color: inherit; border-bottom: 1px solid #6d66f5; }
.prose { overflow-wrap: anywhere; overflow: clip; line-height: 1.5; }
.prose > :first-child { margin-block-start: 0; padding-block-start: 0; }
.prose > :last-child { margin-block-end: 0; }
.prose-framed { padding: .8rem 1rem; border-radius: .5rem; background: light-dark(#f8f9fb, #1a1c24); }
.prose :is(h4, h5, h6) { padding: .6rem 0 .2rem; margin: 0; font-weight: 600; font-size: 1.1rem; }
.prose :is(h5, h6) { font-size: 1rem; }
.prose :is(p, ul, ol, pre, blockquote, .prose-table) { margin: 0 0 .7rem; }
.prose li > :is(p, ul, ol) { margin: 0; }
.prose blockquote { border-inline-start: 3px solid #868ea1; padding-inline-start: .8rem; }
.prose :is(pre, code) { font-family: ui-monospace, "Source Code Pro", monospace; font-size: .85em; color: inherit;
  background: light-dark(#e8eaf0, #2a2d38); border-radius: .3rem; }
.prose code { padding: .1em .3em; }
.prose pre { padding: .6rem .8rem; white-space: pre-wrap; }
.prose pre code { padding: 0; font-size: 1em; background: none; }
.prose-table { overflow-x: auto; }
.prose table { border-collapse: collapse; overflow-wrap: normal; }
.prose :is(th, td) { border: 1px solid light-dark(#c9cdd8, #434856); padding: .25rem .6rem; text-align: start; }
.prose a { color: light-dark(#4338ca, #a5a0ff); text-decoration: underline; }
.bars { display: flex; align-items: end; gap: 2px; height: 7rem; border-bottom: 1px solid rgba(128, 134, 150, .5); }
.bars i { flex: 1; min-width: 1px; border-radius: 2px 2px 0 0; background: light-dark(#4f46e5, #818cf8); }
.bars-ends { display: flex; justify-content: space-between; font-size: .75rem; opacity: .78; }
/* Contrast (WCAG 2.2: text 4.5, controls 3) in the light as in the dark; a visible focus for the keyboard. */
[data-testid="stCaptionContainer"] { opacity: .78; }
/* Never `:has() > div`: whatever is put into a page would then have all its divs styled anew. */
.stCheckbox label:not([data-selected]) > div:first-of-type { border-color: #868ea1; }
[data-testid="stRadioOption"]:not([data-selected]) > div > div:first-child { box-shadow: 0 0 0 1px #868ea1; }
button[kind^="primary"]:not(:disabled) { background: #4f46e5; border-color: #4f46e5; }
button[kind^="primary"]:not(:disabled):is(:hover, :active) { background: #4338ca; border-color: #4338ca; }
.stMultiSelect [data-tag] { background: #4f46e5; }
button[kind="tertiary"]:not(:disabled):is(:active, [aria-expanded="true"]) { color: inherit; }
button[data-variant="segmented_control"][aria-checked="true"] p { color: light-dark(#4338ca, #a5a0ff); }
.stCode code .token:is(.punctuation, .operator, .comment, .coord) { color: light-dark(#5b6272, #9aa3b2); }
.stCode code .token.property { color: light-dark(#0369a1, #38bdf8); }
.stCode code .token:is(.string, .inserted) { color: light-dark(#15803d, #4ade80); }
.stCode code .token:is(.number, .boolean) { color: light-dark(#0f766e, #2dd4bf); }
.stCode code .token.null { color: light-dark(#1d4ed8, #60a5fa); }
.stCode code .token.deleted { color: light-dark(#b91c1c, #f87171); }
.stCode code .token.line.unchanged { color: inherit; }
.stCode code .token.line.inserted { color: light-dark(#15803d, #4ade80); }
.stCode code .token.line.deleted { color: light-dark(#b91c1c, #f87171); }
/* Links of Streamlit take the outline away by a rule of their own. */
a:focus-visible { outline: 2px solid #6d66f5 !important; outline-offset: 2px; border-radius: .4rem; }
/* The list of questions beside the one that is open; on a phone below it. */
.st-key-question-keys { display: none; }
.st-key-question-rows button { justify-content: flex-start; text-align: start; padding: .45rem .7rem;
  border-radius: .4rem; border-bottom: 1px solid rgba(128, 134, 150, .22); }
.st-key-question-rows button > div { justify-content: flex-start; min-width: 0; }
.st-key-question-rows button p { overflow-wrap: anywhere; }
.st-key-question-rows [class*="st-key-picked-"] button { background: light-dark(#eef0fe, #23233f); }
@media (min-width: 641px) { .st-key-question-rows { max-height: 74vh; overflow: auto; } }
@media (max-width: 640px) { .st-key-question-hint { display: none; } }
@media (max-width: 640px) { .st-key-question-list [data-testid="stHorizontalBlock"]:has(> * .st-key-question-rows) {
  flex-direction: column-reverse; } }
[class*="st-key-in-view-"] { scroll-margin-top: 4rem; }
/* A conversation reads as one, rather than as cards far from each other. */
[class*="st-key-talk-"] [data-testid="stChatMessage"] { padding-block: .5rem; }
[class*="st-key-talk-"] [data-testid="stChatMessage"] [data-testid="stVerticalBlock"] { gap: .45rem; }
[class*="st-key-saw-"] summary, [class*="st-key-back-"] summary, [class*="-roles"] summary { opacity: .82; }
.stMarkdown .stMarkdownBadge { white-space: normal !important; }
.st-key-browser-script { display: none; }
/* What a button did is said at the foot of the menu, where it covers no button; a phone has no such place. */
@media (min-width: 641px) { .stToastContainer { inset: auto auto .5rem 0; margin: 0 .9rem; }
  .stToastContainer .stToast { width: 19rem; } }
/* A phone hides the menu: its first places are at the bottom of the screen. */
[data-testid="stLayoutWrapper"]:has(> .st-key-phone-bar) { position: absolute; }
.st-key-phone-bar { display: none; }
@media (max-width: 640px) {
  .st-key-phone-bar { display: flex; position: fixed; inset: auto 0 0; width: 100%; z-index: 99; flex-wrap: nowrap;
    background: light-dark(#fff, #13151b); border-top: 1px solid rgba(128, 134, 150, .3);
    padding: .25rem .25rem max(.25rem, env(safe-area-inset-bottom)); }
  .st-key-phone-bar > * { flex: 1 1 0; width: auto; min-width: 0; }
  .st-key-phone-bar :is(a, .phone-more) { display: flex; flex-direction: column; align-items: center;
    justify-content: center; gap: .1rem;
    width: 100%; min-height: 2.9rem; padding: .25rem 0; margin: 0; font: inherit; font-size: .7rem; color: inherit;
    background: none; border: 0; }
  .st-key-phone-bar a p { font-size: .7rem; line-height: 1.3; }
  .st-key-phone-bar > * { align-self: stretch; }
  .st-key-phone-bar .phone-more { gap: 0; padding: .1rem 0 0; line-height: 1.2; justify-content: start; }
  .st-key-phone-bar .phone-more span { font-size: 1rem; line-height: 1.2rem; }
  .stMainBlockContainer, .stMainBlockContainer:has(.st-key-answer) { padding-bottom: 5.5rem; }
}
/* The search is at the top of every page and scrolls with it, over nothing; a phone has a header for it. */
.stMainBlockContainer { position: relative; }
.st-key-search-button { position: absolute; top: .7rem; inset-inline-end: 1rem; width: auto; z-index: 999991; }
@media (max-width: 640px) { .st-key-search-button { position: fixed; } }
.search-button { display: flex; align-items: center; gap: .5rem; padding: .3rem .6rem; font: inherit; font-size: .85rem;
  color: light-dark(#4b5263, #b4bac7); background: light-dark(#f8f9fb, #1d2029); cursor: pointer;
  border: 1px solid light-dark(#868ea1, #6b7385); border-radius: .6rem; }
.search-button:is(:hover, :focus-visible) { color: inherit; border-color: #6d66f5; }
.search-button:focus-visible { outline: 2px solid #6d66f5; outline-offset: 2px; }
.search-button kbd { font: inherit; font-size: .75rem; opacity: .85; background: none; color: inherit; border: 0; }
@media (max-width: 640px) { .search-button kbd { display: none; } }
</style>
"""


_ENTRY = """[data-testid="stSidebarNavLink"][href$="/%s"]"""


def apply() -> None:
    """Add the style sheet to the page."""
    st.html(_CSS)


def mark_place(path: str) -> None:
    """Mark an entry of the menu as the place of the page being shown, which is not the entry's own."""
    st.html(f"<style>{_ENTRY % path} {{ background: rgba(128, 134, 150, .18); font-weight: 600; }}</style>")
