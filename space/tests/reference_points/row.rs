//! Rows of the table of published points.

/// Number as printed by its source.
#[derive(Debug, Clone, Copy)]
pub struct Printed {
    /// Number.
    pub value: f64,
    /// Number of digits after the decimal point.
    pub decimals: u32,
}

impl Printed {
    fn parse(text: &str) -> Option<Self> {
        let value = text.parse().ok()?;
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        Some(Self {
            value,
            decimals: u32::try_from(decimals).ok()?,
        })
    }

    fn scaled(self, exact: f64) -> (f64, f64) {
        let factor = 10_f64.powi(self.decimals.cast_signed());
        (exact * factor, (self.value * factor).round())
    }

    /// Checks whether the printed number is `exact`, rounded to its digits.
    pub fn is_rounded(self, exact: f64) -> bool {
        let (exact, printed) = self.scaled(exact);
        (exact - printed).abs() <= 0.5
    }

    /// Checks whether the printed number is `exact`, truncated to its digits.
    pub fn is_truncated(self, exact: f64) -> bool {
        let (exact, printed) = self.scaled(exact);
        (exact.floor() - printed).abs() < 0.5
    }
}

/// Row of the table of published points.
#[derive(Debug)]
pub struct Row {
    /// Name of the network in the source.
    pub model: String,
    /// Width multiplier.
    pub width: f64,
    /// Side of the input in pixels.
    pub resolution: u32,
    /// Multiply-adds and parameters in millions, if the row has them.
    pub counts: Option<(Printed, Printed)>,
    source: String,
}

impl Row {
    /// Reads a record of the table.
    pub fn of(record: &csv::StringRecord) -> Self {
        Self {
            model: record[0].to_owned(),
            width: record[1].parse().unwrap(),
            resolution: record[2].parse().unwrap(),
            counts: Printed::parse(&record[5]).zip(Printed::parse(&record[6])),
            source: record[9].to_owned(),
        }
    }

    /// Published multiply-adds in millions.
    pub fn madds(&self) -> Printed {
        self.counts.unwrap().0
    }

    /// Published parameters in millions.
    pub fn params(&self) -> Printed {
        self.counts.unwrap().1
    }

    /// Model without the suffix for quantised weights, which do not change the counts.
    fn float_model(&self) -> &str {
        self.model.trim_end_matches("_quant").trim_end_matches("_8bit")
    }

    /// Checks whether the row is from `TensorFlow`'s table and of this model, quantised or not.
    pub fn is_tensorflow(&self, model: &str) -> bool {
        self.source.starts_with("tensorflow/") && self.float_model() == model
    }

    /// Checks whether the row has this width multiplier and resolution.
    pub fn is_at(&self, width: f64, resolution: u32) -> bool {
        (self.width - width).abs() < 1e-9 && self.resolution == resolution
    }

    /// Name of the row's reference, `None` if the source built another network.
    pub fn reference(&self) -> Option<String> {
        let model = self.float_model();
        let Some((model, _)) = model.split_once(" (") else {
            return (!model.ends_with("_paddle")).then(|| model.replace('_', "-"));
        };
        if let Some(number) = model.strip_prefix("EfficientNet-B") {
            return Some(format!("efficientnet-b{}", &number[..1]));
        }
        let size = model.strip_prefix("EfficientNet-Edge-")?.split('-').next()?;
        Some(format!("efficientnet-edge-{}", size.to_lowercase()))
    }
}
