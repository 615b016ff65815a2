// Talks to the process that serves the page: reads, changes, and reads again and again.

const HTTP_API = "/runtime/webhooks/durabletask";
const LONGEST_PAUSE = 10_000;

/** An answer that is an error. `message` is in the hub's own words where it has any. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Read JSON; `tag` is that of the answer that is known, and null comes back when it still holds. */
export async function read(name, parameters = {}, { tag = null, signal } = {}) {
  const known = keyOf(name, parameters), begun = early.get(known);
  early.delete(known);
  if (begun) return begun;
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => given(value)));
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await ask(`api/${name}?${query}`, { headers, signal, cache: "no-store" });
  if (answer.status === 304) return { value: null, tag };
  return { value: await answer.json(), tag: answer.headers.get("etag") };
}

const early = new Map();
const keyOf = (name, parameters) => JSON.stringify([name, Object.entries(parameters).filter(([, value]) => given(value)).sort()]);

/** Ask now for what will be read soon: [name, parameters] each. */
export function readEarly(reads) {
  for (const [name, parameters] of reads) {
    const begun = read(name, parameters);
    begun.catch(() => {}); // who reads it will see the error
    early.set(keyOf(name, parameters), begun);
  }
}

const given = (value) => value !== undefined && value !== null && value !== "";

/** Change something through the service's HTTP API; `confirm` is the name of a protected hub. */
export async function change(method, path, { query = {}, body, confirm } = {}) {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => given(value)));
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (confirm) headers["x-durablectl-confirm"] = encodeURIComponent(confirm);
  const address = `${HTTP_API}/${path.map(encodeURIComponent).join("/")}?${parameters}`;
  const answer = await ask(address, { method, headers, body });
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, { credentials: "same-origin", redirect: "error", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "durablectl does not answer; it may have been stopped");
  }
  if (answer.ok || answer.status === 304) return answer;
  throw new Refused(answer.status, words(answer.status, await answer.text()));
}

/** Why, as the service says it; what it leaves unsaid in our own words. */
function words(status, text) {
  try {
    const said = JSON.parse(text);
    if (typeof said === "string" && said) return said;
    const message = said.ExceptionMessage || said.Message || said.exceptionMessage || said.message;
    if (message) return message;
  } catch {
    // not JSON: our own words
  }
  return {
    401: "this address has expired",
    404: "there is no such instance",
    410: "the instance has finished already",
  }[status] || text.slice(0, 300) || `the answer was ${status}`;
}

const watchers = new Set();
let trouble = null;

/** Be told of each change between null (all is well) and the error of the last request. */
export function onTrouble(watcher) {
  watchers.add(watcher);
}

function report(error) {
  if ((error?.message ?? null) === (trouble?.message ?? null)) return;
  trouble = error;
  for (const watcher of watchers) watcher(error);
}

/**
 * Call `load(signal)` now, and again `every` milliseconds after it has ended: later while the page
 * is hidden, where it takes long, and the longer the oftener it has failed.
 * Errors go to `failed(error)`: true when it has dealt with one.
 */
export function live(load, { every, failed = () => false }) {
  const stopping = new AbortController();
  let timer = null, failures = 0, running = false, again = false;

  async function turn() {
    clearTimeout(timer);
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    const begun = performance.now();
    try {
      await load(stopping.signal);
      failures = 0;
      report(null);
    } catch (error) {
      if (stopping.signal.aborted) return;
      if (failed(error)) report(null);
      else {
        failures += 1;
        report(error instanceof Refused ? error : new Refused(0, String(error)));
        if (!(error instanceof Refused)) console.error(error);
      }
    } finally {
      running = false;
    }
    if (stopping.signal.aborted) return;
    if (again) turn();
    else timer = setTimeout(next, pause(performance.now() - begun));
  }

  function pause(took) {
    return failures ? Math.min(500 * 2 ** failures, LONGEST_PAUSE) : Math.max(every(), 4 * took);
  }

  function next() {
    if (!document.hidden) turn();
  }

  const shown = () => document.hidden || turn();
  document.addEventListener("visibilitychange", shown);
  turn();
  return {
    now: turn,
    stop() {
      stopping.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    },
  };
}
