//! The figure's head: title and subtitle, cut and wrapped to its width.

use plotters::style::Color;

use super::super::ReportError;
use super::super::geometry::Rect;
use super::canvas::{Canvas, Surface, Text, WIDTH};
use super::style::{FAINT_INK, INK, PAPER};

/// Space left free at the figure's left and right.
pub(super) const SIDE: f64 = 70.0;
const TITLE_SIZE: f64 = 54.0;
const SUBTITLE_SIZE: f64 = 32.0;

/// Paper of this height with title and subtitle; returns the height they end at.
pub(super) fn begin<Backend: Surface>(
    canvas: &mut Canvas<'_, Backend>,
    height: u32,
    title: &str,
    subtitle: &[String],
) -> Result<f64, ReportError> {
    let whole = Rect {
        left: 0.0,
        top: 0.0,
        right: f64::from(WIDTH),
        bottom: f64::from(height),
    };
    canvas.fill(whole, PAPER.mix(1.0))?;
    let room = f64::from(WIDTH) - 2.0 * SIDE;
    let style = Text::new(TITLE_SIZE, INK).bold();
    let mut y = 74.0;
    canvas.text(&shorten(title, style, room)?, (SIDE, y), style)?;
    y += 62.0;
    let style = Text::new(SUBTITLE_SIZE, FAINT_INK);
    for line in subtitle {
        for piece in wrap(line, style, room)? {
            canvas.text(&piece, (SIDE, y), style)?;
            y += 44.0;
        }
    }
    Ok(y)
}

/// The text, cut with an ellipsis where it is wider than `room`.
pub(super) fn shorten(text: &str, style: Text, room: f64) -> Result<String, ReportError> {
    if style.width(text)? <= room {
        return Ok(text.to_owned());
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let candidate = format!("{}…", kept.iter().collect::<String>().trim_end());
        if style.width(&candidate)? <= room {
            return Ok(candidate);
        }
    }
    Ok(String::new())
}

/// The text in lines no wider than `room`, broken between words.
fn wrap(text: &str, style: Text, room: f64) -> Result<Vec<String>, ReportError> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if style.width(&longer)? > room && !line.is_empty() {
            lines.push(std::mem::replace(&mut line, word.to_owned()));
        } else {
            line = longer;
        }
    }
    lines.push(line);
    lines.iter().map(|line| shorten(line, style, room)).collect()
}
