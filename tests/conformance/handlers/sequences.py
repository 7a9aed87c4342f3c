"""Counts the requests of each sequence, and echoes its id; ends a sequence when asked to."""

COUNTS = {}


def handle(data, context):
    if data is None:
        return None
    return [count(row.get("body"), context, index) for index, row in enumerate(data)]


def count(body, context, index):
    sequence = context.get_sequence_id(index)
    headers = context.get_all_request_header(index)
    COUNTS[sequence] = COUNTS.get(sequence, 0) + 1
    context.set_response_header(index, context.header_key_sequence_id, str(sequence))
    started = sorted(name for name in headers if name.startswith("ts_request_sequence"))
    return f"{body} {COUNTS[sequence]} {' '.join(started)}"
