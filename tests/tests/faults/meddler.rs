//! A way to a server that loses, delays, repeats and so reorders requests: what networks and impatient clients do between them.
//!
//! It knows just enough HTTP to hold a whole request in its hand. It also reads what the server tells hosts to do, and notes which attempt
//! holds which epoch of each job: no epoch is ever held by two.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contracts::Dice;
use protocol::Digest;
use protocol::http::{Commit, Orders};

/// Bytes of a request that is held; larger ones pass untouched.
const HELD_MAX: usize = 4 << 20;

/// What was done, and what was seen.
#[derive(Default)]
pub struct Notes {
    pub requests: AtomicU64,
    pub repeated: AtomicU64,
    pub delayed: AtomicU64,
    pub lost: AtomicU64,
    /// Blobs that were gone when their commit came.
    pub vanished: AtomicU64,
    /// (job, epoch) and the (attempt, host) that held it.
    leases: Mutex<BTreeMap<(u64, u64), (u64, u64)>>,
    /// Epochs that two held, in words.
    pub doubles: Mutex<Vec<String>>,
}

impl Notes {
    fn read(&self, body: &[u8]) {
        let Ok(orders) = serde_json::from_slice::<Orders>(body) else {
            return;
        };
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        for lease in orders.leases {
            let holder = (lease.attempt.0, orders.host.0);
            let known = *leases.entry((lease.job.0, lease.epoch)).or_insert(holder);
            if known != holder {
                let words = format!(
                    "epoch {} of job {}: attempts and hosts {known:?} and {holder:?}",
                    lease.epoch, lease.job
                );
                self.doubles.lock().unwrap_or_else(PoisonError::into_inner).push(words);
            }
        }
    }

