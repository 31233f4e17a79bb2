use serde_json::json;
use tch::Tensor;

use super::{CheckpointError, Position, difference, read, write};

fn position() -> Position {
    Position {
        epochs_done: 2,
        steps: 7,
        images: 112,
        loss_sum: 0.1 + 0.2,
        epoch_seconds: 1.5,
        wait_seconds: 0.125,
        seconds: 20.25,
        optimizer_steps: 33,
        reports: Vec::new(),
        validation: None,
    }
}

#[test]
fn a_file_gives_back_every_bit_and_damage_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let identity = json!({"seed": 3, "recipe": {"epochs": 8}});
    let values = [1.0_f32, f32::MIN_POSITIVE, -0.1, 3.0e38];
    let tensor = Tensor::from_slice(&values).view([2, 2]);
    write(&path, &identity, &position(), [("a".to_owned(), &tensor)].into_iter()).unwrap();
    let target = Tensor::zeros([2, 2], tch::kind::FLOAT_CPU);
    let named = |name: &str| [(name.to_owned(), &target)].into_iter();
    assert_eq!(read(&path, &identity, named("a")).unwrap(), position());
    assert_eq!(Vec::<f32>::try_from(target.view([4])).unwrap(), values);

    let problem = |error: CheckpointError| error.to_string();
    assert!(problem(read(&path, &identity, named("b")).unwrap_err()).contains("`b` is missing"));
    assert!(problem(read(&path, &identity, std::iter::empty()).unwrap_err()).contains("`a` is unknown"));
    let other = json!({"seed": 3, "recipe": {"epochs": 9}});
    let error = problem(read(&path, &other, named("a")).unwrap_err());
    assert!(error.contains("recipe.epochs was 8, now it is 9"), "{error}");
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 40, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = problem(read(&path, &identity, named("a")).unwrap_err());
        assert!(error.contains("not a complete checkpoint"), "{error}");
    }
}

#[test]
fn the_first_difference_has_its_path() {
    let was = json!({"a": 1, "b": {"c": [1, 2], "d": null}});
    assert_eq!(difference("", &was, &was), None);
    let is = json!({"a": 1, "b": {"c": [1, 3], "d": null}});
    let (place, one, other) = difference("", &was, &is).unwrap();
    assert_eq!(
        (place.as_str(), one.as_str(), other.as_str()),
        ("b.c", "[1,2]", "[1,3]")
    );
    let more = json!({"a": 1, "b": {"c": [1, 2], "d": 4}});
    let (place, one, other) = difference("", &was, &more).unwrap();
    assert_eq!(
        (place.as_str(), one.as_str(), other.as_str()),
        ("b.d", "not given", "4")
    );
}
