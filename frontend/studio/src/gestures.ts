// What people do on the canvas, as operations. Pure: the steps as they are, and what is wanted.
import type { CanvasStep, Definition, Operation, Place } from "./api";
import { stepIn } from "./document";
import { parseJson } from "./json";
import { t } from "./language";
import type { Gap } from "./layout";
import { ends, followers, isIn, outermost, waitsFor, type Block, type Model, type Node } from "./model";

const LONGEST_ID = 64;

// Return an id that is not taken, neither by a step nor by a word of expressions: `issue`, `issue_2`.
export function freeId(wanted: string, taken: ReadonlySet<string>): string {
  const plain = wanted.toLowerCase().replace(/[^a-z0-9_]+/g, "_").replace(/^[^a-z]+/, "").slice(0, LONGEST_ID - 4) || "step";
  if (!taken.has(plain)) return plain;
  let number = 2;
  while (taken.has(`${plain}_${number}`)) number += 1;
  return `${plain}_${number}`;
}

// Return an id for a step of a type: `search_messages` of `gmail.search_messages`.
export const idFor = (uses: string, taken: ReadonlySet<string>): string => freeId(uses.split(".").at(-1)!, taken);

const same = (one: readonly string[] | null, other: readonly string[] | null): boolean =>
  one === other || (one !== null && other !== null && one.length === other.length && one.every((name, index) => name === other[index]));

// What steps wait for, by id, changed in the head before it becomes operations. null: all before.
class Waits {
  private readonly changed = new Map<string, string[] | null>();
  constructor(private readonly model: Model) {}

  of(node: Node): string[] | null {
    const found = this.changed.get(node.step.id);
    return found === undefined ? node.step.needs : found;
  }

  set(id: string, needs: string[] | null): void {
    this.changed.set(id, needs);
  }

  replace(node: Node, old: string, now: readonly string[]): void {
    const needs = this.of(node);
    if (needs?.includes(old)) this.set(node.step.id, [...new Set(needs.flatMap((one) => (one === old ? now : [one])))]);
  }

  operations(): Operation[] {
    const found: Operation[] = [];
    for (const [id, needs] of this.changed) {
      const before = this.model.nodes.get(id)?.step.needs ?? null;
      if (same(before, needs)) continue;
      found.push(needs === null ? { op: "unset", step: id, field: "needs" } : { op: "set", step: id, field: "needs", value: needs });
    }
    return found;
  }
}

// Where in its list a gap is, and what the first step there waits for; null: all before it.
function placeOf(gap: Gap, leaving: ReadonlySet<Node>): { place: Place; needs: string[] | null } {
  const { after, before, block } = gap;
  if (before) {
    const preds = block.waits.get(before)!;
    const isAlone = preds.every((one) => one === after || leaving.has(one));
    const needs = before.step.needs === null && isAlone ? null : after ? [after.step.id] : [];
    return { place: { before: before.step.id }, needs };
  }
  if (after) return { place: { after: after.step.id }, needs: ends(block).every((one) => one === after || leaving.has(one)) ? null : [after.step.id] };
  return { place: { into: block.into }, needs: null };
}

// Return the operations that put new steps into a gap, one after the other.
export function insert(model: Model, gap: Gap, steps: Definition[]): Operation[] {
  const { place, needs } = placeOf(gap, new Set());
  const [first, ...more] = steps;
  if (!first) return [];
  const waits = new Waits(model);
  const last = String(steps.at(-1).id);
  if (gap.before) into(waits, gap, last);
  let before = String(first.id);
  const operations: Operation[] = [{ op: "add", step: needs === null ? first : withNeeds(first, needs), ...place }];
  for (const step of more) {
    operations.push({ op: "add", step: needs === null || step.needs !== undefined ? step : withNeeds(step, [before]), after: before });
    before = String(step.id);
  }
  return [...operations, ...waits.operations()];
}

// Make the step behind a gap wait for the last step in it.
function into(waits: Waits, gap: Gap, last: string): void {
  const { before, after } = gap;
  const needs = waits.of(before!);
  if (needs === null) return;
  if (after) waits.replace(before!, after.step.id, [last]);
  else waits.set(before!.step.id, [...needs, last]);
}

