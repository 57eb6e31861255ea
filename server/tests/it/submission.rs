//! A bad package is refused when it is submitted, in the words of the scientist's own `baton`, and no job of it exists.

use std::collections::BTreeMap;

use package::Package;
use protocol::bundle;
use protocol::http::{JobView, Listed, SubmitJob};
use protocol::{Digest, JobState, Tier};
use reqwest::{Method, StatusCode};

use crate::common::process::Process;
use crate::common::{Person, a_job, archive, start, token};
use crate::routes::problem;

const MANIFEST: &str = r#"format = 1
name = "small"
version = "1"
tier = "portable"
[run]
steps_per_segment = 1
segments = 1
[constants]
n = 3
[[buffer]]
name = "inp"
type = "u32"
shape = [8]
role = "constant"
fill = 1
[[buffer]]
name = "res"
type = "u32"
shape = [8]
role = "state"
fill = 0
[[pass]]
name = "go"
shader = ["go.wgsl"]
workgroups = [1]
[[output]]
name = "res"
buffer = "res"
every = 1
"#;
const HEAD: &str = "@group(0) @binding(0) var<storage, read> inp: array<u32>;
@group(0) @binding(1) var<storage, read_write> res: array<u32>;
";

/// A small package with this WGSL behind its two buffers.
fn files(wgsl: &str) -> BTreeMap<String, Vec<u8>> {
    let text = format!("{HEAD}{wgsl}").into_bytes();
    [("go.wgsl".to_owned(), text), ("kernel.toml".to_owned(), MANIFEST.into())].into()
}

fn small(wgsl: &str) -> Vec<u8> {
    bundle::pack(&files(wgsl)).unwrap()
}

/// The same with a text of the manifest replaced.
fn with(from: &str, to: &str) -> Vec<u8> {
    assert!(MANIFEST.contains(from));
    let mut files = files(GOOD);
    files.insert("kernel.toml".to_owned(), MANIFEST.replace(from, to).into_bytes());
    bundle::pack(&files).unwrap()
}

const GOOD: &str = "@compute @workgroup_size(8) fn go(@builtin(local_invocation_index) l: u32) { res[l] = inp[l] + 1u; }";

async fn submission(scientist: &Person, archive: &[u8]) -> SubmitJob {
    let package = Package::from_archive(archive).map_or(Digest::of(b"none"), |package| package.digest());
    SubmitJob {
        package,
        tier: Tier::Portable,
        archive: scientist.upload(archive).await,
        ..a_job(scientist, 1).await
    }
}

#[tokio::test]
async fn a_bad_package_is_refused_with_file_line_and_fix_and_no_job_exists() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let good = small(GOOD);
    let zeros = |bytes| BTreeMap::from([("zeros".to_owned(), vec![0; bytes])]);
    // Name of the case, archive, words of the answer.
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("foreign", b"a package's archive".to_vec(), &["archive: not a bundle"]),
        ("cut off", good[..good.len() / 2].to_vec(), &["archive: "]),
        (
            "empty",
            bundle::pack(&BTreeMap::new()).unwrap(),
            &["kernel.toml: 'kernel.toml': is not in the archive"],
        ),
        (
            "a bomb",
            bundle::pack(&zeros(64 << 20)).unwrap(),
            &["archive: unpacks to more than 34603008 bytes"],
        ),
        (
            "another version",
            with("format = 1", "format = 9"),
            &["kernel.toml: format: found 9, expected 1"],
        ),
        (
            "an unknown key",
            with("every = 1", "evry = 1"),
            &["kernel.toml: TOML parse error at line 29", "evry"],
        ),
        (
            "no such buffer",
            with("buffer = \"res\"", "buffer = \"rse\""),
            &["kernel.toml: output 'res': buffer", "rse"],
        ),
        ("no WGSL", small("fn go( {"), &["go.wgsl:3:8"]),
        (
            "a barrier that a loop of other length reaches",
            small(
                "var<workgroup> w: array<u32, 64>;
@compute @workgroup_size(64) fn go(@builtin(local_invocation_index) l: u32) {
  for (var i = 0u; i < l; i++) {
    w[l] = i;
    workgroupBarrier();
  }
}",
            ),
            &["go.wgsl:7:5", "workgroupBarrier"],
        ),
        (
            "a barrier behind a return",
            small(
                "var<workgroup> w: array<u32, 64>;
@compute @workgroup_size(64) fn go(@builtin(local_invocation_index) l: u32) {
  if l > 40u { return; }
  workgroupBarrier();
  res[l] = w[l];
}",
            ),
            &["go.wgsl:6:3", "workgroupBarrier"],
        ),
    ];
    for (name, archive, words) in cases {
        let job = submission(&scientist, &archive).await;
        let answer = scientist.send(Method::POST, "/v1/jobs", &job).await;
        let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
        assert_eq!(said.field.as_deref(), Some("archive"), "{name}");
        assert!(words.iter().all(|word| said.detail.contains(word)), "{name}: {}", said.detail);
        if name != "a bomb" {
            let local = Package::from_archive(&archive).unwrap_err().to_string();
            assert_eq!(
                said.detail,
                protocol::text::plain(&local),
                "{name}: what the scientist's own baton says, in one line"
            );
        }
        // From the kept verdict.
        let again = scientist.send(Method::POST, "/v1/jobs", &job).await;
        assert_eq!(problem(again, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await, said);
    }
    let jobs: Listed<JobView> = scientist.get("/v1/jobs").await;
    assert_eq!(jobs.items, []);
    server.stop().await;
}

