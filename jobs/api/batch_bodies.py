"""The body of a batch: read into submissions, and each refusal led back to where it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers

from jobs import lifecycle
from jobs.batch_models import MOST_ITEMS
from jobs.budget import Budget
from jobs.lifecycle import Wanted
from jobs.placement import Asked
from jobs.states import FailureKind, Priority
from simulations import FieldError

from .expansion import Expansion, Path
from .placing import BackendField, QueueField
from .problems import InvalidSubmission, field_errors
from .serializers import (
    LimitsSerializer,
    PriorityField,
    RetrySerializer,
    StrictSerializer,
    SubmissionSerializer,
    TagsField,
)

MOST_ERRORS = 100
"""Ten thousand times the same mistake is told once a line, and not without end."""
LONGEST_NAME = 200
SHARED = ("priority", "backend", "queue", "limits", "retry", "reuse")
"""What a batch may say once for all of its jobs; each may say otherwise."""
NOT_OF_AN_ITEM = ("purpose", "webhook")


class UnrunnableBatch(InvalidSubmission):
    default_code = "invalid_batch"

    def __init__(self, errors: Sequence[FieldError], detail: str) -> None:
        super().__init__(errors)
        self.detail = exceptions.ErrorDetail(detail, self.default_code)


class ItemSerializer(SubmissionSerializer):
    """A submission, without what belongs to the batch as a whole."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        return {name: field for name, field in fields.items() if name not in NOT_OF_AN_ITEM}


@extend_schema_field({"type": "number", "exclusiveMinimum": 0, "maximum": MOST_ITEMS})
class FailFastField(serializers.Field[Any, Any, Any, Any]):
    """A whole number of failures, or below 1 a fraction of all jobs."""

    default_error_messages = {
        "no_threshold": "expected a whole number of failures from 1, or a fraction between 0 and 1."
    }

    def to_internal_value(self, data: Any) -> float:
        is_number = isinstance(data, int | float) and not isinstance(data, bool)
        if not is_number or not data > 0 or data > MOST_ITEMS or (data > 1 and data != int(data)):
            self.fail("no_threshold")
        return float(data)

    def to_representation(self, value: Any) -> Any:
        return value


