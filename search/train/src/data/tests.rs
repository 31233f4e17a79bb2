//! Every format of data sets, intact and damaged, through the public interface.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use image::ImageFormat;
use polars::prelude::{
    Column, DataFrame, IntoColumn, IntoSeries, KeyValueMetadata, NamedFrom, ParquetWriter, Series, StructChunked,
};

use super::testing::{encode, picture, real_data, write, write_classes};
use super::*;
use mnas_engine::training::{Normalization, OnCorrupt, Split};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn options(image_size: u32) -> LoadOptions {
    LoadOptions {
        image_size,
        val_fraction: 0.25,
        ..LoadOptions::default()
    }
}

fn load(path: &Path, options: &LoadOptions) -> Result<Splits, DataError> {
    DataSource::recognise(path)?.load(options, Watch::none())
}

fn skipping(image_size: u32) -> LoadOptions {
    LoadOptions {
        on_corrupt: OnCorrupt::Skip,
        ..options(image_size)
    }
}

fn refusal(result: Result<Splits, DataError>) -> String {
    match result {
        Ok(splits) => panic!("loaded: {}", splits.summary()),
        Err(error) => error.to_string(),
    }
}

/// Writes a Parquet file as the Hugging Face library does.
fn write_parquet(path: &Path, images: &[Vec<u8>], labels: &[i64]) {
    let bytes = Series::new("bytes".into(), images);
    let paths = Series::new("path".into(), vec![None::<&str>; images.len()]);
    let pair = StructChunked::from_series("img".into(), images.len(), [&bytes, &paths].into_iter())
        .expect("the columns are equally long");
    let label: Column = Series::new("label".into(), labels).into_column();
    let mut table = DataFrame::new(images.len(), vec![pair.into_series().into_column(), label])
        .expect("the columns are equally long");
    let file = File::create(path).expect("the file can be made");
    let info = r#"{"info": {"features": {"label": {"names": ["ant", "bee"], "_type": "ClassLabel"}}}}"#;
    let named = path.to_string_lossy().contains("named");
    let info = named.then(|| KeyValueMetadata::from_static(vec![("huggingface".to_owned(), info.to_owned())]));
    ParquetWriter::new(file)
        .with_key_value_metadata(info)
        .with_row_group_size(Some(7))
        .finish(&mut table)
        .expect("the table can be written");
}

fn pictures(count: u32) -> Vec<Vec<u8>> {
    (0..count)
        .map(|n| encode(&picture(12, 12, n), ImageFormat::Png))
        .collect()
}

#[test]
fn image_folders_with_and_without_splits() -> Outcome {
    let dir = tempfile::tempdir()?;
    write_classes(&dir.path().join("own/train"), &["cat", "dog"], 8);
    write_classes(&dir.path().join("own/valid"), &["cat", "dog"], 4);
    write_classes(&dir.path().join("own/test"), &["cat", "dog"], 3);
    write(dir.path().join("own/train/cat/.hidden.jpg"), b"");
    write(dir.path().join("own/train/cat/notes.txt"), b"not an image");
    let own = load(&dir.path().join("own"), &options(16))?;
    assert_eq!(own.train.class_counts(), [8, 8]);
    assert_eq!(own.val.class_counts(), [4, 4]);
    assert!(own.has_test && !own.val_is_cut);
    assert_eq!(own.train.classes(), ["cat", "dog"]);
    assert_eq!((own.train.size(), own.train.image(0)?.len()), (16, 16 * 16 * 3));
    let source = DataSource::recognise(dir.path().join("own"))?;
    assert_eq!(
        source
            .load_split(Split::Test, &options(16), Watch::none())?
            .class_counts(),
        [3, 3]
    );
    assert_eq!(
        source
            .load_split(Split::All, &options(16), Watch::none())?
            .class_counts(),
        [12, 12]
    );

    write_classes(&dir.path().join("flat"), &["a", "b", "c"], 8);
    let flat = load(&dir.path().join("flat"), &options(16))?;
    assert_eq!(
        (flat.train.class_counts(), flat.val.class_counts()),
        (vec![6; 3], vec![2; 3])
    );
    assert!(flat.val_is_cut && !flat.has_test);
    assert_eq!(
        flat.summary().to_string(),
        "flat (image folder): 3 classes, 18 train + 6 val images (cut from train) at 16 px"
    );
    let source = DataSource::recognise(dir.path().join("flat"))?;
    let val = source.load_split(Split::Val, &options(16), Watch::none())?;
    assert_eq!(val.pixels(), flat.val.pixels());
    let error = source
        .load_split(Split::Test, &options(16), Watch::none())
        .err()
        .ok_or("no error")?;
    assert!(error.to_string().contains("no test split; it has: train"), "{error}");
    Ok(())
}

