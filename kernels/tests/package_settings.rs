//! What a package lets be set: values become constants and scaled buffers, everything else is refused, and the digest covers what is computed, not what may be set.

use std::collections::BTreeMap;

use kernels::package::manifest::Number;
use kernels::package::{Package, PackageError, Values};

mod package_support;
use package_support::{load_changed, load_manifest};

/// The tiny package with these settings.
fn with(settings: &str) -> Result<Package, PackageError> {
    load_manifest(
        "[[buffer]]\nname = \"positions\"",
        &format!("{settings}\n[[buffer]]\nname = \"positions\""),
    )
}

fn good(settings: &str) -> Package {
    with(settings).unwrap_or_else(|error| panic!("{error}"))
}

const STEP: &str = "[settings.step]\nabout = \"time of a step\"\nconstants = [\"dt\"]\nunit = \"ps\"\nmin = 0\nmax = 2.5\n";
const SPEED: &str = "[settings.heat]\nvalue = 100.0\nscales = { velocities = 0.5, positions = 1.0 }\n";

fn values(values: &[(&str, Number)]) -> Values {
    values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

#[test]
fn what_may_be_set_does_not_show_in_the_digest_and_survives_a_journey() {
    let plain = load_changed(|_| {}).expect("the tiny package is good");
    let package = good(&format!("{STEP}{SPEED}"));
    assert_eq!(package.digest(), plain.digest());
    let folder = tempfile::tempdir().expect("a temporary folder");
    package.save(folder.path()).expect("a new folder");
    let copy = Package::load(folder.path()).expect("a saved package");
    assert_eq!(copy.manifest().settings, package.manifest().settings);
    let archived = Package::from_archive(&package.to_archive().expect("an archive")).expect("the same package");
    assert_eq!(archived.manifest().settings, package.manifest().settings);
}

#[test]
fn a_set_constant_is_that_of_a_package_written_with_it() {
    let set = good(STEP).with_settings(&values(&[("step", Number::Float(0.125))]));
    let written = load_manifest("dt = 0.5", "dt = 0.125").expect("good");
    assert_eq!(set.expect("within its bounds").digest(), written.digest());
    let same = good(STEP).with_settings(&Values::new()).expect("nothing set");
    assert_eq!(same.digest(), good(STEP).digest());
}

#[test]
fn buffers_are_scaled_by_the_power_of_the_ratio() {
    let set = good(SPEED)
        .with_settings(&values(&[("heat", Number::Float(400.0))]))
        .expect("good");
    assert_eq!(set.setting("heat"), Some(Number::Float(400.0)));
    let floats = |buffer: usize| -> Vec<f32> {
        let bytes = set.initial(buffer);
        bytes
            .chunks_exact(4)
            .map(|word| f32::from_le_bytes(word.try_into().expect("4 bytes")))
            .collect()
    };
    assert_eq!(floats(0), (0..12u8).map(|k| 4.0 * f32::from(k)).collect::<Vec<_>>());
    assert_eq!(floats(1), [0.5; 12]);
}

#[test]
fn a_seed_of_64_bits_is_two_constants() {
    let changed = "[constants]\nlow = 7\nhigh = 1\n";
    let package = load_manifest(
        "[constants]\n",
        &format!("[settings.seed]\nconstants = [\"low\", \"high\"]\n\n{changed}"),
    )
    .expect("good");
    assert_eq!(package.setting("seed"), Some(Number::Integer((1 << 32) + 7)));
    let set = package
        .with_settings(&values(&[("seed", Number::Integer((5 << 32) + 9))]))
        .expect("good");
    let constants = &set.manifest().constants;
    assert_eq!(
        (constants["low"], constants["high"]),
        (Number::Integer(9), Number::Integer(5))
    );
}

#[test]
fn values_that_cannot_be_set_are_refused_by_name() {
    let package = good(&format!("{STEP}{SPEED}"));
    for (name, text, parts) in [
        ("stepp", "1", vec!["unknown setting 'stepp'", "'heat' and 'step'"]),
        ("step", "fast", vec!["step: found 'fast', expected a number"]),
        ("step", "nan", vec!["found 'nan'"]),
        ("step", "2.6", vec!["found '2.6', expected 0 to 2.5 ps"]),
        ("step", "-1", vec!["found '-1', expected 0 to 2.5 ps"]),
        ("heat", "-5", vec!["heat: found '-5'", "above 0"]),
        ("heat", "1e300", vec![]),
    ] {
        match package.read_setting(name, text) {
            Err(message) => parts
                .iter()
                .for_each(|part| assert!(message.contains(part), "{part:?} is missing in: {message}")),
            // What no f32 can hold is found where the package is made.
            Ok(value) => {
                let error = package
                    .with_settings(&BTreeMap::from([(name.to_owned(), value)]))
                    .expect_err("too large");
                assert!(error.to_string().contains("found inf"), "{error}");
            }
        }
    }
    assert_eq!(package.read_setting("step", "1"), Ok(Number::Float(1.0)));
}

#[test]
fn settings_that_fit_nothing_are_refused() {
    for (settings, parts) in [
        (
            "[settings.mass]\n",
            ["settings.mass: constants: found 'mass', expected a constant", "'dt' and 'n'"],
        ),
        (
            "[settings.a]\nconstants = [\"n\", \"dt\"]\n",
            ["settings.a: constants: found 'dt'", "an integer constant of 32 bits"],
        ),
        (
            "[settings.a]\nconstants = [\"n\", \"n\", \"n\"]\n",
            ["settings.a: constants: found 3", "one, or two"],
        ),
        (
            "[settings.dt]\n[settings.b]\nconstants = [\"dt\"]\n",
            ["found 'dt', which settings.b sets", "settings.dt"],
        ),
        (
            "[settings.a]\nvalue = 1.0\n",
            ["settings.a: value: found 1", "scales beside it"],
        ),
        (
            "[settings.a]\nvalue = 0.0\nscales = { velocities = 1.0 }\n",
            ["settings.a: found 0.0", "a number above 0"],
        ),
        (
            "[settings.a]\nvalue = 1.0\nscales = { total = 1.0 }\n",
            ["settings.a: scales: found 'total', u32", "an f32 buffer"],
        ),
        (
            "[settings.a]\nvalue = 1.0\nscales = { masses = 1.0 }\n",
            ["unknown buffer 'masses'", "'velocities'"],
        ),
        (
            "[settings.dt]\nmin = 1.0\n",
            ["settings.dt: found 0.5 as the package's own value", "1.0 or more"],
        ),
        ("[settings.dt]\nmin = true\n", ["settings.dt: min: found true", "a number"]),
        ("[settings.dt]\ndefault = 1.0\n", ["unknown field `default`", "line"]),
        ("[settings.\"d t\"]\n", ["settings.d t: name", "a WGSL identifier"]),
    ] {
        let error = with(settings).expect_err(settings).to_string();
        parts
            .iter()
            .for_each(|part| assert!(error.contains(part), "{part:?} is missing in: {error}"));
    }
}

#[test]
fn shipped_packages_say_what_may_be_set() {
    let set = |name: &str, values: &[(&str, Number)]| {
        let package = kernels::examples::load(name).expect("a shipped package");
        let set = package
            .with_settings(&self::values(values))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_ne!(set.digest(), package.digest(), "{name}");
    };
    set("gray-scott", &[("feed", Number::Float(0.03)), ("kill", Number::Float(0.06))]);
    set("ising", &[("seed", Number::Integer(2))]);
    set("argon", &[("start_temperature", Number::Float(240.0))]);
}
