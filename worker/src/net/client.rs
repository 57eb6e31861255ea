//! Requests and answers. Every way in which one can fail leads to one of three actions: come again later, give up, or ask a person.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use protocol::http::Problem;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::exit::Usage;

/// An ordinary request takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(40);
/// A connection that says nothing for this long is dead: servers say something every 15 seconds even on a held stream.
const SILENCE: Duration = Duration::from_secs(50);

/// Why a request did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetError {
    /// The server does not answer, or says that it cannot now: come again.
    #[error("the server is away: {why}")]
    Away {
        /// The transport's error, or the server's problem document.
        why: String,
        /// When it asked us to come again.
        again: Option<Duration>,
    },
    /// The server understood and refused: coming again changes nothing.
    #[error("{0}")]
    Refused(Problem),
    /// What this program was told of the server cannot be right: its URL, or the certificates to trust.
    #[error("{0}")]
    Setup(String),
    /// The answer is none that this program knows.
    #[error("the server's answer cannot be understood: {0}")]
    Garbled(String),
    /// A file of our own.
    #[error("{0}")]
    File(String),
}

impl NetError {
    /// Away, for a reason of ours.
    pub(crate) fn away(why: impl Into<String>) -> Self {
        Self::Away {
            why: why.into(),
            again: None,
        }
    }

    /// About a file.
    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File(format!("{}: {error}", path.display()))
    }

    /// Whether coming again may help.
    pub(crate) fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// The HTTP status of a refusal, 0 otherwise.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Refused(problem) => problem.status,
            _ => 0,
        }
    }
}

impl From<reqwest::Error> for NetError {
    fn from(error: reqwest::Error) -> Self {
        // The innermost cause is what people understand: "Connection refused".
        let mut cause: &dyn std::error::Error = &error;
        loop {
            if let Some(problem) = setup_problem(cause) {
                let url = error.url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
                return Self::Setup(format!("{url}: {problem}"));
            }
            let Some(next) = next_cause(cause) else { break };
            cause = next;
        }
        let why = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            cause.to_string()
        };
        Self::away(why)
    }
}

