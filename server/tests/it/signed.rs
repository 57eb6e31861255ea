//! Key lists, signed submissions and commits, and the proof that is made of them: what counts, and that nothing is kept of what does not.

use crate::common::{Person, Worker, a_job, another_scientist, options, token};
use crate::routes::problem;
use protocol::http::signed::Keys;
use protocol::http::{
    Commit, HostView, IssueToken, IssuedToken, JobView, KeyList, KeyRole, Lease, Listed, ListedKey, Proof, Scope, SubmitJob,
};
use protocol::{ChainEntry, Digest, PublicKey, Signature, Verify};
use reqwest::{Method, Response, StatusCode};
use scheduler::testing::registration;
use server::serve::Server;
use signing::commit::Boundary;
use signing::proof::{Trust, check};
use signing::{SecretKey, list, submission};

const HOUR_MS: u64 = 3_600_000;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

/// Root 1 lists the scientist's key 3, and the server's where it is given.
pub fn key_list(number: u64, server: Option<PublicKey>) -> KeyList {
    let entry = |key, role, subject: &str| ListedKey {
        key,
        role,
        subject: subject.to_owned(),
        until_ms: now_ms() + HOUR_MS,
    };
    let scientist = entry(key(3).public(), KeyRole::Scientist, "scientist");
    let server = server.map(|key| entry(key, KeyRole::Server, "baton"));
    let keys = [scientist].into_iter().chain(server).collect();
    list::sign(&key(1), number, now_ms() + HOUR_MS, keys)
}

/// A server with a key list, the operator, the scientist, and the server's own name.
async fn start(folder: &std::path::Path) -> (Server, Person, Person, String) {
    let mut options = options(folder, None);
    options.config.check_same_network = true;
    let server = Server::start(options).await.unwrap();
    let person = |name| Person::new(&server.url, token(folder, name));
    let (operator, scientist) = (person("operator"), person("scientist"));
    let keys: Keys = scientist.get("/v1/keys").await;
    assert_eq!(keys.list, None);
    let list = key_list(5, Some(keys.server));
    let keys: Keys = crate::common::read(operator.send(Method::PUT, "/v1/keys", &list).await).await;
    assert_eq!(keys.list, Some(list));
    let name = server.engine.identity.server.clone();
    (server, operator, scientist, name)
}

async fn refused(response: Response, parts: &[&str]) {
    let said = problem(response, StatusCode::BAD_REQUEST, "signature").await;
    assert!(parts.iter().all(|part| said.detail.contains(part)), "{parts:?}: {said}");
}

fn signed(seed: u8, server: &str, job: SubmitJob, times: (u64, u64), number: &[u8]) -> SubmitJob {
    let word = submission::sign(&key(seed), server, &job, times, Digest::of(number));
    SubmitJob {
        signed: Some(word),
        ..job
    }
}

#[tokio::test]
async fn a_key_list_is_replaced_by_a_newer_one_of_the_same_root_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (server, operator, scientist, _) = start(folder.path()).await;
    let put = |person: &Person, list: KeyList| {
        let person = person.clone();
        async move { person.send(Method::PUT, "/v1/keys", &list).await }
    };
    problem(put(&scientist, key_list(6, None)).await, StatusCode::FORBIDDEN, "forbidden").await;
    refused(put(&operator, key_list(5, None)).await, &["number 5, and number 6 was seen"]).await;
    let foreign = list::sign(&key(2), 9, now_ms() + HOUR_MS, Vec::new());
    refused(put(&operator, foreign).await, &["signed by root"]).await;
    let mut changed = key_list(6, None);
    changed.keys[0].subject = "eve".to_owned();
    refused(put(&operator, changed).await, &["the signature is not that of key"]).await;
    refused(put(&operator, list::sign(&key(1), 9, 1, Vec::new())).await, &["expired"]).await;
    let kept: Keys = scientist.get("/v1/keys").await;
    assert_eq!(kept.list.map(|list| list.number), Some(5));
    let taken = put(&operator, key_list(6, None)).await;
    assert_eq!(taken.status(), StatusCode::OK);
    server.stop().await;
    // It outlives the process.
    let server = Server::start(options(folder.path(), None)).await.unwrap();
    let scientist = Person::new(&server.url, token(folder.path(), "scientist"));
    let kept: Keys = scientist.get("/v1/keys").await;
    assert_eq!(kept.list.map(|list| list.number), Some(6));
    server.stop().await;
}

