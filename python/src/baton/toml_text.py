"""TOML text of plain values: what `kernel.toml` needs, tables of tables and lists of tables included."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write(table: dict[str, Any]) -> str:
    """A table as TOML text: plain keys first, then its tables, then its lists of tables."""
    lines: list[str] = []
    _table(lines, table, "", inline=False)
    return "\n".join(lines).strip() + "\n"


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _table(lines: list[str], table: dict[str, Any], path: str, *, inline: bool) -> None:
    """Lines of a table. Tables inside an item of a list are written `inline`: a header of their own would end the item."""
    headed = {key for key, value in table.items() if _is_tables(value) or (isinstance(value, dict) and not inline)}
    lines += [f"{_key(key)} = {_value(value)}" for key, value in table.items() if key not in headed]
    for key in (key for key in table if key in headed):
        value, name = table[key], f"{path}{_key(key)}"
        for item in [value] if isinstance(value, dict) else value:
            lines += ["", f"[{name}]" if isinstance(value, dict) else f"[[{name}]]"]
            _table(lines, item, f"{name}.", inline=inline or item is not value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    # JSON's escapes are TOML's; DEL alone has to be escaped in TOML and is not in JSON.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"found {number}, expected a finite number")
        return repr(number)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }" if value else "{}"
    raise TypeError(f"found {type(value).__name__}, expected a text, a number, true, false, a list or a table")
