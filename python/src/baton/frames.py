"""Frames of an output, memory-mapped: only what is looked at is read from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import files
from .errors import FormatError
from .manifest import Buffer, Manifest, Output

_FIX = "restore the file from a copy, or let `baton resume` compute it again"


class Frames:
    """The frames of one output, as far as the chain has committed them.

    `frames[i]` and `frames[a:b]` are physical values (float64, in `unit`); `raw` holds the exact bits, shape `(len(frames), *shape)`.
    """

    def __init__(self, root: Path, output: Output, manifest: Manifest, rows: int) -> None:
        self.output = output
        self._manifest = manifest
        #: Size of the box at each frame, in units of that at the start; None where it does not change.
        self.sizes: npt.NDArray[np.float64] | None = None
        buffer = output.buffer
        if rows == 0:
            self.raw: npt.NDArray[Any] = np.empty((0, *buffer.shape), dtype=buffer.dtype)
            return
        path = files.locate(root, output.file)
        found = path.stat().st_size
        if found < rows * buffer.nbytes:
            raise FormatError(path, f"found {found} bytes, expected {rows * buffer.nbytes}: {rows} frames are in the chain", fix=_FIX)
        self.raw = np.memmap(path, dtype=buffer.dtype, mode="r", shape=(rows, *buffer.shape))

    @property
    def name(self) -> str:
        """The output's name."""
        return self.output.name

    @property
    def buffer(self) -> Buffer:
        """The buffer that the frames are of."""
        return self.output.buffer

    @property
    def unit(self) -> str | None:
        """Physical unit of the values."""
        return self.buffer.unit

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a frame."""
        return self.buffer.shape

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """The step of each frame."""
        return np.arange(len(self), dtype=np.int64) * self.output.every

    @property
    def times(self) -> npt.NDArray[np.float64] | None:
        """The time of each frame, in `time_unit`; None where the package names none."""
        per_step = self._manifest.time_per_step
        return None if per_step is None else (self.steps * per_step).astype(np.float64)

    @property
    def time_unit(self) -> str | None:
        """Unit of `times`."""
        return self._manifest.time_unit

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, index: Any) -> npt.NDArray[np.float64]:
        """Physical values of a frame, or of a slice of frames."""
        if isinstance(index, tuple):
            raise TypeError("frames are chosen by one index; choose within a frame behind it: frames[3][:, 0]")
        values = self.buffer.physical(self.raw[index])
        if self.sizes is None:
            return values
        sizes = np.asarray(self.sizes[index])
        scaled: npt.NDArray[np.float64] = values * sizes.reshape(sizes.shape + (1,) * len(self.shape))
        return scaled

    def __repr__(self) -> str:
        return f"<{len(self)} frames of {self.name}, {self.buffer.element} {self.shape}" + (f", {self.unit}>" if self.unit else ">")
