// The try-it box alone, with the model's name and state above it.

import { badge, choice, h, show } from "./dom.js";
import { connectionText, openLine } from "./live.js";
import { useIt } from "./use.js";

export default () => {
  let line = null;
  return {
    initialize({ model }) {
      line = openLine(model);
    },
    render({ model, el }) {
      return aloneView(model, el, line);
    },
  };
};

function aloneView(model, el, line) {
  const facts = () => model.get("facts");
  let version = facts().selected || null;
  const shown = () => facts().versions.find((each) => each.version === version) ?? facts().versions.find((each) => each.default) ?? facts().versions[0];
  const use = useIt(line, () => ({ name: facts().name, version, calls: facts().calls }), () => model.get("history") ?? []);
  const head = h("div", { class: "tsnb-head" });
  const versions = h("span", { class: "tsnb-push" });
  const pick = choice("Version", [], { onchange: () => ((version = pick.value || null), update()) });

  const update = () => {
    const now = facts();
    const usable = line.connection() !== "disconnected" && !now.gone && !now.problem;
    const { state, tone, version: number } = shown();
    el.classList.toggle("tsnb-off", !usable);
    const several = now.versions.length > 1;
    const word = now.gone ? ["not served", "quiet"] : usable ? [state, tone] : [`last seen ${state}`, "quiet"];
    show(
      head,
      h("span", { class: "tsnb-title" }, now.name),
      !several && h("span", { class: "tsnb-dim" }, `version ${number}`),
      badge(...word),
      h("span", { class: "tsnb-dim", "aria-live": "polite" }, connectionText(line.connection()) || now.problem),
    );
    versions.hidden = !several;
    if (several) {
      const pairs = [["", "default version"], ...now.versions.map((each) => [each.version, `version ${each.version}`])];
      show(pick, pairs.map(([value, words]) => h("option", { value }, words)));
      pick.value = version ?? "";
    }
    use.update(usable);
  };
  versions.append(pick);
  el.classList.add("tsnb", "tsnb-card");
  el.append(h("div", { class: "tsnb-row" }, head, versions), use.el);
  update();
  const leave = line.join({ el, update });
  return () => {
    leave();
    use.close();
  };
}
