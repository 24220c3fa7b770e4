// The draft as a tree, and operations on it: what the server will do with a gesture is shown before it has answered.
import type { CanvasStep, Definition, Kind, Operation, Place, Read } from "./api";
import { copyOf } from "./json";
import { t } from "./language";

type Step = Record<string, Definition>;

// Where a step is: its list, its index there, and the lists around it.
interface Found {
  list: Step[];
  index: number;
  step: Step;
  around: Step[];
}

const isObject = (value: unknown): value is Step => value !== null && typeof value === "object" && !Array.isArray(value);
const listOf = (value: unknown): Step[] => (Array.isArray(value) ? value.filter(isObject) : []);
const fallbackOf = (step: Step): Step[] => (isObject(step.on_error) ? listOf(step.on_error.steps) : []);

// The steps that run after a failure, in either form that a file may have.
export const failureSteps = (definition: Definition): Step[] =>
  Array.isArray(definition.on_failure) ? listOf(definition.on_failure) : isObject(definition.on_failure) ? listOf(definition.on_failure.steps) : [];

function* lists(definition: Definition): Generator<{ list: Step[]; around: Step[] }> {
  const ahead: { list: Definition; around: Step[] }[] = [
    { list: definition.steps, around: [] },
    { list: Array.isArray(definition.on_failure) ? definition.on_failure : definition.on_failure?.steps, around: [] },
  ];
  while (ahead.length > 0) {
    const { list, around } = ahead.pop()!;
    if (!Array.isArray(list)) continue;
    yield { list, around };
    for (const step of list) {
      if (!isObject(step)) continue;
      ahead.push({ list: step.steps, around: [...around, step] });
      if (isObject(step.on_error)) ahead.push({ list: step.on_error.steps, around: [...around, step] });
    }
  }
}

function* steps(definition: Definition): Generator<Found> {
  for (const { list, around } of lists(definition)) {
    for (const [index, step] of list.entries()) if (isObject(step)) yield { list, index, step, around };
  }
}

// Return the ids of all steps.
export const idsIn = (definition: Definition): Set<string> => new Set([...steps(definition)].map((one) => String(one.step.id)));

// Return the definition of a step.
export const stepIn = (definition: Definition, id: string): Step | undefined => find(definition, id)?.step;

function find(definition: Definition, id: string): Found | undefined {
  for (const one of steps(definition)) if (one.step.id === id) return one;
  return undefined;
}

function required(definition: Definition, id: string): Found {
  const found = find(definition, id);
  if (!found) throw new Error(t("There is no step {id}.", { id }));
  return found;
}

// Return the definition after operations. Throws if one of them cannot be applied: the server then says why.
export function applied(definition: Definition, operations: Operation[]): Definition {
  const copy = copyOf(definition);
  for (const operation of operations) apply(copy, operation);
  return copy;
}

function apply(definition: Definition, operation: Operation): void {
  switch (operation.op) {
    case "add": {
      if (find(definition, String(operation.step.id))) throw new Error(t("There is already a step {id}.", { id: String(operation.step.id) }));
      const { list, index } = target(definition, operation);
      list.splice(index, 0, copyOf(operation.step));
      return;
    }
    case "move":
      return move(definition, operation);
    case "remove":
      for (const id of operation.steps) {
        const { list, index } = required(definition, id);
        list.splice(index, 1);
      }
      return;
    case "set":
      return set(operation.step === undefined ? definition : required(definition, operation.step).step, operation.field, operation.value);
    case "unset":
      return unset(operation.step === undefined ? definition : required(definition, operation.step).step, operation.field);
    case "rename":
      return rename(definition, operation.step, operation.to);
    case "wrap": {
      const { list, index } = required(definition, operation.steps[0]!);
      const inside = list.splice(index, operation.steps.length);
      list.splice(index, 0, { ...copyOf(operation.group), steps: inside });
      return;
    }
    case "unwrap": {
      const { list, index, step } = required(definition, operation.step);
      list.splice(index, 1, ...listOf(step.steps));
      return;
    }
    case "replace_step": {
      const { list, index, step } = required(definition, operation.step);
      list.splice(index, 1, { id: step.id, ...copyOf(operation.new) });
      return;
    }
    case "notes": {
      const { step } = required(definition, operation.step);
      if (operation.text) step.note = operation.text;
      else delete step.note;
    }
  }
}

