//! What can go wrong with a request. Every way leads to one of three actions: come again later, give up, or ask a person.

use std::path::Path;
use std::time::Duration;

use protocol::http::Problem;

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
    /// Something answers at the server's URL, but not the server that this host is registered with.
    #[error("{0}")]
    Stranger(String),
    /// A blob arrived whole, and is not the one that was asked for.
    #[error("{0}")]
    Corrupt(String),
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

    /// The type of a refusal, empty otherwise.
    pub(crate) fn kind(&self) -> &str {
        match self {
            Self::Refused(problem) => &problem.kind,
            _ => "",
        }
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

/// Whether a connection that was there ended without an answer.
pub(super) fn is_dropped(error: &reqwest::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    let causes = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |cause| next_cause(*cause));
    let ended = |cause: &(dyn std::error::Error + 'static)| {
        let system = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_incomplete_message)
            || matches!(system, Some(BrokenPipe | ConnectionAborted | ConnectionReset))
    };
    !error.is_connect() && causes.into_iter().any(ended)
}

/// The cause behind an error; an error of the system may hold another one within.
fn next_cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a (dyn std::error::Error + 'static)> {
    let within = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    within
        .map(|within| within as &(dyn std::error::Error + 'static))
        .or_else(|| error.source())
}

/// What an error of TLS or HTTP says of how this program was called.
fn setup_problem(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    use rustls::{CertificateError, Error};
    if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
        return Some("it does not speak HTTP; if it speaks TLS, its URL begins with https://".into());
    }
    match error.downcast_ref::<Error>()? {
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => Some(
            "its certificate is signed by none that this machine trusts; --ca-file FILE names the certificate to trust".into(),
        ),
        Error::InvalidCertificate(error) => Some(format!("its certificate is not valid: {error}")),
        Error::InvalidMessage(_) => Some("it does not speak TLS; is its URL http://…?".into()),
        _ => None,
    }
}
