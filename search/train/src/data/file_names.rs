//! Names of split folders and of image files.

use std::path::Path;

use mnas_engine::training::Split;

/// Names of the folders that hold a split.
pub(super) const SPLIT_FOLDERS: [(&str, Split); 6] = [
    ("train", Split::Train),
    ("training", Split::Train),
    ("val", Split::Val),
    ("valid", Split::Val),
    ("validation", Split::Val),
    ("test", Split::Test),
];

/// Endings of the image files that can be decoded.
const IMAGE_ENDINGS: [&str; 5] = ["jpg", "jpeg", "png", "bmp", "webp"];

/// Split that a folder of this name holds.
pub(super) fn split_of_folder(name: &str) -> Option<Split> {
    SPLIT_FOLDERS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, split)| *split)
}

/// Returns true if a file's name ends as that of an image.
pub(super) fn is_image(file: &Path) -> bool {
    IMAGE_ENDINGS.iter().any(|ending| has_ending(file, ending))
}

/// Returns true if a file's name has this ending, in upper or lower case.
pub(super) fn has_ending(file: &Path, ending: &str) -> bool {
    file.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}
