"""Write docs/configuration.md from the one list of settings: ``make docs``."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

from tsnb.config import JVM_ONLY, UNSUPPORTED, Config

PAGE = Path(__file__).parent / "configuration.md"

HEAD = """\
# Configuration

Every setting, made from `tsnb/config.py` by `make docs`. The same name works in three places:

- `config.properties`, given to `tsnb serve --ts-config FILE` (or found in the working folder), as in TorchServe;
- the environment variable beside it, when the file says `enable_envvars_config=true`;
- in a notebook server `c.TsnbApp.NAME = …` in `jupyter_server_config.py`, or `--TsnbApp.NAME=…`.

Environment beats the command line, which beats the file, which beats the default.

| setting | default | environment | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = []
    for each in fields(Config):
        env = each.metadata["env"]
        variable = f"`TS_{each.name.upper()}`" if env is None else f"`{env}`" if env else "–"
        default = str(each.default).lower() if isinstance(each.default, bool) else each.default
        shown = f"`{default}`".replace("|", "\\|") if default != "" else "–"
        rows.append(f"| `{each.name}` | {shown} | {variable} | {each.metadata['help']} |")
    ignored = ", ".join(f"`{name}`" for name in sorted(JVM_ONLY))
    unsupported = "".join(f"| `{name}` | {why} |\n" for name, why in UNSUPPORTED.items())
    return (
        HEAD
        + "\n".join(rows)
        + f"\n\nAccepted without effect, since they concern TorchServe's Java process: {ignored}.\n"
        + f"\nAccepted with a warning, without effect:\n\n| setting | why |\n|---|---|\n{unsupported}"
    )


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE} written\n")
