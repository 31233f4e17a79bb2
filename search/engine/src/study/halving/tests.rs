use super::*;

#[test]
fn rungs_are_divided_from_the_longest_training_down() {
    let rungs = |factor, min_epochs, epochs| Halving { factor, min_epochs }.rungs(epochs);
    assert_eq!(rungs(3, 1, 9), [1, 3, 9]);
    assert_eq!(rungs(3, 1, 10), [1, 3, 10]);
    assert_eq!(rungs(3, 2, 9), [3, 9]);
    assert_eq!(rungs(2, 1, 5), [1, 2, 5]);
    assert_eq!(rungs(4, 1, 3), [3]);
}

#[test]
fn promotions_are_expected_of_every_rung() {
    let ladder = Ladder {
        rungs: vec![Fidelity::Epochs(1), Fidelity::Epochs(3), Fidelity::Full],
        factor: 3,
    };
    // 27 candidates make 9, then 3; two references make the way up each.
    assert_eq!(ladder.expected(27, 2), 9 + 3 + 2 * 2);
}
