// The colours of code, by the grammars of the code editor (frontend/editor), which is loaded once a field needs it.
import { useEffect, useState } from "react";

// A part of a text, and its colour.
export type Part = [from: number, to: number, color: string];
export type Colored = (text: string, language: string) => Part[];
export interface Run {
  text: string;
  color?: string;
}

// Longer code stays as it is: each key would colour all of it again.
const LONGEST = 50_000;
const BY_ENDING: Record<string, string> = { py: "python", js: "javascript", mjs: "javascript", cjs: "javascript", jsx: "javascript" };
const source: { address: string; loaded: Promise<Colored | null> | null } = { address: "", loaded: null };

// Say where the code editor is.
export function colorFrom(address: string): void {
  source.address = address;
}

// Return the language of a file, by the end of its name, or that which a field beside the code names.
export function languageOf(language: unknown, path: unknown): string {
  if (typeof path === "string") return BY_ENDING[/\.([a-z]+)$/.exec(path)?.[1] ?? ""] ?? "";
  return typeof language === "string" && language ? language : "python";
}

// Return the runs of a text: the coloured ones, and those between.
export function runsOf(text: string, parts: readonly Part[]): Run[] {
  const runs: Run[] = [];
  let at = 0;
  for (const [from, to, color] of parts) {
    if (from > at) runs.push({ text: text.slice(at, from) });
    runs.push({ text: text.slice(from, to), color });
    at = to;
  }
  if (at < text.length) runs.push({ text: text.slice(at) });
  return runs;
}

// Return the runs of a text, null while the colours are not loaded, or if nothing is coloured.
export function useColors(text: string, language: string): Run[] | null {
  const [colored, setColored] = useState<Colored | null>(null);
  useEffect(() => {
    let isWanted = true;
    void loadColors().then((found) => isWanted && setColored(() => found));
    return () => void (isWanted = false);
  }, []);
  if (!colored || text.length > LONGEST) return null;
  const parts = colored(text, language);
  return parts.length > 0 ? runsOf(text, parts) : null;
}

// Return what colours a text, null if it could not be loaded: whoever needs it next tries again.
export function loadColors(): Promise<Colored | null> {
  if (!source.address) return Promise.resolve(null);
  source.loaded ??= import(new URL(source.address, location.origin).href).then(
    (editor: { colored: Colored }) => editor.colored,
    () => (source.loaded = null),
  );
  return source.loaded;
}
