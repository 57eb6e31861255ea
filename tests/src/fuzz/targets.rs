//! What is fuzzed: a corpus of good input, the words of its language, and the reader under test.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernels::package::Package;
use protocol::{Checkpoint, bundle};
use serde::de::DeserializeOwned;

/// Bytes of state that a checkpoint in a test may hold.
const STATE_BYTES_MAX: u64 = 1 << 20;
/// Bytes that a bundle in a test may unpack to.
const BUNDLE_BYTES_MAX: u64 = 1 << 20;

/// One reader.
pub struct Target {
    /// Its name, to run it alone.
    pub name: &'static str,
    /// Good input.
    pub corpus: fn() -> Vec<Vec<u8>>,
    /// Words of its language.
    pub words: &'static [&'static str],
    /// Read: refusing is fine.
    pub read: fn(&[u8]),
    /// Cases that a bounded run tries.
    pub cases: u32,
}

/// Every reader of bytes from outside.
pub const TARGETS: &[Target] = &[
    Target {
        name: "wgsl",
        corpus: || example_files(&[".wgsl"]),
        words: &[
            "fn",
            "var",
            "let",
            "override",
            "array<u32, 4>",
            "array<f32>",
            "vec4<f32>",
            "mat4x4<f32>",
            "ptr<function, u32>",
            "atomic<u32>",
            "@compute",
            "@workgroup_size(64)",
            "@group(0)",
            "@binding(0)",
            "loop {",
            "for (;;) {",
            "while",
            "switch",
            "workgroupBarrier();",
            "break;",
            "return",
            "{",
            "}",
            "(",
            ")",
            "0x7fffffff",
            "1e38f",
            "-1",
            "0u",
            "&",
            "*",
            "/",
            "%",
            "<<",
            ">>",
            "sqrt",
            "select",
        ],
        read: |bytes| read_in_package(".wgsl", bytes),
        cases: 150,
    },
    Target {
        name: "manifest",
        corpus: || example_files(&[".toml"]),
        words: &[
            "[[buffer]]",
            "[[pass]]",
            "[[output]]",
            "[constants]",
            "role",
            "shape",
            "init",
            "= -1",
            "= 1e999",
            "= 4294967296",
            "[\"n\", 3]",
            "\"scratch\"",
            "\"state\"",
            "steps_per_segment",
            "invocations",
            "workgroups",
            "every = 0",
            "\n",
            "\"",
            "../x",
        ],
        read: |bytes| read_in_package(".toml", bytes),
        cases: 300,
    },
    Target {
        name: "archive",
        corpus: || kernels::examples::names().map(archive).collect(),
        words: &[],
        read: |bytes| drop(Package::from_archive(bytes)),
        cases: 150,
    },
    Target {
        name: "bundle",
        corpus: || {
            let entries = BTreeMap::from([("a".to_owned(), vec![1; 10]), ("b".to_owned(), vec![2; 1000])]);
            vec![bundle::pack(&entries).expect("two small entries")]
        },
        words: &[],
        read: |bytes| drop(bundle::unpack(bytes, BUNDLE_BYTES_MAX)),
        cases: 2000,
    },
    Target {
        name: "checkpoint",
        corpus: || vec![include_bytes!("../../../protocol/tests/golden/checkpoint-v1.baton").to_vec()],
        words: &[],
        read: |bytes| drop(Checkpoint::from_bytes(bytes, STATE_BYTES_MAX)),
        cases: 1500,
    },
    Target {
        name: "http-bodies",
        corpus: || {
            let texts = [
                r#"{"name":"n","devices":[],"night":{"from_hour":22,"to_hour":6}}"#,
                r#"{"running":[{"attempt":1,"epoch":2,"segment":3,"steps_per_second":4.5}],"errors":4294967295,"idle":[]}"#,
                r#"{"attempt":1,"epoch":1,"segment":2,"digest":"00","outcome":"success","message":"m"}"#,
            ];
            texts.map(|text| text.as_bytes().to_vec()).to_vec()
        },
        words: &[
            "null",
            "true",
            "1e999",
            "-1",
            "18446744073709551616",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "[[[[",
            "{\"a\":",
            "]",
            "}",
            ",",
            ":",
            "\"",
        ],
        read: |bytes| {
            use protocol::http;
            refused_or_read::<http::RegisterHost>(bytes);
            refused_or_read::<http::Heartbeat>(bytes);
            refused_or_read::<http::LeaveNotice>(bytes);
            refused_or_read::<http::SubmitJob>(bytes);
            refused_or_read::<http::Commit>(bytes);
            refused_or_read::<http::EndAttempt>(bytes);
            refused_or_read::<http::Orders>(bytes);
        },
        cases: 1500,
    },
];

fn refused_or_read<T: DeserializeOwned>(bytes: &[u8]) {
    drop(serde_json::from_slice::<T>(bytes));
}

fn archive(name: &str) -> Vec<u8> {
    let package = kernels::examples::load(name).expect("a shipped example");
    package.to_archive().expect("examples are small")
}

/// The files of a small shipped example.
fn files() -> BTreeMap<String, Vec<u8>> {
    static ARCHIVE: LazyLock<Vec<u8>> = LazyLock::new(|| archive("gray-scott"));
    bundle::unpack(&ARCHIVE, BUNDLE_BYTES_MAX).expect("a good archive")
}

fn example_files(ends: &[&str]) -> Vec<Vec<u8>> {
    let wanted = |(name, _): &(String, Vec<u8>)| ends.iter().any(|end| name.ends_with(end));
    files().into_iter().filter(wanted).map(|(_, bytes)| bytes).collect()
}

/// The example with one of its files replaced.
fn read_in_package(end: &str, bytes: &[u8]) {
    let mut files = files();
    let file = files.iter_mut().find(|(name, _)| name.ends_with(end));
    file.expect("an example has one of each").1.clone_from(&bytes.to_vec());
    let archive = bundle::pack(&files).expect("as small as before");
    drop(Package::from_archive(&archive));
}
