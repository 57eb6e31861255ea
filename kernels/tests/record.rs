//! What a run directory records: every change of it is found and named, what a crash cuts off is not taken for one, and a boundary that
//! holds NaN or infinity says so. On the CPU device, which is always there.

mod package_support;

use std::fs;
use std::path::{Path, PathBuf};

use kernels::package::Package;
use kernels::run::verify::Kind;
use kernels::run::{Control, Outcome, Place, RunConfig, RunDir, RunError, RunOptions, run};
use protocol::{Digest, HardwareClass, Tier};

const CLASS: HardwareClass = HardwareClass {
    tier: Tier::Portable,
    key: Digest([7; 32]),
};

fn package(change: impl FnOnce(&Path)) -> Package {
    package_support::load_changed(change).expect("a good package")
}

/// A run of three segments of the tiny package: frames, a table and checkpoints.
fn finished(place: &Path, package: &Package) -> RunDir {
    let dir = RunDir::create(place, package, RunConfig::new(3)).expect("created");
    go_on(&dir, RunOptions::default()).expect("runs");
    dir
}

fn go_on(dir: &RunDir, options: RunOptions) -> Result<Outcome, RunError> {
    let device = device::select("cpu").expect("the CPU device is always there");
    run(dir, &*device, CLASS, &options, &mut |_| Control::Continue)
}

/// Files of a run directory that hold what was recorded.
fn recorded(dir: &RunDir) -> Vec<PathBuf> {
    let in_folder = |folder: &Path| {
        let entries = fs::read_dir(folder)
            .expect("read")
            .map(|entry| entry.expect("an entry").path());
        entries.filter(|path| path.is_file()).collect::<Vec<_>>()
    };
    let mut files = in_folder(dir.path());
    files.retain(|path| !path.ends_with("lock") && !path.ends_with("run.toml"));
    files.extend(in_folder(&dir.path().join("checkpoints")));
    files.sort();
    files
}

