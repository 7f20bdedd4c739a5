//! The conditions in which a network is trained and tested.

use burn_dendrite_nn::{
    CellType, Compartment, Plan, PopulationId,
    perturb::{Action, During, Perturbation, PerturbationTarget},
};
use burn_dendrite_train::ExperimentSpec;

use super::Variant;

/// A training, and what is perturbed in the test beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What it is, in some words.
    pub name: String,
    /// What is different in the specification of the run.
    pub variant: Variant,
    /// What is perturbed in the run, in training or in test.
    pub run: Vec<Perturbation>,
    /// What is perturbed in the test of the trained network alone.
    pub test: Vec<Perturbation>,
}

/// The name of the condition without perturbations, with which all others are compared.
pub const UNPERTURBED: &str = "unperturbed";

/// Standard deviations of the noise on the input, whose range is [0, 1] for images.
const NOISES: [f64; 2] = [0.1, 0.3];
/// Shares of the weights that are pruned.
const PRUNED: [f64; 2] = [0.5, 0.9];

/// The conditions that fit a network, the unperturbed one first:
///
/// ```text
/// each inhibitory cell type   silent in training, in test, and in both; in training, of each layer alone
/// plateau, balance            the state instead of its change; fixed at the start ([`Variant`])
/// cells that inhibit          fixed: their inputs do not learn
///   dendrites
/// feedback                    cut, and shuffled: the cells that send it change places
/// input                       with noise in the test
/// all weights                 the smallest half, and nine tenths, pruned in the test
/// ```
///
/// A cell type is all populations of that name, `DendI` of every layer. Feedback is what excites
/// dendrites. `plan` is that of `spec`.
pub fn standard_set(spec: &ExperimentSpec, plan: &Plan) -> Vec<Condition> {
    let mut set = vec![Condition {
        name: UNPERTURBED.to_owned(),
        variant: Variant::AsSpecified,
        run: Vec::new(),
        test: Vec::new(),
    }];
    let mut add = |name: String, run: Vec<Perturbation>, test: Vec<Perturbation>| {
        if !(run.is_empty() && test.is_empty()) {
            set.push(Condition {
                name,
                variant: Variant::AsSpecified,
                run,
                test,
            });
        }
    };
    for (name, ids) in cell_types(plan) {
        let silent = |during| of_populations(plan, &ids, Action::Silence, during);
        let (train, test) = (silent(During::Train), silent(During::Test));
        add(
            format!("{name} silent in training"),
            train.clone(),
            Vec::new(),
        );
        add(format!("{name} silent in test"), Vec::new(), test.clone());
        add(format!("{name} silent in both"), train, test);
        for id in ids.iter().filter(|_| ids.len() > 1) {
            let alone = of_populations(plan, &[*id], Action::Silence, During::Train);
            let name = format!("{} silent in training", plan.populations[*id].name);
            add(name, alone, Vec::new());
        }
        let inhibits_dendrites = |id: &PopulationId| {
            let mut projections = plan.projections.iter();
            projections.any(|it| it.pre == *id && it.compartment == Compartment::Dendrite)
        };
        if ids.iter().any(inhibits_dendrites) {
            let fixed = of_populations(plan, &ids, Action::Freeze, During::Both);
            add(format!("{name} fixed"), fixed, Vec::new());
        }
    }
    let feedback = |action| {
        let feedback = plan.projections.iter().filter(|it| {
            it.compartment == Compartment::Dendrite
                && plan.populations[it.pre].cell != CellType::Inhibitory
        });
        let targets = feedback.map(|it| PerturbationTarget::Projection(it.name.clone()));
        targets
            .map(|target| Perturbation::new(target, action))
            .collect()
    };
    add(
        "feedback cut".to_owned(),
        feedback(Action::Silence),
        Vec::new(),
    );
    add(
        "feedback shuffled".to_owned(),
        feedback(Action::Shuffle),
        Vec::new(),
    );
    for deviation in NOISES {
        let action = Action::Noise(deviation);
        let noise = of_populations(plan, &[plan.input], action, During::Test);
        add(
            format!("input noise {deviation} in test"),
            Vec::new(),
            noise,
        );
    }
    for share in PRUNED {
        let owned = plan.projections.iter().filter(|it| it.is_owned());
        let pruned = owned.map(|it| {
            let target = PerturbationTarget::Projection(it.name.clone());
            Perturbation::new(target, Action::Prune(share)).during(During::Test)
        });
        let name = format!("{:.0} % of weights pruned in test", 100.0 * share);
        add(name, Vec::new(), pruned.collect());
    }
    set.extend(
        (Variant::of(spec, plan).into_iter()).map(|variant| Condition {
            name: variant.name().to_owned(),
            variant,
            run: Vec::new(),
            test: Vec::new(),
        }),
    );
    set
}

