"""``python -m tsnb`` is the ``tsnb`` command."""

import sys

from tsnb.cli import main

if __name__ == "__main__":
    sys.exit(main())
