//! Layout of figures: frames, scales, and the positions of elements outside the frames.

use crate::axis::Axis;
use crate::caption::PlacedCaption;
use crate::geometry::{Position, Rect};
use crate::legend::{Legend, LegendEntry, PlacedLegend};
use crate::scale::Scale;
use crate::style::{
    ABOVE_FRAME, AXIS_TITLE_LEFT, AxisSizes, BUDGET_ROOM, INK, LARGE_AXES, NOTE_ROOM, NOTE_SIZE, OWN_AXIS_GAP,
    PANEL_TITLE_ROOM, SHARED_AXIS_GAP, SIDE, SMALL_AXES, STACKED_GAP, TICK_GAP, UNITS_PER_PIXEL,
};
use crate::text::TextStyle;

use super::figure::{Arrangement, Guide, Panel, XyFigure};
use super::series::{IntervalMark, Point, Series};
use super::ticks::y_ticks;

/// Minimum height of a frame.
const LEAST_FRAME: f64 = 500.0;
/// Distance of a panel's title and legend from its frame.
const PANEL_TITLE_Y: f64 = 30.0;
/// Length by which labels below the outermost frame may extend beyond it.
const OVERHANG: f64 = SIDE - 6.0;
/// Distance of a note on a separate line from the figure's lower edge.
const NOTE_Y: f64 = 28.0;
/// Minimum distance of a note from an axis title on the same line.
const NOTE_GAP: f64 = 60.0;

/// Layout of a panel: frame, scales, and positions of its title and legend.
pub(crate) struct PlacedPanel<'a> {
    pub(crate) panel: &'a Panel,
    pub(crate) frame: Rect,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    pub(crate) sizes: AxisSizes,
    /// True if the horizontal axis has labels and a title.
    pub(crate) has_x_labels: bool,
    /// Length by which the horizontal axis' labels may extend beyond the frame.
    pub(crate) overhang: f64,
    /// Horizontal position of the middle of the vertical axis' title; `None` if the panel at the left has the axis.
    pub(crate) y_title_x: Option<f64>,
    /// Position of the title's start.
    pub(crate) title_at: Position,
    /// Legend of the panel.
    pub(crate) legend: Option<PlacedLegend>,
}

impl PlacedPanel<'_> {
    /// Position of a pair of values.
    pub(crate) fn position(&self, (x, y): (f64, f64)) -> Position {
        (self.x.position(x), self.y.position(y))
    }

    /// Tests that the point is within the range of both axes.
    pub(crate) fn shows(&self, point: &Point) -> bool {
        shows(self.panel, point)
    }
}

/// Layout of a figure.
pub(crate) struct Layout<'a> {
    /// Width of the figure.
    pub(crate) width: u32,
    /// Height of the figure.
    pub(crate) height: u32,
    pub(crate) caption: PlacedCaption,
    pub(crate) legend: PlacedLegend,
    pub(crate) panels: Vec<PlacedPanel<'a>>,
    /// Note and the position of its right end.
    pub(crate) note: Option<(String, Position)>,
}

impl<'a> Layout<'a> {
    /// Lays out a figure with a note at its lower right.
    pub(crate) fn new(figure: &'a XyFigure, note: &str) -> Self {
        let width = figure.width * UNITS_PER_PIXEL;
        let is_stacked = is_stacked(figure);
        let sizes = if figure.panels.len() > 1 && !is_stacked {
            SMALL_AXES
        } else {
            LARGE_AXES
        };
        let caption = PlacedCaption::new(&figure.caption, width);
        let legend = PlacedLegend::rows(&entries(figure), caption.bottom + 4.0, width);
        let mut top = legend.bottom + ABOVE_FRAME;
        if figure.panels.iter().any(|panel| panel.budget().is_some()) {
            top += BUDGET_ROOM;
        }
        if figure.legend == Legend::PerPanel || figure.panels.iter().any(|panel| !panel.title.is_empty()) {
            top += PANEL_TITLE_ROOM;
        }
        let style = TextStyle::new(NOTE_SIZE, INK);
        let note = style.shorten(note, f64::from(width) - 2.0 * SIDE);
        let note_shares_line = figure.panels.len() < 2 && note_fits_beside_title(figure, style.width(&note), sizes);
        let below = if note.is_empty() || note_shares_line {
            sizes.below
        } else {
            sizes.below + NOTE_ROOM
        };
        let rows = if is_stacked { figure.panels.len().max(1) } else { 1 };
        let least = top + rows as f64 * (LEAST_FRAME + stacked_gap(figure, sizes)) + below;
        let height = (figure.height * UNITS_PER_PIXEL)
            .max(least.ceil() as u32)
            .next_multiple_of(2);
        let area = Rect {
            left: 0.0,
            top,
            right: f64::from(width) - SIDE,
            bottom: f64::from(height) - below,
        };
        let panels = if is_stacked {
            stack(figure, area, sizes)
        } else {
            row(figure, area, sizes)
        };
        let note_y = if note_shares_line {
            area.bottom + sizes.x_title
        } else {
            f64::from(height) - NOTE_Y
        };
        Self {
            width,
            height,
            caption,
            legend,
            panels,
            note: (!note.is_empty()).then_some((note, (area.right, note_y))),
        }
    }
}

