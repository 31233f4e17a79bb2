//! Title, subtitle and alternative text of a figure.

use crate::canvas::Canvas;
use crate::geometry::Position;
use crate::style::{FAINT_INK, INK, SIDE, SUBTITLE_LINE, SUBTITLE_SIZE, TITLE_SIZE, WIDTH};
use crate::text::TextStyle;

/// Vertical position of the middle of the title's capital letters.
const TITLE_Y: f64 = 74.0;
/// Distance of the subtitle's first line from the title.
const TITLE_LINE: f64 = 62.0;

/// Caption of a figure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caption {
    /// Headline, also used as the document's title.
    pub title: String,
    /// Lines below the headline, each wrapped to the width of the figure.
    pub subtitle: Vec<String>,
    /// Alternative text for readers who cannot see the figure; empty for none.
    pub description: String,
}

impl Caption {
    /// Creates a caption with only a headline.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }
}

/// Lines of the title: wrapped in narrow figures, otherwise a single line, truncated if too long.
fn title(title: &str, style: TextStyle, (width, room): (u32, f64)) -> Vec<String> {
    if width < WIDTH {
        return style.wrap(title, room);
    }
    vec![style.shorten(title, room)]
}

/// Lines of a caption with their positions at the top of the figure.
pub(crate) struct PlacedCaption {
    lines: Vec<(String, Position, TextStyle)>,
    /// Height at which the caption ends.
    pub(crate) bottom: f64,
}

impl PlacedCaption {
    /// Wraps title and subtitle to the width of the figure.
    pub(crate) fn new(caption: &Caption, width: u32) -> Self {
        let room = f64::from(width) - 2.0 * SIDE;
        let style = TextStyle::new(TITLE_SIZE, INK).bold();
        let (mut lines, mut y) = (Vec::new(), TITLE_Y);
        for line in title(&caption.title, style, (width, room)) {
            lines.push((line, (SIDE, y), style));
            y += TITLE_LINE;
        }
        let style = TextStyle::new(SUBTITLE_SIZE, FAINT_INK);
        for line in caption.subtitle.iter().flat_map(|line| style.wrap(line, room)) {
            lines.push((line, (SIDE, y), style));
            y += SUBTITLE_LINE;
        }
        Self { lines, bottom: y }
    }

    /// Paints the lines.
    pub(crate) fn draw(&self, canvas: &mut Canvas<'_>) {
        for (line, at, style) in &self.lines {
            canvas.text(line, *at, *style);
        }
    }
}
