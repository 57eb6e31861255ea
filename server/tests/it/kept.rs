//! Finished jobs are kept for as long as the operator says.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::common::{Person, Worker, a_job, archive, options, token};
use protocol::http::SubmitJob;
use protocol::{JobId, JobState, Tier};
use reqwest::{Method, StatusCode};
use server::operate::{BLOBS, Place, check};
use server::serve::Server;
use server::sweep::{Ages, expire, once};

const HOUR: Duration = Duration::from_secs(3600);

async fn status(person: &Person, path: &str) -> StatusCode {
    person.request(Method::GET, path).send().await.unwrap().status()
}

#[tokio::test]
async fn a_finished_job_is_kept_as_long_as_the_operator_says_and_then_its_user_has_its_room_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut with = options(folder.path(), None);
    // It leaves memory at once, and two packages are as much as a user may have.
    with.config.retire_ms = 0;
    with.config.user_stored_max = 2 * archive(Tier::ClassBound).1.len() as u64;
    let server = Server::start(with).await.unwrap();
    let scientist = Person::new(&server.url, token(folder.path(), "scientist"));
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let template = a_job(&scientist, 3).await;
    let first = scientist.submit(&template).await;
    let lease = worker.take().await[0].clone();
    tokio::time::sleep(Duration::from_secs(1)).await;
    worker.compute(&lease, None, 3).await;
    let held = SubmitJob {
        hold: true,
        ..template.clone()
    };
    let second = scientist.submit(&held).await;
    let until = Instant::now() + Duration::from_secs(10);
    let finished = loop {
        match server.engine.store.finished(first).await.unwrap() {
            Some(finished) => break finished,
            None => assert!(Instant::now() < until, "it does not leave memory"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(finished.state(), JobState::Completed);
    let refused = scientist.send(Method::POST, "/v1/jobs", &held).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "nothing more is kept");

    // Not so long ago, nor its end where its submission was, and then long enough.
    assert_eq!(expire(&server.app, HOUR).await.unwrap(), 0);
    let since_submitted = server.engine.now_ms() - finished.view().submitted_ms - 1;
    assert_eq!(expire(&server.app, Duration::from_millis(since_submitted)).await.unwrap(), 0);
    assert_eq!(scientist.job(first).await, finished.view());
    assert_eq!(expire(&server.app, Duration::ZERO).await.unwrap(), 1);
    for path in [format!("/v1/jobs/{first}"), format!("/v1/jobs/{first}/chain")] {
        assert_eq!(status(&scientist, &path).await, StatusCode::NOT_FOUND);
    }
    let ages = Ages {
        superseded: Duration::ZERO,
        orphan: Duration::ZERO,
        ..Ages::default()
    };
    once(&server.app, &mut BTreeSet::new(), ages).await.unwrap();
    let checkpoint = finished.view().checkpoint.unwrap();
    assert_eq!(server.app.blobs.size(checkpoint).await.unwrap(), None);
    assert!(
        server.app.blobs.size(template.archive).await.unwrap().is_some(),
        "another job has it"
    );
    assert_eq!(scientist.job(second).await.state, JobState::Held);
    let third = scientist.submit(&held).await;
    assert_eq!(third, JobId(3), "no number is given twice");

    server.stop().await;
    let place = Place {
        data: folder.path().to_owned(),
        database: None,
        blobs: server::blob::BlobPlace::Folder(folder.path().join(BLOBS)),
    };
    assert_eq!(check::check(&place, true).await.unwrap().wrong, Vec::<String>::new());
}
