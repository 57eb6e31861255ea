//! Stops, kills and failing stores in the middle of everything: nothing that was answered is lost.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::common::postgres::Cluster;
use crate::common::{Person, Worker, a_job, compute, options, start, token};
use protocol::JobState;
use protocol::http::lease::ChainLine;
use protocol::http::{Heartbeat, LeaveNotice, Listed, SubmitJob};
use reqwest::{Method, StatusCode};
use scheduler::testing::{registration, submission};
use scheduler::{Config, Event, Origin, Reply};
use server::engine::{Engine, EngineError};
use server::serve::Server;
use server::store::Store;
use server::store::memory::MemoryStore;
use tokio::sync::watch;

async fn survives_a_restart(folder: &Path, database: Option<String>) {
    let server = Server::start(options(folder, database.clone())).await.unwrap();
    let scientist = Person::new(&server.url, token(folder, "scientist"));
    let worker = Worker::register(&server.url, &token(folder, "host"), "desk", 1).await;
    let template = a_job(&scientist, 6).await;
    let job = scientist.submit(&template).await;
    let held = scientist.submit(&SubmitJob { hold: true, ..template }).await;
    let lease = worker.take().await[0].clone();
    let (_, last) = worker.compute(&lease, None, 2).await;
    let before = scientist.job(job).await;
    server.stop().await;
    let server = Server::start(options(folder, database)).await.unwrap();
    let scientist = Person::new(&server.url, scientist.token);
    let own = Person::new(&server.url, worker.person.token.clone());
    let worker = Worker { person: own, ..worker };
    assert_eq!(scientist.job(job).await, before);
    assert_eq!(scientist.job(held).await.state, JobState::Held);
    worker.beat(std::slice::from_ref(&lease)).await;
    let (response, end) = worker.compute(&lease, Some(last), 4).await;
    assert_eq!(response.status(), StatusCode::OK, "the lease holds over the restart");
    let view = scientist.job(job).await;
    assert_eq!(
        (view.state, view.chain, view.epoch),
        (JobState::Completed, Some(end.digest), 1)
    );
    server.stop().await;
}

#[tokio::test]
async fn a_restart_on_sqlite_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    survives_a_restart(folder.path(), None).await;
}

#[tokio::test]
async fn a_restart_on_postgres_loses_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    survives_a_restart(folder.path(), Some(cluster.database("restart"))).await;
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = start(folder.path()).await;
    let second = Server::start(options(folder.path(), None)).await.err().expect("refused");
    assert!(second.to_string().contains("another server uses"), "{second}");
    server.stop().await;
}

