"""Everything that can happen to a job. The only package that writes its tables.

Every verb is a compare-and-set: the WHERE clause names the states it may leave and, for what a
worker writes, the attempt it writes for. Whoever comes second raises `IllegalTransition`.
"""

from .admission import BudgetSpent, Closed, OverQuota
from .approval import approve, approve_each, reject, reject_each
from .backends import (
    explain_anew,
    hand_to_backend,
    is_any_unreached,
    tell_pending,
    tell_unreached,
)
from .batch_course import BatchIsOver, cancel_batch, settle_open_batches
from .batches import (
    STOPPED,
    InvalidBatch,
    NothingToResume,
    resume_batch,
    submit_batch,
)
from .crowd import Looked, Sent, Unsure, is_told_at_a_glance, look_at_each, submit_each
from .ending import (
    cancel,
    expire,
    fail,
    hand_over,
    lose,
    note_key,
    record_usage,
    remove_files,
    request_cancel,
    succeed,
)
from .filing import FileInUse, FileRemoved, remove_file, remove_unused_file
from .many import cancel_each, prioritise_each
from .molecules import Filer
from .preparing import TooSlow, Wanted, errors_of
from .resting import begin_maintenance, end_maintenance
from .running import (
    MadeForNewer,
    NotLoaded,
    doubt,
    extend_lease,
    extend_leases,
    progress,
    start,
    take_next,
)
from .submission import (
    CannotRestart,
    NotAllowed,
    Prepared,
    prepare,
    restart,
    run_again,
    set_priority,
    submit,
    why_new,
    why_no_restart,
    why_reused,
)
from .tagging import CannotTag, add_tag
from .together import together
from .writing import IllegalTransition

__all__ = [
    "STOPPED",
    "BatchIsOver",
    "BudgetSpent",
    "CannotRestart",
    "CannotTag",
    "Closed",
    "FileInUse",
    "FileRemoved",
    "Filer",
    "IllegalTransition",
    "InvalidBatch",
    "Looked",
    "MadeForNewer",
    "NotAllowed",
    "NotLoaded",
    "NothingToResume",
    "OverQuota",
    "Prepared",
    "Sent",
    "TooSlow",
    "Unsure",
    "Wanted",
    "add_tag",
    "approve",
    "approve_each",
    "begin_maintenance",
    "cancel",
    "cancel_batch",
    "cancel_each",
    "doubt",
    "end_maintenance",
    "errors_of",
    "expire",
    "explain_anew",
    "extend_lease",
    "extend_leases",
    "fail",
    "hand_over",
    "hand_to_backend",
    "is_any_unreached",
    "is_told_at_a_glance",
    "look_at_each",
    "lose",
    "note_key",
    "prepare",
    "prioritise_each",
    "progress",
    "record_usage",
    "reject",
    "reject_each",
    "remove_file",
    "remove_files",
    "remove_unused_file",
    "request_cancel",
    "restart",
    "resume_batch",
    "run_again",
    "set_priority",
    "settle_open_batches",
    "start",
    "submit",
    "submit_batch",
    "submit_each",
    "succeed",
    "take_next",
    "tell_pending",
    "tell_unreached",
    "together",
    "why_new",
    "why_no_restart",
    "why_reused",
]
