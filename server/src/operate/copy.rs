//! A consistent copy of a database as a SQLite file, taken while a server writes to it; and from such a file into an empty PostgreSQL database.
//!
//! SQLite copies itself (`VACUUM INTO`). PostgreSQL's rows are read in one transaction of isolation level REPEATABLE READ, and written as they are:
//! both databases have the same tables, of three kinds of columns.

use std::path::Path;

use anyhow::{Context as _, bail};
use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::RESTORED;
use crate::blob::MARK;
use crate::private;
use crate::store::postgres::PostgresStore;

#[derive(Clone, Copy)]
enum Kind {
    Int,
    Text,
    Bytes,
}

/// Tables with their columns and what these hold. The row of `leader` belongs to the database, not to the data.
const TABLES: [(&str, &[(&str, Kind)]); 11] = {
    use Kind::{Bytes, Int, Text};
    [
        ("events", &[("first", Int), ("count", Int), ("rules", Int), ("body", Bytes)]),
        ("snapshot", &[("part", Int), ("upto", Int), ("body", Bytes)]),
        ("changes", &[("job", Int), ("number", Int), ("body", Text)]),
        ("chain", &[("job", Int), ("segment", Int), ("body", Text)]),
        (
            "answers",
            &[("name", Text), ("request", Text), ("number", Int), ("at_ms", Int)],
        ),
        (
            "tokens",
            &[
                ("id", Text),
                ("digest", Text),
                ("scope", Text),
                ("subject", Text),
                ("host", Int),
                ("issued_ms", Int),
                ("revoked_ms", Int),
                ("invitation", Int),
                ("enrolled", Int),
            ],
        ),
        ("finished", &[("job", Int), ("owner", Text), ("state", Text), ("body", Text)]),
        ("kept", &[("digest", Text)]),
        ("facts", &[("name", Text), ("value", Text)]),
        ("blob_jobs", &[("digest", Text), ("job", Int)]),
        (
            "audit",
            &[
                ("at_ms", Int),
                ("key", Text),
                ("topic", Text),
                ("subject", Text),
                ("action", Text),
                ("object", Text),
                ("detail", Text),
            ],
        ),
    ]
};

/// Copies every table's rows from one connection to another.
macro_rules! copy_rows {
    ($from:expr, $to:expr) => {
        for (table, columns) in TABLES {
            let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
            let places: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
            let (names, places) = (names.join(", "), places.join(", "));
            let select = format!("SELECT {names} FROM {table}");
            let insert = format!("INSERT INTO {table} ({names}) VALUES ({places})");
            let mut rows = sqlx::query(sqlx::AssertSqlSafe(select)).fetch(&mut *$from);
            while let Some(row) = rows
                .try_next()
                .await
                .with_context(|| format!("reading table {table}"))?
            {
                let mut write = sqlx::query(sqlx::AssertSqlSafe(insert.clone()));
                for (place, (_, kind)) in columns.iter().enumerate() {
                    write = match kind {
                        Kind::Int => write.bind(row.try_get::<Option<i64>, _>(place)?),
                        Kind::Text => write.bind(row.try_get::<Option<String>, _>(place)?),
                        Kind::Bytes => write.bind(row.try_get::<Option<Vec<u8>>, _>(place)?),
                    };
                }
                write
                    .execute(&mut *$to)
                    .await
                    .with_context(|| format!("writing table {table}"))?;
            }
        }
    };
}

/// Copies a server's database into a new SQLite file that says of itself that it is a copy: of PostgreSQL where a URL is given, otherwise of the
/// file. A server may be writing.
///
/// # Errors
/// The database cannot be read, is of another version of this program, or the file cannot be written.
pub async fn to_file(file: &Path, database: Option<&str>, copy: &Path) -> anyhow::Result<()> {
    match database {
        None => from_sqlite(file, copy).await?,
        Some(url) => from_postgres(url, copy).await?,
    }
    private::own_file(copy)?;
    let mut connection = connect(copy, false).await?;
    sqlx::query("INSERT INTO facts (name, value) VALUES ($1, '1') ON CONFLICT (name) DO UPDATE SET value = '1'")
        .bind(RESTORED)
        .execute(&mut connection)
        .await
        .with_context(|| format!("{} is not a database of this version", copy.display()))?;
    sqlx::query("DELETE FROM facts WHERE name = $1")
        .bind(MARK)
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    std::fs::File::open(copy)?.sync_all()?;
    Ok(())
}

