//! The exact library and the portable tier's lowering, on the CPU device and on every Vulkan driver of this machine.
//!
//! | module | claims |
//! |---|---|
//! | `exact` | division and square root are correctly rounded, roundings and conversions exact |
//! | `elementary` | transcendentals stay within 2 ULP, each as stated |
//! | `lowered` | ordinary WGSL gives the same bits on every device, whatever underflows |
//! | `loops` | loops run to their end or the pass fails by name |
//! | `refused` | what has no portable meaning is refused, at its place |
//! | `mutants` | what lowering does is needed: without it, devices differ |
//! | `verdict` | kernels are taken or refused alike, and mean the same, whatever they do |
//! | `swiftshader` | the same again on SwiftShader |
//!
//! `BATON_STRIDE=n` takes each n-th input; 1 is the full domain. Campaigns are ignored tests.

#[path = "strict/elementary.rs"]
mod elementary;
#[path = "strict/exact.rs"]
mod exact;
#[path = "strict/loops.rs"]
mod loops;
#[path = "strict/lowered.rs"]
mod lowered;
#[path = "strict/mutants.rs"]
mod mutants;
#[path = "strict/refused.rs"]
mod refused;
#[path = "strict/support.rs"]
mod support;
#[path = "strict/swiftshader.rs"]
mod swiftshader;
#[path = "strict/verdict.rs"]
mod verdict;
