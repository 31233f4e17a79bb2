//! Comparison of every row of the table of published points with the references: counts are equal, equal after the source's
//! rounding, explained, or absent.
#![allow(clippy::unwrap_used)]

mod explanations;
mod networks;
mod row;
#[path = "../support/mod.rs"]
mod support;
mod tally;

use std::collections::BTreeMap;

use explanations::EXPLANATIONS;
use row::Row;
use tally::Tally;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// The printed figures equal the network's, rounded to the printed digits.
    Equal,
    /// The printed figures equal the network's by the rule of their table; see `is_printed_by_rule`.
    EqualAfterRule,
    /// The printed figures have an explanation.
    Explained,
    /// The row states only an accuracy.
    NoCounts,
}

/// Checks the figures of a row by the rules of `TensorFlow`'s tables. The table of V1 rounds multiply-adds and parameters,
/// with three parameters per normalised channel. The table of V2 truncates multiply-adds and leaves out the parameters of
/// batch-norm. The table of V3 rounds multiply-adds and truncates parameters, which are counted as for V1.
fn is_printed_by_rule(row: &Row, tally: &Tally) -> bool {
    let macs = tally.cost.macs as f64 / 1e6;
    let stored = tally.params_with_three_norm_values() as f64 / 1e6;
    let without_norms = tally.params_without_norms() as f64 / 1e6;
    if row.is_tensorflow("mobilenet_v1") {
        row.madds().is_rounded(macs) && row.params().is_rounded(stored)
    } else if row.is_tensorflow("mobilenet_v2") {
        row.madds().is_truncated(macs) && row.params().is_rounded(without_norms)
    } else {
        (row.is_tensorflow("mobilenet_v3_large") || row.is_tensorflow("mobilenet_v3_large_minimalistic"))
            && row.madds().is_rounded(macs)
            && row.params().is_truncated(stored)
    }
}

/// Classifies a row; also returns the index of its explanation, if any.
fn classify(row: &Row) -> Result<(Class, Option<usize>), String> {
    if row.counts.is_none() {
        return Ok((Class::NoCounts, None));
    }
    if let Some(name) = row.reference() {
        let tally = Tally::of(&networks::reference(&name, row.width, row.resolution));
        let macs = tally.cost.macs as f64 / 1e6;
        let params = tally.cost.params as f64 / 1e6;
        if row.madds().is_rounded(macs) && row.params().is_rounded(params) {
            return Ok((Class::Equal, None));
        }
        if is_printed_by_rule(row, &tally) {
            return Ok((Class::EqualAfterRule, None));
        }
    }
    let mut covering = EXPLANATIONS.iter().enumerate().filter(|(_, one)| (one.covers)(row));
    let (index, explanation) = covering.next().ok_or("nothing explains it")?;
    if let Some((_, other)) = covering.next() {
        return Err(format!("both `{}` and `{}` cover it", explanation.name, other.name));
    }
    if (explanation.holds)(row) {
        Ok((Class::Explained, Some(index)))
    } else {
        Err(format!("not true: {}", explanation.name))
    }
}

#[test]
fn every_published_point_is_equal_or_explained() {
    let path = support::fact_table("reference_points.csv");
    let mut classes: BTreeMap<Class, u32> = BTreeMap::new();
    let mut used: BTreeMap<usize, u32> = BTreeMap::new();
    let mut failures = Vec::new();
    for record in csv::Reader::from_path(path).unwrap().records() {
        let row = Row::of(&record.unwrap());
        match classify(&row) {
            Ok((class, explanation)) => {
                *classes.entry(class).or_default() += 1;
                if let Some(index) = explanation {
                    *used.entry(index).or_default() += 1;
                }
            }
            Err(problem) => failures.push(format!("{row:?}: {problem}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    for (index, explanation) in EXPLANATIONS.iter().enumerate() {
        assert!(used.contains_key(&index), "no row needs: {}", explanation.name);
    }
    let expected = [
        (Class::Equal, 16),
        (Class::EqualAfterRule, 42),
        (Class::Explained, 140),
        (Class::NoCounts, 31),
    ];
    assert_eq!(classes, BTreeMap::from(expected));
}
