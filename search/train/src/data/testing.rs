//! Small images and data sets for tests.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

#[path = "../../../../tests/support/real_data.rs"]
mod real_data;

pub(crate) use real_data::real_data;

/// A smooth picture that depends on `seed`.
pub(super) fn picture(width: u32, height: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([
            (x * 7 + seed * 31) as u8,
            (y * 5 + seed * 17) as u8,
            ((x + y) * 3 + seed * 13) as u8,
        ])
    })
}

/// The picture in a file format.
pub(super) fn encode(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture.clone())
        .write_to(&mut bytes, format)
        .expect("a small picture can be encoded");
    bytes.into_inner()
}

/// Writes a file and the folders it needs.
pub(super) fn write(path: impl AsRef<Path>, bytes: &[u8]) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder can be made");
    fs::write(path, bytes).expect("the file can be written");
}

/// Writes `count` pictures into each of the class folders.
pub(crate) fn write_classes(root: &Path, classes: &[&str], count: u32) {
    let formats = [
        ("jpg", ImageFormat::Jpeg),
        ("png", ImageFormat::Png),
        ("BMP", ImageFormat::Bmp),
        ("webp", ImageFormat::WebP),
    ];
    for (class_number, class) in classes.iter().enumerate() {
        for number in 0..count {
            let (ending, format) = formats[number as usize % formats.len()];
            let bytes = encode(&picture(20 + number, 16, class_number as u32 * 100 + number), format);
            write(root.join(class).join(format!("{number:03}.{ending}")), &bytes);
        }
    }
}

/// Writes a tar of `(name, content)`.
pub(super) fn write_tar(path: impl AsRef<Path>, files: &[(&str, &[u8])]) {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, *content)
            .expect("a small tar can be made");
    }
    write(path, &builder.into_inner().expect("a small tar can be made"));
}
