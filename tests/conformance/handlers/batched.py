"""Answers with the size of its batch; sets status and headers for one of it; fails if one of it says so."""


def handle(data, context):
    if data is None:
        return None
    bodies = [row.get("body") for row in data]
    if "fail" in bodies:
        raise ValueError("one of them")
    for index, body in enumerate(bodies):
        if body == "mark":
            context.set_response_status(418, "Marked", index)
            context.set_response_header(index, "X-Mark", "yes")
    return [f"{body} of {len(data)}" for body in bodies]
