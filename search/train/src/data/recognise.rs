//! Recognition of the data set at a path.

use std::fs;
use std::path::Path;

use super::cifar_binary::CifarBinary;
use super::error::{DataError, short_list};
use super::file_names::is_image;
use super::format::Format;
use super::idx::Idx;
use super::image_folder::ImageFolder;
use super::parquet::Parquet;
use super::synthetic::Synthetic;
use super::tar::Tar;

type Recogniser = fn(&Path) -> Result<Option<Box<dyn Format>>, DataError>;

/// All formats, in the order in which they are tried.
const FORMATS: [Recogniser; 6] = [
    recognise_as::<Synthetic>,
    recognise_as::<Parquet>,
    recognise_as::<CifarBinary>,
    recognise_as::<Idx>,
    recognise_as::<ImageFolder>,
    recognise_as::<Tar>,
];

/// Endings of compressed archives.
const ARCHIVES: [&str; 5] = [".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".zip"];

fn recognise_as<F: Format + 'static>(path: &Path) -> Result<Option<Box<dyn Format>>, DataError> {
    Ok(F::recognise(path)?.map(|format| Box::new(format) as Box<dyn Format>))
}

/// The data set at a path, by the first format that recognises it.
pub(super) fn recognise(path: &Path) -> Result<Box<dyn Format>, DataError> {
    if let Some(format) = try_formats(path)? {
        return Ok(format);
    }
    let owned = || path.to_path_buf();
    match fs::metadata(path) {
        Ok(facts) if facts.is_dir() => Err(unrecognised(path)?),
        Ok(_) if ends_with_any(&path.to_string_lossy(), &ARCHIVES) => Err(DataError::Archive { path: owned() }),
        Ok(_) => Err(DataError::NotAFolder { path: owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(DataError::NotFound { path: owned() }),
        Err(source) => Err(DataError::Read { path: owned(), source }),
    }
}

fn try_formats(path: &Path) -> Result<Option<Box<dyn Format>>, DataError> {
    for recogniser in FORMATS {
        if let Some(format) = recogniser(path)? {
            return Ok(Some(format));
        }
    }
    Ok(None)
}

/// The error for a folder that holds no data set.
fn unrecognised(path: &Path) -> Result<DataError, DataError> {
    let read = |source| DataError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(read)? {
        names.push(entry.map_err(read)?.file_name().to_string_lossy().into_owned());
    }
    if names.is_empty() {
        return Ok(DataError::EmptyFolder {
            path: path.to_path_buf(),
        });
    }
    names.sort();
    Ok(DataError::Unrecognised {
        path: path.to_path_buf(),
        found: short_list(&names),
        hint: hint_for(path, &names),
    })
}

/// Hint at the probable mistake behind a folder that holds no data set.
fn hint_for(path: &Path, names: &[String]) -> String {
    for name in names {
        let below = path.join(name);
        if below.is_dir() && try_formats(&below).is_ok_and(|format| format.is_some()) {
            return format!("; did you mean {}?", below.display());
        }
    }
    if let Some(archive) = names.iter().find(|name| ends_with_any(name, &ARCHIVES)) {
        return format!("; unpack {archive} first");
    }
    if names.iter().any(|name| is_image(Path::new(name))) {
        return "; put the images into one folder per class".to_owned();
    }
    String::new()
}

fn ends_with_any(name: &str, endings: &[&str]) -> bool {
    let name = name.to_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}