    /// How many leases were seen.
    pub fn leases(&self) -> usize {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Takes blobs away from a server just before the first commit that speaks of them, as a sweep may.
struct Thief {
    blobs: PathBuf,
    seen: Mutex<BTreeSet<Digest>>,
}

impl Thief {
    /// How many blobs of this commit are gone now.
    fn visit(&self, request: &Message) -> u64 {
        let head = String::from_utf8_lossy(&request.head);
        let body = request.body.as_deref().unwrap_or(&[]);
        let commit = head.lines().next().is_some_and(|line| line.contains("/commit "));
        let Some(commit) = serde_json::from_slice::<Commit>(body).ok().filter(|_| commit) else {
            return 0;
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let blobs = [Some(commit.checkpoint), commit.outputs].into_iter().flatten();
        let fresh = blobs.filter(|digest| seen.insert(*digest));
        let path = |digest: Digest| self.blobs.join(&digest.to_string()[..2]).join(digest.to_string());
        fresh.filter(|digest| fs::remove_file(path(*digest)).is_ok()).count() as u64
    }
}

/// The way, on a port of its own.
pub struct Meddler {
    pub notes: Arc<Notes>,
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Meddler {
    /// A way to the server at `HOST:PORT`, whose whims come from a seed.
    pub fn to(server: &str, seed: u64) -> Self {
        Self::with(server, seed, None)
    }

    /// The same, where blobs vanish from their folder before they are committed.
    pub fn thievish(server: &str, seed: u64, blobs: PathBuf) -> Self {
        let seen = Mutex::default();
        Self::with(server, seed, Some(Arc::new(Thief { blobs, seen })))
    }

    fn with(server: &str, seed: u64, thief: Option<Arc<Thief>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (notes, over) = (Arc::<Notes>::default(), Arc::<AtomicBool>::default());
        let (server, shared, end) = (server.to_owned(), Arc::clone(&notes), Arc::clone(&over));
        std::thread::spawn(move || {
            for (number, client) in listener.incoming().enumerate() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(client) = client else { continue };
                let (server, notes, dice) = (server.clone(), Arc::clone(&shared), Dice(seed ^ (number as u64) << 20));
                let thief = thief.clone();
                // A connection that breaks is a fault like any other.
                std::thread::spawn(move || drop(serve(client, &server, &notes, thief.as_deref(), dice)));
            }
        });
        Self { notes, address, over }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
    }
}

/// A request or an answer: its head with the empty line, and its body when that has a length.
struct Message {
    head: Vec<u8>,
    body: Option<Vec<u8>>,
}

impl Message {
    fn bytes(&self) -> Vec<u8> {
        [&self.head[..], self.body.as_deref().unwrap_or(&[])].concat()
    }
}

fn read_message(stream: &mut BufReader<TcpStream>, is_answer: bool) -> io::Result<Option<Message>> {
    let mut head = Vec::new();
    let (mut length, mut endless) = (None, false);
    loop {
        let begin = head.len();
        if stream.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&head[begin..]).to_ascii_lowercase();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse::<usize>().ok();
        }
        endless |= line.starts_with("transfer-encoding:");
    }
    let length = match (length, endless) {
        (Some(length), false) if length <= HELD_MAX => length,
        (None, false) if !is_answer => 0,
        _ => return Ok(Some(Message { head, body: None })),
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(Message { head, body: Some(body) }))
}

fn serve(client: TcpStream, server: &str, notes: &Arc<Notes>, thief: Option<&Thief>, mut dice: Dice) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut from = BufReader::new(client.try_clone()?);
    let mut client = client;
    let mut upstream: Option<BufReader<TcpStream>> = None;
    while let Some(request) = read_message(&mut from, false)? {
        notes.requests.fetch_add(1, Ordering::Relaxed);
        let writes = request.head.starts_with(b"POST") || request.head.starts_with(b"PUT");
        let whim = if writes && request.body.is_some() {
            dice.below(100)
        } else {
            100
        };
        match whim {
            // It never arrives.
            0..4 => {
                notes.lost.fetch_add(1, Ordering::Relaxed);
                return client.shutdown(Shutdown::Both);
            }
            // It arrives late: others overtake it.
            4..12 => {
                notes.delayed.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(dice.wait(Duration::from_millis(400)));
            }
            // It arrives again, when others have come in between.
            12..22 => {
                notes.repeated.fetch_add(1, Ordering::Relaxed);
                let (bytes, server, pause) = (request.bytes(), server.to_owned(), dice.wait(Duration::from_millis(1500)));
                let notes = Arc::clone(notes);
                std::thread::spawn(move || {
                    std::thread::sleep(pause);
                    drop(again(&bytes, &server, &notes));
                });
            }
            _ => {}
        }
        let stream = match &mut upstream {
            Some(stream) => stream,
            None => upstream.insert(BufReader::new(TcpStream::connect(server)?)),
        };
        if let Some(thief) = thief {
            notes.vanished.fetch_add(thief.visit(&request), Ordering::Relaxed);
        }
        stream.get_mut().write_all(&request.bytes())?;
        if request.body.is_none() {
            return tunnel(from, client, upstream);
        }
        let Some(answer) = read_message(stream, true)? else {
            return client.shutdown(Shutdown::Both);
        };
        if let Some(body) = &answer.body {
            notes.read(body);
        }
        // The server did it, and the client never learns.
        if (22..26).contains(&whim) {
            notes.lost.fetch_add(1, Ordering::Relaxed);
            return client.shutdown(Shutdown::Both);
        }
        client.write_all(&answer.bytes())?;
        if answer.body.is_none() {
            return tunnel(from, client, upstream);
        }
    }
    Ok(())
}

/// Sends a request that was sent before.
fn again(bytes: &[u8], server: &str, notes: &Notes) -> io::Result<()> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(bytes)?;
    if let Some(Message { body: Some(body), .. }) = read_message(&mut BufReader::new(stream), true)? {
        notes.read(&body);
    }
    Ok(())
}

/// Everything passes, in both directions, until either side ends.
fn tunnel(mut from: BufReader<TcpStream>, client: TcpStream, upstream: Option<BufReader<TcpStream>>) -> io::Result<()> {
    let Some(mut upstream) = upstream else { return Ok(()) };
    let (mut to_server, mut to_client) = (upstream.get_ref().try_clone()?, client);
    let up = std::thread::spawn(move || {
        drop(io::copy(&mut from, &mut to_server));
        drop(to_server.shutdown(Shutdown::Both));
    });
    drop(io::copy(&mut upstream, &mut to_client));
    drop(to_client.shutdown(Shutdown::Both));
    drop(up.join());
    Ok(())
}
