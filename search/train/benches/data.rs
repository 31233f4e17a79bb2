//! Images per second of decoding and augmentation: `cargo bench -p mnas-train --bench data`, with the image folder or tar in
//! `MNAS_BENCH_DATA`; without it, with JPEG files of the synthetic set.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mnas_engine::training::{Augmentation, ExtraAugmentation, Normalization, RandAugment, Split};
use mnas_train::data::{BatchOptions, Batches, DataSource, ImageSet, LoadOptions, Synthetic, Watch};

const IMAGES: usize = 1024;

/// A folder of JPEG files of 128 pixels in two classes.
fn photographs(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let demo = DataSource::demo(Synthetic {
        train: IMAGES,
        ..Synthetic::default()
    })?;
    let options = LoadOptions {
        image_size: 128,
        ..LoadOptions::default()
    };
    let set = demo.load_split(Split::Train, &options, Watch::none())?;
    for index in 0..set.len() {
        let class = folder.join("train").join(format!("class-{}", index % 2));
        std::fs::create_dir_all(&class)?;
        let image = image::RgbImage::from_raw(128, 128, set.image(index)?.into_owned()).ok_or("no image")?;
        image.save(class.join(format!("{index}.jpg")))?;
    }
    Ok(())
}

fn load(path: &Path, memory_limit_bytes: u64) -> Arc<ImageSet> {
    let options = LoadOptions {
        image_size: 128,
        limit_per_split: Some(IMAGES),
        memory_limit_bytes,
        ..LoadOptions::default()
    };
    let source = DataSource::recognise(path).expect("images can be recognised");
    Arc::new(
        source
            .load_split(Split::Train, &options, Watch::none())
            .expect("images can be loaded"),
    )
}

fn epoch(set: &Arc<ImageSet>, augmentation: Augmentation, extra: ExtraAugmentation) -> usize {
    let options = BatchOptions {
        batch_size: 128,
        resolution: 112,
        augmentation,
        extra,
        normalization: Normalization::IMAGENET,
        seed: 0,
    };
    let batches = Batches::train(set, &options, 0).expect("options are sound");
    batches.map(|batch| batch.expect("images are sound").len()).sum()
}

fn data(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = std::env::var_os("MNAS_BENCH_DATA").map(PathBuf::from);
    let path = path.unwrap_or_else(|| {
        photographs(folder.path()).expect("photographs can be written");
        folder.path().to_path_buf()
    });
    let mut group = criterion.benchmark_group("data");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(8))
        .throughput(Throughput::Elements(IMAGES as u64));
    group.bench_function("decode", |bencher| bencher.iter(|| load(&path, u64::MAX)));
    let (kept, streamed) = (load(&path, u64::MAX), load(&path, 0));
    let none = ExtraAugmentation::default();
    let rand_augment = ExtraAugmentation {
        rand_augment: Some(RandAugment {
            operations: 2,
            magnitude: 9,
        }),
        random_erasing: 0.2,
        ..none
    };
    let resized = Augmentation::ResizedCropFlip { min_area: 0.08 };
    let cases = [
        ("shift and flip", &kept, Augmentation::crop_flip(), none),
        ("random resized crop", &kept, resized, none),
        (
            "random resized crop, RandAugment, erasing",
            &kept,
            resized,
            rand_augment,
        ),
        ("streamed: decode, random resized crop", &streamed, resized, none),
    ];
    for (name, set, augmentation, extra) in cases {
        group.bench_function(name, |bencher| bencher.iter(|| epoch(set, augmentation, extra)));
    }
    group.finish();
}

criterion_group!(benches, data);
criterion_main!(benches);
