//! `baton new`: a working package to start from.

use std::path::PathBuf;

use kernels::package::Package;
use serde::Serialize;

use crate::console::output;
use crate::exit::Exit;

/// Write a working package to start from.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Name of the package and of its folder: lower-case letters, digits and `-`.
    #[arg(value_name = "NAME")]
    name: String,
    /// The folder to make, where it is not NAME.
    #[arg(short = 'o', long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct NewPackage<'a> {
    name: &'a str,
    dir: PathBuf,
    digest: String,
}

/// Write the package.
///
/// # Errors
/// The name cannot be one, or the folder is in use.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let dir = args.out.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let package = Package::new_template(&args.name, &dir)?;
    let at = output::quoted(&dir);
    if args.json {
        output::json(&NewPackage {
            name: &args.name,
            dir,
            digest: package.digest().to_string(),
        })?;
    } else {
        let baton = output::called();
        output::lines([
            format!("made {at}: kernel.toml and its WGSL"),
            "next:".into(),
            format!("  {baton} run {at}   run it as it is"),
            format!("  edit {at}/kernel.toml: buffers, passes, outputs: docs/kernel-package.md says what each key means"),
        ])?;
    }
    Ok(Exit::Done)
}
