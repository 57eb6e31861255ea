"""Calling the installed programs `baton` and `fpcheck`: no shell, no token in an argument, and what they say in the exception."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload, Literal

from .errors import EXIT_CODES, DependencyError, ProgramError

if TYPE_CHECKING:
    from .package import Package
    from .run_dir import Run

#: What is kept of a program's words and of its answer, bytes.
WORDS_BYTES_MAX, ANSWER_BYTES_MAX = 64 << 10, 256 << 20
_POLL_S = 0.1


@dataclass(frozen=True)
class Progress:
    """How far a run is: `segment` of `segments`, `step` steps from its start."""

    segment: int
    segments: int
    step: int


@overload
def find(name: str, required: Literal[True] = True) -> str: ...
@overload
def find(name: str, required: bool) -> str | None: ...
def find(name: str, required: bool = True) -> str | None:
    """Path of a program: `$BATON_PROGRAM` (for `baton`), beside that program, or on the path."""
    named = os.environ.get("BATON_PROGRAM")
    if named and name == "baton":
        found = shutil.which(named)
    else:
        beside = str(Path(named).parent) if named else None
        found = (shutil.which(name, path=beside) if beside else None) or shutil.which(name)
    if found is None and required:
        raise DependencyError(f"the program `{name}` was not found: install it, put it on the path, or set BATON_PROGRAM to the path of `baton`")
    return found


def call(arguments: Sequence[str], *, name: str = "baton", env: Mapping[str, str] | None = None, each: Callable[[], None] | None = None) -> str:
    """Standard output of a program that ended well; `each` is called about ten times a second while it runs.

    An interrupt (Ctrl-C, a notebook's stop button) asks the program to stop at its next boundary and is raised when it has.
    Raises the exception of its exit code otherwise.
    """
    program = find(name)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **(env or {})},
            start_new_session=os.name == "posix",  # the terminal's Ctrl-C reaches us alone, and we pass it on once
        )
        try:
            while process.poll() is None:
                if each is not None:
                    each()
                try:
                    process.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    pass
        except BaseException:
            _stop(process)
            raise
        if process.returncode:
            # What went wrong is said at the end of what it says.
            err.seek(max(0, err.seek(0, os.SEEK_END) - WORDS_BYTES_MAX))
            words = err.read().decode("utf-8", "replace")
            code = process.returncode
            raise EXIT_CODES.get(code, ProgramError)(Path(program).stem, code, words or _answer(out))
        return _answer(out)


def _answer(out: Any) -> str:
    out.seek(0)
    data: bytes = out.read(ANSWER_BYTES_MAX + 1)
    if len(data) > ANSWER_BYTES_MAX:
        raise ProgramError("baton", 0, f"it answered more than {ANSWER_BYTES_MAX} bytes")
    return data.decode("utf-8", "replace")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask for a stop at the next boundary; whatever interrupts the wait for it ends the program at once."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise


def call_json(arguments: Sequence[str], *, env: Mapping[str, str] | None = None, each: Callable[[], None] | None = None) -> dict[str, Any]:
    """What `baton … --json` answers."""
    text = call(arguments, env=env, each=each)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProgramError("baton", 0, f"it answered no JSON object: {text[:200]}")
    return value


def run(
    package: str | os.PathLike[str] | Package,
    out: str | os.PathLike[str] | None = None,
    *,
    segments: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    checkpoint_every: int | None = None,
    submit_ms: int | None = None,
    checked: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Run a package (its folder, an example's name, or a `Package`) from its initial state, and open what came out.

    `out` is the run directory, `runs/NAME-TIME` by default. `progress` is called at each boundary. The options are those of
    `baton run` in docs/commands.md; none changes a bit of the result.

    Raises BadPackage, Stopped, NotFinite, … with the program's own words; a directory that was begun can be opened all the same.
    """
    from .package import Package

    if isinstance(package, Package):
        with tempfile.TemporaryDirectory() as folder:
            written = package.write(Path(folder) / package.name)
            return run(
                written,
                out if out is not None else _default_out(package.name),
                segments=segments,
                device=device,
                threads=threads,
                checkpoint_every=checkpoint_every,
                submit_ms=submit_ms,
                checked=checked,
                progress=progress,
            )
    source = os.fspath(package)
    target = Path(out) if out is not None else _default_out(Path(source).resolve().name)
    arguments = ["run", "--json", "--out", str(target), "--device", device]
    options = (("--segments", segments), ("--threads", threads), ("--checkpoint-every", checkpoint_every), ("--submit-ms", submit_ms))
    for option, value in options:
        arguments += [] if value is None else [option, str(int(value))]
    arguments += ["--checked"] if checked else []
    return _followed([*arguments, "--", source], target, progress)


def resume(
    path: str | os.PathLike[str], *, segments: int | None = None, device: str = "auto", progress: Callable[[Progress], None] | None = None
) -> Run:
    """Go on with a run directory from its last good boundary, to `segments` in all."""
    arguments = ["resume", "--json", "--device", device]
    arguments += [] if segments is None else ["--segments", str(int(segments))]
    return _followed([*arguments, "--", os.fspath(path)], Path(path), progress)


def _default_out(name: str) -> Path:
    return Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


def _followed(arguments: list[str], target: Path, progress: Callable[[Progress], None] | None) -> Run:
    """Call the program, and tell of each boundary that it commits."""
    from .errors import FormatError
    from .run_dir import Run

    told: Progress | None = None
    size = 0

    def look() -> None:
        nonlocal told, size
        chain = target / "chain.jsonl"
        if progress is None or not chain.exists() or chain.stat().st_size == size:
            return
        size = chain.stat().st_size
        try:
            seen = Run(target)
            now = Progress(seen.last.segment, seen.config.segments, seen.last.step)
        except FormatError:
            return  # it is being made
        if now != told:
            told = now
            progress(now)

    call(arguments, each=look)
    look()
    return Run(target)
