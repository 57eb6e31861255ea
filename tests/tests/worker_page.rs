//! Contract: the volunteer's own page shows and steers the agent of this machine, in a real browser, and answers nothing else. With real processes.

#[expect(dead_code, unreachable_pub, reason = "the server's own tests share it")]
#[path = "../../server/tests/it/common/chromium.rs"]
mod chromium;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use chromium::Browser;
use contracts::sharing::{FAST, Stage, Worker, poll};
use contracts::{baton, short_package};
use serde_json::json;

/// `baton worker page` and the address that it printed.
struct Page {
    child: Child,
    url: String,
}

impl Page {
    fn start(state: &Path) -> Self {
        let mut command: Command = baton(["worker", "page", "--port", "0", "--state"]);
        command.arg(state).arg("--config").arg(state.with_extension("toml"));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("baton starts");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut url)
            .expect("its address");
        assert!(url.starts_with("http://127.0.0.1:"), "no address: {url:?}");
        Self {
            child,
            url: url.trim().to_owned(),
        }
    }

    /// `127.0.0.1:PORT`.
    fn address(&self) -> &str {
        let rest = self.url.trim_start_matches("http://");
        rest.split('/').next().unwrap_or_default()
    }

    fn token(&self) -> &str {
        self.url.rsplit('=').next().unwrap_or_default()
    }

    /// The status of the answer to a request with these header lines.
    fn status(&self, line: &str, headers: &[String], body: &str) -> u16 {
        let mut stream = TcpStream::connect(self.address()).expect("it listens");
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
            .split_whitespace()
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn is_paused(worker: &Worker, wanted: bool) -> bool {
    let paused = || worker.status()["why_not"].as_str().is_some_and(|why| why.contains("paused"));
    poll(|| (paused() == wanted).then_some(())).is_some()
}

#[test]
fn the_local_page_refuses_other_hosts_names_other_origins_and_requests_without_its_token() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = Page::start(folder.path());
    let port = page.address().rsplit(':').next().expect("a port").to_owned();
    let host = |name: &str| format!("Host: {name}:{port}");
    let cookie = format!("Cookie: baton_worker_{port}={}", page.token());
    let origin = |name: &str| format!("Origin: http://{name}:{port}");
    let local = || host("127.0.0.1");
    let request = folder.path().join("request.json");
    for (line, headers, status) in [
        ("GET /", vec![local(), cookie.clone()], 200),
        ("GET /content", vec![host("localhost"), cookie.clone()], 200),
        ("GET /page.css", vec![local(), cookie.clone()], 200),
        // No token, or another one.
        ("GET /", vec![local()], 401),
        ("GET /page.js", vec![local()], 401),
        ("GET /?token=0000", vec![local()], 401),
        ("GET /content", vec![local(), cookie.replace('=', "=0")], 401),
        ("GET /preferences", vec![local()], 401),
        // A name of somebody else's that leads here.
        ("GET /", vec![host("evil.example"), cookie.clone()], 421),
        ("GET /", vec!["Host: 127.0.0.1".into(), cookie.clone()], 421),
        // Another page asks.
        ("GET /", vec![local(), cookie.clone(), origin("evil.example")], 403),
        ("POST /say", vec![local(), cookie.clone(), origin("evil.example")], 403),
        ("POST /say", vec![local(), cookie.clone(), "Origin: null".into()], 403),
        ("POST /say", vec![local(), cookie.clone()], 403),
        (
            "POST /preferences",
            vec![local(), cookie.clone(), origin("evil.example")],
            403,
        ),
        ("POST /preferences", vec![local(), origin("127.0.0.1")], 401),
        ("POST /say", vec![local(), origin("127.0.0.1")], 401),
        ("DELETE /", vec![local(), cookie.clone(), origin("127.0.0.1")], 405),
    ] {
        assert_eq!(page.status(line, &headers, "what=pause"), status, "{line} {headers:?}");
        assert!(!request.exists(), "{line} {headers:?} changed something");
    }
    let own = [local(), cookie, origin("127.0.0.1")];
    assert_eq!(page.status("POST /say", &own, "what=pause&hours=soon"), 400);
    let long = |bytes: usize| format!("what=pause&x={}", "y".repeat(bytes));
    assert_eq!(page.status("POST /say", &own, &long(2000)), 413);
    assert_eq!(page.status("POST /preferences", &own, &long(20_000)), 413);
    // Whatever a form of preferences says, without the mark of the file it changes nothing.
    assert_eq!(page.status("POST /preferences", &own, "max_ncpus_pct=50"), 400);
    assert_eq!(page.status("POST /preferences", &own, "%zz&&=&of=\u{e9}"), 400);
    assert!(!folder.path().with_extension("toml").exists());
    assert!(!request.exists());
    assert_eq!(page.status("POST /say", &own, "what=pause&hours=2"), 303);
    assert!(std::fs::read_to_string(&request).expect("a request").contains("7200000"));
    // Nothing listens but on the loopback address.
    let taken = TcpListener::bind(("0.0.0.0", port.parse().expect("a port")));
    let elsewhere = taken.is_ok() || TcpListener::bind(("127.0.0.2", port.parse().expect("a port"))).is_ok();
    assert!(elsewhere, "it listens on more than 127.0.0.1");
}

