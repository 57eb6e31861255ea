//! What the server is asked, as any client may, and waiting until it answers what is wanted.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use protocol::http::{HostView, JobView, Why};
use serde_json::Value;

use super::{Stage, poll};

impl Stage {
    /// Something that the server tells; none while it is away.
    pub fn get(&self, path: &str) -> Option<Value> {
        let token = fs::read_to_string(self.token_file("operator")).ok()?;
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let host = &self.address;
        let token = token.trim();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// A request as any client may send it, with a token; what is answered, if that is JSON.
    pub fn send(&self, method: &str, path: &str, token: &str, body: &[u8]) -> Option<Value> {
        serde_json::from_slice(&self.ask(method, path, token, body)?.1).ok()
    }

    /// The same: the answer's status and bytes. None while the server is away.
    pub fn ask(&self, method: &str, path: &str, token: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let host = &self.address;
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let status = std::str::from_utf8(answer.get(..end)?)
            .ok()?
            .split(' ')
            .nth(1)?
            .parse()
            .ok()?;
        Some((status, answer.split_off(end + 4)))
    }

    /// A job as it is.
    pub fn job(&self, job: u64) -> Option<JobView> {
        serde_json::from_value(self.get(&format!("/v1/jobs/{job}"))?).ok()
    }

    /// Why a job is as it is.
    ///
    /// # Panics
    /// The server is away.
    pub fn why(&self, job: u64) -> Why {
        let why = self.get(&format!("/v1/jobs/{job}/why")).expect("an answer");
        serde_json::from_value(why).expect("a reason")
    }

    /// A host as it is.
    pub fn host(&self, host: u64) -> Option<HostView> {
        serde_json::from_value(self.get(&format!("/v1/hosts/{host}"))?).ok()
    }

    /// Wait until a job is as wanted.
    ///
    /// # Panics
    /// It never is.
    pub fn until(&self, job: u64, what: &str, wanted: impl Fn(&JobView) -> bool) -> JobView {
        let mut last = None;
        poll(|| {
            last = self.job(job).or(last.take());
            last.clone().filter(|job| wanted(job))
        })
        .unwrap_or_else(|| panic!("job {job} never was {what}; last {last:#?}\n{}", self.logs()))
    }

    /// Wait until a job is completed.
    ///
    /// # Panics
    /// It never is.
    pub fn completed(&self, job: u64) -> JobView {
        self.until(job, "completed", |job| job.state == protocol::JobState::Completed)
    }

    /// Wait until a host is in a state.
    ///
    /// # Panics
    /// It never is.
    pub fn host_is(&self, host: u64, state: &str) -> HostView {
        let mut last = None;
        poll(|| {
            last = self.host(host).or(last.take());
            last.clone().filter(|host| host.state.as_str() == state)
        })
        .unwrap_or_else(|| panic!("host {host} never was {state}; last {last:#?}\n{}", self.logs()))
    }
}
