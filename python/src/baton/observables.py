"""Observables: outputs with columns, as arrays of float64 with units.

They are computed from the exact bytes that the chain's digests cover, by the same two operations as `observables.csv`, so the numbers
are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .frames import Frames
from .manifest import Column


@dataclass(frozen=True)
class Series:
    """A column: `values` in `unit` at `steps`, and at `times` in `time_unit` where the package has a time."""

    name: str
    values: npt.NDArray[np.float64]
    unit: str | None
    steps: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64] | None
    time_unit: str | None

    @property
    def label(self) -> str:
        """Name and unit, as a plot's axis wants them."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.values, dtype=dtype) if copy or dtype is not None else self.values


class Observables(Mapping[str, Series]):
    """All columns of a run, by name."""

    def __init__(self, tables: list[Frames]) -> None:
        self._columns = {column.name: (table, column) for table in tables for column in table.output.columns}

    def __getitem__(self, name: str) -> Series:
        if name not in self._columns:
            raise KeyError(f"no column '{name}'; there are: {', '.join(self._columns) or 'none'}")
        table, column = self._columns[name]
        return Series(name, _numbers(table, column), column.unit, table.steps, table.times, table.time_unit)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"<observables: {', '.join(self._columns) or 'none'}>"


def _numbers(table: Frames, column: Column) -> npt.NDArray[np.float64]:
    words = table.raw.reshape(len(table), -1)
    if column.read == "i64":
        pair = words[:, column.element : column.element + 2].view("<u4").astype(np.uint64)
        number = (pair[:, 1] << np.uint64(32) | pair[:, 0]).view(np.int64).astype(np.float64)
    else:
        number = words[:, column.element].astype(np.float64)
    return np.asarray(number * column.scale + column.add, dtype=np.float64)
