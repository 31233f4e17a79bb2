//! Writer of FlatBuffers, the binary format of TFLite files.
//!
//! A buffer is written front to back, each object before the objects that it points to, since offsets are unsigned. A
//! table consists of the signed distance to its vtable and its fields; the vtable lists the position of each field by
//! slot (<https://flatbuffers.dev/internals/>).

/// Alignment of byte vectors, which hold weights that runtimes read in place.
const BYTES_ALIGNMENT: usize = 16;
/// Size of an offset, of the length of a vector and of a word.
const WORD: usize = 4;

/// Object that other objects refer to by its position in the buffer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    Table(Table),
    Tables(Vec<Table>),
    Text(String),
    Int32s(Vec<i32>),
    Int64s(Vec<i64>),
    Float32s(Vec<f32>),
    Bytes(Vec<u8>),
}

/// Field of a table.
#[derive(Debug, Clone, PartialEq)]
enum Field {
    Byte(u8),
    Int(i32),
    Offset(Object),
}

/// Table with fields by slot. A field that is not set takes the schema's default.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    fields: Vec<(u16, Field)>,
}

impl Table {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field of one byte: a small enumeration, a boolean or the type of a union.
    pub fn byte(self, slot: u16, value: u8) -> Self {
        self.with(slot, Field::Byte(value))
    }

    /// Sets a field of 32 bits.
    pub fn int(self, slot: u16, value: i32) -> Self {
        self.with(slot, Field::Int(value))
    }

    /// Sets a field that points to an object.
    pub fn object(self, slot: u16, object: Object) -> Self {
        self.with(slot, Field::Offset(object))
    }

    /// Sets a field that points to a table.
    pub fn table(self, slot: u16, table: Self) -> Self {
        self.object(slot, Object::Table(table))
    }

    /// Sets a field that points to a vector of tables.
    pub fn tables(self, slot: u16, tables: Vec<Self>) -> Self {
        self.object(slot, Object::Tables(tables))
    }

    /// Sets a field that points to a text.
    pub fn text(self, slot: u16, text: &str) -> Self {
        self.object(slot, Object::Text(text.to_owned()))
    }

    fn with(mut self, slot: u16, field: Field) -> Self {
        self.fields.push((slot, field));
        self
    }
}

/// Writes a buffer with this root and file identifier.
pub(super) fn encode(root: &Table, identifier: [u8; 4]) -> Vec<u8> {
    let mut out = vec![0; WORD];
    out.extend(identifier);
    let position = write_table(&mut out, root);
    set_offset(&mut out, 0, position);
    out
}

/// Stores the distance from `from` to `to` at `from`.
fn set_offset(out: &mut [u8], from: usize, to: usize) {
    out[from..from + WORD].copy_from_slice(&((to - from) as u32).to_le_bytes());
}

/// Appends zeros until the position `header` bytes after the end is a multiple of `alignment`.
fn align(out: &mut Vec<u8>, header: usize, alignment: usize) {
    out.resize((out.len() + header).next_multiple_of(alignment) - header, 0);
}

/// Writes an object; returns its position.
fn write(out: &mut Vec<u8>, object: &Object) -> usize {
    match object {
        Object::Table(table) => write_table(out, table),
        Object::Tables(tables) => write_tables(out, tables),
        Object::Text(text) => write_text(out, text),
        Object::Int32s(values) => write_numbers(out, values, i32::to_le_bytes),
        Object::Int64s(values) => write_numbers(out, values, i64::to_le_bytes),
        Object::Float32s(values) => write_numbers(out, values, f32::to_le_bytes),
        Object::Bytes(bytes) => {
            let position = write_length(out, bytes.len(), BYTES_ALIGNMENT);
            out.extend(bytes);
            position
        }
    }
}

/// Writes the length of a vector whose elements start at a multiple of `alignment`; returns the vector's position.
fn write_length(out: &mut Vec<u8>, length: usize, alignment: usize) -> usize {
    align(out, WORD, alignment.max(WORD));
    let position = out.len();
    out.extend((length as u32).to_le_bytes());
    position
}

fn write_text(out: &mut Vec<u8>, text: &str) -> usize {
    let position = write_length(out, text.len(), 1);
    out.extend(text.as_bytes());
    out.push(0);
    position
}

