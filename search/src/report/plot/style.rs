//! Colours and marker shapes: the palette of Okabe and Ito (2008), told apart by people with any colour vision.

use plotters::style::{Color, RGBColor};

use super::super::ReportError;
use super::super::geometry::Position;
use super::canvas::{Canvas, Surface};

/// Text and axes.
pub(super) const INK: RGBColor = RGBColor(34, 34, 34);
/// Secondary text.
pub(super) const FAINT_INK: RGBColor = RGBColor(95, 99, 104);
/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(228, 230, 233);
/// Axis frame and leader lines.
pub(super) const RULE: RGBColor = RGBColor(140, 146, 152);
/// Candidates off the front.
pub(super) const CANDIDATE: RGBColor = RGBColor(150, 158, 168);
/// The front (blue).
pub(super) const FRONT: RGBColor = RGBColor(0, 114, 178);
/// The budget and the best network under it (vermillion).
pub(super) const BUDGET: RGBColor = RGBColor(213, 94, 0);
/// Background.
pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);

/// Radius of markers on the front.
pub(super) const FRONT_RADIUS: f64 = 14.0;
/// Radius of references.
pub(super) const REFERENCE_RADIUS: f64 = 14.0;
/// Radius of the best network's star.
pub(super) const BEST_RADIUS: f64 = 20.0;
/// Radius of candidates off the front.
pub(super) const DOT_RADIUS: f64 = 8.0;

/// Marker shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Disc,
    Square,
    Diamond,
    TriangleUp,
    TriangleDown,
    Pentagon,
    Star,
}

/// How a family of references is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FamilyStyle {
    pub(super) color: RGBColor,
    pub(super) shape: Shape,
}

const KNOWN: [(&str, FamilyStyle); 6] = [
    (
        "mobilenetv1",
        FamilyStyle {
            color: RGBColor(230, 159, 0),
            shape: Shape::TriangleUp,
        },
    ),
    (
        "mobilenetv2",
        FamilyStyle {
            color: RGBColor(0, 158, 115),
            shape: Shape::Square,
        },
    ),
    (
        "mobilenetv3large",
        FamilyStyle {
            color: RGBColor(204, 121, 167),
            shape: Shape::Diamond,
        },
    ),
    (
        "mobilenetv3small",
        FamilyStyle {
            color: RGBColor(86, 180, 233),
            shape: Shape::TriangleDown,
        },
    ),
    (
        "mnasneta1",
        FamilyStyle {
            color: RGBColor(0, 0, 0),
            shape: Shape::Pentagon,
        },
    ),
    (
        "efficientnet",
        FamilyStyle {
            color: RGBColor(213, 94, 0),
            shape: Shape::Disc,
        },
    ),
];

/// For families the palette does not know, in order of first appearance; after that they repeat.
const OTHERS: [FamilyStyle; 3] = [
    FamilyStyle {
        color: RGBColor(0, 0, 0),
        shape: Shape::Pentagon,
    },
    FamilyStyle {
        color: RGBColor(213, 94, 0),
        shape: Shape::Square,
    },
    FamilyStyle {
        color: RGBColor(90, 90, 90),
        shape: Shape::Diamond,
    },
];

/// The style of a family; `unknown` counts the unknown families met before it.
pub(super) fn family_style(family: &str, unknown: &mut usize) -> FamilyStyle {
    let key: String = family
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if let Some((_, style)) = KNOWN.iter().find(|(name, _)| *name == key) {
        return *style;
    }
    *unknown += 1;
    OTHERS[(*unknown - 1) % OTHERS.len()]
}

/// Family of a reference's name: everything before the first word that starts with a digit (`MobileNetV2 0.75x 160`).
pub(super) fn family_of(name: &str) -> String {
    let words: Vec<&str> = name
        .split_whitespace()
        .take_while(|word| !word.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    if words.is_empty() {
        name.trim().to_owned()
    } else {
        words.join(" ")
    }
}

/// A darker tone for text on white.
pub(super) fn text_tone(color: RGBColor) -> RGBColor {
    let darker = |part: u8| (f64::from(part) * 0.58) as u8;
    RGBColor(darker(color.0), darker(color.1), darker(color.2))
}

/// Draws a marker with a white rim that parts it from what lies below; hollow ones are filled with white.
pub(super) fn draw_marker<Backend: Surface>(
    canvas: &mut Canvas<'_, Backend>,
    shape: Shape,
    center: Position,
    radius: f64,
    color: RGBColor,
    hollow: bool,
) -> Result<(), ReportError> {
    let mut layer = |radius: f64, color: RGBColor| {
        if shape == Shape::Disc {
            canvas.disc(center, radius, color.mix(1.0))
        } else {
            canvas.polygon(&outline(shape, center, radius), color)
        }
    };
    layer(radius + 3.0, PAPER)?;
    layer(radius, color)?;
    if hollow {
        // A triangle's inner offset shrinks its circumradius by twice the width of the line.
        let line = if matches!(shape, Shape::TriangleUp | Shape::TriangleDown) {
            10.0
        } else {
            6.0
        };
        layer(radius - line, PAPER)?;
    }
    Ok(())
}

/// Corners of a shape with about the area of a disc of this radius.
fn outline(shape: Shape, center: Position, radius: f64) -> Vec<Position> {
    let regular = |corners: usize, first_degrees: f64, size: f64| -> Vec<Position> {
        (0..corners)
            .map(|corner| {
                let angle = (first_degrees + 360.0 * corner as f64 / corners as f64).to_radians();
                (center.0 + size * angle.cos(), center.1 - size * angle.sin())
            })
            .collect()
    };
    match shape {
        Shape::Disc => regular(32, 0.0, radius),
        Shape::Square => regular(4, 45.0, radius * 1.25),
        Shape::Diamond => regular(4, 90.0, radius * 1.3),
        Shape::TriangleUp => regular(3, 90.0, radius * 1.4),
        Shape::TriangleDown => regular(3, 270.0, radius * 1.4),
        Shape::Pentagon => regular(5, 90.0, radius * 1.15),
        Shape::Star => {
            let (outer, inner) = (regular(5, 90.0, radius * 1.5), regular(5, 126.0, radius * 0.66));
            outer
                .into_iter()
                .zip(inner)
                .flat_map(|(tip, notch)| [tip, notch])
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_what_stands_before_width_and_resolution() {
        assert_eq!(family_of("MobileNetV2 0.75x 160"), "MobileNetV2");
        assert_eq!(family_of("MobileNetV3-Large 1.0x"), "MobileNetV3-Large");
        assert_eq!(family_of("MobileNet V3 Small 0.75x 224"), "MobileNet V3 Small");
        assert_eq!(family_of("mobilenet-v1"), "mobilenet-v1");
        assert_eq!(family_of("224"), "224");
    }

    #[test]
    fn spellings_of_a_known_family_share_a_style_and_unknown_ones_differ() {
        let mut unknown = 0;
        let large = family_style("MobileNetV3-Large", &mut unknown);
        assert_eq!(large, family_style("mobilenet-v3-large", &mut unknown));
        assert_eq!(large, family_style("MobileNet V3 Large", &mut unknown));
        assert_eq!(unknown, 0);
        assert_ne!(
            family_style("MnasNet", &mut unknown),
            family_style("GhostNet", &mut unknown)
        );
    }
}
