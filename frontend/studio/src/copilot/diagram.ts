// Where the boxes and lines of a small diagram are. Pure: widths in percent of the diagram, heights in pixels.
import { t } from "../language";
import type { Diagram, DiagramNode } from "./shapes";

export const BOX = 44;
export const HEAD = 30;
const GAP = 24;
const PAD = 10;
const SIDE = 2;
const COLUMN = 2;
// Narrower boxes would show nothing of a title.
const NARROWEST = 28;

export interface Box {
  node: DiagramNode;
  x: number;
  y: number;
  w: number;
  h: number;
  isFrame: boolean;
}

// From the lower middle of a box to the upper middle of another one.
export interface Line {
  key: string;
  from: { x: number; y: number };
  to: { x: number; y: number };
  isConditional: boolean;
}

export interface Drawn {
  boxes: Box[];
  lines: Line[];
  height: number;
}

// Return the boxes, outer before inner, and the lines.
export function drawn({ nodes, edges }: Diagram): Drawn {
  const boxes: Box[] = [];
  const height = placed(nodes, "", 0, 0, 100, boxes);
  const boxOf = new Map(boxes.map((one) => [one.node.id, one]));
  const lines = edges.flatMap(({ source, target }) => {
    const [above, below] = [boxOf.get(source), boxOf.get(target)];
    return above && below ? [{ key: `${source}>${target}`, from: { x: above.x + above.w / 2, y: above.y + above.h }, to: { x: below.x + below.w / 2, y: below.y }, isConditional: below.node.is_conditional }] : [];
  });
  return { boxes, lines, height };
}

// Place what is inside a box, row by row, and return its height.
function placed(nodes: readonly DiagramNode[], inside: string, x: number, y: number, w: number, boxes: Box[]): number {
  let top = y;
  for (const row of rows(nodes.filter((one) => one.inside === inside), w)) {
    const width = (w - COLUMN * (row.length - 1)) / row.length;
    const heights = row.map((node, index) => {
      const left = x + index * (width + COLUMN);
      const box = { node, x: left, y: top, w: width, h: BOX, isFrame: nodes.some((one) => one.inside === node.id) };
      boxes.push(box);
      if (box.isFrame) box.h = HEAD + placed(nodes, node.id, left + SIDE, top + HEAD, width - 2 * SIDE, boxes) + PAD;
      return box.h;
    });
    top += Math.max(...heights) + GAP;
  }
  return Math.max(0, top - GAP - y);
}

// Return the rows of boxes: the boxes of a level beside each other, as many as have room.
function rows(nodes: readonly DiagramNode[], w: number): DiagramNode[][] {
  const most = Math.max(1, Math.floor((w + COLUMN) / (NARROWEST + COLUMN)));
  const levels = [...new Set(nodes.map((one) => one.level))].sort((one, other) => one - other);
  return levels.flatMap((level) => {
    const row = nodes.filter((one) => one.level === level);
    return Array.from({ length: Math.ceil(row.length / most) }, (_, index) => row.slice(index * most, (index + 1) * most));
  });
}

// Return the title of a box.
export function titleOf({ step, title }: DiagramNode): string {
  if (step) return title;
  return title ? t("If {title} fails", { title }) : t("If the run fails");
}

// Return the titles in order, those inside a box behind it: `Read mail, Each mail (What is it?, Open an issue)`.
export function inOrder(nodes: readonly DiagramNode[], inside = ""): string {
  const here = nodes.filter((one) => one.inside === inside);
  return here
    .sort((one, other) => one.level - other.level)
    .map((one) => {
      const inner = inOrder(nodes, one.id);
      return inner ? `${titleOf(one)} (${inner})` : titleOf(one);
    })
    .join(", ");
}
