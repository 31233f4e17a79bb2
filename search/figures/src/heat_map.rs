//! Heat maps: a grid of cells coloured by a value, such as accuracy over width and resolution.

use crate::canvas::Canvas;
use crate::caption::{Caption, PlacedCaption};
use crate::color::Color;
use crate::error::FigureError;
use crate::geometry::Rect;
use crate::legend::{LegendEntry, PlacedLegend, Symbol};
use crate::scale::Scale;
use crate::strokes::draw_hatching;
use crate::style::{
    ABOVE_FRAME, AXIS_TITLE_LEFT, BUDGET, FRAME_WIDTH, GRID, HEAT, INK, LARGE_AXES, PAPER, RULE, SIDE, STRONG_LINE,
    TICK_GAP, UNITS_PER_PIXEL, WIDTH,
};
use crate::svg::Svg;
use crate::text::{Align, TextStyle};

/// Maximum width of a row's name.
const ROW_NAME: f64 = 700.0;
/// Maximum width of a column's name.
const COLUMN_NAME: f64 = 400.0;
/// Distance between cells.
const GAP: f64 = 6.0;
/// Width of the colour bar.
const BAR_WIDTH: f64 = 50.0;
/// Distance of the colour bar from the cells.
const BAR_GAP: f64 = 70.0;
/// Space for the colour bar's labels and title.
const BAR_ROOM: f64 = 210.0;
/// Number of steps of the colour bar.
const BAR_STEPS: usize = 64;
/// Largest and smallest size of text in cells; without text if even the smallest does not fit.
const CELL_TEXT: (f64, f64) = (34.0, 20.0);
/// Height of a line in em.
const CELL_LINE: f64 = 1.3;
/// Luminance of a cell below which white text has more contrast than dark text.
const DARK: f64 = 0.21;
/// Minimum height of a row of cells.
const LEAST_ROW: f64 = 90.0;

/// Heat map: a grid of cells coloured by a value.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Title, subtitle and alternative text.
    pub caption: Caption,
    /// Title of the horizontal axis.
    pub x_title: String,
    /// Names of the columns from left to right.
    pub columns: Vec<String>,
    /// Title of the vertical axis.
    pub y_title: String,
    /// Names of the rows from top to bottom.
    pub rows: Vec<String>,
    /// Title of the colour bar, including the unit.
    pub value_title: String,
    /// Cells by row and column.
    pub cells: Vec<Vec<HeatCell>>,
    /// Row and column of the best cell, which is framed, and its description in the legend.
    pub best: Option<(usize, usize, String)>,
    /// Description of hatched cells in the legend.
    pub hatched: String,
    /// Minimum height in pixels; the figure is higher if its rows need more space.
    pub height: u32,
}

/// Cell of a heat map.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeatCell {
    /// Value that determines the colour; cells without a finite value are grey.
    pub value: Option<f64>,
    /// Lines of text in the cell, the first in bold; left out if the cells are too small.
    pub lines: Vec<String>,
    /// True to hatch the cell, such as for a network over the budget.
    pub is_hatched: bool,
}

impl HeatMap {
    /// Draws the figure as an SVG document 1600 pixels wide.
    ///
    /// It is an error if the numbers of cells and names differ, or if the best cell is outside the grid.
    pub fn draw(&self) -> Result<Svg, FigureError> {
        self.check()?;
        let caption = PlacedCaption::new(&self.caption, WIDTH);
        let legend = PlacedLegend::rows(&self.legend(), caption.bottom + 4.0, WIDTH);
        let top = legend.bottom + ABOVE_FRAME;
        let least = top + LEAST_ROW * self.rows.len() as f64 + LARGE_AXES.below;
        let height = (self.height * UNITS_PER_PIXEL)
            .max(least.ceil() as u32)
            .next_multiple_of(2);
        let style = TextStyle::new(LARGE_AXES.tick, INK);
        let names = self
            .rows
            .iter()
            .map(|name| style.width(name))
            .fold(0.0, f64::max)
            .min(ROW_NAME);
        let room = LARGE_AXES
            .y_title
            .max(LARGE_AXES.y_tick + names + 20.0 + LARGE_AXES.title / 2.0);
        let area = Rect {
            left: AXIS_TITLE_LEFT + room,
            top,
            right: f64::from(WIDTH) - SIDE - BAR_GAP - BAR_WIDTH - BAR_ROOM,
            bottom: f64::from(height) - LARGE_AXES.below,
        };
        let grid = Grid {
            map: self,
            area,
            text_size: self.text_size(area),
            scale: Scale::linear(&self.values(), area.bottom, area.top),
        };
        Svg::draw(&self.caption, (WIDTH, height), |canvas| {
            caption.draw(canvas);
            legend.draw(canvas)?;
            grid.draw_axes(canvas);
            grid.draw_cells(canvas)?;
            grid.draw_bar(canvas)
        })
    }

