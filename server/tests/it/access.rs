//! Who gets in and who is put out: invitations, bans, revoked tokens, and that all of it holds at once.

use std::time::Duration;

use crate::common::{Person, Worker, a_job, options, start, token};
use crate::routes::problem;
use protocol::JobState;
use protocol::http::{AuditView, BanHost, HostView, IssueToken, IssuedToken, JobView, Registered, Scope, TokenView};
use reqwest::{Method, Response, StatusCode};
use scheduler::testing::registration;
use server::auth::Enrolment;
use server::serve::Server;

async fn invite(operator: &Person, subject: &str) -> IssuedToken {
    let wanted = IssueToken {
        scope: Scope::Host,
        subject: subject.to_owned(),
        invitation: true,
    };
    operator.post("/v1/tokens", &wanted).await
}

async fn open(person: &Person, path: &str) -> Response {
    let stream = person.request(Method::GET, path).send().await.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    stream
}

/// Whether a stream ends soon, without anything that is asked of the server.
async fn ends(mut stream: Response) -> bool {
    let all = async { while let Ok(Some(_)) = stream.chunk().await {} };
    tokio::time::timeout(Duration::from_secs(3), all).await.is_ok()
}

#[tokio::test]
async fn by_invitation_each_token_enrols_one_host_also_when_its_answer_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), None);
    options.enrolment = Enrolment::Invitation;
    let server = Server::start(options).await.unwrap();
    let person = |token: String| Person::new(&server.url, token);
    let operator = person(token(folder.path(), "operator"));
    let shared = person(token(folder.path(), "host"));
    let refused = shared.send(Method::POST, "/v1/hosts", &registration("desk", 1)).await;
    let said = problem(refused, StatusCode::FORBIDDEN, "forbidden").await;
    assert!(said.detail.contains("by invitation"), "{}", said.detail);

    let invitation = invite(&operator, "ann").await;
    let ann = person(invitation.token.clone());
    let enrol = || {
        let request = ann.request(Method::POST, "/v1/hosts").header("idempotency-key", "one");
        request.json(&registration("desk", 1)).send()
    };
    let (one, two) = tokio::join!(enrol(), enrol());
    // At the same time one of them waits; then it is the same host, since the first answer may have been lost.
    let mut hosts = Vec::new();
    for answer in [one.unwrap(), two.unwrap(), enrol().await.unwrap()] {
        match answer.status() {
            StatusCode::CONFLICT => {}
            _ => hosts.push(crate::common::read::<Registered>(answer).await.host),
        }
    }
    assert!(hosts.len() >= 2 && hosts.iter().all(|host| *host == hosts[0]), "{hosts:?}");
    let again = ann.send(Method::POST, "/v1/hosts", &registration("laptop", 1)).await;
    let said = problem(again, StatusCode::FORBIDDEN, "forbidden").await;
    assert!(said.detail.contains("used up"), "{}", said.detail);
    let listed: protocol::http::Listed<TokenView> = operator.get("/v1/tokens").await;
    let used = listed.items.iter().find(|token| token.id == invitation.id).unwrap();
    assert_eq!((used.invitation, used.host), (true, Some(hosts[0])));
    let wrong = IssueToken {
        scope: Scope::Operator,
        subject: "eve".to_owned(),
        invitation: true,
    };
    let refused = operator.send(Method::POST, "/v1/tokens", &wrong).await;
    problem(refused, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
    server.stop().await;
}

