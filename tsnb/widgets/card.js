// The card of one model: how it is, how many workers, try it, and how to call it from elsewhere.

import { badge, button, copyButton, count, counted, h, show, table, unique } from "./dom.js";
import { connectionText, openLine } from "./live.js";
import { scaler } from "./scale.js";
import { tryIt } from "./try_it.js";

export default () => {
  let line = null;
  return {
    initialize({ model }) {
      line = openLine(model);
    },
    render({ model, el }) {
      return cardView(model, el, line);
    },
  };
};

function cardView(model, el, line) {
  const facts = () => model.get("facts");
  const state = { version: null, tab: "Try it", problem: "", sure: false, group: unique() };
  const chosen = () => facts().versions.find((each) => each.version === state.version) ?? main(facts().versions);

  const calls = () => (facts().versions.length > 1 ? chosen().calls : facts().calls);

  /** Do something to the model; what went wrong is shown, never thrown. */
  const act = async (kind, content) => {
    try {
      await line.ask(kind, { version: chosen().version, ...content });
      state.problem = "";
    } catch (error) {
      state.problem = error.message;
    }
    line.wake();
    update();
  };

  const head = h("div", { class: "tsnb-head" });
  const address = h("div", { class: "tsnb-address" });
  const problem = h("p", { class: "tsnb-message", role: "alert" });
  const versions = h("div");
  const figures = h("dl", { class: "tsnb-figures" });
  const workers = h("div");
  const scaled = h("section");
  const scale = scaler("Workers", chosen, (number) => act("scale", { workers: number }));
  const trial = tryIt((content, buffers) =>
    line.ask("predict", { version: chosen().version, ...content }, buffers).finally(line.wake),
  );
  const tabs = tabList(["Try it", ...Object.keys(facts().calls)], state, () => update());
  const panel = h("div", { role: "tabpanel", class: "tsnb-panel", id: tabs.panelId, tabindex: "-1" });
  const code = h("pre", { tabindex: "0" });
  const call = h("div", { class: "tsnb-call" }, code, copyButton(() => calls()[state.tab], "this call"));

  const ask = (sure) => () => {
    state.sure = sure;
    update();
  };
  const stop = (text, version) => {
    const go = () => {
      state.sure = false;
      act("unregister", { version });
    };
    return button(text, go, { tone: "bad" });
  };
  const unserve = () => {
    if (!state.sure) return button("Unserve", ask(true), { disabled: !usable() });
    const several = facts().versions.length > 1;
    return [
      h("span", {}, `Stop serving ${facts().name}?`),
      several && !chosen().default && stop(`Only ${chosen().version}`, chosen().version),
      stop(several ? "All versions" : "Stop", null),
      button("Keep", ask(false)),
    ];
  };

  const usable = () => line.connection() !== "disconnected" && !facts().gone && !facts().problem;

  const update = () => {
    const now = facts();
    const version = chosen();
    const note = connectionText(line.connection()) || now.problem;
    el.classList.toggle("tsnb-off", !usable());
    show(
      head,
      h("span", { class: "tsnb-title" }, now.name),
      now.versions.length === 1 && h("span", { class: "tsnb-dim" }, `version ${version.version}`),
      badge(...stateOf(now, version, usable())),
      h("span", { class: "tsnb-dim", "aria-live": "polite" }, note),
      h("span", { class: "tsnb-push tsnb-row" }, now.gone ? null : unserve()),
    );
    const url = now.versions.length > 1 ? version.url : now.url;
    show(address, h("code", {}, url), copyButton(() => url, "the URL"));
    show(problem, state.problem || version.failure);
    show(versions, now.versions.length > 1 && versionTable(now.versions, version, state, act, update));
    show(figures, figureList(version));
    show(workers, version.workers.length > 0 && workerTable(version), notes(version.workers));
    for (const part of [problem, versions, figures, scaled]) part.hidden = now.gone;
    scale.update(usable());
    trial.update(usable());
    tabs.update();
    if (state.tab !== "Try it") show(code, calls()[state.tab]);
    const inner = state.tab === "Try it" ? trial.el : call;
    if (panel.firstChild !== inner) panel.replaceChildren(inner);
    panel.setAttribute("aria-labelledby", tabs.idOf(state.tab));
  };

  state.version = facts().selected || null;
  el.classList.add("tsnb", "tsnb-card");
  const scaling = h("div", { class: "tsnb-row" }, h("span", { class: "tsnb-heading" }, "Workers"), scale.el);
  scaled.append(scaling, workers);
  el.append(head, address, problem, versions, figures, scaled, h("section", {}, tabs.el, panel));
  update();
  const leave = line.join({ el, update });
  return () => {
    leave();
    trial.close();
  };
}

