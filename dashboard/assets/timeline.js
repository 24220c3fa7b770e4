// A run over time (dashboard/run/timeline.py): a row for each step with the times at which it worked and waited, and a
// slider that stops at each time at which something changed. Stretches without work are short, and say how long they were.

const IDLE_SHARE = 0.24; // of the width, for one stretch without work
const MOST_IDLE_SHARE = 0.5; // for all of them
const PLAY_MS = 12_000;
const [SHORTEST_MS, LONGEST_MS] = [40, 900];

const mounted = new WeakMap();

let texts = {};
let language = "en-GB";

export default function ({ data: [data], parentElement }) {
  texts = data.texts;
  language = data.language === "en" ? "en-GB" : data.language;
  const before = mounted.get(parentElement);
  const text = JSON.stringify(data);
  if (before?.text !== text) {
    before?.pause();
    mounted.set(parentElement, { text, ...drawn(parentElement, data) });
  }
  return () => mounted.get(parentElement)?.pause();
}

// Return a text in the language of the page, with `{name}` replaced by the value `name`.
function t(text, values = {}) {
  return (texts[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function made(tag, properties = {}, ...children) {
  const { style = {}, ...plain } = properties;
  const one = Object.assign(document.createElement(tag), plain);
  for (const [name, value] of Object.entries(style)) one.style.setProperty(name, value);
  one.append(...children);
  return one;
}

function drawn(parent, data) {
  const stops = stopsOf(data);
  const last = stops.length - 1;
  const at = placesOf(stops, data.idle);
  const rows = data.rows.map((row) => drawnRow(row, stops, at, data));
  const slider = made("input", { type: "range", min: 0, max: last, step: 1, value: last, className: "tl-slider", ariaLabel: t("Time in the run") });
  const play = made("button", { type: "button", className: "tl-play" });
  const said = made("p", { className: "tl-said" });
  const idle = made("div", { className: "tl-track" }, ...data.idle.map((one) => drawnIdle(one, stops, at)));
  const head = made(
    "div",
    { role: "row", className: `tl-row tl-head ${data.idle.length ? "" : "tl-busy"}` },
    ...[t("Step"), "", t("Status"), t("Tokens"), t("Cost")].map((textContent, index) =>
      index === 1
        ? made("div", { role: "columnheader", ariaLabel: t("Time") }, idle)
        : made("div", { role: "columnheader", textContent, className: index > 2 ? "tl-number" : "" }),
    ),
  );
  const table = made("div", { role: "table", ariaLabel: t("Steps over time"), className: "tl-table" }, head, ...rows.map((row) => row.element));
  parent.querySelector(":scope > .tl")?.remove(); // beside it, Streamlit has the style sheet
  parent.append(made("div", { className: "tl" }, made("div", { className: "tl-bar" }, play, slider), said, table));

  let timer = 0;
  const show = () => {
    const now = Number(slider.value);
    const words = wordsOf(stops, now, data);
    slider.ariaValueText = words;
    said.textContent = words;
    table.style.setProperty("--now", `${at[now] * 100}%`);
    for (const row of rows) row.show(stops[now].state);
  };
  const pause = () => {
    clearTimeout(timer);
    timer = 0;
    play.textContent = `▶ ${t("Play")}`;
  };
  const next = () => {
    const now = Number(slider.value);
    if (now >= last) return pause();
    const wait = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (at[now + 1] - at[now]) * PLAY_MS));
    timer = setTimeout(() => {
      slider.value = now + 1;
      show();
      next();
    }, wait);
  };
  play.onclick = () => {
    if (timer) return pause();
    play.textContent = `❚❚ ${t("Pause")}`;
    if (Number(slider.value) >= last) slider.value = 0;
    show();
    next();
  };
  slider.oninput = () => {
    pause();
    show();
  };
  pause();
  show();
  return { pause };
}

// ---- times

function stopsOf({ first, begins_at, frames }) {
  const stops = [{ at: begins_at, time: Date.parse(begins_at), state: first }];
  for (const { at, change } of frames) stops.push({ at, time: Date.parse(at), state: changed(stops.at(-1).state, change) });
  return stops;
}

function changed(state, change) {
  const steps = Object.fromEntries(Object.entries({ ...state.steps, ...change.steps }).filter(([, step]) => step));
  return { ...state, ...change, steps };
}

// Where each stop is, from 0 to 1: in proportion to the time, but for stretches without work.
function placesOf(stops, idle) {
  const isIdle = new Set(idle.map(([since]) => since));
  const idleShare = isIdle.size && Math.min(IDLE_SHARE, MOST_IDLE_SHARE / isIdle.size);
  const gaps = stops.slice(1).map((stop, index) => (isIdle.has(stops[index].at) ? null : stop.time - stops[index].time));
  const worked = gaps.reduce((sum, gap) => sum + (gap ?? 0), 0);
  const idles = gaps.filter((gap) => gap === null).length;
  const rest = worked ? 1 - idles * idleShare : 0;
  const each = worked ? idleShare : 1 / Math.max(1, idles);
  const places = [0];
  for (const gap of gaps) places.push(places.at(-1) + (gap === null ? each : worked ? (gap / worked) * rest : 0));
  return places;
}

function wordsOf(stops, now, data) {
  const { time, at, state } = stops[now];
  const clock = new Date(time).toLocaleTimeString(language);
  const idle = data.idle.find(([since]) => since === at);
  const parts = [t("{clock}, {seconds} after the start", { clock, seconds: seconds(time - stops[0].time) }), lookOf(state.status, data)[0]];
  const { input_tokens, output_tokens } = state.usage;
  if (input_tokens + output_tokens) parts.push(t("{tokens} tokens", { tokens: tokens(state.usage) }), money(state.usage));
  if (idle) parts.push(idle[2]);
  return parts.join(" · ");
}

function seconds(milliseconds) {
  const whole = Math.round(milliseconds / 1000);
  if (milliseconds < 9950) return `${(milliseconds / 1000).toLocaleString(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const tokens = ({ input_tokens, output_tokens }) => (input_tokens + output_tokens).toLocaleString(language);
const money = ({ cost_usd }) => (cost_usd === null ? t("cost unknown") : `$${cost_usd.toFixed(cost_usd === 0 || cost_usd >= 1 ? 2 : 4)}`);
const lookOf = (status, { looks }) => looks[status] ?? [status, "gray"];

// Return a word as it is written inside a sentence.
const inside = (word) => word.charAt(0).toLowerCase() + word.slice(1);

// ---- drawing

function drawnIdle([since, until, label], stops, at) {
  const [from, to] = [since, until].map((time) => at[stops.findIndex((stop) => stop.at === time)]);
  return made("div", { className: "tl-idle", title: label, textContent: label, style: place(from, to) });
}

const place = (from, to) => ({ left: `${from * 100}%`, width: `${(to - from) * 100}%` });

function drawnRow([path, title, depth], stops, at, data) {
  const last = stops.at(-1).state.steps[path];
  const color = lookOf(last?.status ?? "pending", data)[1];
  const track = made("div", { className: "tl-track" }, ...segments(path, stops).map(([from, to, status]) =>
    made("div", { className: `tl-segment tl-${status} run-${status === "waiting" ? "orange" : color}`, style: place(at[from], at[to]) }),
  ));
  const status = made("div", { role: "cell", className: "tl-status" });
  const [used, cost] = [0, 0].map(() => made("div", { role: "cell", className: "tl-number" }));
  const element = made(
    "div",
    { role: "row", className: "tl-row" },
    made("div", { role: "rowheader", textContent: title, title, style: { "padding-inline-start": `${depth}rem` } }),
    made("div", { role: "cell", className: "tl-time", ariaLabel: spokenTime(last) }, track),
    status, used, cost,
  );
  const show = ({ steps, ended_at }) => {
    const step = steps[path];
    const [word, tone] = step ? lookOf(step.status, data) : [ended_at ? t("Not reached") : t("Not begun"), "gray"];
    const said = countsIn(step, data) ?? word;
    status.replaceChildren(made("span", { className: `run-chip run-${tone}`, textContent: said, title: said }));
    const total = step && step.usage.input_tokens + step.usage.output_tokens;
    used.textContent = total ? tokens(step.usage) : "";
    cost.textContent = total ? money(step.usage) : "";
    element.classList.toggle("tl-later", !step);
  };
  return { element, show };
}

// Return [from, to, status] of the stretches in which a step worked, waited or had failed before it was done again.
function segments(path, stops) {
  const found = [];
  stops.forEach(({ state }, index) => {
    const step = state.steps[path];
    const status = step?.ended_at || !step || step.status === "pending" ? "" : step.status === "waiting" ? "waiting" : "running";
    const one = found.at(-1);
    if (one?.isOpen) one[1] = index;
    if (one?.isOpen && one[2] !== status) one.isOpen = false;
    if (status && !found.at(-1)?.isOpen) found.push(Object.assign([index, index, status], { isOpen: true }));
    else if (step?.ended_at && !found.length) found.push([index, index, "running"]); // took less than a millisecond
  });
  const last = found.at(-1);
  if (last?.isOpen) last[1] = stops.length - 1;
  return found;
}

// Return how many repetitions of a step have which status, the most urgent first; null for a single one.
function countsIn(step, data) {
  const counts = data.order.filter((status) => step?.counts[status]).map((status) => [step.counts[status], inside(lookOf(status, data)[0])]);
  return counts.reduce((sum, [count]) => sum + count, 0) > 1 ? counts.map((one) => one.join(" ")).join(", ") : null;
}

function spokenTime(step) {
  if (!step?.started_at) return t("not begun");
  const [from, to] = [step.started_at, step.ended_at].map((time) => time && new Date(time).toLocaleTimeString(language));
  const took = step.ended_at ? `, ${seconds(Date.parse(step.ended_at) - Date.parse(step.started_at))}` : "";
  return (to ? t("from {from} to {to}", { from, to }) : t("from {from}", { from })) + took;
}
