"""The programmatic way in."""

from .model_archiver_config import ModelArchiverConfig
from .model_packaging import generate_model_archive


class ModelArchiver:
    """Makes archives."""

    @staticmethod
    def generate_model_archive(config: ModelArchiverConfig) -> None:
        """Write the archive that a config describes. Raises ModelArchiverError, FileNotFoundError."""
        generate_model_archive(config)
