"""Small systems with energies and forces of OpenMM's Reference platform, for the double-precision twins.

    python systems.py OUT                    one or a few terms each; a second or two
    python systems.py OUT --force-fields     water and a protein by real force fields (tests/data/force-fields); a minute or two

writes a folder for each: system.xml.gz, state.xml.gz, forces.npy, and reference.json with the energy of each force class in kJ/mol and how
close a twin can be expected to come ("tolerance", relative). Everything follows from fixed seeds.
"""

import gzip
import json
import math
import os
import random
import sys

import numpy as np
import openmm as mm
from openmm import app, unit

PME, PERIODIC, NO_CUTOFF = mm.NonbondedForce.PME, mm.NonbondedForce.CutoffPeriodic, mm.NonbondedForce.NoCutoff
BOXES = {
    "cube": [(2.2, 0, 0), (0, 2.2, 0), (0, 0, 2.2)],
    "unequal": [(2.1, 0, 0), (0, 2.6, 0), (0, 0, 1.9)],
    "triclinic": [(2.4, 0, 0), (1.1, 2.3, 0), (-1.0, 0.9, 2.0)],
}


# OpenMM's Reference platform misses pairs in a box as skewed as this one when the cutoff is near half of it (2 of 485 at 0.9 nm, one at 0.8, none at 0.7).
SKEWED_CUTOFF = 0.7


def vectors(box):
    return [mm.Vec3(*v) for v in BOXES[box]]


def write(out, name, system, positions, tolerance=1e-12, parameters=None):
    """Evaluate and write a system. Each force is a group of its own, as files of other programs often have it."""
    for group, force in enumerate(system.getForces()):
        force.setForceGroup(group)
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions)
    for key, value in (parameters or {}).items():
        context.setParameter(key, value)
    state = context.getState(getPositions=True, getForces=True, getParameters=True)
    energies = {}
    for group, force in enumerate(system.getForces()):
        energy = context.getState(getEnergy=True, groups={group}).getPotentialEnergy()._value
        energies[force.__class__.__name__] = energies.get(force.__class__.__name__, 0.0) + energy
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    bare = context.getState(getPositions=True, getParameters=True)
    for file, thing in (("system.xml", system), ("state.xml", bare)):
        # No time stamp, so that the same text gives the same file.
        with gzip.GzipFile(os.path.join(folder, file + ".gz"), "w", mtime=0) as stream:
            stream.write(mm.XmlSerializer.serialize(thing).encode())
    np.save(os.path.join(folder, "forces.npy"), np.array(state.getForces(asNumpy=True)._value, dtype=np.float64))
    with open(os.path.join(folder, "reference.json"), "w") as stream:
        json.dump({"energies": energies, "tolerance": tolerance}, stream, indent=1)


def lattice(rng, count, box, jitter=0.25):
    """Particles on a jittered lattice of a box, some of them in other images."""
    side = math.ceil(count ** (1 / 3))
    places = [(i, j, k) for i in range(side) for j in range(side) for k in range(side)]
    chosen = rng.permutation(len(places))[:count]
    fractions = (np.array(places)[chosen] + 0.5 + jitter * rng.uniform(-1, 1, (count, 3))) / side
    fractions += rng.integers(-1, 2, (count, 3))
    return fractions @ np.array(BOXES[box])


def empty(count, box=None, mass=12.0):
    system = mm.System()
    for _ in range(count):
        system.addParticle(mass)
    if box:
        system.setDefaultPeriodicBoxVectors(*vectors(box))
    return system


def nonbonded(rng, count, method, cutoff=0.9, net=0.0):
    force = mm.NonbondedForce()
    force.setNonbondedMethod(method)
    force.setCutoffDistance(cutoff)
    charges = rng.uniform(-0.8, 0.8, count)
    charges += (net - charges.sum()) / count
    for i, charge in enumerate(charges):
        sigma, epsilon = [(0.3, 0.4), (0.25, 0.6), (0.1, 0.0), (0.34, 1.0)][i % 4]
        force.addParticle(0.0 if i % 7 == 3 else charge, sigma, epsilon)
    for i in range(0, count - 3, 3):
        force.addException(i, i + 1, 0.0, 1.0, 0.0)
        force.addException(i + 2, i, 0.05 * (i % 5), 0.2, 0.3 if i % 2 else 0.0)
    return force


