//! What a run directory records, as the commands see it: verified, refused by name when it was changed, repaired where a crash cut it.

mod common;

use std::fs;
use std::path::Path;

use common::Place;
use protocol::checkpoint::content_digest;
use protocol::{ChainEntry, Checkpoint};

/// A finished run of the drift package in folder `r`.
fn finished() -> Place {
    let place = Place::new();
    place.drift_package();
    place.done("run drift --out r --device cpu --segments 4");
    place
}

/// Change a byte of a file, counted from the end of the first `mark` in it, or from its beginning.
fn change(path: &Path, mark: &str, at: usize) {
    let mut bytes = fs::read(path).expect("read");
    let from = bytes.windows(mark.len().max(1)).position(|window| window == mark.as_bytes());
    bytes[from.map_or(0, |from| from + mark.len()) + at] ^= 1;
    fs::write(path, bytes).expect("written");
}

/// A package of one state buffer `x` of one f32, changed by `body` each step, with `x` as a column; steps and segments as given.
fn one_float(place: &Place, name: &str, steps: u32, segments: u32, body: &str) {
    let folder = place.path(name);
    fs::create_dir(&folder).expect("a new folder");
    let manifest = format!(
        "format = 1\nname = \"{name}\"\nversion = \"1\"\ntier = \"portable\"\n[run]\nsteps_per_segment = {steps}\nsegments = {segments}\n\
         [[buffer]]\nname = \"x\"\ntype = \"f32\"\nshape = [1]\nrole = \"state\"\nfill = 1.0\n\
         [[pass]]\nname = \"go\"\nshader = [\"go.wgsl\"]\nworkgroups = [1]\n\
         [[output]]\nname = \"x\"\nbuffer = \"x\"\nevery = 1\n[[output.column]]\nname = \"x\"\nelement = 0\n"
    );
    fs::write(folder.join("kernel.toml"), manifest).expect("written");
    let shader = format!(
        "@group(0) @binding(0) var<storage, read_write> x: array<f32>;\n@group(0) @binding(1) var<uniform> clock: vec4<u32>;\n\
         @compute @workgroup_size(1)\nfn go() {{ {body} }}\n"
    );
    fs::write(folder.join("go.wgsl"), shader).expect("written");
}

#[test]
fn what_was_changed_is_refused_by_name_by_every_command_that_builds_on_it() {
    let place = finished();
    let verified = place.done("verify r");
    assert!(verified.contains("everything is what was written"), "{verified}");
    assert_eq!(place.json("verify r --json")["whole"], true);
    for (file, mark, at, segment) in [
        ("frames-trajectory.bin", "", 8 * 3 * 4 * 3 + 5, "segment 2"),
        ("frames-first.bin", "", 8 * 3 * 4 + 40, "segment 1"),
        ("observables.csv", "\n6,", 8, "segment 2: the row of step 6 is"),
        (
            "chain.jsonl",
            "\"segment\":1,\"step\":6,\"digest\":\"",
            3,
            "line 2 says digest",
        ),
    ] {
        let path = place.path("r").join(file);
        let whole = fs::read(&path).expect("read");
        change(&path, mark, at);
        for command in [
            "verify r",
            "resume r --device cpu",
            "export r --format csv",
            "export r --format npy",
            "analyse r",
            "chain r",
        ] {
            let said = place.baton(command);
            let words = format!("{}{}", said.out, said.err);
            assert_eq!(said.code, 1, "baton {command} with {file} changed: {words}");
            assert!(
                words.contains(file) && words.contains(segment),
                "baton {command}, {file}: {words}"
            );
        }
        fs::write(&path, whole).expect("written");
    }
    place.done("verify r");
}

