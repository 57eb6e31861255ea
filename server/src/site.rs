//! The URL under which others reach the server: where the page's links, cookie and redirects belong.

use std::str::FromStr;

use axum::http::Uri;

/// A URL of the server, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    url: String,
    base: String,
}

impl Site {
    /// The URL, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its path: empty, or beginning with a slash and not ending with one.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether it is reached through TLS.
    pub fn is_secure(&self) -> bool {
        self.url.starts_with("https:")
    }

    /// A path below the base without the base; none for one that does not lie below it. A proxy may have taken it away already, or not.
    pub fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&self.base).filter(|_| !self.base.is_empty())?;
        match rest {
            "" => Some("/"),
            rest => rest.starts_with('/').then_some(rest),
        }
    }
}

impl FromStr for Site {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |what: &str| format!("{text:?}: {what}; expected such as https://baton.example or https://example.org/baton");
        let uri: Uri = text.trim().parse().map_err(|_| wrong("this is no URL"))?;
        let scheme = uri.scheme_str().map(str::to_ascii_lowercase);
        let scheme = scheme.filter(|scheme| scheme == "http" || scheme == "https");
        let (Some(scheme), Some(authority)) = (scheme, uri.authority()) else {
            return Err(wrong("it begins with neither http:// nor https://"));
        };
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong("it has a user name or a query"));
        }
        let base = uri.path().trim_end_matches('/').to_owned();
        // It goes into a cookie and into HTML as it is.
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        if !base.chars().all(plain) || base.contains("//") {
            return Err(wrong(
                "its path has characters other than letters, digits, - . _ ~ and single slashes",
            ));
        }
        Ok(Self {
            url: format!("{scheme}://{authority}{base}"),
            base,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_read_and_taken_off() {
        let site: Site = "HTTPS://example.org:8443/lab/baton/".parse().unwrap();
        assert_eq!(
            (site.url(), site.base()),
            ("https://example.org:8443/lab/baton", "/lab/baton")
        );
        assert!(site.is_secure());
        assert_eq!(site.below("/lab/baton/v1/jobs"), Some("/v1/jobs"));
        assert_eq!((site.below("/lab/baton"), site.below("/lab/baton/")), (Some("/"), Some("/")));
        assert_eq!((site.below("/lab/batonic"), site.below("/v1/jobs")), (None, None));
        let plain: Site = "http://10.0.0.1:8477".parse().unwrap();
        assert_eq!(
            (plain.url(), plain.base(), plain.below("/x")),
            ("http://10.0.0.1:8477", "", None)
        );
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        for wrong in [
            "",
            "baton.example",
            "ftp://a",
            "http://",
            "https://a/b?c",
            "https://u@a",
            "https://a/b;c",
            "https://a//b",
            "https://a/\"x",
        ] {
            assert!(wrong.parse::<Site>().is_err(), "{wrong}");
        }
    }
}
