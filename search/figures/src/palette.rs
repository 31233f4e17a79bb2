//! Styles of series: colour, marker and line, distinguishable in colour and in greyscale.

use crate::color::Color;
use crate::style;

/// Shape of a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Marker {
    /// Disc.
    Disc,
    /// Square on its side.
    Square,
    /// Square on a corner.
    Diamond,
    /// Triangle that points up.
    TriangleUp,
    /// Triangle that points down.
    TriangleDown,
    /// Triangle that points left.
    TriangleLeft,
    /// Triangle that points right.
    TriangleRight,
    /// Pentagon.
    Pentagon,
    /// Upright cross.
    Plus,
    /// Diagonal cross.
    Cross,
    /// Star with five points.
    Star,
}

/// Size of markers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerSize {
    /// Points of the background.
    Dot,
    /// Points of large clouds.
    Small,
    /// Points of several series.
    Medium,
    /// Important points.
    Large,
    /// Most important point.
    Best,
}

impl MarkerSize {
    /// Radius of a disc of this size, in units.
    pub(crate) fn radius(self) -> f64 {
        match self {
            Self::Dot => 8.0,
            Self::Small => 9.0,
            Self::Medium => 11.0,
            Self::Large => 14.0,
            Self::Best => 20.0,
        }
    }

    /// Radius in the legend, where small markers would be hard to distinguish.
    pub(crate) fn legend_radius(self) -> f64 {
        match self {
            Self::Dot => 8.0,
            Self::Small => 12.0,
            Self::Medium | Self::Large => 14.0,
            Self::Best => 17.0,
        }
    }
}

/// Pattern of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineStyle {
    /// Solid line.
    Solid,
    /// Dashes.
    Dashed,
    /// Dots.
    Dotted,
}

/// Width of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineWeight {
    /// Line that joins important points.
    Thin,
    /// Line that is important itself.
    Strong,
}

impl LineWeight {
    /// Width in units.
    pub(crate) fn width(self) -> u32 {
        match self {
            Self::Thin => style::THIN_LINE,
            Self::Strong => style::STRONG_LINE,
        }
    }
}

/// Colour, marker and line of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesStyle {
    /// Colour of markers and lines.
    pub color: Color,
    /// Shape of the markers.
    pub marker: Marker,
    /// Size of the markers.
    pub size: MarkerSize,
    /// Pattern of the line.
    pub line: LineStyle,
    /// Width of the line.
    pub weight: LineWeight,
}

impl SeriesStyle {
    /// Candidates on the Pareto front.
    pub const FRONT: Self = Self {
        weight: LineWeight::Strong,
        ..Self::new(style::FRONT, Marker::Disc)
    };
    /// Dominated candidates.
    pub const DOMINATED: Self = Self {
        size: MarkerSize::Dot,
        ..Self::new(style::DOMINATED, Marker::Disc)
    };
    /// The best candidate.
    pub const BEST: Self = Self {
        size: MarkerSize::Best,
        ..Self::new(style::BUDGET, Marker::Star)
    };

    /// Styles of series other than families of networks, in order of use.
    const NUMBERED: [Self; 6] = [
        Self::numbered(Color::BLUE, Marker::Disc, LineStyle::Solid),
        Self::numbered(Color::VERMILLION, Marker::Square, LineStyle::Dashed),
        Self::numbered(Color::GREEN, Marker::TriangleUp, LineStyle::Dotted),
        Self::numbered(Color::PURPLE, Marker::Diamond, LineStyle::Solid),
        Self::numbered(Color::BLACK, Marker::Cross, LineStyle::Dashed),
        Self::numbered(Color::ORANGE, Marker::TriangleDown, LineStyle::Dotted),
    ];

    /// Style with large markers and thin solid lines of this colour.
    pub const fn new(color: Color, marker: Marker) -> Self {
        Self {
            color,
            marker,
            size: MarkerSize::Large,
            line: LineStyle::Solid,
            weight: LineWeight::Thin,
        }
    }

    /// Style of the series with this number, from 0; styles repeat after six.
    pub const fn nth(number: usize) -> Self {
        Self::NUMBERED[number % Self::NUMBERED.len()]
    }

    /// Same style with markers of another size.
    #[must_use]
    pub const fn sized(self, size: MarkerSize) -> Self {
        Self { size, ..self }
    }

    const fn numbered(color: Color, marker: Marker, line: LineStyle) -> Self {
        Self {
            size: MarkerSize::Medium,
            line,
            weight: LineWeight::Strong,
            ..Self::new(color, marker)
        }
    }
}

/// Families with a fixed style, by name in lower case without punctuation.
const KNOWN: [(&str, SeriesStyle); 6] = [
    ("mobilenetv1", SeriesStyle::new(Color::ORANGE, Marker::TriangleUp)),
    ("mobilenetv2", SeriesStyle::new(Color::GREEN, Marker::Square)),
    ("mobilenetv3large", SeriesStyle::new(Color::PURPLE, Marker::Diamond)),
    ("mobilenetv3small", SeriesStyle::new(Color::SKY, Marker::TriangleDown)),
    ("mnasneta1", SeriesStyle::new(Color::BLACK, Marker::Pentagon)),
    ("efficientnet", SeriesStyle::new(Color::VERMILLION, Marker::Plus)),
];

/// Styles for other families; their markers differ from those of known families, the front and the best network.
const OTHERS: [SeriesStyle; 3] = [
    SeriesStyle::new(Color::BLACK, Marker::Cross),
    SeriesStyle::new(Color::VERMILLION, Marker::TriangleRight),
    SeriesStyle::new(Color::new(90, 90, 90), Marker::TriangleLeft),
];

/// Styles of families of networks; known families have the same style in every figure.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    /// Unknown families, in order of first use.
    others: Vec<String>,
}

impl Palette {
    /// Style of a family. Case and punctuation of the name do not matter (`MobileNetV3-Large`, `mobilenet-v3-large`).
    ///
    /// Families without a fixed style receive one of three other styles in order of first use; these repeat after three.
    pub fn family(&mut self, name: &str) -> SeriesStyle {
        let key: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if let Some((_, style)) = KNOWN.iter().find(|(known, _)| *known == key) {
            return *style;
        }
        let place = self.others.iter().position(|other| *other == key).unwrap_or_else(|| {
            self.others.push(key);
            self.others.len() - 1
        });
        OTHERS[place % OTHERS.len()]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn spellings_of_a_known_family_share_a_style_and_unknown_ones_differ() {
        let mut palette = Palette::default();
        let large = palette.family("MobileNetV3-Large");
        assert_eq!(large, palette.family("mobilenet-v3-large"));
        assert_eq!(large, palette.family("MobileNet V3 Large"));
        let mnasnet = palette.family("MnasNet");
        assert_ne!(mnasnet, palette.family("GhostNet"));
        assert_eq!(mnasnet, palette.family("MnasNet"));
    }

    #[test]
    fn every_style_has_a_marker_of_its_own_for_readers_in_grey() {
        let families = KNOWN.iter().map(|(_, style)| style).chain(&OTHERS);
        let markers: Vec<Marker> = families
            .chain(&[SeriesStyle::FRONT, SeriesStyle::BEST])
            .map(|style| style.marker)
            .collect();
        assert_eq!(markers.iter().collect::<HashSet<_>>().len(), markers.len());
        let numbered: HashSet<Marker> = (0..6).map(|number| SeriesStyle::nth(number).marker).collect();
        assert_eq!(numbered.len(), 6);
        assert_eq!(SeriesStyle::nth(7), SeriesStyle::nth(1));
    }
}