    fn check(&self) -> Result<(), FigureError> {
        if self.cells.len() != self.rows.len() {
            let problem = format!("{} rows of cells for {} names", self.cells.len(), self.rows.len());
            return Err(FigureError::input("heat map", problem));
        }
        for (cells, name) in self.cells.iter().zip(&self.rows) {
            if cells.len() != self.columns.len() {
                let problem = format!("{} cells for {} columns", cells.len(), self.columns.len());
                return Err(FigureError::input(format!("row `{name}`"), problem));
            }
        }
        match &self.best {
            Some((row, column, _)) if *row >= self.rows.len() || *column >= self.columns.len() => {
                let problem = format!("the best cell ({row}, {column}) lies outside of the grid");
                Err(FigureError::input("heat map", problem))
            }
            _ => Ok(()),
        }
    }

    fn legend(&self) -> Vec<LegendEntry> {
        let mut entries = Vec::new();
        if let Some((.., meaning)) = &self.best {
            entries.push(LegendEntry::new(Symbol::FramedCell, meaning));
        }
        if self.cells.iter().flatten().any(|cell| cell.is_hatched) {
            entries.push(LegendEntry::new(Symbol::HatchedCell, &self.hatched));
        }
        entries
    }

    fn values(&self) -> Vec<f64> {
        self.cells.iter().flatten().filter_map(HeatCell::finite).collect()
    }

    fn cell_size(&self, area: Rect) -> (f64, f64) {
        let (columns, rows) = (self.columns.len().max(1) as f64, self.rows.len().max(1) as f64);
        (area.width() / columns - GAP, area.height() / rows - GAP)
    }

    /// Largest size at which the text of every cell fits; `None` if there is none.
    fn text_size(&self, area: Rect) -> Option<f64> {
        let (width, height) = self.cell_size(area);
        let fits = |size: &f64| {
            let style = TextStyle::new(*size, INK).bold();
            self.cells.iter().flatten().all(|cell| {
                let widest = cell.lines.iter().map(|line| style.width(line)).fold(0.0, f64::max);
                widest <= width - 16.0 && CELL_LINE * size * cell.lines.len() as f64 <= height - 10.0
            })
        };
        let steps = (CELL_TEXT.0 - CELL_TEXT.1) as usize;
        (0..=steps).map(|step| CELL_TEXT.0 - step as f64).find(fits)
    }
}

impl HeatCell {
    fn finite(&self) -> Option<f64> {
        self.value.filter(|value| value.is_finite())
    }
}

/// Colour of a value, given as its share of the range from the lowest to the highest value.
fn heat(share: f64) -> Color {
    let share = share.clamp(0.0, 1.0);
    let [low, middle, high] = HEAT;
    if share < 0.5 {
        low.toward(middle, 2.0 * share)
    } else {
        middle.toward(high, 2.0 * share - 1.0)
    }
}

/// Layout of a heat map.
struct Grid<'a> {
    map: &'a HeatMap,
    area: Rect,
    text_size: Option<f64>,
    scale: Scale,
}

