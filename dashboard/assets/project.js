// What the browser draws by itself on the page of a project: the output of a command as it comes (WS
// /api/ws/projects/{name}/runs/{id}, docs/live.md), and the frame of a preview. Mounted by dashboard/project/frame.py.

const MOST_CHARACTERS = 400_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const DONE = 1000;
const GONE = 4404;
const FROM_BOTTOM = 40;

const mounted = new WeakMap(); // what is drawn in an element of Streamlit

let texts = {};

export default function ({ data: [data], parentElement, setTriggerValue }) {
  texts = data.texts;
  return data.part === "output" ? output(data, parentElement, setTriggerValue) : preview(data, parentElement);
}

// Return a text in the language of the page.
function t(text, values = {}) {
  return (texts[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function made(tag, properties = {}, ...children) {
  const one = Object.assign(document.createElement(tag), properties);
  one.append(...children);
  return one;
}

// Return the element in which a part is drawn: beside it, Streamlit keeps the style.
function rootOf(parent) {
  const found = parent.querySelector(":scope > .project-part");
  if (found) return found;
  const root = made("div", { className: "project-part" });
  parent.append(root);
  return root;
}

// ---- the output of a command

function output(data, parent, send) {
  let one = mounted.get(parent);
  if (one?.data.run !== data.run) {
    one?.close();
    one = emptyOutput(data, parent);
  }
  Object.assign(one, { data, send });
  showState(one, data.state);
  if (!one.socket && !one.isDone) connect(one);
  return () => one.close();
}

function emptyOutput(data, parent) {
  const one = { data, length: 0, wait: FIRST_WAIT_MS, isDone: false, isClosed: false };
  one.log = made("pre", { className: "project-output", tabIndex: 0, role: "log", ariaLabel: t("Output"), ariaLive: "off" });
  one.note = made("p", { className: "project-note", role: "status" });
  one.stop = made("button", { type: "button", className: "project-stop", textContent: t("Stop"), hidden: true });
  one.stop.addEventListener("click", () => stop(one));
  one.close = () => {
    one.isClosed = true;
    clearTimeout(one.timer);
    one.socket?.close();
    mounted.delete(parent);
  };
  rootOf(parent).replaceChildren(one.log, made("div", { className: "project-bar" }, one.stop, one.note));
  mounted.set(parent, one);
  return one;
}

function connect(one) {
  const { project, run } = one.data;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const path = `/api/ws/projects/${encodeURIComponent(project)}/runs/${encodeURIComponent(run)}`;
  one.socket = new WebSocket(`${scheme}//${location.host}${path}`);
  one.socket.onmessage = (event) => take(one, JSON.parse(event.data));
  one.socket.onclose = (event) => {
    one.socket = null;
    if (one.isClosed || one.isDone || event.code === DONE) return;
    if (event.code === GONE) return say(one, t("The command is no longer known: the server was restarted."));
    say(one, t("The connection is lost; it is made again."));
    one.timer = setTimeout(() => connect(one), one.wait);
    one.wait = Math.min(one.wait * 2, LONGEST_WAIT_MS);
  };
}

function take(one, message) {
  if (message.type === "snapshot") {
    one.wait = FIRST_WAIT_MS;
    one.length = 0;
    one.log.replaceChildren();
    say(one, "");
    showState(one, message.run.state);
  } else if (message.type === "output") {
    add(one, message);
  } else if (message.type === "end") {
    one.isDone = true;
    showState(one, message.run.state);
    if (!one.length) say(one, t("It has written nothing."));
    if (one.data.state === "running") one.send("told", `${message.run.id} ${message.run.state}`);
  }
}

// Add text at the end; only the newest of it stays, and whoever has scrolled up keeps their place.
function add(one, { parts, skipped }) {
  const { log } = one;
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < FROM_BOTTOM;
  if (skipped) log.append(made("span", { className: "project-gap", textContent: t("… {count} characters are left out\n", { count: skipped }) }));
  for (const { stream, text } of parts) {
    log.append(made("span", { className: stream === "stderr" ? "project-stderr" : "", textContent: text }));
    one.length += text.length;
  }
  while (one.length > MOST_CHARACTERS && log.childNodes.length > 1) {
    one.length -= log.firstChild.textContent.length;
    log.firstChild.remove();
  }
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function showState(one, state) {
  one.stop.hidden = state !== "running" || !one.data.may_stop;
}

function say(one, text) {
  one.note.textContent = text;
}

async function stop(one) {
  const { project, run } = one.data;
  one.stop.disabled = true;
  const path = `/api/projects/${encodeURIComponent(project)}/runs/${encodeURIComponent(run)}/stop`;
  try {
    const answer = await fetch(path, { method: "POST" });
    if (!answer.ok) say(one, (await answer.json()).error.message);
  } catch {
    say(one, t("The server did not answer; press Stop again."));
  }
  one.stop.disabled = false;
}

// ---- the frame of a preview: nothing but scripts is allowed, and the answer of the server says so once more

function preview(data, parent) {
  const before = parent.querySelector("iframe");
  const page = data.address.replace(/^\/preview\/[^/]+/, "");
  if (before && before.dataset.page === `${data.commit} ${page}`) return;
  const frame = made("iframe", { className: "project-frame", title: t("Preview of {page}", { page: data.title }), referrerPolicy: "no-referrer" });
  frame.setAttribute("sandbox", "allow-scripts");
  frame.setAttribute("credentialless", "");
  frame.setAttribute("allow", "");
  frame.dataset.page = `${data.commit} ${page}`;
  frame.src = data.address;
  rootOf(parent).replaceChildren(frame);
}
