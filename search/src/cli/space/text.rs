//! Search spaces as text: a list of them, or one with its families, stages and references.

use mnas_space::{Constraints, Family, HiddenNorm, Scaling, SearchSpace, Stage};

use super::choices::{ChoiceRow, PROPERTIES, choice_rows, take_squeeze_details};
use super::description::{Document, Form, ReferenceRow, Summary};
use crate::report::{Heading, fitting_listing, listing, units};

/// One line for each space.
pub fn overview(spaces: &[Summary], width: Option<u16>) -> String {
    let headings = [
        Heading::text("name"),
        Heading::number("configurations"),
        Heading::text("what it holds"),
    ];
    let cells = |space: &Summary| vec![space.name.clone(), about(&space.size), space.description.clone()];
    listing(&headings, &spaces.iter().map(cells).collect::<Vec<_>>(), width)
}

/// Complete description of a space.
pub fn one(space: &SearchSpace, description: &Document, width: Option<u16>) -> String {
    let mut parts = vec![heading(space, description)];
    for family in &space.families {
        parts.push(family_text(family, width));
    }
    parts.push(references(description, width));
    parts.join("\n")
}

fn heading(space: &SearchSpace, description: &Document) -> String {
    let mut lines = vec![
        format!("{}: {}", description.name, description.description),
        format!("{} configurations", sized(&description.size)),
        format!(
            "{} distinct layers for a latency table",
            units::grouped(description.block_keys as u64)
        ),
    ];
    if !space.constraints.is_empty() {
        lines.push(format!(
            "every network has at most {}\nconfigurations that exceed this are counted above, but never drawn",
            limits(&space.constraints)
        ));
    }
    if space.early_strides_removed > 0 {
        lines.push(format!(
            "for small images: the {} earliest strides of every network are 1",
            space.early_strides_removed
        ));
    }
    lines.join("\n")
}

