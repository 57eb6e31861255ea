//! Requests to one server, for one caller: URL, token, and what is expected of whatever answers.
//!
//! No redirect is followed: where a token may be sent is a person's decision. No request has a limit on its whole time, only on the time in which
//! nothing comes: slow lines are slow, not broken.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context;
use protocol::Version;
use protocol::http::{MIN_AGENT, SERVER_ID, SERVER_VERSION, ServerView};
use reqwest::redirect::Policy;
use reqwest::{Method, Request, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::NetError;
use super::answer;
use super::transfer::Transfers;
use super::urls::Urls;
use crate::exit::Usage;

/// An answer begins within this time, after the request's body is through. `BATON_NET_PATIENCE_S` says otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// A line that carries less than this many bytes a second is taken to be dead.
pub(crate) const SLOWEST_BYTES_PER_S: u64 = 4 << 10;
/// A connection that was not used for so long is closed here, before the server closes it (after 20 s) while a request is on its way.
const KEPT: Duration = Duration::from_secs(15);
/// Longest version that is kept of a server.
const VERSION_CHARS_MAX: usize = 40;

/// Time for a request with a body of so many bytes until its answer begins.
fn patience(body_bytes: u64) -> Duration {
    static SAID: OnceLock<Option<Duration>> = OnceLock::new();
    let said = SAID.get_or_init(|| {
        let seconds = std::env::var("BATON_NET_PATIENCE_S").ok()?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok().filter(|said| !said.is_zero())
    });
    said.unwrap_or(PATIENCE) + Duration::from_secs(body_bytes / SLOWEST_BYTES_PER_S)
}

/// A server's own name ([`ServerView::server`]), which every response of it has in the header [`SERVER_ID`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ServerId(String);

impl TryFrom<String> for ServerId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a server's id has 16 to 64 hexadecimal digits")
    }
}

impl From<ServerId> for String {
    fn from(id: ServerId) -> Self {
        id.0
    }
}

impl ServerId {
    /// The id in a text; none where it cannot be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_id = (16..=64).contains(&text.len()) && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self(text.to_owned()))
    }

    /// All of it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As people see it.
    pub(crate) fn short(&self) -> &str {
        &self.0[..12]
    }
}

/// A server, and who we are to it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    /// Shared by all clients made of this one: what one finds out holds for all.
    urls: Arc<Urls>,
    token: String,
    server: Option<ServerId>,
    /// What the server said of itself last, shared by all clients made of this one.
    version: Arc<Mutex<Option<String>>>,
    /// The oldest agent that it gives new work to, as it said last.
    min_agent: Arc<Mutex<Option<Version>>>,
    /// What is under way to and from the server, shared by all clients made of this one.
    pub(crate) transfers: Arc<Transfers>,
}

