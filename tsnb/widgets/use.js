// How to use a model: the try-it box, and the request in it as curl, Python and JavaScript.

import { button, copyButton, h, show } from "./dom.js";
import { insertCell } from "./insert.js";
import { tabList } from "./tabs.js";
import { tryIt } from "./try_it.js";

const CELLS = { curl: (code) => `%%bash\n${code}`, Python: (code) => code, JavaScript: (code) => `%%javascript\n${code}` };

/** `chosen()` says {name, version, calls}: the calls to show before a request was composed. Returns {el, update, close}. */
export function useIt(line, chosen, history) {
  const state = { tab: "Try it" };
  const composed = { calls: null, key: "" };
  const trial = tryIt(line, chosen, history);
  const tabs = tabList(["Try it", ...Object.keys(CELLS)], "Use the model", state, () => {
    compose();
    update();
  });
  const panel = h("div", { role: "tabpanel", class: "tsnb-tabpanel", id: tabs.panelId, tabindex: "-1" });
  const code = h("pre", { tabindex: "0" });
  const said = h("span", { class: "tsnb-dim", "aria-live": "polite" });

  const text = () => (composed.calls ?? chosen().calls)[state.tab] ?? "";
  const insert = async () => {
    const cell = CELLS[state.tab](text());
    if (await insertCell(panel, cell)) return show(said, "inserted below");
    try {
      await navigator.clipboard.writeText(cell);
      show(said, "copied: paste it into a new cell");
    } catch {
      show(said, "select it and copy it into a new cell");
    }
  };
  const tools = h("div", { class: "tsnb-row tsnb-call-tools" }, said, button("Insert as cell", insert), copyButton(text, "this call"));
  const call = h("div", { class: "tsnb-call" }, code, tools);

  /** Put the request of the box into words; without one, an example stays. */
  const compose = async () => {
    show(said, "");
    if (state.tab === "Try it") return;
    if (trial.isEmpty()) {
      composed.calls = null;
      return;
    }
    try {
      const [content, buffers] = await trial.request();
      const [reply] = await line.ask("snippets", content, buffers);
      composed.calls = reply.calls;
    } catch (error) {
      composed.calls = null;
      show(said, error.message ?? String(error));
    }
    update();
  };

  const update = (usable) => {
    trial.update(usable);
    tabs.update();
    if (state.tab !== "Try it") show(code, text());
    const inner = state.tab === "Try it" ? trial.el : call;
    if (panel.firstChild !== inner) panel.replaceChildren(inner);
    panel.setAttribute("aria-labelledby", tabs.idOf(state.tab));
  };
  update(true);
  return { el: h("section", {}, tabs.el, panel), update, close: trial.close };
}