#[tokio::test]
async fn an_unsigned_wrongly_signed_expired_or_replayed_submission_makes_no_job() {
    let folder = tempfile::tempdir().unwrap();
    let (server, operator, scientist, name) = start(folder.path()).await;
    let job = a_job(&scientist, 4).await;
    let times = (now_ms(), now_ms() + HOUR_MS);
    let send = |person: &Person, job: &SubmitJob| {
        let (person, job) = (person.clone(), job.clone());
        async move { person.send(Method::POST, "/v1/jobs", &job).await }
    };
    refused(send(&scientist, &job).await, &["is not signed", "baton submit --key"]).await;
    let good = signed(3, &name, job.clone(), times, b"one");
    let more = SubmitJob {
        segments: 5,
        ..good.clone()
    };
    refused(send(&scientist, &more).await, &["segments is 5", "for 4"]).await;
    let mut forged = good.clone();
    forged.signed.as_mut().unwrap().segments = 5;
    forged.segments = 5;
    refused(send(&scientist, &forged).await, &["the signature is not that of key"]).await;
    let unknown = signed(4, &name, job.clone(), times, b"two");
    refused(
        send(&scientist, &unknown).await,
        &["is not on the operator's list (number 5) as a scientist's"],
    )
    .await;
    let elsewhere = signed(3, "another server", job.clone(), times, b"three");
    refused(send(&scientist, &elsewhere).await, &["server is", "another server"]).await;
    let late = signed(3, &name, job.clone(), (times.0 - 2000, times.0 - 1000), b"four");
    refused(send(&scientist, &late).await, &["the submission expired"]).await;
    // Somebody else's token with the scientist's signature.
    let bob = another_scientist(&operator, "bob").await;
    refused(send(&bob, &good).await, &["is scientist's", "bob uses it"]).await;
    let none: Listed<JobView> = operator.get("/v1/jobs?all=true").await;
    assert!(none.items.is_empty(), "nothing is kept of what was refused: {none:?}");

    // The same request sent again is the same job; the same signature in another request is none.
    let once = || {
        let request = scientist.request(Method::POST, "/v1/jobs").header("idempotency-key", "once");
        request.json(&good).send()
    };
    for _ in 0..2 {
        assert_eq!(once().await.unwrap().status(), StatusCode::CREATED);
    }
    let said = problem(send(&scientist, &good).await, StatusCode::CONFLICT, "replayed").await;
    assert!(said.detail.contains("made job 1 and makes no second one"), "{said}");
    let again = scientist.request(Method::POST, "/v1/jobs").header("idempotency-key", "twice");
    problem(again.json(&good).send().await.unwrap(), StatusCode::CONFLICT, "replayed").await;
    let one: Listed<JobView> = operator.get("/v1/jobs?all=true").await;
    assert_eq!(one.items.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn where_no_list_is_published_a_signature_is_refused_since_nothing_can_check_it() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = crate::common::start(folder.path()).await;
    let job = a_job(&scientist, 4).await;
    let name = server.engine.identity.server.clone();
    let good = signed(3, &name, job, (now_ms(), now_ms() + HOUR_MS), b"one");
    let said = problem(
        scientist.send(Method::POST, "/v1/jobs", &good).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
    )
    .await;
    assert!(said.detail.contains("no key list"), "{said}");
    server.stop().await;
}

/// A host with a key of its own.
async fn host_with_key(operator: &Person, name: &str, seed: u8) -> Worker {
    let wanted = IssueToken {
        scope: Scope::Host,
        subject: name.to_owned(),
        invitation: false,
    };
    let issued: IssuedToken = operator.post("/v1/tokens", &wanted).await;
    let mut body = registration(name, 1);
    body.key = Some(key(seed).public());
    let person = Person::new(&operator.url, issued.token);
    let registered: protocol::http::Registered = person.post("/v1/hosts", &body).await;
    Worker {
        person: Person::new(&operator.url, registered.token.unwrap()),
        host: registered.host,
    }
}

fn word(seed: u8, server: &str, worker: &Worker, lease: &Lease, entry: &ChainEntry) -> Option<Signature> {
    let boundary = Boundary::of(server, worker.host, entry);
    Some(boundary.sign(&key(seed), lease.attempt, lease.epoch))
}

#[tokio::test]
async fn hosts_sign_what_they_commit_and_a_proof_of_their_words_is_checked_without_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let (server, operator, scientist, name) = start(folder.path()).await;
    let job = SubmitJob {
        verify: Verify::Full,
        ..a_job(&scientist, 2).await
    };
    let job = signed(3, &name, job, (now_ms(), now_ms() + HOUR_MS), b"one");
    let id = scientist.submit(&job).await;
    let ann = host_with_key(&operator, "ann", 17).await;
    let lease = ann.take().await.remove(0);
    assert_eq!(lease.signed.as_deref(), job.signed.as_ref(), "a host can look at it itself");
    let (commit, _) = ann.work(&lease, None, 2, lease.class).await;
    let last = commit.entries.last().unwrap().clone();
    let wrong = [
        (None, "the commit is not signed"),
        (word(18, &name, &ann, &lease, &last), "the signature is not that of key"),
        (word(17, "another", &ann, &lease, &last), "the signature is not that of key"),
        (
            word(17, &name, &ann, &lease, &commit.entries[1]),
            "the signature is not that of key",
        ),
    ];
    for (signature, part) in wrong {
        let commit = Commit {
            signature,
            ..commit.clone()
        };
        refused(ann.commit(lease.attempt, &commit).await, &[part]).await;
    }
    assert_eq!(scientist.job(id).await.segment, 0, "nothing is kept of what was refused");
    // A host without a key is not enrolled.
    let enrolment = Person::new(&server.url, token(folder.path(), "host"));
    let keyless = enrolment.send(Method::POST, "/v1/hosts", &registration("old", 1)).await;
    refused(keyless, &["key list", "update its agent"]).await;
    // The key that it registered is its own for good.
    let mut other = registration("ann", 1);
    other.key = Some(key(18).public());
    let path = format!("/v1/hosts/{}", ann.host);
    let said = problem(
        ann.person.send(Method::PUT, &path, &other).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
    )
    .await;
    assert_eq!(said.field.as_deref(), Some("key"));
    let nothing = scientist
        .request(Method::GET, &format!("/v1/jobs/{id}/proof"))
        .send()
        .await
        .unwrap();
    problem(nothing, StatusCode::CONFLICT, "state").await;

    let bob = host_with_key(&operator, "bob", 18).await;
    let good = Commit {
        signature: word(17, &name, &ann, &lease, &last),
        ..commit
    };
    assert_eq!(ann.commit(lease.attempt, &good).await.status(), StatusCode::OK);
    let check_lease = bob.take().await.remove(0);
    let (mut commit, _) = bob.work(&check_lease, None, 2, check_lease.class).await;
    commit.signature = word(18, &name, &bob, &check_lease, &last);
    assert_eq!(bob.commit(check_lease.attempt, &commit).await.status(), StatusCode::OK);

    let proof: Proof = scientist.get(&format!("/v1/jobs/{id}/proof")).await;
    let trust = Trust {
        root: Some(key(1).public()),
        least_list: 5,
    };
    let shown = check(&proof, trust).unwrap();
    assert_eq!((shown.segments, shown.signed, shown.confirmed), (2, 2, 2));
    assert!(shown.anchored && shown.submitted);
    assert_eq!(proof.chain.last(), Some(&last));
    let span = &proof.spans[0];
    assert_eq!((span.host, span.confirmed_by), (ann.host, Some(bob.host)));
    // It outlives the process, as the job does.
    server.stop().await;
    let server = Server::start(options(folder.path(), None)).await.unwrap();
    let scientist = Person::new(&server.url, token(folder.path(), "scientist"));
    let again: Proof = scientist.get(&format!("/v1/jobs/{id}/proof")).await;
    assert_eq!((again.spans, again.key), (proof.spans, proof.key));
    server.stop().await;
}

