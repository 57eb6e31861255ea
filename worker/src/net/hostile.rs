//! Servers that answer anything: what a client takes of it is bounded, and said.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use protocol::Digest;
use reqwest::Method;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Client, NetError, ServerId, blobs};

/// A server on a port of its own, which reads each request's head and then does as it likes. Its URL.
pub(crate) fn serve(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> String {
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

/// What a server does that closes kept connections, or is restarted behind a proxy, at the moment at which a request comes.
#[tokio::test]
async fn a_kept_connection_that_ends_as_a_request_comes_is_no_server_that_is_away() {
    for answered in [true, false] {
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        // The first connection ends at its second request; all others at their first, or none.
        let url = serve(move |_, stream| {
            let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
            if is_first || answered {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n7";
                stream.write_all(head.as_bytes()).expect("the client listens");
            }
            if is_first {
                let read = stream.read(&mut [0; 4096]).expect("a request");
                count.fetch_add(u64::from(read > 0), Ordering::Relaxed);
            }
        });
        let client = client(&url);
        assert_eq!(client.get::<u64>("/v1/jobs").await.expect("an answer"), 7);
        let again = client.call::<u64>(Method::POST, "/v1/jobs").await;
        assert_eq!(again.as_ref().ok(), answered.then_some(&7), "{again:?}");
        assert!(answered || again.is_err_and(|error| error.is_away()));
        assert_eq!(asked.load(Ordering::Relaxed), 3, "once more, and no oftener");
    }
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

/// A store to which a server links gets no token, and what it does not have the server itself gives.
#[tokio::test]
async fn a_link_is_followed_without_the_token_and_the_server_is_asked_where_it_leads_nowhere() {
    let bytes = "the bytes of a blob";
    let answer = move |head: &str| {
        format!(
            "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{bytes}",
            bytes.len()
        )
    };
    let store = serve(move |request, stream| {
        assert!(!request.to_lowercase().contains("authorization"), "{request}");
        let head = if request.starts_with("GET /there") {
            "200 OK"
        } else {
            "403 Forbidden"
        };
        drop(stream.write_all(answer(head).as_bytes()));
    });
    for (path, own) in [("there", 0), ("gone", 1)] {
        let given = Arc::new(AtomicU64::new(0));
        let (count, link) = (Arc::clone(&given), format!("{store}/{path}?signature=x"));
        let url = serve(move |request, stream| {
            let follows = request.to_lowercase().contains("baton-blob-link: yes");
            count.fetch_add(u64::from(!follows), Ordering::Relaxed);
            let linked = format!("HTTP/1.1 204 No Content\r\nbaton-blob-link: {link}\r\nConnection: close\r\n\r\n");
            drop(stream.write_all(if follows { linked } else { answer("200 OK") }.as_bytes()));
        });
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("blob");
        let fetched = blobs::download(&client(&url), Digest::of(bytes.as_bytes()), &path, 100).await;
        fetched.expect("it is fetched");
        assert_eq!(std::fs::read(&path).expect("the file"), bytes.as_bytes());
        assert_eq!(given.load(Ordering::Relaxed), own, "requests for the server's own bytes");
    }
}

/// What a store gives by a link is held against the digest like what a server gives.
#[tokio::test]
async fn other_bytes_by_a_link_are_no_blob() {
    let store = serve_always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwrong".to_owned());
    let link = format!("{store}/there?signature=x");
    let url = serve(move |_, stream| {
        let answer = format!("HTTP/1.1 204 No Content\r\nbaton-blob-link: {link}\r\nConnection: close\r\n\r\n");
        drop(stream.write_all(answer.as_bytes()));
    });
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("blob");
    let fetched = blobs::download(&client(&url), Digest::of(b"right"), &path, 100).await;
    assert!(matches!(fetched, Err(NetError::Corrupt(_))), "{fetched:?}");
    assert!(!path.exists());
}

#[test]
fn links_into_this_machines_network_or_without_tls_are_not_followed() {
    for (server, link, follows) in [
        ("https://baton.example", "https://lab.s3.example.com/a", true),
        ("https://baton.example", "http://lab.s3.example.com/a", false),
        ("https://baton.example", "https://192.168.1.1/a", false),
        ("https://baton.example", "https://[::1]/a", false),
        ("https://baton.example", "https://localhost/a", false),
        ("https://baton.example", "https://router/a", false),
        ("https://baton.example", "file:///etc/passwd", false),
        ("http://192.168.1.7:8477", "http://192.168.1.9:9000/a", true),
    ] {
        assert_eq!(client(server).linked(link).is_some(), follows, "{server}: {link}");
    }
}

/// What a volunteer's limits of bandwidth come to, measured: files arrive and leave no faster, and not much slower.
#[tokio::test]
async fn files_are_fetched_and_sent_as_fast_as_the_limits_say() {
    const SIZE: usize = 150_000;
    let bytes = "x".repeat(SIZE);
    let digest = Digest::of(bytes.as_bytes());
    let (body, received) = (bytes.clone(), AtomicU64::new(0));
    let url = serve(move |request, stream| {
        let (head, begun) = request.split_once("\r\n\r\n").expect("a head");
        if head.starts_with("GET ") {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\nConnection: close\r\n\r\n");
            return drop(stream.write_all(format!("{head}{body}").as_bytes()));
        }
        let lower = head.to_lowercase();
        let length = lower
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let length = length.expect("a length");
        let mut rest = vec![0; length - begun.len()];
        stream.read_exact(&mut rest).expect("the part");
        let received = received.fetch_add(length as u64, Ordering::Relaxed) + length as u64;
        let view = format!(
            "{{\"digest\":\"{digest}\",\"received\":{received},\"whole\":{}}}",
            received == SIZE as u64
        );
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
        drop(stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{view}", view.len()).as_bytes()));
    });
    let client = client(&url);
    let place = tempfile::tempdir().expect("a folder");
    client.transfers.down.limit(Some(150_000));
    client.transfers.up.limit(Some(100_000));
    let measured = |begun: Instant| SIZE as f64 / begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    blobs::download(&client, digest, &place.path().join("blob"), SIZE as u64)
        .await
        .expect("fetched");
    let down = measured(begun);
    let begun = Instant::now();
    blobs::upload_bytes(&client, bytes.as_bytes(), digest).await.expect("sent");
    let up = measured(begun);
    println!("down {down:.0} bytes/s of 150000, up {up:.0} bytes/s of 100000");
    assert!(
        (75_000.0..150_001.0).contains(&down) && (50_000.0..100_001.0).contains(&up),
        "{down} down, {up} up"
    );
    assert_eq!(client.transfers.moved(), 2 * SIZE as u64);
}

/// A certificate for this address, signed by itself, and its key.
fn certificate(folder: &Path, address: &str) -> Option<(PathBuf, Arc<ServerConfig>)> {
    let (chain, key) = (folder.join(format!("{address}.pem")), folder.join(format!("{address}.key")));
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=baton", "-addext", &format!("subjectAltName=IP:{address}")])
        .args(["-addext", "basicConstraints=CA:FALSE", "-out"])
        .arg(&chain)
        .arg("-keyout")
        .arg(&key)
        .output();
    let Ok(output) = made else {
        println!("SKIP: openssl, which makes the certificate, is not installed");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let certificate = CertificateDer::from_pem_file(&chain).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(&key).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate], key).expect("they fit");
    Some((chain, Arc::new(config)))
}

/// A server that speaks TLS, and answers `[]` to everything. Its address.
fn serve_tls(config: Arc<ServerConfig>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = rustls::StreamOwned::new(connection, stream);
            if stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                let body =
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
                drop(stream.write_all(body.as_bytes()));
                drop(stream.flush());
            }
        }
    });
    address
}

