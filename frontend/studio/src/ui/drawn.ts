// The layout as nodes of React Flow, and the lines between them. What looks as before stays the same object, so that React
// draws only what has changed.
import { getSmoothStepPath, Position, type Node as FlowNode } from "@xyflow/react";

import type { Definition, Read, StepLook } from "../api";
import type { Ghost } from "../copilot/ghosts";
import { stepIn } from "../document";
import { partsRead } from "../join";
import { valueAt } from "../panel/places";
import { lineMark, type LineMark, type Marks } from "../flow/marks";
import { t } from "../language";
import { absolute, END, FAILURE, FOLDED_HEIGHT, HEAD, layout, START, STEP_WIDTH, triggerKey, zones, type Box, type Edge, type Gap, type Layout, type Size, type Zone } from "../layout";
import { titleWidth } from "../measure";
import type { Model, Node } from "../model";
import { areExpressionsShown } from "../panel/expressionSwitch";
import { resultOf } from "../outputs";
import { FRAME_ROOM, linesIn, moreFor, titleRoom } from "../own";
import { stateWords, statusOf, titleOf, triggersIn, watchedWords } from "../panel/triggers";
import { wordsOf, type Studio } from "../store";
import type { IconName } from "./icons";
import { saidOf } from "./looks";

const CARD_HEIGHT = 58;
const CONDITION_HEIGHT = 24;

export interface Drawn {
  layout: Layout;
  zones: Zone[];
}

// Return the size of a step's card, or the least one of its frame; it grows with what is on it.
export function sizeOf(node: Node, isFolded: boolean, look?: StepLook): Size {
  const { step, inner } = node;
  const condition = step.condition ? CONDITION_HEIGHT : 0;
  const [w, h] = (inner && isFolded ? null : look?.size) ?? [STEP_WIDTH, null];
  if (inner && !isFolded) return { w, h: h ?? 0 };
  const title = titleWidth(step.title);
  if (inner) return { w, h: FOLDED_HEIGHT + condition + moreFor(title, w - FRAME_ROOM) };
  return { w, h: Math.max(h ?? CARD_HEIGHT + condition + moreFor(title, titleRoom(step, w)), CARD_HEIGHT + condition) };
}

// Return how many lines the title of a step has at most.
function linesOf(box: Box, node: Node, isFolded: boolean): number {
  if (node.inner && !isFolded) return box.head! > HEAD ? 2 : 1;
  const condition = node.step.condition ? CONDITION_HEIGHT : 0;
  return linesIn(box.h - condition - (node.inner ? FOLDED_HEIGHT - CARD_HEIGHT : 0));
}

// A trigger as its card shows it.
export interface TriggerLook {
  index: number;
  title: string;
  text: string;
  state: string;
  isOn: boolean;
  isChosen: boolean;
}

export function triggersOf(studio: Studio): TriggerLook[] {
  const { triggerTypes, triggerStatuses = null } = studio;
  return triggersIn(studio.view.definition).map((one) => {
    const type = triggerTypes?.find(({ name }) => name === one.uses);
    const isOn = statusOf(triggerStatuses, one.id)?.is_on ?? false;
    return { index: one.index, title: titleOf(one, type), text: watchedWords(one, type), state: stateWords(triggerStatuses, one.id), isOn, isChosen: studio.trigger === one.index };
  });
}

const keysOf = (value: unknown): string[] => (value !== null && typeof value === "object" ? Object.keys(value) : []);

// Return, as text, what the cards that are no steps take from the definition: each answer brings a definition of its own.
export const asides = (definition: Definition): string => JSON.stringify([definition?.triggers, keysOf(definition?.outputs), definition?.inputs?.properties]);

export const lookOf = ({ canvas }: Studio, { step }: Node): StepLook | undefined => canvas?.looks[step.path];

// Lay out what a canvas shows.
export function draw(studio: Studio, isEditable: boolean): Drawn {
  const { model } = studio.view;
  const drawn = layout(model, {
    sizeOf: (node) => sizeOf(node, studio.folded.has(node.key), lookOf(studio, node)),
    headOf: (node, width) => moreFor(titleWidth(node.step.title), width - FRAME_ROOM),
    isFolded: (node) => studio.folded.has(node.key),
    offsets: studio.canvas?.positions ?? {},
    cards: { triggers: triggersOf(studio).map((one) => one.title), hasOutputs: resultOf(studio.view) !== null },
    hasAdders: isEditable,
  });
  return { layout: drawn, zones: zones(drawn) };
}

