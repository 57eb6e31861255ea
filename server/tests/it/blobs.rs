//! Blobs: what they are for is known before they are taken, who may read them, and that a subject fills no disk.

use crate::common::{Person, Worker, a_job, another_scientist, options, start, token};
use crate::routes::problem;
use protocol::Digest;
use protocol::http::BlobView;
use reqwest::{Method, StatusCode};
use server::serve::Server;

async fn put(person: &Person, bytes: &[u8], attempt: &str) -> reqwest::Response {
    let path = format!("/v1/blobs/{}?size={}{attempt}", Digest::of(bytes), bytes.len());
    person.request(Method::PUT, &path).body(bytes.to_vec()).send().await.unwrap()
}

async fn can_read(person: &Person, digest: Digest) -> bool {
    let answer = person
        .request(Method::GET, &format!("/v1/blobs/{digest}"))
        .send()
        .await
        .unwrap();
    match answer.status() {
        StatusCode::OK => true,
        StatusCode::NOT_FOUND => false,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_host_uploads_under_a_lease_alone_and_asking_needs_one_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let said = problem(
        put(&worker.person, b"for nothing", "").await,
        StatusCode::GONE,
        "attempt-over",
    )
    .await;
    assert!(said.detail.contains("for nothing"), "{}", said.detail);
    let enrolment = Person::new(&server.url, token(folder.path(), "host"));
    problem(put(&enrolment, b"for nothing", "").await, StatusCode::FORBIDDEN, "forbidden").await;
    let state = format!("/v1/blobs/{}/upload", Digest::of(b"for nothing"));
    problem(
        enrolment.request(Method::GET, &state).send().await.unwrap(),
        StatusCode::FORBIDDEN,
        "forbidden",
    )
    .await;
    scientist.submit(&a_job(&scientist, 6).await).await;
    let lease = worker.take().await[0].clone();
    let own = format!("&attempt={}", lease.attempt);
    assert_eq!(put(&worker.person, b"of this lease", &own).await.status(), StatusCode::OK);
    problem(
        put(&worker.person, b"of another", "&attempt=77").await,
        StatusCode::GONE,
        "attempt-over",
    )
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_blob_is_read_by_those_who_need_it() {
    let folder = tempfile::tempdir().unwrap();
    let (server, ann) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let enrolment = Person::new(&server.url, token(folder.path(), "host"));
    let bob = another_scientist(&operator, "bob").await;
    let worker = Worker::enrol(&enrolment, "desk", 1).await;
    let template = a_job(&ann, 6).await;
    assert!(can_read(&ann, template.archive).await, "what one uploads oneself");
    assert!(!can_read(&bob, template.archive).await);
    let job = ann.submit(&template).await;
    let lease = worker.take().await[0].clone();
    let stranger = Worker::enrol(&enrolment, "stranger", 2).await;
    let (mut commit, _) = worker.work(&lease, None, 2, lease.class).await;
    commit.outputs = Some(worker.person.upload(b"energies").await);
    assert_eq!(worker.commit(lease.attempt, &commit).await.status(), StatusCode::OK);
    let outputs = commit.outputs.unwrap();
    for (what, digest) in [
        ("archive", template.archive),
        ("checkpoint", commit.checkpoint),
        ("outputs", outputs),
    ] {
        for (who, person, may) in [
            ("owner", &ann, true),
            ("operator", &operator, true),
            ("another scientist", &bob, false),
            ("another host", &stranger.person, false),
            ("enrolment", &enrolment, false),
            ("host", &worker.person, what != "outputs"),
        ] {
            assert_eq!(can_read(person, digest).await, may, "{what} by {who}");
        }
    }
    ann.send(Method::POST, &format!("/v1/jobs/{job}/cancel"), &()).await;
    assert!(!can_read(&worker.person, commit.checkpoint).await, "its lease is over");
    server.stop().await;
}

#[tokio::test]
async fn a_subject_has_so_many_bytes_that_nothing_refers_to_and_a_submission_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), None);
    options.sizes.pending_max = 200_000;
    let server = Server::start(options).await.unwrap();
    let ann = Person::new(&server.url, token(folder.path(), "scientist"));
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let blob = |byte: u8| vec![byte; 80_000];
    for byte in [1, 2] {
        assert_eq!(put(&ann, &blob(byte), "").await.status(), StatusCode::OK);
    }
    let refused = put(&ann, &blob(3), "").await;
    assert!(refused.headers().contains_key("retry-after"));
    let said = problem(refused, StatusCode::TOO_MANY_REQUESTS, "quota").await;
    assert!(
        said.detail.contains("160000 bytes") && said.detail.contains("200000"),
        "{}",
        said.detail
    );
    // Asking about them keeps them, and makes room, no more than anything else; another subject has its own.
    let view: BlobView = ann.get(&format!("/v1/blobs/{}/upload", Digest::of(&blob(1)))).await;
    assert!(view.whole);
    assert_eq!(put(&operator, &blob(3), "").await.status(), StatusCode::OK);
    let job = a_job(&ann, 6).await;
    ann.submit(&job).await;
    let small = vec![7; 30_000];
    assert_eq!(
        put(&ann, &small, "").await.status(),
        StatusCode::OK,
        "the archive is referred to"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_blob_announced_small_and_sent_large_is_counted_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), None);
    options.sizes.pending_max = 200_000;
    let server = Server::start(options).await.unwrap();
    let ann = Person::new(&server.url, token(folder.path(), "scientist"));
    let announced = async |byte: u8, size: u64| {
        let path = format!("/v1/blobs/{}?size={size}", Digest::of(&[byte]));
        ann.request(Method::PUT, &path).body(vec![0; 20_000]).send().await.unwrap()
    };
    for byte in 0..2 {
        assert_eq!(announced(byte, 90_000).await.status(), StatusCode::OK);
        assert_eq!(announced(byte, 90_001).await.status(), StatusCode::OK);
    }
    problem(announced(0, 500_000).await, StatusCode::TOO_MANY_REQUESTS, "quota").await;
    server.stop().await;
}

