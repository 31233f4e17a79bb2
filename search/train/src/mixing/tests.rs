use tch::{Kind, Tensor};

use super::{Mix, mixed_loss, moved_on};
use crate::testing::{noise, recipe, values};
use mnas_engine::training::Recipe;
use mnas_space::random::stream;

#[test]
fn the_next_image_takes_the_rest_of_the_share() {
    let images = noise(3, 4, 1).permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
    let before: Vec<Tensor> = (0..3).map(|at| images.get(at).copy()).collect();
    let (mixed, share) = Mix::Blend { share: 0.7 }.apply(images.copy()).unwrap();
    assert!((share - 0.7).abs() < 1e-12);
    assert!(mixed.permute([0, 2, 3, 1]).is_contiguous());
    for at in 0..3_usize {
        let expected = &before[at] * 0.7 + &before[(at + 2) % 3] * 0.3;
        for (one, other) in values(&mixed.get(at as i64)).iter().zip(values(&expected)) {
            assert!((one - other).abs() < 1e-6);
        }
    }
    let paste = Mix::Paste {
        columns: [0.25, 0.75],
        rows: [0.0, 0.5],
    };
    let (mixed, share) = paste.apply(images.copy()).unwrap();
    assert!((share - 0.75).abs() < 1e-12);
    assert!(mixed.permute([0, 2, 3, 1]).is_contiguous());
    for at in 0..3_usize {
        for (y, x) in (0..4_i64).flat_map(|y| (0..4_i64).map(move |x| (y, x))) {
            let inside = y < 2 && (1..3).contains(&x);
            let from = &before[if inside { (at + 2) % 3 } else { at }];
            let value = |image: &Tensor| image.double_value(&[1, y, x]);
            assert!(
                (value(&mixed.get(at as i64)) - value(from)).abs() < 1e-12,
                "{at} {y} {x}"
            );
        }
    }
    let nothing = Mix::Paste {
        columns: [0.5, 0.5],
        rows: [0.0, 1.0],
    };
    assert!((nothing.apply(images).unwrap().1 - 1.0).abs() < 1e-12);
}

#[test]
fn the_loss_follows_the_labels_of_both_images() {
    let scores = noise(4, 2, 3).view([4, -1]);
    let labels = Tensor::from_slice(&[0_i64, 3, 11, 5]);
    let one_hot = |labels: &Tensor| labels.one_hot(12).to_kind(Kind::Float);
    let targets = one_hot(&labels) * 0.6 + one_hot(&moved_on(&labels).unwrap()) * 0.4;
    let expected = -(targets * scores.log_softmax(1, Kind::Float))
        .sum_dim_intlist([1i64].as_slice(), false, None)
        .mean(None);
    let found = mixed_loss(&scores, &labels, 0.6, 0.0).unwrap();
    assert!((found.double_value(&[]) - expected.double_value(&[])).abs() < 1e-6);
}

#[test]
fn what_is_drawn_is_what_the_recipe_says() {
    let draw = |recipe: &Recipe, index: u64| Mix::draw(recipe, &mut stream(1, "mix", 1, index));
    let plain = recipe(1, 16, 0.1);
    assert_eq!(draw(&plain, 0), None);
    let both = Recipe {
        mixup: Some(0.2),
        cutmix: Some(1.0),
        ..plain
    };
    let blends = (0..400)
        .filter(|&index| matches!(draw(&both, index), Some(Mix::Blend { .. })))
        .count();
    assert!((150..250).contains(&blends), "{blends}");
    assert_eq!(draw(&both, 5), draw(&both, 5));
    let mut shares = 0.0;
    for index in 0..400 {
        let blend = Recipe {
            cutmix: None,
            ..both.clone()
        };
        let Some(Mix::Blend { share }) = draw(&blend, index) else {
            panic!("not a blend")
        };
        assert!((0.0..=1.0).contains(&share));
        shares += share;
        let paste = Recipe {
            mixup: None,
            ..both.clone()
        };
        let Some(Mix::Paste { columns, rows }) = draw(&paste, index) else {
            panic!("not a rectangle")
        };
        for [from, to] in [columns, rows] {
            assert!(0.0 <= from && from <= to && to <= 1.0);
        }
    }
    assert!((shares / 400.0 - 0.5).abs() < 0.08, "{shares}");
}
