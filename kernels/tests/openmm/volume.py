"""What a trial of the volume does to the energy of alanine dipeptide in rigid TIP3P: OpenMM's Reference platform, with box and molecules scaled as its MonteCarloBarostat does.

    python volume.py OUT

writes trials.json: the number of molecules, and for each scale of the box's edges the change of the potential energy, kJ/mol. The system is
tests/data/openmm/alanine-dipeptide.
"""

import gzip
import json
import sys
from pathlib import Path

import openmm as mm

FOLDER = Path(__file__).parents[3] / "tests" / "data" / "openmm" / "alanine-dipeptide"


def read(name):
    return mm.XmlSerializer.deserialize(gzip.open(FOLDER / f"{name}.xml.gz", "rt").read())


system, state = read("system"), read("state")
context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
context.setState(state)
box = state.getPeriodicBoxVectors(asNumpy=True)._value
places = state.getPositions(asNumpy=True)._value
molecules = [list(molecule) for molecule in context.getMolecules()]


def energy(scale):
    scaled = places.copy()
    for molecule in molecules:
        scaled[molecule] += (scale - 1.0) * places[molecule].mean(axis=0)
    context.setPeriodicBoxVectors(*(scale * box))
    context.setPositions(scaled)
    return context.getState(getEnergy=True).getPotentialEnergy()._value


first = energy(1.0)
trials = [{"scale": scale, "energy_change": energy(scale) - first} for scale in (0.996, 0.999, 1.001, 1.004)]
(Path(sys.argv[1]) / "trials.json").write_text(json.dumps({"molecules": len(molecules), "trials": trials}))
