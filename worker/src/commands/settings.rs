//! `baton settings`: what a package lets be set when a run is begun.

use kernels::package::manifest::Number;
use serde::Serialize;

use crate::console::{output, table};
use crate::exit::Exit;
use crate::local::choose;

/// List what a package lets be set, with its own values and bounds.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A package's folder, or the name of an example.
    #[arg(value_name = "PACKAGE|EXAMPLE")]
    package: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct SettingLine<'a> {
    name: &'a str,
    value: Option<Number>,
    min: Option<Number>,
    max: Option<Number>,
    unit: Option<&'a str>,
    about: &'a str,
}

/// Print them.
///
/// # Errors
/// There is no such package, or it is wrong.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let package = choose::package(&args.package)?;
    let settings = package.manifest().settings.iter().map(|(name, setting)| SettingLine {
        name,
        value: package.setting(name),
        min: setting.min,
        max: setting.max,
        unit: setting.unit.as_deref(),
        about: &setting.about,
    });
    let settings: Vec<SettingLine<'_>> = settings.collect();
    if args.json {
        output::json(&settings)?;
        return Ok(Exit::Done);
    }
    if settings.is_empty() {
        output::lines([format!(
            "package '{}' lets nothing be set: its kernel.toml has no [settings.NAME]",
            package.manifest().name
        )])?;
        return Ok(Exit::Done);
    }
    let number = |number: Option<Number>| number.map_or("-".to_owned(), |number| number.to_string());
    let cells = |line: &SettingLine<'_>| {
        vec![
            line.name.to_owned(),
            number(line.value),
            number(line.min),
            number(line.max),
            line.unit.unwrap_or("-").to_owned(),
            line.about.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = settings.iter().map(cells).collect();
    output::lines(table::lines(&["NAME", "VALUE", "MIN", "MAX", "UNIT", "ABOUT"], &rows))?;
    Ok(Exit::Done)
}
