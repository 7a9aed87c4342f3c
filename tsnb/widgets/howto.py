"""How to call a model from elsewhere: the same request as curl, Python and JavaScript.

The token never appears: the snippets read it from the environment variable
TSNB_TOKEN, which tsnb sets in the kernels of its notebook server.
"""

from __future__ import annotations

import json
import shlex

LANGUAGES = ("curl", "Python", "JavaScript")


def snippets(url: str, token: bool) -> dict[str, str]:
    """Snippet by language, for a URL of :meth:`Address.prediction`; ``token`` says whether the server wants one."""
    return {"curl": _curl(url, token), "Python": _python(url, token), "JavaScript": _javascript(url, token)}


def _curl(url: str, token: bool) -> str:
    header = ' \\\n  -H "Authorization: Bearer $TSNB_TOKEN"' if token else ""
    target = shlex.quote(url)
    return (
        f"# a file\ncurl {target}{header} \\\n  -T sample.png\n\n"
        f"# JSON\ncurl {target}{header} \\\n  -H 'Content-Type: application/json' -d '{{\"x\": [1, 2, 3]}}'"
    )


def _python(url: str, token: bool) -> str:
    headers = ', headers={"Authorization": f"Bearer {os.environ[\'TSNB_TOKEN\']}"}' if token else ""
    imports = "import os\n\nimport httpx" if token else "import httpx"
    return (
        f"{imports}\n\n"
        f"url = {json.dumps(url)}\n"
        f"client = httpx.Client(timeout=60{headers})\n"
        'answer = client.post(url, content=open("sample.png", "rb").read())  # a file\n'
        'answer = client.post(url, json={"x": [1, 2, 3]})  # JSON\n'
        "print(answer.raise_for_status().text)"
    )


def _javascript(url: str, token: bool) -> str:
    authorization = "\n    Authorization: `Bearer ${process.env.TSNB_TOKEN}`," if token else ""
    return (
        f"const answer = await fetch({json.dumps(url)}, {{\n"
        '  method: "POST",\n'
        f'  headers: {{{authorization}\n    "Content-Type": "application/json",\n  }},\n'
        "  body: JSON.stringify({ x: [1, 2, 3] }),  // or a File, a Blob, bytes\n"
        "});\n"
        "console.log(answer.status, await answer.text());"
    )
