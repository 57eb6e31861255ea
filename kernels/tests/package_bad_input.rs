//! Whatever is wrong with a package is refused with a message that names the place, what was found and what was expected;
//! nothing panics, and nothing outside the folder is read.

use std::path::Path;

use kernels::package::{Package, PackageError};
use proptest::prelude::*;

mod package_support;
use package_support::{self as tiny, MANIFEST, load_changed, load_manifest, load_shader, npy};

/// The message of a refused package holds all of these.
#[track_caller]
fn refused(result: Result<Package, PackageError>, parts: &[&str]) {
    let message = match result {
        Ok(_) => panic!("accepted, expected a refusal with {parts:?}"),
        Err(error) => error.to_string(),
    };
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
}

fn put(name: &'static str, bytes: impl AsRef<[u8]>) -> impl FnOnce(&Path) {
    move |folder| std::fs::write(folder.join(name), bytes).expect("a temporary file")
}

#[test]
fn words_that_are_not_in_the_format_are_refused_with_their_line() {
    refused(
        load_manifest("tier = ", "teir = "),
        &["kernel.toml", "line 5", "teir", "unknown field"],
    );
    refused(
        load_manifest("role = \"state\"", "role = \"stat\""),
        &["kernel.toml", "line 21", "`stat`", "`state`"],
    );
    refused(
        load_manifest("segments = 2", "segments = \"2\""),
        &["line 9", "string \"2\"", "u64"],
    );
    refused(
        load_manifest("shape = [\"n\", 3]", "shape = [-1, 3]"),
        &["line 20", "positive integer"],
    );
    refused(
        load_manifest("n = 4", "n = [4]"),
        &["line 14", "expected an integer, a float, true or false"],
    );
    refused(
        load_manifest("tier = \"portable\"\n", ""),
        &["kernel.toml", "missing field `tier`"],
    );
    refused(
        load_manifest("format = 1", "format = 2"),
        &["kernel.toml: format: found 2, expected 1"],
    );
    refused(load_manifest("format = 1", "format = = 1"), &["kernel.toml", "line 1"]);
    refused(
        load_changed(put("kernel.toml", [0xff, 0xfe])),
        &["kernel.toml: line 1", "not UTF-8"],
    );
}

#[test]
fn names_are_identifiers_and_unique() {
    refused(
        load_manifest("name = \"tiny\"", "name = \"Tiny\""),
        &["kernel.toml: name: found 'Tiny'", "lower-case"],
    );
    refused(
        load_manifest("name = \"tiny\"", "name = \"../tiny\""),
        &["name: found '../tiny'"],
    );
    refused(
        load_manifest("name = \"velocities\"", "name = \"positions\""),
        &["buffer 'positions'", "second buffer"],
    );
    refused(
        load_manifest("name = \"velocities\"", "name = \"1st\""),
        &["buffer 1: name", "'1st'", "WGSL identifier"],
    );
    refused(
        load_manifest("name = \"velocities\"", "name = \"clock\""),
        &["'clock'", "step counter"],
    );
    refused(
        load_manifest("name = \"count\"\nshader", "name = \"drift\"\nshader"),
        &["pass 'drift'", "second pass"],
    );
    refused(
        load_manifest("name = \"counts\"", "name = \"trajectory\""),
        &["output 'trajectory'", "second output"],
    );
    refused(
        load_manifest("name = \"counted\"", "name = \"step\""),
        &["output 'counts'", "column 'step'", "another name"],
    );
    refused(
        load_manifest("name = \"counts\"", "name = \"a/b\""),
        &["output 1: name", "'a/b'"],
    );
}