fn limits(constraints: &Constraints) -> String {
    let params = constraints
        .max_params
        .map(|limit| format!("{} parameters (for a single class)", units::grouped(limit)));
    let macs = constraints
        .max_macs
        .map(|limit| format!("{} multiply-adds", units::grouped(limit)));
    let bytes = constraints
        .max_peak_activation_bytes
        .map(|limit| format!("{} of activations alive at once", units::bytes(limit)));
    [params, macs, bytes]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// A family: its widths and resolutions, a table of its stages, the facts without a column, its classifier.
fn family_text(family: &Family, width: Option<u16>) -> String {
    let mut rows: Vec<_> = family.stages.iter().map(|stage| choice_rows(&stage.choices)).collect();
    let squeeze = take_squeeze_details(rows.iter_mut().flatten());
    let mut lines = vec![
        format!(
            "\nfamily {}: {} configurations",
            family.name,
            about(&family.size().to_string())
        ),
        format!(
            "width multiplier{} {}; input side{} {} px",
            plural(&family.widths),
            numbers(&family.widths),
            plural(&family.resolutions),
            whole_numbers(&family.resolutions)
        ),
        stages(family, &rows, width),
    ];
    lines.extend(squeeze.map(|details| format!("squeeze-excite: {details}")));
    for (scaling, note) in [
        (Scaling::UpOnly, "channels follow width multipliers above 1 only"),
        (Scaling::Never, "channels are the same at every width"),
    ] {
        let numbered = family.stages.iter().enumerate();
        let found = numbered.filter(|(_, stage)| stage.scaling == scaling);
        let found: Vec<String> = found.map(|(index, _)| (index + 1).to_string()).collect();
        if !found.is_empty() {
            lines.push(format!("stage {}: {note}", found.join(", ")));
        }
    }
    lines.push(format!("classifier: {}", classifier(family)));
    lines.join("\n")
}

fn classifier(family: &Family) -> String {
    let Some(hidden) = family.hidden else {
        return "the classes, straight from the last stage".to_owned();
    };
    let norm = match hidden.norm {
        HiddenNorm::Bias => "",
        HiddenNorm::BatchNorm => " with batch-norm",
        HiddenNorm::None => " without bias",
    };
    let scaling = match hidden.scaling {
        Scaling::Always => "",
        Scaling::UpOnly => " (more at width multipliers above 1)",
        Scaling::Never => " at every width",
    };
    let (features, activation) = (hidden.features, hidden.activation.name());
    format!("{features} hidden features{norm}{scaling}, {activation}, then the classes")
}

/// The stages as a table: a column for each property of blocks, or all in one where the terminal is narrow.
fn stages(family: &Family, rows: &[Vec<ChoiceRow>], width: Option<u16>) -> String {
    let shown: Vec<usize> = (0..PROPERTIES.len())
        .filter(|&property| rows.iter().flatten().any(|row| row.has(property)))
        .collect();
    let apart = shown
        .iter()
        .map(|&property| Heading::text(PROPERTIES[property].heading));
    let apart: Vec<Heading> = std::iter::once(Heading::text("block")).chain(apart).collect();
    let cells = |row: &ChoiceRow| {
        let cells = shown.iter().map(|&property| row.cell(property));
        std::iter::once(row.block.to_owned()).chain(cells).collect()
    };
    let (headings, lines) = stage_table(family, rows, &apart, &cells);
    fitting_listing(&headings, &lines, width).unwrap_or_else(|| {
        let together = [Heading::text("block")];
        let (headings, lines) = stage_table(family, rows, &together, &|row| vec![row.to_string()]);
        listing(&headings, &lines, width)
    })
}

/// Headings and rows: the stage's number, `blocks` as `cells` show them, and the other properties of the stage.
fn stage_table(
    family: &Family,
    rows: &[Vec<ChoiceRow>],
    blocks: &[Heading],
    cells: &dyn Fn(&ChoiceRow) -> Vec<String>,
) -> (Vec<Heading>, Vec<Vec<String>>) {
    let mut headings = vec![Heading::number("stage")];
    headings.extend(blocks);
    headings.extend([
        Heading::number("channels"),
        Heading::number("depth"),
        Heading::number("stride"),
        Heading::text("chosen"),
        Heading::number("combinations").expendable(1),
    ]);
    let mut lines = Vec::new();
    for (index, (stage, rows)) in family.stages.iter().zip(rows).enumerate() {
        let mut before = (index + 1).to_string();
        let mut after = [
            whole_numbers(&stage.channels),
            whole_numbers(&stage.depth),
            stage.stride.to_string(),
            chosen(stage).to_owned(),
            about(&stage.size().to_string()),
        ];
        for row in rows {
            let mut line = vec![std::mem::take(&mut before)];
            line.extend(cells(row));
            // Further rows of a stage hold only its other blocks.
            line.extend(std::mem::take(&mut after));
            lines.push(line);
        }
    }
    (headings, lines)
}

fn plural<T>(values: &[T]) -> &'static str {
    if values.len() == 1 { "" } else { "s" }
}

fn whole_numbers(values: &[u32]) -> String {
    numbers(&values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>())
}

fn chosen(stage: &Stage) -> &'static str {
    match (stage.choices.len(), stage.per_layer) {
        (1, _) => "",
        (_, true) => "per layer",
        (_, false) => "per stage",
    }
}

/// References that the space contains, with their widths and resolutions.
fn references(description: &Document, width: Option<u16>) -> String {
    let mut parts = Vec::new();
    if description.references.is_empty() {
        parts.push("\nreferences that it contains: none".to_owned());
    } else {
        let headings = [
            Heading::text("reference"),
            Heading::text("width multipliers"),
            Heading::text("input sides in pixels"),
            Heading::number("forms"),
        ];
        let rows: Vec<Vec<String>> = description.references.iter().flat_map(reference_rows).collect();
        parts.push("\nreferences that it contains, at these widths and input sides (forms):".to_owned());
        parts.push(listing(&headings, &rows, width));
    }
    if !description.compared_with.is_empty() {
        parts.push(format!(
            "a search compares with {}",
            description.compared_with.join(", ")
        ));
    }
    parts.join("\n")
}

