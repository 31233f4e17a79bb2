//! Places of a study's files.

use std::path::{Path, PathBuf};

use crate::files::{self, FileError};

/// A study's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyFolder {
    root: PathBuf,
}

/// An error of a study's folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is a study already.
    #[error("{} holds a study already; continue it with --resume, or choose another folder with --out", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds something else.
    #[error("{} is not empty and holds no study; choose another folder with --out", path.display())]
    NotAStudy {
        /// The folder.
        path: PathBuf,
    },
    /// There is no study.
    #[error("{} holds no study (no study.toml); give the folder of one, or begin one with `mnas search --out`", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another process works on the study.
    #[error("{} is in use by another mnas; wait for it or stop it", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

/// File that is locked by the process that works on the study.
const LOCK: &str = ".lock";

/// Possible content of a folder before `study.toml` makes it a study.
const BEFORE_IT_BEGINS: [&str; 7] = [
    LOCK,
    "latency",
    "logs",
    "parent",
    "space.toml",
    "trials.jsonl",
    "weights",
];

impl StudyFolder {
    /// A locked folder for a new study; refuses one that holds anything but the remains of a search that was killed during its
    /// set-up.
    pub fn create(root: &Path) -> Result<NewFolder, FolderError> {
        let folder = Self {
            root: root.to_path_buf(),
        };
        if folder.config().exists() {
            return Err(FolderError::Exists {
                path: root.to_path_buf(),
            });
        }
        let names: Vec<String> = std::fs::read_dir(root)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        let leftovers = names.iter().any(|name| name == LOCK)
            && names
                .iter()
                .all(|name| BEFORE_IT_BEGINS.contains(&name.as_str()) || name.starts_with(files::PARTIAL));
        if !names.is_empty() && !leftovers {
            return Err(FolderError::NotAStudy {
                path: root.to_path_buf(),
            });
        }
        files::create_folder(root)?;
        // Locked at once: another process that is setting up here must not lose its folder to this one's clean-up.
        let lock = Some(folder.lock()?);
        Ok(NewFolder { folder, lock })
    }

    /// The folder of an existing study.
    pub fn open(root: &Path) -> Result<Self, FolderError> {
        let folder = Self {
            root: root.to_path_buf(),
        };
        if folder.config().exists() {
            Ok(folder)
        } else {
            Err(FolderError::Missing {
                path: root.to_path_buf(),
            })
        }
    }

    /// Folder of the fine-tuned parent and of its training.
    pub fn parent(&self) -> PathBuf {
        self.root.join("parent")
    }

    /// Weights of the fine-tuned parent.
    pub fn parent_weights(&self) -> PathBuf {
        self.parent().join("weights.safetensors")
    }

    /// Prevents other processes from working on the study while the returned file is open.
    pub fn lock(&self) -> Result<std::fs::File, FolderError> {
        let path = self.root.join(LOCK);
        let file = std::fs::File::create(&path).map_err(|source| FileError::write(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => Err(FolderError::Locked {
                path: self.root.clone(),
            }),
            Err(std::fs::TryLockError::Error(source)) => Err(FileError::write(&path, source).into()),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `study.toml`: the resolved configuration.
    pub fn config(&self) -> PathBuf {
        self.root.join("study.toml")
    }

    /// `space.toml`: the search space.
    pub fn space(&self) -> PathBuf {
        self.root.join("space.toml")
    }

    /// `latency/`: the latency tables at the start of the search, one folder per device.
    pub fn latency(&self) -> PathBuf {
        self.root.join("latency")
    }

    /// The latency table of one device, by its index in the study's configuration.
    pub fn latency_table(&self, device: usize) -> PathBuf {
        self.latency().join(device.to_string())
    }

    /// `trials.jsonl`: the journal.
    pub fn journal(&self) -> PathBuf {
        self.root.join("trials.jsonl")
    }

    /// `weights/`: weights of the trials that may still become the best.
    pub fn weights(&self, trial: u64) -> PathBuf {
        self.root.join("weights").join(format!("{trial}.safetensors"))
    }

    /// `checkpoints/`: states of the trials under way.
    pub fn checkpoint(&self, trial: u64) -> PathBuf {
        self.root.join("checkpoints").join(format!("{trial}.checkpoint"))
    }

    /// `finalists/`: weights of the networks trained in full, by their trial.
    pub fn finalists(&self) -> PathBuf {
        self.root.join("finalists")
    }

    /// Weights of the network of a trial, trained in full.
    pub fn finalist_weights(&self, trial: u64) -> PathBuf {
        self.finalists().join(format!("{trial}.safetensors"))
    }

    /// State of a final training under way.
    pub fn finalist_checkpoint(&self, trial: u64) -> PathBuf {
        self.root.join("checkpoints").join(format!("final-{trial}.checkpoint"))
    }

    /// `logs/`: stderr of the workers.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// `best/`: the best network's architecture, weights and ONNX file.
    pub fn best(&self) -> PathBuf {
        self.root.join("best")
    }
}

/// The locked folder of a study during its set-up; removed on drop unless kept.
#[derive(Debug)]
pub struct NewFolder {
    folder: StudyFolder,
    lock: Option<std::fs::File>,
}

impl NewFolder {
    /// Keeps the folder; returns it with its lock.
    ///
    /// # Panics
    ///
    /// Never: the lock is there until it is taken here.
    pub fn keep(mut self) -> (StudyFolder, std::fs::File) {
        let lock = self.lock.take().expect("the lock is taken once, here");
        (self.folder.clone(), lock)
    }
}

impl std::ops::Deref for NewFolder {
    type Target = StudyFolder;

    fn deref(&self) -> &StudyFolder {
        &self.folder
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // It was empty or absent before; nothing of value is in it yet.
            let _ = std::fs::remove_dir_all(self.folder.root());
        }
    }
}
