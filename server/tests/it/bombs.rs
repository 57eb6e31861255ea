//! A few bytes that unpack to many: checked all the same, in little memory, however many come at once.

use crate::common::process::Process;
use crate::common::{Person, Worker, a_job, token};
use protocol::checkpoint::{Element, content_digest};
use protocol::http::Commit;
use protocol::{ChainEntry, Checkpoint, Digest, StateBuffer};
use reqwest::StatusCode;

const STATE_BYTES: usize = 128 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_checkpoints_of_some_kilobytes_that_unpack_to_128_mib_each_take_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path(), &[]).expect("it starts");
    let scientist = Person::new(&server.url, token(folder.path(), "scientist"));
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    scientist.submit(&a_job(&scientist, 9).await).await;
    let lease = worker.take().await[0].clone();
    let buffers = vec![StateBuffer {
        name: "zeros".to_owned(),
        element: Element::U32,
        shape: vec![(STATE_BYTES / 4) as u64],
        bytes: vec![0; STATE_BYTES],
    }];
    let zero = ChainEntry::next(lease.package, None, 0, content_digest(&buffers), Digest::of(b"outputs"));
    let mut bomb = Checkpoint {
        package: lease.package,
        entry: zero,
        class: lease.class,
        buffers,
    };
    let bytes = bomb.to_bytes().unwrap();
    assert!(bytes.len() < 40_000, "{} bytes", bytes.len());
    let honest = Commit {
        epoch: lease.epoch,
        entries: vec![bomb.entry.clone()],
        checkpoint: worker.person.upload(&bytes).await,
        outputs: None,
        computed_ms: 1,
        signature: None,
    };
    // The same bytes under another boundary's digest: known to be wrong only once all of it was unpacked.
    bomb.entry.content = Digest::of(b"something else");
    let forged = Commit {
        checkpoint: worker.person.upload(&bomb.to_bytes().unwrap()).await,
        entries: vec![bomb.entry.clone()],
        ..honest.clone()
    };
    drop(bomb);
    let commits = (0..8).map(|index| worker.commit(lease.attempt, if index % 2 == 0 { &honest } else { &forged }));
    let answers = futures_util::future::join_all(commits).await;
    let status: Vec<StatusCode> = answers.iter().map(reqwest::Response::status).collect();
    for (index, status) in status.iter().enumerate() {
        let expected = if index % 2 == 0 {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        assert_eq!(*status, expected, "{index}");
    }
    let peak = server.memory_mib();
    println!("8 commits of 128 MiB: the server took {peak} MiB at most");
    assert!(peak < 250, "{peak} MiB");
}
