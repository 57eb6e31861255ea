//! What each command answers: exit codes, messages, JSON.

mod common;

use common::Place;

#[test]
fn usage_errors_exit_2() {
    let place = Place::new();
    place.drift_package();
    std::fs::create_dir(place.path("used")).unwrap();
    std::fs::write(place.path("used/note.txt"), "mine").unwrap();
    for words in [
        "",
        "frobnicate",
        "run",
        "run argon --segments 0",
        "run drift --submit-ms -3",
        "run no-such-thing",
        "export x",
        "export x --format pdf",
        "export x --format npy --half --scaled",
    ] {
        let said = place.baton(words);
        assert_eq!(said.code, 2, "baton {words}: {}", said.err);
        assert!(!said.err.is_empty());
    }
    for words in ["run drift --device nonsense", "evaluate drift --device vulkan:99"] {
        let said = place.baton(words);
        assert_eq!(said.code, 2, "baton {words}: {}", said.err);
        assert!(said.err.contains("there are: ") && said.err.contains("cpu"), "{}", said.err);
    }
    // An agent's device may come later, but has to be one.
    let said = place.baton("worker --device nonsense --server http://127.0.0.1:1 --state s");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(
        said.err.contains("\"nonsense\"") && said.err.contains("`baton devices` shows"),
        "{}",
        said.err
    );
    let said = place.baton("run no-such-thing");
    assert!(said.err.contains("ising") && said.err.contains("gray-scott"), "{}", said.err);
}

#[test]
fn a_folder_in_use_is_refused_with_the_fix() {
    let place = Place::new();
    if !place.has_device("a_folder_in_use_is_refused_with_the_fix") {
        return;
    }
    place.drift_package();
    place.done("run drift --out r");
    let said = place.baton("run drift --out r");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("baton resume r"), "{}", said.err);
    let said = place.baton("run r");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("baton resume r"), "{}", said.err);
    let through = place
        .command("run r")
        .env("BATON_CALLED", "./x")
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&through.stderr).into_owned();
    assert!(said.contains("`./x resume r`"), "a hint can be typed as it stands: {said}");
    std::fs::create_dir(place.path("used")).unwrap();
    std::fs::write(place.path("used/note.txt"), "mine").unwrap();
    let said = place.baton("run drift --out used");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("not empty") && said.err.contains("--out"), "{}", said.err);
}

#[test]
fn a_bad_package_exits_87_with_file_key_found_and_expected() {
    let place = Place::new();
    place.drift_package();
    let manifest = place.path("drift/kernel.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("type = \"u32\"", "type = \"f64\"")).unwrap();
    let said = place.baton("run drift --out r");
    assert_eq!(said.code, 87, "{}", said.err);
    assert!(
        said.err.contains("kernel.toml") && said.err.contains("f64") && said.err.contains("u32"),
        "{}",
        said.err
    );
    assert!(!place.path("r").exists());
}

#[test]
fn a_folder_that_is_no_run_is_refused_by_every_command_that_needs_one() {
    let place = Place::new();
    std::fs::create_dir(place.path("empty")).unwrap();
    for words in ["resume empty", "chain empty", "export empty --format csv", "analyse empty"] {
        let said = place.baton(words);
        assert_eq!(said.code, 1, "baton {words}");
        assert!(
            said.err.contains("empty: is not a run directory"),
            "baton {words}: {}",
            said.err
        );
    }
}

#[test]
fn json_parses_wherever_it_is_offered() {
    let place = Place::new();
    if !place.has_device("json_parses_wherever_it_is_offered") {
        return;
    }
    assert!(place.json("devices --json")[0]["id"].is_string());
    assert_eq!(place.json("new mine --json")["name"], "mine");
    place.drift_package();
    let run = place.json("run drift --out r --json");
    assert_eq!(
        (run["outcome"].as_str(), run["step"].as_u64(), run["segment"].as_u64()),
        (Some("finished"), Some(12), Some(2))
    );
    let again = place.json("resume r --json");
    assert_eq!(again["digest"], run["digest"], "a finished run is finished");
    let chain = place.json("chain r --json");
    let lines = chain["chain"].as_array().unwrap();
    assert_eq!(lines.last().unwrap()["digest"], run["digest"]);
    assert_eq!(place.json("export r --format npy --json")[0]["frames"], 6);
    assert_eq!(place.json("analyse r --json")["atoms"], 8);
}

