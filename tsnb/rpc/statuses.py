"""From an error to a gRPC status, its code and its text (spec 4.4)."""

from __future__ import annotations

from grpc import StatusCode

from tsnb.errors import (
    BadRequest,
    Conflict,
    DownloadFailed,
    HandlerFailed,
    InvalidKey,
    InvalidModel,
    InvalidModelVersion,
    MethodNotAllowed,
    ModelFailure,
    ModelVersionNotFound,
    NotFound,
    RequestTimeout,
    RequestTooLarge,
    ServiceUnavailable,
    TsnbError,
)

CODES = {
    400: StatusCode.INVALID_ARGUMENT,
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.NOT_FOUND,
    409: StatusCode.ABORTED,
    413: StatusCode.RESOURCE_EXHAUSTED,
    416: StatusCode.OUT_OF_RANGE,
    429: StatusCode.RESOURCE_EXHAUSTED,
    499: StatusCode.CANCELLED,
    501: StatusCode.UNIMPLEMENTED,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.DEADLINE_EXCEEDED,
}
"""By the HTTP status of an error. Others of 4xx are FAILED_PRECONDITION, of 5xx INTERNAL, the rest UNKNOWN."""

OWN_CODES: dict[type[TsnbError], StatusCode] = {
    InvalidKey: StatusCode.PERMISSION_DENIED,
    MethodNotAllowed: StatusCode.PERMISSION_DENIED,
    RequestTimeout: StatusCode.DEADLINE_EXCEEDED,
    ServiceUnavailable: StatusCode.INTERNAL,  # no worker, or no room in the queue
}
"""Errors of the server itself whose code another status of the same number, raised by a handler, does not have."""

JAVA = "org.pytorch.serve"
JAVA_NAMES: dict[type[TsnbError], str] = {
    TsnbError: f"{JAVA}.http.InternalServerException",
    BadRequest: f"{JAVA}.http.BadRequestException",
    InvalidModel: f"{JAVA}.archive.model.InvalidModelException",
    ModelFailure: f"{JAVA}.archive.model.ModelException",
    DownloadFailed: f"{JAVA}.archive.DownloadArchiveException",
    InvalidModelVersion: f"{JAVA}.http.InvalidModelVersionException",
    NotFound: f"{JAVA}.archive.model.ModelNotFoundException",
    ModelVersionNotFound: f"{JAVA}.archive.model.ModelVersionNotFoundException",
    MethodNotAllowed: f"{JAVA}.archive.model.ModelException",
    RequestTimeout: f"{JAVA}.http.RequestTimeoutException",
    Conflict: f"{JAVA}.http.ConflictStatusException",
    RequestTooLarge: f"{JAVA}.http.RequestTooLargeException",
    ServiceUnavailable: "InternalServerException.()",
}
"""The second line of a status text: what clients of TorchServe find there."""


class MissingParameter(BadRequest):
    """A field without which nothing can be done is empty. Its second line is TorchServe's, which is no class name."""


JAVA_NAMES[MissingParameter] = "BadRequestException.()"


def code(error: TsnbError) -> StatusCode:
    """The code of an error: its own, or that of its HTTP status."""
    own = next((OWN_CODES[kind] for kind in type(error).__mro__ if kind in OWN_CODES), None)
    return own or CODES.get(error.status) or _by_class(error.status)


def _by_class(status: int) -> StatusCode:
    if 400 <= status < 500:
        return StatusCode.FAILED_PRECONDITION
    return StatusCode.INTERNAL if 500 <= status < 600 else StatusCode.UNKNOWN


def look_code(error: TsnbError) -> StatusCode:
    """The same where a missing name is INTERNAL, as in TorchServe's Open Inference Protocol."""
    return StatusCode.INTERNAL if isinstance(error, MissingParameter) else code(error)


def inference_code(error: TsnbError) -> StatusCode:
    """The same for a prediction: a model that is not there is INTERNAL too."""
    return StatusCode.INTERNAL if isinstance(error, NotFound) else look_code(error)


def name(error: TsnbError) -> str:
    """The name of the error's class in TorchServe."""
    return next(JAVA_NAMES[kind] for kind in type(error).__mro__ if kind in JAVA_NAMES)


def text(error: TsnbError) -> str:
    """The text of a status: what was wrong, and on a second line the class; tokens are refused without one."""
    return error.message if isinstance(error, InvalidKey) else f"{error.message}\n{name(error)}"


def succeeded(error: TsnbError) -> bool:
    """Whether a handler raised an error whose own status says that all is well."""
    return isinstance(error, HandlerFailed) and 200 <= error.status < 300
