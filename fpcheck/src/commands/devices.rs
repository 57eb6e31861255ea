//! `fpcheck devices`: what is here, and the hardware class of each in each tier.

use protocol::Tier;
use serde::Serialize;

use crate::exit::Exit;
use crate::output;

/// What is here, and the hardware class of each in each tier.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Print JSON, with whole class keys.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    driver: String,
    compiler: String,
    portable_class: Option<String>,
    class_bound_class: Option<String>,
}

/// List devices; none at all is a failure.
///
/// # Errors
/// Standard output is closed.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let rows: Vec<Row> = device::list()
        .iter()
        .map(|device| {
            let info = device.info();
            let key = |tier| fpcheck::class(info, tier).map(|class| class.key.to_string());
            Row {
                id: info.id.clone(),
                name: info.name.clone(),
                driver: info.driver.clone(),
                compiler: info.compiler.clone(),
                portable_class: key(Tier::Portable),
                class_bound_class: key(Tier::ClassBound),
            }
        })
        .collect();
    if args.json {
        output::json(&rows)?;
    } else {
        let none = || "-".to_owned();
        let lines = rows.iter().flat_map(|row| {
            [
                format!("{}: {}", row.id, row.name),
                format!("  portable     {}", row.portable_class.clone().unwrap_or_else(none)),
                format!("  class-bound  {}", row.class_bound_class.clone().unwrap_or_else(none)),
            ]
        });
        output::lines(lines)?;
    }
    Ok(if rows.is_empty() { Exit::Failed } else { Exit::Done })
}
