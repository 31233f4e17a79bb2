//! Choices of a layer in few rows: choices that are the product of lists are shown as these lists.

use std::fmt;

use mnas_space::BlockChoice;

/// A property of blocks as a column: its heading, and what its absence means where other values stand beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property {
    pub heading: &'static str,
    absent: &'static str,
}

const fn property(heading: &'static str, absent: &'static str) -> Property {
    Property { heading, absent }
}

/// The columns, in their order.
pub const PROPERTIES: [Property; 9] = [
    property("first kernel", "none"),
    property("kernel", "none"),
    property("expansion", "none"),
    property("squeeze-excite", "no"),
    property("activation", "none"),
    property("residual", "yes"),
    property("groups", "1"),
    property("layer scale", "no"),
    property("other", "–"),
];

/// Index of squeeze-excite among [`PROPERTIES`].
const SQUEEZE_EXCITE: usize = 3;

/// Index of the column for properties without a column of their own.
const OTHERS: usize = 8;

/// Choices of one block type: every combination of these values, one list for each of [`PROPERTIES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceRow {
    pub block: &'static str,
    values: Vec<Vec<String>>,
}

impl ChoiceRow {
    fn of(choice: &BlockChoice) -> Self {
        let mut values = vec![String::new(); PROPERTIES.len()];
        let (mut squeeze, mut details) = (None, String::new());
        let mut others: Vec<String> = Vec::new();
        for (field, text) in choice.fields() {
            let text = if field.ends_with("kernel") && text == "0" {
                "none".to_owned()
            } else {
                text
            };
            match field {
                "start-kernel" => values[0] = text,
                "kernel" => values[1] = text,
                "expansion" => values[2] = text,
                "hidden-channels" => values[2] = format!("{text} channels"),
                "squeeze-excite" => squeeze = Some((text, "")),
                "squeeze-input" => squeeze = Some((text, " of input channels")),
                "squeeze-channels" => squeeze = Some((text, " channels")),
                "squeeze-activation" => details = format!("{details}, activation {text}"),
                "gate" => details = format!("{details}, gate {text}"),
                "activation" => values[4] = text,
                "residual" => values[5] = text,
                "groups" => values[6] = text,
                "layer-scale" => values[7] = text,
                other => others.push(format!("{other} {text}")),
            }
        }
        values[OTHERS] = others.join(", ");
        if let Some((width, of)) = squeeze {
            values[SQUEEZE_EXCITE] = format!("{width}{of}{details}");
        }
        Self {
            block: choice.kind(),
            values: values.into_iter().map(|value| vec![value]).collect(),
        }
    }

    /// Returns true if the rows are equal but for one property.
    fn differs_only_in(&self, other: &Self, property: usize) -> bool {
        let equal = |(index, (one, other)): (usize, (&Vec<String>, &Vec<String>))| index == property || one == other;
        self.block == other.block && self.values.iter().zip(&other.values).enumerate().all(equal)
    }

    /// Returns true if some choice states the property.
    pub fn has(&self, property: usize) -> bool {
        self.values[property].iter().any(|value| !value.is_empty())
    }

    /// The values of a property, `3, 5, 7`; empty where none has it.
    pub fn cell(&self, property: usize) -> String {
        if !self.has(property) {
            return String::new();
        }
        let shown = |value: &String| match value.as_str() {
            "" => PROPERTIES[property].absent.to_owned(),
            value => value.to_owned(),
        };
        self.values[property].iter().map(shown).collect::<Vec<_>>().join(", ")
    }
}

/// `ir: kernel 3, 5; expansion 3, 6; activation relu`
impl fmt::Display for ChoiceRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.block)?;
        for (index, property) in (0..PROPERTIES.len()).filter(|&property| self.has(property)).enumerate() {
            let between = if index == 0 { ":" } else { ";" };
            write!(f, "{between} {} {}", PROPERTIES[property].heading, self.cell(property))?;
        }
        Ok(())
    }
}

