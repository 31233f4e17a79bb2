//! mnas
fn main() {}
