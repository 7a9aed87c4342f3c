// The card of one model: how it is, how many workers, try it, and how to call it from elsewhere.

import { answerView } from "./answer.js";
import { badge, button, copyButton, count, counted, draw, h, show, table, unique } from "./dom.js";
import { insertCell } from "./insert.js";
import { connectionText, openLine } from "./live.js";
import { scaler } from "./scale.js";
import { useIt } from "./use.js";

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
  const state = { version: facts().selected || null, problem: "", done: "", asked: null, group: unique() };
  const chosen = () => facts().versions.find((each) => each.version === state.version) ?? main(facts().versions);
  const several = () => facts().versions.length > 1;
  const usable = () => line.connection() !== "disconnected" && !facts().gone && !facts().problem;

  /** Do something to the model; what came of it, or went wrong, is shown, never thrown. */
  const act = async (kind, content, doing = "") => {
    state.asked = null;
    state.done = doing;
    update();
    try {
      const [reply] = await line.ask(kind, { version: chosen().version, ...content });
      state.problem = "";
      state.done = doing ? reply.status : "";
    } catch (error) {
      state.problem = error.message;
      state.done = "";
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
  const changes = h("div", { class: "tsnb-row tsnb-changes", "aria-live": "polite" });
  const failures = h("section");
  const scale = scaler("Workers", chosen, (number) => act("scale", { workers: number }));
  const asked = () => (several() ? { name: facts().name, version: chosen().version, calls: chosen().calls } : { name: facts().name, version: null, calls: facts().calls });
  const use = useIt(line, asked, () => model.get("history") ?? []);
  const failing = failureList(line, el, usable);

  const ask = (what) => () => {
    state.asked = what;
    update();
    const buttons = [...changes.querySelectorAll("button")];
    buttons.at(what ? -1 : 0)?.focus(); // on the harmless answer; the button that asked is gone
  };
  changes.onkeydown = (event) => {
    if (event.key === "Escape" && state.asked) ask(null)();
  };
  const changeRow = () => {
    const version = chosen();
    if (state.asked) return confirmation(state.asked, ask(null));
    const drain = { text: `Take no new requests, finish what is under way, and stop the workers of ${version.version}?`, acts: [["Drain", () => act("scale", { workers: 0 })]] };
    const swap = { text: `Bring ${version.archive}, as it is now, live in place of build ${version.build}?`, acts: [["Swap", () => act("swap", {}, "swapping: the new code is checked first")]] };
    const back = { text: `Go back to the code before build ${version.build}?`, acts: [["Roll back", () => act("rollback", {}, "rolling back")]] };
    const off = !usable();
    return [
      button("Swap in archive", ask(swap), { disabled: off || !version.archive, title: "New code without a dropped request" }),
      version.build > 1 && button("Roll back", ask(back), { disabled: off }),
      button("Drain", ask(drain), { disabled: off || version.wanted === 0 }),
      button("Unserve", ask(unserving()), { disabled: off }),
      h("span", { class: "tsnb-dim" }, state.done || (version.build > 1 ? `build ${version.build}` : "")),
    ];
  };
  const unserving = () => {
    const one = several() && !chosen().default && [`Only ${chosen().version}`, () => act("unregister", { version: chosen().version })];
    const all = [several() ? "All versions" : "Stop", () => act("unregister", { version: null })];
    return { text: `Stop serving ${facts().name}?`, acts: [one, all].filter(Boolean) };
  };

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
    );
    const url = several() ? version.url : now.url;
    show(address, h("code", {}, url), copyButton(() => url, "the URL"));
    show(problem, state.problem || version.failure);
    show(versions, several() && versionTable(now.versions, version, state, act, update));
    show(figures, figureList(version));
    show(workers, version.workers.length > 0 && workerTable(version), notes(version.workers));
    show(changes, changeRow());
    failing.update(now.failures ?? []);
    for (const part of [problem, versions, figures, scaled, changes]) part.hidden = now.gone;
    failures.hidden = now.gone || !now.failures?.length;
    scale.update(usable());
    use.update(usable());
  };

  el.classList.add("tsnb", "tsnb-card");
  const scaling = h("div", { class: "tsnb-row" }, h("span", { class: "tsnb-heading" }, "Workers"), scale.el);
  scaled.append(scaling, workers);
  failures.append(failing.el);
  el.append(head, address, problem, versions, figures, scaled, changes, failures, use.el);
  update();
  const leave = line.join({ el, update });
  return () => {
    leave();
    use.close();
  };
}

/** What is about to happen, and the buttons that do it or do not. */
function confirmation({ text, acts }, keep) {
  return [h("span", {}, text), acts.map(([word, go]) => button(word, go, { tone: "bad" })), button("Keep", keep)];
}

/** The latest failures: what happened, the same request again, and the cell that replays it here. */
function failureList(line, el, usable) {
  const list = h("div");
  const outcome = h("div", { class: "tsnb-outcome", "aria-live": "polite" });
  const fold = h("details", { class: "tsnb-failures" }, h("summary"), list, outcome);
  const replay = async ({ id, version }) => {
    try {
      const [reply, buffers] = await line.ask("replay", { request: id, version });
      outcome.replaceChildren(...answerView(reply.answer, buffers));
    } catch (error) {
      outcome.replaceChildren(h("p", { class: "tsnb-message" }, error.message));
    }
    line.wake();
  };
  const debug = async ({ id }) => {
    const magic = `%replay ${id}`;
    if (await insertCell(el, magic)) return;
    outcome.replaceChildren(h("p", {}, "Run this in a cell: ", h("code", {}, magic)));
  };
  const row = (failure) => [
    failure.time,
    h("span", { class: "tsnb-label", title: failure.words }, failure.words),
    h("code", { title: failure.id }, failure.id.slice(0, 8)),
    failure.trial ? h("span", { class: "tsnb-dim" }, failure.trial === "check" ? "a check of new code" : "new code did not start") : h(
      "span",
      { class: "tsnb-row" },
      button("Try again", () => replay(failure), { disabled: !usable(), "aria-label": `Send request ${failure.id.slice(0, 8)} again` }),
      button("Replay in a cell", () => debug(failure), { "aria-label": `Replay request ${failure.id.slice(0, 8)} in a cell` }),
    ),
  ];
  const update = (failures) => {
    fold.hidden = failures.length === 0;
    show(fold.firstChild, `Last errors (${failures.length})`);
    show(list, failures.length > 0 && table("Last errors", ["Time", "What happened", "Request", ""], failures.map(row)));
  };
  return { el: fold, update };
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
    state.asked = null;
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
    ["Latency", [version.latency || "–", version.spark_latency && draw(version.spark_latency)]],
    ["Throughput", [version.rate || "–", version.spark_rate && draw(version.spark_rate)]],
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
