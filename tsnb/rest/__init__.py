"""HTTP without a web framework: one table of endpoints, mounted by two adapters.

Importing this package fills the table.
"""

from tsnb.rest import inference, kserve, management, metrics, openapi, owner, workflows

__all__ = ["inference", "kserve", "management", "metrics", "openapi", "owner", "workflows"]
