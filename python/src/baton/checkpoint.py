"""Checkpoints: the state at a boundary in the standard layout. The format, version 1, is docs/checkpoint-format.md.

Checked in this order: magic, version, header length, the file's digest (with `blake3`), the header against the package, each payload's
size, the digests of state and boundary.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import digests, files
from .chain import Boundary
from .errors import DependencyError, FormatError
from .manifest import Buffer

MAGIC = b"\x89BATON\r\n"
HEADER_BYTES_MAX = 1 << 20
_TIERS = ("portable", "class-bound")
_ELEMENTS = ("f32", "u32", "i32")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds. `verified` says whether its digests were computed and are right."""

    package: str
    boundary: Boundary
    tier: str
    key: str
    arrays: dict[str, npt.NDArray[Any]]
    verified: bool


class _Header:
    """Reads a header's fields from left to right; every length is checked before it is used."""

    def __init__(self, file: Path, data: bytes) -> None:
        self.file, self.data, self.at = file, data, 0

    def take(self, count: int, field: str) -> bytes:
        if count > len(self.data) - self.at:
            raise FormatError(self.file, "the header ends before it", field=field, fix="restore the file from a copy")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self, field: str, high: int, size: int = 8) -> int:
        value = int.from_bytes(self.take(size, field), "little")
        if value > high:
            raise FormatError(self.file, f"found {value}, expected at most {high}", field=field)
        return value

    def digest(self, field: str) -> str:
        return self.take(32, field).hex()


def read_checkpoint(root: Path, name: str, expected: tuple[Buffer, ...], *, verify: bool | None = None) -> Checkpoint:
    """The checkpoint in a file below `root`, whose buffers have to be `expected`.

    `verify=None` computes digests where `blake3` is installed; `True` insists on it, `False` leaves it.
    """
    size = sum(buffer.nbytes for buffer in expected)
    # zstd makes incompressible bytes longer by less than this.
    data = files.read(root, name, size + size // 128 + HEADER_BYTES_MAX + (1 << 16))
    file = root / name
    if data[:8] != MAGIC:
        raise FormatError(file, "is no checkpoint: its first bytes are others")
    version = int.from_bytes(data[8:12], "little")
    if version != 1:
        raise FormatError(file, f"found {version}, expected 1", field="version", fix="use a newer version of this package")
    length = int.from_bytes(data[12:16], "little")
    if length > HEADER_BYTES_MAX or 16 + length + 32 > len(data):
        raise FormatError(file, f"found {length} in a file of {len(data)} bytes", field="header length", fix="restore the file from a copy")
    check = digests.available() if verify is None else verify
    if check and digests.hasher(data[:-32]).digest() != data[-32:]:
        raise FormatError(file, "is not what was written: its digest is another", fix="restore the file from a copy, or `baton resume`")
    header = _Header(file, data[16 : 16 + length])
    package = header.digest("package")
    segment, step = header.integer("segment", 2**64 - 1), header.integer("step", 2**64 - 1)
    digest, parent, content, outputs = (header.digest(field) for field in ("digest", "parent", "content", "outputs"))
    boundary = Boundary(segment, step, digest, parent, content, outputs)
    tier, key = _TIERS[header.integer("tier", 1, 4)], header.digest("class")
    stored = _buffers(header, expected)
    arrays, plain = {}, []
    at = 16 + length
    for buffer, count in zip(expected, stored):
        if count > len(data) - 32 - at:
            raise FormatError(file, f"found {count} bytes stored, beyond the end of the file", field=f"buffer '{buffer.name}'")
        standard = _unpacked(file, buffer, data[at : at + count])
        at += count
        plain.append((buffer, standard))
        arrays[buffer.name] = np.frombuffer(standard, dtype=buffer.dtype).reshape(buffer.shape)
    if at != len(data) - 32:
        raise FormatError(file, f"holds {len(data) - 32 - at} bytes behind its last buffer", fix="restore the file from a copy")
    if check:
        if digests.of_content(plain) != content:
            raise FormatError(file, "its state has another digest than it says", field="content")
        if digests.of_boundary(package, boundary) != digest:
            raise FormatError(file, "its boundary has another digest than it says", field="digest")
    return Checkpoint(package, boundary, tier, key, arrays, check)


def _buffers(header: _Header, expected: tuple[Buffer, ...]) -> list[int]:
    """Bytes stored of each buffer, after name, type and shape were found to be the package's."""
    count = header.integer("count", 256)
    if count != len(expected):
        raise FormatError(header.file, f"found {count} buffers, expected the {len(expected)} state buffers of the package", field="count")
    stored = []
    for buffer in expected:
        field = f"buffer '{buffer.name}'"
        name = header.take(header.integer(field, 64), field)
        element = _ELEMENTS[header.integer(field, 2, 4)]
        shape = tuple(header.integer(field, 2**40) for _ in range(header.integer(field, 8)))
        if (name, element, shape) != (buffer.name.encode(), buffer.element, buffer.shape):
            found = f"{name.decode('utf-8', 'replace')!r} {element} {shape}"
            raise FormatError(header.file, f"found {found}, expected '{buffer.name}' {buffer.element} {buffer.shape}", field=field)
        stored.append(header.integer(field, 2**40))
    if header.at != len(header.data):
        raise FormatError(header.file, "is longer than its fields", field="header")
    return stored


def _unpacked(file: Path, buffer: Buffer, data: bytes) -> bytes:
    """Standard bytes of a payload: decompressed within the size that the package says, then with the bytes of each element together."""
    plain = _decompressed(file, buffer, data)
    if len(plain) != buffer.nbytes:
        raise FormatError(file, f"unpacks to another size than {buffer.nbytes} bytes", field=f"buffer '{buffer.name}'")
    return np.frombuffer(plain, dtype=np.uint8).reshape(4, -1).T.tobytes()


def _decompressed(file: Path, buffer: Buffer, data: bytes) -> bytes:
    """At most one byte more than the buffer has, whatever the payload says."""
    limit = buffer.nbytes + 1
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd

            return bytes(zstd.ZstdDecompressor().decompress(data, max_length=limit))
        import zstandard
    except ImportError:
        raise DependencyError("checkpoints are compressed with zstd: pip install 'baton[states]'") from None
    except Exception as error:  # zstd.ZstdError, of a module that may be absent
        raise FormatError(file, f"does not unpack ({error})", field=f"buffer '{buffer.name}'") from None
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(data) as reader:
            return bytes(reader.read(limit))
    except zstandard.ZstdError as error:
        raise FormatError(file, f"does not unpack ({error})", field=f"buffer '{buffer.name}'") from None
