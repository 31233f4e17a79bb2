//! Tar files read in place: a packed image folder, or `WebDataset` shards (`key.jpg` beside `key.cls`).
//!
//! One pass over the headers of a tar gives the place of every image; images are read when they are needed, from any thread,
//! without unpacking the tar.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mnas_engine::training::{OnCorrupt, Split};

use super::error::{DataError, ImagePlace};
use super::file_names::{has_ending, is_image, split_of_folder};
use super::format::{Format, PerSplit};
use super::index::{Content, ImageRef, ImageSource, Index, Sample};

/// A tar file that is kept open.
#[derive(Debug)]
struct Archive {
    path: PathBuf,
    file: File,
}

/// A file in a tar.
#[derive(Debug, Clone)]
struct Member {
    archive: Arc<Archive>,
    /// Path in the tar.
    name: Box<str>,
    offset: u64,
    bytes: u64,
}

/// Largest file that is read as an image; a larger member is refused before memory is allocated for it.
const MAX_MEMBER_BYTES: u64 = 256 << 20;
/// Largest file that is read as a label.
const MAX_LABEL_BYTES: u64 = 64;

impl Member {
    /// Content of the file.
    fn read(&self) -> Result<Vec<u8>, String> {
        if self.bytes > MAX_MEMBER_BYTES {
            return Err(format!("its {} bytes are too many for an image", self.bytes));
        }
        let mut content = vec![0; self.bytes as usize];
        read_exact_at(&self.archive.file, &mut content, self.offset).map_err(|error| error.to_string())?;
        Ok(content)
    }

    fn place(&self) -> ImagePlace {
        ImagePlace {
            path: self.archive.path.join(&*self.name),
            row: None,
        }
    }

    /// Class number that the file contains.
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

/// Files in a tar.
#[derive(Debug)]
struct TarFile {
    members: Vec<Member>,
}

impl TarFile {
    /// Reads all headers.
    fn open(path: &Path) -> Result<Self, DataError> {
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
        // Hidden files, such as the `._` files that macOS writes, are not images.
        members.retain(|member| !member.name.split('/').any(|part| part.starts_with('.')));
        Ok(Self { members })
    }

    fn is_web_dataset(&self) -> bool {
        self.members.iter().any(|member| extension(&member.name) == "cls")
    }

    /// Images and their paths, without the folders above the classes that all paths have in common.
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

/// A tar file, or a folder of tar files.
#[derive(Debug)]
pub(super) struct Tar {
    /// The file or folder.
    path: PathBuf,
    content: TarContent,
}

#[derive(Debug)]
enum TarContent {
    /// One file, its headers read, perhaps with a folder per split.
    One { file: TarFile, splits: PerSplit<()> },
    /// Files assigned to splits by name.
    Shards(PerSplit<Vec<PathBuf>>),
}

impl Format for Tar {
    fn recognise(path: &Path) -> Result<Option<Self>, DataError> {
        let content = if path.is_dir() {
            find_shards(path)?.map(TarContent::Shards)
        } else if path.is_file() && has_ending(path, "tar") {
            Some(open_one(path)?)
        } else {
            None
        };
        let path = path.to_path_buf();
        Ok(content.map(|content| Self { path, content }))
    }

    fn name(&self) -> &'static str {
        "tar"
    }

    fn has(&self, split: Split) -> bool {
        match &self.content {
            TarContent::One { splits, .. } => splits.get(split).is_some(),
            TarContent::Shards(files) => files.get(split).is_some(),
        }
    }

    fn index(&self, split: Split, on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        let mut collected = Collected::default();
        match &self.content {
            TarContent::One { file, splits } => {
                let named =
                    splits.get(split).is_some() && file.images().iter().any(|(path, _)| split_of_path(path).is_some());
                collected.add(file, named.then_some(split), on_corrupt)?;
            }
            TarContent::Shards(files) => {
                for path in files.get(split).into_iter().flatten() {
                    collected.add(&TarFile::open(path)?, None, on_corrupt)?;
                }
            }
        }
        collected.into_index(&self.path)
    }
}

/// Reads the headers of a tar file and finds its splits.
fn open_one(path: &Path) -> Result<TarContent, DataError> {
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
    Ok(TarContent::One { file, splits })
}

/// Assigns the tar files of a folder to splits by name; `None` where there are none.
fn find_shards(folder: &Path) -> Result<Option<PerSplit<Vec<PathBuf>>>, DataError> {
    let read = |source| DataError::Read {
        path: folder.to_path_buf(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if has_ending(&path, "tar") {
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

/// Encoded images in tars.
#[derive(Debug)]
struct Members(Vec<Member>);

impl ImageSource for Members {
    fn place(&self, number: usize) -> ImagePlace {
        self.0[number].place()
    }

    fn read(&self, number: usize, _side: u32) -> Result<Content<'_>, String> {
        self.0[number].read().map(|bytes| Content::Encoded(Cow::Owned(bytes)))
    }
}

/// Images found in the tars of a split.
#[derive(Default)]
struct Collected {
    /// Images with a `key.cls` file.
    numbered: Vec<(i64, Member)>,
    /// Images in class folders.
    by_class: BTreeMap<String, Vec<Member>>,
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
            images.push(member.clone());
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
                Ok(label) => self.numbered.push((label, member.clone())),
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

    fn into_index(self, path: &Path) -> Result<Index, DataError> {
        if !self.numbered.is_empty() && !self.by_class.is_empty() {
            return Err(DataError::CorruptFile {
                path: path.to_path_buf(),
                reason: "some of its tars hold class folders and some `.cls` files; keep to one form".to_owned(),
            });
        }
        if self.by_class.is_empty() {
            let folder = if path.is_dir() { Some(path) } else { path.parent() };
            let names = folder.map(class_names).transpose()?.flatten();
            let (labels, members): (Vec<i64>, Vec<Member>) = self.numbered.into_iter().unzip();
            let images = Arc::new(Members(members));
            let labelled = labels.into_iter().enumerate();
            let labelled = labelled.map(|(number, label)| (label, ImageRef::new(&images, number)));
            let index = match names {
                Some(names) => Index::of_names(names, labelled.collect())?,
                None => Index::of_numbers(labelled.collect())?,
            };
            return Ok(Index {
                skipped: self.skipped,
                ..index
            });
        }
        let (mut classes, mut labels, mut members) = (Vec::new(), Vec::new(), Vec::new());
        for (class, images) in self.by_class {
            labels.resize(labels.len() + images.len(), classes.len() as u32);
            classes.push(class);
            members.extend(images);
        }
        let images = Arc::new(Members(members));
        let samples = labels.into_iter().enumerate().map(|(number, label)| Sample {
            label,
            image: ImageRef::new(&images, number),
        });
        Ok(Index {
            classes,
            samples: samples.collect(),
            skipped: self.skipped,
        })
    }
}

/// Class names in a file beside the shards, one per line in the order of the class numbers.
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

/// Key by which a `WebDataset` pairs files: the path up to the first dot of the file's name.
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
