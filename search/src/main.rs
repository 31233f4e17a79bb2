//! mnas
fn main(){}
