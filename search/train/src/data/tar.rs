//! Tar files read in place: an image folder packed as it is, or `WebDataset` shards (`key.jpg` beside `key.cls`).
//!
//! A tar is a row of members, so one pass over its headers says where every image lies; the images themselves are read when
//! they are needed, from any thread, without unpacking anything.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DataError;
use super::error::ImagePlace;
use super::image_folder::{is_image, split_of_folder};
use super::index::{Index, Origin, Sample, index_of_names, index_of_numbers};
use super::source::PerSplit;
use mnas_engine::training::OnCorrupt;
use mnas_engine::training::Split;

/// A tar file that is kept open.
#[derive(Debug)]
pub(super) struct Archive {
    pub path: PathBuf,
    file: File,
}

/// A file in a tar.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub archive: Arc<Archive>,
    /// Its path in the tar.
    pub name: Box<str>,
    offset: u64,
    bytes: u64,
}

/// Largest file that is read as an image; a member that claims more is refused before anything is allocated for it.
const MAX_MEMBER_BYTES: u64 = 256 << 20;
/// Largest file that is read as a label.
const MAX_LABEL_BYTES: u64 = 64;

impl Member {
    /// Its content.
    pub(super) fn read(&self) -> Result<Vec<u8>, String> {
        if self.bytes > MAX_MEMBER_BYTES {
            return Err(format!("its {} bytes are too many for an image", self.bytes));
        }
        let mut content = vec![0; self.bytes as usize];
        read_exact_at(&self.archive.file, &mut content, self.offset).map_err(|error| error.to_string())?;
        Ok(content)
    }

    /// Its place for messages.
    pub(super) fn place(&self) -> ImagePlace {
        ImagePlace {
            path: self.archive.path.join(&*self.name),
            row: None,
        }
    }

    /// The number written in it.
    fn label(&self) -> Result<i64, String> {
        if self.bytes > MAX_LABEL_BYTES {
            return Err(format!(
                "{} has {} bytes, too many for a class number",
                self.name, self.bytes
            ));
        }
        let content = self.read()?;
        let text = String::from_utf8_lossy(&content);
        text.trim()
            .parse()
            .map_err(|_| format!("{} holds {:?} in place of a class number", self.name, text.trim()))
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, content: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, content, offset)
}

/// One tar and what lies in it.
#[derive(Debug)]
pub(super) struct TarFile {
    members: Vec<Member>,
}

impl TarFile {
    /// Reads all headers.
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let read = |source| DataError::Read {
            path: path.to_path_buf(),
            source,
        };
        let corrupt = |reason: String| DataError::CorruptFile {
            path: path.to_path_buf(),
            reason,
        };
        let file = File::open(path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        if length == 0 {
            return Err(corrupt("the tar is empty (0 bytes)".to_owned()));
        }
        let archive = Arc::new(Archive {
            path: path.to_path_buf(),
            file: file.try_clone().map_err(read)?,
        });
        let damaged = |error: std::io::Error| corrupt(format!("not a readable tar ({error}); it may be truncated"));
        let mut reader = tar::Archive::new(file);
        let mut members = Vec::new();
        for entry in reader.entries_with_seek().map_err(damaged)? {
            let entry = entry.map_err(damaged)?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let (offset, bytes) = (entry.raw_file_position(), entry.size());
            if offset.checked_add(bytes).is_none_or(|end| end > length) {
                return Err(corrupt(format!("it is truncated in the middle of {name}")));
            }
            members.push(Member {
                archive: Arc::clone(&archive),
                name: name.trim_start_matches("./").into(),
                offset,
                bytes,
            });
        }
        // Hidden files are somebody's notes, macOS's `._` twins among them.
        members.retain(|member| !member.name.split('/').any(|part| part.starts_with('.')));
        Ok(Self { members })
    }

    fn is_web_dataset(&self) -> bool {
        self.members.iter().any(|member| extension(&member.name) == "cls")
    }

