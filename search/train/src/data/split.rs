//! Choice of images: a validation split cut from train, and class-balanced subsets.

use rand::seq::SliceRandom;

use mnas_space::random::stream;

use super::index::{Index, Sample};

/// Cuts `fraction` of each class from train as validation: `(train, val)`.
///
/// A class gives at least one image and keeps at least one. The error is the first class with fewer than two images, and their
/// number.
pub(super) fn cut_val(pool: Index, fraction: f64, seed: u64) -> Result<(Index, Index), (String, usize)> {
    let mut in_val = vec![false; pool.samples.len()];
    for (class, members) in shuffled_by_class(&pool, "val-split", seed).iter().enumerate() {
        if members.len() < 2 {
            return Err((pool.classes[class].clone(), members.len()));
        }
        let count = (members.len() as f64 * fraction).round() as usize;
        for &member in &members[..count.clamp(1, members.len() - 1)] {
            in_val[member] = true;
        }
    }
    let (mut train, mut val) = (Vec::new(), Vec::new());
    for (sample, is_val) in pool.samples.into_iter().zip(in_val) {
        if is_val {
            val.push(sample);
        } else {
            train.push(sample);
        }
    }
    let val = Index {
        classes: pool.classes.clone(),
        samples: val,
        skipped: Vec::new(),
    };
    Ok((
        Index {
            classes: pool.classes,
            samples: train,
            skipped: pool.skipped,
        },
        val,
    ))
}

/// Keeps `limit` images in their order, the same number of each class as far as the classes are large enough.
///
/// Subsets are nested: a larger limit keeps the images of a smaller one, except perhaps the last image of each class.
pub(super) fn limit_balanced(index: &mut Index, limit: usize, purpose: &str, seed: u64) {
    if index.samples.len() <= limit {
        return;
    }
    let by_class = shuffled_by_class(index, purpose, seed);
    let mut keep = vec![false; index.samples.len()];
    let mut left = limit;
    let mut rank = 0;
    while left > 0 {
        for members in &by_class {
            if left > 0
                && let Some(&member) = members.get(rank)
            {
                keep[member] = true;
                left -= 1;
            }
        }
        rank += 1;
    }
    let mut keep = keep.into_iter();
    index.samples.retain(|_: &Sample| keep.next().unwrap_or(false));
}

/// Positions of the samples of each class, shuffled.
fn shuffled_by_class(index: &Index, purpose: &str, seed: u64) -> Vec<Vec<usize>> {
    let mut by_class = vec![Vec::new(); index.classes.len()];
    for (at, sample) in index.samples.iter().enumerate() {
        by_class[sample.label as usize].push(at);
    }
    for (class, members) in by_class.iter_mut().enumerate() {
        members.shuffle(&mut stream(seed, purpose, class as u64, 0));
    }
    by_class
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::error::ImagePlace;
    use crate::data::index::{Content, ImageRef, ImageSource};

    /// Images that have places and nothing else.
    #[derive(Debug)]
    struct Places(Vec<String>);

    impl ImageSource for Places {
        fn place(&self, number: usize) -> ImagePlace {
            ImagePlace {
                path: self.0[number].clone().into(),
                row: None,
            }
        }

        fn read(&self, _number: usize, _side: u32) -> Result<Content<'_>, String> {
            Err("there is no image".to_owned())
        }
    }

    /// `counts[c]` samples of each class, named by their number.
    fn pool(counts: &[usize]) -> Index {
        let labels: Vec<usize> = counts
            .iter()
            .enumerate()
            .flat_map(|(class, &count)| vec![class; count])
            .collect();
        let places = labels
            .iter()
            .enumerate()
            .map(|(number, class)| format!("{class}-{number}"));
        let images = Arc::new(Places(places.collect()));
        let samples = labels.iter().enumerate().map(|(number, &class)| Sample {
            label: class as u32,
            image: ImageRef::new(&images, number),
        });
        Index {
            classes: (0..counts.len()).map(|c| c.to_string()).collect(),
            samples: samples.collect(),
            skipped: Vec::new(),
        }
    }

    fn names(index: &Index) -> Vec<String> {
        index
            .samples
            .iter()
            .map(|sample| sample.image.place().to_string())
            .collect()
    }

    fn counts(index: &Index) -> Vec<usize> {
        let mut counts = vec![0; index.classes.len()];
        for sample in &index.samples {
            counts[sample.label as usize] += 1;
        }
        counts
    }

    #[test]
    fn the_cut_is_stratified_disjoint_and_seeded() -> Result<(), (String, usize)> {
        let (train, val) = cut_val(pool(&[100, 40, 5, 2]), 0.1, 7)?;
        assert_eq!(counts(&train), [90, 36, 4, 1]);
        assert_eq!(counts(&val), [10, 4, 1, 1]);
        let mut all = [names(&train), names(&val)].concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 147);
        let again = cut_val(pool(&[100, 40, 5, 2]), 0.1, 7)?;
        assert_eq!(names(&again.1), names(&val));
        let other = cut_val(pool(&[100, 40, 5, 2]), 0.1, 8)?;
        assert_ne!(names(&other.1), names(&val));
        assert_eq!(cut_val(pool(&[3, 1]), 0.1, 0).err(), Some(("1".to_owned(), 1)));
        Ok(())
    }

    #[test]
    fn subsets_are_balanced_and_nested() {
        let mut large = pool(&[50, 50, 3]);
        limit_balanced(&mut large, 30, "subset", 1);
        assert_eq!(counts(&large), [14, 13, 3]);
        let mut small = pool(&[50, 50, 3]);
        limit_balanced(&mut small, 9, "subset", 1);
        assert_eq!(counts(&small), [3, 3, 3]);
        assert!(names(&small).iter().all(|name| names(&large).contains(name)));
        let mut whole = pool(&[2, 2]);
        limit_balanced(&mut whole, 100, "subset", 1);
        assert_eq!(whole.samples.len(), 4);
    }
}