#[test]
fn counts_and_sizes_stay_within_limits() {
    refused(
        load_manifest("n = 4", "n = 0"),
        &["buffer 'positions': shape[0]: found 'n' = 0, expected at least 1"],
    );
    refused(
        load_manifest("n = 4", "n = -4"),
        &["shape[0]: found 'n' = -4, expected at least 1"],
    );
    refused(load_manifest("n = 4", "n = 4.0"), &["'n' = 4.0", "an integer constant"]);
    refused(
        load_manifest("\"n\", 3]", "\"m\", 3]"),
        &["the unknown constant 'm'", "'dt' and 'n'"],
    );
    refused(
        load_manifest("shape = [2]", "shape = []"),
        &["buffer 'total': shape: dimensions: found 0, expected 1 to 8"],
    );
    refused(
        load_manifest("shape = [2]", "shape = [2500000000]"),
        &["10000000128 bytes", "'total'", "at most 4294967296"],
    );
    refused(
        load_manifest("shape = [2]", "shape = [4294967296, 4294967296]"),
        &["buffer 'total': shape", "64 bits"],
    );
    refused(
        load_manifest("shape = [2]", "shape = [1]"),
        &["column 'counted': element: found 0", "1 elements"],
    );
    refused(
        load_manifest("shape = [\"n\", 3]", "shape = [\"n\", 2]"),
        &["layout: found vec4", "last dimension of 2"],
    );
    refused(
        load_manifest("steps_per_segment = 10", "steps_per_segment = 0"),
        &["run: steps_per_segment: found 0, expected 1"],
    );
    refused(load_manifest("segments = 2", "segments = 0"), &["run: segments: found 0"]);
    for (done, parts) in [
        (
            "positons",
            &["run: done: found the unknown buffer 'positons'", "'positions'"][..],
        ),
        (
            "positions",
            &["run: done: found 'positions' of role state and type f32, expected a state buffer of u32"],
        ),
        ("total", &["run: done: found 'total' of role observable and type u32"]),
    ] {
        let with_flag = format!("segments = 2\ndone = \"{done}\"");
        refused(load_manifest("segments = 2", &with_flag), parts);
    }
    let started =
        "[[buffer]]\nname = \"over\"\ntype = \"u32\"\nshape = [1]\nrole = \"state\"\nfill = 7\n\n[[pass]]\nname = \"drift\"";
    let ended = MANIFEST.replace("segments = 2", "segments = 2\ndone = \"over\"");
    let ended = ended.replace("[[pass]]\nname = \"drift\"", started);
    refused(
        load_changed(put("kernel.toml", ended)),
        &["buffer 'over': first element: found a value other than 0, expected 0"],
    );
    refused(
        load_manifest("time_per_step = 0.5", "time_per_step = nan"),
        &["run: time_per_step: found NaN"],
    );
    refused(
        load_manifest("time_unit = \"ps\"\n", ""),
        &["kernel.toml: run: time_per_step: found 0.5 without time_unit: add time_unit = \"ps\""],
    );
    refused(
        load_manifest("time_per_step = 0.5\n", ""),
        &["kernel.toml: run: time_unit: found without time_per_step"],
    );
    refused(
        load_manifest("dt = 0.5", "dt = inf"),
        &["constants: dt: found inf, expected a finite number"],
    );
    refused(
        load_manifest("[\"n\"]", "[100000000]"),
        &["pass 'drift': invocations[0]: found 1562500 workgroups, expected at most 65535"],
    );
    refused(
        load_manifest("workgroups = [1]", "workgroups = [1, 1, 1, 1]"),
        &["workgroups: dimensions: found 4, expected 1 to 3"],
    );
    refused(
        load_manifest("steps_per_segment = 10", "steps_per_segment = 4000000000"),
        &["output 'trajectory'", "rows in a segment", "found 800000000"],
    );
    refused(
        load_changed(put("kernel.toml", format!("{MANIFEST}#{}", "x".repeat(1 << 20)))),
        &["kernel.toml: found 10", "expected at most 1048576"],
    );
    refused(
        load_changed(put("drift.wgsl", " ".repeat((256 << 10) + 1))),
        &["pass 'drift'", "drift.wgsl", "found 262145 bytes"],
    );
    refused(
        load_changed(|folder| {
            let space = " ".repeat(200 << 10);
            put("common.wgsl", format!("{}\n{space}", tiny::COMMON))(folder);
            put("count.wgsl", format!("{}\n{space}", tiny::COUNT))(folder);
        }),
        &["pass 'count': shader: found 40", "bytes in all", "at most 262144"],
    );
    refused(
        load_changed(|folder| {
            let mut manifest = MANIFEST.to_owned();
            for k in 0..20 {
                let name: &'static str = format!("p{k}.wgsl").leak();
                put(name, format!("{}//{}{k}", tiny::DRIFT, " ".repeat(250 << 10)))(folder);
                manifest.push_str(&format!(
                    "\n[[pass]]\nname = \"p{k}\"\nshader = [\"{name}\"]\nworkgroups = [1]\n"
                ));
            }
            put("kernel.toml", manifest)(folder);
        }),
        &["pass 'p16': shader", "bytes of different joined texts", "at most 4194304"],
    );
    let pass = "\n[[pass]]\nname = \"p$\"\nshader = [\"drift.wgsl\"]\nworkgroups = [1]\n";
    let many: String = (0..512).map(|k| pass.replace('$', &k.to_string())).collect();
    refused(
        load_changed(put("kernel.toml", format!("{MANIFEST}{many}"))),
        &["[[pass]] sections: found 514, expected 1 to 512"],
    );
}

