"""Continuous batching: every request gets as many parts as its body says, one for each time the handler is called."""

LEFT = {}


def handle(data, context):
    if data is None:
        return None
    ids = [context.get_request_id(index) for index in range(len(data))]
    for request, row in zip(ids, data, strict=True):
        if request not in LEFT:
            LEFT[request] = int(row.get("body") or 1)
    context.stopping_criteria = [lambda result, request=request: LEFT[request] <= 0 for request in ids]
    return [step(request) for request in ids]


def step(request):
    LEFT[request] -= 1
    return f"{LEFT[request]} left;"
