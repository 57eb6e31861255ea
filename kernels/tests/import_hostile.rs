//! Files that mean harm or are damaged: limits hold first, nothing panics, and every refusal says where.

mod openmm_support;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use kernels::import::{ImportError, Imported, Options};
use openmm_support::{folder, import_folder, import_texts};
use proptest::prelude::*;

const STATE: &str = r#"<State type="State" version="1"><Positions><Position x="0" y="0" z="0"/></Positions></State>"#;
const OPTIONS: Options = Options {
    seed: Some(1),
    temperature_k: None,
    reference_grid: false,
};

fn import(system: &str) -> Result<Imported, ImportError> {
    let folder = tempfile::tempdir().expect("a folder");
    import_texts(folder.path(), [system, STATE, ""], &OPTIONS)
}

fn refused(system: &str) -> String {
    import(system).expect_err("a bad file").to_string()
}

/// A system of one particle with something more inside.
fn system(inside: &str) -> String {
    format!(
        r#"<System type="System" version="1"><Particles><Particle mass="1"/></Particles><Constraints/><Forces>{inside}</Forces></System>"#
    )
}

#[test]
fn bombs_and_endless_lists_are_refused_at_their_limits() {
    import(&system("")).expect("the file is good as it is");
    let entities = format!("<!DOCTYPE s [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>{}", system(""));
    assert!(refused(&entities).contains("found a document type"));
    let many: String = (0..1_000_000).map(|k| format!("p{k}=\"1\" ")).collect();
    assert!(refused(&system(&format!(r#"<Force type="HarmonicBondForce" {many}/>"#))).contains("more than 256 attributes"));
    assert!(refused(&"<A>".repeat(1_000_000)).contains("deeper than 16"));
    let long = "x".repeat(1_000_000);
    assert!(refused(&format!("<{long}/>")).contains("longer than 128"));
    // A million forces: the first are told, the rest are counted.
    let forces = refused(&system(&r#"<Force type="Nonsense"/>"#.repeat(100_000)));
    assert!(forces.len() < 50_000 && forces.contains("more"), "{}", forces.len());
    // A formula that would grow without bound.
    let formula =
        "a1*a1;".to_owned() + &(1..60).map(|k| format!("a{k}=a{}*a{};", k + 1, k + 1)).collect::<String>() + "a60=r+1";
    let bond = format!(
        r#"<Force type="CustomBondForce" version="3" energy="{formula}"><PerBondParameters/><Bonds><Bond p1="0" p2="0"/></Bonds></Force>"#
    );
    assert!(refused(&system(&bond)).contains("beyond 64"));
    let deep = format!(
        r#"<Force type="CustomBondForce" version="3" energy="{}r{}"><PerBondParameters/><Bonds/></Force>"#,
        "(".repeat(8000),
        ")".repeat(8000)
    );
    assert!(refused(&system(&deep)).contains("nested deeper than 64"));
}

#[test]
fn numbers_that_promise_more_than_is_there_are_refused() {
    for (inside, word) in [
        (
            r#"<Force type="CMAPTorsionForce" version="1"><Maps><Map size="4000000000"><Energy e="1"/></Map></Maps><Torsions/></Force>"#,
            "found 1 energies for size=\"4000000000\"",
        ),
        (
            r#"<Force type="HarmonicBondForce" version="1"><Bonds><Bond p1="0" p2="99999999999" d="1" k="1"/></Bonds></Force>"#,
            "found p2=\"99999999999\", expected an index",
        ),
        (
            r#"<Force type="HarmonicBondForce" version="1"><Bonds><Bond p1="0" p2="4294967295" d="1" k="1"/></Bonds></Force>"#,
            "bond 0: particle 4294967295, expected below 1",
        ),
        (
            r#"<Force type="CustomNonbondedForce" version="1" energy="f(0,0)/r^12" method="0"><PerParticleParameters/><Particles><Particle/></Particles><Exclusions/><Functions><Function name="f" type="Discrete2DFunction" xsize="4294967295"><Values><Value v="1"/></Values></Function></Functions></Force>"#,
            "found 1 values for xsize=",
        ),
        (
            r#"<Force type="PeriodicTorsionForce" version="1"><Torsions><Torsion p1="0" p2="1" p3="2" p4="3" periodicity="-1" phase="0" k="1"/></Torsions></Force>"#,
            "found periodicity=\"-1\"",
        ),
        (
            r#"<Force type="MonteCarloBarostat" version="1" frequency="9223372036854775808" pressure="1" temperature="1"/>"#,
            "expected a whole number",
        ),
    ] {
        let error = refused(&system(inside));
        assert!(error.contains(word), "expected: {word}\n   found: {error}");
    }
}

#[test]
fn files_cut_anywhere_are_refused_with_a_line() {
    let folder = folder("alanine-dipeptide").expect("reference data");
    let packed = std::fs::read(folder.join("system.xml.gz")).expect("a file");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text).expect("gzip");
    for cut in (1..text.len()).step_by(text.len() / 40) {
        let error = refused(&text[..cut]);
        assert!(error.contains("system.xml: line "), "{cut}: {error}");
    }
    // The same of the packed file.
    let other = tempfile::tempdir().expect("a folder");
    for name in ["state.xml.gz", "integrator.xml"] {
        std::fs::copy(folder.join(name), other.path().join(name)).expect("room");
    }
    for cut in (0..packed.len()).step_by(packed.len() / 20) {
        std::fs::write(other.path().join("system.xml.gz"), &packed[..cut]).expect("room");
        import_folder(other.path(), &OPTIONS).expect_err("half a file");
    }
}

#[test]
fn a_packed_file_of_zeros_stays_small() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 1 << 24]).expect("memory");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("system.xml.gz"), encoder.finish().expect("memory")).expect("room");
    std::fs::write(folder.path().join("state.xml"), STATE).expect("room");
    import_folder(folder.path(), &OPTIONS).expect_err("zeros are no XML");
}

/// A small system with one of everything.
const ALL: &str = include_str!("openmm/everything.xml");

#[test]
fn the_file_with_everything_is_read() {
    let state = r#"<State type="State" version="1"><Positions>"#.to_owned()
        + &(0..8)
            .map(|k| {
                format!(
                    r#"<Position x="{}" y="{}" z=".1"/>"#,
                    0.15 * f64::from(k),
                    0.1 * f64::from(k % 2)
                )
            })
            .collect::<String>()
        + "</Positions></State>";
    let folder = tempfile::tempdir().expect("a folder");
    let system = import_texts(folder.path(), [ALL, &state, ""], &OPTIONS)
        .expect("a system")
        .system;
    assert_eq!(system.terms.classes().len(), 11, "{:?}", system.terms.classes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_panic(damages in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0usize..4), 1..6)) {
        let mut bytes = ALL.as_bytes().to_vec();
        for (place, byte, kind) in damages {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, b"0123456789\"<>/&;-e. "[usize::from(byte) % 20]),
                _ => bytes[at] = b"0123456789-e.pqmk"[usize::from(byte) % 17],
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let state = r#"<State type="State" version="1"><Positions>"#.to_owned() + &r#"<Position x="0" y="0" z=".1"/>"#.repeat(8) + "</Positions></State>";
        let folder = tempfile::tempdir().expect("a folder");
        let imported = import_texts(folder.path(), [&text, &state, ""], &OPTIONS);
        if let Err(error) = imported {
            prop_assert!(error.to_string().len() < 100_000);
        }
    }
}
