// The try-it box: a request with its method, path, headers and body; sent through the kernel; what came of earlier ones.

import { answerView } from "./answer.js";
import { requestBody } from "./body.js";
import { badge, bytesText, button, choice, folded, h, keepKey, show } from "./dom.js";

const METHODS = ["POST", "GET", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"];
const WITHOUT_BODY = new Set(["GET", "HEAD"]);
const LARGEST = 8e6; // the notebook's own connection takes messages of 10 MiB

const part = encodeURIComponent;
const ASKED = {
  Predict: { method: "POST", path: (name, version) => `/predictions/${[name, version].filter(Boolean).map(part).join("/")}` },
  Explain: { method: "POST", path: (name, version) => `/explanations/${[name, version].filter(Boolean).map(part).join("/")}` },
  Describe: { method: "GET", path: (name, version) => `/models/${[name, version].filter(Boolean).map(part).join("/")}` },
  Ping: { method: "GET", path: () => "/ping" },
};

/**
 * The box. `model()` says {name, version} (version null: the default one), `history()` earlier requests.
 * Returns {el, update, close, request}; `request()` resolves with [content, buffers] of what is composed.
 */
export function tryIt(line, model, history) {
  let sending = null; // the id of the question that is on its way
  let stopped = false;
  let own = false; // whether the path was typed, and so is not to follow the chosen version

  const asked = choice("What to ask", [...Object.keys(ASKED), "Other"].map((each) => [each, each]), { onchange: () => ask() });
  const method = choice("Method", METHODS.map((each) => [each, each]), { onchange: () => update() });
  const path = h("input", { type: "text", class: "tsnb-path", spellcheck: "false", "aria-label": "Path", oninput: () => typedPath() });
  const headers = h("textarea", { rows: 2, spellcheck: "false", placeholder: "X-Name: value, one on each line", "aria-label": "Request headers" });
  headers.onkeydown = keepKey;
  path.onkeydown = (event) => {
    keepKey(event);
    if (event.key === "Enter") go();
  };
  const body = requestBody(line, { onchange: () => update(), onsend: () => go(), onfill: (request) => fill(request) });
  const submit = button("Send", () => go(), { tone: "main" });
  const stop = button("Stop", () => line.ask("cancel", { of: sending }).catch(() => {}));
  const hint = h("span", { class: "tsnb-dim" });
  const answer = h("div", { class: "tsnb-answer", "aria-live": "polite" });
  const past = h("div", { class: "tsnb-past" });
  const pastTitle = h("summary");
  const pastFold = h("details", { class: "tsnb-history" }, pastTitle, past);
  const headerFold = folded("Headers", headers);

  const ask = () => {
    const wanted = ASKED[asked.value];
    own = !wanted;
    if (wanted) method.value = wanted.method;
    update();
    if (own) path.focus();
  };
  const typedPath = () => {
    own = true;
    asked.value = "Other";
    update();
  };

  const headerList = () =>
    headers.value
      .split("\n")
      .map((each) => each.trim())
      .filter(Boolean)
      .map((each) => {
        const colon = each.indexOf(":");
        if (colon < 1) throw new Error(`“${each}” is no header: write Name: value`);
        return [each.slice(0, colon).trim(), each.slice(colon + 1).trim()];
      });

  const request = async () => {
    const content = { method: method.value, path: path.value, headers: headerList() };
    if (WITHOUT_BODY.has(method.value)) return [content, []];
    const [own, buffers] = await body.value();
    return [{ ...content, ...own }, buffers];
  };

  const fill = ({ method: verb, path: where, headers: lines = [], ...rest }, buffers) => {
    method.value = verb;
    own = where !== ASKED.Predict.path(model().name, model().version);
    asked.value = own ? "Other" : "Predict";
    path.value = where;
    headers.value = lines.map(([name, value]) => `${name}: ${value}`).join("\n");
    headerFold.open = lines.length > 0;
    body.fill(rest, buffers);
    update();
  };

  /** Ask the kernel something that ends in an answer, and show it, piece by piece where it comes so. */
  const exchange = async (kind, content, buffers) => {
    if (sending !== null) return;
    sending = "";
    stopped = false;
    update();
    const pieces = streamView(answer);
    try {
      const events = { begun: (id) => (sending = id), part: (message, bytes) => pieces(bytes[0]) };
      const [reply, parts] = await line.ask(kind, content, buffers, events);
      answer.replaceChildren(...answerView(reply.answer, parts));
    } catch (error) {
      const words = stopped ? "Stopped; the model was told." : (error.message ?? String(error));
      answer.append(h("p", { class: "tsnb-message" }, words));
      if (!pieces.any) answer.replaceChildren(answer.lastChild);
    } finally {
      sending = null;
      answer.removeAttribute("aria-busy");
      line.wake();
      update();
    }
  };
  stop.addEventListener("click", () => (stopped = true));

  const go = async () => {
    if (submit.disabled) return;
    submit.disabled = true; // a picture takes a moment to be made: no second request meanwhile
    let composed;
    try {
      composed = await request();
    } catch (error) {
      answer.replaceChildren(h("p", { class: "tsnb-message" }, error.message));
      update();
      return;
    }
    await exchange("send", ...composed);
  };

  const pastRow = (entry) =>
    h(
      "tr",
      {},
      h("td", { class: "tsnb-num" }, entry.time),
      h("td", {}, badge(entry.status, entry.ok ? "good" : "bad")),
      h("td", { class: "tsnb-num" }, entry.elapsed),
      h("td", { class: "tsnb-label", title: `${entry.line} ${entry.body}` }, h("code", {}, entry.body || entry.line)),
      h(
        "td",
        { class: "tsnb-row" },
        button("Resend", () => exchange("resend", { number: entry.number }, []), { disabled: !usable || sending !== null, "aria-label": `Resend the request of ${entry.time}` }),
        button("Edit", () => recall(entry.number), { disabled: !usable, "aria-label": `Edit the request of ${entry.time}` }),
      ),
    );
  const recall = async (number) => {
    try {
      const [reply, buffers] = await line.ask("recall", { number });
      fill(reply, buffers);
      path.focus();
    } catch (error) {
      answer.replaceChildren(h("p", { class: "tsnb-message" }, error.message));
    }
  };

  let usable = true;
  const update = (now = usable) => {
    usable = now;
    const { name, version } = model();
    if (!own) path.value = ASKED[asked.value].path(name, version);
    const bodiless = WITHOUT_BODY.has(method.value);
    const tooLarge = body.size() > LARGEST;
    body.update({ usable, hidden: bodiless });
    submit.disabled = sending !== null || !usable || (tooLarge && !bodiless);
    show(submit, sending !== null ? "Sending…" : "Send");
    stop.hidden = sending === null;
    show(hint, bodiless ? "no body is sent" : tooLarge ? `Over ${bytesText(LARGEST)}: too large for the notebook's connection, use curl.` : body.words());
    const entries = history();
    pastFold.hidden = entries.length === 0;
    show(pastTitle, `History (${entries.length})`);
    show(past, h("table", { "aria-label": "Earlier requests" }, h("tbody", {}, entries.map(pastRow))));
  };
  const requestLine = h("div", { class: "tsnb-row tsnb-line-of-request" }, asked, method, path);
  const actions = h("div", { class: "tsnb-row" }, submit, stop, ...body.buttons, hint);
  const el = h("div", { class: "tsnb-try" }, requestLine, body.el, actions, headerFold, answer, pastFold);
  update();
  return { el, update, request, close: body.close, isEmpty: () => body.size() === 0 && !WITHOUT_BODY.has(method.value) };
}

/** Takes the pieces of an answer and shows their text as it grows. */
function streamView(answer) {
  const decoder = new TextDecoder();
  const text = h("pre", { tabindex: "0" });
  const take = (bytes) => {
    if (!take.any) answer.replaceChildren(h("div", { class: "tsnb-head" }, badge("arriving", "busy")), text);
    take.any = true;
    answer.setAttribute("aria-busy", "true");
    text.append(decoder.decode(bytes, { stream: true }));
    text.scrollTop = text.scrollHeight;
  };
  take.any = false;
  return take;
}
