"""Water at constant energy for docs/physics.md: the files, and the drift of OpenMM on them.

    python docs/physics.py make FOLDER --step 1 [--flexible]      system.xml, state.xml, integrator.xml, topology.pdb
    python docs/physics.py drift FOLDER --ps 20 [--platform CPU]  OpenMM from the same state

TIP3P in a box of 1.9 nm, PME, Lennard-Jones switched from 0.8 to 0.9 nm, so that the energy has no jumps; 5 ps at 300 K before the state is written. The drift is the slope
of the total energy over 2 <E_kin> = N_f kT, so in kT a ns and degree of freedom; its error is that of a line through means of 10 blocks.
Needs `pip install openmm`.
"""

import argparse
import math
from pathlib import Path

import openmm as mm
from openmm import app, unit
from openmm.vec3 import Vec3

NM = unit.nanometer
SEED = 7
BLOCKS = 10


def make(folder, step_ps, flexible):
    field = app.ForceField("amber14/tip3p.xml")
    modeller = app.Modeller(app.Topology(), [] * NM)
    modeller.addSolvent(field, boxSize=Vec3(1.9, 1.9, 1.9) * NM)
    method = {"nonbondedMethod": app.PME, "nonbondedCutoff": 0.9 * NM, "switchDistance": 0.8 * NM}
    system = field.createSystem(modeller.topology, rigidWater=not flexible, removeCMMotion=False, **method)
    bath = mm.LangevinMiddleIntegrator(300, 2, 0.0005 if flexible else 0.002)
    bath.setRandomNumberSeed(SEED)
    simulation = app.Simulation(modeller.topology, system, bath, mm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    simulation.context.setPositions(modeller.positions)
    simulation.minimizeEnergy(maxIterations=100)
    simulation.context.setVelocitiesToTemperature(300, SEED)
    simulation.step(round(5 / bath.getStepSize().value_in_unit(unit.picosecond)))
    simulation.context.setTime(0)
    simulation.context.setStepCount(0)
    state = simulation.context.getState(positions=True, velocities=True, parameters=True, enforcePeriodicBox=False)
    folder.mkdir(parents=True, exist_ok=True)
    for name, thing in (("system", system), ("state", state), ("integrator", mm.VerletIntegrator(step_ps))):
        (folder / f"{name}.xml").write_text(mm.XmlSerializer.serialize(thing))
    with (folder / "topology.pdb").open("w") as file:
        app.PDBFile.writeFile(modeller.topology, state.getPositions(), file, keepIds=True)
    print(f"{folder}: {system.getNumParticles()} atoms")


def line(points):
    """Slope of y over x with its error, through means of blocks."""
    size = len(points) // BLOCKS
    blocks = [points[k * size:(k + 1) * size] for k in range(BLOCKS)]
    xs, ys = ([sum(point[axis] for point in block) / size for block in blocks] for axis in (0, 1))
    x, y = sum(xs) / BLOCKS, sum(ys) / BLOCKS
    width = sum((a - x) ** 2 for a in xs)
    slope = sum((a - x) * (b - y) for a, b in zip(xs, ys)) / width
    rest = sum((b - y - slope * (a - x)) ** 2 for a, b in zip(xs, ys))
    return slope, math.sqrt(rest / (BLOCKS - 2) / width)


def drift(folder, ps, platform):
    system, state, integrator = (mm.XmlSerializer.deserialize((folder / f"{name}.xml").read_text()) for name in ("system", "state", "integrator"))
    properties = {"Threads": "1"} if platform == "CPU" else {}
    context = mm.Context(system, integrator, mm.Platform.getPlatformByName(platform), properties)
    context.setState(state)
    step_ps = integrator.getStepSize().value_in_unit(unit.picosecond)
    every = round(0.01 / step_ps)
    points, kinetic = [], 0.0
    for _ in range(round(ps / step_ps / every)):
        integrator.step(every)
        now = context.getState(energy=True)
        kinetic += now.getKineticEnergy()._value
        points.append((now.getTime()._value, now.getKineticEnergy()._value + now.getPotentialEnergy()._value))
    slope, error = line(points)
    scale = 1e3 / (2 * kinetic / len(points))
    print(f"{folder}, {platform}, {ps} ps: {slope * scale:.1e} +- {error * scale:.1e} kT/ns per degree of freedom")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "drift"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--step", type=float, default=1.0, help="fs")
    parser.add_argument("--flexible", action="store_true")
    parser.add_argument("--ps", type=float, default=20.0)
    parser.add_argument("--platform", default="CPU")
    arguments = parser.parse_args()
    if arguments.what == "make":
        make(arguments.folder, 1e-3 * arguments.step, arguments.flexible)
    else:
        drift(arguments.folder, arguments.ps, arguments.platform)


if __name__ == "__main__":
    main()
