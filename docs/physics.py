"""Water at constant energy for docs/physics.md: the files, and the drift of OpenMM on them.

    python docs/physics.py make FOLDER --step 1 [--flexible]      system.xml, state.xml, integrator.xml, topology.pdb
    python docs/physics.py drift FOLDER --ps 20 [--platform CPU]  OpenMM from the same state
    python docs/physics.py make FOLDER --bar 100 [--argon]        the same box at constant pressure, or 500 atoms of argon
    python docs/physics.py density FOLDER --ps 200 [--seed 1]     OpenMM's density and temperature from the same state

TIP3P in a box of 1.9 nm, PME, Lennard-Jones switched from 0.8 to 0.9 nm, so that the energy has no jumps; 5 ps at 300 K before the state is written. The drift is the slope
of the total energy over 2 <E_kin> = N_f kT, so in kT a ns and degree of freedom; its error is that of a line through means of 10 blocks.
At constant pressure the bath is LangevinMiddle (water: 300 K, 5/ps; argon: 110 K, 2/ps, 10 fs), the barostat tries every 10 steps, and means have the error of 10 blocks.
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


def water(flexible):
    field = app.ForceField("amber14/tip3p.xml")
    modeller = app.Modeller(app.Topology(), [] * NM)
    modeller.addSolvent(field, boxSize=Vec3(1.9, 1.9, 1.9) * NM)
    method = {"nonbondedMethod": app.PME, "nonbondedCutoff": 0.9 * NM, "switchDistance": 0.8 * NM}
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


def make(folder, step_ps, flexible, of_argon, bar):
    topology, positions, system, bath = argon() if of_argon else water(flexible)
    kelvin = bath.getTemperature()
    if bar is not None:
        system.addForce(mm.MonteCarloBarostat(bar, kelvin, 10))
        step_ps = bath.getStepSize()
        bath.setFriction(2 if of_argon else 5)
    bath.setRandomNumberSeed(SEED)
    simulation = app.Simulation(topology, system, bath, mm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    simulation.context.setPositions(positions)
    simulation.minimizeEnergy(maxIterations=100)
    simulation.context.setVelocitiesToTemperature(kelvin, SEED)
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


def drift(folder, ps, platform):
    system, state, integrator = read(folder)
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


def mean(values):
    """Mean and its error, through means of blocks."""
    size = len(values) // BLOCKS
    blocks = [sum(values[k * size:(k + 1) * size]) / size for k in range(BLOCKS)]
    middle = sum(blocks) / BLOCKS
    return middle, math.sqrt(sum((block - middle) ** 2 for block in blocks) / (BLOCKS * (BLOCKS - 1)))


def density(folder, ps, platform, seed):
    system, state, integrator = read(folder)
    integrator.setRandomNumberSeed(seed)
    barostat = next(force for force in system.getForces() if isinstance(force, mm.MonteCarloBarostat))
    barostat.setRandomNumberSeed(seed)
    properties = {"Threads": "1"} if platform == "CPU" else {}
    context = mm.Context(system, integrator, mm.Platform.getPlatformByName(platform), properties)
    context.setState(state)
    grams = sum(system.getParticleMass(atom)._value for atom in range(system.getNumParticles())) / 602.214076
    moving = sum(1 for atom in range(system.getNumParticles()) if system.getParticleMass(atom)._value > 0)
    freedom = 3 * moving - system.getNumConstraints()
    steps = round(ps / integrator.getStepSize().value_in_unit(unit.picosecond))
    densities, temperatures = [], []
    for _ in range(steps // 10):
        integrator.step(10)
        now = context.getState(energy=True)
        densities.append(grams / now.getPeriodicBoxVolume()._value)
        temperatures.append(2 * now.getKineticEnergy()._value / (freedom * 8.31446261815324e-3))
    told = [f"{name} {middle:.5f} +- {error:.5f}" for name, values in (("g/mL", densities), ("K", temperatures)) for middle, error in [mean(values)]]
    print(f"{folder}, {platform}, seed {seed}, {ps} ps: {', '.join(told)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "drift", "density"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--step", type=float, default=1.0, help="fs")
    parser.add_argument("--flexible", action="store_true")
    parser.add_argument("--argon", action="store_true")
    parser.add_argument("--bar", type=float, help="at constant pressure")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ps", type=float, default=20.0)
    parser.add_argument("--platform", default="CPU")
    arguments = parser.parse_args()
    if arguments.what == "make":
        make(arguments.folder, 1e-3 * arguments.step, arguments.flexible, arguments.argon, arguments.bar)
    elif arguments.what == "density":
        density(arguments.folder, arguments.ps, arguments.platform, arguments.seed)
    else:
        drift(arguments.folder, arguments.ps, arguments.platform)


if __name__ == "__main__":
    main()
