// A code editor over a text area of Streamlit, which stays in the page and holds the text: each change is written into
// it at once, as if it was typed there. So whatever keeps, restores and sends typed text works as for any other field.
// Loaded by dashboard/assets/browser.js.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab, isolateHistory } from "@codemirror/commands";
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, EditorState, Transaction } from "@codemirror/state";
import { EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";

import { colored, completions, endOf, language, spaceInside } from "./languages.js";
import { leave, returned } from "./redrawn.js";
import { references } from "./references.js";
import { addStyle, theme } from "./theme.js";
import { speak, spoken, t } from "./words.js";

export { colored };

const COMMIT_MS = 400;
const TALLEST = 0.7;

const fromPage = Annotation.define();
const setValue = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
const page = { fields: [], crc32: () => 0, mounted: new Map(), due: 0 };

// Show these fields as editors: [{css, crc, code: {language, document, names, fragments, uses, marks}}].
export function show(fields, crc32, texts = {}) {
  addStyle();
  speak(texts);
  page.fields = fields;
  page.crc32 = crc32;
  mountAll();
}

// Return the words of CodeMirror itself in the language of the page; they are only looked up here to be in the catalogue.
function phrases() {
  const words = [
    t("Find"), t("Replace"), t("next"), t("previous"), t("all"), t("match case"), t("regexp"), t("by word"), t("replace"),
    t("replace all"), t("close"), t("current match"), t("on line"), t("replaced $ matches"), t("replaced match on line $"),
    t("Completions"), t("Diagnostics"), t("No diagnostics"), t("Go to line"), t("go"), t("Control character"),
    t("Selection deleted"), t("Folded lines"), t("Unfolded lines"), t("to"), t("folded code"), t("unfold"), t("Fold line"),
    t("Unfold line"),
  ];
  return words.length ? spoken() : {};
}

// Streamlit may draw a field anew at any time.
new MutationObserver(() => {
  page.due ||= requestAnimationFrame(() => {
    page.due = 0;
    mountAll();
  });
}).observe(document.body, { childList: true, subtree: true });

function mountAll() {
  for (const editor of page.mounted.values()) if (!editor.isInPlace) editor.destroy();
  for (const field of page.fields) {
    const textarea = document.querySelector(`.${CSS.escape(field.css)} textarea`);
    if (!textarea) continue;
    const isMounted = page.mounted.has(textarea);
    if (!isMounted && isBeingDrawn(field, textarea.value)) continue;
    if (!isMounted) page.mounted.set(textarea, new Editor(textarea, field));
    page.mounted.get(textarea).describe(field);
  }
}

// Whether a field is empty only because Streamlit is drawing it: the page says that it has a text. Who typed into it then
// would type at the beginning of nothing, send that as the whole text, and undo back to it.
function isBeingDrawn(field, text) {
  return text === "" && field.crc !== page.crc32("");
}

class Editor {
  constructor(textarea, field) {
    this.textarea = textarea;
    this.field = field;
    this.described = null;
    this.timer = 0;
    this.isMirroring = false;
    this.name = "";
    this.life = new AbortController();
    this.host = document.createElement("div");
    this.host.className = "code-editor";
    const isFocused = textarea === document.activeElement;
    const { offsetHeight: height, selectionStart: anchor, selectionEnd: head, scrollTop } = textarea;
    if (this.isDocument) this.host.style.height = `${height}px`;
    else Object.assign(this.host.style, { minHeight: `${height}px`, maxHeight: `${Math.round(innerHeight * TALLEST)}px` });
    this.view = new EditorView({
      parent: this.host,
      state: EditorState.create({ doc: textarea.value, extensions: this.extensions() }),
    });
    this.sent = this.text;
    this.replaceInPage();
    const before = returned(field.css);
    if (before !== null) this.goOn(before);
    else if (isFocused) {
      this.select(anchor, head);
      this.view.scrollDOM.scrollTop = scrollTop;
      if (this.text !== "") this.commitSoon();
    }
  }

  select(anchor, head) {
    const end = this.view.state.doc.length;
    this.view.dispatch({ selection: { anchor: Math.min(anchor, end), head: Math.min(head, end) }, scrollIntoView: true });
    this.view.focus();
  }

  // Go on where the editor of a field that was drawn anew was left; see redrawn.js.
  goOn({ text, sent, anchor, head, keys }) {
    if (this.text === sent && text !== sent) {
      this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
    }
    if (this.text !== text) return; // it was replaced meanwhile
    this.select(anchor, head);
    if (keys) this.view.dispatch(this.view.state.replaceSelection(keys));
  }

  // Whether its field is still there: Streamlit may use the same text area again, for another one.
  get isInPlace() {
    return this.textarea.isConnected && this.textarea.closest(`.${CSS.escape(this.field.css)}`) !== null;
  }

  get isDocument() {
    return this.field.code.document;
  }

  get text() {
    return this.view.state.doc.toString();
  }

  extensions() {
    const { language: name } = this.field.code;
    const current = () => this.field.code;
    const keys = [{ key: "Mod-Enter", run: () => this.commit() }];
    const forDocuments = [lineNumbers(), foldGutter(), codeFolding(), lintGutter(), indentOnInput(), keymap.of([indentWithTab])];
    return [
      keymap.of(keys),
      highlightSpecialChars(), history(), bracketMatching(), closeBrackets(), highlightActiveLine(),
      highlightActiveLineGutter(), highlightSelectionMatches(), search({ top: true }), EditorState.phrases.of(phrases()),
      EditorView.inputHandler.of(spaceInside),
      autocompletion({ override: completions(current) }),
      language(name, current), indentUnit.of("  "),
      references(current),
      this.isDocument ? forDocuments : EditorView.lineWrapping,
      keymap.of([
        ...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap,
        ...defaultKeymap,
      ]),
      EditorView.contentAttributes.of(() => this.attributes()),
      EditorView.updateListener.of((update) => this.onUpdate(update)),
      EditorView.domEventHandlers({
        blur: () => {
          leave(this, this.sent);
          this.commit();
        },
      }),
      theme,
    ];
  }

  attributes() {
    const leave = this.isDocument ? t("Escape, then Tab, leaves the field.") : t("Tab leaves the field.");
    const keys = t("Control and space completes, Control and F searches.");
    return {
      "aria-label": this.name,
      "aria-description": `${t("Code editor.")} ${leave} ${keys}`,
      tabindex: "0", // as it is anyway: checkers of accessibility look for it
      spellcheck: this.field.code.language === "prompt" ? "true" : "false",
    };
  }

  // The textarea gives up its name: a reader of the page finds one field of this name, which is the editor.
  takeName() {
    const { textarea } = this;
    if (!textarea.hasAttribute("aria-label")) return;
    this.name = textarea.getAttribute("aria-label");
    textarea.removeAttribute("aria-label");
    this.view.dispatch({});
  }

  replaceInPage() {
    const { textarea } = this;
    textarea.after(this.host);
    textarea.setAttribute("aria-hidden", "true");
    textarea.tabIndex = -1;
    this.takeName();
    const label = textarea.closest(".stTextArea")?.querySelector("label");
    label?.removeAttribute("for");
    label?.addEventListener("click", (event) => {
      if (!event.target.closest("button")) this.view.focus();
    }, { signal: this.life.signal });
    this.watch = new MutationObserver(() => {
      if (!this.isInPlace) return mountAll();
      this.takeName(); // Streamlit may give it its name again
      return this.adopt();
    });
    const changes = { childList: true, characterData: true, subtree: true };
    this.watch.observe(textarea, { ...changes, attributes: true, attributeFilter: ["aria-label"] });
    const field = textarea.closest(`.${CSS.escape(this.field.css)}`);
    this.watch.observe(field, { attributes: true, attributeFilter: ["class"] });
    textarea.addEventListener("input", () => {
      if (this.isMirroring) return; // a program types there: an extension of the browser, a test
      this.adopt(true);
      this.commitSoon();
    }, { signal: this.life.signal });
  }

  destroy() {
    clearTimeout(this.timer);
    this.life.abort();
    this.watch.disconnect();
    this.view.destroy();
    this.host.remove();
    this.textarea.removeAttribute("aria-hidden");
    this.textarea.tabIndex = 0;
    if (!this.textarea.hasAttribute("aria-label")) this.textarea.setAttribute("aria-label", this.name);
    page.mounted.delete(this.textarea);
  }

  onUpdate(update) {
    if (!update.docChanged || update.transactions.some((one) => one.annotation(fromPage))) return;
    this.isMirroring = true;
    setValue.call(this.textarea, this.text);
    this.textarea.dispatchEvent(new InputEvent("input", { bubbles: true }));
    this.isMirroring = false;
    this.commitSoon();
  }

  commitSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.commit(), COMMIT_MS);
  }

  // Make Streamlit send the text, as when the field is left.
  commit() {
    if (this.view.composing && this.view.hasFocus) {
      this.commitSoon();
      return true;
    }
    clearTimeout(this.timer);
    this.sent = this.text;
    this.textarea.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
    return true;
  }

  // Take over a text that did not come from here: Format, Undo all, a restored text; `isTyped` by a program.
  adopt(isTyped = false) {
    const next = this.textarea.value;
    const now = this.text;
    if (this.isMirroring || next === now || (!isTyped && isBeingDrawn(this.field, next))) return;
    let from = 0;
    while (from < now.length && from < next.length && now[from] === next[from]) from += 1;
    let same = 0;
    const most = Math.min(now.length, next.length) - from;
    while (same < most && now[now.length - 1 - same] === next[next.length - 1 - same]) same += 1;
    const changes = { from, to: now.length - same, insert: next.slice(from, next.length - same) };
    // A step of its own: Control and Z right after Format brings the typed text back, not the one before it. While
    // Streamlit draws a field it may be empty for a moment: nobody who undoes wants that back.
    const isDrawn = now === "" || next === "";
    const ofHistory = isDrawn ? Transaction.addToHistory.of(false) : isolateHistory.of("full");
    this.view.dispatch({ changes, annotations: [fromPage.of(true), ofHistory] });
    if (!isTyped) this.sent = next;
  }

  // Take over what the page says of the field: names to complete, and problems, if they are of the text shown.
  describe(field) {
    this.field = field;
    this.adopt();
    if (field === this.described) return;
    this.described = field;
    const isOfThisText = page.crc32(this.text) === field.crc;
    this.view.dispatch(isOfThisText ? setDiagnostics(this.view.state, this.diagnostics()) : {});
  }

  diagnostics() {
    const { state } = this.view;
    return this.field.code.marks.map(({ line, column, length, severity, message }) => {
      const shown = state.doc.line(Math.min(Math.max(line, 1), state.doc.lines));
      const points = [...shown.text]; // Python counts code points, not UTF-16 units;
      const at = (count) => Math.min(shown.from + points.slice(0, count).join("").length, shown.to);
      const from = at(Math.max(column, 1) - 1);
      const to = length ? at(Math.max(column, 1) - 1 + length) : endOf(state, from);
      return { from, to: Math.max(to, from), severity, message };
    });
  }
}