#[test]
fn initial_contents_fit_their_buffers() {
    let init = "init = \"positions.npy\"\n";
    refused(
        load_manifest(init, ""),
        &["buffer 'positions': init: found neither init nor fill"],
    );
    refused(
        load_manifest("fill = 0.25", "fill = 0.25\ninit = \"v.npy\""),
        &["'velocities': fill: found both init and fill"],
    );
    refused(
        load_manifest("fill = 0.25", "fill = 1e39"),
        &["'velocities': fill: found 1e39", "f32 can hold"],
    );
    refused(
        load_manifest("fill = 0.25", "fill = true"),
        &["'velocities': fill: found true"],
    );
    refused(
        load_manifest("role = \"observable\"", "role = \"observable\"\nfill = 0"),
        &["'total': fill: found initial contents", "zero"],
    );
    refused(
        load_manifest("role = \"observable\"", "role = \"state\"\nfill = -1"),
        &["'total': fill: found -1", "0 to 4294967295"],
    );

    let remove = |folder: &Path| std::fs::remove_file(folder.join("positions.npy")).expect("it is there");
    refused(
        load_changed(remove),
        &["buffer 'positions': init: 'positions.npy'", "No such file"],
    );
    let changed = |descr, shape, bytes: &[u8]| load_changed(put("positions.npy", npy(descr, shape, bytes)));
    refused(
        changed("<f4", "(3, 4)", &tiny::positions()),
        &["positions.npy: found shape (3, 4), expected (4, 3)", "kernel.toml: buffer"],
    );
    refused(
        changed("<f4", "(12,)", &tiny::positions()),
        &["found shape (12,), expected (4, 3)"],
    );
    refused(
        changed("<f8", "(4, 3)", &[0; 96]),
        &["found type '<f8', expected '<f4'", "astype(numpy.float32)"],
    );
    refused(
        changed(">f4", "(4, 3)", &tiny::positions()),
        &["found type '>f4', expected '<f4'"],
    );
    refused(
        changed("<f4", "(4, 3)", &[0; 47]),
        &["positions.npy: found 47 bytes of data, expected 48"],
    );
    refused(changed("<f4", "(4, 3)", &[0; 49]), &["found 49 bytes of data, expected 48"]);
    let mut nan = tiny::positions();
    nan[28..32].copy_from_slice(&f32::NAN.to_le_bytes());
    refused(
        changed("<f4", "(4, 3)", &nan),
        &["positions.npy: found NaN at [2, 1], expected finite numbers"],
    );
    nan[28..32].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
    refused(changed("<f4", "(4, 3)", &nan), &["found -inf at [2, 1]"]);
    refused(
        load_changed(put("positions.npy", "no array")),
        &["positions.npy", "no NumPy magic number"],
    );
    let fortran = String::from_utf8_lossy(&npy("<f4", "(4, 3)", &[])).replace("False, ", "True,  ");
    let mut fortran = [
        b"\x93NUMPY\x01\x00v\x00",
        fortran.rsplit("\u{1}\0v\0").next().unwrap_or("").as_bytes(),
    ]
    .concat();
    fortran.extend_from_slice(&tiny::positions());
    refused(
        load_changed(put("positions.npy", fortran)),
        &["positions.npy: found Fortran order, expected C order"],
    );
    refused(
        load_changed(put("positions.npy", vec![0; 1 << 20])),
        &["positions.npy", "found 1048576 bytes, expected at most"],
    );
}

