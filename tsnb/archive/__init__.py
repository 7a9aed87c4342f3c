"""Model archives: what TorchServe packs, read safely, written atomically, compared without running anything.

``tsnb.archive`` is both this package and the function users call, so the
package itself can be called: ``tsnb.archive("digits", version="1.0", ...)``
is :func:`tsnb.archive.write.archive`, whichever of the two was loaded first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that can be called like the function of the same name."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from tsnb.archive.write import archive

        return archive(*args, **options)


sys.modules[__name__].__class__ = _Callable