#[tokio::test]
async fn an_upload_that_is_cut_counts_for_the_bytes_that_came() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), None);
    options.rates.upload_bytes_per_day = 1_000_000;
    let server = Server::start(options).await.unwrap();
    let ann = Person::new(&server.url, token(folder.path(), "scientist"));
    let bytes = vec![7; 600_000];
    let digest = Digest::of(&bytes);
    for part in 0..6 {
        let (from, to) = (part * 100_000, (part + 1) * 100_000);
        let path = format!("/v1/blobs/{digest}?size=600000&offset={from}");
        let sent = ann.request(Method::PUT, &path).body(bytes[from..to].to_vec());
        assert_eq!(sent.send().await.unwrap().status(), StatusCode::OK, "part {part}");
    }
    let again = put(&ann, &bytes, "").await;
    assert_eq!(again.status(), StatusCode::OK, "it is there: no byte is asked for");
    assert_eq!(put(&ann, &vec![8; 390_000], "").await.status(), StatusCode::OK);
    problem(put(&ann, &vec![9; 100_000], "").await, StatusCode::TOO_MANY_REQUESTS, "quota").await;
    server.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_in_the_data_folder_is_for_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // As an older version left it.
    std::fs::create_dir_all(data.join("blobs")).unwrap();
    std::fs::set_permissions(data.join("blobs"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(data.join("baton.sqlite"), b"").unwrap();
    std::fs::set_permissions(data.join("baton.sqlite"), PermissionsExt::from_mode(0o644)).unwrap();
    let (server, scientist) = start(&data).await;
    scientist.submit(&a_job(&scientist, 6).await).await;
    let mut looked = 0;
    let mut folders = vec![data.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(metadata.permissions().mode() & 0o777, expected, "{}", entry.path().display());
            looked += 1;
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    assert!(looked >= 9, "{looked} files and folders");
    server.stop().await;
}
