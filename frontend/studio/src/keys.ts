// The keys of the canvas and of its list: each is the same command with the mouse.
export type Command =
  | "up" | "down" | "left" | "right" | "first" | "last"
  | "extend-up" | "extend-down"
  | "move-up" | "move-down" | "move-out" | "move-in"
  | "open" | "close" | "add" | "add-before" | "toggle" | "fold"
  | "workflow" | "rename" | "note" | "connect" | "remove" | "group" | "ungroup"
  | "undo" | "redo" | "copy" | "cut" | "paste" | "duplicate" | "all"
  | "find" | "fit" | "zoom-in" | "zoom-out" | "menu" | "help" | "save";

export interface Key {
  key: string;
  ctrlKey?: boolean;
  metaKey?: boolean;
  shiftKey?: boolean;
  altKey?: boolean;
}

const PLAIN: Record<string, Command> = {
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Home: "first", End: "last",
  Enter: "open", Escape: "close", a: "add", n: "note", c: "connect", f: "fold", w: "workflow", " ": "toggle", g: "group", F2: "rename",
  Delete: "remove", Backspace: "remove", "0": "fit", "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", ContextMenu: "menu", "?": "help",
};
const SHIFT: Record<string, Command> = {
  ArrowUp: "extend-up", ArrowDown: "extend-down", A: "add-before", G: "ungroup", F10: "menu", "?": "help", "+": "zoom-in",
};
const ALT: Record<string, Command> = { ArrowUp: "move-up", ArrowDown: "move-down", ArrowLeft: "move-out", ArrowRight: "move-in" };
const CTRL: Record<string, Command> = { z: "undo", y: "redo", d: "duplicate", a: "all", f: "find", s: "save" };

// Return the command of a key; null if the browser keeps it. Copy, cut and paste are events of their own.
export function commandOf(event: Key): Command | null {
  if (event.ctrlKey || event.metaKey) {
    if (event.altKey) return null;
    if (event.shiftKey) return event.key.toLowerCase() === "z" ? "redo" : null;
    return CTRL[event.key.toLowerCase()] ?? null;
  }
  if (event.altKey) return event.shiftKey ? null : (ALT[event.key] ?? null);
  const { key } = event;
  if (event.shiftKey) return SHIFT[key] ?? null;
  return PLAIN[key.length === 1 ? key.toLowerCase() : key] ?? null;
}

// What the help lists.
export const HELP: readonly (readonly [string, string])[] = [
  ["Arrows", "Go from step to step"],
  ["Shift + ↑ ↓, Space", "Select more steps, or fewer"],
  ["Enter", "Open the panel of the step"],
  ["A, Shift + A", "Add a step after, or before"],
  ["Alt + ↑ ↓", "Move the step up or down"],
  ["Alt + ← →", "Move it out of a group, or into the one beside it"],
  ["F2", "Rename"],
  ["W", "Open the form of the workflow: title, inputs, outputs"],
  ["N", "Write a note"],
  ["C", "Connect to a step that shall wait for this one, or disconnect"],
  ["G, Shift + G", "Group, and dissolve a group"],
  ["F", "Fold a group"],
  ["Delete", "Remove"],
  ["Ctrl + C, X, V, D", "Copy, cut, paste, duplicate"],
  ["Ctrl + Z, Ctrl + Y", "Undo, redo"],
  ["Ctrl + F", "Search"],
  ["Ctrl + S", "Save"],
  ["0, +, −", "Show everything, zoom"],
  ["Shift + F10", "Menu"],
  ["Shift + drag", "Select with a box"],
];
