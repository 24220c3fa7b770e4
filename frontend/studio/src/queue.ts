// The changes on their way to the server: in order, each once, kept while there is no server and over a reload.
import { Refused, Unanswered, type Edited, type Operation } from "./api";
import { parseJson } from "./json";
import { withoutPlace } from "./text";

export interface Change {
  kind: "ops" | "undo" | "redo";
  // A name of the request: the server applies it once, however often it is sent.
  opId: string;
  ops: Operation[];
  // The text that it was made for; null: the newest when it is sent.
  base: string | null;
  tries: number;
}

export interface Clash {
  change: Change;
  message: string;
  clashesWith: string;
  rev: string;
  theirs: string;
  yours: string | null;
}

export type QueueState =
  | { kind: "idle" }
  | { kind: "sending" }
  | { kind: "waiting"; why: string }
  | { kind: "signed-out"; why: string }
  | { kind: "clash"; clash: Clash };

// The person has dropped a change that clashed with another one.
export class Dropped extends Error {}

export interface QueueParts {
  send(change: Change, base: string): Promise<Edited>;
  // Where unsent changes survive a reload of the page.
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  key: string;
  newId(): string;
  // Call back after some time; returns what stops it.
  later(callback: () => void, milliseconds: number): () => void;
  changed(): void;
  // The server has made a change.
  kept(change: Change, edited: Edited): void;
  // The server has refused one: it is gone from the queue.
  refused(change: Change, error: Refused): void;
  // The draft is another one than this page knows: read it again.
  outdated(): void;
}

const WAITS_MS = [500, 1_000, 2_000, 5_000, 10_000, 20_000];

export class Queue {
  changes: Change[];
  state: QueueState = { kind: "idle" };
  private rev = "";
  private stop: (() => void) | null = null;
  private readonly waiting = new Map<string, { resolve(rev: string): void; reject(error: Error): void }>();

  constructor(private readonly parts: QueueParts) {
    this.changes = stored(parts.storage.getItem(parts.key));
  }

  get isEmpty(): boolean {
    return this.changes.length === 0;
  }

  // Tell which text the server has; what is unsent is sent.
  begin(rev: string): void {
    this.rev = rev;
    void this.run();
  }

  // Add a change; resolves to the text that the server has made with it, and rejects if it refuses it. `base`: the text
  // that it was made for, if that is not the newest.
  push(kind: Change["kind"], ops: Operation[] = [], base: string | null = null): Promise<string> {
    const change: Change = { kind, opId: this.parts.newId(), ops, base, tries: 0 };
    this.set([...this.changes, change]);
    const done = new Promise<string>((resolve, reject) => this.waiting.set(change.opId, { resolve, reject }));
    void this.run();
    return done;
  }

  // Try again now, without waiting for the next attempt.
  retry(): void {
    if (this.state.kind !== "waiting" && this.state.kind !== "signed-out") return;
    this.stop?.();
    this.become({ kind: "idle" });
    void this.run();
  }

  // Answer a clash: `mine` applies the change to their text, `theirs` drops it.
  answer(choice: "mine" | "theirs"): void {
    if (this.state.kind !== "clash") return;
    const { clash } = this.state;
    this.rev = clash.rev;
    if (choice === "mine") {
      const again: Change = { ...clash.change, opId: this.parts.newId(), base: clash.rev, tries: 0 };
      this.set([again, ...this.changes.slice(1)]);
      const waiting = this.waiting.get(clash.change.opId);
      this.waiting.delete(clash.change.opId);
      if (waiting) this.waiting.set(again.opId, waiting);
    } else {
      this.set(this.changes.slice(1));
      this.settle(clash.change, new Dropped(clash.message));
    }
    this.become({ kind: "idle" });
    this.parts.outdated();
    void this.run();
  }

  private async run(): Promise<void> {
    if (this.state.kind !== "idle" || this.rev === "") return;
    while (this.changes[0] && this.state.kind === "idle") {
      const change = this.changes[0];
      change.base ??= this.rev;
      change.tries += 1;
      this.store(); // what is sent now is sent again in the same words after a reload
      this.become({ kind: "sending" });
      try {
        const edited = await this.parts.send(change, change.base);
        this.rev = edited.rev;
        // Somebody else has changed the text: what waits was made without knowing that, and may clash with it.
        if (edited.base !== change.base) for (const one of this.changes.slice(1)) one.base ??= change.base;
        this.parts.kept(change, edited); // first, so that what it made is never missing
        this.set(this.changes.slice(1));
        this.become({ kind: "idle" });
        this.settle(change, null);
      } catch (error) {
        this.failed(change, error as Error);
      }
    }
  }

  private failed(change: Change, error: Error): void {
    if (error instanceof Unanswered) {
      this.become({ kind: "waiting", why: error.message });
      this.again(change.tries);
    } else if (error instanceof Refused && error.status === 401) {
      this.become({ kind: "signed-out", why: error.message });
      this.again(change.tries);
    } else if (error instanceof Refused && error.status === 409 && change.kind !== "ops") {
      // An undo has no name by which the server knows it: it was made already, or there is another text to look at.
      this.set(this.changes.slice(1));
      this.become({ kind: "idle" });
      if (change.tries === 1) this.parts.refused(change, error);
      this.settle(change, change.tries === 1 ? error : null);
      this.parts.outdated();
    } else if (error instanceof Refused && error.status === 409 && error.details.conflict) {
      const { clashes_with, rev, theirs, yours } = error.details.conflict;
      this.become({ kind: "clash", clash: { change, message: plain(error.message, change), clashesWith: clashes_with, rev, theirs, yours } });
    } else {
      this.set(this.changes.slice(1));
      this.become({ kind: "idle" });
      const { status, remedy, details } = error instanceof Refused ? error : new Refused(0, "", "", {});
      const refused = new Refused(status, plain(error.message, change), remedy, details);
      this.parts.refused(change, refused);
      this.settle(change, refused);
    }
  }

  private again(tries: number): void {
    this.stop = this.parts.later(() => this.retry(), WAITS_MS[Math.min(tries, WAITS_MS.length) - 1]!);
  }

  private settle(change: Change, error: Error | null): void {
    const waiting = this.waiting.get(change.opId);
    this.waiting.delete(change.opId);
    if (error) waiting?.reject(error);
    else waiting?.resolve(this.rev);
  }

  private set(changes: Change[]): void {
    this.changes = changes;
    this.store();
    this.parts.changed();
  }

  private store(): void {
    try {
      if (this.changes.length > 0) this.parts.storage.setItem(this.parts.key, JSON.stringify(this.changes));
      else this.parts.storage.removeItem(this.parts.key);
    } catch {
      // The storage is full: the changes are lost only if the page is closed before they are sent.
    }
  }

  private become(state: QueueState): void {
    this.state = state;
    this.parts.changed();
  }
}

// Return a message without the number of the operation, if there is only one.
const plain = (message: string, { ops }: Change): string => (ops.length === 1 ? withoutPlace(message) : message);

function stored(text: string | null): Change[] {
  try {
    const found: unknown = parseJson(text ?? "[]");
    return Array.isArray(found) ? (found as Change[]) : [];
  } catch {
    return [];
  }
}
