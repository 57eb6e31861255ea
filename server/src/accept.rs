//! Connections: accepted, counted by address, given their time, and ended in order.
//!
//! A client that sends half a request costs a file descriptor for [`Connections::patience`], one that reads no answer for [`Connections::unread`]; one
//! address holds a part of all descriptors at most; and when there are none left, accepting goes on as soon as there are. So a client cannot
//! exhaust them for others for long.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutWriter;
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use crate::engine::stopped;
use crate::peer::{Proxies, place};
use crate::site::Site;

/// For a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After a failed accept: descriptors become free meanwhile.
const AGAIN: Duration = Duration::from_millis(100);
/// Connections that are open when the server stops have so long to end.
const FAREWELL: Duration = Duration::from_secs(15);
/// Bytes of a request's head.
pub const HEAD_BYTES_MAX: usize = 64 << 10;

/// Limits on connections.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// From one address at the same time; a trusted proxy's are not counted.
    pub per_address: u32,
    /// For the head of a request, from its connection or the answer before on.
    pub patience: Duration,
    /// For a client to take in the next bytes of an answer or a stream.
    pub unread: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            per_address: 512,
            patience: Duration::from_secs(20),
            unread: Duration::from_secs(60),
        }
    }
}

/// Open connections by address.
#[derive(Clone, Default)]
struct Open(Arc<Mutex<BTreeMap<IpAddr, u32>>>);

/// One of an address's connections, for as long as it lasts.
struct Counted(Open, IpAddr);

impl Open {
    fn count(&self, address: IpAddr, most: u32) -> Option<Counted> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted(self.clone(), address))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.1);
            }
        }
    }
}

/// What is behind every connection.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) router: Router,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) site: Arc<Site>,
}

impl Service {
    /// Says where a request comes from, and takes the site's base off its path.
    fn prepare(&self, connection: IpAddr, secure: bool, request: &mut Request<Incoming>) {
        let peer = self.proxies.peer(connection, secure, request.headers());
        request.extensions_mut().insert(peer);
        let Some(below) = self.site.below(request.uri().path()) else {
            return;
        };
        let query = request.uri().query().map_or(String::new(), |query| format!("?{query}"));
        // What is left of a path of a URI is one.
        if let Ok(uri) = format!("{below}{query}").parse() {
            *request.uri_mut() = uri;
        }
    }
}

/// Accepts and serves until the server is to stop; then ends what is open.
pub(crate) async fn run(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Service,
    limits: Connections,
    mut stop: watch::Receiver<bool>,
) {
    let open = Open::default();
    let mut serving = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = serving.join_next() => continue,
            () = stopped(&mut stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let most = match service.proxies.contain(peer.ip()) {
                    true => u32::MAX,
                    false => limits.per_address,
                };
                let Some(counted) = open.count(place(peer.ip()), most) else {
                    tracing::debug!(address = %peer.ip(), "one address has as many connections as it may");
                    continue;
                };
                let connection = Connection {
                    peer: peer.ip(),
                    service: service.clone(),
                    patience: limits.patience,
                    unread: limits.unread,
                    stop: stop.clone(),
                    _counted: counted,
                };
                serving.spawn(connection.open(stream, tls.clone()));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted now");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
    drop(listener);
    let all = async { while serving.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, all).await.is_err() {
        tracing::warn!("connections did not end in time");
    }
}

/// Errors of accept that say something of the connection alone.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

struct Connection {
    peer: IpAddr,
    service: Service,
    patience: Duration,
    unread: Duration,
    stop: watch::Receiver<bool>,
    _counted: Counted,
}

impl Connection {
    async fn open(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Small answers go out at once; where that cannot be set they come a little later.
        let _at_once = stream.set_nodelay(true);
        match tls {
            None => self.serve(stream, false).await,
            Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.serve(stream, true).await,
                Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
                Err(_) => tracing::debug!("a handshake took too long"),
            },
        }
    }

    async fn serve(mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, secure: bool) {
        let (peer, service) = (self.peer, self.service);
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            service.prepare(peer, secure, &mut request);
            service.router.clone().call(request)
        });
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.unread));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopped(&mut self.stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
    }
}