impl Client {
    /// A client for the server at `base` (or at several URLs with commas between them), which speaks for the holder of `token`. `ca` is a PEM file of certificates to trust
    /// besides the system's.
    ///
    /// # Errors
    /// The URL is none, or the certificate file cannot be used.
    pub(crate) fn new(base: &str, token: &str, ca: Option<&Path>) -> anyhow::Result<Self> {
        // Another client of this process may have done it.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let urls = Urls::parse(base)?;
        check_token(token)?;
        let builder = || {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("baton/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::none())
                .connect_timeout(Duration::from_secs(10))
                .pool_idle_timeout(KEPT)
                // What is asked again ([`Client::answer`]) goes by a connection of its own.
                .pool_max_idle_per_host(1)
                .tcp_nodelay(true);
            // A proxy of the environment is for the world outside.
            let is_local = |local: &&str| urls.text().contains(*local);
            match ["//127.", "//localhost", "//[::1]"].iter().any(is_local) {
                true => builder.no_proxy(),
                false => builder,
            }
        };
        let http = if let Some(path) = ca {
            let pem = std::fs::read(path).with_context(|| format!("certificates {}", path.display()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem);
            let certificates = certificates.with_context(|| format!("certificates {}", path.display()))?;
            builder().tls_certs_only(certificates).build()?
        } else {
            match builder().build() {
                Ok(http) => http,
                // A system without certificates, an empty container say: a server in the clear needs none.
                Err(_) if !urls.text().contains("https://") => builder().tls_certs_only([]).build()?,
                Err(error) => {
                    let fix = "this system may have no certificates: name the server's with --ca-file FILE";
                    return Err(anyhow::Error::new(error).context(fix));
                }
            }
        };
        Ok(Self {
            http,
            urls: Arc::new(urls),
            token: token.to_owned(),
            server: None,
            version: Arc::default(),
            min_agent: Arc::default(),
            transfers: Arc::default(),
        })
    }

    /// A client of the same server with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// A client that takes answers from the server with this id alone; from any where there is none.
    pub(crate) fn of_server(&self, server: Option<ServerId>) -> Self {
        Self { server, ..self.clone() }
    }

    /// The server's URL; several with commas between them.
    pub(crate) fn base(&self) -> String {
        self.urls.text()
    }

    /// The id of what answers at the URL; none for a server of before such ids. No token is sent.
    ///
    /// # Errors
    /// [`NetError`]; [`NetError::Garbled`] when what answers is no server.
    pub(crate) async fn ask_id(&self) -> Result<Option<ServerId>, NetError> {
        let request = self.http.get(format!("{}/v1/server", self.urls.current()));
        let response = match self.of_server(None).answer(request, 0).await {
            Ok(response) => response,
            Err(error) if error.status() == 404 => return Ok(None),
            Err(error) => return Err(error),
        };
        let id = id_of(&response);
        let view: ServerView = answer::json(response).await?;
        // What does not say it with every answer cannot be told from others.
        Ok(id.filter(|id| id.as_str() == view.server))
    }

    /// A request to a path that begins with `/v1`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.urls.current()))
            .bearer_auth(&self.token)
    }

    /// A request without a token to where the server says that a blob lies; none where that is no place to ask: in the clear while the server is reached by TLS, or an
    /// address of this machine or its network while the server is not there itself. What a server says must not make this machine knock on its neighbours' doors.
    pub(crate) fn linked(&self, link: &str) -> Option<RequestBuilder> {
        let (link, server) = (Url::parse(link).ok()?, Url::parse(&self.urls.current()).ok()?);
        let is_web = matches!(link.scheme(), "http" | "https");
        let is_shielded = link.scheme() == "https" || server.scheme() == "http";
        let is_outside = is_named(&link) || !is_named(&server);
        (is_web && is_shielded && is_outside).then(|| self.http.get(link))
    }

    /// The answer to a request with a body of so many bytes, when it is a success of the server that is expected. Its body is not read yet. Where a
    /// server has several URLs, the next is asked when one cannot be reached, or follows another: then nothing was done there. Where a connection ends without an answer
    /// (a server, or a proxy, closes one that was kept just as the request comes) the same is asked once more: a request that comes twice does no
    /// more than one, but that an operator may then have made a token twice.
    ///
    /// # Errors
    /// [`NetError`].
    pub(crate) async fn answer(&self, request: RequestBuilder, body_bytes: u64) -> Result<Response, NetError> {
        let (http, request) = request.build_split();
        let mut request = request?;
        for others in (0..self.urls.count()).rev() {
            let (again, asked) = (request.try_clone(), request.url().to_string());
            let mut sent = tokio::time::timeout(patience(body_bytes), http.execute(request)).await;
            if let (Ok(Err(error)), Some(same)) = (&sent, again.as_ref().and_then(Request::try_clone))
                && super::error::is_dropped(error)
            {
                sent = tokio::time::timeout(patience(body_bytes), http.execute(same)).await;
            }
            // Whether nothing was done there, and where else to ask.
            let (undone, hint) = match &sent {
                Ok(Ok(response)) if answer::is_standby(response) => (true, answer::leader(response)),
                Ok(Ok(response)) if !response.status().is_server_error() => return self.take(sent).await,
                Ok(Err(error)) => (error.is_connect(), None),
                Ok(Ok(_)) | Err(_) => (false, None),
            };
            let next = self.urls.leave(&asked, hint.as_deref());
            let moved = self.urls.moved(&asked, &next);
            let Some((mut other, url)) = again.zip(moved).filter(|_| undone && others > 0) else {
                return self.take(sent).await;
            };
            *other.url_mut() = url;
            request = other;
        }
        Err(NetError::away("no URL is left to ask"))
    }

    async fn take(&self, sent: Result<reqwest::Result<Response>, tokio::time::error::Elapsed>) -> Result<Response, NetError> {
        let response = sent.map_err(|_| NetError::away("no answer in time"))??;
        if response.status().is_redirection() && response.status() != reqwest::StatusCode::NOT_MODIFIED {
            return Err(answer::moved(&base_of(&response), &response));
        }
        if let Some(expected) = &self.server
            && id_of(&response).as_ref() != Some(expected)
        {
            return Err(answer::stranger(
                &base_of(&response),
                expected,
                id_of(&response).as_ref(),
                &response,
            ));
        }
        if let Some(version) = response
            .headers()
            .get(SERVER_VERSION)
            .and_then(|version| version.to_str().ok())
        {
            let mut known = self.version.lock().unwrap_or_else(PoisonError::into_inner);
            if known.as_deref() != Some(version) {
                *known = Some(version.chars().take(VERSION_CHARS_MAX).collect());
            }
        }
        let min_agent = response
            .headers()
            .get(MIN_AGENT)
            .and_then(|version| version.to_str().ok()?.parse().ok());
        *self.min_agent.lock().unwrap_or_else(PoisonError::into_inner) = min_agent;
        answer::success(response).await
    }

    /// The oldest agent that the server gives new work to; none where it gives it to any.
    pub(crate) fn min_agent(&self) -> Option<Version> {
        *self.min_agent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version of the server's program; none before it answered, or for a server of before such words.
    pub(crate) fn server_version(&self) -> Option<String> {
        self.version.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder, body_bytes: u64) -> Result<T, NetError> {
        answer::json(self.answer(request, body_bytes).await?).await
    }

    /// `GET`.
    ///
    /// # Errors
    /// [`NetError`].
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, NetError> {
        self.read(self.request(Method::GET, path), 0).await
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
        self.send_body(self.request(method, path), body).await
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
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        self.send_body(request, body).await
    }

    async fn send_body<T: DeserializeOwned>(&self, request: RequestBuilder, body: &impl Serialize) -> Result<T, NetError> {
        let bytes =
            serde_json::to_vec(body).map_err(|error| NetError::Garbled(format!("the request cannot be written: {error}")))?;
        let length = bytes.len() as u64;
        let request = request.header(reqwest::header::CONTENT_TYPE, "application/json");
        self.read(request.body(bytes), length).await
    }

    /// A request without a body.
    ///
    /// # Errors
    /// [`NetError`].
    pub(crate) async fn call<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, NetError> {
        self.read(self.request(method, path), 0).await
    }
}

/// The server's address that a response came from.
fn base_of(response: &Response) -> String {
    response.url().origin().ascii_serialization()
}

/// Whether a URL's host is a name in the world, not an address and not this machine.
fn is_named(url: &Url) -> bool {
    url.domain().is_some_and(|name| name != "localhost" && name.contains('.'))
}

/// The id that a response's server says.
fn id_of(response: &Response) -> Option<ServerId> {
    ServerId::parse(response.headers().get(SERVER_ID)?.to_str().ok()?)
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
    use proptest::prelude::*;

    use super::super::urls::server_url;
    use super::*;

    fn url_like() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "(http|https|HTTP|ftp)://[a-zA-Z0-9.:@/?#% \\[\\]-]{0,30}",
            "https?://[a-z0-9.-]{1,12}(:[0-9]{1,6})?(/[a-z0-9%._~-]{0,6}){0,3}/?",
        ]
    }

