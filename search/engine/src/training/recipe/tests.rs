use super::{EMBEDDED, OptimizerKind, ProgressiveResolution, Recipe, RecipeError, Schedule};

#[test]
fn embedded_recipes_are_sound() {
    for (name, _) in EMBEDDED {
        let recipe = Recipe::embedded(name).unwrap();
        assert_eq!(recipe.name, name);
        // A written recipe is read back unchanged.
        let text = recipe.to_toml();
        assert_eq!(Recipe::from_toml(&text).unwrap(), recipe, "{text}");
        let json = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
    }
    let error = Recipe::embedded("nope").unwrap_err().to_string();
    assert!(error.contains("demo, quick, small-images"), "{error}");
}

fn plain(lines: &str) -> String {
    format!(
        "name = \"mine\"\nepochs = 10\nbatch-size = 64\nlearning-rate = 0.1\nmomentum = 0.9\nweight-decay = 4e-5\n\
         warmup-epochs = 1\nlabel-smoothing = 0.1\naugmentation = \"none\"\n{lines}"
    )
}

#[test]
fn unknown_keys_and_numbers_out_of_range_are_named_with_their_line() {
    let refused = |lines: &str| match Recipe::from_toml(&plain(lines)).unwrap_err() {
        RecipeError::Document(place) => (place.line, place.problem),
        other => panic!("{other}"),
    };
    assert_eq!(refused("epoch = 3").0, 10);
    for (lines, line, words) in [
        ("\ndropout = 1.5", 11, "dropout = 1.5; expected 0 to 0.95"),
        ("ema = 1.0", 10, "0.9999 is usual"),
        ("head-epochs = 10.5", 10, "0 to the number of epochs"),
        ("backbone-rate = 0.0", 10, "above 0 and up to 1"),
        ("clip-norm = 0.0", 10, "leave it out"),
        ("clip-norm = nan", 10, "clip-norm = NaN"),
        ("[optimizer.rmsprop]\ndecay = 1.0", 11, "optimizer.rmsprop.decay = 1"),
        ("optimizer = { adamw = { epsilon = -1.0 } }", 10, "above 0"),
        (
            "schedule = { step = { epochs = 0.0, factor = 0.1 } }",
            10,
            "schedule.step.epochs",
        ),
        ("[distillation]\nweights = \"w\"\ntemperature = 0", 12, "0.01 to 1000"),
        (
            "rand-augment = { operations = 99, magnitude = 9 }",
            9,
            "operations is 99",
        ),
        ("random-erasing = 2.0", 9, "random-erasing is 2"),
        ("mixup = 0.0", 10, "leave it out"),
        (
            "progressive-resolution = { from = 0.0 }",
            10,
            "progressive-resolution.from",
        ),
    ] {
        let (found, problem) = refused(lines);
        assert_eq!(found, line, "{lines}: {problem}");
        assert!(problem.contains(words), "{lines}: {problem}");
    }
    let (_, problem) = refused("schedule = { step = { epoch = 3, factor = 0.1 } }");
    assert!(problem.contains("epoch, available keys: epochs, factor"), "{problem}");
    assert!(refused("optimizer = \"lion\"").1.contains("rmsprop"));
}

#[test]
fn a_recipe_that_is_not_read_from_text_is_checked_too() {
    let recipe = Recipe {
        momentum: 1.5,
        ..Recipe::embedded("demo").unwrap()
    };
    assert!(recipe.check().unwrap_err().to_string().contains("momentum = 1.5"));
}

#[test]
fn the_rate_rises_to_its_peak_and_falls_to_zero() {
    let recipe = Recipe {
        epochs: 10,
        warmup_epochs: 1.0,
        ..Recipe::embedded("demo").unwrap()
    };
    let schedule = recipe.learning_rates(100);
    let rates: Vec<f64> = (0..1000).map(|step| schedule.at(step)).collect();
    assert!(rates[..100].is_sorted() && rates[100..].is_sorted_by(|one, other| one >= other));
    assert!((rates[100] - schedule.peak()).abs() < 1e-12);
    assert!(rates[999] < 1e-4 * schedule.peak());
}

#[test]
fn the_classifier_is_trained_alone_for_at_most_half_of_other_epochs() {
    let mut recipe = Recipe::from_toml(&plain("head-epochs = 1.5\nbackbone-rate = 0.1")).unwrap();
    assert_eq!((recipe.head_steps(10), recipe.head_steps(3)), (15, 5));
    recipe.set_epochs(2);
    assert!((recipe.head_epochs - 1.0).abs() < 1e-12 && recipe.check().is_ok());
    let plain = Recipe::from_toml(&plain("")).unwrap();
    assert_eq!((plain.head_steps(10), plain.backbone_rate), (0, 1.0));
    // Studies that were saved before these keys are written as they were.
    let text = plain.to_toml();
    assert!(
        !text.contains("head-epochs") && !text.contains("backbone-rate"),
        "{text}"
    );
}

#[test]
fn other_schedules_fall_as_they_say() {
    let recipe = |schedule, warmup_epochs| Recipe {
        epochs: 10,
        warmup_epochs,
        learning_rate: 1.0,
        batch_size: 256,
        schedule,
        ..Recipe::embedded("demo").unwrap()
    };
    let step = recipe(
        Schedule::Step {
            epochs: 2.5,
            factor: 0.1,
        },
        0.0,
    )
    .learning_rates(10);
    for (at, rate) in [(0, 1.0), (24, 1.0), (25, 0.1), (49, 0.1), (50, 0.01), (99, 0.001)] {
        assert!((step.at(at) - rate).abs() < 1e-12, "{at}: {}", step.at(at));
    }
    let exponential = recipe(
        Schedule::Exponential {
            epochs: 2.0,
            factor: 0.25,
        },
        1.0,
    )
    .learning_rates(10);
    for (at, rate) in [(10, 1.0), (20, 0.5), (30, 0.25), (50, 0.0625)] {
        assert!(
            (exponential.at(at) - rate).abs() < 1e-12,
            "{at}: {}",
            exponential.at(at)
        );
    }
    assert!(exponential.at(0) < 0.1 && exponential.at(9) < 1.0);
    let constant = recipe(Schedule::Constant, 0.0).learning_rates(10);
    assert!((0..100).all(|at| (constant.at(at) - 1.0).abs() < 1e-12));
}

#[test]
fn the_resolution_rises_in_stages_to_the_networks_own() {
    let progressive = ProgressiveResolution { from: 0.5, stages: 3 };
    let sides: Vec<u32> = (1..=9).map(|epoch| progressive.at(epoch, 9, 224)).collect();
    assert_eq!(sides, [112, 112, 112, 168, 168, 168, 224, 224, 224]);
    assert_eq!(progressive.at(1, 1, 224), 112);
    assert_eq!(progressive.at(1, 9, 8), 8);
    let one = ProgressiveResolution { from: 0.5, stages: 1 };
    assert_eq!(one.at(1, 9, 225), 225);
}

#[test]
fn what_is_left_out_has_the_usual_values() {
    let recipe = Recipe::from_toml(&plain(
        "optimizer = { rmsprop = {} }\nprogressive-resolution = { from = 0.5 }",
    ))
    .unwrap();
    assert_eq!(
        recipe.optimizer,
        OptimizerKind::Rmsprop {
            decay: 0.9,
            epsilon: 1e-3
        }
    );
    assert_eq!(recipe.progressive_resolution.unwrap().stages, 4);
    assert!(recipe.decay_depthwise && recipe.ema.is_none() && recipe.mixup.is_none());
    assert_eq!(recipe.schedule, Schedule::Cosine);
}
