// What a person has typed: kept at each keystroke, sent after a pause, and shown until the draft has it.

import type { Json, Operation } from "../api";
import { Refused } from "../api";
import { parseJson } from "../json";
import { Dropped } from "../queue";
import { holderIn, operationsFor, valueAt, valueOf, type Place } from "./places";
import { isSame, MIXED, type Read } from "./values";

export interface Edit {
  place: Place;
  // What the field is called on the page.
  label?: string;
  // What the control shows; its own form.
  draft: Json;
  // What it means; undefined: the field is left out.
  value?: Json | undefined;
  // Why it means nothing yet.
  error?: string;
  sent?: { value: Json | undefined };
  // Whether it waits until the field is left: a name that is half written means another thing.
  isUnfinished?: boolean;
  // Why the server has refused it: it is sent again only when the person changes it or asks for it.
  refused?: string;
  // What something else has made of it while its field has the focus; undefined: nothing is left there.
  theirs?: { value: Json | undefined };
  // What the steps had here when the typing began, and the newest text of the draft in which they had it.
  from?: Json[];
  base?: string | null;
}

// Send operations that were made for the text `base`, null for the newest; returns the text that they have led to.
type Send = (operations: Operation[], base: string | null) => Promise<string | void>;

const PAUSE_MS = 700;
const PREFIX = "orchestra.panel/";

export const keyOf = (place: Place): string => JSON.stringify([place.steps, place.path]);
const isSent = (edit: Edit): boolean => edit.sent !== undefined && isSame(edit.sent.value, edit.value);
const isReady = (edit: Edit): boolean => edit.error === undefined && edit.refused === undefined && !edit.isUnfinished && !isSent(edit);

export class Edits {
  private focused = "";
  private readonly all = new Map<string, Edit>();
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending: Promise<void> | undefined;
  private definition: unknown;
  // Null until the fields are shown for the first time.
  private send: Send | null = null;
  private rev: string | null = null;
  private version = 0;

  constructor(private readonly name: string) {
    for (const { sent: _, ...edit } of stored(PREFIX + name)) this.all.set(keyOf(edit.place), edit);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): number => this.version;

  // Take over the text as it is now: what was sent is forgotten, except in the field that has the focus. What something else
  // has made of that one since is shown beside it.
  // `rev` names the text that the server has; null while a change is on its way, such as a new id of a step: text typed
  // meanwhile belongs to the result of that change.
  follow(definition: unknown, send: Send, rev: string | null = null): void {
    this.send = send;
    this.rev = rev;
    const isOther = definition !== this.definition;
    this.definition = definition;
    if (rev !== null) for (const edit of this.all.values()) if (isSame(edit.from, this.found(edit.place))) edit.base = rev;
    if (!isOther) return;
    for (const [key, edit] of this.all) {
      if (!isSent(edit)) continue;
      if (key !== this.focused) this.all.delete(key);
      else edit.theirs = this.theirsAt(edit);
    }
  }

  // What the draft has in place of what was sent, if that differs.
  private theirsAt({ place, value }: Edit): Edit["theirs"] {
    const now = valueOf(this.definition, place);
    return now === MIXED || isSame(now, value) ? undefined : { value: now };
  }

  // What the steps that are still there have at a place; null: nothing.
  private found({ steps, path }: Place): Json[] {
    return steps.flatMap((id) => (holderIn(this.definition, id) ? [valueAt(holderIn(this.definition, id), path) ?? null] : []));
  }

  // What will not be sent by itself.
  get unkept(): Edit[] {
    return [...this.all.values()].filter((edit) => edit.error !== undefined || edit.refused !== undefined || (!this.send && !isSent(edit)));
  }

  // What to warn of: what means nothing yet is no fault while its field has the focus.
  get faulty(): Edit[] {
    return this.unkept.filter((edit) => edit.refused !== undefined || edit.error === undefined || keyOf(edit.place) !== this.focused);
  }

  // Whether anything was typed that the draft does not have yet.
  get isUnsent(): boolean {
    return [...this.all.values()].some((edit) => !isSent(edit));
  }

  // Whether anything is on its way, or goes there with the next `flush`.
  get isWaiting(): boolean {
    return this.send !== null && [...this.all.values()].some(isReady);
  }

  at(place: Place): Edit | undefined {
    return this.all.get(keyOf(place));
  }

  // Keep what was typed, and send it after a pause, or once the field is left.
  type(place: Place, draft: Json, read: Read, isUnfinished = false, label = ""): void {
    const before = this.at(place);
    // What was changed elsewhere meanwhile is not overwritten: the text that the typing began with tells the server.
    const { from, base = null } = before && (before.theirs || !isSent(before)) ? before : { from: this.found(place), base: this.rev };
    this.all.set(keyOf(place), { place, draft, isUnfinished, ...(label && { label }), ...read, ...(before?.sent && { sent: before.sent }), ...(before?.theirs && { theirs: before.theirs }), ...(from && { from }), base });
    this.changed();
    this.later();
  }

