use image::ImageFormat;

use super::key;
use crate::data::testing::{encode, picture, write, write_tar};
use crate::data::{
    BatchOptions, Batches, DataError, DataSource, ImageSet, LoadOptions, Splits, Watch, normalization_of,
};
use mnas_engine::training::{Augmentation, ExtraAugmentation, Normalization, OnCorrupt, Split};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn options() -> LoadOptions {
    LoadOptions {
        image_size: 16,
        ..LoadOptions::default()
    }
}

fn load(path: &std::path::Path, options: &LoadOptions) -> Result<Splits, DataError> {
    DataSource::recognise(path)?.load(options, Watch::none())
}

fn jpeg(seed: u32) -> Vec<u8> {
    encode(&picture(24, 20, seed), ImageFormat::Jpeg)
}

#[test]
fn keys_end_at_the_first_dot_of_the_name() {
    assert_eq!(key("a.b/c.seg.png"), "a.b/c");
    assert_eq!(key("0001.cls"), "0001");
    assert_eq!(key("plain"), "plain");
}

#[test]
fn a_packed_image_folder_is_the_folder() -> Outcome {
    let dir = tempfile::tempdir()?;
    let mut files = Vec::new();
    for (split, class, count) in [
        ("train", "cat", 5_u32),
        ("train", "dog", 4),
        ("val", "cat", 2),
        ("val", "dog", 3),
    ] {
        for number in 0..count {
            let name = format!("./birds-v2/{split}/{class}/{number}.jpg");
            write(dir.path().join("folder").join(&name[11..]), &jpeg(number + count));
            files.push((name, jpeg(number + count)));
        }
    }
    files.push(("./birds-v2/README.md".to_owned(), b"about".to_vec()));
    files.push(("./birds-v2/train/cat/._0.jpg".to_owned(), b"a mac was here".to_vec()));
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    let path = dir.path().join("birds.tar");
    write_tar(&path, &files);
    let (packed, folder) = (load(&path, &options())?, load(&dir.path().join("folder"), &options())?);
    assert_eq!(packed.summary().format, "tar");
    for (one, other) in [(&packed.train, &folder.train), (&packed.val, &folder.val)] {
        assert_eq!(one.classes(), ["cat", "dog"]);
        assert_eq!((one.labels(), one.pixels()), (other.labels(), other.pixels()));
    }
    assert!(!packed.val_is_cut && !packed.has_test);
    Ok(())
}

/// Writes shards of images of classes 0 and 3, which alternate.
fn shards(folder: &std::path::Path, count: u32) {
    for (shard, split) in [("train-000", 0), ("train-001", 1), ("val-000", 2)] {
        let mut files = Vec::new();
        for number in 0..count {
            let class = if number % 2 == 0 { "0" } else { "3\n" };
            files.push((format!("{split}/{number:05}.jpg"), jpeg(number)));
            files.push((format!("{split}/{number:05}.cls"), class.as_bytes().to_vec()));
            files.push((format!("{split}/{number:05}.json"), b"{}".to_vec()));
        }
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice()))
            .collect();
        write_tar(folder.join(format!("{shard}.tar")), &files);
    }
}

#[test]
fn shards_pair_images_with_labels_and_keep_class_names() -> Outcome {
    let dir = tempfile::tempdir()?;
    shards(dir.path(), 6);
    let numbered = load(dir.path(), &options())?;
    assert_eq!(numbered.train.classes(), ["0", "3"]);
    assert_eq!(numbered.train.class_counts(), [6, 6]);
    assert_eq!(numbered.val.class_counts(), [3, 3]);
    write(dir.path().join("classes.txt"), b"tench\nshark\nray\nhen\n");
    let named = load(dir.path(), &options())?;
    assert_eq!(named.train.class_counts(), [6, 0, 0, 6]);
    assert_eq!(named.train.classes()[3], "hen");
    write(dir.path().join("classes.txt"), b"tench\nshark\n");
    let error = load(dir.path(), &options()).unwrap_err().to_string();
    assert!(error.contains("label 3 is not one of the 2 classes"), "{error}");
    Ok(())
}

