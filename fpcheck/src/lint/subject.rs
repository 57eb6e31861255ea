//! What is looked at: a package's folder, an example by its name, or WGSL files that belong together.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use device::{Resource, Workgroups};
use kernels::package::source::{self, Source};
use kernels::package::{Manifest, Package, PackageError, limits};
use naga::valid::Capabilities;
use protocol::Tier;

use super::allow;
use super::report::{self, LintReport};
use super::rules;
use super::scope::{Run, Scope};

/// What is looked at.
#[derive(Debug)]
pub struct Subject {
    name: String,
    folder: String,
    tier: Tier,
    texts: Vec<Text>,
    /// Why the package is refused, if it is.
    refused: Option<PackageError>,
}

/// One joined text, and how its entry points are run, where that is known.
#[derive(Debug)]
struct Text {
    source: Source,
    runs: Option<Vec<Run>>,
}

impl Subject {
    /// The package in a folder. One whose WGSL is refused can be looked at too: [`Subject::refused`] then says why.
    ///
    /// # Errors
    /// Its manifest or one of its files is not there or cannot be read.
    pub fn folder(folder: &Path) -> Result<Self, PackageError> {
        let mut subject = match Package::load(folder) {
            Ok(package) => Self::package(&package)?,
            Err(error) => {
                let (manifest, shaders) = Package::parts(folder)?;
                let mut subject = Self::of(&manifest, &shaders, |_| None)?;
                subject.refused = Some(error);
                subject
            }
        };
        subject.folder = folder.display().to_string();
        Ok(subject)
    }

    /// A package that was checked.
    ///
    /// # Errors
    /// None that a checked package can cause.
    pub fn package(package: &Package) -> Result<Self, PackageError> {
        let program = package.program();
        Self::of(package.manifest(), package.shaders(), |index| {
            let pass = &program.passes[index];
            let groups = match package.workgroups(index) {
                Workgroups::Direct(groups) => Some(groups),
                Workgroups::Indirect(..) => None,
            };
            Some(Run {
                entry: pass.entry.clone(),
                overrides: pass.overrides.iter().map(|(name, value)| (name.clone(), *value)).collect(),
                groups,
                bytes: (pass.bindings.iter())
                    .filter_map(|(number, resource)| match resource {
                        Resource::Buffer(id) => Some((*number, program.buffers[*id].size)),
                        Resource::Clock => None,
                    })
                    .collect(),
            })
        })
    }

    /// WGSL files, joined in the order given.
    ///
    /// # Errors
    /// A file cannot be read, is too large, or is no UTF-8 text.
    pub fn files(files: &[PathBuf], tier: Tier) -> Result<Self, PackageError> {
        let mut names = Vec::new();
        let mut shaders = BTreeMap::new();
        for file in files {
            let name = file.display().to_string();
            shaders.insert(name.clone(), read(file)?);
            names.push(name);
        }
        Ok(Self {
            name: names.join(" + "),
            folder: String::new(),
            tier,
            texts: vec![Text {
                source: source::join("wgsl", &names, &shaders)?,
                runs: None,
            }],
            refused: None,
        })
    }

    fn of(
        manifest: &Manifest,
        shaders: &BTreeMap<String, String>,
        run: impl Fn(usize) -> Option<Run>,
    ) -> Result<Self, PackageError> {
        let mut texts: Vec<(&[String], Text)> = Vec::new();
        for (index, pass) in manifest.passes.iter().enumerate() {
            let text = match texts.iter_mut().find(|(files, _)| *files == pass.shader.as_slice()) {
                Some((_, text)) => text,
                None => {
                    let source = source::join(&pass.name, &pass.shader, shaders)?;
                    texts.push((&pass.shader, Text { source, runs: None }));
                    &mut texts.last_mut().expect("one was pushed").1
                }
            };
            if let Some(run) = run(index) {
                text.runs.get_or_insert_default().push(run);
            }
        }
        Ok(Self {
            name: manifest.name.clone(),
            folder: manifest.name.clone(),
            tier: manifest.tier,
            texts: texts.into_iter().map(|(_, text)| text).collect(),
            refused: None,
        })
    }

    /// The same, held against another tier's rules.
    #[must_use]
    pub fn with_tier(self, tier: Option<Tier>) -> Self {
        Self {
            tier: tier.unwrap_or(self.tier),
            ..self
        }
    }

    /// Why the package is refused, whatever the rules say.
    pub fn refused(&self) -> Option<&PackageError> {
        self.refused.as_ref()
    }

    /// Hold all rules against it.
    ///
    /// # Errors
    /// A text is no WGSL; the message points into the author's file.
    pub fn lint(&self) -> Result<LintReport, PackageError> {
        let mut report = LintReport {
            subject: self.name.clone(),
            folder: self.folder.clone(),
            findings: Vec::new(),
        };
        for text in &self.texts {
            let found = source::guarded(&self.name, || self.text(text))?;
            report.findings.extend(found);
        }
        report.tidy();
        Ok(report)
    }

    fn text(&self, text: &Text) -> Result<Vec<report::Finding>, PackageError> {
        let parsed = text.source.parse_with(Capabilities::all())?;
        let scope = Scope::new(&text.source, &parsed, text.runs.as_deref());
        let mut findings = Vec::new();
        for rule in rules::ALL {
            let Some(level) = rule.level(self.tier) else { continue };
            let hits = (rule.check)(&scope);
            findings.extend(hits.into_iter().map(|hit| report::finding(rule, level, hit, &text.source)));
        }
        allow::apply(&scope, &mut findings);
        Ok(findings)
    }
}

fn read(file: &Path) -> Result<String, PackageError> {
    let wrong = |message: String| PackageError::file(file.display(), message);
    let size = fs::metadata(file)
        .map_err(|error| wrong(format!("cannot read this file: {error}")))?
        .len();
    if size > limits::SHADER_BYTES_MAX {
        return Err(wrong(format!(
            "found {size} bytes, expected at most {}",
            limits::SHADER_BYTES_MAX
        )));
    }
    fs::read_to_string(file).map_err(|error| wrong(format!("cannot read this file as UTF-8 text: {error}")))
}
