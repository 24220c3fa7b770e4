// What the browser updates on the page of a run: the head of a run in progress, and its table. Mounted by
// dashboard/run/page.py; GET /live/run (dashboard/live_route.py) returns the changes, so the page is not redrawn.

const AGAIN_MS = 10_000;
const ASK_MS = 20_000;

const mounted = new WeakMap(); // the parts drawn in an element of Streamlit
const tables = new Map(); // the table of each run

let texts = {};

export default function ({ data: [data], parentElement, setTriggerValue }) {
  texts = data.texts;
  return data.part === "table" ? table(data, parentElement, setTriggerValue) : pulse(data, parentElement, setTriggerValue);
}

// Return a text in the language of the page.
function t(text) {
  return texts[text] ?? text;
}

function made(tag, properties = {}, ...children) {
  const { dataset = {}, ...plain } = properties;
  const one = Object.assign(document.createElement(tag), plain);
  Object.assign(one.dataset, dataset);
  one.append(...children);
  return one;
}

// ---- the pulse: asks for changes until the run has ended, and shows the head of a run in progress

function pulse(data, parent, send) {
  const one = mounted.get(parent) ?? beating(parent);
  const isOther = one.data?.every !== data.every;
  Object.assign(one, { data, send });
  if (isOther) one.later();
  showHead(one, data.head);
  return () => {
    one.isOver = true;
    clearTimeout(one.timer);
    document.removeEventListener("visibilitychange", one.wake);
  };
}

function beating(parent) {
  const root = made("div", { className: "run-head" });
  parent.append(root);
  const one = { root, isOver: false, isAsking: false, sent: "", sentAt: 0 };
  const beat = async () => {
    clearTimeout(one.timer);
    if (!document.hidden && !one.isAsking) {
      one.isAsking = true;
      await ask(one);
      one.isAsking = false;
    }
    if (!one.isOver) one.later();
  };
  one.later = () => {
    clearTimeout(one.timer);
    one.timer = setTimeout(beat, one.data.every * 1000);
  };
  one.wake = () => document.hidden || one.isAsking || beat();
  document.addEventListener("visibilitychange", one.wake);
  mounted.set(parent, one);
  return one;
}

async function ask(one) {
  const { data } = one;
  const shown = tables.get(data.run);
  const asked = new URLSearchParams({ id: data.run, ...data.asked, ...(shown && { since: shown.version }) });
  let answer;
  try {
    const response = await fetch(`/live/run?${asked}`, { signal: AbortSignal.timeout(ASK_MS) });
    answer = response.ok ? await response.json() : { drawn: `refused ${response.status}` };
  } catch {
    return; // no server now: ask again at the next beat
  }
  if (one.isOver || one.data !== data) return; // redrawn since
  if (answer.head) showHead(one, answer.head);
  if (answer.table && shown === tables.get(data.run)) take(shown, answer.table);
  if (answer.drawn !== data.drawn) drawAnew(one, answer.drawn);
}

function drawAnew(one, drawn) {
  const now = performance.now();
  if (drawn === one.sent && now - one.sentAt < AGAIN_MS) return;
  one.sent = drawn;
  one.sentAt = now;
  one.send("told", drawn);
}

