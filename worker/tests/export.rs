//! Each export format, read back by a reader written here, against the bits that the package is known to make.

mod common;

use common::{Place, drift_frame, npy};

/// A finished run of the package `drift`, if there is a device.
fn ran(test: &str) -> Option<Place> {
    let place = Place::new();
    place.has_device(test).then(|| {
        place.drift_package();
        place.done("run drift --out r");
        place
    })
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
        .collect()
}

/// Edges of the box, Angstrom.
const EDGES: [f64; 3] = [10.0, 20.0, 40.0];

/// Position of element `index` of a frame, Angstrom.
fn angstrom(frame: &[u32], index: usize) -> f64 {
    f64::from(frame[index]) / 4_294_967_296.0 * EDGES[index % 3]
}

#[test]
fn npy_holds_the_exact_bits() {
    let Some(place) = ran("npy_holds_the_exact_bits") else {
        return;
    };
    place.done("export r --format npy");
    let (kind, shape, data) = npy(&place.path("r/trajectory.npy"));
    assert_eq!((kind.as_str(), shape.as_str()), ("<u4", "6, 8, 3"));
    let expected: Vec<u32> = (0..6).flat_map(drift_frame).collect();
    assert_eq!(words(&data), expected);
}

#[test]
fn npy_scaled_and_half_hold_physical_values() {
    let Some(place) = ran("npy_scaled_and_half_hold_physical_values") else {
        return;
    };
    place.done("export r --format npy --scaled --frames 2..4 -o scaled.npy");
    let (kind, shape, data) = npy(&place.path("scaled.npy"));
    assert_eq!((kind.as_str(), shape.as_str()), ("<f8", "2, 8, 3"));
    let frame = drift_frame(3);
    for (index, word) in data[8 * 24..].as_chunks::<8>().0.iter().enumerate() {
        assert!((f64::from_le_bytes(*word) * 10.0 - angstrom(&frame, index)).abs() < 1e-12);
    }
    place.done("export r --format npy --half --frames 3 -o half.npy");
    let (kind, shape, data) = npy(&place.path("half.npy"));
    assert_eq!((kind.as_str(), shape.as_str()), ("<f2", "1, 8, 3"));
    for (index, word) in data.as_chunks::<2>().0.iter().enumerate() {
        let nm = angstrom(&frame, index) / 10.0;
        assert!((half::f16::from_le_bytes(*word).to_f64() - nm).abs() <= nm * 4.9e-4 + 1e-7);
    }
}