#[test]
fn what_a_crash_cut_off_is_computed_again_and_said_where_it_begins() {
    let place = finished();
    let path = place.path("r/frames-trajectory.bin");
    let whole = fs::read(&path).expect("read");
    fs::write(&path, &whole[..whole.len() - 1]).expect("written");
    assert_eq!(place.baton("verify r").code, 1);
    let said = place.baton("export r --format npy --output trajectory");
    assert!(said.code == 1 && said.err.contains("`baton resume`"), "{}", said.err);
    let said = place.baton("resume r --device cpu");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("from segment 3 of 4"), "{}", said.err);
    assert!(
        said.err.contains("segments 4 to 4 are on record, and are computed again"),
        "{}",
        said.err
    );
    place.done("verify r");
    assert!(fs::read(&path).expect("read") == whole);
}

#[test]
fn a_state_that_is_not_finite_is_said_and_ends_with_its_own_exit_code() {
    let place = Place::new();
    // 10, 100, …: beyond the largest f32 after step 39.
    one_float(&place, "blow-up", 20, 3, "x[0] = x[0] * 10.0;");
    let said = place.baton("run blow-up --out r --device cpu");
    assert_eq!(said.code, 88, "{}{}", said.out, said.err);
    for words in [&said.out, &said.err] {
        assert!(
            words.contains("at step 40 state buffer 'x' holds inf at element 0"),
            "{words}"
        );
    }
    let chain = place.baton("chain r");
    assert!(chain.code == 0 && chain.err.contains("step 40"), "{}", chain.err);
    let verified = place.done("verify r");
    assert!(verified.contains("not finite   segment 2, step 40"), "{verified}");
    let again = place.baton("resume r --device cpu --json");
    let json: serde_json::Value = serde_json::from_str(&again.out).expect("JSON");
    assert_eq!((again.code, json["non_finite"]["name"].as_str()), (88, Some("x")));
    // Values that merely are large, or an output without a number, end as any run does.
    one_float(&place, "large", 20, 1, "x[0] = x[0] * 10.0;");
    place.done("run large --out large-run --device cpu");
}

#[test]
fn numbers_of_the_table_have_exponents_where_digits_would_be_long() {
    let place = Place::new();
    one_float(&place, "powers", 35, 1, "x[0] = x[0] * 10.0;");
    place.done("run powers --out r --device cpu");
    let table = place.done("export r --format csv -o -");
    let cells: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
    assert_eq!(cells.len(), 35);
    for (cell, power) in cells.iter().zip(1..) {
        assert!(cell.len() <= 24, "{cell}");
        let value: f64 = cell.parse().expect("a number");
        assert!((value / 10f64.powi(power) - 1.0).abs() < 1e-5, "{cell}");
    }
    assert!(cells[34].contains('e'), "{}", cells[34]);
}

#[test]
fn fewer_segments_on_resume_stop_there_and_leave_the_plan() {
    let place = Place::new();
    place.drift_package();
    place.done("run drift --out whole --device cpu --segments 6");
    let said = place.baton("run drift --out r --device cpu --segments 6 --checkpoint-every 2");
    assert_eq!(said.code, 0, "{}", said.err);
    let kept = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(place.path(folder).join("checkpoints"))
            .expect("read")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(kept("whole"), ["0000000005.baton", "0000000006.baton"]);
    assert_eq!(kept("r"), ["0000000002.baton", "0000000004.baton", "0000000006.baton"]);

    // Cut back to C0, then in two goes.
    let chain = place.path("r/chain.jsonl");
    let text = fs::read_to_string(&chain).expect("read");
    fs::write(&chain, text.split_inclusive('\n').next().expect("C0")).expect("written");
    let said = place.baton("resume r --device cpu --segments 3");
    assert_eq!(said.code, 85, "{}{}", said.out, said.err);
    assert!(said.out.contains("after segment 3 of 6"), "{}", said.out);
    place.done("resume r --device cpu");
    assert_eq!(place.done("chain r"), place.done("chain whole"));
    place.done("resume r --device cpu --segments 8");
    assert_eq!(place.done("chain r").lines().count(), 9);
}

