"""Answers in parts: one chunk for each, status and headers from the first (spec 1.10)."""

from tests.conformance.calls import call
from tests.conformance.case import Cases

cases = Cases("streams")

for asked in (*("three", "objects", "with empty", "with header", "typed", "fails late", "fails early", "once"),):
    cases.add(asked, call("POST /predictions/streams", asked, content_type="text/plain"))

for name, line in [
    ("by explanations", "POST /explanations/streams"),
    ("by a version and a path", "POST /predictions/streams/1.0/v1/completions"),
    ("by KServe v1", "POST /v1/models/streams:predict"),
    ("by KServe v2", "POST /v2/models/streams/infer"),
    ("by SageMaker's model", "POST /models/streams/invoke"),
    ("by the oldest form", "POST /streams/predict"),
    ("by GET", "GET /predictions/streams"),
]:
    cases.add(name, call(line, None if line.startswith("GET") else "three", content_type="text/plain"))
cases.add(
    "by a form",
    call("POST /predictions/streams", b"data=three", content_type="application/x-www-form-urlencoded"),
)