class CountedList(serializers.ListField):
    """Counted first: of millions none is looked at."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list) and len(data) > MOST_ITEMS:
            raise serializers.ValidationError(
                f"These are {len(data):,}; a batch has from 1 to {MOST_ITEMS:,} jobs.",
                "wrong_number",
            )
        return super().to_internal_value(data)


class ListsField(serializers.DictField):
    """Lists of values by the dotted name of what they are put in for, `params.structure`."""

    child = CountedList(child=serializers.JSONField(allow_null=True), allow_empty=False)


class BatchSubmissionSerializer(StrictSerializer):
    name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    tags = TagsField(required=False, default=list)
    purpose = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    jobs = CountedList(
        child=serializers.DictField(), required=False, help_text="Submissions, up to 10,000."
    )
    template = serializers.DictField(
        required=False, help_text="One submission, to be varied by `grid` and `zip`."
    )
    grid = ListsField(required=False, help_text="Every combination of these values.")
    zip = ListsField(required=False, help_text="Lists of one length, taken in step.")
    priority = PriorityField(required=False)
    backend = BackendField(required=False)
    queue = QueueField(required=False)
    limits = LimitsSerializer(required=False)
    retry = RetrySerializer(required=False)
    reuse = serializers.BooleanField(required=False)
    fail_fast = FailFastField(
        required=False,
        allow_null=True,
        help_text="Cancel what still waits when so many have failed; below 1 a fraction of all.",
    )
    on_invalid = serializers.ChoiceField(
        ["refuse", "skip"],
        required=False,
        default="refuse",
        help_text="`refuse` the whole batch, or `skip` what cannot be run and run the rest.",
    )


class ResumeSerializer(StrictSerializer):
    also = serializers.ListField(
        child=serializers.ChoiceField(
            sorted(str(kind) for kind in FailureKind if kind not in lifecycle.STOPPED)
        ),
        required=False,
        default=list,
        help_text="Kinds of failure that are worth another try, beside what was cancelled or lost.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchBody:
    """What was asked for, item by item, and the way back from an item to where it was written."""

    asked: Mapping[str, Any]
    bodies: Sequence[dict[str, Any]]
    expansion: Expansion | None
    varied: list[str]

    @property
    def max_failures(self) -> int | None:
        threshold = self.asked.get("fail_fast")
        if threshold is None:
            return None
        return int(threshold) if threshold >= 1 else max(1, round(threshold * len(self.bodies)))

    def origin(self, item: int, path: Path) -> Path:
        return self.expansion.origin(item, path) if self.expansion else ("jobs", item, *path)

    def wanted(self) -> list[Wanted]:
        tags = self.asked["tags"]
        return [
            _wanted(read, body, tags) for body, read in zip(self.bodies, self._read(), strict=True)
        ]

    def _read(self) -> Iterator[Any]:
        """Each as the serializer reads it, or its exception.

        Where only params differ, all the rest is read once: they are what the simulation checks.
        """
        reader = ItemSerializer()
        only_params = self.expansion and all(name.startswith("params.") for name in self.varied)
        first: Any = None
        for body in self.bodies:
            if only_params and first is not None:
                yield {**first, "params": body["params"]}
                continue
            try:
                read = reader.run_validation(body)
            except exceptions.ValidationError as exc:
                yield exc
            else:
                first = read
                yield read

    def refused(self, errors: Mapping[int, Sequence[FieldError]]) -> UnrunnableBatch:
        told: dict[tuple[Path, str], FieldError] = {}
        for n, found in errors.items():
            for error in found:
                path = self.origin(n, error.path)
                told.setdefault(
                    (path, error.detail),
                    FieldError(path=path, code=error.code, detail=error.detail, fix=error.fix),
                )
            if len(told) >= MOST_ERRORS:
                break
        detail = f"{len(errors):,} of {len(self.bodies):,} jobs cannot be run; nothing was stored."
        return UnrunnableBatch(list(told.values())[:MOST_ERRORS], detail)


def read(data: Any) -> BatchBody:
    """:raises ValidationError: it is no batch."""
    asked = BatchSubmissionSerializer(data=data)
    asked.is_valid(raise_exception=True)
    valid = asked.validated_data
    shared = {name: data[name] for name in SHARED if name in valid}
    if ("jobs" in valid) == ("template" in valid):
        _refuse("jobs", "one_of_two", "Give either jobs or a template.")
    if "jobs" in valid:
        return _list(valid, shared)
    expansion = Expansion(
        template={**shared, **valid["template"]},
        grid=valid.get("grid", {}),
        zipped=valid.get("zip", {}),
    )
    _check(expansion)
    return BatchBody(
        asked=valid,
        bodies=list(expansion.bodies()),
        expansion=expansion,
        varied=expansion.names,
    )


def _list(valid: Mapping[str, Any], shared: Mapping[str, Any]) -> BatchBody:
    for name in ("grid", "zip"):
        if name in valid:
            _refuse(name, "without_template", f"{name} varies a template; give one, not jobs.")
    jobs = valid["jobs"]
    _refuse_wrong_number("jobs", len(jobs))
    bodies = [{**shared, **each} for each in jobs]
    return BatchBody(asked=valid, bodies=bodies, expansion=None, varied=_differing(bodies))


def _differing(bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """The params that are not the same in all of them, by dotted name."""
    params = [each["params"] for each in bodies if isinstance(each.get("params"), dict)]
    names = dict.fromkeys(name for each in params for name in each)
    return [
        f"params.{name}"
        for name in names
        if any(each.get(name) != params[0].get(name) for each in params)
    ]


def _check(expansion: Expansion) -> None:
    lengths = {name: len(values) for name, values in expansion.zipped.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        _refuse("zip", "lengths_differ", f"zip takes lists of one length; {told}.")
    for where, names in (("grid", expansion.grid), ("zip", expansion.zipped)):
        for name in names:
            root = name.split(".")[0]
            is_part = root in ItemSerializer().fields and (root != "params" or name != root)
            if not is_part or len(name) > LONGEST_NAME:
                told = name[:LONGEST_NAME]
                detail = f"{told} is no part of a submission; expected params.structure, say."
                _refuse(where, "unknown_field", detail)
    if both := expansion.grid.keys() & expansion.zipped.keys():
        _refuse("grid", "given_twice", f"{', '.join(sorted(both))}: in grid and in zip.")
    _refuse_wrong_number("grid", expansion.n_items)


def _refuse_wrong_number(name: str, n: int) -> None:
    if not 1 <= n <= MOST_ITEMS:
        detail = f"These are {n:,} jobs; a batch has from 1 to {MOST_ITEMS:,}."
        _refuse(name, "wrong_number", detail)


def _refuse(name: str, code: str, detail: str) -> None:
    raise InvalidSubmission([FieldError(path=(name,), code=code, detail=detail)])


def _wanted(read: Any, body: dict[str, Any], tags: Sequence[str]) -> Wanted:
    if isinstance(read, exceptions.ValidationError):
        is_known = isinstance(body.get("simulation"), str) and isinstance(body.get("params"), dict)
        # Told together with what is wrong around them.
        looked_at = ("simulation", "params") if is_known else ()
        rest: Any = {"simulation": "", "params": {}} | {name: body[name] for name in looked_at}
        return Wanted(**rest, given=body, unreadable=field_errors(read))
    retry = read.get("retry", {})
    return Wanted(
        simulation=read["simulation"],
        params=read["params"],
        name=read["name"],
        tags=list(dict.fromkeys([*tags, *read["tags"]])),
        priority=Priority(read["priority"]),
        place=Asked.of(backend=read["backend"], queue=read["queue"]),
        limits=Budget(**read.get("limits", {})),
        max_attempts=retry.get("max_attempts"),
        retry_on=[FailureKind(kind) for kind in retry.get("on", ())],
        reuse=read["reuse"],
        given=body,
    )
