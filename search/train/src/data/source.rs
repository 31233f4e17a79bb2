//! Recognising a data set by looking at its path, and loading its splits.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cifar_binary::{self, CifarFiles};
use super::error::short_list;
use super::idx::{self, IdxPair};
use super::image_set::{DataKind, ImageSet, Provenance, Splits};
use super::index::Index;
use super::load::{LoadOptions, Progress, Watch, load_images};
use super::split::{cut_val, limit_balanced};
use super::synthetic::Synthetic;
use super::tar::{self, TarSet};
use super::{DataError, image_folder, parquet};
use mnas_engine::training::OnCorrupt;
use mnas_engine::training::Split;

/// What each split of a data set is made of; `None` for splits it does not have.
#[derive(Debug)]
pub(super) struct PerSplit<T> {
    pub train: Option<T>,
    pub val: Option<T>,
    pub test: Option<T>,
}

impl<T> Default for PerSplit<T> {
    fn default() -> Self {
        Self {
            train: None,
            val: None,
            test: None,
        }
    }
}

impl<T> PerSplit<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.train.is_none() && self.val.is_none() && self.test.is_none()
    }

    pub(super) fn slot(&mut self, split: Split) -> &mut Option<T> {
        match split {
            Split::Val => &mut self.val,
            Split::Test => &mut self.test,
            Split::Train | Split::All => &mut self.train,
        }
    }

    pub(super) fn get(&self, split: Split) -> Option<&T> {
        match split {
            Split::Val => self.val.as_ref(),
            Split::Test => self.test.as_ref(),
            Split::Train | Split::All => self.train.as_ref(),
        }
    }
}

/// A data set that was recognised and not read yet.
#[derive(Debug)]
pub struct DataSource {
    path: PathBuf,
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    ImageFolder(PerSplit<PathBuf>),
    Parquet(PerSplit<Vec<PathBuf>>),
    Tar(TarSet),
    CifarBinary(CifarFiles),
    Idx(PerSplit<IdxPair>),
    Demo(Synthetic),
}

