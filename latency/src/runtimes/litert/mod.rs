//! LiteRT, the runtime of phones, on this machine's processor with XNNPACK, loaded from a library at run time.
//!
//! | module | holds |
//! |---|---|
//! | `ffi` | functions of the C library behind safe types: the only unsafe code |
//! | `library` | the library of this process and its version |
//! | `session` | results of TFLite files |
//! | `runtime` | the runtime with its latencies |
//! | `calibrate` | ranges of activations on images, for files with 8-bit integers |

mod calibrate;
mod ffi;
mod library;
mod runtime;
mod session;

pub use calibrate::{CalibrationError, calibrate};
pub use runtime::LiteRt;
pub use session::{LiteRtOutput, LiteRtSession};
