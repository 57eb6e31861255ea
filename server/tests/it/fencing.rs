//! Two servers on one PostgreSQL, and the connection that holds the first one's lock is cut: the first writes nothing more, and ends.

use std::time::{Duration, Instant};

use crate::common::postgres::Cluster;
use crate::common::process::Process;
use crate::common::proxy::Proxy;
use crate::common::{Person, a_job, client, options, submit_when_it_leads, token};
use protocol::http::{IssueToken, IssuedToken, JobView, Listed, Scope, TokenView};
use protocol::{Digest, JobId};
use reqwest::{Method, StatusCode};
use scheduler::Event;
use server::serve::Server;
use server::store::postgres::PostgresStore;
use server::store::{Batch, Logged, Store, StoreError, TokenRow};

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