impl DataSource {
    /// Looks at a path and tells what data set lies there.
    ///
    /// Known are: an image folder (`train/<class>/…` with `val` or `valid` and perhaps `test`, or `<class>/…`), Hugging
    /// Face image Parquet files, tar files of an image folder or of `WebDataset` shards, CIFAR binary files, IDX files (plain or gzipped), and the word `demo` for the synthetic
    /// set (write `./demo` for a folder of that name).
    pub fn recognise(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        if path == Path::new("demo") {
            return Self::demo(Synthetic::default());
        }
        let facts = match fs::metadata(path) {
            Ok(facts) => facts,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(DataError::NotFound {
                    path: path.to_path_buf(),
                });
            }
            Err(source) => {
                return Err(DataError::Read {
                    path: path.to_path_buf(),
                    source,
                });
            }
        };
        let layout = if facts.is_dir() {
            recognise_folder(path)?
        } else {
            recognise_file(path)?
        };
        Ok(Self {
            path: path.to_path_buf(),
            layout,
        })
    }

    /// The synthetic set with sizes of one's own.
    pub fn demo(synthetic: Synthetic) -> Result<Self, DataError> {
        synthetic.check()?;
        Ok(Self {
            path: "demo".into(),
            layout: Layout::Demo(synthetic),
        })
    }

    /// The form the data set lies in.
    pub fn kind(&self) -> DataKind {
        match self.layout {
            Layout::ImageFolder(_) => DataKind::ImageFolder,
            Layout::Parquet(_) => DataKind::Parquet,
            Layout::Tar(_) => DataKind::Tar,
            Layout::CifarBinary(_) => DataKind::CifarBinary,
            Layout::Idx(_) => DataKind::Idx,
            Layout::Demo(_) => DataKind::Demo,
        }
    }

    /// Whether this is the synthetic set.
    pub fn is_demo(&self) -> bool {
        self.kind() == DataKind::Demo
    }

    /// The path that was recognised.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The data set's name: its folder's, or `demo`.
    pub fn name(&self) -> String {
        let full = if self.is_demo() {
            self.path.clone()
        } else {
            self.path.canonicalize().unwrap_or_default()
        };
        let name = full.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| self.path.display().to_string())
    }

    /// Whether the data set brings this split itself; a missing validation split is cut from train.
    pub fn has(&self, split: Split) -> bool {
        match &self.layout {
            Layout::ImageFolder(folders) => folders.get(split).is_some(),
            Layout::Parquet(files) => files.get(split).is_some(),
            Layout::Tar(tars) => tars.has(split),
            Layout::CifarBinary(cifar) => cifar.files().get(split).is_some(),
            Layout::Idx(pairs) => pairs.get(split).is_some(),
            Layout::Demo(_) => true,
        }
    }

    /// Loads train and validation. The test split is not looked at.
    pub fn load(&self, options: &LoadOptions, watch: Watch<'_>) -> Result<Splits, DataError> {
        options.check()?;
        let (train, val) = self.train_and_val(options)?;
        let (train, val) = (limited(train, Split::Train, options), limited(val, Split::Val, options));
        let mut progress = Progress::new(watch, train.samples.len() + val.samples.len());
        let train = self.decode(train, Split::Train, options, &mut progress)?;
        let val = self.decode(val, Split::Val, options, &mut progress)?;
        Ok(Splits {
            train: Arc::new(train),
            val: Arc::new(val),
            val_is_cut: !self.has(Split::Val),
            has_test: self.has(Split::Test),
        })
    }

    /// Loads one split alone, to evaluate on it: the same images that [`DataSource::load`] gives with the same options,
    /// or the test split, which only this function reads.
    pub fn load_split(&self, split: Split, options: &LoadOptions, watch: Watch<'_>) -> Result<ImageSet, DataError> {
        options.check()?;
        let index = match split {
            Split::Test => self.test(options)?,
            Split::All => self.train_with_val(options)?,
            Split::Train => self.train_and_val(options)?.0,
            Split::Val if !self.has(Split::Train) => self.index(Split::Val, options.on_corrupt)?,
            Split::Val => self.train_and_val(options)?.1,
        };
        let index = limited(index, split, options);
        let mut progress = Progress::new(watch, index.samples.len());
        self.decode(index, split, options, &mut progress)
    }

    fn train_and_val(&self, options: &LoadOptions) -> Result<(Index, Index), DataError> {
        let train = self.index(Split::Train, options.on_corrupt)?;
        if let [class] = &train.classes[..] {
            return Err(DataError::OneClass {
                path: self.path.clone(),
                class: class.clone(),
            });
        }
        if self.has(Split::Val) {
            let val = self.index(Split::Val, options.on_corrupt)?;
            self.check_same_classes(&train, &val, Split::Val)?;
            return Ok((train, val));
        }
        cut_val(train, options.val_fraction, options.seed).map_err(|(class, images)| DataError::TooFewImages {
            path: self.path.clone(),
            class,
            images,
        })
    }

    fn train_with_val(&self, options: &LoadOptions) -> Result<Index, DataError> {
        if !self.has(Split::Train) {
            return self.index(Split::Val, options.on_corrupt);
        }
        let mut all = self.index(Split::Train, options.on_corrupt)?;
        if self.has(Split::Val) {
            let val = self.index(Split::Val, options.on_corrupt)?;
            self.check_same_classes(&all, &val, Split::Val)?;
            all.samples.extend(val.samples);
            all.skipped.extend(val.skipped);
        }
        Ok(all)
    }

    fn test(&self, options: &LoadOptions) -> Result<Index, DataError> {
        let test = self.index(Split::Test, options.on_corrupt)?;
        if self.has(Split::Train) {
            let train = self.index(Split::Train, options.on_corrupt)?;
            self.check_same_classes(&train, &test, Split::Test)?;
        }
        Ok(test)
    }

    /// What a split that the data set brings holds.
    fn index(&self, split: Split, on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        if !self.has(split) {
            let available = [Split::Train, Split::Val, Split::Test]
                .into_iter()
                .filter(|split| self.has(*split));
            let available = available.map(|split| split.to_string()).collect::<Vec<_>>().join(", ");
            return Err(DataError::SplitMissing {
                path: self.path.clone(),
                split,
                available,
            });
        }
        let index = match &self.layout {
            Layout::ImageFolder(folders) => folders.get(split).map(|folder| image_folder::index(folder)),
            Layout::Parquet(files) => files.get(split).map(|files| parquet::index(files, on_corrupt)),
            Layout::Tar(tars) => Some(tars.index(&self.path, split, on_corrupt)),
            Layout::CifarBinary(cifar) => cifar.files().get(split).map(|files| cifar.index(files, on_corrupt)),
            Layout::Idx(pairs) => pairs.get(split).map(|pair| pair.index(on_corrupt)),
            Layout::Demo(synthetic) => Some(Ok(synthetic.index(split))),
        };
        let index = index.expect("the split was just seen to exist")?;
        if index.samples.is_empty() {
            return Err(DataError::NothingLeft {
                path: self.path.clone(),
                split,
                skipped: index.skipped.len(),
            });
        }
        Ok(index)
    }

    fn check_same_classes(&self, train: &Index, other: &Index, split: Split) -> Result<(), DataError> {
        let lacking = |from: &[String], of: &[String]| -> Vec<String> {
            of.iter().filter(|class| !from.contains(class)).cloned().collect()
        };
        let missing = lacking(&other.classes, &train.classes);
        let extra = lacking(&train.classes, &other.classes);
        if !missing.is_empty() || !extra.is_empty() {
            return Err(DataError::ClassesDiffer {
                path: self.path.clone(),
                split,
                missing,
                extra,
            });
        }
        if train.classes != other.classes {
            return Err(DataError::ClassOrderDiffers {
                path: self.path.clone(),
                split,
            });
        }
        Ok(())
    }

    fn decode(
        &self,
        index: Index,
        split: Split,
        options: &LoadOptions,
        progress: &mut Progress<'_>,
    ) -> Result<ImageSet, DataError> {
        let loaded = load_images(index.samples, options, progress)?;
        let mut skipped = index.skipped;
        skipped.extend(loaded.skipped);
        if loaded.labels.is_empty() {
            return Err(DataError::NothingLeft {
                path: self.path.clone(),
                split,
                skipped: skipped.len(),
            });
        }
        for name in &skipped {
            tracing::warn!("skipped as corrupt: {name}");
        }
        let provenance = Provenance {
            kind: self.kind(),
            name: self.name(),
            path: self.path.clone(),
            split,
            skipped,
        };
        Ok(ImageSet {
            store: loaded.store,
            size: loaded.size,
            labels: loaded.labels,
            classes: index.classes.into(),
            provenance,
            on_corrupt: options.on_corrupt,
            fit: options.fit,
        })
    }
}

