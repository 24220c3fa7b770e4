// What only the browser can do for every page: store typed text at each keystroke, keep stray entries out of the
// history, draw the page anew after a lost connection, scroll to what was opened, and load the code editor and the
// search. Mounted by dashboard/base/browser.py.

const PREFIX = "orchestra.typed/";
const MOST_DAYS = 7;
const MOST_TRIES = 3;
const LARGE = 60_000;
const DELAY_MS = 200;
const ANSWER_MS = 2000;

const page = { fields: {}, owner: "", send: null, tab: "", tries: new Map(), late: new Map(), forgotten: new Set(), again: 0, row: -1, read: "", editors: null, search: "", wantsSearch: false, opensFields: false, left: "", texts: {}, language: "en" };
const typedInto = new WeakSet();
const unsent = new WeakSet();
const unplaced = new WeakSet();

export default function ({ data: [data], setTriggerValue }) {
  page.send = (found) => setTriggerValue("found", found);
  page.owner = data.owner;
  page.fields = data.fields;
  page.search = data.search;
  page.texts = data.texts.browser;
  page.language = data.language;
  page.searchTexts = data.texts.search;
  if (page.wantsSearch) openSearch();
  install(data.manifest);
  navigator.setAppBadge?.(data.waiting).catch(() => {}); // only an installed app has one
  for (const one of data.forget) forget(one);
  place();
  check();
  editors(data.editor, data.texts.editor);
}

// ---- the installed app

// Tell the browser what it can install; the page itself is Streamlit's.
function install(manifest) {
  if (document.head.querySelector("link[rel=manifest]")) return;
  const add = (tag, facts) => document.head.append(Object.assign(document.createElement(tag), facts));
  add("link", { rel: "manifest", href: manifest });
  add("link", { rel: "apple-touch-icon", href: "/assets/icon-192.png" });
  add("meta", { name: "theme-color", media: "(prefers-color-scheme: light)", content: "#ffffff" });
  add("meta", { name: "theme-color", media: "(prefers-color-scheme: dark)", content: "#13151b" });
}

// ---- texts

