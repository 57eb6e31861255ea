"""Twenty steps of OpenMM's Reference platform for each integrator, kind of constraint and kind of virtual site, at temperature 0.

    python trajectories.py OUT

writes a folder for each: system.xml, state.xml, integrator.xml, and after 20 steps positions.npy (nm), velocities.npy (nm/ps) and reference.json with
the kinetic energy after 0, 5, 10 and 15 steps, kJ/mol. Everything follows from fixed seeds.
"""

import json
import os
import sys

import numpy as np
import openmm as mm

from systems import BOXES, NO_CUTOFF, PERIODIC, PME, empty, lattice

DT_PS, STEPS, FRICTION = 0.002, 20, 5.0
TOLERANCE = 1e-12


def vrorv():
    """openmmtools' LangevinIntegrator with splitting "V R O R V", at temperature 0."""
    one = mm.CustomIntegrator(DT_PS)
    keep = np.exp(-FRICTION * DT_PS)
    for name, value in (("a", keep), ("b", np.sqrt(1 - keep * keep)), ("kT", 0.0), ("has_kT_changed", 0)):
        one.addGlobalVariable(name, value)
    one.addPerDofVariable("sigma", 0)
    one.addPerDofVariable("x1", 0)
    one.addUpdateContextState()
    one.beginIfBlock("has_kT_changed = 1")
    one.addComputePerDof("sigma", "sqrt(kT/m)")
    one.addComputeGlobal("has_kT_changed", "0")
    one.endBlock()

    def kick():
        one.addComputePerDof("v", "v + (dt/2)*f/m")
        one.addConstrainVelocities()

    def drift():
        one.addComputePerDof("x", "x + ((dt/2)*v)")
        one.addComputePerDof("x1", "x")
        one.addConstrainPositions()
        one.addComputePerDof("v", "v + ((x-x1)/(dt/2))")
        one.addConstrainVelocities()

    kick()
    drift()
    one.addComputePerDof("v", "(a*v) + (b*sigma*gaussian)")
    one.addConstrainVelocities()
    drift()
    kick()
    one.setRandomNumberSeed(7)
    return one


def with_bath(kind, friction=FRICTION):
    one = kind(0.0, friction, DT_PS)
    one.setRandomNumberSeed(7)
    return one


INTEGRATORS = {
    "verlet": lambda: mm.VerletIntegrator(DT_PS),
    "middle": lambda: with_bath(mm.LangevinMiddleIntegrator),
    "langevin": lambda: with_bath(mm.LangevinIntegrator),
    "vrorv": vrorv,
    "brownian": lambda: with_bath(mm.BrownianIntegrator, 1000.0),
}


class Builder:
    """Molecules one after the other."""

    def __init__(self, rng, box, method):
        self.rng, self.system, self.positions = rng, empty(0, box), []
        self.bonds, self.angles, self.torsions = mm.HarmonicBondForce(), mm.HarmonicAngleForce(), mm.PeriodicTorsionForce()
        self.pairs = mm.NonbondedForce()
        self.pairs.setNonbondedMethod(method)
        self.pairs.setCutoffDistance(0.6)
        for force in (self.bonds, self.angles, self.torsions, self.pairs):
            self.system.addForce(force)

    def molecule(self, center, particles):
        """Particles as (mass, charge, sigma, epsilon, place); returns their indices. Pairs within are excluded."""
        turn = np.linalg.qr(self.rng.normal(size=(3, 3)))[0]
        first = self.system.getNumParticles()
        for mass, charge, sigma, epsilon, place in particles:
            self.system.addParticle(mass)
            self.pairs.addParticle(charge, sigma, epsilon)
            self.positions.append(center + turn @ np.array(place))
        atoms = list(range(first, first + len(particles)))
        for a in atoms:
            for b in range(first, a):
                self.pairs.addException(a, b, 0, 1, 0)
        return atoms

    def constrain(self, a, b):
        self.system.addConstraint(a, b, float(np.linalg.norm(self.positions[a] - self.positions[b])))

    def water(self, center, sites=()):
        places = [(0, 0, 0), (0.09572, 0, 0), (-0.0239872, 0.0926627, 0)]
        charges = (-0.834, 0.417, 0.417) if not sites else (0, 0.417, 0.417)
        kinds = [(15.999, 0.3151, 0.636), (1.008, 0.1, 0.0), (1.008, 0.1, 0.0)]
        particles = [(m, q, s, e, p) for (m, s, e), q, p in zip(kinds, charges, places)]
        particles += [(0.0, -0.834 / len(sites), 0.1, 0.0, (0, 0, 0)) for _ in sites]
        atoms = self.molecule(center, particles)
        for a, b in ((0, 1), (0, 2), (1, 2)):
            self.constrain(atoms[a], atoms[b])
        for index, site in enumerate(sites):
            self.system.setVirtualSite(atoms[3 + index], site(atoms))

    def star(self, center, arms):
        """A heavy atom with constrained hydrogens, and a second heavy atom bonded to the first."""
        corners = np.array([(1, 1, 1), (-1, -1, 1), (-1, 1, -1), (1, -1, -1)]) / np.sqrt(3)
        hydrogens = [(1.008, 0.05, 0.25, 0.06, 0.109 * corners[k]) for k in range(arms)]
        heavy = [(12.011, -0.05 * arms, 0.33, 0.4, (0, 0, 0))]
        tail = [(14.007, 0.0, 0.32, 0.7, 0.147 * corners[3])] if arms < 4 else []
        atoms = self.molecule(center, heavy + hydrogens + tail)
        for k in range(1, arms + 1):
            self.constrain(atoms[0], atoms[k])
        others = atoms[1:]
        for i, a in enumerate(others):
            for b in others[:i]:
                self.angles.addAngle(a, atoms[0], b, 1.92, 300.0)
        if tail:
            self.bonds.addBond(atoms[0], atoms[-1], 0.15, 2.5e5)

    def chain(self, center):
        """Four bonded atoms without constraints."""
        places = [(0, 0.14, 0), (0, 0, 0), (0.15, 0, 0), (0.19, 0.09, 0.11)]
        atoms = self.molecule(center, [(12.011, q, 0.3, 0.3, p) for q, p in zip((0.2, -0.2, 0.2, -0.2), places)])
        for a, b in zip(atoms, atoms[1:]):
            self.bonds.addBond(a, b, 0.148, 2e5)
        for a, b, c in zip(atoms, atoms[1:], atoms[2:]):
            self.angles.addAngle(a, b, c, 1.8, 400.0)
        self.torsions.addTorsion(*atoms, 3, 0.7, 6.0)


