"""Water at constant energy for docs/physics.md: the files, and the drift of OpenMM on them.

    python docs/physics.py make FOLDER --step 1 [--flexible]      system.xml, state.xml, integrator.xml, topology.pdb; --seed N: another state
    python docs/physics.py drift FOLDER --ps 100 [--platform CPU] OpenMM from the same state: Reference (double precision), CPU (forces in single, motion in double
                                                                  precision), OpenCL-single, OpenCL-mixed, OpenCL-double (any OpenCL, pocl too)
    python docs/physics.py make FOLDER --bar 100 [--argon]        the same box at constant pressure, or 500 atoms of argon
    python docs/physics.py density FOLDER --ps 200 [--seed 1]     OpenMM's density and temperature from the same state

TIP3P in a box of 1.9 nm (--box), PME, Lennard-Jones switched from 0.8 to 0.9 nm (--cutoff), so that the energy has no jumps; 5 ps at 300 K before the state is written. The drift is the slope
of the total energy over 2 <E_kin> = N_f kT, so in kT a ns and degree of freedom; its error is that of a line through means of 10 blocks.
At constant pressure the bath is LangevinMiddle (water: 300 K, 5/ps; argon: 110 K, 2/ps, 10 fs), the barostat tries every 10 steps, and means have the error of 10 blocks. Runs of OpenMM that were stopped go on.
Needs `pip install openmm`.
"""

import argparse
import math
from pathlib import Path

import openmm as mm
from openmm import app, unit
from openmm.vec3 import Vec3

NM = unit.nanometer
BLOCKS = 10


def water(flexible, side, cutoff, tolerance):
    field = app.ForceField("amber14/tip3p.xml")
    modeller = app.Modeller(app.Topology(), [] * NM)
    modeller.addSolvent(field, boxSize=Vec3(side, side, side) * NM)
    method = {"nonbondedMethod": app.PME, "nonbondedCutoff": cutoff * NM, "switchDistance": (cutoff - 0.1) * NM, "ewaldErrorTolerance": tolerance}
    system = field.createSystem(modeller.topology, rigidWater=not flexible, removeCMMotion=False, **method)
    bath = mm.LangevinMiddleIntegrator(300, 2, 0.0005 if flexible else 0.002)
    return modeller.topology, modeller.positions, system, bath


