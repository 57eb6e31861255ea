"""Packages from arrays run, come out the same as those written by hand, and what is wrong is said before or by the program."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import HEAT, heat, needed

import baton
from baton import toml_text
from baton.fields import read_toml

def test_a_package_from_arrays_computes_what_numpy_does(tmp_path: Path) -> None:
    needed("baton")
    start = np.zeros(64, dtype=np.float32)
    start[32] = 1024.0
    run = baton.run(heat(start), tmp_path / "run", device="cpu")
    cells = start
    for _ in range(300):
        quarter = np.float32(0.25) * (np.roll(cells, 1) + np.roll(cells, -1) - np.float32(2) * cells)
        cells = cells + quarter
    assert np.array_equal(run.state()["a"], cells)
    assert run.manifest.description == "Heat on a ring" and run.observables["middle"].unit == "K"
    assert run.observables["middle"].times is not None and run.observables["middle"].times[-1] == 125.0


def test_a_package_that_was_read_and_written_keeps_its_identity(walk: baton.Run, argon: baton.Run, tmp_path: Path) -> None:
    # The digest of a package covers its constants, texts and arrays; a run of another package would be refused.
    for run in (walk, argon):
        folder = baton.Package.open(run.path / "package").write(tmp_path / run.manifest.name)
        target = tmp_path / f"{run.manifest.name}-moved"
        target.mkdir()
        for name in ("run.toml", "chain.jsonl"):
            (target / name).write_bytes((run.path / name).read_bytes())
        folder.rename(target / "package")
        assert baton.program.call(["chain", str(target)]).split()[-1] == run.digest


def test_a_run_starts_from_another_runs_state(walk: baton.Run, tmp_path: Path) -> None:
    package = baton.Package.open(walk.path / "package").set_run(segments=1)
    package.set_array("positions", walk.state()["positions"])
    again = baton.run(package, tmp_path / "on", device="cpu")
    assert np.array_equal(again.state(0)["positions"], walk.state()["positions"])
    assert again.config.package != walk.config.package


def test_a_ready_made_piece_is_named_without_its_text(tmp_path: Path) -> None:
    package = heat(np.zeros(64, dtype=np.float32))
    package.add_pass("largest", "baton/maximum.wgsl", workgroups=[1], bindings={"values": "a", "extreme": "b"})
    folder = package.write(tmp_path / "package")
    assert not (folder / "baton").exists()
    again = baton.Package.open(folder)
    assert (again.write(tmp_path / "again") / "kernel.toml").read_text() == (folder / "kernel.toml").read_text()


def test_the_program_says_what_is_wrong_with_a_package(tmp_path: Path) -> None:
    needed("fpcheck")
    package = heat(np.ones(64))
    assert "clean" in package.check()
    package.constants["cells"] = 0
    with pytest.raises(baton.BadPackage, match="shape\\[0\\]: found 'cells' = 0") as caught:
        package.check()
    assert caught.value.code == 87
    with pytest.raises(baton.BadPackage, match="shape\\[0\\]: found 'cells' = 0"):
        baton.run(package, tmp_path / "run", device="cpu")
    racing = heat(np.ones(64)).wgsl(heat=HEAT.replace("to_cells[id.x] =", "to_cells[0] ="))
    with pytest.raises(baton.ProgramError, match="buffer-race") as found:
        racing.check()
    assert found.value.code == 1


def test_arrays_that_would_lose_bits_are_refused() -> None:
    package = baton.Package("p", steps_per_segment=1, segments=1)
    with pytest.raises(TypeError, match="'x': found float64, expected float32, uint32 or int32"):
        package.state("x", np.zeros(3))
    with pytest.raises(ValueError, match=r"'x': found nan at \[1\]"):
        package.state("x", np.array([0, np.nan], np.float32))
    with pytest.raises(ValueError, match="at least one element"):
        package.state("x", np.zeros((0, 3), np.float32))
    with pytest.raises(KeyError, match="no state or constant buffer 'y'"):
        package.set_array("y", np.zeros(3, np.float32))
    big_endian, columns = np.array([1, 2], ">i4"), np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3))
    package.state("x", big_endian).state("y", columns)
    with tempfile.TemporaryDirectory() as folder:
        written = package.write(Path(folder) / "p")
        assert np.array_equal(np.load(written / "x.npy"), [1, 2]) and np.load(written / "x.npy").dtype == np.dtype("<i4")
        assert np.array_equal(np.load(written / "y.npy"), columns) and np.load(written / "y.npy").flags.c_contiguous


@pytest.mark.parametrize("name", ["../x.wgsl", "/etc/x.wgsl", ".x.wgsl", "a/../x.wgsl", "x.txt", "a//x.wgsl", "x\n.wgsl"])
def test_no_file_is_written_outside_the_package(name: str) -> None:
    with pytest.raises(baton.BatonError, match="inside the package"):
        baton.Package("p", steps_per_segment=1, segments=1).wgsl_files({name: ""})


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(baton.BatonError, match="is not empty"):
        baton.Package("p", steps_per_segment=1, segments=1).write(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


def test_toml_text_reads_back_as_the_same_values(tmp_path: Path) -> None:
    table = {
        "text": 'quote " backslash \\ newline \n tab \t \x7f \u00b5 \U0001f600 \x01',
        "numbers": [0, -1, 2**63 - 1, 1e-300, 0.1, 1e22, -0.0, 5e-324],
        "flag": True,
        "odd key \u00b5": 1,
        "run": {"a": 1, "deep": {"b": [1.5, 2.5]}},
        "buffer": [{"name": "x", "column": [{"element": 0, "scale": 1e-9}, {"element": 1}], "map": {"a": "b"}}, {"name": "y"}],
    }
    (tmp_path / "kernel.toml").write_text(toml_text.write(table), encoding="utf-8")
    assert read_toml(tmp_path, "kernel.toml", 1 << 20).table == table
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="expected a finite number"):
            toml_text.write({"x": wrong})
