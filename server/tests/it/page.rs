//! The page without a browser: whose jobs it shows, its session, and its place behind a proxy.

use crate::common::{
    Person, Worker, a_job, a_job_of, another_scientist, checkpoint, client, compute, options, start, state, token,
};
use crate::quarantine;
use crate::routes::problem;
use package::outputs::outputs_digest;
use protocol::http::{Commit, Lease, Scope, SubmitJob};
use protocol::{ChainEntry, Digest, Tier, Verify};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use server::serve::{Options, Server};

pub fn browser() -> Client {
    // It installs the provider of TLS.
    drop(client());
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers()[name].to_str().unwrap().to_owned()
}

/// Logs in: the whole cookie, and what the browser sends back of it.
pub async fn login(browser: &Client, url: &str, token: &str) -> (String, String) {
    let answer = browser
        .post(format!("{url}/login"))
        .body(format!("token={token}"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let whole = header(&answer, "set-cookie");
    let sent = whole.split(';').next().unwrap().to_owned();
    (whole, sent)
}

pub async fn get(browser: &Client, url: &str, cookie: &str) -> (StatusCode, String) {
    let answer = browser.get(url).header("cookie", cookie).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn the_page_shows_a_scientist_what_the_api_shows_and_an_operator_all() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let bob = another_scientist(&operator, "bob").await;
    let secret = SubmitJob {
        name: "the secret of ann".to_owned(),
        ..a_job(&scientist, 6).await
    };
    scientist.submit(&secret).await;
    let browser = browser();
    for (token, sees) in [(&bob.token, false), (&scientist.token, true), (&operator.token, true)] {
        let (_, cookie) = login(&browser, &server.url, token).await;
        let (status, page) = get(&browser, &format!("{}/", server.url), &cookie).await;
        assert_eq!((status, page.contains("the secret of ann")), (StatusCode::OK, sees));
        let mut stream = browser
            .get(format!("{}/page/events", server.url))
            .header("cookie", &cookie)
            .send()
            .await
            .unwrap();
        let first = String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()).into_owned();
        assert_eq!(first.contains("the secret of ann"), sees, "nor does its stream");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_session_is_no_token_ends_with_a_log_out_and_with_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let operator = Person::new(&server.url, token(folder.path(), "operator"));
    let browser = browser();
    let asks = |cookie: String| {
        let request = browser.get(format!("{}/page/session", server.url)).header("cookie", cookie);
        async move { request.send().await.unwrap().status() }
    };
    let (whole, cookie) = login(&browser, &server.url, &scientist.token).await;
    assert!(!whole.contains(&scientist.token), "{whole}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(whole.contains(part), "{part} in {whole}");
    }
    assert!(!whole.contains("Secure"), "it came without TLS");
    assert_eq!(asks(cookie.clone()).await, StatusCode::NO_CONTENT);
    // It opens the page and nothing else.
    let (status, _) = get(&browser, &format!("{}/v1/jobs", server.url), &cookie).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        asks(format!("baton_session={}", scientist.token)).await,
        StatusCode::UNAUTHORIZED
    );

    let mut stream = browser
        .get(format!("{}/page/events", server.url))
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap();
    let out = browser
        .post(format!("{}/logout", server.url))
        .header("cookie", &cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (out.status(), header(&out, "location")),
        (StatusCode::SEE_OTHER, "/".to_owned())
    );
    assert!(header(&out, "set-cookie").contains("Max-Age=0"));
    assert_eq!(asks(cookie).await, StatusCode::UNAUTHORIZED);
    let rest = async { while let Ok(Some(_)) = stream.chunk().await {} };
    assert!(
        tokio::time::timeout(std::time::Duration::from_secs(3), rest).await.is_ok(),
        "its stream ends"
    );

    let (_, cookie) = login(&browser, &server.url, &scientist.token).await;
    let tokens: protocol::http::Listed<protocol::http::TokenView> = operator.get("/v1/tokens").await;
    let own = tokens.items.iter().find(|token| token.subject == "scientist").unwrap();
    drop(operator.send(Method::DELETE, &format!("/v1/tokens/{}", own.id), &()).await);
    assert_eq!(asks(cookie).await, StatusCode::UNAUTHORIZED);
    server.stop().await;
}

#[tokio::test]
async fn behind_a_proxy_the_page_has_its_base_and_its_cookie_is_for_tls() {
    let folder = tempfile::tempdir().unwrap();
    let based = Options {
        url: Some("https://example.org/lab/baton".parse().unwrap()),
        ..options(folder.path(), None)
    };
    let server = Server::start(based).await.unwrap();
    let scientist = token(folder.path(), "scientist");
    let browser = browser();
    // Whether the proxy takes the base off the path or not.
    for url in [server.url.clone(), format!("{}/lab/baton", server.url)] {
        let (whole, cookie) = login(&browser, &url, &scientist).await;
        assert!(whole.contains("Path=/lab/baton/;") && whole.ends_with("; Secure"), "{whole}");
        let answer = browser
            .post(format!("{url}/login"))
            .body(format!("token={scientist}"))
            .send()
            .await
            .unwrap();
        assert_eq!(header(&answer, "location"), "/lab/baton/");
        let (status, page) = get(&browser, &format!("{url}/"), &cookie).await;
        assert_eq!(status, StatusCode::OK);
        for link in [
            "\"/lab/baton/page.css\"",
            "\"/lab/baton/page.js\"",
            "\"/lab/baton/logout\"",
            "data-base=\"/lab/baton\"",
        ] {
            assert!(page.contains(link), "{link} in {page}");
        }
        let person = Person::new(&url, scientist.clone());
        a_job(&person, 1).await;
    }
    let (_, form) = get(&browser, &format!("{}/", server.url), "").await;
    assert!(form.contains("action=\"/lab/baton/login\""), "{form}");
    server.stop().await;
}

#[tokio::test]
async fn a_trusted_proxys_word_on_addresses_and_tls_counts_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let enrol = async |proxies: &[&str], address: &str| {
        let mut options = options(&folder.path().join(proxies.len().to_string()), None);
        options.proxies.0 = proxies.iter().map(|range| range.parse().unwrap()).collect();
        options.rates.enrolments_per_minute = 1;
        let data = options.data.clone();
        let server = Server::start(options).await.unwrap();
        let volunteer = Person::new(&server.url, token(&data, "host"));
        let mut answers = Vec::new();
        for client in ["203.0.113.1", address] {
            let request = volunteer
                .request(Method::POST, "/v1/hosts")
                .header("x-forwarded-for", client)
                .header("x-forwarded-proto", "https")
                .json(&scheduler::testing::registration("desk", 1));
            answers.push(request.send().await.unwrap().status());
        }
        let login = browser()
            .post(format!("{}/login", server.url))
            .header("x-forwarded-proto", "https")
            .body(format!("token={}", token(&data, "scientist")));
        let secure = header(&login.send().await.unwrap(), "set-cookie").contains("Secure");
        server.stop().await;
        (answers[1], secure)
    };
    assert_eq!(enrol(&["127.0.0.0/8"], "203.0.113.2").await, (StatusCode::CREATED, true));
    assert_eq!(enrol(&[], "203.0.113.2").await, (StatusCode::TOO_MANY_REQUESTS, false));
}

