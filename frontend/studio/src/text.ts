// The text of a draft: the server tells its changes as splices.
import type { Splice } from "./api";
import { parseJson } from "./json";

// Return the text after splices; each applies to the text that the splices before it give.
export function spliced(text: string, splices: Splice[]): string {
  for (const { start, removed, inserted } of splices) {
    const at = offsetOf(text, start);
    if (text.slice(at, at + removed.length) !== removed) throw new Error(`The text at ${start} is another one.`);
    text = text.slice(0, at) + inserted + text.slice(at + removed.length);
  }
  return text;
}

const SURROGATE = /[\ud800-\udfff]/;

// Return the offset in UTF-16 units of a number of code points.
function offsetOf(text: string, points: number): number {
  if (!SURROGATE.test(text)) return points;
  let at = 0;
  for (let count = 0; count < points && at < text.length; count += 1) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return at;
}

// Return the parsed text, null if it is not a JSON object.
export function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = parseJson(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

// A run of lines that two texts have in common (" "), or that only one has ("-", "+"). Long equal parts are left out.
export interface Line {
  sign: " " | "-" | "+" | "…";
  text: string;
}

const AROUND = 2;

// Return the lines in which two texts differ, with two lines around each difference.
export function lineDifference(before: string, after: string): Line[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let same = 0;
  while (same < old.length - start && same < now.length - start && old[old.length - 1 - same] === now[now.length - 1 - same]) same += 1;
  const all: Line[] = [
    ...old.slice(0, start).map((text): Line => ({ sign: " ", text })),
    ...middle(old.slice(start, old.length - same), now.slice(start, now.length - same)),
    ...old.slice(old.length - same).map((text): Line => ({ sign: " ", text })),
  ];
  return folded(all);
}

const MOST_CELLS = 4_000_000;

// Return the longest common lines of the parts in which two texts differ; of very long ones all old before all new lines.
function middle(old: string[], now: string[]): Line[] {
  if (old.length * now.length > MOST_CELLS) {
    return [...old.map((text): Line => ({ sign: "-", text })), ...now.map((text): Line => ({ sign: "+", text }))];
  }
  const width = now.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] =
        old[i] === now[j] ? lengths[(i + 1) * width + j + 1]! + 1 : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const found: Line[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      found.push({ sign: " ", text: old[i]! });
      i += 1;
      j += 1;
    } else if (i < old.length && (j === now.length || lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)) {
      found.push({ sign: "-", text: old[i]! });
      i += 1;
    } else {
      found.push({ sign: "+", text: now[j]! });
      j += 1;
    }
  }
  return found;
}

function folded(lines: Line[]): Line[] {
  const near = (index: number) => lines.slice(Math.max(0, index - AROUND), index + AROUND + 1).some((one) => one.sign !== " ");
  const found: Line[] = [];
  lines.forEach((line, index) => {
    if (near(index)) found.push(line);
    else if (found.at(-1)?.sign !== "…") found.push({ sign: "…", text: "" });
  });
  return found;
}

// Return the message about an operation without its place in the request, "ops[0] (…): ".
export const withoutPlace = (message: string): string => message.replace(/ops\[\d+\] \(.*?\): /s, "");