#[test]
fn files_lie_inside_the_folder() {
    for path in [
        "/etc/passwd",
        "../positions.npy",
        "a/../../positions.npy",
        "..\\\\positions.npy",
        "C:\\\\p.npy",
        ".p.npy",
        "a//p.npy",
        "",
    ] {
        let result = load_manifest("init = \"positions.npy\"", &format!("init = \"{path}\""));
        refused(
            result,
            &["buffer 'positions': init: found '", "expected a file inside the package"],
        );
    }
    refused(
        load_manifest("[\"drift.wgsl\"]", "[\"../drift.wgsl\"]"),
        &["pass 'drift': shader: found '../drift.wgsl'"],
    );
    refused(
        load_manifest("[\"drift.wgsl\"]", "[\"kernel.toml\"]"),
        &["pass 'drift': shader: found 'kernel.toml'", ".wgsl"],
    );
    refused(
        load_manifest("[\"drift.wgsl\"]", "[\"draft.wgsl\"]"),
        &["pass 'drift': shader: 'draft.wgsl'", "No such file"],
    );
    refused(
        load_manifest("[\"drift.wgsl\"]", "[]"),
        &["pass 'drift': shader: files: found 0"],
    );
    refused(
        load_manifest("[\"drift.wgsl\"]", "[\"drift.wgsl\", \"drift.wgsl\"]"),
        &["'drift.wgsl' twice"],
    );
    refused(
        load_manifest("[\"drift.wgsl\"]", "[\"COUNT.wgsl\"]"),
        &["'COUNT.wgsl' and 'count.wgsl'", "case"],
    );
    let folder = |folder: &Path| {
        std::fs::remove_file(folder.join("drift.wgsl")).expect("it is there");
        std::fs::create_dir(folder.join("drift.wgsl")).expect("a new folder");
    };
    refused(
        load_changed(folder),
        &["'drift.wgsl': found a folder or a device, expected a plain file"],
    );
    refused(
        Package::load(Path::new("/nowhere/at/all")),
        &["/nowhere/at/all: cannot open this folder"],
    );
}

#[cfg(unix)]
#[test]
fn links_out_of_the_package_are_not_followed() {
    let secret = tempfile::tempdir().expect("a temporary folder");
    let target = secret.path().join("drift.wgsl");
    std::fs::write(&target, tiny::DRIFT).expect("a temporary file");
    let link = |to: &Path| {
        let to = to.to_owned();
        move |folder: &Path| {
            std::fs::remove_file(folder.join("drift.wgsl")).expect("it is there");
            std::os::unix::fs::symlink(to, folder.join("drift.wgsl")).expect("a new link");
        }
    };
    refused(
        load_changed(link(&target)),
        &["'drift.wgsl': found a link out of the package, expected a file inside it"],
    );
    refused(
        load_changed(link(Path::new("/dev/zero"))),
        &["'drift.wgsl': found a link out of the package"],
    );
    let inside = |folder: &Path| {
        std::fs::rename(folder.join("drift.wgsl"), folder.join("true.wgsl")).expect("it is there");
        std::os::unix::fs::symlink("true.wgsl", folder.join("drift.wgsl")).expect("a new link");
    };
    load_changed(inside).expect("a link to a file of the package itself is fine");
    let linked_manifest = |folder: &Path| {
        std::fs::rename(folder.join("kernel.toml"), secret.path().join("kernel.toml")).expect("it is there");
        std::os::unix::fs::symlink(secret.path().join("kernel.toml"), folder.join("kernel.toml")).expect("a new link");
    };
    refused(
        load_changed(linked_manifest),
        &["kernel.toml: found a link out of the package"],
    );
}

