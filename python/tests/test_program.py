"""Runs through the program: progress, stops that lose nothing, and its own words in exceptions."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import needed

import baton


def test_progress_is_told_at_boundaries_in_their_order(tmp_path: Path) -> None:
    needed("baton")
    seen: list[baton.Progress] = []
    run = baton.run(baton.Package.example(), tmp_path / "run", segments=2, device="cpu", progress=seen.append)
    assert seen[-1] == baton.Progress(2, 2, 2000) and run.finished
    assert [each.segment for each in seen] == sorted({each.segment for each in seen})


def test_an_interrupted_run_stops_at_a_boundary_and_ends_in_the_same_digest(walk: baton.Run, tmp_path: Path) -> None:
    def interrupt(progress: baton.Progress) -> None:
        if progress.segment >= 1:
            raise KeyboardInterrupt

    target = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        baton.run(baton.Package.example(), target, segments=400, device="cpu", progress=interrupt)
    stopped = baton.open_run(target)
    assert 1 <= stopped.last.segment < 400 and not stopped.finished
    assert stopped.chain[1].boundary == walk.chain[1].boundary
    more = stopped.last.segment + 1
    try:
        resumed = baton.resume(target, segments=more, device="cpu")
    except baton.Stopped as stop:
        # Fewer segments than were planned: it stops there and can be resumed.
        assert stop.code == 85
        resumed = baton.open_run(target)
    assert resumed.last.segment == more and resumed.chain[2].boundary == walk.chain[2].boundary


def test_the_programs_words_and_exit_code_are_in_the_exception(walk: baton.Run, tmp_path: Path) -> None:
    with pytest.raises(baton.UsageError, match="--segments") as usage:
        baton.run("argon", tmp_path / "a", segments=0)
    assert usage.value.code == 2
    with pytest.raises(baton.ProgramError, match="no device 'no-such-device'"):
        baton.run("argon", tmp_path / "a", device="no-such-device")
    with pytest.raises(baton.UsageError, match="is not empty: continue it with `baton resume"):
        baton.run("argon", walk.path, device="cpu")


def test_a_program_that_is_missing_is_named_with_the_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BATON_PROGRAM", str(tmp_path / "nothing"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(baton.DependencyError, match="`baton` was not found: install it"):
        baton.run("argon", tmp_path / "a")


def test_an_argument_is_never_taken_for_an_option(tmp_path: Path) -> None:
    needed("baton")
    with pytest.raises(baton.ProgramError) as caught:
        baton.run("--help", tmp_path / "a", device="cpu")
    assert "Usage" not in caught.value.text