export function flowNodes(studio: Studio, drawn: Drawn, found: ReadonlySet<string> | null, marks: Marks, add: (box: string) => void, isDraggable: boolean): FlowNode[] {
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
      // Nothing has to be measured: sizes come from the layout, and lines are not drawn by React Flow.
      measured: { width: box.w, height: box.h },
      handles: [],
      parentId: box.parent ?? undefined,
      focusable: false,
      selectable: box.node !== null,
      selected: box.node !== null && selected.has(box.key),
      draggable: isDraggable && box.node !== null,
      zIndex: Z_CARD,
    };
    const { node } = box;
    if (!node) {
      const aside = asideData(box, studio, triggers);
      const isFrame = box.kind === "fallback" || box.kind === "failure";
      return { ...common, type: box.kind, data: { ...aside, add, look: JSON.stringify(aside) }, ...(isFrame ? FRAME : {}) };
    }
    const counts = problems.get(node.step.id) ?? { errors: 0, warnings: 0 };
    const rest = {
      ...counts,
      mark: marks[node.step.path] ?? null,
      isCurrent: current === node.key,
      isFolded: node.inner !== null && folded.has(node.key),
      isRenamed: dialog?.kind === "rename" && dialog.key === node.key,
      isDim: found !== null && !found.has(node.key),
      isFound: found !== null && found.has(node.key),
      isNever: never.has(node.step.path),
      ghost: studio.copilot.ghosts?.steps.get(node.step.id) ?? null,
      hasBreakpoint: studio.debugger.breakpoints.has(node.step.id) && node.step.uses !== "",
      inside: node.inner?.nodes.length ?? 0,
      lines: linesOf(box, node, node.inner !== null && folded.has(node.key)),
      own: lookOf(studio, node),
      said: saidOf(node.step, studio.view.steps, areExpressionsShown()),
      isSizable: isDraggable && !(node.inner && folded.has(node.key)),
    };
    const { block } = node;
    // Its number is no part of it, and set later (`renumber`): a step that is removed changes the number of all below it.
    const look = JSON.stringify([rest, node.step, block.kind, block.owner?.step.title, node.fallback !== null]);
    const frame = node.inner ? { dragHandle: ".studio-frame-head", ...FRAME } : {};
    const data = { ...rest, node, services: mounted.services, look };
    return { ...common, ...frame, ...(rest.isRenamed ? { zIndex: Z_FORM } : {}), type: node.inner ? "frame" : "step", data };
  });
}

// Frames lie below the lines, cards above them.
const Z_CARD = 1000;
const Z_FORM = 3000;
const FRAME_STYLE = { pointerEvents: "none" as const };
const FRAME = { style: FRAME_STYLE, zIndex: 0 };

// Return the nodes; those that look as one before are that one, and the list is the one before if all of them do.
export function kept(before: FlowNode[], nodes: FlowNode[]): FlowNode[] {
  const known = new Map(before.map((one) => [one.id, one]));
  const found = nodes.map((one) => {
    const old = known.get(one.id);
    return old && isSameNode(old, one) ? old : one;
  });
  return found.length === before.length && found.every((one, index) => one === before[index]) ? before : found;
}

const SAME = ["type", "width", "height", "parentId", "selected", "draggable", "selectable", "zIndex"] as const;

function isSameNode(one: FlowNode, other: FlowNode): boolean {
  if (one.position.x !== other.position.x || one.position.y !== other.position.y) return false;
  return one.data.look === other.data.look && one.data.services === other.data.services && SAME.every((key) => one[key] === other[key]);
}

function asideData(box: Box, studio: Studio, triggers: TriggerLook[]): Record<string, unknown> {
  const { definition } = studio.view;
  if (box.key === START) {
    const inputs = Object.entries(definition?.inputs?.properties ?? {}).map(([name, one]) => String((one as { title?: unknown } | null)?.title || name));
    return { icon: "start" satisfies IconName, title: t("Start"), text: inputs.length > 0 ? t("Inputs: {names}", { names: inputs.join(", ") }) : t("No inputs") };
  }
  if (box.key === END) return { ...resultOf(studio.view) };
  if (box.key === FAILURE) return { kind: "failure", title: t("If the workflow fails") };
  if (box.kind === "fallback") return { kind: "fallback", title: t("If {title} fails", { title: box.block!.owner!.step.title }) };
  if (box.kind === "trigger") {
    const trigger = triggers.find((_, number) => triggerKey(number) === box.key);
    return { ...trigger };
  }
  const gap: Gap = { block: box.block!, after: null, before: null };
  return { label: t("Add a step {where}", { where: wordsOf(gap) }) };
}

