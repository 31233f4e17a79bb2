//! Published networks with one accuracy each.

use mnas_space::{Architecture, Reference, ReferenceError};

/// Families that figures and tables emphasise: title and reference.
pub const EMPHASISED: [(&str, &str); 4] = [
    ("MobileNetV1", "mobilenet-v1"),
    ("MobileNetV2", "mobilenet-v2"),
    ("MobileNetV3-Large", "mobilenet-v3-large"),
    ("MobileNetV3-Small", "mobilenet-v3-small"),
];

/// Published network at one width and resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedNetwork {
    /// Reference.
    pub reference: &'static Reference,
    /// Width multiplier.
    pub width: f64,
    /// Input side in pixels.
    pub resolution: u32,
    /// Published ImageNet top-1 in percent.
    pub top1: f64,
    /// Document that states it.
    pub source: &'static str,
    /// Network with 1000 classes.
    pub architecture: Architecture,
}

impl PublishedNetwork {
    /// Networks of one reference: those of the document that has most of them, each with the accuracy that was published
    /// first.
    pub fn of(reference: &'static Reference) -> Result<Vec<Self>, ReferenceError> {
        let mut networks = Vec::new();
        for (width, resolution) in fullest_document(reference) {
            let mut points = reference.published_at(width, resolution);
            let Some((top1, source)) = points.find_map(|point| Some((point.top1?, point.source.as_str()))) else {
                continue;
            };
            networks.push(Self {
                reference,
                width,
                resolution,
                top1,
                source,
                architecture: reference.architecture(width, resolution, 1000)?,
            });
        }
        Ok(networks)
    }

    /// `MobileNetV2 0.75x 160`
    pub fn name(&self) -> String {
        format!("{} {:?}x {}", self.reference.title, self.width, self.resolution)
    }
}

/// Networks of all references, in their order.
pub fn published_networks() -> Result<Vec<PublishedNetwork>, ReferenceError> {
    let of_each = Reference::all().iter().map(PublishedNetwork::of);
    Ok(of_each.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Widths and resolutions with an accuracy in the document that has most of them, the first of equals.
fn fullest_document(reference: &Reference) -> Vec<(f64, u32)> {
    let mut documents: Vec<(&str, Vec<(f64, u32)>)> = Vec::new();
    for point in reference.published.iter().filter(|point| point.top1.is_some()) {
        let place = (point.width, point.resolution);
        match documents.iter_mut().find(|(document, _)| *document == point.document()) {
            Some((_, places)) if places.contains(&place) => {}
            Some((_, places)) => places.push(place),
            None => documents.push((point.document(), vec![place])),
        }
    }
    let most = documents.iter().map(|(_, places)| places.len()).max();
    let fullest = documents.into_iter().find(|(_, places)| Some(places.len()) == most);
    fullest.map(|(_, places)| places).unwrap_or_default()
}

/// Lines through the members of a family, by index, and which members bear a label.
///
/// `widths` are the members' width multipliers, in the order of their cost. Lines run along the resolutions of each width,
/// labelled at the end; a family of one resolution, or of one width, is a single line with all members labelled.
pub fn family_lines(widths: &[f64]) -> (Vec<Vec<usize>>, Vec<bool>) {
    let of_width = |wanted: f64| {
        let members = widths.iter().enumerate();
        let members = members.filter(move |(_, width)| width.total_cmp(&wanted).is_eq());
        members.map(|(index, _)| index).collect::<Vec<usize>>()
    };
    let mut distinct = widths.to_vec();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    let groups: Vec<Vec<usize>> = distinct.iter().map(|&width| of_width(width)).collect();
    let is_grid = groups.len() > 1 && groups.iter().any(|group| group.len() > 1);
    if !is_grid {
        return (vec![(0..widths.len()).collect()], vec![true; widths.len()]);
    }
    let mut labelled = vec![false; widths.len()];
    for group in &groups {
        if let Some(&last) = group.last() {
            labelled[last] = true;
        }
    }
    (groups.into_iter().filter(|group| group.len() > 1).collect(), labelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authors_grids_are_whole_and_others_points_stay_out() {
        let networks = published_networks().unwrap();
        let count = |name: &str| {
            let of_reference = networks.iter().filter(|network| network.reference.name() == name);
            of_reference.count()
        };
        assert_eq!((count("mobilenet-v1"), count("mobilenet-v2")), (16, 22));
        assert!(EMPHASISED.iter().all(|(_, name)| count(name) > 0));
        assert!(networks.iter().all(|network| (20.0..90.0).contains(&network.top1)));
    }

    #[test]
    fn lines_run_along_resolutions_or_through_all() {
        let (lines, labelled) = family_lines(&[0.5, 0.5, 1.0, 1.0, 1.4]);
        assert_eq!(lines, [vec![0, 1], vec![2, 3]]);
        assert_eq!(labelled, [false, true, false, true, true]);
        let (lines, labelled) = family_lines(&[0.5, 0.75, 1.0]);
        assert_eq!((lines, labelled), (vec![vec![0, 1, 2]], vec![true; 3]));
    }
}