// Return a text in the language of the page, with `{name}` replaced by the value `name`.
function t(text, values = {}) {
  return (page.texts[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// ---- code editors

// Fields with code become editors; if the module cannot be loaded, they stay text areas.
async function editors(address, texts) {
  const fields = Object.values(page.fields).filter((field) => field.code);
  if (fields.length === 0 && !page.editors) return;
  try {
    page.editors = await import(new URL(address, location.origin).href);
  } catch {
    return;
  }
  page.editors.show(Object.values(page.fields).filter((field) => field.code), crc32, texts);
}

// ---- search

const FOCUS = "orchestra.focus";
const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const MOST_LOOKS = 100;

// Open the search by Ctrl K (Cmd K on a Mac), unless a dialog of Streamlit holds the focus.
function onSearchKey(event) {
  const isHeld = IS_MAC ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  if (!isHeld || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  openSearch();
}

async function openSearch() {
  page.wantsSearch = !page.search; // the page is still being drawn
  if (!page.search || document.querySelector("[data-testid=stDialog]")) return;
  try {
    (await import(new URL(page.search, location.origin).href)).open(page.searchTexts, page.language);
  } catch {
    // The server is away, or has another version: the menu still leads everywhere.
  }
}

// Focus the button that the search has led to, as soon as it can be pressed.
function focusWanted(looks = 0) {
  const wanted = sessionStorage.getItem(FOCUS);
  if (!wanted) return;
  const button = document.querySelector(`.${CSS.escape(wanted)} button:not(:disabled)`);
  if (!button && looks < MOST_LOOKS) {
    setTimeout(focusWanted, 100, looks + 1);
    return;
  }
  sessionStorage.removeItem(FOCUS);
  if (!button || document.activeElement?.matches("input, textarea")) return;
  button.focus();
  button.scrollIntoView({ block: "nearest" });
}

// Focus the first field of a letter, as soon as the button Edit has turned it into fields. Until then no letter is a
// key: somebody may type before the cursor is in a field.
function onEdit(event) {
  const place = event.target.closest?.("button")?.closest('[class*="st-key-edit-"]');
  const question = place?.className.match(/st-key-edit-\S+-([a-z0-9]+)(?:\s|$)/)?.[1];
  if (!question) return;
  page.opensFields = true;
  focusField(`[class*="st-key-edit-${question}-"] :is(input, textarea):not(:disabled)`);
}

function focusField(fields, looks = 0) {
  const isTaken = document.activeElement?.matches("input, textarea"); // somebody was faster
  const field = isTaken ? null : document.querySelector(fields);
  if (!isTaken && !field && looks < MOST_LOOKS) {
    setTimeout(focusField, 50, fields, looks + 1);
    return;
  }
  field?.focus();
  page.opensFields = false;
}

// Escape leaves a text of a question, so that letters are keys again. A list of choices that is open closes first.
function onEscape(event) {
  if (event.key !== "Escape" || event.isComposing || !event.target.matches?.("input, textarea")) return;
  if (!letterOf(event.target) || event.target.closest("[aria-expanded=true]")) return;
  page.left = letterOf(event.target);
  event.target.blur();
}

const letterOf = (element) => element?.closest('[class*="st-key-question-"]')?.className.match(/st-key-question-\S+/)[0] ?? "";

// While a question has open fields that nobody has left by Escape, as after a reload, a letter may be one of the text.
function mayBeOfText() {
  const field = document.querySelector('[class*="st-key-question-"] [class*="st-key-edit-"] :is(input, textarea):not(:disabled)');
  return field !== null && letterOf(field) !== page.left;
}

// ---- typed text

function crc32(text) {
  let crc = -1;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}

function prefixOf(slot) {
  return `${PREFIX}${page.owner}/${encodeURIComponent(slot)}/`;
}

// Return the entries of a slot as [storage key, tab, entry].
function entriesOf(slot) {
  const prefix = prefixOf(slot);
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(prefix))
    .map((key) => [key, key.slice(prefix.length), read(key)])
    .filter(([, , entry]) => entry !== null);
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function elementOf(field) {
  return document.querySelector(`.${CSS.escape(field.css)} :is(textarea, input)`);
}

// Return whether somebody types into a field now, be it by the code editor over it.
function isTypedIn(element) {
  const active = document.activeElement;
  return typedInto.has(element) && (active === element || active?.closest(".code-editor")?.parentElement === element.parentElement);
}

function fieldOf(element) {
  for (const [slot, field] of Object.entries(page.fields)) {
    if (element.closest(`.${CSS.escape(field.css)}`)) return [slot, field];
  }
  return [null, null];
}

function onInput(event) {
  const element = event.target;
  if (!element.matches?.("textarea, input:not([type=password])")) return;
  typedInto.add(element);
  unsent.add(element);
  const [slot, field] = fieldOf(element);
  if (slot === null) {
    unplaced.add(element);
    return;
  }
  clearTimeout(page.late.get(slot)?.timer);
  page.late.delete(slot);
  if (element.value.length < LARGE) {
    store(slot, field, element.value);
  } else {
    page.late.set(slot, { field, element, timer: setTimeout(() => storeLate(slot), DELAY_MS) });
  }
}

// Store what was typed into a field before the page had told its slot.
function place() {
  for (const [slot, field] of Object.entries(page.fields)) {
    const element = elementOf(field);
    if (element && unplaced.delete(element) && unsent.has(element)) store(slot, field, element.value);
  }
}

function storeLate(slot) {
  const { field, element, timer } = page.late.get(slot) ?? {};
  clearTimeout(timer);
  page.late.delete(slot);
  if (element) store(slot, field, element.value);
}

function store(slot, field, text) {
  const key = prefixOf(slot) + page.tab;
  if (text.length < LARGE && crc32(text) === field.initial) {
    localStorage.removeItem(key);
    return;
  }
  const entry = JSON.stringify({ text, base: field.base, at: Date.now() });
  try {
    localStorage.setItem(key, entry);
  } catch {
    dropOldest(key);
    try {
      localStorage.setItem(key, entry);
    } catch {
      // Local storage is full: the text is still sent when the field is left.
    }
  }
}

function dropOldest(except) {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX) && key !== except);
  keys.sort((one, other) => (read(one)?.at ?? 0) - (read(other)?.at ?? 0));
  for (const key of keys.slice(0, Math.ceil(keys.length / 2))) localStorage.removeItem(key);
}

// Forget the texts of the slots with a prefix; with `sums`, only the texts with these checksums.
async function forget({ prefix, number, but, sums }) {
  if (page.forgotten.has(number)) return;
  page.forgotten.add(number);
  if (sums) await page.named; // they may be texts from before a reload
  const begin = `${PREFIX}${page.owner}/${encodeURIComponent(prefix)}`;
  const kept = (key) => (but && key.startsWith(prefixOf(but))) || (sums && !sums.includes(crc32(read(key)?.text ?? "")));
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(begin) && !kept(key));
  for (const key of keys.filter((key) => key.endsWith(`/${page.tab}`))) localStorage.removeItem(key);
  const living = await livingTabs();
  for (const key of keys) if (!living.has(key.split("/").at(-1))) localStorage.removeItem(key);
}

// Send the server what it does not have and the person cannot see: after a reload, a restart, a quick click away.
async function check() {
  const living = await livingTabs();
  const found = {};
  let isWaiting = false;
  for (const [slot, field] of Object.entries(page.fields)) {
    const element = elementOf(field);
    const entry = ownEntry(slot, living);
    if (entry === null || (element && isTypedIn(element))) continue;
    if (crc32(entry.text) === field.crc) {
      if (field.settled) localStorage.removeItem(prefixOf(slot) + page.tab);
      continue;
    }
    if (element && typedInto.has(element) && element.value === entry.text) continue;
    const attempt = `${slot} ${entry.at}`;
    const { tries, last } = page.tries.get(attempt) ?? { tries: 0, last: -Infinity };
    if (tries >= MOST_TRIES) continue;
    isWaiting = true;
    if (performance.now() - last < ANSWER_MS * tries) continue; // several runs of the page in a row are one try
    page.tries.set(attempt, { tries: tries + 1, last: performance.now() });
    found[slot] = entry;
  }
  if (Object.keys(found).length > 0) page.send({ texts: found, at: Date.now() });
  clearTimeout(page.again); // an answer that got lost: a page that is just being drawn anew takes none
  if (isWaiting) page.again = setTimeout(check, ANSWER_MS);
}

// Return what this tab typed, or else the newest text of a closed tab, which then becomes ours.
function ownEntry(slot, living) {
  const entries = entriesOf(slot);
  const own = entries.find(([, tab]) => tab === page.tab);
  if (own) return own[2];
  const left = entries.filter(([, tab]) => !living.has(tab)).sort((one, other) => other[2].at - one[2].at)[0];
  if (!left) return null;
  localStorage.removeItem(left[0]);
  localStorage.setItem(prefixOf(slot) + page.tab, JSON.stringify(left[2]));
  return left[2];
}

// Each tab holds a lock with its own name; if the browser has no locks, other tabs count as closed.
async function livingTabs() {
  await page.named;
  const held = (await navigator.locks?.query())?.held ?? [];
  return new Set(held.map((lock) => lock.name).filter((name) => name.startsWith(PREFIX)).map(tabOf));
}

function tabOf(name) {
  return name.slice(PREFIX.length);
}

function hold(tab) {
  return new Promise((resolve) => {
    if (!navigator.locks) return resolve(true);
    navigator.locks.request(PREFIX + tab, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => {});
    });
  });
}

