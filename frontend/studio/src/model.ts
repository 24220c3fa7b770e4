// The steps as a tree of blocks: what waits for what, level by level.
import type { CanvasStep } from "./api";
import { exclude } from "./exclusion";

export interface Node {
  // The id of the step, or its path if another step has the same id.
  key: string;
  step: CanvasStep;
  block: Block;
  // The block of its own steps, if it is a group, and the one that runs when it fails.
  inner: Block | null;
  fallback: Block | null;
  // From 1, among the steps of its block.
  number: number;
}

export interface Block {
  key: string;
  kind: "workflow" | "group" | "fallback" | "failure";
  // The name of its end in operations: "", a group, `step.on_error` or `on_failure`.
  into: string;
  owner: Node | null;
  nodes: Node[];
  // The siblings that each step waits for, without those that they wait for themselves.
  waits: Map<Node, Node[]>;
  // Steps that follow each other, and whose conditions exclude each other so that at most one runs: they are drawn side by
  // side.
  lanes: Node[][];
  // The siblings below which each step is drawn: the steps that it waits for, and the same ones for all steps of lanes.
  above: Map<Node, Node[]>;
  // The level of each step: one more than the highest of what it is drawn below.
  levels: Map<Node, number>;
}

export interface Model {
  main: Block;
  failure: Block | null;
  nodes: Map<string, Node>;
  byPath: Map<string, Node>;
  // All, outer before inner, in file order.
  list: Node[];
}

// Return the tree of the steps, which are in file order, outer before inner.
export function modelOf(steps: CanvasStep[]): Model {
  const main = blockOf("", "workflow", "", null);
  const model: Model = { main, failure: null, nodes: new Map(), byPath: new Map(), list: [] };
  for (const step of steps) {
    const owner = model.byPath.get(step.parent) ?? null;
    const block = blockFor(model, step, owner);
    const key = step.id === "?" || model.nodes.has(step.id) ? step.path : step.id;
    if (model.nodes.has(key)) continue; // a second step of one path: the problems tell it
    const node: Node = { key, step, block, inner: null, fallback: null, number: block.nodes.length + 1 };
    if (step.kind === "group") node.inner = blockOf(key, "group", step.id, node);
    block.nodes.push(node);
    model.nodes.set(key, node);
    if (!model.byPath.has(step.path)) model.byPath.set(step.path, node);
    model.list.push(node);
  }
  for (const block of blocks(model)) order(block);
  return model;
}

function blockOf(key: string, kind: Block["kind"], into: string, owner: Node | null): Block {
  return { key, kind, into, owner, nodes: [], waits: new Map(), lanes: [], above: new Map(), levels: new Map() };
}

function blockFor(model: Model, step: CanvasStep, owner: Node | null): Block {
  if (step.place === "on_failure") return (model.failure ??= blockOf("#on_failure", "failure", "on_failure", null));
  if (!owner) return model.main;
  if (step.place === "on_error") return (owner.fallback ??= blockOf(`${owner.key}#on_error`, "fallback", `${owner.step.id}.on_error`, owner));
  return (owner.inner ??= blockOf(owner.key, "group", owner.step.id, owner));
}

// Yield all blocks, outer before inner.
export function* blocks(model: Model): Generator<Block> {
  yield model.main;
  for (const node of model.list) {
    if (node.inner) yield node.inner;
    if (node.fallback) yield node.fallback;
  }
  if (model.failure) yield model.failure;
}

// Fill in the waits of a block, its lanes and its levels.
function order(block: Block): void {
  const byId = new Map(block.nodes.map((node) => [node.step.id, node]));
  const ends = new Set<Node>(); // the steps so far that no other step so far waits for
  const before = new Set<Node>();
  for (const node of block.nodes) {
    const { needs } = node.step;
    // A step that is needed by one before it in the file is a problem of the file, not of the drawing.
    const direct = needs === null ? [...ends] : [...new Set(needs)].map((id) => byId.get(id)).filter((one) => one !== undefined && before.has(one)) as Node[];
    const waits = direct.length > 1 ? direct.filter((one) => !direct.some((other) => other !== one && waitsFor(block, other, one))) : direct;
    block.waits.set(node, waits);
    for (const one of waits) ends.delete(one);
    ends.add(node);
    before.add(node);
  }
  block.lanes = lanesOf(block);
  const laneOf = new Map(block.lanes.flatMap((lanes) => lanes.map((one) => [one, lanes] as const)));
  for (const node of block.nodes) {
    const waits = block.waits.get(laneOf.get(node)?.[0] ?? node)!;
    const above = [...new Set(waits.flatMap((one) => laneOf.get(one) ?? [one]))];
    block.above.set(node, above);
    block.levels.set(node, Math.max(-1, ...above.map((one) => block.levels.get(one)!)) + 1);
  }
}

