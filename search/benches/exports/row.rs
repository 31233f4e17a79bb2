//! Rows of the table.

use mnas_search::export::ExportError;

/// Largest accepted difference of a score to libtorch's, as a share of the largest score.
const TOLERANCE: f64 = 1e-4;

/// Files of a network, as read back.
pub struct Acceptance {
    /// Largest difference of ONNX Runtime's scores to libtorch's, as a share of the largest score.
    pub onnx: f64,
    /// The same of LiteRT's scores.
    pub tflite: f64,
    /// True if XNNPACK computes the whole network in 32-bit floats.
    pub fp32_is_whole: bool,
    /// True if XNNPACK computes the whole network in 8-bit integers.
    pub int8_is_whole: bool,
}

/// Networks of a space.
pub struct Row {
    name: String,
    networks: usize,
    onnx: f64,
    tflite: f64,
    fp32_whole: usize,
    int8_whole: usize,
    problems: Vec<String>,
}

impl Row {
    pub const HEADINGS: &str = "\
| networks | | ONNX Runtime | LiteRT | whole in XNNPACK, fp32 | int8 |
|---|---|---|---|---|---|";

    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            networks: 0,
            onnx: 0.0,
            tflite: 0.0,
            fp32_whole: 0,
            int8_whole: 0,
            problems: Vec::new(),
        }
    }

    pub fn add(&mut self, network: &str, found: Result<Acceptance, ExportError>) {
        self.networks += 1;
        let mut problem = |text: String| self.problems.push(format!("{network}: {text}"));
        let found = match found {
            Ok(found) => found,
            Err(error) => return problem(error.to_string()),
        };
        for (reader, difference) in [("ONNX Runtime", found.onnx), ("LiteRT", found.tflite)] {
            if difference > TOLERANCE {
                problem(format!("{reader} differs by {difference:.1e}"));
            }
        }
        for (precision, is_whole) in [("fp32", found.fp32_is_whole), ("int8", found.int8_is_whole)] {
            if !is_whole {
                problem(format!("not whole in XNNPACK in {precision}"));
            }
        }
        self.onnx = self.onnx.max(found.onnx);
        self.tflite = self.tflite.max(found.tflite);
        self.fp32_whole += usize::from(found.fp32_is_whole);
        self.int8_whole += usize::from(found.int8_is_whole);
    }

    /// Prints the row, and the problems on standard error.
    pub fn print(&self) {
        println!(
            "| {} | {} | {:.1e} | {:.1e} | {} | {} |",
            self.name, self.networks, self.onnx, self.tflite, self.fp32_whole, self.int8_whole
        );
        for problem in &self.problems {
            eprintln!("{}: {problem}", self.name);
        }
    }
}
