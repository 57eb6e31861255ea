"""The scientist's side of a server: submit, look, watch, steer, fetch.

Looking and steering are HTTP, as `docs/openapi.json` says. Submitting and fetching are the `baton` program's, which checks packages
before they leave, and holds all that comes back against the chain.
"""

from __future__ import annotations

import os
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from . import access, program
from .chain import Boundary
from .errors import ProgramError, ServerError
from .http import Link
from .types import FINAL, ChainLine, JobState, JobView, Why, decode

if TYPE_CHECKING:
    from .package import Package
    from .run_dir import Run

_PAGES_MAX = 100_000


class Client:
    """A server, and a scientist's token for it: arguments, else the environment (`BATON_SERVER`, `BATON_TOKEN_FILE`), else the
    configuration file. `timeout` is that of a request in seconds; requests that change nothing are tried `retries` times more.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        token: str | None = None,
        token_file: str | os.PathLike[str] | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        timeout: float = 40.0,
        retries: int = 4,
    ) -> None:
        self._access = access.find(server, token, token_file, ca_file)
        self._link = Link(self._access.server, self._access.token, ca_file=self._access.ca_file, timeout=timeout, retries=retries)
        self._retries = retries

    @property
    def server(self) -> str:
        """The server's URL."""
        return self._link.server

    def jobs(self, state: JobState | None = None, *, tag: str | None = None, all: bool = False) -> Iterator[JobView]:
        """One's own jobs in the order of their numbers, page by page as they are asked for; `all` needs an operator's token."""
        query: dict[str, Any] = {"state": state} if state else {}
        query |= {"all": "true"} if all else {}
        for _ in range(_PAGES_MAX):
            page = self._link.ask("GET", "/v1/jobs?" + urllib.parse.urlencode(query))
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise ServerError("the server's answer cannot be understood: found no list of jobs")
            for item in page["items"]:
                job = decode(JobView, item)
                if tag is None or tag in job.tags:
                    yield job
            following = page.get("next")
            if following is None or following == query.get("cursor"):
                return
            query["cursor"] = following

    def job(self, job: int) -> JobView:
        """A job."""
        return decode(JobView, self._link.ask("GET", f"/v1/jobs/{int(job)}"))

    def why(self, job: int) -> Why:
        """Why a job runs, waits or moved, and its changes so far."""
        return decode(Why, self._link.ask("GET", f"/v1/jobs/{int(job)}/why"))

    def chain(self, job: int) -> list[Boundary]:
        """All boundaries of a job that are safe on the server, oldest first."""
        found: list[Boundary] = []
        for _ in range(_PAGES_MAX):
            start = found[-1].segment + 1 if found else 0
            page = self._link.ask("GET", f"/v1/jobs/{int(job)}/chain?from={start}")
            items = page.get("items") if isinstance(page, dict) else None
            if not isinstance(items, list):
                raise ServerError("the server's answer cannot be understood: found no list of boundaries")
            lines = [decode(ChainLine, item).entry for item in items]
            if any(entry.segment != start + index for index, entry in enumerate(lines)):
                raise ServerError(f"the server's answer cannot be understood: boundaries from {start} on do not follow each other")
            if not lines:
                return found
            found += lines
        return found

    def watch(self, job: int) -> Iterator[JobView]:
        """A job at once and whenever it changes, until it ends. A broken connection is made again."""
        broken = 0
        last: JobView | None = None
        while True:
            try:
                for value in self._link.events(f"/v1/jobs/{int(job)}/events"):
                    broken = 0
                    view = decode(JobView, value)
                    if view != last:
                        last = view
                        yield view
                    if view.state in FINAL:
                        return
            except ServerError as error:
                if error.status not in (0, 429, 502, 503, 504) or broken >= self._retries:
                    raise
            broken += 1
            if broken > self._retries + 1:
                raise ServerError("the server is away: it ends the stream of events without one")
            time.sleep(min(10.0, 0.25 * 2**broken))

    def wait(self, job: int) -> JobView:
        """The job when it has ended, well or not: look at `state` and `reason`."""
        view = None
        for view in self.watch(job):
            pass
        return view if view is not None else self.job(job)

    def cancel(self, job: int) -> JobView:
        """Stop a job for good, at once; what it committed can be fetched."""
        return self._steer(job, "cancel")

    def hold(self, job: int) -> JobView:
        """Keep a job back: a running one stops at its next boundary."""
        return self._steer(job, "hold")

    def release(self, job: int) -> JobView:
        """Let a held job go on."""
        return self._steer(job, "release")

    def _steer(self, job: int, action: str) -> JobView:
        return decode(JobView, self._link.ask("POST", f"/v1/jobs/{int(job)}/{action}"))

    def priority(self, job: int, priority: int, *, now: bool = False) -> JobView:
        """Change a job's priority: 0 to 9, from 7 on it takes the place of less urgent jobs, with `now` at once."""
        return decode(JobView, self._link.ask("PUT", f"/v1/jobs/{int(job)}/priority", {"priority": int(priority), "now": bool(now)}))

    def submit(
        self,
        package: str | os.PathLike[str] | Package,
        *,
        segments: int | None = None,
        name: str | None = None,
        priority: int | None = None,
        now: bool = False,
        within: str | None = None,
        after: int | None = None,
        tags: Sequence[str] = (),
        segment_time: str | None = None,
        restart_on_other_class: bool = False,
        hold: bool = False,
        verify: str | None = None,
    ) -> int:
        """Submit a package (its folder, an example's name, or a `Package`); the job's number. Options are those of `baton submit`.

        Raises BadPackage, ServerAway, … with the program's own words.
        """
        from .package import Package

        options = {"name": name, "segments": segments, "priority": priority, "within": within, "after": after, "segment-time": segment_time, "verify": verify}
        arguments = [f"--{key}={value}" for key, value in options.items() if value is not None]
        arguments += [f"--tag={tag}" for tag in tags]
        flags = {"now": now, "restart-on-other-class": restart_on_other_class, "hold": hold}
        arguments += [f"--{key}" for key, value in flags.items() if value]
        with TemporaryDirectory() as folder:
            source = package.write(Path(folder) / package.name) if isinstance(package, Package) else package
            answer = program.call_json(["submit", "--json", *arguments, "--", os.fspath(source)], env=self._access.env)
        job = answer.get("job")
        if not isinstance(job, int):
            raise ProgramError("baton", 0, f"it answered no job's number: {answer}")
        return job

    def fetch(self, job: int, out: str | os.PathLike[str]) -> Run:
        """Fetch what a job has computed so far into a run directory, and open it. The same call later adds what came since."""
        from .run_dir import Run

        program.call_json(["fetch", "--json", "--out", os.fspath(out), "--", str(int(job))], env=self._access.env)
        return Run(out)

    def __repr__(self) -> str:
        return f"<client of {self.server}>"
