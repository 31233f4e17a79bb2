//! Operations on the pixels of a square RGB image in place, defined as in Pillow's `ImageEnhance` and `ImageOps`.

/// Scales the brightness: 0 is black, 1 changes nothing.
pub(super) fn brightness(image: &mut [u8], factor: f32) {
    for value in image {
        *value = blend(0.0, *value, factor);
    }
}

/// Scales the saturation: 0 is grey, 1 changes nothing.
pub(super) fn saturation(image: &mut [u8], factor: f32) {
    for pixel in image.chunks_exact_mut(3) {
        let grey = f32::from(luma(pixel));
        for value in pixel {
            *value = blend(grey, *value, factor);
        }
    }
}

/// Scales the distance of every value from the mean grey: 0 is plain grey, 1 changes nothing.
pub(super) fn contrast(image: &mut [u8], factor: f32) {
    let sum: u64 = image.chunks_exact(3).map(|pixel| u64::from(luma(pixel))).sum();
    let mean = (sum as f64 / (image.len() / 3).max(1) as f64).round() as f32;
    for value in image {
        *value = blend(mean, *value, factor);
    }
}

/// Scales the sharpness: 0 smooths by a 3x3 filter, 1 changes nothing; the border is not changed.
pub(super) fn sharpness(image: &mut [u8], side: usize, factor: f32) {
    let before = image.to_vec();
    let row = 3 * side;
    for y in 1..side.saturating_sub(1) {
        for at in y * row + 3..(y + 1) * row - 3 {
            let sum: u32 = [at - row, at, at + row]
                .iter()
                .flat_map(|&middle| [middle - 3, middle, middle + 3])
                .map(|near| u32::from(before[near]))
                .sum();
            let smooth = (sum + 4 * u32::from(before[at])) as f32 / 13.0;
            image[at] = blend(smooth.round(), before[at], factor);
        }
    }
}

/// Keeps the highest `bits` bits of every value.
pub(super) fn posterize(image: &mut [u8], bits: u32) {
    let mask = !(0xff_u8.checked_shr(bits).unwrap_or(0));
    for value in image {
        *value &= mask;
    }
}

/// Inverts all values from `threshold` on.
pub(super) fn solarize(image: &mut [u8], threshold: f32) {
    for value in image {
        if f32::from(*value) >= threshold {
            *value = 255 - *value;
        }
    }
}

/// Stretches each channel to the whole range.
pub(super) fn autocontrast(image: &mut [u8]) {
    for channel in 0..3 {
        let values = || image.iter().skip(channel).step_by(3);
        let (Some(&low), Some(&high)) = (values().min(), values().max()) else {
            return;
        };
        if high > low {
            let scale = 255.0 / f32::from(high - low);
            let table: Vec<u8> = (0..=255_u8)
                .map(|value| (f32::from(value.saturating_sub(low)) * scale) as u8)
                .collect();
            apply(image, channel, &table);
        }
    }
}

/// Spreads the values of each channel evenly over the range.
pub(super) fn equalize(image: &mut [u8]) {
    for channel in 0..3 {
        let mut counts = [0_usize; 256];
        for value in image.iter().skip(channel).step_by(3) {
            counts[usize::from(*value)] += 1;
        }
        let last = counts.iter().rev().find(|&&count| count > 0).copied().unwrap_or(0);
        let step = (image.len() / 3 - last) / 255;
        if step == 0 {
            continue;
        }
        let mut sum = step / 2;
        let table: Vec<u8> = counts
            .iter()
            .map(|&count| {
                let value = (sum / step).min(255) as u8;
                sum += count;
                value
            })
            .collect();
        apply(image, channel, &table);
    }
}

/// Colour of the gaps that a moved image leaves.
const FILL: [u8; 3] = [128; 3];

/// Moves the pixels: the pixel at `(x, y)`, counted from the centre, comes from `matrix * (x, y) + offset`.
pub(super) fn affine(image: &mut [u8], side: usize, matrix: [f32; 4], offset: [f32; 2]) {
    let before = image.to_vec();
    let centre = side as f32 / 2.0;
    for (y, row) in image.chunks_exact_mut(3 * side).enumerate() {
        let v = y as f32 + 0.5 - centre;
        for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
            let u = x as f32 + 0.5 - centre;
            let from_x = (matrix[0] * u + matrix[1] * v + offset[0] + centre).floor();
            let from_y = (matrix[2] * u + matrix[3] * v + offset[1] + centre).floor();
            let inside = |at: f32| at >= 0.0 && at < side as f32;
            if inside(from_x) && inside(from_y) {
                let from = 3 * (from_y as usize * side + from_x as usize);
                pixel.copy_from_slice(&before[from..from + 3]);
            } else {
                pixel.copy_from_slice(&FILL);
            }
        }
    }
}

/// Mirrors an image horizontally.
pub(super) fn mirror(image: &mut [u8], side: usize) {
    for row in image.chunks_exact_mut(3 * side) {
        for x in 0..side / 2 {
            for channel in 0..3 {
                row.swap(3 * x + channel, 3 * (side - 1 - x) + channel);
            }
        }
    }
}

fn apply(image: &mut [u8], channel: usize, table: &[u8]) {
    for value in image.iter_mut().skip(channel).step_by(3) {
        *value = table[usize::from(*value)];
    }
}

/// Linear interpolation and extrapolation, `from` at 0 and `value` at 1, within 0 to 255.
fn blend(from: f32, value: u8, factor: f32) -> u8 {
    // The conversion saturates.
    (from + factor * (f32::from(value) - from)) as u8
}

/// Luma (ITU-R BT.601) in the fixed-point form of Pillow.
fn luma(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16) as u8
}
