"""Atoms of a molecular package for other programs: elements by mass, kinds, the periodic box; PDB, MDAnalysis, MDTraj."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import BatonError, DependencyError
from .frames import Frames
from .manifest import Manifest

if TYPE_CHECKING:
    from .run_dir import Run

#: Standard atomic weights (IUPAC 2021, abridged), in g/mol: what a mass is compared with.
WEIGHTS = {
    "H": 1.008, "He": 4.0026, "Li": 6.94, "C": 12.011, "N": 14.007, "O": 15.999, "F": 18.998, "Ne": 20.180, "Na": 22.990, "Mg": 24.305,
    "P": 30.974, "S": 32.06, "Cl": 35.45, "Ar": 39.95, "K": 39.098, "Ca": 40.078, "Zn": 65.38, "Br": 79.904, "Kr": 83.798, "Xe": 131.293,
}  # fmt: skip
#: Elements whose standard weight is an interval: masses of other programs differ by more than a hundredth.
_TOLERANCE = 0.0075


def element_of(mass: float) -> str:
    """The element of a mass in g/mol; `X` for anything else (united atoms, massless sites, reduced units)."""
    return next((name for name, weight in WEIGHTS.items() if abs(weight - mass) < _TOLERANCE), "X")


@dataclass(frozen=True)
class Topology:
    """Atoms in the package's order: `elements` by mass, `masses` in g/mol (zeros where the package says none), `kinds` as the package numbers
    them, and `cell`, the vectors of the periodic box as rows in `unit` (None where there is none)."""

    elements: tuple[str, ...]
    masses: npt.NDArray[np.float64]
    kinds: npt.NDArray[np.int64]
    cell: npt.NDArray[np.float64] | None
    unit: str | None

    def __len__(self) -> int:
        return len(self.elements)

    @property
    def lengths_and_angles(self) -> npt.NDArray[np.float64] | None:
        """Edges of the box in `unit` and the angles alpha, beta, gamma in degrees."""
        if self.cell is None:
            return None
        lengths = np.linalg.norm(self.cell, axis=1)
        a, b, c = self.cell / lengths[:, None]
        cosines = np.clip([b @ c, a @ c, a @ b], -1.0, 1.0)
        return np.asarray(np.concatenate([lengths, np.degrees(np.arccos(cosines))]), dtype=np.float64)


def positions_of(run: Run, output: str | None = None) -> Frames:
    """The frames that are positions: those of `output`, or of the only output of shape [n, 3] in a length."""
    frames = [run._frames(found.name) for found in run.manifest.outputs if not found.columns and output in (None, found.name)]
    found = [each for each in frames if len(each.shape) == 2 and each.shape[1] == 3 and "/" not in (each.unit or "")]
    if len(found) != 1:
        there = ", ".join(each.name for each in frames) or "none"
        raise BatonError(f"{run.path}: found {len(found)} outputs with positions [n, 3] among: {there}; name one")
    return found[0]


def of_run(run: Run, output: str | None = None) -> Topology:
    """The topology of a run: its package's constant buffers `types` and `kinds` (mass in the last column), or `masses`."""
    frames = positions_of(run, output)
    rows = frames.shape[0]
    masses, kinds = _masses(run.manifest, rows)
    return Topology(tuple(element_of(mass) for mass in masses), masses, kinds, frames.buffer.cell, frames.unit)


