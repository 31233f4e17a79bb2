use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Progress, TrainPlan, Trained, train};
use crate::data::{ImageSet, Splits, normalization_of};
use crate::testing::{all_values, images, network, recipe};
use crate::{CheckpointPlan, Network, TrainError, evaluate};
use mnas_engine::training::{
    Augmentation, Distillation, EpochReport, OptimizerKind, ProgressiveResolution, RandAugment, Recipe, Schedule,
};

const SMALL: &str = "in16,conv_k3_s2_c8_nhs,ds_k3_c8_nr6,ir_k3_s2_e3_c16_se0.25_nhs,ir_k3_e2_c16_nre,head_f32_nhs_o4";

fn plan<'a>(train: &'a Arc<ImageSet>, val: &'a Arc<ImageSet>, recipe: &'a Recipe) -> TrainPlan<'a> {
    // The threads are those of the calling thread alone.
    tch::set_num_threads(1);
    TrainPlan {
        train,
        val,
        resolution: 16,
        normalization: normalization_of(train),
        recipe,
        seed: 11,
        validate_every_epoch: true,
        checkpoint: None,
    }
}

fn run(network: &Network, splits: &Splits, recipe: &Recipe) -> Result<Trained, TrainError> {
    train(network, &plan(&splits.train, &splits.val, recipe), &mut |_| {
        ControlFlow::Continue(())
    })
}

#[test]
fn sixteen_images_are_memorised() {
    let splits = images(16, 4);
    let network = network(SMALL, 1);
    let recipe = recipe(200, 16, 0.1);
    let plan = plan(&splits.train, &splits.train, &recipe);
    let trained = train(&network, &plan, &mut |_| ControlFlow::Continue(())).unwrap();
    let last = trained.epochs.last().unwrap();
    assert!(last.loss < 0.05, "training loss {}", last.loss);
    assert!(
        (trained.validation.top1 - 100.0).abs() < 1e-9,
        "accuracy {}",
        trained.validation.top1
    );
    assert!(trained.validation.loss < 0.05, "loss {}", trained.validation.loss);
    assert_eq!((trained.validation.images, trained.epochs.len()), (16, 200));
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
        (all_values(&network), trained.validation.loss)
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
    assert!(epoch >= 1 && step >= 1 && (!loss.is_finite() || loss > 100.0));
}

#[test]
fn a_loss_out_of_control_ends_a_training_while_it_is_a_number() {
    let splits = images(64, 8);
    // Between learning rates that train a network and those that diverge.
    let losses: Vec<f64> = [1e2, 3e2, 1e3, 3e3, 1e4]
        .into_iter()
        .filter_map(|rate| {
            let recipe = Recipe {
                momentum: 0.0,
                ..recipe(1, 16, rate)
            };
            match run(&network(SMALL, 1), &splits, &recipe) {
                Err(TrainError::Diverged { epoch: 1, loss, .. }) => Some(loss),
                _ => None,
            }
        })
        .collect();
    assert!(
        losses.iter().any(|loss| loss.is_finite() && *loss > 100.0),
        "{losses:?}"
    );
}

#[test]
fn weights_that_break_in_the_last_step_are_no_result() {
    let splits = images(16, 8);
    // A single step: its loss is that of the initial weights, and only its result has diverged.
    let recipe = Recipe {
        momentum: 0.0,
        ..recipe(1, 16, 1e38)
    };
    let error = run(&network(SMALL, 1), &splits, &recipe).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { epoch: 1, .. }), "{error}");
}

