// A text field that shows each expression as words, which are one piece. It takes and gives the text as it is written, and
// counts the caret in that.
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type AriaAttributes, type KeyboardEvent, type Ref } from "react";

import type { Text } from "./completion";
import type { Chip } from "./meaning";
import { partsOf } from "./template";

export interface ChipTextHandle {
  readonly caret: number;
  // Put the focus and the caret there.
  place(caret: number): void;
  // Keep what is there for undo, before another part changes it.
  note(): void;
}

interface Props {
  id: string;
  handle: Ref<ChipTextHandle>;
  value: string;
  // What was there before this control, for undo.
  before?: Text | undefined;
  // Return the words for an expression without its braces.
  chip(expression: string): Chip;
  isLong: boolean;
  isDisabled: boolean;
  aria: AriaAttributes;
  onChange(next: Text, isComposing: boolean): void;
  onKeyDown(event: KeyboardEvent): void;
  onSelect(): void;
  onClick(): void;
}

const PAUSE_MS = 1000;
const MOST_STEPS = 200;

export function ChipText(props: Props) {
  const { id, value, isDisabled } = props;
  const host = useRef<HTMLDivElement>(null);
  const caret = useRef(value.length);
  const wanted = useRef<number | undefined>(undefined);
  const isComposing = useRef(false);
  const [history] = useState(() => new History(props.before));
  const latest = useRef(props);
  latest.current = props;
  const now = (): Text => ({ text: latest.current.value, caret: caret.current });

  useImperativeHandle(props.handle, () => ({
    get caret() {
      return offsetIn(host.current!) ?? caret.current;
    },
    place(at) {
      host.current!.focus();
      put(host.current!, at);
      caret.current = at;
    },
    note: () => history.note(now(), ""),
  }));

  useLayoutEffect(() => {
    const field = host.current!;
    if (isComposing.current) return;
    if (textIn(field) !== value) {
      const at = wanted.current ?? offsetIn(field);
      draw(field, value, props.chip);
      if (at !== undefined && document.activeElement === field) put(field, Math.min(at, value.length));
    }
    wanted.current = undefined;
    for (const one of field.querySelectorAll<HTMLElement>("[data-expression]")) name(one, props.chip);
  });

  // `typed`: the kind of a change that may go on, such as `insertText`.
  const change = (next: Text, typed: string) => {
    history.note(now(), typed);
    caret.current = next.caret;
    latest.current.onChange(next, isComposing.current);
  };

  // Put a text in place of what is selected, or at a place.
  const insert = (text: string, at?: number) => {
    const [from, to] = at !== undefined ? [at, at] : (selectionIn(host.current!) ?? [caret.current, caret.current]);
    const { value: before } = latest.current;
    wanted.current = from + text.length;
    change({ text: before.slice(0, from) + text + before.slice(to), caret: wanted.current }, "");
  };

  const goTo = (one: Text | undefined) => {
    if (!one) return;
    wanted.current = caret.current = one.caret;
    latest.current.onChange(one, false);
  };
  // React has no events of its own for these kinds of input.
  useEffect(() => {
    const field = host.current!;
    if (!field.isContentEditable && !latest.current.isDisabled) field.contentEditable = "true"; // Firefox before 136
    const before = (event: InputEvent) => {
      const { inputType } = event;
      const text = event.dataTransfer?.getData("text/plain") ?? event.data ?? "";
      if (inputType === "historyUndo") goTo(history.back(now()));
      else if (inputType === "historyRedo") goTo(history.forth(now()));
      else if (inputType === "insertParagraph" || inputType === "insertLineBreak") insert("\n");
      else if (inputType === "insertFromPaste") insert(text.replaceAll("\r\n", "\n"));
      else if (inputType === "insertFromDrop") {
        const [target] = event.getTargetRanges();
        insert(text.replaceAll("\r\n", "\n"), target && lengthBefore(field, target.startContainer, target.startOffset));
      }
      else if (!inputType.startsWith("format")) return; // the browser does it
      event.preventDefault();
    };
    field.addEventListener("beforeinput", before);
    return () => field.removeEventListener("beforeinput", before);
  }, []);

  const read = (typed: string) => change({ text: textIn(host.current!), caret: offsetIn(host.current!) ?? caret.current }, typed);

  return (
    <div
      ref={host}
      id={id}
      className="panel-chips"
      role="textbox"
      tabIndex={isDisabled ? -1 : 0}
      contentEditable={isDisabled ? false : "plaintext-only"}
      suppressContentEditableWarning
      aria-multiline={props.isLong}
      aria-disabled={isDisabled || undefined}
      {...props.aria}
      spellCheck={props.isLong}
      autoCapitalize="off"
      data-text={value}
      data-long={props.isLong || undefined}
      onInput={(event) => read((event.nativeEvent as InputEvent).inputType)}
      onCompositionStart={() => (isComposing.current = true)}
      onCompositionEnd={() => {
        isComposing.current = false;
        read("insertText");
      }}
      onBlur={() => {
        // What was written out becomes words, unless only the window has lost the focus.
        if (document.activeElement !== host.current) draw(host.current!, latest.current.value, latest.current.chip);
      }}
      onSelect={() => {
        caret.current = offsetIn(host.current!) ?? caret.current;
        props.onSelect();
      }}
      onCopy={(event) => copy(event, host.current!)}
      onCut={(event) => copy(event, host.current!) && insert("")}
      onClick={props.onClick}
      onKeyDown={(event) => {
        const key = event.key.toLowerCase();
        const isUndo = (event.ctrlKey || event.metaKey) && !event.altKey && (key === "z" || key === "y");
        if (!isUndo) return props.onKeyDown(event);
        event.preventDefault();
        event.stopPropagation();
        goTo(key === "y" || event.shiftKey ? history.forth(now()) : history.back(now()));
      }}
    />
  );
}

