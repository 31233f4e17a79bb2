//! Published networks for comparison with a search's candidates.

use crate::architecture::Architecture;
use crate::reference::Reference;

/// Published network for comparison with a search's candidates, at widths and resolutions that the space covers.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferencePoints {
    /// Published network.
    pub reference: Reference,
    /// Width multipliers, narrowest first.
    pub widths: Vec<f64>,
    /// Input sides in pixels, smallest first.
    pub resolutions: Vec<u32>,
}

/// Published network at one width and resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferencePoint<'a> {
    /// Published network.
    pub reference: &'a Reference,
    /// Width multiplier.
    pub width: f64,
    /// Input side in pixels.
    pub resolution: u32,
    /// Architecture as contained in the space.
    pub architecture: Architecture,
}

impl ReferencePoints {
    /// Network at all of its widths, and at all resolutions for each width, with `classes` classes and with the first
    /// `early_strides_removed` strides above 1 replaced by 1, as in the space. Combinations that cannot be built are left
    /// out; the parser of spaces rejects them.
    pub fn all(&self, classes: u32, early_strides_removed: usize) -> impl Iterator<Item = ReferencePoint<'_>> {
        let places = self
            .widths
            .iter()
            .flat_map(|&width| self.resolutions.iter().map(move |&resolution| (width, resolution)));
        places.filter_map(move |(width, resolution)| {
            let architecture = self.reference.architecture(width, resolution, classes).ok()?;
            Some(ReferencePoint {
                reference: &self.reference,
                width,
                resolution,
                architecture: architecture.without_early_strides(early_strides_removed),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search_space::SearchSpace;

    #[test]
    fn a_reference_is_listed_at_all_widths_and_resolutions_of_its_space() {
        for name in SearchSpace::embedded_names() {
            let space = SearchSpace::from_toml(SearchSpace::embedded(name).unwrap()).unwrap();
            for points in &space.references {
                let all: Vec<ReferencePoint<'_>> = points.all(10, space.early_strides_removed).collect();
                assert_eq!(all.len(), points.widths.len() * points.resolutions.len(), "{name}");
                for point in &all {
                    let published = point.reference.architecture(point.width, point.resolution, 10).unwrap();
                    let expected = published.without_early_strides(space.early_strides_removed);
                    assert_eq!(point.architecture, expected, "{name}");
                    assert_eq!(point.architecture.resolution, point.resolution, "{name}");
                }
            }
        }
    }
}
