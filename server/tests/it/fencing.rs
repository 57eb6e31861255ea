//! Connections to PostgreSQL that are cut. Of two servers the first, whose lock's connection is cut, writes nothing more, and ends; what a server writes whose answer does not
//! come, or cannot write, is neither written twice nor held against those who sent it.

use std::time::{Duration, Instant};

use crate::common::postgres::Cluster;
use crate::common::process::Process;
use crate::common::proxy::Proxy;
use crate::common::{Person, Worker, a_job, client, options, submit_when_it_leads, token};
use protocol::http::{Change, EndAttempt, IssueToken, IssuedToken, JobView, Listed, Problem, Scope, TokenView};
use protocol::{Digest, ErrorCause, JobId, JobState, Outcome};
use reqwest::{Method, StatusCode};
use scheduler::Event;
use server::serve::Server;
use server::store::postgres::{LEASE, PostgresStore};
use server::store::{Batch, Logged, Row, Store, StoreError, TokenRow};

fn batch(first: u64) -> Batch {
    let tick = Logged {
        at_ms: first,
        event: Event::Tick,
    };
    Batch {
        first,
        events: vec![tick],
        ..Batch::default()
    }
}

fn a_token(id: &str) -> TokenRow {
    TokenRow {
        id: id.to_owned(),
        digest: Digest::of(id.as_bytes()),
        scope: Scope::Scientist,
        subject: "ann".to_owned(),
        host: None,
        issued_ms: 1,
        revoked_ms: None,
        invitation: false,
        enrolled: None,
    }
}

/// Opens a store as soon as the lock of the one before is free.
async fn open(url: &str) -> PostgresStore {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match PostgresStore::open(url).await {
            Ok(store) => return store,
            Err(StoreError::Taken) if Instant::now() < until => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_server_whose_term_is_over_writes_nothing_whatever_it_writes() {
    let Some(cluster) = Cluster::start() else { return };
    let direct = cluster.database("terms");
    let proxy = Proxy::start(cluster.socket()).await;
    let first = open(&format!("postgres://baton@127.0.0.1:{}/terms", proxy.port)).await;
    first.append(batch(0)).await.unwrap();
    // Its lock's connection dies and cannot be made again; that of its pool goes on.
    proxy.refuse(true);
    proxy.cut_first();
    let second = open(&direct).await;
    second.append(batch(1)).await.unwrap();
    // The next snapshot frees what this one contains.
    second.snapshot(2, b"the second's".to_vec()).await.unwrap();
    second.snapshot(2, b"the second's".to_vec()).await.unwrap();
    second.put_token(a_token("second")).await.unwrap();
    let (before, tokens) = (second.load().await.unwrap(), second.tokens().await.unwrap());

    let fenced = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Fenced { .. })), "{result:?}");
    // At a position that the snapshot has freed as well as at the next.
    proxy.refuse(false);
    fenced(first.append(batch(1)).await.map(drop));
    fenced(first.append(batch(2)).await.map(drop));
    fenced(first.snapshot(1, b"the first's".to_vec()).await);
    fenced(first.put_token(a_token("first")).await);
    fenced(first.forget(u64::MAX).await);
    assert!(
        second.load().await.unwrap() == before,
        "the log and the snapshot are the second's"
    );
    assert_eq!(second.tokens().await.unwrap(), tokens);

    let reason = tokio::time::timeout(Duration::from_secs(10), first.lost()).await;
    assert!(reason.expect("the loss is noticed").contains("another server"));
    second.append(batch(2)).await.unwrap();
}

