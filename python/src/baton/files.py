"""Reading files that others made: each is a regular file inside its folder and within its limit before a byte of it is used."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from .errors import FormatError


def locate(root: Path, name: str) -> Path:
    """The path of a file in `root`.

    Raises FormatError where it is not there, is not a regular file (reading a pipe could wait for ever), or lies outside of `root`.
    """
    path = root / name
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
    except (OSError, RuntimeError, ValueError) as error:
        raise FormatError(path, f"cannot be read ({error})", fix="is this folder whole?") from None
    if not real.is_relative_to(root.resolve()):
        raise FormatError(path, "is a link that leads out of its folder", fix="copy the file itself to its place")
    if not stat.S_ISREG(mode):
        raise FormatError(path, "found something else than a file", fix="restore the file from a copy")
    return real


def open_within(root: Path, name: str, limit: int) -> tuple[BinaryIO, int]:
    """The opened file, and its length in bytes, which is at most `limit`."""
    path = locate(root, name)
    try:
        file = path.open("rb")
    except OSError as error:
        raise FormatError(path, f"cannot be opened ({error})") from None
    length = os.fstat(file.fileno()).st_size
    if length > limit:
        file.close()
        raise FormatError(path, f"found {length} bytes, expected at most {limit}")
    return file, length


def read(root: Path, name: str, limit: int) -> bytes:
    """The bytes of a file of at most `limit` bytes."""
    file, _ = open_within(root, name, limit)
    with file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise FormatError(root / name, f"grew beyond {limit} bytes while it was read")
    return data


def read_text(root: Path, name: str, limit: int) -> str:
    """The text of a UTF-8 file of at most `limit` bytes."""
    try:
        return read(root, name, limit).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(root / name, f"is not UTF-8 (byte {error.start})") from None
