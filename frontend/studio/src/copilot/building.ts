// What is chosen in the wizard: docs/copilot.md#the-wizard.
import { N_ } from "../language";

export type Amount = "each" | "list" | "count";
export type Start = "hand" | "schedule" | "new";

export interface OfferedPlace {
  name: string;
  title: string;
  format: string;
  default: string;
  is_list: boolean;
  is_optional: boolean;
}

export interface Offer {
  name: string;
  title: string;
  service: string;
  is_connected: boolean;
  places: OfferedPlace[];
  can_start: boolean;
  needs_start: boolean;
  filters: string[];
  sources: string[];
  amounts: Amount[];
  takes_text: boolean;
  needs_text: boolean;
}

export interface Offers {
  sources: Offer[];
  targets: Offer[];
}

export interface ChosenTarget {
  target: string;
  places: Record<string, string>;
  text: string;
  when: string;
  is_approved: boolean;
}

// As it is typed: numbers and lists are texts.
export interface Chosen {
  source: string;
  places: Record<string, string>;
  start: Start;
  cron: string;
  only: Record<string, string | boolean>;
  kinds: { name: string; meaning: string }[];
  amount: Amount;
  is_summarized: boolean;
  targets: ChosenTarget[];
}

export const TIMES = [
  { cron: "0 8 * * *", title: N_("every day at 8:00") },
  { cron: "0 8 * * 1-5", title: N_("on workdays at 8:00") },
  { cron: "0 8 * * 1", title: N_("on Mondays at 8:00") },
  { cron: "0 16 * * 5", title: N_("on Fridays at 16:00") },
  { cron: "0 * * * *", title: N_("every hour") },
];

export const FILTERS: Record<string, { title: string; kind: "words" | "text" | "number" | "tick" }> = {
  words: { title: N_("With one of these words (commas between)"), kind: "words" },
  sender: { title: N_("From this address or domain"), kind: "text" },
  labels: { title: N_("With all these labels (commas between)"), kind: "words" },
  newer_days: { title: N_("Of the last days"), kind: "number" },
  older_days: { title: N_("Untouched for this many days"), kind: "number" },
  has_file: { title: N_("Only with attached files"), kind: "tick" },
  ending: { title: N_("Only attached files such as pdf"), kind: "text" },
  unassigned: { title: N_("Only if nobody is assigned"), kind: "tick" },
  column: { title: N_("A column whose number is above"), kind: "text" },
  above: { title: N_("this number"), kind: "number" },
  more_than: { title: N_("Only if there are more than"), kind: "number" },
};

// The titles of the server, so that they are translated.
export const TITLES = [
  N_("Mail in Gmail"), N_("Mail in a mailbox (IMAP)"), N_("Issues on GitHub"), N_("Pull requests on GitHub"), N_("Commits on GitHub"),
  N_("Rows of a Google sheet"), N_("Events of a Google calendar"), N_("Entries of a feed"), N_("Drafts in Gmail"), N_("Rows of a database table"),
  N_("Messages of a Slack channel"), N_("What people write in a form"), N_("A web page that changes"), N_("Runs that fail"),
  N_("Open an issue on GitHub"), N_("Keep a page in Notion"), N_("Write a new page in Notion"), N_("Post to Slack"), N_("Post to Discord"),
  N_("Send a Telegram message"), N_("Draft an answer"), N_("Answer the mail"), N_("Forward the mail"), N_("Put labels on the mail"), N_("Mark the mail as read"),
  N_("Archive the mail"), N_("Save attached files to a drive"), N_("Save attached files in the workspace"), N_("Send a mail"), N_("Draft a mail"),
  N_("Comment on it"), N_("Assign it to people"), N_("Label it"), N_("Close it"), N_("Add a row to a Google sheet"), N_("Remember it in a table"), N_("Write a file"),
];

export const offered = (offers: readonly Offer[], name: string): Offer => offers.find((one) => one.name === name) ?? offers[0]!;

export const targetsOf = (offers: Offers, source: string): Offer[] => offers.targets.filter((one) => one.sources.includes(source));

const blankTarget = (offer: Offer): ChosenTarget => ({ target: offer.name, places: defaults(offer.places), text: "", when: "", is_approved: false });

const defaults = (places: readonly OfferedPlace[]): Record<string, string> => Object.fromEntries(places.map((one) => [one.name, one.default]));

