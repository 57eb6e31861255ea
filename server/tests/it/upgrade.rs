//! Two versions on one database, one after the other, with a job that runs throughout.
//!
//! The test's older version is this program, whose rows the database marks as those of the rules before: a standby then folds them under these. With
//! `BATON_SERVER_BEFORE=/path/to/baton-server` the ignored test takes a program of an older version itself:
//! `cargo nextest run --release -p baton-server --run-ignored only upgrade --no-capture`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::common::postgres::Cluster;
use crate::common::process::Process;
use crate::common::{Person, Worker, a_job, compute, submit_when_it_leads, token};
use protocol::JobState;
use protocol::http::ServerView;
use reqwest::StatusCode;
use scheduler::RULES;

/// Rows of the first leader's term are marked as written by the rules before.
fn mark_rows(cluster: &Cluster, database: &str) {
    let marked = format!(
        "CREATE FUNCTION marked() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF (SELECT term FROM leader) = 1 THEN NEW.rules := {}; END IF; RETURN NEW; END $$",
        RULES - 1
    );
    assert!(cluster.try_sql_in(database, &marked));
    let each = "CREATE TRIGGER marked BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION marked()";
    assert!(cluster.try_sql_in(database, each));
}

async fn rolls(before: Option<PathBuf>) {
    let Some(cluster) = Cluster::start() else { return };
    let database = cluster.database("upgraded");
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let blobs = folders[0].path().join("blobs").display().to_string();
    let options = ["--database", &database, "--blobs", &blobs, "--commit-s", "0"];
    let ours = Path::new(env!("CARGO_BIN_EXE_baton-server"));
    let start = |program: &Path, folder: &tempfile::TempDir| {
        Process::start_program(program, folder.path(), &options, &[]).expect("it starts")
    };
    let older = start(before.as_deref().unwrap_or(ours), &folders[0]);
    if before.is_none() {
        mark_rows(&cluster, "upgraded");
    }
    let mut scientist = Person::new(&older.url, token(folders[0].path(), "scientist"));
    let mut worker = Worker::register(&older.url, &token(folders[0].path(), "host"), "desk", 1).await;
    let template = a_job(&scientist, 9).await;
    let job = scientist.submit(&template).await;
    let lease = worker.take().await[0].clone();
    let (_, mut last) = worker.compute(&lease, None, 2).await;

    // The next version follows, and leads when the older one is stopped.
    let newer = start(ours, &folders[1]);
    let view: ServerView = scientist
        .client
        .get(format!("{}/v1/server", newer.url))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(view.behind_ms.is_some(), "it follows");
    (_, last) = worker.compute(&lease, Some(last), 1).await;
    let begun = Instant::now();
    tokio::task::spawn_blocking(|| older.terminate()).await.unwrap();
    scientist.url.clone_from(&newer.url);
    worker.person.url.clone_from(&newer.url);
    let (second, _) = submit_when_it_leads(&scientist, &template).await;
    println!(
        "the next version answered a write {:?} after the older one was told to stop",
        begun.elapsed()
    );
    assert_eq!(second.0, job.0 + 1);
    let (done, mut last) = worker.compute(&lease, Some(last), 2).await;
    assert_eq!(done.status(), StatusCode::OK, "the lease holds over the upgrade");

    // The other server too, then the one that leads is killed: the log of both versions is folded from its beginning.
    let third = start(ours, &folders[2]);
    (_, last) = worker.compute(&lease, Some(last), 1).await;
    drop(newer);
    scientist.url.clone_from(&third.url);
    worker.person.url.clone_from(&third.url);
    submit_when_it_leads(&scientist, &template).await;
    let (done, end) = worker.compute(&lease, Some(last), 3).await;
    assert_eq!(done.status(), StatusCode::OK);
    let view = scientist.job(job).await;
    assert_eq!(
        (view.state, view.chain, view.epoch),
        (JobState::Completed, Some(end.digest), 1)
    );
    assert_eq!(
        compute(template.package, None, 9).last(),
        Some(&end),
        "the chain of a run that was never touched"
    );

    // A server of the older version does not lead any more, and says why.
    if let Some(before) = &before {
        drop(third);
        let program = before.clone();
        let (folder, options) = (folders[0].path().to_owned(), options.map(str::to_owned));
        let refused = tokio::time::timeout(
            Duration::from_secs(20),
            tokio::process::Command::new(program)
                .arg("--data")
                .arg(folder)
                .args(["--listen", "127.0.0.1:0"])
                .args(options)
                .kill_on_drop(true)
                .output(),
        );
        let refused = refused.await.expect("it ends by itself").unwrap();
        println!("the older one: {}", String::from_utf8_lossy(&refused.stderr));
        assert!(!refused.status.success());
    }
}

#[tokio::test]
async fn a_standby_of_the_next_version_follows_the_rules_before_and_takes_over_with_a_job_running() {
    rolls(None).await;
}

#[tokio::test]
#[ignore = "needs a program of an older version: BATON_SERVER_BEFORE=…"]
async fn upgrade_from_a_program_of_an_older_version() {
    let before = std::env::var_os("BATON_SERVER_BEFORE").expect("BATON_SERVER_BEFORE names the older program");
    rolls(Some(PathBuf::from(before))).await;
}
