// An answer as its kind asks for: bars for labels, a picture, indented JSON, text, or bytes to keep.

import { badge, bytesText, copyButton, h } from "./dom.js";

/** The whole answer; `buffers[0]` holds the bytes of pictures and binary answers. */
export function answerView(answer, buffers) {
  return [
    h(
      "div",
      { class: "tsnb-head" },
      badge(answer.status_text, answer.ok ? "good" : "bad"),
      answer.elapsed && h("span", { class: "tsnb-num" }, answer.elapsed),
      answer.request_id && h("span", { class: "tsnb-dim tsnb-request" }, "request ", h("code", {}, answer.request_id)),
    ),
    answer.message && h("p", { class: "tsnb-message" }, answer.message),
    answer.traceback && h("pre", { class: "tsnb-traceback", tabindex: "0" }, answer.traceback),
    body(answer, buffers),
  ];
}

function body(answer, buffers) {
  switch (answer.kind) {
    case "labels":
      return [bars(answer.labels), raw(answer.text)];
    case "image":
      return picture(answer, buffers[0]);
    case "json":
    case "text":
      return h("pre", { tabindex: "0" }, answer.text);
    case "binary":
      return download(answer, buffers[0]);
    default:
      return answer.kind === "empty" && h("p", { class: "tsnb-dim" }, "The answer is empty.");
  }
}

function bars(labels) {
  return h(
    "table",
    { class: "tsnb-bars" },
    h(
      "tbody",
      {},
      labels.map(([label, share]) =>
        h(
          "tr",
          {},
          h("td", { class: "tsnb-label", title: label }, label),
          h("td", { "aria-hidden": "true" }, h("span", { class: "tsnb-track" }, h("i", { style: `width:${(100 * share).toFixed(1)}%` }))),
          h("td", { class: "tsnb-num" }, `${(100 * share).toFixed(1)}%`),
        ),
      ),
    ),
  );
}

function raw(text) {
  return h("details", {}, h("summary", {}, "as JSON"), h("pre", { tabindex: "0" }, text), copyButton(() => text, "the answer"));
}

function link(bytes, type, then) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  setTimeout(() => URL.revokeObjectURL(url), 600_000); // long enough to look at it and to save it
  return then(url);
}

function picture(answer, bytes) {
  return link(bytes, answer.picture_type, (src) => h("img", { src, alt: "The model's answer", class: "tsnb-picture" }));
}

function download(answer, bytes) {
  const kept = bytes && link(bytes, "application/octet-stream", (href) => h("a", { href, download: "answer.bin" }, "save"));
  return h("p", {}, `${bytesText(answer.size)} of ${answer.content_type || "bytes"} `, kept);
}
