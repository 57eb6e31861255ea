//! The compiler by itself: no WebAssembly engine, no GPU.
//!
//! | module | claims |
//! |---|---|
//! | `alone` | a program without a runtime compiles a kernel |
//! | `golden_files` | IR and WebAssembly of small kernels are as they were |
//! | `cost` | what compiling costs grows with the size of the text, or is refused with a line |

mod alone;
mod cost;
mod golden_files;
mod support;