// Return the runs of steps in which each waits for the one before it only because it stands below it: their conditions
// exclude each other, and no step uses another one.
function lanesOf(block: Block): Node[][] {
  const waiting = new Map<Node, number>();
  for (const waits of block.waits.values()) for (const one of waits) waiting.set(one, (waiting.get(one) ?? 0) + 1);
  const found: Node[][] = [];
  let run: Node[] = [];
  for (const node of block.nodes) {
    const last = run.at(-1);
    const isNext = last !== undefined && isOnly(block.waits.get(node)!, last) && waiting.get(last) === 1 && run.every((one) => isLane(one, node));
    run = isNext ? [...run, node] : [node];
    if (run.length === 2) found.push(run);
    else if (run.length > 2) found[found.length - 1] = run;
  }
  return found;
}

const isOnly = (nodes: Node[], node: Node): boolean => nodes.length === 1 && nodes[0] === node;

function isLane(one: Node, other: Node): boolean {
  return exclude(one.step.condition, other.step.condition) && !uses(other, one.step.id);
}

// Return whether a step, or one inside it, uses the output of another one.
function uses(node: Node, id: string): boolean {
  const inside = [...(node.inner?.nodes ?? []), ...(node.fallback?.nodes ?? [])];
  return node.step.reads.some((one) => one.step === id) || inside.some((one) => uses(one, id));
}

// Return whether a step runs only after another one of its block, because it waits for it or for one that does.
export function waitsFor(block: Block, node: Node, other: Node): boolean {
  const ahead = [node];
  const seen = new Set<Node>(ahead);
  for (let one = ahead.pop(); one; one = ahead.pop()) {
    for (const next of block.waits.get(one)!) {
      if (next === other) return true;
      if (seen.has(next) || next.number <= other.number) continue;
      seen.add(next);
      ahead.push(next);
    }
  }
  return false;
}

// Return the steps of a block that wait for this one.
export const followers = (node: Node): Node[] => node.block.nodes.filter((one) => node.block.waits.get(one)!.includes(node));

// Return the steps of a block that nothing in it waits for.
export function ends(block: Block): Node[] {
  const waited = new Set([...block.waits.values()].flat());
  return block.nodes.filter((one) => !waited.has(one));
}

// Return the steps of a block below which no other is drawn, and those that are drawn below no other.
export function lowest(block: Block): Node[] {
  const covered = new Set([...block.above.values()].flat());
  return block.nodes.filter((one) => !covered.has(one));
}

export const highest = (block: Block): Node[] => block.nodes.filter((one) => block.above.get(one)!.length === 0);

// Return the steps that are drawn right below this one.
export const below = (node: Node): Node[] => node.block.nodes.filter((one) => node.block.above.get(one)!.includes(node));

// Return the steps of a block that wait for no other.
export const starts = (block: Block): Node[] => block.nodes.filter((one) => block.waits.get(one)!.length === 0);

// Yield the steps around a step, from the inside out.
export function* around(node: Node): Generator<Node> {
  for (let owner = node.block.owner; owner; owner = owner.block.owner) yield owner;
}

// Return whether a step is another one or inside it.
export function isIn(node: Node, outer: Node): boolean {
  return node === outer || [...around(node)].includes(outer);
}

// Return the given steps without those that are inside another one of them, in file order.
export function outermost(model: Model, keys: Iterable<string>): Node[] {
  const wanted = new Set(keys);
  return model.list.filter((node) => wanted.has(node.key) && ![...around(node)].some((one) => wanted.has(one.key)));
}
