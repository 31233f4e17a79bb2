//! Ranges of the numbers of a recipe, and the place in the text of one out of range.

use mnas_space::DocumentError;
use toml::de::{DeTable, DeValue};

use super::{OptimizerKind, Recipe, RecipeError, Schedule};

/// Range of a number: its key, value, lowest and highest accepted value, and the range in words.
type Rule = (&'static str, f64, f64, f64, &'static str);

/// Lowest accepted value of numbers above 0.
const TINY: f64 = 1e-12;
const SHARE_BELOW_ONE: &str = "0 up to but not including 1";

impl Recipe {
    /// Checks every number.
    pub fn check(&self) -> Result<(), RecipeError> {
        let rules = self.general_rules().into_iter().chain(self.technique_rules());
        for (key, value, lowest, highest, expected) in rules {
            if !(lowest..=highest).contains(&value) {
                return Err(self.refuse(key, value.to_string(), expected));
            }
        }
        if self.mixup.or(self.cutmix).is_some() && self.batch_size < 2 {
            return Err(self.refuse("batch-size", self.batch_size.to_string(), "at least 2 images to mix"));
        }
        let expected = "a value that the error names; see the recipes in configs/recipes";
        let augmentation = self.augmentation.check().and(self.extra_augmentation().check());
        augmentation.map_err(|error| self.refuse("augmentation", error.to_string(), expected))
    }

    fn refuse(&self, key: &'static str, value: String, expected: &'static str) -> RecipeError {
        RecipeError::Value {
            recipe: self.name.clone(),
            key,
            value,
            expected,
        }
    }

    fn general_rules(&self) -> Vec<Rule> {
        let epochs = f64::from(self.epochs);
        let mut rules = vec![
            ("epochs", epochs, 1.0, 100_000.0, "1 to 100000"),
            ("batch-size", self.batch_size as f64, 2.0, 65_536.0, "2 to 65536 images"),
            (
                "learning-rate",
                self.learning_rate,
                1e-9,
                1e3,
                "a number above 0, up to 1000",
            ),
            ("momentum", self.momentum, 0.0, 0.9999, "0 to 0.9999"),
            ("weight-decay", self.weight_decay, 0.0, 1.0, "0 to 1"),
            ("label-smoothing", self.label_smoothing, 0.0, 0.9, "0 to 0.9"),
            (
                "warmup-epochs",
                self.warmup_epochs,
                0.0,
                epochs,
                "0 to the number of epochs",
            ),
            (
                "head-epochs",
                self.head_epochs,
                0.0,
                epochs,
                "0 to the number of epochs",
            ),
            ("backbone-rate", self.backbone_rate, TINY, 1.0, "above 0 and up to 1"),
            ("dropout", self.dropout, 0.0, 0.95, "0 to 0.95"),
        ];
        if let Some(norm) = self.clip_norm {
            rules.push((
                "clip-norm",
                norm,
                TINY,
                1e9,
                "a number above 0, or leave it out for no limit",
            ));
        }
        if let Some(decay) = self.ema {
            rules.push((
                "ema",
                decay,
                0.0,
                0.999_999,
                "0 to 0.999999 (0.9999 is usual), or leave it out",
            ));
        }
        if let Some(momentum) = self.batch_norm_momentum {
            rules.push((
                "batch-norm-momentum",
                momentum,
                1e-6,
                1.0,
                "above 0 and up to 1 (0.1 is usual)",
            ));
        }
        if let Some(alpha) = self.mixup {
            rules.push((
                "mixup",
                alpha,
                1e-3,
                100.0,
                "0.001 to 100 (0.2 is usual), or leave it out",
            ));
        }
        if let Some(alpha) = self.cutmix {
            rules.push((
                "cutmix",
                alpha,
                1e-3,
                100.0,
                "0.001 to 100 (1.0 is usual), or leave it out",
            ));
        }
        rules
    }

    fn technique_rules(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        match self.optimizer {
            OptimizerKind::Sgd => {}
            OptimizerKind::Rmsprop { decay, epsilon } => {
                rules.push(("optimizer.rmsprop.decay", decay, 0.0, 0.999_999, SHARE_BELOW_ONE));
                rules.push(("optimizer.rmsprop.epsilon", epsilon, TINY, 10.0, "above 0 and up to 10"));
            }
            OptimizerKind::Adamw { beta1, beta2, epsilon } => {
                rules.push(("optimizer.adamw.beta1", beta1, 0.0, 0.999_999, SHARE_BELOW_ONE));
                rules.push(("optimizer.adamw.beta2", beta2, 0.0, 0.999_999, SHARE_BELOW_ONE));
                rules.push(("optimizer.adamw.epsilon", epsilon, TINY, 10.0, "above 0 and up to 10"));
            }
        }
        let fall = |rules: &mut Vec<Rule>, keys: [&'static str; 2], epochs, factor| {
            rules.push((keys[0], epochs, 1e-3, 1e5, "at least 0.001 epochs"));
            rules.push((keys[1], factor, 1e-6, 1.0, "above 0 and up to 1"));
        };
        match self.schedule {
            Schedule::Cosine | Schedule::Constant => {}
            Schedule::Step { epochs, factor } => {
                fall(
                    &mut rules,
                    ["schedule.step.epochs", "schedule.step.factor"],
                    epochs,
                    factor,
                );
            }
            Schedule::Exponential { epochs, factor } => {
                let keys = ["schedule.exponential.epochs", "schedule.exponential.factor"];
                fall(&mut rules, keys, epochs, factor);
            }
        }
        if let Some(teacher) = &self.distillation {
            rules.push((
                "distillation.temperature",
                teacher.temperature,
                0.01,
                1e3,
                "0.01 to 1000",
            ));
            rules.push(("distillation.weight", teacher.weight, 0.0, 1.0, "0 to 1"));
        }
        if let Some(progressive) = &self.progressive_resolution {
            rules.push(("progressive-resolution.from", progressive.from, 0.1, 1.0, "0.1 to 1"));
            let stages = f64::from(progressive.stages);
            rules.push(("progressive-resolution.stages", stages, 1.0, 1000.0, "1 to 1000"));
        }
        rules
    }
}

/// The error with the line of its number, where the text contains it.
pub(super) fn located(error: RecipeError, text: &str) -> RecipeError {
    let RecipeError::Value {
        key, value, expected, ..
    } = &error
    else {
        return error;
    };
    let problem = format!("{key} = {value}; expected {expected}");
    RecipeError::Document(DocumentError::at(text, offset_of(text, key).unwrap_or(0), problem))
}

/// Position of the value of a dotted key; that of the innermost table in the text where the rest is a default.
fn offset_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut offset = None;
    for part in key.split('.') {
        let Some((_, value)) = table.iter().find(|(name, _)| name.get_ref().as_ref() == part) else {
            break;
        };
        offset = Some(value.span().start);
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    offset
}
