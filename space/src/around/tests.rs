use super::{resolutions, space_around};
use crate::random::stream;
use crate::{Architecture, Reference, SearchSpace};

fn around(parent: &Architecture) -> SearchSpace {
    let text = space_around(parent, "around");
    SearchSpace::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Every reference at its published widths is in the space around it, and no member is larger.
#[test]
fn the_parent_is_the_largest_member() {
    for reference in Reference::all() {
        for &width in reference.widths() {
            let parent = reference
                .architecture(width, reference.native_resolution(), 10)
                .unwrap();
            let space = around(&parent);
            let name = reference.name();
            let genotype = space.encode(&parent).unwrap_or_else(|| panic!("{name} {width}"));
            assert_eq!(space.express(&genotype, 10).id(), parent.id(), "{name} {width}");
            assert!(space.contains(&parent), "{name} {width}");
            let largest = parent.cost();
            let mut rng = stream(1, name, 0, 0);
            for _ in 0..20 {
                let member = space.express(&space.sample(&mut rng), 10);
                let cost = member.cost();
                assert!(
                    cost.params <= largest.params && cost.macs <= largest.macs,
                    "{name}: {member}"
                );
            }
        }
    }
}

#[test]
fn smaller_channels_are_multiples_of_eight() {
    let parent = Reference::named("mobilenet-v2")
        .unwrap()
        .architecture(1.0, 224, 10)
        .unwrap();
    let space = around(&parent);
    for stage in &space.families[0].stages {
        let (own, fewer) = stage.channels.split_last().unwrap();
        assert!(
            fewer.iter().all(|channels| channels % 8 == 0 && channels < own),
            "{:?}",
            stage.channels
        );
    }
    assert!(space.size().to_string().len() > 10);
}

#[test]
fn networks_of_every_block_type_are_in_their_space() {
    let everything = SearchSpace::from_toml(include_str!("../../../tests/spaces/everything.toml")).unwrap();
    for index in 0..200 {
        let mut rng = stream(3, "around", index, 0);
        let parent = everything.express(&everything.sample(&mut rng), 7);
        assert!(around(&parent).contains(&parent), "{parent}");
    }
}

#[test]
fn sides_reach_from_half_to_the_parents_own() {
    assert_eq!(resolutions(224), [128, 160, 192, 224]);
    assert_eq!(resolutions(128), [64, 80, 96, 112, 128]);
    assert_eq!(resolutions(32), [16, 24, 32]);
    assert_eq!(resolutions(97), [48, 64, 80, 96, 97]);
    assert_eq!(resolutions(3), [3]);
}
