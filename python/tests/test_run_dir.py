"""A run directory is read as the program reads it, and nothing in one does more than raise FormatError."""

from __future__ import annotations

import csv
import json
import os
import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import baton
from baton import program


def test_observables_are_those_of_the_table_to_the_last_bit(argon: baton.Run, walk: baton.Run) -> None:
    for run in (argon, walk):
        with open(run.path / "observables.csv", newline="") as file:
            names, *rows = csv.reader(file)
        assert {name.split(" ")[0] for name in names} == {*run.observables, "step", "time"}
        for index, name in enumerate(names):
            expected = np.array([float(row[index]) for row in rows])
            column = name.split(" ")[0]
            any_series = next(iter(run.observables.values()))
            found = {"step": any_series.steps, "time": any_series.times}.get(column)
            found = run.observables[column].values if found is None else found
            assert np.array_equal(found, expected), column
    assert (argon.observables["temperature"].unit, argon.observables["temperature"].time_unit) == ("K", "ps")


def test_frames_are_those_that_the_program_exports(argon: baton.Run, tmp_path: Path) -> None:
    frames = argon.frames()
    for scaled in (False, True):
        target = tmp_path / f"{scaled}.npy"
        program.call(["export", str(argon.path), "--format", "npy", "--output", "positions", "-o", str(target), *["--scaled"] * scaled])
        assert np.array_equal(frames[:] if scaled else frames.raw, np.load(target))
    assert isinstance(frames.raw, np.memmap) and not frames.raw.flags.writeable
    assert frames.unit == "nm" and frames.times is not None and frames.times[1] == frames.steps[1] * 0.005


def test_a_state_is_that_of_its_boundary(walk: baton.Run) -> None:
    # The package writes a frame of its positions every 500 steps: the state at a boundary is the frame of the step after it.
    assert walk.checkpoints == (0, 1, 2)
    first, second = walk.state(0), walk.state(1)
    assert np.array_equal(first["positions"], np.zeros((4096, 2), dtype="<i4"))
    # A walker makes one step on one axis in every step: after 1000 of them the sum of its coordinates is even.
    assert not np.any(second["positions"].sum(axis=1) % 2) and second["positions"].any()
    assert first.verified and second.verified and walk.state().boundary == walk.last
    # A frame is taken at the end of its step, a boundary lies before it.
    moved = np.abs(walk.frames("positions").raw[2] - second["positions"]).sum(axis=1)
    assert np.array_equal(moved, np.ones(4096))


def test_both_ways_to_verify_agree_and_find_what_was_changed(walk: baton.Run, copy: Path) -> None:
    for by in ("program", "blake3"):
        found = walk.verify(by)
        assert (found.by, found.boundaries, found.checkpoints) == (by, 3, (1, 2))
    with open(copy / "frames-positions.bin", "r+b") as file:
        file.seek(70_000)
        byte = file.read(1)
        file.seek(70_000)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(baton.FormatError, match="outputs of segment 2"):
        baton.open_run(copy).verify("blake3")
    with pytest.raises(baton.ProgramError):
        baton.open_run(copy).verify("program")


def test_a_changed_line_of_the_chain_is_found(copy: Path) -> None:
    lines = (copy / "chain.jsonl").read_text().splitlines()
    line = json.loads(lines[1])
    line["outputs"] = "0" * 64
    (copy / "chain.jsonl").write_text("\n".join([lines[0], json.dumps(line), lines[2], ""]))
    with pytest.raises(baton.FormatError, match="line 2: its fields give another digest"):
        baton.open_run(copy).verify("blake3")


def test_a_line_that_a_crash_tore_was_never_committed(copy: Path) -> None:
    whole = (copy / "chain.jsonl").read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
    for torn in (whole[: ends[1] + 50], whole[: ends[1]] + bytes(40), whole[: ends[1]] + bytes(40) + b"\n"):
        (copy / "chain.jsonl").write_bytes(torn)
        run = baton.open_run(copy)
        assert (run.last.segment, run.finished, len(run.frames("positions"))) == (1, False, 2)


WRONG = {
    "run.toml": [
        ("segments = 2", 'segments = "2"', "run.toml: segments: found '2', expected an integer"),
        ("segments = 2", "segments = ", "is not TOML"),
        ("checkpoint_every = 1", "checkpoint_every = 0", "checkpoint_every: found 0"),
        ('package = "', 'package = "x', "package: found .* expected 64 hexadecimal digits"),
    ],
    "chain.jsonl": [
        ('"segment":1', '"segment":7', "line 2: is segment 7 .* expected segment 1"),
        ('"step":1000', '"step":999', "step: found 999, expected 1000"),
        ('"step":1000', '"step":' + "9" * 5000, "line 2: is not JSON"),
        ('"class":{', '"class":3,"x":{', "line 1: class: found 3, expected a table"),
        ('"frames-positions.bin":131072', '"frames-positions.bin":131073', "files: frames-positions.bin: found 131073, expected 131072"),
    ],
    "package/kernel.toml": [
        ("format = 1", "format = 2", "format: found 2, expected an integer of 1 to 1"),
        ("walkers = 4096", "walkers = 0", r"buffer 'positions': shape\[0\]: found 'walkers' = 0"),
        ("walkers = 4096", "walkers = 4000000000", "shape: found"),
        ('type = "i32"', 'type = "f64"', "buffer 'positions': type: found 'f64', expected 'f32' or 'u32' or 'i32'"),
        ("every = 500", "every = 300", "output 'positions': every: found 300, expected a divisor"),
        ("element = 0", "element = 9", "column 0: element: found 9"),
        ("walkers = 4096", "walkers = " + "[" * 20000, "is not TOML"),
    ],
}


