// The search of the dashboard (Ctrl K): a dialog with a combobox, after the pattern of the ARIA Authoring Practices.
// browser.js loads it when it is first opened; GET /find (dashboard/find_route.py) has the results.

const FOCUS = "orchestra.focus";
const SLOW_MS = 400;

const STYLE = `
.search { width: min(40rem, calc(100vw - 1.5rem)); max-height: min(34rem, calc(100dvh - 4rem)); margin: 12vh auto auto;
  padding: 0; border: 1px solid rgba(128, 134, 150, .35); border-radius: .8rem; overflow: hidden; font: inherit;
  color: light-dark(#1c2130, #e8eaf0); background: light-dark(#fff, #1d2029); box-shadow: 0 1rem 3rem rgba(0, 0, 0, .35); }
.search[open] { display: flex; flex-direction: column; }
.search::backdrop { background: rgba(10, 12, 18, .45); }
@media (max-width: 640px) { .search { margin-top: .75rem; max-height: calc(100dvh - 1.5rem); } }
.search-head { display: flex; align-items: center; border-bottom: 1px solid rgba(128, 134, 150, .25); }
.search-head input { flex: 1; min-width: 0; padding: .95rem 1rem; border: 0; outline: 0; font: inherit; font-size: 1rem;
  color: inherit; background: none; }
.search-head:focus-within { box-shadow: inset 0 -2px #6d66f5; }
.search-head input::placeholder { color: light-dark(#5b6272, #9aa3b2); opacity: 1; }
.search-head button { margin-inline-end: .6rem; padding: .3rem .6rem; border: 1px solid rgba(128, 134, 150, .5);
  border-radius: .4rem; font: inherit; font-size: .8rem; color: inherit; background: none; cursor: pointer; }
.search-head button:focus-visible { outline: 2px solid #6d66f5; outline-offset: 1px; }
.search ul { flex: 1; margin: 0; padding: .4rem; overflow: auto; list-style: none; }
.search li { display: grid; grid-template-columns: 1fr auto; column-gap: .8rem; margin: 0; padding: .5rem .7rem;
  border-radius: .5rem; cursor: pointer; scroll-margin: .4rem; }
.search li[aria-selected=true] { background: light-dark(#e8e7fd, #34315c); }
.search li b { font-weight: 550; }
.search li :is(b, small) { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.search li small { font-size: .8rem; color: light-dark(#4b5263, #b4bac7); }
.search li small:last-child { grid-column: 1 / -1; }
.search p { margin: 0; padding: .5rem 1.1rem .7rem; font-size: .8rem; color: light-dark(#4b5263, #b4bac7); }
`;

const here = { dialog: null, input: null, list: null, told: null, found: [], chosen: 0, asked: 0, isPending: false, wants: null, slow: 0, texts: {}, language: "en" };

export function open(texts = {}, language = "en") {
  Object.assign(here, { texts, language });
  if (!here.dialog) build();
  const app = document.querySelector("[data-testid=stApp]") ?? document.body; // it has the colour scheme
  if (here.dialog.parentElement !== app) app.append(here.dialog);
  if (here.dialog.open) return here.dialog.close();
  here.input.value = "";
  here.dialog.showModal();
  here.input.focus();
  ask();
}

