"""Checked access to the fields of parsed TOML and JSON: a field has its type and lies in its range, or the error names it."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Any

from . import files
from .errors import FormatError

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ABSENT: Any = object()


def shown(value: object) -> str:
    """A value as errors show it, cut to a line."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # integers of thousands of digits, deep nesting
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."


class Fields:
    """A table of a file: `file` and `place` say where it lies, for errors."""

    def __init__(self, file: object, table: object, place: str = "") -> None:
        self.file = file
        self.place = place
        if not isinstance(table, dict):
            raise FormatError(file, f"found {shown(table)}, expected a table", field=place)
        self.table: dict[str, Any] = table

    def wrong(self, key: str, found: object, expected: str) -> FormatError:
        """The error of a field that is not what was expected."""
        field = f"{self.place}: {key}" if self.place else key
        what = "nothing" if found is _ABSENT else shown(found)
        return FormatError(self.file, f"found {what}, expected {expected}", field=field)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.table

    def _get(self, key: str, default: Any) -> Any:
        return self.table.get(key, default)

    def text(self, key: str, default: Any = _ABSENT, *, limit: int = 1000) -> Any:
        """A text of at most `limit` bytes."""
        value = self._get(key, default)
        if value is default and default is not _ABSENT:
            return default
        if not isinstance(value, str) or len(value.encode("utf-8", "replace")) > limit:
            raise self.wrong(key, value, f"a text of at most {limit} bytes")
        return value

    def one_of(self, key: str, allowed: tuple[str, ...], default: Any = _ABSENT) -> Any:
        """One of some texts."""
        value = self._get(key, default)
        if not isinstance(value, str) or value not in allowed:
            raise self.wrong(key, value, " or ".join(f"'{text}'" for text in allowed))
        return value

    def integer(self, key: str, low: int, high: int, default: Any = _ABSENT) -> int:
        """An integer of a range."""
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(key, value, f"an integer of {low} to {high}")
        return value

    def number(self, key: str, default: Any = _ABSENT) -> Any:
        """A finite number, as a float."""
        value = self._get(key, default)
        if value is default and default is not _ABSENT:
            return default
        try:
            if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
                return float(value)
        except OverflowError:
            pass
        raise self.wrong(key, value, "a finite number")

    def flag(self, key: str, default: Any = _ABSENT) -> bool:
        """True or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def items(self, key: str, limit: int, default: Any = _ABSENT) -> list[Any]:
        """A list of at most `limit` items."""
        value = self._get(key, default)
        if not isinstance(value, list) or len(value) > limit:
            raise self.wrong(key, value, f"a list of at most {limit} items")
        return value

    def digest(self, key: str, default: Any = _ABSENT) -> Any:
        """A digest: 64 hexadecimal digits in lower case."""
        value = self._get(key, default)
        if value is default and default is not _ABSENT:
            return default
        if not isinstance(value, str) or not _DIGEST.fullmatch(value):
            raise self.wrong(key, value, "64 hexadecimal digits")
        return value

    def within(self, key: str, default: Any = _ABSENT) -> Fields:
        """The table under a key."""
        value = self._get(key, default)
        if value is _ABSENT:
            raise self.wrong(key, value, "a table")
        return Fields(self.file, value, f"{self.place}: {key}" if self.place else key)


def read_toml(root: Path, name: str, limit: int) -> Fields:
    """A TOML file of at most `limit` bytes."""
    text = files.read_text(root, name, limit)
    try:
        return Fields(root / name, tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        raise FormatError(root / name, f"is not TOML ({error})") from None