#[test]
fn the_speed_is_that_of_all_steps_from_the_first_to_the_last() {
    let place = Place::new();
    // Fewer steps than are handed to the device at a time twice, each of some milliseconds.
    let body = "var y = x[0]; for (var i = 0u; i < 300000u; i++) { y = y * 0.5 + 1.0; } x[0] = y;";
    one_float(&place, "slow", 40, 1, body);
    let json = place.json("run slow --out r --device cpu --json");
    let (speed, seconds) = (json["steps_per_s"].as_f64(), json["seconds"].as_f64());
    let steps = speed.expect("a speed") * seconds.expect("a time");
    assert!((steps - 40.0).abs() < 1e-6, "{json}");
}

#[test]
fn checked_mode_is_an_option_of_a_run() {
    let place = Place::new();
    one_float(&place, "fine", 4, 1, "x[0] = x[0] * 0.5;");
    one_float(&place, "bad", 4, 2, "x[0] = 1.0 / (f32(clock.x) - 5.0);");
    place.done("run fine --out plain --device cpu");
    place.done("run fine --out checked --checked");
    assert_eq!(place.done("chain plain"), place.done("chain checked"));
    let said = place.baton("run bad --out r --checked");
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("go.wgsl:4:") && said.err.contains("an infinity"),
        "{}",
        said.err
    );
}

#[test]
fn a_run_that_fails_before_its_first_boundary_leaves_no_directory() {
    let place = Place::new();
    one_float(&place, "bad", 4, 2, "x[0] = 1.0 / (f32(clock.x) - 2.0);");
    let said = place.baton("run bad --out r --checked");
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(!place.path("r").exists());
    // One that got to a boundary stays, to be looked at.
    one_float(&place, "later", 4, 2, "x[0] = 1.0 / (f32(clock.x) - 5.0);");
    assert_eq!(place.baton("run later --out later-run --checked").code, 1);
    assert!(place.path("later-run/chain.jsonl").exists());
}

/// Another last state in a run of four segments, as a liar would record it: checkpoint and chain agree with each other.
fn forge_the_last_state(place: &Place, run: &str) {
    let path = place.path(&format!("{run}/checkpoints/0000000004.baton"));
    let mut checkpoint = Checkpoint::from_bytes(&fs::read(&path).expect("read"), 1 << 20).expect("whole");
    checkpoint.buffers[0].bytes[12] ^= 4;
    let chain = place.path(&format!("{run}/chain.jsonl"));
    let text = fs::read_to_string(&chain).expect("read");
    let mut lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let parent: ChainEntry = serde_json::from_value(lines[3].clone()).expect("a boundary");
    let content = content_digest(&checkpoint.buffers);
    let entry = &checkpoint.entry;
    checkpoint.entry = ChainEntry::next(checkpoint.package, Some(&parent), entry.step, content, entry.outputs);
    lines[4]["content"] = serde_json::to_value(content).expect("JSON");
    lines[4]["digest"] = serde_json::to_value(checkpoint.entry.digest).expect("JSON");
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&chain, lines.concat()).expect("written");
    fs::write(&path, checkpoint.to_bytes().expect("bytes")).expect("written");
}

#[test]
fn segments_computed_again_confirm_an_honest_run_and_find_a_consistent_lie() {
    let place = finished();
    let all = place.done("verify r --all --device cpu");
    assert!(all.contains("4 of 4 segments came out as on record on cpu"), "{all}");
    assert!(
        all.contains("every segment was computed again, and came out with the same bits"),
        "{all}"
    );
    let some = place.json("verify r --sample 1 --device cpu --json");
    assert_eq!(some["replay"]["wanted"].as_array().expect("drawn").len(), 1);
    let said = place.baton("verify r --segments 2,9");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(
        said.err.contains("--segments 9: not on record, expected 1 to 4"),
        "{}",
        said.err
    );

    forge_the_last_state(&place, "r");
    place.done("verify r");
    let said = place.baton("verify r --segments 1,4 --device cpu");
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(
        said.out
            .contains("MISMATCH     segment 4, step 24: buffer 'positions' differs in 1 elements, first [1, 0]"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("give the same bits at its end now"),
        "handed to the bisection\n{}",
        said.out
    );
    let said = place.baton("verify r --segments 1 --device cpu");
    assert!(
        said.code == 0 && said.out.contains("3 segments were not computed"),
        "{}",
        said.out
    );
}