function target(definition: Definition, place: Place): { list: Step[]; index: number } {
  const beside = place.after ?? place.before;
  if (beside !== undefined) {
    const { list, index } = required(definition, beside);
    return { list, index: index + (place.after === undefined ? 0 : 1) };
  }
  const list = listInto(definition, place.into ?? "");
  return { list, index: list.length };
}

function listInto(definition: Definition, into: string): Step[] {
  if (into === "") return (definition.steps ??= []);
  if (into === "on_failure") {
    if (Array.isArray(definition.on_failure)) return definition.on_failure;
    return ((definition.on_failure ??= {}).steps ??= []);
  }
  const [id, key] = into.split(".");
  const { step } = required(definition, id!);
  if (key !== "on_error") return (step.steps ??= []);
  if (!isObject(step.on_error)) step.on_error = {};
  return (step.on_error.steps ??= []);
}

function move(definition: Definition, operation: { steps: string[] } & Place): void {
  let place: Place = { after: operation.after, before: operation.before, into: operation.into };
  for (const id of operation.steps) {
    const { list, index, step } = required(definition, id);
    list.splice(index, 1);
    const to = target(definition, place);
    to.list.splice(to.index, 0, step);
    place = { after: id };
  }
}

const pathOf = (field: string | (string | number)[]) => (typeof field === "string" ? field.split(".") : field);

function set(holder: Definition, field: string | (string | number)[], value: Definition): void {
  const path = pathOf(field);
  for (const part of path.slice(0, -1)) {
    if (holder[part] === null || typeof holder[part] !== "object") holder[part] = {};
    holder = holder[part];
  }
  holder[path.at(-1)!] = copyOf(value);
}

function unset(holder: Definition, field: string | (string | number)[]): void {
  const path = pathOf(field);
  for (const part of path.slice(0, -1)) {
    if (holder[part] === null || typeof holder[part] !== "object") return;
    holder = holder[part];
  }
  if (Array.isArray(holder)) holder.splice(Number(path.at(-1)), 1);
  else delete holder[path.at(-1)!];
}

// The id and the waits change at once; the references in expressions when the server has answered.
function rename(definition: Definition, old: string, to: string): void {
  if (old !== to && find(definition, to)) throw new Error(t("There is already a step {id}.", { id: to }));
  required(definition, old).step.id = to;
  for (const { step } of steps(definition)) {
    if (Array.isArray(step.needs)) step.needs = step.needs.map((one: unknown) => (one === old ? to : one));
  }
}

// What is known of a step type.
export interface TypeLook {
  title: string;
  kind: Kind;
  service: string;
  effect: string;
}

// Return the steps of a definition as the server would; `typeOf` knows step types, `readsOf` the references of a step.
export function stepsOf(
  definition: Definition,
  typeOf: (uses: string) => TypeLook | undefined,
  readsOf: (id: string) => Read[],
): CanvasStep[] {
  const found: CanvasStep[] = [];
  const visit = (list: Step[], prefix: string, parent: string, place: CanvasStep["place"]): void => {
    for (const step of list) {
      const id = text(step.id) || "?";
      const path = prefix + id;
      found.push(looked(step, id, path, parent, place, typeOf, readsOf));
      visit(listOf(step.steps), `${path}.`, path, "steps");
      visit(fallbackOf(step), `${path}.`, path, "on_error");
    }
  };
  visit(listOf(definition.steps), "", "", "steps");
  visit(failureSteps(definition), "on_failure.", "on_failure", "on_failure");
  return found;
}

function looked(
  step: Step,
  id: string,
  path: string,
  parent: string,
  place: CanvasStep["place"],
  typeOf: (uses: string) => TypeLook | undefined,
  readsOf: (id: string) => Read[],
): CanvasStep {
  const uses = text(step.uses);
  const type = uses ? typeOf(uses) : undefined;
  const isGroup = step.steps !== undefined && step.steps !== null;
  return {
    id,
    path,
    parent,
    place,
    title: text(step.title) || type?.title || id,
    uses,
    service: type?.service ?? "",
    kind: isGroup ? "group" : (type?.kind ?? "unknown"),
    effect: type?.effect ?? "",
    needs: Array.isArray(step.needs) ? step.needs.filter((one: unknown) => typeof one === "string") : null,
    condition: conditionOf(step.if),
    foreach: text(step.foreach),
    parallel: Number.isInteger(step.parallel) ? step.parallel : 1,
    note: text(step.note),
    reads: readsOf(id),
  };
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function conditionOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") return typeof value === "object" ? JSON.stringify(value) : String(value);
  return value.trim().replace(/^\{\{/, "").replace(/\}\}$/, "").trim();
}