#[test]
fn faults_of_a_tar_are_named() -> Outcome {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("set.tar");
    let refused = |files: &[(&str, &[u8])]| {
        write_tar(&path, files);
        load(&path, &options())
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let image = jpeg(1);
    let error = refused(&[("a.jpg", &image), ("a.cls", b"0"), ("b.jpg", &image)]);
    assert!(error.contains("set.tar/b.jpg: there is no `.cls` file"), "{error}");
    let error = refused(&[("a.jpg", &image), ("a.cls", b"zero")]);
    assert!(error.contains("holds \"zero\" in place of a class number"), "{error}");
    let error = refused(&[("a.jpg", &image), ("a.cls", b"-1")]);
    assert!(error.contains("label -1"), "{error}");
    let error = refused(&[("a.jpg", &image)]);
    assert!(error.contains("lies in no class folder"), "{error}");
    let error = refused(&[("cat/a.jpg", &image), ("cat/b.jpg", &image)]);
    assert!(error.contains("only the class \"cat\""), "{error}");
    let error = refused(&[
        ("cat/a.jpg", &image),
        ("dog/b.jpg", b""),
        ("cat/c.jpg", &image),
        ("dog/d.jpg", &image),
    ]);
    assert!(error.contains("dog/b.jpg: the image is empty"), "{error}");
    let error = refused(&[("notes.txt", b"x")]);
    assert!(error.contains("no usable image"), "{error}");
    write_tar(&path, &[("cat/a.jpg", &image), ("dog/b.jpg", &image)]);
    let whole = std::fs::read(&path)?;
    write(&path, &whole[..1024]);
    let error = load(&path, &options()).unwrap_err().to_string();
    assert!(error.contains("truncated"), "{error}");
    write(
        &path,
        b"this is text, and not a tar at all, however long it may be"
            .repeat(20)
            .as_slice(),
    );
    let error = load(&path, &options()).unwrap_err().to_string();
    assert!(error.contains("not a readable tar"), "{error}");
    Ok(())
}

fn batches(set: &std::sync::Arc<ImageSet>, augmentation: Augmentation) -> Result<Vec<crate::data::Batch>, DataError> {
    let options = BatchOptions {
        batch_size: 4,
        resolution: 16,
        augmentation,
        extra: ExtraAugmentation::default(),
        normalization: Normalization::IMAGENET,
        seed: 3,
    };
    let train = Batches::train(set, &options, 1)?.collect::<Result<Vec<_>, _>>()?;
    let eval = Batches::eval(set, &options)?.collect::<Result<Vec<_>, _>>()?;
    Ok([train, eval].concat())
}

#[test]
fn a_set_that_does_not_fit_is_streamed_and_shows_the_same_images() -> Outcome {
    let dir = tempfile::tempdir()?;
    shards(dir.path(), 8);
    let kept = load(dir.path(), &options())?;
    let small = LoadOptions {
        memory_limit_bytes: 1000,
        ..options()
    };
    let streamed = load(dir.path(), &small)?;
    assert!(streamed.train.is_streamed() && !kept.train.is_streamed());
    assert!(streamed.train.pixels().is_empty());
    assert_eq!(streamed.train.labels(), kept.train.labels());
    assert_eq!(streamed.train.image(3)?, kept.train.image(3)?);
    assert_eq!(normalization_of(&streamed.train), normalization_of(&kept.train));
    for how in [
        Augmentation::None,
        Augmentation::crop_flip(),
        Augmentation::resized_crop_flip(),
    ] {
        let found = batches(&streamed.train, how)?;
        assert_eq!(found, batches(&streamed.train, how)?);
        let known = batches(&kept.train, how)?;
        let labels = |batches: &[crate::data::Batch]| {
            batches
                .iter()
                .flat_map(|batch| batch.labels.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(labels(&found), labels(&known));
        if how == Augmentation::None {
            assert_eq!(found, known);
        }
    }
    Ok(())
}

#[test]
fn a_corrupt_image_of_a_stream_is_named_or_left_out() -> Outcome {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("set.tar");
    let image = jpeg(1);
    let mut files: Vec<(String, &[u8])> = Vec::new();
    for number in 0..10 {
        files.push((format!("cat/{number}.jpg"), &image));
        files.push((
            format!("dog/{number}.jpg"),
            if number == 4 { &image[..50] } else { &image },
        ));
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    write_tar(&path, &files);
    let mut options = LoadOptions {
        memory_limit_bytes: 1000,
        ..options()
    };
    let source = DataSource::recognise(&path)?;
    let all = |options: &LoadOptions| {
        source
            .load_split(Split::All, options, Watch::none())
            .map(std::sync::Arc::new)
    };
    let error = batches(&all(&options)?, Augmentation::None).unwrap_err().to_string();
    assert!(error.contains("dog/4.jpg: the jpeg is truncated"), "{error}");
    options.on_corrupt = OnCorrupt::Skip;
    let left = batches(&all(&options)?, Augmentation::None)?;
    let images: usize = left.iter().map(crate::data::Batch::len).sum();
    assert_eq!(images, 2 * 19);
    for batch in &left {
        assert_eq!(batch.images.len(), batch.len() * 16 * 16 * 3);
    }
    Ok(())
}