/// The trainings that conditions need, each once and under the name of the first that needs it.
pub fn trainings(conditions: &[Condition]) -> Vec<&Condition> {
    let mut trainings: Vec<&Condition> = Vec::new();
    for condition in conditions {
        if !trainings.iter().any(|it| shares_training(it, condition)) {
            trainings.push(condition);
        }
    }
    trainings
}

/// The condition whose training a condition shares; itself if it is the first of its training.
pub fn training_of<'a>(conditions: &'a [Condition], condition: &'a Condition) -> &'a Condition {
    let mut all = conditions.iter();
    all.find(|it| shares_training(it, condition))
        .unwrap_or(condition)
}

fn shares_training(one: &Condition, other: &Condition) -> bool {
    (one.variant, &one.run) == (other.variant, &other.run)
}

/// The inhibitory populations of each name, in the order of the plan.
fn cell_types(plan: &Plan) -> Vec<(&str, Vec<PopulationId>)> {
    let mut types: Vec<(&str, Vec<PopulationId>)> = Vec::new();
    for (id, population) in plan.populations.iter() {
        if population.cell != CellType::Inhibitory {
            continue;
        }
        let name = population.name.population();
        match types.iter_mut().find(|(known, _)| *known == name) {
            Some((_, ids)) => ids.push(id),
            None => types.push((name, vec![id])),
        }
    }
    types
}

fn of_populations(
    plan: &Plan,
    ids: &[PopulationId],
    action: Action,
    during: During,
) -> Vec<Perturbation> {
    let target = |id: &PopulationId| {
        let name = plan.populations[*id].name.clone();
        Perturbation::new(PerturbationTarget::Population(name), action).during(during)
    };
    ids.iter().map(target).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_dendrite_train::presets;

    fn conditions(preset: &str) -> Vec<Condition> {
        let spec = presets::load(preset).unwrap();
        let (plan, _) = spec.check().unwrap();
        standard_set(&spec, &plan)
    }

    #[test]
    fn the_set_of_a_network_with_two_kinds_of_inhibition() {
        let set = conditions("mnist-dtp");
        let words = |list: &[Perturbation]| -> Vec<String> {
            list.iter().map(Perturbation::to_string).collect()
        };
        let of = |name: &str| {
            let found = set.iter().find(|it| it.name == name).unwrap();
            (words(&found.run), words(&found.test))
        };
        assert_eq!(set.len(), 19);
        let (run, test) = of("DendI silent in both");
        assert_eq!(
            (run.join(", "), test.join(", ")),
            (
                "H1.DendI: silence during train, H2.DendI: silence during train".to_owned(),
                "H1.DendI: silence during test, H2.DendI: silence during test".to_owned()
            )
        );
        let fixed = ["H1.DendI: freeze", "H2.DendI: freeze"];
        assert_eq!(of("DendI fixed").0, fixed);
        let cut = ["H1.E<-H2.E: silence", "H2.E<-Output.E: silence"];
        assert_eq!(of("feedback cut").0, cut);
        // Of 19 projections two are tied.
        let (_, pruned) = of("90 % of weights pruned in test");
        assert_eq!(pruned.len(), plan_projections("mnist-dtp") - 2);
        let names: Vec<&str> = trainings(&set).iter().map(|it| it.name.as_str()).collect();
        assert_eq!(
            names,
            [
                UNPERTURBED,
                "SomaI silent in training",
                "H1.SomaI silent in training",
                "H2.SomaI silent in training",
                "Output.SomaI silent in training",
                "DendI silent in training",
                "H1.DendI silent in training",
                "H2.DendI silent in training",
                "DendI fixed",
                "feedback cut",
                "feedback shuffled"
            ]
        );
    }

    fn plan_projections(preset: &str) -> usize {
        presets::load(preset).unwrap().network.projections.len()
    }

    #[test]
    fn a_network_without_inhibition_and_feedback_has_noise_and_pruning() {
        let set = conditions("mnist-backprop-ann");
        assert_eq!(set.len(), 1 + NOISES.len() + PRUNED.len());
    }
}
