//! Tests of whole figures: each is drawn, checked for overlaps, rendered and, if small, compared byte by byte.

mod front;
mod heat_map;
mod presets;
mod xy;

use std::path::PathBuf;

use resvg::tiny_skia::Pixmap;

use crate::geometry::Rect;
use crate::{FigureError, Svg};

type Outcome = Result<(), FigureError>;

/// Checks a drawn figure and returns its document.
///
/// The PNG must have this size in pixels and not be blank; all text must be inside the figure, without overlaps. Writes both
/// files to the folder in `MNAS_PLOT_TEST_OUT`, if set.
fn checked(name: &str, svg: &Svg, (width, height): (u32, u32)) -> Result<String, FigureError> {
    let document = svg.as_str();
    let head = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" ");
    assert!(document.starts_with(&head), "{name}: {}", &document[..120]);
    assert!(document.ends_with("</svg>\n") && document.contains("role=\"img\"") && document.contains("<title>"));
    assert!(!document.contains("NaN") && !document.contains("inf\""), "{name}");
    let png = svg.to_png()?;
    if let Some(folder) = std::env::var_os("MNAS_PLOT_TEST_OUT") {
        let folder = PathBuf::from(folder);
        std::fs::write(folder.join(format!("{name}.svg")), document).expect("the folder can be written");
        std::fs::write(folder.join(format!("{name}.png")), &png).expect("the folder can be written");
    }
    let pixels = Pixmap::decode_png(&png).expect("the picture is a PNG file");
    assert_eq!((pixels.width(), pixels.height()), (width, height));
    let colored = pixels.pixels().iter().filter(|pixel| pixel.red() < 200).count();
    assert!(colored > 1000, "{name} has {colored} dark pixels");
    let texts = texts(document);
    let paper = Rect {
        left: 0.0,
        top: 0.0,
        right: 2.0 * f64::from(width),
        bottom: 2.0 * f64::from(height),
    };
    for (index, (text, rect)) in texts.iter().enumerate() {
        assert!(paper.contains(rect), "{name}: `{text}` leaves the figure: {rect:?}");
        for (other, other_rect) in &texts[..index] {
            assert!(!rect.intersects(other_rect), "{name}: `{text}` touches `{other}`");
        }
    }
    Ok(document.to_owned())
}

/// Lines of text of a document with their boxes, from capitals to descenders, in units.
fn texts(document: &str) -> Vec<(String, Rect)> {
    let lines = document.lines().filter(|line| line.starts_with("<text "));
    lines.map(|line| (content(line).to_owned(), text_box(line))).collect()
}

fn content(line: &str) -> &str {
    let start = line.find('>').expect("the element is closed") + 1;
    &line[start..line.rfind("</text>").expect("the element is on one line")]
}

fn text_box(line: &str) -> Rect {
    let number = |name: &str| attribute(line, name).and_then(|text| text.parse::<f64>().ok());
    let number = |name: &str| number(name).unwrap_or_else(|| panic!("{line} has no {name}"));
    let (x, y, size, width) = (number("x"), number("y"), number("font-size"), number("textLength"));
    let before = match attribute(line, "text-anchor") {
        None => 0.0,
        Some("middle") => width / 2.0,
        Some(_) => width,
    };
    let (above, below) = (0.73 * size, 0.2 * size);
    if attribute(line, "transform").is_some() {
        return Rect {
            left: x - above,
            top: y + before - width,
            right: x + below,
            bottom: y + before,
        };
    }
    Rect {
        left: x - before,
        top: y - above,
        right: x - before + width,
        bottom: y + below,
    }
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    Some(rest.split_once('"')?.0)
}

/// Number of lines of text with this content.
fn count(document: &str, text: &str) -> usize {
    texts(document).iter().filter(|(content, _)| content == text).count()
}

/// Pseudo-random number in 0..1, determined by the seed.
fn noise(seed: u64) -> f64 {
    let mut value = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((value ^ (value >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}
