// Server-sent events from an answer to a POST, which EventSource cannot read.
import { parseJson } from "../json";
import type { Event, Part, Call, Turn } from "./shapes";

// Collects text until an event is whole. https://html.spec.whatwg.org/multipage/server-sent-events.html
export class EventReader {
  private rest = "";

  // Return the events that a piece of the text completes.
  read(piece: string): Event[] {
    const blocks = (this.rest + piece).replaceAll("\r\n", "\n").split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.map(eventOf).filter((one) => one !== null);
  }
}

function eventOf(block: string): Event | null {
  let type = "";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, name, value = ""] = /^(\w+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === "event") type = value;
    if (name === "data") data.push(value);
  }
  return type && data.length > 0 ? known(type, parseJson(data.join("\n"))) : null;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
function known(type: string, data: any): Event | null {
  switch (type) {
    case "turn":
      return { type, id: String(data.id), source: data.source };
    case "text":
      return { type, text: String(data.text) };
    case "call":
      return { type, call: data as Call };
    case "proposal":
      return { type, id: String(data.id) };
    case "part":
      return { type, part: data as Part };
    case "done":
      return { type, turn: data as Turn };
    default:
      return null; // of a newer server
  }
}

// Yield the events of an answer as they arrive.
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Event> {
  const reader = body.getReader();
  const [decoder, events] = [new TextDecoder(), new EventReader()];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      yield* events.read(decoder.decode(value, { stream: !done }));
      if (done) return;
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}
