//! A report as SARIF 2.1.0, which editors and code review show at the line.
//!
//! Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.

use serde_json::{Value, json};

use super::report::{Finding, Level, LintReport, Place};
use super::rules::{ALL, Rule};

impl LintReport {
    /// The report as a SARIF log with one run.
    pub fn sarif(&self) -> Value {
        let results: Vec<Value> = self.findings.iter().map(|finding| self.result(finding)).collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "fpcheck",
                    "version": env!("CARGO_PKG_VERSION"),
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": ALL.iter().map(described).collect::<Vec<_>>(),
                } },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        })
    }

    fn result(&self, finding: &Finding) -> Value {
        let index = ALL.iter().position(|rule| rule.id == finding.rule.id);
        let mut result = json!({
            "ruleId": finding.rule.id,
            "ruleIndex": index,
            "level": finding.level.as_str(),
            "message": { "text": format!("{}. Instead: {}", finding.message, finding.rule.instead) },
            "locations": [self.location(&finding.place)],
        });
        if let Some((place, text)) = &finding.related {
            let mut location = self.location(place);
            location["message"] = json!({ "text": text });
            location["id"] = json!(0);
            result["relatedLocations"] = json!([location]);
        }
        if let Some(reason) = &finding.allowed {
            result["suppressions"] = json!([{ "kind": "inSource", "justification": reason }]);
        }
        result
    }

    fn location(&self, place: &Place) -> Value {
        let path = match self.folder.as_str() {
            "" => place.file.clone(),
            folder => format!("{}/{}", folder.trim_end_matches('/'), place.file),
        };
        json!({
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&path) },
                "region": {
                    "startLine": place.line,
                    "startColumn": place.column,
                    "endLine": place.end_line,
                    "endColumn": place.end_column,
                    "snippet": { "text": place.text },
                },
            },
        })
    }
}

fn described(rule: &Rule) -> Value {
    let help = format!("Instead: {}", rule.instead);
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.why },
        "help": { "text": help },
        "defaultConfiguration": { "level": rule.portable.as_str() },
        "properties": { "class-bound": rule.class_bound.map_or("none", Level::as_str) },
    })
}

/// A path as a URI reference: bytes that a path may have and a URI may not are written in hexadecimal.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let mut uri = String::new();
    for byte in path.replace('\\', "/").bytes() {
        if plain(byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri("a b/c#1.wgsl"), "a%20b/c%231.wgsl");
        assert_eq!(uri("./x/ä.wgsl"), "./x/%C3%A4.wgsl");
    }
}
