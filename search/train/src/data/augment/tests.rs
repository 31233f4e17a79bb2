use serde::Deserialize;

use super::color::{self, mirror};
use super::erase;
use super::geometry::{Augmenter, random_part, reflect, shift};
use super::rand_augment::{self, operate};
use crate::data::decode::Pixels;
use crate::data::testing::picture;
use mnas_engine::training::{Augmentation, ExtraAugmentation, RandAugment};
use mnas_space::random::stream;

#[test]
fn reflection_mirrors_at_both_borders() {
    let places: Vec<usize> = (-3..8).map(|at| reflect(at, 5)).collect();
    assert_eq!(places, [3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1]);
    assert_eq!(reflect(-7, 1), 0);
}

#[test]
fn a_shift_moves_pixels_and_a_flip_mirrors_them() {
    let image = picture(6, 6, 1);
    let mut out = vec![0; 6 * 6 * 3];
    let mut columns = Vec::new();
    shift(image.as_raw(), 6, (1, -2), false, &mut columns, &mut out);
    assert_eq!(&out[3 * (6 * 3 + 2)..][..3], &image.get_pixel(3, 1).0);
    shift(image.as_raw(), 6, (0, 0), true, &mut columns, &mut out);
    assert_eq!(&out[..3], &image.get_pixel(5, 0).0);
    mirror(&mut out, 6);
    assert_eq!(&out, image.as_raw());
}

#[test]
fn every_variant_is_reproducible_and_differs_between_draws() {
    let image = picture(32, 32, 2);
    for how in [Augmentation::crop_flip(), Augmentation::resized_crop_flip()] {
        for resolution in [24_u32, 32, 40] {
            let draw = |index: u64| {
                let mut out = vec![0; (resolution * resolution * 3) as usize];
                let mut rng = stream(1, "augment", 0, index);
                let pixels = Pixels {
                    rgb: image.as_raw(),
                    width: 32,
                    height: 32,
                };
                Augmenter::new().vary(
                    (how, &ExtraAugmentation::default()),
                    true,
                    &mut rng,
                    pixels,
                    (resolution, &mut out),
                );
                out
            };
            assert_eq!(draw(0), draw(0));
            assert!((1..6).any(|index| draw(index) != draw(0)));
        }
    }
}

#[test]
fn parts_lie_inside_and_keep_their_area() {
    let mut rng = stream(3, "test", 0, 0);
    for _ in 0..2_000 {
        let [left, top, width, height] = random_part(&mut rng, [50.0, 50.0], 0.3);
        assert!(left >= 0.0 && top >= 0.0 && left + width <= 50.0 && top + height <= 50.0);
        assert!(width * height >= 0.3 * 2500.0 - 0.1);
    }
}

#[test]
fn the_written_form_is_strict() {
    #[derive(Deserialize, Debug)]
    struct Holder {
        augmentation: Augmentation,
    }
    let read = |text: &str| toml::from_str::<Holder>(text).map(|holder| holder.augmentation);
    assert_eq!(read("augmentation = \"none\""), Ok(Augmentation::None));
    assert_eq!(read("augmentation = { crop-flip = {} }"), Ok(Augmentation::crop_flip()));
    assert_eq!(
        read("augmentation = { resized-crop-flip = { min-area = 0.5 } }"),
        Ok(Augmentation::ResizedCropFlip { min_area: 0.5 })
    );
    assert!(read("augmentation = { crop-flip = { paddding = 0.1 } }").is_err());
    assert!(read("augmentation = \"mixup\"").is_err());
    assert!(Augmentation::CropFlip { padding: 4.0 }.check().is_err());
    assert!(Augmentation::ResizedCropFlip { min_area: f32::NAN }.check().is_err());
}

#[test]
fn parts_of_long_images_fit_and_are_not_squeezed() {
    let mut rng = stream(3, "test", 0, 0);
    for _ in 0..500 {
        let [left, top, width, height] = random_part(&mut rng, [400.0, 20.0], 0.08);
        assert!(left >= 0.0 && top >= 0.0 && left + width <= 400.0 && top + height <= 20.0);
        assert!(width / height < 1.34 && height / width < 1.34);
    }
}

#[test]
fn a_long_image_is_cut_to_its_centre_before_it_is_shifted() {
    let long = picture(60, 24, 4);
    let mut out = vec![0; 24 * 24 * 3];
    let pixels = Pixels {
        rgb: long.as_raw(),
        width: 60,
        height: 24,
    };
    let how = (Augmentation::CropFlip { padding: 0.0 }, &ExtraAugmentation::default());
    Augmenter::new().vary(how, false, &mut stream(1, "test", 0, 0), pixels, (24, &mut out));
    assert_eq!(&out[..3], &long.get_pixel(18, 0).0);
}