#[test]
fn chain_lines_are_segment_step_digest() {
    let place = Place::new();
    if !place.has_device("chain_lines_are_segment_step_digest") {
        return;
    }
    place.drift_package();
    place.done("run drift --out r");
    let out = place.done("chain r");
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split(' ').collect()).collect();
    let counts: Vec<[&str; 2]> = lines.iter().map(|line| [line[0], line[1]]).collect();
    assert_eq!(counts, [["0", "0"], ["1", "6"], ["2", "12"]]);
    assert!(lines.iter().all(|line| line.len() == 3 && line[2].len() == 64));
}

#[test]
fn a_package_from_new_runs() {
    let place = Place::new();
    if !place.has_device("a_package_from_new_runs") {
        return;
    }
    let said = place.done("new my-model");
    assert!(said.contains("baton run my-model"));
    place.done("run my-model --segments 2 --out r --plot");
    assert_eq!(place.baton("analyse r").code, 2, "walkers on a plane are no liquid");
    assert!(place.path("r/plots/mean-square-distance.svg").is_file());
    assert_eq!(place.baton("new my-model").code, 87, "a folder in use is not written over");
    assert_eq!(place.baton("new My_Model").code, 87);
}

#[test]
fn no_setting_of_the_device_changes_the_chain() {
    let place = Place::new();
    if !place.has_device("no_setting_of_the_device_changes_the_chain") {
        return;
    }
    place.done("new m");
    place.done("run m --segments 3 --out plain");
    let plain = place.done("chain plain");
    let settings = [
        "--commands-per-submit 1",
        "--read-back-everywhere",
        "--submit-ms 1",
        "--workgroup-order 7",
        "--checkpoint-every 3",
    ];
    for (index, setting) in settings.into_iter().enumerate() {
        place.done(&format!("run m --segments 3 --out r{index} {setting}"));
        assert_eq!(place.done(&format!("chain r{index}")), plain, "{setting}");
    }
}

#[test]
fn a_run_moves_between_devices_at_every_boundary_and_keeps_its_chain() {
    let place = Place::new();
    let test = "a_run_moves_between_devices_at_every_boundary_and_keeps_its_chain";
    if !place.has_device(test) {
        return;
    }
    let devices = place.portable_devices();
    if devices.len() < 2 {
        println!("skipped: {test}: one device alone");
    }
    place.done("new m");
    place.done(&format!("run m --segments 6 --out stay --device {}", devices[0]));
    place.done(&format!("run m --segments 1 --out move --device {}", devices[0]));
    for segments in 2..=6 {
        let device = &devices[segments % devices.len()];
        place.done(&format!("resume move --segments {segments} --device {device}"));
    }
    assert_eq!(place.done("chain move"), place.done("chain stay"));
    let said = place.baton("resume move --segments 3");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("6 are done"), "{}", said.err);
}

/// Two atoms as OpenMM serialises them.
const OPENMM: [(&str, &str); 3] = [
    (
        "system.xml",
        r#"<System type="System" version="1">
<PeriodicBoxVectors><A x="2" y="0" z="0"/><B x="0" y="2" z="0"/><C x="0" y="0" z="2"/></PeriodicBoxVectors>
<Particles><Particle mass="39.948"/><Particle mass="20.18"/></Particles><Constraints/>
<Forces><Force cutoff=".9" dispersionCorrection="0" method="2" rfDielectric="78.3" type="NonbondedForce" useSwitchingFunction="0" version="4">
<GlobalParameters/><ParticleOffsets/><ExceptionOffsets/>
<Particles><Particle eps="1" q="0" sig=".34"/><Particle eps=".5" q="0" sig=".28"/></Particles><Exceptions/></Force></Forces></System>"#,
    ),
    (
        "state.xml",
        r#"<State type="State" version="1">
<PeriodicBoxVectors><A x="2" y="0" z="0"/><B x="0" y="2" z="0"/><C x="0" y="0" z="2"/></PeriodicBoxVectors>
<Positions><Position x=".1" y="0" z="0"/><Position x=".5" y="0" z="0"/></Positions>
<Velocities><Velocity x="0" y="0" z="0"/><Velocity x="0" y="0" z="0"/></Velocities></State>"#,
    ),
    (
        "integrator.xml",
        r#"<Integrator integrationForceGroups="-1" stepSize=".002" type="VerletIntegrator" version="1"/>"#,
    ),
];

