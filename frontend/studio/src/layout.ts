// Where the steps are drawn: each block from top to bottom by level, and side by side what may run side by side. Pure.
import { highest, lowest, type Block, type Model, type Node } from "./model";

export const STEP_WIDTH = 228;
export const ROW_GAP = 46;
export const COLUMN_GAP = 36;
// The head of a frame, and the space below it in which the flow enters.
export const HEAD = 66;
export const PAD = 18;
export const FOLDED_HEIGHT = 66;
export const ADDER = 28;
export const CARD_HEIGHT = 44;
export const TRIGGER_HEIGHT = 66;
const BAND_SIDE = 9;
const BAND_TOP = 19;

export interface Size {
  w: number;
  h: number;
}

// A box of the drawing: of a step, a frame, a card or a button. `x` and `y` are from the box around it.
export interface Box extends Size {
  key: string;
  kind: "step" | "frame" | "fallback" | "failure" | "start" | "end" | "trigger" | "adder";
  parent: string | null;
  x: number;
  y: number;
  // Where it would be without being moved by hand.
  auto: { x: number; y: number };
  // How high its head is with the space below it, if it is an open frame.
  head?: number;
  node: Node | null;
  block: Block | null;
}

export type EdgeKind = "flow" | "conditional" | "trigger" | "error";

export interface Edge {
  key: string;
  source: string;
  target: string;
  kind: EdgeKind;
  // The place between its ends, where steps can be put.
  gap: Gap | null;
}

// A place between two steps of a block; without `after` at its beginning, without `before` at its end.
export interface Gap {
  block: Block;
  after: Node | null;
  before: Node | null;
}

export interface Cards {
  triggers: string[];
  hasOutputs: boolean;
}

export interface Options {
  sizeOf(node: Node): Size;
  // How much higher than usual the head of a frame is that is as wide as this.
  headOf?(node: Node, width: number): number;
  isFolded(node: Node): boolean;
  // How far steps were moved by hand, by path.
  offsets: Record<string, readonly [number, number] | undefined>;
  cards: Cards;
  // Whether there are buttons for adding steps.
  hasAdders: boolean;
}

// The ground below steps that exclude each other. `x` and `y` are from the box around it.
export interface Band extends Size {
  key: string;
  parent: string | null;
  x: number;
  y: number;
}

export interface Layout {
  // Outer before inner, as React Flow wants them.
  boxes: Box[];
  bands: Band[];
  edges: Edge[];
  byKey: Map<string, Box>;
}

// Return the boxes and edges of a workflow.
export function layout(model: Model, options: Options): Layout {
  const drawing = new Drawing(options);
  drawing.workflow(model);
  return { boxes: drawing.boxes, bands: drawing.bands, edges: drawing.edges, byKey: new Map(drawing.boxes.map((one) => [one.key, one])) };
}

export const START = "#start";
export const END = "#end";
export const FAILURE = "#on_failure";
export const adderOf = (block: Block): string => `${block.key}#add`;
export const triggerKey = (index: number): string => `#trigger:${index}`;

// The size of a block, with the boxes in it placed from its upper left corner.
interface Placed extends Size {
  // Where the flow enters: the middle of its first level.
  middle: number;
  place(x: number, y: number): void;
}

interface Cell extends Size {
  node: Node;
  main: Size;
  // The middle of the step itself from the left of the cell; what runs when it fails is to its right.
  middle: number;
  // `least`: how high it may go inside a frame.
  place(x: number, y: number, least: number): void;
}

class Drawing {
  boxes: Box[] = [];
  bands: Band[] = [];
  edges: Edge[] = [];

  constructor(private readonly options: Options) {}

  workflow(model: Model): void {
    const { cards } = this.options;
    const main = this.block(model.main, null, false);
    const center = 0;
    let y = 0;
    if (cards.triggers.length > 0) {
      const width = cards.triggers.length * (STEP_WIDTH + COLUMN_GAP) - COLUMN_GAP;
      cards.triggers.forEach((_, index) => {
        this.card(triggerKey(index), "trigger", center - width / 2 + index * (STEP_WIDTH + COLUMN_GAP), y, TRIGGER_HEIGHT);
        this.edges.push({ key: `${triggerKey(index)}>`, source: triggerKey(index), target: START, kind: "trigger", gap: null });
      });
      y += TRIGGER_HEIGHT + ROW_GAP;
    }
    this.card(START, "start", center - STEP_WIDTH / 2, y);
    y += CARD_HEIGHT + ROW_GAP;
    main.place(center - main.middle, y);
    y += main.h;
    for (const node of highest(model.main)) this.first(START, node);
    if (cards.hasOutputs) {
      y += model.main.nodes.length > 0 || this.options.hasAdders ? ROW_GAP : 0;
      this.card(END, "end", center - STEP_WIDTH / 2, y);
      y += CARD_HEIGHT;
      const last = this.options.hasAdders ? [adderOf(model.main)] : model.main.nodes.length > 0 ? lowest(model.main).map((one) => one.key) : [START];
      for (const source of last) this.edges.push({ key: `${source}>${END}`, source, target: END, kind: "flow", gap: null });
    }
    if (model.failure) this.failure(model.failure, center, y + ROW_GAP);
  }

