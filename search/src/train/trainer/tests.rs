use std::ops::ControlFlow;
use std::sync::Arc;

use super::{EpochReport, Progress, TrainError, TrainPlan, Trained, evaluate, train};
use crate::data::{Augmentation, BatchOptions, ImageSet, Normalization, Splits};
use crate::train::testing::{all_values, images, network, recipe, values};
use crate::train::{Network, Recipe};

const SMALL: &str = "in16,conv_k3_s2_c8_nhs,ds_k3_c8_nr6,ir_k3_s2_e3_c16_se0.25_nhs,ir_k3_e2_c16_nre,head_f32_nhs_o4";

fn plan<'a>(train: &'a Arc<ImageSet>, val: &'a Arc<ImageSet>, recipe: &'a Recipe) -> TrainPlan<'a> {
    // The threads are those of the calling thread alone.
    tch::set_num_threads(1);
    TrainPlan {
        train,
        val,
        resolution: 16,
        normalization: Normalization::of(train),
        recipe,
        seed: 11,
        validate_every_epoch: true,
    }
}

fn run(network: &Network, splits: &Splits, recipe: &Recipe) -> Result<Trained, TrainError> {
    train(network, &plan(&splits.train, &splits.val, recipe), &mut |_| {
        ControlFlow::Continue(())
    })
}

#[test]
fn sixteen_images_are_learnt_by_heart() {
    let splits = images(16, 4);
    let network = network(SMALL, 1);
    let recipe = recipe(200, 16, 0.1);
    let plan = plan(&splits.train, &splits.train, &recipe);
    let trained = train(&network, &plan, &mut |_| ControlFlow::Continue(())).unwrap();
    let last = trained.epochs.last().unwrap();
    assert!(last.loss < 0.05, "training loss {}", last.loss);
    assert!(
        (trained.evaluation.top1 - 100.0).abs() < 1e-9,
        "accuracy {}",
        trained.evaluation.top1
    );
    assert!(trained.evaluation.loss < 0.05, "loss {}", trained.evaluation.loss);
    assert_eq!((trained.evaluation.images, trained.epochs.len()), (16, 200));
    assert!(trained.epochs[0].loss > 1.0);
}

#[test]
fn a_seed_decides_every_bit() {
    let splits = images(40, 8);
    let recipe = Recipe {
        augmentation: Augmentation::crop_flip(),
        ..recipe(2, 16, 0.05)
    };
    let outcome = |seed: u64, order: u64| {
        let network = network(SMALL, seed);
        let plan = TrainPlan {
            seed: order,
            ..plan(&splits.train, &splits.val, &recipe)
        };
        let trained = train(&network, &plan, &mut |_| ControlFlow::Continue(())).unwrap();
        (all_values(&network), trained.evaluation.loss)
    };
    let first = outcome(1, 11);
    assert!(outcome(1, 11) == first);
    assert!(outcome(2, 11) != first);
    assert!(outcome(1, 12) != first);
}

#[test]
fn a_rate_that_is_too_high_is_told() {
    let splits = images(40, 8);
    let recipe = Recipe {
        weight_decay: 1e-4,
        ..recipe(50, 16, 1e6)
    };
    let error = run(&network(SMALL, 1), &splits, &recipe).unwrap_err();
    let TrainError::Diverged { epoch, step, loss } = error else {
        panic!("{error}")
    };
    assert!(epoch >= 1 && step >= 1 && !loss.is_finite());
}

#[test]
fn weights_that_break_in_the_last_step_are_no_result() {
    let splits = images(16, 8);
    // A single step: its loss is that of the initial weights, what it leaves behind is not.
    let recipe = Recipe {
        momentum: 0.0,
        ..recipe(1, 16, 1e38)
    };
    let error = run(&network(SMALL, 1), &splits, &recipe).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { epoch: 1, .. }), "{error}");
}