fn write_numbers<T: Copy, const SIZE: usize>(
    out: &mut Vec<u8>,
    values: &[T],
    to_bytes: impl Fn(T) -> [u8; SIZE],
) -> usize {
    let position = write_length(out, values.len(), SIZE);
    for &value in values {
        out.extend(to_bytes(value));
    }
    position
}

/// Writes a vector of offsets, followed by the tables that they point to.
fn write_tables(out: &mut Vec<u8>, tables: &[Table]) -> usize {
    let position = write_length(out, tables.len(), WORD);
    let first = out.len();
    out.resize(first + WORD * tables.len(), 0);
    for (index, table) in tables.iter().enumerate() {
        let table = write_table(out, table);
        set_offset(out, first + WORD * index, table);
    }
    position
}

fn write_table(out: &mut Vec<u8>, table: &Table) -> usize {
    let fields = &table.fields;
    let slots = fields.iter().map(|(slot, _)| usize::from(*slot) + 1).max().unwrap_or(0);
    // Sizes of the vtable and of the table, then the position of each field in the table; 0 for a default field.
    let mut vtable = vec![0u16; slots + 2];
    let mut size = WORD as u16;
    for is_byte in [false, true] {
        let same_size = fields
            .iter()
            .filter(|(_, field)| matches!(field, Field::Byte(_)) == is_byte);
        for (slot, _) in same_size {
            vtable[usize::from(*slot) + 2] = size;
            size += if is_byte { 1 } else { WORD as u16 };
        }
    }
    vtable[0] = 2 * vtable.len() as u16;
    vtable[1] = size;
    align(out, 0, 2);
    let start = out.len();
    out.extend(vtable.iter().flat_map(|word| word.to_le_bytes()));
    align(out, 0, WORD);
    let position = out.len();
    out.extend(((position - start) as i32).to_le_bytes());
    out.resize(position + usize::from(size), 0);
    for (slot, field) in fields {
        let place = position + usize::from(vtable[usize::from(*slot) + 2]);
        match field {
            Field::Byte(value) => out[place] = *value,
            Field::Int(value) => out[place..place + WORD].copy_from_slice(&value.to_le_bytes()),
            Field::Offset(object) => {
                let object = write(out, object);
                set_offset(out, place, object);
            }
        }
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_buffer_in_full() {
        let root = Table::new().byte(1, 7).int(0, -2).text(3, "ab");
        let bytes = encode(&root, *b"TEST");
        assert_eq!(bytes[4..8], *b"TEST");
        // Sizes of the vtable and of the table, then the positions of slots 0 to 3; slot 2 is not set.
        assert_eq!(bytes[8..20], [12, 0, 13, 0, 4, 0, 12, 0, 0, 0, 8, 0]);
        let root = 20;
        assert_eq!(bytes[..4], [root, 0, 0, 0]);
        let root = usize::from(root);
        assert_eq!(bytes[root..root + 4], [12, 0, 0, 0], "distance to the vtable");
        assert_eq!(bytes[root + 4..root + 8], (-2i32).to_le_bytes());
        assert_eq!(bytes[root + 12], 7);
        // The text follows the table, aligned: length, bytes and a terminating 0.
        assert_eq!(bytes[root + 8..root + 12], [8, 0, 0, 0]);
        assert_eq!(bytes[root + 16..], [2, 0, 0, 0, b'a', b'b', 0]);
    }

    #[test]
    fn vectors_are_aligned_to_their_elements() {
        for padding in 0..20 {
            let objects = [
                (Object::Bytes(vec![255; 3]), 16),
                (Object::Int64s(vec![-1]), 8),
                (Object::Float32s(vec![1.0]), 4),
                (Object::Int32s(vec![-1]), 4),
            ];
            for (object, alignment) in objects {
                let mut out = vec![0; padding];
                let position = write(&mut out, &object);
                assert_eq!((position + WORD) % alignment, 0);
                assert_eq!(position % WORD, 0);
            }
        }
    }

    #[test]
    fn vectors_of_tables_point_to_their_elements() {
        let mut out = Vec::new();
        let tables = Object::Tables(vec![Table::new().int(0, 5), Table::new().int(0, 6)]);
        let position = write(&mut out, &tables);
        let word = |place: usize| u32::from_le_bytes(out[place..place + 4].try_into().unwrap()) as usize;
        assert_eq!(word(position), 2);
        for (index, expected) in [5, 6].into_iter().enumerate() {
            let slot = position + WORD + WORD * index;
            let table = slot + word(slot);
            assert_eq!(word(table + WORD), expected);
        }
    }
}