/// Choices as rows: those that differ in one property only become one row with a list, property by property.
pub fn choice_rows(choices: &[BlockChoice]) -> Vec<ChoiceRow> {
    let mut rows: Vec<ChoiceRow> = choices.iter().map(ChoiceRow::of).collect();
    for property in 0..PROPERTIES.len() {
        let mut merged: Vec<ChoiceRow> = Vec::new();
        for row in rows {
            let alike = merged.iter_mut().find(|other| row.differs_only_in(other, property));
            match alike {
                Some(other) => {
                    let known = &mut other.values[property];
                    known.extend(
                        row.values[property]
                            .iter()
                            .filter(|value| !known.contains(value))
                            .cloned()
                            .collect::<Vec<_>>(),
                    );
                }
                None => merged.push(row),
            }
        }
        rows = merged;
    }
    rows
}

/// Removes from some rows what all of their squeeze-excites have in common beside their width, and returns it, such as
/// `a share of input channels, gate sigmoid`.
pub fn take_squeeze_details<'a>(rows: impl Iterator<Item = &'a mut ChoiceRow>) -> Option<String> {
    let texts: Vec<&mut String> = rows
        .flat_map(|row| row.values[SQUEEZE_EXCITE].iter_mut())
        .filter(|text| !text.is_empty())
        .collect();
    let end = |text: &str| text.find([' ', ',']).unwrap_or(text.len());
    let details = texts.first().map(|text| text[end(text)..].to_owned())?;
    if details.is_empty() || texts.iter().any(|text| text[end(text)..] != details) {
        return None;
    }
    for text in texts {
        let end = end(text);
        text.truncate(end);
    }
    Some(match details.split_at(1) {
        (" ", rest) if rest.starts_with("of ") => format!("a share {rest}"),
        (" ", rest) => format!("a number of {rest}"),
        (_, rest) => rest.trim_start().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use mnas_space::SearchSpace;

    use super::*;

    fn rows(stage: &str) -> Vec<String> {
        let text =
            format!("name = \"s\"\n[[family]]\nname = \"f\"\nresolution = 32\nstage = [{{ channels = 8, {stage} }}]\n");
        let space = SearchSpace::from_toml(&text).unwrap_or_else(|error| panic!("{error}"));
        let rows = choice_rows(&space.families[0].stages[0].choices);
        let cells = |row: &ChoiceRow| {
            (0..PROPERTIES.len())
                .map(|property| row.cell(property))
                .collect::<Vec<_>>()
                .join("|")
        };
        rows.iter().map(|row| format!("{} {}", row.block, cells(row))).collect()
    }

    #[test]
    fn a_product_is_one_row() {
        let found = rows(
            "block = \"ir\", kernel = [3, 5, 7], expansion = [3, 6], squeeze-excite = [0, 0.25], activation = \"relu\"",
        );
        assert_eq!(found, ["ir |3, 5, 7|3, 6|no, 0.25|relu||||"]);
    }

    #[test]
    fn what_is_no_product_has_several_rows() {
        let found = rows(
            "choices = [{ block = \"id\" }, { block = \"ir\", kernel = 3, expansion = 3, activation = \"relu\" }, \
             { block = \"ir\", kernel = 5, expansion = 6, activation = \"relu\" }]",
        );
        assert_eq!(found, ["id ||||||||", "ir |3|3||relu||||", "ir |5|6||relu||||"]);
    }

    #[test]
    fn absent_parts_are_named() {
        let found =
            rows("block = \"uib\", start-kernel = [0, 3], kernel = [0, 5], expansion = 4, activation = \"relu\"");
        assert_eq!(found, ["uib none, 3|none, 5|4||relu||||"]);
        let found = rows("block = \"ir\", kernel = 3, expansion = 4, residual = [true, false], activation = \"relu\"");
        assert_eq!(found, ["ir |3|4||relu|yes, no|||"]);
        let found = rows(
            "block = \"ir\", kernel = 3, expansion = 4, squeeze-input = [0, 0.25], gate = \"sigmoid\", activation = \"swish\"",
        );
        assert_eq!(found, ["ir |3|4|no, 0.25 of input channels, gate sigmoid|swish||||"]);
    }
}
