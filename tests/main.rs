//! The `mnas` command from the outside: whole searches, interruptions, and every kind of bad input, through the binary.

#![allow(clippy::unwrap_used)]

mod arguments;
mod devices;
mod events;
mod exports;
mod finalists;
mod fine_tuning;
mod full_disk;
mod halving;
mod help;
mod images;
mod interruptions;
mod listings;
mod plans;
mod predictions;
mod pretrained;
mod published;
mod rankings;
mod scaling;
mod studies;
mod studies_together;
mod support;
mod tables;
mod trainings;
mod weights;
mod whole_search;
#[cfg(unix)]
mod workers;
