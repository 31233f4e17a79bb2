//! References as TOML documents.

use serde::Deserialize;

use super::Reference;
use crate::document::{self, DocumentError, OneOrMany};
use crate::family::Family;
use crate::family::raw::{Alteration, RawFamily};
use crate::limits;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawReference {
    title: String,
    paper: String,
    family: RawFamily,
    #[serde(default)]
    variant: Vec<toml::Spanned<RawVariant>>,
}

/// Network that differs from its family by compound scaling only (`EfficientNet`, arXiv:1905.11946, section 3.3).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawVariant {
    name: String,
    title: String,
    #[serde(default = "one")]
    width: f64,
    #[serde(default = "one")]
    depth: f64,
    resolution: OneOrMany<u32>,
}

fn one() -> f64 {
    1.0
}

impl Reference {
    /// Reads the references of a family from TOML: one, or one for each `[[variant]]`. The document has no published
    /// figures. Unknown keys, wrong types and numbers out of range are errors with a position.
    pub fn from_toml(text: &str) -> Result<Vec<Self>, DocumentError> {
        read(text)
    }
}

fn read(text: &str) -> Result<Vec<Reference>, DocumentError> {
    let raw: RawReference = document::parse_toml(text)?;
    let mut references = Vec::new();
    let build = |title: &str, family: Family| Reference {
        title: title.to_owned(),
        paper: raw.paper.clone(),
        published: Vec::new(),
        family,
    };
    if raw.variant.is_empty() {
        let family = checked(raw.family.clone(), text, Alteration::default())?;
        references.push(build(&raw.title, family));
    }
    if let Some(variant) = raw.variant.get(limits::REFERENCE_VARIANTS) {
        let problem = format!("more than {} variants; remove some", limits::REFERENCE_VARIANTS);
        return Err(DocumentError::at(text, variant.span().start, problem));
    }
    for variant in &raw.variant {
        let at = variant.span().start;
        let variant = variant.get_ref();
        for (what, multiplier) in [("width", variant.width), ("depth", variant.depth)] {
            if !(0.1..=8.0).contains(&multiplier) {
                let problem = format!("{what} multiplier {multiplier}; expected 0.1 to 8");
                return Err(DocumentError::at(text, at, problem));
            }
        }
        let alteration = Alteration {
            width: variant.width,
            depth: variant.depth,
            ..Alteration::default()
        };
        let mut family = checked(raw.family.clone(), text, alteration)?;
        family.name.clone_from(&variant.name);
        family.resolutions.clone_from(&variant.resolution.0);
        references.push(build(&variant.title, family));
    }
    Ok(references)
}

/// Checks that a family is valid and that every stage has a single choice.
fn checked(raw: RawFamily, text: &str, alteration: Alteration) -> Result<Family, DocumentError> {
    let at = raw.name().span().start;
    let family = raw.check(text, alteration)?;
    let with_choice = family
        .stages
        .iter()
        .position(|stage| stage.choices.len() != 1 || stage.channels.len() != 1 || stage.depth.len() != 1);
    match with_choice {
        None => Ok(family),
        Some(stage) => {
            let problem = format!(
                "stage {} of `{}` has a choice; a reference is one network",
                stage + 1,
                family.name
            );
            Err(DocumentError::at(text, at, problem))
        }
    }
}
