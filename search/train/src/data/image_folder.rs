//! Image folders: one folder per class, perhaps under one folder per split.

use std::fs;
use std::path::{Path, PathBuf};

use super::DataError;
use super::index::{Index, Origin, Sample};
use super::source::PerSplit;
use mnas_engine::training::Split;

const EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "bmp", "webp"];
/// Names that split folders go by.
const SPLIT_NAMES: [(&str, Split); 6] = [
    ("train", Split::Train),
    ("training", Split::Train),
    ("val", Split::Val),
    ("valid", Split::Val),
    ("validation", Split::Val),
    ("test", Split::Test),
];

/// The split that a folder of this name holds.
pub(super) fn split_of_folder(name: &str) -> Option<Split> {
    SPLIT_NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, split)| *split)
}

/// How deep images may lie below their class folder.
const MAX_DEPTH: usize = 6;

/// The folders of the splits, or the folder itself as the training split where it holds the classes directly;
/// `None` where it holds no image.
pub(super) fn find(folder: &Path) -> Result<Option<PerSplit<PathBuf>>, DataError> {
    let folders_of = |wanted: Split| {
        let names = SPLIT_NAMES.iter().filter(move |(_, split)| *split == wanted);
        names.map(|(name, _)| folder.join(name)).filter(|path| path.is_dir())
    };
    let filled = |wanted: Split| folders_of(wanted).find(|path| holds_classes(path));
    let mut found = PerSplit {
        train: filled(Split::Train),
        val: filled(Split::Val),
        test: filled(Split::Test),
    };
    if found.train.is_some() {
        // A split that is there and empty is a mistake to be told, not one to be cut from train.
        found.val = found.val.or_else(|| folders_of(Split::Val).next());
        found.test = found.test.or_else(|| folders_of(Split::Test).next());
    }
    if !found.is_empty() {
        return Ok(Some(found));
    }
    // Classes without a split must hold their images directly, or any folder above a data set would be taken for one.
    let direct = sub_folders(folder)?
        .iter()
        .any(|class| entries(class).is_ok_and(|(files, _)| files.iter().any(|file| is_image(file))));
    Ok(direct.then(|| PerSplit {
        train: Some(folder.to_path_buf()),
        val: None,
        test: None,
    }))
}

/// Whether some sub-folder holds an image.
fn holds_classes(folder: &Path) -> bool {
    sub_folders(folder).is_ok_and(|classes| classes.iter().any(|class| has_image(class, 0)))
}

fn has_image(folder: &Path, depth: usize) -> bool {
    let Ok((files, folders)) = entries(folder) else {
        return false;
    };
    files.iter().any(|file| is_image(file))
        || (depth < MAX_DEPTH && folders.iter().any(|folder| has_image(folder, depth + 1)))
}

/// All images of a split, by class and then by name.
pub(super) fn index(folder: &Path) -> Result<Index, DataError> {
    let mut index = Index {
        classes: Vec::new(),
        samples: Vec::new(),
        skipped: Vec::new(),
    };
    for class in sub_folders(folder)? {
        let label = index.classes.len() as u32;
        let before = index.samples.len();
        collect(&class, label, 0, &mut index.samples)?;
        if index.samples.len() == before {
            return Err(DataError::EmptyClass { path: class });
        }
        index.classes.push(name_of(&class));
    }
    Ok(index)
}

fn collect(folder: &Path, label: u32, depth: usize, samples: &mut Vec<Sample>) -> Result<(), DataError> {
    let (files, folders) = entries(folder)?;
    for file in files.into_iter().filter(|file| is_image(file)) {
        samples.push(Sample {
            label,
            origin: Origin::File(file),
        });
    }
    if depth < MAX_DEPTH {
        for folder in folders {
            collect(&folder, label, depth + 1, samples)?;
        }
    }
    Ok(())
}

fn sub_folders(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    entries(folder).map(|(_, folders)| folders)
}

/// The files and folders in a folder, sorted by name; hidden ones are left out and links followed.
fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    let read = |source| DataError::Read {
        path: folder.to_path_buf(),
        source,
    };
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if name_of(&path).starts_with('.') {
            continue;
        }
        if path.is_dir() {
            folders.push(path);
        } else {
            files.push(path);
        }
    }
    files.sort();
    folders.sort();
    Ok((files, folders))
}

/// Whether a file's name ends as an image's does.
pub(super) fn is_image(file: &Path) -> bool {
    file.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
