import assert from "node:assert/strict";
import { test } from "node:test";

import { bytes, count, seconds, shape, share, value } from "../lib/format.js";
import { handlerNotebook } from "../lib/templates.js";
import { tree } from "../lib/views/tree.js";

test("sizes read as in Python", () => {
  const written = [0, 812, 999, 1300, 812_000, 1_340_000_000, 2e12].map(bytes);
  assert.deepEqual(written, ["0 B", "812 B", "999 B", "1.3 kB", "812 kB", "1.3 GB", "2 TB"]);
});

test("durations read as in Python", () => {
  assert.deepEqual([82e-6, 4.1e-3, 0.25, 1.2].map(seconds), ["82 µs", "4.1 ms", "250 ms", "1.2 s"]);
});

test("counts, shares, shapes and values", () => {
  assert.equal(count(12345), "12,345");
  assert.deepEqual([share(1, 4), share(9, 4), share(1, 0), share(-1, 4)], [0.25, 1, 0, 0]);
  assert.deepEqual([shape([3, 224]), shape([])], ["3 × 224", "scalar"]);
  assert.deepEqual([value("a"), value({ a: 1 }), value(null), value(undefined)], ["a", '{"a":1}', "null", "undefined"]);
});

test("names become a tree, whatever they are called", () => {
  const found = tree(["handler.py", "MAR-INF/MANIFEST.json", "a/b/c.txt", "a/d.txt", "__proto__/x"]);
  assert.deepEqual(found.files, [{ name: "handler.py", path: "handler.py" }]);
  assert.deepEqual(found.folders.map((each) => each.name), ["MAR-INF", "__proto__", "a"]);
  assert.equal(found.folders[2].folders[0].files[0].path, "a/b/c.txt");
});

test("the new notebook is one", () => {
  const found = handlerNotebook("python3");
  assert.equal(found.nbformat, 4);
  assert.equal(found.metadata.kernelspec.name, "python3");
  assert.ok(found.cells.some((cell) => cell.source.startsWith("%%handler")));
});