#[tokio::test]
async fn a_form_that_cannot_be_read_is_refused_with_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = start(folder.path()).await;
    let send = async |body: Vec<u8>| {
        let request = browser().post(format!("{}/login", server.url)).body(body);
        request.send().await.unwrap()
    };
    problem(send(vec![b'x'; 300_000]).await, StatusCode::PAYLOAD_TOO_LARGE, "malformed").await;
    let said = problem(send(vec![0xff; 30]).await, StatusCode::BAD_REQUEST, "malformed").await;
    assert!(said.detail.contains("expected token=TOKEN"), "{}", said.detail);
    server.stop().await;
}

/// Boundaries behind `last` with what they put out: the mean square distance is the number of the step. The last one covers something else, where it lies.
fn segments(lease: &Lease, mut last: Option<ChainEntry>, count: u64, lies: bool) -> (Commit, [Vec<u8>; 2]) {
    let mut entries = Vec::new();
    let mut put_out = protocol::outputs::Outputs::new();
    let first = last.as_ref().map_or(0, |last| last.segment + 1);
    for segment in first..first + count {
        let rows = (0..10).flat_map(|row| (4096 * ((segment.max(1) - 1) * 1000 + row * 100) as u32).to_le_bytes());
        let outputs = match segment {
            0 => vec![Vec::new(); 2],
            _ => vec![rows.collect(), vec![0; 2 * 4096 * 8]],
        };
        let digest = match lies && segment == first + count - 1 {
            true => Digest::of(b"something else"),
            false => outputs_digest(&outputs),
        };
        let state = protocol::checkpoint::content_digest(&state(segment));
        let entry = ChainEntry::next(lease.package, last.as_ref(), segment * 1000, state, digest);
        if segment > 0 {
            put_out.insert(segment, outputs);
        }
        last = Some(entry.clone());
        entries.push(entry);
    }
    let bytes = checkpoint(lease.package, entries.last().unwrap(), lease.class);
    let blob = protocol::outputs::pack(put_out).unwrap();
    let commit = Commit {
        epoch: lease.epoch,
        entries,
        checkpoint: Digest::of(&bytes),
        outputs: Some(Digest::of(&blob)),
        computed_ms: 1000,
        signature: None,
    };
    (commit, [bytes, blob])
}

