// The steps as a tree of blocks: what waits for what, level by level.
import type { CanvasStep } from "./api";

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
  // The level of each step: one more than the highest of what it waits for.
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
  return { key, kind, into, owner, nodes: [], waits: new Map(), levels: new Map() };
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

// Fill in the waits and levels of a block.
function order(block: Block): void {
  const byId = new Map(block.nodes.map((node) => [node.step.id, node]));
  let ends = new Set<Node>(); // the steps so far that no other step so far waits for
  const before = new Set<Node>();
  for (const node of block.nodes) {
    const { needs } = node.step;
    // A step that is needed by one before it in the file is a problem of the file, not of the drawing.
    const direct = needs === null ? [...ends] : [...new Set(needs)].map((id) => byId.get(id)).filter((one) => one !== undefined && before.has(one)) as Node[];
    const waits = direct.length > 1 ? direct.filter((one) => !direct.some((other) => other !== one && waitsFor(block, other, one))) : direct;
    block.waits.set(node, waits);
    block.levels.set(node, Math.max(-1, ...waits.map((one) => block.levels.get(one)!)) + 1);
    for (const one of waits) ends.delete(one);
    ends.add(node);
    before.add(node);
  }
}

// Return whether a step runs only after another one of its block, because it waits for it or for one that does.
export function waitsFor(block: Block, node: Node, other: Node): boolean {
  const level = block.levels.get(other)!;
  const ahead = [node];
  const seen = new Set<Node>(ahead);
  for (let one = ahead.pop(); one; one = ahead.pop()) {
    for (const next of block.waits.get(one)!) {
      if (next === other) return true;
      if (seen.has(next) || block.levels.get(next)! <= level) continue;
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