#[test]
fn wgsl_errors_point_into_the_authors_own_file_and_line() {
    refused(
        load_shader("count.wgsl", "clock.x + common_one()", "clock.x + + common_one()"),
        &[
            "count.wgsl:6:24: ",
            "6 |     sum[0] = clock.x + + common_one();\n  |                        ^",
        ],
    );
    refused(load_shader("common.wgsl", "return 1u;", "return 1.5;"), &["common.wgsl:1:"]);
    refused(
        load_shader("drift.wgsl", "dt * velocities", "dt * velocity"),
        &["drift.wgsl:9:", "velocity"],
    );
    refused(
        load_shader("drift.wgsl", "dt * velocities[id.x]", "dt * velocities[id.x] + 1u"),
        &["drift.wgsl:9:"],
    );
    refused(load_shader("drift.wgsl", "positions[id.x] +=", "ä"), &["drift.wgsl:9:"]);
    refused(
        load_changed(put("drift.wgsl", "")),
        &["pass 'drift': entry", "no name", "drift.wgsl: none"],
    );
    refused(
        load_changed(put("drift.wgsl", [b'/', b'/', b'\n', 0xc3])),
        &["drift.wgsl: line 2", "not UTF-8"],
    );
}

#[test]
fn passes_fit_their_wgsl() {
    refused(
        load_manifest("entry = \"count\"", "entry = \"counts\""),
        &["pass 'count': entry: found 'counts'", "'count'"],
    );
    refused(
        load_shader(
            "count.wgsl",
            "@compute @workgroup_size(1)",
            "@compute @workgroup_size(1) fn other() {}\n@compute @workgroup_size(0)",
        ),
        &["count.wgsl"],
    );
    refused(
        load_manifest("sum = \"total\"", "sum = \"totals\""),
        &["bindings: sum: found the unknown buffer 'totals'", "'total'"],
    );
    refused(
        load_manifest("sum = \"total\"", "sum = \"total\", some = \"total\""),
        &["bindings: some", "does not use", "'sum'"],
    );
    refused(
        load_manifest("bindings = { sum = \"total\" }", ""),
        &["count.wgsl:1:", "'sum', which is no buffer's name", "'total'"],
    );
    refused(
        load_shader("count.wgsl", "@group(0) @binding(0)", "@group(1) @binding(0)"),
        &["count.wgsl:1:", "@group(1)", "@group(0)"],
    );
    refused(
        load_manifest(
            "type = \"f32\"\nshape = [\"n\", 3]\nrole = \"constant\"\nlayout = \"vec4\"\nfill = 0.25",
            "type = \"i32\"\nshape = [\"n\", 3]\nrole = \"constant\"\nlayout = \"vec4\"\nfill = 1",
        ),
        &[
            "drift.wgsl:4:",
            "'velocities'",
            "does not fit buffer 'velocities'",
            "array<vec4<i32>> (layout vec4)",
        ],
    );
    refused(
        load_shader("count.wgsl", "clock: vec4<u32>", "clock: vec2<u32>"),
        &["count.wgsl:2:", "'clock'", "vec4<u32>"],
    );
    refused(
        load_shader("drift.wgsl", "read> velocities", "read_write> velocities"),
        &[
            "drift.wgsl:4:",
            "writable 'velocities'",
            "constant buffer",
            "var<storage, read>",
        ],
    );
    refused(
        load_changed(put("drift.wgsl", tiny::DRIFT.replace("vec4<f32>", "f32"))),
        &["drift.wgsl:3:", "'positions'", "expected array<vec4<f32>> (layout vec4)"],
    );
    refused(
        load_manifest("layout = \"vec4\"\nfill", "fill"),
        &[
            "drift.wgsl:4:",
            "'velocities' of a type that does not fit",
            "shape [4, 3]",
            "(layout packed)",
        ],
    )
}

