//! What a server under attack has left for honest hosts: heartbeats and leases a second undisturbed and beside slow, huge, half-sent, malformed and forged
//! requests, in turns, and the server's memory. Attackers and hosts share the machine with the server, so each kind of attack has a rate.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use benches::fleet::{beat, ending, fill, secret};
use benches::load::Connection;
use benches::migration::{Running, program};
use clap::Parser;
use protocol::AttemptId;
use protocol::http::{Lease, Orders};
use server::store::Store;
use server::store::sqlite::SqliteStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

#[derive(Parser)]
struct Arguments {
    /// Hosts at work.
    #[arg(long, default_value_t = 2000)]
    hosts: u64,
    /// Connections of honest hosts.
    #[arg(long, default_value_t = 32)]
    connections: u64,
    /// Turns of each kind.
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// Seconds of a turn.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
}

/// Kinds of attack: a name, and how many of them begin in a second.
const ATTACKS: [(&str, u64); 6] = [
    ("half-sent heads, held open", 100),
    ("heads a byte at a time", 50),
    ("bodies of 8 MiB", 10),
    ("malformed requests", 200),
    ("forged tokens", 300),
    ("logins with guesses", 100),
];

/// A connection from one of a few addresses that are not the honest hosts'.
async fn connect(address: &str, number: u64) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let own = format!("127.0.0.{}:0", 2 + number % 8);
    socket.bind(own.parse().map_err(std::io::Error::other)?)?;
    socket.connect(address.parse().map_err(std::io::Error::other)?).await
}

async fn ask(address: &str, number: u64, request: &[u8]) -> std::io::Result<()> {
    let mut stream = connect(address, number).await?;
    stream.write_all(request).await?;
    let mut answer = vec![0; 4096];
    stream.read(&mut answer).await.map(drop)
}