// A line as it is drawn.
export interface Line {
  key: string;
  kind: Edge["kind"] | "data" | "breach";
  // From its beginning; of an arc from the corner of the drawing.
  path: string;
  hasArrow: boolean;
  // Both steps, if one waits for the other: such a line can be chosen.
  ends: { from: string; to: string } | null;
  // The boxes at both ends.
  source: string;
  target: string;
  // Where it begins and ends; an order line with the same course is the same object.
  course: readonly number[];
  // What is written on it, and where.
  label: string;
  x: number;
  y: number;
}

// Steps that a proposal adds, at the place where they would be.
export interface GhostPlace {
  key: string;
  x: number;
  y: number;
  steps: Ghost[];
}

// Return where the new steps of the proposal are marked; one whose place is not drawn is at the end.
export function ghostPlaces(studio: Studio, drawn: Drawn): GhostPlace[] {
  const found = new Map<string, GhostPlace>();
  const { zones } = drawn;
  for (const { after, before, into, ...ghost } of studio.copilot.ghosts?.added ?? []) {
    const at =
      zones.find(({ gap }) => (after ? gap.after?.step.id === after : before ? gap.before?.step.id === before : into ? gap.block.into === into && !gap.before : false)) ??
      zones.findLast(({ gap }) => gap.block.kind === "workflow" && !gap.before);
    if (!at) continue;
    const place = found.get(at.key) ?? { key: at.key, x: at.x, y: at.y, steps: [] };
    place.steps.push(ghost);
    found.set(at.key, place);
  }
  return [...found.values()];
}

// A button that adds a step on a line.
export interface Plus {
  key: string;
  label: string;
  x: number;
  y: number;
}

export type Corners = ReadonlyMap<string, { x: number; y: number }>;

// Return where the upper left corner of each box is; `dragged` are boxes on their way, by key, as seen from around them.
export function corners(drawn: Layout, dragged: Corners | null = null): Corners {
  const found = new Map<string, { x: number; y: number }>();
  for (const box of drawn.boxes) {
    const outer = box.parent === null ? null : found.get(box.parent)!; // outer boxes come first
    const { x, y } = dragged?.get(box.key) ?? box;
    found.set(box.key, outer ? { x: outer.x + x, y: outer.y + y } : { x, y });
  }
  return found;
}

const ENTRY = 46;
const SIDE = 30;

// Return the lines of the order of the steps; those that run as one before are that one.
export function flowLines(drawn: Layout, at: Corners, before: readonly Line[] = []): Line[] {
  const known = new Map(before.map((one) => [one.key, one]));
  return drawn.edges.map((edge) => {
    const [source, target] = [drawn.byKey.get(edge.source)!, drawn.byKey.get(edge.target)!];
    const [from, to] = [at.get(edge.source)!, at.get(edge.target)!];
    const isAside = edge.kind === "error";
    const isInside = target.parent === edge.source;
    const [sourceX, sourceY] = [from.x + (isAside ? source.w : source.w / 2), from.y + (isAside ? source.h / 2 : isInside ? ENTRY + (source.head ?? HEAD) - HEAD : source.h)];
    const [targetX, targetY] = [to.x + (isAside ? 0 : target.w / 2), to.y + (isAside ? SIDE : 0)];
    const [ends, hasArrow, course] = [endsOf(edge), target.kind !== "adder", [sourceX, sourceY, targetX, targetY]];
    const old = known.get(edge.key);
    if (old && old.kind === edge.kind && old.hasArrow === hasArrow && isSameEnds(old.ends, ends) && course.every((one, index) => one === old.course[index])) return old;
    const [path, x, y] = getSmoothStepPath({
      sourceX: 0,
      sourceY: 0,
      sourcePosition: isAside ? Position.Right : Position.Bottom,
      targetX: targetX - sourceX,
      targetY: targetY - sourceY,
      targetPosition: isAside ? Position.Left : Position.Top,
      borderRadius: 14,
      offset: isInside ? 5 : 20, // there is little room below the head of a frame
    });
    return { key: edge.key, kind: edge.kind, path, hasArrow, ends, source: edge.source, target: edge.target, course, label: "", x: sourceX + x, y: sourceY + y };
  });
}

// Return the marks of a run or a prediction on the lines, by their keys.
export function lineMarks(drawn: Layout, marks: Marks): ReadonlyMap<string, LineMark> {
  const found = new Map<string, LineMark>();
  if (Object.keys(marks).length === 0) return found;
  for (const edge of drawn.edges) {
    const [source, target] = [drawn.byKey.get(edge.source)!, drawn.byKey.get(edge.target)!];
    const mark = edge.kind === "trigger" ? null : lineMark(marks, source.node, target.node);
    if (mark) found.set(edge.key, mark);
  }
  return found;
}

