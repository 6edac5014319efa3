"""The words of the OpenAPI document that belong to no single view."""

from __future__ import annotations

from . import idempotency

REFUSALS = {
    400: ("parse_error", "The request could not be understood."),
    401: ("not_authenticated", "Who asks is not known."),
    403: ("permission_denied", "It takes somebody with more rights, or a key with more scopes."),
    404: ("not_found", "There is none, or it is somebody else's."),
    405: ("method_not_allowed", "The path does not know the method."),
    406: ("not_acceptable", "It cannot be told in what `Accept` asks for."),
    409: ("illegal_transition", "It is not, or no longer, in a state that allows it."),
    410: ("gone", "The file was removed, or has changed on disk."),
    412: ("changed_meanwhile", "It is no longer the version that `If-Match` names."),
    413: ("body_too_large", "The body is larger than is taken."),
    415: ("unsupported_media_type", "The body is of a kind that is not taken."),
    416: ("range_not_satisfiable", "The file ends before that range."),
    422: ("invalid_submission", "Each thing that is wrong, and how to mend it."),
    429: ("throttled", "Too often, or too many at once; `Retry-After` says when to try again."),
    500: ("internal", "A defect of ours; `request_id` finds it in our log."),
    503: ("database_busy", "Busy, and nothing was changed; `Retry-After` says when to try again."),
}
ALWAYS = {400, 401, 403, 404, 405, 406, 429, 500, 503}
WITH_A_CHANGE = {409, 412, 413, 415, 422}
OF_A_FILE = {410, 416}
TAGS = {
    "jobs": "Submit, watch, change, explain.",
    "batches": "Many jobs at once.",
    "simulations": "What can be computed, with the schemas of both ends.",
    "files": "Structures that jobs name.",
    "events": "What happened while you were away.",
    "keys": "For programs that act for you.",
    "webhooks": "Be told instead of asking.",
    "seed": "The endpoints of the system that this one grew out of.",
}

BELONGS_TO = {"me": "keys", "tickets": "keys", "signed": "jobs"}

PROBLEM = {
    "type": "object",
    "description": "A refusal, as RFC 9457 has it.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for people."},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "A stable word for programs."},
        "retryable": {"type": "boolean", "description": "The same request may do, later."},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemError"}},
        "patch": {
            "type": "object",
            "description": "A JSON merge patch on the submission: all the mends in one.",
        },
    },
    "required": [
        "type", "title", "status", "detail", "instance", "code", "retryable", "request_id",
    ],
}  # fmt: skip
PROBLEM_ERROR = {
    "type": "object",
    "properties": {
        "pointer": {"type": "string", "description": "JSON Pointer into the body."},
        "parameter": {"type": "string", "description": "Or the query parameter."},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "fix": {"type": "object", "description": "New values that would mend it."},
        "position": {
            "type": "integer",
            "description": "The character of the field's text that is wrong, from 1.",
        },
    },
    "required": ["code", "detail"],
}
PART = {
    "type": "object",
    "description": "With `fields` or `max_bytes`: some of it.",
    "properties": {"left_out": {"$ref": "#/components/schemas/LeftOut"}},
}
LEFT_OUT = {
    "type": "object",
    "properties": {
        "values": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "bytes": {"type": "integer"},
                    "entries": {"type": "integer"},
                },
                "required": ["path", "bytes"],
            },
        },
        "get": {"type": "string", "format": "uri", "description": "Gives what was left out."},
    },
    "required": ["values", "get"],
}
HEADERS = {
    "Location": "Where the job is.",
    "Retry-After": "Seconds after which to ask again.",
    "ETag": "The version of it: of a job or a batch for `If-None-Match` and `If-Match`, of a key "
    "or a webhook for `If-Match`.",
}
NAMED = {
    "artifact_id": "From `artifacts` of the job.",
    "batch_id": "From the answer to `submit_batch`, or from `list_batches`.",
    "delivery_id": "From `list_deliveries`.",
    "file_id": "From the answer to `upload_file`, or from `list_files`.",
    "format": "What `Accept` says otherwise.",
    "job_id": "From the answer to `submit_job`, or from `list_jobs`.",
    "key_id": "From `list_keys`.",
    "name": "From `list_simulations`, or another name that it goes by.",
    "webhook_id": "From `list_webhooks`.",
}
"""What every operation means by a parameter of that name."""
JOB_MAKERS = {"submit_job", "run_job_again", "restart_job"}
MAKERS = JOB_MAKERS | {"submit_batch"}
OF_BATCHES = {"submit_batch", "get_batch", "cancel_batch", "resume_batch"}
VERSIONED = OF_BATCHES | {
    "get_job", "change_job", "cancel_job", "approve_job", "reject_job", "get_key", "change_key",
    "get_webhook", "change_webhook",
}  # fmt: skip
"""Whose answers have an `ETag`."""
ASKED = {
    idempotency.HEADER: (
        MAKERS | {"resume_batch"},
        "Sent again under the same key, a request is answered as it was before.",
    ),
    "Prefer": (
        JOB_MAKERS
        | OF_BATCHES
        | {"get_job", "get_job_result", "cancel_job", "list_jobs", "list_events"},
        "`wait=30`: answer once the job has ended, the batch is over, one of the jobs named by "
        "`ids` has ended, or there is an event; or after so many seconds (at most 50).",
    ),
    "If-None-Match": (
        {"get_job", "get_batch", "get_artifact", "get_file_content"},
        "The `ETag` of what you have: `304` if it is still that.",
    ),
    "If-Match": (
        {"change_job", "cancel_job", "approve_job", "reject_job", "cancel_batch", "resume_batch"}
        | {"change_key", "change_webhook", "delete_webhook"},
        "The `ETag` of what you want changed, as you know it: `412` if it has changed since.",
    ),
    "Last-Event-ID": (
        {"stream_job_events", "stream_batch_events"},
        "The `id` of the last event that you have: the stream goes on after it.",
    ),
    "Range": ({"get_artifact", "get_signed_artifact"}, "`bytes=0-1023`: part of the file."),
}
"""Headers that may be sent, with which operations, and what for."""
