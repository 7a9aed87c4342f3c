"""Answers an Open Inference request with its own inputs, or with the answer that the request's id names."""


def handle(data, context):
    if data is None:  # the call that initializes
        return None
    return [answer(row["body"]) for row in data]


def answer(body):
    good = {"id": body["id"], "model_name": "tensors", "model_version": "1.0", "outputs": body["inputs"]}
    odd = {
        "text": "no object",
        "bare": {"id": "1"},
        "no data": {**good, "outputs": [{"name": "x", "datatype": "FP32", "shape": [1]}]},
        "odd type": {**good, "outputs": [{"name": "x", "datatype": "FP16", "shape": [1], "data": [1]}]},
        "odd value": {**good, "outputs": [{"name": "x", "datatype": "INT32", "shape": [1], "data": ["one"]}]},
        "objects": {**good, "outputs": [{"name": "x", "datatype": "BYTES", "shape": [2], "data": ["a", {"b": 1}]}]},
    }
    return odd.get(body["id"], good)