def chain(rng, count):
    """A chain with bonds of 0.15 nm and random turns."""
    positions, direction = [np.zeros(3)], np.array([1.0, 0, 0])
    for _ in range(count - 1):
        direction = direction + rng.normal(0, 0.7, 3)
        direction /= np.linalg.norm(direction)
        positions.append(positions[-1] + 0.15 * direction)
    return np.array(positions)


IMPROPERS = [
    "k*(theta-theta0)^2",
    "k*min(dtheta, 2*pi-dtheta)^2; dtheta = abs(theta-theta0);pi = 3.141593",
    "k*min(dtheta, 2*3.141592653589793-dtheta)^2; dtheta = abs(theta-theta0)",
    "k*dtheta_torus^2; dtheta_torus = dtheta - floor(dtheta/(2*pi)+0.5)*(2*pi); dtheta = theta - theta0; pi = 3.14159265358979",
    "0.5*k*(thetap-theta0)^2; thetap = step(-(theta-theta0+pi))*2*pi+theta+step(theta-theta0-pi)*(-2*pi); pi = 3.14159265358979",
]


def bonded(rng, count, periodic):
    """One of each bonded force, over consecutive particles of a chain."""
    bonds, angles, torsions = mm.HarmonicBondForce(), mm.HarmonicAngleForce(), mm.PeriodicTorsionForce()
    more, rb, cmap = mm.HarmonicBondForce(), mm.RBTorsionForce(), mm.CMAPTorsionForce()
    impropers = [mm.CustomTorsionForce(text) for text in IMPROPERS]
    for force in impropers:
        force.addPerTorsionParameter("theta0")
        force.addPerTorsionParameter("k")
    for size in (8, 24):
        cmap.addMap(size, list(rng.normal(0, 4, size * size)))
    for i in range(count - 1):
        (bonds if i % 3 else more).addBond(i, i + 1, rng.uniform(0.1, 0.2), rng.uniform(1e5, 3e5))
    for i in range(count - 2):
        angles.addAngle(i, i + 1, i + 2, rng.uniform(1, 3), rng.uniform(100, 600))
    for i in range(count - 3):
        four = (i, i + 1, i + 2, i + 3)
        torsions.addTorsion(*four, i % 7, rng.uniform(-4, 4), rng.uniform(-20, 20)) if i % 7 else torsions.addTorsion(*four, 0 + 1, 0.0, 3.0)
        rb.addTorsion(*four, *rng.normal(0, 5, 6))
        impropers[i % 5].addTorsion(*four, (rng.uniform(-3.1, 3.1), rng.uniform(10, 100)))
    for i in range(count - 7):
        cmap.addTorsion(i % 2, i, i + 1, i + 2, i + 3, i + 3, i + 4, i + 5, i + 7)
    forces = [bonds, angles, torsions, more, rb, cmap, *impropers]
    for force in forces:
        force.setUsesPeriodicBoundaryConditions(periodic)
    return forces


def bonded_systems(out):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        system = empty(24)
        for force in bonded(rng, 24, False):
            system.addForce(force)
        write(out, f"bonded-{seed}", system, chain(rng, 24), tolerance=1e-11)
    for box in BOXES:
        rng = np.random.default_rng(10)
        system = empty(40, box)
        for force in bonded(rng, 40, True):
            system.addForce(force)
        system.addForce(nonbonded(rng, 40, PERIODIC, SKEWED_CUTOFF))
        positions = chain(rng, 40)
        # Each particle in an image of its own.
        positions += rng.integers(-2, 3, (40, 3)) @ np.array(BOXES[box])
        system.getForce(system.getNumForces() - 1).setExceptionsUsePeriodicBoundaryConditions(True)
        write(out, f"bonded-split-{box}", system, positions, tolerance=1e-11)


