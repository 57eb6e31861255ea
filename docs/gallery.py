"""The systems of README's gallery, built with OpenMM's own tools: water, alanine dipeptide in water, and the villin headpiece in water.

    python docs/gallery.py water my-water
    baton import openmm --system my-water/system.xml --state my-water/state.xml --integrator my-water/integrator.xml -o my-water/package

Needs `pip install openmm`. Writes system.xml, state.xml, integrator.xml and topology.pdb into the folder. All seeds are given, so that one version of OpenMM on one kind of
machine writes the same files; what Baton computes from them is the same anywhere.
"""

import argparse
import math
from pathlib import Path

import openmm as mm
from openmm import app, unit
from openmm.vec3 import Vec3

NM = unit.nanometer
WATER = "amber14/tip3p.xml"
PROTEIN = "amber14/protein.ff14SB.xml"
SEED = 7


def place(a, b, c, length, angle, torsion):
    """A point `length` (nm) from c, at `angle` to b and `torsion` to a (degrees)."""
    angle, torsion = math.radians(angle), math.radians(torsion)
    bc = unit_vector(c - b)
    normal = unit_vector(cross(b - a, bc))
    along = cross(normal, bc)
    x, y, z = -math.cos(angle), math.sin(angle) * math.cos(torsion), math.sin(angle) * math.sin(torsion)
    return c + (bc * x + along * y + normal * z) * length


def cross(a, b):
    return Vec3(a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def unit_vector(a):
    return a * (1 / math.sqrt(sum(x * x for x in a)))


def alanine_dipeptide():
    """ACE-ALA-NME with phi = -80 and psi = 80 degrees, from bond lengths and angles; hydrogens come from OpenMM's Modeller."""
    places = {}
    places["ACE", "CH3"] = Vec3(0, 0, 0)
    places["ACE", "C"] = Vec3(0.152, 0, 0)
    places["ACE", "O"] = Vec3(0.152 + 0.123 * 0.5, 0.123 * math.sqrt(0.75), 0)
    places["ALA", "N"] = place(places["ACE", "O"], places["ACE", "CH3"], places["ACE", "C"], 0.1335, 116.6, 180)
    places["ALA", "CA"] = place(places["ACE", "CH3"], places["ACE", "C"], places["ALA", "N"], 0.1449, 121.9, 180)
    places["ALA", "C"] = place(places["ACE", "C"], places["ALA", "N"], places["ALA", "CA"], 0.1522, 110.1, -80)
    places["ALA", "CB"] = place(places["ACE", "C"], places["ALA", "N"], places["ALA", "CA"], 0.1526, 109.7, 158)
    places["NME", "N"] = place(places["ALA", "N"], places["ALA", "CA"], places["ALA", "C"], 0.1335, 116.6, 80)
    places["ALA", "O"] = place(places["ALA", "N"], places["ALA", "CA"], places["ALA", "C"], 0.1229, 120.4, -100)
    places["NME", "C"] = place(places["ALA", "CA"], places["ALA", "C"], places["NME", "N"], 0.1449, 121.9, 180)
    topology, positions, atoms = app.Topology(), [], {}
    chain = topology.addChain()
    for residue in ("ACE", "ALA", "NME"):
        added = topology.addResidue(residue, chain)
        for (name, atom), point in places.items():
            if name == residue:
                symbol = atom[0]
                atoms[name, atom] = topology.addAtom(atom, app.Element.getBySymbol(symbol), added)
                positions.append(point)
    bonds = [("ACE", "CH3", "ACE", "C"), ("ACE", "C", "ACE", "O"), ("ACE", "C", "ALA", "N"), ("ALA", "N", "ALA", "CA")]
    bonds += [("ALA", "CA", "ALA", "C"), ("ALA", "CA", "ALA", "CB"), ("ALA", "C", "ALA", "O"), ("ALA", "C", "NME", "N"), ("NME", "N", "NME", "C")]
    for a, b, c, d in bonds:
        topology.addBond(atoms[a, b], atoms[c, d])
    return app.Modeller(topology, positions * NM)


def villin():
    """The villin headpiece (35 residues) that OpenMM brings as the test of its installation, without the water around it."""
    pdb = app.PDBFile(str(Path(app.__file__).parent / "data" / "test.pdb"))
    modeller = app.Modeller(pdb.topology, pdb.positions)
    modeller.delete([residue for residue in modeller.topology.residues() if residue.name in ("HOH", "Cl")])
    return modeller


def system_of(name):
    """Modeller, force field, time step (ps), and whether it is under a barostat."""
    if name == "water":
        field = app.ForceField(WATER)
        modeller = app.Modeller(app.Topology(), [] * NM)
        modeller.addSolvent(field, boxSize=Vec3(3, 3, 3) * NM)
        return modeller, field, 0.002, True
    field = app.ForceField(PROTEIN, WATER)
    if name == "alanine":
        modeller = alanine_dipeptide()
        modeller.addHydrogens(field, platform=mm.Platform.getPlatformByName("Reference"))
        modeller.addSolvent(field, boxSize=Vec3(2.9, 2.9, 2.9) * NM)
        return modeller, field, 0.002, False
    modeller = villin()
    modeller.addSolvent(field, boxSize=Vec3(6.2, 6.2, 6.2) * NM, ionicStrength=0.1 * unit.molar)
    return modeller, field, 0.002, False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=["water", "alanine", "villin"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--equilibrate", type=float, default=5.0, help="ps at 300 K before the state is written (default 5)")
    arguments = parser.parse_args()
    modeller, field, step_ps, barostat = system_of(arguments.system)
    method = {"nonbondedMethod": app.PME, "nonbondedCutoff": 0.9 * NM, "constraints": app.HBonds, "rigidWater": True}
    system = field.createSystem(modeller.topology, **method)
    integrator = mm.LangevinMiddleIntegrator(300, 1, step_ps)
    integrator.setRandomNumberSeed(SEED)
    if barostat:
        pressure = mm.MonteCarloBarostat(1.0, 300, 25)
        pressure.setRandomNumberSeed(SEED)
        system.addForce(pressure)
    simulation = app.Simulation(modeller.topology, system, integrator, mm.Platform.getPlatformByName("CPU"))
    simulation.context.setPositions(modeller.positions)
    simulation.minimizeEnergy(maxIterations=200)
    simulation.context.setVelocitiesToTemperature(300, SEED)
    simulation.step(round(arguments.equilibrate / step_ps))
    simulation.context.setTime(0)
    simulation.context.setStepCount(0)
    state = simulation.context.getState(positions=True, velocities=True, parameters=True, enforcePeriodicBox=False)
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, thing in (("system", system), ("state", state), ("integrator", integrator)):
        (folder / f"{name}.xml").write_text(mm.XmlSerializer.serialize(thing))
    with (folder / "topology.pdb").open("w") as file:
        app.PDBFile.writeFile(modeller.topology, state.getPositions(), file, keepIds=True)
    print(f"{folder}: {system.getNumParticles()} atoms, {len(list(modeller.topology.residues()))} residues")


if __name__ == "__main__":
    main()
