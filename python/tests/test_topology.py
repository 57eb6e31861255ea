"""Atoms and boxes, as other programs take them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import needed

import baton
from baton.manifest import Buffer
from baton.topology import Topology, element_of


def test_elements_are_known_by_weight_and_reduced_masses_are_none() -> None:
    # The program's own test has the same list.
    assert [element_of(mass) for mass in (39.948, 39.95, 1.008, 15.99943, 1.0, 3.024)] == ["Ar", "Ar", "H", "O", "X", "X"]


def test_argon_is_what_its_package_says(argon: baton.Run) -> None:
    topology = argon.topology
    assert set(topology.elements) == {"Ar"} and len(topology) == 864
    assert topology.lengths_and_angles is not None and topology.unit == "nm"
    np.testing.assert_allclose(topology.lengths_and_angles, [3.46809] * 3 + [90.0] * 3, rtol=1e-5)


def test_a_pdb_reads_back_in_mdanalysis_and_mdtraj(argon: baton.Run, tmp_path: Path) -> None:
    path = tmp_path / "argon.pdb"
    baton.to_pdb(argon, path, 3)
    angstrom = argon.frames()[3] * 10.0
    mdanalysis, mdtraj = pytest.importorskip("MDAnalysis"), pytest.importorskip("mdtraj")
    universe = mdanalysis.Universe(str(path))
    np.testing.assert_allclose(universe.atoms.positions, angstrom, atol=6e-4)
    assert set(universe.atoms.elements) == {"Ar"}
    np.testing.assert_allclose(universe.dimensions, [34.681] * 3 + [90.0] * 3, atol=1e-3)
    trajectory = mdtraj.load(str(path))
    np.testing.assert_allclose(trajectory.xyz[0] * 10, angstrom, atol=6e-4)
    assert {atom.element.symbol for atom in trajectory.topology.atoms} == {"Ar"}


def test_trajectories_are_those_of_the_frames(argon: baton.Run) -> None:
    pytest.importorskip("MDAnalysis")
    pytest.importorskip("mdtraj")
    universe = baton.to_mdanalysis(argon, slice(1, 10, 2))
    assert len(universe.trajectory) == 5
    times = argon.frames().times
    assert times is not None
    for index, step in enumerate(universe.trajectory):
        np.testing.assert_allclose(step.positions, argon.frames()[2 * index + 1] * 10.0, rtol=1e-6)
        assert step.time == pytest.approx(times[2 * index + 1])
    np.testing.assert_allclose(universe.atoms.masses, 39.948, rtol=1e-5)
    trajectory = baton.to_mdtraj(argon, slice(0, 10, 2))
    np.testing.assert_allclose(trajectory.xyz, argon.frames()[0:10:2], rtol=1e-6)
    np.testing.assert_allclose(trajectory.time, times[0:10:2])


def test_an_exported_xtc_opens_in_mdanalysis_beside_a_topology(argon: baton.Run, tmp_path: Path) -> None:
    mdanalysis = pytest.importorskip("MDAnalysis")
    pdb, xtc = tmp_path / "argon.pdb", tmp_path / "argon.xtc"
    baton.to_pdb(argon, pdb, 0)
    command = [needed("baton"), "export", str(argon.path), "--format", "xtc", "--frames", "0..4", "-o", str(xtc)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    universe = mdanalysis.Universe(str(pdb), str(xtc))
    assert len(universe.trajectory) == 4
    times = argon.frames().times
    assert times is not None
    for index, step in enumerate(universe.trajectory):
        # The format rounds to 0.001 nm, and MDAnalysis gives Angstrom.
        np.testing.assert_allclose(step.positions, argon.frames()[index] * 10.0, atol=0.0051)
        np.testing.assert_allclose(step.dimensions, [34.681] * 3 + [90.0] * 3, atol=1e-3)
        assert step.time == pytest.approx(times[index], abs=1e-5)
    assert xtc.stat().st_size < 864 * 3 * 4 * 4 / 2


def test_a_tilted_box_is_a_sum_of_its_vectors() -> None:
    vectors = np.array([[2.0, 0.0, 0.0], [0.5, 3.0, 0.0], [0.25, -0.5, 4.0]])
    buffer = Buffer("positions", "u32", (1, 3), "state", None, 0, tuple((vectors / 2**32).ravel()), "nm")
    half = np.array([[2**31, 2**30, 0]], dtype="<u4")
    np.testing.assert_allclose(buffer.physical(half), [0.5 * vectors[0] + 0.25 * vectors[1]])
    assert buffer.cell is not None
    np.testing.assert_allclose(buffer.cell, vectors)
    box = Topology(("X",), np.zeros(1), np.zeros(1, dtype=np.int64), buffer.cell, "nm").lengths_and_angles
    assert box is not None
    gamma = np.degrees(np.arccos(0.5 / np.hypot(0.5, 3.0)))
    np.testing.assert_allclose(box[[0, 5]], [2.0, gamma])


def test_nine_scales_of_nine_columns_are_no_box() -> None:
    buffer = Buffer("x", "i32", (2, 9), "state", None, 0, tuple(float(i) for i in range(9)), None)
    np.testing.assert_array_equal(buffer.physical(np.ones((2, 9), np.int32)), np.tile(np.arange(9.0), (2, 1)))


def test_a_run_without_positions_says_so(walk: baton.Run, tmp_path: Path) -> None:
    with pytest.raises(baton.BatonError, match=r"found 0 outputs with positions \[n, 3\] among: positions"):
        baton.to_pdb(walk, tmp_path / "x.pdb")