#[tokio::test]
async fn a_jobs_page_plots_the_observables_that_its_boundaries_cover_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let job = scientist.submit(&a_job(&scientist, 6).await).await;
    let lease = worker.take().await[0].clone();
    let browser = browser();
    let (_, cookie) = login(&browser, &server.url, &scientist.token).await;
    let page = async |part: &str| {
        for _ in 0..100 {
            let (status, page) = get(&browser, &format!("{}/jobs/{job}", server.url), &cookie).await;
            assert_eq!(status, StatusCode::OK);
            if page.contains(part) {
                return page;
            }
            // What is read takes a moment, and goes on between two looks.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{part} is not on the page");
    };
    let mut last = None;
    for (count, lies, shown) in [
        // C0, and two segments.
        (
            3,
            false,
            "mean_square_distance: 0 to 1900, the last 1900, over time, step 0 to 1900",
        ),
        (1, true, "The outputs of 1 segments could not be shown"),
        (
            2,
            false,
            "mean_square_distance: 0 to 4900, the last 4900, over time, step 0 to 4900",
        ),
    ] {
        let (commit, blobs) = segments(&lease, last, count, lies);
        for blob in blobs {
            worker.person.upload(&blob).await;
        }
        last = commit.entries.last().cloned();
        assert_eq!(worker.commit(lease.attempt, &commit).await.status(), StatusCode::OK);
        let page = page(shown).await;
        let points = page
            .split("<polyline points=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let points = points.map_or(0, |points| points.split(' ').count());
        // Ten rows a segment, but of the one that lied.
        let segment = last.as_ref().map_or(0, |last: &ChainEntry| last.segment);
        assert_eq!(points as u64, 10 * segment.min(2) + 10 * segment.saturating_sub(3), "{page}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_plot_shows_nothing_of_boundaries_that_became_void() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), None);
    options.config.check_same_network = true;
    let server = Server::start(options).await.unwrap();
    let person = |name| Person::new(&server.url, token(folder.path(), name));
    let (operator, scientist) = (person("operator"), person("scientist"));
    let house = quarantine::referee(&operator).await;
    let job = SubmitJob {
        verify: Verify::Sampled,
        ..a_job_of(&scientist, Tier::Portable, 1).await
    };
    let job = scientist.submit(&job).await;
    let worker = Worker::enrol(&quarantine::issue(&operator, Scope::Host, "ann").await, "ann", 5).await;
    let lease = worker.take().await.remove(0);
    let first = compute(lease.package, None, 1).remove(0);
    let (mut commit, blobs) = segments(&lease, Some(first.clone()), 1, false);
    commit.entries.insert(0, first);
    for blob in blobs {
        worker.person.upload(&blob).await;
    }
    let answer = worker.commit(lease.attempt, &commit).await;
    assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.text().await);
    let browser = browser();
    let (_, cookie) = login(&browser, &server.url, &scientist.token).await;
    let plotted = async |wanted: bool| {
        for _ in 0..200 {
            let (_, page) = get(&browser, &format!("{}/jobs/{job}", server.url), &cookie).await;
            if page.contains("mean_square_distance: 0 to 900") == wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("it is {} that the plot shows the first segment", !wanted);
    };
    plotted(true).await;
    // The referee comes to something else: what the host brought home is void.
    quarantine::commit(&house, None).await;
    plotted(false).await;
    server.stop().await;
}
