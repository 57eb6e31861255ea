"""A serialised OpenMM system on GROMACS: steps per second by the clock, and milliseconds of processor time a step, of some readings.

    gromacs_system.py FOLDER [STEPS] [REPEATS] [THREADS]

FOLDER holds system.xml, state.xml and integrator.xml, gzipped or not. `potential` is GROMACS' energy of the starting state by its double precision (`gmx_d`, if installed)
and `potential_openmm` that of OpenMM's CPU platform, in kJ/mol. `potential_mixed` is by the program that is measured (`gmx`, mixed precision): it adds up energies, though
not forces, in single precision, which costs up to 1e-4 of dhfr's total.

Carried over unchanged: masses, charges, Lennard-Jones parameters (combination rule 2, vdw-modifier None), bonds, angles, proper torsions, exceptions (exclusions, and pairs
with parameters of their own), constraints, positions, velocities, box, cutoff, switching distance, time step, temperature, friction, and the PME coefficient, order 5 and
grid of OpenMM's CPU platform (mdrun -notunepme keeps them). Left to GROMACS:

- the pair list: its buffer by the default verlet-buffer-tolerance, and the steps between two lists as mdrun tunes them;
- constraints: SETTLE for rigid three-site molecules, LINCS of default order for the others, no constraint tolerance;
- Langevin integrators of OpenMM become `sd`, with its own random numbers; VerletIntegrator becomes `md`;
- the centre of mass is stopped every 100 steps if the system has a CMMotionRemover, whatever its frequency; energies are computed every 100 steps;
- the dispersion correction (DispCorr = AllEner) leaves excluded pairs out of the average over pairs that OpenMM takes over all: a relative 1e-3 of that term or less.

A system with anything else (other forces or integrators, charges with a cutoff but no PME, virtual sites) is refused.

Every reading is a run of mdrun with 100 steps of warm-up, which the clock leaves out; from its processor time that of a run of these 100 steps alone is taken.
"""

import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import sys
import tempfile

import openmm

sys.dont_write_bytecode = True
import gromacs_files  # noqa: E402 (after the line above, which keeps __pycache__ out of the tree)

WARMUP = 100


def main():
    if not shutil.which("gmx"):
        sys.exit("GROMACS (gmx) is not installed")
    folder = pathlib.Path(sys.argv[1])
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    threads = sys.argv[4] if len(sys.argv) > 4 else "2"
    system, state, integrator = (gromacs_files.read(folder, name) for name in ("system.xml", "state.xml", "integrator.xml"))
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": threads})
    context.setState(state)
    potential = context.getState(getEnergy=True).getPotentialEnergy()._value
    os.environ["GMX_MAXBACKUP"] = "-1"
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        gromacs_files.write(system, state, integrator, context)
        del context
        double = gromacs_files.potential(threads, "gmx_d")
        single = gromacs_files.potential(threads, "gmx")

        def run(steps, *options):
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            gromacs_files.gmx("mdrun", "-ntmpi", "1", "-ntomp", threads, "-notunepme", "-noconfout", "-nsteps", str(steps), *options)
            now = resource.getrusage(resource.RUSAGE_CHILDREN)
            return now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime

        idle = run(WARMUP)
        rates, processor = [], []
        for _ in range(repeats):
            used = run(WARMUP + steps, "-resetstep", str(WARMUP))
            clock = re.search(r"^ *Time: +\S+ +(\S+)", pathlib.Path("md.log").read_text(), re.MULTILINE)
            rates.append(steps / float(clock[1]))
            processor.append((used - idle) * 1e3 / steps)
        os.chdir("/")
    print(json.dumps({
        "program": "GROMACS " + gromacs_files.version(),
        "atoms": system.getNumParticles(),
        "steps_per_second": statistics.median(rates),
        "all": rates,
        "processor_ms_a_step": processor,
        "potential": single if double is None else double,
        "potential_mixed": single,
        "potential_openmm": potential,
    }))


main()