def edge_systems(out):
    """Angles of 0, 180 degrees and nearly so, torsions of 0 and 180 degrees."""
    for name, bend, tolerance in (("exact", 0.0, 1e-9), ("near", 1e-4, 1e-8)):
        system, force, positions = empty(6), mm.HarmonicAngleForce(), []
        for i, angle in enumerate((math.pi - bend, bend)):
            positions += [(i, 0.1, 0), (i, 0, 0), (i + 0.1 * math.sin(angle), 0.1 * math.cos(angle), 0)]
            force.addAngle(3 * i, 3 * i + 1, 3 * i + 2, 1.9, 400.0)
        system.addForce(force)
        write(out, f"collinear-{name}", system, np.array(positions, dtype=float), tolerance)
    for name, torsion in (("cis", 0.0), ("trans", math.pi)):
        system = empty(8)
        force, rb, custom = mm.PeriodicTorsionForce(), mm.RBTorsionForce(), mm.CustomTorsionForce(IMPROPERS[3])
        custom.addPerTorsionParameter("k")
        custom.addPerTorsionParameter("theta0")
        positions = [(0.05, 0.14, 0), (0, 0, 0), (0.15, 0, 0), (0.15 - 0.03, 0.12 * math.cos(torsion), 0.12 * math.sin(torsion))]
        positions += [(x, y + 1, z + 1) for x, y, z in positions]
        for first in (0, 4):
            four = range(first, first + 4)
            for n in range(1, 7):
                force.addTorsion(*four, n, 0.3 * n, 4.0)
            rb.addTorsion(*four, 9.0, -4.0, 3.0, 8.0, -2.0, 1.0)
            custom.addTorsion(*four, (40.0, 0.0 if first else 3.0))
        for one in (force, rb, custom):
            system.addForce(one)
        write(out, f"torsion-{name}", system, np.array(positions, dtype=float), 1e-7)


def nonbonded_systems(out):
    rng = np.random.default_rng(20)
    system = empty(60)
    system.addForce(nonbonded(rng, 60, NO_CUTOFF))
    write(out, "no-cutoff", system, lattice(rng, 60, "cube", 0.2))
    for box in BOXES:
        # The largest cutoff that OpenMM allows: half of the least of a_x, b_y, c_z.
        cutoff = SKEWED_CUTOFF if box == "triclinic" else 0.5 * min(BOXES[box][axis][axis] for axis in range(3))
        for name, method, net in (("reaction-field", PERIODIC, 0.0), ("pme", PME, 0.0), ("pme-charged", PME, -3.0)):
            rng = np.random.default_rng(21)
            system = empty(120, box)
            force = nonbonded(rng, 120, method, cutoff, net)
            force.setUseDispersionCorrection(net == 0.0)
            if name != "pme":
                force.setUseSwitchingFunction(True)
                force.setSwitchingDistance(0.7 * cutoff)
            force.setExceptionsUsePeriodicBoundaryConditions(True)
            force.setEwaldErrorTolerance(1e-4 if net else 5e-4)
            system.addForce(force)
            write(out, f"{name}-{box}", system, lattice(rng, 120, box))
    # Grids and alpha as given, prime sizes among them.
    rng = np.random.default_rng(22)
    system = empty(50, "unequal")
    force = nonbonded(rng, 50, PME, 0.8)
    force.setPMEParameters(3.1, 17, 26, 13)
    force.setExceptionsUsePeriodicBoundaryConditions(True)
    system.addForce(force)
    write(out, "pme-given-grid", system, lattice(rng, 50, "unequal"))
    # Particles on the faces, edges and corners of the box, and a hair within. (At the upper faces themselves the Reference platform misses pairs
    # that it finds with the particle at the lower one.)
    system, force = empty(12, "cube"), mm.NonbondedForce()
    force.setNonbondedMethod(PME)
    positions = [(0, 0, 0), (0, 1.1, 1.1), (1.1, 0, 0), (1.1, 2.2 - 1e-12, 0.5), (0.5, -1e-9, 1.6), (1e-300, 0.5, 0.4)]
    positions += [(x + 0.4, y + 0.5, z + 0.3) for x, y, z in positions]
    for i in range(12):
        force.addParticle((-1) ** i * 0.5, 0.2, 0.3)
    system.addForce(force)
    write(out, "pme-faces", system, np.array(positions, dtype=float))
    # Pairs at the cutoff: exactly on it, and one place of f64 to either side.
    system, force = empty(6, "cube"), mm.NonbondedForce()
    force.setNonbondedMethod(PERIODIC)
    force.setCutoffDistance(0.875)
    force.setUseDispersionCorrection(False)
    for _ in range(6):
        force.addParticle(0.5, 0.3, 1.0)
    for i in (0, 2, 4):
        for j in (0, 2, 4):
            if i < j:
                for a, b in ((i, j), (i + 1, j + 1), (i, j + 1), (i + 1, j)):
                    force.addException(a, b, 0, 1, 0)
    positions = []
    for i, r in enumerate((0.875, np.nextafter(0.875, 0), np.nextafter(0.875, 1))):
        positions += [(0, 0.5 * i, 0), (r, 0.5 * i, 0)]
    system.addForce(force)
    write(out, "pairs-at-the-cutoff", system, np.array(positions, dtype=float))
    # Offsets by global parameters, one of which the State sets.
    rng = np.random.default_rng(23)
    system, force = empty(30), nonbonded(rng, 30, NO_CUTOFF)
    force.addGlobalParameter("lambda_q", 0.5)
    force.addGlobalParameter("lambda_e", 0.25)
    for i in range(0, 30, 4):
        force.addParticleParameterOffset("lambda_q", i, 0.3, 0.0, 0.0)
        force.addParticleParameterOffset("lambda_e", i + 1, 0.0, 0.02, 0.4)
    force.addExceptionParameterOffset("lambda_q", 1, 0.1, 0.0, 0.2)
    system.addForce(force)
    write(out, "offsets", system, lattice(rng, 30, "cube"), parameters={"lambda_e": 0.75})


