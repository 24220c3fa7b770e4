// The layout as nodes and edges of React Flow.
import { MarkerType, type Edge, type Node as FlowNode } from "@xyflow/react";

import type { Read } from "../api";
import { absolute, END, FAILURE, FOLDED_HEIGHT, layout, START, STEP_WIDTH, triggerKey, zones, type Box, type Gap, type Layout, type Size, type Zone } from "../layout";
import type { Model, Node } from "../model";
import { wordsOf, type Studio } from "../store";
import type { Line } from "./FlowEdge";
import type { IconName } from "./icons";

const CARD_HEIGHT = 58;
const CONDITION_HEIGHT = 24;

export interface Drawn {
  layout: Layout;
  zones: Zone[];
}

// Return the size of a step's card; it grows with what is on it.
export function sizeOf(node: Node, isFolded: boolean): Size {
  const condition = node.step.condition ? CONDITION_HEIGHT : 0;
  if (node.inner && !isFolded) return { w: STEP_WIDTH, h: 0 };
  return { w: STEP_WIDTH, h: (node.inner ? FOLDED_HEIGHT : CARD_HEIGHT) + condition };
}

interface Trigger {
  title: string;
  text: string;
}

export function triggersOf(studio: Studio): Trigger[] {
  const { definition } = studio.view;
  const found = Array.isArray(definition?.triggers) ? definition.triggers : [];
  return found
    .filter((one: unknown) => one !== null && typeof one === "object")
    .map((one: Record<string, unknown>) => ({ title: String(one.title ?? one.id ?? "Trigger"), text: String(one.uses ?? "") }));
}

const keysOf = (value: unknown): string[] => (value !== null && typeof value === "object" ? Object.keys(value) : []);

// Lay out what a canvas shows.
export function draw(studio: Studio, isEditable: boolean): Drawn {
  const { model, definition } = studio.view;
  const drawn = layout(model, {
    sizeOf: (node) => sizeOf(node, studio.folded.has(node.key)),
    isFolded: (node) => studio.folded.has(node.key),
    offsets: studio.canvas?.positions ?? {},
    cards: { triggers: triggersOf(studio).map((one) => one.title), hasOutputs: keysOf(definition?.outputs).length > 0 },
    hasAdders: isEditable,
  });
  return { layout: drawn, zones: zones(drawn) };
}

export function flowNodes(studio: Studio, drawn: Drawn, found: ReadonlySet<string> | null, statuses: Record<string, string>, add: (gap: Gap) => void, isDraggable: boolean): FlowNode[] {
  const { mounted, selected, folded, dialog, canvas } = studio;
  const problems = new Map<string, { errors: number; warnings: number }>();
  for (const one of studio.view.problems) {
    if (!one.step) continue;
    const counts = problems.get(one.step) ?? { errors: 0, warnings: 0 };
    counts[one.severity === "error" ? "errors" : "warnings"] += 1;
    problems.set(one.step, counts);
  }
  const never = new Set(canvas?.is_draft ? [] : mounted.never);
  const current = studio.current ?? studio.view.model.list[0]?.key ?? null;
  const triggers = triggersOf(studio);
  return drawn.layout.boxes.map((box): FlowNode => {
    const common = {
      id: box.key,
      position: { x: box.x, y: box.y },
      width: box.w,
      height: box.h,
      parentId: box.parent ?? undefined,
      focusable: false,
      selectable: box.node !== null,
      selected: box.node !== null && selected.has(box.key),
      draggable: isDraggable && box.node !== null,
    };
    const { node } = box;
    if (!node) return { ...common, type: box.kind, data: asideData(box, studio, triggers, add), style: asideStyle(box) };
    const counts = problems.get(node.step.id) ?? { errors: 0, warnings: 0 };
    const data = {
      node,
      services: mounted.services,
      ...counts,
      status: statuses[node.step.path] ?? "",
      isCurrent: current === node.key,
      isFolded: node.inner !== null && folded.has(node.key),
      isRenamed: dialog?.kind === "rename" && dialog.key === node.key,
      isDim: found !== null && !found.has(node.key),
      isFound: found !== null && found.has(node.key),
      isNever: never.has(node.step.path),
      inside: node.inner?.nodes.length ?? 0,
    };
    const { node: _node, services: _services, ...rest } = data;
    const { step } = node;
    const look = JSON.stringify([rest, step, node.number, node.block.nodes.length, node.block.owner?.step.title]);
    const frame = node.inner ? { dragHandle: ".studio-frame-head", style: { pointerEvents: "none" as const } } : {};
    return { ...common, ...frame, zIndex: data.isRenamed ? 3000 : undefined, type: node.inner ? "frame" : "step", data: { ...data, look } };
  });
}

const asideStyle = (box: Box) => (box.kind === "fallback" || box.kind === "failure" ? { pointerEvents: "none" as const } : undefined);

