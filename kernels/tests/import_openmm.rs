//! OpenMM's files: argon-864 comes in whole, and everything that cannot be run is refused by name.

mod md_support;

use std::path::{Path, PathBuf};

use kernels::import::{ImportError, openmm};
use kernels::md::LennardJonesSystem;
use md_support::data;

fn argon(name: &str) -> PathBuf {
    data("openmm/argon-864").join(name)
}

#[test]
fn argon_comes_in_whole() {
    let system = openmm(&argon("system.xml.gz"), &argon("state.xml.gz"), &argon("integrator.xml")).expect("a system");
    assert_eq!(system.atoms(), 864);
    assert_eq!(system.types.len(), 1);
    assert!((system.types[0].mass_u - 39.948).abs() < 1e-12);
    assert!((system.types[0].epsilon_kj_mol - 0.996_072_621_654_758_2).abs() < 1e-15);
    assert!((system.cutoff_nm - 0.766_125).abs() < 1e-12);
    assert!((system.dt_ps - 0.005).abs() < 1e-15);
    assert!((system.positions_nm[0][1] - 1.188_189_682_120_210_5).abs() < 1e-15);
    system.package().expect("a package");
}

const SYSTEM: &str = r#"<System type="System" version="1">
<PeriodicBoxVectors><A x="2" y="0" z="0"/><B x="0" y="2" z="0"/><C x="0" y="0" z="2"/></PeriodicBoxVectors>
<Particles><Particle mass="40"/><Particle mass="4"/></Particles><Constraints/>
<Forces><Force cutoff=".9" dispersionCorrection="0" method="2" type="NonbondedForce" useSwitchingFunction="0" version="4">
<GlobalParameters/><ParticleOffsets/><ExceptionOffsets/>
<Particles><Particle eps="1" q="0" sig=".34"/><Particle eps="0" q="0" sig="1"/></Particles><Exceptions/></Force></Forces></System>"#;
const STATE: &str = r#"<State type="State" version="1">
<PeriodicBoxVectors><A x="2" y="0" z="0"/><B x="0" y="2" z="0"/><C x="0" y="0" z="2"/></PeriodicBoxVectors>
<Positions><Position x=".1" y="0" z="0"/><Position x=".9" y="1" z="1"/></Positions>
<Velocities><Velocity x="0" y="0" z="0"/><Velocity x="0" y="0" z="0"/></Velocities></State>"#;
const INTEGRATOR: &str = r#"<Integrator integrationForceGroups="-1" stepSize=".002" type="VerletIntegrator" version="1"/>"#;

fn import(folder: &Path, texts: [&str; 3]) -> Result<LennardJonesSystem, ImportError> {
    let paths = ["system.xml", "state.xml", "integrator.xml"].map(|name| folder.join(name));
    paths
        .iter()
        .zip(texts)
        .for_each(|(path, text)| std::fs::write(path, text).expect("room"));
    openmm(&paths[0], &paths[1], &paths[2])
}

