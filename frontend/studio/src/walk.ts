// Which step an arrow key leads to.
import { below as drawnBelow, type Model, type Node } from "./model";

// Return the step above, below or beside one, as drawn; a group is entered from above, and left at its ends.
export function towards(model: Model, from: Node | null, way: "up" | "down" | "left" | "right", isFolded: (node: Node) => boolean): Node | null {
  if (!from) return model.list[0] ?? null;
  const { block } = from;
  if (way === "down") {
    const inside = from.inner && !isFolded(from) ? from.inner.nodes[0] : undefined;
    return inside ?? below(from);
  }
  if (way === "up") {
    const above = block.above.get(from)![0];
    if (above) return deepest(above, isFolded);
    return block.owner ?? (block.kind === "failure" ? (model.main.nodes.at(-1) ?? null) : null);
  }
  const level = block.levels.get(from)!;
  const row = block.nodes.filter((one) => block.levels.get(one) === level);
  const beside = row[row.indexOf(from) + (way === "right" ? 1 : -1)];
  if (beside) return beside;
  if (way === "right") return from.fallback?.nodes[0] ?? null;
  return block.kind === "fallback" ? block.owner : null;

  function below(node: Node): Node | null {
    for (let at: Node | null = node; at; at = at.block.owner) {
      const next = drawnBelow(at)[0];
      if (next) return next;
    }
    return node.block.kind === "failure" ? null : (model.failure?.nodes[0] ?? null);
  }
}

function deepest(node: Node, isFolded: (node: Node) => boolean): Node {
  const last = node.inner && !isFolded(node) ? node.inner.nodes.at(-1) : undefined;
  return last ? deepest(last, isFolded) : node;
}

// Return the steps as the list shows them: those in folded groups are left out.
export function shown(model: Model, isFolded: (node: Node) => boolean): Node[] {
  const hidden = (node: Node): boolean => {
    for (let owner = node.block.owner; owner; owner = owner.block.owner) if (isFolded(owner)) return true;
    return false;
  };
  return model.list.filter((node) => !hidden(node));
}

// Return the steps that a search finds, by id, title, type and the text of their fields.
export function matching(model: Model, search: string, textOf: (node: Node) => string): Node[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return model.list.filter((node) => {
    const text = `${node.step.id} ${node.step.title} ${node.step.uses} ${node.step.condition} ${node.step.note} ${textOf(node)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
