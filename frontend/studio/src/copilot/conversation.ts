// A conversation as the events of a stream make it. Events come in order, but the last of them may be missing.
import { part, type Conversation, type Event, type Part, type Turn } from "./shapes";

// Return the conversation with a question that is on its way.
export function asked(conversation: Conversation, text: string, at: string): Conversation {
  const turn: Turn = { id: "", at, asked: text, status: "working", source: "rules", parts: [], calls: [], problem: "", usage: null, repairs: 0, seconds: 0, sent: null };
  return { ...conversation, turns: [...conversation.turns, turn] };
}

// Return the conversation after an event of its last turn.
export function heard(conversation: Conversation, event: Event): Conversation {
  const last = conversation.turns.at(-1);
  if (!last) return conversation;
  const turns = [...conversation.turns.slice(0, -1), after(last, event)];
  return { ...conversation, turns, from_outside: conversation.from_outside || (event.type === "done" && (event.turn.sent?.from_outside ?? false)) };
}

function after(turn: Turn, event: Event): Turn {
  switch (event.type) {
    case "turn":
      return { ...turn, id: event.id, source: event.source };
    case "text":
      return { ...turn, parts: longer(turn.parts, event.text) };
    case "call":
      return { ...turn, calls: [...turn.calls, event.call] };
    case "proposal":
      return { ...turn, parts: added(turn.parts, part({ kind: "proposal", proposal_id: event.id })) };
    case "part":
      return { ...turn, parts: added(turn.parts, event.part) };
    case "done":
      return event.turn; // the whole turn, whatever has arrived of it
  }
}

// Pieces of words belong to the text before them; after anything else they begin a new one.
function longer(parts: Part[], text: string): Part[] {
  const last = parts.at(-1);
  if (last?.kind === "text") return [...parts.slice(0, -1), { ...last, text: last.text + text }];
  return text ? [...parts, part({ text })] : parts;
}

// A proposal is announced, and may come again as a part.
function added(parts: Part[], one: Part): Part[] {
  if (one.kind === "proposal" && parts.some((other) => other.kind === "proposal" && other.proposal_id === one.proposal_id)) return parts;
  return [...parts, one];
}

// Return the conversation without a turn that the server did not take.
export const refused = (conversation: Conversation): Conversation => ({ ...conversation, turns: conversation.turns.filter((one) => one.status !== "working" || one.id !== "") });

export const working = (conversation: Conversation): Turn | null => conversation.turns.find((one) => one.status === "working") ?? null;

// Return the ids of the proposals that a conversation shows.
export const proposalsIn = (conversation: Conversation): Set<string> =>
  new Set(conversation.turns.flatMap((one) => one.parts.filter((each) => each.kind === "proposal").map((each) => each.proposal_id)));
