//! Tests of bounds: documents beyond the limits are rejected without much memory, and encoding takes bounded time in every
//! space.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use mnas_space::{Architecture, DocumentError, Reference, SearchSpace};

/// Returns the error of reading a text, after checking that reading took less than 256 MiB.
fn refused<T>(text: &str, read: fn(&str) -> Result<T, DocumentError>) -> String {
    let mut error = None;
    let memory = allocation_counter::measure(|| error = read(text).err());
    assert!(memory.bytes_max < 256 << 20, "{} bytes", memory.bytes_max);
    error.expect("refused").to_string()
}

fn family(name: &str, rest: &str) -> String {
    format!("[[family]]\nname = \"{name}\"\n{rest}\n")
}

fn numbers(from: u32, to: u32) -> String {
    let numbers: Vec<String> = (from..=to).map(|number| number.to_string()).collect();
    format!("[{}]", numbers.join(", "))
}

#[test]
fn long_documents_are_refused() {
    let text = "# all work and no play\n".repeat(100_000);
    assert!(refused(&text, SearchSpace::from_toml).contains("at most 1048576"));
    assert!(refused(&text, Architecture::from_toml).contains("at most 1048576"));
    assert!(refused(&text, Reference::from_toml).contains("at most 1048576"));
    let json = |text: &str| Architecture::from_network_json(text, None);
    assert!(refused(&text, json).contains("at most 1048576"));
}

#[test]
fn the_sum_of_repeats_is_bounded() {
    let blocks = "\"id_r512_c8\", ".repeat(20_000);
    let text = format!("resolution = 32\nblocks = [{blocks}]\nhead = \"head_o10\"\n");
    assert!(refused(&text, Architecture::from_toml).contains("more than 512 blocks"));
}

#[test]
fn widths_and_resolutions_of_a_reference_are_checked() {
    let widths: Vec<String> = (0..4_000)
        .map(|index| format!("{}", 0.5 + f64::from(index) / 4_000.0))
        .collect();
    let stage = "resolution = 32\nstage = [{ block = \"conv\", kernel = 3, channels = 8, activation = \"relu\" }]";
    let points = |resolutions: &str| {
        format!(
            "name = \"x\"\nreference = [{{ name = \"mobilenet-v1\", width = [{}], resolution = {resolutions} }}]\n{}",
            widths.join(", "),
            family("a", stage)
        )
    };
    let space = SearchSpace::from_toml(&points(&numbers(32, 4_000))).unwrap();
    assert_eq!(space.references[0].widths.len(), 4_000);
    assert!(refused(&points(&numbers(32, 4_097)), SearchSpace::from_toml).contains("resolution 4097"));
    assert!(refused(&points("[32, 5000]"), SearchSpace::from_toml).contains("resolution 5000"));
}

#[test]
fn choices_and_layers_are_bounded_over_the_whole_space() {
    let wide = "{ block = \"ir\", kernel = [3, 5, 7, 9, 11, 13, 15, 17], expansion = [1, 2, 3, 4, 5, 6, 7, 8], squeeze-excite = [0, 0.25], \
                channels = 8, activation = [\"relu\", \"relu6\", \"swish\", \"gelu\"], depth = 2 },\n";
    let space = |families: &[String]| format!("name = \"x\"\n{}", families.concat());
    let stages = |count: usize| format!("stage = [\n{}]\n", wide.repeat(count));

    // 129 stages of 512 choices.
    let many_choices = space(&[family("a", &format!("resolution = 32\n{}", stages(129)))]);
    assert!(refused(&many_choices, SearchSpace::from_toml).contains("65536 choices"));
    // A thousand blocks per stage; each family alone would be accepted.
    let families: Vec<String> = (0..30)
        .map(|index| family(&index.to_string(), &format!("resolution = 32\n{}", stages(60))))
        .collect();
    assert!(refused(&space(&families), SearchSpace::from_toml).contains("different layers; expected"));
    let many_sizes = space(&[family(
        "a",
        &format!("resolution = {}\n{}", numbers(32, 600), stages(60)),
    )]);
    assert!(refused(&many_sizes, SearchSpace::from_toml).contains("at all resolutions"));
    let few = space(&[family(
        "a",
        &format!("resolution = {}\n{}", numbers(32, 64), stages(20)),
    )]);
    assert!(SearchSpace::from_toml(&few).is_ok());
}

#[test]
fn references_beyond_the_bounds_of_notation_are_refused() {
    let text = "title = \"x\"\npaper = \"x\"\n[family]\nname = \"x\"\nresolution = 32\nwidth = 4.0\n\
                hidden = { features = 4096, activation = \"relu\", scaling = \"always\" }\n\
                stage = [{ block = \"conv\", kernel = 3, channels = 8, activation = \"relu\" }]\n\
                [[variant]]\nname = \"x\"\ntitle = \"x\"\nwidth = 8.0\nresolution = 32\n";
    assert!(refused(text, Reference::from_toml).contains("131072 hidden features"));
    let fits = text.replace("width = 8.0", "width = 1.0");
    let reference = &Reference::from_toml(&fits).unwrap()[0];
    assert!(reference.architecture(4.0, 32, 10).is_ok());
    let mut many = fits.clone();
    for _ in 0..64 {
        let _ = write!(many, "[[variant]]\nname = \"x\"\ntitle = \"x\"\nresolution = 32\n");
    }
    assert!(refused(&many, Reference::from_toml).contains("more than 64 variants"));
}

/// The blocks of a network can be divided among forty similar stages in too many ways to try them all.
#[test]
fn encoding_takes_bounded_time_with_similar_stages() {
    for choose in ["layer", "stage"] {
        let stage = format!(
            "{{ block = \"ir\", kernel = [3, 5], expansion = 2, channels = [16, 16], depth = [1, 3], choose = \"{choose}\", \
             activation = \"relu\" }},\n"
        );
        let stages = format!("resolution = 32\nstage = [\n{}]\n", stage.repeat(40));
        let space = SearchSpace::from_toml(&format!("name = \"x\"\n{}", family("a", &stages))).unwrap();
        let network =
            |layers: u32| -> Architecture { format!("in32,ir_r{layers}_k3_e2_c16_nre,head_o10").parse().unwrap() };
        for layers in 38..=122 {
            let architecture = network(layers);
            // Forty blocks, and two more for every stage of depth 3.
            let is_member = (40..=120).contains(&layers) && layers % 2 == 0;
            assert_eq!(
                space.contains(&architecture),
                is_member,
                "{layers} layers, chosen by {choose}"
            );
            let found = space.encode(&architecture);
            assert_eq!(
                found.map(|genotype| space.express(&genotype, 10) == architecture),
                is_member.then_some(true)
            );
        }
    }
}
