"""Answers with the headers that it sees, and with what the context says about them."""


def handle(data, context):
    if data is None:
        return None
    return [tell(context, index) for index in range(len(data))]


def tell(context, index):
    headers = context.get_all_request_header(index)
    return {
        "headers": {name: headers[name] for name in sorted(headers, key=lambda name: (name.lower(), name))},
        "id": context.get_request_id(index),
        "sequence": context.get_sequence_id(index),
        "missing": context.get_request_header(index, "No-Such-Header"),
        "exact": context.get_request_header(index, "X-Own"),
    }