#[test]
fn two_variables_for_one_written_buffer_are_refused() {
    let again = "@group(0) @binding(3) var<storage, read> again: array<vec4<f32>>;\n@compute";
    let result = load_changed(|folder| {
        put(
            "kernel.toml",
            MANIFEST.replacen("[\"n\"]", "[\"n\"]\nbindings = { again = \"positions\" }", 1),
        )(folder);
        put(
            "drift.wgsl",
            tiny::DRIFT
                .replacen("@compute", again, 1)
                .replacen("+= dt", "= again[0] + dt", 1),
        )(folder);
    });
    refused(
        result,
        &["drift.wgsl:6:", "'positions' bound to both 'positions' and 'again'"],
    );
}

#[test]
fn constants_fit_their_overrides() {
    refused(
        load_manifest("dt = 0.5\n", ""),
        &["drift.wgsl:2:", "no value for 'override dt'", "kernel.toml: constants"],
    );
    refused(
        load_manifest("dt = 0.5\n", "dt = 1\n"),
        &["constants: dt: found 1, expected a float", "'override dt' in drift.wgsl"],
    );
    refused(
        load_manifest("dt = 0.5\n", "dt = 1e40\n"),
        &["constants: dt: found 1e40", "f32 can hold"],
    );
    refused(
        load_manifest("[\"n\"]", "[\"n\"]\nconstants = { n = 5000000000 }"),
        &["pass 'drift': constants: n: found 5000000000", "(u32)"],
    );
    refused(
        load_manifest("[\"n\"]", "[\"n\"]\nconstants = { n = -1 }"),
        &["pass 'drift': constants: n: found -1"],
    );
    refused(
        load_manifest("[\"n\"]", "[\"n\"]\nconstants = { m = 1 }"),
        &["pass 'drift': constants: m", "no such override", "'n' and 'dt'"],
    );
    refused(
        load_shader("drift.wgsl", "@workgroup_size(64)", "@workgroup_size(n - 4)"),
        &["drift.wgsl:6:26", "found 0 as a workgroup size"],
    );
}

#[test]
fn dispatch_sizes_are_given_once_and_indirect_ones_fit() {
    refused(
        load_manifest("invocations = [\"n\"]", ""),
        &["pass 'drift': invocations: found no size"],
    );
    refused(
        load_manifest("invocations = [\"n\"]", "invocations = [4]\nworkgroups = [1]"),
        &["pass 'drift'", "several sizes"],
    );
    refused(
        load_manifest("every = 5\nb", "every = 0\nb"),
        &["pass 'count': every: found 0"],
    );
    refused(
        load_manifest("every = 5\nb", "every = 5\noffset = 5\nb"),
        &["pass 'count': offset: found 5, expected less than every = 5"],
    );
    let indirect = |to: &str| load_manifest("invocations = [\"n\"]", &format!("indirect = {to}"));
    refused(
        indirect("{ buffer = \"totals\" }"),
        &["pass 'drift': indirect: buffer: found the unknown buffer 'totals'"],
    );
    refused(
        indirect("{ buffer = \"velocities\" }"),
        &["indirect: buffer: found 'velocities' of type f32", "u32"],
    );
    refused(
        indirect("{ buffer = \"total\" }"),
        &["indirect: element: found 0", "three elements inside the 2 of buffer 'total'"],
    );
    let own = MANIFEST
        .replace("shape = [2]", "shape = [3]")
        .replace("workgroups = [1]", "indirect = { buffer = \"total\" }");
    refused(
        load_changed(put("kernel.toml", own)),
        &["pass 'count': indirect: buffer: found 'total'", "through 'sum'"],
    );
}

