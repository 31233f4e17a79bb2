//! Operations that must succeed on every value that a parser accepts. Each function returns true if the parser accepts the
//! text.

use mnas_space::{Architecture, BlockKey, Cost, Counter, Reference, SearchSpace};

use crate::support::stream;

pub fn architecture_string(text: &str) -> bool {
    let Ok(architecture) = text.parse::<Architecture>() else {
        return false;
    };
    exercise_architecture(&architecture);
    true
}

pub fn architecture_toml(text: &str) -> bool {
    let Ok(architecture) = Architecture::from_toml(text) else {
        return false;
    };
    exercise_architecture(&architecture);
    true
}

pub fn network_json(text: &str) -> bool {
    let Ok(architecture) = Architecture::from_network_json(text, None) else {
        return false;
    };
    exercise_architecture(&architecture);
    let smaller = Architecture::from_network_json(text, Some(32)).unwrap();
    assert_eq!(smaller, architecture.with_resolution(32));
    true
}

pub fn block_key(text: &str) -> bool {
    let Ok(key) = text.parse::<BlockKey>() else {
        return false;
    };
    exercise_key(&key);
    true
}

pub fn space_toml(text: &str) -> bool {
    let Ok(space) = SearchSpace::from_toml(text) else {
        return false;
    };
    assert!(space.size() > 0u32.into());
    let mut rng = stream(text.len() as u64);
    let mut genotype = space.sample(&mut rng);
    for _ in 0..2 {
        let other = space.sample(&mut rng);
        let child = space.crossover(&genotype, &other, &mut rng);
        for genotype in [&other, &child] {
            let architecture = space.express(genotype, 10);
            exercise_architecture(&architecture);
            let found = space
                .encode(&architecture)
                .expect("a space contains what is drawn from it");
            assert_eq!(space.express(&found, 10), architecture);
            assert!(space.contains(&architecture));
        }
        space.mutate_in_place(&mut genotype, &mut rng);
    }
    let keys = space.block_keys(10);
    let architecture = space.express(&genotype, 10);
    for layer in architecture.layers().filter(|layer| !layer.key.is_nothing()) {
        assert!(keys.contains(&layer.key), "{}", layer.key);
    }
    let cheapest = space.cheapest(10, &mut |key| {
        f64::from(key.input.height) + f64::from(key.input.channels)
    });
    assert!(space.contains(&cheapest.architecture));
    true
}

pub fn reference_toml(text: &str) -> bool {
    let Ok(references) = Reference::from_toml(text) else {
        return false;
    };
    for reference in &references {
        let native = reference.native_resolution();
        for (width, resolution) in [(reference.widths()[0], native), (0.35, 33), (8.0, 4096)] {
            if let Ok(architecture) = reference.architecture(width, resolution, 1000) {
                exercise_architecture(&architecture);
            }
        }
    }
    true
}

fn exercise_architecture(architecture: &Architecture) {
    let text = architecture.to_string();
    assert_eq!(&text.parse::<Architecture>().expect(&text), architecture);
    assert_eq!(
        &Architecture::from_toml(&architecture.to_toml()).expect(&text),
        architecture
    );
    let cost = architecture.cost();
    assert_eq!(Counter::default().count(architecture), cost);
    assert_ne!(
        architecture.id(),
        architecture.clone().with_classes(cost.params as u32 | 1 << 30).id()
    );
    let mut shape = architecture.input();
    for layer in architecture.layers() {
        assert_eq!(layer.key.input, shape);
        shape = layer.output;
    }
    let (first, last) = (architecture.layers().next(), architecture.layers().last());
    first.iter().chain(&last).for_each(|layer| exercise_key(&layer.key));
}

fn exercise_key(key: &BlockKey) {
    let text = key.to_string();
    assert_eq!(&text.parse::<BlockKey>().expect(&text), key);
    let graph = key.graph();
    let trained: usize = graph
        .parameters()
        .filter(|one| one.kind.is_trained())
        .map(|one| one.elements())
        .sum();
    assert_eq!(trained as u64, Cost::of(&graph).params);
}
