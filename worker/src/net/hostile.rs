//! Servers that answer anything: what a client takes of it is bounded, and said.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::Digest;
use reqwest::Method;

use super::{Client, NetError, ServerId, blobs};

/// A server on a port of its own, which reads each request's head and then does as it likes. Its URL.
fn serve(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                let (mut stream, mut head, mut buffer) = (stream, Vec::new(), [0; 4096]);
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut buffer) {
                        Ok(read) if read > 0 => head.extend_from_slice(&buffer[..read]),
                        _ => return,
                    }
                }
                answer(&String::from_utf8_lossy(&head), &mut stream);
            });
        }
    });
    url
}

/// The same, with one whole response for everything.
fn serve_always(response: String) -> String {
    serve(move |_, stream| drop(stream.write_all(response.as_bytes())))
}

fn client(url: &str) -> Client {
    Client::new(url, "secret", None).expect("a client")
}

#[tokio::test]
async fn an_answer_without_end_is_given_up_after_the_bytes_that_one_may_have() {
    for status in ["200 OK", "404 Not Found"] {
        let sent = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&sent);
        let url = serve(move |_, stream| {
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\nConnection: close\r\n\r\n[");
            let mut piece = head.into_bytes();
            while stream.write_all(&piece).is_ok() {
                count.fetch_add(piece.len() as u64, Ordering::Relaxed);
                piece = b"0,".repeat(32 << 10);
            }
        });
        let error = client(&url).get::<Vec<u64>>("/v1/jobs").await.expect_err("it has no end");
        assert!(
            matches!(&error, NetError::Garbled(why) if why.contains("longer than")),
            "{status}: {error}"
        );
        // What the system's buffers hold comes on top.
        let sent = sent.load(Ordering::Relaxed);
        assert!(sent < 40 << 20, "{status}: {sent} bytes were taken");
    }
}

#[tokio::test]
async fn a_blob_of_another_digest_or_of_too_many_bytes_is_no_reason_to_come_again() {
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwrong";
    let client = client(&serve_always(response.to_owned()));
    let place = tempfile::tempdir().expect("a folder");
    let (path, wanted) = (place.path().join("blob"), Digest::of(b"right"));
    for _ in 0..2 {
        let error = blobs::download(&client, wanted, &path, 100)
            .await
            .expect_err("it is another blob");
        assert!(matches!(error, NetError::Corrupt(_)) && !error.is_away(), "{error}");
        assert!(!path.exists(), "nothing is kept under a name that it does not deserve");
    }
    let error = blobs::download(&client, wanted, &path, 4).await.expect_err("it is too long");
    assert!(
        matches!(&error, NetError::File(why) if why.contains("more than the 4 bytes")),
        "{error}"
    );
    assert!(blobs::download(&client, Digest::of(b"wrong"), &path, 5).await.is_ok());
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_names_both_urls() {
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let elsewhere = serve(move |_, _| _ = count.fetch_add(1, Ordering::Relaxed));
    for status in [301, 302, 303, 307, 308] {
        let url = serve_always(format!(
            "HTTP/1.1 {status} x\r\nLocation: {elsewhere}/v1/jobs\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ));
        let error = client(&url)
            .call::<u64>(Method::POST, "/v1/jobs")
            .await
            .expect_err("a redirect");
        let text = error.to_string();
        assert!(matches!(error, NetError::Setup(_)), "{text}");
        assert!(
            text.contains(&url) && text.contains(&format!("{elsewhere}/v1/jobs")) && text.contains("--server"),
            "{text}"
        );
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0, "it was followed");
}

#[tokio::test]
async fn only_the_server_that_is_expected_can_refuse() {
    let (own, other) = ("ab".repeat(16), "cd".repeat(16));
    let body = "{\"type\":\"/problems/unauthorized\",\"status\":401,\"title\":\"no\",\"detail\":\"no\"}";
    let refusal = |id: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 401 x\r\nContent-Type: application/problem+json\r\n{id}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    };
    for (header, is_refusal) in [
        (String::new(), false),
        (format!("baton-server: {other}\r\n"), false),
        (format!("baton-server: {own}\r\n"), true),
    ] {
        let client = client(&serve_always(refusal(&header))).of_server(ServerId::parse(&own));
        let error = client.get::<u64>("/v1/hosts/1").await.expect_err("a refusal");
        assert_eq!(matches!(error, NetError::Refused(_)), is_refusal, "{header:?}: {error}");
        assert_eq!(matches!(error, NetError::Stranger(_)), !is_refusal, "{header:?}: {error}");
    }
    // A client that expects no server in particular believes any.
    let error = client(&serve_always(refusal("")))
        .get::<u64>("/v1/jobs")
        .await
        .expect_err("a refusal");
    assert!(matches!(error, NetError::Refused(_)), "{error}");
}
