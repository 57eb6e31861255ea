"""What the tests share: real runs, a real server with a real worker, and servers that misbehave.

`BATON_PROGRAM` names the `baton` to use; without it the one on the path. Tests that need a program skip where there is none.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import baton
from baton import program

REPOSITORY = Path(__file__).resolve().parents[2]
#: Several times what the longest one takes on two busy cores.
TEST_SECONDS_MAX = 300


HEAT = """
override cells: u32;

@group(0) @binding(0) var<storage, read> from_cells: array<f32>;
@group(0) @binding(1) var<storage, read_write> to_cells: array<f32>;

@compute @workgroup_size(64)
fn heat(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= cells { return; }
    let left = from_cells[(id.x + cells - 1u) % cells];
    let right = from_cells[(id.x + 1u) % cells];
    to_cells[id.x] = from_cells[id.x] + 0.25 * (left + right - 2.0 * from_cells[id.x]);
}
"""


def heat(start: npt.NDArray[np.float32], steps_per_segment: int = 100) -> baton.Package:
    """Heat on a ring: two buffers, one the next step's."""
    package = baton.Package("heat", steps_per_segment=steps_per_segment, segments=3, time=(0.5, "s"), description="Heat on a ring")
    package.constants["cells"] = len(start)
    package.state("a", start.astype(np.float32), shape=["cells"], unit="K").state("b", np.zeros(len(start), np.float32), shape=["cells"])
    package.wgsl(heat=HEAT)
    for offset, (source, target) in enumerate([("a", "b"), ("b", "a")]):
        bindings = {"from_cells": source, "to_cells": target}
        package.add_pass(f"to_{target}", "heat.wgsl", invocations=["cells"], every=2, offset=offset, bindings=bindings)
    package.output("a", every=steps_per_segment // 2)
    package.output("first", buffer="a", every=steps_per_segment // 2, columns=[{"name": "middle", "element": len(start) // 2, "unit": "K"}])
    return package


def needed(name: str) -> str:
    """The path of a program; the test is skipped where it is not installed."""
    found = program.find(name, required=False)
    if found is None:
        pytest.skip(f"the program {name} is not installed")
    return found


@pytest.fixture(scope="session")
def walk(tmp_path_factory: pytest.TempPathFactory) -> baton.Run:
    """A finished run of the package that `baton new` writes: two segments, all checkpoints."""
    needed("baton")
    return baton.run(baton.Package.example(), tmp_path_factory.mktemp("walk") / "run", segments=2, device="cpu", checkpoint_every=1)


@pytest.fixture(scope="session")
def argon(tmp_path_factory: pytest.TempPathFactory) -> baton.Run:
    """A finished run of the argon example with one short segment."""
    folder = tmp_path_factory.mktemp("argon")
    whole = folder / "whole"
    # A run directory holds its package from the start: that is all that is wanted of this run.
    process = subprocess.Popen([needed("baton"), "run", "argon", "--device", "cpu", "--json", "--out", str(whole)], stdout=subprocess.DEVNULL)
    try:
        until((whole / "run.toml").exists)
    finally:
        process.kill()
        process.wait()
    return baton.run(baton.Package.open(whole / "package").set_run(steps_per_segment=200), folder / "run", segments=1, device="cpu")


@pytest.fixture
def copy(walk: baton.Run, tmp_path: Path) -> Path:
    """A copy of the walkers' run directory, to be damaged."""
    return Path(shutil.copytree(walk.path, tmp_path / "copy"))


@dataclass
class Server:
    """A real server on loopback, with its tokens."""

    url: str
    folder: Path

    @property
    def token_file(self) -> Path:
        """The scientist's token."""
        return self.folder / "server" / "scientist.token"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server, and a real worker that computes for it on the CPU device."""
    binary, worker = needed("baton-server"), needed("baton")
    folder = tmp_path_factory.mktemp("server")
    started: list[subprocess.Popen[bytes]] = []

    def start(arguments: list[str], log: str) -> None:
        with open(folder / log, "wb") as file:
            started.append(subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT))

    try:
        start([binary, "--data", str(folder / "server"), "--listen", "127.0.0.1:0", "--commit-s", "1"], "server.log")
        url = until(lambda: next((word for word in (folder / "server.log").read_text().split() if word.startswith("http://")), None))
        (folder / "config.toml").write_text("")
        token = folder / "server" / "host.token"
        until(token.exists)
        start([worker, "worker", "--server", url, "--token-file", str(token), "--config", str(folder / "config.toml"),
               "--state", str(folder / "worker"), "--name", "anna", "--device", "cpu"], "worker.log")  # fmt: skip
        yield Server(url, folder)
    finally:
        for process in started:
            process.kill()
            process.wait()


def until(look: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What `look` gives when it first is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain")


@dataclass
class Scripted:
    """A server that gives prepared answers in their order: (status, headers, body). It keeps the requests that came."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Makes scripted servers."""
    running: list[ThreadingHTTPServer] = []

    def make(*answers: tuple[int, dict[str, str], bytes]) -> Scripted:
        script = Scripted(list(answers))

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                script.requests.append((self.command, self.path, self.headers.get("Authorization")))
                status, headers, body = script.answers.pop(0) if script.answers else (500, {}, b"")
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = _answer

            def log_message(self, *_: Any) -> None:
                pass

        listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(listening)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        script.url = f"http://127.0.0.1:{listening.server_port}"
        return script

    yield make
    for listening in running:
        listening.shutdown()
        listening.server_close()


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    """No test waits for ever, whatever a server or a program does."""

    def late(*_: Any) -> None:
        raise AssertionError(f"the test took longer than {TEST_SECONDS_MAX} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(TEST_SECONDS_MAX)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No server, token or configuration of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith("BATON_") and name not in ("BATON_PROGRAM", "BATON_CACHE_DIR")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-config"))
