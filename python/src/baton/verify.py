"""Holding a run directory against its chain: by the `baton` program, which looks at all of it, or here with `blake3`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import digests, program
from .errors import DependencyError, FormatError

if TYPE_CHECKING:
    from .run_dir import Run


@dataclass(frozen=True)
class Verification:
    """What was looked at: `by` is `program` or `blake3`; a directory that does not fit its chain raises instead."""

    by: str
    boundaries: int
    checkpoints: tuple[int, ...]


def verify(run: Run, by: str | None = None) -> Verification:
    """Hold a run directory against its chain.

    `by="program"` calls `baton verify`, which also holds package and table. `by="blake3"` computes here: each boundary's digest, the
    digest of each segment's outputs, each checkpoint. None takes the program where it is installed.

    Raises FormatError or ProgramError with the first thing that is not what was written, DependencyError where neither is there.
    """
    if by not in (None, "program", "blake3"):
        raise ValueError(f"by: found {by!r}, expected 'program', 'blake3' or None")
    if by == "program" or (by is None and program.find("baton", required=False)):
        report = program.call_json(["verify", str(run.path), "--json"])
        return Verification("program", int(report["boundaries"]), tuple(int(segment) for segment in report["checkpoints"]))
    if not digests.available():
        raise DependencyError("to verify, install the `baton` program or pip install 'baton[states]'")
    tables = [run._frames(output.name) for output in run.manifest.outputs]
    before = 0
    for number, line in enumerate(run.chain, 1):
        boundary, place = line.boundary, f"line {number}"
        if digests.of_boundary(run.config.package, boundary) != boundary.digest:
            raise FormatError(run.path / "chain.jsonl", "its fields give another digest than it says", field=place)
        if number > 1:
            parts = (table.raw[table.output.rows(before) : table.output.rows(boundary.step)].tobytes() for table in tables)
            if digests.of_outputs(parts) != boundary.outputs:
                raise FormatError(run.path, f"the outputs of segment {boundary.segment} are not those of the chain", field=place)
        before = boundary.step
    states = run.checkpoints[1:]
    for segment in states:
        run.state(segment, verify=True)
    return Verification("blake3", len(run.chain), states)
