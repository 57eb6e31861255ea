//! The house's layout: what a reader may rely on in every file of the repository.
//!
//! Each check names the file and line, what was found and what is expected. Lists of exceptions expire: an entry that is no longer needed fails.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Characters in a line of Rust or WGSL; rustfmt keeps code to 128, comments may use the rest. Lines that begin with a string literal are as long as it is.
const LINE_CHARS_MAX: usize = 200;
/// Lines in a source file; past 400 look again.
const FILE_LINES_MAX: usize = 450;
/// The same for tests, where one table or one play belongs together.
const TEST_LINES_MAX: usize = 520;

/// Files above their limit, and why each may be.
const LONG_FILES: &[(&str, &str)] = &[
    (
        "kernels/tests/package_bad_input.rs",
        "one table of bad inputs and their messages",
    ),
    (
        "protocol/src/checkpoint.rs",
        "one format: its parts are read and written in one place",
    ),
];

/// Words that stop a reader, and the field's own. Matched as whole words, without regard to case, in Rust and WGSL sources.
const WORDS: &[(&str, &str)] = &[
    ("whoever", "name the thing: an invocation, a host, a caller"),
    ("whomever", "name the thing"),
];

#[test]
fn every_source_file_says_what_it_owns() {
    let mut found = Vec::new();
    for path in sources(&["rs"]) {
        let text = read(&path);
        if !text.starts_with("//!") {
            found.push(format!("{path}:1: expected `//!`: what the module owns, and its invariant"));
        }
    }
    for path in sources(&["wgsl"]) {
        // Kernels under a test's folder are input: what users write.
        if !path.contains("/tests/") && !read(&path).starts_with("//") {
            found.push(format!("{path}:1: expected `//`: purpose, source, units and bindings"));
        }
    }
    none(&found);
}

#[test]
fn no_error_prints_its_cause_twice() {
    // A program prints an error with all its sources: what is a source does not stand in the text as well.
    let mut found = Vec::new();
    for path in sources(&["rs"]) {
        let text = read(&path);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate() {
            let says_its_field = line.starts_with("#[error(\"") && (line.contains("{0}") || line.contains("{source"));
            let variant = lines.get(index + 1).unwrap_or(&"");
            if says_its_field && (variant.contains("(#[from]") || variant.contains("(#[source]")) {
                found.push(format!(
                    "{path}:{}: expected the cause in the text or as a source, not both",
                    index + 1
                ));
            }
        }
    }
    none(&found);
}

#[test]
fn lines_and_files_stay_short() {
    let mut found = Vec::new();
    let mut allowed: BTreeMap<&str, &str> = LONG_FILES.iter().copied().collect();
    for path in sources(&["rs", "wgsl"]) {
        let text = read(&path);
        for (index, line) in text.lines().enumerate() {
            let chars = line.chars().count();
            let literal = line
                .trim_start()
                .trim_start_matches('r')
                .trim_start_matches('#')
                .starts_with('"');
            if chars > LINE_CHARS_MAX && !literal {
                found.push(format!("{path}:{}: {chars} characters, at most {LINE_CHARS_MAX}", index + 1));
            }
        }
        let lines = text.lines().count();
        let exception = allowed.remove(path.as_str());
        let most = if path.contains("tests/") {
            TEST_LINES_MAX
        } else {
            FILE_LINES_MAX
        };
        if lines > most && exception.is_none() {
            found.push(format!(
                "{path}: {lines} lines, at most {most}: split it, or give a reason in LONG_FILES"
            ));
        }
        if lines <= most && exception.is_some() {
            found.push(format!("{path}: {lines} lines: take it out of LONG_FILES"));
        }
    }
    found.extend(
        allowed
            .keys()
            .map(|path| format!("{path}: in LONG_FILES, but there is no such file")),
    );
    none(&found);
}

#[test]
fn words_are_the_fields_own() {
    let mut found = Vec::new();
    for path in sources(&["rs", "wgsl"])
        .into_iter()
        .filter(|path| path != "tests/tests/tidy.rs")
    {
        for (index, line) in read(&path).lines().enumerate() {
            for word in line.split(|c: char| !c.is_alphanumeric() && c != '\'') {
                if let Some((banned, better)) = WORDS.iter().find(|(banned, _)| word.eq_ignore_ascii_case(banned)) {
                    found.push(format!("{path}:{}: \"{banned}\": {better}", index + 1));
                }
            }
        }
    }
    none(&found);
}

