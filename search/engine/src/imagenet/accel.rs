//! Networks of Accel-NASBench: 4,100 networks of one space, trained on `ImageNet` with one cheap recipe.

use std::fmt::Write as _;
use std::path::Path;

use mnas_space::{Architecture, NotationError};

/// Trained network of Accel-NASBench.
#[derive(Debug, Clone, PartialEq)]
pub struct AccelNetwork {
    /// Network.
    pub architecture: Architecture,
    /// Top-1 in percent with the benchmark's recipe, 42.9 to 67.1; not comparable with published accuracies.
    pub top1: f64,
}

/// Error of reading the benchmark's table.
#[derive(Debug, thiserror::Error)]
pub enum AccelError {
    /// The file is missing or not a CSV table.
    #[error("{path}: {source}; expected the table of Accel-NASBench with the columns `arch` and `top1`")]
    Table {
        /// File.
        path: String,
        /// Reason.
        source: csv::Error,
    },
    /// A row is not a network.
    #[error("{path}, line {line}: `{key}` is not a network of Accel-NASBench: {problem}")]
    Row {
        /// File.
        path: String,
        /// Line of the file.
        line: usize,
        /// Network as written.
        key: String,
        /// Reason.
        problem: String,
    },
}

#[derive(Debug, serde::Deserialize)]
struct Row {
    arch: String,
    top1: f64,
}

/// Output channels and stride of each stage.
const STAGES: [(u32, u32); 7] = [(16, 1), (24, 2), (40, 2), (80, 2), (112, 1), (192, 2), (320, 1)];

/// Network of a key such as `e6k5l2|e4k3l3se|e4k5l3|e4k3l2|e4k5l3se|e4k3l2|e1k3l3`.
pub fn accel_architecture(key: &str) -> Result<Architecture, String> {
    let stages: Vec<&str> = key.split('|').collect();
    if stages.len() != STAGES.len() {
        return Err(format!("{} stages; expected {}", stages.len(), STAGES.len()));
    }
    let mut text = String::from("in224_eps0.001_mom0.01,conv_k3_s2_c32_nsw");
    for (stage, (channels, stride)) in stages.into_iter().zip(STAGES) {
        let (choices, squeeze) = match stage.strip_suffix("se") {
            Some(choices) => (choices, "_si0.25_gsi_snsw"),
            None => (stage, ""),
        };
        let numbers = choices.strip_prefix('e').and_then(|rest| {
            let (expansion, rest) = rest.split_once('k')?;
            let (kernel, layers) = rest.split_once('l')?;
            Some((expansion, kernel, layers))
        });
        let (expansion, kernel, layers) =
            numbers.ok_or_else(|| format!("stage `{stage}`; expected such as `e4k3l2se`"))?;
        let _ = write!(
            text,
            ",ir_r{layers}_k{kernel}_s{stride}_e{expansion}_c{channels}{squeeze}_nsw"
        );
    }
    text += ",conv_k1_c1280_nsw,head_o1000";
    text.parse().map_err(|error: NotationError| error.to_string())
}

/// Reads the benchmark's table, a CSV file with the columns `arch` and `top1`.
pub fn read_accel(path: &Path) -> Result<Vec<AccelNetwork>, AccelError> {
    let file = || path.display().to_string();
    let table = |source| AccelError::Table { path: file(), source };
    let mut reader = csv::Reader::from_path(path).map_err(table)?;
    let mut networks = Vec::new();
    for (index, row) in reader.deserialize().enumerate() {
        let row: Row = row.map_err(table)?;
        let architecture = accel_architecture(&row.arch).and_then(|architecture| {
            let possible = (0.0..100.0).contains(&row.top1);
            possible
                .then_some(architecture)
                .ok_or_else(|| format!("top-1 of {} %", row.top1))
        });
        let architecture = architecture.map_err(|problem| AccelError::Row {
            path: file(),
            line: index + 2,
            key: row.arch.clone(),
            problem,
        })?;
        networks.push(AccelNetwork {
            architecture,
            top1: row.top1,
        });
    }
    Ok(networks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_network_of_the_benchmark() {
        let network = accel_architecture("e6k5l2|e4k3l3se|e4k5l3|e4k3l2|e4k5l3se|e4k3l2|e1k3l3").unwrap();
        // Parameters in the benchmark's table: 2.941476 million.
        assert_eq!(network.cost().params, 2_941_476);
        let space = mnas_space::SearchSpace::embedded("accel-nasbench").unwrap();
        assert!(mnas_space::SearchSpace::from_toml(space).unwrap().contains(&network));
    }

    #[test]
    fn bad_tables_name_the_file_and_the_line() {
        assert!(accel_architecture("e6k5l2").unwrap_err().contains("1 stages"));
        assert!(accel_architecture("e6k5l2|x|x|x|x|x|x").unwrap_err().contains("`x`"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "arch,top1\ne6,61\n").unwrap();
        let error = read_accel(file.path()).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("`e6`"), "{error}");
        assert!(
            read_accel(Path::new("/nowhere.csv"))
                .unwrap_err()
                .to_string()
                .contains("/nowhere.csv")
        );
    }
}