#[test]
fn an_empty_split_is_reported_and_not_cut_from_train() -> Outcome {
    let dir = tempfile::tempdir()?;
    write_classes(&dir.path().join("train"), &["cat", "dog"], 4);
    fs::create_dir(dir.path().join("val"))?;
    let error = load(dir.path(), &options(16)).err().ok_or("no error")?.to_string();
    assert!(error.contains("no usable image in the val split"), "{error}");
    write_classes(&dir.path().join("val"), &["cat"], 2);
    fs::create_dir(dir.path().join("val/dog"))?;
    let error = load(dir.path(), &options(16)).err().ok_or("no error")?.to_string();
    assert!(error.contains("val/dog holds no jpeg"), "{error}");
    Ok(())
}

#[test]
fn paths_without_a_data_set_have_clear_errors() -> Outcome {
    let dir = tempfile::tempdir()?;
    let error = |path: &Path| {
        DataSource::recognise(path)
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default()
    };
    assert!(error(&dir.path().join("nowhere")).contains("does not exist"));
    fs::create_dir(dir.path().join("empty"))?;
    assert!(error(&dir.path().join("empty")).contains("is empty; looked for an image folder"));
    write(dir.path().join("set.tar"), b"");
    assert!(error(&dir.path().join("set.tar")).contains("the tar is empty"));
    write(dir.path().join("set.tar.gz"), b"");
    assert!(error(&dir.path().join("set.tar.gz")).contains("give it as a plain .tar"));
    write(dir.path().join("picture.jpg"), b"");
    assert!(error(&dir.path().join("picture.jpg")).contains("give the folder"));
    write(dir.path().join("text/readme.md"), b"");
    let text = error(&dir.path().join("text"));
    assert!(text.contains("found readme.md") && text.contains("Parquet"), "{text}");
    write(dir.path().join("loose/1.jpg"), b"");
    assert!(error(&dir.path().join("loose")).contains("one folder per class"));
    write_classes(&dir.path().join("outer/inner/train"), &["a", "b"], 2);
    assert!(
        error(&dir.path().join("outer")).contains("did you mean"),
        "{}",
        error(&dir.path().join("outer"))
    );
    Ok(())
}

#[test]
fn classes_that_do_not_match_are_named() -> Outcome {
    let dir = tempfile::tempdir()?;
    write_classes(&dir.path().join("set/train"), &["cat", "dog", "elk"], 2);
    write_classes(&dir.path().join("set/val"), &["cat", "dog", "fox"], 2);
    let error = refusal(load(&dir.path().join("set"), &options(8)));
    assert!(error.contains("val lacks elk; val also has fox"), "{error}");
    write_classes(&dir.path().join("one"), &["only"], 4);
    assert!(refusal(load(&dir.path().join("one"), &options(8))).contains("only the class \"only\""));
    write_classes(&dir.path().join("few"), &["many", "more"], 4);
    write(dir.path().join("few/lone/1.png"), &pictures(1)[0]);
    assert!(refusal(load(&dir.path().join("few"), &options(8))).contains("\"lone\""));
    fs::create_dir(dir.path().join("few/none"))?;
    assert!(refusal(load(&dir.path().join("few"), &options(8))).contains("few/none holds no jpeg"));
    Ok(())
}

#[test]
fn broken_images_are_named_or_skipped() -> Outcome {
    let dir = tempfile::tempdir()?;
    write_classes(dir.path(), &["a", "b"], 12);
    let jpeg = encode(&picture(30, 30, 1), ImageFormat::Jpeg);
    for (name, bytes) in [
        ("cut.jpg", &jpeg[..jpeg.len() / 2]),
        ("zero.png", &[][..]),
        ("text.webp", b"hello"),
        ("cut.png", &pictures(1)[0][..60]),
    ] {
        let path = dir.path().join("a").join(name);
        write(&path, bytes);
        let all = LoadOptions {
            val_fraction: 0.1,
            ..options(8)
        };
        let error = refusal(load(dir.path(), &all));
        assert!(error.contains(name) && error.contains("skip"), "{error}");
        fs::remove_file(path)?;
    }
    write(dir.path().join("a/cut.jpg"), &jpeg[..jpeg.len() / 2]);
    write(dir.path().join("b/zero.jpg"), &[]);
    let splits = load(dir.path(), &skipping(8))?;
    assert_eq!(splits.train.len() + splits.val.len(), 24);
    let skipped = splits.summary().skipped;
    assert_eq!(skipped.len(), 2);
    assert!(skipped.iter().any(|name| name.ends_with("cut.jpg")), "{skipped:?}");
    let broken = tempfile::tempdir()?;
    for number in 0..4 {
        write(broken.path().join(format!("a/{number}.jpg")), &[]);
        write(broken.path().join(format!("b/{number}.jpg")), &[]);
    }
    assert!(refusal(load(broken.path(), &skipping(8))).contains("no usable image in the train split"));
    Ok(())
}

