//! Fit of compound scaling (`EfficientNet`, arXiv:1905.11946, equation 3 and section 3.3).

use mnas_space::{Architecture, Compound, Cost, Multipliers, ScalingRule};

use super::accuracy::Accuracy;
use super::error::ScalingError;

/// Settings of [`fit_compound`].
#[derive(Debug, Clone, PartialEq)]
pub struct CompoundOptions {
    /// Compound coefficients at which candidates are compared, above 0.
    pub coefficients: Vec<f64>,
    /// Coefficients of the family that is returned.
    pub family: Vec<f64>,
    /// Step of depth and width; resolution follows from the constraint.
    pub step: f64,
}

impl Default for CompoundOptions {
    fn default() -> Self {
        Self {
            coefficients: vec![1.0, 2.0, 3.0],
            family: (0..=5).map(f64::from).collect(),
            step: 0.05,
        }
    }
}

/// Bases of compound scaling with their gain of accuracy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompoundCandidate {
    /// Bases of depth, width and resolution: alpha, beta and gamma.
    pub compound: Compound,
    /// Points gained per doubling of exactly counted multiply-adds, the mean over the compared coefficients.
    ///
    /// Rounding of channels and depths makes networks larger than the bases imply; dividing by the counted growth removes the
    /// advantage that this would give.
    pub gain_per_doubling: f64,
}

/// Member of a scaled family.
#[derive(Debug, Clone, PartialEq)]
pub struct CompoundStep {
    /// Name, such as `b2`, or the compound coefficient.
    pub name: String,
    /// Factors.
    pub multipliers: Multipliers,
    /// Network.
    pub architecture: Architecture,
    /// Costs.
    pub cost: Cost,
    /// Accuracy in percent, or the reason why there is none.
    pub accuracy: Result<f64, String>,
}

/// Fitted bases beside the published ones.
#[derive(Debug, Clone, PartialEq)]
pub struct CompoundFit {
    /// Best bases.
    pub best: CompoundCandidate,
    /// All candidates with an accuracy at every compared coefficient, the best first.
    pub candidates: Vec<CompoundCandidate>,
    /// Family of the best bases.
    pub family: Vec<CompoundStep>,
    /// Published bases 1.2, 1.1 and 1.15, for the same network; `None` if a compared network has no accuracy.
    pub published: Option<CompoundCandidate>,
    /// Network scaled by the published factors of B0 to B7; impossible steps are left out.
    pub published_family: Vec<CompoundStep>,
}

/// Largest base of depth and width.
const MOST: f64 = 2.0;

/// Finds the bases with the largest gain of accuracy among those with `alpha * beta² * gamma² = 2`, each at least 1.
///
/// Depth and width are multiples of a step and resolution follows from the constraint. `rule` defines the scaling of stem,
/// head and outer stages.
pub fn fit_compound(
    base: &Architecture,
    rule: &ScalingRule,
    options: &CompoundOptions,
    accuracy: &mut Accuracy<'_>,
) -> Result<CompoundFit, ScalingError> {
    let one = Multipliers {
        width: 1.0,
        depth: 1.0,
        resolution: 1.0,
    };
    let deeper = rule.scale(base, Multipliers { depth: MOST, ..one })?;
    if deeper.blocks.len() == base.blocks.len() {
        return Err(ScalingError::NoDepth);
    }
    let start = accuracy(base).map_err(|reason| ScalingError::NoAccuracy { networks: 1, reason })?;
    let start = (start, base.cost().macs as f64);
    let (mut candidates, mut reason, mut tried) = (Vec::new(), None, 0);
    for compound in bases(options.step) {
        tried += 1;
        match gain(base, rule, compound, options, start, accuracy) {
            Ok(gain_per_doubling) => candidates.push(CompoundCandidate {
                compound,
                gain_per_doubling,
            }),
            Err(error) => reason = Some(error),
        }
    }
    candidates.sort_by(|one, other| other.gain_per_doubling.total_cmp(&one.gain_per_doubling));
    let best = *candidates.first().ok_or_else(|| ScalingError::NoAccuracy {
        networks: tried,
        reason: reason.unwrap_or_else(|| format!("no bases with a step of {}", options.step)),
    })?;
    let published_rule = ScalingRule::named("efficientnet")?;
    let published = published_rule.compound.and_then(|compound| {
        let gain_per_doubling = gain(base, rule, compound, options, start, accuracy).ok()?;
        Some(CompoundCandidate {
            compound,
            gain_per_doubling,
        })
    });
    let named = options
        .family
        .iter()
        .map(|phi| (format!("{phi}"), multipliers(best.compound, *phi)));
    let family = steps(base, rule, named, accuracy);
    let named = published_rule
        .steps
        .iter()
        .map(|step| (step.name.clone(), step.multipliers));
    let published_family = steps(base, rule, named, accuracy);
    Ok(CompoundFit {
        best,
        candidates,
        family,
        published,
        published_family,
    })
}

