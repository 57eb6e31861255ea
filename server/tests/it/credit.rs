//! Credit by subject: who may see it, and what of it anyone may.

use crate::common::{Person, Worker, a_job_of, options, token};
use crate::quarantine::{commit, issue, referee};
use crate::routes::problem;
use protocol::http::{CreditView, Listed, Scope, SubmitJob};
use protocol::{Tier, Verify};
use reqwest::{Method, StatusCode};
use server::serve::Server;

async fn text(person: &Person, path: &str) -> String {
    person.request(Method::GET, path).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn verified_work_is_shown_by_subject_and_to_anyone_only_where_the_operator_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), None);
    options.config.check_same_network = true;
    let server = Server::start(options.clone()).await.unwrap();
    let person = |url: &str, name| Person::new(url, token(folder.path(), name));
    let (operator, scientist) = (person(&server.url, "operator"), person(&server.url, "scientist"));
    let house = referee(&operator).await;
    let job = SubmitJob {
        verify: Verify::Sampled,
        ..a_job_of(&scientist, Tier::Portable, 1).await
    };
    scientist.submit(&job).await;
    let ann = Worker::enrol(&issue(&operator, Scope::Host, "ann").await, "ann", 5).await;
    commit(&ann, None).await;
    let rows: Listed<CreditView> = scientist.get("/v1/credit").await;
    assert_eq!(rows.items, Vec::new(), "what nobody confirmed does not count");
    commit(&house, None).await;
    let rows: Listed<CreditView> = scientist.get("/v1/credit").await;
    let row = CreditView {
        subject: Some("ann".to_owned()),
        hosts: 1,
        segments: 1,
        cost_s: 1,
    };
    assert_eq!((&rows.items, &rows.next), (&vec![row], &None));
    let rows: Listed<CreditView> = scientist.get("/v1/credit?cursor=1").await;
    assert_eq!(rows.items, Vec::new());
    let refused = ann.person.request(Method::GET, "/v1/credit").send().await.unwrap();
    problem(refused, StatusCode::FORBIDDEN, "forbidden").await;

    assert!(text(&scientist, "/credit").await.contains("<td>ann</td>"));
    let stranger = |url: &str| Person {
        client: crate::common::client(),
        url: url.to_owned(),
        token: String::new(),
    };
    let shown = |person: Person| async move {
        let answer = person.client.get(format!("{}/credit", person.url)).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let form = shown(stranger(&server.url)).await;
    assert!(form.contains("name=\"token\"") && !form.contains("credit-title"), "{form}");
    server.stop().await;

    let server = Server::start(server::serve::Options {
        credit_table: true,
        ..options
    })
    .await
    .unwrap();
    // Of today's work nothing is told: a host would know from it when it was checked.
    let table = shown(stranger(&server.url)).await;
    assert!(
        table.contains("credit-title") && table.contains("No work is verified yet"),
        "{table}"
    );
    assert!(
        text(&person(&server.url, "scientist"), "/credit")
            .await
            .contains("<td>ann</td>")
    );
    server.stop().await;
}