/// A server that does not speak TLS: it takes any first bytes for a bad request. Its address.
fn serve_without_tls() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            drop(stream.read(&mut [0; 4096]));
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
        }
    });
    address
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_a_mistake_with_its_fix_and_not_a_server_that_is_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let (Some(own), Some(foreign)) = (
        certificate(folder.path(), "127.0.0.1"),
        certificate(folder.path(), "192.0.2.1"),
    ) else {
        return;
    };
    let asked = async |url: &str, ca: Option<&Path>| {
        let client = Client::new(url, "secret", ca).expect("a client");
        client.get::<Vec<u64>>("/v1/jobs").await
    };
    let (good, wrong) = (serve_tls(own.1), serve_tls(foreign.1));
    let (good_url, wrong_url) = (format!("https://{good}"), format!("https://{wrong}"));
    assert_eq!(asked(&good_url, Some(&own.0)).await.expect("it is trusted"), [0; 0]);
    for (url, ca, words) in [
        (&good_url, None, "--ca-file"),
        (&good_url, Some(&foreign.0), "--ca-file"),
        (&wrong_url, Some(&foreign.0), "192.0.2.1"),
        (&format!("https://{}", serve_without_tls()), None, "http://"),
        (&format!("http://{good}"), None, "https://"),
    ] {
        let error = asked(url, ca.map(PathBuf::as_path)).await.expect_err("it is not trusted");
        let text = error.to_string();
        assert!(matches!(error, NetError::Setup(_)), "{url}: {text}");
        let origin = url.as_str();
        assert!(text.contains(words) && text.contains(origin), "{url}: {text}");
    }
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
    for (header, words) in [
        (String::new(), "older than this worker, which needs version 0"),
        (format!("baton-server: {other}\r\n"), "another server, cdcdcdcdcdcd,"),
        (format!("baton-server: {own}\r\n"), "no: no"),
    ] {
        let client = client(&serve_always(refusal(&header))).of_server(ServerId::parse(&own));
        let error = client.get::<u64>("/v1/hosts/1").await.expect_err("a refusal");
        let is_refusal = header.contains(&own);
        assert_eq!(matches!(error, NetError::Refused(_)), is_refusal, "{header:?}: {error}");
        assert!(error.to_string().contains(words), "{header:?}: {error}");
    }
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
    let error = client(&serve_always(page.to_owned()))
        .of_server(ServerId::parse(&own))
        .get::<u64>("/v1/hosts/1")
        .await
        .expect_err("a portal's page");
    assert!(
        matches!(&error, NetError::Stranger(why) if why.contains("no baton-server (status 200)")),
        "{error}"
    );
    // A client that expects no server in particular believes any.
    let error = client(&serve_always(refusal("")))
        .get::<u64>("/v1/jobs")
        .await
        .expect_err("a refusal");
    assert!(matches!(error, NetError::Refused(_)), "{error}");
}
