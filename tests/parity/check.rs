//! What is checked of one fixture.

use std::collections::{BTreeMap, BTreeSet};

use burn::{
    module::Module,
    optim::SgdConfig,
    tensor::{Device, Tensor, TensorData},
};
use burn_dendrite::{
    nn::{
        Event, Network, NetworkState, Parameter, Phase, PopulationId, ProjectionId, ProjectionName,
    },
    optim::{Learning, Outcome, RuleMemory, Updates},
    train::DeviceName,
};

use crate::{
    backend::Backend,
    compare::{Comparison, values},
    fixture::{Fixture, Matrix, Rows},
    memory, quantities,
};

/// Checks a fixture on a backend.
///
/// On success the largest relative error of each pass.
pub(crate) fn check(fixture: &Fixture, backend: &Backend) -> Result<String, String> {
    let device = backend.device.clone();
    let plan = fixture
        .network
        .check()
        .map_err(|errors| format!("network: {errors}"))?;
    let learning = fixture
        .learning
        .check(&plan)
        .map_err(|errors| format!("learning: {errors}"))?;
    if fixture.samples.is_empty() {
        return Err("there is no sample".to_owned());
    }
    let network = Network::new(plan.clone(), 0, &device);
    // burn's optimizers want parameters on an autodiff device; the dynamics strip that again.
    let on_autodiff = Network::new(plan, 0, &device.clone().autodiff()).no_grad();
    let subject = Subject {
        tolerance: backend.tolerance(fixture.tolerance),
        fixture,
        learning,
        device,
    };

    let apply = |network: Network, updates: Updates| updates.apply(network);
    let (learning, device) = (&subject.learning, &subject.device);
    let mut passes = vec![
        subject.start(network.clone())?,
        subject.train(
            "every sample afresh",
            Start::Recorded,
            network.clone(),
            apply,
        )?,
        subject.train("one after another", Start::Previous, network.clone(), apply)?,
        subject.descend(on_autodiff)?,
        subject.batch(network.clone())?,
    ];
    if backend.name == DeviceName::Flex {
        passes.extend([
            memory::train(fixture, learning, Start::Recorded, device, &network)?,
            memory::train(fixture, learning, Start::Previous, device, &network)?,
            memory::batch(fixture, learning, device, &network)?,
        ]);
    }
    let failures: Vec<String> = passes.iter().filter_map(Comparison::failure).collect();
    if !failures.is_empty() {
        return Err(failures.join("\n"));
    }
    let summaries: Vec<String> = passes.iter().map(Comparison::summary).collect();
    Ok(format!(
        "largest relative errors\n  {}",
        summaries.join("\n  ")
    ))
}

/// The weights that a training step starts from.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Start {
    /// Those recorded after the step before.
    Recorded,
    /// Those that our own step before left; rounding errors grow.
    Previous,
}

struct Subject<'a> {
    fixture: &'a Fixture,
    tolerance: f64,
    learning: Learning,
    device: Device,
}

