//! Who may ask the local page. A browser sends requests here for any web site that asks it to, so that being reachable from this machine alone is not enough:
//!
//! - `Host` has to be the page's own address: a name elsewhere that was made to lead here (DNS rebinding) is another one;
//! - what changes something has to come from the page itself: `Origin` is its own, or `Sec-Fetch-Site` says `same-origin`;
//! - every request has the token, in the cookie, or once in the address that was printed.

use std::fmt;

use axum::http::StatusCode;
use protocol::Digest;

/// The cookie's name. Cookies do not know ports, so that the port is a part of it.
const COOKIE: &str = "baton_worker";

/// What is known of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asks<'a> {
    /// It changes something.
    pub(super) changes: bool,
    /// `Host`.
    pub(super) host: Option<&'a str>,
    /// `Origin`.
    pub(super) origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub(super) site: Option<&'a str>,
    /// `Cookie`.
    pub(super) cookie: Option<&'a str>,
    /// `token` of the query.
    pub(super) token: Option<&'a str>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It names another host.
    Host,
    /// It comes from another place than the page.
    Origin,
    /// It has no token, or another one.
    Token,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "This page answers to its own address alone, as `baton worker page` printed it.\n",
            Self::Origin => "Only the page itself may ask for this.\n",
            Self::Token => "This page needs its token: open the whole address that `baton worker page` printed.\n",
        })
    }
}

/// Holds requests against the page's address and token.
pub(super) struct Guard {
    port: u16,
    token: Digest,
    secret: String,
}

impl Guard {
    pub(super) fn new(port: u16, token: &str) -> Self {
        Self {
            port,
            token: Digest::of(token.as_bytes()),
            secret: token.to_owned(),
        }
    }

    /// The cookie that stands for the token.
    pub(super) fn cookie(&self) -> String {
        format!("{COOKIE}_{}={}; HttpOnly; SameSite=Strict; Path=/", self.port, self.secret)
    }

    /// Whether a request may pass; `true` when its token is in the address, and belongs into the cookie.
    pub(super) fn admits(&self, asks: &Asks<'_>) -> Result<bool, Refusal> {
        let names = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
        let host = asks
            .host
            .filter(|host| names.iter().any(|name| name == host))
            .ok_or(Refusal::Host)?;
        let own = format!("http://{host}");
        if asks.origin.is_some_and(|origin| origin != own) {
            return Err(Refusal::Origin);
        }
        let from_itself = asks.origin.is_some() || asks.site == Some("same-origin");
        if asks.changes && !from_itself {
            return Err(Refusal::Origin);
        }
        // Digests are compared, so that the time tells nothing of the token.
        let is_token = |token: &str| Digest::of(token.as_bytes()) == self.token;
        let name = format!("{COOKIE}_{}", self.port);
        let mut pairs = asks
            .cookie
            .unwrap_or("")
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        if pairs.any(|(key, value)| key == name && is_token(value)) {
            return Ok(asks.token.is_some() && !asks.changes);
        }
        match asks.token {
            Some(token) if !asks.changes && is_token(token) => Ok(true),
            _ => Err(Refusal::Token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_itself_with_its_token_may_ask() {
        let guard = Guard::new(8478, "secret");
        let good = Asks {
            host: Some("127.0.0.1:8478"),
            cookie: Some("other=1; baton_worker_8478=secret"),
            ..Asks::default()
        };
        let post = Asks {
            changes: true,
            origin: Some("http://127.0.0.1:8478"),
            ..good
        };
        let printed = Asks {
            cookie: None,
            token: Some("secret"),
            ..good
        };
        assert_eq!(guard.admits(&good), Ok(false));
        assert_eq!(guard.admits(&post), Ok(false));
        assert_eq!(guard.admits(&printed), Ok(true));
        let same_site = Asks {
            origin: None,
            site: Some("same-origin"),
            ..post
        };
        assert_eq!(guard.admits(&same_site), Ok(false));
        for (asks, refusal) in [
            (
                Asks {
                    host: Some("evil.example:8478"),
                    ..good
                },
                Refusal::Host,
            ),
            (
                Asks {
                    host: Some("127.0.0.1"),
                    ..good
                },
                Refusal::Host,
            ),
            (Asks { host: None, ..good }, Refusal::Host),
            (
                Asks {
                    origin: Some("http://evil.example"),
                    ..good
                },
                Refusal::Origin,
            ),
            (
                Asks {
                    origin: Some("http://localhost:8478"),
                    ..post
                },
                Refusal::Origin,
            ),
            (
                Asks {
                    origin: Some("null"),
                    ..post
                },
                Refusal::Origin,
            ),
            (Asks { origin: None, ..post }, Refusal::Origin),
            (
                Asks {
                    origin: None,
                    site: Some("same-site"),
                    ..post
                },
                Refusal::Origin,
            ),
            (Asks { cookie: None, ..good }, Refusal::Token),
            (
                Asks {
                    cookie: Some("baton_worker_8478=Secret"),
                    ..good
                },
                Refusal::Token,
            ),
            (
                Asks {
                    cookie: Some("baton_worker=secret"),
                    ..good
                },
                Refusal::Token,
            ),
            (
                Asks {
                    token: Some("guess"),
                    ..printed
                },
                Refusal::Token,
            ),
            // A link with the token changes nothing by itself.
            (
                Asks {
                    changes: true,
                    origin: Some("http://127.0.0.1:8478"),
                    ..printed
                },
                Refusal::Token,
            ),
        ] {
            assert_eq!(guard.admits(&asks), Err(refusal), "{asks:?}");
        }
    }
}
