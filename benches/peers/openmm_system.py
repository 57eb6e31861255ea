"""A serialised OpenMM system on a platform of OpenMM: steps per second by the clock, and milliseconds of processor time a step, of some readings.

    openmm_system.py FOLDER [STEPS] [REPEATS] [THREADS] [PLATFORM]

FOLDER holds system.xml, state.xml and integrator.xml, gzipped or not.
"""

import gzip
import json
import pathlib
import sys
import time

import openmm

folder = pathlib.Path(sys.argv[1])
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 100
repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 5
threads = sys.argv[4] if len(sys.argv) > 4 else "2"
name = sys.argv[5] if len(sys.argv) > 5 else "CPU"


def read(name):
    packed = folder / (name + ".gz")
    text = gzip.open(packed, "rt").read() if packed.is_file() else (folder / name).read_text()
    return openmm.XmlSerializer.deserialize(text)


system, state, integrator = read("system.xml"), read("state.xml"), read("integrator.xml")
platform = openmm.Platform.getPlatformByName(name)
context = openmm.Context(system, integrator, platform, {"Threads": threads} if name == "CPU" else {})
context.setState(state)
integrator.step(20)
context.getState(getEnergy=True)
rates, processor = [], []
for _ in range(repeats):
    start, used = time.perf_counter(), time.process_time()
    integrator.step(steps)
    context.getState(getEnergy=True)
    rates.append(steps / (time.perf_counter() - start))
    processor.append((time.process_time() - used) * 1e3 / steps)
print(json.dumps({
    "program": "OpenMM " + openmm.version.version + ", " + name + " platform",
    "atoms": system.getNumParticles(),
    "steps_per_second": sorted(rates)[len(rates) // 2],
    "all": rates,
    "processor_ms_a_step": processor,
}))