#[tokio::test]
async fn what_people_did_is_known_with_who_did_it_to_the_operator_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 6).await).await;
    let put = |path: String, body: serde_json::Value| scientist.request(Method::PUT, &path).json(&body).send();
    let changed = put(
        format!("/v1/jobs/{job}/priority"),
        serde_json::json!({"priority": 7, "now": true}),
    )
    .await;
    assert_eq!(changed.unwrap().status(), StatusCode::OK);
    let none = scientist.send(Method::POST, "/v1/jobs/99/cancel", &()).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    let _cancelled: JobView = scientist.post(&format!("/v1/jobs/{job}/cancel"), &()).await;
    // Within a millisecond, actions are in the order of their keys.
    let later = || tokio::time::sleep(std::time::Duration::from_millis(2));
    later().await;
    let issued = invite(&operator, "bob").await;
    later().await;
    let reason = "wrong\u{1b}[2J results".to_owned();
    let _banned: HostView = operator
        .post(&format!("/v1/hosts/{}/ban", worker.host), &BanHost { reason })
        .await;
    later().await;
    let revoked = operator
        .request(Method::DELETE, &format!("/v1/tokens/{}", issued.id))
        .send()
        .await;
    assert_eq!(revoked.unwrap().status(), StatusCode::OK);

    let refused = scientist.request(Method::GET, "/v1/audit").send().await.unwrap();
    problem(refused, StatusCode::FORBIDDEN, "forbidden").await;
    let done: protocol::http::Listed<AuditView> = operator.get("/v1/audit").await;
    let mut lines: Vec<String> = done
        .items
        .iter()
        .map(|row| {
            format!("{} {} {} {}", row.subject, row.action, row.object, row.detail)
                .trim_end()
                .to_owned()
        })
        .collect();
    lines.reverse();
    let expected = [
        format!("scientist submit job {job} argon"),
        format!("scientist priority job {job} 7, at once"),
        format!("scientist cancel job {job}"),
        "operator token host bob an invitation".to_owned(),
        format!("operator ban host {} wrong\u{fffd}[2J results", worker.host),
        format!("operator revoke token {} host bob", issued.id),
    ];
    assert_eq!(lines, expected);
    let cursor = format!("/v1/audit?cursor={}", "nonsense");
    let wrong = operator.request(Method::GET, &cursor).send().await.unwrap();
    problem(wrong, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;

    // Read beside the server that runs, and after it.
    for _ in 0..2 {
        let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_baton-server"));
        program.args(["audit", "--limit", "2", "--data"]).arg(folder.path());
        let shown = program.output().await.unwrap();
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.status.success() && text.lines().count() == 2, "{shown:?}");
        assert!(
            text.contains("revoke") && text.contains("ban") && !text.contains('\u{1b}'),
            "{text}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_banned_host_is_out_at_once_its_job_goes_on_and_it_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let bad = Worker::register(&server.url, &token(folder.path(), "host"), "bad", 1).await;
    let job = scientist.submit(&a_job(&scientist, 6).await).await;
    let lease = bad.take().await[0].clone();
    let (commit, _) = bad.work(&lease, None, 1, lease.class).await;
    let orders = open(&bad.person, &format!("/v1/hosts/{}/events", bad.host)).await;
    let ban = BanHost {
        reason: "wrong\u{1b}[2J results".to_owned(),
    };
    let path = format!("/v1/hosts/{}/ban", bad.host);
    problem(
        scientist.send(Method::POST, &path, &ban).await,
        StatusCode::FORBIDDEN,
        "forbidden",
    )
    .await;
    let view: HostView = operator.post(&path, &ban).await;
    assert_eq!(view.banned.as_deref(), Some("wrong\u{fffd}[2J results"));
    assert!(ends(orders).await, "its stream ends");
    assert_eq!(scientist.job(job).await.state, JobState::Migrating);
    problem(bad.commit(lease.attempt, &commit).await, StatusCode::FORBIDDEN, "banned").await;
    let take = bad
        .person
        .send(Method::POST, &format!("/v1/hosts/{}/leases", bad.host), &())
        .await;
    problem(take, StatusCode::FORBIDDEN, "banned").await;
    let shared = Person::new(&server.url, token(folder.path(), "host"));
    let anew = shared.send(Method::POST, "/v1/hosts", &registration("bad", 1)).await;
    problem(anew, StatusCode::FORBIDDEN, "banned").await;
    let invited = Person::new(&server.url, invite(&operator, "ann").await.token);
    Worker::enrol(&invited, "good", 1).await;
    let view: HostView = crate::common::read(operator.request(Method::DELETE, &path).send().await.unwrap()).await;
    assert_eq!(view.banned, None);
    bad.beat(&[]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_revoked_token_ends_leases_streams_and_watchers_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 6).await).await;
    worker.take().await;
    assert_eq!(scientist.job(job).await.state, JobState::Running);
    let orders = open(&worker.person, &format!("/v1/hosts/{}/events", worker.host)).await;
    let watcher = open(&scientist, &format!("/v1/jobs/{job}/events")).await;
    let page = open(&scientist, "/page/events").await;
    let others = open(&operator, &format!("/v1/jobs/{job}/events")).await;
    let listed: protocol::http::Listed<TokenView> = operator.get("/v1/tokens").await;
    let revoke = async |subject: &str| {
        let token = listed.items.iter().find(|token| token.subject == subject).unwrap();
        let path = format!("/v1/tokens/{}", token.id);
        let _: TokenView = crate::common::read(operator.request(Method::DELETE, &path).send().await.unwrap()).await;
    };
    revoke("host-1").await;
    let view: JobView = operator.get(&format!("/v1/jobs/{job}")).await;
    assert_eq!(view.state, JobState::Migrating, "not when it counts as lost");
    assert!(ends(orders).await, "the host's stream");
    revoke("scientist").await;
    assert!(ends(watcher).await && ends(page).await, "the scientist's streams");
    let goes_on = tokio::time::timeout(Duration::from_millis(200), ends(others)).await;
    assert!(goes_on.is_err(), "the operator's goes on");
    server.stop().await;
}

