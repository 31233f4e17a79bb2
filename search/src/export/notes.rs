//! Notes in files of networks, from which images are prepared and scores are named.

use mnas_engine::training::Normalization;

use super::ExportNetwork;

const ARCHITECTURE: &str = "mnas.architecture";
const CLASSES: &str = "mnas.classes";
const INPUT: &str = "mnas.input";
const MEAN: &str = "mnas.mean";
const STD: &str = "mnas.std";
const TRAIN_RESOLUTION: &str = "mnas.train_resolution";
const VERSION: &str = "mnas.version";

/// Notes of a file about the images and scores of its network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Notes {
    /// The architecture string.
    pub architecture: Option<String>,
    /// Normalisation of images.
    pub normalization: Option<Normalization>,
    /// Names of the classes, none where they are not known.
    pub classes: Vec<String>,
}

impl Notes {
    /// Reads notes by key.
    pub fn read(note: impl Fn(&str) -> Option<String>) -> Self {
        let channels = |key| {
            let text = note(key)?;
            let values: Vec<f32> = text.split(',').map_while(|value| value.parse().ok()).collect();
            <[f32; 3]>::try_from(values).ok()
        };
        let std = channels(STD).filter(|std| std.iter().all(|value| *value > 0.0));
        let classes = note(CLASSES).filter(|text| !text.is_empty());
        Self {
            architecture: note(ARCHITECTURE),
            normalization: channels(MEAN).zip(std).map(|(mean, std)| Normalization { mean, std }),
            classes: classes.map_or_else(Vec::new, |text| text.split('\n').map(str::to_owned).collect()),
        }
    }
}

/// Notes about a network, by key: architecture, version of this program, input size, normalisation, classes.
pub(super) fn notes(network: &ExportNetwork) -> Vec<(String, String)> {
    let mut notes = vec![
        (ARCHITECTURE, network.architecture.to_string()),
        (VERSION, env!("CARGO_PKG_VERSION").to_owned()),
        (INPUT, network.graph.input.to_string()),
    ];
    if let Some(trained) = &network.trained {
        let numbers = |values: [f32; 3]| values.map(|value| value.to_string()).join(",");
        if let Some(normalization) = trained.normalization {
            notes.push((MEAN, numbers(normalization.mean)));
            notes.push((STD, numbers(normalization.std)));
        }
        if !trained.classes.is_empty() {
            let names = trained.classes.iter().map(|class| one_line(class));
            notes.push((CLASSES, names.collect::<Vec<_>>().join("\n")));
        }
        if let Some(info) = &trained.weights.info {
            notes.push((TRAIN_RESOLUTION, info.train_resolution.to_string()));
        }
    }
    notes.into_iter().map(|(key, text)| (key.to_owned(), text)).collect()
}

/// Name of a class as a line of a file of labels.
pub(super) fn one_line(class: &str) -> String {
    class.replace(['\n', '\r'], " ")
}

/// Content of a file of labels: the name of a class per line.
pub fn labels(classes: &[String]) -> String {
    classes.iter().map(|class| one_line(class) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_written() {
        let network = crate::export::tests::network();
        let written = notes(&network);
        let read = Notes::read(|key| Some(written.iter().find(|(name, _)| name == key)?.1.clone()));
        assert_eq!(read.architecture, Some(network.architecture.to_string()));
        assert_eq!(read.normalization, Some(Normalization::IMAGENET));
        assert_eq!(read.classes, ["cat", "dog", "Käse", "a b"]);
        assert!(written.contains(&("mnas.input".to_owned(), "3x16x16".to_owned())));
        assert!(written.iter().any(|(key, _)| key == "mnas.version"));
    }

    #[test]
    fn notes_of_other_programs_are_no_notes() {
        let broken = Notes::read(|key| {
            Some(if key == CLASSES {
                String::new()
            } else {
                "1,2".to_owned()
            })
        });
        assert_eq!((broken.normalization, broken.classes.len()), (None, 0));
    }
}