export function begun(offers: Offers): Chosen {
  const source = offers.sources[0]!;
  return {
    source: source.name,
    places: defaults(source.places),
    start: "hand",
    cron: TIMES[0]!.cron,
    only: {},
    kinds: [],
    amount: "each",
    is_summarized: false,
    targets: [blankTarget(targetsOf(offers, source.name)[0]!)],
  };
}

// Whether everything that was chosen, maybe before a reload, can be chosen now.
export function isOffered(chosen: Chosen, offers: Offers): boolean {
  const fitting = new Set(targetsOf(offers, chosen.source).map((one) => one.name));
  return offers.sources.some((one) => one.name === chosen.source) && chosen.targets.every((one) => fitting.has(one.target));
}

// Choose another source: what does not fit it goes.
export function withSource(chosen: Chosen, offers: Offers, name: string): Chosen {
  const source = offered(offers.sources, name);
  const fitting = targetsOf(offers, name);
  const kept = chosen.targets.filter((one) => fitting.some((each) => each.name === one.target));
  const start = source.needs_start ? "new" : chosen.start === "new" && !source.can_start ? "hand" : chosen.start;
  const only = Object.fromEntries(Object.entries(chosen.only).filter(([one]) => source.filters.includes(one)));
  return fitted({ ...chosen, source: name, places: defaults(source.places), start, only, targets: kept.length > 0 ? kept : [blankTarget(fitting[0]!)] }, offers);
}

export function withTarget(chosen: Chosen, offers: Offers, index: number, change: Partial<ChosenTarget>): Chosen {
  const targets = chosen.targets.map((one, place) => {
    if (place !== index) return one;
    const isOther = change.target !== undefined && change.target !== one.target;
    return isOther ? { ...blankTarget(offered(offers.targets, change.target!)), when: one.when } : { ...one, ...change };
  });
  return fitted({ ...chosen, targets }, offers);
}

export function withMore(chosen: Chosen, offers: Offers): Chosen {
  const fitting = targetsOf(offers, chosen.source).filter((one) => one.amounts.includes(chosen.amount));
  const used = new Set(chosen.targets.map((one) => one.target));
  return { ...chosen, targets: [...chosen.targets, blankTarget(fitting.find((one) => !used.has(one.name)) ?? fitting[0]!)] };
}

// The amounts that all targets may be about.
export function amountsOf(chosen: Chosen, offers: Offers): Amount[] {
  const isEvent = chosen.start === "new" && !["mail", "mailbox"].includes(chosen.source);
  if (isEvent) return ["each"];
  return (["each", "list", "count"] as const).filter((one) => chosen.targets.every((each) => offered(offers.targets, each.target).amounts.includes(one)));
}

export function fitted(chosen: Chosen, offers: Offers): Chosen {
  const amounts = amountsOf(chosen, offers);
  const amount = amounts.includes(chosen.amount) ? chosen.amount : (amounts[0] ?? "each");
  return { ...chosen, amount, kinds: amount === "each" ? chosen.kinds : [] };
}

// Return the body of `POST /api/copilot/wizard/{workflow}`.
export function body(chosen: Chosen): Record<string, unknown> {
  const kinds = Object.fromEntries(chosen.kinds.filter((one) => one.name.trim()).map((one) => [one.name.trim(), one.meaning.trim() || one.name.trim()]));
  return {
    source: chosen.source,
    places: filled(chosen.places),
    start: chosen.start,
    cron: chosen.start === "schedule" ? chosen.cron : "",
    only: Object.fromEntries(Object.entries(chosen.only).flatMap(([name, value]) => typed(name, value))),
    kinds,
    amount: chosen.amount,
    is_summarized: chosen.is_summarized,
    targets: chosen.targets.map((one) => ({ ...one, places: filled(one.places), when: one.when in kinds ? one.when : "" })),
  };
}

const filled = (places: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(places).filter(([, value]) => value.trim()));

function typed(name: string, value: string | boolean): [string, unknown][] {
  const kind = FILTERS[name]?.kind;
  if (typeof value === "boolean") return value ? [[name, true]] : [];
  if (!value.trim()) return [];
  if (kind === "words") return [[name, value.split(",").map((one) => one.trim()).filter(Boolean)]];
  return [[name, kind === "number" ? Number(value) : value.trim().replace(/^\./, "")]];
}
