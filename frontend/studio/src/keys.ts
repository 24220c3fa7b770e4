// The keys of the canvas and of its list: each is the same command with the mouse.
import { N_ } from "./language";
export type Command =
  | "up" | "down" | "left" | "right" | "first" | "last"
  | "extend-up" | "extend-down"
  | "move-up" | "move-down" | "move-out" | "move-in"
  | "open" | "close" | "add" | "add-before" | "toggle" | "fold"
  | "workflow" | "outputs" | "rename" | "note" | "connect" | "use" | "remove" | "group" | "ungroup"
  | "undo" | "redo" | "copy" | "cut" | "paste" | "duplicate" | "all"
  | "wider" | "narrower" | "taller" | "shorter"
  | "breakpoint" | "debug" | "debug-step" | "debug-continue" | "debug-stop"
  | "copilot" | "find" | "fit" | "zoom-in" | "zoom-out" | "menu" | "help" | "save";

export interface Key {
  key: string;
  ctrlKey?: boolean;
  metaKey?: boolean;
  shiftKey?: boolean;
  altKey?: boolean;
}

const PLAIN: Record<string, Command> = {
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Home: "first", End: "last",
  Enter: "open", Escape: "close", a: "add", n: "note", c: "connect", u: "use", f: "fold", w: "workflow", " ": "toggle", g: "group", b: "breakpoint", d: "debug", s: "debug-step", r: "debug-continue", x: "debug-stop", p: "copilot", F2: "rename",
  Delete: "remove", Backspace: "remove", "0": "fit", "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", ContextMenu: "menu", "?": "help",
};
const SHIFT: Record<string, Command> = {
  ArrowUp: "extend-up", ArrowDown: "extend-down", A: "add-before", G: "ungroup", F10: "menu", "?": "help", "+": "zoom-in",
};
const ALT: Record<string, Command> = { ArrowUp: "move-up", ArrowDown: "move-down", ArrowLeft: "move-out", ArrowRight: "move-in" };
const ALT_SHIFT: Record<string, Command> = { ArrowUp: "shorter", ArrowDown: "taller", ArrowLeft: "narrower", ArrowRight: "wider" };
const CTRL: Record<string, Command> = { z: "undo", y: "redo", d: "duplicate", a: "all", f: "find", s: "save" };

// Return the command of a key; null if the browser keeps it. Copy, cut and paste are events of their own.
export function commandOf(event: Key): Command | null {
  if (event.ctrlKey || event.metaKey) {
    if (event.altKey) return null;
    if (event.shiftKey) return event.key.toLowerCase() === "z" ? "redo" : null;
    return CTRL[event.key.toLowerCase()] ?? null;
  }
  if (event.altKey) return (event.shiftKey ? ALT_SHIFT : ALT)[event.key] ?? null;
  const { key } = event;
  if (event.shiftKey) return SHIFT[key] ?? null;
  return PLAIN[key.length === 1 ? key.toLowerCase() : key] ?? null;
}

// What the help lists.
export const HELP: readonly (readonly [string, string])[] = [
  [N_("Arrows"), N_("Go from step to step")],
  [N_("Shift + ↑ ↓, Space"), N_("Select more steps, or fewer")],
  ["Enter", N_("Open the panel of the step")],
  [N_("A, Shift + A"), N_("Add a step after, or before")],
  [N_("Alt + ↑ ↓"), N_("Move the step up or down")],
  [N_("Alt + ← →"), N_("Move it out of a group, or into the one beside it")],
  [N_("Alt + Shift + arrows"), N_("Make it larger or smaller")],
  ["F2", N_("Rename")],
  ["W", N_("Open the form of the workflow: title, inputs, outputs")],
  ["P", N_("Open or close the co-pilot; it knows what is selected")],
  ["N", N_("Write a note")],
  ["C", N_("Connect to a step that shall wait for this one, or disconnect")],
  ["U", N_("Use an output of another step in a field")],
  [N_("G, Shift + G"), N_("Group, and dissolve a group")],
  ["F", N_("Fold a group")],
  ["B", N_("Set or delete a breakpoint")],
  ["D", N_("Debug the draft in the demo")],
  ["S, R, X", N_("While debugging: step, continue, stop")],
  ["Delete", N_("Remove")],
  [N_("Ctrl + C, X, V, D"), N_("Copy, cut, paste, duplicate")],
  [N_("Ctrl + Z, Ctrl + Y"), N_("Undo, redo")],
  [N_("Ctrl + F"), N_("Search")],
  [N_("Ctrl + S"), N_("Save")],
  ["0, +, −", N_("Show everything, zoom")],
  [N_("Shift + F10"), N_("Menu")],
  [N_("Shift + drag"), N_("Select with a box")],
];