    /// Images with the folders they lie in, without the folders that all have in common above the classes.
    fn images(&self) -> Vec<(&str, &Member)> {
        let images = || self.members.iter().filter(|member| is_image(Path::new(&*member.name)));
        let mut images: Vec<(&str, &Member)> = images().map(|member| (&*member.name, member)).collect();
        while let Some((first, _)) = images.first().and_then(|(path, _)| path.split_once('/')) {
            let first = format!("{first}/");
            let common = images.iter().all(|(path, _)| {
                let below = path.strip_prefix(&*first);
                below.is_some_and(|below| below.contains('/'))
            });
            if !common || split_of_folder(first.trim_end_matches('/')).is_some() {
                break;
            }
            for (path, _) in &mut images {
                *path = &path[first.len()..];
            }
        }
        images.sort_by_key(|(path, _)| *path);
        images
    }
}

/// The tar files of each split; a file alone may hold several.
#[derive(Debug)]
pub(super) enum TarSet {
    /// One file with folders for the splits, its headers read.
    One { file: Arc<TarFile>, splits: PerSplit<()> },
    /// Files named after their split.
    Shards(PerSplit<Vec<PathBuf>>),
}

/// What one tar file holds.
pub(super) fn open(path: &Path) -> Result<TarSet, DataError> {
    let file = TarFile::open(path)?;
    let mut splits = PerSplit::default();
    if !file.is_web_dataset() {
        for (path, _) in file.images() {
            if let Some(split) = split_of_path(path) {
                *splits.slot(split) = Some(());
            }
        }
    }
    if splits.is_empty() {
        splits.train = Some(());
    }
    Ok(TarSet::One {
        file: Arc::new(file),
        splits,
    })
}