def average(atoms):
    return mm.ThreeParticleAverageSite(*atoms[:3], 0.786646558, 0.106676721, 0.106676721)


def between(atoms):
    return mm.TwoParticleAverageSite(atoms[0], atoms[1], 0.8, 0.2)


def pair_out_of_plane(sign):
    return lambda atoms: mm.OutOfPlaneSite(*atoms[:3], -0.344908262, -0.344908262, sign * 6.4437903)


def local(atoms):
    return mm.LocalCoordinatesSite(atoms[:3], (0.4, 0.3, 0.3), (-1, 0.9, 0.1), (-1, 0.2, 0.8), mm.Vec3(0.015, 0.01, -0.012))


def on_sites(atoms):
    return mm.TwoParticleAverageSite(atoms[3], atoms[1], 0.7, 0.3)


SITES = [(average,), (between,), (pair_out_of_plane(1), pair_out_of_plane(-1)), (local,), (average, on_sites)]


def build(kind, box, method):
    rng = np.random.default_rng(70)
    builder = Builder(rng, box, method)
    for index, center in enumerate(lattice(rng, 60, box or "unequal", 0.05)):
        if kind == "sites":
            builder.water(center, SITES[index % 5])
        elif kind == "flexible" or index % 6 == 5:
            builder.chain(center)
        elif index == 10:
            builder.molecule(center, [(0.0, 0.3, 0.3, 0.5, (0, 0, 0))])
        elif index % 6 == 0:
            builder.water(center)
        else:
            builder.star(center, index % 6)
    return builder


CASES = [
    ("verlet", "flexible", "triclinic", PERIODIC),
    ("verlet", "rigid", "unequal", PME),
    ("verlet", "sites", "unequal", PERIODIC),
    ("middle", "flexible", None, NO_CUTOFF),
    ("middle", "rigid", "triclinic", PME),
    ("middle", "sites", "cube", PME),
    ("langevin", "rigid", "unequal", PERIODIC),
    ("vrorv", "flexible", "cube", PERIODIC),
    ("vrorv", "rigid", "unequal", PME),
    ("vrorv", "sites", "triclinic", PERIODIC),
    ("brownian", "flexible", "cube", PERIODIC),
    ("brownian", "rigid", "unequal", PERIODIC),
]


def run(out, integrator, kind, box, method):
    builder = build(kind, box, method)
    system, rng = builder.system, builder.rng
    # Before the second half of a kick, the Reference platform does not place virtual sites anew in a CustomIntegrator: the tests compare this case with
    # double precision of their own, which knows no CMMotionRemover.
    beside_twin = (integrator, kind) == ("vrorv", "sites")
    if not beside_twin:
        system.addForce(mm.CMMotionRemover(3))
    one = INTEGRATORS[integrator]()
    one.setConstraintTolerance(TOLERANCE)
    context = mm.Context(system, one, mm.Platform.getPlatformByName("Reference"))
    context.setPositions(np.array(builder.positions))
    context.applyConstraints(TOLERANCE)
    context.computeVirtualSites()
    # A relaxed state, so that no pair overlaps: its velocities are drawn anew.
    mm.LocalEnergyMinimizer.minimize(context, 50.0, 200)
    masses = np.array([system.getParticleMass(i)._value for i in range(system.getNumParticles())])
    widths = np.sqrt(np.where(masses > 0, 2.5 / np.maximum(masses, 1e-9), 0.0))
    context.setVelocities(rng.normal(size=(len(masses), 3)) * widths[:, None])
    context.applyConstraints(TOLERANCE)
    context.computeVirtualSites()
    context.applyVelocityConstraints(TOLERANCE)
    folder = os.path.join(out, f"{integrator}-{kind}-{box}")
    os.makedirs(folder)
    state = context.getState(getPositions=True, getVelocities=True)
    # From what the files say, so that both start from the same numbers.
    for name, thing in (("system.xml", system), ("state.xml", state), ("integrator.xml", one)):
        with open(os.path.join(folder, name), "w") as stream:
            stream.write(mm.XmlSerializer.serialize(thing))
    if beside_twin:
        return
    context.setState(state)
    kinetic = []
    for step in range(STEPS):
        if step % 5 == 0:
            kinetic.append(context.getState(getEnergy=True).getKineticEnergy()._value)
        one.step(1)
    state = context.getState(getPositions=True, getVelocities=True)
    np.save(os.path.join(folder, "positions.npy"), np.array(state.getPositions(asNumpy=True)._value, dtype=np.float64))
    np.save(os.path.join(folder, "velocities.npy"), np.array(state.getVelocities(asNumpy=True)._value, dtype=np.float64))
    with open(os.path.join(folder, "reference.json"), "w") as stream:
        json.dump({"kinetic": kinetic}, stream)


if __name__ == "__main__":
    for case in CASES:
        run(sys.argv[1], *case)