function showHead(one, head) {
  if (!head) return one.root.replaceChildren();
  if (!one.root.firstChild) {
    one.bar = made("div", { className: "run-bar", role: "progressbar", ariaValueMin: "0", ariaValueMax: "100" }, made("div"));
    one.root.append(made("h2"), made("p", { className: "run-facts" }), made("p", { className: "run-words" }), one.bar);
  }
  const [sentence, facts, words] = one.root.children;
  const percent = Math.round(head.part * 100);
  setText(sentence, head.sentence);
  setText(facts, head.facts);
  setText(words, head.words);
  facts.title = one.data.started ?? "";
  one.bar.ariaValueNow = String(percent);
  one.bar.ariaLabel = head.words;
  one.bar.firstChild.style.width = `${percent}%`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// ---- the table

function table(data, parent, send) {
  const one = mounted.get(parent) ?? emptyTable(parent);
  Object.assign(one, { data, send, open: data.open });
  one.grid.ariaLabel = data.label;
  const head = JSON.stringify([data.noun, data.became, data.kinds, data.columns]);
  if (head !== one.head) {
    one.head = head;
    one.rows = [];
    one.grid.replaceChildren(headRow(one));
  }
  take(one, data);
  tables.set(data.run, one);
  return () => tables.get(data.run) === one && tables.delete(data.run);
}

function emptyTable(parent) {
  const one = { rows: [], version: "", head: "", open: ["", ""] };
  one.grid = made("div", { className: "run-table", role: "grid" });
  one.nothing = made("p", { className: "run-facts", textContent: t("Nothing here has this status."), hidden: true });
  one.grid.addEventListener("click", (event) => onClick(one, event));
  one.grid.addEventListener("keydown", (event) => onKey(one, event));
  parent.append(made("div", { className: "run-table-around" }, one.grid, one.nothing));
  mounted.set(parent, one);
  return one;
}

function headRow(one) {
  const { noun, became, kinds, columns } = one.data;
  const results = became ? [[became, 140, "1.5fr"]] : kinds.map((kind) => [kind, 58, "58px"]);
  const steps = columns.map(([, title]) => [title, 100, "1fr"]);
  const shown = [[noun, 184, "3fr"], [t("Status"), 100, "1fr"], ...results, ...steps];
  one.grid.style.setProperty("--columns", shown.map(([, least, most]) => `minmax(${least}px, ${most})`).join(" "));
  one.grid.style.setProperty("--least", `${shown.reduce((sum, [, least]) => sum + least, 0)}px`);
  const cells = shown.map(([title]) => made("div", { role: "columnheader", textContent: title, title }));
  return made("div", { role: "row", className: "run-table-head" }, ...cells);
}

function take(one, { version, count, rows }) {
  one.version = version;
  for (const [index, row] of rows) {
    const had = one.rows[index];
    const now = drawnRow(one, row);
    one.rows[index] = now;
    if (!had) one.grid.append(now);
    else replace(had, now);
  }
  for (const extra of one.rows.splice(count)) extra.remove();
  mark(one);
}

function replace(had, now) {
  const column = [...had.children].findIndex((cell) => cell.contains(document.activeElement));
  had.replaceWith(now);
  if (column >= 0) focusCell(now.children[column]);
}

function drawnRow(one, [path, title, choice, status, became, links, cells]) {
  const steps = cells.map((chip, index) => drawnCell(chip, one.data.columns[index][0]));
  const name = made("div", { role: "rowheader", tabIndex: -1, textContent: title, title });
  return made(
    "div",
    { role: "row", dataset: { path, choice } },
    name, drawnCell(status), ...(one.data.became ? [drawnResult(one, became, links)] : links.map(drawnLink)), ...steps,
  );
}

function drawnCell(chip, step = "") {
  const cell = made("div", { role: "gridcell", tabIndex: -1, dataset: { step } });
  if (chip) cell.append(made("span", { className: `run-chip run-${chip[1]}`, textContent: chip[0], title: chip[0] }));
  return cell;
}

// What became of an item, and links to it.
function drawnResult(one, became, links) {
  const cell = made("div", { role: "gridcell", tabIndex: -1, className: "run-result", title: became });
  cell.append(made("span", { textContent: became }));
  links.forEach((link, index) => cell.append(...anchors(link, one.data.kinds[index])));
  return cell;
}

function drawnLink(link) {
  return made("div", { role: "gridcell", tabIndex: -1 }, ...anchors(link));
}

function anchors(link, title = "") {
  if (!link || !/^https?:\/\//i.test(link[0])) return [];
  return [made("a", { href: link[0], target: "_blank", rel: "noopener noreferrer", textContent: link[1], tabIndex: -1, title })];
}

// Show the rows that match the filter and mark the open one; one cell can be reached by the Tab key.
function mark(one) {
  const { wanted } = one.data;
  for (const row of one.rows) {
    row.hidden = wanted !== "all" && row.dataset.choice !== wanted;
    row.ariaSelected = String(row.dataset.path === one.open[0]);
  }
  const first = one.rows.find((row) => !row.hidden);
  one.nothing.hidden = Boolean(first);
  one.grid.hidden = !first;
  const reached = one.grid.querySelector("[role=row]:not([hidden]) [tabindex='0']");
  if (first && !reached) first.firstChild.tabIndex = 0;
}

function onClick(one, { target }) {
  const cell = target.closest("[role=gridcell], [role=rowheader]");
  if (!cell || target.closest("a")) return;
  const [path, step] = [cell.parentElement.dataset.path, cell.dataset.step ?? ""];
  one.open = one.open[0] === path && (one.open[1] ?? "") === step ? ["", ""] : [path, step];
  mark(one);
  one.send("told", one.open);
}

const WAYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -999], End: [0, 999] };

function onKey(one, event) {
  const cell = event.target.closest("[role=gridcell], [role=rowheader]");
  if (!cell) return;
  if (["Enter", " "].includes(event.key) && event.target === cell) {
    event.preventDefault();
    cell.click();
  } else if (WAYS[event.key]) {
    event.preventDefault();
    const [down, right] = WAYS[event.key];
    const rows = one.rows.filter((row) => !row.hidden);
    const row = rows[between(rows.indexOf(cell.parentElement) + down, rows.length)];
    focusCell(row.children[between([...cell.parentElement.children].indexOf(cell) + right, row.children.length)]);
  }
}

function between(index, count) {
  return Math.max(0, Math.min(count - 1, index));
}

function focusCell(cell) {
  for (const before of cell.closest("[role=grid]").querySelectorAll("[tabindex='0']")) before.tabIndex = -1;
  const target = cell.querySelector("a") ?? cell;
  target.tabIndex = 0;
  target.focus();
}