  forget(place: Place): void {
    this.all.delete(keyOf(place));
    this.changed();
  }

  // Send what was refused once more.
  async retry(place: Place): Promise<void> {
    delete this.at(place)?.refused;
    this.changed();
    await this.flush();
  }

  // Called when a field gets the focus: what is typed in it stays as it is.
  entered(place: Place): void {
    this.focused = keyOf(place);
    if (this.at(place)?.error !== undefined) this.changed();
  }

  // Called when a field is left: send at once, and show the draft's own form of what has arrived.
  left(place: Place): void {
    this.focused = "";
    const edit = this.at(place);
    if (edit && isSent(edit)) this.forget(place);
    else this.finish(place);
  }

  // Send a field at once.
  finish(place: Place): void {
    const edit = this.at(place);
    if (!edit) return;
    delete edit.isUnfinished;
    if (edit.error !== undefined) this.changed();
    void this.flush();
  }

  // Send what has not been sent yet.
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    while (this.sending) await this.sending;
    if (!this.send) return;
    const all = [...this.all.entries()].filter(([, edit]) => isReady(edit));
    const waiting = all.filter(([, edit]) => edit.base === all[0]?.[1].base);
    if (waiting.length === 0) return;
    const operations = waiting.map(([, { place, value, sent }]) => operationsFor(this.definition, place, value, sent));
    this.sending = operations.flat().length > 0 ? this.sendNow(this.send, operations, waiting) : undefined;
    if (this.sending) await this.sending;
    else this.arrived(waiting, null);
    if (waiting.length < all.length) await this.flush();
  }

  // Called when the fields are no longer shown: what is typed in one of them is sent, too.
  async close(): Promise<void> {
    delete this.all.get(this.focused)?.isUnfinished;
    this.focused = "";
    await this.flush();
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), PAUSE_MS);
  }

  // `operations`: of each edit that waits.
  private async sendNow(send: Send, operations: Operation[][], waiting: [string, Edit][]): Promise<void> {
    try {
      const rev = await send(operations.flat(), waiting[0]?.[1].base ?? null);
      this.sending = undefined;
      this.arrived(waiting, rev ?? null);
    } catch (error) {
      this.sending = undefined;
      this.failed(error as Error, operations, waiting);
    }
  }

  private failed(error: Error, operations: Operation[][], waiting: [string, Edit][]): void {
    const index = error instanceof Refused ? error.details.operation : undefined;
    const culprit = typeof index === "number" ? operations.flatMap((some, at) => some.map(() => at))[index] : undefined;
    // `message` names the operation, which the person does not know about; `reason` does not.
    const said = error instanceof Refused ? `${error.details.reason ?? error.message} ${error.remedy}`.trim() : error.message;
    for (const [at, [key, edit]] of waiting.entries()) {
      if (this.all.get(key) !== edit) continue; // typed again meanwhile
      if (error instanceof Dropped) this.all.delete(key);
      else if (culprit === undefined || at === culprit) edit.refused = said;
    }
    this.changed();
    if (culprit !== undefined && waiting.length > 1) this.later(); // the others
  }

  private arrived(waiting: [string, Edit][], rev: string | null): void {
    for (const [key, { value, place }] of waiting) {
      const now = this.all.get(key);
      if (!now) continue;
      now.sent = { value };
      delete now.theirs;
      [now.from, now.base] = [place.steps.map(() => value ?? null), rev ?? this.rev];
      if (isSent(now) && key !== this.focused && isSame(valueOf(this.definition, now.place), value)) this.all.delete(key);
    }
    this.changed();
  }

  private changed(): void {
    this.version += 1;
    store(PREFIX + this.name, [...this.all.values()].filter((edit) => !isSent(edit)));
    for (const listener of this.listeners) listener();
  }
}

function stored(name: string): Edit[] {
  try {
    return parseJson(sessionStorage.getItem(name) ?? "[]") as Edit[];
  } catch {
    return [];
  }
}

function store(name: string, edits: Edit[]): void {
  try {
    if (edits.length > 0) sessionStorage.setItem(name, JSON.stringify(edits));
    else sessionStorage.removeItem(name);
  } catch {
    // Storage is full or forbidden: what was typed is still on the page.
  }
}

const open = new Map<string, Edits>();

// Return what was typed into the fields of a workflow in this tab, also before it was loaded.
export function editsOf(name: string): Edits {
  const found = open.get(name) ?? new Edits(name);
  open.set(name, found);
  return found;
}
