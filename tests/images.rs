//! Image data that is missing, damaged or contradicts itself.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use assert_cmd::assert::Assert;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use polars::prelude::{Column, DataFrame, IntoColumn, IntoSeries, NamedFrom, ParquetWriter, Series, StructChunked};

use crate::support::{Workplace, flat, refused, stderr, stdout};

const IMAGES: u32 = 12;

/// A striped picture, another one for each class and number.
fn picture(class: u32, number: u32) -> Vec<u8> {
    let pixels = RgbImage::from_fn(28, 24, |x, y| {
        let stripe = if class == 0 { x } else { y };
        Rgb([(stripe * 9 + number) as u8, (x * y) as u8, (number * 16) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(pixels)
        .write_to(&mut bytes, ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

/// Writes class folders with images.
pub fn write_classes(place: &Workplace, folder: &str, classes: &[&str]) {
    for (class, name) in (0..).zip(classes) {
        for number in 0..IMAGES {
            place.write(&format!("{folder}/{name}/{number}.jpg"), picture(class, number));
        }
    }
}

/// The classes `cat` and `dog` as a Parquet file of the usual form.
fn write_parquet(path: &Path) {
    let rows: Vec<(u32, u32)> = (0..2)
        .flat_map(|class| (0..IMAGES).map(move |number| (class, number)))
        .collect();
    let images: Vec<Vec<u8>> = rows.iter().map(|&(class, number)| picture(class, number)).collect();
    let bytes = Series::new("bytes".into(), images);
    let paths = Series::new("path".into(), vec![None::<&str>; rows.len()]);
    let image = StructChunked::from_series("image".into(), rows.len(), [bytes, paths].iter()).unwrap();
    let labels = Series::new(
        "label".into(),
        rows.iter().map(|&(class, _)| i64::from(class)).collect::<Vec<_>>(),
    );
    let columns: Vec<Column> = vec![image.into_series().into_column(), labels.into_column()];
    let mut table = DataFrame::new(rows.len(), columns).unwrap();
    ParquetWriter::new(fs::File::create(path).unwrap())
        .finish(&mut table)
        .unwrap();
}

/// A search on the images in `data`.
fn search(place: &Workplace, flags: &str) -> Assert {
    place.search(&format!("--data data --trials 2 {flags}"))
}

/// A refusal that names texts and leaves no study behind.
#[track_caller]
fn refused_data(place: &Workplace, flags: &str, texts: &[&str]) {
    refused(search(place, flags), 3, texts);
    assert!(!place.exists("study"), "a study is left behind");
    let train =
        format!("train mobilenet-v3-small --width 0.35 --resolution 24 --data data --recipe recipe.toml {flags}");
    refused(place.run(&train), 3, texts);
    assert!(!place.exists("weights.safetensors"));
}

#[test]
fn a_folder_has_to_be_there_and_hold_images() {
    let place = Workplace::new();
    refused_data(
        &place,
        "",
        &["data path data does not exist", "folder of images, or `demo`"],
    );
    fs::create_dir(place.path("data")).unwrap();
    refused_data(&place, "", &["data folder data is empty", "train/<class>/*.jpg"]);
    place.write("data/notes.txt", "no image");
    refused_data(&place, "", &["no data set recognised in data", "notes.txt"]);
    place.write("data/images.tgz", "x");
    refused_data(&place, "", &["unpack images.tgz first"]);
    place.write("data/images.tar", "x");
    refused_data(&place, "", &["images.tar: not a readable tar"]);
}

#[test]
fn a_truncated_jpeg_is_refused_or_skipped_by_name() {
    let place = Workplace::new();
    write_classes(&place, "data", &["cat", "dog"]);
    place.write("data/dog/0.jpg", &picture(1, 0)[..200]);
    refused_data(&place, "", &["data/dog/0.jpg", "repair or remove it", "skip"]);
    let done = search(&place, "--on-corrupt skip").success();
    assert!(stderr(&done).contains("data/dog/0.jpg"), "{}", stderr(&done));
    assert!(place.exists("study/best/model.onnx"));
    assert!(place.read("study/trials.jsonl").contains("data/dog/0.jpg"));
}

#[test]
fn a_truncated_parquet_file_is_refused_or_skipped_by_name() {
    let place = Workplace::new();
    place.write("data/README", "images");
    write_parquet(&place.path("data/train-00000-of-00002.parquet"));
    write_parquet(&place.path("data/train-00001-of-00002.parquet"));
    let whole = fs::read(place.path("data/train-00001-of-00002.parquet")).unwrap();
    for share in [50, 99] {
        place.write("data/train-00001-of-00002.parquet", &whole[..whole.len() * share / 100]);
        refused_data(&place, "", &["data/train-00001-of-00002.parquet"]);
    }
    let done = search(&place, "--on-corrupt skip").success();
    let said = stderr(&done);
    assert!(
        said.contains("warning: skipped") && said.contains("data/train-00001-of-00002.parquet"),
        "{said}"
    );
}

#[test]
fn classes_have_to_be_the_same_everywhere_and_more_than_one() {
    let place = Workplace::new();
    write_classes(&place, "data/train", &["cat", "dog"]);
    write_classes(&place, "data/val", &["cat", "fox"]);
    refused_data(
        &place,
        "",
        &["data differ between train and val", "val lacks dog", "val also has fox"],
    );
    let place = Workplace::new();
    write_classes(&place, "data", &["cat"]);
    refused_data(&place, "", &["only the class \"cat\"", "at least two"]);
    fs::create_dir(place.path("data/dog")).unwrap();
    refused_data(&place, "", &["data/dog holds no jpeg", "fill or remove it"]);
}

#[test]
fn a_study_notices_that_its_images_changed() {
    let place = Workplace::new();
    write_classes(&place, "data", &["cat", "dog"]);
    search(&place, "").success();
    fs::rename(place.path("data/dog"), place.path("data/fox")).unwrap();
    let changed = place.run("search --resume --out study --trials 3 --tables tables");
    refused(changed, 3, &["the data set changed since the study began"]);
    fs::remove_dir_all(place.path("data")).unwrap();
    refused(
        place.run("search --resume --out study --trials 3 --tables tables"),
        3,
        &["data does not exist"],
    );
}

#[test]
fn a_network_with_fewer_outputs_than_the_data_has_classes_is_refused() {
    let place = Workplace::new();
    let line = "train in16,conv_k3_s2_c8_nr6,head_o2 --classes 2 --data demo --images 20 --recipe recipe.toml";
    refused(place.run(line), 3, &["2 classes", "10"]);
    assert!(!place.exists("weights.safetensors"));
}

#[test]
fn finalists_of_a_data_set_without_test_images_are_validated_and_this_is_said() {
    let place = Workplace::new();
    write_classes(&place, "data/train", &["cat", "dog"]);
    let done = search(&place, "--finalists 1 --final-recipe recipe.toml").success();
    let text = flat(&stdout(&done));
    assert!(text.contains("The data set has no test split"), "{text}");
    assert!(stderr(&done).contains("there is no test split"));
    let row = &place.rows("study/finalists.csv")[0];
    assert!(row["test_top1"].is_empty() && !row["val_top1"].is_empty(), "{row:?}");
    assert!(place.read("study/finalists.svg").contains("final, validation top-1"));
}
