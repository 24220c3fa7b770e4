// Places in the definition of a workflow.

import type { Definition, Json, Operation } from "../api";
import { stepIn } from "../document";
import { t } from "../language";
import { isSame, MIXED } from "./values";

export type Path = (string | number)[];

export interface Place {
  // Ids of the steps that a change is for.
  steps: string[];
  path: Path;
}

export function valueAt(holder: unknown, path: Path): Json | undefined {
  let value: unknown = holder;
  for (const part of path) {
    if (!value || typeof value !== "object" || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value as Json | undefined;
}

// In place of the id of a step: the workflow itself.
export const WORKFLOW = "";

// Return what has the fields of a place: a step, or the workflow.
export const holderIn = (definition: Definition, id: string): Definition | undefined =>
  id === WORKFLOW ? definition : stepIn(definition, id);

// Return the value that all steps have at a place, or MIXED.
export function valueOf(definition: Definition, place: Place): Json | undefined | typeof MIXED {
  const [first, ...others] = place.steps.map((id) => valueAt(holderIn(definition, id), place.path));
  return others.every((one) => isSame(one, first)) ? first : MIXED;
}

// Return a field in words: `“Title of the step” of hello`; without a label, by its name in the file.
export function nameOf({ place: { steps, path }, label }: { place: Place; label?: string }): string {
  const field = label ? `“${label}”` : path.filter((part) => part !== "with").join(".");
  return t("{field} of {steps}", { field, steps: steps.map((id) => id || t("the workflow")).join(", ") });
}

// Return the operations that give a place a value; `undefined` removes it. `sent`: what it was given before.
export function operationsFor(
  definition: Definition,
  { steps, path }: Place,
  value: Json | undefined,
  sent?: { value: Json | undefined },
): Operation[] {
  return steps.flatMap((step): Operation[] => {
    const present = sent ? sent.value : valueAt(holderIn(definition, step), path);
    if (isSame(present, value)) return [];
    if (step === WORKFLOW) return [value === undefined ? { op: "unset", field: written(path) } : { op: "set", field: written(path), value }];
    if (path.length === 1 && path[0] === "id") return value ? [{ op: "rename", step, to: String(value) }] : [];
    if (value !== undefined) return [{ op: "set", step, field: written(path), value }];
    const around = path.slice(0, -1);
    const isLast = around.length === 1 && around[0] !== "with" && Object.keys(valueAt(stepIn(definition, step), around) ?? {}).length === 1;
    return [{ op: "unset", step, field: written(isLast ? around : path) }];
  });
}

const written = (path: Path): string | Path =>
  path.some((part) => typeof part === "number" || part.includes(".")) ? path : path.join(".");
