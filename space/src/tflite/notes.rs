//! Reader of the notes in TFLite files written by any program.
//!
//! Files are untrusted: every offset is checked, and objects outside the file are treated as absent.

use std::collections::BTreeMap;

use super::schema::{FILE_IDENTIFIER, buffer, metadata, model};

/// Size of an offset and of the length of a vector.
const WORD: usize = 4;

/// Reads the notes of a file whose content is text, by name. The result is empty for files in other formats.
pub fn read_notes(file: &[u8]) -> BTreeMap<String, String> {
    let buffer = FlatBuffer(file);
    if file.get(WORD..2 * WORD) != Some(&FILE_IDENTIFIER[..]) {
        return BTreeMap::new();
    }
    let root = buffer.target(0);
    let notes = root.map_or_else(Vec::new, |root| buffer.tables(root, model::METADATA));
    let read = |note: usize| {
        let name = buffer.text(note, metadata::NAME)?;
        let index = buffer.field(note, metadata::BUFFER).and_then(|at| buffer.word(at))?;
        let content = buffer.buffer(root?, index as usize)?;
        Some((name, String::from_utf8(content.to_vec()).ok()?))
    };
    notes.into_iter().filter_map(read).collect()
}

/// Bytes with the layout of `FlatBuffers`. Positions are counted from the start.
struct FlatBuffer<'a>(&'a [u8]);

impl<'a> FlatBuffer<'a> {
    fn word(&self, at: usize) -> Option<u32> {
        let bytes = self.0.get(at..at.checked_add(WORD)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn half_word(&self, at: usize) -> Option<u16> {
        let bytes = self.0.get(at..at.checked_add(2)?)?;
        Some(u16::from_le_bytes(bytes.try_into().ok()?))
    }

    /// Position of the object that the offset at this position points to.
    fn target(&self, at: usize) -> Option<usize> {
        at.checked_add(self.word(at)? as usize)
    }

    /// Position of a field of a table; `None` if it has the default.
    fn field(&self, table: usize, slot: u16) -> Option<usize> {
        let distance = self.word(table)? as i32;
        let vtable = usize::try_from(table as i64 - i64::from(distance)).ok()?;
        let entry = WORD + 2 * usize::from(slot);
        if entry + 2 > usize::from(self.half_word(vtable)?) {
            return None;
        }
        match self.half_word(vtable + entry)? {
            0 => None,
            offset => Some(table + usize::from(offset)),
        }
    }

    /// Content of a vector of bytes in a field.
    fn bytes(&self, table: usize, slot: u16) -> Option<&'a [u8]> {
        let vector = self.target(self.field(table, slot)?)?;
        let start = vector.checked_add(WORD)?;
        self.0.get(start..start.checked_add(self.word(vector)? as usize)?)
    }

    fn text(&self, table: usize, slot: u16) -> Option<String> {
        String::from_utf8(self.bytes(table, slot)?.to_vec()).ok()
    }

    /// Positions of the tables of a vector in a field.
    fn tables(&self, table: usize, slot: u16) -> Vec<usize> {
        let Some(vector) = self.field(table, slot).and_then(|at| self.target(at)) else {
            return Vec::new();
        };
        let count = self.word(vector).unwrap_or(0) as usize;
        let places = (1..=count).map_while(|place| vector.checked_add(place * WORD));
        places.map_while(|place| self.target(place)).collect()
    }

    /// Content of one of the model's buffers.
    fn buffer(&self, root: usize, index: usize) -> Option<&'a [u8]> {
        let table = *self.tables(root, model::BUFFERS).get(index)?;
        self.bytes(table, buffer::DATA)
    }
}

#[cfg(test)]
mod tests {
    use super::read_notes;
    use crate::tflite::{TfliteOptions, encode};
    use crate::{Architecture, RandomWeights};

    fn file() -> Vec<u8> {
        let graph = "in8,conv_k3_c4_nre,head_o2".parse::<Architecture>().unwrap().graph();
        let note = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let options = TfliteOptions {
            metadata: vec![note("mnas.architecture", "in8"), note("mnas.classes", "Käse\ncat")],
            ..TfliteOptions::default()
        };
        encode(&graph, &RandomWeights { seed: 1 }, &options).unwrap()
    }

    #[test]
    fn notes_are_read_as_they_were_written() {
        let notes = read_notes(&file());
        assert_eq!(notes["mnas.architecture"], "in8");
        assert_eq!(notes["mnas.classes"], "Käse\ncat");
    }

    #[test]
    fn damaged_files_have_fewer_notes_and_cause_no_panic() {
        let whole = file();
        for length in 0..whole.len() {
            let _ = read_notes(&whole[..length]);
        }
        for place in 0..whole.len() {
            for value in [0, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[place] = value;
                let _ = read_notes(&damaged);
            }
        }
        assert!(read_notes(b"no model").is_empty());
    }
}
