//! Text: embedded fonts, and measuring, truncating and wrapping of lines.

use std::sync::OnceLock;

use ab_glyph::{Font as _, FontRef, PxScale, ScaleFont as _};

use crate::color::Color;

/// Embedded regular font, an OpenType file.
pub(crate) const REGULAR_FONT: &[u8] = include_bytes!("../assets/Inter-Regular-Latin.otf");
/// Embedded bold font, an OpenType file.
pub(crate) const BOLD_FONT: &[u8] = include_bytes!("../assets/Inter-Bold-Latin.otf");
/// Family of both fonts.
pub(crate) const FONT_FAMILY: &str = "Inter";

/// Height of capital letters and digits in em.
const CAP_HEIGHT_EM: f64 = 0.727;

/// Part of a line of text that is at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Start,
    Middle,
    End,
}

/// Size, weight, colour and anchor of a line of text.
///
/// The vertical anchor is the middle of the capital letters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TextStyle {
    /// Font size (one em) in units.
    pub(crate) size: f64,
    /// True for bold text.
    pub(crate) is_bold: bool,
    /// Colour.
    pub(crate) color: Color,
    /// Horizontal anchor.
    pub(crate) align: Align,
    /// True for text rotated by 90 degrees, which reads upwards.
    pub(crate) is_upwards: bool,
}

impl TextStyle {
    /// Regular text that starts at its position.
    pub(crate) const fn new(size: f64, color: Color) -> Self {
        Self {
            size,
            is_bold: false,
            color,
            align: Align::Start,
            is_upwards: false,
        }
    }

    /// Same style in bold.
    pub(crate) const fn bold(self) -> Self {
        Self { is_bold: true, ..self }
    }

    /// Same style with another horizontal anchor.
    pub(crate) const fn align(self, align: Align) -> Self {
        Self { align, ..self }
    }

    /// Same style, reading upwards.
    pub(crate) const fn upwards(self) -> Self {
        Self {
            is_upwards: true,
            ..self
        }
    }

    /// Width of a line of text in units.
    pub(crate) fn width(self, line: &str) -> f64 {
        let font = font(self.is_bold);
        let em = font.units_per_em().unwrap_or(1000.0);
        // `ab_glyph` takes a size as the height from descent to ascent.
        let scaled = font.as_scaled(PxScale::from(self.size as f32 * font.height_unscaled() / em));
        line.chars()
            .map(|character| f64::from(scaled.h_advance(scaled.glyph_id(character))))
            .sum()
    }

    /// Distance of the baseline from the middle of the capital letters.
    pub(crate) fn drop(self) -> f64 {
        CAP_HEIGHT_EM / 2.0 * self.size
    }

    /// Truncates a line with an ellipsis if it is wider than `room`.
    pub(crate) fn shorten(self, line: &str, room: f64) -> String {
        if self.width(line) <= room {
            return line.to_owned();
        }
        let mut left = room - self.width("…");
        let fits = |character: &char| {
            left -= self.width(character.encode_utf8(&mut [0; 4]));
            left >= 0.0
        };
        let kept: String = line.chars().take_while(fits).collect();
        let shortened = format!("{}…", kept.trim_end());
        // Even the ellipsis may be too wide.
        if self.width(&shortened) <= room {
            shortened
        } else {
            String::new()
        }
    }

    /// Wraps text between words to lines no wider than `room`.
    pub(crate) fn wrap(self, text: &str, room: f64) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if self.width(&longer) > room && !line.is_empty() {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
            }
        }
        lines.push(line);
        lines.iter().map(|line| self.shorten(line, room)).collect()
    }
}

fn font(is_bold: bool) -> &'static FontRef<'static> {
    static FONTS: OnceLock<[FontRef<'static>; 2]> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        [REGULAR_FONT, BOLD_FONT].map(|file| FontRef::try_from_slice(file).expect("the embedded font is a valid one"))
    });
    &fonts[usize::from(is_bold)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: TextStyle = TextStyle::new(32.0, Color::BLACK);

    #[test]
    fn width_grows_with_text_size_and_weight() {
        assert!(STYLE.width("").abs() < 1e-9);
        assert!(STYLE.width("MobileNetV2") > STYLE.width("MobileNet"));
        assert!(STYLE.bold().width("MobileNet") > STYLE.width("MobileNet"));
        let double = TextStyle { size: 64.0, ..STYLE };
        assert!((double.width("latency") - 2.0 * STYLE.width("latency")).abs() < 0.01);
    }

    #[test]
    fn cut_and_wrapped_lines_fit() {
        let text = "a line that is longer than the room it has, with averyveryverylongwordinit";
        for room in [0.0, 40.0, 150.0, 400.0] {
            assert!(STYLE.width(&STYLE.shorten(text, room)) <= room);
            assert!(STYLE.wrap(text, room).iter().all(|line| STYLE.width(line) <= room));
        }
        assert_eq!(STYLE.shorten(text, 1e6), text);
        assert_eq!(STYLE.wrap(text, 1e6), [text]);
    }
}
