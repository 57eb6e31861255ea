//! Molecules from the command line: a run of alanine dipeptide in water, a part of its atoms with their PDB lines, its last state back to OpenMM, and the energy
//! of a starting state minimised.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Place, npy};

const ATOMS: usize = 2269;
/// ACE-ALA-NME come first; the rest is water.
const SOLUTE: usize = 22;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(name)
}

/// `import openmm` of alanine dipeptide with this State, as a package of two steps.
fn import(place: &Place, state: &Path, out: &str) {
    let folder = data("openmm/alanine-dipeptide");
    let [system, integrator] = ["system.xml.gz", "integrator.xml"].map(|name| folder.join(name).display().to_string());
    let state = state.display();
    place.done(&format!(
        "import openmm --system {system} --state {state} --integrator {integrator} --steps-per-segment 2 --segments 1 -o {out}"
    ));
}

/// A State of alanine dipeptide at another time and step.
fn later_state(place: &Place) -> PathBuf {
    let packed = std::fs::read(data("openmm/alanine-dipeptide/state.xml.gz")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text).unwrap();
    let text = text.replacen("stepCount=\"0\" time=\"0\"", "stepCount=\"5000\" time=\"10.5\"", 1);
    let path = place.path("later.xml");
    std::fs::write(&path, text).unwrap();
    path
}

/// The initial words of a package's buffer.
fn words(place: &Place, package: &str, buffer: &str) -> Vec<u8> {
    npy(&place.path(&format!("{package}/{buffer}.npy"))).2
}

/// A PDB file of all atoms, with names that tell them apart.
fn pdb() -> String {
    let line = |atom: usize| {
        let (kind, residue) = if atom < SOLUTE { ("ATOM  ", "ALA") } else { ("HETATM", "HOH") };
        format!(
            "{kind}{:5}  A{:<3}{residue} A{:4}       0.000   0.000   0.000  1.00  0.00\n",
            atom % 100_000,
            atom % 1000,
            atom % 9999
        )
    };
    (0..ATOMS).map(line).collect()
}

#[test]
fn a_run_goes_out_by_parts_and_on_in_openmm() {
    let place = Place::new();
    import(&place, &later_state(&place), "ala");
    place.done("run ala --device cpu --out r");
    let table = std::fs::read_to_string(place.path("r/observables.csv")).unwrap();
    let first = table.lines().nth(1).unwrap();
    assert!(first.starts_with("0,10.5,"), "time begins at the State's: {first}");

    // A lean trajectory with its topology.
    std::fs::write(place.path("all.pdb"), pdb()).unwrap();
    place.done("export r --format xyz --atoms not-water --topology all.pdb -o lean.xyz");
    let lean = std::fs::read_to_string(place.path("lean.xyz")).unwrap();
    assert_eq!(lean.lines().next(), Some("22"));
    assert!(lean.contains("time=10.500000"), "{}", lean.lines().nth(1).unwrap());
    let topology = std::fs::read_to_string(place.path("lean.pdb")).unwrap();
    let atoms: Vec<&str> = topology.lines().filter(|line| line.starts_with("ATOM")).collect();
    assert_eq!(atoms.len(), SOLUTE);
    assert!(topology.starts_with("CRYST1   28.800   28.808   27.925  90.00"), "{topology}");
    let x: f64 = atoms[3][30..38].trim().parse().unwrap();
    let word = lean.lines().nth(5).unwrap().split(' ').nth(1).unwrap();
    assert!((x - word.parse::<f64>().unwrap()).abs() < 6e-4, "{x} {word}");
    let refused = place.baton("export r --format xyz --atoms 0..9999");
    assert!(refused.code == 2 && refused.err.contains("not-water"), "{}", refused.err);
    std::fs::write(place.path("few.pdb"), &pdb()[..300]).unwrap();
    let refused = place.baton("export r --format dcd --topology few.pdb");
    assert!(refused.code == 2 && refused.err.contains("expected 2269"), "{}", refused.err);

    // The last state comes in again with the same bits.
    place.done("export r --format state.xml -o last.xml");
    import(&place, &place.path("last.xml"), "again");
    let manifest = std::fs::read_to_string(place.path("again/kernel.toml")).unwrap();
    assert!(manifest.contains("start_step = 5002"), "stepCount goes on");
    place.done("verify r");
    let checkpoint = place.json("evaluate again --device cpu --json");
    assert!(words(&place, "again", "positions") != words(&place, "ala", "positions"));
    goes_on_in_openmm(&place, &checkpoint);
}

/// OpenMM's Reference platform takes the State, and has the energy that the package made of it has.
fn goes_on_in_openmm(place: &Place, evaluated: &serde_json::Value) {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernels/tests/openmm/python");
    let python = Command::new(tools).output().expect("sh");
    if !python.status.success() {
        println!("skipped: no OpenMM: {}", String::from_utf8_lossy(&python.stderr).trim());
        return;
    }
    let script = "
import gzip, sys, openmm as mm
system = mm.XmlSerializer.deserialize(gzip.open(sys.argv[1]).read().decode())
state = mm.XmlSerializer.deserialize(open(sys.argv[2]).read())
context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName('Reference'))
context.setState(state)
back = context.getState(getEnergy=True)
print(back.getPotentialEnergy()._value, back.getTime()._value, back.getStepCount())
";
    let output = Command::new(String::from_utf8(python.stdout).unwrap().trim())
        .args(["-c", script])
        .arg(data("openmm/alanine-dipeptide/system.xml.gz"))
        .arg(place.path("last.xml"))
        .output()
        .expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = said.split_whitespace().map(|word| word.parse().unwrap()).collect();
    println!("OpenMM: {said}");
    assert!((numbers[1] - 10.504).abs() < 1e-9 && numbers[2] == 5002.0, "{said}");
    let energy = evaluated["total"].as_f64().unwrap();
    assert!((energy - numbers[0]).abs() < 0.05, "{energy} here, {said} there");
}

#[test]
fn a_starting_state_is_minimised_and_the_same_everywhere() {
    let place = Place::new();
    let folder = data("molecules/water-with-sites");
    let [system, state, integrator] =
        ["system", "state", "integrator"].map(|name| folder.join(format!("{name}.xml.gz")).display().to_string());
    place.done(&format!(
        "import openmm --system {system} --state {state} --integrator {integrator} --seed 7 -o water"
    ));
    let before = place.json("evaluate water --device cpu --json");
    let found = place.json("minimize water --device cpu --tolerance 1 --steps 4 -o low --json");
    println!("{found}");
    assert_eq!(
        (found["steps"].as_u64(), found["converged"].as_bool()),
        (Some(4), Some(false))
    );
    let after = place.json("evaluate low --device cpu --json");
    let [before, after] = [before, after].map(|evaluated| evaluated["total"].as_f64().unwrap());
    assert!(after < before, "{before} to {after}");
    assert!(found["rms_force_after"].as_f64() < found["rms_force_before"].as_f64());
    assert!((found["energy_after"].as_f64().unwrap() - after).abs() < 1e-6);
    let again = place.json("minimize water --device cpu --threads 1 --tolerance 1 --steps 4 -o other --json");
    assert_eq!(found["digest"], again["digest"], "threads show in nothing");
    let wrong = place.baton("minimize gray-scott --device cpu -o no");
    assert!(
        wrong.code != 0 && wrong.err.contains("no buffer 'positions'"),
        "{}",
        wrong.err
    );
}
