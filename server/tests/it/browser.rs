//! The page in a real Chromium: what it shows, that it keeps itself up to date, and that it fits a phone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::common::chromium::Browser;
use crate::common::{Worker, a_job, a_job_of, start, token};
use protocol::http::{EndAttempt, LeaveNotice, Orders, SubmitJob};
use protocol::{Outcome, Tier};
use scheduler::testing::class;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Waits for a job to have come so far on the page, by the words on its card.
fn card(job: impl std::fmt::Display, words: &[&str]) -> String {
    let text = format!("document.querySelector('[data-job=\"{job}\"]')?.innerText ?? ''");
    let all = words.iter().map(|word| format!("({text}).includes({word:?})"));
    all.collect::<Vec<_>>().join(" && ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_jobs_hosts_and_queues_live_and_fits_a_phone() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let enrolment = token(folder.path(), "host");
    let first = Worker::register(&server.url, &enrolment, "desk", 1).await;
    let template = a_job(&scientist, 6).await;
    let argon = scientist.submit(&template).await;
    let lease = first.take().await[0].clone();
    let (_, last) = first.compute(&lease, None, 2).await;
    first.beat(std::slice::from_ref(&lease)).await;

    browser.screen(1280, 900);
    browser.go(&server.url);
    browser.evaluate(&format!(
        "document.getElementById('token').value = {:?}; document.querySelector('form button').click()",
        scientist.token
    ));
    browser.wait("document.querySelector('#jobs') !== null");
    browser.wait("document.getElementById('live').textContent === 'live'");
    let secret = browser.evaluate("document.cookie + document.documentElement.innerHTML");
    assert!(
        !secret.as_str().unwrap().contains(&scientist.token),
        "no script sees the token"
    );
    // A mark that a reload would wipe away.
    browser.evaluate("window.mark = 'here'");
    browser.wait(&card(
        argon,
        &[
            "argon",
            "running",
            "2 of 6 segments",
            "80 min left",
            "host 1 · 2",
            "runs on desk",
        ],
    ));

    // A second host of the same class takes over, a third one is of another and stays idle.
    let second = Worker::register(&server.url, &enrolment, "lab", 1).await;
    let notice = LeaveNotice {
        in_s: 0,
        back_in_s: None,
        reason: "Ctrl-C".to_owned(),
    };
    first.orders("departure", &notice).await;
    browser.wait(&card(argon, &["migrating", "stops at its next boundary"]));
    let (_, last) = first.compute(&lease, Some(last), 1).await;
    let end = EndAttempt {
        epoch: lease.epoch,
        outcome: Outcome::Migrated,
        cause: protocol::ErrorCause::Host,
        message: String::new(),
    };
    let _: Orders = first.person.post(&format!("/v1/attempts/{}/end", lease.attempt), &end).await;
    let lease = second.take().await[0].clone();
    second.compute(&lease, Some(last), 2).await;
    browser.wait(&card(argon, &["running", "5 of 6 segments", "host 1 · 3", "host 2 · 2"]));
    let hues = browser.evaluate(&format!(
        "[...document.querySelectorAll('[data-job=\"{argon}\"] .stay')].map(stay => stay.className)"
    ));
    assert!(
        hues[0] == hues[1] && hues[0].as_str().unwrap().contains("hue"),
        "one class, one colour: {hues}"
    );

    let portable = SubmitJob {
        name: "a job with a name as long as names of jobs may be, which a narrow screen has to break somewhere or other"
            .to_owned(),
        hold: true,
        ..a_job_of(&scientist, Tier::Portable, 6).await
    };
    let held = scientist.submit(&portable).await;
    let waiting = scientist
        .submit(&SubmitJob {
            name: "gray-scott".to_owned(),
            ..template
        })
        .await;
    browser.wait(&card(held, &["held", "submitted on hold", "0 of 6 segments"]));
    browser.wait(&card(waiting, &["queued", "waits for a device of tier class-bound"]));
    Worker::register(&server.url, &enrolment, "idle", 7).await.take().await;
    browser.wait(&card(waiting, &["running", "host 3"]));
    Worker::register(&server.url, &enrolment, "spare", 7).await;
    browser.wait("(document.querySelector('[data-host=\"4\"]')?.innerText ?? '').includes('idle: no job for class')");
    browser.wait("document.querySelectorAll('[data-host=\"1\"] .hour').length > 0");
    browser.wait("document.querySelector('[data-host=\"1\"]').innerText.includes('offline')");
    let queues = browser.evaluate("document.querySelector('#queues').innerText");
    for kind in [1, 7] {
        let name = class(Tier::ClassBound, kind).to_string();
        assert!(queues.as_str().unwrap().contains(&name), "{name} is not in {queues}");
    }
    assert_eq!(browser.evaluate("window.mark"), json!("here"), "all that without a reload");
    browser.picture("desk.png");

    browser.screen(390, 844);
    browser.go(&server.url);
    let [inner, outer, size]: [Value; 3] = [
        browser.evaluate("document.documentElement.scrollWidth"),
        browser.evaluate("window.innerWidth"),
        browser.evaluate("parseFloat(getComputedStyle(document.querySelector('.job p')).fontSize)"),
    ];
    assert!(
        inner.as_u64() <= Some(390) && outer == json!(390),
        "{inner} wide on a screen of {outer}"
    );
    assert!(size.as_f64() >= Some(12.0), "{size} px");
    let outside = "[...document.querySelectorAll('.job, .host, .job *, .host *, td, th')].filter(it => it.getBoundingClientRect().right > 391).length";
    assert_eq!(browser.evaluate(outside), json!(0), "elements beyond the edge");
    browser.wait("document.getElementById('live').textContent === 'live'");
    browser.picture("phone.png");

    server.stop().await;
    browser.wait("document.getElementById('live').textContent.includes('the server is away')");
}

/// A way to a server, on a port of its own, that answers 503 by itself while it is closed, as a proxy does whose server is restarted.
async fn way_to(server: String, mut closed: watch::Receiver<bool>, refused: Arc<AtomicU32>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            if *closed.borrow_and_update() {
                refused.fetch_add(1, Ordering::Relaxed);
                let answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                tokio::spawn(async move {
                    drop(client.read(&mut [0; 4096]).await);
                    drop(client.write_all(answer).await);
                });
                continue;
            }
            let (server, mut closes) = (server.clone(), closed.clone());
            tokio::spawn(async move {
                let Ok(mut upstream) = TcpStream::connect(server).await else {
                    return;
                };
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut upstream) => {}
                    _ = closes.wait_for(|closed| *closed) => {}
                }
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_asks_again_after_a_proxys_503_and_goes_on_without_a_reload() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let (close, closed) = watch::channel(false);
    let refused = Arc::<AtomicU32>::default();
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let url = way_to(address, closed, Arc::clone(&refused)).await;
    browser.go(&url);
    browser.evaluate(&format!(
        "document.getElementById('token').value = {:?}; document.querySelector('form button').click()",
        scientist.token
    ));
    browser.wait("document.getElementById('live')?.textContent === 'live'");
    browser.evaluate("window.mark = 'here'");
    close.send_replace(true);
    browser.wait("document.getElementById('live').textContent.includes('trying again')");
    // The stream, and whether there is still a session: each of them more than once.
    while refused.load(Ordering::Relaxed) < 4 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let template = a_job(&scientist, 6).await;
    let job = scientist.submit(&template).await;
    close.send_replace(false);
    browser.wait("document.getElementById('live').textContent === 'live'");
    browser.wait(&card(job, &["queued"]));
    assert_eq!(browser.evaluate("window.mark"), json!("here"), "it was not loaded anew");
    server.stop().await;
}
