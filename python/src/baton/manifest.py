"""`kernel.toml`, as far as reading a run's results needs it: buffers, outputs, units. The format is docs/kernel-package.md.

Shapes are numbers here: names of constants are replaced by their values. What only the device needs (passes, bindings) is left to
the program, which checks all of a package.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from . import files
from .errors import FormatError
from .fields import Fields, read_toml, shown

MANIFEST_BYTES_MAX = 1 << 20
BUFFERS_MAX, OUTPUTS_MAX, COLUMNS_MAX, CONSTANTS_MAX, DIMENSIONS_MAX = 256, 64, 1024, 1024, 8
BUFFER_BYTES_MAX = 4 << 30
STEPS_MAX = 1 << 32
#: Element types as NumPy knows them: little-endian, 4 bytes.
ELEMENTS: dict[str, np.dtype[Any]] = {"f32": np.dtype("<f4"), "u32": np.dtype("<u4"), "i32": np.dtype("<i4")}
ROLES = ("state", "constant", "scratch", "observable")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class Buffer:
    """A buffer: `shape` outermost first; `scale` is the physical value of one unit (empty where values are as they are)."""

    name: str
    element: str
    shape: tuple[int, ...]
    role: str
    init: str | None
    fill: float | int | None
    scale: tuple[float, ...]
    unit: str | None
    #: State buffer of one f32 that physical values are multiplied by: the size of a box that changes.
    scale_by: str | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type as NumPy's."""
        return ELEMENTS[self.element]

    @property
    def nbytes(self) -> int:
        """Bytes in the standard layout."""
        return 4 * int(np.prod(self.shape, dtype=np.int64))

    @property
    def is_tilted(self) -> bool:
        """Whether values are fractions of the vectors of a tilted box, which `scale` then holds one behind the other."""
        return len(self.scale) == 9 and self.shape[-1:] == (3,)

    def physical(self, raw: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Physical values (float64, in `unit`) of raw ones of this buffer, of any number of leading dimensions.

        In a box that changes (`scale_by`), those of the box as it was at the start. `raw * scale`; in a tilted box `scale` holds its vectors a, b, c over 2**32, and a value is the sum of unit times vector.
        """
        values = np.asarray(raw).astype(np.float64)
        if not self.scale:
            return values
        scale = np.array(self.scale)
        if self.is_tilted:
            return np.asarray(values @ scale.reshape(3, 3), dtype=np.float64)
        return np.asarray(values * scale, dtype=np.float64)

    @property
    def cell(self) -> npt.NDArray[np.float64] | None:
        """Vectors of the periodic box as rows, in `unit`: integers that wrap at the box are a fraction of it. None for other buffers."""
        if self.element == "f32" or not self.scale or self.shape[-1:] != (3,):
            return None
        scale = np.array(self.scale) * 2.0**32
        return scale.reshape(3, 3) if self.is_tilted else np.diag(np.broadcast_to(scale, 3))


@dataclass(frozen=True)
class Column:
    """A column of the observables: `scale * number + add`, in `unit`."""

    name: str
    unit: str | None
    element: int
    read: str
    scale: float
    add: float


@dataclass(frozen=True)
class Output:
    """An output: a frame (or, with `columns`, a row) of `buffer` in every `every`-th step."""

    name: str
    buffer: Buffer
    every: int
    columns: tuple[Column, ...]

    @property
    def file(self) -> str:
        """Its file in a run directory."""
        return f"frames-{self.name}.bin"

    def rows(self, step: int) -> int:
        """Rows that were taken before a boundary at `step`."""
        return -(-step // self.every)


_Named = TypeVar("_Named", Buffer, Output)


@dataclass(frozen=True)
class Manifest:
    """What a package says of its run."""

    name: str
    version: str
    description: str
    tier: str
    steps_per_segment: int
    segments: int
    time_per_step: float | None
    time_unit: str | None
    constants: dict[str, int | float | bool]
    buffers: tuple[Buffer, ...]
    outputs: tuple[Output, ...]
    folder: Path
    #: State buffer by which the package itself ends a run: it ends at the first boundary where its first element is not 0.
    done: str | None = None

    def buffer(self, name: str) -> Buffer:
        """The buffer of a name; KeyError names those that there are."""
        return _named(self.buffers, name, "buffer")

    def output(self, name: str) -> Output:
        """The output of a name; KeyError names those that there are."""
        return _named(self.outputs, name, "output")

    @property
    def state(self) -> tuple[Buffer, ...]:
        """The buffers that checkpoints hold."""
        return tuple(buffer for buffer in self.buffers if buffer.role == "state")

    def initial(self, name: str) -> npt.NDArray[Any]:
        """First contents of a buffer, raw, in the standard layout: its `.npy` file, its `fill`, or zeros."""
        buffer = self.buffer(name)
        if buffer.init is None:
            return np.full(buffer.shape, buffer.fill or 0, dtype=buffer.dtype)
        return read_npy(self.folder, buffer)


def _named(items: Sequence[_Named], name: str, what: str) -> _Named:
    for item in items:
        if item.name == name:
            return item
    there = ", ".join(item.name for item in items) or "none"
    raise KeyError(f"no {what} '{name}'; there are: {there}")


def read_npy(folder: Path, buffer: Buffer) -> npt.NDArray[Any]:
    """The `.npy` file of a buffer; its type and shape are checked before its values are read."""
    name = str(buffer.init)
    file, _ = files.open_within(folder, name, buffer.nbytes + (1 << 16))
    with file:
        try:
            numpy_format: Any = np.lib.format
            version = numpy_format.read_magic(file)
            header = {(1, 0): numpy_format.read_array_header_1_0, (2, 0): numpy_format.read_array_header_2_0}[version]
            shape, fortran, dtype = header(file)
        except (ValueError, KeyError, EOFError, OSError, SyntaxError, RecursionError) as error:
            raise FormatError(folder / name, f"is no .npy file of version 1 or 2 ({error})") from None
        if (shape, fortran, dtype) != (buffer.shape, False, buffer.dtype):
            found = f"{dtype} {shape}{' in Fortran order' if fortran else ''}"
            raise FormatError(folder / name, f"found {found}, expected {buffer.dtype} {buffer.shape} of buffer '{buffer.name}'")
        data = file.read(buffer.nbytes + 1)
    if len(data) != buffer.nbytes:
        raise FormatError(folder / name, f"found {len(data)} bytes of values, expected {buffer.nbytes}")
    return np.frombuffer(data, dtype=buffer.dtype).reshape(buffer.shape)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a package's folder. Raises FormatError with file, field, what was found and what was expected."""
    top = read_toml(folder, "kernel.toml", MANIFEST_BYTES_MAX)
    top.integer("format", 1, 1)
    run = top.within("run")
    constants = top.within("constants", {}).table
    if len(constants) > CONSTANTS_MAX:
        raise top.wrong("constants", constants, f"at most {CONSTANTS_MAX}")
    for key, value in constants.items():
        if not isinstance(value, (bool, int, float)):
            raise top.wrong(f"constants: {key}", value, "an integer, a float, true or false")
    tables = top.items("buffer", BUFFERS_MAX, [])
    buffers = tuple(_buffer(Fields(top.file, table, f"buffer {index}"), constants) for index, table in enumerate(tables))
    _distinct(top, "buffer", [buffer.name for buffer in buffers])
    by_name = {buffer.name: buffer for buffer in buffers}
    steps = run.integer("steps_per_segment", 1, STEPS_MAX)
    tables = top.items("output", OUTPUTS_MAX, [])
    outputs = tuple(_output(Fields(top.file, table, f"output {index}"), by_name, steps) for index, table in enumerate(tables))
    _distinct(top, "output", [output.name for output in outputs])
    _distinct(top, "column", [column.name for output in outputs for column in output.columns])
    return Manifest(
        name=top.text("name", limit=64),
        version=top.text("version", limit=200),
        description=top.text("description", ""),
        tier=top.one_of("tier", ("portable", "class-bound")),
        steps_per_segment=steps,
        segments=run.integer("segments", 1, STEPS_MAX),
        time_per_step=run.number("time_per_step", None),
        time_unit=run.text("time_unit", None, limit=200),
        constants=dict(constants),
        buffers=buffers,
        outputs=outputs,
        folder=folder,
        done=_done(run, by_name),
    )


def _done(run: Fields, buffers: dict[str, Buffer]) -> str | None:
    name: str | None = run.text("done", None, limit=64)
    buffer = None if name is None else buffers.get(name)
    if name is not None and (buffer is None or (buffer.role, buffer.element) != ("state", "u32")):
        raise run.wrong("done", name, "the name of a state buffer of u32")
    return name


def _distinct(top: Fields, what: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise FormatError(top.file, f"found '{name}' twice, expected names that differ", field=what)
        seen.add(name)


def _identifier(fields: Fields, key: str = "name") -> str:
    name = fields.text(key, limit=64)
    if not _IDENTIFIER.fullmatch(name):
        raise fields.wrong(key, name, "letters, digits and '_', not beginning with a digit")
    return str(name)


def _buffer(fields: Fields, constants: dict[str, Any]) -> Buffer:
    name = _identifier(fields)
    fields.place = f"buffer '{name}'"
    shape = []
    for index, count in enumerate(fields.items("shape", DIMENSIONS_MAX)):
        value = constants.get(count) if isinstance(count, str) else count
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= BUFFER_BYTES_MAX:
            found = f"{shown(count)} = {shown(value)}" if isinstance(count, str) else shown(count)
            problem = f"found {found}, expected a positive count, or the name of an integer constant"
            raise FormatError(fields.file, problem, field=f"{fields.place}: shape[{index}]")
        shape.append(value)
    elements = 1
    for extent in shape:
        elements *= extent
    if not shape or elements * 4 > BUFFER_BYTES_MAX:
        raise fields.wrong("shape", shape, f"1 to {DIMENSIONS_MAX} dimensions and at most {BUFFER_BYTES_MAX} bytes")
    scale = fields.table.get("scale", [])
    scale = scale if isinstance(scale, list) else [scale]
    if len(scale) not in {0, 1, shape[-1]} | ({9} if shape[-1] == 3 else set()):
        raise fields.wrong("scale", scale, f"1 number or {shape[-1]}" + (", or 9" if shape[-1] == 3 else ""))
    numbers = Fields(fields.file, {str(index): value for index, value in enumerate(scale)}, f"{fields.place}: scale")
    fill = None
    if fields.has("fill"):
        fill = fields.number("fill") if fields.table.get("type") == "f32" else fields.integer("fill", -(2**31), 2**32 - 1)
    element = fields.one_of("type", tuple(ELEMENTS))
    if element != "f32" and fill is not None and not np.iinfo(ELEMENTS[element]).min <= fill <= np.iinfo(ELEMENTS[element]).max:
        raise fields.wrong("fill", fill, f"a number that fits {element}")
    return Buffer(
        name=name,
        element=element,
        shape=tuple(shape),
        role=fields.one_of("role", ROLES),
        init=fields.text("init", None, limit=200),
        fill=fill,
        scale=tuple(numbers.number(key) for key in numbers.table),
        unit=fields.text("unit", None, limit=200),
        scale_by=fields.text("scale_by", None, limit=64),
    )


def _output(fields: Fields, buffers: dict[str, Buffer], steps: int) -> Output:
    name = _identifier(fields)
    fields.place = f"output '{name}'"
    wanted = fields.text("buffer", limit=64)
    buffer = buffers.get(wanted)
    if buffer is None or buffer.role not in ("state", "observable"):
        raise fields.wrong("buffer", wanted, "the name of a state or observable buffer")
    every = fields.integer("every", 1, STEPS_MAX)
    if steps % every:
        raise fields.wrong("every", every, f"a divisor of steps_per_segment, {steps}")
    tables = fields.items("column", COLUMNS_MAX, [])
    columns = tuple(_column(Fields(fields.file, table, f"{fields.place}: column {index}"), buffer) for index, table in enumerate(tables))
    return Output(name, buffer, every, columns)


def _column(fields: Fields, buffer: Buffer) -> Column:
    read = fields.one_of("read", ("element", "i64"), "element")
    words = 2 if read == "i64" else 1
    return Column(
        name=_identifier(fields),
        unit=fields.text("unit", None, limit=200),
        element=fields.integer("element", 0, buffer.nbytes // 4 - words),
        read=read,
        scale=fields.number("scale", 1.0),
        add=fields.number("add", 0.0),
    )
