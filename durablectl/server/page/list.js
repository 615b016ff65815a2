// The view of instances: live, the newest first, page by page, with filters, counts and actions.

import { actionButtons } from "./actions.js";
import { live, read } from "./api.js";
import { button, fill, h, reconcile, say } from "./dom.js";
import { filterBar } from "./filters.js";
import { counted, number } from "./format.js";
import { histogram } from "./histogram.js";
import { isField } from "./keys.js";
import { COLUMNS, makeRow } from "./rows.js";

const TOP = 50;
const LOCAL_EVERY = 1000, REMOTE_EVERY = 10_000;
const READING = 10_000; // after so long without a move of the pointer nobody reads the rows
const MOST_CHILDREN = 100;

/** What the list asks for: its part of the instances, from the page's address. */
function listRequest(query, pinned) {
  const isFlat = query.status || query.name || query.prefix || query.children;
  return {
    top: TOP, at: query.at || pinned, fold: String(!isFlat), runtimeStatus: query.status,
    name: query.name, prefix: query.prefix, range: query.range, from: query.from, to: query.to,
  };
}

/** The rows alone: of a large hub they are there long before the counts are. */
const rowsOnly = (wanted) => ({ ...wanted, counts: "false" });
export const listReads = (query) => [["instances", rowsOnly(listRequest(query, null))]];

