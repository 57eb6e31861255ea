//! The interface between compiled code and the program that runs it. Every constant of it is defined here.
//!
//! A compiled kernel is a WebAssembly module that imports one shared memory, [`MEMORY`], and exports one function, [`RUN`], which runs
//! one workgroup. In checked mode it also imports [`WATCH`], which is told each [`event`].
//!
//! The memory holds, from its start: the stop word, the step counter, four-lane constants ([`crate::ConstantPool`]), the buffers, and each
//! thread's scratch memory ([`SessionLayout`]). What a kernel's scratch memory holds is the compiler's own
//! affair, but for the table at its start that says where [`sums`] are kept.

pub mod event;
mod layout;
pub mod sums;

pub use layout::{BufferLayout, SessionLayout};

/// Name of the module that everything is imported from.
pub const IMPORTS: &str = "session";
/// The imported memory: shared, at most [`PAGES_MAX`] pages.
pub const MEMORY: &str = "memory";
/// The imported function of checked mode: `watch(site, event, lane, a, b)`, all `u32`. It traps to stop the kernel.
pub const WATCH: &str = "watch";
/// Number of parameters of [`WATCH`].
pub const WATCH_PARAMETERS: usize = 5;
/// The exported function: [`RunArguments`], no result.
pub const RUN: &str = "run";

/// Parameters of [`RUN`], by position.
pub mod parameter {
    /// Address of the thread's scratch memory.
    pub const SCRATCH: u32 = 0;
    /// The workgroup's number in x, y, z.
    pub const GROUP: [u32; 3] = [1, 2, 3];
    /// How many workgroups there are in x, y, z.
    pub const COUNT: [u32; 3] = [4, 5, 6];
    /// Number of parameters.
    pub const NUMBER: usize = 7;
}

/// Arguments of [`RUN`] as the runtime passes them; made by [`run_arguments`].
pub type RunArguments = (u32, u32, u32, u32, u32, u32, u32);

/// Arguments for one workgroup.
#[must_use]
pub fn run_arguments(scratch: u32, group: [u32; 3], counts: [u32; 3]) -> RunArguments {
    let ([x, y, z], [nx, ny, nz]) = (group, counts);
    (scratch, x, y, z, nx, ny, nz)
}

/// Bytes of a page of WebAssembly memory.
pub const PAGE_BYTES: u64 = 65_536;
/// Most pages of a memory: 4 GiB.
pub const PAGES_MAX: u64 = 65_536;

/// Where the step counter lies: `vec4<u32>(step low, step high, 0, 0)`.
pub const CLOCK_ADDRESS: u32 = 64;
/// Bytes of the step counter.
pub const CLOCK_BYTES: u32 = 16;
/// Behind each buffer, and behind the step counter for elements no larger than that, lie at least this many bytes of zeros. Nothing writes them: what is read out of
/// bounds is read there.
pub const ZEROS_BYTES: u32 = 64;
/// A word that kernels look at in each turn of a loop, with atomic loads: they execute `unreachable` when it is not 0.
pub const STOP_ADDRESS: u32 = 96;
/// Where the constants lie.
pub const CONSTANTS_ADDRESS: u32 = 128;
/// Most bytes of constants.
pub const CONSTANTS_BYTES_MAX: u32 = 64 << 10;
