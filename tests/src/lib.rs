//! What the contracts share: the real program as a child process, and packages of a length that tests can afford.

pub mod fuzz;
pub mod molecules;
pub mod proxy;
pub mod sharing;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use device::{Device, DeviceKind};
use kernels::package::Package;

/// Exit code of a run that stopped at a boundary and can be resumed.
pub const STOPPED: i32 = 85;
/// Exit code of a refusal: wrong hardware class.
pub const WRONG_CLASS: i32 = 86;
/// Exit code of a refusal: bad package.
pub const BAD_PACKAGE: i32 = 87;

/// A built program of this workspace.
///
/// # Panics
/// It is not built: the workspace's test command builds it first.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(2).expect("tests lie in target/PROFILE/deps");
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo build --release -p {name}` first, or ./x test",
        path.display()
    );
    path
}

/// `baton` with arguments, quiet.
pub fn baton<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(program("baton"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Vulkan drivers that any Linux machine can have side by side: lavapipe, and SwiftShader, which comes with Chromium.
const DRIVERS: [&str; 3] = [
    "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
    "/usr/share/vulkan/icd.d/lvp_icd.json",
    "/usr/lib/chromium/vk_swiftshader_icd.json",
];

/// The files of those that are installed here.
pub fn driver_files() -> Vec<PathBuf> {
    DRIVERS.into_iter().map(PathBuf::from).filter(|path| path.exists()).collect()
}

/// Let a command see lavapipe and SwiftShader at once, where they are; the loader's default shows drivers that are registered alone.
pub fn all_drivers(command: &mut Command) -> &mut Command {
    let there = driver_files();
    if !there.is_empty() {
        let list: Vec<_> = there.iter().map(|path| path.to_string_lossy()).collect();
        let list = list.join(":");
        command.env("VK_ICD_FILENAMES", &list).env("VK_DRIVER_FILES", &list);
    }
    command
}

/// What a finished child said, for messages.
pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// One of the shipped examples, or one of [`molecules`], with segments of `steps_per_segment` steps, saved as a folder.
///
/// # Panics
/// There is no such example, or it cannot be written.
pub fn short_package(example: &str, steps_per_segment: u64, folder: &Path) -> Package {
    let package = if molecules::NAMES.contains(&example) {
        molecules::package(example, steps_per_segment)
    } else {
        let package = kernels::examples::load(example).expect("a shipped example");
        let manifest = package.manifest().clone().with_steps_per_segment(steps_per_segment);
        package.with_manifest(manifest).expect("still a good package")
    };
    package.save(folder).expect("the folder can be written");
    package
}

/// The devices of this machine that a test of `who` can use; says so, and counts it, when there is none.
///
/// # Panics
/// There is none and `BATON_REQUIRE_GPU=1`.
pub fn gpus(who: &str) -> Vec<std::sync::Arc<dyn Device>> {
    let gpus: Vec<_> = device::list()
        .into_iter()
        .filter(|device| device.info().kind != DeviceKind::BuiltInCpu)
        .collect();
    if gpus.is_empty() {
        assert!(
            std::env::var_os("BATON_REQUIRE_GPU").is_none(),
            "BATON_REQUIRE_GPU is set, and there is no GPU"
        );
        println!("SKIP: {who}: no Vulkan, Metal, DX12 or GL device");
    }
    gpus
}

/// A small generator for schedules, so that a failing one can be repeated from its seed.
pub struct Dice(pub u64);

impl Dice {
    /// The next word.
    pub fn roll(&mut self) -> u64 {
        protocol::split_mix::next(&mut self.0)
    }

    /// Below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// A duration up to `longest`.
    pub fn wait(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.roll() as f64 / u64::MAX as f64)
    }
}

/// Send a signal by name (`INT`, `KILL`) to a child; it may have ended already.
pub fn signal(child: &Child, name: &str) {
    let _ = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .stderr(Stdio::null())
        .status();
}

/// Wait at most `limit` for a child, then kill it.
///
/// # Panics
/// It did not end in time.
pub fn wait(child: &mut Child, limit: Duration) -> ExitStatus {
    let end = std::time::Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status;
        }
        if std::time::Instant::now() > end {
            let _ = child.kill();
            panic!("the child did not end within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Copy a folder and all in it.
///
/// # Panics
/// The file system refuses.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the folder can be made");
    for entry in std::fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("an entry can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a file can be copied");
        }
    }
}

/// The bytes that a run's outputs and chain consist of, by file name: what two runs must have in common.
/// The chain is compared without the lengths and classes beside it.
///
/// # Panics
/// A file cannot be read.
pub fn results(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut results = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the run directory can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        if name == "chain.jsonl" || name.ends_with(".bin") || name.ends_with(".csv") {
            results.push((name, std::fs::read(&path).expect("a file can be read")));
        }
    }
    results.sort();
    results
}
