"""`chain.jsonl`: a line for each boundary, each following the one before.

A last line that a crash tore was never committed and is left out. Any other line that does not follow is an error.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from . import files
from .errors import FormatError
from .fields import Fields

CHAIN_BYTES_MAX = 1 << 30
LINE_BYTES_MAX = 1 << 16
NO_PARENT = "0" * 64
_FIX = "restore the file from a copy, or run the package again: it gives the same bits"
_U64 = 2**64 - 1


@dataclass(frozen=True)
class Boundary:
    """A boundary on record. Two runs are equal, bit for bit, when their last boundaries' `digest` are."""

    segment: int
    step: int
    digest: str
    parent: str
    content: str
    outputs: str


@dataclass(frozen=True)
class ChainLine:
    """A line: the boundary, the hardware class that computed it, and the length of each output file at it, in bytes."""

    boundary: Boundary
    tier: str
    key: str
    files: dict[str, int]
    non_finite: str | None


def boundary_of(fields: Fields) -> Boundary:
    """The fields of a boundary."""
    return Boundary(
        segment=fields.integer("segment", 0, _U64),
        step=fields.integer("step", 0, _U64),
        digest=fields.digest("digest"),
        parent=fields.digest("parent"),
        content=fields.digest("content"),
        outputs=fields.digest("outputs"),
    )


def read_chain(root: Path) -> tuple[ChainLine, ...]:
    """The committed lines of a run directory's chain, oldest first; none where there is no file yet."""
    if not (root / "chain.jsonl").exists():
        return ()
    data = files.read(root, "chain.jsonl", CHAIN_BYTES_MAX)
    lines: list[ChainLine] = []
    texts = data.split(b"\n")
    # Behind the last line feed is nothing, or what a crash left of a line; it may also have left blocks of zeros.
    texts.pop()
    if texts and b"\0" in texts[-1]:
        texts.pop()
    for number, text in enumerate(texts, 1):
        line = _parse(root / "chain.jsonl", number, text)
        before = lines[-1].boundary if lines else None
        segment, parent = (before.segment + 1, before.digest) if before else (0, NO_PARENT)
        found = line.boundary
        if (found.segment, found.parent) != (segment, parent) or found.step < (before.step if before else 0):
            problem = f"is segment {found.segment} after parent {found.parent[:12]}, expected segment {segment} after {parent[:12]}"
            raise FormatError(root / "chain.jsonl", problem, field=f"line {number}", fix=_FIX)
        lines.append(line)
    return tuple(lines)


def _parse(file: Path, number: int, text: bytes) -> ChainLine:
    if len(text) > LINE_BYTES_MAX:
        raise FormatError(file, f"found {len(text)} bytes, expected at most {LINE_BYTES_MAX}", field=f"line {number}", fix=_FIX)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(file, f"is not JSON ({error})", field=f"line {number}", fix=_FIX) from None
    fields = Fields(file, value, f"line {number}")
    hardware = fields.within("class")
    lengths = fields.within("files")
    non_finite = None
    if fields.table.get("non_finite") is not None:
        found = fields.within("non_finite")
        non_finite = f"{found.text('place')} '{found.text('name')}' holds {found.text('value')} at element {found.integer('element', 0, _U64)}"
    return ChainLine(
        boundary=boundary_of(fields),
        tier=hardware.one_of("tier", ("portable", "class-bound")),
        key=hardware.digest("key"),
        files={name: lengths.integer(name, 0, _U64) for name in lengths.table},
        non_finite=non_finite,
    )
