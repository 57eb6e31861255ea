//! OpenMM's files: what they hold comes into the model as it stands there; what cannot be read is refused by name, all of it at once.

mod openmm_support;

use kernels::import::{ImportError, Imported, Options};
use kernels::md::LennardJonesSystem;
use kernels::md::system::{Action, Barostat, Integrator, Method, Scaling, SiteKind};
use openmm_support::{folder, import_folder, import_texts};

const SYSTEM: &str = r#"<System type="System" version="1">
<PeriodicBoxVectors><A x="2" y="0" z="0"/><B x="0" y="2" z="0"/><C x="0" y="0" z="2"/></PeriodicBoxVectors>
<Particles><Particle mass="40"/><Particle mass="4"/></Particles><Constraints/>
<Forces><Force cutoff=".9" dispersionCorrection="0" method="2" rfDielectric="78.3" type="NonbondedForce" useSwitchingFunction="0" version="4">
<GlobalParameters/><ParticleOffsets/><ExceptionOffsets/>
<Particles><Particle eps="1" q="0" sig=".34"/><Particle eps="0" q="0" sig="1"/></Particles><Exceptions/></Force></Forces></System>"#;
const STATE: &str = r#"<State type="State" version="1" time="3.5" stepCount="7">
<PeriodicBoxVectors><A x="2" y="0" z="0"/><B x="0" y="2" z="0"/><C x="0" y="0" z="2"/></PeriodicBoxVectors>
<Parameters MonteCarloPressure="2.5"/>
<Positions><Position x=".1" y="0" z="0"/><Position x=".9" y=".1" z=".1"/></Positions>
<Velocities><Velocity x="0" y="0" z="0"/><Velocity x="0" y="0" z="0"/></Velocities></State>"#;
const INTEGRATOR: &str = r#"<Integrator integrationForceGroups="-1" stepSize=".002" type="VerletIntegrator" version="1"/>"#;

const SEED: Options = Options {
    seed: Some(7),
    temperature_k: None,
    reference_grid: false,
};

fn import(texts: [&str; 3], options: &Options) -> Result<Imported, ImportError> {
    let folder = tempfile::tempdir().expect("a folder");
    import_texts(folder.path(), texts, options)
}

/// The three files with some texts replaced: file, text, what it becomes.
fn changed(changes: &[(usize, &str, &str)], options: &Options) -> Result<Imported, ImportError> {
    let mut texts = [SYSTEM, STATE, INTEGRATOR].map(str::to_owned);
    for (file, from, to) in changes {
        assert!(texts[*file].contains(from), "{from}");
        texts[*file] = texts[*file].replacen(from, to, 1);
    }
    import([&texts[0], &texts[1], &texts[2]], options)
}

/// A System with more forces.
fn with_forces(forces: &str) -> Result<Imported, ImportError> {
    changed(&[(0, "</Forces>", &format!("{forces}</Forces>"))], &SEED)
}

#[test]
fn argon_comes_in_whole() {
    let imported = import_folder(&folder("argon-864").expect("reference data"), &Options::default()).expect("a system");
    let system = LennardJonesSystem::from_system(&imported.system).expect("argon");
    assert_eq!(system.atoms(), 864);
    assert_eq!(system.types.len(), 1);
    assert!((system.types[0].mass_u - 39.948).abs() < 1e-12);
    assert!((system.types[0].epsilon_kj_mol - 0.996_072_621_654_758_2).abs() < 1e-15);
    assert!((system.cutoff_nm - 0.766_125).abs() < 1e-12);
    assert!((system.dt_ps - 0.005).abs() < 1e-15);
    assert!((system.positions_nm[0][1] - 1.188_189_682_120_210_5).abs() < 1e-15);
    system.package().expect("a package");
}

