//! Backup under load, restore elsewhere with a worker that goes on, and what `check` finds: the real program, on SQLite and PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::postgres::Cluster;
use crate::common::process::Process;
use crate::common::{Person, Worker, a_job, token};
use protocol::JobState;
use protocol::http::{Listed, ServerView, TokenView};
use reqwest::StatusCode;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

/// A server's data: its folder, and its PostgreSQL database where it has one.
struct Place {
    data: PathBuf,
    database: Option<String>,
}

impl Place {
    fn new(data: PathBuf, database: Option<String>) -> Self {
        Self { data, database }
    }

    fn start(&self) -> Process {
        let database = self.database.iter().flat_map(|url| ["--database", url.as_str()]);
        let arguments: Vec<&str> = ["--commit-s", "0"].into_iter().chain(database).collect();
        Process::start(&self.data, &arguments).expect("it starts")
    }

    async fn operate(&self, command: &str, more: &[&Path]) -> Output {
        let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_baton-server"));
        program.arg(command).arg("--data").arg(&self.data).args(more);
        if let Some(url) = &self.database {
            program.arg("--database").arg(url);
        }
        program.output().await.expect("the binary starts")
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn assert_whole(output: &Output) {
    assert!(
        output.status.success() && said(output).contains("all is whole"),
        "{}",
        said(output)
    );
}

fn at(server: &Process, person: &Person) -> Person {
    Person::new(&server.url, person.token.clone())
}

async fn backup_and_restore(place: Place, elsewhere: Place, backup: &Path) {
    let server = place.start();
    let scientist = Person::new(&server.url, token(&place.data, "scientist"));
    let worker = Worker::register(&server.url, &token(&place.data, "host"), "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 100_000).await).await;
    let lease = worker.take().await[0].clone();
    let (_, mut last) = worker.compute(&lease, None, 1).await;
    // Commits go on while the copy is made.
    let to: [&Path; 2] = ["--to".as_ref(), backup];
    let copying = place.operate("backup", &to);
    tokio::pin!(copying);
    let mut during = 0;
    let copied = loop {
        tokio::select! {
            biased;
            copied = &mut copying => break copied,
            () = tokio::task::yield_now() => {}
        }
        let (done, entry) = worker.compute(&lease, Some(last), 1).await;
        assert_eq!(done.status(), StatusCode::OK);
        last = entry;
        during += 1;
    };
    assert_whole(&copied);
    assert!(during > 2, "{during} commits while it was copied");
    assert_whole(&place.operate("check", &["--read-blobs".as_ref()]).await);
    let again = place.operate("backup", &to).await;
    assert!(
        !again.status.success() && said(&again).contains("not empty"),
        "{}",
        said(&again)
    );
    let before: ServerView = scientist.get("/v1/server").await;
    let reached = last.segment;
    let (late, _) = worker.work(&lease, Some(last), 1, lease.class).await;
    server.terminate();

    let restored = elsewhere.operate("restore", &["--from".as_ref(), backup]).await;
    assert_whole(&restored);
    let server = elsewhere.start();
    let scientist = at(&server, &scientist);
    let after: ServerView = scientist.get("/v1/server").await;
    assert!(
        after.server == before.server && after.life != before.life,
        "the same server, a new life"
    );
    let view = scientist.job(job).await;
    assert!((1..=reached).contains(&view.segment), "{} of {reached}", view.segment);
    // The worker that lived on: its old lease is over, and it goes on under a new one from what the backup knows.
    let worker = Worker {
        person: at(&server, &worker.person),
        host: worker.host,
    };
    assert_eq!(worker.commit(lease.attempt, &late).await.status(), StatusCode::GONE);
    let lease = worker.take().await[0].clone();
    assert_eq!(lease.job, job);
    let from = lease.checkpoint.clone().expect("it goes on from its boundary").entry;
    assert_eq!(from.segment, view.segment);
    let (done, _) = worker.compute(&lease, Some(from), 3).await;
    assert_eq!(done.status(), StatusCode::OK);
    assert_eq!(scientist.job(job).await.segment, view.segment + 3);
    server.terminate();
    // A restart is no new life.
    let server = elsewhere.start();
    assert_eq!(at(&server, &scientist).get::<ServerView>("/v1/server").await.life, after.life);
    server.terminate();
    assert_whole(&elsewhere.operate("check", &[]).await);
    let taken = elsewhere.operate("restore", &["--from".as_ref(), backup]).await;
    assert!(
        !taken.status.success() && said(&taken).contains("not empty"),
        "{}",
        said(&taken)
    );
}

#[tokio::test]
async fn a_backup_under_load_is_restored_elsewhere_and_its_worker_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (place, elsewhere) = (Place::new(path("data"), None), Place::new(path("other"), None));
    backup_and_restore(place, elsewhere, &path("backup")).await;
}

#[tokio::test]
async fn a_backup_of_postgresql_is_restored_into_another_database_and_not_into_one_in_use() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let place = Place::new(path("data"), Some(cluster.database("first")));
    let elsewhere = Place::new(path("other"), Some(cluster.database("second")));
    let (first, backup) = (place.database.clone(), path("backup"));
    backup_and_restore(place, elsewhere, &backup).await;
    let taken = Place::new(path("third"), first);
    let taken = taken.operate("restore", &["--from".as_ref(), &backup]).await;
    assert!(
        !taken.status.success() && said(&taken).contains("holds a server's data already"),
        "{}",
        said(&taken)
    );
    // From PostgreSQL to SQLite, too.
    let single = Place::new(path("fourth"), None);
    assert_whole(&single.operate("restore", &["--from".as_ref(), &backup]).await);
    single.start().terminate();
}

async fn change(data: &Path, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(data.join("baton.sqlite"));
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let done = sqlx::query(statement).execute(&mut connection).await.unwrap();
    assert!(done.rows_affected() > 0, "{statement}");
    connection.close().await.unwrap();
}

#[tokio::test]
async fn check_names_a_missing_blob_a_changed_row_and_a_log_that_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path().join("data"), None);
    let server = place.start();
    let scientist = Person::new(&server.url, token(&place.data, "scientist"));
    let worker = Worker::register(&server.url, &token(&place.data, "host"), "desk", 1).await;
    let mut jobs = Vec::new();
    for segments in [4, 9] {
        let job = scientist.submit(&a_job(&scientist, segments).await).await;
        let lease = worker
            .take()
            .await
            .into_iter()
            .find(|lease| lease.job == job)
            .expect("its lease");
        worker.compute(&lease, None, 4).await;
        jobs.push(scientist.job(job).await);
    }
    assert_eq!(jobs[0].state, JobState::Completed);
    // Killed, so that the log is not folded into a snapshot.
    drop(server);
    assert_whole(&place.operate("check", &["--read-blobs".as_ref()]).await);
    let whole = folder.path().join("whole");
    assert_whole(&place.operate("backup", &["--to".as_ref(), &whole]).await);

    let finds = async |words: &[&str]| {
        let found = place.operate("check", &["--read-blobs".as_ref()]).await;
        let text = said(&found);
        assert_eq!(found.status.code(), Some(1), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{words:?}: {text}");
        std::fs::remove_dir_all(&place.data).unwrap();
        assert_whole(&place.operate("restore", &["--from".as_ref(), &whole]).await);
    };
    let blob = |digest: protocol::Digest| {
        let name = digest.to_string();
        place.data.join("blobs").join(&name[..2]).join(name)
    };
    let checkpoint = jobs[1].checkpoint.expect("it has one");
    std::fs::remove_file(blob(checkpoint)).unwrap();
    finds(&[&checkpoint.to_string(), "the checkpoint of job 2 at segment 4"]).await;
    std::fs::write(blob(jobs[0].archive), b"other bytes").unwrap();
    finds(&[&jobs[0].archive.to_string(), "its bytes have digest"]).await;
    change(
        &place.data,
        "UPDATE chain SET body = replace(body, '\"step\":200', '\"step\":201') WHERE job = 1",
    )
    .await;
    finds(&["the chain of job 1: segment 2 does not follow"]).await;
    change(&place.data, "DELETE FROM chain WHERE job = 2 AND segment = 4").await;
    finds(&["the chain of job 2 ends in", "at segment 4"]).await;
    // With the submission of the second job, all of it.
    change(
        &place.data,
        r#"DELETE FROM events WHERE first >= (SELECT MAX(first) FROM events WHERE CAST(body AS TEXT) LIKE '%"Submit"%')"#,
    )
    .await;
    finds(&["there is a chain of job 2, of which the log knows nothing"]).await;
    change(
        &place.data,
        "DELETE FROM events WHERE first = (SELECT first FROM events ORDER BY first LIMIT 1 OFFSET 2)",
    )
    .await;
    finds(&["the log:", "is missing"]).await;
    // An orderly end leaves a snapshot.
    place.start().terminate();
    change(&place.data, "UPDATE snapshot SET body = x'7b7d' WHERE part = 0").await;
    finds(&["the log:", "snapshot"]).await;
}

