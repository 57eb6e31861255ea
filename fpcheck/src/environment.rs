//! The environment that graphics drivers expect.

/// Where `XDG_RUNTIME_DIR` is not set, drivers that look for a Wayland display print a line about it each time, on our standard error. Set it,
/// to the folder for temporary files, by starting this program anew in its own process: a program cannot change its own environment safely.
/// To be called first; returns where there is nothing to do, or it cannot be done.
pub fn expect_drivers() {
    #[cfg(target_os = "linux")]
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        use std::os::unix::process::CommandExt;
        let mut arguments = std::env::args_os();
        let name = arguments.next().unwrap_or_default();
        let mut anew = std::process::Command::new("/proc/self/exe");
        anew.arg0(name).args(arguments).env("XDG_RUNTIME_DIR", std::env::temp_dir());
        // It returns only if that failed: then the line is printed.
        let error = anew.exec();
        tracing::debug!("{error}");
    }
}
