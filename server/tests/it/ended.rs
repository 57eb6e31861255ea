//! Jobs that ended long ago, and blobs that nothing needs: the first stay answerable, the second go, also over a restart.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::common::postgres::Cluster;
use crate::common::{Person, Worker, a_job, compute, options, token};
use protocol::http::lease::ChainLine;
use protocol::http::{JobView, Listed, Problem, SubmitJob, Why};
use protocol::{Digest, JobId, JobState};
use reqwest::{Method, StatusCode};
use scheduler::Config;
use server::serve::{Options, Server};
use server::sweep::{Ages, once};

/// A server whose finished jobs leave memory after a moment.
async fn forgetful(folder: &Path, database: Option<String>) -> (Server, Person) {
    let config = Config {
        retire_ms: 50,
        ..Config::default()
    };
    let options = Options {
        config,
        ..options(folder, database)
    };
    let server = Server::start(options).await.unwrap();
    let scientist = Person::new(&server.url, token(folder, "scientist"));
    (server, scientist)
}

async fn until_forgotten(server: &Server, job: JobId) {
    for _ in 0..500 {
        if server.engine.core().await.job(job).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("job {job} stays in memory");
}

async fn stays_answerable(folder: &Path, database: Option<String>) {
    let (server, scientist) = forgetful(folder, database).await;
    let worker = Worker::register(&server.url, &token(folder, "host"), "desk", 1).await;
    let template = a_job(&scientist, 3).await;
    let first = scientist.submit(&template).await;
    let held = scientist
        .submit(&SubmitJob {
            hold: true,
            ..template.clone()
        })
        .await;
    let lease = worker.take().await[0].clone();
    worker.compute(&lease, None, 3).await;
    until_forgotten(&server, first).await;

    let view = scientist.job(first).await;
    assert_eq!((view.state, view.segment, view.stays.len()), (JobState::Completed, 3, 1));
    let why: Why = scientist.get(&format!("/v1/jobs/{first}/why")).await;
    assert!(
        why.sentence.contains("completed: its last boundary is safe") && why.changes.len() > 2,
        "{}",
        why.sentence
    );
    let chain: Listed<ChainLine> = scientist.get(&format!("/v1/jobs/{first}/chain")).await;
    let entries: Vec<_> = chain.items.into_iter().map(|line| line.entry).collect();
    assert_eq!(entries, compute(template.package, None, 3));
    let list = async |query: &str| -> Vec<JobId> {
        let list: Listed<JobView> = scientist.get(&format!("/v1/jobs{query}")).await;
        list.items.iter().map(|view| view.job).collect()
    };
    assert_eq!(list("").await, [first, held]);
    assert_eq!(list("?state=completed").await, [first]);
    assert_eq!(list("?state=held").await, [held]);
    assert_eq!(list("?cursor=1").await, [held]);
    let cancel = scientist.send(Method::POST, &format!("/v1/jobs/{first}/cancel"), &()).await;
    assert_eq!(cancel.status(), StatusCode::CONFLICT);
    let problem: Problem = cancel.json().await.unwrap();
    assert!(problem.detail.contains("is completed"), "{problem}");
    let operator = Person::new(&server.url, token(folder, "operator"));
    let wanted = serde_json::json!({"scope": "scientist", "subject": "bob"});
    let issued: protocol::http::IssuedToken = operator.post("/v1/tokens", &wanted).await;
    let bob = Person::new(&server.url, issued.token);
    let path = format!("/v1/jobs/{first}");
    let response = bob.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND, "other people's jobs are not there");
    let mut stream = scientist
        .request(Method::GET, &format!("{path}/events"))
        .send()
        .await
        .unwrap();
    assert!(stream.chunk().await.unwrap().unwrap().starts_with(b"event: job"));

    // Another job starts from where it ended, its blobs having outlived a sweep.
    assert_eq!(once(&server.app, &mut BTreeSet::new(), NOW).await.unwrap(), 0);
    let next = SubmitJob {
        after: Some(first),
        segments: 2,
        ..template
    };
    let second = scientist.submit(&next).await;
    let lease = worker.take().await[0].clone();
    assert_eq!((lease.job, lease.until_segment), (second, 5));
    assert_eq!(lease.checkpoint.map(|from| from.entry.digest), view.chain);
    server.stop().await;
}

const NOW: Ages = Ages {
    superseded: Duration::ZERO,
    orphan: Duration::ZERO,
    unfinished: Duration::ZERO,
};

#[tokio::test]
async fn a_job_that_left_memory_stays_answerable_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    stays_answerable(folder.path(), None).await;
}

#[tokio::test]
async fn a_job_that_left_memory_stays_answerable_on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    stays_answerable(folder.path(), Some(cluster.database("ended"))).await;
}

#[tokio::test]
async fn lists_of_many_jobs_come_in_pages_each_job_once_in_order_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = forgetful(folder.path(), None).await;
    let template = SubmitJob {
        hold: true,
        ..a_job(&scientist, 3).await
    };
    let mut jobs = Vec::new();
    for index in 0..230 {
        let job = scientist.submit(&template).await;
        if index % 3 != 0 {
            let _: JobView = scientist.post(&format!("/v1/jobs/{job}/cancel"), &()).await;
        }
        jobs.push(job);
    }
    until_forgotten(&server, jobs[229]).await;
    let (mut found, mut query) = (Vec::new(), String::new());
    for _ in 0..10 {
        let list: Listed<JobView> = scientist.get(&format!("/v1/jobs{query}")).await;
        assert!(list.items.len() <= 100);
        found.extend(list.items.iter().map(|view| view.job));
        match list.next {
            Some(next) => query = format!("?cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, jobs);
    server.stop().await;
}

#[tokio::test]
async fn what_was_superseded_goes_also_when_a_restart_came_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = forgetful(folder.path(), None).await;
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let template = a_job(&scientist, 9).await;
    let job = scientist.submit(&template).await;
    let lease = worker.take().await[0].clone();
    let (_, one) = worker.compute(&lease, None, 1).await;
    let first = scientist.job(job).await.checkpoint.unwrap();
    let (_, two) = worker.compute(&lease, Some(one), 1).await;
    let second = scientist.job(job).await.checkpoint.unwrap();
    let junk = scientist.upload(b"nobody ever speaks of this again").await;
    server.stop().await;
    let (server, scientist) = forgetful(folder.path(), None).await;
    let there = async |digest: Digest| server.app.blobs.size(digest).await.unwrap().is_some();
    let mut due = BTreeSet::new();
    assert_eq!(
        once(&server.app, &mut due, Ages::default()).await.unwrap(),
        0,
        "all are young"
    );
    assert!(there(first).await && there(junk).await);
    assert!(once(&server.app, &mut due, NOW).await.unwrap() > 0);
    assert_eq!((there(first).await, there(junk).await), (false, false));
    assert!(there(second).await && there(template.archive).await, "what is needed stays");

    // Without a restart a superseded checkpoint goes at the second sweep after.
    let hosts_own = Person::new(&server.url, worker.person.token.clone());
    let worker = Worker {
        person: hosts_own,
        ..worker
    };
    worker.compute(&lease, Some(two), 1).await;
    let orphans_stay = Ages {
        orphan: Duration::from_secs(3600),
        ..NOW
    };
    assert_eq!(once(&server.app, &mut due, orphans_stay).await.unwrap(), 0);
    assert!(there(second).await, "a download of it has an hour");
    assert!(once(&server.app, &mut due, orphans_stay).await.unwrap() > 0);
    assert!(!there(second).await);
    assert!(scientist.job(job).await.checkpoint.is_some());
    server.stop().await;
}