  private failure(block: Block, center: number, y: number): void {
    const inner = this.block(block, FAILURE, true);
    const w = Math.max(STEP_WIDTH + 2 * PAD, inner.w + 2 * PAD);
    this.box({ key: FAILURE, kind: "failure", parent: null, x: center - w / 2, y, w, h: HEAD + inner.h + PAD, node: null, block });
    inner.place((w - inner.w) / 2, HEAD);
  }

  private card(key: string, kind: Box["kind"], x: number, y: number, h = CARD_HEIGHT): void {
    this.box({ key, kind, parent: null, x, y, w: STEP_WIDTH, h, node: null, block: null });
  }

  private box(box: Omit<Box, "auto">, auto = { x: box.x, y: box.y }): void {
    this.boxes.push({ ...box, auto });
  }

  // Return the block placed inside the box `parent`; in a frame nothing may leave it to the left or above.
  private block(block: Block, parent: string | null, isFramed: boolean): Placed {
    const rows: Cell[][] = [];
    const cells = new Map<Node, Cell>();
    for (const node of block.nodes) {
      const cell = this.cell(node, parent, isFramed);
      cells.set(node, cell);
      (rows[block.levels.get(node)!] ??= []).push(cell);
    }
    const mids = new Map<Node, number>();
    const lefts = new Map<Cell, number>();
    const tops = new Map<Cell, number>();
    let y = 0;
    let [left, right] = [0, 0];
    for (const row of rows) {
      const weights = new Map(row.map((cell) => [cell, barycentre(block.above.get(cell.node)!, mids)]));
      row.sort((one, other) => weights.get(one)! - weights.get(other)!);
      const first = row[0]!.middle;
      const last = row.slice(0, -1).reduce((sum, cell) => sum + cell.w + COLUMN_GAP, 0) + row.at(-1)!.middle;
      let x = -(first + last) / 2;
      for (const cell of row) {
        lefts.set(cell, x);
        tops.set(cell, y);
        mids.set(cell.node, x + cell.middle);
        left = Math.min(left, x);
        right = Math.max(right, x + cell.w);
        x += cell.w + COLUMN_GAP;
      }
      y += Math.max(...row.map((cell) => cell.h)) + ROW_GAP;
    }
    for (const [node, cell] of cells) {
      const [dx, dy] = this.options.offsets[node.step.path] ?? [0, 0];
      if (dx === 0 && dy === 0) continue;
      right = Math.max(right, lefts.get(cell)! + cell.w + dx);
      if (isFramed) y = Math.max(y, tops.get(cell)! + cell.h + dy + ROW_GAP);
    }
    const { hasAdders } = this.options;
    const half = hasAdders || block.nodes.length === 0 ? Math.max(STEP_WIDTH / 2, ADDER / 2) : 0;
    [left, right] = [Math.min(left, -half), Math.max(right, half)];
    const adderTop = y;
    const height = hasAdders ? y + ADDER : Math.max(0, y - ROW_GAP);
    return {
      w: right - left,
      h: height,
      middle: -left,
      place: (x, top) => {
        for (const [node, cell] of cells) cell.place(x + lefts.get(cell)! - left, top + tops.get(cell)!, top), this.waits(node);
        for (const lanes of block.lanes) this.band(lanes.map((node) => ({ cell: cells.get(node)!, x: x + lefts.get(cells.get(node)!)! - left, y: top + tops.get(cells.get(node)!)! })), parent);
        if (hasAdders) this.adder(block, parent, x - left - ADDER / 2, top + adderTop);
      },
    };
  }

  private adder(block: Block, parent: string | null, x: number, y: number): void {
    const key = adderOf(block);
    this.box({ key, kind: "adder", parent, x, y, w: ADDER, h: ADDER, node: null, block });
    const last = block.nodes.length > 0 ? lowest(block).map((one) => one.key) : block.kind === "workflow" ? [START] : [];
    for (const source of last) this.edges.push({ key: `${source}>${key}`, source, target: key, kind: "flow", gap: null });
  }

  // The ground below lanes that nobody has moved.
  private band(lanes: { cell: Cell; x: number; y: number }[], parent: string | null): void {
    if (lanes.some(({ cell }) => this.options.offsets[cell.node.step.path]?.some((one) => one !== 0))) return;
    const [left, top] = [Math.min(...lanes.map((one) => one.x)), lanes[0]!.y];
    const [right, bottom] = [Math.max(...lanes.map((one) => one.x + one.cell.w)), Math.max(...lanes.map((one) => one.y + one.cell.h))];
    const key = `${lanes[0]!.cell.node.key}|lanes`;
    this.bands.push({ key, parent, x: left - BAND_SIDE, y: top - BAND_TOP, w: right - left + 2 * BAND_SIDE, h: bottom - top + BAND_TOP + BAND_SIDE });
  }

