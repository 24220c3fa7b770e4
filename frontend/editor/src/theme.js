// The looks of the editor. `light-dark()` follows the page, which declares its color scheme.

import { EditorView } from "@codemirror/view";

const QUIET = "light-dark(#5b6272, #9aa3b2)";
const LINE = "light-dark(#e3e6ec, #2c313d)";
const RAISED = { background: "light-dark(#fff, #1d2029)", color: "inherit" };
const ACCENT = "light-dark(#4f46e5, #7c74ff)";
const MONO = 'ui-monospace, "Source Code Pro", monospace';

const wavy = (color) => ({
  backgroundImage: "none",
  textDecoration: `underline wavy ${color} 1px`,
  textUnderlineOffset: "3px",
});

export const theme = EditorView.theme({
  "&": { color: "inherit", fontSize: ".82rem", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: MONO, lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { padding: ".6rem 0", caretColor: "light-dark(#1c2130, #e8eaf0)" },
  ".cm-line": { padding: "0 .75rem" },
  ".cm-gutters": { background: "transparent", color: QUIET, border: "none" },
  ".cm-gutters ~ .cm-content .cm-line": { paddingInlineStart: ".35rem" },
  ".cm-activeLine, .cm-activeLineGutter": { background: "light-dark(rgb(99 102 241 / 7%), rgb(124 116 255 / 12%))" },
  "&:not(.cm-focused) :is(.cm-activeLine, .cm-activeLineGutter)": { background: "transparent" },
  ".cm-foldPlaceholder": { background: LINE, border: "none", color: "inherit", padding: "0 .4em" },
  "&.cm-focused .cm-matchingBracket": { background: "transparent", outline: `1px solid ${ACCENT}` },
  ".cm-selectionMatch": { background: "light-dark(#e0e7ff, #312e81)" },
  ".cm-searchMatch": { background: "light-dark(#fde68a, #713f12)" },
  ".cm-searchMatch-selected": { background: "light-dark(#fdba74, #9a3412)" },
  ".cm-panels": { ...RAISED, borderColor: LINE },
  ".cm-panels.cm-panels-top": { borderBottom: `1px solid ${LINE}` },
  ".cm-panel.cm-search": { padding: ".4rem .6rem", fontSize: ".85rem" },
  ".cm-textfield": { background: "transparent", color: "inherit", border: `1px solid ${QUIET}`, borderRadius: ".3rem" },
  ".cm-button": { ...RAISED, backgroundImage: "none", border: `1px solid ${QUIET}`, borderRadius: ".3rem" },
  ".cm-panel button[name=close]": { color: "inherit", fontSize: "1.2rem", padding: "0 .5rem" },
  ".cm-tooltip": { ...RAISED, fontSize: ".82rem", border: `1px solid ${LINE}`, borderRadius: ".4rem", zIndex: "1000", maxWidth: "min(30rem, 92vw)" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: `${MONO} !important`, maxWidth: "92vw" },
  ".cm-tooltip-autocomplete > ul > li": { padding: ".2rem .5rem !important" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { background: "#4f46e5 !important", color: "#fff !important" },
  ".cm-completionDetail": { color: "inherit" },
  ".cm-diagnostic": { whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
  ".cm-diagnostic-error": { borderInlineStart: "4px solid light-dark(#dc2626, #f87171)" },
  ".cm-diagnostic-warning": { borderInlineStart: "4px solid light-dark(#b45309, #fbbf24)" },
  ".cm-lintRange-error": wavy("light-dark(#dc2626, #f87171)"),
  ".cm-lintRange-warning": wavy("light-dark(#b45309, #fbbf24)"),
  ".cm-lintRange-active": { background: "light-dark(#fef3c7, #422006)" },
  ".cm-lintPoint::after": { bottom: "-2px" },
  ".code-note": { padding: ".35rem .6rem" },
  ".code-note code": { fontFamily: MONO, fontWeight: "600" },
  ".code-note p": { margin: ".1rem 0 0", overflowWrap: "anywhere" },
  ".code-expression": { background: "light-dark(#eef2ff, #23224a)", borderRadius: "3px" },
  ".code-variable": { color: "light-dark(#4338ca, #a5a0ff)", fontWeight: "600" },
});

// Streamlit's field: its box and border stay, its textarea is there for everything but the eye and the keyboard.
const PAGE = `
.code-editor { overflow: hidden; resize: vertical; min-height: 4rem; }
textarea:has(+ .code-editor) { position: absolute !important; inset: 0; z-index: -1; opacity: 0; pointer-events: none;
  resize: none !important; height: 100% !important; }
`;

export function addStyle() {
  if (document.getElementById("code-editor-style")) return;
  const style = document.createElement("style");
  style.id = "code-editor-style";
  style.textContent = PAGE;
  document.head.append(style);
}