fn limited(mut index: Index, split: Split, options: &LoadOptions) -> Index {
    if let Some(limit) = options.limit_per_split {
        limit_balanced(&mut index, limit, &format!("subset-{split}"), options.seed);
    }
    index
}

fn recognise_folder(path: &Path) -> Result<Layout, DataError> {
    if let Some(layout) = look_in(path)? {
        return Ok(layout);
    }
    let read = |source| DataError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(read)? {
        names.push(entry.map_err(read)?.file_name().to_string_lossy().into_owned());
    }
    if names.is_empty() {
        return Err(DataError::EmptyFolder {
            path: path.to_path_buf(),
        });
    }
    names.sort();
    let hint = hint_for(path, &names);
    Err(DataError::Unrecognised {
        path: path.to_path_buf(),
        found: short_list(&names),
        hint,
    })
}

fn look_in(path: &Path) -> Result<Option<Layout>, DataError> {
    if let Some(files) = parquet::find(path)? {
        return Ok(Some(Layout::Parquet(files)));
    }
    if let Some(files) = cifar_binary::find(path) {
        return Ok(Some(Layout::CifarBinary(files)));
    }
    if let Some(pairs) = idx::find(path)? {
        return Ok(Some(Layout::Idx(pairs)));
    }
    if let Some(folders) = image_folder::find(path)? {
        return Ok(Some(Layout::ImageFolder(folders)));
    }
    Ok(tar::find(path)?.map(|files| Layout::Tar(TarSet::Shards(files))))
}

/// What may have been meant by a folder that holds no data set.
fn hint_for(path: &Path, names: &[String]) -> String {
    for name in names {
        let below = path.join(name);
        if below.is_dir() && look_in(&below).is_ok_and(|layout| layout.is_some()) {
            return format!("; did you mean {}?", below.display());
        }
    }
    let has = |endings: &[&str]| {
        names
            .iter()
            .find(|name| endings.iter().any(|end| name.to_lowercase().ends_with(end)))
    };
    if let Some(archive) = has(&[".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".zip"]) {
        return format!("; unpack {archive} first");
    }
    if has(&[".jpg", ".jpeg", ".png", ".bmp", ".webp"]).is_some() {
        return "; put the images into one folder per class".to_owned();
    }
    String::new()
}

fn recognise_file(path: &Path) -> Result<Layout, DataError> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    if path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("tar"))
    {
        return Ok(Layout::Tar(tar::open(path)?));
    }
    if [".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".zip"]
        .iter()
        .any(|ending| name.ends_with(ending))
    {
        return Err(DataError::Archive {
            path: path.to_path_buf(),
        });
    }
    if name.ends_with(".parquet") {
        return Ok(Layout::Parquet(PerSplit {
            train: Some(vec![path.to_path_buf()]),
            val: None,
            test: None,
        }));
    }
    Err(DataError::NotAFolder {
        path: path.to_path_buf(),
    })
}
