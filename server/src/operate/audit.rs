//! Who did what, read from a server's database, while it runs or not.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::Place;
use crate::audit::Audited;
use crate::store::sql::{AuditColumns, audited};

const NEWEST: &str =
    "SELECT at_ms, key, topic, subject, action, object, detail FROM audit ORDER BY at_ms DESC, key DESC LIMIT $1";

/// The last actions of people, the newest first, at most `limit`.
///
/// # Errors
/// There is no database, or it is of a version that keeps no actions.
pub async fn read(place: &Place, limit: u32) -> anyhow::Result<Vec<Audited>> {
    let older = "the database keeps no actions of people yet: start a server of this version on it once";
    let rows: Vec<AuditColumns> = match &place.database {
        Some(url) => {
            let options: PgConnectOptions = url.parse().context("the PostgreSQL database's URL")?;
            let options = options.options([("default_transaction_read_only", "on")]);
            let mut database = options.connect().await.context("the PostgreSQL database")?;
            let query = sqlx::query_as(NEWEST).bind(i64::from(limit));
            let rows = query.fetch_all(&mut database).await.context(older)?;
            database.close().await?;
            rows
        }
        None => {
            let file = place.file();
            if !file.exists() {
                bail!("{}: no such file: no server has begun there", file.display());
            }
            let options = SqliteConnectOptions::new().filename(&file).read_only(true);
            let mut database = options.connect().await.with_context(|| file.display().to_string())?;
            let query = sqlx::query_as(NEWEST).bind(i64::from(limit));
            let rows = query.fetch_all(&mut database).await.context(older)?;
            database.close().await?;
            rows
        }
    };
    Ok(rows.into_iter().map(audited).collect::<Result<_, _>>()?)
}

/// An action as a line. What a person wrote is escaped: a terminal does nothing of it.
pub fn line(action: &Audited) -> String {
    let at = UNIX_EPOCH
        .checked_add(Duration::from_millis(action.at_ms))
        .unwrap_or(UNIX_EPOCH);
    let (subject, object, detail) = (&action.subject, &action.object, action.detail.escape_debug());
    let at = humantime::format_rfc3339_seconds(at);
    let line = format!(
        "{at}  {:10}  {:8}  {object}  {detail}",
        subject.escape_debug().to_string(),
        action.action
    );
    line.trim_end().to_owned()
}