/** Word and tone of the badge; what was heard last is not taken for what is. */
function stateOf(now, version, usable) {
  if (now.gone) return ["not served", "quiet"];
  return usable ? [version.state, version.tone] : [`last seen ${version.state}`, "quiet"];
}

/** The version that answers when none is named. */
function main(versions) {
  return versions.find((version) => version.default) ?? versions[0];
}

function versionTable(versions, chosen, state, act, update) {
  const pick = (version) => () => {
    state.version = version.version;
    state.sure = false;
    update();
  };
  const row = (version) => [
    h(
      "label",
      { class: "tsnb-pick" },
      h("input", { type: "radio", name: state.group, checked: version === chosen, onchange: pick(version) }),
      version.version,
    ),
    badge(version.state, version.tone),
    [`${version.ready} / ${version.wanted}`, true],
    [count(version.requests), true],
    [version.latency || "–", true],
    version.default
      ? h("span", { class: "tsnb-dim" }, "default")
      : button("Make default", () => act("set_default", { version: version.version }), {
          "aria-label": `Make ${version.version} the default version`,
        }),
  ];
  const headings = ["Version", "State", ["Workers", true], ["Requests", true], ["Latency", true], ""];
  return table("Versions", headings, versions.map(row));
}

function figureList(version) {
  const pairs = [
    ["Requests", count(version.requests)],
    ["Errors", count(version.errors)],
    ["Latency", version.latency || "–"],
    ["Waiting", count(version.queued)],
    ["Resident memory", version.total ? version.memory : "–", version.memory_note],
    ["Batch", version.batch_size > 1 ? `up to ${version.batch_size}` : "1"],
  ];
  return pairs.map(([term, value, title]) => h("div", { title }, h("dt", {}, term), h("dd", {}, value)));
}

function workerTable({ workers, memory_note }) {
  const memory = h("span", { title: memory_note }, "Resident");
  const headings = ["Worker", "State", "Device", ["Process", true], [memory, true], ["Requests", true], ["Restarts", true]];
  const row = (worker) => [
    h("code", {}, worker.id),
    badge(worker.state, worker.tone),
    worker.device,
    [worker.pid ? String(worker.pid) : "", true],
    [worker.memory, true],
    [count(worker.requests), true],
    [count(worker.restarts), true],
  ];
  return table(counted(workers.length, "worker"), headings, workers.map(row));
}

/** What the workers have to say, each thing once. */
function notes(workers) {
  const texts = new Set(workers.flatMap((worker) => worker.notes));
  return [...texts].map((text) => h("p", { class: "tsnb-dim" }, text));
}

/** A list of tabs with the keys that belong to one: arrows, Home, End. */
function tabList(names, state, update) {
  const id = unique();
  const idOf = (name) => `${id}-${names.indexOf(name)}`;
  const go = (name) => {
    state.tab = name;
    update();
    buttons[names.indexOf(name)].focus();
  };
  const onkeydown = (event) => {
    const at = names.indexOf(state.tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + names.length, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    go(names[to % names.length]);
  };
  const buttons = names.map((name) =>
    h("button", { type: "button", role: "tab", id: idOf(name), "aria-controls": id, onclick: () => go(name), onkeydown }, name),
  );
  return {
    el: h("div", { role: "tablist", class: "tsnb-tabs", "aria-label": "Use the model" }, buttons),
    panelId: id,
    idOf,
    update: () =>
      buttons.forEach((each, index) => {
        each.setAttribute("aria-selected", String(names[index] === state.tab));
        each.tabIndex = names[index] === state.tab ? 0 : -1;
      }),
  };
}
