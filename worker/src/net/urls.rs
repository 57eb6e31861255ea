//! The URLs under which a server is reached: several where several programs share one database, of which one leads.
//!
//! Invariant: only URLs that a person named are asked. A server that follows another one says where that is; that is a hint which of these to
//! ask next, and no address to send a token to.

use std::sync::{Mutex, PoisonError};

use crate::exit::Usage;

/// URLs at most.
const URLS_MAX: usize = 16;

/// All URLs of a server, of which one is asked at a time.
#[derive(Debug)]
pub(super) struct Urls {
    all: Vec<String>,
    current: Mutex<usize>,
}

impl Urls {
    /// URLs with commas between them, each in its usual spelling without a slash at its end.
    ///
    /// # Errors
    /// One of them is none, or they are too many.
    pub(super) fn parse(text: &str) -> Result<Self, Usage> {
        let mut all: Vec<String> = Vec::new();
        for url in text.split(',') {
            let url = server_url(url)?;
            if !all.contains(&url) {
                all.push(url);
            }
        }
        if all.len() > URLS_MAX {
            return Err(Usage(format!("server: {} URLs, expected at most {URLS_MAX}", all.len())));
        }
        Ok(Self {
            all,
            current: Mutex::default(),
        })
    }

    /// All of them, with commas between them.
    pub(super) fn text(&self) -> String {
        self.all.join(",")
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// The one that is asked now.
    pub(super) fn current(&self) -> String {
        self.all[*self.current.lock().unwrap_or_else(PoisonError::into_inner)].clone()
    }

    /// The URL that `url` begins with did not serve: the one that is asked from now on, `hint` where that is one of these. Where another request has
    /// moved on already, that stays.
    pub(super) fn leave(&self, url: &str, hint: Option<&str>) -> String {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if begins(url, &self.all[*current]) {
            let hinted = hint.and_then(|hint| self.all.iter().position(|url| url == hint.trim_end_matches('/')));
            *current = hinted.unwrap_or((*current + 1) % self.all.len());
        }
        self.all[*current].clone()
    }

    /// The same path at another URL; none where it begins with none of these.
    pub(super) fn moved(&self, url: &str, to: &str) -> Option<reqwest::Url> {
        let from = self
            .all
            .iter()
            .filter(|base| begins(url, base))
            .max_by_key(|base| base.len())?;
        format!("{to}{}", &url[from.len()..]).parse().ok()
    }
}

/// Whether a request's URL is one at a server's.
fn begins(url: &str, base: &str) -> bool {
    url.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'))
}

/// A server's URL in its usual spelling, without a slash at its end.
pub(super) fn server_url(text: &str) -> Result<String, Usage> {
    let wrong = |problem: &str| {
        Usage(format!(
            "server {text:?}: {problem}; expected a URL such as https://baton.example or http://127.0.0.1:8477, or several with commas between them"
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use protocol::http::{SERVER_BEHIND, SERVER_LEADER};
    use reqwest::Method;

    use super::super::{Client, hostile};
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

    /// A server that counts its requests, and answers each with a status and headers. Its URL.
    fn serve(head: String) -> (String, Arc<AtomicU64>) {
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        let url = hostile::serve(move |_, stream| {
            counted.fetch_add(1, Ordering::SeqCst);
            let body = "{}";
            let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{body}");
            drop(stream.write_all(answer.as_bytes()));
        });
        (url, count)
    }

    #[tokio::test]
    async fn what_changes_something_goes_on_to_the_server_that_leads_and_stays_there() {
        let (leader, led) = serve("200 OK".to_owned());
        let standby = |hint: &str| {
            let head = format!("503 Service Unavailable\r\nRetry-After: 1\r\n{SERVER_BEHIND}: 12\r\n{SERVER_LEADER}: {hint}");
            serve(head)
        };
        let ((first, asked), (second, passed_over)) = (standby(&leader), standby("http://evil.example"));
        // Nothing listens there any more.
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let all = format!("http://{gone},{first},{second},{leader}");
        let client = Client::new(&all, "secret", None).unwrap();
        for _ in 0..3 {
            let _answer: serde_json::Value = client.send(Method::POST, "/v1/jobs", &1).await.unwrap();
        }
        let counts = [&asked, &passed_over, &led].map(|count| count.load(Ordering::SeqCst));
        assert_eq!(counts, [1, 0, 3]);
        assert_eq!(client.base(), all);
    }

    #[tokio::test]
    async fn a_request_that_may_have_been_done_is_not_sent_to_another_server_by_itself() {
        let (failing, _) = serve("500 Internal Server Error".to_owned());
        let (other, asked) = serve("200 OK".to_owned());
        let client = Client::new(&format!("{failing},{other}"), "secret", None).unwrap();
        let error = client
            .send::<serde_json::Value>(Method::POST, "/v1/jobs", &1)
            .await
            .unwrap_err();
        assert!(error.is_away(), "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        // Sent again, it goes to the next.
        let _answer: serde_json::Value = client.send(Method::POST, "/v1/jobs", &1).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn several_urls_are_asked_in_turn_and_a_hint_counts_only_among_them() {
        let urls = Urls::parse("http://a:1, https://b/base/,http://a:1,http://c").unwrap();
        assert_eq!(
            (urls.text().as_str(), urls.count()),
            ("http://a:1,https://b/base,http://c", 3)
        );
        assert_eq!(urls.current(), "http://a:1");
        assert_eq!(urls.leave("http://a:1/v1/jobs", None), "https://b/base");
        // What was sent before changes nothing any more.
        assert_eq!(urls.leave("http://a:1/v1/jobs", None), "https://b/base");
        assert_eq!(urls.leave("https://b/base/v1/jobs", Some("http://a:1/")), "http://a:1");
        assert_eq!(urls.leave("http://a:1/v1", Some("http://evil")), "https://b/base");
        let moved = urls.moved("http://a:1/v1/jobs?x=1", "https://b/base").unwrap();
        assert_eq!(moved.as_str(), "https://b/base/v1/jobs?x=1");
        assert!(urls.moved("http://a:12/v1", "http://c").is_none(), "another port");
        assert!(Urls::parse("http://a,").is_err() && Urls::parse("").is_err());
    }
}