// Return a text in the language of the page, with `{name}` replaced by the value `name`.
function t(text, values = {}) {
  return (here.texts[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function build() {
  here.input = made("input", {
    type: "text", role: "combobox", autocomplete: "off", spellcheck: false, maxLength: 200,
    placeholder: t("A workflow, a run, a page, an action …"),
    aria: { label: t("Search"), expanded: "true", controls: "search-found", autocomplete: "list" },
  });
  const close = made("button", { type: "button", textContent: t("Close") });
  here.list = made("ul", { id: "search-found", role: "listbox", aria: { label: t("Found") } });
  here.told = made("p", { role: "status" });
  const head = made("div", { className: "search-head" }, here.input, close);
  const style = made("style", { textContent: STYLE });
  here.dialog = made("dialog", { className: "search", aria: { label: t("Search") } }, style, head, here.list, here.told);
  here.input.addEventListener("input", ask);
  here.dialog.addEventListener("keydown", onKey);
  here.list.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the field
  here.list.addEventListener("click", (event) => go(indexOf(event), event.ctrlKey || event.metaKey));
  here.list.addEventListener("mousemove", (event) => indexOf(event) >= 0 && choose(indexOf(event), false));
  close.addEventListener("click", () => here.dialog.close());
  here.dialog.addEventListener("click", (event) => event.target === here.dialog && here.dialog.close()); // beside it
}

function made(tag, { aria = {}, role, ...properties } = {}, ...children) {
  const one = Object.assign(document.createElement(tag), properties);
  if (role) one.setAttribute("role", role);
  for (const [name, value] of Object.entries(aria)) one.setAttribute(`aria-${name}`, value);
  one.append(...children);
  return one;
}

// ---- results

async function ask() {
  const number = (here.asked += 1);
  Object.assign(here, { isPending: true, wants: null });
  clearTimeout(here.slow);
  here.slow = setTimeout(() => tell(t("Searching …")), SLOW_MS);
  const answer = await fetch(`/find?${new URLSearchParams({ q: here.input.value, language: here.language })}`).catch(() => null);
  if (number !== here.asked) return; // more was typed meanwhile
  clearTimeout(here.slow);
  if (answer?.status === 401) return location.reload(); // signed out: the page says so
  here.found = answer?.ok ? (await answer.json()).found : [];
  if (number !== here.asked) return;
  here.isPending = false;
  show();
  if (!answer?.ok) tell(t("The server does not answer. Try again."));
  if (here.wants) go(0, here.wants.isNew);
}

function show() {
  here.list.replaceChildren(...here.found.map(option));
  choose(0);
  const count = here.found.length;
  here.list.hidden = count === 0;
  here.input.setAttribute("aria-expanded", String(count > 0));
  const results = count === 1 ? t("1 result.") : t("{count} results.", { count });
  tell(count === 0 ? t("Nothing found.") : `${results} ${t("Enter opens, Ctrl Enter in a new tab.")}`);
}

function option(one, index) {
  const parts = [made("b", { textContent: one.title }), made("small", { textContent: one.kind })];
  if (one.detail) parts.push(made("small", { textContent: one.detail }));
  return made("li", { id: `search-found-${index}`, role: "option", aria: { selected: "false" } }, ...parts);
}

function tell(text) {
  here.told.textContent = text;
}

// ---- choice

function indexOf(event) {
  return [...here.list.children].indexOf(event.target.closest("li"));
}

function choose(index, scrolls = true) {
  const options = here.list.children;
  here.chosen = options.length ? Math.max(0, Math.min(index, options.length - 1)) : 0;
  for (const [number, one] of [...options].entries()) one.setAttribute("aria-selected", String(number === here.chosen));
  const chosen = options[here.chosen];
  if (chosen) here.input.setAttribute("aria-activedescendant", chosen.id);
  else here.input.removeAttribute("aria-activedescendant");
  if (chosen && scrolls) chosen.scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  event.stopPropagation(); // letters mean something else to the page
  if (event.target !== here.input || event.isComposing) return;
  const last = here.found.length - 1;
  const moves = {
    ArrowDown: here.chosen === last ? 0 : here.chosen + 1,
    ArrowUp: here.chosen === 0 ? last : here.chosen - 1,
    PageDown: here.chosen + 6,
    PageUp: here.chosen - 6,
  };
  if (event.key in moves) {
    choose(moves[event.key]);
  } else if (event.key === "Enter") {
    const isNew = event.ctrlKey || event.metaKey;
    if (here.isPending) here.wants = { isNew }; // as soon as there is an answer
    else go(here.chosen, isNew);
  } else {
    return;
  }
  event.preventDefault();
}

function go(index, isNew) {
  const one = here.found[index];
  if (!one) return;
  if (isNew) return window.open(one.address, "_blank", "noopener");
  if (one.focus) sessionStorage.setItem(FOCUS, one.focus);
  here.dialog.close();
  location.assign(one.address);
}
