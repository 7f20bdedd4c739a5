//! A training step, up to its updates.

use super::*;
use burn::tensor::Tolerance;
use burn::{optim::AdamConfig, tensor::Int};
use burn_dendrite_nn::{
    NetworkSpec, ProjectionId,
    perturb::{Occasion, Perturbations},
};

use crate::{DendriticInhibition, LearningSpec};

#[test]
fn a_step_of_adam_is_lawful_and_learns_on_a_plain_network() {
    let device = crate::test_device();
    let (spec, learning) = crate::EiNetworkConfig::new(8, [12], 3).build();
    let mut network = spec.init(1, &device).unwrap();
    let learning = learning.check(network.plan()).unwrap();
    let memory = learning.memory(&network);
    let mut optimizer = AdamConfig::new().init();
    let inputs = Tensor::<2>::eye(8, &device).slice([0..6, 0..8]);
    let classes = Tensor::<1, Int>::from_ints([0, 1, 2, 0, 1, 2], &device);
    let targets = classes.one_hot::<2>(3).float();
    let mut losses = Vec::new();
    for _ in 0..60 {
        let outcome = learning.run(&network, &memory, inputs.clone(), targets.clone(), &mut ());
        losses.push(outcome.loss.clone().into_scalar::<f32>());
        network = outcome.optimize(&mut optimizer, 0.05, network, &memory);
    }
    assert!(
        losses[59] < 0.2 * losses[0],
        "{} to {}",
        losses[0],
        losses[59]
    );
    for (index, projection) in network.plan().projections.iter().enumerate() {
        let sign = projection.site.cell.sign();
        let weight = network.weight(burn_dendrite_nn::ProjectionId(index)) * sign;
        assert!(!weight.is_autodiff());
        assert!(
            weight.min().into_scalar::<f32>() >= 0.0,
            "{}",
            projection.name
        );
    }
}

#[test]
fn backprop_descends_on_the_loss_of_the_perturbed_network() {
    let device = crate::test_device();
    let spec: NetworkSpec = toml::from_str(
        r#"
        tau = 1.0
        steps = 1
        population = [
            { name = "Input.E", size = 1, cell = "excitatory" },
            { name = "H.E", size = 1, cell = "excitatory" },
            { name = "Output.E", size = 1, cell = "excitatory" },
        ]
        projection = [
            { name = "H.E<-Input.E", weight = { kind = "constant", value = 1.0 } },
            { name = "Output.E<-H.E", weight = { kind = "constant", value = 1.0 } },
        ]
        "#,
    )
    .unwrap();
    let learning: LearningSpec = toml::from_str(
        r#"
        tracked_steps = 1
        rule = [
            { on = "H.E<-Input.E", learning_rate = 1.0, rule = { kind = "backprop" } },
            { on = "Output.E<-H.E", learning_rate = 1.0, rule = { kind = "backprop" } },
        ]
        "#,
    )
    .unwrap();
    let network = spec.init(0, &device).unwrap();
    let learning = learning.check(network.plan()).unwrap();
    let half = ["H.E: scale 0.5".parse().unwrap()];
    let perturbations = Perturbations::resolve(&half, network.plan(), 0).unwrap();
    let conditions = Conditions {
        effects: perturbations.effects(Occasion::Train),
        ..Conditions::default()
    };
    let input = Tensor::from_floats([[0.8]], &device);
    let target = Tensor::from_floats([[1.0]], &device);
    let memory = learning.memory(&network);
    let updates = learning
        .run_under(&conditions, &network, &memory, input, target, &mut ())
        .updates;
    // r = 0.5 · 0.8 = 0.4 on both; -∂(1 - 0.4)²/∂w is 2 · 0.6 · 0.4 for either weight.
    for id in [0, 1].map(ProjectionId) {
        let change = updates.get(Parameter::Weight(id)).unwrap().into_data();
        let expected = burn::tensor::TensorData::from([[0.48f32]]);
        change.assert_approx_eq::<f32>(&expected, Tolerance::default());
    }
    let frozen = [Parameter::Weight(ProjectionId(0))];
    let left: Vec<Parameter> = learning.without(&frozen).learned().collect();
    assert_eq!(left, [Parameter::Weight(ProjectionId(1))]);
}

