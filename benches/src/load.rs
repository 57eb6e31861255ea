//! Load on a server of ours: keep-alive connections that cost as little as can be, since they share the machine with what they load.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection, one request at a time.
pub struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
    host: String,
    /// A header that is looked for, and what it says.
    wanted: Option<(String, Option<String>)>,
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| address.to_owned())?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(64 << 10, stream),
            line: String::new(),
            host: address.to_owned(),
            wanted: None,
        })
    }

    /// Posts a body as JSON, and reads the answer's.
    ///
    /// # Errors
    /// Any answer but a success, with its text.
    pub async fn post<T: DeserializeOwned>(&mut self, path: &str, token: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let body = serde_json::to_string(body)?;
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {length}");
        Ok(serde_json::from_slice(&self.ask(&head, token, body.as_bytes()).await?)?)
    }

    /// Puts JSON at a path.
    ///
    /// # Errors
    /// Any answer but a success, with its text.
    pub async fn put_json(&mut self, path: &str, token: &str, body: &str) -> anyhow::Result<()> {
        let length = body.len();
        let head = format!("PUT {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {length}");
        self.ask(&head, token, body.as_bytes()).await.map(drop)
    }

    /// Asks for what lies at a path with a header, and gives the answer's header of that name.
    ///
    /// # Errors
    /// Any answer but a success, with its text.
    pub async fn header(&mut self, path: &str, token: &str, name: &str) -> anyhow::Result<Option<String>> {
        self.wanted = Some((name.to_owned(), None));
        let answered = self.ask(&format!("GET {path} HTTP/1.1\r\n{name}: yes"), token, &[]).await;
        let found = self.wanted.take().and_then(|(_, found)| found);
        answered.map(|_| found)
    }

    /// Puts bytes at a path.
    ///
    /// # Errors
    /// Any answer but a success, with its text.
    pub async fn put(&mut self, path: &str, token: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let head = format!("PUT {path} HTTP/1.1\r\nContent-Length: {}", bytes.len());
        self.ask(&head, token, bytes).await.map(drop)
    }

    /// Gets what lies at a path.
    ///
    /// # Errors
    /// Any answer but a success, with its text.
    pub async fn get(&mut self, path: &str, token: &str) -> anyhow::Result<Vec<u8>> {
        self.ask(&format!("GET {path} HTTP/1.1"), token, &[]).await
    }

    async fn ask(&mut self, head: &str, token: &str, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let head_bytes = format!("{head}\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n", self.host);
        let request = [head_bytes.as_bytes(), body].concat();
        self.stream.get_mut().write_all(&request).await?;
        let status = self.header_line().await?.to_owned();
        let mut length = 0;
        loop {
            let line = self.header_line().await?;
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            let (name, value) = (name.to_owned(), value.trim().to_owned());
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse()?;
            }
            if let Some((wanted, found)) = &mut self.wanted
                && name.eq_ignore_ascii_case(wanted)
            {
                *found = Some(value);
            }
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await?;
        if !status.starts_with("HTTP/1.1 2") {
            bail!("{head}: {status}: {}", String::from_utf8_lossy(&bytes));
        }
        Ok(bytes)
    }

    async fn header_line(&mut self) -> anyhow::Result<&str> {
        self.line.clear();
        if self.stream.read_line(&mut self.line).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(self.line.trim_end())
    }
}

/// How long things took.
#[derive(Clone, Debug, Default)]
pub struct Times(pub Vec<Duration>);

impl Times {
    /// Measures one thing.
    pub async fn measure<T>(&mut self, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let result = work.await;
        self.0.push(begun.elapsed());
        result
    }

    /// The time that this many percent stay below.
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or_default()
    }

    /// Their mean.
    pub fn mean(&self) -> Duration {
        let count = u32::try_from(self.0.len()).unwrap_or(u32::MAX).max(1);
        self.0.iter().sum::<Duration>() / count
    }
}