#[test]
fn parquet_shards_and_their_splits() -> Outcome {
    let dir = tempfile::tempdir()?;
    let labels: Vec<i64> = (0..20).map(|n| n % 2).collect();
    write_parquet(&dir.path().join("train-00000-of-00002.parquet"), &pictures(20), &labels);
    write_parquet(&dir.path().join("train-00001-of-00002.parquet"), &pictures(20), &labels);
    write_parquet(
        &dir.path().join("validation-00000-of-00001.parquet"),
        &pictures(20),
        &labels,
    );
    let splits = load(dir.path(), &options(32))?;
    assert_eq!(splits.train.class_counts(), [20, 20]);
    assert_eq!(splits.val.class_counts(), [10, 10]);
    assert_eq!(splits.train.classes(), ["0", "1"]);
    assert_eq!(
        splits.train.size(),
        12,
        "small images are not stored larger than they are"
    );
    for row in 0..20 {
        assert_eq!(
            splits.train.image(row)?,
            picture(12, 12, row as u32).as_raw().as_slice()
        );
        assert_eq!(splits.train.image(row)?, splits.train.image(20 + row)?);
    }
    let limited = LoadOptions {
        limit_per_split: Some(6),
        ..options(12)
    };
    assert_eq!(load(dir.path(), &limited)?.train.class_counts(), [3, 3]);
    Ok(())
}

#[test]
fn parquet_class_names_come_from_the_file() -> Outcome {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("named.parquet");
    write_parquet(&file, &pictures(20), &(0..20).map(|n| n % 2).collect::<Vec<i64>>());
    assert_eq!(load(&file, &options(12))?.train.classes(), ["ant", "bee"]);
    write_parquet(&file, &pictures(20), &(0..20).collect::<Vec<i64>>());
    let error = refusal(load(&file, &options(12)));
    assert!(
        error.contains("row 2 (counted from 0): label 2 is not one of the 2 classes"),
        "{error}"
    );
    Ok(())
}

#[test]
fn broken_parquet_is_named_with_its_row_or_skipped() -> Outcome {
    let dir = tempfile::tempdir()?;
    let labels: Vec<i64> = (0..20).map(|n| n % 2).collect();
    let train = dir.path().join("train-0.parquet");
    let mut images = pictures(20);
    images[13].truncate(40);
    images[16].clear();
    write_parquet(&train, &images, &labels);
    write_parquet(&dir.path().join("val.parquet"), &pictures(20), &labels);
    let error = refusal(load(dir.path(), &options(12)));
    assert!(error.contains("train-0.parquet, row 13"), "{error}");
    let splits = load(dir.path(), &skipping(12))?;
    assert_eq!((splits.train.len(), splits.val.len()), (18, 20));
    assert!(splits.summary().skipped[1].ends_with("train-0.parquet, row 16 (counted from 0)"));

    let whole = fs::read(&train)?;
    let second = dir.path().join("train-1.parquet");
    for cut in [0, 3, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&second, &whole[..cut])?;
        let error = refusal(load(dir.path(), &options(12)));
        assert!(error.contains("train-1.parquet"), "cut at {cut}: {error}");
        let splits = load(dir.path(), &skipping(12))?;
        assert_eq!(splits.train.len(), 18);
    }
    // Damage anywhere is an error or other pixels, but never a panic.
    for at in (4..whole.len()).step_by(whole.len() / 150) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x5a;
        fs::write(&second, damaged)?;
        let _ = load(dir.path(), &skipping(12));
    }
    fs::remove_file(second)?;
    write_parquet(&train, &pictures(20), &[-1; 20]);
    assert!(refusal(load(dir.path(), &options(12))).contains("row 0 (counted from 0): label -1"));
    write_parquet(&train, &pictures(20), &(0..20).map(|n| n % 3).collect::<Vec<i64>>());
    assert!(refusal(load(dir.path(), &options(12))).contains("val lacks 2"));
    let mut table = DataFrame::new(1, vec![Series::new("text".into(), [1_i64]).into_column()])?;
    ParquetWriter::new(File::create(&train)?).finish(&mut table)?;
    assert!(refusal(load(dir.path(), &options(12))).contains("has the columns text, but needs"));
    Ok(())
}