/// The real binary.
fn spawn(folder: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_baton-server"))
        .arg("--data")
        .arg(folder)
        .args(["--listen", "127.0.0.1:0", "--requests-per-minute", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let line = stdout.lines().next().expect("a first line").expect("readable");
    let url = line
        .strip_prefix("baton-server listens on ")
        .expect("the first line has the URL");
    (child, url.to_owned())
}

#[tokio::test]
async fn sigkill_at_any_moment_loses_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut url) = spawn(folder.path());
    let mut scientist = Person::new(&url, token(folder.path(), "scientist"));
    let mut worker = Worker::register(&url, &token(folder.path(), "host"), "desk", 1).await;
    let template = a_job(&scientist, 12).await;
    let job = scientist.submit(&template).await;
    let mut lease = worker.take().await[0].clone();
    let (mut last, mut submitted) = (None, vec![job]);
    for round in 0..12u64 {
        let (commit, _) = worker.work(&lease, last.clone(), 1, lease.class).await;
        let entry = commit.entries.last().unwrap().clone();
        // Submissions race with the kill: only those that were answered have to be there.
        let racer = {
            let (scientist, template) = (scientist.clone(), template.clone());
            tokio::spawn(async move {
                let mut answered = Vec::new();
                for _ in 0..50 {
                    let request = scientist.request(Method::POST, "/v1/jobs").json(&template);
                    match request.send().await {
                        Ok(response) if response.status().is_success() => {
                            let Ok(submitted) = response.json::<protocol::http::Submitted>().await else {
                                break;
                            };
                            answered.push(submitted.job);
                        }
                        _ => break,
                    }
                }
                answered
            })
        };
        let path = format!("/v1/attempts/{}/commit", lease.attempt);
        let sent = worker.person.request(Method::POST, &path).json(&commit).send();
        let pause = std::time::Duration::from_millis(round * 29 % 101);
        let answered = tokio::select! {
            answer = sent => answer.is_ok_and(|answer| answer.status().is_success()),
            () = tokio::time::sleep(pause) => false,
        };
        child.kill().unwrap();
        child.wait().unwrap();
        submitted.extend(racer.await.unwrap());
        (child, url) = spawn(folder.path());
        scientist = Person::new(&url, scientist.token);
        worker = Worker {
            person: Person::new(&url, worker.person.token.clone()),
            ..worker
        };
        let view = scientist.job(job).await;
        assert!(
            !answered || view.segment == entry.segment,
            "round {round}: an answered commit is gone"
        );
        // Said again, it is taken once; the last one ended the attempt.
        let ended = view.state == JobState::Completed;
        let expected = if ended { StatusCode::GONE } else { StatusCode::OK };
        assert_eq!(
            worker.commit(lease.attempt, &commit).await.status(),
            expected,
            "round {round}"
        );
        assert_eq!(scientist.job(job).await.segment, entry.segment);
        last = Some(entry);
        if round < 11 {
            lease = worker
                .take()
                .await
                .into_iter()
                .find(|other| other.job == job)
                .expect("the lease holds");
        }
    }
    for id in &submitted {
        scientist.job(*id).await;
    }
    let view = scientist.job(job).await;
    assert_eq!((view.state, view.epoch), (JobState::Completed, 1));
    let chain: Listed<ChainLine> = scientist.get(&format!("/v1/jobs/{job}/chain")).await;
    let entries: Vec<_> = chain.items.into_iter().map(|line| line.entry).collect();
    assert_eq!(
        entries,
        compute(template.package, None, 12),
        "the chain of a run that was never touched"
    );
    println!("12 kills, {} submissions answered", submitted.len());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn a_failing_store_is_told_and_changes_nothing() {
    let store = Arc::new(MemoryStore::default());
    let (stop, stopping) = watch::channel(false);
    let (engine, task) = Engine::start(store.clone(), Config::default(), None, stopping).await.unwrap();
    let register = Event::Register {
        host: None,
        body: registration("desk", 1),
        address: 1,
        origin: Origin::default(),
    };
    engine.apply(register).await.unwrap();
    let before = engine.core().await.save().unwrap();
    store.fail_with(Some("no space left on device"));
    let job = submission("argon", protocol::Tier::Portable, 5);
    let submit = || Event::Submit {
        user: "ann".to_owned(),
        job: Box::new(job.clone()),
        bytes: 1,
    };
    for _ in 0..3 {
        assert!(matches!(engine.apply(submit()).await, Err(EngineError::Unavailable(_))));
        assert!(engine.ready().await.is_err(), "it answers, but keeps nothing");
    }
    store.fail_with(None);
    assert!(
        engine.ready().await.is_ok(),
        "without an event in between: a balancer sends none"
    );
    engine
        .apply(Event::Take {
            host: protocol::HostId(9),
        })
        .await
        .unwrap_err();
    assert!(engine.core().await.save().unwrap() == before, "read back as it was");
    engine.apply(submit()).await.unwrap();
    assert_eq!(engine.core().await.counts().jobs.len(), 1);
    stop.send_replace(true);
    task.await.unwrap();
}

#[tokio::test]
async fn an_event_over_which_the_rules_panic_costs_its_sender_alone() {
    // Settings that no server starts with: the end of any job overflows a time.
    let config = Config {
        retire_ms: u64::MAX,
        ..Config::default()
    };
    let store = Arc::new(MemoryStore::default());
    let (stop, stopping) = watch::channel(false);
    let (engine, task) = Engine::start(store, config, None, stopping).await.unwrap();
    let submit = || Event::Submit {
        user: "ann".to_owned(),
        job: Box::new(submission("argon", protocol::Tier::Portable, 5)),
        bytes: 1,
    };
    engine.apply(submit()).await.unwrap();
    let cancel = Event::Cancel {
        job: protocol::JobId(1),
        by: "mallory".to_owned(),
    };
    let (before, culprit, after) = tokio::join!(
        futures_util::future::join_all((0..20).map(|_| engine.apply(submit()))),
        engine.apply(cancel),
        futures_util::future::join_all((0..20).map(|_| engine.apply(submit()))),
    );
    assert!(matches!(culprit, Err(EngineError::Panicked)), "{culprit:?}");
    assert!(
        before.into_iter().chain(after).all(|answer| answer.is_ok()),
        "the others are served"
    );
    let core = engine.core().await;
    assert_eq!(
        core.job(protocol::JobId(1)).unwrap().state,
        JobState::Queued,
        "nothing of it is there"
    );
    assert_eq!(core.counts().jobs[&JobState::Queued], 41);
    core.check().unwrap();
    drop(core);
    stop.send_replace(true);
    task.await.unwrap();
}

fn wide(name: char) -> Event {
    let mut body = registration("desk", 1);
    let device = body.devices[0].clone();
    body.devices = (0..64)
        .map(|index| {
            let mut device = device.clone();
            device.id = format!("{index}{}", name.to_string().repeat(110));
            device.name = device.id.clone();
            device
        })
        .collect();
    Event::Register {
        host: None,
        body,
        address: 1,
        origin: Origin::default(),
    }
}

#[tokio::test]
async fn a_log_of_few_long_events_ends_in_a_snapshot_too() {
    let store = Arc::new(MemoryStore::default());
    let (stop, stopping) = watch::channel(false);
    let config = Config {
        hosts_per_network: 0,
        ..Config::default()
    };
    let (engine, task) = Engine::start(store.clone(), config, None, stopping).await.unwrap();
    let bytes = serde_json::to_vec(&wide('x')).unwrap().len();
    let needed = (64 << 20) / bytes + 1;
    assert!(needed < 10_000, "{bytes} bytes an event");
    let again = |host| match wide('y') {
        Event::Register {
            body, address, origin, ..
        } => Event::Register {
            host: Some(host),
            body,
            address,
            origin,
        },
        other => other,
    };
    let Reply::Host(host) = engine.apply(wide('x')).await.unwrap() else {
        panic!("a host")
    };
    for _ in 0..needed {
        engine.apply(again(host)).await.unwrap();
    }
    // The writer takes a snapshot before it looks at what comes next.
    engine.apply(again(host)).await.unwrap();
    let loaded = store.load().await.unwrap();
    assert!(
        loaded.snapshot.is_some() && loaded.events.len() < 10,
        "{} events",
        loaded.events.len()
    );
    stop.send_replace(true);
    task.await.unwrap();
}

#[tokio::test]
async fn of_a_long_text_the_log_holds_what_the_rules_keep() {
    let store = Arc::new(MemoryStore::default());
    let (stop, stopping) = watch::channel(false);
    let (engine, task) = Engine::start(store.clone(), Config::default(), None, stopping).await.unwrap();
    let Reply::Host(host) = engine.apply(wide('x')).await.unwrap() else {
        panic!("a host")
    };
    let before = engine.core().await.save().unwrap().len();
    let text = "\u{e9}".repeat(100_000);
    let beat = Heartbeat {
        clock_ms: 1,
        rtt_ms: None,
        jobs: Vec::new(),
        accepting: false,
        why: Some(text.clone()),
        errors: 0,
        instance: None,
    };
    let leave = LeaveNotice {
        in_s: 0,
        back_in_s: None,
        reason: text.clone(),
    };
    let (by, reason) = ("olga".to_owned(), text.clone());
    engine.apply(Event::Heartbeat { host, beat, address: 1 }).await.unwrap();
    engine.apply(Event::Leave { host, notice: leave }).await.unwrap();
    engine.apply(Event::Ban { host, reason, by }).await.unwrap();
    for (_, logged) in store.load().await.unwrap().events.iter().rev().take(3) {
        let bytes = serde_json::to_vec(&logged.event).unwrap().len();
        assert!(bytes < 1000, "{bytes} bytes of {:.60}", format!("{:?}", logged.event));
    }
    assert!(engine.core().await.save().unwrap().len() < before + 4000);
    stop.send_replace(true);
    task.await.unwrap();
}
