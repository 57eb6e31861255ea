"""Lennard-Jones melt on a platform of OpenMM: steps per second, median of some runs.

The system of LAMMPS' `bench/in.lj`: 32,000 atoms (20 cells an edge, 4 atoms each) on an fcc lattice of density 0.8442, T* = 1.44, cutoff 2.5 sigma, dt 0.005 tau, in argon's
units. OpenMM chooses its own list buffer.

    openmm_melt.py [STEPS] [REPEATS] [PLATFORM] [CELLS]
"""

import json
import math
import statistics
import sys
import time

import openmm
from openmm import unit

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
name = sys.argv[3] if len(sys.argv) > 3 else "CPU"
cells, density = int(sys.argv[4]) if len(sys.argv) > 4 else 20, 0.8442
sigma, epsilon, mass = 0.3405, 119.8 * 0.00831446261815324, 39.948
edge = (4.0 / density) ** (1.0 / 3.0) * sigma
tau = sigma * math.sqrt(mass / epsilon)

system = openmm.System()
system.setDefaultPeriodicBoxVectors((cells * edge, 0, 0), (0, cells * edge, 0), (0, 0, cells * edge))
force = openmm.NonbondedForce()
force.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
force.setCutoffDistance(2.5 * sigma)
force.setUseDispersionCorrection(False)
positions = []
for x in range(cells):
    for y in range(cells):
        for z in range(cells):
            for dx, dy, dz in ((0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)):
                positions.append(((x + dx) * edge, (y + dy) * edge, (z + dz) * edge))
                system.addParticle(mass)
                force.addParticle(0.0, sigma, epsilon)
system.addForce(force)
integrator = openmm.VerletIntegrator(0.005 * tau)
platform = openmm.Platform.getPlatformByName(name)
context = openmm.Context(system, integrator, platform)
context.setPositions(positions)
context.setVelocitiesToTemperature(1.44 * epsilon / 0.00831446261815324 * unit.kelvin, 1)
integrator.step(100)
context.getState(getEnergy=True)
rates = []
for _ in range(repeats):
    start = time.perf_counter()
    integrator.step(steps)
    context.getState(getEnergy=True)
    rates.append(steps / (time.perf_counter() - start))
print(json.dumps({
    "program": "OpenMM " + openmm.version.version + ", " + name + " platform",
    "atoms": len(positions),
    "steps_per_second": statistics.median(rates),
    "all": rates,
}))
