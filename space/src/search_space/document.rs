//! Search spaces as TOML documents.

use serde::Deserialize;
use toml::Spanned;

use super::constraints::Constraints;
use super::{ReferencePoints, SearchSpace};
use crate::document::{self, DocumentError, OneOrMany, check_count};
use crate::family::Family;
use crate::family::raw::{Alteration, RawFamily};
use crate::limits;
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

impl SearchSpace {
    /// Reads a space from TOML. Unknown keys, wrong types and numbers out of range are errors with a position.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        read(text)
    }
}

fn read(text: &str) -> Result<SearchSpace, DocumentError> {
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
        check_size(&families).map_err(|problem| DocumentError::at(text, at, problem))?;
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
                "no network satisfies these constraints: the smallest found has {} parameters, {} multiply-adds and {} \
                 bytes of activations; raise a limit or allow smaller networks",
                cost.params, cost.macs, cost.peak_activation_bytes
            );
            DocumentError::at(text, at, problem)
        })?;
        space.smallest = Some(smallest);
    }
    Ok(space)
}

/// Rejects spaces whose layers would take too much memory or time to enumerate.
fn check_size(families: &[Family]) -> Result<(), String> {
    let variants: usize = families.iter().map(Family::layer_variants).sum();
    let sized = families
        .iter()
        .map(|family| family.layer_variants().saturating_mul(family.resolutions.len()));
    let sized = sized.fold(0, usize::saturating_add);
    for (what, count, most) in [
        ("", variants, limits::LAYER_VARIANTS),
        (" at all resolutions", sized, limits::SIZED_LAYERS),
    ] {
        if count > most {
            return Err(format!(
                "the families up to here have {count} different layers{what}; expected at most {most}"
            ));
        }
    }
    Ok(())
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
        check_count(text, at, "widths", widths.len())?;
        check_count(text, at, "resolutions", resolutions.len())?;
        // Errors in widths do not depend on the resolution, nor errors in resolutions on the width.
        let (width, resolution) = (widths[0], resolutions[0]);
        let each_width = widths.iter().map(|&width| (width, resolution));
        for (width, resolution) in each_width.chain(resolutions.iter().map(|&resolution| (width, resolution))) {
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
