//! Contract: whatever happens to the disk, a run resumes from its last good boundary or says exactly what is wrong. Never a wrong chain,
//! never a lost older checkpoint.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use contracts::{Dice, baton, copy_folder, results, said, short_package, signal, wait};

/// A finished run of gray-scott, five segments, a checkpoint at each boundary; and its package.
struct Finished {
    place: tempfile::TempDir,
}

impl Finished {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a temporary folder");
        short_package("gray-scott", 20, &place.path().join("package"));
        let finished = Self { place };
        let output = finished.start(&finished.run());
        assert!(output.status.success(), "{}", said(&output));
        finished
    }

    fn package(&self) -> PathBuf {
        self.place.path().join("package")
    }

    fn run(&self) -> PathBuf {
        self.place.path().join("run")
    }

    fn start(&self, folder: &Path) -> Output {
        let arguments = [
            "run".as_ref(),
            self.package().as_os_str().to_owned().as_os_str(),
            "--out".as_ref(),
            folder.as_os_str(),
        ]
        .map(std::ffi::OsStr::to_owned);
        baton(arguments).args(["--segments", "5"]).output().expect("baton starts")
    }

    /// A copy of the run directory.
    fn copy(&self, name: &str) -> PathBuf {
        let copy = self.place.path().join(name);
        copy_folder(&self.run(), &copy);
        copy
    }

    /// The same run as it lay on disk after `segments` boundaries: chain cut, everything else left as a crash may leave it.
    fn cut(&self, name: &str, segments: usize) -> PathBuf {
        let copy = self.copy(name);
        let chain = fs::read_to_string(copy.join("chain.jsonl")).expect("a chain");
        let lines: String = chain.lines().take(segments + 1).flat_map(|line| [line, "\n"]).collect();
        fs::write(copy.join("chain.jsonl"), lines).expect("written");
        copy
    }

    fn assert_same(&self, folder: &Path, what: &str) {
        let (expected, found) = (results(&self.run()), results(folder));
        assert_eq!(expected.len(), found.len(), "{what}: a file is missing, or one too many");
        for ((name, expected), (_, found)) in expected.iter().zip(found) {
            assert!(*expected == found, "{what}: {name} differs from the uninterrupted run's");
        }
    }
}

fn resume(folder: &Path) -> Output {
    baton(["resume".as_ref(), folder.as_os_str()]).output().expect("baton starts")
}

fn truncate(file: &Path, by: u64) {
    let file = OpenOptions::new().write(true).open(file).expect("it is there");
    let length = file.metadata().expect("metadata").len();
    file.set_len(length.saturating_sub(by)).expect("truncated");
}

fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("checkpoints")).expect("a folder of checkpoints");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// What a crash or a bad disk does to a run directory.
type Damage<'a> = &'a dyn Fn(&Path);

#[test]
fn torn_files_are_computed_again_to_the_same_bytes() {
    let finished = Finished::new();
    let newest = |folder: &Path| checkpoints(folder).pop().expect("a checkpoint");
    let cases: [(&str, Damage); 8] = [
        ("torn-chain-line", &|folder| truncate(&folder.join("chain.jsonl"), 7)),
        ("torn-checkpoint", &|folder| truncate(&newest(folder), 100)),
        ("empty-checkpoint", &|folder| truncate(&newest(folder), u64::MAX)),
        ("no-newest-checkpoint", &|folder| {
            fs::remove_file(newest(folder)).expect("removed")
        }),
        ("no-checkpoint-at-all", &|folder| {
            checkpoints(folder)
                .iter()
                .for_each(|path| fs::remove_file(path).expect("removed"))
        }),
        ("torn-table", &|folder| truncate(&folder.join("observables.csv"), 5)),
        ("no-chain", &|folder| {
            fs::remove_file(folder.join("chain.jsonl")).expect("removed")
        }),
        ("flipped-checkpoint", &|folder| {
            let path = newest(folder);
            let mut bytes = fs::read(&path).expect("read");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
            fs::write(&path, bytes).expect("written");
        }),
    ];
    for (name, damage) in cases {
        let folder = finished.copy(name);
        damage(&folder);
        let output = resume(&folder);
        assert!(output.status.success(), "{name}: {}", said(&output));
        finished.assert_same(&folder, name);
    }
}

#[test]
fn what_a_crash_left_behind_the_last_line_is_cut_off() {
    let finished = Finished::new();
    for segments in 0..5 {
        let folder = finished.cut(&format!("cut-{segments}"), segments);
        let output = resume(&folder);
        assert!(output.status.success(), "{segments}: {}", said(&output));
        finished.assert_same(&folder, &format!("cut after {segments} segments"));
    }
}

#[test]
fn a_changed_byte_is_refused_by_name_or_computed_again_to_the_same_bytes() {
    let finished = Finished::new();
    let mut dice = Dice(11);
    let mut refused = 0;
    for round in 0..16 {
        let folder = finished.cut(&format!("changed-{round}"), 2 + round % 4);
        let mut files: Vec<PathBuf> = checkpoints(&folder);
        files.extend(results(&folder).into_iter().map(|(name, _)| folder.join(name)));
        let file = &files[dice.below(files.len() as u64) as usize];
        let mut bytes = fs::read(file).expect("read");
        let at = dice.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.below(8);
        fs::write(file, bytes).expect("written");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let what = format!("byte {at} of {name} changed");
        let output = resume(&folder);
        if output.status.success() {
            finished.assert_same(&folder, &what);
        } else {
            let words = said(&output);
            let class = output.status.code() == Some(contracts::WRONG_CLASS);
            assert!(words.contains(&name) || class, "{what}: {words}");
            refused += 1;
        }
    }
    assert!(refused > 3, "{refused} refusals: too few changes hit what the chain covers");
}