/// The cause behind an error; an error of the system may hold another one within.
fn next_cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a (dyn std::error::Error + 'static)> {
    let within = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    within
        .map(|within| within as &(dyn std::error::Error + 'static))
        .or_else(|| error.source())
}

/// What an error of TLS says of how this program was called.
fn setup_problem(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    use rustls::{CertificateError, Error};
    match error.downcast_ref::<Error>()? {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => Some(
            "its certificate is signed by none that this machine trusts; --ca-file FILE names the certificate to trust".into(),
        ),
        Error::InvalidCertificate(error) => Some(format!("its certificate is not valid: {error}")),
        Error::InvalidMessage(_) => Some("it does not speak TLS; is its URL http://…?".into()),
        _ => None,
    }
}

/// A server, and who we are to it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    /// A client for the server at `base`, which speaks for the holder of `token`. `ca` is a PEM file of certificates to trust
    /// besides the system's.
    ///
    /// # Errors
    /// The URL is none, or the certificate file cannot be used.
    pub(crate) fn new(base: &str, token: &str, ca: Option<&Path>) -> anyhow::Result<Self> {
        // Another client of this process may have done it.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let base = server_url(base)?;
        check_token(token)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("baton/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(SILENCE)
            .tcp_nodelay(true);
        // A proxy of the environment is for the world outside.
        if ["//127.", "//localhost", "//[::1]"].iter().any(|local| base.contains(local)) {
            builder = builder.no_proxy();
        }
        if let Some(path) = ca {
            let pem = std::fs::read(path).with_context(|| format!("certificates {}", path.display()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem);
            let certificates = certificates.with_context(|| format!("certificates {}", path.display()))?;
            builder = builder.tls_certs_only(certificates);
        }
        Ok(Self {
            http: builder.build()?,
            base,
            token: token.to_owned(),
        })
    }

    /// A client of the same server with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// The server's URL.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A request to a path that begins with `/v1`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }

    /// `GET`.
    ///
    /// # Errors
    /// [`NetError`].
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, NetError> {
        read(send(self.request(Method::GET, path).timeout(PATIENCE)).await?).await
    }

    /// A request with a JSON body.
    ///
    /// # Errors
    /// [`NetError`].
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, NetError> {
        read(send(self.request(method, path).timeout(PATIENCE).json(body)).await?).await
    }

    /// `POST` that does the same thing once, however often it is sent.
    ///
    /// # Errors
    /// [`NetError`].
    pub(crate) async fn post_once<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<T, NetError> {
        let request = self.request(Method::POST, path).timeout(PATIENCE);
        read(send(request.header("Idempotency-Key", key).json(body)).await?).await
    }

    /// A request without a body.
    ///
    /// # Errors
    /// [`NetError`].
    pub(crate) async fn call<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, NetError> {
        read(send(self.request(method, path).timeout(PATIENCE)).await?).await
    }
}

/// The server's URL in its usual spelling, without a slash at its end.
fn server_url(text: &str) -> Result<String, Usage> {
    let wrong = |problem: &str| {
        Usage(format!(
            "server {text:?}: {problem}; expected a URL such as https://baton.example or http://127.0.0.1:8477"
        ))
    };
    let url = reqwest::Url::parse(text.trim()).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(&format!("its scheme is {:?}", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a user, a query or a fragment"));
    }
    if url.path().contains('%') || text.trim().contains(char::is_whitespace) {
        return Err(wrong("it has a blank in it"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a token can travel in a header.
fn check_token(token: &str) -> Result<(), Usage> {
    match token.chars().position(|c| !c.is_ascii_graphic()) {
        None => Ok(()),
        Some(at) => Err(Usage(format!(
            "the token is none: character {} of its {} is {:?}; a token is one word of letters and digits, as the server wrote it",
            at + 1,
            token.chars().count(),
            token.chars().nth(at).unwrap_or_default()
        ))),
    }
}

/// Send; anything but a success becomes an error.
///
/// # Errors
/// [`NetError`].
pub(crate) async fn send(request: RequestBuilder) -> Result<Response, NetError> {
    let response = request.send().await?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let again = response.headers().get(RETRY_AFTER);
    let again = again.and_then(|value| value.to_str().ok()?.parse().ok().map(Duration::from_secs));
    let is_problem = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/problem+json"));
    let text = response.text().await?;
    let problem: Option<Problem> = is_problem.then(|| serde_json::from_str(&text).ok()).flatten();
    // Busy, out of room or starting: all of them pass.
    let passes = again.is_some() || matches!(status.as_u16(), 408 | 425 | 429 | 500..=599);
    match problem {
        Some(problem) if passes => Err(NetError::Away {
            why: problem.to_string(),
            again,
        }),
        Some(problem) => Err(NetError::Refused(problem)),
        None if passes => Err(NetError::Away {
            why: format!("status {status}"),
            again,
        }),
        None => Err(NetError::Garbled(format!(
            "status {status} without a problem document; is this the URL of a baton-server?"
        ))),
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, NetError> {
    let bytes = response.bytes().await?;
    serde_json::from_slice(&bytes).map_err(|error| NetError::Garbled(error.to_string()))
}

/// A random idempotency key.
pub(crate) fn fresh_key() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let unlikely = format!("{}-{:?}", std::process::id(), now);
        bytes.copy_from_slice(&protocol::Digest::of(unlikely.as_bytes()).0[..16]);
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_cannot_be_a_servers_are_refused_with_what_is_expected() {
        for wrong in [
            "baton.example",
            "ftp://baton.example",
            "http://127.0.0.1:84770",
            "http://ba ton.example",
            "http://a/b c",
            "http://u:p@a",
            "http://a/?x=1",
            "",
        ] {
            let message = server_url(wrong).unwrap_err().to_string();
            assert!(
                message.contains(&format!("{wrong:?}")) && message.contains("https://baton.example"),
                "{message}"
            );
        }
        for (text, url) in [
            ("http://127.0.0.1:8477", "http://127.0.0.1:8477"),
            ("HTTP://Baton.Example/", "http://baton.example"),
            ("https://host/base/", "https://host/base"),
            ("http://[::1]:8477", "http://[::1]:8477"),
        ] {
            assert_eq!(server_url(text).unwrap(), url);
        }
    }

    #[test]
    fn tokens_that_cannot_travel_are_refused_by_their_place() {
        assert!(check_token("baton_0123abc").is_ok());
        let message = check_token("ab\ncd").unwrap_err().to_string();
        assert!(
            message.contains("character 3 of its 5") && message.contains("'\\n'"),
            "{message}"
        );
    }
}
