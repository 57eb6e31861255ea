//! Several projects for one agent, each with a share of its computing time: `https://baton.example share=2 token-file=host.token`.

use std::path::PathBuf;

use planner::shares::SHARE_MAX;

/// Projects of one agent.
const PROJECTS_MAX: usize = 16;
const EXPECTED: &str = "a URL, and after spaces what is needed of share=N, token-file=FILE, ca-file=FILE";

/// A project: where its server is, and how much of the time is for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Project {
    /// The server's URL; several with commas between them.
    pub(crate) server: String,
    /// Time beside other projects': twice the share is twice the time.
    pub(crate) share: u32,
    /// The file that holds the token of a first registration.
    pub(crate) token_file: Option<PathBuf>,
    /// Certificates to trust.
    pub(crate) ca_file: Option<PathBuf>,
}

/// The projects as they are written, each once.
///
/// # Errors
/// An entry makes no sense: which, and what was expected.
pub(crate) fn projects(texts: &[String]) -> Result<Vec<Project>, String> {
    if texts.len() > PROJECTS_MAX {
        return Err(format!("projects: found {}, expected at most {PROJECTS_MAX}", texts.len()));
    }
    let mut projects: Vec<Project> = Vec::new();
    for text in texts {
        let project = project(text)?;
        if projects.iter().any(|other| other.server == project.server) {
            return Err(format!("projects: found {} twice, expected each server once", project.server));
        }
        projects.push(project);
    }
    Ok(projects)
}

fn project(text: &str) -> Result<Project, String> {
    let wrong = |found: &str, expected: &str| {
        let found: String = found.chars().take(60).collect();
        format!(
            "projects, entry {text:?}: found '{}', expected {expected}",
            found.escape_debug()
        )
    };
    let mut words = text.split_whitespace();
    let server = words.next().unwrap_or_default();
    if !server.contains("://") {
        return Err(wrong(server, EXPECTED));
    }
    let mut project = Project {
        server: server.to_owned(),
        share: 1,
        token_file: None,
        ca_file: None,
    };
    for word in words {
        match word.split_once('=') {
            Some(("share", share)) => {
                let found = share.parse().ok().filter(|share| (1..=SHARE_MAX).contains(share));
                project.share = found.ok_or_else(|| wrong(word, &format!("share=1 to share={SHARE_MAX}")))?;
            }
            Some(("token-file", file)) => project.token_file = Some(file.into()),
            Some(("ca-file", file)) => project.ca_file = Some(file.into()),
            _ => return Err(wrong(word, EXPECTED)),
        }
    }
    Ok(project)
}

/// An entry with another share; all else in it stays.
pub(crate) fn with_share(text: &str, share: &str) -> String {
    let others = text.split_whitespace().filter(|word| !word.starts_with("share="));
    let mut words: Vec<String> = others.map(str::to_owned).collect();
    words.insert(words.len().min(1), format!("share={share}"));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_project_or_an_error_that_names_it_and_what_was_expected() {
        let texts = |texts: &[&str]| projects(&texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        let found = texts(&["https://a,https://b share=2 token-file=a.token", "  http://c  ca-file=c.pem"]).expect("good");
        assert_eq!((found[0].server.as_str(), found[0].share), ("https://a,https://b", 2));
        assert_eq!(found[0].token_file, Some("a.token".into()));
        assert_eq!(
            (found[1].server.as_str(), found[1].share, found[1].ca_file.clone()),
            ("http://c", 1, Some("c.pem".into()))
        );
        for (entries, part) in [
            (&["a.example share=2"][..], "found 'a.example', expected a URL"),
            (&[""], "expected a URL"),
            (&["https://a share=0"], "found 'share=0', expected share=1 to share=1000"),
            (&["https://a share=half"], "found 'share=half'"),
            (&["https://a share=1001"], "share=1000"),
            (&["https://a 2"], "found '2', expected a URL, and after spaces"),
            (&["https://a token=secret"], "found 'token=secret'"),
            (&["https://a", "https://a share=3"], "found https://a twice"),
        ] {
            let wrong = texts(entries).expect_err(part);
            assert!(wrong.contains(part) && wrong.starts_with("projects"), "{wrong}");
        }
        assert!(texts(&["https://a"; 17]).expect_err("many").contains("at most 16"));
    }

    #[test]
    fn a_share_is_changed_and_all_else_of_the_entry_stays() {
        assert_eq!(
            with_share("https://a  token-file=t share=2", "5"),
            "https://a share=5 token-file=t"
        );
        assert_eq!(with_share("https://a", "5"), "https://a share=5");
    }
}