@pytest.mark.parametrize(("file", "old", "new", "message"), [(file, *case) for file, cases in WRONG.items() for case in cases])
def test_what_is_wrong_is_named_with_file_and_field(copy: Path, file: str, old: str, new: str, message: str) -> None:
    text = (copy / file).read_text()
    # The program writes numbers and texts of its own package in this form.
    assert old in text, text
    (copy / file).write_text(text.replace(old, new, 1))
    with pytest.raises(baton.FormatError, match=message) as caught:
        run = baton.open_run(copy)
        run.frames("positions")
    assert Path(file).name in str(caught.value)


def test_links_that_lead_out_and_pipes_are_not_read(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes((copy / "frames-positions.bin").read_bytes())
    (copy / "frames-positions.bin").unlink()
    (copy / "frames-positions.bin").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(baton.FormatError, match="leads out of its folder"):
        baton.open_run(copy).frames("positions")
    (copy / "chain.jsonl").unlink()
    os.mkfifo(copy / "chain.jsonl")
    with pytest.raises(baton.FormatError, match="something else than a file"):
        baton.open_run(copy)


def test_damaged_files_raise_format_errors_and_nothing_else(copy: Path) -> None:
    names = ["run.toml", "chain.jsonl", "package/kernel.toml", "checkpoints/0000000002.baton", "frames-positions.bin"]
    whole = {name: (copy / name).read_bytes() for name in names}
    chance = random.Random(5)
    refused = 0
    for round in range(120):
        name = names[round % len(names)]
        data = bytearray(whole[name])
        for _ in range(chance.choice((1, 1, 3))):
            at = chance.randrange(min(len(data), 700) if chance.random() < 0.7 else len(data))
            kind = chance.randrange(4)
            if kind == 0:
                data[at] = chance.randrange(256)
            elif kind == 1:
                data[at : at + 8] = b"\xff" * 8
            elif kind == 2:
                del data[at : at + chance.choice((1, 8, 1000))]
            else:
                data[at:at] = chance.choice((b"\0", b"9" * 30, b"[" * 5000, b'"', b"\n"))
        (copy / name).write_bytes(data)
        try:
            run = baton.open_run(copy)
            run.frames("positions")[:]
            list(run.observables.values())
            # Without digests the structure alone has to hold.
            run.state(verify=bool(round & 1))
        except baton.FormatError as error:
            assert len(str(error)) < 2000
            refused += 1
        (copy / name).write_bytes(whole[name])
    assert refused > 60


def test_an_initial_state_that_is_not_the_chains_is_found(copy: Path) -> None:
    manifest = copy / "package" / "kernel.toml"
    manifest.write_text(manifest.read_text().replace("fill = 0", "fill = 1"))
    assert baton.open_run(copy).state(0, verify=False)["positions"].all()
    with pytest.raises(baton.FormatError, match="another initial state than the chain's"):
        baton.open_run(copy).state(0)


def test_what_is_missing_says_what_there_is(walk: baton.Run, tmp_path: Path) -> None:
    with pytest.raises(baton.FormatError, match="is not a run directory"):
        baton.open_run(tmp_path)
    with pytest.raises(KeyError, match="there are: mean_square_distance"):
        walk.observables["temperature"]
    with pytest.raises(KeyError, match="there are: positions"):
        walk.frames("statistics")
    with pytest.raises(baton.FormatError, match="no state of boundary 9; there are: 0, 1, 2"):
        walk.state(9)


def test_a_compressed_bomb_takes_no_more_than_the_buffer(copy: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    path = copy / "checkpoints/0000000002.baton"
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    bomb = zstandard.ZstdCompressor(level=1).compress(bytes(1 << 28))
    header = bytearray(data[16 : 16 + length])
    header[-8:] = len(bomb).to_bytes(8, "little")
    path.write_bytes(data[:16] + header + bomb + data[-32:])
    run = baton.open_run(copy)
    tracemalloc.start()
    try:
        with pytest.raises(baton.FormatError, match="unpacks to another size than 32768 bytes"):
            run.state(verify=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


def test_a_header_that_ends_early_names_the_field_that_is_missing(copy: Path) -> None:
    path = copy / "checkpoints/0000000002.baton"
    data = path.read_bytes()
    for length, field in ((20, "package"), (40, "step"), (200, "class"), (250, "buffer 'positions'")):
        path.write_bytes(data[:12] + length.to_bytes(4, "little") + data[16:])
        with pytest.raises(baton.FormatError, match=f"{field}: the header ends before it"):
            baton.open_run(copy).state(verify=False)


def test_a_run_that_its_package_ended_is_finished(walk: baton.Run, tmp_path: Path) -> None:
    assert (walk.done, walk.finished) == (False, True)
    program.call(["run", "laplace", "--device", "cpu", "--out", str(tmp_path / "plate")])
    run = baton.open_run(tmp_path / "plate")
    assert (run.manifest.done, run.done, run.finished) == ("converged", True, True)
    assert (run.last.segment, run.config.segments) == (3, 100)
    assert abs(float(run.observables["mean_temperature"].values[-1]) - 25.0) < 2e-3
    manifest = tmp_path / "plate/package/kernel.toml"
    manifest.write_text(manifest.read_text().replace('done = "converged"', 'done = "field"'))
    with pytest.raises(baton.FormatError, match="run: done: found 'field', expected the name of a state buffer of u32"):
        baton.open_run(tmp_path / "plate")