// `needs` after `title` and before what the step does, as `orchestra fmt` has it.
function withNeeds(step: Definition, needs: string[]): Definition {
  const { id, title, ...rest } = step;
  return { id, ...(title === undefined ? {} : { title }), needs, ...rest };
}

// Return the operations that move steps into a gap; none if they are there already, null if they cannot go there.
export function move(model: Model, keys: Iterable<string>, gap: Gap): Operation[] | null {
  const nodes = outermost(model, keys);
  const moved = new Set(nodes);
  if (nodes.length === 0) return [];
  for (let block: Block | null = gap.block; block; block = block.owner?.block ?? null) if (block.owner && moved.has(block.owner)) return null;
  const [after, before] = [beyond(gap.after, moved, "waits"), beyond(gap.before, moved, "followers")];
  if (gap.after !== null && after === undefined) return null;
  const real: Gap = { block: gap.block, after: after ?? null, before: before ?? null };
  const isThere = nodes.length === 1 && (gap.after === nodes[0] || gap.before === nodes[0]);
  if (isThere || (!gap.after && !gap.before && nodes.length === 1 && isLast(gap.block, nodes[0]!))) return [];
  const waits = new Waits(model);
  for (const node of nodes) detach(waits, node, moved);
  const { place, needs } = placeOf(real, moved);
  let last: string | null = null;
  for (const node of nodes) {
    if (needs === null) {
      if (node.step.needs !== null) waits.set(node.step.id, null);
    } else waits.set(node.step.id, last === null ? needs.map((one) => one) : [last]);
    last = node.step.id;
  }
  if (real.before) into(waits, real, last!);
  return [{ op: "move", steps: nodes.map((one) => one.step.id), ...place }, ...waits.operations()];
}

const isLast = (block: Block, node: Node): boolean => block.nodes.at(-1) === node && same(node.step.needs, null);

// Return the nearest step that is not moved itself; null if all are.
function beyond(node: Node | null, moved: ReadonlySet<Node>, way: "waits" | "followers"): Node | null {
  for (let found = node; found; ) {
    if (!moved.has(found)) return found;
    found = (way === "waits" ? found.block.waits.get(found)![0] : followers(found)[0]) ?? null;
  }
  return null;
}

// Let those that wait for a step wait for what it waits for.
function detach(waits: Waits, node: Node, leaving: ReadonlySet<Node>): void {
  const own = node.block.waits.get(node)!.map((one) => one.step.id);
  for (const one of node.block.nodes) if (one !== node && !leaving.has(one)) waits.replace(one, node.step.id, own);
  for (const one of leaving) if (one !== node && one.block === node.block) waits.replace(one, node.step.id, own);
}

// Return the operations that remove steps.
export function remove(model: Model, keys: Iterable<string>): Operation[] {
  const nodes = outermost(model, keys);
  if (nodes.length === 0) return [];
  const waits = new Waits(model);
  const leaving = new Set(nodes);
  for (const node of nodes) detach(waits, node, leaving);
  const changes = waits.operations().filter((one) => !("step" in one && nodes.some((node) => node.step.id === one.step)));
  return [...changes, { op: "remove", steps: nodes.map((one) => one.step.id) }];
}

// Return the operations that put steps into a new group, and its id; or in words why they cannot be grouped.
export function wrap(model: Model, keys: Iterable<string>, taken: ReadonlySet<string>): { operations: Operation[]; id: string } | string {
  const nodes = outermost(model, keys);
  const [first] = nodes;
  if (!first) return t("Select steps first.");
  if (nodes.some((one) => one.block !== first.block)) return t("Only steps of one list can be grouped: these are in different ones.");
  const begin = first.block.nodes.indexOf(first);
  if (nodes.some((one, index) => first.block.nodes[begin + index] !== one)) return t("Only steps that follow each other can be grouped.");
  const id = freeId("group", taken);
  const inside = new Set(nodes.map((one) => one.step.id));
  const waits = new Waits(model);
  const outside = new Set<string>();
  let waitsForAll = false;
  for (const node of nodes) {
    const { needs } = node.step;
    if (needs === null) {
      waitsForAll ||= node === first || !nodes.some((one) => node.block.waits.get(node)!.includes(one));
      continue;
    }
    for (const one of needs) if (!inside.has(one)) outside.add(one);
    waits.set(node.step.id, needs.filter((one) => inside.has(one)));
  }
  for (const one of first.block.nodes) if (!inside.has(one.step.id)) for (const name of inside) waits.replace(one, name, [id]);
  const group: Definition = { id, title: t("Group"), ...(waitsForAll || first.step.needs === null ? {} : { needs: [...outside] }) };
  return { operations: [...waits.operations(), { op: "wrap", steps: nodes.map((one) => one.step.id), group }], id };
}