function asideData(box: Box, studio: Studio, triggers: Trigger[], add: (gap: Gap) => void): Record<string, unknown> {
  const { definition } = studio.view;
  if (box.key === START) {
    const inputs = keysOf(definition?.inputs?.properties);
    return { icon: "start" satisfies IconName, title: "Start", text: inputs.length > 0 ? `Inputs: ${inputs.join(", ")}` : "No inputs" };
  }
  if (box.key === END) return { icon: "end" satisfies IconName, title: "Result", text: keysOf(definition?.outputs).join(", ") };
  if (box.key === FAILURE) return { kind: "failure", title: "If the workflow fails" };
  if (box.kind === "fallback") return { kind: "fallback", title: `If ${box.block!.owner!.step.title} fails` };
  if (box.kind === "trigger") {
    const index = triggers.findIndex((_, number) => triggerKey(number) === box.key);
    return { icon: "trigger" satisfies IconName, title: triggers[index]?.title ?? "", text: triggers[index]?.text ?? "" };
  }
  const gap: Gap = { block: box.block!, after: null, before: null };
  return { label: `Add a step ${wordsOf(gap)}`, add: () => add(gap) };
}

const ARROW = { type: MarkerType.ArrowClosed, width: 14, height: 14 };

export function flowEdges(drawn: Drawn, add: ((gap: Gap) => void) | null): Edge[] {
  const spots = new Map(drawn.zones.map((one) => [one.key, one]));
  return drawn.layout.edges.map((edge): Line => {
    const target = drawn.layout.byKey.get(edge.target)!;
    const isInside = target.parent === edge.source;
    const spot = spots.get(edge.key);
    const gap = edge.gap;
    return {
      id: edge.key,
      source: edge.source,
      target: edge.target,
      sourceHandle: edge.kind === "error" ? "aside" : isInside ? "inside" : null,
      type: "flow",
      focusable: false,
      selectable: false,
      markerEnd: target.kind === "adder" ? undefined : ARROW,
      data: { kind: edge.kind, label: gap ? `Add a step ${wordsOf(gap)}` : "", x: spot?.x ?? 0, y: spot?.y ?? 0, add: gap && add && spot ? () => add(gap) : null },
    };
  });
}

// Return the lines of the references from and to the selected steps, or all of them.
export function dataEdges(studio: Studio, drawn: Drawn): Edge[] {
  const { model, steps } = studio.view;
  const found: Line[] = [];
  if (studio.selected.size === 0 && !studio.isEverywhereData) return found;
  const ids = new Map(steps.map((one) => [one.id, one]));
  for (const step of steps) {
    const fields = new Map<string, Read[]>();
    for (const one of step.reads) if (ids.has(one.step)) fields.set(one.step, [...(fields.get(one.step) ?? []), one]);
    for (const [source, reads] of fields) {
      const isNear = studio.selected.has(step.id) || studio.selected.has(source);
      if (!isNear && !studio.isEverywhereData) continue;
      const [from, to] = [visible(model, drawn, source), visible(model, drawn, step.id)];
      if (!from || !to || from === to) continue;
      const label = isNear ? [...new Set(reads.map((one) => one.field.replace(/^with\./, "")))].join(", ") : "";
      found.push(lineOf(`data:${source}>${step.id}`, from, to, "data", label));
    }
  }
  return found;
}

// Return the ways of text that must not go there, in the saved file.
export function breachEdges(studio: Studio, drawn: Drawn): Edge[] {
  if (studio.canvas?.is_draft) return [];
  return studio.mounted.breaches.flatMap(([source, target]) => {
    const [from, to] = [visible(studio.view.model, drawn, source), visible(studio.view.model, drawn, target)];
    return from && to && from !== to ? [lineOf(`breach:${source}>${target}`, from, to, "breach", "must not go there")] : [];
  });
}

function lineOf(id: string, source: string, target: string, kind: string, label: string): Line {
  return {
    id,
    source,
    target,
    sourceHandle: "aside",
    targetHandle: "beside",
    type: "data",
    focusable: false,
    selectable: false,
    zIndex: 1500,
    markerEnd: ARROW,
    data: { kind, label, x: 0, y: 0, add: null },
  };
}

// Return the step, or the folded group around it.
function visible(model: Model, drawn: Drawn, id: string): string | null {
  for (let node = model.nodes.get(id); node; node = node.block.owner ?? undefined) if (drawn.layout.byKey.has(node.key)) return node.key;
  return null;
}

// Return the middle and the size of a step on the drawing.
export function placeOf(drawn: Drawn, key: string): { x: number; y: number; w: number; h: number } | null {
  const box = drawn.layout.byKey.get(key);
  return box ? { ...absolute(drawn.layout, box), w: box.w, h: box.h } : null;
}
