//! Networks as codes at sites that all families of a space share.

use std::collections::BTreeMap;

use mnas_space::{BlockChoice, Family, Genotype, SearchSpace, Stage};

use super::alphabet::{self, Alphabet, Value};

/// A network as one code per site.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Encoding {
    pub(super) codes: Box<[u16]>,
    /// Number of layers present, without classifier.
    pub layers: u16,
}

/// Position at which networks are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Site {
    Resolution,
    Width,
    Family,
    /// Output channels of a stage.
    Channels(Place),
    /// A layer of a stage, by its number among the layers that compute something.
    Layer(Place, u32),
}

/// A stage by the size of its feature map, as the number of halvings of the image, and its number at that size. Stages of
/// different families with equal size and number share a place.
type Place = (u32, u32);

/// Writes networks of a space as codes.
///
/// Layers that compute nothing are left out and the layers after them in their stage move up, so that networks which differ
/// in the position of an identity only have one encoding. In a stage that chooses once for all of its layers, the first
/// layer holds the choice and the others their presence.
#[derive(Debug)]
pub struct Encoder {
    sites: usize,
    plans: Vec<Plan>,
    absent: u16,
    repeated: u16,
    codes: usize,
    differences: Vec<(&'static str, Vec<f64>)>,
}

/// Sites and codes of a family.
#[derive(Debug)]
struct Plan {
    family: (usize, u16),
    resolution: (usize, Vec<u16>),
    width: (usize, Vec<u16>),
    stages: Vec<StagePlan>,
}

/// Sites and codes of a stage.
#[derive(Debug)]
struct StagePlan {
    /// Position of the channels gene; depth and blocks follow.
    genes: usize,
    channels: Option<(usize, Vec<u16>)>,
    depth: Vec<u32>,
    per_layer: bool,
    choices: Vec<u16>,
    layers: Vec<usize>,
    /// True if the first layer keeps the shape of its input, so that an identity there computes nothing.
    keeps_shape: bool,
}

impl Encoder {
    /// The encoder of a space.
    pub fn new(space: &SearchSpace) -> Self {
        let mut alphabet = Alphabet::default();
        let absent = alphabet.code(alphabet::absent());
        let repeated = alphabet.code(alphabet::repeated());
        let sites = sites(space);
        let plans = space
            .families
            .iter()
            .map(|family| Plan::new(family, &sites, &mut alphabet));
        Self {
            plans: plans.collect(),
            sites: sites.len(),
            absent,
            repeated,
            codes: alphabet.len(),
            differences: alphabet.differences(),
        }
    }

    /// Number of codes.
    pub(super) fn codes(&self) -> usize {
        self.codes
    }

    /// Kinds of choice with the differences between codes by rows, 0 to 1.
    pub(super) fn differences(&self) -> &[(&'static str, Vec<f64>)] {
        &self.differences
    }

    /// Names of the kinds of choice in which networks of the space differ.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.differences.iter().map(|(kind, _)| *kind)
    }

