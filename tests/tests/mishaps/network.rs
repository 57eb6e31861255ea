//! The way to the server: what else answers there, another spelling of its URL, a slow line.

use contracts::proxy::Proxy;
use contracts::sharing::{FAST, Stage, poll};
use contracts::{said, short_package};

use crate::{NOTHING_HOME, STEPS};

fn response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A refusal as a baton-server writes it, from the server with this id.
fn refusal(status: &str, id: &str) -> String {
    let code = status.split(' ').next().unwrap_or_default();
    let body = format!("{{\"type\":\"/problems/x\",\"status\":{code},\"title\":\"no\",\"detail\":\"no\"}}");
    let id = if id.is_empty() {
        String::new()
    } else {
        format!("baton-server: {id}\r\n")
    };
    response(status, &format!("Content-Type: application/problem+json\r\n{id}"), &body)
}

/// The id that a server says.
fn id_of(stage: &Stage) -> String {
    let homes = std::fs::read_dir(stage.path("one/servers")).expect("a server's folder");
    let names = homes.flatten().map(|home| home.file_name().to_string_lossy().into_owned());
    names.into_iter().next().expect("one server")
}

#[test]
fn whatever_else_answers_at_the_servers_url_no_boundary_is_lost() {
    let stage = Stage::new(None, NOTHING_HOME);
    short_package("ising", STEPS, &stage.path("package"));
    let way = Proxy::to(&stage.address);
    let elsewhere = Proxy::to(&stage.address);
    elsewhere.lie(Some(&refusal("401 Unauthorized", "")));
    let worker = stage.worker_at("one", &way.url(), &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=5000"]);
    let before = stage.until(job, "under way", |job| job.progress >= 3);
    assert_eq!(before.segment, 0, "nothing is to be committed yet");
    let id = id_of(&stage);
    let moved = |status: &str| response(status, &format!("Location: {}/v1\r\n", elsewhere.url()), "");
    for lie in [
        moved("301 Moved Permanently"),
        moved("307 Temporary Redirect"),
        moved("308 Permanent Redirect"),
        refusal("401 Unauthorized", ""),
        refusal("404 Not Found", &"0f".repeat(32)),
        refusal("410 Gone", ""),
        response("200 OK", "Content-Type: text/html\r\n", "<html>Please log in</html>"),
        // Of the server itself, but for a moment only: one answer proves nothing.
        refusal("401 Unauthorized", &id),
    ] {
        way.lie(Some(&lie));
        way.lied_to();
        // The server itself says so for a moment only.
        let wanted = if lie.contains(&id) { 1 } else { 3 };
        let mut count = 0;
        poll(|| {
            count += way.lied_to().len();
            (count >= wanted).then_some(())
        })
        .expect("the agent goes on asking");
        assert!(worker.has_boundaries(), "{lie}\n{}", worker.said());
    }
    way.lie(None);
    assert_eq!(elsewhere.lied_to(), [""; 0], "a redirect was followed");
    let then = stage.job(job).expect("an answer");
    let later = stage.until(job, "further", |job| job.progress > then.progress);
    assert_eq!(
        (later.epoch, later.stays.len()),
        (1, 1),
        "the lease should have stood:\n{}",
        worker.said()
    );
    assert!(!worker.said().contains("enrolling anew"), "{}", worker.said());
    assert!(
        worker.said().contains(&format!("{} redirects (301)", way.url())) && worker.said().contains(&elsewhere.url()),
        "{}",
        worker.said()
    );
}

#[test]
fn a_redirect_at_the_first_start_is_refused_with_both_urls() {
    let stage = Stage::new(None, FAST);
    let way = Proxy::to(&stage.address);
    way.lie(Some(&response(
        "308 Permanent Redirect",
        "Location: https://elsewhere.example/\r\n",
        "",
    )));
    let mut worker = stage.worker_at("one", &way.url(), &[]);
    assert_eq!(worker.ended().code(), Some(2), "{}", worker.said());
    for word in [&way.url(), "https://elsewhere.example/", "--server"] {
        assert!(worker.said().contains(word), "{word}: {}", worker.said());
    }
    let heads = way.lied_to().concat();
    assert!(
        !heads.to_lowercase().contains("authorization: bearer baton"),
        "the token was sent: {heads}"
    );
}

#[test]
fn the_same_server_by_another_spelling_has_the_same_host_and_its_boundaries() {
    let stage = Stage::new(None, NOTHING_HOME);
    let package = short_package("ising", STEPS, &stage.path("package"));
    let worker = stage.worker("one", &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=120"]);
    stage.until(job, "under way", |job| job.progress >= 5);
    let host = worker.host();
    worker.kill();
    let (_, port) = stage.address.split_once(':').expect("a port");
    let worker = stage.worker_at("one", &format!("HTTP://localhost:{port}/"), &[]);
    let done = stage.completed(job);
    assert_eq!(worker.host(), host);
    assert_eq!((done.epoch, done.stays.len()), (1, 1), "{}", worker.said());
    let from = worker.said().rsplit("from segment ").next().map(str::to_owned);
    let from = from.and_then(|text| text.lines().next()?.trim().parse::<u64>().ok());
    assert!(from.is_some_and(|from| from >= 5), "{}", worker.said());
    stage.assert_same_as_local(job, &package);
}

#[test]
fn a_slow_line_is_no_broken_one() {
    let stage = Stage::new(None, FAST);
    let example = kernels::examples::load("gray-scott").expect("a shipped example");
    let manifest = example.manifest().clone().with_steps_per_segment(4);
    // Low bits that do not compress.
    let mut dice = contracts::Dice(7);
    let init = (0..)
        .zip(&manifest.buffers)
        .filter(|(_, buffer)| buffer.init.is_some())
        .map(|(id, buffer)| {
            let words = (0..example.elements(id)).map(|_| {
                let low = dice.below(1 << 20) as f32 / (1u32 << 23) as f32;
                (0.25f32 + low).to_le_bytes()
            });
            (buffer.name.clone(), words.flatten().collect())
        });
    let init = init.collect();
    let package = kernels::package::Package::new(manifest, example.shaders().clone(), init).expect("a good package");
    package.save(&stage.path("package")).expect("saved");
    let bytes = package.to_archive().expect("an archive").len() as u64;
    let way = Proxy::to(&stage.address);
    // Three seconds' worth in all, where nothing may take longer than one. Parts as large as the line is fast, and going on behind what arrived: either gets through.
    way.slow_down(bytes / 3);
    let mut submit = stage.scientist(&["submit"]);
    submit
        .arg(stage.path("package"))
        .args(["--segments=2", "--server", &way.url()])
        .env("BATON_NET_PATIENCE_S", "1");
    let output = submit.output().expect("baton starts");
    assert!(output.status.success(), "{}", said(&output));
}