/// Records of CIFAR-10's binary form whose red plane counts up, green is the label and blue is 7.
fn cifar_records(labels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &label in labels {
        bytes.push(label);
        bytes.extend((0..1024).map(|at| at as u8));
        bytes.extend([label; 1024]);
        bytes.extend([7; 1024]);
    }
    bytes
}

#[test]
fn cifar_binary_files() -> Outcome {
    let dir = tempfile::tempdir()?;
    let labels: Vec<u8> = (0..40).map(|n| n % 10).collect();
    write(dir.path().join("data_batch_1.bin"), &cifar_records(&labels));
    write(dir.path().join("data_batch_2.bin"), &cifar_records(&labels));
    write(dir.path().join("test_batch.bin"), &cifar_records(&labels));
    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    write(dir.path().join("batches.meta.txt"), names.as_bytes());
    let splits = load(dir.path(), &options(32))?;
    assert_eq!(
        (splits.train.class_counts(), splits.val.class_counts()),
        (vec![6; 10], vec![2; 10])
    );
    assert_eq!(splits.train.classes()[9], "truck");
    assert!(splits.has_test && splits.val_is_cut);
    let label = splits.train.labels()[5] as u8;
    assert_eq!(splits.train.image(5)?[3 * 33..3 * 34], [33, label, 7]);
    write(
        dir.path().join("data_batch_2.bin"),
        &cifar_records(&labels)[..3073 * 3 + 100],
    );
    let error = refusal(load(dir.path(), &options(32)));
    assert!(
        error.contains("data_batch_2.bin") && error.contains("truncated"),
        "{error}"
    );
    let splits = load(dir.path(), &skipping(32))?;
    assert_eq!(
        (splits.train.len() + splits.val.len(), splits.summary().skipped.len()),
        (43, 1)
    );
    write(dir.path().join("data_batch_2.bin"), &cifar_records(&[3, 12]));
    assert!(refusal(load(dir.path(), &options(32))).contains("row 1 (counted from 0): label 12"));
    Ok(())
}

fn idx_images(count: u32, held: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [0x0803, count, 5, 6] {
        bytes.extend(u32::to_be_bytes(word));
    }
    bytes.extend((0..held * 30).map(|at| at as u8));
    bytes
}

fn idx_labels(labels: &[u8]) -> Vec<u8> {
    let mut bytes = 0x0801_u32.to_be_bytes().to_vec();
    bytes.extend((labels.len() as u32).to_be_bytes());
    bytes.extend(labels);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer
        .write_all(bytes)
        .and_then(|()| packer.finish())
        .expect("memory can be written")
}

#[test]
fn idx_files_plain_and_gzipped() -> Outcome {
    let dir = tempfile::tempdir()?;
    let labels: Vec<u8> = (0..40).map(|n| n % 4).collect();
    write(dir.path().join("train-images-idx3-ubyte"), &idx_images(40, 40));
    write(dir.path().join("train-labels.idx1-ubyte"), &idx_labels(&labels));
    write(dir.path().join("t10k-images-idx3-ubyte.gz"), &gzip(&idx_images(40, 40)));
    write(
        dir.path().join("t10k-labels-idx1-ubyte.gz"),
        &gzip(&idx_labels(&labels)),
    );
    let source = DataSource::recognise(dir.path())?;
    let splits = source.load(&options(28), Watch::none())?;
    assert_eq!((splits.train.len(), splits.val.len(), splits.train.size()), (28, 12, 5));
    assert!(!splits.train.may_flip());
    assert!(
        splits
            .train
            .image(3)?
            .chunks(3)
            .all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
    );
    assert_eq!(source.load_split(Split::Test, &options(28), Watch::none())?.len(), 40);

    let packed = gzip(&idx_images(40, 40));
    write(
        dir.path().join("t10k-images-idx3-ubyte.gz"),
        &packed[..packed.len() - 20],
    );
    assert!(
        source.load(&options(28), Watch::none()).is_ok(),
        "a search does not touch the test split"
    );
    let error = source
        .load_split(Split::Test, &options(28), Watch::none())
        .err()
        .ok_or("no error")?;
    assert!(error.to_string().contains("t10k-images-idx3-ubyte.gz"), "{error}");
    write(dir.path().join("train-images-idx3-ubyte"), &idx_images(40, 33));
    let error = refusal(source.load(&options(28), Watch::none()));
    assert!(error.contains("announces 40 items but holds only 33"), "{error}");
    let splits = source.load(&skipping(28), Watch::none())?;
    assert_eq!(
        (splits.train.len() + splits.val.len(), splits.summary().skipped.len()),
        (33, 7)
    );
    write(
        dir.path().join("train-images-idx3-ubyte"),
        b"\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    );
    assert!(refusal(source.load(&options(28), Watch::none())).contains("more than can be loaded"));
    write(dir.path().join("train-images-idx3-ubyte"), b"\0\0");
    assert!(refusal(source.load(&options(28), Watch::none())).contains("fewer than the header"));
    Ok(())
}

#[test]
fn loading_is_the_same_on_any_number_of_threads_and_can_be_watched() -> Outcome {
    let dir = tempfile::tempdir()?;
    write_classes(dir.path(), &["a", "b"], 40);
    let with = |threads: usize| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let splits = pool.install(|| load(dir.path(), &options(10)))?;
        Ok([splits.train.pixels(), splits.val.pixels()].concat())
    };
    assert_eq!(with(1)?, with(3)?);
    let seen = Cell::new((0, 0));
    let progress = |done, total| seen.set((done, total));
    let source = DataSource::recognise(dir.path())?;
    source.load(
        &options(10),
        Watch {
            progress: &progress,
            cancel: &|| false,
        },
    )?;
    assert_eq!(seen.get(), (80, 80));
    let result = source.load(
        &options(10),
        Watch {
            progress: &progress,
            cancel: &|| true,
        },
    );
    assert!(matches!(result, Err(DataError::Cancelled)));
    Ok(())
}

