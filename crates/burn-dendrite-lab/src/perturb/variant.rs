//! What is different in the specification of a training, where no perturbation of its parts can say it.

use burn_dendrite_nn::{
    InitializerSpec, Plan, ProjectionId, WeightSource,
    geometry::Geometry,
    init::{Constant, Distribution, InitSite},
    spec::WeightSpec,
};
use burn_dendrite_optim::phase::Plateau;
use burn_dendrite_train::ExperimentSpec;

/// A specification beside the one that is perturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The specification itself.
    #[default]
    AsSpecified,
    /// Plateaus are the state of the dendrite under the nudge, not what the nudge changes in it.
    StatePlateau,
    /// Inhibition that is derived from excitation starts balanced, and stays what it is.
    FixedBalance,
}

impl Variant {
    /// What it is, in some words.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsSpecified => "as specified",
            Self::StatePlateau => "plateau is the state, not its change",
            Self::FixedBalance => "balance fixed at the start",
        }
    }

    /// The variants of a specification that differ from it.
    pub fn of(spec: &ExperimentSpec, plan: &Plan) -> Vec<Self> {
        let all = [Self::StatePlateau, Self::FixedBalance].into_iter();
        all.filter(|variant| variant.apply(spec, plan) != *spec)
            .collect()
    }

    /// The specification with the difference; itself where it has nothing of the kind.
    pub fn apply(self, spec: &ExperimentSpec, plan: &Plan) -> ExperimentSpec {
        let mut spec = spec.clone();
        match self {
            Self::AsSpecified => {}
            Self::StatePlateau => {
                if let Some(nudge) = &mut spec.learning.nudge {
                    nudge.plateau = Plateau::State;
                }
            }
            Self::FixedBalance => {
                for (balance, of, through) in plan.balances() {
                    let Some(value) = expected_balance(plan, of, through) else {
                        continue;
                    };
                    spec.network.projections[balance.0].weight =
                        WeightSpec::Own(Constant { value }.into());
                }
            }
        }
        spec
    }
}

/// The expected weight of a [balance](burn_dendrite_nn::spec::Balance) at the start: minus the mean of the
/// excitation over that of the interneurons', shared by the interneurons.
fn expected_balance(plan: &Plan, of: ProjectionId, through: ProjectionId) -> Option<f64> {
    let mean = |id: ProjectionId| {
        let projection = plan.projection(id);
        let WeightSource::Own(init) = &projection.source else {
            return None;
        };
        let site = InitSite {
            cell: projection.site.cell,
            fan_in: projection.fan_in(),
        };
        Some(mean_of(init, &site))
    };
    let heard = plan.projection(through);
    let interneurons = match heard.wiring.geometry {
        Geometry::Dense | Geometry::Convolution(_) | Geometry::ReceptiveFields(_) => {
            heard.site.post
        }
        // Those of one place.
        Geometry::Local(local) => local.windows.output[0],
    };
    Some(-mean(of)? / (mean(through)? * interneurons as f64))
}

fn mean_of(init: &InitializerSpec, site: &InitSite) -> f64 {
    match init.distribution(site) {
        Distribution::Constant(value) => value,
        Distribution::Uniform { low, high } => (low + high) / 2.0,
        Distribution::Normal { mean, .. } => mean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_dendrite_train::presets;

    #[test]
    fn a_fixed_balance_starts_where_a_derived_one_does_on_average() {
        let spec = presets::load("mnist-mirrored-dtp").unwrap();
        let (plan, _) = spec.check().unwrap();
        assert_eq!(
            Variant::of(&spec, &plan),
            [Variant::StatePlateau, Variant::FixedBalance]
        );
        let fixed = Variant::FixedBalance.apply(&spec, &plan);
        fixed.check().unwrap();
        let name = "H1.E<-H1.SomaI".parse().unwrap();
        let id = plan.projection_named(&name).unwrap();
        // W ~ U(0, 2 √6/28) has the mean √6/28, X ~ U(0, 2/28) the mean 1/28, and there are ten.
        let WeightSpec::Own(InitializerSpec::Constant(Constant { value })) =
            &fixed.network.projections[id.0].weight
        else {
            panic!("{:?}", fixed.network.projections[id.0].weight);
        };
        assert!((value + 6.0_f64.sqrt() / 10.0).abs() < 1e-12, "{value}");
    }

    #[test]
    fn the_published_network_has_no_variants() {
        let spec = presets::load("mnist-dtp").unwrap();
        let (plan, _) = spec.check().unwrap();
        assert_eq!(Variant::of(&spec, &plan), []);
    }
}