/// Widths with the same resolutions share a row.
fn reference_rows(reference: &ReferenceRow) -> Vec<Vec<String>> {
    let mut groups: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    let mut widths: Vec<f64> = reference.contained.iter().map(|form| form.width).collect();
    widths.sort_by(f64::total_cmp);
    widths.dedup();
    for width in widths {
        let at = |form: &&Form| form.width.total_cmp(&width).is_eq();
        let mut sides: Vec<f64> = reference
            .contained
            .iter()
            .filter(at)
            .map(|form| f64::from(form.resolution))
            .collect();
        sides.sort_by(f64::total_cmp);
        match groups.iter_mut().find(|group| group.1 == sides) {
            Some(group) => group.0.push(width),
            None => groups.push((vec![width], sides)),
        }
    }
    let row = |(index, (widths, sides)): (usize, (Vec<f64>, Vec<f64>))| {
        let first = |text: String| if index == 0 { text } else { String::new() };
        vec![
            first(reference.name.clone()),
            numbers(&widths),
            numbers(&sides),
            first(format!("{} of {}", reference.contained.len(), reference.looked_for)),
        ]
    };
    groups.into_iter().enumerate().map(row).collect()
}

/// `96, 128, 160`; a long row of equal steps as `128 to 224 in steps of 4`.
fn numbers(values: &[f64]) -> String {
    let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if let (6.., [step, ..], [first, .., last]) = (values.len(), steps.as_slice(), values)
        && steps.iter().all(|other| (other - step).abs() < 1e-9)
    {
        let by = if (step - 1.0).abs() < 1e-9 {
            String::new()
        } else {
            format!(" in steps of {step}")
        };
        return format!("{first} to {last}{by}");
    }
    values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}

/// A number of decimal digits, rounded where it is long: `6,561`, `1.23e45`.
fn about(digits: &str) -> String {
    match digits.parse::<u64>() {
        Ok(number) if digits.len() <= 7 => units::grouped(number),
        _ => format!("{}.{}e{}", &digits[..1], &digits[1..3], digits.len() - 1),
    }
}

/// A number of decimal digits, about and exactly.
fn sized(digits: &str) -> String {
    let about = about(digits);
    let exact = units::grouped_digits(digits);
    if about == exact {
        about
    } else {
        format!("{about} (exactly {exact})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_shortened_and_short_ones_exact() {
        assert_eq!(about("6561"), "6,561");
        assert_eq!(sized("6561"), "6,561");
        assert_eq!(sized("12345678901"), "1.23e10 (exactly 12,345,678,901)");
    }

    #[test]
    fn rows_of_equal_steps_are_shortened() {
        assert_eq!(numbers(&[0.35, 0.5, 1.0]), "0.35, 0.5, 1");
        assert_eq!(numbers(&[1.0, 2.0, 3.0, 4.0]), "1, 2, 3, 4");
        assert_eq!(
            numbers(&[96.0, 128.0, 160.0, 192.0, 224.0, 256.0]),
            "96 to 256 in steps of 32"
        );
        assert_eq!(numbers(&[7.0, 8.0, 9.0, 10.0, 11.0, 12.0]), "7 to 12");
    }

    #[test]
    fn every_space_fits_a_terminal() {
        for name in SearchSpace::embedded_names() {
            let (space, _) = crate::cli::space::open(name).unwrap_or_else(|error| panic!("{error}"));
            let description = Document::of(&space, 1000).unwrap_or_else(|error| panic!("{error}"));
            for width in [80, 100, 120] {
                let text = one(&space, &description, Some(width));
                // Drawn lines only: the terminal wraps prose.
                let drawn = text.lines().filter(|line| line.starts_with([' ', '─']));
                let widest = drawn.map(|line| line.chars().count()).max().unwrap_or(0);
                assert!(widest <= usize::from(width), "{widest} columns of {width}:\n{text}");
            }
        }
    }
}
