//! Files of raw pixels.

use std::path::PathBuf;

use super::decode::Rgb;
use super::error::ImagePlace;
use super::index::{Content, ImageSource};

/// File of raw images of one size, in memory.
#[derive(Debug)]
pub(super) struct RawImages {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    /// Position of the first record.
    pub start: usize,
    /// Bytes from one record to the next.
    pub stride: usize,
    /// Bytes from the start of a record to its pixels.
    pub header: usize,
    pub width: u32,
    pub height: u32,
    /// 1 for grey, 3 for colour planes one after another.
    pub channels: usize,
}

impl RawImages {
    /// Pixels of one record as interleaved RGB.
    fn rgb(&self, record: usize) -> Vec<u8> {
        let plane = self.width as usize * self.height as usize;
        let pixels = &self.bytes[self.start + record * self.stride + self.header..][..plane * self.channels];
        let mut rgb = Vec::with_capacity(plane * 3);
        for at in 0..plane {
            for channel in 0..3 {
                rgb.push(pixels[at + plane * (channel % self.channels)]);
            }
        }
        rgb
    }
}

impl ImageSource for RawImages {
    fn place(&self, record: usize) -> ImagePlace {
        ImagePlace {
            path: self.path.clone(),
            row: Some(record),
        }
    }

    fn read(&self, record: usize, _side: u32) -> Result<Content<'_>, String> {
        Ok(Content::Pixels(Rgb {
            bytes: self.rgb(record),
            width: self.width,
            height: self.height,
        }))
    }

    fn known_side(&self) -> Option<u32> {
        Some(self.width.min(self.height))
    }
}
