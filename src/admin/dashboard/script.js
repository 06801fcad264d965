// The page of one server: its status, drawn anew with every event, and the orders that its token allows.
"use strict";

const find = (id) => document.getElementById(id);
const KEY = "understudy-token";
const LATENCIES = 40;
const NEWS = 30;
const latencies = new Map();
let now = 0;
let drawing = null;
let again = false;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function headers() {
  const token = sessionStorage.getItem(KEY);
  return token ? { authorization: `Bearer ${token}` } : {};
}

class Refused extends Error {
  constructor(status, error) {
    super(error ? [error.message, error.help].filter(Boolean).join(". ") : `status ${status}`);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { ...headers(), ...options.headers } });
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, body.error);
}

function ago(at) {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}

function condition(service) {
  const preferred = Math.min(...service.members.map((member) => member.priority));
  if (service.served === "all-down") return ["bad", "all down"];
  if (service.served === "last-resort") return ["bad", "last resort"];
  if (service.tier !== preferred) return ["soso", `standby: tier ${service.tier} is active`];
  if (!service.tested) return ["soft", "served as declared, not tested"];
  const all = service.members.every((member) => member.serves);
  return [all ? "good" : "soso", `tier ${service.tier} is active${all ? "" : ", some members are down"}`];
}

function drawService(service) {
  const [tone, words] = condition(service);
  const card = element("article", undefined, `service ${tone}`);
  card.append(element("h3", service.service.split("+").map((half) => half.replace(/\.$/, "")).join(" + ")));
  const line = element("p");
  line.append(element("strong", words, tone));
  const changed = service.changed_ms ? `, changed ${ago(service.changed_ms)} ago` : "";
  const back = service.failback ? `, tier ${service.failback.tier} fails back in ${Math.ceil(service.failback.due_ms / 1000)}s` : "";
  line.append(element("span", `  TTL ${[...new Set(service.ttl)].join("/")}${changed}${back}`, "soft"));
  card.append(line, element("p", service.reason, "soft"));
  const list = element("ul");
  for (const member of service.members) {
    const item = element("li");
    const state = !member.listed ? ["soft", "○ left out"] : !member.serves && !member.leaving ? ["bad", "× down"]
      : member.known ? ["good", "● answered"] : ["soso", "◐ not tested"];
    item.append(element("span", state[1], state[0]), element("span", `tier ${member.priority}, weight ${member.weight}`, "soft"),
      element("span", member.member), element("span", member.placement, "soft"));
    list.append(item);
  }
  card.append(list);
  return card;
}

