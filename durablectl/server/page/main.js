// Starts the page: its head, its views by the address, its keys, and what it says of trouble.

import { live, onTrouble, read, readEarly } from "./api.js";
import { compareView } from "./compare.js";
import { button, data, fill, h } from "./dom.js";
import { instanceReads, instanceView } from "./instance.js";
import { listenToKeys } from "./keys.js";
import { listReads, listView } from "./list.js";
import { startView } from "./start.js";

const VIEWS = { instances: listView, instance: instanceView, start: startView, compare: compareView };
const READS = { instances: listReads, instance: instanceReads }; // while the hub is asked what it is
const NAMES = { instances: "Instances", start: "Start", compare: "Compare" };
const HUB_EVERY = 10_000;

/** What every view has: the hub, what it turned out not to support, and the way elsewhere. */
const app = {
  hub: null,
  unsupported: new Set(),
  address,
  go(view, parameters = {}) {
    location.hash = address(view, parameters);
  },
  /** Put parameters into the address without a new entry in the browser's history. */
  keep(view, parameters) {
    history.replaceState(null, "", address(view, parameters));
    route();
  },
  title(text) {
    document.title = text ? `${text} - durablectl` : "durablectl";
  },
};
let shown = null;

function address(view, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  return `#/${view}${given.length ? `?${new URLSearchParams(given)}` : ""}`;
}

function asked() {
  const [, name, query] = /^#\/(\w*)\??(.*)$/.exec(location.hash) || [null, "instances", ""];
  return [VIEWS[name] ? name : "instances", Object.fromEntries(new URLSearchParams(query))];
}

function route() {
  const [view, parameters] = asked();
  if (shown?.name === view && shown.update?.(parameters)) return;
  const main = document.getElementById("main");
  const isFirst = shown === null;
  shown?.close?.();
  fill(main);
  shown = { name: view, ...VIEWS[view](main, parameters, app) };
  for (const link of document.querySelectorAll("#top nav a")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!isFirst) {
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

function head() {
  const { hub } = app;
  fill(
    document.getElementById("top"),
    h("a", { class: "brand", href: address("instances") }, h("img", { src: "icon.svg", alt: "", width: 20, height: 20 }), "durablectl"),
    h("nav", { "aria-label": "Views" }, Object.entries(NAMES).map(([view, name]) => {
      const link = h("a", { href: address(view) }, name);
      link.dataset.view = view;
      return link;
    })),
    h("div", { class: "hub" },
      data(hub.label, { title: hub.address, id: "hub-label" }),
      hub.readOnly && h("span", { class: "mark" }, "read-only"),
      hub.confirm && h("span", { class: "mark" }, "protected"),
      hub.hasWorker === false && h("span", { class: "mark warns", title: "Start one with: durablectl worker" }, "no worker is running"),
    ),
    button("Keys", () => document.dispatchEvent(new Event("keys")), { class: "small", "aria-keyshortcuts": "?" }),
  );
}

function banner(error) {
  const place = document.getElementById("banner");
  place.hidden = error === null;
  if (error === null) return;
  const expired = error.status === 401;
  fill(place,
    h("strong", {}, expired ? "This address has expired. " : error.status ? "The hub does not answer. " : "Connection lost. "),
    expired ? "Open the address that durablectl ui printed last, or run durablectl ui again." : `${error.message}. `,
    !expired && "Trying again; what is shown may be out of date.",
  );
}

async function begin() {
  onTrouble(banner);
  let tag = null;
  const [view, parameters] = asked();
  readEarly(READS[view]?.(parameters) || []);
  live(async (signal) => {
    const answer = await read("hub", {}, { tag, signal });
    tag = answer.tag;
    if (answer.value === null) return;
    const isFirst = app.hub === null;
    app.hub = answer.value;
    head();
    if (isFirst) {
      window.addEventListener("hashchange", route);
      listenToKeys(app);
      route();
    } else document.querySelector(`#top nav a[data-view="${shown.name}"]`)?.setAttribute("aria-current", "page");
  }, { every: () => HUB_EVERY });
}

begin();
