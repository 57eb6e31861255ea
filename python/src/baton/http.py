"""Requests to the server: one origin, bounded answers, and a second try only for what changes nothing or is the same when done twice."""

from __future__ import annotations

import http.client
import ipaddress
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import ServerError
from .types import Problem, decode

ANSWER_BYTES_MAX = 64 << 20
EVENT_BYTES_MAX = 16 << 20
#: A held stream that says nothing for this long is dead: the server says something every 15 seconds.
SILENCE_S = 50.0
_AGAIN = (429, 502, 503, 504)
_IDEMPOTENT = ("GET", "PUT")
_PAUSE_MAX_S = 30.0


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to the same origin alone: a request carries the token."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if origin(newurl) != origin(req.full_url):
            raise ServerError(f"{req.full_url}: the server redirects to {newurl[:200]}, another origin: give that server's own URL", status=code)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL."""
    parts = urllib.parse.urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


class Link:
    """A server, and how to ask it."""

    def __init__(self, server: str, token: str, *, ca_file: str | Path | None = None, timeout: float = 40.0, retries: int = 4) -> None:
        try:
            scheme, host, _ = origin(server)
        except ValueError as error:
            raise ServerError(f"server: found {server[:200]!r} ({error}), expected a URL such as https://baton.example") from None
        parts = urllib.parse.urlsplit(server)
        if scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
            raise ServerError(f"server: found {server[:200]!r}, expected a URL such as https://baton.example")
        if not token or not token.isascii() or any(character.isspace() or not character.isprintable() for character in token):
            raise ServerError("token: found none or one with blanks, expected the line of a token file")
        self.server = server.rstrip("/")
        self._token = token
        self._timeout, self._retries = timeout, retries
        handlers: list[Any] = [_SameOrigin()]
        if _is_loopback(host):
            handlers.append(urllib.request.ProxyHandler({}))
        if scheme == "https":
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file and str(ca_file))))
        self._opener = urllib.request.build_opener(*handlers)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer to a request; None where there is no body."""
        tries = self._retries if method in _IDEMPOTENT else 0
        for left in range(tries, -1, -1):
            try:
                with self._open(method, path, body, "application/json", self._timeout) as answer:
                    return _json(_bounded(answer))
            except ServerError as error:
                if not left or (error.status and error.status not in _AGAIN):
                    raise
                time.sleep(_pause(error, tries - left))
        raise AssertionError("the last try returns or raises")

    def events(self, path: str) -> Iterator[Any]:
        """Data of the events of a held stream, as JSON, until the server ends it. Raises ServerError when the connection breaks."""
        with self._open("GET", path, None, "text/event-stream", SILENCE_S) as stream:
            data: list[bytes] = []
            size = 0
            while True:
                try:
                    line = stream.readline(EVENT_BYTES_MAX + 1)
                except (OSError, http.client.HTTPException) as error:
                    raise ServerError(f"the server is away: {error}") from None
                size += len(line)
                if size > EVENT_BYTES_MAX:
                    raise ServerError(f"the server's answer cannot be understood: an event is longer than {EVENT_BYTES_MAX} bytes", status=200)
                if not line:
                    return
                if line.startswith(b"data:"):
                    data.append(line[5:].strip())
                elif not line.strip():
                    if data:
                        yield _json(b"\n".join(data))
                    data, size = [], 0

    def _open(self, method: str, path: str, body: Any, accept: str, timeout: float) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.server + path, data=data, headers=headers, method=method)
        try:
            return self._opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise ServerError(f"the server {self.server} is away: {reason}") from None

    def __repr__(self) -> str:
        return f"<link to {self.server}>"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bounded(answer: Any) -> bytes:
    try:
        data: bytes = answer.read(ANSWER_BYTES_MAX + 1)
    except (OSError, http.client.HTTPException) as error:
        raise ServerError(f"the server is away: {error}") from None
    # A read of at most so many bytes ends quietly where the connection does.
    if answer.length and len(data) <= ANSWER_BYTES_MAX:
        raise ServerError("the server is away: its answer was cut off")
    if len(data) > ANSWER_BYTES_MAX:
        raise ServerError(f"the server's answer cannot be understood: it is longer than {ANSWER_BYTES_MAX} bytes", status=200)
    return data


def _json(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except (ValueError, RecursionError) as error:
        raise ServerError(f"the server's answer cannot be understood: {error}", status=200) from None


def _refusal(error: urllib.error.HTTPError) -> ServerError:
    """The server's problem document as an exception, with the time after which it wants to be asked again."""
    try:
        problem = decode(Problem, _json(_bounded(error)))
        made = ServerError(f"{problem.title}: {problem.detail}", status=error.code, type=problem.type, field=problem.field)
    except ServerError:
        made = ServerError(f"the server answered {error.code} {error.reason}", status=error.code)
    again = error.headers.get("Retry-After", "") if error.headers else ""
    made.again_s = float(again) if again.isascii() and again.isdigit() else None
    return made


def _pause(error: ServerError, tried: int) -> float:
    return min(_PAUSE_MAX_S, error.again_s if error.again_s is not None else 0.25 * 2**tried)
