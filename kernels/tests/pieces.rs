//! Ready-made pieces that a package includes by name: exact on every device of this machine against plain Rust, and unchanged since they were released.

use std::fs;
use std::path::Path;

use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::run::{Executor, initial_state};
use protocol::{Digest, Tier};

/// Elements of the buffers that are measured: more than one round of a workgroup, and no multiple of its size.
const COUNT: usize = 1000;
/// Intervals of the histogram, which begin at -1 and are a quarter long.
const BINS: usize = 8;

const MANIFEST: &str = r#"format = 1
name = "measured"
version = "1"
tier = "portable"

[run]
steps_per_segment = 1
segments = 1

[constants]
count = 1000
histogram_low = -1.0
histogram_per_unit = 4.0

[[buffer]]
name = "reals"
type = "f32"
shape = ["count"]
role = "state"
init = "reals.npy"

[[buffer]]
name = "whole"
type = "i32"
shape = ["count"]
role = "state"
init = "whole.npy"
"#;

/// A pass with a piece, its buffers, and an output of what it finds.
fn measured(piece: &str, files: &str, values: &str, result: &str, kind: &str, size: usize) -> String {
    let name = piece.to_owned();
    format!(
        "[[buffer]]\nname = \"of_{name}\"\ntype = \"{kind}\"\nshape = [{size}]\nrole = \"observable\"\n\
         [[pass]]\nname = \"{name}\"\nshader = [{files}\"baton/{piece}.wgsl\"]\nworkgroups = [1]\n\
         bindings = {{ values = \"{values}\", {result} = \"of_{name}\" }}\n\
         [[output]]\nname = \"{name}\"\nbuffer = \"of_{name}\"\nevery = 1\n"
    )
}

fn manifest() -> String {
    let exact = "\"baton/fixed64.wgsl\", ";
    let passes = [
        measured("sum", exact, "reals", "total", "u32", 4),
        measured("sum_i32", exact, "whole", "total", "u32", 2),
        measured("maximum", "", "reals", "extreme", "f32", 1),
        measured("minimum", "", "reals", "extreme", "f32", 1),
        measured("histogram", "", "reals", "counts", "u32", BINS + 2),
    ];
    format!("{MANIFEST}{}", passes.concat())
}

/// An `.npy` file of numbers in one row.
fn npy(kind: &str, words: impl Iterator<Item = [u8; 4]>) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({COUNT},), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(words.flatten());
    bytes
}

/// Numbers of many sizes, the smallest and the largest at the ends; two that the sum cannot hold.
fn reals() -> Vec<f32> {
    let mut values: Vec<f32> = (0..COUNT as i32)
        .map(|i| (i * 7919 % 1009 - 504) as f32 / 401.0 * if i % 50 == 0 { 3000.0 } else { 1.0 })
        .collect();
    (values[10], values[20], values[30], values[40]) = (6e5, -7e5, -0.0, 1e-9);
    values
}

fn whole() -> Vec<i32> {
    let value = |i: u32| i.wrapping_mul(0x9e37_79b9).cast_signed();
    (0..COUNT as u32).map(value).collect()
}

fn write(folder: &Path) {
    fs::write(folder.join("kernel.toml"), manifest()).expect("written");
    fs::write(
        folder.join("reals.npy"),
        npy("<f4", reals().into_iter().map(f32::to_le_bytes)),
    )
    .expect("written");
    fs::write(
        folder.join("whole.npy"),
        npy("<i4", whole().into_iter().map(i32::to_le_bytes)),
    )
    .expect("written");
}

/// What each output holds after the only step.
fn outputs(package: &Package, device: &dyn Device) -> Vec<Vec<u32>> {
    let mut executor = Executor::open(package, device, &SessionOptions::default()).expect("it opens");
    executor.enter(0, &initial_state(package)).expect("it starts");
    executor.advance(1).expect("it runs");
    let boundary = executor.cross().expect("it crosses");
    let words = |bytes: Vec<u8>| {
        bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word))
            .collect()
    };
    boundary.outputs.into_iter().map(words).collect()
}

