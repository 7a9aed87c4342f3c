"""Prints the mood it is told, and answers with it."""


def handle(data, context):
    if data is None:  # the call that initializes
        return None
    for row in data:
        print("somebody is", row["body"]["mood"], flush=True)
    return [row["body"] for row in data]