/// Tests that the panels are one above the other.
fn is_stacked(figure: &XyFigure) -> bool {
    matches!(figure.arrangement, Arrangement::SharedX | Arrangement::Column)
}

/// Distance between the frames of stacked panels; with separate axes, it includes space for axes, titles and budgets.
fn stacked_gap(figure: &XyFigure, sizes: AxisSizes) -> f64 {
    if figure.arrangement != Arrangement::Column {
        return STACKED_GAP;
    }
    sizes.below + ABOVE_FRAME + BUDGET_ROOM + PANEL_TITLE_ROOM
}

/// Tests that a note fits on the line of the horizontal axis' title.
fn note_fits_beside_title(figure: &XyFigure, width: f64, sizes: AxisSizes) -> bool {
    let Some(panel) = figure.panels.first() else {
        return true;
    };
    let left = AXIS_TITLE_LEFT + sizes.y_title;
    let right = f64::from(figure.width * UNITS_PER_PIXEL) - SIDE;
    // The word `logarithmic` may be added to the title.
    let title = TextStyle::new(sizes.title, INK).width(&format!("{}, logarithmic", panel.x.title));
    f64::midpoint(left, right) + title / 2.0 + NOTE_GAP <= right - width
}

/// Entries of the legend above all panels.
fn entries(figure: &XyFigure) -> Vec<LegendEntry> {
    match &figure.legend {
        Legend::Entries(entries) => entries.clone(),
        Legend::PerPanel => Vec::new(),
        Legend::Series => named(figure.panels.iter().flat_map(|panel| &panel.series)),
    }
}

/// One entry per name, in order of first appearance.
fn named<'a>(series: impl Iterator<Item = &'a Series>) -> Vec<LegendEntry> {
    let mut entries: Vec<LegendEntry> = Vec::new();
    for one in series.filter(|one| !one.name.is_empty()) {
        if entries.iter().all(|entry| entry.text != one.name) {
            entries.push(one.legend_entry());
        }
    }
    entries
}

/// Lays out panels side by side.
fn row(figure: &XyFigure, area: Rect, sizes: AxisSizes) -> Vec<PlacedPanel<'_>> {
    let is_shared = figure.arrangement == Arrangement::SharedY;
    let y_values: Vec<Vec<f64>> = if is_shared {
        let all: Vec<f64> = figure.panels.iter().flat_map(|panel| values(panel).1).collect();
        vec![all; figure.panels.len()]
    } else {
        figure.panels.iter().map(|panel| values(panel).1).collect()
    };
    // Distance of each frame from the previous frame, or from the edge of the figure.
    let mut scales = Vec::new();
    let mut rooms = Vec::new();
    for (index, (panel, values)) in figure.panels.iter().zip(&y_values).enumerate() {
        let y = panel.y.scale(values, area.bottom, area.top);
        let title_room = y_title_room(&y, sizes);
        rooms.push(match index {
            0 => AXIS_TITLE_LEFT + title_room,
            _ if is_shared => SHARED_AXIS_GAP,
            _ => OWN_AXIS_GAP + title_room,
        });
        scales.push((y, (index == 0 || !is_shared).then_some(title_room)));
    }
    let widths = widths(figure, area, area.right - rooms.iter().sum::<f64>());
    let mut left = 0.0;
    let mut placed = Vec::new();
    for (index, (panel, (y, title_room))) in figure.panels.iter().zip(scales).enumerate() {
        left += rooms[index];
        let frame = Rect {
            left,
            right: left + widths[index],
            ..area
        };
        left = frame.right;
        let x = panel.x.scale(&values(panel).0, frame.left, frame.right);
        placed.push(PlacedPanel {
            y_title_x: title_room.map(|room| frame.left - room),
            // The labels of adjacent panels with a shared axis share the space between their frames.
            overhang: if is_shared {
                (SHARED_AXIS_GAP - TICK_GAP) / 2.0
            } else {
                OVERHANG
            },
            ..place(figure, panel, frame, (x, y), sizes)
        });
    }
    placed
}

/// Widths of panels in a row: square panels are as wide as they are high, the others share the remaining width equally.
fn widths(figure: &XyFigure, area: Rect, room: f64) -> Vec<f64> {
    let count = figure.panels.len().max(1) as f64;
    let square = area.height().min(1.3 * room / count);
    let squares = figure.panels.iter().filter(|panel| panel.is_square).count() as f64;
    let others = (room - squares * square) / (count - squares).max(1.0);
    let width = |panel: &Panel| {
        if panel.is_square {
            square.min(room / squares)
        } else {
            others
        }
    };
    figure.panels.iter().map(width).collect()
}

