// Makes elements. Text is always text: nothing that comes from a hub is ever read as markup.

const UNCUT = 20, TAIL = 6;
const SVG = "http://www.w3.org/2000/svg";

/** An element with properties (`onclick`, `class`, attributes) and children; null is left out. */
export function h(tag, properties = {}, ...children) {
  return built(document.createElement(tag), properties, children);
}

/** The same for a part of an SVG. */
export function s(tag, properties = {}, ...children) {
  return built(document.createElementNS(SVG, tag), properties, children);
}

function built(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter(present));
  return element;
}

const present = (child) => child !== null && child !== undefined && child !== false;

/** Replace what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(present));
  return element;
}

/** Write a text where it has changed, so that a reader's selection stays. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  return element;
}

/**
 * Let an element's children be those of `items`, in their order: known ones stay where they are.
 * `make(item)` returns an element with a function `update(item)`.
 */
export function reconcile(parent, items, keyOf, make) {
  const known = new Map([...parent.children].map((child) => [child.key, child]));
  const kept = new Set();
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let element = known.get(key);
    if (!element || kept.has(key)) {
      element = make(item);
      element.key = key;
    }
    kept.add(key);
    element.update?.(item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const [key, child] of known) if (!kept.has(key)) child.remove();
}

/** A button. */
export function button(text, onclick, properties = {}) {
  return h("button", { type: "button", onclick, ...properties }, text);
}

/** Text from a hub, apart from the direction of the text around it. */
export function data(text, properties = {}) {
  return h("bdi", properties, text);
}

/** An id, cut in its middle where there is no room: the ids of siblings differ at their ends. */
export function idText(id) {
  if (id.length <= UNCUT) return [data(id)];
  return [data(id.slice(0, -TAIL), { class: "head" }), data(id.slice(-TAIL), { class: "tail" })];
}

/** The status of an instance: a word with a mark in front. */
export function badge(status) {
  return h("span", { class: `badge ${status.toLowerCase()}` }, status);
}

/** Tell who cannot see the page what has happened. */
export function announce(text) {
  document.getElementById("said").textContent = text;
}

/** A button that copies a text. */
export function copier(text, label = "Copy") {
  const made = button(label, async () => {
    try {
      await navigator.clipboard.writeText(text());
      say(made, "Copied");
    } catch {
      say(made, "Not allowed to copy");
    }
    setTimeout(() => say(made, label), 1500);
  }, { class: "small" });
  return made;
}

/**
 * Let a part of an element's width be selected with a pointer: `selected(low, high)` is called with
 * fractions of it, and `dragged([low, high])` while the pointer moves, with null at the end.
 */
export function brushable(element, selected, dragged = () => {}) {
  let from = null;
  const fraction = (event) => {
    const box = element.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  };
  const part = (event) => [from, fraction(event)].sort((a, b) => a - b);
  const end = () => {
    from = null;
    dragged(null);
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    from = fraction(event);
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => from === null || dragged(part(event)));
  element.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const chosen = part(event);
    end();
    selected(...chosen);
  });
  element.addEventListener("pointercancel", end);
}