// A reload keeps the name of the tab; a duplicated tab finds the name taken and gets a new one.
async function name() {
  page.tab = sessionStorage.getItem(PREFIX) ?? random();
  for (let tries = 0; tries < 20; tries += 1) {
    if (await hold(page.tab)) break;
    // The page before a reload may still hold the lock for a moment.
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (tries === 18) page.tab = random();
  }
  sessionStorage.setItem(PREFIX, page.tab);
}

function random() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function dropOld() {
  const limit = Date.now() - MOST_DAYS * 86_400_000;
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX) && (read(key)?.at ?? 0) < limit) localStorage.removeItem(key);
  }
}

// ---- a click right after typing

// Streamlit sends a text some time after its field is left: a quick click would overtake it, and a button would use
// the old text, or a link leave the page that the text belongs to. The click waits for the text. The fields of our own
// components, such as the canvas, are not Streamlit's: nothing waits for them, because a late click would hit what stands
// there by then.
const SENT_MS = 150;
const OWN = '[data-testid^="stBidiComponent"]';
let leftAt = -Infinity;

function onFocusOut(event) {
  if (event.target.type === "number" && typedInto.has(event.target) && !isNumber(event.target)) {
    wrong = { element: event.target, text: event.target.value, at: performance.now() };
  }
  if (unsent.delete(event.target) && !event.target.closest(OWN)) leftAt = performance.now();
}

// If Streamlit cannot use a typed number (20 digits, 1e5, 2.5 for an integer), it silently goes on with the previous
// one: a click that would use it is refused, with a message at the field.
let wrong = { element: null, text: "", at: -Infinity };