#[test]
fn an_observer_receives_everything_and_may_stop() {
    let splits = images(40, 8);
    let recipe = recipe(3, 16, 0.05);
    let plan = plan(&splits.train, &splits.val, &recipe);
    let (mut shares, mut reports) = (Vec::new(), Vec::<EpochReport>::new());
    let mut observer = |progress: Progress<'_>| {
        match progress {
            Progress::Step { done, .. } => shares.push(done),
            Progress::Epoch(report) => reports.push(*report),
            other => panic!("{other:?}"),
        }
        ControlFlow::Continue(())
    };
    let trained = train(&network(SMALL, 1), &plan, &mut observer).unwrap();
    assert_eq!(shares.len(), 9);
    assert!(shares.is_sorted() && shares[0] > 0.0 && (shares[8] - 1.0).abs() < 1e-12);
    assert_eq!(reports, trained.epochs);
    assert_eq!(reports[2].validation, Some(trained.validation));
    // Validation after every epoch does not change the result.
    let once = TrainPlan {
        validate_every_epoch: false,
        ..plan.clone()
    };
    let quiet = train(&network(SMALL, 1), &once, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(quiet.validation, trained.validation);
    assert!(quiet.epochs.iter().all(|epoch| epoch.validation.is_none()));

    for (stop_at, epoch) in [(1, 1), (3, 1), (5, 2)] {
        let mut received = 0;
        let mut stop = |_: Progress<'_>| {
            received += 1;
            if received == stop_at {
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
        assert_eq!(received, stop_at);
    }
    // A stop after the last epoch loses nothing.
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
    let options = plan(&splits.train, &splits.val, &recipe(1, 16, 0.1)).eval_options();
    assert!(matches!(
        evaluate(&narrow, &splits.val, &options),
        Err(TrainError::Label { .. })
    ));
    // A network may have more classes than the images.
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

/// Every technique at once, so that the checkpoint has to hold every kind of state.
fn everything(teacher: &std::path::Path) -> Recipe {
    Recipe {
        weight_decay: 1e-4,
        label_smoothing: 0.1,
        warmup_epochs: 0.5,
        head_epochs: 0.5,
        backbone_rate: 0.5,
        augmentation: Augmentation::resized_crop_flip(),
        optimizer: OptimizerKind::Rmsprop {
            decay: 0.9,
            epsilon: 1e-3,
        },
        clip_norm: Some(1.0),
        schedule: Schedule::Exponential {
            epochs: 1.0,
            factor: 0.8,
        },
        dropout: 0.2,
        ema: Some(0.99),
        batch_norm_momentum: Some(0.05),
        color_jitter: 0.2,
        rand_augment: Some(RandAugment {
            operations: 2,
            magnitude: 9,
        }),
        random_erasing: 0.3,
        mixup: Some(0.2),
        cutmix: Some(1.0),
        distillation: Some(Distillation {
            weights: teacher.to_path_buf(),
            architecture: None,
            temperature: 4.0,
            weight: 0.5,
        }),
        progressive_resolution: Some(ProgressiveResolution { from: 0.5, stages: 2 }),
        ..recipe(3, 16, 0.02)
    }
}

#[test]
fn stopped_anywhere_and_resumed_equals_undisturbed_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let splits = images(40, 8);
    let teacher = folder.path().join("teacher.safetensors");
    crate::testing::save(&network(SMALL, 9), SMALL, splits.train.classes(), &teacher);
    for recipe in [
        everything(&teacher),
        Recipe {
            momentum: 0.9,
            ..recipe(3, 16, 0.05)
        },
    ] {
        let unsaved = plan(&splits.train, &splits.val, &recipe);
        let undisturbed = network(SMALL, 1);
        let expected = train(&undisturbed, &unsaved, &mut |_| ControlFlow::Continue(())).unwrap();
        // Three epochs of three steps and an epoch report each.
        for stop_at in [vec![3], vec![4], vec![2, 3, 4]] {
            let path = folder.path().join(format!("{}-{stop_at:?}", recipe.name));
            let saved = TrainPlan {
                checkpoint: Some(CheckpointPlan {
                    path: path.clone(),
                    every: std::time::Duration::from_hours(1),
                    architecture: SMALL.to_owned(),
                    parent: None,
                }),
                ..unsaved.clone()
            };
            let mut last = None;
            for stop_at in stop_at.iter().copied().chain([usize::MAX]) {
                // A new process begins with the initial weights.
                let network = network(SMALL, 1);
                let mut received = 0;
                let outcome = train(&network, &saved, &mut |_| {
                    received += 1;
                    if received == stop_at {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                });
                last = Some((outcome, network));
            }
            let (trained, network) = last.unwrap();
            let trained = trained.unwrap();
            assert!(all_values(&network) == all_values(&undisturbed), "{stop_at:?}");
            assert_eq!(trained.validation, expected.validation);
            for (one, other) in trained.epochs.iter().zip(&expected.epochs) {
                assert_eq!((one.loss, one.validation), (other.loss, other.validation));
            }
            std::fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn every_technique_together_learns() {
    let folder = tempfile::tempdir().unwrap();
    let splits = images(160, 40);
    let teacher_network = network(SMALL, 9);
    run(&teacher_network, &splits, &recipe(6, 16, 0.05)).unwrap();
    let teacher = folder.path().join("teacher.safetensors");
    crate::testing::save(&teacher_network, SMALL, splits.train.classes(), &teacher);
    // Gentle, since there are 10 steps an epoch only.
    let recipe = Recipe {
        learning_rate: 0.02 * 256.0 / 16.0,
        epochs: 12,
        augmentation: Augmentation::crop_flip(),
        schedule: Schedule::Cosine,
        batch_norm_momentum: Some(0.2),
        rand_augment: Some(RandAugment {
            operations: 1,
            magnitude: 4,
        }),
        random_erasing: 0.1,
        cutmix: None,
        // For trained weights only: random ones must all be trained.
        head_epochs: 0.0,
        backbone_rate: 1.0,
        ..everything(&teacher)
    };
    let trained = run(&network(SMALL, 1), &splits, &recipe).unwrap();
    // Guessing has a loss of ln 4 = 1.386.
    assert!(trained.validation.loss < 1.36, "{}", trained.validation.loss);
    assert_eq!(trained.epochs[0].resolution, 8);
    assert_eq!(trained.epochs[11].resolution, 16);
}

#[test]
fn the_averaged_weights_are_evaluated_and_kept() {
    let splits = images(40, 8);
    let recipe = Recipe {
        ema: Some(0.9),
        ..recipe(2, 16, 0.05)
    };
    let plan = plan(&splits.train, &splits.val, &recipe);
    let averaged = network(SMALL, 1);
    let trained = train(&averaged, &plan, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(
        evaluate(&averaged, &splits.val, &plan.eval_options()).unwrap(),
        trained.validation
    );
    let raw = network(SMALL, 1);
    let recipe = Recipe {
        ema: None,
        ..recipe.clone()
    };
    run(&raw, &splits, &recipe).unwrap();
    assert!(all_values(&raw) != all_values(&averaged));
}

#[test]
fn a_checkpoint_that_cannot_be_written_ends_the_training_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), b"").unwrap();
    let splits = images(40, 8);
    let recipe = recipe(1, 16, 0.05);
    let plan = TrainPlan {
        checkpoint: Some(CheckpointPlan {
            path: folder.path().join("file").join("checkpoint"),
            every: std::time::Duration::ZERO,
            architecture: SMALL.to_owned(),
            parent: None,
        }),
        ..plan(&splits.train, &splits.val, &recipe)
    };
    let error = train(&network(SMALL, 1), &plan, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(
        error.to_string().contains("file/checkpoint: cannot be written"),
        "{error}"
    );
}
