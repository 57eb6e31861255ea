//! Requests that never end, and answers that nobody reads: such a client gets no further, and keeps no other client away.

use std::time::{Duration, Instant};

use crate::common::{client, options};
use server::accept::Connections;
use server::serve::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// A connection from an address of this machine's own.
async fn from(address: &str, server: &Server) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind(format!("{address}:0").parse().expect("an address")).ok()?;
    socket.connect(server.address).await.ok()
}

async fn half(address: &str, server: &Server) -> Option<TcpStream> {
    let mut stream = from(address, server).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Half:").await.ok()?;
    Some(stream)
}

/// Whether the server closed it.
async fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(within, stream.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test]
async fn a_half_sent_request_is_given_up_and_one_address_holds_few_connections() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), None);
    options.connections = Connections {
        per_address: 20,
        patience: Duration::from_secs(2),
        ..Connections::default()
    };
    let server = Server::start(options).await.unwrap();
    let begun = Instant::now();
    let mut halves = Vec::new();
    for _ in 0..20 {
        halves.push(half("127.0.0.2", &server).await.expect("room"));
    }
    // One more from there is closed at once; from elsewhere the server answers.
    let mut more = from("127.0.0.2", &server).await.expect("accepted by the kernel");
    assert!(is_closed(&mut more, Duration::from_secs(1)).await);
    let health = client().get(format!("{}/healthz", server.url)).send().await.unwrap();
    assert!(health.status().is_success());
    assert!(begun.elapsed() < Duration::from_secs(2), "before anything was given up");
    for stream in &mut halves {
        assert!(
            is_closed(stream, Duration::from_secs(5)).await,
            "a half-sent request is held open"
        );
    }
    // And then that address is served again.
    let mut whole = from("127.0.0.2", &server).await.expect("room");
    whole
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    whole.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), None);
    options.connections = Connections {
        unread: Duration::from_millis(500),
        ..Connections::default()
    };
    let server = Server::start(options).await.unwrap();
    let mut deaf = from("127.0.0.2", &server).await.expect("room");
    // More than any buffer on the way holds.
    let ask = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(300);
    deaf.write_all(&ask).await.expect("some thousand bytes");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut read = Vec::new();
    // It ends with an end or a reset, whichever the server's system sends.
    let ended = tokio::time::timeout(Duration::from_secs(10), deaf.read_to_end(&mut read)).await;
    assert!(ended.is_ok(), "the connection is still open");
    let answers = read.windows(12).filter(|bytes| bytes == b"HTTP/1.1 200").count();
    assert!((1..300).contains(&answers), "{answers} answers of 300");
    server.stop().await;
}
