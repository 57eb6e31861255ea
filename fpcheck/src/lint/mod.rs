//! The linter: what in a package's WGSL would make its bits depend on the device, on scheduling or on chance.
//!
//! | module | owns |
//! |---|---|
//! | `subject` | what is looked at: a package, an example, WGSL files |
//! | `rules` | the rules, one file each |
//! | `scope`, `ir`, `lexer` | a parsed text as rules look at it |
//! | `trace` | an entry point walked for all invocations: races, random numbers |
//! | `allow` | comments by which an author accepts a finding |
//! | `report` | findings in the author's own files |
//! | `frame`, `sarif` | reports for people and for tools |
//!
//! Invariant: a rule claims only what it sees or can prove. A clean report is no proof of determinism; that is what the conformance
//! suite's runs are for.

mod allow;
mod frame;
mod ir;
mod lexer;
mod report;
mod rules;
mod sarif;
mod scope;
mod subject;
mod trace;

pub use report::{Finding, Level, LintReport, Place};
pub use rules::{ALL as RULES, Rule};
pub use subject::Subject;
