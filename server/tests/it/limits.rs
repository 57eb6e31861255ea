//! Limits on every route: a rate for each, driven from the OpenAPI document, and a number of streams.

use crate::common::{Person, Worker, a_job, options, start, token};
use crate::routes::problem;
use protocol::http::Problem;
use reqwest::{Method, StatusCode};
use server::limits::Rates;
use server::serve::{Options, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn every_route_has_a_rate() {
    let folder = tempfile::tempdir().unwrap();
    // The document and the tokens come from a server without limits.
    let (server, scientist) = start(folder.path()).await;
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    scientist.submit(&a_job(&scientist, 5).await).await;
    let document: serde_json::Value = scientist.get("/v1/openapi.json").await;
    server.stop().await;
    let rates = Rates {
        requests_per_minute: 1,
        enrolments_per_minute: 1,
        upload_bytes_per_day: 0,
    };
    let limited = Options {
        rates,
        ..options(folder.path(), None)
    };
    let server = Server::start(limited).await.unwrap();
    let person = |token: String| Person::new(&server.url, token);
    let (scientist, host) = (person(scientist.token), person(worker.person.token));
    let operator = person(token(folder.path(), "operator"));
    let enrolment = person(token(folder.path(), "host"));
    let mut routes: Vec<(Method, String)> = vec![(Method::GET, "/".to_owned()), (Method::POST, "/login".to_owned())];
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            routes.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    routes.push((Method::GET, "/page/events".to_owned()));
    assert!(routes.len() >= 31);
    for (method, path) in routes {
        let own = ["{job}", "{host}", "{attempt}"]
            .iter()
            .fold(path.clone(), |path, name| path.replace(name, "1"));
        let own = own.replace("{digest}", &"0".repeat(64)).replace("{id}", "none");
        let who = match path.as_str() {
            "/v1/hosts" if method == Method::POST => &enrolment,
            path if path.starts_with("/v1/hosts/{") || path.starts_with("/v1/attempts") => &host,
            path if path.starts_with("/v1/tokens") => &operator,
            _ => &scientist,
        };
        // The bucket holds one; whatever else took it, the second request of a kind is turned away.
        let send = || who.request(method.clone(), &own).send();
        drop(send().await.unwrap());
        let second = send().await.unwrap();
        assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS, "{method} {path}");
        let seconds: u64 = second.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{method} {path}: {seconds}");
        let said: Problem = second.json().await.unwrap();
        assert_eq!(said.kind, "/problems/rate", "{method} {path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_head_of_64_kib_is_answered_and_a_longer_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    for (kib, status) in [(60, "200"), (66, "431"), (100, "431")] {
        // In several headers, as cookies come, and all at once, as no client library sends them.
        let headers: String = (0..kib)
            .map(|part| format!("x-{part:03}: {}\r\n", "x".repeat(1015)))
            .collect();
        let token = &scientist.token;
        let head =
            format!("GET /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{headers}\r\n");
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"), "{kib} KiB");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_holds_so_many_streams_open_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (server, scientist) = start(folder.path()).await;
    let worker = Worker::register(&server.url, &token(folder.path(), "host"), "desk", 1).await;
    let open = async |person: &Person, path: &str| person.request(Method::GET, path).send().await.unwrap();
    let path = format!("/v1/hosts/{}/events", worker.host);
    let mut streams = Vec::new();
    for _ in 0..32 {
        let stream = open(&worker.person, &path).await;
        assert_eq!(stream.status(), StatusCode::OK);
        streams.push(stream);
    }
    problem(open(&worker.person, &path).await, StatusCode::TOO_MANY_REQUESTS, "streams").await;
    assert_eq!(
        open(&scientist, "/page/events").await.status(),
        StatusCode::OK,
        "others have their own"
    );
    drop(streams);
    // What is closed counts no longer, as soon as the server has noticed.
    let mut again = open(&worker.person, &path).await.status();
    for _ in 0..200 {
        if again == StatusCode::OK {
            break;
        }
        worker.beat(&[]).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        again = open(&worker.person, &path).await.status();
    }
    assert_eq!(again, StatusCode::OK);
    server.stop().await;
}