#[test]
fn outputs_refer_to_what_is_there() {
    refused(
        load_manifest("buffer = \"positions\"\nevery = 5", "buffer = \"velocities\"\nevery = 5"),
        &["output 'trajectory'", "role constant"],
    );
    refused(
        load_manifest("buffer = \"positions\"\nevery = 5", "buffer = \"place\"\nevery = 5"),
        &["output 'trajectory'", "'place'"],
    );
    refused(
        load_manifest("buffer = \"positions\"\nevery = 5", "buffer = \"positions\"\nevery = 3"),
        &["every: found 3", "steps_per_segment = 10"],
    );
    refused(
        load_manifest("after = \"count\"", "after = \"counts\""),
        &["output 'counts': after: found the unknown pass 'counts'"],
    );
    refused(
        load_manifest("every = 5\nbind", "every = 10\nbind"),
        &["output 'counts': after", "every = 10", "every = 5"],
    );
    refused(
        load_manifest("element = 0", "element = 1"),
        &["column 'counted': element: found 1, expected less than 1"],
    );
    refused(
        load_manifest("scale = 0.5", "scale = nan"),
        &["column 'counted': scale: found NaN"],
    );
    refused(
        load_manifest("[[output]]", "[evaluate]\nuntil = \"drift\"\nforces = \"total\"\n[[output]]"),
        &["evaluate: forces: found buffer 'total' of type u32", "[n, 3]"],
    );
    refused(
        load_manifest(
            "[[output]]",
            "[evaluate]\nuntil = \"end\"\nforces = \"positions\"\n[[output]]",
        ),
        &["evaluate: until: found the unknown pass 'end'"],
    );
    let energies = "[evaluate]\nuntil = \"drift\"\nforces = \"positions\"\nenergies = { lj = \"energy\" }\n[[output]]";
    refused(
        load_manifest("[[output]]", energies),
        &["evaluate: energies: lj: found the unknown column 'energy'", "'counted'"],
    );
    refused(
        load_manifest("[[output]]", "[faults]\n1 = \"overflow\"\n[[output]]"),
        &["faults", "observable u32 buffer named 'fault'"],
    );
}

/// What a device may raise on its own shows in nothing that leaves it.
#[test]
fn only_scratch_grows() {
    let with_pass = |grow: &str, count: &str| {
        let buffers = "[[buffer]]\nname = \"fault\"\ntype = \"u32\"\nshape = [1]\nrole = \"observable\"\n\
                       [[buffer]]\nname = \"list\"\ntype = \"u32\"\nshape = [\"room\", 2]\nrole = \"scratch\"\n";
        let manifest = MANIFEST
            .replacen("n = 4\n", "n = 4\nroom = 8\nspare = 8\nzero = 0\n", 1)
            .replacen("[[pass]]", &format!("{buffers}[[pass]]"), 1)
            .replacen("invocations = [\"n\"]", &format!("invocations = [\"{count}\"]"), 1)
            .replacen(
                "[[output]]",
                &format!("[faults]\n7 = \"no room\"\n[grow]\n{grow}\n[[output]]"),
                1,
            );
        load_changed(put("kernel.toml", manifest))
    };
    let with = |grow: &str| with_pass(grow, "n");
    let package = with("7 = [\"room\"]").expect("a package");
    let grown = package.grown(7).expect("it grows").expect("within the limits");
    assert_eq!(grown.shape(4), [16, 2]);
    assert_eq!(grown.digest(), package.digest());
    assert!(package.grown(8).is_none());
    refused(
        with("8 = [\"room\"]"),
        &["grow: 8: found a value without a meaning", "faults: 8 ="],
    );
    refused(with("7 = []"), &["grow: 7: found no constants"]);
    refused(
        with("7 = [\"rooms\"]"),
        &["grow: 7: found 'rooms'", "an integer constant above 0"],
    );
    refused(with("7 = [\"dt\"]"), &["grow: 7: found 'dt'", "an integer constant above 0"]);
    refused(
        with("7 = [\"zero\"]"),
        &["grow: 7: found 'zero'", "an integer constant above 0"],
    );
    refused(
        with("7 = [\"n\"]"),
        &["grow: 7: found 'n'", "counts the state buffer 'positions'"],
    );
    refused(with("7 = [\"spare\"]"), &["grow: 7: found 'spare', which counts no buffer"]);
    refused(
        with_pass("7 = [\"room\"]", "room"),
        &["grow: 7: found 'room', which pass 'drift' is dispatched by"],
    );
}

