// What a data line from one step to another writes: which outputs there are, into which fields they go, and what must wait
// for what. Pure.
import type { Definition, Json, Operation, Problem, StepType } from "./api";
import { stepIn } from "./document";
import { connect } from "./gestures";
import { t } from "./language";
import { isIn, waitsFor, type Node } from "./model";
import { expressionFor, type ScopeName } from "./panel/completion";
import { valueAt, type Path } from "./panel/places";
import { controlOf, resolved, roleOf, type Schema } from "./panel/schema";
import { sharedFields } from "./panel/sharedFields";

// A field into which a line may lead.
export interface Target {
  path: Path;
  label: string;
  // What it is for in the trust of the workflow.
  role: string;
  now: Json | undefined;
  // Whether an expression may stand in it beside other text.
  isText: boolean;
}

// Return what names of an output begin with: of a loop around the step, the item.
export function prefixOf(from: Node, to: Node, definition: Definition): string {
  const loop = from !== to && isIn(to, from) ? stepIn(definition, from.step.id) : undefined;
  return loop?.foreach === undefined ? `steps.${from.step.id}.output` : String(loop.as ?? "item");
}

// Return the names that are parts of an output.
export const outputsOf = (names: readonly ScopeName[], prefix: string): ScopeName[] => names.filter(({ name }) => name === prefix || name.startsWith(`${prefix}.`) || name.startsWith(`${prefix}[`));

// Return the parts of an output as its step type describes them: for a step that the other one does not wait for yet.
export function describedOutputs(prefix: string, type: StepType | undefined): ScopeName[] {
  const root = (type?.output_schema ?? {}) as Schema;
  const whole: ScopeName = { name: prefix, type: typeWord(root), may_be_missing: false, from_outside: false, title: "", sample: null };
  const parts = Object.entries(root.properties ?? {}).map(([name, schema]) => ({ ...whole, name: `${prefix}.${name}`, type: typeWord(resolved(schema, root)), title: schema.title ?? "" }));
  return [whole, ...parts];
}

const typeWord = ({ type }: Schema): string => (typeof type === "string" ? type : "any");

// Return the fields of a step: also each value of a map, and a new one in it.
export function targetsOf(definition: Definition, id: string, type: StepType | undefined): Target[] {
  const step = stepIn(definition, id);
  const found = type ? sharedFields([type]).flatMap(({ name, schema, root, isRequired }) => targetsIn(step, ["with", name], resolved(schema, root), root, isRequired)) : [];
  const rank = ({ now }: { now: Json | undefined; isRequired: boolean }, isRequired: boolean) => (isRequired ? 0 : now !== undefined && now !== "" ? 1 : 2);
  const fields = found.toSorted((one, other) => rank(one, one.isRequired) - rank(other, other.isRequired)).map(({ isRequired: _, ...target }) => target);
  const own = { role: "", isText: false };
  const loop = step?.foreach ?? undefined;
  return [...fields, { ...own, path: ["foreach"], label: t("Runs once for each of"), now: loop as Json | undefined }];
}

interface Listed extends Target {
  isRequired: boolean;
}

function targetsIn(step: Definition, path: Path, schema: Schema, root: Schema, isRequired: boolean): Listed[] {
  if (schema.isFixed) return [];
  const now = valueAt(step, path);
  const label = schema.title ? t(schema.title) : String(path.at(-1));
  const target = { path, label, role: roleOf(schema) ? t(roleOf(schema)!.word) : "", now, isText: isTexts(schema, root), isRequired };
  const isMap = now !== null && typeof now === "object" && !Array.isArray(now);
  if (controlOf(schema, root, now) === "object" && schema.properties) {
    return Object.entries(schema.properties).flatMap(([name, one]) => targetsIn(step, [...path, name], { ...resolved(one, root), title: `${label}: ${resolved(one, root).title ?? name}` }, root, false));
  }
  if (!isMap && controlOf(schema, root, now) !== "map") return [target];
  const values = isMap ? Object.keys(now as object) : [];
  return [...values.map((name) => ({ ...target, path: [...path, name], label: `${label}: ${name}`, now: (now as Record<string, Json>)[name], isText: true })), { ...target, path: [...path, ""], label: t("{field}: a new value", { field: label }), now: undefined }];
}

const isTexts = (schema: Schema, root: Schema): boolean => ["text", "long"].includes(controlOf(schema, root));

// Return where a line leads: a new value of a map is called as the output.
export function pathOf({ path }: Target, name: ScopeName, definition: Definition, id: string): Path {
  if (path.at(-1) !== "") return path;
  const plain = /(\w+)\W*$/.exec(name.name.replace(/\.output$/, ""))?.[1] ?? "value";
  const taken = Object.keys((valueAt(stepIn(definition, id), path.slice(0, -1)) as object | undefined) ?? {});
  let free = plain;
  for (let number = 2; taken.includes(free); number += 1) free = `${plain}_${number}`;
  return [...path.slice(0, -1), free];
}

// Return what is written into a field: behind the text that is there, in place of an expression or another value.
export function written({ now, isText, path }: Target, name: ScopeName): string {
  const made = `{{ ${expressionFor(name)} }}`;
  const isOther = typeof now === "string" && now.trim() !== "" && !/^\s*\{\{(?:(?!\}\}).)*\}\}\s*$/s.test(now);
  return isText && isOther && path[0] === "with" ? `${now}${/\s$/.test(now) ? "" : " "}${made}` : made;
}

// Return the operations by which a step runs after another one; or in words why it cannot.
export function ordered(from: Node, to: Node): Operation[] | string {
  let sibling: Node | null = to;
  while (sibling && sibling.block !== from.block) sibling = sibling.block.owner;
  if (!sibling || (from !== to && isIn(to, from)) || waitsFor(from.block, sibling, from)) return [];
  return connect(from, sibling);
}

// Return the errors that a change brings: the text has them with it, and did not have them before.
export function worse(before: readonly Problem[], after: readonly Problem[]): Problem[] {
  const known = new Set(before.map(keyOf));
  return after.filter((one) => one.severity === "error" && !known.has(keyOf(one)));
}

const keyOf = ({ code, step, field, message }: Problem): string => JSON.stringify([code, step, field, message]);

// Return the parts of an output that a field names, such as `subject`.
export function partsRead(value: unknown, source: string): string[] {
  const texts = typeof value === "string" ? [value] : value !== null && typeof value === "object" ? Object.values(value).flatMap((one) => partsRead(one, source)) : [];
  if (typeof value !== "string") return texts;
  const reference = new RegExp(String.raw`(?<![\w.])steps\.${source}\.output((?:\.\w+|\[\d+\])*)`, "g");
  return [...value.matchAll(reference)].map(([, part]) => part!.replace(/^\./, ""));
}
