use std::ops::ControlFlow;

use super::{evaluate, evaluate_by_class, tensors};
use crate::TrainError;
use crate::data::{BatchOptions, Batches};
use crate::testing::{images, network, values};
use mnas_engine::training::{Augmentation, ExtraAugmentation, Normalization};

#[test]
fn evaluation_counts_as_a_loop_over_images_does() {
    let splits = images(8, 30);
    let network = network("in16,conv_k3_s2_c8_nhs,ir_k3_e2_c8_nre,head_o9", 4);
    let options = BatchOptions {
        batch_size: 7,
        resolution: 16,
        augmentation: Augmentation::None,
        extra: ExtraAugmentation::default(),
        normalization: Normalization::IMAGENET,
        seed: 0,
    };
    let found = evaluate(&network, &splits.val, &options).unwrap();
    let (mut top1, mut top5, mut loss) = (0, 0, 0.0);
    let one_by_one = BatchOptions {
        batch_size: 1,
        ..options
    };
    for batch in Batches::eval(&splits.val, &one_by_one).unwrap() {
        let batch = batch.unwrap();
        let (image, _) = tensors(&batch, &network).unwrap();
        let scores = values(&tch::no_grad(|| network.forward(&image, false)).unwrap());
        let score = scores[batch.labels[0] as usize];
        let better = scores.iter().filter(|&&other| other > score).count();
        top1 += usize::from(better == 0);
        top5 += usize::from(better < 5);
        loss += scores.iter().map(|&other| f64::from(other).exp()).sum::<f64>().ln() - f64::from(score);
    }
    assert_eq!(found.images, 30);
    assert!((found.top1 - 100.0 * f64::from(top1 as u32) / 30.0).abs() < 1e-9);
    assert!((found.top5 - 100.0 * f64::from(top5 as u32) / 30.0).abs() < 1e-9);
    assert!((found.loss - loss / 30.0).abs() < 1e-5);
    assert!(found.top5 > found.top1);

    let (again, confusion) =
        evaluate_by_class(&network, &splits.val, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(again, found);
    assert!(confusion.classes().iter().all(|&class| class < 9));
    let right: u64 = (0..9).map(|class| confusion.get(class, class)).sum();
    assert_eq!(right, top1 as u64);
    let mut counts = splits.val.class_counts();
    counts.resize(9, 0);
    assert_eq!(
        (0..9).map(|class| confusion.images(class) as usize).collect::<Vec<_>>(),
        counts
    );
    assert_eq!(confusion.accuracy(8), None);
    let mean = (0..4)
        .filter_map(|class| Some(confusion.accuracy(class)? * confusion.images(class) as f64))
        .sum::<f64>();
    assert!((mean / 30.0 - found.top1).abs() < 1e-9);

    let stopped = evaluate_by_class(&network, &splits.val, &options, &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(TrainError::Interrupted { epoch: 0 })));
}
