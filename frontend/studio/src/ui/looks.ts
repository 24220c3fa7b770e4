// How steps look: the word and the icon of each kind and status. Never a colour alone.
import type { CanvasStep, Kind } from "../api";
import type { Mark } from "../flow/marks";
import { giveWords } from "../flow/prediction";
import type { Node } from "../model";
import type { IconName } from "./icons";

const WORDS: Record<Kind, string> = {
  input: "Reads",
  output: "Writes",
  process: "Works internally",
  agent: "Asks a model",
  tool: "Uses a tool",
  group: "Group",
  unknown: "Unknown type",
};

export const isLoop = (step: CanvasStep): boolean => step.foreach !== "";

// Return what a step does, in words: `Reads Gmail`.
export function wordOf(step: CanvasStep, services: Record<string, string>): string {
  if (step.uses === "workflow.run") return "Runs a workflow";
  if (step.kind === "group") return isLoop(step) ? "For each" : "Group";
  const service = services[step.service];
  const word = WORDS[step.kind];
  return service && (step.kind === "input" || step.kind === "output") ? `${word} ${service}` : word;
}

export const iconOf = (step: CanvasStep): IconName => (step.kind === "group" && isLoop(step) ? "loop" : step.kind);

export interface StatusLook {
  word: string;
  icon: IconName;
}

const STATUSES: Record<string, StatusLook> = {
  pending: { word: "Pending", icon: "pending" },
  running: { word: "Running", icon: "running" },
  waiting: { word: "Waiting", icon: "waiting" },
  succeeded: { word: "Succeeded", icon: "done" },
  failed: { word: "Failed", icon: "failed" },
  cancelled: { word: "Cancelled", icon: "close" },
  queued: { word: "Queued", icon: "pending" },
  interrupted: { word: "Interrupted", icon: "waiting" },
  skipped: { word: "Skipped", icon: "skipped" },
};

// Return how the status of a step in a run is shown.
export const lookOf = (status: string): StatusLook => STATUSES[status] ?? { word: status, icon: "pending" };

// Return what a reader of the screen hears of a step.
export function labelOf(node: Node, services: Record<string, string>, problems: number, mark: Mark | null): string {
  const { step, block } = node;
  const where =
    block.kind === "failure"
      ? " of what runs if the workflow fails"
      : block.kind === "fallback"
        ? ` of what runs if ${block.owner!.step.title} fails`
        : block.owner
          ? ` in ${block.owner.step.title}`
          : "";
  const parts = [
    step.title,
    wordOf(step, services),
    `step ${node.number} of ${block.nodes.length}${where}`,
    step.foreach && `for each of ${plainExpression(step.foreach)}`,
    step.condition && `runs if ${step.condition}`,
    node.inner && `${node.inner.nodes.length} steps inside`,
    node.fallback && "has steps for when it fails",
    step.note && "has a note",
    problems > 0 && (problems === 1 ? "1 problem" : `${problems} problems`),
    mark?.words,
    mark?.isPredicted && `gives ${giveWords({ type: mark.type, may_be_missing: mark.isHollow })}`,
    mark?.difference,
  ];
  return parts.filter(Boolean).join(", ");
}

export const plainExpression = (text: string): string => text.trim().replace(/^\{\{\s*/, "").replace(/\s*\}\}$/, "");