/// Bases of depth and width in steps from 1, with the resolution that the constraint gives, if that is at least 1.
fn bases(step: f64) -> Vec<Compound> {
    let step = step.max(0.005);
    let steps = ((MOST - 1.0) / step + 1e-9) as u32;
    let values: Vec<f64> = (0..=steps).map(|index| 1.0 + step * f64::from(index)).collect();
    let pairs = values
        .iter()
        .flat_map(|depth| values.iter().map(move |width| (*depth, *width)));
    let compound = pairs.map(|(depth, width)| Compound {
        depth,
        width,
        resolution: (2.0 / (depth * width * width)).sqrt(),
    });
    compound.filter(|compound| compound.resolution >= 1.0 - 1e-9).collect()
}

fn multipliers(compound: Compound, phi: f64) -> Multipliers {
    Multipliers {
        width: compound.width.powf(phi),
        depth: compound.depth.powf(phi),
        resolution: compound.resolution.powf(phi),
    }
}

/// Points gained per doubling of multiply-adds; the reason where a network is impossible or has no accuracy.
fn gain(
    base: &Architecture,
    rule: &ScalingRule,
    compound: Compound,
    options: &CompoundOptions,
    (start, start_macs): (f64, f64),
    accuracy: &mut Accuracy<'_>,
) -> Result<f64, String> {
    let mut sum = 0.0;
    for phi in &options.coefficients {
        let scaled = rule
            .scale(base, multipliers(compound, *phi))
            .map_err(|error| error.to_string())?;
        let doublings = (scaled.cost().macs as f64 / start_macs).log2();
        if doublings <= 0.0 {
            return Err(format!(
                "a compound coefficient of {phi} does not make the network larger"
            ));
        }
        sum += (accuracy(&scaled)? - start) / doublings;
    }
    Ok(sum / options.coefficients.len().max(1) as f64)
}

fn steps(
    base: &Architecture,
    rule: &ScalingRule,
    named: impl Iterator<Item = (String, Multipliers)>,
    accuracy: &mut Accuracy<'_>,
) -> Vec<CompoundStep> {
    let step = |(name, multipliers): (String, Multipliers)| {
        let architecture = rule.scale(base, multipliers).ok()?;
        Some(CompoundStep {
            name,
            multipliers,
            cost: architecture.cost(),
            accuracy: accuracy(&architecture),
            architecture,
        })
    };
    named.filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use mnas_space::Reference;

    use super::*;
    use crate::imagenet::Predictor;

    fn b0() -> Architecture {
        Reference::named("efficientnet-b0")
            .unwrap()
            .architecture(1.0, 224, 1000)
            .unwrap()
    }

    fn rule() -> ScalingRule {
        ScalingRule::named("efficientnet").unwrap()
    }

    #[test]
    fn every_base_keeps_the_constraint() {
        let bases = bases(0.05);
        assert!(bases.len() > 40);
        for compound in bases {
            let Compound {
                depth,
                width,
                resolution,
            } = compound;
            assert!((depth * width.powi(2) * resolution.powi(2) - 2.0).abs() < 1e-9);
            assert!(depth >= 1.0 && width >= 1.0 && resolution >= 1.0 - 1e-9);
        }
    }

    #[test]
    fn a_planted_optimum_is_found() {
        // Only resolution matters: its base is the largest possible, the others are 1.
        let mut by_resolution = |network: &Architecture| Ok(f64::from(network.resolution));
        let fit = fit_compound(&b0(), &rule(), &CompoundOptions::default(), &mut by_resolution).unwrap();
        assert_eq!((fit.best.compound.depth, fit.best.compound.width), (1.0, 1.0));
        assert!(fit.published.unwrap().gain_per_doubling < fit.best.gain_per_doubling);
    }

    #[test]
    fn the_predicted_fit_has_the_published_networks_beside_it() {
        let mut predict = |network: &Architecture| {
            let predicted = Predictor::embedded().predict(network);
            predicted
                .map(|predicted| predicted.top1)
                .map_err(|error| error.to_string())
        };
        let fit = fit_compound(&b0(), &rule(), &CompoundOptions::default(), &mut predict).unwrap();
        let names: Vec<&str> = fit.published_family.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"]);
        assert_eq!(fit.family[0].architecture, b0());
        assert!(fit.best.gain_per_doubling >= fit.published.unwrap().gain_per_doubling);
        let accuracies: Vec<f64> = fit
            .family
            .iter()
            .filter_map(|step| step.accuracy.clone().ok())
            .collect();
        assert!(accuracies.len() >= 4 && accuracies.is_sorted(), "{:?}", fit.family);
    }

    #[test]
    fn networks_without_depth_or_accuracy_are_refused() {
        let plain: Architecture = "in224,conv_k3_s2_c16_nre,conv_k3_s2_c32_nre,head_o1000"
            .parse()
            .unwrap();
        let mut accuracy = |_: &Architecture| Ok(1.0);
        let options = CompoundOptions::default();
        assert_eq!(
            fit_compound(&plain, &rule(), &options, &mut accuracy),
            Err(ScalingError::NoDepth)
        );
        let mut none = |_: &Architecture| Err("out of range".to_owned());
        let error = fit_compound(&b0(), &rule(), &options, &mut none).unwrap_err();
        assert!(error.to_string().contains("out of range"), "{error}");
    }
}