#[test]
fn a_changed_package_is_refused() {
    let finished = Finished::new();
    let folder = finished.cut("changed", 3);
    let shader = fs::read_dir(folder.join("package"))
        .expect("a package")
        .map(|entry| entry.expect("an entry").path());
    let shader = shader
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "wgsl"))
        .expect("a shader");
    let mut text = fs::read_to_string(&shader).expect("read");
    text.push_str("\n// changed\n");
    fs::write(&shader, text).expect("written");
    let before = results(&folder);
    let output = resume(&folder);
    assert!(
        !output.status.success() && said(&output).contains("but this run was made with"),
        "{}",
        said(&output)
    );
    assert!(before == results(&folder), "a refusal changes nothing");
}

#[test]
fn a_kill_while_writing_loses_nothing_committed() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let package = place.path().join("package");
    short_package("ising", 1, &package);
    let arguments = |folder: &Path| {
        [
            "run".into(),
            package.clone().into_os_string(),
            "--out".into(),
            folder.into(),
            "--segments".into(),
            "300".into(),
        ]
    };
    let untouched = place.path().join("untouched");
    let output = baton(arguments(&untouched)).output().expect("baton starts");
    assert!(output.status.success(), "{}", said(&output));
    let mut dice = Dice(3);
    let folder = place.path().join("killed");
    let (mut kills, mut boundaries) = (0, 0);
    loop {
        let there = folder.join("run.toml").exists();
        if !there && folder.exists() {
            fs::remove_dir_all(&folder).expect("what is no run directory yet can go");
        }
        let mut command = if there {
            baton(["resume".as_ref(), folder.as_os_str()])
        } else {
            baton(arguments(&folder))
        };
        let mut child = command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("baton starts");
        std::thread::sleep(Duration::from_millis(500) + dice.wait(Duration::from_millis(700)));
        signal(&child, "KILL");
        let status = wait(&mut child, Duration::from_secs(60));
        let lines = fs::read_to_string(folder.join("chain.jsonl")).map_or(0, |text| text.lines().count());
        assert!(
            lines + 1 >= boundaries,
            "a kill took committed boundaries away: {boundaries} lines, then {lines}"
        );
        boundaries = lines;
        if status.success() {
            break;
        }
        kills += 1;
        assert!(kills < 200, "no progress: {boundaries} boundaries after {kills} kills");
    }
    println!("{kills} kills while writing");
    assert!(kills > 0, "the run ended before it was killed once: make it longer");
    assert!(
        results(&untouched) == results(&folder),
        "the chain came out different after {kills} kills"
    );
}

/// A small tmpfs, unmounted when dropped; none where mounting is not allowed.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(place: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(place).expect("made");
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(place)
            .output()
            .ok()?;
        status.status.success().then(|| Self(place.to_owned()))
    }

    fn remount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.0)
            .status()
            .expect("mount runs");
        assert!(status.success(), "remount {options}");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_said_and_the_run_goes_on_when_there_is_room() {
    let finished = Finished::new();
    let Some(disk) = Tmpfs::mount(&finished.place.path().join("disk"), "size=900k") else {
        return println!("SKIP: a_full_disk: mounting a tmpfs is not allowed here");
    };
    let folder = disk.0.join("run");
    let output = finished.start(&folder);
    assert!(
        !output.status.success() && said(&output).contains("No space left on device"),
        "{}",
        said(&output)
    );
    let good = checkpoints(&folder).len();
    let again = resume(&folder);
    assert!(
        !again.status.success() && said(&again).contains("No space left on device"),
        "{}",
        said(&again)
    );
    assert!(
        checkpoints(&folder)
            .iter()
            .filter(|path| path.extension().is_some_and(|e| e == "baton"))
            .count()
            >= good.min(1)
    );
    disk.remount("size=64m");
    let output = resume(&folder);
    assert!(output.status.success(), "{}", said(&output));
    finished.assert_same(&folder, "after a full disk");
}

#[test]
fn a_read_only_folder_is_said_and_left_alone() {
    let finished = Finished::new();
    let Some(disk) = Tmpfs::mount(&finished.place.path().join("disk"), "size=64m") else {
        return println!("SKIP: a_read_only_folder: mounting a tmpfs is not allowed here");
    };
    let folder = disk.0.join("run");
    copy_folder(&finished.cut("cut", 2), &folder);
    let before = results(&folder);
    disk.remount("ro");
    let output = resume(&folder);
    assert!(
        !output.status.success() && said(&output).contains("Read-only file system"),
        "{}",
        said(&output)
    );
    let output = finished.start(&disk.0.join("other"));
    assert!(
        !output.status.success() && said(&output).contains("Read-only file system"),
        "{}",
        said(&output)
    );
    disk.remount("rw");
    assert!(before == results(&folder), "a refusal changes nothing");
    let output = resume(&folder);
    assert!(output.status.success(), "{}", said(&output));
    finished.assert_same(&folder, "after a read-only folder");
}

#[test]
fn two_processes_never_work_in_one_run_directory() {
    let finished = Finished::new();
    let folder = finished.cut("locked", 1);
    let lock = OpenOptions::new().write(true).open(folder.join("lock")).expect("a lock file");
    lock.lock().expect("locked");
    let output = resume(&folder);
    assert!(
        !output.status.success() && said(&output).contains("another process is working in it"),
        "{}",
        said(&output)
    );
}