#[tokio::test]
async fn what_is_no_data_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path().to_owned(), None);
    let (missing, to) = (folder.path().join("none"), folder.path().join("to"));
    for (command, more, word) in [
        ("check", vec![], "baton.sqlite: no such file"),
        ("backup", vec!["--to".as_ref(), to.as_path()], "blobs"),
        ("restore", vec!["--from".as_ref(), missing.as_path()], "no baton.sqlite in it"),
    ] {
        let output = place.operate(command, &more).await;
        assert!(
            !output.status.success() && said(&output).contains(word),
            "{command}: {}",
            said(&output)
        );
    }
    std::fs::write(
        folder.path().join("baton.sqlite"),
        b"this is no database, but a text of some length",
    )
    .unwrap();
    let output = place.operate("check", &[]).await;
    assert!(
        !output.status.success() && said(&output).contains("not a database"),
        "{}",
        said(&output)
    );
}

/// `baton-server token …`: whether it did, and what it said.
async fn tokens(place: &Place, words: &[&str]) -> (bool, String) {
    let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_baton-server"));
    program.arg("token").arg("--data").arg(&place.data);
    program.args(place.database.iter().flat_map(|url| ["--database", url.as_str()]));
    let output = program.args(words).output().await.expect("the binary starts");
    (output.status.success(), said(&output))
}

