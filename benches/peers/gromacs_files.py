"""GROMACS' input files (conf.gro, topol.top, grompp.mdp) of a serialised OpenMM system, for gromacs_system.py."""

import gzip
import math
import pathlib
import re
import shutil
import subprocess
import sys

import openmm
from openmm import unit

# Charge products below this, in squares of the elementary charge, count as none.
LEAST = 1e-9
INTEGRATORS = {"VerletIntegrator": "md", "LangevinIntegrator": "sd", "LangevinMiddleIntegrator": "sd"}
FORCES = ("HarmonicBondForce", "HarmonicAngleForce", "PeriodicTorsionForce", "NonbondedForce", "CMMotionRemover")


def read(folder, name):
    packed = folder / (name + ".gz")
    text = gzip.open(packed, "rt").read() if packed.is_file() else (folder / name).read_text()
    return openmm.XmlSerializer.deserialize(text)


def refuse(what):
    sys.exit("not carried over to GROMACS: " + what)


def gmx(command, *options, entered="", program="gmx"):
    """Runs a command of GROMACS with the text entered."""
    done = subprocess.run([program, "-quiet", command, *options], input=entered, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit("\n".join(done.stdout.splitlines()[-12:]))


def potential(threads, program):
    """The energy of the starting state, kJ/mol, by a program (`gmx`, or `gmx_d` of double precision); None where it is not installed."""
    if not shutil.which(program):
        return None
    # Warnings: a net charge, and bonds that GROMACS deems fast for the time step.
    gmx("grompp", "-maxwarn", "9", "-c", "conf.gro", "-p", "topol.top", "-f", "grompp.mdp", program=program)
    gmx("mdrun", "-ntmpi", "1", "-ntomp", threads, "-notunepme", "-noconfout", "-nsteps", "0", program=program)
    gmx("energy", "-dp", "-o", "energy.xvg", entered="Potential\n", program=program)
    return float(pathlib.Path("energy.xvg").read_text().splitlines()[-1].split()[1])


def version():
    text = subprocess.run(["gmx", "--version"], capture_output=True, text=True).stdout
    return re.search(r"GROMACS version: +([0-9.]+)", text)[1]


def plain(values):
    """Values in OpenMM's units: nm, ps, dalton, elementary charges, kJ/mol, radians."""
    return [value.value_in_unit_system(unit.md_unit_system) if unit.is_quantity(value) else value for value in values]


def write(system, state, integrator, context):
    """Writes the three files in the working directory."""
    forces = system.getForces()
    for force in forces:
        if type(force).__name__ not in FORCES:
            refuse(type(force).__name__)
    if type(integrator).__name__ not in INTEGRATORS:
        refuse(type(integrator).__name__)
    nonbonded = [force for force in forces if isinstance(force, openmm.NonbondedForce)]
    if len(nonbonded) != 1:
        refuse(f"{len(nonbonded)} forces of the kind NonbondedForce, where one is needed")
    count = system.getNumParticles()
    masses = plain(system.getParticleMass(i) for i in range(count))
    if any(system.isVirtualSite(i) for i in range(count)) or min(masses) <= 0:
        refuse("virtual sites, or particles without a mass")
    names = topology(system, forces, nonbonded[0], masses)
    coordinates(system, state, names)
    settings(system, nonbonded[0], integrator, context)


def topology(system, forces, nonbonded, masses):
    """Writes topol.top and returns the name of each atom's type."""
    if nonbonded.getNumGlobalParameters() + nonbonded.getNumParticleParameterOffsets() + nonbonded.getNumExceptionParameterOffsets():
        refuse("parameter offsets of NonbondedForce")
    atoms = [plain(nonbonded.getParticleParameters(i)) for i in range(len(masses))]
    types = {}
    names = [types.setdefault((sigma, epsilon), f"T{len(types) + 1}") for _, sigma, epsilon in atoms]
    scale, entries = interactions(system, forces, nonbonded, [charge for charge, _, _ in atoms])
    lines = ["[ defaults ]", f"1 2 no 1.0 {scale:.9g}", "[ atomtypes ]"]
    lines += [f"{name} 0 0.0 0.0 A {sigma:.10g} {epsilon:.10g}" for (sigma, epsilon), name in types.items()]
    # A molecule is a run of atoms that no entry crosses: GROMACS wants a molecule's atoms in one piece.
    reach = list(range(len(masses)))
    for _, group, _ in entries:
        reach[min(group)] = max(reach[min(group)], max(group))
    owner, starts, furthest = [], [], -1
    for atom, far in enumerate(reach):
        if atom > furthest:
            starts.append(atom)
        furthest = max(furthest, far)
        owner.append(len(starts) - 1)
    inside = [[] for _ in starts]
    for section, group, text in entries:
        start = starts[owner[group[0]]]
        inside[owner[group[0]]].append((section, tuple(atom - start for atom in group), text))
    kinds, sequence = {}, []
    for start, end, own in zip(starts, starts[1:] + [len(masses)], inside):
        described = tuple((names[i], atoms[i][0], masses[i]) for i in range(start, end))
        kind = kinds.setdefault((described, tuple(own)), f"M{len(kinds) + 1}")
        if sequence and sequence[-1][0] == kind:
            sequence[-1][1] += 1
        else:
            sequence.append([kind, 1])
    # GROMACS settles one kind of molecule: the most numerous of those that can be.
    numbers = {kind: sum(number for other, number in sequence if other == kind) for kind in kinds.values()}
    rigid = {kind: sides(*key) for key, kind in kinds.items() if sides(*key)}
    settled = max(rigid, key=numbers.get, default=None)
    for (described, own), kind in kinds.items():
        lines += molecule(kind, described, own, rigid[kind] if kind == settled else None)
    lines += ["[ system ]", "system", "[ molecules ]"] + [f"{kind} {number}" for kind, number in sequence]
    pathlib.Path("topol.top").write_text("\n".join(lines) + "\n")
    return names


def interactions(system, forces, nonbonded, charges):
    """The factor of the charges in pairs, and entries (section, atoms, parameters) of all molecules."""
    entries, pairs = [], []
    for index in range(system.getNumConstraints()):
        first, second, length = plain(system.getConstraintParameters(index))
        entries.append(("constraints", (first, second), f"1 {length:.10g}"))
    for index in range(nonbonded.getNumExceptions()):
        first, second, product, sigma, epsilon = plain(nonbonded.getExceptionParameters(index))
        entries.append(("exclusions", (first, second), ""))
        if abs(product) > LEAST or epsilon != 0:
            pairs.append((first, second, product, sigma, epsilon))
    # GROMACS computes pairs faster that share one factor (function 1) than those with charges of their own (function 2).
    ratios = sorted(q / (charges[i] * charges[j]) for i, j, q, _, _ in pairs if abs(charges[i] * charges[j]) > LEAST)
    scale = ratios[len(ratios) // 2] if ratios else 1.0
    common = all(abs(q - scale * charges[i] * charges[j]) <= 1e-6 * abs(q) + LEAST for i, j, q, _, _ in pairs)
    for first, second, product, sigma, epsilon in pairs:
        text = f"1 {sigma:.10g} {epsilon:.10g}" if common else f"2 1.0 {product:.10g} 1.0 {sigma:.10g} {epsilon:.10g}"
        entries.append(("pairs", (first, second), text))
    for force in forces:
        if isinstance(force, openmm.HarmonicBondForce):
            for index in range(force.getNumBonds()):
                first, second, length, k = plain(force.getBondParameters(index))
                entries.append(("bonds", (first, second), f"1 {length:.10g} {k:.10g}"))
        elif isinstance(force, openmm.HarmonicAngleForce):
            for index in range(force.getNumAngles()):
                *group, angle, k = plain(force.getAngleParameters(index))
                entries.append(("angles", tuple(group), f"1 {math.degrees(angle):.10g} {k:.10g}"))
        elif isinstance(force, openmm.PeriodicTorsionForce):
            for index in range(force.getNumTorsions()):
                *group, periodicity, phase, k = plain(force.getTorsionParameters(index))
                entries.append(("dihedrals", tuple(group), f"9 {math.degrees(phase):.10g} {k:.10g} {periodicity}"))
    return (scale if common else 1.0), entries


def sides(described, own):
    """The two lengths of a rigid molecule of three sites, the apex first; None of any other molecule."""
    lengths = {tuple(sorted(group)): text.split()[1] for section, group, text in own if section == "constraints"}
    first, second, base = (lengths.get(pair) for pair in ((0, 1), (0, 2), (1, 2)))
    masses = [mass for _, _, mass in described]
    if len(masses) == 3 and first and base and first == second and masses[1] == masses[2]:
        return first, base
    return None


def molecule(kind, described, own, settled):
    """The lines of a kind of molecule."""
    lines = ["[ moleculetype ]", f"{kind} 0", "[ atoms ]"]
    lines += [f"{i} {name} 1 {kind} {name} {i} {q:.10g} {mass:.10g}" for i, (name, q, mass) in enumerate(described, 1)]
    sections = {}
    for section, group, text in own:
        sections.setdefault(section, []).append((group, text))
    if settled:
        lines += ["[ settles ]", f"1 1 {settled[0]} {settled[1]}"]
        del sections["constraints"]
    for section, rows in sections.items():
        lines.append(f"[ {section} ]")
        lines += [" ".join(str(atom + 1) for atom in group) + " " + text for group, text in rows]
    return lines


def coordinates(system, state, names):
    """Writes conf.gro: positions, velocities and box."""
    positions = state.getPositions(asNumpy=True)._value
    velocities = state.getVelocities(asNumpy=True)._value
    lines = ["system", str(len(names))]
    for number, (name, position, velocity) in enumerate(zip(names, positions, velocities), 1):
        numbers = "".join(f"{value:15.9f}" for value in position) + "".join(f"{value:15.10f}" for value in velocity)
        lines.append(f"{number % 100000:5d}{'M':5s}{name:>5s}{number % 100000:5d}" + numbers)
    a, b, c = state.getPeriodicBoxVectors(asNumpy=True)._value
    box = [a[0], b[1], c[2]] + ([0, 0, b[0], 0, c[0], c[1]] if b[0] or c[0] or c[1] else [])
    lines.append(" ".join(f"{value:.9f}" for value in box))
    pathlib.Path("conf.gro").write_text("\n".join(lines) + "\n")


def settings(system, nonbonded, integrator, context):
    """Writes grompp.mdp."""
    cutoff = nonbonded.getCutoffDistance()._value
    method = nonbonded.getNonbondedMethod()
    rows = {
        "integrator": INTEGRATORS[type(integrator).__name__],
        "dt": integrator.getStepSize()._value,
        "nsteps": 1000,
        "continuation": "yes",
        "nstlog": 0,
        "nstenergy": 0,
        "nstxout": 0,
        "constraint-algorithm": "lincs",
        "cutoff-scheme": "Verlet",
        "coulomb-modifier": "None",
        "rcoulomb": cutoff,
        "rvdw": cutoff,
        "vdw-modifier": "None",
        "DispCorr": "AllEner" if nonbonded.getUseDispersionCorrection() else "no",
        "comm-mode": "Linear" if any(isinstance(force, openmm.CMMotionRemover) for force in system.getForces()) else "None",
    }
    if nonbonded.getUseSwitchingFunction():
        rows |= {"vdw-modifier": "Potential-switch", "rvdw-switch": nonbonded.getSwitchingDistance()._value}
    if method == openmm.NonbondedForce.PME:
        alpha, *grid = plain(nonbonded.getPMEParametersInContext(context))
        rows |= {"coulombtype": "PME", "pme-order": 5, "ewald-rtol": f"{math.erfc(alpha * cutoff):.9g}"}
        rows |= {f"fourier-n{axis}": points for axis, points in zip("xyz", grid)}
    elif method == openmm.NonbondedForce.CutoffPeriodic:
        if any(nonbonded.getParticleParameters(i)[0]._value for i in range(system.getNumParticles())):
            refuse("charges of NonbondedForce with the method CutoffPeriodic")
        rows["coulombtype"] = "Cut-off"
    else:
        refuse(f"method {method} of NonbondedForce (carried over: PME, and CutoffPeriodic without charges)")
    if rows["integrator"] == "sd":
        rows |= {"tc-grps": "System", "tau-t": 1 / integrator.getFriction()._value, "ref-t": integrator.getTemperature()._value}
    pathlib.Path("grompp.mdp").write_text("".join(f"{key} = {value}\n" for key, value in rows.items()))
