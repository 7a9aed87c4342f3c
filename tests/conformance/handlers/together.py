"""An asynchronous handler: ``meet`` is answered when another ``meet`` is there, too."""

import asyncio

from ts.handler_utils.utils import send_intermediate_predict_response
from ts.utils.util import PredictionException


class Together:
    def initialize(self, context):
        self.here = 0

    async def handle(self, data, context):
        word = data[0].get("body") or ""
        if word == "meet":
            return [await self.meet()]
        if word == "fail":
            raise ValueError("as it was asked")
        if word == "busy":
            raise PredictionException("ask later", 429)
        if word == "parts":
            for part in ("one ", "two "):
                send_intermediate_predict_response([part], context.request_ids, "part", 200, context)
                await asyncio.sleep(0.02)
        if word == "header":
            context.set_response_header(0, "X-Mine", "yes")
            context.set_response_status(203, "Mine", 0)
        return [word]

    async def meet(self):
        self.here += 1
        for _ in range(1000):
            if self.here > 1:
                return "met"
            await asyncio.sleep(0.01)
        return "alone"
