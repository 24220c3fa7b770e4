// Values as the text that a person edits, and back.

import type { Json } from "../api";
import { parseJson } from "../json";
import { t } from "../language";
import type { Control } from "./schema";

export type Read = { value: Json | undefined } | { error: string };

export const MIXED = Symbol("several steps have different values");

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function isExpression(value: unknown): value is string {
  return typeof value === "string" && value.includes("{{");
}

// Return whether two JSON values are the same, whatever the order of their keys.
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => key in right && isSame(left[key], right[key]));
}

function parsed(text: string): { value: Json } | undefined {
  try {
    return { value: parseJson(text) as Json };
  } catch {
    return undefined;
  }
}

// Return a value as its field shows it.
export function shown(value: Json | undefined, control: Control): string {
  if (value === undefined) return "";
  if (typeof value !== "string") return JSON.stringify(value, null, control === "json" ? 2 : undefined);
  return control !== "json" || (isExpression(value) && !parsed(value)) ? value : JSON.stringify(value);
}

// Return whether a text was meant as JSON but is one text, because templates in it stand outside of quotes.
export function isAlmostJson(text: string): boolean {
  return /^\s*(\{(?!\{)|\[)/.test(text) && isExpression(text) && !parsed(text.trim());
}

// Return the value that a text means; undefined if the field is left out. What does not fit is reported later.
export function read(text: string, control: Control): Read {
  const bare = text.trim();
  if (control === "json") {
    const found = bare === "" ? { value: undefined } : parsed(bare);
    return found ?? (isExpression(text) ? { value: text } : { error: t("This is neither JSON nor an expression.") });
  }
  if (control === "text" || control === "long" || control === "code") return { value: text === "" ? undefined : text };
  if (bare === "") return { value: undefined };
  return { value: control === "number" && NUMBER.test(bare) ? (parseJson(bare) as Json) : text };
}

// Return a value inside a map or list as text: JSON, or else plain text.
export function cell(value: Json): string {
  return typeof value === "string" && !parsed(value) ? value : JSON.stringify(value);
}

// Return the value that such a text means.
export function fromCell(text: string): Json {
  return parsed(text)?.value ?? (text === "null" ? null : text);
}

// Return a text as it is written, all of it; "" for anything else and for an expression, which has a value only in a run.
export const plainText = (value: unknown): string => (typeof value === "string" && !value.includes("{{") ? value : "");
