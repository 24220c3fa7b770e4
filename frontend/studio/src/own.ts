// The icons and colours that people give to steps; engine/workspace/layout.py checks them. Pure.
import type { CanvasStep, StepLook } from "./api";
import { N_, t } from "./language";

export const AUTOMATIC: StepLook = { size: null, icon: "", color: "" };

// Material Symbols, whose font the page has.
export const ICONS: Record<string, string> = {
  mail: N_("Mail"),
  chat: N_("Chat"),
  notifications: N_("Bell"),
  call: N_("Telephone"),
  person: N_("Person"),
  group: N_("People"),
  calendar_month: N_("Calendar"),
  schedule: N_("Clock"),
  description: N_("Document"),
  folder: N_("Folder"),
  image: N_("Picture"),
  database: N_("Database"),
  table_chart: N_("Table"),
  bar_chart: N_("Chart"),
  payments: N_("Money"),
  shopping_cart: N_("Shopping cart"),
  code: N_("Code"),
  bug_report: N_("Bug"),
  search: N_("Magnifying glass"),
  translate: N_("Translation"),
  public: N_("Globe"),
  lock: N_("Padlock"),
  flag: N_("Flag"),
  star: N_("Star"),
};

export interface Color {
  title: string;
  light: string;
  dark: string;
}

// They differ in brightness, too, so that people with any kind of colour blindness can distinguish them.
export const COLORS: Record<string, Color> = {
  blue: { title: N_("Blue"), light: "#0a58b8", dark: "#5aa9ff" },
  green: { title: N_("Green"), light: "#0a8f63", dark: "#12a87a" },
  yellow: { title: N_("Yellow"), light: "#ad8b00", dark: "#f7e063" },
  orange: { title: N_("Orange"), light: "#a83200", dark: "#ef7d3c" },
  pink: { title: N_("Pink"), light: "#c2559b", dark: "#f5bfe3" },
  gray: { title: N_("Gray"), light: "#3f4552", dark: "#8790a3" },
};

export const colorOf = (name: string): string | undefined => COLORS[name] && `light-dark(${COLORS[name].light}, ${COLORS[name].dark})`;

export const iconTitle = (icon: string): string => (ICONS[icon] ? t(ICONS[icon]) : icon);

// Return what a reader hears of the own look of a step.
export const ownWords = ({ icon, color }: StepLook): string =>
  [icon && t("icon: {icon}", { icon: iconTitle(icon) }), COLORS[color] && t("color: {color}", { color: t(COLORS[color].title) })].filter(Boolean).join(", ");

// ---- sizes

export const SMALLEST = { w: 140, h: 58 };
const LARGEST = 4000;
// How much a key makes a step larger or smaller.
export const KEY_STEP = 20;

export type Size = readonly [number, number];

// Return a size that can be kept.
export const fitting = ([w, h]: Size): [number, number] => [within(w, SMALLEST.w), within(h, SMALLEST.h)];

const within = (one: number, least: number): number => Math.round(Math.max(least, Math.min(LARGEST, one)));

// A line of `.studio-title` in style.css.
const LINE = 19;
// How high a card is without its title: its frame, its space, and the word below the title.
const AROUND_TITLE = 36;
const ROOM = 68;
const MARK_ROOM = 24;
export const FRAME_ROOM = 96;

// Return how many lines of the title a card shows that is as high as this, without what stands above it.
export const linesIn = (height: number): number => Math.max(1, Math.floor((height - AROUND_TITLE) / LINE));

// Return how wide the title may be on a card.
export const titleRoom = (step: CanvasStep, width: number): number => width - ROOM - (step.foreach ? MARK_ROOM : 0) - (step.note ? MARK_ROOM : 0);

// Return how much higher a card has to be for its title: by one line, if it does not fit into one.
export const moreFor = (title: number, room: number): number => (title > room ? LINE : 0);
