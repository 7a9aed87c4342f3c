"""``python nothing.py PORT``: answers whatever comes with the same bytes. No server that runs on uvloop is faster."""

import asyncio
import sys

import uvloop

BODY = b'{\n  "answer": 42\n}'
HEAD = (
    "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nCache-Control: no-cache; no-store, must-revalidate, private\r\n"
    "Expires: Thu, 01 Jan 1970 00:00:00 UTC\r\nx-request-id: 00000000-0000-4000-8000-000000000000\r\n"
    f"content-length: {len(BODY)}\r\nconnection: keep-alive\r\n\r\n"
)
ANSWER = HEAD.encode() + BODY


class Nothing(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(ANSWER)


async def main():
    server = await asyncio.get_running_loop().create_server(Nothing, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


uvloop.run(main())
