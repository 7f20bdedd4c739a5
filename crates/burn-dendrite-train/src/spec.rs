//! An experiment as data: a network, how it learns, and what applies the updates.

use burn::optim::ModuleOptimizer;
use burn_dendrite_nn::{
    NetworkSpec, Plan, SpecError, SpecErrors,
    spec::{Collector, Format, PopulationSpec, ProjectionSpec, Size, deserialize},
};
use burn_dendrite_optim::{
    Clipping, EiNetworkConfig, Learning, LearningSpec, Plasticity, PublishedNetworkConfig,
    phase::PopulationNudge,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    ScheduleSpec,
    budget::BudgetSpec,
    data::{DataSpec, Dataset, DatasetName, Splits},
    optimizer::OptimizerSpec,
    scaling::BatchScaling,
};

/// What is trained and how: everything but the data and the seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentSpec {
    /// A short name, e.g. `mnist-dtp`.
    pub name: String,
    /// One line on what it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where the values come from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The data set that it is trained on unless another one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetName>,
    /// Files of one's own to train on instead, how they are understood, and how values become rates.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: DataSpec,
    /// Anatomy and dynamics.
    pub network: NetworkSpec,
    /// Which parameter learns by which rule.
    pub learning: LearningSpec,
    /// What applies the updates; plain gradient descent, the reference's, unless given.
    #[serde(default)]
    pub optimizer: OptimizerSpec,
    /// How large a change may be before the optimizer sees it; as large as it is unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clipping: Option<Clipping>,
    /// How the factor on all learning rates changes over the run; constantly 1 unless given.
    #[serde(default)]
    pub schedule: ScheduleSpec,
    /// Steps in which all learning rates rise from nothing, in equal parts, to what they are; none unless
    /// given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub warm_up: usize,
    /// How the learning rates grow with the batch.
    #[serde(default)]
    pub batch_scaling: BatchScaling,
    /// The passes and batches that it is made for.
    #[serde(default)]
    pub budget: BudgetSpec,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ExperimentSpec {
    /// Reads a specification from text.
    ///
    /// # Errors
    ///
    /// All mistakes in keys, kinds and values at once, each with its path and the nearest accepted
    /// word. Names and sizes are checked by [`check`](Self::check).
    pub fn parse(text: &str, format: Format) -> Result<Self, SpecErrors> {
        let value = format.read(text);
        let wrong = |message: String| SpecError::new(format.as_str(), message);
        Self::from_value(value.map_err(wrong)?)
    }

    /// Reads a specification from a value, as [`parse`](Self::parse) does.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse).
    pub fn from_value(value: Value) -> Result<Self, SpecErrors> {
        let value = written_out(value)?;
        // serde stops at the first mistake, so the entries of the long lists are read one by one.
        let mut mistakes = Collector::default();
        let empty = Value::Null;
        let network = value.get("network").unwrap_or(&empty);
        mistakes.entries::<PopulationSpec>("network", network, "population", "name");
        mistakes.entries::<ProjectionSpec>("network", network, "projection", "name");
        let learning = value.get("learning").unwrap_or(&empty);
        mistakes.entries::<Plasticity>("learning", learning, "rule", "on");
        let nudge = learning.get("nudge").unwrap_or(&empty);
        mistakes.entries::<PopulationNudge>("learning.nudge", nudge, "population", "name");
        mistakes.finish()?;
        Ok(deserialize("", value)?)
    }

    /// The specification as a value in which every table is there, so that [`set`](crate::set::set)
    /// finds it.
    ///
    /// # Errors
    ///
    /// If a value has no form in JSON.
    pub fn to_value(&self) -> Result<Value, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        if let Some(table) = value.as_object_mut() {
            table.insert("data".to_owned(), serde_json::to_value(&self.data)?);
        }
        Ok(value)
    }

    /// What it is trained on unless something else is asked for: files of one's own, or a data set by
    /// its name.
    pub fn own_dataset(&self) -> Option<Dataset> {
        let files = self.data.path.as_deref().map(Dataset::from);
        files.or(self.dataset.map(Dataset::from))
    }

    /// Gives the first population and the output the sizes of these data, where they are left to them.
    pub fn fit(&mut self, data: &Splits) {
        let network = &mut self.network;
        let output = network.output_index();
        for (index, size) in [
            (Some(0), data.train.features()),
            (output, data.train.classes()),
        ] {
            let population = index.and_then(|index| network.populations.get_mut(index));
            if let Some(population) = population
                && population.size == Size::Data
            {
                population.size = size.into();
            }
        }
    }

    /// Whether a size is left to the data.
    pub fn is_sized_by_data(&self) -> bool {
        (self.network.populations.iter()).any(|population| population.size == Size::Data)
    }

    /// What applies the updates, by burn and without state.
    pub fn burn_optimizer(&self) -> ModuleOptimizer {
        let optimizer = self.optimizer.init();
        match self.clipping {
            Some(clipping) => optimizer.with_grad_clipping(clipping.for_burn().init()),
            None => optimizer,
        }
    }

    /// Checks names, sizes and rules, and resolves them.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with its path and what would be accepted.
    pub fn check(&self) -> Result<(Plan, Learning), SpecErrors> {
        let mut errors = Vec::new();
        if self.name.trim().is_empty() {
            errors.push(SpecError::new(
                "name",
                "it is empty; accepted: a short name",
            ));
        }
        errors.extend(
            self.optimizer
                .check()
                .err()
                .map(|message| SpecError::new("optimizer", message)),
        );
        let clipping = self.clipping.map_or(Ok(()), |clipping| clipping.check());
        errors.extend((clipping.err()).map(|message| SpecError::new("clipping", message)));
        errors.extend(
            self.data
                .check()
                .err()
                .map(|message| SpecError::new("data", message)),
        );
        if let (Some(dataset), Some(path)) = (self.dataset, &self.data.path) {
            let message = format!(
                "`dataset` is `{dataset}` and `data.path` is `{}`; accepted: one of them",
                path.display()
            );
            errors.push(SpecError::new("dataset", message));
        }
        errors.extend(
            self.budget
                .check()
                .err()
                .map(|message| SpecError::new("budget", message)),
        );
        errors.extend(
            self.schedule
                .check()
                .err()
                .map(|message| SpecError::new("schedule", message)),
        );
        match self.network.check() {
            Err(network) => {
                errors.extend(network.under("network"));
                SpecErrors::or(errors, || {
                    unreachable!("a network with mistakes has errors")
                })
            }
            Ok(plan) => match self.learning.check(&plan) {
                Err(learning) => {
                    errors.extend(learning.under("learning"));
                    SpecErrors::or(errors, || unreachable!("rules with mistakes have errors"))
                }
                Ok(learning) => SpecErrors::or(errors, || (plan, learning)),
            },
        }
    }
}