// Return the operations that put the steps of a group in its place.
export function unwrap(model: Model, node: Node): Operation[] {
  if (!node.inner) return [];
  const waits = new Waits(model);
  const last = ends(node.inner).map((one) => one.step.id);
  for (const one of node.block.nodes) waits.replace(one, node.step.id, last.length > 0 ? last : (node.step.needs ?? []));
  const changes = waits.operations();
  if (node.step.needs !== null) {
    for (const inner of node.inner.nodes) {
      const needs = node.inner.waits.get(inner)!.map((one) => one.step.id);
      changes.push({ op: "set", step: inner.step.id, field: "needs", value: needs.length > 0 ? needs : node.step.needs });
    }
  }
  return [{ op: "unwrap", step: node.step.id }, ...changes];
}

// ---- what waits for what

// Return the operations that let a step wait for another one; or in words why it cannot.
export function connect(from: Node, to: Node): Operation[] | string {
  const [first, second] = [from.step.title, to.step.title];
  if (from === to) return t("A step cannot wait for itself.");
  if (isIn(from, to) || isIn(to, from)) return t("{second} and {first} are inside each other: a group and its steps cannot wait for each other.", { first, second });
  if (from.block !== to.block) return t("{second} cannot wait for {first}: only steps of one list wait for each other, and these are in different ones.", { first, second });
  if (waitsFor(from.block, from, to)) return t("{second} cannot wait for {first}, which itself waits for {second}: that would be a circle.", { first, second });
  if (from.number > to.number) return t("{second} cannot wait for {first}, which is further down in the file. Move {second} below it first.", { first, second });
  if (waitsFor(from.block, to, from)) return t("{second} waits for {first} already.", { first, second });
  const needs = (to.step.needs ?? []).filter((one) => one !== from.step.id);
  return [{ op: "set", step: to.step.id, field: "needs", value: [...needs, from.step.id] }];
}

// Return the operations that let a step wait for another one no more. Without `needs` it waited for all before it, and
// waits for the others from then on.
export function disconnect(from: Node, to: Node): Operation[] {
  const { block, step } = to;
  if (step.needs !== null) return [{ op: "set", step: step.id, field: "needs", value: step.needs.filter((one) => one !== from.step.id) }];
  const others = block.nodes.filter((one) => one.number < to.number && one !== from);
  const last = others.filter((one) => !others.some((other) => other !== one && waitsFor(block, other, one)));
  return [{ op: "set", step: step.id, field: "needs", value: last.map((one) => one.step.id) }];
}

// Return the steps that wait for a step directly, and those that could, in file order.
export function connections(from: Node): { made: Node[]; possible: Node[] } {
  const made = followers(from);
  return { made, possible: from.block.nodes.filter((one) => typeof connect(from, one) !== "string") };
}

// Return the gap to which Alt and an arrow moves a step; null if it cannot go further in this direction.
export function gapTowards(node: Node, way: "up" | "down" | "out" | "in"): Gap | null {
  const { block } = node;
  if (way === "up") {
    const above = block.waits.get(node)![0];
    return above ? { block, after: block.waits.get(above)![0] ?? null, before: above } : null;
  }
  if (way === "down") {
    const below = followers(node)[0];
    if (!below) return null;
    const next = followers(below)[0];
    return next ? { block, after: below, before: next } : { block, after: null, before: null };
  }
  if (way === "out") {
    const owner = block.owner;
    if (!owner) return null;
    const next = followers(owner)[0];
    return next ? { block: owner.block, after: owner, before: next } : { block: owner.block, after: null, before: null };
  }
  const below = followers(node).find((one) => one.inner);
  if (below) {
    const first = below.inner!.nodes[0];
    return { block: below.inner!, after: null, before: first ?? null };
  }
  const above = block.waits.get(node)!.find((one) => one.inner);
  return above ? { block: above.inner!, after: null, before: null } : null;
}

