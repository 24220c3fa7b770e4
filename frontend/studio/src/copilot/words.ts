// What the panel says of kinds and figures.
import { locale, N_, t, tn } from "../language";
import type { News, Proposal, TickKind, Turn } from "./shapes";

// What a person agrees to with a tick of a kind.
const AGREED: Record<TickKind, string> = {
  destination: N_("Data may go there"),
  trigger: N_("This may start runs"),
  connection: N_("This account may be used"),
  write: N_("This may be written"),
  instruction: N_("This may be told to a model, an agent or code"),
  guard: N_("There may be less protection"),
  writes_again: N_("This may be written again"),
};
export const agreedWords = (kind: TickKind): string => t(AGREED[kind] ?? kind);

const NEWS: readonly (readonly [keyof News, string])[] = [
  ["writes", N_("New writes")],
  ["destinations", N_("New destinations")],
  ["triggers", N_("New triggers")],
  ["connections", N_("New accounts")],
  ["instructions", N_("New instructions")],
  ["guards", N_("Weaker protection")],
];
// Return what is new outside, each kind with its heading.
export const newsOf = (news: News): [string, string[]][] => NEWS.filter(([kind]) => news[kind].length > 0).map(([kind, title]) => [t(title), news[kind]]);

export function untouchedWords({ untouched: { steps, are_byte_equal } }: Proposal): string {
  if (steps === 0) return "";
  return are_byte_equal ? tn("{count} step untouched, byte for byte.", "{count} steps untouched, byte for byte.", steps) : tn("{count} other step, written differently.", "{count} other steps, some written differently.", steps);
}

const KINDS: Record<string, string> = { added: N_("New"), changed: N_("Changed"), removed: N_("Removed"), moved: N_("Moved"), workflow: N_("The workflow") };
export const kindWords = (kind: string): string => t(KINDS[kind] ?? kind);

const STATUSES: Record<Proposal["status"], string> = {
  open: N_("Proposal"),
  partly_accepted: N_("Proposal, partly accepted"),
  accepted: N_("Accepted"),
  rejected: N_("Rejected"),
  stale: N_("Out of date"),
};
export const statusWords = (status: Proposal["status"]): string => t(STATUSES[status]);

export const madeAt = ({ at }: Proposal): string => new Date(at).toLocaleString(locale(), { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
export const number = (value: number): string => value.toLocaleString(locale());
export const money = (usd: number): string => usd.toLocaleString(locale(), { style: "currency", currency: "USD", maximumFractionDigits: usd < 0.1 ? 4 : 2 });

// Return what a model used: `4,210 tokens, $0.0123`; "" if none was asked.
export function usageWords(input: number, output: number, cost: number | null): string {
  if (input + output === 0) return "";
  const tokens = t("{count} tokens", { count: number(input + output) });
  return cost === null ? `${tokens}, ${t("price unknown")}` : `${tokens}, ${money(cost)}`;
}

// Return what the model had used when it made a proposal; "" without a model.
export function madeWith({ usage: use }: Proposal): string {
  const usage = use === null ? "" : usageWords(use.input_tokens, use.output_tokens, use.cost_usd);
  return usage && t("Made with {usage}.", { usage });
}

export function turnWords({ source, sent, usage, seconds, repairs }: Turn): string {
  if (source === "rules") return t("From rules and the documentation, without a model.");
  const parts = [sent ? `${sent.model}, ${sent.host}` : t("A model")];
  if (usage) parts.push(usageWords(usage.input_tokens, usage.output_tokens, usage.cost_usd));
  if (seconds > 0) parts.push(`${seconds.toLocaleString(locale(), { maximumFractionDigits: 1 })} s`);
  if (repairs > 0) parts.push(tn("{count} repair", "{count} repairs", repairs));
  return parts.filter(Boolean).join(" · ");
}