/// An anatomy by name, as a file writes it.
enum Anatomy {
    /// Layers whose feedback path mirrors the forward path.
    Mirrored(EiNetworkConfig),
    /// The layers of the paper.
    Published(PublishedNetworkConfig),
}

/// The names of anatomies.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnatomyKind {
    Mirrored,
    Published,
}

impl Anatomy {
    /// The kind first, so that mistakes in the other keys have their path.
    fn read(mut value: Value) -> Result<Self, SpecErrors> {
        let kind = value.as_object_mut().and_then(|table| table.remove("kind"));
        let Some(kind) = kind else {
            let message = "the key `kind` is missing; accepted: `mirrored`, `published`";
            return Err(SpecError::new("anatomy", message).into());
        };
        let anatomy = match deserialize("anatomy.kind", kind)? {
            AnatomyKind::Mirrored => Self::Mirrored(deserialize("anatomy", value)?),
            AnatomyKind::Published => Self::Published(deserialize("anatomy", value)?),
        };
        anatomy.check().map_err(|errors| errors.under("anatomy"))?;
        Ok(anatomy)
    }

    fn check(&self) -> Result<(), SpecErrors> {
        match self {
            Self::Mirrored(config) => config.check(),
            Self::Published(config) => config.check(),
        }
    }

    fn build(&self) -> (NetworkSpec, LearningSpec) {
        match self {
            Self::Mirrored(config) => config.build(),
            Self::Published(config) => config.build(),
        }
    }
}

/// How a mirrored network is trained that says nothing of it. Its rules ask for what gradient descent asks for, so
/// that the published protocol, plain descent at the rates of the rules, is nothing for it.
fn steps_of_mirrored() -> [(&'static str, Value); 4] {
    [
        ("optimizer", json!({ "kind": "adam", "epsilon": 1e-8 })),
        (
            "schedule",
            json!({ "kind": "cosine", "start": 0.001, "end": 0.0 }),
        ),
        ("batch_scaling", json!("none")),
        ("budget", json!({ "epochs": 12, "batch_size": 100 })),
    ]
}

/// The specification with its anatomy, if it names one, written out as populations, projections and rules.
fn written_out(mut value: Value) -> Result<Value, SpecErrors> {
    let Some(table) = value.as_object_mut() else {
        return Ok(value);
    };
    let Some(anatomy) = table.remove("anatomy") else {
        if !table.contains_key("network") {
            let message =
                "it is missing; accepted: a `network`, or an `anatomy`, which writes it out";
            return Err(SpecError::new("network", message).into());
        }
        return Ok(value);
    };
    for key in ["network", "learning"] {
        if table.contains_key(key) {
            let message = format!("an `anatomy` writes it; accepted: `anatomy` or `{key}`");
            return Err(SpecError::new(key, message).into());
        }
    }
    let anatomy = Anatomy::read(anatomy)?;
    let says_how = ["optimizer", "schedule"].map(|key| table.contains_key(key));
    if matches!(anatomy, Anatomy::Mirrored(_)) && says_how == [false; 2] {
        for (key, value) in steps_of_mirrored() {
            table.entry(key).or_insert(value);
        }
    }
    let (network, learning) = anatomy.build();
    let json = |key: &str, value: serde_json::Result<Value>| {
        value.map_err(|error| SpecError::new(key, error.to_string()))
    };
    let network = json("network", serde_json::to_value(network))?;
    let learning = json("learning", serde_json::to_value(learning))?;
    table.insert("network".to_owned(), network);
    table.insert("learning".to_owned(), learning);
    Ok(value)
}
