//! Accuracy over size as a few lines of text.

/// Lines of the plotting area.
const ROWS: usize = 5;

/// Widest plotting area in columns.
const WIDEST: usize = 56;

/// Narrowest plotting area in columns; on terminals that have less there is none.
const NARROWEST: usize = 16;

/// A point's mark. Later ones cover earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// A candidate that another one dominates.
    Candidate,
    /// A published network.
    Reference,
    /// A candidate on the front.
    Front,
}

impl Mark {
    fn symbol(self) -> char {
        match self {
            Self::Candidate => '·',
            Self::Reference => '◆',
            Self::Front => '●',
        }
    }
}

/// A network in the sketch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SketchPoint {
    /// Place from left to right.
    pub size: f64,
    /// Place from bottom to top.
    pub accuracy: f64,
    /// Its mark.
    pub mark: Mark,
}

/// Draws points as lines of at most `width` columns: accuracies over sizes up to `bound`, or up to the largest. `texts` write a size and an
/// accuracy. Nothing is drawn before there is a front, and on a terminal that is too narrow.
pub fn sketch(
    points: &[SketchPoint],
    bound: Option<f64>,
    texts: (&dyn Fn(f64) -> String, &dyn Fn(f64) -> String),
    width: usize,
) -> Vec<String> {
    // Dominated candidates may be far below the others, and are left out there; others are moved up to the lowest line.
    let shown = || points.iter().filter(|point| point.mark != Mark::Candidate);
    let (lowest, best) = range(shown().map(|point| point.accuracy));
    let worst = lowest.max(floor(shown().map(|point| point.accuracy), best));
    let (least, most) = range(points.iter().map(|point| point.size));
    let most = bound.unwrap_or(most);
    if shown().next().is_none() || !(best - worst).is_finite() || !(most - least).is_finite() {
        return Vec::new();
    }
    let below = if worst > lowest { "≤ " } else { "" };
    let labels = [texts.1(best), format!("{below}{}", texts.1(worst))];
    let margin = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let columns = width.saturating_sub(margin + 4).min(WIDEST);
    if columns < NARROWEST {
        return Vec::new();
    }
    let mut cells = vec![vec![None; columns]; ROWS];
    for point in points {
        let accuracy = match point.mark {
            Mark::Candidate => point.accuracy,
            Mark::Reference | Mark::Front => point.accuracy.max(worst),
        };
        let row = place(accuracy, (best, worst), ROWS);
        let column = place(point.size, (least, most), columns);
        if let (Some(row), Some(column)) = (row, column) {
            let cell: &mut Option<Mark> = &mut cells[row][column];
            *cell = (*cell).max(Some(point.mark));
        }
    }
    let mut lines: Vec<String> = (0..ROWS)
        .map(|row| {
            let label = match row {
                0 => &labels[0],
                row if row == ROWS - 1 && best > worst => &labels[1],
                _ => "",
            };
            let marks: String = cells[row].iter().map(|mark| mark.map_or(' ', Mark::symbol)).collect();
            format!("{label:>margin$} ┤{}", marks.trim_end())
        })
        .collect();
    lines.push(format!("{:margin$} └{}", "", "─".repeat(columns)));
    lines.push(format!(
        "{:margin$}  {}",
        "",
        ends(&texts.0(least), &texts.0(most), columns)
    ));
    lines
}

/// Least and largest of some values.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
            (least.min(value), most.max(value))
        })
}

/// Accuracy of the lowest line: as far below the median as the best is above it, so that few bad networks do not squeeze the others; of few
/// networks all are shown.
fn floor(accuracies: impl Iterator<Item = f64>, best: f64) -> f64 {
    const FEW: usize = 5;
    let mut sorted: Vec<f64> = accuracies.filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.get(sorted.len() / 2) {
        Some(median) if sorted.len() >= FEW && *median < best => 2.0 * median - best,
        _ => f64::NEG_INFINITY,
    }
}

/// Index of a value between two ends; `None` outside.
fn place(value: f64, (first, last): (f64, f64), cells: usize) -> Option<usize> {
    let span = last - first;
    let share = if span.abs() > 0.0 { (value - first) / span } else { 0.0 };
    (0.0..=1.0)
        .contains(&share)
        .then(|| (share * (cells - 1) as f64).round() as usize)
}

/// Texts at both ends of a line, the marks' meanings between them where there is room.
fn ends(left: &str, right: &str, columns: usize) -> String {
    const LEGEND: &str = "● front  · other  ◆ reference";
    let used = left.chars().count() + right.chars().count();
    if used >= columns {
        return format!("{right:>columns$}");
    }
    let room = columns - used;
    let legend = LEGEND.chars().count();
    if room < legend + 4 {
        return format!("{left}{:room$}{right}", "");
    }
    let before = (room - legend) / 2;
    let after = room - legend - before;
    format!("{left}{:before$}{LEGEND}{:after$}{right}", "", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(points: &[(f64, f64, Mark)], bound: Option<f64>, width: usize) -> Vec<String> {
        let points: Vec<SketchPoint> = points
            .iter()
            .map(|&(size, accuracy, mark)| SketchPoint { size, accuracy, mark })
            .collect();
        let (size, accuracy) = (|value: f64| format!("{value} ms"), |value: f64| format!("{value:.1} %"));
        sketch(&points, bound, (&size, &accuracy), width)
    }

    const POINTS: [(f64, f64, Mark); 5] = [
        (2.0, 50.0, Mark::Front),
        (8.0, 60.0, Mark::Reference),
        (10.0, 66.0, Mark::Front),
        (9.0, 58.0, Mark::Candidate),
        (4.0, 20.0, Mark::Candidate),
    ];

    #[test]
    fn points_stand_over_their_sizes() {
        insta::assert_snapshot!(drawn(&POINTS, Some(20.0), 76).join("\n"));
    }

    #[test]
    fn every_width_is_kept_and_the_narrowest_shows_nothing() {
        for width in 0..120 {
            let lines = drawn(&POINTS, Some(20.0), width);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:?}");
            assert!(lines.is_empty() || lines.len() == ROWS + 2);
        }
        assert!(drawn(&POINTS, None, 20).is_empty());
        assert!(!drawn(&POINTS, None, 40).is_empty());
    }

    #[test]
    fn a_bad_network_does_not_squeeze_the_others() {
        let mut points: Vec<(f64, f64, Mark)> = (0..6)
            .map(|index| (f64::from(index), 80.0 + f64::from(index), Mark::Front))
            .collect();
        points[0].1 = 10.0;
        let lines = drawn(&points, None, 60);
        assert!(lines[4].contains("≤ 81.0 % ┤●"), "{lines:?}");
        assert!(lines[0].contains("85.0 %"), "{lines:?}");
    }

    #[test]
    fn few_points_are_no_problem() {
        assert!(drawn(&[], Some(20.0), 60).is_empty());
        assert!(drawn(&[(1.0, 50.0, Mark::Candidate)], None, 60).is_empty());
        let one = drawn(&[(1.0, 50.0, Mark::Front)], None, 60);
        assert!(one[0].contains('●'), "{one:?}");
        assert!(drawn(&[(1.0, f64::NAN, Mark::Front)], None, 60).is_empty());
    }
}
