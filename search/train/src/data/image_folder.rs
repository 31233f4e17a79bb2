//! Image folders: one folder per class, with or without a folder per split above.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mnas_engine::training::{OnCorrupt, Split};

use super::error::{DataError, ImagePlace};
use super::file_names::{SPLIT_FOLDERS, is_image};
use super::format::{Format, PerSplit};
use super::index::{Content, ImageRef, ImageSource, Index, Sample};

/// Largest depth of images below their class folder.
const MAX_DEPTH: usize = 6;

/// Folders of the splits of a data set.
#[derive(Debug)]
pub(super) struct ImageFolder(PerSplit<PathBuf>);

impl Format for ImageFolder {
    /// Finds the folders of the splits; a folder that holds classes directly is a training split.
    fn recognise(folder: &Path) -> Result<Option<Self>, DataError> {
        if !folder.is_dir() {
            return Ok(None);
        }
        let folders_of = |wanted: Split| {
            let names = SPLIT_FOLDERS.iter().filter(move |(_, split)| *split == wanted);
            names.map(|(name, _)| folder.join(name)).filter(|path| path.is_dir())
        };
        let filled = |wanted: Split| folders_of(wanted).find(|path| holds_classes(path));
        let mut found = PerSplit {
            train: filled(Split::Train),
            val: filled(Split::Val),
            test: filled(Split::Test),
        };
        if found.train.is_some() {
            // An empty split is reported as an error later, not replaced by one that is cut from train.
            found.val = found.val.or_else(|| folders_of(Split::Val).next());
            found.test = found.test.or_else(|| folders_of(Split::Test).next());
        }
        if !found.is_empty() {
            return Ok(Some(Self(found)));
        }
        // Classes without a split must hold their images directly: otherwise any folder above a data set would be recognised.
        let direct = sub_folders(folder)?
            .iter()
            .any(|class| entries(class).is_ok_and(|(files, _)| files.iter().any(|file| is_image(file))));
        Ok(direct.then(|| Self(PerSplit::train_only(folder.to_path_buf()))))
    }

    fn name(&self) -> &'static str {
        "image folder"
    }

    fn has(&self, split: Split) -> bool {
        self.0.get(split).is_some()
    }

    /// Lists images by class and then by name.
    fn index(&self, split: Split, _on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        let mut classes = Vec::new();
        let mut labels = Vec::new();
        let mut paths = Vec::new();
        for class in self.0.get(split).map_or(Ok(Vec::new()), |folder| sub_folders(folder))? {
            let before = paths.len();
            collect(&class, 0, &mut paths)?;
            if paths.len() == before {
                return Err(DataError::EmptyClass { path: class });
            }
            labels.resize(paths.len(), classes.len() as u32);
            classes.push(name_of(&class));
        }
        let files = Arc::new(ImageFiles { paths });
        let samples = labels.into_iter().enumerate().map(|(number, label)| Sample {
            label,
            image: ImageRef::new(&files, number),
        });
        Ok(Index {
            classes,
            samples: samples.collect(),
            skipped: Vec::new(),
        })
    }
}

/// Encoded images in files of their own.
#[derive(Debug)]
struct ImageFiles {
    paths: Vec<PathBuf>,
}

impl ImageSource for ImageFiles {
    fn place(&self, number: usize) -> ImagePlace {
        ImagePlace {
            path: self.paths[number].clone(),
            row: None,
        }
    }

    fn read(&self, number: usize, _side: u32) -> Result<Content<'_>, String> {
        fs::read(&self.paths[number])
            .map(|bytes| Content::Encoded(Cow::Owned(bytes)))
            .map_err(|error| error.to_string())
    }
}

/// Returns true if some sub-folder holds an image.
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

/// Appends the images of a class folder.
fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), DataError> {
    let (files, folders) = entries(folder)?;
    paths.extend(files.into_iter().filter(|file| is_image(file)));
    if depth < MAX_DEPTH {
        for folder in folders {
            collect(&folder, depth + 1, paths)?;
        }
    }
    Ok(())
}

fn sub_folders(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    entries(folder).map(|(_, folders)| folders)
}

/// Files and folders in a folder, sorted by name, without hidden ones; links are followed.
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

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
