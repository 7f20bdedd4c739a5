//! `dendrite perturb`, and what other commands perturb.

use burn_dendrite_nn::perturb::{Action, During, Perturbation};
use clap::Args;

/// What is perturbed beside what the run itself is.
#[derive(Args, Debug)]
pub(super) struct PerturbArguments {
    /// Perturb the trained network, e.g. `H1.SomaI: silence 0.3 of cells`; may be repeated.
    #[arg(long = "perturb", value_name = "PERTURBATION", value_parser = in_test)]
    perturb: Vec<Perturbation>,
}

impl PerturbArguments {
    /// The perturbations, in test alone.
    pub(super) fn during_test(&self) -> impl Iterator<Item = Perturbation> {
        self.perturb.iter().cloned()
    }
}

/// A perturbation of a network that does not learn any more.
fn in_test(text: &str) -> Result<Perturbation, String> {
    // `prune` is of the test alone, and need not say so here.
    let parsed = text.parse::<Perturbation>();
    let parsed = parsed.or_else(|error| format!("{text} during test").parse().map_err(|_| error));
    let perturbation = parsed.map_err(|error| error.to_string())?;
    match (perturbation.action, perturbation.during) {
        (Action::Freeze, _) | (_, During::Train) => Err(
            "a trained network is perturbed in test alone; accepted: no `freeze`, and no `during \
             train`"
                .to_owned(),
        ),
        _ => Ok(perturbation.during(During::Test)),
    }
}