#[test]
fn alanine_dipeptide_comes_in_whole() {
    let imported = import_folder(&folder("alanine-dipeptide").expect("reference data"), &Options::default()).expect("a system");
    let system = imported.system;
    assert_eq!(system.atoms(), 2269);
    assert_eq!(system.constraints.len(), 2259);
    assert_eq!(system.constraints.triangles.len(), (2269 - 22) / 3);
    assert_eq!(system.constraints.stars.iter().map(|star| star.arms.len()).sum::<usize>(), 12);
    assert_eq!(system.degrees_of_freedom(), 4545);
    assert_eq!(system.terms.nonbonded.as_ref().expect("nonbonded").exclusions.len(), 2345);
    assert_eq!(system.actions, [Action::RemoveMotion { every: 1 }]);
    assert_eq!(system.molecules().len(), 750);
    let dynamics = system.dynamics.expect("an integrator");
    assert_eq!(dynamics.seed, Some(20_261_122));
    let bath = dynamics.integrator.bath().expect("a heat bath");
    assert_eq!((bath.temperature_k, bath.friction_per_ps), (300.0, 1.0));
    let error = LennardJonesSystem::from_system(&system)
        .expect_err("no package yet")
        .to_string();
    for word in [
        "HarmonicBondForce",
        "2259 constraints",
        "charged particles",
        "CMMotionRemover",
        "heat bath",
        "exceptions",
    ] {
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn time_step_count_and_parameters_of_the_state_are_taken_over() {
    let barostat =
        r#"<Force frequency="25" pressure="1" temperature="310" randomSeed="4" type="MonteCarloBarostat" version="1"/>"#;
    let system = changed(&[(0, "</Forces>", &format!("{barostat}</Forces>"))], &Options::default())
        .expect("a system")
        .system;
    assert_eq!((system.time_ps, system.step), (3.5, 7));
    let expected = Barostat {
        pressure_bar: 2.5,
        temperature_k: 310.0,
        every: 25,
        scaling: Scaling::Molecules,
    };
    assert_eq!(system.actions, [Action::Barostat(expected)]);
    assert_eq!(system.dynamics.expect("an integrator").seed, Some(4));
}

#[test]
fn forces_of_one_class_add_up() {
    let bonds = r#"<Force type="HarmonicBondForce" version="1"><Bonds><Bond p1="0" p2="1" d=".8" k="5"/></Bonds></Force>"#;
    let system = with_forces(&format!("{bonds}{bonds}")).expect("a system").system;
    assert_eq!(system.terms.bonds.len(), 2);
}

#[test]
fn pme_follows_from_the_systems_box_and_the_state_rules_everything_else() {
    let changes = [
        (0, r#"method="2""#, r#"method="4" ewaldTolerance="5e-4""#),
        (1, r#"<A x="2""#, r#"<A x="4""#),
    ];
    let system = changed(&changes, &SEED).expect("a system").system;
    let nonbonded = system.terms.nonbonded.expect("nonbonded");
    let Method::Pme { grid, .. } = nonbonded.method else {
        panic!("{:?}", nonbonded.method)
    };
    assert_eq!(grid, [18, 18, 18]);
    assert_eq!(system.cell.expect("a box").diagonal_nm(), [4.0, 2.0, 2.0]);
    let given = [(0, r#"method="2""#, r#"method="4" alpha="3.5" nx="17" ny="26" nz="37""#)];
    let method = changed(&given, &SEED)
        .expect("a system")
        .system
        .terms
        .nonbonded
        .expect("nonbonded")
        .method;
    assert!(
        matches!(
            method,
            Method::Pme {
                grid: [17, 26, 37],
                alpha_per_nm: 3.5,
                ..
            }
        ),
        "{method:?}"
    );
}

/// openmmtools' LangevinIntegrator with splitting "V R O R V", as OpenMM 7 writes it; `{globals}` stands for its global variables.
fn baoab(version: u32, globals: &str) -> String {
    let half = |drift: &str| {
        format!(
            r#"<C e="x + ((dt / 2) * v)" t="1" v="x"/><C e="x" t="1" v="x1"/><C e="" t="3" v=""/><C e="v + ((x - x1) / (dt / 2))" t="1" v="v"/><C e="" t="4" v=""/>{drift}"#
        )
    };
    let noise = r#"<C e="(a * v) + (b * sigma * gaussian)" t="1" v="v"/><C e="" t="4" v=""/>"#;
    let kick = r#"<C e="v + (dt / 2) * f / m" t="1" v="v"/><C e="" t="4" v=""/>"#;
    let first = r#"<C e="" t="5" v=""/><C e="has_kT_changed = 1" t="6" v=""/><C e="sqrt(kT/m)" t="1" v="sigma"/><C e="0" t="0" v="has_kT_changed"/><C e="" t="8" v=""/>"#;
    let all = format!("{first}{kick}{}{}{kick}", half(noise), half(""));
    let all = all
        .replace("<C e=", "<Computation computationExpression=")
        .replace(" t=", " computationType=")
        .replace(" v=\"", " computationVariable=\"");
    format!(
        r#"<Integrator constraintTolerance="1e-08" kineticEnergyExpression="m*v*v/2" randomSeed="0" stepSize=".004" type="CustomIntegrator" version="{version}">{globals}<PerDofVariables/><Computations>{all}</Computations><Functions/></Integrator>"#
    )
}

#[test]
fn openmmtools_baoab_is_known_in_all_its_versions() {
    let attributes =
        r#"<GlobalVariables a=".9960079893439915" b=".0892641314467314" has_kT_changed="1" kT="2.5774864660782666"/>"#;
    let elements = r#"<GlobalVariables><Variable name="a" value=".9960079893439915"/><Variable name="b" value=".0892641314467314"/><Variable name="kT" value="2.5774864660782666"/></GlobalVariables>"#;
    for text in [baoab(1, attributes), baoab(2, attributes), baoab(3, elements)] {
        let dynamics = import([SYSTEM, STATE, &text], &SEED)
            .expect("a system")
            .system
            .dynamics
            .expect("dynamics");
        let Integrator::Baoab(bath) = dynamics.integrator else {
            panic!("{:?}", dynamics.integrator)
        };
        assert!((bath.friction_per_ps - 1.0).abs() < 1e-10, "{bath:?}");
        // 310 K with the constants that openmmtools had.
        assert!((bath.temperature_k - 310.0).abs() < 1e-3, "{bath:?}");
        assert_eq!(
            (dynamics.step_ps, dynamics.constraint_tolerance, dynamics.seed),
            (0.004, 1e-8, Some(7))
        );
    }
    for (from, to, word) in [
        ("(a * v)", "(a * a * v)", "computation 12 is"),
        (r#"b=".089"#, r#"b=".09"#, "b = sqrt(1 - a^2)"),
        (r#" kT="2.5774864660782666""#, "", "no global variable 'kT'"),
        ("<Functions/>", r#"<Functions><F/></Functions>"#, "<Functions> with entries"),
    ] {
        let error = import([SYSTEM, STATE, &baoab(2, attributes).replacen(from, to, 1)], &SEED).expect_err(word);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn langevin_needs_a_seed_and_velocities_can_be_drawn() {
    let langevin =
        r#"<Integrator stepSize=".002" friction="1" temperature="300" randomSeed="0" type="LangevinIntegrator" version="1"/>"#;
    let error = import([SYSTEM, STATE, langevin], &Options::default()).expect_err("no seed");
    assert!(error.to_string().contains("--seed"), "{error}");
    let imported = import([SYSTEM, STATE, langevin], &SEED).expect("a system");
    assert!(
        imported.notes.iter().any(|note| note.contains("LangevinMiddle")),
        "{:?}",
        imported.notes
    );

    let (from, to) = (
        STATE.find("<Velocities>").expect("velocities"),
        STATE.find("</State>").expect("the end"),
    );
    let still = format!("{}{}", &STATE[..from], &STATE[to..]);
    let error = import([SYSTEM, &still, INTEGRATOR], &SEED).expect_err("no velocities");
    assert!(error.to_string().contains("--temperature"), "{error}");
    let draw = Options {
        temperature_k: Some(300.0),
        ..SEED
    };
    let system = import([SYSTEM, &still, INTEGRATOR], &draw).expect("a system").system;
    assert!(system.velocities_nm_ps[0] != [0.0; 3] && system.dynamics.expect("dynamics").seed == Some(7));
    let bare = import([SYSTEM, &still, ""], &Options::default())
        .expect("energies need neither")
        .system;
    assert_eq!((bare.dynamics, bare.velocities_nm_ps[0]), (None, [0.0; 3]));
}

#[test]
fn virtual_sites_and_constraints_come_in_by_kind() {
    let particles = r#"<Particle mass="16"/><Particle mass="1"/><Particle mass="1"/>
<Particle mass="0"><ThreeParticleAverageSite p1="0" p2="1" p3="2" w1=".6" w2=".2" w3=".2"/></Particle>
<Particle mass="0"><LocalCoordinatesSite p1="0" p2="1" p3="2" pos1=".1" pos2=".2" pos3=".3" wo1="1" wo2="0" wo3="0" wx1="-1" wx2="1" wx3="0" wy1="-1" wy2="0" wy3="1"/></Particle>
<Particle mass="0"><OutOfPlaneSite p1="0" p2="3" p3="2" w12=".25" w13=".5" wc=".25"/></Particle>"#;
    let constraints =
        r#"<Constraint p1="0" p2="1" d=".1"/><Constraint p1="2" p2="0" d=".1"/><Constraint p1="1" p2="2" d=".1414"/>"#;
    let system = format!(
        r#"<System type="System" version="1"><PeriodicBoxVectors><A x="2" y="0" z="0"/><B x="0" y="2" z="0"/><C x="0" y="0" z="2"/></PeriodicBoxVectors><Particles>{particles}</Particles><Constraints>{constraints}</Constraints><Forces/></System>"#
    );
    let places = [
        [0.0, 0.0, 0.0],
        [0.1, 0.0, 0.0],
        [0.0, 0.1, 0.0],
        [0.0; 3],
        [0.0; 3],
        [0.0; 3],
    ];
    let list = |name: &str| -> String {
        places
            .iter()
            .map(|[x, y, z]| format!(r#"<{name} x="{x}" y="{y}" z="{z}"/>"#))
            .collect()
    };
    let state = format!(
        r#"<State type="State" version="1"><Positions>{}</Positions><Velocities>{}</Velocities></State>"#,
        list("Position"),
        list("Velocity")
    );
    let model = import([&system, &state, INTEGRATOR], &SEED).expect("a system").system;
    let order: Vec<_> = model.sites.iter().map(|site| site.particle).collect();
    assert_eq!(order, [3, 4, 5]);
    assert!(matches!(&model.sites[1].kind, SiteKind::Local { parents, .. } if parents.len() == 3));
    assert_eq!(model.constraints.triangles[0].lengths_nm, [0.1, 0.1414, 0.1]);
    assert_eq!(model.cell, None);
    for (from, to, word) in [
        (r#"w3=".2"#, r#"w3=".3"#, "found weights with sum 1.1"),
        (r#"wx2="1""#, r#"wx2="2""#, "sums of weights [1.0, 1.0, 0.0]"),
        (
            r#"<OutOfPlaneSite p1="0" p2="3""#,
            r#"<OutOfPlaneSite p1="0" p2="5""#,
            "in a circle",
        ),
        (
            r#"<OutOfPlaneSite"#,
            r#"<SymmetrySite"#,
            "found the virtual site SymmetrySite",
        ),
        (
            r#"p2="1" d=".1"#,
            r#"p2="9" d=".1"#,
            "found constraint 0 of particles 0 and 9",
        ),
        (r#"p1="2" p2="0" d=".1""#, r#"p1="1" p2="0" d=".1""#, "each pair once"),
        (r#"d=".1414""#, r#"d=".0414""#, "they are 0.141421 nm apart in the state"),
        (
            r#"p1="1" p2="2" d=".1414""#,
            r#"p1="1" p2="3" d=".1414""#,
            "expected particles with mass",
        ),
    ] {
        let error = import([&system.replacen(from, to, 1), &state, INTEGRATOR], &SEED).expect_err(word);
        assert!(error.to_string().contains(word), "expected: {word}\n   found: {error}");
    }
}

#[test]
fn molecules_must_be_in_one_piece_where_openmm_does_not_regard_the_box() {
    let bond = |periodic: &str| {
        format!(
            r#"<Force type="HarmonicBondForce" version="2" usesPeriodic="{periodic}"><Bonds><Bond p1="0" p2="1" d=".8" k="5"/></Bonds></Force></Forces>"#
        )
    };
    let split = |periodic| changed(&[(0, "</Forces>", &bond(periodic)), (1, r#"x=".9""#, r#"x="1.9""#)], &SEED);
    let error = split("0").expect_err("a split molecule").to_string();
    assert!(
        error.contains("particles 0 and 1 of a bond are 1.806 nm apart") && error.contains("enforcePeriodicBox=False"),
        "{error}"
    );
    split("1").expect("the force regards the box");
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    changed(&[], &Options::default()).expect("the unchanged files are good");
    let custom = |class: &str, energy: &str| {
        format!(
            r#"<Force type="{class}" version="3" method="2" cutoff=".9" energy="{energy}"><PerParticleParameters/><PerBondParameters/><PerTorsionParameters><Parameter name="k"/><Parameter name="theta0"/></PerTorsionParameters><GlobalParameters><Parameter name="g" default="2"/></GlobalParameters><Particles><Particle/><Particle/></Particles><Exclusions/><Bonds><Bond p1="0" p2="1"/></Bonds><Torsions/></Force></Forces>"#
        )
    };
    let (yukawa, harmonic, cosine) = (
        custom("CustomNonbondedForce", "exp(-g*r)/r"),
        custom("CustomBondForce", "g*(r-1)^2"),
        custom("CustomTorsionForce", "k*(1+cos(theta-theta0))"),
    );
    let unknown = r#"<Force type="AmoebaMultipoleForce" version="1"/></Forces>"#;
    // File, text, what it becomes, what the message must say.
    let cases = [
        (
            0,
            r#"method="2""#,
            r#"method="5""#,
            r#"system.xml: <Force type="NonbondedForce">: found method="5" (LJPME), expected "0" (NoCutoff)"#,
        ),
        (0, r#"method="2""#, r#"method="99""#, r#"found method="99", expected"#),
        (
            0,
            r#"useSwitchingFunction="0""#,
            r#"useSwitchingFunction="2""#,
            r#"found useSwitchingFunction="2", expected 0 or 1"#,
        ),
        (
            0,
            r#"useSwitchingFunction="0""#,
            r#"useSwitchingFunction="1" switchingDistance="1""#,
            "the switching distance of the nonbonded force is 1 nm, expected from 0 to below the cutoff, 0.9 nm",
        ),
        (
            0,
            r#"cutoff=".9""#,
            r#"cutoff="1.1""#,
            "the cutoff of the nonbonded force, 1.1 nm, is above half the box's shortest edge (2 nm, half of it 1 nm)",
        ),
        (0, r#"method="2""#, r#"method="2" includeDirectSpace="0""#, "direct space"),
        (0, r#"eps="1" q="0""#, r#"eps="1" q="-500""#, "particle 0: charge -500 e"),
        (0, r#"sig=".34""#, r#"sig="-1""#, "particle 0: sigma -1 nm"),
        (
            0,
            r#"sig=".34""#,
            r#"sig="nan""#,
            r#"<Particle>: found sig="nan", expected a finite number (entry 0 of <Particles>)"#,
        ),
        (0, r#"eps="1" "#, "", "found no attribute 'eps'"),
        (
            0,
            "<Exceptions/>",
            r#"<Exceptions><Exception p1="0" p2="1" q="0" sig="1" eps="0"/><Exception p1="1" p2="0" q="0" sig="1" eps="0"/></Exceptions>"#,
            "found two exceptions of particles 0 and 1",
        ),
        (
            0,
            "<Exceptions/>",
            r#"<Exceptions><Exception p1="0" p2="5" q="0" sig="1" eps="0"/></Exceptions>"#,
            "exclusion 0: particle 5, expected below 2",
        ),
        (
            0,
            "<ParticleOffsets/>",
            r#"<ParticleOffsets><Offset parameter="l" particle="0" q="1" sig="0" eps="0"/></ParticleOffsets>"#,
            r#"found parameter="l", expected a global parameter"#,
        ),
        (
            0,
            r#"version="4""#,
            r#"version="5""#,
            r#"found version="5", expected 1 to 4: a newer OpenMM"#,
        ),
        (
            0,
            r#"type="System" version="1""#,
            r#"type="System" version="2""#,
            r#"<System>: found version="2", expected 1:"#,
        ),
        (
            0,
            r#"type="NonbondedForce""#,
            r#"type="CustomHbondForce""#,
            "found the force CustomHbondForce, which is not supported: known are HarmonicBondForce, ",
        ),
        (
            0,
            "</Forces>",
            unknown,
            "AmoebaMultipoleForce, which is not supported: polarisable",
        ),
        (
            0,
            "</Forces>",
            &yukawa,
            r#"found energy="exp(-g*r)/r", which is not supported ('exp' of something that depends on the variable): known is a/r^12"#,
        ),
        (
            0,
            "</Forces>",
            &harmonic,
            r#"found energy="g*(r-1)^2", which is not supported (it has a term r^0): known is q/r + a/r^12"#,
        ),
        (0, "</Forces>", &cosine, "known is k*(theta-theta0)^2"),
        (
            0,
            r#"<Particle mass="4"/>"#,
            r#"<Particle mass="-4"/>"#,
            r#"found mass="-4", expected 0 or more"#,
        ),
        (
            0,
            r#"<Particle mass="4"/>"#,
            "",
            "found 2 particles, expected 1, as many as the System has",
        ),
        (
            0,
            r#"<Particle mass="40"/><Particle mass="4"/>"#,
            "",
            "found 2 particles, expected 0",
        ),
        (0, "<System ", "<Sistem ", "system.xml: "),
        (0, r#"<B x="0" y="2""#, r#"<B x="1.5" y="2""#, "expected the reduced form"),
        (1, "<Positions>", "<Places>", "state.xml: "),
        (
            1,
            r#"<Position x=".1" y="0" z="0"/>"#,
            "",
            "the State has 1 positions, expected 2",
        ),
        (1, r#"<Position x=".1""#, r#"<Position x="inf""#, r#"found x="inf""#),
        (1, r#"<Position x=".1""#, r#"<Position x="1e300""#, "position 0: (1"),
        (1, r#"version="1""#, r#"version="2""#, r#"<State>: found version="2""#),
        (
            1,
            r#"stepCount="7""#,
            r#"stepCount="-7""#,
            r#"found stepCount="-7", expected 0 or more"#,
        ),
        (
            1,
            "</State>",
            r#"<IntegratorParameters><Chain/></IntegratorParameters></State>"#,
            "NoseHooverIntegrator",
        ),
        (
            2,
            "VerletIntegrator",
            "VariableVerletIntegrator",
            r#"integrator.xml: <Integrator type="VariableVerletIntegrator">: found the integrator VariableVerletIntegrator, which is not supported: its step depends on the forces"#,
        ),
        (
            2,
            r#"integrationForceGroups="-1""#,
            r#"integrationForceGroups="1""#,
            "force groups",
        ),
        (2, r#"stepSize=".002""#, "", "found no attribute 'stepSize'"),
        (2, r#"stepSize=".002""#, r#"stepSize="0""#, "the time step is 0 ps"),
    ];
    for (file, from, to, expected) in cases {
        let error = changed(&[(file, from, to)], &SEED).expect_err(expected).to_string();
        assert!(error.contains(expected), "expected: {expected}\n   found: {error}");
    }
}

#[test]
fn a_refusal_names_all_obstacles_of_the_three_files() {
    let changes = [
        (0, r#"method="2""#, r#"method="3""#),
        (
            0,
            "</Forces>",
            r#"<Force type="DrudeForce" version="1"/><Force type="AndersenThermostat" version="1"/></Forces>"#,
        ),
        (1, r#"<Position x=".1""#, r#"<Position x="nan""#),
        (1, r#"<Position x=".9""#, r#"<Position x="one""#),
        (2, "VerletIntegrator", "CompoundIntegrator"),
    ];
    let error = changed(&changes, &SEED).expect_err("obstacles").to_string();
    for word in [
        "found 5 obstacles",
        "(Ewald)",
        "DrudeForce",
        "AndersenThermostat",
        r#"x="nan", expected a finite number (entry 0 of <Positions>, and 1 more)"#,
        "CompoundIntegrator",
    ] {
        assert!(error.contains(word), "{error}");
    }
}
