//! The buttons of a job's page: what they do, and whom they do not listen to; without a browser, and in a real Chromium.

use crate::browser_page::{axe, log_in, rules};
use crate::common::chromium::Browser;
use crate::common::{Person, Worker, a_job, another_scientist, start, token};
use crate::page::{browser, login};
use protocol::JobState;
use protocol::http::HostView;
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_jobs_buttons_do_what_they_say_for_its_owner_and_listen_to_the_page_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let bob = another_scientist(&operator, "bob").await;
    let job = scientist.submit(&a_job(&scientist, 6).await).await;
    let browser = browser();
    let (_, cookie) = login(&browser, &server.url, &scientist.token).await;
    let (_, bobs) = login(&browser, &server.url, &bob.token).await;
    let press = async |what: &str, cookie: &str, origin: Option<&str>| {
        let mut request = browser
            .post(format!("{}/jobs/{job}/act", server.url))
            .header("cookie", cookie);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let answer = request.body(format!("what={what}")).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let own = Some(server.url.as_str());
    for (cookie, origin, status) in [
        (&cookie, None, StatusCode::FORBIDDEN),
        (&cookie, Some("null"), StatusCode::FORBIDDEN),
        (&cookie, Some("https://evil.example"), StatusCode::FORBIDDEN),
        (&bobs, own, StatusCode::NOT_FOUND),
        (&String::new(), own, StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(press("cancel", cookie, origin).await.0, status, "{origin:?}");
        assert_eq!(scientist.job(job).await.state, JobState::Queued);
    }
    let (status, page) = press("delete", &cookie, own).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.contains("role=\"alert\"") && page.contains("expected hold, release, retry or cancel"),
        "{page}"
    );
    for (what, state) in [
        ("hold", JobState::Held),
        ("release", JobState::Queued),
        ("cancel", JobState::Cancelled),
    ] {
        assert_eq!(press(what, &cookie, own).await.0, StatusCode::SEE_OTHER, "{what}");
        assert_eq!(scientist.job(job).await.state, state, "{what}");
    }
    let (status, page) = press("hold", &cookie, own).await;
    assert_eq!(status, StatusCode::CONFLICT, "{page}");
    assert!(
        page.contains("role=\"alert\"") && !page.contains("name=\"what\""),
        "nothing is left to do: {page}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_hosts_buttons_are_the_operators_and_what_is_banned_says_why_in_plain_text() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let path = format!("/hosts/{}", worker.host);
    let browser = browser();
    let (_, sues) = login(&browser, &server.url, &scientist.token).await;
    let (_, olgas) = login(&browser, &server.url, &operator.token).await;
    let press = async |form: &str, cookie: &str| {
        let request = browser.post(format!("{}{path}/act", server.url)).header("cookie", cookie);
        let answer = request
            .header("origin", &server.url)
            .body(form.to_owned())
            .send()
            .await
            .unwrap();
        answer.status()
    };
    let page = async |cookie: &str| crate::page::get(&browser, &format!("{}{path}", server.url), cookie).await.1;
    let view = async || -> HostView { operator.get(&format!("/v1{path}")).await };
    assert!(!page(&sues).await.contains("class=\"acts\""));
    assert_eq!(press("what=ban", &sues).await, StatusCode::FORBIDDEN);
    assert_eq!(view().await.banned, None);
    assert!(page(&olgas).await.contains("Yes, drain host 1"));
    assert_eq!(press("what=drain&reason=new+fan", &olgas).await, StatusCode::SEE_OTHER);
    assert!(page(&olgas).await.contains("new fan"));
    assert_eq!(press("what=forgive", &olgas).await, StatusCode::SEE_OTHER);
    assert!(!page(&olgas).await.contains("new fan"));
    // A text of elsewhere moves no cursor and reorders nothing.
    assert_eq!(
        press("what=ban&reason=%1b%5b2Jwrong+%3Cb%3E+results", &olgas).await,
        StatusCode::SEE_OTHER
    );
    assert_eq!(view().await.banned.as_deref(), Some("\u{fffd}[2Jwrong <b> results"));
    assert!(page(&olgas).await.contains("Take the ban back"));
    assert_eq!(press("what=unban", &olgas).await, StatusCode::SEE_OTHER);
    assert_eq!(view().await.banned, None);
    assert_eq!(press("what=praise", &olgas).await, StatusCode::UNPROCESSABLE_ENTITY);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_held_released_and_after_a_question_cancelled_in_a_browser() {
    let Some(mut browser) = Browser::start() else { return };
    let axe = axe();
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 6).await).await;
    log_in(&mut browser, &server.url, &scientist.token);
    browser.go(&format!("{}/jobs/{job}", server.url));
    for (what, state) in [("hold", "held"), ("release", "queued")] {
        browser.evaluate(&format!("document.querySelector('button[value={what}]').click()"));
        browser.wait(&format!(
            "document.querySelector('.one .state')?.innerText === '{state}' && document.getElementById('live')?.textContent === 'live'"
        ));
    }
    // The question stays open while the job goes on.
    browser.evaluate("document.querySelector('.acts summary').focus(); document.querySelector('.acts summary').click()");
    let lease = worker.take().await[0].clone();
    worker.compute(&lease, None, 2).await;
    browser.wait("document.querySelector('.one').innerText.includes('2 of 6 segments')");
    let asked =
        "[document.querySelector('.acts details').open, document.activeElement === document.querySelector('.acts summary')]";
    assert_eq!(browser.evaluate(asked), json!([true, true]));
    rules(&mut browser, axe.as_ref(), "a job with its question");
    browser.evaluate("document.querySelector('button[value=cancel]').click()");
    browser
        .wait("document.querySelector('.one .state')?.innerText === 'cancelled' && document.querySelector('.acts') === null");
    server.stop().await;
}