// What was there before, for undo: the browser's own knows nothing of what is drawn here.
class History {
  private past: Text[];
  private future: Text[] = [];
  private at = 0;
  private typed = "";

  constructor(before: Text | undefined) {
    this.past = before ? [before] : [];
  }

  // Keep what was there before a change; the same keys in a row are one change.
  note(before: Text, typed: string): void {
    const isMore = typed !== "" && typed === this.typed && Date.now() - this.at < PAUSE_MS && this.past.length > 0;
    [this.at, this.typed] = [Date.now(), typed];
    this.future = [];
    if (!isMore) this.past = [...this.past, before].slice(-MOST_STEPS);
  }

  back(now: Text): Text | undefined {
    const found = this.past.pop();
    if (found) this.future.push(now);
    this.typed = "";
    return found;
  }

  forth(now: Text): Text | undefined {
    const found = this.future.pop();
    if (found) this.past.push(now);
    return found;
  }
}

function draw(field: HTMLElement, text: string, chipOf: Props["chip"]): void {
  const parts = partsOf(text).map((part) => {
    if (!part.isExpression) return document.createTextNode(part.text);
    const chip = document.createElement("span");
    chip.className = "panel-chip";
    chip.contentEditable = "false";
    chip.dataset.expression = part.text;
    name(chip, chipOf);
    return chip;
  });
  field.replaceChildren(...parts, document.createElement("br")); // without the last one, a caret behind words is not seen
}

function name(chip: HTMLElement, chipOf: Props["chip"]): void {
  const { words, about } = chipOf(chip.dataset.expression!.slice(2, -2));
  if (chip.textContent !== words) chip.textContent = words;
  if (chip.title !== about) chip.title = about;
}

const isChip = (node: Node): node is HTMLElement => node instanceof HTMLElement && node.dataset.expression !== undefined;

// Return the text of a node as it is written. A browser's last line break is only there for the caret.
function textOf(node: Node, isLast: boolean): string {
  if (node.nodeType === Node.TEXT_NODE) return node.nodeValue ?? "";
  if (isChip(node)) return node.dataset.expression!;
  if (node.nodeName === "BR") return isLast ? "" : "\n";
  return textIn(node);
}

function textIn(node: Node): string {
  return [...node.childNodes].map((one) => textOf(one, one === node.lastChild)).join("");
}

// Return the caret's place in the text; undefined if it is elsewhere.
const offsetIn = (field: HTMLElement): number | undefined => {
  const selection = document.getSelection();
  return selection?.focusNode && field.contains(selection.focusNode) ? lengthBefore(field, selection.focusNode, selection.focusOffset) : undefined;
};

function selectionIn(field: HTMLElement): [number, number] | undefined {
  const selection = document.getSelection();
  if (!selection || selection.rangeCount === 0) return undefined;
  const { startContainer, startOffset, endContainer, endOffset } = selection.getRangeAt(0);
  if (!field.contains(startContainer) || !field.contains(endContainer)) return undefined;
  return [lengthBefore(field, startContainer, startOffset), lengthBefore(field, endContainer, endOffset)];
}

function lengthBefore(field: Node, node: Node, offset: number): number {
  let count = 0;
  for (const [index, one] of [...field.childNodes].entries()) {
    if (node === field && index >= offset) return count;
    if (one === node && one.nodeType === Node.TEXT_NODE) return count + offset;
    if (one.contains(node)) return isChip(one) ? count + (offset > 0 ? one.dataset.expression!.length : 0) : count + lengthBefore(one, node, offset);
    count += textOf(one, one === field.lastChild).length;
  }
  return count;
}

function put(field: HTMLElement, at: number): void {
  const range = document.createRange();
  let rest = at;
  for (const one of field.childNodes) {
    const { length } = textOf(one, one === field.lastChild);
    if (one.nodeType === Node.TEXT_NODE && rest <= length) range.setStart(one, rest);
    else if (rest <= 0) range.setStartBefore(one);
    else {
      rest -= length;
      continue;
    }
    range.collapse(true);
    document.getSelection()?.removeAllRanges();
    document.getSelection()?.addRange(range);
    return;
  }
}

// Copy what is selected as it is written: pasted into another field, it is the same value.
function copy(event: React.ClipboardEvent, field: HTMLElement): boolean {
  const [from, to] = selectionIn(field) ?? [0, 0];
  if (from === to) return false;
  event.clipboardData.setData("text/plain", textIn(field).slice(from, to));
  event.preventDefault();
  return true;
}
