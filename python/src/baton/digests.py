"""The digests of docs/checkpoint-format.md, where the optional `blake3` is installed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .errors import DependencyError

if TYPE_CHECKING:
    from .chain import Boundary
    from .manifest import Buffer

_ELEMENT_NUMBERS = {"f32": 0, "u32": 1, "i32": 2}


def available() -> bool:
    """Whether digests can be computed here."""
    try:
        import blake3  # noqa: F401
    except ImportError:
        return False
    return True


def hasher(*parts: bytes) -> Any:
    """A BLAKE3 hasher that has taken these bytes."""
    try:
        import blake3
    except ImportError:
        raise DependencyError("digests need BLAKE3: pip install 'baton[states]', or let the program look: run.verify(by='program')") from None
    made = blake3.blake3()
    for part in parts:
        made.update(part)
    return made


def u64(value: int) -> bytes:
    """8 bytes, little-endian."""
    return value.to_bytes(8, "little")


def of_content(buffers: Iterable[tuple[Buffer, bytes]]) -> str:
    """The digest of a state: its buffers with their standard bytes."""
    made = hasher(b"baton state 1\n")
    for buffer, data in buffers:
        name = buffer.name.encode()
        made.update(u64(len(name)) + name + _ELEMENT_NUMBERS[buffer.element].to_bytes(4, "little"))
        made.update(u64(len(buffer.shape)) + b"".join(map(u64, buffer.shape)))
        made.update(data)
    return str(made.hexdigest())


def of_outputs(rows: Iterable[bytes]) -> str:
    """The digest of what a segment put out: for each output the standard bytes of its rows."""
    made = hasher(b"baton outputs 1\n")
    for data in rows:
        made.update(u64(len(data)))
        made.update(data)
    return str(made.hexdigest())


def of_boundary(package: str, boundary: Boundary) -> str:
    """The digest of a boundary: it covers package, parent, segment, step, state and outputs."""
    made = hasher(b"baton boundary 1\n", bytes.fromhex(package), bytes.fromhex(boundary.parent))
    made.update(u64(boundary.segment) + u64(boundary.step))
    made.update(bytes.fromhex(boundary.content) + bytes.fromhex(boundary.outputs))
    return str(made.hexdigest())