/// Sorts the tar files of a folder into splits by their names; `None` where there are none.
pub(super) fn find(folder: &Path) -> Result<Option<PerSplit<Vec<PathBuf>>>, DataError> {
    let read = |source| DataError::Read {
        path: folder.to_path_buf(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("tar"))
        {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Ok(None);
    }
    let mut found = PerSplit::<Vec<PathBuf>>::default();
    for file in &files {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
        let stem = stem.unwrap_or_default();
        let mut words = stem.split(|letter: char| !letter.is_ascii_alphabetic());
        if let Some(split) = words.find_map(split_of_folder) {
            found.slot(split).get_or_insert_default().push(file.clone());
        }
    }
    if found.is_empty() {
        found.train = Some(files);
    }
    Ok(Some(found))
}

impl TarSet {
    /// Whether there are images of this split.
    pub(super) fn has(&self, split: Split) -> bool {
        match self {
            Self::One { splits, .. } => splits.get(split).is_some(),
            Self::Shards(files) => files.get(split).is_some(),
        }
    }

    /// All images of a split. `root` is the file or folder that the set was recognised from.
    pub(super) fn index(&self, root: &Path, split: Split, on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        let mut collected = Collected::default();
        match self {
            Self::One { file, splits } => {
                let named =
                    splits.get(split).is_some() && file.images().iter().any(|(path, _)| split_of_path(path).is_some());
                collected.add(file, named.then_some(split), on_corrupt)?;
            }
            Self::Shards(files) => {
                for path in files.get(split).into_iter().flatten() {
                    collected.add(&TarFile::open(path)?, None, on_corrupt)?;
                }
            }
        }
        let folder = if root.is_dir() { Some(root) } else { root.parent() };
        collected.into_index(root, folder)
    }
}

/// What was found in the tars of a split.
#[derive(Default)]
struct Collected {
    /// From `key.cls` files.
    numbered: Vec<(i64, Origin)>,
    /// From class folders.
    by_class: BTreeMap<String, Vec<Origin>>,
    skipped: Vec<String>,
}

impl Collected {
    fn add(&mut self, file: &TarFile, split: Option<Split>, on_corrupt: OnCorrupt) -> Result<(), DataError> {
        if file.is_web_dataset() {
            return self.add_pairs(file, on_corrupt);
        }
        for (path, member) in file.images() {
            let mut path = path;
            if let Some(wanted) = split {
                if split_of_path(path) != Some(wanted) {
                    continue;
                }
                path = path.split_once('/').map_or(path, |(_, below)| below);
            }
            let Some((class, _)) = path.split_once('/') else {
                return Err(DataError::CorruptFile {
                    path: member.archive.path.clone(),
                    reason: format!(
                        "{} lies in no class folder and has no {} beside it",
                        member.name, "`.cls` file"
                    ),
                });
            };
            let images = self.by_class.entry(class.to_owned()).or_default();
            images.push(Origin::Member(Box::new(member.clone())));
        }
        Ok(())
    }

    fn add_pairs(&mut self, file: &TarFile, on_corrupt: OnCorrupt) -> Result<(), DataError> {
        let mut pairs: BTreeMap<&str, (Option<&Member>, Option<&Member>)> = BTreeMap::new();
        for member in &file.members {
            let pair = pairs.entry(key(&member.name)).or_default();
            if extension(&member.name) == "cls" {
                pair.1 = Some(member);
            } else if is_image(Path::new(&*member.name)) {
                pair.0 = Some(member);
            }
        }
        for (image, class) in pairs.into_values() {
            let Some(member) = image.or(class) else { continue };
            let label = match (image, class) {
                (None, _) => Err("there is no image of the same name beside it".to_owned()),
                (_, None) => Err("there is no `.cls` file of the same name beside it".to_owned()),
                (Some(_), Some(class)) => class.label(),
            };
            match label {
                Ok(label) => self.numbered.push((label, Origin::Member(Box::new(member.clone())))),
                Err(_) if on_corrupt == OnCorrupt::Skip => self.skipped.push(member.place().to_string()),
                Err(reason) => {
                    return Err(DataError::CorruptImage {
                        place: member.place(),
                        reason,
                    });
                }
            }
        }
        Ok(())
    }

    fn into_index(self, root: &Path, folder: Option<&Path>) -> Result<Index, DataError> {
        if !self.numbered.is_empty() && !self.by_class.is_empty() {
            return Err(DataError::CorruptFile {
                path: root.to_path_buf(),
                reason: "some of its tars hold class folders and some `.cls` files; keep to one form".to_owned(),
            });
        }
        if self.by_class.is_empty() {
            let names = folder.map(class_names).transpose()?.flatten();
            let mut index = match names {
                Some(names) => index_of_names(names, self.numbered)?,
                None => index_of_numbers(self.numbered)?,
            };
            index.skipped = self.skipped;
            return Ok(index);
        }
        let mut index = Index {
            classes: Vec::new(),
            samples: Vec::new(),
            skipped: self.skipped,
        };
        for (label, (class, images)) in self.by_class.into_iter().enumerate() {
            index.classes.push(class);
            let label = label as u32;
            index
                .samples
                .extend(images.into_iter().map(|origin| Sample { label, origin }));
        }
        Ok(index)
    }
}

/// The class names beside shards, one a line in the order of the class numbers.
fn class_names(folder: &Path) -> Result<Option<Vec<String>>, DataError> {
    for name in ["classes.txt", "classnames.txt", "class_names.txt"] {
        let path = folder.join(name);
        if path.is_file() {
            let text = fs::read_to_string(&path).map_err(|source| DataError::Read { path, source })?;
            let names = text.lines().map(str::trim).filter(|line| !line.is_empty());
            return Ok(Some(names.map(str::to_owned).collect()));
        }
    }
    Ok(None)
}

fn split_of_path(path: &str) -> Option<Split> {
    split_of_folder(path.split_once('/')?.0)
}

/// What belongs together in a `WebDataset`: the path up to the first dot of the file's name.
fn key(name: &str) -> &str {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name[start..].find('.').map_or(name.len(), |dot| start + dot);
    &name[..dot]
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

#[cfg(test)]
mod tests;
