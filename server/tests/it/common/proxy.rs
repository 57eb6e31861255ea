//! A TCP proxy before a Unix socket, whose connections can be cut, refused, slowed down and kept silent.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::{AbortHandle, JoinHandle};

/// What is done to bytes.
#[derive(Default)]
struct Way {
    refuses: AtomicBool,
    /// Bytes wait until this ends: to both ends, packets are lost and sent again.
    silent: AtomicBool,
    /// Each piece waits so long, milliseconds.
    delay_ms: AtomicU64,
}

pub struct Proxy {
    pub port: u16,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
    way: Arc<Way>,
    accepting: JoinHandle<()>,
}

/// Passes bytes on in one direction, until either end goes.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, way: &Way) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(way.delay_ms.load(Ordering::SeqCst))).await;
        while way.silent.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    // The other end may be gone already.
    drop(to.shutdown().await);
}

impl Proxy {
    pub async fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let way = Arc::new(Way::default());
        let (all, ways) = (Arc::clone(&connections), Arc::clone(&way));
        let accepting = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if ways.refuses.load(Ordering::SeqCst) {
                    continue;
                }
                let (socket, way) = (socket.clone(), Arc::clone(&ways));
                let passing = tokio::spawn(async move {
                    if let Ok(mut server) = UnixStream::connect(socket).await {
                        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
                        tokio::join!(pass(from_client, to_server, &way), pass(from_server, to_client, &way));
                    }
                });
                all.lock().unwrap().push(passing.abort_handle());
            }
        });
        Self {
            port,
            connections,
            way,
            accepting,
        }
    }

    /// Cuts the connection that was made first: where a server keeps its lock.
    pub fn cut_first(&self) {
        self.connections.lock().unwrap()[0].abort();
    }

    /// Cuts all connections but the one that was made first.
    pub fn cut_others(&self) {
        let connections = self.connections.lock().unwrap();
        connections.iter().skip(1).for_each(AbortHandle::abort);
    }

    /// Cuts all connections that there are.
    pub fn cut(&self) {
        self.connections.lock().unwrap().iter().for_each(AbortHandle::abort);
    }

    /// Whether new connections are turned away from now on.
    pub fn refuse(&self, refuses: bool) {
        self.way.refuses.store(refuses, Ordering::SeqCst);
    }

    /// Whether nothing arrives from now on, at either end.
    pub fn silence(&self, silent: bool) {
        self.way.silent.store(silent, Ordering::SeqCst);
    }

    /// For how long each piece of bytes is kept from now on.
    pub fn delay(&self, by: Duration) {
        self.way.delay_ms.store(by.as_millis() as u64, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.connections.lock().unwrap().iter().for_each(AbortHandle::abort);
    }
}
