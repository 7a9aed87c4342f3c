"""Everything that can go wrong, as one tree.

::

    TsnbError                     500 InternalServerException
    ├── BadRequest                400 BadRequestException
    │   ├── InvalidModel          400 InvalidModelException      an archive that cannot be served
    │   │   └── UnsafeArchive     400 InvalidModelException      an archive that tries to escape or explode
    │   ├── ModelFailure          400 ModelException             dependencies or environment of a model failed
    │   ├── InvalidKey            400 InvalidKeyException        token missing, wrong or expired
    │   ├── DownloadFailed        400 DownloadArchiveException
    │   ├── InvalidWorkflow       400 InvalidWorkflowException   a workflow archive or its spec makes no sense
    │   │   └── InvalidDag        400 InvalidDAGException        its nodes have no start, or go in a circle
    │   ├── CaptureError          400 BadRequestException        a cell that cannot become a module
    │   └── ConfigError           400 BadRequestException        a setting that makes no sense
    ├── InvalidModelVersion       403 InvalidModelVersionException
    ├── NotFound                  404 ResourceNotFoundException
    │   ├── ModelNotFound         404 ModelNotFoundException
    │   ├── WorkflowNotFound      404 WorkflowNotFoundException
    │   └── ModelVersionNotFound  404 ModelVersionNotFoundException
    ├── MethodNotAllowed          405 MethodNotAllowedException
    ├── RequestTimeout            408 RequestTimeoutException
    ├── Conflict                  409 ConflictStatusException
    ├── RequestTooLarge           413 RequestTooLargeException
    ├── WorkerDied                500 InternalServerException    the process is gone; .out_of_memory makes it 507
    ├── WorkflowFailed            500 WorkflowException          some nodes of a workflow could not be registered
    ├── WorkersFailed             500 InternalServerException    workers did not start; carries the failure
    ├── HandlerFailed             503 InternalServerException    the handler raised or answered nonsense
    ├── ServiceUnavailable        503 ServiceUnavailableException no worker, queue full
    └── ServerUnreachable         503 ServiceUnavailableException the client found nobody at the URL

Inner floors raise these words; each door (REST, gRPC, magic, command line)
translates once. ``status`` is the HTTP status, ``type`` the class name that
TorchServe shows (``spec`` section 0.5), and the message says what was wrong,
the value seen, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from tsnb.messages import Failure


class TsnbError(Exception):
    """The root. ``status`` and ``type`` are what a REST client sees."""

    status: int = 500
    type: ClassVar[str] = "InternalServerException"

    def __init__(self, message: str, *, failure: Failure | None = None) -> None:
        super().__init__(message)
        self.message = message
        #: What happened inside a worker, for the owner's eyes only.
        self.failure = failure
        #: The request this error answered, when there was one.
        self.request_id: str | None = None


class BadRequest(TsnbError):
    """The caller asked for something that makes no sense."""

    status = 400
    type = "BadRequestException"


class InvalidModel(BadRequest):
    """The archive cannot be served: broken, incomplete or contradictory."""

    type = "InvalidModelException"


class UnsafeArchive(InvalidModel):
    """The archive tries to write outside its folder, or to fill the disk."""


class ModelFailure(BadRequest):
    """The model's requirements or virtual environment could not be made."""

    type = "ModelException"


class InvalidKey(BadRequest):
    """The token is missing, wrong or expired. (400, as in TorchServe.)"""

    type = "InvalidKeyException"


class DownloadFailed(BadRequest):
    """The archive could not be fetched from its URL."""

    type = "DownloadArchiveException"


class InvalidWorkflow(BadRequest):
    """A workflow archive or its spec makes no sense."""

    type = "InvalidWorkflowException"


class InvalidDag(InvalidWorkflow):
    """The nodes of a workflow have no single start, or go in a circle."""

    type = "InvalidDAGException"


class CaptureError(BadRequest):
    """A notebook cell cannot become a module; names the variable, the line and the remedy."""


class ConfigError(BadRequest):
    """A setting has a value that makes no sense."""


class InvalidModelVersion(TsnbError):
    """The version exists but may not be touched, as a default version with others beside it."""

    status = 403
    type = "InvalidModelVersionException"


class NotFound(TsnbError):
    """No such route, archive or file."""

    status = 404
    type = "ResourceNotFoundException"


class ModelNotFound(NotFound):
    """No model of that name is registered."""

    type = "ModelNotFoundException"


class ModelVersionNotFound(NotFound):
    """The model exists, that version does not."""

    type = "ModelVersionNotFoundException"


class WorkflowNotFound(NotFound):
    """No workflow of that name is registered, or no such archive is in the workflow store."""

    type = "WorkflowNotFoundException"


class MethodNotAllowed(TsnbError):
    """The route exists, for other methods."""

    status = 405
    type = "MethodNotAllowedException"


class RequestTimeout(TsnbError):
    """A management request took longer than its limit."""

    status = 408
    type = "RequestTimeoutException"


class Conflict(TsnbError):
    """Something of that name is there already."""

    status = 409
    type = "ConflictStatusException"


class RequestTooLarge(TsnbError):
    """The body is larger than ``max_request_size``."""

    status = 413
    type = "RequestTooLargeException"


class WorkerDied(TsnbError):
    """The worker's process ended, lost its connection or did not answer in time."""

    def __init__(self, message: str = "Worker died.", *, out_of_memory: bool = False) -> None:
        super().__init__(message)
        if out_of_memory:
            self.status = 507


class WorkflowFailed(TsnbError):
    """Some nodes of a workflow could not be registered; all are gone again."""

    type = "WorkflowException"


class WorkersFailed(TsnbError):
    """Workers could not be started; ``failure`` says what the handler raised."""


class HandlerFailed(TsnbError):
    """The handler raised, or returned something that is no answer."""

    status = 503

    def __init__(self, message: str, *, status: int = 503, failure: Failure | None = None) -> None:
        super().__init__(message, failure=failure)
        self.status = status


class ServiceUnavailable(TsnbError):
    """Nobody can take the request now: no worker, or the queue is full."""

    status = 503
    type = "ServiceUnavailableException"


class ServerUnreachable(TsnbError):
    """The client found no server at its URL."""

    status = 503
    type = "ServiceUnavailableException"


def _leaves(cls: type[TsnbError]) -> list[type[TsnbError]]:
    return [cls, *(leaf for child in cls.__subclasses__() for leaf in _leaves(child))]


def from_wire(status: int, type_name: str, message: str) -> TsnbError:
    """The error a server sent as ``{code, type, message}``, as the class it was raised from.

    Several classes can share a wire name; the one with the same status wins, the
    most general first.
    """
    named = [cls for cls in _leaves(TsnbError) if cls.type == type_name]
    exact = [cls for cls in named if cls.status == status]
    if type_name == TsnbError.type:
        return _from_worker(status, message)
    cls = (exact or named or [TsnbError])[0]
    error = cls(message)
    error.status = status
    return error


def _from_worker(status: int, message: str) -> TsnbError:
    if message == "Worker died.":
        return WorkerDied(message, out_of_memory=status == 507)
    if message.startswith("Failed to start workers"):
        failed = WorkersFailed(message)
        failed.status = status
        return failed
    if status == 500:
        return TsnbError(message)
    return HandlerFailed(message, status=status)