#[test]
fn dcd_holds_the_npy_bits_rounded_once() {
    let Some(place) = ran("dcd_holds_the_npy_bits_rounded_once") else {
        return;
    };
    place.done("export r --format npy");
    place.done("export r --format dcd");
    let bits = words(&npy(&place.path("r/trajectory.npy")).2);
    let bytes = std::fs::read(place.path("r/trajectory.dcd")).unwrap();
    let mut rest = bytes.as_slice();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let size = u32::from_le_bytes(*rest.first_chunk().unwrap()) as usize;
        assert_eq!(
            rest[..4],
            rest[4 + size..8 + size],
            "both lengths of record {}",
            records.len()
        );
        records.push(&rest[4..4 + size]);
        rest = &rest[8 + size..];
    }
    assert_eq!(&records[0][..4], b"CORD");
    assert_eq!(words(&records[0][4..])[0], 6, "frames");
    assert_eq!(words(records[2]), [8], "atoms");
    assert_eq!(records.len(), 3 + 6 * 4);
    for (frame, positions) in bits.chunks(24).enumerate() {
        let cell = records[3 + 4 * frame].as_chunks::<8>().0;
        assert_eq!([0, 2, 5].map(|at| f64::from_le_bytes(cell[at])), EDGES);
        for axis in 0..3 {
            for (atom, word) in records[4 + 4 * frame + axis].as_chunks::<4>().0.iter().enumerate() {
                let expected = angstrom(positions, 3 * atom + axis);
                let found = f64::from(f32::from_le_bytes(*word));
                assert!(
                    (found - expected).abs() <= expected * 6e-8,
                    "frame {frame}, atom {atom}: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn xyz_holds_box_and_positions_in_angstrom() {
    let Some(place) = ran("xyz_holds_box_and_positions_in_angstrom") else {
        return;
    };
    let out = place.done("export r --format xyz -o -");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 6 * 10);
    for (number, frame) in lines.chunks(10).enumerate() {
        assert_eq!(frame[0], "8");
        assert!(
            frame[1].contains("Lattice=\"10.000000000 0.0 0.0 0.0 20.000000000 0.0 0.0 0.0 40.000000000\""),
            "{}",
            frame[1]
        );
        assert!(frame[1].contains(&format!("step={} ", 2 * number)), "{}", frame[1]);
        let positions = drift_frame(number as u32);
        for (atom, line) in frame[2..].iter().enumerate() {
            let cells: Vec<&str> = line.split(' ').collect();
            for axis in 0..3 {
                let found: f64 = cells[1 + axis].parse().unwrap();
                assert!((found - angstrom(&positions, 3 * atom + axis)).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn csv_is_the_committed_table() {
    let Some(place) = ran("csv_is_the_committed_table") else {
        return;
    };
    let out = place.done("export r --format csv -o -");
    assert_eq!(out, std::fs::read_to_string(place.path("r/observables.csv")).unwrap());
    assert_eq!(out.lines().next(), Some("step,time (ps),first_x (nm)"));
    let steps: Vec<&str> = out.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(steps, ["0", "3", "6", "9"]);
}

#[test]
fn exports_that_make_no_sense_say_what_would() {
    let Some(place) = ran("exports_that_make_no_sense_say_what_would") else {
        return;
    };
    for (words, hint) in [
        ("export r --format npy --frames 4..9", "6 frames"),
        ("export r --format xyz --scaled", "--format npy"),
        ("export r --format csv --frames 1..2", "whole table"),
    ] {
        let said = place.baton(words);
        assert_eq!(said.code, 2, "{words}");
        assert!(said.err.contains(hint), "{words}: {}", said.err);
    }
    let said = place.baton("export r --format npy --output nothing");
    assert_eq!(said.code, 1);
    assert!(said.err.contains("trajectory"), "{}", said.err);
}

#[test]
fn a_package_begins_with_the_state_that_the_run_has_come_to() {
    let Some(place) = ran("a_package_begins_with_the_state_that_the_run_has_come_to") else {
        return;
    };
    place.done("export r --format package -o next");
    place.done("run next --segments 1 --out n");
    place.done("export n --format npy");
    let (_, shape, data) = npy(&place.path("n/trajectory.npy"));
    assert_eq!(shape, "3, 8, 3");
    // Twelve steps were made before: its first frames are those that would have come next.
    let expected: Vec<u32> = (6..9).flat_map(drift_frame).collect();
    assert_eq!(words(&data), expected);
    let manifest = std::fs::read_to_string(place.path("next/kernel.toml")).unwrap();
    assert!(manifest.contains("start_step = 12"), "{manifest}");
    generations(&place);
    for (command, hint) in [
        ("export r --format package -o next", "not empty"),
        ("export r --format package -o -", "a package is a folder"),
        ("export r --format package --frames 0..1", "last state"),
    ] {
        let said = place.baton(command);
        assert!(
            said.code != 0 && said.err.contains(hint),
            "{command}: {} {}",
            said.code,
            said.err
        );
    }
}

/// The next generation by name and by `--from` is one package, which names its parent; and a plate that was steady goes on to be steadier.
fn generations(place: &Place) {
    place.done("run --from r --segments 1 --out same");
    let chain = |run: &str| place.json(&format!("chain {run} --json"));
    let (next, same, parent) = (chain("n"), chain("same"), chain("r"));
    assert_eq!((&next["package"], &next["chain"]), (&same["package"], &same["chain"]));
    let last = parent["chain"].as_array().and_then(|lines| lines.last()).expect("a boundary");
    let named = serde_json::json!({"package": parent["package"], "boundary": last["digest"], "step": 12});
    assert_eq!(next["parent"], named);
    let checked = place.json("verify n --parent r --json");
    assert_eq!(
        (&checked["whole"], &checked["parent"], &checked["parent_checked"]),
        (&true.into(), &named, &true.into())
    );
    assert!(place.done("verify n").contains("not looked at: --parent DIR"));

    place.done("run laplace --set tolerance=5 --out warm");
    place.done("run --from warm --set tolerance=0.0001 --out steady");
    assert!(
        place
            .done("verify steady --parent warm")
            .contains("its first state is the one there")
    );
    let boundaries = |run: &str| chain(run)["chain"].as_array().map_or(0, Vec::len);
    assert_eq!(
        (boundaries("warm"), boundaries("steady")),
        (2, 4),
        "C0 and one segment, C0 and three more"
    );

    for (command, hint) in [
        (
            "run ising --from r --out no",
            "state buffer 'positions' is u32 [8, 3] there and none among",
        ),
        ("run --from r --set warmth=3 --out no", "found the unknown setting 'warmth'"),
        ("run --from next --out no", "is not a run directory"),
        ("run --out no", "PACKAGE"),
        ("verify n --parent n", "the parent is a run of package"),
        ("verify r --parent n", "names none"),
        ("verify steady --parent r", "the parent is a run of package"),
    ] {
        let said = place.baton(command);
        assert!(
            said.code != 0 && said.err.contains(hint),
            "{command}: {} {}",
            said.code,
            said.err
        );
        assert!(!place.path("no").exists(), "{command}");
    }
    // A state that is not the parent's, under its name.
    let manifest = std::fs::read_to_string(place.path("next/kernel.toml")).unwrap();
    let state = place.path("next/state/positions.npy");
    let mut bytes = std::fs::read(&state).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&state, bytes).unwrap();
    assert!(manifest.contains("[parent]"), "{manifest}");
    place.done("run next --segments 1 --out forged");
    let said = place.baton("verify forged --parent r");
    assert!(
        said.code == 1 && said.err.contains("had another 'positions' at step 12"),
        "{}",
        said.err
    );
}

#[test]
fn plots_are_whole_svg_files() {
    let Some(place) = ran("plots_are_whole_svg_files") else {
        return;
    };
    let written = place.json("export r --plot figures --json");
    assert!(written.as_array().is_some_and(|files| files.len() >= 2), "{written}");
    for file in written.as_array().into_iter().flatten() {
        let text = std::fs::read_to_string(place.path(file["file"].as_str().unwrap())).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{file}");
    }
    assert!(place.path("figures/rdf.svg").is_file());
}