#[tokio::test]
async fn good_packages_are_queued_and_have_to_be_what_the_submission_says() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let override_in_a_variable = "override n: u32;
@compute @workgroup_size(8) fn go(@builtin(local_invocation_index) l: u32) { var x = n; x += l; res[l] = x + inp[l]; }";
    let override_as_a_length = "override n: u32;
var<workgroup> w: array<u32, n>;
@compute @workgroup_size(8) fn go(@builtin(local_invocation_index) l: u32) { w[l % n] = 1u; res[l] = w[l % n] + inp[l]; }";
    for wgsl in [GOOD, override_in_a_variable, override_as_a_length] {
        let job = submission(&scientist, &small(wgsl)).await;
        let id = scientist.submit(&job).await;
        assert_eq!(scientist.job(id).await.state, JobState::Queued, "{wgsl}");
    }
    let good = submission(&scientist, &small(GOOD)).await;
    let other_package = SubmitJob {
        package: archive(Tier::Portable).0,
        ..good.clone()
    };
    let other_tier = SubmitJob {
        tier: Tier::ClassBound,
        ..good.clone()
    };
    for (job, field, expected) in [
        (other_package, "package", good.package.to_string()),
        (other_tier, "tier", "portable".to_owned()),
    ] {
        let answer = scientist.send(Method::POST, "/v1/jobs", &job).await;
        let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
        assert_eq!(said.field.as_deref(), Some(field));
        assert!(said.detail.contains(&format!("expected {expected}")), "{}", said.detail);
    }
    let jobs: Listed<JobView> = scientist.get("/v1/jobs").await;
    assert_eq!(jobs.items.len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn a_package_whose_checkpoint_would_be_too_large_is_refused_when_it_is_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    // The server of the tests takes checkpoints of 1 MiB.
    for (words, taken) in [(240_000, true), (250_000, false), (1_000_000, false)] {
        let state = format!("shape = [{words}]\nrole = \"state\"");
        let archive = with("shape = [8]\nrole = \"state\"", &state);
        let job = submission(&scientist, &archive).await;
        let answer = scientist.send(Method::POST, "/v1/jobs", &job).await;
        if taken {
            assert_eq!(answer.status(), StatusCode::CREATED, "{:?}", answer.text().await);
        } else {
            let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
            let state = format!("hold {} bytes", 4 * words);
            assert!(
                said.detail.contains(&state) && said.detail.contains("--checkpoint-mb-max"),
                "{}",
                said.detail
            );
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_archives_of_some_kilobytes_that_unpack_to_60_mib_each_take_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path(), &["--checkpoint-mb-max=32"]).expect("it starts");
    let scientist = Person::new(&server.url, token(folder.path(), "scientist"));
    let mut jobs = Vec::new();
    for index in 0..8u8 {
        let mut files = files(GOOD);
        files.insert("zeros".to_owned(), vec![index; 60 << 20]);
        jobs.push(submission(&scientist, &bundle::pack(&files).unwrap()).await);
    }
    let sent = jobs.iter().map(|job| scientist.send(Method::POST, "/v1/jobs", job));
    for answer in futures_util::future::join_all(sent).await {
        assert_eq!(answer.status(), StatusCode::CREATED, "{:?}", answer.text().await);
    }
    let peak = server.memory_mib();
    println!("8 archives of 60 MiB: the server took {peak} MiB at most");
    assert!(peak < 200, "{peak} MiB");
}