export function listView(main, parameters, app) {
  let query = {}, listed = null, tag = null, pinned = null, moved = 0;
  const selected = new Map(), unfolded = new Map();

  const instances = () => [...selected.values()].map(({ id, name, status }) => ({ id, name, status }));
  const iso = (time) => new Date(time).toISOString();

  const filters = filterBar(app, (changes) => app.keep("instances", { ...query, at: null, ...changes }));
  const starts = histogram((from, to) => app.go("instances", { ...query, at: null, range: null, from: iso(from), to: iso(to) }));
  const newer = button("", () => {
    pinned = null;
    moved = 0;
    document.activeElement?.blur();
    if (query.at) app.go("instances", { ...query, at: null });
    else refresh();
  }, { class: "newer", hidden: true });
  const body = h("tbody", { role: "rowgroup" });
  const all = h("input", { type: "checkbox", "aria-label": "Select all that are shown", onchange: selectAll });
  const table = h("table", { class: "instances", role: "table", "aria-label": "Instances" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, COLUMNS.map((name, index) => h("th", { role: "columnheader", scope: "col", class: name.toLowerCase() || "box" }, index ? name : all)))),
    body);
  const empty = h("div", { class: "empty", hidden: true });
  const footer = h("p", { class: "quiet", role: "status" });
  const previous = button("Newer", () => app.go("instances", { ...query, at: listed.previous }));
  const next = button("Older", () => app.go("instances", { ...query, at: listed.next }));
  const chosen = h("span", {});
  const buttons = actionButtons(app, () => instances(), () => {
    selected.clear();
    showSelection();
    refresh();
  });
  const compare = button("Compare", () => {
    const [a, b] = selected.keys();
    app.go("compare", { a, b });
  });
  const selection = h("div", { class: "selection", hidden: true, role: "toolbar", "aria-label": "Selected instances" },
    chosen, buttons, compare, button("Clear selection", () => {
      selected.clear();
      draw();
    }, { class: "small" }));

  app.title("Instances");
  main.append(h("h1", { class: "hidden" }, "Instances"), filters.element, starts.element, selection, newer, table, empty,
    h("div", { class: "pages" }, footer, previous, next));

  function show(given) {
    const { focus, ...wanted } = given;
    if (focus === "search") setTimeout(() => filters.search.focus());
    if (JSON.stringify(wanted) !== JSON.stringify(query)) {
      tag = null;
      pinned = null;
      listed = null;
    }
    query = wanted;
    filters.show(query);
  }

  /** Whether rows that come now would move what somebody reads or is about to press. */
  function isRead() {
    return window.scrollY > table.offsetTop || selected.size > 0 || body.contains(document.activeElement)
      || (body.matches(":hover") && performance.now() - moved < READING);
  }

  async function load(signal) {
    pinned = !query.at && listed?.rows.length && isRead() ? (pinned || listed.rows[0].at) : null;
    const asked = query;
    const wanted = listRequest(query, pinned);
    const key = JSON.stringify(wanted);
    if (listed === null) {
      const rows = (await read("instances", rowsOnly(wanted), { signal })).value;
      if (asked !== query) return;
      listed = rows;
      draw();
    }
    const answer = await read("instances", wanted, { tag: load.key === key ? tag : null, signal });
    if (asked !== query) return;
    load.key = key;
    tag = answer.tag;
    if (answer.value !== null) listed = answer.value;
    await Promise.all([...unfolded.keys()].map((id) => loadChildren(id, signal)));
    if (asked === query) draw();
  }

  async function loadChildren(id, signal) {
    const known = unfolded.get(id);
    const answer = await read("children", { id }, { tag: known?.tag, signal });
    if (answer.value !== null && unfolded.has(id)) unfolded.set(id, { tag: answer.tag, rows: answer.value.rows });
  }

  function draw() {
    if (listed === null) return;
    reconcile(body, shownRows(), (row) => `${row.depth} ${row.id}`, (row) =>
      row.more ? h("tr", { role: "row", class: "child" }, h("td", { role: "cell", colspan: COLUMNS.length }, row.more))
        : makeRow(app, row, { selected, toggle, changed: showSelection }));
    filters.names(listed.rows.map((row) => row.name));
    if (listed.counts) {
      filters.counts(listed.counts);
      starts.update(listed.starts);
      say(footer, footerText());
    }
    newer.hidden = query.at ? true : !(pinned && listed.newer);
    say(newer, `${listed.newer >= 1000 ? "1,000 or more" : listed.newer} newer: show`);
    previous.disabled = !listed.previous;
    next.disabled = !listed.next;
    table.hidden = listed.rows.length === 0;
    empty.hidden = listed.rows.length > 0;
    if (!listed.rows.length) drawEmpty();
    showSelection();
  }

  function shownRows() {
    return listed.rows.flatMap((row) => {
      const children = unfolded.get(row.id)?.rows;
      const rest = (children?.length || 0) - MOST_CHILDREN;
      return [
        { ...row, depth: 0, unfolded: unfolded.has(row.id) },
        ...(children || []).slice(0, MOST_CHILDREN).map((child) => ({ ...child, depth: 1, unfolded: false, children: 0 })),
        ...(rest > 0 ? [{ id: `${row.id} more`, depth: 2, more: `${number(rest)} more: open the instance to see them` }] : []),
      ];
    });
  }

  function toggle(row) {
    if (!unfolded.delete(row.id)) unfolded.set(row.id, null);
    refresh();
    draw();
  }

  function drawEmpty() {
    const isFiltered = query.status || query.name || query.prefix || query.from || query.range;
    const any = app.hub.isLocal && !isFiltered;
    fill(empty, h("p", { class: "title" }, any ? "There is no instance yet." : "No instance matches."),
      h("p", {}, any ? ["Run ", h("code", {}, "durablectl start NAME"), ", or start one here."] : app.hub.isLocal ? "Change the filters, or clear them." : "Change the filters, or choose a longer time range."),
      !app.hub.readOnly && h("p", {}, h("a", { class: "button", href: app.address("start") }, "Start an instance")));
  }

  function footerText() {
    const every = Object.values(listed.counts).reduce((a, b) => a + b, 0);
    const statuses = (query.status || "").split(",").filter(Boolean);
    const total = statuses.length ? statuses.reduce((sum, each) => sum + (listed.counts[each] || 0), 0) : every;
    const scope = listed.read === null ? "" : listed.isComplete
      ? ` in ${query.from ? "this range" : "the time range"}; refreshed every 10 s`
      : ` among the ${number(listed.read)} that were read of the time range: choose a shorter one to see all`;
    return `${counted(total, "instance")}${statuses.length ? "" : ", sub-orchestrations included"}${scope}`;
  }

  function selectAll() {
    for (const row of body.children) {
      if (row.item && all.checked) selected.set(row.item.id, row.item);
      else if (row.item) selected.delete(row.item.id);
    }
    draw();
  }

  function showSelection() {
    selection.hidden = selected.size === 0;
    all.checked = selected.size > 0 && [...body.children].every((row) => !row.item || selected.has(row.item.id));
    say(chosen, `${selected.size} selected`);
    for (const each of buttons) each.refresh();
    compare.hidden = selected.size !== 2;
  }

  function onKey(event) {
    if (isField(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    const row = document.activeElement?.closest?.("tbody tr");
    if (step && (row || event.key === "j" || event.key === "ArrowDown")) {
      const rows = [...body.querySelectorAll("a.id")];
      const at = row ? rows.indexOf(row.querySelector("a.id")) + step : 0;
      rows[Math.min(Math.max(at, 0), rows.length - 1)]?.focus();
      event.preventDefault();
    } else if (row && event.key === "x") row.querySelector("input").click();
    else if (row?.item?.children && event.key === (row.item.unfolded ? "ArrowLeft" : "ArrowRight")) toggle(row.item);
  }

  const onMove = () => (moved = performance.now());
  body.addEventListener("pointermove", onMove);
  document.addEventListener("keydown", onKey);
  show(parameters);
  const loading = live(load, { every: () => (app.hub.isLocal ? LOCAL_EVERY : REMOTE_EVERY) });
  const ticking = setInterval(() => [...body.children].forEach((row) => row.tick?.()), 1000);
  const refresh = () => loading.now();

  return {
    update(given) {
      show(given);
      refresh();
      return true;
    },
    close() {
      loading.stop();
      clearInterval(ticking);
      document.removeEventListener("keydown", onKey);
    },
  };
}
