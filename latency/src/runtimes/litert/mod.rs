//! LiteRT, the usual runtime on phones, on this machine's CPU with XNNPACK; the library is loaded at run time.
//!
//! | module | content |
//! |---|---|
//! | `ffi` | functions of the C library behind safe types: the only unsafe code |
//! | `library` | library of the process and its version |
//! | `notices` | suppression of LiteRT's notices of information |
//! | `session` | results of TFLite files, without times |
//! | `runtime` | runtime for measuring latency |
//! | `calibrate` | ranges of activations on images, for files with 8-bit integers |

mod calibrate;
mod ffi;
mod library;
mod notices;
mod runtime;
mod session;

pub use calibrate::{CalibrationError, calibrate};
pub use runtime::LiteRt;
pub use session::{LiteRtOutput, LiteRtSession};