CHARMM_GUI = (
    "step(Ron-r)*(ccnba*tr6*tr6-ccnbb*tr6+ccnbb*onoff3-ccnba*onoff6)"
    "+step(r-Ron)*step(Roff-r)*(cr12*rjunk6 - cr6*rjunk3)"
    "-step(r-Ron)*step(Ron-r)*(cr12*rjunk6 - cr6*rjunk3);"
    "cr6 = ccnbb*ofdif3*rjunk3; cr12 = ccnba*ofdif6*rjunk6; rjunk3 = r3-recof3; rjunk6 = tr6-recof6; r3 = r1*tr2; r1 = 1.0/r;"
    "tr6 = tr2 * tr2 * tr2; tr2 = 1.0/s2; s2 = r^2; ccnbb = 4.0*epsilon*sigma^6; ccnba = 4.0*epsilon*sigma^12;"
    "sigma = sigma1+sigma2; epsilon = epsilon1*epsilon2; onoff3 = recof3/on3; onoff6 = recof6/on6;"
    "ofdif3 = off3/(off3 - on3); ofdif6 = off6/(off6 - on6); recof3 = 1.0/off3; on6 = on3*on3; on3 = c2onnb*Ron;"
    "recof6 = 1.0/off6; off6 = off3*off3; off3 = c2ofnb*Roff; c2ofnb = Roff*Roff; c2onnb = Ron*Ron; Ron=0.5; Roff=0.7"
)
# Text, names of parameters, whether there are tables a, b, c.
PAIRS = {
    "charmm36": ("acoef(type1, type2)/r^12 - bcoef(type1, type2)/r^6;", ["type"], "ab"),
    "nbfix": ("(a/r6)^2-b/r6; r6=r^6;a=acoef(type1, type2);b=bcoef(type1, type2)", ["type"], "ab"),
    "12-6-4": ("(a/r6)^2-b/r6-c/r^4; r6=r^6;a=acoef(type1, type2);b=bcoef(type1, type2);c=ccoef(type1, type2);", ["type"], "abc"),
    "4": ("-c/r^4; c=ccoef(type1, type2)", ["type"], "c"),
    "gromacs": ("A1*A2/r^12-C1*C2/r^6", ["C", "A"], ""),
    "opls": (
        "4.0*epsilon12*((sigma12/r)^12 - (sigma12/r)^6); sigma12=sqrt(sigma1*sigma2); epsilon12=sqrt(epsilon1*epsilon2)",
        ["sigma", "epsilon"],
        "",
    ),
    "force-switch": (CHARMM_GUI, ["sigma", "epsilon"], ""),
}