/// An input, two hidden populations with dendrites of which one is nudged, interneurons, and an output.
#[test]
fn states_that_a_step_leaves() {
    use State::{Activity, Dendrite, NudgedActivity, NudgedDendrite, Plateau, Soma};
    let spec: NetworkSpec = toml::from_str(
        r#"
        tau = 1.0
        steps = 1
        population = [
            { name = "Input.E", size = 1, cell = "excitatory" },
            { name = "H1.E", size = 1, cell = "excitatory" },
            { name = "H2.E", size = 1, cell = "excitatory" },
            { name = "H2.SomaI", size = 1, cell = "inhibitory" },
            { name = "Output.E", size = 1, cell = "excitatory" },
        ]
        projection = [
            { name = "H1.E<-Input.E", weight = { kind = "constant", value = 1.0 } },
            { name = "H2.E<-H1.E", weight = { kind = "constant", value = 1.0 } },
            { name = "H2.SomaI<-H1.E", weight = { kind = "constant", value = 1.0 } },
            { name = "Output.E<-H2.E", weight = { kind = "constant", value = 1.0 } },
            { name = "H1.E<-H2.E", compartment = "dendrite", active = "backward", weight = { kind = "constant", value = 1.0 } },
            { name = "H2.E<-Output.E", compartment = "dendrite", active = "backward", weight = { kind = "constant", value = 1.0 } },
        ]
        "#,
    )
    .unwrap();
    let plan = spec.check().unwrap();
    let learning = |nudge: &str| {
        let text = format!(
            "{nudge}\nrule = [{{ on = \"H1.E<-Input.E\", learning_rate = 0.1, \
             rule = {{ kind = \"hebbian\", phase = \"forward\" }} }}]"
        );
        let learning: LearningSpec = toml::from_str(&text).unwrap();
        learning.check(&plan).unwrap()
    };
    let check = |nudge: &str, state: State, expected: [bool; 5]| {
        let learning = learning(nudge);
        let left = [0, 1, 2, 3, 4].map(|id| state.is_left(&plan, &learning, PopulationId(id)));
        assert_eq!(left, expected, "{state:?} with `{nudge}`");
    };
    let dendrites = [false, true, true, false, false];
    let nudge = r#"nudge = { population = [{ name = "H2.E" }, { name = "Output.E" }] }"#;
    for nudge in ["", nudge] {
        check(nudge, Soma, [true; 5]);
        check(nudge, Activity, [true; 5]);
        check(nudge, Dendrite, dendrites);
    }
    for state in [NudgedActivity, NudgedDendrite, Plateau] {
        check("", state, [false; 5]);
    }
    check(nudge, NudgedActivity, [true; 5]);
    check(nudge, NudgedDendrite, [false, true, true, false, true]);
    check(nudge, Plateau, [false, false, true, false, true]);
    let output = r#"nudge = { settling = "output_only" }"#;
    check(output, NudgedDendrite, [false, false, false, false, true]);
    check(output, Plateau, [false, false, false, false, true]);
}

#[test]
fn dendritic_states_that_nobody_reads_are_left_out_and_nothing_else_changes() {
    let device = crate::test_device();
    let step = |inhibition, dendrites, perturbation: Option<&str>| {
        let config = crate::EiNetworkConfig::new(4, [3, 3], 2);
        let (spec, learning) = config.with_dendritic_inhibition(inhibition).build();
        let network = spec.init(1, &device).unwrap();
        let learning = learning.check(network.plan()).unwrap();
        let perturbations: Vec<_> = perturbation.iter().map(|it| it.parse().unwrap()).collect();
        let perturbations = Perturbations::resolve(&perturbations, network.plan(), 0).unwrap();
        let conditions = Conditions {
            effects: perturbations.effects(Occasion::Train),
            ..Conditions::default()
        };
        let input = Tensor::from_floats([[0.3, 0.9, 0.0, 0.5], [1.0, 0.2, 0.7, 0.0]], &device);
        let target = Tensor::from_floats([[1.0, 0.0], [0.0, 1.0]], &device);
        let outcome = learning.run_under(
            &conditions.with_dendrites(dendrites),
            &network,
            &learning.memory(&network),
            input,
            target,
            &mut (),
        );
        let changes: Vec<_> = (learning.learned())
            .map(|parameter| outcome.updates.get(parameter).unwrap().to_values())
            .collect();
        let dendrites = outcome.trace.dendrite.iter();
        let left: Vec<usize> = dendrites
            .filter(|(_, state)| state.is_some())
            .map(|(id, _)| id.0)
            .collect();
        (changes, left)
    };
    // The excitatory cells of both layers, which come after their somatic interneurons.
    let both = vec![2, 5];
    let (changes, left) = step(DendriticInhibition::Mirror, DendriticStates::All, None);
    assert_eq!(left, both);
    let needed = step(DendriticInhibition::Mirror, DendriticStates::Needed, None);
    assert_eq!(needed, (changes, Vec::new()));
    // A rule keeps the dendrites that it feels at rest.
    let all = step(DendriticInhibition::Learned, DendriticStates::All, None);
    let needed = step(DendriticInhibition::Learned, DendriticStates::Needed, None);
    assert_eq!((&needed, &needed.1), (&all, &both));
    // Noise is drawn for each state that is computed.
    let noise = Some("H1.E.dendrite: noise 0.5");
    let all = step(DendriticInhibition::Mirror, DendriticStates::All, noise);
    let needed = step(DendriticInhibition::Mirror, DendriticStates::Needed, noise);
    assert_eq!((&needed, &needed.1), (&all, &both));
}