    /// The codes of a genotype of the space.
    pub fn encode(&self, genotype: &Genotype) -> Encoding {
        let plan = &self.plans[genotype.family];
        let genes = &genotype.genes;
        let mut codes = vec![self.absent; self.sites].into_boxed_slice();
        codes[plan.family.0] = plan.family.1;
        codes[plan.resolution.0] = plan.resolution.1[usize::from(genes[0])];
        codes[plan.width.0] = plan.width.1[usize::from(genes[1])];
        let mut layers = 0;
        for stage in &plan.stages {
            if let Some((site, channels)) = &stage.channels {
                codes[*site] = channels[usize::from(genes[stage.genes])];
            }
            let depth = stage.depth[usize::from(genes[stage.genes + 1])] as usize;
            let blocks = &genes[stage.genes + 2..];
            let mut slots = stage.layers.iter();
            for layer in 0..depth {
                let choice = stage.choices[usize::from(blocks[if stage.per_layer { layer } else { 0 }])];
                let is_nothing = choice == self.absent && (layer > 0 || stage.keeps_shape);
                if is_nothing {
                    continue;
                }
                if let Some(slot) = slots.next() {
                    codes[*slot] = if stage.per_layer || layer == 0 {
                        choice
                    } else {
                        self.repeated
                    };
                }
                layers += u16::from(choice != self.absent);
            }
        }
        Encoding { codes, layers }
    }
}

/// Places of a family's stages.
fn places(family: &Family) -> impl Iterator<Item = (Place, &Stage)> {
    let (mut halvings, mut order) = (0, 0);
    family.stages.iter().map(move |stage| {
        let step = stage.stride.max(1).ilog2();
        (halvings, order) = if step > 0 {
            (halvings + step, 0)
        } else {
            (halvings, order + 1)
        };
        ((halvings, order), stage)
    })
}

/// Indices of all sites of a space.
fn sites(space: &SearchSpace) -> BTreeMap<Site, usize> {
    let mut found: BTreeMap<Site, usize> = [Site::Resolution, Site::Width, Site::Family]
        .map(|site| (site, 0))
        .into();
    for (place, stage) in space.families.iter().flat_map(places) {
        if stage.channels.len() > 1 {
            found.insert(Site::Channels(place), 0);
        }
        let depth = stage.depth.iter().max().copied().unwrap_or(1);
        found.extend((0..depth).map(|layer| (Site::Layer(place, layer), 0)));
    }
    for (index, at) in found.values_mut().enumerate() {
        *at = index;
    }
    found
}

impl Plan {
    fn new(family: &Family, sites: &BTreeMap<Site, usize>, alphabet: &mut Alphabet) -> Self {
        let mut single = |kind, value| alphabet.code(alphabet::single(kind, value));
        let name = single("family", Value::Name(family.name.clone()));
        let sides = family.resolutions.iter();
        let sides = sides.map(|&side| single("resolution", Value::Number(f64::from(side))));
        let sides: Vec<u16> = sides.collect();
        let widths = family.widths.iter();
        let widths = widths.map(|&width| single("width", Value::Number(width * family.base_width)));
        let widths: Vec<u16> = widths.collect();
        let mut genes = 2;
        let mut former: Option<&Stage> = None;
        let mut stages = Vec::new();
        for (place, stage) in places(family) {
            let same_width = |former: &Stage| former.channels == stage.channels && stage.channels.len() == 1;
            let keeps_shape = stage.stride == 1 && former.is_some_and(same_width);
            let plan = StagePlan::new(stage, place, genes, keeps_shape, sites, alphabet);
            genes += 2 + if stage.per_layer { plan.layers.len() } else { 1 };
            stages.push(plan);
            former = Some(stage);
        }
        Self {
            family: (sites[&Site::Family], name),
            resolution: (sites[&Site::Resolution], sides),
            width: (sites[&Site::Width], widths),
            stages,
        }
    }
}

impl StagePlan {
    fn new(
        stage: &Stage,
        place: Place,
        genes: usize,
        keeps_shape: bool,
        sites: &BTreeMap<Site, usize>,
        alphabet: &mut Alphabet,
    ) -> Self {
        let channels = sites.get(&Site::Channels(place)).map(|&site| {
            let code =
                |&channels: &u32| alphabet.code(alphabet::single("channels", Value::Number(f64::from(channels))));
            (site, stage.channels.iter().map(code).collect())
        });
        let depth = stage.depth.iter().max().copied().unwrap_or(1);
        let code = |choice: &BlockChoice| alphabet.code(alphabet::layer(choice));
        Self {
            genes,
            channels,
            depth: stage.depth.clone(),
            per_layer: stage.per_layer,
            choices: stage.choices.iter().map(code).collect(),
            layers: (0..depth).map(|layer| sites[&Site::Layer(place, layer)]).collect(),
            keeps_shape,
        }
    }
}