  private waits(node: Node): void {
    const { block } = node;
    const waits = block.waits.get(node)!;
    const above = block.above.get(node)!;
    // A line to a lane beside the first one stands for no `needs` of its own: nothing is put on it.
    for (const one of above) this.flow(one.key, node, waits.includes(one) ? { block, after: one, before: node } : null);
    if (block.kind !== "workflow" && above.length === 0) this.first(block.kind === "failure" ? FAILURE : block.key, node);
  }

  private first(source: string, node: Node): void {
    const { block } = node;
    this.flow(source, node, block.waits.get(node)!.length === 0 ? { block, after: null, before: node } : null);
  }

  private flow(source: string, node: Node, gap: Gap | null): void {
    this.edges.push({ key: `${source}>${node.key}`, source, target: node.key, kind: node.step.condition ? "conditional" : "flow", gap });
  }

  private cell(node: Node, parent: string | null, isFramed: boolean): Cell {
    const isOpen = node.inner !== null && !this.options.isFolded(node);
    const inner = isOpen ? this.block(node.inner!, node.key, true) : null;
    const own = this.options.sizeOf(node);
    const w = inner ? Math.max(own.w, inner.w + 2 * PAD) : own.w;
    const head = HEAD + (this.options.headOf?.(node, w) ?? 0);
    const main = inner ? { w, h: Math.max(own.h, head + inner.h + PAD) } : own;
    const hasFallback = node.fallback !== null && !(node.inner !== null && this.options.isFolded(node));
    const beside = hasFallback ? this.fallback(node, parent) : null;
    return {
      node,
      main,
      middle: main.w / 2,
      w: main.w + (beside ? COLUMN_GAP + beside.w : 0),
      h: Math.max(main.h, beside?.h ?? 0),
      place: (x, y, least) => {
        const [dx, dy] = this.options.offsets[node.step.path] ?? [0, 0];
        const at = isFramed ? { x: Math.max(PAD / 2, x + dx), y: Math.max(least, y + dy) } : { x: x + dx, y: y + dy };
        this.box({ key: node.key, kind: node.inner ? "frame" : "step", parent, ...at, ...main, node, block: node.inner, ...(inner ? { head } : {}) }, { x, y });
        inner?.place((main.w - inner.w) / 2, head);
        beside?.place(at.x + main.w + COLUMN_GAP, at.y);
      },
    };
  }

  private fallback(node: Node, parent: string | null): Placed {
    const block = node.fallback!;
    const inner = this.block(block, block.key, true);
    const w = Math.max(inner.w, STEP_WIDTH) + 2 * PAD;
    const h = HEAD + inner.h + PAD;
    return {
      w,
      h,
      middle: w / 2,
      place: (x, y) => {
        this.box({ key: block.key, kind: "fallback", parent, x, y, w, h, node: null, block });
        this.edges.push({ key: `${node.key}!${block.key}`, source: node.key, target: block.key, kind: "error", gap: null });
        inner.place((w - inner.w) / 2, HEAD);
      },
    };
  }
}

function barycentre(waits: Node[], mids: Map<Node, number>): number {
  const found = waits.map((one) => mids.get(one)).filter((one) => one !== undefined);
  return found.length > 0 ? found.reduce((sum, one) => sum + one, 0) / found.length : 0;
}

// Return where a box is from the corner of the drawing.
export function absolute(drawn: Layout, box: Box): { x: number; y: number } {
  let { x, y } = box;
  for (let outer = box.parent && drawn.byKey.get(box.parent); outer; outer = outer.parent && drawn.byKey.get(outer.parent)) {
    x += outer.x;
    y += outer.y;
  }
  return { x, y };
}

// A place where dragged steps can be dropped, with its middle.
export interface Zone {
  key: string;
  x: number;
  y: number;
  gap: Gap;
}

// Return all places where steps can be dropped.
export function zones(drawn: Layout): Zone[] {
  const found: Zone[] = [];
  const corner = (key: string) => {
    const box = drawn.byKey.get(key);
    return box && { box, ...absolute(drawn, box) };
  };
  for (const edge of drawn.edges) {
    const [source, target] = [corner(edge.source), corner(edge.target)];
    if (!edge.gap || !source || !target) continue;
    const isInside = target.box.parent === edge.source;
    const sourceX = source.x + source.box.w / 2;
    const sourceY = isInside ? target.y - ROW_GAP / 2 : source.y + source.box.h;
    const targetX = target.x + target.box.w / 2;
    found.push({
      key: edge.key,
      x: isInside || edge.source === START ? targetX : (sourceX + targetX) / 2,
      y: isInside ? target.y - 14 : (sourceY + target.y) / 2,
      gap: edge.gap,
    });
  }
  for (const box of drawn.boxes) {
    if (box.kind !== "adder") continue;
    const { x, y } = absolute(drawn, box);
    found.push({ key: box.key, x: x + box.w / 2, y: y + box.h / 2, gap: { block: box.block!, after: null, before: null } });
  }
  return found;
}
