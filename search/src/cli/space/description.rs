//! Description of a search space: its families and stages, its exact size, and the references that it contains.

use mnas_space::{Family, Reference, Scaling, SearchSpace, Stage};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::error::CliError;

/// A space in a list.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub name: String,
    pub description: String,
    /// Exact, in decimal digits.
    pub size: String,
    pub families: usize,
}

/// Complete description of a space.
#[derive(Debug, Serialize)]
pub struct Document {
    pub name: String,
    pub description: String,
    /// Exact number of configurations, in decimal digits.
    pub size: String,
    /// Number of distinct layers in a latency table of the space.
    pub block_keys: usize,
    /// Limits that every network of the space keeps; null where there is none.
    pub constraints: Value,
    pub early_strides_removed: usize,
    pub families: Vec<FamilyRow>,
    /// All references that the space contains at some width and resolution.
    pub references: Vec<ReferenceRow>,
    /// References that a search of the space trains for comparison.
    pub compared_with: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct FamilyRow {
    pub name: String,
    pub size: String,
    pub resolutions: Vec<u32>,
    pub widths: Vec<f64>,
    pub stages: Vec<StageRow>,
    /// Features of the classifier's hidden layer.
    pub hidden_features: Option<u32>,
}

#[derive(Debug, Serialize)]
pub struct StageRow {
    pub channels: Vec<u32>,
    pub scaling: Scaling,
    pub depth: Vec<u32>,
    pub stride: u32,
    /// Level at which a block is chosen: every `layer`, or the `stage` once for all of its layers.
    pub chosen_by: &'static str,
    pub size: String,
    /// Each block that a layer may be, its fields under their names in TOML.
    pub choices: Vec<Map<String, Value>>,
}

/// A reference that the space contains.
#[derive(Debug, Serialize)]
pub struct ReferenceRow {
    pub name: String,
    /// Number of widths and resolutions looked for: the published ones, and those that the space's file names.
    pub looked_for: usize,
    pub contained: Vec<Form>,
}

/// A width multiplier and an input side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Form {
    pub width: f64,
    pub resolution: u32,
}

impl Summary {
    pub fn of(space: &SearchSpace) -> Self {
        Self {
            name: space.name.clone(),
            description: space.description.clone(),
            size: space.size().to_string(),
            families: space.families.len(),
        }
    }
}

impl Document {
    /// Describes a space whose networks have `classes` classes.
    pub fn of(space: &SearchSpace, classes: u32) -> Result<Self, CliError> {
        let mut references = Vec::new();
        for reference in Reference::all() {
            let row = contained(space, reference, classes)?;
            references.extend((!row.contained.is_empty()).then_some(row));
        }
        let constraints = space.constraints;
        Ok(Self {
            name: space.name.clone(),
            description: space.description.clone(),
            size: space.size().to_string(),
            block_keys: space.block_keys(classes).len(),
            constraints: json!({
                "max_params": constraints.max_params,
                "max_macs": constraints.max_macs,
                "max_peak_activation_bytes": constraints.max_peak_activation_bytes,
            }),
            early_strides_removed: space.early_strides_removed,
            families: space.families.iter().map(family_row).collect(),
            references,
            compared_with: space
                .references
                .iter()
                .map(|points| points.reference.name().to_owned())
                .collect(),
        })
    }
}

fn family_row(family: &Family) -> FamilyRow {
    FamilyRow {
        name: family.name.clone(),
        size: family.size().to_string(),
        resolutions: family.resolutions.clone(),
        widths: family.widths.clone(),
        stages: family.stages.iter().map(stage_row).collect(),
        hidden_features: family.hidden.map(|hidden| hidden.features),
    }
}

fn stage_row(stage: &Stage) -> StageRow {
    let choices = stage.choices.iter().map(|choice| {
        let mut fields = Map::new();
        fields.insert("block".to_owned(), choice.kind().into());
        for (name, text) in choice.fields() {
            let value = match text.as_str() {
                "yes" => Value::Bool(true),
                "no" => Value::Bool(false),
                // A number as JSON writes it, or a name.
                text => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
            };
            fields.insert(name.to_owned(), value);
        }
        fields
    });
    StageRow {
        channels: stage.channels.clone(),
        scaling: stage.scaling,
        depth: stage.depth.clone(),
        stride: stage.stride,
        chosen_by: if stage.per_layer { "layer" } else { "stage" },
        size: stage.size().to_string(),
        choices: choices.collect(),
    }
}

/// The published widths and resolutions of a reference, or those that the space's file names, at which it is in the space.
fn contained(space: &SearchSpace, reference: &Reference, classes: u32) -> Result<ReferenceRow, CliError> {
    let mut forms = Vec::new();
    let mut add = |widths: &[f64], resolutions: &[u32]| {
        for (&width, &resolution) in widths.iter().flat_map(|w| resolutions.iter().map(move |r| (w, r))) {
            let form = Form { width, resolution };
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    };
    add(reference.widths(), reference.resolutions());
    for points in space
        .references
        .iter()
        .filter(|points| points.reference.name() == reference.name())
    {
        add(&points.widths, &points.resolutions);
    }
    let looked_for = forms.len();
    let mut contained = Vec::new();
    for form in forms {
        let network = reference.architecture(form.width, form.resolution, classes)?;
        if space.contains(&network.without_early_strides(space.early_strides_removed)) {
            contained.push(form);
        }
    }
    Ok(ReferenceRow {
        name: reference.name().to_owned(),
        looked_for,
        contained,
    })
}
