//! Several servers on one PostgreSQL: one leads, the others follow it, answer what changes nothing, and take over.

use std::time::{Duration, Instant};

use crate::common::postgres::Cluster;
use crate::common::process::Process;
use crate::common::{Person, Worker, a_job, compute, submit_when_it_leads, token};
use futures_util::StreamExt as _;
use protocol::http::lease::ChainLine;
use protocol::http::signed::Keys;
use protocol::http::{AuditView, BlobView, JobView, Listed, NOT_LEADER, Problem, SERVER_BEHIND, SERVER_LEADER, ServerView};
use protocol::{ChainEntry, Digest, JobId, JobState};
use reqwest::{Method, StatusCode};

/// Servers of one database with one folder of blobs; the first leads.
struct Servers {
    running: Vec<Process>,
    folders: Vec<tempfile::TempDir>,
    /// Ends after its servers.
    cluster: Cluster,
}

impl Servers {
    fn start(count: usize, options: &[&str]) -> Option<Self> {
        let cluster = Cluster::start()?;
        let database = cluster.database("many");
        let folders: Vec<_> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
        let blobs = folders[0].path().join("blobs").display().to_string();
        let start = |folder: &tempfile::TempDir| {
            let own = ["--database", &database, "--blobs", &blobs];
            Process::start(folder.path(), &[&own, options].concat()).expect("it starts")
        };
        Some(Self {
            running: folders.iter().map(start).collect(),
            folders,
            cluster,
        })
    }

    fn person(&self, server: usize, name: &str) -> Person {
        Person::new(&self.running[server].url, token(self.folders[0].path(), name))
    }
}

/// Waits until a server shows a job as another one does.
async fn until_shown(person: &Person, expected: &JobView) {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let answer = person
            .request(Method::GET, &format!("/v1/jobs/{}", expected.job))
            .send()
            .await
            .unwrap();
        let behind = answer
            .headers()
            .get(SERVER_BEHIND)
            .map(|ms| ms.to_str().unwrap().parse::<u64>().unwrap());
        if answer.status() == StatusCode::OK && answer.json::<JobView>().await.unwrap() == *expected {
            assert!(behind.expect("it says how far it is behind") < 5000);
            return;
        }
        assert!(Instant::now() < until, "it does not follow");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn chain(person: &Person, job: JobId) -> Vec<ChainEntry> {
    let lines: Listed<ChainLine> = person.get(&format!("/v1/jobs/{job}/chain")).await;
    lines.items.into_iter().map(|line| line.entry).collect()
}

#[tokio::test]
async fn a_standby_follows_tells_where_the_leader_is_and_takes_over_when_it_is_killed() {
    let Some(mut servers) = Servers::start(3, &[]) else { return };
    let scientist = servers.person(0, "scientist");
    let mut worker = Worker::register(&servers.running[0].url, &token(servers.folders[0].path(), "host"), "desk", 1).await;
    let template = a_job(&scientist, 6).await;
    let job = scientist.submit(&template).await;
    let lease = worker.take().await[0].clone();
    let (_, last) = worker.compute(&lease, None, 2).await;

    let others = [servers.person(1, "scientist"), servers.person(2, "scientist")];
    let shown = scientist.job(job).await;
    for other in &others {
        until_shown(other, &shown).await;
        assert_eq!(chain(other, job).await, chain(&scientist, job).await);
        let page = other.client.get(format!("{}/", other.url)).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        let ready = other.client.get(format!("{}/readyz", other.url)).send().await.unwrap();
        assert_eq!(ready.status(), StatusCode::OK, "it follows");
        let view: ServerView = other.get("/v1/server").await;
        assert_eq!(view.leader.as_deref(), Some(scientist.url.as_str()));
        let refused = other.request(Method::POST, "/v1/jobs").json(&template).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()[SERVER_LEADER], scientist.url.as_str());
        let problem: Problem = refused.json().await.unwrap();
        assert!(
            problem.kind.ends_with(NOT_LEADER) && problem.detail.contains(&scientist.url),
            "{problem:?}"
        );
    }
    // The token that a host was just given is known there as well, within a second or so.
    let own = Person::new(&others[0].url, worker.person.token.clone());
    let (path, begun) = (format!("/v1/hosts/{}", worker.host), Instant::now());
    let seen = loop {
        let answer = own.request(Method::GET, &path).send().await.unwrap();
        if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
            break crate::common::read::<protocol::http::HostView>(answer).await;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "it does not follow");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(seen.host, worker.host);

    // One that enrols in the last moment is known to the next leader, too.
    let host_token = token(servers.folders[0].path(), "host");
    let mut late = Worker::register(&servers.running[0].url, &host_token, "late", 1).await;
    drop(servers.running.remove(0));
    let mut tries = [
        tokio::spawn(submit(others[0].clone(), template.clone())),
        tokio::spawn(submit(others[1].clone(), template.clone())),
    ];
    let (first, rest) = tries.split_at_mut(1);
    let (leader, took) = tokio::select! {
        took = &mut first[0] => (0, took.unwrap()),
        took = &mut rest[0] => (1, took.unwrap()),
    };
    println!("taken over {took:?} after SIGKILL");
    assert!(took < Duration::from_secs(3), "{took:?}");
    tries[1 - leader].abort();

    for person in [&mut worker.person, &mut late.person] {
        person.url.clone_from(&others[leader].url);
    }
    let seen: protocol::http::HostView = late.person.get(&format!("/v1/hosts/{}", late.host)).await;
    assert_eq!(seen.host, late.host);
    worker.beat(std::slice::from_ref(&lease)).await;
    let (response, end) = worker.compute(&lease, Some(last), 4).await;
    assert_eq!(response.status(), StatusCode::OK, "the lease holds over the change");
    let view = others[leader].job(job).await;
    assert_eq!(
        (view.state, view.chain, view.epoch),
        (JobState::Completed, Some(end.digest), 1)
    );
    assert_eq!(
        chain(&others[leader], job).await,
        compute(template.package, None, 6),
        "the chain of a run that was never touched"
    );
    until_shown(&others[1 - leader], &view).await;

    // Who did what before is known after, at the leader and at the one that follows it.
    for other in &others {
        let operator = Person::new(&other.url, token(servers.folders[0].path(), "operator"));
        let done: Listed<AuditView> = operator.get("/v1/audit").await;
        let done: Vec<(&str, &str)> = done
            .items
            .iter()
            .map(|row| (row.action.as_str(), row.object.as_str()))
            .collect();
        assert_eq!(done, [("submit", "job 2"), ("submit", "job 1")]);
    }
}