fn expected() -> Vec<Vec<u32>> {
    let halves = |sum: i64| vec![sum as u32, (sum >> 32) as u32];
    let fits = |x: &&f32| x.abs() < 524_288.0;
    let fixed = |x: &f32| (f64::from(*x) * 4_294_967_296.0).trunc() as i64;
    let reals = reals();
    let mut sum = halves(reals.iter().filter(fits).map(fixed).sum());
    sum.extend([reals.iter().filter(|x| !fits(x)).count() as u32, 0]);
    let largest = reals.iter().copied().max_by(f32::total_cmp).expect("some");
    let smallest = reals.iter().copied().min_by(f32::total_cmp).expect("some");
    let mut counts = vec![0; BINS + 2];
    for x in &reals {
        let at = (x + 1.0) * 4.0;
        let bin = if at < 0.0 {
            BINS
        } else if at < BINS as f32 {
            at as usize
        } else {
            BINS + 1
        };
        counts[bin] += 1;
    }
    let whole = halves(whole().iter().map(|x| i64::from(*x)).sum());
    vec![sum, whole, vec![largest.to_bits()], vec![smallest.to_bits()], counts]
}

#[test]
fn pieces_measure_exactly_on_every_device() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let package = Package::load(folder.path()).expect("a good package");
    let (expected, mut tried) = (expected(), 0);
    for device in device::list() {
        let mut manifest = package.manifest().clone();
        if !matches!(device.info().backend.as_str(), "vulkan" | "cpu") {
            manifest.tier = Tier::ClassBound;
        }
        let package = package.with_manifest(manifest).expect("still good");
        let found = outputs(&package, &*device);
        for ((output, found), expected) in package.manifest().outputs.iter().zip(&found).zip(&expected) {
            assert_eq!(found, expected, "{} on {}", output.name, device.info().id);
        }
        tried += 1;
    }
    assert!(tried > 0, "the CPU device is always there");
}

#[test]
fn a_package_holds_the_text_of_its_pieces_and_its_folder_goes_first() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let package = Package::load(folder.path()).expect("a good package");
    let saved = tempfile::tempdir().expect("a folder");
    let saved = saved.path().join("saved");
    package.save(&saved).expect("written");
    assert!(
        saved.join("baton/sum.wgsl").is_file(),
        "what is sent and kept needs no table of pieces"
    );
    assert_eq!(Package::load(&saved).expect("good").digest(), package.digest());
    assert_eq!(
        Package::from_archive(&package.to_archive().expect("small"))
            .expect("good")
            .digest(),
        package.digest()
    );
    // The author's own file of that name is meant where there is one.
    let own = saved.join("baton/maximum.wgsl");
    let text = fs::read_to_string(&own).expect("there") + "// mine\n";
    fs::write(&own, text).expect("written");
    assert_ne!(Package::load(&saved).expect("good").digest(), package.digest());
}

#[test]
fn a_piece_that_there_is_not_is_named_with_those_there_are() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    for wrong in ["baton/average.wgsl", "baton/../sum.wgsl", "baton//sum.wgsl"] {
        fs::write(
            folder.path().join("kernel.toml"),
            manifest().replace("baton/maximum.wgsl", wrong),
        )
        .expect("written");
        let error = Package::load(folder.path()).expect_err("no such piece").to_string();
        assert!(error.contains(wrong), "{error}");
        assert!(
            wrong.contains('.') && (error.contains("'baton/sum.wgsl'") || error.contains("a file inside the package")),
            "{error}"
        );
    }
    // A link out of the package is no piece either.
    #[cfg(unix)]
    {
        fs::write(folder.path().join("kernel.toml"), manifest()).expect("written");
        fs::create_dir(folder.path().join("baton")).expect("a folder");
        std::os::unix::fs::symlink("/nowhere/sum.wgsl", folder.path().join("baton/sum.wgsl")).expect("a link");
        let error = Package::load(folder.path())
            .expect_err("a link that leads nowhere")
            .to_string();
        assert!(error.contains("baton/sum.wgsl"), "{error}");
    }
}

/// Packages of people name these: another text is another digest of all of them. A better piece gets another name.
#[test]
fn pieces_are_as_they_were_released() {
    let text: String = shaders::PIECES
        .iter()
        .map(|(name, path)| format!("{name} {}\n", Digest::of(shaders::text(path).as_bytes()).short()))
        .collect();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pieces.txt");
    if std::env::var_os("BATON_BLESS").is_some() {
        fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder");
        fs::write(&golden, &text).expect("written");
    }
    assert_eq!(text, fs::read_to_string(&golden).expect("the committed digests"));
}