#[test]
fn an_untouched_record_is_whole_and_all_of_it_is_looked_at() {
    let place = tempfile::tempdir().expect("a folder");
    let dir = finished(&place.path().join("run"), &package(|_| {}));
    let seen = dir.verify().expect("it reads");
    assert!(seen.is_whole(), "{seen:?}");
    assert_eq!((seen.boundaries, seen.segments_with_outputs, seen.rows), (4, 3, 6));
    assert_eq!(seen.checkpoints, [2, 3]);
    let names: Vec<_> = recorded(&dir)
        .iter()
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    let expected = [
        "chain.jsonl",
        "0000000002.baton",
        "0000000003.baton",
        "frames-counts.bin",
        "frames-trajectory.bin",
        "observables.csv",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_changed_byte_is_found_and_its_file_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    let dir = finished(&place.path().join("run"), &package(|_| {}));
    for file in recorded(&dir) {
        let whole = fs::read(&file).expect("read");
        let is_chain = file.ends_with("chain.jsonl");
        let text = String::from_utf8_lossy(&whole).into_owned();
        for at in (0..whole.len()).step_by(3) {
            // Two places of the chain are free: the class, which no digest covers so that chains of different devices can be compared, and
            // the last line's end, without which the line counts as torn by a crash.
            let in_class = || {
                text[..at]
                    .rfind("\"class\"")
                    .is_some_and(|from| !text[from..at].contains('}'))
            };
            if is_chain && (in_class() || at + 1 == whole.len()) {
                continue;
            }
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&file, &changed).expect("written");
            let seen = dir.verify().expect("it reads");
            let named = seen
                .findings
                .iter()
                .any(|finding| finding.file == file || finding.problem.contains(&name(&file)));
            assert!(named, "byte {at} of {}: {:?}", file.display(), seen.findings);
            if at % 4 > 0 {
                continue;
            }
            let is_checkpoint = file.extension().is_some_and(|extension| extension == "baton");
            match (is_checkpoint, dir.check_record()) {
                (true, Ok(_)) | (false, Err(RunError::Altered { .. })) => {}
                (_, other) => panic!("byte {at} of {}: {other:?}", file.display()),
            }
        }
        fs::write(&file, &whole).expect("written");
    }
    assert!(dir.verify().expect("it reads").is_whole(), "all changes are taken back");
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn nothing_goes_on_from_a_chain_that_was_changed_in_the_middle() {
    let place = tempfile::tempdir().expect("a folder");
    let dir = finished(&place.path().join("run"), &package(|_| {}));
    let path = dir.path().join("chain.jsonl");
    let text = fs::read_to_string(&path).expect("read");
    let second = text.lines().nth(1).expect("a second line");
    let step = second.replace("\"step\":10", "\"step\":11");
    assert_ne!(step, second);
    fs::write(&path, text.replace(second, &step)).expect("written");
    let error = dir.chain().expect_err("it is altered").to_string();
    assert!(error.contains("chain.jsonl, segment 1: line 2 says digest"), "{error}");
    assert!(matches!(go_on(&dir, RunOptions::default()), Err(RunError::Altered { .. })));
}

#[test]
fn a_tail_that_a_crash_cut_off_is_incomplete_and_computed_again() {
    for cut in ["frames-trajectory.bin", "frames-counts.bin", "observables.csv", "chain.jsonl"] {
        let place = tempfile::tempdir().expect("a folder");
        let dir = finished(&place.path().join("run"), &package(|_| {}));
        let all = recorded(&dir);
        let before: Vec<Vec<u8>> = all.iter().map(|path| fs::read(path).expect("read")).collect();
        let path = dir.path().join(cut);
        let bytes = fs::read(&path).expect("read");
        fs::write(&path, &bytes[..bytes.len() - 3]).expect("written");
        let seen = dir.check_record().expect("nothing was changed");
        let cut_chain = cut == "chain.jsonl";
        assert!(
            seen.findings
                .iter()
                .all(|finding| finding.kind == Kind::Incomplete && finding.file == path)
        );
        assert_eq!(seen.findings.is_empty(), cut_chain, "a torn line was never committed");
        assert!(matches!(go_on(&dir, RunOptions::default()), Ok(Outcome::Finished(_))));
        let after: Vec<Vec<u8>> = all.iter().map(|path| fs::read(path).expect("read")).collect();
        assert!(before == after, "{cut}");
    }
}

#[test]
fn a_boundary_that_is_not_finite_is_marked_and_one_that_is_finite_is_not() {
    let place = tempfile::tempdir().expect("a folder");
    // Positions grow by 1e37 a step: beyond the largest f32 after step 34, in the fourth segment of ten steps.
    let fast = package(|folder| {
        let path = folder.join("kernel.toml");
        let text = fs::read_to_string(&path).expect("read");
        fs::write(&path, text.replace("fill = 0.25", "fill = 2e37")).expect("written");
    });
    let dir = RunDir::create(&place.path().join("run"), &fast, RunConfig::new(5)).expect("created");
    let device = device::select("cpu").expect("the CPU device is always there");
    let mut told = Vec::new();
    let mut observer = |progress: &kernels::run::Progress| {
        told.extend(progress.non_finite.clone());
        Control::Continue
    };
    let options = RunOptions {
        wait_at_boundaries: true,
        ..RunOptions::default()
    };
    run(&dir, &*device, CLASS, &options, &mut observer).expect("runs");
    let marked: Vec<_> = dir
        .chain()
        .expect("a chain")
        .into_iter()
        .filter_map(|line| Some((line.entry.step, line.non_finite?)))
        .collect();
    assert_eq!(marked.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [40, 50]);
    let (_, first) = &marked[0];
    assert_eq!(
        (first.place, first.name.as_str(), first.element, first.value.as_str()),
        (Place::State, "positions", 0, "inf")
    );
    assert_eq!(told, marked);
    let seen = dir.verify().expect("it reads");
    assert!(seen.is_whole());
    assert_eq!(seen.non_finite.iter().map(|mark| mark.step).collect::<Vec<_>>(), [40, 50]);
}

#[test]
fn a_run_can_stop_before_its_end_without_forgetting_it() {
    let place = tempfile::tempdir().expect("a folder");
    let dir = RunDir::create(&place.path().join("run"), &package(|_| {}), RunConfig::new(4)).expect("created");
    let options = RunOptions {
        until: Some(2),
        ..RunOptions::default()
    };
    let stopped = go_on(&dir, options).expect("runs");
    assert!(matches!(stopped, Outcome::Stopped(entry) if entry.segment == 2));
    assert_eq!(RunDir::view(dir.path()).expect("it opens").config().segments, 4);
    let finished = go_on(&dir, RunOptions::default()).expect("runs");
    assert!(matches!(finished, Outcome::Finished(entry) if entry.segment == 4));
}

#[test]
fn checkpoints_are_kept_as_asked() {
    for (every, keeps, expected) in [(1, false, vec![6, 7]), (3, false, vec![6, 7]), (3, true, vec![3, 6, 7])] {
        let place = tempfile::tempdir().expect("a folder");
        let config = RunConfig {
            checkpoint_every: every,
            keep_checkpoints: keeps,
            ..RunConfig::new(7)
        };
        let dir = RunDir::create(&place.path().join("run"), &package(|_| {}), config).expect("created");
        go_on(&dir, RunOptions::default()).expect("runs");
        assert_eq!(
            dir.verify().expect("it reads").checkpoints,
            expected,
            "every {every}, all: {keeps}"
        );
    }
}
