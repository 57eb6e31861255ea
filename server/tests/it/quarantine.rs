//! A driver on which hosts are wrong alike: what an operator is shown of its class, and how the quarantine ends.

use crate::common::{Person, Worker, a_job_of, checkpoint, compute, options, token};
use crate::routes::problem;
use protocol::http::job::ClassPresence;
use protocol::http::{Commit, HostView, IssueToken, IssuedToken, Scope, SubmitJob};
use protocol::{ChainEntry, Digest, Tier, Verify};
use reqwest::{Method, StatusCode};
use scheduler::testing::{class, registration};
use server::serve::Server;

pub async fn issue(operator: &Person, scope: Scope, subject: &str) -> Person {
    let wanted = IssueToken {
        scope,
        subject: subject.to_owned(),
        invitation: false,
    };
    let issued: IssuedToken = operator.post("/v1/tokens", &wanted).await;
    Person::new(&operator.url, issued.token)
}

/// The operator's referee.
pub async fn referee(operator: &Person) -> Worker {
    let house = issue(operator, Scope::Referee, "house").await;
    let mut referee = registration("house", 1);
    referee.referee = true;
    let registered: protocol::http::Registered = house.post("/v1/hosts", &referee).await;
    Worker {
        person: Person::new(&operator.url, registered.token.unwrap()),
        host: registered.host,
    }
}

/// Takes the one lease there is and commits its first segment: with a plot of its own, where one is given.
pub async fn commit(worker: &Worker, plot: Option<&[u8]>) {
    let lease = worker.take().await.remove(0);
    let mut run = compute(lease.package, None, 1);
    if let Some(plot) = plot {
        let last = run[1].clone();
        run[1] = ChainEntry::next(lease.package, Some(&run[0]), last.step, last.content, Digest::of(plot));
    }
    let commit = Commit {
        epoch: lease.epoch,
        checkpoint: worker.person.upload(&checkpoint(lease.package, &run[1], lease.class)).await,
        entries: run,
        outputs: None,
        computed_ms: 1000,
        signature: None,
    };
    let answer = worker.commit(lease.attempt, &commit).await;
    assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.text().await);
}

#[tokio::test]
async fn an_operator_sees_a_quarantined_class_and_forgives_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), None);
    options.config.check_same_network = true;
    let server = Server::start(options).await.unwrap();
    let person = |name| Person::new(&server.url, token(folder.path(), name));
    let (operator, scientist) = (person("operator"), person("scientist"));
    let house = referee(&operator).await;
    for name in ["ann", "bob", "cay"] {
        let job = SubmitJob {
            verify: Verify::Sampled,
            ..a_job_of(&scientist, Tier::Portable, 1).await
        };
        scientist.submit(&job).await;
        let worker = Worker::enrol(&issue(&operator, Scope::Host, name).await, name, 5).await;
        commit(&worker, Some(b"the driver's own bits")).await;
        // Nothing else that is there may check it: the referee does, and finds it wrong.
        commit(&house, None).await;
        let answer: protocol::http::Listed<protocol::http::JobView> = scientist.get("/v1/jobs").await;
        for job in answer.items.iter().filter(|job| !job.state.is_final()) {
            let _: protocol::http::JobView = scientist.post(&format!("/v1/jobs/{}/cancel", job.job), &()).await;
        }
    }
    let driver = class(Tier::ClassBound, 5);
    let quarantined = async || {
        let classes: Vec<ClassPresence> = scientist.get("/v1/classes").await;
        classes.into_iter().find(|row| row.class == driver).unwrap().quarantined
    };
    let why = quarantined().await.expect("three were wrong alike");
    assert!(why.contains("ann (host 2), bob (host 3), cay (host 4)"), "{why}");
    let read = async |path: &str| {
        let answer = scientist.request(Method::GET, path).send().await.unwrap();
        answer.text().await.unwrap()
    };
    assert!(read("/").await.contains("quarantined: a referee found"), "the page says so");
    assert!(read("/metrics").await.contains("baton_quarantined_classes 1"));
    let view: HostView = scientist.get("/v1/hosts/2").await;
    assert!(
        view.devices[0].idle.as_ref().is_some_and(|idle| idle.contains("quarantined")),
        "{view:?}"
    );

    let path = format!("/v1/classes/{}/{}/forgive", driver.tier, driver.key);
    let refused = scientist.send(Method::POST, &path, &()).await;
    problem(refused, StatusCode::FORBIDDEN, "forbidden").await;
    assert!(quarantined().await.is_some());
    let wrong = operator.send(Method::POST, "/v1/classes/class-bound/abc/forgive", &()).await;
    assert!(wrong.status().is_client_error(), "{}", wrong.status());
    let view: ClassPresence = operator.post(&path, &()).await;
    assert_eq!((view.quarantined, quarantined().await), (None, None));
    let again = operator.send(Method::POST, &path, &()).await;
    problem(again, StatusCode::CONFLICT, "state").await;
    assert!(read("/metrics").await.contains("baton_quarantined_classes 0"));
    server.stop().await;
}