def custom_systems(out):
    for name, (text, names, tables) in PAIRS.items():
        for box in (None, "unequal", "triclinic"):
            rng = np.random.default_rng(30)
            count, types = 64, 3
            system = empty(count, box)
            force = mm.CustomNonbondedForce(text)
            root = rng.uniform(0.5e-3, 1.5e-3, (types, types))
            root = root + root.T
            values = {"a": root if "^2" in text else root**2, "b": root * 1.5, "c": root * 0.4}
            for letter in tables:
                table = mm.Discrete2DFunction(types, types, list(values[letter].flatten(order="F")))
                force.addTabulatedFunction(f"{letter}coef", table)
            for one in names:
                force.addPerParticleParameter(one)
            kinds = {
                "type": [0, 1, 2],
                "C": [0.05, 0.04, 0.06],
                "A": [1.2e-3, 1e-3, 0.9e-3],
                "sigma": [0.15, 0.14, 0.12] if name == "force-switch" else [0.3, 0.28, 0.25],
                "epsilon": [0.8, 0.6, 0.0],
            }
            for i in range(count):
                force.addParticle([kinds[one][i % types] for one in names])
            for i in range(0, count - 1, 2):
                force.addExclusion(i + 1, i)
            if box:
                force.setNonbondedMethod(mm.CustomNonbondedForce.CutoffPeriodic)
                force.setCutoffDistance(SKEWED_CUTOFF if box == "triclinic" else 0.9)
                if name != "force-switch":
                    force.setUseLongRangeCorrection(True)
                    if box == "triclinic":
                        force.setUseSwitchingFunction(True)
                        force.setSwitchingDistance(0.55)
            system.addForce(force)
            # OpenMM integrates the long-range correction numerically.
            write(out, f"custom-{name}-{box}", system, lattice(rng, count, box or "cube", 0.15), 1e-6 if box else 1e-11)
    rng = np.random.default_rng(31)
    system = empty(20)
    for text, names in (
        ("%g*epsilon*((sigma/r)^12-(sigma/r)^6)" % 2.0, ["sigma", "epsilon"]),
        ("-C/r^6+A/r^12", ["C", "A"]),
        ("138.935456*q/r", ["q"]),
    ):
        force = mm.CustomBondForce(text)
        for one in names:
            force.addPerBondParameter(one)
        size = {"sigma": 0.3, "epsilon": 0.5, "C": 1e-3, "A": 1e-6, "q": -0.2}
        for i in range(0, 18):
            force.addBond(i, i + 2, [size[one] * rng.uniform(0.5, 1.5) for one in names])
        system.addForce(force)
    write(out, "custom-bonds", system, lattice(rng, 20, "cube"))
    rng = np.random.default_rng(32)
    for box in (None, "triclinic"):
        system, positions = empty(20, box), lattice(rng, 20, "triclinic")
        texts = ["k*((x-x0)^2+(y-y0)^2+(z-z0)^2)", "0.5*k*periodicdistance(x, y, z, x0, y0, z0)^2"]
        for text in texts[bool(box) :]:
            force = mm.CustomExternalForce(text)
            force.addGlobalParameter("k", 1000.0)
            for one in ("x0", "y0", "z0"):
                force.addPerParticleParameter(one)
            for i in range(0, 20, 3):
                force.addParticle(i, positions[i] + rng.uniform(-0.3, 0.3, 3))
            system.addForce(force)
        if box:
            system.addForce(nonbonded(rng, 20, PERIODIC))
            system.getForce(system.getNumForces() - 1).setExceptionsUsePeriodicBoundaryConditions(True)
        write(out, f"restraints-{box}", system, positions)


def site_systems(out):
    """All kinds of virtual sites, sites on sites among them; charges sit on the sites."""
    for box in BOXES:
        rng = np.random.default_rng(40)
        count = 24
        system, force, positions = empty(0, box), mm.NonbondedForce(), []
        force.setNonbondedMethod(PME)
        force.setCutoffDistance(0.9)
        for center in lattice(rng, count, box, 0.1):
            first = system.getNumParticles()
            for _ in range(3):
                system.addParticle(12.0)
                positions.append(center + rng.uniform(-0.06, 0.06, 3))
            for _ in range(5):
                system.addParticle(0.0)
                positions.append(center)
            three = (first, first + 1, first + 2)
            system.setVirtualSite(first + 3, mm.TwoParticleAverageSite(first, first + 1, 0.3, 0.7))
            system.setVirtualSite(first + 4, mm.ThreeParticleAverageSite(*three, 0.8, 0.4, -0.2))
            system.setVirtualSite(first + 5, mm.OutOfPlaneSite(*three, 0.4, 0.3, 6.0))
            local = mm.LocalCoordinatesSite(three, (0.2, 0.3, 0.5), (-1, 0.4, 0.6), (0.1, 0.9, -1), mm.Vec3(0.03, 0.05, -0.06))
            system.setVirtualSite(first + 6, local)
            system.setVirtualSite(first + 7, mm.TwoParticleAverageSite(first + 6, first + 5, 0.5, 0.5))
            for i in range(8):
                charge = rng.uniform(-0.5, 0.5) if i > 2 else 0.1
                force.addParticle(charge, 0.2, 0.2 if i < 3 else 0.0)
                for j in range(i):
                    force.addException(first + i, first + j, 0.0, 1.0, 0.0)
        system.addForce(force)
        context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
        context.setPositions(np.array(positions))
        context.computeVirtualSites()
        positions = context.getState(getPositions=True).getPositions(asNumpy=True)._value
        write(out, f"sites-{box}", system, positions, 1e-11)


