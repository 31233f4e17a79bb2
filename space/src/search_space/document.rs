//! Search spaces as TOML.

use serde::Deserialize;
use toml::Spanned;

use super::{Constraints, ReferencePoints, SearchSpace};
use crate::document::{self, DocumentError, OneOrMany};
use crate::family::{Alteration, Family, RawFamily};
use crate::reference::Reference;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawSpace {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    early_strides_removed: usize,
    constraints: Option<Spanned<Constraints>>,
    family: Vec<RawFamily>,
    #[serde(default)]
    reference: Vec<RawReferencePoints>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawReferencePoints {
    name: Spanned<String>,
    width: Option<OneOrMany<f64>>,
    resolution: Option<OneOrMany<u32>>,
}

/// Reads a space; every number is checked.
pub(super) fn read(text: &str) -> Result<SearchSpace, DocumentError> {
    let raw: RawSpace = document::parse_toml(text)?;
    let mut families: Vec<Family> = Vec::new();
    for family in raw.family {
        let at = family.name().span().start;
        let alteration = Alteration {
            early_strides_removed: raw.early_strides_removed,
            ..Alteration::default()
        };
        let family = family.check(text, alteration)?;
        if families.iter().any(|other| other.name == family.name) {
            let problem = format!("a second family is called `{}`", family.name);
            return Err(DocumentError::at(text, at, problem));
        }
        families.push(family);
    }
    if families.is_empty() {
        return Err(DocumentError::at(text, 0, "the space has no `[[family]]`"));
    }
    let references = raw
        .reference
        .into_iter()
        .map(|points| points.check(text))
        .collect::<Result<Vec<_>, _>>()?;
    let at = raw
        .constraints
        .as_ref()
        .map_or(0, |constraints| constraints.span().start);
    let mut space = SearchSpace {
        name: raw.name,
        description: raw.description,
        families,
        constraints: raw.constraints.map(Spanned::into_inner).unwrap_or_default(),
        references,
        early_strides_removed: raw.early_strides_removed,
        smallest: None,
    };
    if !space.constraints.is_empty() {
        let smallest = space.find_smallest().map_err(|cost| {
            let problem = format!(
                "no network keeps these constraints: the smallest found has {} parameters, {} multiply-adds and {} \
                 bytes of activations; raise a limit or allow smaller networks",
                cost.params, cost.macs, cost.peak_activation_bytes
            );
            DocumentError::at(text, at, problem)
        })?;
        space.smallest = Some(smallest);
    }
    Ok(space)
}

impl RawReferencePoints {
    fn check(self, text: &str) -> Result<ReferencePoints, DocumentError> {
        let at = self.name.span().start;
        let reference = Reference::named(self.name.get_ref())
            .map_err(|error| DocumentError::at(text, at, error.to_string()))?
            .clone();
        let mut widths = self.width.map_or_else(|| reference.widths().to_vec(), |list| list.0);
        let mut resolutions = self
            .resolution
            .map_or_else(|| reference.resolutions().to_vec(), |list| list.0);
        widths.sort_by(f64::total_cmp);
        resolutions.sort_unstable();
        for (&width, &resolution) in widths.iter().flat_map(|w| resolutions.iter().map(move |r| (w, r))) {
            reference
                .architecture(width, resolution, 1)
                .map_err(|error| DocumentError::at(text, at, error.to_string()))?;
        }
        Ok(ReferencePoints {
            reference,
            widths,
            resolutions,
        })
    }
}
