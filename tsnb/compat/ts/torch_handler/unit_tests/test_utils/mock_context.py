"""``ts.torch_handler.unit_tests.test_utils.mock_context``."""

from __future__ import annotations

from tsnb.handlers.testing import MockContext

__all__ = ["MockContext"]