#[test]
fn tables_of_modules_name_the_modules_that_are_there() {
    let mut found = Vec::new();
    for path in sources(&["rs"]) {
        let text = read(&path);
        if !text.contains("//! | module | owns |") {
            continue;
        }
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("//! | ")).skip(1).collect();
        for line in text.lines() {
            let Some(name) = line
                .trim_start_matches("pub ")
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub(super) ")
                .strip_prefix("mod ")
                .and_then(|rest| rest.strip_suffix(';'))
            else {
                continue;
            };
            let tests = name.ends_with("tests") || name == "error";
            if !tests
                && !rows
                    .iter()
                    .any(|row| row.contains(&format!("`{name}`")) || row.contains(&format!("[`{name}`]")))
            {
                found.push(format!("{path}: module `{name}` is not in the table of its header"));
            }
        }
    }
    none(&found);
}

/// A file that no `mod` declares is not compiled, and says what is not so.
#[test]
fn every_source_file_is_a_module_that_is_declared() {
    let files = sources(&["rs"]);
    let declares = |folder: &Path, name: &str| {
        files
            .iter()
            .filter(|path| Path::new(path).parent() == Some(folder) || Path::new(path) == folder.with_extension("rs"))
            .any(|path| {
                read(path).lines().any(|line| {
                    let line = line.trim();
                    let is_mod = line.ends_with(&format!("mod {name};"));
                    is_mod || (line.starts_with("#[path") && line.contains(&format!("{name}.rs")))
                })
            })
    };
    let mut found = Vec::new();
    for path in &files {
        let file = Path::new(path);
        let folder = file.parent().expect("a file lies in a folder");
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let (folder, name) = match stem {
            "lib" | "main" | "build" => continue,
            "mod" => match (folder.parent(), folder.file_name().and_then(|name| name.to_str())) {
                (Some(parent), Some(name)) => (parent, name),
                _ => continue,
            },
            stem => (folder, stem),
        };
        let holds_targets = ["tests", "bin", "benches", "examples"]
            .iter()
            .any(|targets| folder.file_name().is_some_and(|name| name == *targets));
        if holds_targets && stem != "mod" {
            continue;
        }
        if !declares(folder, name) {
            found.push(format!(
                "{path}: no `mod {name};` in {}: declare it or delete it",
                folder.display()
            ));
        }
    }
    none(&found);
}

/// Files that a header names are there.
#[test]
fn headers_name_files_that_exist() {
    let files = listed();
    let mut found = Vec::new();
    for path in sources(&["rs"]) {
        for (index, line) in read(&path).lines().enumerate().filter(|(_, line)| line.starts_with("//!")) {
            let quoted = line.split('`').skip(1).step_by(2);
            let named = quoted.filter(|text| {
                let is_path = text
                    .bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-./".contains(&c));
                let is_source = [".rs", ".wgsl", ".md", ".toml", ".json"]
                    .iter()
                    .any(|end| text.ends_with(end));
                is_path && is_source && text.contains('/')
            });
            for text in named {
                let tail = text.trim_start_matches("../");
                let is_there = files.iter().any(|file| file == tail || file.ends_with(&format!("/{tail}")));
                if !is_there {
                    found.push(format!("{path}:{}: names `{text}`, which is not there", index + 1));
                }
            }
        }
    }
    none(&found);
}

#[test]
fn the_readme_names_every_page() {
    let readme = read("README.md");
    let pages = listed()
        .into_iter()
        .filter(|path| path.starts_with("docs/") && path.ends_with(".md"));
    let found: Vec<_> = pages
        .filter(|path| !readme.contains(&format!("({path})")))
        .map(|path| format!("{path}: not in README.md's table"))
        .collect();
    none(&found);
}

/// Files that git tracks, or would.
fn listed() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the repository's files");
    assert!(
        output.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("paths are UTF-8");
    text.lines()
        .filter(|path| root().join(path).is_file())
        .map(str::to_owned)
        .collect()
}

fn sources(ends: &[&str]) -> Vec<String> {
    let is_source = |path: &String| Path::new(path).extension().is_some_and(|end| ends.iter().any(|e| end == *e));
    listed().into_iter().filter(is_source).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned()
}

fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