#[test]
fn endless_expressions_exhaust_no_stack() {
    let with = |body: String| {
        load_changed(put(
            "drift.wgsl",
            format!("@compute @workgroup_size(64) fn drift() {{ {body} }}"),
        ))
    };
    with(format!("var x = 1u; x = {}x;", "x + ".repeat(20_000)))
        .map(|_| ())
        .unwrap_or(());
    let nested = |open: &str, close: &str, count: usize| format!("{}{}", open.repeat(count), close.repeat(count));
    refused(
        with(format!("var x = {}1u{};", "(".repeat(100_000), ")".repeat(100_000))),
        &["drift.wgsl"],
    );
    refused(with(nested("{", "}", 100_000)), &["drift.wgsl"]);
    refused(with(format!("var x = {}1;", "-".repeat(100_001))), &["drift.wgsl"]);
    refused(
        load_changed(put("kernel.toml", format!("x = {}", "[".repeat(500_000)))),
        &["kernel.toml"],
    );
}

#[test]
fn the_documented_messages_are_the_real_ones() {
    let documentation = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kernel-package.md");
    let documentation = std::fs::read_to_string(documentation).expect("the documentation");
    let mut nan = tiny::positions();
    nan[28..32].copy_from_slice(&f32::NAN.to_le_bytes());
    for wrong in [
        load_manifest("n = 4", "n = 0"),
        load_changed(put("positions.npy", npy("<f4", "(3, 4)", &tiny::positions()))),
        load_changed(put("positions.npy", npy("<f4", "(4, 3)", &nan))),
        load_manifest("dt = 0.5\n", ""),
    ] {
        let message = wrong.expect_err("it is wrong").to_string();
        assert!(documentation.contains(&message), "the documentation lacks: {message}");
    }
}

/// A few bytes of a text replaced, inserted or removed.
fn mutated(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        0..text.len(),
        0u8..4,
        prop_oneof![
            any::<u8>(),
            proptest::sample::select(b"[]{}()=\".,:;<>@0159enu-+*/ \n".to_vec())
        ],
    );
    proptest::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, kind, byte) in edits {
            let at = at.min(bytes.len() - 1);
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..(at + 20).min(bytes.len())),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_manifest_loads_or_is_refused(bytes in mutated(MANIFEST)) {
        if let Err(error) = load_changed(put("kernel.toml", bytes)) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn mutated_wgsl_loads_or_is_refused_with_its_file(drift in mutated(tiny::DRIFT), count in mutated(tiny::COUNT)) {
        let result = load_changed(|folder| {
            put("drift.wgsl", drift)(folder);
            put("count.wgsl", count)(folder);
        });
        if let Err(error) = result {
            let message = error.to_string();
            prop_assert!(!message.contains("broke down"), "{}", message);
            prop_assert!(message.contains(".wgsl") || message.contains("kernel.toml: "), "{}", message);
        }
    }

    #[test]
    fn mutated_arrays_load_or_are_refused(at in 0usize..176, byte: u8) {
        let mut file = npy("<f4", "(4, 3)", &tiny::positions());
        let at = at.min(file.len() - 1);
        file[at] = byte;
        let _ = load_changed(put("positions.npy", file));
    }
}
