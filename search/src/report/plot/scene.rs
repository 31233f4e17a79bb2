//! What a plot shows, before any geometry: rows sorted into front, dominated candidates, families of references.

use super::super::point::{ReportRow, RowKind, RowStatus, best_row};
use super::super::units;
use super::style::{FamilyStyle, family_of, family_style};
use mnas_engine::front::pareto_front;

/// References of one family, from the fastest to the slowest.
#[derive(Debug, Clone)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) style: FamilyStyle,
    pub(super) members: Vec<usize>,
    /// The members that none of the family dominates, which a line joins.
    pub(super) front: Vec<usize>,
}

/// Indices of the rows to draw, by role.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// Candidates on the front, from the fastest to the slowest.
    pub(super) front: Vec<usize>,
    /// Complete candidates off the front.
    pub(super) dominated: Vec<usize>,
    /// Families of references, in order of first appearance.
    pub(super) families: Vec<Family>,
    /// The best candidate within the budget.
    pub(super) best: Option<usize>,
}

impl Scene {
    /// Sorts the rows that have a point.
    pub(super) fn new(rows: &[ReportRow]) -> Self {
        let mut drawn: Vec<(usize, f64)> = rows
            .iter()
            .enumerate()
            .filter_map(|(index, row)| Some((index, row.point()?.0)))
            .collect();
        drawn.sort_by(|left, right| left.1.total_cmp(&right.1).then(left.0.cmp(&right.0)));
        let candidates = |on_front: bool| {
            let wanted = |index: &usize| rows[*index].kind == RowKind::Candidate && rows[*index].on_front == on_front;
            drawn.iter().map(|&(index, _)| index).filter(wanted).collect()
        };
        Self {
            front: candidates(true),
            dominated: candidates(false),
            families: families(rows, &drawn),
            best: best_row(rows),
        }
    }

    /// Every row drawn.
    pub(super) fn drawn(&self) -> impl Iterator<Item = usize> {
        let references = self.families.iter().flat_map(|family| family.members.iter());
        self.front.iter().chain(&self.dominated).chain(references).copied()
    }
}

fn families(rows: &[ReportRow], drawn: &[(usize, f64)]) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    let mut unknown = 0;
    // Families appear in the order of the rows, their members in that of latency.
    for row in rows
        .iter()
        .filter(|row| row.kind == RowKind::Reference && row.point().is_some())
    {
        let name = family_of(&row.name);
        if families.iter().all(|family| family.name != name) {
            let style = family_style(&name, &mut unknown);
            let belongs =
                |index: &usize| rows[*index].kind == RowKind::Reference && family_of(&rows[*index].name) == name;
            let members: Vec<usize> = drawn.iter().map(|&(index, _)| index).filter(belongs).collect();
            let points: Vec<(f64, f64)> = members.iter().filter_map(|&index| rows[index].point()).collect();
            let front = pareto_front(&points)
                .into_iter()
                .map(|member| members[member])
                .collect();
            families.push(Family {
                name,
                style,
                members,
                front,
            });
        }
    }
    families
}

/// A reference's label: its name without `MobileNet`, which the legend spells out, and with a proper multiplication sign.
pub(super) fn reference_label(row: &ReportRow) -> String {
    let name = row.label();
    let short = match name.get(..9) {
        Some(prefix) if prefix.eq_ignore_ascii_case("mobilenet") => name[9..].trim_start_matches(['-', ' ']).to_owned(),
        _ => name.clone(),
    };
    let words: Vec<String> = short
        .split_whitespace()
        .map(|word| match word.strip_suffix('x') {
            Some(number) if number.parse::<f64>().is_ok() => format!("{number}×"),
            _ => word.to_owned(),
        })
        .collect();
    if words.is_empty() { name } else { words.join(" ") }
}

/// The lines that describe the best network; the first is its headline.
pub(super) fn best_lines(row: &ReportRow, has_budget: bool) -> Vec<String> {
    let what = if has_budget {
        "best within budget"
    } else {
        "most accurate"
    };
    let accuracy = row.accuracy.map(units::percent).unwrap_or_default();
    let mut latency = Vec::new();
    latency.extend(
        row.latency_ms
            .map(|value| format!("{} predicted", units::milliseconds(value))),
    );
    latency.extend(
        row.measured_ms
            .map(|value| format!("{} measured", units::milliseconds(value))),
    );
    vec![
        format!("{what}: {}, {accuracy}", row.label()),
        latency.join(", "),
        format!(
            "{} params, {} MAdds, {} px",
            units::count(row.params),
            units::count(row.macs),
            row.resolution
        ),
    ]
}

/// What the plot leaves out and why, or nothing.
pub(super) fn not_drawn(rows: &[ReportRow]) -> Option<String> {
    let count = |what: &str, wanted: &dyn Fn(&ReportRow) -> bool| {
        let number = rows.iter().filter(|row| wanted(row)).count();
        (number > 0).then(|| format!("{number} {what}"))
    };
    let parts: Vec<String> = [
        count("over budget, not trained", &|row| row.status == RowStatus::OverBudget),
        count("failed", &|row| row.status == RowStatus::Failed),
        count("unfinished", &|row| row.status == RowStatus::Pending),
        count("without accuracy or latency", &|row| {
            row.status == RowStatus::Complete && row.point().is_none()
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| format!("not drawn: {}", parts.join("; ")))
}
