//! What the scientist's commands share: waiting a moment for a server that is away, and how jobs are written for people.

use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::http::JobView;
use serde::de::DeserializeOwned;

use crate::console::{output, progress};
use crate::net::link::Link;
use crate::net::{Client, NetError};

/// A command waits this long for a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Between two words about a transfer.
const SAY_EVERY: Duration = Duration::from_secs(2);

/// Run the requests of a command.
///
/// # Errors
/// Theirs.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, NetError>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(work)?)
}

/// Try again for a moment while the server is away: it may be starting, or ask for a pause.
///
/// # Errors
/// Still away, or refused.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, NetError>>>(mut work: impl FnMut() -> F) -> Result<T, NetError> {
    let begun = Instant::now();
    let mut pauses = Link::new(Duration::from_secs(4)).pauses();
    loop {
        match work().await {
            Err(NetError::Away { why, again }) => {
                let pause = pauses.next(again);
                if begun.elapsed() + pause > PATIENCE {
                    return Err(NetError::Away { why, again });
                }
                tokio::time::sleep(pause).await;
            }
            other => return other,
        }
    }
}

/// The same for blobs, with a word about their progress now and then unless `quiet`. As long as bytes arrive the server is not away.
///
/// # Errors
/// Still away, or refused.
pub(crate) async fn transfer<T, F: Future<Output = Result<T, NetError>>>(
    client: &Client,
    quiet: bool,
    mut work: impl FnMut() -> F,
) -> Result<T, NetError> {
    let done = async {
        loop {
            let before = client.transfers.moved();
            match patiently(&mut work).await {
                Err(NetError::Away { .. }) if client.transfers.moved() > before => {}
                other => return other,
            }
        }
    };
    tokio::pin!(done);
    loop {
        tokio::select! {
            done = &mut done => return done,
            () = tokio::time::sleep(SAY_EVERY) => {
                let under_way = client.transfers.under_way();
                under_way.iter().filter(|_| !quiet).for_each(|transfer| output::note(transfer.words()));
            }
        }
    }
}

/// What lies at a path.
///
/// # Errors
/// As [`patiently`].
pub(crate) fn get<T: DeserializeOwned>(client: &Client, path: &str) -> anyhow::Result<T> {
    block_on(patiently(|| client.get(path)))
}

/// `running  segment 12 of 50  3 min 20 s left`, as parts.
pub(crate) fn cells(job: &JobView) -> Vec<String> {
    let left = job.left_ms.filter(|_| !job.state.is_final());
    let reached = job.progress.max(job.segment);
    vec![
        job.job.to_string(),
        job.name.clone(),
        job.state.to_string(),
        job.priority.to_string(),
        format!("{reached}/{}", job.segments),
        left.map_or("-".into(), |ms| progress::duration(ms as f64 / 1000.0)),
        job.host.map_or("-".into(), |host| host.to_string()),
        job.reason.clone(),
    ]
}

/// The header above [`cells`].
pub(crate) const HEADER: [&str; 8] = ["JOB", "NAME", "STATE", "PRIORITY", "SEGMENT", "LEFT", "HOST", "WHY"];

/// A text as it stands in a query: everything but letters, digits and `-._~` as bytes in hexadecimal (RFC 3986).
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// How long ago, in words.
pub(crate) fn ago(at_ms: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs_f64() - at_ms as f64 / 1000.0;
    format!("{} ago", progress::duration(seconds))
}