impl Grid<'_> {
    fn cell(&self, row: usize, column: usize) -> Rect {
        let (width, height) = self.map.cell_size(self.area);
        let left = self.area.left + column as f64 * (width + GAP) + GAP / 2.0;
        let top = self.area.top + row as f64 * (height + GAP) + GAP / 2.0;
        Rect {
            left,
            top,
            right: left + width,
            bottom: top + height,
        }
    }

    /// Colour of a value between the lowest and the highest of the map.
    fn color(&self, value: f64) -> Color {
        let values = self.map.values();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let span = high - low;
        heat(if span > 0.0 { (value - low) / span } else { 0.5 })
    }

    fn draw_axes(&self, canvas: &mut Canvas<'_>) {
        let (area, sizes) = (self.area, LARGE_AXES);
        let (width, _) = self.map.cell_size(area);
        let style = TextStyle::new(sizes.tick, INK);
        // If names would touch, only every second, third, ... column has one.
        let widest = self
            .map
            .columns
            .iter()
            .map(|name| style.width(name))
            .fold(0.0, f64::max);
        let every = ((widest.min(COLUMN_NAME) + TICK_GAP) / (width + GAP)).ceil().max(1.0) as usize;
        for (column, name) in self.map.columns.iter().enumerate().step_by(every) {
            let at = (self.cell(0, column).center().0, area.bottom + sizes.x_tick);
            canvas.text(&style.shorten(name, COLUMN_NAME), at, style.align(Align::Middle));
        }
        for (row, name) in self.map.rows.iter().enumerate() {
            let at = (area.left - sizes.y_tick, self.cell(row, 0).center().1);
            canvas.text(&style.shorten(name, ROW_NAME), at, style.align(Align::End));
        }
        let title = TextStyle::new(sizes.title, INK).align(Align::Middle);
        canvas.text(&self.map.x_title, (area.center().0, area.bottom + sizes.x_title), title);
        canvas.text(&self.map.y_title, (AXIS_TITLE_LEFT, area.center().1), title.upwards());
    }

    fn draw_cells(&self, canvas: &mut Canvas<'_>) -> Result<(), FigureError> {
        for (row, cells) in self.map.cells.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                let rect = self.cell(row, column);
                let color = cell.finite().map_or(GRID, |value| self.color(value));
                canvas.fill(rect, color)?;
                let is_dark = color.luminance() < DARK;
                if cell.is_hatched {
                    draw_hatching(canvas, rect, if is_dark { RULE.toward(PAPER, 0.4) } else { RULE })?;
                }
                self.draw_text(canvas, cell, rect, color)?;
            }
        }
        if let Some((row, column, _)) = &self.map.best {
            canvas.frame(self.cell(*row, *column), 2 * STRONG_LINE, BUDGET)?;
        }
        Ok(())
    }

    fn draw_text(&self, canvas: &mut Canvas<'_>, cell: &HeatCell, rect: Rect, color: Color) -> Result<(), FigureError> {
        let Some(size) = self.text_size.filter(|_| !cell.lines.is_empty()) else {
            return Ok(());
        };
        let ink = if color.luminance() < DARK { PAPER } else { INK };
        let regular = TextStyle::new(size, ink).align(Align::Middle);
        let style = |number: usize| if number == 0 { regular.bold() } else { regular };
        let height = CELL_LINE * size;
        if cell.is_hatched {
            // Text over hatching needs a plain background.
            let widths = cell
                .lines
                .iter()
                .enumerate()
                .map(|(number, line)| style(number).width(line));
            let width = widths.fold(0.0, f64::max) + 14.0;
            canvas.fill(
                Rect::around(rect.center(), width, height * cell.lines.len() as f64),
                color,
            )?;
        }
        let top = rect.center().1 - height * cell.lines.len() as f64 / 2.0;
        for (number, line) in cell.lines.iter().enumerate() {
            let y = top + height * (number as f64 + 0.5);
            canvas.text(line, (rect.center().0, y), style(number));
        }
        Ok(())
    }

    /// Draws the colour bar with its scale, to the right of the cells.
    fn draw_bar(&self, canvas: &mut Canvas<'_>) -> Result<(), FigureError> {
        let values = self.map.values();
        let (Some(low), Some(high)) = (
            values.iter().copied().reduce(f64::min),
            values.iter().copied().reduce(f64::max),
        ) else {
            return Ok(());
        };
        let left = self.area.right + BAR_GAP;
        let right = left + BAR_WIDTH;
        // The bar covers only the range of the cells' values; its scale can extend further.
        let (bottom, top) = (self.scale.position(low), self.scale.position(high));
        let height = (bottom - top) / BAR_STEPS as f64;
        for step in 0..BAR_STEPS {
            // Each step extends to the top, so that no seams are visible between steps.
            let band = Rect {
                left,
                top,
                right,
                bottom: bottom - step as f64 * height,
            };
            canvas.fill(band, heat((step as f64 + 0.5) / BAR_STEPS as f64))?;
        }
        let bar = Rect {
            left,
            top,
            right,
            bottom,
        };
        canvas.frame(bar, FRAME_WIDTH, RULE)?;
        let style = TextStyle::new(LARGE_AXES.tick, INK);
        for tick in self.scale.ticks(6, 20.0, |_| LARGE_AXES.tick) {
            let y = self.scale.position(tick.value);
            if y > bottom + 1.0 || y < top - 1.0 {
                continue;
            }
            canvas.line(&[(right, y), (right + 14.0, y)], FRAME_WIDTH, RULE)?;
            canvas.text(&tick.label.unwrap_or_default(), (right + 24.0, y), style);
        }
        let title = TextStyle::new(LARGE_AXES.title, INK).align(Align::Middle).upwards();
        canvas.text(
            &self.map.value_title,
            (right + BAR_ROOM - 40.0, self.area.center().1),
            title,
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn darker_is_more_for_readers_in_grey() {
        let luminance: Vec<f64> = (0..=20).map(|step| heat(f64::from(step) / 20.0).luminance()).collect();
        assert!(luminance.windows(2).all(|pair| pair[0] > pair[1]), "{luminance:?}");
    }
}