#[test]
fn the_local_page_shows_the_job_and_pauses_and_resumes_it_in_a_browser() {
    let Some(mut browser) = Browser::start() else { return };
    let stage = Stage::new(None, FAST);
    short_package("ising", 16, &stage.path("package"));
    std::fs::write(stage.path("one.toml"), "# my own words\n[worker]\nmax_ncpus_pct = 100\n").expect("written");
    stage.submit(&stage.path("package"), &["--segments=2000"]);
    let worker = stage.worker("one", &[]);
    // It tells of an agent once that has a folder.
    let folder = stage.path("one");
    poll(|| folder.exists().then_some(())).expect("the agent's folder");
    let page = Page::start(&folder);
    browser.screen(1000, 800);
    browser.call("Page.navigate", &json!({"url": page.url}));
    browser.wait("location.search === '' && document.querySelector('.job progress') !== null");
    assert_eq!(browser.evaluate("document.cookie"), json!(""), "no script sees the token");
    let text = browser.evaluate("document.querySelector('#content').innerText");
    let text = text.as_str().expect("text").to_owned();
    browser.wait("document.querySelector('#content').innerText.includes('segments verified until today')");
    assert!(
        text.contains("ising") && text.contains("host 1") && text.contains("of 2000 segments are safe"),
        "{text}"
    );
    browser.picture("worker-desktop.png");
    browser.evaluate("document.querySelector('button[value=pause]').click()");
    assert!(is_paused(&worker, true), "{}", worker.status());
    browser.wait("document.querySelector('.why')?.innerText.includes('paused')");
    browser.evaluate("document.querySelector('button[value=resume]').click()");
    assert!(is_paused(&worker, false), "{}", worker.status());
    browser.wait("document.readyState === 'complete' && document.querySelector('.job') !== null");
    browser.wait("document.querySelector('#content table td')?.innerText === 'today'");
    axe(&mut browser);
    preferences(&mut browser, &stage, &worker);
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.call("Emulation.setEmulatedMedia", &dark);
    browser.screen(390, 844);
    let wide = "[...document.querySelectorAll('body *')].filter(it => it.getBoundingClientRect().right > 390).map(it => it.outerHTML.slice(0, 200))";
    let wide = browser.evaluate(wide);
    let width = browser.evaluate("document.documentElement.scrollWidth");
    assert!(width.as_u64() <= Some(390), "{width}: {wide:#}");
    browser.picture("worker-phone-dark.png");
    browser.evaluate("document.querySelector('nav a[href=\"/preferences\"]').click()");
    browser.wait("document.querySelector('form.preferences') !== null");
    let width = browser.evaluate("document.documentElement.scrollWidth");
    assert!(width.as_u64() <= Some(390), "{width}");
}

