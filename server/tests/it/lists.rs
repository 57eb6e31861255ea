//! Lists of jobs: filters, both orders, each job once over all pages, whether it is in memory or left it.

use crate::common::{Person, a_job, start, token};
use protocol::http::{JobSummary, JobView, Listed, Problem, SubmitJob};
use reqwest::{Method, StatusCode};

async fn all(person: &Person, query: &str) -> Vec<u64> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: Listed<JobView> = person.get(&format!("/v1/jobs?{query}{cursor}")).await;
        found.extend(page.items.iter().map(|job| job.job.0));
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn jobs_are_listed_in_both_orders_by_state_tag_and_text_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let template = a_job(&scientist, 6).await;
    for number in 1..=9u64 {
        let job = SubmitJob {
            name: format!("melt {number}"),
            tags: vec![format!("third={}", number % 3)],
            hold: number % 2 == 0,
            ..template.clone()
        };
        scientist.submit(&job).await;
    }
    let _: JobView = scientist.post("/v1/jobs/5/cancel", &()).await;
    let newest: Vec<u64> = (1..=9).rev().collect();
    assert_eq!(all(&scientist, "newest=true&limit=2").await, newest);
    assert_eq!(all(&scientist, "limit=4").await, (1..=9).collect::<Vec<_>>());
    assert_eq!(
        all(&scientist, "newest=true&limit=2&state=held,cancelled").await,
        [8, 6, 5, 4, 2]
    );
    assert_eq!(all(&scientist, "limit=1&tag=third%3D0&state=queued").await, [3, 9]);
    assert_eq!(all(&scientist, "newest=true&text=MELT%207").await, [7]);
    assert_eq!(all(&scientist, "text=8").await, [8]);
    let summary: JobSummary = scientist.get("/v1/jobs/summary").await;
    let counts: Vec<(&str, u64)> = summary.states.iter().map(|(state, count)| (state.as_str(), *count)).collect();
    assert_eq!(counts, [("cancelled", 1), ("held", 4), ("queued", 4)]);
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let none: JobSummary = operator.get("/v1/jobs/summary").await;
    assert!(none.states.is_empty(), "its own are none");
    let every: JobSummary = operator.get("/v1/jobs/summary?all=true").await;
    assert_eq!(every, summary);
    for (query, status, part) in [
        (
            "state=held,sleeping",
            StatusCode::BAD_REQUEST,
            "found the state 'sleeping', expected queued",
        ),
        ("limit=0", StatusCode::UNPROCESSABLE_ENTITY, "found 0, expected 1 to 100"),
        ("limit=101", StatusCode::UNPROCESSABLE_ENTITY, "found 101"),
        ("all=true", StatusCode::FORBIDDEN, "operator"),
    ] {
        let answer = scientist
            .request(Method::GET, &format!("/v1/jobs?{query}"))
            .send()
            .await
            .unwrap();
        let found = answer.status();
        let problem: Problem = answer.json().await.unwrap();
        assert!(
            problem.detail.contains(part) || problem.title.contains(part),
            "{query}: {problem:?}"
        );
        assert_eq!(found, status, "{query}");
    }
    server.stop().await;
}
