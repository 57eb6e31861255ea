//! A way to a server that can freeze, as a network fault does, and cut connections after so many bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const LOOK: Duration = Duration::from_millis(20);

/// What the way does to those who pass.
#[derive(Debug, Default)]
struct Weather {
    over: AtomicBool,
    frozen: AtomicBool,
    cut_after: AtomicU64,
    cuts: AtomicU64,
    bytes: AtomicU64,
}

/// A way to a server, on a port of its own.
#[derive(Debug)]
pub struct Proxy {
    weather: Arc<Weather>,
    address: SocketAddr,
}

impl Proxy {
    /// A way to the server at `HOST:PORT`.
    ///
    /// # Panics
    /// No port is free.
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let weather = Arc::<Weather>::default();
        let (server, shared) = (server.to_owned(), Arc::clone(&weather));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(client), Ok(upstream)) = (client, TcpStream::connect(&server)) else {
                    continue;
                };
                let passed = Arc::new(AtomicU64::new(0));
                for (from, to) in [(&client, &upstream), (&upstream, &client)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
                        continue;
                    };
                    let (weather, passed) = (Arc::clone(&shared), Arc::clone(&passed));
                    std::thread::spawn(move || pass(from, to, &weather, &passed));
                }
            }
        });
        Self { weather, address }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Nothing passes, in either direction, and no connection ends; or all goes on.
    pub fn freeze(&self, frozen: bool) {
        self.weather.frozen.store(frozen, Ordering::Relaxed);
    }

    /// Cut every connection after so many bytes; 0 for never.
    pub fn cut_after(&self, bytes: u64) {
        self.weather.cut_after.store(bytes, Ordering::Relaxed);
    }

    /// Connections that were cut, and bytes that passed.
    pub fn count(&self) -> (u64, u64) {
        (
            self.weather.cuts.load(Ordering::Relaxed),
            self.weather.bytes.load(Ordering::Relaxed),
        )
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.weather.over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, weather: &Weather, passed: &AtomicU64) {
    let mut buffer = vec![0; 16 << 10];
    if from.set_read_timeout(Some(LOOK)).is_err() {
        return;
    }
    while !weather.over.load(Ordering::Relaxed) {
        if weather.frozen.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
            continue;
        }
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => break,
        };
        while weather.frozen.load(Ordering::Relaxed) && !weather.over.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
        weather.bytes.fetch_add(read as u64, Ordering::Relaxed);
        let so_far = passed.fetch_add(read as u64, Ordering::Relaxed) + read as u64;
        let most = weather.cut_after.load(Ordering::Relaxed);
        if most > 0 && so_far >= most {
            weather.cuts.fetch_add(1, Ordering::Relaxed);
            drop(from.shutdown(Shutdown::Both));
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
}
