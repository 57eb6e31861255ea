"""Bodies of the server's answers, as `docs/openapi.json` says them; a test holds each class to its schema.

A field that a newer server adds is passed over; one that is missing or of another type is an error that names it.
"""

from __future__ import annotations

import dataclasses
import types as python_types
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .chain import Boundary
from .errors import ServerError
from .fields import shown

JobState = Literal["queued", "running", "suspended", "migrating", "verifying", "held", "completed", "failed", "cancelled"]
Tier = Literal["portable", "class-bound"]
#: States that a job does not leave.
FINAL: tuple[JobState, ...] = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class HardwareClass:
    """Where a job may go on: devices of one class compute the same bits."""

    tier: Tier
    key: str


@dataclass(frozen=True)
class ClassPresence:
    """How present a hardware class is."""

    # `class` is a word of Python's.
    class_: HardwareClass
    devices: int
    online: int
    waiting: int
    last_seen_ms: int | None = None
    #: Why its devices have no work: hosts returned the same wrong results on them.
    quarantined: str | None = None


@dataclass(frozen=True)
class Change:
    """A change of state that was kept."""

    at_ms: int
    state: JobState
    reason: str


Outcome = Literal["success", "migrated", "preempted", "expired", "client-error", "mismatch", "aborted"]


@dataclass(frozen=True)
class Stay:
    """A host and class that a job passed through."""

    #: Class of the device.
    class_: HardwareClass
    #: When it was offered, Unix milliseconds.
    from_ms: int
    #: Segments committed before it.
    from_segment: int
    #: The host.
    host: int
    #: Segments committed up to now, or when it ended.
    to_segment: int
    #: How it ended; none while it lasts.
    outcome: Outcome | None = None
    #: When it ended, Unix milliseconds; none while it lasts.
    to_ms: int | None = None


@dataclass(frozen=True)
class JobError:
    """An error of a host with a job, since the job's last boundary that is safe."""

    #: When, Unix milliseconds.
    at_ms: int
    #: The host.
    host: int
    #: What the host said.
    message: str
    #: The host's name at that time.
    name: str
    #: How the attempt ended.
    outcome: Outcome


Verify = Literal["none", "sampled", "full"]


@dataclass(frozen=True)
class VerifiedSpan:
    """A stretch of segments that one host brought home."""

    #: First segment, counted from 1.
    first: int
    #: The host that brought it home.
    host: int
    #: Last segment.
    last: int
    #: The host that computed it, too, to the same digest; none where no second host did.
    confirmed_by: int | None = None
    #: What stands in place of a confirmation; empty when it was confirmed.
    note: str = ""


@dataclass(frozen=True)
class Verification:
    """What a second host has confirmed of a job's committed segments."""

    #: Stretches that wait for a second host, or are with one.
    open: int
    #: Segments that a second host computed to the same digest.
    segments: int
    #: Each stretch by the host that brought it home, oldest first.
    spans: list[VerifiedSpan]
    #: How much is to be computed a second time.
    wanted: Verify


@dataclass(frozen=True)
class JobView:
    """A job."""

    #: Blob that holds the package's archive.
    archive: str
    #: Time its segments took to compute, milliseconds.
    computed_ms: int
    #: Leases so far; every one has its own epoch.
    epoch: int
    #: Its number.
    job: int
    #: Bytes of packages and checkpoints moved for it.
    moved_bytes: int
    #: Name for people.
    name: str
    #: Its owner.
    owner: str
    #: Identity of the package.
    package: str
    #: 0 to 9.
    priority: int
    #: Segments computed as last reported, committed or not.
    progress: int
    #: Why, in a sentence.
    reason: str
    #: Segments committed.
    segment: int
    #: Segments wanted.
    segments: int
    #: Since when, Unix milliseconds.
    since_ms: int
    #: The job's state.
    state: JobState
    #: Hosts and classes it passed through, at most the last 64.
    stays: list[Stay]
    #: Steps committed.
    step: int
    #: When it was submitted, Unix milliseconds.
    submitted_ms: int
    #: Words to find it by.
    tags: list[str]
    #: The package's tier.
    tier: Tier
    #: The job it starts from.
    after: int | None = None
    #: Digest of its last committed boundary: equal for equal results.
    chain: str | None = None
    #: Blob of its last checkpoint.
    checkpoint: str | None = None
    #: Class of its checkpoint; none before the first.
    class_: HardwareClass | None = None
    #: Unix time by which it should be done, milliseconds.
    deadline_ms: int | None = None
    #: Errors since its last boundary, oldest first, at most the last 16.
    errors: list[JobError] = dataclasses.field(default_factory=list)
    #: Host that has it now.
    host: int | None = None
    #: Expected time to its end, milliseconds, when it runs without pause; none before anything is known.
    left_ms: int | None = None
    #: Computing per data moved, minutes per megabyte; none before anything moved.
    minutes_per_mb: float | None = None
    #: What other hosts have confirmed of it.
    verification: Verification = dataclasses.field(default_factory=lambda: Verification(0, 0, [], "none"))


@dataclass(frozen=True)
class Why:
    """Why a job runs, waits or moved."""

    job: int
    state: JobState
    sentence: str
    changes: list[Change]
    class_: ClassPresence | None = None


@dataclass(frozen=True)
class ChainLine:
    """A boundary that is safe on the server, and the blob of the outputs of the commit that ended with it."""

    entry: Boundary
    outputs: str | None = None


@dataclass(frozen=True)
class Problem:
    """What went wrong: `type` is a stable name to act on."""

    type: str
    status: int
    title: str
    detail: str
    field: str | None = None


T = TypeVar("T")


def decode(kind: type[T], value: Any, place: str = "") -> T:
    """A JSON value as a dataclass. Raises ServerError that names the field."""
    return _decode(kind, value, place or kind.__name__)  # type: ignore[no-any-return]


def _decode(kind: Any, value: Any, place: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, python_types.UnionType):
        choices = [choice for choice in get_args(kind) if choice is not type(None)]
        return None if value is None else _decode(choices[0], value, place)
    if origin is list:
        if isinstance(value, list):
            return [_decode(get_args(kind)[0], item, f"{place}[{index}]") for index, item in enumerate(value)]
    elif origin is Literal:
        # A state that a newer server has is passed on as it is.
        if isinstance(value, str):
            return value
    elif dataclasses.is_dataclass(kind):
        if isinstance(value, dict):
            return _fields(kind, value, place)
    elif kind is float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    elif isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise ServerError(f"the server's answer cannot be understood: {place}: found {shown(value)}, expected {getattr(kind, '__name__', kind)}")


def _fields(kind: Any, value: dict[str, Any], place: str) -> Any:
    hints = get_type_hints(kind)
    made = {}
    for field in dataclasses.fields(kind):
        key = field.name.rstrip("_")
        if key in value:
            made[field.name] = _decode(hints[field.name], value[key], f"{place}.{key}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ServerError(f"the server's answer cannot be understood: {place}: has no '{key}'")
    return kind(**made)
