//! Files and folders that this server's user alone may read and write: mode 0600 and 0700, where modes exist.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Options to open a file that nobody else may read when it is created here.
pub fn options() -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates a file, or empties one, and keeps others from it.
///
/// # Errors
/// The folder cannot be written.
pub fn create(path: &Path) -> io::Result<File> {
    let file = options().write(true).create(true).truncate(true).open(path)?;
    shut(path, 0o600)?;
    Ok(file)
}

/// Makes a folder and those above it where they are missing. One that was there stays as it is.
///
/// # Errors
/// It cannot be made.
pub fn folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The same for a folder that only this server uses: others are kept out, also where an older version let them in.
///
/// # Errors
/// It cannot be made, or is somebody else's.
pub fn own_folder(path: &Path) -> io::Result<()> {
    folder(path)?;
    shut(path, 0o700)
}

/// Keeps others from a file that may be there, as an older version or another program left it.
///
/// # Errors
/// It is somebody else's.
pub fn own_file(path: &Path) -> io::Result<()> {
    match shut(path, 0o600) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        shut => shut,
    }
}

#[cfg(unix)]
fn shut(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn shut(path: &Path, _: u32) -> io::Result<()> {
    path.metadata().map(drop)
}
