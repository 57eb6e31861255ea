"""Alanine dipeptide in implicit solvent: how much of its time it spends where on Ramachandran's map, here and in OpenMM, for docs/physics.md.

    python docs/torsion_map.py make FOLDER                   system.xml, state.xml, integrator.xml, topology.pdb
    python docs/torsion_map.py openmm FOLDER --ns 5          OpenMM's Reference platform from the same state; --seed N: another bath
    python docs/torsion_map.py run FOLDER/positions.npy      a run of Baton's, by `baton export RUN --format npy --output positions --scaled -o FOLDER/positions.npy`

ff14SB with OBC's generalised Born solvent, no cutoff, bonds of hydrogens constrained, LangevinMiddle at 300 K, 1/ps, 2 fs; a frame each picosecond, the first 100 left out.
Regions: alpha (phi below 0, psi from -120 to 30 degrees), beta (phi below 0, the rest), left (phi above 0). Errors are those of means of 10 blocks.
Needs `pip install openmm numpy`.
"""

import argparse
from pathlib import Path

import gallery
import numpy as np
import openmm as mm
from openmm import app, unit

PHI, PSI = (4, 6, 8, 10), (6, 8, 10, 16)
BLOCKS = 10
FIRST = 100


def make(folder):
    field = app.ForceField(gallery.PROTEIN, "implicit/obc2.xml")
    modeller = gallery.alanine_dipeptide()
    modeller.addHydrogens(field, platform=mm.Platform.getPlatformByName("Reference"))
    system = field.createSystem(modeller.topology, nonbondedMethod=app.NoCutoff, constraints=app.HBonds, removeCMMotion=False)
    as_gbsa_obc(system)
    integrator = mm.LangevinMiddleIntegrator(300, 1, 0.002)
    integrator.setRandomNumberSeed(gallery.SEED)
    simulation = app.Simulation(modeller.topology, system, integrator, mm.Platform.getPlatformByName("Reference"))
    simulation.context.setPositions(modeller.positions)
    simulation.minimizeEnergy(maxIterations=100)
    simulation.context.setVelocitiesToTemperature(300, gallery.SEED)
    simulation.step(5000)
    simulation.context.setTime(0)
    simulation.context.setStepCount(0)
    state = simulation.context.getState(positions=True, velocities=True, parameters=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name, thing in (("system", system), ("state", state), ("integrator", integrator)):
        (folder / f"{name}.xml").write_text(mm.XmlSerializer.serialize(thing))
    with (folder / "topology.pdb").open("w") as file:
        app.PDBFile.writeFile(modeller.topology, state.getPositions(), file, keepIds=True)
    for name, torsion in (("phi", PHI), ("psi", PSI)):
        print(name, torsion, [atom.residue.name + ":" + atom.name for atom in modeller.topology.atoms() if atom.index in torsion])


def as_gbsa_obc(system):
    """Newer versions of OpenMM write OBC's solvent as a CustomGBForce of charge, radius less 0.009 nm, and that scaled; the same numbers as a GBSAOBCForce."""
    for index, force in enumerate(system.getForces()):
        if isinstance(force, mm.CustomGBForce):
            obc = mm.GBSAOBCForce()
            for particle in range(force.getNumParticles()):
                charge, radius, scaled = force.getParticleParameters(particle)
                obc.addParticle(charge, radius + 0.009, scaled / radius)
            obc.setNonbondedMethod(mm.GBSAOBCForce.NoCutoff)
            system.removeForce(index)
            system.addForce(obc)
            return


def openmm_frames(folder, frames, seed):
    system, state, integrator = (mm.XmlSerializer.deserialize((folder / f"{name}.xml").read_text()) for name in ("system", "state", "integrator"))
    integrator.setRandomNumberSeed(seed)
    context = mm.Context(system, integrator, mm.Platform.getPlatformByName("Reference"))
    context.setState(state)
    for _ in range(frames):
        integrator.step(500)
        yield np.array(context.getState(positions=True).getPositions(asNumpy=True).value_in_unit(unit.nanometer))


def torsion(frames, atoms):
    """Degrees, IUPAC's sign. `frames`: nm, [frames, atoms, 3]."""
    a, b, c, d = (frames[:, atom] for atom in atoms)
    v0, v1, v2 = a - b, c - b, c - d
    c1, c2 = np.cross(v0, v1), np.cross(v1, v2)
    return np.degrees(np.arctan2(np.linalg.norm(v1, axis=1) * (v0 * c2).sum(1), (c1 * c2).sum(1)))


def tell(name, frames):
    frames = np.asarray(frames)[FIRST:]
    phi, psi = torsion(frames, PHI), torsion(frames, PSI)
    alpha = (phi < 0) & (psi > -120) & (psi < 30)
    regions = {"alpha": alpha, "beta": (phi < 0) & ~alpha, "left": phi >= 0}
    told = []
    for region, inside in regions.items():
        blocks = [block.mean() for block in np.array_split(inside, BLOCKS)]
        told.append(f"{region} {100 * inside.mean():.1f} +- {100 * np.std(blocks, ddof=1) / BLOCKS**0.5:.1f} %")
    changes = int((alpha[1:] != alpha[:-1]).sum())
    print(f"{name}, {len(frames)} frames: {', '.join(told)}; {changes} changes between alpha and the rest", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "openmm", "run"])
    parser.add_argument("path", type=Path)
    parser.add_argument("--ns", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.what == "make":
        make(arguments.path)
    elif arguments.what == "openmm":
        frames = list(openmm_frames(arguments.path, round(1000 * arguments.ns), arguments.seed))
        tell(f"OpenMM, seed {arguments.seed}", frames)
    else:
        tell(str(arguments.path), np.load(arguments.path))


if __name__ == "__main__":
    main()