#[tokio::test]
async fn a_lock_whose_connection_is_cut_is_taken_again_where_nobody_else_has_led() {
    let Some(cluster) = Cluster::start() else { return };
    let direct = cluster.database("again");
    let proxy = Proxy::start(cluster.socket()).await;
    let store = open(&format!("postgres://baton@127.0.0.1:{}/again", proxy.port)).await;
    store.append(batch(0)).await.unwrap();
    proxy.cut_first();
    // Once it is taken again, nobody else gets it.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(matches!(PostgresStore::open(&direct).await, Err(StoreError::Taken)));
    store.append(batch(1)).await.unwrap();
    store.close().await;
    PostgresStore::open(&direct).await.expect("free at once after it was let go");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_and_a_cut_lock_the_first_takes_back_nothing_and_ends() {
    let Some(cluster) = Cluster::start() else { return };
    let direct = cluster.database("two");
    let proxy = Proxy::start(cluster.socket()).await;
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let blobs = one.path().join("shared").display().to_string();
    let through = format!("postgres://baton@127.0.0.1:{}/two", proxy.port);
    let mut first = Process::start(one.path(), &["--blobs", &blobs, "--database", &through]).expect("it starts");
    let scientist = Person::new(&first.url, token(one.path(), "scientist"));
    let operator = Person::new(&first.url, token(one.path(), "operator"));
    let template = a_job(&scientist, 5).await;
    let mut answered = vec![scientist.submit(&template).await];
    let second = Process::start(two.path(), &["--blobs", &blobs, "--database", &direct]).expect("it follows");
    let other = Person::new(&second.url, scientist.token.clone());
    let refused = other.request(Method::POST, "/v1/jobs").json(&template).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "one writes at a time");

    proxy.refuse(true);
    proxy.cut_first();
    answered.push(submit_when_it_leads(&other, &template).await.0);
    // From here on the first may refuse, or be gone; what it answers would be taken back.
    let ask = IssueToken {
        scope: Scope::Scientist,
        subject: "mallory".to_owned(),
        invitation: false,
    };
    for _ in 0..5 {
        let submitted = scientist.request(Method::POST, "/v1/jobs").json(&template).send().await;
        assert!(submitted.is_ok_and(|answer| answer.status() == StatusCode::SERVICE_UNAVAILABLE));
        let issued = operator.request(Method::POST, "/v1/tokens").json(&ask).send().await;
        assert!(issued.is_ok_and(|answer| answer.status() == StatusCode::SERVICE_UNAVAILABLE));
    }
    proxy.refuse(false);
    let until = Instant::now() + Duration::from_secs(15);
    let status = loop {
        match first.child.try_wait().unwrap() {
            Some(status) => break status,
            None => assert!(Instant::now() < until, "the first has not ended"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(!status.success(), "it ends with an error");

    // The next start finds the second's log, whole.
    let issued: IssuedToken = Person::new(&second.url, operator.token.clone())
        .post("/v1/tokens", &ask)
        .await;
    second.terminate();
    let third = Process::start(two.path(), &["--blobs", &blobs, "--database", &direct]).expect("it leads");
    let scientist = Person::new(&third.url, scientist.token);
    let jobs: Listed<JobView> = scientist.get("/v1/jobs").await;
    let found: Vec<JobId> = jobs.items.iter().map(|job| job.job).collect();
    assert_eq!(found, answered);
    let tokens: Listed<TokenView> = Person::new(&third.url, operator.token).get("/v1/tokens").await;
    let issued_there = tokens.items.iter().filter(|token| token.subject == "mallory");
    assert_eq!(issued_there.map(|token| &token.id).collect::<Vec<_>>(), [&issued.id]);
    third.terminate();
}

#[tokio::test]
async fn rows_after_a_transaction_whose_answer_was_lost_have_numbers_of_their_own() {
    let Some(cluster) = Cluster::start() else { return };
    let direct = cluster.database("unheard");
    let proxy = Proxy::start(cluster.socket()).await;
    let store = open(&format!("postgres://baton@127.0.0.1:{}/unheard", proxy.port)).await;
    let reader = PostgresStore::join(&direct, LEASE).await.unwrap();
    let change = |number: u64| Change {
        at_ms: number,
        state: JobState::Queued,
        reason: format!("reason {number}"),
    };
    let changed = |number: u64| Batch {
        rows: vec![Row::Changed(JobId(1), change(number))],
        ..batch(number)
    };
    store.append(changed(0)).await.unwrap();
    // Each answer takes its time: once the transaction is there, its connection is cut before the answer to it is.
    proxy.delay(Duration::from_millis(300));
    let cut = async {
        while reader.load().await.unwrap().next < 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        proxy.cut_others();
    };
    let (unheard, ()) = tokio::join!(store.append(changed(1)), cut);
    assert!(matches!(unheard, Err(StoreError::Database(_))), "{unheard:?}");
    proxy.delay(Duration::ZERO);
    store.append(changed(2)).await.unwrap();
    assert_eq!(reader.changes(JobId(1), 10).await.unwrap(), [change(0), change(1), change(2)]);
}

#[tokio::test]
async fn a_commit_under_a_lease_whose_end_could_not_be_kept_comes_again_and_is_not_called_wrong() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.database("unkept");
    let proxy = Proxy::start(cluster.socket()).await;
    let folder = tempfile::tempdir().unwrap();
    let through = format!("postgres://baton@127.0.0.1:{}/unkept", proxy.port);
    let server = Server::start(options(folder.path(), Some(through))).await.unwrap();
    let scientist = Person::new(&server.url, token(folder.path(), "scientist"));
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 3).await).await;
    let lease = worker.take().await[0].clone();
    let (commit, _) = worker.work(&lease, None, 1, lease.class).await;
    // Its lock stays, and nothing can be written.
    proxy.refuse(true);
    proxy.cut_others();
    let end = EndAttempt {
        epoch: lease.epoch,
        outcome: Outcome::Migrated,
        cause: ErrorCause::Host,
        message: String::new(),
    };
    let path = format!("/v1/attempts/{}/end", lease.attempt);
    let ended = worker.person.send(Method::POST, &path, &end).await;
    assert_eq!(ended.status(), StatusCode::SERVICE_UNAVAILABLE);
    proxy.refuse(false);
    // Here the lease is over, and in what is read back it is not: so nobody has looked into the checkpoint.
    let early = worker.commit(lease.attempt, &commit).await;
    assert_eq!(early.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(early.headers().contains_key("retry-after"));
    let problem: Problem = early.json().await.unwrap();
    assert!(problem.detail.contains("has just changed"), "{}", problem.detail);
    let again = worker.commit(lease.attempt, &commit).await;
    assert_eq!((again.status(), scientist.job(job).await.segment), (StatusCode::OK, 1));
    server.stop().await;
}

#[tokio::test]
async fn a_server_whose_database_is_gone_is_healthy_but_not_ready_and_says_so_soon() {
    let Some(cluster) = Cluster::start() else { return };
    let direct = cluster.database("gone");
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(options(folder.path(), Some(direct))).await.unwrap();
    let ask = async |path: &str| {
        let begun = Instant::now();
        let answer = client().get(format!("{}{path}", server.url)).send().await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "{path} took {:?}", begun.elapsed());
        answer.status()
    };
    assert_eq!(
        (ask("/healthz").await, ask("/readyz").await),
        (StatusCode::OK, StatusCode::OK)
    );
    drop(cluster);
    assert_eq!(
        (ask("/healthz").await, ask("/readyz").await),
        (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE)
    );
    server.stop().await;
}
