// Keeps a page live. <body data-live="job area"> names the events that concern it: progress is applied at once, and
// for the rest the page is fetched again and its [data-fragment] elements take on the new form.
import { morph } from "./morph.js";

const PAUSE_MS = 700;
const RETRY_MS = 5000;
const body = document.body;
const topics = (body.dataset.live ?? "").split(" ").filter(Boolean);
const status = document.querySelector("[data-live-status]");

// --- the stream -----------------------------------------------------------------------------------------------

let stream = null;
let retry = 0;

function connect() {
  if (stream || document.hidden) return;
  stream = new EventSource("/api/jobs/stream");
  stream.addEventListener("open", () => say("live"));
  stream.addEventListener("error", () => {
    say("reconnecting");
    // A refusal ends an EventSource; a lost connection it takes up by itself.
    if (stream?.readyState === EventSource.CLOSED) {
      disconnect();
      retry = setTimeout(connect, RETRY_MS);
    }
  });
  stream.addEventListener("resync", schedule);
  // The place in the stream. The page is older where something happened before we listened.
  stream.addEventListener("hello", (event) => {
    if (event.lastEventId !== body.dataset.liveSeen) schedule();
  });
  for (const topic of topics) {
    stream.addEventListener(topic, (event) => {
      const data = parse(event.data);
      if (topic === "job") {
        applyJob(data);
        since.push(data);
      }
      if (concerns(data)) schedule();
    });
  }
}

function disconnect() {
  clearTimeout(retry);
  stream?.close();
  stream = null;
}

function say(words) {
  if (!status) return;
  status.hidden = false;
  status.textContent = words;
  status.dataset.state = words;
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

// A page about one job or one area ignores what is told about others.
function concerns(data) {
  const { liveJob, liveArea } = body.dataset;
  if (liveJob && data.id !== undefined) return String(data.id) === liveJob;
  if (liveArea && data.area !== undefined && data.area !== null) return String(data.area) === liveArea;
  return true;
}

// --- what is applied at once ----------------------------------------------------------------------------------

function applyJob({ id, state, progress }) {
  if (id === undefined) return;
  const name = CSS.escape(String(id));
  if (typeof progress === "number") {
    for (const element of document.querySelectorAll(`[data-job-progress="${name}"]`)) {
      if (element.nodeName === "PROGRESS") element.value = progress;
      else element.textContent = `${Math.floor(Math.min(Math.max(progress, 0), 1) * 100 + 1e-9)} %`;
    }
  }
  if (typeof state === "string" && /^[a-z]+$/.test(state)) {
    for (const element of document.querySelectorAll(`[data-job-state="${name}"]`)) {
      element.className = `pill pill-${state}`;
      element.textContent = state;
    }
  }
}

// --- what is fetched again ------------------------------------------------------------------------------------

let wanted = false; // something changed since the last fetch began
let busy = false; // a fetch or its pause is under way
let since = []; // what was told of jobs since the last fetch began: newer than what it brings

function schedule() {
  wanted = true;
  if (busy || document.hidden) return;
  busy = true;
  setTimeout(refetch, PAUSE_MS);
}

async function refetch() {
  wanted = false;
  since = [];
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
    if (response.redirected) return location.reload(); // signed out
    if (response.ok) {
      update(new DOMParser().parseFromString(await response.text(), "text/html"));
      since.forEach(applyJob);
    }
  } catch {
    // The stream says when the server is back, and asks for another look then.
  } finally {
    busy = false;
    if (wanted) schedule();
  }
}

function update(page) {
  document.title = page.title;
  body.dataset.liveSeen = page.body.dataset.liveSeen;
  // Another shape of page, such as the first account: all of it is new.
  if (fragments(page) !== fragments(document)) morph(document.querySelector("main"), page.querySelector("main"));
  for (const fresh of page.querySelectorAll("[data-fragment]")) {
    const old = document.querySelector(`[data-fragment="${CSS.escape(fresh.dataset.fragment)}"]`);
    if (!old) continue;
    if ("holdNew" in old.dataset) hold(old, fresh);
    else morphKeepingScroll(old, fresh);
  }
}

const fragments = (page) => [...page.querySelectorAll("main [data-fragment]")].map((it) => it.dataset.fragment).join();

// A list that is followed stays at its end.
function morphKeepingScroll(old, fresh) {
  const followed = [...old.querySelectorAll(".messages")].filter(
    (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 8,
  );
  morph(old, fresh);
  for (const list of followed) list.scrollTop = list.scrollHeight;
}

// --- rows that would shift what is being read -----------------------------------------------------------------

function hold(old, fresh) {
  const known = new Set([...old.querySelectorAll("tr[data-key]")].map((row) => row.dataset.key));
  const rows = [...fresh.querySelectorAll("tr[data-key]")];
  const added = rows.filter((row) => !known.has(row.dataset.key));
  const scrolled = old.getBoundingClientRect().top < 0;
  if (!scrolled || added.length === 0) {
    offer(old, 0);
    morph(old, fresh);
    return;
  }
  for (const row of rows) {
    const same = old.querySelector(`tr[data-key="${CSS.escape(row.dataset.key)}"]`);
    if (same) morph(same, row);
  }
  offer(old, added.length, () => {
    old.scrollIntoView();
    offer(old, 0);
    morph(old, fresh);
  });
}

function offer(fragment, count, take) {
  document.querySelector(".new-rows")?.remove();
  if (count === 0) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "new-rows primary";
  button.textContent = `${count} new`;
  button.addEventListener("click", take);
  fragment.before(button);
}

// --- small comforts -------------------------------------------------------------------------------------------

// A click anywhere in a row opens it, as long as no text is being selected and nothing else was meant.
document.addEventListener("click", (event) => {
  const row = event.target.closest("table.rows tbody tr");
  if (!row || event.target.closest("a, button, input, summary") || String(getSelection())) return;
  const link = row.querySelector("a.open");
  if (event.metaKey || event.ctrlKey) open(link.href, "_blank", "noopener");
  else link?.click();
});

// One box for all boxes of its table.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-check-all]")) return;
  for (const box of event.target.closest("table").querySelectorAll("tbody input[type=checkbox]")) {
    box.checked = event.target.checked;
  }
});

// A menu closes when the person goes elsewhere.
document.addEventListener("click", (event) => closeMenus((menu) => !menu.contains(event.target)));
document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(() => true));

function closeMenus(which) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (which(menu)) menu.open = false;
}

// --- start ----------------------------------------------------------------------------------------------------

for (const list of document.querySelectorAll(".messages")) list.scrollTop = list.scrollHeight;

if (topics.length > 0) {
  connect();
  // A hidden page holds no connection, because a browser has few; it looks again when it is shown.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return disconnect();
    connect();
    schedule();
  });
  // The same for a page that comes out of the back-forward cache.
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => event.persisted && (connect(), schedule()));
}
