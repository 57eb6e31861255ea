//! The last frame of a molecular job: what is fetched for its picture, and by whom it may be.

use std::collections::BTreeMap;

use package::Package;
use protocol::checkpoint::{Checkpoint, Element, StateBuffer, content_digest};
use protocol::http::{Commit, Lease, SubmitJob};
use protocol::{ChainEntry, Digest, Tier};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::common::{Person, Worker, a_job_of, another_scientist, start, token};
use crate::page::{browser, get, login};

/// Three atoms of carbon that stay where they are, in a box of 4 nm.
const MANIFEST: &str = r#"
format = 1
name = "still"
version = "1"
tier = "portable"
[run]
steps_per_segment = 10
segments = 2
[constants]
atoms = 3
[[buffer]]
name = "positions"
type = "u32"
shape = ["atoms", 3]
role = "state"
fill = 0
scale = [9.31322574615478515625e-10, 9.31322574615478515625e-10, 9.31322574615478515625e-10]
unit = "nm"
[[buffer]]
name = "types"
type = "u32"
shape = ["atoms"]
role = "constant"
fill = 0
[[buffer]]
name = "kinds"
type = "f32"
shape = [1, 1]
role = "constant"
fill = 12.011
[[pass]]
name = "stay"
shader = ["stay.wgsl"]
workgroups = [1]
"#;

const SHADER: &str = "
@group(0) @binding(0) var<storage, read_write> positions: array<u32>;

@compute @workgroup_size(1)
fn stay() {
    positions[0] += 0u;
}
";

fn still() -> Package {
    let files = [("kernel.toml", MANIFEST), ("stay.wgsl", SHADER)];
    let files: BTreeMap<String, Vec<u8>> = files.map(|(name, text)| (name.to_owned(), text.into())).into();
    Package::from_files(&files).expect("a good package")
}

/// C0 and a boundary with these positions.
fn boundary(lease: &Lease, words: &[u32]) -> (Commit, Vec<u8>) {
    let buffers = vec![StateBuffer {
        name: "positions".to_owned(),
        element: Element::U32,
        shape: vec![words.len() as u64 / 3, 3],
        bytes: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
    }];
    let content = content_digest(&buffers);
    let first = ChainEntry::next(lease.package, None, 0, content, Digest::of(b"outputs"));
    let entry = ChainEntry::next(lease.package, Some(&first), 10, content, Digest::of(b"outputs"));
    let checkpoint = Checkpoint {
        package: lease.package,
        entry: entry.clone(),
        class: lease.class,
        buffers,
    };
    let bytes = checkpoint.to_bytes().expect("a small checkpoint");
    let commit = Commit {
        epoch: lease.epoch,
        entries: vec![first, entry],
        checkpoint: Digest::of(&bytes),
        outputs: None,
        computed_ms: 1,
        signature: None,
    };
    (commit, bytes)
}

#[tokio::test]
async fn a_frame_is_shown_to_those_who_see_the_job_and_only_where_the_checkpoint_holds_the_packages_particles() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let bob = another_scientist(&operator, "bob").await;
    let package = still();
    let archive = scientist.upload(&package.to_archive().unwrap()).await;
    let still = SubmitJob {
        name: "still".to_owned(),
        package: package.digest(),
        archive,
        segments: 2,
        ..a_job_of(&scientist, Tier::Portable, 2).await
    };
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let browser = browser();
    let (_, cookie) = login(&browser, &server.url, &scientist.token).await;
    let (_, bobs) = login(&browser, &server.url, &bob.token).await;
    let mut paths = Vec::new();
    // The package's own particles, and a state that some host made up.
    for words in [&[0, 0, 0, 1 << 30, 0, 0, 1 << 31, 0, 0][..], &[0, 0, 0]] {
        let job = scientist.submit(&still).await;
        let lease = worker.take().await[0].clone();
        let before = get(&browser, &format!("{}/jobs/{job}/frame", server.url), &cookie).await;
        assert_eq!(before.0, StatusCode::NOT_FOUND, "there is no checkpoint yet");
        let (commit, bytes) = boundary(&lease, words);
        worker.person.upload(&bytes).await;
        assert_eq!(worker.commit(lease.attempt, &commit).await.status(), StatusCode::OK);
        let (_, page) = get(&browser, &format!("{}/jobs/{job}", server.url), &cookie).await;
        let path = page.split("data-frame=\"").nth(1).and_then(|rest| rest.split('"').next());
        paths.push(path.unwrap_or_else(|| panic!("no picture on {page}")).to_owned());
        assert!(page.contains("aria-label=\"3 of 3 particles: 3 C\""), "{page}");
        scientist
            .send(reqwest::Method::POST, &format!("/v1/jobs/{job}/cancel"), &())
            .await;
    }
    let ask = async |path: &str, cookie: &str| get(&browser, &format!("{}{path}", server.url), cookie).await;
    for _ in 0..2 {
        let (status, text) = ask(&paths[0], &cookie).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let scene: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(scene["at"], json!([-1000, 0, 0, 0, 0, 0, 1000, 0, 0]));
        assert_eq!((&scene["names"], &scene["segment"]), (&json!(["C"]), &json!(1)));
    }
    assert_eq!(
        ask(&paths[1], &cookie).await.0,
        StatusCode::NOT_FOUND,
        "one particle is not three"
    );
    assert_eq!(ask(&paths[0], &bobs).await.0, StatusCode::NOT_FOUND, "of somebody else's job");
    assert_eq!(ask(&paths[0], "").await.0, StatusCode::UNAUTHORIZED);
    let walkers = scientist.submit(&a_job_of(&scientist, Tier::Portable, 2).await).await;
    let (_, page) = get(&browser, &format!("{}/jobs/{walkers}", server.url), &cookie).await;
    assert!(!page.contains("data-frame"), "{page}");
    server.stop().await;
}
