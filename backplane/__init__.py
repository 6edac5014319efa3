"""The client of a Scientific AI Backplane: `Client`, `AsyncClient`, and the errors they raise."""

from .aio import AsyncBatch, AsyncClient, AsyncJob
from .batch import Batch
from .client import Client
from .errors import (
    BackplaneError,
    ChecksumMismatch,
    Conflict,
    Forbidden,
    Gone,
    InvalidSubmission,
    JobCancelled,
    JobFailed,
    NotFound,
    OverQuota,
    ServerError,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
    WaitTimeout,
)
from .job import Job
from .version import VERSION as __version__

__all__ = [
    "AsyncBatch",
    "AsyncClient",
    "AsyncJob",
    "BackplaneError",
    "Batch",
    "ChecksumMismatch",
    "Client",
    "Conflict",
    "Forbidden",
    "Gone",
    "InvalidSubmission",
    "Job",
    "JobCancelled",
    "JobFailed",
    "NotFound",
    "OverQuota",
    "ServerError",
    "Unauthorized",
    "UnexpectedAnswer",
    "Unreachable",
    "WaitTimeout",
    "__version__",
]
