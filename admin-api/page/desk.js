"use strict";
// Shows decisions as they fall. Texts come worded from the daemon and are set as texts, never as
// markup.

const ROWS_MAX = 200;
const SIGNS = {
  grant: "✓", grant_with_warning: "!", hold: "‖", deny: "✕", ignore: "–", release: "⇥",
};
const lang = document.documentElement.lang;
const byId = (id) => document.getElementById(id);
const feed = byId("feed");
const link = byId("link");
const pause = byId("pause");

let newest = "";
let paused = false;
let waiting = [];

const make = (tag, kind, text) => {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
};

const sign = (text) => {
  const node = make("span", "sign", text);
  node.setAttribute("aria-hidden", "true");
  return node;
};

const when = (item) => {
  const node = make("time", "", item.time);
  node.dateTime = item.at;
  if (item.date) node.append(make("span", "date", item.date));
  return node;
};

const place = (item) => {
  const node = make("div", "place");
  node.append(make("div", "gate", item.gate || ""));
  if (item.direction_word) {
    const way = make("div", "way");
    way.append(sign(item.direction === "exit" ? "← " : "→ "), item.direction_word);
    node.append(way);
  }
  return node;
};

const reason = (found) => {
  const line = make("li");
  line.append(make("code", "", found.code), ` ${found.sentence}`);
  for (const value of found.values) line.append(make("span", "values", value));
  line.append(make("span", "values origin", found.origin));
  return line;
};

const why = (item) => {
  const node = make("details");
  const list = make("ul");
  for (const found of item.reasons.concat(item.also)) list.append(reason(found));
  node.append(make("summary", "", feed.dataset.why), list);
  if (item.outcome === "deny" || item.outcome === "hold") {
    node.addEventListener("toggle", () => wouldOpen(item, node), { once: true });
  }
  return node;
};

// Worked out by the daemon when somebody asks.
const wouldOpen = async (item, node) => {
  const answer = await fetch(`/api/v1/decisions/${item.id}?lang=${lang}`).catch(() => undefined);
  const found = answer?.ok ? (await answer.json()).would_open : undefined;
  if (!found) return;
  const list = make("ul", "opens");
  for (const sentence of found.sentences) list.append(make("li", "", sentence));
  node.append(make("div", "opens-heading", feed.dataset.opens), list);
};

const decisionRow = (item) => {
  const row = make("li", `row ${item.outcome}`);
  const badge = make("div", "badge");
  badge.append(sign(SIGNS[item.outcome] || ""), ` ${item.outcome_word}`);
  const what = make("div", "what");
  const foot = make("div", "foot");
  foot.append(make("div", "who", item.who), why(item));
  what.append(make("div", "sentence", item.sentence), foot);
  row.append(when(item), place(item), badge, what);
  row.dataset.outcome = item.outcome;
  row.dataset.word = item.outcome_word;
  return row;
};

const conditionRow = (item) => {
  const row = make("li", "row condition");
  row.append(when(item), place(item), make("span"), make("div", "what", item.sentence));
  return row;
};

const tally = () => {
  const counts = new Map();
  for (const row of feed.children) {
    const { outcome, word } = row.dataset;
    if (outcome) counts.set(outcome, { word, n: (counts.get(outcome)?.n || 0) + 1 });
  }
  const chips = Object.keys(SIGNS).filter((outcome) => counts.has(outcome)).map((outcome) => {
    const chip = make("li", outcome);
    chip.append(sign(SIGNS[outcome]), ` ${counts.get(outcome).n} ${counts.get(outcome).word}`);
    return chip;
  });
  byId("tally").replaceChildren(...chips);
};

const show = (row, fresh) => {
  if (paused) {
    waiting.push(row);
    if (waiting.length > ROWS_MAX) waiting.shift();
    return;
  }
  if (fresh) row.classList.add("new");
  feed.prepend(row);
  while (feed.children.length > ROWS_MAX) feed.lastElementChild.remove();
  byId("empty").hidden = true;
  tally();
};

const tell = (state) => {
  if (paused && state === "live") state = "paused";
  link.className = `link ${state}`;
  const word = link.dataset[state];
  if (byId("link-word").textContent !== word) byId("link-word").textContent = word;
};

const showStatus = (status) => {
  const { live, refused } = status.rules;
  const state = byId("state");
  state.hidden = false;
  byId("rules").classList.toggle("none", !live);
  byId("rules-hash").textContent = live ? live.hash.slice(0, 12) : state.dataset.none;
  const since = byId("rules-since");
  since.textContent = live ? since.dataset.text.replace("{time}", live.since.local) : "";
  byId("refused").hidden = !refused;
  if (refused) {
    byId("refused-message").textContent = refused.message;
    byId("refused-when").textContent = refused.when.local;
  }
  const all = [{ name: state.dataset.database, up: status.database }, ...status.links];
  byId("links").replaceChildren(...all.map(({ name, up }) => {
    const node = make("li", up ? "up" : "down");
    node.append(sign(up ? "✓ " : "✕ "), `${name}: ${up ? state.dataset.up : state.dataset.down}`);
    return node;
  }));
};

const listen = () => {
  const query = new URLSearchParams({ lang });
  if (newest) query.set("after", newest);
  const source = new EventSource(`/api/v1/decisions/live?${query}`);
  source.onopen = () => tell("live");
  source.addEventListener("decision", (event) => {
    newest = event.lastEventId;
    show(decisionRow(JSON.parse(event.data)), true);
  });
  source.addEventListener("condition", (event) => show(conditionRow(JSON.parse(event.data)), true));
  source.addEventListener("gap", () => show(make("li", "row gap", feed.dataset.gap), false));
  source.addEventListener("status", (event) => showStatus(JSON.parse(event.data)));
  source.onerror = () => {
    tell("lost");
    // A refusal ends the browser's own attempts; a lost connection does not.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  };
};

const start = async () => {
  try {
    const answer = await fetch(`/api/v1/decisions?limit=60&lang=${lang}`);
    const page = answer.ok ? await answer.json() : { items: [] };
    for (const item of page.items.reverse()) show(decisionRow(item), false);
    newest = page.items.at(-1)?.feed_id || "";
    byId("empty").hidden = feed.children.length > 0;
  } catch {
    tell("lost");
  }
  listen();
};

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
  if (link.classList.contains("live") || link.classList.contains("paused")) {
    tell(paused ? "paused" : "live");
  }
  if (!paused) {
    for (const row of waiting) show(row, true);
    waiting = [];
  }
});

start();