async fn connect(file: &Path, is_new: bool) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(is_new);
    options.connect().await.with_context(|| file.display().to_string())
}

async fn from_sqlite(file: &Path, copy: &Path) -> anyhow::Result<()> {
    if !file.exists() {
        bail!(
            "{}: no such file; --data names a server's folder, --database its PostgreSQL database where it has one",
            file.display()
        );
    }
    let mut connection = connect(file, false).await?;
    let to = copy
        .to_str()
        .with_context(|| format!("{}: not a path in UTF-8", copy.display()))?;
    sqlx::query("VACUUM INTO $1")
        .bind(to)
        .execute(&mut connection)
        .await
        .with_context(|| format!("copying {} to {}", file.display(), copy.display()))?;
    connection.close().await?;
    Ok(())
}

async fn from_postgres(url: &str, copy: &Path) -> anyhow::Result<()> {
    let options: PgConnectOptions = url.parse().context("the PostgreSQL database's URL")?;
    let mut from: PgConnection = options.connect().await.context("the PostgreSQL database")?;
    let mut to = connect(copy, true).await?;
    sqlx::migrate!("migrations/sqlite").run(&mut to).await?;
    let mut reading = from.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    let applied: (i64,) = sqlx::query_as("SELECT COUNT(*) FROM _sqlx_migrations")
        .fetch_one(&mut *reading)
        .await
        .context("the PostgreSQL database holds no server's data")?;
    let expected = sqlx::migrate!("migrations/postgres").iter().count();
    if applied.0 != i64::try_from(expected)? {
        bail!(
            "the PostgreSQL database has {} migrations, this program expects {expected}: use the program of the server that runs",
            applied.0
        );
    }
    let mut writing = to.begin().await?;
    copy_rows!(reading, writing);
    writing.commit().await?;
    reading.rollback().await?;
    to.close().await?;
    from.close().await?;
    Ok(())
}

/// Writes a copy's rows into a PostgreSQL database that holds no server's data.
///
/// # Errors
/// A server uses the database, it holds data, or one of the two does not answer. Then nothing was written.
pub async fn to_postgres(copy: &Path, url: &str) -> anyhow::Result<()> {
    let mut from = connect(copy, false).await?;
    // It takes the server's lock, and makes the tables.
    let store = PostgresStore::open(url).await.context("the PostgreSQL database")?;
    let written = async {
        let mut connection = store.writing().await?;
        let mut writing = store.begin(&mut connection).await?;
        for table in ["events", "snapshot", "tokens", "facts"] {
            let some: Option<(i32,)> = sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT 1 FROM {table} LIMIT 1")))
                .fetch_optional(&mut *writing)
                .await?;
            if some.is_some() {
                bail!("the PostgreSQL database holds a server's data already (table {table} has rows): name an empty one");
            }
        }
        let mut reading = from.begin().await?;
        copy_rows!(reading, writing);
        reading.rollback().await?;
        writing.commit().await?;
        anyhow::Ok(())
    };
    let written = written.await;
    crate::store::Store::close(&store).await;
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_table_and_column_is_copied() {
        let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::migrate!("migrations/sqlite").run(&mut database).await.unwrap();
        let there: Vec<(String, String)> = sqlx::query_as(
            "SELECT tables.name, columns.name FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns \
             WHERE tables.type = 'table' AND tables.name != '_sqlx_migrations' ORDER BY 1, 2",
        )
        .fetch_all(&mut database)
        .await
        .unwrap();
        let mut copied: Vec<(String, String)> = TABLES
            .iter()
            .flat_map(|(table, columns)| columns.iter().map(|(column, _)| ((*table).to_owned(), (*column).to_owned())))
            .collect();
        copied.sort();
        assert_eq!(copied, there);
    }
}