#[test]
fn the_local_page_shows_the_projects_and_changes_their_shares_in_a_browser() {
    let Some(mut browser) = Browser::start() else { return };
    let (one, two) = (Stage::new(None, FAST), Stage::new(None, FAST));
    let token = |stage: &Stage| stage.token_file("host").display().to_string();
    let (first, second) = (
        format!("{} share=2 token-file={}", one.url(), token(&one)),
        format!("{} token-file={}", two.url(), token(&two)),
    );
    let file = one.path("agent.toml");
    std::fs::write(&file, format!("[worker]\nprojects = [\"{first}\", \"{second}\"] # mine\n")).expect("written");
    short_package("ising", 16, &two.path("package"));
    two.submit(&two.path("package"), &["--segments=2000"]);
    let worker = one.worker_with("agent", &[], &[]);
    let folder = one.path("agent");
    poll(|| folder.exists().then_some(())).expect("the agent's folder");
    let page = Page::start(&folder);
    browser.screen(1000, 800);
    browser.call("Page.navigate", &json!({"url": page.url}));
    browser.wait(
        "document.querySelectorAll('table.shares tbody tr').length === 2 && document.querySelector('.job progress') !== null",
    );
    let shown = browser.evaluate("document.querySelector('#content').innerText");
    let shown = shown.as_str().expect("text");
    assert!(
        shown.contains(&one.url()) && shown.contains(&format!("of {}", two.url())),
        "{shown}"
    );
    axe(&mut browser);
    browser.picture("worker-projects.png");
    let change = |browser: &mut Browser, share: &str| {
        browser.evaluate("document.querySelector('nav a[href=\"/preferences\"]').click()");
        browser.wait("document.getElementById('share-1') !== null && document.querySelector('[role=alert]') === null");
        browser.evaluate(&format!("document.getElementById('share-1').value = {share:?}"));
        browser.evaluate("document.querySelector('form.preferences button').click()");
    };
    change(&mut browser, "half");
    browser.wait(
        "document.querySelector('[role=alert]')?.innerText.includes(\"found 'share=half', expected share=1 to share=1000\")",
    );
    assert_eq!(browser.evaluate("document.getElementById('share-1').value"), json!("half"));
    axe(&mut browser);
    change(&mut browser, "5");
    browser.wait("location.pathname === '/'");
    let after = std::fs::read_to_string(&file).expect("a file");
    let second = format!("{} share=5 token-file={}", two.url(), token(&two));
    assert_eq!(after, format!("[worker]\nprojects = [\"{first}\", \"{second}\"]\n"));
    poll(|| (worker.status()["shares"][1]["share"] == 5).then_some(())).unwrap_or_else(|| panic!("{}", worker.said()));
    assert_eq!(worker.status()["shares"][0]["share"], 2);
}

fn axe(browser: &mut Browser) {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/axe/node_modules/axe-core/axe.min.js");
    let Ok(axe) = std::fs::read_to_string(axe) else {
        return println!("skipped: axe-core is not installed");
    };
    browser.evaluate(&axe);
    let found =
        "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(it => it.id + ': ' + it.help))";
    assert_eq!(browser.evaluate(found), json!([]));
}

/// Preferences are edited in place: what makes no sense is named and changes nothing; what is saved the agent goes by, and the rest of the file stays.
fn preferences(browser: &mut Browser, stage: &Stage, worker: &Worker) {
    let save = |browser: &mut Browser, fields: &[(&str, &str)]| {
        browser.evaluate("document.querySelector('nav a[href=\"/preferences\"]').click()");
        browser.wait("location.pathname === '/preferences' && document.querySelector('form.preferences') !== null && document.querySelector('[role=alert]') === null");
        for (key, value) in fields {
            browser.evaluate(&format!("document.getElementById({key:?}).value = {value:?}"));
        }
        browser.evaluate("document.querySelector('form.preferences button').click()");
    };
    let file = stage.path("one.toml");
    let before = std::fs::read_to_string(&file).expect("a file");
    save(browser, &[("max_ncpus_pct", "50%"), ("exclusive_apps", "baton-server")]);
    browser.wait("document.querySelector('[role=alert]')?.innerText.includes(\"max_ncpus_pct: found '50%', expected a number without its unit (percent)\")");
    assert_eq!(
        browser.evaluate("document.getElementById('exclusive_apps').value"),
        json!("baton-server"),
        "nothing has to be written twice"
    );
    axe(browser);
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), before);
    save(browser, &[("max_ncpus_pct", "50"), ("exclusive_apps", "baton-server")]);
    browser.wait("location.pathname === '/'");
    let after = "# my own words\n[worker]\nmax_ncpus_pct = 50.0\nexclusive_apps = [\"baton-server\"]\n";
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), after);
    assert!(is_paused(worker, true), "{}", worker.status());
    browser.wait("document.querySelector('.why')?.innerText.includes('baton-server')");
    save(browser, &[("exclusive_apps", "")]);
    browser.wait("location.pathname === '/'");
    assert!(is_paused(worker, false), "{}", worker.status());
    browser.wait("document.querySelector('.job progress') !== null");
}