/// Numbers made with Pillow 13 by this script:
///
/// ```python
/// from PIL import Image, ImageEnhance, ImageOps
/// image = Image.new("RGB", (16, 16))
/// image.putdata([((x * 7 + 31) % 256, (y * 5 + 17) % 256, ((x + y) * 3 + 13) % 256) for y in range(16) for x in range(16)])
/// for name, out in [("brightness", ImageEnhance.Brightness(image).enhance(1.63)), ("saturation", ImageEnhance.Color(image).enhance(0.37)),
///                   ("contrast", ImageEnhance.Contrast(image).enhance(1.63)), ("sharpness", ImageEnhance.Sharpness(image).enhance(1.63)),
///                   ("posterize", ImageOps.posterize(image, 4)), ("solarize", ImageOps.solarize(image, 64)),
///                   ("autocontrast", ImageOps.autocontrast(image)), ("equalize", ImageOps.equalize(image))]:
///     data = list(out.getdata())
///     print(name, [data[at] for at in (0, 20, 119, 255)])
/// ```
#[test]
fn colours_change_as_in_pillow() {
    type Case = (&'static str, fn(&mut [u8]), [[u8; 3]; 4]);
    let expected: [Case; 8] = [
        (
            "brightness",
            |image| color::brightness(image, 1.63),
            [[50, 27, 21], [96, 35, 45], [130, 84, 89], [221, 149, 167]],
        ),
        (
            "saturation",
            |image| color::saturation(image, 0.37),
            [[24, 19, 18], [43, 29, 31], [68, 57, 58], [117, 100, 104]],
        ),
        (
            "contrast",
            |image| color::contrast(image, 1.63),
            [[10, 0, 0], [55, 0, 5], [90, 44, 49], [181, 109, 127]],
        ),
        (
            "sharpness",
            |image| color::sharpness(image, 16, 1.63),
            [[31, 17, 13], [59, 22, 28], [80, 52, 55], [136, 92, 103]],
        ),
        (
            "posterize",
            |image| color::posterize(image, 4),
            [[16, 16, 0], [48, 16, 16], [80, 48, 48], [128, 80, 96]],
        ),
        (
            "solarize",
            |image| color::solarize(image, 64.0),
            [[31, 17, 13], [59, 22, 28], [175, 52, 55], [119, 163, 152]],
        ),
        (
            "autocontrast",
            |image| color::autocontrast(image),
            [[0, 0, 0], [68, 17, 42], [119, 118, 119], [255, 255, 255]],
        ),
        (
            "equalize",
            |image| color::equalize(image),
            [[31, 17, 0], [59, 22, 15], [80, 52, 105], [136, 92, 255]],
        ),
    ];
    for (name, operation, pixels) in expected {
        let mut image = picture(16, 16, 1).into_raw();
        operation(&mut image);
        for (at, pixel) in [0, 20, 119, 255].into_iter().zip(pixels) {
            let found = &image[3 * at..3 * at + 3];
            let close = found.iter().zip(pixel).all(|(&one, other)| one.abs_diff(other) <= 1);
            assert!(close, "{name} {at}: {found:?}, Pillow has {pixel:?}");
        }
    }
}

#[test]
fn moved_images_keep_their_middle_and_fill_the_gap() {
    let image = picture(33, 33, 3);
    for operation in [1, 2, 5] {
        let mut moved = image.as_raw().clone();
        operate(operation, &mut moved, 33, 1.0, 1.0);
        assert_eq!(
            &moved[3 * (16 * 33 + 16)..][..3],
            &image.get_pixel(16, 16).0,
            "{operation}"
        );
        assert_ne!(&moved, image.as_raw());
        assert!(moved.chunks_exact(3).any(|pixel| pixel == [128; 3]), "{operation}");
        let mut still = image.as_raw().clone();
        operate(operation, &mut still, 33, 0.0, 1.0);
        assert_eq!(&still, image.as_raw(), "{operation}");
    }
    // A positive shift moves the picture to the right: 150 of 331 pixels at most.
    let mut moved = image.as_raw().clone();
    operate(3, &mut moved, 33, 1.0, 1.0);
    assert_eq!(&moved[3 * 14..3 * 15], &image.get_pixel(0, 0).0);
    assert_eq!(moved[..3 * 14], [128; 3 * 14]);
}

#[test]
fn rand_augment_draws_every_operation_and_is_reproducible() {
    let image = picture(24, 24, 5);
    let how = RandAugment {
        operations: 2,
        magnitude: 15,
    };
    let draw = |index: u64| {
        let mut out = image.as_raw().clone();
        rand_augment::apply(how, &mut out, 24, &mut stream(1, "augment", 0, index));
        out
    };
    let mut all: Vec<Vec<u8>> = (0..60).map(draw).collect();
    assert_eq!(all[7], draw(7));
    all.sort();
    all.dedup();
    assert!(all.len() > 30, "{}", all.len());
}

#[test]
fn erasing_blanks_one_rectangle_of_the_right_size() {
    let (mut erased, mut untouched) = (0, 0);
    for index in 0..200 {
        let mut image = vec![1.0; 20 * 20 * 3];
        erase(&mut image, 20, 0.5, &mut stream(1, "test", 0, index));
        let blank: Vec<usize> = (0..400).filter(|at| image[3 * at] == 0.0).collect();
        let Some((&first, &last)) = blank.first().zip(blank.last()) else {
            untouched += 1;
            continue;
        };
        erased += 1;
        let (height, width) = (last / 20 - first / 20 + 1, last % 20 + 1 - first % 20);
        assert_eq!(blank.len(), height * width);
        assert!((0.01..0.37).contains(&(blank.len() as f64 / 400.0)), "{}", blank.len());
    }
    assert!(erased > 70 && untouched > 70, "{erased} {untouched}");
}