def _masses(manifest: Manifest, rows: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    constants = {buffer.name: buffer for buffer in manifest.buffers if buffer.role == "constant"}
    types, table, masses = (constants.get(name) for name in ("types", "kinds", "masses"))
    if types and table and types.shape == (rows,) and types.element == "u32" and len(table.shape) == 2 and table.element == "f32":
        kinds = manifest.initial("types").astype(np.int64)
        of_kind = manifest.initial("kinds").astype(np.float64)[:, -1]
        known = kinds < len(of_kind)
        return np.where(known, of_kind[np.where(known, kinds, 0)], 0.0), kinds
    if masses and masses.shape == (rows,) and masses.element == "f32":
        values = manifest.initial("masses").astype(np.float64)
        return values, np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return np.zeros(rows), np.zeros(rows, dtype=np.int64)


def _factor(unit: str | None, to: float) -> float:
    """From a package's length unit to Angstrom (`to` 10) or nm (`to` 1); other units stay, as in `baton export`."""
    return to if unit == "nm" else 1.0


def to_pdb(run: Run, path: str | os.PathLike[str], frame: int = -1, *, output: str | None = None) -> None:
    """Write a frame as PDB, in Angstrom, with CRYST1 where there is a box.

    Packages know no residues and no bonds: each atom is a HETATM of residue UNK 1, named after its element.
    Raises BatonError where a coordinate does not fit the format's eight columns.
    """
    frames, topology = positions_of(run, output), of_run(run, output)
    positions = frames[frame] * _factor(frames.unit, 10.0)
    if not np.isfinite(positions).all() or positions.max(initial=0.0) >= 9999.9995 or positions.min(initial=0.0) <= -999.9995:
        raise BatonError(f"frame {frame} of {run.path}: PDB holds coordinates of -999.999 to 9999.999 Angstrom only; export DCD or npy")
    lines = [f"REMARK   1 {run.manifest.name} AT STEP {frames.steps[frame]}"]
    box = topology.lengths_and_angles
    if box is not None:
        a, b, c = box[:3] * _factor(frames.unit, 10.0)
        lines.append(f"CRYST1{a:9.3f}{b:9.3f}{c:9.3f}{box[3]:7.2f}{box[4]:7.2f}{box[5]:7.2f} P 1           1")
    for index, (element, (x, y, z)) in enumerate(zip(topology.elements, positions)):
        name = f" {element:<3}" if len(element) == 1 else f"{element.upper():<4}"
        serial = (index + 1) % 100_000
        lines.append(f"HETATM{serial:5d} {name} UNK A   1    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {element.upper():>2}")
    with open(path, "w", encoding="ascii", newline="\n") as file:
        file.write("\n".join([*lines, "END", ""]))


def to_mdanalysis(run: Run, frames: slice = slice(None), *, output: str | None = None) -> Any:
    """A `MDAnalysis.Universe` with the frames in memory, in Angstrom and ps. Needs MDAnalysis: pip install 'baton[molecules]'."""
    try:
        import MDAnalysis
    except ImportError:
        raise DependencyError("MDAnalysis is not installed: pip install 'baton[molecules]'") from None
    found, topology = positions_of(run, output), of_run(run, output)
    universe = MDAnalysis.Universe.empty(len(topology), trajectory=True)
    universe.add_TopologyAttr("names", list(topology.elements))
    universe.add_TopologyAttr("elements", ["" if element == "X" else element for element in topology.elements])
    universe.add_TopologyAttr("types", [str(kind) for kind in topology.kinds])
    universe.add_TopologyAttr("masses", topology.masses)
    universe.add_TopologyAttr("resnames", ["UNK"])
    factor = _factor(found.unit, 10.0)
    box = topology.lengths_and_angles
    dimensions = None if box is None else np.concatenate([box[:3] * factor, box[3:]]).astype(np.float32)
    times = found.times if found.times is not None else found.steps.astype(np.float64)
    step = float(times[1] - times[0]) if len(times) > 1 else 1.0
    offset = float(times[frames][0]) if len(times[frames]) else 0.0
    positions = (found[frames] * factor).astype(np.float32)
    universe.load_new(positions, order="fac", dimensions=dimensions, dt=step * (frames.step or 1), time_offset=offset)
    return universe


def to_mdtraj(run: Run, frames: slice = slice(None), *, output: str | None = None) -> Any:
    """A `mdtraj.Trajectory`, in nm and ps. Needs MDTraj: pip install 'baton[molecules]'."""
    try:
        import mdtraj
    except ImportError:
        raise DependencyError("MDTraj is not installed: pip install 'baton[molecules]'") from None
    found, topology = positions_of(run, output), of_run(run, output)
    made = mdtraj.Topology()
    residue = made.add_residue("UNK", made.add_chain())
    for element in topology.elements:
        known = mdtraj.element.virtual if element == "X" else mdtraj.element.Element.getBySymbol(element)
        made.add_atom(element, known, residue)
    xyz = found[frames].astype(np.float32)
    box = topology.lengths_and_angles
    lengths, angles = (None, None) if box is None else (np.tile(box[:3], (len(xyz), 1)), np.tile(box[3:], (len(xyz), 1)))
    times = found.times if found.times is not None else found.steps.astype(np.float64)
    return mdtraj.Trajectory(xyz, made, time=times[frames], unitcell_lengths=lengths, unitcell_angles=angles)