async fn attack(kind: usize, address: &str, number: u64, over: Arc<AtomicBool>) -> std::io::Result<()> {
    match kind {
        0 => {
            let mut stream = connect(address, number).await?;
            stream.write_all(b"POST /v1/hosts HTTP/1.1\r\nHost: x\r\nX-Half:").await?;
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.map(drop)
        }
        1 => {
            let mut stream = connect(address, number).await?;
            for byte in b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ".iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        }
        2 => {
            let mut stream = connect(address, number).await?;
            let head = format!(
                "POST /v1/hosts/1/heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                secret(1_000_000 + number),
                8 << 20
            );
            stream.write_all(head.as_bytes()).await?;
            for _ in 0..128 {
                stream.write_all(&[b' '; 64 << 10]).await?;
            }
            Ok(())
        }
        3 => {
            let requests: [&[u8]; 4] = [
                b"\x16\x03\x01 no TLS here\r\n\r\n",
                b"GET  HTTP/9.9\r\n\r\n",
                b"POST /v1/hosts HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                b"PUT /v1/blobs/xyz?size=99999999999999999999 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
            ];
            ask(address, number, requests[usize::try_from(number % 4).unwrap_or(0)]).await
        }
        4 => {
            let forged = format!(
                "GET /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer baton_operator_{number:064}\r\nConnection: close\r\n\r\n"
            );
            ask(address, number, forged.as_bytes()).await
        }
        _ => {
            let body = format!("token=baton_scientist_{number:064}");
            let login = format!(
                "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            ask(address, number, login.as_bytes()).await
        }
    }
}

/// Attacks of every kind at their rates until it is over. How many of each began.
async fn besiege(address: String, over: Arc<AtomicBool>) -> [u64; ATTACKS.len()] {
    let begun = Instant::now();
    let mut counts = [0; ATTACKS.len()];
    let mut open = tokio::task::JoinSet::new();
    while !over.load(Ordering::Relaxed) {
        for (kind, (_, rate)) in ATTACKS.iter().enumerate() {
            let due = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX) * rate / 1000;
            while counts[kind] < due {
                let (address, over, number) = (address.clone(), Arc::clone(&over), counts[kind]);
                counts[kind] += 1;
                // An attack that is turned away has had its answer.
                open.spawn(async move { drop(attack(kind, &address, number, over).await) });
            }
        }
        while open.try_join_next().is_some() {}
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    open.shutdown().await;
    counts
}

/// Heartbeats and leases of honest hosts for a time: how many of each a second.
async fn honest(address: &str, hosts: u64, connections: u64, length: Duration) -> anyhow::Result<(f64, f64)> {
    let begun = Instant::now();
    let (beats, leases) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let work = (0..connections).map(|first| {
        let (address, beats, leases) = (address.to_owned(), Arc::clone(&beats), Arc::clone(&leases));
        tokio::spawn(async move {
            let mut connection = Connection::open(&address).await?;
            let mut held: BTreeMap<u64, Lease> = BTreeMap::new();
            let mut host = 1 + first;
            while begun.elapsed() < length {
                let lease = match held.remove(&host) {
                    Some(lease) => lease,
                    None => {
                        let orders: Orders = connection
                            .post(&format!("/v1/hosts/{host}/leases"), &secret(host), &())
                            .await?;
                        orders.leases.into_iter().next().context("a host has nothing to do")?
                    }
                };
                for _ in 0..4 {
                    let beat = beat(AttemptId(lease.attempt.0), lease.epoch, 1);
                    let path = format!("/v1/hosts/{host}/heartbeat");
                    let _orders: Orders = connection.post(&path, &secret(host), &beat).await?;
                    beats.fetch_add(1, Ordering::Relaxed);
                }
                let end = format!("/v1/attempts/{}/end", lease.attempt);
                let _offered: Orders = connection.post(&end, &secret(host), &ending(&lease)).await?;
                let take = format!("/v1/hosts/{host}/leases");
                let taken: Orders = connection.post(&take, &secret(host), &()).await?;
                leases.fetch_add(1, Ordering::Relaxed);
                held.extend(taken.leases.into_iter().next().map(|lease| (host, lease)));
                host = match host + connections {
                    next if next > hosts.min(20 * connections) => 1 + first,
                    next => next,
                };
            }
            anyhow::Ok(())
        })
    });
    for task in work.collect::<Vec<_>>() {
        task.await??;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let rate = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64 / seconds;
    Ok((rate(&beats), rate(&leases)))
}

/// Memory of the server now, and the most that it had, MiB.
fn memory(server: u32) -> anyhow::Result<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{server}/status"))?;
    let line = |name: &str| -> anyhow::Result<u64> {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .context("Linux says")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
    };
    Ok((line("VmRSS:")?, line("VmHWM:")?))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(&folder.path().join("baton.sqlite")).await?;
    fill(&store, arguments.hosts, 4 * arguments.hosts).await?;
    store.close().await;
    let mut child = Command::new(program("baton-server")?)
        .arg("--data")
        .arg(folder.path())
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("piped")?).read_line(&mut line)?;
    let server = Running(child);
    let address = line
        .trim()
        .rsplit("http://")
        .next()
        .context("the server says its URL")?
        .to_owned();
    let length = Duration::from_secs(arguments.seconds);
    let (hosts, connections) = (arguments.hosts, arguments.connections);
    honest(&address, hosts, connections, Duration::from_secs(1)).await?;
    println!(
        "{hosts} hosts, {connections} connections; the server before: {} MiB\n",
        memory(server.0.id())?.0
    );
    println!("| turn | heartbeats a second | beside attacks | leases a second | beside attacks | memory after, MiB |");
    println!("|---|---|---|---|---|---|");
    let (mut calm, mut attacked, mut began) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()), [0; ATTACKS.len()]);
    for turn in 1..=arguments.turns {
        let quiet = honest(&address, hosts, connections, length).await?;
        let over = Arc::new(AtomicBool::new(false));
        let siege = tokio::spawn(besiege(address.clone(), Arc::clone(&over)));
        let beside = honest(&address, hosts, connections, length).await?;
        over.store(true, Ordering::Relaxed);
        for (sum, count) in began.iter_mut().zip(siege.await?) {
            *sum += count;
        }
        let (now, _) = memory(server.0.id())?;
        println!(
            "| {turn} | {:.0} | {:.0} | {:.0} | {:.0} | {now} |",
            quiet.0, beside.0, quiet.1, beside.1
        );
        calm.0.push(quiet.0);
        calm.1.push(quiet.1);
        attacked.0.push(beside.0);
        attacked.1.push(beside.1);
    }
    let ratio = |attacked: &[f64], calm: &[f64]| {
        let median = |values: &[f64]| benches::median(values).unwrap_or(0.0);
        100.0 * median(attacked) / median(calm)
    };
    println!(
        "\nmedians beside attacks: {:.0} % of the heartbeats, {:.0} % of the leases; the server's memory: {} MiB at most",
        ratio(&attacked.0, &calm.0),
        ratio(&attacked.1, &calm.1),
        memory(server.0.id())?.1
    );
    for ((name, rate), count) in ATTACKS.iter().zip(began) {
        println!("  {name}: {rate} a second, {count} in all");
    }
    Ok(())
}