function sparkline(target) {
  const known = latencies.get(target.target) ?? [];
  const last = target.last;
  if (last && known.at(-1)?.at !== last.at_ms) {
    known.push({ at: last.at_ms, value: last.latency_ms });
    known.splice(0, known.length - LATENCIES);
    latencies.set(target.target, known);
  }
  if (!last) return element("span", "–");
  const cell = element("span");
  const most = Math.max(...known.map((point) => point.value), 0.001);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${LATENCIES} 10`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", known.map((point, at) => `${at},${10 - (9 * point.value) / most}`).join(" "));
  line.setAttribute("vector-effect", "non-scaling-stroke");
  svg.append(line);
  cell.append(element("span", `${last.latency_ms.toFixed(1)} ms `), svg);
  return cell;
}

function drawTarget(target) {
  const row = element("tr");
  const name = element("th", target.target);
  name.scope = "row";
  const tone = target.state === "up" && !target.degraded ? "good" : ["down", "leaving"].includes(target.state) ? "bad" : "soso";
  const state = element("td", target.degraded ? "degraded" : target.state === "unknown" ? "not tested" : target.state, tone);
  const latency = element("td");
  latency.append(sparkline(target));
  row.append(name, state, element("td", ago(target.since_ms)), latency, element("td", target.cause ?? target.untested ?? "", "soft"));
  return row;
}

function drawOrder(order) {
  const item = element("li");
  const ends = order.until_ms ? `for ${Math.ceil((order.until_ms - now) / 60000)} min` : "until it is cleared";
  const idle = order.idle ? " (nothing of that name is there)" : "";
  item.append(element("span", `${order.on} ${order.force}, ${ends}${order.author ? `, by ${order.author}` : ""}${order.reason ? `: ${order.reason}` : ""}${idle}`));
  const button = element("button", "Clear", "small");
  button.type = "button";
  button.setAttribute("aria-label", `Clear the order over ${order.on}`);
  button.addEventListener("click", () => change(`/v1/orders/${order.id}`, { method: "DELETE" }, `order over ${order.on} cleared`));
  item.append(button);
  return item;
}

async function draw() {
  const status = await (await ask("/v1/status")).json();
  now = status.now_ms;
  const health = status.health;
  const parts = [health.ready ? "ready" : "not ready", health.remark, status.isolated ? "isolated: silent failures do not count" : "",
    `generation ${status.generation}`, `version ${status.version}`];
  find("state").textContent = parts.filter(Boolean).join(" · ");
  find("state").className = !health.ready || status.isolated ? "bad" : health.remark ? "soso" : "good";
  const order = { bad: 0, soso: 1, good: 2, soft: 3 };
  const services = [...status.services].sort((a, b) => order[condition(a)[0]] - order[condition(b)[0]] || a.service.localeCompare(b.service));
  find("services").replaceChildren(...(services.length ? services.map(drawService) : [element("p", "No set follows health.")]));
  find("targets").replaceChildren(...status.targets.map(drawTarget));
  const focused = document.activeElement?.getAttribute("aria-label");
  find("orders").replaceChildren(...(status.orders.length ? status.orders.map(drawOrder) : [element("li", "none")]));
  if (focused) [...find("orders").querySelectorAll("button")].find((button) => button.getAttribute("aria-label") === focused)?.focus();
  const hosts = new Set(status.services.flatMap((service) => service.members.map((member) => member.member.replace(/:\d+$/, ""))));
  find("hosts").replaceChildren(...[...hosts].map((host) => { const option = element("option"); option.value = host; return option; }));
  document.title = services.some((service) => condition(service)[0] === "bad") ? "✗ understudy" : "understudy";
  find("board").hidden = false;
  find("login").hidden = true;
}

/// Draws once more when drawing is asked for while it goes on.
async function redraw() {
  again = true;
  if (drawing) return drawing;
  drawing = (async () => {
    while (again) {
      again = false;
      await draw();
    }
  })().finally(() => { drawing = null; });
  return drawing;
}

function news(event) {
  if (event.kind === "published") return;
  const item = element("li");
  const time = element("time", new Date(event.at_ms).toLocaleTimeString());
  time.dateTime = new Date(event.at_ms).toISOString();
  const tone = event.alarm || event.to === "down" ? "bad" : event.moved ? "soso" : event.to === "up" ? "good" : "";
  item.append(time, element("span", event.text, tone));
  find("news").prepend(item);
  while (find("news").children.length > NEWS) find("news").lastElementChild.remove();
}

async function follow(after) {
  const answer = await ask(`/v1/events?after=${after}`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (data && !block.includes("event: gap")) news(JSON.parse(data));
    }
    redraw().catch(() => {});
  }
}

async function change(path, options, done) {
  try {
    await ask(path, { ...options, headers: { "content-type": "application/json" } });
    find("said").textContent = done;
    await redraw();
  } catch (error) {
    find("said").textContent = `refused: ${error.message}`;
  }
}

async function run() {
  for (;;) {
    try {
      await redraw();
      let page = { next: "", more: true };
      find("news").replaceChildren();
      while (page.more) {
        page = await (await ask(`/v1/history${page.next ? `?after=${page.next}` : ""}`)).json();
        page.events.forEach(news);
      }
      await follow(page.next);
    } catch (error) {
      if (error.status === 401) {
        find("login-error").textContent = sessionStorage.getItem(KEY) ? "That token is not the server's." : "";
        sessionStorage.removeItem(KEY);
        find("board").hidden = true;
        find("login").hidden = false;
        find("state").textContent = "a token is needed";
        find("token").focus();
        return;
      }
      find("state").textContent = "no answer: trying again";
      find("state").className = "bad";
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

find("login").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, find("token").value.trim());
  find("token").value = "";
  run();
});
find("order").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = { force: find("force").value, on: find("on").value, reason: find("reason").value, author: "dashboard" };
  change("/v1/orders", { method: "POST", body: JSON.stringify(body) }, `${body.on}: ordered`);
});
setInterval(() => { if (!find("board").hidden) redraw().catch(() => {}); }, 1000);
run();