#[test]
fn an_openmm_system_comes_in_and_is_evaluated_and_a_foreign_force_exits_87() {
    let place = Place::new();
    for (name, text) in OPENMM {
        std::fs::write(place.path(name), text).unwrap();
    }
    let import = "import openmm --system system.xml --state state.xml --integrator integrator.xml";
    let made = place.json(&format!("{import} -o two --json"));
    assert_eq!(made["dir"], "two");
    if place.has_device("an_openmm_system_comes_in_and_is_evaluated_and_a_foreign_force_exits_87") {
        let said = place.json("evaluate two --json --reference system.xml state.xml");
        let energy = said["total"].as_f64().unwrap();
        assert!(said["reference"]["relative_force_error"].as_f64().unwrap() < 1e-6, "{said}");
        // Lorentz and Berthelot: sigma 0.31 nm, epsilon sqrt(0.5) kJ/mol, 0.4 nm apart.
        let sixth = (0.31_f64 / 0.4).powi(6);
        let expected = 4.0 * 0.5_f64.sqrt() * (sixth * sixth - sixth);
        assert!((energy / expected - 1.0).abs() < 1e-5, "{energy} {expected}");
        let alone = place.json("evaluate --json --reference system.xml state.xml")["total"]
            .as_f64()
            .unwrap();
        assert!((alone / expected - 1.0).abs() < 1e-12, "{alone} {expected}");
    }
    let named = "--name melt-2 --steps 2000 --steps-per-segment 500 --every 100";
    place.done(&format!("{import} {named} -o named"));
    let manifest = std::fs::read_to_string(place.path("named/kernel.toml")).unwrap();
    for part in ["name = \"melt-2\"", "segments = 4", "every = 100"] {
        assert!(manifest.contains(part), "{part} in {manifest}");
    }
    let said = place.baton(&format!("{import} --steps 700 --steps-per-segment 500 -o four"));
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--steps 700: expected a multiple of 500"), "{}", said.err);
    let foreign = OPENMM[0].1.replace("type=\"NonbondedForce\"", "type=\"DrudeForce\"");
    std::fs::write(place.path("system.xml"), foreign).unwrap();
    let said = place.baton(&format!("{import} -o three"));
    assert_eq!(said.code, 87, "{}", said.err);
    assert!(
        said.err.contains("DrudeForce") && !place.path("three").exists(),
        "{}",
        said.err
    );
}

#[test]
fn evaluate_gives_energies_and_forces_that_cancel() {
    let place = Place::new();
    if !place.has_device("evaluate_gives_energies_and_forces_that_cancel") {
        return;
    }
    let said = place.json("evaluate argon --json --forces f.npy");
    let energy = said["energies"]["NonbondedForce"].as_f64().unwrap();
    assert_eq!(said["total"].as_f64(), Some(energy));
    // A perfect crystal of argon: about -6.4 kJ/mol for each atom with this cutoff.
    assert!((-6.6..-6.2).contains(&(energy / 864.0)), "{energy}");
    let (kind, shape, data) = common::npy(&place.path("f.npy"));
    assert_eq!((kind.as_str(), shape.as_str(), data.len()), ("<f4", "864, 3", 864 * 12));
    for axis in 0..3 {
        let column = data.as_chunks::<4>().0.iter().skip(axis).step_by(3);
        let sum: f64 = column.map(|word| f64::from(f32::from_le_bytes(*word))).sum();
        assert!(sum.abs() < 1e-2, "axis {axis}: {sum}");
    }
    place.drift_package();
    let said = place.baton("evaluate drift --json");
    assert_ne!(said.code, 0);
    assert!(said.err.contains("[evaluate]"), "{}", said.err);
}
