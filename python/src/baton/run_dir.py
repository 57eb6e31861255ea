"""A run directory, made here by `baton run` or fetched from a server: opened to be read, while the run goes on or after it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import digests
from .chain import Boundary, ChainLine, read_chain
from .checkpoint import read_checkpoint
from .errors import FormatError
from .fields import read_toml
from .frames import Frames
from .manifest import Manifest, read_manifest
from .observables import Observables

if TYPE_CHECKING:
    from .topology import Topology
    from .verify import Verification

CONFIG_BYTES_MAX = 1 << 16
_CHECKPOINT = re.compile(r"(\d{10,20})\.baton")


@dataclass(frozen=True)
class Config:
    """`run.toml`: what was asked for."""

    segments: int
    checkpoint_every: int
    keep_checkpoints: bool
    package: str


class State(Mapping[str, npt.NDArray[Any]]):
    """The state at a boundary: raw arrays in the standard layout by the names of their buffers."""

    def __init__(self, boundary: Boundary, arrays: Mapping[str, npt.NDArray[Any]], manifest: Manifest, verified: bool) -> None:
        self.boundary = boundary
        self.verified = verified
        self._arrays = arrays
        self._manifest = manifest

    def physical(self, name: str) -> npt.NDArray[np.float64]:
        """Values of a buffer in its physical unit."""
        buffer = self._manifest.buffer(name)
        values = buffer.physical(self[name])
        return values if buffer.scale_by is None else values * float(self[buffer.scale_by][0])

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._arrays:
            raise KeyError(f"no state buffer '{name}'; there are: {', '.join(self._arrays)}")
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        return f"<state at step {self.boundary.step}: {', '.join(self)}>"


class Run:
    """A run directory as it was when it was opened; `reload` takes in what has come since."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not (self.path / "run.toml").is_file():
            raise FormatError(self.path, "is not a run directory: it has no run.toml", fix="name the folder that `baton run` or `baton fetch` made")
        fields = read_toml(self.path, "run.toml", CONFIG_BYTES_MAX)
        self.config = Config(
            segments=fields.integer("segments", 1, 2**63),
            checkpoint_every=fields.integer("checkpoint_every", 1, 2**63),
            keep_checkpoints=fields.flag("keep_checkpoints", False),
            package=fields.digest("package"),
        )
        self.manifest: Manifest = read_manifest(self.path / "package")
        self.chain: tuple[ChainLine, ...] = ()
        self.reload()

    def reload(self) -> None:
        """Read the chain again: a run that goes on has more of it. Arrays that were taken before stay as they are."""
        chain = read_chain(self.path)
        for line in chain:
            if line.boundary.step != line.boundary.segment * self.manifest.steps_per_segment:
                expected = line.boundary.segment * self.manifest.steps_per_segment
                place = f"line {line.boundary.segment + 1}: step"
                raise FormatError(self.path / "chain.jsonl", f"found {line.boundary.step}, expected {expected}", field=place)
        self.chain = chain

    @property
    def last(self) -> Boundary:
        """The newest boundary."""
        if not self.chain:
            raise FormatError(self.path / "chain.jsonl", "has no boundary yet", fix="wait for the first, or `baton resume`")
        return self.chain[-1].boundary

    @property
    def digest(self) -> str:
        """Digest of the newest boundary: equal for equal results."""
        return self.last.digest

    @property
    def finished(self) -> bool:
        """Whether all segments that were asked for are there, or the package itself ended the run (`done`)."""
        return bool(self.chain) and (self.last.segment >= self.config.segments or self.done)

    @property
    def done(self) -> bool:
        """Whether the package itself ended the run at the newest boundary: the state buffer that its `done` names is not 0."""
        name = self.manifest.done
        if name is None or not self.chain or self.last.segment not in self.checkpoints:
            return False
        return bool(self.state(self.last.segment, verify=False)[name].flat[0])

    @property
    def observables(self) -> Observables:
        """Outputs with columns, as arrays with units."""
        return Observables([self._frames(output.name) for output in self.manifest.outputs if output.columns])

    def frames(self, name: str | None = None) -> Frames:
        """The frames of an output, memory-mapped; without a name those of the only output that has frames."""
        outputs = [output for output in self.manifest.outputs if not output.columns]
        names = [output.name for output in outputs]
        if name is None:
            sizes = {output.buffer.scale_by for output in outputs}
            main = [output.name for output in outputs if output.buffer.name not in sizes]
            if len(main) != 1:
                raise KeyError(f"choose an output; there are: {', '.join(names) or 'none'}")
            name = main[0]
        if name not in names:
            raise KeyError(f"no frames of an output '{name}'; there are: {', '.join(names) or 'none'}")
        return self._frames(name)

    def _frames(self, name: str) -> Frames:
        output = self.manifest.output(name)
        if not self.chain:
            return Frames(self.path, output, self.manifest, 0)
        rows = output.rows(self.last.step)
        said = self.chain[-1].files.get(output.file)
        if said != rows * output.buffer.nbytes:
            place = f"line {len(self.chain)}: files: {output.file}"
            raise FormatError(self.path / "chain.jsonl", f"found {said}, expected {rows * output.buffer.nbytes}", field=place)
        frames = Frames(self.path, output, self.manifest, rows)
        if (scale_by := output.buffer.scale_by) is not None:
            beside = [other for other in self.manifest.outputs if other.buffer.name == scale_by and other.every == output.every and not other.columns]
            if not beside:
                raise FormatError(self.path / "package", f"has no frames of '{scale_by}' beside those of '{name}', which they are multiplied by")
            frames.sizes = self._frames(beside[0].name).raw[:, 0].astype(np.float64)
        return frames

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """Boundaries whose state can be had: 0, which the package gives, and those with a checkpoint on disk."""
        folder = self.path / "checkpoints"
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        found = [int(match[1]) for match in map(_CHECKPOINT.fullmatch, names) if match]
        return (0, *(segment for segment in found if 0 < segment < len(self.chain)))

    def state(self, segment: int | None = None, *, verify: bool | None = None) -> State:
        """The state at a boundary, by default the newest on disk.

        `verify=None` computes its digests where `blake3` is installed (`State.verified` says so); `True` insists on it.
        Boundary 0 needs no optional package.
        """
        there = self.checkpoints
        segment = there[-1] if segment is None else segment
        if segment not in there:
            fix = "`baton run --checkpoint-every K` keeps more"
            raise FormatError(self.path / "checkpoints", f"holds no state of boundary {segment}; there are: {', '.join(map(str, there))}", fix=fix)
        if segment == 0:
            arrays = {buffer.name: self.manifest.initial(buffer.name) for buffer in self.manifest.state}
            if not self.chain:
                return State(Boundary(0, 0, *["0" * 64] * 4), arrays, self.manifest, False)
            first = self.chain[0].boundary
            check = digests.available() if verify is None else verify
            if check and digests.of_content((buffer, arrays[buffer.name].tobytes()) for buffer in self.manifest.state) != first.content:
                raise FormatError(self.path / "package", "gives another initial state than the chain's", fix="restore the folder from a copy")
            return State(first, arrays, self.manifest, check)
        name = f"checkpoints/{segment:010}.baton"
        checkpoint = read_checkpoint(self.path, name, self.manifest.state, verify=verify)
        if (checkpoint.package, checkpoint.boundary) != (self.config.package, self.chain[segment].boundary):
            raise FormatError(self.path / name, "is whole, but of another run than the chain", fix="restore the file from a copy")
        return State(checkpoint.boundary, checkpoint.arrays, self.manifest, checkpoint.verified)

    @property
    def topology(self) -> Topology:
        """Atoms and periodic box, where the package is molecular."""
        from .topology import of_run

        return of_run(self)

    def verify(self, by: str | None = None) -> Verification:
        """Hold all that the directory records against its chain: see `baton.verify`."""
        from .verify import verify

        return verify(self, by)

    def __repr__(self) -> str:
        segment = self.last.segment if self.chain else 0
        return f"<run of {self.manifest.name} in {self.path}: {segment} of {self.config.segments} segments>"


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open a run directory, also one that a job was fetched into."""
    return Run(path)
