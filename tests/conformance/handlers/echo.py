"""Answers every request with its own body; describes itself as a list."""


def handle(data, context):
    if data is None:
        return None
    if context.get_request_header(0, "describe") == "True":
        return [["no", "object"]]
    return [row.get("data") or row.get("body") or "nothing" for row in data]
