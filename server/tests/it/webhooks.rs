//! Contract: a URL that a submission names is told when the job ends, signed, at least once, also over a restart; and no address is connected to that the operator does not allow.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::http::{Problem, SubmitJob};
use protocol::{JobId, JobState};
use reqwest::{Method, StatusCode};
use server::serve::{Options, Server};
use server::webhook::{Guard, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::common::{Person, a_job, options, token};
use crate::routes::problem;

const SECRET: &[u8] = b"a secret of the operator's, shared";

/// Somebody who is told: what came, and what is answered in turn, 200 in the end.
#[derive(Clone)]
struct Receiver {
    address: SocketAddr,
    /// Head and body of each request.
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Receiver {
    async fn listen(address: &str, answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let (seen, answers) = (Arc::clone(&receiver.seen), answers.to_vec());
        let mut answers = answers.into_iter();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
                let request = loop {
                    let count = stream.read(&mut buffer).await.unwrap_or(0);
                    bytes.extend_from_slice(&buffer[..count]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let whole = text.split_once("\r\n\r\n").filter(|(head, body)| {
                        let mut lines = head.lines();
                        let length =
                            lines.find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                        // A request without a body, as one that follows a redirect may be, is one as well.
                        body.len() >= length.unwrap_or(0usize)
                    });
                    match whole {
                        Some((head, body)) => break Some((head.to_owned(), body.to_owned())),
                        None if count == 0 => break None,
                        None => {}
                    }
                };
                seen.lock().unwrap().extend(request);
                let answer = answers.next().unwrap_or("200 OK\r\n");
                let _sent = stream
                    .write_all(format!("HTTP/1.1 {answer}content-length: 0\r\nconnection: close\r\n\r\n").as_bytes())
                    .await;
            }
        });
        receiver
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    fn seen(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().clone()
    }

    async fn until(&self, count: usize) -> Vec<(String, String)> {
        for _ in 0..1000 {
            if self.seen().len() >= count {
                return self.seen();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} deliveries came", self.seen().len());
    }
}

async fn start(folder: &Path, allowed: &[String], private: &[&str], pauses: &[u64]) -> (Server, Person) {
    let webhooks = Settings {
        guard: Guard {
            allowed: allowed.iter().map(|host| host.parse().unwrap()).collect(),
            private: private.iter().map(|range| range.parse().unwrap()).collect(),
        },
        secret: SECRET.to_vec(),
        pauses: Some(pauses.iter().map(|ms| Duration::from_millis(*ms)).collect()),
    };
    let options = Options {
        webhooks,
        ..options(folder, None)
    };
    let server = Server::start(options).await.unwrap();
    let scientist = Person::new(&server.url, token(folder, "scientist"));
    (server, scientist)
}

async fn notifying(scientist: &Person, url: &str) -> SubmitJob {
    SubmitJob {
        notify: Some(url.to_owned()),
        hold: true,
        ..a_job(scientist, 3).await
    }
}

/// Submits a job that tells a URL, and cancels it.
async fn ended(scientist: &Person, url: &str) -> JobId {
    let job = scientist.submit(&notifying(scientist, url).await).await;
    let answer = scientist.send(Method::POST, &format!("/v1/jobs/{job}/cancel"), &()).await;
    assert!(answer.status().is_success(), "{answer:?}");
    job
}

async fn until_settled(server: &Server) {
    for _ in 0..1000 {
        if server.engine.core().await.notices().next().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a notice waits still");
}

/// The time that a delivery was signed with, if the signature holds.
fn signed_at((head, body): &(String, String)) -> Option<u64> {
    let line = head.lines().find_map(|line| line.strip_prefix("baton-signature: t="))?;
    let (seconds, hex) = line.split_once(",sha256=")?;
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .filter_map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET);
    ring::hmac::verify(&key, format!("{seconds}.{body}").as_bytes(), &bytes).ok()?;
    seconds.parse().ok()
}

#[tokio::test]
async fn an_end_is_told_signed_until_it_is_taken_and_over_a_restart_and_redirects_lead_nowhere() {
    let elsewhere = Receiver::listen("127.0.0.1:0", &[]).await;
    let redirect: &'static str = Box::leak(format!("302 Found\r\nlocation: {}\r\n", elsewhere.url()).into_boxed_str());
    let receiver = Receiver::listen("127.0.0.1:0", &["500 No\r\n", redirect]).await;
    // Nobody listens there yet.
    let later = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let allowed = [receiver.address, later].map(|address| format!("http://{address}"));
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path(), &allowed, &["127.0.0.0/8"], &[50, 50, 60_000]).await;

    for (url, why) in [
        (elsewhere.url(), "not among the hosts"),
        (receiver.url().replace("http://", "https://"), "not among the hosts"),
        (receiver.url().replace("http://", "http://ann:x@"), "user name"),
        ("no url".to_owned(), "expected a URL"),
    ] {
        let answer = scientist
            .send(Method::POST, "/v1/jobs", &notifying(&scientist, &url).await)
            .await;
        let problem: Problem = problem(answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
        assert!(
            problem.field.as_deref() == Some("notify") && problem.detail.contains(why),
            "{url}: {problem:?}"
        );
    }

    let job = ended(&scientist, &receiver.url()).await;
    let seen = receiver.until(3).await;
    until_settled(&server).await;
    assert!(
        seen[0].1 == seen[1].1 && seen[1].1 == seen[2].1,
        "one notice is one body: {seen:?}"
    );
    assert!(
        seen[0].0.starts_with("POST /hook HTTP/1.1") && signed_at(&seen[2]).is_some(),
        "{seen:?}"
    );
    let told: serde_json::Value = serde_json::from_str(&seen[0].1).unwrap();
    assert_eq!((&told["event"], &told["job"]), (&"job.ended".into(), &job.0.into()));
    assert_eq!(
        (&told["state"], &told["reason"]),
        (&"cancelled".into(), &"cancelled by scientist".into())
    );
    let forged = (seen[0].0.clone(), seen[0].1.replace("cancelled", "completed"));
    assert!(signed_at(&forged).is_none());

    let second = ended(&scientist, &format!("http://{later}/hook")).await;
    // It was tried and failed: what is left of it has to be durable.
    tokio::time::sleep(Duration::from_millis(30)).await;
    server.stop().await;
    let receiver_of_second = Receiver::listen(&later.to_string(), &[]).await;
    let (server, scientist) = start(folder.path(), &allowed, &["127.0.0.0/8"], &[]).await;
    let seen = receiver_of_second.until(1).await;
    until_settled(&server).await;
    let told: serde_json::Value = serde_json::from_str(&seen[0].1).unwrap();
    assert_eq!(
        (&told["job"], scientist.job(second).await.state),
        (&second.0.into(), JobState::Cancelled)
    );
    assert_eq!((receiver_of_second.seen().len(), elsewhere.seen().len()), (1, 0));
    server.stop().await;
}

#[tokio::test]
async fn a_name_that_leads_inside_is_given_up_and_without_an_allowed_host_nothing_is_taken() {
    let inside = Receiver::listen("127.0.0.1:0", &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let host = format!("http://localhost:{}", inside.address.port());
    let (server, scientist) = start(folder.path(), std::slice::from_ref(&host), &[], &[10]).await;
    ended(&scientist, &format!("{host}/hook")).await;
    until_settled(&server).await;
    assert!(inside.seen().is_empty());
    server.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path(), &[], &[], &[]).await;
    let answer = scientist
        .send(Method::POST, "/v1/jobs", &notifying(&scientist, &inside.url()).await)
        .await;
    let problem: Problem = problem(answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
    assert!(problem.detail.contains("--webhook-allow"), "{problem:?}");
    server.stop().await;
}
