// What the changes on their way will make of the draft: it is shown before the server has answered.
import type { Definition } from "./api";
import { applied } from "./document";
import type { Change } from "./queue";

export class Foresight {
  // The texts that an undo or a redo leads to, nearest last; only those that this page has seen.
  private behind: Definition[] = [];
  private ahead: Definition[] = [];
  private last = { base: null as Definition, ids: "", definition: null as Definition };

  // Note a change that the server has made; `before` is the definition that it changed.
  made(kind: Change["kind"], before: Definition): void {
    if (kind === "ops") this.ahead = [];
    const [from, to] = kind === "undo" ? [this.behind, this.ahead] : [this.ahead, this.behind];
    if (kind !== "ops") from.pop();
    to.push(before);
  }

  // Forget what it led from: somebody else has changed the text.
  forget(): void {
    [this.behind, this.ahead] = [[], []];
  }

  // Return the definition after changes on their way. What cannot be applied is left out: the server will say why.
  after(base: Definition, pending: readonly Change[]): Definition {
    const ids = pending.map((one) => one.opId).join();
    if (this.last.base === base && this.last.ids === ids) return this.last.definition;
    let definition = base;
    const behind = [...this.behind];
    let ahead = [...this.ahead];
    for (const { kind, ops } of pending) {
      if (kind === "ops") {
        try {
          const next = applied(definition, ops);
          behind.push(definition);
          [definition, ahead] = [next, []];
        } catch {
          continue;
        }
      } else {
        const [from, to] = kind === "undo" ? [behind, ahead] : [ahead, behind];
        const next = from.pop();
        if (next === undefined) break; // a text that this page has not seen
        to.push(definition);
        definition = next;
      }
    }
    this.last = { base, ids, definition };
    return definition;
  }
}
