//! The page in a real Chromium, beyond what it shows: what stays when it changes, pages and search, one job and one host, and what axe finds.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::common::chromium::Browser;
use crate::common::{Worker, a_job, start, token};
use protocol::http::SubmitJob;
use serde_json::{Value, json};

/// axe-core, where `./x test` has put it.
pub fn axe() -> Option<String> {
    let named = std::env::var_os("BATON_AXE").map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/axe/node_modules/axe-core/axe.min.js");
    let found = named
        .into_iter()
        .chain([usual])
        .find_map(|path| std::fs::read_to_string(path).ok());
    if found.is_none() {
        println!("skipped: axe-core is not installed");
    }
    found
}

pub fn log_in(browser: &mut Browser, url: &str, token: &str) {
    browser.go(url);
    browser.evaluate(&format!(
        "document.getElementById('token').value = {token:?}; document.querySelector('form button').click()"
    ));
    browser.wait("document.getElementById('live')?.textContent === 'live'");
}

pub fn rules(browser: &mut Browser, axe: Option<&String>, at: &str) {
    let Some(axe) = axe else { return };
    browser.evaluate(axe);
    let found = browser.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(it => it.id + ': ' + it.help + ' ' + it.nodes.slice(0, 3).map(node => node.html).join(' | ')))",
    );
    assert_eq!(found, json!([]), "axe at {at}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stays_on_the_page_keeps_its_focus_and_every_view_is_accessible() {
    let Some(mut browser) = Browser::start() else { return };
    let axe = axe();
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let enrolment = token(folder.path(), "host");
    let worker = Worker::register(&server.url, &enrolment, "desk", 1).await;
    let template = a_job(&scientist, 6).await;
    let held = SubmitJob {
        hold: true,
        ..template.clone()
    };
    let mut first = None;
    for number in 1..=55 {
        let name = format!("held <b>{number}</b>");
        let job = scientist.submit(&SubmitJob { name, ..held.clone() }).await;
        first.get_or_insert(job);
    }
    let argon = scientist.submit(&template).await;
    let lease = worker.take().await[0].clone();
    let (_, last) = worker.compute(&lease, None, 2).await;
    worker.beat(std::slice::from_ref(&lease)).await;

    browser.screen(1280, 900);
    log_in(&mut browser, &server.url, &scientist.token);
    // What runs comes first, whatever is newer; and the rest is on the next page.
    browser.wait(&format!("document.querySelector('.job').dataset.job === '{argon}'"));
    let totals = browser.evaluate("document.querySelector('.totals').innerText");
    let totals = totals.as_str().unwrap().to_owned();
    assert!(
        totals.contains("56 jobs") && totals.contains("1 running") && totals.contains("1 of 1 host online"),
        "{totals}"
    );
    browser.picture("page-desktop.png");

    // A link keeps its focus and a text its selection while the job on whose card they are goes on.
    let card = format!("document.querySelector('[data-job=\"{argon}\"]')");
    browser.evaluate(&format!(
        "{card}.querySelector('a').focus(); getSelection().selectAllChildren({card}.querySelector('h3')); window.card = {card}"
    ));
    worker.compute(&lease, Some(last), 1).await;
    worker.beat(std::slice::from_ref(&lease)).await;
    browser.wait(&format!("{card}.innerText.includes('3 of 6 segments')"));
    let kept = browser.evaluate(&format!(
        "[document.activeElement === {card}.querySelector('a'), getSelection().toString(), window.card === {card}]"
    ));
    assert_eq!(kept, json!([true, "argon", true]));

    browser.evaluate("document.querySelector('.pages a[rel=next]').click()");
    browser.wait("location.search.includes('page=2') && document.querySelectorAll('.job').length === 6");
    assert_eq!(
        browser.evaluate("document.querySelector('.pages span').innerText"),
        json!("51 to 56 of 56 jobs")
    );
    // Search: a name with markup in it is text.
    browser.evaluate(
        "document.querySelector('input[name=q]').value = '<b>7</b>'; document.querySelector('.search button').click()",
    );
    browser.wait("location.search.includes('q=') && document.querySelectorAll('.job').length === 1");
    assert_eq!(
        browser.evaluate("document.querySelector('.job h3').innerText"),
        json!("held <b>7</b>")
    );
    browser.evaluate("document.querySelector('input[name=q]').value = ''; document.querySelector('select[name=state]').value = 'running'; document.querySelector('.search button').click()");
    browser.wait("location.search.includes('state=running') && document.querySelectorAll('.job').length === 1");
    rules(&mut browser, axe.as_ref(), "the list");
    browser.go(&format!("{}/?state=sleeping&page=0", server.url));
    browser.wait("document.querySelectorAll('[role=alert]').length === 2");

    browser.go(&format!("{}/jobs/{argon}", server.url));
    browser.wait("document.getElementById('live')?.textContent === 'live'");
    browser.wait("document.querySelectorAll('.one tbody tr').length === 4");
    rules(&mut browser, axe.as_ref(), "a job");
    browser.picture("page-job.png");
    browser.evaluate("document.querySelector('.stay').click()");
    browser.wait("location.pathname === '/hosts/1' && document.getElementById('live')?.textContent === 'live'");
    browser.wait(&format!("document.querySelector('.device a')?.innerText === 'job {argon}'"));
    rules(&mut browser, axe.as_ref(), "a host");
    browser.go(&format!("{}/hosts?q=desk", server.url));
    browser.wait("document.querySelectorAll('.host').length === 1");
    rules(&mut browser, axe.as_ref(), "the list of hosts");
    // Pages that were left hold no connection, of which a browser opens six to a server; and one that is gone back to is live again.
    let begun = Instant::now();
    for page in 1..=7 {
        browser.go(&format!("{}/hosts?page={page}", server.url));
        browser.wait("document.getElementById('live')?.textContent === 'live'");
    }
    let taken = begun.elapsed();
    assert!(taken < Duration::from_secs(20), "seven pages took {taken:?}");
    browser.evaluate("history.back()");
    browser.wait("location.search === '?page=6' && document.getElementById('live')?.textContent === 'live'");
    browser.go(&format!("{}/jobs/999", server.url));
    browser.wait("document.querySelector('main').innerText.includes('There is no job 999')");

    // Dark, and as wide as a phone.
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.call("Emulation.setEmulatedMedia", &dark);
    browser.screen(390, 844);
    browser.go(&format!("{}/?state=running", server.url));
    browser.wait("document.getElementById('live')?.textContent === 'live'");
    rules(&mut browser, axe.as_ref(), "the list in the dark on a phone");
    let wide: Value = browser.evaluate("document.documentElement.scrollWidth");
    assert!(wide.as_u64() <= Some(390), "{wide} wide");
    browser.picture("page-phone-dark.png");
    server.stop().await;
}