#[tokio::test]
async fn a_host_without_a_key_does_no_more_work_once_a_key_list_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = crate::common::start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let id = scientist.submit(&a_job(&scientist, 4).await).await;
    let old = Worker::register(&server.url, &token(folder.path(), "host"), "old", 1).await;
    let lease = old.take().await.remove(0);
    let list = key_list(1, None);
    let _: Keys = crate::common::read(operator.send(Method::PUT, "/v1/keys", &list).await).await;
    let (answer, _) = old.compute(&lease, None, 1).await;
    refused(answer, &["this host", "update its agent"]).await;
    assert_eq!(scientist.job(id).await.segment, 0, "nothing is kept of it");
    old.beat(&[lease]).await;
    let view: HostView = scientist.get(&format!("/v1/hosts/{}", old.host)).await;
    assert!(view.reason.contains("key list"), "{}", view.reason);
    // With a key it goes on.
    let mut body = registration("old", 1);
    body.key = Some(key(17).public());
    let path = format!("/v1/hosts/{}", old.host);
    let _: protocol::http::Registered = crate::common::read(old.person.send(Method::PUT, &path, &body).await).await;
    let lease = old.take().await.remove(0);
    let (mut commit, _) = old.work(&lease, None, 1, lease.class).await;
    let name = server.engine.identity.server.clone();
    commit.signature = word(17, &name, &old, &lease, commit.entries.last().unwrap());
    assert_eq!(old.commit(lease.attempt, &commit).await.status(), StatusCode::OK);
    server.stop().await;
}
