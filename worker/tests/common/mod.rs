//! The built binary in a folder of its own, and a tiny package whose bits anyone can predict.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder that goes away with the value, to run commands in.
pub(crate) struct Place(TempDir);

/// What a command said and how it ended.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A `baton` command, not started.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
        command
            .args(words.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    /// Run to the end.
    pub(crate) fn baton(&self, words: &str) -> Said {
        let Output { status, stdout, stderr } = self.command(words).output().expect("the binary starts");
        Said {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&stdout).into_owned(),
            err: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// Run to the end, which has to be a success.
    pub(crate) fn done(&self, words: &str) -> String {
        let said = self.baton(words);
        assert_eq!(said.code, 0, "baton {words}\n{}\n{}", said.out, said.err);
        said.out
    }

    /// The same, with JSON as the answer.
    pub(crate) fn json(&self, words: &str) -> serde_json::Value {
        let out = self.done(words);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("baton {words}: {error}\n{out}"))
    }

    /// Whether some device can run packages of the portable tier; says so when not.
    pub(crate) fn has_device(&self, test: &str) -> bool {
        let said = self.baton("devices --json");
        let rows: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_default();
        let has = rows
            .as_array()
            .is_some_and(|rows| rows.iter().any(|row| row["portable_class"].is_string()));
        if !has {
            assert!(std::env::var_os("BATON_REQUIRE_GPU").is_none(), "{test}: no device");
            println!("skipped: {test}: no device of the portable tier on this machine");
        }
        has
    }

    /// Ids of the devices that run packages of the portable tier.
    pub(crate) fn portable_devices(&self) -> Vec<String> {
        let rows = self.json("devices --json");
        let portable = rows
            .as_array()
            .into_iter()
            .flatten()
            .filter(|row| row["portable_class"].is_string());
        portable.filter_map(|row| Some(row["id"].as_str()?.to_owned())).collect()
    }

    /// Write the package [`DRIFT`] into folder `drift`.
    pub(crate) fn drift_package(&self) {
        let folder = self.path("drift");
        fs::create_dir(&folder).expect("a new folder");
        fs::write(folder.join("kernel.toml"), DRIFT).expect("written");
        fs::write(folder.join("drift.wgsl"), DRIFT_WGSL).expect("written");
    }
}

/// Eight atoms that drift through a box of 1 × 2 × 4 nm, each by its own number of units a step; three frames a segment.
pub(crate) const DRIFT: &str = r#"
format = 1
name = "drift"
version = "1"
tier = "portable"
[run]
steps_per_segment = 6
segments = 2
time_per_step = 0.002
time_unit = "ps"
[[buffer]]
name = "positions"
type = "u32"
shape = [8, 3]
role = "state"
fill = 305419896
scale = [2.3283064365386963e-10, 4.656612873077393e-10, 9.313225746154785e-10]
unit = "nm"
[[pass]]
name = "drift"
shader = ["drift.wgsl"]
invocations = [24]
[[output]]
name = "trajectory"
buffer = "positions"
every = 2
[[output]]
name = "first"
buffer = "positions"
every = 3
[[output.column]]
name = "first_x"
unit = "nm"
element = 0
scale = 2.3283064365386963e-10
"#;

const DRIFT_WGSL: &str = "
@group(0) @binding(0) var<storage, read_write> positions: array<u32>;
@compute @workgroup_size(64)
fn drift(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < 24u { positions[id.x] += 700000001u * (id.x + 1u); }
}
";

/// Frame `frame` of the output `trajectory`: taken at the end of step 2 · frame.
pub(crate) fn drift_frame(frame: u32) -> Vec<u32> {
    (0..24_u32)
        .map(|i| 305_419_896_u32.wrapping_add(700_000_001_u32.wrapping_mul(i + 1).wrapping_mul(2 * frame + 1)))
        .collect()
}

/// The type, shape text and data of an `.npy` file.
pub(crate) fn npy(path: &Path) -> (String, String, Vec<u8>) {
    let bytes = fs::read(path).expect("an npy file");
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..10 + length]).into_owned();
    let after = |key: &str, end: char| {
        let from = header.find(key).expect("the key is in the header") + key.len();
        header[from..].split(end).next().unwrap_or_default().to_owned()
    };
    (
        after("'descr': '", '\''),
        after("'shape': (", ')'),
        bytes[10 + length..].to_vec(),
    )
}
