//! Fields of blocks: name in TOML documents, code in architecture strings, and allowed values. The parsers of both forms
//! share them.

use crate::activation::{Activation, Gate};
use crate::limits;

/// Property of a block.
#[derive(Debug, PartialEq)]
pub(crate) struct Field {
    /// Name in TOML documents: `squeeze-excite`.
    pub name: &'static str,
    /// Code in architecture strings: `se`.
    pub code: &'static str,
    /// Allowed values.
    pub domain: Domain,
}

/// Allowed values of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Domain {
    /// Whole number in a range.
    Whole { least: u32, most: u32 },
    /// Side of a kernel: an odd number, or 0 for no convolution if `or_none`.
    Kernel { or_none: bool },
    /// Number in a range; if `or_none`, also 0 for none in TOML.
    Decimal { least: f64, most: f64, or_none: bool },
    /// Activation function.
    Activation,
    /// Squeeze-excite gate.
    Gate,
    /// Flag: its bare code in strings, true or false in TOML; `when` is the TOML value that the code stands for.
    Flag { when: bool },
}

/// Value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    Whole(u32),
    Decimal(f64),
    Activation(Activation),
    Gate(Gate),
    Flag,
}

const fn field(name: &'static str, code: &'static str, domain: Domain) -> Field {
    Field { name, code, domain }
}

const fn whole(name: &'static str, code: &'static str, most: u32) -> Field {
    field(name, code, Domain::Whole { least: 1, most })
}

const fn share(name: &'static str, code: &'static str) -> Field {
    let domain = Domain::Decimal {
        least: 0.01,
        most: 1.0,
        or_none: true,
    };
    field(name, code, domain)
}

pub(crate) static STRIDE: Field = whole("stride", "s", limits::STRIDE);
pub(crate) static CHANNELS: Field = whole("channels", "c", limits::CHANNELS);
pub(crate) static KERNEL: Field = field("kernel", "k", Domain::Kernel { or_none: false });
/// Kernel of an optional convolution.
pub(crate) static OPTIONAL_KERNEL: Field = field("kernel", "k", Domain::Kernel { or_none: true });
/// Kernel of the depthwise convolution before the expansion of a universal inverted bottleneck.
pub(crate) static START_KERNEL: Field = field("start-kernel", "a", Domain::Kernel { or_none: true });
pub(crate) static EXPANSION: Field = field(
    "expansion",
    "e",
    Domain::Decimal {
        least: 0.125,
        most: limits::EXPANSION,
        or_none: false,
    },
);
pub(crate) static HIDDEN_CHANNELS: Field = whole("hidden-channels", "h", limits::HIDDEN_CHANNELS);
pub(crate) static GROUPS: Field = whole("groups", "gr", 64);
pub(crate) static SQUEEZE_EXCITE: Field = share("squeeze-excite", "se");
pub(crate) static SQUEEZE_INPUT: Field = share("squeeze-input", "si");
pub(crate) static SQUEEZE_CHANNELS: Field = whole("squeeze-channels", "sq", limits::HIDDEN_CHANNELS);
pub(crate) static SQUEEZE_ACTIVATION: Field = field("squeeze-activation", "sn", Domain::Activation);
pub(crate) static GATE: Field = field("gate", "g", Domain::Gate);
pub(crate) static ACTIVATION: Field = field("activation", "n", Domain::Activation);
pub(crate) static NO_RESIDUAL: Field = field("residual", "noskip", Domain::Flag { when: false });
pub(crate) static LAYER_SCALE: Field = field("layer-scale", "ls", Domain::Flag { when: true });
/// Features of the head's hidden layer with bias.
pub(crate) static FEATURES: Field = whole("features", "f", limits::HIDDEN_CHANNELS);
/// Features of the head's hidden layer with batch-norm.
pub(crate) static NORMALISED_FEATURES: Field = whole("features", "fb", limits::HIDDEN_CHANNELS);
/// Features of the head's hidden layer without bias and batch-norm.
pub(crate) static PLAIN_FEATURES: Field = whole("features", "fn", limits::HIDDEN_CHANNELS);
pub(crate) static CLASSES: Field = whole("classes", "o", limits::CLASSES);

impl Field {
    /// Describes the allowed texts in an architecture string, for error messages.
    pub fn expected(&self) -> String {
        let codes = |codes: Vec<&str>| {
            let texts: Vec<String> = codes.iter().map(|code| format!("{}{code}", self.code)).collect();
            format!("one of {}", texts.join(", "))
        };
        match self.domain {
            Domain::Activation => codes(Activation::ALL.map(Activation::code).to_vec()),
            Domain::Gate => codes(Gate::ALL.map(Gate::code).to_vec()),
            other => other.expected(),
        }
    }
}