async fn a_lost_operator_gets_back_in(place: &Place) {
    let (done, said) = tokens(place, &["list"]).await;
    assert!(!done && said.contains("no server has begun"), "{said}");
    let server = place.start();
    let (done, said) = tokens(place, &["new", "operator", "olga"]).await;
    assert!(!done && said.contains("a server runs on this data"), "{said}");
    server.terminate();
    let (done, said) = tokens(place, &["new", "operator", "Olga!"]).await;
    assert!(!done && said.contains("subject: expected 1 to 64"), "{said}");
    let (done, said) = tokens(place, &["new", "operator", "olga"]).await;
    let secret = said
        .lines()
        .find(|line| line.starts_with("baton_operator_"))
        .expect("a secret");
    assert!(done, "{said}");
    let server = place.start();
    let olga = Person::new(&server.url, secret.to_owned());
    let listed: Listed<TokenView> = olga.get("/v1/tokens").await;
    let id = listed
        .items
        .iter()
        .find(|token| token.subject == "olga")
        .expect("it is there")
        .id
        .clone();
    server.terminate();
    let (done, said) = tokens(place, &["revoke", &id]).await;
    assert!(done && said.contains("revoked"), "{said}");
    let (_, said) = tokens(place, &["list"]).await;
    assert!(
        said.lines().any(|line| line.contains(&id) && line.contains("revoked")),
        "{said}"
    );
    let server = place.start();
    let refused = olga
        .client
        .get(format!("{}/v1/tokens", server.url))
        .bearer_auth(secret)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    server.terminate();
}

#[tokio::test]
async fn tokens_are_made_and_revoked_while_no_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    a_lost_operator_gets_back_in(&Place::new(folder.path().join("one"), None)).await;
    let Some(cluster) = Cluster::start() else { return };
    let database = cluster.database("tokens");
    a_lost_operator_gets_back_in(&Place::new(folder.path().join("two"), Some(database))).await;
}