#[test]
fn an_observer_hears_of_everything_and_may_stop() {
    let splits = images(40, 8);
    let recipe = recipe(3, 16, 0.05);
    let plan = plan(&splits.train, &splits.val, &recipe);
    let (mut shares, mut reports) = (Vec::new(), Vec::<EpochReport>::new());
    let mut note = |progress: Progress<'_>| {
        match progress {
            Progress::Step { done } => shares.push(done),
            Progress::Epoch(report) => reports.push(*report),
        }
        ControlFlow::Continue(())
    };
    let trained = train(&network(SMALL, 1), &plan, &mut note).unwrap();
    assert_eq!(shares.len(), 9);
    assert!(shares.is_sorted() && shares[0] > 0.0 && (shares[8] - 1.0).abs() < 1e-12);
    assert_eq!(reports, trained.epochs);
    assert_eq!(reports[2].accuracy, Some(trained.evaluation.top1));
    // Without a look at the validation images after every epoch the result is the same.
    let once = TrainPlan {
        validate_every_epoch: false,
        ..plan.clone()
    };
    let quiet = train(&network(SMALL, 1), &once, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(quiet.evaluation, trained.evaluation);
    assert!(quiet.epochs.iter().all(|epoch| epoch.accuracy.is_none()));

    for (stop_at, epoch) in [(1, 1), (3, 1), (5, 2)] {
        let mut heard = 0;
        let mut stop = |_: Progress<'_>| {
            heard += 1;
            if heard == stop_at {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let error = train(&network(SMALL, 1), &plan, &mut stop).unwrap_err();
        assert!(
            matches!(error, TrainError::Interrupted { epoch: found } if found == epoch),
            "{stop_at}: {error}"
        );
        assert_eq!(heard, stop_at);
    }
    // Nothing is lost when the wish to stop comes after the last epoch.
    let mut stop = |progress: Progress<'_>| match progress {
        Progress::Epoch(report) if report.epoch == 3 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    assert!(train(&network(SMALL, 1), &plan, &mut stop).is_ok());
}

#[test]
fn classes_the_network_does_not_know_are_refused_before_training() {
    let splits = images(40, 8);
    let narrow = network("in16,conv_k3_s2_c8_nhs,head_o3", 1);
    let before = all_values(&narrow);
    let error = run(&narrow, &splits, &recipe(1, 16, 0.1)).unwrap_err();
    assert!(
        matches!(
            &error,
            TrainError::Label {
                label: 3,
                classes: 3,
                ..
            }
        ),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("train image") && text.contains("at least 4 classes"),
        "{text}"
    );
    assert_eq!(all_values(&narrow), before);
    let options = plan(&splits.train, &splits.val, &recipe(1, 16, 0.1)).batch_options(Augmentation::None);
    assert!(matches!(
        evaluate(&narrow, &splits.val, &options),
        Err(TrainError::Label { .. })
    ));
    // More classes than the images have are no problem.
    let wide = network("in16,conv_k3_s2_c8_nhs,head_o9", 1);
    assert!(run(&wide, &splits, &recipe(1, 16, 0.1)).is_ok());
}

#[test]
fn batches_without_images_are_refused() {
    let splits = images(40, 8);
    let error = run(
        &network(SMALL, 1),
        &splits,
        &Recipe {
            batch_size: 0,
            ..recipe(1, 16, 0.1)
        },
    )
    .unwrap_err();
    assert!(error.to_string().contains("batch-size"), "{error}");
}

#[test]
fn evaluation_counts_as_a_loop_over_images_does() {
    let splits = images(8, 30);
    let network = network("in16,conv_k3_s2_c8_nhs,ir_k3_e2_c8_nre,head_o9", 4);
    let options = BatchOptions {
        batch_size: 7,
        resolution: 16,
        augmentation: Augmentation::None,
        normalization: Normalization::IMAGENET,
        seed: 0,
    };
    let found = evaluate(&network, &splits.val, &options).unwrap();
    let (mut top1, mut top5, mut loss) = (0, 0, 0.0);
    let one_by_one = BatchOptions {
        batch_size: 1,
        ..options
    };
    for batch in crate::data::Batches::eval(&splits.val, &one_by_one).unwrap() {
        let (image, _) = super::tensors(&batch, &network).unwrap();
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
}