async fn submit(scientist: Person, job: protocol::http::SubmitJob) -> Duration {
    submit_when_it_leads(&scientist, &job).await.1
}

#[tokio::test]
async fn a_leader_that_stands_still_is_replaced_and_ends_when_it_goes_on() {
    let Some(mut servers) = Servers::start(2, &["--lease-s", "2"]) else {
        return;
    };
    let scientist = servers.person(0, "scientist");
    let template = a_job(&scientist, 6).await;
    let mut answered = vec![scientist.submit(&template).await];
    servers.running[0].signal("STOP");
    let other = servers.person(1, "scientist");
    let (job, took) = submit_when_it_leads(&other, &template).await;
    // Without the lease it would be when the database ends the connection of the lock, after 15 s of silence.
    assert!(
        took < Duration::from_secs(10),
        "taken over {took:?} after SIGSTOP, with a lease of 2 s"
    );
    answered.push(job);
    servers.running[0].signal("CONT");
    // What it still answers changes nothing, and it ends.
    let old = scientist.request(Method::POST, "/v1/jobs").json(&template).send().await;
    assert!(old.is_err() || old.is_ok_and(|answer| answer.status() == StatusCode::SERVICE_UNAVAILABLE));
    let until = Instant::now() + Duration::from_secs(10);
    let status = loop {
        match servers.running[0].child.try_wait().unwrap() {
            Some(status) => break status,
            None => assert!(Instant::now() < until, "it has not ended"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(!status.success(), "it ends with an error");
    answered.push(other.submit(&template).await);
    let jobs: Listed<JobView> = other.get("/v1/jobs").await;
    assert_eq!(jobs.items.iter().map(|job| job.job).collect::<Vec<_>>(), answered);
}

#[tokio::test]
async fn a_planned_change_of_the_leader_loses_no_request() {
    let Some(mut servers) = Servers::start(2, &[]) else { return };
    let people = [servers.person(0, "scientist"), servers.person(1, "scientist")];
    let template = a_job(&people[0], 6).await;
    let submitting = tokio::spawn({
        let template = template.clone();
        async move {
            let mut answered = Vec::new();
            for number in 0..60 {
                // As a client does it: the same key until one of the servers answers.
                let mut server = 0;
                loop {
                    let request = people[server].request(Method::POST, "/v1/jobs").json(&template);
                    let answer = request.header("Idempotency-Key", format!("key {number}")).send().await;
                    match answer {
                        Ok(answer) if answer.status().is_success() => {
                            answered.push(crate::common::read::<protocol::http::Submitted>(answer).await.job);
                            break;
                        }
                        Ok(answer) => assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE),
                        Err(_) => {}
                    }
                    server = 1 - server;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            answered
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let first = servers.running.remove(0);
    tokio::task::spawn_blocking(|| first.terminate()).await.unwrap();
    let answered = submitting.await.unwrap();
    let expected: Vec<JobId> = (1..=60).map(JobId).collect();
    assert_eq!(answered, expected, "each once, none lost");
}

#[tokio::test]
async fn the_next_server_leads_while_one_that_was_told_to_stop_still_takes_in_an_upload() {
    let Some(mut servers) = Servers::start(2, &[]) else { return };
    let [scientist, other] = [0, 1].map(|server| servers.person(server, "scientist"));
    let template = a_job(&scientist, 6).await;
    let path = format!("/v1/blobs/{}", Digest::of(b"hello world"));
    let (send, rest) = tokio::sync::oneshot::channel::<&str>();
    let first = futures_util::stream::once(async { Ok("hello ") });
    let body = first.chain(futures_util::stream::once(async {
        rest.await.map_err(std::io::Error::other)
    }));
    let request = scientist.request(Method::PUT, &format!("{path}?size=11"));
    let uploading = tokio::spawn(request.body(reqwest::Body::wrap_stream(body)).send());
    let until = Instant::now() + Duration::from_secs(5);
    while scientist.get::<BlobView>(&format!("{path}/upload")).await.received < 6 {
        assert!(Instant::now() < until, "nothing comes");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    servers.running[0].signal("TERM");
    let (_, took) = submit_when_it_leads(&other, &template).await;
    println!("taken over {took:?} after SIGTERM");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(
        servers.running[0].child.try_wait().unwrap().is_none(),
        "it still serves what it has begun"
    );
    send.send("world").unwrap();
    assert_eq!(uploading.await.unwrap().unwrap().status(), StatusCode::OK);
}

/// Brings bytes to a server that follows, as soon as it has heard of what they are for. What it says at last.
async fn bring(person: &Person, path: &str, bytes: &[u8]) -> StatusCode {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let answer = person.request(Method::PUT, path).body(bytes.to_vec()).send().await.unwrap();
        match answer.status() {
            StatusCode::SERVICE_UNAVAILABLE if Instant::now() < until => tokio::time::sleep(Duration::from_millis(20)).await,
            status => return status,
        }
    }
}

#[tokio::test]
async fn what_is_brought_to_a_server_that_follows_is_submitted_and_committed_at_the_one_that_leads() {
    let Some(servers) = Servers::start(2, &[]) else { return };
    let [scientist, there] = [0, 1].map(|server| servers.person(server, "scientist"));
    let host_token = token(servers.folders[0].path(), "host");
    let worker = Worker::register(&servers.running[0].url, &host_token, "desk", 1).await;
    let template = a_job(&there, 3).await;
    let job = scientist.submit(&template).await;
    let lease = worker.take().await[0].clone();
    let (commit, bytes) = crate::common::work(&lease, None, 3, lease.class);
    let path = format!(
        "/v1/blobs/{}?size={}&attempt={}",
        commit.checkpoint,
        bytes.len(),
        lease.attempt
    );
    let own = Person::new(&there.url, worker.person.token.clone());
    assert_eq!(bring(&own, &path, &bytes).await, StatusCode::OK);
    assert_eq!(worker.commit(lease.attempt, &commit).await.status(), StatusCode::OK);
    let view = scientist.job(job).await;
    assert_eq!(
        (view.state, view.chain),
        (
            JobState::Completed,
            compute(template.package, None, 3).pop().map(|entry| entry.digest)
        )
    );
    // Of a lease that it does not know it says that it cannot know; the one that leads knows.
    let unknown = path.replace(&format!("attempt={}", lease.attempt), "attempt=99");
    for (person, expected) in [(&own, StatusCode::SERVICE_UNAVAILABLE), (&worker.person, StatusCode::GONE)] {
        let answer = person
            .request(Method::PUT, &unknown)
            .body(bytes.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), expected);
    }
}

#[tokio::test]
async fn a_list_of_keys_is_known_to_a_standby_and_counts_when_it_leads() {
    let Some(mut servers) = Servers::start(2, &[]) else { return };
    let (scientist, operator) = (servers.person(0, "scientist"), servers.person(0, "operator"));
    let template = a_job(&scientist, 6).await;
    let list = crate::signed::key_list(7, None);
    let published = operator.send(Method::PUT, "/v1/keys", &list).await;
    assert_eq!(published.status(), StatusCode::OK);
    let other = servers.person(1, "scientist");
    let begun = Instant::now();
    while other.get::<Keys>("/v1/keys").await.list.as_ref() != Some(&list) {
        assert!(begun.elapsed() < Duration::from_secs(5), "it does not follow");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(servers.running.remove(0));
    // Unsigned, nothing is taken, from the first answer of the new leader on.
    let refused = loop {
        let answer = other.send(Method::POST, "/v1/jobs", &template).await;
        if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
            break answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not lead");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let said = crate::routes::problem(refused, StatusCode::BAD_REQUEST, "signature").await;
    assert!(said.detail.contains("is not signed"), "{said}");
    let older = crate::signed::key_list(6, None);
    let operator = at(&other, &operator);
    let refused = operator.send(Method::PUT, "/v1/keys", &older).await;
    assert_eq!(
        refused.status(),
        StatusCode::BAD_REQUEST,
        "an older list is none there either"
    );
}

/// The same person at another server.
fn at(there: &Person, person: &Person) -> Person {
    Person::new(&there.url, person.token.clone())
}

/// What a server says that does not start with a database.
async fn refused(with: impl FnOnce(&mut server::serve::Options), database: String) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut options = crate::common::options(folder.path(), Some(database));
    // As the program has it.
    (options.config.hosts_per_subject, options.config.hosts_per_network) = (1000, 1000);
    with(&mut options);
    match server::serve::Server::start(options).await {
        Ok(_) => "it was started".to_owned(),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test]
async fn a_server_that_does_not_fit_the_database_or_the_others_is_refused_with_the_setting_and_the_fix() {
    let Some(servers) = Servers::start(1, &[]) else { return };
    let cluster = &servers.cluster;
    let many = || cluster.database_url("many");
    let said = refused(|_| {}, many()).await;
    assert!(said.contains("--blobs") && said.contains("is missing"), "{said}");
    let said = refused(|options| options.config.commit_ms = 60_000, many()).await;
    assert!(
        said.contains("--commit-s is 60 here and 600 there") && said.contains("--change-settings"),
        "{said}"
    );

    // A folder that another database's servers use.
    let blobs = servers.folders[0].path().join("blobs");
    let theirs = |options: &mut server::serve::Options| options.blobs = Some(server::blob::BlobPlace::Folder(blobs));
    let said = refused(theirs, cluster.database("fresh")).await;
    assert!(said.contains("the blobs of another database"), "{said}");

    // Tables of something else, and of another project that keeps its migrations alike.
    let elsewhere = cluster.database("elsewhere");
    assert!(cluster.try_sql_in("elsewhere", "CREATE TABLE events (id INT)"));
    let said = refused(|_| {}, elsewhere).await;
    assert!(
        said.contains("--database") && said.contains("another program (events)"),
        "{said}"
    );
    let alike = cluster.database("alike");
    let migrations =
        "CREATE TABLE _sqlx_migrations (version BIGINT, checksum BYTEA); INSERT INTO _sqlx_migrations VALUES (1, 'x')";
    assert!(cluster.try_sql_in("alike", migrations));
    let said = refused(|_| {}, alike).await;
    assert!(said.contains("another program (_sqlx_migrations)"), "{said}");

    // The database's clock is ten minutes behind: its function is found before PostgreSQL's own.
    let late = cluster.database("late");
    let clock = "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS \
                 $$SELECT pg_catalog.clock_timestamp() - interval '10 minutes'$$";
    assert!(cluster.try_sql_in("late", clock));
    assert!(cluster.try_sql_in("late", "ALTER DATABASE late SET search_path = public, pg_catalog"));
    let said = refused(|_| {}, late).await;
    assert!(
        said.contains("s ahead of the database's, at most 60 s") && said.contains("NTP"),
        "{said}"
    );

    let nowhere = many().replace("/many", "/nowhere");
    let said = refused(|_| {}, nowhere).await;
    assert!(said.contains("--database") && said.contains("nowhere"), "{said}");
}
