"""Which server, with which token: arguments, then environment, then the configuration file, as `baton` has it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import files
from .errors import FormatError, ServerError
from .fields import Fields, read_toml

TOKEN_BYTES_MAX, CONFIG_BYTES_MAX = 1 << 12, 1 << 20


@dataclass(frozen=True)
class Access:
    """Server, token, and certificates to trust instead of the system's. The token is left out of what is printed."""

    server: str
    token: str
    ca_file: Path | None

    def __repr__(self) -> str:
        return f"<access to {self.server}>"

    @property
    def env(self) -> dict[str, str]:
        """The same for the `baton` program: in the environment, which other users cannot see, never in an argument."""
        env = {"BATON_SERVER": self.server, "BATON_TOKEN": self.token}
        return env | ({"BATON_CA_FILE": str(self.ca_file)} if self.ca_file else {})


def find(server: str | None, token: str | None, token_file: str | os.PathLike[str] | None, ca_file: str | os.PathLike[str] | None) -> Access:
    """Server and token; ServerError says what is missing and how to give it."""
    env = os.environ.get
    config = _config()
    role = config.within("scientist", {})
    server = server or env("BATON_SERVER") or role.text("server", None) or config.text("server", None)
    if not server:
        raise ServerError("no server: give server=, set BATON_SERVER, or write server = \"URL\" into the configuration file")
    if token is None and token_file is not None:
        token = read_token(Path(token_file))
    if token is None:
        token = env("BATON_TOKEN") or None
    if token is None and env("BATON_TOKEN_FILE"):
        token = read_token(Path(env("BATON_TOKEN_FILE", "")))
    for table in (role, config):
        if token is None:
            token = table.text("token", None)
        if token is None and table.has("token_file"):
            token = read_token(Path(table.text("token_file")))
    if not token:
        raise ServerError("no token: give token_file= (the server wrote scientist.token at its first start), or set BATON_TOKEN_FILE")
    ca = ca_file or env("BATON_CA_FILE") or config.text("ca_file", None)
    return Access(server, token, Path(ca) if ca else None)


def read_token(path: Path) -> str:
    """The token in a file that holds it alone."""
    path = path.expanduser()
    # Some editors put a byte-order mark before what they write.
    token = files.read_text(path.resolve().parent, path.resolve().name, TOKEN_BYTES_MAX).lstrip("\ufeff").strip()
    if not token or any(character.isspace() for character in token):
        raise FormatError(path, "is not a token", fix="it is a file that holds the token alone")
    return token


def _config() -> Fields:
    named = os.environ.get("BATON_CONFIG")
    if named:
        path = Path(named).resolve()
    else:
        home = os.environ.get("APPDATA") if sys.platform == "win32" else os.environ.get("XDG_CONFIG_HOME")
        path = Path(home or Path.home() / ".config") / "baton" / "config.toml"
        if not path.exists():
            empty: dict[str, Any] = {}
            return Fields(path, empty)
    return read_toml(path.parent, path.name, CONFIG_BYTES_MAX)
