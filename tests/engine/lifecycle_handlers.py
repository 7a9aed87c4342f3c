"""Handlers of stateful, continuous and asynchronous models, as texts for the bench."""

SEQUENCES = """
    import os, time

    class Handler:
        def initialize(self, context):
            self.seen = {}

        def handle(self, data, context):
            answers = []
            for index, row in enumerate(data):
                name = context.get_sequence_id(index)
                word = bytes(row.get("body", b"")).decode()
                start = context.get_request_header(index, context.header_key_sequence_start)
                if word.startswith("sleep"):
                    time.sleep(float(word[5:]))
                context.set_response_header(index, context.header_key_sequence_id, name or "")
                if word == "end":
                    context.set_response_header(index, context.header_key_sequence_end, name)
                words = self.seen.setdefault(name, [])
                words.append(word)
                answers.append({"words": words, "start": start, "pid": os.getpid(), "batch": len(data)})
            return answers
"""

STEPS = """
    class Handler:
        def initialize(self, context):
            self.left = {}

        def handle(self, data, context):
            ids = context.request_ids.values()
            self.left = {each: self.left[each] for each in ids if each in self.left}
            answers, criteria = [], []
            for index, row in enumerate(data):
                id = context.get_request_id(index)
                if id not in self.left:
                    self.left[id] = bytes(row["body"]).decode().split() + [0]
                else:
                    assert row == {}, row
                state = self.left[id]
                state[-1] += 1
                if state[0] == "fail" and state[-1] == int(state[1]):
                    raise ValueError("no")
                answers.append(f"{state[-1]}/{len(data)} ")
                criteria.append(lambda answer, state=state: self.stop(state))
            context.stopping_criteria = criteria
            open(context.model_yaml_config["wait"]).close() if "wait" in context.model_yaml_config else None
            return answers

        def stop(self, state):
            return None if state[0] == "plain" else state[-1] >= int(state[1])
"""

ASYNC = """
    import asyncio
    from ts.handler_utils.utils import send_intermediate_predict_response as send
    from ts.utils.util import PredictionException

    class Handler:
        def initialize(self, context):
            self.running = self.most = self.cancelled = 0
            self.door = asyncio.Event()

        async def handle(self, data, context):
            word = bytes(data[0]["body"]).decode()
            if word == "state":
                return [{"running": self.running, "most": self.most, "cancelled": self.cancelled}]
            self.running += 1
            self.most = max(self.most, self.running)
            try:
                return [await self.answer(word, context)]
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            finally:
                self.running -= 1

        async def answer(self, word, context):
            if word == "wait":
                await self.door.wait()
            elif word == "open":
                self.door.set()
            elif word == "fail":
                raise ValueError("no")
            elif word == "teapot":
                raise PredictionException("short and stout", 418)
            elif word == "stream":
                for part in ("a", "b"):
                    send([part], context.request_ids, "text", 200, context)
                    await self.door.wait()
            return f"{word} {context.get_request_id()}"
"""
