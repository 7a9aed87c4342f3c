"""How to send a request from elsewhere: the same one as curl, Python and JavaScript.

The token never appears: the snippets read it from the environment variable
TSNB_TOKEN, which tsnb sets in the kernels of its notebook server.
"""

from __future__ import annotations

import base64
import json
import shlex
from typing import NamedTuple

LANGUAGES = ("curl", "Python", "JavaScript")

INLINE = 4000
"""Bytes of a body that stand in a snippet; a longer one is a file that the snippet names."""


class Call(NamedTuple):
    """One request. ``file`` is the name of the file its body came from, ``""`` where it was typed or drawn."""

    method: str
    url: str
    token: bool
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    file: str = ""

    @property
    def text(self) -> str | None:
        """The body as text that may stand in a snippet."""
        if self.file or len(self.body) > INLINE:
            return None
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            return None
        return text if "\0" not in text else None

    @property
    def inline(self) -> str | None:
        """A short body that is no text, in base64."""
        return None if self.file or len(self.body) > INLINE else base64.b64encode(self.body).decode()

    @property
    def file_name(self) -> str:
        """The file that a snippet reads where the body does not stand in it."""
        return self.file or "body.bin"


def example(url: str, token: bool) -> Call:
    """A request to show before anybody has made one."""
    return Call("POST", url, token, (("Content-Type", "application/json"),), b'{"x": [1, 2, 3]}')


def snippets(call: Call) -> dict[str, str]:
    """Snippet by language."""
    return {"curl": _curl(call), "Python": _python(call), "JavaScript": _javascript(call)}


def _curl(call: Call) -> str:
    words = ["curl", *([] if call.method == ("POST" if call.body else "GET") else ["-X", call.method])]
    parts = [" ".join([*words, shlex.quote(call.url)])]
    parts += ['-H "Authorization: Bearer $TSNB_TOKEN"'] if call.token else []
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in call.headers]
    before = ""
    if call.body and call.text is not None:
        parts.append(f"--data-raw {shlex.quote(call.text)}")
    elif call.body and call.inline is not None:
        before = f"echo {call.inline} | base64 -d |\n"
        parts.append("--data-binary @-")
    elif call.body:
        parts.append(f"--data-binary @{shlex.quote(call.file_name)}")
    return before + " \\\n  ".join(parts)


def _python(call: Call) -> str:
    imports = ["import httpx"]
    headers = [(json.dumps(name), json.dumps(value)) for name, value in call.headers]
    if call.token:
        imports.insert(0, "import os\n")
        headers.append(('"Authorization"', "f\"Bearer {os.environ['TSNB_TOKEN']}\""))
    body = ""
    if call.body and call.text is not None:
        body = f"content={_literal(call.text)}"
    elif call.body and call.inline is not None:
        imports.insert(0, "import base64")
        body = f'content=base64.b64decode("{call.inline}")'
    elif call.body:
        body = f"content=open({json.dumps(call.file_name)}, 'rb').read()"
    lines = [f'    "{call.method}",', f"    {json.dumps(call.url)},"]
    lines += [f"    headers={{{', '.join(f'{name}: {value}' for name, value in headers)}}},"] if headers else []
    lines += [f"    {body},"] if body else []
    lines.append("    timeout=60,")
    ask = "\n".join(["answer = httpx.request(", *lines, ")"])
    return "\n".join([*imports, "", ask, "print(answer.status_code, answer.text)"])


def _literal(text: str) -> str:
    """Text as Python writes it; UTF-8 for what is not ASCII, which httpx encodes."""
    return repr(text)


def _javascript(call: Call) -> str:
    headers = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in call.headers]
    headers += ["Authorization: `Bearer ${process.env.TSNB_TOKEN}`"] if call.token else []
    lines = [f'  method: "{call.method}",']
    lines += [f"  headers: {{ {', '.join(headers)} }},"] if headers else []
    before = ""
    if call.body and call.text is not None:
        lines.append(f"  body: {json.dumps(call.text)},")
    elif call.body and call.inline is not None:
        lines.append(f'  body: Uint8Array.from(atob("{call.inline}"), (c) => c.charCodeAt(0)),')
    elif call.body:
        before = 'import { readFile } from "node:fs/promises";\n\n'
        lines.append(f"  body: await readFile({json.dumps(call.file_name)}),")
    ask = "\n".join([f"const answer = await fetch({json.dumps(call.url)}, {{", *lines, "});"])
    return f"{before}{ask}\nconsole.log(answer.status, await answer.text());"
