//! Colours and paint.

use plotters::style::RGBAColor;

/// Opaque sRGB colour.
///
/// The named constants are the palette of Okabe and Ito (2008), which readers with any type of colour vision can distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

impl Color {
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);
    /// Blue.
    pub const BLUE: Self = Self::new(0, 114, 178);
    /// Bluish green.
    pub const GREEN: Self = Self::new(0, 158, 115);
    /// Orange.
    pub const ORANGE: Self = Self::new(230, 159, 0);
    /// Reddish purple.
    pub const PURPLE: Self = Self::new(204, 121, 167);
    /// Sky blue.
    pub const SKY: Self = Self::new(86, 180, 233);
    /// Vermillion.
    pub const VERMILLION: Self = Self::new(213, 94, 0);

    /// Creates a colour from its red, green and blue components.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Relative luminance from 0 (black) to 1 (white), as defined by WCAG 2.
    pub fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let share = f64::from(part) / 255.0;
            if share <= 0.040_45 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// Darker shade of the colour, for text on white.
    #[must_use]
    pub(crate) fn darker(self) -> Self {
        self.toward(Self::BLACK, 0.42)
    }

    /// Interpolates towards another colour, by a share from 0 to 1.
    #[must_use]
    pub(crate) fn toward(self, other: Self, share: f64) -> Self {
        let mix = |from: u8, to: u8| (f64::from(from) + share * (f64::from(to) - f64::from(from))).round() as u8;
        Self::new(
            mix(self.red, other.red),
            mix(self.green, other.green),
            mix(self.blue, other.blue),
        )
    }

    /// Same colour with an opacity from 0 to 1.
    pub(crate) fn alpha(self, opacity: f64) -> Paint {
        Paint { color: self, opacity }
    }

    /// Hexadecimal form for SVG attributes: `#0072B2`.
    pub(crate) fn hex(self) -> String {
        format!("#{:02X}{:02X}{:02X}", self.red, self.green, self.blue)
    }
}

/// Colour with an opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Paint {
    color: Color,
    opacity: f64,
}

impl From<Color> for Paint {
    fn from(color: Color) -> Self {
        color.alpha(1.0)
    }
}

impl From<Paint> for RGBAColor {
    fn from(paint: Paint) -> Self {
        Self(paint.color.red, paint.color.green, paint.color.blue, paint.opacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luminance_runs_from_black_to_white() {
        assert!(Color::BLACK.luminance().abs() < 1e-12);
        assert!((Color::new(255, 255, 255).luminance() - 1.0).abs() < 1e-9);
        assert!(Color::BLUE.darker().luminance() < Color::BLUE.luminance());
    }

    #[test]
    fn mixing_reaches_both_ends() {
        assert_eq!(Color::BLUE.toward(Color::SKY, 0.0), Color::BLUE);
        assert_eq!(Color::BLUE.toward(Color::SKY, 1.0), Color::SKY);
        assert_eq!(Color::BLUE.hex(), "#0072B2");
    }
}
