//! A backup that is restored: a worker that lived on still gets work, and no number is given twice.

use std::path::Path;

use crate::common::process::Process;
use crate::common::{Person, Worker, a_job, token};
use protocol::http::ServerView;
use reqwest::StatusCode;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

fn at(process: &Process, person: &Person) -> Person {
    Person::new(&process.url, person.token.clone())
}

fn worker_at(process: &Process, worker: &Worker) -> Worker {
    Worker {
        person: at(process, &worker.person),
        host: worker.host,
    }
}

#[tokio::test]
async fn a_worker_that_lived_on_gets_work_from_a_restored_server() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    let server = Process::start(&data, &[]).unwrap();
    let scientist = Person::new(&server.url, token(&data, "scientist"));
    let worker = Worker::register(&server.url, &token(&data, "host"), "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 9).await).await;
    let lease = worker.take().await[0].clone();
    let (_, last) = worker.compute(&lease, None, 2).await;
    let before: ServerView = scientist.get("/v1/server").await;
    server.terminate();
    copy(&data, &backup);

    // A restart is no new life; and it goes on, so that the worker sees later orders and the server gives more numbers.
    let server = Process::start(&data, &[]).unwrap();
    let (scientist, worker) = (at(&server, &scientist), worker_at(&server, &worker));
    assert_eq!(scientist.get::<ServerView>("/v1/server").await, before);
    let (_, last) = worker.compute(&lease, Some(last), 3).await;
    let (late, _) = worker.work(&lease, Some(last), 1, lease.class).await;
    let lost_job = scientist.submit(&a_job(&scientist, 5).await).await;
    let lost_host = Worker::register(&server.url, &token(&data, "host"), "lab", 1).await;
    let lost_lease = lost_host.take().await[0].clone();
    let seen = worker.beat(std::slice::from_ref(&lease)).await;
    assert_eq!((seen.server.as_str(), seen.life), (before.server.as_str(), before.life));
    server.terminate();

    std::fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    let server = Process::start(&data, &[]).unwrap();
    let (scientist, worker) = (at(&server, &scientist), worker_at(&server, &worker));
    let after: ServerView = scientist.get("/v1/server").await;
    assert_eq!(after.server, before.server);
    assert_ne!(after.life, before.life);
    assert_eq!(scientist.job(job).await.segment, 2, "what came after the backup is not known");
    // What it computed under the old lease comes too late, and it has a new one for the same job.
    assert_eq!(worker.commit(lease.attempt, &late).await.status(), StatusCode::GONE);
    let orders = worker.beat(std::slice::from_ref(&lease)).await;
    assert_eq!(orders.life, after.life);
    assert!(
        orders.sequence > seen.sequence,
        "not even a worker that knows nothing of lives takes it as stale"
    );
    let again = worker.take().await[0].clone();
    assert_eq!(again.job, job);
    assert!(again.attempt > lost_lease.attempt && again.epoch > lease.epoch);
    let from = again.checkpoint.clone().expect("it goes on from its boundary").entry;
    let (done, _) = worker.compute(&again, Some(from), 7).await;
    assert_eq!(done.status(), StatusCode::OK);
    let view = scientist.job(job).await;
    assert_eq!((view.state, view.segment), (protocol::JobState::Completed, 9));
    assert!(scientist.submit(&a_job(&scientist, 5).await).await > lost_job);
    let new = Worker::register(&server.url, &token(&data, "host"), "new", 1).await;
    assert!(new.host > lost_host.host);
    server.terminate();
    let server = Process::start(&data, &[]).unwrap();
    assert_eq!(at(&server, &scientist).get::<ServerView>("/v1/server").await, after, "once");
}