/// Lays out panels one above the other.
fn stack(figure: &XyFigure, area: Rect, sizes: AxisSizes) -> Vec<PlacedPanel<'_>> {
    let count = figure.panels.len().max(1) as f64;
    let gap = stacked_gap(figure, sizes);
    let height = (area.height() - (count - 1.0) * gap) / count;
    let is_shared = figure.arrangement == Arrangement::SharedX;
    let x_values: Vec<f64> = figure.panels.iter().flat_map(|panel| values(panel).0).collect();
    let frames: Vec<Rect> = (0..figure.panels.len())
        .map(|index| {
            let top = area.top + index as f64 * (height + gap);
            Rect {
                top,
                bottom: top + height,
                ..area
            }
        })
        .collect();
    let scales: Vec<Scale> = figure
        .panels
        .iter()
        .zip(&frames)
        .map(|(panel, frame)| panel.y.scale(&values(panel).1, frame.bottom, frame.top))
        .collect();
    let title_room = scales
        .iter()
        .map(|scale| y_title_room(scale, sizes))
        .fold(0.0, f64::max);
    let mut placed = Vec::new();
    for (index, ((panel, frame), y)) in figure.panels.iter().zip(frames).zip(scales).enumerate() {
        let frame = Rect {
            left: AXIS_TITLE_LEFT + title_room,
            ..frame
        };
        let own = values(panel).0;
        let x_values = if is_shared { &x_values } else { &own };
        let x = panel.x.scale(x_values, frame.left, frame.right);
        placed.push(PlacedPanel {
            y_title_x: Some(AXIS_TITLE_LEFT),
            has_x_labels: !is_shared || index + 1 == figure.panels.len(),
            ..place(figure, panel, frame, (x, y), sizes)
        });
    }
    placed
}

/// Distance of the vertical axis' title from the frame, with space for the widest tick label.
fn y_title_room(y: &Scale, sizes: AxisSizes) -> f64 {
    let style = TextStyle::new(sizes.tick, INK);
    let labels = y_ticks(y, sizes).into_iter().filter_map(|tick| tick.label);
    let widest = labels.map(|label| style.width(&label)).fold(0.0, f64::max);
    sizes.y_title.max(sizes.y_tick + widest + 20.0 + sizes.title / 2.0)
}

/// Lays out a panel in its frame, with its title and legend above.
fn place<'a>(
    figure: &XyFigure,
    panel: &'a Panel,
    frame: Rect,
    (x, y): (Scale, Scale),
    sizes: AxisSizes,
) -> PlacedPanel<'a> {
    let mut title_y = frame.top - PANEL_TITLE_Y;
    if panel.budget().is_some() {
        title_y -= BUDGET_ROOM;
    }
    let legend = (figure.legend == Legend::PerPanel)
        .then(|| PlacedLegend::ending_at(&named(panel.series.iter()), (frame.right, title_y), frame.left));
    PlacedPanel {
        panel,
        frame,
        x,
        y,
        sizes,
        has_x_labels: true,
        overhang: OVERHANG,
        y_title_x: None,
        title_at: (frame.left, title_y),
        legend,
    }
}

/// Values that the axes of a panel must include.
fn values(panel: &Panel) -> (Vec<f64>, Vec<f64>) {
    let (mut xs, mut ys) = (panel.x.includes.clone(), panel.y.includes.clone());
    for series in &panel.series {
        let reaches_ends = series.intervals == IntervalMark::Bar;
        for point in series.points.iter().filter(|point| shows(panel, point)) {
            xs.push(point.x);
            ys.push(point.y);
            xs.extend(point.measured_x);
            if reaches_ends {
                xs.extend(point.x_interval.iter().flat_map(|&(low, high)| [low, high]));
                ys.extend(point.y_interval.iter().flat_map(|&(low, high)| [low, high]));
            }
        }
    }
    for guide in &panel.guides {
        match guide {
            Guide::Budget { at, .. } => xs.push(*at),
            Guide::Level { at, band } => ys.extend([*at, band.0, band.1]),
            Guide::Diagonal { .. } => {
                let (x_values, y_values) = (accepted(&panel.x, &xs), accepted(&panel.y, &ys));
                xs.extend(y_values);
                ys.extend(x_values);
            }
        }
    }
    (accepted(&panel.x, &xs), accepted(&panel.y, &ys))
}

fn accepted(axis: &Axis, values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|&value| axis.accepts(value)).collect()
}

/// Tests that both axes of a panel can show a point.
fn shows(panel: &Panel, point: &Point) -> bool {
    panel.x.accepts(point.x) && panel.y.accepts(point.y)
}
