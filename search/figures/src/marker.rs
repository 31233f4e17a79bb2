//! Outlines and drawing of markers.

use crate::canvas::Canvas;
use crate::color::Color;
use crate::error::FigureError;
use crate::geometry::Position;
use crate::palette::Marker;
use crate::style::{HOLLOW_LINE, PAPER, RIM};

/// Draws a marker with a white rim that separates it from shapes below; a hollow marker is filled with white.
pub(crate) fn draw_marker(
    canvas: &mut Canvas<'_>,
    marker: Marker,
    center: Position,
    radius: f64,
    color: Color,
    is_hollow: bool,
) -> Result<(), FigureError> {
    let mut layer = |inset: f64, color: Color| {
        if marker == Marker::Disc {
            canvas.disc(center, radius - inset, color)
        } else {
            canvas.polygon(&outline(marker, center, radius, inset), color)
        }
    };
    layer(-RIM, PAPER)?;
    layer(0.0, color)?;
    if is_hollow {
        layer(HOLLOW_LINE.min(0.4 * radius), PAPER)?;
    }
    Ok(())
}

/// Corners of a marker with about the same area as a disc of this radius, with every edge moved inwards by `inset`.
fn outline(marker: Marker, center: Position, radius: f64, inset: f64) -> Vec<Position> {
    // The distance of an edge from the centre is cos(pi / corners) times the circumradius.
    let regular = |corners: usize, first_degrees: f64, size: f64| -> Vec<Position> {
        let apothem_share = (std::f64::consts::PI / corners as f64).cos();
        let size = (size - inset / apothem_share).max(1.0);
        ring(center, corners, first_degrees, size)
    };
    match marker {
        Marker::Disc => regular(32, 0.0, radius),
        Marker::Square => regular(4, 45.0, radius * 1.25),
        Marker::Diamond => regular(4, 90.0, radius * 1.3),
        Marker::TriangleUp => regular(3, 90.0, radius * 1.4),
        Marker::TriangleDown => regular(3, 270.0, radius * 1.4),
        Marker::TriangleLeft => regular(3, 180.0, radius * 1.4),
        Marker::TriangleRight => regular(3, 0.0, radius * 1.4),
        Marker::Pentagon => regular(5, 90.0, radius * 1.15),
        Marker::Plus => cross(center, radius, inset, false),
        Marker::Cross => cross(center, radius, inset, true),
        Marker::Star => {
            let outer = ring(center, 5, 90.0, radius * 1.5 - inset * 1.7);
            let inner = ring(center, 5, 126.0, (radius * 0.66 - inset * 0.75).max(1.0));
            outer
                .into_iter()
                .zip(inner)
                .flat_map(|(tip, notch)| [tip, notch])
                .collect()
        }
    }
}

/// Points on a circle, the first at this angle, counter-clockwise.
fn ring((x, y): Position, corners: usize, first_degrees: f64, radius: f64) -> Vec<Position> {
    (0..corners)
        .map(|corner| {
            let angle = (first_degrees + 360.0 * corner as f64 / corners as f64).to_radians();
            (x + radius * angle.cos(), y - radius * angle.sin())
        })
        .collect()
}

/// A cross of two bars, upright or diagonal.
fn cross((x, y): Position, radius: f64, inset: f64, is_diagonal: bool) -> Vec<Position> {
    let arm = (1.3 * radius - inset).max(1.0);
    let half = (0.42 * radius - 0.6 * inset).max(1.0);
    let corners = [
        (half, -arm),
        (half, -half),
        (arm, -half),
        (arm, half),
        (half, half),
        (half, arm),
        (-half, arm),
        (-half, half),
        (-arm, half),
        (-arm, -half),
        (-half, -half),
        (-half, -arm),
    ];
    let place = |(dx, dy): Position| {
        if is_diagonal {
            let share = std::f64::consts::FRAC_1_SQRT_2;
            (x + share * (dx - dy), y + share * (dx + dy))
        } else {
            (x + dx, y + dy)
        }
    };
    corners.map(place).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Marker; 11] = [
        Marker::Disc,
        Marker::Square,
        Marker::Diamond,
        Marker::TriangleUp,
        Marker::TriangleDown,
        Marker::TriangleLeft,
        Marker::TriangleRight,
        Marker::Pentagon,
        Marker::Plus,
        Marker::Cross,
        Marker::Star,
    ];

    /// Area of a polygon by the shoelace formula.
    fn area(corners: &[Position]) -> f64 {
        let twice: f64 = (0..corners.len())
            .map(|index| {
                let (from, to) = (corners[index], corners[(index + 1) % corners.len()]);
                from.0 * to.1 - to.0 * from.1
            })
            .sum();
        twice.abs() / 2.0
    }

    #[test]
    fn markers_weigh_about_the_same_and_shrink_with_the_inset() {
        let disc = std::f64::consts::PI * 14.0 * 14.0;
        for marker in ALL {
            let [rim, full, hollow] =
                [-RIM, 0.0, HOLLOW_LINE].map(|inset| area(&outline(marker, (50.0, 50.0), 14.0, inset)));
            assert!(full > 0.7 * disc && full < 1.3 * disc, "{marker:?}: {full} of {disc}");
            assert!(rim > full && full > hollow && hollow > 0.0, "{marker:?}");
        }
    }
}