impl Domain {
    /// Describes the allowed values, for error messages.
    pub fn expected(self) -> String {
        let list = |names: Vec<&str>| format!("one of {}", names.join(", "));
        match self {
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::Kernel { or_none: false } => format!("an odd number up to {}, such as 3, 5 or 7", limits::KERNEL),
            Self::Kernel { or_none: true } => format!("0 for none, or an odd number up to {}", limits::KERNEL),
            Self::Decimal { least, most, .. } => format!("a number from {least} to {most}"),
            Self::Activation => list(Activation::ALL.map(Activation::name).to_vec()),
            Self::Gate => list(Gate::ALL.map(Gate::name).to_vec()),
            Self::Flag { .. } => "true or false".to_owned(),
        }
    }

    /// Value for a number; `None` if it is not allowed.
    pub fn number(self, number: f64) -> Option<Value> {
        let whole = (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32);
        match self {
            Self::Whole { least, most } => whole.filter(|n| (least..=most).contains(n)).map(Value::Whole),
            Self::Kernel { or_none } => whole
                .filter(|n| (n % 2 == 1 && *n <= limits::KERNEL) || (*n == 0 && or_none))
                .map(Value::Whole),
            Self::Decimal { least, most, .. } => (least..=most).contains(&number).then_some(Value::Decimal(number)),
            Self::Activation | Self::Gate | Self::Flag { .. } => None,
        }
    }

    /// Value for the text after the field's code in an architecture string; `None` if it is not allowed.
    pub fn code(self, text: &str) -> Option<Value> {
        match self {
            Self::Activation => Activation::from_code(text).map(Value::Activation),
            Self::Gate => Gate::from_code(text).map(Value::Gate),
            Self::Flag { .. } => text.is_empty().then_some(Value::Flag),
            Self::Decimal { .. } => {
                let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                text.parse()
                    .ok()
                    .filter(|_| plain)
                    .and_then(|number| self.number(number))
            }
            Self::Whole { .. } | Self::Kernel { .. } => {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse::<u32>().ok().filter(|_| digits);
                number.and_then(|number| self.number(f64::from(number)))
            }
        }
    }

    /// Value for a name in a TOML document; `None` if it is not allowed.
    pub fn name(self, text: &str) -> Option<Value> {
        match self {
            Self::Activation => Activation::from_name(text).map(Value::Activation),
            Self::Gate => Gate::from_name(text).map(Value::Gate),
            _ => None,
        }
    }

    /// Checks whether `rest`, the text after a field's code, has the form of a value, whether in range or not.
    pub fn has_form(self, rest: &str) -> bool {
        match self {
            Self::Whole { .. } | Self::Kernel { .. } | Self::Decimal { .. } => {
                rest.starts_with(|c: char| c.is_ascii_digit())
            }
            Self::Activation | Self::Gate => !rest.is_empty(),
            Self::Flag { .. } => rest.is_empty(),
        }
    }
}

/// Reason why a set of fields does not describe a valid block.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    /// Description of the fields that were found.
    pub problem: String,
    /// Description of the fields that were expected.
    pub expected: String,
}

impl Problem {
    pub fn new(problem: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            expected: expected.into(),
        }
    }
}

/// Fields of a block, or of a block choice of a search space, with their values.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Values(Vec<(&'static Field, Value)>);

impl Values {
    pub fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    pub fn insert(&mut self, field: &'static Field, value: Value) {
        self.0.push((field, value));
    }

    pub fn remove(&mut self, field: &Field) {
        self.0.retain(|(other, _)| other.code != field.code);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static Field, Value)> + '_ {
        self.0.iter().copied()
    }

    fn get(&self, field: &Field) -> Option<Value> {
        self.iter()
            .find_map(|(other, value)| (other.code == field.code).then_some(value))
    }

    pub fn has(&self, field: &Field) -> bool {
        self.get(field).is_some()
    }

    pub fn whole(&self, field: &Field) -> Option<u32> {
        match self.get(field) {
            Some(Value::Whole(value)) => Some(value),
            _ => None,
        }
    }

    pub fn decimal(&self, field: &Field) -> Option<f64> {
        match self.get(field) {
            Some(Value::Decimal(value)) => Some(value),
            _ => None,
        }
    }

    pub fn activation(&self, field: &Field) -> Option<Activation> {
        match self.get(field) {
            Some(Value::Activation(value)) => Some(value),
            _ => None,
        }
    }

    pub fn gate(&self, field: &Field) -> Option<Gate> {
        match self.get(field) {
            Some(Value::Gate(value)) => Some(value),
            _ => None,
        }
    }

    pub fn require_whole(&self, field: &Field) -> Result<u32, Problem> {
        self.whole(field).ok_or_else(|| missing(field))
    }

    pub fn require_activation(&self, field: &Field) -> Result<Activation, Problem> {
        self.activation(field).ok_or_else(|| missing(field))
    }
}

fn missing(field: &Field) -> Problem {
    let problem = format!("no {} (`{}`)", field.name, field.code);
    Problem::new(problem, format!("expected {}", field.domain.expected()))
}