#[test]
fn what_cannot_be_run_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    import(folder.path(), [SYSTEM, STATE, INTEGRATOR])
        .expect("the unchanged files are good")
        .package()
        .expect("a package");
    // File, text, what it becomes, what the message must say.
    let cases = [
        (
            0,
            r#"method="2""#,
            r#"method="4""#,
            r#"system.xml: <Force type="NonbondedForce">: found method="4" (PME), expected "2" (CutoffPeriodic)"#,
        ),
        (0, r#"method="2""#, r#"method="99""#, r#"found method="99", expected"#),
        (
            0,
            r#"useSwitchingFunction="0""#,
            r#"useSwitchingFunction="1""#,
            "found useSwitchingFunction=\"1\", expected \"0\": a switching function is not supported",
        ),
        (
            0,
            r#"dispersionCorrection="0""#,
            r#"dispersionCorrection="1""#,
            "found dispersionCorrection=\"1\"",
        ),
        (
            0,
            r#"eps="1" q="0""#,
            r#"eps="1" q="-.5""#,
            "found q=\"-0.5\" for particle 0, expected 0",
        ),
        (
            0,
            "<Exceptions/>",
            "<Exceptions><Exception/></Exceptions>",
            "found 1 entries in <Exceptions>",
        ),
        (
            0,
            "<ParticleOffsets/>",
            "<ParticleOffsets><O/></ParticleOffsets>",
            "found 1 entries in <ParticleOffsets>",
        ),
        (
            0,
            "<Constraints/>",
            "<Constraints><Constraint/></Constraints>",
            "found 1 entries in <Constraints>, expected none: constraints are not supported",
        ),
        (
            0,
            r#"type="NonbondedForce""#,
            r#"type="CMMotionRemover""#,
            "found the force CMMotionRemover, expected only NonbondedForce",
        ),
        (
            0,
            r#"type="NonbondedForce""#,
            r#"type="HarmonicBondForce""#,
            "found the force HarmonicBondForce",
        ),
        (
            0,
            r#"type="NonbondedForce""#,
            r#"type="MonteCarloBarostat""#,
            "constant volume",
        ),
        (
            0,
            r#"<Particle mass="4"/>"#,
            r#"<Particle mass="0"/>"#,
            "found mass=\"0\" for particle 1",
        ),
        (
            0,
            r#"<Particle mass="4"/>"#,
            r#"<Particle mass="4"><TwoParticleAverageSite/></Particle>"#,
            "virtual sites are not supported",
        ),
        (
            0,
            r#"<Particle mass="4"/>"#,
            "",
            "found 2 entries, expected 1, as many as the System has particles",
        ),
        (0, r#"<Particle mass="40"/><Particle mass="4"/>"#, "", "found 0 particles"),
        (
            0,
            r#"sig=".34""#,
            r#"sig="nan""#,
            "found sig=\"nan\", expected a finite number",
        ),
        (0, r#"eps="1" "#, "", "found no attribute 'eps'"),
        (0, "<System ", "<Sistem ", "system.xml: "),
        (1, "<Velocities>", "<Speeds>", "state.xml: "),
        (
            1,
            r#"<Position x=".1" y="0" z="0"/>"#,
            "",
            "state.xml: <Positions>: found 1 entries, expected 2",
        ),
        (1, r#"<Position x=".1""#, r#"<Position x="inf""#, "found x=\"inf\""),
        (1, r#"<B x="0""#, r#"<B x=".3""#, "only rectangular boxes are supported"),
        (
            2,
            "VerletIntegrator",
            "LangevinMiddleIntegrator",
            "integrator.xml: <Integrator type=\"LangevinMiddleIntegrator\">: found the integrator LangevinMiddleIntegrator, expected VerletIntegrator",
        ),
        (
            2,
            r#"integrationForceGroups="-1""#,
            r#"integrationForceGroups="1""#,
            "force groups",
        ),
        (2, r#"stepSize=".002""#, "", "found no attribute 'stepSize'"),
    ];
    for (file, from, to, expected) in cases {
        let mut texts = [SYSTEM, STATE, INTEGRATOR].map(str::to_owned);
        assert!(texts[file].contains(from), "{from}");
        texts[file] = texts[file].replacen(from, to, 1);
        let error = import(folder.path(), [&texts[0], &texts[1], &texts[2]]).expect_err(expected);
        assert!(
            error.to_string().contains(expected),
            "expected: {expected}\n   found: {error}"
        );
    }
}

#[test]
fn what_makes_no_package_is_refused_with_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        (
            0,
            r#"cutoff=".9""#,
            r#"cutoff="1.1""#,
            "the cutoff, 1.1 nm, is above half the box's shortest edge (x: 2 nm, half of it 1 nm)",
        ),
        (0, r#"sig=".34""#, r#"sig="-1""#, "type 0 has sigma -1 nm"),
        (
            1,
            r#"<Position x=".9" y="1" z="1"/>"#,
            r#"<Position x=".1" y="0" z="2"/>"#,
            "atoms 0 and 1 are",
        ),
        (2, r#"stepSize=".002""#, r#"stepSize="0""#, "the time step is 0 ps"),
    ];
    for (file, from, to, expected) in cases {
        let mut texts = [SYSTEM, STATE, INTEGRATOR].map(str::to_owned);
        texts[file] = texts[file].replacen(from, to, 1);
        let system = import(folder.path(), [&texts[0], &texts[1], &texts[2]]).expect("good files");
        let error = system.package().expect_err(expected);
        assert!(
            error.to_string().contains(expected),
            "expected: {expected}\n   found: {error}"
        );
    }
}
