"""Running totals. The requests of a sequence come to one worker, in order, so it can remember what came before."""

from ts.torch_handler.base_handler import BaseHandler


class Totals(BaseHandler):
    def initialize(self, context):
        context.cache = {}
        self.initialized = True

    def handle(self, data, context):
        """Add the number that each request brings to the total of its sequence; ``end`` forgets it."""
        return [self.added(index, row, context) for index, row in enumerate(data)]

    def added(self, index, row, context):
        sequence = context.get_sequence_id(index)
        context.set_response_header(index, context.header_key_sequence_id, sequence)
        said = bytes(row.get("data") or row.get("body")).decode().strip()
        if said == "end":
            context.set_response_header(index, context.header_key_sequence_end, sequence)
            return {"total": context.cache.pop(sequence, 0), "over": True}
        context.cache[sequence] = context.cache.get(sequence, 0) + int(said)
        return {"total": context.cache[sequence], "over": False}