#[tokio::test]
async fn errors_of_three_hosts_at_one_address_hold_no_job_and_a_held_one_is_retried() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let job = scientist.submit(&a_job(&scientist, 6).await).await;
    let fail = async |worker: Worker| {
        let lease = worker.take().await[0].clone();
        let end = protocol::http::EndAttempt {
            epoch: lease.epoch,
            outcome: protocol::Outcome::ClientError,
            cause: protocol::ErrorCause::Host,
            message: "lost\nits device".to_owned(),
        };
        let path = format!("/v1/attempts/{}/end", lease.attempt);
        let _: protocol::http::Orders = worker.person.post(&path, &end).await;
    };
    for _ in 0..3 {
        fail(Worker::register(&server.url, &token(folder.path(), "host"), "stranger", 1).await).await;
    }
    let view = scientist.job(job).await;
    assert_eq!((view.state, view.errors.len()), (JobState::Queued, 3));
    // Proven hosts are believed.
    for index in 0..2 {
        let invited = Person::new(&server.url, invite(&operator, &format!("ann-{index}")).await.token);
        fail(Worker::enrol(&invited, "stranger", 1).await).await;
    }
    assert_eq!(
        scientist.job(job).await.state,
        JobState::Queued,
        "invited, but all from one network"
    );
    for index in 0..7 {
        fail(Worker::register(&server.url, &token(folder.path(), "host"), &format!("host {index}"), 1).await).await;
    }
    let view = scientist.job(job).await;
    assert_eq!(view.state, JobState::Held);
    assert!(view.reason.contains("12 errors from 1 origin"), "{}", view.reason);
    assert!(view.errors.iter().all(|error| error.message == "lost its device"));
    let page = scientist
        .request(Method::GET, "/")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("held") && page.contains("lost its device"),
        "the page shows why"
    );
    let view: JobView = scientist.post(&format!("/v1/jobs/{job}/retry"), &()).await;
    assert_eq!((view.state, view.errors.len()), (JobState::Queued, 0));
    let again = scientist.send(Method::POST, &format!("/v1/jobs/{job}/retry"), &()).await;
    problem(again, StatusCode::CONFLICT, "state").await;
    server.stop().await;
}

#[tokio::test]
async fn a_host_that_two_agents_speak_for_is_the_later_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = start(folder.path()).await;
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let path = format!("/v1/hosts/{}", worker.host);
    let mut body = registration("desk", 1);
    for instance in ["first", "copy"] {
        body.instance = Some(instance.to_owned());
        let answer = worker.person.send(Method::PUT, &path, &body).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let beat = |instance: &str| serde_json::json!({"clock_ms": 1, "instance": instance});
    let path = format!("{path}/heartbeat");
    let refused = worker.person.send(Method::POST, &path, &beat("first")).await;
    let said = problem(refused, StatusCode::CONFLICT, "instance").await;
    assert!(said.detail.contains("state folder"), "{}", said.detail);
    let taken = worker.person.send(Method::POST, &path, &beat("copy")).await;
    assert_eq!(taken.status(), StatusCode::OK);
    server.stop().await;
}
