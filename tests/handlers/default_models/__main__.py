"""Write down what a running TorchServe answers: ``python -m tests.handlers.default_models http://127.0.0.1:8080``.

It must serve the archives of :func:`tests.handlers.default_models.build`.
"""

import json
import sys

from tests.handlers.default_models import ANSWERS, REQUESTS, ask

found = {name: ask(sys.argv[1], name) for name in REQUESTS}
ANSWERS.write_text(json.dumps(found, indent=1) + "\n")