def argon():
    """500 atoms on a lattice of 1.2 g/mL."""
    side, cells = 3.03, 5
    topology, system, force = app.Topology(), mm.System(), mm.NonbondedForce()
    chain, element = topology.addChain(), app.Element.getBySymbol("Ar")
    positions = []
    for corner in [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]:
        for cell in range(cells**3):
            at = (cell % cells, cell // cells % cells, cell // cells**2)
            positions.append(Vec3(*((2 * a + c + 0.5) * side / (2 * cells) for a, c in zip(at, corner))))
            topology.addAtom("Ar", element, topology.addResidue("AR", chain))
            system.addParticle(39.948)
            force.addParticle(0, 0.3405, 0.996)
    box = [Vec3(side, 0, 0), Vec3(0, side, 0), Vec3(0, 0, side)]
    system.setDefaultPeriodicBoxVectors(*box)
    topology.setPeriodicBoxVectors(box * NM)
    force.setNonbondedMethod(mm.NonbondedForce.CutoffPeriodic)
    force.setCutoffDistance(1.0)
    force.setUseSwitchingFunction(True)
    force.setSwitchingDistance(0.9)
    system.addForce(force)
    return topology, positions * NM, system, mm.LangevinMiddleIntegrator(110, 2, 0.01)


def make(folder, step_ps, flexible, of_argon, bar, seed, *box):
    topology, positions, system, bath = argon() if of_argon else water(flexible, *box)
    kelvin = bath.getTemperature()
    if bar is not None:
        system.addForce(mm.MonteCarloBarostat(bar, kelvin, 10))
        step_ps = bath.getStepSize()
        bath.setFriction(2 if of_argon else 5)
    bath.setRandomNumberSeed(seed)
    simulation = app.Simulation(topology, system, bath, mm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    simulation.context.setPositions(positions)
    simulation.minimizeEnergy(maxIterations=100)
    simulation.context.setVelocitiesToTemperature(kelvin, seed)
    simulation.step(round((5 if bar is None else 50) / bath.getStepSize().value_in_unit(unit.picosecond)))
    simulation.context.setTime(0)
    simulation.context.setStepCount(0)
    state = simulation.context.getState(positions=True, velocities=True, parameters=True, enforcePeriodicBox=False)
    folder.mkdir(parents=True, exist_ok=True)
    integrator = mm.VerletIntegrator(step_ps) if bar is None else bath
    for name, thing in (("system", system), ("state", state), ("integrator", integrator)):
        (folder / f"{name}.xml").write_text(mm.XmlSerializer.serialize(thing))
    with (folder / "topology.pdb").open("w") as file:
        app.PDBFile.writeFile(topology, state.getPositions(), file, keepIds=True)
    print(f"{folder}: {system.getNumParticles()} atoms")


def read(folder):
    return (mm.XmlSerializer.deserialize((folder / f"{name}.xml").read_text()) for name in ("system", "state", "integrator"))


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


def played(folder, ps, every_ps, platform, seed=None):
    """Rows of time, volume, kinetic and potential energy of OpenMM from the folder's state. They stand in a file beside a checkpoint, once a picosecond: a run that
    was stopped goes on."""
    system, state, integrator = read(folder)
    if seed is not None:
        integrator.setRandomNumberSeed(seed)
        barostat = next(force for force in system.getForces() if isinstance(force, mm.MonteCarloBarostat))
        barostat.setRandomNumberSeed(seed)
    kind, _, precision = platform.partition("-")
    properties = {"Threads": "1"} if kind == "CPU" else {"Precision": precision} if precision else {}
    context = mm.Context(system, integrator, mm.Platform.getPlatformByName(kind), properties)
    name = platform if seed is None else f"{platform}-{seed}"
    table, checkpoint = folder / f"{name}.csv", folder / f"{name}.chk"
    rows = []
    if checkpoint.exists():
        context.loadCheckpoint(checkpoint.read_bytes())
        done = round(context.getTime()._value / every_ps)
        rows = [tuple(map(float, line.split(","))) for line in table.read_text().splitlines()[:done]]
    else:
        context.setState(state)
    every = round(every_ps / integrator.getStepSize().value_in_unit(unit.picosecond))
    while len(rows) < round(ps / every_ps):
        integrator.step(every)
        now = context.getState(energy=True)
        rows.append(tuple(value._value for value in (now.getTime(), now.getPeriodicBoxVolume(), now.getKineticEnergy(), now.getPotentialEnergy())))
        if len(rows) % round(1 / every_ps) == 0:
            table.write_text("".join(",".join(map(repr, row)) + "\n" for row in rows))
            fresh = checkpoint.with_suffix(".new")
            fresh.write_bytes(context.createCheckpoint())
            fresh.replace(checkpoint)
    return system, rows


def drift(folder, ps, platform):
    _, rows = played(folder, ps, 0.05, platform)
    slope, error = line([(time, kinetic + potential) for time, _, kinetic, potential in rows])
    scale = 1e3 / (2 * sum(row[2] for row in rows) / len(rows))
    print(f"{folder}, {platform}, {ps} ps: {slope * scale:.1e} +- {error * scale:.1e} kT/ns per degree of freedom", flush=True)


def mean(values):
    """Mean and its error, through means of blocks."""
    size = len(values) // BLOCKS
    blocks = [sum(values[k * size:(k + 1) * size]) / size for k in range(BLOCKS)]
    middle = sum(blocks) / BLOCKS
    return middle, math.sqrt(sum((block - middle) ** 2 for block in blocks) / (BLOCKS * (BLOCKS - 1)))


def density(folder, ps, platform, seed):
    system, rows = played(folder, ps, 0.02, platform, seed)
    grams = sum(system.getParticleMass(atom)._value for atom in range(system.getNumParticles())) / 602.214076
    moving = sum(1 for atom in range(system.getNumParticles()) if system.getParticleMass(atom)._value > 0)
    freedom = 3 * moving - system.getNumConstraints()
    columns = {"g/mL": [grams / row[1] for row in rows], "K": [2 * row[2] / (freedom * 8.31446261815324e-3) for row in rows], "kJ/mol": [row[3] for row in rows]}
    told = [f"{name} {middle:.5f} +- {error:.5f}" for name, values in columns.items() for middle, error in [mean(values)]]
    print(f"{folder}, {platform}, seed {seed}, {ps} ps: {', '.join(told)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "drift", "density"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--step", type=float, default=1.0, help="fs")
    parser.add_argument("--flexible", action="store_true")
    parser.add_argument("--box", type=float, default=1.9, help="of water, nm")
    parser.add_argument("--cutoff", type=float, default=0.9, help="of water, nm")
    parser.add_argument("--tolerance", type=float, default=5e-4, help="of PME: pairs that cross the cutoff shake the energy by as much")
    parser.add_argument("--argon", action="store_true")
    parser.add_argument("--bar", type=float, help="at constant pressure")
    parser.add_argument("--seed", type=int, help="of `make`: 7; of `density`: 1")
    parser.add_argument("--ps", type=float, default=20.0)
    parser.add_argument("--platform", default="CPU")
    arguments = parser.parse_args()
    if arguments.what == "make":
        make(arguments.folder, 1e-3 * arguments.step, arguments.flexible, arguments.argon, arguments.bar, arguments.seed or 7, arguments.box, arguments.cutoff, arguments.tolerance)
    elif arguments.what == "density":
        density(arguments.folder, arguments.ps, arguments.platform, arguments.seed or 1)
    else:
        drift(arguments.folder, arguments.ps, arguments.platform)


if __name__ == "__main__":
    main()
