// The view that starts an instance.

import { change, read } from "./api.js";
import { announce, button, fill, h, say } from "./dom.js";
import { jsonEditor } from "./json.js";

export function startView(main, parameters, app) {
  const known = app.hub.orchestrators || [];
  const names = h("datalist", { id: "orchestrators" }, known.map((name) => h("option", { value: name })));
  const name = h("input", { id: "name", list: "orchestrators", required: true, autocomplete: "off", spellcheck: "false", value: parameters.name || "" });
  const instance = h("input", { id: "id", autocomplete: "off", spellcheck: "false", placeholder: "made at random" });
  const editor = jsonEditor({ label: "input", hint: "JSON; empty for none" });
  editor.field.rows = 12;
  const like = h("input", { id: "like", autocomplete: "off", spellcheck: "false", value: parameters.like || "" });
  const confirm = h("input", { id: "confirm", autocomplete: "off", spellcheck: "false", required: true });
  const said = h("p", { class: "outcome", role: "alert" });
  const send = h("button", { type: "submit", class: "primary", disabled: app.hub.readOnly }, "Start");

  app.title("Start");
  fill(main, h("h1", {}, "Start an instance"),
    app.hub.readOnly && h("p", { class: "notice" }, "This hub is read-only: nothing can be started here."),
    h("form", { class: "start", onsubmit: (event) => {
      event.preventDefault();
      start();
    } },
      h("label", { for: "name" }, "Orchestrator"), name, names,
      h("p", { class: "hint" }, known.length ? `Known: ${known.slice(0, 12).join(", ")}${known.length > 12 ? " …" : ""}` : "The hub cannot list its orchestrators; write the name as the app has it."),
      h("label", { for: "id" }, "Instance id"), instance,
      h("label", { for: "input" }, "Input"), editor.field, editor.said,
      h("div", { class: "inline" }, h("label", { for: "like" }, "Take the input of instance"), like, button("Load", load)),
      app.hub.confirm && [h("label", { for: "confirm" }, `This hub is protected: type ${app.hub.confirm} to confirm`), confirm],
      said, h("div", { class: "buttons" }, send)));
  if (parameters.like) load();
  else name.focus();

  async function load() {
    say(said, "");
    try {
      const { value } = await read("instance", { id: like.value.trim() });
      const payload = value.payloads.input;
      if (payload?.isCut) say(said, "That input is too large for this editor; use durablectl start --input FILE.");
      else editor.set(payload === null ? "" : payload.isText ? JSON.stringify(payload.text) : payload.text);
      if (!name.value) name.value = value.name;
    } catch (error) {
      say(said, `Cannot read '${like.value}': ${error.message}.`);
    }
  }

  async function start() {
    const text = editor.text();
    if (text === null) return editor.field.focus();
    const id = instance.value.trim();
    fill(said);
    send.disabled = true;
    try {
      if (id) await refuseKnown(id);
      const body = text !== undefined && app.hub.encode === "string" ? JSON.stringify(text) : text;
      const path = ["orchestrators", name.value.trim(), ...(id ? [id] : [])];
      const started = await change("POST", path, { body, confirm: confirm.value });
      announce(`Started ${started.id}`);
      app.go("instance", { id: started.id });
    } catch (error) {
      say(said, `Not started: ${error.message}.`);
    } finally {
      send.disabled = false;
    }
    return undefined;
  }

  /** The service would replace a finished instance of the same id without asking. */
  async function refuseKnown(id) {
    let found;
    try {
      found = await read("instance", { id });
    } catch (error) {
      if (error.status === 404) return;
      throw error;
    }
    throw new Error(`an instance '${id}' is there already (${found.value.runtimeStatus})`);
  }

  return {};
}
