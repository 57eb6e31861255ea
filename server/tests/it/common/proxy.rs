//! A TCP proxy before a Unix socket, whose connections can be cut and refused.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::task::{AbortHandle, JoinHandle};

pub struct Proxy {
    pub port: u16,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
    refuses: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let refuses = Arc::new(AtomicBool::new(false));
        let (all, refusing) = (Arc::clone(&connections), Arc::clone(&refuses));
        let accepting = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if refusing.load(Ordering::SeqCst) {
                    continue;
                }
                let socket = socket.clone();
                let passing = tokio::spawn(async move {
                    if let Ok(mut server) = UnixStream::connect(socket).await {
                        // Either end may go at any moment.
                        drop(copy_bidirectional(&mut client, &mut server).await);
                    }
                });
                all.lock().unwrap().push(passing.abort_handle());
            }
        });
        Self {
            port,
            connections,
            refuses,
            accepting,
        }
    }

    /// Cuts the connection that was made first: where a server keeps its lock.
    pub fn cut_first(&self) {
        self.connections.lock().unwrap()[0].abort();
    }

    /// Cuts all connections that there are.
    pub fn cut(&self) {
        self.connections.lock().unwrap().iter().for_each(AbortHandle::abort);
    }

    /// Whether new connections are turned away from now on.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.connections.lock().unwrap().iter().for_each(AbortHandle::abort);
    }
}
