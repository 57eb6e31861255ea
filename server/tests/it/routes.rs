//! The service over loopback: what a scientist and a host do, and what they are refused.

use crate::common::{Person, Worker, a_job, client, compute, options, read, start, token};
use protocol::http::lease::ChainLine;
use protocol::http::{
    Action, BlobView, EndAttempt, IssueToken, IssuedToken, LeaveNotice, Listed, Orders, Problem, Scope, SubmitJob, Submitted,
    TokenView, Why,
};
use protocol::{Digest, JobState, Outcome};
use reqwest::{Method, StatusCode};
use scheduler::testing::class;
use server::limits::Rates;
use server::serve::{Options, Server};

pub async fn problem(response: reqwest::Response, status: StatusCode, kind: &str) -> Problem {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let text = response.text().await.unwrap();
    let problem: Problem = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (problem.status, problem.kind.as_str()),
        (status.as_u16(), format!("/problems/{kind}").as_str()),
        "{text}"
    );
    problem
}

#[tokio::test]
async fn a_job_migrates_between_two_hosts_and_its_chain_is_that_of_an_undisturbed_run() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let enrolment = token(folder.path(), "host");
    let first = Worker::register(&server.url, &enrolment, "first", 1).await;
    let job = scientist.submit(&a_job(&scientist, 6).await).await;
    let lease = first.take().await[0].clone();
    assert_eq!((lease.action, lease.until_segment), (Action::Run, 6));
    let (response, last) = first.compute(&lease, None, 2).await;
    assert_eq!(response.status(), StatusCode::OK);

    let second = Worker::register(&server.url, &enrolment, "second", 1).await;
    let notice = LeaveNotice {
        in_s: 0,
        back_in_s: None,
        reason: "Ctrl-C".to_owned(),
    };
    let orders = first.orders("departure", &notice).await;
    assert_eq!(orders.leases[0].action, Action::StopAtBoundary);
    let (_, last) = first.compute(&lease, Some(last), 1).await;
    let end = EndAttempt {
        epoch: lease.epoch,
        outcome: Outcome::Migrated,
        cause: protocol::ErrorCause::Host,
        message: String::new(),
    };
    let _: Orders = first.person.post(&format!("/v1/attempts/{}/end", lease.attempt), &end).await;

    let next = second.take().await[0].clone();
    let from = next.checkpoint.clone().unwrap();
    assert_eq!((from.entry.clone(), next.epoch), (last.clone(), 2));
    let bytes = second
        .person
        .request(Method::GET, &format!("/v1/blobs/{}", from.blob))
        .send()
        .await
        .unwrap();
    assert_eq!(Digest::of(&bytes.bytes().await.unwrap()), from.blob);
    let (_, end) = second.compute(&next, Some(last), 3).await;

    let view = scientist.job(job).await;
    assert_eq!(
        (view.state, view.chain, view.stays.len()),
        (JobState::Completed, Some(end.digest), 2)
    );
    let chain: Listed<ChainLine> = scientist.get(&format!("/v1/jobs/{job}/chain")).await;
    let entries: Vec<_> = chain.items.into_iter().map(|line| line.entry).collect();
    assert_eq!(entries, compute(lease.package, None, 6));
    let why: Why = scientist.get(&format!("/v1/jobs/{job}/why")).await;
    let states: Vec<_> = why.changes.iter().map(|change| change.state).collect();
    for state in [JobState::Queued, JobState::Running, JobState::Migrating, JobState::Completed] {
        assert!(states.contains(&state), "{states:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_host_is_told_of_preemption_at_once_through_its_stream() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let calm = a_job(&scientist, 6).await;
    scientist.submit(&calm).await;
    let lease = worker.take().await[0].clone();
    worker.compute(&lease, None, 1).await;
    let path = format!("/v1/hosts/{}/events", worker.host);
    let mut stream = worker.person.request(Method::GET, &path).send().await.unwrap();
    let mut text = String::new();
    while !text.contains("\n\n") {
        text += std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap();
    }
    assert!(text.starts_with("event: orders") && text.contains("\"run\""), "{text}");
    text.clear();
    let urgent = SubmitJob { priority: 9, ..calm };
    let begun = std::time::Instant::now();
    scientist.submit(&urgent).await;
    while !text.contains("stop-at-boundary") {
        text += std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap();
    }
    assert!(begun.elapsed().as_secs() < 5, "at once");
    server.stop().await;
    // A stopping server lets go of its streams.
    while let Ok(Some(_)) = stream.chunk().await {}
}

#[tokio::test]
async fn commits_are_checked_before_they_count() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let enrolment = token(folder.path(), "host");
    let worker = Worker::register(&server.url, &enrolment, "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 6).await).await;
    let lease = worker.take().await[0].clone();
    let (good, _) = worker.work(&lease, None, 2, lease.class).await;
    let nowhere = Digest::of(b"nowhere");
    let (mut no_checkpoint, mut no_outputs) = (good.clone(), good.clone());
    no_checkpoint.checkpoint = nowhere;
    no_outputs.outputs = Some(nowhere);
    for (commit, field) in [(no_checkpoint, "checkpoint"), (no_outputs, "outputs")] {
        let response = worker.commit(lease.attempt, &commit).await;
        let said = problem(response, StatusCode::PRECONDITION_FAILED, "missing-blob").await;
        assert_eq!(said.field.as_deref(), Some(field));
    }
    let foreign = worker.person.upload(b"not a checkpoint").await;
    let foreign = protocol::http::Commit {
        checkpoint: foreign,
        ..good.clone()
    };
    problem(
        worker.commit(lease.attempt, &foreign).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
    )
    .await;
    let (other_class, _) = worker.work(&lease, None, 2, class(protocol::Tier::ClassBound, 9)).await;
    let said = problem(
        worker.commit(lease.attempt, &other_class).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
    )
    .await;
    assert!(said.detail.contains("class"), "{said}");
    let short = protocol::http::Commit {
        entries: good.entries[..2].to_vec(),
        ..good.clone()
    };
    problem(
        worker.commit(lease.attempt, &short).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
    )
    .await;
    let stale = protocol::http::Commit {
        epoch: 0,
        ..good.clone()
    };
    problem(
        worker.commit(lease.attempt, &stale).await,
        StatusCode::CONFLICT,
        "stale-epoch",
    )
    .await;
    let thief = Worker::register(&server.url, &enrolment, "thief", 1).await;
    problem(thief.commit(lease.attempt, &good).await, StatusCode::NOT_FOUND, "not-found").await;
    assert_eq!(scientist.job(job).await.checkpoint, None, "nothing of this counted");
    for _ in 0..2 {
        let response = worker.commit(lease.attempt, &good).await;
        assert_eq!(response.status(), StatusCode::OK, "a repeated commit is answered the same");
    }
    assert_eq!(scientist.job(job).await.segment, 2);
    server.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_gives_the_same_job_once() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let job = a_job(&scientist, 6).await;
    let submit = async |job: &SubmitJob| {
        let request = scientist.request(Method::POST, "/v1/jobs").header("Idempotency-Key", "k1");
        request.json(job).send().await.unwrap()
    };
    let first: Submitted = read(submit(&job).await).await;
    let again: Submitted = read(submit(&job).await).await;
    assert_eq!(first, again);
    let other = SubmitJob { segments: 7, ..job };
    problem(submit(&other).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
    let jobs: Listed<protocol::http::JobView> = scientist.get("/v1/jobs").await;
    assert_eq!(jobs.items.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn tokens_have_scopes_and_can_be_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 6).await).await;
    let wanted = IssueToken {
        scope: Scope::Scientist,
        subject: "bob".to_owned(),
        invitation: false,
    };
    problem(
        scientist.send(Method::POST, "/v1/tokens", &wanted).await,
        StatusCode::FORBIDDEN,
        "forbidden",
    )
    .await;
    let issued: IssuedToken = operator.post("/v1/tokens", &wanted).await;
    let bob = Person::new(&server.url, issued.token.clone());
    let response = bob.request(Method::GET, &format!("/v1/jobs/{job}")).send().await.unwrap();
    problem(response, StatusCode::NOT_FOUND, "not-found").await;
    let own: protocol::http::JobView = operator.get(&format!("/v1/jobs/{job}")).await;
    assert_eq!(own.owner, "scientist");
    problem(
        worker.person.send(Method::GET, "/v1/jobs", &()).await,
        StatusCode::FORBIDDEN,
        "forbidden",
    )
    .await;
    problem(
        bob.send(Method::POST, "/v1/hosts/1/leases", &()).await,
        StatusCode::FORBIDDEN,
        "forbidden",
    )
    .await;
    let revoked: TokenView = read(operator.send(Method::DELETE, &format!("/v1/tokens/{}", issued.id), &()).await).await;
    assert!(revoked.revoked_ms.is_some());
    let response = bob.request(Method::GET, "/v1/jobs").send().await.unwrap();
    problem(response, StatusCode::UNAUTHORIZED, "unauthorized").await;
    for file in ["operator", "scientist", "host"] {
        let path = folder.path().join(format!("{file}.token"));
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    server.stop().await;
    let stored = std::fs::read(folder.path().join("baton.sqlite")).unwrap();
    let secret = issued.token.as_bytes();
    assert!(
        !stored.windows(secret.len()).any(|window| window == secret),
        "only digests are kept"
    );
}

#[tokio::test]
async fn uploads_go_on_after_a_cut_and_downloads_have_ranges() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let bytes: Vec<u8> = (0..100_000u32).map(|byte| (byte % 253) as u8).collect();
    let digest = Digest::of(&bytes);
    let put = async |offset: usize, part: &[u8]| {
        let path = format!("/v1/blobs/{digest}?size={}&offset={offset}", bytes.len());
        scientist
            .request(Method::PUT, &path)
            .body(part.to_vec())
            .send()
            .await
            .unwrap()
    };
    let part: BlobView = read(put(0, &bytes[..40_000]).await).await;
    assert_eq!((part.received, part.whole), (40_000, false));
    let blob = format!("/v1/blobs/{digest}");
    let response = scientist.request(Method::GET, &blob).send().await.unwrap();
    problem(response, StatusCode::NOT_FOUND, "not-found").await;
    problem(put(50_000, &bytes[50_000..]).await, StatusCode::CONFLICT, "offset").await;
    let there: BlobView = scientist.get(&format!("{blob}/upload")).await;
    let rest = usize::try_from(there.received).unwrap();
    let whole: BlobView = read(put(rest, &bytes[rest..]).await).await;
    assert!(whole.whole);
    let response = scientist
        .request(Method::GET, &blob)
        .header("Range", "bytes=99990-")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(response.headers()["content-range"], "bytes 99990-99999/100000");
    let tag = response.headers()["etag"].clone();
    assert_eq!(response.bytes().await.unwrap(), bytes[99_990..]);
    let response = scientist
        .request(Method::GET, &blob)
        .header("If-None-Match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    let stale = scientist
        .request(Method::GET, &blob)
        .header("Range", "bytes=0-9")
        .header("If-Range", "\"old\"");
    assert_eq!(
        stale.send().await.unwrap().status(),
        StatusCode::OK,
        "the whole, when what was known is stale"
    );
    let path = format!("/v1/blobs/{}?size=9999999999", Digest::of(b"x"));
    let response = scientist.request(Method::PUT, &path).body(vec![1]).send().await.unwrap();
    problem(response, StatusCode::PAYLOAD_TOO_LARGE, "too-large").await;
    let path = format!("/v1/blobs/{}?size=3", Digest::of(b"right"));
    let response = scientist.request(Method::PUT, &path).body("bad").send().await.unwrap();
    problem(response, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
    server.stop().await;
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let rates = Rates {
        requests_per_minute: 5,
        enrolments_per_minute: 1,
        upload_bytes_per_day: 10,
    };
    let options = Options {
        rates,
        ..options(folder.path(), None)
    };
    let server = Server::start(options).await.unwrap();
    let scientist = Person::new(&server.url, token(folder.path(), "scientist"));
    let path = format!("/v1/blobs/{}?size=10", Digest::of(b"0123456789"));
    let put = async || scientist.request(Method::PUT, &path).body("0123456789").send().await.unwrap();
    assert_eq!(put().await.status(), StatusCode::OK);
    let path = format!("/v1/blobs/{}?size=10", Digest::of(b"another"));
    let response = scientist.request(Method::PUT, &path).body("another").send().await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    problem(response, StatusCode::TOO_MANY_REQUESTS, "quota").await;
    let mut last = None;
    for _ in 0..6 {
        last = Some(scientist.request(Method::GET, "/v1/classes").send().await.unwrap());
    }
    let last = last.unwrap();
    assert!(last.headers().contains_key("retry-after"));
    problem(last, StatusCode::TOO_MANY_REQUESTS, "rate").await;
    server.stop().await;
}

#[tokio::test]
async fn the_page_asks_for_a_token_and_shows_jobs_hosts_and_queues() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    Worker::register(&server.url, &token(folder.path(), "host"), "desk <b>", 1).await;
    let job = SubmitJob {
        name: "<script>alert(1)</script>".to_owned(),
        ..a_job(&scientist, 6).await
    };
    scientist.submit(&job).await;
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let browser = {
        client();
        browser.unwrap()
    };
    let form = browser.get(&server.url).send().await.unwrap();
    assert!(
        form.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'none'")
    );
    assert!(form.text().await.unwrap().contains("type=\"password\""));
    let login = async |token: &str| {
        browser
            .post(format!("{}/login", server.url))
            .body(format!("token={token}"))
            .send()
            .await
            .unwrap()
    };
    problem(login("baton_wrong").await, StatusCode::UNAUTHORIZED, "unauthorized").await;
    let answer = login(&scientist.token).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = browser
        .get(&server.url)
        .header("Cookie", &cookie)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert"),
        "what users write is text"
    );
    assert!(page.contains("desk &lt;b&gt;") && page.contains("class-bound:") && page.contains("viewport"));
    let mut stream = browser
        .get(format!("{}/page/events", server.url))
        .header("Cookie", &cookie)
        .send()
        .await
        .unwrap();
    let begin = stream.chunk().await.unwrap().unwrap();
    assert!(begin.starts_with(b"event: content"));
    server.stop().await;
}