    proptest! {
        #[test]
        fn a_url_that_is_taken_has_one_spelling_and_carries_every_route(text in url_like()) {
            let Ok(url) = server_url(&text) else { return Ok(()) };
            prop_assert_eq!(server_url(&url).unwrap(), url.as_str());
            let base = reqwest::Url::parse(&url).unwrap();
            let route = reqwest::Url::parse(&format!("{url}/v1/server")).unwrap();
            prop_assert_eq!(route.origin(), base.origin());
            prop_assert_eq!(route.path(), format!("{}/v1/server", base.path().trim_end_matches('/')));
            prop_assert!(route.query().is_none() && route.username().is_empty() && route.fragment().is_none());
            prop_assert!(Client::new(&url, "t", None).is_ok());
        }

        #[test]
        fn a_token_that_is_taken_travels_and_no_other_is_taken(text in prop_oneof![any::<String>(), "[ -~\n]{0,40}"]) {
            let travels = text.bytes().all(|c| c.is_ascii_graphic());
            prop_assert_eq!(check_token(&text).is_ok(), travels);
            if travels {
                let client = Client::new("http://127.0.0.1:1", &text, None).unwrap();
                let request = client.request(Method::GET, "/v1/jobs").build().unwrap();
                let sent = request.headers()["authorization"].to_str().unwrap().to_owned();
                prop_assert_eq!(sent, format!("Bearer {text}"));
            }
        }

        #[test]
        fn a_servers_id_is_safe_as_a_folders_name(text in prop_oneof![any::<String>(), "[0-9a-fA-F./]{10,70}"]) {
            let id = ServerId::parse(&text);
            prop_assert!(id.is_none_or(|id| id.as_str().bytes().all(|c| c.is_ascii_alphanumeric()) && id.as_str().len() >= 12));
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