// Return the gap right behind a step.
export function gapAfter(node: Node): Gap {
  const next = followers(node)[0] ?? null;
  return next ? { block: node.block, after: node, before: next } : { block: node.block, after: ends(node.block).length > 1 ? node : null, before: null };
}

export const gapBefore = (node: Node): Gap => ({ block: node.block, after: node.block.waits.get(node)![0] ?? null, before: node });

// ---- the clipboard

const MARK = "orchestra_steps";

// Return steps as text for the clipboard.
export function copied(definition: Definition, steps: readonly CanvasStep[]): string {
  return JSON.stringify({ [MARK]: 1, steps: steps.map((one) => stepIn(definition, one.id)) }, null, 2);
}

// Return the steps in a text from the clipboard (of `copied`, a single step, or a list of steps); null for any other text.
export function pasted(text: string): Definition[] | null {
  let value: Definition;
  try {
    value = parseJson(text);
  } catch {
    return null;
  }
  const found = Array.isArray(value) ? value : Array.isArray(value?.steps) && (value[MARK] || !value.id) ? value.steps : [value];
  const isStep = (one: Definition) => one !== null && typeof one === "object" && typeof one.id === "string" && (one.uses !== undefined || one.steps !== undefined);
  return found.length > 0 && found.every(isStep) ? found : null;
}

// Return steps with ids that are free; references among them follow.
export function renumbered(steps: Definition[], taken: ReadonlySet<string>): Definition[] {
  const used = new Set(taken);
  const names = new Map<string, string>();
  const collect = (list: Definition[]): void => {
    for (const step of list) {
      const id = freeId(String(step.id ?? "step"), used);
      used.add(id);
      if (step.id !== undefined && !names.has(step.id)) names.set(step.id, id);
      for (const inner of [step.steps, step.on_error?.steps]) if (Array.isArray(inner)) collect(inner);
    }
  };
  collect(steps);
  return steps.map((step) => renamed(step, names, true));
}

function renamed(value: Definition, names: ReadonlyMap<string, string>, isTop = false): Definition {
  if (typeof value === "string") return inExpressions(value, names);
  if (Array.isArray(value)) return value.map((one) => renamed(one, names));
  if (value === null || typeof value !== "object") return value;
  const isStep = typeof value.id === "string" && (value.uses !== undefined || value.steps !== undefined);
  const found: Definition = {};
  for (const [key, one] of Object.entries(value)) {
    if (key === "id" && isStep) found.id = names.get(one as string) ?? one;
    else if (key === "needs" && isStep && Array.isArray(one)) {
      const inside = one.filter((name) => names.has(name)).map((name) => names.get(name));
      if (inside.length > 0 || !isTop) found.needs = inside; // what it waited for stays where it was copied from
    } else found[key] = renamed(one, names);
  }
  return found;
}

const PART = /(["'])(?:\\.|(?!\1)[^\\])*\1|(?<![\w.])steps\s*\.\s*([A-Za-z_]\w*)|\}\}/gy;

// Return a text whose references `steps.<id>` inside `{{ }}` have other ids; quoted texts stay as they are.
export function inExpressions(text: string, names: ReadonlyMap<string, string>): string {
  let found = "";
  let at = 0;
  for (let begin = text.indexOf("{{"); begin >= 0; begin = text.indexOf("{{", at)) {
    found += text.slice(at, begin + 2);
    at = begin + 2;
    while (at < text.length) {
      PART.lastIndex = at;
      const match = PART.exec(text);
      if (!match) {
        found += text[at];
        at += 1;
        continue;
      }
      at = PART.lastIndex;
      const name = match[2] && names.get(match[2]);
      found += name ? match[0].slice(0, -match[2]!.length) + name : match[0];
      if (match[0] === "}}") break;
    }
  }
  return found + text.slice(at);
}