#[test]
fn options_are_strict() -> Outcome {
    assert!(toml::from_str::<LoadOptions>("imagesize = 32").is_err());
    let read: LoadOptions = toml::from_str("image-size = 32\non-corrupt = \"skip\"\nlimit-per-split = 5")?;
    assert_eq!(
        (read.image_size, read.on_corrupt, read.limit_per_split),
        (32, OnCorrupt::Skip, Some(5))
    );
    for bad in [
        "image-size = 0",
        "limit-per-split = 0",
        "val-fraction = 1.0",
        "val-fraction = nan",
    ] {
        assert!(toml::from_str::<LoadOptions>(bad)?.check().is_err(), "{bad}");
    }
    Ok(())
}

#[test]
fn real_cifar_10_from_parquet() -> Outcome {
    let Some(path) = real_data("cifar10") else {
        return Ok(());
    };
    let source = DataSource::recognise(&path)?;
    assert_eq!(source.format(), "parquet");
    let options = LoadOptions {
        image_size: 32,
        limit_per_split: Some(500),
        ..LoadOptions::default()
    };
    let splits = source.load(&options, Watch::none())?;
    assert_eq!(splits.train.class_counts(), [50; 10]);
    assert_eq!(splits.val.class_counts(), [50; 10]);
    assert!(splits.has_test && splits.val_is_cut && splits.train.size() == 32);
    let Normalization { mean, std } = normalization_of(&splits.train);
    // The published statistics of CIFAR-10 are 0.491, 0.482, 0.447 and 0.247, 0.243, 0.262.
    for (found, known) in mean.iter().chain(&std).zip([0.491, 0.482, 0.447, 0.247, 0.243, 0.262]) {
        assert!((found - known).abs() < 0.04, "{found} for {known}");
    }
    Ok(())
}

#[test]
fn real_imagenet_photographs_from_a_tar() -> Outcome {
    let Some(archive) = real_data("imagenet-val-500.tar") else {
        return Ok(());
    };
    let options = LoadOptions {
        image_size: 64,
        ..LoadOptions::default()
    };
    let splits = load(&archive, &options)?;
    assert_eq!(splits.summary().format, "tar");
    assert_eq!(splits.train.classes().len(), 10);
    assert_eq!(splits.train.len() + splits.val.len(), 500);
    assert!(splits.train.classes().contains(&"n01440764".to_owned()));
    Ok(())
}

#[test]
fn real_imagenette_from_a_tar_with_splits() -> Outcome {
    let Some(archive) = real_data("imagenette-128.tar") else {
        return Ok(());
    };
    let options = LoadOptions {
        image_size: 32,
        limit_per_split: Some(200),
        ..LoadOptions::default()
    };
    let splits = load(&archive, &options)?;
    assert_eq!(splits.train.class_counts(), [20; 10]);
    assert!(!splits.val_is_cut && splits.val.len() == 200);
    Ok(())
}
