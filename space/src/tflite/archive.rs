//! ZIP archives of one stored file, appended to a TFLite model for metadata texts such as labels.
//!
//! A TFLite reader ignores bytes after the model, and a ZIP reader starts at the end of the file
//! (APPNOTE.TXT of PKWARE, sections 4.3.7, 4.3.12 and 4.3.16).

/// Version of the ZIP format needed for stored files: 1.0.
const VERSION: u16 = 10;
/// Fixed date, 1 January 1980, so that equal files have equal bytes.
const DATE: u16 = 1 << 5 | 1;

/// Appends an archive with one file to `out`.
pub(super) fn append(out: &mut Vec<u8>, name: &str, content: &[u8]) {
    let start = out.len() as u32;
    let header = header(name, content);
    out.extend(b"PK\x03\x04");
    out.extend(&header);
    out.extend(name.as_bytes());
    out.extend(content);
    let directory = out.len() as u32;
    out.extend(b"PK\x01\x02");
    out.extend(VERSION.to_le_bytes());
    out.extend(&header);
    // Length of the comment, disk number, internal and external attributes.
    out.extend([0; 10]);
    out.extend(start.to_le_bytes());
    out.extend(name.as_bytes());
    let directory_bytes = out.len() as u32 - directory;
    out.extend(b"PK\x05\x06");
    // Number of this disk, number of the directory's disk, entries on this disk, entries in total.
    for number in [0u16, 0, 1, 1] {
        out.extend(number.to_le_bytes());
    }
    out.extend(directory_bytes.to_le_bytes());
    out.extend(directory.to_le_bytes());
    out.extend(0u16.to_le_bytes());
}

/// Fields common to the file's header and its directory entry.
fn header(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    // Version, flags, method (stored), time, date.
    for number in [VERSION, 0, 0, 0, DATE] {
        header.extend(number.to_le_bytes());
    }
    let bytes = content.len() as u32;
    for number in [checksum(content), bytes, bytes] {
        header.extend(number.to_le_bytes());
    }
    header.extend((name.len() as u16).to_le_bytes());
    header.extend(0u16.to_le_bytes());
    header
}

/// CRC-32 of the polynomial 0x04C11DB7, reflected (ISO 3309).
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |state, byte| {
        (0..8).fold(state ^ u32::from(*byte), |state, _| {
            state >> 1 ^ (0xEDB8_8320 & (state & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn the_directory_points_to_the_file() {
        let mut out = b"model".to_vec();
        append(&mut out, "labels.txt", b"cat\ndog\n");
        let word = |place: usize| u32::from_le_bytes(out[place..place + 4].try_into().unwrap()) as usize;
        let end = out.len() - 22;
        let (directory, bytes) = (word(end + 16), word(end + 12));
        assert_eq!(directory + bytes, end);
        assert_eq!(out[directory..directory + 4], *b"PK\x01\x02");
        let file = word(directory + 42);
        assert_eq!(file, 5);
        assert_eq!(out[file + 30..file + 40], *b"labels.txt");
        assert_eq!(out[file + 40..file + 48], *b"cat\ndog\n");
    }
}
