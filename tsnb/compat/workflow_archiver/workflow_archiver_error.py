"""What the archiver raises when it refuses."""


class WorkflowArchiverError(Exception):
    """A name, an export path or an existing archive is in the way; the message says what to do."""