function isNumber(element) {
  return element.validity.valid && /^-?\d{0,15}([.,]\d*)?$/.test(element.value);
}

function refuseNumber() {
  const { element, text, at } = wrong;
  const isShown = element?.value === text;
  if (!element?.isConnected || (!isShown && performance.now() - at > 1000)) return false;
  element.setCustomValidity(
    text ? t("{text} cannot be used here: write a number in digits.", { text }) : t("This cannot be used here: write a number in digits."),
  );
  element.reportValidity();
  element.addEventListener("input", () => element.setCustomValidity(""), { once: true });
  return true;
}

function onClick(event) {
  const pressed = event.target.closest?.("a, button");
  if (!pressed || !event.isTrusted || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (pressed.matches('button[kind^="primary"]') && refuseNumber()) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (isUnreadRow(pressed)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (pressed.matches("a")) strayAt = -Infinity;
  const waits = leftAt + SENT_MS - performance.now();
  if (waits <= 0) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  setTimeout(() => pressed.click(), waits);
}

// ---- history

// When a button leads to another page, Streamlit writes the parameters of the next page to the address of this one,
// and only then the path: two entries, the first of which leads nowhere. The second replaces the first.
const LEAVING_MS = 5000;
let strayAt = -Infinity;

function mendHistory() {
  const push = history.pushState.bind(history);
  history.pushState = (state, unused, url) => {
    const next = new URL(url ?? location.href, location.href);
    const isStray = performance.now() - strayAt < LEAVING_MS && next.search === location.search;
    if (next.pathname !== location.pathname && isStray) {
      strayAt = -Infinity;
      history.replaceState(state, unused, url);
      return;
    }
    strayAt = next.pathname === location.pathname ? performance.now() : -Infinity;
    push(state, unused, url);
  };
}

// ---- a connection that was lost

// The server may have been started again, or have given the session up: it then knows no part of the page that is drawn
// by itself, and Streamlit ignores what such a part sends. So the whole page is drawn anew.
const CONNECTION = "data-test-connection-state";

function onConnection(changes) {
  const isBack = changes.some(({ oldValue, target }) => oldValue !== "CONNECTED" && target.getAttribute(CONNECTION) === "CONNECTED");
  if (isBack) page.send?.({ texts: {}, at: Date.now() });
}

// ---- pages out of the browser's memory

// Back may bring a page as it was, with all that it showed, also to who has signed out since.
function showNoMemory() {
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

// ---- scroll to what was opened

const OPENING_MS = 4000;
let pressedAt = -Infinity;

function onAdded(changes) {
  noteLetters();
  if (performance.now() - pressedAt > OPENING_MS) return;
  for (const change of changes) {
    if (change.type === "attributes" && change.target.matches(IN_VIEW) && change.oldValue !== change.target.className) {
      bringIntoView(change.target);
      return;
    }
    for (const node of change.addedNodes) {
      const opened = node.nodeType === 1 && (node.matches(IN_VIEW) ? node : node.querySelector(IN_VIEW));
      if (opened) bringIntoView(opened);
    }
  }
}

const IN_VIEW = '[class*="st-key-in-view-"]';

function bringIntoView(opened) {
  pressedAt = -Infinity;
  setTimeout(() => {
    const box = opened.getBoundingClientRect();
    const isQuiet = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (box.top < 60 || box.top > innerHeight * 0.55) {
      opened.scrollIntoView({ block: "start", behavior: isQuiet ? "auto" : "smooth" });
    }
  }, 150);
}

// Press the button in the container `press-<letter>`, or `press-<letter>-<what>`, unless something is being typed. The
// letter does not reach Streamlit, for which "r" and "c" mean something else. A key that is held presses once, and what
// has only just come into its place is not answered: nobody can have read it.
const TYPED = "input:not([type=checkbox], [type=radio]), textarea";
const UNREAD_MS = 700; // about as long as somebody needs to see that another one stands there
const shown = new Map();

function onLetter(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !/^[a-z]$/.test(event.key)) return;
  if (event.target.closest?.(`${TYPED}, select, [contenteditable=true], [role=dialog]`)) return;
  if (page.opensFields || mayBeOfText()) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  const place = document.querySelector(placeOf(event.key));
  if (event.repeat && event.key === "a") return; // before alongRows, which presses
  if (!place && !alongRows(event.key)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const button = place?.querySelector("button:not(:disabled)");
  if (!button || event.repeat || isUnread(event.key)) return;
  pressedAt = performance.now();
  const waits = leftAt + SENT_MS - performance.now();
  if (waits <= 0) button.click();
  else setTimeout(pressLater, waits, event.key, nameOf(place)); // a text that was just left comes first
}

const nameOf = (place) => place?.className.match(/st-key-press-\S+/)[0];

function pressLater(letter, name) {
  const place = document.querySelector(placeOf(letter));
  if (nameOf(place) === name) place?.querySelector("button:not(:disabled)")?.click();
}

function isUnread(place) {
  return performance.now() - (shown.get(place)?.at ?? 0) < UNREAD_MS;
}

// On the questions of Home, j and k move the focus, and a presses the button of the row that has it, if it has one and
// still is about what it was about when it got the focus.
const ROW = '[class*="st-key-line-waiting-"]';
const questionOf = (row) => row?.className.match(/st-key-line-waiting-\S+/)[0];

function alongRows(letter) {
  const rows = [...document.querySelectorAll(ROW)];
  const focused = rows.findIndex((row) => row.contains(document.activeElement));
  if (letter === "a") {
    if (focused < 0 || questionOf(rows[focused]) !== page.read) return false;
    const button = rows[focused].querySelector("button:not(:disabled)");
    page.row = focused - 1; // the next one takes its place
    button?.click();
    return Boolean(button);
  }
  if (rows.length === 0 || !"jk".includes(letter)) return false;
  const wanted = (focused < 0 ? page.row : focused) + (letter === "j" ? 1 : -1);
  page.row = Math.max(0, Math.min(wanted, rows.length - 1));
  rows[page.row].querySelector("a").focus();
  return true;
}

const placeOf = (letter) => `.st-key-press-${letter}, [class*="st-key-press-${letter}-"]`;

// Remember since when each letter, and each row of Home, has been about what it is about.
function noteLetters() {
  for (const place of document.querySelectorAll('[class*="st-key-press-"]')) {
    const [name, letter] = place.className.match(/st-key-press-([a-z])-\S+/) ?? [];
    if (!letter || shown.get(letter)?.name === name) continue;
    // On a phone, where one letter fills the screen, the next one is shown from its beginning.
    if (letter === "a" && shown.has("a") && innerWidth <= 640) {
      document.querySelector(".st-key-question-list")?.scrollIntoView({ block: "start" });
    }
    shown.set(letter, { name, at: performance.now() });
  }
  document.querySelectorAll(ROW).forEach((row, place) => {
    const name = questionOf(row);
    if (shown.get(place)?.name !== name) shown.set(place, { name, at: performance.now() });
  });
}

// A question that has just moved under the pointer is not answered either.
function isUnreadRow(button) {
  const row = button.closest(ROW);
  return row && button.matches("button") && isUnread([...document.querySelectorAll(ROW)].indexOf(row));
}

// Open Streamlit's side bar, which a phone hides.
function openMenu() {
  document.querySelector('[data-testid="stExpandSidebarButton"]')?.click();
}

function listen() {
  window.addEventListener("keydown", onSearchKey, true);
  document.addEventListener("click", (event) => event.target.closest?.(".search-button") && openSearch());
  document.addEventListener("click", (event) => event.target.closest?.(".phone-more") && openMenu());
  window.addEventListener("keydown", onLetter, true);
  document.addEventListener("keydown", onEscape, true);
  document.addEventListener("input", onInput, true);
  const flush = () => [...page.late.keys()].forEach(storeLate);
  for (const kind of ["pagehide", "beforeunload", "blur", "visibilitychange"]) addEventListener(kind, flush, true);
  document.addEventListener("focusout", onFocusOut, true);
  document.addEventListener("focusin", (event) => { page.read = questionOf(event.target.closest?.(ROW)); }, true);
  window.addEventListener("click", onClick, true);
  document.addEventListener("click", onEdit, true);
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, () => { pressedAt = performance.now(); }, true);
  }
  new MutationObserver(onAdded).observe(document.body, {
    childList: true, subtree: true, attributeFilter: ["class"], attributeOldValue: true,
  });
  new MutationObserver(onConnection).observe(document.body, { subtree: true, attributeFilter: [CONNECTION], attributeOldValue: true });
}

if (!("keepsText" in document.documentElement.dataset)) {
  document.documentElement.dataset.keepsText = "";
  page.named = name();
  dropOld();
  mendHistory();
  showNoMemory();
  listen();
  focusWanted();
}
