//! A way to a server that can freeze, as a network fault does, be slow, cut connections after so many bytes, and lie: answer itself, as a captive
//! portal or a wrong proxy does.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const LOOK: Duration = Duration::from_millis(20);

/// What the way does to those who pass.
#[derive(Debug, Default)]
struct Weather {
    over: AtomicBool,
    frozen: AtomicBool,
    cut_after: AtomicU64,
    /// Bytes a second in one direction of a connection; 0 for as fast as it goes.
    bytes_per_s: AtomicU64,
    /// What every request is answered with, instead of by the server.
    lie: Mutex<Option<String>>,
    /// Heads of requests that were answered so.
    lied_to: Mutex<Vec<String>>,
    /// Changes of the lie so far: connections of before are cut.
    turn: AtomicU64,
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
                let Ok(client) = client else { continue };
                let lie = shared.lie.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if let Some(lie) = lie {
                    let weather = Arc::clone(&shared);
                    std::thread::spawn(move || answer(client, &lie, &weather));
                    continue;
                }
                let Ok(upstream) = TcpStream::connect(&server) else { continue };
                let passed = Arc::new(AtomicU64::new(0));
                for (from, to, is_up) in [(&client, &upstream, true), (&upstream, &client, false)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
                        continue;
                    };
                    let (weather, passed) = (Arc::clone(&shared), Arc::clone(&passed));
                    std::thread::spawn(move || pass(from, to, &weather, &passed, is_up));
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

    /// Let so many bytes a second pass in each direction of a connection; 0 for as many as there are.
    pub fn slow_down(&self, bytes_per_s: u64) {
        self.weather.bytes_per_s.store(bytes_per_s, Ordering::Relaxed);
    }

    /// Answer every request with this response, a whole one, instead of the server; or let them pass again. Connections of before are cut.
    pub fn lie(&self, response: Option<&str>) {
        *self.weather.lie.lock().unwrap_or_else(PoisonError::into_inner) = response.map(str::to_owned);
        self.weather.turn.fetch_add(1, Ordering::Relaxed);
    }

    /// Heads of the requests that were lied to since the last call.
    pub fn lied_to(&self) -> Vec<String> {
        std::mem::take(&mut *self.weather.lied_to.lock().unwrap_or_else(PoisonError::into_inner))
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

/// Answers one request without looking at more than its head.
fn answer(mut client: TcpStream, response: &str, weather: &Weather) {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    if client.set_read_timeout(Some(Duration::from_secs(2))).is_err() {
        return;
    }
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match client.read(&mut buffer) {
            Ok(read) if read > 0 => head.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    weather.lied_to.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    drop(client.write_all(response.as_bytes()));
    drop(client.shutdown(Shutdown::Write));
    // What is not read makes the system reset the connection before the answer is read.
    while client.read(&mut buffer).is_ok_and(|read| read > 0) {}
}

/// Bytes that came in and have not passed yet, at most.
const QUEUE_MAX: usize = 64 << 20;

/// Passes bytes on in one direction. What a client leaves behind that gave up is dropped with its connection, as on a line that is slow itself; what
/// a server said before it closed still arrives.
fn pass(mut from: TcpStream, mut to: TcpStream, weather: &Weather, passed: &AtomicU64, is_up: bool) {
    let turn = weather.turn.load(Ordering::Relaxed);
    let mut buffer = vec![0; 64 << 10];
    let (mut queue, mut ended) = (VecDeque::new(), false);
    while !weather.over.load(Ordering::Relaxed) && weather.turn.load(Ordering::Relaxed) == turn {
        if weather.frozen.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
            continue;
        }
        // All that is there, so that an end behind it is seen.
        while !ended && queue.len() < QUEUE_MAX {
            let wait = if queue.is_empty() { LOOK } else { Duration::from_micros(1) };
            if from.set_read_timeout(Some(wait)).is_err() {
                return;
            }
            match from.read(&mut buffer) {
                Ok(read) if read > 0 => queue.extend(&buffer[..read]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
                _ => ended = true,
            }
        }
        if ended && (is_up || queue.is_empty()) {
            break;
        }
        if weather.frozen.load(Ordering::Relaxed) || queue.is_empty() {
            continue;
        }
        // A tenth of a second's worth at a time.
        let pace = weather.bytes_per_s.load(Ordering::Relaxed);
        let most = if pace == 0 {
            buffer.len()
        } else {
            (pace as usize / 10).clamp(1, buffer.len())
        };
        let next: Vec<u8> = queue.drain(..most.min(queue.len())).collect();
        if to.write_all(&next).is_err() {
            break;
        }
        if pace > 0 {
            std::thread::sleep(Duration::from_secs_f64(next.len() as f64 / pace as f64));
        }
        weather.bytes.fetch_add(next.len() as u64, Ordering::Relaxed);
        let so_far = passed.fetch_add(next.len() as u64, Ordering::Relaxed) + next.len() as u64;
        let most = weather.cut_after.load(Ordering::Relaxed);
        if most > 0 && so_far >= most {
            weather.cuts.fetch_add(1, Ordering::Relaxed);
            drop(from.shutdown(Shutdown::Both));
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
}
