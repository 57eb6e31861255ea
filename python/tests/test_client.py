"""The client against a real server with a real worker, and against servers that misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Scripted, Server, heat, until

import baton

JOB = {
    "archive": "0" * 64, "computed_ms": 0, "epoch": 0, "job": 1, "moved_bytes": 0, "name": "n", "owner": "o", "package": "0" * 64,
    "priority": 3, "progress": 0, "reason": "", "segment": 0, "segments": 2, "since_ms": 0, "state": "queued", "stays": [], "step": 0,
    "submitted_ms": 0, "tags": [], "tier": "portable",
}  # fmt: skip


def job_text(**changes: Any) -> bytes:
    return json.dumps({**JOB, **changes}).encode()


def client_of(server: Scripted, **options: Any) -> baton.Client:
    return baton.Client(server.url, token="secret", **options)


@pytest.fixture
def client(server: Server) -> baton.Client:
    return baton.Client(server.url, token_file=server.token_file)


def test_a_job_comes_back_as_the_run_that_was_made_here(client: baton.Client, tmp_path: Path) -> None:
    package = heat(np.arange(64, dtype=np.float32), steps_per_segment=10)
    local = baton.run(package, tmp_path / "local", segments=2, device="cpu")
    job = client.submit(package, segments=2, tags=["ring"], name="a ring")
    states = [view.state for view in client.watch(job)]
    assert states[-1] == "completed" and set(states) <= {"queued", "running", "completed"}
    ended = client.wait(job)
    assert (ended.name, ended.segment, ended.chain, ended.package) == ("a ring", 2, local.digest, local.config.package)
    assert [stay.host for stay in ended.stays] == [1]
    boundaries = [line.boundary for line in local.chain]
    assert client.chain(job) == boundaries
    fetched = client.fetch(job, tmp_path / "fetched")
    assert fetched.digest == local.digest and fetched.verify("blake3").boundaries == 3
    assert np.array_equal(fetched.frames("a").raw, local.frames("a").raw)
    assert np.array_equal(fetched.state()["a"], local.state()["a"])
    assert [view.job for view in client.jobs("completed", tag="ring")] == [job]
    assert [view.job for view in client.jobs(tag="other")] == []
    assert client.why(job).changes[-1].state == "completed"


def test_a_job_is_held_released_hurried_and_cancelled(client: baton.Client) -> None:
    job = client.submit(heat(np.ones(64, dtype=np.float32), steps_per_segment=10), segments=100_000, hold=True)
    assert client.job(job).state == "held"
    with pytest.raises(baton.ServerError) as priority:
        client.priority(job, 77)
    assert priority.value.status == 422 and priority.value.field == "priority"
    assert client.priority(job, 9, now=True).priority == 9
    assert client.release(job).state in ("queued", "running")
    until(lambda: client.job(job).state == "running")
    assert client.cancel(job).state == "cancelled" and client.wait(job).state == "cancelled"
    with pytest.raises(baton.ServerError) as refused:
        client.release(job)
    assert refused.value.status == 409 and refused.value.type.startswith("/problems/")


def test_the_server_and_the_program_say_what_they_refuse(client: baton.Client, server: Server, tmp_path: Path) -> None:
    with pytest.raises(baton.ServerError, match="9999") as missing:
        client.job(9999)
    assert missing.value.status == 404
    with pytest.raises(baton.ServerError) as stranger:
        baton.Client(server.url, token="wrong").job(1)
    assert stranger.value.status == 401
    package = heat(np.ones(64, dtype=np.float32))
    package.constants["cells"] = 0
    with pytest.raises(baton.BadPackage, match="found 'cells' = 0"):
        client.submit(package)
    with pytest.raises(baton.ProgramError, match="9999"):
        client.fetch(9999, tmp_path / "x")


def test_the_token_comes_from_file_environment_or_configuration(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(baton.ServerError, match="no server: give server="):
        baton.Client()
    with pytest.raises(baton.ServerError, match="no token: give token_file="):
        baton.Client(server.url)
    (tmp_path / "config.toml").write_text(f'server = "{server.url}"\n[scientist]\ntoken_file = "{server.token_file}"\n')
    monkeypatch.setenv("BATON_CONFIG", str(tmp_path / "config.toml"))
    list(baton.Client().jobs())
    monkeypatch.setenv("BATON_TOKEN_FILE", str(tmp_path / "config.toml"))
    with pytest.raises(baton.FormatError, match="holds the token alone"):
        baton.Client()
    monkeypatch.setenv("BATON_TOKEN_FILE", str(server.token_file))
    client = baton.Client()
    list(client.jobs())
    token = server.token_file.read_text().strip()
    assert token not in repr(client) + repr(client._access) + repr(client._link)


def test_a_redirect_to_another_origin_does_not_get_the_token(scripted: Callable[..., Scripted]) -> None:
    thief = scripted((200, {}, job_text()))
    server = scripted((302, {"Location": f"{thief.url}/v1/jobs/1"}, b""))
    with pytest.raises(baton.ServerError, match="another origin"):
        client_of(server).job(1)
    assert thief.requests == []
    moved = scripted((307, {"Location": "/v1/jobs/2"}, b""), (200, {}, job_text(job=2)))
    assert client_of(moved).job(1).job == 2


def test_what_changes_nothing_is_tried_again_and_what_changes_something_is_not(scripted: Callable[..., Scripted]) -> None:
    busy = (503, {"Retry-After": "0"}, b"")
    server = scripted(busy, busy, (200, {}, job_text()))
    assert client_of(server).job(1).state == "queued" and len(server.requests) == 3
    assert {authorization for _, _, authorization in server.requests} == {"Bearer secret"}
    server = scripted(busy, (200, {}, job_text()))
    with pytest.raises(baton.ServerError) as once:
        client_of(server).cancel(1)
    assert once.value.status == 503 and len(server.requests) == 1
    server = scripted(*[busy] * 9)
    with pytest.raises(baton.ServerError):
        client_of(server, retries=2).job(1)
    assert len(server.requests) == 3
    refused = json.dumps({"type": "/problems/x", "status": 403, "title": "No", "detail": "not yours", "field": "job"}).encode()
    server = scripted((403, {}, refused))
    with pytest.raises(baton.ServerError, match="No: not yours") as problem:
        client_of(server).job(1)
    assert (problem.value.type, problem.value.field, len(server.requests)) == ("/problems/x", "job", 1)


def test_answers_that_cannot_be_are_errors(scripted: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch) -> None:
    for body in (b"", b"nonsense", b"[" * 50_000, b"[]", job_text(job="1"), b"\xff\xfe", b'{"job":' + b"9" * 5000 + b"}"):
        with pytest.raises(baton.ServerError, match="cannot be understood"):
            client_of(scripted((200, {}, body))).job(1)
    monkeypatch.setattr("baton.http.ANSWER_BYTES_MAX", 100)
    with pytest.raises(baton.ServerError, match="longer than 100 bytes"):
        client_of(scripted((200, {}, job_text()))).job(1)
    with pytest.raises(baton.ServerError, match="is away"):
        client_of(scripted((200, {"Content-Length": "100"}, b"{")), retries=0, timeout=0.3).job(1)


def test_a_broken_stream_of_events_is_opened_again(scripted: Callable[..., Scripted]) -> None:
    def event(**changes: Any) -> bytes:
        return b": alive\n\nevent: job\nid: 4\ndata: " + job_text(**changes) + b"\n\n"

    first = (200, {}, event() + event(state="running"))
    cut = (200, {"Content-Length": "100000"}, event(state="running", segment=1)[:-20])
    # A new connection begins with the job as it is, which was seen before.
    last = (200, {}, event(state="running") + event(state="running", segment=1) + event(state="completed", segment=2) + event(state="queued"))
    server = scripted(first, (503, {}, b""), cut, last)
    seen = [(view.state, view.segment) for view in client_of(server).watch(1)]
    assert seen == [("queued", 0), ("running", 0), ("running", 1), ("completed", 2)]
    assert [path for _, path, _ in server.requests] == ["/v1/jobs/1/events"] * 4
    with pytest.raises(baton.ServerError):
        list(client_of(scripted(*[(503, {}, b"")] * 9), retries=1).watch(1))
    with pytest.raises(baton.ServerError, match="ends the stream of events without one"):
        list(client_of(scripted(*[(200, {}, b"")] * 9), retries=0).watch(1))


def test_pages_are_asked_for_one_after_the_other(scripted: Callable[..., Scripted]) -> None:
    def page(following: str | None, *jobs: int) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, json.dumps({"items": [{**JOB, "job": job} for job in jobs], "next": following}).encode()

    server = scripted(page("2", 1, 2), page("4", 3, 4), page(None, 5))
    assert [view.job for view in client_of(server).jobs("queued")] == [1, 2, 3, 4, 5]
    assert [path for _, path, _ in server.requests] == [f"/v1/jobs?state=queued{rest}" for rest in ("", "&cursor=2", "&cursor=4")]
    # A server that gives the same page for ever does not hold us for ever.
    server = scripted(page("2", 1), page("2", 1), page("2", 1))
    assert len(list(client_of(server).jobs())) == 2


@pytest.mark.parametrize("url", ["", "baton.example", "ftp://x", "http://", "http://user:secret@x", "file:///etc/passwd", "http://[", "http://x?y"])
def test_urls_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(baton.ServerError, match="server"):
        baton.Client(url, token="t")


def test_tokens_that_would_change_a_header_are_refused() -> None:
    for token in ("a\r\nHost: x", "a b", "\u00fc", "a\x00"):
        with pytest.raises(baton.ServerError, match="token: found none or one with blanks"):
            baton.Client("http://127.0.0.1:1", token=token)