impl Subject<'_> {
    /// The start is lawful already, and the network computes the right outputs for many inputs.
    fn start(&self, network: Network) -> Result<Comparison, String> {
        let Fixture {
            weights,
            biases,
            inputs,
            batched_forward_output,
            ..
        } = self.fixture;
        let mut comparison = Comparison::new("start", self.tolerance);
        let network = put(&self.device, network, weights, biases)?;
        quantities::parameters(&mut comparison, "as set", &network, weights, biases);
        let constrained = network.clone().constrained();
        quantities::parameters(
            &mut comparison,
            "constrained",
            &constrained,
            weights,
            biases,
        );
        if let Some(seed) = self.fixture.seed {
            let drawn = self.fixture.network.init(seed, &self.device);
            let drawn = drawn.map_err(|errors| errors.to_string())?;
            quantities::parameters(
                &mut comparison,
                "drawn from the seed",
                &drawn,
                weights,
                biases,
            );
        }
        let output = network.forward(tensor(&self.device, inputs));
        comparison.array("output of all inputs", output, batched_forward_output);
        Ok(comparison)
    }

    /// All training steps in order.
    fn train(
        &self,
        pass: &'static str,
        start: Start,
        mut network: Network,
        mut update: impl FnMut(Network, Updates) -> Network,
    ) -> Result<Comparison, String> {
        let allowance = if start == Start::Recorded { 1.0 } else { 10.0 };
        let mut comparison = Comparison::new(pass, self.tolerance * allowance);
        let mut weights = &self.fixture.weights;
        let mut biases = self.fixture.biases.clone();
        let memory = self.learning.memory(&network);
        for (index, sample) in self.fixture.samples.iter().enumerate() {
            if index == 0 || start == Start::Recorded {
                network = put(&self.device, network, weights, &biases)?;
            }
            let place = |quantity: &str| format!("sample {index}, {quantity}");
            let (dynamics, outcome) = self.step(&network, &memory, index..index + 1);
            if index == 0 {
                quantities::dynamics(&mut comparison, &network, &dynamics, sample);
            }
            let (trace, loss) = (&outcome.trace, outcome.loss.clone());
            quantities::outcome(&mut comparison, &place, &network, trace, loss, sample);
            network = update(network, outcome.into_updates(&memory));
            weights = &sample.weights;
            biases.extend(sample.biases.clone());
            quantities::parameters(
                &mut comparison,
                &place("updated"),
                &network,
                weights,
                &biases,
            );
        }
        Ok(comparison)
    }

    /// Plain SGD of burn with rate 1 is the reference: any other optimizer can take its place.
    fn descend(&self, network: Network) -> Result<Comparison, String> {
        let mut optimizer = SgdConfig::new().init();
        self.train(
            "through burn's SGD",
            Start::Recorded,
            network,
            |network, updates| {
                let changed: BTreeSet<Parameter> = updates.parameters().collect();
                let grads = updates.into_grads(&network);
                let network = optimizer.step(1.0, network, grads);
                network.constrained_where(|parameter| changed.contains(&parameter))
            },
        )
    }

    /// A batch of two gives the mean of the updates that its samples give alone, the second one
    /// with the memory that the first one left, and leaves the same memory.
    fn batch(&self, network: Network) -> Result<Comparison, String> {
        let mut comparison = Comparison::new("batch of two", self.tolerance);
        let network = put(
            &self.device,
            network,
            &self.fixture.weights,
            &self.fixture.biases,
        )?;
        let plan = network.plan();
        let [apart, together] = [(); 2].map(|()| self.learning.memory(&network));
        let updates = |memory: &RuleMemory, samples: std::ops::Range<usize>| {
            self.step(&network, memory, samples).1.into_updates(memory)
        };
        let [one, two] = [0..1, 1..2].map(|samples| updates(&apart, samples));
        let both = updates(&together, 0..2);
        for (apart, together) in apart.values().into_iter().zip(together.values()) {
            let recorded = values(apart.unsqueeze());
            comparison.array("memory of a rule", together.unsqueeze(), &recorded);
        }
        for parameter in self.learning.learned() {
            let place = match parameter {
                Parameter::Weight(id) => format!("update of {}", plan.projection(id).name),
                Parameter::Bias(id) => format!("update of {}<-bias", plan.populations[id].name),
            };
            match (one.get(parameter), two.get(parameter), both.get(parameter)) {
                (Some(one), Some(two), Some(both)) => {
                    comparison.array(&place, both, &values((one + two) / 2.0));
                }
                _ => comparison.fault(&place, "it learns, but there is none"),
            }
        }
        Ok(comparison)
    }

    /// One training step up to the updates, and the states of its forward phase.
    fn step(
        &self,
        network: &Network,
        memory: &RuleMemory,
        samples: std::ops::Range<usize>,
    ) -> (Vec<NetworkState>, Outcome) {
        let mut dynamics = Vec::new();
        let input = tensor(&self.device, &self.fixture.inputs[samples.clone()]);
        let target = tensor(&self.device, &self.fixture.targets[samples]);
        let outcome =
            self.learning.run(
                network,
                memory,
                input,
                target,
                &mut |event: Event<'_>| match event {
                    Event::Step {
                        phase: Phase::Forward,
                        state,
                        ..
                    } => dynamics.push(state.clone()),
                    Event::Step {
                        phase: Phase::Backward,
                        ..
                    } => {}
                },
            );
        (dynamics, outcome)
    }
}

/// The network with these weights and biases, exactly.
pub(crate) fn put(
    device: &Device,
    mut network: Network,
    weights: &BTreeMap<ProjectionName, Matrix>,
    biases: &Rows,
) -> Result<Network, String> {
    for index in 0..network.plan().projections.len() {
        let id = ProjectionId(index);
        let projection = network.plan().projection(id);
        if projection.is_owned() {
            let values = weights.get(&projection.name);
            let values = values.ok_or(format!("`{}` has no weights", projection.name))?;
            network = network.with_weight(id, tensor(device, values));
        }
    }
    for index in 0..network.plan().populations.len() {
        let id = PopulationId(index);
        let population = &network.plan().populations[id];
        if population.bias.is_some() {
            let values = biases.get(&population.name);
            let values = values.ok_or(format!("`{}` has no bias", population.name))?;
            let bias = Tensor::from_data(TensorData::from(values.as_slice()), device);
            network = network.with_bias(id, bias);
        }
    }
    Ok(network)
}

/// Rows as a tensor on the default device.
pub(crate) fn tensor(device: &Device, rows: &[Vec<f32>]) -> Tensor<2> {
    let shape = [rows.len(), rows.first().map_or(0, Vec::len)];
    Tensor::from_data(TensorData::new(rows.concat(), shape), device)
}