const isSameEnds = (one: Line["ends"], other: Line["ends"]): boolean => one?.from === other?.from && one?.to === other?.to;
const endsOf = ({ gap }: Edge) => (gap?.after && gap.before ? { from: gap.after.key, to: gap.before.key } : null);

// Return the step at a place: a sibling of the one that a connection is drawn from, or else the innermost one.
export function stepAt(drawn: Layout, at: Corners, from: Node, x: number, y: number): Box | null {
  const under = drawn.boxes.filter((box) => {
    const corner = at.get(box.key)!;
    return box.node !== null && x >= corner.x && y >= corner.y && x <= corner.x + box.w && y <= corner.y + box.h;
  });
  return under.find((one) => one.node!.block === from.block) ?? under.at(-1) ?? null;
}

// Return the innermost step at a place; a frame only at its head.
export function stepUnder(drawn: Layout, at: Corners, x: number, y: number): Box | null {
  const isUnder = (box: Box): boolean => {
    const corner = at.get(box.key)!;
    return box.node !== null && x >= corner.x && y >= corner.y && x <= corner.x + box.w && y <= corner.y + (box.head ?? box.h);
  };
  return drawn.boxes.findLast(isUnder) ?? null;
}

// A ground below lanes, from the corner of the drawing.
export interface Ground extends Size {
  key: string;
  x: number;
  y: number;
}

export function grounds(drawn: Layout, at: Corners): Ground[] {
  return drawn.bands.map(({ key, parent, x, y, w, h }) => {
    const corner = parent === null ? { x: 0, y: 0 } : at.get(parent)!;
    return { key, x: corner.x + x, y: corner.y + y, w, h };
  });
}

// Return the buttons on the lines.
export function plusses(drawn: Drawn): Plus[] {
  const isLine = new Set(drawn.layout.edges.filter((one) => one.gap).map((one) => one.key));
  return drawn.zones.filter((one) => isLine.has(one.key)).map(({ key, x, y, gap }) => ({ key, x, y, label: t("Add a step {where}", { where: wordsOf(gap) }) }));
}

// Return the lines of the references from and to the selected steps, or all of them.
export function dataLines(studio: Studio, drawn: Drawn, at: Corners): Line[] {
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
      const label = isNear ? [...new Set(reads.map((one) => joined(studio.view.definition, step.id, source, one.field)))].join(", ") : "";
      found.push(arc(drawn.layout, at, `data:${source}>${step.id}`, from, to, "data", label));
    }
  }
  return found;
}

// Return which part of an output a field uses: `needs answer → Runs only if`, or `needs_answer → if` where expressions are shown.
function joined(definition: Definition, id: string, source: string, field: string): string {
  const parts = new Set(partsRead(valueAt(stepIn(definition, id), field.split(".")), source).filter(Boolean));
  const name = field.replace(/^with\./, "");
  const words = (text: string) => (areExpressionsShown() ? text : (fieldTitle(text) ?? text.replaceAll(/[._]/g, " ")));
  return parts.size > 0 ? `${[...parts].map(words).join(", ")} → ${words(name)}` : words(name);
}

// The fields of every step whose names are no words.
function fieldTitle(name: string): string | undefined {
  return name === "if" ? t("Runs only if") : name === "foreach" ? t("For each item of") : undefined;
}

// Return the ways of text that must not go there, in the saved file.
export function breachLines(studio: Studio, drawn: Drawn, at: Corners): Line[] {
  if (studio.canvas?.is_draft) return [];
  return studio.mounted.breaches.flatMap(([source, target]) => {
    const [from, to] = [visible(studio.view.model, drawn, source), visible(studio.view.model, drawn, target)];
    return from && to && from !== to ? [arc(drawn.layout, at, `breach:${source}>${target}`, from, to, "breach", t("must not go there"))] : [];
  });
}

// An arc to the right of both, wider the farther they are apart, so that several can be distinguished.
function arc(drawn: Layout, at: Corners, key: string, source: string, target: string, kind: "data" | "breach", label: string): Line {
  const side = (one: string) => {
    const [{ x, y }, { w, h }] = [at.get(one)!, drawn.byKey.get(one)!];
    return { x: x + w, y: y + h / 2 };
  };
  const [from, to] = [side(source), side(target)];
  const reach = Math.max(from.x, to.x) + 36 + Math.min(150, Math.abs(to.y - from.y) * 0.12);
  const path = `M ${from.x},${from.y} C ${reach},${from.y} ${reach},${to.y} ${to.x},${to.y}`;
  return { key, kind, path, hasArrow: true, ends: null, source, target, course: [], label, x: (from.x + to.x) / 8 + reach * 0.75, y: (from.y + to.y) / 2 };
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
