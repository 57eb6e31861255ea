//! Limits on everything that a package declares, checked before anything is parsed or allocated for it.

/// Bytes of `kernel.toml`.
pub const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// Bytes of one WGSL file. naga's time grows with the square of a function's length: one of this size takes seconds, not hours.
pub const SHADER_BYTES_MAX: u64 = 256 << 10;
/// Bytes of a pass's joined WGSL files.
pub const MODULE_BYTES_MAX: u64 = 256 << 10;
/// Bytes of all different joined texts together.
pub const MODULES_BYTES_MAX: u64 = 4 << 20;
/// WGSL files of a package.
pub const SHADERS_MAX: usize = 128;
/// Buffers of a package.
pub const BUFFERS_MAX: usize = 256;
/// Passes of a package.
pub const PASSES_MAX: usize = 512;
/// Outputs of a package.
pub const OUTPUTS_MAX: usize = 64;
/// Columns of a package's outputs together.
pub const COLUMNS_MAX: usize = 1024;
/// Constants of a package, or of a pass.
pub const CONSTANTS_MAX: usize = 1024;
/// Settings of a package.
pub const SETTINGS_MAX: usize = 64;
/// Dimensions of a buffer.
pub const DIMENSIONS_MAX: usize = 8;
/// Device memory of all buffers together, bytes.
pub const DEVICE_BYTES_MAX: u64 = 4 << 30;
/// Steps of a segment, and segments of a run.
pub const STEPS_MAX: u64 = 1 << 32;
/// Largest `every`.
pub const EVERY_MAX: u64 = 1 << 62;
/// Rows or frames that one output takes in a segment.
pub const ROWS_PER_SEGMENT_MAX: u64 = 1 << 20;
/// Bytes that all outputs together take in a segment, in the device's layout, each row counted with its whole buffer.
pub const OUTPUT_BYTES_PER_SEGMENT_MAX: u64 = 1 << 30;
/// Workgroups of a dispatch, per dimension: WebGPU's limit, which every device has.
pub const WORKGROUPS_MAX: u64 = 65_535;
/// Bytes of a name.
pub const NAME_BYTES_MAX: usize = 64;
/// Bytes of a line of text for people.
pub const TEXT_BYTES_MAX: usize = 1000;
/// Bytes of a file's path inside the package.
pub const PATH_BYTES_MAX: usize = 200;
/// Bytes of an `.npy` file's header.
pub const NPY_HEADER_BYTES_MAX: u64 = 64 << 10;
