//! What a device really computes, and so: where a job may continue.
//!
//! | module | owns |
//! |---|---|
//! | [`lint`] | what in a package's WGSL would make its bits depend on device, scheduling or chance |
//! | [`probe`] | small kernels whose bits tell what arithmetic does |
//! | `identity` | who a device says it is |
//! | `fingerprint` | both together, and the class that follows |
//! | `cache` | fingerprints that were measured before |
//! | [`class`](mod@class) | a device's hardware class in each tier |
//! | [`conformance`] | every check on every device, and the report |
//! | [`survey`] | a machine's devices as one file that can be sent to a project |
//! | [`bisect`] | where two runs part |
//! | [`environment`] | what graphics drivers expect of the environment |
//! | [`exit`] | exit codes of both commands, and which error leads to which |
//! | [`output`] | what a command says, as JSON or as lines |
//! | `hardware` | what a run directory says of the hardware that computed it |

pub mod bisect;
mod cache;
mod class;
pub mod conformance;
pub mod environment;
pub mod exit;
mod fingerprint;
mod hardware;
mod identity;
pub mod lint;
pub mod output;
pub mod probe;
pub mod survey;

pub(crate) use class::reference;

pub use cache::FOLDER_VARIABLE;
pub use class::{class, class_anew, fingerprint};
pub use fingerprint::Fingerprint;
pub use hardware::{HARDWARE_FILE, hardware_differences, note_hardware};
pub use identity::Identity;
