//! Contract: scientist's commands and the volunteer's agent reach their server through the proxy that the environment names, and past it where `NO_PROXY` says so. With real processes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use contracts::sharing::{FAST, Stage};
use contracts::{baton, program, short_package};

/// A proxy as RFC 9110 has it: `CONNECT` for TLS, and whole URLs for the rest. All names lead to one server.
struct Proxy {
    address: String,
    /// The first line of each connection.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Arc::new(Mutex::default());
        let (to, lines) = (to.to_owned(), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (to, lines) = (to.clone(), Arc::clone(&lines));
                std::thread::spawn(move || carry(stream, &to, &lines));
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn carry(mut from: TcpStream, to: &str, seen: &Mutex<Vec<String>>) -> Option<()> {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = from.read(&mut buffer).ok().filter(|read| *read > 0)?;
        head.extend_from_slice(&buffer[..read]);
    }
    let line = String::from_utf8_lossy(&head).lines().next()?.to_owned();
    let mut to = TcpStream::connect(to).ok()?;
    match line.starts_with("CONNECT ") {
        true => from.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?,
        // A server takes whole URLs as well (RFC 9112, 3.2.2).
        false => to.write_all(&head).ok()?,
    }
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    let (mut back_from, mut back_to) = (to.try_clone().ok()?, from.try_clone().ok()?);
    std::thread::spawn(move || {
        drop(std::io::copy(&mut back_from, &mut back_to));
        drop(back_to.shutdown(Shutdown::Both));
    });
    drop(std::io::copy(&mut from, &mut to));
    to.shutdown(Shutdown::Both).ok()
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_volunteer_behind_a_proxy_computes_a_job_and_no_proxy_is_honoured() {
    let stage = Stage::new(None, FAST);
    short_package("ising", 16, &stage.path("package"));
    let job = stage.submit(&stage.path("package"), &["--segments=2"]);
    let proxy = Proxy::start(&stage.address);
    let through = |command: &mut Command, url: &str, token: &str| {
        let command = command
            .args(["--server", url, "--token-file"])
            .arg(stage.token_file(token))
            .env("HTTP_PROXY", format!("http://{}", proxy.address))
            .env("NO_PROXY", "direct.test")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Running(command.spawn().expect("baton starts"))
    };
    let _direct = through(&mut baton(["jobs"]), "http://direct.test", "scientist");
    let mut worker = baton(["worker", "--retry-max=0.3", "--no-priority-change", "--device=cpu", "--state"]);
    let _worker = through(worker.arg(stage.path("one")), "http://baton.test", "host");
    stage.until(job, "completed", |job| job.state == protocol::JobState::Completed);
    let seen = proxy.seen();
    assert!(seen.iter().any(|line| line.contains(" http://baton.test/v1/")), "{seen:?}");
    assert!(!seen.iter().any(|line| line.contains("direct.test")), "{seen:?}");
}

#[test]
fn a_server_with_tls_is_reached_through_a_tunnel() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [chain, key, data] = ["chain.pem", "key.pem", "data"].map(|name| folder.path().join(name));
    let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=baton -addext subjectAltName=DNS:baton.test -addext basicConstraints=CA:FALSE -out";
    let mut openssl = Command::new("openssl");
    openssl.args(words.split(' ')).arg(&chain).arg("-keyout").arg(&key);
    match openssl.output() {
        Ok(made) => assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr)),
        Err(error) => return println!("skipped: openssl, which makes the certificate, does not run: {error}"),
    }
    let mut server = Command::new(program("baton-server"));
    server
        .arg("--data")
        .arg(&data)
        .args(["--listen", "127.0.0.1:0", "--tls-cert"])
        .arg(&chain);
    server.arg("--tls-key").arg(&key).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Running(server.spawn().expect("baton-server starts"));
    let mut line = String::new();
    let out = server.0.stdout.take().expect("piped");
    BufReader::new(out).read_line(&mut line).expect("its address");
    let address = line.trim().rsplit("https://").next().expect("an address").to_owned();
    let proxy = Proxy::start(&address);
    let mut jobs = baton(["jobs", "--server", "https://baton.test", "--ca-file"]);
    let output = jobs
        .arg(&chain)
        .arg("--token-file")
        .arg(data.join("scientist.token"))
        .env("HTTPS_PROXY", format!("http://{}", proxy.address))
        .output()
        .expect("baton starts");
    assert!(output.status.success(), "{line}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(proxy.seen(), ["CONNECT baton.test:443 HTTP/1.1"]);
}

#[test]
fn without_certificates_on_the_system_a_server_in_the_clear_is_reached_and_one_with_tls_asks_for_a_file() {
    let stage = Stage::new(None, FAST);
    let jobs = |url: &str| {
        let mut command = baton(["jobs", "--server", url, "--token-file"]);
        command.arg(stage.token_file("scientist"));
        command
            .env("SSL_CERT_FILE", "/dev/null")
            .env("SSL_CERT_DIR", stage.path("nothing"));
        command.output().expect("baton starts")
    };
    let clear = jobs(&stage.url());
    assert!(clear.status.success(), "{}", String::from_utf8_lossy(&clear.stderr));
    let secret = jobs("https://127.0.0.1:1");
    let words = String::from_utf8_lossy(&secret.stderr).into_owned();
    assert!(!secret.status.success() && words.contains("--ca-file FILE"), "{words}");
}