def implicit_systems(out):
    for box in (None, "cube"):
        rng = np.random.default_rng(50)
        count = 60
        system, force = empty(count, box), mm.GBSAOBCForce()
        system.addForce(nonbonded(rng, count, PERIODIC if box else NO_CUTOFF, 1.0))
        system.getForce(0).setUseDispersionCorrection(False)
        system.getForce(0).setExceptionsUsePeriodicBoundaryConditions(True)
        for i in range(count):
            force.addParticle(rng.uniform(-0.5, 0.5), rng.uniform(0.1, 0.2), rng.uniform(0.7, 0.9))
        if box:
            force.setNonbondedMethod(mm.GBSAOBCForce.CutoffPeriodic)
            force.setCutoffDistance(1.0)
        system.addForce(force)
        write(out, f"implicit-{box}", system, lattice(rng, count, "cube", 0.3) * (1 if box else 0.5), 1e-11)


def water_systems(out):
    """Boxes of water and salt as OpenMM's own force fields make them. (Its analytic integral over a narrow switch is good to 1e-9 only.)"""
    random.seed(1)
    for name, files, model in (
        ("tip3p", ["amber14-all.xml", "amber14/tip3pfb.xml"], "tip3p"),
        ("tip4pew", ["amber14-all.xml", "amber14/tip4pew.xml"], "tip4pew"),
        ("opc", ["amber14/opc.xml"], "tip4pew"),
        ("charmm", ["charmm36_2024.xml", "charmm36_2024/water.xml"], "tip3p"),
        ("charmm-tip5p", ["charmm36_2024.xml", "charmm36_2024/tip5p.xml"], "tip5p"),
    ):
        try:
            field = app.ForceField(*files)
            modeller = app.Modeller(app.Topology(), [] * unit.nanometer)
            modeller.addSolvent(field, model=model, boxSize=mm.Vec3(2.0, 2.0, 2.0) * unit.nanometer, ionicStrength=0.5 * unit.molar)
            system = field.createSystem(modeller.topology, nonbondedMethod=app.PME, nonbondedCutoff=0.9 * unit.nanometer, switchDistance=0.8 * unit.nanometer)
        except Exception as error:  # a force field that this OpenMM does not have
            print(f"left out: {name}: {error}", file=sys.stderr)
            continue
        context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
        context.setPositions(modeller.positions)
        context.computeVirtualSites()
        context.applyConstraints(1e-10)
        positions = context.getState(getPositions=True).getPositions(asNumpy=True)._value
        write(out, f"water-{name}", system, positions, 1e-6 if "charmm" in name else 1e-8)


def protein_systems(out):
    """Villin, from the file that OpenMM has in its package, with the force fields that people use."""
    data = os.path.join(os.path.dirname(app.__file__), "data", "test.pdb")
    pdb = app.PDBFile(data)
    for name, files, options, tolerance in (
        ("charmm", ["charmm36_2024.xml", "charmm36_2024/water.xml"], {}, 1e-11),
        ("amber19", ["amber19-all.xml", "amber19/tip3p.xml"], {}, 1e-11),
        ("implicit", ["amber99sb.xml", "amber99_obc.xml"], {"soluteDielectric": 2.0}, 1e-11),
    ):
        field = app.ForceField(*files)
        modeller = app.Modeller(pdb.topology, pdb.positions)
        modeller.deleteWater()
        modeller.delete([residue for residue in modeller.topology.residues() if len(list(residue.atoms())) == 1])
        system = field.createSystem(modeller.topology, **options)
        write(out, f"villin-{name}", system, modeller.positions, tolerance)


QUICK = [bonded_systems, edge_systems, nonbonded_systems, custom_systems, site_systems, implicit_systems]
FORCE_FIELDS = [water_systems, protein_systems]

if __name__ == "__main__":
    target, wanted = sys.argv[1], sys.argv[2:]
    for make in FORCE_FIELDS if wanted == ["--force-fields"] else QUICK:
        make(target)
